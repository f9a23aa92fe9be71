/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "bench-letters.h"
#include "bench-server.h"
#include "bench.h"

#include "base/tess-thread.h"
#include "engine/tess-event.h"
#include "model/tess-client.h"
#include "store/tess-store-private.h"

#include <malloc.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* 100,000 messages out of a server's archive, half of them OMEMO by some thirty devices, into SQLite and the model, with one chat's
 * timeline open: the newest page first, then what lies before it from its newer end. Once more 20,000 of them with a round trip of 50 ms.
 * The limit for what is open: a thread that only looks at the clock. */

#define MESSAGES 100000
#define MESSAGES_FAR 20000
#define FAR_MS 50
#define OPEN_PEER "friend7@b.test" /* in plain */

typedef struct
{
  double wall; /* seconds, from the first question */
  double cpu;
  double screen; /* milliseconds from the first question to the newest messages of the open chat */
  double stall_p99;
  double stall_max;
  double memory_start; /* MiB */
  double memory_end;
  guint  pages;
} Measured;

/* MiB that are this process's alone. */
static double
measure_memory (void)
{
  g_autofree char *text = NULL;
  double           total = 0;

  malloc_trim (0);
  g_assert_true (g_file_get_contents ("/proc/self/smaps_rollup", &text, NULL, NULL));
  for (const char *at = text; (at = strstr (at, "\nPrivate_")) != NULL; at++)
    total += g_ascii_strtod (strchr (at, ':') + 1, NULL) / 1024;
  return total;
}

static double
cpu_seconds (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- Databases ---- */

static void
make_database (const char *base, const char *path, guint16 port)
{
  g_autofree char   *sql = g_strdup_printf ("UPDATE accounts SET port = %u", port);
  g_autoptr (GError) error = NULL;
  TessStore         *store;

  bench_copy_file (base, path);
  tess_thread_set_role (TESS_THREAD_ENGINE);
  store = tess_store_open (path, &error);
  g_assert_no_error (error);
  tess_store_exec (store, sql, &error);
  g_assert_no_error (error);
  tess_store_open_conversation (store, 1, OPEN_PEER, NULL, &error);
  g_assert_no_error (error);
  tess_store_close (store);
  tess_thread_set_role (TESS_THREAD_MAIN);
}

static void
check_database (const char *path, guint count, guint encrypted)
{
  static const struct
  {
    const char *sql;
    gboolean    encrypted;
  } counts[] = {
    { "SELECT count (DISTINCT archive_id) FROM messages WHERE text LIKE 'The %'", FALSE },
    { "SELECT count (*) FROM messages", FALSE },
    { "SELECT count (*) FROM messages WHERE encryption = 1", TRUE },
  };
  g_autoptr (GError) error = NULL;
  TessStore         *store;

  tess_thread_set_role (TESS_THREAD_ENGINE);
  store = tess_store_open (path, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      gint64 stored = 0;

      g_assert_true (tess_store_number (store, counts[i].sql, &stored, &error));
      g_assert_cmpint (stored, ==, counts[i].encrypted ? encrypted : count);
    }
  tess_store_close (store);
  tess_thread_set_role (TESS_THREAD_MAIN);
}

/* ---- Ours ---- */

static void
event_cb (TessClient *client, const TessEvent *event, guint *taken)
{
  if (event->type == TESS_EVENT_MESSAGES)
    for (guint i = 0; i < event->messages->len; i++)
      {
        const TessMessageRecord *message = g_ptr_array_index (event->messages, i);

        if (message->encryption == TESS_ENCRYPTION_UNREADABLE)
          g_error ("A letter of %s to %s (%s) cannot be read: %s", message->from, message->peer, message->stanza_id, message->error);
        (*taken)++;
      }
  if (event->type == TESS_EVENT_PROBLEM)
    g_error ("%s", event->error->message);
}

static TessConversation *
find_open_peer (TessClient *client)
{
  GListModel *list = G_LIST_MODEL (tess_client_get_conversations (client));

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (TessConversation) conversation = g_list_model_get_item (list, i);

      if (g_str_equal (tess_conversation_get_address (conversation), OPEN_PEER))
        return conversation;
    }
  g_assert_not_reached ();
}

static void
run_until_all (Measured *found, BenchServer *server, TessTimeline *timeline, const guint *taken, guint count)
{
  double cpu;

  while (bench_server_get_asked (server) == 0)
    g_main_context_iteration (NULL, TRUE);
  cpu = cpu_seconds ();
  found->memory_start = measure_memory ();
  bench_watch_loop ();
  while (*taken < count)
    {
      g_main_context_iteration (NULL, TRUE);
      if (found->screen == 0 && g_list_model_get_n_items (G_LIST_MODEL (timeline)) > 0)
        found->screen = (double) (bench_now_ns () - bench_server_get_asked (server)) / 1e6;
    }
  found->wall = (double) (bench_now_ns () - bench_server_get_asked (server)) / 1e9;
  found->cpu = cpu_seconds () - cpu;
  found->pages = bench_server_get_pages (server);
  found->stall_p99 = bench_quantile (bench_stalls (), 0.99);
  found->stall_max = bench_quantile (bench_stalls (), 1);
  bench_leave_loop ();
  found->memory_end = measure_memory ();
}

static Measured
measure (guint count, guint delay_ms)
{
  g_autofree char         *folder = bench_folder_new ();
  g_autofree char         *path = g_build_filename (folder, "tessera.db", NULL);
  g_autofree char         *ca_file = g_build_filename (g_getenv ("TESS_TEST_CERTIFICATES"), "ca.pem", NULL);
  g_autoptr (TessClient)   client = NULL;
  g_autoptr (TessTimeline) timeline = NULL;
  TessCredentials          credentials = { .password = (char *) "secret" };
  Measured                 found = { 0 };
  BenchServer             *server;
  Letters                 *letters;
  guint                    encrypted;
  guint                    taken = 0;

  tess_thread_set_role (TESS_THREAD_ENGINE);
  letters = letters_new (folder, count);
  encrypted = letters->encrypted;
  tess_thread_set_role (TESS_THREAD_MAIN);
  server = bench_server_new (LETTERS_ALICE, letters->archive, letters->first_us);
  bench_server_set_delay (server, delay_ms);
  make_database (letters->base, path, bench_server_get_port (server));
  letters_free (letters); /* the server has its own */

  client = tess_client_new (folder, ca_file, NULL);
  g_signal_connect (client, "event", G_CALLBACK (event_cb), &taken);
  tess_client_start (client);
  while (tess_client_get_state (client) != TESS_CLIENT_READY)
    g_main_context_iteration (NULL, TRUE);
  timeline = tess_conversation_open_timeline (find_open_peer (client));
  while (tess_timeline_get_loading (timeline))
    g_main_context_iteration (NULL, TRUE);
  tess_account_connect (tess_client_find_account (client, LETTERS_ALICE), &credentials, FALSE);
  run_until_all (&found, server, timeline, &taken, count);
  tess_client_stop (client);
  check_database (path, count, encrypted);
  bench_server_free (server);
  bench_folder_remove (folder);
  return found;
}

static guint
how_many (guint usual)
{
  const char *wanted = g_getenv ("TESS_BENCH_MESSAGES");

  return wanted != NULL ? (guint) atoi (wanted) : usual;
}

static void
measure_near (void)
{
  guint    count = how_many (MESSAGES);
  double   spin = bench_measure_spin ();
  Measured near = measure (count, 0);

  bench_report (&(BenchResult){ "catch-up", count / near.wall, "messages/s", NAN, NAN, BENCH_NO_TARGET, 0 });
  bench_report (&(BenchResult){ "catch-up-cpu", count / near.cpu, "messages/CPU s", NAN, NAN, BENCH_NO_TARGET, 0 });
  bench_report (&(BenchResult){ "catch-up-first-screen", near.screen, "ms", NAN, NAN, BENCH_VALUE_BELOW, 1000 });
  bench_report (&(BenchResult){ "catch-up-stall-p99", near.stall_p99, "ms", spin, NAN, BENCH_VALUE_BELOW, 16 });
  bench_report (&(BenchResult){ "catch-up-stall-max", near.stall_max, "ms", spin, NAN, BENCH_VALUE_BELOW, 50 });
  bench_report (&(BenchResult){ "catch-up-memory", near.memory_end, "MiB", near.memory_start, NAN, BENCH_NO_TARGET, 0 });
  bench_report (&(BenchResult){ "catch-up-pages", near.pages, "pages", ceil (count / 100.0), NAN, BENCH_NO_TARGET, 0 });
}

static void
measure_far (void)
{
  guint    count = how_many (MESSAGES_FAR);
  Measured far = measure (count, FAR_MS);

  bench_report (&(BenchResult){ "catch-up-far", count / far.wall, "messages/s", 100 / (FAR_MS / 1000.0), NAN, BENCH_NO_TARGET, 0 });
  bench_report (&(BenchResult){ "catch-up-far-first-screen", far.screen, "ms", NAN, NAN, BENCH_VALUE_BELOW, 1000 });
}

/* In a process each: the server is forked off before there are threads. */
int
main (int argc, char **argv)
{
  static void (*const parts[]) (void) = { measure_near, measure_far };

  g_assert_nonnull (g_getenv ("TESS_TEST_CERTIFICATES"));
  alarm (800); /* whatever hangs */
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      pid_t child;
      int   status = 0;

      if (argc > 1 && atoi (argv[1]) != (int) i)
        continue;
      child = fork ();
      if (child == 0)
        {
          prctl (PR_SET_PDEATHSIG, SIGKILL);
          tess_thread_set_role (TESS_THREAD_MAIN);
          parts[i]();
          _exit (0);
        }
      if (waitpid (child, &status, 0) != child || status != 0)
        return 1;
    }
  return 0;
}
