/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-receipts.h"

#include "xmpp/xep/tess-xep-hints.h"
#include "xmpp/xep/tess-xep-text.h"

#define CLIENT_NS "jabber:client"

void
tess_xep_receipts_add_request (TessNode *message)
{
  tess_node_add (message, "request", TESS_XEP_RECEIPTS_NS);
}

const char *
tess_xep_receipts_get_requested (const TessNode *message)
{
  const char *type = tess_node_get (message, "type");
  const char *id = tess_node_get (message, "id");

  if (tess_node_child (message, "request", TESS_XEP_RECEIPTS_NS) == NULL ||
      !tess_xep_text_is_id (id))
    return NULL;
  if (g_strcmp0 (type, "error") == 0 || g_strcmp0 (type, "groupchat") == 0)
    return NULL;
  /* A receipt asks for no receipt (section 5.4): two clients would answer each other for ever. */
  if (tess_node_child (message, "received", TESS_XEP_RECEIPTS_NS) != NULL)
    return NULL;

  return id;
}

const char *
tess_xep_receipts_get_received (const TessNode *message)
{
  const TessNode *received = tess_node_child (message, "received", TESS_XEP_RECEIPTS_NS);
  const char     *id = received != NULL ? tess_node_get (received, "id") : NULL;

  if (g_strcmp0 (tess_node_get (message, "type"), "error") == 0)
    return NULL;

  return tess_xep_text_is_id (id) ? id : NULL;
}

TessNode *
tess_xep_receipts_build (TessJid *to, const char *type, const char *id)
{
  TessNode *message = tess_node_new ("message", CLIENT_NS);

  tess_node_set (message, "to", tess_jid_to_string (to));
  tess_node_set (message, "type", type);
  tess_node_set (tess_node_add (message, "received", TESS_XEP_RECEIPTS_NS), "id", id);
  tess_xep_hints_add (message, TESS_HINT_STORE);

  return message;
}
