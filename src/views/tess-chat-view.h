/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessChatView:
 *
 * One conversation: who, how safe, what else; the messages; what needs a decision; the composer. Made anew for each conversation.
 * Property: `folded`, whether it stands alone and needs a way back.
 */
#define TESS_TYPE_CHAT_VIEW (tess_chat_view_get_type ())
G_DECLARE_FINAL_TYPE (TessChatView, tess_chat_view, TESS, CHAT_VIEW, GtkWidget)

GtkWidget        *tess_chat_view_new              (TessConversation *conversation);
TessConversation *tess_chat_view_get_conversation (TessChatView *self);
void              tess_chat_view_focus            (TessChatView *self);
void              tess_chat_view_verify           (TessChatView *self);
void              tess_chat_view_show_contact     (TessChatView *self);

G_END_DECLS
