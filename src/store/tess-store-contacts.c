/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "base/tess-thread.h"
#include "store/tess-store-private.h"

static gpointer
read_contact (sqlite3_stmt *row)
{
  TessContactRecord *contact = g_new0 (TessContactRecord, 1);

  contact->account_id = sqlite3_column_int64 (row, 0);
  contact->address = tess_store_column_text (row, 1);
  contact->name = tess_store_column_text (row, 2);
  contact->subscription = sqlite3_column_int (row, 3);
  contact->in_roster = sqlite3_column_int (row, 4);
  contact->asked = sqlite3_column_int (row, 5);
  contact->asks = sqlite3_column_int (row, 6);

  return contact;
}

gboolean
tess_store_save_contact (TessStore *self, const TessContactRecord *contact, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (
      self,
      "INSERT INTO contacts (account_id, address, name, subscription, in_roster, "
      "asked, asks) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
      "ON CONFLICT (account_id, address) DO UPDATE SET name = excluded.name, "
      "subscription = excluded.subscription, in_roster = excluded.in_roster, "
      "asked = excluded.asked, asks = excluded.asks",
      BIND (NUMBER (contact->account_id), TEXT (contact->address), TEXT (contact->name),
            NUMBER (contact->subscription), NUMBER (!!contact->in_roster),
            NUMBER (!!contact->asked), NUMBER (!!contact->asks)),
      NULL, error);
}

gboolean
tess_store_remove_contact (TessStore *self, gint64 account_id, const char *address, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "DELETE FROM contacts WHERE account_id = ?1 AND address = ?2",
                         BIND (NUMBER (account_id), TEXT (address)), NULL, error);
}

GPtrArray *
tess_store_list_contacts (TessStore *self, gint64 account_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self,
                          "SELECT account_id, address, name, subscription, in_roster, asked, asks "
                          "FROM contacts WHERE account_id = ?1 ORDER BY address",
                          BIND (NUMBER (account_id)), read_contact,
                          (GDestroyNotify) tess_contact_record_free, error);
}
