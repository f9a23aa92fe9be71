/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-card.h"

#include "views/tess-qr-code.h"
#include "views/tess-text.h"

#include <cairo-pdf.h>
#include <glib/gi18n.h>

/* In points. */
#define CARD_WIDTH 340.0
#define MARGIN 24.0
#define CODE_SIDE 220.0
#define PNG_SCALE 2.0

struct _TessCard
{
  char      *address;
  char      *uri;
  GPtrArray *lines; /* of char *: markup, a device each */
};

TessCard *
tess_card_new (const char *address, const char *uri, TessDeviceList *devices)
{
  TessCard *self = g_new0 (TessCard, 1);

  self->address = g_strdup (address);
  self->uri = g_strdup (uri);
  self->lines = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (devices)); i++)
    {
      g_autoptr (TessDevice) device = g_list_model_get_item (G_LIST_MODEL (devices), i);
      const char *fingerprint = tess_device_get_fingerprint (device);
      g_autofree char *spaced = NULL;
      g_autofree char *title = NULL;

      if (fingerprint == NULL || (!tess_device_get_local (device) && (tess_device_get_trust (device) != TESS_TRUST_VERIFIED || !tess_device_get_active (device))))
        continue;
      spaced = tess_text_fingerprint_spaced (fingerprint);
      /* Two lines of four groups. */
      if (strlen (spaced) > 36)
        spaced[35] = '\n';
      title = g_strdup_printf (_("Device %u"), tess_device_get_id (device));
      g_ptr_array_add (self->lines, g_markup_printf_escaped ("<span size='small'>%s</span>\n<span font_family='monospace'>%s</span>", title, spaced));
    }
  return self;
}

void
tess_card_free (TessCard *self)
{
  if (self == NULL)
    return;
  g_free (self->address);
  g_free (self->uri);
  g_ptr_array_unref (self->lines);
  g_free (self);
}

/* Draws @markup in the middle of @width from @y on. Returns: where it ends. */
static double
draw_text (cairo_t *cairo, const char *markup, double width, double y, gboolean draw)
{
  g_autoptr (PangoLayout) layout = pango_cairo_create_layout (cairo);
  g_autoptr (PangoFontDescription) font = pango_font_description_from_string ("Sans 10");
  int height;

  pango_layout_set_font_description (layout, font);
  pango_layout_set_width (layout, (int) ((width - 2 * MARGIN) * PANGO_SCALE));
  pango_layout_set_wrap (layout, PANGO_WRAP_WORD_CHAR);
  pango_layout_set_alignment (layout, PANGO_ALIGN_CENTER);
  pango_layout_set_markup (layout, markup, -1);
  pango_layout_get_size (layout, NULL, &height);
  if (draw)
    {
      cairo_move_to (cairo, MARGIN, y);
      pango_cairo_show_layout (cairo, layout);
    }
  return y + (double) height / PANGO_SCALE;
}

/* Returns: the height. */
static double
lay_out (TessCard *self, cairo_t *cairo, double width, gboolean draw)
{
  g_autofree char *heading = g_markup_printf_escaped ("<span size='x-large' weight='bold'>%s</span>", self->address);
  g_autofree char *hint = g_markup_printf_escaped ("<span size='small'>%s</span>", _("Scan this code with an XMPP app to verify that you write to me."));
  double y = MARGIN;

  if (draw)
    {
      cairo_set_source_rgb (cairo, 1, 1, 1);
      cairo_paint (cairo);
      cairo_set_source_rgb (cairo, 0, 0, 0);
    }
  y = draw_text (cairo, heading, width, y, draw) + 6;
  y = draw_text (cairo, hint, width, y, draw) + 12;
  if (draw)
    tess_qr_code_draw (cairo, self->uri, (width - CODE_SIDE) / 2, y, CODE_SIDE);
  y += CODE_SIDE + 12;
  for (guint i = 0; i < self->lines->len; i++)
    y = draw_text (cairo, g_ptr_array_index (self->lines, i), width, y, draw) + 8;
  return y + MARGIN;
}

double
tess_card_get_height (TessCard *self, double width)
{
  cairo_surface_t *surface = cairo_recording_surface_create (CAIRO_CONTENT_COLOR, NULL);
  cairo_t *cairo = cairo_create (surface);
  double height = lay_out (self, cairo, width, FALSE);

  cairo_destroy (cairo);
  cairo_surface_destroy (surface);
  return height;
}

void
tess_card_draw (TessCard *self, cairo_t *cairo, double width)
{
  lay_out (self, cairo, width, TRUE);
}

static cairo_status_t
write_cb (void *closure, const unsigned char *data, unsigned int length)
{
  g_byte_array_append (closure, data, length);
  return CAIRO_STATUS_SUCCESS;
}

gboolean
tess_card_save (TessCard *self, GFile *file, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree char *name = g_file_get_basename (file);
  g_autofree char *folded = g_ascii_strdown (name, -1);
  gboolean pdf = g_str_has_suffix (folded, ".pdf");
  double height = tess_card_get_height (self, CARD_WIDTH);
  cairo_surface_t *surface = pdf ? cairo_pdf_surface_create_for_stream (write_cb, bytes, CARD_WIDTH, height)
                                 : cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) (CARD_WIDTH * PNG_SCALE), (int) (height * PNG_SCALE));
  cairo_t *cairo = cairo_create (surface);
  cairo_status_t status;

  if (!pdf)
    cairo_scale (cairo, PNG_SCALE, PNG_SCALE);
  tess_card_draw (self, cairo, CARD_WIDTH);
  cairo_show_page (cairo);
  cairo_destroy (cairo);
  if (pdf)
    cairo_surface_finish (surface);
  else
    cairo_surface_write_to_png_stream (surface, write_cb, bytes);
  status = cairo_surface_status (surface);
  cairo_surface_destroy (surface);
  if (bytes->len == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", cairo_status_to_string (status));
      return FALSE;
    }
  return g_file_replace_contents (file, (const char *) bytes->data, bytes->len, NULL, FALSE, G_FILE_CREATE_NONE, NULL, NULL, error);
}
