/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "store/tess-store-private.h"

#include <string.h>

typedef struct
{
  gsize length;
  guint8 data[];
} Secret;

static void
secret_free (gpointer data)
{
  Secret *secret = data;

  explicit_bzero (secret->data, secret->length);
  g_free (secret);
}

GBytes *
tess_store_column_bytes (sqlite3_stmt *row, int column)
{
  gsize length;
  Secret *secret;

  if (sqlite3_column_type (row, column) == SQLITE_NULL)
    return NULL;

  length = sqlite3_column_bytes (row, column);
  secret = g_malloc (sizeof *secret + length);
  secret->length = length;
  if (length > 0)
    memcpy (secret->data, sqlite3_column_blob (row, column), length);

  return g_bytes_new_with_free_func (secret->data, length, secret_free, secret);
}

char *
tess_store_column_text (sqlite3_stmt *row, int column)
{
  return g_strdup ((const char *) sqlite3_column_text (row, column));
}

static int
bind_value (sqlite3_stmt *statement, int index, const TessValue *value)
{
  gsize length;
  gconstpointer data;

  switch (value->type)
    {
    case TESS_VALUE_NUMBER:
      return sqlite3_bind_int64 (statement, index, value->number);
    case TESS_VALUE_TEXT:
      return sqlite3_bind_text (statement, index, value->text, -1, SQLITE_STATIC);
    case TESS_VALUE_BLOB:
      if (value->blob == NULL)
        return sqlite3_bind_null (statement, index);
      data = g_bytes_get_data (value->blob, &length);
      /* A NULL pointer would be NULL in the table, not an empty blob. */
      return sqlite3_bind_blob64 (statement, index, data != NULL ? data : "", length,
                                  SQLITE_STATIC);
    case TESS_VALUE_END:
    default:
      return SQLITE_MISUSE;
    }
}

static sqlite3_stmt *
lookup (TessStore *self, const char *sql, GError **error)
{
  sqlite3_stmt *statement = g_hash_table_lookup (self->statements, sql);
  int rc;

  if (statement != NULL)
    return statement;

  rc = sqlite3_prepare_v3 (self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
  if (rc != SQLITE_OK)
    {
      tess_store_fail_sqlite (self->db, rc, error);
      return NULL;
    }
  g_hash_table_insert (self->statements, (gpointer) sql, statement);

  return statement;
}

static void
finish (sqlite3_stmt *statement)
{
  sqlite3_reset (statement);
  /* What was bound is borrowed: it must not outlive the call. */
  sqlite3_clear_bindings (statement);
}

static sqlite3_stmt *
start (TessStore *self, const char *sql, const TessValue *values, gboolean alone, GError **error)
{
  sqlite3_stmt *statement;

  if (!tess_store_check_transaction (self, error))
    return NULL;

  statement = lookup (self, sql, error);
  if (statement == NULL)
    return NULL;
  if (self->unopened > 0 && !sqlite3_stmt_readonly (statement))
    {
      if (alone && self->unopened == 1 && !self->alone)
        self->alone = TRUE;
      else if (!tess_store_open_levels (self, error))
        return NULL;
    }

  for (int i = 0; values != NULL && values[i].type != TESS_VALUE_END; i++)
    {
      int rc = bind_value (statement, i + 1, &values[i]);

      if (rc != SQLITE_OK)
        {
          tess_store_fail_sqlite (self->db, rc, error);
          finish (statement);
          return NULL;
        }
    }

  return statement;
}

static gboolean
run (TessStore *self, const char *sql, const TessValue *values, gboolean alone, int *changes, GError **error)
{
  sqlite3_stmt *statement = start (self, sql, values, alone, error);
  int rc;

  if (statement == NULL)
    return FALSE;

  rc = sqlite3_step (statement);
  if (rc != SQLITE_DONE && rc != SQLITE_ROW)
    tess_store_fail_sqlite (self->db, rc, error);
  else if (changes != NULL)
    *changes = sqlite3_changes (self->db);
  finish (statement);

  return rc == SQLITE_DONE || rc == SQLITE_ROW;
}

gboolean
tess_store_run (
    TessStore *self, const char *sql, const TessValue *values, int *changes, GError **error)
{
  return run (self, sql, values, FALSE, changes, error);
}

gboolean
tess_store_run_alone (TessStore *self, const char *sql, const TessValue *values, GError **error)
{
  if (run (self, sql, values, TRUE, NULL, error))
    return TRUE;

  /* It left nothing behind: the level can be rolled back. */
  self->alone = FALSE;

  return FALSE;
}

gboolean
tess_store_get (TessStore *self,
                const char *sql,
                const TessValue *values,
                TessRowFunc read,
                gpointer *result,
                GError **error)
{
  sqlite3_stmt *statement;
  int rc;

  *result = NULL;
  statement = start (self, sql, values, FALSE, error);
  if (statement == NULL)
    return FALSE;

  rc = sqlite3_step (statement);
  if (rc == SQLITE_ROW)
    *result = read (statement);
  else if (rc != SQLITE_DONE)
    tess_store_fail_sqlite (self->db, rc, error);
  finish (statement);

  return rc == SQLITE_DONE || rc == SQLITE_ROW;
}

static gpointer
read_number (sqlite3_stmt *row)
{
  gint64 *number = g_new (gint64, 1);

  *number = sqlite3_column_int64 (row, 0);
  return number;
}

gboolean
tess_store_get_number (TessStore *self, const char *sql, const TessValue *values, gint64 otherwise, gint64 *number, GError **error)
{
  gpointer found = NULL;
  g_autofree gint64 *there = NULL;

  if (!tess_store_get (self, sql, values, read_number, &found, error))
    return FALSE;
  there = found;
  *number = there != NULL ? *there : otherwise;

  return TRUE;
}

GPtrArray *
tess_store_list (TessStore *self,
                 const char *sql,
                 const TessValue *values,
                 TessRowFunc read,
                 GDestroyNotify free_func,
                 GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (free_func);
  sqlite3_stmt *statement = start (self, sql, values, FALSE, error);
  int rc;

  if (statement == NULL)
    return NULL;

  while ((rc = sqlite3_step (statement)) == SQLITE_ROW)
    g_ptr_array_add (list, read (statement));
  if (rc != SQLITE_DONE)
    tess_store_fail_sqlite (self->db, rc, error);
  finish (statement);

  return rc == SQLITE_DONE ? g_steal_pointer (&list) : NULL;
}

GArray *
tess_store_list_numbers (TessStore *self, const char *sql, const TessValue *values, GError **error)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint64));
  sqlite3_stmt *statement = start (self, sql, values, FALSE, error);
  int rc;

  if (statement == NULL)
    return NULL;

  while ((rc = sqlite3_step (statement)) == SQLITE_ROW)
    {
      gint64 number = sqlite3_column_int64 (statement, 0);

      g_array_append_val (numbers, number);
    }
  if (rc != SQLITE_DONE)
    tess_store_fail_sqlite (self->db, rc, error);
  finish (statement);

  return rc == SQLITE_DONE ? g_steal_pointer (&numbers) : NULL;
}

gboolean
tess_store_exec (TessStore *self, const char *sql, GError **error)
{
  int rc;

  if (self->unopened > 0 && !tess_store_open_levels (self, error))
    return FALSE;
  rc = sqlite3_exec (self->db, sql, NULL, NULL, NULL);

  return rc == SQLITE_OK || tess_store_fail_sqlite (self->db, rc, error);
}

gboolean
tess_store_number (TessStore *self, const char *sql, gint64 *number, GError **error)
{
  sqlite3_stmt *statement = NULL;
  int rc = sqlite3_prepare_v2 (self->db, sql, -1, &statement, NULL);

  if (rc == SQLITE_OK)
    rc = sqlite3_step (statement);
  if (rc == SQLITE_ROW)
    *number = sqlite3_column_int64 (statement, 0);
  else
    tess_store_fail_sqlite (self->db, rc, error);
  sqlite3_finalize (statement);

  return rc == SQLITE_ROW;
}
