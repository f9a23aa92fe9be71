/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the benches share: clocks, order statistics, and the line of JSON. */

typedef struct
{
  gint64 wall; /* nanoseconds */
  gint64 cpu;  /* of the calling thread */
} BenchClock;

void   bench_start        (BenchClock *clock);
/* Seconds since. */
double bench_wall_seconds (const BenchClock *clock);
double bench_cpu_seconds  (const BenchClock *clock);
gint64 bench_now_ns       (void); /* CLOCK_MONOTONIC */

/* From now on each stretch between two polls of the default main context is noted. */
void    bench_watch_loop   (void);
/* (element-type double) (transfer none): those, in milliseconds. */
GArray *bench_stalls       (void);
void    bench_leave_loop   (void);
/* What the machine takes away from a thread that only looks at the clock, in milliseconds: no loop comes round faster. */
double  bench_measure_spin (void);


/* @values: (element-type double): sorted by this. @part: 0.5 for the median. */
double bench_quantile (GArray *values, double part);

/* How often each side is measured in turn; TESS_BENCH_ROUNDS overrules @usual. */
guint  bench_rounds (guint usual);

/* An empty folder on a disk, never in memory: where TESS_BENCH_FOLDER or /var/tmp is. (transfer full) */
char  *bench_folder_new    (void);
void   bench_folder_remove (const char *folder);
/* Both databases are closed. */
void   bench_copy_file     (const char *from, const char *to);

typedef enum
{
  BENCH_NO_TARGET,
  BENCH_RATIO_AT_LEAST,
  BENCH_VALUE_AT_LEAST,
  BENCH_VALUE_BELOW,
} BenchTarget;

/**
 * BenchResult:
 * @bare: the limit that was measured in the same run, in the same unit; NaN for none
 * @ratio: mostly value / bare; NaN: that
 */
typedef struct
{
  const char *name;
  double      value;
  const char *unit;
  double      bare;
  double      ratio;
  BenchTarget target;
  double      limit;
} BenchResult;

/* One JSON object on a line of standard output. */
void bench_report (const BenchResult *result);

G_END_DECLS
