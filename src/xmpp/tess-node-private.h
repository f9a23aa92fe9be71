/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* For the parser only: what expat has checked already. */

#include "xmpp/tess-node.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  const char *ns; /* nullable, not terminated */
  gsize       ns_length;
  const char *value;
} TessParsedAttribute;

/**
 * tess_node_add_parsed:
 * @parent: (nullable): whose last child it becomes
 * @ns: its namespace, of @ns_length bytes, not terminated
 *
 * Returns: owned by @parent; (transfer full) without one
 */
TessNode *tess_node_add_parsed (TessNode *parent, const char *name, const char *ns, gsize ns_length);

/* All attributes of an element that has none yet: no name stands there twice (expat sees to it). */
void tess_node_take_parsed (TessNode *self, TessParsedAttribute *attributes, guint n);

G_END_DECLS
