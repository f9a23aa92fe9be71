/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-fixture.h"

#include <string.h>

/* What is kept, here and on the server. */

#define FROM(peer, text)                                                                                        \
  "<message xmlns='jabber:client' from='" peer "/x' to='alice@a.test' type='chat'><body>" text "</body></message>"

/* ---- On the server ---- */

static gboolean
load_archiving (Fixture *self, TessArchiving *archiving, GError **error)
{
  Call     call = { NULL };
  gboolean loaded;

  tess_engine_load_archiving_async (self->client->engine, self->alice, NULL, client_call_cb, &call);
  CLIENT_AWAIT (call);
  loaded = tess_engine_load_archiving_finish (self->client->engine, call.result, archiving, error);
  g_object_unref (call.result);
  return loaded;
}

static gboolean
set_archiving (Fixture *self, TessArchiving archiving, GError **error)
{
  Call     call = { NULL };
  gboolean set;

  tess_engine_set_archiving_async (self->client->engine, self->alice, archiving, NULL, client_call_cb, &call);
  CLIENT_AWAIT (call);
  set = tess_engine_set_archiving_finish (self->client->engine, call.result, error);
  g_object_unref (call.result);
  return set;
}

static void
test_archiving (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  TessArchiving      archiving = TESS_ARCHIVING_EVERYTHING;

  client_start (self->client);
  g_assert_false (load_archiving (self, &archiving, &error));
  g_assert_error (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_OFFLINE);
  g_clear_error (&error);

  client_go_online (self->client, self->alice, self->server);
  g_assert_false (load_archiving (self, &archiving, &error));
  g_assert_error (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "does not let you choose"));
  g_clear_error (&error);

  session_server_set_prefs (self->server, "<prefs xmlns='urn:xmpp:mam:2' default='roster'><always><jid>bob@b.test</jid></always>"
                                          "<never><jid>eve@e.test</jid></never></prefs>");
  g_assert_true (load_archiving (self, &archiving, &error));
  g_assert_cmpint (archiving, ==, TESS_ARCHIVING_CONTACTS);
  session_server_clear (self->server);
  g_assert_true (set_archiving (self, TESS_ARCHIVING_NOTHING, &error));
  g_assert_true (session_server_has (self->server, "default='never'"));
  g_assert_true (session_server_has (self->server, "<always><jid>bob@b.test</jid></always><never><jid>eve@e.test</jid></never>"));
  g_assert_true (load_archiving (self, &archiving, &error));
  g_assert_cmpint (archiving, ==, TESS_ARCHIVING_NOTHING);
}

/* ---- Here ---- */

static void
test_clear (Fixture *self, gconstpointer data)
{
  gint64 bob;

  client_go_online (self->client, self->alice, self->server);
  fixture_say (self, FROM ("bob@b.test", "one"));
  fixture_say (self, FROM ("bob@b.test", "two"));
  fixture_say (self, FROM ("carol@c.test", "hers"));
  bob = client_open (self->client, self->alice, "bob@b.test");
  tess_engine_set_encryption (self->client->engine, bob, TESS_CONVERSATION_PLAIN);
  tess_engine_set_draft (self->client->engine, bob, "half a sen");
  tess_engine_disconnect (self->client->engine, self->alice);
  SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_OFFLINE);
  client_send (self->client, bob, "not sent yet");
  g_assert_cmpuint (client_conversation (self->client, self->alice, "bob@b.test")->unread, ==, 0);

  tess_engine_clear_history (self->client->engine, bob);
  SESSION_WAIT (self->client->gone_events == 1);
  client_sync (self->client, self->alice, NULL);
  g_assert_cmpuint (client_count (self->client, "one"), ==, 0);
  g_assert_cmpuint (client_count (self->client, "not sent yet"), ==, 1);
  g_assert_cmpuint (client_count (self->client, "hers"), ==, 1);
  g_assert_cmpstr (client_conversation (self->client, self->alice, "bob@b.test")->draft, ==, "half a sen");
  g_assert_cmpint (client_conversation (self->client, self->alice, "bob@b.test")->encryption, ==, TESS_CONVERSATION_PLAIN);

  /* It goes out all the same. */
  session_server_clear (self->server);
  client_go_online (self->client, self->alice, self->server);
  SESSION_WAIT (session_server_has (self->server, "<body>not sent yet</body>"));
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages"), ==, 2);
  g_assert_cmpint (client_number (self->client, "SELECT cleared_us > 0 FROM people WHERE address = 'bob@b.test'"), ==, 1);
}

#define DAY "86400000000"

/* In several batches; what is young, and what waits, stays. */
static void
test_forget (Fixture *self, gconstpointer data)
{
  client_start (self->client);
  client_open (self->client, self->alice, "bob@b.test");
  client_stop (self->client);
  client_exec (self->client,
               "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
               "INSERT INTO messages (account_id, conversation_id, sender, direction, state, encryption, stanza_id, text, time_us, device, "
               "receipt_wanted) SELECT c.account_id, c.id, 'bob@b.test', i = 7, i = 7, 0, 'm' || i, 'text ' || i, "
               "unixepoch () * 1000000 - (1000 - i) * " DAY " - 1000000, 0, 0 FROM n, conversations c");
  client_exec (self->client, "UPDATE conversations SET unread = (SELECT count (*) FROM messages WHERE direction = 0)");

  client_start (self->client);
  tess_engine_set_history_days (self->client->engine, 0);
  client_sync (self->client, self->alice, NULL);
  tess_engine_set_history_days (self->client->engine, 30);
  SESSION_WAIT (self->client->gone_events == 1);
  client_sync (self->client, self->alice, NULL);
  g_assert_cmpuint (client_conversation (self->client, self->alice, "bob@b.test")->unread, ==, 30);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages"), ==, 31);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages WHERE text = 'text 7'"), ==, 1);
  g_assert_cmpint (client_number (self->client, "SELECT unread FROM conversations"), ==, 30);

  /* Nothing is left to do, and nothing is told. */
  self->client->gone_events = 0;
  client_start (self->client);
  tess_engine_set_history_days (self->client->engine, 30);
  client_sync (self->client, self->alice, NULL);
  client_stop (self->client);
  g_assert_cmpuint (self->client->gone_events, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function) g_test_add ("/history/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
  ADD ("archiving", test_archiving);
  ADD ("clear", test_clear);
  ADD ("forget", test_forget);

  return g_test_run ();
}
