/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "bench.h"

#include "../scan/renders.h"

#include "scan/tess-scan-decoder.h"

#include <math.h>
#include <string.h>
#include <zbar.h>

/* What a frame of the camera costs the thread that looks for codes: a whole look, because the decoder looks in another way each time.
 * The limit is zbar on the same frame, once, as it is. */

#define WIDTH 1280
#define HEIGHT 720
#define ROUNDS 5
#define TURNS TESS_SCAN_TURNS

typedef struct
{
  const char *name;
  BenchTarget target;
} Scene;

static const Scene scenes[] = {
  { "scan-frame-room", BENCH_VALUE_BELOW },
  { "scan-frame-code", BENCH_NO_TARGET },
  { "scan-frame-text", BENCH_NO_TARGET },
  { "scan-frame-noise", BENCH_NO_TARGET },
};

/* Soft shapes, light from one side, the noise of a sensor: what stands before a camera while nobody holds a code there. */
static void
draw_room (guint8 *grey, GRand *random)
{
  for (guint y = 0; y < HEIGHT; y++)
    for (guint x = 0; x < WIDTH; x++)
      {
        double light = 90 + 60.0 * x / WIDTH + 30 * sin (x / 97.0) * cos (y / 61.0);
        double head = hypot ((double) x - 640, (y - 380.0) * 0.8) < 180 ? 45 + 8 * sin (y / 5.0) : 0;
        double shelf = y % 160 < 12 && x < 400 ? -60 : 0;

        grey[y * WIDTH + x] = (guint8) CLAMP (light + head + shelf + g_rand_int_range (random, -5, 6), 0, 255);
      }
}

/* Small dark strokes on a page, in lines. */
static void
draw_text (guint8 *grey, GRand *random)
{
  memset (grey, 220, WIDTH * HEIGHT);
  for (guint y = 20; y + 14 < HEIGHT; y += 22)
    for (guint x = 40; x + 12 < WIDTH - 40; x += 3)
      if (g_rand_int_range (random, 0, 3) == 0)
        for (guint k = 0; k < (guint) g_rand_int_range (random, 3, 14); k++)
          memset (grey + (y + k) * WIDTH + x, g_rand_int_range (random, 20, 90), 2);
  for (gsize i = 0; i < WIDTH * HEIGHT; i++)
    grey[i] = (guint8) (grey[i] + g_rand_int_range (random, -5, 6));
}

static void
draw (guint8 *grey, guint scene, GRand *random)
{
  if (scene == 0)
    draw_room (grey, random);
  else if (scene == 1)
    {
      Pose pose = { .module = 6, .angle = 8, .blur = 1, .low = 40, .high = 210, .noise = 5 };
      g_autofree char *uri = render_uri (random, 4);
      g_auto (Render) picture = render (uri, &pose, random, WIDTH, HEIGHT);

      memcpy (grey, picture.grey, WIDTH * HEIGHT);
    }
  else if (scene == 2)
    draw_text (grey, random);
  else
    for (gsize i = 0; i < WIDTH * HEIGHT; i++)
      grey[i] = (guint8) g_rand_int (random);
}

/* Milliseconds a frame. */
static double
measure_ours (TessScanDecoder *decoder, const guint8 *grey)
{
  BenchClock clock;

  bench_start (&clock);
  for (guint turn = 0; turn < TURNS; turn++)
    g_strfreev (tess_scan_decoder_decode (decoder, grey, WIDTH, HEIGHT, WIDTH, TESS_SCAN_QUICK));
  return bench_cpu_seconds (&clock) * 1000 / TURNS;
}

static double
measure_bare (zbar_image_scanner_t *scanner, const guint8 *grey)
{
  zbar_image_t *image = zbar_image_create ();
  BenchClock clock;
  double seconds;

  zbar_image_set_format (image, zbar_fourcc ('Y', '8', '0', '0'));
  zbar_image_set_size (image, WIDTH, HEIGHT);
  zbar_image_set_data (image, grey, WIDTH * HEIGHT, NULL);
  bench_start (&clock);
  zbar_scan_image (scanner, image);
  seconds = bench_cpu_seconds (&clock);
  zbar_image_destroy (image);
  return seconds * 1000;
}

int
main (void)
{
  g_autoptr (TessScanDecoder) decoder = tess_scan_decoder_new ();
  zbar_image_scanner_t *scanner = zbar_image_scanner_create ();
  g_autofree guint8 *grey = g_malloc (WIDTH * HEIGHT);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  zbar_image_scanner_set_config (scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0);
  zbar_image_scanner_set_config (scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
  for (guint scene = 0; scene < G_N_ELEMENTS (scenes); scene++)
    {
      g_autoptr (GArray) ours = g_array_new (FALSE, FALSE, sizeof (double));
      g_autoptr (GArray) bare = g_array_new (FALSE, FALSE, sizeof (double));
      BenchResult result = { scenes[scene].name, .unit = "ms", .target = scenes[scene].target, .limit = 25 };

      for (guint round = 0; round < bench_rounds (ROUNDS); round++)
        {
          double limit, value;

          draw (grey, scene, random);
          limit = measure_bare (scanner, grey);
          value = measure_ours (decoder, grey);
          g_array_append_val (bare, limit);
          g_array_append_val (ours, value);
        }
      result.value = bench_quantile (ours, 0.5);
      result.bare = bench_quantile (bare, 0.5);
      result.ratio = result.value / result.bare;
      bench_report (&result);
    }
  zbar_image_scanner_destroy (scanner);
  return 0;
}
