/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "store-fixture.h"

#include <string.h>

/* ---- Messages ---- */

/* Of all conversations of the account, and of nobody else's; what waits to be sent counts for nothing. */
static void
test_newest_time (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessMessageRecord) waiting = message_new (fixture->conversation_id, TESS_MESSAGE_OUT, 9000);
  gint64 other = add_account (fixture->store, "other@example.org");
  gint64 carol = add_conversation (fixture->store, fixture->account_id, "carol@example.org");
  gint64 time_us = -1;

  g_assert_true (tess_store_get_newest_time (fixture->store, fixture->account_id, &time_us, &error));
  g_assert_cmpint (time_us, ==, 0);
  add_message (fixture->store, add_conversation (fixture->store, other, "bob@example.org"), TESS_MESSAGE_IN, 8000);
  add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 100);
  add_message (fixture->store, carol, TESS_MESSAGE_IN, 300);
  add_message (fixture->store, carol, TESS_MESSAGE_IN, 200);
  waiting->state = TESS_MESSAGE_WAITING;
  g_assert_true (tess_store_add_message (fixture->store, waiting, &error));
  g_assert_true (tess_store_get_newest_time (fixture->store, fixture->account_id, &time_us, &error));
  g_assert_no_error (error);
  g_assert_cmpint (time_us, ==, 300);
}

static void
test_message (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessMessageRecord) message =
      message_new (fixture->conversation_id, TESS_MESSAGE_IN, 1234567);
  g_autoptr (TessMessageRecord) read = NULL;
  g_autoptr (TessMessageRecord) none = NULL;
  g_autoptr (TessMessageRecord) bad = message_new (fixture->conversation_id, TESS_MESSAGE_IN, 1);

  message->encryption = TESS_ENCRYPTION_OMEMO;
  message->stanza_id = g_strdup ("s");
  message->archive_id = g_strdup ("a");
  message->device = 0x7fffffff;
  message->receipt_wanted = TRUE;
  message->error = g_strdup ("why");
  g_assert_true (tess_store_add_message (fixture->store, message, &error));
  fixture_reopen (fixture);

  read = tess_store_get_message (fixture->store, message->id, &error);
  g_assert_no_error (error);
  g_assert_cmpint (read->account_id, ==, fixture->account_id);
  g_assert_cmpint (read->conversation_id, ==, fixture->conversation_id);
  g_assert_cmpstr (read->peer, ==, "bob@example.org");
  g_assert_cmpstr (read->from, ==, "bob@example.org");
  g_assert_cmpint (read->direction, ==, TESS_MESSAGE_IN);
  g_assert_cmpint (read->state, ==, TESS_MESSAGE_RECEIVED);
  g_assert_cmpint (read->encryption, ==, TESS_ENCRYPTION_OMEMO);
  g_assert_cmpstr (read->stanza_id, ==, "s");
  g_assert_cmpstr (read->archive_id, ==, "a");
  g_assert_cmpstr (read->text, ==, "text");
  g_assert_cmpint (read->time_us, ==, 1234567);
  g_assert_cmpuint (read->device, ==, 0x7fffffff);
  g_assert_cmpint (read->trust, ==, TESS_TRUST_UNDECIDED);
  g_assert_true (read->receipt_wanted);
  g_assert_cmpstr (read->error, ==, "why");

  none = tess_store_get_message (fixture->store, 4711, &error);
  g_assert_null (none);
  g_assert_no_error (error);

  /* What is received is incoming, and the other way round. */
  bad->state = TESS_MESSAGE_SENT;
  g_assert_false (tess_store_add_message (fixture->store, bad, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_clear_error (&error);
  bad->state = TESS_MESSAGE_RECEIVED;
  bad->conversation_id = 4711;
  g_assert_false (tess_store_add_message (fixture->store, bad, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_assert_cmpint (bad->id, ==, 0);
}

static void
test_archive (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 other_account = add_account (fixture->store, "other@example.org");
  gint64 other = add_conversation (fixture->store, other_account, "bob@example.org");
  gint64 carol = add_conversation (fixture->store, fixture->account_id, "carol@example.org");
  g_autoptr (TessMessageRecord) message =
      message_new (fixture->conversation_id, TESS_MESSAGE_IN, 1);
  g_autoptr (TessMessageRecord) again = message_new (carol, TESS_MESSAGE_IN, 1);
  g_autoptr (TessMessageRecord) found = NULL;
  g_autoptr (TessMessageRecord) none = NULL;
  gint64 late;

  message->archive_id = g_strdup ("1");
  again->archive_id = g_strdup ("1");
  g_assert_true (tess_store_add_message (fixture->store, message, &error));
  g_assert_false (tess_store_add_message (fixture->store, again, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_EXISTS);
  g_clear_error (&error);
  /* The refused one is not counted either. */
  g_assert_cmpint (number (fixture->store, "SELECT sum (unread) FROM conversations"), ==, 1);

  again->conversation_id = other;
  g_assert_true (tess_store_add_message (fixture->store, again, &error));
  found = tess_store_find_archived (fixture->store, fixture->account_id, "1", &error);
  g_assert_cmpint (found->id, ==, message->id);
  none = tess_store_find_archived (fixture->store, fixture->account_id, "2", &error);
  g_assert_null (none);
  g_assert_no_error (error);

  /* Many without one. */
  late = add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_OUT, 2);
  add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_OUT, 2);
  g_assert_true (tess_store_set_archive_id (fixture->store, late, "2", &error));
  none = tess_store_find_archived (fixture->store, fixture->account_id, "2", &error);
  g_assert_cmpint (none->id, ==, late);
  g_assert_false (tess_store_set_archive_id (fixture->store, late, "1", &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (tess_store_set_archive_id (fixture->store, 4711, "3", &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
}

static void
test_find_own (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 carol = add_conversation (fixture->store, fixture->account_id, "carol@example.org");
  gint64 places[] = { fixture->conversation_id, carol, fixture->conversation_id };
  gint64 id = 0;
  g_autoptr (TessMessageRecord) found = NULL;
  g_autoptr (TessMessageRecord) none = NULL;
  g_autoptr (GPtrArray) both = NULL;
  g_autoptr (GPtrArray) last = NULL;

  /* The same stanza id: ours to Bob, ours to Carol, and Bob's own, which is no answer to the
   * question. */
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (TessMessageRecord) message =
          message_new (places[i], i < 2 ? TESS_MESSAGE_OUT : TESS_MESSAGE_IN, 1);

      message->stanza_id = g_strdup ("s");
      g_assert_true (tess_store_add_message (fixture->store, message, &error));
      if (i == 0)
        id = message->id;
    }

  found = tess_store_find_own (fixture->store, fixture->account_id, "bob@example.org", "s", &error);
  g_assert_cmpint (found->id, ==, id);
  none = tess_store_find_own (fixture->store, fixture->account_id, "bob@example.org", "t", &error);
  g_assert_null (none);
  none = tess_store_find_own (fixture->store, fixture->account_id, "dave@example.org", "s", &error);
  g_assert_null (none);
  g_assert_no_error (error);

  both = tess_store_list_by_stanza_id (fixture->store, fixture->account_id, "bob@example.org", "s", 10, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (both->len, ==, 2);
  g_assert_cmpint (((TessMessageRecord *) g_ptr_array_index (both, 0))->direction, ==, TESS_MESSAGE_IN);
  g_assert_cmpint (((TessMessageRecord *) g_ptr_array_index (both, 1))->id, ==, id);
  last = tess_store_list_by_stanza_id (fixture->store, fixture->account_id, "bob@example.org", "s", 1, &error);
  g_assert_cmpuint (last->len, ==, 1);
}

static void
test_states (Fixture *fixture, gconstpointer data)
{
  /* From the line to the column: received, waiting, sent, delivered, read, failed. */
  static const gboolean allowed[6][6] = {
    { 0, 0, 0, 0, 0, 0 }, { 0, 0, 1, 1, 1, 1 }, { 0, 0, 0, 1, 1, 1 },
    { 0, 0, 0, 0, 1, 0 }, { 0, 0, 0, 0, 0, 0 }, { 0, 1, 0, 0, 0, 0 },
  };
  g_autoptr (GError) error = NULL;
  gboolean changed = TRUE;

  for (int from = 0; from < 6; from++)
    for (int to = 0; to < 6; to++)
      {
        g_autoptr (TessMessageRecord) message = message_new (
            fixture->conversation_id, from == 0 ? TESS_MESSAGE_IN : TESS_MESSAGE_OUT, 1);
        g_autoptr (TessMessageRecord) read = NULL;

        message->state = from;
        message->error = g_strdup ("before");
        g_assert_true (tess_store_add_message (fixture->store, message, &error));
        g_assert_true (
            tess_store_set_state (fixture->store, message->id, to, "after", &changed, &error));
        g_assert_no_error (error);
        g_assert_cmpint (changed, ==, allowed[from][to]);
        read = tess_store_get_message (fixture->store, message->id, &error);
        g_assert_cmpint (read->state, ==, changed ? to : from);
        g_assert_cmpstr (read->error, ==,
                         !changed                    ? "before"
                         : to == TESS_MESSAGE_FAILED ? "after"
                                                     : NULL);
      }

  /* Its conversation was removed while it was on its way. */
  g_assert_true (
      tess_store_set_state (fixture->store, 4711, TESS_MESSAGE_SENT, NULL, &changed, &error));
  g_assert_false (changed);
  g_assert_true (
      tess_store_set_state (fixture->store, 4711, TESS_MESSAGE_SENT, NULL, NULL, &error));
}

static void
test_sent_encryption (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) key = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  TessStoreDevice device = {
    .address = (char *) "alice@example.org", .id = 77, .key = key, .trust = TESS_TRUST_BLIND
  };
  gint64 in = add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 1);
  gint64 out = add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_OUT, 2);
  TessMessageRecord encrypted = {
    .conversation_id = fixture->conversation_id, .from = (char *) "alice@example.org",
    .encryption = TESS_ENCRYPTION_OMEMO, .device = 77, .time_us = 3
  };
  g_autoptr (TessMessageRecord) read = NULL;
  g_autoptr (GPtrArray) page = NULL;

  g_assert_true (
      tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));
  g_assert_true (
      tess_store_set_sent_encryption (fixture->store, out, TESS_ENCRYPTION_OMEMO, 77, TESS_TRUST_BLIND, &error));
  read = tess_store_get_message (fixture->store, out, &error);
  g_assert_cmpint (read->encryption, ==, TESS_ENCRYPTION_OMEMO);
  g_assert_cmpuint (read->device, ==, 77);
  g_assert_cmpint (read->trust, ==, TESS_TRUST_BLIND);

  g_assert_true (tess_store_add_message (fixture->store, &encrypted, &error));

  /* The trust of what came in is that of now, of what went out that of then. */
  device.trust = TESS_TRUST_VERIFIED;
  g_assert_true (
      tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));
  page = tess_store_list_messages (fixture->store, fixture->conversation_id, G_MAXINT64, G_MAXINT64,
                                   10, &error);
  g_assert_cmpint (((TessMessageRecord *) page->pdata[2])->trust, ==, TESS_TRUST_VERIFIED);
  g_assert_cmpint (((TessMessageRecord *) page->pdata[1])->trust, ==, TESS_TRUST_BLIND);
  g_assert_cmpint (((TessMessageRecord *) page->pdata[0])->trust, ==, TESS_TRUST_UNDECIDED);

  g_assert_false (
      tess_store_set_sent_encryption (fixture->store, in, TESS_ENCRYPTION_OMEMO, 77, TESS_TRUST_BLIND, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
}

/* How much SQLite has worked in the queries that contain @part since the last call: counted, not
 * timed. */
static int
steps_of (Fixture *fixture, const char *part)
{
  GHashTableIter iter;
  gpointer sql, statement;
  int steps = 0;

  g_hash_table_iter_init (&iter, fixture->store->statements);
  while (g_hash_table_iter_next (&iter, &sql, &statement))
    if (strstr (sql, part) != NULL)
      {
        steps += sqlite3_stmt_status (statement, SQLITE_STMTSTATUS_VM_STEP, TRUE);
        g_assert_cmpint (sqlite3_stmt_status (statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, TRUE), <=,
                         10);
      }

  return steps;
}

static void
check_cheap_page (Fixture *fixture, gboolean backwards)
{
  g_autoptr (GPtrArray) page = NULL;
  int steps;

  steps_of (fixture, ") page ");
  page = backwards ? tess_store_list_messages (fixture->store, fixture->conversation_id, 5, 6000,
                                               10, NULL)
                   : tess_store_list_messages_after (fixture->store, fixture->conversation_id, 5,
                                                     6000, 10, NULL);
  g_assert_cmpuint (page->len, ==, 10);
  steps = steps_of (fixture, ") page ");
  g_test_message ("%d steps", steps);
  g_assert_cmpint (steps, >, 0);
  g_assert_cmpint (steps, <, 10 * 100);
}

#define MANY 10000

static void
check_order (const TessMessageRecord *before, const TessMessageRecord *after)
{
  g_assert_true (before->time_us < after->time_us ||
                 (before->time_us == after->time_us && before->id < after->id));
}

static void
page_through (Fixture *fixture, guint limit, gboolean backwards)
{
  gint64 time_us = backwards ? G_MAXINT64 : 0, id = backwards ? G_MAXINT64 : 0;
  guint seen = 0;

  for (;;)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) page =
          backwards ? tess_store_list_messages (fixture->store, fixture->conversation_id, time_us,
                                                id, limit, &error)
                    : tess_store_list_messages_after (fixture->store, fixture->conversation_id,
                                                      time_us, id, limit, &error);
      TessMessageRecord *edge;

      g_assert_no_error (error);
      if (page->len == 0)
        break;
      seen += page->len;
      g_assert_true (page->len == limit || seen == MANY);
      for (guint i = 1; i < page->len; i++)
        check_order (page->pdata[i - 1], page->pdata[i]);
      edge = page->pdata[backwards ? page->len - 1 : 0];
      if (seen > page->len)
        g_assert_true (
            backwards ? edge->time_us < time_us || (edge->time_us == time_us && edge->id < id)
                      : edge->time_us > time_us || (edge->time_us == time_us && edge->id > id));
      edge = page->pdata[backwards ? 0 : page->len - 1];
      time_us = edge->time_us;
      id = edge->id;
    }
  g_assert_cmpuint (seen, ==, MANY);
}

/* A page in the middle of equal times does not read them all. */
static void
test_page_is_cheap (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (tess_store_begin (fixture->store, &error));
  for (int i = 0; i < MANY; i++)
    add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 5);
  g_assert_true (tess_store_commit (fixture->store, &error));
  g_ptr_array_unref (
      tess_store_list_messages (fixture->store, fixture->conversation_id, 5, 5, 1, NULL));
  check_cheap_page (fixture, TRUE);
  check_cheap_page (fixture, FALSE);
}

static void
test_paging (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) most = NULL;
  g_autoptr (GPtrArray) least = NULL;
  gint64 other = add_conversation (fixture->store, fixture->account_id, "other@example.org");

  g_assert_true (tess_store_begin (fixture->store, &error));
  /* Runs of equal times, added in an order that is not that of time. */
  for (int i = 0; i < MANY; i++)
    {
      add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 1 + (i * 7919) % 13);
      if (i % 100 == 0)
        add_message (fixture->store, other, TESS_MESSAGE_IN, 5);
    }
  g_assert_true (tess_store_commit (fixture->store, &error));

  for (int backwards = 0; backwards < 2; backwards++)
    {
      page_through (fixture, 7, backwards);
      page_through (fixture, 100, backwards);
      page_through (fixture, 1000, backwards);
    }
  most = tess_store_list_messages (fixture->store, fixture->conversation_id, G_MAXINT64, G_MAXINT64,
                                   G_MAXUINT, &error);
  g_assert_cmpuint (most->len, ==, 1000);
  least =
      tess_store_list_messages_after (fixture->store, fixture->conversation_id, 0, 0, 0, &error);
  g_assert_cmpuint (least->len, ==, 1);
  g_assert_cmpuint (mark_read (fixture, 0, 0), ==, MANY);
}

/* ---- Outbox ---- */

static void
test_outbox (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GPtrArray) unfinished = NULL;
  gint64 ids[4];
  gboolean changed;

  for (int i = 0; i < 4; i++)
    ids[i] = add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_OUT, 10 - i);
  add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 1);
  g_assert_true (
      tess_store_set_state (fixture->store, ids[3], TESS_MESSAGE_SENT, NULL, &changed, &error));
  unfinished = tess_store_list_unfinished (fixture->store, fixture->account_id, &error);
  g_assert_cmpuint (unfinished->len, ==, 3);
  /* As they were written, whatever the clock said then. */
  for (int i = 0; i < 3; i++)
    g_assert_cmpint (((TessMessageRecord *) unfinished->pdata[i])->id, ==, ids[i]);

  g_assert_true (tess_store_add_outbox (fixture->store, ids[1], "<b/>", &error));
  g_assert_true (tess_store_add_outbox (fixture->store, ids[0], "<a/>", &error));
  /* Nothing is encrypted twice. */
  g_assert_false (tess_store_add_outbox (fixture->store, ids[0], "<c/>", &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (tess_store_add_outbox (fixture->store, 4711, "<c/>", &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_clear_error (&error);

  fixture_reopen (fixture);
  list = tess_store_list_outbox (fixture->store, fixture->account_id, &error);
  g_assert_cmpuint (list->len, ==, 2);
  g_assert_cmpint (((TessOutboxItem *) list->pdata[0])->message_id, ==, ids[1]);
  g_assert_cmpstr (((TessOutboxItem *) list->pdata[1])->xml, ==, "<a/>");
  g_clear_pointer (&unfinished, g_ptr_array_unref);
  unfinished = tess_store_list_unfinished (fixture->store, fixture->account_id, &error);
  g_assert_cmpuint (unfinished->len, ==, 1);

  g_assert_true (tess_store_remove_outbox (fixture->store, ids[1], &error));
  g_assert_true (tess_store_remove_outbox (fixture->store, ids[1], &error));
  g_clear_pointer (&list, g_ptr_array_unref);
  list = tess_store_list_outbox (fixture->store, fixture->account_id, &error);
  g_assert_cmpuint (list->len, ==, 1);
  tess_outbox_item_free (NULL);
}

/* ---- Plans ---- */

/* Calls what the other tests call, so that every query is in the cache. */
static void
run_every_query (Fixture *fixture)
{
  g_autoptr (GBytes) key = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  TessStore *store = fixture->store;
  gint64 account = fixture->account_id, conversation = fixture->conversation_id, value;
  g_autoptr (TessContactRecord) contact = tess_contact_record_new (account, "b@c");
  g_autoptr (TessAccountRecord) record = tess_account_record_new ("x@y");
  TessStoreDevice device = { .address = (char *) "b@c", .id = 9, .key = key }, *read_device;
  g_autoptr (GArray) ids = NULL;
  GBytes *blob;
  guint32 id;
  guint unread;
  char *text;

  record->id = account;
  g_assert_true (tess_store_update_account (store, record, NULL));
  g_ptr_array_unref (tess_store_list_accounts (store, NULL));
  g_assert_true (tess_store_save_contact (store, contact, NULL));
  g_ptr_array_unref (tess_store_list_contacts (store, account, NULL));
  g_assert_true (tess_store_remove_contact (store, account, "b@c", NULL));
  g_ptr_array_unref (tess_store_list_conversations (store, account, NULL));
  g_assert_true (
      tess_store_set_encryption (store, conversation, TESS_CONVERSATION_ENCRYPTED, NULL));
  g_assert_true (tess_store_set_draft (store, conversation, "draft", NULL));
  g_assert_true (tess_store_mark_read (store, conversation, 1, 1, &unread, NULL));
  add_message (store, conversation, TESS_MESSAGE_IN, 1);
  id = add_message (store, conversation, TESS_MESSAGE_OUT, 2);
  tess_message_record_free (tess_store_get_message (store, id, NULL));
  tess_message_record_free (tess_store_find_archived (store, account, "a", NULL));
  tess_store_has_archived (store, account, "a", NULL);
  tess_message_record_free (tess_store_find_own (store, account, "bob@example.org", "a", NULL));
  g_assert_true (tess_store_set_archive_id (store, id, "a", NULL));
  g_assert_true (tess_store_set_state (store, id, TESS_MESSAGE_SENT, NULL, NULL, NULL));
  g_assert_true (tess_store_set_sent_encryption (store, id, TESS_ENCRYPTION_NONE, 0, TESS_TRUST_UNDECIDED, NULL));
  g_ptr_array_unref (tess_store_list_messages (store, conversation, 9, 9, 9, NULL));
  g_ptr_array_unref (tess_store_list_messages_after (store, conversation, 9, 9, 9, NULL));
  g_ptr_array_unref (tess_store_list_unfinished (store, account, NULL));
  g_array_unref (tess_store_list_passed (store, conversation, 1, 1, 9, NULL));
  g_array_unref (tess_store_bring_back (store, account, 1, 9, NULL));
  g_assert_true (tess_store_get_archived_before (store, account, 1, &text, NULL));
  g_free (text);
  g_assert_true (tess_store_add_outbox (store, id, "<a/>", NULL));
  g_ptr_array_unref (tess_store_list_outbox (store, account, NULL));
  g_assert_true (tess_store_remove_outbox (store, id, NULL));
  g_assert_true (tess_store_omemo_save_local (store, account, 1, key, NULL));
  g_assert_true (tess_store_omemo_load_local (store, account, &id, &blob, NULL));
  g_bytes_unref (blob);
  g_assert_true (tess_store_omemo_save_blob (store, account, 0, 1, key, NULL));
  g_assert_true (tess_store_omemo_load_blob (store, account, 0, 1, &blob, NULL));
  g_bytes_unref (blob);
  g_assert_true (tess_store_omemo_list_blobs (store, account, 0, &ids, NULL));
  g_assert_true (tess_store_omemo_remove_blob (store, account, 0, 1, NULL));
  g_assert_true (tess_store_omemo_save_number (store, account, "n", 1, NULL));
  g_assert_true (tess_store_omemo_load_number (store, account, "n", &value, NULL));
  g_assert_true (tess_store_omemo_save_session (store, account, "b@c", 1, key, NULL));
  g_assert_true (tess_store_omemo_load_session (store, account, "b@c", 1, &blob, NULL));
  g_bytes_unref (blob);
  g_assert_true (tess_store_omemo_remove_session (store, account, "b@c", 1, NULL));
  g_assert_true (tess_store_omemo_save_device (store, account, &device, NULL));
  g_assert_true (tess_store_omemo_load_device (store, account, "b@c", 9, &read_device, NULL));
  tess_store_device_free (read_device);
  g_ptr_array_unref (tess_store_omemo_list_devices (store, account, "b@c", NULL));
  g_assert_true (tess_store_remove_conversation (store, conversation, NULL));
  g_assert_true (tess_store_remove_account (store, account, NULL));
}

#define QUERIES 56

static void
test_plans (Fixture *fixture, gconstpointer data)
{
  GHashTableIter iter;
  gpointer sql;
  guint queries = 0;

  run_every_query (fixture);
  g_hash_table_iter_init (&iter, fixture->store->statements);
  while (g_hash_table_iter_next (&iter, &sql, NULL))
    {
      g_autofree char *explain = g_strconcat ("EXPLAIN QUERY PLAN ", sql, NULL);
      sqlite3_stmt *statement = NULL;

      g_assert_cmpint (sqlite3_prepare_v2 (fixture->store->db, explain, -1, &statement, NULL), ==,
                       SQLITE_OK);
      while (sqlite3_step (statement) == SQLITE_ROW)
        {
          const char *step = (const char *) sqlite3_column_text (statement, 3);

          g_test_message ("%s: %s", (const char *) sql, step);
          if (g_str_has_prefix (step, "SCAN") && strcmp (step, "SCAN page") != 0)
            g_assert_cmpstr (step, ==, "SCAN accounts");
          /* A list of conversations is sorted by what stands in another table, a page is turned
           * round. */
          if (strstr (step, "TEMP B-TREE") != NULL)
            g_assert_true (strstr (sql, "c.created_us") != NULL || strstr (sql, ") page ") != NULL);
        }
      sqlite3_finalize (statement);
      queries++;
    }
  g_assert_cmpuint (queries, ==, QUERIES);
}

static int
steps_of_list (Fixture *fixture)
{
  g_autoptr (GPtrArray) list =
      tess_store_list_conversations (fixture->store, fixture->account_id, NULL);

  g_assert_cmpuint (list->len, ==, 21);

  return steps_of (fixture, "c.created_us");
}

/* The work of the list does not grow with the messages. */
static void
test_list_is_cheap (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 ids[20];
  int few;

  for (int i = 0; i < 20; i++)
    {
      g_autofree char *peer = g_strdup_printf ("peer%d@example.org", i);

      ids[i] = add_conversation (fixture->store, fixture->account_id, peer);
      add_message (fixture->store, ids[i], TESS_MESSAGE_IN, i);
    }
  few = steps_of_list (fixture);
  few = steps_of_list (fixture);
  g_assert_cmpint (few, >, 0);
  g_assert_true (tess_store_begin (fixture->store, &error));
  for (int i = 0; i < 4000; i++)
    add_message (fixture->store, ids[i % 20], TESS_MESSAGE_IN, i);
  g_assert_true (tess_store_commit (fixture->store, &error));
  g_assert_cmpint (steps_of_list (fixture), <=, few + few / 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  FIXTURE_TEST ("/store/newest-time", test_newest_time);
  FIXTURE_TEST ("/store/message", test_message);
  FIXTURE_TEST ("/store/archive", test_archive);
  FIXTURE_TEST ("/store/find-own", test_find_own);
  FIXTURE_TEST ("/store/states", test_states);
  FIXTURE_TEST ("/store/sent-encryption", test_sent_encryption);
  FIXTURE_TEST ("/store/paging", test_paging);
  FIXTURE_TEST ("/store/page-is-cheap", test_page_is_cheap);
  FIXTURE_TEST ("/store/outbox", test_outbox);
  FIXTURE_TEST ("/store/plans", test_plans);
  FIXTURE_TEST ("/store/list-is-cheap", test_list_is_cheap);

  return g_test_run ();
}
