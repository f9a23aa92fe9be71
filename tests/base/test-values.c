/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "base/tess-hex.h"
#include "base/tess-id.h"
#include "base/tess-time.h"

#include <string.h>

static void
test_hex (void)
{
  static const guint8 bytes[] = { 0x00, 0x7f, 0x80, 0xff };
  g_autofree char    *hex = tess_hex_encode (bytes, sizeof bytes);
  guint8              back[4];

  g_assert_cmpstr (hex, ==, "007f80ff");
  g_assert_true (tess_hex_decode ("007F80fF", 8, back));
  g_assert_cmpmem (back, sizeof back, bytes, sizeof bytes);
  g_assert_false (tess_hex_decode ("007", 3, back));
  g_assert_false (tess_hex_decode ("0g", 2, back));
  g_assert_false (tess_hex_decode ("\xc3\xa4", 2, back));
}

static void
test_id (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (int i = 0; i < 10000; i++)
    {
      char *id = tess_id_new ();

      g_assert_cmpuint (strlen (id), ==, 24);
      g_assert_cmpuint (strspn (id, "0123456789abcdef"), ==, 24);
      g_assert_true (g_hash_table_add (seen, id));
    }
}

static void
test_time (void)
{
  static const struct
  {
    const char *text;
    gint64      time_us; /* -1: refused */
  } cases[] = {
    { "1970-01-01T00:00:00Z", 0 },
    { "1969-07-21T02:56:15Z", -1 },
    { "2002-09-10T23:41:07Z", G_GINT64_CONSTANT (1031701267000000) },
    { "2002-09-10T23:41:07.5Z", G_GINT64_CONSTANT (1031701267500000) },
    { "2002-09-10T17:41:07-06:00", G_GINT64_CONSTANT (1031701267000000) },
    { "2026-11-21T19:05:00.123Z", G_GINT64_CONSTANT (1795287900123000) },
    { "9999-12-31T23:59:59Z", G_GINT64_CONSTANT (253402300799000000) },
    { "9999-12-31T23:59:59-00:01", -1 }, /* found by fuzzing: past what can be written */
    { "1970-01-01T00:00:00+00:01", -1 }, /* found by fuzzing: before it */
    { "1970-01-01T00:01:00+00:01", 0 },
    { "2002-09-10T23:41:07", -1 },
    { "2002-09-10 23:41:07Z", -1 },
    { "2002-W37-2T23:41:07Z", -1 },
    { "20020910T23:41:07", -1 },
    { "2002-13-10T23:41:07Z", -1 },
    { "2002-09-10T23:41Z", -1 },
    { "2002-09-10T23:41:07.00000000000000000000000000000Z", -1 },
    { "", -1 },
    { NULL, -1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gint64   time_us = -1;
      gboolean read = tess_time_parse (cases[i].text, &time_us);

      g_test_message ("%s", cases[i].text);
      g_assert_cmpint (read, ==, cases[i].time_us >= 0);
      if (read)
        g_assert_cmpint (time_us, ==, cases[i].time_us);
    }
}

static void
test_time_round_trip (void)
{
  for (int i = 0; i < 1000; i++)
    {
      gint64           time_us = (gint64) g_test_rand_int_range (0, G_MAXINT32) * G_USEC_PER_SEC +
                       g_test_rand_int_range (0, 1000) * 1000;
      g_autofree char *text = tess_time_format (time_us);
      gint64           back;

      g_assert_true (tess_time_parse (text, &back));
      g_assert_cmpint (back, ==, time_us);
    }
}

static void
test_time_impossible (void)
{
  static const gint64 times[] = { -1, G_MININT64, G_MAXINT64, G_GINT64_CONSTANT (253402300800000000) };

  for (gsize i = 0; i < G_N_ELEMENTS (times); i++)
    {
      g_autofree char *text = tess_time_format (times[i]);

      g_assert_cmpstr (text, ==, "1970-01-01T00:00:00.000Z");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/base/hex", test_hex);
  g_test_add_func ("/base/id", test_id);
  g_test_add_func ("/base/time/parse", test_time);
  g_test_add_func ("/base/time/round-trip", test_time_round_trip);
  g_test_add_func ("/base/time/impossible", test_time_impossible);

  return g_test_run ();
}
