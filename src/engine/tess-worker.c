/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-worker.h"

#include "base/tess-thread.h"
#include "engine/tess-contacts.h"
#include "engine/tess-engine-error.h"
#include "engine/tess-event-queue.h"
#include "engine/tess-outbound.h"
#include "engine/tess-session.h"
#include "engine/tess-trust.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-chat-states.h"
#include "xmpp/xep/tess-xep-hints.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define STOP_MILLISECONDS 2000
#define RETIRE_MILLISECONDS 10000
#define MAX_TEXT_BYTES (64 * 1024)
#define MAX_PAGE 1000

struct _TessWorker
{
  char           *database;
  char           *ca_file; /* nullable */
  TessWorkerOut   out;
  gpointer        out_data;
  GTlsDatabase   *trust; /* nullable */
  TessStore      *store; /* nullable: it could not be opened */
  gboolean        database_at_fault; /* …and not a file of certificates, say */
  TessEventQueue *events;
  GHashTable     *sessions;     /* account id -> TessSession */
  GHashTable     *cancellables; /* request id -> GCancellable */
  GHashTable     *removals;     /* account id -> Removal */

  TessWorkerStoppedFunc stopped;
  gpointer              stopped_data;
  guint                 closing; /* sessions that are still signing out */
  GSource              *stop_timeout;
};

/* ---- Answering ---- */

static void
answer (TessWorker *self, TessReply *reply)
{
  g_hash_table_remove (self->cancellables, &reply->id);
  /* What a reply speaks of is in the model before its caller hears of it. */
  tess_event_queue_flush (self->events);
  self->out.reply (reply, self->out_data);
}

static void
answer_error (TessWorker *self, guint64 id, GError *error)
{
  GError *translated = tess_engine_error_from (error);

  g_error_free (error);
  answer (self, tess_reply_new_error (id, translated));
}

static void
answer_done (TessWorker *self, guint64 id)
{
  answer (self, tess_reply_new (id));
}

static void
report (TessWorker *self, const GError *error)
{
  TessEvent *event = tess_event_new (TESS_EVENT_PROBLEM, 0);

  event->error = tess_engine_error_from (error);
  tess_event_queue_add (self->events, event);
}

/* Without a caller that waits, a failure is told as a problem. */
static void
fail (TessWorker *self, guint64 id, GError *error)
{
  if (id != 0)
    {
      answer_error (self, id, error);
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

static TessSession *
find_session (TessWorker *self, gint64 account_id, GError **error)
{
  TessSession *session = g_hash_table_lookup (self->sessions, &account_id);

  if (session == NULL && error != NULL)
    *error = not_found ();
  return session;
}

/* Returns: (transfer full) (nullable): the conversation, with its session in @session. */
static TessConversationRecord *
find_conversation (TessWorker *self, gint64 conversation_id, TessSession **session, GError **error)
{
  g_autoptr (TessConversationRecord) conversation = NULL;

  conversation = tess_store_get_conversation (self->store, conversation_id, error);
  if (conversation == NULL)
    {
      if (error != NULL && *error == NULL)
        *error = not_found ();
      return NULL;
    }
  *session = find_session (self, conversation->account_id, error);

  return *session != NULL ? g_steal_pointer (&conversation) : NULL;
}

static TessConversationRecord *
read_conversation (gint64 account_id, const char *peer, gpointer user_data)
{
  TessWorker             *self = user_data;
  TessSession            *session = find_session (self, account_id, NULL);
  TessConversationRecord *conversation;

  if (session == NULL || self->store == NULL)
    return NULL;
  conversation = tess_store_find_conversation (self->store, account_id, peer, NULL);
  if (conversation != NULL)
    conversation->security = tess_trust_get_security (session, conversation);

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

/* Returns: (transfer none) (nullable). @account: (transfer full). */
static TessSession *
add_session (TessWorker *self, TessAccountRecord *account, GError **error)
{
  TessSession *session;
  gint64       id = account->id;

  announce_account (self, account);
  session = tess_session_new (self->store, self->events, self->trust, account, error);
  if (session == NULL)
    return NULL;
  g_hash_table_insert (self->sessions, g_memdup2 (&id, sizeof id), session);
  tess_contacts_announce (session->contacts);

  return session;
}

static gboolean
load_account (TessWorker *self, const TessAccountRecord *account, GError **error)
{
  g_autoptr (GPtrArray) conversations = NULL;
  TessSession          *session = add_session (self, tess_account_record_copy (account), error);

  if (session == NULL)
    return FALSE;

  conversations = tess_store_list_conversations (self->store, account->id, error);
  if (conversations == NULL)
    return FALSE;
  for (guint i = 0; i < conversations->len; i++)
    {
      const TessConversationRecord *conversation = g_ptr_array_index (conversations, i);
      TessEvent                    *event = tess_event_new (TESS_EVENT_CONVERSATION, account->id);

      event->conversation = tess_conversation_record_copy (conversation);
      event->conversation->security = tess_trust_get_security (session, conversation);
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
      answer_error (self, request->id,
                    g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED,
                                         _("Nothing is wrong with the messages; they stay where they are.")));
      return;
    }

  kept = tess_store_set_aside (self->database, &error);
  if (kept == NULL)
    {
      answer_error (self, request->id, error);
      return;
    }
  open_database (self);
  reply = tess_reply_new (request->id);
  reply->string = kept;
  answer (self, reply);
}

/* ---- Accounts ---- */

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
      answer_error (self, addition->id, error);
      return;
    }
  if (!tess_store_add_account (self->store, addition->account, &error))
    {
      tess_stream_close (stream);
      answer_error (self, addition->id, error);
      return;
    }

  session = add_session (self, tess_account_record_copy (addition->account), &error);
  if (session == NULL)
    {
      tess_store_remove_account (self->store, addition->account->id, NULL);
      tess_stream_close (stream);
      answer_error (self, addition->id, error);
      return;
    }

  reply = tess_reply_new (addition->id);
  reply->account = g_steal_pointer (&addition->account);
  answer (self, reply);
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
      answer_error (self, request->id, error);
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
  TessSession *session = find_session (self, request->account->id, &error);
  gboolean     reconnect;

  if (session == NULL)
    {
      answer_error (self, request->id, error);
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
  answer_done (self, request->id);
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

static void
removal_free (gpointer data)
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
        answer_error (self, g_array_index (ids, guint64, i), g_error_copy (error));
      else
        answer_done (self, g_array_index (ids, guint64, i));
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
  TessSession *session = find_session (removal->worker, removal->account_id, NULL);

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
  TessSession *session = find_session (self, request->account_id, &error);
  Removal     *removal = g_hash_table_lookup (self->removals, &request->account_id);

  if (session == NULL)
    {
      answer_error (self, request->id, error);
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

/* What was ordered before the end is done at the end. */
static void
finish_removals (TessWorker *self)
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
  TessSession *session = find_session (self, request->account_id, NULL);

  if (session != NULL)
    tess_session_connect (session, request->credentials);
}

static void
disconnect_account (TessWorker *self, TessRequest *request)
{
  TessSession *session = find_session (self, request->account_id, NULL);

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

/* ---- Conversations ---- */

static void
open_conversation (TessWorker *self, TessRequest *request)
{
  GError                            *error = NULL;
  TessSession                       *session = find_session (self, request->account_id, &error);
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
      answer_error (self, request->id, error);
      return;
    }

  tess_event_queue_touch_conversation (self->events, request->account_id, tess_jid_to_bare_string (jid));
  if (tess_session_is_online (session))
    tess_omemo_refresh_devices (session->omemo, jid);
  conversation->security = tess_trust_get_security (session, conversation);
  reply = tess_reply_new (request->id);
  reply->conversation = g_steal_pointer (&conversation);
  answer (self, reply);
}

static void
close_conversation (TessWorker *self, TessSession *session, TessConversationRecord *conversation,
                    TessRequest *request)
{
  GError    *error = NULL;
  TessEvent *event;

  if (!tess_store_remove_conversation (self->store, conversation->id, &error))
    {
      fail (self, 0, error);
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
      fail (self, 0, error);
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
set_draft (TessWorker *self, TessSession *session, TessConversationRecord *conversation, TessRequest *request)
{
  GError *error = NULL;

  if (!tess_store_set_draft (self->store, conversation->id, request->text, &error))
    fail (self, 0, error);
}

static void
mark_read (TessWorker *self, TessSession *session, TessConversationRecord *conversation, TessRequest *request)
{
  GError *error = NULL;
  guint   unread = 0;

  if (!tess_store_mark_read (self->store, conversation->id, request->time_us, request->message_id, &unread,
                             &error))
    {
      fail (self, 0, error);
      return;
    }
  if (unread != conversation->unread)
    tess_event_queue_touch_conversation (self->events, conversation->account_id, conversation->peer);
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
      answer_error (self, request->id, error);
      return;
    }

  reply = tess_reply_new (request->id);
  reply->message = message;
  answer (self, reply);
}

static void
load_page (TessWorker *self, TessSession *session, TessConversationRecord *conversation, TessRequest *request)
{
  GError    *error = NULL;
  GPtrArray *page;
  TessReply *reply;
  guint      limit = CLAMP (request->limit, 1, MAX_PAGE);

  if (request->flag)
    page = tess_store_list_messages_after (self->store, conversation->id, request->time_us,
                                           request->message_id, limit, &error);
  else
    page = tess_store_list_messages (self->store, conversation->id, request->time_us, request->message_id,
                                     limit, &error);
  if (page == NULL)
    {
      answer_error (self, request->id, error);
      return;
    }

  reply = tess_reply_new (request->id);
  reply->array = page;
  answer (self, reply);
}

typedef void (*ConversationFunc) (TessWorker *self, TessSession *session, TessConversationRecord *conversation,
                                  TessRequest *request);

static void
with_conversation (TessWorker *self, TessRequest *request, ConversationFunc func)
{
  GError                            *error = NULL;
  TessSession                       *session = NULL;
  g_autoptr (TessConversationRecord) conversation = NULL;

  conversation = find_conversation (self, request->conversation_id, &session, &error);
  if (conversation == NULL)
    fail (self, request->id, error);
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
    session = find_session (self, message->account_id, NULL);
  if (session != NULL)
    tess_outbound_retry (session->outbound, message->id, &error);
  if (error != NULL)
    fail (self, 0, error);
}

/* ---- Contacts and devices ---- */

typedef struct
{
  TessWorker *worker;
  guint64     id;
} Waiting;

static void
contact_changed_cb (const GError *error, gpointer user_data)
{
  g_autofree Waiting *waiting = user_data;

  if (error != NULL)
    answer (waiting->worker, tess_reply_new_error (waiting->id, g_error_copy (error)));
  else
    answer_done (waiting->worker, waiting->id);
}

static void
change_contact (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request)
{
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->worker = self;
  waiting->id = request->id;
  tess_contacts_change (session->contacts, jid, request->number, request->text, contact_changed_cb, waiting);
}

static void
load_devices (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request)
{
  GError    *error = NULL;
  GPtrArray *devices = tess_trust_list_devices (session, jid, &error);
  TessReply *reply;

  if (devices == NULL)
    {
      answer_error (self, request->id, error);
      return;
    }
  reply = tess_reply_new (request->id);
  reply->array = devices;
  answer (self, reply);
  if (tess_session_is_online (session))
    tess_omemo_refresh_devices (session->omemo, jid);
}

static void
set_trust (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request)
{
  GError *error = NULL;

  if (!tess_omemo_set_trust (session->omemo, jid, request->device, (TessOmemoTrust) request->number, &error))
    {
      answer_error (self, request->id, error);
      return;
    }
  tess_trust_announce (session, jid);
  /* One's own devices read every conversation. */
  if (tess_jid_bare_equal (jid, session->jid))
    {
      g_autoptr (GPtrArray) all = tess_store_list_conversations (self->store, session->account->id, NULL);

      for (guint i = 0; all != NULL && i < all->len; i++)
        tess_event_queue_touch_conversation (self->events, session->account->id,
                                             ((TessConversationRecord *) g_ptr_array_index (all, i))->peer);
    }
  tess_outbound_pump (session->outbound);
  answer_done (self, request->id);
}

typedef void (*AddressFunc) (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request);

static void
with_address (TessWorker *self, TessRequest *request, AddressFunc func)
{
  GError             *error = NULL;
  TessSession        *session = find_session (self, request->account_id, &error);
  g_autoptr (TessJid) jid = NULL;

  if (session != NULL)
    jid = tess_jid_new_bare (request->address, &error);
  if (jid == NULL)
    fail (self, request->id, error);
  else
    func (self, session, jid, request);
}

static void
load_uri (TessWorker *self, TessRequest *request)
{
  GError      *error = NULL;
  TessSession *session = find_session (self, request->account_id, &error);
  char        *uri = session != NULL ? tess_trust_get_uri (session, &error) : NULL;
  TessReply   *reply;

  if (uri == NULL)
    {
      answer_error (self, request->id, error);
      return;
    }
  reply = tess_reply_new (request->id);
  reply->string = uri;
  answer (self, reply);
}

/* ---- The table ---- */

static void
dispatch (TessWorker *self, TessRequest *request)
{
  switch (request->type)
    {
    case TESS_REQUEST_ADD_ACCOUNT:
      add_account (self, request);
      break;
    case TESS_REQUEST_UPDATE_ACCOUNT:
      update_account (self, request);
      break;
    case TESS_REQUEST_REMOVE_ACCOUNT:
      remove_account (self, request);
      break;
    case TESS_REQUEST_CONNECT:
      connect_account (self, request);
      break;
    case TESS_REQUEST_DISCONNECT:
      disconnect_account (self, request);
      break;
    case TESS_REQUEST_NETWORK_CHANGED:
      network_changed (self, request);
      break;
    case TESS_REQUEST_OPEN_CONVERSATION:
      open_conversation (self, request);
      break;
    case TESS_REQUEST_CLOSE_CONVERSATION:
      with_conversation (self, request, close_conversation);
      break;
    case TESS_REQUEST_SET_ENCRYPTION:
      with_conversation (self, request, set_encryption);
      break;
    case TESS_REQUEST_SET_DRAFT:
      with_conversation (self, request, set_draft);
      break;
    case TESS_REQUEST_MARK_READ:
      with_conversation (self, request, mark_read);
      break;
    case TESS_REQUEST_SET_TYPING:
      with_conversation (self, request, set_typing);
      break;
    case TESS_REQUEST_SEND:
      with_conversation (self, request, send_message);
      break;
    case TESS_REQUEST_RETRY:
      retry_message (self, request);
      break;
    case TESS_REQUEST_LOAD_PAGE:
      with_conversation (self, request, load_page);
      break;
    case TESS_REQUEST_CHANGE_CONTACT:
      with_address (self, request, change_contact);
      break;
    case TESS_REQUEST_LOAD_DEVICES:
      with_address (self, request, load_devices);
      break;
    case TESS_REQUEST_SET_TRUST:
      with_address (self, request, set_trust);
      break;
    case TESS_REQUEST_LOAD_URI:
      load_uri (self, request);
      break;
    case TESS_REQUEST_SET_ASIDE:
    case TESS_REQUEST_CANCEL:
    case TESS_REQUEST_QUIT:
    default:
      g_assert_not_reached ();
    }
}

void
tess_worker_handle (TessWorker *self, TessRequest *request)
{
  TESS_ASSERT_ENGINE ();

  if (self->stopped != NULL)
    ; /* too late */
  else if (request->type == TESS_REQUEST_SET_ASIDE)
    set_aside (self, request);
  else if (self->store != NULL)
    dispatch (self, request);
  else if (request->id != 0)
    answer_error (self, request->id,
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
  self->removals = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, removal_free);

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

  if (self->stop_timeout != NULL)
    {
      g_source_destroy (self->stop_timeout);
      g_clear_pointer (&self->stop_timeout, g_source_unref);
    }
  tess_event_queue_flush (self->events);
  g_hash_table_remove_all (self->sessions);
  finish_removals (self);
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
  if (self->stop_timeout != NULL)
    {
      g_source_destroy (self->stop_timeout);
      g_source_unref (self->stop_timeout);
    }
  self->stop_timeout = g_timeout_source_new (milliseconds);
  g_source_set_callback (self->stop_timeout, stop_timeout_cb, self, NULL);
  g_source_attach (self->stop_timeout, g_main_context_get_thread_default ());
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
