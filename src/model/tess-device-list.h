/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/tess-device.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessDeviceList:
 *
 * A GListModel of TessDevice of one address: the local one first, then active ones, then the rest. It loads itself and follows the
 * engine's events while it lives. Properties: `loading`, `address`.
 */
#define TESS_TYPE_DEVICE_LIST (tess_device_list_get_type ())
G_DECLARE_FINAL_TYPE (TessDeviceList, tess_device_list, TESS, DEVICE_LIST, GObject)

const char *tess_device_list_get_address      (TessDeviceList *self);
gboolean    tess_device_list_get_loading      (TessDeviceList *self);
void        tess_device_list_set_trust_async  (TessDeviceList *self, TessDevice *device, TessTrust trust,
                                               GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean    tess_device_list_set_trust_finish (TessDeviceList *self, GAsyncResult *result, GError **error);

G_END_DECLS
