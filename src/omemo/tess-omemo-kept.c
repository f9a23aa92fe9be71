/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-signal-private.h"

#include "crypto/tess-crypto.h"

#include <string.h>

/* The keys of messages that were passed over stand in the record of their session, up to 2000 a chain, and libsignal unpacks and packs all
 * of them whenever it reads or writes it: for each letter of an archive that is read backwards that was ten times the work of decrypting it.
 * So it is given the record without those that the letter cannot need, and they are put back into what it has written. The numbers are
 * those of its storage format (RecordStructure in LocalStorageProtocol.proto), which cannot change; see tess-omemo-record.c. */

#define RECORD_CURRENT_SESSION 1
#define RECORD_PREVIOUS_SESSIONS 2
#define SESSION_RECEIVER_CHAINS 7
#define CHAIN_RATCHET_KEY 1
#define CHAIN_MESSAGE_KEYS 4
#define MESSAGE_KEY_INDEX 1
#define MESSAGE_KEY_FIELDS 4

#define LONGEST_LENGTH 5
#define SLACK 8192 /* lengths that grow, of at most 41 sessions with 5 chains */

/* What was taken out of one chain, in the order of the record. */
typedef struct
{
  TessOmemoSpan ratchet_key;
  GArray       *ranges; /* of TessOmemoSpan: whole fields */
  guint         count;
} Chain;

struct _TessOmemoKept
{
  GBytes *record; /* that the spans lie in */
  GArray *chains; /* of Chain */
  guint   count;
};

typedef struct
{
  guint8 *data;
  gsize   length;
  gsize   size;
} Out;

static void
chain_clear (gpointer data)
{
  g_array_unref (((Chain *) data)->ranges);
}

void
tess_omemo_kept_free (TessOmemoKept *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->chains);
  g_bytes_unref (self->record);
  g_free (self);
}

/* ---- Writing ---- */

static void
out_init (Out *self, gsize size)
{
  self->size = size + SLACK;
  self->data = g_malloc (self->size);
  self->length = 0;
}

static GBytes *
out_take (Out *self)
{
  GBytes *bytes = tess_omemo_secret_bytes (self->data, self->length);

  tess_wipe_free (self->data, self->size);
  return bytes;
}

static void
put (Out *self, const guint8 *from, const guint8 *to)
{
  g_assert (self->length + (gsize) (to - from) <= self->size);
  memcpy (self->data + self->length, from, (gsize) (to - from));
  self->length += (gsize) (to - from);
}

static gsize
write_varint (guint8 *at, guint64 value)
{
  gsize length = 0;

  do
    {
      at[length++] = (guint8) ((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
      value >>= 7;
    }
  while (value > 0);
  return length;
}

/* The head of a field whose length is known when it ends. */
static gsize
begin_field (Out *self, guint64 tag)
{
  g_assert (self->length + 2 * LONGEST_LENGTH <= self->size);
  self->length += write_varint (self->data + self->length, tag);
  self->length += LONGEST_LENGTH;
  return self->length;
}

static void
end_field (Out *self, gsize begin)
{
  gsize length = self->length - begin;
  gsize head = write_varint (self->data + begin - LONGEST_LENGTH, length);

  memmove (self->data + begin - LONGEST_LENGTH + head, self->data + begin, length);
  self->length -= LONGEST_LENGTH - head;
}

/* ---- Taking out ---- */

static gboolean
is_sound (TessOmemoSpan key)
{
  guint fields = 0;

  while (key.at < key.end)
    {
      TessOmemoSpan bytes;
      guint64       tag;
      guint64       value;

      if (!tess_omemo_span_next (&key, &tag, &value, &bytes) || tag >> 3 == 0 || tag >> 3 > MESSAGE_KEY_FIELDS)
        return FALSE;
      fields++;
    }
  return fields == MESSAGE_KEY_FIELDS;
}

/* @wanted: the index of a key that stays, or -1 for none; then all are looked through. */
static gboolean
thin_chain (TessOmemoKept *self, TessOmemoSpan chain, gint64 wanted, Out *out)
{
  Chain         taken = { .ranges = g_array_new (FALSE, FALSE, sizeof (TessOmemoSpan)) };
  TessOmemoSpan bytes;
  guint64       tag;
  guint64       value;
  gboolean      sound = TRUE;

  while (sound && chain.at < chain.end)
    {
      TessOmemoSpan field = { chain.at, NULL };
      TessOmemoSpan key;
      guint64       index = G_MAXUINT64;

      sound = tess_omemo_span_next (&chain, &tag, &value, &bytes);
      field.end = chain.at;
      if (!sound)
        break;
      if (tag == (CHAIN_RATCHET_KEY << 3 | TESS_OMEMO_WIRE_BYTES))
        taken.ratchet_key = bytes;
      key = bytes;
      if (tag != (CHAIN_MESSAGE_KEYS << 3 | TESS_OMEMO_WIRE_BYTES))
        {
          put (out, field.at, field.end);
          continue;
        }
      sound = tess_omemo_span_next (&key, &tag, &index, &bytes) && tag == (MESSAGE_KEY_INDEX << 3 | TESS_OMEMO_WIRE_VARINT) &&
              (wanted >= 0 || is_sound ((TessOmemoSpan){ field.end - value, field.end }));
      if (wanted >= 0 && index == (guint64) wanted)
        {
          put (out, field.at, field.end);
          continue;
        }
      taken.count++;
      if (taken.ranges->len > 0 && g_array_index (taken.ranges, TessOmemoSpan, taken.ranges->len - 1).end == field.at)
        g_array_index (taken.ranges, TessOmemoSpan, taken.ranges->len - 1).end = field.end;
      else
        g_array_append_val (taken.ranges, field);
    }
  sound = sound && (taken.count == 0 || taken.ratchet_key.at != NULL);
  if (sound && taken.count > 0)
    {
      self->count += taken.count;
      g_array_append_val (self->chains, taken);
    }
  else
    {
      chain_clear (&taken);
    }
  return sound;
}

typedef gboolean (*ChainFunc) (TessOmemoKept *self, TessOmemoSpan chain, gint64 wanted, Out *out);

static gboolean
rewrite_session (TessOmemoKept *self, TessOmemoSpan session, ChainFunc func, gint64 wanted, Out *out)
{
  while (session.at < session.end)
    {
      const guint8 *begin = session.at;
      TessOmemoSpan bytes;
      guint64       tag;
      guint64       value;
      gsize         field;

      if (!tess_omemo_span_next (&session, &tag, &value, &bytes))
        return FALSE;
      if (tag != (SESSION_RECEIVER_CHAINS << 3 | TESS_OMEMO_WIRE_BYTES))
        {
          put (out, begin, session.at);
          continue;
        }
      field = begin_field (out, tag);
      if (!func (self, bytes, wanted, out))
        return FALSE;
      end_field (out, field);
    }
  return TRUE;
}

static gboolean
rewrite_record (TessOmemoKept *self, GBytes *record, ChainFunc func, gint64 wanted, Out *out)
{
  gsize         size;
  const guint8 *data = g_bytes_get_data (record, &size);
  TessOmemoSpan all = { data, data + size };

  while (all.at < all.end)
    {
      const guint8 *begin = all.at;
      TessOmemoSpan bytes;
      guint64       tag;
      guint64       value;
      gsize         field;

      if (!tess_omemo_span_next (&all, &tag, &value, &bytes))
        return FALSE;
      if (tag != (RECORD_CURRENT_SESSION << 3 | TESS_OMEMO_WIRE_BYTES) && tag != (RECORD_PREVIOUS_SESSIONS << 3 | TESS_OMEMO_WIRE_BYTES))
        {
          put (out, begin, all.at);
          continue;
        }
      field = begin_field (out, tag);
      if (!rewrite_session (self, bytes, func, wanted, out))
        return FALSE;
      end_field (out, field);
    }
  return TRUE;
}

TessOmemoKept *
tess_omemo_kept_take (GBytes *record, gint64 wanted, GBytes **thin)
{
  TessOmemoKept *self = g_new0 (TessOmemoKept, 1);
  gboolean       sound;
  Out            out;

  self->record = g_bytes_ref (record);
  self->chains = g_array_new (FALSE, FALSE, sizeof (Chain));
  g_array_set_clear_func (self->chains, chain_clear);
  out_init (&out, g_bytes_get_size (record));
  sound = rewrite_record (self, record, thin_chain, wanted, &out);
  *thin = out_take (&out);
  if (sound && self->count > 0)
    return self;

  g_clear_pointer (thin, g_bytes_unref);
  tess_omemo_kept_free (self);
  return NULL;
}

/* ---- Putting back ---- */

/* (nullable) */
static const Chain *
find_chain (const TessOmemoKept *self, TessOmemoSpan ratchet_key)
{
  for (guint i = 0; i < self->chains->len; i++)
    {
      const Chain *chain = &g_array_index (self->chains, Chain, i);
      gsize        length = (gsize) (chain->ratchet_key.end - chain->ratchet_key.at);

      if ((gsize) (ratchet_key.end - ratchet_key.at) == length && memcmp (chain->ratchet_key.at, ratchet_key.at, length) == 0)
        return chain;
    }
  return NULL;
}

static void
put_ranges (const Chain *chain, guint drop, Out *out)
{
  for (guint i = 0; i < chain->ranges->len; i++)
    {
      TessOmemoSpan range = g_array_index (chain->ranges, TessOmemoSpan, i);

      for (; drop > 0 && range.at < range.end; drop--)
        {
          TessOmemoSpan bytes;
          guint64       tag;
          guint64       value;

          tess_omemo_span_next (&range, &tag, &value, &bytes);
        }
      put (out, range.at, range.end);
    }
}

/* Those that were there before are older than those that the letter left; of too many the oldest go, as in the library. */
static gboolean
fill_chain (TessOmemoKept *self, TessOmemoSpan chain, gint64 wanted, Out *out)
{
  const TessOmemoSpan whole = chain;
  TessOmemoSpan       ratchet_key = { NULL, NULL };
  const Chain        *taken;
  guint               count = 0;
  gboolean            filled = FALSE;
  guint64             tag;
  guint64             value;

  while (chain.at < chain.end)
    {
      TessOmemoSpan bytes;

      if (!tess_omemo_span_next (&chain, &tag, &value, &bytes))
        return FALSE;
      if (tag == (CHAIN_RATCHET_KEY << 3 | TESS_OMEMO_WIRE_BYTES))
        ratchet_key = bytes;
      count += tag == (CHAIN_MESSAGE_KEYS << 3 | TESS_OMEMO_WIRE_BYTES);
    }
  taken = find_chain (self, ratchet_key);
  for (chain = whole; chain.at < chain.end;)
    {
      const guint8 *begin = chain.at;
      TessOmemoSpan bytes;

      tess_omemo_span_next (&chain, &tag, &value, &bytes);
      if (taken != NULL && !filled && tag == (CHAIN_MESSAGE_KEYS << 3 | TESS_OMEMO_WIRE_BYTES))
        {
          put_ranges (taken, count + taken->count > TESS_OMEMO_MOST_SKIPPED ? count + taken->count - TESS_OMEMO_MOST_SKIPPED : 0, out);
          filled = TRUE;
        }
      put (out, begin, chain.at);
    }
  if (taken != NULL && !filled)
    put_ranges (taken, 0, out);
  return TRUE;
}

GBytes *
tess_omemo_kept_restore (TessOmemoKept *self, GBytes *record)
{
  gboolean sound;
  Out      out;
  GBytes  *whole;

  out_init (&out, g_bytes_get_size (record) + g_bytes_get_size (self->record));
  sound = rewrite_record (self, record, fill_chain, -1, &out);
  whole = out_take (&out);
  if (!sound)
    g_clear_pointer (&whole, g_bytes_unref);
  return whole;
}
