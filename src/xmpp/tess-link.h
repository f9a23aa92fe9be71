/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-parser.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessLink:
 *
 * Private to the stream: bytes on a GIOStream, both ways. Reads into a parser and hands out its events one
 * by one; collects what is written and writes it in one go. Its sources belong to the thread-default
 * context. Reference-counted, one thread.
 */
typedef struct _TessLink TessLink;

/* @node: (nullable): borrowed. The function may pause, restart or close the link. */
typedef void (*TessLinkEventFunc)  (TessParserEvent event, const TessNode *node, gpointer user_data);
/* The link is dead; called once, never after tess_link_close (). @error: a sentence for a person when the other side sent
 * what it must not. */
typedef void (*TessLinkFailedFunc) (const GError *error, gpointer user_data);

TessLink *tess_link_new   (GIOStream *io, gsize limit);
TessLink *tess_link_ref   (TessLink *self);
void      tess_link_unref (TessLink *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessLink, tess_link_unref)

void tess_link_set_handlers (TessLink *self, TessLinkEventFunc event, TessLinkFailedFunc failed, gpointer user_data);

/* A link is born paused. While it is paused nothing is handed out, and nothing more is read. */
void tess_link_pause  (TessLink *self);
void tess_link_resume (TessLink *self); /* goes on from the main loop, not at once */

/* Queues text. */
void tess_link_write (TessLink *self, const char *text);

/* Whether the peer sent nothing behind the event that is being handled. */
gboolean tess_link_is_drained (TessLink *self);
/* A new parser: for what comes after TLS and after SASL. */
void     tess_link_restart    (TessLink *self, gsize limit);
/* The same stream goes on with another limit: after SASL2, which restarts nothing. */
void     tess_link_set_limit  (TessLink *self, gsize limit);

/* From now on TESS_PARSER_SKIPPED is handed out; before it ends the link. */
void     tess_link_set_skips  (TessLink *self);

/* Calls @function once, at once or when nothing is being written any more: what was written may be
 * answered before the writing is known to have ended. Not called after tess_link_close (). */
void tess_link_when_written (TessLink *self, void (*function) (gpointer user_data), gpointer user_data);

GIOStream *tess_link_get_io (TessLink *self); /* (transfer none) */
/* The stream under the link, for a TLS connection upon it: the link must be paused, and have written
 * everything. */
void       tess_link_set_io (TessLink *self, GIOStream *io);

/* At once; no function is called any more. What @last says (nullable), and what was queued, is still
 * written for at most 2 s. */
void tess_link_close (TessLink *self, const char *last);

G_END_DECLS
