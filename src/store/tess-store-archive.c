/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "base/tess-thread.h"
#include "store/tess-store-private.h"

/* ---- Gaps ---- */

void
tess_gap_free (TessGap *self)
{
  if (self == NULL)
    return;

  g_free (self->older_id);
  g_free (self->newer_id);
  g_free (self);
}

static gpointer
read_gap (sqlite3_stmt *row)
{
  TessGap *gap = g_new0 (TessGap, 1);

  gap->id = sqlite3_column_int64 (row, 0);
  gap->account_id = sqlite3_column_int64 (row, 1);
  gap->older_id = tess_store_column_text (row, 2);
  gap->older_us = sqlite3_column_int64 (row, 3);
  gap->newer_id = tess_store_column_text (row, 4);
  gap->newer_us = sqlite3_column_int64 (row, 5);
  gap->stored = sqlite3_column_int64 (row, 6);
  gap->total = sqlite3_column_int64 (row, 7);
  gap->paused = sqlite3_column_int (row, 8);

  return gap;
}

GPtrArray *
tess_store_list_gaps (TessStore *self, gint64 account_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self,
                          "SELECT id, account_id, older_id, older_us, newer_id, newer_us, stored, total, paused "
                          "FROM gaps WHERE account_id = ?1 ORDER BY id DESC",
                          BIND (NUMBER (account_id)), read_gap, (GDestroyNotify) tess_gap_free, error);
}

gboolean
tess_store_save_gap (TessStore *self, TessGap *gap, GError **error)
{
  TESS_ASSERT_ENGINE ();

  if (gap->id != 0)
    return tess_store_run (self,
                           "UPDATE gaps SET newer_id = ?2, newer_us = ?3, stored = ?4, total = ?5, paused = ?6 WHERE id = ?1",
                           BIND (NUMBER (gap->id), TEXT (gap->newer_id), NUMBER (gap->newer_us), NUMBER (gap->stored),
                                 NUMBER (gap->total), NUMBER (!!gap->paused)),
                           NULL, error);

  if (!tess_store_run (self,
                       "INSERT INTO gaps (account_id, older_id, older_us, newer_id, newer_us, stored, total, paused) "
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                       BIND (NUMBER (gap->account_id), TEXT (gap->older_id), NUMBER (gap->older_us), TEXT (gap->newer_id),
                             NUMBER (gap->newer_us), NUMBER (gap->stored), NUMBER (gap->total), NUMBER (!!gap->paused)),
                       NULL, error))
    return FALSE;
  gap->id = sqlite3_last_insert_rowid (self->db);

  return TRUE;
}

gboolean
tess_store_remove_gap (TessStore *self, gint64 gap_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "DELETE FROM gaps WHERE id = ?1", BIND (NUMBER (gap_id)), NULL, error);
}

gboolean
tess_store_pause_gaps (TessStore *self, gint64 account_id, gboolean paused, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "UPDATE gaps SET paused = ?2 WHERE account_id = ?1",
                         BIND (NUMBER (account_id), NUMBER (!!paused)), NULL, error);
}

/* ---- What may have come into the archive late ---- */

void
tess_recheck_free (TessRecheck *self)
{
  if (self == NULL)
    return;

  g_free (self->older_id);
  g_free (self);
}

static gpointer
read_recheck (sqlite3_stmt *row)
{
  TessRecheck *recheck = g_new0 (TessRecheck, 1);

  recheck->id = sqlite3_column_int64 (row, 0);
  recheck->older_id = tess_store_column_text (row, 1);
  recheck->older_us = sqlite3_column_int64 (row, 2);
  recheck->due_us = sqlite3_column_int64 (row, 3);

  return recheck;
}

gboolean
tess_store_add_recheck (TessStore *self, gint64 account_id, const char *older_id, gint64 older_us, gint64 due_us, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "INSERT INTO rechecks (account_id, older_id, older_us, due_us) VALUES (?1, ?2, ?3, ?4)",
                         BIND (NUMBER (account_id), TEXT (older_id), NUMBER (older_us), NUMBER (due_us)), NULL, error);
}

GPtrArray *
tess_store_list_rechecks (TessStore *self, gint64 account_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self, "SELECT id, older_id, older_us, due_us FROM rechecks WHERE account_id = ?1 ORDER BY due_us, id",
                          BIND (NUMBER (account_id)), read_recheck, (GDestroyNotify) tess_recheck_free, error);
}

gboolean
tess_store_remove_recheck (TessStore *self, gint64 recheck_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "DELETE FROM rechecks WHERE id = ?1", BIND (NUMBER (recheck_id)), NULL, error);
}

/* ---- Letters that wait for older ones ---- */

void
tess_held_free (TessHeld *self)
{
  if (self == NULL)
    return;

  g_free (self->archive_id);
  g_free (self->xml);
  g_free (self);
}

static gpointer
read_held (sqlite3_stmt *row)
{
  TessHeld *held = g_new0 (TessHeld, 1);

  held->id = sqlite3_column_int64 (row, 0);
  held->archive_id = tess_store_column_text (row, 1);
  held->time_us = sqlite3_column_int64 (row, 2);
  held->xml = tess_store_column_text (row, 3);

  return held;
}

gboolean
tess_store_hold (TessStore *self, gint64 account_id, const char *archive_id, gint64 time_us, const char *xml, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "INSERT OR IGNORE INTO held (account_id, archive_id, time_us, xml) VALUES (?1, ?2, ?3, ?4)",
                         BIND (NUMBER (account_id), TEXT (archive_id), NUMBER (time_us), TEXT (xml)), NULL, error);
}

GPtrArray *
tess_store_list_held (TessStore *self, gint64 account_id, gint64 until_id, guint limit, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self,
                          "SELECT id, archive_id, time_us, xml FROM held WHERE account_id = ?1 AND id <= ?2 "
                          "ORDER BY time_us, id LIMIT ?3",
                          BIND (NUMBER (account_id), NUMBER (until_id), NUMBER (limit)), read_held,
                          (GDestroyNotify) tess_held_free, error);
}

typedef struct
{
  gint64 count;
  gint64 last_id;
} HeldCount;

static gpointer
read_held_count (sqlite3_stmt *row)
{
  HeldCount *count = g_new (HeldCount, 1);

  count->count = sqlite3_column_int64 (row, 0);
  count->last_id = sqlite3_column_int64 (row, 1);
  return count;
}

gint64
tess_store_count_held (TessStore *self, gint64 account_id, gint64 *last_id, GError **error)
{
  gpointer              found = NULL;
  g_autofree HeldCount *count = NULL;

  TESS_ASSERT_ENGINE ();

  *last_id = 0;
  if (!tess_store_get (self, "SELECT count (*), ifnull (max (id), 0) FROM held WHERE account_id = ?1", BIND (NUMBER (account_id)),
                       read_held_count, &found, error))
    return -1;
  count = found;
  *last_id = count->last_id;
  return count->count;
}

gboolean
tess_store_release (TessStore *self, gint64 held_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "DELETE FROM held WHERE id = ?1", BIND (NUMBER (held_id)), NULL, error);
}

/* ---- The places of messages ---- */

gboolean
tess_store_get_neighbours (TessStore *self, gint64 conversation_id, gint64 older_us, gint64 newer_us, gint64 *below_us,
                           gint64 *above_us, GError **error)
{
  TESS_ASSERT_ENGINE ();

  /* By the index of the timeline. What waits to be sent has no place in the archive yet. */
  return tess_store_get_number (self,
                                "SELECT time_us FROM messages WHERE conversation_id = ?1 AND time_us <= ?2 AND state <> 1 "
                                "ORDER BY time_us DESC LIMIT 1",
                                BIND (NUMBER (conversation_id), NUMBER (older_us)), G_MININT64, below_us, error) &&
         tess_store_get_number (self,
                                "SELECT time_us FROM messages WHERE conversation_id = ?1 AND time_us >= ?2 AND state <> 1 "
                                "ORDER BY time_us LIMIT 1",
                                BIND (NUMBER (conversation_id), NUMBER (newer_us)), G_MAXINT64, above_us, error);
}

gboolean
tess_store_get_last_sent (TessStore *self, gint64 conversation_id, gint64 besides, gint64 *time_us, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_get_number (self,
                                "SELECT m.time_us FROM messages m WHERE m.conversation_id = ?1 AND m.id <> ?2 "
                                "AND (m.state <> 1 OR EXISTS (SELECT 1 FROM outbox o WHERE o.message_id = m.id AND o.tried_us > 0)) "
                                "ORDER BY m.time_us DESC LIMIT 1",
                                BIND (NUMBER (conversation_id), NUMBER (besides)), 0, time_us, error);
}

gboolean
tess_store_get_first_behind (TessStore *self, gint64 conversation_id, gint64 message_id, gint64 *first_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  /* By the rows' ids: those few that were added last. */
  return tess_store_get_number (self,
                                "SELECT m.id FROM messages m WHERE m.id > ?2 AND +m.conversation_id = ?1 AND m.direction = 0 LIMIT 1",
                                BIND (NUMBER (conversation_id), NUMBER (message_id)), 0, first_id, error);
}

gboolean
tess_store_move_message (TessStore *self, gint64 message_id, gint64 time_us, GError **error)
{
  TESS_ASSERT_ENGINE ();

  /* What waits to be sent goes below what came after it was written, which has not been read for that: rows that came later have larger
   * numbers. All else takes the place up to which was read along. */
  return tess_store_run (self, "UPDATE messages SET time_us = ?2 WHERE id = ?1", BIND (NUMBER (message_id), NUMBER (time_us)),
                         NULL, error) &&
         tess_store_run (self,
                         "UPDATE conversations SET (read_time_us, read_id) = (SELECT time_us, id FROM (SELECT m.time_us, m.id "
                         "FROM messages m WHERE m.conversation_id = conversations.id AND m.time_us <= ?2 AND (m.id = ?1 AND m.state <> 1 "
                         "OR m.id < ?1 AND m.state <> 1 AND (SELECT w.state FROM messages w WHERE w.id = ?1) = 1) "
                         "ORDER BY m.time_us DESC, m.id DESC LIMIT 1) UNION ALL SELECT 0, 0 LIMIT 1) "
                         "WHERE id = (SELECT conversation_id FROM messages WHERE id = ?1) AND read_id = ?1",
                         BIND (NUMBER (message_id), NUMBER (time_us)), NULL, error);
}

GArray *
tess_store_list_passed (TessStore *self, gint64 conversation_id, gint64 message_id, gint64 above_us, gint64 until_us, GError **error)
{
  TESS_ASSERT_ENGINE ();

  /* 5 FAILED. */
  return tess_store_list_numbers (self,
                                  "SELECT id FROM messages WHERE conversation_id = ?1 AND time_us > ?3 AND time_us <= ?4 AND id > ?2 "
                                  "AND direction = 1 AND archive_id IS NULL AND state <> 5 ORDER BY time_us, id",
                                  BIND (NUMBER (conversation_id), NUMBER (message_id), NUMBER (above_us), NUMBER (until_us)), error);
}

gboolean
tess_store_recount_unread (TessStore *self, gint64 conversation_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "UPDATE conversations SET unread = (SELECT count (*) FROM messages m WHERE m.conversation_id = ?1 "
                         "AND m.direction = 0 AND m.time_us >= read_time_us AND (m.time_us, m.id) > (read_time_us, read_id)) WHERE id = ?1",
                         BIND (NUMBER (conversation_id)), NULL, error);
}

gboolean
tess_store_get_last_id (TessStore *self, gint64 *message_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_get_number (self, "SELECT max (id) FROM messages", NULL, 0, message_id, error);
}

GArray *
tess_store_shift_messages (TessStore *self, gint64 account_id, gint64 after_id, gint64 from_us, gint64 by_us, GError **error)
{
  TESS_ASSERT_ENGINE ();

  /* By the rows' ids: those few that were added last. */
  if (!tess_store_run (self,
                       "UPDATE messages SET time_us = max (time_us + ?4, 1) WHERE id > ?2 AND account_id = ?1 AND time_us >= ?3",
                       BIND (NUMBER (account_id), NUMBER (after_id), NUMBER (from_us), NUMBER (by_us)), NULL, error))
    return NULL;
  return tess_store_list_numbers (self, "SELECT id FROM messages WHERE id > ?2 AND +account_id = ?1",
                                  BIND (NUMBER (account_id), NUMBER (after_id)), error);
}

static gpointer
read_text (sqlite3_stmt *row)
{
  return tess_store_column_text (row, 0);
}

/* What else is not to name a time that has not come: nothing would be told as read, or come out of the archive, before it has. */
static gboolean
bring_back_places (TessStore *self, gint64 account_id, gint64 now_us, gint64 limit_us, GError **error)
{
  static const char *const to_now[] = {
    "UPDATE conversations SET read_time_us = ?3, read_id = 0 WHERE account_id = ?1 AND read_time_us > ?2",
    "UPDATE gaps SET newer_us = ?3 WHERE account_id = ?1 AND newer_us > ?2",
    "UPDATE people SET cleared_us = ?3 WHERE account_id = ?1 AND cleared_us > ?2",
  };
  static const char *const away[] = {
    "UPDATE conversations SET (told_time_us, told_id) = (read_time_us, read_id) WHERE account_id = ?1 AND told_time_us > ?2",
    "UPDATE gaps SET older_us = 0 WHERE account_id = ?1 AND older_us > ?2",
    "UPDATE outbox SET tried_us = 1 WHERE account_id = ?1 AND tried_us > ?2",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (to_now); i++)
    if (!tess_store_run (self, to_now[i], BIND (NUMBER (account_id), NUMBER (limit_us), NUMBER (now_us)), NULL, error))
      return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (away); i++)
    if (!tess_store_run (self, away[i], BIND (NUMBER (account_id), NUMBER (limit_us)), NULL, error))
      return FALSE;
  return TRUE;
}

GArray *
tess_store_bring_back (TessStore *self, gint64 account_id, gint64 now_us, gint64 limit_us, GError **error)
{
  g_autoptr (GArray) ids = NULL;
  gint64             last_us = 0;

  TESS_ASSERT_ENGINE ();

  ids = tess_store_list_numbers (self,
                                 "SELECT id FROM messages WHERE conversation_id IN (SELECT id FROM conversations WHERE account_id = ?1) "
                                 "AND time_us > ?2 ORDER BY conversation_id, time_us, id",
                                 BIND (NUMBER (account_id), NUMBER (limit_us)), error);
  if (ids == NULL ||
      !tess_store_get_number (self,
                              "SELECT coalesce (max ((SELECT m.time_us FROM messages m WHERE m.conversation_id = c.id AND m.time_us <= ?2 "
                              "ORDER BY m.time_us DESC LIMIT 1)), 0) FROM conversations c WHERE c.account_id = ?1",
                              BIND (NUMBER (account_id), NUMBER (limit_us)), 0, &last_us, error))
    return NULL;
  last_us = MAX (last_us, now_us - ids->len);
  for (guint i = 0; i < ids->len; i++)
    if (!tess_store_move_message (self, g_array_index (ids, gint64, i), ++last_us, error))
      return NULL;
  return bring_back_places (self, account_id, now_us, limit_us, error) ? g_steal_pointer (&ids) : NULL;
}

gboolean
tess_store_get_archived_before (TessStore *self, gint64 account_id, gint64 message_id, char **archive_id, GError **error)
{
  gpointer found = NULL;

  TESS_ASSERT_ENGINE ();

  /* By the rows' ids: mostly the row before. */
  if (!tess_store_get (self,
                       "SELECT archive_id FROM messages WHERE id < ?2 AND +account_id = ?1 AND +archive_id IS NOT NULL "
                       "ORDER BY id DESC LIMIT 1",
                       BIND (NUMBER (account_id), NUMBER (message_id)), read_text, &found, error))
    return FALSE;
  *archive_id = found;

  return TRUE;
}

typedef struct
{
  gint64 id;
  gint64 time_us;
} Known;

static gpointer
read_known (sqlite3_stmt *row)
{
  Known *known = g_new (Known, 1);

  known->id = sqlite3_column_int64 (row, 0);
  known->time_us = sqlite3_column_int64 (row, 1);
  return known;
}

gboolean
tess_store_find_known (TessStore *self, gint64 account_id, const char *archive_id, gint64 *message_id, gint64 *time_us, GError **error)
{
  gpointer          found = NULL;
  g_autofree Known *known = NULL;

  TESS_ASSERT_ENGINE ();

  *message_id = *time_us = 0;
  if (!tess_store_get (self, "SELECT id, time_us FROM messages WHERE account_id = ?1 AND archive_id = ?2",
                       BIND (NUMBER (account_id), TEXT (archive_id)), read_known, &found, error))
    return FALSE;
  known = found;
  if (known != NULL)
    {
      *message_id = known->id;
      *time_us = known->time_us;
    }

  return TRUE;
}

/* ---- How far the archive was asked for what was said before this device was here ---- */

gboolean
tess_store_get_history (TessStore *self, gint64 conversation_id, char **id, GError **error)
{
  gpointer found = NULL;

  TESS_ASSERT_ENGINE ();

  if (!tess_store_get (self,
                       "SELECT coalesce (c.history_id, (SELECT m.archive_id FROM messages m WHERE m.conversation_id = c.id "
                       "AND m.archive_id IS NOT NULL ORDER BY m.time_us, m.id LIMIT 1), '') FROM conversations c WHERE c.id = ?1",
                       BIND (NUMBER (conversation_id)), read_text, &found, error))
    return FALSE;
  *id = found;

  return TRUE;
}

gboolean
tess_store_set_history (TessStore *self, gint64 conversation_id, const char *id, gboolean done, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "UPDATE conversations SET history_id = ?2, history_done = ?3 WHERE id = ?1",
                         BIND (NUMBER (conversation_id), TEXT (id), NUMBER (!!done)), NULL, error);
}

/* ---- What the person let go of ---- */

gboolean
tess_store_get_cleared (TessStore *self, gint64 account_id, const char *peer, gint64 *cleared_us, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_get_number (self, "SELECT cleared_us FROM people WHERE account_id = ?1 AND address = ?2",
                   BIND (NUMBER (account_id), TEXT (peer)), 0, cleared_us, error);
}

gboolean
tess_store_clear_conversation (TessStore *self, gint64 account_id, const char *peer, gint64 until_us, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "INSERT INTO people (account_id, address, blind, cleared_us) VALUES (?1, ?2, 0, ?3) "
                         "ON CONFLICT (account_id, address) DO UPDATE SET cleared_us = max (cleared_us, excluded.cleared_us)",
                         BIND (NUMBER (account_id), TEXT (peer), NUMBER (until_us)), NULL, error) &&
         tess_store_run (self,
                         "DELETE FROM messages WHERE conversation_id = (SELECT id FROM conversations WHERE account_id = ?1 "
                         "AND peer = ?2) AND time_us <= ?3 AND state <> 1",
                         BIND (NUMBER (account_id), TEXT (peer), NUMBER (until_us)), NULL, error) &&
         tess_store_run (self,
                         "UPDATE conversations SET unread = (SELECT count (*) FROM messages m WHERE m.conversation_id = conversations.id "
                         "AND m.direction = 0 AND (m.time_us, m.id) > (read_time_us, read_id)), place_time_us = 0, place_id = 0 "
                         "WHERE account_id = ?1 AND peer = ?2",
                         BIND (NUMBER (account_id), TEXT (peer)), NULL, error);
}

int
tess_store_forget_older (TessStore *self, gint64 before_us, guint limit, GError **error)
{
  int changes = 0;

  TESS_ASSERT_ENGINE ();

  if (!tess_store_run (self,
                       "DELETE FROM messages WHERE id IN (SELECT m.id FROM conversations c JOIN messages m "
                       "ON m.conversation_id = c.id AND m.time_us < ?1 WHERE m.state <> 1 LIMIT ?2)",
                       BIND (NUMBER (before_us), NUMBER (limit)), &changes, error))
    return -1;
  return changes;
}
