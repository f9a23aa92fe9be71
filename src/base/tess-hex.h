/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_hex_encode:
 * @data: (array length=length): any bytes
 *
 * Returns: (transfer full): lower-case hexadecimal digits, two a byte
 */
char *tess_hex_encode (const guint8 *data, gsize length);

/**
 * tess_hex_decode:
 * @hex: digits in either case
 * @hex_length: how many characters of @hex to read
 * @out: (array) (out caller-allocates): @hex_length / 2 bytes
 *
 * Returns: %FALSE for an odd number of digits or a character that is none; @out is undefined then
 */
gboolean tess_hex_decode (const char *hex, gsize hex_length, guint8 *out);

G_END_DECLS
