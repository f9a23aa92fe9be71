/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-event.h"
#include "records/tess-verification-record.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessEngine:
 *
 * Owns the engine thread and speaks to it. Everything here belongs to the main thread. The engine keeps all
 * state of the network, the cryptography and the database; the main thread hears of it by events and replies.
 */
#define TESS_TYPE_ENGINE (tess_engine_get_type ())
G_DECLARE_FINAL_TYPE (TessEngine, tess_engine, TESS, ENGINE, GObject)

/* Every message of these errors is one translatable sentence or two for a person: what happened, and what to do. */
typedef enum
{
  TESS_ENGINE_ERROR_FAILED,
  TESS_ENGINE_ERROR_INVALID_ADDRESS,
  TESS_ENGINE_ERROR_EXISTS,             /* an account of that address is there already */
  TESS_ENGINE_ERROR_NOT_FOUND,
  TESS_ENGINE_ERROR_OFFLINE,            /* this needs a connection */
  TESS_ENGINE_ERROR_NO_SUCH_SERVER,
  TESS_ENGINE_ERROR_UNREACHABLE,
  TESS_ENGINE_ERROR_NO_NETWORK,         /* it goes on by itself when the network comes */
  TESS_ENGINE_ERROR_NO_TLS,
  TESS_ENGINE_ERROR_BAD_CERTIFICATE,    /* tess_engine_error_get_certificate () tells which: it may be pinned */
  TESS_ENGINE_ERROR_CERTIFICATE_CHANGED, /* an alarm: not the pinned one, or not the remembered key; it does not try again by itself */
  TESS_ENGINE_ERROR_CLIENT_CERTIFICATE, /* our own certificate was refused or cannot be read */
  TESS_ENGINE_ERROR_PASSPHRASE_NEEDED,  /* the file with our certificate is encrypted: the passphrase is missing or wrong */
  TESS_ENGINE_ERROR_PROXY,
  TESS_ENGINE_ERROR_SERVER_UNPROVEN,    /* the server did not prove that it knows the password; it does not try again by itself */
  TESS_ENGINE_ERROR_WEAKENED,           /* the login is weaker than it was; it does not try again by itself */
  TESS_ENGINE_ERROR_NO_MECHANISM,
  TESS_ENGINE_ERROR_NOT_AUTHORIZED,     /* wrong password: it does not try again until it gets another */
  TESS_ENGINE_ERROR_PASSWORD_NEEDED,
  TESS_ENGINE_ERROR_CONFLICT,           /* signed in from elsewhere under this resource */
  TESS_ENGINE_ERROR_CONNECTION,         /* any other trouble with the connection */
  TESS_ENGINE_ERROR_NO_DEVICES,         /* encryption is on and nobody could read it */
  TESS_ENGINE_ERROR_NEEDS_DECISION,     /* devices must be looked at first */
  TESS_ENGINE_ERROR_BAD_CODE,           /* a verification code that cannot be used */
  TESS_ENGINE_ERROR_DATABASE_DAMAGED,   /* the file is kept; tess_engine_set_aside_async() starts afresh */
  TESS_ENGINE_ERROR_DATABASE_NEWER,     /* as above, but better: update Tessera */
  TESS_ENGINE_ERROR_DATABASE_IN_USE,
  TESS_ENGINE_ERROR_DATABASE_FULL,
  TESS_ENGINE_ERROR_DATABASE,
} TessEngineError;

#define TESS_ENGINE_ERROR (tess_engine_error_quark ())
GQuark tess_engine_error_quark (void);

/* The certificate of the server that was refused; NULL when @error is not about one. Owned by @error. */
const TessCertificate *tess_engine_error_get_certificate (const GError *error);

/**
 * TessEngineEventsFunc:
 * @events: (element-type TessEvent): a batch, in order; borrowed for the call
 *
 * Main thread.
 */
typedef void (*TessEngineEventsFunc) (GPtrArray *events, gpointer user_data);

/**
 * tess_engine_new:
 * @database: the path of the database
 * @ca_file: (nullable): PEM certificates to trust instead of the system's, for tests and closed networks
 * @events: hears of everything
 *
 * Starts nothing yet. Returns: (transfer full)
 */
TessEngine *tess_engine_new   (const char *database, const char *ca_file, TessEngineEventsFunc events, gpointer user_data);

/* Starts the thread and opens the database: OPENED or OPEN_FAILED follows. Accounts wait for connect(). */
void        tess_engine_start (TessEngine *self);

/* Signs out within 2 s, closes the database, joins the thread. Blocks; events that are left, STOPPED last, are delivered
 * before it returns; requests in flight end with G_IO_ERROR_CANCELLED. Safe to call twice. */
void        tess_engine_stop  (TessEngine *self);

/* Requests. Each: source object = the engine, callback on the main thread, GCancellable completes it at once.
 * `_finish` gives TESS_ENGINE_ERROR or G_IO_ERROR_CANCELLED. */

/* After OPEN_FAILED: keeps the file aside under another name and starts afresh. Returns the new name. */
void               tess_engine_set_aside_async       (TessEngine *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
char              *tess_engine_set_aside_finish      (TessEngine *self, GAsyncResult *result, GError **error);

/* Signs in once with @account's data (id 0); only when that works is the account stored and its session goes on.
 * @credentials is copied, and the copy wiped. Returns: (transfer full): the account with its id. */
void               tess_engine_add_account_async     (TessEngine *self, const TessAccountRecord *account, const TessCredentials *credentials,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TessAccountRecord *tess_engine_add_account_finish    (TessEngine *self, GAsyncResult *result, GError **error);
/* Changes name, host, port, TLS, enabled, blind trust, receipts, markers, proxy, pin, certificate, keep_key, remember_key (with it, or by
 * another pin, the remembered key is forgotten), and binding_seen to FALSE; scram_seen is never taken back. A new connection is made when
 * it matters. */
void               tess_engine_update_account_async  (TessEngine *self, const TessAccountRecord *account,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean           tess_engine_update_account_finish (TessEngine *self, GAsyncResult *result, GError **error);
/* Signs out, takes this device from the own list when online, deletes all that is stored of the account. */
void               tess_engine_remove_account_async  (TessEngine *self, gint64 account_id,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean           tess_engine_remove_account_finish (TessEngine *self, GAsyncResult *result, GError **error);

/* From now on the account is kept online: CONNECTION events follow. @credentials NULL, or without any: those that the engine holds since the
 * last time, else PASSWORD_NEEDED is reported. Nothing to wait for. */
void               tess_engine_connect               (TessEngine *self, gint64 account_id, const TessCredentials *credentials);
void               tess_engine_disconnect            (TessEngine *self, gint64 account_id);
/* The desktop says that the network came, went, changed, or that the machine woke up: probe or try again at once. */
void               tess_engine_network_changed       (TessEngine *self, gboolean available);
/* Whether a person has a window of ours in front: the servers of all accounts hold back what can wait while nobody has (XEP-0352). TRUE
 * at first. Nothing to wait for. */
void               tess_engine_set_in_use            (TessEngine *self, gboolean in_use);

/* Our own certificate for the login: reads @data (PKCS#12 or PEM, at most 1 MiB). Returns: (transfer full): credentials with only
 * `certificate` set; @certificate: (out) (transfer full) (optional): what stands in it, for the person to see. Errors:
 * CLIENT_CERTIFICATE, PASSPHRASE_NEEDED. */
void               tess_engine_read_certificate_async  (TessEngine *self, GBytes *data, const char *passphrase /* nullable */,
                                                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TessCredentials   *tess_engine_read_certificate_finish (TessEngine *self, GAsyncResult *result, TessCertificate **certificate, GError **error);

/* Finds or makes the conversation with @address. Sends nothing to @address itself; learns its device list when online. */
void                    tess_engine_open_conversation_async  (TessEngine *self, gint64 account_id, const char *address,
                                                              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TessConversationRecord *tess_engine_open_conversation_finish (TessEngine *self, GAsyncResult *result, GError **error);
void               tess_engine_close_conversation    (TessEngine *self, gint64 conversation_id); /* deletes it with its history */
void               tess_engine_set_encryption        (TessEngine *self, gint64 conversation_id, TessConversationEncryption encryption);
void               tess_engine_set_draft             (TessEngine *self, gint64 conversation_id, const char *draft);
/* Read up to and including this message. */
void               tess_engine_mark_read             (TessEngine *self, gint64 conversation_id, gint64 time_us, gint64 message_id);
void               tess_engine_set_typing            (TessEngine *self, gint64 conversation_id, gboolean typing);

/* Stores the message and completes as soon as that is committed (state WAITING): from then on it is never lost. The rest is
 * told by MESSAGES events. @text: not empty, at most 64 KiB of UTF-8. Returns: (transfer full). */
void               tess_engine_send_async            (TessEngine *self, gint64 conversation_id, const char *text,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TessMessageRecord *tess_engine_send_finish           (TessEngine *self, GAsyncResult *result, GError **error);
/* A FAILED message is tried again. */
void               tess_engine_retry                 (TessEngine *self, gint64 message_id);

/* Deletes what was said in the conversation until now, but for what waits to be sent; it does not come back out of the archive. The
 * conversation stays. A MESSAGES_GONE event follows. */
void               tess_engine_clear_history         (TessEngine *self, gint64 conversation_id);
/* Deletes what is older than so many days, of all accounts: now, piece by piece, and from now on once a day. 0: nothing is deleted.
 * Not kept: to be said at each start, once the database is open. */
void               tess_engine_set_history_days      (TessEngine *self, guint days);

/* What the account's server keeps of messages (XEP-0441); whoever stands in the server's own lists of exceptions stays there. Errors:
 * OFFLINE; FAILED when the server has no such choice. */
typedef enum
{
  TESS_ARCHIVING_EVERYTHING,
  TESS_ARCHIVING_CONTACTS, /* with contacts only */
  TESS_ARCHIVING_NOTHING,
} TessArchiving;
void               tess_engine_load_archiving_async  (TessEngine *self, gint64 account_id,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* @archiving: (out) */
gboolean           tess_engine_load_archiving_finish (TessEngine *self, GAsyncResult *result, TessArchiving *archiving, GError **error);
void               tess_engine_set_archiving_async   (TessEngine *self, gint64 account_id, TessArchiving archiving,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean           tess_engine_set_archiving_finish  (TessEngine *self, GAsyncResult *result, GError **error);

typedef enum
{
  TESS_PAGE_OLDER,  /* the newest messages older than (time, id); G_MAXINT64 twice for the newest of all */
  TESS_PAGE_NEWER,  /* the oldest that are newer */
  TESS_PAGE_AROUND, /* half of them older, the other half from there on */
} TessPageKind;

/* What there is nothing beyond. */
typedef enum
{
  TESS_PAGE_START = 1 << 0, /* …nor can it be had now */
  TESS_PAGE_END = 1 << 1,
} TessPageEnds;

/* A page of a timeline, @limit messages, oldest first. @archive: what is not stored is asked for from the server's archive first, as far as
 * that can be done now; the newest page, though, is given at once. @ends: (out) (optional).
 * (element-type TessMessageRecord) (transfer full) */
void               tess_engine_load_page_async       (TessEngine *self, gint64 conversation_id, TessPageKind kind, gint64 time_us, gint64 message_id,
                                                      guint limit, gboolean archive, GCancellable *cancellable, GAsyncReadyCallback callback,
                                                      gpointer user_data);
GPtrArray         *tess_engine_load_page_finish      (TessEngine *self, GAsyncResult *result, TessPageEnds *ends, GError **error);
/* Where the person reads: this message is at the top of the window, @offset pixels below its edge; 0 and 0 for the end. */
void               tess_engine_set_place             (TessEngine *self, gint64 conversation_id, gint64 time_us, gint64 message_id, int offset);
/* What the archive has and the database has not is fetched no more, or again. */
void               tess_engine_hold_catch_up         (TessEngine *self, gint64 account_id, gboolean held);

/* The roster. Errors: OFFLINE, INVALID_ADDRESS, FAILED with the server's words. */
typedef enum
{
  TESS_CONTACT_ADD,     /* into the roster, and ask to see their presence (also pre-approves theirs) */
  TESS_CONTACT_ACCEPT,  /* let them see ours, and ask for theirs */
  TESS_CONTACT_REFUSE,
  TESS_CONTACT_REMOVE,
  TESS_CONTACT_RENAME,
} TessContactAction;
void               tess_engine_change_contact_async  (TessEngine *self, gint64 account_id, const char *address, TessContactAction action,
                                                      const char *name /* nullable */,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean           tess_engine_change_contact_finish (TessEngine *self, GAsyncResult *result, GError **error);

/* All known devices of @address (the account's own address: the local one first); asks for news when online: a DEVICES event follows
 * where there is any. (element-type TessDeviceRecord) (transfer full) */
void               tess_engine_load_devices_async    (TessEngine *self, gint64 account_id, const char *address,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray         *tess_engine_load_devices_finish   (TessEngine *self, GAsyncResult *result, GError **error);
void               tess_engine_set_trust_async       (TessEngine *self, gint64 account_id, const char *address, guint32 device, TessTrust trust,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean           tess_engine_set_trust_finish      (TessEngine *self, GAsyncResult *result, GError **error);

/* Takes decisions back, all or none: @before (element-type TessDeviceRecord; copied) tells id, trust and key_alarm as they were. */
void               tess_engine_restore_trust_async   (TessEngine *self, gint64 account_id, const char *address, GPtrArray *before,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean           tess_engine_restore_trust_finish  (TessEngine *self, GAsyncResult *result, GError **error);

/* What is done with a verification code. */
typedef enum
{
  TESS_VERIFY_LOOK,    /* says what would happen, and changes nothing: for a code that nobody saw, like a link's */
  TESS_VERIFY_SCANNED, /* the person scanned it: what matches is verified, what differs is an alarm */
  TESS_VERIFY_ADOPT,   /* and keys that are not known yet are taken from it: the person was asked */
} TessVerify;

/* @address: whose code the person believes it to be. What is not known is asked for first, when online. Errors: BAD_CODE (it cannot be
 * read, or it shows a key that is somebody else's). Returns: (transfer full). */
void               tess_engine_verify_async          (TessEngine *self, gint64 account_id, const char *address, const char *code, TessVerify how,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TessVerificationRecord *tess_engine_verify_finish    (TessEngine *self, GAsyncResult *result, GError **error);

typedef enum
{
  TESS_DEVICE_RENAME,        /* @label: at most 64 characters; NULL or empty: none. Stays with us */
  TESS_DEVICE_REMOVE,        /* another one of one's own: from the published list, with its bundle */
  TESS_DEVICE_RESET_SESSION, /* begins a new session, with an empty message */
} TessDeviceAction;

void               tess_engine_change_device_async   (TessEngine *self, gint64 account_id, const char *address, guint32 device,
                                                      TessDeviceAction action, const char *label /* nullable */,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean           tess_engine_change_device_finish  (TessEngine *self, GAsyncResult *result, GError **error);
/* A new identity key under a new device id. Contacts see a new device; those who verified us are asked again. */
void               tess_engine_reset_keys_async      (TessEngine *self, gint64 account_id,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean           tess_engine_reset_keys_finish     (TessEngine *self, GAsyncResult *result, GError **error);
/* Blind trust before verification for the other side of a conversation. */
void               tess_engine_set_blind             (TessEngine *self, gint64 conversation_id, TessBlind blind);

/* The verification URI of the account: this device first, then the own devices that are verified. (transfer full) */
void               tess_engine_load_uri_async        (TessEngine *self, gint64 account_id,
                                                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
char              *tess_engine_load_uri_finish       (TessEngine *self, GAsyncResult *result, GError **error);

/* Whether @text is an address that one can write to; prepared into @prepared (transfer full) (optional). Pure, any thread. */
gboolean           tess_engine_check_address         (const char *text, char **prepared, GError **error);

G_END_DECLS
