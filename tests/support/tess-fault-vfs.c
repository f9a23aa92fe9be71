/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tess-fault-vfs.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

typedef struct
{
  sqlite3_file  base;
  const char   *name; /* SQLite keeps it as long as the file is open */
  sqlite3_file *real; /* behind this */
} FaultFile;

/* Not GLib's: ThreadSanitizer does not see that one. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_vfs    *real_vfs;
static struct
{
  char         *path; /* nullable: nothing is watched */
  guint         point;
  TessFaultKind kind;
  gboolean      stays;
  gboolean      lifted;
  gboolean      hit;
  int           error; /* of the system, that SQLite asks for behind an error */
  GPtrArray    *names;
} fault;

static const char *
kind_of_file (const char *name)
{
  static const char *const kinds[] = { "-wal", "-journal", "-shm", ".new" };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_has_suffix (name, kinds[i]))
      return kinds[i];
  return strstr (name, ".before-") != NULL ? "backup" : "database";
}

static int
error_of_system (TessFaultKind kind)
{
  return kind == TESS_FAULT_FULL || kind == TESS_FAULT_SHORT ? ENOSPC : kind == TESS_FAULT_READ_ONLY ? EROFS : EIO;
}

/* Counts a point. @kind: (out). Returns: whether it is to fail. */
static gboolean
strikes (const char *name, const char *what, TessFaultKind *kind)
{
  gboolean now = FALSE;

  pthread_mutex_lock (&mutex);
  if (!fault.lifted && name != NULL && fault.path != NULL && g_str_has_prefix (name, fault.path))
    {
      g_ptr_array_add (fault.names, g_strdup_printf ("%s %s", what, kind_of_file (name)));
      now = fault.point != 0 &&
            (fault.names->len == fault.point || (fault.stays && fault.names->len > fault.point));
      fault.hit = fault.hit || now;
      if (now)
        fault.error = error_of_system (fault.kind);
    }
  *kind = fault.kind;
  pthread_mutex_unlock (&mutex);

  return now;
}

#define REAL(file) (((FaultFile *) (file))->real)
#define NAME(file) (((FaultFile *) (file))->name)

static int
fault_close (sqlite3_file *file)
{
  return REAL (file)->pMethods != NULL ? REAL (file)->pMethods->xClose (REAL (file)) : SQLITE_OK;
}

static int
fault_read (sqlite3_file *file, void *data, int length, sqlite3_int64 offset)
{
  return REAL (file)->pMethods->xRead (REAL (file), data, length, offset);
}

static int
fault_write (sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
  TessFaultKind kind;
  gboolean      now = strikes (NAME (file), "write", &kind);

  if (now && (kind == TESS_FAULT_SHORT || kind == TESS_FAULT_LATE))
    REAL (file)->pMethods->xWrite (REAL (file), data, kind == TESS_FAULT_SHORT ? length / 2 : length, offset);
  if (!now)
    return REAL (file)->pMethods->xWrite (REAL (file), data, length, offset);

  switch (kind)
    {
    case TESS_FAULT_FULL:
    case TESS_FAULT_SHORT:
      return SQLITE_FULL;
    case TESS_FAULT_READ_ONLY:
      return SQLITE_READONLY;
    case TESS_FAULT_WRITE:
    case TESS_FAULT_LATE:
    default:
      return SQLITE_IOERR_WRITE;
    }
}

static int
fault_truncate (sqlite3_file *file, sqlite3_int64 size)
{
  TessFaultKind kind;
  gboolean      now = strikes (NAME (file), "truncate", &kind);

  if (now && kind != TESS_FAULT_LATE)
    return SQLITE_IOERR_TRUNCATE;
  return REAL (file)->pMethods->xTruncate (REAL (file), size) == SQLITE_OK && !now ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int
fault_sync (sqlite3_file *file, int flags)
{
  TessFaultKind kind;

  return strikes (NAME (file), "sync", &kind) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int
fault_file_size (sqlite3_file *file, sqlite3_int64 *size)
{
  return REAL (file)->pMethods->xFileSize (REAL (file), size);
}

static int
fault_lock (sqlite3_file *file, int lock)
{
  return REAL (file)->pMethods->xLock (REAL (file), lock);
}

static int
fault_unlock (sqlite3_file *file, int lock)
{
  return REAL (file)->pMethods->xUnlock (REAL (file), lock);
}

static int
fault_check_reserved_lock (sqlite3_file *file, int *result)
{
  return REAL (file)->pMethods->xCheckReservedLock (REAL (file), result);
}

static int
fault_file_control (sqlite3_file *file, int op, void *argument)
{
  return REAL (file)->pMethods->xFileControl (REAL (file), op, argument);
}

static int
fault_sector_size (sqlite3_file *file)
{
  return REAL (file)->pMethods->xSectorSize (REAL (file));
}

static int
fault_device_characteristics (sqlite3_file *file)
{
  return REAL (file)->pMethods->xDeviceCharacteristics (REAL (file));
}

static int
fault_shm_map (sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
  TessFaultKind kind;

  if (extend && strikes (NAME (file), "grow", &kind))
    return SQLITE_IOERR_SHMSIZE;
  return REAL (file)->pMethods->xShmMap (REAL (file), page, size, extend, memory);
}

static int
fault_shm_lock (sqlite3_file *file, int offset, int n, int flags)
{
  return REAL (file)->pMethods->xShmLock (REAL (file), offset, n, flags);
}

static void
fault_shm_barrier (sqlite3_file *file)
{
  REAL (file)->pMethods->xShmBarrier (REAL (file));
}

static int
fault_shm_unmap (sqlite3_file *file, int remove)
{
  return REAL (file)->pMethods->xShmUnmap (REAL (file), remove);
}

/* Version 2: what is mapped into memory is read only, and Tessera maps nothing. */
static const sqlite3_io_methods methods = {
  .iVersion = 2,
  .xClose = fault_close,
  .xRead = fault_read,
  .xWrite = fault_write,
  .xTruncate = fault_truncate,
  .xSync = fault_sync,
  .xFileSize = fault_file_size,
  .xLock = fault_lock,
  .xUnlock = fault_unlock,
  .xCheckReservedLock = fault_check_reserved_lock,
  .xFileControl = fault_file_control,
  .xSectorSize = fault_sector_size,
  .xDeviceCharacteristics = fault_device_characteristics,
  .xShmMap = fault_shm_map,
  .xShmLock = fault_shm_lock,
  .xShmBarrier = fault_shm_barrier,
  .xShmUnmap = fault_shm_unmap,
};

static int
fault_open (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
  FaultFile    *self = (FaultFile *) file;
  TessFaultKind kind;
  int           exists = 1;
  int           rc;

  self->base.pMethods = NULL;
  self->name = name;
  self->real = (sqlite3_file *) (self + 1);
  if (name != NULL && (flags & SQLITE_OPEN_CREATE) != 0)
    real_vfs->xAccess (real_vfs, name, SQLITE_ACCESS_EXISTS, &exists);
  if (!exists && strikes (name, "create", &kind))
    return SQLITE_CANTOPEN;

  rc = real_vfs->xOpen (real_vfs, name, self->real, flags, out_flags);
  if (rc == SQLITE_OK)
    self->base.pMethods = &methods;
  return rc;
}

static int
fault_delete (sqlite3_vfs *vfs, const char *name, int sync_folder)
{
  TessFaultKind kind;
  gboolean      now = strikes (name, "delete", &kind);

  if (now && kind != TESS_FAULT_LATE)
    return SQLITE_IOERR_DELETE;
  return now ? (real_vfs->xDelete (real_vfs, name, FALSE), SQLITE_IOERR_DELETE)
             : real_vfs->xDelete (real_vfs, name, FALSE);
}

static int
fault_get_last_error (sqlite3_vfs *vfs, int length, char *text)
{
  int told;

  pthread_mutex_lock (&mutex);
  told = fault.error;
  pthread_mutex_unlock (&mutex);
  return told != 0 ? told : real_vfs->xGetLastError (real_vfs, length, text);
}

void
tess_fault_vfs_install (void)
{
  static sqlite3_vfs vfs;

  g_assert_null (real_vfs);
  real_vfs = sqlite3_vfs_find (NULL);
  vfs = *real_vfs;
  vfs.zName = "fault";
  vfs.pNext = NULL;
  vfs.szOsFile = (int) sizeof (FaultFile) + real_vfs->szOsFile;
  vfs.xOpen = fault_open;
  vfs.xDelete = fault_delete;
  vfs.xGetLastError = fault_get_last_error;
  fault.names = g_ptr_array_new_with_free_func (g_free);
  g_assert_cmpint (sqlite3_vfs_register (&vfs, TRUE), ==, SQLITE_OK);
}

void
tess_fault_vfs_arm (const char *path, guint point, TessFaultKind kind, gboolean stays)
{
  pthread_mutex_lock (&mutex);
  g_free (fault.path);
  fault.path = g_strdup (path);
  fault.point = point;
  fault.kind = kind;
  fault.stays = stays;
  fault.lifted = FALSE;
  fault.hit = FALSE;
  fault.error = 0;
  g_ptr_array_set_size (fault.names, 0);
  pthread_mutex_unlock (&mutex);
}

void
tess_fault_vfs_lift (void)
{
  pthread_mutex_lock (&mutex);
  fault.lifted = TRUE;
  fault.error = 0;
  pthread_mutex_unlock (&mutex);
}

gboolean
tess_fault_vfs_was_hit (void)
{
  gboolean hit;

  pthread_mutex_lock (&mutex);
  hit = fault.hit;
  pthread_mutex_unlock (&mutex);
  return hit;
}

guint
tess_fault_vfs_count (void)
{
  guint count;

  pthread_mutex_lock (&mutex);
  count = fault.names->len;
  pthread_mutex_unlock (&mutex);
  return count;
}

char *
tess_fault_vfs_name (guint point)
{
  char *name = NULL;

  pthread_mutex_lock (&mutex);
  if (point > 0 && point <= fault.names->len)
    name = g_strdup (g_ptr_array_index (fault.names, point - 1));
  pthread_mutex_unlock (&mutex);
  return name;
}

const char *
tess_fault_kind_to_string (TessFaultKind kind)
{
  static const char *const names[TESS_FAULT_KINDS] = { "write", "full", "short", "late", "read-only" };

  return names[kind];
}
