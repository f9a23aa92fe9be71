/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gdk-pixbuf/gdk-pixbuf.h>

/* How many codes a case looks at: TESSERA_RENDERS, or as many as there is time for in tests/check. Sanitizers look at the memory, not at
 * the quality. */
guint render_count (void);
/* How many it takes to tell whether 99 of 100 are read, when @missed were not: one that is not read among 25 says nothing yet, so there are
 * a hundred for each, and @count at least. */
guint render_sample (guint count, guint missed);

/* Verification codes as a camera sees them. */

typedef struct
{
  guint8 *grey;
  guint   width;
  guint   height;
} Render;

/* How a code stands before the camera. */
typedef struct
{
  double module; /* pixels a module */
  double angle;  /* degrees */
  double blur;   /* standard deviation in pixels */
  double tilt;   /* how much smaller the far side is, 0 … 0.2 */
  double away;   /* degrees: where that side is */
  double shade;  /* how much darker one side of the picture is, 0 … 0.5 */
  int    low;    /* grey of what is dark */
  int    high;   /* and of what is bright */
  int    noise;  /* at most, each way */
  gboolean inverted;
} Pose;

/* `xmpp:…?omemo-sid-…` with @devices random devices. */
char  *render_uri  (GRand *random, guint devices);
/* Something that a person does without thinking: 15° of tilt, blur, uneven light, noise; a quarter is inverted. */
Pose   render_pose (GRand *random);
/* @text as a QR code in a picture of @width x @height. */
Render render      (const char *text, const Pose *pose, GRand *random, guint width, guint height);
void   render_clear (Render *self);
GdkPixbuf *render_pixbuf (const Render *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Render, render_clear)
