/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "views/tess-model.h"

#include <adwaita.h>

G_BEGIN_DECLS

/**
 * TessAccountSettings:
 *
 * How an account that is there connects. Nothing changes before it is saved.
 */
#define TESS_TYPE_ACCOUNT_SETTINGS (tess_account_settings_get_type ())
G_DECLARE_FINAL_TYPE (TessAccountSettings, tess_account_settings, TESS, ACCOUNT_SETTINGS, AdwWindow)

/* What the account's trouble is about is marked. */
GtkWidget *tess_account_settings_new (GtkWindow *parent, TessClient *client, TessAccount *account);

G_END_DECLS
