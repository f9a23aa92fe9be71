/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-account-row.h"
#include "views/tess-preferences.h"
#include "views/tess-settings.h"

#include <glib/gi18n.h>

struct _TessPreferences
{
  AdwPreferencesWindow parent_instance;

  AdwPreferencesPage  *accounts_page;
  AdwPreferencesGroup *account_group;
  GtkWidget           *no_accounts;
  GtkSwitch           *background;
  GtkSwitch           *notifications;
  AdwComboRow         *history;

  TessClient *client;
  GPtrArray  *rows; /* of GtkWidget in account_group */
  guint       days; /* how long messages are kept; 0 for ever */
  gboolean    updating;
};

G_DEFINE_FINAL_TYPE (TessPreferences, tess_preferences, ADW_TYPE_PREFERENCES_WINDOW)

static void
rebuild (TessPreferences *self)
{
  GListModel *accounts = tess_client_get_accounts (self->client);
  guint n = g_list_model_get_n_items (accounts);

  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (self->account_group, g_ptr_array_index (self->rows, i));
  g_ptr_array_set_size (self->rows, 0);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, i);
      GtkWidget *row = tess_account_row_new (self->client, account);

      adw_preferences_group_add (self->account_group, row);
      g_ptr_array_add (self->rows, row);
    }
  gtk_widget_set_visible (self->no_accounts, n == 0);
}

/* --- how long messages are kept --------------------------------------------------------------------------------------------- */

/* In the order of the row. */
static const guint history_days[] = { 0, 365, 90, 30 };

/* The one that keeps no less. */
static guint
find_choice (guint days)
{
  guint choice = 0;

  for (guint i = 1; days > 0 && i < G_N_ELEMENTS (history_days); i++)
    if (history_days[i] >= days)
      choice = i;
  return choice;
}

static void
show_choice (TessPreferences *self)
{
  self->updating = TRUE;
  adw_combo_row_set_selected (self->history, find_choice (self->days));
  self->updating = FALSE;
}

static void
set_days (TessPreferences *self, guint days)
{
  self->days = days;
  if (tess_settings_get () != NULL)
    g_settings_set_int (tess_settings_get (), TESS_SETTING_HISTORY_DAYS, (int) days);
  else
    tess_client_set_history_days (self->client, days);
}

static void
history_response_cb (TessPreferences *self, const char *response)
{
  if (g_strcmp0 (response, "delete") == 0)
    set_days (self, history_days[adw_combo_row_get_selected (self->history)]);
  else
    show_choice (self);
}

static void
ask_history (TessPreferences *self, guint days)
{
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (self), _("Delete Older Messages?"), NULL);

  adw_message_dialog_format_body (ADW_MESSAGE_DIALOG (dialog),
                                  ngettext ("Messages of all chats that are older than %u day are deleted from this device now, and from "
                                            "then on every day. What the servers, your other devices and other people have stays there.",
                                            "Messages of all chats that are older than %u days are deleted from this device now, and from "
                                            "then on every day. What the servers, your other devices and other people have stays there.",
                                            days),
                                  days);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _("_Cancel"), "delete", _("_Delete Older Messages"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "delete", ADW_RESPONSE_DESTRUCTIVE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (history_response_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
history_cb (TessPreferences *self)
{
  guint days = history_days[MIN (adw_combo_row_get_selected (self->history), G_N_ELEMENTS (history_days) - 1)];

  if (self->updating || days == self->days)
    return;
  /* Who keeps more than before loses nothing. */
  if (days == 0 || (self->days != 0 && days > self->days))
    set_days (self, days);
  else
    ask_history (self, days);
}

/* --- object ----------------------------------------------------------------------------------------------------------------- */

static void
tess_preferences_dispose (GObject *object)
{
  TessPreferences *self = TESS_PREFERENCES (object);

  for (guint i = 0; self->rows != NULL && i < self->rows->len; i++)
    adw_preferences_group_remove (self->account_group, g_ptr_array_index (self->rows, i));
  g_clear_object (&self->client);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_PREFERENCES);
  G_OBJECT_CLASS (tess_preferences_parent_class)->dispose (object);
}

static void
tess_preferences_class_init (TessPreferencesClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_preferences_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/preferences.ui");
  gtk_widget_class_bind_template_child (widget_class, TessPreferences, accounts_page);
  gtk_widget_class_bind_template_child (widget_class, TessPreferences, account_group);
  gtk_widget_class_bind_template_child (widget_class, TessPreferences, no_accounts);
  gtk_widget_class_bind_template_child (widget_class, TessPreferences, background);
  gtk_widget_class_bind_template_child (widget_class, TessPreferences, notifications);
  gtk_widget_class_bind_template_child (widget_class, TessPreferences, history);
  gtk_widget_class_bind_template_callback (widget_class, history_cb);
}

static void
tess_preferences_init (TessPreferences *self)
{
  GSettings *settings = tess_settings_get ();

  gtk_widget_init_template (GTK_WIDGET (self));
  self->rows = g_ptr_array_new ();
  if (settings != NULL)
    {
      g_settings_bind (settings, TESS_SETTING_BACKGROUND, self->background, "active", G_SETTINGS_BIND_DEFAULT);
      g_settings_bind (settings, TESS_SETTING_NOTIFICATIONS, self->notifications, "active", G_SETTINGS_BIND_DEFAULT);
      self->days = (guint) g_settings_get_int (settings, TESS_SETTING_HISTORY_DAYS);
      show_choice (self);
    }
}

GtkWidget *
tess_preferences_new (GtkWindow *parent, TessClient *client)
{
  TessPreferences *self = g_object_new (TESS_TYPE_PREFERENCES, "transient-for", parent, "application", gtk_window_get_application (parent), NULL);

  self->client = g_object_ref (client);
  g_signal_connect_object (tess_client_get_accounts (client), "items-changed", G_CALLBACK (rebuild), self, G_CONNECT_SWAPPED);
  rebuild (self);
  return GTK_WIDGET (self);
}

void
tess_preferences_show_accounts (TessPreferences *self)
{
  g_return_if_fail (TESS_IS_PREFERENCES (self));
  adw_preferences_window_set_visible_page (ADW_PREFERENCES_WINDOW (self), self->accounts_page);
}
