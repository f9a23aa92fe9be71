/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-pair.h"

#include "base/tess-time.h"

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

/* The same, said now. */
static void
archive_now (Fixture *self, guint count)
{
  for (guint i = 0; i < count; i++)
    {
      g_autofree char *stamp = tess_time_format (g_get_real_time ());

      archive_at (self, i % 2 == 0 ? "carol@c.test/x" : "bob@b.test/x", "alice@a.test", stamp);
    }
}

/* ---- What the client does ---- */

/* Until nothing is asked for any more. */
static void
settle_client (Client *client, gint64 account_id, SessionServer *server)
{
  guint pages;

  SESSION_WAIT (client_state (client, account_id) == TESS_CONNECTION_ONLINE);
  do
    {
      pages = session_server_get_pages (server);
      for (guint i = 0; i < 3; i++)
        client_sync (client, account_id, server);
    }
  while (session_server_get_pages (server) != pages);
}

static void
settle (Fixture *self)
{
  settle_client (self->client, self->alice, self->server);
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
                (session_server_connections (self->server) == connections - 1 &&
                 client_state (self->client, self->alice) == TESS_CONNECTION_WAITING));
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

/* Cut at each page and everywhere in it: it goes on where it was. What was asked ahead, when something of the page had come, is asked
 * again. */
static void
test_cut (Fixture *self, gconstpointer data)
{
  static const char *const asked[][2] = {
    { "- - a0018 a0012 a0006 ", "- - a0018 a0012 a0006 " },
    { "- a0018 - a0018 a0012 a0006 ", "- a0018 a0012 - a0018 a0012 a0006 " },
    { "- a0018 a0012 - a0012 a0006 ", "- a0018 a0012 a0006 - a0012 a0006 " },
    { "- a0018 a0012 a0006 - a0006 ", "- a0018 a0012 a0006 - a0006 " },
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
          assert_befores (&here, asked[page - 1][cut == SESSION_SERVER_CUT_BEGIN ? 0 : 1]);
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

/* The place that is kept says 2036: the clock of this machine was wrong, and the server says no time. */
static void
test_time_ahead (Fixture *self, gconstpointer data)
{
  archive_some (self, 3);
  be_here_and_leave (self);
  client_exec (self->client, "UPDATE accounts SET archive_us = 2100000000000000");
  archive_some (self, 20);
  session_server_refuse (self->server, "urn:xmpp:time", "service-unavailable");
  session_server_set_pages (self->server, 6, 0);
  go_online (self);
  assert_all_stored (self, 23);
}

/* Somebody has put much into the archive that is dropped: it hides nothing that is older. */
static void
test_nothing_to_take (Fixture *self, gconstpointer data)
{
  guint pages = GPOINTER_TO_UINT (data);

  archive_some (self, 3);
  be_here_and_leave (self);
  archive_some (self, 4);
  for (guint i = 0; i < pages * 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("a0007-%04u", i);

      session_server_archive (self->server, id, "2020-01-01T00:07:30Z",
                              "<message xmlns='jabber:client' from='eve@e.test/x' to='alice@a.test'><forwarded xmlns='urn:xmpp:forward:0'>"
                              "<message xmlns='jabber:client' from='bob@b.test'><body>forged</body></message></forwarded></message>");
    }
  if (pages % 2 == 1)
    archive_some (self, 2);
  session_server_set_pages (self->server, 4, 0);
  go_online (self);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages"), ==, self->archived);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM gaps"), ==, 0);
  assert_times (self);
}

/* ---- What a person does ---- */

static gint64
open_bob (Fixture *self)
{
  gint64 conversation = client_open (self->client, self->alice, "bob@b.test");

  tess_engine_set_encryption (self->client->engine, conversation, TESS_CONVERSATION_PLAIN);
  return conversation;
}

/* (transfer full) */
static GPtrArray *
load (Fixture *self, gint64 conversation, TessPageKind kind, gint64 time_us, gint64 id, guint limit, TessPageEnds *ends)
{
  g_autoptr (GError) error = NULL;
  Call               call = { NULL };
  GPtrArray         *page;

  tess_engine_load_page_async (self->client->engine, conversation, kind, time_us, id, limit, TRUE, NULL, client_call_cb, &call);
  CLIENT_AWAIT (call);
  page = tess_engine_load_page_finish (self->client->engine, call.result, ends, &error);
  g_object_unref (call.result);
  g_assert_no_error (error);
  return page;
}

static void
assert_texts (GPtrArray *page, const char *wanted)
{
  g_autoptr (GString) texts = g_string_new (NULL);

  for (guint i = 0; i < page->len; i++)
    {
      const char *text = ((const TessMessageRecord *) g_ptr_array_index (page, i))->text;

      g_string_append_printf (texts, "%s ", g_str_has_prefix (text, "text ") ? text + 5 : text);
    }
  g_assert_cmpstr (texts->str, ==, wanted);
}

/* Stopped by the person, in the next process too, and let go on. */
static void
test_hold (Fixture *self, gconstpointer data)
{
  archive_some (self, 3);
  be_here_and_leave (self);
  archive_some (self, 20);
  session_server_set_pages (self->server, 6, session_server_get_pages (self->server) + 2);
  session_server_set_cut (self->server, SESSION_SERVER_CUT_SILENT);
  go_online (self);
  tess_engine_hold_catch_up (self->client->engine, self->alice, TRUE);
  SESSION_WAIT (self->client->held);
  client_kill (self->client, self->server);
  session_server_clear (self->server);
  self->client->held = FALSE;
  go_online (self);
  assert_befores (self, "- ");
  g_assert_true (self->client->held);
  g_assert_cmpuint (self->client->gaps, ==, 1);
  /* What comes next is news, and is not held. */
  client_stop (self->client);
  archive_some (self, 12);
  go_online (self);
  g_assert_cmpuint (self->client->gaps, ==, 1);
  g_assert_nonnull (client_find (self->client, "text 24"));
  g_assert_null (client_find (self->client, "text 17"));
  session_server_clear (self->server);
  tess_engine_hold_catch_up (self->client->engine, self->alice, FALSE);
  SESSION_WAIT (self->client->gaps == 0);
  settle (self);
  assert_befores (self, "a0018 a0012 a0006 ");
  assert_all_stored (self, 35);
  assert_times (self);
}

/* Somebody scrolls to where the gap is: their chat comes first, and what is below the gap stays as it is. */
static void
test_chat_in_gap (Fixture *self, gconstpointer data)
{
  gint64                bob;
  g_autoptr (GPtrArray) page = NULL;
  g_autoptr (GPtrArray) again = NULL;

  archive_some (self, 9);
  be_here_and_leave (self);
  archive_some (self, 30);
  session_server_set_pages (self->server, 6, session_server_get_pages (self->server) + 2);
  session_server_set_cut (self->server, SESSION_SERVER_CUT_SILENT);
  go_online (self);
  tess_engine_hold_catch_up (self->client->engine, self->alice, TRUE);
  client_kill (self->client, self->server);
  client_exec (self->client, "UPDATE gaps SET paused = 1");
  session_server_set_pages (self->server, 30, 0);
  go_online (self);
  self->client->live = 0;
  bob = open_bob (self);
  page = load (self, bob, TESS_PAGE_OLDER, G_MAXINT64, G_MAXINT64, 10, NULL);
  settle (self);
  again = load (self, bob, TESS_PAGE_OLDER, G_MAXINT64, G_MAXINT64, 50, NULL);
  assert_texts (again, "1 2 4 5 7 8 10 11 13 14 16 17 19 20 22 23 25 26 28 29 31 32 34 35 37 38 ");
  tess_engine_hold_catch_up (self->client->engine, self->alice, FALSE);
  SESSION_WAIT (self->client->gaps == 0);
  assert_all_stored (self, 39);
  assert_times (self);
}

/* ---- A new device ---- */

/* The newest page, then one of each chat; they are no news. Older ones when somebody asks, to the beginning. */
static void
test_new_device (Fixture *self, gconstpointer data)
{
  gint64                bob;
  TessPageEnds          ends = 0;
  g_autoptr (GPtrArray) newest = NULL;
  g_autoptr (GPtrArray) older = NULL;
  g_autoptr (GPtrArray) oldest = NULL;
  const TessMessageRecord *first;

  archive_some (self, 60);
  for (guint i = 0; i < 6; i++)
    archive_at (self, "dan@d.test/x", "alice@a.test", "2020-01-02T00:00:00Z");
  session_server_set_pages (self->server, 6, 0);
  go_online (self);
  g_assert_cmpuint (self->client->live, ==, 0);
  g_assert_nonnull (client_find (self->client, "text 66"));
  g_assert_nonnull (client_find (self->client, "text 59"));
  g_assert_nonnull (client_find (self->client, "text 60"));
  g_assert_null (client_find (self->client, "text 20"));
  g_assert_cmpuint (self->client->gaps, ==, 0);

  bob = open_bob (self);
  newest = load (self, bob, TESS_PAGE_OLDER, G_MAXINT64, G_MAXINT64, 4, &ends);
  assert_texts (newest, "55 56 58 59 ");
  g_assert_cmpint (ends, ==, TESS_PAGE_END);
  first = g_ptr_array_index (newest, 0);
  older = load (self, bob, TESS_PAGE_OLDER, first->time_us, first->id, 12, &ends);
  assert_texts (older, "37 38 40 41 43 44 46 47 49 50 52 53 ");
  g_assert_cmpint (ends, ==, 0);
  first = g_ptr_array_index (older, 0);
  oldest = load (self, bob, TESS_PAGE_OLDER, first->time_us, first->id, 100, &ends);
  assert_texts (oldest, "1 2 4 5 7 8 10 11 13 14 16 17 19 20 22 23 25 26 28 29 31 32 34 35 ");
  g_assert_cmpint (ends, ==, TESS_PAGE_START);
  g_assert_cmpuint (self->client->live, ==, 0);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT history_done FROM conversations WHERE peer = 'bob@b.test'"), ==, 1);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages m JOIN messages n ON m.conversation_id = n.conversation_id "
                                                "WHERE m.archive_id < n.archive_id AND (m.time_us, m.id) > (n.time_us, n.id)"), ==, 0);
}

/* Pages of the chat that hold nothing to show are passed, and it ends at the beginning. */
static void
test_empty_history (Fixture *self, gconstpointer data)
{
  gint64                   bob;
  TessPageEnds             ends = 0;
  g_autoptr (GPtrArray)    newest = NULL;
  g_autoptr (GPtrArray)    older = NULL;
  const TessMessageRecord *first;

  archive_at (self, "bob@b.test/x", "alice@a.test", "2020-01-01T00:01:00Z");
  for (guint i = 0; i < 30; i++)
    {
      g_autofree char *id = g_strdup_printf ("a0001-%02u", i);

      session_server_archive (self->server, id, "2020-01-01T00:01:30Z",
                              i % 2 == 0 ? "<message xmlns='jabber:client' from='bob@b.test/x' to='alice@a.test' type='chat'>"
                                           "<received xmlns='urn:xmpp:receipts' id='none'/></message>"
                                         : "<message xmlns='jabber:client' from='bob@b.test/x' to='alice@a.test' type='chat'>"
                                           "<forwarded xmlns='urn:xmpp:forward:0'/></message>");
    }
  archive_at (self, "bob@b.test/x", "alice@a.test", "2020-01-01T00:02:00Z");
  session_server_set_pages (self->server, 4, 0);
  go_online (self);
  bob = open_bob (self);
  newest = load (self, bob, TESS_PAGE_OLDER, G_MAXINT64, G_MAXINT64, 10, &ends);
  assert_texts (newest, "2 ");
  first = g_ptr_array_index (newest, 0);
  older = load (self, bob, TESS_PAGE_OLDER, first->time_us, first->id, 10, &ends);
  assert_texts (older, "1 ");
  g_assert_cmpint (ends, ==, TESS_PAGE_START);
}

/* Years back at once. */
static void
test_around (Fixture *self, gconstpointer data)
{
  gint64                bob;
  TessPageEnds          ends = 0;
  g_autoptr (GPtrArray) page = NULL;

  for (guint year = 2010; year < 2020; year++)
    for (guint month = 1; month <= 12; month++)
      {
        g_autofree char *stamp = g_strdup_printf ("%u-%02u-01T00:00:00Z", year, month);

        archive_at (self, "bob@b.test/x", "alice@a.test", stamp);
      }
  session_server_set_pages (self->server, 7, 0);
  go_online (self);
  bob = open_bob (self);
  /* The middle of 2012. */
  page = load (self, bob, TESS_PAGE_AROUND, G_GINT64_CONSTANT (1339718400000000), 0, 6, &ends);
  assert_texts (page, "28 29 30 31 32 33 34 ");
  g_assert_cmpint (ends, ==, 0);
}

/* The id down to which the history of a chat was asked for has expired. */
static void
test_history_place_lost (Fixture *self, gconstpointer data)
{
  gint64                   bob;
  TessPageEnds             ends = 0;
  g_autoptr (GPtrArray)    newest = NULL;
  g_autoptr (GPtrArray)    older = NULL;
  const TessMessageRecord *first;
  guint                    pages;

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *stamp = stamp_of (i + 1);

      archive_at (self, "bob@b.test/x", "alice@a.test", stamp);
    }
  session_server_set_pages (self->server, 5, 0);
  go_online (self);
  session_server_expire (self->server, "a0011");
  session_server_expire (self->server, "a0016");
  bob = open_bob (self);
  newest = load (self, bob, TESS_PAGE_OLDER, G_MAXINT64, G_MAXINT64, 50, NULL);
  first = g_ptr_array_index (newest, 0);
  pages = session_server_get_pages (self->server);
  older = load (self, bob, TESS_PAGE_OLDER, first->time_us, first->id, 50, &ends);
  g_assert_cmpint (ends, ==, TESS_PAGE_START);
  g_assert_cmpuint (session_server_get_pages (self->server) - pages, <, 8);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages"), >=, 18);
  g_assert_cmpint (client_number (self->client, "SELECT count (DISTINCT text) = count (*) FROM messages"), ==, 1);
}

/* What the person let go of does not come back. */
static void
test_cleared (Fixture *self, gconstpointer data)
{
  archive_some (self, 10);
  be_here_and_leave (self);
  archive_some (self, 20);
  /* Up to the twentieth, with Bob. */
  client_exec (self->client, "INSERT INTO people (account_id, address, blind, cleared_us) SELECT id, 'bob@b.test', 0, "
                             "1577838000000000 FROM accounts");
  client_exec (self->client, "DELETE FROM messages WHERE conversation_id = (SELECT id FROM conversations WHERE peer = 'bob@b.test')");
  session_server_set_pages (self->server, 6, 0);
  go_online (self);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages m JOIN conversations c ON c.id = m.conversation_id "
                                                "WHERE c.peer = 'bob@b.test' AND m.archive_id <= 'a0020'"), ==, 0);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages m JOIN conversations c ON c.id = m.conversation_id "
                                                "WHERE c.peer = 'bob@b.test'"), ==, 6);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages m JOIN conversations c ON c.id = m.conversation_id "
                                                "WHERE c.peer = 'carol@c.test'"), ==, 10);
}

/* ---- What was sent and not acknowledged ---- */

/* Sends a text that the server does not acknowledge, and says what it put into its archive. (transfer full) */
static char *
send_unacknowledged (Fixture *self, gint64 conversation, const char *text)
{
  g_autofree char *body = g_strdup_printf ("<body>%s</body>", text);
  g_autofree char *line = NULL;

  client_send (self->client, conversation, text);
  SESSION_WAIT (session_server_has (self->server, body));
  line = session_server_find (self->server, body, "<message");
  return g_strdup_printf ("<message xmlns='jabber:client' from='alice@a.test/r1' %s", strstr (line, "to="));
}

/* It stands in the archive: below what came live after it, in the middle of a long absence, or nowhere. */
static void
test_look (Fixture *self, gconstpointer data)
{
  gint64           bob;
  g_autofree char *had = NULL;
  g_autofree char *lost = NULL;
  g_autofree char *stamp = NULL;
  gboolean         above = GPOINTER_TO_UINT (data) & 1;
  gboolean         absence = GPOINTER_TO_UINT (data) & 2;

  archive_some (self, 4);
  session_server_set (self->server, NO_RESUMPTION & ~SESSION_SERVER_ACKS);
  go_online (self);
  bob = open_bob (self);
  had = send_unacknowledged (self, bob, "had");
  lost = send_unacknowledged (self, bob, "lost");
  stamp = tess_time_format (g_get_real_time ());
  session_server_archive (self->server, "a0004-1", stamp, had);
  if (above)
    {
      session_server_send (self->server, "<message from='bob@b.test/x' to='alice@a.test' type='chat' id='m5'><body>text 5</body>"
                                         "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='a0005'/></message>");
      client_sync (self->client, self->alice, self->server);
      archive_now (self, 1);
    }
  client_kill (self->client, self->server);
  if (absence)
    archive_now (self, 30);
  session_server_set_pages (self->server, 6, session_server_get_pages (self->server) + 8);
  session_server_set_cut (self->server, SESSION_SERVER_CUT_SILENT);
  session_server_set (self->server, NO_RESUMPTION);
  session_server_clear (self->server);
  g_hash_table_remove_all (self->client->messages);
  go_online (self);
  SESSION_WAIT (session_server_has (self->server, "<body>lost</body>"));
  SESSION_WAIT (client_find (self->client, "lost") != NULL && client_find (self->client, "lost")->state == TESS_MESSAGE_SENT);
  g_assert_cmpuint (session_server_count (self->server, "<body>had</body>"), ==, 0);
  g_assert_cmpuint (session_server_count (self->server, "<body>lost</body>"), ==, 1);
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages WHERE text = 'had' AND state = 2 AND archive_id = 'a0004-1'"),
                   ==, 1);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM messages WHERE text IN ('had', 'lost')"), ==, 2);
}

/* ---- Order ---- */

/* The server stamps whole seconds; what came first within one, its order says. */
static void
test_one_second (Fixture *self, gconstpointer data)
{
  archive_at (self, "bob@b.test/x", "alice@a.test", "2020-01-01T00:00:00Z");
  be_here_and_leave (self);
  for (guint i = 0; i < 20; i++)
    archive_at (self, i % 4 == 0 ? "alice@a.test/other" : "bob@b.test/x", i % 4 == 0 ? "bob@b.test/x" : "alice@a.test",
                "2020-01-01T00:00:00Z");
  session_server_set_pages (self->server, 3, 0);
  go_online (self);
  assert_all_stored (self, 21);
}

static char *
list_texts (Fixture *self, gint64 conversation)
{
  g_autoptr (GPtrArray) page = load (self, conversation, TESS_PAGE_OLDER, G_MAXINT64, G_MAXINT64, 100, NULL);
  g_autoptr (GString)   texts = g_string_new (NULL);

  for (guint i = 0; i < page->len; i++)
    g_string_append_printf (texts, "%s, ", ((const TessMessageRecord *) g_ptr_array_index (page, i))->text);
  return g_strdup (texts->str);
}

static void
assert_order (Fixture *self, gint64 conversation, const char *wanted)
{
  g_autofree char *texts = list_texts (self, conversation);

  g_assert_cmpstr (texts, ==, wanted);
}

/* Two messages of the archive are there, and the chat with Bob is open. */
static gint64
chat_with_bob (Fixture *self, guint flags)
{
  archive_some (self, 2);
  session_server_set (self->server, flags);
  go_online (self);
  return open_bob (self);
}

/* Live, and what the archive calls it. */
static void
hear (Fixture *self, const char *id, const char *content)
{
  g_autofree char *xml = g_strdup_printf ("<message from='bob@b.test/x' to='alice@a.test' type='chat' id='l-%s'>%s"
                                          "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='%s'/></message>", id, content, id);

  session_server_send (self->server, xml);
  settle (self);
}

/* What was sent in one order stands in the archive in another one, and with what others wrote in between. */
static void
test_echoed (Fixture *self, gconstpointer data)
{
  static const char *const texts[] = { "one", "two", "three" };
  static const guint       order[] = { 1, 0, 2 };
  g_autofree char         *echoes[3] = { NULL };
  g_autofree char         *stamp = NULL;
  gint64                   bob;

  bob = chat_with_bob (self, NO_RESUMPTION & ~SESSION_SERVER_ACKS);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    echoes[i] = send_unacknowledged (self, bob, texts[i]);
  stamp = tess_time_format (g_get_real_time ());
  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    {
      g_autofree char *id = g_strdup_printf ("a0002-%u", i);

      session_server_archive (self->server, id, stamp, echoes[order[i]]);
      if (i == 1)
        session_server_archive (self->server, "a0002-1-1", stamp, MESSAGE ("bob@b.test/x", "alice@a.test", "b", "between"));
    }
  client_kill (self->client, self->server);
  session_server_set (self->server, NO_RESUMPTION);
  go_online (self);
  assert_order (self, open_bob (self), "text 1, text 2, two, one, between, three, ");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (g_steal_pointer (&echoes[i]));
}

static char *
second_of (gint64 time_us)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (time_us / G_USEC_PER_SEC);

  return g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ");
}

/* A stamp that says the second only does not draw what is older, and known to the microsecond, to the beginning of that second. */
static void
test_vague (Fixture *self, gconstpointer data)
{
  gint64           bob;
  gint64           time_us;
  g_autofree char *mine = NULL;
  g_autofree char *stamp = NULL;

  bob = chat_with_bob (self, NO_RESUMPTION);
  mine = send_unacknowledged (self, bob, "mine");
  SESSION_WAIT (client_find (self->client, "mine")->state == TESS_MESSAGE_SENT);
  time_us = client_find (self->client, "mine")->time_us;
  stamp = second_of (time_us);
  session_server_archive (self->server, "a0003", stamp, mine);
  session_server_archive (self->server, "a0004", stamp, MESSAGE ("bob@b.test/x", "alice@a.test", "b", "his"));
  session_server_cut (self->server);
  come_back (self, 2);
  assert_order (self, bob, "text 1, text 2, mine, his, ");
  g_assert_cmpint (client_find (self->client, "mine")->time_us, ==, time_us);
}

/* The place from which the archive is asked once more is that of something that is not shown. What comes behind it stands below what was there,
 * also when the server's clock is behind. */
static void
test_late_behind (Fixture *self, gconstpointer data)
{
  g_autofree char *mine = NULL;
  g_autofree char *stamp = NULL;
  gint64           bob;

  bob = chat_with_bob (self, NO_RESUMPTION);
  mine = send_unacknowledged (self, bob, "mine");
  stamp = second_of (g_get_real_time () - 3 * G_USEC_PER_SEC);
  session_server_archive (self->server, "a0003", stamp, mine);
  session_server_archive (self->server, "a0004", stamp, "<message xmlns='jabber:client' from='bob@b.test/x' to='alice@a.test' type='chat' "
                                                        "id='r'><received xmlns='urn:xmpp:receipts' id='none'/></message>");
  hear (self, "a0004", "<received xmlns='urn:xmpp:receipts' id='none'/>");
  session_server_cut (self->server);
  come_back (self, 2);
  session_server_archive (self->server, "a0005", stamp, MESSAGE ("bob@b.test/x", "alice@a.test", "b", "late"));
  SESSION_WAIT (client_count (self->client, "late") == 1);
  assert_order (self, bob, "text 1, text 2, mine, late, ");
}

/* Sent once more on a resumed session: they stand in the archive behind what came meanwhile, and the archive may not have told all of them
 * when it is asked. */
static void
test_sent_again (Fixture *self, gconstpointer data)
{
  static const char between[] = MESSAGE ("bob@b.test/x", "alice@a.test", "b", "between");
  g_autofree char  *one = NULL;
  g_autofree char  *two = NULL;
  g_autofree char  *stamp = NULL;
  gint64            bob;

  bob = chat_with_bob (self, SESSION_SERVER_USUAL & ~SESSION_SERVER_ACKS);
  session_server_lose (self->server);
  one = send_unacknowledged (self, bob, "one");
  two = send_unacknowledged (self, bob, "two");
  hear (self, "a0003", "<body>between</body>");
  assert_order (self, bob, "text 1, text 2, one, two, between, ");
  stamp = tess_time_format (g_get_real_time ());
  session_server_archive (self->server, "a0003", stamp, between);
  session_server_archive (self->server, "a0004", stamp, one);
  if (GPOINTER_TO_UINT (data))
    session_server_archive (self->server, "a0005", stamp, two);
  session_server_set (self->server, SESSION_SERVER_USUAL);
  session_server_cut (self->server);
  come_back (self, 2);
  SESSION_WAIT (client_find (self->client, "two")->state == TESS_MESSAGE_SENT);
  g_assert_true (session_server_has (self->server, "<resume "));
  assert_order (self, bob, "text 1, text 2, between, one, two, ");
}

/* The archive has let go of the place from which it is asked once more: it is not read to its beginning for that. */
static void
test_place_gone (Fixture *self, gconstpointer data)
{
  g_autofree char *mine = NULL;
  guint            pages;

  archive_some (self, 60);
  session_server_set_pages (self->server, 6, 0);
  session_server_set (self->server, SESSION_SERVER_USUAL & ~SESSION_SERVER_ACKS);
  go_online (self);
  hear (self, "b0001", "<body>gone</body>");
  session_server_lose (self->server);
  mine = send_unacknowledged (self, open_bob (self), "mine");
  pages = session_server_get_pages (self->server);
  session_server_set (self->server, SESSION_SERVER_USUAL);
  session_server_cut (self->server);
  come_back (self, 2);
  SESSION_WAIT (client_find (self->client, "mine")->state == TESS_MESSAGE_SENT);
  settle (self);
  g_assert_cmpuint (session_server_get_pages (self->server), ==, pages + 1);
}

/* Two messages cross: the server had the other one first. The archive is asked for it a little later, without a new session. */
static void
test_crossed (Fixture *self, gconstpointer data)
{
  g_autofree char *mine = NULL;
  g_autofree char *stamp = NULL;
  gint64           bob;
  guint            pages;

  bob = chat_with_bob (self, SESSION_SERVER_USUAL & ~SESSION_SERVER_ACKS);
  mine = send_unacknowledged (self, bob, "mine");
  stamp = tess_time_format (g_get_real_time ());
  session_server_archive (self->server, "a0003", stamp, MESSAGE ("bob@b.test/x", "alice@a.test", "b", "his"));
  session_server_archive (self->server, "a0004", stamp, mine);
  pages = session_server_get_pages (self->server);
  hear (self, "a0003", "<body>his</body>");
  SESSION_WAIT (session_server_get_pages (self->server) > pages);
  settle (self);
  assert_order (self, bob, "text 1, text 2, his, mine, ");
  g_assert_cmpuint (session_server_connections (self->server), ==, 1);
  /* What comes while nothing is under way crosses nothing. */
  SESSION_WAIT (client_find (self->client, "mine")->state == TESS_MESSAGE_SENT);
  hear (self, "a0005", "<body>his</body>");
  client_stop (self->client);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM rechecks"), ==, 0);
}

/* The clock of this machine is years behind, or ahead. Written offline, received out of the archive, sent, received live: all of it stands
 * in the order in which it happened for the server. */
static void
test_wrong_clock (Fixture *self, gconstpointer data)
{
  gint64           years = GPOINTER_TO_INT (data) * 365 * G_TIME_SPAN_DAY;
  gint64           bob;
  gint64           last;
  gint64           now;
  g_autofree char *stamp = NULL;
  g_autofree char *sql = NULL;

  session_server_set_clock (self->server, years);
  go_online (self);
  client_stop (self->client);
  client_start (self->client);
  bob = open_bob (self);
  client_send (self->client, bob, "mine 1");
  last = client_send (self->client, bob, "mine 2");
  now = g_get_real_time () + years;
  stamp = tess_time_format (now);
  session_server_archive (self->server, "a1", stamp, MESSAGE ("bob@b.test/x", "alice@a.test", "m1", "his 1"));
  session_server_archive (self->server, "a2", stamp, MESSAGE ("bob@b.test/x", "alice@a.test", "m2", "his 2"));
  go_online (self);
  SESSION_WAIT (client_message_state (self->client, last) == TESS_MESSAGE_SENT);
  hear (self, "a3", "<body>his 3</body>");
  client_send (self->client, bob, "mine 3");
  settle (self);
  assert_order (self, bob, "his 1, his 2, mine 1, mine 2, his 3, mine 3, ");
  client_stop (self->client);
  sql = g_strdup_printf ("SELECT count (*) FROM messages WHERE abs (time_us - %" G_GINT64_FORMAT ") > 3600000000", now);
  g_assert_cmpint (client_number (self->client, sql), ==, 0);
}

/* Another process stored it years ahead, by a clock that was wrong, and ended before it knew; so far reaches no page by itself. */
static void
test_future (Fixture *self, gconstpointer data)
{
  gboolean timeless = GPOINTER_TO_UINT (data);

  if (timeless)
    session_server_refuse (self->server, "urn:xmpp:time", "service-unavailable");
  session_server_set (self->server, SESSION_SERVER_USUAL | SESSION_SERVER_KEEPS);
  archive_some (self, 6);
  be_here_and_leave (self);
  client_exec (self->client, "UPDATE messages SET time_us = time_us + 20 * 365 * 86400000000 WHERE id > 2");
  /* Where the server does not say the time, the stamp of what is sent to another one does. */
  if (timeless)
    client_exec (self->client, "UPDATE messages SET time_us = time_us - 20 * 365 * 86400000000 WHERE id > 2 AND conversation_id = "
                               "(SELECT id FROM conversations WHERE peer = 'bob@b.test')");
  client_exec (self->client, "UPDATE conversations SET (read_time_us, read_id) = (SELECT m.time_us, m.id FROM messages m "
                             "WHERE m.conversation_id = conversations.id ORDER BY m.id DESC LIMIT 1)");
  client_exec (self->client, "UPDATE conversations SET told_time_us = read_time_us + 1, told_id = read_id, unread = 0");
  client_exec (self->client, "INSERT INTO people (account_id, address, blind, cleared_us) SELECT id, 'dan@d.test', 0, 2400000000000000 "
                             "FROM accounts");
  archive_some (self, 2);
  go_online (self);
  if (timeless)
    client_send (self->client, open_bob (self), "mine");
  settle (self);
  if (timeless)
    {
      SESSION_WAIT (client_find (self->client, "mine")->state == TESS_MESSAGE_SENT);
      settle (self);
      client_stop (self->client);
      client_exec (self->client, "DELETE FROM messages WHERE text = 'mine'");
    }
  else
    {
      assert_all_stored (self, 8);
    }
  assert_times (self);
  g_assert_cmpint (client_number (self->client, "SELECT count (*) FROM conversations WHERE told_time_us > 2000000000000000 "
                                                "OR read_time_us > 2000000000000000"), ==, 0);
  g_assert_cmpint (client_number (self->client, "SELECT max (cleared_us) < 2000000000000000 FROM people"), ==, 1);
}

/* What came while somebody was away is not read for what they had written before. */
static void
test_unread (Fixture *self, gconstpointer data)
{
  gint64           years = GPOINTER_TO_INT (data) * 365 * G_TIME_SPAN_DAY;
  gint64           bob;
  gint64           last;
  g_autofree char *stamp = NULL;

  session_server_set_clock (self->server, years);
  go_online (self);
  client_stop (self->client);
  client_start (self->client);
  bob = open_bob (self);
  client_send (self->client, bob, "mine 1");
  last = client_send (self->client, bob, "mine 2");
  /* Its stamp may be older than what was written offline: nobody has seen it for that. */
  stamp = tess_time_format (g_get_real_time () + years - G_USEC_PER_SEC);
  session_server_archive (self->server, "a1", stamp, MESSAGE ("bob@b.test/x", "alice@a.test", "m1", "his 1"));
  go_online (self);
  SESSION_WAIT (client_message_state (self->client, last) == TESS_MESSAGE_SENT);
  settle (self);
  g_assert_cmpuint (client_conversation (self->client, self->alice, "bob@b.test")->unread, ==, 1);
  session_server_send (self->server, "<message from='bob@b.test/x' to='alice@a.test' type='chat' id='m3'><body>his 2</body></message>");
  settle (self);
  g_assert_cmpuint (client_conversation (self->client, self->alice, "bob@b.test")->unread, ==, 2);
  /* Whoever writes now has seen them. */
  client_send (self->client, bob, "mine 3");
  settle (self);
  g_assert_cmpuint (client_conversation (self->client, self->alice, "bob@b.test")->unread, ==, 0);
}

/* ---- Letters that wait for older ones ---- */

static void
settle_alice (Pair *self)
{
  settle_client (self->alice, self->alice_id, self->alices);
}

static void
archive_letter (Pair *self, guint number, const char *inner)
{
  g_autofree char *id = g_strdup_printf ("a%04u", number);
  g_autofree char *stamp = stamp_of (number % 1440);
  g_autofree char *xml = g_strdup_printf ("<message xmlns='jabber:client' from='bob@a.test/x' to='alice@a.test' type='chat' id='%s'>%s"
                                          "</message>", id, inner);

  session_server_archive (self->alices, id, stamp, xml);
}

static gboolean
begins_session (Pair *self)
{
  g_autofree char *line = session_server_find (self->alices, "to='bob@a.test'", "bundles:");
  g_autofree char *begun = session_server_find (self->alices, "<message", "<encrypted");

  return line != NULL || begun != NULL;
}

#define LETTERS 2100

/* A ratchet that was turned on by more than it keeps keys for: the newest page waits until what comes before it is there, and is read then,
 * each in its place. */
static void
test_held_far (void)
{
  Pair             pair = { NULL };
  g_autofree char *log = NULL;
  g_auto (GStrv)   lines = NULL;
  guint            count = 0;
  gint64           last;

  pair_set_up (&pair);
  client_stop (pair.alice);
  client_exec (pair.alice, "UPDATE accounts SET archive_id = ''");
  client_stop (pair.bob);
  client_exec (pair.bob, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " G_STRINGIFY (LETTERS) ") "
                         "INSERT INTO messages (account_id, conversation_id, sender, direction, state, encryption, stanza_id, text, time_us, "
                         "device, receipt_wanted) SELECT c.account_id, c.id, 'bob@a.test', 1, 1, 1, 's' || i, printf ('letter %04d', i), i, 0, 0 "
                         "FROM n, conversations c");
  last = client_number (pair.bob, "SELECT max (id) FROM messages");
  session_server_clear (pair.bobs);
  client_start (pair.bob);
  connect_with (pair.bob->engine, pair.bob_id, "secret");
  SESSION_WAIT (client_message_state (pair.bob, last) == TESS_MESSAGE_SENT);
  log = session_server_get (pair.bobs);
  lines = g_strsplit (log, "\n", -1);
  for (gsize i = 0; lines[i] != NULL; i++)
    {
      const char *start = strstr (lines[i], "<encrypted");

      if (start == NULL || strstr (start, "<payload>") == NULL)
        continue;
      lines[i][strlen (lines[i]) - strlen ("</message>")] = '\0';
      archive_letter (&pair, ++count, start);
    }
  g_assert_cmpuint (count, ==, LETTERS);
  session_server_set_pages (pair.alices, 50, session_server_get_pages (pair.alices) + 2);
  session_server_set_cut (pair.alices, SESSION_SERVER_CUT_SILENT);
  session_server_clear (pair.alices);
  client_start (pair.alice);
  connect_with (pair.alice->engine, pair.alice_id, "secret");
  settle_alice (&pair);
  /* Nothing is said of them yet, and nothing is begun. */
  g_assert_cmpuint (g_hash_table_size (pair.alice->messages), ==, 0);
  g_assert_false (begins_session (&pair));
  client_kill (pair.alice, pair.alices);
  g_assert_cmpint (client_number (pair.alice, "SELECT count (*) FROM held"), ==, 50);
  client_start (pair.alice);
  connect_with (pair.alice->engine, pair.alice_id, "secret");
  SESSION_WAIT (pair.alice->gaps == 1);
  SESSION_WAIT (pair.alice->gaps == 0);
  settle_alice (&pair);
  client_stop (pair.alice);
  g_assert_cmpint (client_number (pair.alice, "SELECT count (*) FROM held"), ==, 0);
  g_assert_cmpint (client_number (pair.alice, "SELECT count (*) FROM messages WHERE encryption = 1"), ==, LETTERS);
  g_assert_cmpint (client_number (pair.alice, "SELECT count (*) FROM messages"), ==, LETTERS);
  g_assert_cmpint (client_number (pair.alice, "SELECT count (*) FROM (SELECT text, lag (text) OVER (ORDER BY time_us, id) AS before "
                                              "FROM messages) WHERE before > text"), ==, 0);
  pair_tear_down (&pair);
}

/* What stays unreadable is shown as that when the gap is closed, in its place; until then no new session is begun for it. */
static void
test_held_unreadable (void)
{
  Pair             pair = { NULL };
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *broken = NULL;
  char            *payload;
  guint            pages;

  pair_set_up (&pair);
  first = pair_encrypt (&pair, "first");
  second = pair_encrypt (&pair, "second");
  broken = g_strdup (second);
  /* The key of the payload, changed on the way: its check fails. */
  payload = strstr (broken, "<key");
  payload = strchr (payload, '>') + 60;
  *payload = *payload == 'A' ? 'B' : 'A';
  client_stop (pair.alice);
  client_exec (pair.alice, "UPDATE accounts SET archive_id = ''");
  archive_letter (&pair, 1, first);
  archive_letter (&pair, 2, "<body>text 2</body>");
  archive_letter (&pair, 3, broken);
  archive_letter (&pair, 4, "<body>text 4</body>");
  pages = session_server_get_pages (pair.alices);
  session_server_set_pages (pair.alices, 2, pages + 2);
  session_server_set_cut (pair.alices, SESSION_SERVER_CUT_SILENT);
  session_server_clear (pair.alices);
  client_start (pair.alice);
  connect_with (pair.alice->engine, pair.alice_id, "secret");
  settle_alice (&pair);
  g_assert_nonnull (client_find (pair.alice, "text 4"));
  g_assert_cmpuint (g_hash_table_size (pair.alice->messages), ==, 1);
  g_assert_false (begins_session (&pair));
  client_kill (pair.alice, pair.alices);
  g_assert_cmpint (client_number (pair.alice, "SELECT count (*) FROM held"), ==, 1);
  client_start (pair.alice);
  connect_with (pair.alice->engine, pair.alice_id, "secret");
  settle_alice (&pair);
  SESSION_WAIT (begins_session (&pair));
  client_stop (pair.alice);
  g_assert_cmpint (client_number (pair.alice, "SELECT count (*) FROM messages"), ==, 4);
  g_assert_cmpint (client_number (pair.alice, "SELECT count (*) FROM messages WHERE archive_id = 'a0003' AND encryption = 2"), ==, 1);
  g_assert_cmpint (client_number (pair.alice, "SELECT count (*) FROM (SELECT archive_id, lag (archive_id) OVER (ORDER BY time_us, id) AS before "
                                              "FROM messages) WHERE before > archive_id"), ==, 0);
  pair_tear_down (&pair);
}

/* A letter comes live before it is known whether older ones are missing. */
static void
test_held_live (void)
{
  Pair             pair = { NULL };
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *live = NULL;
  char            *key;

  pair_set_up (&pair);
  first = pair_encrypt (&pair, "first");
  second = pair_encrypt (&pair, "second");
  key = strstr (second, "<key");
  key = strchr (key, '>') + 60;
  *key = *key == 'A' ? 'B' : 'A';
  client_stop (pair.alice);
  client_exec (pair.alice, "UPDATE accounts SET archive_id = ''");
  archive_letter (&pair, 1, first);
  session_server_set_pages (pair.alices, 2, session_server_get_pages (pair.alices) + 1);
  session_server_set_cut (pair.alices, SESSION_SERVER_CUT_SILENT);
  session_server_clear (pair.alices);
  client_start (pair.alice);
  connect_with (pair.alice->engine, pair.alice_id, "secret");
  settle_alice (&pair);
  live = g_strdup_printf ("<message from='bob@a.test/x' to='alice@a.test' type='chat' id='live'>%s<stanza-id xmlns='urn:xmpp:sid:0' "
                          "by='alice@a.test' id='a0002'/></message>", second);
  session_server_send (pair.alices, live);
  settle_alice (&pair);
  g_assert_cmpuint (g_hash_table_size (pair.alice->messages), ==, 0);
  g_assert_false (begins_session (&pair));
  client_kill (pair.alice, pair.alices);
  archive_letter (&pair, 2, second);
  client_start (pair.alice);
  connect_with (pair.alice->engine, pair.alice_id, "secret");
  settle_alice (&pair);
  client_stop (pair.alice);
  g_assert_cmpint (client_number (pair.alice, "SELECT count (*) FROM messages"), ==, 2);
  g_assert_cmpint (client_number (pair.alice, "SELECT count (*) FROM messages WHERE archive_id = 'a0002' AND encryption = 2"), ==, 1);
  g_assert_cmpint (client_number (pair.alice, "SELECT count (*) FROM held"), ==, 0);
  pair_tear_down (&pair);
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

  ADD ("expired/time-ahead", test_time_ahead);
#define ADD_INT(path, function, number) g_test_add ("/archive/" path, Fixture, GINT_TO_POINTER (number), set_up, function, tear_down)
  ADD_INT ("nothing-to-take/newest", test_nothing_to_take, 2);
  ADD_INT ("nothing-to-take/older", test_nothing_to_take, 3);
  ADD ("hold", test_hold);
  ADD ("chat-in-gap", test_chat_in_gap);
  ADD ("new-device", test_new_device);
  ADD ("history/nothing-to-show", test_empty_history);
  ADD ("history/around", test_around);
  ADD ("history/place-lost", test_history_place_lost);
  ADD ("cleared", test_cleared);
  ADD_INT ("look/there", test_look, 0);
  ADD_INT ("look/above", test_look, 1);
  ADD_INT ("look/absence", test_look, 2);
  ADD_INT ("look/above-absence", test_look, 3);
  ADD ("order/one-second", test_one_second);
  ADD ("order/echoed", test_echoed);
  ADD ("order/vague", test_vague);
  ADD ("order/late-behind", test_late_behind);
  ADD ("order/place-gone", test_place_gone);
  ADD ("order/crossed", test_crossed);
  ADD_INT ("order/sent-again", test_sent_again, 1);
  ADD_INT ("order/passed", test_sent_again, 0);
  ADD_INT ("order/future", test_future, FALSE);
  ADD_INT ("order/future-timeless", test_future, TRUE);
  ADD_INT ("order/clock-right", test_wrong_clock, 0);
  ADD_INT ("order/clock-behind", test_wrong_clock, 12);
  ADD_INT ("order/clock-ahead", test_wrong_clock, -5);
  ADD_INT ("unread/clock-right", test_unread, 0);
  ADD_INT ("unread/clock-behind", test_unread, 12);
  ADD_INT ("unread/clock-ahead", test_unread, -5);
  g_test_add_func ("/archive/held/far", test_held_far);
  g_test_add_func ("/archive/held/unreadable", test_held_unreadable);
  g_test_add_func ("/archive/held/live", test_held_live);

  return g_test_run ();
}
