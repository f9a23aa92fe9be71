/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/xep/tess-xep-pep.h"

G_BEGIN_DECLS

#define TESS_XEP_MDS_NS "urn:xmpp:mds:displayed:0"

/* Also the name of the node: private, with one item a chat, whose id is the chat's bare address (XEP-0490 section 4.1). */
#define TESS_XEP_MDS_NODE TESS_XEP_MDS_NS

/* What the node must be like (section 4.2; attacks row C6). @max_items: as in TessPepOptions. */
TessPepOptions tess_xep_mds_options (guint max_items);

/* Displayed up to the message that @by, the own account, archived as @id. Returns: (transfer full) */
TessNode *tess_xep_mds_build (TessJid *by, const char *id);

/**
 * tess_xep_mds_get:
 * @item: of the own account's node: for the caller to check (attacks row C5)
 * @by: the own account
 * @id: (out) (transfer none) (nullable): what its archive calls the message up to which the chat was displayed
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): the chat; %NULL for an item that is none, or of a room
 */
TessJid *tess_xep_mds_get (const TessPepItem *item, TessJid *by, const char **id);

G_END_DECLS
