/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-client.h"

#include "base/tess-thread.h"
#include "store/tess-store-private.h"

#include <glib/gstdio.h>

static gint64 *
key_new (gint64 id)
{
  return g_memdup2 (&id, sizeof id);
}

static char *
name_new (gint64 account_id, const char *address)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT " %s", account_id, address);
}

void
client_take_message (Client *self, const TessMessageRecord *message)
{
  g_hash_table_replace (self->messages, key_new (message->id), tess_message_record_copy (message));
}

static void
count_notification (Client *self, gint64 id)
{
  guint times = GPOINTER_TO_UINT (g_hash_table_lookup (self->notified, &id));

  g_hash_table_replace (self->notified, key_new (id), GUINT_TO_POINTER (times + 1));
}

static void
take_gone (Client *self, const TessEvent *event)
{
  GHashTableIter iter;
  gpointer       value;

  g_hash_table_iter_init (&iter, self->messages);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const TessMessageRecord *message = value;

      if ((event->conversation_id == 0 || message->conversation_id == event->conversation_id) &&
          message->time_us <= event->until_us && message->state != TESS_MESSAGE_WAITING)
        g_hash_table_iter_remove (&iter);
    }
}

static void
take_event (Client *self, const TessEvent *event)
{
  switch (event->type)
    {
    case TESS_EVENT_OPENED:
      self->opened = TRUE;
      break;
    case TESS_EVENT_ACCOUNT:
      g_hash_table_replace (self->accounts, key_new (event->account_id), tess_account_record_copy (event->account));
      break;
    case TESS_EVENT_ACCOUNT_REMOVED:
      g_hash_table_remove (self->accounts, &event->account_id);
      break;
    case TESS_EVENT_CONNECTION:
      g_hash_table_replace (self->connections, key_new (event->account_id), tess_connection_copy (event->connection));
      break;
    case TESS_EVENT_CONTACT:
      self->contact_events++;
      g_hash_table_replace (self->contacts, name_new (event->account_id, event->contact->address),
                            tess_contact_record_copy (event->contact));
      break;
    case TESS_EVENT_CONTACT_REMOVED:
      {
        g_autofree char *name = name_new (event->account_id, event->address);

        g_hash_table_remove (self->contacts, name);
      }
      break;
    case TESS_EVENT_CONVERSATION:
      g_hash_table_replace (self->conversations, name_new (event->account_id, event->conversation->peer),
                            tess_conversation_record_copy (event->conversation));
      break;
    case TESS_EVENT_MESSAGES:
      self->live += event->live ? event->messages->len : 0;
      for (guint i = 0; i < event->messages->len; i++)
        {
          const TessMessageRecord *message = g_ptr_array_index (event->messages, i);

          client_take_message (self, message);
          g_hash_table_add (self->shown, g_strdup_printf ("%" G_GINT64_FORMAT " %s", message->id, message->text));
          if (event->live)
            count_notification (self, message->id);
        }
      break;
    case TESS_EVENT_MESSAGES_GONE:
      self->gone_events++;
      take_gone (self, event);
      break;
    case TESS_EVENT_CHAT_STATE:
      self->chat_states++;
      break;
    case TESS_EVENT_PROBLEM:
      g_ptr_array_add (self->problems, g_strdup (event->error->message));
      self->refusals += client_is_refusal (event->error);
      break;
    case TESS_EVENT_CREDENTIALS:
      g_ptr_array_add (self->credentials, tess_credentials_copy (event->credentials));
      break;
    case TESS_EVENT_CATCH_UP:
      self->gaps = event->gaps;
      self->held = event->held;
      break;
    case TESS_EVENT_STOPPED:
      self->stopped = TRUE;
      break;
    case TESS_EVENT_OPEN_FAILED:
      if (self->may_not_open)
        {
          g_clear_error (&self->open_error);
          self->open_error = g_error_copy (event->error);
          break;
        }
      g_error ("The database does not open: %s", event->error->message);
    case TESS_EVENT_CONVERSATION_REMOVED:
    case TESS_EVENT_DEVICES:
    default:
      break;
    }
}

static void
events_cb (GPtrArray *events, gpointer user_data)
{
  Client *self = user_data;

  TESS_ASSERT_MAIN ();
  for (guint i = 0; i < events->len; i++)
    {
      if (self->stopped)
        self->after_stop++;
      take_event (self, g_ptr_array_index (events, i));
    }
}

Client *
client_new (void)
{
  Client            *self = g_new0 (Client, 1);
  g_autoptr (GError) error = NULL;

  tess_thread_set_role (TESS_THREAD_MAIN);
  self->folder = g_dir_make_tmp ("tess-session-XXXXXX", &error);
  g_assert_no_error (error);
  self->database = g_build_filename (self->folder, "tessera.db", NULL);
  self->ca_file = g_build_filename (g_getenv ("TESS_TEST_CERTIFICATES"), "ca.pem", NULL);
  self->accounts = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) tess_account_record_free);
  self->connections = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) tess_connection_free);
  self->messages = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) tess_message_record_free);
  self->contacts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) tess_contact_record_free);
  self->conversations =
    g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) tess_conversation_record_free);
  self->shown = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->notified = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->problems = g_ptr_array_new_with_free_func (g_free);
  self->credentials = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_credentials_free);

  return self;
}

void
client_free (Client *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, NULL);
  const char      *name;

  client_stop (self);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->folder, name, NULL);

      g_remove (path);
    }
  g_rmdir (self->folder);
  g_hash_table_unref (self->accounts);
  g_hash_table_unref (self->connections);
  g_hash_table_unref (self->messages);
  g_hash_table_unref (self->contacts);
  g_hash_table_unref (self->conversations);
  g_hash_table_unref (self->shown);
  g_hash_table_unref (self->notified);
  g_clear_error (&self->open_error);
  g_ptr_array_unref (self->problems);
  g_ptr_array_unref (self->credentials);
  g_free (self->folder);
  g_free (self->database);
  g_free (self->ca_file);
  g_free (self);
}

/* ---- The database, with the engine away ---- */

static TessStore *
open_store (Client *self)
{
  g_autoptr (GError) error = NULL;
  TessStore         *store;

  g_assert_null (self->engine);
  tess_thread_set_role (TESS_THREAD_ENGINE);
  store = tess_store_open (self->database, &error);
  g_assert_no_error (error);
  return store;
}

static void
close_store (TessStore *store)
{
  tess_store_close (store);
  tess_thread_set_role (TESS_THREAD_MAIN);
}

gint64
client_add_account (Client *self, const char *address, guint16 port)
{
  TessStore                    *store = open_store (self);
  g_autoptr (TessAccountRecord) account = tess_account_record_new (address);
  g_autoptr (GError)            error = NULL;

  account->host = g_strdup ("127.0.0.1");
  account->port = port;
  account->tls = TESS_ACCOUNT_TLS_STARTTLS;
  account->enabled = TRUE;
  account->blind_trust = TRUE;
  tess_store_add_account (store, account, &error);
  g_assert_no_error (error);
  close_store (store);

  return account->id;
}

void
client_exec (Client *self, const char *sql)
{
  TessStore         *store = open_store (self);
  g_autoptr (GError) error = NULL;

  tess_store_exec (store, sql, &error);
  g_assert_no_error (error);
  close_store (store);
}

gint64
client_number (Client *self, const char *sql)
{
  TessStore         *store = open_store (self);
  g_autoptr (GError) error = NULL;
  gint64             number = -1;

  tess_store_number (store, sql, &number, &error);
  g_assert_no_error (error);
  close_store (store);
  return number;
}

/* ---- The engine ---- */

void
client_start (Client *self)
{
  self->opened = FALSE;
  self->stopped = FALSE;
  self->engine = tess_engine_new (self->database, self->ca_file, events_cb, self);
  tess_engine_start (self->engine);
  SESSION_WAIT (self->opened || self->open_error != NULL);
}

void
client_stop (Client *self)
{
  if (self->engine == NULL)
    return;
  tess_engine_stop (self->engine);
  g_assert_true (self->stopped);
  g_assert_finalize_object (self->engine);
  self->engine = NULL;
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_cmpuint (self->after_stop, ==, 0);
}

/* With its log; the engine stands still. */
static void
copy_database (const char *from, const char *to)
{
  static const char *const parts[] = { "", "-wal" };

  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autofree char   *source = g_strconcat (from, parts[i], NULL);
      g_autofree char   *target = g_strconcat (to, parts[i], NULL);
      g_autofree char   *contents = NULL;
      gsize              length = 0;
      g_autoptr (GError) error = NULL;

      g_remove (target);
      if (!g_file_get_contents (source, &contents, &length, NULL))
        continue;
      g_file_set_contents_full (target, contents, (gssize) length, G_FILE_SET_CONTENTS_NONE, 0600, &error);
      g_assert_no_error (error);
    }
}

void
client_kill (Client *self, SessionServer *server)
{
  g_autofree char *kept = g_strconcat (self->database, ".kept", NULL);

  copy_database (self->database, kept);
  session_server_cut (server);
  client_stop (self);
  copy_database (kept, self->database);
}

void
connect_with (TessEngine *engine, gint64 account_id, const char *password)
{
  TessCredentials credentials = { .password = (char *) password };

  tess_engine_connect (engine, account_id, &credentials);
}

void
client_go_online (Client *self, gint64 account_id, SessionServer *server)
{
  if (self->engine == NULL)
    client_start (self);
  connect_with (self->engine, account_id, "secret");
  SESSION_WAIT (client_state (self, account_id) == TESS_CONNECTION_ONLINE);
  SESSION_WAIT (session_server_has (server, "urn:xmpp:mam:2"));
  client_sync (self, account_id, server);
}

gboolean
client_is_refusal (const GError *error)
{
  return error->domain == TESS_ENGINE_ERROR && error->code >= TESS_ENGINE_ERROR_DATABASE_DAMAGED &&
         error->code <= TESS_ENGINE_ERROR_DATABASE;
}

TessConnectionState
client_state (Client *self, gint64 account_id)
{
  const TessConnection *connection = g_hash_table_lookup (self->connections, &account_id);

  return connection != NULL ? connection->state : TESS_CONNECTION_OFFLINE;
}

int
client_error (Client *self, gint64 account_id)
{
  const TessConnection *connection = g_hash_table_lookup (self->connections, &account_id);

  return connection != NULL && connection->error != NULL ? connection->error->code : 0;
}

TessMessageRecord *
client_find (Client *self, const char *text)
{
  GHashTableIter iter;
  gpointer       value;

  g_hash_table_iter_init (&iter, self->messages);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (g_strcmp0 (((TessMessageRecord *) value)->text, text) == 0)
      return value;
  return NULL;
}

guint
client_count (Client *self, const char *text)
{
  GHashTableIter iter;
  gpointer       value;
  guint          count = 0;

  g_hash_table_iter_init (&iter, self->messages);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    count += g_strcmp0 (((TessMessageRecord *) value)->text, text) == 0;
  return count;
}

TessContactRecord *
client_contact (Client *self, gint64 account_id, const char *address)
{
  g_autofree char *name = name_new (account_id, address);

  return g_hash_table_lookup (self->contacts, name);
}

TessConversationRecord *
client_conversation (Client *self, gint64 account_id, const char *peer)
{
  g_autofree char *name = name_new (account_id, peer);

  return g_hash_table_lookup (self->conversations, name);
}

void
client_call_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  ((Call *) data)->result = g_object_ref (result);
}

/* An answer comes behind all events that there were before it. */
void
client_sync (Client *self, gint64 account_id, SessionServer *server)
{
  Call             call = { NULL };
  g_autofree char *uri = NULL;

  if (server != NULL)
    session_server_sync (server);
  tess_engine_load_uri_async (self->engine, account_id, NULL, client_call_cb, &call);
  CLIENT_AWAIT (call);
  /* An account that is gone meanwhile has none; the answer is what counts. */
  uri = tess_engine_load_uri_finish (self->engine, call.result, NULL);
  g_object_unref (call.result);
}

gint64
client_open (Client *self, gint64 account_id, const char *peer)
{
  g_autoptr (TessConversationRecord) conversation = NULL;
  g_autoptr (GError)                 error = NULL;
  Call                               call = { NULL };

  tess_engine_open_conversation_async (self->engine, account_id, peer, NULL, client_call_cb, &call);
  CLIENT_AWAIT (call);
  conversation = tess_engine_open_conversation_finish (self->engine, call.result, &error);
  g_object_unref (call.result);
  g_assert_no_error (error);
  return conversation->id;
}

gint64
client_send (Client *self, gint64 conversation_id, const char *text)
{
  g_autoptr (TessMessageRecord) message = NULL;
  g_autoptr (GError)            error = NULL;
  Call                          call = { NULL };

  tess_engine_send_async (self->engine, conversation_id, text, NULL, client_call_cb, &call);
  CLIENT_AWAIT (call);
  message = tess_engine_send_finish (self->engine, call.result, &error);
  g_object_unref (call.result);
  g_assert_no_error (error);
  return message->id;
}

TessMessageState
client_message_state (Client *self, gint64 message_id)
{
  const TessMessageRecord *message = g_hash_table_lookup (self->messages, &message_id);

  return message != NULL ? message->state : TESS_MESSAGE_WAITING;
}
