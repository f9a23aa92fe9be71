/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-scan"

#include "config.h"

#include "scan/tess-scan-decoder.h"

#include <math.h>
#include <string.h>
#include <zbar.h>

#define SMALL_SIDE 700  /* below it a picture is also looked at in double size */
#define LARGE_SIDE 1600 /* above it first at a part of its size: noise and moiré go, and it is faster */
#define N_WAYS (TESS_SCAN_TURNS / 6)
#define TILT 0.07 /* of the shorter side: how much a code is set upright that leans away */
#define MANY_PIXELS (8 * 1000 * 1000) /* above it the whole is looked at only as it is: eight times longer it would take seconds */

struct _TessScanDecoder
{
  zbar_image_scanner_t *scanner;
  guint                 turn; /* of the next quick pass */
};

/* A grey picture without gaps between its rows. */
typedef struct
{
  guint8 *pixels;
  guint   width;
  guint   height;
} Grey;

static void
grey_clear (Grey *grey)
{
  g_free (grey->pixels);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Grey, grey_clear)

TessScanDecoder *
tess_scan_decoder_new (void)
{
  TessScanDecoder *self = g_new0 (TessScanDecoder, 1);

  self->scanner = zbar_image_scanner_create ();
  zbar_image_scanner_set_config (self->scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0);
  zbar_image_scanner_set_config (self->scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
  /* The bytes as they are: else zbar guesses a character set. */
  zbar_image_scanner_set_config (self->scanner, ZBAR_QRCODE, ZBAR_CFG_BINARY, 1);
  return self;
}

void
tess_scan_decoder_free (TessScanDecoder *self)
{
  if (self == NULL)
    return;
  zbar_image_scanner_destroy (self->scanner);
  g_free (self);
}

static Grey
grey_copy (const guint8 *pixels, guint width, guint height, gsize stride)
{
  Grey copy = { g_malloc ((gsize) width * height), width, height };

  for (guint y = 0; y < height; y++)
    memcpy (copy.pixels + (gsize) y * width, pixels + (gsize) y * stride, width);
  return copy;
}

static void
grey_invert (Grey *grey)
{
  gsize n = (gsize) grey->width * grey->height;

  for (gsize i = 0; i < n; i++)
    grey->pixels[i] = (guint8) ~grey->pixels[i];
}

/* Each pixel is the mean of @factor x @factor. */
static Grey
grey_shrink (const Grey *from, guint factor)
{
  Grey to = { NULL, from->width / factor, from->height / factor };

  to.pixels = g_malloc ((gsize) to.width * to.height);
  for (guint y = 0; y < to.height; y++)
    for (guint x = 0; x < to.width; x++)
      {
        guint sum = 0;

        for (guint j = 0; j < factor; j++)
          {
            const guint8 *row = from->pixels + ((gsize) y * factor + j) * from->width + (gsize) x * factor;

            for (guint i = 0; i < factor; i++)
              sum += row[i];
          }
        to.pixels[(gsize) y * to.width + x] = (guint8) (sum / (factor * factor));
      }
  return to;
}

/* Twice the size, with the means between. */
static Grey
grey_double (const Grey *from)
{
  Grey to = { NULL, from->width * 2, from->height * 2 };

  to.pixels = g_malloc ((gsize) to.width * to.height);
  for (guint y = 0; y < to.height; y++)
    {
      const guint8 *a = from->pixels + (gsize) (y / 2) * from->width;
      const guint8 *b = from->pixels + (gsize) MIN ((y + 1) / 2, from->height - 1) * from->width;

      for (guint x = 0; x < to.width; x++)
        {
          guint i = x / 2;
          guint k = MIN ((x + 1) / 2, from->width - 1);

          to.pixels[(gsize) y * to.width + x] = (guint8) ((a[i] + a[k] + b[i] + b[k]) / 4);
        }
    }
  return to;
}

/* What is darker or brighter than its surroundings, which span about @radius pixels: unlike light and shade go. */
static Grey
grey_even_light (const Grey *from, guint radius)
{
  Grey to = { g_malloc ((gsize) from->width * from->height), from->width, from->height };
  gsize line = (gsize) from->width + 1;
  g_autofree guint32 *sums = g_new0 (guint32, line * (from->height + 1)); /* of all above and to the left; wraps around, differences are right */

  for (guint y = 0; y < from->height; y++)
    {
      guint32 row = 0;

      for (guint x = 0; x < from->width; x++)
        {
          row += from->pixels[(gsize) y * from->width + x];
          sums[(y + 1) * line + x + 1] = sums[y * line + x + 1] + row;
        }
    }
  for (guint y = 0; y < from->height; y++)
    {
      guint top = y > radius ? y - radius : 0;
      guint bottom = MIN (y + radius + 1, from->height);

      for (guint x = 0; x < from->width; x++)
        {
          guint left = x > radius ? x - radius : 0;
          guint right = MIN (x + radius + 1, from->width);
          guint32 sum = sums[bottom * line + right] - sums[top * line + right] - sums[bottom * line + left] + sums[top * line + left];
          int mean = (int) (sum / ((bottom - top) * (right - left)));
          int value = 128 + 3 * (from->pixels[(gsize) y * from->width + x] - mean);

          to.pixels[(gsize) y * from->width + x] = (guint8) CLAMP (value, 0, 255);
        }
    }
  return to;
}

/* Weights 1 2 1 each way: the noise of a sensor goes, modules of three pixels and more stay. */
static Grey
grey_smooth (const Grey *from)
{
  Grey to = { g_malloc ((gsize) from->width * from->height), from->width, from->height };
  g_autofree guint16 *column = g_new (guint16, from->width);

  for (guint y = 0; y < from->height; y++)
    {
      const guint8 *a = from->pixels + (gsize) (y > 0 ? y - 1 : 0) * from->width;
      const guint8 *b = from->pixels + (gsize) y * from->width;
      const guint8 *c = from->pixels + (gsize) MIN (y + 1, from->height - 1) * from->width;
      guint8 *row = to.pixels + (gsize) y * from->width;

      for (guint x = 0; x < from->width; x++)
        column[x] = (guint16) (a[x] + 2 * b[x] + c[x]);
      for (guint x = 0; x < from->width; x++)
        row[x] = (guint8) ((column[x > 0 ? x - 1 : 0] + 2 * column[x] + column[MIN (x + 1, from->width - 1)]) / 16);
    }
  return to;
}

/* As if the side in the direction @way of N_WAYS came nearer: zbar loses its way in a large code (eight devices and more) of which a side
 * is 7 % smaller. */
static Grey
grey_upright (const Grey *from, guint way)
{
  Grey to = { g_malloc ((gsize) from->width * from->height), from->width, from->height };
  double angle = 2 * G_PI * way / N_WAYS;
  float slope_x = (float) (cos (angle) * TILT / MIN (from->width, from->height));
  float slope_y = (float) (sin (angle) * TILT / MIN (from->width, from->height));
  float middle_x = (float) from->width / 2, middle_y = (float) from->height / 2;

  for (guint y = 0; y < from->height; y++)
    for (guint x = 0; x < from->width; x++)
      {
        float from_x = (float) x - middle_x, from_y = (float) y - middle_y;
        float scale = 1 / (1 - CLAMP (slope_x * from_x + slope_y * from_y, -0.5f, 0.5f));
        float u = CLAMP (from_x * scale + middle_x, 0, (float) (from->width - 1));
        float v = CLAMP (from_y * scale + middle_y, 0, (float) (from->height - 1));
        guint column = (guint) u, row = (guint) v;
        guint right = (guint) ((u - (float) column) * 256), below = (guint) ((v - (float) row) * 256);
        const guint8 *a = from->pixels + (gsize) row * from->width;
        const guint8 *b = from->pixels + (gsize) MIN (row + 1, from->height - 1) * from->width;
        guint next = MIN (column + 1, from->width - 1);

        to.pixels[(gsize) y * from->width + x] = (guint8) (((a[column] * (256 - right) + a[next] * right) * (256 - below) +
                                                            (b[column] * (256 - right) + b[next] * right) * below) >> 16);
      }
  return to;
}

static void
take_text (GPtrArray *found, const char *data, guint length)
{
  g_autofree char *text = NULL;

  if (data == NULL || length == 0 || length > TESS_SCAN_MAX_TEXT || !g_utf8_validate_len (data, length, NULL))
    return;
  text = g_strndup (data, length);
  if (!g_ptr_array_find_with_equal_func (found, text, g_str_equal, NULL))
    g_ptr_array_add (found, g_steal_pointer (&text));
}

/* Adds what is in @grey to @found. */
static void
pass (TessScanDecoder *self, const Grey *grey, GPtrArray *found)
{
  zbar_image_t *image = zbar_image_create ();

  zbar_image_set_format (image, zbar_fourcc ('Y', '8', '0', '0'));
  zbar_image_set_size (image, grey->width, grey->height);
  zbar_image_set_data (image, grey->pixels, (gulong) grey->width * grey->height, NULL);
  if (zbar_scan_image (self->scanner, image) > 0)
    for (const zbar_symbol_t *symbol = zbar_image_first_symbol (image); symbol != NULL; symbol = zbar_symbol_next (symbol))
      take_text (found, zbar_symbol_get_data (symbol), zbar_symbol_get_data_length (symbol));
  zbar_image_destroy (image);
}

/* Dark on bright, then bright on dark; @grey is as it was afterwards. */
static gboolean
both (TessScanDecoder *self, Grey *grey, GPtrArray *found)
{
  pass (self, grey, found);
  if (found->len > 0)
    return TRUE;
  grey_invert (grey);
  pass (self, grey, found);
  grey_invert (grey);
  return found->len > 0;
}

static gboolean
even_light (TessScanDecoder *self, const Grey *grey, GPtrArray *found)
{
  g_auto (Grey) even = grey_even_light (grey, MAX (grey->width, grey->height) / 12 + 1);

  return both (self, &even, found);
}

static gboolean
smooth (TessScanDecoder *self, const Grey *grey, GPtrArray *found)
{
  g_auto (Grey) calm = grey_smooth (grey);

  return both (self, &calm, found) || even_light (self, &calm, found);
}

static gboolean
upright (TessScanDecoder *self, const Grey *grey, GPtrArray *found)
{
  for (guint way = 0; way < N_WAYS && found->len == 0; way++)
    {
      g_auto (Grey) straight = grey_upright (grey, way);

      both (self, &straight, found);
    }
  return found->len > 0;
}

/* @density: each how many-th row and column is looked at */
static void
set_density (TessScanDecoder *self, int density)
{
  zbar_image_scanner_set_config (self->scanner, ZBAR_NONE, ZBAR_CFG_X_DENSITY, density);
  zbar_image_scanner_set_config (self->scanner, ZBAR_NONE, ZBAR_CFG_Y_DENSITY, density);
}

/* One way of looking, another one each time. Of three, two are as it is and bright on dark, by turns without noise; the third sets
 * it upright in one of N_WAYS, and bright on dark. */
static void
quick (TessScanDecoder *self, Grey *grey, GPtrArray *found)
{
  guint way = self->turn % 3, round = self->turn / 3;
  Grey other = { NULL, 0, 0 };

  self->turn = (self->turn + 1) % TESS_SCAN_TURNS;
  if (way == 2)
    other = grey_upright (grey, round % N_WAYS);
  else if (round & 1)
    other = grey_smooth (grey);
  if (other.pixels != NULL)
    {
      g_free (grey->pixels);
      *grey = other;
    }
  if (way == 1 || (way == 2 && round >= N_WAYS))
    grey_invert (grey);
  pass (self, grey, found);
}

static void
thorough (TessScanDecoder *self, Grey *grey, GPtrArray *found)
{
  guint side = MAX (grey->width, grey->height);

  for (guint factor = side / LARGE_SIDE + 1; factor > 1; factor--)
    {
      g_auto (Grey) small = grey_shrink (grey, factor);

      if (both (self, &small, found) || even_light (self, &small, found))
        return;
      if (MAX (small.width, small.height) <= LARGE_SIDE && upright (self, &small, found))
        return;
    }
  if (both (self, grey, found))
    return;
  if ((guint64) grey->width * grey->height > MANY_PIXELS)
    return;
  if (smooth (self, grey, found) || even_light (self, grey, found) || (side < LARGE_SIDE && upright (self, grey, found)))
    return;
  if (side < SMALL_SIDE)
    {
      g_auto (Grey) large = grey_double (grey);

      if (both (self, &large, found))
        return;
    }
  /* Larger ones were looked at in half size above. */
  if (MIN (grey->width, grey->height) >= 200 && side < LARGE_SIDE)
    {
      g_auto (Grey) small = grey_shrink (grey, 2);

      both (self, &small, found);
    }
}

char **
tess_scan_decoder_decode (TessScanDecoder *self, const guint8 *grey, guint width, guint height, gsize stride, TessScanEffort effort)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);

  g_return_val_if_fail (self != NULL, NULL);

  if (width > 0 && height > 0 && width <= TESS_SCAN_MAX_SIDE && height <= TESS_SCAN_MAX_SIDE &&
      (guint64) width * height <= TESS_SCAN_MAX_PIXELS && stride >= width)
    {
      g_auto (Grey) copy = grey_copy (grey, width, height, stride);

      set_density (self, effort == TESS_SCAN_QUICK ? 2 : 1); /* half of the time, and as many are read */
      if (effort == TESS_SCAN_THOROUGH)
        thorough (self, &copy, found);
      else
        quick (self, &copy, found);
    }
  g_ptr_array_add (found, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&found), FALSE);
}
