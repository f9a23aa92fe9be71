/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-chat-view.h"
#include "views/tess-new-chat-dialog.h"
#include "views/tess-password-dialog.h"
#include "views/tess-preferences.h"
#include "views/tess-security-dialog.h"
#include "views/tess-settings.h"
#include "views/tess-sidebar.h"
#include "views/tess-verification-dialog.h"
#include "views/tess-window.h"

#include <glib/gi18n.h>

#define SIDEBAR_WIDTH 320
#define SPINNER_DELAY_MS 300

struct _TessWindow
{
  AdwApplicationWindow parent_instance;

  AdwToastOverlay *toasts;
  GtkStack        *pages;
  GtkSpinner      *spinner;
  AdwStatusPage   *welcome;
  AdwStatusPage   *failed;
  GtkWidget       *set_aside;
  AdwLeaflet      *leaflet;
  AdwClamp        *sidebar_page;
  AdwHeaderBar    *sidebar_header;
  TessSidebar     *sidebar;
  GtkStack        *chat_stack;
  AdwBin          *chat_bin;
  AdwHeaderBar    *empty_header;

  TessClient   *client;
  TessChatView *chat; /* nullable; in chat_bin */
  GHashTable   *asked; /* addresses of accounts whose password was asked for */
  GCancellable *cancellable;
  guint         spinner_id;
};

G_DEFINE_FINAL_TYPE (TessWindow, tess_window, ADW_TYPE_APPLICATION_WINDOW)

void
tess_window_toast (TessWindow *self, const char *sentence)
{
  g_return_if_fail (TESS_IS_WINDOW (self));

  g_autofree char *title = g_markup_escape_text (sentence, -1);
  AdwToast *toast = adw_toast_new (title);
  adw_toast_set_timeout (toast, 8);
  adw_toast_overlay_add_toast (self->toasts, toast);
}

/* --- which page ------------------------------------------------------------------------------------------------------------- */

static void
show_failure (TessWindow *self)
{
  const GError *error = tess_client_get_error (self->client);
  g_autofree char *sentence = g_markup_escape_text (error != NULL ? error->message : _("The database cannot be opened."), -1);
  gboolean can_set_aside = !g_error_matches (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_DATABASE_IN_USE) &&
                           !g_error_matches (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_DATABASE_FULL);

  adw_status_page_set_description (self->failed, sentence);
  gtk_widget_set_visible (self->set_aside, can_set_aside);
}

/* Not at once: a database opens before the second frame, and the icon alone would cost the first one. */
static void
show_spinner_cb (gpointer user_data)
{
  TessWindow *self = TESS_WINDOW (user_data);

  self->spinner_id = 0;
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), TRUE);
  gtk_spinner_start (self->spinner);
}

static void
stop_spinner (TessWindow *self)
{
  g_clear_handle_id (&self->spinner_id, g_source_remove);
  gtk_spinner_stop (self->spinner);
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), FALSE);
}

static void
update_page (TessWindow *self)
{
  guint n = g_list_model_get_n_items (tess_client_get_accounts (self->client));
  const char *page = "starting";

  switch (tess_client_get_state (self->client))
    {
    case TESS_CLIENT_READY:
      g_simple_action_set_enabled (G_SIMPLE_ACTION (g_action_map_lookup_action (G_ACTION_MAP (self), "security")), n > 0);
      page = n > 0 ? "main" : "welcome";
      break;
    case TESS_CLIENT_FAILED:
      show_failure (self);
      page = "failed";
      break;
    case TESS_CLIENT_STARTING:
    case TESS_CLIENT_STOPPED:
    default:
      break;
    }
  if (!g_str_equal (page, "starting"))
    stop_spinner (self);
  else if (self->spinner_id == 0)
    self->spinner_id = g_timeout_add_once (SPINNER_DELAY_MS, show_spinner_cb, self);
  /* GTK loads the pictures of hidden pages too, and librsvg (7 MiB) for those that are no PNG: only for who sees them. */
  if (g_str_equal (page, "welcome"))
    adw_status_page_set_icon_name (self->welcome, "im.tessera.Tessera");
  else if (g_str_equal (page, "failed"))
    adw_status_page_set_icon_name (self->failed, "tess-warning-symbolic");
  gtk_stack_set_visible_child_name (self->pages, page);
}

static void
set_aside_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessWindow) self = TESS_WINDOW (user_data);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = tess_client_set_aside_finish (TESS_CLIENT (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  gtk_widget_set_sensitive (self->set_aside, TRUE);
  if (path != NULL)
    {
      g_autofree char *sentence = g_strdup_printf (_("The old database is kept as %s."), path);
      tess_window_toast (self, sentence);
    }
  else
    tess_window_toast (self, error->message);
}

static void
set_aside_clicked_cb (TessWindow *self)
{
  gtk_widget_set_sensitive (self->set_aside, FALSE);
  tess_client_set_aside_async (self->client, self->cancellable, set_aside_cb, g_object_ref (self));
}

/* --- conversations ---------------------------------------------------------------------------------------------------------- */

static TessConversation *
current (TessWindow *self)
{
  return self->chat != NULL ? tess_chat_view_get_conversation (self->chat) : NULL;
}

static void
show_chat (TessWindow *self, TessConversation *conversation)
{
  if (current (self) == conversation)
    return;
  adw_bin_set_child (self->chat_bin, NULL);
  self->chat = NULL;
  if (conversation != NULL)
    {
      self->chat = TESS_CHAT_VIEW (tess_chat_view_new (conversation));
      g_object_bind_property (self->leaflet, "folded", self->chat, "folded", G_BINDING_SYNC_CREATE);
      adw_bin_set_child (self->chat_bin, GTK_WIDGET (self->chat));
    }
  gtk_stack_set_visible_child_name (self->chat_stack, conversation != NULL ? "chat" : "empty");
  tess_sidebar_select (self->sidebar, conversation);
}

void
tess_window_open_conversation (TessWindow *self, TessConversation *conversation)
{
  g_return_if_fail (TESS_IS_WINDOW (self));

  show_chat (self, conversation);
  adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->chat_stack));
  if (self->chat != NULL)
    tess_chat_view_focus (self->chat);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessWindow) self = TESS_WINDOW (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (TessConversation) conversation = tess_client_open_chat_finish (TESS_CLIENT (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->client == NULL)
    return;
  if (conversation == NULL)
    {
      tess_window_toast (self, error->message);
      return;
    }
  tess_sidebar_clear_search (self->sidebar);
  tess_window_open_conversation (self, conversation);
}

void
tess_window_start_chat (TessWindow *self, TessAccount *account, const char *address)
{
  g_return_if_fail (TESS_IS_WINDOW (self));
  tess_client_open_chat_async (self->client, account, address, self->cancellable, opened_cb, g_object_ref (self));
}

static void
contact_added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessWindow) self = TESS_WINDOW (user_data);
  g_autoptr (GError) error = NULL;

  if (tess_account_change_contact_finish (TESS_ACCOUNT (source), result, &error) || self->client == NULL ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  /* Translators: what went wrong, as a sentence */
  g_autofree char *sentence = g_strdup_printf (_("The contact was not added. %s"), error->message);
  tess_window_toast (self, sentence);
}

static void
chosen_cb (TessWindow *self, TessAccount *account, const char *address, gboolean add)
{
  if (add)
    tess_account_change_contact_async (account, address, TESS_CONTACT_ADD, NULL, self->cancellable, contact_added_cb,
                                       g_object_ref (self));
  tess_window_start_chat (self, account, address);
}

static void
ask_for_chat (TessWindow *self, const char *address)
{
  GtkWidget *dialog = tess_new_chat_dialog_new (GTK_WINDOW (self), self->client, address);

  g_signal_connect_object (dialog, "chosen", G_CALLBACK (chosen_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* (transfer none) (nullable): the one conversation with @address; of several accounts nobody knows which is meant. */
static TessConversation *
find_one (TessWindow *self, const char *address)
{
  GListModel *conversations = G_LIST_MODEL (tess_client_get_conversations (self->client));
  g_autofree char *folded = g_utf8_strdown (address, -1);
  TessConversation *found = NULL;
  guint n_found = 0;

  for (guint i = 0; i < g_list_model_get_n_items (conversations); i++)
    {
      g_autoptr (TessConversation) conversation = g_list_model_get_item (conversations, i);
      if (g_str_equal (tess_conversation_get_address (conversation), folded))
        {
          found = conversation;
          n_found++;
        }
    }
  return n_found == 1 ? found : NULL;
}

void
tess_window_ask_chat (TessWindow *self, const char *address)
{
  g_return_if_fail (TESS_IS_WINDOW (self));

  g_autofree char *problem = tess_client_check_address (address);
  TessConversation *found;

  if (problem != NULL)
    {
      tess_window_toast (self, problem);
      return;
    }
  if (g_list_model_get_n_items (tess_client_get_accounts (self->client)) == 0)
    {
      tess_window_toast (self, _("Add an account first, then open the link again."));
      return;
    }
  found = find_one (self, address);
  if (found != NULL)
    tess_window_open_conversation (self, found);
  else
    ask_for_chat (self, address);
}

void
tess_window_ask_code (TessWindow *self, const char *address, const char *code)
{
  TessAccount *own;
  TessConversation *found;
  GtkWidget *dialog;

  g_return_if_fail (TESS_IS_WINDOW (self));

  own = tess_client_find_account (self->client, address);
  found = own == NULL ? find_one (self, address) : NULL;
  if (own == NULL && found == NULL)
    {
      tess_window_ask_chat (self, address);
      tess_window_toast (self, _("Open a chat with this contact first, then open the link again."));
      return;
    }
  if (found != NULL)
    tess_window_open_conversation (self, found);
  dialog = found != NULL ? tess_verification_dialog_new (GTK_WINDOW (self), found) : tess_verification_dialog_new_own (GTK_WINDOW (self), own);
  gtk_window_present (GTK_WINDOW (dialog));
  tess_verification_dialog_ask (TESS_VERIFICATION_DIALOG (dialog), code);
}

static void
open_conversation_cb (TessWindow *self, TessConversation *conversation)
{
  tess_window_open_conversation (self, conversation);
}

/* From the search entry: one account is no question. */
static void
start_chat_cb (TessWindow *self, const char *address)
{
  GListModel *accounts = tess_client_get_accounts (self->client);

  if (g_list_model_get_n_items (accounts) == 1)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, 0);
      tess_window_start_chat (self, account, address);
    }
  else
    ask_for_chat (self, address);
}

static void
conversations_changed_cb (TessWindow *self)
{
  GListModel *conversations = G_LIST_MODEL (tess_client_get_conversations (self->client));
  TessConversation *conversation = current (self);

  if (conversation == NULL)
    return;
  for (guint i = 0; i < g_list_model_get_n_items (conversations); i++)
    {
      g_autoptr (TessConversation) item = g_list_model_get_item (conversations, i);
      if (item == conversation)
        return;
    }
  show_chat (self, NULL);
  adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->sidebar_page));
}

gboolean
tess_window_is_in_front (TessWindow *self, TessConversation *conversation)
{
  g_return_val_if_fail (TESS_IS_WINDOW (self), FALSE);

  return gtk_window_is_active (GTK_WINDOW (self)) && current (self) == conversation &&
         (!adw_leaflet_get_folded (self->leaflet) || adw_leaflet_get_visible_child (self->leaflet) == GTK_WIDGET (self->chat_stack));
}

/* --- accounts --------------------------------------------------------------------------------------------------------------- */

TessAccountDialog *
tess_window_add_account (TessWindow *self)
{
  g_return_val_if_fail (TESS_IS_WINDOW (self), NULL);

  GtkWidget *dialog = tess_account_dialog_new (GTK_WINDOW (self), self->client);
  gtk_window_present (GTK_WINDOW (dialog));
  return TESS_ACCOUNT_DIALOG (dialog);
}

void
tess_window_ask_password (TessWindow *self, TessAccount *account)
{
  g_return_if_fail (TESS_IS_WINDOW (self));

  GListModel *toplevels = gtk_window_get_toplevels ();
  for (guint i = 0; i < g_list_model_get_n_items (toplevels); i++)
    {
      g_autoptr (GtkWindow) window = g_list_model_get_item (toplevels, i);
      if (TESS_IS_PASSWORD_DIALOG (window) && tess_password_dialog_get_account (TESS_PASSWORD_DIALOG (window)) == account)
        {
          gtk_window_present (window);
          return;
        }
    }
  gtk_window_present (GTK_WINDOW (tess_password_dialog_new (GTK_WINDOW (self), self->client, account)));
}

/* Once for each account and window; afterwards the bar below the list offers it. */
static void
account_changed_cb (TessWindow *self, GParamSpec *pspec, TessAccount *account)
{
  if (tess_account_get_error_code (account) != TESS_ENGINE_ERROR_PASSWORD_NEEDED || !tess_account_get_enabled (account) ||
      !gtk_widget_get_mapped (GTK_WIDGET (self)) || !g_hash_table_add (self->asked, g_strdup (tess_account_get_address (account))))
    return;
  tess_window_ask_password (self, account);
}

static void
accounts_changed_cb (TessWindow *self, guint position, guint removed, guint added)
{
  GListModel *accounts = tess_client_get_accounts (self->client);

  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, i);
      g_signal_connect_object (account, "notify::error-code", G_CALLBACK (account_changed_cb), self, G_CONNECT_SWAPPED);
      account_changed_cb (self, NULL, account);
    }
  update_page (self);
}

static void
map_cb (TessWindow *self)
{
  GListModel *accounts = tess_client_get_accounts (self->client);

  for (guint i = 0; i < g_list_model_get_n_items (accounts); i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, i);
      account_changed_cb (self, NULL, account);
    }
}

/* --- actions ---------------------------------------------------------------------------------------------------------------- */

static void
new_chat_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessWindow *self = TESS_WINDOW (user_data);

  if (g_list_model_get_n_items (tess_client_get_accounts (self->client)) > 0)
    ask_for_chat (self, NULL);
  else
    tess_window_add_account (self);
}

static void
search_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessWindow *self = TESS_WINDOW (user_data);

  adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->sidebar_page));
  tess_sidebar_focus_search (self->sidebar);
}

/* Esc, and the button: out of a search first, then from the chat to the list. */
static void
back_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessWindow *self = TESS_WINDOW (user_data);

  if (tess_sidebar_clear_search (self->sidebar))
    return;
  if (adw_leaflet_get_folded (self->leaflet))
    adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->sidebar_page));
  else if (self->chat != NULL)
    tess_chat_view_focus (self->chat);
}

static void
step (TessWindow *self, int places)
{
  TessConversation *next = tess_sidebar_neighbour (self->sidebar, current (self), places);
  if (next != NULL)
    tess_window_open_conversation (self, next);
}

static void
next_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  step (TESS_WINDOW (user_data), 1);
}

static void
previous_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  step (TESS_WINDOW (user_data), -1);
}

static void
verify_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessWindow *self = TESS_WINDOW (user_data);
  if (self->chat != NULL)
    tess_chat_view_verify (self->chat);
}

static void
details_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessWindow *self = TESS_WINDOW (user_data);
  if (self->chat != NULL)
    tess_chat_view_show_contact (self->chat);
}

static void
security_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessWindow *self = TESS_WINDOW (user_data);
  TessConversation *conversation = current (self);

  if (g_list_model_get_n_items (tess_client_get_accounts (self->client)) > 0)
    gtk_window_present (GTK_WINDOW (tess_security_dialog_new (
      GTK_WINDOW (self), self->client, conversation != NULL ? tess_conversation_get_account (conversation) : NULL)));
}

/* GtkApplication would make it at every start, where it finds one: a third of what the window itself takes. */
static void
help_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessWindow *self = TESS_WINDOW (user_data);
  g_autoptr (GtkBuilder) builder = gtk_builder_new_from_resource ("/im/tessera/Tessera/ui/help-overlay.ui");
  GtkShortcutsWindow *help = GTK_SHORTCUTS_WINDOW (gtk_builder_get_object (builder, "help_overlay"));

  /* Which puts its own action in the place of this one. */
  gtk_application_window_set_help_overlay (GTK_APPLICATION_WINDOW (self), help);
  gtk_window_present (GTK_WINDOW (help));
}

static void
close_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_window_close (GTK_WINDOW (user_data));
}

static const GActionEntry entries[] = {
  { .name = "new-chat", .activate = new_chat_action }, { .name = "search", .activate = search_action },
  { .name = "back", .activate = back_action },         { .name = "next-chat", .activate = next_action },
  { .name = "verify", .activate = verify_action },     { .name = "previous-chat", .activate = previous_action },
  { .name = "details", .activate = details_action },   { .name = "close", .activate = close_action },
  { .name = "security", .activate = security_action }, { .name = "show-help-overlay", .activate = help_action },
};

/* --- object ----------------------------------------------------------------------------------------------------------------- */

static void
folded_cb (TessWindow *self)
{
  gboolean folded = adw_leaflet_get_folded (self->leaflet);

  adw_header_bar_set_show_end_title_buttons (self->sidebar_header, folded);
  adw_header_bar_set_show_start_title_buttons (self->empty_header, folded);
  tess_sidebar_set_folded (self->sidebar, folded);
  /* Beside the chat it has its width, alone all of it. */
  adw_clamp_set_maximum_size (self->sidebar_page, folded ? G_MAXINT16 : SIDEBAR_WIDTH);
  adw_clamp_set_tightening_threshold (self->sidebar_page, folded ? G_MAXINT16 : SIDEBAR_WIDTH);
}

static gboolean
list_key_cb (TessWindow *self, guint keyval, guint keycode, GdkModifierType state, GtkEventControllerKey *controller)
{
  return tess_sidebar_take_key (self->sidebar, controller, keyval, state);
}

static void
problem_cb (TessWindow *self, const char *sentence)
{
  tess_window_toast (self, sentence);
}

static void
restore_size (TessWindow *self)
{
  GSettings *settings = tess_settings_get ();

  if (settings == NULL)
    return;
  gtk_window_set_default_size (GTK_WINDOW (self), g_settings_get_int (settings, TESS_SETTING_WIDTH),
                               g_settings_get_int (settings, TESS_SETTING_HEIGHT));
  if (g_settings_get_boolean (settings, TESS_SETTING_MAXIMIZED))
    gtk_window_maximize (GTK_WINDOW (self));
}

static gboolean
tess_window_close_request (GtkWindow *window)
{
  GSettings *settings = tess_settings_get ();
  int width, height;

  gtk_window_get_default_size (window, &width, &height);
  if (settings != NULL)
    {
      g_settings_set_int (settings, TESS_SETTING_WIDTH, width);
      g_settings_set_int (settings, TESS_SETTING_HEIGHT, height);
      g_settings_set_boolean (settings, TESS_SETTING_MAXIMIZED, gtk_window_is_maximized (window));
    }
  return GTK_WINDOW_CLASS (tess_window_parent_class)->close_request (window);
}

static void
tess_window_dispose (GObject *object)
{
  TessWindow *self = TESS_WINDOW (object);

  g_clear_handle_id (&self->spinner_id, g_source_remove);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->chat = NULL;
  g_clear_object (&self->client);
  g_clear_pointer (&self->asked, g_hash_table_unref);
  G_OBJECT_CLASS (tess_window_parent_class)->dispose (object);
}

static void
tess_window_class_init (TessWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_window_dispose;
  GTK_WINDOW_CLASS (klass)->close_request = tess_window_close_request;
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/window.ui");
  gtk_widget_class_bind_template_child (widget_class, TessWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, TessWindow, pages);
  gtk_widget_class_bind_template_child (widget_class, TessWindow, spinner);
  gtk_widget_class_bind_template_child (widget_class, TessWindow, welcome);
  gtk_widget_class_bind_template_child (widget_class, TessWindow, failed);
  gtk_widget_class_bind_template_child (widget_class, TessWindow, set_aside);
  gtk_widget_class_bind_template_child (widget_class, TessWindow, leaflet);
  gtk_widget_class_bind_template_child (widget_class, TessWindow, sidebar_page);
  gtk_widget_class_bind_template_child (widget_class, TessWindow, sidebar_header);
  gtk_widget_class_bind_template_child (widget_class, TessWindow, sidebar);
  gtk_widget_class_bind_template_child (widget_class, TessWindow, chat_stack);
  gtk_widget_class_bind_template_child (widget_class, TessWindow, chat_bin);
  gtk_widget_class_bind_template_child (widget_class, TessWindow, empty_header);
  gtk_widget_class_bind_template_callback (widget_class, set_aside_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, open_conversation_cb);
  gtk_widget_class_bind_template_callback (widget_class, start_chat_cb);
  gtk_widget_class_bind_template_callback (widget_class, folded_cb);
  gtk_widget_class_bind_template_callback (widget_class, list_key_cb);
}

static void
tess_window_init (TessWindow *self)
{
  g_type_ensure (TESS_TYPE_SIDEBAR);
  gtk_widget_init_template (GTK_WIDGET (self));
  self->asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->cancellable = g_cancellable_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self), entries, G_N_ELEMENTS (entries), self);
  restore_size (self);
  folded_cb (self);
}

TessClient *
tess_window_get_client (TessWindow *self)
{
  g_return_val_if_fail (TESS_IS_WINDOW (self), NULL);
  return self->client;
}

GtkWidget *
tess_window_new (GtkApplication *application, TessClient *client)
{
  TessWindow *self = g_object_new (TESS_TYPE_WINDOW, "application", application, NULL);

  self->client = g_object_ref (client);
  tess_sidebar_set_client (self->sidebar, client);
  g_signal_connect_object (client, "notify::state", G_CALLBACK (update_page), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (client, "problem", G_CALLBACK (problem_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (tess_client_get_conversations (client), "items-changed", G_CALLBACK (conversations_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (tess_client_get_accounts (client), "items-changed", G_CALLBACK (accounts_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect (self, "map", G_CALLBACK (map_cb), NULL);
  accounts_changed_cb (self, 0, 0, g_list_model_get_n_items (tess_client_get_accounts (client)));
  return GTK_WIDGET (self);
}
