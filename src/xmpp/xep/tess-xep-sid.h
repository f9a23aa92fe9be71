/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-jid.h"
#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_SID_NS "urn:xmpp:sid:0"

void tess_xep_sid_add_origin_id (TessNode *message, const char *id);

/* Chosen by the sender: never a reason to take two messages for one (attacks row C7). (nullable) */
const char *tess_xep_sid_get_origin_id (const TessNode *message);

/**
 * tess_xep_sid_get_stanza_id:
 * @by: the own account or the room that delivered @message, which announces %TESS_XEP_SID_NS (the
 * caller has checked: XEP-0359 section 6); its bare part counts
 *
 * Any thread.
 *
 * Returns: (transfer none) (nullable): the id that @by gave; %NULL when there is none or more than
 * one (C7)
 */
const char *tess_xep_sid_get_stanza_id (const TessNode *message, const TessJid *by);

G_END_DECLS
