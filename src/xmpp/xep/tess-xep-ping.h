/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-router.h"

G_BEGIN_DECLS

#define TESS_XEP_PING_NS "urn:xmpp:ping"

/* Answers pings from now on (XEP-0199). Returns: an id for tess_router_remove_handler(). */
guint tess_xep_ping_listen (TessRouter *router);

/**
 * tess_xep_ping_send:
 * @to: (nullable): whom; the own account when %NULL
 * @reply: an error of the other side (%TESS_XMPP_ERROR_STANZA and its kin) is an answer too: the
 * way works
 *
 * Returns: a serial for [func@tess_router_forget]
 */
guint tess_xep_ping_send (TessRouter *router,
                          TessJid *to,
                          guint timeout_seconds,
                          TessReplyFunc reply,
                          gpointer user_data);

G_END_DECLS
