/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-records"

#include "config.h"

#include "records/tess-verification-record.h"

static void
checked_free (gpointer data)
{
  TessCheckedDevice *checked = data;

  g_free (checked->fingerprint);
  g_free (checked);
}

TessVerificationRecord *
tess_verification_record_new (const char *address)
{
  TessVerificationRecord *self = g_new0 (TessVerificationRecord, 1);

  self->address = g_strdup (address);
  self->devices = g_ptr_array_new_with_free_func (checked_free);
  return self;
}

TessVerificationRecord *
tess_verification_record_copy (const TessVerificationRecord *self)
{
  TessVerificationRecord *copy = tess_verification_record_new (self->address);

  copy->outcome = self->outcome;
  copy->asked = self->asked;
  copy->applied = self->applied;
  for (guint i = 0; i < self->devices->len; i++)
    {
      const TessCheckedDevice *checked = g_ptr_array_index (self->devices, i);

      tess_verification_record_add (copy, checked->id, checked->fingerprint, checked->check, checked->trust, checked->key_alarm);
    }
  return copy;
}

void
tess_verification_record_free (TessVerificationRecord *self)
{
  if (self == NULL)
    return;
  g_free (self->address);
  g_ptr_array_unref (self->devices);
  g_free (self);
}

void
tess_verification_record_add (TessVerificationRecord *self, guint32 id, const char *fingerprint, TessCheck check, TessTrust trust,
                              gboolean key_alarm)
{
  TessCheckedDevice *checked = g_new0 (TessCheckedDevice, 1);

  checked->id = id;
  checked->fingerprint = g_strdup (fingerprint);
  checked->check = check;
  checked->trust = trust;
  checked->key_alarm = key_alarm;
  g_ptr_array_add (self->devices, checked);
}

guint
tess_verification_record_count (const TessVerificationRecord *self, TessCheck check)
{
  guint n = 0;

  for (guint i = 0; i < self->devices->len; i++)
    n += ((const TessCheckedDevice *) g_ptr_array_index (self->devices, i))->check == check;
  return n;
}

void
tess_verification_record_conclude (TessVerificationRecord *self)
{
  if (tess_verification_record_count (self, TESS_CHECK_DIFFERS) > 0)
    self->outcome = TESS_VERIFICATION_MISMATCH;
  else if (tess_verification_record_count (self, TESS_CHECK_MATCHES) + tess_verification_record_count (self, TESS_CHECK_VERIFIED) > 0)
    self->outcome = TESS_VERIFICATION_MATCHES;
  else if (tess_verification_record_count (self, TESS_CHECK_UNKNOWN) > 0)
    self->outcome = TESS_VERIFICATION_UNKNOWN;
  else if (tess_verification_record_count (self, TESS_CHECK_DISTRUSTED) > 0)
    self->outcome = TESS_VERIFICATION_DISTRUSTED;
  else
    self->outcome = TESS_VERIFICATION_NOTHING;
}
