/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-disco.h"

#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-caps.h"
#include "xmpp/xep/tess-xep-chat-states.h"
#include "xmpp/xep/tess-xep-data-form.h"
#include "xmpp/xep/tess-xep-delay.h"
#include "xmpp/xep/tess-xep-eme.h"
#include "xmpp/xep/tess-xep-forward.h"
#include "xmpp/xep/tess-xep-ping.h"
#include "xmpp/xep/tess-xep-receipts.h"
#include "xmpp/xep/tess-xep-sid.h"
#include "xmpp/xep/tess-xep-text.h"

#include <string.h>

#define XML_NS "http://www.w3.org/XML/1998/namespace"

/* What this folder does by itself. Whoever adds a XEP adds its line. */
static const char *const standing_features[] = {
  TESS_XEP_CAPS_NS,        TESS_XEP_CHAT_STATES_NS, TESS_XEP_DELAY_NS,   TESS_XEP_DISCO_INFO_NS,
  TESS_XEP_DISCO_ITEMS_NS, TESS_XEP_EME_NS,         TESS_XEP_FORWARD_NS, TESS_XEP_PING_NS,
  TESS_XEP_RECEIPTS_NS,    TESS_XEP_SID_NS,
};

/* The counted whole behind the public part. */
typedef struct
{
  TessDiscoInfo   info;
  gatomicrefcount refs;
} CountedInfo;

struct _TessDisco
{
  TessRouter    *router;
  char          *node;
  TessDiscoInfo *own;
  GHashTable    *asked; /* id -> Question */
  guint          last_id;
  guint          info_handler;
  guint          items_handler;
};

typedef struct
{
  TessDisco    *disco;
  guint         id;
  guint         serial;
  TessDiscoFunc done;
  gpointer      user_data;
} Question;

/* Information */

static void
identity_free (gpointer data)
{
  TessDiscoIdentity *identity = data;

  g_free (identity->category);
  g_free (identity->type);
  g_free (identity->lang);
  g_free (identity->name);
  g_free (identity);
}

static TessDiscoInfo *
info_new (void)
{
  CountedInfo *counted = g_new0 (CountedInfo, 1);

  g_atomic_ref_count_init (&counted->refs);
  counted->info.identities = g_ptr_array_new_with_free_func (identity_free);
  counted->info.features = g_ptr_array_new_with_free_func (g_free);
  counted->info.forms = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_xep_data_form_free);

  return &counted->info;
}

TessDiscoInfo *
tess_xep_disco_info_ref (TessDiscoInfo *self)
{
  g_atomic_ref_count_inc (&((CountedInfo *) self)->refs);

  return self;
}

void
tess_xep_disco_info_unref (TessDiscoInfo *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&((CountedInfo *) self)->refs))
    return;

  g_ptr_array_unref (self->identities);
  g_ptr_array_unref (self->features);
  g_ptr_array_unref (self->forms);
  g_free (self);
}

static void
add_identity (
    TessDiscoInfo *info, const char *category, const char *type, const char *lang, const char *name)
{
  TessDiscoIdentity *identity = g_new0 (TessDiscoIdentity, 1);

  identity->category = g_strdup (category);
  identity->type = g_strdup (type);
  identity->lang = g_strdup (lang);
  identity->name = g_strdup (name);
  g_ptr_array_add (info->identities, identity);
}

static int
compare_features (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
read_child (TessDiscoInfo *info, const TessNode *child)
{
  if (tess_node_is (child, "identity", TESS_XEP_DISCO_INFO_NS))
    {
      const char *category = tess_node_get (child, "category");
      const char *type = tess_node_get (child, "type");

      if (category != NULL && type != NULL)
        add_identity (info, category, type, tess_node_get_with_ns (child, "lang", XML_NS),
                      tess_node_get (child, "name"));
      return info->identities->len <= TESS_XEP_DISCO_MAX_IDENTITIES;
    }
  if (tess_node_is (child, "feature", TESS_XEP_DISCO_INFO_NS))
    {
      if (tess_xep_text_is_id (tess_node_get (child, "var")))
        g_ptr_array_add (info->features, g_strdup (tess_node_get (child, "var")));
      return info->features->len <= TESS_XEP_DISCO_MAX_FEATURES;
    }
  if (tess_node_is (child, "x", TESS_XEP_DATA_FORM_NS))
    {
      TessDataForm *form = tess_xep_data_form_parse (child);

      if (form == NULL)
        return FALSE;
      g_ptr_array_add (info->forms, form);
      return info->forms->len <= TESS_XEP_DISCO_MAX_FORMS;
    }

  return TRUE;
}

TessDiscoInfo *
tess_xep_disco_info_parse (const TessNode *query, GError **error)
{
  g_autoptr (TessDiscoInfo) info = NULL;

  if (!tess_node_is (query, "query", TESS_XEP_DISCO_INFO_NS))
    {
      g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY,
                           "The answer holds no disco#info");
      return NULL;
    }

  info = info_new ();
  for (TESS_NODE_EACH (child, query, NULL, NULL))
    if (!read_child (info, child))
      {
        g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TOO_LARGE,
                             "The disco#info is too large");
        return NULL;
      }
  g_ptr_array_sort (info->features, compare_features);

  return g_steal_pointer (&info);
}

/* The index of @feature, or where it belongs. */
static guint
find_feature (const GPtrArray *features, const char *feature, gboolean *found)
{
  guint low = 0;
  guint high = features->len;

  *found = FALSE;
  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      int   order = strcmp (feature, g_ptr_array_index (features, middle));

      if (order == 0)
        {
          *found = TRUE;
          return middle;
        }
      if (order < 0)
        high = middle;
      else
        low = middle + 1;
    }

  return low;
}

gboolean
tess_xep_disco_info_has_feature (const TessDiscoInfo *self, const char *feature)
{
  gboolean found = FALSE;

  find_feature (self->features, feature, &found);

  return found;
}

gboolean
tess_xep_disco_info_has_identity (const TessDiscoInfo *self, const char *category, const char *type)
{
  for (guint i = 0; i < self->identities->len; i++)
    {
      const TessDiscoIdentity *identity = g_ptr_array_index (self->identities, i);

      if (g_str_equal (identity->category, category) &&
          (type == NULL || g_str_equal (identity->type, type)))
        return TRUE;
    }

  return FALSE;
}

/* Our own entry */

static TessNode *
build_info (TessDisco *self, const char *node)
{
  TessNode *query = tess_node_new ("query", TESS_XEP_DISCO_INFO_NS);

  tess_node_set (query, "node", node);
  for (guint i = 0; i < self->own->identities->len; i++)
    {
      const TessDiscoIdentity *own = g_ptr_array_index (self->own->identities, i);
      TessNode                *identity = tess_node_add (query, "identity", NULL);

      tess_node_set (identity, "category", own->category);
      tess_node_set (identity, "type", own->type);
      tess_node_set (identity, "name", own->name);
    }
  for (guint i = 0; i < self->own->features->len; i++)
    tess_node_set (tess_node_add (query, "feature", NULL), "var",
                   g_ptr_array_index (self->own->features, i));

  return query;
}

static gboolean
is_own_node (TessDisco *self, const char *node)
{
  g_autofree char *ver = tess_xep_caps_hash (self->own);
  g_autofree char *own = g_strconcat (self->node, "#", ver, NULL);

  return g_strcmp0 (node, own) == 0;
}

static gboolean
info_cb (const TessStanza *stanza, gpointer user_data)
{
  TessDisco  *self = user_data;
  const char *node = tess_node_get (stanza->payload, "node");

  if (node == NULL || is_own_node (self, node))
    tess_router_reply (self->router, stanza, build_info (self, node));
  else
    tess_router_reply_error (self->router, stanza, "cancel", "item-not-found");

  return TRUE;
}

static gboolean
items_cb (const TessStanza *stanza, gpointer user_data)
{
  TessDisco  *self = user_data;
  const char *node = tess_node_get (stanza->payload, "node");
  TessNode   *query = tess_node_new ("query", TESS_XEP_DISCO_ITEMS_NS);

  /* We have no items, and say no more about a node than that. */
  tess_node_set (query, "node", tess_xep_text_is_id (node) ? node : NULL);
  tess_router_reply (self->router, stanza, query);

  return TRUE;
}

static void
question_free (gpointer data)
{
  Question *question = data;

  tess_router_forget (question->disco->router, question->serial);
  g_free (question);
}

TessDisco *
tess_xep_disco_new (TessRouter *router, const char *node, const char *name)
{
  TessDisco *self = g_new0 (TessDisco, 1);

  self->router = router;
  self->node = g_strdup (node);
  self->own = info_new ();
  add_identity (self->own, "client", "pc", NULL, name);
  for (gsize i = 0; i < G_N_ELEMENTS (standing_features); i++)
    tess_xep_disco_add_feature (self, standing_features[i]);
  self->asked = g_hash_table_new_full (NULL, NULL, NULL, question_free);
  self->info_handler = tess_router_add_handler (router, TESS_STANZA_IQ_GET, 0, "query",
                                                TESS_XEP_DISCO_INFO_NS, info_cb, self);
  self->items_handler = tess_router_add_handler (router, TESS_STANZA_IQ_GET, 0, "query",
                                                 TESS_XEP_DISCO_ITEMS_NS, items_cb, self);

  return self;
}

void
tess_xep_disco_free (TessDisco *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->asked);
  tess_router_remove_handler (self->router, self->info_handler);
  tess_router_remove_handler (self->router, self->items_handler);
  tess_xep_disco_info_unref (self->own);
  g_free (self->node);
  g_free (self);
}

void
tess_xep_disco_add_feature (TessDisco *self, const char *feature)
{
  gboolean found = FALSE;
  guint    place = find_feature (self->own->features, feature, &found);

  if (!found)
    g_ptr_array_insert (self->own->features, (int) place, g_strdup (feature));
}

TessDiscoInfo *
tess_xep_disco_get_own (TessDisco *self)
{
  return self->own;
}

const char *
tess_xep_disco_get_own_node (TessDisco *self)
{
  return self->node;
}

TessRouter *
tess_xep_disco_get_router (TessDisco *self)
{
  return self->router;
}

/* Others */

static void
answered_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
  Question                 *question = user_data;
  TessDiscoFunc             done = question->done;
  gpointer                  done_data = question->user_data;
  g_autoptr (TessDiscoInfo) info = NULL;
  g_autoptr (GError)        bad = NULL;

  /* The serial is used up, and the function may free the disco. */
  question->serial = 0;
  g_hash_table_remove (question->disco->asked, GUINT_TO_POINTER (question->id));

  if (error == NULL)
    info =
        tess_xep_disco_info_parse (tess_node_child (reply, "query", TESS_XEP_DISCO_INFO_NS), &bad);
  done (info, error != NULL ? error : bad, done_data);
}

guint
tess_xep_disco_query (
    TessDisco *self, TessJid *to, const char *node, TessDiscoFunc done, gpointer user_data)
{
  TessNode *query = tess_node_new ("query", TESS_XEP_DISCO_INFO_NS);
  Question *question = g_new0 (Question, 1);
  guint     id = ++self->last_id;
  guint     serial = 0;

  tess_node_set (query, "node", node);
  question->disco = self;
  question->id = id;
  question->done = done;
  question->user_data = user_data;
  g_hash_table_insert (self->asked, GUINT_TO_POINTER (id), question);
  serial = tess_router_send_iq (self->router, to, "get", query, 0, answered_cb, question);
  /* A stream that is gone may have answered already. */
  if (g_hash_table_contains (self->asked, GUINT_TO_POINTER (id)))
    question->serial = serial;

  return id;
}

void
tess_xep_disco_cancel (TessDisco *self, guint id)
{
  g_hash_table_remove (self->asked, GUINT_TO_POINTER (id));
}
