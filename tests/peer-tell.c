/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-peer"

#include "config.h"

#include "peer-private.h"

#include "base/tess-time.h"

#include <stdio.h>
#include <string.h>

const char *const peer_event_names[] = { "online",  "offline", "message",     "state", "contact",
                                         "devices", "error",   "credentials", NULL };
const char *const peer_message_states[] = { "received",  "waiting", "sent",
                                            "delivered", "read",    "failed" };
const char *const peer_encryptions[] = { "none", "omemo", "unreadable" };
const char *const peer_trusts[] = { "undecided", "trusted", "verified", "distrusted", NULL };
const char *const peer_subscriptions[] = { "none", "to", "from", "both" };
const char *const peer_presences[] = { "offline", "xa", "dnd", "away", "online", "chat" };
const char *const peer_connections[] = { "offline", "connecting", "waiting", "online" };

/* ---- JSON ---- */

void
peer_put_string (JsonBuilder *json, const char *name, const char *value)
{
  json_builder_set_member_name (json, name);
  if (value != NULL)
    json_builder_add_string_value (json, value);
  else
    json_builder_add_null_value (json);
}

void
peer_put_int (JsonBuilder *json, const char *name, gint64 value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, value);
}

void
peer_put_boolean (JsonBuilder *json, const char *name, gboolean value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_boolean_value (json, value);
}

static void
put_time (JsonBuilder *json, const char *name, gint64 time_us)
{
  g_autofree char *text = time_us > 0 ? tess_time_format (time_us) : NULL;

  peer_put_string (json, name, text);
}

/* An object that has begun with the member @kind: "event", "reply" or "error". */
JsonBuilder *
peer_begin (const char *kind, const char *value)
{
  JsonBuilder *json = json_builder_new ();

  json_builder_begin_object (json);
  peer_put_string (json, kind, value);
  return json;
}

/* Prints the object as one line, and frees it. */
void
peer_print (JsonBuilder *json)
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

/* ---- What is seen of a connection ---- */

static void
put_bits (JsonBuilder *json, const char *name, guint bits, const char *const *names)
{
  json_builder_set_member_name (json, name);
  json_builder_begin_array (json);
  for (guint i = 0; names[i] != NULL; i++)
    if (bits & (1u << i))
      json_builder_add_string_value (json, names[i]);
  json_builder_end_array (json);
}

static void
put_strings (JsonBuilder *json, const char *name, char **values)
{
  json_builder_set_member_name (json, name);
  json_builder_begin_array (json);
  for (char **value = values; value != NULL && *value != NULL; value++)
    json_builder_add_string_value (json, *value);
  json_builder_end_array (json);
}

void
peer_put_certificate (JsonBuilder *json, const TessCertificate *certificate)
{
  static const char *const faults[] = {
    "unknown-issuer", "other-name", "not-yet-valid", "expired",   "revoked",
    "insecure",       "broken",     "not-pinned",    "other-key", NULL
  };

  if (certificate == NULL)
    {
      json_builder_add_null_value (json);
      return;
    }
  json_builder_begin_object (json);
  peer_put_string (json, "fingerprint", certificate->fingerprint);
  peer_put_string (json, "key_fingerprint", certificate->key_fingerprint);
  peer_put_string (json, "subject", certificate->subject);
  peer_put_string (json, "issuer", certificate->issuer);
  put_strings (json, "names", certificate->names);
  put_time (json, "not_before", certificate->not_before_us);
  put_time (json, "not_after", certificate->not_after_us);
  peer_put_string (json, "key", certificate->key);
  peer_put_string (json, "signature", certificate->signature);
  put_bits (json, "faults", certificate->faults, faults);
  json_builder_end_object (json);
}

void
peer_put_security (JsonBuilder *json, const TessSecurityRecord *security)
{
  static const char *const advice[] = { "old-tls",       "no-binding",       "password-sent",
                                        "old-hash",      "plain-offered",    "list-unproven",
                                        "pinned",        "certificate-ends", "weak-key",
                                        "no-management", "no-archive",       NULL };

  if (security == NULL)
    {
      json_builder_add_null_value (json);
      return;
    }
  json_builder_begin_object (json);
  peer_put_string (json, "tls", security->tls_version);
  peer_put_string (json, "cipher", security->tls_cipher);
  peer_put_boolean (json, "direct", security->direct_tls);
  peer_put_string (json, "host", security->host);
  peer_put_string (json, "proxy", security->proxy);
  json_builder_set_member_name (json, "chain");
  json_builder_begin_array (json);
  for (guint i = 0; i < security->chain->len; i++)
    peer_put_certificate (json, security->chain->pdata[i]);
  json_builder_end_array (json);
  peer_put_string (json, "sasl", security->sasl);
  peer_put_string (json, "binding", security->channel_binding);
  put_strings (json, "mechanisms", security->mechanisms);
  peer_put_boolean (json, "sasl2", security->sasl2);
  peer_put_boolean (json, "fast", security->fast);
  peer_put_boolean (json, "list_proven", security->list_proven);
  put_time (json, "since", security->since_us);
  put_bits (json, "advice", security->advice, advice);
  json_builder_end_object (json);
}

/* Of an account: what it remembers of its connections, and what is set. */
void
peer_put_record (JsonBuilder *json, const TessAccountRecord *record)
{
  peer_put_boolean (json, "scram_seen", record->scram_seen);
  peer_put_boolean (json, "binding_seen", record->binding_seen);
  peer_put_string (json, "pin", record->pin);
  peer_put_boolean (json, "remember_key", record->remember_key);
  peer_put_string (json, "server_key", record->server_key);
  peer_put_string (json, "certificate", record->certificate);
  peer_put_boolean (json, "keep_key", record->keep_key);
}

/* By the order of TessEngineError. */
static const char *const error_codes[] = {
  "failed",
  "invalid-address",
  "exists",
  "not-found",
  "offline",
  "no-such-server",
  "unreachable",
  "no-network",
  "no-tls",
  "bad-certificate",
  "certificate-changed",
  "client-certificate",
  "passphrase-needed",
  "proxy",
  "server-unproven",
  "weakened",
  "no-mechanism",
  "not-authorized",
  "password-needed",
  "conflict",
  "connection",
  "no-devices",
  "needs-decision",
  "bad-code",
  "database-damaged",
  "database-newer",
  "database-in-use",
  "database-full",
  "database",
};
G_STATIC_ASSERT (G_N_ELEMENTS (error_codes) == TESS_ENGINE_ERROR_DATABASE + 1);

/* Why something failed: the members "code" and, where one was refused, "certificate". */
void
peer_put_trouble (JsonBuilder *json, int code, const TessCertificate *certificate)
{
  peer_put_string (json, "code",
                   code >= 0 && code < (int) G_N_ELEMENTS (error_codes) ? error_codes[code] : NULL);
  if (certificate == NULL)
    return;
  json_builder_set_member_name (json, "certificate");
  peer_put_certificate (json, certificate);
}

/* ---- What is told ---- */

const char *
peer_account_address (Peer *self, gint64 account_id)
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

void
peer_put_message (Peer *self, JsonBuilder *json, const TessMessageRecord *record)
{
  gboolean encrypted = record->encryption != TESS_ENCRYPTION_NONE;

  peer_put_string (json, "account", peer_account_address (self, record->account_id));
  peer_put_string (json, "jid", record->peer);
  peer_put_string (json, "from", record->from);
  peer_put_string (json, "id", record->stanza_id);
  peer_put_string (json, "text", record->text);
  peer_put_string (json, "direction", record->direction == TESS_MESSAGE_IN ? "in" : "out");
  peer_put_string (json, "encryption", peer_encryptions[record->encryption]);
  if (encrypted && record->device != 0)
    peer_put_int (json, "device", record->device);
  else
    peer_put_string (json, "device", NULL);
  peer_put_string (json, "trust", encrypted ? peer_trusts[record->trust] : NULL);
  peer_put_string (json, "state", peer_message_states[record->state]);
  put_time (json, "time", record->time_us);
}

/* @update: whether @record may be newer than what was told. */
void
peer_tell_message (Peer *self, const TessMessageRecord *record, gboolean update)
{
  gpointer old = g_hash_table_lookup (self->told, &record->id);
  gpointer state = GINT_TO_POINTER ((int) record->state + 1);
  gboolean created = old == NULL && record->id > self->stored;
  JsonBuilder *json;

  if (old == state || (old != NULL && !update))
    return;

  g_hash_table_insert (self->told, g_memdup2 (&record->id, sizeof record->id), state);
  json = peer_begin ("event", created ? "message" : "state");
  if (created)
    peer_put_message (self, json, record);
  else
    {
      peer_put_string (json, "id", record->stanza_id);
      peer_put_string (json, "state", peer_message_states[record->state]);
      peer_put_string (json, "reason", record->error);
    }
  peer_tell (self, created ? "message" : "state", json);
}

void
peer_tell_online (Peer *self, TessAccount *account)
{
  JsonBuilder *json = peer_begin ("event", "online");

  peer_put_string (json, "account", tess_account_get_address (account));
  peer_put_string (json, "tls", tess_account_get_tls (account));
  peer_put_string (json, "sasl", tess_account_get_sasl (account));
  peer_put_boolean (json, "resumed", tess_account_get_resumed (account));
  peer_tell (self, "online", json);
}

void
peer_tell_connection (Peer *self, TessAccount *account)
{
  TessConnectionState state = tess_account_get_connection (account);
  const char *address = tess_account_get_address (account);
  int code = tess_account_get_error_code (account);
  JsonBuilder *json;

  if (state == TESS_CONNECTION_ONLINE)
    {
      g_hash_table_add (self->seen, g_strdup (address));
      peer_tell_online (self, account);
      return;
    }

  /* An account of the database waits for its `login`: that is no news. */
  if (state == TESS_CONNECTION_CONNECTING ||
      ((code == -1 || code == TESS_ENGINE_ERROR_PASSWORD_NEEDED) &&
       !g_hash_table_contains (self->seen, address)))
    return;

  json = peer_begin ("event", "offline");
  peer_put_string (json, "account", address);
  peer_put_string (json, "reason", tess_account_get_error (account));
  peer_put_trouble (json, code, tess_account_get_certificate (account));
  peer_tell (self, "offline", json);
}

void
peer_put_contact (JsonBuilder *json, const char *account, TessContact *contact)
{
  peer_put_string (json, "account", account);
  peer_put_string (json, "jid", tess_contact_get_address (contact));
  peer_put_string (json, "name", tess_contact_get_name (contact));
  peer_put_string (json, "subscription",
                   peer_subscriptions[tess_contact_get_subscription (contact)]);
  peer_put_boolean (json, "in_roster", tess_contact_get_in_roster (contact));
  peer_put_boolean (json, "asked", tess_contact_get_asked (contact));
  peer_put_boolean (json, "request", tess_contact_get_asks (contact));
  peer_put_string (json, "presence", peer_presences[tess_contact_get_presence (contact)]);
  peer_put_string (json, "status", tess_contact_get_status (contact));
}

void
peer_tell_contact (Peer *self, const TessEvent *event)
{
  const char *account_name = peer_account_address (self, event->account_id);
  TessAccount *account =
      account_name != NULL ? tess_client_find_account (self->client, account_name) : NULL;
  TessContact *contact = NULL;
  JsonBuilder *json;

  if (account == NULL)
    return;

  json = peer_begin ("event", "contact");
  if (event->type == TESS_EVENT_CONTACT)
    contact = tess_account_find_contact (account, event->contact->address);
  if (contact != NULL)
    peer_put_contact (json, account_name, contact);
  else
    {
      peer_put_string (json, "account", account_name);
      peer_put_string (json, "jid", event->address);
      peer_put_string (json, "subscription", "none");
      peer_put_boolean (json, "in_roster", FALSE);
      peer_put_boolean (json, "request", FALSE);
    }
  peer_tell (self, "contact", json);
}

void
peer_put_device (JsonBuilder *json, const TessDeviceRecord *device)
{
  json_builder_begin_object (json);
  peer_put_int (json, "id", device->id);
  peer_put_string (json, "fingerprint", device->fingerprint);
  peer_put_string (json, "trust", peer_trusts[device->trust]);
  peer_put_boolean (json, "own", device->own);
  peer_put_boolean (json, "local", device->local);
  peer_put_boolean (json, "active", device->active);
  peer_put_boolean (json, "key_alarm", device->key_alarm);
  peer_put_boolean (json, "no_bundle", device->no_bundle);
  peer_put_string (json, "label", device->label);
  peer_put_string (json, "software", device->software);
  put_time (json, "first_seen", device->first_seen_us);
  put_time (json, "last_seen", device->last_seen_us);
  json_builder_end_object (json);
}

void
peer_tell_devices (Peer *self, const TessEvent *event)
{
  JsonBuilder *json = peer_begin ("event", "devices");

  peer_put_string (json, "account", peer_account_address (self, event->account_id));
  peer_put_string (json, "jid", event->address);
  json_builder_set_member_name (json, "devices");
  json_builder_begin_array (json);
  for (guint i = 0; i < event->devices->len; i++)
    peer_put_device (json, event->devices->pdata[i]);
  json_builder_end_array (json);
  peer_tell (self, "devices", json);
}

void
peer_tell_error (Peer *self, const char *account, const GError *error)
{
  JsonBuilder *json = peer_begin ("event", "error");

  peer_put_string (json, "account", account);
  peer_put_string (json, "reason", error->message);
  peer_tell (self, "error", json);
}

static const char *
what_came (const char *secret)
{
  return secret == NULL ? NULL : *secret != '\0' ? "new" : "gone";
}

/* A login gave something to keep, or it is of no use any more; what it is is not told. */
void
peer_tell_credentials (Peer *self, const char *account, const TessCredentials *news)
{
  JsonBuilder *json = peer_begin ("event", "credentials");

  peer_put_string (json, "account", account);
  peer_put_string (json, "key", what_came (news->scram_key));
  peer_put_string (json, "token", what_came (news->token));
  peer_tell (self, "credentials", json);
}
