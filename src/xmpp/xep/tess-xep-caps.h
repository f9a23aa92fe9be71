/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/xep/tess-xep-disco.h"

G_BEGIN_DECLS

#define TESS_XEP_CAPS_NS "http://jabber.org/protocol/caps"

/**
 * tess_xep_caps_hash:
 * @info: what an entity says of itself
 *
 * The verification string of XEP-0115 section 5.1, hashed by SHA-1. Any thread.
 *
 * Returns: (transfer full) (nullable): base64, or %NULL when @info is ill-formed by section 5.4: an
 * identity, a feature or a FORM_TYPE that is there twice
 */
char *tess_xep_caps_hash (const TessDiscoInfo *info);

/* `<c/>` for our own presence. Returns: (transfer full). */
TessNode *tess_xep_caps_build (TessDisco *disco);

/**
 * TessCaps:
 *
 * What others can, learned from their presence. What one says about itself is believed for itself;
 * it is believed for others that announce the same hash only after the hash was computed and found
 * equal. One account, engine thread.
 */
typedef struct _TessCaps TessCaps;

/**
 * TessCapsFunc:
 * @jid: the full address whose abilities are known now
 * @info: (nullable): borrowed; %NULL when it went away or announces none
 */
typedef void (*TessCapsFunc) (TessJid *jid, TessDiscoInfo *info, gpointer user_data);

/**
 * tess_xep_caps_new:
 * @disco: must live longer
 * @changed: (nullable): told whenever the answer of [func@tess_xep_caps_get] changes for an
 * address; must not free the caps
 */
TessCaps *tess_xep_caps_new  (TessDisco *disco, TessCapsFunc changed, gpointer user_data);
void      tess_xep_caps_free (TessCaps *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessCaps, tess_xep_caps_free)

/* Reads a presence of type available or unavailable; asks when its hash is not known yet. At most
 * 20,000 addresses and 2,000 hashes are kept: what is beyond is not remembered. */
void tess_xep_caps_take_presence (TessCaps *self, TessJid *from, const TessNode *presence);

/* What this full address can. Returns: (transfer none) (nullable). */
TessDiscoInfo *tess_xep_caps_get (TessCaps *self, TessJid *full);

/* The stream ended and was not resumed: forgets the addresses, keeps the verified hashes. */
void tess_xep_caps_clear_presence (TessCaps *self);

G_END_DECLS
