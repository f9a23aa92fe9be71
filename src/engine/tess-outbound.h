/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-session.h"

G_BEGIN_DECLS

/**
 * TessOutbound:
 *
 * The way of a message out: row -> ciphertext in the outbox, in one transaction with the ratchet -> socket -> server's
 * acknowledgement -> state. What is in the outbox is sent again as it is; nothing is encrypted twice. Engine thread.
 */
TessOutbound *tess_outbound_new  (TessSession *session);
void          tess_outbound_free (TessOutbound *self);

/**
 * tess_outbound_send:
 *
 * Stores a new message to @conversation's other side.
 *
 * Returns: (transfer full) (nullable): it, once it is committed
 */
TessMessageRecord *tess_outbound_send (TessOutbound *self, const TessConversationRecord *conversation, const char *text,
                                       GError **error);
/* A failed message is tried again. */
gboolean           tess_outbound_retry (TessOutbound *self, gint64 message_id, GError **error);

/* The stream is up and the archive was asked for what it has of ours already. */
void tess_outbound_online  (TessOutbound *self);
/* The session goes on: what was not acknowledged has been sent again by the stream, and is under way. */
void tess_outbound_resumed (TessOutbound *self, TessStreamManagement *management);
void tess_outbound_offline (TessOutbound *self);
/* A new session was bound: what was under way in the old one may or may not have arrived. */
void tess_outbound_session_lost (TessOutbound *self);

/* Whether something was sent that the server has not acknowledged. */
gboolean tess_outbound_has_in_flight (TessOutbound *self);

/* Encrypts and sends what can be sent now. */
void tess_outbound_pump (TessOutbound *self);

/* The server has the message, says stream management. */
void tess_outbound_acked (TessOutbound *self, gint64 message_id);
/* In a transaction: …or its archive. */
gboolean tess_outbound_found (TessOutbound *self, gint64 message_id, GError **error);
/* Which messages wait here of which it is not known whether the server has them. @peers: (element-type utf8 gint64): to whom, and when the
 * first of them went out; both are freed with g_free (). */
gboolean tess_outbound_list_doubtful (TessOutbound *self, GHashTable *peers, GError **error);
/* Tells the model of it as it is now. */
void tess_outbound_announce (TessOutbound *self, gint64 message_id);

/* A new state of an own message from outside; tells the model when it is one. @error nullable. FALSE: the database failed. */
gboolean tess_outbound_set_state (TessOutbound *self, gint64 message_id, TessMessageState state, const char *reason);

G_END_DECLS
