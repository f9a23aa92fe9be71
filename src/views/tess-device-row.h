/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessDeviceRow:
 *
 * One device with its fingerprint, and a menu of what can be done with it: how far it is trusted, its name, its session, its end.
 */
#define TESS_TYPE_DEVICE_ROW (tess_device_row_get_type ())
G_DECLARE_FINAL_TYPE (TessDeviceRow, tess_device_row, TESS, DEVICE_ROW, GtkListBoxRow)

/* @list: whom a change of trust is told */
GtkWidget  *tess_device_row_new        (TessDeviceList *list, TessDevice *device);
/* Whether it asks for a comparison of its fingerprint: "They Match", "They Differ". */
void        tess_device_row_set_comparing (TessDeviceRow *self, gboolean comparing);
TessDevice *tess_device_row_get_device (TessDeviceRow *self);

G_END_DECLS
