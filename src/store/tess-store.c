/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "base/tess-thread.h"
#include "store/tess-store-private.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <unistd.h>

/* Bytes in one text or blob, far above what a stanza may have. */
#define LONGEST_VALUE (16 * 1024 * 1024)
#define BUSY_TIMEOUT_MS 1000 /* for a backup program that reads just now */

/* A WAL, because a commit is then one write behind the last and one fdatasync, and what is read meanwhile does not wait for it; FULL,
 * because with NORMAL a power cut may take back a commit that the server was told of by an acknowledgement, and it keeps nothing of it
 * for us. What that costs is spared by few transactions (a page of the archive is one), not by unsafe ones. */
static const char settings[] =
    "PRAGMA locking_mode = EXCLUSIVE;" /* before the first read: then there is no -shm either */
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA temp_store = MEMORY;" /* nothing of a message in /tmp */
    "PRAGMA secure_delete = ON;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA journal_size_limit = 4194304;"
    /* KiB. A page of the archive by many devices goes through their sessions, which have up to 200 KB each, and through six indexes;
     * with SQLite's own 2000 each was read from the file again and again. Less is in use but then; see tess_store_shrink(). */
    "PRAGMA cache_size = -8000;";

static void
finalize (gpointer statement)
{
  /* Its result is that of the last step, which has been reported. */
  sqlite3_finalize (statement);
}

static TessStore *
store_new (const char *path, int lock_fd)
{
  TessStore *self = g_new0 (TessStore, 1);

  self->path = g_strdup (path);
  self->lock_fd = lock_fd;
  self->statements = g_hash_table_new_full (NULL, NULL, NULL, finalize);

  return self;
}

static gboolean
disconnect (TessStore *self)
{
  int rc;

  g_hash_table_remove_all (self->statements);
  rc = sqlite3_close (self->db);
  if (rc != SQLITE_OK)
    g_critical ("the database was not closed: %s", sqlite3_errstr (rc));
  self->db = NULL;

  return rc == SQLITE_OK;
}

static void
store_free (TessStore *self)
{
  if (self->db != NULL)
    disconnect (self);
  g_hash_table_unref (self->statements);
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  g_free (self->path);
  g_free (self);
}

static gboolean
connect_to (TessStore *self, const char *path, GError **error)
{
  int rc = sqlite3_open_v2 (path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

  if (rc != SQLITE_OK)
    return tess_store_fail_sqlite (self->db, rc, error);
  /* SQLite falls back to reading by itself. */
  if (sqlite3_db_readonly (self->db, "main") != 0)
    return tess_store_fail (error, TESS_STORE_ERROR_READ_ONLY, NULL);

  sqlite3_extended_result_codes (self->db, 1);
  sqlite3_busy_timeout (self->db, BUSY_TIMEOUT_MS);
  sqlite3_limit (self->db, SQLITE_LIMIT_LENGTH, LONGEST_VALUE);
  sqlite3_db_config (self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  /* Closing writes the -wal into the file: not before all has been found in order. */
  sqlite3_db_config (self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);

  return tess_store_exec (self, settings, error);
}

static gboolean
run_migrations (TessStore *self, const char *const *migrations, int version, GError **error)
{
  gboolean done = tess_store_exec (self, "BEGIN EXCLUSIVE", error);

  while (done && migrations[version] != NULL)
    {
      g_autofree char *number = g_strdup_printf ("PRAGMA user_version = %d", version + 1);

      done = tess_store_exec (self, migrations[version], error) &&
             tess_store_exec (self, number, error);
      version++;
    }
  done = done && tess_store_exec (self, "COMMIT", error);
  if (!done && !sqlite3_get_autocommit (self->db))
    tess_store_exec (self, "ROLLBACK", NULL);

  return done;
}

static void
remove_files (const char *path)
{
  static const char *const suffixes[] = { "", "-journal", "-wal", "-shm" };

  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *name = g_strconcat (path, suffixes[i], NULL);

      g_unlink (name);
    }
}

static gboolean
fill_new (TessStore *self, const char *name, const char *const *migrations, GError **error)
{
  g_autofree char *identity =
      g_strdup_printf ("PRAGMA application_id = %d", TESS_STORE_APPLICATION_ID);

  return connect_to (self, name, error) && tess_store_exec (self, identity, error) &&
         run_migrations (self, migrations, 0, error) &&
         tess_store_exec (self, "PRAGMA journal_mode = WAL", error) &&
         sqlite3_db_config (self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL) == SQLITE_OK;
}

/* Made under another name, so that a crash never leaves half a database under its own. */
static gboolean
create (TessStore *self, const char *const *migrations, GError **error)
{
  g_autofree char *name = g_strconcat (self->path, ".new", NULL);
  g_autofree char *folder = g_path_get_dirname (self->path);
  gboolean done;

  remove_files (name);
  done = tess_store_files_make (name) ? fill_new (self, name, migrations, error)
                                      : tess_store_fail_errno (errno, error);
  if (self->db != NULL)
    done = disconnect (self) && done;
  done = done && tess_store_files_sync (name, error);
  if (done && g_rename (name, self->path) != 0)
    done = tess_store_fail_errno (errno, error);
  done = done && tess_store_files_sync (folder, error);
  if (!done)
    remove_files (name);

  return done;
}

static gboolean
quick_check (TessStore *self, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gboolean sound = FALSE;
  int rc = sqlite3_prepare_v2 (self->db, "PRAGMA quick_check (1)", -1, &statement, NULL);

  if (rc == SQLITE_OK)
    rc = sqlite3_step (statement);
  if (rc != SQLITE_ROW)
    tess_store_fail_sqlite (self->db, rc, error);
  else if (g_strcmp0 ((const char *) sqlite3_column_text (statement, 0), "ok") != 0)
    tess_store_fail (error, TESS_STORE_ERROR_DAMAGED, NULL);
  else
    sound = TRUE;
  sqlite3_finalize (statement);

  return sound;
}

static gboolean
back_up (TessStore *self, int version, GError **error)
{
  g_autofree char *name = tess_store_files_new_backup (self->path, version, error);
  g_autofree char *folder = g_path_get_dirname (self->path);
  sqlite3_stmt *statement = NULL;
  int rc;

  if (name == NULL)
    return FALSE;

  rc = sqlite3_prepare_v2 (self->db, "VACUUM INTO ?1", -1, &statement, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_bind_text (statement, 1, name, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK)
    rc = sqlite3_step (statement);
  if (rc != SQLITE_DONE)
    tess_store_fail_sqlite (self->db, rc, error);
  sqlite3_finalize (statement);
  if (rc == SQLITE_DONE && tess_store_files_sync (name, error) &&
      tess_store_files_sync (folder, error))
    {
      g_autofree char *journal = g_strconcat (name, "-journal", NULL);

      /* An error of it that did no harm leaves it there. */
      g_unlink (journal);
      return TRUE;
    }

  remove_files (name);
  return FALSE;
}

static gboolean
migrate (TessStore *self, const char *const *migrations, gboolean unclean, GError **error)
{
  gint64 version, newest = g_strv_length ((char **) migrations);

  if (!tess_store_number (self, "PRAGMA user_version", &version, error))
    return FALSE;
  if (version > newest)
    return tess_store_fail (error, TESS_STORE_ERROR_NEWER, NULL);
  if (version < 1)
    return tess_store_fail (error, TESS_STORE_ERROR_DAMAGED, NULL);
  if (unclean && !quick_check (self, error))
    return FALSE;
  if (version == newest)
    return TRUE;

  return back_up (self, version, error) && run_migrations (self, migrations, version, error);
}

static gboolean
open_existing (TessStore *self, const char *const *migrations, GError **error)
{
  gboolean had_wal = tess_store_files_exist (self->path, "-wal");
  gboolean unclean = tess_store_files_size (self->path, "-wal") > 0 ||
                     tess_store_files_size (self->path, "-journal") > 0;

  if (connect_to (self, self->path, error) && migrate (self, migrations, unclean, error) &&
      tess_store_exec (self, "PRAGMA journal_mode = WAL", error))
    {
      sqlite3_db_config (self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
      g_chmod (self->path, 0600);
      return TRUE;
    }

  if (self->db != NULL)
    disconnect (self);
  /* Looking makes an empty one. */
  if (!had_wal && tess_store_files_size (self->path, "-wal") == 0)
    {
      g_autofree char *wal = g_strconcat (self->path, "-wal", NULL);

      g_unlink (wal);
    }

  return FALSE;
}

static gboolean
open_or_create (TessStore *self, const char *const *migrations, GError **error)
{
  if (!tess_store_files_exist (self->path, ""))
    {
      /* What is left of one whose file was taken away: a new file would be mixed with it. */
      if (tess_store_files_size (self->path, "-wal") > 0 ||
          tess_store_files_size (self->path, "-journal") > 0)
        return tess_store_fail (error, TESS_STORE_ERROR_DAMAGED, NULL);
      if (!create (self, migrations, error))
        return FALSE;
    }

  return tess_store_files_inspect (self->path, g_strv_length ((char **) migrations), error) &&
         open_existing (self, migrations, error);
}

TessStore *
tess_store_open_with (const char *path, const char *const *migrations, GError **error)
{
  g_autofree char *real_path = NULL;
  TessStore *self;
  int lock_fd;

  TESS_ASSERT_ENGINE ();
  g_return_val_if_fail (path != NULL, NULL);

  /* Nobody asks how much memory SQLite uses; to count it takes a lock at each allocation. Too late is no harm. */
  sqlite3_config (SQLITE_CONFIG_MEMSTATUS, 0);
  if (!tess_store_files_make_folder (path, error))
    return NULL;
  real_path = tess_store_files_resolve (path);
  lock_fd = tess_store_files_lock (real_path, error);
  if (lock_fd < 0)
    return NULL;

  self = store_new (real_path, lock_fd);
  if (open_or_create (self, migrations, error))
    return self;
  store_free (self);

  return NULL;
}

TessStore *
tess_store_open (const char *path, GError **error)
{
  return tess_store_open_with (path, tess_store_migrations, error);
}

void
tess_store_shrink (TessStore *self)
{
  TESS_ASSERT_ENGINE ();

  sqlite3_db_release_memory (self->db);
}

void
tess_store_close (TessStore *self)
{
  if (self == NULL)
    return;

  TESS_ASSERT_ENGINE ();

  if (self->depth > 0)
    g_warning ("the database is closed inside a transaction, which is rolled back");
  store_free (self);
}

gboolean
tess_store_check_transaction (TessStore *self, GError **error)
{
  if (self->depth == 0 || !sqlite3_get_autocommit (self->db))
    return TRUE;

  self->doomed = TRUE;
  return tess_store_fail (error, TESS_STORE_ERROR_FAILED, "the transaction was rolled back");
}

gboolean
tess_store_begin (TessStore *self, GError **error)
{
  TESS_ASSERT_ENGINE ();

  if (self->depth == 0)
    {
      if (!tess_store_run (self, "BEGIN IMMEDIATE", NULL, NULL, error))
        return FALSE;
      self->doomed = FALSE;
    }
  else
    {
      if (!tess_store_check_transaction (self, error))
        return FALSE;
      self->unopened++;
    }
  self->depth++;

  return TRUE;
}

gboolean
tess_store_open_levels (TessStore *self, GError **error)
{
  /* What was run alone is in the level around this one: to open it now would be to keep what it is to take back. */
  if (self->alone)
    {
      self->doomed = TRUE;
      return tess_store_fail (error, TESS_STORE_ERROR_FAILED, "a second statement in a level of one");
    }
  while (self->unopened > 0)
    {
      guint unopened = self->unopened;
      gboolean opened;

      self->unopened = 0; /* a savepoint writes nothing, whatever SQLite says of it */
      opened = tess_store_run (self, "SAVEPOINT level", NULL, NULL, error);
      self->unopened = opened ? unopened - 1 : unopened;
      if (!opened)
        return FALSE;
    }

  return TRUE;
}

/* Ends the innermost level when SQLite does not know of it. */
static gboolean
end_unopened (TessStore *self, gboolean keep)
{
  if (self->unopened == 0)
    return FALSE;
  self->unopened--;
  if (self->unopened == 0 && self->alone)
    {
      self->doomed = self->doomed || !keep;
      self->alone = FALSE;
    }

  return TRUE;
}

static void
end (TessStore *self)
{
  self->rollbacks++;
  if (!sqlite3_get_autocommit (self->db))
    tess_store_exec (self, "ROLLBACK", NULL);
}

gboolean
tess_store_commit (TessStore *self, GError **error)
{
  TESS_ASSERT_ENGINE ();
  g_return_val_if_fail (self->depth > 0, FALSE);

  self->depth--;
  if (self->depth > 0)
    {
      /* It fails only when the whole transaction is gone, which its outermost end tells. */
      if (!end_unopened (self, TRUE) && !tess_store_run (self, "RELEASE level", NULL, NULL, NULL))
        self->doomed = TRUE;
      return TRUE;
    }

  if (self->doomed || sqlite3_get_autocommit (self->db))
    {
      end (self);
      return tess_store_fail (error, TESS_STORE_ERROR_FAILED, "the transaction was rolled back");
    }
  if (tess_store_run (self, "COMMIT", NULL, NULL, error))
    return TRUE;
  end (self);

  return FALSE;
}

gboolean
tess_store_transact (TessStore *self, TessStoreFunc func, gpointer data, GError **error)
{
  TESS_ASSERT_ENGINE ();

  if (!tess_store_begin (self, error))
    return FALSE;
  if (func (data, error))
    return tess_store_commit (self, error);
  tess_store_rollback (self);
  return FALSE;
}

guint64
tess_store_get_rollbacks (TessStore *self)
{
  return self->rollbacks;
}

void
tess_store_rollback (TessStore *self)
{
  TESS_ASSERT_ENGINE ();

  /* After a commit that failed there is nothing left to do. */
  if (self->depth == 0)
    return;

  self->rollbacks++;
  self->depth--;
  if (self->depth == 0)
    end (self);
  else if (!end_unopened (self, FALSE) && (!tess_store_run (self, "ROLLBACK TO level", NULL, NULL, NULL) ||
                                           !tess_store_run (self, "RELEASE level", NULL, NULL, NULL)))
    self->doomed = TRUE;
}
