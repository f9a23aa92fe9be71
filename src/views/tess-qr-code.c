/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-qr-code.h"

#include <math.h>
#include <qrencode.h>
#include <string.h>

#define QUIET_ZONE 4
#define MIN_SIZE 240
/* Where there is room. */
#define GOOD_SIZE 300
#define MAX_TEXT_BYTES 2900

struct _TessQrCode
{
  GtkWidget parent_instance;

  QRcode *code;
};

G_DEFINE_FINAL_TYPE (TessQrCode, tess_qr_code, GTK_TYPE_WIDGET)

static void
tess_qr_code_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                      int *minimum_baseline, int *natural_baseline)
{
  TessQrCode *self = TESS_QR_CODE (widget);
  /* Two pixels a module at least, so that a camera finds them. */
  int modules = self->code != NULL ? self->code->width + 2 * QUIET_ZONE : 0;

  *minimum = MAX (MIN_SIZE, 2 * modules);
  *natural = modules > 0 ? MAX (*minimum, modules * MAX (4, GOOD_SIZE / modules)) : *minimum;
}

static void
tess_qr_code_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  TessQrCode *self = TESS_QR_CODE (widget);
  int width = gtk_widget_get_width (widget);
  int height = gtk_widget_get_height (widget);
  int side = MIN (width, height);
  double left = (width - side) / 2;
  double top = (height - side) / 2;

  gtk_snapshot_append_color (snapshot, &(GdkRGBA){ 1, 1, 1, 1 },
                             &GRAPHENE_RECT_INIT ((float) left, (float) top, (float) side, (float) side));
  if (self->code == NULL)
    return;

  /* A module is a whole number of device pixels: edges stay sharp at every scale. */
  int scale = gtk_widget_get_scale_factor (widget);
  int n = self->code->width;
  int module = MAX (1, side * scale / (n + 2 * QUIET_ZONE));
  int inset = (side * scale - module * n) / 2;

  for (int y = 0; y < n; y++)
    for (int x = 0, run; x < n; x += run)
      {
        const unsigned char *line = self->code->data + (gsize) y * (gsize) n;
        gboolean black = line[x] & 1;

        for (run = 1; x + run < n && (gboolean) (line[x + run] & 1) == black; run++)
          ;
        if (black)
          gtk_snapshot_append_color (snapshot, &(GdkRGBA){ 0, 0, 0, 1 },
                                     &GRAPHENE_RECT_INIT ((float) (left + (double) (inset + x * module) / scale),
                                                          (float) (top + (double) (inset + y * module) / scale),
                                                          (float) ((double) run * module / scale),
                                                          (float) ((double) module / scale)));
      }
}

static void
tess_qr_code_finalize (GObject *object)
{
  g_clear_pointer (&TESS_QR_CODE (object)->code, QRcode_free);
  G_OBJECT_CLASS (tess_qr_code_parent_class)->finalize (object);
}

static void
tess_qr_code_class_init (TessQrCodeClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = tess_qr_code_finalize;
  widget_class->measure = tess_qr_code_measure;
  widget_class->snapshot = tess_qr_code_snapshot;
  gtk_widget_class_set_css_name (widget_class, "tess-qr-code");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
tess_qr_code_init (TessQrCode *self)
{
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
}

/* (nullable): what is too long for M may fit with less redundancy. */
static QRcode *
encode (const char *text)
{
  QRcode *code = NULL;

  if (text != NULL && strlen (text) <= MAX_TEXT_BYTES)
    {
      code = QRcode_encodeString8bit (text, 0, QR_ECLEVEL_M);
      if (code == NULL)
        code = QRcode_encodeString8bit (text, 0, QR_ECLEVEL_L);
    }
  return code;
}

gboolean
tess_qr_code_set_text (TessQrCode *self, const char *text)
{
  g_return_val_if_fail (TESS_IS_QR_CODE (self), FALSE);

  g_clear_pointer (&self->code, QRcode_free);
  self->code = encode (text);
  gtk_widget_queue_resize (GTK_WIDGET (self));
  return self->code != NULL;
}

gboolean
tess_qr_code_draw (cairo_t *cairo, const char *text, double x, double y, double side)
{
  QRcode *code = encode (text);
  double module;

  if (code == NULL)
    return FALSE;
  module = side / (code->width + 2 * QUIET_ZONE);
  cairo_save (cairo);
  cairo_set_source_rgb (cairo, 1, 1, 1);
  cairo_rectangle (cairo, x, y, side, side);
  cairo_fill (cairo);
  cairo_set_source_rgb (cairo, 0, 0, 0);
  for (int row = 0; row < code->width; row++)
    for (int column = 0; column < code->width; column++)
      if (code->data[row * code->width + column] & 1)
        cairo_rectangle (cairo, x + (column + QUIET_ZONE) * module, y + (row + QUIET_ZONE) * module, module, module);
  cairo_fill (cairo); /* in one go: no seams between the modules */
  cairo_restore (cairo);
  QRcode_free (code);
  return TRUE;
}
