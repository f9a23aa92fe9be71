/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * TessNode:
 *
 * An XML element with its tree below. A plain struct of one thread at a time; the namespace and the
 * name always stand apart and are compared apart. Strings are UTF-8 without characters that XML forbids.
 */
typedef struct _TessNode TessNode;

/**
 * tess_node_new:
 * @name: the local name
 * @ns: the namespace
 *
 * Returns: (transfer full): an element without attributes, free with [func@tess_node_free]
 */
TessNode *tess_node_new  (const char *name, const char *ns);
TessNode *tess_node_copy (const TessNode *self);
void      tess_node_free (TessNode *self); /* NULL is fine; a child must be detached first */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessNode, tess_node_free)

/**
 * tess_node_add:
 * @name: the local name of the new child
 * @ns: (nullable): its namespace; that of @self when %NULL
 *
 * Returns: (transfer none): the new last child, owned by @self
 */
TessNode *tess_node_add (TessNode *self, const char *name, const char *ns);

/**
 * tess_node_add_text:
 * @text: (nullable): the text of the new child; none when %NULL
 *
 * Returns: (transfer none): the new last child, owned by @self, with @text in it
 */
TessNode *tess_node_add_with_text (TessNode *self, const char *name, const char *ns, const char *text);

/* Takes @child as the new last child; @child must have no parent. Returns @child, now owned by @self. */
TessNode *tess_node_append (TessNode *self, TessNode *child);

/* Takes @child out of its parent. Returns: (transfer full). */
TessNode *tess_node_detach (TessNode *child);

/* Roughly how many bytes of memory it takes with all below it: many times what it took on the wire, if somebody wants that. */
gsize tess_node_get_memory (const TessNode *self);

/* Appends to the text that stands directly in @self. Characters that XML 1.0 forbids become U+FFFD. */
void tess_node_append_text (TessNode *self, const char *text, gssize length);

const char *tess_node_get_name   (const TessNode *self);
const char *tess_node_get_ns     (const TessNode *self);
TessNode   *tess_node_get_parent (const TessNode *self);
gboolean    tess_node_is         (const TessNode *self, const char *name, const char *ns); /* FALSE for a NULL node */

/* An attribute without namespace: NULL when it is missing. */
const char *tess_node_get (const TessNode *self, const char *attribute);
const char *tess_node_get_with_ns (const TessNode *self, const char *attribute, const char *ns);
/* @value NULL removes it. */
void tess_node_set (TessNode *self, const char *attribute, const char *value);
void tess_node_set_with_ns (TessNode *self, const char *attribute, const char *ns, const char *value);

/**
 * tess_node_get_uint:
 * @attribute: an attribute without namespace
 * @max: the largest value that is accepted
 * @value: (out): the number
 *
 * Returns: %FALSE when it is missing, is no plain decimal number, or is larger than @max
 */
gboolean tess_node_get_uint (const TessNode *self, const char *attribute, guint64 max, guint64 *value);

/* The text directly in @self: "" when there is none. Owned by @self. */
const char *tess_node_get_text (const TessNode *self);

/* The first child of that name; @name or @ns NULL match all. NULL when @self is NULL or has none. */
TessNode *tess_node_child (const TessNode *self, const char *name, const char *ns);
/* The next sibling of @child of that name. */
TessNode *tess_node_next (const TessNode *child, const char *name, const char *ns);
/* The text of the first child of that name, NULL when there is no such child. */
const char *tess_node_child_text (const TessNode *self, const char *name, const char *ns);

/* for (TESS_NODE_EACH (child, parent, "item", NS)) { … } ; the loop must not change the children. */
#define TESS_NODE_EACH(child, parent, name, ns)                                                    \
  TessNode *child = tess_node_child ((parent), (name), (ns)); child != NULL;                       \
  child = tess_node_next (child, (name), (ns))

/**
 * tess_node_to_string:
 * @self: an element
 * @outer_ns: (nullable): the default namespace that is in force where the text will stand
 *   (`jabber:client` on a stream), so that it is not declared again
 *
 * Returns: (transfer full): XML without a declaration, everything escaped
 */
char *tess_node_to_string (const TessNode *self, const char *outer_ns);

/**
 * tess_node_parse:
 * @xml: one whole element
 * @length: in bytes, or -1
 * @outer_ns: (nullable): the default namespace around @xml
 * @error: return location
 *
 * A fresh parser with the limits of a stream after login (1 MiB, depth 64): for decrypted content and
 * for what the outbox stored. In tess-parser.c.
 *
 * Returns: (transfer full) (nullable): the element, or %NULL with %TESS_XMPP_ERROR_NOT_WELL_FORMED,
 *   %TESS_XMPP_ERROR_RESTRICTED_XML or %TESS_XMPP_ERROR_TOO_LARGE
 */
TessNode *tess_node_parse (const char *xml, gssize length, const char *outer_ns, GError **error);

G_END_DECLS
