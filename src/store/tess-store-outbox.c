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
  g_free (self);
}

static gpointer
read_item (sqlite3_stmt *row)
{
  TessOutboxItem *item = g_new (TessOutboxItem, 1);

  item->message_id = sqlite3_column_int64 (row, 0);
  item->xml = tess_store_column_text (row, 1);

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
      self, "SELECT message_id, xml FROM outbox WHERE account_id = ?1 ORDER BY id",
      BIND (NUMBER (account_id)), read_item, (GDestroyNotify) tess_outbox_item_free, error);
}
