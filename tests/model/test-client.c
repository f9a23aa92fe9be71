/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fake-worker.h"

#include "base/tess-color.h"
#include "base/tess-thread.h"
#include "desktop/tess-secrets.h"
#include "engine/tess-engine.h"
#include "model/tess-client-private.h"

#include <glib/gstdio.h>

/* The model, fed with events by hand; with `started`, over the real thread boundary with the fake
 * worker. */

typedef struct
{
  TessClient *client;
  char *dir;
  GPtrArray *batch; /* of TessEvent */
  guint changes;
  guint received;
  guint notified;
  int done;
  gpointer result;
  gboolean kept;
  GError *error;
} Fixture;

static void
set_up (Fixture *self, gconstpointer started)
{
  self->dir = g_dir_make_tmp ("tess-model-XXXXXX", NULL);
  self->client = tess_client_new (self->dir, NULL, NULL);
  self->batch = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_event_free);
  if (started != NULL)
    tess_client_start (self->client);
}

static void
tear_down (Fixture *self, gconstpointer started)
{
  tess_client_stop (self->client);
  g_assert_cmpint (tess_client_get_state (self->client), ==, TESS_CLIENT_STOPPED);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_finalize_object (self->client);
  g_ptr_array_unref (self->batch);
  g_clear_error (&self->error);
  g_rmdir (self->dir);
  g_free (self->dir);
}

#define WAIT_UNTIL(condition) \
  while (!(condition))        \
  g_main_context_iteration (NULL, TRUE)

/* ---- Events by hand ---- */

static TessEvent *
add (Fixture *self, TessEventType type)
{
  TessEvent *event = tess_event_new (type, FAKE_ACCOUNT);

  g_ptr_array_add (self->batch, event);
  return event;
}

static void
feed (Fixture *self)
{
  tess_client_handle_events (self->client, self->batch);
  g_ptr_array_set_size (self->batch, 0);
}

static void
add_account (Fixture *self)
{
  TessEvent *event = add (self, TESS_EVENT_ACCOUNT);

  event->account = tess_account_record_new ("alice@a.test");
  event->account->id = FAKE_ACCOUNT;
}

static TessMessageRecord *
make_message (gint64 id, const char *text)
{
  TessMessageRecord *message = tess_message_record_new ();

  message->id = id;
  message->text = g_strdup (text);
  message->time_us = id * 1000;
  return message;
}

static TessConversationRecord *
add_conversation (Fixture *self, gint64 id, const char *peer, gint64 last, guint unread)
{
  TessEvent *event = add (self, TESS_EVENT_CONVERSATION);

  event->conversation = tess_conversation_record_new (FAKE_ACCOUNT, peer);
  event->conversation->id = id;
  event->conversation->unread = unread;
  if (last != 0)
    event->conversation->last = make_message (last, "hi\nthere");
  return event->conversation;
}

static TessMessageRecord *
add_message (Fixture *self, gint64 conversation_id, gint64 id, gboolean live)
{
  TessEvent *event = add (self, TESS_EVENT_MESSAGES);
  TessMessageRecord *message = make_message (id, "news");

  event->conversation_id = conversation_id;
  event->live = live;
  event->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
  g_ptr_array_add (event->messages, message);
  return message;
}

static TessContactRecord *
add_contact (Fixture *self, const char *address, const char *name)
{
  TessEvent *event = add (self, TESS_EVENT_CONTACT);

  event->contact = tess_contact_record_new (FAKE_ACCOUNT, address);
  event->contact->name = g_strdup (name);
  return event->contact;
}

static void
changed_cb (GListModel *model, guint position, guint removed, guint added, gpointer user_data)
{
  ((Fixture *) user_data)->changes++;
}

static void
notify_cb (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ((Fixture *) user_data)->notified++;
}

static gint64
id_at (Fixture *self, guint position)
{
  GListModel *list = G_LIST_MODEL (tess_client_get_conversations (self->client));
  g_autoptr (TessConversation) conversation = g_list_model_get_item (list, position);

  return tess_conversation_get_id (conversation);
}

static void
test_order (Fixture *self, gconstpointer started)
{
  GListModel *list = G_LIST_MODEL (tess_client_get_conversations (self->client));

  g_signal_connect (list, "items-changed", G_CALLBACK (changed_cb), self);
  add_account (self);
  add_conversation (self, 1, "bob@b.test", 10, 2);
  add_conversation (self, 2, "carol@c.test", 30, 0);
  add_conversation (self, 3, "dave@d.test", 20, 5);
  add_conversation (self, 4, "erin@e.test", 0, 0);
  feed (self);

  g_assert_cmpuint (self->changes, ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, 4);
  g_assert_cmpint (id_at (self, 0), ==, 2);
  g_assert_cmpint (id_at (self, 1), ==, 3);
  g_assert_cmpint (id_at (self, 2), ==, 1);
  g_assert_cmpint (id_at (self, 3), ==, 4);

  /* The newest stays the newest: no change of the list. */
  add_message (self, 2, 40, FALSE);
  feed (self);
  g_assert_cmpuint (self->changes, ==, 1);

  /* An older one in a batch with a newer one: one change, and the newer counts. */
  add_message (self, 1, 50, FALSE);
  add_message (self, 1, 45, FALSE);
  feed (self);
  g_assert_cmpuint (self->changes, ==, 2);
  g_assert_cmpint (id_at (self, 0), ==, 1);
  g_assert_cmpint (tess_conversation_get_time (tess_client_find_conversation (self->client, 1)), ==,
                   50 * 1000);

  add (self, TESS_EVENT_CONVERSATION_REMOVED)->address = g_strdup ("bob@b.test");
  feed (self);
  g_assert_null (tess_client_find_conversation (self->client, 1));
  g_assert_cmpint (id_at (self, 0), ==, 2);
}

static void
conversation_read_cb (TessClient *client, TessConversation *conversation, gpointer user_data)
{
  g_assert_cmpstr (tess_conversation_get_address (conversation), ==, "carol@c.test");
  ++*(guint *) user_data;
}

static void
test_unread (Fixture *self, gconstpointer started)
{
  guint unread;
  guint reads = 0;

  g_signal_connect (self->client, "conversation-read", G_CALLBACK (conversation_read_cb), &reads);
  g_signal_connect (self->client, "notify::unread", G_CALLBACK (notify_cb), self);
  add_account (self);
  add_conversation (self, 1, "bob@b.test", 10, 2);
  add_conversation (self, 2, "carol@c.test", 30, 5);
  feed (self);
  g_object_get (self->client, "unread", &unread, NULL);
  g_assert_cmpuint (unread, ==, 7);
  g_assert_cmpuint (self->notified, ==, 1);
  add_conversation (self, 2, "carol@c.test", 30, 0);
  feed (self);
  g_object_get (self->client, "unread", &unread, NULL);
  g_assert_cmpuint (unread, ==, 2);
  g_assert_cmpuint (reads, ==, 1);
  add_conversation (self, 1, "bob@b.test", 10, 1);
  add_conversation (self, 2, "carol@c.test", 30, 0);
  feed (self);
  g_assert_cmpuint (reads, ==, 1);

  add (self, TESS_EVENT_ACCOUNT_REMOVED);
  feed (self);
  g_object_get (self->client, "unread", &unread, NULL);
  g_assert_cmpuint (unread, ==, 0);
  g_assert_cmpuint (g_list_model_get_n_items (tess_client_get_accounts (self->client)), ==, 0);
}

static void
test_contact (Fixture *self, gconstpointer started)
{
  TessConversation *conversation;
  TessContact *contact;
  TessAccount *account;

  add_account (self);
  add_conversation (self, 1, "bob@b.test", 10, 0);
  feed (self);
  conversation = tess_client_find_conversation (self->client, 1);
  account = tess_conversation_get_account (conversation);
  g_assert_cmpstr (tess_account_get_name (account), ==, "alice@a.test");
  g_assert_cmpstr (tess_conversation_get_name (conversation), ==, "bob");
  g_assert_cmpuint (tess_conversation_get_color (conversation), ==,
                    tess_color_for_text ("bob@b.test"));
  g_assert_null (tess_conversation_get_contact (conversation));

  /* A name that would like to be another. */
  g_signal_connect (conversation, "notify::name", G_CALLBACK (notify_cb), self);
  add_contact (self, "bob@b.test", "Bob\xe2\x80\xae\n the\tBuilder")->presence = TESS_PRESENCE_AWAY;
  feed (self);
  g_assert_cmpstr (tess_conversation_get_name (conversation), ==, "Bob the Builder");
  g_assert_cmpint (tess_conversation_get_presence (conversation), ==, TESS_PRESENCE_AWAY);
  g_assert_cmpuint (self->notified, ==, 1);

  add_contact (self, "bob@b.test", "Robert")->asks = TRUE;
  feed (self);
  contact = tess_account_find_contact (account, "bob@b.test");
  g_assert_true (tess_contact_get_asks (contact));
  g_assert_cmpstr (tess_conversation_get_name (conversation), ==, "Robert");
  g_assert_cmpuint (self->notified, ==, 2);
  g_assert_cmpuint (g_list_model_get_n_items (tess_account_get_contacts (account)), ==, 1);

  add (self, TESS_EVENT_CONTACT_REMOVED)->address = g_strdup ("bob@b.test");
  feed (self);
  g_assert_cmpstr (tess_conversation_get_name (conversation), ==, "bob");
  g_assert_null (tess_account_find_contact (account, "bob@b.test"));

  /* One of whom only invisible letters are known keeps an address to be seen. */
  add_contact (self, "\xe3\x85\xa4@b.test", "\xe2\x80\x8b");
  feed (self);
  contact = tess_account_find_contact (account, "\xe3\x85\xa4@b.test");
  g_assert_cmpstr (tess_contact_get_name (contact), ==, "\xe3\x85\xa4@b.test");
}

static void
received_cb (TessClient *client,
             TessConversation *conversation,
             TessMessage *message,
             gpointer user_data)
{
  ((Fixture *) user_data)->received++;
  g_assert_cmpstr (tess_message_get_text (message), ==, "news");
}

static void
test_received (Fixture *self, gconstpointer started)
{
  TessConversation *conversation;
  TessMessageRecord *message, *older, *own;
  TessEvent *event;

  g_signal_connect (self->client, "message-received", G_CALLBACK (received_cb), self);
  add_account (self);
  add_conversation (self, 1, "bob@b.test", 10, 0);
  add (self, TESS_EVENT_CHAT_STATE)->address = g_strdup ("bob@b.test");
  ((TessEvent *) self->batch->pdata[2])->typing = TRUE;
  feed (self);
  conversation = tess_client_find_conversation (self->client, 1);
  g_assert_true (tess_conversation_get_typing (conversation));
  g_assert_cmpstr (tess_conversation_get_preview (conversation), ==, "hi there");

  add_message (self, 1, 20, TRUE);
  add_message (self, 1, 21, FALSE);
  message = add_message (self, 1, 22, TRUE);
  message->direction = TESS_MESSAGE_OUT;
  add_message (self, 99, 23, TRUE); /* of a conversation that is not there */
  feed (self);
  g_assert_cmpuint (self->received, ==, 1);
  g_assert_false (tess_conversation_get_typing (conversation));
  g_assert_true (tess_conversation_get_preview_outgoing (conversation));

  /* Of several that come at once the newest is told, an own one behind it is not. */
  message = add_message (self, 1, 24, TRUE);
  older = tess_message_record_copy (message);
  older->id = 23;
  g_free (older->text);
  older->text = g_strdup ("older news");
  own = tess_message_record_copy (message);
  own->id = 25;
  own->direction = TESS_MESSAGE_OUT;
  event = self->batch->pdata[self->batch->len - 1];
  g_ptr_array_insert (event->messages, 0, older);
  g_ptr_array_add (event->messages, own);
  feed (self);
  g_assert_cmpuint (self->received, ==, 2);

  message = add_message (self, 1, 30, FALSE);
  g_clear_pointer (&message->text, g_free);
  message->encryption = TESS_ENCRYPTION_UNREADABLE;
  feed (self);
  g_assert_nonnull (tess_conversation_get_preview (conversation));
}

static void
failed_cb (TessClient *client, gpointer user_data)
{
  g_assert_error (tess_client_get_error (client), TESS_ENGINE_ERROR,
                  TESS_ENGINE_ERROR_DATABASE_DAMAGED);
  ((Fixture *) user_data)->received++;
}

static void
test_state (Fixture *self, gconstpointer started)
{
  TessAccount *account;

  g_signal_connect (self->client, "database-failed", G_CALLBACK (failed_cb), self);
  g_assert_cmpint (tess_client_get_state (self->client), ==, TESS_CLIENT_STARTING);
  add (self, TESS_EVENT_OPEN_FAILED)->error =
      g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_DATABASE_DAMAGED, "It is damaged.");
  feed (self);
  g_assert_cmpint (tess_client_get_state (self->client), ==, TESS_CLIENT_FAILED);
  g_assert_cmpuint (self->received, ==, 1);
  add_account (self);
  add (self, TESS_EVENT_OPENED);
  add (self, TESS_EVENT_CONNECTION)->connection = tess_connection_new (TESS_CONNECTION_WAITING);
  ((TessEvent *) self->batch->pdata[2])->connection->error =
      g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_UNREACHABLE, "Nobody answers.");
  feed (self);
  g_assert_cmpint (tess_client_get_state (self->client), ==, TESS_CLIENT_READY);
  g_assert_null (tess_client_get_error (self->client));

  account = tess_client_find_account (self->client, "alice@a.test");
  g_assert_cmpint (tess_account_get_connection (account), ==, TESS_CONNECTION_WAITING);
  g_assert_cmpint (tess_account_get_error_code (account), ==, TESS_ENGINE_ERROR_UNREACHABLE);
  g_signal_connect (account, "notify", G_CALLBACK (notify_cb), self);
  add (self, TESS_EVENT_CONNECTION)->connection = tess_connection_new (TESS_CONNECTION_ONLINE);
  feed (self);
  g_assert_cmpuint (self->notified, ==, 3); /* connection, error, error-code */
  g_assert_null (tess_account_get_error (account));
}

/* Events about what is not there (any more) are nothing. */
static void
test_strangers (Fixture *self, gconstpointer started)
{
  add_conversation (self, 1, "bob@b.test", 10, 0);
  add_contact (self, "bob@b.test", "Bob");
  add (self, TESS_EVENT_CONTACT_REMOVED)->address = g_strdup ("bob@b.test");
  add (self, TESS_EVENT_CONVERSATION_REMOVED)->address = g_strdup ("bob@b.test");
  add (self, TESS_EVENT_CHAT_STATE)->address = g_strdup ("bob@b.test");
  add (self, TESS_EVENT_CONNECTION)->connection = tess_connection_new (TESS_CONNECTION_ONLINE);
  add (self, TESS_EVENT_DEVICES)->address = g_strdup ("bob@b.test");
  ((TessEvent *) self->batch->pdata[6])->devices = g_ptr_array_new ();
  add (self, TESS_EVENT_ACCOUNT_REMOVED);
  feed (self);
  g_assert_null (tess_client_find_conversation (self->client, 1));
}

/* ---- Over the thread ---- */

static void
account_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *self = user_data;

  self->result =
      tess_client_add_account_finish (TESS_CLIENT (source), result, &self->kept, &self->error);
  self->done++;
}

static void
chat_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *self = user_data;

  self->result = tess_client_open_chat_finish (TESS_CLIENT (source), result, &self->error);
  self->done++;
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *self = user_data;

  self->result = tess_conversation_send_finish (TESS_CONVERSATION (source), result, &self->error);
  self->done++;
}

static void
trust_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *self = user_data;

  g_assert_true (
      tess_device_list_set_trust_finish (TESS_DEVICE_LIST (source), result, &self->error));
  self->done++;
}

static void
add_account_now (Fixture *self, const char *address, const char *password, gboolean keep_key)
{
  g_autoptr (TessAccountRecord) setup = tess_account_record_new (address);
  g_autoptr (TessCredentials) credentials = tess_credentials_new ();

  setup->keep_key = keep_key;
  tess_credentials_set (&credentials->password, password);
  tess_client_add_account_async (self->client, setup, credentials, NULL, account_cb, self);
}

/* (transfer full) */
static TessConversation *
open_chat (Fixture *self)
{
  g_autoptr (TessAccount) account = NULL;

  self->done = 0;
  add_account_now (self, "alice@a.test", "right", FALSE);
  WAIT_UNTIL (self->done == 1);
  g_assert_no_error (self->error);
  account = self->result;
  g_assert_true (account == tess_client_find_account (self->client, "alice@a.test"));
  g_assert_cmpint (tess_account_get_connection (account), ==, TESS_CONNECTION_ONLINE);

  tess_client_open_chat_async (self->client, account, "Bob@b.test", NULL, chat_cb, self);
  WAIT_UNTIL (self->done == 2);
  g_assert_no_error (self->error);
  return self->result;
}

static void
test_add_account (Fixture *self, gconstpointer started)
{
  g_autoptr (TessConversation) conversation = NULL;

  add_account_now (self, "alice@a.test", "wrong", FALSE);
  WAIT_UNTIL (self->done == 1);
  g_assert_error (self->error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NOT_AUTHORIZED);
  g_clear_error (&self->error);
  add_account_now (self, "alice", "right", FALSE);
  WAIT_UNTIL (self->done == 2);
  g_assert_error (self->error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_INVALID_ADDRESS);
  g_clear_error (&self->error);

  conversation = open_chat (self);
  g_assert_cmpstr (tess_conversation_get_address (conversation), ==, "bob@b.test");
  g_assert_cmpuint (g_list_model_get_n_items (tess_client_get_accounts (self->client)), ==, 1);
}

static void
test_chat (Fixture *self, gconstpointer started)
{
  g_autoptr (TessConversation) conversation = open_chat (self);
  g_autoptr (TessTimeline) timeline = tess_conversation_open_timeline (conversation);
  g_autoptr (TessTimeline) same = tess_conversation_open_timeline (conversation);
  g_autoptr (TessMessage) sent = NULL;
  g_autoptr (TessMessage) last = NULL;

  g_assert_true (timeline == same);
  WAIT_UNTIL (!tess_timeline_get_loading (timeline));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (timeline)), ==, TESS_TIMELINE_PAGE);

  tess_conversation_send_async (conversation, "hello", NULL, sent_cb, self);
  WAIT_UNTIL (self->done == 3);
  g_assert_no_error (self->error);
  sent = self->result;
  last = g_list_model_get_item (G_LIST_MODEL (timeline), TESS_TIMELINE_PAGE);
  g_assert_true (last == sent);
  g_assert_cmpstr (tess_conversation_get_preview (conversation), ==, "hello");

  tess_conversation_send_async (conversation, "fail", NULL, sent_cb, self);
  WAIT_UNTIL (self->done == 4);
  g_assert_error (self->error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NO_DEVICES);

  while (!tess_timeline_get_at_start (timeline))
    {
      tess_timeline_load_older (timeline);
      WAIT_UNTIL (!tess_timeline_get_loading (timeline));
    }
  g_assert_false (tess_timeline_get_at_end (timeline));
  tess_timeline_jump_to_end (timeline);
  WAIT_UNTIL (!tess_timeline_get_loading (timeline));

  /* 500 at once are one change. */
  g_signal_connect (timeline, "items-changed", G_CALLBACK (changed_cb), self);
  tess_client_network_changed (self->client, TRUE);
  WAIT_UNTIL (self->changes > 0);
  g_assert_cmpuint (self->changes, ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (timeline)), ==, TESS_TIMELINE_MAX);
}

static void
test_devices (Fixture *self, gconstpointer started)
{
  g_autoptr (TessConversation) conversation = open_chat (self);
  g_autoptr (TessDeviceList) devices = tess_conversation_get_devices (conversation);
  g_autoptr (TessDeviceList) own =
      tess_account_get_devices (tess_conversation_get_account (conversation), NULL);
  TessDeviceList *short_lived = tess_conversation_get_devices (conversation);
  g_autoptr (TessDevice) first = NULL;
  g_autoptr (TessDevice) last = NULL;

  g_object_unref (short_lived); /* before its answer has come */
  g_assert_cmpstr (tess_device_list_get_address (own), ==, "alice@a.test");
  g_assert_true (tess_device_list_get_loading (devices));
  WAIT_UNTIL (!tess_device_list_get_loading (devices));
  first = g_list_model_get_item (G_LIST_MODEL (devices), 0);
  last = g_list_model_get_item (G_LIST_MODEL (devices), 2);
  g_assert_cmpuint (tess_device_get_id (first), ==, 3); /* the local one */
  g_assert_cmpuint (tess_device_get_id (last), ==, 1);  /* the one that is not active */

  g_signal_connect (devices, "items-changed", G_CALLBACK (changed_cb), self);
  g_signal_connect (last, "notify::trust", G_CALLBACK (notify_cb), self);
  tess_device_list_set_trust_async (devices, last, TESS_TRUST_VERIFIED, NULL, trust_cb, self);
  WAIT_UNTIL (self->done == 3);
  g_assert_cmpint (tess_device_get_trust (last), ==, TESS_TRUST_VERIFIED);
  tess_device_list_set_trust_async (devices, first, TESS_TRUST_DISTRUSTED, NULL, trust_cb, self);
  WAIT_UNTIL (self->done == 4);
  g_assert_cmpuint (self->changes, ==, 0);
}

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *self = user_data;

  g_assert_true (tess_client_remove_account_finish (TESS_CLIENT (source), result, &self->error));
  self->done++;
}

static void
looked_up_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *self = user_data;

  self->result = tess_secrets_lookup_finish (TESS_SECRETS (source), result, NULL);
  self->done++;
}

static void
assert_kind_kept (Fixture *self, TessSecrets *secrets, TessSecretKind kind, const char *value)
{
  int done = self->done;
  g_autoptr (TessSecretSet) set = NULL;

  tess_secrets_lookup_async (secrets, "alice@a.test", NULL, looked_up_cb, self);
  WAIT_UNTIL (self->done > done);
  set = self->result;
  g_assert_cmpstr (set->values[kind], ==, value);
}

static void
assert_kept (Fixture *self, TessSecrets *secrets, const char *password)
{
  assert_kind_kept (self, secrets, TESS_SECRET_PASSWORD, password);
}

static void
connect_with (TessAccount *account, const char *password, gboolean keep)
{
  g_autoptr (TessCredentials) credentials = tess_credentials_new ();

  tess_credentials_set (&credentials->password, password);
  tess_account_connect (account, credentials, keep);
}

static void
add_online (Fixture *self)
{
  add (self, TESS_EVENT_CONNECTION)->connection = tess_connection_new (TESS_CONNECTION_ONLINE);
}

static void
add_news (Fixture *self, const char *key, const char *token)
{
  TessEvent *event = add (self, TESS_EVENT_CREDENTIALS);

  event->credentials = tess_credentials_new ();
  tess_credentials_set (&event->credentials->scram_key, key);
  tess_credentials_set (&event->credentials->token, token);
}

static void
set_up_with (Fixture *self, TessSecrets *secrets)
{
  set_up (self, NULL);
  g_object_unref (self->client);
  self->client = tess_client_new (self->dir, NULL, secrets);
  tess_client_start (self->client);
}

/* A password is kept when it has worked, and forgotten with its account. */
static void
test_passwords (void)
{
  g_autoptr (TessSecrets) secrets = tess_secrets_new_memory ();
  Fixture fixture = { 0 };
  Fixture *self = &fixture;
  TessAccount *account;

  set_up_with (self, secrets);
  g_object_unref (open_chat (self));
  g_assert_true (self->kept);
  assert_kept (self, secrets, "right");

  account = tess_client_find_account (self->client, "alice@a.test");
  connect_with (account, "better", TRUE);
  assert_kept (self, secrets, "right");
  add (self, TESS_EVENT_CONNECTION)->connection = tess_connection_new (TESS_CONNECTION_WAITING);
  add (self, TESS_EVENT_CONNECTION)->connection = tess_connection_new (TESS_CONNECTION_ONLINE);
  feed (self);
  assert_kept (self, secrets, "better");

  connect_with (account, "worse", TRUE);
  add (self, TESS_EVENT_CONNECTION)->connection = tess_connection_new (TESS_CONNECTION_OFFLINE);
  ((TessEvent *) self->batch->pdata[0])->connection->error =
      g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NOT_AUTHORIZED, "The password is wrong.");
  add (self, TESS_EVENT_CONNECTION)->connection = tess_connection_new (TESS_CONNECTION_ONLINE);
  feed (self);
  assert_kept (self, secrets, "better");

  self->done = 0;
  tess_client_remove_account_async (self->client, account, NULL, removed_cb, self);
  WAIT_UNTIL (self->done == 1);
  assert_kept (self, secrets, NULL);
  g_assert_null (tess_client_find_account (self->client, "alice@a.test"));
  tear_down (self, NULL);
}

/* What a login gives is kept where the password is; a key takes its place when that is asked for. */
static void
test_credentials (void)
{
  g_autoptr (TessSecrets) secrets = tess_secrets_new_memory ();
  g_autoptr (TessAccountRecord) record = NULL;
  Fixture fixture = { 0 };
  Fixture *self = &fixture;
  TessAccount *account;

  set_up_with (self, secrets);
  g_object_unref (open_chat (self));
  account = tess_client_find_account (self->client, "alice@a.test");
  add_news (self, "unasked", "token");
  feed (self);
  assert_kept (self, secrets, "right");
  assert_kind_kept (self, secrets, TESS_SECRET_LOGIN_KEY, NULL);
  assert_kind_kept (self, secrets, TESS_SECRET_LOGIN_TOKEN, "token");

  /* Of no use any more. */
  add_news (self, NULL, "");
  feed (self);
  assert_kind_kept (self, secrets, TESS_SECRET_LOGIN_TOKEN, NULL);

  /* From now on the key: the password goes when the key is there. */
  add_account (self);
  ((TessEvent *) self->batch->pdata[0])->account->keep_key = TRUE;
  feed (self);
  assert_kept (self, secrets, "right");
  add_news (self, "key", NULL);
  feed (self);
  assert_kind_kept (self, secrets, TESS_SECRET_LOGIN_KEY, "key");
  assert_kept (self, secrets, NULL);

  /* A new password is not written when its key comes with it. */
  connect_with (account, "better", TRUE);
  add_news (self, "better key", NULL);
  add_online (self);
  feed (self);
  assert_kind_kept (self, secrets, TESS_SECRET_LOGIN_KEY, "better key");
  assert_kept (self, secrets, NULL);

  /* Back to passwords. */
  record = tess_account_record_copy (tess_account_get_record (account));
  record->keep_key = FALSE;
  add (self, TESS_EVENT_ACCOUNT)->account = g_steal_pointer (&record);
  connect_with (account, "best", TRUE);
  add_online (self);
  feed (self);
  assert_kept (self, secrets, "best");
  assert_kind_kept (self, secrets, TESS_SECRET_LOGIN_KEY, NULL);

  self->done = 0;
  tess_client_remove_account_async (self->client, account, NULL, removed_cb, self);
  WAIT_UNTIL (self->done == 1);
  for (guint i = 0; i < TESS_N_SECRETS; i++)
    assert_kind_kept (self, secrets, (TessSecretKind) i, NULL);
  tear_down (self, NULL);
}

/* Nothing is written for those who do not want it, and what was there goes. */
static void
test_not_kept (void)
{
  g_autoptr (TessSecrets) secrets = tess_secrets_new_memory ();
  Fixture fixture = { 0 };
  Fixture *self = &fixture;
  TessAccount *account;

  set_up_with (self, secrets);
  add_account (self);
  ((TessEvent *) self->batch->pdata[0])->account->keep_key = TRUE;
  add_news (self, "early key", "early token"); /* nobody has said yet */
  feed (self);
  account = tess_client_find_account (self->client, "alice@a.test");
  for (guint i = 0; i < TESS_N_SECRETS; i++)
    assert_kind_kept (self, secrets, (TessSecretKind) i, NULL);

  connect_with (account, "secret", FALSE);
  add_news (self, "key", "token");
  add_online (self);
  add_news (self, "later key", "later token");
  feed (self);
  for (guint i = 0; i < TESS_N_SECRETS; i++)
    assert_kind_kept (self, secrets, (TessSecretKind) i, NULL);

  connect_with (account, "secret", TRUE);
  add_online (self);
  feed (self);
  assert_kept (self, secrets, "secret");
  connect_with (account, "secret", FALSE);
  assert_kept (self, secrets, "secret"); /* not before it has worked */
  add_online (self);
  feed (self);
  assert_kept (self, secrets, NULL);
  tear_down (self, NULL);
}

static TessCertificate *
certificate_new (char digit, TessCertificateFaults faults)
{
  TessCertificate *certificate = g_new0 (TessCertificate, 1);

  certificate->fingerprint = g_strnfill (64, digit);
  certificate->key_fingerprint = g_strnfill (64, digit);
  certificate->faults = faults;
  return certificate;
}

static void
add_trouble (Fixture *self, TessEngineError code)
{
  TessEvent *event = add (self, TESS_EVENT_CONNECTION);

  event->connection = tess_connection_new (TESS_CONNECTION_OFFLINE);
  event->connection->error = g_error_new (TESS_ENGINE_ERROR, code, "Trouble.");
}

/* Which troubles are alarms, and what is known of a connection. */
static void
test_security (Fixture *self, gconstpointer started)
{
  static const TessEngineError alarms[] = { TESS_ENGINE_ERROR_CERTIFICATE_CHANGED,
                                            TESS_ENGINE_ERROR_SERVER_UNPROVEN,
                                            TESS_ENGINE_ERROR_WEAKENED };
  static const TessEngineError troubles[] = { TESS_ENGINE_ERROR_BAD_CERTIFICATE, TESS_ENGINE_ERROR_NOT_AUTHORIZED,
                                              TESS_ENGINE_ERROR_PROXY, TESS_ENGINE_ERROR_UNREACHABLE };
  TessAccount *account;
  TessEvent *event;

  add_account (self);
  feed (self);
  account = tess_client_find_account (self->client, "alice@a.test");
  g_assert_false (tess_account_get_alarm (account));
  for (guint i = 0; i < G_N_ELEMENTS (alarms); i++)
    {
      add_trouble (self, alarms[i]);
      feed (self);
      g_assert_true (tess_account_get_alarm (account));
    }
  for (guint i = 0; i < G_N_ELEMENTS (troubles); i++)
    {
      add_trouble (self, troubles[i]);
      feed (self);
      g_assert_false (tess_account_get_alarm (account));
    }
  g_assert_null (tess_account_get_security (account));

  g_signal_connect (account, "notify::security", G_CALLBACK (notify_cb), self);
  event = add (self, TESS_EVENT_CONNECTION);
  event->connection = tess_connection_new (TESS_CONNECTION_ONLINE);
  event->connection->security = tess_security_record_new ();
  event->connection->security->tls_version = g_strdup ("TLSv1.3");
  g_ptr_array_add (event->connection->security->chain, certificate_new ('a', TESS_CERTIFICATE_FINE));
  feed (self);
  g_assert_cmpuint (self->notified, ==, 1);
  g_assert_cmpstr (tess_account_get_security (account)->tls_version, ==, "TLSv1.3");
  g_assert_cmpuint (tess_account_get_security (account)->chain->len, ==, 1);
  add_trouble (self, TESS_ENGINE_ERROR_UNREACHABLE);
  feed (self);
  g_assert_cmpuint (self->notified, ==, 2);
  g_assert_null (tess_account_get_security (account));
}

static void
change_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *self = user_data;

  tess_account_change_finish (TESS_ACCOUNT (source), result, &self->error);
  self->done++;
}

/* Nothing is trusted that nobody has seen. */
static void
test_trust_unseen (Fixture *self, gconstpointer started)
{
  g_autofree char *fingerprint = g_strnfill (64, 'a');
  TessAccount *account;

  add_account (self);
  add_trouble (self, TESS_ENGINE_ERROR_BAD_CERTIFICATE); /* without one */
  feed (self);
  account = tess_client_find_account (self->client, "alice@a.test");
  tess_account_trust_certificate_async (account, fingerprint, NULL, change_cb, self);
  WAIT_UNTIL (self->done == 1);
  g_assert_error (self->error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_CERTIFICATE_CHANGED);
  g_assert_null (tess_account_get_record (account)->pin);
}

static void
test_stop_early (Fixture *self, gconstpointer started)
{
  add_account_now (self, "alice@a.test", "right", FALSE);
  tess_client_stop (self->client);
  WAIT_UNTIL (self->done == 1);
  if (self->result != NULL)
    g_object_unref (self->result);
  else
    g_assert_error (self->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

#define ADD(name, started, function)                                                         \
  g_test_add ("/model/client/" name, Fixture, GINT_TO_POINTER (started), set_up, (function), \
              tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  tess_thread_set_role (TESS_THREAD_MAIN);
  ADD ("order", FALSE, test_order);
  ADD ("unread", FALSE, test_unread);
  ADD ("contact", FALSE, test_contact);
  ADD ("received", FALSE, test_received);
  ADD ("state", FALSE, test_state);
  ADD ("strangers", FALSE, test_strangers);
  ADD ("security", FALSE, test_security);
  ADD ("trust-unseen", FALSE, test_trust_unseen);
  ADD ("add-account", TRUE, test_add_account);
  ADD ("chat", TRUE, test_chat);
  ADD ("devices", TRUE, test_devices);
  ADD ("stop-early", TRUE, test_stop_early);
  g_test_add_func ("/model/client/passwords", test_passwords);
  g_test_add_func ("/model/client/credentials", test_credentials);
  g_test_add_func ("/model/client/not-kept", test_not_kept);
  return g_test_run ();
}
