/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessMessageRow:
 *
 * One message as a bubble, with what stands above it: a day, the line of the new messages. Follows its message.
 */
#define TESS_TYPE_MESSAGE_ROW (tess_message_row_get_type ())
G_DECLARE_FINAL_TYPE (TessMessageRow, tess_message_row, TESS, MESSAGE_ROW, GtkWidget)

GtkWidget   *tess_message_row_new         (TessConversation *conversation, TessMessage *message);
TessMessage *tess_message_row_get_message (TessMessageRow *self);
/* Shows another message of the same conversation, which is far cheaper than a new row. FALSE: somebody is busy with it, or with what it
 * has opened; nothing has changed then. Both this and a new row want tess_message_row_set_place () next. */
gboolean     tess_message_row_reuse       (TessMessageRow *self, TessMessage *message);

/**
 * tess_message_row_set_place:
 * @day: (nullable): the words for its day, when it is the first of one
 * @unread: whether the new messages begin with it
 * @first: whether it begins a group
 * @last: whether it ends one, and so carries time and lock
 */
void tess_message_row_set_place (TessMessageRow *self, const char *day, gboolean unread, gboolean first, gboolean last);

G_END_DECLS
