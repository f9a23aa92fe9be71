/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-device-row.h"
#include "views/tess-fingerprint.h"
#include "views/tess-signs.h"
#include "views/tess-text.h"

#include <adwaita.h>
#include <glib/gi18n.h>

struct _TessDeviceRow
{
  GtkListBoxRow parent_instance;

  GtkImage        *icon;
  GtkLabel        *title;
  GtkLabel        *subtitle;
  GtkLabel        *alarm;
  GtkLabel        *no_key;
  GtkDropDown     *trust;
  GtkWidget       *copy;
  TessFingerprint *fingerprint;

  TessDeviceList *list;
  TessDevice     *device;
  GCancellable   *cancellable;
  gboolean        updating;
};

G_DEFINE_FINAL_TYPE (TessDeviceRow, tess_device_row, GTK_TYPE_LIST_BOX_ROW)

/* The order in which the choices stand. */
static const TessTrust choices[] = { TESS_TRUST_VERIFIED, TESS_TRUST_BLIND, TESS_TRUST_UNDECIDED, TESS_TRUST_DISTRUSTED };

static void
show_trust (TessDeviceRow *self, TessTrust trust)
{
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    if (choices[i] == trust)
      {
        self->updating = TRUE;
        gtk_drop_down_set_selected (self->trust, i);
        self->updating = FALSE;
      }
}

static char *
device_title (TessDevice *device)
{
  if (tess_device_get_local (device))
    return g_strdup (_("This device"));
  /* Translators: the number of a device */
  return g_strdup_printf (_("Device %u"), tess_device_get_id (device));
}

static void
update (TessDeviceRow *self)
{
  TessTrust trust = tess_device_get_trust (self->device);
  gboolean local = tess_device_get_local (self->device);
  gboolean alarm = tess_device_get_key_alarm (self->device);
  const char *fingerprint = tess_device_get_fingerprint (self->device);
  g_autofree char *title = device_title (self->device);
  g_autofree char *seen = local ? g_strdup_printf (_("Device %u"), tess_device_get_id (self->device))
                                : tess_text_last_seen (tess_device_get_last_seen (self->device), g_get_real_time ());
  /* Translators: how far a device is trusted, when it was seen last */
  g_autofree char *subtitle = local ? g_strdup (seen) : g_strdup_printf (_("%1$s · %2$s"), tess_sign_trust_word (trust), seen);
  const char *css[] = { local ? NULL : tess_sign_trust_class (trust), NULL };

  gtk_label_set_text (self->title, title);
  gtk_label_set_text (self->subtitle, subtitle);
  gtk_image_set_from_icon_name (self->icon, alarm   ? "tess-warning-symbolic"
                                            : local ? "tess-device-symbolic"
                                                    : tess_sign_trust_icon (trust));
  gtk_widget_set_css_classes (GTK_WIDGET (self->icon), alarm ? (const char *[]){ "tess-danger", NULL } : css);
  gtk_widget_set_visible (GTK_WIDGET (self->alarm), alarm);
  gtk_widget_set_visible (GTK_WIDGET (self->no_key), fingerprint == NULL);
  gtk_widget_set_visible (self->copy, fingerprint != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->trust), !local && fingerprint != NULL);
  tess_fingerprint_set_text (self->fingerprint, fingerprint);
  show_trust (self, trust);

  g_autofree char *label = g_strdup_printf ("%s, %s%s%s", title, subtitle, alarm ? ", " : "",
                                            alarm ? gtk_label_get_text (self->alarm) : "");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  g_autofree char *choice = g_strdup_printf (_("Trust in %s"), title);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->trust), GTK_ACCESSIBLE_PROPERTY_LABEL, choice, -1);
}

static void
trust_set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessDeviceRow) self = TESS_DEVICE_ROW (user_data);
  g_autoptr (GError) error = NULL;

  if (!tess_device_list_set_trust_finish (TESS_DEVICE_LIST (source), result, &error) && self->device != NULL)
    {
      show_trust (self, tess_device_get_trust (self->device));
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        gtk_label_set_text (self->subtitle, error->message);
    }
}

static void
trust_selected_cb (TessDeviceRow *self)
{
  guint selected = gtk_drop_down_get_selected (self->trust);

  if (self->updating || self->device == NULL || selected >= G_N_ELEMENTS (choices))
    return;
  /* Choosing what is chosen already answers an alarm. */
  if (choices[selected] == tess_device_get_trust (self->device) && !tess_device_get_key_alarm (self->device))
    return;
  tess_device_list_set_trust_async (self->list, self->device, choices[selected], self->cancellable, trust_set_cb,
                                    g_object_ref (self));
}

static void
copy_clicked_cb (TessDeviceRow *self)
{
  g_autofree char *text = tess_text_fingerprint_spaced (tess_device_get_fingerprint (self->device));

  if (text == NULL)
    return;
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
  gtk_button_set_icon_name (GTK_BUTTON (self->copy), "object-select-symbolic");
  gtk_widget_set_tooltip_text (self->copy, _("Copied"));
}

static void
tess_device_row_dispose (GObject *object)
{
  TessDeviceRow *self = TESS_DEVICE_ROW (object);

  g_cancellable_cancel (self->cancellable);
  if (self->device != NULL)
    g_signal_handlers_disconnect_by_data (self->device, self);
  g_clear_object (&self->device);
  g_clear_object (&self->list);
  g_clear_object (&self->cancellable);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_DEVICE_ROW);
  G_OBJECT_CLASS (tess_device_row_parent_class)->dispose (object);
}

static void
tess_device_row_class_init (TessDeviceRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_device_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/device-row.ui");
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, icon);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, title);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, subtitle);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, alarm);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, no_key);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, trust);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, copy);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, fingerprint);
  gtk_widget_class_bind_template_callback (widget_class, trust_selected_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_clicked_cb);
}

static void
tess_device_row_init (TessDeviceRow *self)
{
  g_type_ensure (TESS_TYPE_FINGERPRINT);
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
}

GtkWidget *
tess_device_row_new (TessDeviceList *list, TessDevice *device)
{
  TessDeviceRow *self = g_object_new (TESS_TYPE_DEVICE_ROW, NULL);

  self->list = g_object_ref (list);
  self->device = g_object_ref (device);
  g_signal_connect_swapped (device, "notify", G_CALLBACK (update), self);
  update (self);
  return GTK_WIDGET (self);
}

TessDevice *
tess_device_row_get_device (TessDeviceRow *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE_ROW (self), NULL);
  return self->device;
}
