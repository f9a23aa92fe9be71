/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/* Somebody asks to see one's presence: Accept, Refuse. Hides once it is answered. */
#define TESS_TYPE_REQUEST_ROW (tess_request_row_get_type ())
G_DECLARE_FINAL_TYPE (TessRequestRow, tess_request_row, TESS, REQUEST_ROW, GtkListBoxRow)

GtkWidget *tess_request_row_new (TessAccount *account, TessContact *contact);

G_END_DECLS
