/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * Fault VFS:
 *
 * SQLite's own way to the files, with a fault at a place of one's choice. It counts what writes: each write, sync, truncation,
 * deletion, creation and growth of shared memory is a point, numbered from 1, of the files whose path begins with what is watched
 * (the database, its -wal, its journal, a backup beside it). Nothing is really synced: a power cut is not what this is about. One
 * for the process. Any thread.
 */

typedef enum
{
  TESS_FAULT_WRITE,     /* SQLITE_IOERR_…, nothing is written */
  TESS_FAULT_FULL,      /* SQLITE_FULL, nothing is written; what knows no such error says ENOSPC */
  TESS_FAULT_SHORT,     /* the same, and the first half is written */
  TESS_FAULT_LATE,      /* all is done, and an error is told all the same, as fsync does */
  TESS_FAULT_READ_ONLY, /* SQLITE_READONLY, or EROFS */
} TessFaultKind;
#define TESS_FAULT_KINDS 5

/* Made the default of all connections that are opened from now on. */
void tess_fault_vfs_install (void);

/**
 * tess_fault_vfs_arm:
 * @path: the files whose path begins with this
 * @point: that one fails; 0: none, they are only counted
 * @stays: and so do all that follow, until it is lifted
 */
void tess_fault_vfs_arm  (const char *path, guint point, TessFaultKind kind, gboolean stays);
/* From now on nothing fails, and nothing is counted. */
void tess_fault_vfs_lift (void);

/* Whether it has happened, lifted or not. */
gboolean tess_fault_vfs_was_hit (void);
/* Points since it was armed. */
guint    tess_fault_vfs_count   (void);
/* "write -wal": what happens at that point, in what kind of file. (transfer full) */
char    *tess_fault_vfs_name    (guint point);

const char *tess_fault_kind_to_string (TessFaultKind kind);

G_END_DECLS
