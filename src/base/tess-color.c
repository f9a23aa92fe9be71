/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-base"

#include "config.h"

#include "base/tess-color.h"

#include <math.h>

#define LIGHTNESS 50.0
#define SHA1_SIZE 20

/* CIE 1976, and the white point D65 in u'v'. */
#define KAPPA 903.2962962
#define EPSILON 0.0088564516
#define WHITE_U 0.19783000664283681
#define WHITE_V 0.468319994938791

static const double xyz_to_rgb[3][3] = {
  { 3.240969941904521, -1.537383177570093, -0.498610760293 },
  { -0.96924363628087, 1.87596750150772, 0.041555057407175 },
  { 0.055630079696993, -0.20397695888897, 1.056971514242878 },
};

double
tess_color_hue (const char *text)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA1);
  guint8 digest[SHA1_SIZE];
  gsize length = sizeof digest;

  g_checksum_update (checksum, (const guint8 *) text, -1);
  g_checksum_get_digest (checksum, digest, &length);

  /* The first two bytes, the lower one first, as a part of the full circle. */
  return (digest[0] | digest[1] << 8) / 65536.0 * 360.0;
}

/* The chroma at which the first of red, green and blue leaves 0 … 1: the edge of what a screen can
 * show. Each of these six limits is a straight line in the plane of u and v at this lightness. */
static double
largest_chroma (double lightness, double angle)
{
  double cube = pow (lightness + 16, 3) / 1560896;
  double y = cube > EPSILON ? cube : lightness / KAPPA;
  double least = G_MAXDOUBLE;

  for (int channel = 0; channel < 3; channel++)
    for (int limit = 0; limit <= 1; limit++)
      {
        const double *m = xyz_to_rgb[channel];
        double bottom = (632260 * m[2] - 126452 * m[1]) * y + 126452 * limit;
        double slope = (284517 * m[0] - 94839 * m[2]) * y / bottom;
        double offset = ((838422 * m[2] + 769860 * m[1] + 731718 * m[0]) * lightness * y -
                         769860 * limit * lightness) /
                        bottom;
        double distance = offset / (sin (angle) - slope * cos (angle));

        if (distance >= 0)
          least = MIN (least, distance);
      }

  return least;
}

/* The transfer function of sRGB. */
static double
to_srgb (double linear)
{
  double value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow (linear, 1 / 2.4) - 0.055;

  return CLAMP (value, 0.0, 1.0);
}

void
tess_color_from_hue (double hue, double rgb[3])
{
  double angle = hue * G_PI / 180.0;
  double chroma = largest_chroma (LIGHTNESS, angle);
  double u = chroma * cos (angle) / (13 * LIGHTNESS) + WHITE_U;
  double v = chroma * sin (angle) / (13 * LIGHTNESS) + WHITE_V;
  double y = pow ((LIGHTNESS + 16) / 116, 3);
  double x = y * 9 * u / (4 * v);
  double z = y * (12 - 3 * u - 20 * v) / (4 * v);

  for (int i = 0; i < 3; i++)
    rgb[i] = to_srgb (xyz_to_rgb[i][0] * x + xyz_to_rgb[i][1] * y + xyz_to_rgb[i][2] * z);
}

guint
tess_color_for_text (const char *text)
{
  double rgb[3];

  tess_color_from_hue (tess_color_hue (text), rgb);
  return (guint) lround (rgb[0] * 255) << 16 | (guint) lround (rgb[1] * 255) << 8 |
         (guint) lround (rgb[2] * 255);
}
