/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "views/tess-model.h"

#include <adwaita.h>

G_BEGIN_DECLS

/**
 * TessSecurityDialog:
 *
 * How an account is connected: in one line whether that is safe, then encryption, login and certificates, and what could be better.
 * Follows the connection while it is open.
 */
#define TESS_TYPE_SECURITY_DIALOG (tess_security_dialog_get_type ())
G_DECLARE_FINAL_TYPE (TessSecurityDialog, tess_security_dialog, TESS, SECURITY_DIALOG, AdwWindow)

/* @account: (nullable): the first one; with several there is a choice. */
GtkWidget *tess_security_dialog_new (GtkWindow *parent, TessClient *client, TessAccount *account);

G_END_DECLS
