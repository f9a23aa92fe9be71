/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/**
 * TessScanner:
 *
 * All ways to a QR code: the camera while it can be seen and is wanted, a picture that is opened, pasted or dropped, the screen, and the
 * code as text. Signals:
 *
 * - `scanned (const char *text, gboolean seen)`: @seen: as a picture; as text it may have come from anybody
 * - `by-hand`: the person wants to compare fingerprints
 */
#define TESS_TYPE_SCANNER (tess_scanner_get_type ())
G_DECLARE_FINAL_TYPE (TessScanner, tess_scanner, TESS, SCANNER, GtkWidget)

/* What stands beneath the camera. */
void     tess_scanner_set_hint   (TessScanner *self, const char *hint);
/* Whether the camera runs when it can be seen. Off at first; turning it off turns the camera off before this returns. */
void     tess_scanner_set_wanted (TessScanner *self, gboolean wanted);
/* A sentence about what was scanned last; NULL for none. */
void     tess_scanner_set_problem (TessScanner *self, const char *problem);
/* What the clipboard holds, as if the person had chosen it. */
void     tess_scanner_paste      (TessScanner *self);

G_END_DECLS
