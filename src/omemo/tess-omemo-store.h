/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo/tess-omemo-types.h"

G_BEGIN_DECLS

/* The kinds of blobs that the ratchet keeps by number. */
typedef enum
{
  TESS_OMEMO_BLOB_PREKEY,        /* a serialized one-time prekey pair, by its id */
  TESS_OMEMO_BLOB_SIGNED_PREKEY, /* by its id; the timestamp is inside */
} TessOmemoBlobKind;

/**
 * TessOmemoStore:
 *
 * What OMEMO asks of storage, for one account. All synchronous, on the engine thread, all between `begin`
 * and its end; each function gets the data pointer first. FALSE with an error means that the database failed:
 * the transaction is then rolled back by whoever began it. GBytes hold private keys: implementations keep
 * no copy outside of the database.
 */
typedef struct
{
  /* Nested calls count: only the outermost commits. A `rollback` inside keeps nothing of its own level; whether
   * it takes the outermost along is up to the store. */
  gboolean (*begin)    (gpointer data, GError **error);
  gboolean (*commit)   (gpointer data, GError **error);
  void     (*rollback) (gpointer data);

  /* The local device: `identity` is the serialized pair. *id 0 and *identity NULL when there is none yet. */
  gboolean (*load_local) (gpointer data, guint32 *id, GBytes **identity, GError **error);
  gboolean (*save_local) (gpointer data, guint32 id, GBytes *identity, GError **error);

  /* One-time and signed prekeys. `load`: *blob NULL when it is missing. `ids`: ascending, (element-type guint32). */
  gboolean (*load_blob)   (gpointer data, TessOmemoBlobKind kind, guint32 id, GBytes **blob, GError **error);
  gboolean (*save_blob)   (gpointer data, TessOmemoBlobKind kind, guint32 id, GBytes *blob, GError **error);
  gboolean (*remove_blob) (gpointer data, TessOmemoBlobKind kind, guint32 id, GError **error);
  gboolean (*list_blobs)  (gpointer data, TessOmemoBlobKind kind, GArray **ids, GError **error);

  /* Small numbers that live as long as the account: "next-prekey-id", "signed-prekey-time", … 0 when never set. */
  gboolean (*load_number) (gpointer data, const char *name, gint64 *value, GError **error);
  gboolean (*save_number) (gpointer data, const char *name, gint64 value, GError **error);

  /* Sessions by (bare JID, device). `load`: *blob NULL when there is none. */
  gboolean (*load_session)   (gpointer data, TessJid *jid, guint32 device, GBytes **blob, GError **error);
  gboolean (*save_session)   (gpointer data, TessJid *jid, guint32 device, GBytes *blob, GError **error);
  gboolean (*remove_session) (gpointer data, TessJid *jid, guint32 device, GError **error);
  gboolean (*remove_sessions) (gpointer data, GError **error); /* all of them */

  /* Devices, one's own others included, the local one too. `load`: *device NULL when it is unknown.
   * `save` inserts or updates; it refuses to change a key that is already there (identities are insert-only). */
  gboolean (*load_device)  (gpointer data, TessJid *jid, guint32 id, TessOmemoDevice **device, GError **error);
  gboolean (*save_device)  (gpointer data, const TessOmemoDevice *device, GError **error);
  /* (element-type TessOmemoDevice) with a free function, by id. */
  gboolean (*list_devices) (gpointer data, TessJid *jid, GPtrArray **devices, GError **error);
  /* Whether this person's new devices are trusted blindly: what was chosen for them alone. */
  gboolean (*load_blind)   (gpointer data, TessJid *jid, TessOmemoBlind *blind, GError **error);
  gboolean (*save_blind)   (gpointer data, TessJid *jid, TessOmemoBlind blind, GError **error);

  /* The same for everybody's devices that have this key, of TESS_OMEMO_KEY_BYTES. */
  gboolean (*find_key)     (gpointer data, const guint8 *key, GPtrArray **devices, GError **error);
} TessOmemoStore;

G_END_DECLS
