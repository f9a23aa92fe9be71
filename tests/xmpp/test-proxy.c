/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tess-fake-resolver.h"
#include "xmpp/tess-connector.h"
#include "xmpp/tess-proxy.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

/* A proxy on loopback that does what its script says, one connection after the other. */
typedef enum
{
  STEP_END,
  STEP_READ,    /* exactly these bytes must come */
  STEP_SEND,
  STEP_DRIBBLE, /* sends byte by byte */
  STEP_ENDLESS, /* sends the text again and again, until the client has gone: before 16 MiB */
  STEP_CANCEL,  /* cancels the client */
  STEP_EOF,     /* the client must close without another byte */
  STEP_CLOSE,   /* the next connection */
} StepKind;

typedef struct
{
  StepKind    kind;
  const char *data;
  gsize       size;
} Step;

#define READ(text) { STEP_READ, text, sizeof (text) - 1 }
#define SEND(text) { STEP_SEND, text, sizeof (text) - 1 }
#define DRIBBLE(text) { STEP_DRIBBLE, text, sizeof (text) - 1 }
#define ENDLESS(text) { STEP_ENDLESS, text, sizeof (text) - 1 }
#define TEN(text) text text text text text text text text text text

typedef struct
{
  GSocketListener *listener;
  guint16          port;
  const Step      *steps;
  GCancellable    *cancellable;
  GThread         *thread;
  char            *complaint;
} Script;

static gboolean
send_all (GIOStream *io, const char *data, gsize size)
{
  return g_output_stream_write_all (g_io_stream_get_output_stream (io), data, size, NULL, NULL, NULL);
}

/* Returns: what is wrong. */
static char *
run_step (Script *self, GIOStream *io, const Step *step)
{
  GInputStream      *in = g_io_stream_get_input_stream (io);
  g_autofree guint8 *buffer = g_malloc0 (step->size + 1);
  gsize              n = 0;

  switch (step->kind)
    {
    case STEP_READ:
      g_input_stream_read_all (in, buffer, step->size, &n, NULL, NULL);
      if (n != step->size || memcmp (buffer, step->data, n) != 0)
        return g_strdup_printf ("read %" G_GSIZE_FORMAT " bytes: %s", n, (char *) buffer);
      break;
    case STEP_SEND:
      send_all (io, step->data, step->size);
      break;
    case STEP_DRIBBLE:
      for (gsize i = 0; i < step->size; i++)
        send_all (io, step->data + i, 1);
      break;
    case STEP_ENDLESS:
      while (n < 16 * 1024 * 1024 && send_all (io, step->data, step->size))
        n += step->size;
      if (n >= 16 * 1024 * 1024)
        return g_strdup ("an endless header was read on and on");
      break;
    case STEP_CANCEL:
      g_cancellable_cancel (self->cancellable);
      break;
    case STEP_EOF:
      if (g_input_stream_read (in, buffer, 1, NULL, NULL) > 0)
        return g_strdup_printf ("there came %#x instead of the end", buffer[0]);
      break;
    case STEP_END:
    case STEP_CLOSE:
    default:
      break;
    }

  return NULL;
}

static gpointer
script_thread (gpointer data)
{
  Script               *self = data;
  g_autoptr (GIOStream) io = NULL;

  for (const Step *step = self->steps; step->kind != STEP_END && self->complaint == NULL; step++)
    {
      if (step->kind == STEP_CLOSE)
        {
          g_clear_object (&io);
          continue;
        }
      if (io == NULL)
        io = G_IO_STREAM (g_socket_listener_accept (self->listener, NULL, NULL, NULL));
      self->complaint = run_step (self, io, step);
    }

  return NULL;
}

static void
script_start (Script *self, const Step *steps)
{
  g_autoptr (GInetAddress)   loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;

  self->listener = g_socket_listener_new ();
  g_assert_true (g_socket_listener_add_address (self->listener, address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                                &bound, NULL));
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  self->steps = steps;
  self->complaint = NULL;
  self->cancellable = g_cancellable_new ();
  self->thread = g_thread_new ("proxy", script_thread, self);
}

static void
script_end (Script *self)
{
  g_thread_join (self->thread);
  g_assert_cmpstr (self->complaint, ==, NULL);
  g_object_unref (self->listener);
  g_object_unref (self->cancellable);
}

typedef struct
{
  GIOStream *io;
  GError    *error;
  char      *host;
  gboolean   direct;
  gboolean   done;
} Outcome;

static void
outcome_clear (Outcome *outcome)
{
  g_clear_object (&outcome->io);
  g_clear_error (&outcome->error);
  g_clear_pointer (&outcome->host, g_free);
  outcome->done = FALSE;
}

static void
proxied_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;

  outcome->io = tess_proxy_connect_finish (result, &outcome->error);
  outcome->done = TRUE;
}

static void
connector_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;

  outcome->io = tess_connector_connect_finish (result, &outcome->host, &outcome->direct, &outcome->error);
  outcome->done = TRUE;
}

typedef struct
{
  const char   *name;
  TessProxyKind kind;
  const char   *username;
  const char   *password;
  const char   *host;
  Step          steps[8];
  int           code; /* -1: it works */
  const char   *says;
} Case;

#define OK "\5\1\0\3\6a.test\x14\x66" /* a.test:5222 by name */
#define BOUND "\5\0\0\1\0\0\0\0\0\0"
#define WORKS { STEP_EOF, NULL, 0 }

static const Case socks_cases[] = {
  { "by-name", TESS_PROXY_SOCKS5, NULL, NULL, "a.test", { READ ("\5\1\0"), SEND ("\5\0"), READ (OK), SEND (BOUND), WORKS }, -1, NULL },
  { "slowly", TESS_PROXY_SOCKS5, NULL, NULL, "a.test", { READ ("\5\1\0"), DRIBBLE ("\5\0"), READ (OK), DRIBBLE (BOUND), WORKS }, -1, NULL },
  { "login", TESS_PROXY_SOCKS5, "me", "secret", "a.test",
    { READ ("\5\2\0\2"), SEND ("\5\2"), READ ("\1\2me\6secret"), SEND ("\1\0"), READ (OK), SEND (BOUND), WORKS }, -1, NULL },
  { "login-without-password", TESS_PROXY_SOCKS5, "me", NULL, "a.test",
    { READ ("\5\2\0\2"), SEND ("\5\2"), READ ("\1\2me\0"), SEND ("\1\0"), READ (OK), SEND (BOUND), WORKS }, -1, NULL },
  { "login-not-wanted", TESS_PROXY_SOCKS5, "me", "secret", "a.test",
    { READ ("\5\2\0\2"), SEND ("\5\0"), READ (OK), SEND (BOUND), WORKS }, -1, NULL },
  { "login-refused", TESS_PROXY_SOCKS5, "me", "secret", "a.test",
    { READ ("\5\2\0\2"), SEND ("\5\2"), READ ("\1\2me\6secret"), SEND ("\1\1"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "refused its username" },
  { "login-needed", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\5\xff"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "asks for a username" },
  { "login-never-offered", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\5\2"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "asks for a username" },
  { "unknown-method", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\5\1"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "version-4", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\4\0"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "version-4-later", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\5\0"), READ (OK), SEND ("\4\0\0\1\0\0\0\0\0\0"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "http-instead", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("HTTP/1.0 400 Bad Request\r\n\r\n"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "not-allowed", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\5\0"), READ (OK), SEND ("\5\2\0\1\0\0\0\0\0\0"), { STEP_EOF } }, TESS_XMPP_ERROR_UNREACHABLE, "does not allow" },
  { "host-unreachable", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\5\0"), READ (OK), SEND ("\5\4\0\1\0\0\0\0\0\0"), { STEP_EOF } }, TESS_XMPP_ERROR_UNREACHABLE, "cannot be reached through" },
  { "error-of-tor", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\5\0"), READ (OK), SEND ("\5\xf4\0\1\0\0\0\0\0\0"), { STEP_EOF } }, TESS_XMPP_ERROR_UNREACHABLE, "cannot be reached through" },
  { "bound-ipv6", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\5\0"), READ (OK), SEND ("\5\0\0\4" "0123456789abcdef" "pp"), WORKS }, -1, NULL },
  { "bound-longest-name", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\5\0"), READ (OK),
      SEND ("\5\0\0\3\xff" TEN (TEN ("x")) TEN (TEN ("x")) TEN ("01234") "56789" "pp"), WORKS }, -1, NULL },
  { "bound-unknown", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\5\0"), READ (OK), SEND ("\5\0\0\7\0\0\0\0\0\0"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "closes-at-once", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), { STEP_CLOSE } }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "closes-half-way", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\5\0"), READ (OK), SEND ("\5\0\0"), { STEP_CLOSE } }, TESS_XMPP_ERROR_UNREACHABLE, "cannot be reached through" },
  { "silent", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), { STEP_CANCEL }, { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "cannot be reached" },
  { "silent-later", TESS_PROXY_SOCKS5, NULL, NULL, "a.test",
    { READ ("\5\1\0"), SEND ("\5\0"), READ (OK), { STEP_CANCEL }, { STEP_EOF } }, TESS_XMPP_ERROR_UNREACHABLE, "cannot be reached through" },
  { "ipv4", TESS_PROXY_SOCKS5, NULL, NULL, "192.0.2.1",
    { READ ("\5\1\0"), SEND ("\5\0"), READ ("\5\1\0\1\xc0\0\2\1\x14\x66"), SEND (BOUND), WORKS }, -1, NULL },
  { "ipv6", TESS_PROXY_SOCKS5, NULL, NULL, "2001:db8::1",
    { READ ("\5\1\0"), SEND ("\5\0"), READ ("\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x14\x66"), SEND (BOUND), WORKS }, -1, NULL },
  { "onion", TESS_PROXY_SOCKS5, NULL, NULL, "tessera.onion",
    { READ ("\5\1\0"), SEND ("\5\0"), READ ("\5\1\0\3\xdtessera.onion\x14\x66"), SEND (BOUND), WORKS }, -1, NULL },
};

#define CONNECT "CONNECT a.test:5222 HTTP/1.1\r\nHost: a.test:5222\r\n\r\n"

static const Case http_cases[] = {
  { "by-name", TESS_PROXY_HTTP, NULL, NULL, "a.test", { READ (CONNECT), SEND ("HTTP/1.1 200 Here you are\r\n\r\n"), WORKS }, -1, NULL },
  { "old", TESS_PROXY_HTTP, NULL, NULL, "a.test", { READ (CONNECT), SEND ("HTTP/1.0 200 OK\r\nVia: me\r\n\r\n"), WORKS }, -1, NULL },
  { "slowly", TESS_PROXY_HTTP, NULL, NULL, "a.test", { READ (CONNECT), DRIBBLE ("HTTP/1.1 200 OK\r\nX: y\r\n\r\n"), WORKS }, -1, NULL },
  { "login", TESS_PROXY_HTTP, "me", "secret", "a.test",
    { READ ("CONNECT a.test:5222 HTTP/1.1\r\nHost: a.test:5222\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n"),
      SEND ("HTTP/1.1 200 OK\r\n\r\n"), WORKS }, -1, NULL },
  { "login-refused", TESS_PROXY_HTTP, "me", "secret", "a.test",
    { READ ("CONNECT a.test:5222 HTTP/1.1\r\nHost: a.test:5222\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n"),
      SEND ("HTTP/1.1 407 No\r\n\r\nbody"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "refused its username" },
  { "login-needed", TESS_PROXY_HTTP, NULL, NULL, "a.test",
    { READ (CONNECT), SEND ("HTTP/1.1 407 No\r\n\r\n"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "asks for a username" },
  { "not-allowed", TESS_PROXY_HTTP, NULL, NULL, "a.test",
    { READ (CONNECT), SEND ("HTTP/1.1 403 No\r\n\r\n<html/>"), { STEP_EOF } }, TESS_XMPP_ERROR_UNREACHABLE, "does not allow" },
  { "unreachable", TESS_PROXY_HTTP, NULL, NULL, "a.test",
    { READ (CONNECT), SEND ("HTTP/1.1 502 No\r\n\r\n"), { STEP_EOF } }, TESS_XMPP_ERROR_UNREACHABLE, "cannot be reached through" },
  { "not-a-proxy", TESS_PROXY_HTTP, NULL, NULL, "a.test",
    { READ (CONNECT), SEND ("HTTP/1.1 405 What?\r\n\r\n"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "wrong-version", TESS_PROXY_HTTP, NULL, NULL, "a.test",
    { READ (CONNECT), SEND ("HTTP/3.0 200 OK\r\n\r\n"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "other-protocol", TESS_PROXY_HTTP, NULL, NULL, "a.test",
    { READ (CONNECT), SEND ("220 mail.a.test ESMTP\r\n\r\n"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "speaks-for-the-server", TESS_PROXY_HTTP, NULL, NULL, "a.test",
    { READ (CONNECT), SEND ("HTTP/1.1 200 OK\r\n\r\n<stream:features/>"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "endless-header", TESS_PROXY_HTTP, NULL, NULL, "a.test",
    { READ (CONNECT), SEND ("HTTP/1.1 200 OK\r\n"), ENDLESS ("X-Header: " TEN (TEN ("padding")) "\r\n") }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "long-header", TESS_PROXY_HTTP, NULL, NULL, "a.test",
    { READ (CONNECT), SEND ("HTTP/1.1 200 OK\r\nX: " TEN (TEN (TEN ("1234567"))) "\r\n\r\n"), WORKS }, -1, NULL },
  { "nul", TESS_PROXY_HTTP, NULL, NULL, "a.test",
    { READ (CONNECT), SEND ("HTTP/1.1 200 OK\r\n\0\r\n\r\n"), { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "ends-in-header", TESS_PROXY_HTTP, NULL, NULL, "a.test",
    { READ (CONNECT), SEND ("HTTP/1.1 200 OK\r\n"), { STEP_CLOSE } }, TESS_XMPP_ERROR_PROXY, "of this kind" },
  { "silent", TESS_PROXY_HTTP, NULL, NULL, "a.test",
    { READ (CONNECT), { STEP_CANCEL }, { STEP_EOF } }, TESS_XMPP_ERROR_PROXY, "cannot be reached" },
  { "ipv6", TESS_PROXY_HTTP, NULL, NULL, "2001:db8::1",
    { READ ("CONNECT [2001:db8::1]:5222 HTTP/1.1\r\nHost: [2001:db8::1]:5222\r\n\r\n"), SEND ("HTTP/1.1 200 OK\r\n\r\n"), WORKS }, -1, NULL },
};

static void
test_case (gconstpointer data)
{
  const Case *test = data;
  Script      script = { 0 };
  Outcome     outcome = { 0 };
  TessProxy   proxy = { test->kind, "127.0.0.1", 0, test->username, test->password };

  script_start (&script, test->steps);
  proxy.port = script.port;
  tess_proxy_connect_async (&proxy, test->host, 5222, script.cancellable, proxied_cb, &outcome);
  while (!outcome.done)
    g_main_context_iteration (NULL, TRUE);
  if (test->code < 0)
    {
      g_assert_no_error (outcome.error);
    }
  else
    {
      g_assert_error (outcome.error, TESS_XMPP_ERROR, test->code);
      g_assert_nonnull (strstr (outcome.error->message, test->says));
      g_assert_null (strstr (outcome.error->message, "secret"));
    }
  outcome_clear (&outcome);
  script_end (&script);
}

/* What cannot be asked for is not asked for: nobody is connected to. */
static void
test_hosts_refused (void)
{
  static const char *const hosts[] = { "a.test\r\nX-Header: y", "a b", "", "a.test/", "b@a.test", "2001:db8::1:5222:x", "a:b", "\303\244.test" };
  g_autofree char         *long_name = g_strnfill (256, 'a');
  g_autoptr (TessFakeResolver) resolver = tess_fake_resolver_new ();
  g_autofree char         *log = NULL;
  TessProxy                proxy = { TESS_PROXY_HTTP, "proxy.test", 8080, NULL, NULL };

  g_resolver_set_default (G_RESOLVER (resolver));
  for (guint i = 0; i <= G_N_ELEMENTS (hosts); i++)
    {
      Outcome outcome = { 0 };

      tess_proxy_connect_async (&proxy, i < G_N_ELEMENTS (hosts) ? hosts[i] : long_name, 5222, NULL, proxied_cb, &outcome);
      while (!outcome.done)
        g_main_context_iteration (NULL, TRUE);
      g_assert_error (outcome.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_UNREACHABLE);
      outcome_clear (&outcome);
    }
  log = tess_fake_resolver_take_log (resolver);
  g_assert_cmpstr (log, ==, "");
}

static void
test_long_login (void)
{
  g_autofree char *text = g_strnfill (256, 'a');
  TessProxy        proxies[] = { { TESS_PROXY_SOCKS5, "127.0.0.1", 1, text, "x" }, { TESS_PROXY_SOCKS5, "127.0.0.1", 1, "x", text } };

  for (guint i = 0; i < G_N_ELEMENTS (proxies); i++)
    {
      Outcome outcome = { 0 };

      tess_proxy_connect_async (&proxies[i], "a.test", 5222, NULL, proxied_cb, &outcome);
      while (!outcome.done)
        g_main_context_iteration (NULL, TRUE);
      g_assert_error (outcome.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_PROXY);
      g_assert_nonnull (strstr (outcome.error->message, "refused its username"));
      outcome_clear (&outcome);
    }
}

/* ---- The connector ---- */

typedef struct
{
  const char *name;
  const char *jid;
  const char *host;
  guint16     port;
  TessTlsMode tls;
  const char *other_host; /* see-other-host */
  guint16     other_port;
  Step        steps[16];
} ConnectorCase;

#define REFUSE "\5\5\0\1\0\0\0\0\0\0"
#define HELLO READ ("\5\1\0"), SEND ("\5\0")
#define NEXT { STEP_EOF, NULL, 0 }, { STEP_CLOSE, NULL, 0 }

/* Each ends with an open connection that is STARTTLS's turn. */
static const ConnectorCase connector_cases[] = {
  { "domain", "a@a.test", NULL, 0, TESS_TLS_AUTOMATIC, NULL, 0, { HELLO, READ (OK), SEND (BOUND), WORKS } },
  { "host", "a@a.test", "b.test", 0, TESS_TLS_STARTTLS, NULL, 0,
    { HELLO, READ ("\5\1\0\3\6b.test\x14\x66"), SEND (BOUND), WORKS } },
  { "host-and-port", "a@a.test", "b.test", 443, TESS_TLS_STARTTLS, NULL, 0,
    { HELLO, READ ("\5\1\0\3\6b.test\x01\xbb"), SEND (BOUND), WORKS } },
  { "direct-first-by-port", "a@a.test", "b.test", 5223, TESS_TLS_AUTOMATIC, NULL, 0,
    { HELLO, READ ("\5\1\0\3\6b.test\x14\x67"), SEND (REFUSE), NEXT, HELLO, READ ("\5\1\0\3\6b.test\x14\x67"), SEND (BOUND), WORKS } },
  { "see-other-host", "a@a.test", "b.test", 0, TESS_TLS_STARTTLS, "c.test", 5333,
    { HELLO, READ ("\5\1\0\3\6c.test\x14\xd5"), SEND (BOUND), WORKS } },
  { "ipv6", "a@a.test", "2001:db8::1", 0, TESS_TLS_STARTTLS, NULL, 0,
    { HELLO, READ ("\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x14\x66"), SEND (BOUND), WORKS } },
  { "onion", "a@tessera.onion", NULL, 0, TESS_TLS_STARTTLS, NULL, 0,
    { HELLO, READ ("\5\1\0\3\xdtessera.onion\x14\x66"), SEND (BOUND), WORKS } },
  { "localhost", "a@localhost", NULL, 0, TESS_TLS_STARTTLS, NULL, 0,
    { HELLO, READ ("\5\1\0\3\x9localhost\x14\x66"), SEND (BOUND), WORKS } },
  { "international", "a@stra\303\237e.test", NULL, 0, TESS_TLS_STARTTLS, NULL, 0,
    { HELLO, READ ("\5\1\0\3\x12xn--strae-oqa.test\x14\x66"), SEND (BOUND), WORKS } },
};

static void
run_connector (const TessStreamOptions *options, const char *other_host, guint16 other_port, Outcome *outcome)
{
  tess_connector_connect_async (options, other_host, other_port, NULL, connector_cb, outcome);
  while (!outcome->done)
    g_main_context_iteration (NULL, TRUE);
}

/* Nothing is looked up, whatever DNS would have to say. */
static void
test_connector (gconstpointer data)
{
  const ConnectorCase         *test = data;
  g_autoptr (TessFakeResolver) resolver = tess_fake_resolver_new ();
  g_autoptr (TessJid)          jid = tess_jid_new (test->jid, NULL);
  Script                       script = { 0 };
  Outcome                      outcome = { 0 };
  TessStreamOptions            options = { .jid = jid, .resolver = G_RESOLVER (resolver), .host = test->host, .port = test->port,
                                           .tls = test->tls };
  g_autofree char             *log = NULL;

  g_resolver_set_default (G_RESOLVER (resolver));
  tess_fake_resolver_add_service (resolver, "_xmpp-client._tcp.a.test", "elsewhere.test", 5222, 0, 0);
  tess_fake_resolver_add_name (resolver, "elsewhere.test", "127.0.0.1");
  script_start (&script, test->steps);
  options.proxy = (TessProxy) { TESS_PROXY_SOCKS5, "127.0.0.1", script.port, NULL, NULL };
  run_connector (&options, test->other_host, test->other_port, &outcome);
  g_assert_no_error (outcome.error);
  g_assert_false (outcome.direct);
  outcome_clear (&outcome);
  script_end (&script);
  log = tess_fake_resolver_take_log (resolver);
  g_assert_cmpstr (log, ==, "");
}

/* Without SRV records both ports are tried, each with its own TLS. */
static void
test_both_ports (void)
{
  static const Step   steps[] = { HELLO, READ (OK), SEND (REFUSE), NEXT, HELLO, READ ("\5\1\0\3\6a.test\x14\x67"), SEND (REFUSE),
                                  { STEP_EOF }, { STEP_END } };
  g_autoptr (TessJid) jid = tess_jid_new ("a@a.test", NULL);
  Script              script = { 0 };
  Outcome             outcome = { 0 };
  TessStreamOptions   options = { .jid = jid };

  script_start (&script, steps);
  options.proxy = (TessProxy) { TESS_PROXY_SOCKS5, "127.0.0.1", script.port, NULL, NULL };
  run_connector (&options, NULL, 0, &outcome);
  g_assert_error (outcome.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_UNREACHABLE);
  g_assert_nonnull (strstr (outcome.error->message, "through the proxy"));
  outcome_clear (&outcome);
  script_end (&script);
}

/* A proxy that is not there is told at once, and never gone around. */
static void
test_no_proxy_there (void)
{
  g_autoptr (TessFakeResolver) resolver = tess_fake_resolver_new ();
  g_autoptr (TessJid)          jid = tess_jid_new ("a@a.test", NULL);
  static const Step            nothing[] = { { STEP_END } };
  Script                       script = { 0 };
  g_autofree char             *log = NULL;

  g_resolver_set_default (G_RESOLVER (resolver));
  tess_fake_resolver_add_name (resolver, "a.test", "127.0.0.1");
  for (guint i = 0; i < 3; i++)
    {
      Outcome           outcome = { 0 };
      TessStreamOptions options = { .jid = jid, .resolver = G_RESOLVER (resolver) };

      script_start (&script, nothing);
      script_end (&script);
      options.proxy = (TessProxy) { i == 0 ? TESS_PROXY_SOCKS5 : TESS_PROXY_HTTP, i == 2 ? NULL : "127.0.0.1", script.port, NULL, NULL };
      run_connector (&options, NULL, 0, &outcome);
      g_assert_error (outcome.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_PROXY);
      outcome_clear (&outcome);
    }
  log = tess_fake_resolver_take_log (resolver);
  g_assert_cmpstr (log, ==, "");
}

/* RFC 7686: without a proxy nobody is asked. */
static void
test_onion_needs_proxy (void)
{
  static const struct { const char *jid; const char *host; } cases[] = {
    { "a@tessera.onion", NULL }, { "a@a.test", "tessera.ONION" }, { "a@a.test", "tessera.onion." }, { "a@with-srv.test", NULL },
  };
  g_autoptr (TessFakeResolver) resolver = tess_fake_resolver_new ();

  g_resolver_set_default (G_RESOLVER (resolver));
  tess_fake_resolver_add_service (resolver, "_xmpp-client._tcp.with-srv.test", "tessera.onion", 5222, 0, 0);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint kind = 0; kind < 2; kind++)
      {
        g_autoptr (TessJid) jid = tess_jid_new (cases[i].jid, NULL);
        Outcome             outcome = { 0 };
        TessStreamOptions   options = { .jid = jid, .host = cases[i].host, .resolver = G_RESOLVER (resolver) };
        g_autofree char    *log = NULL;
        g_autofree char    *lower = NULL;

        options.proxy.kind = kind == 0 ? TESS_PROXY_DESKTOP : TESS_PROXY_NONE;
        run_connector (&options, NULL, 0, &outcome);
        g_assert_error (outcome.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_PROXY);
        g_assert_nonnull (strstr (outcome.error->message, "Tor"));
        outcome_clear (&outcome);
        log = tess_fake_resolver_take_log (resolver);
        lower = g_ascii_strdown (log, -1);
        g_assert_null (strstr (lower, ".onion"));
      }
}

static void
add_cases (const char *prefix, const Case *cases, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *path = g_strdup_printf ("/proxy/%s/%s", prefix, cases[i].name);

      g_test_add_data_func (path, &cases[i], test_case);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_cases ("socks5", socks_cases, G_N_ELEMENTS (socks_cases));
  add_cases ("http", http_cases, G_N_ELEMENTS (http_cases));
  g_test_add_func ("/proxy/hosts-refused", test_hosts_refused);
  g_test_add_func ("/proxy/long-login", test_long_login);
  for (guint i = 0; i < G_N_ELEMENTS (connector_cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/proxy/connector/%s", connector_cases[i].name);

      g_test_add_data_func (path, &connector_cases[i], test_connector);
    }
  g_test_add_func ("/proxy/connector/both-ports", test_both_ports);
  g_test_add_func ("/proxy/connector/no-proxy-there", test_no_proxy_there);
  g_test_add_func ("/proxy/connector/onion-needs-proxy", test_onion_needs_proxy);
  return g_test_run ();
}
