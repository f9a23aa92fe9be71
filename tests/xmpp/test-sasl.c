/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "crypto/tess-crypto.h"
#include "xmpp/tess-sasl.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

#define B(text) g_base64_encode ((const guint8 *) (text), strlen (text))

static void
keep_result_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* The response, decoded. */
static char *
challenge (TessSasl *sasl, const char *message, GCancellable *cancellable, GError **error)
{
  g_autofree char         *base64 = B (message);
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char         *response = NULL;
  gsize                    length;
  char                    *text;

  tess_sasl_challenge_async (sasl, base64, cancellable, keep_result_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  response = tess_sasl_challenge_finish (sasl, result, error);
  if (response == NULL)
    return NULL;
  text = (char *) g_base64_decode (response, &length);
  text = g_realloc (text, length + 1);
  text[length] = '\0';
  return text;
}

static gboolean
succeed (TessSasl *sasl, const char *message, GError **error)
{
  g_autofree char *base64 = message != NULL ? B (message) : NULL;

  return tess_sasl_succeed (sasl, base64, error);
}

static char *
start (TessSasl *sasl)
{
  g_autofree char *base64 = tess_sasl_start (sasl);
  gsize            length;
  guint8          *bytes = g_base64_decode (base64, &length);

  bytes = g_realloc (bytes, length + 1);
  bytes[length] = '\0';
  for (gsize i = 0; i < length; i++)
    if (bytes[i] == '\0')
      bytes[i] = '|';
  return (char *) bytes;
}

static TessSasl *
new_sasl (const char *mechanism, const char *nonce)
{
  const char     *mechanisms[] = { mechanism, NULL };
  TessSaslOptions options = { .username = "user", .password = "pencil", .mechanisms = mechanisms, .nonce = nonce };
  TessSasl       *sasl = tess_sasl_new (&options, NULL);

  g_assert_nonnull (sasl);
  return sasl;
}

/* RFC 5802 section 5, RFC 7677 section 3. */
static const struct
{
  const char *mechanism, *nonce, *first, *server_first, *final, *server_final;
} vectors[] = {
  { "SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL", "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
  { "SCRAM-SHA-256", "rOprNGfwEbeRWgbNEkqO", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      g_autoptr (TessSasl) sasl = new_sasl (vectors[i].mechanism, vectors[i].nonce);
      g_autoptr (GError)   error = NULL;
      G_GNUC_UNUSED g_autofree char *first = start (sasl);
      G_GNUC_UNUSED g_autofree char *final = challenge (sasl, vectors[i].server_first, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpstr (first, ==, vectors[i].first);
      g_assert_cmpstr (final, ==, vectors[i].final);
      g_assert_true (succeed (sasl, vectors[i].server_final, &error));
      g_assert_no_error (error);
    }
}

/* The last message may come as a challenge, with an empty success behind it. */
static void
test_final_challenge (void)
{
  g_autoptr (TessSasl) sasl = new_sasl (vectors[0].mechanism, vectors[0].nonce);
  G_GNUC_UNUSED g_autofree char *first = start (sasl);
  G_GNUC_UNUSED g_autofree char *final = challenge (sasl, vectors[0].server_first, NULL, NULL);
  g_autofree char     *last = challenge (sasl, vectors[0].server_final, NULL, NULL);

  g_assert_cmpstr (last, ==, "");
  g_assert_true (tess_sasl_succeed (sasl, "", NULL));
}

/* Attacks rows B7 and B8, in the first message. */
static void
test_bad_first (void)
{
  static const char *const messages[] = {
    "", "x", "r=foreign,s=QSXCR+Q6sek8bf92,i=4096", "r=NONCE,s=QSXCR+Q6sek8bf92,i=4096",
    "r=xNONCEx,s=QSXCR+Q6sek8bf92,i=4096", "m=x,r=NONCEx,s=QSXCR+Q6sek8bf92,i=4096",
    "r=NONCEx,s=QSXCR+Q6sek8bf92,i=4096,m=x", "r=NONCEx,s=,i=4096", "r=NONCEx,i=4096", "s=QSXCR+Q6sek8bf92,i=4096",
    "r=NONCEx,s=!!!!,i=4096", "r=NONCEx,s=QSXCR+Q6sek8bf9,i=4096", "r=NONCEx,s=QSXCR+Q6sek8bf92", "r=NONCEx,s=QSXCR+Q6sek8bf92,i=",
    "r=NONCEx,s=QSXCR+Q6sek8bf92,i=0", "r=NONCEx,s=QSXCR+Q6sek8bf92,i=1", "r=NONCEx,s=QSXCR+Q6sek8bf92,i=4095",
    "r=NONCEx,s=QSXCR+Q6sek8bf92,i=10000001", "r=NONCEx,s=QSXCR+Q6sek8bf92,i=4294967295",
    "r=NONCEx,s=QSXCR+Q6sek8bf92,i=4294971392", "r=NONCEx,s=QSXCR+Q6sek8bf92,i=-4096", "r=NONCEx,s=QSXCR+Q6sek8bf92,i=4096x",
    "i=4096,s=QSXCR+Q6sek8bf92,r=NONCEx", "r=NONCE x,s=QSXCR+Q6sek8bf92,i=4096", "r=NONCE\303\244,s=QSXCR+Q6sek8bf92,i=4096",
    "r=NONCEx,s=QSXCR+Q6sek8bf92,i=4096,h=AAAA", "e=other-error",
  };

  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      g_autoptr (TessSasl) sasl = new_sasl ("SCRAM-SHA-1", "NONCE");
      g_autoptr (GError)   error = NULL;
      G_GNUC_UNUSED g_autofree char *first = start (sasl);

      g_assert_null (challenge (sasl, messages[i], NULL, &error));
      g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_SERVER_UNPROVEN);
      /* There is no way back. */
      g_assert_false (succeed (sasl, vectors[0].server_final, NULL));
      g_assert_null (challenge (sasl, "r=NONCEx,s=QSXCR+Q6sek8bf92,i=4096", NULL, NULL));
    }
}

static void
test_bad_final (void)
{
  static const char *const messages[] = {
    NULL, "", "v=", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ", "v=smF9pqV8S7suAoZWja4dJRkFsKQ=", "v=rmF9pqV8S7suAoZWja4dJRkFsKU=",
    "v=AAAA", "x=1,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
  };

  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      g_autoptr (TessSasl) sasl = new_sasl (vectors[0].mechanism, vectors[0].nonce);
      g_autoptr (GError)   error = NULL;
      G_GNUC_UNUSED g_autofree char *first = start (sasl);
      G_GNUC_UNUSED g_autofree char *final = challenge (sasl, vectors[0].server_first, NULL, NULL);

      g_assert_nonnull (final);
      g_assert_false (succeed (sasl, messages[i], &error));
      g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_SERVER_UNPROVEN);
      g_assert_false (succeed (sasl, vectors[0].server_final, NULL));
    }
}

/* Not even the right signature counts before the server asked. */
static void
test_success_too_early (void)
{
  g_autoptr (TessSasl) sasl = new_sasl (vectors[0].mechanism, vectors[0].nonce);
  g_autoptr (GError)   error = NULL;
  G_GNUC_UNUSED g_autofree char *first = start (sasl);

  g_assert_false (succeed (sasl, vectors[0].server_final, &error));
  g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_SERVER_UNPROVEN);
}

static void
test_server_error (void)
{
  g_autoptr (TessSasl) sasl = new_sasl (vectors[0].mechanism, vectors[0].nonce);
  g_autoptr (GError)   error = NULL;
  G_GNUC_UNUSED g_autofree char *first = start (sasl);
  G_GNUC_UNUSED g_autofree char *final = challenge (sasl, vectors[0].server_first, NULL, NULL);

  g_assert_null (challenge (sasl, "e=invalid-proof", NULL, &error));
  g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NOT_AUTHORIZED);
}

static void
test_cancelled (void)
{
  g_autoptr (TessSasl)     sasl = new_sasl ("SCRAM-SHA-512", "NONCE");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError)       error = NULL;
  G_GNUC_UNUSED g_autofree char *first = start (sasl);

  g_cancellable_cancel (cancellable);
  g_assert_null (challenge (sasl, "r=NONCEx,s=QSXCR+Q6sek8bf92,i=10000000", cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (tess_sasl_succeed (sasl, NULL, NULL));
}

static void
test_plain (void)
{
  g_autoptr (TessSasl) sasl = new_sasl ("PLAIN", NULL);
  G_GNUC_UNUSED g_autofree char *first = start (sasl);

  g_assert_cmpstr (first, ==, "|user|pencil");
  g_assert_false (tess_sasl_is_scram (sasl));
  g_assert_true (tess_sasl_succeed (sasl, "", NULL));
  g_assert_false (tess_sasl_succeed (sasl, "", NULL));
}

static void
test_escaped (void)
{
  const char          *mechanisms[] = { "SCRAM-SHA-1", NULL };
  TessSaslOptions      options = { .username = "a=b,c", .password = "p", .mechanisms = mechanisms, .nonce = "N" };
  g_autoptr (TessSasl) sasl = tess_sasl_new (&options, NULL);
  G_GNUC_UNUSED g_autofree char *first = start (sasl);

  g_assert_cmpstr (first, ==, "n,,n=a=3Db=2Cc,r=N");
}

/* Which one is chosen, and rows B4 and B6. A first message of NULL: refused, with this code. */
static const struct
{
  const char *mechanisms, *announced, *bindings;
  gboolean    scram_seen;
  const char *chosen, *gs2;
  int         code;
} choices[] = {
  { "PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-512", NULL, "", FALSE, "SCRAM-SHA-512", "n,,", 0 },
  { "PLAIN SCRAM-SHA-1 SCRAM-SHA-256", NULL, "", FALSE, "SCRAM-SHA-256", "n,,", 0 },
  { "PLAIN X SCRAM-SHA-1", NULL, "", TRUE, "SCRAM-SHA-1", "n,,", 0 },
  { "PLAIN", NULL, "tls-exporter", FALSE, "PLAIN", NULL, 0 },
  { "PLAIN", "tls-exporter", "tls-exporter", FALSE, "PLAIN", NULL, 0 },
  { "PLAIN", NULL, "", TRUE, NULL, NULL, TESS_XMPP_ERROR_NO_MECHANISM },
  { "", NULL, "", FALSE, NULL, NULL, TESS_XMPP_ERROR_NO_MECHANISM },
  { "EXTERNAL ANONYMOUS DIGEST-MD5 scram-sha-1", NULL, "", FALSE, NULL, NULL, TESS_XMPP_ERROR_NO_MECHANISM },
  { "SCRAM-SHA-512 SCRAM-SHA-1-PLUS", "tls-exporter", "tls-exporter", FALSE, "SCRAM-SHA-1-PLUS", "p=tls-exporter,,", 0 },
  /* Without XEP-0440 only tls-unique is taken for granted. */
  { "SCRAM-SHA-512 SCRAM-SHA-1-PLUS", NULL, "tls-exporter", FALSE, "SCRAM-SHA-512", "n,,", 0 },
  { "SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-512-PLUS", NULL, "tls-unique tls-server-end-point", FALSE,
    "SCRAM-SHA-512-PLUS", "p=tls-unique,,", 0 },
  { "SCRAM-SHA-1 SCRAM-SHA-1-PLUS", "tls-server-end-point", "tls-exporter tls-server-end-point", FALSE,
    "SCRAM-SHA-1-PLUS", "p=tls-server-end-point,,", 0 },
  /* We could bind, the server says nothing of it. */
  { "SCRAM-SHA-1", NULL, "tls-exporter", FALSE, "SCRAM-SHA-1", "y,,", 0 },
  { "SCRAM-SHA-1", "", "tls-exporter", FALSE, "SCRAM-SHA-1", "y,,", 0 },
  /* We cannot. */
  { "SCRAM-SHA-1 SCRAM-SHA-1-PLUS", NULL, "", FALSE, "SCRAM-SHA-1", "n,,", 0 },
  { "SCRAM-SHA-1 SCRAM-SHA-1-PLUS", "tls-exporter", "", FALSE, "SCRAM-SHA-1", "n,,", 0 },
  /* Somebody took -PLUS, or the binding types, out of the list. */
  { "SCRAM-SHA-1", "tls-exporter", "tls-exporter", FALSE, NULL, NULL, TESS_XMPP_ERROR_SERVER_UNPROVEN },
  { "SCRAM-SHA-1 SCRAM-SHA-1-PLUS", "tls-nonsense", "tls-exporter tls-server-end-point", FALSE, NULL, NULL,
    TESS_XMPP_ERROR_SERVER_UNPROVEN },
  { "SCRAM-SHA-1 SCRAM-SHA-1-PLUS", "", "tls-exporter tls-server-end-point", FALSE, NULL, NULL,
    TESS_XMPP_ERROR_SERVER_UNPROVEN },
};

static void
test_choice (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    {
      g_auto (GStrv)       mechanisms = g_strsplit (choices[i].mechanisms, " ", -1);
      g_auto (GStrv)       announced = choices[i].announced != NULL ? g_strsplit (choices[i].announced, " ", -1) : NULL;
      g_auto (GStrv)       types = g_strsplit (choices[i].bindings, " ", -1);
      g_autoptr (GBytes)   data = g_bytes_new_static ("data", 4);
      TessSaslBinding      bindings[4];
      TessSaslOptions      options = { .username = "u", .password = "p", .nonce = "N", .scram_seen = choices[i].scram_seen,
                                       .mechanisms = (const char *const *) mechanisms,
                                       .announced = (const char *const *) announced,
                                       .bindings = bindings, .n_bindings = g_strv_length (types) };
      g_autoptr (GError)   error = NULL;
      g_autoptr (TessSasl) sasl = NULL;
      g_autofree char *first = NULL;

      for (guint j = 0; types[j] != NULL; j++)
        bindings[j] = (TessSaslBinding) { types[j], data };
      sasl = tess_sasl_new (&options, &error);
      if (choices[i].chosen == NULL)
        {
          g_assert_null (sasl);
          g_assert_error (error, TESS_XMPP_ERROR, choices[i].code);
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpstr (tess_sasl_get_mechanism (sasl), ==, choices[i].chosen);
      first = start (sasl);
      if (choices[i].gs2 != NULL)
        g_assert_true (g_str_has_prefix (first, choices[i].gs2));
    }
}

/* The binding's bytes are in what is signed. */
static void
test_plus (void)
{
  const char          *mechanisms[] = { "SCRAM-SHA-1-PLUS", NULL };
  const char          *announced[] = { "tls-exporter", NULL };
  g_autoptr (GBytes)   data = g_bytes_new_static ("\0\1\2", 3);
  TessSaslBinding      binding = { "tls-exporter", data };
  TessSaslOptions      options = { .username = "user", .password = "pencil", .mechanisms = mechanisms, .nonce = "N",
                                   .announced = announced, .bindings = &binding, .n_bindings = 1 };
  g_autoptr (TessSasl) sasl = tess_sasl_new (&options, NULL);
  G_GNUC_UNUSED g_autofree char *first = start (sasl);
  G_GNUC_UNUSED g_autofree char *final = challenge (sasl, "r=Nx,s=QSXCR+Q6sek8bf92,i=4096", NULL, NULL);
  g_autofree char     *wanted = g_base64_encode ((const guint8 *) "p=tls-exporter,,\0\1\2", 19);
  g_autofree char     *start_of_final = g_strdup_printf ("c=%s,r=Nx,p=", wanted);

  g_assert_true (g_str_has_prefix (final, start_of_final));
}

/* Row B5 (XEP-0474): the list that the server signed is the one that we saw. */
static void
test_announced_hash (void)
{
  static const struct { const char *list; gboolean good; } lists[] = {
    { "PLAIN\x1eSCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1ftls-exporter\x1etls-server-end-point", TRUE },
    { "PLAIN\x1eSCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1eSCRAM-SHA-256\x1ftls-exporter\x1etls-server-end-point", FALSE },
    { "PLAIN\x1eSCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1ftls-exporter", FALSE },
    { "PLAIN\x1eSCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      const char          *mechanisms[] = { "SCRAM-SHA-1-PLUS", "PLAIN", "SCRAM-SHA-1", NULL };
      const char          *announced[] = { "tls-server-end-point", "tls-exporter", NULL };
      g_autoptr (GBytes)   data = g_bytes_new_static ("x", 1);
      TessSaslBinding      binding = { "tls-exporter", data };
      TessSaslOptions      options = { .username = "u", .password = "p", .mechanisms = mechanisms, .announced = announced,
                                       .bindings = &binding, .n_bindings = 1, .nonce = "N" };
      g_autoptr (TessSasl) sasl = tess_sasl_new (&options, NULL);
      g_autoptr (GError)   error = NULL;
      guint8               digest[TESS_SHA1_SIZE];
      g_autofree char     *hash = NULL;
      g_autofree char     *message = NULL;
      G_GNUC_UNUSED g_autofree char *first = start (sasl);
      G_GNUC_UNUSED g_autofree char *final = NULL;

      tess_sha1 ((const guint8 *) lists[i].list, strlen (lists[i].list), digest);
      hash = g_base64_encode (digest, sizeof digest);
      message = g_strdup_printf ("r=Nx,s=QSXCR+Q6sek8bf92,i=4096,h=%s", hash);
      final = challenge (sasl, message, NULL, &error);
      g_assert_cmpint (final != NULL, ==, lists[i].good);
      if (!lists[i].good)
        g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_SERVER_UNPROVEN);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sasl/vectors", test_vectors);
  g_test_add_func ("/sasl/final-challenge", test_final_challenge);
  g_test_add_func ("/sasl/bad-first", test_bad_first);
  g_test_add_func ("/sasl/bad-final", test_bad_final);
  g_test_add_func ("/sasl/success-too-early", test_success_too_early);
  g_test_add_func ("/sasl/server-error", test_server_error);
  g_test_add_func ("/sasl/cancelled", test_cancelled);
  g_test_add_func ("/sasl/plain", test_plain);
  g_test_add_func ("/sasl/escaped", test_escaped);
  g_test_add_func ("/sasl/choice", test_choice);
  g_test_add_func ("/sasl/plus", test_plus);
  g_test_add_func ("/sasl/announced-hash", test_announced_hash);
  return g_test_run ();
}
