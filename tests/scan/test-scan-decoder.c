/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "renders.h"

#include "scan/tess-scan-decoder.h"

#include <qrencode.h>
#include <string.h>

/* A code in front of the camera, with @least to @most devices, is read within a few frames: 99 of 100 at least. */
static void
read_renders (guint count, guint frames, guint width, guint height, int least, int most)
{
  guint32 seed = g_test_rand_int ();
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autoptr (TessScanDecoder) decoder = tess_scan_decoder_new ();
  guint read = 0, needed = 0;

  g_test_message ("seed %u", seed);
  for (guint i = 0; i < count; i++)
    {
      Pose pose = render_pose (random);
      g_autofree char *uri = render_uri (random, (guint) g_rand_int_range (random, least, most + 1));
      gboolean found = FALSE;

      for (guint frame = 0; frame < frames && !found; frame++)
        {
          g_auto (Render) picture = { 0 };
          g_auto (GStrv) texts = NULL;

          pose.angle += g_rand_double_range (random, -1, 1); /* a hand is not still */
          picture = render (uri, &pose, random, width, height);
          texts = tess_scan_decoder_decode (decoder, picture.grey, picture.width, picture.height, picture.width, TESS_SCAN_QUICK);
          found = texts[0] != NULL;
          needed += found ? frame + 1 : 0;
          if (found)
            g_assert_cmpstr (texts[0], ==, uri);
        }
      read += found;
      if (!found)
        count = render_sample (count, i + 1 - read);
      if (!found)
        g_test_message ("not read: module %.1f angle %.1f blur %.1f tilt %.2f to %.0f shade %.2f %d..%d noise %d%s, %zu bytes", pose.module,
                        pose.angle, pose.blur, pose.tilt, pose.away, pose.shade, pose.low, pose.high, pose.noise,
                        pose.inverted ? ", inverted" : "", strlen (uri));
    }
  g_test_message ("%u of %u renders read, in %.1f frames", read, count, (double) needed / MAX (read, 1));
  g_assert_cmpuint (read * 100, >=, count * 99);
}

static void
test_camera_renders (void)
{
  read_renders (render_count (), 6, 640, 480, 1, 4);
}

/* Of someone with many devices: 120 modules a side, which need a larger picture. */
static void
test_camera_large_codes (void)
{
  read_renders (render_count () / 10, TESS_SCAN_TURNS, 1280, 720, 5, 12);
}

/* Bytes that are no UTF-8, NUL among them, never come out. */
static void
test_text (void)
{
  static const struct
  {
    const char *bytes;
    int         length;
    gboolean    comes;
  } texts[] = {
    { "xmpp:a@b?omemo-sid-1=00", 23, TRUE },
    { "\xc3\xa4 \xf0\x9f\x94\x92", 7, TRUE },
    { "\xff\xfe", 2, FALSE },
    { "a\0b", 3, FALSE },
    { "\xe4", 1, FALSE },
  };
  g_autoptr (TessScanDecoder) decoder = tess_scan_decoder_new ();

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      QRcode *code = QRcode_encodeData (texts[i].length, (const unsigned char *) texts[i].bytes, 0, QR_ECLEVEL_L);
      guint side = (guint) (code->width + 8) * 6;
      g_autofree guint8 *grey = g_malloc (side * side);
      g_auto (GStrv) found = NULL;

      memset (grey, 255, side * side);
      for (guint y = 0; y < (guint) code->width * 6; y++)
        for (guint x = 0; x < (guint) code->width * 6; x++)
          if (code->data[y / 6 * (guint) code->width + x / 6] & 1)
            grey[(y + 24) * side + x + 24] = 0;
      found = tess_scan_decoder_decode (decoder, grey, side, side, side, TESS_SCAN_THOROUGH);
      if (texts[i].comes)
        g_assert_cmpstr (found[0], ==, texts[i].bytes);
      else
        g_assert_null (found[0]);
      QRcode_free (code);
    }
}

static void
test_limits (void)
{
  g_autoptr (TessScanDecoder) decoder = tess_scan_decoder_new ();
  guint8 pixel = 0;
  static const guint sizes[][2] = { { 0, 0 }, { 0, 9 }, { 9, 0 }, { 65535, 65535 }, { TESS_SCAN_MAX_SIDE + 1, 1 }, { 8000, 8000 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      /* Refused before a single byte is read. */
      g_auto (GStrv) found = tess_scan_decoder_decode (decoder, &pixel, sizes[i][0], sizes[i][1], sizes[i][0], TESS_SCAN_THOROUGH);

      g_assert_cmpuint (g_strv_length (found), ==, 0);
    }
  {
    g_auto (GStrv) found = tess_scan_decoder_decode (decoder, &pixel, 1, 1, 1, TESS_SCAN_THOROUGH);

    g_assert_cmpuint (g_strv_length (found), ==, 0);
  }
}

/* Two codes side by side, and what is no code at all. */
static void
test_several (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  g_autoptr (TessScanDecoder) decoder = tess_scan_decoder_new ();
  Pose pose = { .module = 4, .low = 20, .high = 240 };
  g_autofree guint8 *grey = g_malloc (800 * 400);
  g_auto (GStrv) found = NULL;
  g_auto (GStrv) none = NULL;
  const char *texts[] = { "xmpp:left@example.org", "xmpp:right@example.org" };

  for (guint i = 0; i < 2; i++)
    {
      g_auto (Render) one = render (texts[i], &pose, random, 400, 400);

      for (guint y = 0; y < 400; y++)
        memcpy (grey + y * 800 + i * 400, one.grey + y * 400, 400);
    }
  found = tess_scan_decoder_decode (decoder, grey, 800, 400, 800, TESS_SCAN_THOROUGH);
  g_assert_cmpuint (g_strv_length (found), ==, 2);
  g_assert_true (g_strv_contains ((const char *const *) found, texts[0]));
  g_assert_true (g_strv_contains ((const char *const *) found, texts[1]));

  for (guint i = 0; i < 800 * 400; i++)
    grey[i] = (guint8) g_rand_int (random);
  none = tess_scan_decoder_decode (decoder, grey, 800, 400, 800, TESS_SCAN_THOROUGH);
  g_assert_cmpuint (g_strv_length (none), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scan/decoder/camera-renders", test_camera_renders);
  g_test_add_func ("/scan/decoder/camera-large-codes", test_camera_large_codes);
  g_test_add_func ("/scan/decoder/text", test_text);
  g_test_add_func ("/scan/decoder/limits", test_limits);
  g_test_add_func ("/scan/decoder/several", test_several);
  return g_test_run ();
}
