/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-login.h"

#include "base/tess-time.h"
#include "crypto/tess-crypto.h"
#include "xmpp/tess-sasl-private.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

#define SOFTWARE "Tessera"

static const TessNode *
get_inline (TessLogin *self)
{
  const TessNode *list = tess_node_child (self->features, "authentication", TESS_NS_SASL2);

  return tess_node_child (list, "inline", TESS_NS_SASL2);
}

/* XEP-0386 section 3.1 */
static gboolean
offers_at_bind (const TessNode *bind, const char *feature)
{
  const TessNode *list = tess_node_child (bind, "inline", TESS_NS_BIND2);

  for (TESS_NODE_EACH (child, list, "feature", TESS_NS_BIND2))
    if (g_strcmp0 (tess_node_get (child, "var"), feature) == 0)
      return TRUE;

  return FALSE;
}

/* Bind 2 lets the server choose the resource; and it binds anew where the resumption could only be asked for later. */
static void
add_session (TessLogin *self, TessNode *authenticate)
{
  const TessNode *bind = tess_node_child (get_inline (self), "bind", TESS_NS_BIND2);
  gboolean        resumable = tess_login_get_resumable (self) != NULL;
  TessNode       *request;

  self->resume_asked = resumable && tess_node_child (get_inline (self), "sm", TESS_NS_SM) != NULL;
  self->bind_asked = bind != NULL && resumable == self->resume_asked && tess_jid_get_resource (self->options.jid) == NULL;
  self->carbons_asked = self->bind_asked && offers_at_bind (bind, TESS_NS_CARBONS);
  if (self->resume_asked)
    tess_login_add_resume (self, authenticate);
  if (!self->bind_asked)
    return;

  request = tess_node_add (authenticate, "bind", TESS_NS_BIND2);
  tess_node_add_with_text (request, "tag", NULL, SOFTWARE);
  if (self->carbons_asked)
    tess_node_add (request, "enable", TESS_NS_CARBONS);
  if (offers_at_bind (bind, TESS_NS_SM))
    tess_node_set (tess_node_add (request, "enable", TESS_NS_SM), "resume", "true");
}

/* The name of the device is nobody's business: the tag becomes part of the address (XEP-0386 section 5). */
static void
add_user_agent (TessLogin *self, TessNode *authenticate)
{
  TessNode *agent = tess_node_add (authenticate, "user-agent", NULL);

  if (self->options.user_agent_id != NULL)
    tess_node_set (agent, "id", self->options.user_agent_id);
  tess_node_add_with_text (agent, "software", NULL, SOFTWARE);
}

/* The initial response may be as good as the password: it goes into no tree, which nobody would wipe. */
static void
send_authenticate (TessLogin *self, const char *mechanism, const char *initial, TessNode *authenticate)
{
  g_autoptr (GString)       rest = g_string_new (NULL);
  g_auto (TessSecretString) text = NULL;

  add_user_agent (self, authenticate);
  add_session (self, authenticate);
  for (TESS_NODE_EACH (child, authenticate, NULL, NULL))
    {
      g_autofree char *part = tess_node_to_string (child, TESS_NS_SASL2);

      g_string_append (rest, part);
    }
  text = g_strconcat ("<authenticate xmlns='" TESS_NS_SASL2 "' mechanism='", mechanism, "'><initial-response>", initial,
                      "</initial-response>", rest->str, "</authenticate>", NULL);
  tess_link_write (self->link, text);
  self->sasl2 = TRUE;
  tess_login_enter (self, TESS_LOGIN_SASL);
}

/* A token is asked for with every login that is not by one: the server brings a new one by itself when it is time. Where
 * the login is bound, or ever was, a token that anybody could use who reads it will not do. */
static void
ask_for_token (TessLogin *self, TessNode *authenticate)
{
  const TessNode *fast = tess_node_child (get_inline (self), "fast", TESS_NS_FAST);
  g_auto (GStrv)  offered = tess_login_collect (fast, "mechanism", TESS_NS_FAST);
  gboolean        unbound = !self->options.binding_seen && tess_sasl_get_strength (self->sasl) != TESS_SASL_BOUND;

  self->token_asked = NULL;
  if (self->options.user_agent_id == NULL || tess_sasl_get_strength (self->sasl) == TESS_SASL_EXTERNAL)
    return;
  self->token_asked = tess_fast_choose ((const char *const *) offered,
                                        (const TessSaslBinding *) (gpointer) self->bindings->data, self->bindings->len,
                                        unbound);
  if (self->token_asked != NULL)
    tess_node_set (tess_node_add (authenticate, "request-token", TESS_NS_FAST), "mechanism", self->token_asked);
}

void
tess_login_start_sasl2 (TessLogin *self)
{
  g_autoptr (TessNode)      authenticate = tess_node_new ("authenticate", TESS_NS_SASL2);
  g_auto (TessSecretString) initial = tess_sasl_start (self->sasl);

  ask_for_token (self, authenticate);
  send_authenticate (self, tess_sasl_get_mechanism (self->sasl), initial, authenticate);
}

/* Whether the server takes the token's mechanism on this connection, and it is not less than we had. */
static gboolean
is_usable (TessLogin *self, const TessFast *token, const TessNode *fast)
{
  g_auto (GStrv) offered = tess_login_collect (fast, "mechanism", TESS_NS_FAST);

  return (token->expires_us == 0 || token->expires_us > g_get_real_time ()) &&
         g_strv_contains ((const char *const *) offered, token->mechanism) &&
         tess_fast_find_binding (token->mechanism, (const TessSaslBinding *) (gpointer) self->bindings->data,
                                 self->bindings->len, &self->token_binding) &&
         (self->token_binding != NULL || !self->options.binding_seen);
}

gboolean
tess_login_start_token (TessLogin *self)
{
  const TessNode           *fast = tess_node_child (get_inline (self), "fast", TESS_NS_FAST);
  g_autoptr (TessNode)      authenticate = NULL;
  g_auto (TessSecretString) initial = NULL;
  TessNode                 *request;

  g_clear_pointer (&self->token, tess_fast_free);
  if (fast == NULL || self->token_refused || self->options.user_agent_id == NULL)
    return FALSE;
  /* A certificate proves us as fast, and by more. */
  if (self->options.certificate != NULL && g_strv_contains ((const char *const *) self->result.mechanisms, "EXTERNAL"))
    return FALSE;
  self->token = tess_fast_parse (self->options.token);
  if (self->token == NULL || !is_usable (self, self->token, fast))
    {
      g_clear_pointer (&self->token, tess_fast_free);
      return FALSE;
    }

  authenticate = tess_node_new ("authenticate", TESS_NS_SASL2);
  request = tess_node_add (authenticate, "fast", TESS_NS_FAST);
  /* Section 3.4: the count guards early data of TLS, which we never send: where the server takes none, nothing is counted, and
   * the token stays as it is stored. */
  if (g_strcmp0 (tess_node_get (fast, "tls-0rtt"), "true") == 0 || g_strcmp0 (tess_node_get (fast, "tls-0rtt"), "1") == 0)
    {
      g_autofree char *count = g_strdup_printf ("%u", ++self->token->count);

      tess_node_set (request, "count", count);
    }
  initial = tess_fast_start (self->token, tess_jid_get_local (self->options.jid), self->token_binding);
  send_authenticate (self, self->token->mechanism, initial, authenticate);

  return TRUE;
}

/* XEP-0484 sections 3.3 and 3.5. */
static void
keep_token (TessLogin *self, const TessNode *node)
{
  const char          *mechanism = self->token != NULL ? self->token->mechanism : self->token_asked;
  const char          *secret = node != NULL ? tess_node_get (node, "token") : NULL;
  gint64               expires_us = 0;
  g_autoptr (TessFast) fresh = NULL;
  const TessFast      *kept;

  if (secret != NULL && mechanism != NULL)
    {
      tess_time_parse (tess_node_get (node, "expiry"), &expires_us);
      fresh = tess_fast_new (mechanism, secret, expires_us);
    }
  if (secret != NULL)
    tess_wipe ((char *) secret, strlen (secret)); /* nobody reads this tree again */
  kept = fresh != NULL ? fresh : self->token;
  if (kept == NULL)
    return;
  self->result.token = tess_fast_format (kept);
  self->result.token_expires_us = kept->expires_us;
}

static gboolean
is_proven (TessLogin *self, const TessNode *node, GError **error)
{
  const char      *text = tess_node_child_text (node, "additional-data", TESS_NS_SASL2);
  g_autofree char *additional = text != NULL ? g_strstrip (g_strdup (text)) : NULL;

  if (self->token == NULL)
    return tess_sasl_succeed (self->sasl, additional, error);
  if (tess_fast_verify (self->token, self->token_binding, additional))
    return TRUE;
  tess_sasl_set_unproven (error);
  return FALSE;
}

/* The bare or full address that we are logged in as: nobody but us (attacks row B9). */
static TessJid *
read_identifier (TessLogin *self, const TessNode *node)
{
  const char         *text = tess_node_child_text (node, "authorization-identifier", TESS_NS_SASL2);
  g_autofree char    *stripped = g_strstrip (g_strdup (text != NULL ? text : ""));
  g_autoptr (TessJid) jid = tess_jid_new (stripped, NULL);

  if (jid == NULL || !tess_jid_bare_equal (jid, self->options.jid))
    return NULL;
  return g_steal_pointer (&jid);
}

/* Takes @jid. FALSE: the login has failed. */
static gboolean
take_bound (TessLogin *self, const TessNode *bound, TessJid *jid)
{
  const TessNode *enabled = tess_node_child (bound, "enabled", TESS_NS_SM);

  if (tess_jid_is_bare (jid))
    {
      tess_jid_unref (jid);
      tess_login_fail_bad_reply (self, "bound to no resource");
      return FALSE;
    }
  self->bound = jid;
  self->result.carbons = self->carbons_asked;
  if (enabled != NULL)
    tess_login_take_enabled (self, enabled);

  return TRUE;
}

void
tess_login_handle_sasl2_success (TessLogin *self, const TessNode *node)
{
  const TessNode     *resumed = tess_node_child (node, "resumed", TESS_NS_SM);
  const TessNode     *failed = tess_node_child (node, "failed", TESS_NS_SM);
  const TessNode     *bound = tess_node_child (node, "bound", TESS_NS_BIND2);
  g_autoptr (TessJid) jid = NULL;
  GError             *error = NULL;

  /* Nothing of it is believed before the server has proven itself. */
  if (!is_proven (self, node, &error))
    {
      tess_login_fail (self, error, "</stream:stream>");
      return;
    }
  jid = read_identifier (self, node);
  if (jid == NULL || (resumed != NULL && !self->resume_asked) || (bound != NULL && !self->bind_asked))
    {
      tess_login_fail_bad_reply (self, "logged in as somebody else, or more than was asked for");
      return;
    }
  keep_token (self, tess_node_child (node, "token", TESS_NS_FAST));
  tess_login_authenticated (self);
  tess_link_set_limit (self->link, TESS_PARSER_LIMIT);
  if (resumed != NULL)
    {
      tess_login_handle_resume (self, resumed);
      return;
    }
  if (failed != NULL && self->resume_asked && !tess_login_take_resume_failed (self, failed))
    return;
  if (bound != NULL && !take_bound (self, bound, g_steal_pointer (&jid)))
    return;
  /* XEP-0388 section 2.6.1: they follow at once. */
  tess_login_enter (self, TESS_LOGIN_FEATURES);
}
