/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_engine_error_from:
 * @error: of any room below
 *
 * Returns: (transfer full): a TESS_ENGINE_ERROR with the code that a caller can act on and the same sentence;
 *   G_IO_ERROR_CANCELLED stays what it is
 */
GError *tess_engine_error_from (const GError *error);

/* Frees @error and sets @dest to its translation. */
void tess_engine_propagate (GError **dest, GError *error);

G_END_DECLS
