/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-base"

#include "config.h"

#include "base/tess-source.h"

GSource *
tess_source_attach (GSource *source, GSourceFunc function, gpointer data)
{
  g_source_set_callback (source, function, data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());

  return source;
}

void
tess_source_clear (GSource **place)
{
  if (*place == NULL)
    return;

  g_source_destroy (*place);
  g_clear_pointer (place, g_source_unref);
}
