/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-login.h"

#include "base/tess-source.h"
#include "crypto/tess-crypto.h"
#include "xmpp/tess-connector.h"
#include "xmpp/tess-stream-private.h"
#include "xmpp/tess-tls.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define CONNECT_SECONDS 60
#define STEP_SECONDS 30
#define MAX_HOPS 3

static void connect_to (TessLogin *self, const char *host, guint16 port);
static void link_event_cb (TessParserEvent event, const TessNode *node, gpointer data);
static void link_failed_cb (const GError *error, gpointer data);

TessLogin *
tess_login_ref (TessLogin *self)
{
  self->ref_count++;
  return self;
}

static void
drop_link (TessLogin *self)
{
  if (self->link == NULL)
    return;
  tess_link_close (self->link, NULL);
  g_clear_pointer (&self->link, tess_link_unref);
}

static void
free_node (gpointer node)
{
  tess_node_free (node);
}

void
tess_login_unref (TessLogin *self)
{
  if (--self->ref_count > 0)
    return;

  tess_source_clear (&self->cancelled);
  tess_source_clear (&self->timer);
  drop_link (self);
  g_clear_pointer (&self->options.jid, tess_jid_unref);
  tess_wipe_string ((char *) self->options.password);
  tess_wipe_string ((char *) self->options.scram_key);
  tess_wipe_string ((char *) self->options.token);
  g_free ((char *) self->options.user_agent_id);
  g_free ((char *) self->options.host);
  g_free ((char *) self->options.pin);
  g_free ((char *) self->options.server_key);
  g_free ((char *) self->options.proxy.host);
  g_free ((char *) self->options.proxy.username);
  tess_wipe_string ((char *) self->options.proxy.password);
  g_clear_object (&self->options.certificate);
  g_clear_object (&self->options.trust);
  g_clear_object (&self->options.resolver);
  g_clear_pointer (&self->options.resume, tess_stream_management_unref);
  g_clear_object (&self->cancellable);
  g_free (self->host);
  g_free (self->iq_id);
  g_clear_pointer (&self->sasl, tess_sasl_unref);
  g_clear_pointer (&self->token, tess_fast_free);
  g_clear_pointer (&self->bindings, g_array_unref);
  tess_login_result_clear (&self->result);
  tess_node_free (self->features);
  g_clear_pointer (&self->bound, tess_jid_unref);
  g_clear_pointer (&self->management, tess_stream_management_unref);
  if (self->early != NULL)
    g_queue_free_full (self->early, free_node);
  g_clear_pointer (&self->acked, g_array_unref);
  g_free (self);
}

const char *
tess_login_domain (TessLogin *self)
{
  return tess_jid_get_domain (self->options.jid);
}

void
tess_login_end (TessLogin *self)
{
  self->step = TESS_LOGIN_DONE;
  tess_source_clear (&self->cancelled);
  tess_source_clear (&self->timer);
}

/* Takes @error. @last is said to the server, if anything is. */
void
tess_login_fail (TessLogin *self, GError *error, const char *last)
{
  G_GNUC_UNUSED g_autoptr (TessLogin) keep = tess_login_ref (self);
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  tess_login_end (self);
  if (self->link != NULL && last != NULL)
    tess_link_close (self->link, last);
  drop_link (self);
  g_cancellable_cancel (self->cancellable);
  if (task == NULL)
    {
      g_error_free (error);
      return;
    }
  g_task_return_error (task, error);
  tess_login_unref (self); /* the task's */
}

void
tess_login_fail_with (TessLogin *self, TessXmppError code, const char *format, ...)
{
  va_list arguments;
  GError *error;

  va_start (arguments, format);
  error = g_error_new_valist (TESS_XMPP_ERROR, (int) code, format, arguments);
  va_end (arguments);
  tess_login_fail (self, error, self->encrypted ? "</stream:stream>" : NULL);
}

void
tess_login_fail_bad_reply (TessLogin *self, const char *what)
{
  g_debug ("Login: %s", what);
  tess_login_fail_with (self, TESS_XMPP_ERROR_BAD_REPLY,
             _ ("The server of %s gave an answer that Tessera does not understand. Try again later, or ask the "
                "server’s operator."), tess_login_domain (self));
}

static gboolean
timer_cb (gpointer data)
{
  TessLogin *self = data;

  tess_login_fail_with (self, TESS_XMPP_ERROR_TIMEOUT, _ ("%s did not answer in time. Try again later."), tess_login_domain (self));
  return G_SOURCE_REMOVE;
}

void
tess_login_enter (TessLogin *self, TessLoginStep step)
{
  self->step = step;
  tess_source_clear (&self->timer);
  self->timer = tess_source_attach (g_timeout_source_new_seconds (step == TESS_LOGIN_CONNECT ? CONNECT_SECONDS : STEP_SECONDS),
                                    timer_cb, self);
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  tess_login_fail (data, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The login was cancelled"), NULL);
  return G_SOURCE_REMOVE;
}

void
tess_login_send_node (TessLogin *self, const TessNode *node)
{
  g_autofree char *text = tess_node_to_string (node, TESS_NS_CLIENT);

  tess_link_write (self->link, text);
}

/* RFC 6120 section 4.7: who we are is said only in encryption. */
void
tess_login_send_header (TessLogin *self)
{
  g_autofree char *text =
    self->encrypted
      ? g_markup_printf_escaped ("<?xml version='1.0'?><stream:stream to='%s' from='%s' version='1.0' xml:lang='en' "
                                 "xmlns='jabber:client' xmlns:stream='" TESS_NS_STREAMS "'>",
                                 tess_login_domain (self), tess_jid_to_bare_string (self->options.jid))
      : g_markup_printf_escaped ("<?xml version='1.0'?><stream:stream to='%s' version='1.0' xml:lang='en' "
                                 "xmlns='jabber:client' xmlns:stream='" TESS_NS_STREAMS "'>",
                                 tess_login_domain (self));

  tess_link_write (self->link, text);
  tess_login_enter (self, TESS_LOGIN_HEADER);
  tess_link_resume (self->link);
}

static void
use_io (TessLogin *self, GIOStream *io)
{
  self->link = tess_link_new (io, TESS_PARSER_LIMIT_BEFORE_LOGIN);
  tess_link_set_handlers (self->link, link_event_cb, link_failed_cb, self);
  tess_login_send_header (self);
}

/* Takes @error. A server that wants no certificate of ours may still want the password. */
static void
fail_to_encrypt (TessLogin *self, GError *error)
{
  if (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLIENT_CERTIFICATE) &&
      tess_login_try_without_certificate (self))
    g_error_free (error);
  else
    tess_login_fail (self, error, NULL);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (TessLogin)     self = data;
  g_autoptr (GError)    error = NULL;
  g_autofree char      *host = NULL;
  gboolean              direct = FALSE;
  g_autoptr (GIOStream) io = tess_connector_connect_finish (result, &host, &direct, &error);

  if (self->task == NULL)
    return;
  if (io == NULL)
    {
      fail_to_encrypt (self, g_steal_pointer (&error));
      return;
    }
  g_free (self->host);
  self->host = g_steal_pointer (&host);
  self->direct_tls = direct;
  self->encrypted = direct;
  use_io (self, io);
}

static void
connect_to (TessLogin *self, const char *host, guint16 port)
{
  tess_login_enter (self, TESS_LOGIN_CONNECT);
  tess_connector_connect_async (&self->options, host, port, self->cancellable, connected_cb, tess_login_ref (self));
}

static void
handshake_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (TessLogin)     self = data;
  g_autoptr (GError)    error = NULL;
  g_autoptr (GIOStream) tls = tess_tls_handshake_finish (result, &error);

  if (self->task == NULL)
    return;
  if (tls == NULL)
    {
      fail_to_encrypt (self, g_steal_pointer (&error));
      return;
    }
  /* Whatever was said in the clear is forgotten (attacks row B2). */
  g_clear_pointer (&self->features, tess_node_free);
  self->encrypted = TRUE;
  tess_link_set_io (self->link, tls);
  tess_link_restart (self->link, TESS_PARSER_LIMIT_BEFORE_LOGIN);
  tess_login_send_header (self);
}

static void
begin_handshake (gpointer data)
{
  TessLogin *self = data;

  tess_tls_handshake_async (tess_link_get_io (self->link), &self->options, FALSE, self->cancellable,
                            handshake_cb, tess_login_ref (self));
}

static void
handle_proceed (TessLogin *self, const TessNode *node)
{
  if (!tess_node_is (node, "proceed", TESS_NS_TLS))
    {
      tess_login_fail_with (self, TESS_XMPP_ERROR_NO_TLS,
                 _ ("%s refused to encrypt the connection, so nothing was sent. Try direct TLS, or ask the server’s "
                    "operator."), tess_login_domain (self));
      return;
    }
  if (!tess_link_is_drained (self->link))
    {
      tess_login_fail_with (self, TESS_XMPP_ERROR_NO_TLS,
                 _ ("Somebody tampered with the connection to %s, so it was ended. Try another network."), tess_login_domain (self));
      return;
    }
  tess_link_pause (self->link);
  tess_login_enter (self, TESS_LOGIN_HANDSHAKE);
  tess_link_when_written (self->link, begin_handshake, self);
}

/* No authentication without TLS, whatever else is offered (attacks row B1). */
static void
start_tls (TessLogin *self)
{
  if (tess_node_child (self->features, "starttls", TESS_NS_TLS) == NULL)
    {
      tess_login_fail_with (self, TESS_XMPP_ERROR_NO_TLS,
                 _ ("%s offers no encryption, so nothing was sent. Try direct TLS, or ask the server’s operator."),
                 tess_login_domain (self));
      return;
    }
  tess_link_write (self->link, "<starttls xmlns='" TESS_NS_TLS "'/>");
  tess_login_enter (self, TESS_LOGIN_PROCEED);
}

static void
handle_features (TessLogin *self, const TessNode *node)
{
  if (!tess_node_is (node, "features", TESS_NS_STREAMS))
    {
      tess_login_fail_bad_reply (self, "no features");
      return;
    }
  tess_node_free (self->features);
  self->features = tess_node_copy (node);
  if (!self->encrypted)
    start_tls (self);
  else if (!self->authenticated)
    tess_login_start_sasl (self);
  else
    tess_login_start_session (self);
}

static void
leave (TessLogin *self)
{
  drop_link (self);
  g_clear_pointer (&self->sasl, tess_sasl_unref);
  g_clear_pointer (&self->features, tess_node_free);
  self->encrypted = FALSE;
}

void
tess_login_connect_again (TessLogin *self)
{
  if (self->link != NULL)
    tess_link_close (self->link, "</stream:stream>");
  leave (self);
  connect_to (self, NULL, 0);
}

/* "host", "host:port", "[address]:port" */
static gboolean
split_host (const char *text, char **host, guint16 *port)
{
  g_autoptr (GSocketConnectable) address = g_network_address_parse (text, 0, NULL);

  if (address == NULL || *text == '\0' || strlen (text) > 255)
    return FALSE;
  *host = g_strdup (g_network_address_get_hostname (G_NETWORK_ADDRESS (address)));
  *port = g_network_address_get_port (G_NETWORK_ADDRESS (address));
  return TRUE;
}

/* RFC 6120 section 4.9.3.19. The certificate there must be of the account's domain again. */
static gboolean
follow_other_host (TessLogin *self, const TessNode *error)
{
  const char      *text = tess_node_child_text (error, "see-other-host", TESS_NS_STREAM_ERRORS);
  g_autofree char *host = NULL;
  guint16          port = 0;

  if (text == NULL || !self->encrypted || self->hops >= MAX_HOPS || !split_host (text, &host, &port))
    return FALSE;

  self->hops++;
  leave (self);
  connect_to (self, host, port);
  return TRUE;
}

static void
handle_stream_error (TessLogin *self, const TessNode *node)
{
  /* After the login the password is wiped: a move is for the next connection then. */
  if (!self->authenticated && follow_other_host (self, node))
    return;
  tess_login_fail (self, tess_stream_error_from_node (node), "</stream:stream>");
}

static void
handle_header (TessLogin *self, const TessNode *node)
{
  if (tess_node_is (node, "stream", TESS_NS_STREAMS) && g_strcmp0 (tess_node_get (node, "version"), "1.0") == 0)
    tess_login_enter (self, TESS_LOGIN_FEATURES);
  else
    tess_login_fail_bad_reply (self, "no XMPP stream");
}

static void
link_event_cb (TessParserEvent event, const TessNode *node, gpointer data)
{
  g_autoptr (TessLogin) self = tess_login_ref (data);

  if (event == TESS_PARSER_CLOSED)
    {
      tess_login_fail_with (self, TESS_XMPP_ERROR_CLOSED, _ ("%s ended the connection. Try again later."), tess_login_domain (self));
      return;
    }
  if (event == TESS_PARSER_STANZA && tess_node_is (node, "error", TESS_NS_STREAMS))
    {
      handle_stream_error (self, node);
      return;
    }

  switch (self->step)
    {
    case TESS_LOGIN_HEADER:
      handle_header (self, node);
      break;
    case TESS_LOGIN_FEATURES:
      handle_features (self, node);
      break;
    case TESS_LOGIN_PROCEED:
      handle_proceed (self, node);
      break;
    case TESS_LOGIN_SASL:
      tess_login_handle_sasl (self, node);
      break;
    case TESS_LOGIN_RESUME:
      tess_login_handle_resume (self, node);
      break;
    case TESS_LOGIN_BIND:
      tess_login_handle_bind (self, node);
      break;
    case TESS_LOGIN_ENABLE:
      tess_login_handle_enable (self, node);
      break;
    case TESS_LOGIN_CONNECT:
    case TESS_LOGIN_HANDSHAKE:
    case TESS_LOGIN_DERIVE:
    case TESS_LOGIN_DONE:
    default:
      tess_login_fail_bad_reply (self, "a word out of turn");
    }
}

static void
link_failed_cb (const GError *error, gpointer data)
{
  g_autoptr (TessLogin) self = tess_login_ref (data);

  /* With TLS 1.3 the server looks at our certificate when for us the handshake is over. */
  if (self->encrypted && self->step == TESS_LOGIN_HEADER && tess_login_try_without_certificate (self))
    return;
  if (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED))
    tess_login_fail_with (self, TESS_XMPP_ERROR_CLOSED, _ ("The connection to %s broke. Try again later."), tess_login_domain (self));
  else
    tess_login_fail (self, g_error_copy (error), NULL);
}

static void
copy_options (TessLogin *self, const TessStreamOptions *options)
{
  self->options = *options;
  self->options.jid = tess_jid_ref (options->jid);
  self->options.password = g_strdup (options->password);
  self->options.scram_key = g_strdup (options->scram_key);
  self->options.token = g_strdup (options->token);
  self->options.user_agent_id = g_strdup (options->user_agent_id);
  self->options.host = g_strdup (options->host);
  self->options.pin = g_strdup (options->pin);
  self->options.server_key = g_strdup (options->server_key);
  self->options.proxy.host = g_strdup (options->proxy.host);
  self->options.proxy.username = g_strdup (options->proxy.username);
  self->options.proxy.password = g_strdup (options->proxy.password);
  if (options->certificate != NULL)
    g_object_ref (options->certificate);
  if (options->trust != NULL)
    g_object_ref (options->trust);
  if (options->resolver != NULL)
    g_object_ref (options->resolver);
  if (options->resume != NULL)
    tess_stream_management_ref (options->resume);
}

void
tess_stream_open_async (const TessStreamOptions *options,
                        GCancellable            *cancellable,
                        GAsyncReadyCallback      callback,
                        gpointer                 user_data)
{
  g_autoptr (TessLogin) self = g_new0 (TessLogin, 1);

  self->ref_count = 1;
  copy_options (self, options);
  self->task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (self->task, tess_stream_open_async);
  /* A stream that is open is handed out, not leaked, when it is cancelled a moment too late. */
  g_task_set_check_cancellable (self->task, FALSE);
  tess_login_ref (self); /* the task's: until it is answered */
  self->cancellable = g_cancellable_new ();
  self->early = g_queue_new ();
  self->acked = g_array_new (FALSE, FALSE, sizeof (guint64));
  if (cancellable != NULL)
    self->cancelled = tess_source_attach (g_cancellable_source_new (cancellable), G_SOURCE_FUNC (cancelled_cb), self);
  connect_to (self, NULL, 0);
}

TessStream *
tess_stream_open_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
