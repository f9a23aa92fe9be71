/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * tess_id_new:
 *
 * An identifier that nobody can guess, for stanzas and messages: 96 bits from the kernel's generator,
 * as 24 hexadecimal digits. Any thread.
 *
 * Returns: (transfer full): a new identifier
 */
char *tess_id_new (void);

G_END_DECLS
