/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-chat-states.h"

static const char *const names[] = {
  [TESS_CHAT_STATE_ACTIVE] = "active", [TESS_CHAT_STATE_COMPOSING] = "composing",
  [TESS_CHAT_STATE_PAUSED] = "paused", [TESS_CHAT_STATE_INACTIVE] = "inactive",
  [TESS_CHAT_STATE_GONE] = "gone",
};

TessChatState
tess_xep_chat_states_get (const TessNode *message)
{
  const TessNode *child = tess_node_child (message, NULL, TESS_XEP_CHAT_STATES_NS);

  if (child == NULL || tess_node_next (child, NULL, TESS_XEP_CHAT_STATES_NS) != NULL ||
      g_strcmp0 (tess_node_get (message, "type"), "error") == 0)
    return TESS_CHAT_STATE_NONE;
  for (gsize i = TESS_CHAT_STATE_ACTIVE; i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (tess_node_get_name (child), names[i]) == 0)
      return (TessChatState) i;

  return TESS_CHAT_STATE_NONE;
}

void
tess_xep_chat_states_add (TessNode *message, TessChatState state)
{
  if (state != TESS_CHAT_STATE_NONE)
    tess_node_add (message, names[state], TESS_XEP_CHAT_STATES_NS);
}
