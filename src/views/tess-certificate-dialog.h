/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "views/tess-model.h"

#include <adwaita.h>

G_BEGIN_DECLS

/**
 * TessCertificateDialog:
 *
 * A server's certificate that was refused: why, its fingerprint to compare, and the choice to accept exactly this one for exactly this
 * account. Not to connect is what happens by itself. One that replaces another takes a second confirmation.
 *
 * Signal: `trusted` (): the person accepts it; the dialog closes. For an account that is there the dialog has told the model by then.
 */
#define TESS_TYPE_CERTIFICATE_DIALOG (tess_certificate_dialog_get_type ())
G_DECLARE_FINAL_TYPE (TessCertificateDialog, tess_certificate_dialog, TESS, CERTIFICATE_DIALOG, AdwWindow)

/* For an account that is still to be added. */
GtkWidget  *tess_certificate_dialog_new             (GtkWindow *parent, const char *address, const TessCertificate *certificate);
/* For @account, whose tess_account_get_certificate() is there. */
GtkWidget  *tess_certificate_dialog_new_for_account (GtkWindow *parent, TessAccount *account);
const char *tess_certificate_dialog_get_fingerprint (TessCertificateDialog *self);

G_END_DECLS
