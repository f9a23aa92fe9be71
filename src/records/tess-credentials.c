/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-records"

#include "config.h"

#include "records/tess-credentials.h"

#include <string.h>

TessCredentials *
tess_credentials_new (void)
{
  return g_new0 (TessCredentials, 1);
}

TessCredentials *
tess_credentials_copy (const TessCredentials *self)
{
  TessCredentials *copy;

  if (self == NULL)
    return NULL;

  copy = tess_credentials_new ();
  copy->password = g_strdup (self->password);
  copy->scram_key = g_strdup (self->scram_key);
  copy->token = g_strdup (self->token);
  copy->certificate = g_strdup (self->certificate);
  copy->proxy_password = g_strdup (self->proxy_password);

  return copy;
}

void
tess_credentials_free (TessCredentials *self)
{
  if (self == NULL)
    return;

  tess_credentials_set (&self->password, NULL);
  tess_credentials_set (&self->scram_key, NULL);
  tess_credentials_set (&self->token, NULL);
  tess_credentials_set (&self->certificate, NULL);
  tess_credentials_set (&self->proxy_password, NULL);
  g_free (self);
}

gboolean
tess_credentials_are_there (const TessCredentials *self)
{
  return self != NULL && (self->password != NULL || self->scram_key != NULL || self->token != NULL ||
                          self->certificate != NULL);
}

void
tess_credentials_set (char **field, const char *value)
{
  char *copy = g_strdup (value);

  if (*field != NULL)
    explicit_bzero (*field, strlen (*field));
  g_free (*field);
  *field = copy;
}
