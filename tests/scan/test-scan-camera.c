/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "renders.h"

#include "scan/tess-scan-camera.h"

#include <glib/gstdio.h>
#include <gst/gst.h>
#include <gst/gst.h>
#include <string.h>

typedef struct
{
  char           *folder;
  TessScanCamera *camera;
  guint           frames;
  guint           width;
  guint           height;
  guint8          pixel[4]; /* in the middle of the last frame */
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
  memcpy (f->pixel, (const guint8 *) g_bytes_get_data (rgba, NULL) + ((gsize) height / 2 * width + width / 2) * 4, 4);
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
  expect_failure (f, "v4l2src device=/dev/video-not-there", TESS_SCAN_ERROR_NO_CAMERA);
  expect_failure (f, "filesrc location=/proc/self/mem ! decodebin", TESS_SCAN_ERROR_CAMERA);
  expect_failure (f, "nosuchcamerasrc", TESS_SCAN_ERROR_CAMERA);
  expect_failure (f, "videotestsrc is-live=true ! identity error-after=5", TESS_SCAN_ERROR_CAMERA);
  expect_failure (f, "videotestsrc num-buffers=3", TESS_SCAN_ERROR_CAMERA);
}

/* --- cameras that are none --- */

/* As GStreamer's own tell of real ones. Those with JPEG only are many. */
static const struct
{
  const char *name;
  const char *caps;
  const char *source;
} fakes[] = {
  { "Red", "video/x-raw,format=YUY2,width=640,height=480,framerate=30/1;video/x-raw,format=YUY2,width=2304,height=1536,framerate=2/1",
    "videotestsrc is-live=true pattern=red ! "
    "video/x-raw,format=YUY2,width={640,2304},height={480,1536},framerate={2/1,30/1} ! identity" },
  { "Green in JPEG", "image/jpeg,width=1280,height=720,framerate=30/1",
    "videotestsrc is-live=true pattern=green ! video/x-raw,width=1280,height=720,framerate=30/1 ! jpegenc" },
  { "Blue, infrared and small", "video/x-raw,format=GRAY8,width=160,height=120,framerate=5/1",
    "videotestsrc is-live=true pattern=blue ! video/x-raw,format=GRAY8,width=160,height=120,framerate=5/1 ! identity" },
};
static guint fakes_there;

typedef GstDevice FakeDevice;
typedef GstDeviceClass FakeDeviceClass;
GType fake_device_get_type (void);
G_DEFINE_TYPE (FakeDevice, fake_device, GST_TYPE_DEVICE)

static GstElement *
fake_device_create_element (GstDevice *device, const char *name)
{
  g_autofree char *display_name = gst_device_get_display_name (device);

  for (guint i = 0; i < G_N_ELEMENTS (fakes); i++)
    if (g_str_equal (fakes[i].name, display_name))
      return gst_parse_bin_from_description (fakes[i].source, TRUE, NULL);
  g_assert_not_reached ();
}

static void
fake_device_class_init (FakeDeviceClass *klass)
{
  klass->create_element = fake_device_create_element;
}

static void
fake_device_init (FakeDevice *self)
{
}

typedef GstDeviceProvider FakeProvider;
typedef GstDeviceProviderClass FakeProviderClass;
GType fake_provider_get_type (void);
G_DEFINE_TYPE (FakeProvider, fake_provider, GST_TYPE_DEVICE_PROVIDER)

static GList *
fake_provider_probe (GstDeviceProvider *provider)
{
  GList *devices = NULL;

  for (guint i = 0; i < fakes_there; i++)
    {
      g_autoptr (GstCaps) caps = gst_caps_from_string (fakes[i].caps);

      devices = g_list_append (devices, g_object_new (fake_device_get_type (), "display-name", fakes[i].name, "device-class", "Video/Source",
                                                      "caps", caps, NULL));
    }
  return devices;
}

static void
fake_provider_class_init (FakeProviderClass *klass)
{
  klass->probe = fake_provider_probe;
  gst_device_provider_class_set_static_metadata (klass, "Fakes", "Video/Source", "Cameras that are none", "the tests");
}

static void
fake_provider_init (FakeProvider *self)
{
}

static gboolean
real_cameras (void)
{
  g_autoptr (GDir) devices = g_dir_open ("/dev", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (devices)) != NULL)
    if (g_str_has_prefix (name, "video"))
      return TRUE; /* nobody is filmed by a test */
  return FALSE;
}

static void
wait_for_pixel (Fixture *f, guint channel)
{
  while (f->error == NULL && !(f->frames > 0 && f->pixel[channel] > 100 && f->pixel[(channel + 1) % 3] < 60))
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (f->error);
}

/* Which there are, the first at first, another when it is wanted; each in a size and at a rate that is good to look at. */
static void
test_devices (Fixture *f, gconstpointer data)
{
  if (real_cameras ())
    return;
  fakes_there = G_N_ELEMENTS (fakes);
  g_assert_cmpuint (g_strv_length ((char **) tess_scan_camera_get_names (f->camera)), ==, 0);
  tess_scan_camera_start (f->camera);
  wait_for_pixel (f, 0);
  g_assert_cmpuint (f->width, ==, 640); /* not 2304 twice a second */
  g_assert_cmpuint (g_strv_length ((char **) tess_scan_camera_get_names (f->camera)), ==, G_N_ELEMENTS (fakes));
  for (guint i = 0; i < G_N_ELEMENTS (fakes); i++)
    g_assert_cmpstr (tess_scan_camera_get_names (f->camera)[i], ==, fakes[i].name);

  tess_scan_camera_set_index (f->camera, 1);
  g_assert_true (tess_scan_camera_get_running (f->camera));
  f->frames = 0;
  wait_for_pixel (f, 1);
  g_assert_cmpuint (f->width, ==, 1280);

  /* Nothing that it gives is good, so what it gives is taken. */
  f->frames = 0;
  tess_scan_camera_set_index (f->camera, 2);
  while (f->frames == 0 && f->error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (f->error);
  g_assert_cmpuint (f->width, ==, 160);

  /* It was pulled out meanwhile. */
  fakes_there = 1;
  f->frames = 0;
  tess_scan_camera_stop (f->camera);
  tess_scan_camera_start (f->camera);
  wait_for_pixel (f, 0);
  fakes_there = 0;
}

static void
test_no_camera (Fixture *f, gconstpointer data)
{
  if (real_cameras ())
    return;
  fakes_there = 0;
  tess_scan_camera_start (f->camera);
  while (f->error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (f->error, TESS_SCAN_ERROR, TESS_SCAN_ERROR_NO_CAMERA);
}

/* A camera that is stopped while it opens stays off, in whatever moment that is. */
static void
test_stop_while_opening (Fixture *f, gconstpointer data)
{
  g_setenv ("TESSERA_CAMERA", "videotestsrc is-live=true ! video/x-raw,width=320,height=240", TRUE);
  for (guint i = 0; i < 40; i++)
    {
      gboolean over = FALSE;

      tess_scan_camera_start (f->camera);
      g_usleep (i * 1000);
      tess_scan_camera_stop (f->camera);
      f->frames = 0;
      g_timeout_add (10, flag_cb, &over);
      while (!over)
        g_main_context_iteration (NULL, TRUE);
      g_assert_cmpuint (f->frames, ==, 0);
      g_assert_no_error (f->error);
    }
  /* Stopped and started at once: the second one counts, alone. */
  tess_scan_camera_start (f->camera);
  tess_scan_camera_stop (f->camera);
  tess_scan_camera_start (f->camera);
  while (f->frames < 2 && f->error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (f->error);
}

/* Two codes in one frame are both told. */
static void
test_two_codes (Fixture *f, gconstpointer data)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  Pose pose = { .module = 5, .low = 20, .high = 240 };
  g_auto (Render) both = { g_malloc (640 * 320), 640, 320 };
  g_autofree char *source = g_strdup_printf ("multifilesrc location=%s/000.png loop=true caps=image/png,framerate=10/1 ! pngdec ! "
                                             "identity sync=true", f->folder);

  for (guint i = 0; i < 2; i++)
    {
      g_auto (Render) one = render (i == 0 ? "left" : "right", &pose, random, 320, 320);

      for (guint y = 0; y < 320; y++)
        memcpy (both.grey + y * 640 + i * 320, one.grey + y * 320, 320);
    }
  save (f, 0, &both);
  g_setenv ("TESSERA_CAMERA", source, TRUE);
  tess_scan_camera_start (f->camera);
  while (f->codes->len < 2 && f->error == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_no_error (f->error);
  g_assert_true (g_ptr_array_find_with_equal_func (f->codes, "left", g_str_equal, NULL));
  g_assert_true (g_ptr_array_find_with_equal_func (f->codes, "right", g_str_equal, NULL));
}

/* In a process of its own: when GStreamer looks at all its plugins there are more than 2048 quarks, and GLib keeps the table that was too
 * small, which a sanitizer takes for a leak. */
static void
make_registry (const char *program)
{
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "ASAN_OPTIONS", "detect_leaks=0", TRUE);
  const char *command[] = { program, "--make-registry", NULL };
  g_autoptr (GError) error = NULL;
  int status = 0;

  g_spawn_sync (NULL, (char **) command, environment, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
}

int
main (int argc, char **argv)
{
#define ADD(path, func) g_test_add ("/scan/camera/" path, Fixture, NULL, set_up, func, tear_down)
  if (argc > 1 && g_str_equal (argv[1], "--make-registry"))
    return gst_init_check (NULL, NULL, NULL) ? 0 : 1;
  g_test_init (&argc, &argv, NULL);
  make_registry (argv[0]);
  gst_init (NULL, NULL);
  gst_device_provider_register (NULL, "tess-fakes", GST_RANK_PRIMARY, fake_provider_get_type ());
  ADD ("reads", test_reads);
  ADD ("large", test_large);
  ADD ("stop", test_stop);
  ADD ("stop-in-signal", test_stop_in_signal);
  ADD ("stop-while-opening", test_stop_while_opening);
  ADD ("two-codes", test_two_codes);
  ADD ("failures", test_failures);
  ADD ("devices", test_devices);
  ADD ("no-camera", test_no_camera);
  return g_test_run ();
}
