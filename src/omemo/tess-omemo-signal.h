/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo/tess-omemo-store.h"
#include "omemo/tess-omemo-wire-axolotl.h"

G_BEGIN_DECLS

/**
 * TessOmemoSignal:
 *
 * libsignal-protocol-c for one account: its crypto on crypto/, its keys and sessions on [struct@TessOmemoStore].
 * Private to the room; the engine thread.
 *
 * The library never writes to the store. What it stores in the course of one operation is kept in the
 * [struct@TessOmemoRatchet] and reaches the store by [func@tess_omemo_ratchet_save] alone: libsignal saves an
 * identity before it has checked the MAC.
 */
typedef struct _TessOmemoSignal TessOmemoSignal;

TessOmemoSignal *tess_omemo_signal_new  (const TessOmemoStore *store, gpointer store_data);
void             tess_omemo_signal_free (TessOmemoSignal *self);
/* The end of a page: what was saved in it is held no longer. */
void             tess_omemo_signal_forget_sound (TessOmemoSignal *self);

/* Serialized private keys; the GBytes wipe themselves. NULL only when the library fails. */
GBytes *tess_omemo_signal_make_identity      (TessOmemoSignal *self);
GBytes *tess_omemo_signal_make_prekey        (TessOmemoSignal *self, guint32 id);
GBytes *tess_omemo_signal_make_signed_prekey (TessOmemoSignal *self, guint32 id, gint64 now_us);

/* The local device; FALSE when @identity cannot be read. */
gboolean      tess_omemo_signal_set_local (TessOmemoSignal *self, guint32 id, GBytes *identity);
const guint8 *tess_omemo_signal_get_key   (TessOmemoSignal *self);

/* The public halves of what the store keeps. */
gboolean tess_omemo_signal_read_prekey        (TessOmemoSignal *self, GBytes *blob, guint8 *key);
gboolean tess_omemo_signal_read_signed_prekey (TessOmemoSignal *self, GBytes *blob, guint8 *key, guint8 *signature);
gboolean tess_omemo_signal_verify_bundle      (TessOmemoSignal *self, const TessOmemoBundle *bundle);

/* A one-time prekey in the store has one byte in front that says whether it was used: during a catch-up used ones are
 * kept for other messages with the same prekey, and a restart must still know them. */
gboolean tess_omemo_prekey_is_used  (GBytes *blob);
GBytes  *tess_omemo_prekey_set_used (GBytes *blob, gboolean used);

/**
 * TessOmemoRatchet:
 *
 * One session, taken out of the store to be moved: nothing is stored before [func@tess_omemo_ratchet_save].
 * Lives inside one transaction.
 */
typedef struct _TessOmemoRatchet TessOmemoRatchet;

/* @known_key: (nullable): the identity key that is bound to the device; any other is KEY_CHANGED. */
TessOmemoRatchet *tess_omemo_ratchet_open (TessOmemoSignal *signal, TessJid *jid, guint32 device,
                                           const guint8 *known_key, GError **error);
void              tess_omemo_ratchet_free (TessOmemoRatchet *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessOmemoRatchet, tess_omemo_ratchet_free)

gboolean tess_omemo_ratchet_has_session (TessOmemoRatchet *self);

/* Begins a new session from @bundle with one of its prekeys by chance; an old session is archived inside the record. */
gboolean tess_omemo_ratchet_start   (TessOmemoRatchet *self, const TessOmemoBundle *bundle, GError **error);
/* (transfer full): the bytes for <key/>. */
GBytes  *tess_omemo_ratchet_encrypt (TessOmemoRatchet *self, const guint8 *data, gsize length, gboolean *prekey,
                                     GError **error);
/* (transfer full): what the session carried; it wipes itself. On an error @self is as it was. */
GBytes  *tess_omemo_ratchet_decrypt (TessOmemoRatchet *self, const TessOmemoWireKey *key, GError **error);

/* After a successful decrypt. */
typedef struct
{
  guint8   key[TESS_OMEMO_KEY_BYTES];      /* the sender's identity key, proven by the MAC */
  guint8   base_key[TESS_OMEMO_KEY_BYTES]; /* of a key exchange, else zeros */
  gboolean exchange;                       /* it came as a prekey message */
  gboolean prekey_used;                    /* …that began a new session */
  guint32  counter;                        /* of its chain, from 0 */
  gboolean answered;                       /* something was sent since that chain began */
} TessOmemoReceived;

const TessOmemoReceived *tess_omemo_ratchet_get_received (TessOmemoRatchet *self);

/* Writes the session; a used prekey is removed, or with @keep_prekey marked. */
gboolean tess_omemo_ratchet_save (TessOmemoRatchet *self, gboolean keep_prekey, GError **error);

G_END_DECLS
