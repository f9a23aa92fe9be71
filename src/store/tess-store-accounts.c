/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "base/tess-thread.h"
#include "store/tess-store-private.h"

static gpointer
read_account (sqlite3_stmt *row)
{
  TessAccountRecord *account = g_new0 (TessAccountRecord, 1);
  int                column = 0;

  account->id = sqlite3_column_int64 (row, column++);
  account->address = tess_store_column_text (row, column++);
  account->name = tess_store_column_text (row, column++);
  account->host = tess_store_column_text (row, column++);
  account->port = sqlite3_column_int (row, column++);
  account->tls = sqlite3_column_int (row, column++);
  account->enabled = sqlite3_column_int (row, column++);
  account->scram_seen = sqlite3_column_int (row, column++);
  account->binding_seen = sqlite3_column_int (row, column++);
  account->proxy = sqlite3_column_int (row, column++);
  account->proxy_host = tess_store_column_text (row, column++);
  account->proxy_port = sqlite3_column_int (row, column++);
  account->proxy_username = tess_store_column_text (row, column++);
  account->pin = tess_store_column_text (row, column++);
  account->remember_key = sqlite3_column_int (row, column++);
  account->server_key = tess_store_column_text (row, column++);
  account->certificate = tess_store_column_text (row, column++);
  account->keep_key = sqlite3_column_int (row, column++);
  account->user_agent_id = tess_store_column_text (row, column++);
  account->blind_trust = sqlite3_column_int (row, column++);
  account->roster_version = tess_store_column_text (row, column++);
  account->archive_id = tess_store_column_text (row, column++);
  account->archive_us = sqlite3_column_int64 (row, column++);
  account->send_receipts = sqlite3_column_int (row, column++);
  account->send_markers = sqlite3_column_int (row, column++);

  return account;
}

/* The order of read_account () and BIND_ACCOUNT (). */
#define COLUMNS                                                                                    \
  "address, name, host, port, tls, enabled, scram_seen, binding_seen, proxy, proxy_host, "         \
  "proxy_port, proxy_username, pin, remember_key, server_key, certificate, keep_key, "             \
  "user_agent_id, blind_trust, roster_version, archive_id, archive_us, send_receipts, send_markers"

/* ?1 to ?24 of the two statements below. */
#define BIND_ACCOUNT(account, ...)                                                                 \
  BIND (TEXT ((account)->address), TEXT ((account)->name), TEXT ((account)->host),                 \
        NUMBER ((account)->port), NUMBER ((account)->tls), NUMBER (!!(account)->enabled),          \
        NUMBER (!!(account)->scram_seen), NUMBER (!!(account)->binding_seen),                      \
        NUMBER ((account)->proxy), TEXT ((account)->proxy_host), NUMBER ((account)->proxy_port),   \
        TEXT ((account)->proxy_username), TEXT ((account)->pin),                                   \
        NUMBER (!!(account)->remember_key), TEXT ((account)->server_key),                          \
        TEXT ((account)->certificate), NUMBER (!!(account)->keep_key),                             \
        TEXT ((account)->user_agent_id), NUMBER (!!(account)->blind_trust),                        \
        TEXT ((account)->roster_version), TEXT ((account)->archive_id),                         \
        NUMBER ((account)->archive_us), NUMBER (!!(account)->send_receipts),                       \
        NUMBER (!!(account)->send_markers), ##__VA_ARGS__)

gboolean
tess_store_add_account (TessStore *self, TessAccountRecord *account, GError **error)
{
  TESS_ASSERT_ENGINE ();

  if (!tess_store_run (self,
                       "INSERT INTO accounts (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
                       "?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
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

  if (!tess_store_run (self,
                       "UPDATE accounts SET (" COLUMNS ") = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
                       "?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24) WHERE id = ?25",
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

  return tess_store_list (self, "SELECT id, " COLUMNS " FROM accounts ORDER BY id", NULL,
                          read_account, (GDestroyNotify) tess_account_record_free, error);
}
