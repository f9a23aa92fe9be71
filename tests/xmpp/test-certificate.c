/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "crypto/tess-crypto.h"
#include "xmpp/tess-certificate.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

static char *
path_of (const char *name)
{
  return g_build_filename (g_getenv ("TESS_TEST_CERTIFICATES"), name, NULL);
}

static GTlsCertificate *
load (const char *name)
{
  g_autofree char    *path = path_of (name);
  g_autoptr (GError)  error = NULL;
  GTlsCertificate    *certificate = g_tls_certificate_new_from_file (path, &error);

  g_assert_no_error (error);
  return certificate;
}

static TessCertificate *
read_file (const char *name)
{
  g_autoptr (GTlsCertificate) certificate = load (name);
  TessCertificate            *read = tess_certificate_read (certificate, 0);

  g_assert_nonnull (read);
  return read;
}

static GBytes *
load_bytes (const char *name)
{
  g_autofree char *path = path_of (name);
  char            *data;
  gsize            size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  return g_bytes_new_take (data, size);
}

/* Against what openssl says: RSA, ECDSA, Ed25519. */
static void
test_fingerprints (void)
{
  static const struct { const char *name; const char *key; const char *signature; } cases[] = {
    { "names.crt", "RSA 2048", "ECDSA-SHA256" },
    { "good.crt", "ECDSA 256", "ECDSA-SHA256" },
    { "ed25519.crt", "Ed25519", "ECDSA-SHA256" },
  };
  g_autoptr (GBytes) bytes = load_bytes ("fingerprints");
  g_autofree char   *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_auto (GStrv)     lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessCertificate) read = read_file (cases[i].name);

      g_assert_cmpstr (read->fingerprint, ==, lines[2 * i]);
      g_assert_cmpstr (read->key_fingerprint, ==, lines[2 * i + 1]);
      g_assert_cmpstr (read->key, ==, cases[i].key);
      g_assert_cmpstr (read->signature, ==, cases[i].signature);
    }
}

static void
test_names (void)
{
  static const char *const    expected[] = { "a.test", "*.a.test", "_xmpp-client.a.test", "a.test", "192.0.2.1", NULL };
  g_autoptr (TessCertificate) read = read_file ("names.crt");

  g_assert_true (g_strv_equal ((const char *const *) read->names, expected));
  /* The mark that turns text is gone, the umlaut is not. */
  g_assert_cmpstr (read->subject, ==, "CN=A name with \303\244\\, and a right-to-left mark");
  g_assert_cmpstr (read->issuer, ==, "CN=Tessera test CA");
  g_assert_cmpint (read->not_before_us, ==, G_GINT64_CONSTANT (1577836800) * G_USEC_PER_SEC);
  g_assert_cmpint (read->not_after_us, ==, G_GINT64_CONSTANT (4102358400) * G_USEC_PER_SEC);
  g_assert_cmpint (read->faults, ==, TESS_CERTIFICATE_FINE);
}

/* What is foreign has limits. */
static void
test_limits (void)
{
  g_autoptr (TessCertificate) many = read_file ("many.crt");
  g_autofree guint8          *large = g_malloc0 (1024 * 1024);

  g_assert_cmpuint (g_strv_length (many->names), ==, 64);
  g_assert_cmpstr (many->names[63], ==, "63.test");
  large[0] = 0x30;
  g_assert_null (tess_certificate_read_der (large, 1024 * 1024));
  g_assert_null (tess_certificate_read_der (large, 0));
}

/* Whatever bytes come: read or not, but never more than that; what is read is text. */
static void
test_damaged (void)
{
  static const char *const files[] = { "names.crt", "many.crt", "limited-ca.pem", "ed25519.crt" };
  guint                    readable = 0;

  for (guint round = 0; round < 4000; round++)
    {
      g_autoptr (GTlsCertificate) certificate = load (files[round % G_N_ELEMENTS (files)]);
      g_autoptr (GByteArray)      der = NULL;
      g_autoptr (TessCertificate) read = NULL;
      guint                       changes = 1 + (guint) g_test_rand_int_range (0, 4);

      g_object_get (certificate, "certificate", &der, NULL);
      for (guint i = 0; i < changes; i++)
        der->data[g_test_rand_int_range (0, (gint32) der->len)] = (guint8) g_test_rand_int_range (0, 256);
      if (g_test_rand_int_range (0, 8) == 0)
        g_byte_array_set_size (der, (guint) g_test_rand_int_range (0, (gint32) der->len));
      read = tess_certificate_read_der (der->data, der->len);
      if (read == NULL)
        continue;
      readable++;
      g_assert_cmpuint (strlen (read->fingerprint), ==, 64);
      g_assert_cmpuint (strlen (read->key_fingerprint), ==, 64);
      g_assert_true (read->subject == NULL || g_utf8_validate (read->subject, -1, NULL));
      g_assert_true (read->subject == NULL || g_utf8_strlen (read->subject, -1) <= 512);
      for (char **name = read->names; name != NULL && *name != NULL; name++)
        {
          g_assert_true (g_utf8_validate (*name, -1, NULL));
          g_assert_null (strpbrk (*name, "\n\r\t\033"));
        }
    }
  g_assert_cmpuint (readable, >, 100);
}

static void
test_faults (void)
{
  static const struct { GTlsCertificateFlags flags; TessCertificateFaults faults; } cases[] = {
    { G_TLS_CERTIFICATE_UNKNOWN_CA, TESS_CERTIFICATE_UNKNOWN_ISSUER },
    { G_TLS_CERTIFICATE_BAD_IDENTITY, TESS_CERTIFICATE_OTHER_NAME },
    { G_TLS_CERTIFICATE_NOT_ACTIVATED, TESS_CERTIFICATE_NOT_YET_VALID },
    { G_TLS_CERTIFICATE_EXPIRED, TESS_CERTIFICATE_EXPIRED },
    { G_TLS_CERTIFICATE_REVOKED, TESS_CERTIFICATE_REVOKED },
    { G_TLS_CERTIFICATE_INSECURE, TESS_CERTIFICATE_INSECURE },
    { G_TLS_CERTIFICATE_GENERIC_ERROR, TESS_CERTIFICATE_BROKEN },
    { G_TLS_CERTIFICATE_EXPIRED | G_TLS_CERTIFICATE_UNKNOWN_CA, TESS_CERTIFICATE_EXPIRED | TESS_CERTIFICATE_UNKNOWN_ISSUER },
  };
  g_autoptr (GTlsCertificate) certificate = load ("good.crt");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessCertificate) read = tess_certificate_read (certificate, cases[i].flags);

      g_assert_cmpint (read->faults, ==, cases[i].faults);
    }
}

static void
test_chain (void)
{
  g_autofree char            *path = path_of ("limited-srv-name.pem");
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_file (path, NULL);
  g_autoptr (GPtrArray)       chain = tess_certificate_read_chain (certificate);

  g_assert_cmpuint (chain->len, ==, 2);
  g_assert_cmpstr (((TessCertificate *) chain->pdata[0])->issuer, ==, "CN=Limited CA");
  g_assert_cmpstr (((TessCertificate *) chain->pdata[1])->subject, ==, "CN=Limited CA");
  g_assert_cmpstr (((TessCertificate *) chain->pdata[1])->issuer, ==, "CN=Tessera test CA");
}

/* Names that GLib knows nothing of count for exactly the account's domain, and for its clients. */
static void
test_service_names (void)
{
  static const struct { const char *file; gboolean good; } cases[] = {
    { "srv-name.pem", TRUE },       { "xmpp-name.pem", TRUE },        { "names.pem", TRUE },
    { "srv-of-another.pem", FALSE }, { "srv-of-servers.pem", FALSE },  { "good.pem", FALSE },
    { "many.pem", FALSE },          { "limited-srv-name.pem", FALSE }, { "client.pem", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GTlsCertificate) certificate = load (cases[i].file);

      g_test_message ("%s", cases[i].file);
      g_assert_cmpint (tess_certificate_names_service (certificate, "a.test", "a.test"), ==, cases[i].good);
      g_assert_false (tess_certificate_names_service (certificate, "test", "test"));
    }
}

/* ---- Our own ---- */

static guint
count (const char *text, const char *needle)
{
  guint n = 0;

  for (const char *p = strstr (text, needle); p != NULL; p = strstr (p + 1, needle))
    n++;
  return n;
}

static void
test_import (void)
{
  static const struct { const char *file; const char *passphrase; guint chain; } cases[] = {
    { "client.p12", "secret", 2 },         { "client-open.p12", NULL, 2 },         { "client-open.p12", "", 2 },
    { "client-legacy.p12", "secret", 0 },  { "client-iterations.p12", "secret", 2 },
    { "client.pem", NULL, 1 },             { "client.pem", "not needed", 1 },      { "client-encrypted.pem", "secret", 1 },
    { "client-traditional.pem", "secret", 1 }, { "client-mixed.pem", NULL, 3 },
  };
  g_autoptr (TessCertificate) expected = read_file ("client.crt");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes)          data = load_bytes (cases[i].file);
      g_autoptr (GError)          error = NULL;
      gboolean                    wants = TRUE;
      g_auto (TessSecretString)   pem = tess_certificate_import (data, cases[i].passphrase, &wants, &error);
      g_autoptr (GTlsCertificate) certificate = NULL;
      g_autoptr (TessCertificate) read = NULL;
      g_autofree char            *key = NULL;

      g_test_message ("%s", cases[i].file);
      g_assert_no_error (error);
      g_assert_false (wants);
      g_assert_cmpuint (count (pem, "-----BEGIN PRIVATE KEY-----"), ==, 1);
      if (cases[i].chain > 0)
        g_assert_cmpuint (count (pem, "-----BEGIN CERTIFICATE-----"), ==, cases[i].chain);
      certificate = tess_certificate_from_pem (pem, &error);
      g_assert_no_error (error);
      read = tess_certificate_read (certificate, 0);
      g_assert_cmpstr (read->fingerprint, ==, expected->fingerprint);
      g_object_get (certificate, "private-key-pem", &key, NULL);
      g_assert_nonnull (key);
    }
}

static void
refuse (GBytes *data, const char *passphrase, gboolean wants_expected)
{
  g_autoptr (GError) error = NULL;
  gboolean           wants = !wants_expected;

  g_assert_null (tess_certificate_import (data, passphrase, &wants, &error));
  g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLIENT_CERTIFICATE);
  g_assert_cmpint (wants, ==, wants_expected);
  if (passphrase != NULL && *passphrase != '\0')
    g_assert_null (strstr (error->message, passphrase));
}

static void
test_import_refused (void)
{
  static const struct { const char *file; const char *passphrase; gboolean wants; } cases[] = {
    { "client.p12", NULL, TRUE },           { "client.p12", "", TRUE },         { "client.p12", "wrong-one", TRUE },
    { "client-legacy.p12", NULL, TRUE },    { "client-encrypted.pem", NULL, TRUE },
    { "client-encrypted.pem", "wrong-one", TRUE }, { "client-traditional.pem", "wrong-one", TRUE },
    { "client-traditional.pem", "", TRUE }, { "client.crt", NULL, FALSE },      { "client.key", NULL, FALSE },
    { "client-no-key.p12", NULL, FALSE },   { "client-wrong-key.pem", NULL, FALSE }, { "client.csr", NULL, FALSE },
    { "ca.conf", NULL, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) data = load_bytes (cases[i].file);

      g_test_message ("%s", cases[i].file);
      refuse (data, cases[i].passphrase, cases[i].wants);
    }
}

/* 66051 iterations, as in the files, made 8388607: for each place in turn where the number stands. */
static void
test_import_iterations (void)
{
  static const guint8 moderate[] = { 0x02, 0x03, 0x01, 0x02, 0x03 };
  static const guint8 many[] = { 0x02, 0x03, 0x7f, 0xff, 0xff };
  g_autoptr (GBytes)  file = load_bytes ("client-iterations.p12");
  gsize               size;
  const guint8       *data = g_bytes_get_data (file, &size);
  guint               places = 0;

  for (gsize i = 0; i + sizeof moderate <= size; i++)
    {
      g_autofree guint8 *changed = g_memdup2 (data, size);
      g_autoptr (GBytes) bytes = NULL;

      if (memcmp (data + i, moderate, sizeof moderate) != 0)
        continue;
      places++;
      memcpy (changed + i, many, sizeof many);
      bytes = g_bytes_new (changed, size);
      refuse (bytes, "secret", FALSE);
    }
  /* The certificates' bag, the key's, the authentication code. */
  g_assert_cmpuint (places, ==, 3);
}

/* The same in a PEM key. */
static void
test_import_iterations_pem (void)
{
  g_autoptr (GBytes) file = load_bytes ("client-encrypted.pem");
  g_autofree char   *text = g_strndup (g_bytes_get_data (file, NULL), g_bytes_get_size (file));
  char              *begin = strstr (text, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
  g_autofree char   *base64 = NULL;
  g_autofree char   *again = NULL;
  g_autofree guint8 *der = NULL;
  g_autoptr (GBytes) changed = NULL;
  gsize              size;
  guint8            *place;

  g_assert_nonnull (begin);
  *begin = '\0';
  base64 = g_strdup (begin + strlen ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
  *strstr (base64, "-----END") = '\0';
  der = g_base64_decode (base64, &size);
  place = memmem (der, size, "\x02\x03\x01\x02\x03", 5);
  g_assert_nonnull (place);
  memcpy (place, "\x02\x03\x7f\xff\xff", 5);
  base64 = (g_free (base64), g_base64_encode (der, size));
  again = g_strconcat (text, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", base64,
                       "\n-----END ENCRYPTED PRIVATE KEY-----\n", NULL);
  changed = g_bytes_new (again, strlen (again));
  refuse (changed, "secret", FALSE);
}

static void
test_import_limits (void)
{
  g_autoptr (GBytes)  pem = load_bytes ("client.pem");
  g_autoptr (GString) large = g_string_new_len (g_bytes_get_data (pem, NULL), (gssize) g_bytes_get_size (pem));
  g_autoptr (GString) many = g_string_new_len (g_bytes_get_data (pem, NULL), (gssize) g_bytes_get_size (pem));
  g_autoptr (GBytes)  padded = NULL;
  g_autoptr (GBytes)  crowd = NULL;
  g_autoptr (GBytes)  nothing = g_bytes_new ("", 0);
  g_autoptr (GBytes)  other = load_bytes ("good.crt");

  while (large->len <= 1024 * 1024)
    g_string_append (large, "padding padding padding padding padding padding\n");
  padded = g_bytes_new (large->str, large->len);
  refuse (padded, NULL, FALSE);
  for (guint i = 0; i < 20; i++)
    g_string_append_len (many, g_bytes_get_data (other, NULL), (gssize) g_bytes_get_size (other));
  crowd = g_bytes_new (many->str, many->len);
  refuse (crowd, NULL, FALSE);
  refuse (nothing, NULL, FALSE);
}

/* Any file may be chosen. */
static void
test_import_damaged (void)
{
  static const char *const files[] = { "client-open.p12", "client.pem", "client-encrypted.pem" };

  for (guint round = 0; round < 600; round++)
    {
      g_autoptr (GBytes)        file = load_bytes (files[round % G_N_ELEMENTS (files)]);
      gsize                     size;
      g_autofree guint8        *data = g_memdup2 (g_bytes_get_data (file, &size), g_bytes_get_size (file));
      g_autoptr (GBytes)        bytes = NULL;
      g_autoptr (GError)        error = NULL;
      g_auto (TessSecretString) pem = NULL;

      for (gint32 i = g_test_rand_int_range (1, 4); i > 0; i--)
        data[g_test_rand_int_range (0, (gint32) size)] = (guint8) g_test_rand_int_range (0, 256);
      bytes = g_bytes_new (data, size);
      pem = tess_certificate_import (bytes, round % 2 == 0 ? NULL : "secret", NULL, &error);
      g_assert_true ((pem == NULL) == (error != NULL));
    }
}

static void
test_from_pem_refused (void)
{
  g_autoptr (GBytes) crt = load_bytes ("client.crt");
  g_autofree char   *text = g_strndup (g_bytes_get_data (crt, NULL), g_bytes_get_size (crt));
  const char        *cases[] = { "", "nonsense", text, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (tess_certificate_from_pem (cases[i], &error));
      g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLIENT_CERTIFICATE);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/certificate/fingerprints", test_fingerprints);
  g_test_add_func ("/certificate/names", test_names);
  g_test_add_func ("/certificate/limits", test_limits);
  g_test_add_func ("/certificate/damaged", test_damaged);
  g_test_add_func ("/certificate/faults", test_faults);
  g_test_add_func ("/certificate/chain", test_chain);
  g_test_add_func ("/certificate/service-names", test_service_names);
  g_test_add_func ("/certificate/import", test_import);
  g_test_add_func ("/certificate/import-refused", test_import_refused);
  g_test_add_func ("/certificate/import-iterations", test_import_iterations);
  g_test_add_func ("/certificate/import-iterations-pem", test_import_iterations_pem);
  g_test_add_func ("/certificate/import-limits", test_import_limits);
  g_test_add_func ("/certificate/import-damaged", test_import_damaged);
  g_test_add_func ("/certificate/from-pem-refused", test_from_pem_refused);
  return g_test_run ();
}
