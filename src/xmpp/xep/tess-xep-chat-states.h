/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_CHAT_STATES_NS "http://jabber.org/protocol/chatstates"

typedef enum
{
  TESS_CHAT_STATE_NONE, /* the message says nothing */
  TESS_CHAT_STATE_ACTIVE,
  TESS_CHAT_STATE_COMPOSING,
  TESS_CHAT_STATE_PAUSED,
  TESS_CHAT_STATE_INACTIVE,
  TESS_CHAT_STATE_GONE,
} TessChatState;

/* XEP-0085. NONE too for a message of type error and for one with two states. Any thread. */
TessChatState tess_xep_chat_states_get (const TessNode *message);
void          tess_xep_chat_states_add (TessNode *message, TessChatState state);

G_END_DECLS
