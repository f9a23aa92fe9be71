/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-scanner.h"

#include "scan/tess-scan-camera.h"
#include "scan/tess-scan-decoder.h"
#include "scan/tess-scan-picture.h"
#include "scan/tess-scan-screen.h"
#include "views/tess-views.h"

#include <glib/gi18n.h>

struct _TessScanner
{
  GtkWidget parent_instance;

  GtkPicture   *picture;
  GtkWidget    *frame;
  GtkWidget    *status;
  GtkSpinner   *spinner;
  GtkWidget    *status_icon;
  GtkLabel     *status_label;
  GtkWidget    *again;
  GtkLabel     *hint;
  GtkWidget    *problem_box;
  GtkLabel     *problem;
  GtkListBox   *ways;
  GtkWidget    *open;
  GtkWidget    *paste;
  GtkWidget    *screen;
  GtkWidget    *by_hand;

  TessScanCamera       *camera;
  GtkFileChooserNative *chooser; /* nullable */
  GCancellable         *cancellable;
  gboolean              wanted;
};

enum
{
  SCANNED,
  BY_HAND,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (TessScanner, tess_scanner, GTK_TYPE_WIDGET)

static void
scanned (TessScanner *self, const char *text, gboolean seen)
{
  tess_scanner_set_problem (self, NULL);
  g_signal_emit (self, signals[SCANNED], 0, text, seen);
}

/* --- the camera ----------------------------------------------------------------------------------------------------------------- */

/* @sentence: (nullable): why there is no picture */
static void
show_status (TessScanner *self, gboolean busy, const char *sentence)
{
  gtk_widget_set_visible (self->status, busy || sentence != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), busy);
  gtk_spinner_set_spinning (self->spinner, busy);
  gtk_widget_set_visible (self->status_icon, !busy);
  gtk_widget_set_visible (GTK_WIDGET (self->status_label), sentence != NULL);
  gtk_widget_set_visible (self->again, !busy && sentence != NULL);
  gtk_label_set_text (self->status_label, sentence != NULL ? sentence : "");
}

static void
camera_frame_cb (TessScanner *self, GBytes *rgba, guint width, guint height)
{
  g_autoptr (GdkTexture) texture = gdk_memory_texture_new ((int) width, (int) height, GDK_MEMORY_R8G8B8A8, rgba, (gsize) width * 4);

  gtk_picture_set_paintable (self->picture, GDK_PAINTABLE (texture));
  gtk_widget_set_visible (self->frame, TRUE);
  show_status (self, FALSE, NULL);
}

static void
camera_code_cb (TessScanner *self, const char *text)
{
  scanned (self, text, TRUE);
}

static void
forget_picture (TessScanner *self)
{
  gtk_picture_set_paintable (self->picture, NULL);
  gtk_widget_set_visible (self->frame, FALSE);
}

static void
camera_failed_cb (TessScanner *self, GError *error)
{
  forget_picture (self);
  show_status (self, FALSE, error->message);
}

static void
start (TessScanner *self)
{
  show_status (self, TRUE, NULL);
  tess_scan_camera_start (self->camera);
}

/* The light beside the lens goes out as soon as nobody looks. */
static void
follow (TessScanner *self)
{
  gboolean run = self->wanted && gtk_widget_get_mapped (GTK_WIDGET (self));

  if (run && !tess_scan_camera_get_running (self->camera))
    start (self);
  else if (!run)
    {
      tess_scan_camera_stop (self->camera);
      forget_picture (self);
    }
}

static void
tess_scanner_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (tess_scanner_parent_class)->map (widget);
  follow (TESS_SCANNER (widget));
}

static void
tess_scanner_unmap (GtkWidget *widget)
{
  TessScanner *self = TESS_SCANNER (widget);

  tess_scan_camera_stop (self->camera);
  forget_picture (self);
  GTK_WIDGET_CLASS (tess_scanner_parent_class)->unmap (widget);
}

/* --- pictures ------------------------------------------------------------------------------------------------------------------- */

static void
take_texts (TessScanner *self, char **texts, GError *error)
{
  /* Gone, or the person thought better of it. */
  if (self->cancellable == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (texts == NULL)
    {
      tess_scanner_set_problem (self, error->message);
      return;
    }
  /* Of several the one that is a code of ours. */
  for (guint i = 0; texts[i] != NULL; i++)
    if (g_ascii_strncasecmp (texts[i], "xmpp:", 5) == 0)
      {
        scanned (self, texts[i], TRUE);
        return;
      }
  scanned (self, texts[0], TRUE);
}

static void
picture_scanned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessScanner) self = TESS_SCANNER (user_data);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) texts = tess_scan_picture_finish (result, &error);

  take_texts (self, texts, error);
}

static void
screen_scanned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessScanner) self = TESS_SCANNER (user_data);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) texts = tess_scan_screen_finish (result, &error);

  take_texts (self, texts, error);
}

static void
scan_file (TessScanner *self, GFile *file)
{
  tess_scanner_set_problem (self, NULL);
  tess_scan_file_async (file, self->cancellable, picture_scanned_cb, g_object_ref (self));
}

static void
scan_texture (TessScanner *self, GdkTexture *texture)
{
  guint width = (guint) gdk_texture_get_width (texture);
  guint height = (guint) gdk_texture_get_height (texture);
  gsize stride = (gsize) width * 4;
  g_autoptr (GBytes) bytes = NULL;
  guint8 *pixels;

  tess_scanner_set_problem (self, NULL);
  if ((guint64) width * height > TESS_SCAN_MAX_PIXELS)
    {
      tess_scanner_set_problem (self, _("This picture is too large. Cut out the part that shows the code."));
      return;
    }
  pixels = g_malloc (stride * height);
  gdk_texture_download (texture, pixels, stride);
  bytes = g_bytes_new_take (pixels, stride * height);
  tess_scan_pixels_async (bytes, width, height, stride, self->cancellable, picture_scanned_cb, g_object_ref (self));
}

static void
scan_text (TessScanner *self, const char *text)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text));

  if (*stripped == '\0')
    tess_scanner_set_problem (self, _("There is neither a picture nor a code to paste. Copy one of them first."));
  else
    scanned (self, stripped, FALSE);
}

static void
scan_value (TessScanner *self, const GValue *value)
{
  if (G_VALUE_HOLDS (value, GDK_TYPE_FILE_LIST))
    {
      GSList *files = g_value_get_boxed (value);

      if (files != NULL)
        scan_file (self, files->data);
    }
  else if (G_VALUE_HOLDS (value, GDK_TYPE_TEXTURE))
    scan_texture (self, g_value_get_object (value));
  else if (G_VALUE_HOLDS_STRING (value))
    scan_text (self, g_value_get_string (value));
}

static gboolean
drop_cb (TessScanner *self, const GValue *value)
{
  scan_value (self, value);
  return TRUE;
}

static void
pasted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessScanner) self = TESS_SCANNER (user_data);
  const GValue *value = gdk_clipboard_read_value_finish (GDK_CLIPBOARD (source), result, NULL);

  if (self->cancellable == NULL)
    return;
  if (value != NULL)
    scan_value (self, value);
  else
    scan_text (self, "");
}

static const GType *
wanted_types (gsize *n)
{
  static GType types[3];

  types[0] = GDK_TYPE_TEXTURE;
  types[1] = GDK_TYPE_FILE_LIST;
  types[2] = G_TYPE_STRING;
  *n = G_N_ELEMENTS (types);
  return types;
}

void
tess_scanner_paste (TessScanner *self)
{
  GdkClipboard *clipboard;
  g_autoptr (GdkContentFormats) formats = NULL;
  const GType *types;
  gsize n;

  g_return_if_fail (TESS_IS_SCANNER (self));

  clipboard = gtk_widget_get_clipboard (GTK_WIDGET (self));
  types = wanted_types (&n);
  /* What can be made of what is there: a PNG is a texture, too. */
  formats = gdk_content_formats_union_deserialize_gtypes (gdk_content_formats_ref (gdk_clipboard_get_formats (clipboard)));
  for (gsize i = 0; i < n; i++)
    if (gdk_content_formats_contain_gtype (formats, types[i]))
      {
        gdk_clipboard_read_value_async (clipboard, types[i], G_PRIORITY_DEFAULT, self->cancellable, pasted_cb, g_object_ref (self));
        return;
      }
  scan_text (self, "");
}

static void
chosen_cb (TessScanner *self, int response)
{
  g_autoptr (GtkFileChooserNative) chooser = g_steal_pointer (&self->chooser);
  g_autoptr (GFile) file = response == GTK_RESPONSE_ACCEPT ? gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser)) : NULL;

  if (file != NULL)
    scan_file (self, file);
}

static void
open_picture (TessScanner *self)
{
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

  if (self->chooser != NULL)
    return;
  self->chooser = gtk_file_chooser_native_new (_("Open a Picture of the Code"), GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))),
                                               GTK_FILE_CHOOSER_ACTION_OPEN, NULL, NULL);
  gtk_file_filter_set_name (filter, _("Pictures"));
  gtk_file_filter_add_pixbuf_formats (filter);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), filter);
  g_signal_connect_swapped (self->chooser, "response", G_CALLBACK (chosen_cb), self);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
way_activated_cb (TessScanner *self, GtkListBoxRow *row)
{
  GtkWidget *way = GTK_WIDGET (row);

  if (way == self->open)
    open_picture (self);
  else if (way == self->paste)
    tess_scanner_paste (self);
  else if (way == self->by_hand)
    g_signal_emit (self, signals[BY_HAND], 0);
  else
    {
      tess_scanner_set_problem (self, NULL);
      tess_scan_screen_async (self->cancellable, screen_scanned_cb, g_object_ref (self));
    }
}

/* --- object --------------------------------------------------------------------------------------------------------------------- */

static void
tess_scanner_dispose (GObject *object)
{
  TessScanner *self = TESS_SCANNER (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  if (self->camera != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->camera, self);
      tess_scan_camera_stop (self->camera);
    }
  g_clear_object (&self->camera);
  if (self->chooser != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->chooser, self);
      gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
    }
  g_clear_object (&self->chooser);
  tess_views_dispose (GTK_WIDGET (self), TESS_TYPE_SCANNER);
  G_OBJECT_CLASS (tess_scanner_parent_class)->dispose (object);
}

static void
tess_scanner_class_init (TessScannerClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_scanner_dispose;
  widget_class->map = tess_scanner_map;
  widget_class->unmap = tess_scanner_unmap;
  signals[SCANNED] = g_signal_new ("scanned", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING,
                                   G_TYPE_BOOLEAN);
  signals[BY_HAND] = g_signal_new ("by-hand", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/scanner.ui");
  gtk_widget_class_bind_template_child (widget_class, TessScanner, picture);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, frame);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, status);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, spinner);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, status_icon);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, status_label);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, again);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, hint);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, problem_box);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, problem);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, ways);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, open);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, paste);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, screen);
  gtk_widget_class_bind_template_child (widget_class, TessScanner, by_hand);
  gtk_widget_class_bind_template_callback (widget_class, start);
  gtk_widget_class_bind_template_callback (widget_class, way_activated_cb);
}

static void
tess_scanner_init (TessScanner *self)
{
  GtkDropTarget *drop = gtk_drop_target_new (G_TYPE_INVALID, GDK_ACTION_COPY);
  gsize n;
  const GType *types = wanted_types (&n);

  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
  self->camera = tess_scan_camera_new ();
  g_signal_connect_swapped (self->camera, "frame", G_CALLBACK (camera_frame_cb), self);
  g_signal_connect_swapped (self->camera, "code", G_CALLBACK (camera_code_cb), self);
  g_signal_connect_swapped (self->camera, "failed", G_CALLBACK (camera_failed_cb), self);
  gtk_drop_target_set_gtypes (drop, (GType *) types, n);
  g_signal_connect_swapped (drop, "drop", G_CALLBACK (drop_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drop));
  show_status (self, FALSE, NULL);
}

void
tess_scanner_set_hint (TessScanner *self, const char *hint)
{
  g_return_if_fail (TESS_IS_SCANNER (self));
  gtk_label_set_text (self->hint, hint);
}

void
tess_scanner_set_wanted (TessScanner *self, gboolean wanted)
{
  g_return_if_fail (TESS_IS_SCANNER (self));
  self->wanted = wanted;
  follow (self);
}

void
tess_scanner_set_problem (TessScanner *self, const char *problem)
{
  g_return_if_fail (TESS_IS_SCANNER (self));
  gtk_label_set_text (self->problem, problem != NULL ? problem : "");
  gtk_widget_set_visible (self->problem_box, problem != NULL);
}
