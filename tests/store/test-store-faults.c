/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "store-fixture.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

/* ---- What a folder holds, byte for byte ---- */

static GHashTable *
snapshot (Fixture *fixture)
{
  g_autofree char *folder = g_path_get_dirname (fixture->path);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  GHashTable *files =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (!g_str_has_suffix (name, ".lock"))
      {
        g_autofree char *path = g_build_filename (folder, name, NULL);
        char *text;
        gsize length;

        g_assert_true (g_file_get_contents (path, &text, &length, NULL));
        g_hash_table_insert (files, g_strdup (name), g_bytes_new_take (text, length));
      }

  return files;
}

static void
assert_unchanged (Fixture *fixture, GHashTable *before)
{
  g_autoptr (GHashTable) after = snapshot (fixture);
  GHashTableIter iter;
  gpointer name, bytes;

  g_hash_table_iter_init (&iter, after);
  while (g_hash_table_iter_next (&iter, &name, &bytes))
    {
      g_test_message ("%s: %" G_GSIZE_FORMAT " bytes", (char *) name, g_bytes_get_size (bytes));
      g_assert_true (g_hash_table_contains (before, name));
      g_assert_true (g_bytes_equal (bytes, g_hash_table_lookup (before, name)));
    }
  g_assert_cmpuint (g_hash_table_size (after), ==, g_hash_table_size (before));
}

/* Opening fails with @code and one sentence, and leaves every byte. */
static void
assert_refused (Fixture *fixture, int code)
{
  g_autoptr (GHashTable) before = snapshot (fixture);

  for (int i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (tess_store_open (fixture->path, &error));
      g_assert_error (error, TESS_STORE_ERROR, code);
      g_assert_true (g_str_has_suffix (error->message, "."));
      assert_unchanged (fixture, before);
    }
}

static void
write_file (Fixture *fixture, const char *suffix, const void *data, gssize length)
{
  g_autofree char *path = g_strconcat (fixture->path, suffix, NULL);
  g_autofree char *folder = g_path_get_dirname (path);

  g_mkdir_with_parents (folder, 0700);
  g_assert_true (g_file_set_contents (path, data, length, NULL));
}

static void
patch_file (Fixture *fixture, const char *suffix, off_t offset, const void *data, gsize length)
{
  g_autofree char *path = g_strconcat (fixture->path, suffix, NULL);
  int fd = g_open (path, O_WRONLY | O_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (pwrite (fd, data, length, offset), ==, length);
  close (fd);
}

static gint64
size_of (Fixture *fixture, const char *suffix)
{
  return tess_store_files_size (fixture->path, suffix);
}

/* ---- A process that is killed ---- */

static void
wait_for (pid_t child)
{
  int status;

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
}

/* Runs @function in a child that ends as by kill -9: nothing is closed. */
static void
in_killed_child (Fixture *fixture, void (*function) (Fixture *fixture))
{
  pid_t child = fork ();

  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      function (fixture);
      kill (getpid (), SIGKILL);
    }
  wait_for (child);
}

static void
leave_a_wal (Fixture *fixture)
{
  fixture_reopen (fixture);
  add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 1);
}

static void
fill (Fixture *fixture, int messages)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (tess_store_begin (fixture->store, &error));
  for (int i = 0; i < messages; i++)
    add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, i);
  g_assert_true (tess_store_commit (fixture->store, &error));
}

/* ---- Opening ---- */

static void
test_modes (Fixture *fixture, gconstpointer data)
{
  static const char *const suffixes[] = { "", "-wal", ".lock" };
  g_autofree char *folder = g_path_get_dirname (fixture->path);
  GStatBuf status;

  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *path = g_strconcat (fixture->path, suffixes[i], NULL);

      g_assert_cmpint (g_stat (path, &status), ==, 0);
      g_assert_cmpint (status.st_mode & 0777, ==, 0600);
    }
  g_assert_cmpint (g_stat (folder, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0700);
  g_assert_false (tess_store_files_exist (fixture->path, "-shm"));

  g_clear_pointer (&fixture->store, tess_store_close);
  g_assert_false (tess_store_files_exist (fixture->path, "-wal"));
  g_assert_cmpint (g_chmod (fixture->path, 0644), ==, 0);
  fixture_reopen (fixture);
  g_assert_cmpint (g_stat (fixture->path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);

  g_assert_cmpint (number (fixture->store, "PRAGMA synchronous"), ==, 2);
  g_assert_cmpint (number (fixture->store, "PRAGMA foreign_keys"), ==, 1);
  g_assert_cmpint (number (fixture->store, "PRAGMA secure_delete"), ==, 1);
}

static void
test_in_use (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *link = g_build_filename (fixture->folder, "link.db", NULL);
  g_autofree char *kept = NULL;
  pid_t child;
  int status;

  g_assert_null (tess_store_open (fixture->path, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_IN_USE);
  g_clear_error (&error);
  g_assert_cmpint (symlink (fixture->path, link), ==, 0);
  g_assert_null (tess_store_open (link, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_IN_USE);
  g_clear_error (&error);
  kept = tess_store_set_aside (fixture->path, &error);
  g_assert_null (kept);
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_IN_USE);
  g_clear_error (&error);

  child = fork ();
  if (child == 0)
    {
      TessStore *store = tess_store_open (fixture->path, &error);

      _exit (store == NULL && g_error_matches (error, TESS_STORE_ERROR, TESS_STORE_ERROR_IN_USE)
                 ? 0
                 : 1);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);

  fixture_reopen (fixture);
  g_clear_pointer (&fixture->store, tess_store_close);
  fixture->store = tess_store_open (link, &error);
  g_assert_no_error (error);
  g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM accounts"), ==, 1);
}

static void
test_after_kill (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->store, tess_store_close);
  in_killed_child (fixture, leave_a_wal);
  g_assert_cmpint (size_of (fixture, "-wal"), >, 0);
  fixture_reopen (fixture);
  g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM messages"), ==, 1);
  g_clear_pointer (&fixture->store, tess_store_close);
  g_assert_false (tess_store_files_exist (fixture->path, "-wal"));
}

/* ---- Damaged ---- */

static void
test_garbage (Fixture *fixture, gconstpointer data)
{
  g_autofree char *garbage = g_malloc (20000);
  sqlite3 *foreign = NULL;

  for (int i = 0; i < 20000; i++)
    garbage[i] = g_test_rand_int_range (0, 256);
  write_file (fixture, "", garbage, 20000);
  assert_refused (fixture, TESS_STORE_ERROR_DAMAGED);
  write_file (fixture, "", garbage, 0);
  assert_refused (fixture, TESS_STORE_ERROR_DAMAGED);
  write_file (fixture, "", "SQLite format 3", 16);
  assert_refused (fixture, TESS_STORE_ERROR_DAMAGED);
  memset (garbage, 0, 20000);
  write_file (fixture, "", garbage, 20000);
  write_file (fixture, "-wal", garbage, 100);
  assert_refused (fixture, TESS_STORE_ERROR_DAMAGED);

  /* Somebody else's database. */
  g_assert_cmpint (g_unlink (fixture->path), ==, 0);
  g_assert_cmpint (sqlite3_open (fixture->path, &foreign), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (foreign, "CREATE TABLE t (a)", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (foreign);
  assert_refused (fixture, TESS_STORE_ERROR_DAMAGED);
}

static void
test_truncated (Fixture *fixture, gconstpointer data)
{
  gint64 size;

  fill (fixture, 500);
  g_clear_pointer (&fixture->store, tess_store_close);
  size = size_of (fixture, "");
  g_assert_cmpint (truncate (fixture->path, size - 4096), ==, 0);
  assert_refused (fixture, TESS_STORE_ERROR_DAMAGED);
  g_assert_cmpint (truncate (fixture->path, 5000), ==, 0);
  assert_refused (fixture, TESS_STORE_ERROR_DAMAGED);
  g_assert_cmpint (truncate (fixture->path, 200), ==, 0);
  assert_refused (fixture, TESS_STORE_ERROR_DAMAGED);
}

/* After an unclean end the whole file is looked at before anything is written. */
static void
test_damaged_inside (Fixture *fixture, gconstpointer data)
{
  g_autofree char *page = g_malloc (4096);
  gint64 size;

  fill (fixture, 2000);
  g_clear_pointer (&fixture->store, tess_store_close);
  in_killed_child (fixture, leave_a_wal);
  size = size_of (fixture, "");
  g_assert_cmpint (size, >, 40 * 4096);
  memset (page, 0xa5, 4096);
  for (gint64 offset = 30 * 4096; offset < size; offset += 4096)
    patch_file (fixture, "", offset, page, 4096);
  assert_refused (fixture, TESS_STORE_ERROR_DAMAGED);
}

/* After a clean end it is found when it is read. */
static void
test_damaged_later (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) page = NULL;
  g_autofree char *noise = g_malloc (4096);
  gint64 size;

  fill (fixture, 2000);
  g_clear_pointer (&fixture->store, tess_store_close);
  size = size_of (fixture, "");
  memset (noise, 0xa5, 4096);
  for (gint64 offset = 40 * 4096; offset < size; offset += 4096)
    patch_file (fixture, "", offset, noise, 4096);
  fixture->store = tess_store_open (fixture->path, &error);
  g_assert_no_error (error);
  page = tess_store_list_messages (fixture->store, fixture->conversation_id, G_MAXINT64, 0, 1000,
                                   &error);
  g_assert_null (page);
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_DAMAGED);
}

static void
test_damaged_wal (Fixture *fixture, gconstpointer data)
{
  g_autofree char *moved = g_build_filename (fixture->folder, "moved.db", NULL);

  g_clear_pointer (&fixture->store, tess_store_close);
  in_killed_child (fixture, leave_a_wal);
  patch_file (fixture, "-wal", 0, "garbage!", 8);
  assert_refused (fixture, TESS_STORE_ERROR_DAMAGED);

  /* A -wal without its file: a new one would be mixed with it. */
  g_assert_cmpint (g_rename (fixture->path, moved), ==, 0);
  assert_refused (fixture, TESS_STORE_ERROR_DAMAGED);
}

/* What a power cut leaves is no damage: a -wal that ends in the middle of a frame. */
static void
test_torn_wal (Fixture *fixture, gconstpointer data)
{
  g_autofree char *wal = g_strconcat (fixture->path, "-wal", NULL);

  g_clear_pointer (&fixture->store, tess_store_close);
  in_killed_child (fixture, leave_a_wal);
  g_assert_cmpint (truncate (wal, size_of (fixture, "-wal") - 100), ==, 0);
  fixture_reopen (fixture);
  g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM messages"), ==, 0);
  g_clear_pointer (&fixture->store, tess_store_close);

  in_killed_child (fixture, leave_a_wal);
  g_assert_cmpint (truncate (wal, 20), ==, 0);
  fixture_reopen (fixture);
}

/* ---- Newer ---- */

static void
newer_in_wal (Fixture *fixture)
{
  fixture_reopen (fixture);
  g_assert_true (
      tess_store_exec (fixture->store, "CREATE TABLE future (a); PRAGMA user_version = 99", NULL));
}

static void
test_newer (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->store, tess_store_close);
  in_killed_child (fixture, newer_in_wal);
  assert_refused (fixture, TESS_STORE_ERROR_NEWER);
}

static void
test_newer_clean (Fixture *fixture, gconstpointer data)
{
  g_assert_true (tess_store_exec (fixture->store, "PRAGMA user_version = 99", NULL));
  g_clear_pointer (&fixture->store, tess_store_close);
  assert_refused (fixture, TESS_STORE_ERROR_NEWER);
}

/* ---- Migrations ---- */

static const char add_column[] =
    "ALTER TABLE messages ADD COLUMN colour INTEGER NOT NULL DEFAULT 3;";
static const char fails_late[] = "CREATE TABLE half (a); INSERT INTO nowhere VALUES (1);";

static TessStore *
open_migrated (Fixture *fixture, const char *second, GError **error)
{
  const char *migrations[] = { tess_store_migrations[0], tess_store_migrations[1], tess_store_migrations[2],
                               tess_store_migrations[3], second, NULL };

  g_assert_null (tess_store_migrations[4]); /* else this suite wants the next number */
  return tess_store_open_with (fixture->path, migrations, error);
}

static void
check_backup (Fixture *fixture, const char *suffix)
{
  g_autofree char *path = g_strconcat (fixture->path, suffix, NULL);
  g_autoptr (GError) error = NULL;
  TessStore *backup = tess_store_open (path, &error);
  GStatBuf status;

  g_assert_no_error (error);
  g_assert_cmpint (number (backup, "PRAGMA user_version"), ==, 4);
  g_assert_cmpint (number (backup, "SELECT count (*) FROM messages"), ==, 101);
  tess_store_close (backup);
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);
}

static void
test_migration (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fill (fixture, 100);
  g_clear_pointer (&fixture->store, tess_store_close);
  in_killed_child (fixture, leave_a_wal); /* its message is part of the backup */

  g_assert_null (open_migrated (fixture, fails_late, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_clear_error (&error);
  check_backup (fixture, ".before-v4");

  fixture->store = open_migrated (fixture, add_column, &error);
  g_assert_no_error (error);
  g_assert_cmpint (number (fixture->store, "PRAGMA user_version"), ==, 5);
  g_assert_cmpint (number (fixture->store, "SELECT sum (colour) FROM messages"), ==, 303);
  check_backup (fixture, ".before-v4-1");

  /* Nothing more to do, so no other backup. */
  g_clear_pointer (&fixture->store, tess_store_close);
  fixture->store = open_migrated (fixture, add_column, &error);
  g_assert_no_error (error);
  g_assert_false (tess_store_files_exist (fixture->path, ".before-v4-2"));
  g_assert_false (tess_store_files_exist (fixture->path, ".before-v5"));
  g_clear_pointer (&fixture->store, tess_store_close);
  assert_refused (fixture, TESS_STORE_ERROR_NEWER);
}

static void
test_migration_fails (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) first = NULL;
  g_autoptr (GHashTable) second = NULL;

  fill (fixture, 100);
  g_clear_pointer (&fixture->store, tess_store_close);
  first = snapshot (fixture);
  g_assert_null (open_migrated (fixture, fails_late, &error));
  second = snapshot (fixture);
  g_assert_true (g_bytes_equal (g_hash_table_lookup (first, "tessera.db"),
                                g_hash_table_lookup (second, "tessera.db")));
  fixture_reopen (fixture);
  g_assert_cmpint (number (fixture->store, "PRAGMA user_version"), ==, 4);
  g_assert_cmpint (
      number (fixture->store, "SELECT count (*) FROM sqlite_schema WHERE name = 'half'"), ==, 0);
}

/* What the first version wrote is all there under the newest. */
static void
test_from_first_version (Fixture *fixture, gconstpointer data)
{
  const char *first[] = { tess_store_migrations[0], NULL };
  g_autofree char *path = g_strconcat (fixture->path, "-first", NULL);
  g_autoptr (GError) error = NULL;
  TessStore *store = tess_store_open_with (path, first, &error);

  g_assert_no_error (error);
  g_assert_true (tess_store_exec (store,
                                  "INSERT INTO accounts (address, port, tls, enabled, scram_seen, binding_seen, proxy, proxy_port, "
                                  "remember_key, keep_key, blind_trust) VALUES ('a@a.test', 0, 0, 1, 1, 1, 0, 0, 0, 0, 1);"
                                  "INSERT INTO conversations (account_id, peer, encryption, created_us) VALUES (1, 'b@b.test', 1, 7);"
                                  "INSERT INTO omemo_devices VALUES (1, 'b@b.test', 5, NULL, 2, 1, 1, 8, 9);",
                                  &error));
  g_assert_no_error (error);
  tess_store_close (store);
  store = tess_store_open (path, &error);
  g_assert_no_error (error);
  {
    g_autoptr (GPtrArray) devices = tess_store_omemo_list_devices (store, 1, "b@b.test", &error);
    g_autoptr (TessConversationRecord) conversation = tess_store_find_conversation (store, 1, "b@b.test", &error);
    int blind = -1;

    g_assert_no_error (error);
    g_assert_cmpuint (devices->len, ==, 1);
    g_assert_cmpint (((TessStoreDevice *) g_ptr_array_index (devices, 0))->trust, ==, 2);
    g_assert_cmpint (conversation->encryption, ==, TESS_CONVERSATION_ENCRYPTED);
    g_assert_cmpint (conversation->blind, ==, TESS_BLIND_DEFAULT);
    g_assert_true (tess_store_omemo_load_blind (store, 1, "b@b.test", &blind, NULL));
    g_assert_cmpint (blind, ==, TESS_BLIND_DEFAULT);
  }
  tess_store_close (store);
}

/* ---- A full disk ---- */

/* SQLite's own way to the files, on a disk that holds no file of more than `disk_limit` bytes. */
static sqlite3_int64 disk_limit = G_MAXINT64;
static sqlite3_vfs *real_vfs;

/* A database is locked, a journal is not: SQLite has a table of methods for each. */
static struct
{
  const sqlite3_io_methods *real;
  sqlite3_io_methods disk;
} methods[4];

static int
disk_write (sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    if (file->pMethods == &methods[i].disk && offset + length <= disk_limit)
      return methods[i].real->xWrite (file, data, length, offset);

  return SQLITE_FULL;
}

static int
disk_open (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
  int rc = real_vfs->xOpen (real_vfs, name, file, flags, out_flags);
  gsize i = 0;

  if (rc != SQLITE_OK)
    return rc;
  while (methods[i].real != NULL && methods[i].real != file->pMethods)
    i++;
  g_assert_cmpuint (i, <, G_N_ELEMENTS (methods));
  methods[i].real = file->pMethods;
  methods[i].disk = *file->pMethods;
  methods[i].disk.xWrite = disk_write;
  file->pMethods = &methods[i].disk;

  return SQLITE_OK;
}

static void
install_disk (void)
{
  static sqlite3_vfs disk;

  real_vfs = sqlite3_vfs_find (NULL);
  disk = *real_vfs;
  disk.zName = "disk";
  disk.pNext = NULL;
  disk.xOpen = disk_open;
  g_assert_cmpint (sqlite3_vfs_register (&disk, TRUE), ==, SQLITE_OK);
}

static void
test_full_at_creation (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) files = NULL;
  TessStore *store;

  disk_limit = 10000;
  store = tess_store_open (fixture->path, &error);
  disk_limit = G_MAXINT64;
  g_assert_null (store);
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FULL);
  files = snapshot (fixture);
  g_assert_cmpuint (g_hash_table_size (files), ==, 0);
  fixture_reopen (fixture);
}

static void
test_full_at_migration (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) before = NULL;

  fill (fixture, 1000);
  g_clear_pointer (&fixture->store, tess_store_close);
  before = snapshot (fixture);
  disk_limit = 50000;
  fixture->store = open_migrated (fixture, add_column, &error);
  disk_limit = G_MAXINT64;
  g_assert_null (fixture->store);
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FULL);
  assert_unchanged (fixture, before);
}

/* Adds messages in one transaction until the disk is full. */
static void
add_until_full (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strnfill (3000, 'x');

  g_assert_true (tess_store_begin (fixture->store, &error));
  for (int i = 0; error == NULL && i < 100000; i++)
    {
      g_autoptr (TessMessageRecord) message =
          message_new (fixture->conversation_id, TESS_MESSAGE_IN, i);

      g_free (message->text);
      message->text = g_strdup (text);
      tess_store_add_message (fixture->store, message, &error);
    }
  if (error == NULL)
    tess_store_commit (fixture->store, &error);
  else
    {
      g_autoptr (TessMessageRecord) message =
          message_new (fixture->conversation_id, TESS_MESSAGE_IN, 1);
      g_autoptr (GError) commit_error = NULL;

      /* A caller that goes on in spite of the error must not get the half. */
      if (sqlite3_get_autocommit (fixture->store->db))
        {
          g_assert_false (tess_store_add_message (fixture->store, message, NULL));
          g_assert_false (tess_store_commit (fixture->store, &commit_error));
        }
      tess_store_rollback (fixture->store);
    }
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FULL);
}

static void
check_after_full (Fixture *fixture, int messages)
{
  g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM messages"), ==, messages);
  g_assert_cmpint (number (fixture->store, "SELECT unread FROM conversations"), ==, messages);
  add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 5);
  fixture_reopen (fixture);
  g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM messages"), ==, messages + 1);
  g_assert_cmpint (
      number (fixture->store,
              "SELECT count (*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
      ==, 1);
}

/* In the file … */
static void
test_full (Fixture *fixture, gconstpointer data)
{
  fill (fixture, 10);
  g_assert_true (tess_store_exec (fixture->store, "PRAGMA max_page_count = 100", NULL));
  add_until_full (fixture);
  g_assert_true (tess_store_exec (fixture->store, "PRAGMA max_page_count = 1000000", NULL));
  check_after_full (fixture, 10);
}

/* … and in the -wal, at any place. */
static void
test_full_wal (Fixture *fixture, gconstpointer data)
{
  fill (fixture, 10);
  for (int i = 0; i < 20; i++)
    {
      disk_limit = 60000 + 3001 * i;
      add_until_full (fixture);
      disk_limit = G_MAXINT64;
      check_after_full (fixture, 10 + i);
    }
}

/* A write that the kernel refuses, whatever the reason. */
static void
test_write_fails (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  struct rlimit limit;

  fill (fixture, 10);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  limit.rlim_cur = 200000;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_true (tess_store_begin (fixture->store, &error));
  for (int i = 0; error == NULL; i++)
    {
      g_autoptr (TessMessageRecord) message =
          message_new (fixture->conversation_id, TESS_MESSAGE_IN, i);

      g_free (message->text);
      message->text = g_strnfill (30000, 'x');
      if (i > 1000)
        tess_store_commit (fixture->store, &error);
      else
        tess_store_add_message (fixture->store, message, &error);
    }
  tess_store_rollback (fixture->store);
  limit.rlim_cur = RLIM_INFINITY;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  check_after_full (fixture, 10);
}

/* ---- Without permission ---- */

static void
become (uid_t user)
{
  if (getuid () == 0)
    g_assert_cmpint (seteuid (user), ==, 0);
  /* Else the leak checker may not look into the process. */
  prctl (PR_SET_DUMPABLE, 1);
}

static void
give (const char *path, mode_t mode, uid_t user)
{
  g_assert_cmpint (g_chmod (path, mode), ==, 0);
  if (getuid () == 0)
    g_assert_cmpint (chown (path, user, -1), ==, 0);
}

static void
test_read_only (Fixture *fixture, gconstpointer data)
{
  g_autofree char *folder = g_path_get_dirname (fixture->path);
  g_autofree char *lock = g_strconcat (fixture->path, ".lock", NULL);
  g_autofree char *nowhere = g_build_filename (folder, "not", "here", "tessera.db", NULL);
  g_autoptr (GError) error = NULL;

  fill (fixture, 10);
  g_clear_pointer (&fixture->store, tess_store_close);
  g_assert_cmpint (g_chmod (fixture->folder, 0755), ==, 0);

  /* The file alone. */
  give (folder, 0755, NOBODY);
  give (lock, 0600, NOBODY);
  give (fixture->path, 0444, 0);
  become (NOBODY);
  assert_refused (fixture, TESS_STORE_ERROR_READ_ONLY);
  become (0);

  /* The folder: there is no place for the -wal. */
  give (fixture->path, 0644, NOBODY);
  give (folder, 0555, 0);
  become (NOBODY);
  assert_refused (fixture, TESS_STORE_ERROR_READ_ONLY);
  g_assert_null (tess_store_open (nowhere, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_READ_ONLY);
  become (0);

  give (folder, 0700, 0);
  give (fixture->path, 0600, 0);
  give (lock, 0600, 0);
  fixture_reopen (fixture);
  g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM messages"), ==, 10);
}

/* ---- Setting aside ---- */

static void
test_set_aside (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GError) error = NULL;
  char *none;

  g_clear_pointer (&fixture->store, tess_store_close);
  /* More than one in a second. */
  for (int i = 0; i < 5; i++)
    {
      g_autofree char *garbage = g_strdup_printf ("garbage %d", i);
      g_autofree char *wal = NULL;
      g_autofree char *text = NULL;
      char *name;

      write_file (fixture, "", garbage, -1);
      write_file (fixture, "-wal", garbage, -1);
      name = tess_store_set_aside (fixture->path, &error);
      g_assert_no_error (error);
      g_assert_true (g_str_has_prefix (name, fixture->path));
      g_assert_nonnull (strstr (name, ".kept-"));
      g_assert_true (g_hash_table_add (names, name));
      g_assert_true (g_file_get_contents (name, &text, NULL, NULL));
      g_assert_cmpstr (text, ==, garbage);
      g_clear_pointer (&text, g_free);
      wal = g_strconcat (name, "-wal", NULL);
      g_assert_true (g_file_get_contents (wal, &text, NULL, NULL));
      g_assert_cmpstr (text, ==, garbage);
      g_assert_false (tess_store_files_exist (fixture->path, ""));
      g_assert_false (tess_store_files_exist (fixture->path, "-wal"));
    }

  none = tess_store_set_aside (fixture->path, &error);
  g_assert_null (none);
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  fixture_reopen (fixture);
  g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM accounts"), ==, 0);
}

/* ---- kill -9 ---- */

#define ROUNDS 25

/* One message is a ratchet, a counter, a row and an outbox item, all or none. Tells @fd of each
 * that is committed. */
static void
write_for_ever (Fixture *fixture, int fd)
{
  g_autoptr (GError) error = NULL;
  gint64 count = 0;

  fixture_reopen (fixture);
  g_assert_true (
      tess_store_omemo_load_number (fixture->store, fixture->account_id, "count", &count, &error));
  for (;;)
    {
      g_autofree char *blob = g_strdup_printf ("%" G_GINT64_FORMAT "%3000s", ++count, "");
      g_autoptr (GBytes) bytes = g_bytes_new (blob, strlen (blob));
      gint64 id;

      g_assert_true (tess_store_begin (fixture->store, &error));
      g_assert_true (tess_store_omemo_save_session (fixture->store, fixture->account_id, "b@c", 1,
                                                    bytes, &error));
      id = add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_OUT, count);
      g_assert_true (tess_store_omemo_save_number (fixture->store, fixture->account_id, "count",
                                                   count, &error));
      g_assert_true (tess_store_add_outbox (fixture->store, id, "<message/>", &error));
      g_assert_true (tess_store_commit (fixture->store, &error));
      if (write (fd, &count, sizeof count) != sizeof count)
        _exit (1);
    }
}

static gint64
run_and_kill (Fixture *fixture)
{
  gint64 last = 0, before;
  int ends[2], more = g_test_rand_int_range (1, 40);
  pid_t child;

  g_assert_cmpint (pipe (ends), ==, 0);
  child = fork ();
  if (child == 0)
    {
      close (ends[0]);
      write_for_ever (fixture, ends[1]);
    }
  close (ends[1]);
  while (more-- > 0)
    g_assert_cmpint (read (ends[0], &last, sizeof last), ==, sizeof last);
  /* Not always at the start of the next transaction: the moment is meant to be any. */
  g_usleep (g_test_rand_int_range (0, 3000));
  kill (child, SIGKILL);
  wait_for (child);
  while (read (ends[0], &before, sizeof before) == sizeof before)
    last = before;
  close (ends[0]);

  return last;
}

static void
test_kill (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->store, tess_store_close);

  for (int i = 0; i < ROUNDS; i++)
    {
      gint64 committed = run_and_kill (fixture), count = 0;
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = NULL;

      fixture_reopen (fixture);
      g_assert_cmpint (
          number (fixture->store,
                  "SELECT count (*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
          ==, 1);
      g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM pragma_foreign_key_check"),
                       ==, 0);
      g_assert_true (tess_store_omemo_load_number (fixture->store, fixture->account_id, "count",
                                                   &count, &error));
      g_test_message ("told %" G_GINT64_FORMAT ", found %" G_GINT64_FORMAT, committed, count);
      /* What was told is there; at most the one that was being told is more. */
      g_assert_true (count == committed || count == committed + 1);
      g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM messages"), ==, count);
      g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM outbox"), ==, count);
      g_assert_true (tess_store_omemo_load_session (fixture->store, fixture->account_id, "b@c", 1,
                                                    &bytes, &error));
      g_assert_cmpint (g_ascii_strtoll (g_bytes_get_data (bytes, NULL), NULL, 10), ==, count);
      g_clear_pointer (&fixture->store, tess_store_close);
    }
}

/* Killed while it is made: there is a whole one, or none. */
static void
test_kill_at_creation (Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < ROUNDS; i++)
    {
      pid_t child = fork ();

      if (child == 0)
        {
          fixture_reopen (fixture);
          for (;;)
            pause ();
        }
      g_usleep (g_test_rand_int_range (0, 20000));
      kill (child, SIGKILL);
      wait_for (child);
      fixture_reopen (fixture);
      g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM accounts"), ==, 0);
      g_assert_false (tess_store_files_exist (fixture->path, ".new"));
      g_clear_pointer (&fixture->store, tess_store_close);
      g_assert_cmpint (g_unlink (fixture->path), ==, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  install_disk ();

  FIXTURE_TEST ("/store/faults/modes", test_modes);
  FIXTURE_TEST ("/store/faults/in-use", test_in_use);
  FIXTURE_TEST ("/store/faults/after-kill", test_after_kill);
  FIXTURE_TEST_EMPTY ("/store/faults/garbage", test_garbage);
  FIXTURE_TEST ("/store/faults/truncated", test_truncated);
  FIXTURE_TEST ("/store/faults/damaged-inside", test_damaged_inside);
  FIXTURE_TEST ("/store/faults/damaged-later", test_damaged_later);
  FIXTURE_TEST ("/store/faults/damaged-wal", test_damaged_wal);
  FIXTURE_TEST ("/store/faults/torn-wal", test_torn_wal);
  FIXTURE_TEST ("/store/faults/newer", test_newer);
  FIXTURE_TEST ("/store/faults/newer-clean", test_newer_clean);
  FIXTURE_TEST ("/store/faults/migration", test_migration);
  FIXTURE_TEST ("/store/faults/migration-fails", test_migration_fails);
  FIXTURE_TEST ("/store/faults/from-first-version", test_from_first_version);
  FIXTURE_TEST_EMPTY ("/store/faults/full-at-creation", test_full_at_creation);
  FIXTURE_TEST ("/store/faults/full-at-migration", test_full_at_migration);
  FIXTURE_TEST ("/store/faults/full", test_full);
  FIXTURE_TEST ("/store/faults/full-wal", test_full_wal);
  FIXTURE_TEST ("/store/faults/write-fails", test_write_fails);
  FIXTURE_TEST ("/store/faults/read-only", test_read_only);
  FIXTURE_TEST ("/store/faults/set-aside", test_set_aside);
  FIXTURE_TEST ("/store/faults/kill", test_kill);
  FIXTURE_TEST_EMPTY ("/store/faults/kill-at-creation", test_kill_at_creation);

  return g_test_run ();
}
