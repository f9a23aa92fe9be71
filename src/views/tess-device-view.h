/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessDeviceView:
 *
 * The devices of one person: those in use, then, folded away, the others. It follows its list while it lives.
 */
#define TESS_TYPE_DEVICE_VIEW (tess_device_view_get_type ())
G_DECLARE_FINAL_TYPE (TessDeviceView, tess_device_view, TESS, DEVICE_VIEW, GtkWidget)

/* @title: above the list; @list: (nullable). @empty: one sentence for when there is no device. */
void tess_device_view_set (TessDeviceView *self, const char *title, const char *empty, TessDeviceList *list);

/* Whether its rows ask for a comparison. */
void tess_device_view_set_comparing (TessDeviceView *self, gboolean comparing);

G_END_DECLS
