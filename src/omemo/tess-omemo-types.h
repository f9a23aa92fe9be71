/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-jid.h"
#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_OMEMO_KEY_BYTES 32             /* a Curve25519 public key without the leading 0x05 */
#define TESS_OMEMO_MAX_DEVICE_ID 0x7fffffff /* XEP-0384 0.3: 1 … 2^31 - 1 */

typedef enum
{
  TESS_OMEMO_ERROR_FAILED,
  TESS_OMEMO_ERROR_NOT_FOR_US,     /* no key for our device */
  TESS_OMEMO_ERROR_DUPLICATE,      /* decrypted before: drop it silently (D7) */
  TESS_OMEMO_ERROR_NO_SESSION,     /* a repair is queued */
  TESS_OMEMO_ERROR_UNDECRYPTABLE,  /* bad MAC, bad tag, too far ahead; a repair is queued where it helps */
  TESS_OMEMO_ERROR_KEY_CHANGED,    /* another identity key under a known device id (D2) */
  TESS_OMEMO_ERROR_FOREIGN_KEY,    /* the identity key of somebody else's device: passed on by another (D3) */
  TESS_OMEMO_ERROR_MALFORMED,      /* wrong lengths, missing parts, low-order key, no one-time prekey (D4, D5, D9) */
  TESS_OMEMO_ERROR_NO_DEVICES,     /* nobody to encrypt to */
  TESS_OMEMO_ERROR_NEEDS_DECISION, /* only undecided or distrusted devices are left */
  TESS_OMEMO_ERROR_STORE,          /* the database failed: roll back */
} TessOmemoError;

#define TESS_OMEMO_ERROR (tess_omemo_error_quark ())
GQuark tess_omemo_error_quark (void);

/* The same numbers as TessTrust in records/, which the engine relies on. */
typedef enum
{
  TESS_OMEMO_TRUST_UNDECIDED,
  TESS_OMEMO_TRUST_BLIND,
  TESS_OMEMO_TRUST_VERIFIED,
  TESS_OMEMO_TRUST_DISTRUSTED,
} TessOmemoTrust;

/* Blind trust before verification for one person; the same numbers as TessBlind in records/. */
typedef enum
{
  TESS_OMEMO_BLIND_DEFAULT, /* as for the account */
  TESS_OMEMO_BLIND_ON,
  TESS_OMEMO_BLIND_OFF,
} TessOmemoBlind;

/**
 * TessOmemoDevice:
 * @jid: the bare address of the owner
 * @id: 1 … 2^31 - 1
 * @has_key: whether @key is known yet
 * @key: the identity key, which never changes for (@jid, @id)
 * @active: whether it stands in the owner's newest device list
 * @first_seen: when we learnt of it, microseconds since 1970
 * @last_seen: when its last message was decrypted, 0 for never
 */
typedef struct
{
  TessJid       *jid;
  guint32        id;
  gboolean       has_key;
  guint8         key[TESS_OMEMO_KEY_BYTES];
  TessOmemoTrust trust;
  gboolean       active;
  gboolean       key_alarm; /* another key was offered under this id (D2) and nobody has looked yet */
  gint64         first_seen;
  gint64         last_seen;
} TessOmemoDevice;

TessOmemoDevice *tess_omemo_device_new  (TessJid *jid, guint32 id);
TessOmemoDevice *tess_omemo_device_copy (const TessOmemoDevice *self);
void             tess_omemo_device_free (TessOmemoDevice *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessOmemoDevice, tess_omemo_device_free)

G_END_DECLS
