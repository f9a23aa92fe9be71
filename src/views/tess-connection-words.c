/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-connection-words.h"
#include "views/tess-text.h"

#include <glib/gi18n.h>
#include <string.h>

/* What makes a connection weaker than a person should accept without knowing. */
#define SERIOUS (TESS_ADVICE_PASSWORD_SENT | TESS_ADVICE_WEAK_KEY | TESS_ADVICE_OLD_TLS)

void
tess_connection_headline_clear (TessConnectionHeadline *self)
{
  g_clear_pointer (&self->title, g_free);
  g_clear_pointer (&self->sentence, g_free);
}

static void
set (TessConnectionHeadline *headline, const char *icon, const char *style, const char *title, const char *sentence)
{
  headline->icon = icon;
  headline->style = style;
  headline->title = g_strdup (title);
  headline->sentence = g_strdup (sentence);
}

static void
online_headline (const TessSecurityRecord *security, TessConnectionHeadline *headline)
{
  if ((security->advice & TESS_ADVICE_PINNED) != 0)
    set (headline, "tess-lock-symbolic", NULL, _("Encrypted, Trusted by You"),
         _("Nobody else vouches for this server: you accepted its certificate yourself, and only this one is accepted."));
  else if ((security->advice & SERIOUS) != 0)
    set (headline, "tess-lock-dot-symbolic", "tess-caution", _("Encrypted, but Weaker than It Could Be"),
         _("The server is the one it says it is, but it could protect you better, as listed below."));
  else
    set (headline, "tess-verified-symbolic", "tess-good", _("Encrypted and Verified"),
         _("The server is the one it says it is, and nobody on the way can read or change what is sent."));
}

static void
alarm_headline (TessAccount *account, TessConnectionHeadline *headline)
{
  const char *title;

  switch (tess_account_get_error_code (account))
    {
    case TESS_ENGINE_ERROR_CERTIFICATE_CHANGED:
      title = _("The Server’s Certificate Changed");
      break;
    case TESS_ENGINE_ERROR_SERVER_UNPROVEN:
      title = _("The Server Did Not Prove Itself");
      break;
    default:
      title = _("The Login Became Weaker");
      break;
    }
  set (headline, "tess-warning-symbolic", "tess-danger", title, tess_account_get_error (account));
}

void
tess_connection_headline (TessAccount *account, TessConnectionHeadline *headline)
{
  const TessSecurityRecord *security = tess_account_get_security (account);
  const char *error = tess_account_get_error (account);

  if (security != NULL)
    online_headline (security, headline);
  else if (tess_account_get_alarm (account))
    alarm_headline (account, headline);
  else if (tess_account_get_certificate (account) != NULL)
    set (headline, "tess-warning-symbolic", "tess-caution", _("The Server Cannot Be Verified"), error);
  else if (tess_account_get_connection (account) == TESS_CONNECTION_CONNECTING)
    set (headline, "tess-waiting-symbolic", NULL, _("Connecting…"), _("Nothing is sent before the server has been verified."));
  else
    set (headline, "tess-lock-open-symbolic", NULL, _("Not Connected"),
         error != NULL ? error : _("How the connection is secured can be seen here as soon as there is one."));
}

static gboolean
is_bound (const TessSecurityRecord *security)
{
  return security->channel_binding != NULL;
}

char *
tess_connection_login_words (const TessSecurityRecord *security)
{
  const char *sasl = security->sasl != NULL ? security->sasl : "";
  const char *bound = is_bound (security) ? _("The login is bound to this connection, so that nobody can sit in between unseen.")
                                          : _("The login is not bound to this connection.");
  const char *how;

  if (g_str_equal (sasl, "EXTERNAL"))
    return g_strdup (_("You signed in with your certificate. No password was used."));
  if (g_str_equal (sasl, "PLAIN"))
    return g_strdup (_("The server was given your password itself, through the encrypted connection."));
  if (security->fast || g_str_has_prefix (sasl, "HT-"))
    how = _("You signed in with a token of an earlier login. The server proved that it knows the token.");
  else if (g_str_has_prefix (sasl, "SCRAM-"))
    how = _("The server proved that it knows your password, and did not get to see it.");
  else
    return g_strdup (bound);
  /* Translators: two sentences */
  return g_strdup_printf (_("%1$s %2$s"), how, bound);
}

char **
tess_connection_advice_words (TessAdvice advice)
{
  const struct
  {
    TessAdvice  bit;
    const char *words;
  } all[] = {
    { TESS_ADVICE_PASSWORD_SENT, _("The server sees your password at each login. Its operator should offer SCRAM; use this password nowhere else.") },
    { TESS_ADVICE_WEAK_KEY, _("The server’s certificate has a weak key or signature. Its operator should get a new one.") },
    { TESS_ADVICE_PINNED, _("Only you vouch for the server’s certificate. With one from a public authority, a change would need no decision of yours.") },
    { TESS_ADVICE_OLD_TLS, _("The connection uses TLS 1.2. The server should offer TLS 1.3, which is there since 2018.") },
    { TESS_ADVICE_NO_BINDING, _("The login is not bound to the connection, so somebody in between who holds a false certificate would go unnoticed.") },
    { TESS_ADVICE_OLD_HASH, _("The best login that the server offers is SCRAM with SHA-1. It should offer SHA-256.") },
    { TESS_ADVICE_CERTIFICATE_ENDS, _("The server’s certificate ends within two weeks. Its operator should renew it.") },
    { TESS_ADVICE_PLAIN_OFFERED, _("The server also offers to take passwords as they are. Tessera does not use that, but other apps can be tricked into it.") },
    { TESS_ADVICE_LIST_UNPROVEN, _("The server does not sign the list of logins that it offers, so somebody in between could shorten it.") },
    { TESS_ADVICE_NO_MANAGEMENT, _("The server cannot resume a connection: a message may get lost when the network breaks.") },
    { TESS_ADVICE_NO_ARCHIVE, _("The server keeps no archive: what other devices of yours receive and send does not reach this one later.") },
  };
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if ((advice & all[i].bit) != 0)
      g_strv_builder_add (builder, all[i].words);
  return g_strv_builder_end (builder);
}

char **
tess_certificate_fault_words (TessCertificateFaults faults)
{
  const struct
  {
    TessCertificateFaults bit;
    const char           *words;
  } all[] = {
    { TESS_CERTIFICATE_NOT_PINNED, _("It is another one than the one that you trusted for this account.") },
    { TESS_CERTIFICATE_OTHER_KEY, _("It has another key than the one that this server had until now.") },
    { TESS_CERTIFICATE_REVOKED, _("Who issued it has revoked it: its key may be in wrong hands.") },
    { TESS_CERTIFICATE_OTHER_NAME, _("It belongs to another server: the name in your address is not in it.") },
    { TESS_CERTIFICATE_UNKNOWN_ISSUER, _("It was not issued by an authority that this computer knows. Anybody can make such a certificate.") },
    { TESS_CERTIFICATE_EXPIRED, _("It is no longer valid. Check this computer’s clock; otherwise the operator forgot to renew it.") },
    { TESS_CERTIFICATE_NOT_YET_VALID, _("It is not valid yet. Check this computer’s clock.") },
    { TESS_CERTIFICATE_INSECURE, _("Its key or signature is too weak to rely on.") },
    { TESS_CERTIFICATE_BROKEN, _("It cannot be checked: something in it is not as it should be.") },
  };
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if ((faults & all[i].bit) != 0)
      g_strv_builder_add (builder, all[i].words);
  return g_strv_builder_end (builder);
}

char *
tess_certificate_common_name (const char *dn)
{
  g_autofree char *whole = dn != NULL ? tess_text_clean_line (dn) : NULL;
  const char *start, *end;

  if (whole == NULL || *whole == '\0')
    return g_strdup (_("Nobody is named"));
  start = g_str_has_prefix (whole, "CN=") ? whole + 3 : strstr (whole, ",CN=");
  if (start == NULL)
    return g_steal_pointer (&whole);
  if (*start == ',')
    start += 4;
  for (end = start; *end != '\0' && *end != ','; end++)
    if (*end == '\\' && end[1] != '\0')
      end++;
  return end > start ? g_strndup (start, (gsize) (end - start)) : g_steal_pointer (&whole);
}

char *
tess_certificate_title (const TessCertificate *certificate)
{
  if (certificate->names != NULL && certificate->names[0] != NULL)
    {
      g_autofree char *name = tess_text_clean_line (certificate->names[0]);
      if (*name != '\0')
        return g_steal_pointer (&name);
    }
  return tess_certificate_common_name (certificate->subject);
}

char *
tess_certificate_fingerprint_colons (const char *fingerprint)
{
  g_autofree char *spaced = tess_text_fingerprint_spaced (fingerprint);
  GString *text;

  if (spaced == NULL)
    return NULL;
  text = g_string_new (NULL);
  for (guint i = 0; fingerprint[i] != '\0'; i++)
    {
      if (i > 0 && i % 2 == 0)
        g_string_append_c (text, ':');
      g_string_append_c (text, g_ascii_toupper (fingerprint[i]));
    }
  return g_string_free (text, FALSE);
}
