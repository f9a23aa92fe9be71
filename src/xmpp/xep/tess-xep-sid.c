/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-sid.h"

#include "xmpp/xep/tess-xep-text.h"

void
tess_xep_sid_add_origin_id (TessNode *message, const char *id)
{
  tess_node_set (tess_node_add (message, "origin-id", TESS_XEP_SID_NS), "id", id);
}

const char *
tess_xep_sid_get_origin_id (const TessNode *message)
{
  const TessNode *origin = tess_node_child (message, "origin-id", TESS_XEP_SID_NS);
  const char     *id = origin != NULL ? tess_node_get (origin, "id") : NULL;

  return tess_xep_text_is_id (id) ? id : NULL;
}

const char *
tess_xep_sid_get_stanza_id (const TessNode *message, const TessJid *by)
{
  const char *found = NULL;
  guint       n_found = 0;

  for (TESS_NODE_EACH (stanza_id, message, "stanza-id", TESS_XEP_SID_NS))
    {
      const char         *text = tess_node_get (stanza_id, "by");
      g_autoptr (TessJid) jid = text != NULL ? tess_jid_new (text, NULL) : NULL;

      if (jid == NULL || !tess_jid_is_bare (jid) || !tess_jid_bare_equal (jid, by))
        continue;
      found = tess_node_get (stanza_id, "id");
      n_found++;
    }

  return n_found == 1 && tess_xep_text_is_id (found) ? found : NULL;
}
