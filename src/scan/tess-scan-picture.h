/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "scan/tess-scan-error.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define TESS_SCAN_MAX_FILE (32 * 1024 * 1024) /* bytes */

/**
 * tess_scan_file_async, tess_scan_bytes_async, tess_scan_pixels_async:
 *
 * Look for QR codes in a picture, in a thread of their own: PNG, JPEG, WebP, GIF and BMP, told by their first bytes, whatever the name
 * says; at most %TESS_SCAN_MAX_FILE bytes and %TESS_SCAN_MAX_PIXELS pixels. @pixels: @height rows of @width pixels as cairo's ARGB32 and
 * GdkTexture have them (a word of the machine each, premultiplied), each @stride bytes after the one before. What can be seen through
 * is white. Main thread.
 *
 * tess_scan_picture_finish () returns: (transfer full) (array zero-terminated=1): the texts, never empty; %NULL with a TESS_SCAN_ERROR or
 *   what the file said
 */
void   tess_scan_file_async     (GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void   tess_scan_bytes_async    (GBytes *picture, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
void   tess_scan_pixels_async   (GBytes *pixels, guint width, guint height, gsize stride,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
char **tess_scan_picture_finish (GAsyncResult *result, GError **error);

/* The same at once, in any thread. */
char **tess_scan_bytes (GBytes *picture, GError **error);

G_END_DECLS
