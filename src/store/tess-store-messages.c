/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "base/tess-thread.h"
#include "store/tess-store-private.h"

#define LONGEST_PAGE 1000

/* CROSS JOIN is SQLite's way to say that the messages come first. */
#define SELECT_MESSAGES                             \
  "SELECT " TESS_MESSAGE_COLUMNS "FROM messages m " \
  "CROSS JOIN conversations c ON c.id = m.conversation_id " TESS_MESSAGE_DEVICE_JOIN

TessMessageRecord *
tess_store_read_message (sqlite3_stmt *row, int first)
{
  TessMessageRecord *message;

  if (sqlite3_column_type (row, first) == SQLITE_NULL)
    return NULL;

  message = tess_message_record_new ();
  message->id = sqlite3_column_int64 (row, first);
  message->account_id = sqlite3_column_int64 (row, first + 1);
  message->conversation_id = sqlite3_column_int64 (row, first + 2);
  message->peer = tess_store_column_text (row, first + 3);
  message->from = tess_store_column_text (row, first + 4);
  message->direction = sqlite3_column_int (row, first + 5);
  message->state = sqlite3_column_int (row, first + 6);
  message->encryption = sqlite3_column_int (row, first + 7);
  message->stanza_id = tess_store_column_text (row, first + 8);
  message->archive_id = tess_store_column_text (row, first + 9);
  message->text = tess_store_column_text (row, first + 10);
  message->time_us = sqlite3_column_int64 (row, first + 11);
  message->device = sqlite3_column_int64 (row, first + 12);
  message->trust = sqlite3_column_int (row, first + 13);
  message->receipt_wanted = sqlite3_column_int (row, first + 14);
  message->error = tess_store_column_text (row, first + 15);

  return message;
}

static gpointer
read_message (sqlite3_stmt *row)
{
  return tess_store_read_message (row, 0);
}

static const char insert_message[] =
    "INSERT INTO messages (account_id, conversation_id, sender, direction, state, "
    "encryption, stanza_id, archive_id, text, time_us, device, receipt_wanted, error) "
    "VALUES (ifnull (nullif (?13, 0), (SELECT account_id FROM conversations WHERE id = ?1)), "
    "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

gboolean
tess_store_insert_message (TessStore *self, TessMessageRecord *message, gboolean alone, GError **error)
{
  const TessValue *values =
      BIND (NUMBER (message->conversation_id), TEXT (message->from), NUMBER (message->direction),
            NUMBER (message->state), NUMBER (message->encryption), TEXT (message->stanza_id),
            TEXT (message->archive_id), TEXT (message->text), NUMBER (message->time_us),
            NUMBER (message->device), NUMBER (!!message->receipt_wanted), TEXT (message->error),
            NUMBER (message->account_id));

  TESS_ASSERT_ENGINE ();

  if (alone ? !tess_store_run_alone (self, insert_message, values, error)
            : !tess_store_run (self, insert_message, values, NULL, error))
    return FALSE;
  message->id = sqlite3_last_insert_rowid (self->db);

  return TRUE;
}

gboolean
tess_store_count_unread (TessStore *self, gint64 conversation_id, gint64 first_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  /* By the rows' ids (the + keeps the index of the timeline out of it): those few that were added last. */
  return tess_store_run (self,
                         "UPDATE conversations SET unread = unread + ("
                         "SELECT count (*) FROM messages m WHERE m.id >= ?2 AND +m.conversation_id = ?1 "
                         "AND m.direction = 0 AND (m.time_us, m.id) > (read_time_us, read_id)) WHERE id = ?1",
                         BIND (NUMBER (conversation_id), NUMBER (first_id)), NULL, error);
}

gboolean
tess_store_add_message (TessStore *self, TessMessageRecord *message, GError **error)
{
  return tess_store_insert_message (self, message, FALSE, error) &&
         (message->direction != TESS_MESSAGE_IN ||
          tess_store_count_unread (self, message->conversation_id, message->id, error));
}

TessMessageRecord *
tess_store_get_message (TessStore *self, gint64 message_id, GError **error)
{
  gpointer message;

  TESS_ASSERT_ENGINE ();

  tess_store_get (self, SELECT_MESSAGES "WHERE m.id = ?1", BIND (NUMBER (message_id)), read_message,
                  &message, error);

  return message;
}

static gpointer
read_existence (sqlite3_stmt *row)
{
  return GINT_TO_POINTER (TRUE);
}

gboolean
tess_store_has_archived (TessStore *self, gint64 account_id, const char *archive_id, GError **error)
{
  gpointer has;

  TESS_ASSERT_ENGINE ();

  tess_store_get (self, "SELECT 1 FROM messages WHERE account_id = ?1 AND archive_id = ?2",
                  BIND (NUMBER (account_id), TEXT (archive_id)), read_existence, &has, error);

  return has != NULL;
}

TessMessageRecord *
tess_store_find_archived (TessStore *self,
                          gint64 account_id,
                          const char *archive_id,
                          GError **error)
{
  gpointer message;

  TESS_ASSERT_ENGINE ();

  tess_store_get (self, SELECT_MESSAGES "WHERE m.account_id = ?1 AND m.archive_id = ?2",
                  BIND (NUMBER (account_id), TEXT (archive_id)), read_message, &message, error);

  return message;
}

TessMessageRecord *
tess_store_find_own (
    TessStore *self, gint64 account_id, const char *peer, const char *stanza_id, GError **error)
{
  gpointer message;

  TESS_ASSERT_ENGINE ();

  tess_store_get (
      self,
      SELECT_MESSAGES "WHERE m.conversation_id = (SELECT id FROM conversations "
                      "WHERE account_id = ?1 AND peer = ?2) "
                      "AND m.direction = 1 AND m.stanza_id = ?3 ORDER BY m.id DESC LIMIT 1",
      BIND (NUMBER (account_id), TEXT (peer), TEXT (stanza_id)), read_message, &message, error);

  return message;
}

GPtrArray *
tess_store_list_by_stanza_id (
    TessStore *self, gint64 account_id, const char *peer, const char *stanza_id, guint limit, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (
      self,
      SELECT_MESSAGES "WHERE m.conversation_id = (SELECT id FROM conversations "
                      "WHERE account_id = ?1 AND peer = ?2) "
                      "AND m.stanza_id = ?3 ORDER BY m.id DESC LIMIT ?4",
      BIND (NUMBER (account_id), TEXT (peer), TEXT (stanza_id), NUMBER (CLAMP (limit, 1, LONGEST_PAGE))), read_message,
      (GDestroyNotify) tess_message_record_free, error);
}

gboolean
tess_store_get_newest_time (TessStore *self, gint64 account_id, gint64 *time_us, GError **error)
{
  TESS_ASSERT_ENGINE ();

  /* By the index of the timeline: one look a conversation. */
  return tess_store_get_number (self,
                                "SELECT coalesce (max ((SELECT m.time_us FROM messages m WHERE m.conversation_id = c.id "
                                "AND m.state <> 1 ORDER BY m.time_us DESC LIMIT 1)), 0) "
                                "FROM conversations c WHERE c.account_id = ?1",
                                BIND (NUMBER (account_id)), 0, time_us, error);
}

gboolean
tess_store_set_archive_id (TessStore *self,
                           gint64 message_id,
                           const char *archive_id,
                           GError **error)
{
  int changes;

  TESS_ASSERT_ENGINE ();

  if (!tess_store_run (self, "UPDATE messages SET archive_id = ?2 WHERE id = ?1",
                       BIND (NUMBER (message_id), TEXT (archive_id)), &changes, error))
    return FALSE;

  return changes == 1 ||
         tess_store_fail (error, TESS_STORE_ERROR_FAILED, "there is no such message");
}

gboolean
tess_store_set_state (TessStore *self,
                      gint64 message_id,
                      TessMessageState state,
                      const char *message_error,
                      gboolean *changed,
                      GError **error)
{
  int changes;

  TESS_ASSERT_ENGINE ();

  /* 1 WAITING, 2 SENT, 3 DELIVERED, 4 READ, 5 FAILED. */
  if (!tess_store_run (
          self,
          "UPDATE messages SET state = ?2, error = iif (?2 = 5, ?3, NULL) "
          "WHERE id = ?1 AND CASE ?2 WHEN 1 THEN state = 5 WHEN 5 THEN state IN (1, 2) "
          "ELSE ?2 IN (2, 3, 4) AND state BETWEEN 1 AND ?2 - 1 END",
          BIND (NUMBER (message_id), NUMBER (state), TEXT (message_error)), &changes, error))
    return FALSE;
  if (changed != NULL)
    *changed = changes == 1;

  return TRUE;
}

gboolean
tess_store_set_sent_encryption (
    TessStore *self, gint64 message_id, TessEncryption encryption, guint32 device, TessTrust trust, GError **error)
{
  int changes;

  TESS_ASSERT_ENGINE ();

  if (!tess_store_run (self,
                       "UPDATE messages SET encryption = ?2, device = ?3, sent_trust = ?4 "
                       "WHERE id = ?1 AND direction = 1",
                       BIND (NUMBER (message_id), NUMBER (encryption), NUMBER (device), NUMBER (trust)),
                       &changes, error))
    return FALSE;

  return changes == 1 ||
         tess_store_fail (error, TESS_STORE_ERROR_FAILED, "there is no such own message");
}

/* SQLite uses an index for (time_us, id) < (?, ?) only as far as time_us: among many equal times,
 * as an imported archive may have them, each page would read them all. Two halves that it merges
 * are by index to the end. */
#define SELECT_PAGE(compare, order)                                                              \
  "SELECT " TESS_MESSAGE_COLUMNS "FROM ("                                                        \
  "SELECT id, time_us FROM messages WHERE conversation_id = ?1 AND time_us = ?2 AND id " compare \
  " ?3 "                                                                                         \
  "UNION ALL "                                                                                   \
  "SELECT id, time_us FROM messages WHERE conversation_id = ?1 AND time_us " compare " ?2 "      \
  "ORDER BY time_us " order ", id " order " LIMIT ?4) page "                                     \
  "CROSS JOIN messages m ON m.id = page.id "                                                     \
  "CROSS JOIN conversations c ON c.id = m.conversation_id " TESS_MESSAGE_DEVICE_JOIN             \
  "ORDER BY m.time_us, m.id"

GPtrArray *
tess_store_list_messages (TessStore *self,
                          gint64 conversation_id,
                          gint64 before_time_us,
                          gint64 before_id,
                          guint limit,
                          GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self, SELECT_PAGE ("<", "DESC"),
                          BIND (NUMBER (conversation_id), NUMBER (before_time_us),
                                NUMBER (before_id), NUMBER (CLAMP (limit, 1, LONGEST_PAGE))),
                          read_message, (GDestroyNotify) tess_message_record_free, error);
}

GPtrArray *
tess_store_list_messages_after (TessStore *self,
                                gint64 conversation_id,
                                gint64 after_time_us,
                                gint64 after_id,
                                guint limit,
                                GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self, SELECT_PAGE (">", "ASC"),
                          BIND (NUMBER (conversation_id), NUMBER (after_time_us), NUMBER (after_id),
                                NUMBER (CLAMP (limit, 1, LONGEST_PAGE))),
                          read_message, (GDestroyNotify) tess_message_record_free, error);
}

GPtrArray *
tess_store_list_unfinished (TessStore *self, gint64 account_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self,
                          SELECT_MESSAGES "WHERE m.account_id = ?1 AND m.state = 1 AND NOT EXISTS ("
                                          "SELECT 1 FROM outbox o WHERE o.message_id = m.id) "
                                          "ORDER BY m.id",
                          BIND (NUMBER (account_id)), read_message,
                          (GDestroyNotify) tess_message_record_free, error);
}
