/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-worker-private.h"

#include "engine/tess-catch-up.h"
#include "engine/tess-engine.h"
#include "engine/tess-outbound.h"
#include "engine/tess-reading.h"
#include "engine/tess-trust.h"
#include "xmpp/xep/tess-xep-chat-states.h"
#include "xmpp/xep/tess-xep-hints.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_TEXT_BYTES (64 * 1024)
#define MAX_PAGE 1000

static void
open_conversation (TessWorker *self, TessRequest *request)
{
  GError                            *error = NULL;
  TessSession                       *session = tess_worker_find_session (self, request->account_id, &error);
  g_autoptr (TessJid)                jid = NULL;
  g_autoptr (TessConversationRecord) conversation = NULL;
  TessReply                         *reply;

  if (session != NULL)
    jid = tess_jid_new_bare (request->address, &error);
  if (jid != NULL)
    conversation = tess_store_open_conversation (self->store, request->account_id,
                                                 tess_jid_to_bare_string (jid), NULL, &error);
  if (conversation == NULL)
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }

  tess_event_queue_touch_conversation (self->events, request->account_id, tess_jid_to_bare_string (jid));
  if (tess_session_is_online (session))
    tess_omemo_refresh_devices (session->omemo, jid);
  tess_trust_look_at (session, conversation);
  reply = tess_reply_new (request->id);
  reply->conversation = g_steal_pointer (&conversation);
  tess_worker_answer (self, reply);
}

static void
close_conversation (TessWorker *self, TessSession *session, TessConversationRecord *conversation,
                    TessRequest *request)
{
  GError    *error = NULL;
  TessEvent *event;

  if (!tess_store_remove_conversation (self->store, conversation->id, &error))
    {
      tess_worker_fail (self, 0, error);
      return;
    }
  tess_event_queue_forget_conversation (self->events, conversation->account_id, conversation->peer,
                                        conversation->id);
  event = tess_event_new (TESS_EVENT_CONVERSATION_REMOVED, conversation->account_id);
  event->address = g_strdup (conversation->peer);
  tess_event_queue_add (self->events, event);
}

static void
set_encryption (TessWorker *self, TessSession *session, TessConversationRecord *conversation,
                TessRequest *request)
{
  GError *error = NULL;

  if (!tess_store_set_encryption (self->store, conversation->id,
                                  (TessConversationEncryption) request->number, &error))
    {
      tess_worker_fail (self, 0, error);
      return;
    }
  tess_event_queue_touch_conversation (self->events, conversation->account_id, conversation->peer);
  if (request->number != TESS_CONVERSATION_PLAIN && tess_session_is_online (session))
    {
      g_autoptr (TessJid) peer = tess_jid_new_bare (conversation->peer, NULL);

      if (peer != NULL)
        tess_omemo_refresh_devices (session->omemo, peer);
    }
  tess_outbound_pump (session->outbound);
}

static void
set_blind (TessWorker *self, TessSession *session, TessConversationRecord *conversation, TessRequest *request)
{
  g_autoptr (TessJid) peer = tess_jid_new_bare (conversation->peer, NULL);
  GError             *error = NULL;

  if (peer != NULL && !tess_omemo_set_blind_for (session->omemo, peer, (TessOmemoBlind) request->number, &error))
    tess_worker_fail (self, 0, error);
  tess_event_queue_touch_conversation (self->events, conversation->account_id, conversation->peer);
}

static void
set_draft (TessWorker *self, TessSession *session, TessConversationRecord *conversation, TessRequest *request)
{
  GError *error = NULL;

  if (!tess_store_set_draft (self->store, conversation->id, request->text, &error))
    tess_worker_fail (self, 0, error);
}

static void
mark_read (TessWorker *self, TessSession *session, TessConversationRecord *conversation, TessRequest *request)
{
  GError *error = NULL;
  guint   unread = 0;

  if (!tess_store_mark_read (self->store, conversation->id, request->time_us, request->message_id, &unread,
                             &error))
    {
      tess_worker_fail (self, 0, error);
      return;
    }
  if (unread != conversation->unread)
    tess_event_queue_touch_conversation (self->events, conversation->account_id, conversation->peer);
  tess_reading_tell_soon (session->reading);
}

static void
set_typing (TessWorker *self, TessSession *session, TessConversationRecord *conversation, TessRequest *request)
{
  g_autoptr (TessJid)  peer = tess_jid_new_bare (conversation->peer, NULL);
  g_autoptr (TessNode) message = NULL;

  /* A stranger learns nothing of what is typed and not sent. */
  if (peer == NULL || !tess_session_is_online (session) || !tess_session_may_answer (session, peer))
    return;

  message = tess_node_new ("message", "jabber:client");
  tess_node_set (message, "to", conversation->peer);
  tess_node_set (message, "type", "chat");
  tess_xep_chat_states_add (message, request->flag ? TESS_CHAT_STATE_COMPOSING : TESS_CHAT_STATE_PAUSED);
  tess_xep_hints_add (message, TESS_HINT_NO_STORE);
  tess_session_send (session, g_steal_pointer (&message));
}

static void
send_message (TessWorker *self, TessSession *session, TessConversationRecord *conversation, TessRequest *request)
{
  GError            *error = NULL;
  TessMessageRecord *message = NULL;
  TessReply         *reply;

  if (*request->text == '\0')
    error = g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED, _("There is nothing to send."));
  else if (strlen (request->text) > MAX_TEXT_BYTES || !g_utf8_validate (request->text, -1, NULL))
    error = g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED,
                                 _("This is too long for one message. Send it in parts."));
  else
    message = tess_outbound_send (session->outbound, conversation, request->text, &error);
  if (message == NULL)
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }

  /* What is answered was read. */
  tess_reading_tell_soon (session->reading);
  reply = tess_reply_new (request->id);
  reply->message = message;
  tess_worker_answer (self, reply);
}

static void
set_place (TessWorker *self, TessSession *session, TessConversationRecord *conversation, TessRequest *request)
{
  GError *error = NULL;

  if (!tess_store_set_place (self->store, conversation->id, request->time_us, request->message_id, request->number, &error))
    tess_worker_fail (self, 0, error);
  else
    tess_event_queue_touch_conversation (self->events, conversation->account_id, conversation->peer);
}

/* ---- Pages ---- */

/* One that waits for the archive. */
typedef struct
{
  TessWorker  *worker;
  guint64      id;
  gint64       account_id;
  gint64       conversation_id;
  TessPageKind kind;
  gint64       time_us;
  gint64       message_id;
  guint        limit;
  gboolean     final; /* there is no more, or it cannot be had now */
} Page;

/* (transfer full) (nullable) */
static GPtrArray *
read_around (const Page *page, TessPageEnds *ends, GError **error)
{
  guint                 half = MAX (page->limit / 2, 1);
  g_autoptr (GPtrArray) older = NULL;
  g_autoptr (GPtrArray) newer = NULL;

  older = tess_store_list_messages (page->worker->store, page->conversation_id, page->time_us, page->message_id, half, error);
  if (older == NULL)
    return NULL;
  newer = tess_store_list_messages_after (page->worker->store, page->conversation_id, page->time_us, page->message_id - 1,
                                          page->limit - half + 1, error);
  if (newer == NULL)
    return NULL;

  *ends = (older->len < half && page->final ? TESS_PAGE_START : 0) | (newer->len < page->limit - half + 1 ? TESS_PAGE_END : 0);
  g_ptr_array_extend_and_steal (older, g_steal_pointer (&newer));
  return g_steal_pointer (&older);
}

/* (transfer full) (nullable) */
static GPtrArray *
read_page (const Page *page, TessPageEnds *ends, GError **error)
{
  GPtrArray *messages;

  if (page->kind == TESS_PAGE_AROUND)
    return read_around (page, ends, error);
  if (page->kind == TESS_PAGE_NEWER)
    {
      messages = tess_store_list_messages_after (page->worker->store, page->conversation_id, page->time_us, page->message_id,
                                                 page->limit, error);
      *ends = messages != NULL && messages->len < page->limit ? TESS_PAGE_END : 0;
      return messages;
    }
  messages = tess_store_list_messages (page->worker->store, page->conversation_id, page->time_us, page->message_id, page->limit,
                                       error);
  *ends = messages != NULL && messages->len < page->limit && page->final ? TESS_PAGE_START : 0;
  if (page->time_us == G_MAXINT64)
    *ends |= TESS_PAGE_END;
  return messages;
}

static void
answer_page (const Page *page)
{
  GError      *error = NULL;
  TessPageEnds ends = 0;
  GPtrArray   *messages = read_page (page, &ends, &error);
  TessReply   *reply;

  if (messages == NULL)
    {
      tess_worker_answer_error (page->worker, page->id, error);
      return;
    }
  reply = tess_reply_new (page->id);
  reply->array = messages;
  reply->ends = ends;
  tess_worker_answer (page->worker, reply);
}

static void
history_cb (gpointer user_data)
{
  g_autofree Page *page = user_data;

  page->final = TRUE;
  answer_page (page);
}

/* How much is missing of what was asked for, in messages; 0: nothing, or it is too far below what is stored. */
static guint
count_missing (const Page *page, GError **error)
{
  g_autoptr (GPtrArray) older = NULL;
  guint                 wanted = page->kind == TESS_PAGE_AROUND ? MAX (page->limit / 2, 1) : page->limit;

  if (page->kind == TESS_PAGE_NEWER)
    return 0;
  older = tess_store_list_messages (page->worker->store, page->conversation_id, page->time_us, page->message_id, wanted, error);
  return older != NULL ? wanted - older->len : 0;
}

/* In a gap of the archive, too: what the person sees there is filled soon. */
static void
look_at (TessSession *session, const TessConversationRecord *conversation, const Page *page)
{
  tess_catch_up_look_at (session->catch_up, conversation->peer, page->kind == TESS_PAGE_OLDER ? G_MININT64 : page->time_us,
                         page->time_us);
}

static void
load_page (TessWorker *self, TessSession *session, TessConversationRecord *conversation, TessRequest *request)
{
  g_autoptr (GError) error = NULL;
  gboolean           newest = request->number == TESS_PAGE_OLDER && request->time_us == G_MAXINT64;
  guint              missing;
  Page               page = {
    .worker = self,
    .id = request->id,
    .account_id = conversation->account_id,
    .conversation_id = conversation->id,
    .kind = (TessPageKind) request->number,
    .time_us = request->time_us,
    .message_id = request->message_id,
    .limit = CLAMP (request->limit, 1, MAX_PAGE),
  };

  page.final = !request->flag || conversation->history_done || !tess_catch_up_can_load (session->catch_up);
  missing = page.final || newest ? 0 : count_missing (&page, &error);
  if (request->flag)
    look_at (session, conversation, &page);
  if (missing == 0)
    answer_page (&page);
  else
    tess_catch_up_load_history (session->catch_up, conversation->peer, missing,
                                page.kind == TESS_PAGE_AROUND ? page.time_us : G_MAXINT64, history_cb,
                                g_memdup2 (&page, sizeof page));
}

typedef void (*ConversationFunc) (TessWorker *self, TessSession *session, TessConversationRecord *conversation,
                                  TessRequest *request);

static void
with_conversation (TessWorker *self, TessRequest *request, ConversationFunc func)
{
  GError                            *error = NULL;
  TessSession                       *session = NULL;
  g_autoptr (TessConversationRecord) conversation = NULL;

  conversation = tess_worker_find_conversation (self, request->conversation_id, &session, &error);
  if (conversation == NULL)
    tess_worker_fail (self, request->id, error);
  else
    func (self, session, conversation, request);
}

static void
retry_message (TessWorker *self, TessRequest *request)
{
  GError                       *error = NULL;
  g_autoptr (TessMessageRecord) message = NULL;
  TessSession                  *session = NULL;

  message = tess_store_get_message (self->store, request->message_id, &error);
  if (message != NULL)
    session = tess_worker_find_session (self, message->account_id, NULL);
  if (session != NULL)
    tess_outbound_retry (session->outbound, message->id, &error);
  if (error != NULL)
    tess_worker_fail (self, 0, error);
}

static void
hold_catch_up (TessWorker *self, TessRequest *request)
{
  GError      *error = NULL;
  TessSession *session = tess_worker_find_session (self, request->account_id, &error);

  if (session != NULL)
    tess_catch_up_set_held (session->catch_up, request->flag);
  else
    tess_worker_fail (self, 0, error);
}

gboolean
tess_worker_dispatch_conversation (TessWorker *self, TessRequest *request)
{
  switch (request->type)
    {
    case TESS_REQUEST_OPEN_CONVERSATION:
      open_conversation (self, request);
      return TRUE;
    case TESS_REQUEST_CLOSE_CONVERSATION:
      with_conversation (self, request, close_conversation);
      return TRUE;
    case TESS_REQUEST_SET_ENCRYPTION:
      with_conversation (self, request, set_encryption);
      return TRUE;
    case TESS_REQUEST_SET_BLIND:
      with_conversation (self, request, set_blind);
      return TRUE;
    case TESS_REQUEST_SET_DRAFT:
      with_conversation (self, request, set_draft);
      return TRUE;
    case TESS_REQUEST_MARK_READ:
      with_conversation (self, request, mark_read);
      return TRUE;
    case TESS_REQUEST_SET_TYPING:
      with_conversation (self, request, set_typing);
      return TRUE;
    case TESS_REQUEST_SEND:
      with_conversation (self, request, send_message);
      return TRUE;
    case TESS_REQUEST_RETRY:
      retry_message (self, request);
      return TRUE;
    case TESS_REQUEST_LOAD_PAGE:
      with_conversation (self, request, load_page);
      return TRUE;
    case TESS_REQUEST_SET_PLACE:
      with_conversation (self, request, set_place);
      return TRUE;
    case TESS_REQUEST_HOLD_CATCH_UP:
      hold_catch_up (self, request);
      return TRUE;
    default:
      return FALSE;
    }
}
