/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Private to model/: the Secret Service, or its absence. */

#include "desktop/tess-secrets.h"
#include "records/tess-credentials.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* @secrets: (nullable): a TessSecrets; without it nothing is kept and nothing is found. All end on the main thread, and none
 * fails: what does not work is as if nothing were kept. */

/**
 * TessPasswordFunc:
 * @credentials: what is kept, perhaps without anything in it; borrowed for the call
 */
typedef void (*TessPasswordFunc) (const TessCredentials *credentials, gpointer user_data);
typedef void (*TessPasswordDoneFunc) (gboolean done, gpointer user_data);

void tess_passwords_lookup (gpointer secrets, const char *address, TessPasswordFunc done, gpointer user_data);
void tess_passwords_store  (gpointer secrets, const char *address, TessSecretKind kind, const char *value,
                            TessPasswordDoneFunc done /* nullable */, gpointer user_data);
/* @kind: TESS_N_SECRETS for all */
void tess_passwords_clear  (gpointer secrets, const char *address, TessSecretKind kind,
                            TessPasswordDoneFunc done /* nullable */, gpointer user_data);
void tess_passwords_check  (gpointer secrets, TessPasswordDoneFunc done, gpointer user_data);

/* The field of @credentials that is kept as @kind. */
char **tess_passwords_field (TessCredentials *credentials, TessSecretKind kind);

G_END_DECLS
