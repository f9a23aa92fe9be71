/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/* Asks for the password of an account that cannot connect without one, and connects it. */
#define TESS_TYPE_PASSWORD_DIALOG (tess_password_dialog_get_type ())
G_DECLARE_FINAL_TYPE (TessPasswordDialog, tess_password_dialog, TESS, PASSWORD_DIALOG, AdwWindow)

GtkWidget   *tess_password_dialog_new         (GtkWindow *parent, TessClient *client, TessAccount *account);
TessAccount *tess_password_dialog_get_account (TessPasswordDialog *self);

G_END_DECLS
