/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tessera"

#include "config.h"

#include "tess-application.h"

#include "base/tess-thread.h"

#include <glib/gi18n.h>
#include <locale.h>

int
main (int argc, char *argv[])
{
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  tess_thread_set_role (TESS_THREAD_MAIN);

  g_autoptr (TessApplication) application = tess_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
