/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-worker-private.h"

#include "base/tess-source.h"
#include "engine/tess-engine.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-mam-prefs.h"

#include <glib/gi18n-lib.h>

/* One transaction: what a person asks meanwhile waits for no more than this. */
#define FORGET_BATCH 200
#define FORGET_PAUSE_MILLISECONDS 20
#define FORGET_AGAIN_SECONDS (24 * 60 * 60)

/* ---- What the server keeps ---- */

typedef struct
{
  TessWorker *worker;
  guint64     id;
  char       *address; /* of the account */
} Waiting;

static void
waiting_free (Waiting *waiting)
{
  g_free (waiting->address);
  g_free (waiting);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Waiting, waiting_free)

static gboolean
is_unsupported (const GError *error)
{
  static const char *const conditions[] = { "feature-not-implemented", "service-unavailable", "not-allowed", NULL };
  const char              *condition = tess_xmpp_error_get_condition (error);

  return condition != NULL && g_strv_contains (conditions, condition);
}

static GError *
explain (const GError *error, const char *address)
{
  if (is_unsupported (error))
    return g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED,
                        _("The server of %s does not let you choose what it keeps."), address);
  return g_error_copy (error);
}

static void
prefs_cb (TessMamKeep keep, const GError *error, gpointer user_data)
{
  g_autoptr (Waiting) waiting = user_data;
  TessReply          *reply;

  if (error != NULL)
    {
      tess_worker_answer_error (waiting->worker, waiting->id, explain (error, waiting->address));
      return;
    }
  reply = tess_reply_new (waiting->id);
  reply->number = (int) keep;
  tess_worker_answer (waiting->worker, reply);
}

static void
handle_archiving (TessWorker *self, TessRequest *request)
{
  GError      *error = NULL;
  TessSession *session = tess_worker_find_session (self, request->account_id, &error);
  Waiting     *waiting;

  if (session != NULL && !tess_session_is_online (session))
    error = g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_OFFLINE,
                         _("This needs a connection. Try again when %s is online."), session->account->address);
  if (error != NULL)
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }

  waiting = g_new0 (Waiting, 1);
  waiting->worker = self;
  waiting->id = request->id;
  waiting->address = g_strdup (session->account->address);
  if (request->type == TESS_REQUEST_SET_ARCHIVING)
    tess_xep_mam_prefs_set (session->router, (TessMamKeep) CLAMP (request->number, 0, (int) TESS_MAM_KEEP_NEVER), prefs_cb, waiting);
  else
    tess_xep_mam_prefs_get (session->router, prefs_cb, waiting);
}

G_STATIC_ASSERT ((int) TESS_ARCHIVING_EVERYTHING == (int) TESS_MAM_KEEP_ALWAYS);
G_STATIC_ASSERT ((int) TESS_ARCHIVING_CONTACTS == (int) TESS_MAM_KEEP_ROSTER);
G_STATIC_ASSERT ((int) TESS_ARCHIVING_NOTHING == (int) TESS_MAM_KEEP_NEVER);

/* ---- What is kept here ---- */

static void
tell_gone (TessWorker *self, gint64 account_id, gint64 conversation_id, gint64 until_us)
{
  TessEvent *event = tess_event_new (TESS_EVENT_MESSAGES_GONE, account_id);

  event->conversation_id = conversation_id;
  event->until_us = until_us;
  tess_event_queue_add (self->events, event);
}

static gboolean
clear (TessWorker *self, const TessConversationRecord *conversation, gint64 until_us, GError **error)
{
  if (!tess_store_begin (self->store, error))
    return FALSE;
  if (tess_store_clear_conversation (self->store, conversation->account_id, conversation->peer, until_us, error))
    return tess_store_commit (self->store, error);

  tess_store_rollback (self->store);
  return FALSE;
}

static void
clear_history (TessWorker *self, TessRequest *request)
{
  GError                            *error = NULL;
  TessSession                       *session = NULL;
  g_autoptr (TessConversationRecord) conversation = NULL;
  gint64                             until_us;

  conversation = tess_worker_find_conversation (self, request->conversation_id, &session, &error);
  if (conversation == NULL)
    {
      tess_worker_fail (self, 0, error);
      return;
    }

  /* By the server's clock: what it archives from now on is not meant. A message that a wrong clock has put into the future is part of what
   * the person sees. */
  until_us = tess_session_now (session);
  if (conversation->last != NULL)
    until_us = MAX (until_us, conversation->last->time_us);
  if (!clear (self, conversation, until_us, &error))
    {
      tess_worker_fail (self, 0, error);
      return;
    }
  tess_event_queue_flush (self->events);
  tell_gone (self, conversation->account_id, conversation->id, until_us);
  tess_event_queue_touch_conversation (self->events, conversation->account_id, conversation->peer);
}

static void forget_soon (TessWorker *self, guint milliseconds);

static void
touch_all (TessWorker *self)
{
  GHashTableIter iter;
  gpointer       session;

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    {
      gint64                account_id = ((TessSession *) session)->account->id;
      g_autoptr (GPtrArray) conversations = tess_store_list_conversations (self->store, account_id, NULL);

      for (guint i = 0; conversations != NULL && i < conversations->len; i++)
        tess_event_queue_touch_conversation (self->events, account_id,
                                             ((TessConversationRecord *) g_ptr_array_index (conversations, i))->peer);
    }
}

static void
forget_ended (TessWorker *self)
{
  gboolean any = self->forgotten;

  self->forgotten = FALSE;
  self->forget_before_us = 0;
  tess_source_clear (&self->forget);
  if (any)
    {
      tell_gone (self, 0, 0, self->forgotten_us);
      touch_all (self);
    }
}

/* Returns: how many are gone; -1 on an error. */
static int
forget_batch (TessWorker *self, GError **error)
{
  int gone;

  if (!tess_store_begin (self->store, error))
    return -1;
  gone = tess_store_forget_older (self->store, self->forget_before_us, FORGET_BATCH, error);
  if (gone < 0 || (gone > 0 && !tess_store_recount_all_unread (self->store, error)))
    {
      tess_store_rollback (self->store);
      return -1;
    }
  return tess_store_commit (self->store, error) ? gone : -1;
}

static gboolean
forget_cb (gpointer user_data)
{
  TessWorker *self = user_data;
  GError     *error = NULL;
  int         gone;

  if (self->forget_before_us == 0)
    self->forget_before_us = g_get_real_time () - (gint64) self->history_days * G_TIME_SPAN_DAY;
  self->forgotten_us = self->forget_before_us - 1;
  gone = forget_batch (self, &error);
  if (gone > 0)
    self->forgotten = TRUE;
  if (gone == FORGET_BATCH)
    {
      forget_soon (self, FORGET_PAUSE_MILLISECONDS);
      return G_SOURCE_REMOVE;
    }

  if (error != NULL)
    tess_worker_fail (self, 0, error);
  forget_ended (self);
  forget_soon (self, FORGET_AGAIN_SECONDS * 1000);
  return G_SOURCE_REMOVE;
}

static void
forget_soon (TessWorker *self, guint milliseconds)
{
  tess_source_clear (&self->forget);
  self->forget = tess_source_attach (g_timeout_source_new (milliseconds), forget_cb, self);
  /* Whatever a person or the network wants comes first. */
  g_source_set_priority (self->forget, G_PRIORITY_LOW);
}

static void
set_history_days (TessWorker *self, TessRequest *request)
{
  GHashTableIter iter;
  gpointer       session;

  self->history_days = request->limit;
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    ((TessSession *) session)->history_days = self->history_days;
  forget_ended (self);
  if (self->history_days > 0)
    forget_soon (self, 0);
}

gboolean
tess_worker_dispatch_history (TessWorker *self, TessRequest *request)
{
  switch (request->type)
    {
    case TESS_REQUEST_LOAD_ARCHIVING:
    case TESS_REQUEST_SET_ARCHIVING:
      handle_archiving (self, request);
      return TRUE;
    case TESS_REQUEST_CLEAR_HISTORY:
      clear_history (self, request);
      return TRUE;
    case TESS_REQUEST_SET_HISTORY_DAYS:
      set_history_days (self, request);
      return TRUE;
    default:
      return FALSE;
    }
}
