/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "bench.h"

#include <gio/gio.h>
#include <glib/gstdio.h>

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static gint64
read_clock (clockid_t id)
{
  struct timespec now;

  clock_gettime (id, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

gint64
bench_now_ns (void)
{
  return read_clock (CLOCK_MONOTONIC);
}

void
bench_start (BenchClock *clock)
{
  clock->wall = read_clock (CLOCK_MONOTONIC);
  clock->cpu = read_clock (CLOCK_THREAD_CPUTIME_ID);
}

double
bench_wall_seconds (const BenchClock *clock)
{
  return (double) (read_clock (CLOCK_MONOTONIC) - clock->wall) / 1e9;
}

double
bench_cpu_seconds (const BenchClock *clock)
{
  return (double) (read_clock (CLOCK_THREAD_CPUTIME_ID) - clock->cpu) / 1e9;
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double first = *(const double *) a;
  double second = *(const double *) b;

  return first < second ? -1 : first > second;
}

double
bench_quantile (GArray *values, double part)
{
  gsize index;

  g_assert_cmpuint (values->len, >, 0);
  g_array_sort (values, compare_doubles);
  /* The nearest rank: of 100 values the 99th is the 0.99 quantile. */
  index = (gsize) ceil (part * values->len);
  return g_array_index (values, double, index > 0 ? index - 1 : 0);
}

guint
bench_rounds (guint usual)
{
  const char *text = g_getenv ("TESS_BENCH_ROUNDS");
  guint64     rounds = usual;

  if (text != NULL && !g_ascii_string_to_unsigned (text, 10, 1, 1000, &rounds, NULL))
    g_error ("TESS_BENCH_ROUNDS is not a number");
  return (guint) rounds;
}

char *
bench_folder_new (void)
{
  const char *parent = g_getenv ("TESS_BENCH_FOLDER");
  char       *folder = g_build_filename (parent != NULL ? parent : "/var/tmp", "tess-bench-XXXXXX", NULL);

  if (g_mkdtemp (folder) == NULL)
    g_error ("No folder can be made: %s", folder);
  return folder;
}

void
bench_folder_remove (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char      *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_remove (path);
    }
  g_rmdir (folder);
}

void
bench_copy_file (const char *from, const char *to)
{
  g_autoptr (GFile)  source = g_file_new_for_path (from);
  g_autoptr (GFile)  target = g_file_new_for_path (to);
  g_autoptr (GError) error = NULL;

  g_file_copy (source, target, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
append_number (GString *line, const char *name, double value)
{
  if (isnan (value))
    g_string_append_printf (line, ",\"%s\":null", name);
  else if (fabs (value) >= 1000)
    g_string_append_printf (line, ",\"%s\":%.0f", name, value);
  else
    g_string_append_printf (line, ",\"%s\":%.3g", name, value);
}

void
bench_report (const BenchResult *result)
{
  static const char *const words[] = { NULL, "ratio >=", "value >=", "value <" };
  g_autoptr (GString)      line = g_string_new (NULL);
  double                   ratio = isnan (result->ratio) ? result->value / result->bare : result->ratio;
  gboolean                 ok = TRUE;

  switch (result->target)
    {
    case BENCH_RATIO_AT_LEAST:
      ok = ratio >= result->limit;
      break;
    case BENCH_VALUE_AT_LEAST:
      ok = result->value >= result->limit;
      break;
    case BENCH_VALUE_BELOW:
      ok = result->value < result->limit;
      break;
    case BENCH_NO_TARGET:
    default:
      break;
    }

  g_string_printf (line, "{\"name\":\"%s\"", result->name);
  append_number (line, "value", result->value);
  g_string_append_printf (line, ",\"unit\":\"%s\"", result->unit);
  append_number (line, "bare", result->bare);
  append_number (line, "ratio", ratio);
  if (result->target != BENCH_NO_TARGET)
    g_string_append_printf (line, ",\"target\":\"%s %g\"", words[result->target], result->limit);
  else
    g_string_append (line, ",\"target\":null");
  g_string_append_printf (line, ",\"ok\":%s}\n", ok ? "true" : "false");
  fputs (line->str, stdout);
  fflush (stdout);
}

/* ---- How long the main loop did not come round ---- */

#define SPIN_SECONDS 0.5

static GArray *stalls; /* nullable: nobody measures */
static gint64  awake_since;

static int
poll_cb (GPollFD *fds, guint n, int timeout)
{
  int ready;

  if (stalls != NULL && awake_since != 0)
    {
      double stall = (double) (bench_now_ns () - awake_since) / 1e6;

      g_array_append_val (stalls, stall);
    }
  ready = poll ((struct pollfd *) fds, n, timeout);
  awake_since = bench_now_ns ();
  return ready;
}

void
bench_watch_loop (void)
{
  g_main_context_set_poll_func (NULL, poll_cb);
  stalls = g_array_new (FALSE, FALSE, sizeof (double));
  awake_since = 0;
}

GArray *
bench_stalls (void)
{
  return stalls;
}

void
bench_leave_loop (void)
{
  g_clear_pointer (&stalls, g_array_unref);
}

double
bench_measure_spin (void)
{
  gint64 start = bench_now_ns ();
  gint64 last = start;
  gint64 longest = 0;

  while (last - start < SPIN_SECONDS * 1e9)
    {
      gint64 now = bench_now_ns ();

      longest = MAX (longest, now - last);
      last = now;
    }
  return (double) longest / 1e6;
}
