/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-fixture.h"

#include <string.h>

/* What is read, here and elsewhere, and who is told. */

#define NS_MDS "urn:xmpp:mds:displayed:0"
#define NS_MARKERS "urn:xmpp:chat-markers:0"

#define MESSAGE(peer, text, id)                                                                                       \
  "<message xmlns='jabber:client' from='" peer "/x' to='alice@a.test' type='chat' id='m-" id "'><body>" text "</body>" \
  "<markable xmlns='" NS_MARKERS "'/><stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='" id "'/></message>"
#define FROM_BOB(text, id) MESSAGE ("bob@b.test", text, id)

#define MDS_ITEM(peer, id)                                                          \
  "<item id='" peer "'><displayed xmlns='" NS_MDS "'><stanza-id xmlns='urn:xmpp:sid:0' id='" id "' by='alice@a.test'/>" \
  "</displayed></item>"
#define MDS_EVENT(from, peer, id)                                                                                  \
  "<message from='" from "' to='alice@a.test/r1'><event xmlns='http://jabber.org/protocol/pubsub#event'>"          \
  "<items node='" NS_MDS "'>" MDS_ITEM (peer, id) "</items></event></message>"
#define OWN_MARKER(id)                                                                                           \
  "<message xmlns='jabber:client' from='alice@a.test/other' to='bob@b.test' type='chat'><displayed xmlns='" NS_MARKERS \
  "' id='" id "'/></message>"
#define CARBON(wrapped)                                                                                             \
  "<message from='alice@a.test' to='alice@a.test/r1'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>" \
  wrapped "</forwarded></sent></message>"

static gint64
conversation_of (Fixture *self, const char *peer)
{
  return client_open (self->client, self->alice, peer);
}

static guint
unread (Fixture *self, const char *peer)
{
  const TessConversationRecord *conversation;

  client_sync (self->client, self->alice, NULL);
  conversation = client_conversation (self->client, self->alice, peer);
  g_assert_nonnull (conversation);
  return conversation->unread;
}

static void
read_here (Fixture *self, const char *text)
{
  const TessMessageRecord *message = client_find (self->client, text);

  g_assert_nonnull (message);
  tess_engine_mark_read (self->client->engine, message->conversation_id, message->time_us, message->id);
}

static void
await (Fixture *self, const char *text)
{
  SESSION_WAIT (session_server_has (self->server, text));
  client_sync (self->client, self->alice, self->server);
}

static gint64
count_untold (Fixture *self)
{
  return client_number (self->client, "SELECT count (*) FROM conversations WHERE (told_time_us, told_id) < (read_time_us, read_id)");
}

/* Ten in a moment are one marker, for them and for us, and it is told once. */
static void
test_told_once (Fixture *self, gconstpointer data)
{
  g_autofree char *marker = NULL;
  g_autofree char *publish = NULL;

  fixture_go_online (self);
  fixture_say (self, FROM_BOB ("one", "s1"));
  fixture_say (self, FROM_BOB ("two", "s2"));
  fixture_say (self, FROM_BOB ("three", "s3"));
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 3);
  read_here (self, "one");
  read_here (self, "two");
  read_here (self, "three");
  await (self, NS_MDS);
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 0);
  g_assert_cmpuint (session_server_count (self->server, NS_MARKERS), ==, 1);
  g_assert_cmpuint (session_server_count (self->server, "node='" NS_MDS "'"), ==, 1);

  marker = session_server_find (self->server, NS_MARKERS, "<message");
  g_assert_nonnull (strstr (marker, "to='bob@b.test'"));
  g_assert_nonnull (strstr (marker, "type='chat'"));
  g_assert_nonnull (strstr (marker, "id='m-s3'"));
  g_assert_nonnull (strstr (marker, "<store xmlns='urn:xmpp:hints'/>"));
  publish = session_server_find (self->server, NS_MDS, "<publish ");
  g_assert_nonnull (strstr (publish, "<item id='bob@b.test'>"));
  g_assert_nonnull (strstr (publish, "id='s3'"));
  g_assert_nonnull (strstr (publish, "by='alice@a.test'"));
  /* C6 */
  g_assert_nonnull (strstr (publish, "<field var='pubsub#access_model'><value>whitelist</value></field>"));
  g_assert_nonnull (strstr (publish, "<field var='pubsub#persist_items'><value>true</value></field>"));
  g_assert_nonnull (strstr (publish, "<field var='pubsub#max_items'><value>max</value></field>"));
  g_assert_nonnull (strstr (publish, "<field var='pubsub#send_last_published_item'><value>never</value></field>"));

  /* Another session, and what was read before: nothing to tell. */
  client_stop (self->client);
  g_assert_cmpint (count_untold (self), ==, 0);
  session_server_clear (self->server);
  client_go_online (self->client, self->alice, self->server);
  fixture_say (self, FROM_BOB ("four", "s4"));
  read_here (self, "three");
  read_here (self, "four");
  await (self, "id='m-s4'");
  g_assert_cmpuint (session_server_count (self->server, "id='m-s3'"), ==, 0);
}

/* What was read without a connection is told with the next one, by another process too. */
static void
test_told_later (Fixture *self, gconstpointer data)
{
  fixture_go_online (self);
  fixture_say (self, FROM_BOB ("one", "s1"));
  tess_engine_disconnect (self->client->engine, self->alice);
  SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_OFFLINE);
  read_here (self, "one");
  client_sync (self->client, self->alice, NULL);
  session_server_clear (self->server);
  client_stop (self->client);
  g_assert_cmpint (count_untold (self), ==, 1);

  client_start (self->client);
  connect_with (self->client->engine, self->alice, "secret");
  await (self, "id='m-s1'");
  await (self, "<publish ");
  client_stop (self->client);
  g_assert_cmpint (count_untold (self), ==, 0);
  g_assert_cmpuint (session_server_count (self->server, NS_MARKERS), ==, 1);
}

/* A cut before the server has said that it has it. */
static void
test_told_again (Fixture *self, gconstpointer data)
{
  session_server_set (self->server, SESSION_SERVER_USUAL & ~SESSION_SERVER_RESUMES);
  fixture_go_online (self);
  fixture_say (self, FROM_BOB ("one", "s1"));
  session_server_refuse (self->server, "http://jabber.org/protocol/pubsub", NULL);
  read_here (self, "one");
  await (self, "<publish ");
  session_server_clear (self->server);
  session_server_refuse (self->server, "http://jabber.org/protocol/pubsub", "feature-not-implemented");
  session_server_cut (self->server);
  await (self, "id='m-s1'");
  SESSION_WAIT (session_server_count (self->server, "<publish node='" NS_MDS "'") == 2);
  client_sync (self->client, self->alice, self->server);
  client_stop (self->client);
  g_assert_cmpint (count_untold (self), ==, 0);
}

/* Another device has read further while this one was offline: nothing older is told. */
static void
test_told_elsewhere_meanwhile (Fixture *self, gconstpointer data)
{
  fixture_go_online (self);
  fixture_say (self, FROM_BOB ("one", "s1"));
  fixture_say (self, FROM_BOB ("two", "s2"));
  tess_engine_disconnect (self->client->engine, self->alice);
  SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_OFFLINE);
  read_here (self, "one");
  session_server_set_item ("alice@a.test", NS_MDS, MDS_ITEM ("bob@b.test", "s2"));
  session_server_clear (self->server);
  client_go_online (self->client, self->alice, self->server);
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 0);
  client_stop (self->client);
  g_assert_cmpint (count_untold (self), ==, 0);
  g_assert_false (session_server_has (self->server, "id='m-s1'"));
  g_assert_false (session_server_has (self->server, "<publish node='" NS_MDS "'"));
}

/* C11: a stranger learns nothing, our own devices do. Nor does anybody when the person does not want it. */
static void
test_not_told (Fixture *self, gconstpointer data)
{
  g_autoptr (TessAccountRecord) account = NULL;
  g_autoptr (GError)            error = NULL;
  Call                          call = { NULL };

  fixture_go_online (self);
  fixture_say (self, MESSAGE ("eve@e.test", "stranger", "s1"));
  read_here (self, "stranger");
  await (self, "<item id='eve@e.test'>");
  g_assert_false (session_server_has (self->server, NS_MARKERS "' id="));

  account = tess_account_record_copy (g_hash_table_lookup (self->client->accounts, &self->alice));
  account->send_markers = FALSE;
  account->send_receipts = FALSE;
  tess_engine_update_account_async (self->client->engine, account, NULL, client_call_cb, &call);
  CLIENT_AWAIT (call);
  g_assert_true (tess_engine_update_account_finish (self->client->engine, call.result, &error));
  g_object_unref (call.result);
  fixture_say (self, "<message xmlns='jabber:client' from='bob@b.test/x' to='alice@a.test' type='chat' id='m-s2'><body>friend</body>"
             "<request xmlns='urn:xmpp:receipts'/><stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='s2'/></message>");
  read_here (self, "friend");
  await (self, "<item id='bob@b.test'>");
  g_assert_false (session_server_has (self->server, "m-s2"));
}

/* What a new device finds in the archive is no news: whoever has read it elsewhere or not, nobody is told by us. */
static void
test_new_device (Fixture *self, gconstpointer data)
{
  session_server_archive (self->server, "s1", "2020-01-01T00:00:00Z", FROM_BOB ("one", "s1"));
  client_go_online (self->client, self->alice, self->server);
  SESSION_WAIT (client_count (self->client, "one") == 1);
  client_stop (self->client);
  g_assert_cmpint (count_untold (self), ==, 0);
  g_assert_cmpint (client_number (self->client, "SELECT sum (unread) FROM conversations"), ==, 0);
  g_assert_false (session_server_has (self->server, NS_MARKERS "' id="));
}

/* A new device: the archive says how far another one has read, before the server has answered that it keeps nothing of that. */
static void
test_new_device_marked (Fixture *self, gconstpointer data)
{
  g_autofree char *line = NULL;
  g_autofree char *answer = NULL;
  g_auto (GStrv)   words = NULL;

  session_server_refuse (self->server, "http://jabber.org/protocol/pubsub", NULL);
  session_server_archive (self->server, "s1", "2020-01-01T00:00:00Z", FROM_BOB ("one", "s1"));
  session_server_archive (self->server, "s2", "2020-01-01T00:00:01Z", FROM_BOB ("two", "s2"));
  session_server_archive (self->server, "s3", "2020-01-01T00:00:02Z", OWN_MARKER ("m-s1"));
  session_server_archive (self->server, "s4", "2020-01-01T00:00:03Z", FROM_BOB ("three", "s4"));
  session_server_archive (self->server, "c1", "2020-01-01T00:00:04Z", MESSAGE ("carol@c.test", "other", "c1"));
  client_go_online (self->client, self->alice, self->server);
  SESSION_WAIT (client_count (self->client, "other") == 1);
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 0);
  line = session_server_find (self->server, "node='" NS_MDS "'", "<iq");
  words = g_strsplit (line, "'", 5); /* <iq type='get' id='…' */
  answer = g_strdup_printf ("<iq type='error' id='%s'><error type='cancel'><item-not-found "
                            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", words[3]);
  session_server_send (self->server, answer);
  client_sync (self->client, self->alice, self->server);
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 2);
  g_assert_cmpuint (unread (self, "carol@c.test"), ==, 0);
}

/* What came out of the archive is not read yet. */
static void
test_archived_not_told (Fixture *self, gconstpointer data)
{
  client_exec (self->client, "UPDATE accounts SET archive_id = ''");
  session_server_archive (self->server, "s1", "2020-01-01T00:00:00Z", FROM_BOB ("one", "s1"));
  client_go_online (self->client, self->alice, self->server);
  SESSION_WAIT (client_count (self->client, "one") == 1);
  client_stop (self->client);
  g_assert_cmpint (count_untold (self), ==, 0);
  g_assert_false (session_server_has (self->server, NS_MARKERS "' id="));
  g_assert_false (session_server_has (self->server, "<publish node='" NS_MDS "'"));

  session_server_clear (self->server);
  client_go_online (self->client, self->alice, self->server);
  read_here (self, "one");
  await (self, "id='m-s1'");
}

/* C6: a server that does not heed the options gets nothing. */
static void
test_never_public (Fixture *self, gconstpointer data)
{
  session_server_set (self->server, SESSION_SERVER_USUAL & ~SESSION_SERVER_PRIVATE);
  fixture_go_online (self);
  fixture_say (self, FROM_BOB ("one", "s1"));
  read_here (self, "one");
  await (self, "id='m-s1'");
  await (self, "urn:xmpp:ping'/></iq>");
  client_stop (self->client);
  g_assert_cmpint (count_untold (self), ==, 0);
  g_assert_false (session_server_has (self->server, "<publish node='" NS_MDS "'"));
}

static void
test_fewer_items (Fixture *self, gconstpointer data)
{
  session_server_set_most_items (self->server, 300);
  fixture_go_online (self);
  fixture_say (self, FROM_BOB ("one", "s1"));
  read_here (self, "one");
  fixture_say (self, MESSAGE ("carol@c.test", "two", "s2"));
  read_here (self, "two");
  await (self, "<value>250</value>");
  await (self, "<item id='carol@c.test'>");
  client_stop (self->client);
  g_assert_cmpint (count_untold (self), ==, 0);
  g_assert_cmpuint (session_server_count (self->server, NS_MARKERS "' id="), ==, 1);
  /* With all options, without the number, and Carol's; between the latter two the node is configured: max, 1000, 250. */
  g_assert_cmpuint (session_server_count (self->server, "<publish node='" NS_MDS "'"), ==, 3);
  g_assert_cmpuint (session_server_count (self->server, "<configure node='" NS_MDS "'"), ==, 3);
  g_assert_cmpuint (session_server_count (self->server, "whitelist"), ==, 6);
}

/* ---- Elsewhere ---- */

static void
test_event (Fixture *self, gconstpointer data)
{
  fixture_go_online (self);
  fixture_say (self, FROM_BOB ("one", "s1"));
  fixture_say (self, FROM_BOB ("two", "s2"));
  fixture_say (self, FROM_BOB ("three", "s3"));
  fixture_say (self, MESSAGE ("carol@c.test", "other", "s4"));

  /* C5: of our own node only; of this chat; of a message that is there. */
  fixture_say (self, MDS_EVENT ("bob@b.test", "bob@b.test", "s3"));
  fixture_say (self, MDS_EVENT ("alice@a.test/other", "bob@b.test", "s3"));
  fixture_say (self, MDS_EVENT ("alice@a.test", "bob@b.test", "s4"));
  fixture_say (self, MDS_EVENT ("alice@a.test", "bob@b.test", "nothing"));
  fixture_say (self, "<message from='alice@a.test' to='alice@a.test/r1'><event xmlns='http://jabber.org/protocol/pubsub#event'>"
             "<items node='" NS_MDS "'><item id='bob@b.test'><displayed xmlns='" NS_MDS "'><stanza-id xmlns='urn:xmpp:sid:0' "
             "id='s3' by='bob@b.test'/></displayed></item></items></event></message>");
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 3);
  g_assert_cmpuint (unread (self, "carol@c.test"), ==, 1);

  fixture_say (self, MDS_EVENT ("alice@a.test", "bob@b.test", "s2"));
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 1);
  fixture_say (self, MDS_EVENT ("alice@a.test", "bob@b.test", "s1"));
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 1);
  fixture_say (self, MDS_EVENT ("alice@a.test", "bob@b.test", "s3"));
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 0);

  /* Nothing of it is told again. */
  client_stop (self->client);
  g_assert_cmpint (count_untold (self), ==, 0);
  g_assert_false (session_server_has (self->server, NS_MARKERS "' id="));
}

/* The place is known before the message. */
static void
test_before_the_message (Fixture *self, gconstpointer data)
{
  session_server_set_item ("alice@a.test", NS_MDS, MDS_ITEM ("bob@b.test", "s2") MDS_ITEM ("carol@c.test", "s9"));
  session_server_archive (self->server, "s1", "2020-01-01T00:00:00Z", FROM_BOB ("one", "s1"));
  session_server_archive (self->server, "s2", "2020-01-01T00:00:01Z", FROM_BOB ("two", "s2"));
  session_server_archive (self->server, "s3", "2020-01-01T00:00:02Z", FROM_BOB ("three", "s3"));
  client_go_online (self->client, self->alice, self->server);
  SESSION_WAIT (client_count (self->client, "three") == 1);
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 1);
  fixture_say (self, MESSAGE ("carol@c.test", "late", "s9"));
  g_assert_cmpuint (unread (self, "carol@c.test"), ==, 0);
}

static void
test_own_marker (Fixture *self, gconstpointer data)
{
  fixture_go_online (self);
  fixture_say (self, FROM_BOB ("one", "s1"));
  fixture_say (self, FROM_BOB ("two", "s2"));
  fixture_say (self, MESSAGE ("carol@c.test", "other", "s4"));
  fixture_say (self, CARBON (OWN_MARKER ("m-nothing")));
  fixture_say (self, CARBON (OWN_MARKER ("m-s4")));
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 2);
  /* A copy that somebody forged (C1). */
  fixture_say (self, "<message from='bob@b.test' to='alice@a.test/r1'><sent xmlns='urn:xmpp:carbons:2'><forwarded "
             "xmlns='urn:xmpp:forward:0'>" OWN_MARKER ("m-s2") "</forwarded></sent></message>");
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 2);
  fixture_say (self, CARBON (OWN_MARKER ("m-s1")));
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 1);
  fixture_say (self, CARBON (OWN_MARKER ("m-s2")));
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 0);
  g_assert_cmpuint (unread (self, "carol@c.test"), ==, 1);
}

/* In the archive: behind the message, and before it, where a page begins with the marker. */
static void
test_own_marker_archived (Fixture *self, gconstpointer data)
{
  client_exec (self->client, "UPDATE accounts SET archive_id = ''");
  session_server_set_pages (self->server, 2, 0);
  session_server_archive (self->server, "s1", "2020-01-01T00:00:00Z", FROM_BOB ("one", "s1"));
  session_server_archive (self->server, "s2", "2020-01-01T00:00:01Z", FROM_BOB ("two", "s2"));
  session_server_archive (self->server, "s3", "2020-01-01T00:00:02Z", OWN_MARKER ("m-s1"));
  session_server_archive (self->server, "s4", "2020-01-01T00:00:03Z", FROM_BOB ("three", "s4"));
  client_start (self->client);
  connect_with (self->client->engine, self->alice, "secret");
  SESSION_WAIT (client_count (self->client, "three") == 1);
  g_assert_cmpuint (unread (self, "bob@b.test"), ==, 2);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT unread FROM conversations"), ==, 2);
  g_assert_cmpint (count_untold (self), ==, 0);
}

/* One marker is for all before it, and only from whom they were for (C11). */
static void
test_their_marker (Fixture *self, gconstpointer data)
{
  gint64                    bob;
  gint64                    ids[3];
  g_autofree char          *stanza_id = NULL;
  g_autofree char          *marker = NULL;
  g_autofree char          *forged = NULL;

  fixture_go_online (self);
  bob = conversation_of (self, "bob@b.test");
  tess_engine_set_encryption (self->client->engine, bob, TESS_CONVERSATION_PLAIN);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *text = g_strdup_printf ("own %u", i);

      ids[i] = client_send (self->client, bob, text);
      SESSION_WAIT (client_message_state (self->client, ids[i]) == TESS_MESSAGE_SENT);
    }
  stanza_id = g_strdup (((TessMessageRecord *) g_hash_table_lookup (self->client->messages, &ids[1]))->stanza_id);
  forged = g_strdup_printf ("<message from='eve@e.test/x' to='alice@a.test/r1' type='chat'><displayed xmlns='" NS_MARKERS
                            "' id='%s'/></message>", stanza_id);
  fixture_say (self, forged);
  g_assert_cmpint (client_message_state (self->client, ids[1]), ==, TESS_MESSAGE_SENT);
  marker = g_strdup_printf ("<message from='bob@b.test/x' to='alice@a.test/r1' type='chat'><displayed xmlns='" NS_MARKERS
                            "' id='%s'/></message>", stanza_id);
  fixture_say (self, marker);
  g_assert_cmpint (client_message_state (self->client, ids[0]), ==, TESS_MESSAGE_READ);
  g_assert_cmpint (client_message_state (self->client, ids[1]), ==, TESS_MESSAGE_READ);
  g_assert_cmpint (client_message_state (self->client, ids[2]), ==, TESS_MESSAGE_SENT);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function) g_test_add ("/reading/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
  ADD ("told-once", test_told_once);
  ADD ("told-later", test_told_later);
  ADD ("told-again", test_told_again);
  ADD ("told-elsewhere-meanwhile", test_told_elsewhere_meanwhile);
  ADD ("not-told", test_not_told);
  ADD ("archived-not-told", test_archived_not_told);
  ADD ("new-device", test_new_device);
  ADD ("new-device-marked", test_new_device_marked);
  ADD ("never-public", test_never_public);
  ADD ("fewer-items", test_fewer_items);
  ADD ("event", test_event);
  ADD ("before-the-message", test_before_the_message);
  ADD ("own-marker", test_own_marker);
  ADD ("own-marker-archived", test_own_marker_archived);
  ADD ("their-marker", test_their_marker);

  return g_test_run ();
}
