/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-avatar.h"
#include "views/tess-text.h"

#include <math.h>

struct _TessAvatar
{
  GtkWidget parent_instance;

  char *initials;
  guint color;
  int   size;
  int   presence;
};

G_DEFINE_FINAL_TYPE (TessAvatar, tess_avatar, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_SIZE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void
tess_avatar_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                     int *minimum_baseline, int *natural_baseline)
{
  TessAvatar *self = TESS_AVATAR (widget);

  *minimum = *natural = self->size;
}

static void
draw_initials (TessAvatar *self, cairo_t *cr)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), self->initials);
  g_autoptr (PangoFontDescription) font = pango_font_description_new ();
  PangoRectangle ink;

  pango_font_description_set_weight (font, PANGO_WEIGHT_BOLD);
  pango_font_description_set_absolute_size (font, self->size * 0.38 * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_layout_get_pixel_extents (layout, &ink, NULL);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_move_to (cr, (self->size - ink.width) / 2.0 - ink.x, (self->size - ink.height) / 2.0 - ink.y);
  pango_cairo_show_layout (cr, layout);
}

/* Shapes tell the states apart, colours only help: a disc, a ring, a disc with a bar. */
static void
draw_presence (TessAvatar *self, cairo_t *cr)
{
  gboolean rtl = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  double radius = CLAMP (self->size * 0.13, 4.0, 9.0);
  double x = rtl ? radius : self->size - radius;
  double y = self->size - radius;

  cairo_set_operator (cr, CAIRO_OPERATOR_CLEAR);
  cairo_arc (cr, x, y, radius + 2, 0, 2 * G_PI);
  cairo_fill (cr);
  cairo_set_operator (cr, CAIRO_OPERATOR_OVER);
  switch (self->presence)
    {
    case TESS_PRESENCE_ONLINE:
    case TESS_PRESENCE_CHAT:
      cairo_set_source_rgb (cr, 0.15, 0.64, 0.41);
      cairo_arc (cr, x, y, radius, 0, 2 * G_PI);
      cairo_fill (cr);
      break;
    case TESS_PRESENCE_DND:
      cairo_set_source_rgb (cr, 0.75, 0.11, 0.16);
      cairo_arc (cr, x, y, radius, 0, 2 * G_PI);
      cairo_fill (cr);
      cairo_set_source_rgb (cr, 1, 1, 1);
      cairo_rectangle (cr, x - radius * 0.6, y - 1, radius * 1.2, 2);
      cairo_fill (cr);
      break;
    default:
      cairo_set_source_rgb (cr, 0.80, 0.53, 0.03);
      cairo_set_line_width (cr, 2);
      cairo_arc (cr, x, y, radius - 1, 0, 2 * G_PI);
      cairo_stroke (cr);
      break;
    }
}

static void
tess_avatar_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  TessAvatar *self = TESS_AVATAR (widget);
  double offset_x = (gtk_widget_get_width (widget) - self->size) / 2.0;
  double offset_y = (gtk_widget_get_height (widget) - self->size) / 2.0;

  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float) floor (offset_x), (float) floor (offset_y)));
  cairo_t *cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, (float) self->size, (float) self->size));
  cairo_set_source_rgb (cr, ((self->color >> 16) & 0xff) / 255.0, ((self->color >> 8) & 0xff) / 255.0,
                        (self->color & 0xff) / 255.0);
  cairo_arc (cr, self->size / 2.0, self->size / 2.0, self->size / 2.0, 0, 2 * G_PI);
  cairo_fill (cr);
  if (self->initials != NULL && *self->initials != '\0')
    draw_initials (self, cr);
  if (self->presence > TESS_PRESENCE_OFFLINE)
    draw_presence (self, cr);
  cairo_destroy (cr);
  gtk_snapshot_restore (snapshot);
}

static void
tess_avatar_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TessAvatar *self = TESS_AVATAR (object);

  if (id != PROP_SIZE)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  self->size = g_value_get_int (value);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static void
tess_avatar_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_SIZE)
    g_value_set_int (value, TESS_AVATAR (object)->size);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
tess_avatar_finalize (GObject *object)
{
  g_free (TESS_AVATAR (object)->initials);
  G_OBJECT_CLASS (tess_avatar_parent_class)->finalize (object);
}

static void
tess_avatar_class_init (TessAvatarClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->finalize = tess_avatar_finalize;
  object_class->set_property = tess_avatar_set_property;
  object_class->get_property = tess_avatar_get_property;
  widget_class->measure = tess_avatar_measure;
  widget_class->snapshot = tess_avatar_snapshot;
  properties[PROP_SIZE] =
    g_param_spec_int ("size", NULL, NULL, 8, 256, 40, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  gtk_widget_class_set_css_name (widget_class, "tess-avatar");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
tess_avatar_init (TessAvatar *self)
{
  self->size = 40;
  self->color = 0x5e5c64;
  self->presence = -1;
}

GtkWidget *
tess_avatar_new (int size)
{
  return g_object_new (TESS_TYPE_AVATAR, "size", size, NULL);
}

void
tess_avatar_set_person (TessAvatar *self, const char *name, guint color)
{
  g_autofree char *initials = tess_text_initials (name);

  g_return_if_fail (TESS_IS_AVATAR (self));
  if (g_strcmp0 (initials, self->initials) == 0 && color == self->color)
    return;
  g_free (self->initials);
  self->initials = g_steal_pointer (&initials);
  self->color = color;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
tess_avatar_set_presence (TessAvatar *self, int presence)
{
  g_return_if_fail (TESS_IS_AVATAR (self));
  if (self->presence == presence)
    return;
  self->presence = presence;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}
