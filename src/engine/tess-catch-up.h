/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-inbound.h"
#include "engine/tess-session.h"

G_BEGIN_DECLS

/**
 * TessCatchUp:
 *
 * Asks the archive (XEP-0313) for what came while this device was away: everything since the newest message that is stored,
 * page by page; on a new device the newest page only. Engine thread.
 */
typedef void (*TessCatchUpDoneFunc) (TessSession *session);

/* @done: the archive has been asked, or has nothing to say: told once for each start that is not stopped. */
TessCatchUp *tess_catch_up_new   (TessSession *session, TessCatchUpDoneFunc done);
void         tess_catch_up_free  (TessCatchUp *self);
void         tess_catch_up_start (TessCatchUp *self);
void         tess_catch_up_stop  (TessCatchUp *self);

/* A live message is the newest one that is stored only when nothing before it is missing. */
gboolean     tess_catch_up_may_move_cursor (TessCatchUp *self, TessInboundSource source);
/* Whether the archive has been asked on this session. */
gboolean     tess_catch_up_is_done (TessCatchUp *self);

G_END_DECLS
