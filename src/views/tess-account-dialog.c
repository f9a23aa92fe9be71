/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-account-dialog.h"

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
  AdwEntryRow         *server;
  AdwEntryRow         *port;
  AdwComboRow         *connection;
  GtkLabel            *address_problem;
  GtkLabel            *port_problem;
  GtkWidget           *error_box;
  GtkLabel            *error;
  GtkWidget           *secrets_note;

  TessClient   *client;
  GCancellable *cancellable; /* of signing in; nullable */
  GCancellable *closing;
  guint         address_id;
};

G_DEFINE_FINAL_TYPE (TessAccountDialog, tess_account_dialog, ADW_TYPE_WINDOW)

static const char *
text_of (gpointer row)
{
  return gtk_editable_get_text (GTK_EDITABLE (row));
}

/* 0 for the default, -1 for no port. */
static int
read_port (TessAccountDialog *self)
{
  const char *text = text_of (self->port);
  guint64 port;

  if (*text == '\0')
    return 0;
  return g_ascii_string_to_unsigned (text, 10, 1, 65535, &port, NULL) ? (int) port : -1;
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
show_error (TessAccountDialog *self, const char *sentence)
{
  gtk_label_set_text (self->error, sentence != NULL ? sentence : "");
  gtk_widget_set_visible (self->error_box, sentence != NULL);
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
  int port = read_port (self);
  g_autofree char *problem = tess_client_check_address (text_of (self->address));

  if (self->address_id != 0)
    g_source_remove (self->address_id);
  self->address_id = g_timeout_add_once (ADDRESS_DELAY_MS, check_address_cb, self);
  if (problem == NULL)
    mark (self->address, self->address_problem, NULL);
  mark (self->port, self->port_problem, port < 0 ? _("A port is a number from 1 to 65535.") : NULL);
  gtk_widget_set_sensitive (self->sign_in, problem == NULL && *text_of (self->password) != '\0' && port >= 0);
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
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    show_error (self, error->message);
  if (g_error_matches (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NOT_AUTHORIZED))
    gtk_widget_grab_focus (GTK_WIDGET (self->password));
  else if (g_error_matches (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NO_SUCH_SERVER) ||
           g_error_matches (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_EXISTS))
    gtk_widget_grab_focus (GTK_WIDGET (self->address));
}

void
tess_account_dialog_sign_in (TessAccountDialog *self)
{
  g_return_if_fail (TESS_IS_ACCOUNT_DIALOG (self));

  g_autofree char *server = g_strstrip (g_strdup (text_of (self->server)));
  g_autofree char *address = g_strstrip (g_strdup (text_of (self->address)));
  g_autoptr (TessAccountRecord) setup = tess_account_record_new (address);
  g_autoptr (TessCredentials) credentials = tess_credentials_new ();
  if (self->cancellable != NULL || !gtk_widget_get_sensitive (self->sign_in))
    return;
  show_error (self, NULL);
  set_busy (self, TRUE);
  self->cancellable = g_cancellable_new ();
  setup->host = *server != '\0' ? g_strdup (server) : NULL;
  setup->port = (guint16) read_port (self);
  setup->tls = (TessAccountTls) adw_combo_row_get_selected (self->connection);
  tess_credentials_set (&credentials->password, text_of (self->password));
  tess_client_add_account_async (self->client, setup, credentials, self->cancellable, added_cb, g_object_ref (self));
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
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, server);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, port);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, connection);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, address_problem);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, port_problem);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, error_box);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, error);
  gtk_widget_class_bind_template_child (widget_class, TessAccountDialog, secrets_note);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, sign_in_cb);
  gtk_widget_class_bind_template_callback (widget_class, cancel_cb);
  gtk_widget_class_bind_template_callback (widget_class, close_request_cb);
}

static void
tess_account_dialog_init (TessAccountDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->closing = g_cancellable_new ();
}

GtkWidget *
tess_account_dialog_new (GtkWindow *parent, TessClient *client)
{
  TessAccountDialog *self = g_object_new (TESS_TYPE_ACCOUNT_DIALOG, "transient-for", parent, "application", gtk_window_get_application (parent), NULL);

  self->client = g_object_ref (client);
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
  gtk_editable_set_text (GTK_EDITABLE (self->server), server != NULL ? server : "");
  if (port != 0)
    {
      g_autofree char *text = g_strdup_printf ("%u", port);
      gtk_editable_set_text (GTK_EDITABLE (self->port), text);
    }
  adw_combo_row_set_selected (self->connection, (guint) tls);
  if (server != NULL || port != 0 || tls != TESS_ACCOUNT_TLS_AUTOMATIC)
    adw_expander_row_set_expanded (self->advanced, TRUE);
}
