/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "base/tess-time.h"
#include "views/tess-text.h"

/* A DateTime in a line, then two numbers of eight bytes.
 *
 * - What is read lies between 1970 and 9999; written and read again it is the same to the millisecond.
 * - Any number of microseconds can be written, and as words for a person too. */

#define LAST_SECOND G_GINT64_CONSTANT (253402300799) /* of 9999 */

void
fuzz_set_up (void)
{
  /* Words are in the local zone; any that has summer time and an odd offset will do. */
  g_setenv ("TZ", "Australia/Lord_Howe", TRUE);
}

static void
check_words (gint64 time_us, gint64 now_us)
{
  for (guint hours_24 = 0; hours_24 < 2; hours_24++)
    {
      g_autofree char *clock = tess_text_clock (time_us, hours_24);
      g_autofree char *list_time = tess_text_list_time (time_us, now_us, hours_24);
      g_autofree char *full = tess_text_full_time (time_us, hours_24);

      g_assert_nonnull (clock);
      g_assert_nonnull (list_time);
      fuzz_assert_line (clock, 20);
      fuzz_assert_line (list_time, 40);
      fuzz_assert_line (full, 80);
    }

  g_autofree char *day = tess_text_day (time_us, now_us);
  g_autofree char *seen = tess_text_last_seen (time_us, now_us);

  g_assert_nonnull (day);
  g_assert_nonnull (seen);
  fuzz_assert_line (day, 80);
  fuzz_assert_line (seen, 80);
  g_assert_true (tess_text_same_day (time_us, time_us));
  g_assert_cmpint (tess_text_same_day (time_us, now_us), ==, tess_text_same_day (now_us, time_us));
}

static void
check_number (gint64 time_us)
{
  g_autofree char *text = tess_time_format (time_us);
  gint64           again;

  g_assert_true (tess_time_parse (text, &again));
  if (time_us < 0 || time_us / G_USEC_PER_SEC > LAST_SECOND)
    g_assert_cmpint (again, ==, 0);
  else
    g_assert_cmpint (again, ==, time_us / 1000 * 1000);
}

void
fuzz_one (const guint8 *data, gsize size)
{
  FuzzInput        input = { data, size };
  g_autofree char *text = fuzz_take_line (&input);
  gint64           one = (gint64) fuzz_take_number (&input);
  gint64           other = (gint64) fuzz_take_number (&input);
  gint64           read = -1;

  if (tess_time_parse (text, &read))
    {
      g_assert_cmpint (read, >=, 0);
      g_assert_cmpint (read / G_USEC_PER_SEC, <=, LAST_SECOND);
      check_number (read);
      check_words (read, one);
    }
  else
    {
      g_assert_cmpint (read, ==, -1);
    }
  check_number (one);
  check_words (one, other);
}
