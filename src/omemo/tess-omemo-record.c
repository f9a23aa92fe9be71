/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-signal-private.h"

#include <string.h>

/* Reads the two values that each message needs out of a record that libsignal has just written. The library unpacks all of it for
 * that, every chain and kept key, which takes a quarter as long as to decrypt the message. The numbers are those of its storage format
 * (RecordStructure in LocalStorageProtocol.proto), which every database of every client holds: they cannot change. */

#define RECORD_CURRENT_SESSION 1
#define SESSION_REMOTE_IDENTITY 3
#define RECORD_PREVIOUS_SESSIONS 2
#define SESSION_SENDER_CHAIN 6
#define SESSION_RECEIVER_CHAINS 7
#define CHAIN_RATCHET_KEY 1
#define CHAIN_KEY 3
#define CHAIN_KEY_INDEX 1

#define DJB_TYPE 0x05
static gboolean
read_varint (TessOmemoSpan *self, guint64 *value)
{
  *value = 0;
  for (guint shift = 0; shift < 64 && self->at < self->end; shift += 7)
    {
      guint8 byte = *self->at++;

      *value |= (guint64) (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0)
        return TRUE;
    }
  return FALSE;
}

gboolean
tess_omemo_span_next (TessOmemoSpan *self, guint64 *tag, guint64 *value, TessOmemoSpan *bytes)
{
  if (!read_varint (self, tag) || !read_varint (self, value))
    return FALSE;
  bytes->at = bytes->end = self->at;
  if ((*tag & 7) == TESS_OMEMO_WIRE_VARINT)
    return TRUE;
  if ((*tag & 7) != TESS_OMEMO_WIRE_BYTES || *value > (gsize) (self->end - self->at))
    return FALSE;
  bytes->end = self->at += *value;
  return TRUE;
}

/* The one field of that number and type; %FALSE when there is none, or several. */
static gboolean
find (TessOmemoSpan message, guint number, guint type, guint64 *value, TessOmemoSpan *bytes)
{
  guint found = 0;

  while (message.at < message.end)
    {
      guint64 tag;
      guint64 number_or_length;
      TessOmemoSpan content;

      if (!tess_omemo_span_next (&message, &tag, &number_or_length, &content))
        return FALSE;
      if (tag != (number << 3 | type))
        continue;
      found++;
      *value = number_or_length;
      *bytes = content;
    }
  return found == 1;
}

gboolean
tess_omemo_record_peek (GBytes *record, guint8 key[TESS_OMEMO_KEY_BYTES], gboolean *answered)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);
  const TessOmemoSpan all = { data, data + size };
  TessOmemoSpan session = { NULL, NULL };
  TessOmemoSpan identity = { NULL, NULL };
  TessOmemoSpan chain = { NULL, NULL };
  TessOmemoSpan chain_key = { NULL, NULL };
  TessOmemoSpan nothing;
  guint64 value;

  if (size == 0 || !find (all, RECORD_CURRENT_SESSION, TESS_OMEMO_WIRE_BYTES, &value, &session)
      || !find (session, SESSION_REMOTE_IDENTITY, TESS_OMEMO_WIRE_BYTES, &value, &identity)
      || value != TESS_OMEMO_SERIAL_KEY_BYTES || identity.at[0] != DJB_TYPE
      || !find (session, SESSION_SENDER_CHAIN, TESS_OMEMO_WIRE_BYTES, &value, &chain)
      || !find (chain, CHAIN_KEY, TESS_OMEMO_WIRE_BYTES, &value, &chain_key)
      || !find (chain_key, CHAIN_KEY_INDEX, TESS_OMEMO_WIRE_VARINT, &value, &nothing))
    return FALSE;
  memcpy (key, identity.at + 1, TESS_OMEMO_KEY_BYTES);
  *answered = value > 0;
  return TRUE;
}

/* Where the chain of that ratchet key stands, the farthest of all sessions; @index stays when there is none. */
static gboolean
find_in_session (TessOmemoSpan session, const guint8 *ratchet_key, guint64 *index)
{
  while (session.at < session.end)
    {
      TessOmemoSpan chain;
      TessOmemoSpan key = { NULL, NULL };
      TessOmemoSpan chain_key;
      TessOmemoSpan nothing;
      guint64 tag;
      guint64 length = 0;
      guint64 value;

      if (!tess_omemo_span_next (&session, &tag, &value, &chain))
        return FALSE;
      if (tag != (SESSION_RECEIVER_CHAINS << 3 | TESS_OMEMO_WIRE_BYTES))
        continue;
      if (!find (chain, CHAIN_RATCHET_KEY, TESS_OMEMO_WIRE_BYTES, &length, &key)
          || !find (chain, CHAIN_KEY, TESS_OMEMO_WIRE_BYTES, &value, &chain_key)
          || !find (chain_key, CHAIN_KEY_INDEX, TESS_OMEMO_WIRE_VARINT, &value, &nothing))
        return FALSE;
      if (length == TESS_OMEMO_SERIAL_KEY_BYTES && memcmp (key.at + 1, ratchet_key, TESS_OMEMO_KEY_BYTES) == 0)
        *index = MAX (*index, value);
    }
  return TRUE;
}

gboolean
tess_omemo_record_is_too_far (GBytes *record, const guint8 *ratchet_key, guint32 counter)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);
  TessOmemoSpan all = { data, data + size };
  guint64 index = 0;

  if (counter <= TESS_OMEMO_MOST_SKIPPED)
    return FALSE;
  while (all.at < all.end)
    {
      TessOmemoSpan session;
      guint64 tag;
      guint64 value;

      if (!tess_omemo_span_next (&all, &tag, &value, &session))
        return FALSE;
      if ((tag == (RECORD_CURRENT_SESSION << 3 | TESS_OMEMO_WIRE_BYTES)
           || tag == (RECORD_PREVIOUS_SESSIONS << 3 | TESS_OMEMO_WIRE_BYTES))
          && !find_in_session (session, ratchet_key, &index))
        return FALSE;
    }
  return counter > index + TESS_OMEMO_MOST_SKIPPED;
}
