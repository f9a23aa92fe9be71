/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-roster.h"

#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-text.h"

TessRosterItem *
tess_xep_roster_item_copy (const TessRosterItem *self)
{
  TessRosterItem *copy = g_memdup2 (self, sizeof *self);

  copy->jid = tess_jid_ref (self->jid);
  copy->name = g_strdup (self->name);
  copy->groups = g_strdupv (self->groups);

  return copy;
}

void
tess_xep_roster_item_free (TessRosterItem *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->jid, tess_jid_unref);
  g_free (self->name);
  g_strfreev (self->groups);
  g_free (self);
}

/* A subscription that is missing or unknown is "none" (RFC 6121 section 2.1.2.5). */
static TessRosterSubscription
parse_subscription (const char *subscription)
{
  static const char *const names[] = {
    [TESS_ROSTER_NONE] = "none", [TESS_ROSTER_TO] = "to",         [TESS_ROSTER_FROM] = "from",
    [TESS_ROSTER_BOTH] = "both", [TESS_ROSTER_REMOVE] = "remove",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (subscription, names[i]) == 0)
      return (TessRosterSubscription) i;

  return TESS_ROSTER_NONE;
}

static GStrv
parse_groups (const TessNode *node)
{
  g_autoptr (GStrvBuilder) groups = g_strv_builder_new ();
  guint                    n_groups = 0;

  for (TESS_NODE_EACH (group, node, "group", TESS_XEP_ROSTER_NS))
    {
      g_autofree char *name =
          tess_xep_text_clip_line (tess_node_get_text (group), TESS_XEP_ROSTER_MAX_NAME);

      if (name == NULL)
        continue;
      if (n_groups++ == TESS_XEP_ROSTER_MAX_GROUPS)
        break;
      g_strv_builder_add (groups, name);
    }

  return g_strv_builder_end (groups);
}

/* NULL for an address that cannot be prepared. */
static TessRosterItem *
item_parse (const TessNode *node)
{
  g_autoptr (TessJid) jid = tess_jid_new (tess_node_get (node, "jid"), NULL);
  const char         *approved = tess_node_get (node, "approved");
  TessRosterItem     *item = NULL;

  if (jid == NULL)
    return NULL;

  item = g_new0 (TessRosterItem, 1);
  item->jid = tess_jid_ref (tess_jid_get_bare (jid));
  item->name = tess_xep_text_clip_line (tess_node_get (node, "name"), TESS_XEP_ROSTER_MAX_NAME);
  item->subscription = parse_subscription (tess_node_get (node, "subscription"));
  item->ask_subscribe = g_strcmp0 (tess_node_get (node, "ask"), "subscribe") == 0;
  item->approved = g_strcmp0 (approved, "true") == 0 || g_strcmp0 (approved, "1") == 0;
  item->groups = parse_groups (node);

  return item;
}

static char *
parse_ver (const TessNode *query)
{
  const char *ver = tess_node_get (query, "ver");

  /* An empty version is one: it stands for the empty roster. */
  return ver != NULL && (*ver == '\0' || tess_xep_text_is_id (ver)) ? g_strdup (ver) : NULL;
}

guint
tess_xep_roster_get (TessRouter *router, const char *ver, TessReplyFunc reply, gpointer user_data)
{
  TessNode *query = tess_node_new ("query", TESS_XEP_ROSTER_NS);

  tess_node_set (query, "ver", ver);

  return tess_router_send_iq (router, NULL, "get", query, 0, reply, user_data);
}

GPtrArray *
tess_xep_roster_parse_result (const TessNode *iq, char **ver, GError **error)
{
  const TessNode        *query = tess_node_child (iq, "query", TESS_XEP_ROSTER_NS);
  g_autoptr (GPtrArray)  items = NULL;
  g_autoptr (GHashTable) seen = NULL;
  guint                  n_nodes = 0;

  *ver = NULL;
  if (query == NULL)
    return NULL;

  items = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_xep_roster_item_free);
  seen = g_hash_table_new (tess_jid_hash, tess_jid_equal);
  for (TESS_NODE_EACH (node, query, "item", TESS_XEP_ROSTER_NS))
    {
      g_autoptr (TessRosterItem) item = NULL;

      if (++n_nodes > TESS_XEP_ROSTER_MAX_ITEMS)
        {
          g_set_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TOO_LARGE,
                       "The roster has more than %d contacts", TESS_XEP_ROSTER_MAX_ITEMS);
          return NULL;
        }
      item = item_parse (node);
      if (item == NULL || item->subscription == TESS_ROSTER_REMOVE)
        continue;
      /* Not g_hash_table_add () alone: it puts the new key in the place of an equal one, and this one is about to go. */
      if (g_hash_table_contains (seen, item->jid))
        continue;
      g_hash_table_add (seen, item->jid);
      g_ptr_array_add (items, g_steal_pointer (&item));
    }
  *ver = parse_ver (query);

  return g_steal_pointer (&items);
}

gboolean
tess_xep_roster_take_push (TessRouter *router,
                           const TessStanza *push,
                           TessRosterItem **item,
                           char **ver)
{
  const TessNode *query = tess_node_child (push->node, "query", TESS_XEP_ROSTER_NS);
  const TessNode *node = tess_node_child (query, "item", TESS_XEP_ROSTER_NS);

  *item = NULL;
  *ver = NULL;
  if (!tess_router_is_own_bare (router, push->from))
    {
      g_debug ("A roster push from somebody else changes nothing");
      return FALSE;
    }
  /* A push has exactly one item (RFC 6121 section 2.1.6). */
  if (node == NULL || tess_node_next (node, "item", TESS_XEP_ROSTER_NS) != NULL)
    return FALSE;

  *item = item_parse (node);
  if (*item == NULL)
    return FALSE;
  *ver = parse_ver (query);
  tess_router_reply (router, push, NULL);

  return TRUE;
}

guint
tess_xep_roster_set (TessRouter         *router,
                     TessJid            *jid,
                     const char         *name,
                     const char * const *groups,
                     TessReplyFunc       reply,
                     gpointer            user_data)
{
  TessNode *query = tess_node_new ("query", TESS_XEP_ROSTER_NS);
  TessNode *item = tess_node_add (query, "item", NULL);

  tess_node_set (item, "jid", tess_jid_to_bare_string (jid));
  if (name != NULL && *name != '\0')
    tess_node_set (item, "name", name);
  for (gsize i = 0; groups != NULL && groups[i] != NULL; i++)
    tess_node_add_with_text (item, "group", NULL, groups[i]);

  return tess_router_send_iq (router, NULL, "set", query, 0, reply, user_data);
}

guint
tess_xep_roster_remove (TessRouter *router, TessJid *jid, TessReplyFunc reply, gpointer user_data)
{
  TessNode *query = tess_node_new ("query", TESS_XEP_ROSTER_NS);
  TessNode *item = tess_node_add (query, "item", NULL);

  tess_node_set (item, "jid", tess_jid_to_bare_string (jid));
  tess_node_set (item, "subscription", "remove");

  return tess_router_send_iq (router, NULL, "set", query, 0, reply, user_data);
}
