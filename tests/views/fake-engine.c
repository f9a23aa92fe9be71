/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "fake-engine"

#include "config.h"

#include "fake-engine.h"

#include <string.h>

#define MINUTE (G_GINT64_CONSTANT (60) * G_USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

struct _TessEngine
{
  GObject parent_instance;

  TessEngineEventsFunc events;
  gpointer             user_data;
  TessAccountRecord   *account;
  GPtrArray           *contacts;
  GPtrArray           *conversations;
  GPtrArray           *messages; /* of all conversations, oldest first */
  GPtrArray           *devices;
  TessAccountRecord   *setup;   /* of the last attempt to add an account */
  TessCertificate     *refused; /* what the account's connection was refused for */
  gint64               next_id;
  gint64               now;
  gboolean             stopped;
  guint                n_connects;
  guint                gaps; /* of the archive */
  gboolean             held;
  gint64               done;
  gint64               total;
  TessArchiving        archiving;
  char                *archiving_error; /* nullable */
  guint                history_days;
};

G_DEFINE_FINAL_TYPE (TessEngine, tess_engine, G_TYPE_OBJECT)
G_DEFINE_QUARK (tess-engine-error-quark, tess_engine_error)

static FakeWorld world = FAKE_WORLD_FULL;
static TessEngine *the_engine;

void
fake_engine_set_world (FakeWorld wanted)
{
  world = wanted;
}

TessEngine *
fake_engine_get (void)
{
  return the_engine;
}

static void
tess_engine_finalize (GObject *object)
{
  TessEngine *self = TESS_ENGINE (object);

  if (the_engine == self)
    the_engine = NULL;
  g_clear_pointer (&self->account, tess_account_record_free);
  g_clear_pointer (&self->setup, tess_account_record_free);
  g_clear_pointer (&self->refused, tess_certificate_free);
  g_free (self->archiving_error);
  g_ptr_array_unref (self->contacts);
  g_ptr_array_unref (self->conversations);
  g_ptr_array_unref (self->messages);
  g_ptr_array_unref (self->devices);
  G_OBJECT_CLASS (tess_engine_parent_class)->finalize (object);
}

static void
tess_engine_class_init (TessEngineClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tess_engine_finalize;
}

static void
tess_engine_init (TessEngine *self)
{
  self->contacts = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_contact_record_free);
  self->conversations = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_conversation_record_free);
  self->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
  self->devices = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_device_record_free);
  self->next_id = 1;
  self->now = g_get_real_time ();
}

/* --- the world -------------------------------------------------------------------------------------------------------------- */

static TessConversationRecord *
find_conversation (TessEngine *self, gint64 id)
{
  for (guint i = 0; i < self->conversations->len; i++)
    {
      TessConversationRecord *record = g_ptr_array_index (self->conversations, i);
      if (record->id == id)
        return record;
    }
  return NULL;
}

static TessConversationRecord *
find_peer (TessEngine *self, const char *peer)
{
  for (guint i = 0; i < self->conversations->len; i++)
    {
      TessConversationRecord *record = g_ptr_array_index (self->conversations, i);
      if (g_str_equal (record->peer, peer))
        return record;
    }
  return NULL;
}

static void
contact (TessEngine *self, const char *address, const char *name, TessPresence presence, const char *status, gboolean asks)
{
  TessContactRecord *record = tess_contact_record_new (1, address);

  record->name = g_strdup (name);
  record->presence = presence;
  record->status = g_strdup (status);
  record->asks = asks;
  record->in_roster = !asks;
  record->subscription = asks ? TESS_SUBSCRIPTION_NONE : TESS_SUBSCRIPTION_BOTH;
  g_ptr_array_add (self->contacts, record);
}

static TessConversationRecord *
conversation (TessEngine *self, const char *peer, TessSecurity security, guint unread)
{
  TessConversationRecord *record = tess_conversation_record_new (1, peer);

  record->id = self->conversations->len + 1;
  record->security = security;
  record->unread = unread;
  record->encryption = security == TESS_SECURITY_PLAIN ? TESS_CONVERSATION_PLAIN : TESS_CONVERSATION_AUTOMATIC;
  g_ptr_array_add (self->conversations, record);
  return record;
}

static TessMessageRecord *
message (TessEngine *self, TessConversationRecord *chat, gint64 ago, gboolean out, TessMessageState state,
         TessEncryption encryption, TessTrust trust, const char *text)
{
  TessMessageRecord *record = tess_message_record_new ();

  record->id = self->next_id++;
  record->account_id = 1;
  record->conversation_id = chat->id;
  record->peer = g_strdup (chat->peer);
  record->from = g_strdup (out ? "alice@example.org" : chat->peer);
  record->direction = out ? TESS_MESSAGE_OUT : TESS_MESSAGE_IN;
  record->state = out ? state : TESS_MESSAGE_RECEIVED;
  record->encryption = encryption;
  record->trust = trust;
  record->device = encryption == TESS_ENCRYPTION_NONE ? 0 : out ? 1234567 : 424242;
  record->stanza_id = g_strdup_printf ("id-%" G_GINT64_FORMAT, record->id);
  record->text = g_strdup (text);
  record->time_us = self->now - ago;
  g_ptr_array_add (self->messages, record);
  g_clear_pointer (&chat->last, tess_message_record_free);
  chat->last = tess_message_record_copy (record);
  return record;
}

static void
device (TessEngine *self, const char *address, guint32 id, const char *fingerprint, TessTrust trust, gboolean active, gboolean local)
{
  TessDeviceRecord *record = tess_device_record_new (1, address, id);

  record->fingerprint = g_strdup (fingerprint);
  record->trust = trust;
  record->active = active;
  record->local = local;
  record->own = g_str_equal (address, "alice@example.org");
  record->first_seen_us = self->now - 200 * DAY;
  record->last_seen_us = active ? self->now - 2 * DAY : self->now - 100 * DAY;
  g_ptr_array_add (self->devices, record);
}

#define IN(ago, trust, text) message (self, chat, ago, FALSE, 0, TESS_ENCRYPTION_OMEMO, trust, text)
#define OUT(ago, state, text) message (self, chat, ago, TRUE, state, TESS_ENCRYPTION_OMEMO, TESS_TRUST_VERIFIED, text)

static void
make_full (TessEngine *self)
{
  TessConversationRecord *chat;
  TessMessageRecord *failed;

  contact (self, "bob@example.org", "Bob Example", TESS_PRESENCE_ONLINE, NULL, FALSE);
  contact (self, "carol@example.net", "Carol Ivanova", TESS_PRESENCE_AWAY, "back at four", FALSE);
  contact (self, "dave@example.com", "Dave", TESS_PRESENCE_DND, NULL, FALSE);
  contact (self, "erin@example.org", "Erin <b>O'Neil</b>", TESS_PRESENCE_OFFLINE, NULL, FALSE);
  contact (self, "frank@example.org", "فرانك", TESS_PRESENCE_ONLINE, NULL, FALSE);
  contact (self, "grace@example.org", NULL, TESS_PRESENCE_OFFLINE, NULL, TRUE);

  chat = conversation (self, "bob@example.org", TESS_SECURITY_VERIFIED, 2);
  IN (5 * DAY, TESS_TRUST_BLIND, "Did you find the place?");
  OUT (5 * DAY - MINUTE, TESS_MESSAGE_READ, "Yes, it was easy. The map is at https://example.org/map?x=1&y=2 (second floor).");
  OUT (5 * DAY - 2 * MINUTE, TESS_MESSAGE_READ, "👍");
  IN (DAY, TESS_TRUST_VERIFIED, "Did you get the key?");
  IN (DAY - MINUTE, TESS_TRUST_VERIFIED, "and did it match?");
  OUT (DAY - 4 * MINUTE, TESS_MESSAGE_READ, "Yes, scanned it.");
  message (self, chat, 3 * HOUR, FALSE, 0, TESS_ENCRYPTION_UNREADABLE, TESS_TRUST_BLIND, NULL)->error =
    g_strdup ("It was encrypted for another device.");
  message (self, chat, 2 * HOUR, FALSE, 0, TESS_ENCRYPTION_NONE, TESS_TRUST_UNDECIDED, "This one I wrote from the bus, without keys.");
  OUT (100 * MINUTE, TESS_MESSAGE_READ, "No harm done. A longer message follows, so that the lines break somewhere: the meeting is moved to "
                                        "Thursday, half past seven, in the room behind the library. Bring the tile.");
  OUT (99 * MINUTE, TESS_MESSAGE_DELIVERED, "Both halves 🙂");
  failed = OUT (98 * MINUTE, TESS_MESSAGE_FAILED, "Can you also bring the lamp?");
  failed->error = g_strdup ("The server refused this message: it is too busy. Try again later.");
  OUT (97 * MINUTE, TESS_MESSAGE_WAITING, "And the rope.");
  IN (4 * MINUTE, TESS_TRUST_VERIFIED, "🎉🎉");
  IN (3 * MINUTE, TESS_TRUST_VERIFIED, "See you at 8");

  chat = conversation (self, "carol@example.net", TESS_SECURITY_UNDECIDED, 0);
  IN (DAY + HOUR, TESS_TRUST_VERIFIED, "I have a new phone now.");
  OUT (DAY, TESS_MESSAGE_DELIVERED, "thanks, I will look at its fingerprint");
  chat = conversation (self, "dave@example.com", TESS_SECURITY_PLAIN, 120);
  message (self, chat, 3 * DAY, FALSE, 0, TESS_ENCRYPTION_NONE, TESS_TRUST_UNDECIDED, "<b>not bold</b> & neither\nthis");
  chat = conversation (self, "erin@example.org", TESS_SECURITY_ALARM, 0);
  IN (40 * DAY, TESS_TRUST_DISTRUSTED, "My key is another one, never mind.");
  chat = conversation (self, "frank@example.org", TESS_SECURITY_ENCRYPTED, 0);
  IN (400 * DAY, TESS_TRUST_BLIND, "مرحبا، كيف حالك؟");
  OUT (400 * DAY - MINUTE, TESS_MESSAGE_READ, "بخير، شكرا");
  chat = conversation (self, "zoe@a-very-long-domain-name-that-does-not-fit.example.org", TESS_SECURITY_NO_DEVICES, 0);
  chat->draft = g_strdup ("half a thought");

  device (self, "alice@example.org", 1234567, "1f2e3d4c5b6a79880011223344556677aabbccddeeff00119988776655443322", TESS_TRUST_VERIFIED,
          TRUE, TRUE);
  device (self, "alice@example.org", 7654321, "00ffeeddccbbaa998877665544332211f0e1d2c3b4a5968778695a4b3c2d1e0f", TESS_TRUST_BLIND,
          TRUE, FALSE);
  device (self, "bob@example.org", 424242, "9a8b7c6d5e4f30211203f4e5d6c7b8a99f8e7d6c5b4a39281706f5e4d3c2b1a0", TESS_TRUST_VERIFIED, TRUE, FALSE);
  device (self, "bob@example.org", 99, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", TESS_TRUST_UNDECIDED, TRUE, FALSE);
  device (self, "bob@example.org", 77, "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210", TESS_TRUST_DISTRUSTED, FALSE, FALSE);
  device (self, "bob@example.org", 78, NULL, TESS_TRUST_BLIND, TRUE, FALSE);
  device (self, "carol@example.net", 55, "00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff", TESS_TRUST_VERIFIED, TRUE, FALSE);
  device (self, "carol@example.net", 56, "11111111eeeeeeee11111111eeeeeeee11111111eeeeeeee11111111eeeeeeee", TESS_TRUST_UNDECIDED, TRUE, FALSE);
  device (self, "erin@example.org", 5, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", TESS_TRUST_VERIFIED, TRUE, FALSE);
  ((TessDeviceRecord *) g_ptr_array_index (self->devices, self->devices->len - 1))->key_alarm = TRUE;
}

static void
make_long (TessEngine *self)
{
  TessConversationRecord *chat = conversation (self, "bob@example.org", TESS_SECURITY_ENCRYPTED, 0);

  contact (self, "bob@example.org", "Bob Example", TESS_PRESENCE_ONLINE, NULL, FALSE);
  for (int i = 0; i < 1000; i++)
    {
      GString *text = g_string_new (NULL);
      g_string_append_printf (text, "message %d", i);
      for (int k = 0; k < (i * 7) % 23; k++)
        g_string_append (text, " and a few more words");
      if (i % 3 == 0)
        OUT ((1000 - i) * 7 * MINUTE, TESS_MESSAGE_READ, text->str);
      else
        IN ((1000 - i) * 7 * MINUTE, TESS_TRUST_BLIND, text->str);
      g_string_free (text, TRUE);
    }
}

static void
emit (TessEngine *self, TessEvent *event)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_event_free);

  g_ptr_array_add (events, event);
  if (!self->stopped)
    self->events (events, self->user_data);
}

static void
emit_conversation (TessEngine *self, TessConversationRecord *record)
{
  TessEvent *event = tess_event_new (TESS_EVENT_CONVERSATION, 1);
  event->conversation = tess_conversation_record_copy (record);
  emit (self, event);
}

static void
emit_message (TessEngine *self, TessMessageRecord *record, gboolean live)
{
  TessEvent *event = tess_event_new (TESS_EVENT_MESSAGES, 1);
  event->conversation_id = record->conversation_id;
  event->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
  g_ptr_array_add (event->messages, tess_message_record_copy (record));
  event->live = live;
  emit (self, event);
}

void
fake_engine_set_connection (TessEngine *self, TessConnectionState state, int code, const char *sentence)
{
  TessEvent *event = tess_event_new (TESS_EVENT_CONNECTION, 1);
  event->connection = tess_connection_new (state);
  if (code >= 0)
    event->connection->error = g_error_new_literal (TESS_ENGINE_ERROR, code, sentence);
  if (state == TESS_CONNECTION_ONLINE)
    {
      event->connection->tls = g_strdup ("TLSv1.3");
      event->connection->sasl = g_strdup ("SCRAM-SHA-256-PLUS");
    }
  emit (self, event);
}

void
fake_engine_set_security (TessEngine *self, gint64 conversation_id, TessSecurity security)
{
  TessConversationRecord *chat = find_conversation (self, conversation_id);
  chat->security = security;
  emit_conversation (self, chat);
}

void
fake_engine_receive (TessEngine *self, gint64 conversation_id, const char *text)
{
  TessConversationRecord *chat = find_conversation (self, conversation_id);

  self->now = g_get_real_time ();
  chat->unread++;
  TessMessageRecord *record = IN (0, TESS_TRUST_VERIFIED, text);
  emit_message (self, record, TRUE);
  emit_conversation (self, chat);
}

/* --- the engine's interface ------------------------------------------------------------------------------------------------- */

TessEngine *
tess_engine_new (const char *database, const char *ca_file, TessEngineEventsFunc events, gpointer user_data)
{
  TessEngine *self = g_object_new (TESS_TYPE_ENGINE, NULL);

  self->events = events;
  self->user_data = user_data;
  the_engine = self;
  return self;
}

static gboolean
start_cb (gpointer user_data)
{
  TessEngine *self = TESS_ENGINE (user_data);

  if (world == FAKE_WORLD_BROKEN)
    {
      TessEvent *event = tess_event_new (TESS_EVENT_OPEN_FAILED, 0);
      event->error = g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_DATABASE_DAMAGED,
                                          "The file of the messages is damaged. It is kept as it is; you can start afresh beside it.");
      emit (self, event);
      return G_SOURCE_REMOVE;
    }
  if (world == FAKE_WORLD_FULL)
    make_full (self);
  else if (world == FAKE_WORLD_LONG)
    make_long (self);
  if (world != FAKE_WORLD_EMPTY)
    {
      TessEvent *event = tess_event_new (TESS_EVENT_ACCOUNT, 1);
      self->account = tess_account_record_new ("alice@example.org");
      self->account->id = 1;
      self->account->enabled = TRUE;
      event->account = tess_account_record_copy (self->account);
      emit (self, event);
    }
  for (guint i = 0; i < self->contacts->len; i++)
    {
      TessEvent *event = tess_event_new (TESS_EVENT_CONTACT, 1);
      event->contact = tess_contact_record_copy (g_ptr_array_index (self->contacts, i));
      emit (self, event);
    }
  for (guint i = 0; i < self->conversations->len; i++)
    emit_conversation (self, g_ptr_array_index (self->conversations, i));
  emit (self, tess_event_new (TESS_EVENT_OPENED, 0));
  if (world != FAKE_WORLD_EMPTY)
    fake_engine_set_connection (self, TESS_CONNECTION_ONLINE, -1, NULL);
  return G_SOURCE_REMOVE;
}

void
tess_engine_start (TessEngine *self)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, start_cb, g_object_ref (self), g_object_unref);
}

void
tess_engine_stop (TessEngine *self)
{
  self->stopped = TRUE;
}

/* A reply comes later, never at once. */
static GTask *
task (TessEngine *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  return g_task_new (self, cancellable, callback, user_data);
}

static void *
finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static GPtrArray *
new_messages (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
}

void
tess_engine_set_aside_async (TessEngine *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  world = FAKE_WORLD_EMPTY;
  start_cb (self);
  g_task_return_pointer (t, g_strdup ("tessera.db.damaged-1"), g_free);
}

char *
tess_engine_set_aside_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return finish (result, error);
}

static void
cancelled_cb (GTask *t)
{
  g_task_return_error_if_cancelled (t);
  g_object_unref (t);
}

void
tess_engine_add_account_async (TessEngine *self, const TessAccountRecord *account, const TessCredentials *credentials, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);

  g_clear_pointer (&self->setup, tess_account_record_free);
  self->setup = tess_account_record_copy (account);
  if (account->proxy == TESS_ACCOUNT_PROXY_HTTP)
    g_task_return_new_error (t, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_PROXY, "The proxy does not answer. Check its host and port.");
  else if (g_str_has_suffix (account->address, "@self-signed.example") && g_strcmp0 (account->pin, FAKE_FINGERPRINT) != 0)
    g_task_return_new_error (t, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_BAD_CERTIFICATE,
                             "The certificate of self-signed.example was not issued by an authority that this computer trusts.");
  else if (g_strcmp0 (credentials->password, "wrong") == 0)
    g_task_return_new_error (t, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NOT_AUTHORIZED,
                             "The server did not take this password. Check it and try again.");
  else if (g_strcmp0 (credentials->password, "wait") == 0)
    g_signal_connect_object (cancellable, "cancelled", G_CALLBACK (cancelled_cb), g_object_ref (t), G_CONNECT_SWAPPED);
  else
    {
      TessAccountRecord *record = tess_account_record_copy (account);
      TessEvent *event = tess_event_new (TESS_EVENT_ACCOUNT, 2);

      record->id = 2;
      record->enabled = TRUE;
      event->account = tess_account_record_copy (record);
      emit (self, event);
      g_task_return_pointer (t, record, (GDestroyNotify) tess_account_record_free);
    }
}

TessAccountRecord *
tess_engine_add_account_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return finish (result, error);
}

void
tess_engine_update_account_async (TessEngine *self, const TessAccountRecord *account, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  TessEvent *event = tess_event_new (TESS_EVENT_ACCOUNT, account->id);
  event->account = tess_account_record_copy (account);
  if (self->account != NULL && self->account->id == account->id)
    {
      tess_account_record_free (self->account);
      self->account = tess_account_record_copy (account);
    }
  emit (self, event);
  g_task_return_boolean (t, TRUE);
}

gboolean
tess_engine_update_account_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
tess_engine_remove_account_async (TessEngine *self, gint64 account_id, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  emit (self, tess_event_new (TESS_EVENT_ACCOUNT_REMOVED, account_id));
  g_task_return_boolean (t, TRUE);
}

gboolean
tess_engine_remove_account_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
tess_engine_connect (TessEngine *self, gint64 account_id, const TessCredentials *credentials)
{
  self->n_connects++;
}

void
tess_engine_disconnect (TessEngine *self, gint64 account_id)
{
}

void
tess_engine_network_changed (TessEngine *self, gboolean available)
{
}

void
tess_engine_set_in_use (TessEngine *self, gboolean in_use)
{
}

void
tess_engine_open_conversation_async (TessEngine *self, gint64 account_id, const char *address, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  TessConversationRecord *record = find_peer (self, address);

  if (record == NULL)
    record = conversation (self, address, TESS_SECURITY_CHECKING, 0);
  emit_conversation (self, record);
  g_task_return_pointer (t, tess_conversation_record_copy (record), (GDestroyNotify) tess_conversation_record_free);
}

TessConversationRecord *
tess_engine_open_conversation_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return finish (result, error);
}

void
tess_engine_close_conversation (TessEngine *self, gint64 conversation_id)
{
  TessEvent *event = tess_event_new (TESS_EVENT_CONVERSATION_REMOVED, 1);
  event->address = g_strdup (find_conversation (self, conversation_id)->peer);
  emit (self, event);
}

void
tess_engine_set_encryption (TessEngine *self, gint64 conversation_id, TessConversationEncryption encryption)
{
  TessConversationRecord *record = find_conversation (self, conversation_id);
  record->encryption = encryption;
  record->security = encryption == TESS_CONVERSATION_PLAIN ? TESS_SECURITY_PLAIN : TESS_SECURITY_ENCRYPTED;
  emit_conversation (self, record);
}

void
tess_engine_set_draft (TessEngine *self, gint64 conversation_id, const char *draft)
{
  TessConversationRecord *record = find_conversation (self, conversation_id);
  g_free (record->draft);
  record->draft = g_strdup (draft);
  emit_conversation (self, record);
}

void
tess_engine_mark_read (TessEngine *self, gint64 conversation_id, gint64 time_us, gint64 message_id)
{
  TessConversationRecord *record = find_conversation (self, conversation_id);

  record->unread = 0;
  for (guint i = 0; i < self->messages->len; i++)
    {
      TessMessageRecord *item = g_ptr_array_index (self->messages, i);
      if (item->conversation_id == conversation_id && item->direction == TESS_MESSAGE_IN && item->time_us > time_us)
        record->unread++;
    }
  emit_conversation (self, record);
}

void
tess_engine_set_typing (TessEngine *self, gint64 conversation_id, gboolean typing)
{
}

void
tess_engine_send_async (TessEngine *self, gint64 conversation_id, const char *text, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  TessConversationRecord *chat = find_conversation (self, conversation_id);

  if (g_str_has_prefix (text, "fail"))
    {
      g_task_return_new_error (t, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_DATABASE_FULL, "The disk is full. Make room and send it again.");
      return;
    }
  self->now = g_get_real_time ();
  TessMessageRecord *record = OUT (0, TESS_MESSAGE_WAITING, text);
  emit_message (self, record, FALSE);
  emit_conversation (self, chat);
  g_task_return_pointer (t, tess_message_record_copy (record), (GDestroyNotify) tess_message_record_free);
}

TessMessageRecord *
tess_engine_send_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return finish (result, error);
}

void
tess_engine_retry (TessEngine *self, gint64 message_id)
{
  for (guint i = 0; i < self->messages->len; i++)
    {
      TessMessageRecord *item = g_ptr_array_index (self->messages, i);
      if (item->id != message_id)
        continue;
      item->state = TESS_MESSAGE_WAITING;
      g_clear_pointer (&item->error, g_free);
      emit_message (self, item, FALSE);
    }
}

void
tess_engine_load_page_async (TessEngine *self, gint64 conversation_id, TessPageKind kind, gint64 time_us, gint64 message_id, guint limit,
                             gboolean archive, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  GPtrArray *page = new_messages ();
  gboolean after = kind == TESS_PAGE_NEWER;

  for (guint i = 0; i < self->messages->len && page->len < limit; i++)
    {
      TessMessageRecord *item = g_ptr_array_index (self->messages, after ? i : self->messages->len - 1 - i);
      gboolean newer = item->time_us > time_us || (item->time_us == time_us && item->id > message_id);
      gboolean older = item->time_us < time_us || (item->time_us == time_us && item->id < message_id);

      if (item->conversation_id == conversation_id && (kind == TESS_PAGE_AROUND || (after ? newer : older)))
        g_ptr_array_insert (page, after ? -1 : 0, tess_message_record_copy (item));
    }
  g_object_set_data (G_OBJECT (t), "ends", GINT_TO_POINTER ((page->len < limit ? TESS_PAGE_START | TESS_PAGE_END : 0) |
                                                             (time_us == G_MAXINT64 ? TESS_PAGE_END : 0)));
  g_task_return_pointer (t, page, (GDestroyNotify) g_ptr_array_unref);
}

GPtrArray *
tess_engine_load_page_finish (TessEngine *self, GAsyncResult *result, TessPageEnds *ends, GError **error)
{
  if (ends != NULL)
    *ends = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (result), "ends"));
  return finish (result, error);
}

void
tess_engine_set_place (TessEngine *self, gint64 conversation_id, gint64 time_us, gint64 message_id, int offset)
{
}

static void
emit_missing (TessEngine *self)
{
  TessEvent *event = tess_event_new (TESS_EVENT_CATCH_UP, self->account->id);

  event->gaps = self->gaps;
  event->held = self->held;
  event->done = self->done;
  event->total = self->total;
  emit (self, event);
}

void
tess_engine_hold_catch_up (TessEngine *self, gint64 account_id, gboolean held)
{
  self->held = held;
  emit_missing (self);
}

void
fake_engine_set_missing (TessEngine *self, guint gaps, gint64 done, gint64 total)
{
  self->gaps = gaps;
  self->done = done;
  self->total = total;
  emit_missing (self);
}

void
tess_engine_change_contact_async (TessEngine *self, gint64 account_id, const char *address, TessContactAction action, const char *name,
                                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);

  if (g_str_has_prefix (address, "fail@"))
    {
      g_task_return_new_error (t, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_UNREACHABLE, "The server does not answer.");
      return;
    }
  for (guint i = 0; i < self->contacts->len; i++)
    {
      TessContactRecord *item = g_ptr_array_index (self->contacts, i);
      if (!g_str_equal (item->address, address))
        continue;
      item->asks = FALSE;
      item->in_roster = action != TESS_CONTACT_REMOVE && action != TESS_CONTACT_REFUSE;
      if (action == TESS_CONTACT_RENAME)
        {
          g_free (item->name);
          item->name = g_strdup (name);
        }
      TessEvent *event = tess_event_new (TESS_EVENT_CONTACT, 1);
      event->contact = tess_contact_record_copy (item);
      emit (self, event);
    }
  g_task_return_boolean (t, TRUE);
}

gboolean
tess_engine_change_contact_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static GPtrArray *
devices_of (TessEngine *self, const char *address)
{
  GPtrArray *devices = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_device_record_free);

  for (guint i = 0; i < self->devices->len; i++)
    {
      TessDeviceRecord *item = g_ptr_array_index (self->devices, i);
      if (g_str_equal (item->address, address))
        g_ptr_array_add (devices, tess_device_record_copy (item));
    }
  return devices;
}

void
tess_engine_load_devices_async (TessEngine *self, gint64 account_id, const char *address, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  g_task_return_pointer (t, devices_of (self, address), (GDestroyNotify) g_ptr_array_unref);
}

GPtrArray *
tess_engine_load_devices_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return finish (result, error);
}

void
tess_engine_set_trust_async (TessEngine *self, gint64 account_id, const char *address, guint32 id, TessTrust trust,
                             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);

  for (guint i = 0; i < self->devices->len; i++)
    {
      TessDeviceRecord *item = g_ptr_array_index (self->devices, i);
      if (item->id == id && g_str_equal (item->address, address))
        {
          item->trust = trust;
          item->key_alarm = FALSE;
        }
    }
  TessEvent *event = tess_event_new (TESS_EVENT_DEVICES, 1);
  event->address = g_strdup (address);
  event->devices = devices_of (self, address);
  emit (self, event);
  g_task_return_boolean (t, TRUE);
}

gboolean
tess_engine_set_trust_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
tell_devices (TessEngine *self, const char *address)
{
  TessEvent *event = tess_event_new (TESS_EVENT_DEVICES, 1);

  event->address = g_strdup (address);
  event->devices = devices_of (self, address);
  emit (self, event);
}

static TessDeviceRecord *
find_device (TessEngine *self, const char *address, guint32 id)
{
  for (guint i = 0; i < self->devices->len; i++)
    {
      TessDeviceRecord *item = g_ptr_array_index (self->devices, i);

      if (item->id == id && g_str_equal (item->address, address))
        return item;
    }
  return NULL;
}

void
tess_engine_restore_trust_async (TessEngine *self, gint64 account_id, const char *address, GPtrArray *before,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);

  for (guint i = 0; i < before->len; i++)
    {
      const TessDeviceRecord *then = g_ptr_array_index (before, i);
      TessDeviceRecord *item = find_device (self, address, then->id);

      g_assert_nonnull (item);
      item->trust = then->trust;
      item->key_alarm |= then->key_alarm;
    }
  tell_devices (self, address);
  g_task_return_boolean (t, TRUE);
}

gboolean
tess_engine_restore_trust_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Codes are "address id=fingerprint id=fingerprint": what is done with them is omemo's to test. */
void
tess_engine_verify_async (TessEngine *self, gint64 account_id, const char *address, const char *code, TessVerify how,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  g_auto (GStrv) words = g_strsplit (code, " ", -1);
  TessVerificationRecord *record;

  if (strchr (words[0], '@') == NULL)
    {
      g_task_return_new_error (t, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_BAD_CODE, "This is not the code of an XMPP address.");
      return;
    }
  record = tess_verification_record_new (words[0]);
  for (guint i = 1; g_str_equal (words[0], address) && words[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (words[i], "=", 2);
      guint32 id = (guint32) g_ascii_strtoull (parts[0], NULL, 10);
      TessDeviceRecord *item = find_device (self, address, id);
      TessCheck check = item == NULL                                      ? TESS_CHECK_UNKNOWN
                        : !g_str_equal (item->fingerprint, parts[1])      ? TESS_CHECK_DIFFERS
                        : item->trust == TESS_TRUST_VERIFIED              ? TESS_CHECK_VERIFIED
                        : item->trust == TESS_TRUST_DISTRUSTED            ? TESS_CHECK_DISTRUSTED
                                                                          : TESS_CHECK_MATCHES;

      tess_verification_record_add (record, id, parts[1], check, item != NULL ? item->trust : TESS_TRUST_UNDECIDED, FALSE);
      if (how != TESS_VERIFY_LOOK && check == TESS_CHECK_MATCHES)
        item->trust = TESS_TRUST_VERIFIED;
      if (how != TESS_VERIFY_LOOK && check == TESS_CHECK_DIFFERS)
        item->key_alarm = TRUE;
    }
  tess_verification_record_conclude (record);
  if (!g_str_equal (words[0], address))
    record->outcome = TESS_VERIFICATION_FOREIGN;
  record->asked = TRUE;
  record->applied = how != TESS_VERIFY_LOOK && record->outcome != TESS_VERIFICATION_FOREIGN;
  if (record->applied)
    tell_devices (self, address);
  g_task_return_pointer (t, record, (GDestroyNotify) tess_verification_record_free);
}

TessVerificationRecord *
tess_engine_verify_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return finish (result, error);
}

void
tess_engine_change_device_async (TessEngine *self, gint64 account_id, const char *address, guint32 device, TessDeviceAction action,
                                 const char *label, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  TessDeviceRecord *item = find_device (self, address, device);

  if (item != NULL && action == TESS_DEVICE_RENAME)
    {
      g_free (item->label);
      item->label = label != NULL && *label != '\0' ? g_strdup (label) : NULL;
    }
  if (item != NULL && action == TESS_DEVICE_REMOVE)
    item->active = FALSE;
  tell_devices (self, address);
  if (action == TESS_DEVICE_RESET_SESSION && item != NULL && item->no_bundle)
    g_task_return_new_error (t, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED, "No new session could be started.");
  else
    g_task_return_boolean (t, TRUE);
}

gboolean
tess_engine_change_device_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
tess_engine_reset_keys_async (TessEngine *self, gint64 account_id, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);

  g_task_return_boolean (t, TRUE);
}

gboolean
tess_engine_reset_keys_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
tess_engine_set_blind (TessEngine *self, gint64 conversation_id, TessBlind blind)
{
}

void
tess_engine_load_uri_async (TessEngine *self, gint64 account_id, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  g_task_return_pointer (t, g_strdup (FAKE_URI), g_free);
}

char *
tess_engine_load_uri_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return finish (result, error);
}

void
fake_engine_set_archiving (TessEngine *self, TessArchiving archiving, const char *sentence)
{
  self->archiving = archiving;
  g_free (self->archiving_error);
  self->archiving_error = g_strdup (sentence);
}

TessArchiving
fake_engine_get_archiving (TessEngine *self)
{
  return self->archiving;
}

guint
fake_engine_get_history_days (TessEngine *self)
{
  return self->history_days;
}

static void
answer_archiving (TessEngine *self, GTask *t)
{
  if (self->archiving_error != NULL)
    g_task_return_new_error (t, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED, "%s", self->archiving_error);
  else
    g_task_return_boolean (t, TRUE);
}

void
tess_engine_load_archiving_async (TessEngine *self, gint64 account_id, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  answer_archiving (self, t);
}

gboolean
tess_engine_load_archiving_finish (TessEngine *self, GAsyncResult *result, TessArchiving *archiving, GError **error)
{
  *archiving = self->archiving;
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
tess_engine_set_archiving_async (TessEngine *self, gint64 account_id, TessArchiving archiving, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  if (self->archiving_error == NULL)
    self->archiving = archiving;
  answer_archiving (self, t);
}

gboolean
tess_engine_set_archiving_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
tess_engine_set_history_days (TessEngine *self, guint days)
{
  self->history_days = days;
}

void
tess_engine_clear_history (TessEngine *self, gint64 conversation_id)
{
  TessConversationRecord *record = find_conversation (self, conversation_id);
  TessEvent *gone = tess_event_new (TESS_EVENT_MESSAGES_GONE, 1);
  TessEvent *event = tess_event_new (TESS_EVENT_CONVERSATION, 1);

  for (guint i = self->messages->len; i > 0; i--)
    {
      const TessMessageRecord *item = g_ptr_array_index (self->messages, i - 1);
      if (item->conversation_id == conversation_id && item->state != TESS_MESSAGE_WAITING)
        g_ptr_array_remove_index (self->messages, i - 1);
    }
  record->unread = 0;
  g_clear_pointer (&record->last, tess_message_record_free);
  gone->conversation_id = conversation_id;
  gone->until_us = G_MAXINT64;
  event->conversation = tess_conversation_record_copy (record);
  emit (self, gone);
  emit (self, event);
}

gboolean
tess_engine_check_address (const char *text, char **prepared, GError **error)
{
  const char *at = strchr (text, '@');

  if (at == NULL || at == text || at[1] == '\0' || strchr (at + 1, '@') != NULL || strpbrk (text, " /") != NULL)
    {
      g_set_error_literal (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_INVALID_ADDRESS,
                           "An address looks like name@example.org.");
      return FALSE;
    }
  if (prepared != NULL)
    *prepared = g_utf8_strdown (text, -1);
  return TRUE;
}

/* Only two kinds of errors are about a certificate, and there is one engine. */
const TessCertificate *
tess_engine_error_get_certificate (const GError *error)
{
  static TessCertificate *first;

  if (the_engine == NULL || (!g_error_matches (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_BAD_CERTIFICATE) &&
                             !g_error_matches (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_CERTIFICATE_CHANGED)))
    return NULL;
  if (the_engine->refused != NULL)
    return the_engine->refused;
  if (first == NULL)
    first = fake_certificate_new ("CN=self-signed.example", FAKE_FINGERPRINT, TESS_CERTIFICATE_UNKNOWN_ISSUER | TESS_CERTIFICATE_EXPIRED);
  return first;
}

TessCertificate *
fake_certificate_new (const char *subject, const char *fingerprint, TessCertificateFaults faults)
{
  static const char *const names[] = { "self-signed.example", "*.self-signed.example", "<b>chat</b>\342\200\256.example", NULL };
  TessCertificate *certificate = g_new0 (TessCertificate, 1);
  gint64 now = g_get_real_time ();

  certificate->fingerprint = g_strdup (fingerprint);
  certificate->key_fingerprint = g_utf8_strreverse (fingerprint, -1);
  certificate->subject = g_strdup (subject);
  certificate->issuer = g_strdup ("CN=Example Issuing Authority R3,O=Example <i>Trust</i> Services & Sons,C=AT");
  certificate->names = g_strdupv ((char **) names);
  certificate->not_before_us = now - 300 * DAY;
  certificate->not_after_us = (faults & TESS_CERTIFICATE_EXPIRED) != 0 ? now - 3 * DAY : now + 65 * DAY;
  certificate->key = g_strdup ("ECDSA 256");
  certificate->signature = g_strdup ("RSA-SHA256");
  certificate->faults = faults;
  return certificate;
}

void
fake_engine_set_refused (TessEngine *self, TessCertificate *certificate)
{
  g_clear_pointer (&self->refused, tess_certificate_free);
  self->refused = certificate;
}

const TessAccountRecord *
fake_engine_get_setup (TessEngine *self)
{
  return self->setup;
}

TessAccountRecord *
fake_engine_get_account (TessEngine *self)
{
  return self->account;
}

guint
fake_engine_get_n_connects (TessEngine *self)
{
  return self->n_connects;
}

static TessSecurityRecord *
security_new (TessAdvice advice)
{
  static const char *const mechanisms[] = { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN", NULL };
  TessSecurityRecord *security = tess_security_record_new ();
  gboolean plain = (advice & TESS_ADVICE_PASSWORD_SENT) != 0;
  gboolean bound = (advice & TESS_ADVICE_NO_BINDING) == 0 && !plain;
  TessCertificate *root;

  security->tls_version = g_strdup ((advice & TESS_ADVICE_OLD_TLS) != 0 ? "TLSv1.2" : "TLSv1.3");
  security->tls_cipher = g_strdup ("TLS_AES_256_GCM_SHA384");
  security->direct_tls = TRUE;
  security->host = g_strdup ("xmpp.example.org");
  security->sasl = g_strdup (plain ? "PLAIN" : bound ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256");
  security->channel_binding = bound ? g_strdup ("tls-exporter") : NULL;
  security->mechanisms = g_strdupv ((char **) mechanisms);
  security->since_us = g_get_real_time () - 2 * HOUR;
  security->advice = advice;
  g_ptr_array_add (security->chain, fake_certificate_new ("CN=example.org", FAKE_FINGERPRINT, TESS_CERTIFICATE_FINE));
  root = fake_certificate_new ("CN=Example Issuing Authority R3,O=Example Trust Services,C=AT", FAKE_OTHER_FINGERPRINT, TESS_CERTIFICATE_FINE);
  g_clear_pointer (&root->names, g_strfreev);
  g_ptr_array_add (security->chain, root);
  return security;
}

void
fake_engine_set_online (TessEngine *self, TessAdvice advice)
{
  TessEvent *event = tess_event_new (TESS_EVENT_CONNECTION, 1);

  event->connection = tess_connection_new (TESS_CONNECTION_ONLINE);
  event->connection->security = security_new (advice);
  event->connection->tls = g_strdup (event->connection->security->tls_version);
  event->connection->sasl = g_strdup (event->connection->security->sasl);
  emit (self, event);
}

void
tess_engine_read_certificate_async (TessEngine *self, GBytes *data, const char *passphrase, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) t = task (self, cancellable, callback, user_data);
  g_autofree char *text = g_strndup (g_bytes_get_data (data, NULL), g_bytes_get_size (data));

  if (strstr (text, "nothing") != NULL)
    g_task_return_new_error (t, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_CLIENT_CERTIFICATE,
                             "There is no certificate with its key in this file. Choose another one.");
  else if (strstr (text, "encrypted") != NULL && g_strcmp0 (passphrase, "open") != 0)
    g_task_return_new_error (t, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_PASSPHRASE_NEEDED,
                             passphrase == NULL ? "The file is encrypted. Enter its passphrase." : "This is not the passphrase of the file.");
  else
    {
      TessCredentials *credentials = tess_credentials_new ();
      tess_credentials_set (&credentials->certificate, text);
      g_task_return_pointer (t, credentials, (GDestroyNotify) tess_credentials_free);
    }
}

TessCredentials *
tess_engine_read_certificate_finish (TessEngine *self, GAsyncResult *result, TessCertificate **certificate, GError **error)
{
  TessCredentials *credentials = finish (result, error);

  if (credentials != NULL && certificate != NULL)
    *certificate = fake_certificate_new ("CN=Alice <Example>,O=Tiles", FAKE_OTHER_FINGERPRINT, TESS_CERTIFICATE_FINE);
  return credentials;
}
