/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-jid.h"
#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_RECEIPTS_NS "urn:xmpp:receipts"

/* Asks for a receipt; @message must have an id. */
void tess_xep_receipts_add_request (TessNode *message);

/**
 * tess_xep_receipts_get_requested:
 * @message: a message that came live, not from an archive and not as a carbon
 *
 * Whether to answer strangers is for the caller to decide (attacks row C11). Any thread.
 *
 * Returns: (transfer none) (nullable): the id to acknowledge; %NULL when none is asked for, when
 * there is no id, and for types error and groupchat (XEP-0184 section 5.3)
 */
const char *tess_xep_receipts_get_requested (const TessNode *message);

/* Returns: (transfer none) (nullable): the id that a receipt acknowledges. It counts only when it
 * comes from that message's recipient: for the caller to check. */
const char *tess_xep_receipts_get_received (const TessNode *message);

/* A receipt, with a hint to store it. @type: of the message it answers. Returns: (transfer full) */
TessNode *tess_xep_receipts_build (TessJid *to, const char *type, const char *id);

G_END_DECLS
