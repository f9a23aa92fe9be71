/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-peer"

#include "config.h"

#include "peer-private.h"

#include <glib/gstdio.h>

/* What a keyring would keep, in a file that only its owner can read. For the tests' programs:
 * nobody else may do that. The password is never there: each `login` gives it, or does without. */

static const char *const fields[] = { "scram-key", "token", "certificate", "proxy-password" };

static char **
field_of (TessCredentials *credentials, gsize index)
{
  char **const places[] = { &credentials->scram_key, &credentials->token, &credentials->certificate,
                            &credentials->proxy_password };

  return places[index];
}

static char *
path_of (Peer *self)
{
  return g_build_filename (self->home, "credentials", NULL);
}

static GKeyFile *
load (Peer *self)
{
  g_autofree char *path = path_of (self);
  GKeyFile *file = g_key_file_new ();

  g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL);
  return file;
}

TessCredentials *
peer_get_kept (Peer *self, const char *address)
{
  g_autoptr (GKeyFile) file = load (self);
  TessCredentials *kept = tess_credentials_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      g_autofree char *value = g_key_file_get_string (file, address, fields[i], NULL);

      tess_credentials_set (field_of (kept, i), value);
    }
  return kept;
}

void
peer_keep (Peer *self, const char *address, const TessCredentials *news)
{
  g_autoptr (GKeyFile) file = load (self);
  g_autoptr (TessCredentials) copy = tess_credentials_copy (news);
  g_autofree char *path = path_of (self);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      const char *value = *field_of (copy, i);

      if (value != NULL && *value != '\0')
        g_key_file_set_string (file, address, fields[i], value);
      else if (value != NULL)
        g_key_file_remove_key (file, address, fields[i], NULL);
    }
  text = g_key_file_to_data (file, &length, NULL);
  if (length > 0 && !g_file_set_contents_full (path, text, (gssize) length,
                                               G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_warning ("Nothing was kept: %s", error->message);
}
