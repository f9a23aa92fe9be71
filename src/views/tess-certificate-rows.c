/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-certificate-rows.h"
#include "views/tess-connection-words.h"
#include "views/tess-fingerprint.h"
#include "views/tess-text.h"

#include <glib/gi18n.h>

/* A person reads so many; the rest is counted. */
#define MAX_NAMES 8
#define COPIED_MS 2000

void
tess_property_row_set (GtkWidget *row, const char *value)
{
  g_autofree char *clean = value != NULL ? tess_text_clean_line (value) : NULL;
  g_autofree char *markup = clean != NULL ? g_markup_escape_text (clean, -1) : NULL;

  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), markup != NULL ? markup : "");
  gtk_widget_set_visible (row, clean != NULL && *clean != '\0');
}

GtkWidget *
tess_property_row_new (const char *title, const char *value)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 0);
  gtk_widget_add_css_class (row, "tess-property");
  tess_property_row_set (row, value);
  return row;
}

GtkWidget *
tess_sentence_row_new (const char *icon, const char *style, const char *sentence)
{
  GtkWidget *row = adw_action_row_new ();
  GtkWidget *image = gtk_image_new_from_icon_name (icon);
  g_autofree char *markup = g_markup_escape_text (sentence, -1);

  if (style != NULL)
    gtk_widget_add_css_class (image, style);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), markup);
  adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 0);
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), image);
  gtk_widget_add_css_class (row, "tess-sentence");
  return row;
}

static void
copied_over_cb (gpointer user_data)
{
  GtkWidget *button = user_data;

  gtk_button_set_icon_name (GTK_BUTTON (button), "edit-copy-symbolic");
  g_object_set_data (G_OBJECT (button), "timeout", NULL);
}

static void
forget_timeout (GtkWidget *button)
{
  guint id = GPOINTER_TO_UINT (g_object_steal_data (G_OBJECT (button), "timeout"));

  if (id != 0)
    g_source_remove (id);
}

static void
copy_cb (GtkWidget *button, const char *text)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (button), text);
  forget_timeout (button);
  gtk_button_set_icon_name (GTK_BUTTON (button), "tess-sent-symbolic");
  g_object_set_data (G_OBJECT (button), "timeout", GUINT_TO_POINTER (g_timeout_add_once (COPIED_MS, copied_over_cb, button)));
}

static void
free_text (gpointer text, GClosure *closure)
{
  g_free (text);
}

static GtkWidget *
copy_button_new (const char *fingerprint)
{
  GtkWidget *button = gtk_button_new_from_icon_name ("edit-copy-symbolic");

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, _("Copy the Fingerprint"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Copy the Fingerprint"), -1);
  g_signal_connect_data (button, "clicked", G_CALLBACK (copy_cb), tess_certificate_fingerprint_colons (fingerprint), free_text, 0);
  g_signal_connect (button, "destroy", G_CALLBACK (forget_timeout), NULL);
  return button;
}

GtkWidget *
tess_fingerprint_row_new (const char *title, const char *fingerprint)
{
  GtkWidget *row = g_object_new (ADW_TYPE_PREFERENCES_ROW, "activatable", FALSE, "title", title, NULL);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *column = gtk_box_new (GTK_ORIENTATION_VERTICAL, 8);
  GtkWidget *label = gtk_label_new (title);
  GtkWidget *groups = tess_fingerprint_new ();

  tess_fingerprint_set_text (TESS_FINGERPRINT (groups), fingerprint);
  /* It reads from left to right always, but stands where the other lines begin. */
  gtk_widget_set_halign (groups, gtk_widget_get_default_direction () == GTK_TEXT_DIR_RTL ? GTK_ALIGN_END : GTK_ALIGN_START);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_widget_add_css_class (label, "tess-caption");
  gtk_widget_set_hexpand (column, TRUE);
  gtk_box_append (GTK_BOX (column), label);
  gtk_box_append (GTK_BOX (column), groups);
  gtk_box_append (GTK_BOX (box), column);
  if (tess_fingerprint_get_text (TESS_FINGERPRINT (groups)) != NULL)
    gtk_box_append (GTK_BOX (box), copy_button_new (fingerprint));
  gtk_widget_add_css_class (box, "tess-fingerprint-row");
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_widget_set_visible (row, tess_fingerprint_get_text (TESS_FINGERPRINT (groups)) != NULL);
  return row;
}

/* (transfer full) (nullable) */
static char *
names_words (const TessCertificate *certificate)
{
  guint n = certificate->names != NULL ? g_strv_length (certificate->names) : 0;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) shown = NULL;

  if (n == 0)
    return NULL;
  for (guint i = 0; i < MIN (n, MAX_NAMES); i++)
    {
      g_autofree char *clean = tess_text_clean_line (certificate->names[i]);
      g_autofree char *isolated = tess_text_isolate (clean);
      g_strv_builder_add (builder, isolated);
    }
  if (n > MAX_NAMES)
    {
      g_autofree char *more = g_strdup_printf (ngettext ("and %u more", "and %u more", n - MAX_NAMES), n - MAX_NAMES);
      g_strv_builder_add (builder, more);
    }
  shown = g_strv_builder_end (builder);
  return g_strjoinv (", ", shown);
}

static char *
validity_words (const TessCertificate *certificate)
{
  g_autofree char *from = tess_text_full_time (certificate->not_before_us, tess_text_use_24_hours ());
  g_autofree char *until = tess_text_full_time (certificate->not_after_us, tess_text_use_24_hours ());

  /* Translators: two dates */
  return g_strdup_printf (_("%1$s to %2$s"), from, until);
}

static char *
key_words (const TessCertificate *certificate)
{
  if (certificate->key != NULL && certificate->signature != NULL)
    /* Translators: "RSA 2048", "RSA-SHA256" */
    return g_strdup_printf (_("%1$s, signed with %2$s"), certificate->key, certificate->signature);
  return g_strdup (certificate->key != NULL ? certificate->key : certificate->signature);
}

GPtrArray *
tess_certificate_rows_new (const TessCertificate *certificate, gboolean with_fingerprint)
{
  GPtrArray *rows = g_ptr_array_new ();
  g_autofree char *names = names_words (certificate);
  g_autofree char *valid = validity_words (certificate);
  g_autofree char *key = key_words (certificate);

  g_ptr_array_add (rows, tess_property_row_new (_("Issued to"), certificate->subject));
  /* What is in it was cleaned one by one, and the isolation must stay. */
  GtkWidget *row = tess_property_row_new (_("Good for"), NULL);
  g_autofree char *markup = names != NULL ? g_markup_escape_text (names, -1) : NULL;
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), markup != NULL ? markup : "");
  gtk_widget_set_visible (row, names != NULL);
  g_ptr_array_add (rows, row);
  g_ptr_array_add (rows, tess_property_row_new (_("Issued by"), certificate->issuer));
  g_ptr_array_add (rows, tess_property_row_new (_("Valid"), valid));
  g_ptr_array_add (rows, tess_property_row_new (_("Key"), key));
  if (with_fingerprint)
    {
      g_ptr_array_add (rows, tess_fingerprint_row_new (_("SHA-256 Fingerprint"), certificate->fingerprint));
      g_ptr_array_add (rows, tess_fingerprint_row_new (_("SHA-256 Fingerprint of Its Key"), certificate->key_fingerprint));
    }
  return rows;
}

GtkWidget *
tess_certificate_row_new (const TessCertificate *certificate)
{
  GtkWidget *row = adw_expander_row_new ();
  g_autofree char *title = tess_certificate_title (certificate);
  g_autofree char *title_markup = g_markup_escape_text (title, -1);
  g_autofree char *until = tess_text_full_time (certificate->not_after_us, tess_text_use_24_hours ());
  g_autofree char *issuer = tess_certificate_common_name (certificate->issuer);
  g_autofree char *isolated = tess_text_isolate (issuer);
  /* Translators: who issued a certificate, a date */
  g_autofree char *words = g_strdup_printf (_("Issued by %1$s, valid until %2$s"), isolated, until);
  g_autofree char *words_markup = g_markup_escape_text (words, -1);
  g_autoptr (GPtrArray) rows = tess_certificate_rows_new (certificate, TRUE);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title_markup);
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (row), words_markup);
  for (guint i = 0; i < rows->len; i++)
    adw_expander_row_add_row (ADW_EXPANDER_ROW (row), g_ptr_array_index (rows, i));
  return row;
}
