/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-inbound.h"
#include "engine/tess-session.h"

G_BEGIN_DECLS

/**
 * TessCatchUp:
 *
 * What the archive (XEP-0313) has and the database has not. Engine thread.
 *
 * At each login its newest page is asked for. What lies between that and the newest message that was known before is a gap, kept in the
 * database, which is closed from its newer end, page by page: what a person looks at comes first. A page and what is left of the gap are
 * one transaction, so it goes on after a cut where it was. Before what was sent on a session that is lost is sent again, it is looked for.
 * On a new device the last page of each chat is asked for; what is older, when somebody scrolls there.
 */
typedef void (*TessCatchUpDoneFunc) (TessSession *session);

/* @done: what was sent and not acknowledged has been looked for: told once for each start that is not stopped. */
TessCatchUp *tess_catch_up_new   (TessSession *session, TessCatchUpDoneFunc done);
void         tess_catch_up_free  (TessCatchUp *self);
/* A new session. */
void         tess_catch_up_start (TessCatchUp *self);
/* The session is lost. */
void         tess_catch_up_stop  (TessCatchUp *self);
/* The stream is gone, and comes back with the same session. */
void         tess_catch_up_pause (TessCatchUp *self);
void         tess_catch_up_go_on (TessCatchUp *self);

/* A live message is the newest one that is known only when the archive's newest page has been stored. */
gboolean     tess_catch_up_may_move_cursor (TessCatchUp *self);
/* Up to where all stands that the archive had when it was known last; 0: not known. Noted by a clock that was wrong it may be years ahead, and
 * is not believed then; servers stamp whole seconds, so a little is nothing. */
gint64       tess_catch_up_get_known_us (TessCatchUp *self);
/* Whether `done` was told on this session. */
gboolean     tess_catch_up_is_done  (TessCatchUp *self);
/* Whether something older than what comes now may be missing. */
gboolean     tess_catch_up_has_gaps (TessCatchUp *self);

/* The connection is gone while messages were under way: when they arrive they stand in the archive behind what comes meanwhile, and here in
 * front of it. When the session goes on, what is newer than the place that is known now is asked for once more. */
void         tess_catch_up_look_again (TessCatchUp *self);

/* In the transaction of a message that came in while one of ours was under way, before the place that is known moves on to it: which of them
 * was first, only the archive knows, and is asked for it soon. */
gboolean     tess_catch_up_crossed (TessCatchUp *self, GError **error);

/* A message went or came. Where the server does not say what time it is the archive is asked for that message's stamp, once. */
void         tess_catch_up_learn_time (TessCatchUp *self);

/* The person stops the closing of gaps, or lets it go on; kept in the database. */
void         tess_catch_up_set_held (TessCatchUp *self, gboolean held);
/* Tells the model how far it is: at the start. */
void         tess_catch_up_announce (TessCatchUp *self);

/* The person looks at the chat with @peer down to @from_us: if a gap lies there, it is filled for this chat first. */
void         tess_catch_up_look_at  (TessCatchUp *self, const char *peer, gint64 from_us, gint64 to_us);

typedef void (*TessCatchUpHistoryFunc) (gpointer user_data);

/**
 * tess_catch_up_load_history:
 * @peer: with whom
 * @rows: so many messages are wanted that are older than what is stored
 * @until_us: or all down to there; G_MAXINT64 for nothing
 * @loaded: called once, soon: they are stored, or there are no more, or they cannot be had now
 */
void         tess_catch_up_load_history (TessCatchUp *self, const char *peer, guint rows, gint64 until_us, TessCatchUpHistoryFunc loaded,
                                         gpointer user_data);
/* Whether it can be asked now. */
gboolean     tess_catch_up_can_load (TessCatchUp *self);

G_END_DECLS
