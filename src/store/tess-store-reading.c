/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "base/tess-thread.h"
#include "store/tess-store-private.h"

void
tess_untold_free (TessUntold *self)
{
  if (self == NULL)
    return;

  g_free (self->peer);
  g_free (self);
}

static gpointer
read_untold (sqlite3_stmt *row)
{
  TessUntold *untold = g_new0 (TessUntold, 1);

  untold->conversation_id = sqlite3_column_int64 (row, 0);
  untold->peer = tess_store_column_text (row, 1);
  untold->read_us = sqlite3_column_int64 (row, 2);
  untold->read_id = sqlite3_column_int64 (row, 3);
  untold->told_us = sqlite3_column_int64 (row, 4);
  untold->told_id = sqlite3_column_int64 (row, 5);

  return untold;
}

GPtrArray *
tess_store_list_untold (TessStore *self, gint64 account_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self,
                          "SELECT id, peer, read_time_us, read_id, told_time_us, told_id FROM conversations "
                          "WHERE account_id = ?1 AND (told_time_us, told_id) < (read_time_us, read_id) ORDER BY read_time_us",
                          BIND (NUMBER (account_id)), read_untold, (GDestroyNotify) tess_untold_free, error);
}

/* By the index of the timeline, within what is read and was not told. */
#define NEWEST_UNTOLD(which)                                                                                    \
  "SELECT id FROM messages WHERE conversation_id = ?1 AND time_us >= ?2 AND time_us <= ?4 AND direction = 0 "   \
  "AND (time_us, id) > (?2, ?3) AND (time_us, id) <= (?4, ?5) AND " which " ORDER BY time_us DESC, id DESC LIMIT 1"

static gboolean
get_newest (TessStore *self, const char *sql, const TessUntold *untold, TessMessageRecord **message, GError **error)
{
  g_autoptr (GError) get_error = NULL;
  gint64             id = 0;

  *message = NULL;
  if (!tess_store_get_number (self, sql,
                              BIND (NUMBER (untold->conversation_id), NUMBER (untold->told_us), NUMBER (untold->told_id),
                                    NUMBER (untold->read_us), NUMBER (untold->read_id)),
                              0, &id, error))
    return FALSE;
  if (id != 0)
    *message = tess_store_get_message (self, id, &get_error);
  if (get_error == NULL)
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&get_error));
  return FALSE;
}

gboolean
tess_store_get_untold (TessStore          *self,
                       const TessUntold   *untold,
                       TessMessageRecord **asks,
                       TessMessageRecord **archived,
                       GError            **error)
{
  TESS_ASSERT_ENGINE ();

  *archived = NULL;
  if (get_newest (self, NEWEST_UNTOLD ("receipt_wanted = 1 AND stanza_id IS NOT NULL"), untold, asks, error) &&
      get_newest (self, NEWEST_UNTOLD ("archive_id IS NOT NULL"), untold, archived, error))
    return TRUE;

  g_clear_pointer (asks, tess_message_record_free);
  return FALSE;
}

gboolean
tess_store_set_told (TessStore *self, gint64 conversation_id, gint64 time_us, gint64 message_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "UPDATE conversations SET told_time_us = ?2, told_id = ?3 "
                         "WHERE id = ?1 AND (told_time_us, told_id) < (?2, ?3)",
                         BIND (NUMBER (conversation_id), NUMBER (time_us), NUMBER (message_id)), NULL, error);
}

gboolean
tess_store_mark_read_elsewhere (TessStore *self,
                                gint64     conversation_id,
                                gint64     time_us,
                                gint64     message_id,
                                gboolean  *changed,
                                GError   **error)
{
  int changes = 0;

  TESS_ASSERT_ENGINE ();

  /* What was told is never beyond what is read, so both places move at once. */
  if (!tess_store_run (self,
                       "UPDATE conversations SET read_time_us = ?2, read_id = ?3, told_time_us = ?2, told_id = ?3, unread = "
                       "(SELECT count (*) FROM messages WHERE conversation_id = ?1 "
                       "AND time_us = ?2 AND id > ?3 AND direction = 0) + "
                       "(SELECT count (*) FROM messages WHERE conversation_id = ?1 "
                       "AND time_us > ?2 AND direction = 0) "
                       "WHERE id = ?1 AND (read_time_us, read_id) < (?2, ?3)",
                       BIND (NUMBER (conversation_id), NUMBER (time_us), NUMBER (message_id)), &changes, error))
    return FALSE;
  if (changed != NULL)
    *changed = changes > 0;

  return changes > 0 || tess_store_set_told (self, conversation_id, time_us, message_id, error);
}

gboolean
tess_store_forget_reading (TessStore *self, gint64 conversation_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "UPDATE conversations SET read_time_us = 0, read_id = 0, told_time_us = 0, told_id = 0, unread = "
                         "(SELECT count (*) FROM messages WHERE conversation_id = ?1 AND direction = 0) WHERE id = ?1",
                         BIND (NUMBER (conversation_id)), NULL, error);
}

gboolean
tess_store_recount_all_unread (TessStore *self, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "UPDATE conversations SET unread = (SELECT count (*) FROM messages m WHERE m.conversation_id = conversations.id "
                         "AND m.time_us >= read_time_us AND m.direction = 0 AND (m.time_us, m.id) > (read_time_us, read_id)) "
                         "WHERE unread > 0",
                         NULL, NULL, error);
}

GArray *
tess_store_list_displayed (TessStore *self, gint64 message_id, guint limit, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list_numbers (self,
                                  "SELECT id FROM (SELECT m.id, m.time_us FROM messages l CROSS JOIN messages m "
                                  "ON m.conversation_id = l.conversation_id AND m.time_us <= l.time_us "
                                  "AND m.time_us >= coalesce ((SELECT r.time_us FROM messages r "
                                  "WHERE r.conversation_id = l.conversation_id AND r.time_us < l.time_us AND r.state = 4 "
                                  "ORDER BY r.time_us DESC LIMIT 1), 0) "
                                  "WHERE l.id = ?1 AND m.direction = 1 AND m.state IN (2, 3) AND (m.time_us, m.id) <= (l.time_us, l.id) "
                                  "ORDER BY m.time_us DESC, m.id DESC LIMIT ?2) ORDER BY time_us, id",
                                  BIND (NUMBER (message_id), NUMBER (limit)), error);
}
