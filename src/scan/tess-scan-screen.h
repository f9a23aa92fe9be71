/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "scan/tess-scan-error.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * tess_scan_screen_async:
 *
 * Asks the desktop (screenshot portal) for a picture of the screen, which the person chooses, and looks for QR codes in it. The picture is
 * deleted. Main thread. Cancelled by the person: %G_IO_ERROR_CANCELLED. Returns as tess_scan_picture_finish ().
 */
void   tess_scan_screen_async  (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
char **tess_scan_screen_finish (GAsyncResult *result, GError **error);

G_END_DECLS
