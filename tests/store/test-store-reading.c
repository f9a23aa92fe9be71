/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "store-fixture.h"

/* What is read, and up to where others were told. */

static GPtrArray *
untold (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *list = tess_store_list_untold (fixture->store, fixture->account_id, &error);

  g_assert_no_error (error);
  return list;
}

static gint64
add (Fixture *fixture, gint64 time_us, gboolean asks, const char *archive_id)
{
  g_autoptr (TessMessageRecord) message = message_new (fixture->conversation_id, TESS_MESSAGE_IN, time_us);
  g_autoptr (GError) error = NULL;

  message->receipt_wanted = asks;
  g_free (message->stanza_id);
  message->stanza_id = g_strdup_printf ("m-%d", (int) time_us);
  g_free (message->archive_id);
  message->archive_id = g_strdup (archive_id);
  tess_store_add_message (fixture->store, message, &error);
  g_assert_no_error (error);
  return message->id;
}

static void
test_untold (Fixture *fixture, gconstpointer data)
{
  TessStore *store = fixture->store;
  gint64 last;
  GPtrArray *list = untold (fixture);
  TessMessageRecord *asks, *archived;
  gint64 ids[4];

  g_assert_cmpuint (list->len, ==, 0);
  g_ptr_array_unref (list);
  ids[0] = add (fixture, 10, TRUE, "a10");
  ids[1] = add (fixture, 20, TRUE, NULL);
  ids[2] = add (fixture, 20, FALSE, "a20");
  ids[3] = add (fixture, 30, TRUE, "a30");
  last = ids[2];

  g_assert_cmpuint (mark_read (fixture, 20, last), ==, 1);
  list = untold (fixture);
  g_assert_cmpuint (list->len, ==, 1);
  g_assert_cmpstr (((TessUntold *) list->pdata[0])->peer, ==, "bob@example.org");
  g_assert_true (tess_store_get_untold (store, list->pdata[0], &asks, &archived, NULL));
  g_assert_cmpint (asks->id, ==, ids[1]);
  g_assert_cmpint (archived->id, ==, ids[2]);
  tess_message_record_free (asks);
  tess_message_record_free (archived);
  g_ptr_array_unref (list);

  /* In between: what was told is not told again. */
  g_assert_true (tess_store_set_told (store, fixture->conversation_id, 20, ids[1], NULL));
  g_assert_true (tess_store_set_told (store, fixture->conversation_id, 10, ids[0], NULL));
  list = untold (fixture);
  g_assert_cmpuint (list->len, ==, 1);
  g_assert_true (tess_store_get_untold (store, list->pdata[0], &asks, &archived, NULL));
  g_assert_null (asks);
  g_assert_cmpint (archived->id, ==, ids[2]);
  tess_message_record_free (archived);
  g_ptr_array_unref (list);
  g_assert_true (tess_store_set_told (store, fixture->conversation_id, 20, last, NULL));
  list = untold (fixture);
  g_assert_cmpuint (list->len, ==, 0);
  g_ptr_array_unref (list);
}

static void
test_elsewhere (Fixture *fixture, gconstpointer data)
{
  TessStore *store = fixture->store;
  gboolean changed = FALSE;
  gint64 ids[3];
  GPtrArray *list;

  for (guint i = 0; i < 3; i++)
    ids[i] = add (fixture, 10 * (i + 1), TRUE, NULL);
  g_assert_true (tess_store_mark_read_elsewhere (store, fixture->conversation_id, 20, ids[1], &changed, NULL));
  g_assert_true (changed);
  g_assert_cmpint (number (store, "SELECT unread FROM conversations"), ==, 1);
  g_assert_true (tess_store_mark_read_elsewhere (store, fixture->conversation_id, 10, ids[0], &changed, NULL));
  g_assert_false (changed);
  g_assert_cmpint (number (store, "SELECT read_time_us FROM conversations"), ==, 20);
  list = untold (fixture);
  g_assert_cmpuint (list->len, ==, 0);
  g_ptr_array_unref (list);

  /* Read here already, and told there: so it is told. */
  g_assert_cmpuint (mark_read (fixture, 30, ids[2]), ==, 0);
  g_assert_true (tess_store_mark_read_elsewhere (store, fixture->conversation_id, 30, ids[2], &changed, NULL));
  g_assert_false (changed);
  list = untold (fixture);
  g_assert_cmpuint (list->len, ==, 0);
  g_ptr_array_unref (list);
  /* What comes late and lies before it counts as read. */
  add (fixture, 25, TRUE, "late");
  g_assert_cmpint (number (store, "SELECT unread FROM conversations"), ==, 0);
}

static void
test_displayed (Fixture *fixture, gconstpointer data)
{
  TessStore *store = fixture->store;
  gint64 ids[6];
  GArray *found;

  for (guint i = 0; i < 6; i++)
    {
      ids[i] = add_message (store, fixture->conversation_id, TESS_MESSAGE_OUT, 10 + i);
      if (i != 2)
        g_assert_true (tess_store_set_state (store, ids[i], i % 2 == 0 ? TESS_MESSAGE_SENT : TESS_MESSAGE_DELIVERED, NULL, NULL, NULL));
    }
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 12);

  /* The third one waits still. */
  found = tess_store_list_displayed (store, ids[4], 100, NULL);
  g_assert_cmpuint (found->len, ==, 4);
  g_assert_cmpint (g_array_index (found, gint64, 0), ==, ids[0]);
  g_assert_cmpint (g_array_index (found, gint64, 3), ==, ids[4]);
  g_array_unref (found);
  found = tess_store_list_displayed (store, ids[4], 2, NULL);
  g_assert_cmpuint (found->len, ==, 2);
  g_assert_cmpint (g_array_index (found, gint64, 0), ==, ids[3]);
  g_array_unref (found);

  g_assert_true (tess_store_set_state (store, ids[3], TESS_MESSAGE_READ, NULL, NULL, NULL));
  found = tess_store_list_displayed (store, ids[5], 100, NULL);
  g_assert_cmpuint (found->len, ==, 2);
  g_assert_cmpint (g_array_index (found, gint64, 0), ==, ids[4]);
  g_array_unref (found);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  FIXTURE_TEST ("/store/reading/untold", test_untold);
  FIXTURE_TEST ("/store/reading/elsewhere", test_elsewhere);
  FIXTURE_TEST ("/store/reading/displayed", test_displayed);

  return g_test_run ();
}
