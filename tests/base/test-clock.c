/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "base/tess-clock.h"

#define YEAR (365 * G_TIME_SPAN_DAY)
#define NOW (56 * YEAR)

/* Nobody has said anything: this machine's clock is what there is. */
static void
test_unknown (void)
{
  TessClock clock = { 0 };

  g_assert_cmpint (tess_clock_now_at (&clock, NOW, 1), ==, NOW);
  g_assert_cmpint (ABS (tess_clock_now (&clock) - g_get_real_time ()), <, G_TIME_SPAN_HOUR);
}

/* A machine that is years off, in either direction: the server's time, and what a steady clock counts since. */
static void
test_wrong (void)
{
  static const gint64 off[] = { -30 * YEAR, -YEAR, -G_TIME_SPAN_HOUR, -6 * G_USEC_PER_SEC, 6 * G_USEC_PER_SEC, G_TIME_SPAN_DAY, 20 * YEAR };

  for (guint i = 0; i < G_N_ELEMENTS (off); i++)
    {
      TessClock clock = { 0 };

      tess_clock_learn_at (&clock, NOW, 0, NOW + 7 * YEAR, 5000);
      g_assert_cmpint (tess_clock_now_at (&clock, NOW + off[i], 5000), ==, NOW);
      g_assert_cmpint (tess_clock_now_at (&clock, NOW + off[i] + 70, 5070), ==, NOW + 70);
    }
}

/* Servers say whole seconds, and their answer takes a while: this machine's clock, which runs smoothly, is believed then. */
static void
test_near (void)
{
  static const gint64 off[] = { -5 * G_USEC_PER_SEC, -1, 0, 1, G_USEC_PER_SEC, 5 * G_USEC_PER_SEC };

  for (guint i = 0; i < G_N_ELEMENTS (off); i++)
    {
      TessClock clock = { 0 };

      tess_clock_learn_at (&clock, NOW, 0, NOW + 7 * YEAR, 5000);
      g_assert_cmpint (tess_clock_now_at (&clock, NOW + off[i], 5000), ==, NOW + off[i]);
    }
}

/* An answer that was long on the way was true at some moment of it. */
static void
test_waited (void)
{
  const gint64 waited = 9 * G_USEC_PER_SEC;
  TessClock    clock = { 0 };

  g_assert_cmpint (tess_clock_learn_at (&clock, NOW, waited, NOW + waited, 0), ==, NOW + waited);
  g_assert_cmpint (tess_clock_now_at (&clock, NOW + waited, 0), ==, NOW + waited);
  g_assert_cmpint (tess_clock_learn_at (&clock, NOW, waited, NOW + 100, 0), ==, NOW + 100);
  g_assert_cmpint (tess_clock_learn_at (&clock, NOW, waited, NOW - YEAR, 0), ==, NOW);
  g_assert_cmpint (tess_clock_learn_at (&clock, NOW, waited, NOW + YEAR, 0), ==, NOW + waited);
}

/* The machine's clock is set while the program runs, and set right again. */
static void
test_set (void)
{
  TessClock clock = { 0 };

  tess_clock_learn_at (&clock, NOW, 0, NOW + 7 * YEAR, 0);
  g_assert_cmpint (tess_clock_now_at (&clock, NOW + 10, 10), ==, NOW + 10);
  g_assert_cmpint (tess_clock_now_at (&clock, NOW + 20 - YEAR, 20), ==, NOW + 20);
  g_assert_cmpint (tess_clock_now_at (&clock, NOW + 30 + YEAR, 30), ==, NOW + 30);
  g_assert_cmpint (tess_clock_now_at (&clock, NOW + 40, 40), ==, NOW + 40);
}

/* What was learnt last counts: another session, or a server whose clock was mended. */
static void
test_again (void)
{
  TessClock clock = { 0 };

  tess_clock_learn_at (&clock, NOW + YEAR, 0, NOW + 7 * YEAR, 0);
  tess_clock_learn_at (&clock, NOW, 0, NOW + 7 * YEAR, 100);
  g_assert_cmpint (tess_clock_now_at (&clock, NOW + YEAR, 100), ==, NOW);
  tess_clock_learn (&clock, g_get_real_time () - YEAR, 0);
  g_assert_cmpint (tess_clock_now (&clock), <, g_get_real_time () - YEAR + G_TIME_SPAN_DAY);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clock/unknown", test_unknown);
  g_test_add_func ("/clock/wrong", test_wrong);
  g_test_add_func ("/clock/near", test_near);
  g_test_add_func ("/clock/waited", test_waited);
  g_test_add_func ("/clock/set", test_set);
  g_test_add_func ("/clock/again", test_again);
  return g_test_run ();
}
