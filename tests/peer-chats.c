/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-peer"

#include "config.h"

#include "peer-private.h"

#include "model/tess-message-private.h"

#include <string.h>

#define HISTORY_COUNT 50
#define HISTORY_PAGE 500

/* ---- Conversations ---- */

/* The account that commands are about: the one that was logged in last, else the only one. */
TessAccount *
peer_current_account (Peer *self)
{
  GListModel *accounts = tess_client_get_accounts (self->client);
  g_autoptr (TessAccount) first = g_list_model_get_item (accounts, 0);
  TessAccount *account = peer_find_account (self, self->account);

  /* The list keeps it. */
  return account != NULL ? account : first;
}

static void
chat_opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessConversation) conversation = NULL;

  conversation = tess_client_open_chat_finish (TESS_CLIENT (source), result, &error);
  if (self->stopping)
    return;
  if (conversation != NULL)
    self->then (self, conversation);
  else
    peer_fail (self, error->message);
}

static void
with_chat (Peer *self,
           const char *address,
           void (*then) (Peer *self, TessConversation *conversation))
{
  TessAccount *account = peer_current_account (self);

  self->then = then;
  if (account != NULL)
    tess_client_open_chat_async (self->client, account, address, NULL, chat_opened_cb, self);
  else
    peer_fail (self, "There is no account yet; log in first.");
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessMessage) message = NULL;
  JsonBuilder *json;

  message = tess_conversation_send_finish (TESS_CONVERSATION (source), result, &error);
  if (self->stopping)
    return;
  if (message == NULL)
    {
      peer_fail (self, error->message);
      return;
    }

  peer_tell_message (self, tess_message_get_record (message), FALSE);
  json = peer_begin_reply (self);
  peer_put_string (json, "id", tess_message_get_record (message)->stanza_id);
  peer_succeed_with (self, json);
}

static void
send_there (Peer *self, TessConversation *conversation)
{
  tess_conversation_send_async (conversation, self->words[2], NULL, sent_cb, self);
}

void
peer_run_send (Peer *self, char **words)
{
  with_chat (self, words[0], send_there);
}

static void
encrypt_there (Peer *self, TessConversation *conversation)
{
  tess_conversation_set_encryption (conversation, g_str_equal (self->words[2], "on")
                                                      ? TESS_CONVERSATION_ENCRYPTED
                                                      : TESS_CONVERSATION_PLAIN);
  peer_succeed (self);
}

void
peer_run_encrypt (Peer *self, char **words)
{
  if (g_str_equal (words[1], "on") || g_str_equal (words[1], "off"))
    with_chat (self, words[0], encrypt_there);
  else
    peer_fail (self, "Say on or off.");
}

static const char *const blinds[] = { "default", "on", "off", NULL };

static void
blind_there (Peer *self, TessConversation *conversation)
{
  tess_conversation_set_blind (conversation, (TessBlind) peer_find_word (blinds, self->words[2]));
  peer_succeed (self);
}

void
peer_run_blind (Peer *self, char **words)
{
  if (peer_find_word (blinds, words[1]) < 0)
    peer_fail (self, "Say on, off or default.");
  else
    with_chat (self, words[0], blind_there);
}

static void
print_history (Peer *self)
{
  JsonBuilder *json = peer_begin_reply (self);

  json_builder_set_member_name (json, "messages");
  json_builder_begin_array (json);
  for (guint i = self->pages->len; i > 0; i--)
    {
      GPtrArray *page = self->pages->pdata[i - 1];

      for (guint k = 0; k < page->len; k++)
        {
          json_builder_begin_object (json);
          peer_put_message (self, json, page->pdata[k]);
          json_builder_end_object (json);
        }
    }
  json_builder_end_array (json);
  peer_succeed_with (self, json);
}

static void history_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data);

static void
load_history (Peer *self, TessConversation *conversation)
{
  gint64 time_us = G_MAXINT64, id = G_MAXINT64;

  if (!self->newest && self->pages->len == 0)
    time_us = G_MAXINT64 - 1; /* nothing is stored: all there is, then */
  if (self->pages->len > 0)
    {
      const GPtrArray *page = self->pages->pdata[self->pages->len - 1];
      const TessMessageRecord *oldest = page->pdata[0];

      time_us = oldest->time_us;
      id = oldest->id;
    }
  tess_conversation_load_history_async (conversation, time_us, id, MIN (self->wanted, HISTORY_PAGE),
                                        peer_running (self, "catchup"), NULL, history_loaded_cb, self);
}

static void
history_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) page = NULL;
  guint asked;

  page = tess_conversation_load_history_finish (TESS_CONVERSATION (source), result, &error);
  if (self->stopping)
    return;
  if (page == NULL)
    {
      peer_fail (self, error->message);
      return;
    }

  asked = MIN (self->wanted, HISTORY_PAGE);
  /* The newest page is what is stored, without a question to the archive. */
  if (self->newest && peer_running (self, "catchup"))
    asked = 0;
  self->newest = FALSE;
  self->wanted -= MIN (self->wanted, page->len);
  if (page->len > 0)
    g_ptr_array_add (self->pages, g_ptr_array_ref (page));
  if (page->len < asked || self->wanted == 0)
    print_history (self);
  else
    load_history (self, TESS_CONVERSATION (source));
}

void
peer_run_history (Peer *self, char **words)
{
  guint64 count = HISTORY_COUNT;

  if (words[1] != NULL && !g_ascii_string_to_unsigned (words[1], 10, 1, 1000 * 1000, &count, NULL))
    {
      peer_fail (self, "The count is a number from 1 to 1000000.");
      return;
    }

  self->wanted = (guint) count;
  self->newest = TRUE;
  self->pages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  with_chat (self, words[0], load_history);
}

void
peer_run_gaps (Peer *self, char **words)
{
  TessAccount *account = peer_current_account (self);
  const TessMissing *missing;
  JsonBuilder *json;

  if (account == NULL)
    {
      peer_fail (self, "There is no account yet; log in first.");
      return;
    }
  if (words[0] != NULL && !g_str_equal (words[0], "hold") && !g_str_equal (words[0], "fetch"))
    {
      peer_fail (self, "Say hold or fetch, or nothing.");
      return;
    }
  if (words[0] != NULL)
    tess_account_hold_missing (account, g_str_equal (words[0], "hold"));

  missing = tess_account_get_missing (account);
  json = peer_begin_reply (self);
  peer_put_int (json, "gaps", missing->gaps);
  peer_put_boolean (json, "held", missing->held);
  peer_put_int (json, "done", missing->done);
  peer_put_int (json, "total", missing->total);
  peer_succeed_with (self, json);
}

/* ---- Reading ---- */

void
peer_run_conversations (Peer *self, char **words)
{
  GListModel *conversations = G_LIST_MODEL (tess_client_get_conversations (self->client));
  JsonBuilder *json = peer_begin_reply (self);

  json_builder_set_member_name (json, "conversations");
  json_builder_begin_array (json);
  for (guint i = 0; i < g_list_model_get_n_items (conversations); i++)
    {
      g_autoptr (TessConversation) conversation = g_list_model_get_item (conversations, i);

      json_builder_begin_object (json);
      peer_put_string (json, "account", tess_account_get_address (tess_conversation_get_account (conversation)));
      peer_put_string (json, "jid", tess_conversation_get_address (conversation));
      peer_put_int (json, "unread", tess_conversation_get_unread (conversation));
      peer_put_string (json, "draft", tess_conversation_get_draft (conversation));
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  peer_succeed_with (self, json);
}

/* An answer of the engine comes behind what it had to tell of the reading. */
static void
marked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GPtrArray) page G_GNUC_UNUSED =
      tess_conversation_load_history_finish (TESS_CONVERSATION (source), result, NULL);
  JsonBuilder *json;

  if (self->stopping)
    return;
  json = peer_begin_reply (self);
  peer_put_int (json, "unread", tess_conversation_get_unread (TESS_CONVERSATION (source)));
  peer_succeed_with (self, json);
}

static void
newest_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  TessConversation *conversation = TESS_CONVERSATION (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) page = NULL;

  page = tess_conversation_load_history_finish (conversation, result, &error);
  if (self->stopping)
    return;
  if (page == NULL)
    {
      peer_fail (self, error->message);
      return;
    }
  if (page->len > 0)
    {
      g_autoptr (TessMessage) newest = tess_message_new (page->pdata[0]);

      tess_conversation_mark_read (conversation, newest);
    }
  tess_conversation_load_history_async (conversation, G_MAXINT64, G_MAXINT64, 1, FALSE, NULL, marked_cb, self);
}

static void
mark_there (Peer *self, TessConversation *conversation)
{
  tess_conversation_load_history_async (conversation, G_MAXINT64, G_MAXINT64, 1, FALSE, NULL, newest_loaded_cb, self);
}

void
peer_run_mark (Peer *self, char **words)
{
  with_chat (self, words[0], mark_there);
}

static void
clear_there (Peer *self, TessConversation *conversation)
{
  tess_conversation_clear_history (conversation);
  peer_succeed (self);
}

void
peer_run_clear (Peer *self, char **words)
{
  with_chat (self, words[0], clear_there);
}

void
peer_run_forget (Peer *self, char **words)
{
  guint64 days = 0;

  if (!g_ascii_string_to_unsigned (words[0], 10, 0, 36500, &days, NULL))
    {
      peer_fail (self, "Say how many days, 0 for ever.");
      return;
    }
  tess_client_set_history_days (self->client, (guint) days);
  peer_succeed (self);
}

/* ---- What is not with the server yet ---- */

static void
print_outbox (Peer *self)
{
  JsonBuilder *json = peer_begin_reply (self);

  json_builder_set_member_name (json, "messages");
  json_builder_begin_array (json);
  for (guint i = self->pages->len; i > 0; i--)
    {
      GPtrArray *page = self->pages->pdata[i - 1];

      for (guint k = 0; k < page->len; k++)
        {
          const TessMessageRecord *record = page->pdata[k];

          if (record->state != TESS_MESSAGE_WAITING && record->state != TESS_MESSAGE_FAILED)
            continue;
          json_builder_begin_object (json);
          peer_put_string (json, "id", record->stanza_id);
          peer_put_string (json, "jid", record->peer);
          peer_put_string (json, "text", record->text);
          peer_put_string (json, "state", peer_message_states[record->state]);
          peer_put_string (json, "reason", record->error);
          json_builder_end_object (json);
        }
    }
  json_builder_end_array (json);
  peer_succeed_with (self, json);
}

static void outbox_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data);

/* One conversation after the other, from its end to its beginning. */
static void
load_outbox (Peer *self, gint64 before_us, gint64 before_id)
{
  if (self->chats->len == 0)
    print_outbox (self);
  else
    tess_conversation_load_history_async (self->chats->pdata[self->chats->len - 1], before_us,
                                          before_id, HISTORY_PAGE, FALSE, NULL, outbox_loaded_cb,
                                          self);
}

static void
outbox_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) page = NULL;

  page = tess_conversation_load_history_finish (TESS_CONVERSATION (source), result, &error);
  if (self->stopping)
    return;
  if (page == NULL)
    {
      peer_fail (self, error->message);
      return;
    }

  g_ptr_array_add (self->pages, g_ptr_array_ref (page));
  if (page->len == HISTORY_PAGE)
    {
      const TessMessageRecord *oldest = page->pdata[0];

      load_outbox (self, oldest->time_us, oldest->id);
      return;
    }
  g_ptr_array_set_size (self->chats, (int) self->chats->len - 1);
  load_outbox (self, G_MAXINT64, G_MAXINT64);
}

void
peer_run_outbox (Peer *self, char **words)
{
  GListModel *chats = G_LIST_MODEL (tess_client_get_conversations (self->client));

  self->pages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  self->chats = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < g_list_model_get_n_items (chats); i++)
    g_ptr_array_add (self->chats, g_list_model_get_item (chats, i));
  load_outbox (self, G_MAXINT64, G_MAXINT64);
}

/* ---- Drafts ---- */

static void
print_draft (Peer *self, TessConversation *conversation)
{
  JsonBuilder *json = peer_begin_reply (self);

  peer_put_string (json, "jid", tess_conversation_get_address (conversation));
  peer_put_string (json, "draft", tess_conversation_get_draft (conversation));
  peer_succeed_with (self, json);
}

/* The engine takes one request after the other: by the answer to the second one the draft is in the database. */
static void
draft_there (Peer *self, TessConversation *conversation)
{
  tess_conversation_set_draft (conversation, self->words[2]);
  with_chat (self, self->words[1], print_draft);
}

void
peer_run_draft (Peer *self, char **words)
{
  with_chat (self, words[0], words[1] != NULL ? draft_there : print_draft);
}
