/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/* Says why an account is not online, and what can be done about it; nothing while all is well. */
#define TESS_TYPE_CONNECTION_BAR (tess_connection_bar_get_type ())
G_DECLARE_FINAL_TYPE (TessConnectionBar, tess_connection_bar, TESS, CONNECTION_BAR, GtkWidget)

GtkWidget   *tess_connection_bar_new         (TessClient *client, TessAccount *account, gboolean name_it);
TessAccount *tess_connection_bar_get_account (TessConnectionBar *self);

G_END_DECLS
