/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-client.h"
#include "tess-fake-resolver.h"

#include <string.h>

/* Whether somebody looks, and whether there is a network: what a session makes of what the desktop says. */

#define ACTIVE "<active xmlns='urn:xmpp:csi:0'/>"
#define INACTIVE "<inactive xmlns='urn:xmpp:csi:0'/>"
#define CSI "urn:xmpp:csi:0"

typedef struct
{
  TessFakeResolver *resolver;
  Client           *client;
  SessionServer    *server;
  gint64            alice;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  session_server_forget_items ();
  self->resolver = tess_fake_resolver_new ();
  g_resolver_set_default (G_RESOLVER (self->resolver));
  self->server = session_server_new ("alice@a.test", NULL);
  session_server_set (self->server, SESSION_SERVER_USUAL | SESSION_SERVER_CSI);
  self->client = client_new ();
  self->alice = client_add_account (self->client, "alice@a.test", session_server_get_port (self->server));
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  client_free (self->client);
  session_server_free (self->server);
  session_server_forget_items ();
  g_object_unref (self->resolver);
}

static void
wait_online_again (Fixture *self, guint connections)
{
  SESSION_WAIT (session_server_connections (self->server) >= connections);
  SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_ONLINE);
  client_sync (self->client, self->alice, self->server);
}

static void
set_in_use (Fixture *self, gboolean in_use)
{
  tess_engine_set_in_use (self->client->engine, in_use);
  client_sync (self->client, self->alice, self->server);
}

/* ---- Whether somebody looks ---- */

/* Once after the login and once for each change, and no more. */
static void
test_csi_changes (Fixture *self, gconstpointer data)
{
  client_go_online (self->client, self->alice, self->server);
  g_assert_cmpuint (session_server_count (self->server, ACTIVE), ==, 1);
  g_assert_cmpuint (session_server_count (self->server, CSI), ==, 1);

  session_server_clear (self->server);
  set_in_use (self, TRUE);
  g_assert_cmpuint (session_server_count (self->server, CSI), ==, 0);
  set_in_use (self, FALSE);
  set_in_use (self, FALSE);
  g_assert_cmpuint (session_server_count (self->server, INACTIVE), ==, 1);
  set_in_use (self, TRUE);
  g_assert_cmpuint (session_server_count (self->server, ACTIVE), ==, 1);
  g_assert_cmpuint (session_server_count (self->server, CSI), ==, 2);
}

/* What was said before there was a session holds for it, and for the one after the next login. */
static void
test_csi_login (Fixture *self, gconstpointer data)
{
  client_start (self->client);
  tess_engine_set_in_use (self->client->engine, FALSE);
  client_go_online (self->client, self->alice, self->server);
  g_assert_cmpuint (session_server_count (self->server, INACTIVE), ==, 1);
  g_assert_cmpuint (session_server_count (self->server, CSI), ==, 1);

  session_server_set (self->server, (SESSION_SERVER_USUAL | SESSION_SERVER_CSI) & ~SESSION_SERVER_RESUMES);
  session_server_clear (self->server);
  session_server_cut (self->server);
  wait_online_again (self, 2);
  g_assert_cmpuint (session_server_count (self->server, "<enable"), >, 0);
  g_assert_cmpuint (session_server_count (self->server, INACTIVE), ==, 1);
  g_assert_cmpuint (session_server_count (self->server, CSI), ==, 1);
}

/* The server may have forgotten, and meanwhile it may have changed. */
static void
test_csi_resumption (Fixture *self, gconstpointer data)
{
  client_go_online (self->client, self->alice, self->server);
  set_in_use (self, FALSE);
  session_server_clear (self->server);
  session_server_cut (self->server);
  wait_online_again (self, 2);
  g_assert_cmpuint (session_server_count (self->server, "<resume"), ==, 1);
  g_assert_cmpuint (session_server_count (self->server, INACTIVE), ==, 1);
  g_assert_cmpuint (session_server_count (self->server, CSI), ==, 1);

  session_server_clear (self->server);
  session_server_cut (self->server);
  SESSION_WAIT (client_state (self->client, self->alice) != TESS_CONNECTION_ONLINE);
  tess_engine_set_in_use (self->client->engine, TRUE);
  wait_online_again (self, 3);
  g_assert_cmpuint (session_server_count (self->server, ACTIVE), ==, 1);
  g_assert_cmpuint (session_server_count (self->server, CSI), ==, 1);
}

static void
test_csi_not_offered (Fixture *self, gconstpointer data)
{
  session_server_set (self->server, SESSION_SERVER_USUAL);
  client_go_online (self->client, self->alice, self->server);
  set_in_use (self, FALSE);
  set_in_use (self, TRUE);
  session_server_cut (self->server);
  wait_online_again (self, 2);
  g_assert_cmpuint (session_server_count (self->server, CSI), ==, 0);
}

/* ---- Whether there is a network ---- */

static const TessConnection *
connection (Fixture *self)
{
  return g_hash_table_lookup (self->client->connections, &self->alice);
}

static gboolean
says_no_network (Fixture *self)
{
  return client_state (self->client, self->alice) == TESS_CONNECTION_WAITING &&
         client_error (self->client, self->alice) == TESS_ENGINE_ERROR_NO_NETWORK;
}

/* The desktop knows nothing of a server on this computer: it is tried all the same. */
static void
test_wrong_desktop (Fixture *self, gconstpointer data)
{
  client_start (self->client);
  tess_engine_network_changed (self->client->engine, FALSE);
  client_go_online (self->client, self->alice, self->server);
  session_server_cut (self->server);
  wait_online_again (self, 2);
  /* Nor does the news end a stream that lives. */
  tess_engine_network_changed (self->client->engine, FALSE);
  client_sync (self->client, self->alice, self->server);
  g_assert_cmpint (client_state (self->client, self->alice), ==, TESS_CONNECTION_ONLINE);
}

/* It is said, nothing is planned, and it goes on as soon as there is one. */
static void
test_no_network (Fixture *self, gconstpointer data)
{
  client_exec (self->client, "UPDATE accounts SET host = 'host.test'");
  client_start (self->client);
  tess_engine_network_changed (self->client->engine, FALSE);
  connect_with (self->client->engine, self->alice, "secret");
  SESSION_WAIT (says_no_network (self));
  g_assert_cmpint (connection (self)->retry_us, ==, 0);

  tess_fake_resolver_add_name (self->resolver, "host.test", "127.0.0.1");
  tess_engine_network_changed (self->client->engine, TRUE);
  wait_online_again (self, 1);
}

/* Before it was known, another sentence stood there. Who asks for another attempt gets one. */
static void
test_network_goes (Fixture *self, gconstpointer data)
{
  client_exec (self->client, "UPDATE accounts SET host = 'host.test'");
  client_start (self->client);
  connect_with (self->client->engine, self->alice, "secret");
  SESSION_WAIT (client_error (self->client, self->alice) == TESS_ENGINE_ERROR_NO_SUCH_SERVER);
  g_assert_cmpint (connection (self)->retry_us, >, 0);
  tess_engine_network_changed (self->client->engine, FALSE);
  SESSION_WAIT (says_no_network (self));

  tess_fake_resolver_add_name (self->resolver, "host.test", "127.0.0.1");
  tess_engine_connect (self->client->engine, self->alice, NULL);
  wait_online_again (self, 1);
}

/* A computer that refuses is a network that works: its server restarts. */
static void
test_refused (Fixture *self, gconstpointer data)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16                     closed = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  g_autofree char            *sql = g_strdup_printf ("UPDATE accounts SET port = %u", closed);
  gint64                      last_us = 0;

  g_socket_listener_close (listener);
  client_exec (self->client, sql);
  client_start (self->client);
  tess_engine_network_changed (self->client->engine, FALSE);
  connect_with (self->client->engine, self->alice, "secret");
  for (guint i = 0; i < 3; i++)
    {
      SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_WAITING && connection (self)->retry_us > last_us);
      g_assert_cmpint (client_error (self->client, self->alice), ==, TESS_ENGINE_ERROR_UNREACHABLE);
      last_us = connection (self)->retry_us;
      g_assert_cmpint (last_us, <=, g_get_real_time () + 1200 * 1000);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/connecting/" path, Fixture, NULL, set_up, function, tear_down)
  ADD ("csi/changes", test_csi_changes);
  ADD ("csi/login", test_csi_login);
  ADD ("csi/resumption", test_csi_resumption);
  ADD ("csi/not-offered", test_csi_not_offered);
  ADD ("network/wrong-desktop", test_wrong_desktop);
  ADD ("network/none", test_no_network);
  ADD ("network/goes", test_network_goes);
  ADD ("network/refused", test_refused);

  return g_test_run ();
}
