/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "xmpp/tess-sasl.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

/* The first line: a digit for the account and what TLS gives, then the mechanisms that the server announces, then behind a
 * bar the types of channel binding (none: not announced). Each further line is what the server says: "c " a challenge and
 * "s " the success, whose text is put into Base64, or "C " and "S " for text as it is.
 *
 * - Nobody who does not know the password gets a SCRAM login to succeed: those that may are the answers of the RFCs' examples.
 * - After a failure nothing succeeds; what we answer is Base64; PLAIN is never chosen where SCRAM was seen (attacks row B4).
 * - More iterations than the RFC asks for are not waited for: that derivation is cancelled. */

#define SLOW_ITERATIONS 4096

static const struct
{
  const char *username, *password, *nonce;
  gboolean    scram_seen;
  const char *binding; /* nullable */
} settings[] = {
  { "user", "pencil", "fyko+d2lbbFgONRv9qkxdawL", FALSE, NULL },
  { "user", "pencil", "rOprNGfwEbeRWgbNEkqO", FALSE, NULL },
  { "user", "pencil", "N", TRUE, "tls-exporter" },
  { "a=b,c", "p\303\244ss", "N", FALSE, "tls-server-end-point" },
  { "user", "pencil", NULL, TRUE, NULL },
};

/* RFC 5802 section 5, RFC 7677 section 3. */
static const char *const right_signatures[] = {
  "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};

void
fuzz_set_up (void)
{
}

static void
keep_result_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static gboolean
is_base64 (const char *text)
{
  gsize              length;
  g_autofree guint8 *bytes = g_base64_decode (text, &length);
  g_autofree char   *again = g_base64_encode (bytes, length);

  return g_str_equal (again, text);
}

static gboolean
is_slow (const char *text)
{
  const char *iterations = strstr (text, ",i=");

  return iterations != NULL && g_ascii_strtoull (iterations + 3, NULL, 10) > SLOW_ITERATIONS;
}

/* Whether the login may go on. */
static gboolean
challenge (TessSasl *sasl, const char *text, gboolean slow)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError)       error = NULL;
  g_autofree char         *response = NULL;

  if (slow)
    g_cancellable_cancel (cancellable);
  tess_sasl_challenge_async (sasl, text, cancellable, keep_result_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  response = tess_sasl_challenge_finish (sasl, result, &error);
  g_assert_true ((response == NULL) == (error != NULL));
  if (response == NULL)
    {
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_true (error->domain == TESS_XMPP_ERROR || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
      return FALSE;
    }
  g_assert_true (tess_sasl_is_scram (sasl));
  g_assert_true (is_base64 (response));
  return TRUE;
}

static gboolean
is_right (const char *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (right_signatures); i++)
    if (g_str_has_prefix (text, right_signatures[i]))
      return TRUE;

  return FALSE;
}

static void
talk (TessSasl *sasl, FuzzInput *input)
{
  gboolean failed = FALSE;
  gboolean proven = FALSE;
  gboolean done = FALSE;

  for (guint lines = 0; input->left > 0 && lines < 6; lines++)
    {
      g_autofree char *line = fuzz_take_line (input);
      const char      *text = strlen (line) >= 2 ? line + 2 : "";
      gboolean         raw = g_ascii_isupper (line[0]);
      g_autofree char *encoded = raw ? g_strdup (text) : g_base64_encode ((const guint8 *) text, strlen (text));
      gsize            length;
      g_autofree char *said = raw ? (char *) g_base64_decode (text, &length) : g_strdup (text);

      if (raw && strlen (text) > 0)
        {
          said = g_realloc (said, length + 1);
          said[length] = '\0';
        }
      proven = proven || is_right (said != NULL ? said : "");
      if (g_ascii_tolower (line[0]) == 'c')
        {
          gboolean good = challenge (sasl, encoded, is_slow (said != NULL ? said : ""));

          g_assert_false (good && (failed || done));
          failed = failed || !good;
        }
      else
        {
          done = tess_sasl_succeed (sasl, encoded, NULL);
          g_assert_false (done && failed);
          if (done && tess_sasl_is_scram (sasl))
            g_assert_true (proven);
          failed = TRUE; /* whatever it was, nothing follows */
        }
    }
}

void
fuzz_one (const guint8 *data, gsize size)
{
  FuzzInput            input = { data, size };
  guint                which = fuzz_take_byte (&input) % G_N_ELEMENTS (settings);
  g_autofree char     *line = fuzz_take_line (&input);
  g_autofree char     *valid = g_utf8_make_valid (line, -1);
  g_auto (GStrv)       halves = g_strsplit (valid, "|", 2);
  g_auto (GStrv)       mechanisms = g_strsplit (halves[0] != NULL ? halves[0] : "", " ", 20);
  g_auto (GStrv)       announced = halves[0] != NULL && halves[1] != NULL ? g_strsplit (halves[1], " ", 20) : NULL;
  g_autoptr (GBytes)   binding_data = g_bytes_new_static ("\0\1\2\3", 4);
  TessSaslBinding      binding = { settings[which].binding, binding_data };
  TessSaslOptions      options = { .username = settings[which].username, .password = settings[which].password,
                                   .mechanisms = (const char *const *) mechanisms,
                                   .announced = (const char *const *) announced,
                                   .bindings = &binding, .n_bindings = settings[which].binding != NULL,
                                   .scram_seen = settings[which].scram_seen, .nonce = settings[which].nonce };
  g_autoptr (GError)   error = NULL;
  g_autoptr (TessSasl) sasl = tess_sasl_new (&options, &error);
  g_autofree char     *first = NULL;

  g_assert_true ((sasl == NULL) == (error != NULL));
  if (sasl == NULL)
    return;
  g_assert_true (g_strv_contains ((const char *const *) mechanisms, tess_sasl_get_mechanism (sasl)));
  g_assert_true (tess_sasl_is_scram (sasl) || !settings[which].scram_seen);
  first = tess_sasl_start (sasl);
  g_assert_true (is_base64 (first));
  talk (sasl, &input);
}
