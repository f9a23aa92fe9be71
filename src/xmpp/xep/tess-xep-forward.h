/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_FORWARD_NS "urn:xmpp:forward:0"

/**
 * tess_xep_forward_unwrap:
 * @wrapper: what stands around `<forwarded/>`; the caller has checked that its sender may forward
 * @now_us: the time now, in microseconds since 1970: a later stamp is clamped to it (attacks row
 * C14)
 * @time_us: (out) (optional): when the message was first sent, 0 when the wrapper does not say
 *
 * Any thread.
 *
 * Returns: (transfer none) (nullable): the message inside, owned by @wrapper; %NULL unless there is
 * exactly one `<forwarded/>` with exactly one message, and that one forwards nothing itself
 * (attacks row C1)
 */
const TessNode *tess_xep_forward_unwrap (const TessNode *wrapper, gint64 now_us, gint64 *time_us);

G_END_DECLS
