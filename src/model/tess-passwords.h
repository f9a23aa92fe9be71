/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Private to model/: the Secret Service, or its absence. */

#include "desktop/tess-secrets.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* @secrets: (nullable): a TessSecrets; without it nothing is kept and nothing is found. All end on the main thread, and none
 * fails: what does not work is as if nothing were kept. */

/**
 * TessPasswordFunc:
 * @password: (nullable): borrowed for the call
 */
typedef void (*TessPasswordFunc) (const char *password, gpointer user_data);
typedef void (*TessPasswordDoneFunc) (gboolean done, gpointer user_data);

void tess_passwords_lookup (gpointer secrets, const char *address, TessPasswordFunc done, gpointer user_data);
void tess_passwords_store  (gpointer secrets, const char *address, const char *password,
                            TessPasswordDoneFunc done /* nullable */, gpointer user_data);
void tess_passwords_clear  (gpointer secrets, const char *address, TessPasswordDoneFunc done /* nullable */, gpointer user_data);
void tess_passwords_check  (gpointer secrets, TessPasswordDoneFunc done, gpointer user_data);

G_END_DECLS
