/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-scan"

#include "config.h"

#include "scan/tess-scan-camera.h"

#include "scan/tess-scan-decoder.h"

#include <glib/gi18n-lib.h>
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <libportal/portal.h>
#include <string.h>
#include <unistd.h>

/* Two sinks behind one source: one for the picture, one that looks for codes. Each drops what comes while it is busy, so neither waits
 * for the other, nor the camera for either. What both have in common is I420: without a word about it they agree on grey. */
#define BRANCHES                                                                                                          \
  " ! videoconvert n-threads=2 ! videoscale ! video/x-raw,format=I420,width=[1," G_STRINGIFY (TESS_SCAN_CAMERA_WIDTH) "],"            \
  "pixel-aspect-ratio=1/1 ! tee name=all "                                                                                \
  "all. ! queue leaky=downstream max-size-buffers=1 ! videorate drop-only=true max-rate=15 ! videoconvert ! "             \
  "appsink name=picture caps=video/x-raw,format=RGBA max-buffers=1 drop=true sync=false "                                 \
  "all. ! queue leaky=downstream max-size-buffers=1 ! videorate drop-only=true max-rate=20 ! videoconvert ! "             \
  "appsink name=codes caps=video/x-raw,format=GRAY8 max-buffers=1 drop=true sync=false"

/* What is asked of a camera: large enough to see a code, small and fast enough for a live picture. Left to itself v4l2src takes the
 * largest, which some cameras give twice a second. JPEG is all that some give in this size. */
#define GOOD_RATE ",framerate=[10/1,2147483647/1]"
#define GOOD                                                                                                              \
  "video/x-raw,width=[320," G_STRINGIFY (TESS_SCAN_CAMERA_WIDTH) "]" GOOD_RATE                                            \
  ";image/jpeg,width=[320," G_STRINGIFY (TESS_SCAN_CAMERA_WIDTH) "]" GOOD_RATE
#define ANY "video/x-raw;image/jpeg"

/* What GStreamer's threads and the main thread share of one start. It outlives the camera when a sample is on its way. */
typedef struct
{
  gatomicrefcount references;
  GWeakRef        camera;
  GMainContext   *context;

  GMutex          mutex;    /* for what is to be told */
  GstSample      *picture;  /* nullable: not shown yet */
  char          **texts;    /* nullable: not told yet */
  GSource        *source;   /* attached while there is something to tell */
  gboolean        stopped;

  GMutex          switching; /* held while the camera goes on or off: once off, it stays off */
  GstElement     *pipeline;  /* nullable */
  int             fd;        /* PipeWire's, out of the portal; -1 without */
  gboolean        off;
} Shared;

struct _TessScanCamera
{
  GObject parent_instance;

  Shared       *shared;     /* nullable; not while it starts or runs */
  GSource      *bus_source; /* nullable */
  XdpPortal    *portal;     /* while it is asked, and while its stream is used */
  GCancellable *cancellable;
  guint         index;
  char        **names;      /* nullable */
};

enum
{
  FRAME,
  CODE,
  FAILED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (TessScanCamera, tess_scan_camera, G_TYPE_OBJECT)

/* --- between the threads -------------------------------------------------------------------------------------------------------- */

static Shared *
shared_new (TessScanCamera *camera)
{
  Shared *self = g_new0 (Shared, 1);

  g_atomic_ref_count_init (&self->references);
  g_weak_ref_init (&self->camera, camera);
  self->context = g_main_context_ref_thread_default ();
  g_mutex_init (&self->mutex);
  g_mutex_init (&self->switching);
  self->fd = -1;
  return self;
}

static Shared *
shared_ref (Shared *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

static void
shared_unref (gpointer data)
{
  Shared *self = data;

  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_mutex_clear (&self->mutex);
  g_mutex_clear (&self->switching);
  g_weak_ref_clear (&self->camera);
  g_main_context_unref (self->context);
  g_clear_pointer (&self->picture, gst_sample_unref);
  g_strfreev (self->texts);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Shared, shared_unref)

/* The camera, when this start is still the one that counts. */
static TessScanCamera *
shared_get_camera (Shared *self)
{
  g_autoptr (TessScanCamera) camera = g_weak_ref_get (&self->camera);

  return camera != NULL && camera->shared == self ? g_steal_pointer (&camera) : NULL;
}

/* Any thread. @pipeline: (transfer none) */
static void
switch_on (Shared *self, GstElement *pipeline)
{
  g_mutex_lock (&self->switching);
  if (!self->off)
    {
      self->pipeline = gst_object_ref (pipeline);
      gst_element_set_state (pipeline, GST_STATE_PLAYING); /* what goes wrong is told by the bus */
    }
  g_mutex_unlock (&self->switching);
}

/* When it returns the device is closed. */
static void
switch_off (Shared *self)
{
  g_mutex_lock (&self->switching);
  self->off = TRUE;
  if (self->pipeline != NULL)
    gst_element_set_state (self->pipeline, GST_STATE_NULL);
  g_clear_pointer (&self->pipeline, gst_object_unref);
  /* pipewiresrc works on a copy, and this one alone would keep the portal's camera open. */
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  g_mutex_unlock (&self->switching);
}

static void
emit_frame (TessScanCamera *self, GstSample *sample)
{
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  GstStructure *format = gst_caps_get_structure (gst_sample_get_caps (sample), 0);
  g_autoptr (GBytes) bytes = NULL;
  gpointer copy = NULL;
  gsize size = 0;
  int width = 0, height = 0;

  if (!gst_structure_get_int (format, "width", &width) || !gst_structure_get_int (format, "height", &height) || width <= 0 || height <= 0)
    return;
  gst_buffer_extract_dup (buffer, 0, (gsize) width * (gsize) height * 4, &copy, &size); /* rows of RGBA have no gaps */
  bytes = g_bytes_new_with_free_func (copy, size, g_free, copy);
  if (size == (gsize) width * (gsize) height * 4)
    g_signal_emit (self, signals[FRAME], 0, bytes, (guint) width, (guint) height);
}

/* In the main context. */
static gboolean
tell_cb (gpointer data)
{
  Shared *shared = data;
  g_autoptr (TessScanCamera) self = shared_get_camera (shared);
  g_autoptr (GstSample) picture = NULL;
  g_auto (GStrv) texts = NULL;

  g_mutex_lock (&shared->mutex);
  picture = g_steal_pointer (&shared->picture);
  texts = g_steal_pointer (&shared->texts);
  g_clear_pointer (&shared->source, g_source_unref);
  g_mutex_unlock (&shared->mutex);

  if (self != NULL && picture != NULL)
    emit_frame (self, picture);
  /* Whoever is told may stop it. */
  for (guint i = 0; texts != NULL && texts[i] != NULL && self != NULL && self->shared == shared; i++)
    g_signal_emit (self, signals[CODE], 0, texts[i]);
  return G_SOURCE_REMOVE;
}

/* With the mutex held. */
static void
tell_soon (Shared *shared)
{
  if (shared->source != NULL || shared->stopped)
    return;
  shared->source = g_idle_source_new ();
  g_source_set_priority (shared->source, G_PRIORITY_DEFAULT_IDLE);
  g_source_set_callback (shared->source, tell_cb, shared_ref (shared), shared_unref);
  g_source_attach (shared->source, shared->context);
}

static GstFlowReturn
picture_cb (GstAppSink *sink, gpointer user_data)
{
  Shared *shared = user_data;
  GstSample *sample = gst_app_sink_pull_sample (sink);

  if (sample == NULL)
    return GST_FLOW_EOS;
  g_mutex_lock (&shared->mutex);
  g_clear_pointer (&shared->picture, gst_sample_unref);
  shared->picture = sample;
  tell_soon (shared);
  g_mutex_unlock (&shared->mutex);
  return GST_FLOW_OK;
}

typedef struct
{
  Shared          *shared;
  TessScanDecoder *decoder;
} Codes;

static void
codes_free (gpointer data)
{
  Codes *codes = data;

  shared_unref (codes->shared);
  tess_scan_decoder_free (codes->decoder);
  g_free (codes);
}

static char **
decode (TessScanDecoder *decoder, GstSample *sample)
{
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  GstStructure *format = gst_caps_get_structure (gst_sample_get_caps (sample), 0);
  GstMapInfo map;
  int width = 0, height = 0;
  gsize stride;
  char **texts = NULL;

  if (!gst_structure_get_int (format, "width", &width) || !gst_structure_get_int (format, "height", &height) || width <= 0 || height <= 0
      || !gst_buffer_map (buffer, &map, GST_MAP_READ))
    return NULL;
  stride = (gsize) GST_ROUND_UP_4 (width); /* as GStreamer lays out GRAY8 */
  if (map.size >= stride * (gsize) height)
    texts = tess_scan_decoder_decode (decoder, map.data, (guint) width, (guint) height, stride, TESS_SCAN_QUICK);
  gst_buffer_unmap (buffer, &map);
  return texts;
}

static GstFlowReturn
codes_cb (GstAppSink *sink, gpointer user_data)
{
  Codes *codes = user_data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  g_auto (GStrv) texts = NULL;

  if (sample == NULL)
    return GST_FLOW_EOS;
  texts = decode (codes->decoder, sample);
  if (texts == NULL || texts[0] == NULL)
    return GST_FLOW_OK;
  g_mutex_lock (&codes->shared->mutex);
  g_strfreev (codes->shared->texts);
  codes->shared->texts = g_steal_pointer (&texts);
  tell_soon (codes->shared);
  g_mutex_unlock (&codes->shared->mutex);
  return GST_FLOW_OK;
}

/* --- what went wrong ------------------------------------------------------------------------------------------------------------ */

static GError *
no_camera (void)
{
  return g_error_new_literal (TESS_SCAN_ERROR, TESS_SCAN_ERROR_NO_CAMERA,
                              _ ("No camera was found. Open a picture of the code instead, or compare by hand."));
}

static GError *
not_allowed (void)
{
  return g_error_new_literal (
    TESS_SCAN_ERROR, TESS_SCAN_ERROR_NO_CAMERA,
    _ ("Tessera was not allowed to use the camera. Allow it in the settings of your desktop, or open a picture of the code."));
}

static GError *
part_missing (void)
{
  return g_error_new_literal (TESS_SCAN_ERROR, TESS_SCAN_ERROR_CAMERA, _ ("The camera cannot be used: a part of GStreamer is missing."));
}

/* In words for a person what GStreamer said in its own. */
static GError *
in_words (const GError *said)
{
  if (said->domain == GST_PARSE_ERROR || g_error_matches (said, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN))
    return part_missing ();
  if (said->domain == GST_RESOURCE_ERROR)
    switch (said->code)
      {
      case GST_RESOURCE_ERROR_NOT_FOUND:
        return no_camera ();
      case GST_RESOURCE_ERROR_NOT_AUTHORIZED:
      case GST_RESOURCE_ERROR_OPEN_READ:
      case GST_RESOURCE_ERROR_OPEN_READ_WRITE:
        return not_allowed ();
      case GST_RESOURCE_ERROR_BUSY:
        return g_error_new_literal (TESS_SCAN_ERROR, TESS_SCAN_ERROR_CAMERA, _ ("Another program uses the camera. Close it and try again."));
      default:
        break;
      }
  return g_error_new_literal (TESS_SCAN_ERROR, TESS_SCAN_ERROR_CAMERA,
                              _ ("The camera does not give a picture. Perhaps another program uses it; close that and try again."));
}

/* @error: (transfer full) */
static void
fail (TessScanCamera *self, GError *error)
{
  g_autoptr (TessScanCamera) alive = g_object_ref (self);

  tess_scan_camera_stop (alive);
  g_signal_emit (alive, signals[FAILED], 0, error);
  g_error_free (error);
}

static gboolean
message_cb (GstBus *bus, GstMessage *message, gpointer user_data)
{
  TessScanCamera *self = user_data;
  g_autoptr (GError) said = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    {
      gst_message_parse_error (message, &said, NULL);
      g_message ("the camera: %s", said->message);
      fail (self, in_words (said));
      return G_SOURCE_REMOVE;
    }
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    {
      fail (self, g_error_new_literal (TESS_SCAN_ERROR, TESS_SCAN_ERROR_CAMERA, _ ("The camera was switched off.")));
      return G_SOURCE_REMOVE;
    }
  return G_SOURCE_CONTINUE;
}

/* --- opening it: in a thread, because plugins are looked through and devices asked --------------------------------------------- */

typedef struct
{
  Shared  *shared;
  char    *described; /* nullable: TESSERA_CAMERA */
  gboolean portal;
  guint    index;
  char   **names;     /* nullable: what was found */
} Opening;

static void
opening_free (gpointer data)
{
  Opening *opening = data;

  shared_unref (opening->shared);
  g_free (opening->described);
  g_strfreev (opening->names);
  g_free (opening);
}

static const char *
caps_for (GstDevice *device)
{
  g_autoptr (GstCaps) has = gst_device_get_caps (device);
  g_autoptr (GstCaps) good = gst_caps_from_string (GOOD);

  return has != NULL && gst_caps_can_intersect (has, good) ? GOOD : ANY;
}

/* For a system where nothing tells of devices. */
static GstElement *
plain_device (void)
{
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *path = g_strdup_printf ("/dev/video%u", i);
      GstElement *source = g_file_test (path, G_FILE_TEST_EXISTS) ? gst_element_factory_make ("v4l2src", NULL) : NULL;

      if (source != NULL)
        {
          g_object_set (source, "device", path, NULL);
          return source;
        }
    }
  return NULL;
}

/* Returns: (transfer floating) (nullable) */
static GstElement *
find_source (Opening *opening, const char **caps)
{
  g_autoptr (GstDeviceMonitor) monitor = gst_device_monitor_new ();
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  GList *devices = NULL;
  GstDevice *chosen;
  GstElement *source = NULL;

  gst_device_monitor_add_filter (monitor, "Video/Source", NULL);
  if (gst_device_monitor_start (monitor))
    {
      devices = gst_device_monitor_get_devices (monitor);
      gst_device_monitor_stop (monitor);
    }
  for (GList *at = devices; at != NULL; at = at->next)
    {
      g_autofree char *name = gst_device_get_display_name (at->data);

      g_strv_builder_add (names, name);
    }
  opening->names = g_strv_builder_end (names);
  chosen = g_list_nth_data (devices, opening->index);
  if (chosen == NULL)
    chosen = g_list_nth_data (devices, 0);
  if (chosen != NULL)
    {
      *caps = caps_for (chosen);
      source = gst_device_create_element (chosen, NULL);
    }
  g_list_free_full (devices, gst_object_unref);
  return source != NULL ? source : plain_device ();
}

static GstElement *
portal_source (Shared *shared)
{
  GstElement *source = gst_element_factory_make ("pipewiresrc", NULL);

  g_mutex_lock (&shared->switching);
  if (source != NULL)
    g_object_set (source, "fd", shared->fd, NULL);
  g_mutex_unlock (&shared->switching);
  return source;
}

static void
watch (GstElement *pipeline, const char *name, GstFlowReturn (*arrived) (GstAppSink *, gpointer), gpointer data, GDestroyNotify free)
{
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstAppSinkCallbacks callbacks = { .new_sample = arrived };

  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, data, free);
}

/* @front: as gst-launch writes it. Returns: (transfer full) (nullable) */
static GstElement *
pipeline_behind (Shared *shared, const char *front, GError **error)
{
  g_autofree char *text = g_strconcat (front, BRANCHES, NULL);
  g_autoptr (GError) said = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, &said);
  Codes *codes;

  if (pipeline != NULL)
    gst_object_ref_sink (pipeline);
  if (said != NULL || pipeline == NULL)
    {
      g_message ("the camera: %s", said != NULL ? said->message : "no pipeline");
      g_propagate_error (error, part_missing ());
      return NULL;
    }
  codes = g_new0 (Codes, 1);
  codes->shared = shared_ref (shared);
  codes->decoder = tess_scan_decoder_new ();
  watch (pipeline, "picture", picture_cb, shared_ref (shared), shared_unref);
  watch (pipeline, "codes", codes_cb, codes, codes_free);
  return g_steal_pointer (&pipeline);
}

static GstElement *
build (Opening *opening, GError **error)
{
  const char *caps = opening->portal ? GOOD ";" ANY : ANY;
  g_autofree char *front = NULL;
  g_autoptr (GstElement) source = NULL;
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstElement) entry = NULL;

  if (opening->described != NULL)
    return pipeline_behind (opening->shared, opening->described, error);
  source = opening->portal ? portal_source (opening->shared) : find_source (opening, &caps);
  if (source == NULL)
    {
      g_propagate_error (error, opening->portal ? part_missing () : no_camera ());
      return NULL;
    }
  gst_object_ref_sink (source);
  front = g_strdup_printf ("capsfilter name=entry caps=\"%s\" ! decodebin", caps);
  pipeline = pipeline_behind (opening->shared, front, error);
  if (pipeline == NULL)
    return NULL;
  entry = gst_bin_get_by_name (GST_BIN (pipeline), "entry");
  gst_bin_add (GST_BIN (pipeline), source);
  if (gst_element_link (source, entry))
    return g_steal_pointer (&pipeline);
  g_set_error_literal (error, TESS_SCAN_ERROR, TESS_SCAN_ERROR_CAMERA, _ ("The camera gives no picture that can be shown."));
  return NULL;
}

static void
open_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Opening *opening = task_data;
  g_autoptr (GError) said = NULL;
  GError *error = NULL;
  GstElement *pipeline;

  if (!gst_init_check (NULL, NULL, &said))
    {
      g_message ("the camera: %s", said->message);
      g_task_return_error (task, part_missing ());
      return;
    }
  pipeline = build (opening, &error);
  if (pipeline == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  switch_on (opening->shared, pipeline);
  g_task_return_pointer (task, pipeline, gst_object_unref);
}

static void
opened_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Opening *opening = g_task_get_task_data (G_TASK (result));
  g_autoptr (TessScanCamera) self = shared_get_camera (opening->shared);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = g_task_propagate_pointer (G_TASK (result), &error);
  g_autoptr (GstBus) bus = NULL;

  if (self == NULL)
    return;
  g_strfreev (self->names);
  self->names = g_steal_pointer (&opening->names);
  if (pipeline == NULL)
    {
      fail (self, g_steal_pointer (&error));
      return;
    }
  /* What it said meanwhile has waited there. */
  bus = gst_element_get_bus (pipeline);
  self->bus_source = gst_bus_create_watch (bus);
  g_source_set_callback (self->bus_source, G_SOURCE_FUNC (message_cb), self, NULL);
  g_source_attach (self->bus_source, self->shared->context);
}

static void
open_async (TessScanCamera *self, const char *described, gboolean portal)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, opened_cb, NULL);
  Opening *opening = g_new0 (Opening, 1);

  opening->shared = shared_ref (self->shared);
  opening->described = g_strdup (described);
  opening->portal = portal;
  opening->index = self->index;
  g_task_set_source_tag (task, open_async);
  g_task_set_task_data (task, opening, opening_free);
  g_task_run_in_thread (task, open_in_thread);
}

/* --- the portal ----------------------------------------------------------------------------------------------------------------- */

static void
allowed_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Shared) shared = user_data;
  g_autoptr (TessScanCamera) self = shared_get_camera (shared);
  g_autoptr (GError) error = NULL;
  gboolean allowed = xdp_portal_access_camera_finish (XDP_PORTAL (object), result, &error);

  if (self == NULL) /* stopped meanwhile, perhaps even started anew */
    return;
  if (!allowed)
    {
      g_message ("the camera: %s", error != NULL ? error->message : "not allowed");
      fail (self, xdp_portal_is_camera_present (self->portal) ? not_allowed () : no_camera ());
      return;
    }
  shared->fd = xdp_portal_open_pipewire_remote_for_camera (self->portal);
  if (shared->fd < 0)
    fail (self, no_camera ());
  else
    open_async (self, NULL, TRUE);
}

/* --- public --------------------------------------------------------------------------------------------------------------------- */

void
tess_scan_camera_start (TessScanCamera *self)
{
  const char *described = g_getenv ("TESSERA_CAMERA");

  g_return_if_fail (TESS_IS_SCAN_CAMERA (self));

  if (self->shared != NULL)
    return;
  self->shared = shared_new (self);
  if (described != NULL || !xdp_portal_running_under_sandbox ())
    {
      open_async (self, described, FALSE);
      return;
    }
  self->cancellable = g_cancellable_new ();
  self->portal = xdp_portal_new ();
  xdp_portal_access_camera (self->portal, NULL, XDP_CAMERA_FLAG_NONE, self->cancellable, allowed_cb, shared_ref (self->shared));
}

void
tess_scan_camera_stop (TessScanCamera *self)
{
  g_autoptr (Shared) shared = NULL;

  g_return_if_fail (TESS_IS_SCAN_CAMERA (self));

  shared = g_steal_pointer (&self->shared);
  if (shared != NULL)
    {
      g_mutex_lock (&shared->mutex);
      shared->stopped = TRUE;
      if (shared->source != NULL)
        g_source_destroy (shared->source);
      g_clear_pointer (&shared->source, g_source_unref);
      g_mutex_unlock (&shared->mutex);
      switch_off (shared);
    }
  if (self->bus_source != NULL)
    g_source_destroy (self->bus_source);
  g_clear_pointer (&self->bus_source, g_source_unref);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->portal);
}

const char *const *
tess_scan_camera_get_names (TessScanCamera *self)
{
  static const char *const none[] = { NULL };

  g_return_val_if_fail (TESS_IS_SCAN_CAMERA (self), none);

  return self->names != NULL ? (const char *const *) self->names : none;
}

void
tess_scan_camera_set_index (TessScanCamera *self, guint index)
{
  g_return_if_fail (TESS_IS_SCAN_CAMERA (self));

  if (self->index == index)
    return;
  self->index = index;
  if (self->shared == NULL)
    return;
  tess_scan_camera_stop (self);
  tess_scan_camera_start (self);
}

gboolean
tess_scan_camera_get_running (TessScanCamera *self)
{
  g_return_val_if_fail (TESS_IS_SCAN_CAMERA (self), FALSE);

  return self->shared != NULL;
}

static void
tess_scan_camera_dispose (GObject *object)
{
  tess_scan_camera_stop (TESS_SCAN_CAMERA (object));
  G_OBJECT_CLASS (tess_scan_camera_parent_class)->dispose (object);
}

static void
tess_scan_camera_finalize (GObject *object)
{
  g_strfreev (TESS_SCAN_CAMERA (object)->names);
  G_OBJECT_CLASS (tess_scan_camera_parent_class)->finalize (object);
}

static void
tess_scan_camera_class_init (TessScanCameraClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_scan_camera_dispose;
  G_OBJECT_CLASS (klass)->finalize = tess_scan_camera_finalize;
  signals[FRAME] = g_signal_new ("frame", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3, G_TYPE_BYTES, G_TYPE_UINT, G_TYPE_UINT);
  signals[CODE] = g_signal_new ("code", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[FAILED] = g_signal_new ("failed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
tess_scan_camera_init (TessScanCamera *self)
{
}

TessScanCamera *
tess_scan_camera_new (void)
{
  return g_object_new (TESS_TYPE_SCAN_CAMERA, NULL);
}
