/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * TessMailbox:
 *
 * The thread boundary: any thread posts owned plain messages, the thread that iterates the
 * mailbox's context takes them out in order. Reference-counted by atomic operations.
 */
typedef struct _TessMailbox TessMailbox;

/**
 * TessMailboxFunc:
 * @message: (transfer full): a message that was posted
 * @user_data: as given to [func@tess_mailbox_new]
 *
 * Called on the receiving thread.
 */
typedef void (*TessMailboxFunc) (gpointer message, gpointer user_data);

/**
 * tess_mailbox_new:
 * @context: (nullable): where messages are delivered; the default context when %NULL
 * @priority: the priority of the delivery, for example %G_PRIORITY_DEFAULT
 * @receive: takes each message
 * @user_data: for @receive; must live until [func@tess_mailbox_close]
 * @free_message: frees a message that is never delivered
 *
 * Any thread.
 *
 * Returns: (transfer full): a new mailbox, free with [func@tess_mailbox_unref] after closing it
 */
TessMailbox *tess_mailbox_new (GMainContext   *context,
                               int             priority,
                               TessMailboxFunc receive,
                               gpointer        user_data,
                               GDestroyNotify  free_message);

/**
 * tess_mailbox_post:
 * @message: (transfer full): an owned plain struct, never a GObject
 *
 * Any thread. What is posted after closing is freed at once.
 */
void tess_mailbox_post (TessMailbox *self, gpointer message);

/**
 * tess_mailbox_close:
 *
 * The receiving thread. No message is delivered afterwards; what is left is freed.
 */
void tess_mailbox_close (TessMailbox *self);

/**
 * tess_mailbox_drain:
 *
 * The receiving thread. Delivers all that is queued now, without the time slice: for an orderly stop,
 * when the sending thread has ended.
 */
void tess_mailbox_drain (TessMailbox *self);

TessMailbox *tess_mailbox_ref   (TessMailbox *self);
void         tess_mailbox_unref (TessMailbox *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessMailbox, tess_mailbox_unref)

G_END_DECLS
