/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/* Preferences: the program's, and the accounts with their devices. */
#define TESS_TYPE_PREFERENCES (tess_preferences_get_type ())
G_DECLARE_FINAL_TYPE (TessPreferences, tess_preferences, TESS, PREFERENCES, AdwPreferencesWindow)

GtkWidget *tess_preferences_new           (GtkWindow *parent, TessClient *client);
void       tess_preferences_show_accounts (TessPreferences *self);

G_END_DECLS
