/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "base/tess-source.h"

static gboolean
count_cb (gpointer data)
{
  ++*(guint *) data;
  return G_SOURCE_CONTINUE;
}

/* A source belongs to the context of the thread that made it, and to no other. */
static void
test_context (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  guint    count = 0;
  GSource *source;

  g_main_context_push_thread_default (context);
  source = tess_source_attach (g_idle_source_new (), count_cb, &count);
  g_main_context_pop_thread_default (context);

  g_assert_true (g_source_get_context (source) == context);
  g_assert_true (g_main_context_iteration (context, FALSE));
  g_assert_cmpuint (count, ==, 1);
  tess_source_clear (&source);
}

/* Cleared, it never runs again; what is not there is cleared as well. */
static void
test_clear (void)
{
  guint    count = 0;
  GSource *source = tess_source_attach (g_idle_source_new (), count_cb, &count);

  tess_source_clear (&source);
  g_assert_null (source);
  tess_source_clear (&source);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (count, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/source/context", test_context);
  g_test_add_func ("/base/source/clear", test_clear);
  return g_test_run ();
}
