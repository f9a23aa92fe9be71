/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-fixture.h"

#include "base/tess-time.h"

#include <string.h>

/* Nothing is lost and nothing is there twice, whatever breaks: the database, the stream, the archive. */

static void
wait_online_again (Fixture *self, guint connections)
{
  SESSION_WAIT (session_server_connections (self->server) >= connections);
  SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_ONLINE);
  client_sync (self->client, self->alice, self->server);
}

#define FROM_BOB(text, id)                                                                             \
  "<message xmlns='jabber:client' from='bob@b.test/x' to='alice@a.test' type='chat'><body>" text "</body>" \
  "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='" id "'/></message>"

/* The database refuses what says "poison" until a draft says "healed". */
static void
poison (Fixture *self)
{
  client_exec (self->client, "CREATE TRIGGER poison BEFORE INSERT ON messages WHEN NEW.text = 'poison' AND NOT EXISTS "
                             "(SELECT 1 FROM conversations WHERE draft = 'healed') BEGIN SELECT raise (ABORT, 'no room'); END");
}

static void
cure (Fixture *self)
{
  tess_engine_set_draft (self->client->engine, client_open (self->client, self->alice, "bob@b.test"), "healed");
}

/* What was not stored is not acknowledged, and comes again. */
static void
test_refused_live (Fixture *self, gconstpointer data)
{
  poison (self);
  fixture_go_online (self);
  fixture_say (self, FROM_BOB ("before", "s1"));
  session_server_send (self->server, FROM_BOB ("poison", "s2"));
  session_server_send (self->server, FROM_BOB ("after", "s3"));
  SESSION_WAIT (client_state (self->client, self->alice) != TESS_CONNECTION_ONLINE);
  g_assert_cmpuint (self->client->problems->len, ==, 1);
  g_assert_cmpuint (client_count (self->client, "after"), ==, 0);
  cure (self);
  wait_online_again (self, 2);
  SESSION_WAIT (client_count (self->client, "after") == 1);
  g_assert_cmpuint (client_count (self->client, "poison"), ==, 1);
  g_assert_cmpuint (client_count (self->client, "before"), ==, 1);
}

/* The same when the message would fit and the place in the archive does not. */
static void
test_refused_place (Fixture *self, gconstpointer data)
{
  client_exec (self->client, "CREATE TRIGGER poison BEFORE UPDATE ON accounts WHEN NEW.archive_id = 's2' AND NOT EXISTS "
                             "(SELECT 1 FROM conversations WHERE draft = 'healed') BEGIN SELECT raise (ABORT, 'no room'); END");
  fixture_go_online (self);
  session_server_archive (self->server, "s1", "2020-01-01T00:00:00Z", FROM_BOB ("before", "s1"));
  session_server_archive (self->server, "s2", "2020-01-01T00:00:01Z", FROM_BOB ("poison", "s2"));
  session_server_archive (self->server, "s3", "2020-01-01T00:00:02Z", FROM_BOB ("after", "s3"));
  session_server_set (self->server, SESSION_SERVER_USUAL & ~SESSION_SERVER_RESUMES);
  fixture_say (self, FROM_BOB ("before", "s1"));
  session_server_send (self->server, FROM_BOB ("poison", "s2"));
  SESSION_WAIT (client_state (self->client, self->alice) != TESS_CONNECTION_ONLINE);
  cure (self);
  SESSION_WAIT (client_count (self->client, "after") == 1);
  g_assert_cmpuint (client_count (self->client, "poison"), ==, 1);
}

/* The same without a session to resume: the archive is asked from what is stored. */
static void
test_refused_live_new_session (Fixture *self, gconstpointer data)
{
  poison (self);
  fixture_go_online (self);
  session_server_archive (self->server, "s1", "2020-01-01T00:00:00Z", FROM_BOB ("before", "s1"));
  session_server_archive (self->server, "s2", "2020-01-01T00:00:01Z", FROM_BOB ("poison", "s2"));
  session_server_archive (self->server, "s3", "2020-01-01T00:00:02Z", FROM_BOB ("after", "s3"));
  session_server_set (self->server, SESSION_SERVER_USUAL & ~SESSION_SERVER_RESUMES);
  fixture_say (self, FROM_BOB ("before", "s1"));
  session_server_send (self->server, FROM_BOB ("poison", "s2"));
  SESSION_WAIT (client_state (self->client, self->alice) != TESS_CONNECTION_ONLINE);
  cure (self);
  SESSION_WAIT (client_count (self->client, "after") == 1);
  g_assert_cmpuint (client_count (self->client, "poison"), ==, 1);
  g_assert_cmpuint (client_count (self->client, "before"), ==, 1);
}

static void
test_refused_archive (Fixture *self, gconstpointer data)
{
  poison (self);
  session_server_set (self->server, SESSION_SERVER_USUAL & ~SESSION_SERVER_RESUMES);
  session_server_archive (self->server, "s1", "2020-01-01T00:00:00Z", FROM_BOB ("before", "s1"));
  session_server_archive (self->server, "s2", "2020-01-01T00:00:01Z", FROM_BOB ("poison", "s2"));
  session_server_archive (self->server, "s3", "2020-01-01T00:00:02Z", FROM_BOB ("after", "s3"));
  client_start (self->client);
  connect_with (self->client->engine, self->alice, "secret");
  SESSION_WAIT (self->client->problems->len > 0);
  cure (self);
  SESSION_WAIT (client_count (self->client, "after") == 1);
  g_assert_cmpuint (client_count (self->client, "poison"), ==, 1);
  g_assert_cmpuint (client_count (self->client, "before"), ==, 1);
}

/* Who asks to see us, and could not be stored, is stored when the session brings it again. */
static void
test_refused_request (Fixture *self, gconstpointer data)
{
  client_exec (self->client, "CREATE TRIGGER poison BEFORE INSERT ON contacts WHEN NEW.address = 'dan@d.test' AND NOT EXISTS "
                             "(SELECT 1 FROM conversations WHERE draft = 'healed') BEGIN SELECT raise (ABORT, 'no room'); END");
  fixture_go_online (self);
  session_server_send (self->server, "<presence from='dan@d.test' type='subscribe'/>");
  SESSION_WAIT (client_state (self->client, self->alice) != TESS_CONNECTION_ONLINE);
  cure (self);
  SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_ONLINE);
  client_sync (self->client, self->alice, self->server);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM contacts WHERE address = 'dan@d.test' AND asks"), ==, 1);
}

/* A version of the roster is not kept without what it stands for. */
static void
test_refused_roster (Fixture *self, gconstpointer data)
{
  client_exec (self->client, "CREATE TRIGGER poison BEFORE INSERT ON contacts WHEN NEW.address = 'dan@d.test' "
                             "BEGIN SELECT raise (ABORT, 'no room'); END");
  fixture_go_online (self);
  session_server_send (self->server, "<iq type='set' id='p1'><query xmlns='jabber:iq:roster' ver='7'>"
                                     "<item jid='dan@d.test' subscription='both'/></query></iq>");
  SESSION_WAIT (client_state (self->client, self->alice) != TESS_CONNECTION_ONLINE);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT roster_version IS '7' FROM accounts"), ==, 0);

  /* Nor of a whole one; the others of it are kept out with it, and asked for again. */
  session_server_set_roster (self->server, "<item jid='bob@b.test' subscription='both' name='Robert'/>"
                                           "<item jid='dan@d.test' subscription='both'/>");
  client_start (self->client);
  connect_with (self->client->engine, self->alice, "secret");
  SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_WAITING);
  client_stop (self->client);
  client_exec (self->client, "DROP TRIGGER poison");
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM contacts WHERE name = 'Bob'"), ==, 1);
  g_hash_table_remove_all (self->client->contacts);
  fixture_go_online (self);
  SESSION_WAIT (client_contact (self->client, self->alice, "dan@d.test") != NULL);
  g_assert_cmpstr (client_contact (self->client, self->alice, "bob@b.test")->name, ==, "Robert");
}

/* A disk that stays full: one sentence, not one a second, and no storm of logins. */
static void
test_refused_for_long (Fixture *self, gconstpointer data)
{
  poison (self);
  fixture_go_online (self);
  session_server_send (self->server, FROM_BOB ("poison", "s2"));
  SESSION_WAIT (session_server_connections (self->server) == 4);
  SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_WAITING);
  g_assert_cmpuint (self->client->problems->len, ==, 1);
}

#define ITEM(number) FROM_BOB ("text " number, "a" number)

static void
fill_archive (Fixture *self)
{
  static const char *const xml[] = { ITEM ("1"), ITEM ("2"), ITEM ("3"), ITEM ("4"), ITEM ("5"), ITEM ("6"), ITEM ("7") };

  for (guint i = 0; i < G_N_ELEMENTS (xml); i++)
    {
      g_autofree char *id = g_strdup_printf ("a%u", i + 1);
      g_autofree char *stamp = g_strdup_printf ("2020-01-01T00:00:%02uZ", i);

      session_server_archive (self->server, id, stamp, xml[i]);
    }
}

static void
assert_all_once (Fixture *self)
{
  for (guint i = 1; i <= 7; i++)
    {
      g_autofree char *text = g_strdup_printf ("text %u", i);

      g_assert_cmpuint (client_count (self->client, text), ==, 1);
    }
}

/* Pages, a cut within one, and what comes live meanwhile moves no place in the archive. */
static void
test_pages (Fixture *self, gconstpointer data)
{
  client_exec (self->client, "UPDATE accounts SET archive_id = ''");
  session_server_set (self->server, SESSION_SERVER_USUAL & ~SESSION_SERVER_RESUMES);
  session_server_set_pages (self->server, 2, 2);
  fill_archive (self);
  client_start (self->client);
  connect_with (self->client->engine, self->alice, "secret");
  SESSION_WAIT (g_hash_table_size (self->client->messages) == 7);
  assert_all_once (self);
  g_assert_cmpuint (session_server_connections (self->server), ==, 2);
  g_assert_cmpuint (self->client->live, ==, 7);

  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT archive_id = 'a7' FROM accounts"), ==, 1);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages"), ==, 7);
}

/* A page may be a hundred of the largest messages that somebody could write: what is gathered of it has an end, and is stored then, not
 * only with the page. */
static void
test_large_page (Fixture *self, gconstpointer data)
{
  g_autofree char *space = g_strnfill (4000, 'n');
  g_autofree char *many = g_strnfill (700, 'x');
  g_auto (GStrv)   pieces = g_strsplit (many, "x", -1);
  g_autofree char *elements = g_strjoinv ("<p:a/>", pieces); /* few on the wire, where a name stands for 4,000 characters */

  client_exec (self->client, "UPDATE accounts SET archive_id = ''");
  session_server_set (self->server, SESSION_SERVER_USUAL & ~SESSION_SERVER_RESUMES);
  session_server_set_pages (self->server, 100, 1);
  for (guint i = 1; i <= 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("a%u", i);
      g_autofree char *xml = g_strdup_printf ("<message xmlns='jabber:client' from='bob@a.test/r1' to='alice@a.test' type='chat'>"
                                              "<body>text %u</body><z xmlns:p='%s'>%s</z></message>", i, space, elements);

      session_server_archive (self->server, id, "2020-01-01T00:00:00Z", xml);
    }
  client_start (self->client);
  connect_with (self->client->engine, self->alice, "secret");
  SESSION_WAIT (g_hash_table_size (self->client->messages) == 3);
  g_assert_cmpuint (self->client->live, ==, 3);
}

/* The archive has let go of our place. */
static void
test_lost_place (Fixture *self, gconstpointer data)
{
  fill_archive (self);
  fixture_go_online (self);
  assert_all_once (self);
  client_stop (self->client);
  client_exec (self->client, "UPDATE accounts SET archive_id = 'gone'");
  session_server_archive (self->server, "a8", "2020-01-01T00:01:00Z", ITEM ("8"));
  session_server_set_pages (self->server, 3, 0);
  g_hash_table_remove_all (self->client->messages);
  client_start (self->client);
  connect_with (self->client->engine, self->alice, "secret");
  SESSION_WAIT (session_server_has (self->server, "<before>a3</before>"));
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages"), ==, 8);
}

/* D7 for plain text: live, then from the archive. */
static void
test_live_then_archived (Fixture *self, gconstpointer data)
{
  fixture_go_online (self);
  fixture_say (self, FROM_BOB ("text 1", "a1"));
  client_stop (self->client);
  client_exec (self->client, "UPDATE accounts SET archive_id = ''");
  fill_archive (self);
  client_start (self->client);
  connect_with (self->client->engine, self->alice, "secret");
  SESSION_WAIT (g_hash_table_size (self->client->messages) == 7);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages"), ==, 7);
}

/* A session that was lost takes a message at the server, which comes into the archive behind our question and is never sent to us; what
 * comes live meanwhile stands behind it. */
static void
test_archived_late (Fixture *self, gconstpointer data)
{
  g_autofree char *stamp = tess_time_format (g_get_real_time ());

  fixture_go_online (self);
  session_server_archive (self->server, "a1", stamp, FROM_BOB ("text 1", "a1"));
  fixture_say (self, FROM_BOB ("text 1", "a1"));
  session_server_forget_session (self->server);
  session_server_cut (self->server);
  wait_online_again (self, 2);
  SESSION_WAIT (session_server_has (self->server, "<query xmlns='urn:xmpp:mam:2'"));
  fixture_say (self, FROM_BOB ("text 3", "a3"));
  session_server_archive (self->server, "a2", stamp, FROM_BOB ("text 2", "a2"));
  session_server_archive (self->server, "a3", stamp, FROM_BOB ("text 3", "a3"));
  SESSION_WAIT (client_count (self->client, "text 2") == 1);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT group_concat (text) = 'text 1,text 2,text 3' FROM "
                                                "(SELECT text FROM messages ORDER BY time_us, id)"), ==, 1);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM rechecks"), ==, 2);
}

/* The same when there was nothing in the archive before. */
static void
test_archived_late_first (Fixture *self, gconstpointer data)
{
  g_autofree char *stamp = tess_time_format (g_get_real_time ());

  fixture_go_online (self);
  session_server_forget_session (self->server);
  session_server_cut (self->server);
  wait_online_again (self, 2);
  SESSION_WAIT (session_server_has (self->server, "<query xmlns='urn:xmpp:mam:2'"));
  client_sync (self->client, self->alice, self->server);
  session_server_archive (self->server, "a1", stamp, FROM_BOB ("text 1", "a1"));
  SESSION_WAIT (client_count (self->client, "text 1") == 1);
}

static gint64
open_plain (Fixture *self)
{
  gint64 conversation = client_open (self->client, self->alice, "bob@b.test");

  tess_engine_set_encryption (self->client->engine, conversation, TESS_CONVERSATION_PLAIN);
  return conversation;
}

static void
assert_order (Fixture *self, const char *const *texts)
{
  g_autofree char *log = session_server_get (self->server);
  const char      *place = log;

  for (; *texts != NULL; texts++)
    {
      g_autofree char *body = g_strdup_printf ("<body>%s</body>", *texts);
      const char      *found = strstr (place, body);

      g_assert_nonnull (found);
      g_assert_null (strstr (found + 1, body));
      place = found;
    }
}

/* A server takes up the session, and looks at nothing that comes on it: what waits goes out on a new one. */
static void
test_mute (Fixture *self, gconstpointer data)
{
  fixture_go_online (self);
  session_server_mute (self->server);
  session_server_cut (self->server);
  SESSION_WAIT (session_server_connections (self->server) == 2);
  SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_ONLINE);
  client_send (self->client, open_plain (self), "one");
  SESSION_WAIT (session_server_has (self->server, "<body>one</body>"));
  g_assert_cmpuint (session_server_connections (self->server), ==, 3);
  g_assert_cmpuint (session_server_count (self->server, "<body>one</body>"), ==, 1);
}

/* Written offline, sent once, in order, after the archive was asked. */
static void
test_written_offline (Fixture *self, gconstpointer data)
{
  static const char *const texts[] = { "eins", "zwei", "drei", NULL };
  gint64                   conversation;
  gint64                   last = 0;
  g_autofree char         *log = NULL;

  client_start (self->client);
  conversation = open_plain (self);
  for (gsize i = 0; texts[i] != NULL; i++)
    last = client_send (self->client, conversation, texts[i]);
  g_assert_cmpint (client_message_state (self->client, last), ==, TESS_MESSAGE_WAITING);
  connect_with (self->client->engine, self->alice, "secret");
  SESSION_WAIT (client_message_state (self->client, last) == TESS_MESSAGE_SENT);
  assert_order (self, texts);
  log = session_server_get (self->server);
  g_assert_true (strstr (log, "urn:xmpp:mam:2") < strstr (log, "eins"));

  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM outbox"), ==, 0);
}

/* The server has it and could not say so: the archive says it. */
static void
test_sent_is_in_archive (Fixture *self, gconstpointer data)
{
  gint64           conversation;
  gint64           had;
  gint64           lost;
  g_autofree char *line = NULL;
  g_autofree char *archived = NULL;

  session_server_set (self->server, SESSION_SERVER_USUAL & ~(SESSION_SERVER_ACKS | SESSION_SERVER_RESUMES));
  fixture_go_online (self);
  conversation = open_plain (self);
  had = client_send (self->client, conversation, "had");
  lost = client_send (self->client, conversation, "lost");
  SESSION_WAIT (session_server_has (self->server, "<body>lost</body>"));
  line = session_server_find (self->server, "<body>had</body>", "<message");
  archived = g_strdup_printf ("<message xmlns='jabber:client' from='alice@a.test/r1' %s", strstr (line, "to="));
  session_server_archive (self->server, "a1", "2020-01-01T00:00:00Z", archived);
  session_server_set (self->server, SESSION_SERVER_USUAL & ~SESSION_SERVER_RESUMES);
  session_server_clear (self->server);
  session_server_cut (self->server);
  SESSION_WAIT (client_message_state (self->client, lost) == TESS_MESSAGE_SENT);
  g_assert_cmpint (client_message_state (self->client, had), ==, TESS_MESSAGE_SENT);
  g_assert_cmpuint (session_server_count (self->server, "<body>had</body>"), ==, 0);
  g_assert_cmpuint (session_server_count (self->server, "<body>lost</body>"), ==, 1);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages"), ==, 2);
}

/* Both ways over a cut that is mended: nothing twice. */
static void
test_resumed (Fixture *self, gconstpointer data)
{
  gint64 conversation;
  gint64 mine;
  gint64 while_away;

  fixture_go_online (self);
  conversation = open_plain (self);
  fixture_say (self, FROM_BOB ("in", "s1"));
  session_server_set (self->server, SESSION_SERVER_USUAL & ~SESSION_SERVER_ACKS);
  mine = client_send (self->client, conversation, "mine");
  SESSION_WAIT (session_server_has (self->server, "<body>mine</body>"));
  session_server_cut (self->server);
  SESSION_WAIT (client_state (self->client, self->alice) != TESS_CONNECTION_ONLINE);
  while_away = client_send (self->client, conversation, "away");
  session_server_set (self->server, SESSION_SERVER_USUAL);
  session_server_send (self->server, FROM_BOB ("meanwhile", "s2"));
  wait_online_again (self, 2);
  SESSION_WAIT (client_message_state (self->client, while_away) == TESS_MESSAGE_SENT);
  SESSION_WAIT (client_count (self->client, "meanwhile") == 1);
  g_assert_cmpint (client_message_state (self->client, mine), ==, TESS_MESSAGE_SENT);
  g_assert_cmpuint (client_count (self->client, "in"), ==, 1);
  g_assert_cmpuint (session_server_count (self->server, "<body>mine</body>"), ==, 1);
  g_assert_cmpuint (session_server_count (self->server, "<body>away</body>"), ==, 1);
  g_assert_cmpuint (session_server_count (self->server, "<resume"), ==, 1);
  g_assert_cmpuint (session_server_count (self->server, "jabber:iq:roster"), ==, 0);
}

/* B10 */
static void
test_too_much_acknowledged (Fixture *self, gconstpointer data)
{
  gint64 conversation;
  gint64 mine;

  session_server_set (self->server, SESSION_SERVER_USUAL & ~(SESSION_SERVER_ACKS | SESSION_SERVER_RESUMES));
  fixture_go_online (self);
  conversation = open_plain (self);
  mine = client_send (self->client, conversation, "mine");
  SESSION_WAIT (session_server_has (self->server, "<body>mine</body>"));
  session_server_send (self->server, "<a xmlns='urn:xmpp:sm:3' h='1000'/>");
  SESSION_WAIT (client_state (self->client, self->alice) != TESS_CONNECTION_ONLINE);
  g_assert_cmpint (client_message_state (self->client, mine), ==, TESS_MESSAGE_WAITING);
  session_server_set (self->server, SESSION_SERVER_USUAL & ~SESSION_SERVER_RESUMES);
  SESSION_WAIT (client_message_state (self->client, mine) == TESS_MESSAGE_SENT);
  g_assert_cmpuint (session_server_count (self->server, "<body>mine</body>"), ==, 2);
}

/* A message that comes back is failed with a sentence, and can be sent again. */
static void
test_bounced (Fixture *self, gconstpointer data)
{
  gint64                   conversation;
  gint64                   mine;
  g_autofree char         *bounce = NULL;
  const TessMessageRecord *message;

  fixture_go_online (self);
  conversation = open_plain (self);
  mine = client_send (self->client, conversation, "mine");
  SESSION_WAIT (client_message_state (self->client, mine) == TESS_MESSAGE_SENT);
  bounce = g_strdup_printf ("<message from='bob@b.test' type='error' id='%s'><error type='cancel'>"
                            "<remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                            "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>No way there</text></error></message>",
                            client_find (self->client, "mine")->stanza_id);
  fixture_say (self, bounce);
  message = client_find (self->client, "mine");
  g_assert_cmpint (message->state, ==, TESS_MESSAGE_FAILED);
  g_assert_nonnull (strstr (message->error, "the server of bob@b.test cannot be found"));
  tess_engine_retry (self->client->engine, mine);
  SESSION_WAIT (client_message_state (self->client, mine) == TESS_MESSAGE_SENT);
  g_assert_cmpuint (session_server_count (self->server, "<body>mine</body>"), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* A database that refuses is warned of. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
#define ADD(path, function) g_test_add ("/delivery/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
  ADD ("refused/live", test_refused_live);
  ADD ("refused/place", test_refused_place);
  ADD ("refused/new-session", test_refused_live_new_session);
  ADD ("refused/archive", test_refused_archive);
  ADD ("refused/roster", test_refused_roster);
  ADD ("refused/request", test_refused_request);
  ADD ("refused/for-long", test_refused_for_long);
  ADD ("archive/pages", test_pages);
  ADD ("archive/large-page", test_large_page);
  ADD ("mute", test_mute);
  ADD ("archive/lost-place", test_lost_place);
  ADD ("archive/live-before", test_live_then_archived);
  ADD ("archive/late", test_archived_late);
  ADD ("archive/late-first", test_archived_late_first);
  ADD ("written-offline", test_written_offline);
  ADD ("sent-is-in-archive", test_sent_is_in_archive);
  ADD ("resumed", test_resumed);
  ADD ("too-much-acknowledged", test_too_much_acknowledged);
  ADD ("bounced", test_bounced);

  return g_test_run ();
}
