/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * TessFingerprint:
 *
 * The fingerprint of a device in groups of eight digits, two columns of four, each group in a colour of its own value. Read from
 * left to right whatever the language, and read out in groups.
 */
#define TESS_TYPE_FINGERPRINT (tess_fingerprint_get_type ())
G_DECLARE_FINAL_TYPE (TessFingerprint, tess_fingerprint, TESS, FINGERPRINT, GtkWidget)

GtkWidget  *tess_fingerprint_new      (void);
/* @fingerprint: (nullable): 64 hexadecimal digits; the widget hides without */
void        tess_fingerprint_set_text (TessFingerprint *self, const char *fingerprint);
const char *tess_fingerprint_get_text (TessFingerprint *self);

G_END_DECLS
