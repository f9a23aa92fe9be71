/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "scan/tess-scan-error.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define TESS_SCAN_CAMERA_WIDTH 1280 /* pixels at most, of what is looked at */

/**
 * TessScanCamera:
 *
 * A camera that looks for QR codes. In a sandbox the desktop's camera portal is asked, else the first camera that GStreamer finds. The
 * environment variable TESSERA_CAMERA names another source as gst-launch writes it (for tests, and for cameras of a special kind).
 * Nothing of GStreamer is loaded before the first start. Main thread; it is opened in one thread, codes are looked for in another.
 *
 * Signals, in the main context of the thread that started it, none after [method@TessScanCamera.stop]:
 *
 * - `frame (GBytes *rgba, guint width, guint height)`: what it sees, rows without gaps; the newest only, at most 15 a second
 * - `code (const char *text)`: a QR code was seen; again for each frame that shows it, and for each code in a frame
 * - `failed (GError *error)`: TESS_SCAN_ERROR; it has stopped
 */
#define TESS_TYPE_SCAN_CAMERA (tess_scan_camera_get_type ())
G_DECLARE_FINAL_TYPE (TessScanCamera, tess_scan_camera, TESS, SCAN_CAMERA, GObject)

TessScanCamera    *tess_scan_camera_new         (void);
/* Returns at once; does nothing when it runs already. */
void               tess_scan_camera_start       (TessScanCamera *self);
/* Returns when the camera is free again, for others to use. Also while it starts. */
void               tess_scan_camera_stop        (TessScanCamera *self);
gboolean           tess_scan_camera_get_running (TessScanCamera *self);
/* What cameras there are, as the last start found them: known with the first frame. Empty in a sandbox, where the portal chooses. */
const char *const *tess_scan_camera_get_names   (TessScanCamera *self);
/* The one to use from now on, 0 at first; a number that there is not is the first. Starts anew when it runs. */
void               tess_scan_camera_set_index   (TessScanCamera *self, guint index);

G_END_DECLS
