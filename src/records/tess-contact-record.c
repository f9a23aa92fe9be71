/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-records"

#include "config.h"

#include "records/tess-contact-record.h"

TessContactRecord *
tess_contact_record_new (gint64 account_id, const char *address)
{
  TessContactRecord *self = g_new0 (TessContactRecord, 1);

  self->account_id = account_id;
  self->address = g_strdup (address);

  return self;
}

TessContactRecord *
tess_contact_record_copy (const TessContactRecord *self)
{
  TessContactRecord *copy = g_memdup2 (self, sizeof *self);

  copy->address = g_strdup (self->address);
  copy->name = g_strdup (self->name);
  copy->status = g_strdup (self->status);

  return copy;
}

void
tess_contact_record_free (TessContactRecord *self)
{
  if (self == NULL)
    return;

  g_free (self->address);
  g_free (self->name);
  g_free (self->status);
  g_free (self);
}
