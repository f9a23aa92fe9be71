/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/tess-device.h"

G_BEGIN_DECLS

TessDevice *tess_device_new    (const TessDeviceRecord *record);
void        tess_device_update (TessDevice *self, const TessDeviceRecord *record);
void        tess_device_set_trust (TessDevice *self, TessTrust trust);

G_END_DECLS
