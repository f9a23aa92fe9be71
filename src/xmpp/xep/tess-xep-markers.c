/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-markers.h"

#include "base/tess-id.h"
#include "xmpp/xep/tess-xep-hints.h"
#include "xmpp/xep/tess-xep-text.h"

TessMarker
tess_xep_markers_get (const TessNode *message, const char **id)
{
  static const char *const names[] = {
    [TESS_MARKER_RECEIVED] = "received",
    [TESS_MARKER_DISPLAYED] = "displayed",
    [TESS_MARKER_ACKNOWLEDGED] = "acknowledged",
  };

  if (id != NULL)
    *id = NULL;
  if (g_strcmp0 (tess_node_get (message, "type"), "error") == 0)
    return TESS_MARKER_NONE;

  for (gsize i = TESS_MARKER_RECEIVED; i < G_N_ELEMENTS (names); i++)
    {
      const TessNode *marker = tess_node_child (message, names[i], TESS_XEP_MARKERS_NS);

      if (marker == NULL || !tess_xep_text_is_id (tess_node_get (marker, "id")))
        continue;
      if (id != NULL)
        *id = tess_node_get (marker, "id");
      return (TessMarker) i;
    }
  if (tess_node_child (message, "markable", TESS_XEP_MARKERS_NS) != NULL)
    return TESS_MARKER_MARKABLE;

  return TESS_MARKER_NONE;
}

TessNode *
tess_xep_markers_build_displayed (TessJid *to, const char *id)
{
  TessNode        *message = tess_node_new ("message", "jabber:client");
  g_autofree char *own_id = tess_id_new ();

  tess_node_set (message, "to", tess_jid_to_bare_string (to));
  tess_node_set (message, "type", "chat");
  tess_node_set (message, "id", own_id);
  tess_node_set (tess_node_add (message, "displayed", TESS_XEP_MARKERS_NS), "id", id);
  tess_xep_hints_add (message, TESS_HINT_STORE);

  return message;
}
