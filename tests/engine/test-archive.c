/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-client.h"

#include <string.h>

/* What the archive holds and the database does not: gaps, history, look-ups, and the order in which all of it stands. */

typedef struct
{
  Client        *client;
  SessionServer *server;
  gint64         alice;
  guint          archived; /* so many messages have been put into the archive */
} Fixture;

#define NO_RESUMPTION (SESSION_SERVER_USUAL & ~SESSION_SERVER_RESUMES)

static void
set_up (Fixture *self, gconstpointer data)
{
  memset (self, 0, sizeof *self);
  session_server_forget_items ();
  self->server = session_server_new ("alice@a.test", NULL);
  session_server_set (self->server, NO_RESUMPTION);
  session_server_set_roster (self->server, "<item jid='bob@b.test' subscription='both'/><item jid='carol@c.test' subscription='both'/>");
  self->client = client_new ();
  self->alice = client_add_account (self->client, "alice@a.test", session_server_get_port (self->server));
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  client_free (self->client);
  session_server_free (self->server);
  session_server_forget_items ();
}

/* ---- What is in the archive ---- */

#define MESSAGE(from, to, id, text)                                                                                  \
  "<message xmlns='jabber:client' from='" from "' to='" to "' type='chat' id='" id "'><body>" text "</body></message>"

static void
archive_at (Fixture *self, const char *from, const char *to, const char *stamp)
{
  guint            number = ++self->archived;
  g_autofree char *id = g_strdup_printf ("a%04u", number);
  g_autofree char *xml = g_strdup_printf (MESSAGE ("%s", "%s", "m%u", "text %u"), from, to, number, number);

  session_server_archive (self->server, id, stamp, xml);
}

static char *
stamp_of (guint number)
{
  return g_strdup_printf ("2020-01-%02uT%02u:%02u:00Z", 1 + number / 1440, number / 60 % 24, number % 60);
}

/* One a minute, mostly from Bob, each third one with Carol, each fifth one from a device of our own. */
static void
archive_some (Fixture *self, guint count)
{
  for (guint i = 0; i < count; i++)
    {
      guint            number = self->archived + 1;
      g_autofree char *stamp = stamp_of (number);
      const char      *peer = number % 3 == 0 ? "carol@c.test/x" : "bob@b.test/x";

      if (number % 5 == 0)
        archive_at (self, "alice@a.test/other", peer, stamp);
      else
        archive_at (self, peer, "alice@a.test", stamp);
    }
}

/* ---- What the client does ---- */

/* Until nothing is asked for any more. */
static void
settle (Fixture *self)
{
  guint pages;

  SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_ONLINE);
  do
    {
      pages = session_server_get_pages (self->server);
      for (guint i = 0; i < 3; i++)
        client_sync (self->client, self->alice, self->server);
    }
  while (session_server_get_pages (self->server) != pages);
}

static void
go_online (Fixture *self)
{
  if (self->client->engine == NULL)
    client_start (self->client);
  connect_with (self->client->engine, self->alice, "secret");
  settle (self);
}

/* The connection is cut, or is going to be; the next one does not wait. */
static void
come_back (Fixture *self, guint connections)
{
  SESSION_WAIT (session_server_connections (self->server) >= connections ||
                client_state (self->client, self->alice) != TESS_CONNECTION_ONLINE);
  connect_with (self->client->engine, self->alice, "secret");
  SESSION_WAIT (session_server_connections (self->server) >= connections);
  settle (self);
}

/* It was here when the archive had what it has now. */
static void
be_here_and_leave (Fixture *self)
{
  go_online (self);
  client_stop (self->client);
  session_server_clear (self->server);
}

/* Which pages were asked for, by the id that they stand before. */
static char *
list_befores (Fixture *self)
{
  g_autofree char   *log = session_server_get (self->server);
  g_auto (GStrv)     lines = g_strsplit (log, "\n", -1);
  g_autoptr (GString) list = g_string_new (NULL);

  for (gsize i = 0; lines[i] != NULL; i++)
    {
      const char *before = strstr (lines[i], "<before>");

      if (strstr (lines[i], "urn:xmpp:mam:2") == NULL || strstr (lines[i], "<query") == NULL)
        continue;
      if (before != NULL)
        g_string_append_len (list, before + 8, strcspn (before + 8, "<"));
      else
        g_string_append (list, strstr (lines[i], "<before/>") != NULL ? "-" : "?");
      g_string_append_c (list, ' ');
    }
  return g_strdup (list->str);
}

static void
assert_befores (Fixture *self, const char *wanted)
{
  g_autofree char *list = list_befores (self);

  g_assert_cmpstr (list, ==, wanted);
}

/* The engine is away then. Each message of the archive is there once, and they stand in its order. */
static void
assert_all_stored (Fixture *self, guint count)
{
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages"), ==, count);
  g_assert_cmpint (client_number (self->client, "SELECT count (DISTINCT text) FROM messages"), ==, count);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages WHERE archive_id IS NOT NULL AND length (stanza_id) < 6 "
                                                "AND substr (archive_id, 2) + 0 <> substr (text, 6) + 0"), ==, 0);
  g_assert_cmpint (client_number (self->client,
                                  "SELECT count (*) FROM messages m JOIN messages n ON m.conversation_id = n.conversation_id "
                                  "WHERE m.archive_id < n.archive_id AND (m.time_us, m.id) > (n.time_us, n.id)"), ==, 0);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM gaps"), ==, 0);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM held"), ==, 0);
  g_assert_cmpint (client_number (self->client, "SELECT archive_id = (SELECT max (archive_id) FROM messages) FROM accounts"), ==, 1);
}

/* Each stands within a second of what the archive says. */
static void
assert_times (Fixture *self)
{
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages WHERE abs (time_us - 1000000 * (1577836800 + "
                                                "60 * (substr (archive_id, 2) + 0))) > 1000000"), ==, 0);
}

/* ---- One gap ---- */

/* Closed from its newer end, whatever the archive is like. */
static void
test_gap (Fixture *self, gconstpointer data)
{
  archive_some (self, 3);
  be_here_and_leave (self);
  archive_some (self, 20);
  session_server_set_pages (self->server, 6, 0);
  session_server_set_oddities (self->server, GPOINTER_TO_UINT (data));
  self->client->live = 0;
  go_online (self);
  assert_befores (self, "- a0018 a0012 a0006 ");
  g_assert_cmpuint (self->client->gaps, ==, 0);
  g_assert_cmpuint (self->client->live, ==, 16); /* four are our own */
  assert_all_stored (self, 23);
  assert_times (self);
}

/* An archive that sends more than was asked for. */
static void
test_ignores_max (Fixture *self, gconstpointer data)
{
  archive_some (self, 3);
  be_here_and_leave (self);
  archive_some (self, 330);
  session_server_set_oddities (self->server, SESSION_SERVER_IGNORES_MAX);
  go_online (self);
  assert_befores (self, "- ");
  assert_all_stored (self, 333);
  assert_times (self);
}

/* Cut at each page and everywhere in it: it goes on where it was. */
static void
test_cut (Fixture *self, gconstpointer data)
{
  static const char *const asked[][2] = {
    { "- - a0018 a0012 a0006 ", "- - a0018 a0012 a0006 " },
    { "- a0018 - a0018 a0012 a0006 ", "- a0018 - a0012 a0006 " },
    { "- a0018 a0012 - a0012 a0006 ", "- a0018 a0012 - a0006 " },
    { "- a0018 a0012 a0006 - a0006 ", "- a0018 a0012 a0006 - " },
  };

  for (guint page = 1; page <= 4; page++)
    for (SessionServerCut cut = SESSION_SERVER_CUT_END; cut <= SESSION_SERVER_CUT_AFTER; cut++)
      {
        Fixture here;
        guint   before;

        set_up (&here, data);
        archive_some (&here, 3);
        be_here_and_leave (&here);
        archive_some (&here, 20);
        before = session_server_get_pages (here.server);
        session_server_set_pages (here.server, 6, before + page);
        session_server_set_cut (here.server, cut);
        client_start (here.client);
        connect_with (here.client->engine, here.alice, "secret");
        come_back (&here, 3);
        if (cut != SESSION_SERVER_CUT_AFTER) /* else the answer may still be read, or not */
          assert_befores (&here, asked[page - 1][0]);
        assert_all_stored (&here, 23);
        assert_times (&here);
        tear_down (&here, data);
      }
}

/* The process ends while a page is under way: by itself, or as a power cut does it. */
static void
test_killed (Fixture *self, gconstpointer data)
{
  static const char *const asked[] = { "- a0018 a0012 a0006 ", "- a0018 a0012 a0006 ", "- a0012 a0006 ", "- a0006 " };

  for (guint page = 1; page <= 4; page++)
    for (guint kill = 0; kill < 2; kill++)
      {
        Fixture here;

        set_up (&here, data);
        archive_some (&here, 3);
        be_here_and_leave (&here);
        archive_some (&here, 20);
        session_server_set_pages (here.server, 6, session_server_get_pages (here.server) + page);
        session_server_set_cut (here.server, SESSION_SERVER_CUT_SILENT);
        go_online (&here);
        if (kill)
          client_kill (here.client, here.server);
        else
          client_stop (here.client);
        session_server_clear (here.server);
        go_online (&here);
        assert_befores (&here, asked[page - 1]);
        assert_all_stored (&here, 23);
        assert_times (&here);
        tear_down (&here, data);
      }
}

/* Away again before all has come from the first time. */
static void
test_two_gaps (Fixture *self, gconstpointer data)
{
  archive_some (self, 3);
  be_here_and_leave (self);
  archive_some (self, 20);
  session_server_set_pages (self->server, 6, session_server_get_pages (self->server) + 2);
  session_server_set_cut (self->server, SESSION_SERVER_CUT_SILENT);
  go_online (self);
  client_kill (self->client, self->server);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM gaps"), ==, 1);

  archive_some (self, 14);
  session_server_set_pages (self->server, 6, session_server_get_pages (self->server) + 2);
  go_online (self);
  g_assert_cmpuint (self->client->gaps, ==, 2);
  client_kill (self->client, self->server);
  session_server_clear (self->server);
  go_online (self);
  /* The newer one first; then the older one is closed. */
  assert_befores (self, "- a0032 a0026 a0018 a0012 a0006 ");
  g_assert_cmpuint (self->client->gaps, ==, 0);
  assert_all_stored (self, 37);
  assert_times (self);
}

/* Live ones and own ones come while a gap is open. */
static void
test_live_meanwhile (Fixture *self, gconstpointer data)
{
  gint64           conversation;
  gint64           mine;
  g_autofree char *live = NULL;

  archive_some (self, 4);
  be_here_and_leave (self);
  archive_some (self, 20);
  session_server_set_pages (self->server, 6, session_server_get_pages (self->server) + 2);
  session_server_set_cut (self->server, SESSION_SERVER_CUT_SILENT);
  go_online (self);
  g_assert_cmpuint (self->client->gaps, ==, 1);
  conversation = client_open (self->client, self->alice, "bob@b.test");
  tess_engine_set_encryption (self->client->engine, conversation, TESS_CONVERSATION_PLAIN);
  session_server_send (self->server, "<message from='bob@b.test/x' to='alice@a.test' type='chat' id='live1'><body>text 25</body>"
                                     "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='a0025'/></message>");
  client_sync (self->client, self->alice, self->server);
  mine = client_send (self->client, conversation, "text 26");
  SESSION_WAIT (client_message_state (self->client, mine) == TESS_MESSAGE_SENT);
  session_server_archive (self->server, "a0025", "2020-01-02T00:00:25Z", MESSAGE ("bob@b.test/x", "alice@a.test", "live1", "text 25"));
  live = g_strdup_printf (MESSAGE ("alice@a.test/r1", "bob@b.test", "%s", "text 26"), client_find (self->client, "text 26")->stanza_id);
  session_server_archive (self->server, "a0026", "2020-01-02T00:00:26Z", live);
  self->archived = 26;
  client_kill (self->client, self->server);
  session_server_clear (self->server);
  go_online (self);
  /* The place in the archive is that of the live one: what lies below the newest page is closed only once. */
  assert_befores (self, "- a0019 a0013 a0007 ");
  client_stop (self->client);
  assert_all_stored (self, 26);
}

/* ---- Ids that the archive has let go of ---- */

static void
test_expired (Fixture *self, gconstpointer data)
{
  /* The place that was known last, alone. */
  archive_some (self, 10);
  be_here_and_leave (self);
  archive_some (self, 12);
  session_server_expire (self->server, "a0010");
  session_server_set_pages (self->server, 4, 0);
  go_online (self);
  assert_all_stored (self, 22);
  /* What was known before stands where it stood. */
  assert_times (self);
}

/* All that is older than the gap, too. */
static void
test_expired_all (Fixture *self, gconstpointer data)
{
  archive_some (self, 6);
  be_here_and_leave (self);
  archive_some (self, 12);
  for (guint i = 1; i <= 8; i++)
    {
      g_autofree char *id = g_strdup_printf ("a%04u", i);

      session_server_expire (self->server, id);
    }
  session_server_set_pages (self->server, 4, 0);
  go_online (self);
  g_assert_cmpuint (self->client->gaps, ==, 0);
  assert_all_stored (self, 16);
  assert_times (self);
}

/* The newer end of a gap that is half closed. */
static void
test_expired_newer (Fixture *self, gconstpointer data)
{
  archive_some (self, 3);
  be_here_and_leave (self);
  archive_some (self, 20);
  session_server_set_pages (self->server, 6, session_server_get_pages (self->server) + 2);
  session_server_set_cut (self->server, SESSION_SERVER_CUT_SILENT);
  go_online (self);
  client_kill (self->client, self->server);
  session_server_expire (self->server, "a0018");
  session_server_clear (self->server);
  go_online (self);
  assert_all_stored (self, 23);
  assert_times (self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
#define ADD(path, function) g_test_add ("/archive/" path, Fixture, NULL, set_up, function, tear_down)
#define ADD_ODD(path, oddity) g_test_add ("/archive/" path, Fixture, GUINT_TO_POINTER (oddity), set_up, test_gap, tear_down)
  ADD ("gap/usual", test_gap);
  ADD_ODD ("gap/no-count", SESSION_SERVER_NO_COUNT);
  ADD_ODD ("gap/told-twice", SESSION_SERVER_TELLS_TWICE);
  ADD_ODD ("gap/no-ends", SESSION_SERVER_NO_ENDS);
  ADD ("gap/ignores-max", test_ignores_max);
  ADD ("gap/cut", test_cut);
  ADD ("gap/killed", test_killed);
  ADD ("gap/two", test_two_gaps);
  ADD ("gap/live-meanwhile", test_live_meanwhile);
  ADD ("expired/older", test_expired);
  ADD ("expired/all", test_expired_all);
  ADD ("expired/newer", test_expired_newer);

  return g_test_run ();
}
