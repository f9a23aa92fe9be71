/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-model"

#include "config.h"

#include "model/tess-passwords.h"

typedef struct
{
  TessPasswordFunc found;
  TessPasswordDoneFunc done;
  gpointer user_data;
} Call;

static Call *
call_new (TessPasswordFunc found, TessPasswordDoneFunc done, gpointer user_data)
{
  Call *self = g_new0 (Call, 1);

  self->found = found;
  self->done = done;
  self->user_data = user_data;
  return self;
}

/* Takes the call. */
static void
call_done (Call *self, gboolean done, GError *error)
{
  if (error != NULL)
    g_debug ("The Secret Service does not help: %s", error->message);
  if (self->done != NULL)
    self->done (done, self->user_data);
  g_free (self);
}

static void
looked_up_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Call *call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessSecretSet) set = tess_secrets_lookup_finish (TESS_SECRETS (source), result, &error);
  g_autoptr (TessCredentials) credentials = tess_credentials_new ();

  if (set == NULL)
    g_debug ("The Secret Service does not help: %s", error->message);
  for (guint i = 0; set != NULL && i < TESS_N_SECRETS; i++)
    *tess_passwords_field (credentials, (TessSecretKind) i) = g_steal_pointer (&set->values[i]);
  call->found (credentials, call->user_data);
}

static void
stored_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = tess_secrets_store_finish (TESS_SECRETS (source), result, &error);

  call_done (user_data, done, error);
}

static void
cleared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = tess_secrets_clear_finish (TESS_SECRETS (source), result, &error);

  call_done (user_data, done, error);
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = tess_secrets_is_available_finish (TESS_SECRETS (source), result, &error);

  call_done (user_data, done, error);
}

char **
tess_passwords_field (TessCredentials *credentials, TessSecretKind kind)
{
  switch (kind)
    {
    case TESS_SECRET_LOGIN_KEY:
      return &credentials->scram_key;
    case TESS_SECRET_LOGIN_TOKEN:
      return &credentials->token;
    case TESS_SECRET_CERTIFICATE:
      return &credentials->certificate;
    case TESS_SECRET_PROXY_PASSWORD:
      return &credentials->proxy_password;
    case TESS_SECRET_PASSWORD:
    case TESS_N_SECRETS:
    default:
      return &credentials->password;
    }
}

void
tess_passwords_lookup (gpointer secrets,
                       const char *address,
                       TessPasswordFunc done,
                       gpointer user_data)
{
  if (secrets != NULL)
    {
      tess_secrets_lookup_async (secrets, address, NULL, looked_up_cb,
                                 call_new (done, NULL, user_data));
    }
  else
    {
      g_autoptr (TessCredentials) nothing = tess_credentials_new ();

      done (nothing, user_data);
    }
}

void
tess_passwords_store (gpointer secrets,
                      const char *address,
                      TessSecretKind kind,
                      const char *value,
                      TessPasswordDoneFunc done,
                      gpointer user_data)
{
  if (secrets != NULL)
    {
      tess_secrets_store_async (secrets, address, kind, value, NULL, stored_cb,
                                call_new (NULL, done, user_data));
      return;
    }
  if (done != NULL)
    done (FALSE, user_data);
}

void
tess_passwords_clear (gpointer secrets,
                      const char *address,
                      TessSecretKind kind,
                      TessPasswordDoneFunc done,
                      gpointer user_data)
{
  if (secrets != NULL)
    {
      tess_secrets_clear_async (secrets, address, kind, NULL, cleared_cb,
                                call_new (NULL, done, user_data));
      return;
    }
  if (done != NULL)
    done (FALSE, user_data);
}

void
tess_passwords_check (gpointer secrets, TessPasswordDoneFunc done, gpointer user_data)
{
  if (secrets != NULL)
    {
      tess_secrets_is_available_async (secrets, NULL, checked_cb, call_new (NULL, done, user_data));
      return;
    }
  done (FALSE, user_data);
}
