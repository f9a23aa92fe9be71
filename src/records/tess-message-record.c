/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-records"

#include "config.h"

#include "records/tess-message-record.h"

TessMessageRecord *
tess_message_record_new (void)
{
  return g_new0 (TessMessageRecord, 1);
}

TessMessageRecord *
tess_message_record_copy (const TessMessageRecord *self)
{
  TessMessageRecord *copy = g_memdup2 (self, sizeof *self);

  copy->peer = g_strdup (self->peer);
  copy->from = g_strdup (self->from);
  copy->stanza_id = g_strdup (self->stanza_id);
  copy->archive_id = g_strdup (self->archive_id);
  copy->text = g_strdup (self->text);
  copy->error = g_strdup (self->error);

  return copy;
}

void
tess_message_record_free (TessMessageRecord *self)
{
  if (self == NULL)
    return;

  g_free (self->peer);
  g_free (self->from);
  g_free (self->stanza_id);
  g_free (self->archive_id);
  g_free (self->text);
  g_free (self->error);
  g_free (self);
}
