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
  "all. ! queue leaky=downstream max-size-buffers=1 ! videorate drop-only=true max-rate=20 ! videoconvert ! "             \
  "appsink name=picture caps=video/x-raw,format=RGBA max-buffers=1 drop=true sync=false "                                 \
  "all. ! queue leaky=downstream max-size-buffers=1 ! videorate drop-only=true max-rate=12 ! videoconvert ! "             \
  "appsink name=codes caps=video/x-raw,format=GRAY8 max-buffers=1 drop=true sync=false"

/* What GStreamer's threads and the main thread share. It outlives the camera when a sample is on its way. */
typedef struct
{
  gatomicrefcount references;
  GMutex          mutex;
  GWeakRef        camera;
  GMainContext   *context;
  GstSample      *picture;  /* nullable: not shown yet */
  char           *text;     /* nullable: not told yet */
  GSource        *source;   /* attached while there is something to tell */
  gboolean        stopped;
} Shared;

struct _TessScanCamera
{
  GObject parent_instance;

  GstElement   *pipeline; /* nullable */
  GstBus       *bus;
  GSource      *bus_source;
  Shared       *shared;
  XdpPortal    *portal;   /* while it is asked, and while its stream is used */
  GCancellable *cancellable; /* not nullable while it starts or runs */
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
  g_weak_ref_clear (&self->camera);
  g_main_context_unref (self->context);
  g_clear_pointer (&self->picture, gst_sample_unref);
  g_free (self->text);
  g_free (self);
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
  g_autoptr (TessScanCamera) self = g_weak_ref_get (&shared->camera);
  g_autoptr (GstSample) picture = NULL;
  g_autofree char *text = NULL;
  gboolean stopped;

  g_mutex_lock (&shared->mutex);
  picture = g_steal_pointer (&shared->picture);
  text = g_steal_pointer (&shared->text);
  stopped = shared->stopped;
  g_clear_pointer (&shared->source, g_source_unref);
  g_mutex_unlock (&shared->mutex);

  if (self != NULL && picture != NULL && !stopped)
    emit_frame (self, picture);
  /* Whoever saw the frame may have stopped it. */
  if (self != NULL && text != NULL && self->shared == shared)
    g_signal_emit (self, signals[CODE], 0, text);
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
  g_free (codes->shared->text);
  codes->shared->text = g_strdup (texts[0]);
  tell_soon (codes->shared);
  g_mutex_unlock (&codes->shared->mutex);
  return GST_FLOW_OK;
}

/* --- the pipeline --------------------------------------------------------------------------------------------------------------- */

static void
fail (TessScanCamera *self, TessScanError code, const char *sentence, const char *detail)
{
  g_autoptr (GError) error = g_error_new_literal (TESS_SCAN_ERROR, code, sentence);

  g_message ("the camera: %s", detail != NULL ? detail : sentence);
  g_object_ref (self);
  tess_scan_camera_stop (self);
  g_signal_emit (self, signals[FAILED], 0, error);
  g_object_unref (self);
}

static gboolean
message_cb (GstBus *bus, GstMessage *message, gpointer user_data)
{
  TessScanCamera *self = user_data;
  g_autoptr (GError) error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    {
      gst_message_parse_error (message, &error, NULL);
      fail (self, TESS_SCAN_ERROR_CAMERA,
            _ ("The camera does not give a picture. Perhaps another program uses it; close that and try again."), error->message);
      return G_SOURCE_REMOVE;
    }
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    {
      fail (self, TESS_SCAN_ERROR_CAMERA, _ ("The camera was switched off."), NULL);
      return G_SOURCE_REMOVE;
    }
  return G_SOURCE_CONTINUE;
}

static void
watch (TessScanCamera *self, const char *name, GstFlowReturn (*arrived) (GstAppSink *, gpointer), gpointer data, GDestroyNotify free)
{
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (self->pipeline), name);
  GstAppSinkCallbacks callbacks = { .new_sample = arrived };

  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, data, free);
}

/* @source: (transfer floating) (nullable): else what TESSERA_CAMERA says stands in front */
static void
run (TessScanCamera *self, GstElement *source, const char *described)
{
  g_autofree char *text = g_strconcat (described != NULL ? described : "identity name=entry", BRANCHES, NULL);
  g_autoptr (GError) error = NULL;
  Codes *codes;

  self->pipeline = gst_parse_launch (text, &error);
  if (self->pipeline == NULL || error != NULL)
    {
      g_clear_pointer (&source, gst_object_unref);
      fail (self, TESS_SCAN_ERROR_CAMERA, _ ("The camera cannot be used: a part of GStreamer is missing."), error != NULL ? error->message : NULL);
      return;
    }
  gst_object_ref_sink (self->pipeline);
  if (source != NULL)
    {
      g_autoptr (GstElement) entry = gst_bin_get_by_name (GST_BIN (self->pipeline), "entry");

      gst_bin_add (GST_BIN (self->pipeline), source);
      if (!gst_element_link (source, entry))
        {
          fail (self, TESS_SCAN_ERROR_CAMERA, _ ("The camera gives no picture that can be shown."), "not linked");
          return;
        }
    }

  self->shared = g_new0 (Shared, 1);
  g_atomic_ref_count_init (&self->shared->references);
  g_mutex_init (&self->shared->mutex);
  g_weak_ref_init (&self->shared->camera, self);
  self->shared->context = g_main_context_ref_thread_default ();
  codes = g_new0 (Codes, 1);
  codes->shared = shared_ref (self->shared);
  codes->decoder = tess_scan_decoder_new ();
  watch (self, "picture", picture_cb, shared_ref (self->shared), shared_unref);
  watch (self, "codes", codes_cb, codes, codes_free);

  self->bus = gst_element_get_bus (self->pipeline);
  self->bus_source = gst_bus_create_watch (self->bus);
  g_source_set_callback (self->bus_source, G_SOURCE_FUNC (message_cb), self, NULL);
  g_source_attach (self->bus_source, self->shared->context);
  /* What goes wrong is told by the bus. */
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
}

/* --- finding one ---------------------------------------------------------------------------------------------------------------- */

static void
no_camera (TessScanCamera *self)
{
  fail (self, TESS_SCAN_ERROR_NO_CAMERA, _ ("No camera was found. Open a picture of the code instead, or compare by hand."), NULL);
}

static GstElement *
find_source (void)
{
  g_autoptr (GstDeviceMonitor) monitor = gst_device_monitor_new ();
  GList *devices;
  GstElement *source = NULL;

  gst_device_monitor_add_filter (monitor, "Video/Source", NULL);
  if (!gst_device_monitor_start (monitor))
    return NULL;
  devices = gst_device_monitor_get_devices (monitor);
  for (GList *at = devices; at != NULL && source == NULL; at = at->next)
    source = gst_device_create_element (at->data, NULL);
  g_list_free_full (devices, gst_object_unref);
  gst_device_monitor_stop (monitor);
  return source;
}

static void
allowed_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessScanCamera) self = TESS_SCAN_CAMERA (user_data);
  g_autoptr (GError) error = NULL;
  gboolean allowed = xdp_portal_access_camera_finish (XDP_PORTAL (object), result, &error);
  GstElement *source;
  int fd;

  /* It was stopped meanwhile, perhaps even started anew. */
  if (self->portal != XDP_PORTAL (object) || self->cancellable == NULL || self->pipeline != NULL)
    return;
  if (!allowed)
    {
      fail (self, TESS_SCAN_ERROR_NO_CAMERA, _ ("Tessera was not allowed to use the camera. Allow it in the settings of your desktop, or open a picture of the code."),
            error != NULL ? error->message : NULL);
      return;
    }
  fd = xdp_portal_open_pipewire_remote_for_camera (self->portal);
  source = fd >= 0 ? gst_element_factory_make ("pipewiresrc", NULL) : NULL;
  if (source == NULL)
    {
      if (fd >= 0)
        close (fd);
      no_camera (self);
      return;
    }
  g_object_set (source, "fd", fd, NULL); /* the element's own from here on */
  run (self, source, NULL);
}

void
tess_scan_camera_start (TessScanCamera *self)
{
  const char *described = g_getenv ("TESSERA_CAMERA");
  g_autoptr (GError) error = NULL;
  GstElement *source;

  g_return_if_fail (TESS_IS_SCAN_CAMERA (self));

  if (self->cancellable != NULL)
    return;
  self->cancellable = g_cancellable_new ();
  if (!gst_init_check (NULL, NULL, &error))
    fail (self, TESS_SCAN_ERROR_CAMERA, _ ("The camera cannot be used: a part of GStreamer is missing."), error->message);
  else if (described != NULL)
    run (self, NULL, described);
  else if (xdp_portal_running_under_sandbox ())
    {
      self->portal = xdp_portal_new ();
      xdp_portal_access_camera (self->portal, NULL, XDP_CAMERA_FLAG_NONE, self->cancellable, allowed_cb, g_object_ref (self));
    }
  else
    {
      source = find_source ();
      if (source != NULL)
        run (self, source, NULL);
      else
        no_camera (self);
    }
}

void
tess_scan_camera_stop (TessScanCamera *self)
{
  g_return_if_fail (TESS_IS_SCAN_CAMERA (self));

  if (self->shared != NULL)
    {
      g_mutex_lock (&self->shared->mutex);
      self->shared->stopped = TRUE;
      if (self->shared->source != NULL)
        g_source_destroy (self->shared->source);
      g_clear_pointer (&self->shared->source, g_source_unref);
      g_mutex_unlock (&self->shared->mutex);
    }
  if (self->bus_source != NULL)
    g_source_destroy (self->bus_source);
  g_clear_pointer (&self->bus_source, g_source_unref);
  g_clear_object (&self->bus);
  if (self->pipeline != NULL)
    gst_element_set_state (self->pipeline, GST_STATE_NULL); /* waits until the device is closed */
  g_clear_pointer (&self->pipeline, gst_object_unref);
  g_clear_pointer (&self->shared, shared_unref);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->portal);
}

gboolean
tess_scan_camera_get_running (TessScanCamera *self)
{
  g_return_val_if_fail (TESS_IS_SCAN_CAMERA (self), FALSE);

  return self->cancellable != NULL;
}

static void
tess_scan_camera_dispose (GObject *object)
{
  tess_scan_camera_stop (TESS_SCAN_CAMERA (object));
  G_OBJECT_CLASS (tess_scan_camera_parent_class)->dispose (object);
}

static void
tess_scan_camera_class_init (TessScanCameraClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_scan_camera_dispose;
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
