/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-base"

#include "config.h"

#include "base/tess-time.h"

#include <string.h>

#define LONGEST_DATETIME 40
#define LAST_SECOND G_GINT64_CONSTANT (253402300799) /* of the year 9999 */

/* XEP-0082 section 3.2 is stricter than ISO 8601: no week dates, no missing seconds, no missing zone. */
static gboolean
is_xep_0082 (const char *text)
{
  static const char pattern[] = "dddd-dd-ddTdd:dd:dd";
  gsize             length = strlen (text);

  if (length <= strlen (pattern) || length > LONGEST_DATETIME)
    return FALSE;
  for (gsize i = 0; pattern[i] != '\0'; i++)
    if (pattern[i] == 'd' ? !g_ascii_isdigit (text[i]) : text[i] != pattern[i])
      return FALSE;

  return TRUE;
}

gboolean
tess_time_parse (const char *text, gint64 *time_us)
{
  g_autoptr (GDateTime) date_time = NULL;
  gint64                seconds;

  if (text == NULL || !is_xep_0082 (text))
    return FALSE;

  date_time = g_date_time_new_from_iso8601 (text, NULL);
  if (date_time == NULL)
    return FALSE;
  /* In UTC: an offset must not reach what cannot be written again. */
  seconds = g_date_time_to_unix (date_time);
  if (seconds < 0 || seconds > LAST_SECOND)
    return FALSE;

  *time_us = seconds * G_USEC_PER_SEC + g_date_time_get_microsecond (date_time);
  return TRUE;
}

char *
tess_time_format (gint64 time_us)
{
  gboolean              possible = time_us >= 0 && time_us / G_USEC_PER_SEC <= LAST_SECOND;
  g_autoptr (GDateTime) date_time = possible ? g_date_time_new_from_unix_utc (time_us / G_USEC_PER_SEC) : NULL;
  g_autofree char      *seconds = NULL;

  if (date_time == NULL)
    return g_strdup ("1970-01-01T00:00:00.000Z");
  seconds = g_date_time_format (date_time, "%Y-%m-%dT%H:%M:%S");

  return g_strdup_printf ("%s.%03dZ", seconds, (int) (time_us / 1000 % 1000));
}
