/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "views/tess-connection-form.h"
#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessAccountDialog:
 *
 * Signs in to an account that exists, and adds it.
 */
#define TESS_TYPE_ACCOUNT_DIALOG (tess_account_dialog_get_type ())
G_DECLARE_FINAL_TYPE (TessAccountDialog, tess_account_dialog, TESS, ACCOUNT_DIALOG, AdwWindow)

GtkWidget *tess_account_dialog_new  (GtkWindow *parent, TessClient *client);
/* Fills the fields in; @server and @password nullable, @port 0 for the default. */
void       tess_account_dialog_fill (TessAccountDialog *self, const char *address, const char *password, const char *server, guint port,
                                     TessAccountTls tls);
/* As if "Sign In" was pressed. */
void       tess_account_dialog_sign_in (TessAccountDialog *self);
/* What is behind "Advanced". (transfer none) */
TessConnectionForm *tess_account_dialog_get_form (TessAccountDialog *self);

G_END_DECLS
