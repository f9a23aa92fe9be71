/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-worker-private.h"

#include "base/tess-source.h"
#include "base/tess-thread.h"
#include "engine/tess-catch-up.h"
#include "engine/tess-contacts.h"
#include "engine/tess-engine-error.h"
#include "engine/tess-trust.h"

#include <glib/gi18n-lib.h>

#define STOP_MILLISECONDS 2000

/* ---- Answering ---- */

void
tess_worker_answer (TessWorker *self, TessReply *reply)
{
  GHashTableIter iter;
  gpointer       session;

  g_hash_table_remove (self->cancellables, &reply->id);
  /* What a reply speaks of is in the model before its caller hears of it. */
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    tess_contacts_flush (((TessSession *) session)->contacts);
  tess_event_queue_flush (self->events);
  self->out.reply (reply, self->out_data);
}

void
tess_worker_answer_error (TessWorker *self, guint64 id, GError *error)
{
  GError *translated = tess_engine_error_from (error);

  g_error_free (error);
  tess_worker_answer (self, tess_reply_new_error (id, translated));
}

void
tess_worker_answer_done (TessWorker *self, guint64 id)
{
  tess_worker_answer (self, tess_reply_new (id));
}

static void
report (TessWorker *self, const GError *error)
{
  TessEvent *event = tess_event_new (TESS_EVENT_PROBLEM, 0);

  event->error = tess_engine_error_from (error);
  tess_event_queue_add (self->events, event);
}

void
tess_worker_fail (TessWorker *self, guint64 id, GError *error)
{
  if (id != 0)
    {
      tess_worker_answer_error (self, id, error);
      return;
    }
  report (self, error);
  g_error_free (error);
}

static GError *
not_found (void)
{
  return g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NOT_FOUND,
                              _("It is not there any more."));
}

/* ---- Finding ---- */

TessSession *
tess_worker_find_session (TessWorker *self, gint64 account_id, GError **error)
{
  TessSession *session = g_hash_table_lookup (self->sessions, &account_id);

  if (session == NULL && error != NULL)
    *error = not_found ();
  return session;
}

TessConversationRecord *
tess_worker_find_conversation (TessWorker *self, gint64 conversation_id, TessSession **session, GError **error)
{
  g_autoptr (TessConversationRecord) conversation = NULL;

  conversation = tess_store_get_conversation (self->store, conversation_id, error);
  if (conversation == NULL)
    {
      if (error != NULL && *error == NULL)
        *error = not_found ();
      return NULL;
    }
  *session = tess_worker_find_session (self, conversation->account_id, error);

  return *session != NULL ? g_steal_pointer (&conversation) : NULL;
}

static TessConversationRecord *
read_conversation (gint64 account_id, const char *peer, gpointer user_data)
{
  TessWorker             *self = user_data;
  TessSession            *session = tess_worker_find_session (self, account_id, NULL);
  TessConversationRecord *conversation;

  if (session == NULL || self->store == NULL)
    return NULL;
  conversation = tess_store_find_conversation (self->store, account_id, peer, NULL);
  if (conversation != NULL)
    tess_trust_look_at (session, conversation);

  return conversation;
}

static void
flush_events (GPtrArray *events, gpointer user_data)
{
  TessWorker *self = user_data;

  self->out.events (events, self->out_data);
}

/* ---- Opening ---- */

static void
announce_account (TessWorker *self, const TessAccountRecord *account)
{
  TessEvent *event = tess_event_new (TESS_EVENT_ACCOUNT, account->id);

  event->account = tess_account_record_copy (account);
  tess_event_queue_add (self->events, event);
}

void
tess_worker_take_session (TessWorker *self, TessSession *session)
{
  gint64 id = session->account->id;

  session->no_network = self->no_network;
  session->not_in_use = self->not_in_use;
  session->history_days = self->history_days;
  announce_account (self, session->account);
  g_hash_table_insert (self->sessions, g_memdup2 (&id, sizeof id), session);
  tess_contacts_announce (session->contacts);
  tess_catch_up_announce (session->catch_up);
}

static gboolean
load_account (TessWorker *self, const TessAccountRecord *account, GError **error)
{
  g_autoptr (GPtrArray) conversations = NULL;
  TessSession          *session = tess_session_new (self->store, self->events, self->trust, tess_account_record_copy (account), error);

  if (session == NULL)
    return FALSE;
  tess_worker_take_session (self, session);

  conversations = tess_store_list_conversations (self->store, account->id, error);
  if (conversations == NULL)
    return FALSE;
  for (guint i = 0; i < conversations->len; i++)
    {
      const TessConversationRecord *conversation = g_ptr_array_index (conversations, i);
      TessEvent                    *event = tess_event_new (TESS_EVENT_CONVERSATION, account->id);

      event->conversation = tess_conversation_record_copy (conversation);
      tess_trust_look_at (session, event->conversation);
      tess_event_queue_add (self->events, event);
    }

  return TRUE;
}

static gboolean
load (TessWorker *self, GError **error)
{
  g_autoptr (GPtrArray) accounts = NULL;

  if (self->ca_file != NULL && self->trust == NULL)
    {
      self->trust = g_tls_file_database_new (self->ca_file, error);
      if (self->trust == NULL)
        {
          g_prefix_error (error, _("The certificates in %s cannot be used: "), self->ca_file);
          return FALSE;
        }
    }

  self->database_at_fault = TRUE;
  self->store = tess_store_open (self->database, error);
  if (self->store == NULL)
    return FALSE;
  accounts = tess_store_list_accounts (self->store, error);
  if (accounts == NULL)
    return FALSE;
  for (guint i = 0; i < accounts->len; i++)
    if (!load_account (self, g_ptr_array_index (accounts, i), error))
      return FALSE;

  return TRUE;
}

static void
open_database (TessWorker *self)
{
  g_autoptr (GError) error = NULL;
  TessEvent         *event;

  if (load (self, &error))
    {
      event = tess_event_new (TESS_EVENT_OPENED, 0);
    }
  else
    {
      g_hash_table_remove_all (self->sessions);
      g_clear_pointer (&self->store, tess_store_close);
      event = tess_event_new (TESS_EVENT_OPEN_FAILED, 0);
      event->error = tess_engine_error_from (error);
    }
  tess_event_queue_flush (self->events);
  tess_event_queue_add (self->events, event);
  tess_event_queue_flush (self->events);
}

static void
set_aside (TessWorker *self, TessRequest *request)
{
  GError    *error = NULL;
  TessReply *reply;
  char      *kept;

  if (self->store != NULL || !self->database_at_fault)
    {
      tess_worker_answer_error (self, request->id,
                    g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED,
                                         _("Nothing is wrong with the messages; they stay where they are.")));
      return;
    }

  kept = tess_store_set_aside (self->database, &error);
  if (kept == NULL)
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }
  open_database (self);
  reply = tess_reply_new (request->id);
  reply->string = kept;
  tess_worker_answer (self, reply);
}

/* ---- The table ---- */

static void
dispatch (TessWorker *self, TessRequest *request)
{
  if (!tess_worker_dispatch_account (self, request) &&
      !tess_worker_dispatch_conversation (self, request) &&
      !tess_worker_dispatch_contact (self, request) && !tess_worker_dispatch_device (self, request) &&
      !tess_worker_dispatch_history (self, request))
    g_assert_not_reached ();
}

/* It holds for the accounts that come later too. */
static gboolean
is_about_us_all (const TessRequest *request)
{
  return request->type == TESS_REQUEST_NETWORK_CHANGED || request->type == TESS_REQUEST_SET_IN_USE;
}

void
tess_worker_handle (TessWorker *self, TessRequest *request)
{
  TESS_ASSERT_ENGINE ();

  if (self->stopped != NULL)
    ; /* too late */
  else if (request->type == TESS_REQUEST_SET_ASIDE)
    set_aside (self, request);
  else if (self->store != NULL || is_about_us_all (request))
    dispatch (self, request);
  else if (request->id != 0)
    tess_worker_answer_error (self, request->id,
                  g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_DATABASE,
                                       _("The database is not open.")));

  tess_request_free (request);
}

void
tess_worker_cancel (TessWorker *self, guint64 id)
{
  g_autoptr (GCancellable) cancellable = g_hash_table_lookup (self->cancellables, &id);

  TESS_ASSERT_ENGINE ();

  if (cancellable == NULL)
    return;
  g_object_ref (cancellable);
  g_hash_table_remove (self->cancellables, &id);
  g_cancellable_cancel (cancellable);
}

/* ---- Life ---- */

TessWorker *
tess_worker_new (const char *database, const char *ca_file, const TessWorkerOut *out, gpointer user_data)
{
  TessWorker *self = g_new0 (TessWorker, 1);

  TESS_ASSERT_ENGINE ();

  self->database = g_strdup (database);
  self->ca_file = g_strdup (ca_file);
  self->out = *out;
  self->out_data = user_data;
  self->events = tess_event_queue_new (flush_events, read_conversation, self);
  self->sessions = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
                                          (GDestroyNotify) tess_session_free);
  self->cancellables = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  self->removals = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
                                          tess_worker_free_removal);

  return self;
}

void
tess_worker_start (TessWorker *self)
{
  TESS_ASSERT_ENGINE ();

  open_database (self);
}

static void
finish_stop (TessWorker *self)
{
  TessWorkerStoppedFunc stopped = self->stopped;

  tess_source_clear (&self->stop_timeout);
  tess_source_clear (&self->forget);
  tess_event_queue_flush (self->events);
  g_hash_table_remove_all (self->sessions);
  tess_worker_finish_removals (self);
  g_clear_pointer (&self->store, tess_store_close);
  stopped (self->stopped_data);
}

static gboolean
stop_timeout_cb (gpointer user_data)
{
  finish_stop (user_data);
  return G_SOURCE_REMOVE;
}

/* Always from the timer: a session is not freed from inside its stream's callback. */
static void
schedule_stop (TessWorker *self, guint milliseconds)
{
  tess_source_clear (&self->stop_timeout);
  self->stop_timeout = tess_source_attach (g_timeout_source_new (milliseconds), stop_timeout_cb, self);
}

static void
session_closed_cb (gpointer user_data)
{
  TessWorker *self = user_data;

  if (--self->closing == 0)
    schedule_stop (self, 0);
}

void
tess_worker_stop_async (TessWorker *self, TessWorkerStoppedFunc callback, gpointer user_data)
{
  GHashTableIter iter;
  gpointer       value;

  TESS_ASSERT_ENGINE ();

  self->stopped = callback;
  self->stopped_data = user_data;

  g_hash_table_iter_init (&iter, self->cancellables);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_cancellable_cancel (value);

  schedule_stop (self, STOP_MILLISECONDS);
  self->closing = 1;
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      self->closing++;
      tess_session_close (value, session_closed_cb, self);
    }
  session_closed_cb (self);
}

void
tess_worker_free (TessWorker *self)
{
  if (self == NULL)
    return;

  TESS_ASSERT_ENGINE ();

  tess_source_clear (&self->forget);
  g_hash_table_unref (self->sessions);
  g_hash_table_unref (self->removals);
  g_hash_table_unref (self->cancellables);
  g_clear_pointer (&self->store, tess_store_close);
  tess_event_queue_free (self->events);
  g_clear_object (&self->trust);
  g_free (self->database);
  g_free (self->ca_file);
  g_free (self);
}
