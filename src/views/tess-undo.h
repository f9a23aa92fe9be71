/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/tess-device-list.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * tess_undo_offer:
 * @widget: somewhere in a window with an AdwToastOverlay; without one nothing is offered
 * @before: (element-type TessDeviceRecord) (transfer full): what tess_device_list_remember() gave before the decision
 * @sentence: what was decided
 *
 * Offers for ten seconds to take a decision about devices back.
 */
void tess_undo_offer (GtkWidget *widget, TessDeviceList *list, GPtrArray *before, const char *sentence);
/* The same for one device: @before is (transfer full). */
void tess_undo_offer_one (GtkWidget *widget, TessDeviceList *list, TessDeviceRecord *before, const char *sentence);

G_END_DECLS
