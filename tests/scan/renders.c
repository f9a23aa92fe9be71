/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "renders.h"

#include <math.h>
#include <qrencode.h>
#include <string.h>

#define QUIET 4
#define MOST_RENDERS 400

#if defined(__SANITIZE_ADDRESS__)
#define USUAL_RENDERS 40
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define USUAL_RENDERS 40
#endif
#endif
#ifndef USUAL_RENDERS
#define USUAL_RENDERS 250
#endif

guint
render_count (void)
{
  const char *wanted = g_getenv ("TESSERA_RENDERS");

  return wanted != NULL ? (guint) CLAMP (g_ascii_strtoull (wanted, NULL, 10), 20, 100000) : USUAL_RENDERS;
}

guint
render_sample (guint count, guint missed)
{
  return MAX (count, MIN (100 * missed, MOST_RENDERS));
}

char *
render_uri (GRand *random, guint devices)
{
  GString *uri = g_string_new ("xmpp:");

  for (int i = g_rand_int_range (random, 2, 12); i > 0; i--)
    g_string_append_c (uri, (char) g_rand_int_range (random, 'a', 'z' + 1));
  g_string_append (uri, "@example.org?");
  for (guint d = 0; d < devices; d++)
    {
      g_string_append_printf (uri, "%somemo-sid-%d=", d > 0 ? ";" : "", g_rand_int_range (random, 1, G_MAXINT32));
      for (guint i = 0; i < 64; i++)
        g_string_append_c (uri, "0123456789abcdef"[g_rand_int_range (random, 0, 16)]);
    }
  return g_string_free (uri, FALSE);
}

Pose
render_pose (GRand *random)
{
  Pose pose = {
    .module = g_rand_double_range (random, 3.2, 7),
    .angle = g_rand_double_range (random, -15, 15),
    .tilt = g_rand_double_range (random, 0, 0.1),
    .away = g_rand_double_range (random, 0, 360),
    .shade = g_rand_double_range (random, 0, 0.35),
    .low = g_rand_int_range (random, 10, 70),
    .high = g_rand_int_range (random, 170, 245),
    .noise = g_rand_int_range (random, 0, 14),
    .inverted = g_rand_int_range (random, 0, 4) == 0,
  };

  pose.blur = g_rand_double_range (random, 0, 0.3) * pose.module;
  return pose;
}

/* One pass along rows and one along columns. */
static void
blur (guint8 *grey, guint width, guint height, double deviation)
{
  int radius = (int) ceil (deviation * 2.5);
  g_autofree double *weights = g_new (double, (gsize) radius * 2 + 1);
  g_autofree guint8 *copy = g_malloc ((gsize) width * height);
  double total = 0;

  if (deviation < 0.15)
    return;
  for (int i = -radius; i <= radius; i++)
    total += weights[i + radius] = exp (-i * i / (2 * deviation * deviation));
  for (guint turn = 0; turn < 2; turn++)
    {
      memcpy (copy, grey, (gsize) width * height);
      for (int y = 0; y < (int) height; y++)
        for (int x = 0; x < (int) width; x++)
          {
            double sum = 0;

            for (int i = -radius; i <= radius; i++)
              {
                int u = turn == 0 ? CLAMP (x + i, 0, (int) width - 1) : x;
                int v = turn == 0 ? y : CLAMP (y + i, 0, (int) height - 1);

                sum += weights[i + radius] * copy[v * (int) width + u];
              }
            grey[y * (int) width + x] = (guint8) (sum / total);
          }
    }
}

Render
render (const char *text, const Pose *pose, GRand *random, guint width, guint height)
{
  QRcode *code = QRcode_encodeString8bit (text, 0, QR_ECLEVEL_L);
  Render self = { g_malloc ((gsize) width * height), width, height };
  double side, module, turn = pose->angle * G_PI / 180;
  double away_x = sin (pose->away * G_PI / 180), away_y = cos (pose->away * G_PI / 180);

  g_assert_nonnull (code);
  side = code->width + 2 * QUIET;
  /* It fits, turned, as a person would hold it. */
  module = MIN (pose->module, 0.97 * MIN (width, height) / (side * (fabs (cos (turn)) + fabs (sin (turn)))));
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      {
        double dark = 0;

        /* Four samples a pixel: edges are grey. */
        for (guint s = 0; s < 4; s++)
          {
            double u = x + 0.25 + 0.5 * (s & 1) - width / 2.0;
            double v = y + 0.25 + 0.5 * (s >> 1) - height / 2.0;
            double a = (u * cos (turn) + v * sin (turn)) / module;
            double b = (v * cos (turn) - u * sin (turn)) / module;
            double away = 1 - pose->tilt * (a * away_x + b * away_y) / side; /* the plane goes away from the lens */
            int column = (int) floor (a / away + code->width / 2.0);
            int row = (int) floor (b / away + code->width / 2.0);
            gboolean on_card = column >= -QUIET && row >= -QUIET && column < code->width + QUIET && row < code->width + QUIET;
            gboolean on_code = column >= 0 && row >= 0 && column < code->width && row < code->width;
            gboolean set = on_code && (code->data[row * code->width + column] & 1);

            dark += !on_card ? 0.45 : (set != pose->inverted) ? 1 : 0;
          }
        dark /= 4;
        self.grey[(gsize) y * width + x] =
          (guint8) CLAMP ((pose->high + (pose->low - pose->high) * dark) * (1 - pose->shade * x / width), 0, 255);
      }
  blur (self.grey, width, height, pose->blur);
  for (gsize i = 0; pose->noise > 0 && i < (gsize) width * height; i++)
    {
      int value = self.grey[i] + g_rand_int_range (random, -pose->noise, pose->noise + 1);

      self.grey[i] = (guint8) CLAMP (value, 0, 255);
    }
  QRcode_free (code);
  return self;
}

void
render_clear (Render *self)
{
  g_clear_pointer (&self->grey, g_free);
}

GdkPixbuf *
render_pixbuf (const Render *self)
{
  GdkPixbuf *pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, (int) self->width, (int) self->height);
  int stride = gdk_pixbuf_get_rowstride (pixbuf);
  guint8 *pixels = gdk_pixbuf_get_pixels (pixbuf);

  for (guint y = 0; y < self->height; y++)
    for (guint x = 0; x < self->width; x++)
      memset (pixels + y * (guint) stride + x * 3, self->grey[(gsize) y * self->width + x], 3);
  return pixbuf;
}
