/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-sasl.h"
#include "xmpp/tess-stream.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Private to the connector and the login: the TLS of one connection. The identity is always the account's
 * domain, wherever DNS or the server sent us (RFC 6120 section 13.7.1.2; attacks row B3). */

/**
 * tess_tls_handshake_async:
 * @base: the connection below
 * @options: the account's jid, trust, pin, server_key and certificate; borrowed until the function returns
 * @direct: whether TLS comes first (XEP-0368): says so by ALPN
 *
 * TLS 1.2 or later. With a pin exactly that certificate is accepted, whatever else it lacks; without one a certificate that
 * TLS verifies for the domain, as a DNS name, an SRV-ID or an XmppAddr; of these, with a server key, only one with that key.
 * Behind a proxy of the account no session of TLS is taken up again: it would tie accounts to each other.
 */
void       tess_tls_handshake_async  (GIOStream               *base,
                                      const TessStreamOptions *options,
                                      gboolean                 direct,
                                      GCancellable            *cancellable,
                                      GAsyncReadyCallback      callback,
                                      gpointer                 user_data);
/* Returns: (transfer full) (nullable): a GTlsConnection over which nothing was sent yet; NULL with BAD_CERTIFICATE or
 * CERTIFICATE_CHANGED, which carry the refused certificate, NO_TLS (too old, or none at all on the other side),
 * CLIENT_CERTIFICATE or CLOSED of TESS_XMPP_ERROR. */
GIOStream *tess_tls_handshake_finish (GAsyncResult *result, GError **error);

/* What is below @io when that is TLS, else @io itself: the socket, where there is one. (transfer full) */
GIOStream *tess_tls_get_base (GIOStream *io);

/* One sentence for a person. */
char *tess_tls_describe_errors (GTlsCertificateFlags errors, const char *domain);

const char *tess_tls_get_version (GIOStream *tls); /* "TLSv1.3" */
char       *tess_tls_get_cipher  (GIOStream *tls); /* (transfer full) (nullable) */
gboolean    tess_tls_is_pinned   (GIOStream *tls); /* accepted for its pin, and for no better reason */
/* What the server showed, its own first. Returns: (transfer full) (element-type TessCertificate) */
GPtrArray  *tess_tls_get_chain   (GIOStream *tls);

/* What SASL can bind to, the best first: (element-type TessSaslBinding) (transfer full). */
GArray *tess_tls_get_bindings (GIOStream *tls);

G_END_DECLS
