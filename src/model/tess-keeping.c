/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-model"

#include "config.h"

#include "model/tess-keeping.h"

typedef enum
{
  KEEP_UNKNOWN, /* nobody has said, and the keyring had nothing */
  KEEP_YES,
  KEEP_NO,
} Keep;

struct _TessKeeping
{
  GObject *secrets; /* nullable */
  char *address;
  gboolean keep_key;
  Keep keep;
  TessCredentials *given; /* nullable: by the person, not yet proven */
  TessCredentials *news;  /* what waits until `keep` is known; a field may be "" */
};

/* Counts what one decision writes. */
typedef struct
{
  gatomicrefcount pending;
  gboolean all;
  TessPasswordDoneFunc done; /* nullable */
  gpointer user_data;
} Writing;

TessKeeping *
tess_keeping_new (gpointer secrets, const char *address)
{
  TessKeeping *self = g_new0 (TessKeeping, 1);

  self->secrets = secrets != NULL ? g_object_ref (secrets) : NULL;
  self->address = g_strdup (address);
  self->news = tess_credentials_new ();
  return self;
}

void
tess_keeping_free (TessKeeping *self)
{
  if (self == NULL)
    return;

  g_clear_object (&self->secrets);
  tess_credentials_free (self->given);
  tess_credentials_free (self->news);
  g_free (self->address);
  g_free (self);
}

static Writing *
writing_new (TessPasswordDoneFunc done, gpointer user_data)
{
  Writing *self = g_new0 (Writing, 1);

  g_atomic_ref_count_init (&self->pending);
  self->all = TRUE;
  self->done = done;
  self->user_data = user_data;
  return self;
}

static void
written_cb (gboolean done, gpointer user_data)
{
  Writing *self = user_data;

  self->all = self->all && done;
  if (!g_atomic_ref_count_dec (&self->pending))
    return;
  if (self->done != NULL)
    self->done (self->all, self->user_data);
  g_free (self);
}

/* @value: "" clears */
static void
write_one (TessKeeping *self, TessSecretKind kind, const char *value, Writing *writing)
{
  g_atomic_ref_count_inc (&writing->pending);
  if (*value != '\0')
    tess_passwords_store (self->secrets, self->address, kind, value, written_cb, writing);
  else
    tess_passwords_clear (self->secrets, self->address, kind, written_cb, writing);
}

/* A key that the keyring has makes the password superfluous; one that it has not does not. */
static void
key_stored_cb (gboolean done, gpointer user_data)
{
  TessKeeping *stand_in = user_data;

  if (done)
    tess_passwords_clear (stand_in->secrets, stand_in->address, TESS_SECRET_PASSWORD, NULL, NULL);
  tess_keeping_free (stand_in);
}

static void
write_news (TessKeeping *self)
{
  Writing *writing = writing_new (NULL, NULL);

  for (guint i = 0; i < TESS_N_SECRETS; i++)
    {
      char **field = tess_passwords_field (self->news, (TessSecretKind) i);

      if (*field == NULL)
        continue;
      /* Beside a password that is kept the key would be one secret more than needed. */
      if (i == TESS_SECRET_LOGIN_KEY && **field != '\0' && !self->keep_key)
        ;
      else if (i == TESS_SECRET_LOGIN_KEY && **field != '\0')
        tess_passwords_store (self->secrets, self->address, TESS_SECRET_LOGIN_KEY, *field, key_stored_cb,
                              tess_keeping_new (self->secrets, self->address));
      else
        write_one (self, (TessSecretKind) i, *field, writing);
      tess_credentials_set (field, NULL);
    }
  written_cb (TRUE, writing);
}

/* What waited goes where it belongs. */
static void
settle_news (TessKeeping *self)
{
  if (self->keep == KEEP_YES)
    write_news (self);
  else if (self->keep == KEEP_NO)
    {
      tess_credentials_free (self->news);
      self->news = tess_credentials_new ();
    }
}

void
tess_keeping_set_keep_key (TessKeeping *self, gboolean keep_key)
{
  self->keep_key = keep_key;
}

void
tess_keeping_found (TessKeeping *self)
{
  if (self->keep == KEEP_UNKNOWN)
    self->keep = KEEP_YES;
  settle_news (self);
}

void
tess_keeping_given (TessKeeping *self, const TessCredentials *credentials, gboolean keep)
{
  tess_credentials_free (self->given);
  self->given = tess_credentials_copy (credentials);
  self->keep = keep ? KEEP_YES : KEEP_NO;
  settle_news (self);
}

void
tess_keeping_news (TessKeeping *self, const TessCredentials *news)
{
  g_autoptr (TessCredentials) copy = tess_credentials_copy (news);

  for (guint i = 0; i < TESS_N_SECRETS; i++)
    {
      const char *value = *tess_passwords_field (copy, (TessSecretKind) i);

      if (value != NULL)
        tess_credentials_set (tess_passwords_field (self->news, (TessSecretKind) i), value);
    }
  /* Those that came with what was given go with it, so that a password is not written only to be cleared. */
  if (self->given == NULL)
    settle_news (self);
}

/* A password that is not to be kept does not stay there from an earlier time. */
static void
forget_logins (TessKeeping *self)
{
  tess_passwords_clear (self->secrets, self->address, TESS_SECRET_PASSWORD, NULL, NULL);
  tess_passwords_clear (self->secrets, self->address, TESS_SECRET_LOGIN_KEY, NULL, NULL);
  tess_passwords_clear (self->secrets, self->address, TESS_SECRET_LOGIN_TOKEN, NULL, NULL);
}

static void
write_given (TessKeeping *self, Writing *writing)
{
  gboolean has_key = self->keep_key && self->news->scram_key != NULL && *self->news->scram_key != '\0';

  for (guint i = 0; i < TESS_N_SECRETS; i++)
    {
      const char *value = *tess_passwords_field (self->given, (TessSecretKind) i);

      if (value == NULL || (i == TESS_SECRET_PASSWORD && has_key))
        continue;
      write_one (self, (TessSecretKind) i, value, writing);
      /* What was derived from another password is of no use. */
      if (i == TESS_SECRET_PASSWORD && !has_key)
        tess_passwords_clear (self->secrets, self->address, TESS_SECRET_LOGIN_KEY, NULL, NULL);
    }
}

void
tess_keeping_worked (TessKeeping *self, TessPasswordDoneFunc done, gpointer user_data)
{
  Writing *writing = writing_new (done, user_data);

  if (self->given == NULL)
    writing->all = self->keep == KEEP_YES;
  else if (self->keep == KEEP_YES)
    write_given (self, writing);
  else
    {
      writing->all = FALSE;
      forget_logins (self);
    }
  g_clear_pointer (&self->given, tess_credentials_free);
  settle_news (self);
  written_cb (writing->all, writing);
}

void
tess_keeping_refused (TessKeeping *self)
{
  g_clear_pointer (&self->given, tess_credentials_free);
}
