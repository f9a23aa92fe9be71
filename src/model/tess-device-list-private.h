/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-engine.h"
#include "model/tess-device-list.h"

G_BEGIN_DECLS

/* Asks the engine for the devices at once. */
TessDeviceList *tess_device_list_new (TessEngine *engine, gint64 account_id, const char *address);

/* (element-type TessDeviceRecord): all of them, as they are now. */
void            tess_device_list_take (TessDeviceList *self, GPtrArray *records);

G_END_DECLS
