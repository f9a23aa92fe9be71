/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-account-settings.h"
#include "views/tess-certificate-rows.h"
#include "views/tess-connection-form.h"

#include <glib/gi18n.h>

struct _TessAccountSettings
{
  AdwWindow parent_instance;

  AdwWindowTitle      *window_title;
  GtkWidget           *cancel;
  GtkWidget           *save;
  GtkLabel            *error;
  TessConnectionForm  *form;
  AdwComboRow         *archiving;
  GtkSwitch           *receipts;
  GtkSwitch           *markers;
  AdwPreferencesGroup *pin_group;
  GtkToggleButton     *unpin;

  TessAccount  *account;
  GCancellable *cancellable; /* of what is asked of the server while it is open */
  gboolean      loaded;      /* what the server keeps is known: `kept` */
  TessArchiving kept;
};

G_DEFINE_FINAL_TYPE (TessAccountSettings, tess_account_settings, ADW_TYPE_WINDOW)

static void
changed_cb (TessAccountSettings *self)
{
  gtk_widget_set_sensitive (self->save, tess_connection_form_get_valid (self->form));
}

/* --- what the server keeps -------------------------------------------------------------------------------------------------- */

static void
show_archiving (TessAccountSettings *self, const char *sentence)
{
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->archiving), sentence);
}

static void
archiving_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessAccountSettings) self = TESS_ACCOUNT_SETTINGS (user_data);
  g_autoptr (GError) error = NULL;

  self->loaded = tess_account_load_archiving_finish (TESS_ACCOUNT (source), result, &self->kept, &error);
  if (self->account == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (self->loaded)
    {
      adw_combo_row_set_selected (self->archiving, self->kept);
      show_archiving (self, _("Your other devices need them there"));
    }
  else
    show_archiving (self, error->message);
  gtk_widget_set_sensitive (GTK_WIDGET (self->archiving), self->loaded);
}

static void
load_archiving (TessAccountSettings *self)
{
  gtk_widget_set_sensitive (GTK_WIDGET (self->archiving), FALSE);
  /* Nothing is claimed of what is not known. */
  adw_combo_row_set_selected (self->archiving, GTK_INVALID_LIST_POSITION);
  show_archiving (self, _("Asking the server…"));
  tess_account_load_archiving_async (self->account, self->cancellable, archiving_loaded_cb, g_object_ref (self));
}

/* It has come online, or gone. */
static void
connection_cb (TessAccountSettings *self)
{
  if (!self->loaded && tess_account_get_connection (self->account) == TESS_CONNECTION_ONLINE)
    load_archiving (self);
}

/* --- saving ----------------------------------------------------------------------------------------------------------------- */

static void
show_error (TessAccountSettings *self, const GError *error)
{
  gtk_widget_set_sensitive (GTK_WIDGET (self->form), TRUE);
  changed_cb (self);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  gtk_label_set_text (self->error, error->message);
  gtk_widget_set_visible (GTK_WIDGET (self->error), TRUE);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessAccountSettings) self = TESS_ACCOUNT_SETTINGS (user_data);
  g_autoptr (GError) error = NULL;
  gboolean saved = tess_account_change_finish (TESS_ACCOUNT (source), result, &error);

  if (self->account == NULL)
    return;
  if (saved)
    {
      gtk_window_close (GTK_WINDOW (self));
      return;
    }
  show_error (self, error);
}

static void
save_account (TessAccountSettings *self)
{
  g_autoptr (TessAccountRecord) record = tess_account_record_copy (tess_account_get_record (self->account));
  g_autoptr (TessCredentials) credentials = tess_credentials_new ();
  gboolean any;

  any = tess_connection_form_read (self->form, record, credentials);
  if (gtk_toggle_button_get_active (self->unpin))
    g_clear_pointer (&record->pin, g_free);
  record->send_receipts = gtk_switch_get_active (self->receipts);
  record->send_markers = gtk_switch_get_active (self->markers);
  tess_account_change_async (self->account, record, any ? credentials : NULL, NULL, saved_cb, g_object_ref (self));
}

static void
archiving_saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessAccountSettings) self = TESS_ACCOUNT_SETTINGS (user_data);
  g_autoptr (GError) error = NULL;
  gboolean saved = tess_account_set_archiving_finish (TESS_ACCOUNT (source), result, &error);

  if (self->account == NULL)
    return;
  if (!saved)
    {
      show_error (self, error);
      return;
    }
  self->kept = (TessArchiving) adw_combo_row_get_selected (self->archiving);
  save_account (self);
}

static void
save_cb (TessAccountSettings *self)
{
  TessArchiving wanted = (TessArchiving) adw_combo_row_get_selected (self->archiving);

  if (!tess_connection_form_get_valid (self->form))
    return;
  /* The focus goes before its place does. */
  gtk_widget_grab_focus (self->cancel);
  gtk_widget_set_sensitive (GTK_WIDGET (self->form), FALSE);
  gtk_widget_set_sensitive (self->save, FALSE);
  gtk_widget_set_visible (GTK_WIDGET (self->error), FALSE);
  /* The server first, on the connection that there is. */
  if (self->loaded && wanted != self->kept)
    tess_account_set_archiving_async (self->account, wanted, self->cancellable, archiving_saved_cb, g_object_ref (self));
  else
    save_account (self);
}

static gboolean
close_request_cb (TessAccountSettings *self)
{
  tess_connection_form_forget (self->form);
  g_cancellable_cancel (self->cancellable);
  return FALSE;
}

static void
tess_account_settings_dispose (GObject *object)
{
  TessAccountSettings *self = TESS_ACCOUNT_SETTINGS (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->account);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_ACCOUNT_SETTINGS);
  G_OBJECT_CLASS (tess_account_settings_parent_class)->dispose (object);
}

static void
tess_account_settings_class_init (TessAccountSettingsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_account_settings_dispose;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/account-settings.ui");
  gtk_widget_class_bind_template_child (widget_class, TessAccountSettings, window_title);
  gtk_widget_class_bind_template_child (widget_class, TessAccountSettings, cancel);
  gtk_widget_class_bind_template_child (widget_class, TessAccountSettings, save);
  gtk_widget_class_bind_template_child (widget_class, TessAccountSettings, error);
  gtk_widget_class_bind_template_child (widget_class, TessAccountSettings, form);
  gtk_widget_class_bind_template_child (widget_class, TessAccountSettings, archiving);
  gtk_widget_class_bind_template_child (widget_class, TessAccountSettings, receipts);
  gtk_widget_class_bind_template_child (widget_class, TessAccountSettings, markers);
  gtk_widget_class_bind_template_child (widget_class, TessAccountSettings, pin_group);
  gtk_widget_class_bind_template_child (widget_class, TessAccountSettings, unpin);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, save_cb);
  gtk_widget_class_bind_template_callback (widget_class, close_request_cb);
}

static void
tess_account_settings_init (TessAccountSettings *self)
{
  g_type_ensure (TESS_TYPE_CONNECTION_FORM);
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
}

GtkWidget *
tess_account_settings_new (GtkWindow *parent, TessClient *client, TessAccount *account)
{
  TessAccountSettings *self =
    g_object_new (TESS_TYPE_ACCOUNT_SETTINGS, "transient-for", parent, "application", gtk_window_get_application (parent), NULL);
  const TessAccountRecord *record = tess_account_get_record (account);

  self->account = g_object_ref (account);
  adw_window_title_set_subtitle (self->window_title, tess_account_get_address (account));
  tess_connection_form_set_client (self->form, client);
  tess_connection_form_fill (self->form, record);
  gtk_widget_set_visible (GTK_WIDGET (self->pin_group), record->pin != NULL);
  adw_preferences_group_add (self->pin_group, tess_fingerprint_row_new (_("SHA-256 of the certificate"), record->pin));
  gtk_switch_set_active (self->receipts, record->send_receipts);
  gtk_switch_set_active (self->markers, record->send_markers);
  load_archiving (self);
  g_signal_connect_object (account, "notify::connection", G_CALLBACK (connection_cb), self, G_CONNECT_SWAPPED);
  changed_cb (self);
  if (tess_account_get_error (account) != NULL)
    tess_connection_form_show_error (self->form, tess_account_get_error_code (account), tess_account_get_error (account));
  return GTK_WIDGET (self);
}
