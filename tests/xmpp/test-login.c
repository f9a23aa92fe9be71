/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "login-client.h"

/* The ways to log in beside SCRAM of RFC 6120: SASL2 with Bind 2; and what must never come of them. Each runs against a server on a
 * script. */

/* ---- SASL2 and Bind 2 ---- */

/* One question and one answer from the features to a managed session with carbons; and the list is signed. */
static void
test_bind2 (void)
{
  g_autofree char      *filling = g_strnfill (100 * 1024, 'x');
  g_autofree char      *large = g_strconcat ("<message id='first'>", filling, "</message>", NULL);
  TessScriptStep        steps[] = {
    UP_TO_FEATURES (TYPES SASL1 (MECHANISM ("PLAIN") SCRAMS) SASL2 (SCRAMS, BIND2 SM ALL_TOKENS)),
    { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256-PLUS" },
    { TESS_SCRIPT_EXPECT, "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-EXPR'/>" AGENT BIND_REQUEST },
    { TESS_SCRIPT_SCRAM2, "proven:SCRAM-SHA-256 SCRAM-SHA-256-PLUS|tls-exporter tls-server-end-point" },
    { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("\n Alice@A.test/Tessera.1\n ") BOUND (ENABLED ("sm1")) TOKEN ("t0", "2099-01-01T00:00:00Z"))
                        LATER },
    { TESS_SCRIPT_SEND_ONE, large }, /* more than was allowed before */
    { TESS_SCRIPT_EXPECT, "<message id='1'/>" },
    { TESS_SCRIPT_SEND, "<a xmlns='urn:xmpp:sm:3' h='1'/><r xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_EXPECT, "<a xmlns='urn:xmpp:sm:3' h='1'/>" },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer     *server = tess_script_server_new (steps);
  Settings              settings = { .password = "secret", .binding_seen = TRUE, .scram_seen = TRUE };
  g_autoptr (Client)    client = log_in (server, &settings);
  const TessStreamInfo *info;

  g_assert_no_error (client->error);
  info = tess_stream_get_info (client->stream);
  g_assert_cmpstr (info->sasl, ==, "SCRAM-SHA-256-PLUS");
  g_assert_cmpstr (info->channel_binding, ==, "tls-exporter");
  g_assert_true (info->sasl2);
  g_assert_true (info->carbons);
  g_assert_true (info->managed);
  g_assert_true (info->list_proven);
  g_assert_false (info->fast);
  g_assert_false (info->resumed);
  g_assert_null (info->scram_key);
  g_assert_cmpstr (info->token, ==, "fast1:HT-SHA-256-EXPR:4070908800000000:0:dDA=");
  g_assert_cmpint (info->token_expires_us, ==, G_GINT64_CONSTANT (4070908800000000));
  g_assert_cmpuint (g_strv_length ((char **) info->mechanisms), ==, 3);
  g_assert_true (g_strv_contains (info->mechanisms, "PLAIN"));
  g_assert_cmpstr (tess_jid_to_string (tess_stream_get_jid (client->stream)), ==, "alice@a.test/Tessera.1");
  g_assert_nonnull (tess_node_child (tess_stream_get_features (client->stream), "sm", NULL));
  g_assert_cmpstr (tess_stream_management_get_id (tess_stream_get_management (client->stream)), ==, "sm1");

  tess_stream_set_handlers (client->stream, &client_handlers, client);
  WAIT_UNTIL (client->stanzas->len > 0);
  tess_stream_send_xml (client->stream, "<message id='1'/>", 7);
  WAIT_UNTIL (client->acked->len > 0);
  g_assert_cmpstr (client->acked->str, ==, "7 ");
  assert_done (server);
}

/* Without Bind 2, or where a resource is wished for, RFC 6120 binds; on the same stream. */
static void
test_sasl2_alone (void)
{
  static const TessScriptStep plain_steps[] = {
    BY_SCRAM2 (""), { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test")) LATER },
    { TESS_SCRIPT_EXPECT, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>" },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r1") },
    { TESS_SCRIPT_EXPECT, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>" }, { TESS_SCRIPT_SEND, ENABLED ("sm1") },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_END, NULL },
  };
  static const TessScriptStep resource_steps[] = {
    UP_TO_FEATURES (TYPES SASL2 (SCRAMS, BIND2)), { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256-PLUS" },
    { TESS_SCRIPT_EXPECT, "<user-agent><software>Tessera</software></user-agent></authenticate>" },
    { TESS_SCRIPT_SCRAM2, "plus" }, { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test")) LATER },
    { TESS_SCRIPT_EXPECT, "<resource>wanted</resource></bind></iq>" },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r1") },
    { TESS_SCRIPT_EXPECT, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>" }, { TESS_SCRIPT_SEND, ENABLED ("sm1") },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_END, NULL },
  };
  /* Bound, and management is for later. */
  static const TessScriptStep later_steps[] = {
    BY_SCRAM2 ("<bind xmlns='urn:xmpp:bind:0'/>"),
    { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test/r1") BOUND ("")) LATER },
    { TESS_SCRIPT_EXPECT, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>" }, { TESS_SCRIPT_SEND, ENABLED ("sm1") },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_END, NULL },
  };
  static const struct { const TessScriptStep *steps; const char *address; } cases[] = {
    { plain_steps, "alice@a.test" }, { resource_steps, "alice@a.test/wanted" }, { later_steps, "alice@a.test" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TessScriptServer  *server = tess_script_server_new (cases[i].steps);
      Settings           settings = { .address = cases[i].address, .password = "secret", .no_user_agent = TRUE };
      g_autoptr (Client) client = log_in (server, &settings);

      g_assert_no_error (client->error);
      g_assert_true (tess_stream_get_info (client->stream)->sasl2);
      g_assert_true (tess_stream_get_info (client->stream)->managed);
      g_assert_false (tess_stream_get_info (client->stream)->carbons);
      g_assert_null (tess_stream_get_info (client->stream)->token);
      g_assert_cmpstr (tess_jid_to_string (tess_stream_get_jid (client->stream)), ==, "alice@a.test/r1");
      tess_stream_set_handlers (client->stream, &client_handlers, client);
      tess_stream_abort (client->stream);
      WAIT_UNTIL (client->closed != NULL);
      assert_done (server);
    }
}

#define CUT_SESSION                                                                                                       \
  BY_SCRAM2 (BIND2 SM), { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test/r1") BOUND (ENABLED ("sm1"))) LATER        \
                                            "<message id='in'/>" },                                                      \
    { TESS_SCRIPT_EXPECT, "<message id='1'/><message id='2'/>" }, { TESS_SCRIPT_CLOSE, NULL }
#define RESUME "<resume xmlns='urn:xmpp:sm:3' h='1' previd='sm1'/>"

/* Two stanzas go into a connection that is cut. */
static TessStreamManagement *
run_until_cut (TessScriptServer *server)
{
  Settings           settings = { .password = "secret" };
  g_autoptr (Client) client = log_in (server, &settings);

  g_assert_no_error (client->error);
  tess_stream_set_handlers (client->stream, &client_handlers, client);
  WAIT_UNTIL (client->stanzas->len > 0);
  tess_stream_send_xml (client->stream, "<message id='1'/>", 1);
  tess_stream_send_xml (client->stream, "<message id='2'/>", 2);
  WAIT_UNTIL (client->closed != NULL);

  return tess_stream_management_ref (tess_stream_get_management (client->stream));
}

static void
test_resumed (void)
{
  static const TessScriptStep steps[] = {
    CUT_SESSION,
    UP_TO_FEATURES (TYPES SASL2 (SCRAMS, BIND2 SM)), { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256-PLUS" },
    { TESS_SCRIPT_EXPECT, AGENT RESUME BIND_REQUEST },
    { TESS_SCRIPT_SCRAM2, "plus" },
    /* Features behind a resumption are one server's habit, and mean nothing. */
    { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test") "<resumed xmlns='urn:xmpp:sm:3' h='1' previd='sm1'/>") LATER
                        "<message id='replayed'/>" },
    { TESS_SCRIPT_EXPECT, "<message id='2'/>" },
    { TESS_SCRIPT_SEND, "<a xmlns='urn:xmpp:sm:3' h='2'/><r xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_EXPECT, "<a xmlns='urn:xmpp:sm:3' h='2'/>" },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer                *server = tess_script_server_new (steps);
  g_autoptr (TessStreamManagement) management = run_until_cut (server);
  Settings                         settings = { .password = "secret", .resume = management };
  g_autoptr (Client)               client = log_in (server, &settings);

  g_assert_no_error (client->error);
  g_assert_true (tess_stream_get_info (client->stream)->resumed);
  g_assert_false (tess_stream_get_info (client->stream)->carbons);
  g_assert_cmpstr (tess_jid_to_string (tess_stream_get_jid (client->stream)), ==, "alice@a.test/r1");
  tess_stream_set_handlers (client->stream, &client_handlers, client);
  WAIT_UNTIL (client->acked->len >= 4 && client->stanzas->len > 0);
  g_assert_cmpstr (client->acked->str, ==, "1 2 ");
  g_assert_cmpstr (client->stanzas->str, ==, "<message id='replayed'/>");
  assert_done (server);
}

static void
test_resume_failed (void)
{
  static const TessScriptStep inline_steps[] = {
    CUT_SESSION, BY_SCRAM2 (BIND2 SM),
    { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test/r2") "<failed xmlns='urn:xmpp:sm:3' h='1'/>" BOUND (ENABLED ("sm2"))) LATER },
    { TESS_SCRIPT_SILENCE, "<message" }, { TESS_SCRIPT_END, NULL },
  };
  /* Bind 2 would have bound before the resumption could be asked for: it is left aside then. */
  static const TessScriptStep later_steps[] = {
    CUT_SESSION, UP_TO_FEATURES (TYPES SASL2 (SCRAMS, BIND2)), { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256-PLUS" },
    { TESS_SCRIPT_EXPECT, AGENT "</authenticate>" }, { TESS_SCRIPT_SCRAM2, "plus" },
    { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test")) LATER }, { TESS_SCRIPT_EXPECT, RESUME },
    { TESS_SCRIPT_SEND, "<failed xmlns='urn:xmpp:sm:3' h='1'/>" }, { TESS_SCRIPT_EXPECT, "</iq>" },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r2") }, { TESS_SCRIPT_EXPECT, "<enable " },
    { TESS_SCRIPT_SEND, ENABLED ("sm2") }, { TESS_SCRIPT_SILENCE, "<message" }, { TESS_SCRIPT_END, NULL },
  };
  static const TessScriptStep *const cases[] = { inline_steps, later_steps };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TessScriptServer                *server = tess_script_server_new (cases[i]);
      g_autoptr (TessStreamManagement) management = run_until_cut (server);
      Settings                         settings = { .password = "secret", .resume = management };
      g_autoptr (Client)               client = log_in (server, &settings);

      g_assert_no_error (client->error);
      g_assert_false (tess_stream_get_info (client->stream)->resumed);
      g_assert_false (tess_stream_management_can_resume (management));
      g_assert_cmpuint (tess_stream_management_get_unacked (management), ==, 1);
      g_assert_cmpstr (tess_jid_to_string (tess_stream_get_jid (client->stream)), ==, "alice@a.test/r2");
      g_assert_cmpstr (tess_stream_management_get_id (tess_stream_get_management (client->stream)), ==, "sm2");
      tess_stream_set_handlers (client->stream, &client_handlers, client);
      WAIT_UNTIL (client->acked->len > 0);
      g_assert_cmpstr (client->acked->str, ==, "1 ");
      tess_stream_abort (client->stream);
      assert_done (server);
    }
}

/* ---- Which profile, and which list is signed ---- */

static void
test_profiles (void)
{
  /* The stronger login is taken, wherever it is offered; SASL2 needs XEP-0440 beside -PLUS. */
  static const TessScriptStep weak_steps[] = {
    UP_TO_FEATURES (SASL1 (MECHANISM ("SCRAM-SHA-256")) SASL2 (MECHANISM ("PLAIN"), "")),
    { TESS_SCRIPT_EXPECT, "mechanism='SCRAM-SHA-256'>" }, { TESS_SCRIPT_SCRAM, "proven:SCRAM-SHA-256" },
    { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_CLOSE, NULL }, { TESS_SCRIPT_END, NULL },
  };
  static const TessScriptStep untyped_steps[] = {
    UP_TO_FEATURES (SASL1 (SCRAMS) SASL2 (SCRAMS, "")),
    { TESS_SCRIPT_EXPECT, "mechanism='SCRAM-SHA-256'>" }, { TESS_SCRIPT_SCRAM, "unbound" },
    { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_CLOSE, NULL }, { TESS_SCRIPT_END, NULL },
  };
  static const TessScriptStep *const cases[] = { weak_steps, untyped_steps };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TessScriptServer  *server = tess_script_server_new (cases[i]);
      Settings           settings = { .password = "secret" };
      g_autoptr (Client) client = log_in (server, &settings);

      g_assert_error (client->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED);
      assert_done (server);
    }
}

/* RFC 5929's type, where nothing better is announced. */
static void
test_end_point (void)
{
  static const TessScriptStep steps[] = {
    UP_TO_FEATURES ("<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-server-end-point'/>"
                    "</sasl-channel-binding>" SASL1 (SCRAMS)),
    { TESS_SCRIPT_EXPECT, "mechanism='SCRAM-SHA-256-PLUS'>" },
    { TESS_SCRIPT_SCRAM, "plus" }, { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, FEATURES ("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>") }, { TESS_SCRIPT_EXPECT, "</iq>" },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r1") }, { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer  *server = tess_script_server_new (steps);
  Settings           settings = { .password = "secret", .binding_seen = TRUE };
  g_autoptr (Client) client = log_in (server, &settings);

  g_assert_no_error (client->error);
  g_assert_cmpstr (tess_stream_get_info (client->stream)->channel_binding, ==, "tls-server-end-point");
  g_assert_false (tess_stream_get_info (client->stream)->list_proven);
  g_assert_false (tess_stream_get_info (client->stream)->sasl2);
  tess_stream_abort (client->stream);
  assert_done (server);
}

/* ---- Other hosts ---- */

/* A move leads through the proxy too, by name, and the certificate is of the account’s domain again. After a refused
 * token the account’s own host comes first. */
static void
test_moved_by_proxy (void)
{
  static const TessScriptStep steps[] = {
    { TESS_SCRIPT_PROXY, "a.test:5223" }, { TESS_SCRIPT_TLS, "good" }, { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_HEADER "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>"
                        "there.test:4444</see-other-host></stream:error>" },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL },
    { TESS_SCRIPT_PROXY, "there.test:4444" }, BY_TOKEN (BIND2 ALL_TOKENS, "HT-SHA-256-EXPR", "t0"), { TESS_SCRIPT_SEND, REFUSED2 },
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL },
    { TESS_SCRIPT_PROXY, "a.test:5223" }, { TESS_SCRIPT_TLS, "other-host" }, { TESS_SCRIPT_SILENCE, "<stream" }, { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer  *server = tess_script_server_new (steps);
  Settings           settings = { .password = "secret", .token = OLD_TOKEN, .by_proxy = TRUE };
  g_autoptr (Client) client = log_in (server, &settings);

  g_assert_error (client->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_CERTIFICATE);
  assert_done (server);
}

/* ---- Refusals ---- */

/* What the server does, and which error comes of it; nothing of the session is sent then. */
#define QUIET { TESS_SCRIPT_SILENCE, "<iq" }
static const struct
{
  const char    *name;
  gboolean       by_token, scram_seen, binding_seen;
  int            code;
  TessScriptStep steps[16];
} refusals[] = {
  { "b6-binding-lost", .binding_seen = TRUE, .code = TESS_XMPP_ERROR_WEAKENED,
    .steps = { UP_TO_FEATURES (SASL1 (MECHANISM ("SCRAM-SHA-256")) SASL2 (MECHANISM ("SCRAM-SHA-256"), BIND2)),
               { TESS_SCRIPT_SILENCE, "<auth" } } },
  { "b6-types-stripped", .binding_seen = TRUE, .code = TESS_XMPP_ERROR_WEAKENED,
    .steps = { UP_TO_FEATURES (SASL1 (SCRAMS) SASL2 (SCRAMS, BIND2)), { TESS_SCRIPT_SILENCE, "<auth" } } },
  { "b6-types-without-plus", .code = TESS_XMPP_ERROR_WEAKENED,
    .steps = { UP_TO_FEATURES (TYPES SASL2 (MECHANISM ("SCRAM-SHA-256"), BIND2)), { TESS_SCRIPT_SILENCE, "<auth" } } },
  { "b6-plus-without-types", .code = TESS_XMPP_ERROR_WEAKENED,
    .steps = { UP_TO_FEATURES (SASL2 (SCRAMS, BIND2)), { TESS_SCRIPT_SILENCE, "<auth" } } },
  { "b4-scram-dropped", .scram_seen = TRUE, .code = TESS_XMPP_ERROR_WEAKENED,
    .steps = { UP_TO_FEATURES (SASL1 (MECHANISM ("PLAIN")) SASL2 (MECHANISM ("PLAIN"), BIND2)), { TESS_SCRIPT_SILENCE, "<auth" } } },
  { "b5-list-changed", .code = TESS_XMPP_ERROR_WEAKENED,
    .steps = { UP_TO_FEATURES (TYPES SASL2 (SCRAMS, BIND2)), { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256-PLUS" },
               { TESS_SCRIPT_EXPECT, "</authenticate>" }, { TESS_SCRIPT_SCRAM2, "other-list" }, QUIET } },
  /* The list of SASL1 is not the one that SASL2 goes by. */
  { "b5-list-of-sasl1", .code = TESS_XMPP_ERROR_WEAKENED,
    .steps = { UP_TO_FEATURES (SASL1 (MECHANISM ("SCRAM-SHA-256") MECHANISM ("SCRAM-SHA-1")) SASL2 (MECHANISM ("SCRAM-SHA-256"), BIND2)),
               { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256" }, { TESS_SCRIPT_EXPECT, "</authenticate>" },
               { TESS_SCRIPT_SCRAM2, "disproven:SCRAM-SHA-1 SCRAM-SHA-256" }, QUIET } },
  { "b7-foreign-nonce", .code = TESS_XMPP_ERROR_SERVER_UNPROVEN,
    .steps = { UP_TO_FEATURES (TYPES SASL2 (SCRAMS, BIND2)), { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256-PLUS" },
               { TESS_SCRIPT_EXPECT, "</authenticate>" }, { TESS_SCRIPT_SCRAM2, "foreign-nonce" }, QUIET } },
  { "b7-wrong-signature", .code = TESS_XMPP_ERROR_SERVER_UNPROVEN,
    .steps = { UP_TO_FEATURES (TYPES SASL2 (SCRAMS, BIND2)), { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256-PLUS" },
               { TESS_SCRIPT_EXPECT, "</authenticate>" }, { TESS_SCRIPT_SCRAM2, "wrong-signature" },
               { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test/r1") BOUND (ENABLED ("sm1"))) LATER }, QUIET } },
  { "b7-no-signature", .code = TESS_XMPP_ERROR_SERVER_UNPROVEN,
    .steps = { BY_SCRAM2 (BIND2), { TESS_SCRIPT_SEND, "<success xmlns='urn:xmpp:sasl:2'>" IDENTIFIER ("alice@a.test/r1") BOUND ("")
                                                      "</success>" LATER }, QUIET } },
  { "b7-success-first", .code = TESS_XMPP_ERROR_SERVER_UNPROVEN,
    .steps = { UP_TO_FEATURES (TYPES SASL2 (SCRAMS, BIND2)), { TESS_SCRIPT_EXPECT, "</authenticate>" },
               { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test/r1") BOUND ("")) LATER }, QUIET } },
  { "b7-success-of-sasl1", .code = TESS_XMPP_ERROR_BAD_REPLY,
    .steps = { BY_SCRAM2 (BIND2), { TESS_SCRIPT_SEND, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>$V</success>" }, QUIET } },
  { "b9-another-account", .code = TESS_XMPP_ERROR_BAD_REPLY,
    .steps = { BY_SCRAM2 (BIND2), { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("bob@a.test/r1") BOUND ("")) LATER }, QUIET } },
  { "b9-no-account", .code = TESS_XMPP_ERROR_BAD_REPLY,
    .steps = { BY_SCRAM2 (BIND2), { TESS_SCRIPT_SEND, SUCCESS (BOUND ("")) LATER }, QUIET } },
  { "b9-bound-to-no-resource", .code = TESS_XMPP_ERROR_BAD_REPLY,
    .steps = { BY_SCRAM2 (BIND2), { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test") BOUND ("")) LATER }, QUIET } },
  { "bound-unasked", .code = TESS_XMPP_ERROR_BAD_REPLY,
    .steps = { BY_SCRAM2 (""), { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test/r1") BOUND ("")) LATER }, QUIET } },
  { "resumed-unasked", .code = TESS_XMPP_ERROR_BAD_REPLY,
    .steps = { BY_SCRAM2 (BIND2 SM), { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test/r1")
                                                                  "<resumed xmlns='urn:xmpp:sm:3' h='0' previd='x'/>") }, QUIET } },
  { "stanza-before-features", .code = TESS_XMPP_ERROR_BAD_REPLY,
    .steps = { BY_SCRAM2 (BIND2), { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("alice@a.test/r1") BOUND ("")) "<message/>" LATER }, QUIET } },
  { "continue", .code = TESS_XMPP_ERROR_NO_MECHANISM,
    .steps = { BY_SCRAM2 (BIND2), { TESS_SCRIPT_SEND, "<continue xmlns='urn:xmpp:sasl:2'><additional-data>$V</additional-data><tasks>"
                                                      "<task>TOTP</task></tasks></continue>" },
               { TESS_SCRIPT_EXPECT, "<abort xmlns='urn:xmpp:sasl:2'/></stream:stream>" }, QUIET } },
  { "refused", .code = TESS_XMPP_ERROR_NOT_AUTHORIZED, .steps = { BY_SCRAM2 (BIND2), { TESS_SCRIPT_SEND, REFUSED2 }, QUIET } },
  { "refused-without-namespace", .code = TESS_XMPP_ERROR_ACCOUNT_DISABLED,
    .steps = { BY_SCRAM2 (BIND2), { TESS_SCRIPT_SEND, "<failure xmlns='urn:xmpp:sasl:2'><text>x</text><account-disabled/></failure>" }, QUIET } },
  /* A token that anybody may use is not asked for by a login that is bound. */
  { "token-unbound", .code = TESS_XMPP_ERROR_NOT_AUTHORIZED,
    .steps = { UP_TO_FEATURES (TYPES SASL2 (SCRAMS, FAST (MECHANISM ("HT-SHA-256-NONE")))), { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256-PLUS" },
               { TESS_SCRIPT_SEND, REFUSED2 }, { TESS_SCRIPT_SILENCE, "<request-token" } } },
  { "token-of-an-impostor", .by_token = TRUE, .code = TESS_XMPP_ERROR_SERVER_UNPROVEN,
    .steps = { BY_TOKEN (BIND2 ALL_TOKENS, "HT-SHA-256-EXPR", "t0"),
               { TESS_SCRIPT_SEND, "<success xmlns='urn:xmpp:sasl:2'><additional-data>kP0GDjSVGqRF4nKLtIi3QlXFuDVf6mGFRvdYjlQnogQ="
                                   "</additional-data>" IDENTIFIER ("alice@a.test/r1") BOUND ("") "</success>" LATER }, QUIET } },
  { "token-unproven", .by_token = TRUE, .code = TESS_XMPP_ERROR_SERVER_UNPROVEN,
    .steps = { BY_TOKEN (BIND2 ALL_TOKENS, "HT-SHA-256-EXPR", "t0"),
               { TESS_SCRIPT_SEND, "<success xmlns='urn:xmpp:sasl:2'>" IDENTIFIER ("alice@a.test/r1") BOUND ("") "</success>" LATER }, QUIET } },
  { "token-for-another-account", .by_token = TRUE, .code = TESS_XMPP_ERROR_BAD_REPLY,
    .steps = { BY_TOKEN (BIND2 ALL_TOKENS, "HT-SHA-256-EXPR", "t0"),
               { TESS_SCRIPT_SEND, SUCCESS (IDENTIFIER ("bob@a.test/r1") BOUND ("")) LATER }, QUIET } },
  { "token-and-a-challenge", .by_token = TRUE, .code = TESS_XMPP_ERROR_BAD_REPLY,
    .steps = { BY_TOKEN (BIND2 ALL_TOKENS, "HT-SHA-256-EXPR", "t0"),
               { TESS_SCRIPT_SEND, "<challenge xmlns='urn:xmpp:sasl:2'>cj14</challenge>" }, QUIET } },
};

static void
test_refusal (gconstpointer data)
{
  gsize              i = GPOINTER_TO_SIZE (data);
  TessScriptServer  *server = tess_script_server_new (refusals[i].steps);
  Settings           settings = { .password = "secret", .token = refusals[i].by_token ? OLD_TOKEN : NULL,
                                  .scram_seen = refusals[i].scram_seen, .binding_seen = refusals[i].binding_seen };
  g_autoptr (Client) client = log_in (server, &settings);

  g_assert_null (client->stream);
  g_assert_error (client->error, TESS_XMPP_ERROR, refusals[i].code);
  assert_done (server);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/login/bind2", test_bind2);
  g_test_add_func ("/login/sasl2-alone", test_sasl2_alone);
  g_test_add_func ("/login/resumed", test_resumed);
  g_test_add_func ("/login/resume-failed", test_resume_failed);
  g_test_add_func ("/login/profiles", test_profiles);
  g_test_add_func ("/login/end-point", test_end_point);
  g_test_add_func ("/login/moved-by-proxy", test_moved_by_proxy);
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autofree char *path = g_strconcat ("/login/refusal/", refusals[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_refusal);
    }
  return g_test_run ();
}
