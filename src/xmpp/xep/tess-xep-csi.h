/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_CSI_NS "urn:xmpp:csi:0"

/**
 * tess_xep_csi_is_offered:
 * @features: (nullable): a <stream:features/>, before or after the login
 *
 * Whether the server wants to hear if the client is in use: as a feature of its own (XEP-0352 section 3), or among what can
 * be done while binding (XEP-0386 section 3.1), which is all that a login over SASL2 shows beforehand.
 */
gboolean  tess_xep_csi_is_offered (const TessNode *features);

/* Returns: (transfer full): for tess_stream_send_nonza () (section 4.2): no stanza, so nothing counts it. */
TessNode *tess_xep_csi_build      (gboolean active);

G_END_DECLS
