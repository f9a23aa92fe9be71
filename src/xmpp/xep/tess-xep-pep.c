/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-pep.h"

#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-data-form.h"
#include "xmpp/xep/tess-xep-text.h"

#define HANDLER_PRIORITY 500

struct _TessPep
{
  TessRouter *router;
  TessDisco  *disco;    /* nullable */
  GHashTable *watchers; /* node -> Watcher */
  GHashTable *requests; /* id -> Request */
  guint       last_id;
  guint       handler;
};

typedef struct
{
  gboolean         own_only;
  TessPepEventFunc func;
  gpointer         user_data;
} Watcher;

/* An operation that is under way; one of done and items is set. */
typedef struct
{
  TessPep         *pep;
  guint            id;
  guint            serial;
  char            *node;
  char            *item_id; /* nullable */
  TessPepDoneFunc  done;
  TessPepItemsFunc items;
  gpointer         user_data;
  /* Of publishing only. */
  TessNode        *payload;
  TessPepOptions   options;
  gboolean         has_options;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  tess_router_forget (request->pep->router, request->serial);
  tess_node_free (request->payload);
  g_free (request->node);
  g_free (request->item_id);
  g_free (request);
}

static Request *
request_new (TessPep *self, const char *node, const char *item_id)
{
  Request *request = g_new0 (Request, 1);

  request->pep = self;
  request->id = ++self->last_id;
  request->node = g_strdup (node);
  request->item_id = g_strdup (item_id);
  g_hash_table_insert (self->requests, GUINT_TO_POINTER (request->id), request);

  return request;
}

/* Takes @payload. */
static guint
request_send (
    Request *request, TessJid *to, const char *type, TessNode *payload, TessReplyFunc reply)
{
  TessPep *self = request->pep;
  guint    id = request->id;
  guint    serial = tess_router_send_iq (self->router, to, type, payload, 0, reply, request);

  /* A stream that is gone may have answered already. */
  if (g_hash_table_contains (self->requests, GUINT_TO_POINTER (id)))
    request->serial = serial;

  return id;
}

/* The request is forgotten first: its function may free the whole. */
static void
request_finish (Request *request, const TessPepItem *items, guint n_items, const GError *error)
{
  TessPepDoneFunc  done = request->done;
  TessPepItemsFunc items_done = request->items;
  gpointer         user_data = request->user_data;

  request->serial = 0;
  g_hash_table_remove (request->pep->requests, GUINT_TO_POINTER (request->id));
  if (done != NULL)
    done (error, user_data);
  else if (items_done != NULL)
    items_done (items, n_items, error, user_data);
}

static void
done_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
  request_finish (user_data, NULL, 0, error);
}

/* Items */

/* What <items/> holds of that name, at most so many. (element-type TessPepItem) */
static GArray *
collect_items (const TessNode *items, const char *name, const char *ns)
{
  GArray *collected = g_array_new (FALSE, FALSE, sizeof (TessPepItem));

  for (TESS_NODE_EACH (node, items, name, ns))
    {
      const char *id = tess_node_get (node, "id");
      TessPepItem item = { tess_xep_text_is_id (id) ? id : NULL,
                           tess_node_child (node, NULL, NULL) };

      if (collected->len == TESS_XEP_PEP_MAX_ITEMS)
        {
          g_debug ("More than %d items: the rest is not read", TESS_XEP_PEP_MAX_ITEMS);
          break;
        }
      g_array_append_val (collected, item);
    }

  return collected;
}

static void
items_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
  Request           *request = user_data;
  const TessNode    *pubsub = tess_node_child (reply, "pubsub", TESS_XEP_PUBSUB_NS);
  const TessNode    *items = tess_node_child (pubsub, "items", TESS_XEP_PUBSUB_NS);
  g_autoptr (GArray) collected = NULL;
  g_autoptr (GError) bad = NULL;

  /* Servers say of an item that is missing what they say of a node that is missing. */
  if (request->item_id != NULL &&
      g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_ITEM_NOT_FOUND))
    {
      request_finish (request, NULL, 0, NULL);
      return;
    }
  if (error != NULL)
    {
      request_finish (request, NULL, 0, error);
      return;
    }
  if (pubsub == NULL ||
      (items != NULL && g_strcmp0 (tess_node_get (items, "node"), request->node) != 0))
    {
      bad = g_error_new_literal (TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY,
                                 "The answer is not about the node");
      request_finish (request, NULL, 0, bad);
      return;
    }

  collected = collect_items (items, "item", TESS_XEP_PUBSUB_NS);
  request_finish (request, collected->len > 0 ? (const TessPepItem *) collected->data : NULL,
                  collected->len, NULL);
}

static guint
fetch (TessPep         *self,
       TessJid         *owner,
       const char      *node,
       const char      *item_id,
       guint            max_items,
       TessPepItemsFunc done,
       gpointer         user_data)
{
  Request  *request = request_new (self, node, item_id);
  TessNode *pubsub = tess_node_new ("pubsub", TESS_XEP_PUBSUB_NS);
  TessNode *items = tess_node_add (pubsub, "items", NULL);

  tess_node_set (items, "node", node);
  if (max_items > 0)
    {
      g_autofree char *number = g_strdup_printf ("%u", max_items);

      tess_node_set (items, "max_items", number);
    }
  if (item_id != NULL)
    tess_node_set (tess_node_add (items, "item", NULL), "id", item_id);
  request->items = done;
  request->user_data = user_data;

  return request_send (request, owner != NULL ? tess_jid_get_bare (owner) : NULL, "get", pubsub,
                       items_cb);
}

guint
tess_xep_pep_fetch (TessPep         *self,
                    TessJid         *owner,
                    const char      *node,
                    guint            max_items,
                    TessPepItemsFunc done,
                    gpointer         user_data)
{
  return fetch (self, owner, node, NULL, max_items, done, user_data);
}

guint
tess_xep_pep_fetch_item (TessPep         *self,
                         TessJid         *owner,
                         const char      *node,
                         const char      *item_id,
                         TessPepItemsFunc done,
                         gpointer         user_data)
{
  return fetch (self, owner, node, item_id, 0, done, user_data);
}

/* Publishing */

static void
add_options (TessNode *parent, const char *form_type, const TessPepOptions *options)
{
  static const char *const access_names[] = {
    [TESS_PEP_ACCESS_OPEN] = "open",
    [TESS_PEP_ACCESS_PRESENCE] = "presence",
    [TESS_PEP_ACCESS_WHITELIST] = "whitelist",
  };
  TessNode *form = tess_xep_data_form_add_submit (parent, form_type);

  if (options->access != TESS_PEP_ACCESS_DEFAULT)
    tess_xep_data_form_add_value (form, "pubsub#access_model", access_names[options->access]);
  tess_xep_data_form_add_value (form, "pubsub#persist_items", options->persist ? "true" : "false");
  if (options->max_items == TESS_PEP_MAX_ITEMS_MAX)
    tess_xep_data_form_add_value (form, "pubsub#max_items", "max");
  else if (options->max_items > 0)
    {
      g_autofree char *number = g_strdup_printf ("%u", options->max_items);

      tess_xep_data_form_add_value (form, "pubsub#max_items", number);
    }
  if (options->never_last)
    tess_xep_data_form_add_value (form, "pubsub#send_last_published_item", "never");
}

static TessNode *
build_publish (const Request *request)
{
  TessNode *pubsub = tess_node_new ("pubsub", TESS_XEP_PUBSUB_NS);
  TessNode *publish = tess_node_add (pubsub, "publish", NULL);
  TessNode *item = tess_node_add (publish, "item", NULL);

  tess_node_set (publish, "node", request->node);
  tess_node_set (item, "id", request->item_id);
  tess_node_append (item, tess_node_copy (request->payload));
  if (request->has_options)
    add_options (tess_node_add (pubsub, "publish-options", NULL),
                 TESS_XEP_PUBSUB_PUBLISH_OPTIONS_NS, &request->options);

  return pubsub;
}

static TessNode *
build_configure (const char *node, const TessPepOptions *options)
{
  TessNode *pubsub = tess_node_new ("pubsub", TESS_XEP_PUBSUB_OWNER_NS);
  TessNode *configure = tess_node_add (pubsub, "configure", NULL);

  tess_node_set (configure, "node", node);
  add_options (configure, TESS_XEP_PUBSUB_NODE_CONFIG_NS, options);

  return pubsub;
}

static void
configured_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
  Request *request = user_data;

  request->serial = 0;
  if (error != NULL)
    request_finish (request, NULL, 0, error);
  else
    request_send (request, NULL, "set", build_publish (request), done_cb);
}

static void
published_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
  Request *request = user_data;

  request->serial = 0;
  if (!request->has_options ||
      !g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_PRECONDITION))
    request_finish (request, NULL, 0, error);
  else
    request_send (request, NULL, "set", build_configure (request->node, &request->options),
                  configured_cb);
}

guint
tess_xep_pep_publish (TessPep              *self,
                      const char           *node,
                      const char           *item_id,
                      TessNode             *payload,
                      const TessPepOptions *options,
                      TessPepDoneFunc       done,
                      gpointer              user_data)
{
  Request *request = request_new (self, node, item_id);

  request->payload = payload;
  request->has_options = options != NULL;
  if (options != NULL)
    request->options = *options;
  request->done = done;
  request->user_data = user_data;

  return request_send (request, NULL, "set", build_publish (request), published_cb);
}

guint
tess_xep_pep_retract (TessPep        *self,
                      const char     *node,
                      const char     *item_id,
                      gboolean        notify,
                      TessPepDoneFunc done,
                      gpointer        user_data)
{
  Request  *request = request_new (self, node, item_id);
  TessNode *pubsub = tess_node_new ("pubsub", TESS_XEP_PUBSUB_NS);
  TessNode *retract = tess_node_add (pubsub, "retract", NULL);

  tess_node_set (retract, "node", node);
  tess_node_set (retract, "notify", notify ? "true" : NULL);
  tess_node_set (tess_node_add (retract, "item", NULL), "id", item_id);
  request->done = done;
  request->user_data = user_data;

  return request_send (request, NULL, "set", pubsub, done_cb);
}

guint
tess_xep_pep_delete_node (TessPep *self, const char *node, TessPepDoneFunc done, gpointer user_data)
{
  Request  *request = request_new (self, node, NULL);
  TessNode *pubsub = tess_node_new ("pubsub", TESS_XEP_PUBSUB_OWNER_NS);

  tess_node_set (tess_node_add (pubsub, "delete", NULL), "node", node);
  request->done = done;
  request->user_data = user_data;

  return request_send (request, NULL, "set", pubsub, done_cb);
}

guint
tess_xep_pep_configure (TessPep              *self,
                        const char           *node,
                        const TessPepOptions *options,
                        TessPepDoneFunc       done,
                        gpointer              user_data)
{
  Request *request = request_new (self, node, NULL);

  request->done = done;
  request->user_data = user_data;

  return request_send (request, NULL, "set", build_configure (node, options), done_cb);
}

void
tess_xep_pep_cancel (TessPep *self, guint id)
{
  g_hash_table_remove (self->requests, GUINT_TO_POINTER (id));
}

/* Events */

static void
tell (const Watcher *watcher,
      TessPepEventKind kind,
      TessJid *from,
      const char *node,
      const GArray *items)
{
  TessPepEvent event = { kind, from, node, NULL, 0 };

  if (items != NULL && items->len > 0)
    {
      event.items = (const TessPepItem *) items->data;
      event.n_items = items->len;
    }
  watcher->func (&event, watcher->user_data);
}

static void
tell_items (const Watcher *watcher, TessJid *from, const char *node, const TessNode *child)
{
  g_autoptr (GArray) retracted = collect_items (child, "retract", TESS_XEP_PUBSUB_EVENT_NS);
  g_autoptr (GArray) published = collect_items (child, "item", TESS_XEP_PUBSUB_EVENT_NS);
  Watcher            kept = *watcher;

  if (retracted->len > 0)
    tell (&kept, TESS_PEP_EVENT_RETRACT, from, node, retracted);
  if (published->len > 0)
    tell (&kept, TESS_PEP_EVENT_ITEMS, from, node, published);
}

static gboolean
event_cb (const TessStanza *stanza, gpointer user_data)
{
  TessPep        *self = user_data;
  const TessNode *child = tess_node_child (stanza->payload, NULL, TESS_XEP_PUBSUB_EVENT_NS);
  const char     *node = child != NULL ? tess_node_get (child, "node") : NULL;
  const Watcher  *watcher = NULL;

  /* A client can write an event into a message; a PEP service has a bare address. Such a message
   * goes on as whatever else it is. */
  if (!tess_jid_is_bare (stanza->from) || g_strcmp0 (stanza->type, "error") == 0)
    return FALSE;

  watcher = node != NULL ? g_hash_table_lookup (self->watchers, node) : NULL;
  if (watcher == NULL)
    return TRUE;
  if (watcher->own_only && !tess_router_is_own_bare (self->router, stanza->from))
    {
      g_debug ("An event of a private node from somebody else is dropped");
      return TRUE;
    }

  if (tess_node_is (child, "items", TESS_XEP_PUBSUB_EVENT_NS))
    tell_items (watcher, stanza->from, node, child);
  else if (tess_node_is (child, "purge", TESS_XEP_PUBSUB_EVENT_NS))
    tell (watcher, TESS_PEP_EVENT_PURGE, stanza->from, node, NULL);
  else if (tess_node_is (child, "delete", TESS_XEP_PUBSUB_EVENT_NS))
    tell (watcher, TESS_PEP_EVENT_DELETE, stanza->from, node, NULL);

  return TRUE;
}

TessPep *
tess_xep_pep_new (TessRouter *router, TessDisco *disco)
{
  TessPep *self = g_new0 (TessPep, 1);

  self->router = router;
  self->disco = disco;
  self->watchers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->requests = g_hash_table_new_full (NULL, NULL, NULL, request_free);
  self->handler = tess_router_add_handler (router, TESS_STANZA_MESSAGE, HANDLER_PRIORITY, "event",
                                           TESS_XEP_PUBSUB_EVENT_NS, event_cb, self);

  return self;
}

void
tess_xep_pep_free (TessPep *self)
{
  if (self == NULL)
    return;

  tess_router_remove_handler (self->router, self->handler);
  g_hash_table_unref (self->requests);
  g_hash_table_unref (self->watchers);
  g_free (self);
}

void
tess_xep_pep_watch (
    TessPep *self, const char *node, gboolean own_only, TessPepEventFunc func, gpointer user_data)
{
  Watcher *watcher = g_new0 (Watcher, 1);

  watcher->own_only = own_only;
  watcher->func = func;
  watcher->user_data = user_data;
  g_hash_table_replace (self->watchers, g_strdup (node), watcher);
  if (self->disco != NULL)
    {
      g_autofree char *feature = g_strconcat (node, "+notify", NULL);

      tess_xep_disco_add_feature (self->disco, feature);
    }
}
