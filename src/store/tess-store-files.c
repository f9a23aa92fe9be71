/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "base/tess-thread.h"
#include "store/tess-store-private.h"

#include <glib/gstdio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define HEADER_BYTES 100    /* https://sqlite.org/fileformat.html section 1.3 */
#define WAL_HEADER_BYTES 32 /* section 4.1 */
#define WAL_MAGIC 0x377f0682u
#define WAL_VERSION 3007000u
#define MOST_NAMES 1000

static const char *const companions[] = { "", "-wal", "-shm", "-journal" };

char *
tess_store_files_resolve (const char *path)
{
  char *resolved = realpath (path, NULL);
  char *copy;

  if (resolved == NULL)
    return g_canonicalize_filename (path, NULL);
  copy = g_strdup (resolved);
  free (resolved);

  return copy;
}

gboolean
tess_store_files_make_folder (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);

  if (g_mkdir_with_parents (folder, 0700) != 0)
    return tess_store_fail_errno (errno, error);

  return TRUE;
}

int
tess_store_files_lock (const char *path, GError **error)
{
  g_autofree char *name = g_strconcat (path, ".lock", NULL);
  /* Never removed: a lock on a file without a name keeps nobody out. */
  int fd = g_open (name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0)
    {
      tess_store_fail_errno (errno, error);
      return -1;
    }
  if (flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      if (errno == EWOULDBLOCK)
        tess_store_fail (error, TESS_STORE_ERROR_IN_USE, NULL);
      else
        tess_store_fail_errno (errno, error);
      close (fd);
      return -1;
    }

  return fd;
}

gboolean
tess_store_files_exist (const char *path, const char *suffix)
{
  g_autofree char *name = g_strconcat (path, suffix, NULL);
  GStatBuf status;

  return g_lstat (name, &status) == 0;
}

gint64
tess_store_files_size (const char *path, const char *suffix)
{
  g_autofree char *name = g_strconcat (path, suffix, NULL);
  GStatBuf status;

  return g_stat (name, &status) == 0 ? (gint64) status.st_size : 0;
}

/* How many of @length bytes the file has, or -1 with errno. The descriptor must be closed before
 * SQLite opens the file: closing one ends every POSIX lock that the process has on it. */
static gssize
read_start (const char *name, guint8 *bytes, gsize length)
{
  int fd = g_open (name, O_RDONLY | O_CLOEXEC, 0);
  gsize have = 0;
  gssize more;

  if (fd < 0)
    return -1;

  do
    {
      more = read (fd, bytes + have, length - have);
      if (more > 0)
        have += more;
    }
  while (more > 0 || (more < 0 && errno == EINTR));
  close (fd);

  return more < 0 ? -1 : (gssize) have;
}

static guint32
big_endian (const guint8 *bytes)
{
  return (guint32) bytes[0] << 24 | (guint32) bytes[1] << 16 | (guint32) bytes[2] << 8 | bytes[3];
}

/* SQLite takes a -wal without a valid header for an empty one and writes over it. With
 * `synchronous=FULL` the header is on the disk before anything follows it, so one that is wrong
 * means lost transactions, not an unlucky power cut. */
static gboolean
inspect_wal (const char *path, GError **error)
{
  g_autofree char *name = g_strconcat (path, "-wal", NULL);
  guint8 header[WAL_HEADER_BYTES];
  gssize length = read_start (name, header, sizeof header);

  if (length < 0 && errno != ENOENT)
    return tess_store_fail_errno (errno, error);
  if (length < WAL_HEADER_BYTES || tess_store_files_size (name, "") == WAL_HEADER_BYTES)
    return TRUE;
  if ((big_endian (header) & ~1u) != WAL_MAGIC || big_endian (header + 4) != WAL_VERSION)
    return tess_store_fail (error, TESS_STORE_ERROR_DAMAGED, NULL);

  return TRUE;
}

gboolean
tess_store_files_inspect (const char *path, int newest_version, GError **error)
{
  guint8 header[HEADER_BYTES];
  gssize length = read_start (path, header, sizeof header);

  if (length < 0)
    return tess_store_fail_errno (errno, error);
  if (length < HEADER_BYTES || memcmp (header, "SQLite format 3", 16) != 0 ||
      big_endian (header + 68) != TESS_STORE_APPLICATION_ID)
    return tess_store_fail (error, TESS_STORE_ERROR_DAMAGED, NULL);
  if ((gint32) big_endian (header + 60) > newest_version)
    return tess_store_fail (error, TESS_STORE_ERROR_NEWER, NULL);

  return inspect_wal (path, error);
}

gboolean
tess_store_files_sync (const char *path, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  gboolean done = fd >= 0 && fsync (fd) == 0;

  if (!done)
    tess_store_fail_errno (errno, error);
  if (fd >= 0)
    close (fd);

  return done;
}

gboolean
tess_store_files_make (const char *name)
{
  int fd = g_open (name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  return fd >= 0 && close (fd) == 0;
}

char *
tess_store_files_new_backup (const char *path, int version, GError **error)
{
  for (int i = 0; i < MOST_NAMES; i++)
    {
      g_autofree char *name = i == 0 ? g_strdup_printf ("%s.before-v%d", path, version)
                                     : g_strdup_printf ("%s.before-v%d-%d", path, version, i);

      if (tess_store_files_make (name))
        return g_steal_pointer (&name);
      if (errno != EEXIST)
        break;
    }
  tess_store_fail_errno (errno, error);

  return NULL;
}

static gboolean
is_free (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (companions); i++)
    if (tess_store_files_exist (name, companions[i]))
      return FALSE;

  return TRUE;
}

static char *
free_name (const char *path)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *stamp = g_date_time_format (now, "%Y%m%d-%H%M%S");

  for (int i = 0; i < MOST_NAMES; i++)
    {
      g_autofree char *name = i == 0 ? g_strdup_printf ("%s.kept-%s", path, stamp)
                                     : g_strdup_printf ("%s.kept-%s-%d", path, stamp, i);

      if (is_free (name))
        return g_steal_pointer (&name);
    }

  return NULL;
}

static int
move (const char *from, const char *to, const char *suffix)
{
  g_autofree char *old_name = g_strconcat (from, suffix, NULL);
  g_autofree char *new_name = g_strconcat (to, suffix, NULL);

  if (renameat2 (AT_FDCWD, old_name, AT_FDCWD, new_name, RENAME_NOREPLACE) == 0 || errno == ENOENT)
    return 0;
  /* Not every file system can promise it; free_name () has looked. */
  if (errno == EINVAL || errno == ENOSYS)
    return g_rename (old_name, new_name);

  return -1;
}

/* The database first: without its -wal it would open as if nothing were wrong, a -wal alone does
 * not. */
static gboolean
move_all (const char *from, const char *to, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (companions); i++)
    if (move (from, to, companions[i]) != 0)
      {
        tess_store_fail_errno (errno, error);
        while (i-- > 0)
          move (to, from, companions[i]);
        return FALSE;
      }

  return TRUE;
}

char *
tess_store_set_aside (const char *path, GError **error)
{
  g_autofree char *real_path = NULL;
  g_autofree char *name = NULL;
  gboolean moved = FALSE;
  int lock_fd;

  TESS_ASSERT_ENGINE ();
  g_return_val_if_fail (path != NULL, NULL);

  real_path = tess_store_files_resolve (path);
  lock_fd = tess_store_files_lock (real_path, error);
  if (lock_fd < 0)
    return NULL;

  name = is_free (real_path) ? NULL : free_name (real_path);
  if (name != NULL)
    moved = move_all (real_path, name, error);
  else
    tess_store_fail (error, TESS_STORE_ERROR_FAILED, "there is nothing to set aside");
  close (lock_fd);

  return moved ? g_steal_pointer (&name) : NULL;
}
