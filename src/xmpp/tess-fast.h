/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-sasl.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessFast:
 *
 * A token of XEP-0484 and the mechanism HT-SHA-256 that it is used with (draft-schmaus-kitten-sasl-ht-09): pure, without I/O.
 * Plain data of one thread.
 */
typedef struct
{
  char    *mechanism;  /* "HT-SHA-256-EXPR": the token is good for no other */
  char    *secret;
  gint64   expires_us; /* 0: unknown */
  guint32  count;      /* of the logins with it */
} TessFast;

TessFast *tess_fast_new  (const char *mechanism, const char *secret, gint64 expires_us);
void      tess_fast_free (TessFast *self); /* wipes */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessFast, tess_fast_free)

/* The text that is kept between logins: ASCII without spaces, a secret. NULL for what is none. */
TessFast *tess_fast_parse  (const char *text);
char     *tess_fast_format (const TessFast *self); /* (transfer full): free with tess_wipe_string () */

/**
 * tess_fast_find_binding:
 * @bindings: what TLS gives now
 * @binding: (out) (nullable): what @mechanism binds to; %NULL for HT-SHA-256-NONE
 *
 * Returns: whether @mechanism is one of ours and can be used on this connection
 */
gboolean tess_fast_find_binding (const char             *mechanism,
                                 const TessSaslBinding  *bindings,
                                 guint                   n_bindings,
                                 const TessSaslBinding **binding);

/**
 * tess_fast_choose:
 * @offered: the mechanisms of the server's `<fast/>`
 * @unbound: whether a token that binds to nothing will do: only where a login never did
 *
 * Returns: (nullable): the strongest mechanism to ask a token for; static
 */
const char *tess_fast_choose (const char *const *offered, const TessSaslBinding *bindings, guint n_bindings, gboolean unbound);

/* Returns: (transfer full): the initial response in Base64; free with tess_wipe_string () */
char *tess_fast_start (const TessFast *self, const char *username, const TessSaslBinding *binding);

/* @additional: (nullable): the text of `<additional-data/>`. Returns: whether the server knows the token too, in constant time. */
gboolean tess_fast_verify (const TessFast *self, const TessSaslBinding *binding, const char *additional);

G_END_DECLS
