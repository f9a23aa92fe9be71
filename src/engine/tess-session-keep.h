/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-session.h"

G_BEGIN_DECLS

/* The session with the server (XEP-0198) lasts longer than the process: after a crash the next one resumes it. What was handled is counted
 * in the transaction that keeps it (tess_session_count()), so whatever was not is sent again by the server. Engine thread. */

/* At the start: what another process left behind becomes the session to resume. FALSE: the database failed. */
gboolean tess_session_inherit_stream  (TessSession *self, GError **error);
/* A session was bound or resumed. */
void     tess_session_remember_stream (TessSession *self);
/* Before something is acknowledged: a process that resumes must not say less. */
void     tess_session_keep_count      (TessSession *self);
/* It is over. */
void     tess_session_forget_stream   (TessSession *self);

G_END_DECLS
