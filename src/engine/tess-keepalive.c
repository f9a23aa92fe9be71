/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-keepalive.h"

#define FIRST_SECONDS 150
#define LEAST_SECONDS 30
#define MOST_SECONDS 300
#define GROWTH 16 /* by a sixteenth at each answer: from the least to the most in an hour */

void
tess_keepalive_init (TessKeepalive *self)
{
  self->seconds = FIRST_SECONDS;
  self->asked_us = 0;
}

guint
tess_keepalive_look (TessKeepalive *self, gint64 heard_us, gint64 now_us, gboolean *ask)
{
  gint64 due_us;

  if (self->asked_us != 0 && heard_us >= self->asked_us)
    {
      self->asked_us = 0;
      self->seconds = MIN (self->seconds + self->seconds / GROWTH, MOST_SECONDS);
    }

  due_us = heard_us + (gint64) self->seconds * G_USEC_PER_SEC;
  *ask = now_us >= due_us;
  if (*ask)
    {
      self->asked_us = now_us;
      return self->seconds;
    }
  return (guint) ((due_us - now_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
}

void
tess_keepalive_ended (TessKeepalive *self, gboolean silent)
{
  if (silent && self->asked_us != 0)
    self->seconds = MAX (self->seconds / 2, LEAST_SECONDS);
  self->asked_us = 0;
}
