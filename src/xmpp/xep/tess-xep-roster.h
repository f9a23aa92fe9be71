/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-router.h"

G_BEGIN_DECLS

#define TESS_XEP_ROSTER_NS "jabber:iq:roster"
#define TESS_XEP_ROSTER_VER_NS "urn:xmpp:features:rosterver"

#define TESS_XEP_ROSTER_MAX_ITEMS 20000
#define TESS_XEP_ROSTER_MAX_NAME 200 /* characters, of a group too */
#define TESS_XEP_ROSTER_MAX_GROUPS 50

typedef enum
{
  TESS_ROSTER_NONE,
  TESS_ROSTER_TO,     /* we see their presence */
  TESS_ROSTER_FROM,   /* they see ours */
  TESS_ROSTER_BOTH,
  TESS_ROSTER_REMOVE, /* only in a push: it is no longer in the roster */
} TessRosterSubscription;

/* A contact as the server keeps it (RFC 6121 section 2.1.2). Plain, one thread at a time. */
typedef struct
{
  TessJid               *jid;           /* bare */
  char                  *name;          /* nullable */
  TessRosterSubscription subscription;
  gboolean               ask_subscribe; /* we asked, they have not answered */
  gboolean               approved;      /* we approved before they asked */
  GStrv                  groups;        /* never NULL */
} TessRosterItem;

TessRosterItem *tess_xep_roster_item_copy (const TessRosterItem *self);
void            tess_xep_roster_item_free (TessRosterItem *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessRosterItem, tess_xep_roster_item_free)

/**
 * tess_xep_roster_get:
 * @ver: (nullable): the version that is stored; "" when none is stored but the server announced
 *   %TESS_XEP_ROSTER_VER_NS in its stream features; %NULL when it did not (section 2.6)
 * @reply: give its reply to [func@tess_xep_roster_parse_result]
 *
 * Engine thread.
 *
 * Returns: a serial for [func@tess_router_forget]
 */
guint
tess_xep_roster_get (TessRouter *router, const char *ver, TessReplyFunc reply, gpointer user_data);

/**
 * tess_xep_roster_parse_result:
 * @iq: the result of [func@tess_xep_roster_get]
 * @ver: (out) (nullable) (transfer full): the version to store
 * @error: return location
 *
 * Items whose address cannot be prepared are left out, and so is what a result must not hold
 * (`subscription='remove'`). A contact that is named twice counts once, the first time.
 *
 * Returns: (transfer full) (nullable) (element-type TessRosterItem): the whole roster; %NULL
 * without
 *   @error when the stored one is still right, %NULL with %TESS_XMPP_ERROR_TOO_LARGE beyond 20,000
 * items
 */
GPtrArray *tess_xep_roster_parse_result (const TessNode *iq, char **ver, GError **error);

/**
 * tess_xep_roster_take_push:
 * @push: an IQ of type set whose payload is `query` in %TESS_XEP_ROSTER_NS
 * @item: (out) (transfer full): the contact as it is now
 * @ver: (out) (nullable) (transfer full): the version to store with it
 *
 * For a handler of %TESS_STANZA_IQ_SET. Believes only the own bare address or a missing `from`
 * (section 2.1.6; attacks row C3), and answers a push that it believes.
 *
 * Returns: %TRUE when @item is to be applied. %FALSE: nothing changes; return %FALSE from the
 * handler then, so that the router refuses the stanza
 */
gboolean tess_xep_roster_take_push (TessRouter       *router,
                                    const TessStanza *push,
                                    TessRosterItem  **item,
                                    char            **ver);

/**
 * tess_xep_roster_set:
 * @jid: the contact; its bare part counts
 * @name: (nullable): the name that the person gave
 * @groups: (nullable): all groups that it shall be in
 *
 * Adds or changes a contact (sections 2.3, 2.4). The change itself arrives as a push. Engine
 * thread.
 *
 * Returns: a serial for [func@tess_router_forget]
 */
guint tess_xep_roster_set (TessRouter         *router,
                           TessJid            *jid,
                           const char         *name,
                           const char * const *groups,
                           TessReplyFunc       reply,
                           gpointer            user_data);

/* Removes a contact and both subscriptions (section 2.5). Engine thread. */
guint
tess_xep_roster_remove (TessRouter *router, TessJid *jid, TessReplyFunc reply, gpointer user_data);

G_END_DECLS
