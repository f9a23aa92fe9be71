/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_color_hue:
 * @text: the bare address of a contact, or the nick of an occupant
 *
 * XEP-0392 section 5.1. Any thread.
 *
 * Returns: an angle, 0 to below 360 degrees
 */
double tess_color_hue (const char *text);

/**
 * tess_color_from_hue:
 * @hue: an angle in degrees
 * @rgb: (out caller-allocates) (array fixed-size=3): red, green, blue in sRGB, each 0 to 1
 *
 * HSLuv with saturation 100 and lightness 50 (XEP-0392 section 5.4). Any thread.
 */
void tess_color_from_hue (double hue, double rgb[3]);

/**
 * tess_color_for_text:
 * @text: as for [func@tess_color_hue]
 *
 * Returns: 0xRRGGBB, the same on every client that follows XEP-0392. Any thread.
 */
guint tess_color_for_text (const char *text);

G_END_DECLS
