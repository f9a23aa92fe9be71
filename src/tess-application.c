/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tessera"

#include "config.h"

#include "tess-application.h"

#include "desktop/tess-network.h"
#include "desktop/tess-secrets.h"
#include "model/tess-client.h"
#include "views/tess-in-use.h"
#include "views/tess-notifier.h"
#include "views/tess-preferences.h"
#include "views/tess-settings.h"
#include "views/tess-text.h"
#include "views/tess-views.h"
#include "views/tess-window.h"

#include <glib/gi18n.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define TRIM_DELAY_MS 5000

struct _TessApplication
{
  AdwApplication parent_instance;

  TessClient   *client;
  TessSecrets  *secrets;
  TessNetwork  *network;
  TessNotifier *notifier;
  TessInUse    *in_use;
  char         *pending_address; /* of a link that came before the database was open */
  char         *pending_code;    /* nullable: the whole link, when it is a verification code */
  gboolean      held;
};

G_DEFINE_FINAL_TYPE (TessApplication, tess_application, ADW_TYPE_APPLICATION)

/* --- window ----------------------------------------------------------------------------------------------------------------- */

/* (transfer none) (nullable) */
static TessWindow *
find_window (TessApplication *self)
{
  for (GList *l = gtk_application_get_windows (GTK_APPLICATION (self)); l != NULL; l = l->next)
    if (TESS_IS_WINDOW (l->data))
      return l->data;
  return NULL;
}

static TessWindow *
show_window (TessApplication *self)
{
  TessWindow *window = find_window (self);

  if (window == NULL)
    window = TESS_WINDOW (tess_window_new (GTK_APPLICATION (self), self->client));
  gtk_window_present (GTK_WINDOW (window));
  return window;
}

static void
show_pending (TessApplication *self)
{
  g_autofree char *address = NULL;
  g_autofree char *code = NULL;

  if (self->pending_address == NULL || tess_client_get_state (self->client) != TESS_CLIENT_READY)
    return;
  address = g_steal_pointer (&self->pending_address);
  code = g_steal_pointer (&self->pending_code);
  if (code != NULL)
    tess_window_ask_code (show_window (self), address, code);
  else
    tess_window_ask_chat (show_window (self), address);
}

/* --- the client ------------------------------------------------------------------------------------------------------------- */

static void
message_received_cb (TessApplication *self, TessConversation *conversation, TessMessage *message)
{
  TessWindow *window = find_window (self);

  /* What was read on another device is no news. */
  if (!tess_settings_get_boolean (TESS_SETTING_NOTIFICATIONS) || tess_conversation_get_unread (conversation) == 0)
    return;
  if (window == NULL || !tess_window_is_in_front (window, conversation))
    tess_notifier_show (self->notifier, conversation, message);
}

static void
conversation_read_cb (TessApplication *self, TessConversation *conversation)
{
  tess_notifier_withdraw (self->notifier, tess_conversation_get_id (conversation));
}

static void
network_changed_cb (gboolean available, gpointer user_data)
{
  tess_client_network_changed (TESS_APPLICATION (user_data)->client, available);
}

static void
resumed_cb (gpointer user_data)
{
  TessApplication *self = TESS_APPLICATION (user_data);
  tess_client_network_changed (self->client, tess_network_get_available (self->network));
}

static void
update_hold (TessApplication *self)
{
  gboolean wanted = tess_settings_get_boolean (TESS_SETTING_BACKGROUND);

  if (wanted && !self->held)
    g_application_hold (G_APPLICATION (self));
  else if (!wanted && self->held)
    g_application_release (G_APPLICATION (self));
  self->held = wanted;
}

/* What is set holds for a database that is opened later, too. */
static void
update_history (TessApplication *self)
{
  GSettings *settings = tess_settings_get ();

  if (settings != NULL && tess_client_get_state (self->client) == TESS_CLIENT_READY)
    tess_client_set_history_days (self->client, (guint) g_settings_get_int (settings, TESS_SETTING_HISTORY_DAYS));
}

/* --- actions ---------------------------------------------------------------------------------------------------------------- */

static void
quit_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessApplication *self = TESS_APPLICATION (user_data);
  TessWindow *window = find_window (self);

  /* Keeps its size, and the draft; dialogs go with it. */
  if (window != NULL)
    gtk_window_close (GTK_WINDOW (window));
  g_application_quit (G_APPLICATION (self));
}

static void
about_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessApplication *self = TESS_APPLICATION (user_data);

  adw_show_about_window (GTK_WINDOW (find_window (self)), "application-name", "Tessera", "application-icon", TESS_APPLICATION_ID,
                         "version", PACKAGE_VERSION, "developer-name", _("The Tessera developers"), "license-type",
                         GTK_LICENSE_GPL_3_0, "comments", _("Encrypted messages over XMPP"), NULL);
}

static void
preferences_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessApplication *self = TESS_APPLICATION (user_data);
  gtk_window_present (GTK_WINDOW (tess_preferences_new (GTK_WINDOW (show_window (self)), self->client)));
}

static void
accounts_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessApplication *self = TESS_APPLICATION (user_data);
  GtkWidget *preferences = tess_preferences_new (GTK_WINDOW (show_window (self)), self->client);

  tess_preferences_show_accounts (TESS_PREFERENCES (preferences));
  gtk_window_present (GTK_WINDOW (preferences));
}

static void
add_account_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  tess_window_add_account (show_window (TESS_APPLICATION (user_data)));
}

static void
open_chat_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessApplication *self = TESS_APPLICATION (user_data);
  TessWindow *window = show_window (self);
  TessConversation *conversation = tess_client_find_conversation (self->client, g_variant_get_int64 (parameter));

  if (conversation != NULL)
    tess_window_open_conversation (window, conversation);
}

/* @uri: (nullable): the link that names @address */
static void
open_address (TessApplication *self, const char *address, const char *uri)
{
  g_free (self->pending_address);
  self->pending_address = g_strdup (address);
  g_free (self->pending_code);
  self->pending_code = uri != NULL && tess_text_uri_is_code (uri) ? g_strdup (uri) : NULL;
  show_window (self);
  show_pending (self);
}

static void
open_address_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  open_address (TESS_APPLICATION (user_data), g_variant_get_string (parameter, NULL), NULL);
}

static void
launched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessApplication) self = TESS_APPLICATION (user_data);
  g_autoptr (GError) error = NULL;
  TessWindow *window = find_window (self);

  if (!g_app_info_launch_default_for_uri_finish (result, &error) && window != NULL)
    tess_window_toast (window, _("No program was found that opens this link."));
}

/* Attacks row E9: whatever came here, only harmless schemes go out; E10: addresses of ours are asked about. */
static void
open_link_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessApplication *self = TESS_APPLICATION (user_data);
  const char *uri = g_variant_get_string (parameter, NULL);
  g_autofree char *address = tess_text_address_from_uri (uri);

  if (address != NULL)
    open_address (self, address, uri);
  else if (tess_text_link_is_allowed (uri))
    {
      g_autoptr (GdkAppLaunchContext) context = gdk_display_get_app_launch_context (gdk_display_get_default ());
      g_app_info_launch_default_for_uri_async (uri, G_APP_LAUNCH_CONTEXT (context), NULL, launched_cb, g_object_ref (self));
    }
}

static void
withdraw_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  tess_notifier_withdraw (TESS_APPLICATION (user_data)->notifier, g_variant_get_int64 (parameter));
}

static void
ask_password_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessApplication *self = TESS_APPLICATION (user_data);
  TessAccount *account = tess_client_find_account (self->client, g_variant_get_string (parameter, NULL));

  if (account != NULL)
    tess_window_ask_password (show_window (self), account);
}

static const GActionEntry entries[] = {
  { .name = "quit", .activate = quit_action },
  { .name = "about", .activate = about_action },
  { .name = "preferences", .activate = preferences_action },
  { .name = "accounts", .activate = accounts_action },
  { .name = "add-account", .activate = add_account_action },
  { .name = "open-chat", .activate = open_chat_action, .parameter_type = "x" },
  { .name = "open-address", .activate = open_address_action, .parameter_type = "s" },
  { .name = "open-link", .activate = open_link_action, .parameter_type = "s" },
  { .name = "withdraw", .activate = withdraw_action, .parameter_type = "x" },
  { .name = "ask-password", .activate = ask_password_action, .parameter_type = "s" },
};

static const struct
{
  const char *action;
  const char *keys[3];
} accelerators[] = {
  { "app.quit", { "<Control>q" } },
  { "app.preferences", { "<Control>comma" } },
  { "win.new-chat", { "<Control>n" } },
  { "win.search", { "<Control>f", "<Control>k" } },
  { "win.back", { "Escape", "<Alt>Left" } },
  { "win.next-chat", { "<Control>Page_Down", "<Alt>Down" } },
  { "win.previous-chat", { "<Control>Page_Up", "<Alt>Up" } },
  { "win.verify", { "<Control><Shift>v" } },
  { "win.details", { "<Control>i" } },
  { "win.close", { "<Control>w" } },
  { "win.show-help-overlay", { "<Control>question", "F1" } },
};

static void
add_actions (TessApplication *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), entries, G_N_ELEMENTS (entries), self);
  for (guint i = 0; i < G_N_ELEMENTS (accelerators); i++)
    {
      const char *keys[4] = { accelerators[i].keys[0], accelerators[i].keys[1], accelerators[i].keys[2], NULL };
      gtk_application_set_accels_for_action (GTK_APPLICATION (self), accelerators[i].action, keys);
    }
}

/* --- application ------------------------------------------------------------------------------------------------------------ */

/* What a start needs and frees (style sheets, templates, certificates) lies in pages between what stays: 6 MiB. */
static void
trim_cb (gpointer unused)
{
#ifdef __GLIBC__
  malloc_trim (0);
#endif
}

static void
tess_application_startup (GApplication *application)
{
  TessApplication *self = TESS_APPLICATION (application);
  g_autofree char *data_dir = g_build_filename (g_get_user_data_dir (), "tessera", NULL);
  const char *ca_file = g_getenv ("TESSERA_CA_FILE");
  GSettings *settings = tess_settings_get ();

  tess_views_init ();
  G_APPLICATION_CLASS (tess_application_parent_class)->startup (application);
  gtk_window_set_default_icon_name (TESS_APPLICATION_ID);
  add_actions (self);
  self->notifier = tess_notifier_new (application);
  self->secrets = tess_secrets_new ();
  self->client = tess_client_new (data_dir, ca_file != NULL && *ca_file != '\0' ? ca_file : NULL, self->secrets);
  g_signal_connect_object (self->client, "message-received", G_CALLBACK (message_received_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->client, "conversation-read", G_CALLBACK (conversation_read_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->client, "notify::state", G_CALLBACK (show_pending), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->client, "notify::state", G_CALLBACK (update_history), self, G_CONNECT_SWAPPED);
  tess_client_start (self->client);
  g_timeout_add_once (TRIM_DELAY_MS, trim_cb, NULL);
  self->network = tess_network_new (network_changed_cb, resumed_cb, self);
  if (!tess_network_get_available (self->network))
    tess_client_network_changed (self->client, FALSE);
  self->in_use = tess_in_use_new (self->client);
  if (settings != NULL)
    {
      g_signal_connect_object (settings, "changed::" TESS_SETTING_BACKGROUND, G_CALLBACK (update_hold), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (settings, "changed::" TESS_SETTING_HISTORY_DAYS, G_CALLBACK (update_history), self,
                               G_CONNECT_SWAPPED);
    }
  update_hold (self);
}

static void
tess_application_activate (GApplication *application)
{
  show_window (TESS_APPLICATION (application));
}

static void
tess_application_open (GApplication *application, GFile **files, int n_files, const char *hint)
{
  TessApplication *self = TESS_APPLICATION (application);

  show_window (self);
  for (int i = 0; i < n_files; i++)
    {
      g_autofree char *uri = g_file_get_uri (files[i]);
      g_autofree char *address = tess_text_address_from_uri (uri);

      if (address != NULL)
        open_address (self, address, uri);
      else
        tess_window_toast (show_window (self), _("This is not an address that Tessera can write to."));
    }
}

static int
tess_application_handle_local_options (GApplication *application, GVariantDict *options)
{
  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("tessera %s\n", PACKAGE_VERSION);
      return 0;
    }
  return -1;
}

static void
tess_application_shutdown (GApplication *application)
{
  TessApplication *self = TESS_APPLICATION (application);

  g_clear_pointer (&self->in_use, tess_in_use_free);
  g_clear_pointer (&self->network, tess_network_free);
  if (self->client != NULL)
    tess_client_stop (self->client);
  g_clear_pointer (&self->notifier, tess_notifier_free);
  G_APPLICATION_CLASS (tess_application_parent_class)->shutdown (application);
  g_clear_object (&self->client);
  g_clear_object (&self->secrets);
}

static void
tess_application_finalize (GObject *object)
{
  g_free (TESS_APPLICATION (object)->pending_address);
  g_free (TESS_APPLICATION (object)->pending_code);
  G_OBJECT_CLASS (tess_application_parent_class)->finalize (object);
}

static void
tess_application_class_init (TessApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = tess_application_finalize;
  application_class->startup = tess_application_startup;
  application_class->activate = tess_application_activate;
  application_class->open = tess_application_open;
  application_class->handle_local_options = tess_application_handle_local_options;
  application_class->shutdown = tess_application_shutdown;
}

static void
tess_application_init (TessApplication *self)
{
  static const GOptionEntry options[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_("Print the version and exit"), NULL },
    G_OPTION_ENTRY_NULL,
  };

  g_application_add_main_option_entries (G_APPLICATION (self), options);
  g_application_set_option_context_parameter_string (G_APPLICATION (self), "[xmpp:ADDRESS]");
  g_application_set_option_context_summary (G_APPLICATION (self), _("Encrypted messages over XMPP. An address opens a chat; nothing is sent."));
}

TessApplication *
tess_application_new (void)
{
  return g_object_new (TESS_TYPE_APPLICATION, "application-id", TESS_APPLICATION_ID, "flags", G_APPLICATION_HANDLES_OPEN,
                       "resource-base-path", "/im/tessera/Tessera", NULL);
}
