/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-jid.h"
#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_PRESENCE_MAX_STATUS 1000 /* characters */

typedef enum
{
  TESS_PRESENCE_UNAVAILABLE,
  TESS_PRESENCE_AVAILABLE,
  TESS_PRESENCE_CHAT,
  TESS_PRESENCE_AWAY,
  TESS_PRESENCE_XA,
  TESS_PRESENCE_DND,
} TessPresenceShow;

typedef enum
{
  TESS_PRESENCE_STATE,        /* available or unavailable: read it with tess_xep_presence_parse() */
  TESS_PRESENCE_SUBSCRIBE,    /* they ask to see our presence */
  TESS_PRESENCE_SUBSCRIBED,   /* they let us see theirs */
  TESS_PRESENCE_UNSUBSCRIBE,  /* they no longer want ours */
  TESS_PRESENCE_UNSUBSCRIBED, /* they no longer let us */
  TESS_PRESENCE_PROBE,
  TESS_PRESENCE_ERROR,
  TESS_PRESENCE_OTHER,        /* to be ignored */
} TessPresenceKind;

/* What one resource says of itself (RFC 6121 section 4.7). Plain, one thread at a time. */
typedef struct
{
  TessPresenceShow show;
  int              priority; /* -128 to 127 */
  char            *status;   /* nullable; foreign text, clipped */
} TessPresence;

/* Which kind a presence stanza is. Any thread. */
TessPresenceKind tess_xep_presence_get_kind (const TessNode *presence);

/**
 * tess_xep_presence_parse:
 * @presence: a presence stanza
 *
 * Returns: (transfer full) (nullable): what it says, or %NULL when its kind is not %TESS_PRESENCE_STATE
 */
TessPresence *tess_xep_presence_parse (const TessNode *presence);
void          tess_xep_presence_free  (TessPresence *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessPresence, tess_xep_presence_free)

/**
 * tess_xep_presence_build:
 * @show: what to say; %TESS_PRESENCE_UNAVAILABLE gives `type='unavailable'`
 * @status: (nullable): the person's words
 * @priority: -128 to 127
 * @caps: (nullable) (transfer full): from [func@tess_xep_caps_build]
 *
 * Returns: (transfer full): a presence stanza for everybody
 */
TessNode *tess_xep_presence_build (TessPresenceShow show, const char *status, int priority, TessNode *caps);

/**
 * tess_xep_presence_build_subscription:
 * @kind: one of the four of subscriptions
 * @to: the contact; its bare part counts (RFC 6121 section 3.1.1)
 *
 * Returns: (transfer full): a presence stanza
 */
TessNode *tess_xep_presence_build_subscription (TessPresenceKind kind, TessJid *to);

G_END_DECLS
