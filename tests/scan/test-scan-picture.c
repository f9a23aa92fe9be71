/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "renders.h"

#include "scan/tess-scan-decoder.h"
#include "scan/tess-scan-picture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>

static GBytes *
encoded (GdkPixbuf *pixbuf, const char *format)
{
  gchar *data = NULL;
  gsize length = 0;
  g_autoptr (GError) error = NULL;

  gdk_pixbuf_save_to_buffer (pixbuf, &data, &length, format, &error, NULL);
  g_assert_no_error (error);
  return g_bytes_new_take (data, length);
}

/* Pictures come alone, so they are looked at harder: 99 of 100 at least, small and large, PNG and JPEG. */
static void
test_renders (void)
{
  guint32 seed = g_test_rand_int ();
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  guint read = 0, n = render_count () / 5;

  g_test_message ("seed %u", seed);
  for (guint i = 0; i < n; i++)
    {
      static const guint sizes[][2] = { { 640, 480 }, { 900, 1200 }, { 1920, 1080 }, { 480, 480 } };
      Pose pose = render_pose (random);
      g_autofree char *uri = render_uri (random, (guint) g_rand_int_range (random, 1, 5));
      g_auto (Render) picture = render (uri, &pose, random, sizes[i % 4][0], sizes[i % 4][1]);
      g_autoptr (GdkPixbuf) pixbuf = render_pixbuf (&picture);
      g_autoptr (GBytes) file = encoded (pixbuf, i % 2 ? "png" : "jpeg");
      g_auto (GStrv) texts = tess_scan_bytes (file, NULL);

      read += texts != NULL && g_str_equal (texts[0], uri);
      n = render_sample (n, i + 1 - read);
      if (texts == NULL)
        g_test_message ("not read: %ux%u module %.1f angle %.1f blur %.1f shade %.2f %d..%d noise %d%s, %zu bytes", sizes[i % 4][0], sizes[i % 4][1],
                        pose.module, pose.angle, pose.blur, pose.shade, pose.low, pose.high, pose.noise, pose.inverted ? ", inverted" : "",
                        strlen (uri));
    }
  g_test_message ("%u of %u pictures read", read, n);
  g_assert_cmpuint (read * 100, >=, n * 99);
}

static GBytes *
good_picture (const char *format)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  Pose pose = { .module = 5, .low = 0, .high = 255 };
  g_auto (Render) picture = render ("xmpp:bob@example.org?omemo-sid-1=00", &pose, random, 300, 300);
  g_autoptr (GdkPixbuf) pixbuf = render_pixbuf (&picture);

  return encoded (pixbuf, format);
}

static void
test_refused (void)
{
  g_autoptr (GBytes) png = good_picture ("png");
  g_autofree guint8 *bomb = g_memdup2 (g_bytes_get_data (png, NULL), g_bytes_get_size (png));
  g_autoptr (GBytes) half = g_bytes_new_from_bytes (png, 0, g_bytes_get_size (png) / 2);
  g_autoptr (GdkPixbuf) blank = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, 200, 200);
  g_autofree guint8 *many = g_malloc0 (TESS_SCAN_MAX_FILE + 1);
  const char svg[] = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>";

  /* A head that promises 65535 x 65535. */
  memcpy (bomb + 16, "\0\0\xff\xff\0\0\xff\xff", 8);
  memcpy (many, "\x89PNG\r\n\x1a\n", 8);
  gdk_pixbuf_fill (blank, 0xffffffff);
  {
    struct
    {
      GBytes *bytes;
      int     code;
    } cases[] = {
      { g_bytes_new_static (bomb, g_bytes_get_size (png)), TESS_SCAN_ERROR_TOO_LARGE },
      { g_bytes_new_static ("GIF89a\xff\xff\xff\xff\0\0\0", 13), TESS_SCAN_ERROR_TOO_LARGE },
      { g_bytes_new_static (many, TESS_SCAN_MAX_FILE + 1), TESS_SCAN_ERROR_TOO_LARGE },
      { g_bytes_ref (half), TESS_SCAN_ERROR_NO_CODE }, /* what is there is looked at */
      { g_bytes_new_from_bytes (png, 0, 30), TESS_SCAN_ERROR_UNREADABLE },
      { g_bytes_new_static (svg, sizeof svg - 1), TESS_SCAN_ERROR_UNREADABLE },
      { g_bytes_new_static ("no picture", 10), TESS_SCAN_ERROR_UNREADABLE },
      { g_bytes_new_static ("", 0), TESS_SCAN_ERROR_UNREADABLE },
      { encoded (blank, "png"), TESS_SCAN_ERROR_NO_CODE },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      {
        g_autoptr (GError) error = NULL;
        g_auto (GStrv) texts = tess_scan_bytes (cases[i].bytes, &error);

        g_test_message ("case %u", i);
        g_assert_null (texts);
        g_assert_error (error, TESS_SCAN_ERROR, cases[i].code);
        g_bytes_unref (cases[i].bytes);
      }
  }
}

/* The head of a BMP of @width x @height; @compression 1: run lengths, where a few bytes are many pixels. */
static GBytes *
bmp_bomb (gint32 width, gint32 height, guint16 bits, guint32 compression)
{
  guint8 *data = g_malloc0 (4096);
  gint32 sides[2] = { GINT32_TO_LE (width), GINT32_TO_LE (height) };

  memcpy (data, "BM", 2);
  data[10] = 54;
  data[14] = 40;
  memcpy (data + 18, sides, 8);
  data[26] = 1;
  data[28] = (guint8) bits;
  data[30] = (guint8) compression;
  return g_bytes_new_take (data, 4096);
}

static GBytes *
jpeg_bomb (void)
{
  g_autoptr (GBytes) jpeg = good_picture ("jpeg");
  gsize length;
  guint8 *data = g_memdup2 (g_bytes_get_data (jpeg, &length), g_bytes_get_size (jpeg));

  for (gsize i = 2; i + 9 < length; i++)
    if (data[i] == 0xff && (data[i + 1] == 0xc0 || data[i + 1] == 0xc2))
      {
        memcpy (data + i + 5, "\xfd\xe8\xfd\xe8", 4);
        break;
      }
  return g_bytes_new_take (data, length);
}

/* @place: of the head that says how long something is */
static GBytes *
bmp_broken (gsize place)
{
  g_autoptr (GBytes) good = bmp_bomb (4, 4, 24, 0);
  gsize length;
  guint8 *data = g_memdup2 (g_bytes_get_data (good, &length), g_bytes_get_size (good));

  memcpy (data + place, "\0\0\0\x70", 4);
  return g_bytes_new_take (data, length);
}

/* What promises too much is refused before memory is taken for it: a BMP's loader took a gigabyte once. */
static void
test_bombs (void)
{
  GBytes *bombs[] = { bmp_bomb (16000, 16000, 8, 1), bmp_bomb (16000, 16000, 24, 0), bmp_bomb (16000, -16000, 24, 0),
                      bmp_bomb (65535, 65535, 1, 0), jpeg_bomb () };
  struct rusage before, after;

  getrusage (RUSAGE_SELF, &before);
  for (guint i = 0; i < G_N_ELEMENTS (bombs); i++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (GStrv) texts = tess_scan_bytes (bombs[i], &error);

      g_test_message ("bomb %u", i);
      g_assert_null (texts);
      g_assert_error (error, TESS_SCAN_ERROR, TESS_SCAN_ERROR_TOO_LARGE);
      g_bytes_unref (bombs[i]);
    }
  for (guint i = 0; i < 3; i++)
    {
      static const gsize places[] = { 10, 14, 46 };
      g_autoptr (GBytes) broken = bmp_broken (places[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (tess_scan_bytes (broken, &error));
      g_assert_error (error, TESS_SCAN_ERROR, TESS_SCAN_ERROR_UNREADABLE);
    }
  getrusage (RUSAGE_SELF, &after);
  g_assert_cmpint (after.ru_maxrss - before.ru_maxrss, <, 64 * 1024); /* KiB */
}

static void
test_formats (void)
{
  static const char *const formats[] = { "png", "jpeg", "bmp" };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GBytes) picture = good_picture (formats[i]);
      g_auto (GStrv) texts = tess_scan_bytes (picture, NULL);

      g_assert_nonnull (texts);
      g_assert_cmpstr (texts[0], ==, "xmpp:bob@example.org?omemo-sid-1=00");
    }
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static char **
wait_for (GAsyncResult **result, GError **error)
{
  char **texts;

  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  texts = tess_scan_picture_finish (*result, error);
  g_clear_object (result);
  return texts;
}

/* A file, pixels that can be seen through, and what is not there. */
static void
test_async (void)
{
  g_autoptr (GBytes) png = good_picture ("png");
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "tess-scan-XXXXXX.png", NULL);
  int fd = g_mkstemp (path);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  GAsyncResult *result = NULL;
  g_auto (GStrv) of_file = NULL;
  g_auto (GStrv) of_pixels = NULL;
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  Pose pose = { .module = 5, .low = 0, .high = 255 };
  g_auto (Render) picture = render ("over white", &pose, random, 300, 300);
  g_autoptr (GByteArray) pixels = g_byte_array_new ();
  g_autoptr (GBytes) rgba = NULL;

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, g_bytes_get_data (png, NULL), (gssize) g_bytes_get_size (png), NULL));
  tess_scan_file_async (file, NULL, done_cb, &result);
  of_file = wait_for (&result, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (of_file[0], ==, "xmpp:bob@example.org?omemo-sid-1=00");
  g_unlink (path);
  tess_scan_file_async (file, NULL, done_cb, &result);
  g_assert_null (wait_for (&result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);

  /* Bright is what is not there. */
  for (guint i = 0; i < 300 * 300; i++)
    {
      guint32 pixel = (guint32) (255 - picture.grey[i]) << 24;

      g_byte_array_append (pixels, (const guint8 *) &pixel, 4);
    }
  rgba = g_byte_array_free_to_bytes (g_steal_pointer (&pixels));
  tess_scan_pixels_async (rgba, 300, 300, 1200, NULL, done_cb, &result);
  of_pixels = wait_for (&result, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (of_pixels[0], ==, "over white");
  tess_scan_pixels_async (rgba, 20000, 1, 80000, NULL, done_cb, &result);
  g_assert_null (wait_for (&result, &error));
  g_assert_error (error, TESS_SCAN_ERROR, TESS_SCAN_ERROR_TOO_LARGE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scan/picture/bombs", test_bombs); /* first: later the most that was taken is more */
  g_test_add_func ("/scan/picture/renders", test_renders);
  g_test_add_func ("/scan/picture/refused", test_refused);
  g_test_add_func ("/scan/picture/formats", test_formats);
  g_test_add_func ("/scan/picture/async", test_async);
  return g_test_run ();
}
