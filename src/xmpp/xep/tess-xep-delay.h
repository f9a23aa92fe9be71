/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-jid.h"
#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_DELAY_NS "urn:xmpp:delay"

/**
 * tess_xep_delay_get:
 * @stanza: a stanza that came over the stream
 * @account: (nullable): the own account: its bare address and its domain are believed
 * @room: (nullable): the room that sent @stanza: its bare address is believed; else %NULL
 * @now_us: the time now, in microseconds since 1970: a later stamp is clamped to it
 * @time_us: (out): when the stanza was sent
 *
 * XEP-0203; attacks row C14. A stamp without `from` is not believed. Of several the last is taken:
 * a server adds its own behind what the sender wrote. No server takes off what a sender wrote in its name, so in a message that came
 * live this is what the server may have said: the caller bounds it by what it knows. Any thread.
 *
 * Returns: %FALSE when there is no stamp to be believed; @time_us is untouched then
 */
gboolean tess_xep_delay_get (const TessNode *stanza,
                             const TessJid  *account,
                             const TessJid  *room,
                             gint64          now_us,
                             gint64         *time_us);

/* The stamp of the only `<delay/>` in @wrapper, whoever it is from: for wrappers whose sender was
 * checked. */
gboolean tess_xep_delay_get_unchecked (const TessNode *wrapper, gint64 now_us, gint64 *time_us);

G_END_DECLS
