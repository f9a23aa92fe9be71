/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * TessQrCode:
 *
 * Draws a text as a QR code: black on white whatever the theme, with a quiet zone of 4 modules, every module a whole number of
 * device pixels wide. At least 240 px. Its accessible label is the owner's to set.
 */
#define TESS_TYPE_QR_CODE (tess_qr_code_get_type ())
G_DECLARE_FINAL_TYPE (TessQrCode, tess_qr_code, TESS, QR_CODE, GtkWidget)

/* @text: (nullable): at most 2,900 bytes. Returns: FALSE when it does not fit; nothing is drawn then. */
gboolean tess_qr_code_set_text (TessQrCode *self, const char *text);

/* @text in a square of @side with its quiet zone, black on white, as vectors. The same bounds and answer. */
gboolean tess_qr_code_draw (cairo_t *cairo, const char *text, double x, double y, double side);

G_END_DECLS
