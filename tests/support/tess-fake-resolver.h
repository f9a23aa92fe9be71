/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define TESS_TYPE_FAKE_RESOLVER (tess_fake_resolver_get_type ())
G_DECLARE_FINAL_TYPE (TessFakeResolver, tess_fake_resolver, TESS, FAKE_RESOLVER, GResolver)

/* Knows only what it was told; everything else is not found. To be asked by GSocketClient, too, it must be
 * made the default (g_resolver_set_default ()). */
TessFakeResolver *tess_fake_resolver_new (void);

/* @service as in "_xmpp-client._tcp.a.test". */
void tess_fake_resolver_add_service (TessFakeResolver *self,
                                     const char       *service,
                                     const char       *host,
                                     guint16           port,
                                     guint16           priority,
                                     guint16           weight);
void tess_fake_resolver_add_name    (TessFakeResolver *self, const char *name, const char *address);

/* What was asked for, one a line. */
char *tess_fake_resolver_take_log (TessFakeResolver *self);

G_END_DECLS
