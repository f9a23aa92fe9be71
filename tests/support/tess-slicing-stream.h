/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * tess_slicing_stream_new:
 * @base: a stream that blocks
 * @most: no read or write moves more bytes than a random number from 1 to this
 *
 * A stream that cuts everything into slices. Its asynchronous functions run in threads, so that cancelling
 * and waiting take other ways than on a socket.
 */
GIOStream *tess_slicing_stream_new (GIOStream *base, guint most);

/* Two ends of one connection inside the process. */
void tess_slicing_stream_new_pair (guint most, GIOStream **one, GIOStream **other);

G_END_DECLS
