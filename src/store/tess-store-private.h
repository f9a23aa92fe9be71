/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Inside the room only (and its suite). */

#include "store/tess-store.h"

#include <sqlite3.h>

G_BEGIN_DECLS

struct _TessStore
{
  char       *path; /* with symbolic links resolved, as SQLite names the -wal */
  int         lock_fd;
  sqlite3    *db;
  GHashTable *statements; /* SQL, by pointer -> sqlite3_stmt */
  guint       depth;      /* of begin */
  guint       unopened;   /* of the levels, the innermost: nothing was written in them yet, so that SQLite does not know of them */
  gboolean    alone;      /* the one statement of the innermost level was run without it */
  gboolean    doomed;     /* the outermost commit will fail */
  guint64     rollbacks;  /* of any level: whoever keeps a copy of rows reads them again */
};

/* ---- tess-store-statement.c: one query in a few lines ---- */

typedef enum
{
  TESS_VALUE_END,
  TESS_VALUE_NUMBER,
  TESS_VALUE_TEXT,
  TESS_VALUE_BLOB,
} TessValueType;

/* What takes the place of ?1, ?2, … Borrowed for the time of the call. */
typedef struct
{
  TessValueType type;
  gint64        number;
  const char   *text; /* nullable */
  GBytes       *blob; /* nullable */
} TessValue;

#define NUMBER(value) ((TessValue){ .type = TESS_VALUE_NUMBER, .number = (value) })
#define TEXT(value) ((TessValue){ .type = TESS_VALUE_TEXT, .text = (value) })
#define BLOB(value) ((TessValue){ .type = TESS_VALUE_BLOB, .blob = (value) })
#define BIND(...) ((const TessValue[]){ __VA_ARGS__, { .type = TESS_VALUE_END } })

typedef gpointer (*TessRowFunc) (sqlite3_stmt *row);

/* @sql of these three must be a literal: it is the key of the cache. */

/* Runs one statement. @changes: (out) (optional): rows that it wrote itself. */
gboolean   tess_store_run  (TessStore *self, const char *sql, const TessValue *values, int *changes, GError **error);
/* Runs the one statement that its level writes: SQLite takes it back by itself when it fails, so it needs no savepoint, which would
 * copy each page before it changes. Whatever is written after it in the same level dooms the transaction. */
gboolean   tess_store_run_alone (TessStore *self, const char *sql, const TessValue *values, GError **error);
/* @result: (out): what @read made of the first row, NULL when there is none. */
gboolean   tess_store_get  (TessStore *self, const char *sql, const TessValue *values, TessRowFunc read,
                            gpointer *result, GError **error);
/* The number in the first column of the first row; @otherwise when there is none. */
gboolean   tess_store_get_number (TessStore *self, const char *sql, const TessValue *values, gint64 otherwise, gint64 *number,
                                  GError **error);
/* Every row. @free_func: (nullable): for the elements. */
GPtrArray *tess_store_list (TessStore *self, const char *sql, const TessValue *values, TessRowFunc read,
                            GDestroyNotify free_func, GError **error);
/* The numbers in the first column of every row. (element-type gint64) */
GArray    *tess_store_list_numbers (TessStore *self, const char *sql, const TessValue *values, GError **error);

/* Outside of the cache: pragmas and migrations, several statements in one. */
gboolean   tess_store_exec   (TessStore *self, const char *sql, GError **error);
gboolean   tess_store_number (TessStore *self, const char *sql, gint64 *number, GError **error);

char      *tess_store_column_text  (sqlite3_stmt *row, int column);
/* (nullable): a copy that is wiped when it is freed. */
GBytes    *tess_store_column_bytes (sqlite3_stmt *row, int column);

/* ---- tess-store-error.c ---- */

/* Sets @error with the room's sentence for @code; @detail: (nullable): for %TESS_STORE_ERROR_FAILED. Returns FALSE. */
gboolean tess_store_fail        (GError **error, TessStoreError code, const char *detail);
/* The same for what SQLite said last. */
gboolean tess_store_fail_sqlite (sqlite3 *db, int rc, GError **error);
/* The same for errno. */
gboolean tess_store_fail_errno  (int number, GError **error);

/* ---- tess-store-files.c ---- */

gboolean tess_store_files_make_folder (const char *path, GError **error);
/* -1 with an error. The lock ends when the descriptor is closed. */
int      tess_store_files_lock        (const char *path, GError **error);
/* 0 when it is missing. */
gint64   tess_store_files_size        (const char *path, const char *suffix);
gboolean tess_store_files_exist       (const char *path, const char *suffix);
/* Looks at the bytes alone, before SQLite may touch them. */
gboolean tess_store_files_inspect     (const char *path, int newest_version, GError **error);
/* An empty file of mode 0600 that was not there before; FALSE with errno. */
gboolean tess_store_files_make        (const char *name);
/* Makes an empty file `PATH.before-vVERSION`, or with a number after it. */
char    *tess_store_files_new_backup  (const char *path, int version, GError **error);
gboolean tess_store_files_sync        (const char *path, GError **error);
char    *tess_store_files_resolve     (const char *path);

/* ---- tess-store-schema.c ---- */

#define TESS_STORE_APPLICATION_ID 0x54455353 /* "TESS", at byte 68 of the file */

/* %NULL-terminated: the nth takes a database of version n to n + 1. Never edited after a release, only added to. */
extern const char *const tess_store_migrations[];

/* ---- tess-store.c ---- */

/* A full disk ends a transaction behind our back: what follows must not be committed piece by piece. */
gboolean   tess_store_check_transaction (TessStore *self, GError **error);
/* Before anything is written: SQLite learns of the levels that were begun. */
gboolean   tess_store_open_levels (TessStore *self, GError **error);

/* tess_store_open () with other migrations, for the suite. */
TessStore *tess_store_open_with (const char *path, const char *const *migrations, GError **error);

/* ---- tess-store-messages.c ---- */

/* A query that starts with "SELECT …, " TESS_MESSAGE_COLUMNS has m, c and d in its FROM. */
#define TESS_MESSAGE_COLUMNS                                                                       \
  "m.id, m.account_id, m.conversation_id, c.peer, m.sender, m.direction, m.state, m.encryption, "  \
  "m.stanza_id, m.archive_id, m.text, m.time_us, m.device, "                                       \
  "iif (m.direction = 1 AND m.encryption = 1, m.sent_trust, ifnull (d.trust, 0)), "                \
  "m.receipt_wanted, m.error "
#define TESS_MESSAGE_DEVICE_JOIN                                                                   \
  "LEFT JOIN omemo_devices d ON m.encryption = 1 AND d.account_id = m.account_id "                 \
  "AND d.address = m.sender AND d.id = m.device "

/* (nullable): NULL when the column @first is NULL. */
TessMessageRecord *tess_store_read_message (sqlite3_stmt *row, int first);

G_END_DECLS
