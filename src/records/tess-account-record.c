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
  self->send_receipts = TRUE;
  self->send_markers = TRUE;

  return self;
}

TessAccountRecord *
tess_account_record_copy (const TessAccountRecord *self)
{
  TessAccountRecord *copy = g_memdup2 (self, sizeof *self);

  copy->address = g_strdup (self->address);
  copy->name = g_strdup (self->name);
  copy->host = g_strdup (self->host);
  copy->proxy_host = g_strdup (self->proxy_host);
  copy->proxy_username = g_strdup (self->proxy_username);
  copy->pin = g_strdup (self->pin);
  copy->server_key = g_strdup (self->server_key);
  copy->certificate = g_strdup (self->certificate);
  copy->user_agent_id = g_strdup (self->user_agent_id);
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
  g_free (self->proxy_host);
  g_free (self->proxy_username);
  g_free (self->pin);
  g_free (self->server_key);
  g_free (self->certificate);
  g_free (self->user_agent_id);
  g_free (self->roster_version);
  g_free (self->archive_id);
  g_free (self);
}
