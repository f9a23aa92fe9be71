/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-password-dialog.h"

#include <glib/gi18n.h>

struct _TessPasswordDialog
{
  AdwWindow parent_instance;

  GtkLabel            *sentence;
  AdwPasswordEntryRow *password;
  GtkWidget           *sign_in;
  GtkWidget           *keep_row;
  GtkSwitch           *keep;
  GtkWidget           *note;

  TessAccount  *account;
  GCancellable *closing;
};

G_DEFINE_FINAL_TYPE (TessPasswordDialog, tess_password_dialog, ADW_TYPE_WINDOW)

static void
changed_cb (TessPasswordDialog *self)
{
  gtk_widget_set_sensitive (self->sign_in, *gtk_editable_get_text (GTK_EDITABLE (self->password)) != '\0');
}

static void
sign_in_cb (TessPasswordDialog *self)
{
  g_autoptr (TessCredentials) credentials = tess_credentials_new ();

  if (!gtk_widget_get_sensitive (self->sign_in))
    return;
  tess_credentials_set (&credentials->password, gtk_editable_get_text (GTK_EDITABLE (self->password)));
  tess_account_connect (self->account, credentials,
                        gtk_widget_get_visible (self->keep_row) && gtk_switch_get_active (self->keep));
  gtk_editable_set_text (GTK_EDITABLE (self->password), "");
  gtk_window_close (GTK_WINDOW (self));
}

static void
secrets_checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessPasswordDialog) self = TESS_PASSWORD_DIALOG (user_data);
  gboolean there = tess_client_check_secrets_finish (TESS_CLIENT (source), result);

  if (self->closing == NULL || g_cancellable_is_cancelled (self->closing))
    return;
  gtk_widget_set_visible (self->keep_row, there);
  gtk_widget_set_visible (self->note, !there);
}

static void
tess_password_dialog_dispose (GObject *object)
{
  TessPasswordDialog *self = TESS_PASSWORD_DIALOG (object);

  g_cancellable_cancel (self->closing);
  g_clear_object (&self->closing);
  g_clear_object (&self->account);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_PASSWORD_DIALOG);
  G_OBJECT_CLASS (tess_password_dialog_parent_class)->dispose (object);
}

static void
tess_password_dialog_class_init (TessPasswordDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_password_dialog_dispose;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/password-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, TessPasswordDialog, sentence);
  gtk_widget_class_bind_template_child (widget_class, TessPasswordDialog, password);
  gtk_widget_class_bind_template_child (widget_class, TessPasswordDialog, sign_in);
  gtk_widget_class_bind_template_child (widget_class, TessPasswordDialog, keep_row);
  gtk_widget_class_bind_template_child (widget_class, TessPasswordDialog, keep);
  gtk_widget_class_bind_template_child (widget_class, TessPasswordDialog, note);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, sign_in_cb);
}

static void
tess_password_dialog_init (TessPasswordDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->closing = g_cancellable_new ();
}

GtkWidget *
tess_password_dialog_new (GtkWindow *parent, TessClient *client, TessAccount *account)
{
  TessPasswordDialog *self = g_object_new (TESS_TYPE_PASSWORD_DIALOG, "transient-for", parent, "application", gtk_window_get_application (parent), NULL);
  gboolean wrong = tess_account_get_error_code (account) == TESS_ENGINE_ERROR_NOT_AUTHORIZED;
  g_autofree char *sentence =
    g_strdup_printf (wrong ? _("The server did not take the password of %s. Enter it again.") : _("Enter the password of %s."),
                     tess_account_get_address (account));

  self->account = g_object_ref (account);
  gtk_label_set_text (self->sentence, sentence);
  tess_client_check_secrets_async (client, self->closing, secrets_checked_cb, g_object_ref (self));
  return GTK_WIDGET (self);
}

TessAccount *
tess_password_dialog_get_account (TessPasswordDialog *self)
{
  g_return_val_if_fail (TESS_IS_PASSWORD_DIALOG (self), NULL);
  return self->account;
}
