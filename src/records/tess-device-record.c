/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-records"

#include "config.h"

#include "records/tess-device-record.h"

TessDeviceRecord *
tess_device_record_new (gint64 account_id, const char *address, guint32 id)
{
  TessDeviceRecord *self = g_new0 (TessDeviceRecord, 1);

  self->account_id = account_id;
  self->address = g_strdup (address);
  self->id = id;

  return self;
}

TessDeviceRecord *
tess_device_record_copy (const TessDeviceRecord *self)
{
  TessDeviceRecord *copy = g_memdup2 (self, sizeof *self);

  copy->address = g_strdup (self->address);
  copy->fingerprint = g_strdup (self->fingerprint);
  copy->label = g_strdup (self->label);
  copy->software = g_strdup (self->software);

  return copy;
}

void
tess_device_record_free (TessDeviceRecord *self)
{
  if (self == NULL)
    return;

  g_free (self->address);
  g_free (self->fingerprint);
  g_free (self->label);
  g_free (self->software);
  g_free (self);
}
