/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-jid.h"
#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_PRESENCE_MAX_STATUS 1000 /* characters */

typedef enum
{
  TESS_XEP_PRESENCE_UNAVAILABLE,
  TESS_XEP_PRESENCE_AVAILABLE,
  TESS_XEP_PRESENCE_CHAT,
  TESS_XEP_PRESENCE_AWAY,
  TESS_XEP_PRESENCE_XA,
  TESS_XEP_PRESENCE_DND,
} TessXepPresenceShow;

typedef enum
{
  TESS_XEP_PRESENCE_STATE, /* available or unavailable: read it with tess_xep_presence_parse() */
  TESS_XEP_PRESENCE_SUBSCRIBE,    /* they ask to see our presence */
  TESS_XEP_PRESENCE_SUBSCRIBED,   /* they let us see theirs */
  TESS_XEP_PRESENCE_UNSUBSCRIBE,  /* they no longer want ours */
  TESS_XEP_PRESENCE_UNSUBSCRIBED, /* they no longer let us */
  TESS_XEP_PRESENCE_PROBE,
  TESS_XEP_PRESENCE_ERROR,
  TESS_XEP_PRESENCE_OTHER, /* to be ignored */
} TessXepPresenceKind;

/* What one resource says of itself (RFC 6121 section 4.7). Plain, one thread at a time. */
typedef struct
{
  TessXepPresenceShow show;
  int              priority; /* -128 to 127 */
  char            *status;   /* nullable; foreign text, clipped */
} TessXepPresence;

/* Which kind a presence stanza is. Any thread. */
TessXepPresenceKind tess_xep_presence_get_kind (const TessNode *presence);

/**
 * tess_xep_presence_parse:
 * @presence: a presence stanza
 *
 * Returns: (transfer full) (nullable): what it says, or %NULL when its kind is not
 * %TESS_XEP_PRESENCE_STATE
 */
TessXepPresence *tess_xep_presence_parse (const TessNode *presence);
void          tess_xep_presence_free  (TessXepPresence *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessXepPresence, tess_xep_presence_free)

/**
 * tess_xep_presence_build:
 * @show: what to say; %TESS_XEP_PRESENCE_UNAVAILABLE gives `type='unavailable'`
 * @status: (nullable): the person's words
 * @priority: -128 to 127
 * @caps: (nullable) (transfer full): from [func@tess_xep_caps_build]
 *
 * Returns: (transfer full): a presence stanza for everybody
 */
TessNode *tess_xep_presence_build (TessXepPresenceShow show,
                                   const char *status,
                                   int priority,
                                   TessNode *caps);

/**
 * tess_xep_presence_build_subscription:
 * @kind: one of the four of subscriptions
 * @to: the contact; its bare part counts (RFC 6121 section 3.1.1)
 *
 * Returns: (transfer full): a presence stanza
 */
TessNode *tess_xep_presence_build_subscription (TessXepPresenceKind kind, TessJid *to);

G_END_DECLS
