/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessInUse:
 *
 * Tells the client whether a person has one of our windows in front: at once when one comes to the front, half a minute after the last one
 * has left it, so that going back and forth between windows is no news. Main thread.
 */
typedef struct _TessInUse TessInUse;

/* TESSERA_IDLE_SECONDS: another time than half a minute, for tests. */
TessInUse *tess_in_use_new  (TessClient *client);
void       tess_in_use_free (TessInUse *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessInUse, tess_in_use_free)

G_END_DECLS
