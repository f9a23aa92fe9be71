/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-jid.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * TessStreamManagement:
 *
 * XEP-0198 as pure state without I/O: what was sent and not acknowledged, how many came in. Outlives its
 * stream, so that the next one can resume. Reference-counted, one thread.
 */
typedef struct _TessStreamManagement TessStreamManagement;

typedef void (*TessAckedFunc) (guint64 tag, gpointer user_data);

TessStreamManagement *tess_stream_management_new   (void);
TessStreamManagement *tess_stream_management_ref   (TessStreamManagement *self);
void                  tess_stream_management_unref (TessStreamManagement *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessStreamManagement, tess_stream_management_unref)

/* <enabled id= location= max=/>: counters start at 0. @id NULL: the session cannot be resumed. */
void        tess_stream_management_enabled    (TessStreamManagement *self, const char *id, guint max_seconds);
guint       tess_stream_management_get_max_seconds (TessStreamManagement *self);

/* More unacknowledged stanzas than these a process does not leave behind. */
#define TESS_STREAM_MANAGEMENT_MAX_LOST 100000

/* The session of another process, which has ended: so many were handled, and so many of ours acknowledged for certain. */
void        tess_stream_management_restore      (TessStreamManagement *self, const char *id, guint max_seconds, guint32 handled,
                                                 guint32 acked);
/* In order: a stanza that it sent as the @sequence-th of the session, modulo 2^32, and that is kept. What it sent in between is not known,
 * and is not sent again. Returns: %FALSE when the number cannot be: the session is not to be resumed. */
gboolean    tess_stream_management_restore_sent (TessStreamManagement *self, guint32 sequence, const char *xml, guint64 tag);
gboolean    tess_stream_management_can_resume (TessStreamManagement *self);
const char *tess_stream_management_get_id     (TessStreamManagement *self);
/* The resumption was refused: it cannot be tried again; the unacknowledged stanzas stay. */
void        tess_stream_management_forget_id  (TessStreamManagement *self);

/* The full address that the session is bound to: the server does not repeat it at a resumption.
 * NULL before it was set; (transfer none). */
void     tess_stream_management_set_address (TessStreamManagement *self, TessJid *full);
TessJid *tess_stream_management_get_address (TessStreamManagement *self);

/* A stanza went out: it is kept until it is acknowledged. */
void    tess_stream_management_sent    (TessStreamManagement *self, const char *xml, guint64 tag);
/* A stanza was dealt with. */
void    tess_stream_management_handled (TessStreamManagement *self);
guint32 tess_stream_management_get_h   (TessStreamManagement *self); /* modulo 2^32 */
guint32 tess_stream_management_get_sent (TessStreamManagement *self); /* how many of ours there were, modulo 2^32 */
guint32 tess_stream_management_get_acked (TessStreamManagement *self);
guint   tess_stream_management_get_unacked (TessStreamManagement *self);
/* How many bytes the unacknowledged stanzas without a tag take: they are kept nowhere else, and nobody can say how many
 * another makes us send. */
gsize   tess_stream_management_get_unconfirmed (TessStreamManagement *self);

/**
 * tess_stream_management_ack:
 * @h: as in `<a h=''/>`, `<resumed h=''/>` or `<failed h=''/>`
 * @acked: told each tag other than 0, in the order of sending
 *
 * Returns: %FALSE when @h is more than was sent (attacks row B10): nothing is changed then. Of a restored session it is not known how much
 *   was sent, so once, at its resumption, no such number is refused
 */
gboolean tess_stream_management_ack (TessStreamManagement *self, guint32 h, TessAckedFunc acked, gpointer user_data);

/* The stanzas that were never acknowledged, oldest first, as XML: after a resumption they are sent again
 * (they stay in the queue). Returns: (transfer full) (element-type utf8). */
GPtrArray *tess_stream_management_get_unacked_xml (TessStreamManagement *self);

typedef void (*TessUnackedFunc) (guint32 sequence, guint64 tag, gpointer user_data);

/* Each unacknowledged one with a tag, in order. */
void tess_stream_management_foreach_unacked (TessStreamManagement *self, TessUnackedFunc func, gpointer user_data);

G_END_DECLS
