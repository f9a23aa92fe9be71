/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tess-fake-resolver.h"
#include "tess-script-server.h"
#include "xmpp/tess-stream.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

typedef struct
{
  TessStream       *stream;
  GError           *open_error;
  gboolean          opened; /* or failed to */
  GString          *stanzas;
  GString          *acked;
  GError           *closed;
  guint             closed_count;
} Client;

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Client *client = data;

  client->stream = tess_stream_open_finish (result, &client->open_error);
  client->opened = TRUE;
}

static void
stanza_cb (TessStream *stream, const TessNode *stanza, gpointer data)
{
  Client          *client = data;
  g_autofree char *text = tess_node_to_string (stanza, "jabber:client");

  g_assert_cmpuint (client->closed_count, ==, 0);
  g_string_append (client->stanzas, text);
}

static void
acked_cb (TessStream *stream, guint64 tag, gpointer data)
{
  g_string_append_printf (((Client *) data)->acked, "%" G_GUINT64_FORMAT " ", tag);
}

static void
closed_cb (TessStream *stream, const GError *error, gpointer data)
{
  Client *client = data;

  g_assert_nonnull (error);
  client->closed_count++;
  client->closed = g_error_copy (error);
}

static const TessStreamHandlers handlers = { stanza_cb, acked_cb, closed_cb };

static void
client_init (Client *client)
{
  memset (client, 0, sizeof *client);
  client->stanzas = g_string_new (NULL);
  client->acked = g_string_new (NULL);
}

static void
client_clear (Client *client)
{
  g_clear_pointer (&client->stream, tess_stream_unref);
  g_clear_error (&client->open_error);
  g_clear_error (&client->closed);
  g_string_free (client->stanzas, TRUE);
  g_string_free (client->acked, TRUE);
}

#define WAIT_UNTIL(condition)                                                                                             \
  G_STMT_START                                                                                                            \
  {                                                                                                                       \
    while (!(condition))                                                                                                  \
      g_main_context_iteration (NULL, TRUE);                                                                              \
  }                                                                                                                       \
  G_STMT_END

typedef struct
{
  TessTlsMode           tls;
  gboolean              scram_seen;
  TessStreamManagement *resume;
  GCancellable         *cancellable;
  const char           *password;
} Settings;

static void
open_stream (Client *client, TessScriptServer *server, const Settings *settings)
{
  g_autoptr (TessJid)      jid = tess_jid_new ("alice@a.test/wanted", NULL);
  g_autoptr (GTlsDatabase) trust = tess_script_server_get_trust ();
  TessStreamOptions        options = {
           .jid = jid,
           .password = settings->password != NULL ? settings->password : "secret",
           .host = "127.0.0.1",
           .port = tess_script_server_get_port (server),
           .tls = settings->tls,
           .trust = trust,
           .scram_seen = settings->scram_seen,
           .resume = settings->resume,
  };

  tess_stream_open_async (&options, settings->cancellable, opened_cb, client);
}

static void
open_and_wait (Client *client, TessScriptServer *server, const Settings *settings)
{
  open_stream (client, server, settings);
  WAIT_UNTIL (client->opened);
}

static void
assert_script_done (TessScriptServer *server)
{
  g_autofree char *failure = tess_script_server_join (server);

  g_assert_cmpstr (failure, ==, NULL);
}

static const Settings starttls = { .tls = TESS_TLS_STARTTLS };

/* From the first byte to an orderly end, over slices. */
static void
test_session (void)
{
  static const TessScriptStep steps[] = {
    TESS_SCRIPT_UP_TO_TLS,
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES },
    { TESS_SCRIPT_EXPECT, "mechanism='SCRAM-SHA-256'>" },
    { TESS_SCRIPT_SCRAM, "" },
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SESSION_FEATURES },
    { TESS_SCRIPT_EXPECT, "<resource>wanted</resource></bind></iq>" },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("Alice@A.test/given") },
    { TESS_SCRIPT_EXPECT, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>" },
    { TESS_SCRIPT_SEND, "<message><body>early</body></message>"
                        "<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true' max='300'/>"
                        "<message><body>\303\244 &lt;</body></message> <presence/><r xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_EXPECT, "<a xmlns='urn:xmpp:sm:3' h='2'/>" },
    { TESS_SCRIPT_SEND, "<iq id='last'/>" },
    { TESS_SCRIPT_EXPECT, "<message id='1'/><message id='2'/>" },
    { TESS_SCRIPT_EXPECT, "<r xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_SEND, "<a xmlns='urn:xmpp:sm:3' h='2'/>" },
    /* What was received is said before the end. */
    { TESS_SCRIPT_EXPECT, "<a xmlns='urn:xmpp:sm:3' h='3'/>" },
    { TESS_SCRIPT_EXPECT, "</stream:stream>" },
    { TESS_SCRIPT_SEND, "</stream:stream>" },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer     *server = tess_script_server_new (steps);
  g_autoptr (TessNode)  message = tess_node_new ("message", "jabber:client");
  const TessStreamInfo *info;
  Client                client;

  client_init (&client);
  open_and_wait (&client, server, &starttls);
  g_assert_no_error (client.open_error);
  info = tess_stream_get_info (client.stream);
  g_assert_cmpstr (info->tls_version, ==, "TLSv1.3");
  g_assert_cmpstr (info->sasl, ==, "SCRAM-SHA-256");
  g_assert_cmpstr (info->host, ==, "127.0.0.1");
  g_assert_false (info->direct_tls);
  g_assert_false (info->resumed);
  g_assert_true (info->managed);
  g_assert_cmpstr (tess_jid_to_string (tess_stream_get_jid (client.stream)), ==, "alice@a.test/given");
  g_assert_nonnull (tess_node_child (tess_stream_get_features (client.stream), "bind", NULL));

  tess_stream_set_handlers (client.stream, &handlers, &client);
  g_assert_cmpuint (client.stanzas->len, ==, 0);
  WAIT_UNTIL (strstr (client.stanzas->str, "last") != NULL);
  g_assert_cmpstr (client.stanzas->str, ==, "<message><body>early</body></message><message><body>\303\244 &lt;</body></message>"
                                            "<presence/><iq id='last'/>");
  tess_node_set (message, "id", "1");
  tess_stream_send (client.stream, message, 11);
  tess_stream_send_xml (client.stream, "<message id='2'/>", 12);
  WAIT_UNTIL (client.acked->len >= 6);
  g_assert_cmpstr (client.acked->str, ==, "11 12 ");
  tess_stream_close (client.stream);
  g_assert_cmpuint (client.closed_count, ==, 0);
  WAIT_UNTIL (client.closed_count > 0);
  g_assert_error (client.closed, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED);
  g_assert_false (tess_stream_management_can_resume (tess_stream_get_management (client.stream)));
  tess_stream_send_xml (client.stream, "<message id='3'/>", 13);
  g_assert_cmpuint (tess_stream_management_get_unacked (tess_stream_get_management (client.stream)), ==, 1);
  assert_script_done (server);
  client_clear (&client);
}

/* Direct TLS, channel binding, no stream management: a ping keeps watch. */
static void
test_direct_plus (void)
{
  static const TessScriptStep steps[] = {
    { TESS_SCRIPT_TLS, "good" },
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_HEADER "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                        "<mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-256</mechanism>"
                        "<mechanism>SCRAM-SHA-256-PLUS</mechanism></mechanisms><sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
                        "<channel-binding type='tls-server-end-point'/><channel-binding type='tls-exporter'/>"
                        "</sasl-channel-binding></stream:features>" },
    { TESS_SCRIPT_EXPECT, "mechanism='SCRAM-SHA-256-PLUS'>" },
    { TESS_SCRIPT_SCRAM, "plus" },
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_HEADER "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>" },
    { TESS_SCRIPT_EXPECT, "</iq>" },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r1") },
    { TESS_SCRIPT_EXPECT, "<ping xmlns='urn:xmpp:ping'/></iq>" },
    { TESS_SCRIPT_SEND, "<iq type='result' id='$ID'/><message/>" },
    { TESS_SCRIPT_EXPECT, "<ping xmlns='urn:xmpp:ping'/></iq>" },
    /* What was on its way before the wire died is no answer. */
    { TESS_SCRIPT_SEND, "<message/>" },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer *server = tess_script_server_new (steps);
  Settings          settings = { .tls = TESS_TLS_DIRECT };
  Client            client;

  client_init (&client);
  open_and_wait (&client, server, &settings);
  g_assert_no_error (client.open_error);
  g_assert_true (tess_stream_get_info (client.stream)->direct_tls);
  g_assert_false (tess_stream_get_info (client.stream)->managed);
  g_assert_cmpstr (tess_stream_get_info (client.stream)->sasl, ==, "SCRAM-SHA-256-PLUS");
  g_assert_null (tess_stream_get_management (client.stream));
  tess_stream_set_handlers (client.stream, &handlers, &client);
  tess_stream_probe (client.stream, 60);
  WAIT_UNTIL (client.stanzas->len > 0);
  /* The answer to the ping is the stream's own. */
  g_assert_cmpstr (client.stanzas->str, ==, "<message/>");
  tess_stream_probe (client.stream, 1);
  WAIT_UNTIL (client.closed_count > 0);
  g_assert_error (client.closed, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TIMEOUT);
  assert_script_done (server);
  client_clear (&client);
}

/* What is no stanza is not counted, or the server would confirm more than it was sent (XEP-0198 section 4). */
static void
test_nonza (void)
{
  static const TessScriptStep steps[] = {
    TESS_SCRIPT_UP_TO_SESSION,
    { TESS_SCRIPT_EXPECT, "<inactive xmlns='urn:xmpp:csi:0'/><message id='1'/><active xmlns='urn:xmpp:csi:0'/>" },
    { TESS_SCRIPT_EXPECT, "<r xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_SEND, "<a xmlns='urn:xmpp:sm:3' h='1'/>" },
    { TESS_SCRIPT_EXPECT, "</stream:stream>" },
    { TESS_SCRIPT_SEND, "</stream:stream>" },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer    *server = tess_script_server_new (steps);
  g_autoptr (TessNode) inactive = tess_node_new ("inactive", "urn:xmpp:csi:0");
  g_autoptr (TessNode) active = tess_node_new ("active", "urn:xmpp:csi:0");
  gint64               begun_us = g_get_monotonic_time ();
  Client               client;

  client_init (&client);
  open_and_wait (&client, server, &starttls);
  g_assert_no_error (client.open_error);
  g_assert_cmpint (tess_stream_get_heard_us (client.stream), >=, begun_us);
  tess_stream_set_handlers (client.stream, &handlers, &client);
  tess_stream_send_nonza (client.stream, inactive);
  g_assert_cmpuint (tess_stream_management_get_unacked (tess_stream_get_management (client.stream)), ==, 0);
  tess_stream_send_xml (client.stream, "<message id='1'/>", 7);
  tess_stream_send_nonza (client.stream, active);
  begun_us = g_get_monotonic_time ();
  WAIT_UNTIL (client.acked->len > 0);
  g_assert_cmpstr (client.acked->str, ==, "7 ");
  g_assert_cmpint (tess_stream_get_heard_us (client.stream), >=, begun_us);
  tess_stream_close (client.stream);
  tess_stream_send_nonza (client.stream, active); /* too late, and no harm */
  WAIT_UNTIL (client.closed_count > 0);
  assert_script_done (server);
  client_clear (&client);
}

/* A probe that is in more of a hurry does not wait for the patience of the one before. */
static void
test_hurry (void)
{
  static const TessScriptStep steps[] = {
    TESS_SCRIPT_UP_TO_SESSION,
    { TESS_SCRIPT_EXPECT, "<r xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_SILENCE, "<r xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer *server = tess_script_server_new (steps);
  Client            client;

  client_init (&client);
  open_and_wait (&client, server, &starttls);
  tess_stream_set_handlers (client.stream, &handlers, &client);
  tess_stream_probe (client.stream, 3600);
  tess_stream_probe (client.stream, 1);
  tess_stream_probe (client.stream, 3600);
  WAIT_UNTIL (client.closed_count > 0);
  g_assert_error (client.closed, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TIMEOUT);
  assert_script_done (server);
  client_clear (&client);
}

/* A wire that dies while something is on its way: neither a stanza nor the answer to an older request ends a probe. */
static void
test_probe (void)
{
  static const TessScriptStep steps[] = {
    TESS_SCRIPT_UP_TO_TLS,
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES },
    { TESS_SCRIPT_SCRAM, "" },
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SESSION_FEATURES },
    { TESS_SCRIPT_EXPECT, "</iq>" },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r1") },
    { TESS_SCRIPT_EXPECT, "<enable " },
    { TESS_SCRIPT_SEND, "<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true'/>" },
    /* The first probe is answered, by an answer and another one: the first could be of before it began. */
    { TESS_SCRIPT_EXPECT, "<message id='1'/>" },
    { TESS_SCRIPT_EXPECT, "<r xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_SEND, "<presence/>" },
    { TESS_SCRIPT_EXPECT, "<message id='2'/>" },
    { TESS_SCRIPT_SEND, "<a xmlns='urn:xmpp:sm:3' h='2'/>" },
    { TESS_SCRIPT_EXPECT, "<r xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_SEND, "<a xmlns='urn:xmpp:sm:3' h='2'/><iq id='alive'/>" },
    /* The second one is not. */
    { TESS_SCRIPT_EXPECT, "<r xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_SEND, "<message><body>late</body></message>" },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer *server = tess_script_server_new (steps);
  Client            client;

  client_init (&client);
  open_and_wait (&client, server, &starttls);
  g_assert_no_error (client.open_error);
  tess_stream_set_handlers (client.stream, &handlers, &client);
  tess_stream_send_xml (client.stream, "<message id='1'/>", 11);
  WAIT_UNTIL (strstr (client.stanzas->str, "<presence/>") != NULL);
  tess_stream_probe (client.stream, 20);
  tess_stream_send_xml (client.stream, "<message id='2'/>", 12);
  WAIT_UNTIL (strstr (client.stanzas->str, "alive") != NULL);
  g_assert_cmpint (client.closed_count, ==, 0);
  tess_stream_probe (client.stream, 60);
  /* Whoever has less patience is not kept waiting by the probe that is under way. */
  tess_stream_probe (client.stream, 1);
  WAIT_UNTIL (client.closed_count > 0);
  g_assert_error (client.closed, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TIMEOUT);
  g_assert_nonnull (strstr (client.stanzas->str, "late"));
  assert_script_done (server);
  client_clear (&client);
}

static void
test_final_challenge (void)
{
  static const TessScriptStep steps[] = {
    TESS_SCRIPT_UP_TO_TLS,
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES },
    { TESS_SCRIPT_SCRAM, "final-challenge" },
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SESSION_FEATURES },
    /* The resource is refused once, and management. */
    { TESS_SCRIPT_EXPECT, "<resource>wanted</resource></bind></iq>" },
    { TESS_SCRIPT_SEND, "<iq type='error' id='$ID'><error type='modify'>"
                        "<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>" },
    { TESS_SCRIPT_EXPECT, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>" },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r1") },
    { TESS_SCRIPT_EXPECT, "<enable " },
    { TESS_SCRIPT_SEND, "<failed xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer *server = tess_script_server_new (steps);
  Client            client;

  client_init (&client);
  open_and_wait (&client, server, &starttls);
  g_assert_no_error (client.open_error);
  g_assert_false (tess_stream_get_info (client.stream)->managed);
  tess_stream_set_handlers (client.stream, &handlers, &client);
  tess_stream_abort (client.stream);
  g_assert_cmpuint (client.closed_count, ==, 0);
  WAIT_UNTIL (client.closed_count > 0);
  assert_script_done (server);
  client_clear (&client);
}

#define CUT_SESSION                                                                                                       \
  TESS_SCRIPT_UP_TO_SESSION, { TESS_SCRIPT_SEND, "<message id='in'/>" },                                                  \
    { TESS_SCRIPT_EXPECT, "<message id='1'/><message id='2'/><message id='3'/>" }, { TESS_SCRIPT_CLOSE, NULL },           \
    TESS_SCRIPT_UP_TO_LOGIN, { TESS_SCRIPT_SEND, TESS_SCRIPT_SESSION_FEATURES },                                          \
    { TESS_SCRIPT_EXPECT, "<resume xmlns='urn:xmpp:sm:3' h='1' previd='sm1'/>" }

/* Sends three stanzas into a connection that is then cut. */
static TessStreamManagement *
run_until_cut (TessScriptServer *server, Client *client)
{
  TessStreamManagement *management;

  client_init (client);
  open_and_wait (client, server, &starttls);
  g_assert_no_error (client->open_error);
  tess_stream_set_handlers (client->stream, &handlers, client);
  WAIT_UNTIL (client->stanzas->len > 0);
  tess_stream_send_xml (client->stream, "<message id='1'/>", 1);
  tess_stream_send_xml (client->stream, "<message id='2'/>", 2);
  tess_stream_send_xml (client->stream, "<message id='3'/>", 3);
  WAIT_UNTIL (client->closed_count > 0);
  g_assert_error (client->closed, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED);
  management = tess_stream_management_ref (tess_stream_get_management (client->stream));
  g_assert_true (tess_stream_management_can_resume (management));
  g_assert_cmpuint (tess_stream_management_get_unacked (management), ==, 3);
  client_clear (client);
  client_init (client);

  return management;
}

static void
test_resumed (void)
{
  static const TessScriptStep steps[] = {
    CUT_SESSION,
    { TESS_SCRIPT_SEND, "<resumed xmlns='urn:xmpp:sm:3' h='1' previd='sm1'/><message id='replayed'/>" },
    { TESS_SCRIPT_EXPECT, "<message id='2'/><message id='3'/>" },
    { TESS_SCRIPT_EXPECT, "<r xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_SEND, "<a xmlns='urn:xmpp:sm:3' h='3'/><r xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_EXPECT, "<a xmlns='urn:xmpp:sm:3' h='2'/>" },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer                *server = tess_script_server_new (steps);
  Client                           client;
  g_autoptr (TessStreamManagement) management = run_until_cut (server, &client);
  Settings                         settings = { .tls = TESS_TLS_STARTTLS, .resume = management };

  open_and_wait (&client, server, &settings);
  g_assert_no_error (client.open_error);
  g_assert_true (tess_stream_get_info (client.stream)->resumed);
  g_assert_true (tess_stream_get_management (client.stream) == management);
  g_assert_cmpstr (tess_jid_to_string (tess_stream_get_jid (client.stream)), ==, "alice@a.test/r1");
  tess_stream_set_handlers (client.stream, &handlers, &client);
  WAIT_UNTIL (client.acked->len >= 6 && client.stanzas->len > 0);
  g_assert_cmpstr (client.acked->str, ==, "1 2 3 ");
  g_assert_cmpstr (client.stanzas->str, ==, "<message id='replayed'/>");
  assert_script_done (server);
  client_clear (&client);
}

static void
test_resume_failed (void)
{
  static const TessScriptStep steps[] = {
    CUT_SESSION,
    { TESS_SCRIPT_SEND, "<failed xmlns='urn:xmpp:sm:3' h='2'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>" },
    { TESS_SCRIPT_EXPECT, "</iq>" },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r2") },
    { TESS_SCRIPT_EXPECT, "<enable " },
    { TESS_SCRIPT_SEND, "<enabled xmlns='urn:xmpp:sm:3'/>" },
    { TESS_SCRIPT_SILENCE, "<message" },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer                *server = tess_script_server_new (steps);
  Client                           client;
  g_autoptr (TessStreamManagement) management = run_until_cut (server, &client);
  Settings                         settings = { .tls = TESS_TLS_STARTTLS, .resume = management };

  open_and_wait (&client, server, &settings);
  g_assert_no_error (client.open_error);
  g_assert_false (tess_stream_get_info (client.stream)->resumed);
  g_assert_true (tess_stream_get_info (client.stream)->managed);
  g_assert_false (tess_stream_management_can_resume (tess_stream_get_management (client.stream)));
  g_assert_false (tess_stream_management_can_resume (management));
  /* Two had arrived; the third is the caller's to send again. */
  g_assert_cmpuint (tess_stream_management_get_unacked (management), ==, 1);
  tess_stream_set_handlers (client.stream, &handlers, &client);
  WAIT_UNTIL (client.acked->len >= 4);
  g_assert_cmpstr (client.acked->str, ==, "1 2 ");
  client_clear (&client);
  assert_script_done (server);
}

/* Row B10, at the resumption. */
static void
test_resumed_too_far (void)
{
  static const TessScriptStep steps[] = {
    CUT_SESSION,
    { TESS_SCRIPT_SEND, "<resumed xmlns='urn:xmpp:sm:3' h='4' previd='sm1'/>" },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer                *server = tess_script_server_new (steps);
  Client                           client;
  g_autoptr (TessStreamManagement) management = run_until_cut (server, &client);
  Settings                         settings = { .tls = TESS_TLS_STARTTLS, .resume = management };

  open_and_wait (&client, server, &settings);
  g_assert_error (client.open_error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY);
  g_assert_cmpuint (tess_stream_management_get_unacked (management), ==, 3);
  assert_script_done (server);
  client_clear (&client);
}

/* What a server does to an open stream, and how it ends. */
static const struct
{
  const char *name, *sends, *expects;
  int         code;
} ends[] = {
  { "h-too-large", "<a xmlns='urn:xmpp:sm:3' h='1'/>", "<undefined-condition", TESS_XMPP_ERROR_STREAM },
  { "h-missing", "<a xmlns='urn:xmpp:sm:3'/>", "<undefined-condition", TESS_XMPP_ERROR_STREAM },
  { "h-negative", "<a xmlns='urn:xmpp:sm:3' h='-1'/>", "<undefined-condition", TESS_XMPP_ERROR_STREAM },
  { "conflict", "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
    "</stream:stream>", TESS_XMPP_ERROR_CONFLICT },
  { "shutdown", "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
    "</stream:stream>", TESS_XMPP_ERROR_STREAM },
  { "end", "</stream:stream>", "</stream:stream>", TESS_XMPP_ERROR_CLOSED },
  { "doctype", "<message>&x;</message>", "<restricted-xml", TESS_XMPP_ERROR_RESTRICTED_XML },
  { "comment", "<!-- x -->", "<restricted-xml", TESS_XMPP_ERROR_RESTRICTED_XML },
  { "malformed", "<message></iq>", "<not-well-formed", TESS_XMPP_ERROR_NOT_WELL_FORMED },
};

static void
test_end (gconstpointer data)
{
  gsize                index = GPOINTER_TO_SIZE (data);
  const TessScriptStep steps[] = {
    TESS_SCRIPT_UP_TO_SESSION,
    { TESS_SCRIPT_SEND, "<message id='before'/>" },
    { TESS_SCRIPT_SEND, ends[index].sends },
    { TESS_SCRIPT_EXPECT, ends[index].expects },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer *server = tess_script_server_new (steps);
  Client            client;

  client_init (&client);
  open_and_wait (&client, server, &starttls);
  g_assert_no_error (client.open_error);
  tess_stream_set_handlers (client.stream, &handlers, &client);
  WAIT_UNTIL (client.closed_count > 0);
  g_assert_error (client.closed, TESS_XMPP_ERROR, ends[index].code);
  g_assert_cmpstr (client.stanzas->str, ==, "<message id='before'/>");
  /* The last words go out after `closed`. */
  g_clear_pointer (&client.stream, tess_stream_unref);
  assert_script_done (server);
  g_assert_cmpuint (client.closed_count, ==, 1);
  client_clear (&client);
}

/* Acknowledgements of ours: after five stanzas without being asked, and when nothing comes for a while. */
static void
test_unasked_acks (void)
{
  static const TessScriptStep steps[] = {
    TESS_SCRIPT_UP_TO_SESSION,
    { TESS_SCRIPT_SEND, "<message/><message/><message/><message/><message/>" },
    { TESS_SCRIPT_EXPECT, "<a xmlns='urn:xmpp:sm:3' h='5'/>" },
    { TESS_SCRIPT_SEND, "<message/>" },
    { TESS_SCRIPT_EXPECT, "<a xmlns='urn:xmpp:sm:3' h='6'/>" },
    { TESS_SCRIPT_SEND, "<message id='end'/></stream:stream>" },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  TessScriptServer *server = tess_script_server_new (steps);
  Client            client;

  client_init (&client);
  open_and_wait (&client, server, &starttls);
  tess_stream_set_handlers (client.stream, &handlers, &client);
  WAIT_UNTIL (client.closed_count > 0);
  assert_script_done (server);
  client_clear (&client);
}

/* Attacks rows B at the login: what the server does, and which error comes of it. The password, or a proof of it,
 * never goes where it must not. */
#define PLAIN_BASE64 "AGFsaWNlAHNlY3JldA=="
static const struct
{
  const char    *name;
  TessTlsMode    tls;
  gboolean       scram_seen;
  int            code;
  TessScriptStep steps[16];
} refusals[] = {
  { "b1-no-starttls", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_NO_TLS,
    { { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_MECHANISMS ("<mechanism>PLAIN</mechanism>") },
      { TESS_SCRIPT_SILENCE, "<auth" } } },
  { "b1-starttls-fails", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_NO_TLS,
    { { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_STARTTLS_FEATURES },
      { TESS_SCRIPT_EXPECT, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
      { TESS_SCRIPT_SEND, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>" },
      { TESS_SCRIPT_SILENCE, "<auth" } } },
  { "b1-proceed-of-another-namespace", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_NO_TLS,
    { { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_STARTTLS_FEATURES },
      { TESS_SCRIPT_EXPECT, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
      { TESS_SCRIPT_SEND, "<proceed/>" },
      { TESS_SCRIPT_EOF, NULL } } },
  { "b1-success-in-the-clear", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_NO_TLS,
    { { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_STARTTLS_FEATURES },
      { TESS_SCRIPT_EXPECT, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
      { TESS_SCRIPT_SEND, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>" },
      { TESS_SCRIPT_EOF, NULL } } },
  { "b2-bytes-behind-proceed", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_NO_TLS,
    { { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_STARTTLS_FEATURES },
      { TESS_SCRIPT_EXPECT, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
      { TESS_SCRIPT_SEND_ONE, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><stream:features/>" },
      { TESS_SCRIPT_EOF, NULL } } },
  { "b2-a-space-behind-proceed", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_NO_TLS,
    { { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_STARTTLS_FEATURES },
      { TESS_SCRIPT_EXPECT, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
      { TESS_SCRIPT_SEND_ONE, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/> " },
      { TESS_SCRIPT_EOF, NULL } } },
  { "b3-other-host", TESS_TLS_DIRECT, FALSE, TESS_XMPP_ERROR_BAD_CERTIFICATE,
    { { TESS_SCRIPT_TLS, "other-host" }, { TESS_SCRIPT_SILENCE, "<stream" } } },
  { "b3-expired", TESS_TLS_DIRECT, FALSE, TESS_XMPP_ERROR_BAD_CERTIFICATE,
    { { TESS_SCRIPT_TLS, "expired" }, { TESS_SCRIPT_SILENCE, "<stream" } } },
  { "b3-self-signed", TESS_TLS_DIRECT, FALSE, TESS_XMPP_ERROR_BAD_CERTIFICATE,
    { { TESS_SCRIPT_TLS, "self-signed" }, { TESS_SCRIPT_SILENCE, "<stream" } } },
  { "b3-other-host-by-starttls", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_BAD_CERTIFICATE,
    { { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_STARTTLS_FEATURES },
      { TESS_SCRIPT_EXPECT, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
      { TESS_SCRIPT_SEND_ONE, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
      { TESS_SCRIPT_TLS, "other-host" },
      { TESS_SCRIPT_SILENCE, "<stream" } } },
  { "direct-on-a-plain-port", TESS_TLS_DIRECT, FALSE, TESS_XMPP_ERROR_NO_TLS,
    { { TESS_SCRIPT_SEND, TESS_SCRIPT_STARTTLS_FEATURES }, { TESS_SCRIPT_SILENCE, "<stream" } } },
  { "b4-scram-dropped", TESS_TLS_STARTTLS, TRUE, TESS_XMPP_ERROR_WEAKENED,
    { TESS_SCRIPT_UP_TO_TLS,
      { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_MECHANISMS ("<mechanism>PLAIN</mechanism>") },
      { TESS_SCRIPT_SILENCE, PLAIN_BASE64 } } },
  { "nothing-in-common", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_NO_MECHANISM,
    { TESS_SCRIPT_UP_TO_TLS,
      { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_MECHANISMS ("<mechanism>X-OTHER</mechanism>") },
      { TESS_SCRIPT_SILENCE, "<auth" } } },
  { "no-mechanisms", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_NO_MECHANISM,
    { TESS_SCRIPT_UP_TO_TLS,
      { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_SESSION_FEATURES },
      { TESS_SCRIPT_SILENCE, "<auth" } } },
  { "b6-binding-stripped", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_WEAKENED,
    { TESS_SCRIPT_UP_TO_TLS,
      { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_HEADER "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                          "<mechanism>SCRAM-SHA-256</mechanism></mechanisms><sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
                          "<channel-binding type='tls-exporter'/></sasl-channel-binding></stream:features>" },
      { TESS_SCRIPT_SILENCE, "<auth" } } },
#define SCRAM_REFUSAL(how, error)                                                                                         \
  { "scram-" how, TESS_TLS_STARTTLS, FALSE, error,                                                                        \
    { TESS_SCRIPT_UP_TO_TLS, { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES }, \
      { TESS_SCRIPT_SCRAM, how }, { TESS_SCRIPT_SILENCE, "<iq" } } }
  SCRAM_REFUSAL ("success-first", TESS_XMPP_ERROR_SERVER_UNPROVEN),
  SCRAM_REFUSAL ("foreign-nonce", TESS_XMPP_ERROR_SERVER_UNPROVEN),
  SCRAM_REFUSAL ("same-nonce", TESS_XMPP_ERROR_SERVER_UNPROVEN),
  SCRAM_REFUSAL ("mandatory", TESS_XMPP_ERROR_SERVER_UNPROVEN),
  SCRAM_REFUSAL ("no-salt", TESS_XMPP_ERROR_SERVER_UNPROVEN),
  SCRAM_REFUSAL ("one-iteration", TESS_XMPP_ERROR_SERVER_UNPROVEN),
  SCRAM_REFUSAL ("many-iterations", TESS_XMPP_ERROR_SERVER_UNPROVEN),
  SCRAM_REFUSAL ("other-list", TESS_XMPP_ERROR_WEAKENED),
  SCRAM_REFUSAL ("wrong-signature", TESS_XMPP_ERROR_SERVER_UNPROVEN),
  SCRAM_REFUSAL ("no-signature", TESS_XMPP_ERROR_SERVER_UNPROVEN),
  SCRAM_REFUSAL ("behind-success", TESS_XMPP_ERROR_BAD_REPLY),
  SCRAM_REFUSAL ("refused", TESS_XMPP_ERROR_NOT_AUTHORIZED),
  SCRAM_REFUSAL ("disabled", TESS_XMPP_ERROR_ACCOUNT_DISABLED),
  { "b9-another-account", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_BAD_REPLY,
    { TESS_SCRIPT_UP_TO_BIND, { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("bob@a.test/r") }, { TESS_SCRIPT_SILENCE, "<enable" } } },
  { "b9-no-resource", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_BAD_REPLY,
    { TESS_SCRIPT_UP_TO_BIND, { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test") }, { TESS_SCRIPT_SILENCE, "<enable" } } },
  { "b9-other-host-before-tls", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_STREAM,
    { { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_HEADER "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>"
                          "127.0.0.1:$PORT</see-other-host></stream:error>" },
      { TESS_SCRIPT_EOF, NULL } } },
  { "host-unknown", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_NO_SUCH_SERVER,
    { { TESS_SCRIPT_EXPECT, "<stream:stream " },
      { TESS_SCRIPT_SEND, TESS_SCRIPT_HEADER "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>" },
      { TESS_SCRIPT_EOF, NULL } } },
  { "no-stream", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_BAD_REPLY,
    { { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, "<html>" }, { TESS_SCRIPT_EOF, NULL } } },
  { "not-xml", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_NOT_WELL_FORMED,
    { { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, "HTTP/1.1 400 Bad Request" }, { TESS_SCRIPT_EOF, NULL } } },
  { "hung-up", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_CLOSED,
    { { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_CLOSE, NULL } } },
  { "hung-up-in-sasl", TESS_TLS_STARTTLS, FALSE, TESS_XMPP_ERROR_CLOSED,
    { TESS_SCRIPT_UP_TO_TLS, { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES },
      { TESS_SCRIPT_EXPECT, "<auth" }, { TESS_SCRIPT_CLOSE, NULL } } },
};

static void
test_refusal (gconstpointer data)
{
  gsize             index = GPOINTER_TO_SIZE (data);
  TessScriptServer *server = tess_script_server_new (refusals[index].steps);
  Settings          settings = { .tls = refusals[index].tls, .scram_seen = refusals[index].scram_seen };
  Client            client;

  client_init (&client);
  open_and_wait (&client, server, &settings);
  g_assert_null (client.stream);
  g_assert_error (client.open_error, TESS_XMPP_ERROR, refusals[index].code);
  assert_script_done (server);
  client_clear (&client);
}

#define SEE_OTHER_HOST                                                                                                    \
  { TESS_SCRIPT_TLS, "good" }, { TESS_SCRIPT_EXPECT, "<stream:stream " },                                                 \
    { TESS_SCRIPT_SEND, TESS_SCRIPT_HEADER "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>"   \
                        "127.0.0.1:$PORT</see-other-host></stream:error>" },                                              \
    { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_CLOSE, NULL }

/* Row B9: three moves are followed, a fourth is not; the certificate is checked anew each time. */
static void
test_other_host (void)
{
  static const TessScriptStep too_far[] = {
    SEE_OTHER_HOST, SEE_OTHER_HOST, SEE_OTHER_HOST, SEE_OTHER_HOST, { TESS_SCRIPT_END, NULL },
  };
  static const TessScriptStep elsewhere[] = {
    SEE_OTHER_HOST, { TESS_SCRIPT_TLS, "other-host" }, { TESS_SCRIPT_SILENCE, "<stream" }, { TESS_SCRIPT_END, NULL },
  };
  static const struct { const TessScriptStep *steps; int code; } cases[] = {
    { too_far, TESS_XMPP_ERROR_STREAM }, { elsewhere, TESS_XMPP_ERROR_BAD_CERTIFICATE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TessScriptServer *server = tess_script_server_new (cases[i].steps);
      Settings          settings = { .tls = TESS_TLS_DIRECT };
      Client            client;

      client_init (&client);
      open_and_wait (&client, server, &settings);
      g_assert_error (client.open_error, TESS_XMPP_ERROR, cases[i].code);
      assert_script_done (server);
      client_clear (&client);
    }
}

/* Row B8: ten million iterations are allowed, and can be cancelled while they run. */
static void
test_cancelled (void)
{
  static const TessScriptStep steps[] = {
    TESS_SCRIPT_UP_TO_TLS,
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES },
    { TESS_SCRIPT_SCRAM, "slow" },
    { TESS_SCRIPT_SILENCE, "<response" },
    { TESS_SCRIPT_END, NULL },
  };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  TessScriptServer        *server = tess_script_server_new (steps);
  Settings                 settings = { .tls = TESS_TLS_STARTTLS, .cancellable = cancellable };
  Client                   client;

  client_init (&client);
  open_stream (&client, server, &settings);
  /* The server is about to send its challenge. */
  WAIT_UNTIL (tess_script_server_get_step (server) >= 8);
  g_cancellable_cancel (cancellable);
  WAIT_UNTIL (client.opened);
  g_assert_error (client.open_error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_script_done (server);
  client_clear (&client);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream/session", test_session);
  g_test_add_func ("/stream/direct-plus", test_direct_plus);
  g_test_add_func ("/stream/nonza", test_nonza);
  g_test_add_func ("/stream/hurry", test_hurry);
  g_test_add_func ("/stream/probe", test_probe);
  g_test_add_func ("/stream/final-challenge", test_final_challenge);
  g_test_add_func ("/stream/resumed", test_resumed);
  g_test_add_func ("/stream/resume-failed", test_resume_failed);
  g_test_add_func ("/stream/resumed-too-far", test_resumed_too_far);
  g_test_add_func ("/stream/unasked-acks", test_unasked_acks);
  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autofree char *path = g_strconcat ("/stream/end/", ends[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_end);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autofree char *path = g_strconcat ("/stream/refusal/", refusals[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_refusal);
    }
  g_test_add_func ("/stream/other-host", test_other_host);
  g_test_add_func ("/stream/cancelled", test_cancelled);
  return g_test_run ();
}
