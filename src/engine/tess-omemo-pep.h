/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-session.h"

G_BEGIN_DECLS

/* OMEMO's network over personal eventing (XEP-0163); its data pointer is the TessSession. Engine thread. */
const TessOmemoTransport *tess_omemo_pep_get_table (void);

/* Listens for device lists: before the first presence. */
void tess_omemo_pep_watch (TessSession *session);

G_END_DECLS
