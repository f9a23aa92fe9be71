/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-fingerprint.h"
#include "views/tess-text.h"

#include <adwaita.h>
#include <glib/gi18n.h>

struct _TessFingerprint
{
  GtkWidget parent_instance;

  GtkWidget *groups[TESS_FINGERPRINT_GROUPS];
  char      *text;
};

G_DEFINE_FINAL_TYPE (TessFingerprint, tess_fingerprint, GTK_TYPE_WIDGET)

static void
show_colors (TessFingerprint *self)
{
  gboolean dark = adw_style_manager_get_dark (adw_style_manager_get_default ());

  for (guint i = 0; i < TESS_FINGERPRINT_GROUPS; i++)
    {
      g_autofree char *group = tess_text_fingerprint_group (self->text, i);
      g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();
      double rgb[3];

      if (group == NULL)
        continue;
      tess_text_group_color (group, dark, rgb);
      pango_attr_list_insert (attributes, pango_attr_foreground_new ((guint16) (rgb[0] * 65535), (guint16) (rgb[1] * 65535),
                                                                     (guint16) (rgb[2] * 65535)));
      gtk_label_set_attributes (GTK_LABEL (self->groups[i]), attributes);
    }
}

static void
tess_fingerprint_dispose (GObject *object)
{
  TessFingerprint *self = TESS_FINGERPRINT (object);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  g_clear_pointer (&self->text, g_free);
  G_OBJECT_CLASS (tess_fingerprint_parent_class)->dispose (object);
}

static void
tess_fingerprint_class_init (TessFingerprintClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_fingerprint_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_GRID_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "tess-fingerprint");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
tess_fingerprint_init (TessFingerprint *self)
{
  GtkLayoutManager *layout = gtk_widget_get_layout_manager (GTK_WIDGET (self));

  gtk_grid_layout_set_column_spacing (GTK_GRID_LAYOUT (layout), 18);
  gtk_grid_layout_set_row_spacing (GTK_GRID_LAYOUT (layout), 4);
  gtk_widget_set_direction (GTK_WIDGET (self), GTK_TEXT_DIR_LTR);
  for (guint i = 0; i < TESS_FINGERPRINT_GROUPS; i++)
    {
      self->groups[i] = gtk_label_new (NULL);
      gtk_widget_set_direction (self->groups[i], GTK_TEXT_DIR_LTR);
      gtk_widget_set_parent (self->groups[i], GTK_WIDGET (self));
      GtkLayoutChild *child = gtk_layout_manager_get_layout_child (layout, self->groups[i]);
      gtk_grid_layout_child_set_column (GTK_GRID_LAYOUT_CHILD (child), (int) i % 2);
      gtk_grid_layout_child_set_row (GTK_GRID_LAYOUT_CHILD (child), (int) i / 2);
    }
  g_signal_connect_object (adw_style_manager_get_default (), "notify::dark", G_CALLBACK (show_colors), self,
                           G_CONNECT_SWAPPED);
}

GtkWidget *
tess_fingerprint_new (void)
{
  return g_object_new (TESS_TYPE_FINGERPRINT, NULL);
}

void
tess_fingerprint_set_text (TessFingerprint *self, const char *fingerprint)
{
  g_return_if_fail (TESS_IS_FINGERPRINT (self));

  g_autofree char *spaced = tess_text_fingerprint_spaced (fingerprint);
  g_free (self->text);
  self->text = spaced != NULL ? g_ascii_strdown (fingerprint, -1) : NULL;
  gtk_widget_set_visible (GTK_WIDGET (self), self->text != NULL);
  for (guint i = 0; i < TESS_FINGERPRINT_GROUPS; i++)
    {
      g_autofree char *group = tess_text_fingerprint_group (self->text, i);
      gtk_label_set_text (GTK_LABEL (self->groups[i]), group != NULL ? group : "");
    }
  if (spaced != NULL)
    {
      /* Translators: %s are eight groups of eight digits */
      g_autofree char *label = g_strdup_printf (_("Fingerprint: %s"), spaced);
      gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
    }
  show_colors (self);
}

const char *
tess_fingerprint_get_text (TessFingerprint *self)
{
  g_return_val_if_fail (TESS_IS_FINGERPRINT (self), NULL);
  return self->text;
}
