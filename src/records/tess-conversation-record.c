/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-records"

#include "config.h"

#include "records/tess-conversation-record.h"

TessConversationRecord *
tess_conversation_record_new (gint64 account_id, const char *peer)
{
  TessConversationRecord *self = g_new0 (TessConversationRecord, 1);

  self->account_id = account_id;
  self->peer = g_strdup (peer);

  return self;
}

TessConversationRecord *
tess_conversation_record_copy (const TessConversationRecord *self)
{
  TessConversationRecord *copy = g_memdup2 (self, sizeof *self);

  copy->peer = g_strdup (self->peer);
  copy->draft = g_strdup (self->draft);
  copy->last = self->last != NULL ? tess_message_record_copy (self->last) : NULL;

  return copy;
}

void
tess_conversation_record_free (TessConversationRecord *self)
{
  if (self == NULL)
    return;

  g_free (self->peer);
  g_free (self->draft);
  tess_message_record_free (self->last);
  g_free (self);
}
