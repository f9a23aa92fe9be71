/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-login.h"

#include "crypto/tess-crypto.h"
#include "xmpp/tess-stream-private.h"
#include "xmpp/tess-tls.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>

static char **
collect_mechanisms (TessLogin *self)
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

void
tess_login_start_sasl (TessLogin *self)
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
      tess_login_fail (self, error, "</stream:stream>");
      return;
    }
  initial = tess_sasl_start (self->sasl);
  text = g_strdup_printf ("<auth xmlns='" TESS_NS_SASL "' mechanism='%s'>%s</auth>",
                          tess_sasl_get_mechanism (self->sasl), initial);
  tess_link_write (self->link, text);
  tess_login_enter (self, TESS_LOGIN_SASL);
}

static void
derived_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (TessLogin)         self = data;
  g_autoptr (GError)        error = NULL;
  g_auto (TessSecretString) response = tess_sasl_challenge_finish (self->sasl, result, &error);
  g_autofree char          *text = NULL;

  if (self->task == NULL)
    return;
  if (response == NULL)
    {
      tess_login_fail (self, g_steal_pointer (&error), "<abort xmlns='" TESS_NS_SASL "'/></stream:stream>");
      return;
    }
  text = g_strdup_printf ("<response xmlns='" TESS_NS_SASL "'>%s</response>", response);
  tess_link_write (self->link, text);
  tess_login_enter (self, TESS_LOGIN_SASL);
  tess_link_resume (self->link);
}

static void
handle_sasl_failure (TessLogin *self, const TessNode *node)
{
  const TessNode *condition = tess_node_child (node, NULL, TESS_NS_SASL);
  const char     *name = "not-authorized";

  if (tess_node_is (condition, "text", TESS_NS_SASL))
    condition = tess_node_next (condition, NULL, TESS_NS_SASL);
  if (condition != NULL)
    name = tess_node_get_name (condition);

  if (g_str_equal (name, "account-disabled") || g_str_equal (name, "credentials-expired"))
    tess_login_fail_with (self, TESS_XMPP_ERROR_ACCOUNT_DISABLED,
               _ ("This account is disabled. Ask the operator of %s."), tess_login_domain (self));
  else if (g_str_equal (name, "not-authorized") || g_str_equal (name, "invalid-authzid"))
    tess_login_fail_with (self, TESS_XMPP_ERROR_NOT_AUTHORIZED, _ ("The address or the password is wrong."));
  else if (g_str_equal (name, "invalid-mechanism") || g_str_equal (name, "mechanism-too-weak") ||
           g_str_equal (name, "encryption-required"))
    tess_login_fail_with (self, TESS_XMPP_ERROR_NO_MECHANISM,
               _ ("%s refused every way to log in that Tessera knows. Ask the server’s operator."), tess_login_domain (self));
  else
    tess_login_fail_with (self, TESS_XMPP_ERROR_FAILED,
               _ ("%s could not log you in right now (%s). Try again later."), tess_login_domain (self), name);
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
  self->authenticated = TRUE;
  tess_wipe_string ((char *) self->options.password);
  self->options.password = NULL;
  tess_link_pause (self->link);
  tess_link_restart (self->link, TESS_PARSER_LIMIT);
  tess_login_send_header (self);
}

void
tess_login_handle_sasl (TessLogin *self, const TessNode *node)
{
  if (tess_node_is (node, "challenge", TESS_NS_SASL))
    {
      tess_link_pause (self->link);
      tess_login_enter (self, TESS_LOGIN_DERIVE);
      tess_sasl_challenge_async (self->sasl, tess_node_get_text (node), self->cancellable, derived_cb, tess_login_ref (self));
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
      tess_login_fail_bad_reply (self, "no answer to the login");
    }
}
