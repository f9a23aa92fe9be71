/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/tess-device.h"
#include "engine/tess-engine.h"

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

/* What tess_device_list_restore_async() needs to take a decision about @device back. (transfer full) */
TessDeviceRecord *tess_device_list_remember    (TessDeviceList *self, TessDevice *device);
/* The same for all devices on which @verification decided. (transfer full) (element-type TessDeviceRecord) */
GPtrArray  *tess_device_list_remember_verified (TessDeviceList *self, const TessVerificationRecord *verification);
/* Takes decisions back, all or none. @before: (element-type TessDeviceRecord) */
void        tess_device_list_restore_async     (TessDeviceList *self, GPtrArray *before,
                                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean    tess_device_list_restore_finish    (TessDeviceList *self, GAsyncResult *result, GError **error);

/* A code that is believed to be of the owner of this list; see tess_engine_verify_async(). */
void        tess_device_list_verify_async      (TessDeviceList *self, const char *code, TessVerify how,
                                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
TessVerificationRecord *tess_device_list_verify_finish (TessDeviceList *self, GAsyncResult *result, GError **error);

/* See TessDeviceAction. */
void        tess_device_list_change_async      (TessDeviceList *self, TessDevice *device, TessDeviceAction action, const char *label,
                                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean    tess_device_list_change_finish     (TessDeviceList *self, GAsyncResult *result, GError **error);

G_END_DECLS
