/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-fixture.h"

#include <string.h>

/* A real engine against a server that does what no good server does: who may say what (reference/attacks.md, C and D). */

static gint64
messages (Fixture *self)
{
  return g_hash_table_size (self->client->messages);
}

static void
test_message (Fixture *self, gconstpointer data)
{
  const TessMessageRecord *message;

  fixture_go_online (self);
  fixture_say (self, "<message from='bob@b.test/x' to='alice@a.test' type='chat' id='m1'><body>hello</body>"
             "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='s1'/><request xmlns='urn:xmpp:receipts'/></message>");
  message = client_find (self->client, "hello");
  g_assert_nonnull (message);
  g_assert_cmpstr (message->peer, ==, "bob@b.test");
  g_assert_cmpstr (message->archive_id, ==, "s1");
  g_assert_cmpuint (self->client->live, ==, 1);
  g_assert_cmpuint (session_server_count (self->server, "<received xmlns='urn:xmpp:receipts' id='m1'/>"), ==, 1);
  g_assert_cmpuint (client_conversation (self->client, self->alice, "bob@b.test")->unread, ==, 1);
}

/* C1 */
static void
test_carbon (Fixture *self, gconstpointer data)
{
#define CARBON(outer, kind, from, to, text)                                                                  \
  "<message from='" outer "' to='alice@a.test/r1'><" kind " xmlns='urn:xmpp:carbons:2'>"                     \
  "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' type='chat' from='" from "' to='" to \
  "'><body>" text "</body></message></forwarded></" kind "></message>"
  fixture_go_online (self);
  fixture_say (self, CARBON ("eve@e.test", "received", "bob@b.test/x", "alice@a.test/r2", "forged 1"));
  fixture_say (self, CARBON ("eve@e.test/alice@a.test", "sent", "alice@a.test/r2", "bob@b.test", "forged 2"));
  fixture_say (self, CARBON ("alice@a.test/r2", "sent", "alice@a.test/r2", "bob@b.test", "forged 3"));
  fixture_say (self, CARBON ("a.test", "sent", "alice@a.test/r2", "bob@b.test", "forged 4"));
  fixture_say (self, CARBON ("alice@a.test", "sent", "eve@e.test/r2", "bob@b.test", "forged 5"));
  fixture_say (self, CARBON ("alice@a.test", "received", "bob@b.test/x", "eve@e.test", "forged 6"));
  g_assert_cmpint (messages (self), ==, 0);

  fixture_say (self, CARBON ("alice@a.test", "received", "bob@b.test/x", "alice@a.test/r2", "copy in"));
  fixture_say (self, CARBON ("alice@a.test", "sent", "alice@a.test/r2", "bob@b.test", "copy out"));
  g_assert_cmpint (client_find (self->client, "copy in")->direction, ==, TESS_MESSAGE_IN);
  g_assert_cmpint (client_find (self->client, "copy out")->direction, ==, TESS_MESSAGE_OUT);
  g_assert_cmpint (client_find (self->client, "copy out")->state, ==, TESS_MESSAGE_SENT);
  /* Not a word to anybody about a copy. */
  g_assert_false (session_server_has (self->server, "urn:xmpp:receipts"));
}

/* C2 */
static void
test_archive_unasked (Fixture *self, gconstpointer data)
{
#define RESULT(outer, query, id, text)                                                                                    \
  "<message from='" outer "' to='alice@a.test/r1'><result xmlns='urn:xmpp:mam:2' queryid='" query "' id='" id "'>"        \
  "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>"                    \
  "<message xmlns='jabber:client' type='chat' from='bob@b.test/x' to='alice@a.test'><body>" text "</body></message>"      \
  "</forwarded></result></message>"
  g_autofree char *line = NULL;
  g_autofree char *query = NULL;
  g_autofree char *stolen = NULL;
  g_autofree char *id = NULL;
  g_autofree char *end = NULL;

  /* While a query is open, only the own archive answers it. */
  session_server_refuse (self->server, "urn:xmpp:mam:2", NULL);
  client_go_online (self->client, self->alice, self->server);
  line = session_server_find (self->server, "urn:xmpp:mam:2", "queryid='");
  query = g_strndup (strstr (line, "queryid='") + 9, strcspn (strstr (line, "queryid='") + 9, "'"));
  stolen = g_strdup_printf (RESULT ("eve@e.test", "%s", "x1", "forged 1"), query);
  fixture_say (self, stolen);
  fixture_say (self, RESULT ("alice@a.test", "unasked", "x2", "forged 2"));
  fixture_say (self, RESULT ("alice@a.test", "", "x3", "forged 3"));
  g_assert_cmpint (messages (self), ==, 0);

  g_free (stolen);
  stolen = g_strdup_printf (RESULT ("alice@a.test", "%s", "x1", "archived"), query);
  fixture_say (self, stolen);
  id = g_strndup (strstr (line, " id='") + 5, strcspn (strstr (line, " id='") + 5, "'"));
  end = g_strdup_printf ("<iq type='result' id='%s' from='alice@a.test'><fin xmlns='urn:xmpp:mam:2' complete='true'/></iq>", id);
  fixture_say (self, end);
  g_assert_cmpint (messages (self), ==, 1);
  g_assert_cmpuint (self->client->live, ==, 0);
}

/* C3 */
static void
test_roster_push (Fixture *self, gconstpointer data)
{
#define PUSH(from, item) "<iq type='set' id='p1'" from "><query xmlns='jabber:iq:roster'>" item "</query></iq>"
  fixture_go_online (self);
  g_assert_true (client_contact (self->client, self->alice, "bob@b.test")->in_roster);
  fixture_say (self, PUSH (" from='eve@e.test'", "<item jid='eve@e.test' subscription='both'/>"));
  fixture_say (self, PUSH (" from='a.test'", "<item jid='bob@b.test' subscription='remove'/>"));
  fixture_say (self, PUSH (" from='alice@a.test/r2'", "<item jid='bob@b.test' subscription='remove'/>"));
  g_assert_null (client_contact (self->client, self->alice, "eve@e.test"));
  g_assert_nonnull (client_contact (self->client, self->alice, "bob@b.test"));
  g_assert_cmpuint (session_server_count (self->server, "service-unavailable"), ==, 3);

  fixture_say (self, PUSH ("", "<item jid='dan@d.test' subscription='to'/>"));
  fixture_say (self, PUSH (" from='alice@a.test'", "<item jid='bob@b.test' subscription='remove'/>"));
  g_assert_cmpint (client_contact (self->client, self->alice, "dan@d.test")->subscription, ==, TESS_SUBSCRIPTION_TO);
  g_assert_null (client_contact (self->client, self->alice, "bob@b.test"));
}

/* C11: what is said of our messages counts from their recipient only. */
static void
test_progress (Fixture *self, gconstpointer data)
{
  gint64                   conversation;
  gint64                   id;
  const TessMessageRecord *message;
  g_autofree char         *stanza_id = NULL;
  g_autofree char         *xml = NULL;

#define ABOUT(format)                                    \
  G_STMT_START                                           \
  {                                                      \
    g_free (xml);                                        \
    xml = g_strdup_printf (format, stanza_id);           \
    fixture_say (self, xml);                                     \
  }                                                      \
  G_STMT_END

  fixture_go_online (self);
  conversation = client_open (self->client, self->alice, "bob@b.test");
  tess_engine_set_encryption (self->client->engine, conversation, TESS_CONVERSATION_PLAIN);
  id = client_send (self->client, conversation, "mine");
  SESSION_WAIT (client_message_state (self->client, id) == TESS_MESSAGE_SENT);
  message = client_find (self->client, "mine");
  stanza_id = g_strdup (message->stanza_id);

  ABOUT ("<message from='eve@e.test/x'><received xmlns='urn:xmpp:receipts' id='%s'/></message>");
  ABOUT ("<message from='eve@e.test/x'><displayed xmlns='urn:xmpp:chat-markers:0' id='%s'/></message>");
  ABOUT ("<message from='eve@e.test' type='error' id='%s'><error type='cancel'><forbidden "
         "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
  ABOUT ("<message from='a.test' type='error' id='%s'><error type='cancel'><forbidden "
         "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
  g_assert_cmpint (client_message_state (self->client, id), ==, TESS_MESSAGE_SENT);

  ABOUT ("<message from='bob@b.test/x'><received xmlns='urn:xmpp:receipts' id='%s'/></message>");
  g_assert_cmpint (client_message_state (self->client, id), ==, TESS_MESSAGE_DELIVERED);
  ABOUT ("<message from='bob@b.test/y'><displayed xmlns='urn:xmpp:chat-markers:0' id='%s'/></message>");
  g_assert_cmpint (client_message_state (self->client, id), ==, TESS_MESSAGE_READ);
  /* What was read has arrived. */
  ABOUT ("<message from='bob@b.test' type='error' id='%s'><error type='cancel'><forbidden "
         "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
  ABOUT ("<message from='bob@b.test/x'><received xmlns='urn:xmpp:receipts' id='%s'/></message>");
  g_assert_cmpint (client_message_state (self->client, id), ==, TESS_MESSAGE_READ);
}

/* C11: nothing is said to strangers, nor about what comes out of the archive. */
static void
test_no_receipts (Fixture *self, gconstpointer data)
{
  session_server_archive (self->server, "a1", "2020-01-01T00:00:00Z",
                          "<message xmlns='jabber:client' type='chat' from='bob@b.test/x' to='alice@a.test' id='m1'>"
                          "<body>old</body><request xmlns='urn:xmpp:receipts'/></message>");
  client_go_online (self->client, self->alice, self->server);
  g_assert_cmpuint (client_count (self->client, "old"), ==, 1);
  fixture_say (self, "<message from='eve@e.test/x' type='chat' id='m2'><body>who are you</body>"
             "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>");
  g_assert_cmpuint (client_count (self->client, "who are you"), ==, 1);
  g_assert_null (session_server_find (self->server, "<message", "receipts"));
  g_assert_null (session_server_find (self->server, "<message", "eve@e.test"));
  /* Nor is one who only comes near asked what they can: our presence would answer. */
  fixture_say (self, "<presence from='eve@e.test/x'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' "
             "ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>");
  g_assert_null (session_server_find (self->server, "<iq", "eve@e.test"));
}

/* C7 */
static void
test_stanza_ids (Fixture *self, gconstpointer data)
{
#define STAMPED(text, stamps) "<message from='bob@b.test/x' type='chat'><body>" text "</body>" stamps "</message>"
#define STAMP(by, id) "<stanza-id xmlns='urn:xmpp:sid:0' by='" by "' id='" id "'/>"
  fixture_go_online (self);
  fixture_say (self, STAMPED ("one", STAMP ("alice@a.test", "s1")));
  fixture_say (self, STAMPED ("two", STAMP ("bob@b.test", "s1")));
  fixture_say (self, STAMPED ("three", STAMP ("alice@a.test/r1", "s1")));
  fixture_say (self, STAMPED ("four", STAMP ("alice@a.test", "s4") STAMP ("alice@a.test", "s1")));
  fixture_say (self, STAMPED ("five", STAMP ("a.test", "s1") "<origin-id xmlns='urn:xmpp:sid:0' id='s1'/>"));
  g_assert_cmpint (messages (self), ==, 5);
  g_assert_null (client_find (self->client, "two")->archive_id);
  g_assert_null (client_find (self->client, "three")->archive_id);
  g_assert_null (client_find (self->client, "four")->archive_id);
  g_assert_null (client_find (self->client, "five")->archive_id);
  /* The same once more is the same. */
  fixture_say (self, STAMPED ("one", STAMP ("alice@a.test", "s1")));
  g_assert_cmpint (messages (self), ==, 5);
}

/* C7: a server that does not say that it stamps does not take forged stamps off either. */
static void
test_stanza_ids_unannounced (Fixture *self, gconstpointer data)
{
  session_server_set (self->server, SESSION_SERVER_MANAGEMENT | SESSION_SERVER_ACKS);
  fixture_go_online (self);
  fixture_say (self, STAMPED ("one", STAMP ("alice@a.test", "s1")));
  fixture_say (self, STAMPED ("two", STAMP ("alice@a.test", "s1")));
  g_assert_cmpint (messages (self), ==, 2);
  g_assert_null (client_find (self->client, "one")->archive_id);
}

/* C14 */
static void
test_delays (Fixture *self, gconstpointer data)
{
#define DELAYED(text, from, stamp)                                                                          \
  "<message from='bob@b.test/x' type='chat'><body>" text "</body><delay xmlns='urn:xmpp:delay'" from " stamp='" stamp \
  "'/></message>"
  gint64 before = g_get_real_time ();

  fixture_go_online (self);
  fixture_say (self, DELAYED ("none", "", "2001-01-01T00:00:00Z"));
  fixture_say (self, DELAYED ("bob", " from='bob@b.test'", "2001-01-01T00:00:00Z"));
  fixture_say (self, DELAYED ("far", " from='a.test'", "9999-01-01T00:00:00Z"));
  g_assert_cmpint (client_find (self->client, "none")->time_us, >=, before);
  g_assert_cmpint (client_find (self->client, "bob")->time_us, >=, before);
  g_assert_cmpint (client_find (self->client, "far")->time_us, <=, g_get_real_time ());
  /* Our server kept it, or Bob says so: it is not put above what was there before it came. */
  fixture_say (self, DELAYED ("server", " from='a.test'", "2020-01-01T00:00:00Z"));
  g_assert_cmpint (client_find (self->client, "server")->time_us, ==, client_find (self->client, "far")->time_us + 1);
}

/* C14: what was kept while nobody was here comes in its order, with its times; an older one cannot follow. */
static void
test_kept (Fixture *self, gconstpointer data)
{
#define KEPT(from, text, stamp) \
  "<message from='" from "' type='chat'><body>" text "</body><delay xmlns='urn:xmpp:delay' from='a.test' stamp='" stamp "'/></message>"
  gint64 at_one = G_GINT64_CONSTANT (1577840400000000);

  fixture_go_online (self);
  fixture_say (self, KEPT ("bob@b.test/x", "at one", "2020-01-01T01:00:00Z"));
  fixture_say (self, KEPT ("carol@c.test/x", "at two", "2020-01-01T02:00:00Z"));
  g_assert_cmpint (client_find (self->client, "at one")->time_us, ==, at_one);
  g_assert_cmpint (client_find (self->client, "at two")->time_us, ==, at_one + G_TIME_SPAN_HOUR);
  fixture_say (self, KEPT ("bob@b.test/x", "older than Carol's", "2020-01-01T01:30:00Z"));
  g_assert_cmpint (client_find (self->client, "older than Carol's")->time_us, ==, at_one + G_TIME_SPAN_HOUR);
  fixture_say (self, KEPT ("eve@e.test/x", "older than all", "1999-01-01T00:00:00Z"));
  g_assert_cmpint (client_find (self->client, "older than all")->time_us, ==, at_one + G_TIME_SPAN_HOUR);
  fixture_say (self, KEPT ("bob@b.test/x", "at three", "2020-01-01T03:00:00Z"));
  g_assert_cmpint (client_find (self->client, "at three")->time_us, ==, at_one + 2 * G_TIME_SPAN_HOUR);
}

/* Of people whom nobody knows nothing is told and nothing is kept but what they wrote. */
static void
test_strangers (Fixture *self, gconstpointer data)
{
  guint contact_events;

  fixture_go_online (self);
  contact_events = self->client->contact_events;
  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *presence = g_strdup_printf ("<presence from='e%u@e.test/x'><status>hi</status></presence>", i);
      g_autofree char *typing = g_strdup_printf (
        "<message from='e%u@e.test/x' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>", i);
      g_autofree char *devices = g_strdup_printf (
        "<message from='e%u@e.test' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'>"
        "<items node='eu.siacs.conversations.axolotl.devicelist'><item id='current'>"
        "<list xmlns='eu.siacs.conversations.axolotl'><device id='%u'/></list></item></items></event></message>", i, i + 1);

      session_server_send (self->server, presence);
      session_server_send (self->server, typing);
      session_server_send (self->server, devices);
    }
  fixture_say (self, "<presence from='bob@b.test/x'/>");
  g_assert_cmpuint (self->client->contact_events, ==, contact_events + 1);
  g_assert_cmpuint (self->client->chat_states, ==, 0);
  g_assert_cmpint (messages (self), ==, 0);
  g_assert_cmpuint (g_hash_table_size (self->client->conversations), ==, 0);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM omemo_devices WHERE address <> 'alice@a.test'"), ==, 0);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM contacts"), ==, 1);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM conversations"), ==, 0);
}

static void
change (Fixture *self, const char *address, TessContactAction action)
{
  g_autoptr (GError) error = NULL;
  Call               call = { NULL };

  tess_engine_change_contact_async (self->client->engine, self->alice, address, action, NULL, NULL, client_call_cb, &call);
  CLIENT_AWAIT (call);
  tess_engine_change_contact_finish (self->client->engine, call.result, &error);
  g_assert_no_error (error);
  g_object_unref (call.result);
}

static void
test_requests (Fixture *self, gconstpointer data)
{
  fixture_go_online (self);
  fixture_say (self, "<presence type='subscribe' from='dan@d.test/x'/><presence type='subscribe' from='eve@e.test'/>"
             "<presence type='subscribe' from='fay@f.test'/>");
  g_assert_true (client_contact (self->client, self->alice, "dan@d.test")->asks);
  g_assert_true (client_contact (self->client, self->alice, "eve@e.test")->asks);
  g_assert_false (session_server_has (self->server, "<presence"));

  /* It outlives the program. */
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM contacts WHERE asks"), ==, 3);
  g_hash_table_remove_all (self->client->contacts);
  fixture_go_online (self);
  g_assert_true (client_contact (self->client, self->alice, "dan@d.test")->asks);

  change (self, "dan@d.test", TESS_CONTACT_ACCEPT);
  SESSION_WAIT (session_server_has (self->server, "type='subscribe' to='dan@d.test'"));
  g_assert_true (session_server_has (self->server, "type='subscribed' to='dan@d.test'"));
  change (self, "eve@e.test", TESS_CONTACT_REFUSE);
  SESSION_WAIT (session_server_has (self->server, "type='unsubscribed' to='eve@e.test'"));
  client_sync (self->client, self->alice, self->server);
  g_assert_null (client_contact (self->client, self->alice, "eve@e.test"));
  fixture_say (self, "<presence type='unsubscribe' from='fay@f.test'/>");
  g_assert_null (client_contact (self->client, self->alice, "fay@f.test"));
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM contacts WHERE asks"), ==, 0);
}

static void
test_request_flood (Fixture *self, gconstpointer data)
{
  GHashTableIter iter;
  gpointer       contact;
  guint          asking = 0;

  fixture_go_online (self);
  for (guint i = 0; i < 600; i++)
    {
      g_autofree char *xml = g_strdup_printf ("<presence type='subscribe' from='e%u@e.test'/>", i);

      session_server_send (self->server, xml);
    }
  fixture_say (self, "");
  g_hash_table_iter_init (&iter, self->client->contacts);
  while (g_hash_table_iter_next (&iter, NULL, &contact))
    asking += ((TessContactRecord *) contact)->asks;
  g_assert_cmpuint (asking, ==, 500);
}

/* A server that spoils each session as soon as it is there is not asked once a second for ever. */
static void
test_pauses (Fixture *self, gconstpointer data)
{
  gint64 longest_us = 0;

  fixture_go_online (self);
  for (guint i = 0; i < 3; i++)
    {
      const TessConnection *connection;

      SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_ONLINE);
      session_server_send (self->server, "<!-- no comments -->");
      SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_WAITING);
      connection = g_hash_table_lookup (self->client->connections, &self->alice);
      longest_us = MAX (longest_us, connection->retry_us - g_get_real_time ());
    }
  g_assert_cmpint (longest_us, >, G_USEC_PER_SEC); /* the first is planned for one second, the third for four */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/session/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
  ADD ("message", test_message);
  ADD ("carbons", test_carbon);
  ADD ("archive-unasked", test_archive_unasked);
  ADD ("roster-push", test_roster_push);
  ADD ("progress", test_progress);
  ADD ("no-receipts", test_no_receipts);
  ADD ("stanza-ids", test_stanza_ids);
  ADD ("stanza-ids-unannounced", test_stanza_ids_unannounced);
  ADD ("delays", test_delays);
  ADD ("kept", test_kept);
  ADD ("strangers", test_strangers);
  ADD ("requests", test_requests);
  ADD ("request-flood", test_request_flood);
  ADD ("pauses", test_pauses);

  return g_test_run ();
}
