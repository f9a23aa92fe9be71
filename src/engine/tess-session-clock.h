/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-session.h"

G_BEGIN_DECLS

/* What time it is for the server (XEP-0202, base/tess-clock.h), and what is to be done about that which was stored before that was known.
 * Engine thread. */

/* A stream was opened: what comes on it is stored by our clock until the server has said what time it is. */
void tess_session_note_opening (TessSession *self);
/* Before anything that has a stamp. What waits to be sent waits for the answer, where the time is not known. */
void tess_session_ask_time     (TessSession *self);
/* The time is known: what another process has put into the future, by a clock that was wrong, stands where it belongs. Once. */
void tess_session_bring_back   (TessSession *self);

G_END_DECLS
