/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-mds.h"

#include "xmpp/xep/tess-xep-sid.h"

TessPepOptions
tess_xep_mds_options (guint max_items)
{
  TessPepOptions options = {
    .access = TESS_PEP_ACCESS_WHITELIST,
    .persist = TRUE,
    .max_items = max_items,
    .never_last = TRUE,
  };

  return options;
}

TessNode *
tess_xep_mds_build (TessJid *by, const char *id)
{
  TessNode *displayed = tess_node_new ("displayed", TESS_XEP_MDS_NS);
  TessNode *stanza_id = tess_node_add (displayed, "stanza-id", TESS_XEP_SID_NS);

  tess_node_set (stanza_id, "id", id);
  tess_node_set (stanza_id, "by", tess_jid_to_bare_string (by));

  return displayed;
}

TessJid *
tess_xep_mds_get (const TessPepItem *item, TessJid *by, const char **id)
{
  *id = NULL;
  if (item->id == NULL || item->payload == NULL || !tess_node_is (item->payload, "displayed", TESS_XEP_MDS_NS))
    return NULL;
  *id = tess_xep_sid_get_stanza_id (item->payload, by);

  return *id != NULL ? tess_jid_new_bare (item->id, NULL) : NULL;
}
