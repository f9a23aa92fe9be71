/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-peer"

#include "config.h"

#include "peer-private.h"

/* ---- Contacts ---- */

void
peer_run_roster (Peer *self, char **words)
{
  TessAccount *account = peer_current_account (self);
  GListModel *contacts;
  JsonBuilder *json;

  if (account == NULL)
    {
      peer_fail (self, "There is no account yet; log in first.");
      return;
    }

  contacts = tess_account_get_contacts (account);
  json = peer_begin_reply (self);
  json_builder_set_member_name (json, "contacts");
  json_builder_begin_array (json);
  for (guint i = 0; i < g_list_model_get_n_items (contacts); i++)
    {
      g_autoptr (TessContact) contact = g_list_model_get_item (contacts, i);

      json_builder_begin_object (json);
      peer_put_contact (json, tess_account_get_address (account), contact);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  peer_succeed_with (self, json);
}

static void
contact_changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = tess_account_change_contact_finish (TESS_ACCOUNT (source), result, &error);

  peer_answer_done (user_data, done, error);
}

static void
change_contact (Peer *self, const char *text, TessContactAction action)
{
  TessAccount *account = peer_current_account (self);
  g_autoptr (GError) error = NULL;

  if (account == NULL)
    peer_fail (self, "There is no account yet; log in first.");
  else if (!tess_engine_check_address (text, &self->address, &error))
    peer_fail (self, error->message);
  else
    tess_account_change_contact_async (account, self->address, action, NULL, NULL,
                                       contact_changed_cb, self);
}

void
peer_run_add (Peer *self, char **words)
{
  change_contact (self, words[0], TESS_CONTACT_ADD);
}

void
peer_run_accept (Peer *self, char **words)
{
  change_contact (self, words[0], TESS_CONTACT_ACCEPT);
}

void
peer_run_refuse (Peer *self, char **words)
{
  change_contact (self, words[0], TESS_CONTACT_REFUSE);
}

void
peer_run_remove (Peer *self, char **words)
{
  if (strchr (words[0], '@') == NULL)
    peer_run_remove_device (self, words);
  else
    change_contact (self, words[0], TESS_CONTACT_REMOVE);
}
