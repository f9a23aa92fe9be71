/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessConversationList:
 *
 * A GListModel of TessConversation, newest first. Filtering as one types is GtkFilterListModel's work, in the view.
 */
#define TESS_TYPE_CONVERSATION_LIST (tess_conversation_list_get_type ())
G_DECLARE_FINAL_TYPE (TessConversationList, tess_conversation_list, TESS, CONVERSATION_LIST, GObject)

TessConversationList *tess_conversation_list_new (void);

G_END_DECLS
