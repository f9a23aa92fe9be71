/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-worker-private.h"

#include "base/tess-source.h"
#include "engine/tess-engine.h"
#include "engine/tess-session-login.h"
#include "xmpp/tess-certificate.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define RETIRE_MILLISECONDS 10000
#define FINGERPRINT_LENGTH 64
#define MAX_TEXT 1023 /* of a host, a name: characters that nobody needs more of */

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

/* All or nothing: an account whose keys could not be stored would be in the way of the next attempt. */
static TessSession *
store_account (TessWorker *self, TessAccountRecord *account, GError **error)
{
  g_autoptr (TessSession) session = NULL;

  if (!tess_store_begin (self->store, error))
    return NULL;
  if (tess_store_add_account (self->store, account, error))
    session = tess_session_new (self->store, self->events, self->trust, tess_account_record_copy (account), error);
  if (session == NULL)
    {
      tess_store_rollback (self->store);
      return NULL;
    }
  return tess_store_commit (self->store, error) ? g_steal_pointer (&session) : NULL;
}

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
  session = store_account (self, addition->account, &error);
  if (session == NULL)
    {
      tess_stream_close (stream);
      tess_worker_answer_error (self, addition->id, error);
      return;
    }

  tess_worker_take_session (self, session);
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

/* ---- What an account may be set to ---- */

static gboolean
is_short (const char *text)
{
  return text == NULL || (strlen (text) <= MAX_TEXT && g_utf8_validate (text, -1, NULL));
}

static gboolean
is_fingerprint (const char *text)
{
  return strlen (text) == FINGERPRINT_LENGTH && strspn (text, "0123456789abcdef") == FINGERPRINT_LENGTH;
}

static gboolean
check_settings (const TessAccountRecord *account, GError **error)
{
  gboolean proxy = account->proxy == TESS_ACCOUNT_PROXY_SOCKS5 || account->proxy == TESS_ACCOUNT_PROXY_HTTP;

  if (proxy && (account->proxy_host == NULL || *account->proxy_host == '\0' || account->proxy_port == 0))
    {
      g_set_error_literal (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_PROXY,
                           _("A proxy has a name and a port, such as localhost and 9050."));
      return FALSE;
    }
  if (account->pin != NULL && !is_fingerprint (account->pin))
    {
      g_set_error_literal (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED,
                           _("A fingerprint of a certificate has 64 digits and letters from a to f."));
      return FALSE;
    }
  if (!is_short (account->name) || !is_short (account->host) || !is_short (account->proxy_host) ||
      !is_short (account->proxy_username) || !is_short (account->certificate) ||
      (guint) account->tls > TESS_ACCOUNT_TLS_STARTTLS || (guint) account->proxy > TESS_ACCOUNT_PROXY_HTTP)
    {
      g_set_error_literal (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED,
                           _("The settings of this account cannot be used. Look at what you entered."));
      return FALSE;
    }

  return TRUE;
}

static TessJid *
check_new_account (TessWorker *self, const TessAccountRecord *account, GError **error)
{
  g_autoptr (TessJid) jid = tess_jid_new_bare (account->address, error);

  if (jid == NULL)
    return NULL;
  if (tess_jid_get_local (jid) == NULL)
    g_set_error (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_INVALID_ADDRESS,
                 _("“%s” is a server. An address looks like name@%s."),
                 tess_jid_get_domain (jid), tess_jid_get_domain (jid));
  else if (has_account (self, tess_jid_to_bare_string (jid)))
    g_set_error (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_EXISTS,
                 _("There is an account for %s already."), tess_jid_to_bare_string (jid));
  else if (check_settings (account, error))
    return g_steal_pointer (&jid);

  return NULL;
}

/* What only a login may say. */
static void
make_new (TessAccountRecord *account, TessJid *jid)
{
  g_free (account->address);
  account->address = g_strdup (tess_jid_to_bare_string (jid));
  account->enabled = TRUE;
  account->scram_seen = FALSE;
  account->binding_seen = FALSE;
  g_clear_pointer (&account->server_key, g_free);
  g_free (account->user_agent_id);
  account->user_agent_id = g_uuid_string_random ();
}

static void
add_account (TessWorker *self, TessRequest *request)
{
  GError             *error = NULL;
  g_autoptr (TessJid) jid = check_new_account (self, request->account, &error);
  TessStreamOptions   options;
  Addition           *addition;
  GCancellable       *cancellable;

  if (request->credentials == NULL)
    request->credentials = tess_credentials_new ();
  if (jid != NULL)
    {
      make_new (request->account, jid);
      tess_session_fill_options (&options, request->account, jid, request->credentials, self->trust, &error);
    }
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

  cancellable = g_cancellable_new ();
  g_hash_table_insert (self->cancellables, g_memdup2 (&request->id, sizeof request->id), cancellable);
  tess_stream_open_async (&options, cancellable, added_cb, addition);
  tess_session_clear_options (&options);
}

static void
set_text (char **field, const char *text)
{
  char *copy = g_strdup (text);

  g_free (*field);
  *field = copy;
}

static gboolean
same_proxy (const TessAccountRecord *a, const TessAccountRecord *b)
{
  return a->proxy == b->proxy && a->proxy_port == b->proxy_port && g_strcmp0 (a->proxy_host, b->proxy_host) == 0 &&
         g_strcmp0 (a->proxy_username, b->proxy_username) == 0;
}

/* Whether a connection by @a would not be one by @b. */
static gboolean
connects_otherwise (const TessAccountRecord *a, const TessAccountRecord *b)
{
  if (a->port != b->port || a->tls != b->tls || g_strcmp0 (a->host, b->host) != 0 || !same_proxy (a, b))
    return TRUE;
  return g_strcmp0 (a->pin, b->pin) != 0 || g_strcmp0 (a->certificate, b->certificate) != 0;
}

/* A key of another certificate than the person wants now, or that nobody wants, is no reason for an alarm. */
static void
set_pin (TessAccountRecord *mine, const TessAccountRecord *wish)
{
  if (g_strcmp0 (mine->pin, wish->pin) != 0 || !wish->remember_key)
    g_clear_pointer (&mine->server_key, g_free);
  set_text (&mine->pin, wish->pin);
  mine->remember_key = wish->remember_key;
}

/* Returns: whether the connection is to be made anew. */
static gboolean
change_account (TessSession *session, const TessAccountRecord *wish)
{
  TessAccountRecord *mine = session->account;
  TessCredentials   *credentials = session->credentials;
  gboolean           otherwise = connects_otherwise (mine, wish);
  gboolean           relaxed = mine->binding_seen && !wish->binding_seen && session->gave_up;
  /* The key that is to be kept instead of the password is made by a login. */
  gboolean derives = wish->keep_key && credentials != NULL && credentials->password != NULL &&
                     credentials->scram_key == NULL && !mine->keep_key;

  /* One in the place of another comes with the next order to connect. The password of one proxy is not for the next one. */
  if (credentials != NULL && wish->certificate == NULL)
    tess_credentials_set (&credentials->certificate, NULL);
  if (credentials != NULL && !same_proxy (mine, wish))
    tess_credentials_set (&credentials->proxy_password, NULL);

  set_text (&mine->name, wish->name);
  set_text (&mine->host, wish->host);
  mine->port = wish->port;
  mine->tls = wish->tls;
  mine->enabled = wish->enabled;
  mine->blind_trust = wish->blind_trust;
  mine->send_receipts = wish->send_receipts;
  mine->send_markers = wish->send_markers;
  mine->proxy = wish->proxy;
  set_text (&mine->proxy_host, wish->proxy_host);
  mine->proxy_port = wish->proxy_port;
  set_text (&mine->proxy_username, wish->proxy_username);
  set_pin (mine, wish);
  set_text (&mine->certificate, wish->certificate);
  mine->keep_key = wish->keep_key;
  mine->binding_seen = mine->binding_seen && wish->binding_seen;
  if (session->stream != NULL && !otherwise)
    tess_session_remember_key (mine, tess_stream_get_info (session->stream)->chain);

  return otherwise || relaxed || derives;
}

static void
update_account (TessWorker *self, TessRequest *request)
{
  GError      *error = NULL;
  TessSession *session = tess_worker_find_session (self, request->account->id, &error);
  gboolean     reconnect;

  if (session == NULL || !check_settings (request->account, &error))
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }

  reconnect = change_account (session, request->account);
  tess_omemo_set_blind (session->omemo, session->account->blind_trust);
  tess_session_save_account (session);

  if (!session->account->enabled)
    tess_session_disconnect (session);
  else if (reconnect)
    tess_session_reconnect (session);
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

void
tess_worker_free_removal (gpointer data)
{
  Removal *removal = data;

  tess_source_clear (&removal->source);
  g_array_unref (removal->ids);
  g_free (removal);
}

static void
removal_set_source (Removal *removal, guint milliseconds, GSourceFunc func)
{
  tess_source_clear (&removal->source);
  removal->source = tess_source_attach (g_timeout_source_new (milliseconds), func, removal);
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
  tess_source_clear (&removal->source);
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

/* ---- Our own certificate ---- */

/* What stands in it, for the person to see. */
static TessCertificate *
look_at (const char *pem, GError **error)
{
  g_autoptr (GTlsCertificate) certificate = tess_certificate_from_pem (pem, error);
  TessCertificate            *seen;

  if (certificate == NULL)
    return NULL;
  seen = tess_certificate_read (certificate, 0);
  if (seen == NULL)
    g_set_error_literal (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_CLIENT_CERTIFICATE,
                         _("This file holds no certificate that can be read. Choose another one."));

  return seen;
}

static void
read_certificate (TessWorker *self, TessRequest *request)
{
  GError    *error = NULL;
  gboolean   wants_passphrase = FALSE;
  char      *pem = tess_certificate_import (request->bytes, request->secret, &wants_passphrase, &error);
  TessReply *reply;

  if (pem == NULL && wants_passphrase)
    {
      GError *needed = g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_PASSPHRASE_NEEDED, error->message);

      g_error_free (error);
      error = needed;
    }
  if (error != NULL)
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }

  reply = tess_reply_new (request->id);
  reply->credentials = tess_credentials_new ();
  reply->credentials->certificate = pem;
  reply->certificate = look_at (pem, &error);
  if (error == NULL)
    {
      tess_worker_answer (self, reply);
      return;
    }
  tess_reply_free (reply);
  tess_worker_answer_error (self, request->id, error);
}

static void
network_changed (TessWorker *self, TessRequest *request)
{
  GHashTableIter iter;
  gpointer       session;

  self->no_network = !request->flag;
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    tess_session_network_changed (session, request->flag);
}

static void
set_in_use (TessWorker *self, TessRequest *request)
{
  GHashTableIter iter;
  gpointer       session;

  self->not_in_use = !request->flag;
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    tess_session_set_in_use (session, request->flag);
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
    case TESS_REQUEST_READ_CERTIFICATE:
      read_certificate (self, request);
      return TRUE;
    case TESS_REQUEST_NETWORK_CHANGED:
      network_changed (self, request);
      return TRUE;
    case TESS_REQUEST_SET_IN_USE:
      set_in_use (self, request);
      return TRUE;
    default:
      return FALSE;
    }
}
