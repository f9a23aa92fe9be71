/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_EME_NS "urn:xmpp:eme:0"

/* Says how @message is encrypted (XEP-0380). @name nullable. */
void tess_xep_eme_add (TessNode *message, const char *encryption_ns, const char *name);

/**
 * tess_xep_eme_get:
 * @name: (out) (optional) (transfer full) (nullable): the sender's word for it; foreign text,
 * clipped
 *
 * A hint without proof: only for a sentence about what we cannot decrypt. Any thread.
 *
 * Returns: (transfer none) (nullable): the namespace of the encryption
 */
const char *tess_xep_eme_get (const TessNode *message, char **name);

G_END_DECLS
