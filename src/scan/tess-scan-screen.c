/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-scan"

#include "config.h"

#include "scan/tess-scan-screen.h"

#include "scan/tess-scan-picture.h"

#include <glib/gi18n-lib.h>
#include <libportal/portal.h>

static void
scanned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  char **texts = tess_scan_picture_finish (result, &error);

  g_file_delete (g_task_get_task_data (task), NULL, NULL);
  if (texts != NULL)
    g_task_return_pointer (task, texts, (GDestroyNotify) g_strfreev);
  else
    g_task_return_error (task, error);
}

static void
taken_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = xdp_portal_take_screenshot_finish (XDP_PORTAL (source), result, &error);
  GFile *file;

  if (uri == NULL)
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_task_return_error (task, g_steal_pointer (&error));
      else
        g_task_return_new_error (task, TESS_SCAN_ERROR, TESS_SCAN_ERROR_NO_SCREEN,
                                 _ ("Your desktop gives no picture of the screen. Take one with its own tool, then open or paste it here."));
      return;
    }
  file = g_file_new_for_uri (uri);
  g_task_set_task_data (task, file, g_object_unref);
  tess_scan_file_async (file, g_task_get_cancellable (task), scanned_cb, g_steal_pointer (&task));
}

void
tess_scan_screen_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (XdpPortal) portal = xdp_portal_new ();
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, tess_scan_screen_async);
  xdp_portal_take_screenshot (portal, NULL, XDP_SCREENSHOT_FLAG_INTERACTIVE, cancellable, taken_cb, task);
}

char **
tess_scan_screen_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
