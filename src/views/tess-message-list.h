/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessMessageList:
 *
 * Lays the messages of a timeline out with their exact heights (GtkListView of GTK 4.8 guesses them, and jumps). A timeline never
 * holds more than %TESS_TIMELINE_MAX, so all rows exist; only those in sight are drawn. What stands in sight stays where it is when
 * rows come and go above it, when rows change their height and when the window changes its width; at the end it stays at the end.
 * Put it into a GtkScrolledWindow. It asks the timeline for pages by itself.
 *
 * Signals: `seen` (TessMessage): everything up to this message has been in sight. `moved`: scrolled, or the end came or went.
 */
#define TESS_TYPE_MESSAGE_LIST (tess_message_list_get_type ())
G_DECLARE_FINAL_TYPE (TessMessageList, tess_message_list, TESS, MESSAGE_LIST, GtkWidget)

/* @unread: how many of the newest messages of the other side stand below the line of the new messages; 0 for no line */
void     tess_message_list_set_conversation (TessMessageList *self, TessConversation *conversation, TessTimeline *timeline,
                                             guint unread);
/* Whether the newest message is in sight. */
gboolean tess_message_list_get_at_end       (TessMessageList *self);
void     tess_message_list_jump_to_end      (TessMessageList *self);
/* The first message from that time on comes to the top of the window, as soon as it is loaded. */
void     tess_message_list_go_to            (TessMessageList *self, gint64 time_us);
/* @message: (out) (transfer none) (nullable): what is at the top of the window; NULL: the end is in sight. @offset: (out): how far below the
 * top. FALSE: it is on its way somewhere. */
gboolean tess_message_list_get_place        (TessMessageList *self, TessMessage **message, int *offset);
/* -1 a page up, 1 a page down. */
void     tess_message_list_scroll_page      (TessMessageList *self, int direction);
/* Words of days and the line of new messages anew. */
void     tess_message_list_refresh          (TessMessageList *self);
void     tess_message_list_clear_unread     (TessMessageList *self);
/* Whether somebody looks, which is so at first. What comes in while nobody does stands below the line of new messages; the line stays until
 * whoever came back has gone again. */
void     tess_message_list_set_watched      (TessMessageList *self, gboolean watched);

G_END_DECLS
