/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "records/tess-message-record.h"

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * TessMessage:
 *
 * Properties (read-only, notifying): `id` (int64), `text` (never NULL: a translated placeholder for an unreadable one), `outgoing`, `time`
 * (int64 µs), `state` (TessMessageState), `encryption` (TessEncryption), `device` (uint), `trust` (TessTrust), `error` (nullable).
 */
#define TESS_TYPE_MESSAGE (tess_message_get_type ())
G_DECLARE_FINAL_TYPE (TessMessage, tess_message, TESS, MESSAGE, GObject)

gint64                   tess_message_get_id         (TessMessage *self);
const char              *tess_message_get_text       (TessMessage *self);
gboolean                 tess_message_get_outgoing   (TessMessage *self);
gint64                   tess_message_get_time       (TessMessage *self);
TessMessageState         tess_message_get_state      (TessMessage *self);
TessEncryption           tess_message_get_encryption (TessMessage *self);
guint32                  tess_message_get_device     (TessMessage *self);
TessTrust                tess_message_get_trust      (TessMessage *self);
const char              *tess_message_get_error      (TessMessage *self);
/* The record behind it, for the scripted peer and tests. (transfer none) */
const TessMessageRecord *tess_message_get_record     (TessMessage *self);

G_END_DECLS
