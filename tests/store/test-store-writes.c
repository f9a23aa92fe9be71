/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "store-fixture.h"
#include "tess-fault-vfs.h"

#include <glib/gstdio.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A fault at every place where the store writes, of each kind, once or until it is lifted: what was committed is there, what was refused
 * is not there, nothing is there by half, and it goes on when the fault is lifted. (tests/engine/test-writes.c plays the way of a message
 * over the same faults.) */

#define STEPS 9

typedef struct
{
  guint         point;
  TessFaultKind kind;
  gboolean      stays;
} Fault;

/* Each point, once and until it is lifted; of one kind after the other, with `-m slow` of each kind. @play is called with point 0 first,
 * and ends the fault by itself. */
static void
for_each_fault (Fixture *fixture, void (*play) (Fixture *fixture, const Fault *fault))
{
  const Fault none = { 0 };
  guint       points;
  guint       runs = 0;

  play (fixture, &none);
  points = tess_fault_vfs_count ();
  g_assert_cmpuint (points, >, 20);
  for (guint point = 1; point <= points; point++)
    for (guint i = 0; i < (g_test_slow () ? 2 * TESS_FAULT_KINDS : 2); i++)
      {
        const Fault fault = { point, (TessFaultKind) ((point + i / 2) % TESS_FAULT_KINDS), i % 2 };

        play (fixture, &fault);
        g_assert_true (tess_fault_vfs_was_hit ());
        runs++;
      }
  g_test_message ("%u points, %u faults", points, runs);
}

/* A refusal is one of these, and a sentence with something to do. */
static void
check_refusal (const GError *error)
{
  g_assert_true (tess_fault_vfs_was_hit ());
  g_assert_true (error->domain == TESS_STORE_ERROR);
  g_assert_true (error->code == TESS_STORE_ERROR_FULL || error->code == TESS_STORE_ERROR_READ_ONLY ||
                 error->code == TESS_STORE_ERROR_FAILED);
  g_assert_true (g_str_has_suffix (error->message, "."));
  g_assert_nonnull (strstr (error->message, ". ")); /* what to do is the second half */
}

static void
arm (Fixture *fixture, const Fault *fault)
{
  tess_fault_vfs_arm (fixture->path, fault->point, fault->kind, fault->stays);
}

static void
remove_folder (Fixture *fixture)
{
  g_autofree char  *folder = g_path_get_dirname (fixture->path);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char       *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_remove (path);
    }
}

static void
check_sound (TessStore *store)
{
  g_assert_cmpint (number (store, "SELECT count (*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), ==, 1);
  g_assert_cmpint (number (store, "SELECT count (*) FROM pragma_foreign_key_check"), ==, 0);
}

/* ---- Creation ---- */

static guint
count_files (Fixture *fixture)
{
  g_autofree char  *folder = g_path_get_dirname (fixture->path);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint             count = 0;
  const char       *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    count += !g_str_has_suffix (name, ".lock");
  return count;
}

static void
play_creation (Fixture *fixture, const Fault *fault)
{
  GError    *error = NULL;
  TessStore *store;

  remove_folder (fixture);
  arm (fixture, fault);
  store = tess_store_open (fixture->path, &error);
  if (store == NULL)
    {
      check_refusal (error);
      g_clear_error (&error);
      g_assert_false (tess_store_files_exist (fixture->path, ".new"));
    }
  /* One that stays full may let it be opened, when only the removal of a journal failed. */
  g_clear_pointer (&store, tess_store_close);
  tess_fault_vfs_lift ();
  store = tess_store_open (fixture->path, &error);
  g_assert_no_error (error);
  add_account (store, "alice@example.org");
  check_sound (store);
  tess_store_close (store);
  g_assert_cmpuint (count_files (fixture), ==, 1);
}

static void
test_creation (Fixture *fixture, gconstpointer data)
{
  for_each_fault (fixture, play_creation);
}

/* ---- Migration: with quick_check and a backup before, of a database that was left in the middle ---- */

#define OLD_ROWS 40

static void
leave_old (Fixture *fixture)
{
  const char        *first[] = { tess_store_migrations[0], NULL };
  g_autoptr (GError) error = NULL;
  TessStore         *store = tess_store_open_with (fixture->path, first, &error);

  g_assert_no_error (error);
  tess_store_exec (store,
                   "INSERT INTO accounts (address, port, tls, enabled, scram_seen, binding_seen, proxy, proxy_port, remember_key, "
                   "keep_key, blind_trust) VALUES ('a@a.test', 0, 0, 1, 1, 1, 0, 0, 0, 0, 1);"
                   "INSERT INTO conversations (account_id, peer, encryption, created_us) VALUES (1, 'b@b.test', 1, 7);",
                   &error);
  g_assert_no_error (error);
  for (int i = 0; i < OLD_ROWS; i++)
    {
      g_autofree char *sql = g_strdup_printf ("INSERT INTO messages (account_id, conversation_id, sender, direction, state, encryption, "
                                              "text, time_us, device, receipt_wanted) VALUES (1, 1, 'b@b.test', 0, 0, 0, 'text %d %500d', "
                                              "%d, 0, 0)", i, i, i);

      tess_store_exec (store, sql, &error);
      g_assert_no_error (error);
    }
}

/* The bytes of what leave_old () leaves when it is killed: the file and its -wal. */
typedef struct
{
  GBytes *database;
  GBytes *wal;
} Old;

static Old old;

static GBytes *
read_file (Fixture *fixture, const char *suffix)
{
  g_autofree char   *path = g_strconcat (fixture->path, suffix, NULL);
  g_autoptr (GError) error = NULL;
  char              *text;
  gsize              length;

  g_file_get_contents (path, &text, &length, &error);
  g_assert_no_error (error);
  return g_bytes_new_take (text, length);
}

static void
write_file (Fixture *fixture, const char *suffix, GBytes *bytes)
{
  g_autofree char   *path = g_strconcat (fixture->path, suffix, NULL);
  g_autoptr (GError) error = NULL;
  gsize              length;
  const char        *text = g_bytes_get_data (bytes, &length);

  g_file_set_contents_full (path, text, (gssize) length, G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
}

static void
make_old (Fixture *fixture)
{
  pid_t child = fork ();
  int   status;

  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      leave_old (fixture);
      kill (getpid (), SIGKILL);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  old.database = read_file (fixture, "");
  old.wal = read_file (fixture, "-wal");
  g_assert_cmpuint (g_bytes_get_size (old.wal), >, 0);
}

static void
check_backup (const char *path)
{
  const char        *first[] = { tess_store_migrations[0], NULL };
  g_autoptr (GError) error = NULL;
  TessStore         *backup = tess_store_open_with (path, first, &error);

  g_assert_no_error (error);
  g_assert_cmpint (number (backup, "SELECT count (*) FROM messages"), ==, OLD_ROWS);
  check_sound (backup);
  tess_store_close (backup);
}

/* Whatever stands beside as a backup is whole, and has nothing beside itself. */
static void
check_backups (Fixture *fixture)
{
  g_autofree char      *folder = g_path_get_dirname (fixture->path);
  g_autoptr (GDir)      dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char           *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (strstr (name, ".before-v1") != NULL)
      {
        g_assert_false (g_str_has_suffix (name, "-journal"));
        g_ptr_array_add (names, g_build_filename (folder, name, NULL));
      }
  g_assert_cmpuint (names->len, >=, 1);
  for (guint i = 0; i < names->len; i++)
    check_backup (g_ptr_array_index (names, i));
}

static void
play_migration (Fixture *fixture, const Fault *fault)
{
  GError    *error = NULL;
  TessStore *store;

  remove_folder (fixture);
  write_file (fixture, "", old.database);
  write_file (fixture, "-wal", old.wal);
  arm (fixture, fault);
  store = tess_store_open (fixture->path, &error);
  if (store == NULL)
    check_refusal (error);
  g_clear_error (&error);
  if (store != NULL)
    g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, OLD_ROWS);
  g_clear_pointer (&store, tess_store_close);
  tess_fault_vfs_lift ();

  store = tess_store_open (fixture->path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (number (store, "PRAGMA user_version"), ==, g_strv_length ((char **) tess_store_migrations));
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, OLD_ROWS);
  check_sound (store);
  tess_store_close (store);
  check_backups (fixture);
}

static void
test_migration (Fixture *fixture, gconstpointer data)
{
  remove_folder (fixture);
  g_assert_cmpint (g_mkdir_with_parents (fixture->folder, 0700), ==, 0);
  make_old (fixture);
  for_each_fault (fixture, play_migration);
  g_clear_pointer (&old.database, g_bytes_unref);
  g_clear_pointer (&old.wal, g_bytes_unref);
}

/* ---- Work: each step is a ratchet, a counter, a row and an outbox item, all or none ---- */

static gboolean
write_step (TessStore *store, gint64 account, gint64 conversation, int step, GError **error)
{
  g_autofree char               *blob = g_strdup_printf ("%d%2000s", step, "");
  g_autoptr (GBytes)             bytes = g_bytes_new (blob, strlen (blob));
  g_autoptr (TessMessageRecord) message = message_new (conversation, TESS_MESSAGE_OUT, step);

  g_free (message->text);
  message->text = g_strdup_printf ("step %d%6000s", step, "");
  return tess_store_omemo_save_session (store, account, "b@c", 1, bytes, error) && tess_store_add_message (store, message, error) &&
         tess_store_omemo_save_number (store, account, "count", step, error) &&
         tess_store_add_outbox (store, message->id, "<message/>", error);
}

static gboolean
do_step (Fixture *fixture, int step)
{
  g_autoptr (GError) error = NULL;
  gboolean           done = tess_store_begin (fixture->store, &error);

  if (done && !write_step (fixture->store, fixture->account_id, fixture->conversation_id, step, &error))
    {
      tess_store_rollback (fixture->store);
      done = FALSE;
    }
  else if (done)
    {
      done = tess_store_commit (fixture->store, &error);
    }
  if (!done)
    check_refusal (error);
  return done;
}

/* The steps that are there: the first so many. */
static int
count_steps (TessStore *store, gint64 account)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) session = NULL;
  gint64             count = 0;

  g_assert_true (tess_store_omemo_load_number (store, account, "count", &count, &error));
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, count);
  g_assert_cmpint (number (store, "SELECT count (DISTINCT text) FROM messages"), ==, count);
  g_assert_cmpint (number (store, "SELECT coalesce (max (time_us), 0) FROM messages"), ==, count);
  g_assert_cmpint (number (store, "SELECT count (*) FROM outbox"), ==, count);
  g_assert_true (tess_store_omemo_load_session (store, account, "b@c", 1, &session, &error));
  g_assert_cmpint (session != NULL ? g_ascii_strtoll (g_bytes_get_data (session, NULL), NULL, 10) : 0, ==, count);
  check_sound (store);
  return (int) count;
}

/* What another process finds when this one is killed now. */
static int
count_in_copy (Fixture *fixture)
{
  Fixture            copy = { .path = g_build_filename (fixture->folder, "copy.db", NULL) };
  g_autoptr (GBytes) database = read_file (fixture, "");
  g_autoptr (GBytes) wal = read_file (fixture, "-wal");
  g_autoptr (GError) error = NULL;
  int                count;

  write_file (&copy, "", database);
  write_file (&copy, "-wal", wal);
  copy.store = tess_store_open (copy.path, &error);
  g_assert_no_error (error);
  count = count_steps (copy.store, fixture->account_id);
  tess_store_close (copy.store);
  g_free (copy.path);
  return count;
}

static gboolean reopen_after;
static GBytes  *fresh; /* what the fixture begins with */

static void
open_anew (Fixture *fixture)
{
  g_clear_pointer (&fixture->store, tess_store_close);
  if (fresh == NULL)
    fresh = read_file (fixture, "");
  remove_folder (fixture);
  write_file (fixture, "", fresh);
  fixture_reopen (fixture);
}

static void
play_work (Fixture *fixture, const Fault *fault)
{
  int done = 0;
  int there;

  open_anew (fixture);
  /* So that a checkpoint comes amid. */
  g_assert_true (tess_store_exec (fixture->store, "PRAGMA wal_autocheckpoint = 20", NULL));
  arm (fixture, fault);
  for (int tries = 0; done < STEPS && tries < STEPS + 2; tries++)
    if (do_step (fixture, done + 1))
      done++;
  /* What was told is there; at most the one that was refused last is there, too, and whole: only its last sync failed. */
  there = count_in_copy (fixture);
  g_assert_cmpint (there, >=, done);
  g_assert_cmpint (there, <=, done + 1);

  if (reopen_after)
    g_clear_pointer (&fixture->store, tess_store_close);
  tess_fault_vfs_lift ();
  if (reopen_after)
    fixture_reopen (fixture);
  there = count_steps (fixture->store, fixture->account_id);
  g_assert_true (there == done || (reopen_after && there == done + 1));
  while (there < STEPS)
    g_assert_true (do_step (fixture, ++there));
  fixture_reopen (fixture);
  g_assert_cmpint (count_steps (fixture->store, fixture->account_id), ==, STEPS);
}

static void
test_work (Fixture *fixture, gconstpointer data)
{
  reopen_after = FALSE;
  for_each_fault (fixture, play_work);
  g_clear_pointer (&fresh, g_bytes_unref);
}

static void
test_work_reopened (Fixture *fixture, gconstpointer data)
{
  reopen_after = TRUE;
  for_each_fault (fixture, play_work);
  g_clear_pointer (&fresh, g_bytes_unref);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  tess_fault_vfs_install ();

  FIXTURE_TEST_EMPTY ("/store/writes/creation", test_creation);
  FIXTURE_TEST_EMPTY ("/store/writes/migration", test_migration);
  FIXTURE_TEST ("/store/writes/work", test_work);
  FIXTURE_TEST ("/store/writes/work-reopened", test_work_reopened);

  return g_test_run ();
}
