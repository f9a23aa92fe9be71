/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-outbound.h"

#include "base/tess-id.h"
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

struct _TessOutbound
{
  TessSession  *session;
  GCancellable *cancellable;
  gboolean      online;
  GHashTable   *in_flight; /* message ids on this stream-management session */
  GHashTable   *preparing; /* peers whose devices are being asked */
  GHashTable   *blocked;   /* peers that could not be asked on this stream */
};

static gint64 *
id_copy (gint64 id)
{
  return g_memdup2 (&id, sizeof id);
}

static void
announce (TessOutbound *self, gint64 message_id)
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
    announce (self, message_id);

  return TRUE;
}

void
tess_outbound_acked (TessOutbound *self, gint64 message_id)
{
  TessStore         *store = self->session->store;
  g_autoptr (GError) error = NULL;
  gboolean           changed = FALSE;

  g_hash_table_remove (self->in_flight, &message_id);

  if (!tess_store_begin (store, &error))
    {
      tess_session_storage_failed (self->session, error);
      return;
    }
  if (!tess_store_remove_outbox (store, message_id, &error) ||
      !tess_store_set_state (store, message_id, TESS_MESSAGE_SENT, NULL, &changed, &error))
    {
      tess_store_rollback (store);
      tess_session_storage_failed (self->session, error);
      return;
    }
  if (!tess_store_commit (store, &error))
    tess_session_storage_failed (self->session, error);
  else if (changed)
    announce (self, message_id);
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

static void
put_on_stream (TessOutbound *self, gint64 message_id, const char *xml)
{
  if (!self->online || g_hash_table_contains (self->in_flight, &message_id))
    return;

  g_hash_table_add (self->in_flight, id_copy (message_id));
  tess_stream_send_xml (self->session->stream, xml, (guint64) message_id);
}

/* Inside a transaction: the finished stanza goes to the outbox together with the ratchet that made it.
 * Returns: (transfer full) (nullable): it, as the outbox has it. */
static char *
finish (TessOutbound *self, const TessMessageRecord *message, TessJid *peer, gboolean encrypt, GError **error)
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
          return NULL;
        }
      if (alarm)
        {
          g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_KEY_CHANGED, "a key changed");
          return NULL;
        }
      trust = verified ? TESS_TRUST_VERIFIED : TESS_TRUST_BLIND;

      encrypted = tess_omemo_encrypt (session->omemo, &peer, 1, message->text, NULL, error);
      if (encrypted == NULL)
        return NULL;
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
    return NULL;

  return g_steal_pointer (&xml);
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

/* Returns: FALSE when nothing more can be done now. */
static gboolean
finish_and_send (TessOutbound *self, const TessMessageRecord *message, TessJid *peer, gboolean encrypt)
{
  TessStore         *store = self->session->store;
  g_autoptr (GError) error = NULL;
  g_autofree char   *xml = NULL;

  if (!tess_store_begin (store, &error))
    {
      tess_session_storage_failed (self->session, error);
      return FALSE;
    }
  xml = finish (self, message, peer, encrypt, &error);
  if (xml == NULL)
    {
      g_autofree char *reason = reason_for (error, message->peer);

      tess_store_rollback (store);
      tess_omemo_settle (self->session->omemo);
      if (error->domain == TESS_STORE_ERROR ||
          g_error_matches (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_STORE))
        {
          tess_session_storage_failed (self->session, error);
          return FALSE;
        }
      return tess_outbound_set_state (self, message->id, TESS_MESSAGE_FAILED, reason);
    }
  if (!tess_store_commit (store, &error))
    {
      tess_session_storage_failed (self->session, error);
      return FALSE;
    }

  tess_omemo_settle (self->session->omemo);
  announce (self, message->id);
  put_on_stream (self, message->id, xml);

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
  for (guint i = 0; i < messages->len; i++)
    {
      const TessMessageRecord *message = g_ptr_array_index (messages, i);
      gboolean                 encrypt;

      if (g_strcmp0 (message->peer, address) != 0)
        continue;
      encrypt = wants_encryption (message, conversation) ||
                (conversation->encryption == TESS_CONVERSATION_AUTOMATIC &&
                 ready != TESS_OMEMO_READY_NO_DEVICES);
      if (!finish_and_send (self, message, peer, encrypt))
        return FALSE;
    }

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

static void
send_outbox (TessOutbound *self)
{
  g_autoptr (GError)    error = NULL;
  g_autoptr (GPtrArray) items = NULL;

  items = tess_store_list_outbox (self->session->store, self->session->account->id, &error);
  if (items == NULL)
    {
      tess_session_storage_failed (self->session, error);
      return;
    }

  for (guint i = 0; i < items->len; i++)
    {
      const TessOutboxItem *item = g_ptr_array_index (items, i);

      put_on_stream (self, item->message_id, item->xml);
    }
}

void
tess_outbound_online (TessOutbound *self, gboolean resumed)
{
  self->online = TRUE;
  g_hash_table_remove_all (self->blocked);
  if (!resumed)
    g_hash_table_remove_all (self->in_flight);
  send_outbox (self);
  tess_outbound_pump (self);
}

void
tess_outbound_offline (TessOutbound *self)
{
  self->online = FALSE;
}

void
tess_outbound_session_lost (TessOutbound *self)
{
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
  message->time_us = g_get_real_time ();
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

  announce (self, message->id);
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
    announce (self, message_id);
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

  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_hash_table_unref (self->in_flight);
  g_hash_table_unref (self->preparing);
  g_hash_table_unref (self->blocked);
  g_free (self);
}
