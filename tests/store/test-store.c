/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "store-fixture.h"

/* ---- Accounts and contacts ---- */

static void
test_accounts (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessAccountRecord) account = tess_account_record_new ("carol@example.org");
  g_autoptr (TessAccountRecord) again = tess_account_record_new ("carol@example.org");
  g_autoptr (GPtrArray) list = NULL;
  TessAccountRecord *read;

  account->port = 65535;
  g_assert_true (tess_store_add_account (fixture->store, account, &error));
  g_assert_cmpint (account->id, >, fixture->account_id);
  g_assert_false (tess_store_add_account (fixture->store, again, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_EXISTS);
  g_clear_error (&error);

  account->name = g_strdup ("Carol ✓");
  account->host = g_strdup ("10.0.0.1");
  account->port = 5223;
  account->tls = TESS_ACCOUNT_TLS_DIRECT;
  account->enabled = FALSE;
  account->scram_seen = 7;
  account->blind_trust = FALSE;
  account->roster_version = g_strdup ("ver");
  account->archive_id = g_strdup ("id");
  g_assert_true (tess_store_update_account (fixture->store, account, &error));
  fixture_reopen (fixture);

  list = tess_store_list_accounts (fixture->store, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (list->len, ==, 2);
  read = list->pdata[0];
  g_assert_cmpstr (read->address, ==, "alice@example.org");
  g_assert_null (read->name);
  g_assert_true (read->enabled);
  g_assert_true (read->blind_trust);
  read = list->pdata[1];
  g_assert_cmpint (read->id, ==, account->id);
  g_assert_cmpstr (read->name, ==, "Carol ✓");
  g_assert_cmpstr (read->host, ==, "10.0.0.1");
  g_assert_cmpuint (read->port, ==, 5223);
  g_assert_cmpint (read->tls, ==, TESS_ACCOUNT_TLS_DIRECT);
  g_assert_false (read->enabled);
  g_assert_true (read->scram_seen);
  g_assert_false (read->blind_trust);
  g_assert_cmpstr (read->roster_version, ==, "ver");
  g_assert_cmpstr (read->archive_id, ==, "id");

  account->id = 4711;
  g_assert_false (tess_store_update_account (fixture->store, account, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_clear_error (&error);
  again->tls = 3;
  g_free (again->address);
  again->address = g_strdup ("dave@example.org");
  g_assert_false (tess_store_add_account (fixture->store, again, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
}

static void
test_remove_account (Fixture *fixture, gconstpointer data)
{
  static const char *const tables[] = { "contacts",    "conversations", "messages",       "outbox",       "omemo_local",
                                        "omemo_blobs", "omemo_numbers", "omemo_sessions", "omemo_devices" };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  gint64 others[] = { fixture->account_id, add_account (fixture->store, "carol@example.org") };
  TessStoreDevice device = { .address = (char *) "bob@example.org", .id = 1, .key = bytes };

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (TessContactRecord) contact = tess_contact_record_new (others[i], "bob@example.org");
      gint64 conversation_id = add_conversation (fixture->store, others[i], "bob@example.org");
      gint64 message_id = add_message (fixture->store, conversation_id, TESS_MESSAGE_OUT, 1);

      g_assert_true (tess_store_save_contact (fixture->store, contact, &error));
      g_assert_true (tess_store_add_outbox (fixture->store, message_id, "<message/>", &error));
      g_assert_true (tess_store_omemo_save_local (fixture->store, others[i], 5, bytes, &error));
      g_assert_true (tess_store_omemo_save_blob (fixture->store, others[i], 0, 5, bytes, &error));
      g_assert_true (tess_store_omemo_save_number (fixture->store, others[i], "n", 5, &error));
      g_assert_true (tess_store_omemo_save_session (fixture->store, others[i], "b@c", 5, bytes, &error));
      g_assert_true (tess_store_omemo_save_device (fixture->store, others[i], &device, &error));
    }

  g_assert_true (tess_store_remove_account (fixture->store, others[0], &error));
  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      g_autofree char *all = g_strdup_printf ("SELECT count (*) FROM %s", tables[i]);
      g_autofree char *own = g_strdup_printf ("SELECT count (*) FROM %s WHERE account_id = %" G_GINT64_FORMAT,
                                              tables[i], others[1]);

      g_assert_cmpint (number (fixture->store, all), ==, 1);
      g_assert_cmpint (number (fixture->store, own), ==, 1);
    }
  /* Numbers are not used twice. */
  g_assert_true (tess_store_remove_account (fixture->store, others[1], &error));
  g_assert_cmpint (add_account (fixture->store, "carol@example.org"), >, others[1]);
}

static void
test_contacts (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessContactRecord) contact = tess_contact_record_new (fixture->account_id, "bob@example.org");
  g_autoptr (TessContactRecord) first = tess_contact_record_new (fixture->account_id, "anna@example.org");
  g_autoptr (TessContactRecord) orphan = tess_contact_record_new (999, "anna@example.org");
  g_autoptr (GPtrArray) list = NULL;
  TessContactRecord *read;

  g_assert_true (tess_store_save_contact (fixture->store, contact, &error));
  contact->name = g_strdup ("Bob");
  contact->subscription = TESS_SUBSCRIPTION_BOTH;
  contact->in_roster = contact->asked = contact->asks = TRUE;
  contact->presence = TESS_PRESENCE_CHAT;
  g_assert_true (tess_store_save_contact (fixture->store, contact, &error));
  g_assert_true (tess_store_save_contact (fixture->store, first, &error));
  g_assert_false (tess_store_save_contact (fixture->store, orphan, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_clear_error (&error);

  list = tess_store_list_contacts (fixture->store, fixture->account_id, &error);
  g_assert_cmpuint (list->len, ==, 2);
  read = list->pdata[0];
  g_assert_cmpstr (read->address, ==, "anna@example.org");
  g_assert_false (read->in_roster || read->asked || read->asks);
  read = list->pdata[1];
  g_assert_cmpint (read->account_id, ==, fixture->account_id);
  g_assert_cmpstr (read->name, ==, "Bob");
  g_assert_cmpint (read->subscription, ==, TESS_SUBSCRIPTION_BOTH);
  g_assert_true (read->in_roster && read->asked && read->asks);
  g_assert_cmpint (read->presence, ==, TESS_PRESENCE_OFFLINE);

  g_clear_pointer (&list, g_ptr_array_unref);
  g_assert_true (tess_store_remove_contact (fixture->store, fixture->account_id, "bob@example.org", &error));
  g_assert_true (tess_store_remove_contact (fixture->store, fixture->account_id, "nobody@example.org", &error));
  list = tess_store_list_contacts (fixture->store, fixture->account_id, &error);
  g_assert_cmpuint (list->len, ==, 1);
}

/* ---- Conversations ---- */

static void
test_open_conversation (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessConversationRecord) none =
    tess_store_find_conversation (fixture->store, fixture->account_id, "carol@example.org", &error);
  g_autoptr (TessConversationRecord) made = NULL;
  g_autoptr (TessConversationRecord) found = NULL;
  g_autoptr (TessConversationRecord) orphan = NULL;
  gboolean created = FALSE;

  g_assert_null (none);
  g_assert_no_error (error);
  made = tess_store_open_conversation (fixture->store, fixture->account_id, "carol@example.org", &created, &error);
  g_assert_nonnull (made);
  g_assert_true (created);
  g_assert_cmpstr (made->peer, ==, "carol@example.org");
  g_assert_cmpint (made->account_id, ==, fixture->account_id);
  g_assert_cmpint (made->encryption, ==, TESS_CONVERSATION_AUTOMATIC);
  g_assert_cmpuint (made->unread, ==, 0);
  g_assert_null (made->last);
  g_assert_null (made->draft);
  found = tess_store_open_conversation (fixture->store, fixture->account_id, "carol@example.org", &created, &error);
  g_assert_false (created);
  g_assert_cmpint (found->id, ==, made->id);

  orphan = tess_store_open_conversation (fixture->store, 999, "carol@example.org", &created, &error);
  g_assert_null (orphan);
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
}

static void
test_list_conversations (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = NULL;
  gint64 other = add_account (fixture->store, "other@example.org");
  gint64 old = add_conversation (fixture->store, fixture->account_id, "old@example.org");
  gint64 fresh = add_conversation (fixture->store, fixture->account_id, "fresh@example.org");
  TessConversationRecord *read;
  gint64 last;

  add_conversation (fixture->store, other, "bob@example.org");
  add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 300);
  last = add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_OUT, 300);
  add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 100);
  add_message (fixture->store, old, TESS_MESSAGE_IN, 200);
  g_assert_true (tess_store_set_draft (fixture->store, old, "half a sen", &error));
  g_assert_true (tess_store_set_encryption (fixture->store, old, TESS_CONVERSATION_PLAIN, &error));

  list = tess_store_list_conversations (fixture->store, fixture->account_id, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (list->len, ==, 3);
  /* Nothing in it, but opened today, which is after 1970. */
  read = list->pdata[0];
  g_assert_cmpint (read->id, ==, fresh);
  read = list->pdata[1];
  g_assert_cmpint (read->id, ==, fixture->conversation_id);
  g_assert_cmpint (read->last->id, ==, last);
  g_assert_cmpstr (read->last->peer, ==, "bob@example.org");
  g_assert_cmpuint (read->unread, ==, 2);
  read = list->pdata[2];
  g_assert_cmpint (read->id, ==, old);
  g_assert_cmpstr (read->draft, ==, "half a sen");
  g_assert_cmpint (read->encryption, ==, TESS_CONVERSATION_PLAIN);

  g_assert_true (tess_store_set_draft (fixture->store, old, "", &error));
  g_assert_true (tess_store_set_draft (fixture->store, 4711, "gone", &error));
  g_clear_pointer (&list, g_ptr_array_unref);
  list = tess_store_list_conversations (fixture->store, fixture->account_id, &error);
  read = list->pdata[2];
  g_assert_null (read->draft);

  g_assert_false (tess_store_set_encryption (fixture->store, 4711, TESS_CONVERSATION_ENCRYPTED, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_false (tess_store_set_encryption (fixture->store, old, 3, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
}

static guint
mark (Fixture *fixture, gint64 time_us, gint64 message_id)
{
  g_autoptr (GError) error = NULL;
  guint unread = G_MAXUINT;

  g_assert_true (tess_store_mark_read (fixture->store, fixture->conversation_id, time_us, message_id, &unread, &error));
  g_assert_no_error (error);

  return unread;
}

static void
test_mark_read (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 ids[6];
  guint unread = 5;

  for (int i = 0; i < 6; i++)
    ids[i] = add_message (fixture->store, fixture->conversation_id, i == 2 ? TESS_MESSAGE_OUT : TESS_MESSAGE_IN,
                          i < 4 ? 1000 : 2000);
  g_assert_cmpuint (mark (fixture, 0, 0), ==, 5);
  g_assert_cmpuint (mark (fixture, 1000, ids[1]), ==, 3);
  g_assert_cmpuint (mark (fixture, 1000, ids[0]), ==, 3); /* never back */
  g_assert_cmpuint (mark (fixture, 1000, ids[2]), ==, 3);
  g_assert_cmpuint (mark (fixture, 2000, ids[4]), ==, 1);
  /* From the archive: older than what was read. */
  add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 500);
  g_assert_cmpuint (mark (fixture, 0, 0), ==, 1);
  add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 3000);
  g_assert_cmpuint (mark (fixture, 0, 0), ==, 2);
  fixture_reopen (fixture);
  g_assert_cmpuint (mark (fixture, G_MAXINT64, G_MAXINT64), ==, 0);

  g_assert_true (tess_store_mark_read (fixture->store, 4711, 1, 1, &unread, &error));
  g_assert_cmpuint (unread, ==, 0);
  g_assert_true (tess_store_mark_read (fixture->store, fixture->conversation_id, 1, 1, NULL, &error));
}

static void
test_remove_conversation (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 other = add_conversation (fixture->store, fixture->account_id, "other@example.org");
  gint64 message_id = add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_OUT, 1);

  add_message (fixture->store, other, TESS_MESSAGE_IN, 1);
  g_assert_true (tess_store_add_outbox (fixture->store, message_id, "<message/>", &error));
  g_assert_true (tess_store_remove_conversation (fixture->store, fixture->conversation_id, &error));
  g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM messages"), ==, 1);
  g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM outbox"), ==, 0);
  g_assert_cmpint (add_message (fixture->store, other, TESS_MESSAGE_IN, 1), >, message_id + 1);
}

/* ---- Messages ---- */

static void
test_message (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessMessageRecord) message = message_new (fixture->conversation_id, TESS_MESSAGE_IN, 1234567);
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
  g_autoptr (TessMessageRecord) message = message_new (fixture->conversation_id, TESS_MESSAGE_IN, 1);
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

  /* The same stanza id: ours to Bob, ours to Carol, and Bob's own, which is no answer to the question. */
  for (int i = 0; i < 3; i++)
    {
      g_autoptr (TessMessageRecord) message = message_new (places[i], i < 2 ? TESS_MESSAGE_OUT : TESS_MESSAGE_IN, 1);

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
        g_autoptr (TessMessageRecord) message =
          message_new (fixture->conversation_id, from == 0 ? TESS_MESSAGE_IN : TESS_MESSAGE_OUT, 1);
        g_autoptr (TessMessageRecord) read = NULL;

        message->state = from;
        message->error = g_strdup ("before");
        g_assert_true (tess_store_add_message (fixture->store, message, &error));
        g_assert_true (tess_store_set_state (fixture->store, message->id, to, "after", &changed, &error));
        g_assert_no_error (error);
        g_assert_cmpint (changed, ==, allowed[from][to]);
        read = tess_store_get_message (fixture->store, message->id, &error);
        g_assert_cmpint (read->state, ==, changed ? to : from);
        g_assert_cmpstr (read->error, ==, !changed ? "before" : to == TESS_MESSAGE_FAILED ? "after" : NULL);
      }

  /* Its conversation was removed while it was on its way. */
  g_assert_true (tess_store_set_state (fixture->store, 4711, TESS_MESSAGE_SENT, NULL, &changed, &error));
  g_assert_false (changed);
  g_assert_true (tess_store_set_state (fixture->store, 4711, TESS_MESSAGE_SENT, NULL, NULL, &error));
}

static void
test_sent_encryption (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) key = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  TessStoreDevice device = { .address = (char *) "alice@example.org", .id = 77, .key = key, .trust = TESS_TRUST_BLIND };
  gint64 in = add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 1);
  gint64 out = add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_OUT, 2);
  g_autoptr (TessMessageRecord) read = NULL;
  g_autoptr (GPtrArray) page = NULL;

  g_assert_true (tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));
  g_assert_true (tess_store_set_sent_encryption (fixture->store, out, TESS_ENCRYPTION_OMEMO, 77, &error));
  read = tess_store_get_message (fixture->store, out, &error);
  g_assert_cmpint (read->encryption, ==, TESS_ENCRYPTION_OMEMO);
  g_assert_cmpuint (read->device, ==, 77);
  g_assert_cmpint (read->trust, ==, TESS_TRUST_BLIND);

  /* The trust is that of now. */
  device.trust = TESS_TRUST_VERIFIED;
  g_assert_true (tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));
  page = tess_store_list_messages (fixture->store, fixture->conversation_id, G_MAXINT64, G_MAXINT64, 10, &error);
  g_assert_cmpint (((TessMessageRecord *) page->pdata[1])->trust, ==, TESS_TRUST_VERIFIED);
  g_assert_cmpint (((TessMessageRecord *) page->pdata[0])->trust, ==, TESS_TRUST_UNDECIDED);

  g_assert_false (tess_store_set_sent_encryption (fixture->store, in, TESS_ENCRYPTION_OMEMO, 77, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
}

/* How much SQLite has worked in the queries that contain @part since the last call: counted, not timed. */
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
        g_assert_cmpint (sqlite3_stmt_status (statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, TRUE), <=, 10);
      }

  return steps;
}

static void
check_cheap_page (Fixture *fixture, gboolean backwards)
{
  g_autoptr (GPtrArray) page = NULL;
  int steps;

  steps_of (fixture, ") page ");
  page = backwards ? tess_store_list_messages (fixture->store, fixture->conversation_id, 5, 6000, 10, NULL)
                   : tess_store_list_messages_after (fixture->store, fixture->conversation_id, 5, 6000, 10, NULL);
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
        backwards ? tess_store_list_messages (fixture->store, fixture->conversation_id, time_us, id, limit, &error)
                  : tess_store_list_messages_after (fixture->store, fixture->conversation_id, time_us, id, limit, &error);
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
        g_assert_true (backwards ? edge->time_us < time_us || (edge->time_us == time_us && edge->id < id)
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
  g_ptr_array_unref (tess_store_list_messages (fixture->store, fixture->conversation_id, 5, 5, 1, NULL));
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
  most = tess_store_list_messages (fixture->store, fixture->conversation_id, G_MAXINT64, G_MAXINT64, G_MAXUINT, &error);
  g_assert_cmpuint (most->len, ==, 1000);
  least = tess_store_list_messages_after (fixture->store, fixture->conversation_id, 0, 0, 0, &error);
  g_assert_cmpuint (least->len, ==, 1);
  g_assert_cmpuint (mark (fixture, 0, 0), ==, MANY);
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
  g_assert_true (tess_store_set_state (fixture->store, ids[3], TESS_MESSAGE_SENT, NULL, &changed, &error));
  unfinished = tess_store_list_unfinished (fixture->store, fixture->account_id, &error);
  g_assert_cmpuint (unfinished->len, ==, 3);
  for (int i = 0; i < 3; i++)
    g_assert_cmpint (((TessMessageRecord *) unfinished->pdata[i])->id, ==, ids[2 - i]);

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

/* ---- OMEMO ---- */

static void
test_omemo_blobs (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) one = g_bytes_new_static ("one", 3);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr (GBytes) read = NULL;
  g_autoptr (GBytes) session = NULL;
  g_autoptr (GBytes) identity = NULL;
  g_autoptr (GArray) ids = NULL;
  gint64 account = fixture->account_id, value = 9;
  guint32 id = 9;

  g_assert_true (tess_store_omemo_load_local (fixture->store, account, &id, &identity, &error));
  g_assert_cmpuint (id, ==, 0);
  g_assert_null (identity);
  g_assert_true (tess_store_omemo_save_local (fixture->store, account, 0x7fffffff, one, &error));

  g_assert_true (tess_store_omemo_load_blob (fixture->store, account, 0, 1, &read, &error));
  g_assert_null (read);
  g_assert_true (tess_store_omemo_save_blob (fixture->store, account, 0, 30, one, &error));
  g_assert_true (tess_store_omemo_save_blob (fixture->store, account, 0, 2, one, &error));
  g_assert_true (tess_store_omemo_save_blob (fixture->store, account, 0, 2, empty, &error));
  g_assert_true (tess_store_omemo_save_blob (fixture->store, account, 1, 0xffffffff, one, &error));
  g_assert_true (tess_store_omemo_save_blob (fixture->store, account, 0, 4, one, &error));
  g_assert_true (tess_store_omemo_remove_blob (fixture->store, account, 0, 4, &error));
  g_assert_true (tess_store_omemo_remove_blob (fixture->store, account, 0, 4, &error));

  g_assert_true (tess_store_omemo_load_number (fixture->store, account, "next", &value, &error));
  g_assert_cmpint (value, ==, 0);
  g_assert_true (tess_store_omemo_save_number (fixture->store, account, "next", 1, &error));
  g_assert_true (tess_store_omemo_save_number (fixture->store, account, "next", G_MININT64, &error));

  g_assert_true (tess_store_omemo_load_session (fixture->store, account, "b@c", 5, &session, &error));
  g_assert_null (session);
  g_assert_true (tess_store_omemo_save_session (fixture->store, account, "b@c", 5, empty, &error));
  g_assert_true (tess_store_omemo_save_session (fixture->store, account, "b@c", 5, one, &error));
  g_assert_true (tess_store_omemo_save_session (fixture->store, account, "b@c", 6, one, &error));
  g_assert_true (tess_store_omemo_remove_session (fixture->store, account, "b@c", 6, &error));

  fixture_reopen (fixture);
  g_assert_true (tess_store_omemo_load_local (fixture->store, account, &id, &identity, &error));
  g_assert_cmpuint (id, ==, 0x7fffffff);
  g_assert_true (g_bytes_equal (identity, one));
  g_assert_true (tess_store_omemo_load_blob (fixture->store, account, 0, 2, &read, &error));
  g_assert_cmpuint (g_bytes_get_size (read), ==, 0);
  g_assert_true (tess_store_omemo_list_blobs (fixture->store, account, 0, &ids, &error));
  g_assert_cmpuint (ids->len, ==, 2);
  g_assert_cmpuint (g_array_index (ids, guint32, 0), ==, 2);
  g_assert_cmpuint (g_array_index (ids, guint32, 1), ==, 30);
  g_clear_pointer (&ids, g_array_unref);
  g_assert_true (tess_store_omemo_list_blobs (fixture->store, account, 1, &ids, &error));
  g_assert_cmpuint (g_array_index (ids, guint32, 0), ==, 0xffffffff);
  g_assert_true (tess_store_omemo_load_number (fixture->store, account, "next", &value, &error));
  g_assert_cmpint (value, ==, G_MININT64);
  g_assert_true (tess_store_omemo_load_session (fixture->store, account, "b@c", 5, &session, &error));
  g_assert_true (g_bytes_equal (session, one));
  g_clear_pointer (&session, g_bytes_unref);
  g_assert_true (tess_store_omemo_load_session (fixture->store, account, "b@c", 6, &session, &error));
  g_assert_null (session);
  g_assert_no_error (error);
}

static void
refuse_key (Fixture *fixture, TessStoreDevice *device, GBytes *key)
{
  g_autoptr (GError) error = NULL;

  device->key = key;
  g_assert_false (tess_store_omemo_save_device (fixture->store, fixture->account_id, device, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
}

static void
test_omemo_devices (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) key = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  g_autoptr (GBytes) other = g_bytes_new_static ("1123456789abcdef0123456789abcdef", 32);
  g_autoptr (GBytes) brief = g_bytes_new_static ("0123456789abcdef0123456789abcde", 31);
  g_autoptr (GPtrArray) list = NULL;
  TessStoreDevice device = { .address = (char *) "b@c", .id = 9, .active = TRUE, .first_seen_us = 5 };
  TessStoreDevice *read = (gpointer) 1;

  g_assert_true (tess_store_omemo_load_device (fixture->store, fixture->account_id, "b@c", 9, &read, &error));
  g_assert_null (read);
  g_assert_true (tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));
  refuse_key (fixture, &device, brief);
  device.key = key;
  g_assert_true (tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));
  refuse_key (fixture, &device, other);
  refuse_key (fixture, &device, NULL);
  device.key = key;
  device.trust = TESS_TRUST_DISTRUSTED;
  device.key_alarm = TRUE;
  device.last_seen_us = 6;
  g_assert_true (tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));
  device.id = 3;
  g_assert_true (tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));

  /* The trigger stands without the code above it. */
  g_assert_false (tess_store_exec (fixture->store, "UPDATE omemo_devices SET key = zeroblob (32) WHERE id = 9", &error));
  g_clear_error (&error);
  g_assert_false (tess_store_exec (fixture->store, "UPDATE omemo_devices SET id = 10 WHERE id = 9", &error));
  g_clear_error (&error);

  fixture_reopen (fixture);
  list = tess_store_omemo_list_devices (fixture->store, fixture->account_id, "b@c", &error);
  g_assert_cmpuint (list->len, ==, 2);
  g_assert_cmpuint (((TessStoreDevice *) list->pdata[0])->id, ==, 3);
  g_assert_true (tess_store_omemo_load_device (fixture->store, fixture->account_id, "b@c", 9, &read, &error));
  g_assert_cmpstr (read->address, ==, "b@c");
  g_assert_true (g_bytes_equal (read->key, key));
  g_assert_cmpint (read->trust, ==, TESS_TRUST_DISTRUSTED);
  g_assert_true (read->active);
  g_assert_true (read->key_alarm);
  g_assert_cmpint (read->first_seen_us, ==, 5);
  g_assert_cmpint (read->last_seen_us, ==, 6);
  tess_store_device_free (read);
  tess_store_device_free (NULL);
}

/* ---- Transactions ---- */

static void
test_transactions (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  TessStore *store = fixture->store;
  GLogLevelFlags fatal;

  /* Nested, and kept. */
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 1);
  g_assert_true (tess_store_commit (store, &error));
  g_assert_false (sqlite3_get_autocommit (store->db));
  g_assert_true (tess_store_commit (store, &error));
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, 1);

  /* A rollback inside dooms the whole. */
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 2);
  g_assert_true (tess_store_begin (store, &error));
  tess_store_rollback (store);
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 3);
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_commit (store, &error));
  g_assert_false (tess_store_commit (store, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_clear_error (&error);
  tess_store_rollback (store); /* as callers do that roll back after any error */
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, 1);
  g_assert_cmpint (number (store, "SELECT unread FROM conversations"), ==, 1);

  /* And is over with it. */
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 4);
  g_assert_true (tess_store_commit (store, &error));
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 5);
  tess_store_rollback (store);
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, 2);

  /* What is open at the end is lost, with a warning. */
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 6);
  fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  fixture_reopen (fixture);
  g_log_set_always_fatal (fatal);
  g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM messages"), ==, 2);
}

/* An error of a statement leaves the transaction to the caller. */
static void
test_error_in_transaction (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessAccountRecord) twice = tess_account_record_new ("alice@example.org");

  g_assert_true (tess_store_begin (fixture->store, &error));
  add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 1);
  g_assert_false (tess_store_add_account (fixture->store, twice, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_true (tess_store_commit (fixture->store, &error));
  g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM messages"), ==, 1);
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

  record->id = account;
  g_assert_true (tess_store_update_account (store, record, NULL));
  g_ptr_array_unref (tess_store_list_accounts (store, NULL));
  g_assert_true (tess_store_save_contact (store, contact, NULL));
  g_ptr_array_unref (tess_store_list_contacts (store, account, NULL));
  g_assert_true (tess_store_remove_contact (store, account, "b@c", NULL));
  g_ptr_array_unref (tess_store_list_conversations (store, account, NULL));
  g_assert_true (tess_store_set_encryption (store, conversation, TESS_CONVERSATION_ENCRYPTED, NULL));
  g_assert_true (tess_store_set_draft (store, conversation, "draft", NULL));
  g_assert_true (tess_store_mark_read (store, conversation, 1, 1, &unread, NULL));
  add_message (store, conversation, TESS_MESSAGE_IN, 1);
  id = add_message (store, conversation, TESS_MESSAGE_OUT, 2);
  tess_message_record_free (tess_store_get_message (store, id, NULL));
  tess_message_record_free (tess_store_find_archived (store, account, "a", NULL));
  tess_message_record_free (tess_store_find_own (store, account, "bob@example.org", "a", NULL));
  g_assert_true (tess_store_set_archive_id (store, id, "a", NULL));
  g_assert_true (tess_store_set_state (store, id, TESS_MESSAGE_SENT, NULL, NULL, NULL));
  g_assert_true (tess_store_set_sent_encryption (store, id, TESS_ENCRYPTION_NONE, 0, NULL));
  g_ptr_array_unref (tess_store_list_messages (store, conversation, 9, 9, 9, NULL));
  g_ptr_array_unref (tess_store_list_messages_after (store, conversation, 9, 9, 9, NULL));
  g_ptr_array_unref (tess_store_list_unfinished (store, account, NULL));
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

#define QUERIES 42

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

      g_assert_cmpint (sqlite3_prepare_v2 (fixture->store->db, explain, -1, &statement, NULL), ==, SQLITE_OK);
      while (sqlite3_step (statement) == SQLITE_ROW)
        {
          const char *step = (const char *) sqlite3_column_text (statement, 3);

          g_test_message ("%s: %s", (const char *) sql, step);
          if (g_str_has_prefix (step, "SCAN") && strcmp (step, "SCAN page") != 0)
            g_assert_cmpstr (step, ==, "SCAN accounts");
          /* A list of conversations is sorted by what stands in another table, a page is turned round. */
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
  g_autoptr (GPtrArray) list = tess_store_list_conversations (fixture->store, fixture->account_id, NULL);

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

static void
test_wrong_thread (void)
{
  if (g_test_subprocess ())
    {
      tess_thread_set_role (TESS_THREAD_MAIN);
      tess_store_open ("/nowhere/at/all", NULL);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*belongs to the engine thread*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  FIXTURE_TEST ("/store/accounts", test_accounts);
  FIXTURE_TEST ("/store/remove-account", test_remove_account);
  FIXTURE_TEST ("/store/contacts", test_contacts);
  FIXTURE_TEST ("/store/open-conversation", test_open_conversation);
  FIXTURE_TEST ("/store/list-conversations", test_list_conversations);
  FIXTURE_TEST ("/store/mark-read", test_mark_read);
  FIXTURE_TEST ("/store/remove-conversation", test_remove_conversation);
  FIXTURE_TEST ("/store/message", test_message);
  FIXTURE_TEST ("/store/archive", test_archive);
  FIXTURE_TEST ("/store/find-own", test_find_own);
  FIXTURE_TEST ("/store/states", test_states);
  FIXTURE_TEST ("/store/sent-encryption", test_sent_encryption);
  FIXTURE_TEST ("/store/paging", test_paging);
  FIXTURE_TEST ("/store/page-is-cheap", test_page_is_cheap);
  FIXTURE_TEST ("/store/outbox", test_outbox);
  FIXTURE_TEST ("/store/omemo/blobs", test_omemo_blobs);
  FIXTURE_TEST ("/store/omemo/devices", test_omemo_devices);
  FIXTURE_TEST ("/store/transactions", test_transactions);
  FIXTURE_TEST ("/store/error-in-transaction", test_error_in_transaction);
  FIXTURE_TEST ("/store/plans", test_plans);
  FIXTURE_TEST ("/store/list-is-cheap", test_list_is_cheap);
  g_test_add_func ("/store/wrong-thread", test_wrong_thread);

  return g_test_run ();
}
