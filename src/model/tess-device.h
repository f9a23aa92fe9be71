/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "records/tess-device-record.h"

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * TessDevice:
 *
 * Properties (read-only, notifying): `id` (uint), `fingerprint` (nullable, 64 digits), `trust` (TessTrust), `active`, `own`, `local`,
 * `key-alarm`, `no-bundle`, `label` (nullable), `software` (nullable), `first-seen`, `last-seen` (int64 µs).
 */
#define TESS_TYPE_DEVICE (tess_device_get_type ())
G_DECLARE_FINAL_TYPE (TessDevice, tess_device, TESS, DEVICE, GObject)

guint32     tess_device_get_id          (TessDevice *self);
const char *tess_device_get_fingerprint (TessDevice *self);
TessTrust   tess_device_get_trust       (TessDevice *self);
gboolean    tess_device_get_active      (TessDevice *self);
gboolean    tess_device_get_own         (TessDevice *self);
gboolean    tess_device_get_local       (TessDevice *self);
gboolean    tess_device_get_key_alarm   (TessDevice *self);
gboolean    tess_device_get_no_bundle   (TessDevice *self); /* it is left out: there are no usable keys of it */
const char *tess_device_get_label       (TessDevice *self); /* what the person calls it */
const char *tess_device_get_software    (TessDevice *self); /* what it says that it is */
gint64      tess_device_get_first_seen  (TessDevice *self);
gint64      tess_device_get_last_seen   (TessDevice *self);

G_END_DECLS
