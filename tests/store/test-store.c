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
  account->binding_seen = TRUE;
  account->proxy = TESS_ACCOUNT_PROXY_SOCKS5;
  account->proxy_host = g_strdup ("proxy.example");
  account->proxy_port = 65535;
  account->proxy_username = g_strdup ("who");
  account->pin = g_strnfill (64, 'a');
  account->remember_key = TRUE;
  account->server_key = g_strnfill (64, 'b');
  account->certificate = g_strdup ("CN=carol");
  account->keep_key = TRUE;
  account->user_agent_id = g_strdup ("d4565fa7-4d72-4749-b3d3-740edbf87770");
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
  g_assert_false (read->binding_seen);
  g_assert_cmpint (read->proxy, ==, TESS_ACCOUNT_PROXY_DESKTOP);
  g_assert_null (read->pin);
  read = list->pdata[1];
  g_assert_cmpint (read->id, ==, account->id);
  g_assert_cmpstr (read->name, ==, "Carol ✓");
  g_assert_cmpstr (read->host, ==, "10.0.0.1");
  g_assert_cmpuint (read->port, ==, 5223);
  g_assert_cmpint (read->tls, ==, TESS_ACCOUNT_TLS_DIRECT);
  g_assert_false (read->enabled);
  g_assert_true (read->scram_seen);
  g_assert_true (read->binding_seen);
  g_assert_cmpint (read->proxy, ==, TESS_ACCOUNT_PROXY_SOCKS5);
  g_assert_cmpstr (read->proxy_host, ==, "proxy.example");
  g_assert_cmpuint (read->proxy_port, ==, 65535);
  g_assert_cmpstr (read->proxy_username, ==, "who");
  g_assert_cmpstr (read->pin, ==, account->pin);
  g_assert_true (read->remember_key);
  g_assert_cmpstr (read->server_key, ==, account->server_key);
  g_assert_cmpstr (read->certificate, ==, "CN=carol");
  g_assert_true (read->keep_key);
  g_assert_cmpstr (read->user_agent_id, ==, "d4565fa7-4d72-4749-b3d3-740edbf87770");
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
  g_clear_error (&error);
  again->tls = 0;
  again->pin = g_strdup ("not a fingerprint");
  g_assert_false (tess_store_add_account (fixture->store, again, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
}

static void
test_remove_account (Fixture *fixture, gconstpointer data)
{
  static const char *const tables[] = { "contacts",      "conversations",  "messages",
                                        "outbox",        "omemo_local",    "omemo_blobs",
                                        "omemo_numbers", "omemo_sessions", "omemo_devices" };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  gint64 others[] = { fixture->account_id, add_account (fixture->store, "carol@example.org") };
  TessStoreDevice device = { .address = (char *) "bob@example.org", .id = 1, .key = bytes };

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (TessContactRecord) contact =
          tess_contact_record_new (others[i], "bob@example.org");
      gint64 conversation_id = add_conversation (fixture->store, others[i], "bob@example.org");
      gint64 message_id = add_message (fixture->store, conversation_id, TESS_MESSAGE_OUT, 1);

      g_assert_true (tess_store_save_contact (fixture->store, contact, &error));
      g_assert_true (tess_store_add_outbox (fixture->store, message_id, "<message/>", &error));
      g_assert_true (tess_store_omemo_save_local (fixture->store, others[i], 5, bytes, &error));
      g_assert_true (tess_store_omemo_save_blob (fixture->store, others[i], 0, 5, bytes, &error));
      g_assert_true (tess_store_omemo_save_number (fixture->store, others[i], "n", 5, &error));
      g_assert_true (
          tess_store_omemo_save_session (fixture->store, others[i], "b@c", 5, bytes, &error));
      g_assert_true (tess_store_omemo_save_device (fixture->store, others[i], &device, &error));
    }

  g_assert_true (tess_store_remove_account (fixture->store, others[0], &error));
  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      g_autofree char *all = g_strdup_printf ("SELECT count (*) FROM %s", tables[i]);
      g_autofree char *own = g_strdup_printf (
          "SELECT count (*) FROM %s WHERE account_id = %" G_GINT64_FORMAT, tables[i], others[1]);

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
  g_autoptr (TessContactRecord) contact =
      tess_contact_record_new (fixture->account_id, "bob@example.org");
  g_autoptr (TessContactRecord) first =
      tess_contact_record_new (fixture->account_id, "anna@example.org");
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
  g_assert_true (
      tess_store_remove_contact (fixture->store, fixture->account_id, "bob@example.org", &error));
  g_assert_true (tess_store_remove_contact (fixture->store, fixture->account_id,
                                            "nobody@example.org", &error));
  list = tess_store_list_contacts (fixture->store, fixture->account_id, &error);
  g_assert_cmpuint (list->len, ==, 1);
}

/* ---- Conversations ---- */

static void
test_open_conversation (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessConversationRecord) none = tess_store_find_conversation (
      fixture->store, fixture->account_id, "carol@example.org", &error);
  g_autoptr (TessConversationRecord) made = NULL;
  g_autoptr (TessConversationRecord) found = NULL;
  g_autoptr (TessConversationRecord) orphan = NULL;
  gboolean created = FALSE;

  g_assert_null (none);
  g_assert_no_error (error);
  made = tess_store_open_conversation (fixture->store, fixture->account_id, "carol@example.org",
                                       &created, &error);
  g_assert_nonnull (made);
  g_assert_true (created);
  g_assert_cmpstr (made->peer, ==, "carol@example.org");
  g_assert_cmpint (made->account_id, ==, fixture->account_id);
  g_assert_cmpint (made->encryption, ==, TESS_CONVERSATION_AUTOMATIC);
  g_assert_cmpuint (made->unread, ==, 0);
  g_assert_null (made->last);
  g_assert_null (made->draft);
  found = tess_store_open_conversation (fixture->store, fixture->account_id, "carol@example.org",
                                        &created, &error);
  g_assert_false (created);
  g_assert_cmpint (found->id, ==, made->id);

  orphan =
      tess_store_open_conversation (fixture->store, 999, "carol@example.org", &created, &error);
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

  g_assert_false (
      tess_store_set_encryption (fixture->store, 4711, TESS_CONVERSATION_ENCRYPTED, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_false (tess_store_set_encryption (fixture->store, old, 3, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
}

static void
test_mark_read (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 ids[6];
  guint unread = 5;

  for (int i = 0; i < 6; i++)
    ids[i] = add_message (fixture->store, fixture->conversation_id,
                          i == 2 ? TESS_MESSAGE_OUT : TESS_MESSAGE_IN, i < 4 ? 1000 : 2000);
  g_assert_cmpuint (mark_read (fixture, 0, 0), ==, 5);
  g_assert_cmpuint (mark_read (fixture, 1000, ids[1]), ==, 3);
  g_assert_cmpuint (mark_read (fixture, 1000, ids[0]), ==, 3); /* never back */
  g_assert_cmpuint (mark_read (fixture, 1000, ids[2]), ==, 3);
  g_assert_cmpuint (mark_read (fixture, 2000, ids[4]), ==, 1);
  /* From the archive: older than what was read. */
  add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 500);
  g_assert_cmpuint (mark_read (fixture, 0, 0), ==, 1);
  add_message (fixture->store, fixture->conversation_id, TESS_MESSAGE_IN, 3000);
  g_assert_cmpuint (mark_read (fixture, 0, 0), ==, 2);
  fixture_reopen (fixture);
  g_assert_cmpuint (mark_read (fixture, G_MAXINT64, G_MAXINT64), ==, 0);

  g_assert_true (tess_store_mark_read (fixture->store, 4711, 1, 1, &unread, &error));
  g_assert_cmpuint (unread, ==, 0);
  g_assert_true (
      tess_store_mark_read (fixture->store, fixture->conversation_id, 1, 1, NULL, &error));
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
  g_assert_true (
      tess_store_omemo_save_number (fixture->store, account, "next", G_MININT64, &error));

  g_assert_true (
      tess_store_omemo_load_session (fixture->store, account, "b@c", 5, &session, &error));
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
  g_assert_true (
      tess_store_omemo_load_session (fixture->store, account, "b@c", 5, &session, &error));
  g_assert_true (g_bytes_equal (session, one));
  g_clear_pointer (&session, g_bytes_unref);
  g_assert_true (
      tess_store_omemo_load_session (fixture->store, account, "b@c", 6, &session, &error));
  g_assert_null (session);
  g_assert_no_error (error);
}

static void
refuse_key (Fixture *fixture, TessStoreDevice *device, GBytes *key)
{
  g_autoptr (GError) error = NULL;

  device->key = key;
  g_assert_false (
      tess_store_omemo_save_device (fixture->store, fixture->account_id, device, &error));
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
  g_autoptr (GPtrArray) owners = NULL;
  TessStoreDevice device = {
    .address = (char *) "b@c", .id = 9, .active = TRUE, .first_seen_us = 5
  };
  TessStoreDevice *read = (gpointer) 1;

  g_assert_true (
      tess_store_omemo_load_device (fixture->store, fixture->account_id, "b@c", 9, &read, &error));
  g_assert_null (read);
  g_assert_true (
      tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));
  refuse_key (fixture, &device, brief);
  device.key = key;
  g_assert_true (
      tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));
  refuse_key (fixture, &device, other);
  refuse_key (fixture, &device, NULL);
  device.key = key;
  device.trust = TESS_TRUST_DISTRUSTED;
  device.key_alarm = TRUE;
  device.last_seen_us = 6;
  g_assert_true (
      tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));
  device.id = 3;
  g_assert_true (
      tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));

  /* The trigger stands without the code above it. */
  g_assert_false (tess_store_exec (
      fixture->store, "UPDATE omemo_devices SET key = zeroblob (32) WHERE id = 9", &error));
  g_clear_error (&error);
  g_assert_false (
      tess_store_exec (fixture->store, "UPDATE omemo_devices SET id = 10 WHERE id = 9", &error));
  g_clear_error (&error);

  fixture_reopen (fixture);
  device.address = (char *) "e@f";
  device.key = other;
  g_assert_true (tess_store_omemo_save_device (fixture->store, fixture->account_id, &device, &error));
  owners = tess_store_omemo_find_key (fixture->store, fixture->account_id, other, &error);
  g_assert_cmpuint (owners->len, ==, 1);
  g_assert_cmpstr (((TessStoreDevice *) owners->pdata[0])->address, ==, "e@f");
  list = tess_store_omemo_list_devices (fixture->store, fixture->account_id, "b@c", &error);
  g_assert_cmpuint (list->len, ==, 2);
  g_assert_cmpuint (((TessStoreDevice *) list->pdata[0])->id, ==, 3);
  g_assert_true (
      tess_store_omemo_load_device (fixture->store, fixture->account_id, "b@c", 9, &read, &error));
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

  /* A rollback inside takes back its own level, with those in it, and nothing else. */
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 2);
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 3);
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 4);
  g_assert_true (tess_store_commit (store, &error));
  tess_store_rollback (store);
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, 2);
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 5);
  g_assert_true (tess_store_commit (store, &error));
  g_assert_true (tess_store_commit (store, &error));
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, 3);
  g_assert_cmpint (number (store, "SELECT unread FROM conversations"), ==, 3);

  /* That of the outermost takes all. */
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 6);
  g_assert_true (tess_store_commit (store, &error));
  tess_store_rollback (store);
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, 3);

  /* When the database ends it by itself, nothing that follows is stored piece by piece. */
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 7);
  g_assert_true (tess_store_begin (store, &error));
  g_assert_cmpint (sqlite3_exec (store->db, "ROLLBACK", NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_true (tess_store_commit (store, &error));
  g_assert_false (tess_store_begin (store, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_false (tess_store_commit (store, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_clear_error (&error);
  tess_store_rollback (store); /* as callers do that roll back after any error */
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, 3);

  /* And is over with it. */
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 8);
  g_assert_true (tess_store_commit (store, &error));
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 9);
  tess_store_rollback (store);
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, 4);

  /* What is open at the end is lost, with a warning. */
  g_assert_true (tess_store_begin (store, &error));
  add_message (store, fixture->conversation_id, TESS_MESSAGE_IN, 10);
  fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  fixture_reopen (fixture);
  g_log_set_always_fatal (fatal);
  g_assert_cmpint (number (fixture->store, "SELECT count (*) FROM messages"), ==, 4);
}

static TessMessageRecord *
archived (Fixture *fixture, const char *archive_id, gint64 time_us)
{
  TessMessageRecord *message = message_new (fixture->conversation_id, TESS_MESSAGE_IN, time_us);

  message->archive_id = g_strdup (archive_id);
  return message;
}

/* A level of one statement, which is run without a savepoint. */
static void
test_alone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TessMessageRecord) first = archived (fixture, "one", 1);
  g_autoptr (TessMessageRecord) twice = archived (fixture, "one", 2);
  g_autoptr (TessMessageRecord) second = archived (fixture, "two", 3);
  g_autoptr (TessMessageRecord) third = archived (fixture, "three", 4);
  g_autoptr (GError) error = NULL;
  TessStore *store = fixture->store;

  /* One that fails leaves nothing, and nothing else is lost by it. */
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_insert_message (store, first, TRUE, &error));
  g_assert_true (tess_store_commit (store, &error));
  g_assert_true (tess_store_begin (store, &error));
  g_assert_false (tess_store_insert_message (store, twice, TRUE, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_EXISTS);
  g_clear_error (&error);
  tess_store_rollback (store);
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_insert_message (store, second, TRUE, &error));
  g_assert_true (tess_store_commit (store, &error));
  g_assert_true (tess_store_count_unread (store, fixture->conversation_id, first->id, &error));
  g_assert_true (tess_store_commit (store, &error));
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, 2);
  g_assert_cmpint (number (store, "SELECT unread FROM conversations"), ==, 2);

  /* After other writes of its level it is one of them. */
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_set_encryption (store, fixture->conversation_id, TESS_CONVERSATION_ENCRYPTED, &error));
  g_assert_true (tess_store_insert_message (store, third, TRUE, &error));
  tess_store_rollback (store);
  g_assert_true (tess_store_commit (store, &error));
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, 2);
  g_assert_cmpint (number (store, "SELECT encryption FROM conversations"), ==, TESS_CONVERSATION_AUTOMATIC);

  /* What is written after it dooms the transaction … */
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_insert_message (store, third, TRUE, &error));
  g_assert_false (tess_store_set_encryption (store, fixture->conversation_id, TESS_CONVERSATION_ENCRYPTED, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_true (tess_store_commit (store, &error));
  g_assert_false (tess_store_commit (store, &error));
  g_assert_error (error, TESS_STORE_ERROR, TESS_STORE_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, 2);

  /* … and so does a rollback, because it cannot be taken back without all. */
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_insert_message (store, third, TRUE, &error));
  tess_store_rollback (store);
  g_assert_false (tess_store_commit (store, &error));
  g_clear_error (&error);
  g_assert_cmpint (number (store, "SELECT count (*) FROM messages"), ==, 2);

  /* Which the next one knows nothing of; only what is not read yet counts. */
  g_assert_true (tess_store_mark_read (store, fixture->conversation_id, 3, second->id, NULL, &error));
  g_assert_true (tess_store_begin (store, &error));
  g_assert_true (tess_store_insert_message (store, third, TRUE, &error));
  g_assert_true (tess_store_count_unread (store, fixture->conversation_id, first->id, &error));
  g_assert_true (tess_store_commit (store, &error));
  g_assert_cmpint (number (store, "SELECT unread FROM conversations"), ==, 1);
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
  FIXTURE_TEST ("/store/omemo/blobs", test_omemo_blobs);
  FIXTURE_TEST ("/store/omemo/devices", test_omemo_devices);
  FIXTURE_TEST ("/store/transactions", test_transactions);
  FIXTURE_TEST ("/store/alone", test_alone);
  FIXTURE_TEST ("/store/error-in-transaction", test_error_in_transaction);
  g_test_add_func ("/store/wrong-thread", test_wrong_thread);

  return g_test_run ();
}
