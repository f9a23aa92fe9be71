/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/xep/tess-xep-disco.h"

G_BEGIN_DECLS

#define TESS_XEP_PUBSUB_NS "http://jabber.org/protocol/pubsub"
#define TESS_XEP_PUBSUB_EVENT_NS "http://jabber.org/protocol/pubsub#event"
#define TESS_XEP_PUBSUB_OWNER_NS "http://jabber.org/protocol/pubsub#owner"
#define TESS_XEP_PUBSUB_ERRORS_NS "http://jabber.org/protocol/pubsub#errors"
#define TESS_XEP_PUBSUB_PUBLISH_OPTIONS_NS "http://jabber.org/protocol/pubsub#publish-options"
#define TESS_XEP_PUBSUB_NODE_CONFIG_NS "http://jabber.org/protocol/pubsub#node_config"

#define TESS_XEP_PEP_MAX_ITEMS 1000 /* of one answer or event */

typedef enum
{
  TESS_PEP_ACCESS_DEFAULT,   /* what the server takes: presence */
  TESS_PEP_ACCESS_OPEN,      /* everybody */
  TESS_PEP_ACCESS_PRESENCE,  /* who may see our presence */
  TESS_PEP_ACCESS_WHITELIST, /* our own devices only (attacks row C6) */
} TessPepAccess;

#define TESS_PEP_MAX_ITEMS_MAX G_MAXUINT /* "max": as many as the server keeps */

/* What the node must be like when something is published (XEP-0060 section 7.1.5). */
typedef struct
{
  TessPepAccess access;
  gboolean      persist;   /* pubsub#persist_items */
  guint         max_items; /* 0: not said */
  gboolean      never_last; /* pubsub#send_last_published_item never: who wants what is there asks for it */
} TessPepOptions;

typedef struct
{
  const char     *id;      /* nullable */
  const TessNode *payload; /* nullable; borrowed */
} TessPepItem;

typedef enum
{
  TESS_PEP_EVENT_ITEMS,   /* items were published */
  TESS_PEP_EVENT_RETRACT, /* items were taken back: their ids, without payloads */
  TESS_PEP_EVENT_PURGE,   /* all items are gone */
  TESS_PEP_EVENT_DELETE,  /* the node is gone */
} TessPepEventKind;

/* All borrowed. */
typedef struct
{
  TessPepEventKind   kind;
  TessJid *from; /* the bare address of the owner: the sender, authenticated by the servers */
  const char        *node;
  const TessPepItem *items;
  guint              n_items;
} TessPepEvent;

typedef void (*TessPepEventFunc) (const TessPepEvent *event, gpointer user_data);

/* @error is NULL on success. Called exactly once unless cancelled. */
typedef void (*TessPepDoneFunc) (const GError *error, gpointer user_data);

/**
 * TessPepItemsFunc:
 * @items: (array length=n_items): borrowed; %NULL for none
 * @error: (nullable): %TESS_XMPP_ERROR_ITEM_NOT_FOUND when there is no such node
 *
 * Called exactly once unless cancelled.
 */
typedef void (*TessPepItemsFunc) (const TessPepItem *items,
                                  guint n_items,
                                  const GError *error,
                                  gpointer user_data);

/**
 * TessPep:
 *
 * Nodes of one's own account and of contacts (XEP-0163). One account, engine thread. Ids that its
 * functions return are for [func@tess_xep_pep_cancel] and never 0.
 */
typedef struct _TessPep TessPep;

/**
 * tess_xep_pep_new:
 * @router: must live longer, and so must @disco
 * @disco: (nullable): where the `+notify` features go
 */
TessPep *tess_xep_pep_new  (TessRouter *router, TessDisco *disco);
void     tess_xep_pep_free (TessPep *self); /* cancels all */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessPep, tess_xep_pep_free)

/**
 * tess_xep_pep_watch:
 * @node: the events of this node
 * @own_only: from the own bare address only: for private nodes (attacks row C5)
 *
 * Adds `node+notify` to our features. Call it before the first presence is sent. An event counts
 * for its sender only; one that is not from a bare address, or of type error, is dropped.
 */
void tess_xep_pep_watch (
    TessPep *self, const char *node, gboolean own_only, TessPepEventFunc func, gpointer user_data);

/**
 * tess_xep_pep_publish:
 * @item_id: (nullable): the id of the item; the server chooses one when %NULL. `current` for
 * singletons
 * @payload: (transfer full): the only child of the item
 * @options: (nullable): when the node is not so (precondition-not-met), it is configured and the
 * item published once more, with the same options: it is never published to a node that is
 * otherwise
 *
 * A server that does not announce %TESS_XEP_PUBSUB_PUBLISH_OPTIONS_NS for the own account ignores
 * @options: the caller looks first when the node is to be private (XEP-0223 section 5; row C6).
 */
guint tess_xep_pep_publish (TessPep              *self,
                            const char           *node,
                            const char           *item_id,
                            TessNode             *payload,
                            const TessPepOptions *options,
                            TessPepDoneFunc       done,
                            gpointer              user_data);

/**
 * tess_xep_pep_fetch:
 * @owner: (nullable): whose node, its bare part counts; the own account when %NULL
 * @max_items: the newest so many; 0 for all that the server gives
 */
guint tess_xep_pep_fetch (TessPep         *self,
                          TessJid         *owner,
                          const char      *node,
                          guint            max_items,
                          TessPepItemsFunc done,
                          gpointer         user_data);

/* One item by its id; no item is no error. */
guint tess_xep_pep_fetch_item (TessPep         *self,
                               TessJid         *owner,
                               const char      *node,
                               const char      *item_id,
                               TessPepItemsFunc done,
                               gpointer         user_data);

/* Takes an own item back; @notify tells those who watch. */
guint tess_xep_pep_retract (TessPep        *self,
                            const char     *node,
                            const char     *item_id,
                            gboolean        notify,
                            TessPepDoneFunc done,
                            gpointer        user_data);

guint tess_xep_pep_delete_node (TessPep *self,
                                const char *node,
                                TessPepDoneFunc done,
                                gpointer user_data);

/* Changes an own node that exists. */
guint tess_xep_pep_configure (TessPep              *self,
                              const char           *node,
                              const TessPepOptions *options,
                              TessPepDoneFunc       done,
                              gpointer              user_data);

void tess_xep_pep_cancel (TessPep *self, guint id); /* an id that is unknown or done is fine */

G_END_DECLS
