/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-base"

#include "config.h"

#include "base/tess-certificate.h"

TessCertificate *
tess_certificate_copy (const TessCertificate *self)
{
  TessCertificate *copy;

  if (self == NULL)
    return NULL;

  copy = g_memdup2 (self, sizeof *self);
  copy->fingerprint = g_strdup (self->fingerprint);
  copy->key_fingerprint = g_strdup (self->key_fingerprint);
  copy->subject = g_strdup (self->subject);
  copy->issuer = g_strdup (self->issuer);
  copy->names = g_strdupv (self->names);
  copy->key = g_strdup (self->key);
  copy->signature = g_strdup (self->signature);

  return copy;
}

void
tess_certificate_free (TessCertificate *self)
{
  if (self == NULL)
    return;

  g_free (self->fingerprint);
  g_free (self->key_fingerprint);
  g_free (self->subject);
  g_free (self->issuer);
  g_strfreev (self->names);
  g_free (self->key);
  g_free (self->signature);
  g_free (self);
}
