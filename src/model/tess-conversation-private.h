/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-engine.h"
#include "model/tess-conversation.h"

G_BEGIN_DECLS

TessConversation *tess_conversation_new (TessAccount *account, const TessConversationRecord *record);

void         tess_conversation_update        (TessConversation *self, const TessConversationRecord *record);
/* @contact: (nullable) */
void         tess_conversation_set_contact   (TessConversation *self, TessContact *contact);
void         tess_conversation_take_typing   (TessConversation *self, gboolean typing);
/* (element-type TessMessageRecord): new or changed ones, in the order of the timeline */
void         tess_conversation_take_messages (TessConversation *self, GPtrArray *records);
/* Its account is online: the archive can be asked again. */
void         tess_conversation_online        (TessConversation *self);
/* What is not newer is deleted: see TESS_EVENT_MESSAGES_GONE. */
void         tess_conversation_take_gone     (TessConversation *self, gint64 until_us);
/* It is deleted. */
void         tess_conversation_gone          (TessConversation *self);
/* The message of @record: the one that the timeline shows, or a new object. (transfer full) */
TessMessage *tess_conversation_get_message   (TessConversation *self, const TessMessageRecord *record);

G_END_DECLS
