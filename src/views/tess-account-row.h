/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/* An account in the preferences: its state, a switch to pause it, its devices, and the way out. */
#define TESS_TYPE_ACCOUNT_ROW (tess_account_row_get_type ())
G_DECLARE_FINAL_TYPE (TessAccountRow, tess_account_row, TESS, ACCOUNT_ROW, AdwExpanderRow)

GtkWidget *tess_account_row_new (TessClient *client, TessAccount *account);

G_END_DECLS
