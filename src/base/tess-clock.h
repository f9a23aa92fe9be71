/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Servers say the time in whole seconds, and their answer takes a while: what differs less does not differ. */
#define TESS_CLOCK_TOLERANCE_US (5 * G_USEC_PER_SEC)

/**
 * TessClock:
 *
 * What time it is for a server. The clock of this machine may be wrong by years, and be set while the program runs; what is stored beside
 * messages that the server dated would then stand in the wrong place. So the server is asked once, and what a steady clock counts since
 * then is added. A difference of a few seconds is nothing: servers say the time in whole ones, and their answer takes a while; then this
 * machine's clock is believed, which runs smoothly. One thread.
 */
typedef struct
{
  gint64   offset_us; /* of the server's time to the steady clock */
  gboolean known;
} TessClock;

/* @server_us: what the server says that it is; microseconds since 1970. @waited_us: how long its answer was on the way: it was said at some
 * moment in between, and where this machine's clock shows one of those it is right. Returns: what time it is for the server. */
gint64 tess_clock_learn (TessClock *self, gint64 server_us, gint64 waited_us);
/* Microseconds since 1970. */
gint64 tess_clock_now   (const TessClock *self);

/* The same with clocks of one's own, for the suite: the machine's, and the steady one. */
gint64 tess_clock_learn_at (TessClock *self, gint64 server_us, gint64 waited_us, gint64 machine_us, gint64 steady_us);
gint64 tess_clock_now_at   (const TessClock *self, gint64 machine_us, gint64 steady_us);

G_END_DECLS
