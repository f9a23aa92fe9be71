/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The three preparations of RFC 7622, private to TessJid. Each takes a part that is not empty and gives
 * (transfer full) its prepared form, or NULL when it cannot be prepared. */
#define TESS_JID_MAX_PART 1023

char *tess_jid_prepare_local    (const char *text); /* UsernameCaseMapped, RFC 8265 section 3.3 */
char *tess_jid_prepare_domain   (const char *text); /* IDNA2008 by UTS 46, or an IP literal */
char *tess_jid_prepare_resource (const char *text); /* OpaqueString, RFC 8265 section 4.2 */

/* The A-labels of a prepared domain, for DNS and TLS; an IPv6 address without its brackets. NULL when
 * there are none. (transfer full) */
char *tess_jid_domain_to_ascii (const char *domain);

G_END_DECLS
