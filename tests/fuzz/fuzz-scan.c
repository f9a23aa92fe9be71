/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "scan/tess-scan-decoder.h"
#include "scan/tess-scan-picture.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <qrencode.h>
#include <string.h>

/* 'p' and a picture file; 'g', two sides, what a row is longer than its width, and grey pixels; 'c', a line with a text that is drawn
 * as a code, and changes to its pixels.
 *
 * - What comes out is UTF-8 of at most TESS_SCAN_MAX_TEXT bytes, each text once; or there is one of the room's errors.
 * - A code that is drawn as it should be says its text or nothing, and nothing when that is no UTF-8. */

#define MOST_PIXELS (128 * 128) /* of a file: more is only slower here */
#define MODULE 3
#define QUIET 4

void
fuzz_set_up (void)
{
}

static void
check_texts (char **texts)
{
  for (guint i = 0; texts[i] != NULL; i++)
    {
      g_assert_true (g_utf8_validate (texts[i], -1, NULL));
      g_assert_cmpuint (strlen (texts[i]), >, 0);
      g_assert_cmpuint (strlen (texts[i]), <=, TESS_SCAN_MAX_TEXT);
      for (guint k = 0; k < i; k++)
        g_assert_cmpstr (texts[i], !=, texts[k]);
    }
}

/* --- files --- */

static void
size_prepared_cb (GdkPixbufLoader *loader, int width, int height, gpointer user_data)
{
  *(gboolean *) user_data = (gint64) width * height > MOST_PIXELS && (gint64) width * height <= TESS_SCAN_MAX_PIXELS;
  gdk_pixbuf_loader_set_size (loader, 0, 0);
}

/* Its head is looked at by a loader that stops there. Those of BMP and GIF are only asked by
 * tess_scan_bytes (), which looks before. */
static gboolean
is_slow (const guint8 *data, gsize length)
{
  g_autoptr (GdkPixbufLoader) loader = NULL;
  gboolean slow = FALSE;

  if (length >= 10 && memcmp (data, "GIF", 3) == 0)
    return (gint64) (data[6] | data[7] << 8) * (data[8] | data[9] << 8) > MOST_PIXELS;
  if (length >= 26 && memcmp (data, "BM", 2) == 0)
    {
      gint32 sides[2];

      memcpy (sides, data + 18, 8);
      return (gint64) GINT32_FROM_LE (sides[0]) * ABS ((gint64) GINT32_FROM_LE (sides[1])) > MOST_PIXELS;
    }
  loader = gdk_pixbuf_loader_new ();
  g_signal_connect (loader, "size-prepared", G_CALLBACK (size_prepared_cb), &slow);
  gdk_pixbuf_loader_write (loader, data, length, NULL);
  gdk_pixbuf_loader_close (loader, NULL);
  return slow;
}

static void
check_picture (FuzzInput *input)
{
  g_autoptr (GBytes) picture = g_bytes_new_static (input->at, input->left);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) texts = NULL;

  if (is_slow (input->at, input->left))
    return;
  texts = tess_scan_bytes (picture, &error);
  g_assert_true ((texts != NULL) == (error == NULL));
  if (texts == NULL)
    {
      g_assert_true (error->domain == TESS_SCAN_ERROR);
      g_assert_cmpint (error->code, <=, TESS_SCAN_ERROR_TOO_LARGE);
      return;
    }
  g_assert_nonnull (texts[0]);
  check_texts (texts);
}

/* --- pixels --- */

/* @grey: of exactly the size that is needed, so that reading on is seen. Returns: (transfer full) */
static char **
decode_all (const guint8 *grey, guint width, guint height, gsize stride, guint turns)
{
  g_autoptr (TessScanDecoder) decoder = tess_scan_decoder_new ();

  for (guint turn = 0; turn < turns; turn++)
    {
      g_auto (GStrv) texts = tess_scan_decoder_decode (decoder, grey, width, height, stride, TESS_SCAN_QUICK);

      check_texts (texts);
    }
  return tess_scan_decoder_decode (decoder, grey, width, height, stride, TESS_SCAN_THOROUGH);
}

static void
check_pixels (FuzzInput *input)
{
  guint width = fuzz_take_byte (input), height = fuzz_take_byte (input);
  guint8 more = fuzz_take_byte (input);
  gsize stride = width + (more & 15u);
  guint turns = more >> 6; /* of the camera's ways of looking */
  gsize size = height > 0 ? (height - 1) * stride + width : 0;
  g_autofree guint8 *grey = g_malloc (size);
  g_auto (GStrv) texts = NULL;

  /* A small input fills a large picture. */
  for (gsize i = 0; i < size; i++)
    grey[i] = input->left > 0 ? input->at[i % input->left] : 0;
  texts = decode_all (grey, width, height, stride, turns);
  check_texts (texts);
}

/* --- codes --- */

static gboolean
change (guint8 *grey, gsize size, FuzzInput *input)
{
  gboolean changed = FALSE;

  while (input->left > 0)
    {
      gsize at = ((gsize) fuzz_take_byte (input) << 8 | fuzz_take_byte (input)) * 7 % size;
      guint8 value = fuzz_take_byte (input);
      gsize length = fuzz_take_byte (input);

      for (gsize i = at; i < MIN (at + length, size); i++)
        grey[i] ^= value;
      changed |= length > 0 && value != 0;
    }
  return changed;
}

static void
check_code (FuzzInput *input)
{
  const guint8 *end = memchr (input->at, '\n', input->left);
  gsize length = end != NULL ? (gsize) (end - input->at) : input->left;
  g_autofree char *text = g_strndup ((const char *) input->at, length);
  QRcode *code = length > 0 && length <= 300 ? QRcode_encodeData ((int) length, input->at, 0, QR_ECLEVEL_L) : NULL;
  gboolean says_it = g_utf8_validate_len ((const char *) input->at, length, NULL);
  g_auto (GStrv) texts = NULL;
  g_autofree guint8 *grey = NULL;
  gboolean changed;
  guint side;

  if (code == NULL)
    return;
  input->at += MIN (length + 1, input->left);
  input->left -= MIN (length + 1, input->left);
  side = (guint) (code->width + 2 * QUIET) * MODULE;
  grey = g_malloc ((gsize) side * side);
  memset (grey, 255, (gsize) side * side);
  for (guint y = 0; y < (guint) code->width * MODULE; y++)
    for (guint x = 0; x < (guint) code->width * MODULE; x++)
      if (code->data[y / MODULE * (guint) code->width + x / MODULE] & 1)
        grey[(gsize) (y + QUIET * MODULE) * side + x + QUIET * MODULE] = 0;
  QRcode_free (code);
  changed = change (grey, (gsize) side * side, input);
  texts = decode_all (grey, side, side, side, 0);
  check_texts (texts);
  if (changed)
    return;
  g_assert_cmpuint (g_strv_length (texts), <=, 1);
  if (texts[0] != NULL)
    {
      g_assert_true (says_it);
      g_assert_cmpstr (texts[0], ==, text);
    }
}

void
fuzz_one (const guint8 *data, gsize size)
{
  FuzzInput input = { data, size };

  switch (fuzz_take_byte (&input))
    {
    case 'p':
      check_picture (&input);
      break;
    case 'g':
      check_pixels (&input);
      break;
    case 'c':
      check_code (&input);
      break;
    default:
      break;
    }
}
