/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-records"

#include "config.h"

#include "records/tess-account-record.h"

TessAccountRecord *
tess_account_record_new (const char *address)
{
  TessAccountRecord *self = g_new0 (TessAccountRecord, 1);

  self->address = g_strdup (address);
  self->enabled = TRUE;
  self->blind_trust = TRUE;

  return self;
}

TessAccountRecord *
tess_account_record_copy (const TessAccountRecord *self)
{
  TessAccountRecord *copy = g_memdup2 (self, sizeof *self);

  copy->address = g_strdup (self->address);
  copy->name = g_strdup (self->name);
  copy->host = g_strdup (self->host);
  copy->roster_version = g_strdup (self->roster_version);
  copy->archive_id = g_strdup (self->archive_id);

  return copy;
}

void
tess_account_record_free (TessAccountRecord *self)
{
  if (self == NULL)
    return;

  g_free (self->address);
  g_free (self->name);
  g_free (self->host);
  g_free (self->roster_version);
  g_free (self->archive_id);
  g_free (self);
}
