/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-router.h"

G_BEGIN_DECLS

#define TESS_XEP_TIME_NS "urn:xmpp:time"

/* @time_us: what the clock of the other side shows, microseconds since 1970; 0 with an @error. Called once. */
typedef void (*TessXepTimeFunc) (gint64 time_us, const GError *error, gpointer user_data);

/* Asks @jid, mostly one's own server, what time it is (XEP-0202). Engine thread. */
void tess_xep_time_query (TessRouter *router, TessJid *jid, TessXepTimeFunc done, gpointer user_data);

G_END_DECLS
