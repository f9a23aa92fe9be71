/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-csi.h"

#include "xmpp/tess-stream-private.h"

static gboolean
is_offered_at_bind (const TessNode *features)
{
  const TessNode *authentication = tess_node_child (features, "authentication", TESS_NS_SASL2);
  const TessNode *bind = tess_node_child (tess_node_child (authentication, "inline", TESS_NS_SASL2), "bind", TESS_NS_BIND2);
  const TessNode *list = tess_node_child (bind, "inline", TESS_NS_BIND2);

  for (TESS_NODE_EACH (feature, list, "feature", TESS_NS_BIND2))
    if (g_strcmp0 (tess_node_get (feature, "var"), TESS_XEP_CSI_NS) == 0)
      return TRUE;

  return FALSE;
}

gboolean
tess_xep_csi_is_offered (const TessNode *features)
{
  return tess_node_child (features, "csi", TESS_XEP_CSI_NS) != NULL || is_offered_at_bind (features);
}

TessNode *
tess_xep_csi_build (gboolean active)
{
  return tess_node_new (active ? "active" : "inactive", TESS_XEP_CSI_NS);
}
