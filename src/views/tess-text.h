/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the views do with foreign text, without any widget. Any thread, except where it says otherwise. */

/**
 * tess_text_to_markup:
 * @text: plain text from outside
 * @n_links: (out) (optional): how many links were marked
 *
 * Pango markup that shows @text as it is (attacks row E7) with its links marked; only http, https, mailto, xmpp and geo are, and
 * none that carries a user name before its host (E9). Linear; at most %TESS_TEXT_MAX_LINKS links.
 *
 * Returns: (transfer full): markup
 */
char *tess_text_to_markup (const char *text, guint *n_links);
#define TESS_TEXT_MAX_LINKS 100

/* Whether @uri may be handed to the desktop when it is pressed (E9). */
gboolean tess_text_link_is_allowed (const char *uri);

/**
 * tess_text_address_from_uri:
 * @uri: `xmpp:bob@example.org?message`, as the desktop or a link gives it (RFC 5122)
 *
 * Only the address is taken: what the query asks for is never done (E10).
 *
 * Returns: (transfer full) (nullable): the address, not yet checked; %NULL when @uri is none of ours
 */
char *tess_text_address_from_uri (const char *uri);

/* Whether @uri is a verification code: a question about devices (D14). */
gboolean tess_text_uri_is_code (const char *uri);

/* How many emoji @text is made of when it holds nothing else but white space; 0 otherwise, or when they are more than @max. */
guint tess_text_count_emoji (const char *text, guint max);

/* One or two capital letters for an avatar. (transfer full) */
char *tess_text_initials (const char *name);

/* @text with what could change the direction or look of its neighbours taken out, on one line. (transfer full) */
char *tess_text_clean_line (const char *text);

/* @text between FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE, for sentences with foreign names in them (E11). (transfer full) */
char *tess_text_isolate (const char *text);

/* The beginning of a long @text: at most @max_chars characters and @max_lines lines. NULL when all of it is short enough. (transfer full) */
char *tess_text_shorten (const char *text, guint max_chars, guint max_lines);

/* @text in lines of at most @chars characters where its words allow it: a popover of GTK 4.8 measures its labels unwrapped. (transfer full) */
char *tess_text_wrap (const char *text, guint chars);

/* @text with a line break put into every paragraph of more than @max_chars characters, where a word ends if it may: what a layout costs grows
 * with the square of a paragraph. (transfer full) */
char *tess_text_break_paragraphs (const char *text, guint max_chars);

/**
 * tess_text_fingerprint_group:
 * @fingerprint: 64 hexadecimal digits
 * @index: 0 to 7
 *
 * Returns: (transfer full) (nullable): eight digits, %NULL when @fingerprint is no such thing
 */
char *tess_text_fingerprint_group (const char *fingerprint, guint index);
#define TESS_FINGERPRINT_GROUPS 8

/* All groups with a space between them. (transfer full) (nullable) */
char *tess_text_fingerprint_spaced (const char *fingerprint);

/**
 * tess_text_group_color:
 * @group: eight digits
 * @dark: for a dark background
 * @rgb: (out caller-allocates) (array fixed-size=3): each 0 to 1
 *
 * A colour of @group's own value, at least 4.5:1 against libadwaita's backgrounds (WCAG 2.1, 1.4.3).
 */
void tess_text_group_color (const char *group, gboolean dark, double rgb[3]);

/* Times: @time_us and @now_us in microseconds since 1970; words are in the local zone. All (transfer full). */
char *tess_text_clock (gint64 time_us, gboolean hours_24);                     /* "19:05" */
char *tess_text_list_time (gint64 time_us, gint64 now_us, gboolean hours_24);  /* "19:05", "Mon", "16 Nov", "16 Nov 2024" */
char *tess_text_day (gint64 time_us, gint64 now_us);                           /* "Today", "Monday, 16 November" */
char *tess_text_last_seen (gint64 time_us, gint64 now_us);                     /* "Last seen today" */
char *tess_text_full_time (gint64 time_us, gboolean hours_24);                 /* "16 November 2026, 19:05" */
gboolean tess_text_same_day (gint64 a_us, gint64 b_us);

/* The desktop's choice between 24 and 12 hours. Main thread. */
gboolean tess_text_use_24_hours (void);

G_END_DECLS
