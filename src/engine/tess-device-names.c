/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-device-names.h"

#include "base/tess-text.h"
#include "engine/tess-trust.h"
#include "store/tess-store-omemo.h"

typedef struct
{
  TessSession *session; /* outlives its queries: they end with its stream */
  guint32      device;
} Question;

/* (transfer full) (nullable): what a client calls itself. */
static char *
name_of (const TessDiscoInfo *info)
{
  for (guint i = 0; i < info->identities->len; i++)
    {
      const TessDiscoIdentity *identity = g_ptr_array_index (info->identities, i);

      if (g_str_equal (identity->category, "client") && identity->name != NULL)
        return tess_text_clean_name (identity->name);
    }
  return NULL;
}

static void
answered_cb (TessDiscoInfo *info, const GError *error, gpointer user_data)
{
  g_autofree Question *question = user_data;
  TessSession         *session = question->session;
  g_autofree char     *name = info != NULL ? name_of (info) : NULL;
  g_autoptr (GError)   local_error = NULL;

  if (name == NULL)
    return;
  if (!tess_store_set_device_software (session->store, session->account->id, tess_jid_to_bare_string (session->jid), question->device,
                                       name, &local_error))
    tess_session_storage_failed (session, local_error);
  else
    tess_trust_announce (session, session->jid);
}

void
tess_device_names_hear (TessSession *session, TessJid *from, guint32 device)
{
  Question *question;

  if (!tess_session_is_online (session) || !tess_jid_bare_equal (from, session->jid) || tess_jid_get_resource (from) == NULL ||
      device == tess_omemo_get_device_id (session->omemo) || !g_hash_table_add (session->named, GUINT_TO_POINTER (device)))
    return;
  question = g_new0 (Question, 1);
  question->session = session;
  question->device = device;
  tess_xep_disco_query (session->disco, from, NULL, answered_cb, question);
}
