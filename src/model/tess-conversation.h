/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/tess-account.h"
#include "model/tess-timeline.h"
#include "records/tess-conversation-record.h"

G_BEGIN_DECLS

/**
 * TessConversation:
 *
 * Properties (read-only unless said, notifying): `id` (int64), `account` (TessAccount), `address`, `name`, `color` (uint 0xRRGGBB),
 * `presence` (TessPresence), `preview` (string: the newest message in one line, nullable), `preview-outgoing`, `preview-state`
 * (TessMessageState), `time` (int64 µs of the newest message, 0 for none), `unread` (uint), `security` (TessSecurity), `encryption`
 * (TessConversationEncryption), `typing`, `draft` (nullable), `last-read-time` (int64 µs).
 */
#define TESS_TYPE_CONVERSATION (tess_conversation_get_type ())
G_DECLARE_FINAL_TYPE (TessConversation, tess_conversation, TESS, CONVERSATION, GObject)

gint64                     tess_conversation_get_id               (TessConversation *self);
TessAccount               *tess_conversation_get_account          (TessConversation *self);
TessContact               *tess_conversation_get_contact          (TessConversation *self); /* nullable: not in the roster */
const char                *tess_conversation_get_address          (TessConversation *self);
const char                *tess_conversation_get_name             (TessConversation *self);
guint                      tess_conversation_get_color            (TessConversation *self);
TessPresence               tess_conversation_get_presence         (TessConversation *self);
const char                *tess_conversation_get_preview          (TessConversation *self);
gboolean                   tess_conversation_get_preview_outgoing (TessConversation *self);
TessMessageState           tess_conversation_get_preview_state    (TessConversation *self);
gint64                     tess_conversation_get_time             (TessConversation *self);
guint                      tess_conversation_get_unread           (TessConversation *self);
TessSecurity               tess_conversation_get_security         (TessConversation *self);
TessConversationEncryption tess_conversation_get_encryption       (TessConversation *self);
gboolean                   tess_conversation_get_typing           (TessConversation *self);
const char                *tess_conversation_get_draft            (TessConversation *self);

/* The messages; one window over history, kept while somebody holds it. (transfer full) */
TessTimeline *tess_conversation_open_timeline (TessConversation *self);

/* Completes when the message is committed to the database. Returns: (transfer full): it. */
void         tess_conversation_send_async  (TessConversation *self, const char *text, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TessMessage *tess_conversation_send_finish (TessConversation *self, GAsyncResult *result, GError **error);
void         tess_conversation_retry       (TessConversation *self, TessMessage *message);

/* Where the person reads, kept over a restart: this message is at the top of the window, @offset pixels below its edge. FALSE: at the end. */
gboolean   tess_conversation_get_place (TessConversation *self, gint64 *message_id, int *offset);
/* @message: (nullable): the end. Little to pay when nothing changed; else a write: not at each step of a scrolling. */
void       tess_conversation_set_place (TessConversation *self, TessMessage *message, int offset);

/* A page of the history, without a timeline: the newest @limit messages older than (@before_time_us, @before_id), oldest first; G_MAXINT64
 * twice for the newest. (element-type TessMessageRecord) (transfer full) */
void       tess_conversation_load_history_async  (TessConversation *self, gint64 before_time_us, gint64 before_id, guint limit, gboolean archive,
                                                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *tess_conversation_load_history_finish (TessConversation *self, GAsyncResult *result, GError **error);

/* Trusted devices of the other side that get nothing, because they have no usable keys. Property `left-out` (uint). */
guint     tess_conversation_get_left_out (TessConversation *self);
/* Whether new devices of the other side are trusted before one was verified. */
TessBlind tess_conversation_get_blind (TessConversation *self);
void      tess_conversation_set_blind (TessConversation *self, TessBlind blind);
void tess_conversation_set_encryption (TessConversation *self, TessConversationEncryption encryption);
void tess_conversation_set_typing     (TessConversation *self, gboolean typing);
void tess_conversation_set_draft      (TessConversation *self, const char *draft);
void tess_conversation_mark_read      (TessConversation *self, TessMessage *message);
/* Deletes what was said until now; the conversation stays, with its draft and encryption. */
void tess_conversation_clear_history  (TessConversation *self);
void tess_conversation_close          (TessConversation *self); /* deletes it with its history */

/* The other side's devices; live. (transfer full) */
TessDeviceList *tess_conversation_get_devices (TessConversation *self);

G_END_DECLS
