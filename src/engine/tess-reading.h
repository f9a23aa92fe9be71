/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-inbound.h"
#include "engine/tess-session.h"

G_BEGIN_DECLS

/**
 * TessReading:
 *
 * What is read where. What a person reads here is told to whom wrote it (XEP-0333), when they may know, and always to their own other
 * devices (XEP-0490); what was read there is read here. Up to where others were told is kept in the database, so that nothing is
 * told twice, and what could not be told is told once the account is online again. Engine thread.
 */

TessReading *tess_reading_new  (TessSession *session);
void         tess_reading_free (TessReading *self);

/* A session with the server begins: what was read elsewhere meanwhile is asked for. */
void tess_reading_begin     (TessReading *self);
/* The server has said what it is, and may have: @private_nodes: whether it keeps a private node private (XEP-0223 section 5). */
void tess_reading_informed  (TessReading *self, gboolean private_nodes);
/* The archive has been asked on this session, or goes on. */
void tess_reading_caught_up (TessReading *self);

/* Something was read here: others are told in a moment, with all that is read until then. */
void tess_reading_tell_soon (TessReading *self);

/* A marker in a message of somebody else (attacks row C11), or of one of our own devices. Returns: %FALSE when the database failed. */
gboolean tess_reading_take_marker (TessReading *self, const TessInbound *in, const char *id);

/* A message was stored: one of our own devices may have read it already. Within the transaction of a page or behind that of its own. */
void     tess_reading_hear   (TessReading *self, const TessMessageRecord *message);
/* In the transaction of a page of what was said before this device was here: it is no news up to there, unless another device has said up
 * to where it was read. */
gboolean tess_reading_leave_behind (TessReading *self, gint64 conversation_id, const char *peer, gint64 time_us, gint64 message_id,
                                    GError **error);
/* …and now it counts. Behind each message, and in the transaction of a page. */
gboolean tess_reading_settle (TessReading *self, GError **error);

G_END_DECLS
