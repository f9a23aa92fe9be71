/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * TessKeepalive:
 *
 * When a silent stream is to be asked whether it lives, as pure state. It is asked only when nothing came for so long; a way
 * that forgot the connection without a word (a NAT, mostly) halves that time, each answer lengthens it a little. It belongs to
 * the account, not to one stream: what was learnt holds for the next one.
 */
typedef struct
{
  guint  seconds;  /* of silence until it is asked */
  gint64 asked_us; /* monotonic: when it was asked and has not answered; 0: never */
} TessKeepalive;

void  tess_keepalive_init (TessKeepalive *self);

/**
 * tess_keepalive_look:
 * @heard_us: when something came last, monotonic
 * @ask: (out): whether it is time to ask
 *
 * Returns: the seconds after which to look again
 */
guint tess_keepalive_look (TessKeepalive *self, gint64 heard_us, gint64 now_us, gboolean *ask);

/* The stream has ended. @silent: because no answer came; it counts when it was us who asked. */
void  tess_keepalive_ended (TessKeepalive *self, gboolean silent);

G_END_DECLS
