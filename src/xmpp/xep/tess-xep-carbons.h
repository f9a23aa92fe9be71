/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-router.h"

G_BEGIN_DECLS

#define TESS_XEP_CARBONS_NS "urn:xmpp:carbons:2"

typedef enum
{
  TESS_CARBON_NONE,     /* no carbon: go on with the stanza itself */
  TESS_CARBON_RECEIVED, /* another of our resources received it */
  TESS_CARBON_SENT,     /* another of our resources sent it */
  TESS_CARBON_FORGED,   /* looks like one and may not be believed: drop the whole stanza */
} TessCarbon;

/* Returns: a serial for tess_router_forget(). Engine thread. */
guint tess_xep_carbons_enable (TessRouter *router, TessReplyFunc reply, gpointer user_data);

/**
 * tess_xep_carbons_unwrap:
 * @stanza: a message
 * @now_us: the time now, in microseconds since 1970
 * @inner: (out) (transfer none) (nullable): the message that was copied, owned by @stanza
 * @time_us: (out) (optional): when it was sent, 0 when the carbon does not say
 *
 * Believes only the own bare address exactly (XEP-0280 section 11; attacks row C1), no nested
 * forwards, and only messages that the own account sent or received.
 */
TessCarbon tess_xep_carbons_unwrap (TessRouter       *router,
                                    const TessStanza *stanza,
                                    gint64            now_us,
                                    const TessNode  **inner,
                                    gint64           *time_us);

/* Asks the server for no carbons of this message (section 6.1). */
void tess_xep_carbons_add_private (TessNode *message);

G_END_DECLS
