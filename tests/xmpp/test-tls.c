/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tess-script-server.h"
#include "xmpp/tess-certificate.h"
#include "xmpp/tess-tls.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

#define WHOLE_PIN "0000000000000000000000000000000000000000000000000000000000000000"

/* A server of one connection in the same loop: shows a certificate, and notes what it gets to see. */
typedef struct
{
  GIOStream            *socket;
  GIOStream            *tls;
  GTlsCertificate      *certificate;
  GTlsAuthenticationMode mode;
  char                 *client; /* fingerprint of what the client showed */
  gsize                 received;
  guint8                buffer[64];
  gboolean              done;
} Server;

typedef struct
{
  Server     server;
  GIOStream *tls;
  GError    *error;
  gboolean   done;
} World;

static gboolean
accept_any_cb (GTlsConnection *tls, GTlsCertificate *certificate, GTlsCertificateFlags errors, gpointer data)
{
  return TRUE;
}

static void
server_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Server *self = data;
  gssize  n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);

  if (n > 0)
    self->received += (gsize) n;
  self->done = TRUE;
}

static void
server_handshake_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Server          *self = data;
  GTlsCertificate *client;

  if (!g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, NULL))
    {
      self->done = TRUE;
      g_io_stream_close (self->socket, NULL, NULL);
      return;
    }
  client = g_tls_connection_get_peer_certificate (G_TLS_CONNECTION (source));
  if (client != NULL)
    {
      g_autoptr (TessCertificate) read = tess_certificate_read (client, 0);

      self->client = g_strdup (read->fingerprint);
    }
  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (source)), self->buffer, sizeof self->buffer,
                             G_PRIORITY_DEFAULT, NULL, server_read_cb, self);
}

static void
accepted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Server *self = data;

  self->socket = G_IO_STREAM (g_socket_listener_accept_finish (G_SOCKET_LISTENER (source), result, NULL, NULL));
  g_assert_nonnull (self->socket);
  self->tls = g_tls_server_connection_new (self->socket, self->certificate, NULL);
  g_object_set (self->tls, "authentication-mode", self->mode, NULL);
  g_signal_connect (self->tls, "accept-certificate", G_CALLBACK (accept_any_cb), NULL);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (self->tls), G_PRIORITY_DEFAULT, NULL, server_handshake_cb, self);
}

static void
handshake_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  World *world = data;

  world->tls = tess_tls_handshake_finish (result, &world->error);
  world->done = TRUE;
}

static char *
path_of (const char *name)
{
  return g_build_filename (g_getenv ("TESS_TEST_CERTIFICATES"), name, NULL);
}

static GTlsCertificate *
load (const char *name)
{
  g_autofree char   *path = path_of (name);
  g_autoptr (GError) error = NULL;
  GTlsCertificate   *certificate = g_tls_certificate_new_from_file (path, &error);

  g_assert_no_error (error);
  return certificate;
}

static char *
fingerprint_of (const char *name, gboolean of_key)
{
  g_autoptr (GTlsCertificate) certificate = load (name);
  g_autoptr (TessCertificate) read = tess_certificate_read (certificate, 0);

  return g_strdup (of_key ? read->key_fingerprint : read->fingerprint);
}

static World *
shake_hands (const char *certificate, TessStreamOptions *options, GTlsAuthenticationMode mode)
{
  World                       *world = g_new0 (World, 1);
  g_autoptr (TessJid)          jid = tess_jid_new ("alice@a.test", NULL);
  g_autoptr (GSocketListener)  listener = g_socket_listener_new ();
  g_autoptr (GSocketClient)    client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GTlsDatabase)     trust = tess_script_server_get_trust ();
  guint16                      port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);

  world->server.certificate = load (certificate);
  world->server.mode = mode;
  g_socket_listener_accept_async (listener, NULL, accepted_cb, &world->server);
  connection = g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, NULL);
  g_assert_nonnull (connection);
  options->jid = jid;
  options->trust = trust;
  tess_tls_handshake_async (G_IO_STREAM (connection), options, FALSE, NULL, handshake_cb, world);
  while (!world->done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true ((world->tls == NULL) == (world->error != NULL));
  /* Refused: the client goes, and the server must have seen nothing. Accepted: it goes, too. */
  g_socket_shutdown (g_socket_connection_get_socket (connection), TRUE, TRUE, NULL);
  while (!world->server.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (world->server.received, ==, 0);

  return world;
}

static void
world_free (World *world)
{
  g_clear_object (&world->server.tls);
  g_clear_object (&world->server.socket);
  g_object_unref (world->server.certificate);
  g_free (world->server.client);
  g_clear_object (&world->tls);
  g_clear_error (&world->error);
  g_free (world);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

static void
test_accepted (void)
{
  static const char *const files[] = { "good.pem", "srv-name.pem", "xmpp-name.pem", "names.pem", "ed25519.pem" };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      TessStreamOptions     options = { 0 };
      g_autoptr (World)     world = shake_hands (files[i], &options, G_TLS_AUTHENTICATION_NONE);
      g_autoptr (GPtrArray) chain = NULL;
      g_autofree char      *cipher = NULL;
      g_autofree char      *expected = fingerprint_of (files[i], FALSE);

      g_test_message ("%s", files[i]);
      g_assert_no_error (world->error);
      g_assert_false (tess_tls_is_pinned (world->tls));
      g_assert_cmpstr (tess_tls_get_version (world->tls), ==, "TLSv1.3");
      cipher = tess_tls_get_cipher (world->tls);
      g_assert_true (g_str_has_prefix (cipher, "TLS_"));
      chain = tess_tls_get_chain (world->tls);
      g_assert_cmpuint (chain->len, ==, 1);
      g_assert_cmpstr (((TessCertificate *) chain->pdata[0])->fingerprint, ==, expected);
    }
}

static void
check_refused (const char *file, TessStreamOptions *options, TessXmppError code, TessCertificateFaults faults)
{
  g_autoptr (World)      world = shake_hands (file, options, G_TLS_AUTHENTICATION_NONE);
  g_autofree char       *expected = fingerprint_of (file, FALSE);
  const TessCertificate *refused;

  g_test_message ("%s", file);
  g_assert_error (world->error, TESS_XMPP_ERROR, (int) code);
  g_assert_nonnull (strstr (world->error->message, "a.test"));
  refused = tess_xmpp_error_get_certificate (world->error);
  g_assert_nonnull (refused);
  g_assert_cmpstr (refused->fingerprint, ==, expected);
  g_assert_cmpint (refused->faults, ==, faults);
  g_assert_nonnull (refused->issuer);
  g_assert_cmpint (refused->not_after_us, >, refused->not_before_us);
}

/* Row B3. */
static void
test_refused (void)
{
  static const struct { const char *file; TessCertificateFaults faults; } cases[] = {
    { "other-host.pem", TESS_CERTIFICATE_OTHER_NAME },
    { "expired.pem", TESS_CERTIFICATE_EXPIRED },
    { "self-signed.pem", TESS_CERTIFICATE_UNKNOWN_ISSUER },
    { "srv-of-another.pem", TESS_CERTIFICATE_OTHER_NAME },
    { "srv-of-servers.pem", TESS_CERTIFICATE_OTHER_NAME },
    { "limited-srv-name.pem", TESS_CERTIFICATE_OTHER_NAME },
    { "many.pem", TESS_CERTIFICATE_OTHER_NAME },
    { "for-clients.pem", TESS_CERTIFICATE_BROKEN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TessStreamOptions options = { 0 };

      check_refused (cases[i].file, &options, TESS_XMPP_ERROR_BAD_CERTIFICATE, cases[i].faults);
    }
}

/* A pinned one, whatever else it lacks. */
static void
test_pin (void)
{
  static const struct { const char *file; gboolean pinned; } cases[] = {
    { "self-signed.pem", TRUE }, { "expired.pem", TRUE }, { "other-host.pem", TRUE }, { "good.pem", FALSE },
    { "for-clients.pem", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char  *pin = fingerprint_of (cases[i].file, FALSE);
      TessStreamOptions options = { .pin = pin, .server_key = WHOLE_PIN };
      g_autoptr (World) world = shake_hands (cases[i].file, &options, G_TLS_AUTHENTICATION_NONE);

      g_test_message ("%s", cases[i].file);
      g_assert_no_error (world->error);
      g_assert_cmpint (tess_tls_is_pinned (world->tls), ==, cases[i].pinned);
    }
}

/* Any other is refused, a perfect one too, and one with the same key. */
static void
test_pin_refused (void)
{
  g_autofree char  *good = fingerprint_of ("good.pem", FALSE);
  g_autofree char  *self_signed = fingerprint_of ("self-signed.pem", FALSE);
  g_autofree char  *half = g_strndup (good, 32);
  TessStreamOptions of_good = { .pin = good };
  TessStreamOptions of_self_signed = { .pin = self_signed };
  TessStreamOptions of_half = { .pin = half };
  TessStreamOptions of_nothing = { .pin = "" };

  check_refused ("good.pem", &of_self_signed, TESS_XMPP_ERROR_CERTIFICATE_CHANGED, TESS_CERTIFICATE_NOT_PINNED);
  check_refused ("same-key.pem", &of_good, TESS_XMPP_ERROR_CERTIFICATE_CHANGED, TESS_CERTIFICATE_NOT_PINNED);
  check_refused ("self-signed.pem", &of_good, TESS_XMPP_ERROR_CERTIFICATE_CHANGED,
                 TESS_CERTIFICATE_NOT_PINNED | TESS_CERTIFICATE_UNKNOWN_ISSUER);
  check_refused ("good.pem", &of_half, TESS_XMPP_ERROR_CERTIFICATE_CHANGED, TESS_CERTIFICATE_NOT_PINNED);
  check_refused ("good.pem", &of_nothing, TESS_XMPP_ERROR_CERTIFICATE_CHANGED, TESS_CERTIFICATE_NOT_PINNED);
}

static void
test_server_key (void)
{
  static const char *const files[] = { "good.pem", "same-key.pem" };
  g_autofree char         *key = fingerprint_of ("good.pem", TRUE);
  g_autofree char         *self_signed = fingerprint_of ("self-signed.pem", TRUE);
  TessStreamOptions        of_good = { .server_key = key };
  TessStreamOptions        of_self_signed = { .server_key = self_signed };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      TessStreamOptions options = { .server_key = key };
      g_autoptr (World) world = shake_hands (files[i], &options, G_TLS_AUTHENTICATION_NONE);

      g_assert_no_error (world->error);
    }
  check_refused ("other-key.pem", &of_good, TESS_XMPP_ERROR_CERTIFICATE_CHANGED, TESS_CERTIFICATE_OTHER_KEY);
  /* The key that is remembered makes no bad certificate good. */
  check_refused ("self-signed.pem", &of_self_signed, TESS_XMPP_ERROR_BAD_CERTIFICATE, TESS_CERTIFICATE_UNKNOWN_ISSUER);
  check_refused ("expired.pem", &of_good, TESS_XMPP_ERROR_BAD_CERTIFICATE,
                 TESS_CERTIFICATE_EXPIRED | TESS_CERTIFICATE_OTHER_KEY);
}

static void
test_client_certificate (void)
{
  g_autoptr (GTlsCertificate) ours = load ("client.pem");
  g_autofree char            *expected = fingerprint_of ("client.pem", FALSE);
  TessStreamOptions           with = { .certificate = ours };
  TessStreamOptions           without = { 0 };

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (World) world = shake_hands ("good.pem", i == 0 ? &with : &without, G_TLS_AUTHENTICATION_REQUESTED);

      g_assert_no_error (world->error);
      g_assert_cmpstr (world->server.client, ==, i == 0 ? expected : NULL);
    }
}

/* ---- Older TLS ---- */


static guint16
free_port (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();

  return g_socket_listener_add_any_inet_port (listener, NULL, NULL);
}

static GSubprocess *
start_openssl (const char *version, guint16 port)
{
  g_autofree char            *certificate = path_of ("good.pem");
  g_autofree char            *accept = g_strdup_printf ("127.0.0.1:%u", port);
  g_autoptr (GError)          error = NULL;
  GSubprocess                *process =
    g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                      &error, "openssl", "s_server", "-accept", accept, "-cert", certificate, version, "-cipher",
                      "ALL:@SECLEVEL=0", NULL);
  g_autoptr (GDataInputStream) lines = NULL;
  g_autofree char             *line = NULL;

  g_assert_no_error (error);
  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  g_filter_input_stream_set_close_base_stream (G_FILTER_INPUT_STREAM (lines), FALSE);
  do
    {
      g_free (line);
      line = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
      g_assert_nonnull (line);
    }
  while (!g_str_equal (line, "ACCEPT"));

  return process;
}

/* GnuTLS takes the old ones, too: what refuses them is Tessera. */
static void
test_version (void)
{
  static const struct { const char *option; const char *version; } cases[] = {
    { "-tls1_3", "TLSv1.3" }, { "-tls1_2", "TLSv1.2" }, { "-tls1_1", NULL }, { "-tls1", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint16                       port = free_port ();
      g_autoptr (GSubprocess)       server = start_openssl (cases[i].option, port);
      g_autoptr (TessJid)           jid = tess_jid_new ("alice@a.test", NULL);
      g_autoptr (GTlsDatabase)      trust = tess_script_server_get_trust ();
      g_autoptr (GSocketClient)     client = g_socket_client_new ();
      g_autoptr (GSocketConnection) connection = g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, NULL);
      TessStreamOptions             options = { .jid = jid, .trust = trust };
      g_autoptr (World)             world = g_new0 (World, 1);

      g_assert_nonnull (connection);
      world->server.certificate = load ("good.pem");
      tess_tls_handshake_async (G_IO_STREAM (connection), &options, FALSE, NULL, handshake_cb, world);
      while (!world->done)
        g_main_context_iteration (NULL, TRUE);
      g_subprocess_force_exit (server);
      g_subprocess_wait (server, NULL, NULL);
      if (cases[i].version != NULL)
        {
          g_assert_no_error (world->error);
          g_assert_cmpstr (tess_tls_get_version (world->tls), ==, cases[i].version);
        }
      else
        {
          g_assert_error (world->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NO_TLS);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tls/accepted", test_accepted);
  g_test_add_func ("/tls/refused", test_refused);
  g_test_add_func ("/tls/pin", test_pin);
  g_test_add_func ("/tls/pin-refused", test_pin_refused);
  g_test_add_func ("/tls/server-key", test_server_key);
  g_test_add_func ("/tls/client-certificate", test_client_certificate);
  g_test_add_func ("/tls/version", test_version);
  return g_test_run ();
}
