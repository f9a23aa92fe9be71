/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessNetworkFunc:
 * @available: whether there is a route to the outside; TRUE too where nobody can tell
 *
 * Something about the network has changed, perhaps with @available as before (another Wi-Fi): try at once.
 */
typedef void (*TessNetworkFunc) (gboolean available, gpointer user_data);

/* The computer has woken up: connections may be dead without anybody saying so. */
typedef void (*TessResumedFunc) (gpointer user_data);

/**
 * TessNetwork:
 *
 * Tells of changes of the network (GNetworkMonitor) and of the end of sleep (logind, where there is one). Main thread.
 */
typedef struct _TessNetwork TessNetwork;

TessNetwork *tess_network_new      (TessNetworkFunc changed, TessResumedFunc resumed, gpointer user_data);
/* @monitor: instead of the default one, for tests. */
TessNetwork *tess_network_new_with (GNetworkMonitor *monitor, TessNetworkFunc changed, TessResumedFunc resumed,
                                    gpointer user_data);
/* Nothing is called afterwards. */
void         tess_network_free     (TessNetwork *self);

gboolean     tess_network_get_available (TessNetwork *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessNetwork, tess_network_free)

G_END_DECLS
