/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * TessJid:
 *
 * An XMPP address, prepared by RFC 7622 when it is made, so that two equal addresses are equal bytes.
 * Immutable and counted by atomic operations. Any thread.
 */
typedef struct _TessJid TessJid;

/**
 * tess_jid_new:
 * @text: (nullable): `localpart@domainpart/resourcepart`, the first and last part optional
 * @error: return location
 *
 * Each part is prepared and limited to 1023 octets (RFC 7622 section 3).
 *
 * Returns: (transfer full) (nullable): the address, or %NULL with %TESS_XMPP_ERROR_INVALID_ADDRESS
 */
TessJid *tess_jid_new (const char *text, GError **error);

/**
 * tess_jid_new_bare:
 *
 * Like [func@tess_jid_new], but refuses a resourcepart: for what a person typed or a database holds.
 */
TessJid *tess_jid_new_bare (const char *text, GError **error);

/**
 * tess_jid_with_resource:
 * @resource: a resourcepart, not empty
 *
 * Returns: (transfer full) (nullable): @self's bare address with @resource
 */
TessJid *tess_jid_with_resource (const TessJid *self, const char *resource, GError **error);

/**
 * tess_jid_get_bare:
 *
 * Returns: (transfer none): the address without its resourcepart, owned by @self; @self when it has none
 */
TessJid *tess_jid_get_bare (TessJid *self);

const char *tess_jid_get_local     (const TessJid *self); /* NULL when there is none */
const char *tess_jid_get_domain    (const TessJid *self);
const char *tess_jid_get_resource  (const TessJid *self); /* NULL when there is none */
gboolean    tess_jid_is_bare       (const TessJid *self);

/* The prepared text, owned by @self. */
const char *tess_jid_to_string      (const TessJid *self);
/* The prepared text without the resourcepart, owned by @self. */
const char *tess_jid_to_bare_string (const TessJid *self);

/* GHashFunc and GEqualFunc over whole addresses. */
guint    tess_jid_hash  (gconstpointer jid);
gboolean tess_jid_equal (gconstpointer a, gconstpointer b);
/* Whether both stand for the same account or room, whatever the resource; FALSE when either is NULL. */
gboolean tess_jid_bare_equal (const TessJid *a, const TessJid *b);

TessJid *tess_jid_ref   (TessJid *self);
void     tess_jid_unref (TessJid *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessJid, tess_jid_unref)

G_END_DECLS
