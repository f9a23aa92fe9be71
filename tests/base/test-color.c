/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "base/tess-color.h"

#include <math.h>

/* XEP-0392 section 13, "Test Vectors". */
static const struct
{
  const char *text;
  double hue;
  double rgb[3];
} vectors[] = {
  { "Romeo", 327.255249, { 0.865, 0.000, 0.686 } },
  { "juliet@capulet.lit", 209.410400, { 0.000, 0.515, 0.573 } },
  { "😺", 331.199341, { 0.872, 0.000, 0.659 } },
  { "council", 359.994507, { 0.918, 0.000, 0.394 } },
  { "Board", 171.430664, { 0.000, 0.527, 0.457 } },
};

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      double hue = tess_color_hue (vectors[i].text);
      double rgb[3];
      guint packed = tess_color_for_text (vectors[i].text);

      g_assert_cmpfloat_with_epsilon (hue, vectors[i].hue, 0.000001);
      tess_color_from_hue (hue, rgb);
      for (int c = 0; c < 3; c++)
        {
          g_assert_cmpfloat_with_epsilon (rgb[c], vectors[i].rgb[c], 0.001);
          g_assert_cmpuint (packed >> (16 - 8 * c) & 0xff, ==, (guint) lround (rgb[c] * 255));
        }
    }
}

static void
test_range (void)
{
  for (int hue = 0; hue < 360; hue++)
    {
      double rgb[3];

      tess_color_from_hue (hue, rgb);
      for (int c = 0; c < 3; c++)
        g_assert_true (rgb[c] >= 0.0 && rgb[c] <= 1.0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/color/vectors", test_vectors);
  g_test_add_func ("/base/color/range", test_range);
  return g_test_run ();
}
