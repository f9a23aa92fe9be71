/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-session-login.h"

#include "engine/tess-engine.h"
#include "xmpp/tess-certificate.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* ---- What a login takes ---- */

/* The key is derived by logins with the password: a token would only put them off. */
static gboolean
offers_token (const TessAccountRecord *account, const TessCredentials *credentials)
{
  return credentials->token != NULL && !(account->keep_key && credentials->password != NULL);
}

gboolean
tess_session_fill_options (TessStreamOptions       *options,
                           const TessAccountRecord *account,
                           TessJid                 *jid,
                           const TessCredentials   *credentials,
                           GTlsDatabase            *trust,
                           GError                 **error)
{
  memset (options, 0, sizeof *options);
  if (credentials->certificate != NULL)
    {
      options->certificate = tess_certificate_from_pem (credentials->certificate, error);
      if (options->certificate == NULL)
        return FALSE;
    }

  options->jid = jid;
  options->password = credentials->password;
  options->scram_key = credentials->scram_key;
  options->token = offers_token (account, credentials) ? credentials->token : NULL;
  options->user_agent_id = account->user_agent_id;
  options->host = account->host;
  options->port = account->port;
  options->tls = (TessTlsMode) account->tls;
  options->trust = trust;
  options->proxy.kind = (TessProxyKind) account->proxy;
  options->proxy.host = account->proxy_host;
  options->proxy.port = account->proxy_port;
  options->proxy.username = account->proxy_username;
  options->proxy.password = account->proxy_username != NULL ? credentials->proxy_password : NULL;
  options->scram_seen = account->scram_seen;
  options->keep_key = account->keep_key;
  options->binding_seen = account->binding_seen;
  options->pin = account->pin;
  options->server_key = account->remember_key ? account->server_key : NULL;

  return TRUE;
}

void
tess_session_clear_options (TessStreamOptions *options)
{
  g_clear_object (&options->certificate);
}

/* ---- What a person gives ---- */

/* "" takes away. */
static void
take (char **field, const char *value)
{
  tess_credentials_set (field, value != NULL && *value != '\0' ? value : NULL);
}

void
tess_session_take_credentials (TessSession *self, const TessCredentials *credentials)
{
  TessCredentials *mine = self->credentials;

  if (credentials == NULL || credentials == mine)
    return;
  if (mine == NULL)
    mine = self->credentials = tess_credentials_new ();

  /* What proves who we are goes as one: a key of the old password beside a new password would only confuse. */
  if (credentials->password != NULL || credentials->scram_key != NULL || credentials->token != NULL)
    {
      take (&mine->password, credentials->password);
      take (&mine->scram_key, credentials->scram_key);
      take (&mine->token, credentials->token);
    }
  if (credentials->certificate != NULL)
    take (&mine->certificate, credentials->certificate);
  if (credentials->proxy_password != NULL)
    take (&mine->proxy_password, credentials->proxy_password);
}

/* ---- What a login teaches ---- */

/* @news: (transfer full) */
static void
tell_credentials (TessSession *self, TessCredentials *news)
{
  TessEvent *event = tess_event_new (TESS_EVENT_CREDENTIALS, self->account->id);

  event->credentials = news;
  tess_event_queue_add (self->events, event);
}

/* A server that keeps the password itself may salt it anew at each login: no key fits twice then, and a person who has
 * nothing else would be asked at each start. So the key takes the place of the password when a second login gives the same one. */
static gboolean
learn_key (TessSession *self, const char *key, TessCredentials *news)
{
  TessCredentials   *mine = self->credentials;
  g_autoptr (GError) error = NULL;

  if (mine->scram_key == NULL)
    {
      tess_credentials_set (&mine->scram_key, key);
      self->prove_key = TRUE;
      return FALSE;
    }
  if (g_str_equal (key, mine->scram_key))
    {
      tess_credentials_set (&mine->password, NULL);
      tess_credentials_set (&news->scram_key, key);
      return TRUE;
    }

  tess_credentials_set (&mine->scram_key, NULL);
  self->account->keep_key = FALSE;
  tess_session_save_account (self);
  error = g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED,
                       _("%s checks the password in another way at each sign-in, so only the password itself can be kept "
                         "for it."),
                       tess_jid_get_domain (self->jid));
  tess_session_report (self, error);
  return FALSE;
}

static gboolean
learn_credentials (TessSession *self, const TessStreamInfo *info, TessCredentials *news)
{
  TessCredentials *mine = self->credentials;
  gboolean         learnt = FALSE;

  if (info->token != NULL && g_strcmp0 (info->token, mine->token) != 0)
    {
      tess_credentials_set (&mine->token, info->token);
      tess_credentials_set (&news->token, info->token);
      learnt = TRUE;
    }
  else if (info->token == NULL && offers_token (self->account, mine))
    {
      tess_credentials_set (&mine->token, NULL);
      tess_credentials_set (&news->token, "");
      learnt = TRUE;
    }

  if (info->scram_key != NULL && self->account->keep_key && mine->password != NULL)
    learnt = learn_key (self, info->scram_key, news) || learnt;

  return learnt;
}

gboolean
tess_session_remember_key (TessAccountRecord *account, const GPtrArray *chain)
{
  const TessCertificate *certificate = chain != NULL && chain->len > 0 ? g_ptr_array_index (chain, 0) : NULL;

  if (!account->remember_key || account->server_key != NULL || certificate == NULL)
    return FALSE;
  account->server_key = g_strdup (certificate->key_fingerprint);

  return account->server_key != NULL;
}

void
tess_session_learn (TessSession *self, const TessStreamInfo *info)
{
  g_autoptr (TessCredentials) news = tess_credentials_new ();
  TessAccountRecord          *account = self->account;
  gboolean                    changed = FALSE;

  /* XEP-0474 section 6: who has proven himself without telling the password does not tell it afterwards. */
  if (!account->scram_seen && (g_str_has_prefix (info->sasl, "SCRAM-") || g_str_equal (info->sasl, "EXTERNAL")))
    changed = account->scram_seen = TRUE;
  /* A token is bound in its own way, and says nothing of what a password would be. */
  if (!account->binding_seen && info->channel_binding != NULL && !info->fast)
    changed = account->binding_seen = TRUE;
  if (tess_session_remember_key (account, info->chain))
    changed = TRUE;

  if (changed)
    tess_session_save_account (self);
  if (self->credentials != NULL && learn_credentials (self, info, news))
    tell_credentials (self, g_steal_pointer (&news));
}

GError *
tess_session_password_needed (TessSession *self)
{
  return g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_PASSWORD_NEEDED,
                      _("The password for %s is needed to sign in."), self->account->address);
}

GError *
tess_session_explain_refusal (TessSession *self, const GError *error)
{
  TessCredentials            *mine = self->credentials;
  g_autoptr (TessCredentials) news = NULL;

  if (mine == NULL || (mine->scram_key == NULL && mine->token == NULL) ||
      !g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NOT_AUTHORIZED))
    return NULL;

  news = tess_credentials_new ();
  if (mine->scram_key != NULL)
    tess_credentials_set (&news->scram_key, "");
  if (mine->token != NULL)
    tess_credentials_set (&news->token, "");
  tess_credentials_set (&mine->scram_key, NULL);
  tess_credentials_set (&mine->token, NULL);
  tell_credentials (self, g_steal_pointer (&news));

  return mine->password == NULL && mine->certificate == NULL ? tess_session_password_needed (self) : NULL;
}
