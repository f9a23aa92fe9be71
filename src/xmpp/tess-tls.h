/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-sasl.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Private to the connector and the login: the TLS of one connection. The identity is always the account's
 * domain, wherever DNS or the server sent us (RFC 6120 section 13.7.1.2; attacks row B3). */

/**
 * tess_tls_handshake_async:
 * @base: the connection below
 * @domain: the prepared domain of the account
 * @trust: (nullable): the authorities; the system's when %NULL
 * @direct: whether TLS comes first (XEP-0368): says so by ALPN
 */
void       tess_tls_handshake_async  (GIOStream           *base,
                                      const char          *domain,
                                      GTlsDatabase        *trust,
                                      gboolean             direct,
                                      GCancellable        *cancellable,
                                      GAsyncReadyCallback  callback,
                                      gpointer             user_data);
/* Returns: (transfer full) (nullable): a GTlsConnection; NULL with BAD_CERTIFICATE, NO_TLS (too old, or none
 * at all on the other side) or CLOSED of TESS_XMPP_ERROR. */
GIOStream *tess_tls_handshake_finish (GAsyncResult *result, GError **error);

/* One sentence for a person. */
char *tess_tls_describe_errors (GTlsCertificateFlags errors, const char *domain);

const char *tess_tls_get_version (GIOStream *tls); /* "TLSv1.3" */

/* What SASL can bind to, the best first: (element-type TessSaslBinding) (transfer full). */
GArray *tess_tls_get_bindings (GIOStream *tls);

G_END_DECLS
