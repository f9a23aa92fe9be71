/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-session.h"

G_BEGIN_DECLS

/**
 * tess_catch_up_release_held:
 *
 * What could not be decrypted before older letters had come (tess_store_hold()) is taken now that all have: what cannot be read any more is
 * told as such. Engine thread.
 *
 * Returns: %FALSE when the database failed; the person has been told then
 */
gboolean tess_catch_up_release_held (TessSession *session);

G_END_DECLS
