/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_source_attach:
 * @source: a new source
 *
 * Attaches @source to the thread-default context, with @function as its callback. Any thread.
 *
 * Returns: @source, whose reference stays the caller's: see [func@tess_source_clear]
 */
GSource *tess_source_attach (GSource *source, GSourceFunc function, gpointer data);

/* Ends the source at @place, if there is one, lets go of it, and leaves NULL there. Any thread. */
void tess_source_clear (GSource **place);

G_END_DECLS
