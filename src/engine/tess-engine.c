/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-engine.h"

#include "base/tess-mailbox.h"
#include "base/tess-thread.h"
#include "engine/tess-engine-private.h"
#include "engine/tess-worker.h"
#include "xmpp/tess-jid.h"

#include <glib/gi18n-lib.h>

#include <string.h>

/* Just below GDK_PRIORITY_REDRAW (G_PRIORITY_HIGH_IDLE + 20): a flood of events never starves the
 * picture. */
#define MAIN_PRIORITY (G_PRIORITY_HIGH_IDLE + 21)
/* The worker has 2 s for its streams; the rest is for the database on a slow disk. */
#define STOP_BOUND_US (10 * G_TIME_SPAN_SECOND)
/* What is left to finish after the worker has stopped: cancelled operations that free themselves.
 */
#define SETTLE_ITERATIONS 1000
#define TEXT_MAX_BYTES (64 * 1024)

/* One message to the main thread: one of the two. */
typedef struct
{
  TessReply *reply;
  GPtrArray *events;
} Outgoing;

/* What both threads hold. The engine thread has a reference of its own, so that one that never ends
 * breaks nothing. */
typedef struct
{
  gatomicrefcount ref_count;
  char *database;
  char *ca_file;
  TessMailbox *to_engine;
  TessMailbox *to_main;
  GMutex mutex;
  GCond cond;
  int finished; /* under mutex; atomic, because ThreadSanitizer does not see GLib's mutex */

  /* Engine thread only. */
  GMainContext *context;
  GMainLoop *loop;
  TessWorker *worker;
  gboolean quitting;
} EngineThread;

/* A request that waits for its reply. */
typedef struct
{
  TessEngine *engine; /* unowned: the task holds it */
  guint64 id;
  GTask *task;
  gulong cancelled_handler;
} Pending;

struct _TessEngine
{
  GObject parent_instance;
  TessEngineEventsFunc events;
  gpointer user_data;
  EngineThread *shared;
  GThread *thread; /* NULL before the start and after the stop */
  gboolean stopped;
  GHashTable *pending; /* id -> Pending */
  guint64 last_id;
};

G_DEFINE_FINAL_TYPE (TessEngine, tess_engine, G_TYPE_OBJECT)

static Outgoing *
outgoing_new (TessReply *reply, GPtrArray *events)
{
  Outgoing *self = g_new0 (Outgoing, 1);

  self->reply = reply;
  self->events = events;
  return self;
}

static void
outgoing_free (gpointer data)
{
  Outgoing *self = data;

  tess_reply_free (self->reply);
  g_clear_pointer (&self->events, g_ptr_array_unref);
  g_free (self);
}

/* ---- Engine thread ---- */

static void
engine_thread_unref (EngineThread *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  tess_mailbox_unref (self->to_engine);
  tess_mailbox_unref (self->to_main);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self->database);
  g_free (self->ca_file);
  g_free (self);
}

static void
reply_out (TessReply *reply, gpointer user_data)
{
  EngineThread *self = user_data;

  TESS_ASSERT_ENGINE ();
  tess_mailbox_post (self->to_main, outgoing_new (reply, NULL));
}

static void
events_out (GPtrArray *events, gpointer user_data)
{
  EngineThread *self = user_data;

  TESS_ASSERT_ENGINE ();
  tess_mailbox_post (self->to_main, outgoing_new (NULL, events));
}

static void
worker_stopped_cb (gpointer user_data)
{
  EngineThread *self = user_data;

  g_main_loop_quit (self->loop);
}

static void
request_received_cb (gpointer message, gpointer user_data)
{
  EngineThread *self = user_data;
  g_autoptr (TessRequest) request = message;

  TESS_ASSERT_ENGINE ();
  if (self->quitting)
    return;

  switch (request->type)
    {
    case TESS_REQUEST_CANCEL:
      tess_worker_cancel (self->worker, request->id);
      break;
    case TESS_REQUEST_QUIT:
      self->quitting = TRUE;
      tess_worker_stop_async (self->worker, worker_stopped_cb, self);
      break;
    default:
      tess_worker_handle (self->worker, g_steal_pointer (&request));
      break;
    }
}

static void
settle (GMainContext *context)
{
  for (int i = 0; i < SETTLE_ITERATIONS && g_main_context_iteration (context, FALSE); i++)
    ;
}

static void
post_stopped (EngineThread *self)
{
  GPtrArray *events = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_event_free);

  g_ptr_array_add (events, tess_event_new (TESS_EVENT_STOPPED, 0));
  events_out (events, self);
}

static gpointer
engine_thread_run (gpointer data)
{
  static const TessWorkerOut out = { reply_out, events_out };
  EngineThread *self = data;

  tess_thread_set_role (TESS_THREAD_ENGINE);
  g_main_context_push_thread_default (self->context);
  self->loop = g_main_loop_new (self->context, FALSE);
  self->worker = tess_worker_new (self->database, self->ca_file, &out, self);
  tess_worker_start (self->worker);

  g_main_loop_run (self->loop);

  tess_mailbox_close (self->to_engine);
  settle (self->context);
  g_clear_pointer (&self->worker, tess_worker_free);
  settle (self->context);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_main_context_pop_thread_default (self->context);
  post_stopped (self);

  g_mutex_lock (&self->mutex);
  g_atomic_int_set (&self->finished, TRUE);
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
  engine_thread_unref (self);
  return NULL;
}

/* ---- Main thread: replies and events ---- */

static void
pending_free (gpointer data)
{
  Pending *self = data;

  if (self->cancelled_handler != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (self->task), self->cancelled_handler);
  g_object_unref (self->task);
  g_free (self);
}

/* (transfer full) (nullable): the task that waits for @id; it waits no longer. */
static GTask *
take_pending (TessEngine *self, guint64 id)
{
  Pending *pending = g_hash_table_lookup (self->pending, &id);
  GTask *task;

  if (pending == NULL)
    return NULL;

  task = g_object_ref (pending->task);
  g_hash_table_remove (self->pending, &id);
  return task;
}

static void
deliver_reply (TessEngine *self, TessReply *reply)
{
  g_autoptr (GTask) task = take_pending (self, reply->id);

  if (task == NULL)
    tess_reply_free (reply); /* cancelled meanwhile */
  else if (reply->error != NULL)
    {
      g_task_return_error (task, g_steal_pointer (&reply->error));
      tess_reply_free (reply);
    }
  else
    g_task_return_pointer (task, reply, (GDestroyNotify) tess_reply_free);
}

static void
outgoing_received_cb (gpointer message, gpointer user_data)
{
  Outgoing *outgoing = message;
  g_autoptr (TessEngine) self = g_object_ref (user_data);

  TESS_ASSERT_MAIN ();
  if (outgoing->reply != NULL)
    deliver_reply (self, g_steal_pointer (&outgoing->reply));
  else if (self->events != NULL)
    self->events (outgoing->events, self->user_data);
  outgoing_free (outgoing);
}

/* ---- Main thread: requests ---- */

/* @request: (transfer full) */
void
tess_engine_post (TessEngine *self, TessRequest *request)
{
  TESS_ASSERT_MAIN ();
  tess_mailbox_post (self->shared->to_engine, request);
}

static gboolean
return_cancelled_cb (gpointer user_data)
{
  g_task_return_new_error (user_data, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("It was cancelled."));
  return G_SOURCE_REMOVE;
}

/* The callback must not run inside g_cancellable_cancel(): it may well want to reset the
 * cancellable. */
static void
return_cancelled_soon (GTask *task)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, return_cancelled_cb, g_object_ref (task), g_object_unref);
  g_source_attach (source, g_task_get_context (task));
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  Pending *pending = user_data;
  TessEngine *self = pending->engine;
  TessRequest *request = tess_request_new (TESS_REQUEST_CANCEL);
  g_autoptr (GTask) task = NULL;

  request->id = pending->id;
  task = take_pending (self, pending->id);
  return_cancelled_soon (task);
  tess_engine_post (self, request);
}

/* @request: (transfer full) */
void
tess_engine_ask (TessEngine *self,
                 TessRequest *request,
                 GCancellable *cancellable,
                 GAsyncReadyCallback callback,
                 gpointer user_data,
                 gpointer source_tag)
{
  g_autoptr (GTask) task = NULL;
  Pending *pending;

  TESS_ASSERT_MAIN ();
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, source_tag);

  if (self->stopped || g_cancellable_is_cancelled (cancellable))
    {
      return_cancelled_soon (task);
      tess_request_free (request);
      return;
    }

  pending = g_new0 (Pending, 1);
  pending->engine = self;
  pending->id = ++self->last_id;
  pending->task = g_object_ref (task);
  if (cancellable != NULL)
    pending->cancelled_handler =
        g_signal_connect (cancellable, "cancelled", G_CALLBACK (cancelled_cb), pending);
  g_hash_table_insert (self->pending, &pending->id, pending);

  request->id = pending->id;
  tess_engine_post (self, request);
}

TessReply *
tess_engine_take_reply (TessEngine *self, GAsyncResult *result, gpointer source_tag, GError **error)
{
  TESS_ASSERT_MAIN ();
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, source_tag), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* A reply without what it should carry is a bug of the engine, but never a NULL without an error.
 */
gpointer
tess_engine_checked (gpointer value, const char *what, GError **error)
{
  if (value == NULL)
    g_set_error (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED, "The engine gave no %s.",
                 what);
  return value;
}

/* ---- Life ---- */

static void
tess_engine_finalize (GObject *object)
{
  TessEngine *self = TESS_ENGINE (object);

  tess_engine_stop (self);
  g_hash_table_unref (self->pending);
  engine_thread_unref (self->shared);

  G_OBJECT_CLASS (tess_engine_parent_class)->finalize (object);
}

static void
tess_engine_class_init (TessEngineClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tess_engine_finalize;
  tess_engine_error_quark (); /* before there is a second thread that could ask for it first */
}

static void
tess_engine_init (TessEngine *self)
{
  self->pending = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, pending_free);
}

TessEngine *
tess_engine_new (const char *database,
                 const char *ca_file,
                 TessEngineEventsFunc events,
                 gpointer user_data)
{
  TessEngine *self;
  EngineThread *shared;

  TESS_ASSERT_MAIN ();
  g_return_val_if_fail (database != NULL, NULL);

  shared = g_new0 (EngineThread, 1);
  g_atomic_ref_count_init (&shared->ref_count);
  g_mutex_init (&shared->mutex);
  g_cond_init (&shared->cond);
  shared->database = g_strdup (database);
  shared->ca_file = g_strdup (ca_file);
  shared->context = g_main_context_new ();
  shared->to_engine = tess_mailbox_new (shared->context, G_PRIORITY_DEFAULT, request_received_cb,
                                        shared, (GDestroyNotify) tess_request_free);

  self = g_object_new (TESS_TYPE_ENGINE, NULL);
  self->events = events;
  self->user_data = user_data;
  self->shared = shared;
  shared->to_main =
      tess_mailbox_new (NULL, MAIN_PRIORITY, outgoing_received_cb, self, outgoing_free);
  return self;
}

void
tess_engine_start (TessEngine *self)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ENGINE (self));
  g_return_if_fail (self->thread == NULL && !self->stopped);

  g_atomic_ref_count_inc (&self->shared->ref_count);
  self->thread = g_thread_new ("tess-engine", engine_thread_run, self->shared);
}

/* Waits for the engine thread, within the bound. */
static gboolean
wait_finished (EngineThread *shared)
{
  gint64 until = g_get_monotonic_time () + STOP_BOUND_US;
  gboolean finished;

  g_mutex_lock (&shared->mutex);
  while (!g_atomic_int_get (&shared->finished) &&
         g_cond_wait_until (&shared->cond, &shared->mutex, until))
    ;
  finished = g_atomic_int_get (&shared->finished);
  g_mutex_unlock (&shared->mutex);
  return finished;
}

static void
stop_thread (TessEngine *self)
{
  GThread *thread = g_steal_pointer (&self->thread);

  tess_engine_post (self, tess_request_new (TESS_REQUEST_QUIT));
  if (wait_finished (self->shared))
    {
      g_thread_join (thread);
      tess_mailbox_drain (self->shared->to_main);
      return;
    }

  /* A disk that does not answer: waiting for ever would be worse, and the database survives it. */
  g_warning ("The engine thread does not end; leaving without it");
  g_thread_unref (thread);
}

static void
cancel_all (TessEngine *self)
{
  GHashTableIter iter;
  gpointer value;
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  g_hash_table_iter_init (&iter, self->pending);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (tasks, g_object_ref (((Pending *) value)->task));
  g_hash_table_remove_all (self->pending);
  for (guint i = 0; i < tasks->len; i++)
    return_cancelled_soon (tasks->pdata[i]);
}

void
tess_engine_stop (TessEngine *self)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ENGINE (self));

  if (self->stopped)
    return;
  self->stopped = TRUE;

  if (self->thread != NULL)
    stop_thread (self);
  else
    tess_mailbox_close (self->shared->to_engine);
  tess_mailbox_close (self->shared->to_main);
  cancel_all (self);
}

/* ---- Requests ---- */

TessRequest *
tess_engine_account_request (TessRequestType type, gint64 account_id, const char *address)
{
  TessRequest *request = tess_request_new (type);

  request->account_id = account_id;
  request->address = g_strdup (address);
  return request;
}

TessRequest *
tess_engine_conversation_request (TessRequestType type, gint64 conversation_id)
{
  TessRequest *request = tess_request_new (type);

  request->conversation_id = conversation_id;
  return request;
}

void
tess_engine_set_aside_async (TessEngine *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  ASK (tess_request_new (TESS_REQUEST_SET_ASIDE), tess_engine_set_aside_async);
}

char *
tess_engine_set_aside_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE (string, tess_engine_set_aside_async);
}

void
tess_engine_add_account_async (TessEngine *self,
                               const TessAccountRecord *account,
                               const TessCredentials *credentials,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  TessRequest *request = tess_request_new (TESS_REQUEST_ADD_ACCOUNT);

  request->account = tess_account_record_copy (account);
  request->credentials = tess_credentials_copy (credentials);
  ASK (request, tess_engine_add_account_async);
}

TessAccountRecord *
tess_engine_add_account_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE (account, tess_engine_add_account_async);
}

void
tess_engine_update_account_async (TessEngine *self,
                                  const TessAccountRecord *account,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  TessRequest *request = tess_request_new (TESS_REQUEST_UPDATE_ACCOUNT);

  request->account = tess_account_record_copy (account);
  ASK (request, tess_engine_update_account_async);
}

gboolean
tess_engine_update_account_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE_SUCCESS (tess_engine_update_account_async);
}

void
tess_engine_remove_account_async (TessEngine *self,
                                  gint64 account_id,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  ASK (tess_engine_account_request (TESS_REQUEST_REMOVE_ACCOUNT, account_id, NULL),
       tess_engine_remove_account_async);
}

gboolean
tess_engine_remove_account_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE_SUCCESS (tess_engine_remove_account_async);
}

void
tess_engine_connect (TessEngine *self, gint64 account_id, const TessCredentials *credentials)
{
  TessRequest *request = tess_engine_account_request (TESS_REQUEST_CONNECT, account_id, NULL);

  request->credentials = tess_credentials_copy (credentials);
  tess_engine_post (self, request);
}

void
tess_engine_disconnect (TessEngine *self, gint64 account_id)
{
  tess_engine_post (self, tess_engine_account_request (TESS_REQUEST_DISCONNECT, account_id, NULL));
}

void
tess_engine_network_changed (TessEngine *self, gboolean available)
{
  TessRequest *request = tess_request_new (TESS_REQUEST_NETWORK_CHANGED);

  request->flag = available;
  tess_engine_post (self, request);
}

void
tess_engine_set_in_use (TessEngine *self, gboolean in_use)
{
  TessRequest *request = tess_request_new (TESS_REQUEST_SET_IN_USE);

  request->flag = in_use;
  tess_engine_post (self, request);
}

void
tess_engine_read_certificate_async (TessEngine *self,
                                    GBytes *data,
                                    const char *passphrase,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  TessRequest *request;

  g_return_if_fail (data != NULL);
  request = tess_request_new (TESS_REQUEST_READ_CERTIFICATE);
  request->bytes = g_bytes_ref (data);
  request->secret = g_strdup (passphrase);
  ASK (request, tess_engine_read_certificate_async);
}

TessCredentials *
tess_engine_read_certificate_finish (TessEngine *self,
                                     GAsyncResult *result,
                                     TessCertificate **certificate,
                                     GError **error)
{
  g_autoptr (TessReply) reply =
      tess_engine_take_reply (self, result, (gpointer) tess_engine_read_certificate_async, error);

  if (reply == NULL)
    return NULL;
  if (certificate != NULL)
    *certificate = g_steal_pointer (&reply->certificate);
  return tess_engine_checked (g_steal_pointer (&reply->credentials), "credentials", error);
}

void
tess_engine_open_conversation_async (TessEngine *self,
                                     gint64 account_id,
                                     const char *address,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  ASK (tess_engine_account_request (TESS_REQUEST_OPEN_CONVERSATION, account_id, address),
       tess_engine_open_conversation_async);
}

TessConversationRecord *
tess_engine_open_conversation_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE (conversation, tess_engine_open_conversation_async);
}

void
tess_engine_close_conversation (TessEngine *self, gint64 conversation_id)
{
  tess_engine_post (self, tess_engine_conversation_request (TESS_REQUEST_CLOSE_CONVERSATION, conversation_id));
}

void
tess_engine_set_encryption (TessEngine *self,
                            gint64 conversation_id,
                            TessConversationEncryption encryption)
{
  TessRequest *request = tess_engine_conversation_request (TESS_REQUEST_SET_ENCRYPTION, conversation_id);

  request->number = encryption;
  tess_engine_post (self, request);
}

void
tess_engine_set_draft (TessEngine *self, gint64 conversation_id, const char *draft)
{
  TessRequest *request = tess_engine_conversation_request (TESS_REQUEST_SET_DRAFT, conversation_id);

  request->text = g_strdup (draft);
  tess_engine_post (self, request);
}

void
tess_engine_mark_read (TessEngine *self, gint64 conversation_id, gint64 time_us, gint64 message_id)
{
  TessRequest *request = tess_engine_conversation_request (TESS_REQUEST_MARK_READ, conversation_id);

  request->time_us = time_us;
  request->message_id = message_id;
  tess_engine_post (self, request);
}

void
tess_engine_set_typing (TessEngine *self, gint64 conversation_id, gboolean typing)
{
  TessRequest *request = tess_engine_conversation_request (TESS_REQUEST_SET_TYPING, conversation_id);

  request->flag = typing;
  tess_engine_post (self, request);
}

void
tess_engine_send_async (TessEngine *self,
                        gint64 conversation_id,
                        const char *text,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  gsize length = text != NULL ? strlen (text) : 0;
  TessRequest *request;

  TESS_ASSERT_MAIN ();
  if (length == 0 || length > TEXT_MAX_BYTES || !g_utf8_validate (text, (gssize) length, NULL))
    {
      g_task_report_new_error (self, callback, user_data, tess_engine_send_async, TESS_ENGINE_ERROR,
                               TESS_ENGINE_ERROR_FAILED, "%s",
                               length > TEXT_MAX_BYTES
                                   ? _ ("The message is too long. Please send it in parts.")
                                   : _ ("The message is not text that can be sent."));
      return;
    }

  request = tess_engine_conversation_request (TESS_REQUEST_SEND, conversation_id);
  request->text = g_strdup (text);
  ASK (request, tess_engine_send_async);
}

TessMessageRecord *
tess_engine_send_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE (message, tess_engine_send_async);
}

void
tess_engine_retry (TessEngine *self, gint64 message_id)
{
  TessRequest *request = tess_request_new (TESS_REQUEST_RETRY);

  request->message_id = message_id;
  tess_engine_post (self, request);
}

void
tess_engine_load_page_async (TessEngine *self,
                             gint64 conversation_id,
                             TessPageKind kind,
                             gint64 time_us,
                             gint64 message_id,
                             guint limit,
                             gboolean archive,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  TessRequest *request = tess_engine_conversation_request (TESS_REQUEST_LOAD_PAGE, conversation_id);

  request->number = kind;
  request->time_us = time_us;
  request->message_id = message_id;
  request->limit = limit;
  request->flag = archive;
  ASK (request, tess_engine_load_page_async);
}

GPtrArray *
tess_engine_load_page_finish (TessEngine *self, GAsyncResult *result, TessPageEnds *ends, GError **error)
{
  g_autoptr (TessReply) reply = tess_engine_take_reply (self, result, (gpointer) tess_engine_load_page_async, error);

  if (reply == NULL)
    return NULL;
  if (ends != NULL)
    *ends = reply->ends;
  return tess_engine_checked (g_steal_pointer (&reply->array), "array", error);
}

void
tess_engine_set_place (TessEngine *self, gint64 conversation_id, gint64 time_us, gint64 message_id, int offset)
{
  TessRequest *request = tess_engine_conversation_request (TESS_REQUEST_SET_PLACE, conversation_id);

  request->time_us = time_us;
  request->message_id = message_id;
  request->number = offset;
  tess_engine_post (self, request);
}

void
tess_engine_hold_catch_up (TessEngine *self, gint64 account_id, gboolean held)
{
  TessRequest *request = tess_request_new (TESS_REQUEST_HOLD_CATCH_UP);

  request->account_id = account_id;
  request->flag = held;
  tess_engine_post (self, request);
}

void
tess_engine_change_contact_async (TessEngine *self,
                                  gint64 account_id,
                                  const char *address,
                                  TessContactAction action,
                                  const char *name,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  TessRequest *request = tess_engine_account_request (TESS_REQUEST_CHANGE_CONTACT, account_id, address);

  request->number = action;
  request->text = g_strdup (name);
  ASK (request, tess_engine_change_contact_async);
}

gboolean
tess_engine_change_contact_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE_SUCCESS (tess_engine_change_contact_async);
}

gboolean
tess_engine_check_address (const char *text, char **prepared, GError **error)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text != NULL ? text : ""));
  g_autoptr (TessJid) jid = tess_jid_new_bare (stripped, NULL);

  if (jid == NULL || tess_jid_get_local (jid) == NULL)
    {
      g_set_error_literal (
          error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_INVALID_ADDRESS,
          _ ("This is not a complete address. It should look like name@example.org."));
      return FALSE;
    }

  if (prepared != NULL)
    *prepared = g_strdup (tess_jid_to_string (jid));
  return TRUE;
}
