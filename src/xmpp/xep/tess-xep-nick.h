/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_NICK_NS "http://jabber.org/protocol/nick"
#define TESS_XEP_NICK_MAX 100 /* characters */

/**
 * tess_xep_nick_get:
 * @stanza: a message or presence, or the item of a PEP event
 *
 * XEP-0172: what somebody calls itself. It proves nothing, and is never shown without the address
 * (E11, C13).
 *
 * Returns: (transfer full) (nullable): one line, clipped and without control characters
 */
char *tess_xep_nick_get (const TessNode *stanza);

G_END_DECLS
