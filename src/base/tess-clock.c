/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-base"

#include "config.h"

#include "base/tess-clock.h"

#include <time.h>

/* Goes on while the machine sleeps, which g_get_monotonic_time () does not. */
static gint64
get_steady (void)
{
  struct timespec now;

  if (clock_gettime (CLOCK_BOOTTIME, &now) != 0)
    return g_get_monotonic_time ();
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

gint64
tess_clock_learn_at (TessClock *self, gint64 server_us, gint64 waited_us, gint64 machine_us, gint64 steady_us)
{
  gint64 time_us = CLAMP (machine_us, server_us, server_us + waited_us);

  self->offset_us = time_us - steady_us;
  self->known = TRUE;
  return time_us;
}

gint64
tess_clock_now_at (const TessClock *self, gint64 machine_us, gint64 steady_us)
{
  gint64 server_us = steady_us + self->offset_us;

  return !self->known || ABS (server_us - machine_us) <= TESS_CLOCK_TOLERANCE_US ? machine_us : server_us;
}

gint64
tess_clock_learn (TessClock *self, gint64 server_us, gint64 waited_us)
{
  return tess_clock_learn_at (self, server_us, waited_us, g_get_real_time (), get_steady ());
}

gint64
tess_clock_now (const TessClock *self)
{
  return tess_clock_now_at (self, g_get_real_time (), get_steady ());
}
