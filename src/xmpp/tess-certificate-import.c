/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-certificate.h"

#include "crypto/tess-crypto.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <gnutls/gnutls.h>
#include <gnutls/pkcs12.h>
#include <gnutls/x509.h>
#include <string.h>

#define MAX_FILE (1024 * 1024)
#define MAX_CERTIFICATES 16
#define MAX_CHAIN 8
#define MAX_BAGS 32
/* A file names how often its passphrase is hashed: what takes longer than a few seconds is no certificate. */
#define MAX_ITERATIONS 5000000

#define PEM_BEGIN "-----BEGIN "
#define PEM_END "-----END "
#define PEM_DASHES "-----"
#define PEM_KEY "PRIVATE KEY"

/* What a file holds, in whatever order. */
typedef struct
{
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t     certificates[MAX_CERTIFICATES];
  guint                 n_certificates;
} Content;

typedef enum
{
  READ_FINE,
  READ_BROKEN,
  READ_WANTS_PASSPHRASE,
  READ_WRONG_PASSPHRASE,
  READ_NO_KEY,
  READ_NO_CERTIFICATE,
} ReadStatus;

static void
content_clear (Content *content)
{
  if (content->key != NULL)
    gnutls_x509_privkey_deinit (content->key);
  for (guint i = 0; i < content->n_certificates; i++)
    gnutls_x509_crt_deinit (content->certificates[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Content, content_clear)

static gboolean
is_empty (const char *passphrase)
{
  return passphrase == NULL || *passphrase == '\0';
}

/* ---- PKCS#12 (RFC 7292) ---- */

static gboolean
key_is_moderate (const gnutls_datum_t *key, gnutls_x509_crt_fmt_t format)
{
  guint iterations = 0;

  return gnutls_pkcs8_info (key, format, NULL, NULL, NULL, NULL, &iterations, NULL) < 0 || iterations <= MAX_ITERATIONS;
}

/* A bag is encrypted as a whole, or holds keys that are. */
static gboolean
bag_is_moderate (gnutls_pkcs12_bag_t bag)
{
  guint iterations = 0;

  gnutls_pkcs12_bag_enc_info (bag, NULL, NULL, NULL, NULL, &iterations, NULL);
  if (iterations > MAX_ITERATIONS)
    return FALSE;
  for (int i = 0; i < gnutls_pkcs12_bag_get_count (bag); i++)
    {
      gnutls_datum_t key;

      if (gnutls_pkcs12_bag_get_type (bag, i) == GNUTLS_BAG_PKCS8_ENCRYPTED_KEY &&
          gnutls_pkcs12_bag_get_data (bag, i, &key) == 0 && !key_is_moderate (&key, GNUTLS_X509_FMT_DER))
        return FALSE;
    }

  return TRUE;
}

static gboolean
bags_are_moderate (gnutls_pkcs12_t file)
{
  guint iterations = 0;
  char *oid = NULL;
  int   status = gnutls_pkcs12_mac_info (file, NULL, NULL, NULL, &iterations, &oid);

  /* Not needed, but GnuTLS 3.7 leaks an unknown one when it is not asked for. */
  gnutls_free (oid);
  if ((status < 0 && status != GNUTLS_E_UNKNOWN_HASH_ALGORITHM) || iterations > MAX_ITERATIONS)
    return FALSE;

  for (int i = 0; i <= MAX_BAGS; i++)
    {
      gnutls_pkcs12_bag_t bag = NULL;
      gboolean            moderate;

      if (gnutls_pkcs12_bag_init (&bag) < 0)
        return FALSE;
      status = gnutls_pkcs12_get_bag (file, i, bag);
      moderate = status == 0 && bag_is_moderate (bag);
      gnutls_pkcs12_bag_deinit (bag);
      if (status == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return TRUE;
      if (!moderate)
        return FALSE;
    }

  return FALSE;
}

/* An absent passphrase and an empty one are two different keys (RFC 7292 appendix B.1): files exist of both kinds. */
static gboolean
check_passphrase (gnutls_pkcs12_t file, const char *passphrase, const char **works)
{
  if (!is_empty (passphrase))
    {
      *works = passphrase;
      return gnutls_pkcs12_verify_mac (file, passphrase) == 0;
    }
  *works = NULL;
  if (gnutls_pkcs12_verify_mac (file, NULL) == 0)
    return TRUE;
  *works = "";
  return gnutls_pkcs12_verify_mac (file, "") == 0;
}

static void
add_certificates (Content *content, gnutls_x509_crt_t *list, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      if (content->n_certificates < MAX_CERTIFICATES)
        content->certificates[content->n_certificates++] = list[i];
      else
        gnutls_x509_crt_deinit (list[i]);
    }
  gnutls_free (list);
}

static ReadStatus
read_pkcs12 (const gnutls_datum_t *data, const char *passphrase, Content *content)
{
  gnutls_pkcs12_t    file = NULL;
  gnutls_x509_crt_t *chain = NULL;
  gnutls_x509_crt_t *others = NULL;
  guint              n_chain = 0;
  guint              n_others = 0;
  const char        *works = NULL;
  ReadStatus         status = READ_BROKEN;

  if (gnutls_pkcs12_init (&file) < 0)
    return READ_BROKEN;
  if (gnutls_pkcs12_import (file, data, GNUTLS_X509_FMT_DER, 0) == 0 && bags_are_moderate (file))
    {
      if (!check_passphrase (file, passphrase, &works))
        status = is_empty (passphrase) ? READ_WANTS_PASSPHRASE : READ_WRONG_PASSPHRASE;
      else if (gnutls_pkcs12_simple_parse (file, works, &content->key, &chain, &n_chain, &others, &n_others, NULL, 0) == 0)
        status = READ_FINE;
    }
  gnutls_pkcs12_deinit (file);
  add_certificates (content, chain, n_chain);
  add_certificates (content, others, n_others);

  return status;
}

/* ---- PEM (RFC 7468) ---- */

/* The first block whose label ends with "PRIVATE KEY", in place. */
static gboolean
find_key (char *text, gnutls_datum_t *block)
{
  for (char *begin = strstr (text, PEM_BEGIN); begin != NULL; begin = strstr (begin + 1, PEM_BEGIN))
    {
      char *label = begin + strlen (PEM_BEGIN);
      char *dashes = strstr (label, PEM_DASHES);
      char *end = dashes != NULL ? strstr (dashes, PEM_END) : NULL;
      char *last = end != NULL ? strstr (end + strlen (PEM_END), PEM_DASHES) : NULL;
      gsize length = dashes != NULL ? (gsize) (dashes - label) : 0;

      if (last == NULL || length < strlen (PEM_KEY) ||
          strncmp (dashes - strlen (PEM_KEY), PEM_KEY, strlen (PEM_KEY)) != 0)
        continue;
      block->data = (guint8 *) begin;
      block->size = (guint) (last + strlen (PEM_DASHES) - begin);
      return TRUE;
    }

  return FALSE;
}

static gboolean
is_encrypted (const gnutls_datum_t *block)
{
  return g_strstr_len ((const char *) block->data, block->size, "ENCRYPTED") != NULL;
}

static ReadStatus
read_pem_key (char *text, const char *passphrase, Content *content)
{
  gnutls_datum_t block;
  gboolean       encrypted;

  if (!find_key (text, &block))
    return READ_NO_KEY;
  encrypted = is_encrypted (&block);
  if (encrypted && is_empty (passphrase))
    return READ_WANTS_PASSPHRASE;
  if (encrypted && !key_is_moderate (&block, GNUTLS_X509_FMT_PEM))
    return READ_BROKEN;
  if (gnutls_x509_privkey_init (&content->key) < 0)
    return READ_BROKEN;
  if (gnutls_x509_privkey_import2 (content->key, &block, GNUTLS_X509_FMT_PEM, encrypted ? passphrase : NULL, 0) < 0)
    return encrypted ? READ_WRONG_PASSPHRASE : READ_BROKEN;

  return READ_FINE;
}

static ReadStatus
read_pem (const gnutls_datum_t *data, const char *passphrase, Content *content)
{
  g_auto (TessSecretString) text = g_strndup ((const char *) data->data, data->size);
  guint                     n = MAX_CERTIFICATES;
  int                       status;

  status = gnutls_x509_crt_list_import (content->certificates, &n, data, GNUTLS_X509_FMT_PEM,
                                        GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
  if (status == GNUTLS_E_NO_CERTIFICATE_FOUND)
    return READ_NO_CERTIFICATE;
  if (status < 0)
    return READ_BROKEN;
  content->n_certificates = (guint) status;

  return read_pem_key (text, passphrase, content);
}

/* ---- What comes out ---- */

static gboolean
same_key (gnutls_x509_privkey_t key, gnutls_x509_crt_t certificate)
{
  guint8 ours[32];
  guint8 its[32];
  gsize  ours_size = sizeof ours;
  gsize  its_size = sizeof its;

  return gnutls_x509_privkey_get_key_id (key, GNUTLS_KEYID_USE_SHA256, ours, &ours_size) == 0 &&
         gnutls_x509_crt_get_key_id (certificate, GNUTLS_KEYID_USE_SHA256, its, &its_size) == 0 &&
         ours_size == its_size && memcmp (ours, its, ours_size) == 0;
}

static gnutls_x509_crt_t
find_issuer (const Content *content, gnutls_x509_crt_t certificate)
{
  for (guint i = 0; i < content->n_certificates; i++)
    if (content->certificates[i] != certificate &&
        gnutls_x509_crt_check_issuer (certificate, content->certificates[i]) == 1)
      return content->certificates[i];

  return NULL;
}

/* GnuTLS's memory, a secret too, goes on into ours. */
static gboolean
append_secret (GString *out, int status, gnutls_datum_t *datum)
{
  if (status < 0)
    return FALSE;
  g_string_append_len (out, (const char *) datum->data, datum->size);
  tess_wipe (datum->data, datum->size);
  gnutls_free (datum->data);

  return TRUE;
}

/* Our own certificate, those between it and its authority, and the key. */
static char *
write_pem (const Content *content)
{
  /* Large enough never to be moved: g_string_append () would leave the key behind in memory. */
  GString          *out = g_string_sized_new (MAX_FILE);
  gnutls_x509_crt_t next = NULL;
  gnutls_datum_t    datum = { NULL, 0 };
  gboolean          fine = TRUE;
  char             *pem;

  for (guint i = 0; i < content->n_certificates && next == NULL; i++)
    if (same_key (content->key, content->certificates[i]))
      next = content->certificates[i];
  fine = next != NULL;
  for (guint i = 0; i < MAX_CHAIN && next != NULL && fine; i++, next = find_issuer (content, next))
    fine = append_secret (out, gnutls_x509_crt_export2 (next, GNUTLS_X509_FMT_PEM, &datum), &datum);
  fine = fine && append_secret (out,
                                gnutls_x509_privkey_export2_pkcs8 (content->key, GNUTLS_X509_FMT_PEM, NULL,
                                                                   GNUTLS_PKCS_PLAIN, &datum), &datum);
  pem = fine ? g_strdup (out->str) : NULL;
  tess_wipe (out->str, out->allocated_len);
  g_string_free (out, TRUE);

  return pem;
}

static GError *
explain (ReadStatus status)
{
  const char *sentence;

  switch (status)
    {
    case READ_WANTS_PASSPHRASE:
      sentence = _ ("This certificate is protected by a passphrase. Enter it.");
      break;
    case READ_WRONG_PASSPHRASE:
      sentence = _ ("The passphrase does not fit this certificate. Check it, and try again.");
      break;
    case READ_NO_KEY:
      sentence = _ ("This file holds a certificate without its key. Choose the file that holds both.");
      break;
    case READ_NO_CERTIFICATE:
      sentence = _ ("This file holds no certificate. Choose the file that holds the certificate and its key.");
      break;
    case READ_FINE:
    case READ_BROKEN:
    default:
      sentence = _ ("This file cannot be read as a certificate. Choose a PKCS#12 file (.p12, .pfx) or a PEM file.");
    }

  return g_error_new_literal (TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLIENT_CERTIFICATE, sentence);
}

char *
tess_certificate_import (GBytes *data, const char *passphrase, gboolean *wants_passphrase, GError **error)
{
  g_auto (Content) content = { 0 };
  gsize            size;
  const char      *bytes = g_bytes_get_data (data, &size);
  gnutls_datum_t   datum = { (guint8 *) bytes, (guint) size };
  ReadStatus       status = READ_BROKEN;
  char            *pem = NULL;

  if (size > 0 && size <= MAX_FILE)
    {
      if (g_strstr_len (bytes, (gssize) size, PEM_BEGIN) != NULL)
        status = read_pem (&datum, passphrase, &content);
      else
        status = read_pkcs12 (&datum, passphrase, &content);
    }
  if (status == READ_FINE && content.key == NULL)
    status = READ_NO_KEY;
  if (status == READ_FINE && content.n_certificates == 0)
    status = READ_NO_CERTIFICATE;
  if (status == READ_FINE && (pem = write_pem (&content)) == NULL)
    status = READ_NO_KEY;
  if (wants_passphrase != NULL)
    *wants_passphrase = status == READ_WANTS_PASSPHRASE || status == READ_WRONG_PASSPHRASE;
  if (status != READ_FINE)
    g_propagate_error (error, explain (status));

  return pem;
}

GTlsCertificate *
tess_certificate_from_pem (const char *pem, GError **error)
{
  g_autoptr (GError)          cause = NULL;
  g_autoptr (GTlsCertificate) certificate = NULL;

  if (strlen (pem) <= MAX_FILE && strstr (pem, PEM_KEY PEM_DASHES) != NULL)
    certificate = g_tls_certificate_new_from_pem (pem, -1, &cause);
  if (certificate == NULL)
    {
      g_debug ("No certificate from PEM: %s", cause != NULL ? cause->message : "no key");
      g_propagate_error (error, explain (READ_BROKEN));
    }

  return g_steal_pointer (&certificate);
}
