/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo-schedule.h"

#include <stdlib.h>

/* The quick part of tests/check; the command for the whole is in tests/README.md:
 *
 *   test-omemo-schedules --schedules 2000 [--steps N] [--seed FIRST]
 *   test-omemo-schedules --replay SEED [--forgetful] [--steps N] --verbose
 *
 * Schedules have the seeds FIRST, FIRST + 1, …; a seed makes all chance of its schedule, that of the keys too. */

#define MIN_STEPS 200

static int      n_schedules = 20;
static int      n_forgetful = 5;
static int      n_steps = MIN_STEPS;
static gint64   first_seed;
static gint64   replayed = -1;
static gboolean forgets;

static void
count (ScheduleFigures *sum, const ScheduleFigures *one)
{
  sum->sent += one->sent;
  sum->read += one->read;
  sum->lost += one->lost;
  sum->doubled += one->doubled;
  sum->overtook += one->overtook;
  sum->restarts += one->restarts;
  sum->added += one->added;
  sum->exchanges += one->exchanges;
  sum->broken += one->broken;
  sum->repairs += one->repairs;
}

static void
check_busy (const ScheduleFigures *sum, ScheduleKind kind)
{
  g_assert_cmpuint (sum->read, >, sum->sent);
  g_assert_cmpuint (sum->lost, >, 0);
  g_assert_cmpuint (sum->doubled, >, 0);
  g_assert_cmpuint (sum->overtook, >, 0);
  g_assert_cmpuint (sum->restarts, >, 0);
  g_assert_cmpuint (sum->added, >, 0);
  if (kind == SCHEDULE_FORGETFUL)
    g_assert_cmpuint (sum->repairs, >, 0);
  else
    g_assert_cmpuint (sum->broken, <, sum->read / 50); /* seldom: that two draw one prekey */
}

static void
run (int n, ScheduleKind kind)
{
  ScheduleFigures sum = { 0 };
  g_autoptr (GString) failed = g_string_new (NULL);
  guint failures = 0;

  for (int i = 0; i < n; i++)
    {
      guint32 seed = (guint32) (replayed >= 0 ? replayed : first_seed + i);
      ScheduleFigures one = { 0 };
      g_autofree char *problem = schedule_run (seed, kind, (guint) n_steps, &one);

      count (&sum, &one);
      if (problem != NULL)
        {
          failures++;
          g_string_append_printf (failed, " %u", seed);
          g_printerr ("seed %u: %s; again: --replay %u%s --steps %d\n", seed, problem, seed,
                      kind == SCHEDULE_FORGETFUL ? " --forgetful" : "", n_steps);
        }
      if ((i + 1) % 100 == 0)
        g_printerr ("%d schedules, %u failed\n", i + 1, failures);
    }
  g_test_message ("%d schedules of %d steps, seeds from %u: %u messages to %u readings; %u letters lost, %u doubled, %u overtaken; "
                  "%u restarts, %u devices added, %u key exchanges, %u broken letters, %u repairs; %u schedules failed%s%s",
                  n, n_steps, (guint32) (replayed >= 0 ? replayed : first_seed), sum.sent, sum.read, sum.lost, sum.doubled,
                  sum.overtook, sum.restarts, sum.added, sum.exchanges, sum.broken, sum.repairs, failures,
                  failures > 0 ? ":" : "", failed->str);
  /* A test that did nothing proves nothing; of a few schedules one may. */
  if (n >= 5)
    check_busy (&sum, kind);
  g_assert_cmpuint (failures, ==, 0);
}

static void
test_schedules (void)
{
  run (n_schedules, SCHEDULE_HONEST);
}

static void
test_forgetful (void)
{
  run (n_forgetful, SCHEDULE_FORGETFUL);
}

int
main (int argc, char **argv)
{
  const GOptionEntry entries[] = {
    { "schedules", 0, 0, G_OPTION_ARG_INT, &n_schedules, "how many", "N" },
    { "steps", 0, 0, G_OPTION_ARG_INT, &n_steps, "of each", "N" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &first_seed, "of the first; by chance", "SEED" },
    { "replay", 0, 0, G_OPTION_ARG_INT64, &replayed, "this one alone", "SEED" },
    { "forgetful", 0, 0, G_OPTION_ARG_NONE, &forgets, "with --replay: it was a forgetful one", NULL },
    { "verbose", 0, 0, G_OPTION_ARG_NONE, &schedule_verbose, "each step", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  int quick = n_schedules;

  first_seed = g_random_int ();
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_ignore_unknown_options (context, TRUE); /* GLib's own */
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  if (n_schedules != quick)
    n_forgetful = MAX (1, n_schedules / 10);
  if (replayed >= 0)
    n_schedules = n_forgetful = 1;
  g_test_init (&argc, &argv, NULL);
  if (replayed < 0 || !forgets)
    g_test_add_func ("/omemo/schedules", test_schedules);
  if (replayed < 0 || forgets)
    g_test_add_func ("/omemo/schedules/forgetful", test_forgetful);
  return g_test_run ();
}
