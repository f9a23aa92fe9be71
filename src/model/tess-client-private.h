/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/tess-client.h"

G_BEGIN_DECLS

/* @events: (element-type TessEvent): a batch of the engine. Tests feed it without a thread. */
void tess_client_handle_events (TessClient *self, GPtrArray *events);

G_END_DECLS
