/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-client.h"

#include <string.h>

/* Beginnings and ends: what stops an account, what takes it away, and a stop in every state. */

#define LIST_NODE "eu.siacs.conversations.axolotl.devicelist"

typedef struct
{
  Client        *client;
  SessionServer *server;
  gint64         alice;
} Fixture;

static void
set_up_with (Fixture *self, const TessScriptStep *steps)
{
  session_server_forget_items ();
  self->server = session_server_new ("alice@a.test", steps);
  self->client = client_new ();
  self->alice = client_add_account (self->client, "alice@a.test", session_server_get_port (self->server));
}

static void
tear_down (Fixture *self)
{
  client_free (self->client);
  session_server_free (self->server);
  session_server_forget_items ();
}

static void
go_online (Fixture *self)
{
  client_go_online (self->client, self->alice, self->server);
}

/* ---- What ends the trying ---- */

/* One attempt with the wrong password, not one a second until the account is locked. */
static void
test_wrong_password (void)
{
  static const TessScriptStep steps[] = {
    TESS_SCRIPT_UP_TO_TLS,
    { TESS_SCRIPT_EXPECT, "<stream:stream " },
    { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES },
    { TESS_SCRIPT_SCRAM, "refused" },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_CLOSE, NULL },
    TESS_SCRIPT_UP_TO_LOGIN,
    { TESS_SCRIPT_SERVE, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  Fixture self = { 0 };

  set_up_with (&self, steps);
  client_start (self.client);
  connect_with (self.client->engine, self.alice, "secret");
  SESSION_WAIT (client_error (self.client, self.alice) != 0);
  g_assert_cmpint (client_error (self.client, self.alice), ==, TESS_ENGINE_ERROR_NOT_AUTHORIZED);
  g_assert_cmpint (client_state (self.client, self.alice), ==, TESS_CONNECTION_OFFLINE);
  /* A network that comes and goes is no new password. */
  tess_engine_network_changed (self.client->engine, TRUE);
  client_sync (self.client, self.alice, NULL);
  g_assert_cmpint (client_state (self.client, self.alice), ==, TESS_CONNECTION_OFFLINE);
  /* Another one is tried. */
  go_online (&self);
  tear_down (&self);
}

static void
test_conflict (void)
{
  Fixture self = { 0 };

  set_up_with (&self, NULL);
  go_online (&self);
  session_server_send (self.server, "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
                                    "</stream:stream>");
  SESSION_WAIT (client_state (self.client, self.alice) == TESS_CONNECTION_OFFLINE);
  g_assert_cmpint (client_error (self.client, self.alice), ==, TESS_ENGINE_ERROR_CONFLICT);
  tess_engine_network_changed (self.client->engine, TRUE);
  client_sync (self.client, self.alice, NULL);
  g_assert_cmpint (client_state (self.client, self.alice), ==, TESS_CONNECTION_OFFLINE);
  g_assert_cmpuint (session_server_connections (self.server), ==, 1);
  tear_down (&self);
}

/* ---- Requests that the server refuses ---- */

static void
test_refused_change (void)
{
  Fixture            self = { 0 };
  g_autoptr (GError) error = NULL;
  Call               call = { NULL };

  set_up_with (&self, NULL);
  go_online (&self);
  session_server_refuse (self.server, "jabber:iq:roster", "not-allowed");
  tess_engine_change_contact_async (self.client->engine, self.alice, "bob@b.test", TESS_CONTACT_ADD, NULL, NULL,
                                    client_call_cb, &call);
  CLIENT_AWAIT (call);
  g_assert_false (tess_engine_change_contact_finish (self.client->engine, call.result, &error));
  g_assert_error (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED);
  g_assert_cmpuint (strlen (error->message), >, strlen ("not-allowed"));
  g_assert_null (strstr (error->message, "not-allowed>"));
  g_assert_false (session_server_has (self.server, "type='subscribe'"));
  g_object_unref (call.result);
  tear_down (&self);
}

/* ---- An account that goes ---- */

static gboolean
is_listed (void)
{
  g_autofree char *list = session_server_get_item ("alice@a.test", LIST_NODE);

  return list != NULL && strstr (list, "<device ") != NULL;
}

static void
assert_nothing_left (Fixture *self)
{
  static const char *const tables[] = { "accounts",    "contacts",      "conversations",  "messages",     "outbox",
                                        "omemo_local", "omemo_devices", "omemo_sessions", "omemo_numbers", "omemo_blobs" };

  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      g_autofree char *sql = g_strdup_printf ("SELECT count (*) FROM %s", tables[i]);

      g_assert_cmpint (client_number (self->client, sql), ==, 0);
    }
}

static void
remove_account (Fixture *self, Call *call)
{
  tess_engine_remove_account_async (self->client->engine, self->alice, NULL, client_call_cb, call);
}

static void
finish_removal (Fixture *self, Call *call, gboolean good)
{
  g_autoptr (GError) error = NULL;

  CLIENT_AWAIT (*call);
  g_assert_true (tess_engine_remove_account_finish (self->client->engine, call->result, &error) == good);
  g_clear_object (&call->result);
}

static void
prepare_removal (Fixture *self)
{
  set_up_with (self, NULL);
  session_server_set_roster (self->server, "<item jid='bob@b.test' subscription='both' name='Bob'/>");
  go_online (self);
  client_send (self->client, client_open (self->client, self->alice, "bob@b.test"), "hello");
  SESSION_WAIT (is_listed ());
  client_sync (self->client, self->alice, self->server);
}

static void
test_removal (void)
{
  Fixture self = { 0 };
  Call    call = { NULL };

  prepare_removal (&self);
  remove_account (&self, &call);
  finish_removal (&self, &call, TRUE);
  g_assert_cmpuint (g_hash_table_size (self.client->accounts), ==, 0);
  g_assert_false (is_listed ());
  client_stop (self.client);
  assert_nothing_left (&self);
  tear_down (&self);
}

static void
test_removal_offline (void)
{
  Fixture self = { 0 };
  Call    call = { NULL };

  prepare_removal (&self);
  tess_engine_disconnect (self.client->engine, self.alice);
  remove_account (&self, &call);
  finish_removal (&self, &call, TRUE);
  client_stop (self.client);
  assert_nothing_left (&self);
  tear_down (&self);
}

/* Whatever is pressed meanwhile, each gets its answer and the account goes. */
static void
test_removal_twice (void)
{
  Fixture self = { 0 };
  Call    first = { NULL };
  Call    second = { NULL };

  prepare_removal (&self);
  remove_account (&self, &first);
  remove_account (&self, &second);
  CLIENT_AWAIT (first);
  CLIENT_AWAIT (second);
  g_object_unref (first.result);
  g_object_unref (second.result);
  g_assert_cmpuint (g_hash_table_size (self.client->accounts), ==, 0);
  client_stop (self.client);
  assert_nothing_left (&self);
  tear_down (&self);
}

static void
test_removal_disconnected (void)
{
  Fixture self = { 0 };
  Call    call = { NULL };

  prepare_removal (&self);
  session_server_clear (self.server);
  remove_account (&self, &call);
  /* It closes now; a second order to close does not forget why. */
  SESSION_WAIT (session_server_has (self.server, LIST_NODE));
  tess_engine_disconnect (self.client->engine, self.alice);
  client_sync (self.client, self.alice, NULL);
  tess_engine_disconnect (self.client->engine, self.alice);
  finish_removal (&self, &call, TRUE);
  client_stop (self.client);
  assert_nothing_left (&self);
  tear_down (&self);
}

/* Stopped amid it. */
static void
test_removal_stopped (void)
{
  Fixture self = { 0 };
  Call    call = { NULL };

  prepare_removal (&self);
  session_server_refuse (self.server, "http://jabber.org/protocol/pubsub", NULL);
  remove_account (&self, &call);
  client_sync (self.client, self.alice, self.server);
  tess_engine_stop (self.client->engine);
  CLIENT_AWAIT (call);
  g_object_unref (call.result);
  client_stop (self.client);
  assert_nothing_left (&self);
  tear_down (&self);
}

/* ---- Two at once ---- */

static void
test_two_accounts (void)
{
  Fixture        self = { 0 };
  SessionServer *other = session_server_new ("carol@a.test", NULL);
  gint64         carol;
  gint64         id;
  Call           call = { NULL };

  set_up_with (&self, NULL);
  carol = client_add_account (self.client, "carol@a.test", session_server_get_port (other));
  go_online (&self);
  client_go_online (self.client, carol, other);
  session_server_send (self.server, "<message from='bob@b.test/x' type='chat'><body>to alice</body>"
                                    "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='s1'/></message>");
  session_server_send (other, "<message from='bob@b.test/x' type='chat'><body>to carol</body>"
                              "<stanza-id xmlns='urn:xmpp:sid:0' by='carol@a.test' id='s1'/></message>");
  /* A carbon, or a stamp, of one account says nothing to the other. */
  session_server_send (other, "<message from='alice@a.test'><sent xmlns='urn:xmpp:carbons:2'>"
                              "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='alice@a.test/q' "
                              "to='bob@b.test'><body>forged</body></message></forwarded></sent></message>");
  client_sync (self.client, self.alice, self.server);
  client_sync (self.client, carol, other);
  g_assert_cmpint (client_find (self.client, "to alice")->account_id, ==, self.alice);
  g_assert_cmpint (client_find (self.client, "to carol")->account_id, ==, carol);
  g_assert_null (client_find (self.client, "forged"));

  id = client_open (self.client, carol, "bob@b.test");
  tess_engine_set_encryption (self.client->engine, id, TESS_CONVERSATION_PLAIN);
  client_send (self.client, id, "from carol");
  SESSION_WAIT (session_server_has (other, "<body>from carol</body>"));
  g_assert_false (session_server_has (self.server, "from carol"));

  remove_account (&self, &call);
  finish_removal (&self, &call, TRUE);
  g_assert_cmpint (client_state (self.client, carol), ==, TESS_CONNECTION_ONLINE);
  client_sync (self.client, carol, other);
  client_stop (self.client);
  g_assert_cmpint (client_number (self.client, "SELECT count (*) FROM messages"), ==, 2);
  session_server_free (other);
  tear_down (&self);
}

/* ---- A stop in every state ---- */

static const TessScriptStep no_greeting[] = { { TESS_SCRIPT_EOF, NULL }, { TESS_SCRIPT_END, NULL } };
static const TessScriptStep no_handshake[] = {
  { TESS_SCRIPT_EXPECT, "<stream:stream " },
  { TESS_SCRIPT_SEND, TESS_SCRIPT_STARTTLS_FEATURES },
  { TESS_SCRIPT_EXPECT, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
  { TESS_SCRIPT_SEND_ONE, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
  { TESS_SCRIPT_EOF, NULL },
  { TESS_SCRIPT_END, NULL },
};
static const TessScriptStep slow_proof[] = {
  TESS_SCRIPT_UP_TO_TLS,
  { TESS_SCRIPT_EXPECT, "<stream:stream " },
  { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES },
  { TESS_SCRIPT_SCRAM, "slow" },
  { TESS_SCRIPT_EOF, NULL },
  { TESS_SCRIPT_END, NULL },
};
static const TessScriptStep no_binding[] = {
  TESS_SCRIPT_UP_TO_BIND,
  { TESS_SCRIPT_EOF, NULL },
  { TESS_SCRIPT_END, NULL },
};

typedef struct
{
  const char           *path;
  const TessScriptStep *steps;
  gboolean              arrived; /* stop where the script waits, or at once */
} Silence;

static const Silence silences[] = {
  { "/lifetime/stop/connecting", no_greeting, FALSE },      { "/lifetime/stop/no-greeting", no_greeting, TRUE },
  { "/lifetime/stop/no-handshake", no_handshake, TRUE },   { "/lifetime/stop/slow-proof", slow_proof, TRUE },
  { "/lifetime/stop/no-binding", no_binding, TRUE },
};

static guint
count_steps (const TessScriptStep *steps)
{
  guint count = 0;

  while (steps[count].action != TESS_SCRIPT_END)
    count++;
  return count;
}

/* An account that is kept, and one that is being added, both amid their login. */
static void
test_stop_opening (gconstpointer data)
{
  const Silence                *silence = data;
  Fixture                       self = { 0 };
  SessionServer                *other = session_server_new ("carol@a.test", silence->steps);
  g_autoptr (TessAccountRecord) carol = tess_account_record_new ("carol@a.test");
  g_autoptr (GError)            error = NULL;
  Call                          call = { NULL };
  TessCredentials               secret = { .password = (char *) "secret" };

  set_up_with (&self, silence->steps);
  carol->host = g_strdup ("127.0.0.1");
  carol->port = session_server_get_port (other);
  carol->tls = TESS_ACCOUNT_TLS_STARTTLS;
  client_start (self.client);
  connect_with (self.client->engine, self.alice, "secret");
  tess_engine_add_account_async (self.client->engine, carol, &secret, NULL, client_call_cb, &call);
  if (silence->arrived)
    {
      SESSION_WAIT (session_server_get_step (self.server) + 1 >= count_steps (silence->steps));
      SESSION_WAIT (session_server_get_step (other) + 1 >= count_steps (silence->steps));
    }
  tess_engine_stop (self.client->engine);
  CLIENT_AWAIT (call);
  g_assert_null (tess_engine_add_account_finish (self.client->engine, call.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_object_unref (call.result);
  client_stop (self.client);
  g_assert_cmpint (client_number (self.client, "SELECT count (*) FROM accounts"), ==, 1);
  session_server_free (other);
  tear_down (&self);
}

/* Everything is asked and nothing answered: archive, roster, devices, an account that is being removed. */
static void
test_stop_catching_up (void)
{
  Fixture self = { 0 };
  Call    calls[3] = { { NULL } };
  gint64  conversation;

  set_up_with (&self, NULL);
  session_server_refuse (self.server, "urn:xmpp:mam:2", NULL);
  session_server_refuse (self.server, "jabber:iq:roster", NULL);
  session_server_refuse (self.server, "http://jabber.org/protocol/pubsub", NULL);
  go_online (&self);
  conversation = client_open (self.client, self.alice, "bob@b.test");
  client_send (self.client, conversation, "never");
  tess_engine_change_contact_async (self.client->engine, self.alice, "bob@b.test", TESS_CONTACT_ADD, NULL, NULL,
                                    client_call_cb, &calls[0]);
  tess_engine_load_devices_async (self.client->engine, self.alice, "bob@b.test", NULL, client_call_cb, &calls[1]);
  tess_engine_remove_account_async (self.client->engine, self.alice, NULL, client_call_cb, &calls[2]);
  tess_engine_stop (self.client->engine);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      CLIENT_AWAIT (calls[i]);
      g_clear_object (&calls[i].result);
    }
  tear_down (&self);
}

/* A server that does not answer the end of the stream holds nobody up for long. */
static void
test_stop_unanswered (void)
{
  static const TessScriptStep steps[] = {
    TESS_SCRIPT_UP_TO_SESSION,
    { TESS_SCRIPT_EXPECT, "</stream:stream>" },
    { TESS_SCRIPT_EOF, NULL },
    { TESS_SCRIPT_END, NULL },
  };
  Fixture self = { 0 };

  set_up_with (&self, steps);
  client_start (self.client);
  connect_with (self.client->engine, self.alice, "secret");
  SESSION_WAIT (client_state (self.client, self.alice) == TESS_CONNECTION_ONLINE);
  tear_down (&self);
}

/* While it waits for the next attempt. */
static void
test_stop_waiting (void)
{
  static const TessScriptStep steps[] = { { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_END, NULL } };
  Fixture                     self = { 0 };

  set_up_with (&self, steps);
  client_start (self.client);
  connect_with (self.client->engine, self.alice, "secret");
  SESSION_WAIT (client_state (self.client, self.alice) == TESS_CONNECTION_WAITING);
  tear_down (&self);
}

/* On, off, on, off, with a network that comes and goes. */
static void
test_to_and_fro (void)
{
  Fixture self = { 0 };

  set_up_with (&self, NULL);
  client_start (self.client);
  for (guint i = 0; i < 30; i++)
    {
      connect_with (self.client->engine, self.alice, "secret");
      if (i % 3 == 0)
        tess_engine_network_changed (self.client->engine, i % 2 == 0);
      if (i % 5 == 0)
        client_sync (self.client, self.alice, NULL);
      tess_engine_disconnect (self.client->engine, self.alice);
    }
  go_online (&self);
  for (guint i = 0; i < 10; i++)
    tess_engine_network_changed (self.client->engine, TRUE);
  client_sync (self.client, self.alice, self.server);
  g_assert_cmpint (client_state (self.client, self.alice), ==, TESS_CONNECTION_ONLINE);
  tear_down (&self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lifetime/wrong-password", test_wrong_password);
  g_test_add_func ("/lifetime/conflict", test_conflict);
  g_test_add_func ("/lifetime/refused-change", test_refused_change);
  g_test_add_func ("/lifetime/removal/online", test_removal);
  g_test_add_func ("/lifetime/removal/offline", test_removal_offline);
  g_test_add_func ("/lifetime/removal/twice", test_removal_twice);
  g_test_add_func ("/lifetime/removal/disconnected", test_removal_disconnected);
  g_test_add_func ("/lifetime/removal/stopped", test_removal_stopped);
  g_test_add_func ("/lifetime/two-accounts", test_two_accounts);
  for (gsize i = 0; i < G_N_ELEMENTS (silences); i++)
    g_test_add_data_func (silences[i].path, &silences[i], test_stop_opening);
  g_test_add_func ("/lifetime/stop/catching-up", test_stop_catching_up);
  g_test_add_func ("/lifetime/stop/unanswered", test_stop_unanswered);
  g_test_add_func ("/lifetime/stop/waiting", test_stop_waiting);
  g_test_add_func ("/lifetime/to-and-fro", test_to_and_fro);

  return g_test_run ();
}
