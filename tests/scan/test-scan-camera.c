/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "renders.h"

#include "scan/tess-scan-camera.h"

#include <glib/gstdio.h>

typedef struct
{
  char           *folder;
  TessScanCamera *camera;
  guint           frames;
  guint           width;
  guint           height;
  gboolean        coloured;
  GPtrArray      *codes;
  GError         *error;
} Fixture;

static void
frame_cb (TessScanCamera *camera, GBytes *rgba, guint width, guint height, Fixture *f)
{
  const guint8 *pixels = g_bytes_get_data (rgba, NULL);

  g_assert_cmpuint (g_bytes_get_size (rgba), ==, width * height * 4);
  for (guint i = 0; i < width * height && !f->coloured; i++)
    f->coloured = ABS (pixels[4 * i] - pixels[4 * i + 1]) > 60;
  f->frames++;
  f->width = width;
  f->height = height;
}

static void
code_cb (TessScanCamera *camera, const char *text, Fixture *f)
{
  if (!g_ptr_array_find_with_equal_func (f->codes, text, g_str_equal, NULL))
    g_ptr_array_add (f->codes, g_strdup (text));
}

static void
failed_cb (TessScanCamera *camera, GError *error, Fixture *f)
{
  g_clear_error (&f->error);
  f->error = g_error_copy (error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("tess-scan-XXXXXX", NULL);
  f->codes = g_ptr_array_new_with_free_func (g_free);
  f->camera = tess_scan_camera_new ();
  g_signal_connect (f->camera, "frame", G_CALLBACK (frame_cb), f);
  g_signal_connect (f->camera, "code", G_CALLBACK (code_cb), f);
  g_signal_connect (f->camera, "failed", G_CALLBACK (failed_cb), f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  GDir *folder = g_dir_open (f->folder, 0, NULL);
  const char *name;

  g_assert_finalize_object (f->camera);
  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename (f->folder, name, NULL);

      g_unlink (path);
    }
  g_dir_close (folder);
  g_rmdir (f->folder);
  g_free (f->folder);
  g_ptr_array_unref (f->codes);
  g_clear_error (&f->error);
  g_unsetenv ("TESSERA_CAMERA");
}

static void
save (Fixture *f, guint number, const Render *picture)
{
  g_autofree char *path = g_strdup_printf ("%s/%03u.png", f->folder, number);
  g_autoptr (GdkPixbuf) pixbuf = render_pixbuf (picture);
  g_autoptr (GError) error = NULL;

  gdk_pixbuf_save (pixbuf, path, "png", &error, NULL);
  g_assert_no_error (error);
}

/* Renders go by as fast as a camera's frames do, each for half a second: all that matters is read, and the window sees pictures. */
static void
test_reads (Fixture *f, gconstpointer data)
{
  enum { N = 12, EACH = 5 };
  guint32 seed = g_test_rand_int ();
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autoptr (GPtrArray) uris = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *source = g_strdup_printf ("multifilesrc location=%s/%%03d.png loop=true caps=image/png,framerate=10/1 ! pngdec ! "
                                             "identity sync=true", f->folder);

  g_test_message ("seed %u", seed);
  for (guint i = 0; i < N; i++)
    {
      Pose pose = render_pose (random);
      char *uri = render_uri (random, 2);

      g_ptr_array_add (uris, uri);
      for (guint k = 0; k < EACH; k++)
        {
          g_auto (Render) picture = render (uri, &pose, random, 640, 480);

          save (f, i * EACH + k, &picture);
          pose.angle += 0.3;
        }
    }
  g_setenv ("TESSERA_CAMERA", source, TRUE);
  tess_scan_camera_start (f->camera);
  tess_scan_camera_start (f->camera); /* does nothing */
  g_assert_true (tess_scan_camera_get_running (f->camera));
  while (f->codes->len < N && f->error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (f->error);
  for (guint i = 0; i < N; i++)
    g_assert_true (g_ptr_array_find_with_equal_func (f->codes, g_ptr_array_index (uris, i), g_str_equal, NULL));
  g_assert_cmpuint (f->frames, >, N);
  g_assert_cmpuint (f->width, ==, 640);
  g_assert_cmpuint (f->height, ==, 480);
}

/* A large camera is looked at in a size that two cores can bear. */
static void
test_large (Fixture *f, gconstpointer data)
{
  g_setenv ("TESSERA_CAMERA", "videotestsrc is-live=true ! video/x-raw,width=1920,height=1080", TRUE);
  tess_scan_camera_start (f->camera);
  while (f->frames < 2 && f->error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (f->error);
  g_assert_cmpuint (f->width, <=, TESS_SCAN_CAMERA_WIDTH);
  g_assert_cmpuint (f->width * 9, ==, f->height * 16);
  g_assert_true (f->coloured);
}

static gboolean
flag_cb (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Off is off: the device is closed when stop returns, and nothing is told any more; then it starts again. */
static void
test_stop (Fixture *f, gconstpointer data)
{
  guint frames;
  g_autofree char *path = g_build_filename (f->folder, "device", NULL);
  g_autofree char *source = g_strdup_printf ("videotestsrc is-live=true ! video/x-raw,width=320,height=240 ! tee name=t ! queue ! filesink "
                                             "location=%s async=false t. ! identity", path);

  g_setenv ("TESSERA_CAMERA", source, TRUE);
  for (guint turn = 0; turn < 2; turn++)
    {
      gboolean over = FALSE;
      g_autofree char *link = NULL;

      frames = f->frames;
      tess_scan_camera_start (f->camera);
      while (f->frames < frames + 3 && f->error == NULL)
        g_main_context_iteration (NULL, TRUE);
      g_assert_no_error (f->error);
      tess_scan_camera_stop (f->camera);
      g_assert_false (tess_scan_camera_get_running (f->camera));
      /* Nobody in this process holds the file that stands for the device. */
      {
        g_autoptr (GDir) open_files = g_dir_open ("/proc/self/fd", 0, NULL);
        const char *name;

        while ((name = g_dir_read_name (open_files)) != NULL)
          {
            g_autofree char *entry = g_build_filename ("/proc/self/fd", name, NULL);
            g_autofree char *target = g_file_read_link (entry, NULL);

            g_assert_cmpstr (target, !=, path);
          }
      }
      frames = f->frames;
      g_timeout_add (300, flag_cb, &over); /* nine frames' time */
      while (!over)
        g_main_context_iteration (NULL, TRUE);
      g_assert_cmpuint (f->frames, ==, frames);
    }
}

static void
stop_in_frame_cb (TessScanCamera *camera)
{
  tess_scan_camera_stop (camera);
}

static void
test_stop_in_signal (Fixture *f, gconstpointer data)
{
  g_setenv ("TESSERA_CAMERA", "videotestsrc is-live=true", TRUE);
  g_signal_connect (f->camera, "frame", G_CALLBACK (stop_in_frame_cb), NULL);
  tess_scan_camera_start (f->camera);
  while (tess_scan_camera_get_running (f->camera))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (f->frames, ==, 1);
  tess_scan_camera_start (f->camera);
  tess_scan_camera_stop (f->camera); /* at once */
}

static void
expect_failure (Fixture *f, const char *source, int code)
{
  g_clear_error (&f->error);
  g_setenv ("TESSERA_CAMERA", source, TRUE);
  tess_scan_camera_start (f->camera);
  while (f->error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (f->error, TESS_SCAN_ERROR, code);
  g_assert_false (tess_scan_camera_get_running (f->camera));
}

/* A device that is not there, a plugin that is not there, one that breaks on the way, one that ends. */
static void
test_failures (Fixture *f, gconstpointer data)
{
  expect_failure (f, "v4l2src device=/dev/video-not-there", TESS_SCAN_ERROR_CAMERA);
  expect_failure (f, "nosuchcamerasrc", TESS_SCAN_ERROR_CAMERA);
  expect_failure (f, "videotestsrc is-live=true ! identity error-after=5", TESS_SCAN_ERROR_CAMERA);
  expect_failure (f, "videotestsrc num-buffers=3", TESS_SCAN_ERROR_CAMERA);
}

static void
test_no_camera (Fixture *f, gconstpointer data)
{
  g_autoptr (GDir) devices = g_dir_open ("/dev", 0, NULL);
  const char *name;
  gboolean there = FALSE;

  while ((name = g_dir_read_name (devices)) != NULL)
    there |= g_str_has_prefix (name, "video");
  if (there)
    return; /* nothing to be seen here, and nobody is filmed by a test */
  tess_scan_camera_start (f->camera);
  while (f->error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (f->error, TESS_SCAN_ERROR, TESS_SCAN_ERROR_NO_CAMERA);
}

int
main (int argc, char **argv)
{
#define ADD(path, func) g_test_add ("/scan/camera/" path, Fixture, NULL, set_up, func, tear_down)
  g_test_init (&argc, &argv, NULL);
  ADD ("reads", test_reads);
  ADD ("large", test_large);
  ADD ("stop", test_stop);
  ADD ("stop-in-signal", test_stop_in_signal);
  ADD ("failures", test_failures);
  ADD ("no-camera", test_no_camera);
  return g_test_run ();
}
