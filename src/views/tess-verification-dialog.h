/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessVerificationDialog:
 *
 * "Verify Bob": shows our code and fingerprint, and the devices of the other side for comparing.
 */
#define TESS_TYPE_VERIFICATION_DIALOG (tess_verification_dialog_get_type ())
G_DECLARE_FINAL_TYPE (TessVerificationDialog, tess_verification_dialog, TESS, VERIFICATION_DIALOG, AdwWindow)

GtkWidget *tess_verification_dialog_new          (GtkWindow *parent, TessConversation *conversation);
/* Turns to the devices of the other side. */
void       tess_verification_dialog_show_devices (TessVerificationDialog *self);

G_END_DECLS
