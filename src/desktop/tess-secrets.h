/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "desktop/tess-desktop-error.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessSecrets:
 *
 * What it takes to log in, by the bare address and the kind. Main thread. A secret is never logged; each copy that is made
 * here is wiped. What stores and clears is done in the order in which it was asked. All of its operations may fail with
 *
 * - %TESS_DESKTOP_ERROR_NO_SECRET_SERVICE: nothing keeps passwords here, so ask for one at each start;
 * - %TESS_DESKTOP_ERROR_LOCKED: the keyring stayed locked;
 * - %TESS_DESKTOP_ERROR_TIMED_OUT: the service did not answer in time. The question for the keyring's password waits
 *   as long as the person does; cancel it by the GCancellable;
 * - %TESS_DESKTOP_ERROR_FAILED, and %G_IO_ERROR_CANCELLED.
 */
#define TESS_TYPE_SECRETS (tess_secrets_get_type ())
G_DECLARE_FINAL_TYPE (TessSecrets, tess_secrets, TESS, SECRETS, GObject)

typedef enum
{
  TESS_SECRET_PASSWORD,
  TESS_SECRET_LOGIN_KEY,      /* derived from the password, kept instead of it */
  TESS_SECRET_LOGIN_TOKEN,    /* XEP-0484 */
  TESS_SECRET_CERTIFICATE,    /* PEM, with its key */
  TESS_SECRET_PROXY_PASSWORD,
  TESS_N_SECRETS,
} TessSecretKind;

/* Each by its kind, NULL where there is none. */
typedef struct
{
  char *values[TESS_N_SECRETS];
} TessSecretSet;

/* Wipes, then frees; NULL is fine. */
void tess_secret_set_free (TessSecretSet *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessSecretSet, tess_secret_set_free)

/**
 * tess_secrets_new:
 *
 * Over the Secret Service of the session bus, with the schema `im.tessera.Tessera.Password` and the attributes "account"
 * and "kind": "password" (the first versions stored it without one), "login-key", "login-token", "certificate",
 * "proxy-password".
 */
TessSecrets *tess_secrets_new        (void);
/* Forgets all at its end: for tests, and where the person does not want to keep passwords. */
TessSecrets *tess_secrets_new_memory (void);

/* For the first answer of the service; 10000 unless it is set. */
void         tess_secrets_set_timeout (TessSecrets *self, guint timeout_ms);

/* Wipes, then frees; NULL is fine. */
void         tess_password_free (char *password);

void         tess_secrets_lookup_async  (TessSecrets *self, const char *address, GCancellable *cancellable,
                                         GAsyncReadyCallback callback, gpointer user_data);
/* Returns: (transfer full): all that is kept of @address, which may be nothing; NULL with an error. */
TessSecretSet *tess_secrets_lookup_finish (TessSecrets *self, GAsyncResult *result, GError **error);

/* Over the one that is there already. */
void         tess_secrets_store_async  (TessSecrets *self, const char *address, TessSecretKind kind, const char *value,
                                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean     tess_secrets_store_finish (TessSecrets *self, GAsyncResult *result, GError **error);

/* @kind: TESS_N_SECRETS for all of them. It is no error when there is none. */
void         tess_secrets_clear_async  (TessSecrets *self, const char *address, TessSecretKind kind, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data);
gboolean     tess_secrets_clear_finish (TessSecrets *self, GAsyncResult *result, GError **error);

/* FALSE without an error when there is no service, or it does not answer; with one only when it was cancelled. */
void         tess_secrets_is_available_async  (TessSecrets *self, GCancellable *cancellable,
                                               GAsyncReadyCallback callback, gpointer user_data);
gboolean     tess_secrets_is_available_finish (TessSecrets *self, GAsyncResult *result, GError **error);

G_END_DECLS
