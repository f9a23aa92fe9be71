/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-backoff.h"

#define FIRST_MS 1000
#define LONGEST_MS (120 * 1000)
#define LARGEST_EXPONENT 10
#define AT_ONCE_MS 200
#define REFUSED_MS 1200
#define REFUSED_SECONDS 30
#define SLOW_MS (300 * 1000)
#define NO_NETWORK_MS (60 * 1000)

void
tess_backoff_reset (TessBackoff *self)
{
  self->attempts = 0;
  self->refused_us = 0;
}

void
tess_backoff_online (TessBackoff *self)
{
  self->refused_us = 0;
}

/* From half of @limit to all of it. */
static guint
half_by_chance (guint limit, guint32 random)
{
  return limit / 2 + random % (limit / 2 + 1);
}

static gboolean
is_restarting (TessBackoff *self, gint64 now_us)
{
  if (self->refused_us == 0)
    self->refused_us = now_us;
  return now_us - self->refused_us < REFUSED_SECONDS * G_USEC_PER_SEC;
}

/* Twice as long each time. */
static guint
grown (TessBackoff *self)
{
  guint exponent = MIN (self->attempts, LARGEST_EXPONENT);

  self->attempts++;
  return MIN (FIRST_MS << exponent, LONGEST_MS);
}

guint
tess_backoff_next (TessBackoff *self, TessBackoffKind kind, gint64 now_us, guint32 random)
{
  switch (kind)
    {
    case TESS_BACKOFF_AT_ONCE:
      return random % (AT_ONCE_MS + 1);
    case TESS_BACKOFF_SLOW:
      return half_by_chance (SLOW_MS, random);
    case TESS_BACKOFF_NO_NETWORK:
      return half_by_chance (NO_NETWORK_MS, random);
    case TESS_BACKOFF_REFUSED:
      if (is_restarting (self, now_us))
        return half_by_chance (REFUSED_MS, random);
      break;
    case TESS_BACKOFF_USUAL:
    default:
      break;
    }

  return half_by_chance (grown (self), random);
}
