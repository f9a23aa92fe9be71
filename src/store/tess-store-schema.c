/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "store/tess-store-private.h"

/* Numbers of an enumeration stand as the records define them. Identifiers are never used twice
 * (AUTOINCREMENT): the engine and the model hold them while rows go. */
static const char version_1[] =
    "CREATE TABLE accounts ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  address TEXT NOT NULL UNIQUE CHECK (length (address) BETWEEN 1 AND 2047),"
    "  name TEXT,"
    "  host TEXT,"
    "  port INTEGER NOT NULL CHECK (port BETWEEN 0 AND 65535),"
    "  tls INTEGER NOT NULL CHECK (tls BETWEEN 0 AND 2),"
    "  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),"
    "  scram_seen INTEGER NOT NULL CHECK (scram_seen IN (0, 1)),"
    "  binding_seen INTEGER NOT NULL CHECK (binding_seen IN (0, 1)),"
    "  proxy INTEGER NOT NULL CHECK (proxy BETWEEN 0 AND 3),"
    "  proxy_host TEXT,"
    "  proxy_port INTEGER NOT NULL CHECK (proxy_port BETWEEN 0 AND 65535),"
    "  proxy_username TEXT,"
    "  pin TEXT CHECK (length (pin) = 64),"
    "  remember_key INTEGER NOT NULL CHECK (remember_key IN (0, 1)),"
    "  server_key TEXT CHECK (length (server_key) = 64),"
    "  certificate TEXT,"
    "  keep_key INTEGER NOT NULL CHECK (keep_key IN (0, 1)),"
    "  user_agent_id TEXT,"
    "  blind_trust INTEGER NOT NULL CHECK (blind_trust IN (0, 1)),"
    "  roster_version TEXT,"
    "  archive_id TEXT"
    ") STRICT;"

    "CREATE TABLE contacts ("
    "  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    "  address TEXT NOT NULL CHECK (length (address) BETWEEN 1 AND 2047),"
    "  name TEXT,"
    "  subscription INTEGER NOT NULL CHECK (subscription BETWEEN 0 AND 3),"
    "  in_roster INTEGER NOT NULL CHECK (in_roster IN (0, 1)),"
    "  asked INTEGER NOT NULL CHECK (asked IN (0, 1)),"
    "  asks INTEGER NOT NULL CHECK (asks IN (0, 1)),"
    "  PRIMARY KEY (account_id, address)"
    ") STRICT, WITHOUT ROWID;"

    /* `unread` is kept by tess_store_add_message () and tess_store_mark_read (): counting it for a list
     * would read every unread message, and a trigger makes each insert keep a journal of its own. (read_time_us, read_id) is the place in the timeline up to
     * which all is read. */
    "CREATE TABLE conversations ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    "  peer TEXT NOT NULL CHECK (length (peer) BETWEEN 1 AND 2047),"
    "  encryption INTEGER NOT NULL DEFAULT 0 CHECK (encryption BETWEEN 0 AND 2),"
    "  draft TEXT,"
    "  created_us INTEGER NOT NULL,"
    "  read_time_us INTEGER NOT NULL DEFAULT 0,"
    "  read_id INTEGER NOT NULL DEFAULT 0,"
    "  unread INTEGER NOT NULL DEFAULT 0 CHECK (unread >= 0),"
    "  UNIQUE (account_id, peer),"
    "  UNIQUE (id, account_id)"
    ") STRICT;"

    "CREATE TABLE messages ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  account_id INTEGER NOT NULL,"
    "  conversation_id INTEGER NOT NULL,"
    "  sender TEXT NOT NULL,"
    "  direction INTEGER NOT NULL CHECK (direction IN (0, 1)),"
    "  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),"
    "  encryption INTEGER NOT NULL CHECK (encryption BETWEEN 0 AND 2),"
    "  stanza_id TEXT,"
    "  archive_id TEXT,"
    "  text TEXT,"
    "  time_us INTEGER NOT NULL,"
    "  device INTEGER NOT NULL CHECK (device BETWEEN 0 AND 4294967295),"
    /* Of an own message: the worst trust among the devices that it was encrypted to. */
    "  sent_trust INTEGER NOT NULL DEFAULT 1 CHECK (sent_trust BETWEEN 0 AND 3),"
    "  receipt_wanted INTEGER NOT NULL CHECK (receipt_wanted IN (0, 1)),"
    "  error TEXT,"
    "  CHECK ((direction = 0) = (state = 0)),"
    "  FOREIGN KEY (conversation_id, account_id) REFERENCES conversations (id, account_id)"
    "    ON DELETE CASCADE"
    ") STRICT;"
    /* The row's id stands at the end of every index by itself. */
    "CREATE INDEX messages_timeline ON messages (conversation_id, time_us);"
    "CREATE UNIQUE INDEX messages_archive ON messages (account_id, archive_id)"
    "  WHERE archive_id IS NOT NULL;"
    "CREATE INDEX messages_own ON messages (conversation_id, stanza_id)"
    "  WHERE direction = 1 AND stanza_id IS NOT NULL;"
    "CREATE INDEX messages_waiting ON messages (account_id, time_us) WHERE state = 1;"

    "CREATE TABLE outbox ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  account_id INTEGER NOT NULL,"
    "  message_id INTEGER NOT NULL UNIQUE REFERENCES messages ON DELETE CASCADE,"
    "  xml TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX outbox_order ON outbox (account_id);"

    "CREATE TABLE omemo_local ("
    "  account_id INTEGER PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,"
    "  id INTEGER NOT NULL CHECK (id BETWEEN 1 AND 2147483647),"
    "  identity BLOB NOT NULL"
    ") STRICT;"

    "CREATE TABLE omemo_blobs ("
    "  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    "  kind INTEGER NOT NULL,"
    "  id INTEGER NOT NULL CHECK (id BETWEEN 0 AND 4294967295),"
    "  blob BLOB NOT NULL,"
    "  PRIMARY KEY (account_id, kind, id)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE omemo_numbers ("
    "  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  value INTEGER NOT NULL,"
    "  PRIMARY KEY (account_id, name)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE omemo_sessions ("
    "  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    "  address TEXT NOT NULL,"
    "  device INTEGER NOT NULL CHECK (device BETWEEN 0 AND 4294967295),"
    "  blob BLOB NOT NULL,"
    "  PRIMARY KEY (account_id, address, device)"
    ") STRICT;"

    "CREATE TABLE omemo_devices ("
    "  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    "  address TEXT NOT NULL,"
    "  id INTEGER NOT NULL CHECK (id BETWEEN 1 AND 4294967295),"
    "  key BLOB CHECK (key IS NULL OR length (key) = 32),"
    "  trust INTEGER NOT NULL CHECK (trust BETWEEN 0 AND 3),"
    "  active INTEGER NOT NULL CHECK (active IN (0, 1)),"
    "  key_alarm INTEGER NOT NULL CHECK (key_alarm IN (0, 1)),"
    "  first_seen_us INTEGER NOT NULL,"
    "  last_seen_us INTEGER NOT NULL,"
    "  PRIMARY KEY (account_id, address, id)"
    ") STRICT, WITHOUT ROWID;"
    /* Identities are insert-only, whatever the code above does. */
    "CREATE TRIGGER omemo_devices_key BEFORE UPDATE ON omemo_devices"
    "  WHEN (OLD.key IS NOT NULL AND NEW.key IS NOT OLD.key) OR NEW.account_id <> OLD.account_id"
    "    OR NEW.address <> OLD.address OR NEW.id <> OLD.id BEGIN"
    "  SELECT raise (ABORT, 'an identity key cannot be changed');"
    " END;";

/* What a person says of people and devices beside OMEMO's own tables. `software` is what a device called itself. */
static const char version_2[] =
    "CREATE TABLE people ("
    "  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    "  address TEXT NOT NULL CHECK (length (address) BETWEEN 1 AND 2047),"
    "  blind INTEGER NOT NULL CHECK (blind BETWEEN 0 AND 2),"
    "  PRIMARY KEY (account_id, address)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE device_names ("
    "  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    "  address TEXT NOT NULL CHECK (length (address) BETWEEN 1 AND 2047),"
    "  id INTEGER NOT NULL CHECK (id BETWEEN 1 AND 4294967295),"
    "  label TEXT,"
    "  software TEXT,"
    "  PRIMARY KEY (account_id, address, id)"
    ") STRICT, WITHOUT ROWID;";

/* By the sender's id in both directions. */
static const char version_3[] =
    "DROP INDEX messages_own;"
    "CREATE INDEX messages_stanza ON messages (conversation_id, stanza_id) WHERE stanza_id IS NOT NULL;";

/* Never lose a message, never show one twice.
 *
 * `gaps`: what the account's archive holds between two messages that are known, and is not stored yet; both ends are ids of the archive,
 * and `older_id` NULL is its beginning. It is closed from its newer end. `paused` by the person. `total` is what the archive said, or -1.
 * `rechecks`: from where on the archive is asked once more, and when: a session that was lost takes messages at the server for a while, and
 * they come into the archive behind our question.
 * `held`: letters that can be read, if at all, only when what was sent before them has come; in the order of the archive by `time_us`.
 * `streams`: what resumes the session with the server (XEP-0198) in another process; `presences`: what was said on it of who is there,
 * which is not said again.
 * `outbox.sequence`: which stanza of that session it was; `tried_us`: when it first went out (the server's clock), 0 for never.
 * `conversations`: `history_id`: down to where the archive was asked for what was said before this device was here; (`place_time_us`,
 * `place_id`): the message at the top of the window, `place_offset` pixels below it, 0 for the end; (`told_time_us`, `told_id`): up to where
 * others were told that it is read.
 * `people.cleared_us`: what is not newer was deleted by the person.
 * `messages_waiting`: what waits goes out as it was written, whatever the clock said. */
static const char version_4[] =
    "DROP INDEX messages_waiting;"
    "CREATE INDEX messages_waiting ON messages (account_id, id) WHERE state = 1;"
    "ALTER TABLE accounts ADD COLUMN archive_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE accounts ADD COLUMN send_receipts INTEGER NOT NULL DEFAULT 1 CHECK (send_receipts IN (0, 1));"
    "ALTER TABLE accounts ADD COLUMN send_markers INTEGER NOT NULL DEFAULT 1 CHECK (send_markers IN (0, 1));"
    "ALTER TABLE people ADD COLUMN cleared_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE outbox ADD COLUMN sequence INTEGER;"
    "ALTER TABLE outbox ADD COLUMN tried_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE conversations ADD COLUMN history_id TEXT;"
    "ALTER TABLE conversations ADD COLUMN history_done INTEGER NOT NULL DEFAULT 0 CHECK (history_done IN (0, 1));"
    "ALTER TABLE conversations ADD COLUMN place_time_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE conversations ADD COLUMN place_id INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE conversations ADD COLUMN place_offset INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE conversations ADD COLUMN told_time_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE conversations ADD COLUMN told_id INTEGER NOT NULL DEFAULT 0;"
    /* What was read before is not told anew. */
    "UPDATE conversations SET told_time_us = read_time_us, told_id = read_id;"
    /* What was in the outbox may have gone out. */
    "UPDATE outbox SET tried_us = 1;"

    "CREATE TABLE gaps ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    "  older_id TEXT,"
    "  older_us INTEGER NOT NULL,"
    "  newer_id TEXT NOT NULL,"
    "  newer_us INTEGER NOT NULL,"
    "  stored INTEGER NOT NULL DEFAULT 0,"
    "  total INTEGER NOT NULL DEFAULT -1,"
    "  paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1))"
    ") STRICT;"
    "CREATE INDEX gaps_account ON gaps (account_id);"

    "CREATE TABLE rechecks ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    "  older_id TEXT NOT NULL,"
    "  older_us INTEGER NOT NULL,"
    "  due_us INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX rechecks_due ON rechecks (account_id, due_us);"

    "CREATE TABLE held ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    "  archive_id TEXT,"
    "  time_us INTEGER NOT NULL,"
    "  xml TEXT NOT NULL,"
    "  UNIQUE (account_id, archive_id)"
    ") STRICT;"
    "CREATE INDEX held_order ON held (account_id, time_us);"

    "CREATE TABLE streams ("
    "  account_id INTEGER PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,"
    "  session TEXT NOT NULL,"
    "  max_seconds INTEGER NOT NULL CHECK (max_seconds >= 0),"
    "  address TEXT NOT NULL,"
    "  handled INTEGER NOT NULL CHECK (handled BETWEEN 0 AND 4294967295),"
    "  acked INTEGER NOT NULL CHECK (acked BETWEEN 0 AND 4294967295),"
    "  saved_us INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE presences ("
    "  account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,"
    "  address TEXT NOT NULL,"
    "  resource TEXT NOT NULL,"
    "  show INTEGER NOT NULL,"
    "  priority INTEGER NOT NULL,"
    "  status TEXT,"
    "  PRIMARY KEY (account_id, address, resource)"
    ") STRICT, WITHOUT ROWID;";

const char *const tess_store_migrations[] = {
  version_1,
  version_2,
  version_3,
  version_4,
  NULL,
};
