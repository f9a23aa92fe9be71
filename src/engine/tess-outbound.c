/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-outbound.h"

#include "base/tess-id.h"
#include "base/tess-source.h"
#include "engine/tess-catch-up.h"
#include "engine/tess-engine.h"
#include "engine/tess-trust.h"
#include "xmpp/xep/tess-xep-chat-states.h"
#include "xmpp/xep/tess-xep-eme.h"
#include "xmpp/xep/tess-xep-hints.h"
#include "xmpp/xep/tess-xep-markers.h"
#include "xmpp/xep/tess-xep-receipts.h"
#include "xmpp/xep/tess-xep-sid.h"

#include <glib/gi18n-lib.h>

/* For clients without OMEMO; never shown by those that have it. */
#define FALLBACK_BODY "I sent you an OMEMO encrypted message but your client doesn't seem to support that."

/* So many messages are encrypted and stored in one transaction. */
#define BATCH 50

struct _TessOutbound
{
  TessSession  *session;
  GCancellable *cancellable;
  gboolean      online;
  GHashTable   *in_flight; /* message ids on this stream-management session */
  GArray       *acked;     /* of gint64: message ids that the server has, not stored as such yet */
  GSource      *settle;    /* nullable: …which follows soon, for many at once */
  GHashTable   *preparing; /* peers whose devices are being asked */
  GHashTable   *blocked;   /* peers that could not be asked on this stream */
};

static gint64 *
id_copy (gint64 id)
{
  return g_memdup2 (&id, sizeof id);
}

void
tess_outbound_announce (TessOutbound *self, gint64 message_id)
{
  g_autoptr (GError) error = NULL;
  TessMessageRecord *message = tess_store_get_message (self->session->store, message_id, &error);

  if (message == NULL)
    {
      if (error != NULL)
        tess_session_storage_failed (self->session, error);
      return;
    }

  tess_event_queue_touch_conversation (self->session->events, message->account_id, message->peer);
  tess_event_queue_add_message (self->session->events, message, FALSE);
}

gboolean
tess_outbound_set_state (TessOutbound    *self,
                         gint64           message_id,
                         TessMessageState state,
                         const char      *reason)
{
  g_autoptr (GError) error = NULL;
  gboolean           changed = FALSE;

  if (!tess_store_set_state (self->session->store, message_id, state, reason, &changed, &error))
    {
      tess_session_storage_failed (self->session, error);
      return FALSE;
    }
  if (changed)
    tess_outbound_announce (self, message_id);

  return TRUE;
}

/* In a transaction: the server has it. */
static gboolean
store_sent (TessOutbound *self, gint64 message_id, GError **error)
{
  return tess_store_remove_outbox (self->session->store, message_id, error) &&
         tess_store_set_state (self->session->store, message_id, TESS_MESSAGE_SENT, NULL, NULL, error);
}

static gboolean
store_acked (gpointer user_data, GError **error)
{
  TessOutbound *self = user_data;

  for (guint i = 0; i < self->acked->len; i++)
    if (!store_sent (self, g_array_index (self->acked, gint64, i), error))
      return FALSE;
  return tess_session_count (self->session, FALSE, error);
}

/* Many are acknowledged at once, and that is one transaction. */
static void
settle_acked (TessOutbound *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) acked = NULL;
  gboolean           stored;

  tess_source_clear (&self->settle);
  if (self->acked->len == 0)
    return;

  stored = tess_store_transact (self->session->store, store_acked, self, &error);
  acked = g_steal_pointer (&self->acked);
  self->acked = g_array_new (FALSE, FALSE, sizeof (gint64));
  if (!stored)
    {
      tess_session_storage_failed (self->session, error);
      return;
    }
  for (guint i = 0; i < acked->len; i++)
    tess_outbound_announce (self, g_array_index (acked, gint64, i));
  if (self->session->catch_up != NULL)
    tess_catch_up_learn_time (self->session->catch_up);
}

gboolean
tess_outbound_found (TessOutbound *self, gint64 message_id, GError **error)
{
  g_hash_table_remove (self->in_flight, &message_id);
  if (!store_sent (self, message_id, error))
    return FALSE;
  tess_outbound_announce (self, message_id);

  return TRUE;
}

gboolean
tess_outbound_list_doubtful (TessOutbound *self, GHashTable *peers, GError **error)
{
  g_autoptr (GPtrArray) items = NULL;

  settle_acked (self);
  items = tess_store_list_outbox (self->session->store, self->session->account->id, error);
  for (guint i = 0; items != NULL && i < items->len; i++)
    {
      const TessOutboxItem *item = g_ptr_array_index (items, i);

      const gint64 *first = g_hash_table_lookup (peers, item->peer);

      if (item->tried_us > 0 && !g_hash_table_contains (self->in_flight, &item->message_id) &&
          (first == NULL || item->tried_us < *first))
        g_hash_table_insert (peers, g_strdup (item->peer), id_copy (item->tried_us));
    }

  return items != NULL;
}

static gboolean
settle_cb (gpointer user_data)
{
  settle_acked (user_data);
  return G_SOURCE_REMOVE;
}

void
tess_outbound_acked (TessOutbound *self, gint64 message_id)
{
  g_hash_table_remove (self->in_flight, &message_id);
  g_array_append_val (self->acked, message_id);
  if (self->settle == NULL)
    self->settle = tess_source_attach (g_timeout_source_new (0), settle_cb, self);
}

/* ---- Stanzas ---- */

static TessNode *
build_message (const TessMessageRecord *message)
{
  TessNode *node = tess_node_new ("message", "jabber:client");

  tess_node_set (node, "to", message->peer);
  tess_node_set (node, "type", "chat");
  tess_node_set (node, "id", message->stanza_id);
  tess_xep_sid_add_origin_id (node, message->stanza_id);
  tess_xep_receipts_add_request (node);
  tess_node_add (node, "markable", TESS_XEP_MARKERS_NS);
  tess_xep_chat_states_add (node, TESS_CHAT_STATE_ACTIVE);

  return node;
}

static TessNode *
build_plain (const TessMessageRecord *message)
{
  TessNode *node = build_message (message);

  tess_node_add_with_text (node, "body", NULL, message->text);
  return node;
}

static TessNode *
build_encrypted (const TessMessageRecord *message, TessNode *encrypted)
{
  TessNode *node = build_message (message);

  tess_node_add_with_text (node, "body", NULL, FALLBACK_BODY);
  tess_node_append (node, encrypted);
  tess_xep_eme_add (node, tess_omemo_get_eme_namespace (), "OMEMO");
  tess_xep_hints_add (node, TESS_HINT_STORE);

  return node;
}

/* Finished stanzas that are to go out together, after the transaction that they are in. */
typedef struct
{
  gint64 message_id;
  char  *xml;
} Ready;

static void
ready_clear (gpointer data)
{
  g_free (((Ready *) data)->xml);
}

static GArray *
ready_new (void)
{
  GArray *ready = g_array_new (FALSE, FALSE, sizeof (Ready));

  g_array_set_clear_func (ready, ready_clear);
  return ready;
}

/* What was written offline, or under a clock that was wrong, stands where it was sent: below what came meanwhile. */
static gboolean
settle_place (TessOutbound *self, gint64 message_id, GError **error)
{
  g_autoptr (TessMessageRecord) message = tess_store_get_message (self->session->store, message_id, error);
  gint64                        now = tess_session_now (self->session);
  gint64                        last = 0;
  gint64                        came = 0;

  if (message == NULL)
    return FALSE;
  if (!tess_store_get_last_sent (self->session->store, message->conversation_id, message_id, &last, error) ||
      !tess_store_get_first_behind (self->session->store, message->conversation_id, message_id, &came, error))
    return FALSE;
  if (came == 0 && message->time_us > last && message->time_us <= now + TESS_CLOCK_TOLERANCE_US)
    return TRUE;

  return tess_store_move_message (self->session->store, message_id, MAX (now, last + 1), error) &&
         tess_store_recount_unread (self->session->store, message->conversation_id, error);
}

/* In the transaction, before it goes out as the next stanza behind @ready: a process that comes after this one knows which it was. */
static gboolean
make_ready (TessOutbound *self, GArray *ready, gint64 message_id, const char *xml, GError **error)
{
  TessStreamManagement *management = tess_stream_get_management (self->session->stream);
  gint64                sequence = -1;
  Ready                 item = { message_id, NULL };

  if (management != NULL)
    sequence = (guint32) (tess_stream_management_get_sent (management) + ready->len + 1);
  if (!settle_place (self, message_id, error) ||
      !tess_store_set_tried (self->session->store, message_id, sequence, tess_session_now (self->session), error))
    return FALSE;
  item.xml = g_strdup (xml);
  g_array_append_val (ready, item);

  return TRUE;
}

static void
put_on_stream (TessOutbound *self, GArray *ready)
{
  for (guint i = 0; i < ready->len; i++)
    {
      const Ready *item = &g_array_index (ready, Ready, i);

      g_hash_table_add (self->in_flight, id_copy (item->message_id));
      tess_stream_send_xml (self->session->stream, item->xml, (guint64) item->message_id);
    }
}

/* Inside a transaction: the finished stanza goes to the outbox together with the ratchet that made it. */
static gboolean
finish (TessOutbound *self, const TessMessageRecord *message, TessJid *peer, gboolean encrypt, GArray *ready, GError **error)
{
  TessSession         *session = self->session;
  g_autoptr (TessNode) node = NULL;
  g_autofree char     *xml = NULL;
  TessTrust            trust = TESS_TRUST_UNDECIDED;

  if (encrypt)
    {
      TessNode *encrypted;
      gboolean  alarm = FALSE;
      gboolean  verified = FALSE;

      if (!tess_trust_look (session, peer, &alarm, &verified))
        {
          g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_STORE, "the devices cannot be read");
          return FALSE;
        }
      if (alarm)
        {
          g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_KEY_CHANGED, "a key changed");
          return FALSE;
        }
      trust = verified ? TESS_TRUST_VERIFIED : TESS_TRUST_BLIND;

      encrypted = tess_omemo_encrypt (session->omemo, &peer, 1, message->text, NULL, error);
      if (encrypted == NULL)
        return FALSE;
      node = build_encrypted (message, encrypted);
    }
  else
    {
      node = build_plain (message);
    }

  xml = tess_node_to_string (node, "jabber:client");
  if (!tess_store_set_sent_encryption (session->store, message->id,
                                       encrypt ? TESS_ENCRYPTION_OMEMO : TESS_ENCRYPTION_NONE,
                                       encrypt ? tess_omemo_get_device_id (session->omemo) : 0, trust,
                                       error) ||
      !tess_store_add_outbox (session->store, message->id, xml, error))
    return FALSE;

  return !self->online || make_ready (self, ready, message->id, xml, error);
}

static char *
reason_for (const GError *error, const char *peer)
{
  if (g_error_matches (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_KEY_CHANGED))
    return g_strdup_printf (_("A device of %s has another key than before. "
                              "Look at their devices before you write."),
                            peer);
  if (g_error_matches (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_NO_DEVICES))
    return g_strdup_printf (_("%s has no device that can read encrypted messages. "
                              "Ask them to turn on OMEMO, or turn encryption off for this chat."),
                            peer);
  if (g_error_matches (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_NEEDS_DECISION))
    return g_strdup_printf (_("No device of %s is trusted. Look at their devices, then try again."),
                            peer);
  return g_strdup (error->message);
}

/* In the transaction of its batch, a level of its own. FALSE: the database refused, and the batch is to be rolled back. */
static gboolean
finish_one (TessOutbound *self, const TessMessageRecord *message, TessJid *peer, gboolean encrypt, GArray *ready, GError **error)
{
  TessStore         *store = self->session->store;
  g_autoptr (GError) local_error = NULL;
  g_autofree char   *reason = NULL;

  if (!tess_store_begin (store, error))
    return FALSE;
  if (finish (self, message, peer, encrypt, ready, &local_error))
    return tess_store_commit (store, error);

  tess_store_rollback (store);
  if (local_error->domain == TESS_STORE_ERROR || g_error_matches (local_error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_STORE))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  reason = reason_for (local_error, message->peer);
  return tess_store_set_state (store, message->id, TESS_MESSAGE_FAILED, reason, NULL, error);
}

/* Some of the messages, in one transaction: what was encrypted is on the disk before any of it goes out.
 * Returns: FALSE when nothing more can be done now. */
static gboolean
finish_batch (TessOutbound *self, GPtrArray *messages, guint first, guint end, TessJid *peer, GArray *encrypt)
{
  TessStore         *store = self->session->store;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) ready = ready_new ();
  gboolean           done;

  done = tess_store_begin (store, &error);
  for (guint i = first; i < end && done; i++)
    done = finish_one (self, g_ptr_array_index (messages, i), peer, g_array_index (encrypt, gboolean, i), ready, &error);
  if (done)
    done = tess_store_commit (store, &error);
  else
    tess_store_rollback (store);
  /* Before anything else goes out: each is the stanza of the session that the database says. */
  if (done)
    put_on_stream (self, ready);
  tess_omemo_settle (self->session->omemo);
  if (!done)
    {
      tess_session_storage_failed (self->session, error);
      return FALSE;
    }

  for (guint i = first; i < end; i++)
    tess_outbound_announce (self, ((const TessMessageRecord *) g_ptr_array_index (messages, i))->id);
  return TRUE;
}

/* ---- The pump ---- */

typedef struct
{
  TessOutbound *outbound;
  char         *peer;
} Preparation;

/* What this message shall be: what the person saw when it was written, or what they decided since. */
static gboolean
wants_encryption (const TessMessageRecord *message, const TessConversationRecord *conversation)
{
  return message->encryption == TESS_ENCRYPTION_OMEMO ||
         conversation->encryption == TESS_CONVERSATION_ENCRYPTED;
}

static gboolean
flush_conversation (TessOutbound *self, const char *address)
{
  TessSession                       *session = self->session;
  g_autoptr (TessJid)                peer = tess_jid_new_bare (address, NULL);
  g_autoptr (GError)                 error = NULL;
  g_autoptr (TessConversationRecord) conversation = NULL;
  g_autoptr (GPtrArray)              messages = NULL;
  g_autoptr (GArray)                 encrypt = g_array_new (FALSE, FALSE, sizeof (gboolean));
  TessOmemoReady                     ready;

  conversation = tess_store_find_conversation (session->store, session->account->id, address, &error);
  if (error == NULL)
    messages = tess_store_list_unfinished (session->store, session->account->id, &error);
  if (messages == NULL)
    {
      tess_session_storage_failed (session, error);
      return FALSE;
    }
  if (conversation == NULL || peer == NULL)
    return TRUE;

  ready = tess_omemo_get_ready (session->omemo, peer);
  for (guint i = messages->len; i > 0; i--)
    if (g_strcmp0 (((const TessMessageRecord *) g_ptr_array_index (messages, i - 1))->peer, address) != 0)
      g_ptr_array_remove_index (messages, i - 1);
  for (guint i = 0; i < messages->len; i++)
    {
      gboolean wanted = wants_encryption (g_ptr_array_index (messages, i), conversation) ||
                        (conversation->encryption == TESS_CONVERSATION_AUTOMATIC && ready != TESS_OMEMO_READY_NO_DEVICES);

      g_array_append_val (encrypt, wanted);
    }
  for (guint i = 0; i < messages->len; i += BATCH)
    if (!finish_batch (self, messages, i, MIN (i + BATCH, messages->len), peer, encrypt))
      return FALSE;

  return TRUE;
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Preparation       *preparation = user_data;
  TessOutbound      *self = preparation->outbound;
  g_autofree char   *peer = preparation->peer;
  g_autoptr (GError) error = NULL;
  gboolean           prepared;

  g_free (preparation);
  if (g_cancellable_is_cancelled (g_task_get_cancellable (G_TASK (result))))
    return; /* the outbound is gone */

  prepared = tess_omemo_prepare_finish (self->session->omemo, result, &error);
  g_hash_table_remove (self->preparing, peer);
  if (!prepared)
    {
      g_debug ("The devices of a contact cannot be asked: %s", error->message);
      g_hash_table_add (self->blocked, g_steal_pointer (&peer));
      return;
    }

  if (self->online)
    flush_conversation (self, peer);
}

static void
prepare (TessOutbound *self, const char *address)
{
  g_autoptr (TessJid) peer = tess_jid_new_bare (address, NULL);
  Preparation        *preparation;

  if (peer == NULL || g_hash_table_contains (self->preparing, address) ||
      g_hash_table_contains (self->blocked, address))
    return;

  g_hash_table_add (self->preparing, g_strdup (address));
  preparation = g_new0 (Preparation, 1);
  preparation->outbound = self;
  preparation->peer = g_strdup (address);
  tess_omemo_prepare_async (self->session->omemo, &peer, 1, self->cancellable, prepared_cb, preparation);
}

void
tess_outbound_pump (TessOutbound *self)
{
  TessSession           *session = self->session;
  g_autoptr (GError)     error = NULL;
  g_autoptr (GPtrArray)  messages = NULL;
  g_autoptr (GHashTable) plain = NULL;

  if (!self->online)
    return;

  messages = tess_store_list_unfinished (session->store, session->account->id, &error);
  if (messages == NULL)
    {
      tess_session_storage_failed (session, error);
      return;
    }

  plain = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < messages->len; i++)
    {
      const TessMessageRecord           *message = g_ptr_array_index (messages, i);
      g_autoptr (TessConversationRecord) conversation = NULL;

      conversation = tess_store_find_conversation (session->store, session->account->id,
                                                   message->peer, NULL);
      if (conversation == NULL)
        continue;
      if (conversation->encryption == TESS_CONVERSATION_PLAIN &&
          message->encryption != TESS_ENCRYPTION_OMEMO)
        g_hash_table_add (plain, message->peer);
      else
        prepare (self, message->peer);
    }

  if (g_hash_table_size (plain) > 0)
    {
      GHashTableIter iter;
      gpointer       peer;

      g_hash_table_iter_init (&iter, plain);
      while (g_hash_table_iter_next (&iter, &peer, NULL))
        if (!g_hash_table_contains (self->preparing, peer) && !flush_conversation (self, peer))
          return;
    }
}

static gboolean
make_all_ready (TessOutbound *self, GPtrArray *items, GArray *ready, GError **error)
{
  TessStore *store = self->session->store;

  if (!tess_store_begin (store, error))
    return FALSE;
  for (guint i = 0; i < items->len; i++)
    {
      const TessOutboxItem *item = g_ptr_array_index (items, i);

      if (g_hash_table_contains (self->in_flight, &item->message_id))
        continue;
      if (!make_ready (self, ready, item->message_id, item->xml, error))
        {
          tess_store_rollback (store);
          return FALSE;
        }
    }
  return tess_store_commit (store, error);
}

static void
send_outbox (TessOutbound *self)
{
  g_autoptr (GError)    error = NULL;
  g_autoptr (GArray)    ready = ready_new ();
  g_autoptr (GPtrArray) items = NULL;

  if (!self->online)
    return;
  settle_acked (self);
  items = tess_store_list_outbox (self->session->store, self->session->account->id, &error);
  if (items == NULL)
    {
      tess_session_storage_failed (self->session, error);
      return;
    }

  if (!make_all_ready (self, items, ready, &error))
    {
      tess_session_storage_failed (self->session, error);
      return;
    }

  put_on_stream (self, ready);
  for (guint i = 0; i < ready->len; i++)
    tess_outbound_announce (self, g_array_index (ready, Ready, i).message_id);
}

void
tess_outbound_online (TessOutbound *self)
{
  self->online = TRUE;
  g_hash_table_remove_all (self->blocked);
  send_outbox (self);
  tess_outbound_pump (self);
}

typedef struct
{
  TessOutbound         *self;
  TessStreamManagement *management;
  gboolean              stored;
  GError              **error;
} Renumber;

static void
renumber_cb (guint32 sequence, guint64 tag, gpointer user_data)
{
  Renumber *renumber = user_data;
  gint64    message_id = (gint64) tag;

  g_hash_table_add (renumber->self->in_flight, id_copy (message_id));
  if (renumber->stored)
    renumber->stored = tess_store_set_tried (renumber->self->session->store, message_id, sequence, 1, renumber->error);
}

static gboolean
renumber_all (gpointer user_data, GError **error)
{
  Renumber *renumber = user_data;

  renumber->error = error;
  tess_stream_management_foreach_unacked (renumber->management, renumber_cb, renumber);
  return renumber->stored;
}

void
tess_outbound_resumed (TessOutbound *self, TessStreamManagement *management)
{
  g_autoptr (GError) error = NULL;
  Renumber           renumber = { self, management, TRUE, NULL };

  if (!tess_store_transact (self->session->store, renumber_all, &renumber, &error))
    tess_session_storage_failed (self->session, error);
}

gboolean
tess_outbound_has_in_flight (TessOutbound *self)
{
  return g_hash_table_size (self->in_flight) > 0;
}

void
tess_outbound_offline (TessOutbound *self)
{
  self->online = FALSE;
}

void
tess_outbound_session_lost (TessOutbound *self)
{
  settle_acked (self);
  g_hash_table_remove_all (self->in_flight);
}

/* ---- What a person does ---- */

static TessMessageRecord *
new_message (TessOutbound *self, const TessConversationRecord *conversation, const char *text)
{
  TessMessageRecord *message = tess_message_record_new ();

  message->account_id = conversation->account_id;
  message->conversation_id = conversation->id;
  message->peer = g_strdup (conversation->peer);
  message->from = g_strdup (self->session->account->address);
  message->direction = TESS_MESSAGE_OUT;
  message->state = TESS_MESSAGE_WAITING;
  message->stanza_id = tess_id_new ();
  message->text = g_strdup (text);
  message->time_us = tess_session_now (self->session);
  /* What the composer promised: once it said "encrypted", the message never goes out in plain by itself. */
  if (tess_trust_get_security (self->session, conversation) != TESS_SECURITY_PLAIN)
    {
      message->encryption = TESS_ENCRYPTION_OMEMO;
      message->device = tess_omemo_get_device_id (self->session->omemo);
    }
  /* A clock that was set back must not put a new message above one that was answered. */
  if (conversation->last != NULL && message->time_us <= conversation->last->time_us)
    message->time_us = conversation->last->time_us + 1;

  return message;
}

TessMessageRecord *
tess_outbound_send (TessOutbound                 *self,
                    const TessConversationRecord *conversation,
                    const char                   *text,
                    GError                      **error)
{
  g_autoptr (TessMessageRecord) message = new_message (self, conversation, text);
  TessStore                    *store = self->session->store;

  if (!tess_store_begin (store, error))
    return NULL;
  if (!tess_store_add_message (store, message, error) ||
      !tess_store_mark_read (store, conversation->id, message->time_us, message->id, NULL, error))
    {
      tess_store_rollback (store);
      return NULL;
    }
  if (!tess_store_commit (store, error))
    return NULL;

  tess_outbound_announce (self, message->id);
  tess_outbound_pump (self);
  return tess_store_get_message (store, message->id, error);
}

/* Who turned encryption off and then tries again means it. */
static gboolean
renew_intent (TessOutbound *self, gint64 message_id, GError **error)
{
  g_autoptr (TessMessageRecord)      message = NULL;
  g_autoptr (TessConversationRecord) conversation = NULL;

  message = tess_store_get_message (self->session->store, message_id, error);
  if (message == NULL || message->state != TESS_MESSAGE_FAILED)
    return FALSE;
  conversation = tess_store_get_conversation (self->session->store, message->conversation_id, error);
  if (conversation == NULL)
    return FALSE;
  if (conversation->encryption != TESS_CONVERSATION_PLAIN || message->encryption == TESS_ENCRYPTION_NONE)
    return TRUE;

  return tess_store_set_sent_encryption (self->session->store, message_id, TESS_ENCRYPTION_NONE, 0,
                                         TESS_TRUST_UNDECIDED, error);
}

gboolean
tess_outbound_retry (TessOutbound *self, gint64 message_id, GError **error)
{
  gboolean changed = FALSE;

  if (!renew_intent (self, message_id, error) ||
      !tess_store_set_state (self->session->store, message_id, TESS_MESSAGE_WAITING, NULL, &changed, error))
    return FALSE;
  if (changed)
    tess_outbound_announce (self, message_id);
  send_outbox (self);
  tess_outbound_pump (self);

  return TRUE;
}

TessOutbound *
tess_outbound_new (TessSession *session)
{
  TessOutbound *self = g_new0 (TessOutbound, 1);

  self->session = session;
  self->cancellable = g_cancellable_new ();
  self->acked = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->in_flight = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->preparing = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->blocked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  return self;
}

void
tess_outbound_free (TessOutbound *self)
{
  if (self == NULL)
    return;

  settle_acked (self);
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_array_unref (self->acked);
  g_hash_table_unref (self->in_flight);
  g_hash_table_unref (self->preparing);
  g_hash_table_unref (self->blocked);
  g_free (self);
}
