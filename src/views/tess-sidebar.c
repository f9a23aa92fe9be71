/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-connection-bar.h"
#include "views/tess-history-bar.h"
#include "views/tess-conversation-row.h"
#include "views/tess-request-row.h"
#include "views/tess-sidebar.h"
#include "views/tess-views.h"

#include <glib/gi18n.h>
#include <string.h>

struct _TessSidebar
{
  GtkWidget parent_instance;

  GtkSearchEntry *search;
  GtkWidget      *request_box;
  GtkListBox     *requests;
  GtkListBox     *list;
  GtkWidget      *start;
  GtkLabel       *start_label;
  GtkWidget      *nothing;
  GtkBox         *bars;

  TessClient         *client;
  GtkCustomFilter    *filter;
  GtkFilterListModel *filtered;
  TessConversation   *selected;
  GHashTable         *rows;   /* of TessConversation to its TessConversationRow */
  guint               purge_id;
  char               *needle; /* casefolded; nullable */
  guint               clock_id;
};

G_DEFINE_FINAL_TYPE (TessSidebar, tess_sidebar, GTK_TYPE_WIDGET)

enum
{
  OPEN_CONVERSATION,
  START_CHAT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* --- the list --------------------------------------------------------------------------------------------------------------- */

static gboolean
contains_folded (const char *text, const char *needle)
{
  g_autofree char *normal = text != NULL ? g_utf8_normalize (text, -1, G_NORMALIZE_ALL) : NULL;
  g_autofree char *folded = normal != NULL ? g_utf8_casefold (normal, -1) : NULL;
  return folded != NULL && strstr (folded, needle) != NULL;
}

static gboolean
filter_cb (gpointer item, gpointer user_data)
{
  TessSidebar *self = TESS_SIDEBAR (user_data);
  TessConversation *conversation = TESS_CONVERSATION (item);

  return self->needle == NULL || contains_folded (tess_conversation_get_name (conversation), self->needle) ||
         contains_folded (tess_conversation_get_address (conversation), self->needle);
}

/* A conversation that moves comes out of the list and into it again: it keeps its row. */
static GtkWidget *
create_row_cb (gpointer item, gpointer user_data)
{
  TessSidebar *self = TESS_SIDEBAR (user_data);
  GtkWidget *row = g_hash_table_lookup (self->rows, item);

  if (row == NULL)
    {
      row = g_object_ref_sink (tess_conversation_row_new (TESS_CONVERSATION (item)));
      g_hash_table_insert (self->rows, item, row);
    }
  return g_object_ref (row);
}

static gboolean
is_out_of_list (gpointer conversation, gpointer row, gpointer user_data)
{
  return gtk_widget_get_parent (row) == NULL;
}

static void
purge_cb (gpointer user_data)
{
  TessSidebar *self = TESS_SIDEBAR (user_data);

  self->purge_id = 0;
  g_hash_table_foreach_remove (self->rows, is_out_of_list, NULL);
}

static GtkListBoxRow *
find_row (TessSidebar *self, TessConversation *conversation)
{
  GtkListBoxRow *row;

  for (int i = 0; (row = gtk_list_box_get_row_at_index (self->list, i)) != NULL; i++)
    if (tess_conversation_row_get_conversation (TESS_CONVERSATION_ROW (row)) == conversation)
      return row;
  return NULL;
}

static char *
search_text (TessSidebar *self)
{
  return g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->search))));
}

static void
update_list (TessSidebar *self)
{
  g_autofree char *text = search_text (self);
  g_autofree char *problem = *text != '\0' ? tess_client_check_address (text) : g_strdup ("");
  guint shown = g_list_model_get_n_items (G_LIST_MODEL (self->filtered));
  gboolean can_start = problem == NULL && strchr (text, '@') != NULL;

  gtk_widget_set_visible (self->start, can_start);
  if (can_start)
    {
      g_autofree char *label = g_strdup_printf (_("Chat with %s"), text);
      gtk_label_set_text (self->start_label, label);
      /* GTK 4.8 takes no name from a child that is a box. */
      gtk_accessible_update_property (GTK_ACCESSIBLE (self->start), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
    }
  gtk_widget_set_visible (self->nothing, shown == 0 && self->needle != NULL && !can_start);
  if (self->purge_id == 0)
    self->purge_id = g_idle_add_once (purge_cb, self);
  /* A row that moves loses its mark, which belongs to the conversation. */
  tess_sidebar_select (self, self->selected);
}

static void
search_changed_cb (TessSidebar *self)
{
  g_autofree char *text = search_text (self);
  g_autofree char *normal = g_utf8_normalize (text, -1, G_NORMALIZE_ALL);

  g_clear_pointer (&self->needle, g_free);
  if (normal != NULL && *normal != '\0')
    self->needle = g_utf8_casefold (normal, -1);
  gtk_filter_changed (GTK_FILTER (self->filter), GTK_FILTER_CHANGE_DIFFERENT);
  update_list (self);
}

static void
start_cb (TessSidebar *self)
{
  g_autofree char *text = search_text (self);
  g_signal_emit (self, signals[START_CHAT], 0, text);
}

static void
search_activated_cb (TessSidebar *self)
{
  GtkListBoxRow *row = gtk_list_box_get_row_at_index (self->list, 0);

  search_changed_cb (self);
  if (gtk_widget_get_visible (self->start))
    start_cb (self);
  else if (self->needle != NULL && row != NULL)
    g_signal_emit (self, signals[OPEN_CONVERSATION], 0, tess_conversation_row_get_conversation (TESS_CONVERSATION_ROW (row)));
}

static void
row_activated_cb (TessSidebar *self, GtkListBoxRow *row)
{
  g_signal_emit (self, signals[OPEN_CONVERSATION], 0, tess_conversation_row_get_conversation (TESS_CONVERSATION_ROW (row)));
}

static gboolean
clock_cb (gpointer user_data)
{
  TessSidebar *self = TESS_SIDEBAR (user_data);
  GtkListBoxRow *row;

  for (int i = 0; (row = gtk_list_box_get_row_at_index (self->list, i)) != NULL; i++)
    tess_conversation_row_refresh (TESS_CONVERSATION_ROW (row));
  return G_SOURCE_CONTINUE;
}

/* --- requests and accounts -------------------------------------------------------------------------------------------------- */

static void
rebuild_requests (TessSidebar *self)
{
  GListModel *accounts = tess_client_get_accounts (self->client);
  GtkListBoxRow *row;
  guint n = 0;

  while ((row = gtk_list_box_get_row_at_index (self->requests, 0)) != NULL)
    gtk_list_box_remove (self->requests, GTK_WIDGET (row));
  for (guint i = 0; i < g_list_model_get_n_items (accounts); i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, i);
      GListModel *contacts = tess_account_get_contacts (account);

      for (guint k = 0; k < g_list_model_get_n_items (contacts); k++)
        {
          g_autoptr (TessContact) contact = g_list_model_get_item (contacts, k);

          if (!tess_contact_get_asks (contact))
            continue;
          gtk_list_box_append (self->requests, tess_request_row_new (account, contact));
          n++;
        }
    }
  gtk_widget_set_visible (self->request_box, n > 0);
}

static void
contacts_changed_cb (TessSidebar *self, guint position, guint removed, guint added, GListModel *contacts)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (TessContact) contact = g_list_model_get_item (contacts, i);
      g_signal_handlers_disconnect_by_func (contact, rebuild_requests, self);
      g_signal_connect_object (contact, "notify::asks", G_CALLBACK (rebuild_requests), self, G_CONNECT_SWAPPED);
    }
  rebuild_requests (self);
}

static void
rebuild_bars (TessSidebar *self)
{
  GListModel *accounts = tess_client_get_accounts (self->client);
  guint n = g_list_model_get_n_items (accounts);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->bars))) != NULL)
    gtk_box_remove (self->bars, child);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, i);
      gtk_box_append (self->bars, tess_connection_bar_new (self->client, account, n > 1));
      gtk_box_append (self->bars, tess_history_bar_new (account, n > 1));
    }
}

static void
accounts_changed_cb (TessSidebar *self, guint position, guint removed, guint added)
{
  GListModel *accounts = tess_client_get_accounts (self->client);

  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, i);
      GListModel *contacts = tess_account_get_contacts (account);

      g_signal_handlers_disconnect_by_func (contacts, contacts_changed_cb, self);
      g_signal_connect_object (contacts, "items-changed", G_CALLBACK (contacts_changed_cb), self, G_CONNECT_SWAPPED);
      contacts_changed_cb (self, 0, 0, g_list_model_get_n_items (contacts), contacts);
    }
  rebuild_bars (self);
  rebuild_requests (self);
}

/* --- object ----------------------------------------------------------------------------------------------------------------- */

static void
tess_sidebar_dispose (GObject *object)
{
  TessSidebar *self = TESS_SIDEBAR (object);

  g_clear_handle_id (&self->clock_id, g_source_remove);
  g_clear_handle_id (&self->purge_id, g_source_remove);
  if (self->filtered != NULL)
    g_signal_handlers_disconnect_by_data (self->filtered, self);
  tess_views_dispose (GTK_WIDGET (self), TESS_TYPE_SIDEBAR);
  g_clear_pointer (&self->rows, g_hash_table_unref);
  g_clear_object (&self->filtered);
  g_clear_object (&self->filter);
  g_clear_object (&self->selected);
  g_clear_object (&self->client);
  g_clear_pointer (&self->needle, g_free);
  G_OBJECT_CLASS (tess_sidebar_parent_class)->dispose (object);
}

static void
tess_sidebar_class_init (TessSidebarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_sidebar_dispose;
  signals[OPEN_CONVERSATION] = g_signal_new ("open-conversation", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                             NULL, G_TYPE_NONE, 1, TESS_TYPE_CONVERSATION);
  signals[START_CHAT] = g_signal_new ("start-chat", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                      G_TYPE_NONE, 1, G_TYPE_STRING);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "tess-sidebar");
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/sidebar.ui");
  gtk_widget_class_bind_template_child (widget_class, TessSidebar, search);
  gtk_widget_class_bind_template_child (widget_class, TessSidebar, request_box);
  gtk_widget_class_bind_template_child (widget_class, TessSidebar, requests);
  gtk_widget_class_bind_template_child (widget_class, TessSidebar, list);
  gtk_widget_class_bind_template_child (widget_class, TessSidebar, start);
  gtk_widget_class_bind_template_child (widget_class, TessSidebar, start_label);
  gtk_widget_class_bind_template_child (widget_class, TessSidebar, nothing);
  gtk_widget_class_bind_template_child (widget_class, TessSidebar, bars);
  gtk_widget_class_bind_template_callback (widget_class, search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, search_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, row_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, start_cb);
}

static void
tess_sidebar_init (TessSidebar *self)
{
  self->rows = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_orientable_set_orientation (GTK_ORIENTABLE (gtk_widget_get_layout_manager (GTK_WIDGET (self))),
                                  GTK_ORIENTATION_VERTICAL);
  self->clock_id = g_timeout_add_seconds (60, clock_cb, self);
}

void
tess_sidebar_set_client (TessSidebar *self, TessClient *client)
{
  g_return_if_fail (TESS_IS_SIDEBAR (self) && self->client == NULL);

  self->client = g_object_ref (client);
  self->filter = gtk_custom_filter_new (filter_cb, self, NULL);
  self->filtered = gtk_filter_list_model_new (g_object_ref (G_LIST_MODEL (tess_client_get_conversations (client))),
                                              g_object_ref (GTK_FILTER (self->filter)));
  gtk_list_box_bind_model (self->list, G_LIST_MODEL (self->filtered), create_row_cb, self, NULL);
  g_signal_connect_swapped (self->filtered, "items-changed", G_CALLBACK (update_list), self);
  g_signal_connect_object (tess_client_get_accounts (client), "items-changed", G_CALLBACK (accounts_changed_cb), self,
                           G_CONNECT_SWAPPED);
  accounts_changed_cb (self, 0, 0, g_list_model_get_n_items (tess_client_get_accounts (client)));
  update_list (self);
}

void
tess_sidebar_select (TessSidebar *self, TessConversation *conversation)
{
  g_return_if_fail (TESS_IS_SIDEBAR (self));

  g_set_object (&self->selected, conversation);
  GtkListBoxRow *row = conversation != NULL ? find_row (self, conversation) : NULL;
  if (gtk_list_box_get_selection_mode (self->list) == GTK_SELECTION_NONE)
    return;
  if (row != NULL)
    gtk_list_box_select_row (self->list, row);
  else
    gtk_list_box_unselect_all (self->list);
}

void
tess_sidebar_focus_search (TessSidebar *self)
{
  g_return_if_fail (TESS_IS_SIDEBAR (self));
  gtk_widget_grab_focus (GTK_WIDGET (self->search));
}

gboolean
tess_sidebar_clear_search (TessSidebar *self)
{
  g_return_val_if_fail (TESS_IS_SIDEBAR (self), FALSE);

  if (*gtk_editable_get_text (GTK_EDITABLE (self->search)) == '\0')
    return FALSE;
  gtk_editable_set_text (GTK_EDITABLE (self->search), "");
  search_changed_cb (self);
  return TRUE;
}

void
tess_sidebar_set_folded (TessSidebar *self, gboolean folded)
{
  g_return_if_fail (TESS_IS_SIDEBAR (self));
  gtk_list_box_set_selection_mode (self->list, folded ? GTK_SELECTION_NONE : GTK_SELECTION_BROWSE);
  tess_sidebar_select (self, self->selected);
}

TessConversation *
tess_sidebar_neighbour (TessSidebar *self, TessConversation *from, int step)
{
  g_return_val_if_fail (TESS_IS_SIDEBAR (self), NULL);

  GtkListBoxRow *row = from != NULL ? find_row (self, from) : NULL;
  int index = row != NULL ? gtk_list_box_row_get_index (row) + step : 0;
  row = index >= 0 ? gtk_list_box_get_row_at_index (self->list, index) : NULL;
  return row != NULL ? tess_conversation_row_get_conversation (TESS_CONVERSATION_ROW (row)) : NULL;
}

gboolean
tess_sidebar_take_key (TessSidebar *self, GtkEventControllerKey *controller, guint keyval, GdkModifierType state)
{
  g_return_val_if_fail (TESS_IS_SIDEBAR (self), FALSE);

  gunichar c = gdk_keyval_to_unicode (keyval);
  if ((state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK)) != 0 || c == 0 || g_unichar_iscntrl (c) || c == ' ')
    return FALSE;
  gtk_widget_grab_focus (GTK_WIDGET (self->search));
  gtk_editable_set_position (GTK_EDITABLE (self->search), -1);
  return gtk_event_controller_key_forward (controller, GTK_WIDGET (gtk_editable_get_delegate (GTK_EDITABLE (self->search))));
}
