/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessDevicesDialog:
 *
 * "Your Devices": what reads along in an account, verifying them, a fingerprint card to give to people, and beginning with new keys.
 */
#define TESS_TYPE_DEVICES_DIALOG (tess_devices_dialog_get_type ())
G_DECLARE_FINAL_TYPE (TessDevicesDialog, tess_devices_dialog, TESS, DEVICES_DIALOG, AdwWindow)

GtkWidget *tess_devices_dialog_new (GtkWindow *parent, TessAccount *account);

G_END_DECLS
