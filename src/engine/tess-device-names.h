/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-session.h"

G_BEGIN_DECLS

/**
 * tess_device_names_hear:
 * @from: full, as the server stamped it
 * @device: that sent something which was decrypted just now
 *
 * Which software another one of one's own devices runs: its resource is asked once in a connection (XEP-0030 section 3.1). Nobody else is
 * asked. Engine thread, outside of a transaction.
 */
void tess_device_names_hear (TessSession *session, TessJid *from, guint32 device);

G_END_DECLS
