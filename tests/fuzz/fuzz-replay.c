/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include <string.h>

/* Gives a target the files of folders, one test a folder: for builds without libFuzzer. */

int LLVMFuzzerInitialize   (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
replay (gconstpointer user_data)
{
  const char         *folder = user_data;
  g_autoptr (GError)  error = NULL;
  g_autoptr (GDir)    dir = g_dir_open (folder, 0, &error);
  guint               count = 0;
  const char         *name;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *contents = NULL;
      g_autofree guint8 *exact = NULL; /* without the NUL that GLib puts behind it, so that reading on is seen */
      gsize            length;

      g_file_get_contents (path, &contents, &length, &error);
      g_assert_no_error (error);
      exact = g_memdup2 (contents, length);
      g_test_message ("%s", name);
      LLVMFuzzerTestOneInput (exact, length);
      count++;
    }
  g_assert_true (count > 0 || strstr (folder, "/regressions/") != NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  LLVMFuzzerInitialize (&argc, &argv);
  for (int i = 1; i < argc; i++)
    {
      g_autofree char *name = g_path_get_basename (argv[i]);
      g_autofree char *folder = g_path_get_dirname (argv[i]);
      g_autofree char *kind = g_path_get_basename (folder);
      g_autofree char *path = g_strdup_printf ("/replay/%s/%s", name, kind);

      if (g_file_test (argv[i], G_FILE_TEST_IS_DIR))
        g_test_add_data_func (path, argv[i], replay);
    }
  return g_test_run ();
}
