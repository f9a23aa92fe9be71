/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-account-dialog.h"
#include "views/tess-certificate-dialog.h"
#include "views/tess-connection-form.h"

#include <glib/gi18n.h>
#include <string.h>

/* While somebody types an address it is not wrong, only short. */
#define ADDRESS_DELAY_MS 700

struct _TessAccountDialog
{
  AdwWindow parent_instance;

  GtkStack            *action_stack;
  GtkWidget           *sign_in;
  GtkWidget           *cancel;
  GtkSpinner          *spinner;
  GtkWidget           *fields;
  AdwEntryRow         *address;
  AdwPasswordEntryRow *password;
  AdwExpanderRow      *advanced;
  TessConnectionForm  *form;
  GtkLabel            *address_problem;
  GtkWidget           *error_box;
  GtkLabel            *error;
  GtkWidget           *certificate;
  GtkWidget           *secrets_note;

  TessClient   *client;
  GCancellable *cancellable; /* of signing in; nullable */
  GCancellable *closing;
  guint         address_id;
  GError       *problem; /* of the last attempt; nullable */
  char         *pin;     /* the certificate that the person accepted; nullable */
  char         *pin_for; /* the address that it was accepted for; nullable */
};

G_DEFINE_FINAL_TYPE (TessAccountDialog, tess_account_dialog, ADW_TYPE_WINDOW)

static const char *
text_of (gpointer row)
{
  return gtk_editable_get_text (GTK_EDITABLE (row));
}

static void
mark (gpointer row, GtkLabel *label, const char *sentence)
{
  if (sentence != NULL)
    {
      gtk_widget_add_css_class (row, "error");
      gtk_label_set_text (label, sentence);
    }
  else
    gtk_widget_remove_css_class (row, "error");
  gtk_widget_set_visible (GTK_WIDGET (label), sentence != NULL);
  gtk_accessible_update_state (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_STATE_INVALID,
                               sentence != NULL ? GTK_ACCESSIBLE_INVALID_TRUE : GTK_ACCESSIBLE_INVALID_FALSE, -1);
}

static void
show_error (TessAccountDialog *self, const GError *error)
{
  g_clear_error (&self->problem);
  self->problem = error != NULL ? g_error_copy (error) : NULL;
  gtk_label_set_text (self->error, error != NULL ? error->message : "");
  gtk_widget_set_visible (self->certificate, tess_engine_error_get_certificate (error) != NULL);
  gtk_widget_set_visible (self->error_box, error != NULL);
}

static void
check_address_cb (gpointer user_data)
{
  TessAccountDialog *self = TESS_ACCOUNT_DIALOG (user_data);
  g_autofree char *problem = *text_of (self->address) != '\0' ? tess_client_check_address (text_of (self->address)) : NULL;

  self->address_id = 0;
  mark (self->address, self->address_problem, problem);
}

static void
changed_cb (TessAccountDialog *self)
{
  gboolean can_prove = *text_of (self->password) != '\0' || tess_connection_form_get_has_certificate (self->form);
  g_autofree char *problem = tess_client_check_address (text_of (self->address));

  if (self->address_id != 0)
    g_source_remove (self->address_id);
  self->address_id = g_timeout_add_once (ADDRESS_DELAY_MS, check_address_cb, self);
  if (problem == NULL)
    mark (self->address, self->address_problem, NULL);
  gtk_widget_set_sensitive (self->sign_in, problem == NULL && can_prove && tess_connection_form_get_valid (self->form));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->password), tess_connection_form_get_has_certificate (self->form)
                                                                         ? _("Password, unless the certificate is enough") : _("Password"));
  show_error (self, NULL);
}

static void
set_busy (TessAccountDialog *self, gboolean busy)
{
  gtk_stack_set_visible_child_name (self->action_stack, busy ? "busy" : "ready");
  gtk_spinner_set_spinning (self->spinner, busy);
  /* The focus goes before its place does. */
  if (busy)
    gtk_widget_grab_focus (self->cancel);
  gtk_widget_set_sensitive (self->fields, !busy);
}

static void
show_failure (TessAccountDialog *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (error->domain == TESS_ENGINE_ERROR && tess_connection_form_show_error (self->form, error->code, error->message))
    {
      adw_expander_row_set_expanded (self->advanced, TRUE);
      return;
    }
  show_error (self, error);
  if (g_error_matches (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NOT_AUTHORIZED))
    gtk_widget_grab_focus (GTK_WIDGET (self->password));
  else if (g_error_matches (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NO_SUCH_SERVER) ||
           g_error_matches (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_EXISTS))
    gtk_widget_grab_focus (GTK_WIDGET (self->address));
  else if (gtk_widget_get_visible (self->certificate))
    gtk_widget_grab_focus (self->certificate);
}

static void
added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessAccountDialog) self = TESS_ACCOUNT_DIALOG (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (TessAccount) account = tess_client_add_account_finish (TESS_CLIENT (source), result, NULL, &error);

  if (self->closing == NULL)
    return;
  g_clear_object (&self->cancellable);
  if (account != NULL)
    {
      gtk_window_close (GTK_WINDOW (self));
      return;
    }
  set_busy (self, FALSE);
  show_failure (self, error);
}

/* (transfer full) */
static char *
entered_address (TessAccountDialog *self)
{
  return g_strstrip (g_strdup (text_of (self->address)));
}

void
tess_account_dialog_sign_in (TessAccountDialog *self)
{
  g_return_if_fail (TESS_IS_ACCOUNT_DIALOG (self));

  g_autofree char *address = entered_address (self);
  g_autoptr (TessAccountRecord) setup = tess_account_record_new (address);
  g_autoptr (TessCredentials) credentials = tess_credentials_new ();
  if (self->cancellable != NULL || !gtk_widget_get_sensitive (self->sign_in))
    return;
  show_error (self, NULL);
  tess_connection_form_clear_error (self->form);
  set_busy (self, TRUE);
  self->cancellable = g_cancellable_new ();
  tess_connection_form_read (self->form, setup, credentials);
  if (*text_of (self->password) != '\0')
    tess_credentials_set (&credentials->password, text_of (self->password));
  /* What was accepted for one address says nothing of another. */
  if (g_strcmp0 (self->pin_for, address) == 0)
    setup->pin = g_strdup (self->pin);
  tess_client_add_account_async (self->client, setup, credentials, self->cancellable, added_cb, g_object_ref (self));
}

static void
trusted_cb (TessAccountDialog *self, TessCertificateDialog *dialog)
{
  if (self->closing == NULL)
    return;
  g_free (self->pin);
  self->pin = g_strdup (tess_certificate_dialog_get_fingerprint (dialog));
  g_free (self->pin_for);
  self->pin_for = entered_address (self);
  tess_account_dialog_sign_in (self);
}

static void
certificate_cb (TessAccountDialog *self)
{
  const TessCertificate *certificate = tess_engine_error_get_certificate (self->problem);
  g_autofree char *address = entered_address (self);
  GtkWidget *dialog;

  if (certificate == NULL)
    return;
  dialog = tess_certificate_dialog_new (GTK_WINDOW (self), address, certificate);
  g_signal_connect_object (dialog, "trusted", G_CALLBACK (trusted_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
sign_in_cb (TessAccountDialog *self)
{
  tess_account_dialog_sign_in (self);
}

static void
cancel_cb (TessAccountDialog *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
}

static gboolean
close_request_cb (TessAccountDialog *self)
{
  cancel_cb (self);
  gtk_editable_set_text (GTK_EDITABLE (self->password), "");
  tess_connection_form_forget (self->form);
  return FALSE;
}

static void
secrets_checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessAccountDialog) self = TESS_ACCOUNT_DIALOG (user_data);
  gboolean there = tess_client_check_secrets_finish (TESS_CLIENT (source), result);

  if (self->closing != NULL && !g_cancellable_is_cancelled (self->closing))
    gtk_widget_set_visible (self->secrets_note, !there);
}

static void
tess_account_dialog_dispose (GObject *object)
{
  TessAccountDialog *self = TESS_ACCOUNT_DIALOG (object);

  g_cancellable_cancel (self->cancellable);
  g_cancellable_cancel (self->closing);
  g_clear_handle_id (&self->address_id, g_source_remove);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->closing);
  g_clear_object (&self->client);
  g_clear_error (&self->problem);
  g_clear_pointer (&self->pin, g_free);
  g_clear_pointer (&self->pin_for, g_free);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_ACCOUNT_DIALOG);
  G_OBJECT_CLASS (tess_account_dialog_parent_class)->dispose (object);
}

static void
tess_account_dialog_class_init (TessAccountDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_account_dialog_dispose;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/account-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, action_stack);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, sign_in);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, cancel);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, spinner);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, fields);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, address);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, password);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, advanced);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, form);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, certificate);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, address_problem);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, error_box);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, error);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, secrets_note);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, sign_in_cb);
  gtk_widget_class_bind_template_callback (widget_class, cancel_cb);
  gtk_widget_class_bind_template_callback (widget_class, certificate_cb);
  gtk_widget_class_bind_template_callback (widget_class, close_request_cb);
}

static void
tess_account_dialog_init (TessAccountDialog *self)
{
  g_type_ensure (TESS_TYPE_CONNECTION_FORM);
  gtk_widget_init_template (GTK_WIDGET (self));
  self->closing = g_cancellable_new ();
}

GtkWidget *
tess_account_dialog_new (GtkWindow *parent, TessClient *client)
{
  TessAccountDialog *self = g_object_new (TESS_TYPE_ACCOUNT_DIALOG, "transient-for", parent, "application", gtk_window_get_application (parent), NULL);

  self->client = g_object_ref (client);
  tess_connection_form_set_client (self->form, client);
  tess_client_check_secrets_async (client, self->closing, secrets_checked_cb, g_object_ref (self));
  return GTK_WIDGET (self);
}

void
tess_account_dialog_fill (TessAccountDialog *self, const char *address, const char *password, const char *server, guint port,
                          TessAccountTls tls)
{
  g_return_if_fail (TESS_IS_ACCOUNT_DIALOG (self));

  gtk_editable_set_text (GTK_EDITABLE (self->address), address);
  gtk_editable_set_text (GTK_EDITABLE (self->password), password != NULL ? password : "");
  g_autoptr (TessAccountRecord) record = tess_account_record_new (address);
  record->host = server != NULL && *server != '\0' ? g_strdup (server) : NULL;
  record->port = (guint16) port;
  record->tls = tls;
  tess_connection_form_fill (self->form, record);
  changed_cb (self);
  if (record->host != NULL || port != 0 || tls != TESS_ACCOUNT_TLS_AUTOMATIC)
    adw_expander_row_set_expanded (self->advanced, TRUE);
}

TessConnectionForm *
tess_account_dialog_get_form (TessAccountDialog *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT_DIALOG (self), NULL);
  return self->form;
}
