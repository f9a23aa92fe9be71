/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * BenchServer:
 *
 * A server of one account with an archive that is written before anybody asks, in a process of its own, so that what it costs is not
 * counted to the client. It takes any number of connections, one after the other.
 */
typedef struct _BenchServer BenchServer;

/**
 * bench_server_new:
 * @archive: (element-type utf8): whole <message/> elements with their namespace, the oldest first
 * @first_us: when the first of them was sent; each later one a second after the one before
 *
 * Forks: before any thread is started.
 */
BenchServer *bench_server_new        (const char *address, GPtrArray *archive, gint64 first_us);
void         bench_server_free       (BenchServer *self);
guint16      bench_server_get_port   (BenchServer *self);
/* When the archive was asked first since the last reset, by bench_now_ns(); 0: not yet. */
gint64       bench_server_get_asked  (BenchServer *self);
/* How many pages of it were asked for since then. */
guint        bench_server_get_pages  (BenchServer *self);
/* On connections to come whatever it says is late by so much: a round trip. */
void         bench_server_set_delay  (BenchServer *self, guint milliseconds);
void         bench_server_reset      (BenchServer *self);

/* What one page's results are on the wire, in @out: for those who only want the bytes. */
void         bench_server_write_page (GString *out, const char *address, const char *queryid, GPtrArray *archive, guint start, guint end,
                                      gint64 first_us);

G_END_DECLS
