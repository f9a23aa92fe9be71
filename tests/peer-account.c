/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-peer"

#include "config.h"

#include "peer-private.h"

#include <string.h>

/* ---- login and logout ---- */

TessAccount *
peer_find_account (Peer *self, const char *address)
{
  return address != NULL ? tess_client_find_account (self->client, address) : NULL;
}

/* Whether what is told of the account is the end of the login that runs. */
static gboolean
login_failed (Peer *self, TessAccount *account)
{
  TessConnectionState state = tess_account_get_connection (account);

  if (!peer_running (self, "login") || tess_account_get_error (account) == NULL ||
      state == TESS_CONNECTION_CONNECTING || state == TESS_CONNECTION_ONLINE)
    return FALSE;
  /* An account of the database says so before anything was tried. */
  return self->connecting ||
         tess_account_get_error_code (account) != TESS_ENGINE_ERROR_PASSWORD_NEEDED;
}

void
peer_connection_changed (Peer *self, gint64 account_id)
{
  TessAccount *account = peer_find_account (self, peer_account_address (self, account_id));
  TessConnectionState state;

  if (account == NULL)
    return;

  state = tess_account_get_connection (account);
  if (state == TESS_CONNECTION_CONNECTING)
    g_hash_table_add (self->seen, g_strdup (tess_account_get_address (account)));
  peer_tell_connection (self, account);
  if (g_strcmp0 (tess_account_get_address (account), self->address) != 0)
    return;

  if (state == TESS_CONNECTION_CONNECTING)
    self->connecting = TRUE;
  if (peer_running (self, "logout") && state == TESS_CONNECTION_OFFLINE)
    peer_succeed (self);
  else if (peer_running (self, "login") && state == TESS_CONNECTION_ONLINE)
    peer_succeed (self);
  else if (login_failed (self, account))
    peer_fail_about (self, tess_account_get_error (account), tess_account_get_error_code (account),
                     tess_account_get_certificate (account));
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
      peer_fail_about (self, error->message, error->domain == TESS_ENGINE_ERROR ? error->code : -1,
                       tess_engine_error_get_certificate (error));
      return;
    }

  peer_keep (self, tess_account_get_address (account), self->given);
  /* It is online, or the event that says so is on its way. */
  if (tess_account_get_connection (account) == TESS_CONNECTION_ONLINE)
    peer_succeed (self);
}

/* What the words of `login` say: the settings of the account, and whether they say so. */
typedef struct
{
  TessAccountRecord *setup;
  gboolean server;
  gboolean proxy;
  const char *password;    /* nullable; these are of the words */
  const char *ca_file;     /* nullable */
  const char *certificate; /* nullable: a file */
  const char *passphrase;  /* nullable */
  char *proxy_password;    /* nullable */
} Login;

static void
login_clear (Login *login)
{
  tess_account_record_free (login->setup);
  tess_credentials_set (&login->proxy_password, NULL);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Login, login_clear)

static void
set_string (char **field, const char *value)
{
  g_free (*field);
  *field = g_strdup (value);
}

/* HOST:PORT, [IPv6]:PORT or HOST. */
static gboolean
parse_server (Login *login, const char *text)
{
  g_autoptr (GSocketConnectable) address = g_network_address_parse (text, 0, NULL);

  if (address == NULL)
    return FALSE;

  set_string (&login->setup->host, g_network_address_get_hostname (G_NETWORK_ADDRESS (address)));
  login->setup->port = g_network_address_get_port (G_NETWORK_ADDRESS (address));
  login->server = TRUE;
  return TRUE;
}

/* socks5://[user[:pass]@]HOST:PORT, http://…, none */
static gboolean
parse_proxy (Login *login, const char *text)
{
  TessAccountRecord *setup = login->setup;
  g_autoptr (GUri) uri = NULL;

  login->proxy = TRUE;
  setup->proxy = TESS_ACCOUNT_PROXY_NONE;
  if (g_str_equal (text, "none"))
    return TRUE;

  uri = g_uri_parse (text, G_URI_FLAGS_HAS_PASSWORD, NULL);
  if (uri == NULL || g_uri_get_host (uri) == NULL || g_uri_get_port (uri) <= 0)
    return FALSE;
  if (g_str_equal (g_uri_get_scheme (uri), "socks5"))
    setup->proxy = TESS_ACCOUNT_PROXY_SOCKS5;
  else if (g_str_equal (g_uri_get_scheme (uri), "http"))
    setup->proxy = TESS_ACCOUNT_PROXY_HTTP;
  else
    return FALSE;
  set_string (&setup->proxy_host, g_uri_get_host (uri));
  setup->proxy_port = (guint16) g_uri_get_port (uri);
  set_string (&setup->proxy_username, g_uri_get_user (uri));
  tess_credentials_set (&login->proxy_password, g_uri_get_password (uri));
  return TRUE;
}

static gboolean
parse_tls (Login *login, const char *text)
{
  if (g_str_equal (text, "direct"))
    login->setup->tls = TESS_ACCOUNT_TLS_DIRECT;
  else if (g_str_equal (text, "starttls"))
    login->setup->tls = TESS_ACCOUNT_TLS_STARTTLS;
  else
    return FALSE;
  login->server = TRUE;
  return TRUE;
}

static gboolean
parse_option (Login *login, const char *name, const char *value)
{
  if (g_str_equal (name, "--ca"))
    login->ca_file = value;
  else if (g_str_equal (name, "--certificate"))
    login->certificate = value;
  else if (g_str_equal (name, "--passphrase"))
    login->passphrase = value;
  else if (g_str_equal (name, "--pin"))
    set_string (&login->setup->pin, value);
  else if (g_str_equal (name, "--server"))
    return parse_server (login, value);
  else if (g_str_equal (name, "--tls"))
    return parse_tls (login, value);
  else if (g_str_equal (name, "--proxy"))
    return parse_proxy (login, value);
  else
    return FALSE;
  return TRUE;
}

/* JID, perhaps the password, and options. */
static gboolean
parse_login (Login *login, char **words)
{
  char **word = words + 1;

  if (*word != NULL && !g_str_has_prefix (*word, "--"))
    login->password = *word++;
  while (*word != NULL)
    {
      const char *name = *word++;

      if (g_str_equal (name, "--remember-key"))
        login->setup->remember_key = TRUE;
      else if (g_str_equal (name, "--keep-key"))
        login->setup->keep_key = TRUE;
      else if (*word == NULL || !parse_option (login, name, *word++))
        return FALSE;
    }
  return TRUE;
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean done = tess_account_change_finish (TESS_ACCOUNT (source), result, &error);

  if (self->stopping || peer_running (self, "login"))
    return;
  if (done)
    peer_succeed (self);
  else
    peer_fail (self, error->message);
}

/* What the words do not say stays as it is. */
static void
change_account (Peer *self, TessAccount *account, const Login *login)
{
  g_autoptr (TessAccountRecord) record =
      tess_account_record_copy (tess_account_get_record (account));
  const TessAccountRecord *setup = login->setup;

  if (login->server)
    {
      set_string (&record->host, setup->host);
      record->port = setup->port;
      record->tls = setup->tls;
    }
  if (login->proxy)
    {
      record->proxy = setup->proxy;
      set_string (&record->proxy_host, setup->proxy_host);
      record->proxy_port = setup->proxy_port;
      set_string (&record->proxy_username, setup->proxy_username);
    }
  if (setup->pin != NULL)
    set_string (&record->pin, setup->pin);
  if (setup->certificate != NULL)
    set_string (&record->certificate, setup->certificate);
  record->remember_key = record->remember_key || setup->remember_key;
  record->keep_key = record->keep_key || setup->keep_key;
  record->enabled = TRUE;
  tess_account_change_async (account, record, NULL, NULL, changed_cb, self);
}

/* What is kept from an earlier login stands in for a password that is not given. */
static void
collect_credentials (Peer *self, const Login *login)
{
  g_autoptr (TessCredentials) kept = peer_get_kept (self, self->address);

  if (self->given == NULL)
    self->given = tess_credentials_new ();
  tess_credentials_set (&self->given->password, login->password);
  if (login->password == NULL)
    {
      tess_credentials_set (&self->given->scram_key, kept->scram_key);
      tess_credentials_set (&self->given->token, kept->token);
    }
  if (self->given->certificate == NULL)
    tess_credentials_set (&self->given->certificate, kept->certificate);
  tess_credentials_set (&self->given->proxy_password, login->proxy_password != NULL
                                                          ? login->proxy_password
                                                          : kept->proxy_password);
}

static void
login_now (Peer *self, const Login *login)
{
  TessAccount *account = peer_find_account (self, self->address);

  set_string (&self->account, self->address);
  if (account != NULL && tess_account_get_connection (account) == TESS_CONNECTION_ONLINE)
    {
      peer_tell_online (self, account);
      peer_succeed (self);
      return;
    }

  collect_credentials (self, login);
  if (!tess_credentials_are_there (self->given))
    {
      peer_fail_about (self, "The password is needed.", TESS_ENGINE_ERROR_PASSWORD_NEEDED, NULL);
      return;
    }
  if (account == NULL)
    {
      set_string (&login->setup->address, self->address);
      tess_client_add_account_async (self->client, login->setup, self->given, NULL,
                                     account_added_cb, self);
      return;
    }
  change_account (self, account, login);
  peer_keep (self, self->address, self->given);
  tess_account_connect (account, self->given, FALSE);
}

static void
certificate_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessCertificate) certificate = NULL;
  TessCredentials *credentials;

  credentials =
      tess_client_read_certificate_finish (TESS_CLIENT (source), result, &certificate, &error);
  if (self->stopping)
    {
      tess_credentials_free (credentials);
      return;
    }
  if (credentials == NULL)
    {
      peer_fail_about (self, error->message, error->code, NULL);
      return;
    }
  self->given = credentials;
  set_string (&self->subject, certificate->subject);
  peer_run_login (self, self->words + 1);
}

static void
read_certificate (Peer *self, const Login *login)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) data = NULL;
  char *content = NULL;
  gsize length = 0;

  if (!g_file_get_contents (login->certificate, &content, &length, &error))
    {
      peer_fail (self, error->message);
      return;
    }
  data = g_bytes_new_take (content, length);
  tess_client_read_certificate_async (self->client, data, login->passphrase, NULL,
                                      certificate_read_cb, self);
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
  peer_start_client (self);
  return TRUE;
}

/* It comes here again when the database is open, and when a certificate was read. */
void
peer_run_login (Peer *self, char **words)
{
  g_auto (Login) login = { .setup = tess_account_record_new (words[0]) };
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&self->address, g_free);
  if (!parse_login (&login, words))
    {
      peer_fail (self, "It goes: " PEER_LOGIN_USAGE);
      return;
    }
  if (!tess_engine_check_address (words[0], &self->address, &error))
    {
      peer_fail (self, error->message);
      return;
    }
  if (login.ca_file != NULL && g_strcmp0 (login.ca_file, self->ca_file) != 0)
    {
      if (!change_ca (self, login.ca_file))
        peer_fail (self, "Another CA file is in use; log out first.");
      return;
    }
  if (login.certificate != NULL && self->given == NULL)
    {
      read_certificate (self, &login);
      return;
    }
  set_string (&login.setup->certificate, self->subject);
  login_now (self, &login);
}

void
peer_run_logout (Peer *self, char **words)
{
  g_autoptr (GError) error = NULL;
  TessAccount *account;

  if (!tess_engine_check_address (words[0], &self->address, &error))
    {
      peer_fail (self, error->message);
      return;
    }

  account = peer_find_account (self, self->address);
  if (account == NULL)
    peer_fail (self, "There is no such account.");
  else if (tess_account_get_connection (account) == TESS_CONNECTION_OFFLINE)
    peer_succeed (self);
  else
    tess_account_disconnect (account);
}

/* Whether a window is in front, as it would be with one (XEP-0352). */
void
peer_run_csi (Peer *self, char **words)
{
  gboolean active = g_str_equal (words[0], "active");

  if (!active && !g_str_equal (words[0], "inactive"))
    {
      peer_fail (self, "Say active or inactive.");
      return;
    }
  tess_client_set_in_use (self->client, active);
  peer_succeed (self);
}

/* What the desktop says of the network. */
void
peer_run_network (Peer *self, char **words)
{
  gboolean on = g_str_equal (words[0], "on");

  if (!on && !g_str_equal (words[0], "off"))
    {
      peer_fail (self, "Say on or off.");
      return;
    }
  tess_client_network_changed (self->client, on);
  peer_succeed (self);
}

void
peer_run_accounts (Peer *self, char **words)
{
  GListModel *accounts = tess_client_get_accounts (self->client);
  JsonBuilder *json = peer_begin_reply (self);

  json_builder_set_member_name (json, "accounts");
  json_builder_begin_array (json);
  for (guint i = 0; i < g_list_model_get_n_items (accounts); i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, i);

      json_builder_begin_object (json);
      peer_put_string (json, "account", tess_account_get_address (account));
      peer_put_string (json, "connection", peer_connections[tess_account_get_connection (account)]);
      peer_put_boolean (json, "enabled", tess_account_get_enabled (account));
      peer_put_string (json, "reason", tess_account_get_error (account));
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  peer_succeed_with (self, json);
}

/* ---- How it is connected ---- */

static TessAccount *
account_of_words (Peer *self, char **words)
{
  g_autoptr (GError) error = NULL;
  TessAccount *account = NULL;

  if (!tess_engine_check_address (words[0], &self->address, &error))
    peer_fail (self, error->message);
  else if ((account = peer_find_account (self, self->address)) == NULL)
    peer_fail (self, "There is no such account.");
  return account;
}

void
peer_run_security (Peer *self, char **words)
{
  TessAccount *account = account_of_words (self, words);
  JsonBuilder *json;

  if (account == NULL)
    return;
  json = peer_begin_reply (self);
  peer_put_string (json, "account", self->address);
  peer_put_string (json, "connection", peer_connections[tess_account_get_connection (account)]);
  peer_put_record (json, tess_account_get_record (account));
  json_builder_set_member_name (json, "security");
  peer_put_security (json, tess_account_get_security (account));
  json_builder_set_member_name (json, "refused");
  peer_put_certificate (json, tess_account_get_certificate (account));
  peer_succeed_with (self, json);
}

void
peer_run_pin (Peer *self, char **words)
{
  TessAccount *account = account_of_words (self, words);
  g_autoptr (TessAccountRecord) record = NULL;

  if (account == NULL)
    return;
  record = tess_account_record_copy (tess_account_get_record (account));
  set_string (&record->pin, g_str_equal (words[1], "off") ? NULL : words[1]);
  tess_account_change_async (account, record, NULL, NULL, changed_cb, self);
}

void
peer_run_relax (Peer *self, char **words)
{
  TessAccount *account = account_of_words (self, words);

  if (account != NULL)
    tess_account_accept_weaker_async (account, NULL, changed_cb, self);
}

void
peer_run_tell (Peer *self, char **words)
{
  TessAccount *account;
  g_autoptr (TessAccountRecord) record = NULL;
  gboolean on = g_str_equal (words[2], "on");

  if ((!on && !g_str_equal (words[2], "off")) ||
      (!g_str_equal (words[1], "receipts") && !g_str_equal (words[1], "markers")))
    {
      peer_fail (self, "Say receipts or markers, and on or off.");
      return;
    }
  account = account_of_words (self, words);
  if (account == NULL)
    return;
  record = tess_account_record_copy (tess_account_get_record (account));
  if (g_str_equal (words[1], "receipts"))
    record->send_receipts = on;
  else
    record->send_markers = on;
  tess_account_change_async (account, record, NULL, NULL, changed_cb, self);
}

static const char *const archivings[] = { "everything", "contacts", "nothing", NULL };

static void
archiving_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  TessArchiving archiving;
  JsonBuilder *json;

  if (!tess_account_load_archiving_finish (TESS_ACCOUNT (source), result, &archiving, &error))
    {
      if (!self->stopping)
        peer_fail (self, error->message);
      return;
    }
  json = peer_begin_reply (self);
  peer_put_string (json, "archiving", archivings[archiving]);
  peer_succeed_with (self, json);
}

static void
archiving_set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = tess_account_set_archiving_finish (TESS_ACCOUNT (source), result, &error);

  peer_answer_done (user_data, done, error);
}

void
peer_run_archiving (Peer *self, char **words)
{
  int wanted = words[1] != NULL ? peer_find_word (archivings, words[1]) : 0;
  TessAccount *account;

  if (wanted < 0)
    {
      peer_fail (self, "Say everything, contacts or nothing.");
      return;
    }
  account = account_of_words (self, words);
  if (account == NULL)
    return;
  if (words[1] == NULL)
    tess_account_load_archiving_async (account, NULL, archiving_loaded_cb, self);
  else
    tess_account_set_archiving_async (account, (TessArchiving) wanted, NULL, archiving_set_cb, self);
}
