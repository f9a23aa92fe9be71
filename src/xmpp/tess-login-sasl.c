/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-login.h"

#include "crypto/tess-crypto.h"
#include "xmpp/tess-certificate.h"
#include "xmpp/tess-sasl-private.h"
#include "xmpp/tess-tls.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

char **
tess_login_collect (const TessNode *list, const char *name, const char *ns)
{
  GStrvBuilder *builder = g_strv_builder_new ();
  char        **texts;

  for (TESS_NODE_EACH (child, list, name, ns))
    g_strv_builder_add (builder, tess_node_get_text (child));
  texts = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);

  return texts;
}

/* NULL when the server says nothing of XEP-0440. */
static char **
collect_binding_types (TessLogin *self)
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

/* XEP-0178 section 3: a certificate that names one address, and it is ours, leaves nothing to ask for. */
static char *
choose_authzid (TessLogin *self)
{
  g_autoptr (TessCertificate) certificate = NULL;
  const char                 *address = NULL;
  guint                       count = 0;
  g_autoptr (TessJid)         jid = NULL;

  if (self->options.certificate != NULL)
    certificate = tess_certificate_read (self->options.certificate, 0);
  for (guint i = 0; certificate != NULL && certificate->names != NULL && certificate->names[i] != NULL; i++)
    if (strchr (certificate->names[i], '@') != NULL)
      {
        address = certificate->names[i];
        count++;
      }
  if (count == 1)
    jid = tess_jid_new (address, NULL);
  if (jid != NULL && tess_jid_bare_equal (jid, self->options.jid))
    return NULL;

  return g_strdup (tess_jid_to_bare_string (self->options.jid));
}

/* @list: (nullable): of mechanisms. */
static TessSasl *
new_sasl (TessLogin *self, const TessNode *list, const char *ns, gboolean strict, GError **error)
{
  g_auto (GStrv)   mechanisms = tess_login_collect (list, "mechanism", ns);
  g_auto (GStrv)   announced = collect_binding_types (self);
  g_autofree char *authzid = choose_authzid (self);
  TessSaslOptions  options = {
     .username = tess_jid_get_local (self->options.jid),
     .password = self->options.password,
     .key = self->options.scram_key,
     .authzid = authzid,
     .mechanisms = (const char *const *) mechanisms,
     .announced = (const char *const *) announced,
     .bindings = (const TessSaslBinding *) (gpointer) self->bindings->data,
     .n_bindings = self->bindings->len,
     .certificate = self->options.certificate != NULL,
     .strict = strict,
     .scram_seen = self->options.scram_seen,
     .binding_seen = self->options.binding_seen,
  };

  return tess_sasl_new (&options, error);
}

static void
remember_offers (TessLogin *self, const TessNode *first, const TessNode *second)
{
  g_auto (GStrv) all = tess_login_collect (first, "mechanism", TESS_NS_SASL2);
  g_auto (GStrv) more = tess_login_collect (second, "mechanism", TESS_NS_SASL);
  GStrvBuilder  *builder = g_strv_builder_new ();

  g_strv_builder_addv (builder, (const char **) all);
  for (guint i = 0; more[i] != NULL; i++)
    if (!g_strv_contains ((const char *const *) all, more[i]))
      g_strv_builder_add (builder, more[i]);
  g_strfreev (self->result.mechanisms);
  self->result.mechanisms = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
}

static void
start_sasl1 (TessLogin *self)
{
  g_auto (TessSecretString) initial = tess_sasl_start (self->sasl);
  g_auto (TessSecretString) text = NULL;

  /* RFC 6120 section 6.4.2: "=" is a response of no length. */
  text = g_strdup_printf ("<auth xmlns='" TESS_NS_SASL "' mechanism='%s'>%s</auth>", tess_sasl_get_mechanism (self->sasl),
                          *initial != '\0' ? initial : "=");
  tess_link_write (self->link, text);
  tess_login_enter (self, TESS_LOGIN_SASL);
}

static void
fail_by_certificate (TessLogin *self)
{
  tess_login_fail_with (self, TESS_XMPP_ERROR_CLIENT_CERTIFICATE,
                        _ ("%s refused your certificate for this account. Choose another one, or enter the password."),
                        tess_login_domain (self));
}

/* Both profiles may be offered, with other mechanisms each: the stronger login is taken, and SASL2 between equals. */
void
tess_login_start_sasl (TessLogin *self)
{
  const TessNode      *second = tess_node_child (self->features, "authentication", TESS_NS_SASL2);
  const TessNode      *first = tess_node_child (self->features, "mechanisms", TESS_NS_SASL);
  g_autoptr (GError)   second_error = NULL;
  g_autoptr (GError)   first_error = NULL;
  g_autoptr (TessSasl) by_second = NULL;
  g_autoptr (TessSasl) by_first = NULL;

  g_clear_pointer (&self->bindings, g_array_unref);
  self->bindings = tess_tls_get_bindings (tess_link_get_io (self->link));
  remember_offers (self, second, first);
  if (tess_login_start_token (self))
    return;

  g_clear_pointer (&self->sasl, tess_sasl_unref);
  by_second = second != NULL ? new_sasl (self, second, TESS_NS_SASL2, TRUE, &second_error) : NULL;
  by_first = new_sasl (self, first, TESS_NS_SASL, FALSE, &first_error);
  if (by_second == NULL && by_first == NULL)
    {
      GError **error = second_error == NULL || first != NULL ? &first_error : &second_error;

      if (self->certificate_refused && g_error_matches (*error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NO_MECHANISM))
        fail_by_certificate (self);
      else
        tess_login_fail (self, g_steal_pointer (error), "</stream:stream>");
      return;
    }
  self->sasl2 = by_second != NULL && (by_first == NULL || tess_sasl_get_strength (by_second) >= tess_sasl_get_strength (by_first));
  self->sasl = self->sasl2 ? g_steal_pointer (&by_second) : g_steal_pointer (&by_first);
  if (self->sasl2)
    tess_login_start_sasl2 (self);
  else
    start_sasl1 (self);
}

static void
derived_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (TessLogin)     self = data;
  g_autoptr (GError)        error = NULL;
  g_auto (TessSecretString) response = tess_sasl_challenge_finish (self->sasl, result, &error);
  g_auto (TessSecretString) text = NULL;

  if (self->task == NULL)
    return;
  if (response == NULL)
    {
      tess_login_fail (self, g_steal_pointer (&error),
                       self->sasl2 ? "<abort xmlns='" TESS_NS_SASL2 "'/></stream:stream>"
                                   : "<abort xmlns='" TESS_NS_SASL "'/></stream:stream>");
      return;
    }
  text = g_strdup_printf ("<response xmlns='%s'>%s</response>", self->sasl2 ? TESS_NS_SASL2 : TESS_NS_SASL, response);
  tess_link_write (self->link, text);
  tess_login_enter (self, TESS_LOGIN_SASL);
  tess_link_resume (self->link);
}

static gboolean
has_password (TessLogin *self)
{
  return self->options.password != NULL || self->options.scram_key != NULL;
}

static void
handle_token_refused (TessLogin *self)
{
  GError *error = NULL;

  self->token_refused = TRUE;
  if (has_password (self) || self->options.certificate != NULL)
    {
      tess_login_connect_again (self);
      return;
    }
  tess_sasl_set_password_needed (&error);
  tess_login_fail (self, error, "</stream:stream>");
}

gboolean
tess_login_try_without_certificate (TessLogin *self)
{
  if (self->options.certificate == NULL || self->authenticated || !has_password (self))
    return FALSE;

  self->certificate_refused = TRUE;
  g_clear_object (&self->options.certificate);
  tess_login_connect_again (self);
  return TRUE;
}

static const char *
find_condition (const TessNode *failure)
{
  for (TESS_NODE_EACH (child, failure, NULL, NULL))
    if (!g_str_equal (tess_node_get_name (child), "text"))
      return tess_node_get_name (child);

  return "not-authorized";
}

static void
handle_failure (TessLogin *self, const TessNode *node)
{
  const char *name = find_condition (node);
  gboolean    temporary = g_str_equal (name, "temporary-auth-failure");

  if (self->token != NULL && !temporary)
    {
      handle_token_refused (self);
    }
  else if (self->token == NULL && tess_sasl_get_strength (self->sasl) == TESS_SASL_EXTERNAL && !temporary)
    {
      if (!tess_login_try_without_certificate (self))
        fail_by_certificate (self);
    }
  else if (g_str_equal (name, "account-disabled") || g_str_equal (name, "credentials-expired"))
    tess_login_fail_with (self, TESS_XMPP_ERROR_ACCOUNT_DISABLED,
                          _ ("This account is disabled. Ask the operator of %s."), tess_login_domain (self));
  else if (g_str_equal (name, "not-authorized") || g_str_equal (name, "invalid-authzid"))
    tess_login_fail_with (self, TESS_XMPP_ERROR_NOT_AUTHORIZED, _ ("The address or the password is wrong."));
  else if (g_str_equal (name, "invalid-mechanism") || g_str_equal (name, "mechanism-too-weak") ||
           g_str_equal (name, "encryption-required"))
    tess_login_fail_with (self, TESS_XMPP_ERROR_NO_MECHANISM,
                          _ ("%s refused every way to log in that Tessera knows. Ask the server’s operator."),
                          tess_login_domain (self));
  else
    tess_login_fail_with (self, TESS_XMPP_ERROR_FAILED,
                          _ ("%s could not log you in right now (%s). Try again later."), tess_login_domain (self), name);
}

static void
forget_secret (const char **place)
{
  tess_wipe_string ((char *) *place);
  *place = NULL;
}

void
tess_login_authenticated (TessLogin *self)
{
  TessLoginResult *result = &self->result;

  self->authenticated = TRUE;
  result->sasl2 = self->sasl2;
  result->fast = self->token != NULL;
  if (self->token != NULL)
    {
      result->mechanism = g_strdup (self->token->mechanism);
      result->binding = self->token_binding != NULL ? g_strdup (self->token_binding->type) : NULL;
    }
  else
    {
      result->mechanism = g_strdup (tess_sasl_get_mechanism (self->sasl));
      result->binding = g_strdup (tess_sasl_get_binding (self->sasl));
      result->list_proven = tess_sasl_is_list_proven (self->sasl);
      if (self->options.keep_key && self->options.password != NULL)
        result->scram_key = tess_sasl_get_key (self->sasl);
    }
  g_clear_pointer (&self->sasl, tess_sasl_unref);
  forget_secret (&self->options.password);
  forget_secret (&self->options.scram_key);
  forget_secret (&self->options.token);
}

static void
handle_success (TessLogin *self, const TessNode *node)
{
  GError *error = NULL;

  if (!tess_sasl_succeed (self->sasl, tess_node_get_text (node), &error))
    {
      tess_login_fail (self, error, "</stream:stream>");
      return;
    }
  /* RFC 6120 section 6.4.6: now it is the client's turn. */
  if (!tess_link_is_drained (self->link))
    {
      tess_login_fail_bad_reply (self, "bytes behind <success/>");
      return;
    }
  tess_login_authenticated (self);
  tess_link_pause (self->link);
  tess_link_restart (self->link, TESS_PARSER_LIMIT);
  tess_login_send_header (self);
}

static void
handle_challenge (TessLogin *self, const TessNode *node)
{
  g_autofree char *text = g_strstrip (g_strdup (tess_node_get_text (node)));

  if (self->token != NULL)
    {
      tess_login_fail_bad_reply (self, "a challenge to a token");
      return;
    }
  tess_link_pause (self->link);
  tess_login_enter (self, TESS_LOGIN_DERIVE);
  tess_sasl_challenge_async (self->sasl, text, self->cancellable, derived_cb, tess_login_ref (self));
}

/* XEP-0388 section 2.6.3: tasks such as a second factor. */
static void
handle_continue (TessLogin *self)
{
  tess_login_fail (self,
                   g_error_new (TESS_XMPP_ERROR, TESS_XMPP_ERROR_NO_MECHANISM,
                                _ ("%s asks for a second step to log in, such as a code, which Tessera cannot do. Ask the "
                                   "server’s operator for a password for this app alone."), tess_login_domain (self)),
                   "<abort xmlns='" TESS_NS_SASL2 "'/></stream:stream>");
}

void
tess_login_handle_sasl (TessLogin *self, const TessNode *node)
{
  const char *ns = self->sasl2 ? TESS_NS_SASL2 : TESS_NS_SASL;

  if (tess_node_is (node, "challenge", ns))
    handle_challenge (self, node);
  else if (tess_node_is (node, "success", ns) && self->sasl2)
    tess_login_handle_sasl2_success (self, node);
  else if (tess_node_is (node, "success", ns))
    handle_success (self, node);
  else if (tess_node_is (node, "failure", ns))
    handle_failure (self, node);
  else if (tess_node_is (node, "continue", ns) && self->sasl2)
    handle_continue (self);
  else
    tess_login_fail_bad_reply (self, "no answer to the login");
}
