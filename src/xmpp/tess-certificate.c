/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-certificate.h"

#include "base/tess-text.h"
#include "xmpp/tess-jid.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509-ext.h>
#include <gnutls/x509.h>
#include <string.h>

#define MAX_DER (128 * 1024)
#define MAX_CHAIN 8
#define MAX_NAMES 64
#define MAX_NAMES_READ 256
#define MAX_TEXT 512
#define MAX_RAW_NAME 4096

/* GNUTLS_SAN_OTHERNAME_SRV: since 3.8.13, and with security updates of older ones, an SRV name comes decoded and under a type of its
 * own; before, as any other name. */
#define SAN_OTHERNAME_SRV 1003
#define OID_SRV_NAME "1.3.6.1.5.5.7.8.7" /* RFC 4985; an XmppAddr GnuTLS knows by itself */
#define ASN1_UTF8_STRING 0x0c
#define ASN1_IA5_STRING 0x16

typedef struct gnutls_x509_crt_int Crt;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Crt, gnutls_x509_crt_deinit)

/* GLib asks the same of each string that is to be shown: one line, without what hides or turns text. */
static char *
clean (const char *data, gsize size)
{
  g_autofree char *valid = g_utf8_make_valid (data, (gssize) MIN (size, MAX_RAW_NAME));

  return tess_text_one_line (valid, MAX_TEXT);
}

static Crt *
parse (const guint8 *der, gsize size)
{
  gnutls_datum_t  datum = { (guint8 *) der, (guint) size };
  g_autoptr (Crt) crt = NULL;

  if (size == 0 || size > MAX_DER || gnutls_x509_crt_init (&crt) < 0)
    return NULL;
  return gnutls_x509_crt_import (crt, &datum, GNUTLS_X509_FMT_DER) < 0 ? NULL : g_steal_pointer (&crt);
}

static GByteArray *
get_der (GTlsCertificate *certificate)
{
  GByteArray *der = NULL;

  g_object_get (certificate, "certificate", &der, NULL);
  return der;
}

/* The one string that an otherName holds: a tag, a length of one or two bytes, the text. */
static const char *
read_string (const guint8 *data, gsize size, gsize *length)
{
  gsize head = 2;

  if (size < 2 || (data[0] != ASN1_UTF8_STRING && data[0] != ASN1_IA5_STRING))
    return NULL;
  *length = data[1];
  if (data[1] == 0x81 && size > 2)
    {
      *length = data[2];
      head = 3;
    }
  else if (data[1] == 0x82 && size > 3)
    {
      *length = (gsize) data[2] << 8 | data[3];
      head = 4;
    }
  else if (data[1] >= 0x80)
    {
      return NULL;
    }

  return *length == size - head ? (const char *) data + head : NULL;
}

typedef enum
{
  NAME_DNS,
  NAME_IP,
  NAME_SRV,
  NAME_XMPP,
} NameKind;

/* FALSE: not to be called again. */
typedef gboolean (*NameFunc) (NameKind kind, const char *name, gsize length, gpointer data);

static void
visit_other_name (Crt *crt, guint index, const guint8 *data, gsize size, NameFunc func, gpointer user_data, gboolean *more)
{
  char        oid[64] = { 0 };
  gsize       oid_size = sizeof oid;
  gsize       length;
  const char *text = read_string (data, size, &length);

  if (text == NULL || gnutls_x509_crt_get_subject_alt_othername_oid (crt, index, oid, &oid_size) < 0)
    return;
  if (g_str_equal (oid, OID_SRV_NAME))
    *more = func (NAME_SRV, text, length, user_data);
}

static void
visit_ip (const guint8 *data, gsize size, NameFunc func, gpointer user_data, gboolean *more)
{
  g_autoptr (GInetAddress) address = NULL;
  g_autofree char         *text = NULL;

  if (size != 4 && size != 16)
    return;
  address = g_inet_address_new_from_bytes (data, size == 4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6);
  text = g_inet_address_to_string (address);
  *more = func (NAME_IP, text, strlen (text), user_data);
}

static void
visit_names (Crt *crt, NameFunc func, gpointer user_data)
{
  guint8   data[MAX_RAW_NAME];
  gboolean more = TRUE;

  for (guint i = 0; i < MAX_NAMES_READ && more; i++)
    {
      gsize size = sizeof data;
      int   type = gnutls_x509_crt_get_subject_alt_name (crt, i, data, &size, NULL);

      if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        break;
      if (type == GNUTLS_SAN_DNSNAME)
        more = func (NAME_DNS, (const char *) data, size, user_data);
      else if (type == GNUTLS_SAN_IPADDRESS)
        visit_ip (data, size, func, user_data, &more);
      else if (type == GNUTLS_SAN_OTHERNAME_XMPP)
        more = func (NAME_XMPP, (const char *) data, size, user_data);
      else if (type == SAN_OTHERNAME_SRV)
        more = func (NAME_SRV, (const char *) data, size, user_data);
      else if (type == GNUTLS_SAN_OTHERNAME)
        visit_other_name (crt, i, data, size, func, user_data, &more);
    }
}

static gboolean
collect_name (NameKind kind, const char *name, gsize length, gpointer data)
{
  GPtrArray *names = data;
  char      *text = clean (name, length);

  if (text != NULL)
    g_ptr_array_add (names, text);
  return names->len < MAX_NAMES;
}

static char **
read_names (Crt *crt)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  visit_names (crt, collect_name, names);
  if (names->len == 0)
    return NULL;
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

static char *
read_dn (Crt *crt, int (*get) (gnutls_x509_crt_t, gnutls_datum_t *, unsigned))
{
  gnutls_datum_t datum = { NULL, 0 };
  char          *text;

  if (get (crt, &datum, 0) < 0)
    return NULL;
  text = clean ((const char *) datum.data, datum.size);
  gnutls_free (datum.data);

  return text;
}

static char *
read_key (Crt *crt)
{
  guint       bits = 0;
  int         algorithm = gnutls_x509_crt_get_pk_algorithm (crt, &bits);
  const char *name;

  switch (algorithm)
    {
    case GNUTLS_PK_RSA:
      name = "RSA";
      break;
    case GNUTLS_PK_ECDSA:
      name = "ECDSA";
      break;
    case GNUTLS_PK_EDDSA_ED25519:
      return g_strdup ("Ed25519");
    case GNUTLS_PK_EDDSA_ED448:
      return g_strdup ("Ed448");
    default:
      name = algorithm > 0 ? gnutls_pk_get_name (algorithm) : NULL;
    }

  return name != NULL ? g_strdup_printf ("%s %u", name, bits) : NULL;
}

static char *
read_signature (Crt *crt)
{
  int         algorithm = gnutls_x509_crt_get_signature_algorithm (crt);
  const char *name = algorithm > 0 ? gnutls_sign_get_name (algorithm) : NULL;

  return g_strdup (name);
}

static char *
read_key_fingerprint (Crt *crt)
{
  guint8   digest[32];
  gsize    size = sizeof digest;
  GString *hex;

  if (gnutls_x509_crt_get_key_id (crt, GNUTLS_KEYID_USE_SHA256, digest, &size) < 0 || size != sizeof digest)
    return NULL;
  hex = g_string_sized_new (2 * sizeof digest);
  for (gsize i = 0; i < sizeof digest; i++)
    g_string_append_printf (hex, "%02x", digest[i]);

  return g_string_free (hex, FALSE);
}

static gint64
to_us (time_t seconds)
{
  return seconds == (time_t) -1 ? 0 : (gint64) seconds * G_USEC_PER_SEC;
}

static TessCertificateFaults
convert_faults (GTlsCertificateFlags flags)
{
  static const struct
  {
    GTlsCertificateFlags  flag;
    TessCertificateFaults fault;
  } table[] = {
    { G_TLS_CERTIFICATE_UNKNOWN_CA, TESS_CERTIFICATE_UNKNOWN_ISSUER },
    { G_TLS_CERTIFICATE_BAD_IDENTITY, TESS_CERTIFICATE_OTHER_NAME },
    { G_TLS_CERTIFICATE_NOT_ACTIVATED, TESS_CERTIFICATE_NOT_YET_VALID },
    { G_TLS_CERTIFICATE_EXPIRED, TESS_CERTIFICATE_EXPIRED },
    { G_TLS_CERTIFICATE_REVOKED, TESS_CERTIFICATE_REVOKED },
    { G_TLS_CERTIFICATE_INSECURE, TESS_CERTIFICATE_INSECURE },
  };
  TessCertificateFaults faults = TESS_CERTIFICATE_FINE;

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (flags & table[i].flag)
      {
        faults |= table[i].fault;
        flags &= ~table[i].flag;
      }

  return flags != 0 ? faults | TESS_CERTIFICATE_BROKEN : faults;
}

TessCertificate *
tess_certificate_read_der (const guint8 *der, gsize size)
{
  g_autoptr (TessCertificate) self = NULL;
  g_autoptr (Crt)             crt = parse (der, size);

  if (crt == NULL)
    return NULL;

  self = g_new0 (TessCertificate, 1);
  self->fingerprint = g_compute_checksum_for_data (G_CHECKSUM_SHA256, der, size);
  self->key_fingerprint = read_key_fingerprint (crt);
  self->subject = read_dn (crt, gnutls_x509_crt_get_dn3);
  self->issuer = read_dn (crt, gnutls_x509_crt_get_issuer_dn3);
  self->names = read_names (crt);
  self->not_before_us = to_us (gnutls_x509_crt_get_activation_time (crt));
  self->not_after_us = to_us (gnutls_x509_crt_get_expiration_time (crt));
  self->key = read_key (crt);
  self->signature = read_signature (crt);
  /* Both fingerprints are compared: without one there is nothing to compare. */
  if (self->key_fingerprint == NULL)
    return NULL;

  return g_steal_pointer (&self);
}

TessCertificate *
tess_certificate_read (GTlsCertificate *certificate, GTlsCertificateFlags faults)
{
  g_autoptr (GByteArray) der = get_der (certificate);
  TessCertificate       *self = der != NULL ? tess_certificate_read_der (der->data, der->len) : NULL;

  if (self != NULL)
    self->faults = convert_faults (faults);
  return self;
}

GPtrArray *
tess_certificate_read_chain (GTlsCertificate *certificate)
{
  GPtrArray *chain = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_certificate_free);

  for (GTlsCertificate *each = certificate; each != NULL && chain->len < MAX_CHAIN;
       each = g_tls_certificate_get_issuer (each))
    {
      TessCertificate *read = tess_certificate_read (each, 0);

      if (read == NULL)
        break;
      g_ptr_array_add (chain, read);
    }

  return chain;
}

typedef struct
{
  const char *domain;
  const char *ascii;
  gboolean    found;
} ServiceName;

static gboolean
compare_service (NameKind kind, const char *name, gsize length, gpointer data)
{
  ServiceName        *wanted = data;
  g_autofree char    *text = memchr (name, '\0', length) == NULL ? g_strndup (name, length) : NULL;
  g_autofree char    *service = g_strconcat ("_xmpp-client.", wanted->ascii, NULL);
  g_autoptr (TessJid) address = NULL;

  if (text == NULL)
    return TRUE;
  if (kind == NAME_SRV)
    {
      wanted->found = g_ascii_strcasecmp (text, service) == 0;
    }
  else if (kind == NAME_XMPP)
    {
      address = tess_jid_new (text, NULL);
      wanted->found = address != NULL && tess_jid_get_local (address) == NULL && tess_jid_is_bare (address) &&
                      g_str_equal (tess_jid_get_domain (address), wanted->domain);
    }

  return !wanted->found;
}

/* GnuTLS heeds the constraints of an authority for DNS names only: behind one that has any, no other kind counts. */
static gboolean
is_constrained (GTlsCertificate *certificate)
{
  guint depth = 0;

  for (GTlsCertificate *each = g_tls_certificate_get_issuer (certificate); each != NULL;
       each = g_tls_certificate_get_issuer (each))
    {
      g_autoptr (GByteArray)         der = get_der (each);
      g_autoptr (Crt)                crt = der != NULL ? parse (der->data, der->len) : NULL;
      gnutls_x509_name_constraints_t constraints = NULL;
      guint                          critical = 0;
      int                            status;

      if (crt == NULL || ++depth > MAX_CHAIN || gnutls_x509_name_constraints_init (&constraints) < 0)
        return TRUE;
      status = gnutls_x509_crt_get_name_constraints (crt, constraints, 0, &critical);
      gnutls_x509_name_constraints_deinit (constraints);
      if (status != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return TRUE;
    }

  return FALSE;
}

gboolean
tess_certificate_names_service (GTlsCertificate *certificate, const char *domain, const char *ascii)
{
  g_autoptr (GByteArray) der = get_der (certificate);
  g_autoptr (Crt)        crt = der != NULL ? parse (der->data, der->len) : NULL;
  ServiceName            wanted = { domain, ascii, FALSE };

  if (crt == NULL || is_constrained (certificate))
    return FALSE;
  visit_names (crt, compare_service, &wanted);

  return wanted.found;
}

gboolean
tess_certificate_is_for_servers (GTlsCertificate *certificate)
{
  g_autoptr (GByteArray) der = get_der (certificate);
  g_autoptr (Crt)        crt = der != NULL ? parse (der->data, der->len) : NULL;

  return crt != NULL && gnutls_x509_crt_check_key_purpose (crt, GNUTLS_KP_TLS_WWW_SERVER, 0) != 0;
}
