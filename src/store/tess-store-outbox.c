/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "base/tess-thread.h"
#include "store/tess-store-private.h"

void
tess_outbox_item_free (TessOutboxItem *self)
{
  if (self == NULL)
    return;

  g_free (self->xml);
  g_free (self->peer);
  g_free (self);
}

static gpointer
read_item (sqlite3_stmt *row)
{
  TessOutboxItem *item = g_new (TessOutboxItem, 1);

  item->message_id = sqlite3_column_int64 (row, 0);
  item->xml = tess_store_column_text (row, 1);
  item->sequence = sqlite3_column_type (row, 2) != SQLITE_NULL ? sqlite3_column_int64 (row, 2) : -1;
  item->tried_us = sqlite3_column_int64 (row, 3);
  item->peer = tess_store_column_text (row, 4);

  return item;
}

gboolean
tess_store_add_outbox (TessStore *self, gint64 message_id, const char *xml, GError **error)
{
  int changes;

  TESS_ASSERT_ENGINE ();

  if (!tess_store_run (self,
                       "INSERT INTO outbox (account_id, message_id, xml) "
                       "SELECT account_id, id, ?2 FROM messages WHERE id = ?1",
                       BIND (NUMBER (message_id), TEXT (xml)), &changes, error))
    return FALSE;

  return changes == 1 ||
         tess_store_fail (error, TESS_STORE_ERROR_FAILED, "there is no such message");
}

gboolean
tess_store_remove_outbox (TessStore *self, gint64 message_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "DELETE FROM outbox WHERE message_id = ?1",
                         BIND (NUMBER (message_id)), NULL, error);
}

GPtrArray *
tess_store_list_outbox (TessStore *self, gint64 account_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (
      self,
      "SELECT o.message_id, o.xml, o.sequence, o.tried_us, c.peer FROM outbox o "
      "JOIN messages m ON m.id = o.message_id JOIN conversations c ON c.id = m.conversation_id "
      "WHERE o.account_id = ?1 ORDER BY o.id",
      BIND (NUMBER (account_id)), read_item, (GDestroyNotify) tess_outbox_item_free, error);
}

gboolean
tess_store_set_tried (TessStore *self, gint64 message_id, gint64 sequence, gint64 tried_us, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "UPDATE outbox SET sequence = nullif (?2, -1), tried_us = iif (tried_us = 0, ?3, tried_us) "
                         "WHERE message_id = ?1",
                         BIND (NUMBER (message_id), NUMBER (sequence), NUMBER (MAX (tried_us, 1))), NULL, error);
}

/* ---- The session with the server ---- */

void
tess_stream_record_free (TessStreamRecord *self)
{
  if (self == NULL)
    return;

  g_free (self->session);
  g_free (self->address);
  g_free (self);
}

static gpointer
read_stream (sqlite3_stmt *row)
{
  TessStreamRecord *stream = g_new0 (TessStreamRecord, 1);

  stream->session = tess_store_column_text (row, 0);
  stream->max_seconds = (guint) sqlite3_column_int64 (row, 1);
  stream->address = tess_store_column_text (row, 2);
  stream->handled = (guint32) sqlite3_column_int64 (row, 3);
  stream->acked = (guint32) sqlite3_column_int64 (row, 4);
  stream->saved_us = sqlite3_column_int64 (row, 5);

  return stream;
}

TessStreamRecord *
tess_store_get_stream (TessStore *self, gint64 account_id, GError **error)
{
  gpointer stream;

  TESS_ASSERT_ENGINE ();

  tess_store_get (self,
                  "SELECT session, max_seconds, address, handled, acked, saved_us FROM streams WHERE account_id = ?1",
                  BIND (NUMBER (account_id)), read_stream, &stream, error);

  return stream;
}

gboolean
tess_store_set_stream (TessStore *self, gint64 account_id, const TessStreamRecord *stream, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "REPLACE INTO streams (account_id, session, max_seconds, address, handled, acked, saved_us) "
                         "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                         BIND (NUMBER (account_id), TEXT (stream->session), NUMBER (stream->max_seconds),
                               TEXT (stream->address), NUMBER (stream->handled), NUMBER (stream->acked),
                               NUMBER (stream->saved_us)),
                         NULL, error);
}

gboolean
tess_store_count_stream (TessStore *self, gint64 account_id, guint32 handled, guint32 acked, gint64 saved_us, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "UPDATE streams SET handled = ?2, acked = ?3, saved_us = ?4 WHERE account_id = ?1",
                         BIND (NUMBER (account_id), NUMBER (handled), NUMBER (acked), NUMBER (saved_us)), NULL, error);
}

gboolean
tess_store_set_hasty (TessStore *self, gboolean hasty, GError **error)
{
  TESS_ASSERT_ENGINE ();
  g_return_val_if_fail (self->depth == 0, FALSE);

  return tess_store_exec (self, hasty ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", error);
}

void
tess_presence_record_free (TessPresenceRecord *self)
{
  if (self == NULL)
    return;

  g_free (self->address);
  g_free (self->resource);
  g_free (self->status);
  g_free (self);
}

static gpointer
read_presence (sqlite3_stmt *row)
{
  TessPresenceRecord *presence = g_new0 (TessPresenceRecord, 1);

  presence->address = tess_store_column_text (row, 0);
  presence->resource = tess_store_column_text (row, 1);
  presence->show = sqlite3_column_int (row, 2);
  presence->priority = sqlite3_column_int (row, 3);
  presence->status = tess_store_column_text (row, 4);

  return presence;
}

gboolean
tess_store_set_presence (TessStore *self, gint64 account_id, const TessPresenceRecord *presence, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "REPLACE INTO presences (account_id, address, resource, show, priority, status) "
                         "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                         BIND (NUMBER (account_id), TEXT (presence->address), TEXT (presence->resource), NUMBER (presence->show),
                               NUMBER (presence->priority), TEXT (presence->status)),
                         NULL, error);
}

gboolean
tess_store_remove_presences (TessStore *self, gint64 account_id, const char *address, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "DELETE FROM presences WHERE account_id = ?1 AND address = ?2",
                         BIND (NUMBER (account_id), TEXT (address)), NULL, error);
}

GPtrArray *
tess_store_list_presences (TessStore *self, gint64 account_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self, "SELECT address, resource, show, priority, status FROM presences WHERE account_id = ?1",
                          BIND (NUMBER (account_id)), read_presence, (GDestroyNotify) tess_presence_record_free, error);
}

gboolean
tess_store_end_stream (TessStore *self, gint64 account_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "DELETE FROM streams WHERE account_id = ?1", BIND (NUMBER (account_id)), NULL, error) &&
         tess_store_run (self, "DELETE FROM presences WHERE account_id = ?1", BIND (NUMBER (account_id)), NULL, error) &&
         tess_store_run (self, "UPDATE outbox SET sequence = NULL WHERE account_id = ?1 AND sequence IS NOT NULL",
                         BIND (NUMBER (account_id)), NULL, error);
}
