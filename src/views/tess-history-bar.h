/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "views/tess-model.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * TessHistoryBar:
 *
 * A line above the conversations while an account fetches what it missed from its server's archive: how far it is, and a way to stop and
 * to go on. What is done within a moment is not told.
 */
#define TESS_TYPE_HISTORY_BAR (tess_history_bar_get_type ())
G_DECLARE_FINAL_TYPE (TessHistoryBar, tess_history_bar, TESS, HISTORY_BAR, GtkWidget)

/* @name_it: there are several accounts, so the sentence says which */
GtkWidget *tess_history_bar_new (TessAccount *account, gboolean name_it);

G_END_DECLS
