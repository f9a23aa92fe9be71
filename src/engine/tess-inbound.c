/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-inbound-private.h"

#include "engine/tess-catch-up.h"
#include "engine/tess-device-names.h"
#include "engine/tess-outbound.h"
#include "engine/tess-reading.h"
#include "xmpp/xep/tess-xep-carbons.h"
#include "xmpp/xep/tess-xep-chat-states.h"
#include "xmpp/xep/tess-xep-delay.h"
#include "xmpp/xep/tess-xep-markers.h"
#include "xmpp/xep/tess-xep-receipts.h"
#include "xmpp/xep/tess-xep-sid.h"
#include "xmpp/xep/tess-xep-stanza-error.h"
#include "xmpp/xep/tess-xep-text.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_TEXT_BYTES (64 * 1024)

#define MAX_SAME_ID 100 /* of the messages under one stanza id so many are looked at for a copy, the last first */

static TessJid *
get_peer (const TessInbound *in)
{
  return tess_jid_get_bare (in->outgoing ? in->to : in->from);
}

static const char *
get_peer_string (const TessInbound *in)
{
  return tess_jid_to_bare_string (get_peer (in));
}

static const char *
get_id (const TessInbound *in)
{
  const char *id = tess_node_get (in->message, "id");

  return tess_xep_text_is_id (id) ? id : NULL;
}

/* ---- What is said about messages of ours ---- */

static gboolean
is_one_of (const char *condition, const char *const *names)
{
  return condition != NULL && g_strv_contains (names, condition);
}

/* What happened and what to do, for the conditions of RFC 6120 section 8.3.3 that a person meets. */
static char *
reason_undelivered (const TessStanzaError *error, const char *peer)
{
  static const char *const nobody[] = { "service-unavailable", "item-not-found", "gone", "recipient-unavailable",
                                        "jid-malformed", NULL };
  static const char *const no_server[] = { "remote-server-not-found", NULL };
  static const char *const later[] = { "remote-server-timeout", "resource-constraint", "internal-server-error",
                                       NULL };
  static const char *const unwanted[] = { "forbidden", "not-allowed", "not-acceptable", "policy-violation",
                                          "subscription-required", "not-authorized", NULL };
  const char *condition = error != NULL ? error->condition : NULL;

  if (is_one_of (condition, nobody))
    return g_strdup_printf (_("It could not be delivered: there is nobody at %s, or they take no messages. "
                              "Check the address."),
                            peer);
  if (is_one_of (condition, no_server))
    return g_strdup_printf (_("It could not be delivered: the server of %s cannot be found. "
                              "Check the part after the @."),
                            peer);
  if (is_one_of (condition, later))
    return g_strdup_printf (_("It could not be delivered: the server of %s does not take it now. Try again later."),
                            peer);
  if (is_one_of (condition, unwanted))
    return g_strdup_printf (_("It could not be delivered: %s, or a server on the way, does not allow it."), peer);
  if (error != NULL && error->text != NULL)
    return g_strdup_printf (_("It could not be delivered. The server says: %s"), error->text);
  return g_strdup (_("It could not be delivered. Try again later."));
}

static gboolean
take_error (TessSession *session, const TessInbound *in)
{
  g_autoptr (TessStanzaError)   stanza_error = tess_xep_stanza_error_parse (in->message);
  g_autoptr (TessMessageRecord) message = NULL;
  g_autoptr (GError)            error = NULL;
  g_autofree char              *reason = NULL;
  const char                   *id = get_id (in);

  if (id == NULL || in->outgoing)
    return TRUE;

  message = tess_store_find_own (session->store, session->account->id,
                                 tess_jid_to_bare_string (in->from), id, &error);
  if (error != NULL)
    {
      tess_session_storage_failed (session, error);
      return FALSE;
    }
  if (message == NULL)
    return TRUE;

  reason = reason_undelivered (stanza_error, message->peer);
  return tess_outbound_set_state (session->outbound, message->id, TESS_MESSAGE_FAILED, reason);
}

/* Receipts and markers count only from the recipient of the message that they name (attacks row C11). */
static gboolean
take_progress (TessSession *session, const TessInbound *in, const char *id, TessMessageState state)
{
  g_autoptr (TessMessageRecord) message = NULL;
  g_autoptr (GError)            error = NULL;

  if (!tess_xep_text_is_id (id))
    return TRUE;
  message = tess_store_find_own (session->store, session->account->id,
                                 tess_jid_to_bare_string (in->from), id, &error);
  if (error != NULL)
    {
      tess_session_storage_failed (session, error);
      return FALSE;
    }

  return message == NULL ||
         tess_outbound_set_state (session->outbound, message->id, state, NULL);
}

static gboolean
take_receipts (TessSession *session, const TessInbound *in)
{
  const char *receipt = tess_xep_receipts_get_received (in->message);
  const char *marked = NULL;
  TessMarker  marker = tess_xep_markers_get (in->message, &marked);

  if (marker == TESS_MARKER_DISPLAYED || marker == TESS_MARKER_ACKNOWLEDGED)
    {
      if (!tess_reading_take_marker (session->reading, in, marked))
        return FALSE;
    }
  if (in->outgoing)
    return TRUE;
  if (receipt != NULL && !take_progress (session, in, receipt, TESS_MESSAGE_DELIVERED))
    return FALSE;
  if (marker == TESS_MARKER_RECEIVED)
    return take_progress (session, in, marked, TESS_MESSAGE_DELIVERED);

  return TRUE;
}

static void
take_chat_state (TessSession *session, const TessInbound *in)
{
  TessChatState state = tess_xep_chat_states_get (in->message);
  TessEvent    *event;

  /* A stranger who only types is nobody to hear of. */
  if (state == TESS_CHAT_STATE_NONE || in->outgoing || in->source == TESS_INBOUND_ARCHIVE ||
      !tess_session_may_answer (session, in->from))
    return;

  event = tess_event_new (TESS_EVENT_CHAT_STATE, session->account->id);
  event->address = g_strdup (tess_jid_to_bare_string (in->from));
  event->typing = state == TESS_CHAT_STATE_COMPOSING;
  tess_event_queue_add (session->events, event);
}

static void
send_receipt (TessSession *session, const TessInbound *in)
{
  const char *id = tess_xep_receipts_get_requested (in->message);
  const char *type = tess_node_get (in->message, "type");

  if (!session->account->send_receipts)
    return;
  if (id == NULL || in->outgoing || in->source != TESS_INBOUND_LIVE ||
      !tess_session_may_answer (session, in->from))
    return;

  tess_session_send (session, tess_xep_receipts_build (in->from, type, id));
}

/* ---- Messages ---- */

static TessMessageRecord *
new_record (TessSession *session, const TessInbound *in)
{
  TessMessageRecord *record = tess_message_record_new ();

  record->account_id = session->account->id;
  record->peer = g_strdup (get_peer_string (in));
  record->from = g_strdup (tess_jid_to_bare_string (in->from));
  record->direction = in->outgoing ? TESS_MESSAGE_OUT : TESS_MESSAGE_IN;
  record->state = in->outgoing ? TESS_MESSAGE_SENT : TESS_MESSAGE_RECEIVED;
  record->stanza_id = g_strdup (get_id (in));
  record->archive_id = g_strdup (in->archive_id);
  record->time_us = in->time_us;
  record->receipt_wanted = tess_xep_receipts_get_requested (in->message) != NULL ||
                           tess_xep_markers_get (in->message, NULL) == TESS_MARKER_MARKABLE;

  return record;
}

/* In the transaction; what was not committed is taken back by whoever began it. What came live is not asked for again, neither of the
 * archive nor of the stream. For a page of the archive all that is written once, at its end. */
static gboolean
move_cursor (TessSession *session, const TessInbound *in, gint64 time_us, GError **error)
{
  if (in->source == TESS_INBOUND_ARCHIVE)
    return TRUE;
  if (!tess_session_count (session, TRUE, error))
    return FALSE;
  if (in->archive_id == NULL || !tess_catch_up_may_move_cursor (session->catch_up))
    return TRUE;
  if (tess_outbound_has_in_flight (session->outbound) && !tess_catch_up_crossed (session->catch_up, error))
    return FALSE;

  g_free (session->account->archive_id);
  session->account->archive_id = g_strdup (in->archive_id);
  session->account->archive_us = MAX (session->account->archive_us, time_us);
  return tess_store_update_account (session->store, session->account, error);
}

/* In the transaction. Our server stamps what it kept for us while we were away (XEP-0160, XEP-0198), and a sender can write the same
 * stamp into any message: no server takes it off (attacks row C14). A server hands out what it kept in its order, so nothing that comes
 * live is older than the newest message that we have of anybody; and nothing is put above what stands in its conversation already,
 * where it would hide as read. Within that a stamp of our server is believed.
 *
 * Out of the archive it has its place already. */
static gboolean
settle_time (TessSession *session, const TessInbound *in, TessMessageRecord *record, gint64 last_us, GError **error)
{
  gint64 now = tess_session_now (session);
  gint64 newest = 0;

  if (in->source == TESS_INBOUND_ARCHIVE)
    {
      record->time_us = in->place_us;
      return TRUE;
    }
  if (in->stamped)
    {
      if (!tess_store_get_newest_time (session->store, session->account->id, &newest, error))
        return FALSE;
      record->time_us = MAX (record->time_us, MIN (newest, now));
    }
  if (last_us != TESS_INBOUND_NO_TIME && record->time_us <= last_us)
    record->time_us = last_us + 1;
  /* What is missing of its conversation is yet to come, below this. */
  if (tess_catch_up_may_move_cursor (session->catch_up))
    record->time_us = MAX (record->time_us, tess_catch_up_get_known_us (session->catch_up) + 1);
  return TRUE;
}

/* (transfer full) (nullable) */
static TessInboundPlace *
find_place (TessSession *session, const char *peer, GError **error)
{
  g_autoptr (TessConversationRecord) conversation = NULL;
  TessInboundPlace                             *place;

  conversation = tess_store_open_conversation (session->store, session->account->id, peer, NULL, error);
  if (conversation == NULL)
    return NULL;

  place = g_new0 (TessInboundPlace, 1);
  place->id = conversation->id;
  place->encryption = conversation->encryption;
  place->last_us = conversation->last != NULL ? conversation->last->time_us : TESS_INBOUND_NO_TIME;
  return place;
}

/* What was added to the conversation during a page is counted at once. */
gboolean
tess_inbound_count_unread (TessSession *session, TessInboundPlace *place, GError **error)
{
  gint64 first = place->uncounted;

  place->uncounted = 0;
  return first == 0 || tess_store_count_unread (session->store, place->id, first, error);
}

static gboolean
add_row (TessSession *session, const TessInbound *in, TessMessageRecord *record, TessInboundPlace *place, gboolean alone, GError **error)
{
  if (in->places == NULL)
    return tess_store_add_message (session->store, record, error);
  if (!tess_store_insert_message (session->store, record, alone, error))
    return FALSE;
  place->rows++;
  if (in->history && record->time_us >= place->past_us)
    {
      place->past_us = record->time_us;
      place->past_id = record->id;
    }
  else if (!in->history && !in->outgoing && place->uncounted == 0)
    {
      place->uncounted = record->id;
    }

  return TRUE;
}

static gboolean
write_at_place (TessSession *session, const TessInbound *in, TessMessageRecord *record, TessInboundPlace *place, GError **error)
{
  /* Somebody who writes encrypted can read what is encrypted. */
  gboolean encrypts = record->encryption == TESS_ENCRYPTION_OMEMO && place->encryption == TESS_CONVERSATION_AUTOMATIC;

  record->conversation_id = place->id;
  if (!settle_time (session, in, record, place->last_us, error) ||
      !add_row (session, in, record, place, !in->outgoing && !encrypts, error))
    return FALSE;

  /* What was answered or written on another device has been read there. */
  if (in->outgoing && (!tess_inbound_count_unread (session, place, error) ||
                       !tess_store_mark_read_elsewhere (session->store, place->id, record->time_us, record->id, NULL, error)))
    return FALSE;
  if (encrypts && !tess_store_set_encryption (session->store, place->id, TESS_CONVERSATION_ENCRYPTED, error))
    return FALSE;

  place->last_us = MAX (place->last_us, record->time_us);
  if (encrypts)
    place->encryption = TESS_CONVERSATION_ENCRYPTED;
  return TRUE;
}

static gboolean
add_at_place (TessSession *session, const TessInbound *in, TessMessageRecord *record, TessInboundPlace *place, GError **error)
{
  gint64 uncounted = place->uncounted;

  if (write_at_place (session, in, record, place, error))
    return TRUE;

  /* What was written is rolled back; what stands before it is still to be counted. */
  place->uncounted = uncounted;
  return FALSE;
}

/* In the transaction; sets the ids of @record. A page ends with the first message that is refused: what @places says stays true. */
static gboolean
add_record (TessSession *session, const TessInbound *in, TessMessageRecord *record, GError **error)
{
  TessInboundPlace   *place = in->places != NULL ? g_hash_table_lookup (in->places, record->peer) : NULL;
  gboolean added;

  if (place != NULL)
    return add_at_place (session, in, record, place, error);

  place = find_place (session, record->peer, error);
  if (place == NULL)
    return FALSE;
  added = add_at_place (session, in, record, place, error);
  if (in->places != NULL)
    g_hash_table_insert (in->places, g_strdup (record->peer), place);
  else
    g_free (place);

  return added;
}

static void
announce (TessSession *session, const TessInbound *in, TessMessageRecord *record)
{
  gboolean live = !in->outgoing && !in->history && record->encryption != TESS_ENCRYPTION_UNREADABLE;

  tess_reading_hear (session->reading, record);
  tess_event_queue_touch_conversation (session->events, session->account->id, record->peer);
  tess_event_queue_add_message (session->events, record, live);
}

static char *
reason_unreadable (const GError *error)
{
  switch (error->code)
    {
    case TESS_OMEMO_ERROR_NOT_FOR_US:
      return g_strdup (_("It was not encrypted for this device."));
    case TESS_OMEMO_ERROR_KEY_CHANGED:
      return g_strdup (_("It came with another key than the one that is known for this device. "
                         "Compare the fingerprints before you trust it."));
    case TESS_OMEMO_ERROR_FOREIGN_KEY:
      return g_strdup (_("It came with the key of somebody else's device: perhaps they wrote it, and it was passed on. "
                         "Ask who wrote it by other means."));
    case TESS_OMEMO_ERROR_NO_SESSION:
      return g_strdup (_("There was no session for it. A new one has been started; "
                         "ask for it to be sent again."));
    case TESS_OMEMO_ERROR_MALFORMED:
      return g_strdup (_("Its encryption is malformed."));
    default:
      return g_strdup (_("It could not be decrypted. Ask for it to be sent again."));
    }
}

static gboolean
is_copy (const TessMessageRecord *one, const TessMessageRecord *other)
{
  if (one->direction != other->direction || one->encryption != other->encryption)
    return FALSE;
  if (one->encryption == TESS_ENCRYPTION_UNREADABLE)
    return (one->archive_id == NULL || other->archive_id == NULL) && g_strcmp0 (one->from, other->from) == 0;
  return one->device == other->device && g_strcmp0 (one->text, other->text) == 0;
}

/* In the transaction. One and the same letter is known by its ratchet when it comes again, where it can be read. Two things are not:
 * what cannot be read comes live without the archive's id and then out of the archive; and who never saw that the server took a message
 * (Dino) encrypts it anew under its old id. Here alone the sender's own id counts: all that he can hide by it is that another message of
 * his cannot be read, or that he said the same again. @copy: (out) (nullable) (transfer full). */
static gboolean
find_copy (TessSession *session, const TessMessageRecord *record, TessMessageRecord **copy, GError **error)
{
  g_autoptr (GPtrArray) same = NULL;

  *copy = NULL;
  if (record->stanza_id == NULL)
    return TRUE;
  same = tess_store_list_by_stanza_id (session->store, session->account->id, record->peer, record->stanza_id, MAX_SAME_ID, error);
  if (same == NULL)
    return FALSE;
  for (guint i = 0; i < same->len && *copy == NULL; i++)
    if (is_copy (g_ptr_array_index (same, i), record))
      *copy = tess_message_record_copy (g_ptr_array_index (same, i));
  return TRUE;
}

/* In the transaction: an encrypted message that is there already is not stored again. */
static gboolean
pass_over_copy (TessSession *session, TessMessageRecord *record, GError **error)
{
  g_autoptr (TessMessageRecord) copy = NULL;

  if (!find_copy (session, record, &copy, error))
    return FALSE;
  if (copy == NULL)
    return TRUE;
  record->encryption = TESS_ENCRYPTION_NONE;
  return copy->archive_id != NULL || record->archive_id == NULL ||
         tess_store_set_archive_id (session->store, copy->id, record->archive_id, error);
}

typedef enum
{
  TAKEN_STORED,  /* *record is to be announced */
  TAKEN_NOTHING, /* nothing for a person to see */
  TAKEN_FAILED,  /* the database */
} Taken;

/* Never amid a letter. */
static char *
clip_text (const char *text)
{
  const char *end = NULL;

  g_utf8_validate_len (text, MIN (strlen (text), MAX_TEXT_BYTES), &end);
  return g_strndup (text, end - text);
}

static gboolean
may_be_read_later (const GError *error)
{
  return g_error_matches (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_NO_SESSION) ||
         g_error_matches (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_UNDECRYPTABLE);
}

/* In the transaction. A ratchet that was turned on by more than it keeps keys for, or one whose beginning is still in the archive. */
static gboolean
hold (TessSession *session, const TessInbound *in, TessMessageRecord *record, GError **error)
{
  g_autofree char *xml = tess_node_to_string (in->message, "jabber:client");

  return tess_store_hold (session->store, session->account->id, in->archive_id,
                          in->source == TESS_INBOUND_ARCHIVE ? in->place_us : in->time_us, xml, error);
}

/* In a transaction of its own, so that a failed decryption leaves nothing behind. */
static Taken
take_encrypted (TessSession *session, const TessInbound *in, const TessNode *encrypted,
                TessMessageRecord *record, GError **error)
{
  TessStore         *store = session->store;
  g_autoptr (GError) omemo_error = NULL;
  TessOmemoPlain     plain = { 0 };
  gboolean           shows = tess_node_child (encrypted, "payload", NULL) != NULL;
  gboolean           decrypted;
  gboolean           held = FALSE;
  guint32            sender;

  tess_omemo_db_mark (session->omemo_db);
  tess_omemo_set_deferring (session->omemo, in->hold);
  if (!tess_store_begin (store, error))
    return TAKEN_FAILED;

  decrypted = tess_omemo_decrypt (session->omemo, tess_jid_get_bare (in->from), encrypted, in->time_us,
                                  &plain, &omemo_error);
  if (!decrypted)
    {
      tess_store_rollback (store);
      tess_omemo_db_revert (session->omemo_db);
      if (g_error_matches (omemo_error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_STORE) ||
          omemo_error->domain != TESS_OMEMO_ERROR)
        {
          g_propagate_error (error, g_steal_pointer (&omemo_error));
          return TAKEN_FAILED;
        }
      if (in->hold && may_be_read_later (omemo_error))
        {
          record->encryption = TESS_ENCRYPTION_NONE;
          held = TRUE;
        }
      else if (!shows || g_error_matches (omemo_error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_DUPLICATE) ||
          (in->history && g_error_matches (omemo_error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_NOT_FOR_US)))
        record->encryption = TESS_ENCRYPTION_NONE;
      else
        {
          record->encryption = TESS_ENCRYPTION_UNREADABLE;
          record->error = reason_unreadable (omemo_error);
        }
      if (!tess_store_begin (store, error))
        return TAKEN_FAILED;
    }
  else if (plain.text != NULL)
    {
      record->encryption = TESS_ENCRYPTION_OMEMO;
      record->text = clip_text (plain.text);
      record->device = plain.device;
      record->trust = (TessTrust) plain.trust;
    }
  sender = plain.device;
  tess_omemo_plain_clear (&plain);

  if ((record->encryption != TESS_ENCRYPTION_NONE && !pass_over_copy (session, record, error)) ||
      (record->encryption != TESS_ENCRYPTION_NONE && !add_record (session, in, record, error)) ||
      (held && !hold (session, in, record, error)) || !move_cursor (session, in, record->time_us, error))
    {
      tess_store_rollback (store);
      tess_omemo_db_revert (session->omemo_db);
      return TAKEN_FAILED;
    }
  if (!tess_store_commit (store, error))
    return TAKEN_FAILED;
  if (decrypted && !in->history)
    tess_device_names_hear (session, in->from, sender);

  return record->encryption != TESS_ENCRYPTION_NONE ? TAKEN_STORED : TAKEN_NOTHING;
}

static Taken
take_plain (TessSession *session, const TessInbound *in, TessMessageRecord *record, GError **error)
{
  const char *body = tess_node_child_text (in->message, "body", "jabber:client");

  if (!tess_store_begin (session->store, error))
    return TAKEN_FAILED;

  if (body != NULL && *body != '\0')
    record->text = clip_text (body);
  if ((record->text != NULL && !add_record (session, in, record, error)) ||
      !move_cursor (session, in, record->time_us, error))
    {
      tess_store_rollback (session->store);
      return TAKEN_FAILED;
    }
  if (!tess_store_commit (session->store, error))
    return TAKEN_FAILED;

  return record->text != NULL ? TAKEN_STORED : TAKEN_NOTHING;
}

/**
 * Whether the message is one that is stored already: by the archive's id, or because this device sent it and now meets it in the
 * archive. Never by an id that the other side chose (attacks row C7).
 */
static gboolean
is_known (TessSession *session, const TessInbound *in, GError **error)
{
  g_autoptr (TessMessageRecord) known = NULL;
  g_autoptr (GError)            local_error = NULL;
  const char                   *id = get_id (in);

  if (in->archive_id != NULL &&
      tess_store_has_archived (session->store, session->account->id, in->archive_id, &local_error))
    return TRUE;
  if (local_error == NULL && in->outgoing && id != NULL)
    {
      known = tess_store_find_own (session->store, session->account->id, get_peer_string (in), id,
                                   &local_error);
      /* Another of our devices may use an id twice. */
      if (known != NULL && known->archive_id != NULL && in->archive_id != NULL)
        g_clear_pointer (&known, tess_message_record_free);
      if (known != NULL && in->archive_id != NULL)
        tess_store_set_archive_id (session->store, known->id, in->archive_id, &local_error);
      if (known != NULL && local_error == NULL)
        tess_outbound_acked (session->outbound, known->id);
    }
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  return known != NULL;
}

/* It may be an old one that comes again: the place in the archive stays where it is. */
static gboolean
skip_known (TessSession *session, GError **error)
{
  if (!tess_store_begin (session->store, error))
    return FALSE;
  if (!tess_session_count (session, TRUE, error))
    {
      tess_store_rollback (session->store);
      return FALSE;
    }
  return tess_store_commit (session->store, error);
}

/* Nothing of a stanza was kept: the archive is asked for it from where the database stands. @place: (transfer full) */
void
tess_inbound_refuse (TessSession *session, char *place, gint64 place_us, const GError *error)
{
  g_free (session->account->archive_id);
  session->account->archive_id = place;
  session->account->archive_us = place_us;
  tess_session_storage_failed (session, error);
}

static gboolean
take_content (TessSession *session, const TessInbound *in)
{
  const TessNode               *encrypted = tess_omemo_find_encrypted (in->message);
  g_autoptr (TessMessageRecord) record = new_record (session, in);
  g_autofree char              *place = g_strdup (session->account->archive_id);
  gint64                        place_us = session->account->archive_us;
  g_autoptr (GError)            error = NULL;
  Taken                         taken;

  if (in->source != TESS_INBOUND_ARCHIVE && is_known (session, in, &error))
    {
      if (skip_known (session, &error))
        {
          send_receipt (session, in);
          return TRUE;
        }
    }
  if (error != NULL)
    {
      tess_inbound_refuse (session, g_steal_pointer (&place), place_us, error);
      return FALSE;
    }

  /* The decrypted text wins over a body that stands beside it (attacks row D10). */
  taken = encrypted != NULL ? take_encrypted (session, in, encrypted, record, &error)
                            : take_plain (session, in, record, &error);
  if (taken == TAKEN_FAILED)
    {
      tess_inbound_refuse (session, g_steal_pointer (&place), place_us, error);
      return FALSE;
    }

  if (taken == TAKEN_STORED)
    session->refused = FALSE;
  if (encrypted != NULL && in->source != TESS_INBOUND_ARCHIVE)
    tess_omemo_settle (session->omemo);
  if (taken == TAKEN_STORED)
    announce (session, in, g_steal_pointer (&record));
  if (in->places == NULL && !tess_reading_settle (session->reading, &error))
    {
      tess_session_storage_failed (session, error);
      return FALSE;
    }
  send_receipt (session, in);

  return TRUE;
}

gboolean
tess_inbound_take (TessSession *session, const TessInbound *in)
{
  const char *type = tess_node_get (in->message, "type");

  /* Rooms are not joined yet; a headline is nothing that is kept. */
  if (g_strcmp0 (type, "groupchat") == 0 || g_strcmp0 (type, "headline") == 0)
    return TRUE;
  if (g_strcmp0 (type, "error") == 0)
    return in->source == TESS_INBOUND_ARCHIVE || take_error (session, in);

  take_chat_state (session, in);
  return take_receipts (session, in) && take_content (session, in);
}

/* ---- The ways in ---- */

/* Fills from and to of a message out of its wrapper, whose sender was checked. */
gboolean
tess_inbound_fill_addresses (TessSession *session, TessInbound *in, TessJid **from, TessJid **to)
{
  const char *from_text = tess_node_get (in->message, "from");
  const char *to_text = tess_node_get (in->message, "to");

  *from = from_text != NULL ? tess_router_prepare (session->router, from_text) : tess_jid_ref (session->jid);
  *to = to_text != NULL ? tess_router_prepare (session->router, to_text) : tess_jid_ref (session->jid);
  if (*from == NULL || *to == NULL)
    return FALSE;

  in->from = *from;
  in->to = *to;
  in->outgoing = tess_jid_bare_equal (*from, session->jid);
  return in->outgoing || tess_jid_bare_equal (*to, session->jid);
}

static gboolean
message_cb (const TessStanza *stanza, gpointer user_data)
{
  TessSession        *session = user_data;
  gint64              now = tess_session_now (session);
  g_autoptr (TessJid) from = NULL;
  g_autoptr (TessJid) to = NULL;
  const TessNode     *inner = NULL;
  TessInbound         in = { .message = stanza->node, .source = TESS_INBOUND_LIVE, .time_us = now,
                              .hold = tess_catch_up_has_gaps (session->catch_up) };

  switch (tess_xep_carbons_unwrap (session->router, stanza, now, &inner, &in.time_us))
    {
    case TESS_CARBON_FORGED:
      return TRUE;
    case TESS_CARBON_RECEIVED:
    case TESS_CARBON_SENT:
      in.source = TESS_INBOUND_CARBON;
      in.message = inner;
      if (in.time_us == 0)
        in.time_us = now;
      if (!tess_inbound_fill_addresses (session, &in, &from, &to))
        return TRUE;
      break;
    case TESS_CARBON_NONE:
    default:
      in.time_us = now;
      in.from = stanza->from;
      in.to = stanza->to != NULL ? stanza->to : session->jid;
      in.outgoing = FALSE;
      in.stamped = tess_xep_delay_get (stanza->node, session->jid, NULL, now, &in.time_us);
      break;
    }

  if (session->stamps)
    in.archive_id = tess_xep_sid_get_stanza_id (in.message, session->jid);
  if (in.archive_id != NULL)
    tess_catch_up_learn_time (session->catch_up);
  tess_inbound_take (session, &in);
  return TRUE;
}

void
tess_inbound_listen (TessSession *session)
{
  tess_router_add_handler (session->router, TESS_STANZA_MESSAGE, -100, NULL, NULL, message_cb, session);
}
