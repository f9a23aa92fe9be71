/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-fast.h"

#include "crypto/tess-crypto.h"
#include "xmpp/tess-sasl-private.h"

#include <string.h>

/* "fast1:HT-SHA-256-EXPR:expiry in microseconds:count:secret in Base64" */
#define FIRST_FIELD "fast1"
#define LONGEST_SECRET 4096
#define LONGEST_TOKEN (2 * LONGEST_SECRET)

/* The strongest first. */
static const struct
{
  const char *name;
  const char *binding;
} mechanisms[] = {
  { "HT-SHA-256-EXPR", "tls-exporter" },
  { "HT-SHA-256-UNIQ", "tls-unique" },
  { "HT-SHA-256-ENDP", "tls-server-end-point" },
  { "HT-SHA-256-NONE", NULL },
};

TessFast *
tess_fast_new (const char *mechanism, const char *secret, gint64 expires_us)
{
  TessFast *self;

  if (*secret == '\0' || strlen (secret) > LONGEST_SECRET)
    return NULL;

  self = g_new0 (TessFast, 1);
  self->mechanism = g_strdup (mechanism);
  self->secret = g_strdup (secret);
  self->expires_us = expires_us;

  return self;
}

void
tess_fast_free (TessFast *self)
{
  if (self == NULL)
    return;

  g_free (self->mechanism);
  tess_wipe_string (self->secret);
  g_free (self);
}

static TessFast *
read_fields (char **fields)
{
  gint64                    expires_us;
  guint64                   count;
  gsize                     length = 0;
  guint8                   *bytes;
  g_auto (TessSecretString) secret = NULL;
  TessFast                 *self;

  if (!g_str_equal (fields[0], FIRST_FIELD) ||
      !g_ascii_string_to_signed (fields[2], 10, 0, G_MAXINT64, &expires_us, NULL) ||
      !g_ascii_string_to_unsigned (fields[3], 10, 0, G_MAXINT32, &count, NULL))
    return NULL;
  bytes = tess_sasl_decode (fields[4], &length);
  if (bytes != NULL && memchr (bytes, '\0', length) == NULL)
    secret = g_strndup ((const char *) bytes, length);
  tess_wipe_free (bytes, length);
  self = secret != NULL ? tess_fast_new (fields[1], secret, expires_us) : NULL;
  if (self != NULL)
    self->count = (guint32) count;

  return self;
}

TessFast *
tess_fast_parse (const char *text)
{
  char    **fields;
  TessFast *self = NULL;

  if (text == NULL || strlen (text) > LONGEST_TOKEN)
    return NULL;

  fields = g_strsplit (text, ":", 6);
  if (g_strv_length (fields) == 5)
    self = read_fields (fields);
  for (guint i = 0; fields[i] != NULL; i++)
    tess_wipe (fields[i], strlen (fields[i]));
  g_strfreev (fields);

  return self;
}

char *
tess_fast_format (const TessFast *self)
{
  g_auto (TessSecretString) secret = g_base64_encode ((const guint8 *) self->secret, strlen (self->secret));

  return g_strdup_printf (FIRST_FIELD ":%s:%" G_GINT64_FORMAT ":%u:%s", self->mechanism, self->expires_us, self->count,
                          secret);
}

gboolean
tess_fast_find_binding (const char             *mechanism,
                        const TessSaslBinding  *bindings,
                        guint                   n_bindings,
                        const TessSaslBinding **binding)
{
  *binding = NULL;
  for (guint i = 0; i < G_N_ELEMENTS (mechanisms); i++)
    {
      if (!g_str_equal (mechanism, mechanisms[i].name))
        continue;
      for (guint j = 0; j < n_bindings && mechanisms[i].binding != NULL; j++)
        if (g_str_equal (bindings[j].type, mechanisms[i].binding))
          *binding = &bindings[j];
      return mechanisms[i].binding == NULL || *binding != NULL;
    }

  return FALSE;
}

const char *
tess_fast_choose (const char *const *offered, const TessSaslBinding *bindings, guint n_bindings, gboolean unbound)
{
  const TessSaslBinding *binding;

  for (guint i = 0; i < G_N_ELEMENTS (mechanisms); i++)
    if (g_strv_contains (offered, mechanisms[i].name) && (mechanisms[i].binding != NULL || unbound) &&
        tess_fast_find_binding (mechanisms[i].name, bindings, n_bindings, &binding))
      return mechanisms[i].name;

  return NULL;
}

/* HMAC (token, word || cb-data), sections 3.1 and 3.2 of the draft. */
static void
hash_token (const TessFast *self, const char *word, const TessSaslBinding *binding, guint8 out[TESS_SHA256_SIZE])
{
  g_autoptr (TessDigest) digest =
    tess_digest_new_hmac (TESS_HASH_SHA256, (const guint8 *) self->secret, strlen (self->secret));

  tess_digest_update (digest, (const guint8 *) word, strlen (word));
  if (binding != NULL)
    tess_digest_update (digest, g_bytes_get_data (binding->data, NULL), g_bytes_get_size (binding->data));
  tess_digest_finish (digest, out);
}

char *
tess_fast_start (const TessFast *self, const char *username, const TessSaslBinding *binding)
{
  gsize   name = strlen (username) + 1;
  gsize   length = name + TESS_SHA256_SIZE;
  guint8 *message = g_malloc (length);
  char   *encoded;

  memcpy (message, username, name);
  hash_token (self, "Initiator", binding, message + name);
  encoded = g_base64_encode (message, length);
  tess_wipe_free (message, length);

  return encoded;
}

gboolean
tess_fast_verify (const TessFast *self, const TessSaslBinding *binding, const char *additional)
{
  guint8   wanted[TESS_SHA256_SIZE];
  gsize    length = 0;
  guint8  *given = additional != NULL && strlen (additional) < 128 ? tess_sasl_decode (additional, &length) : NULL;
  gboolean good;

  hash_token (self, "Responder", binding, wanted);
  good = given != NULL && length == sizeof wanted && tess_equal_constant_time (given, wanted, sizeof wanted);
  tess_wipe (wanted, sizeof wanted);
  g_free (given);

  return good;
}
