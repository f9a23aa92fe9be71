/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-forward.h"

#include "xmpp/xep/tess-xep-carbons.h"
#include "xmpp/xep/tess-xep-delay.h"
#include "xmpp/xep/tess-xep-mam.h"

#define CLIENT_NS "jabber:client"

static gboolean
forwards (const TessNode *message)
{
  return tess_node_child (message, "forwarded", TESS_XEP_FORWARD_NS) != NULL ||
         tess_node_child (message, "sent", TESS_XEP_CARBONS_NS) != NULL ||
         tess_node_child (message, "received", TESS_XEP_CARBONS_NS) != NULL ||
         tess_node_child (message, "result", TESS_XEP_MAM_NS) != NULL;
}

const TessNode *
tess_xep_forward_unwrap (const TessNode *wrapper, gint64 now_us, gint64 *time_us)
{
  const TessNode *forwarded = tess_node_child (wrapper, "forwarded", TESS_XEP_FORWARD_NS);
  const TessNode *message = tess_node_child (forwarded, "message", CLIENT_NS);
  gint64          stamp_us = 0;

  if (message == NULL || tess_node_next (forwarded, "forwarded", TESS_XEP_FORWARD_NS) != NULL ||
      tess_node_next (message, "message", CLIENT_NS) != NULL)
    return NULL;
  if (forwards (message))
    return NULL;

  if (!tess_xep_delay_get_unchecked (forwarded, now_us, &stamp_us))
    stamp_us = 0;
  if (time_us != NULL)
    *time_us = stamp_us;

  return message;
}
