/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-sasl-private.h"

#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* The strongest first, within each strength. */
static const TessSaslMechanism all_mechanisms[] = {
  { "EXTERNAL", TESS_SASL_EXTERNAL, TESS_HASH_SHA1 },
  { "SCRAM-SHA-512-PLUS", TESS_SASL_BOUND, TESS_HASH_SHA512 },
  { "SCRAM-SHA-256-PLUS", TESS_SASL_BOUND, TESS_HASH_SHA256 },
  { "SCRAM-SHA-1-PLUS", TESS_SASL_BOUND, TESS_HASH_SHA1 },
  { "SCRAM-SHA-512", TESS_SASL_SCRAM, TESS_HASH_SHA512 },
  { "SCRAM-SHA-256", TESS_SASL_SCRAM, TESS_HASH_SHA256 },
  { "SCRAM-SHA-1", TESS_SASL_SCRAM, TESS_HASH_SHA1 },
  { "PLAIN", TESS_SASL_PLAIN, TESS_HASH_SHA1 },
};

/* @key: (nullable): only its hash will do. */
static const TessSaslMechanism *
find (const TessSaslOptions *options, TessSaslStrength strength, const TessSaslKey *key)
{
  for (guint i = 0; i < G_N_ELEMENTS (all_mechanisms); i++)
    if (all_mechanisms[i].strength == strength && (key == NULL || key->hash == all_mechanisms[i].hash) &&
        g_strv_contains (options->mechanisms, all_mechanisms[i].name))
      return &all_mechanisms[i];

  return NULL;
}

/* What both sides can bind to. A server without XEP-0440 is taken to know tls-unique (RFC 5802 section 6.1) and nothing
 * else: ejabberd before 23.04 announces -PLUS on TLS 1.3 and refuses tls-exporter there. */
static const TessSaslBinding *
find_binding (const TessSaslOptions *options)
{
  for (guint i = 0; i < options->n_bindings; i++)
    if (options->announced != NULL ? g_strv_contains (options->announced, options->bindings[i].type)
                                   : g_str_equal (options->bindings[i].type, "tls-unique"))
      return &options->bindings[i];

  return NULL;
}

void
tess_sasl_set_unproven (GError **error)
{
  g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_SERVER_UNPROVEN,
                       _ ("The server did not prove that it knows the password, so the login was stopped. "
                          "Somebody may be reading along; try another network."));
}

void
tess_sasl_set_password_needed (GError **error)
{
  g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NOT_AUTHORIZED,
                       _ ("The server needs the password once more to log you in. Enter it again."));
}

void
tess_sasl_set_list_changed (GError **error)
{
  g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_WEAKENED,
                       _ ("Somebody changed what the server offers for the login on its way here, so the login was "
                          "stopped. Try another network, or ask the server’s operator."));
}

static gboolean
refuse (GError **error, TessXmppError code, const char *message)
{
  g_set_error_literal (error, TESS_XMPP_ERROR, (int) code, message);
  return FALSE;
}

/* XEP-0440 section 3, rules 4 to 6: a server that binds says both how and with which mechanism. Whoever took one of them out of
 * the list is found out; "y" would only be checked where both are gone. */
static gboolean
is_contradictory (const TessSaslOptions *options, gboolean plus)
{
  gboolean types = options->announced != NULL && options->announced[0] != NULL;

  if (options->n_bindings == 0)
    return FALSE;
  if (types != plus)
    return types || options->strict || options->announced != NULL;
  return FALSE;
}

/* Channel binding is not to be had. */
static gboolean
choose_unbound (const TessSaslOptions *options, const TessSaslKey *key, TessSaslChoice *choice, GError **error)
{
  const TessSaslKey       *only = options->password == NULL ? key : NULL;
  gboolean                 plus = find (options, TESS_SASL_BOUND, NULL) != NULL;
  const TessSaslMechanism *scram = find (options, TESS_SASL_SCRAM, only);
  const TessSaslMechanism *plain = find (options, TESS_SASL_PLAIN, NULL);

  if (options->binding_seen)
    return refuse (error, TESS_XMPP_ERROR_WEAKENED,
                   _ ("The server does not tie the login to the encrypted connection, which it did before, so the login was "
                      "stopped. Try another network, or ask the server’s operator."));
  if (is_contradictory (options, plus))
    {
      tess_sasl_set_list_changed (error);
      return FALSE;
    }
  if (scram != NULL && (options->password != NULL || key != NULL))
    {
      choice->mechanism = scram;
      choice->unseen = options->n_bindings > 0 && !plus;
      /* XEP-0474 section 6, rule 6: types that are foreign to us are believed when the server signs them. */
      choice->must_prove = options->n_bindings > 0 && plus && options->announced != NULL;
      return TRUE;
    }
  if (options->n_bindings > 0 && plus && options->announced != NULL && find (options, TESS_SASL_SCRAM, NULL) == NULL)
    {
      tess_sasl_set_list_changed (error);
      return FALSE;
    }
  if (plain == NULL && find (options, TESS_SASL_SCRAM, NULL) == NULL)
    return refuse (error, TESS_XMPP_ERROR_NO_MECHANISM,
                   _ ("The server offers no way to log in that Tessera knows. Ask the server’s operator for SCRAM."));
  if (options->scram_seen && find (options, TESS_SASL_SCRAM, NULL) == NULL)
    return refuse (error, TESS_XMPP_ERROR_WEAKENED,
                   _ ("The server asks for the password in the clear, which it did not do before. "
                      "The password was not sent; try another network, or ask the server’s operator."));
  if (options->password == NULL)
    {
      tess_sasl_set_password_needed (error);
      return FALSE;
    }
  choice->mechanism = plain;
  return TRUE;
}

gboolean
tess_sasl_choose (const TessSaslOptions *options, const TessSaslKey *key, TessSaslChoice *choice, GError **error)
{
  const TessSaslKey       *only = options->password == NULL ? key : NULL;
  const TessSaslBinding   *binding = find_binding (options);
  const TessSaslMechanism *plus = find (options, TESS_SASL_BOUND, NULL);

  *choice = (TessSaslChoice) { 0 };
  if (options->certificate)
    choice->mechanism = find (options, TESS_SASL_EXTERNAL, NULL);
  if (choice->mechanism != NULL)
    return TRUE;
  if (options->certificate && options->password == NULL && key == NULL)
    return refuse (error, TESS_XMPP_ERROR_CLIENT_CERTIFICATE,
                   _ ("The server does not accept a certificate for the login. Ask the server’s operator, or enter the "
                      "password."));
  if (plus == NULL || binding == NULL)
    return choose_unbound (options, key, choice, error);

  choice->mechanism = find (options, TESS_SASL_BOUND, only);
  choice->binding = binding;
  if (choice->mechanism == NULL || (options->password == NULL && key == NULL))
    {
      tess_sasl_set_password_needed (error);
      return FALSE;
    }
  return TRUE;
}

static int
compare_octets (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
append_sorted (GString *out, const char *const *names, char separator)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();

  for (guint i = 0; names[i] != NULL; i++)
    g_ptr_array_add (sorted, (gpointer) names[i]);
  g_ptr_array_sort (sorted, compare_octets);
  for (guint i = 0; i < sorted->len; i++)
    {
      if (i > 0)
        g_string_append_c (out, separator);
      g_string_append (out, g_ptr_array_index (sorted, i));
    }
}

static gboolean
have_separators (const char *const *names)
{
  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    if (strpbrk (names[i], ",|") != NULL)
      return TRUE;

  return FALSE;
}

char *
tess_sasl_list_announced (const TessSaslOptions *options, gboolean old)
{
  GString *out;

  if (old && (have_separators (options->mechanisms) || have_separators (options->announced)))
    return NULL;
  out = g_string_new (NULL);
  append_sorted (out, options->mechanisms, old ? ',' : '\x1e');
  if (options->announced != NULL && options->announced[0] != NULL)
    {
      g_string_append_c (out, old ? '|' : '\x1f');
      append_sorted (out, options->announced, old ? ',' : '\x1e');
    }

  return g_string_free (out, FALSE);
}
