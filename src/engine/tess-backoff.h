/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  TESS_BACKOFF_USUAL,      /* longer each time, up to two minutes */
  TESS_BACKOFF_AT_ONCE,    /* it was online for long, or the wire went dead and nobody said so: it may be back already */
  TESS_BACKOFF_REFUSED,    /* nobody listens there, as while a server restarts: about each second for half a minute, then as usual */
  TESS_BACKOFF_SLOW,       /* what does not mend itself in seconds, such as a wrong certificate */
  TESS_BACKOFF_NO_NETWORK, /* the network is waited for; in case that the desktop is wrong, each minute */
} TessBackoffKind;

/**
 * TessBackoff:
 *
 * How long to wait for the next attempt to connect, as pure state; 0 is the beginning. Never two clients at the same moment after a
 * server came back: a part of each time is by chance.
 */
typedef struct
{
  guint  attempts;
  gint64 refused_us; /* monotonic: the first refusal since it was online; 0: none */
} TessBackoff;

/* Quick again: it was online for long, or somebody asks for it. */
void  tess_backoff_reset  (TessBackoff *self);
/* It is online: the next refusal is the first one. What ends soon is still no reason to be quick. */
void  tess_backoff_online (TessBackoff *self);
/* Returns: milliseconds. @random: any number */
guint tess_backoff_next   (TessBackoff *self, TessBackoffKind kind, gint64 now_us, guint32 random);

G_END_DECLS
