/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-sasl-private.h"

#include <string.h>

/* "scram1:SHA-256:4096:salt:ClientKey:ServerKey", the last three in Base64. */
#define FIRST_FIELD "scram1"
#define LONGEST_KEY 2048

static const char *const hash_names[] = {
  [TESS_HASH_SHA1] = "SHA-1", [TESS_HASH_SHA256] = "SHA-256", [TESS_HASH_SHA512] = "SHA-512",
};

guint8 *
tess_sasl_decode (const char *text, gsize *length)
{
  g_autofree guint8        *bytes = g_base64_decode (text, length);
  g_auto (TessSecretString) again = g_base64_encode (bytes, *length);

  if (!g_str_equal (text, again))
    {
      tess_wipe (bytes, *length);
      return NULL;
    }
  return g_steal_pointer (&bytes);
}

void
tess_sasl_key_free (TessSaslKey *self)
{
  if (self == NULL)
    return;

  g_free (self->salt);
  tess_wipe_free (self, sizeof *self);
}

static gboolean
read_secret (const char *text, gsize size, guint8 *out)
{
  gsize   length = 0;
  guint8 *bytes = tess_sasl_decode (text, &length);
  gboolean fits = bytes != NULL && length == size;

  if (fits)
    memcpy (out, bytes, size);
  tess_wipe_free (bytes, length);

  return fits;
}

static TessSaslKey *
read_fields (char **fields)
{
  g_autoptr (TessSaslKey) self = g_new0 (TessSaslKey, 1);
  guint64                 iterations;
  guint                   hash = 0;

  while (hash < G_N_ELEMENTS (hash_names) && !g_str_equal (fields[1], hash_names[hash]))
    hash++;
  if (hash == G_N_ELEMENTS (hash_names) || !g_str_equal (fields[0], FIRST_FIELD) ||
      !g_ascii_string_to_unsigned (fields[2], 10, TESS_SASL_MIN_ITERATIONS, TESS_SASL_MAX_ITERATIONS, &iterations, NULL))
    return NULL;

  self->hash = (TessHash) hash;
  self->iterations = (guint) iterations;
  self->salt = tess_sasl_decode (fields[3], &self->salt_length);
  if (self->salt == NULL || self->salt_length == 0 ||
      !read_secret (fields[4], tess_hash_size (self->hash), self->client_key) ||
      !read_secret (fields[5], tess_hash_size (self->hash), self->server_key))
    return NULL;

  return g_steal_pointer (&self);
}

TessSaslKey *
tess_sasl_key_parse (const char *text)
{
  char        **fields;
  TessSaslKey  *self = NULL;

  if (text == NULL || strlen (text) > LONGEST_KEY)
    return NULL;

  fields = g_strsplit (text, ":", 7);
  if (g_strv_length (fields) == 6)
    self = read_fields (fields);
  for (guint i = 0; fields[i] != NULL; i++)
    tess_wipe (fields[i], strlen (fields[i]));
  g_strfreev (fields);

  return self;
}

char *
tess_sasl_key_format (const TessSaslKey *self)
{
  gsize                     size = tess_hash_size (self->hash);
  g_autofree char          *salt = g_base64_encode (self->salt, self->salt_length);
  g_auto (TessSecretString) client_key = g_base64_encode (self->client_key, size);
  g_auto (TessSecretString) server_key = g_base64_encode (self->server_key, size);

  return g_strdup_printf (FIRST_FIELD ":%s:%u:%s:%s:%s", hash_names[self->hash], self->iterations, salt, client_key,
                          server_key);
}
