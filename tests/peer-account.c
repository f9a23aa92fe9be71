/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-peer"

#include "config.h"

#include "peer-private.h"

/* ---- login and logout ---- */

TessAccount *
peer_find_account (Peer *self, const char *address)
{
  return address != NULL ? tess_client_find_account (self->client, address) : NULL;
}

void
peer_connection_changed (Peer *self, gint64 account_id)
{
  TessAccount *account = peer_find_account (self, peer_account_address (self, account_id));
  TessConnectionState state;

  if (account == NULL)
    return;

  peer_tell_connection (self, account);
  if (g_strcmp0 (tess_account_get_address (account), self->address) != 0)
    return;

  state = tess_account_get_connection (account);
  if (peer_running (self, "logout") && state == TESS_CONNECTION_OFFLINE)
    peer_succeed (self);
  else if (peer_running (self, "login") && state == TESS_CONNECTION_ONLINE)
    peer_succeed (self);
  else if (peer_running (self, "login") && state != TESS_CONNECTION_CONNECTING &&
           tess_account_get_error (account) != NULL &&
           tess_account_get_error_code (account) != TESS_ENGINE_ERROR_PASSWORD_NEEDED)
    peer_fail (self, tess_account_get_error (account));
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
      peer_fail (self, error->message);
      return;
    }

  /* It is online, or the event that says so is on its way. */
  if (tess_account_get_connection (account) == TESS_CONNECTION_ONLINE)
    peer_succeed (self);
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
  TessAccount *account = peer_find_account (self, self->address);
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
      peer_tell_online (self, account);
      peer_succeed (self);
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
  peer_start_client (self);
  return TRUE;
}

void
peer_run_login (Peer *self, char **words)
{
  LoginOptions options = { NULL };
  g_autofree char *server = NULL;
  g_autoptr (GError) error = NULL;
  gboolean good = parse_login (&options, words);

  server = options.server;
  if (!good)
    {
      peer_fail (self, "The options are --server HOST:PORT, --tls direct|starttls, --ca FILE.");
      return;
    }
  if (!tess_engine_check_address (words[0], &self->address, &error))
    {
      peer_fail (self, error->message);
      return;
    }
  if (options.ca_file != NULL && g_strcmp0 (options.ca_file, self->ca_file) != 0)
    {
      /* It comes here again when the database is open. */
      if (!change_ca (self, options.ca_file))
        peer_fail (self, "Another CA file is in use; log out first.");
      return;
    }
  login_now (self, &options, words[1]);
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
