/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "login-client.h"

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Client *client = data;

  client->stream = tess_stream_open_finish (result, &client->error);
  client->opened = TRUE;
}

static void
stanza_cb (TessStream *stream, const TessNode *stanza, gpointer data)
{
  g_autofree char *text = tess_node_to_string (stanza, "jabber:client");

  g_string_append (((Client *) data)->stanzas, text);
}

static void
acked_cb (TessStream *stream, guint64 tag, gpointer data)
{
  g_string_append_printf (((Client *) data)->acked, "%" G_GUINT64_FORMAT " ", tag);
}

static void
closed_cb (TessStream *stream, const GError *error, gpointer data)
{
  ((Client *) data)->closed = g_error_copy (error);
}

const TessStreamHandlers client_handlers = { stanza_cb, acked_cb, closed_cb };

void
client_clear (Client *client)
{
  g_clear_pointer (&client->stream, tess_stream_unref);
  g_clear_error (&client->error);
  g_clear_error (&client->closed);
  g_string_free (client->stanzas, TRUE);
  g_string_free (client->acked, TRUE);
  g_free (client);
}

static GTlsCertificate *
load_certificate (const char *name)
{
  g_autofree char    *file = g_strconcat (name, ".pem", NULL);
  g_autofree char    *path = g_build_filename (g_getenv ("TESS_TEST_CERTIFICATES"), file, NULL);
  g_autoptr (GError)  error = NULL;
  GTlsCertificate    *certificate = g_tls_certificate_new_from_file (path, &error);

  g_assert_no_error (error);
  return certificate;
}

Client *
log_in (TessScriptServer *server, const Settings *settings)
{
  g_autoptr (TessJid)         jid = tess_jid_new (settings->address != NULL ? settings->address : "alice@a.test", NULL);
  g_autoptr (GTlsDatabase)    trust = tess_script_server_get_trust ();
  g_autoptr (GTlsCertificate) certificate = settings->certificate != NULL ? load_certificate (settings->certificate) : NULL;
  Client                     *client = g_new0 (Client, 1);
  TessStreamOptions           options = {
              .jid = jid,
              .password = settings->password,
              .scram_key = settings->scram_key,
              .token = settings->token,
              .certificate = certificate,
              .user_agent_id = settings->no_user_agent ? NULL : USER_AGENT,
              .host = settings->by_proxy ? NULL : "127.0.0.1",
              .port = settings->by_proxy ? 0 : tess_script_server_get_port (server),
              .tls = TESS_TLS_DIRECT,
              .trust = trust,
              .scram_seen = settings->scram_seen,
              .keep_key = settings->keep_key,
              .binding_seen = settings->binding_seen,
              .resume = settings->resume,
  };

  if (settings->by_proxy)
    options.proxy = (TessProxy) { TESS_PROXY_SOCKS5, "127.0.0.1", tess_script_server_get_port (server), NULL, NULL };
  client->stanzas = g_string_new (NULL);
  client->acked = g_string_new (NULL);
  tess_stream_open_async (&options, NULL, opened_cb, client);
  WAIT_UNTIL (client->opened);

  return client;
}

void
assert_done (TessScriptServer *server)
{
  g_autofree char *failure = tess_script_server_join (server);

  g_assert_cmpstr (failure, ==, NULL);
}
