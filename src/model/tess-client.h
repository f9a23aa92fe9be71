/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/tess-account.h"
#include "model/tess-conversation.h"
#include "model/tess-conversation-list.h"

G_BEGIN_DECLS

/**
 * TessClient:
 *
 * The root of the model: owns the engine, the accounts and the conversations; the engine's events enter here.
 * Main thread, like all of the model.
 *
 * Properties: `state` (TessClientState), `error` (nullable GError, boxed: why the database could not be opened),
 * `unread` (guint, over all conversations), `accounts` (GListModel of TessAccount), `conversations` (TessConversationList).
 * Signals: `message-received` (TessConversation, TessMessage): one that came in just now and deserves a notification, the newest when several
 * came at once;
 * `conversation-read` (TessConversation): nothing in it is unread any more, here or on another device;
 * `problem` (string): one sentence; `database-failed`; `event` (pointer to a TessEvent): each one after the model has taken it, for the
 * scripted peer (it has no keyring: CREDENTIALS reach it so, and it gives them to tess_account_connect()) and tests.
 */
#define TESS_TYPE_CLIENT (tess_client_get_type ())
G_DECLARE_FINAL_TYPE (TessClient, tess_client, TESS, CLIENT, GObject)

typedef enum
{
  TESS_CLIENT_STARTING,
  TESS_CLIENT_READY,
  TESS_CLIENT_FAILED, /* the database cannot be opened; see `error` */
  TESS_CLIENT_STOPPED,
} TessClientState;

/* @data_dir: where tessera.db lives; made when missing. @ca_file: nullable. @secrets: nullable GObject (TessSecrets of desktop/): where
 * passwords are kept; without it each start asks. */
TessClient *tess_client_new   (const char *data_dir, const char *ca_file, gpointer secrets);
/* Opens the database and connects every enabled account whose password is known. */
void        tess_client_start (TessClient *self);
/* Blocks for at most a few seconds; see tess_engine_stop(). */
void        tess_client_stop  (TessClient *self);

TessClientState       tess_client_get_state         (TessClient *self);
const GError         *tess_client_get_error         (TessClient *self);
GListModel           *tess_client_get_accounts      (TessClient *self);
TessConversationList *tess_client_get_conversations (TessClient *self);
TessAccount          *tess_client_find_account      (TessClient *self, const char *address); /* (transfer none) (nullable) */
TessConversation     *tess_client_find_conversation (TessClient *self, gint64 conversation_id); /* (transfer none) (nullable) */

/* After FAILED: keeps the old file aside and starts afresh. Returns where it is kept. */
void   tess_client_set_aside_async  (TessClient *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
char  *tess_client_set_aside_finish (TessClient *self, GAsyncResult *result, GError **error);

/* Signs in, stores the account, then keeps @credentials in the Secret Service. @password_kept: (out) (optional): FALSE when there is no
 * such service, so that it will be asked again. @setup: a new record, its address as the person entered it. The error has a certificate
 * when that was refused: tess_engine_error_get_certificate(). Returns: (transfer full). */
void         tess_client_add_account_async  (TessClient *self, const TessAccountRecord *setup, const TessCredentials *credentials,
                                             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TessAccount *tess_client_add_account_finish (TessClient *self, GAsyncResult *result, gboolean *password_kept, GError **error);
/* Reads our own certificate for the login out of a file's bytes; see tess_engine_read_certificate_async(). @passphrase nullable. */
void             tess_client_read_certificate_async  (TessClient *self, GBytes *data, const char *passphrase, GCancellable *cancellable,
                                                      GAsyncReadyCallback callback, gpointer user_data);
TessCredentials *tess_client_read_certificate_finish (TessClient *self, GAsyncResult *result, TessCertificate **certificate, GError **error);
/* Whether a Secret Service is there: completes with a boolean. */
void         tess_client_check_secrets_async  (TessClient *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean     tess_client_check_secrets_finish (TessClient *self, GAsyncResult *result);
void         tess_client_remove_account_async  (TessClient *self, TessAccount *account, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean     tess_client_remove_account_finish (TessClient *self, GAsyncResult *result, GError **error);

/* Finds or makes the chat. Sends nothing to @address. Returns: (transfer full). */
void              tess_client_open_chat_async  (TessClient *self, TessAccount *account, const char *address,
                                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TessConversation *tess_client_open_chat_finish (TessClient *self, GAsyncResult *result, GError **error);

/* Messages that are older than so many days are deleted here, now and once a day; 0: they stay. To be said when `state` is READY. */
void tess_client_set_history_days (TessClient *self, guint days);

/* The network came, went or changed; the machine woke up. */
void tess_client_network_changed (TessClient *self, gboolean available);
/* Whether a person has a window in front: what can wait is held back by the servers otherwise. TRUE at first. */
void     tess_client_set_in_use (TessClient *self, gboolean in_use);
gboolean tess_client_get_in_use (TessClient *self);

/* NULL for a good address, else one sentence. (transfer full) */
char *tess_client_check_address (const char *text);

G_END_DECLS
