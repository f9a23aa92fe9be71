/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_text_clean_name:
 * @text: (nullable): a name that somebody else chose
 *
 * Takes out what can make one name look like another or spoil the line: control, bidi and invisible characters, piled up
 * marks, line breaks, surplus spaces; cuts after 256 characters (attacks row E11). Any thread.
 *
 * Returns: (transfer full) (nullable): %NULL when nothing is left
 */
char *tess_text_clean_name (const char *text);

/**
 * tess_text_one_line:
 * @text: (nullable): a message
 * @max_chars: how long the line may get, an ellipsis included
 *
 * The beginning of @text on one line, without control and bidi characters. Any thread.
 *
 * Returns: (transfer full) (nullable): %NULL when nothing is left
 */
char *tess_text_one_line (const char *text, guint max_chars);

G_END_DECLS
