/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "store/tess-store-private.h"

#include <glib/gi18n-lib.h>

#include <errno.h>

G_DEFINE_QUARK (tess - store - error - quark, tess_store_error)

static const char *
sentence (TessStoreError code)
{
  switch (code)
    {
    case TESS_STORE_ERROR_DAMAGED:
      return _ ("The database is damaged. Nothing in it was changed: restore it from a backup, or "
                "set it aside to start afresh.");
    case TESS_STORE_ERROR_NEWER:
      return _ ("The database was made by a newer version of Tessera. Update Tessera to open it.");
    case TESS_STORE_ERROR_FULL:
      return _ ("The disk is full. Free some space, then try again.");
    case TESS_STORE_ERROR_READ_ONLY:
      return _ ("Tessera is not allowed to write to its database. Check the permissions of its "
                "folder.");
    case TESS_STORE_ERROR_IN_USE:
      return _ ("The database is in use by another Tessera. Close that one first.");
    case TESS_STORE_ERROR_EXISTS:
      return _ ("This is in the database already.");
    case TESS_STORE_ERROR_FAILED:
    default:
      return _ ("The database could not be used. Restart Tessera and try again.");
    }
}

gboolean
tess_store_fail (GError **error, TessStoreError code, const char *detail)
{
  if (code == TESS_STORE_ERROR_FAILED && detail != NULL)
    /* Translators: %s is the technical cause, in English. */
    g_set_error (error, TESS_STORE_ERROR, code, _ ("The database could not be used: %s. Restart Tessera and try again."), detail);
  else
    g_set_error_literal (error, TESS_STORE_ERROR, code, sentence (code));

  return FALSE;
}

static TessStoreError
code_of_errno (int number)
{
  switch (number)
    {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return TESS_STORE_ERROR_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
      return TESS_STORE_ERROR_READ_ONLY;
    default:
      return TESS_STORE_ERROR_FAILED;
    }
}

gboolean
tess_store_fail_errno (int number, GError **error)
{
  return tess_store_fail (error, code_of_errno (number), g_strerror (number));
}

static TessStoreError
code_of_sqlite (sqlite3 *db, int rc)
{
  switch (rc & 0xff)
    {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return TESS_STORE_ERROR_DAMAGED;
    case SQLITE_FULL:
      return TESS_STORE_ERROR_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return TESS_STORE_ERROR_READ_ONLY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return TESS_STORE_ERROR_IN_USE;
    case SQLITE_CONSTRAINT:
      return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY
                 ? TESS_STORE_ERROR_EXISTS
                 : TESS_STORE_ERROR_FAILED;
    case SQLITE_IOERR:
      /* A file that ends too early is no trouble of the disk. */
      if (rc == SQLITE_IOERR_SHORT_READ)
        return TESS_STORE_ERROR_DAMAGED;
      return code_of_errno (db != NULL ? sqlite3_system_errno (db) : 0);
    case SQLITE_CANTOPEN:
      return code_of_errno (db != NULL ? sqlite3_system_errno (db) : 0);
    default:
      return TESS_STORE_ERROR_FAILED;
    }
}

gboolean
tess_store_fail_sqlite (sqlite3 *db, int rc, GError **error)
{
  const char *detail = db != NULL ? sqlite3_errmsg (db) : sqlite3_errstr (rc);

  /* SQLite names tables and columns here, never what is in them. */
  g_debug ("SQLite says %d: %s", rc, detail);
  if ((rc & 0xff) == SQLITE_IOERR && code_of_sqlite (db, rc) == TESS_STORE_ERROR_FAILED)
    {
      /* In a commit SQLite does not say what the system said: it may be a full disk as well. */
      g_set_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED,
                   /* Translators: %s is the technical cause, in English. */
                   _ ("The disk did not take or give what the database wanted: %s. Check the space on it and its health, then try "
                      "again."),
                   detail);
      return FALSE;
    }
  return tess_store_fail (error, code_of_sqlite (db, rc), detail);
}
