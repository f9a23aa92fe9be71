/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-carbons.h"

#include "xmpp/xep/tess-xep-forward.h"

guint
tess_xep_carbons_enable (TessRouter *router, TessReplyFunc reply, gpointer user_data)
{
  return tess_router_send_iq (router, NULL, "set", tess_node_new ("enable", TESS_XEP_CARBONS_NS), 0,
                              reply, user_data);
}

/* A copy of what we sent is from us, one of what we received is to us: whatever else is in it is no
 * carbon. */
static gboolean
concerns_us (TessRouter *router, TessCarbon direction, const TessNode *inner)
{
  const char         *text = tess_node_get (inner, direction == TESS_CARBON_SENT ? "from" : "to");
  g_autoptr (TessJid) jid = NULL;

  /* A message without an addressee is for the sender's own account (RFC 6120 section 8.1.1.1). */
  if (text == NULL)
    return direction == TESS_CARBON_RECEIVED;
  jid = tess_jid_new (text, NULL);

  return jid != NULL && tess_router_is_own_bare (router, tess_jid_get_bare (jid));
}

TessCarbon
tess_xep_carbons_unwrap (TessRouter *router,
                         const TessStanza *stanza,
                         gint64 now_us,
                         const TessNode **inner,
                         gint64 *time_us)
{
  const TessNode *sent = tess_node_child (stanza->node, "sent", TESS_XEP_CARBONS_NS);
  const TessNode *received = tess_node_child (stanza->node, "received", TESS_XEP_CARBONS_NS);
  const TessNode *wrapper = sent != NULL ? sent : received;
  const TessNode *message = NULL;
  TessCarbon      direction = sent != NULL ? TESS_CARBON_SENT : TESS_CARBON_RECEIVED;

  *inner = NULL;
  if (wrapper == NULL)
    return TESS_CARBON_NONE;
  if (!tess_router_is_own_bare (router, stanza->from) || g_strcmp0 (stanza->type, "error") == 0)
    {
      g_debug ("A carbon from somebody else is dropped");
      return TESS_CARBON_FORGED;
    }
  if ((sent != NULL && received != NULL) ||
      tess_node_next (wrapper, tess_node_get_name (wrapper), TESS_XEP_CARBONS_NS) != NULL)
    return TESS_CARBON_FORGED;

  message = tess_xep_forward_unwrap (wrapper, now_us, time_us);
  if (message == NULL || !concerns_us (router, direction, message))
    return TESS_CARBON_FORGED;

  *inner = message;
  return direction;
}

void
tess_xep_carbons_add_private (TessNode *message)
{
  tess_node_add (message, "private", TESS_XEP_CARBONS_NS);
}
