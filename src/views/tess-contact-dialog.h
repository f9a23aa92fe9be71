/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessContactDialog:
 *
 * Who the other side of a conversation is: name, address, presence, devices; in or out of one's contacts.
 */
#define TESS_TYPE_CONTACT_DIALOG (tess_contact_dialog_get_type ())
G_DECLARE_FINAL_TYPE (TessContactDialog, tess_contact_dialog, TESS, CONTACT_DIALOG, AdwWindow)

GtkWidget *tess_contact_dialog_new (GtkWindow *parent, TessConversation *conversation);

G_END_DECLS
