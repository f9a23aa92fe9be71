/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-stream.h"

#include "base/tess-id.h"
#include "crypto/tess-crypto.h"
#include "xmpp/tess-connector.h"
#include "xmpp/tess-sasl.h"
#include "xmpp/tess-stream-private.h"
#include "xmpp/tess-tls.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define CONNECT_SECONDS 60
#define STEP_SECONDS 30
#define MAX_HOPS 3
#define MAX_EARLY 256

typedef enum
{
  STEP_CONNECT,
  STEP_HEADER,
  STEP_FEATURES,
  STEP_PROCEED,
  STEP_HANDSHAKE,
  STEP_SASL,
  STEP_DERIVE,
  STEP_RESUME,
  STEP_BIND,
  STEP_ENABLE,
  STEP_DONE,
} Step;

/* One tess_stream_open_async (). Counted, as each operation under way holds it. */
typedef struct
{
  guint                 ref_count;
  Step                  step;
  GTask                *task; /* NULL: answered */
  TessStreamOptions     options; /* deep copy */
  GCancellable         *cancellable; /* of what is under way */
  GSource              *cancelled;
  GSource              *timer;
  TessLink             *link;
  gboolean              encrypted;
  gboolean              authenticated;
  gboolean              direct_tls;
  gboolean              resource_refused;
  guint                 hops;
  char                 *host;
  char                 *iq_id;
  TessSasl             *sasl;
  TessNode             *features;
  TessJid              *bound;
  TessStreamManagement *management;
  GQueue               *early;
  GArray               *acked;
} Login;

static void connect_to (Login *self, const char *host, guint16 port);
static void link_event_cb (TessParserEvent event, const TessNode *node, gpointer data);
static void link_failed_cb (const GError *error, gpointer data);

static Login *
login_ref (Login *self)
{
  self->ref_count++;
  return self;
}

static void
clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
drop_link (Login *self)
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

static void
login_unref (Login *self)
{
  if (--self->ref_count > 0)
    return;

  clear_source (&self->cancelled);
  clear_source (&self->timer);
  drop_link (self);
  g_clear_pointer (&self->options.jid, tess_jid_unref);
  tess_wipe_string ((char *) self->options.password);
  g_free ((char *) self->options.host);
  g_clear_object (&self->options.trust);
  g_clear_object (&self->options.resolver);
  g_clear_pointer (&self->options.resume, tess_stream_management_unref);
  g_clear_object (&self->cancellable);
  g_free (self->host);
  g_free (self->iq_id);
  g_clear_pointer (&self->sasl, tess_sasl_unref);
  tess_node_free (self->features);
  g_clear_pointer (&self->bound, tess_jid_unref);
  g_clear_pointer (&self->management, tess_stream_management_unref);
  if (self->early != NULL)
    g_queue_free_full (self->early, free_node);
  g_clear_pointer (&self->acked, g_array_unref);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Login, login_unref)

static const char *
domain (Login *self)
{
  return tess_jid_get_domain (self->options.jid);
}

/* Takes @error. @last is said to the server, if anything is. */
static void
fail (Login *self, GError *error, const char *last)
{
  G_GNUC_UNUSED g_autoptr (Login) keep = login_ref (self);
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  self->step = STEP_DONE;
  clear_source (&self->cancelled);
  clear_source (&self->timer);
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
  login_unref (self); /* the task's */
}

static void G_GNUC_PRINTF (3, 4)
fail_with (Login *self, TessXmppError code, const char *format, ...)
{
  va_list arguments;
  GError *error;

  va_start (arguments, format);
  error = g_error_new_valist (TESS_XMPP_ERROR, (int) code, format, arguments);
  va_end (arguments);
  fail (self, error, self->encrypted ? "</stream:stream>" : NULL);
}

static void
fail_bad_reply (Login *self, const char *what)
{
  g_debug ("Login: %s", what);
  fail_with (self, TESS_XMPP_ERROR_BAD_REPLY,
             _ ("The server of %s gave an answer that Tessera does not understand. Try again later, or ask the "
                "server’s operator."), domain (self));
}

static gboolean
timer_cb (gpointer data)
{
  Login *self = data;

  fail_with (self, TESS_XMPP_ERROR_TIMEOUT, _ ("%s did not answer in time. Try again later."), domain (self));
  return G_SOURCE_REMOVE;
}

static void
enter (Login *self, Step step)
{
  self->step = step;
  clear_source (&self->timer);
  self->timer = g_timeout_source_new_seconds (step == STEP_CONNECT ? CONNECT_SECONDS : STEP_SECONDS);
  g_source_set_callback (self->timer, timer_cb, self, NULL);
  g_source_attach (self->timer, g_main_context_get_thread_default ());
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  fail (data, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The login was cancelled"), NULL);
  return G_SOURCE_REMOVE;
}

static void
send_node (Login *self, const TessNode *node)
{
  g_autofree char *text = tess_node_to_string (node, TESS_NS_CLIENT);

  tess_link_write (self->link, text);
}

/* RFC 6120 section 4.7: who we are is said only in encryption. */
static void
send_header (Login *self)
{
  g_autofree char *text =
    self->encrypted
      ? g_markup_printf_escaped ("<?xml version='1.0'?><stream:stream to='%s' from='%s' version='1.0' xml:lang='en' "
                                 "xmlns='jabber:client' xmlns:stream='" TESS_NS_STREAMS "'>",
                                 domain (self), tess_jid_to_bare_string (self->options.jid))
      : g_markup_printf_escaped ("<?xml version='1.0'?><stream:stream to='%s' version='1.0' xml:lang='en' "
                                 "xmlns='jabber:client' xmlns:stream='" TESS_NS_STREAMS "'>",
                                 domain (self));

  tess_link_write (self->link, text);
  enter (self, STEP_HEADER);
  tess_link_resume (self->link);
}

static void
use_io (Login *self, GIOStream *io)
{
  self->link = tess_link_new (io, TESS_PARSER_LIMIT_BEFORE_LOGIN);
  tess_link_set_handlers (self->link, link_event_cb, link_failed_cb, self);
  send_header (self);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Login)     self = data;
  g_autoptr (GError)    error = NULL;
  g_autofree char      *host = NULL;
  gboolean              direct = FALSE;
  g_autoptr (GIOStream) io = tess_connector_connect_finish (result, &host, &direct, &error);

  if (self->task == NULL)
    return;
  if (io == NULL)
    {
      fail (self, g_steal_pointer (&error), NULL);
      return;
    }
  g_free (self->host);
  self->host = g_steal_pointer (&host);
  self->direct_tls = direct;
  self->encrypted = direct;
  use_io (self, io);
}

static void
connect_to (Login *self, const char *host, guint16 port)
{
  enter (self, STEP_CONNECT);
  tess_connector_connect_async (&self->options, host, port, self->cancellable, connected_cb, login_ref (self));
}

static void
handshake_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Login)     self = data;
  g_autoptr (GError)    error = NULL;
  g_autoptr (GIOStream) tls = tess_tls_handshake_finish (result, &error);

  if (self->task == NULL)
    return;
  if (tls == NULL)
    {
      fail (self, g_steal_pointer (&error), NULL);
      return;
    }
  /* Whatever was said in the clear is forgotten (attacks row B2). */
  g_clear_pointer (&self->features, tess_node_free);
  self->encrypted = TRUE;
  tess_link_set_io (self->link, tls);
  tess_link_restart (self->link, TESS_PARSER_LIMIT_BEFORE_LOGIN);
  send_header (self);
}

static void
begin_handshake (gpointer data)
{
  Login *self = data;

  tess_tls_handshake_async (tess_link_get_io (self->link), domain (self), self->options.trust, FALSE, self->cancellable,
                            handshake_cb, login_ref (self));
}

static void
handle_proceed (Login *self, const TessNode *node)
{
  if (!tess_node_is (node, "proceed", TESS_NS_TLS))
    {
      fail_with (self, TESS_XMPP_ERROR_NO_TLS,
                 _ ("%s refused to encrypt the connection, so nothing was sent. Try direct TLS, or ask the server’s "
                    "operator."), domain (self));
      return;
    }
  if (!tess_link_is_drained (self->link))
    {
      fail_with (self, TESS_XMPP_ERROR_NO_TLS,
                 _ ("Somebody tampered with the connection to %s, so it was ended. Try another network."), domain (self));
      return;
    }
  tess_link_pause (self->link);
  enter (self, STEP_HANDSHAKE);
  tess_link_when_written (self->link, begin_handshake, self);
}

/* No authentication without TLS, whatever else is offered (attacks row B1). */
static void
start_tls (Login *self)
{
  if (tess_node_child (self->features, "starttls", TESS_NS_TLS) == NULL)
    {
      fail_with (self, TESS_XMPP_ERROR_NO_TLS,
                 _ ("%s offers no encryption, so nothing was sent. Try direct TLS, or ask the server’s operator."),
                 domain (self));
      return;
    }
  tess_link_write (self->link, "<starttls xmlns='" TESS_NS_TLS "'/>");
  enter (self, STEP_PROCEED);
}

static char **
collect_mechanisms (Login *self)
{
  const TessNode *list = tess_node_child (self->features, "mechanisms", TESS_NS_SASL);
  GStrvBuilder   *builder = g_strv_builder_new ();
  char          **names;

  for (TESS_NODE_EACH (child, list, "mechanism", TESS_NS_SASL))
    g_strv_builder_add (builder, tess_node_get_text (child));
  names = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);

  return names;
}

/* NULL when the server says nothing of XEP-0440. */
static char **
collect_binding_types (Login *self)
{
  const TessNode *list = tess_node_child (self->features, "sasl-channel-binding", TESS_NS_SASL_CB);
  GStrvBuilder   *builder;
  char          **types;

  if (list == NULL)
    return NULL;
  builder = g_strv_builder_new ();
  for (TESS_NODE_EACH (child, list, "channel-binding", TESS_NS_SASL_CB))
    if (tess_node_get (child, "type") != NULL)
      g_strv_builder_add (builder, tess_node_get (child, "type"));
  types = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);

  return types;
}

static void
start_sasl (Login *self)
{
  g_auto (GStrv)            mechanisms = collect_mechanisms (self);
  g_auto (GStrv)            announced = collect_binding_types (self);
  g_autoptr (GArray)        bindings = tess_tls_get_bindings (tess_link_get_io (self->link));
  g_auto (TessSecretString) initial = NULL;
  g_auto (TessSecretString) text = NULL;
  GError                   *error = NULL;
  TessSaslOptions           options = {
              .username = tess_jid_get_local (self->options.jid),
              .password = self->options.password,
              .mechanisms = (const char *const *) mechanisms,
              .announced = (const char *const *) announced,
              .bindings = (const TessSaslBinding *) (gpointer) bindings->data,
              .n_bindings = bindings->len,
              .scram_seen = self->options.scram_seen,
  };

  self->sasl = tess_sasl_new (&options, &error);
  if (self->sasl == NULL)
    {
      fail (self, error, "</stream:stream>");
      return;
    }
  initial = tess_sasl_start (self->sasl);
  text = g_strdup_printf ("<auth xmlns='" TESS_NS_SASL "' mechanism='%s'>%s</auth>",
                          tess_sasl_get_mechanism (self->sasl), initial);
  tess_link_write (self->link, text);
  enter (self, STEP_SASL);
}

static void
derived_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Login)         self = data;
  g_autoptr (GError)        error = NULL;
  g_auto (TessSecretString) response = tess_sasl_challenge_finish (self->sasl, result, &error);
  g_autofree char          *text = NULL;

  if (self->task == NULL)
    return;
  if (response == NULL)
    {
      fail (self, g_steal_pointer (&error), "<abort xmlns='" TESS_NS_SASL "'/></stream:stream>");
      return;
    }
  text = g_strdup_printf ("<response xmlns='" TESS_NS_SASL "'>%s</response>", response);
  tess_link_write (self->link, text);
  enter (self, STEP_SASL);
  tess_link_resume (self->link);
}

static void
handle_sasl_failure (Login *self, const TessNode *node)
{
  const TessNode *condition = tess_node_child (node, NULL, TESS_NS_SASL);
  const char     *name = "not-authorized";

  if (tess_node_is (condition, "text", TESS_NS_SASL))
    condition = tess_node_next (condition, NULL, TESS_NS_SASL);
  if (condition != NULL)
    name = tess_node_get_name (condition);

  if (g_str_equal (name, "account-disabled") || g_str_equal (name, "credentials-expired"))
    fail_with (self, TESS_XMPP_ERROR_ACCOUNT_DISABLED,
               _ ("This account is disabled. Ask the operator of %s."), domain (self));
  else if (g_str_equal (name, "not-authorized") || g_str_equal (name, "invalid-authzid"))
    fail_with (self, TESS_XMPP_ERROR_NOT_AUTHORIZED, _ ("The address or the password is wrong."));
  else if (g_str_equal (name, "invalid-mechanism") || g_str_equal (name, "mechanism-too-weak") ||
           g_str_equal (name, "encryption-required"))
    fail_with (self, TESS_XMPP_ERROR_NO_MECHANISM,
               _ ("%s refused every way to log in that Tessera knows. Ask the server’s operator."), domain (self));
  else
    fail_with (self, TESS_XMPP_ERROR_FAILED,
               _ ("%s could not log you in right now (%s). Try again later."), domain (self), name);
}

static void
handle_success (Login *self, const TessNode *node)
{
  GError *error = NULL;

  if (!tess_sasl_succeed (self->sasl, tess_node_get_text (node), &error))
    {
      fail (self, error, "</stream:stream>");
      return;
    }
  /* RFC 6120 section 6.4.6: now it is the client's turn. */
  if (!tess_link_is_drained (self->link))
    {
      fail_bad_reply (self, "bytes behind <success/>");
      return;
    }
  self->authenticated = TRUE;
  tess_wipe_string ((char *) self->options.password);
  self->options.password = NULL;
  tess_link_pause (self->link);
  tess_link_restart (self->link, TESS_PARSER_LIMIT);
  send_header (self);
}

static void
handle_sasl (Login *self, const TessNode *node)
{
  if (tess_node_is (node, "challenge", TESS_NS_SASL))
    {
      tess_link_pause (self->link);
      enter (self, STEP_DERIVE);
      tess_sasl_challenge_async (self->sasl, tess_node_get_text (node), self->cancellable, derived_cb, login_ref (self));
    }
  else if (tess_node_is (node, "success", TESS_NS_SASL))
    {
      handle_success (self, node);
    }
  else if (tess_node_is (node, "failure", TESS_NS_SASL))
    {
      handle_sasl_failure (self, node);
    }
  else
    {
      fail_bad_reply (self, "no answer to the login");
    }
}

static void
start_bind (Login *self)
{
  g_autoptr (TessNode) iq = tess_node_new ("iq", TESS_NS_CLIENT);
  TessNode            *bind = tess_node_add (iq, "bind", TESS_NS_BIND);
  const char          *resource = tess_jid_get_resource (self->options.jid);

  if (tess_node_child (self->features, "bind", TESS_NS_BIND) == NULL)
    {
      fail_bad_reply (self, "no resource binding");
      return;
    }
  g_free (self->iq_id);
  self->iq_id = tess_id_new ();
  tess_node_set (iq, "type", "set");
  tess_node_set (iq, "id", self->iq_id);
  if (resource != NULL && !self->resource_refused)
    tess_node_add_with_text (bind, "resource", NULL, resource);
  send_node (self, iq);
  enter (self, STEP_BIND);
}

static void
start_resume (Login *self)
{
  g_autoptr (TessNode) resume = tess_node_new ("resume", TESS_NS_SM);
  g_autofree char     *h = g_strdup_printf ("%u", tess_stream_management_get_h (self->options.resume));

  tess_node_set (resume, "h", h);
  tess_node_set (resume, "previd", tess_stream_management_get_id (self->options.resume));
  send_node (self, resume);
  enter (self, STEP_RESUME);
}

static void
start_session (Login *self)
{
  TessStreamManagement *resume = self->options.resume;

  if (resume != NULL && tess_stream_management_can_resume (resume) &&
      tess_stream_management_get_address (resume) != NULL &&
      tess_jid_bare_equal (tess_stream_management_get_address (resume), self->options.jid) &&
      tess_node_child (self->features, "sm", TESS_NS_SM) != NULL)
    start_resume (self);
  else
    start_bind (self);
}

static void
handle_features (Login *self, const TessNode *node)
{
  if (!tess_node_is (node, "features", TESS_NS_STREAMS))
    {
      fail_bad_reply (self, "no features");
      return;
    }
  tess_node_free (self->features);
  self->features = tess_node_copy (node);
  if (!self->encrypted)
    start_tls (self);
  else if (!self->authenticated)
    start_sasl (self);
  else
    start_session (self);
}

static void
succeed (Login *self, gboolean resumed)
{
  G_GNUC_UNUSED g_autoptr (Login) keep = login_ref (self);
  g_autoptr (GTask) task = g_steal_pointer (&self->task);
  TessStreamParts  *parts = g_new0 (TessStreamParts, 1);

  self->step = STEP_DONE;
  clear_source (&self->cancelled);
  clear_source (&self->timer);
  tess_link_pause (self->link);
  parts->link = g_steal_pointer (&self->link);
  parts->jid = g_steal_pointer (&self->bound);
  parts->features = g_steal_pointer (&self->features);
  parts->management = g_steal_pointer (&self->management);
  parts->early = g_steal_pointer (&self->early);
  parts->acked = g_steal_pointer (&self->acked);
  parts->host = g_steal_pointer (&self->host);
  parts->sasl = g_strdup (tess_sasl_get_mechanism (self->sasl));
  parts->direct_tls = self->direct_tls;
  parts->resumed = resumed;
  g_task_return_pointer (task, tess_stream_new_open (parts), (GDestroyNotify) tess_stream_unref);
  login_unref (self); /* the task's */
}

static void
collect_tag_cb (guint64 tag, gpointer data)
{
  g_array_append_val (((Login *) data)->acked, tag);
}

static void
handle_resumed (Login *self, const TessNode *node)
{
  TessStreamManagement *resume = self->options.resume;
  g_autoptr (GPtrArray) unacked = NULL;
  guint32               h;

  if (g_strcmp0 (tess_node_get (node, "previd"), tess_stream_management_get_id (resume)) != 0 ||
      !tess_stream_read_h (node, &h) || !tess_stream_management_ack (resume, h, collect_tag_cb, self))
    {
      tess_stream_management_forget_id (resume);
      fail_bad_reply (self, "a resumption that does not fit");
      return;
    }
  unacked = tess_stream_management_get_unacked_xml (resume);
  for (guint i = 0; i < unacked->len; i++)
    tess_link_write (self->link, g_ptr_array_index (unacked, i));
  if (unacked->len > 0)
    tess_link_write (self->link, "<r xmlns='" TESS_NS_SM "'/>");
  self->bound = tess_jid_ref (tess_stream_management_get_address (resume));
  self->management = tess_stream_management_ref (resume);
  succeed (self, TRUE);
}

/* XEP-0198 section 5: the session is gone, but h may say how much of ours had arrived. */
static void
handle_resume_failed (Login *self, const TessNode *node)
{
  TessStreamManagement *resume = self->options.resume;
  guint32               h;

  tess_stream_management_forget_id (resume);
  if (tess_stream_read_h (node, &h) && !tess_stream_management_ack (resume, h, collect_tag_cb, self))
    {
      fail_bad_reply (self, "more acknowledged than sent");
      return;
    }
  start_bind (self);
}

static void
handle_resume (Login *self, const TessNode *node)
{
  if (tess_node_is (node, "resumed", TESS_NS_SM))
    handle_resumed (self, node);
  else if (tess_node_is (node, "failed", TESS_NS_SM))
    handle_resume_failed (self, node);
  else
    fail_bad_reply (self, "no answer to the resumption");
}

static void
start_management (Login *self)
{
  if (tess_node_child (self->features, "sm", TESS_NS_SM) == NULL)
    {
      succeed (self, FALSE);
      return;
    }
  tess_link_write (self->link, "<enable xmlns='" TESS_NS_SM "' resume='true'/>");
  enter (self, STEP_ENABLE);
}

static void
handle_bind_error (Login *self, const TessNode *node)
{
  g_autoptr (GError) error = tess_xmpp_error_new_from_stanza (node);

  if (tess_jid_get_resource (self->options.jid) != NULL && !self->resource_refused)
    {
      self->resource_refused = TRUE;
      start_bind (self);
      return;
    }
  fail_with (self, TESS_XMPP_ERROR_FAILED, _ ("%s refused the session (%s). Try again later."), domain (self),
             error->message);
}

/* Attacks row B9: whoever we are bound to is who we asked to be. */
static void
handle_bind (Login *self, const TessNode *node)
{
  const TessNode     *bind = tess_node_child (node, "bind", TESS_NS_BIND);
  const char         *text = tess_node_child_text (bind, "jid", TESS_NS_BIND);
  g_autoptr (TessJid) jid = NULL;

  if (!tess_node_is (node, "iq", TESS_NS_CLIENT) || g_strcmp0 (tess_node_get (node, "id"), self->iq_id) != 0)
    {
      fail_bad_reply (self, "no answer to the binding");
      return;
    }
  if (g_strcmp0 (tess_node_get (node, "type"), "error") == 0)
    {
      handle_bind_error (self, node);
      return;
    }
  jid = tess_jid_new (text, NULL);
  if (g_strcmp0 (tess_node_get (node, "type"), "result") != 0 || jid == NULL || tess_jid_is_bare (jid) ||
      !tess_jid_bare_equal (jid, self->options.jid))
    {
      fail_bad_reply (self, "bound to somebody else");
      return;
    }
  self->bound = g_steal_pointer (&jid);
  start_management (self);
}

static void
handle_enable (Login *self, const TessNode *node)
{
  const char *resume = tess_node_get (node, "resume");
  const char *id = tess_node_get (node, "id");
  guint64     max = 0;

  if (tess_node_is (node, "enabled", TESS_NS_SM))
    {
      if (g_strcmp0 (resume, "true") != 0 && g_strcmp0 (resume, "1") != 0)
        id = NULL;
      tess_node_get_uint (node, "max", G_MAXUINT32, &max);
      self->management = tess_stream_management_new ();
      tess_stream_management_enabled (self->management, id, (guint) max);
      tess_stream_management_set_address (self->management, self->bound);
      succeed (self, FALSE);
    }
  else if (tess_node_is (node, "failed", TESS_NS_SM))
    {
      succeed (self, FALSE);
    }
  else if (g_str_equal (tess_node_get_ns (node), TESS_NS_CLIENT) && g_queue_get_length (self->early) < MAX_EARLY)
    {
      g_queue_push_tail (self->early, tess_node_copy (node));
    }
  else
    {
      fail_bad_reply (self, "no answer to stream management");
    }
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
follow_other_host (Login *self, const TessNode *error)
{
  const char      *text = tess_node_child_text (error, "see-other-host", TESS_NS_STREAM_ERRORS);
  g_autofree char *host = NULL;
  guint16          port = 0;

  if (text == NULL || !self->encrypted || self->hops >= MAX_HOPS || !split_host (text, &host, &port))
    return FALSE;

  self->hops++;
  drop_link (self);
  g_clear_pointer (&self->sasl, tess_sasl_unref);
  self->encrypted = FALSE;
  connect_to (self, host, port);
  return TRUE;
}

static void
handle_stream_error (Login *self, const TessNode *node)
{
  /* After the login the password is wiped: a move is for the next connection then. */
  if (!self->authenticated && follow_other_host (self, node))
    return;
  fail (self, tess_stream_error_from_node (node), "</stream:stream>");
}

static void
handle_header (Login *self, const TessNode *node)
{
  if (tess_node_is (node, "stream", TESS_NS_STREAMS) && g_strcmp0 (tess_node_get (node, "version"), "1.0") == 0)
    enter (self, STEP_FEATURES);
  else
    fail_bad_reply (self, "no XMPP stream");
}

static void
link_event_cb (TessParserEvent event, const TessNode *node, gpointer data)
{
  g_autoptr (Login) self = login_ref (data);

  if (event == TESS_PARSER_CLOSED)
    {
      fail_with (self, TESS_XMPP_ERROR_CLOSED, _ ("%s ended the connection. Try again later."), domain (self));
      return;
    }
  if (event == TESS_PARSER_STANZA && tess_node_is (node, "error", TESS_NS_STREAMS))
    {
      handle_stream_error (self, node);
      return;
    }

  switch (self->step)
    {
    case STEP_HEADER:
      handle_header (self, node);
      break;
    case STEP_FEATURES:
      handle_features (self, node);
      break;
    case STEP_PROCEED:
      handle_proceed (self, node);
      break;
    case STEP_SASL:
      handle_sasl (self, node);
      break;
    case STEP_RESUME:
      handle_resume (self, node);
      break;
    case STEP_BIND:
      handle_bind (self, node);
      break;
    case STEP_ENABLE:
      handle_enable (self, node);
      break;
    case STEP_CONNECT:
    case STEP_HANDSHAKE:
    case STEP_DERIVE:
    case STEP_DONE:
    default:
      fail_bad_reply (self, "a word out of turn");
    }
}

static void
link_failed_cb (const GError *error, gpointer data)
{
  Login *self = data;

  if (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED))
    fail_with (self, TESS_XMPP_ERROR_CLOSED, _ ("The connection to %s broke. Try again later."), domain (self));
  else
    fail (self, g_error_copy (error), NULL);
}

static void
copy_options (Login *self, const TessStreamOptions *options)
{
  self->options = *options;
  self->options.jid = tess_jid_ref (options->jid);
  self->options.password = g_strdup (options->password);
  self->options.host = g_strdup (options->host);
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
  g_autoptr (Login) self = g_new0 (Login, 1);

  self->ref_count = 1;
  copy_options (self, options);
  self->task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (self->task, tess_stream_open_async);
  /* A stream that is open is handed out, not leaked, when it is cancelled a moment too late. */
  g_task_set_check_cancellable (self->task, FALSE);
  login_ref (self); /* the task's: until it is answered */
  self->cancellable = g_cancellable_new ();
  self->early = g_queue_new ();
  self->acked = g_array_new (FALSE, FALSE, sizeof (guint64));
  if (cancellable != NULL)
    {
      self->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (self->cancelled, G_SOURCE_FUNC (cancelled_cb), self, NULL);
      g_source_attach (self->cancelled, g_main_context_get_thread_default ());
    }
  connect_to (self, NULL, 0);
}

TessStream *
tess_stream_open_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
