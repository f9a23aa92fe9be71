/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-device-row.h"
#include "views/tess-device-view.h"
#include "views/tess-views.h"

#include <adwaita.h>
#include <glib/gi18n.h>

struct _TessDeviceView
{
  GtkWidget parent_instance;

  GtkLabel    *title;
  GtkLabel    *empty;
  GtkSpinner  *spinner;
  GtkListBox  *active;
  GtkListBox  *inactive;
  GtkExpander *more;

  TessDeviceList *list;
  gboolean        comparing;
};

G_DEFINE_FINAL_TYPE (TessDeviceView, tess_device_view, GTK_TYPE_WIDGET)

static void
clear_box (GtkListBox *box)
{
  GtkWidget *row;

  while ((row = GTK_WIDGET (gtk_list_box_get_row_at_index (box, 0))) != NULL)
    gtk_list_box_remove (box, row);
}

/* Which devices stand where; false when the rows are right already and the keyboard focus had better stay. */
static gboolean
rows_differ (TessDeviceView *self, GPtrArray *active, GPtrArray *inactive)
{
  GPtrArray *wanted[] = { active, inactive };
  GtkListBox *boxes[] = { self->active, self->inactive };

  for (guint i = 0; i < 2; i++)
    {
      for (guint k = 0; k < wanted[i]->len; k++)
        {
          GtkListBoxRow *row = gtk_list_box_get_row_at_index (boxes[i], (int) k);
          if (row == NULL || tess_device_row_get_device (TESS_DEVICE_ROW (row)) != g_ptr_array_index (wanted[i], k))
            return TRUE;
        }
      if (gtk_list_box_get_row_at_index (boxes[i], (int) wanted[i]->len) != NULL)
        return TRUE;
    }
  return FALSE;
}

static void
rebuild (TessDeviceView *self)
{
  g_autoptr (GPtrArray) active = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) inactive = g_ptr_array_new_with_free_func (g_object_unref);
  guint n = self->list != NULL ? g_list_model_get_n_items (G_LIST_MODEL (self->list)) : 0;

  for (guint i = 0; i < n; i++)
    {
      TessDevice *device = g_list_model_get_item (G_LIST_MODEL (self->list), i);
      gboolean in_front = tess_device_get_active (device) || tess_device_get_local (device) || tess_device_get_key_alarm (device);

      g_ptr_array_add (in_front ? active : inactive, device);
    }
  if (rows_differ (self, active, inactive))
    {
      clear_box (self->active);
      clear_box (self->inactive);
      for (guint i = 0; i < active->len; i++)
        {
          GtkWidget *row = tess_device_row_new (self->list, g_ptr_array_index (active, i));

          tess_device_row_set_comparing (TESS_DEVICE_ROW (row), self->comparing);
          gtk_list_box_append (self->active, row);
        }
      for (guint i = 0; i < inactive->len; i++)
        gtk_list_box_append (self->inactive, tess_device_row_new (self->list, g_ptr_array_index (inactive, i)));
    }

  gboolean loading = self->list != NULL && tess_device_list_get_loading (self->list);
  g_autofree char *more = g_strdup_printf (ngettext ("%u device no longer in use", "%u devices no longer in use", inactive->len),
                                           inactive->len);
  gtk_expander_set_label (self->more, more);
  gtk_widget_set_visible (GTK_WIDGET (self->more), inactive->len > 0);
  gtk_widget_set_visible (GTK_WIDGET (self->active), active->len > 0);
  gtk_widget_set_visible (GTK_WIDGET (self->empty), active->len == 0 && !loading);
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), active->len == 0 && loading);
  gtk_spinner_set_spinning (self->spinner, active->len == 0 && loading);
}

static void
watch_device (gpointer device, gpointer self)
{
  g_signal_connect_object (device, "notify::active", G_CALLBACK (rebuild), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (device, "notify::key-alarm", G_CALLBACK (rebuild), self, G_CONNECT_SWAPPED);
}

static void
items_changed_cb (TessDeviceView *self, guint position, guint removed, guint added)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (TessDevice) device = g_list_model_get_item (G_LIST_MODEL (self->list), i);
      g_signal_handlers_disconnect_by_func (device, rebuild, self);
      watch_device (device, self);
    }
  rebuild (self);
}

static void
tess_device_view_dispose (GObject *object)
{
  TessDeviceView *self = TESS_DEVICE_VIEW (object);

  g_clear_object (&self->list);
  tess_views_dispose (GTK_WIDGET (self), TESS_TYPE_DEVICE_VIEW);
  G_OBJECT_CLASS (tess_device_view_parent_class)->dispose (object);
}

static void
tess_device_view_class_init (TessDeviceViewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_device_view_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/device-view.ui");
  gtk_widget_class_bind_template_child (widget_class, TessDeviceView, title);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceView, empty);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceView, spinner);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceView, active);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceView, inactive);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceView, more);
}

static void
tess_device_view_init (TessDeviceView *self)
{
  GtkLayoutManager *layout;

  gtk_widget_init_template (GTK_WIDGET (self));
  layout = gtk_widget_get_layout_manager (GTK_WIDGET (self));
  gtk_orientable_set_orientation (GTK_ORIENTABLE (layout), GTK_ORIENTATION_VERTICAL);
  gtk_box_layout_set_spacing (GTK_BOX_LAYOUT (layout), 8);
}

void
tess_device_view_set (TessDeviceView *self, const char *title, const char *empty, TessDeviceList *list)
{
  g_return_if_fail (TESS_IS_DEVICE_VIEW (self));

  if (self->list != NULL)
    g_signal_handlers_disconnect_by_data (self->list, self);
  g_set_object (&self->list, list);
  gtk_label_set_text (self->title, title);
  gtk_label_set_text (self->empty, empty);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->active), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
  if (list != NULL)
    {
      g_signal_connect_object (list, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (list, "notify::loading", G_CALLBACK (rebuild), self, G_CONNECT_SWAPPED);
      items_changed_cb (self, 0, 0, g_list_model_get_n_items (G_LIST_MODEL (list)));
    }
  else
    rebuild (self);
}

void
tess_device_view_set_comparing (TessDeviceView *self, gboolean comparing)
{
  GtkListBoxRow *row;

  g_return_if_fail (TESS_IS_DEVICE_VIEW (self));
  self->comparing = comparing;
  for (int i = 0; (row = gtk_list_box_get_row_at_index (self->active, i)) != NULL; i++)
    tess_device_row_set_comparing (TESS_DEVICE_ROW (row), comparing);
}
