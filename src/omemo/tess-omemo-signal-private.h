/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo/tess-omemo-signal.h"

#include <signal/signal_protocol.h>

G_BEGIN_DECLS

/* Shared by tess-omemo-signal.c, which the library is set up in, and tess-omemo-ratchet.c, which moves sessions. */

struct _TessOmemoSignal
{
  const TessOmemoStore          *store;
  gpointer                       store_data;
  signal_context                *context;
  signal_protocol_store_context *store_context;
  GRecMutex                      lock;
  guint32                        local_id;
  ratchet_identity_key_pair     *identity;
  guint8                         key[TESS_OMEMO_KEY_BYTES];
  TessOmemoRatchet              *current; /* borrowed: the ratchet of the operation that runs */
  GHashTable                    *sound;   /* a set of GBytes, each by its address: sessions that the library wrote itself just now */
};

/* The library's callbacks over `current`; tess-omemo-ratchet.c. */
gboolean tess_omemo_ratchet_set_callbacks (TessOmemoSignal *signal);

/* Reads out of a record of the library's: whose session it is, and whether we sent anything since its chain began. %FALSE when it is
 * not written as is usual: then the library has to read it. tess-omemo-record.c. */
gboolean tess_omemo_record_peek (GBytes *record, guint8 key[TESS_OMEMO_KEY_BYTES], gboolean *answered);

/* The library goes no farther ahead in a chain, and keeps no more keys of one. */
#define TESS_OMEMO_MOST_SKIPPED 2000

/* Whether a letter of that chain lies farther ahead than the library goes, in each session of @record. It finds that out for itself, but
 * not before it has begun the chain, which takes three times as long as to decrypt a letter. */
gboolean tess_omemo_record_is_too_far (GBytes *record, const guint8 *ratchet_key, guint32 counter);

/* A message of protocol buffers, or a value in one. */
typedef struct
{
  const guint8 *at;
  const guint8 *end;
} TessOmemoSpan;

#define TESS_OMEMO_WIRE_VARINT 0
#define TESS_OMEMO_WIRE_BYTES 2

/* The next field. @bytes: what stands in a field of bytes; empty for a number, which is in @value. %FALSE: it is neither, or cut off. */
gboolean tess_omemo_span_next (TessOmemoSpan *self, guint64 *tag, guint64 *value, TessOmemoSpan *bytes);

/* Keys of messages that were passed over, while they are not in the record of their session; tess-omemo-kept.c. */
typedef struct _TessOmemoKept TessOmemoKept;

/* @wanted: keys of this index stay; -1: none does, and each is looked through whether the library would read it. @thin: (out) (nullable)
 * (transfer full): @record without them. (nullable): there are none, or @record is not written as is usual. */
TessOmemoKept *tess_omemo_kept_take    (GBytes *record, gint64 wanted, GBytes **thin);
/* (transfer full) (nullable): what the library made of @thin, with the keys in the chains that are still there. */
GBytes        *tess_omemo_kept_restore (TessOmemoKept *self, GBytes *record);
void           tess_omemo_kept_free    (TessOmemoKept *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessOmemoKept, tess_omemo_kept_free)

GBytes  *tess_omemo_secret_bytes   (const guint8 *data, gsize length);
/* (transfer full) @buffer, which is wiped. */
GBytes  *tess_omemo_take_buffer    (signal_buffer *buffer);
gboolean tess_omemo_read_point     (const ec_public_key *point, guint8 *key);
gboolean tess_omemo_make_point     (TessOmemoSignal *signal, const guint8 *key, ec_public_key **point);

#define TESS_SIGNAL_CLEANUP(Type)                                                                  \
  static inline void Type##_tess_unref (Type *p)                                                   \
  {                                                                                                \
    signal_type_unref ((signal_type_base *) p);                                                    \
  }                                                                                                \
  G_DEFINE_AUTOPTR_CLEANUP_FUNC (Type, Type##_tess_unref)

TESS_SIGNAL_CLEANUP (ec_public_key)
TESS_SIGNAL_CLEANUP (ec_private_key)
TESS_SIGNAL_CLEANUP (ec_key_pair)
TESS_SIGNAL_CLEANUP (ratchet_identity_key_pair)
TESS_SIGNAL_CLEANUP (session_pre_key)
TESS_SIGNAL_CLEANUP (session_signed_pre_key)
TESS_SIGNAL_CLEANUP (session_pre_key_bundle)
TESS_SIGNAL_CLEANUP (session_record)
TESS_SIGNAL_CLEANUP (ciphertext_message)
TESS_SIGNAL_CLEANUP (signal_message)
TESS_SIGNAL_CLEANUP (pre_key_signal_message)

G_END_DECLS
