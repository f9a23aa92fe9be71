/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-peer"

#include "config.h"

#include "base/tess-thread.h"
#include "base/tess-time.h"
#include "engine/tess-engine.h"
#include "model/tess-client.h"

#include <glib-unix.h>
#include <json-glib/json-glib.h>

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The scripted peer of src/README.md: a command a line on standard input, a JSON object a line on
 * standard output, one command after the other, over the same model that the window shows. */

#define WAIT_SECONDS 30
#define HISTORY_COUNT 50
#define HISTORY_PAGE 500
#define LINE_MAX_BYTES (1024 * 1024)

typedef struct _Peer Peer;

typedef struct
{
  const char *name;
  int least; /* words after the name */
  int most;
  void (*run) (Peer *self, char **words);
  const char *usage;
} Command;

struct _Peer
{
  GMainLoop *loop;
  GString *input; /* what was read and not run yet */
  gboolean ended; /* nothing follows */
  guint reader;   /* the source that goes on reading */
  char *data_dir;
  char *ca_file; /* nullable */
  TessClient *client;
  gboolean stopping;
  char *account; /* nullable: the address of the one that was logged in last */

  /* What was told of messages: row -> state. Rows up to `stored` were there at the start. */
  GHashTable *told;
  gint64 stored;
  GHashTable *seen;   /* account address -> set once something was told of its connection */
  GHashTable *events; /* name -> how many no `wait` has taken yet */

  /* The command that runs. */
  char *name; /* as it was written */
  const Command *command;
  char **words;
  char *waits_for; /* wait: the event */
  char *address;   /* login and logout: the account; else the other side */
  guint timeout;
  TessDeviceList *devices;
  gulong devices_handler;
  GPtrArray *pages; /* history: of GPtrArray of records, newest first */
  guint wanted;     /* history: how many are missing yet */
  void (*then) (Peer *self, TessConversation *conversation);
};

static const char *const event_names[] = { "online",  "offline", "message", "state",
                                           "contact", "devices", "error",   NULL };
static const char *const message_states[] = { "received",  "waiting", "sent",
                                              "delivered", "read",    "failed" };
static const char *const encryptions[] = { "none", "omemo", "unreadable" };
static const char *const trusts[] = { "undecided", "trusted", "verified", "distrusted", NULL };
static const char *const subscriptions[] = { "none", "to", "from", "both" };
static const char *const presences[] = { "offline", "xa", "dnd", "away", "online", "chat" };
static const char *const connections[] = { "offline", "connecting", "waiting", "online" };

static void read_command (Peer *self);
static void start_client (Peer *self);

/* ---- JSON ---- */

static void
put_string (JsonBuilder *json, const char *name, const char *value)
{
  json_builder_set_member_name (json, name);
  if (value != NULL)
    json_builder_add_string_value (json, value);
  else
    json_builder_add_null_value (json);
}

static void
put_int (JsonBuilder *json, const char *name, gint64 value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, value);
}

static void
put_boolean (JsonBuilder *json, const char *name, gboolean value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_boolean_value (json, value);
}

static void
put_time (JsonBuilder *json, const char *name, gint64 time_us)
{
  g_autofree char *text = time_us > 0 ? tess_time_format (time_us) : NULL;

  put_string (json, name, text);
}

/* An object that has begun with the member @kind: "event", "reply" or "error". */
static JsonBuilder *
begin (const char *kind, const char *value)
{
  JsonBuilder *json = json_builder_new ();

  json_builder_begin_object (json);
  put_string (json, kind, value);
  return json;
}

/* Prints the object as one line, and frees it. */
static void
print (JsonBuilder *json)
{
  G_GNUC_UNUSED g_autoptr (JsonBuilder) owned = json;
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *line = NULL;

  json_builder_end_object (json);
  root = json_builder_get_root (json);
  json_generator_set_root (generator, root);
  line = json_generator_to_data (generator, NULL);
  fputs (line, stdout);
  fputc ('\n', stdout);
  fflush (stdout);
}

/* ---- Commands, one after the other ---- */

static void
forget_command (Peer *self)
{
  for (char **word = self->words; word != NULL && *word != NULL; word++)
    explicit_bzero (*word, strlen (*word));
  g_clear_pointer (&self->words, g_strfreev);
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->waits_for, g_free);
  g_clear_pointer (&self->address, g_free);
  g_clear_handle_id (&self->timeout, g_source_remove);
  g_clear_signal_handler (&self->devices_handler, self->devices);
  g_clear_object (&self->devices);
  g_clear_pointer (&self->pages, g_ptr_array_unref);
  self->command = NULL;
  self->then = NULL;
}

static void
next (Peer *self)
{
  forget_command (self);
  if (!self->stopping)
    read_command (self);
}

static gboolean
running (Peer *self, const char *name)
{
  return self->command != NULL && g_str_equal (self->command->name, name);
}

/* What comes after the end is not told any more. */
static void
fail (Peer *self, const char *sentence)
{
  JsonBuilder *json;

  if (!self->stopping)
    {
      json = begin ("error", sentence);
      put_string (json, "command", self->name);
      print (json);
    }
  next (self);
}

static void
succeed_with (Peer *self, JsonBuilder *json)
{
  print (json);
  next (self);
}

static JsonBuilder *
begin_reply (Peer *self)
{
  return begin ("reply", self->command->name);
}

static void
succeed (Peer *self)
{
  succeed_with (self, begin_reply (self));
}

static void
tell (Peer *self, const char *event, JsonBuilder *json)
{
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (self->events, event)) + 1;

  print (json);
  if (running (self, "wait") && g_str_equal (self->waits_for, event))
    succeed (self);
  else
    g_hash_table_insert (self->events, (gpointer) g_intern_string (event),
                         GUINT_TO_POINTER (count));
}

/* ---- What is told ---- */

static const char *
account_address (Peer *self, gint64 account_id)
{
  GListModel *accounts = tess_client_get_accounts (self->client);

  for (guint i = 0; i < g_list_model_get_n_items (accounts); i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, i);

      if (tess_account_get_id (account) == account_id)
        return tess_account_get_address (account);
    }

  return NULL;
}

static void
put_message (Peer *self, JsonBuilder *json, const TessMessageRecord *record)
{
  gboolean encrypted = record->encryption != TESS_ENCRYPTION_NONE;

  put_string (json, "account", account_address (self, record->account_id));
  put_string (json, "jid", record->peer);
  put_string (json, "from", record->from);
  put_string (json, "id", record->stanza_id);
  put_string (json, "text", record->text);
  put_string (json, "direction", record->direction == TESS_MESSAGE_IN ? "in" : "out");
  put_string (json, "encryption", encryptions[record->encryption]);
  if (encrypted && record->device != 0)
    put_int (json, "device", record->device);
  else
    put_string (json, "device", NULL);
  put_string (json, "trust", encrypted ? trusts[record->trust] : NULL);
  put_string (json, "state", message_states[record->state]);
  put_time (json, "time", record->time_us);
}

/* @update: whether @record may be newer than what was told. */
static void
tell_message (Peer *self, const TessMessageRecord *record, gboolean update)
{
  gpointer old = g_hash_table_lookup (self->told, &record->id);
  gpointer state = GINT_TO_POINTER ((int) record->state + 1);
  gboolean created = old == NULL && record->id > self->stored;
  JsonBuilder *json;

  if (old == state || (old != NULL && !update))
    return;

  g_hash_table_insert (self->told, g_memdup2 (&record->id, sizeof record->id), state);
  json = begin ("event", created ? "message" : "state");
  if (created)
    put_message (self, json, record);
  else
    {
      put_string (json, "id", record->stanza_id);
      put_string (json, "state", message_states[record->state]);
      put_string (json, "reason", record->error);
    }
  tell (self, created ? "message" : "state", json);
}

static void
tell_online (Peer *self, TessAccount *account)
{
  JsonBuilder *json = begin ("event", "online");

  put_string (json, "account", tess_account_get_address (account));
  put_string (json, "tls", tess_account_get_tls (account));
  put_string (json, "sasl", tess_account_get_sasl (account));
  put_boolean (json, "resumed", tess_account_get_resumed (account));
  tell (self, "online", json);
}

static void
tell_connection (Peer *self, TessAccount *account)
{
  TessConnectionState state = tess_account_get_connection (account);
  const char *address = tess_account_get_address (account);
  int code = tess_account_get_error_code (account);
  JsonBuilder *json;

  if (state == TESS_CONNECTION_ONLINE)
    {
      g_hash_table_add (self->seen, g_strdup (address));
      tell_online (self, account);
      return;
    }

  /* An account of the database waits for its `login`: that is no news. */
  if (state == TESS_CONNECTION_CONNECTING || code == TESS_ENGINE_ERROR_PASSWORD_NEEDED ||
      (code == -1 && !g_hash_table_contains (self->seen, address)))
    return;

  json = begin ("event", "offline");
  put_string (json, "account", address);
  put_string (json, "reason", tess_account_get_error (account));
  tell (self, "offline", json);
}

static void
put_contact (JsonBuilder *json, const char *account, TessContact *contact)
{
  put_string (json, "account", account);
  put_string (json, "jid", tess_contact_get_address (contact));
  put_string (json, "name", tess_contact_get_name (contact));
  put_string (json, "subscription", subscriptions[tess_contact_get_subscription (contact)]);
  put_boolean (json, "in_roster", tess_contact_get_in_roster (contact));
  put_boolean (json, "asked", tess_contact_get_asked (contact));
  put_boolean (json, "request", tess_contact_get_asks (contact));
  put_string (json, "presence", presences[tess_contact_get_presence (contact)]);
  put_string (json, "status", tess_contact_get_status (contact));
}

static void
tell_contact (Peer *self, const TessEvent *event)
{
  const char *account_name = account_address (self, event->account_id);
  TessAccount *account =
      account_name != NULL ? tess_client_find_account (self->client, account_name) : NULL;
  TessContact *contact = NULL;
  JsonBuilder *json;

  if (account == NULL)
    return;

  json = begin ("event", "contact");
  if (event->type == TESS_EVENT_CONTACT)
    contact = tess_account_find_contact (account, event->contact->address);
  if (contact != NULL)
    put_contact (json, account_name, contact);
  else
    {
      put_string (json, "account", account_name);
      put_string (json, "jid", event->address);
      put_string (json, "subscription", "none");
      put_boolean (json, "in_roster", FALSE);
      put_boolean (json, "request", FALSE);
    }
  tell (self, "contact", json);
}

static void
put_device (JsonBuilder *json, const TessDeviceRecord *device)
{
  json_builder_begin_object (json);
  put_int (json, "id", device->id);
  put_string (json, "fingerprint", device->fingerprint);
  put_string (json, "trust", trusts[device->trust]);
  put_boolean (json, "own", device->own);
  put_boolean (json, "local", device->local);
  put_boolean (json, "active", device->active);
  put_time (json, "last_seen", device->last_seen_us);
  json_builder_end_object (json);
}

static void
tell_devices (Peer *self, const TessEvent *event)
{
  JsonBuilder *json = begin ("event", "devices");

  put_string (json, "account", account_address (self, event->account_id));
  put_string (json, "jid", event->address);
  json_builder_set_member_name (json, "devices");
  json_builder_begin_array (json);
  for (guint i = 0; i < event->devices->len; i++)
    put_device (json, event->devices->pdata[i]);
  json_builder_end_array (json);
  tell (self, "devices", json);
}

static void
tell_error (Peer *self, const char *account, const GError *error)
{
  JsonBuilder *json = begin ("event", "error");

  put_string (json, "account", account);
  put_string (json, "reason", error->message);
  tell (self, "error", json);
}

/* ---- login and logout ---- */

static TessAccount *
find_account (Peer *self, const char *address)
{
  return address != NULL ? tess_client_find_account (self->client, address) : NULL;
}

static void
connection_changed (Peer *self, gint64 account_id)
{
  TessAccount *account = find_account (self, account_address (self, account_id));
  TessConnectionState state;

  if (account == NULL)
    return;

  tell_connection (self, account);
  if (g_strcmp0 (tess_account_get_address (account), self->address) != 0)
    return;

  state = tess_account_get_connection (account);
  if (running (self, "logout") && state == TESS_CONNECTION_OFFLINE)
    succeed (self);
  else if (running (self, "login") && state == TESS_CONNECTION_ONLINE)
    succeed (self);
  else if (running (self, "login") && state != TESS_CONNECTION_CONNECTING &&
           tess_account_get_error (account) != NULL &&
           tess_account_get_error_code (account) != TESS_ENGINE_ERROR_PASSWORD_NEEDED)
    fail (self, tess_account_get_error (account));
}

static void
account_added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessAccount) account = NULL;

  account = tess_client_add_account_finish (TESS_CLIENT (source), result, NULL, &error);
  if (self->stopping)
    return;
  if (account == NULL)
    {
      fail (self, error->message);
      return;
    }

  /* It is online, or the event that says so is on its way. */
  if (tess_account_get_connection (account) == TESS_CONNECTION_ONLINE)
    succeed (self);
}

typedef struct
{
  char *server; /* nullable */
  guint16 port;
  TessAccountTls tls;
  const char *ca_file; /* nullable */
  gboolean given;
} LoginOptions;

/* HOST:PORT, [IPv6]:PORT or HOST. */
static gboolean
parse_server (LoginOptions *options, const char *text)
{
  g_autoptr (GSocketConnectable) address = g_network_address_parse (text, 0, NULL);

  if (address == NULL)
    return FALSE;

  g_free (options->server);
  options->server = g_strdup (g_network_address_get_hostname (G_NETWORK_ADDRESS (address)));
  options->port = g_network_address_get_port (G_NETWORK_ADDRESS (address));
  return TRUE;
}

static gboolean
parse_login (LoginOptions *options, char **words)
{
  for (char **word = words + 2; *word != NULL; word += 2)
    {
      const char *value = word[1];

      if (value == NULL)
        return FALSE;
      if (g_str_equal (*word, "--ca"))
        options->ca_file = value;
      else if (g_str_equal (*word, "--server") && parse_server (options, value))
        options->given = TRUE;
      else if (g_str_equal (*word, "--tls") && g_str_equal (value, "direct"))
        options->tls = TESS_ACCOUNT_TLS_DIRECT;
      else if (g_str_equal (*word, "--tls") && g_str_equal (value, "starttls"))
        options->tls = TESS_ACCOUNT_TLS_STARTTLS;
      else
        return FALSE;
    }
  options->given = options->given || options->tls != TESS_ACCOUNT_TLS_AUTOMATIC;
  return TRUE;
}

static void
login_now (Peer *self, const LoginOptions *options, const char *password)
{
  TessAccount *account = find_account (self, self->address);
  g_autoptr (TessCredentials) credentials = tess_credentials_new ();

  tess_credentials_set (&credentials->password, password);
  g_free (self->account);
  self->account = g_strdup (self->address);
  if (account == NULL)
    {
      g_autoptr (TessAccountRecord) setup = tess_account_record_new (self->address);

      setup->host = g_strdup (options->server);
      setup->port = options->port;
      setup->tls = options->tls;
      tess_client_add_account_async (self->client, setup, credentials, NULL, account_added_cb,
                                     self);
      return;
    }

  if (tess_account_get_connection (account) == TESS_CONNECTION_ONLINE)
    {
      tell_online (self, account);
      succeed (self);
      return;
    }

  if (options->given)
    tess_account_set_server (account, options->server, options->port, options->tls);
  tess_account_set_enabled (account, TRUE);
  tess_account_connect (account, credentials, FALSE);
}

/* The engine takes its certificates when it is made: others need another engine, which nobody may
 * be using. */
static gboolean
change_ca (Peer *self, const char *ca_file)
{
  GListModel *accounts = tess_client_get_accounts (self->client);

  for (guint i = 0; i < g_list_model_get_n_items (accounts); i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, i);

      if (tess_account_get_connection (account) != TESS_CONNECTION_OFFLINE)
        return FALSE;
    }

  tess_client_stop (self->client);
  g_object_unref (self->client);
  g_free (self->ca_file);
  self->ca_file = g_strdup (ca_file);
  start_client (self);
  return TRUE;
}

static void
run_login (Peer *self, char **words)
{
  LoginOptions options = { NULL };
  g_autofree char *server = NULL;
  g_autoptr (GError) error = NULL;
  gboolean good = parse_login (&options, words);

  server = options.server;
  if (!good)
    {
      fail (self, "The options are --server HOST:PORT, --tls direct|starttls, --ca FILE.");
      return;
    }
  if (!tess_engine_check_address (words[0], &self->address, &error))
    {
      fail (self, error->message);
      return;
    }
  if (options.ca_file != NULL && g_strcmp0 (options.ca_file, self->ca_file) != 0)
    {
      /* It comes here again when the database is open. */
      if (!change_ca (self, options.ca_file))
        fail (self, "Another CA file is in use; log out first.");
      return;
    }
  login_now (self, &options, words[1]);
}

static void
run_logout (Peer *self, char **words)
{
  g_autoptr (GError) error = NULL;
  TessAccount *account;

  if (!tess_engine_check_address (words[0], &self->address, &error))
    {
      fail (self, error->message);
      return;
    }

  account = find_account (self, self->address);
  if (account == NULL)
    fail (self, "There is no such account.");
  else if (tess_account_get_connection (account) == TESS_CONNECTION_OFFLINE)
    succeed (self);
  else
    tess_account_disconnect (account);
}

static void
run_accounts (Peer *self, char **words)
{
  GListModel *accounts = tess_client_get_accounts (self->client);
  JsonBuilder *json = begin_reply (self);

  json_builder_set_member_name (json, "accounts");
  json_builder_begin_array (json);
  for (guint i = 0; i < g_list_model_get_n_items (accounts); i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, i);

      json_builder_begin_object (json);
      put_string (json, "account", tess_account_get_address (account));
      put_string (json, "connection", connections[tess_account_get_connection (account)]);
      put_boolean (json, "enabled", tess_account_get_enabled (account));
      put_string (json, "reason", tess_account_get_error (account));
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  succeed_with (self, json);
}

/* ---- Conversations ---- */

/* The account that commands are about: the one that was logged in last, else the only one. */
static TessAccount *
current_account (Peer *self)
{
  GListModel *accounts = tess_client_get_accounts (self->client);
  g_autoptr (TessAccount) first = g_list_model_get_item (accounts, 0);
  TessAccount *account = find_account (self, self->account);

  /* The list keeps it. */
  return account != NULL ? account : first;
}

static void
chat_opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessConversation) conversation = NULL;

  conversation = tess_client_open_chat_finish (TESS_CLIENT (source), result, &error);
  if (self->stopping)
    return;
  if (conversation != NULL)
    self->then (self, conversation);
  else
    fail (self, error->message);
}

static void
with_chat (Peer *self,
           const char *address,
           void (*then) (Peer *self, TessConversation *conversation))
{
  TessAccount *account = current_account (self);

  self->then = then;
  if (account != NULL)
    tess_client_open_chat_async (self->client, account, address, NULL, chat_opened_cb, self);
  else
    fail (self, "There is no account yet; log in first.");
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessMessage) message = NULL;
  JsonBuilder *json;

  message = tess_conversation_send_finish (TESS_CONVERSATION (source), result, &error);
  if (self->stopping)
    return;
  if (message == NULL)
    {
      fail (self, error->message);
      return;
    }

  tell_message (self, tess_message_get_record (message), FALSE);
  json = begin_reply (self);
  put_string (json, "id", tess_message_get_record (message)->stanza_id);
  succeed_with (self, json);
}

static void
send_there (Peer *self, TessConversation *conversation)
{
  tess_conversation_send_async (conversation, self->words[2], NULL, sent_cb, self);
}

static void
run_send (Peer *self, char **words)
{
  with_chat (self, words[0], send_there);
}

static void
encrypt_there (Peer *self, TessConversation *conversation)
{
  tess_conversation_set_encryption (conversation, g_str_equal (self->words[2], "on")
                                                      ? TESS_CONVERSATION_ENCRYPTED
                                                      : TESS_CONVERSATION_PLAIN);
  succeed (self);
}

static void
run_encrypt (Peer *self, char **words)
{
  if (g_str_equal (words[1], "on") || g_str_equal (words[1], "off"))
    with_chat (self, words[0], encrypt_there);
  else
    fail (self, "Say on or off.");
}

static void
print_history (Peer *self)
{
  JsonBuilder *json = begin_reply (self);

  json_builder_set_member_name (json, "messages");
  json_builder_begin_array (json);
  for (guint i = self->pages->len; i > 0; i--)
    {
      GPtrArray *page = self->pages->pdata[i - 1];

      for (guint k = 0; k < page->len; k++)
        {
          json_builder_begin_object (json);
          put_message (self, json, page->pdata[k]);
          json_builder_end_object (json);
        }
    }
  json_builder_end_array (json);
  succeed_with (self, json);
}

static void history_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data);

static void
load_history (Peer *self, TessConversation *conversation)
{
  gint64 time_us = G_MAXINT64, id = G_MAXINT64;

  if (self->pages->len > 0)
    {
      const GPtrArray *page = self->pages->pdata[self->pages->len - 1];
      const TessMessageRecord *oldest = page->pdata[0];

      time_us = oldest->time_us;
      id = oldest->id;
    }
  tess_conversation_load_history_async (conversation, time_us, id, MIN (self->wanted, HISTORY_PAGE),
                                        NULL, history_loaded_cb, self);
}

static void
history_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) page = NULL;
  guint asked;

  page = tess_conversation_load_history_finish (TESS_CONVERSATION (source), result, &error);
  if (self->stopping)
    return;
  if (page == NULL)
    {
      fail (self, error->message);
      return;
    }

  asked = MIN (self->wanted, HISTORY_PAGE);
  self->wanted -= MIN (self->wanted, page->len);
  if (page->len > 0)
    g_ptr_array_add (self->pages, g_ptr_array_ref (page));
  if (page->len < asked || self->wanted == 0)
    print_history (self);
  else
    load_history (self, TESS_CONVERSATION (source));
}

static void
run_history (Peer *self, char **words)
{
  guint64 count = HISTORY_COUNT;

  if (words[1] != NULL && !g_ascii_string_to_unsigned (words[1], 10, 1, 1000 * 1000, &count, NULL))
    {
      fail (self, "The count is a number from 1 to 1000000.");
      return;
    }

  self->wanted = (guint) count;
  self->pages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  with_chat (self, words[0], load_history);
}

/* ---- Contacts ---- */

static void
run_roster (Peer *self, char **words)
{
  TessAccount *account = current_account (self);
  GListModel *contacts;
  JsonBuilder *json;

  if (account == NULL)
    {
      fail (self, "There is no account yet; log in first.");
      return;
    }

  contacts = tess_account_get_contacts (account);
  json = begin_reply (self);
  json_builder_set_member_name (json, "contacts");
  json_builder_begin_array (json);
  for (guint i = 0; i < g_list_model_get_n_items (contacts); i++)
    {
      g_autoptr (TessContact) contact = g_list_model_get_item (contacts, i);

      json_builder_begin_object (json);
      put_contact (json, tess_account_get_address (account), contact);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  succeed_with (self, json);
}

static void
contact_changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean done = tess_account_change_contact_finish (TESS_ACCOUNT (source), result, &error);

  if (self->stopping)
    return;
  if (done)
    succeed (self);
  else
    fail (self, error->message);
}

static void
change_contact (Peer *self, const char *text, TessContactAction action)
{
  TessAccount *account = current_account (self);
  g_autoptr (GError) error = NULL;

  if (account == NULL)
    fail (self, "There is no account yet; log in first.");
  else if (!tess_engine_check_address (text, &self->address, &error))
    fail (self, error->message);
  else
    tess_account_change_contact_async (account, self->address, action, NULL, NULL,
                                       contact_changed_cb, self);
}

static void
run_add (Peer *self, char **words)
{
  change_contact (self, words[0], TESS_CONTACT_ADD);
}

static void
run_accept (Peer *self, char **words)
{
  change_contact (self, words[0], TESS_CONTACT_ACCEPT);
}

static void
run_refuse (Peer *self, char **words)
{
  change_contact (self, words[0], TESS_CONTACT_REFUSE);
}

static void
run_remove (Peer *self, char **words)
{
  change_contact (self, words[0], TESS_CONTACT_REMOVE);
}

/* ---- Devices ---- */

static void
print_devices (Peer *self, GListModel *devices)
{
  JsonBuilder *json = begin_reply (self);

  json_builder_set_member_name (json, "devices");
  json_builder_begin_array (json);
  for (guint i = 0; i < g_list_model_get_n_items (devices); i++)
    {
      g_autoptr (TessDevice) device = g_list_model_get_item (devices, i);
      TessDeviceRecord record = {
        .id = tess_device_get_id (device),
        .fingerprint = (char *) tess_device_get_fingerprint (device),
        .trust = tess_device_get_trust (device),
        .own = tess_device_get_own (device),
        .local = tess_device_get_local (device),
        .active = tess_device_get_active (device),
        .last_seen_us = tess_device_get_last_seen (device),
      };

      put_device (json, &record);
    }
  json_builder_end_array (json);
  succeed_with (self, json);
}

static void
print_fingerprint (Peer *self, GListModel *devices)
{
  g_autoptr (TessDevice) device = g_list_model_get_item (devices, 0);
  JsonBuilder *json;

  if (device == NULL || !tess_device_get_local (device))
    {
      fail (self, "This device has no key yet; log in first.");
      return;
    }

  json = begin_reply (self);
  put_string (json, "account", tess_device_list_get_address (self->devices));
  put_int (json, "device", tess_device_get_id (device));
  put_string (json, "fingerprint", tess_device_get_fingerprint (device));
  succeed_with (self, json);
}

static void
trust_set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean done = tess_device_list_set_trust_finish (TESS_DEVICE_LIST (source), result, &error);

  if (self->stopping)
    return;
  if (done)
    succeed (self);
  else
    fail (self, error->message);
}

static int
find_word (const char *const *words, const char *word)
{
  for (int i = 0; words[i] != NULL; i++)
    if (g_str_equal (words[i], word))
      return i;

  return -1;
}

static void
set_trust (Peer *self, GListModel *devices)
{
  int trust = find_word (trusts, self->words[3]);

  for (guint i = 0; i < g_list_model_get_n_items (devices); i++)
    {
      g_autoptr (TessDevice) device = g_list_model_get_item (devices, i);
      g_autofree char *id = g_strdup_printf ("%u", tess_device_get_id (device));

      if (g_str_equal (id, self->words[2]))
        {
          tess_device_list_set_trust_async (self->devices, device, (TessTrust) trust, NULL,
                                            trust_set_cb, self);
          return;
        }
    }
  fail (self, "There is no such device.");
}

static void
devices_loaded_cb (Peer *self)
{
  g_clear_signal_handler (&self->devices_handler, self->devices);
  if (running (self, "devices"))
    print_devices (self, G_LIST_MODEL (self->devices));
  else if (running (self, "trust"))
    set_trust (self, G_LIST_MODEL (self->devices));
  else
    print_fingerprint (self, G_LIST_MODEL (self->devices));
}

/* @text: (nullable): NULL for the own devices */
static void
load_devices (Peer *self, const char *text)
{
  TessAccount *account = current_account (self);
  g_autoptr (GError) error = NULL;

  if (account == NULL)
    fail (self, "There is no account yet; log in first.");
  else if (text != NULL && !tess_engine_check_address (text, &self->address, &error))
    fail (self, error->message);
  else
    {
      self->devices = tess_account_get_devices (account, self->address);
      self->devices_handler = g_signal_connect_swapped (self->devices, "notify::loading",
                                                        G_CALLBACK (devices_loaded_cb), self);
    }
}

static void
run_devices (Peer *self, char **words)
{
  load_devices (self, words[0]);
}

static void
run_trust (Peer *self, char **words)
{
  if (find_word (trusts, words[2]) < 0)
    fail (self, "Say verified, trusted, undecided or distrusted.");
  else
    load_devices (self, words[0]);
}

static void
run_fingerprint (Peer *self, char **words)
{
  load_devices (self, NULL);
}

static void
uri_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = tess_account_load_uri_finish (TESS_ACCOUNT (source), result, &error);
  JsonBuilder *json;

  if (self->stopping)
    return;
  if (uri == NULL)
    {
      fail (self, error->message);
      return;
    }

  json = begin_reply (self);
  put_string (json, "uri", uri);
  succeed_with (self, json);
}

static void
run_uri (Peer *self, char **words)
{
  TessAccount *account = current_account (self);

  if (account != NULL)
    tess_account_load_uri_async (account, NULL, uri_loaded_cb, self);
  else
    fail (self, "There is no account yet; log in first.");
}

/* ---- wait, help, quit ---- */

static gboolean
wait_timeout_cb (gpointer user_data)
{
  Peer *self = user_data;
  g_autofree char *sentence = g_strdup_printf ("No %s came in time.", self->waits_for);

  self->timeout = 0;
  fail (self, sentence);
  return G_SOURCE_REMOVE;
}

/* Each `wait` takes one event of its name: one that came and was not taken yet, or the next. */
static void
run_wait (Peer *self, char **words)
{
  guint64 seconds = WAIT_SECONDS;
  guint count;

  if (find_word (event_names, words[0]) < 0)
    {
      fail (self, "There is no such event.");
      return;
    }
  if (words[1] != NULL && !g_ascii_string_to_unsigned (words[1], 10, 0, 86400, &seconds, NULL))
    {
      fail (self, "The seconds are a number from 0 to 86400.");
      return;
    }

  count = GPOINTER_TO_UINT (g_hash_table_lookup (self->events, words[0]));
  if (count > 0)
    {
      g_hash_table_insert (self->events, (gpointer) g_intern_string (words[0]),
                           GUINT_TO_POINTER (count - 1));
      succeed (self);
      return;
    }
  self->waits_for = g_strdup (words[0]);
  self->timeout = g_timeout_add_seconds ((guint) seconds, wait_timeout_cb, self);
}

static void run_help (Peer *self, char **words);

static void
stop (Peer *self)
{
  self->stopping = TRUE;
  g_main_loop_quit (self->loop);
}

static void
run_quit (Peer *self, char **words)
{
  stop (self);
}

static const Command commands[] = {
  { "login", 2, 8, run_login,
    "login JID PASSWORD [--server HOST:PORT] [--tls direct|starttls] [--ca FILE]" },
  { "logout", 1, 1, run_logout, "logout JID" },
  { "accounts", 0, 0, run_accounts, "accounts" },
  { "send", 2, 2, run_send, "send JID TEXT" },
  { "encrypt", 2, 2, run_encrypt, "encrypt JID on|off" },
  { "history", 1, 2, run_history, "history JID [COUNT]" },
  { "roster", 0, 0, run_roster, "roster" },
  { "add", 1, 1, run_add, "add JID" },
  { "accept", 1, 1, run_accept, "accept JID" },
  { "refuse", 1, 1, run_refuse, "refuse JID" },
  { "remove", 1, 1, run_remove, "remove JID" },
  { "devices", 1, 1, run_devices, "devices JID" },
  { "trust", 3, 3, run_trust, "trust JID DEVICE verified|trusted|undecided|distrusted" },
  { "fingerprint", 0, 0, run_fingerprint, "fingerprint" },
  { "uri", 0, 0, run_uri, "uri" },
  { "wait", 1, 2, run_wait, "wait EVENT [SECONDS]" },
  { "help", 0, 0, run_help, "help" },
  { "quit", 0, 0, run_quit, "quit" },
};

static void
run_help (Peer *self, char **words)
{
  JsonBuilder *json = begin_reply (self);

  json_builder_set_member_name (json, "commands");
  json_builder_begin_array (json);
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    json_builder_add_string_value (json, commands[i].usage);
  json_builder_end_array (json);
  succeed_with (self, json);
}

/* ---- Reading ---- */

static const Command *
find_command (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (commands[i].name, name))
      return &commands[i];

  return NULL;
}

/* A command that needs no database runs without one. */
static void
run_command (Peer *self)
{
  TessClientState state = tess_client_get_state (self->client);

  if (state == TESS_CLIENT_STARTING)
    return; /* until OPENED or OPEN_FAILED */
  if (state == TESS_CLIENT_FAILED && !running (self, "help") && !running (self, "quit") &&
      !running (self, "wait"))
    {
      fail (self, tess_client_get_error (self->client)->message);
      return;
    }
  self->command->run (self, self->words + 1);
}

/* Takes @line. GLib's own errors repeat the line, and with it perhaps a password. */
static void
take_line (Peer *self, char *line)
{
  G_GNUC_UNUSED g_autofree char *owned = line;
  g_autofree char *usage = NULL;
  g_autoptr (GError) error = NULL;
  int count = 0;
  gboolean good = g_utf8_validate (line, -1, NULL);

  if (good)
    {
      g_autofree char *stripped = g_strstrip (g_strdup (line));

      self->name = g_strndup (stripped, strcspn (stripped, " \t"));
      explicit_bzero (stripped, strlen (stripped));
      good = g_shell_parse_argv (line, &count, &self->words, &error);
    }
  explicit_bzero (line, strlen (line));
  if (g_error_matches (error, G_SHELL_ERROR, G_SHELL_ERROR_EMPTY_STRING))
    {
      next (self);
      return;
    }
  if (!good)
    {
      fail (self, error != NULL ? "The quotes do not match." : "The line is not UTF-8.");
      return;
    }

  self->command = find_command (self->words[0]);
  if (self->command == NULL)
    fail (self, "There is no such command; try help.");
  else if (count - 1 < self->command->least || count - 1 > self->command->most)
    {
      usage = g_strdup_printf ("It goes: %s", self->command->usage);
      fail (self, usage);
    }
  else
    run_command (self);
}

/* The first line of what was read, (transfer full) (nullable). */
static char *
take_input (Peer *self)
{
  const char *end = memchr (self->input->str, '\n', self->input->len);
  gsize length = end != NULL ? (gsize) (end - self->input->str) : self->input->len;
  char *line;

  if (end == NULL && (!self->ended || length == 0))
    return NULL;

  line = g_strndup (self->input->str, length);
  explicit_bzero (self->input->str, length);
  g_string_erase (self->input, 0, (gssize) (end != NULL ? length + 1 : length));
  return line;
}

static gboolean
input_cb (int fd, GIOCondition condition, gpointer user_data)
{
  Peer *self = user_data;
  char bytes[4096];
  gssize count = read (fd, bytes, sizeof bytes);

  if (count < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;

  self->reader = 0;
  if (count > 0)
    g_string_append_len (self->input, bytes, count);
  self->ended = count <= 0 || self->input->len > LINE_MAX_BYTES;
  explicit_bzero (bytes, sizeof bytes);
  read_command (self);
  return G_SOURCE_REMOVE;
}

static gboolean
read_command_cb (gpointer user_data)
{
  Peer *self = user_data;
  char *line = take_input (self);

  self->reader = 0;
  if (line != NULL)
    take_line (self, line);
  else if (self->ended)
    stop (self);
  else
    self->reader = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, input_cb, self);
  return G_SOURCE_REMOVE;
}

/* In a turn of its own, so that a thousand commands in one read are no thousand calls deep. */
static void
read_command (Peer *self)
{
  self->reader = g_idle_add_full (G_PRIORITY_DEFAULT, read_command_cb, self, NULL);
}

/* ---- The model ---- */

static void
event_cb (TessClient *client, const TessEvent *event, Peer *self)
{
  switch (event->type)
    {
    case TESS_EVENT_CONVERSATION:
      if (tess_client_get_state (client) == TESS_CLIENT_STARTING &&
          event->conversation->last != NULL)
        self->stored = MAX (self->stored, event->conversation->last->id);
      break;
    case TESS_EVENT_MESSAGES:
      for (guint i = 0; i < event->messages->len; i++)
        tell_message (self, event->messages->pdata[i], TRUE);
      break;
    case TESS_EVENT_CONNECTION:
      connection_changed (self, event->account_id);
      break;
    case TESS_EVENT_CONTACT:
      if (tess_client_get_state (client) != TESS_CLIENT_STARTING)
        tell_contact (self, event);
      break;
    case TESS_EVENT_CONTACT_REMOVED:
      tell_contact (self, event);
      break;
    case TESS_EVENT_DEVICES:
      tell_devices (self, event);
      break;
    case TESS_EVENT_PROBLEM:
      tell_error (self, account_address (self, event->account_id), event->error);
      break;
    case TESS_EVENT_OPEN_FAILED:
      tell_error (self, NULL, event->error);
      break;
    default:
      break;
    }

  /* A command may have come before the database was open. */
  if ((event->type == TESS_EVENT_OPENED || event->type == TESS_EVENT_OPEN_FAILED) &&
      self->command != NULL)
    {
      g_clear_pointer (&self->address, g_free);
      run_command (self);
    }
}

static void
start_client (Peer *self)
{
  self->client = tess_client_new (self->data_dir, self->ca_file, NULL);
  g_signal_connect (self->client, "event", G_CALLBACK (event_cb), self);
  tess_client_start (self->client);
}

static gboolean
signal_cb (gpointer user_data)
{
  stop (user_data);
  return G_SOURCE_CONTINUE;
}

/* Everything of GLib and its libraries goes below @home too; before anything has asked for it. */
static char *
move_in (const char *home)
{
  static const char *const dirs[][2] = {
    { "XDG_DATA_HOME", "data" },
    { "XDG_CONFIG_HOME", "config" },
    { "XDG_CACHE_HOME", "cache" },
    { "XDG_STATE_HOME", "state" },
  };
  g_autofree char *full = g_canonicalize_filename (home, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (dirs); i++)
    {
      g_autofree char *path = g_build_filename (full, dirs[i][1], NULL);

      g_setenv (dirs[i][0], path, TRUE);
    }
  return g_build_filename (full, "data", "tessera", NULL);
}

static gboolean
parse_arguments (Peer *self, int *argc, char ***argv)
{
  g_autofree char *home = NULL;
  g_autoptr (GError) error = NULL;
  GOptionEntry entries[] = {
    { "home", 0, 0, G_OPTION_ARG_FILENAME, &home, "Keep everything under DIR", "DIR" },
    { "ca", 0, 0, G_OPTION_ARG_FILENAME, &self->ca_file, "Trust the certificates in FILE", "FILE" },
    { NULL },
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- a scripted Tessera; `help` lists the commands");

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, &error) || home == NULL || *argc > 1)
    {
      g_printerr ("tessera-peer: %s\n",
                  error != NULL ? error->message : "it goes: tessera-peer --home DIR [--ca FILE]");
      return FALSE;
    }

  self->data_dir = move_in (home);
  if (self->ca_file == NULL)
    self->ca_file = g_strdup (g_getenv ("TESSERA_CA_FILE"));
  return TRUE;
}

static void
finish (Peer *self)
{
  self->stopping = TRUE;
  forget_command (self);
  tess_client_stop (self->client);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&self->client);
  g_clear_handle_id (&self->reader, g_source_remove);
  g_string_free (self->input, TRUE);
  g_hash_table_unref (self->told);
  g_hash_table_unref (self->seen);
  g_hash_table_unref (self->events);
  g_main_loop_unref (self->loop);
  g_free (self->account);
}

int
main (int argc, char **argv)
{
  Peer self = { NULL };
  guint handlers[2];

  setlocale (LC_ALL, "");
  g_log_writer_default_set_use_stderr (TRUE);
  if (!parse_arguments (&self, &argc, &argv))
    return 2;

  tess_thread_set_role (TESS_THREAD_MAIN);
  self.loop = g_main_loop_new (NULL, FALSE);
  self.told = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self.events = g_hash_table_new (g_str_hash, g_str_equal);
  self.input = g_string_new (NULL);
  handlers[0] = g_unix_signal_add (SIGTERM, signal_cb, &self);
  handlers[1] = g_unix_signal_add (SIGINT, signal_cb, &self);
  start_client (&self);
  read_command (&self);

  if (!self.stopping)
    g_main_loop_run (self.loop);

  g_source_remove (handlers[0]);
  g_source_remove (handlers[1]);
  finish (&self);
  g_free (self.data_dir);
  g_free (self.ca_file);
  return 0;
}
