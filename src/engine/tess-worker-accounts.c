/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-worker-private.h"

#include "engine/tess-engine.h"

#include <glib/gi18n-lib.h>

#define RETIRE_MILLISECONDS 10000

typedef struct
{
  TessWorker        *worker;
  guint64            id;
  TessAccountRecord *account;
  TessCredentials   *credentials;
} Addition;

static void
addition_free (Addition *addition)
{
  tess_account_record_free (addition->account);
  tess_credentials_free (addition->credentials);
  g_free (addition);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Addition, addition_free)

static void
added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Addition)   addition = user_data;
  TessWorker            *self = addition->worker;
  GError                *error = NULL;
  g_autoptr (TessStream) stream = tess_stream_open_finish (result, &error);
  TessSession           *session;
  TessReply             *reply;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_error_free (error);
      return; /* nobody waits, and the worker may be gone */
    }
  if (stream == NULL)
    {
      tess_worker_answer_error (self, addition->id, error);
      return;
    }
  if (!tess_store_add_account (self->store, addition->account, &error))
    {
      tess_stream_close (stream);
      tess_worker_answer_error (self, addition->id, error);
      return;
    }

  session = tess_worker_add_session (self, tess_account_record_copy (addition->account), &error);
  if (session == NULL)
    {
      tess_store_remove_account (self->store, addition->account->id, NULL);
      tess_stream_close (stream);
      tess_worker_answer_error (self, addition->id, error);
      return;
    }

  reply = tess_reply_new (addition->id);
  reply->account = g_steal_pointer (&addition->account);
  tess_worker_answer (self, reply);
  tess_session_adopt (session, g_steal_pointer (&stream), addition->credentials);
}

static gboolean
has_account (TessWorker *self, const char *address)
{
  GHashTableIter iter;
  gpointer       session;

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    if (g_str_equal (((TessSession *) session)->account->address, address))
      return TRUE;

  return FALSE;
}

static void
add_account (TessWorker *self, TessRequest *request)
{
  GError             *error = NULL;
  g_autoptr (TessJid) jid = tess_jid_new_bare (request->account->address, &error);
  TessStreamOptions   options;
  Addition           *addition;
  GCancellable       *cancellable;

  if (jid != NULL && tess_jid_get_local (jid) == NULL)
    error = g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_INVALID_ADDRESS,
                         _("“%s” is a server. An address looks like name@%s."),
                         tess_jid_get_domain (jid), tess_jid_get_domain (jid));
  else if (jid != NULL && has_account (self, tess_jid_to_bare_string (jid)))
    error = g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_EXISTS,
                         _("There is an account for %s already."), tess_jid_to_bare_string (jid));
  if (error != NULL)
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }

  addition = g_new0 (Addition, 1);
  addition->worker = self;
  addition->id = request->id;
  addition->account = g_steal_pointer (&request->account);
  addition->credentials = g_steal_pointer (&request->credentials);
  g_free (addition->account->address);
  addition->account->address = g_strdup (tess_jid_to_bare_string (jid));
  addition->account->enabled = TRUE;

  cancellable = g_cancellable_new ();
  g_hash_table_insert (self->cancellables, g_memdup2 (&request->id, sizeof request->id), cancellable);
  tess_session_fill_options (&options, addition->account, jid, addition->credentials, self->trust);
  tess_stream_open_async (&options, cancellable, added_cb, addition);
}

static gboolean
same_server (const TessAccountRecord *a, const TessAccountRecord *b)
{
  return g_strcmp0 (a->host, b->host) == 0 && a->port == b->port && a->tls == b->tls;
}

static void
update_account (TessWorker *self, TessRequest *request)
{
  GError      *error = NULL;
  TessSession *session = tess_worker_find_session (self, request->account->id, &error);
  gboolean     reconnect;

  if (session == NULL)
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }

  reconnect = !same_server (session->account, request->account);
  g_free (session->account->name);
  session->account->name = g_strdup (request->account->name);
  g_free (session->account->host);
  session->account->host = g_strdup (request->account->host);
  session->account->port = request->account->port;
  session->account->tls = request->account->tls;
  session->account->enabled = request->account->enabled;
  session->account->blind_trust = request->account->blind_trust;
  tess_omemo_set_blind (session->omemo, session->account->blind_trust);
  tess_session_save_account (session);

  if (!session->account->enabled)
    tess_session_disconnect (session);
  else if (reconnect && session->stream != NULL)
    tess_stream_abort (session->stream);
  tess_worker_answer_done (self, request->id);
}

/* An account that goes: every request for that waits for the same end. */
typedef struct
{
  TessWorker *worker;
  GArray     *ids; /* of the requests */
  gint64      account_id;
  GSource    *source; /* the patience with the server, then the end */
  gboolean    closing;
} Removal;

static void
removal_clear_source (Removal *removal)
{
  if (removal->source == NULL)
    return;
  g_source_destroy (removal->source);
  g_clear_pointer (&removal->source, g_source_unref);
}

void
tess_worker_free_removal (gpointer data)
{
  Removal *removal = data;

  removal_clear_source (removal);
  g_array_unref (removal->ids);
  g_free (removal);
}

static void
removal_set_source (Removal *removal, guint milliseconds, GSourceFunc func)
{
  removal_clear_source (removal);
  removal->source = g_timeout_source_new (milliseconds);
  g_source_set_callback (removal->source, func, removal, NULL);
  g_source_attach (removal->source, g_main_context_get_thread_default ());
}

static gboolean
remove_now_cb (gpointer user_data)
{
  Removal           *removal = user_data;
  TessWorker        *self = removal->worker;
  g_autoptr (GArray) ids = g_array_ref (removal->ids);
  g_autoptr (GError) error = NULL;
  gint64             account_id = removal->account_id;

  g_hash_table_remove (self->sessions, &account_id);
  g_hash_table_remove (self->removals, &account_id);
  if (tess_store_remove_account (self->store, account_id, &error))
    {
      tess_event_queue_flush (self->events);
      tess_event_queue_add (self->events, tess_event_new (TESS_EVENT_ACCOUNT_REMOVED, account_id));
    }
  for (guint i = 0; i < ids->len; i++)
    {
      if (error != NULL)
        tess_worker_answer_error (self, g_array_index (ids, guint64, i), g_error_copy (error));
      else
        tess_worker_answer_done (self, g_array_index (ids, guint64, i));
    }

  return G_SOURCE_REMOVE;
}

/* Not from inside the stream's own callback: the session is freed there. */
static void
removed_cb (gpointer user_data)
{
  removal_set_source (user_data, 0, remove_now_cb);
}

static void
close_removed (Removal *removal)
{
  TessSession *session = tess_worker_find_session (removal->worker, removal->account_id, NULL);

  if (removal->closing || session == NULL || removal->worker->stopped != NULL)
    return;
  removal->closing = TRUE;
  removal_clear_source (removal);
  tess_session_close (session, removed_cb, removal);
}

/* Others stop encrypting to a device that is gone. Whether that could be said or not, the account goes. */
static void
retired_cb (const GError *error, gpointer user_data)
{
  close_removed (user_data);
}

static gboolean
retire_timeout_cb (gpointer user_data)
{
  close_removed (user_data);
  return G_SOURCE_REMOVE;
}

static void
remove_account (TessWorker *self, TessRequest *request)
{
  GError      *error = NULL;
  TessSession *session = tess_worker_find_session (self, request->account_id, &error);
  Removal     *removal = g_hash_table_lookup (self->removals, &request->account_id);

  if (session == NULL)
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }
  if (removal != NULL)
    {
      g_array_append_val (removal->ids, request->id);
      return;
    }

  removal = g_new0 (Removal, 1);
  removal->worker = self;
  removal->ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_array_append_val (removal->ids, request->id);
  removal->account_id = request->account_id;
  g_hash_table_insert (self->removals, g_memdup2 (&removal->account_id, sizeof removal->account_id), removal);
  removal_set_source (removal, RETIRE_MILLISECONDS, retire_timeout_cb);
  tess_omemo_retire (session->omemo, retired_cb, removal);
}

void
tess_worker_finish_removals (TessWorker *self)
{
  GHashTableIter iter;
  gpointer       account_id;

  g_hash_table_iter_init (&iter, self->removals);
  while (g_hash_table_iter_next (&iter, &account_id, NULL))
    {
      g_autoptr (GError) error = NULL;

      if (!tess_store_remove_account (self->store, *(gint64 *) account_id, &error))
        g_warning ("An account was not removed: %s", error->message);
      g_hash_table_iter_remove (&iter);
    }
}

static void
connect_account (TessWorker *self, TessRequest *request)
{
  TessSession *session = tess_worker_find_session (self, request->account_id, NULL);

  if (session != NULL)
    tess_session_connect (session, request->credentials);
}

static void
disconnect_account (TessWorker *self, TessRequest *request)
{
  TessSession *session = tess_worker_find_session (self, request->account_id, NULL);

  if (session != NULL)
    tess_session_disconnect (session);
}

static void
network_changed (TessWorker *self, TessRequest *request)
{
  GHashTableIter iter;
  gpointer       session;

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    tess_session_network_changed (session, request->flag);
}

gboolean
tess_worker_dispatch_account (TessWorker *self, TessRequest *request)
{
  switch (request->type)
    {
    case TESS_REQUEST_ADD_ACCOUNT:
      add_account (self, request);
      return TRUE;
    case TESS_REQUEST_UPDATE_ACCOUNT:
      update_account (self, request);
      return TRUE;
    case TESS_REQUEST_REMOVE_ACCOUNT:
      remove_account (self, request);
      return TRUE;
    case TESS_REQUEST_CONNECT:
      connect_account (self, request);
      return TRUE;
    case TESS_REQUEST_DISCONNECT:
      disconnect_account (self, request);
      return TRUE;
    case TESS_REQUEST_NETWORK_CHANGED:
      network_changed (self, request);
      return TRUE;
    default:
      return FALSE;
    }
}
