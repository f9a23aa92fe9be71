/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "base/tess-thread.h"
#include "store/tess-store-private.h"

static gpointer
read_account (sqlite3_stmt *row)
{
  TessAccountRecord *account = g_new0 (TessAccountRecord, 1);

  account->id = sqlite3_column_int64 (row, 0);
  account->address = tess_store_column_text (row, 1);
  account->name = tess_store_column_text (row, 2);
  account->host = tess_store_column_text (row, 3);
  account->port = sqlite3_column_int (row, 4);
  account->tls = sqlite3_column_int (row, 5);
  account->enabled = sqlite3_column_int (row, 6);
  account->scram_seen = sqlite3_column_int (row, 7);
  account->blind_trust = sqlite3_column_int (row, 8);
  account->roster_version = tess_store_column_text (row, 9);
  account->archive_id = tess_store_column_text (row, 10);

  return account;
}

/* ?1 to ?10 of the two statements below. */
#define BIND_ACCOUNT(account, ...)                                                        \
  BIND (TEXT ((account)->address), TEXT ((account)->name), TEXT ((account)->host),        \
        NUMBER ((account)->port), NUMBER ((account)->tls), NUMBER (!!(account)->enabled), \
        NUMBER (!!(account)->scram_seen), NUMBER (!!(account)->blind_trust),              \
        TEXT ((account)->roster_version), TEXT ((account)->archive_id), ##__VA_ARGS__)

gboolean
tess_store_add_account (TessStore *self, TessAccountRecord *account, GError **error)
{
  TESS_ASSERT_ENGINE ();

  if (!tess_store_run (self,
                       "INSERT INTO accounts (address, name, host, port, tls, enabled, scram_seen, "
                       "blind_trust, roster_version, archive_id) "
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                       BIND_ACCOUNT (account), NULL, error))
    return FALSE;
  account->id = sqlite3_last_insert_rowid (self->db);

  return TRUE;
}

gboolean
tess_store_update_account (TessStore *self, const TessAccountRecord *account, GError **error)
{
  int changes;

  TESS_ASSERT_ENGINE ();

  if (!tess_store_run (
          self,
          "UPDATE accounts SET address = ?1, name = ?2, host = ?3, port = ?4, tls = ?5, "
          "enabled = ?6, scram_seen = ?7, blind_trust = ?8, roster_version = ?9, "
          "archive_id = ?10 WHERE id = ?11",
          BIND_ACCOUNT (account, NUMBER (account->id)), &changes, error))
    return FALSE;

  return changes == 1 ||
         tess_store_fail (error, TESS_STORE_ERROR_FAILED, "there is no such account");
}

gboolean
tess_store_remove_account (TessStore *self, gint64 account_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "DELETE FROM accounts WHERE id = ?1", BIND (NUMBER (account_id)),
                         NULL, error);
}

GPtrArray *
tess_store_list_accounts (TessStore *self, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self,
                          "SELECT id, address, name, host, port, tls, enabled, scram_seen, "
                          "blind_trust, roster_version, archive_id FROM accounts ORDER BY id",
                          NULL, read_account, (GDestroyNotify) tess_account_record_free, error);
}
