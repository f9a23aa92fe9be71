/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "crypto/tess-crypto.h"
#include "tess-script-server.h"
#include "xmpp/tess-stream.h"
#include "xmpp/tess-xmpp-error.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The ways to log in beside SCRAM of RFC 6120: SASL2 with Bind 2 and tokens, certificates, kept keys; and what must never come of
 * them. Each runs against a server on a script. */

#define USER_AGENT "d4565fa7-4d72-4749-b3d3-740edbf87770"
#define WAIT_UNTIL(condition)                                                                                             \
  G_STMT_START                                                                                                            \
  {                                                                                                                       \
    while (!(condition))                                                                                                  \
      g_main_context_iteration (NULL, TRUE);                                                                              \
  }                                                                                                                       \
  G_STMT_END

typedef struct
{
  TessStream *stream;
  GError     *error;
  gboolean    opened; /* or failed to */
  GString    *stanzas;
  GString    *acked;
  GError     *closed;
} Client;

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Client *client = data;

  client->stream = tess_stream_open_finish (result, &client->error);
  client->opened = TRUE;
}

static void
stanza_cb (TessStream *stream, const TessNode *stanza, gpointer data)
{
  g_autofree char *text = tess_node_to_string (stanza, "jabber:client");

  g_string_append (((Client *) data)->stanzas, text);
}

static void
acked_cb (TessStream *stream, guint64 tag, gpointer data)
{
  g_string_append_printf (((Client *) data)->acked, "%" G_GUINT64_FORMAT " ", tag);
}

static void
closed_cb (TessStream *stream, const GError *error, gpointer data)
{
  ((Client *) data)->closed = g_error_copy (error);
}

static const TessStreamHandlers handlers = { stanza_cb, acked_cb, closed_cb };

static void
client_clear (Client *client)
{
  g_clear_pointer (&client->stream, tess_stream_unref);
  g_clear_error (&client->error);
  g_clear_error (&client->closed);
  g_string_free (client->stanzas, TRUE);
  g_string_free (client->acked, TRUE);
  g_free (client);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Client, client_clear)

typedef struct
{
  const char           *address; /* NULL: alice@a.test */
  const char           *password;
  const char           *scram_key;
  const char           *token;
  const char           *certificate; /* the name of a file */
  gboolean              no_user_agent;
  gboolean              scram_seen;
  gboolean              binding_seen;
  gboolean              keep_key;
  gboolean              by_proxy; /* of which the server plays both sides */
  TessStreamManagement *resume;
} Settings;

static GTlsCertificate *
load_certificate (const char *name)
{
  g_autofree char    *file = g_strconcat (name, ".pem", NULL);
  g_autofree char    *path = g_build_filename (g_getenv ("TESS_TEST_CERTIFICATES"), file, NULL);
  g_autoptr (GError)  error = NULL;
  GTlsCertificate    *certificate = g_tls_certificate_new_from_file (path, &error);

  g_assert_no_error (error);
  return certificate;
}

/* Over direct TLS, to the end of the login. */
static Client *
log_in (TessScriptServer *server, const Settings *settings)
{
  g_autoptr (TessJid)         jid = tess_jid_new (settings->address != NULL ? settings->address : "alice@a.test", NULL);
  g_autoptr (GTlsDatabase)    trust = tess_script_server_get_trust ();
  g_autoptr (GTlsCertificate) certificate = settings->certificate != NULL ? load_certificate (settings->certificate) : NULL;
  Client                     *client = g_new0 (Client, 1);
  TessStreamOptions           options = {
              .jid = jid,
              .password = settings->password,
              .scram_key = settings->scram_key,
              .token = settings->token,
              .certificate = certificate,
              .user_agent_id = settings->no_user_agent ? NULL : USER_AGENT,
              .host = settings->by_proxy ? NULL : "127.0.0.1",
              .port = settings->by_proxy ? 0 : tess_script_server_get_port (server),
              .tls = TESS_TLS_DIRECT,
              .trust = trust,
              .scram_seen = settings->scram_seen,
              .keep_key = settings->keep_key,
              .binding_seen = settings->binding_seen,
              .resume = settings->resume,
  };

  if (settings->by_proxy)
    options.proxy = (TessProxy) { TESS_PROXY_SOCKS5, "127.0.0.1", tess_script_server_get_port (server), NULL, NULL };
  client->stanzas = g_string_new (NULL);
  client->acked = g_string_new (NULL);
  tess_stream_open_async (&options, NULL, opened_cb, client);
  WAIT_UNTIL (client->opened);

  return client;
}

static void
assert_done (TessScriptServer *server)
{
  g_autofree char *failure = tess_script_server_join (server);

  g_assert_cmpstr (failure, ==, NULL);
}

/* ---- What the server says ---- */

#define MECHANISM(name) "<mechanism>" name "</mechanism>"
#define TYPES "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-server-end-point'/>" \
              "<channel-binding type='tls-exporter'/></sasl-channel-binding>"
#define SASL1(list) "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" list "</mechanisms>"
#define SASL2(list, features) "<authentication xmlns='urn:xmpp:sasl:2'>" list "<inline>" features "</inline></authentication>"
#define SCRAMS MECHANISM ("SCRAM-SHA-256") MECHANISM ("SCRAM-SHA-256-PLUS")
#define BIND2 "<bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:csi:0'/>" \
              "<feature var='urn:xmpp:sm:3'/></inline></bind>"
#define SM "<sm xmlns='urn:xmpp:sm:3'/>"
#define FAST(list) "<fast xmlns='urn:xmpp:fast:0'>" list "</fast>"
#define ALL_TOKENS FAST (MECHANISM ("HT-SHA-256-NONE") MECHANISM ("HT-SHA-256-ENDP") MECHANISM ("HT-SHA-256-EXPR"))
#define FEATURES(content) TESS_SCRIPT_HEADER "<stream:features>" content "</stream:features>"
#define AGENT "<user-agent id='" USER_AGENT "'><software>Tessera</software></user-agent>"
#define BIND_REQUEST "<bind xmlns='urn:xmpp:bind:0'><tag>Tessera</tag><enable xmlns='urn:xmpp:carbons:2'/>" \
                     "<enable xmlns='urn:xmpp:sm:3' resume='true'/></bind></authenticate>"
#define SUCCESS(content) "<success xmlns='urn:xmpp:sasl:2'><additional-data>$V</additional-data>" content "</success>"
#define IDENTIFIER(jid) "<authorization-identifier>" jid "</authorization-identifier>"
#define ENABLED(id) "<enabled xmlns='urn:xmpp:sm:3' id='" id "' resume='1' max='600'/>"
#define BOUND(content) "<bound xmlns='urn:xmpp:bind:0'>" content "</bound>"
#define LATER "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" SM "</stream:features>"
#define TOKEN(secret, expiry) "<token xmlns='urn:xmpp:fast:0' token='" secret "' expiry='" expiry "'/>"

#define REFUSED1 "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"
#define REFUSED2 "<failure xmlns='urn:xmpp:sasl:2'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>"
#define OLD_TOKEN "fast1:HT-SHA-256-EXPR:0:3:dDA="

#define UP_TO_FEATURES(content) \
  { TESS_SCRIPT_TLS, "good" }, { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, FEATURES (content) }
/* SASL2 by SCRAM-SHA-256-PLUS, and Bind 2. */
#define BY_SCRAM2(features)                                                                                               \
  UP_TO_FEATURES (TYPES SASL2 (SCRAMS, features)), { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256-PLUS" },                         \
    { TESS_SCRIPT_EXPECT, "</authenticate>" }, { TESS_SCRIPT_SCRAM2, "plus" }
#define BY_TOKEN(features, mechanism, secret)                                                                             \
  UP_TO_FEATURES (TYPES SASL2 (SCRAMS, features)), { TESS_SCRIPT_INITIAL, mechanism }, { TESS_SCRIPT_TOKEN, secret }

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

  tess_stream_set_handlers (client->stream, &handlers, client);
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
      tess_stream_set_handlers (client->stream, &handlers, client);
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
  tess_stream_set_handlers (client->stream, &handlers, client);
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
  tess_stream_set_handlers (client->stream, &handlers, client);
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
      tess_stream_set_handlers (client->stream, &handlers, client);
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
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autofree char *path = g_strconcat ("/login/refusal/", refusals[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_refusal);
    }
  return g_test_run ();
}
