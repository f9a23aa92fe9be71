/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "bench-server.h"
#include "bench.h"

#include "base/tess-thread.h"
#include "model/tess-client.h"
#include "engine/tess-event.h"
#include "store/tess-store-private.h"

#include <expat.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* 10,000 messages out of a server's archive into SQLite and the model, with one chat's timeline open; and how long the main loop did
 * not come round meanwhile. The limit: the same bytes through expat and the same texts into one bare table of the same database. */

#define MESSAGES 10000
#define PAGE 100
#define ROUNDS 5

#define ALICE "alice@a.test"
#define MAIN_PEER "bob0@b.test"

typedef struct
{
  BenchServer *server;
  GPtrArray   *archive; /* of XML */
  gint64       first_us;
  char        *folder;
} Fixture;

/* Half of them in one chat, the others in twenty; a third is ours, from another device. */
static GPtrArray *
write_archive (void)
{
  GPtrArray *archive = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < MESSAGES; i++)
    {
      guint            peer = i % 2 == 0 ? 0 : i / 2 % 20 + 1;
      gboolean         ours = i % 3 == 0;
      g_autofree char *them = g_strdup_printf ("bob%u@b.test%s", peer, ours ? "" : "/phone");

      g_ptr_array_add (archive,
                       g_strdup_printf ("<message xmlns='jabber:client' from='%s' to='%s' type='chat' id='m-%08x-4711'>"
                                        "<body>The %u. time: shall we meet at the caf\303\251 &amp; walk along the river at five? "
                                        "Bring the book.</body><request xmlns='urn:xmpp:receipts'/>"
                                        "<markable xmlns='urn:xmpp:chat-markers:0'/>"
                                        "<active xmlns='http://jabber.org/protocol/chatstates'/>"
                                        "<origin-id xmlns='urn:xmpp:sid:0' id='m-%08x-4711'/>"
                                        "<stanza-id xmlns='urn:xmpp:sid:0' by='" ALICE "' id='a-%08u'/></message>",
                                        ours ? ALICE "/phone" : them, ours ? them : ALICE, i, i, i, i));
    }
  return archive;
}

/* ---- Ours ---- */

static void
make_database (Fixture *self, const char *path)
{
  g_autoptr (TessAccountRecord)      account = tess_account_record_new (ALICE);
  g_autoptr (TessConversationRecord) conversation = NULL;
  g_autoptr (GError)                 error = NULL;
  TessStore                         *store;

  tess_thread_set_role (TESS_THREAD_ENGINE);
  store = tess_store_open (path, &error);
  g_assert_no_error (error);
  account->host = g_strdup ("127.0.0.1");
  account->port = bench_server_get_port (self->server);
  account->tls = TESS_ACCOUNT_TLS_STARTTLS;
  account->archive_id = g_strdup (""); /* it was here before: all of the archive is news */
  tess_store_add_account (store, account, &error);
  g_assert_no_error (error);
  conversation = tess_store_open_conversation (store, account->id, MAIN_PEER, NULL, &error);
  g_assert_no_error (error);
  tess_store_close (store);
  tess_thread_set_role (TESS_THREAD_MAIN);
}

static void
check_database (const char *path)
{
  g_autoptr (GError) error = NULL;
  gint64             stored = 0;
  TessStore         *store;

  tess_thread_set_role (TESS_THREAD_ENGINE);
  store = tess_store_open (path, &error);
  g_assert_no_error (error);
  g_assert_true (tess_store_number (store, "SELECT count (DISTINCT archive_id) FROM messages WHERE text LIKE 'The %'", &stored, &error));
  g_assert_cmpint (stored, ==, MESSAGES);
  tess_store_close (store);
  tess_thread_set_role (TESS_THREAD_MAIN);
}

static void
event_cb (TessClient *client, const TessEvent *event, guint *taken)
{
  if (event->type == TESS_EVENT_MESSAGES)
    *taken += event->messages->len;
}

static double
cpu_seconds (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static TessConversation *
find_main_peer (TessClient *client)
{
  GListModel *list = G_LIST_MODEL (tess_client_get_conversations (client));

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (TessConversation) conversation = g_list_model_get_item (list, i);

      if (g_str_equal (tess_conversation_get_address (conversation), MAIN_PEER))
        return conversation;
    }
  g_assert_not_reached ();
}

static void
measure_ours (Fixture *self, double *wall, double *cpu)
{
  g_autofree char         *path = g_build_filename (self->folder, "tessera.db", NULL);
  g_autofree char         *ca_file = g_build_filename (g_getenv ("TESS_TEST_CERTIFICATES"), "ca.pem", NULL);
  g_autoptr (TessClient)   client = NULL;
  g_autoptr (TessTimeline) timeline = NULL;
  TessCredentials          credentials = { .password = (char *) "secret" };
  guint                    taken = 0;
  double                   cpu_before;

  make_database (self, path);
  bench_server_reset (self->server);
  client = tess_client_new (self->folder, ca_file, NULL);
  g_signal_connect (client, "event", G_CALLBACK (event_cb), &taken);
  tess_client_start (client);
  while (tess_client_get_state (client) != TESS_CLIENT_READY)
    g_main_context_iteration (NULL, TRUE);
  timeline = tess_conversation_open_timeline (find_main_peer (client));
  while (tess_timeline_get_loading (timeline))
    g_main_context_iteration (NULL, TRUE);
  tess_account_connect (tess_client_find_account (client, ALICE), &credentials, FALSE);
  while (bench_server_get_asked (self->server) == 0)
    g_main_context_iteration (NULL, TRUE);

  cpu_before = cpu_seconds ();
  bench_watch_loop ();
  while (taken < MESSAGES)
    g_main_context_iteration (NULL, TRUE);
  *wall = MESSAGES / ((double) (bench_now_ns () - bench_server_get_asked (self->server)) / 1e9);
  *cpu = MESSAGES / (cpu_seconds () - cpu_before);

  g_assert_cmpuint (taken, ==, MESSAGES);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (timeline)), >=, PAGE / 2); /* the newest; what is older, when somebody scrolls there */
  tess_client_stop (client);
  check_database (path);
}

/* ---- The limit ---- */

static void
text_cb (void *data, const XML_Char *text, int length)
{
  *(gsize *) data += (gsize) length;
}

static double
measure_bare (Fixture *self)
{
  g_autofree char    *path = g_build_filename (self->folder, "bare.db", NULL);
  g_autoptr (GString) bytes = g_string_new ("<stream xmlns='jabber:client'>");
  g_autoptr (GError)  error = NULL;
  XML_Parser          expat = XML_ParserCreateNS ("UTF-8", '\001');
  gsize               length = 0;
  sqlite3_stmt       *insert = NULL;
  TessStore          *store;
  gint64              start;
  double              seconds;

  bench_server_write_page (bytes, ALICE, "00112233445566778899", self->archive, 0, MESSAGES, self->first_us);
  tess_thread_set_role (TESS_THREAD_ENGINE);
  store = tess_store_open (path, &error);
  g_assert_no_error (error);
  tess_store_exec (store, "CREATE TABLE bare (id INTEGER PRIMARY KEY, archive_id TEXT UNIQUE, time INTEGER, text TEXT)", &error);
  g_assert_no_error (error);
  g_assert_cmpint (sqlite3_prepare_v2 (store->db, "INSERT INTO bare (archive_id, time, text) VALUES (?1, ?2, ?3)", -1, &insert, NULL),
                   ==, SQLITE_OK);

  start = bench_now_ns ();
  XML_SetUserData (expat, &length);
  XML_SetCharacterDataHandler (expat, text_cb);
  for (gsize done = 0; done < bytes->len; done += 16384)
    g_assert_cmpint (XML_Parse (expat, bytes->str + done, (int) MIN (16384, bytes->len - done), 0), ==, XML_STATUS_OK);
  for (guint i = 0; i < MESSAGES; i++)
    {
      char id[16];

      if (i % PAGE == 0)
        sqlite3_exec (store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
      g_snprintf (id, sizeof id, "a-%08u", i);
      sqlite3_bind_text (insert, 1, id, -1, SQLITE_STATIC);
      sqlite3_bind_int64 (insert, 2, self->first_us + i);
      sqlite3_bind_text (insert, 3, g_ptr_array_index (self->archive, i), 120, SQLITE_STATIC);
      g_assert_cmpint (sqlite3_step (insert), ==, SQLITE_DONE);
      sqlite3_reset (insert);
      if (i % PAGE == PAGE - 1)
        sqlite3_exec (store->db, "COMMIT", NULL, NULL, NULL);
    }
  seconds = (double) (bench_now_ns () - start) / 1e9;

  g_assert_cmpuint (length, >, MESSAGES);
  sqlite3_finalize (insert);
  XML_ParserFree (expat);
  tess_store_close (store);
  tess_thread_set_role (TESS_THREAD_MAIN);
  return MESSAGES / seconds;
}

static double
median (GArray *values)
{
  return bench_quantile (values, 0.5);
}

int
main (void)
{
  Fixture            fixture = { 0 };
  g_autoptr (GArray) walls = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) cpus = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) limits = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) spins = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) p99s = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) maxima = g_array_new (FALSE, FALSE, sizeof (double));

  g_assert_nonnull (g_getenv ("TESS_TEST_CERTIFICATES"));
  alarm (300); /* whatever hangs */
  fixture.archive = write_archive ();
  fixture.first_us = g_get_real_time () - (gint64) MESSAGES * G_USEC_PER_SEC;
  fixture.server = bench_server_new (ALICE, fixture.archive, fixture.first_us);
  tess_thread_set_role (TESS_THREAD_MAIN);
  for (guint round = 0; round < bench_rounds (ROUNDS); round++)
    {
      double wall, cpu, limit, spin, p99, longest;

      fixture.folder = bench_folder_new ();
      spin = bench_measure_spin ();
      limit = measure_bare (&fixture);
      measure_ours (&fixture, &wall, &cpu);
      p99 = bench_quantile (bench_stalls (), 0.99);
      longest = bench_quantile (bench_stalls (), 1);
      bench_leave_loop ();
      bench_folder_remove (fixture.folder);
      g_free (fixture.folder);

      g_array_append_val (walls, wall);
      g_array_append_val (cpus, cpu);
      g_array_append_val (limits, limit);
      g_array_append_val (spins, spin);
      g_array_append_val (p99s, p99);
      g_array_append_val (maxima, longest);
    }
  bench_server_free (fixture.server);

  bench_report (&(BenchResult){ "archive-import", median (walls), "messages/s", median (limits), NAN, BENCH_VALUE_AT_LEAST, 10000 });
  bench_report (&(BenchResult){ "archive-import-cpu", median (cpus), "messages/CPU s", NAN, NAN, BENCH_NO_TARGET, 0 });
  bench_report (&(BenchResult){ "archive-import-stall-p99", median (p99s), "ms", median (spins), NAN, BENCH_VALUE_BELOW, 16 });
  bench_report (&(BenchResult){ "archive-import-stall-max", bench_quantile (maxima, 1), "ms", bench_quantile (spins, 1), NAN,
                                BENCH_VALUE_BELOW, 50 });
  g_ptr_array_unref (fixture.archive);
  return 0;
}
