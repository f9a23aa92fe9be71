/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-engine.h" /* also for TessEngineError and TessContactAction */
#include "model/tess-contact.h"
#include "model/tess-device-list.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessAccount:
 *
 * Properties (all read-only, notifying): `id` (int64), `address`, `name` (never empty: the address when none is set),
 * `enabled`, `connection` (TessConnectionState), `error` (string, nullable: why it is not online), `error-code` (int, a
 * TessEngineError or -1), `retry-time` (int64, µs), `tls`, `sasl`, `security` and `record` (pointers, see the functions), `contacts`
 * (GListModel of TessContact, requests included), `missing` (a TessMissing).
 */
#define TESS_TYPE_ACCOUNT (tess_account_get_type ())
G_DECLARE_FINAL_TYPE (TessAccount, tess_account, TESS, ACCOUNT, GObject)

gint64               tess_account_get_id         (TessAccount *self);
const char          *tess_account_get_address    (TessAccount *self);
const char          *tess_account_get_name       (TessAccount *self);
gboolean             tess_account_get_enabled    (TessAccount *self);
TessConnectionState  tess_account_get_connection (TessAccount *self);
const char          *tess_account_get_error      (TessAccount *self);
int                  tess_account_get_error_code (TessAccount *self);
gint64               tess_account_get_retry_time (TessAccount *self);
const char          *tess_account_get_tls        (TessAccount *self);
const char          *tess_account_get_sasl       (TessAccount *self);
gboolean             tess_account_get_resumed    (TessAccount *self);
GListModel          *tess_account_get_contacts   (TessAccount *self);
TessContact         *tess_account_find_contact   (TessAccount *self, const char *address); /* (transfer none) (nullable) */

/**
 * TessMissing:
 * @gaps: so many stretches of the archive; 0: nothing is missing
 * @held: the person stopped their being fetched
 * @done: so many messages have come out of them
 * @total: of so many; -1 when the archive does not say
 *
 * What the server's archive has of the time when this device was away, and the database has not yet.
 */
typedef struct
{
  guint    gaps;
  gboolean held;
  gint64   done;
  gint64   total;
} TessMissing;

/* Owned by the account. */
const TessMissing *tess_account_get_missing  (TessAccount *self);
/* Stops the fetching, over restarts too, or lets it go on. What somebody looks at is fetched all the same. */
void               tess_account_hold_missing (TessAccount *self, gboolean held);

/* How it is connected: NULL while it is not online. Owned by the account until the next change. */
const TessSecurityRecord *tess_account_get_security    (TessAccount *self);
/* The server's certificate that was refused; NULL when that is not the trouble. Owned by the account until the next change. */
const TessCertificate    *tess_account_get_certificate (TessAccount *self);
/* Everything that is set of the account. Owned by the account until the next change. */
const TessAccountRecord  *tess_account_get_record      (TessAccount *self);

/* It refuses to connect because something may be wrong with the server, or somebody is between: CERTIFICATE_CHANGED, SERVER_UNPROVEN or
 * WEAKENED. A person has to decide. */
gboolean                  tess_account_get_alarm       (TessAccount *self);

/* Tries again now, with what is given (nullable); @keep stores it in the Secret Service once it has worked, and what the login then gives
 * as well. */
void tess_account_connect     (TessAccount *self, const TessCredentials *credentials, gboolean keep);
void tess_account_disconnect  (TessAccount *self);
/* Stays offline over restarts, or not. */
void tess_account_set_enabled (TessAccount *self, gboolean enabled);
/* Another server than the one that DNS names (@host nullable, @port 0 for the default). A new connection is made when it matters. */
void tess_account_set_server  (TessAccount *self, const char *host, guint16 port, TessAccountTls tls);

/* @record: as tess_account_get_record() with changes; see tess_engine_update_account_async() for which of them count. @credentials:
 * (nullable): of those only what changes: our own certificate, the proxy's password; "" takes one away. They are kept where the password
 * is, and a new connection is made with them. */
void     tess_account_change_async  (TessAccount *self, const TessAccountRecord *record, const TessCredentials *credentials,
                                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean tess_account_change_finish (TessAccount *self, GAsyncResult *result, GError **error);
/* Accepts exactly the certificate of the server that was just refused, for this account, and connects. @fingerprint is that of the one that
 * the person has seen: CERTIFICATE_CHANGED when it is another one by now. End with tess_account_change_finish(). */
void     tess_account_trust_certificate_async (TessAccount *self, const char *fingerprint,
                                               GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* A login that is not bound to the connection is fine from now on, and connects. End with tess_account_change_finish(). */
void     tess_account_accept_weaker_async     (TessAccount *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);

/* See TessContactAction; @name nullable. */
void     tess_account_change_contact_async  (TessAccount *self, const char *address, int action, const char *name,
                                             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean tess_account_change_contact_finish (TessAccount *self, GAsyncResult *result, GError **error);

/* The devices of @address, or one's own when it is NULL; a live list that loads itself. (transfer full) */
TessDeviceList *tess_account_get_devices (TessAccount *self, const char *address);
/* The verification URI. (transfer full) */
void     tess_account_load_uri_async  (TessAccount *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* A new identity key under a new device id: see tess_engine_reset_keys_async(). */
void     tess_account_reset_keys_async  (TessAccount *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean tess_account_reset_keys_finish (TessAccount *self, GAsyncResult *result, GError **error);
char    *tess_account_load_uri_finish (TessAccount *self, GAsyncResult *result, GError **error);

/* What the server keeps of messages: see TessArchiving. */
void     tess_account_load_archiving_async  (TessAccount *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* @archiving: (out) */
gboolean tess_account_load_archiving_finish (TessAccount *self, GAsyncResult *result, TessArchiving *archiving, GError **error);
void     tess_account_set_archiving_async   (TessAccount *self, TessArchiving archiving, GCancellable *cancellable,
                                             GAsyncReadyCallback callback, gpointer user_data);
gboolean tess_account_set_archiving_finish  (TessAccount *self, GAsyncResult *result, GError **error);

G_END_DECLS
