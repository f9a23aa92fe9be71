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
/* After much was written: lets go of what is only kept to read it again sooner. */
void       tess_store_shrink (TessStore *self);

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
typedef gboolean (*TessStoreFunc) (gpointer data, GError **error);

/* All that @func writes, or nothing of it when it returns %FALSE with an error. */
gboolean   tess_store_transact (TessStore *self, TessStoreFunc func, gpointer data, GError **error);
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
/* Where the person reads: see TessConversationRecord. */
gboolean   tess_store_set_place             (TessStore *self, gint64 conversation_id, gint64 time_us, gint64 message_id, int offset,
                                             GError **error);
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
/* Which message that is, and where it stands: @message_id is 0 when there is none. */
gboolean           tess_store_find_known      (TessStore *self, gint64 account_id, const char *archive_id, gint64 *message_id, gint64 *time_us,
                                               GError **error);
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
/* Own messages of the account in state WAITING that are not in the outbox yet: to be encrypted, in the order in which they
 * were written. */
GPtrArray *tess_store_list_unfinished       (TessStore *self, gint64 account_id, GError **error);

/* ---- Reading: what others are told of it ---- */

/**
 * TessUntold:
 *
 * A conversation that was read up to (@read_us, @read_id), which others were told up to (@told_us, @told_id) only.
 */
typedef struct
{
  gint64 conversation_id;
  char  *peer;
  gint64 read_us;
  gint64 read_id;
  gint64 told_us;
  gint64 told_id;
} TessUntold;

void       tess_untold_free               (TessUntold *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessUntold, tess_untold_free)
/* (element-type TessUntold) (transfer full) */
GPtrArray *tess_store_list_untold         (TessStore *self, gint64 account_id, GError **error);
/* The newest incoming ones of that range: @asks: (out) (nullable): to be told of by its stanza id; @archived: (out) (nullable): with an
 * archive id. */
gboolean   tess_store_get_untold          (TessStore *self, const TessUntold *untold, TessMessageRecord **asks,
                                           TessMessageRecord **archived, GError **error);
/* Never moves backwards. */
gboolean   tess_store_set_told            (TessStore *self, gint64 conversation_id, gint64 time_us, gint64 message_id, GError **error);
/* As tess_store_mark_read (), on another device, which has told others of it. @changed: (out) (optional). */
gboolean   tess_store_mark_read_elsewhere (TessStore *self, gint64 conversation_id, gint64 time_us, gint64 message_id,
                                           gboolean *changed, GError **error);
/* Nothing of it is read, as far as anybody knows. */
gboolean   tess_store_forget_reading      (TessStore *self, gint64 conversation_id, GError **error);
/* Of all conversations, behind a deletion. */
gboolean   tess_store_recount_all_unread  (TessStore *self, GError **error);
/* The other side has seen the own message and with it what was sent before: the ids of those that are SENT or DELIVERED, as far back as
 * the last one that is READ, at most the newest @limit; the oldest first. (element-type gint64) (transfer full) */
GArray    *tess_store_list_displayed      (TessStore *self, gint64 message_id, guint limit, GError **error);

/* ---- The archive ---- */

/**
 * TessGap:
 * @older_id: (nullable): the newest known message below it, %NULL: it reaches to the beginning of the archive
 * @older_us: where that stands in its timeline; 0 when that is not known
 * @newer_id: the oldest known message above it
 * @newer_us: where that stands in its timeline
 * @stored: how many messages have come out of it
 * @total: how many there were when it was opened, as the archive said; -1 when it did not
 * @paused: by the person
 *
 * What the archive holds between two messages and the database does not (XEP-0313). Closed from its newer end.
 */
typedef struct
{
  gint64   id; /* 0 before it is stored */
  gint64   account_id;
  char    *older_id;
  gint64   older_us;
  char    *newer_id;
  gint64   newer_us;
  gint64   stored;
  gint64   total;
  gboolean paused;
} TessGap;

void       tess_gap_free             (TessGap *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessGap, tess_gap_free)
/* (element-type TessGap) (transfer full), the newest first. */
GPtrArray *tess_store_list_gaps      (TessStore *self, gint64 account_id, GError **error);
/* Adds it, or moves its newer end. */
gboolean   tess_store_save_gap       (TessStore *self, TessGap *gap, GError **error);
gboolean   tess_store_remove_gap     (TessStore *self, gint64 gap_id, GError **error);
gboolean   tess_store_pause_gaps     (TessStore *self, gint64 account_id, gboolean paused, GError **error);

/* The newest row of all; 0: there is none. */
gboolean   tess_store_get_last_id    (TessStore *self, gint64 *message_id, GError **error);
/* In a transaction: rows of the account that are newer than @after_id and stand at or above @from_us stand @by_us higher, or lower: the clock
 * that placed them was wrong. (element-type gint64) (transfer full) (nullable): the ids of all that are newer than @after_id. */
GArray    *tess_store_shift_messages (TessStore *self, gint64 account_id, gint64 after_id, gint64 from_us, gint64 by_us, GError **error);

/* In a transaction: what stands beyond @limit_us, where only a clock that was wrong can have put it, stands in front of @now_us, behind all
 * else and in its order; and no place of the account is named that lies there. (element-type gint64) (transfer full) (nullable): the ids of
 * what was moved, conversation by conversation, which tess_store_recount_unread () follows for. */
GArray    *tess_store_bring_back     (TessStore *self, gint64 account_id, gint64 now_us, gint64 limit_us, GError **error);
/* The archive's id of the last message that was stored before @message_id and has one. @archive_id: (out) (nullable) */
gboolean   tess_store_get_archived_before (TessStore *self, gint64 account_id, gint64 message_id, char **archive_id, GError **error);

/* From which id on the archive is to be asked once more ("": from the beginning), where that stands (0: not known), and when (the server's
 * clock). */
typedef struct
{
  gint64  id;
  char   *older_id;
  gint64  older_us;
  gint64  due_us;
} TessRecheck;

void       tess_recheck_free         (TessRecheck *self);
gboolean   tess_store_add_recheck    (TessStore *self, gint64 account_id, const char *older_id, gint64 older_us, gint64 due_us,
                                      GError **error);
/* (element-type TessRecheck) (transfer full), the first one due first. */
GPtrArray *tess_store_list_rechecks  (TessStore *self, gint64 account_id, GError **error);
gboolean   tess_store_remove_recheck (TessStore *self, gint64 recheck_id, GError **error);

/* A message that cannot be decrypted before older ones have come: see TessGap. */
typedef struct
{
  gint64  id;
  char   *archive_id; /* nullable */
  gint64  time_us; /* its place in the timeline */
  char   *xml;
} TessHeld;

void       tess_held_free            (TessHeld *self);
/* One that is there already under its archive id stays as it is. */
gboolean   tess_store_hold           (TessStore *self, gint64 account_id, const char *archive_id /* nullable */, gint64 time_us,
                                      const char *xml, GError **error);
/* (element-type TessHeld) (transfer full), the oldest first; those that were put by up to @until_id. */
GPtrArray *tess_store_list_held      (TessStore *self, gint64 account_id, gint64 until_id, guint limit, GError **error);
/* How many there are; @last_id: (out): the id of the one that was put by last, 0 without any. -1 on an error. */
gint64     tess_store_count_held     (TessStore *self, gint64 account_id, gint64 *last_id, GError **error);
gboolean   tess_store_release        (TessStore *self, gint64 held_id, GError **error);

/* The places of the messages of a conversation next to a range, leaving out what waits to be sent: the newest at or below @older_us (G_MININT64: none), the
 * oldest at or above @newer_us (G_MAXINT64: none). */
gboolean   tess_store_get_neighbours (TessStore *self, gint64 conversation_id, gint64 older_us, gint64 newer_us, gint64 *below_us,
                                      gint64 *above_us, GError **error);
/* Where the newest message of a conversation stands that came or went out, leaving @besides out; 0: there is none. */
gboolean   tess_store_get_last_sent  (TessStore *self, gint64 conversation_id, gint64 besides, gint64 *time_us, GError **error);
/* The first message that came in after this one was stored, wherever it stands; 0: there is none. */
gboolean   tess_store_get_first_behind (TessStore *self, gint64 conversation_id, gint64 message_id, gint64 *first_id, GError **error);
/* In a transaction, which tess_store_recount_unread () follows in. Where all is read up to this one, that place moves along; but one that
 * waits to be sent leaves it at what was there when it was written. */
gboolean   tess_store_move_message   (TessStore *self, gint64 message_id, gint64 time_us, GError **error);
gboolean   tess_store_recount_unread (TessStore *self, gint64 conversation_id, GError **error);
/* What was sent after @message_id, stands above @above_us and at or below @until_us, and was not met in the archive yet: ids, in their order.
 * (element-type gint64) (transfer full) */
GArray    *tess_store_list_passed    (TessStore *self, gint64 conversation_id, gint64 message_id, gint64 above_us, gint64 until_us,
                                      GError **error);

/* From where downwards the archive is asked for the history of a conversation: the id that was reached, else that of the oldest message,
 * else "". @id: (out) (nullable): NULL when the conversation is gone. */
gboolean   tess_store_get_history    (TessStore *self, gint64 conversation_id, char **id, GError **error);
/* @id: (nullable). @done: the archive has no more. */
gboolean   tess_store_set_history    (TessStore *self, gint64 conversation_id, const char *id, gboolean done, GError **error);

/* Deletes what was said with @peer up to @until_us (what waits to be sent stays), and remembers that it is not wanted back out of the
 * archive. In a transaction. */
gboolean   tess_store_clear_conversation (TessStore *self, gint64 account_id, const char *peer, gint64 until_us, GError **error);
/* Up to where it was: 0 for never. */
gboolean   tess_store_get_cleared    (TessStore *self, gint64 account_id, const char *peer, gint64 *cleared_us, GError **error);
/* Deletes at most @limit messages of all accounts that are older. Returns: how many; -1 on an error. */
int        tess_store_forget_older   (TessStore *self, gint64 before_us, guint limit, GError **error);

/* ---- Outbox: finished stanzas that the server has not acknowledged ---- */

typedef struct
{
  gint64  message_id;
  char   *xml;
  gint64  sequence; /* which stanza of the session with the server it was; -1: none of it yet */
  gint64  tried_us; /* when it went out first, by the server's clock; 0: never */
  char   *peer;
} TessOutboxItem;

void       tess_outbox_item_free     (TessOutboxItem *self);
gboolean   tess_store_add_outbox     (TessStore *self, gint64 message_id, const char *xml, GError **error);
gboolean   tess_store_remove_outbox  (TessStore *self, gint64 message_id, GError **error);
/* (element-type TessOutboxItem), in the order of adding. */
GPtrArray *tess_store_list_outbox    (TessStore *self, gint64 account_id, GError **error);
/* It goes out now. @sequence: -1 where nothing is counted. Only the first @tried_us is kept. */
gboolean   tess_store_set_tried      (TessStore *self, gint64 message_id, gint64 sequence, gint64 tried_us, GError **error);

/* ---- The session with the server (XEP-0198), so that another process can resume it ---- */

/**
 * TessStreamRecord:
 * @session: its id
 * @max_seconds: how long the server keeps it; 0 when it does not say
 * @address: the full address that it is bound to
 * @handled: at least so many stanzas of the server's were dealt with, modulo 2^32
 * @acked: so many of ours the server has taken for certain, modulo 2^32
 * @saved_us: when this was written
 */
typedef struct
{
  char   *session;
  guint   max_seconds;
  char   *address;
  guint32 handled;
  guint32 acked;
  gint64  saved_us;
} TessStreamRecord;

void              tess_stream_record_free (TessStreamRecord *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessStreamRecord, tess_stream_record_free)
/* (nullable): NULL without an error when there is none. */
TessStreamRecord *tess_store_get_stream   (TessStore *self, gint64 account_id, GError **error);
gboolean          tess_store_set_stream   (TessStore *self, gint64 account_id, const TessStreamRecord *stream, GError **error);
/* The counts alone; nothing when there is no session. */
gboolean          tess_store_count_stream (TessStore *self, gint64 account_id, guint32 handled, guint32 acked, gint64 saved_us,
                                           GError **error);
/* Outside of a transaction: what is committed while @hasty does not wait for the disk; it outlives the process, if not the machine. */
gboolean          tess_store_set_hasty    (TessStore *self, gboolean hasty, GError **error);

/* Who is there, as the server said on that session. @show: TessXepPresenceShow. */
typedef struct
{
  char *address; /* bare */
  char *resource;
  int   show;
  int   priority;
  char *status; /* nullable */
} TessPresenceRecord;

void              tess_presence_record_free   (TessPresenceRecord *self);
gboolean          tess_store_set_presence     (TessStore *self, gint64 account_id, const TessPresenceRecord *presence, GError **error);
/* All resources of @address. */
gboolean          tess_store_remove_presences (TessStore *self, gint64 account_id, const char *address, GError **error);
/* (element-type TessPresenceRecord) (transfer full) */
GPtrArray        *tess_store_list_presences   (TessStore *self, gint64 account_id, GError **error);
/* With the sequence numbers of the outbox, and the presences. */
gboolean          tess_store_end_stream   (TessStore *self, gint64 account_id, GError **error);

G_END_DECLS
