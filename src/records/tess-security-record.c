/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-records"

#include "config.h"

#include "records/tess-security-record.h"

TessSecurityRecord *
tess_security_record_new (void)
{
  TessSecurityRecord *self = g_new0 (TessSecurityRecord, 1);

  self->chain = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_certificate_free);

  return self;
}

TessSecurityRecord *
tess_security_record_copy (const TessSecurityRecord *self)
{
  TessSecurityRecord *copy;

  if (self == NULL)
    return NULL;

  copy = g_memdup2 (self, sizeof *self);
  copy->tls_version = g_strdup (self->tls_version);
  copy->tls_cipher = g_strdup (self->tls_cipher);
  copy->host = g_strdup (self->host);
  copy->proxy = g_strdup (self->proxy);
  copy->sasl = g_strdup (self->sasl);
  copy->channel_binding = g_strdup (self->channel_binding);
  copy->mechanisms = g_strdupv (self->mechanisms);
  copy->chain = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_certificate_free);
  for (guint i = 0; i < self->chain->len; i++)
    g_ptr_array_add (copy->chain, tess_certificate_copy (g_ptr_array_index (self->chain, i)));

  return copy;
}

void
tess_security_record_free (TessSecurityRecord *self)
{
  if (self == NULL)
    return;

  g_free (self->tls_version);
  g_free (self->tls_cipher);
  g_free (self->host);
  g_free (self->proxy);
  g_free (self->sasl);
  g_free (self->channel_binding);
  g_strfreev (self->mechanisms);
  g_ptr_array_unref (self->chain);
  g_free (self);
}
