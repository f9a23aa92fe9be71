/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessVerificationDialog:
 *
 * "Verify Bob": shows our code, scans Bob's, says what came of it, and compares by hand.
 */
#define TESS_TYPE_VERIFICATION_DIALOG (tess_verification_dialog_get_type ())
G_DECLARE_FINAL_TYPE (TessVerificationDialog, tess_verification_dialog, TESS, VERIFICATION_DIALOG, AdwWindow)

GtkWidget *tess_verification_dialog_new          (GtkWindow *parent, TessConversation *conversation);
/* For one's own other devices. */
GtkWidget *tess_verification_dialog_new_own      (GtkWindow *parent, TessAccount *account);
/* Turns to the devices of the other side. */
void       tess_verification_dialog_show_devices (TessVerificationDialog *self);
/* A code that nobody saw, like a link's (attacks rows D14 and E10): says what it would do, and asks. */
void       tess_verification_dialog_ask          (TessVerificationDialog *self, const char *code);

G_END_DECLS
