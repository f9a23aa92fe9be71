/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "engine/tess-backoff.h"
#include "engine/tess-keepalive.h"

/* When to ask and when to try again, as pure state. Times are seconds here. */

#define S(seconds) ((gint64) (seconds) * G_USEC_PER_SEC)

static guint
look (TessKeepalive *self, gint64 heard, gint64 now, gboolean wanted)
{
  gboolean ask;
  guint    seconds = tess_keepalive_look (self, S (heard), S (now), &ask);

  g_assert_cmpint (ask, ==, wanted);
  return seconds;
}

/* Only after silence; what came puts it off. */
static void
test_silence (void)
{
  TessKeepalive self;

  tess_keepalive_init (&self);
  g_assert_cmpuint (look (&self, 1000, 1000, FALSE), ==, 150);
  g_assert_cmpuint (look (&self, 1100, 1150, FALSE), ==, 100);
  g_assert_cmpuint (look (&self, 1100, 1249, FALSE), ==, 1);
  g_assert_cmpuint (look (&self, 1100, 1250, TRUE), ==, 150);
}

/* A link that was seen to die in silence is asked more often, down to a bound; answers lengthen it, up to another. */
static void
test_adapts (void)
{
  TessKeepalive self;
  gint64        now = 0;
  gint64        before;
  guint         answers = 0;

  tess_keepalive_init (&self);
  look (&self, 1, 1000, TRUE);
  tess_keepalive_ended (&self, TRUE);
  g_assert_cmpuint (self.seconds, ==, 75);
  /* Nobody had asked: it says nothing about this. Nor does an end that was told. */
  tess_keepalive_ended (&self, TRUE);
  g_assert_cmpuint (self.seconds, ==, 75);
  look (&self, 1, 1000, TRUE);
  tess_keepalive_ended (&self, FALSE);
  g_assert_cmpuint (self.seconds, ==, 75);
  for (guint i = 0; i < 10; i++)
    {
      look (&self, 1, 1000, TRUE);
      tess_keepalive_ended (&self, TRUE);
    }
  g_assert_cmpuint (self.seconds, ==, 30);

  while (self.seconds < 300)
    {
      before = self.seconds;
      look (&self, now, now + self.seconds, TRUE);
      now += self.seconds;
      look (&self, now, now, FALSE);
      g_assert_cmpuint (self.seconds, >, before);
      g_assert_cmpuint (self.seconds, <=, before + before / 16 + 1);
      answers++;
    }
  g_assert_cmpuint (answers, >, 30);
  look (&self, now, now + 300, TRUE);
  look (&self, now + 300, now + 300, FALSE);
  g_assert_cmpuint (self.seconds, ==, 300);
}

/* The longest and the shortest that chance can give. */
static void
assert_next (TessBackoff *self, TessBackoffKind kind, gint64 now, guint least, guint most)
{
  TessBackoff copy = *self;

  g_assert_cmpuint (tess_backoff_next (&copy, kind, S (now), 0), ==, least);
  copy = *self;
  g_assert_cmpuint (tess_backoff_next (&copy, kind, S (now), most - least), ==, most);
  for (guint i = 0; i < 1000; i++)
    {
      guint next;

      copy = *self;
      next = tess_backoff_next (&copy, kind, S (now), g_test_rand_int ());
      g_assert_cmpuint (next, >=, least);
      g_assert_cmpuint (next, <=, most);
    }
  *self = copy;
}

static void
test_usual (void)
{
  TessBackoff self = { 0 };
  guint       limit = 1000;

  for (guint i = 0; i < 7; i++, limit *= 2)
    assert_next (&self, TESS_BACKOFF_USUAL, i, limit / 2, limit);
  for (guint i = 0; i < 100; i++)
    assert_next (&self, TESS_BACKOFF_USUAL, i, 60 * 1000, 120 * 1000);
  tess_backoff_online (&self);
  assert_next (&self, TESS_BACKOFF_USUAL, 0, 60 * 1000, 120 * 1000);
  tess_backoff_reset (&self);
  assert_next (&self, TESS_BACKOFF_USUAL, 0, 500, 1000);
}

/* While a server restarts it is asked about each second, for half a minute; then it grows from the beginning. */
static void
test_refused (void)
{
  TessBackoff self = { 0 };

  for (gint64 now = 1000; now < 1030; now++)
    assert_next (&self, TESS_BACKOFF_REFUSED, now, 600, 1200);
  assert_next (&self, TESS_BACKOFF_REFUSED, 1030, 500, 1000);
  assert_next (&self, TESS_BACKOFF_REFUSED, 1031, 1000, 2000);
  assert_next (&self, TESS_BACKOFF_REFUSED, 1033, 2000, 4000);
  /* It was there meanwhile: this is another restart. */
  tess_backoff_online (&self);
  assert_next (&self, TESS_BACKOFF_REFUSED, 2000, 600, 1200);
}

static void
test_other_kinds (void)
{
  TessBackoff self = { 0 };

  for (guint i = 0; i < 20; i++)
    {
      assert_next (&self, TESS_BACKOFF_AT_ONCE, i, 0, 200);
      assert_next (&self, TESS_BACKOFF_SLOW, i, 150 * 1000, 300 * 1000);
      assert_next (&self, TESS_BACKOFF_NO_NETWORK, i, 30 * 1000, 60 * 1000);
    }
  assert_next (&self, TESS_BACKOFF_USUAL, 0, 500, 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keepalive/silence", test_silence);
  g_test_add_func ("/keepalive/adapts", test_adapts);
  g_test_add_func ("/backoff/usual", test_usual);
  g_test_add_func ("/backoff/refused", test_refused);
  g_test_add_func ("/backoff/other-kinds", test_other_kinds);

  return g_test_run ();
}
