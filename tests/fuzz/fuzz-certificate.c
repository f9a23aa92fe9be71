/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "xmpp/tess-certificate.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

/* A line with a passphrase, then a certificate in DER, or a file in PEM or PKCS#12.
 *
 * - What a certificate says is UTF-8 without control characters, within the bounds that the header gives.
 * - What was taken for our own certificate is one that can be used, and is taken again. */

#define LONGEST_STRING 512
#define MOST_NAMES 64

void
fuzz_set_up (void)
{
}

static void
check_fingerprint (const char *text)
{
  g_assert_cmpuint (strlen (text), ==, 64);
  g_assert_cmpuint (strspn (text, "0123456789abcdef"), ==, 64);
}

static void
check_certificate (const TessCertificate *certificate)
{
  g_autoptr (TessCertificate) copy = tess_certificate_copy (certificate);

  check_fingerprint (certificate->fingerprint);
  check_fingerprint (certificate->key_fingerprint);
  fuzz_assert_line (certificate->subject, LONGEST_STRING);
  fuzz_assert_line (certificate->issuer, LONGEST_STRING);
  fuzz_assert_line (certificate->key, LONGEST_STRING);
  fuzz_assert_line (certificate->signature, LONGEST_STRING);
  g_assert_true (certificate->names == NULL || g_strv_length (certificate->names) <= MOST_NAMES);
  for (guint i = 0; certificate->names != NULL && certificate->names[i] != NULL; i++)
    fuzz_assert_line (certificate->names[i], LONGEST_STRING);
  g_assert_cmpstr (copy->subject, ==, certificate->subject);
}

static void
check_der (const guint8 *data, gsize size)
{
  g_autoptr (TessCertificate) certificate = tess_certificate_read_der (data, size);

  if (certificate != NULL)
    check_certificate (certificate);
}

static void
check_import (GBytes *data, const char *passphrase)
{
  g_autoptr (GError)          error = NULL;
  gboolean                    wants_passphrase = FALSE;
  g_autofree char            *pem = tess_certificate_import (data, passphrase, &wants_passphrase, &error);
  g_autofree char            *again = NULL;
  g_autoptr (GBytes)          pem_bytes = NULL;
  g_autoptr (GTlsCertificate) own = NULL;
  g_autoptr (GPtrArray)       chain = NULL;

  g_assert_true ((pem == NULL) == (error != NULL));
  if (pem == NULL)
    {
      g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLIENT_CERTIFICATE);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      return;
    }
  own = tess_certificate_from_pem (pem, &error);
  g_assert_no_error (error);
  chain = tess_certificate_read_chain (own);
  g_assert_cmpuint (chain->len, <=, 8);
  for (guint i = 0; i < chain->len; i++)
    check_certificate (g_ptr_array_index (chain, i));
  tess_certificate_names_service (own, "example.org", "example.org");
  pem_bytes = g_bytes_new (pem, strlen (pem));
  again = tess_certificate_import (pem_bytes, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (again, ==, pem);
}

void
fuzz_one (const guint8 *data, gsize size)
{
  FuzzInput          input = { data, size };
  g_autofree char   *passphrase = fuzz_take_line (&input);
  g_autoptr (GBytes) file = g_bytes_new (input.at, input.left);

  check_der (input.at, input.left);
  check_import (file, *passphrase != '\0' ? passphrase : NULL);
}
