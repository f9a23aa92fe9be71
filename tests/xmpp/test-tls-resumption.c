/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tess-script-server.h"
#include "xmpp/tess-certificate.h"
#include "xmpp/tess-tls.h"
#include "xmpp/tess-xmpp-error.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>

/* What one account accepts must not let in another: GLib resumes sessions of TLS over connections and asks about no certificate
 * then. It does not resume under g_test_init (), so this prints its TAP by itself. */

#define REQUEST "GET / HTTP/1.0\r\n\r\n"

typedef struct
{
  GIOStream *tls;
  GError    *error;
  gboolean   done;
} Outcome;

static guint number;
static gboolean failed;

static void
check (gboolean good, const char *what)
{
  number++;
  failed |= !good;
  g_print ("%s %u - /tls-resumption/%s\n", good ? "ok" : "not ok", number, what);
}

static void
handshake_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;

  outcome->tls = tess_tls_handshake_finish (result, &outcome->error);
  outcome->done = TRUE;
}

static void
connect_to (guint16 port, const char *pin, GTlsDatabase *trust, TessProxyKind proxy, Outcome *outcome)
{
  g_autoptr (TessJid)           jid = tess_jid_new ("alice@a.test", NULL);
  g_autoptr (GSocketClient)     client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, NULL);
  TessStreamOptions             options = { .jid = jid, .trust = trust, .pin = pin, .proxy = { .kind = proxy } };

  memset (outcome, 0, sizeof *outcome);
  tess_tls_handshake_async (G_IO_STREAM (connection), &options, FALSE, NULL, handshake_cb, outcome);
  while (!outcome->done)
    g_main_context_iteration (NULL, TRUE);
}

/* The server tells by a page whether the session is a new one; reading it brings the ticket for the next. */
static char *
read_page (GIOStream *tls)
{
  GString *page = g_string_new (NULL);
  char     buffer[4096];
  gssize   n;

  g_output_stream_write_all (g_io_stream_get_output_stream (tls), REQUEST, strlen (REQUEST), NULL, NULL, NULL);
  while ((n = g_input_stream_read (g_io_stream_get_input_stream (tls), buffer, sizeof buffer, NULL, NULL)) > 0)
    g_string_append_len (page, buffer, n);

  return g_string_free (page, FALSE);
}

static void
die_with_parent (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static GSubprocess *
start_server (const char *certificate, guint16 port)
{
  g_autoptr (GSubprocessLauncher) launcher =
    g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                               G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autofree char                *accept = g_strdup_printf ("127.0.0.1:%u", port);
  const char                     *argv[] = { "openssl", "s_server", "-www", "-accept", accept, "-cert", certificate, NULL };
  GSubprocess                    *process;
  GInputStream                   *out;
  g_autoptr (GString)             said = g_string_new (NULL);
  char                            c;

  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  process = g_subprocess_launcher_spawnv (launcher, argv, NULL);
  if (process == NULL)
    return NULL;
  out = g_subprocess_get_stdout_pipe (process);
  while (strstr (said->str, "ACCEPT") == NULL && g_input_stream_read (out, &c, 1, NULL, NULL) == 1)
    g_string_append_c (said, c);

  return process;
}

int
main (int argc, char **argv)
{
  g_autofree char            *path = g_build_filename (g_getenv ("TESS_TEST_CERTIFICATES"), "self-signed.pem", NULL);
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_file (path, NULL);
  g_autoptr (TessCertificate) read = tess_certificate_read (certificate, 0);
  g_autoptr (GTlsDatabase)    trust = tess_script_server_get_trust ();
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16                     port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  g_autoptr (GSubprocess)     server = NULL;
  Outcome                     outcome;

  g_print ("TAP version 13\n1..8\n");
  g_socket_listener_close (listener);
  server = start_server (path, port);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *page = NULL;

      connect_to (port, read->fingerprint, trust, TESS_PROXY_NONE, &outcome);
      check (outcome.tls != NULL && tess_tls_is_pinned (outcome.tls), i == 0 ? "pinned" : "pinned-again");
      page = outcome.tls != NULL ? read_page (outcome.tls) : g_strdup ("");
      /* Without a session that is taken up again the rest would prove nothing. */
      if (i == 1)
        check (strstr (page, "Reused, TLSv1.3") != NULL, "is-resumed");
      g_clear_object (&outcome.tls);
      g_clear_error (&outcome.error);
    }
  connect_to (port, NULL, trust, TESS_PROXY_NONE, &outcome);
  check (outcome.tls == NULL && g_error_matches (outcome.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_CERTIFICATE),
         "not-for-an-account-without-the-pin");
  g_clear_object (&outcome.tls);
  g_clear_error (&outcome.error);
  connect_to (port, "of another certificate", trust, TESS_PROXY_NONE, &outcome);
  check (outcome.tls == NULL && g_error_matches (outcome.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CERTIFICATE_CHANGED),
         "not-for-an-account-with-another-pin");
  g_clear_object (&outcome.tls);
  g_clear_error (&outcome.error);
  /* Behind a proxy it does not say who was here before, and leaves nothing behind that could. */
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char       *page = NULL;
      g_autoptr (GIOStream)  base = NULL;

      /* The first one only leaves its ticket to the second. */
      connect_to (port, read->fingerprint, trust, i == 0 ? TESS_PROXY_NONE : TESS_PROXY_SOCKS5, &outcome);
      page = outcome.tls != NULL ? read_page (outcome.tls) : g_strdup ("");
      if (i > 0)
        check (strstr (page, "New, TLSv1.3") != NULL, i == 1 ? "not-behind-a-proxy" : "not-behind-a-proxy-again");
      base = outcome.tls != NULL ? tess_tls_get_base (outcome.tls) : NULL;
      if (i == 2)
        check (G_IS_SOCKET_CONNECTION (base), "its-socket-is-found");
      g_clear_object (&outcome.tls);
      g_clear_error (&outcome.error);
    }
  g_subprocess_force_exit (server);
  g_subprocess_wait (server, NULL, NULL);

  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
