/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-base"

#include "config.h"

#include "base/tess-thread.h"

static __thread TessThreadRole current_role = TESS_THREAD_NONE;

void
tess_thread_set_role (TessThreadRole role)
{
  current_role = role;
}

TessThreadRole
tess_thread_get_role (void)
{
  return current_role;
}

void
tess_thread_assert_failed (const char *function, TessThreadRole wanted)
{
  static const char *const names[] = { "no", "the main", "the engine" };

  g_error ("%s () was called on %s thread, but belongs to %s thread", function,
           names[current_role], names[wanted]);
}
