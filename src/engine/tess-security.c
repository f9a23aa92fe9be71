/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-security.h"

#include <string.h>

#define ENDS_SOON_US (14 * G_TIME_SPAN_DAY)
#define SMALLEST_RSA 2048

static gboolean
offers (const TessSecurityRecord *security, const char *mechanism)
{
  return security->mechanisms != NULL && g_strv_contains ((const char *const *) security->mechanisms, mechanism);
}

/* SCRAM with anything newer than SHA-1, with or without -PLUS. */
static gboolean
offers_new_hash (const TessSecurityRecord *security)
{
  for (char **name = security->mechanisms; name != NULL && *name != NULL; name++)
    if (g_str_has_prefix (*name, "SCRAM-") && !g_str_has_prefix (*name, "SCRAM-SHA-1-") &&
        !g_str_equal (*name, "SCRAM-SHA-1"))
      return TRUE;

  return FALSE;
}

static gboolean
is_old_scram (const char *mechanism)
{
  return g_str_equal (mechanism, "SCRAM-SHA-1") || g_str_equal (mechanism, "SCRAM-SHA-1-PLUS");
}

static TessAdvice
advise_login (const TessSecurityRecord *security)
{
  TessAdvice  advice = TESS_ADVICE_NONE;
  const char *sasl = security->sasl != NULL ? security->sasl : "";
  gboolean    plain = g_str_equal (sasl, "PLAIN");

  /* EXTERNAL is a part of the TLS handshake itself. */
  if (security->channel_binding == NULL && !g_str_equal (sasl, "EXTERNAL"))
    advice |= TESS_ADVICE_NO_BINDING;
  if (plain)
    advice |= TESS_ADVICE_PASSWORD_SENT;
  else if (offers (security, "PLAIN"))
    advice |= TESS_ADVICE_PLAIN_OFFERED;
  if ((is_old_scram (sasl) || offers (security, "SCRAM-SHA-1") || offers (security, "SCRAM-SHA-1-PLUS")) &&
      !offers_new_hash (security))
    advice |= TESS_ADVICE_OLD_HASH;
  /* Only SCRAM has a place for the proof: of the others it would be asked in vain. */
  if (!security->list_proven && (plain || g_str_has_prefix (sasl, "SCRAM-")))
    advice |= TESS_ADVICE_LIST_UNPROVEN;

  return advice;
}

static gboolean
has_small_key (const TessCertificate *certificate)
{
  const char *key = certificate->key;

  if (key == NULL || (!g_str_has_prefix (key, "RSA ") && !g_str_has_prefix (key, "DSA ")))
    return FALSE;
  return g_ascii_strtoull (key + strlen ("RSA "), NULL, 10) < SMALLEST_RSA;
}

/* Nobody relies on the signature of an authority under itself. */
static gboolean
has_old_signature (const TessCertificate *certificate, gboolean servers_own)
{
  const char *signature = certificate->signature;

  if (signature == NULL)
    return FALSE;
  if (!servers_own && g_strcmp0 (certificate->subject, certificate->issuer) == 0)
    return FALSE;
  return g_str_has_suffix (signature, "-SHA1") || strstr (signature, "MD5") != NULL || strstr (signature, "MD2") != NULL;
}

static TessAdvice
advise_certificates (const GPtrArray *chain, gint64 now_us)
{
  TessAdvice advice = TESS_ADVICE_NONE;

  for (guint i = 0; i < chain->len; i++)
    {
      const TessCertificate *certificate = g_ptr_array_index (chain, i);

      if (has_small_key (certificate) || has_old_signature (certificate, i == 0))
        advice |= TESS_ADVICE_WEAK_KEY;
      if (i == 0 && certificate->not_after_us != 0 && certificate->not_after_us < now_us + ENDS_SOON_US)
        advice |= TESS_ADVICE_CERTIFICATE_ENDS;
    }

  return advice;
}

/* Without the name and the password for it: this is shown. */
static char *
describe_proxy (const TessAccountRecord *account)
{
  const char *scheme;
  const char *host = account->proxy_host != NULL ? account->proxy_host : "";
  gboolean    v6 = strchr (host, ':') != NULL;

  switch (account->proxy)
    {
    case TESS_ACCOUNT_PROXY_SOCKS5:
      scheme = "socks5";
      break;
    case TESS_ACCOUNT_PROXY_HTTP:
      scheme = "http";
      break;
    case TESS_ACCOUNT_PROXY_DESKTOP:
    case TESS_ACCOUNT_PROXY_NONE:
    default:
      return NULL;
    }

  return g_strdup_printf ("%s://%s%s%s:%u", scheme, v6 ? "[" : "", host, v6 ? "]" : "", account->proxy_port);
}

TessSecurityRecord *
tess_security_describe (const TessStreamInfo *info, const TessAccountRecord *account, gboolean no_archive, gint64 now_us)
{
  TessSecurityRecord *security = tess_security_record_new ();

  security->tls_version = g_strdup (info->tls_version);
  security->tls_cipher = g_strdup (info->tls_cipher);
  security->direct_tls = info->direct_tls;
  security->host = g_strdup (info->host);
  security->proxy = describe_proxy (account);
  for (guint i = 0; info->chain != NULL && i < info->chain->len; i++)
    g_ptr_array_add (security->chain, tess_certificate_copy (g_ptr_array_index (info->chain, i)));
  security->sasl = g_strdup (info->sasl);
  security->channel_binding = g_strdup (info->channel_binding);
  security->mechanisms = g_strdupv ((char **) info->mechanisms);
  security->sasl2 = info->sasl2;
  security->fast = info->fast;
  security->list_proven = info->list_proven;
  security->since_us = now_us;

  security->advice = advise_login (security) | advise_certificates (security->chain, now_us);
  if (g_strcmp0 (info->tls_version, "TLSv1.2") == 0)
    security->advice |= TESS_ADVICE_OLD_TLS;
  if (info->pinned)
    security->advice |= TESS_ADVICE_PINNED;
  if (!info->managed)
    security->advice |= TESS_ADVICE_NO_MANAGEMENT;
  if (no_archive)
    security->advice |= TESS_ADVICE_NO_ARCHIVE;

  return security;
}
