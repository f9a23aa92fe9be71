/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/* A conversation in the list: who, the newest words, when, how many are unread. Follows its conversation. */
#define TESS_TYPE_CONVERSATION_ROW (tess_conversation_row_get_type ())
G_DECLARE_FINAL_TYPE (TessConversationRow, tess_conversation_row, TESS, CONVERSATION_ROW, GtkListBoxRow)

GtkWidget        *tess_conversation_row_new              (TessConversation *conversation);
TessConversation *tess_conversation_row_get_conversation (TessConversationRow *self);
/* The words of its time anew. */
void              tess_conversation_row_refresh          (TessConversationRow *self);

G_END_DECLS
