/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/tess-conversation.h"
#include "model/tess-conversation-list.h"

G_BEGIN_DECLS

void tess_conversation_list_add    (TessConversationList *self, TessConversation *conversation);
void tess_conversation_list_remove (TessConversationList *self, TessConversation *conversation);

/* Between the two nothing is told; then all of it in one `items-changed`. They nest. */
void tess_conversation_list_freeze (TessConversationList *self);
void tess_conversation_list_thaw   (TessConversationList *self);

G_END_DECLS
