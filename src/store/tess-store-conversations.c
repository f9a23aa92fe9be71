/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "base/tess-thread.h"
#include "store/tess-store-private.h"

/* The newest message is one step in the index messages_timeline for each conversation. */
#define SELECT_CONVERSATIONS                                                                  \
  "SELECT c.id, c.account_id, c.peer, c.encryption, c.unread, c.draft, "                      \
  "ifnull ((SELECT p.blind FROM people p WHERE p.account_id = c.account_id AND p.address = c.peer), 0), " \
  "c.place_time_us, c.place_id, c.place_offset, c.history_done, " TESS_MESSAGE_COLUMNS        \
  "FROM conversations c LEFT JOIN messages m ON m.id = (SELECT n.id FROM messages n "         \
  "WHERE n.conversation_id = c.id ORDER BY n.time_us DESC, n.id DESC LIMIT "                  \
  "1) " TESS_MESSAGE_DEVICE_JOIN

#define FIRST_MESSAGE_COLUMN 11

static gpointer
read_conversation (sqlite3_stmt *row)
{
  TessConversationRecord *conversation = g_new0 (TessConversationRecord, 1);

  conversation->id = sqlite3_column_int64 (row, 0);
  conversation->account_id = sqlite3_column_int64 (row, 1);
  conversation->peer = tess_store_column_text (row, 2);
  conversation->encryption = sqlite3_column_int (row, 3);
  conversation->unread = sqlite3_column_int64 (row, 4);
  conversation->draft = tess_store_column_text (row, 5);
  conversation->blind = sqlite3_column_int (row, 6);
  conversation->place_time_us = sqlite3_column_int64 (row, 7);
  conversation->place_id = sqlite3_column_int64 (row, 8);
  conversation->place_offset = sqlite3_column_int (row, 9);
  conversation->history_done = sqlite3_column_int (row, 10);
  conversation->last = tess_store_read_message (row, FIRST_MESSAGE_COLUMN);

  return conversation;
}

TessConversationRecord *
tess_store_find_conversation (TessStore *self, gint64 account_id, const char *peer, GError **error)
{
  gpointer conversation;

  TESS_ASSERT_ENGINE ();

  tess_store_get (self, SELECT_CONVERSATIONS "WHERE c.account_id = ?1 AND c.peer = ?2",
                  BIND (NUMBER (account_id), TEXT (peer)), read_conversation, &conversation, error);

  return conversation;
}

TessConversationRecord *
tess_store_get_conversation (TessStore *self, gint64 conversation_id, GError **error)
{
  gpointer conversation;

  TESS_ASSERT_ENGINE ();

  tess_store_get (self, SELECT_CONVERSATIONS "WHERE c.id = ?1", BIND (NUMBER (conversation_id)),
                  read_conversation, &conversation, error);

  return conversation;
}

static gpointer
read_existence (sqlite3_stmt *row)
{
  return GINT_TO_POINTER (TRUE);
}

gboolean
tess_store_has_written (TessStore *self, gint64 account_id, const char *peer, GError **error)
{
  gpointer written = NULL;

  TESS_ASSERT_ENGINE ();

  /* One step in the index messages_stanza. */
  tess_store_get (
      self,
      "SELECT 1 FROM conversations c JOIN messages m ON m.conversation_id = c.id "
      "WHERE c.account_id = ?1 AND c.peer = ?2 AND m.direction = 1 AND m.stanza_id IS NOT NULL "
      "LIMIT 1",
      BIND (NUMBER (account_id), TEXT (peer)), read_existence, &written, error);

  return written != NULL;
}

TessConversationRecord *
tess_store_open_conversation (
    TessStore *self, gint64 account_id, const char *peer, gboolean *created, GError **error)
{
  TessConversationRecord *conversation;
  g_autoptr (GError) find_error = NULL;
  int changes = 0;

  TESS_ASSERT_ENGINE ();

  conversation = tess_store_find_conversation (self, account_id, peer, &find_error);
  if (find_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&find_error));
      return NULL;
    }
  if (created != NULL)
    *created = conversation == NULL;
  if (conversation != NULL)
    return conversation;

  if (!tess_store_run (
          self, "INSERT INTO conversations (account_id, peer, created_us) VALUES (?1, ?2, ?3)",
          BIND (NUMBER (account_id), TEXT (peer), NUMBER (g_get_real_time ())), &changes, error))
    return NULL;

  return tess_store_find_conversation (self, account_id, peer, error);
}

GPtrArray *
tess_store_list_conversations (TessStore *self, gint64 account_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  /* One that has just been opened stands among the others by the time of its opening. */
  return tess_store_list (self,
                          SELECT_CONVERSATIONS
                          "WHERE c.account_id = ?1 "
                          "ORDER BY ifnull (m.time_us, c.created_us) DESC, m.id DESC, c.id DESC",
                          BIND (NUMBER (account_id)), read_conversation,
                          (GDestroyNotify) tess_conversation_record_free, error);
}

gboolean
tess_store_set_encryption (TessStore *self,
                           gint64 conversation_id,
                           TessConversationEncryption encryption,
                           GError **error)
{
  int changes;

  TESS_ASSERT_ENGINE ();

  if (!tess_store_run (self, "UPDATE conversations SET encryption = ?2 WHERE id = ?1",
                       BIND (NUMBER (conversation_id), NUMBER (encryption)), &changes, error))
    return FALSE;

  /* Nobody may believe that encryption was turned on where it was not. */
  return changes == 1 ||
         tess_store_fail (error, TESS_STORE_ERROR_FAILED, "there is no such conversation");
}

gboolean
tess_store_set_draft (TessStore *self, gint64 conversation_id, const char *draft, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "UPDATE conversations SET draft = nullif (?2, '') WHERE id = ?1",
                         BIND (NUMBER (conversation_id), TEXT (draft)), NULL, error);
}

gboolean
tess_store_set_place (TessStore *self, gint64 conversation_id, gint64 time_us, gint64 message_id, int offset, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "UPDATE conversations SET place_time_us = ?2, place_id = ?3, place_offset = ?4 WHERE id = ?1",
                         BIND (NUMBER (conversation_id), NUMBER (time_us), NUMBER (message_id), NUMBER (offset)), NULL,
                         error);
}

gboolean
tess_store_mark_read (TessStore *self,
                      gint64 conversation_id,
                      gint64 time_us,
                      gint64 message_id,
                      guint *unread,
                      GError **error)
{
  gint64 number = 0;

  TESS_ASSERT_ENGINE ();

  if (!tess_store_run (self,
                       "UPDATE conversations SET read_time_us = ?2, read_id = ?3, unread = "
                       "(SELECT count (*) FROM messages WHERE conversation_id = ?1 "
                       "AND time_us = ?2 AND id > ?3 AND direction = 0) + "
                       "(SELECT count (*) FROM messages WHERE conversation_id = ?1 "
                       "AND time_us > ?2 AND direction = 0) "
                       "WHERE id = ?1 AND (read_time_us, read_id) < (?2, ?3)",
                       BIND (NUMBER (conversation_id), NUMBER (time_us), NUMBER (message_id)), NULL,
                       error))
    return FALSE;
  if (unread == NULL)
    return TRUE;

  if (!tess_store_get_number (self, "SELECT unread FROM conversations WHERE id = ?1",
                              BIND (NUMBER (conversation_id)), 0, &number, error))
    return FALSE;
  *unread = number;

  return TRUE;
}

gboolean
tess_store_remove_conversation (TessStore *self, gint64 conversation_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "DELETE FROM conversations WHERE id = ?1",
                         BIND (NUMBER (conversation_id)), NULL, error);
}
