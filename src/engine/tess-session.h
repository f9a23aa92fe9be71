/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-backoff.h"
#include "engine/tess-event-queue.h"
#include "engine/tess-keepalive.h"
#include "engine/tess-omemo-db.h"
#include "omemo/tess-omemo.h"
#include "store/tess-store.h"
#include "xmpp/tess-router.h"
#include "xmpp/tess-stream.h"
#include "xmpp/xep/tess-xep-caps.h"
#include "xmpp/xep/tess-xep-disco.h"
#include "xmpp/xep/tess-xep-mam.h"
#include "xmpp/xep/tess-xep-pep.h"

G_BEGIN_DECLS

typedef struct _TessSession  TessSession;
typedef struct _TessContacts TessContacts;
typedef struct _TessOutbound TessOutbound;
typedef struct _TessCatchUp  TessCatchUp;
typedef struct _TessReading  TessReading;

/**
 * TessSession:
 *
 * One account in the engine: the connection and everything that rides on it. Private to the room: its parts
 * (contacts, outbound, catch-up, inbound) read these fields; each is changed only by the file that the comment names.
 * Engine thread.
 */
struct _TessSession
{
  /* What it stands on, all living longer. */
  TessStore      *store;
  TessEventQueue *events;
  GTlsDatabase   *trust; /* nullable: the system's */

  TessAccountRecord *account;
  TessJid           *jid; /* bare */

  /* tess-session.c: the connection */
  TessConnection       *connection;
  TessCredentials      *credentials; /* nullable */
  gboolean              wanted;   /* it shall be online */
  gboolean              gave_up;  /* …until something came in the way that only a person can mend */
  gboolean              prove_key; /* tess-session-login.c: another login shows whether the key is good for more than one */
  gboolean              again;    /* the stream is ended to begin another at once */
  TessBackoff           backoff;
  gboolean              hushed; /* the next attempt is one of many, with little hope: not worth a word */
  gint64                opened_us; /* monotonic: when the stream was opened */
  gint64                asked_us;    /* tess-session-clock.c: monotonic: when the server was asked what time it is */
  gint64                opened_id;   /* …the newest message that was stored then */
  gint64                opened_real_us; /* …what our clock showed; 0: what time it is for the server was known */
  gboolean              brought_back; /* …nothing stands in the future */
  GSource              *retry;
  TessKeepalive         keepalive;
  GSource              *look; /* whether a ping is due */
  GCancellable         *opening;
  TessStream           *stream;
  TessStreamManagement *management;
  gboolean              inherited; /* …is of another process, which has ended */
  gboolean              mute;      /* …was taken up again, and the server answered nothing on it */
  gboolean              time_pending; /* it is being asked, and not known: nothing is sent that gets a place by it */
  gboolean              timeless;  /* the server does not say what time it is */
  gboolean              lasting;   /* the database has the session of the stream */
  guint                 history_days; /* tess-worker-history.c: what is older is not wanted back out of the archive; 0: everything is */
  guint                 left_seconds; /* so long the server keeps another session that was lost, and that takes messages; 0: there is none */
  gboolean              no_network; /* the desktop says so; it may be wrong */
  gboolean              not_in_use; /* no window of ours is in front */
  gboolean              csi;        /* the server wants to hear of that (XEP-0352) */
  gboolean              refused;    /* the database has refused, and stored no message since */
  gboolean              omemo_refused; /* … of what OMEMO does by itself: it is done again on the next stream */
  gint64                refused_us; /* monotonic: when the person was told so last; 0: never */
  gboolean              no_archive; /* the server has said so */
  gboolean              stamps; /* the server says that it takes forged stanza-ids off (XEP-0359 section 3.1) */
  void                (*closed) (gpointer data); /* told once, when the stream that is being closed has ended */
  gpointer              closed_data;

  /* The protocol, for as long as the account lives. */
  TessRouter  *router;
  TessDisco   *disco;
  TessCaps    *caps;
  TessPep     *pep;
  TessMam     *mam;
  TessOmemoDb *omemo_db;
  TessOmemo   *omemo;

  GHashTable   *named; /* a set of own devices that were asked in this connection what they are */
  TessContacts *contacts;
  TessOutbound *outbound;
  TessCatchUp  *catch_up;
  TessReading  *reading;
};

/**
 * tess_session_new:
 * @account: (transfer full): a stored account
 *
 * Returns: (nullable): a session that is offline; %NULL when the database or the address is at fault
 */
TessSession *tess_session_new  (TessStore *store, TessEventQueue *events, GTlsDatabase *trust, TessAccountRecord *account,
                                GError **error);
void         tess_session_free (TessSession *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessSession, tess_session_free)

/* Keeps it online from now on. @credentials: (nullable): what is set in it takes the place of what it has. */
void tess_session_connect    (TessSession *self, const TessCredentials *credentials);
/* The same with a stream that is open already. */
void tess_session_adopt      (TessSession *self, TessStream *stream, const TessCredentials *credentials);
void tess_session_disconnect (TessSession *self);
/* The account has changed in a way that matters to the connection: one that is there, or under way, or was given up, is made anew. */
void tess_session_reconnect  (TessSession *self);
/* Signs out in order; @closed is called once, at once when there is nothing to close. */
void tess_session_close      (TessSession *self, void (*closed) (gpointer data), gpointer data);
void tess_session_network_changed (TessSession *self, gboolean available);
/* Whether a window of ours is in front: told to the server when it changes, and on each stream. */
void tess_session_set_in_use      (TessSession *self, gboolean in_use);
gboolean tess_session_is_online   (TessSession *self);

/* @stanza: (transfer full): put on the stream when there is one, dropped otherwise. */
void tess_session_send (TessSession *self, TessNode *stanza);

/* The archive has been asked: what of ours it had is not sent again. And what is sent gets its place by the server's time. */
void tess_session_go_online (TessSession *self);

/* The account record changed: stores it and tells the model. */
void tess_session_save_account (TessSession *self);

/* The database refused: a sentence for the person, and the stream is dropped without acknowledging what was not stored,
 * so that the server sends it again. */
void tess_session_storage_failed (TessSession *self, const GError *error);

/* What time it is for the server: of all that is compared with its stamps. Microseconds since 1970. */
gint64 tess_session_now (TessSession *self);
/* Whether a server may say that it is so late. */
gboolean tess_session_is_possible_time (gint64 time_us);

/* In a transaction: how many of the server's stanzas have been dealt with, for a process that resumes the session. @one_more: the one
 * that is being dealt with, too. */
gboolean tess_session_count (TessSession *self, gboolean one_more, GError **error);

/* Something that a person should know; @error is borrowed. */
void tess_session_report (TessSession *self, const GError *error);

/* Whether @jid may be answered without being asked: the own account, the roster, or somebody written to before (D15, C11). */
gboolean tess_session_may_answer (TessSession *self, TessJid *jid);

G_END_DECLS
