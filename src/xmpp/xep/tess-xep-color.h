/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_xep_color_hue:
 * @text: the bare address of a contact, or the nick of an occupant
 *
 * XEP-0392 section 5.1. Any thread.
 *
 * Returns: an angle, 0 to below 360 degrees
 */
double tess_xep_color_hue (const char *text);

/**
 * tess_xep_color_rgb:
 * @rgb: (out caller-allocates) (array fixed-size=3): red, green, blue in sRGB, each 0 to 1
 *
 * XEP-0392 section 5.4: HSLuv with saturation 100 and lightness 50. Any thread.
 */
void tess_xep_color_rgb (const char *text, double rgb[3]);

/* The same from a hue that was computed before, with a saturation and lightness of 0 to 100. */
void tess_xep_color_hsluv_to_rgb (double hue, double saturation, double lightness, double rgb[3]);

G_END_DECLS
