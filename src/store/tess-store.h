/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "records/tess-account-record.h"
#include "records/tess-contact-record.h"
#include "records/tess-conversation-record.h"
#include "records/tess-device-record.h"
#include "records/tess-message-record.h"

G_BEGIN_DECLS

/**
 * TessStore:
 *
 * The database: one SQLite file for all accounts. Engine thread, synchronous. Every function that can fail
 * takes a GError; after an error inside a transaction the caller rolls back.
 */
typedef struct _TessStore TessStore;

typedef enum
{
  TESS_STORE_ERROR_FAILED,
  TESS_STORE_ERROR_DAMAGED,   /* not a database, or quick_check fails */
  TESS_STORE_ERROR_NEWER,     /* made by a newer Tessera */
  TESS_STORE_ERROR_FULL,      /* the disk is full */
  TESS_STORE_ERROR_READ_ONLY, /* no permission to write */
  TESS_STORE_ERROR_IN_USE,    /* another Tessera has it open */
  TESS_STORE_ERROR_EXISTS,    /* an account of that address, or a message of that archive id, is there already */
} TessStoreError;

#define TESS_STORE_ERROR (tess_store_error_quark ())
GQuark tess_store_error_quark (void);

/**
 * tess_store_open:
 * @path: the file; made when it is missing, with its folder, mode 0600 and 0700
 * @error: a sentence for a person. The file is left exactly as it was.
 *
 * WAL, `synchronous=FULL` (a message that the server forgets after our acknowledgement must survive a power cut),
 * foreign keys, `secure_delete`, an exclusive lock for the life of the store. Migrates an older schema in one
 * transaction, with a copy of the file beside it first. After an unclean end `PRAGMA quick_check` runs first.
 *
 * Returns: (nullable): the store
 */
TessStore *tess_store_open  (const char *path, GError **error);
void       tess_store_close (TessStore *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessStore, tess_store_close)

/**
 * tess_store_set_aside:
 * @path: a file that cannot be opened
 *
 * Renames it (with its -wal and -shm) to `PATH.kept-YYYYMMDD-HHMMSS`, never over another file. Only when the person said so.
 *
 * Returns: (transfer full) (nullable): the new name
 */
char *tess_store_set_aside (const char *path, GError **error);

/* Transactions nest; only the outermost commits (BEGIN IMMEDIATE), the others are savepoints: a rollback inside takes back
 * its own level and nothing before it (SQLite hears of a level when something is written in it). When the database ends the whole transaction by itself (a full disk), all that
 * follows fails, and so does the outermost commit. A commit ends its level whether it succeeds or not, that of an inner
 * level always succeeds; a rollback after the outermost commit has failed does nothing. */
gboolean tess_store_begin    (TessStore *self, GError **error);
gboolean tess_store_commit   (TessStore *self, GError **error);
void     tess_store_rollback (TessStore *self);
/* Changes whenever something may have been taken back: a copy of rows that was made before is not to be believed any more. */
guint64  tess_store_get_rollbacks (TessStore *self);

/* ---- Accounts ---- */

/* Sets @account->id. */
gboolean   tess_store_add_account    (TessStore *self, TessAccountRecord *account, GError **error);
gboolean   tess_store_update_account (TessStore *self, const TessAccountRecord *account, GError **error);
/* With all that belongs to it: contacts, conversations, messages, keys. */
gboolean   tess_store_remove_account (TessStore *self, gint64 account_id, GError **error);
/* (element-type TessAccountRecord) (transfer full), by id. */
GPtrArray *tess_store_list_accounts  (TessStore *self, GError **error);

/* ---- Contacts: the roster and who asks; presence is not kept ---- */

gboolean   tess_store_save_contact   (TessStore *self, const TessContactRecord *contact, GError **error);
gboolean   tess_store_remove_contact (TessStore *self, gint64 account_id, const char *address, GError **error);
GPtrArray *tess_store_list_contacts  (TessStore *self, gint64 account_id, GError **error);

/* ---- Conversations ----
 *
 * Of a conversation or a message that is gone: draft, reading, state and removal do nothing (it may go while a request
 * or an answer is on its way); the others fail, because something would be believed that is not so. */

/* Finds or makes the conversation with @peer. @created: (out) (optional). Returns: (transfer full) (nullable). */
TessConversationRecord *tess_store_open_conversation (TessStore *self, gint64 account_id, const char *peer,
                                                      gboolean *created, GError **error);
/* (nullable): NULL without an error when there is none. */
TessConversationRecord *tess_store_find_conversation (TessStore *self, gint64 account_id, const char *peer, GError **error);
/* The same by its row. */
TessConversationRecord *tess_store_get_conversation (TessStore *self, gint64 conversation_id, GError **error);
/* Whether the account has ever written to @peer: then it is no stranger. FALSE on an error too. */
gboolean   tess_store_has_written           (TessStore *self, gint64 account_id, const char *peer, GError **error);
/* With `last` and `unread`, newest first. */
GPtrArray *tess_store_list_conversations    (TessStore *self, gint64 account_id, GError **error);
gboolean   tess_store_set_encryption        (TessStore *self, gint64 conversation_id, TessConversationEncryption encryption, GError **error);
gboolean   tess_store_set_draft             (TessStore *self, gint64 conversation_id, const char *draft /* nullable */, GError **error);
/* Everything up to and including (@time_us, @message_id) is read; never moves backwards. @unread: (out) (optional): what is left. */
gboolean   tess_store_mark_read             (TessStore *self, gint64 conversation_id, gint64 time_us, gint64 message_id,
                                             guint *unread, GError **error);
/* With its messages. */
gboolean   tess_store_remove_conversation   (TessStore *self, gint64 conversation_id, GError **error);

/* ---- Messages ---- */

/* Sets @message->id. @message->conversation_id must be set. In a transaction: an incoming one counts in its conversation too. */
gboolean   tess_store_add_message           (TessStore *self, TessMessageRecord *message, GError **error);
/* The row alone, where many are added in one transaction; tess_store_count_unread () follows in it. @alone: nothing else is written
 * within the level of the transaction, which is spared a savepoint then; whatever is written in it all the same dooms the transaction. */
gboolean   tess_store_insert_message        (TessStore *self, TessMessageRecord *message, gboolean alone, GError **error);
/* Counts the incoming ones from @first_id on in their conversation. Few: each row from there on is read. */
gboolean   tess_store_count_unread          (TessStore *self, gint64 conversation_id, gint64 first_id, GError **error);
/* All (nullable): NULL without an error when there is none. */
TessMessageRecord *tess_store_get_message     (TessStore *self, gint64 message_id, GError **error);
/* Whether a message of that archive id is stored. FALSE on an error too. */
gboolean           tess_store_has_archived    (TessStore *self, gint64 account_id, const char *archive_id, GError **error);
TessMessageRecord *tess_store_find_archived   (TessStore *self, gint64 account_id, const char *archive_id, GError **error);
/* An own (direction OUT) message to @peer by its stanza id: for receipts, errors, and our own copies from the archive. */
TessMessageRecord *tess_store_find_own        (TessStore *self, gint64 account_id, const char *peer, const char *stanza_id, GError **error);
/* (element-type TessMessageRecord): all with @peer, in both directions, that came or went under that stanza id; the last stored first. */
GPtrArray         *tess_store_list_by_stanza_id (TessStore *self, gint64 account_id, const char *peer, const char *stanza_id, guint limit,
                                                 GError **error);

/* When the newest message of the account was written that does not wait to be sent; 0 without any. */
gboolean   tess_store_get_newest_time       (TessStore *self, gint64 account_id, gint64 *time_us, GError **error);

gboolean   tess_store_set_archive_id        (TessStore *self, gint64 message_id, const char *archive_id, GError **error);
/* States only move forward (WAITING < SENT < DELIVERED < READ); FAILED only from WAITING or SENT; WAITING again only from FAILED.
 * @changed: (out) (optional). */
gboolean   tess_store_set_state             (TessStore *self, gint64 message_id, TessMessageState state, const char *message_error /* nullable */,
                                             gboolean *changed, GError **error);
/* What an own message was sent with, once it is decided. @trust: the worst among the devices that can read it; it stays. */
gboolean   tess_store_set_sent_encryption   (TessStore *self, gint64 message_id, TessEncryption encryption, guint32 device,
                                             TessTrust trust, GError **error);

/**
 * tess_store_list_messages:
 * @before_time_us: with @before_id: only older ones; G_MAXINT64 for the newest page
 * @limit: 1 to 1000
 *
 * Returns: (transfer full) (element-type TessMessageRecord): the newest @limit of them, oldest first; an incoming one with
 *   the trust of its device as it is now
 */
GPtrArray *tess_store_list_messages         (TessStore *self, gint64 conversation_id, gint64 before_time_us, gint64 before_id,
                                             guint limit, GError **error);
/* The same in the other direction: the oldest @limit that are newer, oldest first. */
GPtrArray *tess_store_list_messages_after   (TessStore *self, gint64 conversation_id, gint64 after_time_us, gint64 after_id,
                                             guint limit, GError **error);
/* Own messages of the account in state WAITING that are not in the outbox yet: to be encrypted, oldest first. */
GPtrArray *tess_store_list_unfinished       (TessStore *self, gint64 account_id, GError **error);

/* ---- Outbox: finished stanzas that the server has not acknowledged ---- */

typedef struct
{
  gint64  message_id;
  char   *xml;
} TessOutboxItem;

void       tess_outbox_item_free     (TessOutboxItem *self);
gboolean   tess_store_add_outbox     (TessStore *self, gint64 message_id, const char *xml, GError **error);
gboolean   tess_store_remove_outbox  (TessStore *self, gint64 message_id, GError **error);
/* (element-type TessOutboxItem), in the order of adding. */
GPtrArray *tess_store_list_outbox    (TessStore *self, gint64 account_id, GError **error);

G_END_DECLS
