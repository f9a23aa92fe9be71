/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-account-row.h"
#include "views/tess-account-settings.h"
#include "views/tess-devices-dialog.h"
#include "views/tess-security-dialog.h"
#include "views/tess-trouble.h"

#include <glib/gi18n.h>

struct _TessAccountRow
{
  AdwExpanderRow parent_instance;

  GtkSwitch    *enabled;
  AdwActionRow *trouble;
  AdwActionRow *connection;
  GtkWidget    *settings;
  GtkWidget    *password;
  GtkWidget    *devices;
  GtkWidget    *remove;

  TessClient  *client;
  TessAccount *account;
  gboolean     updating;
};

G_DEFINE_FINAL_TYPE (TessAccountRow, tess_account_row, ADW_TYPE_EXPANDER_ROW)

static const char *
state_words (TessAccount *account)
{
  const char *error = tess_account_get_error (account);

  if (!tess_account_get_enabled (account))
    return _("Paused");
  switch (tess_account_get_connection (account))
    {
    case TESS_CONNECTION_ONLINE:
      return _("Online");
    case TESS_CONNECTION_CONNECTING:
      return _("Connecting…");
    case TESS_CONNECTION_WAITING:
    case TESS_CONNECTION_OFFLINE:
    default:
      return error != NULL ? error : _("Offline");
    }
}

/* An alarm is seen without unfolding; what can be done about any trouble stands first behind it. The password has a row of its own. */
static void
show_trouble (TessAccountRow *self)
{
  const char *button = tess_trouble_button (self->account);
  int code = tess_account_get_error_code (self->account);
  gboolean alarm = tess_account_get_enabled (self->account) && tess_account_get_alarm (self->account);
  gboolean wanted = tess_account_get_enabled (self->account) && button != NULL && code != TESS_ENGINE_ERROR_PASSWORD_NEEDED &&
                    code != TESS_ENGINE_ERROR_NOT_AUTHORIZED;

  if (alarm)
    gtk_widget_add_css_class (GTK_WIDGET (self), "tess-alarm");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "tess-alarm");
  gtk_widget_set_visible (GTK_WIDGET (self->trouble), wanted);
  if (wanted)
    adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->trouble), button);
}

static void
update (TessAccountRow *self)
{
  const char *tls = tess_account_get_tls (self->account);
  const char *sasl = tess_account_get_sasl (self->account);
  g_autofree char *state = g_markup_escape_text (state_words (self->account), -1);
  g_autofree char *connection = tls != NULL ? g_markup_printf_escaped ("%s · %s", tls, sasl != NULL ? sasl : "–")
                                            : g_strdup (_("Not connected"));

  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self), state);
  adw_action_row_set_subtitle (self->connection, connection);
  show_trouble (self);
  self->updating = TRUE;
  gtk_switch_set_active (self->enabled, tess_account_get_enabled (self->account));
  self->updating = FALSE;
}

static void
enabled_cb (TessAccountRow *self)
{
  if (!self->updating && self->account != NULL)
    tess_account_set_enabled (self->account, gtk_switch_get_active (self->enabled));
}

static GtkWindow *
window_of (TessAccountRow *self)
{
  return GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self)));
}

static void
password_cb (TessAccountRow *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "app.ask-password", "s", tess_account_get_address (self->account));
}

static void
trouble_cb (TessAccountRow *self)
{
  tess_trouble_show (window_of (self), self->client, self->account);
}

static void
connection_cb (TessAccountRow *self)
{
  gtk_window_present (GTK_WINDOW (tess_security_dialog_new (window_of (self), self->client, self->account)));
}

static void
settings_cb (TessAccountRow *self)
{
  gtk_window_present (GTK_WINDOW (tess_account_settings_new (window_of (self), self->client, self->account)));
}

static void
devices_cb (TessAccountRow *self)
{
  gtk_window_present (GTK_WINDOW (tess_devices_dialog_new (window_of (self), self->account)));
}

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessAccountRow) self = TESS_ACCOUNT_ROW (user_data);
  g_autoptr (GError) error = NULL;

  if (tess_client_remove_account_finish (TESS_CLIENT (source), result, &error) || self->account == NULL)
    return;
  g_autofree char *sentence = g_markup_escape_text (error->message, -1);
  gtk_widget_set_sensitive (GTK_WIDGET (self), TRUE);
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self), sentence);
}

static void
response_cb (TessAccountRow *self, const char *response)
{
  if (g_strcmp0 (response, "remove") != 0 || self->account == NULL)
    return;
  gtk_widget_set_sensitive (GTK_WIDGET (self), FALSE);
  tess_client_remove_account_async (self->client, self->account, NULL, removed_cb, g_object_ref (self));
}

static void
remove_cb (TessAccountRow *self)
{
  GtkWidget *dialog = adw_message_dialog_new (window_of (self), NULL, NULL);

  adw_message_dialog_format_heading (ADW_MESSAGE_DIALOG (dialog), _("Remove %s?"), tess_account_get_address (self->account));
  adw_message_dialog_set_body (ADW_MESSAGE_DIALOG (dialog),
                               _("Its messages and the keys of this device are deleted here for good; old encrypted messages cannot be "
                                 "read again. The account on the server stays."));
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _("_Cancel"), "remove", _("_Delete Messages and Keys"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "remove", ADW_RESPONSE_DESTRUCTIVE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (response_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
tess_account_row_dispose (GObject *object)
{
  TessAccountRow *self = TESS_ACCOUNT_ROW (object);

  if (self->account != NULL)
    g_signal_handlers_disconnect_by_data (self->account, self);
  g_clear_object (&self->account);
  g_clear_object (&self->client);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_ACCOUNT_ROW);
  G_OBJECT_CLASS (tess_account_row_parent_class)->dispose (object);
}

static void
tess_account_row_class_init (TessAccountRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_account_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/account-row.ui");
  gtk_widget_class_bind_template_child (widget_class, TessAccountRow, enabled);
  gtk_widget_class_bind_template_child (widget_class, TessAccountRow, trouble);
  gtk_widget_class_bind_template_child (widget_class, TessAccountRow, connection);
  gtk_widget_class_bind_template_child (widget_class, TessAccountRow, settings);
  gtk_widget_class_bind_template_child (widget_class, TessAccountRow, password);
  gtk_widget_class_bind_template_child (widget_class, TessAccountRow, devices);
  gtk_widget_class_bind_template_child (widget_class, TessAccountRow, remove);
  gtk_widget_class_bind_template_callback (widget_class, enabled_cb);
  gtk_widget_class_bind_template_callback (widget_class, password_cb);
  gtk_widget_class_bind_template_callback (widget_class, trouble_cb);
  gtk_widget_class_bind_template_callback (widget_class, connection_cb);
  gtk_widget_class_bind_template_callback (widget_class, settings_cb);
  gtk_widget_class_bind_template_callback (widget_class, devices_cb);
  gtk_widget_class_bind_template_callback (widget_class, remove_cb);
}

static void
tess_account_row_init (TessAccountRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
tess_account_row_new (TessClient *client, TessAccount *account)
{
  TessAccountRow *self = g_object_new (TESS_TYPE_ACCOUNT_ROW, NULL);
  g_autofree char *title = g_markup_escape_text (tess_account_get_address (account), -1);

  self->client = g_object_ref (client);
  self->account = g_object_ref (account);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), title);
  g_autofree char *label = g_strdup_printf (_("Stay online with %s"), tess_account_get_address (account));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->enabled), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  g_signal_connect_swapped (account, "notify", G_CALLBACK (update), self);
  update (self);
  return GTK_WIDGET (self);
}
