/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-stream.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Private to the login: from a domain to an open connection. */

/* One place to try, in the order of RFC 2782 over both services (XEP-0368 section 3). */
typedef struct
{
  char    *host;
  guint16  port;
  gboolean direct;
} TessTarget;

/**
 * tess_connector_sort_targets:
 * @xmpp: (element-type GSrvTarget) (nullable): for STARTTLS
 * @xmpps: (element-type GSrvTarget) (nullable): for direct TLS
 * @random: gives a number from 0 to below @end; g_random_int_range () but in tests
 *
 * Mixes both lists by priority and, within one, by weight; leaves out "." ("not offered here").
 *
 * Returns: (element-type TessTarget) (transfer full)
 */
GPtrArray *tess_connector_sort_targets (GList *xmpp, GList *xmpps, gint32 (*random) (gint32 begin, gint32 end));

/**
 * tess_connector_connect_async:
 * @options: borrowed until the function returns
 * @host: (nullable): instead of @options->host, as see-other-host says
 *
 * Tries each target in turn (15 s each); direct TLS is already negotiated when it succeeds. With a SOCKS5 or HTTP proxy (30 s
 * each) nothing is resolved here and nothing but the proxy is connected to: the host that was set, or else the domain, at 5222
 * and 5223. A name below .onion needs one (RFC 7686).
 */
void       tess_connector_connect_async  (const TessStreamOptions *options,
                                          const char              *host,
                                          guint16                  port,
                                          GCancellable            *cancellable,
                                          GAsyncReadyCallback      callback,
                                          gpointer                 user_data);
/* @host: (out) (transfer full): where the socket went. @direct: (out): whether the result is a GTlsConnection.
 * The error is one sentence for a person. */
GIOStream *tess_connector_connect_finish (GAsyncResult *result, char **host, gboolean *direct, GError **error);

G_END_DECLS
