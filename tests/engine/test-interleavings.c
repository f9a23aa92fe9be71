/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-pair.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One message each, which reaches the client live, as a copy, out of the archive and on a resumed stream, as often as chance wants it, over
 * cuts, sessions that are resumed or lost, and ends of the process in order and not. In the end it is there once, as what it was, in the
 * order of the archive. Two messages of the same text are two. */

#define SEEDS 15
#define ACTIONS 14
#define TOGETHER 12 /* so many seeds have one database */

static int      seeds = SEEDS;
static gint64   first_seed = 1;
static gboolean verbose;
static char     replay[128];

typedef struct
{
  char    *text;
  char    *peer;
  gboolean outgoing;
  gboolean mine;     /* this client sent it */
  char    *live;     /* nullable: as it comes live */
  char    *copy;     /* …or as a carbon */
} Said;

typedef struct
{
  Pair       pair;
  GRand     *rand;
  guint      seed;
  GPtrArray *said; /* of Said, in the order of the archive but for those that are ours */
  guint      carols; /* messages from Carol on this database */
  gboolean   online; /* as far as the test has seen to it */
} World;

static void
said_free (gpointer data)
{
  Said *self = data;

  g_free (self->text);
  g_free (self->peer);
  g_free (self->live);
  g_free (self->copy);
  g_free (self);
}

static void G_GNUC_PRINTF (1, 2)
say (const char *format, ...)
{
  va_list args;

  if (!verbose)
    return;
  va_start (args, format);
  vprintf (format, args);
  va_end (args);
  fflush (stdout);
}

static int
chance (World *self, int end)
{
  return g_rand_int_range (self->rand, 0, end);
}

/* ---- Being there ---- */

static void
settle (World *self)
{
  Pair *pair = &self->pair;
  guint pages;

  SESSION_WAIT (client_state (pair->alice, pair->alice_id) == TESS_CONNECTION_ONLINE);
  do
    {
      pages = session_server_get_pages (pair->alices);
      for (guint i = 0; i < 3; i++)
        client_sync (pair->alice, pair->alice_id, pair->alices);
    }
  while (session_server_get_pages (pair->alices) != pages);
}

static void
go_online (World *self, gboolean all)
{
  Pair *pair = &self->pair;

  if (pair->alice->engine == NULL)
    client_start (pair->alice);
  connect_with (pair->alice->engine, pair->alice_id, "secret");
  SESSION_WAIT (client_state (pair->alice, pair->alice_id) == TESS_CONNECTION_ONLINE);
  if (all)
    settle (self);
  self->online = TRUE;
}

static void
cut (World *self)
{
  Pair *pair = &self->pair;

  session_server_cut (pair->alices);
  SESSION_WAIT (client_state (pair->alice, pair->alice_id) != TESS_CONNECTION_ONLINE);
  self->online = FALSE;
}

/* ---- What is said ---- */

/* A few texts are enough for some to be equal. */
static char *
choose_text (World *self)
{
  return g_strdup_printf ("s%u %d", self->seed, chance (self, 5));
}

static void
build_copies (Said *said, const char *xml, const char *id)
{
  g_autofree char *stamped = g_strndup (xml, strlen (xml) - strlen ("</message>"));

  said->live = g_strdup_printf ("%s<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='%s'/></message>", stamped, id);
  said->copy = g_strdup_printf ("<message xmlns='jabber:client' from='alice@a.test' to='alice@a.test/r1'><%s xmlns='urn:xmpp:carbons:2'>"
                                "<forwarded xmlns='urn:xmpp:forward:0'>%s</forwarded></%s></message>",
                                said->outgoing ? "sent" : "received", said->live, said->outgoing ? "sent" : "received");
}

static void
send_copy (World *self, const Said *said)
{
  gboolean live = !said->outgoing && chance (self, 3) > 0;

  session_server_send (self->pair.alices, live ? said->live : said->copy);
}

static void
happen (World *self)
{
  Said            *said = g_new0 (Said, 1);
  int              kind = chance (self, 4);
  g_autofree char *content = NULL;
  g_autofree char *xml = NULL;
  g_autofree char *id = NULL;

  said->text = choose_text (self);
  said->peer = g_strdup (kind == 0 ? "carol@c.test" : "bob@a.test");
  said->outgoing = kind == 1;
  content = kind == 2 ? pair_encrypt (&self->pair, said->text) : g_strdup_printf ("<body>%s</body>", said->text);
  if (said->outgoing)
    xml = g_strdup_printf ("<message xmlns='jabber:client' from='alice@a.test/other' to='%s' type='chat' id='o%u-%d'>%s</message>", said->peer,
                           self->seed, chance (self, 1000000), content);
  else
    xml = g_strdup_printf ("<message xmlns='jabber:client' from='%s/x' to='alice@a.test' type='chat' id='i%d'>%s</message>", said->peer,
                           kind == 2 ? chance (self, 1000000) : chance (self, 3), content);
  id = session_server_archive_next (self->pair.alices, xml);
  build_copies (said, xml, id);
  self->carols += kind == 0;
  say ("  %s %s %s %s\n", id, said->outgoing ? "other device" : kind == 2 ? "encrypted" : "plain", said->peer, said->text);
  g_ptr_array_add (self->said, said);
  send_copy (self, said);
}

static void
again (World *self)
{
  const Said *said;

  if (self->said->len == 0)
    return;
  said = g_ptr_array_index (self->said, chance (self, (int) self->said->len));
  if (said->mine)
    return;
  say ("  again %s\n", said->text);
  send_copy (self, said);
}

static void
send_mine (World *self)
{
  Pair  *pair = &self->pair;
  Said  *said = g_new0 (Said, 1);
  gint64 conversation = client_open (pair->alice, pair->alice_id, "bob@a.test");

  said->text = g_strdup_printf ("s%u mine %u", self->seed, self->said->len);
  said->peer = g_strdup ("bob@a.test");
  said->outgoing = said->mine = TRUE;
  say ("  mine %s%s\n", said->text, self->online ? "" : " (offline)");
  g_ptr_array_add (self->said, said);
  client_send (pair->alice, conversation, said->text);
}

/* ---- What goes wrong ---- */

static void
end_process (World *self)
{
  Pair    *pair = &self->pair;
  gboolean kill = chance (self, 3) > 0;

  say ("  %s\n", kill ? "killed" : "stopped");
  if (kill && self->online)
    {
      settle (self);
      client_kill (pair->alice, pair->alices);
    }
  else
    client_stop (pair->alice);
  self->online = FALSE;
  client_start (pair->alice);
}

static void
be_away (World *self)
{
  Pair *pair = &self->pair;

  if (chance (self, 2) == 0)
    end_process (self);
  else
    {
      say ("  cut\n");
      cut (self);
    }
  for (int i = chance (self, 4); i > 0; i--)
    switch (chance (self, 5))
      {
      case 0:
        send_mine (self);
        break;
      case 1:
        end_process (self);
        break;
      default:
        happen (self);
      }
  if (chance (self, 2) == 0)
    {
      say ("  the session is lost\n");
      session_server_forget_session (pair->alices);
    }
}

static void
act (World *self)
{
  Pair *pair = &self->pair;

  switch (chance (self, 9))
    {
    case 0:
      be_away (self);
      /* A page that is not answered: what follows happens while a gap is open. */
      session_server_set_pages (pair->alices, 1 + (guint) chance (self, 4),
                                chance (self, 2) == 0 ? session_server_get_pages (pair->alices) + 1 + (guint) chance (self, 3) : 0);
      session_server_set_cut (pair->alices, SESSION_SERVER_CUT_SILENT);
      go_online (self, chance (self, 2) == 0);
      break;
    case 1:
      session_server_set (pair->alices, SESSION_SERVER_USUAL & ~(chance (self, 2) == 0 ? SESSION_SERVER_ACKS : 0));
      break;
    case 2:
      again (self);
      break;
    case 3:
      send_mine (self);
      break;
    case 4:
      settle (self);
      break;
    default:
      happen (self);
    }
}

/* ---- What is there in the end ---- */

static void
assert_number (World *self, const char *what, gint64 wanted, const char *sql)
{
  gint64 number = client_number (self->pair.alice, sql);

  if (number != wanted)
    g_error ("%s: %" G_GINT64_FORMAT " instead of %" G_GINT64_FORMAT ": %s (%s)", what, number, wanted, sql, self->pair.alice->database);
}

static void
assert_sequence (World *self, const char *peer, gboolean mine)
{
  g_autoptr (GString) wanted = g_string_new (NULL);
  g_autofree char    *sql = NULL;

  for (guint i = 0; i < self->said->len; i++)
    {
      const Said *said = g_ptr_array_index (self->said, i);

      if (g_str_equal (said->peer, peer) && said->mine == mine)
        g_string_append_printf (wanted, "%s:%d,", said->text, said->outgoing);
    }
  sql = g_strdup_printf ("SELECT coalesce (group_concat (t, ''), '') = '%s' FROM (SELECT m.text || ':' || m.direction || ',' AS t FROM messages m "
                         "JOIN conversations c ON c.id = m.conversation_id WHERE c.peer = '%s' AND m.text LIKE 's%u %%' AND "
                         "(m.text LIKE '%%mine%%') = %d ORDER BY m.time_us, m.id)", wanted->str, peer, self->seed, mine);
  assert_number (self, peer, 1, sql);
}

static void
look (World *self)
{
  Pair            *pair = &self->pair;
  g_autofree char *sql = NULL;

  client_stop (pair->alice);
  self->online = FALSE;
  assert_sequence (self, "bob@a.test", FALSE);
  assert_sequence (self, "carol@c.test", FALSE);
  assert_sequence (self, "bob@a.test", TRUE);
  sql = g_strdup_printf ("SELECT count (*) FROM messages WHERE text LIKE 's%u %%'", self->seed);
  assert_number (self, "rows", self->said->len, sql);
  assert_number (self, "unreadable", 0, "SELECT count (*) FROM messages WHERE text IS NULL");
  assert_number (self, "gaps", 0, "SELECT count (*) FROM gaps");
  assert_number (self, "held", 0, "SELECT count (*) FROM held");
  assert_number (self, "outbox", 0, "SELECT count (*) FROM outbox");
  assert_number (self, "unread of Carol's", self->carols, "SELECT coalesce (sum (unread), 0) FROM conversations WHERE peer = 'carol@c.test'");
  assert_number (self, "unread", 0, "SELECT count (*) FROM conversations WHERE unread <> (SELECT count (*) FROM messages m WHERE "
                                    "m.conversation_id = conversations.id AND m.direction = 0 AND (m.time_us, m.id) > (read_time_us, read_id))");
  assert_number (self, "of one id", 0, "SELECT count (*) FROM messages m JOIN messages n ON m.stanza_id = n.stanza_id AND m.id < n.id "
                                       "AND m.direction = 1 AND n.direction = 1");
}

/* The server has each of ours once. */
static void
look_at_server (World *self)
{
  Client        *alice = self->pair.alice;
  GHashTableIter iter;
  gpointer       value;

  g_hash_table_iter_init (&iter, alice->messages);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const TessMessageRecord *message = value;
      g_autofree char         *id = g_strdup_printf ("id='%s'", message->stanza_id);

      if (message->text == NULL || strstr (message->text, "mine") == NULL)
        continue;
      if (session_server_count_archived (self->pair.alices, id) != 1)
        g_error ("%s is %u times in the archive", message->text, session_server_count_archived (self->pair.alices, id));
    }
}

static void
abort_cb (int number)
{
  G_GNUC_UNUSED gssize written = write (STDOUT_FILENO, replay, strlen (replay));

  signal (number, SIG_DFL);
  raise (number);
}

static void
begin_world (World *self)
{
  pair_set_up (&self->pair);
  client_stop (self->pair.alice);
  client_exec (self->pair.alice, "UPDATE accounts SET archive_id = ''");
  session_server_keep (self->pair.alices);
  self->carols = 0;
}

static void
run (World *self)
{
  Pair *pair = &self->pair;

  say ("seed %u\n", self->seed);
  self->rand = g_rand_new_with_seed (self->seed);
  self->said = g_ptr_array_new_with_free_func (said_free);
  g_hash_table_remove_all (pair->alice->messages);
  session_server_set (pair->alices, SESSION_SERVER_USUAL);
  go_online (self, TRUE);
  for (guint i = 0; i < ACTIONS; i++)
    act (self);

  /* Now nothing goes wrong any more. */
  settle (self);
  session_server_set_pages (pair->alices, 1 + (guint) chance (self, 20), 0);
  session_server_set (pair->alices, SESSION_SERVER_USUAL);
  client_kill (pair->alice, pair->alices);
  if (chance (self, 2) == 0)
    session_server_forget_session (pair->alices);
  go_online (self, TRUE);
  SESSION_WAIT (pair->alice->gaps == 0);
  settle (self);
  look_at_server (self);
  look (self);
  session_server_clear (pair->alices);
  g_ptr_array_unref (self->said);
  g_rand_free (self->rand);
}

static void
test_interleavings (void)
{
  World world = { 0 };

  signal (SIGABRT, abort_cb);
  signal (SIGTRAP, abort_cb);
  for (int i = 0; i < seeds; i++)
    {
      gint64 seed = first_seed + i;
      gint64 begun = seed - i % TOGETHER;

      world.seed = (guint) seed;
      snprintf (replay, sizeof replay, "# again with --seed %" G_GINT64_FORMAT " --seeds %d --verbose\n", begun, (int) (seed - begun) + 1);
      if (i % TOGETHER == 0)
        begin_world (&world);
      run (&world);
      if (i % TOGETHER == TOGETHER - 1 || i == seeds - 1)
        pair_tear_down (&world.pair);
    }
}

int
main (int argc, char **argv)
{
  const GOptionEntry entries[] = {
    { "seeds", 0, 0, G_OPTION_ARG_INT, &seeds, "How many", "N" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &first_seed, "The first of them", "N" },
    { "verbose", 0, 0, G_OPTION_ARG_NONE, &verbose, "Say what happens", NULL },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError)         error = NULL;

  /* Before GLib takes its own from it. */
  g_option_context_set_ignore_unknown_options (context, TRUE);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    g_error ("%s", error->message);
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_test_add_func ("/interleavings", test_interleavings);

  return g_test_run ();
}
