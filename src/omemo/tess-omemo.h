/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo/tess-omemo-store.h"
#include "omemo/tess-omemo-transport.h"
#include "omemo/tess-omemo-trust.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessOmemo:
 *
 * OMEMO for one account (XEP-0384 0.3 today): the local device, everybody's device lists, sessions, trust.
 * One thread, the engine's. Not thread-safe, no locks needed: nothing here runs elsewhere.
 */
typedef struct _TessOmemo TessOmemo;

/* What the account's owner should hear of; all on the engine thread, never inside a transaction. */
typedef struct
{
  /* The devices of @jid changed: a new one, a key learnt, one gone, trust, an alarm. */
  void (*devices_changed) (gpointer data, TessJid *jid);
  /* What was waiting for bundles or lists of @jid may be tried again. */
  void (*ready_changed)   (gpointer data, TessJid *jid);
  /* Our device was taken from our own list more often than is normal (D13). */
  void (*own_device_removed) (gpointer data);
  /* The bundle of a device of @jid was refused: its key is that of a device of @owner. One of them shows what is not theirs (D3),
   * and only a person can tell who: once a run for each @jid. */
  void (*key_claimed)     (gpointer data, TessJid *jid, TessJid *owner);
  /* The database refused what OMEMO wanted to store by itself (a list, a key, new prekeys); all of it was taken back. What came in must
   * not count as taken, and [func@tess_omemo_online] or [func@tess_omemo_go_on] does the rest again. Perhaps from inside a call. */
  void (*storage_failed)  (gpointer data, const GError *error);
} TessOmemoListener;

TessOmemo *tess_omemo_new  (TessJid                  *account, /* bare */
                            const TessOmemoStore     *store,
                            gpointer                  store_data,
                            const TessOmemoTransport *transport,
                            gpointer                  transport_data,
                            const TessOmemoListener  *listener,
                            gpointer                  listener_data);
void       tess_omemo_free (TessOmemo *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessOmemo, tess_omemo_free)

/* Makes the local device on first use (in its own transaction), loads it otherwise. Must come before all else. */
gboolean tess_omemo_load (TessOmemo *self, GError **error);

guint32       tess_omemo_get_device_id (TessOmemo *self);
const guint8 *tess_omemo_get_key       (TessOmemo *self); /* TESS_OMEMO_KEY_BYTES of the own identity key */

/* A stream is up with a new session: fetches the own device list, publishes bundle and list where they lack us or
 * differ, rotates the signed prekey when due, refills. Lists are asked anew before the next encryption. */
void tess_omemo_online  (TessOmemo *self);
/* The same session goes on, after the database had refused something: what was asked is still answered; what was not stored is done again. */
void tess_omemo_go_on   (TessOmemo *self);
/* The stream is gone: fetches in flight end by their own errors. */
void tess_omemo_offline (TessOmemo *self);

/* The feature to announce for events (XEP-0163 section 4): the device list node + "+notify". */
const char *tess_omemo_get_notify_feature (void);
/* The namespace for <encryption/> of XEP-0380. */
const char *tess_omemo_get_eme_namespace (void);

/* An event of @from's PEP service for @node; @payload nullable. FALSE: not a node of OMEMO's. */
gboolean tess_omemo_handle_event (TessOmemo *self, TessJid *from, const char *node, const TessNode *payload);

/* Whether @node, a <message/>'s child, is OMEMO's. */
gboolean        tess_omemo_is_encrypted  (const TessNode *node);
const TessNode *tess_omemo_find_encrypted (const TessNode *message); /* nullable, borrowed */

/**
 * TessOmemoReady:
 * What is known of a set of recipients, the own other devices not counted.
 */
typedef enum
{
  TESS_OMEMO_READY_UNKNOWN,     /* nobody asked yet, or the lists are being fetched: prepare first */
  TESS_OMEMO_READY_YES,         /* at least one device of each recipient can read it */
  TESS_OMEMO_READY_NO_DEVICES,  /* a recipient has no device (or none with a usable bundle) */
  TESS_OMEMO_READY_UNDECIDED,   /* a recipient has devices, but none that is trusted */
} TessOmemoReady;

TessOmemoReady tess_omemo_get_ready (TessOmemo *self, TessJid *jid);

/**
 * tess_omemo_prepare_async:
 * @recipients: (array length=n): bare addresses, without the own account, which is always included
 *
 * Fetches what is missing to encrypt for them: device lists that were not heard of since the stream began, bundles of
 * devices without a session. A device whose bundle cannot be had is left out and remembered until the next stream.
 * Finishes with an error only when a list could not be asked at all (offline): then try again when online.
 */
void     tess_omemo_prepare_async  (TessOmemo *self, TessJid **recipients, gsize n, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
gboolean tess_omemo_prepare_finish (TessOmemo *self, GAsyncResult *result, GError **error);

/* A device that a message was not encrypted to, and why. */
typedef struct
{
  TessJid *jid;
  guint32  id;
  enum { TESS_OMEMO_SKIPPED_NO_BUNDLE, TESS_OMEMO_SKIPPED_UNDECIDED, TESS_OMEMO_SKIPPED_DISTRUSTED,
         TESS_OMEMO_SKIPPED_KEY_ALARM } reason;
} TessOmemoSkipped;

/**
 * tess_omemo_encrypt:
 * @text: UTF-8, what stands in <body/>
 * @skipped: (out) (optional) (element-type TessOmemoSkipped) (transfer full): who was left out
 *
 * Synchronous, inside the caller's transaction: the ratchets move with it. Call prepare first.
 *
 * Returns: (transfer full) (nullable): <encrypted/>, or %NULL with %TESS_OMEMO_ERROR_NO_DEVICES when a recipient
 *   cannot read it with any device, %TESS_OMEMO_ERROR_NEEDS_DECISION, %TESS_OMEMO_ERROR_STORE
 */
TessNode *tess_omemo_encrypt (TessOmemo *self, TessJid **recipients, gsize n, const char *text,
                              GPtrArray **skipped, GError **error);

/**
 * TessOmemoPlain:
 * @text: (nullable): what was said; NULL for an empty message
 * @device: the sending device
 * @trust: of that device now
 */
typedef struct
{
  char          *text;
  guint32        device;
  TessOmemoTrust trust;
  guint8         key[TESS_OMEMO_KEY_BYTES];
} TessOmemoPlain;

void tess_omemo_plain_clear (TessOmemoPlain *plain); /* wipes the text */

/**
 * tess_omemo_decrypt:
 * @from: the authenticated sender, bare: never a name out of the payload (D3)
 * @encrypted: <encrypted/>
 * @sent_us: when it was sent, for last_seen
 * @plain: (out caller-allocates): filled on success
 *
 * Synchronous, inside the caller's transaction, which the caller rolls back on any error and then starts afresh: after an
 * error nothing in the database has changed. On success the caller commits ratchet and message together and then calls
 * [func@tess_omemo_settle].
 */
gboolean tess_omemo_decrypt (TessOmemo *self, TessJid *from, const TessNode *encrypted, gint64 sent_us,
                             TessOmemoPlain *plain, GError **error);

/* After COMMIT or ROLLBACK of what decrypt or encrypt touched: sends empty answers and repairs, refills and publishes prekeys,
 * tells the listener. While catching up all of it is put off until [func@tess_omemo_end_catch_up]. */
void tess_omemo_settle         (TessOmemo *self);
/* While something older may still come: a letter that cannot be read (NO_SESSION, UNDECRYPTABLE) is no reason to begin a new session. */
void tess_omemo_set_deferring  (TessOmemo *self, gboolean deferring);
void tess_omemo_begin_catch_up (TessOmemo *self);
void tess_omemo_end_catch_up   (TessOmemo *self);

/* (element-type TessOmemoDevice) (transfer full): everything known of @jid, inactive ones too. For the own account the local
 * device is first. */
GPtrArray *tess_omemo_list_devices (TessOmemo *self, TessJid *jid, GError **error);
/* Asks the list and the bundles of @jid anew, so that keys are known before anything is said; devices_changed follows. */
void       tess_omemo_refresh_devices (TessOmemo *self, TessJid *jid);
/* Whether @device cannot be written to although nothing was decided against it: no usable bundle was to be had since the stream began,
 * and there is no session. */
gboolean   tess_omemo_lacks_bundle (TessOmemo *self, TessJid *jid, guint32 device);
/* In a transaction of its own. Clears an alarm. */
gboolean   tess_omemo_set_trust    (TessOmemo *self, TessJid *jid, guint32 device, TessOmemoTrust trust, GError **error);
/* Takes decisions back, all or none: the states that the @n devices @ids had @before. An alarm that came since stays. */
gboolean   tess_omemo_restore_trust (TessOmemo *self, TessJid *jid, const guint32 *ids, const TessOmemoTrustState *before, gsize n,
                                     GError **error);
/* What was chosen for this person alone, beside the account's setting. In a transaction of its own. */
gboolean   tess_omemo_set_blind_for (TessOmemo *self, TessJid *jid, TessOmemoBlind blind, GError **error);
/* Blind trust before verification: on at first. A device already decided on stays as it is. */
void       tess_omemo_set_blind    (TessOmemo *self, gboolean blind);
/* Puts the session aside and starts a new one with an empty message. @done: as for tess_omemo_remove_device. */
void       tess_omemo_reset_session (TessOmemo *self, TessJid *jid, guint32 device, TessOmemoPublishedFunc done, gpointer user_data);
/* Takes another one of one's own devices from the published list and deletes its bundle; nothing is encrypted to it any more.
 * @done is called once, with an error of which the message is for a person; perhaps from inside the call. */
void       tess_omemo_remove_device (TessOmemo *self, guint32 device, TessOmemoPublishedFunc done, gpointer user_data);
/* A new identity under a new device id: all sessions are thrown away, what others decided about them stays. The old device leaves the
 * list with its bundle when there is a connection; the new one is announced. In a transaction of its own. */
gboolean   tess_omemo_reset_keys    (TessOmemo *self, GError **error);

/* The person takes this device away: takes it from the own list when there is a connection, and never announces it again.
 * @done is called once, perhaps from inside the call, and not at all when the OMEMO is freed first. */
void       tess_omemo_retire (TessOmemo *self, TessOmemoPublishedFunc done, gpointer user_data);

/* Tests only: the clock for rotation, NULL for the real one. */
void       tess_omemo_set_clock (TessOmemo *self, gint64 (*now_us) (void));

G_END_DECLS
