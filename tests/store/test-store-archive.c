/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "store-fixture.h"

#define STORE (fixture->store)
#define ACCOUNT (fixture->account_id)
#define BOB (fixture->conversation_id)

static TessGap *
first_gap (Fixture *fixture, guint count)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) gaps = tess_store_list_gaps (STORE, ACCOUNT, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (gaps->len, ==, count);
  return count > 0 ? g_ptr_array_steal_index (gaps, 0) : NULL;
}

static void
test_gaps (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  TessGap older = { .account_id = ACCOUNT, .newer_id = (char *) "n", .total = -1 };
  TessGap newer = { .account_id = ACCOUNT, .older_id = (char *) "o", .older_us = 5, .newer_id = (char *) "p", .newer_us = 9,
                    .stored = 1, .total = 7 };
  g_autoptr (TessGap) read = NULL;
  g_autoptr (TessGap) moved = NULL;
  g_autoptr (TessGap) last = NULL;

  g_assert_null (first_gap (fixture, 0));
  g_assert_true (tess_store_save_gap (STORE, &older, &error));
  g_assert_true (tess_store_save_gap (STORE, &newer, &error));
  fixture_reopen (fixture);
  read = first_gap (fixture, 2); /* the newest first */
  g_assert_cmpint (read->id, ==, newer.id);
  g_assert_cmpstr (read->older_id, ==, "o");
  g_assert_cmpint (read->older_us, ==, 5);
  g_assert_cmpstr (read->newer_id, ==, "p");
  g_assert_cmpint (read->newer_us, ==, 9);
  g_assert_cmpint (read->stored, ==, 1);
  g_assert_cmpint (read->total, ==, 7);
  g_assert_false (read->paused);

  newer.newer_id = (char *) "q";
  newer.newer_us = 8;
  newer.stored = 3;
  g_assert_true (tess_store_save_gap (STORE, &newer, &error));
  g_assert_true (tess_store_pause_gaps (STORE, ACCOUNT, TRUE, &error));
  moved = first_gap (fixture, 2);
  g_assert_cmpstr (moved->newer_id, ==, "q");
  g_assert_cmpint (moved->newer_us, ==, 8);
  g_assert_cmpint (moved->stored, ==, 3);
  g_assert_true (moved->paused);
  g_assert_cmpstr (moved->older_id, ==, "o");

  g_assert_true (tess_store_remove_gap (STORE, newer.id, &error));
  last = first_gap (fixture, 1);
  g_assert_null (last->older_id);
  g_assert_true (tess_store_remove_account (STORE, ACCOUNT, &error));
  g_assert_cmpint (number (STORE, "SELECT count (*) FROM gaps"), ==, 0);
  g_assert_no_error (error);
}

static void
test_rechecks (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rechecks = NULL;
  const TessRecheck *first;

  g_assert_true (tess_store_add_recheck (STORE, ACCOUNT, "b", 2, 20, &error));
  g_assert_true (tess_store_add_recheck (STORE, ACCOUNT, "a", 1, 10, &error));
  fixture_reopen (fixture);
  rechecks = tess_store_list_rechecks (STORE, ACCOUNT, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rechecks->len, ==, 2);
  first = rechecks->pdata[0];
  g_assert_cmpstr (first->older_id, ==, "a");
  g_assert_cmpint (first->older_us, ==, 1);
  g_assert_cmpint (first->due_us, ==, 10);
  g_assert_true (tess_store_remove_recheck (STORE, first->id, &error));
  g_assert_cmpint (number (STORE, "SELECT count (*) FROM rechecks"), ==, 1);
}

static void
test_held (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) held = NULL;
  g_autoptr (GPtrArray) none = NULL;
  gint64 last = 0;
  const TessHeld *one;

  g_assert_true (tess_store_hold (STORE, ACCOUNT, "b", 20, "<message/>", &error));
  g_assert_true (tess_store_hold (STORE, ACCOUNT, "a", 10, "<message id='a'/>", &error));
  g_assert_true (tess_store_hold (STORE, ACCOUNT, "a", 30, "<message id='again'/>", &error));
  g_assert_true (tess_store_hold (STORE, ACCOUNT, NULL, 40, "<message id='live'/>", &error));
  fixture_reopen (fixture);
  g_assert_cmpint (tess_store_count_held (STORE, ACCOUNT, &last, &error), ==, 3);
  g_assert_cmpint (last, ==, number (STORE, "SELECT max (id) FROM held"));
  none = tess_store_list_held (STORE, ACCOUNT, 0, 2, &error);
  g_assert_cmpuint (none->len, ==, 0);
  held = tess_store_list_held (STORE, ACCOUNT, last, 2, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (held->len, ==, 2);
  one = held->pdata[0];
  g_assert_cmpstr (one->archive_id, ==, "a");
  g_assert_cmpint (one->time_us, ==, 10);
  g_assert_cmpstr (one->xml, ==, "<message id='a'/>");
  g_assert_true (tess_store_release (STORE, one->id, &error));
  g_assert_cmpint (number (STORE, "SELECT count (*) FROM held"), ==, 2);
}

static gint64
archived (Fixture *fixture, const char *id, gint64 time_us)
{
  g_autoptr (TessMessageRecord) message = message_new (BOB, TESS_MESSAGE_IN, time_us);

  message->archive_id = g_strdup (id);
  g_assert_true (tess_store_add_message (STORE, message, NULL));
  return message->id;
}

static void
assert_neighbours (Fixture *fixture, gint64 older, gint64 newer, gint64 below, gint64 above)
{
  g_autoptr (GError) error = NULL;
  gint64 found_below = 0, found_above = 0;

  g_assert_true (tess_store_get_neighbours (STORE, BOB, older, newer, &found_below, &found_above, &error));
  g_assert_no_error (error);
  g_assert_cmpint (found_below, ==, below);
  g_assert_cmpint (found_above, ==, above);
}

static void
test_places (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TessMessageRecord) waiting = message_new (BOB, TESS_MESSAGE_OUT, 55);
  gint64 moved;

  assert_neighbours (fixture, 50, 60, G_MININT64, G_MAXINT64);
  archived (fixture, "1", 10);
  moved = archived (fixture, "2", 90);
  waiting->state = TESS_MESSAGE_WAITING;
  g_assert_true (tess_store_add_message (STORE, waiting, NULL));
  assert_neighbours (fixture, 50, 60, 10, 90);
  assert_neighbours (fixture, 10, 90, 10, 90);
  assert_neighbours (fixture, 9, 91, G_MININT64, G_MAXINT64);
  g_assert_true (tess_store_move_message (STORE, moved, 70, NULL));
  assert_neighbours (fixture, 50, 60, 10, 70);
}

static void
assert_history (Fixture *fixture, const char *expected)
{
  g_autofree char *id = NULL;

  g_assert_true (tess_store_get_history (STORE, BOB, &id, NULL));
  g_assert_cmpstr (id, ==, expected);
}

static void
test_history (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TessConversationRecord) conversation = NULL;

  assert_history (fixture, "");
  archived (fixture, "new", 20);
  archived (fixture, "old", 10);
  add_message (STORE, BOB, TESS_MESSAGE_IN, 5);
  assert_history (fixture, "old");
  g_assert_true (tess_store_set_history (STORE, BOB, "older", TRUE, NULL));
  fixture_reopen (fixture);
  assert_history (fixture, "older");
  conversation = tess_store_get_conversation (STORE, BOB, NULL);
  g_assert_true (conversation->history_done);
}

/* What waits to be sent stays, and what was read stays so. */
static void
test_clear (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessMessageRecord) waiting = message_new (BOB, TESS_MESSAGE_OUT, 15);
  gint64 cleared = -1;

  waiting->state = TESS_MESSAGE_WAITING;
  g_assert_true (tess_store_add_message (STORE, waiting, NULL));
  add_message (STORE, BOB, TESS_MESSAGE_IN, 10);
  add_message (STORE, BOB, TESS_MESSAGE_IN, 20);
  add_message (STORE, BOB, TESS_MESSAGE_IN, 30);
  g_assert_true (tess_store_get_cleared (STORE, ACCOUNT, "bob@example.org", &cleared, &error));
  g_assert_cmpint (cleared, ==, 0);
  g_assert_true (tess_store_clear_conversation (STORE, ACCOUNT, "bob@example.org", 20, &error));
  g_assert_true (tess_store_clear_conversation (STORE, ACCOUNT, "bob@example.org", 5, &error)); /* never backwards */
  g_assert_no_error (error);
  g_assert_true (tess_store_get_cleared (STORE, ACCOUNT, "bob@example.org", &cleared, &error));
  g_assert_cmpint (cleared, ==, 20);
  g_assert_cmpint (number (STORE, "SELECT count (*) FROM messages"), ==, 2);
  g_assert_cmpint (number (STORE, "SELECT unread FROM conversations"), ==, 1);
}

static void
test_forget (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < 10; i++)
    add_message (STORE, BOB, TESS_MESSAGE_IN, i);
  g_assert_cmpint (tess_store_forget_older (STORE, 7, 4, &error), ==, 4);
  g_assert_cmpint (tess_store_forget_older (STORE, 7, 4, &error), ==, 3);
  g_assert_cmpint (tess_store_forget_older (STORE, 7, 4, &error), ==, 0);
  g_assert_no_error (error);
  g_assert_cmpint (number (STORE, "SELECT min (time_us) FROM messages"), ==, 7);
}

static void
test_place (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TessConversationRecord) conversation = NULL;

  g_assert_true (tess_store_set_place (STORE, BOB, 12, 34, -5, NULL));
  fixture_reopen (fixture);
  conversation = tess_store_get_conversation (STORE, BOB, NULL);
  g_assert_cmpint (conversation->place_time_us, ==, 12);
  g_assert_cmpint (conversation->place_id, ==, 34);
  g_assert_cmpint (conversation->place_offset, ==, -5);
}

static void
test_stream (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessMessageRecord) waiting = message_new (BOB, TESS_MESSAGE_OUT, 15);
  TessStreamRecord stream = { (char *) "sm", 300, (char *) "alice@example.org/r", G_MAXUINT32, 7, 1000 };
  g_autoptr (TessStreamRecord) none = tess_store_get_stream (STORE, ACCOUNT, &error);
  g_autoptr (TessStreamRecord) read = NULL;
  g_autoptr (TessStreamRecord) gone = NULL;
  g_autoptr (GPtrArray) outbox = NULL;
  const TessOutboxItem *item;

  g_assert_null (none);
  waiting->state = TESS_MESSAGE_WAITING;
  g_assert_true (tess_store_add_message (STORE, waiting, NULL));
  g_assert_true (tess_store_add_outbox (STORE, waiting->id, "<message/>", &error));
  g_assert_true (tess_store_set_stream (STORE, ACCOUNT, &stream, &error));
  g_assert_true (tess_store_count_stream (STORE, ACCOUNT, 3, 9, 2000, &error));
  g_assert_true (tess_store_set_tried (STORE, waiting->id, 11, 500, &error));
  g_assert_true (tess_store_set_tried (STORE, waiting->id, 12, 600, &error));
  fixture_reopen (fixture);
  read = tess_store_get_stream (STORE, ACCOUNT, &error);
  g_assert_cmpstr (read->session, ==, "sm");
  g_assert_cmpuint (read->max_seconds, ==, 300);
  g_assert_cmpstr (read->address, ==, "alice@example.org/r");
  g_assert_cmpuint (read->handled, ==, 3);
  g_assert_cmpuint (read->acked, ==, 9);
  g_assert_cmpint (read->saved_us, ==, 2000);
  outbox = tess_store_list_outbox (STORE, ACCOUNT, &error);
  item = outbox->pdata[0];
  g_assert_cmpint (item->sequence, ==, 12);
  g_assert_cmpint (item->tried_us, ==, 500);
  g_assert_cmpstr (item->peer, ==, "bob@example.org");

  g_assert_true (tess_store_end_stream (STORE, ACCOUNT, &error));
  gone = tess_store_get_stream (STORE, ACCOUNT, &error);
  g_assert_null (gone);
  g_assert_cmpint (number (STORE, "SELECT sequence IS NULL AND tried_us = 500 FROM outbox"), ==, 1);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);


  FIXTURE_TEST ("/store/archive/gaps", test_gaps);
  FIXTURE_TEST ("/store/archive/rechecks", test_rechecks);
  FIXTURE_TEST ("/store/archive/held", test_held);
  FIXTURE_TEST ("/store/archive/places", test_places);
  FIXTURE_TEST ("/store/archive/history", test_history);
  FIXTURE_TEST ("/store/archive/clear", test_clear);
  FIXTURE_TEST ("/store/archive/forget", test_forget);
  FIXTURE_TEST ("/store/archive/place", test_place);
  FIXTURE_TEST ("/store/archive/stream", test_stream);

  return g_test_run ();
}
