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
  GBytes                        *sound;   /* nullable: the session that was saved last, which the library wrote itself */
};

/* The library's callbacks over `current`; tess-omemo-ratchet.c. */
gboolean tess_omemo_ratchet_set_callbacks (TessOmemoSignal *signal);

/* Reads out of a record of the library's: whose session it is, and whether we sent anything since its chain began. %FALSE when it is
 * not written as is usual: then the library has to read it. tess-omemo-record.c. */
gboolean tess_omemo_record_peek (GBytes *record, guint8 key[TESS_OMEMO_KEY_BYTES], gboolean *answered);

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
