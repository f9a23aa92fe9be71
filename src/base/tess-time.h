/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_time_parse:
 * @text: (nullable): a DateTime of XEP-0082, such as `2026-11-21T19:05:00.123Z`
 * @time_us: (out): microseconds since 1970 in UTC
 *
 * Any thread. Moments from 1970 to 9999 in UTC are read; an offset is applied first.
 *
 * Returns: %FALSE when @text is no such DateTime
 */
gboolean tess_time_parse (const char *text, gint64 *time_us);

/**
 * tess_time_format:
 * @time_us: microseconds since 1970 in UTC; what is not from 1970 to 9999 is written as the first moment of 1970
 *
 * Returns: (transfer full): a DateTime of XEP-0082 in UTC with milliseconds
 */
char *tess_time_format (gint64 time_us);

G_END_DECLS
