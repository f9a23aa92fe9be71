/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-color.h"

#include <math.h>

/* CIE constants, and the matrix from XYZ to linear sRGB under D65. */
#define KAPPA 903.2962962962963
#define EPSILON 0.008856451679035631
#define REFERENCE_U 0.19783000664283681
#define REFERENCE_V 0.468319994938791

static const double from_xyz[3][3] = {
  { 3.240969941904521, -1.537383177570093, -0.498610760293 },
  { -0.96924363628087, 1.87596750150772, 0.041555057407175 },
  { 0.055630079696993, -0.20397695888897, 1.056971514242878 },
};

double
tess_xep_color_hue (const char *text)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA1);
  guint8                digest[20];
  gsize                 length = sizeof digest;

  g_checksum_update (checksum, (const guchar *) text, -1);
  g_checksum_get_digest (checksum, digest, &length);

  return (digest[0] | digest[1] << 8) / 65536.0 * 360.0;
}

/*
 * How far a ray of this hue goes inside sRGB at this lightness. The gamut is cut there by six lines
 * in the plane of u and v, one for each channel at 0 and at 1: the nearest crossing counts.
 */
static double
largest_chroma (double hue, double lightness)
{
  double cubed = pow (lightness + 16, 3) / 1560896;
  double y = cubed > EPSILON ? cubed : lightness / KAPPA;
  double angle = hue / 180 * G_PI;
  double largest = G_MAXDOUBLE;

  for (int channel = 0; channel < 3; channel++)
    for (int edge = 0; edge < 2; edge++)
      {
        const double *m = from_xyz[channel];
        double        below = (632260 * m[2] - 126452 * m[1]) * y + 126452 * edge;
        double        slope = (284517 * m[0] - 94839 * m[2]) * y / below;
        double offset = ((838422 * m[2] + 769860 * m[1] + 731718 * m[0]) * y - 769860 * edge) *
                        lightness / below;
        double        length = offset / (sin (angle) - slope * cos (angle));

        if (length >= 0)
          largest = fmin (largest, length);
      }

  return largest;
}

static double
to_gamma (double linear)
{
  double encoded = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow (linear, 1 / 2.4) - 0.055;

  return CLAMP (encoded, 0, 1);
}

void
tess_xep_color_hsluv_to_rgb (double hue, double saturation, double lightness, double rgb[3])
{
  double chroma = 0;
  double u = 0;
  double v = 0;
  double x = 0;
  double y = 0;
  double z = 0;

  /* The formulas divide by the lightness, and white has no hue. */
  if (lightness < 0.00001 || lightness > 99.99999)
    {
      rgb[0] = rgb[1] = rgb[2] = lightness < 50 ? 0 : 1;
      return;
    }

  chroma = largest_chroma (hue, lightness) / 100 * saturation;
  u = cos (hue / 180 * G_PI) * chroma / (13 * lightness) + REFERENCE_U;
  v = sin (hue / 180 * G_PI) * chroma / (13 * lightness) + REFERENCE_V;
  y = lightness > 8 ? pow ((lightness + 16) / 116, 3) : lightness / KAPPA;
  x = y * 9 * u / (4 * v);
  z = y * (12 - 3 * u - 20 * v) / (4 * v);

  for (int i = 0; i < 3; i++)
    rgb[i] = to_gamma (from_xyz[i][0] * x + from_xyz[i][1] * y + from_xyz[i][2] * z);
}

void
tess_xep_color_rgb (const char *text, double rgb[3])
{
  tess_xep_color_hsluv_to_rgb (tess_xep_color_hue (text), 100, 50, rgb);
}
