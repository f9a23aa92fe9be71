/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tess-fake-resolver.h"
#include "xmpp/tess-connector.h"
#include "xmpp/tess-tls.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

static gint32
lowest (gint32 begin, gint32 end)
{
  return begin;
}

static gint32
highest (gint32 begin, gint32 end)
{
  return end - 1;
}

static char *
describe (GPtrArray *targets)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < targets->len; i++)
    {
      TessTarget *target = g_ptr_array_index (targets, i);

      g_string_append_printf (out, "%s%s:%u%s", i > 0 ? " " : "", target->host, target->port,
                              target->direct ? "!" : "");
    }

  return g_string_free (out, FALSE);
}

static GList *
srv (GList *list, const char *host, guint16 port, guint16 priority, guint16 weight)
{
  return g_list_append (list, g_srv_target_new (host, port, priority, weight));
}

static void
test_order (void)
{
  GList *xmpp = NULL;
  GList *xmpps = NULL;

  xmpp = srv (xmpp, "late", 5222, 20, 0);
  xmpp = srv (xmpp, "light", 5222, 10, 1);
  xmpp = srv (xmpp, "zero", 5222, 10, 0);
  xmpp = srv (xmpp, ".", 0, 0, 0);
  xmpps = srv (xmpps, "heavy", 443, 10, 65535);
  xmpps = srv (xmpps, "last", 443, 65535, 65535);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GPtrArray) sorted = tess_connector_sort_targets (xmpp, xmpps, i == 0 ? lowest : highest);
      g_autofree char      *text = describe (sorted);

      g_assert_cmpstr (text, ==,
                       i == 0 ? "zero:5222 heavy:443! light:5222 late:5222 last:443!"
                              : "light:5222 heavy:443! zero:5222 late:5222 last:443!");
    }
  g_resolver_free_targets (xmpp);
  g_resolver_free_targets (xmpps);
}

/* Of 3:1 in weight, about 3:1 in draws: wide bounds, as the draws are random. */
static void
test_weights (void)
{
  GList *list = srv (srv (NULL, "three", 1, 0, 3), "one", 1, 0, 1);
  guint  three = 0;

  for (guint i = 0; i < 4000; i++)
    {
      g_autoptr (GPtrArray) sorted = tess_connector_sort_targets (list, NULL, g_test_rand_int_range);

      g_assert_cmpuint (sorted->len, ==, 2);
      three += g_str_equal (((TessTarget *) g_ptr_array_index (sorted, 0))->host, "three");
    }
  g_assert_cmpuint (three, >, 2200);
  g_assert_cmpuint (three, <, 3800);
  g_resolver_free_targets (list);
}

typedef struct
{
  GMainLoop *loop;
  GIOStream *io;
  char      *host;
  gboolean   direct;
  GError    *error;
} Outcome;

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;

  outcome->io = tess_connector_connect_finish (result, &outcome->host, &outcome->direct, &outcome->error);
  g_main_loop_quit (outcome->loop);
}

static void
connect_and_wait (const TessStreamOptions *options, GCancellable *cancellable, Outcome *outcome)
{
  outcome->loop = g_main_loop_new (NULL, FALSE);
  tess_connector_connect_async (options, NULL, 0, cancellable, connected_cb, outcome);
  g_main_loop_run (outcome->loop);
  g_clear_pointer (&outcome->loop, g_main_loop_unref);
}

static void
outcome_clear (Outcome *outcome)
{
  g_clear_object (&outcome->io);
  g_clear_pointer (&outcome->host, g_free);
  g_clear_error (&outcome->error);
}

static GSocketListener *
listen_somewhere (guint16 *port)
{
  GSocketListener           *listener = g_socket_listener_new ();
  g_autoptr (GInetAddress)   loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;

  g_assert_true (g_socket_listener_add_address (listener, address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                                &bound, NULL));
  *port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  return listener;
}

/* A port where nobody listens any more. */
static guint16
closed_port (void)
{
  guint16                    port;
  g_autoptr (GSocketListener) listener = listen_somewhere (&port);

  g_socket_listener_close (listener);
  return port;
}

/* Dead hosts and dead ports are passed over, in the order of the records. */
static void
test_falls_through (void)
{
  g_autoptr (TessFakeResolver) resolver = tess_fake_resolver_new ();
  g_autoptr (TessJid)          jid = tess_jid_new ("alice@a.test", NULL);
  TessStreamOptions            options = { .jid = jid, .resolver = G_RESOLVER (resolver) };
  guint16                      port;
  G_GNUC_UNUSED g_autoptr (GSocketListener)  listener = listen_somewhere (&port);
  g_autofree char             *log = NULL;
  Outcome                      outcome = { 0 };

  g_resolver_set_default (G_RESOLVER (resolver));
  tess_fake_resolver_add_service (resolver, "_xmpp-client._tcp.a.test", "gone.test", 5222, 1, 0);
  tess_fake_resolver_add_service (resolver, "_xmpp-client._tcp.a.test", "dead.test", closed_port (), 2, 0);
  tess_fake_resolver_add_service (resolver, "_xmpp-client._tcp.a.test", "live.test", port, 3, 0);
  tess_fake_resolver_add_service (resolver, "_xmpps-client._tcp.a.test", ".", 0, 0, 0);
  tess_fake_resolver_add_name (resolver, "dead.test", "127.0.0.1");
  tess_fake_resolver_add_name (resolver, "live.test", "127.0.0.1");

  connect_and_wait (&options, NULL, &outcome);
  g_assert_no_error (outcome.error);
  g_assert_cmpstr (outcome.host, ==, "live.test");
  g_assert_false (outcome.direct);
  log = tess_fake_resolver_take_log (resolver);
  g_assert_nonnull (strstr (log, "_xmpps-client._tcp.a.test\n"));
  g_assert_true (strstr (log, "gone.test") < strstr (log, "dead.test"));
  g_assert_true (strstr (log, "dead.test") < strstr (log, "live.test"));
  outcome_clear (&outcome);
}

/* Each failure has its own name. */
static void
test_failures (void)
{
  g_autoptr (TessFakeResolver) resolver = tess_fake_resolver_new ();
  static const struct { const char *jid; const char *host; int code; } cases[] = {
    { "a@nowhere.test", NULL, TESS_XMPP_ERROR_NO_SUCH_SERVER },
    { "a@refusing.test", NULL, TESS_XMPP_ERROR_NO_SUCH_SERVER },
    { "a@dead.test", NULL, TESS_XMPP_ERROR_REFUSED },
    { "a@half.test", NULL, TESS_XMPP_ERROR_REFUSED },
    { "a@nowhere.test", "127.0.0.1", TESS_XMPP_ERROR_REFUSED },
    { "a@nowhere.test", "nowhere.test", TESS_XMPP_ERROR_NO_SUCH_SERVER },
  };

  g_resolver_set_default (G_RESOLVER (resolver));
  tess_fake_resolver_add_service (resolver, "_xmpp-client._tcp.refusing.test", ".", 0, 0, 0);
  tess_fake_resolver_add_service (resolver, "_xmpps-client._tcp.refusing.test", ".", 0, 0, 0);
  tess_fake_resolver_add_name (resolver, "refusing.test", "127.0.0.1");
  tess_fake_resolver_add_service (resolver, "_xmpp-client._tcp.dead.test", "host.test", closed_port (), 0, 0);
  tess_fake_resolver_add_service (resolver, "_xmpp-client._tcp.half.test", "host.test", closed_port (), 0, 0);
  tess_fake_resolver_add_service (resolver, "_xmpp-client._tcp.half.test", "gone.test", 1, 1, 0);
  tess_fake_resolver_add_name (resolver, "host.test", "127.0.0.1");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessJid) jid = tess_jid_new (cases[i].jid, NULL);
      TessStreamOptions   options = { .jid = jid, .resolver = G_RESOLVER (resolver), .host = cases[i].host,
                                      .port = cases[i].host != NULL ? closed_port () : 0 };
      Outcome             outcome = { 0 };

      connect_and_wait (&options, NULL, &outcome);
      g_assert_error (outcome.error, TESS_XMPP_ERROR, cases[i].code);
      g_assert_nonnull (strstr (outcome.error->message, ".test"));
      outcome_clear (&outcome);
    }
}

static void
test_cancelled (void)
{
  g_autoptr (TessFakeResolver) resolver = tess_fake_resolver_new ();
  g_autoptr (TessJid)          jid = tess_jid_new ("a@a.test", NULL);
  g_autoptr (GCancellable)     cancellable = g_cancellable_new ();
  TessStreamOptions            options = { .jid = jid, .resolver = G_RESOLVER (resolver) };
  Outcome                      outcome = { 0 };

  g_resolver_set_default (G_RESOLVER (resolver));
  g_cancellable_cancel (cancellable);
  connect_and_wait (&options, cancellable, &outcome);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  outcome_clear (&outcome);
}

/* What is asked is the A-label, by IDNA 2008. */
static void
test_international (void)
{
  g_autoptr (TessFakeResolver) resolver = tess_fake_resolver_new ();
  g_autoptr (TessJid)          jid = tess_jid_new ("a@stra\303\237e.test", NULL);
  TessStreamOptions            options = { .jid = jid, .resolver = G_RESOLVER (resolver) };
  g_autofree char             *log = NULL;
  Outcome                      outcome = { 0 };

  g_resolver_set_default (G_RESOLVER (resolver));
  connect_and_wait (&options, NULL, &outcome);
  log = tess_fake_resolver_take_log (resolver);
  g_assert_nonnull (strstr (log, "_xmpp-client._tcp.xn--strae-oqa.test\n"));
  g_assert_nonnull (strstr (outcome.error->message, "stra\303\237e.test"));
  outcome_clear (&outcome);
}

/* Row B3: each reason has one sentence that names the domain. */
static void
test_certificate_sentences (void)
{
  static const GTlsCertificateFlags flags[] = {
    G_TLS_CERTIFICATE_BAD_IDENTITY, G_TLS_CERTIFICATE_REVOKED, G_TLS_CERTIFICATE_EXPIRED, G_TLS_CERTIFICATE_NOT_ACTIVATED,
    G_TLS_CERTIFICATE_UNKNOWN_CA, G_TLS_CERTIFICATE_INSECURE, G_TLS_CERTIFICATE_GENERIC_ERROR,
  };
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      char *sentence = tess_tls_describe_errors (flags[i], "a.test");

      g_assert_nonnull (strstr (sentence, "a.test"));
      g_assert_true (g_hash_table_add (seen, sentence));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/connector/order", test_order);
  g_test_add_func ("/connector/weights", test_weights);
  g_test_add_func ("/connector/falls-through", test_falls_through);
  g_test_add_func ("/connector/failures", test_failures);
  g_test_add_func ("/connector/cancelled", test_cancelled);
  g_test_add_func ("/connector/international", test_international);
  g_test_add_func ("/connector/certificate-sentences", test_certificate_sentences);
  return g_test_run ();
}
