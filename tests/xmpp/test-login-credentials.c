/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "login-client.h"
#include "crypto/tess-crypto.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a login is by, beside the password: kept keys, certificates, tokens; and that nothing of it stays behind. Each runs against a
 * server on a script. */

/* ---- Kept keys ---- */

#define SASL1_SESSION(how)                                                                                                \
  UP_TO_FEATURES (SASL1 (MECHANISM ("SCRAM-SHA-256"))), { TESS_SCRIPT_SCRAM, how }, { TESS_SCRIPT_EXPECT, "<stream:stream " }, \
    { TESS_SCRIPT_SEND, FEATURES ("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>") }, { TESS_SCRIPT_EXPECT, "</iq>" },  \
    { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r1") }, { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL }

static void
test_key (void)
{
  static const TessScriptStep steps[] = {
    SASL1_SESSION ("proven:SCRAM-SHA-256"), SASL1_SESSION (""), SASL1_SESSION (""),
    UP_TO_FEATURES (SASL1 (MECHANISM ("SCRAM-SHA-256"))), { TESS_SCRIPT_SCRAM, "other-salt" },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL },
    UP_TO_FEATURES (SASL1 (MECHANISM ("PLAIN"))), { TESS_SCRIPT_SILENCE, "<auth" }, { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer  *server = tess_script_server_new (steps);
  Settings           first = { .password = "secret", .keep_key = TRUE };
  Settings           second = { .password = "secret" };
  g_autoptr (Client) keeping = log_in (server, &first);
  g_autoptr (Client) forgetting = NULL;
  g_autoptr (Client) keyed = NULL;
  g_autoptr (Client) outdated = NULL;
  g_autoptr (Client) plain = NULL;
  Settings           third = { .keep_key = TRUE };

  g_assert_no_error (keeping->error);
  g_assert_nonnull (tess_stream_get_info (keeping->stream)->scram_key);
  g_assert_true (tess_stream_get_info (keeping->stream)->list_proven);
  tess_stream_abort (keeping->stream);
  forgetting = log_in (server, &second);
  g_assert_no_error (forgetting->error);
  g_assert_null (tess_stream_get_info (forgetting->stream)->scram_key);
  tess_stream_abort (forgetting->stream);

  third.scram_key = tess_stream_get_info (keeping->stream)->scram_key;
  keyed = log_in (server, &third);
  g_assert_no_error (keyed->error);
  g_assert_null (tess_stream_get_info (keyed->stream)->scram_key);
  tess_stream_abort (keyed->stream);
  outdated = log_in (server, &third);
  g_assert_error (outdated->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NOT_AUTHORIZED);
  plain = log_in (server, &third);
  g_assert_error (plain->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NOT_AUTHORIZED);
  assert_done (server);
}

/* ---- Certificates ---- */

#define UP_TO_EXTERNAL(list) \
  { TESS_SCRIPT_TLS, "good+client" }, { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, FEATURES (SASL1 (list)) }
#define EXTERNAL_SESSION(name)                                                                                            \
  UP_TO_EXTERNAL (MECHANISM ("EXTERNAL") MECHANISM ("PLAIN")),                                                            \
    { TESS_SCRIPT_EXPECT, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>" name "</auth>" },        \
    { TESS_SCRIPT_SEND_ONE, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>" }, { TESS_SCRIPT_EXPECT, "<stream:stream " }, \
    { TESS_SCRIPT_SEND, FEATURES ("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>") }, { TESS_SCRIPT_EXPECT, "</iq>" },  \
    { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r1") }, { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL }

/* XEP-0178 section 3: the address is named when the certificate leaves it open. It counts against nothing that was seen. */
static void
test_external (void)
{
  static const TessScriptStep steps[] = {
    EXTERNAL_SESSION ("="), EXTERNAL_SESSION ("YWxpY2VAYS50ZXN0"),
    { TESS_SCRIPT_TLS, "good+client" }, { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, FEATURES (TYPES SASL2 (MECHANISM ("EXTERNAL") SCRAMS, BIND2 ALL_TOKENS)) },
    { TESS_SCRIPT_INITIAL, "EXTERNAL" }, { TESS_SCRIPT_EXPECT, AGENT BIND_REQUEST },
    { TESS_SCRIPT_SEND, "<success xmlns='urn:xmpp:sasl:2'>" IDENTIFIER ("alice@a.test/r1") BOUND (ENABLED ("sm1")) "</success>" LATER },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_END, NULL },
  };
  static const char *const names[] = { "client", "client-of-two", "client" };
  TessScriptServer        *server = tess_script_server_new (steps);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      Settings           settings = { .certificate = names[i], .password = i == 1 ? "secret" : NULL, .scram_seen = TRUE,
                                      .binding_seen = TRUE, .token = "fast1:HT-SHA-256-EXPR:0:0:dDA=" };
      g_autoptr (Client) client = log_in (server, &settings);

      g_assert_no_error (client->error);
      g_assert_cmpstr (tess_stream_get_info (client->stream)->sasl, ==, "EXTERNAL");
      g_assert_cmpint (tess_stream_get_info (client->stream)->sasl2, ==, i == 2);
      tess_stream_abort (client->stream);
    }
  assert_done (server);
}


static void
test_external_refused (void)
{
  static const TessScriptStep steps[] = {
    UP_TO_EXTERNAL (MECHANISM ("EXTERNAL")), { TESS_SCRIPT_EXPECT, "'EXTERNAL'>=</auth>" }, { TESS_SCRIPT_SEND, REFUSED1 },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL },
    /* Offered to nobody. */
    UP_TO_EXTERNAL (MECHANISM ("SCRAM-SHA-256") MECHANISM ("PLAIN")), { TESS_SCRIPT_SILENCE, "<auth" }, { TESS_SCRIPT_CLOSE, NULL },
    /* With a password there is another way: at once, or on a connection without the certificate. */
    UP_TO_EXTERNAL (MECHANISM ("SCRAM-SHA-256")), { TESS_SCRIPT_SCRAM, "wrong-signature" }, { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_CLOSE, NULL },
    UP_TO_EXTERNAL (MECHANISM ("EXTERNAL") MECHANISM ("SCRAM-SHA-256")), { TESS_SCRIPT_EXPECT, "'EXTERNAL'>=</auth>" },
    { TESS_SCRIPT_SEND, REFUSED1 }, { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL },
    { TESS_SCRIPT_TLS, "good+none" }, { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, FEATURES (SASL1 (MECHANISM ("EXTERNAL") MECHANISM ("SCRAM-SHA-256"))) }, { TESS_SCRIPT_SCRAM, "" },
    { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, FEATURES ("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>") },
    { TESS_SCRIPT_EXPECT, "</iq>" }, { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r1") }, { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_CLOSE, NULL },
    /* Without it the server knows no way: the certificate is still what is wrong. */
    UP_TO_EXTERNAL (MECHANISM ("EXTERNAL")), { TESS_SCRIPT_EXPECT, "'EXTERNAL'>=</auth>" }, { TESS_SCRIPT_SEND, REFUSED1 },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL },
    UP_TO_FEATURES (SASL1 (MECHANISM ("EXTERNAL"))), { TESS_SCRIPT_SILENCE, "<auth" }, { TESS_SCRIPT_END, NULL },
  };
  static const struct { const char *password; int code; } cases[] = {
    { NULL, TESS_XMPP_ERROR_CLIENT_CERTIFICATE }, { NULL, TESS_XMPP_ERROR_CLIENT_CERTIFICATE },
    { "secret", TESS_XMPP_ERROR_SERVER_UNPROVEN }, { "secret", -1 }, { "secret", TESS_XMPP_ERROR_CLIENT_CERTIFICATE },
  };
  TessScriptServer *server = tess_script_server_new (steps);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Settings           settings = { .certificate = "client", .password = cases[i].password };
      g_autoptr (Client) client = log_in (server, &settings);

      if (cases[i].code >= 0)
        {
          g_assert_error (client->error, TESS_XMPP_ERROR, cases[i].code);
          continue;
        }
      g_assert_no_error (client->error);
      g_assert_cmpstr (tess_stream_get_info (client->stream)->sasl, ==, "SCRAM-SHA-256");
      tess_stream_abort (client->stream);
    }
  assert_done (server);
}

/* A server that does not even end the handshake with our certificate gets the password without it. */
static void
test_certificate_unwanted (void)
{
  static const TessScriptStep steps[] = {
    { TESS_SCRIPT_TLS, "good+refuse" }, { TESS_SCRIPT_CLOSE, NULL }, SASL1_SESSION (""),
    { TESS_SCRIPT_TLS, "good+refuse" }, { TESS_SCRIPT_SILENCE, "<auth" }, { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer  *server = tess_script_server_new (steps);
  Settings           both = { .certificate = "client", .password = "secret" };
  Settings           alone = { .certificate = "client" };
  g_autoptr (Client) client = log_in (server, &both);
  g_autoptr (Client) refused = NULL;

  g_assert_no_error (client->error);
  tess_stream_abort (client->stream);
  refused = log_in (server, &alone);
  g_assert_nonnull (refused->error);
  assert_done (server);
}

/* ---- Tokens ---- */

static void
test_token (void)
{
  static const TessScriptStep steps[] = {
    UP_TO_FEATURES (TYPES SASL2 (SCRAMS, BIND2 ALL_TOKENS)), { TESS_SCRIPT_INITIAL, "HT-SHA-256-EXPR" }, { TESS_SCRIPT_TOKEN, "t0" },
    { TESS_SCRIPT_EXPECT, "<fast xmlns='urn:xmpp:fast:0'/>" AGENT BIND_REQUEST },
    { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test/r1") BOUND (ENABLED ("sm1"))) LATER }, { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_CLOSE, NULL },
    /* A new one by itself, and one that is counted. */
    UP_TO_FEATURES (TYPES SASL2 (SCRAMS, BIND2 "<fast xmlns='urn:xmpp:fast:0' tls-0rtt='true'>" MECHANISM ("HT-SHA-256-EXPR") "</fast>")),
    { TESS_SCRIPT_INITIAL, "HT-SHA-256-EXPR" }, { TESS_SCRIPT_TOKEN, "t0" },
    { TESS_SCRIPT_EXPECT, "<fast xmlns='urn:xmpp:fast:0' count='4'/>" AGENT BIND_REQUEST },
    { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test/r1") BOUND (ENABLED ("sm1")) TOKEN ("t1", "nonsense")) LATER },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL },
    UP_TO_FEATURES (TYPES SASL2 (SCRAMS, BIND2 "<fast xmlns='urn:xmpp:fast:0' tls-0rtt='1'>" MECHANISM ("HT-SHA-256-EXPR") "</fast>")),
    { TESS_SCRIPT_INITIAL, "HT-SHA-256-EXPR" }, { TESS_SCRIPT_TOKEN, "t0" },
    { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test/r1") BOUND (ENABLED ("sm1"))) LATER },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_END, NULL },
  };
  static const char *const kept[] = { OLD_TOKEN, "fast1:HT-SHA-256-EXPR:0:0:dDE=", "fast1:HT-SHA-256-EXPR:0:4:dDA=" };
  TessScriptServer        *server = tess_script_server_new (steps);

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    {
      Settings              settings = { .token = OLD_TOKEN, .binding_seen = TRUE, .scram_seen = TRUE };
      g_autoptr (Client)    client = log_in (server, &settings);
      const TessStreamInfo *info;

      g_assert_no_error (client->error);
      info = tess_stream_get_info (client->stream);
      g_assert_true (info->fast);
      g_assert_true (info->sasl2);
      g_assert_cmpstr (info->sasl, ==, "HT-SHA-256-EXPR");
      g_assert_cmpstr (info->channel_binding, ==, "tls-exporter");
      g_assert_cmpstr (info->token, ==, kept[i]);
      tess_stream_abort (client->stream);
    }
  assert_done (server);
}

/* Refused: the password goes on, on another connection, and without the token. */
static void
test_token_refused (void)
{
  static const TessScriptStep steps[] = {
    BY_TOKEN (BIND2 ALL_TOKENS, "HT-SHA-256-EXPR", "t0"), { TESS_SCRIPT_SEND, REFUSED2 }, { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_CLOSE, NULL }, BY_SCRAM2 (BIND2 ALL_TOKENS),
    { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test/r1") BOUND (ENABLED ("sm1")) TOKEN ("t1", "2099-01-01T00:00:00Z")) LATER },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL },
    /* Without a password there is no other way. */
    BY_TOKEN (BIND2 ALL_TOKENS, "HT-SHA-256-EXPR", "t0"),
    { TESS_SCRIPT_SEND, "<failure xmlns='urn:xmpp:sasl:2'><credentials-expired xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>" },
    { TESS_SCRIPT_SILENCE, "<auth" }, { TESS_SCRIPT_CLOSE, NULL },
    /* Not now is not never. */
    BY_TOKEN (BIND2 ALL_TOKENS, "HT-SHA-256-EXPR", "t0"),
    { TESS_SCRIPT_SEND, "<failure xmlns='urn:xmpp:sasl:2'><temporary-auth-failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>" },
    { TESS_SCRIPT_SILENCE, "<auth" }, { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer  *server = tess_script_server_new (steps);
  Settings           both = { .token = OLD_TOKEN, .password = "secret", .binding_seen = TRUE };
  Settings           alone = { .token = OLD_TOKEN };
  g_autoptr (Client) first = log_in (server, &both);
  g_autoptr (Client) second = NULL;
  g_autoptr (Client) third = NULL;

  g_assert_no_error (first->error);
  g_assert_false (tess_stream_get_info (first->stream)->fast);
  g_assert_cmpstr (tess_stream_get_info (first->stream)->token, ==, "fast1:HT-SHA-256-EXPR:4070908800000000:0:dDE=");
  tess_stream_abort (first->stream);
  second = log_in (server, &alone);
  g_assert_error (second->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NOT_AUTHORIZED);
  third = log_in (server, &both);
  g_assert_error (third->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_FAILED);
  assert_done (server);
}

/* A token that is not sent: the script stops at what is sent instead. */
static const struct
{
  const char *token, *features;
  gboolean    binding_seen, no_user_agent;
  const char *asked;
} unused[] = {
  { "fast1:HT-SHA-256-EXPR:1:0:dDA=", ALL_TOKENS, FALSE, FALSE, "mechanism='HT-SHA-256-EXPR'/>" }, /* expired */
  { "fast1:HT-SHA-256-UNIQ:0:0:dDA=", FAST (MECHANISM ("HT-SHA-256-UNIQ")), FALSE, FALSE, AGENT }, /* not in TLS 1.3 */
  { "fast1:HT-SHA-256-ENDP:0:0:dDA=", FAST (MECHANISM ("HT-SHA-256-EXPR")), FALSE, FALSE, "mechanism='HT-SHA-256-EXPR'/>" },
  { "fast1:HT-SHA-256-NONE:0:0:dDA=", FAST (MECHANISM ("HT-SHA-256-NONE")), TRUE, FALSE, AGENT },
  { "fast1:HT-SHA-256-EXPR:0:0:dDA=", ALL_TOKENS, FALSE, TRUE, "<user-agent><software>" },
  { "nonsense", ALL_TOKENS, FALSE, FALSE, "mechanism='HT-SHA-256-EXPR'/>" },
  { "fast1:HT-SHA-256-EXPR:0:0:dDA=", "", FALSE, FALSE, AGENT },
};

static void
test_token_unused (gconstpointer data)
{
  gsize              i = GPOINTER_TO_SIZE (data);
  g_autofree char   *features = g_strconcat (TESS_SCRIPT_HEADER "<stream:features>" TYPES "<authentication xmlns='urn:xmpp:sasl:2'>" SCRAMS
                                             "<inline>", unused[i].features, "</inline></authentication></stream:features>", NULL);
  TessScriptStep     steps[] = {
    { TESS_SCRIPT_TLS, "good" }, { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, features },
    { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256-PLUS" }, { TESS_SCRIPT_EXPECT, unused[i].asked }, { TESS_SCRIPT_CLOSE, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer  *server = tess_script_server_new (steps);
  Settings           settings = { .token = unused[i].token, .password = "secret", .binding_seen = unused[i].binding_seen,
                                  .no_user_agent = unused[i].no_user_agent };
  g_autoptr (Client) client = log_in (server, &settings);

  g_assert_error (client->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED);
  assert_done (server);
}

/* A token that anybody may use is asked for where nothing was ever bound, and is used there. */
static void
test_token_unbound (void)
{
  static const TessScriptStep steps[] = {
    UP_TO_FEATURES (SASL2 (MECHANISM ("SCRAM-SHA-256"), FAST (MECHANISM ("HT-SHA-256-NONE")))),
    { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256" }, { TESS_SCRIPT_EXPECT, "mechanism='HT-SHA-256-NONE'/>" }, { TESS_SCRIPT_CLOSE, NULL },
    UP_TO_FEATURES (SASL2 (MECHANISM ("SCRAM-SHA-256"), FAST (MECHANISM ("HT-SHA-256-NONE")))),
    { TESS_SCRIPT_INITIAL, "HT-SHA-256-NONE" }, { TESS_SCRIPT_TOKEN, "t0" }, { TESS_SCRIPT_CLOSE, NULL }, { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer  *server = tess_script_server_new (steps);
  Settings           first = { .password = "secret" };
  Settings           second = { .token = "fast1:HT-SHA-256-NONE:0:0:dDA=" };
  g_autoptr (Client) asking = log_in (server, &first);
  g_autoptr (Client) using = log_in (server, &second);

  g_assert_error (asking->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED);
  g_assert_error (using->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED);
  assert_done (server);
}

/* ---- Secrets ---- */

/* How often @text stands in the memory that this process can write to. Its bytes are given mixed up, so that they are not what is
 * found. */
static guint
count_in_memory (const char *mixed, gsize length)
{
  g_autofree char *maps = NULL;
  g_auto (GStrv)   lines = NULL;
  int              memory = open ("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  guint            count = 0;

  g_assert_cmpint (memory, >=, 0);
  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  lines = g_strsplit (maps, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      guint64  start, end;
      char     access[5];
      guint8  *bytes;
      gssize   got;

      if (sscanf (lines[i], "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x %4s", &start, &end, access) != 3 ||
          access[1] != 'w' || end - start > 256 * 1024 * 1024)
        continue;
      bytes = mmap (NULL, end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      got = pread (memory, bytes, end - start, (off_t) start);
      for (gssize at = 0; at + (gssize) length <= got; at++)
        {
          gsize same = 0;

          while (same < length && (char) (bytes[at + (gssize) same] ^ 0x55) == mixed[same])
            same++;
          if (same == length)
            count++;
        }
      munmap (bytes, end - start);
    }
  close (memory);

  return count;
}

#define ROUNDS 60
/* What a hash function leaves on the stack of its thread: a block, not a buffer. */
#define STRAY 3

/* A secret of this run, many times over: what is freed is soon written over, but not all of it. @mixed: (out): a piece of it,
 * mixed up. */
static char *
new_secret (char **mixed)
{
  g_auto (TessSecretString) part = g_uuid_string_random ();
  gsize                     length = strlen (part);
  char                     *secret = g_malloc0 (ROUNDS * length + 1);

  for (guint i = 0; i < ROUNDS; i++)
    memcpy (secret + i * length, part, length);
  *mixed = g_strndup (part + 18, 18);
  for (guint i = 0; i < 18; i++)
    (*mixed)[i] ^= 0x55;

  return secret;
}

/* The same piece as it stands in Base64. */
static char *
mix_base64 (const char *mixed)
{
  guint8 plain[18];
  char  *base64;

  for (guint i = 0; i < sizeof plain; i++)
    plain[i] = (guint8) (mixed[i] ^ 0x55);
  base64 = g_base64_encode (plain, sizeof plain);
  explicit_bzero (plain, sizeof plain);
  for (guint i = 0; base64[i] != '\0'; i++)
    base64[i] ^= 0x55;

  return base64;
}

/* After a login, however it ended, what it was given is nowhere: the password, the key, the token. */
static void
test_wiped (void)
{
  static const TessScriptStep steps[] = {
    UP_TO_FEATURES (SASL1 (MECHANISM ("SCRAM-SHA-256"))), { TESS_SCRIPT_SCRAM, "wrong-signature" }, { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL },
    UP_TO_FEATURES (SASL1 (MECHANISM ("SCRAM-SHA-256"))), { TESS_SCRIPT_SCRAM, "refused" }, { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL },
    UP_TO_FEATURES (TYPES SASL2 (SCRAMS, BIND2 ALL_TOKENS)), { TESS_SCRIPT_EXPECT, "</authenticate>" }, { TESS_SCRIPT_SEND, REFUSED2 },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer          *server = tess_script_server_new (steps);
  g_autofree char           *mixed = NULL;
  g_autofree char           *mixed_token = NULL;
  g_auto (TessSecretString)  secret = new_secret (&mixed);
  g_auto (TessSecretString)  token = new_secret (&mixed_token);
  g_auto (TessSecretString)  base64 = g_base64_encode ((const guint8 *) token, strlen (token));
  g_auto (TessSecretString)  text = g_strconcat ("fast1:HT-SHA-256-EXPR:0:0:", base64, NULL);
  Settings                   by_password = { .password = secret };
  Settings                   by_token = { .token = text };
  g_autofree char           *mixed_base64 = mix_base64 (mixed_token);
  guint                      before, before_token, before_base64;

  /* What is freed stays as it is, for this; and what looks for it finds it. */
  mallopt (M_PERTURB, 0);
  before = count_in_memory (mixed, 18);
  before_token = count_in_memory (mixed_token, 18);
  before_base64 = count_in_memory (mixed_base64, 24);
  g_assert_cmpuint (before, >=, ROUNDS);
  g_assert_cmpuint (before_token, >=, ROUNDS);
  g_assert_cmpuint (before_base64, >=, 2 * ROUNDS);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (Client) client = log_in (server, &by_password);

      g_assert_nonnull (client->error);
    }
  g_assert_cmpuint (count_in_memory (mixed, 18), <=, before + STRAY);
  {
    g_autoptr (Client) client = log_in (server, &by_token);

    g_assert_error (client->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NOT_AUTHORIZED);
  }
  g_assert_cmpuint (count_in_memory (mixed_token, 18), <=, before_token + STRAY);
  g_assert_cmpuint (count_in_memory (mixed_base64, 24), <=, before_base64 + STRAY);
  assert_done (server);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/login/key", test_key);
  g_test_add_func ("/login/external", test_external);
  g_test_add_func ("/login/external-refused", test_external_refused);
  g_test_add_func ("/login/certificate-unwanted", test_certificate_unwanted);
  g_test_add_func ("/login/token", test_token);
  g_test_add_func ("/login/token-refused", test_token_refused);
  g_test_add_func ("/login/token-unbound", test_token_unbound);
  g_test_add_func ("/login/wiped", test_wiped);
  for (gsize i = 0; i < G_N_ELEMENTS (unused); i++)
    {
      g_autofree char *path = g_strdup_printf ("/login/token-unused/%" G_GSIZE_FORMAT, i);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_token_unused);
    }
  return g_test_run ();
}
