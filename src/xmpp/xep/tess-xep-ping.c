/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-ping.h"

static gboolean
answer_cb (const TessStanza *stanza, gpointer user_data)
{
  tess_router_reply (user_data, stanza, NULL);

  return TRUE;
}

guint
tess_xep_ping_listen (TessRouter *router)
{
  return tess_router_add_handler (router, TESS_STANZA_IQ_GET, 0, "ping", TESS_XEP_PING_NS,
                                  answer_cb, router);
}

guint
tess_xep_ping_send (
    TessRouter *router, TessJid *to, guint timeout_seconds, TessReplyFunc reply, gpointer user_data)
{
  return tess_router_send_iq (router, to, "get", tess_node_new ("ping", TESS_XEP_PING_NS),
                              timeout_seconds, reply, user_data);
}
