/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-event.h"

G_BEGIN_DECLS

/**
 * TessEventQueue:
 *
 * Gathers what the model shall hear into batches: messages of one conversation become one event, a conversation that
 * changed many times is read from the database once. Engine thread.
 */
typedef struct _TessEventQueue TessEventQueue;

/* @events: (element-type TessEvent) (transfer full): never empty */
typedef void (*TessEventQueueFlushFunc) (GPtrArray *events, gpointer user_data);

/* Returns: (transfer full) (nullable): the conversation as it is now, %NULL when it is gone */
typedef TessConversationRecord *(*TessEventQueueReadFunc) (gint64 account_id, const char *peer, gpointer user_data);

TessEventQueue *tess_event_queue_new  (TessEventQueueFlushFunc flush, TessEventQueueReadFunc read, gpointer user_data);
void            tess_event_queue_free (TessEventQueue *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessEventQueue, tess_event_queue_free)

/* @event: (transfer full) */
void tess_event_queue_add (TessEventQueue *self, TessEvent *event);

/**
 * tess_event_queue_add_message:
 * @message: (transfer full): new or changed, with its conversation_id
 * @live: whether a notification is due
 */
void tess_event_queue_add_message (TessEventQueue *self, TessMessageRecord *message, gboolean live);

/* The conversation with @peer changed. */
void tess_event_queue_touch_conversation (TessEventQueue *self, gint64 account_id, const char *peer);

/* The conversation is gone: nothing about it follows. */
void tess_event_queue_forget_conversation (TessEventQueue *self, gint64 account_id, const char *peer, gint64 conversation_id);

/* Nothing of the messages and conversations that were gathered since the last flush is told: it was not stored after all. */
void tess_event_queue_forget_stored (TessEventQueue *self);

/* Hands out now what was gathered; happens by itself when the thread's context comes round. */
void tess_event_queue_flush (TessEventQueue *self);

G_END_DECLS
