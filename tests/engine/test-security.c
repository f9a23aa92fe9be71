/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-client.h"

#include "engine/tess-security.h"

#include <string.h>

/* What an account demands of its connection, what a person may allow, and what is told of it. */

#define UP_TO_TLS(certificate)                                                                              \
  { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, TESS_SCRIPT_STARTTLS_FEATURES },           \
    { TESS_SCRIPT_EXPECT, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },                          \
    { TESS_SCRIPT_SEND_ONE, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },                         \
  {                                                                                                         \
    TESS_SCRIPT_TLS, certificate                                                                            \
  }
#define REFUSED_BY_CLIENT(certificate)                                                                      \
  UP_TO_TLS (certificate), { TESS_SCRIPT_EOF, NULL },                                                       \
  {                                                                                                         \
    TESS_SCRIPT_CLOSE, NULL                                                                                 \
  }
#define SERVED { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SERVE, NULL }, { TESS_SCRIPT_CLOSE, NULL }
#define LOGIN(certificate)                                                                                  \
  UP_TO_TLS (certificate), { TESS_SCRIPT_EXPECT, "<stream:stream " },                                       \
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES }, { TESS_SCRIPT_SCRAM, "" }, SERVED
#define BOUND_FEATURES                                                                                      \
  TESS_SCRIPT_HEADER "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"               \
                     "<mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-256</mechanism>"                     \
                     "<mechanism>SCRAM-SHA-256-PLUS</mechanism></mechanisms>"                               \
                     "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"                                    \
                     "<channel-binding type='tls-exporter'/></sasl-channel-binding></stream:features>"
#define BOUND_LOGIN                                                                                         \
  UP_TO_TLS ("good"), { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, BOUND_FEATURES },      \
    { TESS_SCRIPT_SCRAM, "plus" }, SERVED

typedef struct
{
  Client        *client;
  SessionServer *server;
  gint64         alice;
} Fixture;

static void
set_up (Fixture *self, const TessScriptStep *steps)
{
  session_server_forget_items ();
  self->server = session_server_new ("alice@a.test", steps);
  self->client = client_new ();
}

static void
set_up_account (Fixture *self, const TessScriptStep *steps)
{
  set_up (self, steps);
  self->alice = client_add_account (self->client, "alice@a.test", session_server_get_port (self->server));
}

static void
tear_down (Fixture *self)
{
  client_free (self->client);
  session_server_free (self->server);
  session_server_forget_items ();
}

static TessAccountRecord *
account_of (Fixture *self)
{
  return g_hash_table_lookup (self->client->accounts, &self->alice);
}

static const TessSecurityRecord *
security_of (Fixture *self)
{
  const TessConnection *connection = g_hash_table_lookup (self->client->connections, &self->alice);

  return connection != NULL ? connection->security : NULL;
}

static const TessCertificate *
refused_of (Fixture *self)
{
  const TessConnection *connection = g_hash_table_lookup (self->client->connections, &self->alice);

  return connection != NULL ? tess_engine_error_get_certificate (connection->error) : NULL;
}

static void
update_fails (Fixture *self, const TessAccountRecord *wish, int code)
{
  g_autoptr (GError) error = NULL;
  Call               call = { NULL };

  tess_engine_update_account_async (self->client->engine, wish, NULL, client_call_cb, &call);
  CLIENT_AWAIT (call);
  tess_engine_update_account_finish (self->client->engine, call.result, &error);
  g_object_unref (call.result);
  if (code >= 0)
    g_assert_error (error, TESS_ENGINE_ERROR, code);
  else
    g_assert_no_error (error);
}

static void
update (Fixture *self, const TessAccountRecord *wish)
{
  update_fails (self, wish, -1);
}

static void
await_state (Fixture *self, TessConnectionState state)
{
  SESSION_WAIT (client_state (self->client, self->alice) == state);
}

/* Nothing that a network does brings it back, and no timer runs. */
static void
assert_final (Fixture *self, int code)
{
  SESSION_WAIT (client_error (self->client, self->alice) == code);
  for (int i = 0; i < 2; i++)
    {
      g_assert_cmpint (client_state (self->client, self->alice), ==, TESS_CONNECTION_OFFLINE);
      g_assert_cmpint (client_error (self->client, self->alice), ==, code);
      tess_engine_network_changed (self->client->engine, TRUE);
      client_sync (self->client, self->alice, NULL);
    }
}

/* ---- The advice ---- */

static TessCertificate *
make_certificate (const char *key, const char *signature, gint64 ends_us)
{
  TessCertificate *certificate = g_new0 (TessCertificate, 1);

  certificate->fingerprint = g_strnfill (64, 'a');
  certificate->key_fingerprint = g_strnfill (64, 'b');
  certificate->subject = g_strdup ("CN=a.test");
  certificate->issuer = g_strdup ("CN=CA");
  certificate->key = g_strdup (key);
  certificate->signature = g_strdup (signature);
  certificate->not_after_us = ends_us;
  return certificate;
}

typedef struct
{
  const char *tls;
  const char *sasl;
  const char *binding;
  const char *mechanisms;
  gboolean    list_proven;
  gboolean    fast;
  const char *key;
  const char *signature;
  int         days;
  TessAdvice  advice;
} AdviceCase;

static void
test_advice (void)
{
#define FINE_CERTIFICATE "ECDSA 256", "ECDSA-SHA256", 90
#define NEW "SCRAM-SHA-256-PLUS,SCRAM-SHA-1"
  static const AdviceCase cases[] = {
    { "TLSv1.3", "SCRAM-SHA-256-PLUS", "tls-exporter", NEW, TRUE, FALSE, FINE_CERTIFICATE, TESS_ADVICE_NONE },
    { "TLSv1.2", "SCRAM-SHA-256-PLUS", "tls-unique", NEW, TRUE, FALSE, FINE_CERTIFICATE, TESS_ADVICE_OLD_TLS },
    { "TLSv1.3", "SCRAM-SHA-256", NULL, "SCRAM-SHA-256", TRUE, FALSE, FINE_CERTIFICATE, TESS_ADVICE_NO_BINDING },
    { "TLSv1.3", "PLAIN", NULL, "PLAIN", FALSE, FALSE, FINE_CERTIFICATE,
      TESS_ADVICE_PASSWORD_SENT | TESS_ADVICE_NO_BINDING | TESS_ADVICE_LIST_UNPROVEN },
    { "TLSv1.3", "SCRAM-SHA-1-PLUS", "tls-exporter", "SCRAM-SHA-1,SCRAM-SHA-1-PLUS", TRUE, FALSE, FINE_CERTIFICATE,
      TESS_ADVICE_OLD_HASH },
    { "TLSv1.3", "SCRAM-SHA-256-PLUS", "tls-exporter", NEW ",PLAIN", TRUE, FALSE, FINE_CERTIFICATE,
      TESS_ADVICE_PLAIN_OFFERED },
    { "TLSv1.3", "SCRAM-SHA-256-PLUS", "tls-exporter", NEW, FALSE, FALSE, FINE_CERTIFICATE, TESS_ADVICE_LIST_UNPROVEN },
    { "TLSv1.3", "EXTERNAL", NULL, "EXTERNAL", FALSE, FALSE, FINE_CERTIFICATE, TESS_ADVICE_NONE },
    { "TLSv1.3", "HT-SHA-256-EXPR", "tls-exporter", NEW, FALSE, TRUE, FINE_CERTIFICATE, TESS_ADVICE_NONE },
    { "TLSv1.3", "SCRAM-SHA-256-PLUS", "tls-exporter", NEW, TRUE, FALSE, "ECDSA 256", "ECDSA-SHA256", 13,
      TESS_ADVICE_CERTIFICATE_ENDS },
    { "TLSv1.3", "SCRAM-SHA-256-PLUS", "tls-exporter", NEW, TRUE, FALSE, "RSA 1024", "RSA-SHA256", 90,
      TESS_ADVICE_WEAK_KEY },
    { "TLSv1.3", "SCRAM-SHA-256-PLUS", "tls-exporter", NEW, TRUE, FALSE, "RSA 2048", "RSA-SHA256", 90, TESS_ADVICE_NONE },
    { "TLSv1.3", "SCRAM-SHA-256-PLUS", "tls-exporter", NEW, TRUE, FALSE, "RSA 2048", "RSA-SHA1", 90,
      TESS_ADVICE_WEAK_KEY },
    { "TLSv1.3", "SCRAM-SHA-256-PLUS", "tls-exporter", NULL, TRUE, FALSE, NULL, NULL, 90, TESS_ADVICE_NONE },
  };
  gint64 now = 1000 * G_TIME_SPAN_DAY;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const AdviceCase               *one = &cases[i];
      g_autoptr (TessAccountRecord)   account = tess_account_record_new ("alice@a.test");
      g_autoptr (TessSecurityRecord)  security = NULL;
      g_autoptr (GPtrArray)           chain = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_certificate_free);
      g_auto (GStrv)                  mechanisms = one->mechanisms != NULL ? g_strsplit (one->mechanisms, ",", -1) : NULL;
      TessStreamInfo                  info = {
                             .tls_version = one->tls,
                             .sasl = one->sasl,
                             .channel_binding = one->binding,
                             .mechanisms = (const char *const *) mechanisms,
                             .list_proven = one->list_proven,
                             .fast = one->fast,
                             .chain = chain,
                             .managed = TRUE,
      };

      g_ptr_array_add (chain, make_certificate (one->key, one->signature, now + one->days * G_TIME_SPAN_DAY));
      security = tess_security_describe (&info, account, FALSE, now);
      g_test_message ("%s", one->sasl);
      g_assert_cmphex (security->advice, ==, one->advice);
      g_assert_cmpint (security->since_us, ==, now);
    }
}

/* What only the rest says: no stream management, no archive, a pin; and nothing of a proxy's name and password. */
static void
test_advice_rest (void)
{
  g_autoptr (TessAccountRecord)  account = tess_account_record_new ("alice@a.test");
  g_autoptr (TessSecurityRecord) security = NULL;
  TessStreamInfo                 info = { .tls_version = "TLSv1.3",
                                          .sasl = "EXTERNAL",
                                          .host = "a.test",
                                          .pinned = TRUE };

  account->proxy = TESS_ACCOUNT_PROXY_SOCKS5;
  account->proxy_host = g_strdup ("::1");
  account->proxy_port = 9050;
  account->proxy_username = g_strdup ("tor");
  security = tess_security_describe (&info, account, TRUE, 1);
  g_assert_cmphex (security->advice, ==, TESS_ADVICE_PINNED | TESS_ADVICE_NO_MANAGEMENT | TESS_ADVICE_NO_ARCHIVE);
  g_assert_cmpstr (security->proxy, ==, "socks5://[::1]:9050");
  g_assert_cmpuint (security->chain->len, ==, 0);
  g_assert_null (security->mechanisms);
}

/* An authority's signature under itself is nobody's proof; that of one in between is. */
static void
test_advice_chain (void)
{
  g_autoptr (TessAccountRecord)  account = tess_account_record_new ("alice@a.test");
  g_autoptr (GPtrArray)          chain = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_certificate_free);
  g_autoptr (TessSecurityRecord) first = NULL;
  g_autoptr (TessSecurityRecord) second = NULL;
  TessStreamInfo                 info = { .tls_version = "TLSv1.3", .sasl = "EXTERNAL", .chain = chain, .managed = TRUE };
  TessCertificate               *root = make_certificate ("RSA 4096", "RSA-SHA1", 0);

  g_ptr_array_add (chain, make_certificate ("RSA 4096", "RSA-SHA256", G_MAXINT64));
  g_ptr_array_add (chain, root);
  g_free (root->issuer);
  root->issuer = g_strdup (root->subject);
  first = tess_security_describe (&info, account, FALSE, 1);
  g_assert_cmphex (first->advice, ==, TESS_ADVICE_NONE);
  g_free (root->issuer);
  root->issuer = g_strdup ("CN=above");
  second = tess_security_describe (&info, account, FALSE, 1);
  g_assert_cmphex (second->advice, ==, TESS_ADVICE_WEAK_KEY);
}

/* ---- Certificates ---- */

static TessAccountRecord *
new_account (Fixture *self)
{
  TessAccountRecord *account = tess_account_record_new ("alice@a.test");

  account->host = g_strdup ("127.0.0.1");
  account->port = session_server_get_port (self->server);
  account->tls = TESS_ACCOUNT_TLS_STARTTLS;
  return account;
}

/* Returns: (transfer full) (nullable): the error. */
static GError *
add (Fixture *self, const TessAccountRecord *account, const TessCredentials *credentials)
{
  g_autoptr (TessAccountRecord) added = NULL;
  GError                       *error = NULL;
  Call                          call = { NULL };

  tess_engine_add_account_async (self->client->engine, account, credentials, NULL, client_call_cb, &call);
  CLIENT_AWAIT (call);
  added = tess_engine_add_account_finish (self->client->engine, call.result, &error);
  g_object_unref (call.result);
  if (added != NULL)
    self->alice = added->id;
  return error;
}

/* Refused with all that a person has to know; pinned, it is good enough; and another one is an alarm. */
static void
test_pin (void)
{
  static const TessScriptStep steps[] = {
    REFUSED_BY_CLIENT ("self-signed"),
    LOGIN ("self-signed"),
    REFUSED_BY_CLIENT ("good"),
    LOGIN ("good"),
    { TESS_SCRIPT_END, NULL },
  };
  static const TessCredentials  secret = { .password = (char *) "secret" };
  Fixture                       self = { 0 };
  g_autoptr (TessAccountRecord) account = NULL;
  g_autoptr (GError)            error = NULL;
  const TessCertificate        *refused;

  set_up (&self, steps);
  client_start (self.client);
  account = new_account (&self);
  error = add (&self, account, &secret);
  g_assert_error (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_BAD_CERTIFICATE);
  refused = tess_engine_error_get_certificate (error);
  g_assert_nonnull (refused);
  g_assert_cmpuint (strlen (refused->fingerprint), ==, 64);
  g_assert_cmpstr (refused->names[0], ==, "a.test");
  g_assert_cmphex (refused->faults & TESS_CERTIFICATE_UNKNOWN_ISSUER, !=, 0);
  g_assert_cmpuint (g_hash_table_size (self.client->accounts), ==, 0);

  account->pin = g_strdup (refused->fingerprint);
  g_clear_error (&error);
  error = add (&self, account, &secret);
  g_assert_no_error (error);
  await_state (&self, TESS_CONNECTION_ONLINE);
  g_assert_cmphex (security_of (&self)->advice & TESS_ADVICE_PINNED, !=, 0);
  g_assert_cmpstr (((TessCertificate *) security_of (&self)->chain->pdata[0])->fingerprint, ==, account->pin);
  g_assert_cmpstr (account_of (&self)->pin, ==, account->pin);
  g_assert_true (g_uuid_string_is_valid (account_of (&self)->user_agent_id));

  /* A perfect one is not the one. */
  session_server_cut (self.server);
  assert_final (&self, TESS_ENGINE_ERROR_CERTIFICATE_CHANGED);
  g_assert_nonnull (refused_of (&self));
  g_assert_cmphex (refused_of (&self)->faults & TESS_CERTIFICATE_NOT_PINNED, !=, 0);

  /* The person looks at it, and lets the pin go. */
  g_clear_pointer (&account, tess_account_record_free);
  account = tess_account_record_copy (account_of (&self));
  g_clear_pointer (&account->pin, g_free);
  update (&self, account);
  await_state (&self, TESS_CONNECTION_ONLINE);
  g_assert_cmphex (security_of (&self)->advice & TESS_ADVICE_PINNED, ==, 0);
  g_assert_null (account_of (&self)->pin);
  tear_down (&self);
}

/* Without a pin it may get better by itself, though not at once. */
static void
test_bad_certificate (void)
{
  static const TessScriptStep steps[] = { REFUSED_BY_CLIENT ("self-signed"), { TESS_SCRIPT_END, NULL } };
  Fixture                     self = { 0 };
  const TessConnection       *connection;

  set_up_account (&self, steps);
  client_start (self.client);
  connect_with (self.client->engine, self.alice, "secret");
  await_state (&self, TESS_CONNECTION_WAITING);
  g_assert_cmpint (client_error (self.client, self.alice), ==, TESS_ENGINE_ERROR_BAD_CERTIFICATE);
  g_assert_nonnull (refused_of (&self));
  connection = g_hash_table_lookup (self.client->connections, &self.alice);
  g_assert_cmpint (connection->retry_us, >, g_get_real_time () + 60 * G_USEC_PER_SEC);
  tear_down (&self);
}

/* The key of the first login stays the server's; a new certificate with the same key is no news. */
static void
test_remembered_key (void)
{
  static const TessScriptStep steps[] = {
    LOGIN ("good"), LOGIN ("same-key"), REFUSED_BY_CLIENT ("other-key"), LOGIN ("other-key"), { TESS_SCRIPT_END, NULL },
  };
  Fixture                       self = { 0 };
  g_autoptr (TessAccountRecord) wish = NULL;
  g_autofree char              *first = NULL;

  set_up_account (&self, steps);
  client_exec (self.client, "UPDATE accounts SET remember_key = 1");
  client_go_online (self.client, self.alice, self.server);
  first = g_strdup (account_of (&self)->server_key);
  g_assert_nonnull (first);
  g_assert_cmpstr (((TessCertificate *) security_of (&self)->chain->pdata[0])->key_fingerprint, ==, first);

  session_server_cut (self.server);
  SESSION_WAIT (session_server_connections (self.server) == 2);
  await_state (&self, TESS_CONNECTION_ONLINE);
  g_assert_cmpstr (account_of (&self)->server_key, ==, first);

  session_server_cut (self.server);
  assert_final (&self, TESS_ENGINE_ERROR_CERTIFICATE_CHANGED);
  g_assert_cmphex (refused_of (&self)->faults & TESS_CERTIFICATE_OTHER_KEY, !=, 0);

  /* Nobody wants to be warned any more, then again: the new key is the one. */
  wish = tess_account_record_copy (account_of (&self));
  wish->remember_key = FALSE;
  update (&self, wish);
  g_assert_null (account_of (&self)->server_key);
  tess_engine_connect (self.client->engine, self.alice, NULL);
  await_state (&self, TESS_CONNECTION_ONLINE);
  g_assert_null (account_of (&self)->server_key);
  wish->remember_key = TRUE;
  update (&self, wish);
  g_assert_nonnull (account_of (&self)->server_key);
  g_assert_cmpstr (account_of (&self)->server_key, !=, first);
  g_assert_cmpint (client_state (self.client, self.alice), ==, TESS_CONNECTION_ONLINE);
  tear_down (&self);
}

/* ---- Logins that are weaker than before ---- */

static void
test_binding (void)
{
  static const TessScriptStep unbound[] = { LOGIN ("good"), { TESS_SCRIPT_END, NULL } };
  static const TessScriptStep steps[] = {
    BOUND_LOGIN,
    UP_TO_TLS ("good"),
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES },
    { TESS_SCRIPT_SILENCE, "<auth" },
    { TESS_SCRIPT_CLOSE, NULL },
    LOGIN ("good"),
    { TESS_SCRIPT_END, NULL },
  };
  Fixture                       self = { 0 };
  g_autoptr (TessAccountRecord) wish = NULL;

  set_up_account (&self, unbound);
  client_go_online (self.client, self.alice, self.server);
  g_assert_false (account_of (&self)->binding_seen);
  g_assert_true (account_of (&self)->scram_seen);
  g_assert_null (security_of (&self)->channel_binding);
  tear_down (&self);

  set_up_account (&self, steps);
  client_go_online (self.client, self.alice, self.server);
  g_assert_true (account_of (&self)->binding_seen);
  g_assert_cmpstr (security_of (&self)->channel_binding, ==, "tls-exporter");
  g_assert_cmphex (security_of (&self)->advice & TESS_ADVICE_PLAIN_OFFERED, !=, 0);
  session_server_cut (self.server);
  assert_final (&self, TESS_ENGINE_ERROR_WEAKENED);
  /* The server has waited for the end of the connection, and no word of a login came before it. */
  SESSION_WAIT (session_server_get_step (self.server) == 20);

  /* Something else is changed: that says nothing of this. */
  wish = tess_account_record_copy (account_of (&self));
  wish->name = g_strdup ("Alice");
  update (&self, wish);
  assert_final (&self, TESS_ENGINE_ERROR_WEAKENED);
  wish->binding_seen = FALSE;
  update (&self, wish);
  await_state (&self, TESS_CONNECTION_ONLINE);
  g_assert_false (account_of (&self)->binding_seen);
  tear_down (&self);
}

/* The password itself is not sent to whom it was only proven before; and no update takes that back. */
static void
test_plain_after_scram (void)
{
  static const TessScriptStep steps[] = {
    LOGIN ("good"),
    UP_TO_TLS ("good"),
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_MECHANISMS ("<mechanism>PLAIN</mechanism>") },
    { TESS_SCRIPT_SILENCE, "<auth" },
    { TESS_SCRIPT_CLOSE, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  Fixture                       self = { 0 };
  g_autoptr (TessAccountRecord) wish = NULL;

  set_up_account (&self, steps);
  client_go_online (self.client, self.alice, self.server);
  wish = tess_account_record_copy (account_of (&self));
  wish->scram_seen = FALSE;
  update (&self, wish);
  g_assert_true (account_of (&self)->scram_seen);
  session_server_cut (self.server);
  assert_final (&self, TESS_ENGINE_ERROR_WEAKENED);
  /* The server has seen the end of the connection, and no word of a login before it. */
  SESSION_WAIT (session_server_get_step (self.server) == G_N_ELEMENTS (steps) - 1);
  tear_down (&self);
}

/* Nor to whom only takes away what the certificate was shown for. */
static void
test_plain_after_external (void)
{
  static const TessScriptStep steps[] = {
    UP_TO_TLS ("good"),
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_MECHANISMS ("<mechanism>EXTERNAL</mechanism><mechanism>PLAIN</mechanism>") },
    { TESS_SCRIPT_EXPECT, "mechanism='EXTERNAL'" },
    { TESS_SCRIPT_SEND_ONE, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>" },
    SERVED,
    UP_TO_TLS ("good"),
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_MECHANISMS ("<mechanism>PLAIN</mechanism>") },
    { TESS_SCRIPT_SILENCE, "<auth" },
    { TESS_SCRIPT_CLOSE, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  g_autofree char            *path = g_build_filename (g_getenv ("TESS_TEST_CERTIFICATES"), "client.pem", NULL);
  g_autoptr (TessCredentials) credentials = tess_credentials_new ();
  Fixture                     self = { 0 };

  credentials->password = g_strdup ("secret");
  g_assert_true (g_file_get_contents (path, &credentials->certificate, NULL, NULL));
  set_up_account (&self, steps);
  client_start (self.client);
  tess_engine_connect (self.client->engine, self.alice, credentials);
  await_state (&self, TESS_CONNECTION_ONLINE);
  g_assert_cmpstr (security_of (&self)->sasl, ==, "EXTERNAL");
  session_server_cut (self.server);
  assert_final (&self, TESS_ENGINE_ERROR_WEAKENED);
  SESSION_WAIT (session_server_get_step (self.server) == G_N_ELEMENTS (steps) - 1);
  tear_down (&self);
}

static void
test_unproven (void)
{
  static const TessScriptStep steps[] = {
    UP_TO_TLS ("good"),
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES },
    { TESS_SCRIPT_SCRAM, "wrong-signature" },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_CLOSE, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  Fixture self = { 0 };

  set_up_account (&self, steps);
  client_start (self.client);
  connect_with (self.client->engine, self.alice, "secret");
  assert_final (&self, TESS_ENGINE_ERROR_SERVER_UNPROVEN);
  tear_down (&self);
}

/* ---- Settings ---- */

static void
test_settings (void)
{
  Fixture                       self = { 0 };
  g_autoptr (TessAccountRecord) wish = NULL;
  g_autofree char              *agent = NULL;

  set_up_account (&self, NULL);
  client_exec (self.client, "UPDATE accounts SET user_agent_id = 'd4565fa7-4d72-4749-b3d3-740edbf87770'");
  client_start (self.client);
  agent = g_strdup (account_of (&self)->user_agent_id);
  wish = tess_account_record_copy (account_of (&self));
  wish->pin = g_strnfill (63, 'a');
  update_fails (&self, wish, TESS_ENGINE_ERROR_FAILED);
  g_free (wish->pin);
  wish->pin = g_strnfill (64, 'A');
  update_fails (&self, wish, TESS_ENGINE_ERROR_FAILED);
  g_clear_pointer (&wish->pin, g_free);
  wish->proxy = TESS_ACCOUNT_PROXY_HTTP;
  update_fails (&self, wish, TESS_ENGINE_ERROR_PROXY);
  wish->proxy_host = g_strdup ("localhost");
  update_fails (&self, wish, TESS_ENGINE_ERROR_PROXY);
  wish->proxy_port = 3128;
  wish->proxy_username = g_strnfill (2000, 'x');
  update_fails (&self, wish, TESS_ENGINE_ERROR_FAILED);
  g_free (wish->proxy_username);
  wish->proxy_username = g_strdup ("who");
  /* What only a login says is not for the asking. */
  wish->binding_seen = TRUE;
  wish->scram_seen = TRUE;
  wish->server_key = g_strnfill (64, 'c');
  g_free (wish->user_agent_id);
  wish->user_agent_id = g_strdup ("another");
  update (&self, wish);
  g_assert_false (account_of (&self)->binding_seen);
  g_assert_false (account_of (&self)->scram_seen);
  g_assert_null (account_of (&self)->server_key);
  g_assert_cmpstr (account_of (&self)->user_agent_id, ==, agent);
  g_assert_cmpstr (account_of (&self)->proxy_username, ==, "who");
  g_assert_cmpuint (account_of (&self)->proxy_port, ==, 3128);
  tear_down (&self);
}

/* A login that hangs at the wrong server is not waited for. */
static void
test_update_reaches_login (void)
{
  static const TessScriptStep   silent[] = { { TESS_SCRIPT_EXPECT, "<stream:stream " },
                                             { TESS_SCRIPT_EOF, NULL },
                                             { TESS_SCRIPT_CLOSE, NULL },
                                             { TESS_SCRIPT_END, NULL } };
  Fixture                       self = { 0 };
  SessionServer                *hanging;
  g_autoptr (TessAccountRecord) wish = NULL;

  set_up (&self, NULL);
  hanging = session_server_new ("alice@a.test", silent);
  self.alice = client_add_account (self.client, "alice@a.test", session_server_get_port (hanging));
  client_start (self.client);
  connect_with (self.client->engine, self.alice, "secret");
  SESSION_WAIT (session_server_get_step (hanging) == 1);
  await_state (&self, TESS_CONNECTION_CONNECTING);

  wish = tess_account_record_copy (account_of (&self));
  wish->port = session_server_get_port (self.server);
  update (&self, wish);
  await_state (&self, TESS_CONNECTION_ONLINE);
  /* And one that is there ends at once. */
  wish->tls = TESS_ACCOUNT_TLS_AUTOMATIC;
  update (&self, wish);
  SESSION_WAIT (session_server_connections (self.server) == 2);
  await_state (&self, TESS_CONNECTION_ONLINE);
  /* What does not matter to it leaves it alone. */
  wish->name = g_strdup ("Alice");
  update (&self, wish);
  client_sync (self.client, self.alice, self.server);
  g_assert_cmpuint (session_server_connections (self.server), ==, 2);
  session_server_free (hanging);
  tear_down (&self);
}

/* ---- What the server says of itself after the login ---- */

static void
test_no_archive (void)
{
  Fixture self = { 0 };

  set_up_account (&self, NULL);
  client_go_online (self.client, self.alice, self.server);
  g_assert_cmphex (security_of (&self)->advice & (TESS_ADVICE_NO_ARCHIVE | TESS_ADVICE_NO_MANAGEMENT), ==, 0);
  tear_down (&self);

  set_up_account (&self, NULL);
  session_server_set (self.server, 0);
  client_start (self.client);
  connect_with (self.client->engine, self.alice, "secret");
  SESSION_WAIT (security_of (&self) != NULL && (security_of (&self)->advice & TESS_ADVICE_NO_ARCHIVE) != 0);
  g_assert_cmphex (security_of (&self)->advice & TESS_ADVICE_NO_MANAGEMENT, !=, 0);
  g_assert_cmpint (security_of (&self)->since_us, >, 0);
  tear_down (&self);
}

/* ---- Keys and tokens ---- */

/* With nothing but a key that the server does not take, a person is asked. */
static void
test_refused_key (void)
{
  static const TessScriptStep steps[] = {
    UP_TO_TLS ("good"),
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_CLOSE, NULL },
    LOGIN ("good"),
    { TESS_SCRIPT_END, NULL },
  };
  static const TessCredentials old = { .scram_key = (char *) "old", .token = (char *) "old" };
  Fixture                      self = { 0 };
  const TessCredentials       *news;

  set_up_account (&self, steps);
  client_start (self.client);
  tess_engine_connect (self.client->engine, self.alice, &old);
  assert_final (&self, TESS_ENGINE_ERROR_PASSWORD_NEEDED);
  g_assert_cmpuint (self.client->credentials->len, ==, 1);
  news = self.client->credentials->pdata[0];
  g_assert_cmpstr (news->scram_key, ==, "");
  g_assert_cmpstr (news->token, ==, "");
  g_assert_null (news->password);
  client_go_online (self.client, self.alice, self.server);
  tear_down (&self);
}

/* The key takes the place of the password: in what is told, and in the engine itself. */
static void
test_kept_key (void)
{
  static const TessScriptStep steps[] = {
    LOGIN ("good"),
    LOGIN ("good"),
    LOGIN ("good"),
    UP_TO_TLS ("good"),
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES },
    { TESS_SCRIPT_SCRAM, "refused" },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_CLOSE, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  Fixture                       self = { 0 };
  g_autoptr (TessAccountRecord) wish = NULL;
  const TessCredentials        *news;

  set_up_account (&self, steps);
  client_go_online (self.client, self.alice, self.server);
  g_assert_cmpuint (self.client->credentials->len, ==, 0);
  /* The wish alone makes a login that derives it, and one that shows that it is good for more than one. */
  wish = tess_account_record_copy (account_of (&self));
  wish->keep_key = TRUE;
  update (&self, wish);
  SESSION_WAIT (self.client->credentials->len == 1);
  await_state (&self, TESS_CONNECTION_ONLINE);
  g_assert_cmpuint (session_server_connections (self.server), ==, 3);
  g_assert_true (account_of (&self)->keep_key);
  news = self.client->credentials->pdata[0];
  g_assert_nonnull (news->scram_key);
  g_assert_cmpuint (strlen (news->scram_key), >, 20);
  g_assert_null (strstr (news->scram_key, "secret"));
  g_assert_null (news->password);
  g_assert_null (news->token);

  /* Had it the password still, this would be a wrong password. */
  session_server_cut (self.server);
  assert_final (&self, TESS_ENGINE_ERROR_PASSWORD_NEEDED);
  g_assert_cmpuint (self.client->credentials->len, ==, 2);
  news = self.client->credentials->pdata[1];
  g_assert_cmpstr (news->scram_key, ==, "");
  tear_down (&self);
}

#define SASL2_FEATURES(fast)                                                                                \
  TESS_SCRIPT_HEADER "<stream:features><authentication xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism>" \
                     "<inline>" fast "</inline></authentication></stream:features>"
#define FAST "<fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-NONE</mechanism></fast>"
#define SASL2_SUCCESS(token)                                                                                \
  "<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>alice@a.test</authorization-identifier>" token \
  "</success><stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"
#define SASL2_SESSION(token)                                                                                \
  { TESS_SCRIPT_SEND, SASL2_SUCCESS (token) }, { TESS_SCRIPT_EXPECT, "</iq>" },                             \
    { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r1") }, { TESS_SCRIPT_EXPECT, "<presence" },       \
  {                                                                                                         \
    TESS_SCRIPT_CLOSE, NULL                                                                                 \
  }

/* A token is told, used, and taken back when it is refused. */
static void
test_token (void)
{
  static const TessScriptStep steps[] = {
    UP_TO_TLS ("good"),
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, SASL2_FEATURES (FAST) },
    { TESS_SCRIPT_EXPECT, "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'" },
    { TESS_SCRIPT_EXPECT, "<request-token " },
    { TESS_SCRIPT_EXPECT, "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'" },
    { TESS_SCRIPT_EXPECT, "</authenticate>" },
    SASL2_SESSION ("<token xmlns='urn:xmpp:fast:0' expiry='2999-01-01T00:00:00Z' token='some-token'/>"),
    UP_TO_TLS ("good"),
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, SASL2_FEATURES (FAST) },
    { TESS_SCRIPT_EXPECT, "mechanism='HT-SHA-256-NONE'" },
    { TESS_SCRIPT_EXPECT, "</authenticate>" },
    { TESS_SCRIPT_SEND, "<failure xmlns='urn:xmpp:sasl:2'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
                        "</failure>" },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_CLOSE, NULL },
    UP_TO_TLS ("good"),
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, SASL2_FEATURES (FAST) },
    { TESS_SCRIPT_EXPECT, "mechanism='PLAIN'" },
    { TESS_SCRIPT_EXPECT, "</authenticate>" },
    SASL2_SESSION (""),
    { TESS_SCRIPT_END, NULL },
  };
  Fixture                self = { 0 };
  const TessCredentials *news;

  set_up_account (&self, steps);
  client_exec (self.client, "UPDATE accounts SET user_agent_id = 'd4565fa7-4d72-4749-b3d3-740edbf87770'");
  client_start (self.client);
  connect_with (self.client->engine, self.alice, "secret");
  SESSION_WAIT (self.client->credentials->len == 1);
  news = self.client->credentials->pdata[0];
  g_assert_nonnull (news->token);
  g_assert_cmpuint (strlen (news->token), >, strlen ("some-token"));
  g_assert_null (news->scram_key);
  SESSION_WAIT (self.client->credentials->len == 2);
  news = self.client->credentials->pdata[1];
  g_assert_cmpstr (news->token, ==, "");
  g_assert_null (news->scram_key);
  tear_down (&self);
}

/* ---- The way through a proxy ---- */

/* A proxy may come back: it is tried again, and nothing goes another way meanwhile. */
static void
test_proxy (void)
{
  static const TessScriptStep   nothing[] = { { TESS_SCRIPT_SILENCE, "<stream" }, { TESS_SCRIPT_END, NULL } };
  Fixture                       self = { 0 };
  SessionServer                *proxy;
  g_autoptr (TessAccountRecord) wish = NULL;
  guint16                       closed;

  proxy = session_server_new ("alice@a.test", nothing);
  closed = session_server_get_port (proxy);
  session_server_free (proxy);
  set_up_account (&self, NULL);
  client_start (self.client);
  wish = tess_account_record_copy (account_of (&self));
  wish->proxy = TESS_ACCOUNT_PROXY_SOCKS5;
  wish->proxy_host = g_strdup ("127.0.0.1");
  wish->proxy_port = closed;
  update (&self, wish);
  connect_with (self.client->engine, self.alice, "secret");
  await_state (&self, TESS_CONNECTION_WAITING);
  g_assert_cmpint (client_error (self.client, self.alice), ==, TESS_ENGINE_ERROR_PROXY);
  g_assert_cmpuint (session_server_connections (self.server), ==, 0);

  /* Without it, what waits is tried at once. */
  wish->proxy = TESS_ACCOUNT_PROXY_NONE;
  update (&self, wish);
  await_state (&self, TESS_CONNECTION_ONLINE);
  g_assert_null (security_of (&self)->proxy);
  tear_down (&self);
}

/* ---- Our own certificate ---- */

static TessCredentials *
read_file (Fixture *self, const char *name, const char *passphrase, TessCertificate **certificate, GError **error)
{
  g_autofree char  *path = g_build_filename (g_getenv ("TESS_TEST_CERTIFICATES"), name, NULL);
  g_autoptr (GBytes) data = NULL;
  char             *content = NULL;
  gsize             length = 0;
  Call              call = { NULL };
  TessCredentials  *credentials;

  g_assert_true (g_file_get_contents (path, &content, &length, NULL));
  data = g_bytes_new_take (content, length);
  tess_engine_read_certificate_async (self->client->engine, data, passphrase, NULL, client_call_cb, &call);
  CLIENT_AWAIT (call);
  credentials = tess_engine_read_certificate_finish (self->client->engine, call.result, certificate, error);
  g_object_unref (call.result);
  return credentials;
}

static void
test_read_certificate (void)
{
  Fixture                     self = { 0 };
  g_autoptr (TessCertificate) certificate = NULL;
  g_autoptr (TessCredentials) none = NULL;
  g_autoptr (TessCredentials) credentials = NULL;
  g_autoptr (TessCredentials) unseen = NULL;
  g_autoptr (GError)          error = NULL;

  set_up_account (&self, NULL);
  client_start (self.client);
  none = read_file (&self, "client.p12", NULL, &certificate, &error);
  g_assert_null (none);
  g_assert_error (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_PASSPHRASE_NEEDED);
  g_clear_error (&error);
  none = read_file (&self, "client.p12", "wrong", &certificate, &error);
  g_assert_null (none);
  g_assert_error (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_PASSPHRASE_NEEDED);
  g_clear_error (&error);
  none = read_file (&self, "index.txt", NULL, &certificate, &error);
  g_assert_null (none);
  g_assert_error (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_CLIENT_CERTIFICATE);
  g_assert_null (certificate);
  g_clear_error (&error);

  credentials = read_file (&self, "client.p12", "secret", &certificate, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (credentials->certificate, "PRIVATE KEY"));
  g_assert_null (credentials->password);
  g_assert_cmpstr (certificate->subject, ==, "CN=alice");
  unseen = read_file (&self, "client.p12", "secret", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (unseen->certificate, ==, credentials->certificate);
  tear_down (&self);
}

/* One that cannot be used any more is said at once, and nothing is tried without it. */
static void
test_broken_certificate (void)
{
  static const TessCredentials broken = { .certificate = (char *) "nonsense", .password = (char *) "secret" };
  Fixture                      self = { 0 };
  g_autoptr (TessAccountRecord) account = NULL;
  g_autoptr (GError)           error = NULL;

  set_up_account (&self, NULL);
  client_start (self.client);
  tess_engine_connect (self.client->engine, self.alice, &broken);
  assert_final (&self, TESS_ENGINE_ERROR_CLIENT_CERTIFICATE);
  g_assert_cmpuint (session_server_connections (self.server), ==, 0);
  account = new_account (&self);
  g_free (account->address);
  account->address = g_strdup ("carol@a.test");
  error = add (&self, account, &broken);
  g_assert_error (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_CLIENT_CERTIFICATE);
  tear_down (&self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/security/advice", test_advice);
  g_test_add_func ("/security/advice-rest", test_advice_rest);
  g_test_add_func ("/security/advice-chain", test_advice_chain);
  g_test_add_func ("/security/pin", test_pin);
  g_test_add_func ("/security/bad-certificate", test_bad_certificate);
  g_test_add_func ("/security/remembered-key", test_remembered_key);
  g_test_add_func ("/security/binding", test_binding);
  g_test_add_func ("/security/plain-after-scram", test_plain_after_scram);
  g_test_add_func ("/security/plain-after-external", test_plain_after_external);
  g_test_add_func ("/security/unproven", test_unproven);
  g_test_add_func ("/security/settings", test_settings);
  g_test_add_func ("/security/update-reaches-login", test_update_reaches_login);
  g_test_add_func ("/security/no-archive", test_no_archive);
  g_test_add_func ("/security/refused-key", test_refused_key);
  g_test_add_func ("/security/kept-key", test_kept_key);
  g_test_add_func ("/security/token", test_token);
  g_test_add_func ("/security/proxy", test_proxy);
  g_test_add_func ("/security/read-certificate", test_read_certificate);
  g_test_add_func ("/security/broken-certificate", test_broken_certificate);
  return g_test_run ();
}
