/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "desktop/tess-desktop-error.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  TESS_BACKGROUND_AUTOMATIC, /* by the portal in a Flatpak, else by file */
  TESS_BACKGROUND_PORTAL,    /* org.freedesktop.portal.Background */
  TESS_BACKGROUND_FILE,      /* $XDG_CONFIG_HOME/autostart/im.tessera.Tessera.desktop */
} TessBackgroundWay;

/**
 * tess_background_request_async:
 * @way: normally %TESS_BACKGROUND_AUTOMATIC
 * @parent_window: (nullable): as the portals name it (`wayland:…`, `x11:…`), for their question
 * @autostart: TRUE to start with the session, FALSE to stop doing so
 * @command: (nullable): what is started, each argument by itself; needed with @autostart
 * @cancellable: (nullable): ends a question of the portal too
 *
 * Asks to run without a window, and turns starting with the session on or off. Main thread.
 */
void     tess_background_request_async  (TessBackgroundWay way, const char *parent_window, gboolean autostart,
                                         const char *const *command, GCancellable *cancellable,
                                         GAsyncReadyCallback callback, gpointer user_data);

/**
 * tess_background_request_finish:
 * @autostart: (out) (optional): whether it will start with the session
 *
 * Returns: FALSE with %TESS_DESKTOP_ERROR_REFUSED when it may not run in the background,
 *   %TESS_DESKTOP_ERROR_TIMED_OUT, %TESS_DESKTOP_ERROR_FAILED, or %G_IO_ERROR_CANCELLED
 */
gboolean tess_background_request_finish (GAsyncResult *result, gboolean *autostart, GError **error);

/* Whether the file is there; in a Flatpak nobody but the portal knows, and it is FALSE. */
gboolean tess_background_has_file       (void);

G_END_DECLS
