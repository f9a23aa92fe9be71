/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-router.h"

G_BEGIN_DECLS

#define TESS_XEP_DISCO_INFO_NS "http://jabber.org/protocol/disco#info"
#define TESS_XEP_DISCO_ITEMS_NS "http://jabber.org/protocol/disco#items"

#define TESS_XEP_DISCO_MAX_IDENTITIES 100
#define TESS_XEP_DISCO_MAX_FEATURES 1000
#define TESS_XEP_DISCO_MAX_FORMS 20

typedef struct
{
  char *category; /* never NULL, and neither is type */
  char *type;
  char *lang;     /* nullable */
  char *name;     /* nullable; foreign text as sent, since the hash of XEP-0115 counts it */
} TessDiscoIdentity;

/**
 * TessDiscoInfo:
 *
 * What an entity says that it is and can (XEP-0030 section 3). Immutable, counted by atomic
 * operations; any thread may read it.
 */
typedef struct
{
  GPtrArray *identities; /* (element-type TessDiscoIdentity) */
  GPtrArray *features;   /* (element-type utf8): sorted by bytes; doubled ones stay, since XEP-0115
                            refuses them */
  GPtrArray *forms;      /* (element-type TessDataForm): XEP-0128 */
} TessDiscoInfo;

/**
 * tess_xep_disco_info_parse:
 * @query: (nullable): `<query/>` of a result
 * @error: return location
 *
 * Returns: (transfer full) (nullable): what it says, %NULL with %TESS_XMPP_ERROR_BAD_REPLY or
 *   %TESS_XMPP_ERROR_TOO_LARGE
 */
TessDiscoInfo *tess_xep_disco_info_parse (const TessNode *query, GError **error);
TessDiscoInfo *tess_xep_disco_info_ref   (TessDiscoInfo *self);
void           tess_xep_disco_info_unref (TessDiscoInfo *self);
gboolean       tess_xep_disco_info_has_feature  (const TessDiscoInfo *self, const char *feature);
/* @type NULL matches any. */
gboolean tess_xep_disco_info_has_identity (const TessDiscoInfo *self,
                                           const char *category,
                                           const char *type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessDiscoInfo, tess_xep_disco_info_unref)

/**
 * TessDisco:
 *
 * Our own entry: answers disco#info and disco#items for us, and asks others. One account, engine
 * thread.
 */
typedef struct _TessDisco TessDisco;

/**
 * TessDiscoFunc:
 * @info: (nullable): borrowed; take a reference to keep it
 * @error: (nullable): why there is none
 */
typedef void (*TessDiscoFunc) (TessDiscoInfo *info, const GError *error, gpointer user_data);

/**
 * tess_xep_disco_new:
 * @router: must live longer
 * @node: the node of XEP-0115, a URI of the program such as `https://tessera.im`
 * @name: (nullable): the program's name
 *
 * The identity is client/pc.
 */
TessDisco *tess_xep_disco_new  (TessRouter *router, const char *node, const char *name);
/* Forgets what is still asked: those functions are not called any more. */
void       tess_xep_disco_free (TessDisco *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessDisco, tess_xep_disco_free)

/* One feature of ours; a second time is fine. Send presence again with new caps when one is added
 * online. */
void tess_xep_disco_add_feature (TessDisco *self, const char *feature);

/* What we say of ourselves. Returns: (transfer none): valid until the next feature is added. */
TessDiscoInfo *tess_xep_disco_get_own      (TessDisco *self);
const char    *tess_xep_disco_get_own_node (TessDisco *self);
TessRouter    *tess_xep_disco_get_router   (TessDisco *self);

/**
 * tess_xep_disco_query:
 * @to: (nullable): whom to ask; the own account when %NULL
 * @node: (nullable): which of its nodes
 * @done: called exactly once unless cancelled
 *
 * Returns: an id for [func@tess_xep_disco_cancel], never 0
 */
guint tess_xep_disco_query (
    TessDisco *self, TessJid *to, const char *node, TessDiscoFunc done, gpointer user_data);
void  tess_xep_disco_cancel (TessDisco *self, guint id); /* an id that is unknown or done is fine */

G_END_DECLS
