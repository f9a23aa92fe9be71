/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-connector.h"

#include "base/tess-source.h"
#include "xmpp/tess-jid-prepare.h"
#include "xmpp/tess-proxy.h"
#include "xmpp/tess-tls.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define PORT_STARTTLS 5222
#define PORT_DIRECT 5223
#define ATTEMPT_SECONDS 15
#define PROXY_SECONDS 30 /* Tor builds a way of several hops first */
#define MAX_TARGETS 16

typedef struct
{
  char           *domain; /* for a person, and for TLS */
  char           *ascii;  /* for DNS */
  TessTlsMode     mode;
  TessStreamOptions options; /* what the connection and TLS need of them: a copy */
  GResolver      *resolver;
  GPtrArray      *targets; /* of TessTarget */
  GPtrArray      *connectables; /* of GSocketConnectable: beside each target; only with a resolve function */
  guint           next;
  GList          *srv[2]; /* of GSrvTarget: STARTTLS, direct */
  guint           lookups;
  gboolean        refused_by_dns; /* "." for everything */
  gboolean        resolved;  /* at least one name was found */
  gboolean        not_found; /* at least one was not */
  gboolean        refused; /* somebody said that nobody listens there: the network is not at fault */
  GError         *tls_error; /* what direct TLS said: worth more than a later refused connection */
  GError         *proxy_error; /* what the proxy said last */
  GSource        *timer;
  GCancellable   *attempt;
  gulong          chained;
} Connector;

typedef struct
{
  GIOStream *io;
  char      *host;
  gboolean   direct;
} Connection;

static void try_next (GTask *task);

static void
target_free (gpointer data)
{
  TessTarget *target = data;

  g_free (target->host);
  g_free (target);
}

static void
connection_free (gpointer data)
{
  Connection *connection = data;

  g_clear_object (&connection->io);
  g_free (connection->host);
  g_free (connection);
}

static void
end_attempt (Connector *self, GCancellable *outer)
{
  tess_source_clear (&self->timer);
  if (self->chained != 0)
    {
      g_cancellable_disconnect (outer, self->chained);
      self->chained = 0;
    }
  g_clear_object (&self->attempt);
}

static void
copy_options (TessStreamOptions *to, const TessStreamOptions *from)
{
  to->jid = tess_jid_ref (from->jid);
  to->tls = from->tls;
  to->trust = from->trust != NULL ? g_object_ref (from->trust) : NULL;
  to->certificate = from->certificate != NULL ? g_object_ref (from->certificate) : NULL;
  to->pin = g_strdup (from->pin);
  to->server_key = g_strdup (from->server_key);
  tess_proxy_copy (&to->proxy, &from->proxy);
}

static void
clear_options (TessStreamOptions *options)
{
  g_clear_pointer (&options->jid, tess_jid_unref);
  g_clear_object (&options->trust);
  g_clear_object (&options->certificate);
  g_free ((char *) options->pin);
  g_free ((char *) options->server_key);
  tess_proxy_clear (&options->proxy);
}

static void
connector_free (gpointer data)
{
  Connector *self = data;

  end_attempt (self, NULL);
  g_free (self->domain);
  g_free (self->ascii);
  clear_options (&self->options);
  g_clear_object (&self->resolver);
  g_ptr_array_unref (self->targets);
  g_clear_pointer (&self->connectables, g_ptr_array_unref);
  for (guint i = 0; i < 2; i++)
    g_resolver_free_targets (self->srv[i]);
  g_clear_error (&self->tls_error);
  g_clear_error (&self->proxy_error);
  g_free (self);
}

static void
add_target (GPtrArray *targets, const char *host, guint16 port, gboolean direct)
{
  TessTarget *target;

  if (targets->len >= MAX_TARGETS)
    return;
  target = g_new0 (TessTarget, 1);
  target->host = g_strdup (host);
  target->port = port;
  target->direct = direct;
  g_ptr_array_add (targets, target);
}

typedef struct
{
  GSrvTarget *srv;
  gboolean    direct;
} Candidate;

static gboolean
is_dot (GSrvTarget *srv)
{
  const char *host = g_srv_target_get_hostname (srv);

  return *host == '\0' || g_str_equal (host, ".");
}

static void
collect (GArray *candidates, GList *targets, gboolean direct)
{
  for (GList *l = targets; l != NULL; l = l->next)
    {
      Candidate candidate = { l->data, direct };

      if (!is_dot (l->data))
        g_array_append_val (candidates, candidate);
    }
}

static guint
weight_of (const Candidate *candidate)
{
  return g_srv_target_get_weight (candidate->srv);
}

/* The lowest priority there is; of its members one at random, by weight (RFC 2782, "Weight"). */
static guint
pick (GArray *candidates, gint32 (*random) (gint32, gint32))
{
  guint lowest = G_MAXUINT;
  guint total = 0;
  guint running = 0;
  guint threshold;
  guint last = 0;

  for (guint i = 0; i < candidates->len; i++)
    lowest = MIN (lowest, g_srv_target_get_priority (g_array_index (candidates, Candidate, i).srv));
  for (guint i = 0; i < candidates->len; i++)
    if (g_srv_target_get_priority (g_array_index (candidates, Candidate, i).srv) == lowest)
      total += weight_of (&g_array_index (candidates, Candidate, i));
  threshold = (guint) random (0, (gint32) total + 1);

  /* Those without weight stand first, so that they are picked with a small chance only. */
  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0; i < candidates->len; i++)
      {
        Candidate *candidate = &g_array_index (candidates, Candidate, i);

        if (g_srv_target_get_priority (candidate->srv) != lowest || (weight_of (candidate) == 0) != (pass == 0))
          continue;
        running += weight_of (candidate);
        last = i;
        if (running >= threshold)
          return i;
      }

  return last;
}

GPtrArray *
tess_connector_sort_targets (GList *xmpp, GList *xmpps, gint32 (*random) (gint32, gint32))
{
  GPtrArray         *sorted = g_ptr_array_new_with_free_func (target_free);
  g_autoptr (GArray) candidates = g_array_new (FALSE, FALSE, sizeof (Candidate));

  collect (candidates, xmpps, TRUE);
  collect (candidates, xmpp, FALSE);
  while (candidates->len > 0)
    {
      guint      index = pick (candidates, random);
      Candidate *candidate = &g_array_index (candidates, Candidate, index);

      add_target (sorted, g_srv_target_get_hostname (candidate->srv), g_srv_target_get_port (candidate->srv),
                  candidate->direct);
      g_array_remove_index (candidates, index);
    }

  return sorted;
}

static GError *
explain_failure (Connector *self)
{
  if (self->tls_error != NULL)
    return g_steal_pointer (&self->tls_error);
  if (self->proxy_error != NULL)
    return g_steal_pointer (&self->proxy_error);
  if (self->refused_by_dns)
    return g_error_new (TESS_XMPP_ERROR, TESS_XMPP_ERROR_NO_SUCH_SERVER,
                        _ ("%s says that it has no chat server. Check the part of the address after the @."),
                        self->domain);
  if (self->not_found && !self->resolved)
    return g_error_new (TESS_XMPP_ERROR, TESS_XMPP_ERROR_NO_SUCH_SERVER,
                        _ ("There is no server named %s. Check the part of the address after the @."), self->domain);

  return g_error_new (TESS_XMPP_ERROR, self->refused ? TESS_XMPP_ERROR_REFUSED : TESS_XMPP_ERROR_UNREACHABLE,
                      _ ("%s cannot be reached. Check the connection to the internet, or try again later."),
                      self->domain);
}

static void
succeed (GTask *task, GIOStream *io, const TessTarget *target)
{
  Connection *connection = g_new0 (Connection, 1);

  connection->io = g_object_ref (io);
  connection->host = g_strdup (target->host);
  connection->direct = target->direct;
  g_task_return_pointer (task, connection, connection_free);
}

static const TessTarget *
current_target (Connector *self)
{
  return g_ptr_array_index (self->targets, self->next - 1);
}

static void
direct_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask)     task = data;
  g_autoptr (GError)    error = NULL;
  g_autoptr (GIOStream) tls = tess_tls_handshake_finish (result, &error);
  Connector            *self = g_task_get_task_data (task);

  end_attempt (self, g_task_get_cancellable (task));
  if (tls != NULL)
    {
      succeed (task, tls, current_target (self));
      return;
    }
  /* A bad certificate of one host must not be hidden by the refusal of the next. */
  if (error->domain == TESS_XMPP_ERROR &&
      (self->tls_error == NULL || error->code == TESS_XMPP_ERROR_BAD_CERTIFICATE ||
       error->code == TESS_XMPP_ERROR_CERTIFICATE_CHANGED))
    {
      g_clear_error (&self->tls_error);
      self->tls_error = g_steal_pointer (&error);
    }
  try_next (g_steal_pointer (&task));
}

/* Takes @task. */
static void
use_socket (GTask *task, GIOStream *socket)
{
  Connector *self = g_task_get_task_data (task);

  self->resolved = TRUE;
  g_socket_set_keepalive (g_socket_connection_get_socket (G_SOCKET_CONNECTION (socket)), TRUE);
  /* Whatever is written is whole: without this a message waits 40 ms for the other side to acknowledge the bytes before it. */
  g_socket_set_option (g_socket_connection_get_socket (G_SOCKET_CONNECTION (socket)), IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  if (!current_target (self)->direct)
    {
      end_attempt (self, g_task_get_cancellable (task));
      succeed (task, socket, current_target (self));
      g_object_unref (task);
      return;
    }
  tess_tls_handshake_async (socket, &self->options, TRUE, self->attempt, direct_cb, task);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask                        *task = data;
  g_autoptr (GError)            error = NULL;
  g_autoptr (GSocketConnection) socket = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  Connector                    *self = g_task_get_task_data (task);

  if (socket != NULL)
    {
      use_socket (task, G_IO_STREAM (socket));
      return;
    }
  g_debug ("No connection: %s", error->message);
  if (g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND))
    self->not_found = TRUE;
  else
    self->resolved = TRUE;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    self->refused = TRUE;
  end_attempt (self, g_task_get_cancellable (task));
  try_next (task);
}

static void
through_proxy_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask                *task = data;
  Connector            *self = g_task_get_task_data (task);
  g_autoptr (GIOStream) socket = NULL;

  g_clear_error (&self->proxy_error);
  socket = tess_proxy_connect_finish (result, &self->proxy_error);
  if (socket != NULL)
    {
      use_socket (task, socket);
      return;
    }
  end_attempt (self, g_task_get_cancellable (task));
  /* What is wrong with the proxy itself is wrong for every server. */
  if (g_error_matches (self->proxy_error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_PROXY))
    self->next = self->targets->len;
  try_next (task);
}

static gboolean
attempt_timeout_cb (gpointer data)
{
  g_cancellable_cancel (G_CANCELLABLE (data));
  return G_SOURCE_REMOVE;
}

static void
outer_cancelled_cb (GCancellable *outer, gpointer attempt)
{
  g_cancellable_cancel (attempt);
}

static void
begin_attempt (Connector *self, GCancellable *outer)
{
  self->attempt = g_cancellable_new ();
  if (outer != NULL)
    self->chained = g_cancellable_connect (outer, G_CALLBACK (outer_cancelled_cb), g_object_ref (self->attempt),
                                           g_object_unref);
  self->timer = g_timeout_source_new_seconds (tess_proxy_is_set (&self->options.proxy) ? PROXY_SECONDS : ATTEMPT_SECONDS);
  g_source_set_callback (self->timer, attempt_timeout_cb, g_object_ref (self->attempt), g_object_unref);
  g_source_attach (self->timer, g_main_context_get_thread_default ());
}

/* RFC 7686 section 2: such a name is asked of nobody but Tor. */
static gboolean
is_onion (const char *host)
{
  g_autofree char *lower = g_ascii_strdown (host, -1);

  return g_str_has_suffix (lower, ".onion") || g_str_has_suffix (lower, ".onion.");
}

static void
try_next (GTask *task)
{
  Connector                     *self = g_task_get_task_data (task);
  g_autoptr (GSocketClient)      client = NULL;
  g_autoptr (GSocketConnectable) where = NULL;
  const TessTarget              *target;

  if (g_task_return_error_if_cancelled (task))
    {
      g_object_unref (task);
      return;
    }
  if (self->next >= self->targets->len)
    {
      g_task_return_error (task, explain_failure (self));
      g_object_unref (task);
      return;
    }

  target = g_ptr_array_index (self->targets, self->next);
  if (tess_proxy_is_set (&self->options.proxy))
    {
      self->next++;
      begin_attempt (self, g_task_get_cancellable (task));
      tess_proxy_connect_async (&self->options.proxy, target->host, target->port, self->attempt, through_proxy_cb, task);
      return;
    }
  if (is_onion (target->host))
    {
      self->next++;
      g_clear_error (&self->proxy_error);
      g_set_error (&self->proxy_error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_PROXY,
                   _ ("%s is reached through Tor only. Set Tor’s SOCKS5 proxy in the account’s settings."), target->host);
      try_next (task);
      return;
    }
  if (self->connectables != NULL)
    where = g_object_ref (g_ptr_array_index (self->connectables, self->next));
  else
    where = g_network_address_new (target->host, target->port);
  self->next++;
  begin_attempt (self, g_task_get_cancellable (task));
  client = g_socket_client_new ();
  g_socket_client_set_enable_proxy (client, self->options.proxy.kind == TESS_PROXY_DESKTOP);
  g_socket_client_connect_async (client, where, self->attempt, connected_cb, task);
}

static void
use_srv (GTask *task)
{
  Connector *self = g_task_get_task_data (task);
  gboolean   any = self->srv[0] != NULL || self->srv[1] != NULL;

  g_ptr_array_unref (self->targets);
  self->targets = tess_connector_sort_targets (self->mode != TESS_TLS_DIRECT ? self->srv[0] : NULL,
                                               self->mode != TESS_TLS_STARTTLS ? self->srv[1] : NULL,
                                               g_random_int_range);
  if (self->targets->len == 0 && any && self->mode == TESS_TLS_AUTOMATIC)
    self->refused_by_dns = TRUE;
  /* RFC 6120 section 3.2.2: without records the domain itself. */
  if (self->targets->len == 0 && !self->refused_by_dns)
    {
      if (self->mode != TESS_TLS_DIRECT)
        add_target (self->targets, self->ascii, PORT_STARTTLS, FALSE);
      if (self->mode != TESS_TLS_STARTTLS)
        add_target (self->targets, self->ascii, PORT_DIRECT, TRUE);
    }
  try_next (task);
}

static void
service_found (GTask *task, GAsyncResult *result, guint which)
{
  Connector         *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  self->srv[which] = g_resolver_lookup_service_finish (self->resolver, result, &error);
  if (error != NULL)
    g_debug ("No service records: %s", error->message);
  if (--self->lookups == 0)
    use_srv (task);
  else
    g_object_unref (task);
}

static void
starttls_found_cb (GObject *source, GAsyncResult *result, gpointer task)
{
  service_found (task, result, 0);
}

static void
direct_found_cb (GObject *source, GAsyncResult *result, gpointer task)
{
  service_found (task, result, 1);
}

/* A host that a person or the server named. */
static void
use_host (Connector *self, const char *host, guint16 port)
{
  gboolean direct_first = self->mode == TESS_TLS_DIRECT || (self->mode == TESS_TLS_AUTOMATIC && port == PORT_DIRECT);

  for (guint i = 0; i < 2; i++)
    {
      gboolean direct = (i == 0) == direct_first;

      if (i == 1 && self->mode != TESS_TLS_AUTOMATIC)
        break;
      add_target (self->targets, host, port != 0 ? port : direct ? PORT_DIRECT : PORT_STARTTLS, direct);
    }
}

/* As a person wrote it, or as DNS has it. */
static void
use_named_host (Connector *self, const char *host, guint16 port)
{
  g_autofree char *ascii = g_str_is_ascii (host) ? g_strdup (host) : tess_jid_domain_to_ascii (host);

  use_host (self, ascii != NULL ? ascii : host, port);
}

static void
use_resolve_function (Connector *self, const TessStreamOptions *options)
{
  self->connectables = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint direct = 2; direct-- > 0;)
    {
      GSocketConnectable *found = NULL;

      if (options->tls == TESS_TLS_AUTOMATIC || (options->tls == TESS_TLS_DIRECT) == (direct != 0))
        found = options->resolve (direct ? "xmpps-client" : "xmpp-client", self->ascii, NULL);
      if (found == NULL)
        continue;
      add_target (self->targets, self->ascii, 0, direct != 0);
      g_ptr_array_add (self->connectables, found);
    }
  self->not_found = self->targets->len == 0;
}

void
tess_connector_connect_async (const TessStreamOptions *options,
                              const char              *host,
                              guint16                  port,
                              GCancellable            *cancellable,
                              GAsyncReadyCallback      callback,
                              gpointer                 user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Connector        *self = g_new0 (Connector, 1);

  g_task_set_source_tag (task, tess_connector_connect_async);
  g_task_set_task_data (task, self, connector_free);
  self->domain = g_strdup (tess_jid_get_domain (options->jid));
  self->ascii = tess_jid_domain_to_ascii (self->domain);
  if (self->ascii == NULL)
    self->ascii = g_strdup (self->domain);
  self->mode = options->tls;
  copy_options (&self->options, options);
  self->resolver = options->resolver != NULL ? g_object_ref (options->resolver) : g_resolver_get_default ();
  self->targets = g_ptr_array_new_with_free_func (target_free);

  if (host == NULL)
    {
      host = options->host;
      port = options->port;
    }
  if (host != NULL && *host == '\0')
    host = NULL;
  /* Nothing is asked of DNS when a proxy is set: it would tell outside of it where we go. */
  if (host != NULL || tess_proxy_is_set (&options->proxy) || is_onion (self->ascii))
    {
      use_named_host (self, host != NULL ? host : self->ascii, port);
      try_next (g_steal_pointer (&task));
      return;
    }
  if (options->resolve != NULL)
    {
      use_resolve_function (self, options);
      try_next (g_steal_pointer (&task));
      return;
    }
  /* An address needs no records; nor does this computer, whose name no server of names knows (RFC 6761). */
  if (options->port != 0 || g_hostname_is_ip_address (self->ascii) || g_str_equal (self->ascii, "localhost") ||
      g_str_has_suffix (self->ascii, ".localhost"))
    {
      use_host (self, self->ascii, options->port);
      try_next (g_steal_pointer (&task));
      return;
    }
  self->lookups = 2;
  g_resolver_lookup_service_async (self->resolver, "xmpp-client", "tcp", self->ascii, cancellable, starttls_found_cb,
                                   g_object_ref (task));
  g_resolver_lookup_service_async (self->resolver, "xmpps-client", "tcp", self->ascii, cancellable, direct_found_cb,
                                   g_object_ref (task));
}

GIOStream *
tess_connector_connect_finish (GAsyncResult *result, char **host, gboolean *direct, GError **error)
{
  Connection *connection = g_task_propagate_pointer (G_TASK (result), error);
  GIOStream  *io;

  if (connection == NULL)
    return NULL;
  io = g_steal_pointer (&connection->io);
  *host = g_steal_pointer (&connection->host);
  *direct = connection->direct;
  connection_free (connection);

  return io;
}
