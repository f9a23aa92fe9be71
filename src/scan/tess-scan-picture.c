/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-scan"

#include "config.h"

#include "scan/tess-scan-picture.h"

#include "scan/tess-scan-decoder.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#define LONGEST_BMP_HEAD 124 /* bytes: BITMAPV5HEADER */
#define MOST_BMP_COLORS 256

G_DEFINE_QUARK (tess-scan-error, tess_scan_error)

static GError *
unreadable (void)
{
  return g_error_new_literal (TESS_SCAN_ERROR, TESS_SCAN_ERROR_UNREADABLE, _ ("This is not a picture that can be read. Try a PNG or JPEG file."));
}

static GError *
too_large (void)
{
  return g_error_new_literal (TESS_SCAN_ERROR, TESS_SCAN_ERROR_TOO_LARGE, _ ("This picture is too large. Cut out the part that shows the code."));
}

/* The loader for what the first bytes say; NULL for everything else, vector graphics among it. */
static const char *
format_of (const guint8 *data, gsize length)
{
  static const struct
  {
    const char *magic;
    gsize       length;
    const char *format;
  } formats[] = {
    { "\x89PNG\r\n\x1a\n", 8, "png" },
    { "\xff\xd8\xff", 3, "jpeg" },
    { "GIF87a", 6, "gif" },
    { "GIF89a", 6, "gif" },
    { "BM", 2, "bmp" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (length >= formats[i].length && memcmp (data, formats[i].magic, formats[i].length) == 0)
      return formats[i].format;
  return length >= 12 && memcmp (data, "RIFF", 4) == 0 && memcmp (data + 8, "WEBP", 4) == 0 ? "webp" : NULL;
}

/* Before memory is taken for the pixels. */
static void
size_prepared_cb (GdkPixbufLoader *loader, int width, int height, gpointer user_data)
{
  gboolean *refused = user_data;

  if (width > 0 && height > 0 && width <= TESS_SCAN_MAX_SIDE && height <= TESS_SCAN_MAX_SIDE && (gint64) width * height <= TESS_SCAN_MAX_PIXELS)
    return;
  *refused = TRUE;
  gdk_pixbuf_loader_set_size (loader, 0, 0); /* not 1, 1: BMP would take memory for all of it, and scale it down later */
}

static guint32
little (const guint8 *at)
{
  return at[0] | (guint32) at[1] << 8 | (guint32) at[2] << 16 | (guint32) at[3] << 24;
}

static guint32
big (const guint8 *at)
{
  return (guint32) at[0] << 24 | (guint32) at[1] << 16 | (guint32) at[2] << 8 | at[3];
}

/* Some loaders take memory for the pixels before they say how many there are, all read these places of the head. */
static gboolean
head_is_large (const char *format, const guint8 *data, gsize length)
{
  guint64 width = 0, height = 0;

  if (g_str_equal (format, "png") && length >= 24)
    {
      width = big (data + 16);
      height = big (data + 20);
    }
  else if (g_str_equal (format, "gif") && length >= 10)
    {
      width = data[6] | data[7] << 8;
      height = data[8] | data[9] << 8;
    }
  return width > TESS_SCAN_MAX_SIDE || height > TESS_SCAN_MAX_SIDE || width * height > TESS_SCAN_MAX_PIXELS;
}

/* BMP's loader takes as much memory as the head says that itself is long, the way from it to the pixels, and the table of colours. */
static gboolean
bmp_is_broken (const guint8 *data, gsize length)
{
  if (length < 18 || little (data + 10) > length || little (data + 14) > LONGEST_BMP_HEAD)
    return TRUE;
  return little (data + 14) >= 40 && (length < 54 || little (data + 46) > MOST_BMP_COLORS);
}

/* Behind blocks of up to 255 bytes, each with its length in front, and the empty one at their end. */
static gsize
behind_blocks (const guint8 *data, gsize length, gsize at)
{
  while (at < length && data[at] != 0)
    at += 1 + (gsize) data[at];
  return at + 1;
}

/* GIF's loader stumbles (a critical) over a frame without pixels. */
static gboolean
gif_is_broken (const guint8 *data, gsize length)
{
  gsize at = 13;

  if (length < at)
    return TRUE;
  if (data[10] & 0x80)
    at += (gsize) 6 << (data[10] & 7);
  while (at < length && data[at] != ';')
    if (data[at] == '!')
      at = behind_blocks (data, length, at + 2);
    else if (data[at] != ',')
      at++;
    else if (at + 10 > length)
      return FALSE;
    else if ((data[at + 5] | data[at + 6]) == 0 || (data[at + 7] | data[at + 8]) == 0)
      return TRUE;
    else
      at = behind_blocks (data, length, at + 11 + (data[at + 9] & 0x80 ? (gsize) 6 << (data[at + 9] & 7) : 0));
  return FALSE;
}

static GdkPixbuf *
load (GBytes *picture, GError **error)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (picture, &length);
  const char *format = format_of (data, length);
  g_autoptr (GdkPixbufLoader) loader = NULL;
  g_autoptr (GError) local_error = NULL;
  gboolean refused = FALSE;
  gboolean written;
  GdkPixbuf *pixbuf;

  if (length > TESS_SCAN_MAX_FILE || (format != NULL && head_is_large (format, data, length)))
    {
      g_propagate_error (error, too_large ());
      return NULL;
    }
  if (format != NULL &&
      ((g_str_equal (format, "bmp") && bmp_is_broken (data, length)) || (g_str_equal (format, "gif") && gif_is_broken (data, length))))
    format = NULL;
  loader = format != NULL ? gdk_pixbuf_loader_new_with_type (format, NULL) : NULL;
  if (loader == NULL)
    {
      g_propagate_error (error, unreadable ());
      return NULL;
    }
  g_signal_connect (loader, "size-prepared", G_CALLBACK (size_prepared_cb), &refused);
  written = gdk_pixbuf_loader_write (loader, data, length, &local_error);
  written = gdk_pixbuf_loader_close (loader, written ? &local_error : NULL) && written;
  pixbuf = written && !refused ? gdk_pixbuf_loader_get_pixbuf (loader) : NULL;
  if (pixbuf != NULL)
    return g_object_ref (pixbuf);
  g_debug ("a picture was not read: %s", local_error != NULL ? local_error->message : "refused");
  g_propagate_error (error, refused ? too_large () : unreadable ());
  return NULL;
}

typedef guint8 (*GreyOf) (const guint8 *pixel);

static guint
luma (guint red, guint green, guint blue) /* BT.601 */
{
  return (red * 77 + green * 150 + blue * 29) >> 8;
}

static guint8
grey_of_rgb (const guint8 *pixel)
{
  return (guint8) luma (pixel[0], pixel[1], pixel[2]);
}

/* What can be seen through is white. */
static guint8
grey_of_rgba (const guint8 *pixel)
{
  return (guint8) ((luma (pixel[0], pixel[1], pixel[2]) * pixel[3] + 255 * (255 - pixel[3])) / 255);
}

static guint8
grey_of_argb32 (const guint8 *pixel)
{
  guint32 word;

  memcpy (&word, pixel, sizeof word);
  return (guint8) MIN (255, luma (word >> 16 & 255, word >> 8 & 255, word & 255) + (255 - (word >> 24)));
}

/* @channels: bytes a pixel */
static char **
decode (const guint8 *pixels, guint width, guint height, gsize stride, guint channels, GreyOf grey_of, GError **error)
{
  g_autoptr (TessScanDecoder) decoder = tess_scan_decoder_new ();
  g_autofree guint8 *grey = g_malloc ((gsize) width * height);
  g_auto (GStrv) texts = NULL;

  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      grey[(gsize) y * width + x] = grey_of (pixels + y * stride + (gsize) x * channels);
  texts = tess_scan_decoder_decode (decoder, grey, width, height, width, TESS_SCAN_THOROUGH);
  if (texts[0] != NULL)
    return g_steal_pointer (&texts);
  g_set_error_literal (error, TESS_SCAN_ERROR, TESS_SCAN_ERROR_NO_CODE,
                       _ ("No QR code was found in this picture. It must show the whole code with its white border."));
  return NULL;
}

char **
tess_scan_bytes (GBytes *picture, GError **error)
{
  g_autoptr (GdkPixbuf) pixbuf = load (picture, error);

  if (pixbuf == NULL)
    return NULL;
  return decode (gdk_pixbuf_read_pixels (pixbuf), (guint) gdk_pixbuf_get_width (pixbuf), (guint) gdk_pixbuf_get_height (pixbuf),
                 (gsize) gdk_pixbuf_get_rowstride (pixbuf), (guint) gdk_pixbuf_get_n_channels (pixbuf),
                 gdk_pixbuf_get_has_alpha (pixbuf) ? grey_of_rgba : grey_of_rgb, error);
}

/* --- in a thread ------------------------------------------------------------------------------------------------------------ */

typedef struct
{
  GFile  *file;    /* nullable */
  GBytes *bytes;   /* nullable: a picture file's, or pixels */
  guint   width;   /* 0: not pixels */
  guint   height;
  gsize   stride;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_clear_object (&work->file);
  g_clear_pointer (&work->bytes, g_bytes_unref);
  g_free (work);
}

/* Not more than the limit and a byte, however long the file says that it is. */
static GBytes *
read_file (GFile *file, GCancellable *cancellable, GError **error)
{
  g_autoptr (GFileInputStream) stream = g_file_read (file, cancellable, error);
  g_autoptr (GByteArray) all = g_byte_array_new ();
  guint8 part[64 * 1024];
  gssize n;

  if (stream == NULL)
    return NULL;
  while ((n = g_input_stream_read (G_INPUT_STREAM (stream), part, sizeof part, cancellable, error)) > 0 && all->len <= TESS_SCAN_MAX_FILE)
    g_byte_array_append (all, part, (guint) n);
  return n < 0 ? NULL : g_byte_array_free_to_bytes (g_steal_pointer (&all));
}

static void
work_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Work *work = task_data;
  GError *error = NULL;
  char **texts = NULL;

  if (work->file != NULL)
    work->bytes = read_file (work->file, cancellable, &error);
  if (work->bytes != NULL)
    texts = work->width > 0 ? decode (g_bytes_get_data (work->bytes, NULL), work->width, work->height, work->stride, 4, grey_of_argb32, &error)
                            : tess_scan_bytes (work->bytes, &error);
  if (texts != NULL)
    g_task_return_pointer (task, texts, (GDestroyNotify) g_strfreev);
  else
    g_task_return_error (task, error);
}

static void
start (Work *work, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, tess_scan_picture_finish);
  g_task_set_task_data (task, work, work_free);
  g_task_set_return_on_cancel (task, TRUE);
  g_task_run_in_thread (task, work_in_thread);
}

void
tess_scan_file_async (GFile *file, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  Work *work = g_new0 (Work, 1);

  work->file = g_object_ref (file);
  start (work, cancellable, callback, user_data);
}

void
tess_scan_bytes_async (GBytes *picture, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  Work *work = g_new0 (Work, 1);

  work->bytes = g_bytes_ref (picture);
  start (work, cancellable, callback, user_data);
}

void
tess_scan_pixels_async (GBytes *pixels, guint width, guint height, gsize stride, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  Work *work;

  g_return_if_fail (width > 0 && height > 0 && stride / 4 >= width);
  g_return_if_fail (g_bytes_get_size (pixels) / stride >= height - 1 && g_bytes_get_size (pixels) - (height - 1) * stride >= (gsize) width * 4);

  if (width > TESS_SCAN_MAX_SIDE || height > TESS_SCAN_MAX_SIDE || (guint64) width * height > TESS_SCAN_MAX_PIXELS)
    {
      g_task_report_error (NULL, callback, user_data, tess_scan_picture_finish, too_large ());
      return;
    }
  work = g_new0 (Work, 1);
  work->bytes = g_bytes_ref (pixels);
  work->width = width;
  work->height = height;
  work->stride = stride;
  start (work, cancellable, callback, user_data);
}

char **
tess_scan_picture_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, tess_scan_picture_finish), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
