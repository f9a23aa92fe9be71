/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * tess_settings_get:
 *
 * Main thread. Returns: (transfer none) (nullable): the settings, %NULL where the schema is not installed (a build that is run in
 * place); everything has its default then
 */
GSettings *tess_settings_get         (void);

/* TRUE, the default of both keys, without a schema. */
gboolean   tess_settings_get_boolean (const char *key);

#define TESS_SETTING_BACKGROUND "run-in-background"
#define TESS_SETTING_NOTIFICATIONS "show-notifications"
#define TESS_SETTING_HISTORY_DAYS "history-days"
#define TESS_SETTING_WIDTH "window-width"
#define TESS_SETTING_HEIGHT "window-height"
#define TESS_SETTING_MAXIMIZED "window-maximized"

G_END_DECLS
