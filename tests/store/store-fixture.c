/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "store-fixture.h"

#include <glib/gstdio.h>

void
fixture_set_up_empty (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  tess_thread_set_role (TESS_THREAD_ENGINE);
  fixture->folder = g_dir_make_tmp ("tess-store-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->folder, "data", "tessera.db", NULL);
}

void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  fixture_set_up_empty (fixture, data);
  fixture_reopen (fixture);
  fixture->account_id = add_account (fixture->store, "alice@example.org");
  fixture->conversation_id =
      add_conversation (fixture->store, fixture->account_id, "bob@example.org");
}

void
fixture_reopen (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&fixture->store, tess_store_close);
  fixture->store = tess_store_open (fixture->path, &error);
  g_assert_no_error (error);
  g_assert_nonnull (fixture->store);
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    dir = g_dir_open (path, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_all (child);
    }
  g_remove (path);
}

void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->store, tess_store_close);
  remove_all (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->path);
}

gint64
add_account (TessStore *store, const char *address)
{
  g_autoptr (TessAccountRecord) account = tess_account_record_new (address);
  g_autoptr (GError) error = NULL;

  g_assert_true (tess_store_add_account (store, account, &error));
  g_assert_no_error (error);
  g_assert_cmpint (account->id, >, 0);

  return account->id;
}

gint64
add_conversation (TessStore *store, gint64 account_id, const char *peer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessConversationRecord) conversation =
      tess_store_open_conversation (store, account_id, peer, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (conversation);

  return conversation->id;
}

TessMessageRecord *
message_new (gint64 conversation_id, TessMessageDirection direction, gint64 time_us)
{
  TessMessageRecord *message = tess_message_record_new ();

  message->conversation_id = conversation_id;
  message->direction = direction;
  message->state = direction == TESS_MESSAGE_IN ? TESS_MESSAGE_RECEIVED : TESS_MESSAGE_WAITING;
  message->from = g_strdup (direction == TESS_MESSAGE_IN ? "bob@example.org" : "alice@example.org");
  message->text = g_strdup ("text");
  message->time_us = time_us;

  return message;
}

gint64
add_message (TessStore *store,
             gint64 conversation_id,
             TessMessageDirection direction,
             gint64 time_us)
{
  g_autoptr (TessMessageRecord) message = message_new (conversation_id, direction, time_us);
  g_autoptr (GError) error = NULL;

  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_add_message (store, message, &error));
  g_assert_true (tess_store_commit (store, &error));
  g_assert_no_error (error);
  g_assert_cmpint (message->id, >, 0);

  return message->id;
}

gint64
number (TessStore *store, const char *sql)
{
  g_autoptr (GError) error = NULL;
  gint64 result = -1;

  g_assert_true (tess_store_number (store, sql, &result, &error));
  g_assert_no_error (error);

  return result;
}

guint
mark_read (Fixture *fixture, gint64 time_us, gint64 message_id)
{
  g_autoptr (GError) error = NULL;
  guint unread = G_MAXUINT;

  g_assert_true (tess_store_mark_read (fixture->store, fixture->conversation_id, time_us,
                                       message_id, &unread, &error));
  g_assert_no_error (error);

  return unread;
}
