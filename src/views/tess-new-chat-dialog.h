/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessNewChatDialog:
 *
 * Whom to write to: an address, or one of the contacts. Also the question that a link from outside raises. Signal: `chosen`
 * (TessAccount, string, boolean: whether to add them to the contacts).
 */
#define TESS_TYPE_NEW_CHAT_DIALOG (tess_new_chat_dialog_get_type ())
G_DECLARE_FINAL_TYPE (TessNewChatDialog, tess_new_chat_dialog, TESS, NEW_CHAT_DIALOG, AdwWindow)

/* @address: (nullable): filled in */
GtkWidget *tess_new_chat_dialog_new (GtkWindow *parent, TessClient *client, const char *address);

G_END_DECLS
