/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-stream.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Private to the connector: a way through a SOCKS5 or an HTTP proxy. Not GLib's own (GProxy): its SOCKS5 turns in a circle when
 * the proxy closes early and writes two bytes too many for the longest name, its HTTP reads a header without end and writes
 * IPv6 addresses bare. The name of the server is never resolved here, and nothing is asked of anybody but the proxy. */

/* Whether @proxy is one of its own (SOCKS5, HTTP): then nothing may resolve or connect outside of it. */
gboolean tess_proxy_is_set (const TessProxy *proxy);

/* @to: zeroed. The strings are @to's; clear wipes them. */
void tess_proxy_copy  (TessProxy *to, const TessProxy *from);
void tess_proxy_clear (TessProxy *proxy);

/**
 * tess_proxy_connect_async:
 * @proxy: borrowed until the function returns
 * @host: the server, as a name in ASCII or as an address
 * @port: its port
 *
 * SOCKS5 (RFC 1928) with or without a username and password (RFC 1929), or CONNECT (RFC 9110 section 9.3.6) with or without
 * Basic (RFC 7617). An answer of more than 8 KiB, or with bytes of the server in it before it was spoken to, is refused.
 */
void       tess_proxy_connect_async  (const TessProxy     *proxy,
                                      const char          *host,
                                      guint16              port,
                                      GCancellable        *cancellable,
                                      GAsyncReadyCallback  callback,
                                      gpointer             user_data);
/* Returns: (transfer full) (nullable): a GSocketConnection to the server; NULL with TESS_XMPP_ERROR_PROXY (another server would
 * fare no better) or TESS_XMPP_ERROR_UNREACHABLE (the proxy refuses this server, or cannot reach it), each one sentence for a
 * person. Being cancelled comes as one of these, too: by how far it came. */
GIOStream *tess_proxy_connect_finish (GAsyncResult *result, GError **error);

G_END_DECLS
