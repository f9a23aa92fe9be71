/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo/tess-omemo.h"
#include "omemo/tess-omemo-signal.h"
#include "omemo/tess-omemo-trust.h"

#include "base/tess-thread.h"

G_BEGIN_DECLS

/* What the files tess-omemo*.c share. All of it is of the engine thread. */

#define TESS_OMEMO_PREKEYS 100
#define TESS_OMEMO_ROTATION_US (7 * G_TIME_SPAN_DAY)      /* of the signed prekey; the previous one is kept as long */
#define TESS_OMEMO_PUBLISH_EVERY_US (10 * G_TIME_SPAN_SECOND) /* of bundles at most, however fast prekeys go (D6) */
#define TESS_OMEMO_RETRY_SECONDS 60
/* The first time: who signs in on two devices at once is refused by some servers, and nobody writes to a device that is not announced. */
#define TESS_OMEMO_FIRST_RETRY_SECONDS 3
#define TESS_OMEMO_BUNDLE_LIFE_US (5 * G_TIME_SPAN_MINUTE) /* a fetched bundle's prekeys may be gone afterwards */
#define TESS_OMEMO_ANNOUNCES 5                            /* of the own device again, in … (D13) */
#define TESS_OMEMO_ANNOUNCE_WINDOW_US (10 * G_TIME_SPAN_MINUTE)
#define TESS_OMEMO_HEARTBEAT 53                           /* messages of a chain without an answer (XEP-0384 0.9) */
#define TESS_OMEMO_MAX_FETCHES 16                         /* at once */
#define TESS_OMEMO_MAX_STORED 1024                        /* devices of one person, gone ones included */
#define TESS_OMEMO_MAX_REMEMBERED 4096                    /* devices that were repaired or asked for in this run */

/* A set of these keys holds what is to be done for single devices. */
typedef struct
{
  TessJid *jid;
  guint32  device;
} TessOmemoAddress;

TessOmemoAddress *tess_omemo_address_new   (TessJid *jid, guint32 device);
GHashTable       *tess_omemo_address_set   (void);
gboolean          tess_omemo_address_has   (GHashTable *set, TessJid *jid, guint32 device);
void              tess_omemo_address_add   (GHashTable *set, TessJid *jid, guint32 device);
void              tess_omemo_address_drop  (GHashTable *set, TessJid *jid, guint32 device);

typedef struct
{
  TessOmemoBundle *bundle;
  gint64           fetched; /* our clock, microseconds */
} TessOmemoKept;

/* What is known of a person's devices in this stream beyond the store. */
typedef struct
{
  TessJid    *jid;
  gboolean    heard;   /* the newest list came by an event or a fetch since the stream began */
  GHashTable *bundles; /* device id -> TessOmemoKept: for sessions that the next encryption builds */
  GHashTable *failed;  /* a set of device ids without a usable bundle, until the next stream */
} TessOmemoContact;

typedef enum
{
  TESS_OMEMO_PUBLISH_UNCHECKED, /* what the server has of us is not known in this stream */
  TESS_OMEMO_PUBLISH_CHECKING,
  TESS_OMEMO_PUBLISH_DONE,      /* our bundle stands: the device may be announced */
} TessOmemoPublishState;

struct _TessOmemo
{
  int                       references;
  gboolean                  closed;
  TessJid                  *account;
  TessOmemoStore            store;
  gpointer                  store_data;
  TessOmemoTransport        transport;
  gpointer                  transport_data;
  TessOmemoListener         listener;
  gpointer                  listener_data;
  GMainContext             *context;
  gint64                  (*now) (void);

  TessOmemoSignal          *signal;
  guint32                   device;
  gboolean                  blind;
  gboolean                  catching_up;
  gboolean                  deferring;
  guint                     stream; /* counts streams, so that late answers are known for late */

  GHashTable               *contacts; /* TessJid -> TessOmemoContact */
  GHashTable               *requests; /* "node jid" -> request in flight or waiting */
  GQueue                    waiting;
  guint                     in_flight;

  /* What settle has to do. */
  GHashTable               *alarms;  /* addresses whose key changed */
  GHashTable               *answers; /* address -> base key (GBytes) or NULL: empty messages to send */
  GHashTable               *repairs; /* addresses */
  GHashTable               *lists;   /* set of TessJid: fetch again */
  GHashTable               *changed; /* set of TessJid: tell the listener */
  GHashTable               *ready;   /* set of TessJid: tell the listener */
  GHashTable               *claims;  /* TessJid -> TessJid, the owner of its key; NULL once that was told */
  gboolean                  prekeys_used;
  gboolean                  prekeys_kept; /* perhaps: marked ones may be in the store */

  /* Once a run or a stream. */
  GHashTable               *answered; /* set of GBytes: base keys of exchanges that were answered */
  GHashTable               *repaired; /* addresses */
  GHashTable               *asked;    /* addresses of unknown devices for which the list was fetched */

  TessOmemoPublishState     publish_state;
  gboolean                  publishing;
  gboolean                  failed; /* what was published last was refused */
  gboolean                  bundle_dirty;
  gint64                    last_publish;
  gint64                    rotated; /* the time of the current signed prekey; 0: not read yet */
  GArray                   *own_list; /* as the server has it; NULL before it was heard */
  gboolean       retired;       /* the person takes this device away: it is not announced again */
  GSource                  *timer;
  gint64                    announce_window;
  guint                     announces;
  gboolean                  storm_told;
};

TessOmemo *tess_omemo_ref   (TessOmemo *self);
void       tess_omemo_unref (TessOmemo *self);

TessOmemoContact *tess_omemo_get_contact (TessOmemo *self, TessJid *jid);
gboolean          tess_omemo_is_own      (TessOmemo *self, TessJid *jid);
gboolean          tess_omemo_is_online   (TessOmemo *self);
/* Tells the listener what has gathered. Last in every function that may lead here. */
void              tess_omemo_emit        (TessOmemo *self);
void              tess_omemo_mark        (GHashTable *set, TessJid *jid);

/* Around reads that stand outside of any other transaction: the store answers only inside of one. */
gboolean tess_omemo_read_begin (TessOmemo *self);
void     tess_omemo_read_end   (TessOmemo *self);

/* Rolls back and logs; for transactions of our own. Clears @error. */
void tess_omemo_give_up (TessOmemo *self, const char *what, GError **error);
/* The same outside of a transaction. */
void tess_omemo_refused (TessOmemo *self, const char *what, const GError *error);
/* Whether it is the database that failed. */
gboolean tess_omemo_is_store_error (const GError *error);

/* tess-omemo-fetch.c: @device 0 for the list, else the bundle of that device. @done gets FALSE when it could not be
 * had; a fetch for the same thing that is under way is joined. */
typedef void (*TessOmemoDone) (TessOmemo *self, TessJid *jid, guint32 device, gboolean ok, gpointer user_data);
void tess_omemo_fetch          (TessOmemo *self, TessJid *jid, guint32 device, TessOmemoDone done, gpointer user_data);
void tess_omemo_fetch_drop_all (TessOmemo *self);

/* tess-omemo-devices.c */
gboolean tess_omemo_apply_list   (TessOmemo *self, TessJid *jid, GArray *ids);
gboolean tess_omemo_apply_bundle (TessOmemo *self, TessJid *jid, guint32 id, const TessNode *payload);
/* In the caller's transaction: the trust of a key that is seen for the first time. */
gboolean tess_omemo_new_trust    (TessOmemo *self, TessJid *jid, TessOmemoTrust *trust, GError **error);
/* One step of tess-omemo-trust.h on a row that the caller saves. FALSE: the store failed. @possible: whether it can happen to it. */
gboolean tess_omemo_step         (TessOmemo *self, TessOmemoDevice *device, TessOmemoTrustEvent event, gboolean *possible, GError **error);
/* After the COMMIT of a person's decision. */
void     tess_omemo_decided      (TessOmemo *self, TessJid *bare);
gboolean tess_omemo_raise_alarm  (TessOmemo *self, TessJid *jid, guint32 id);
/* In the caller's transaction, before @key is bound to a device of @jid: whose it is already (D3). @listed: whether that device stands
 * in the owner's list. FALSE with %TESS_OMEMO_ERROR_FOREIGN_KEY or the store's error. */
gboolean tess_omemo_check_owner  (TessOmemo *self, TessJid *jid, gboolean listed, const guint8 *key, GError **error);
gboolean tess_omemo_has_session  (TessOmemo *self, TessJid *jid, guint32 id, gboolean *has, GError **error);
const TessOmemoBundle *tess_omemo_kept_bundle (TessOmemo *self, TessJid *jid, guint32 id, gboolean fresh);

/* tess-omemo-settle.c: outside of any transaction. */
void     tess_omemo_settle_alarms (TessOmemo *self);

/* tess-omemo-publish.c */
gboolean tess_omemo_make_device   (TessOmemo *self, GError **error); /* in the caller's transaction */
TessOmemoDevice *tess_omemo_local_device (TessOmemo *self);
void     tess_omemo_rotate_if_due (TessOmemo *self);
void     tess_omemo_refill        (TessOmemo *self);
void     tess_omemo_publish_check (TessOmemo *self);
void     tess_omemo_publish_soon  (TessOmemo *self);
void     tess_omemo_check_own_list (TessOmemo *self);
gboolean tess_omemo_is_announced  (TessOmemo *self); /* whether the server has seen this device */
gint64   tess_omemo_read_number   (TessOmemo *self, const char *name); /* 0 when it was never set, or cannot be read */
GArray  *tess_omemo_own_list_without (TessOmemo *self, guint32 id);    /* the list that the server has, less @id, which may be 0 */
void     tess_omemo_publish_list_without (TessOmemo *self, guint32 id, TessOmemoPublishedFunc done, gpointer user_data);
typedef gboolean (*TessOmemoWork) (TessOmemo *self, GError **error);
gboolean tess_omemo_transact      (TessOmemo *self, const char *what, TessOmemoWork work); /* in a transaction of its own */

/* tess-omemo-own.c */
guint32  tess_omemo_get_former    (TessOmemo *self); /* our number before the keys were reset, while the server has it; or 0 */
void     tess_omemo_forget_former (TessOmemo *self);

/* tess-omemo.c */
void     tess_omemo_forget_run    (TessOmemo *self); /* what this run has noted of sessions */

/* tess-omemo-encrypt.c: in transactions of their own; the empty message is sent after the commit. */
gboolean tess_omemo_send_empty    (TessOmemo *self, TessJid *jid, guint32 device);
gboolean tess_omemo_start_session (TessOmemo *self, TessJid *jid, guint32 device);

G_END_DECLS
