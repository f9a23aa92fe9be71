/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_xep_text_clip_line:
 * @text: (nullable): UTF-8 that a stranger chose for one line: a name, a nick, a group
 * @max_chars: in characters
 *
 * Takes out control characters and those that turn or hide text (attacks row E11), trims white
 * space at both ends, and keeps at most @max_chars characters. Any thread.
 *
 * Returns: (transfer full) (nullable): the line, or %NULL when nothing is left
 */
char *tess_xep_text_clip_line (const char *text, gsize max_chars);

/**
 * tess_xep_text_clip_lines:
 *
 * Like [func@tess_xep_text_clip_line], but keeps line feeds and tabulators: for a status or an
 * error's text.
 */
char *tess_xep_text_clip_lines (const char *text, gsize max_chars);

/**
 * tess_xep_text_is_id:
 * @id: (nullable): an identifier that a stranger chose
 *
 * Returns: %TRUE when it is neither missing nor empty nor longer than 1023 bytes
 */
gboolean tess_xep_text_is_id (const char *id);

G_END_DECLS
