/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "tess-script-server.h"

G_BEGIN_DECLS

/**
 * SessionServer:
 *
 * The server of one account, in its own thread: it signs in whoever knows the password, answers what a server answers by itself
 * (roster, PEP, archive, stream management), keeps what it was sent, and sends whatever the test wants. It checks nothing:
 * what a real server would never do is what the suites are about. All functions belong to the test's thread; waiting lets the
 * default main context run.
 */
typedef struct _SessionServer SessionServer;

typedef enum
{
  SESSION_SERVER_MANAGEMENT = 1 << 0, /* offers XEP-0198 */
  SESSION_SERVER_RESUMES = 1 << 1,
  SESSION_SERVER_ACKS = 1 << 2,       /* answers <r/> */
  SESSION_SERVER_ARCHIVE = 1 << 3,
  SESSION_SERVER_STAMPS = 1 << 4,     /* the account says that it has urn:xmpp:sid:0 */
  SESSION_SERVER_PRIVATE = 1 << 5,    /* the account says that it heeds publish-options */
  SESSION_SERVER_USUAL = (1 << 6) - 1,
  SESSION_SERVER_CSI = 1 << 6,        /* offers XEP-0352 */
  SESSION_SERVER_KEEPS = 1 << 7,      /* what the client sends goes into the archive, as "o1", "o2", … */
} SessionServerFlags;

/**
 * session_server_new:
 * @address: bare
 * @steps: (nullable): what each connection does; %NULL: a usual login as often as the client comes
 */
SessionServer *session_server_new      (const char *address, const TessScriptStep *steps);
void           session_server_free     (SessionServer *self);
guint16        session_server_get_port (SessionServer *self);
void           session_server_set      (SessionServer *self, guint flags);

/* Requests whose payload has this namespace are not answered; @condition: answered with that error instead. */
void session_server_refuse (SessionServer *self, const char *ns, const char *condition);
/* <item/> elements. */
void session_server_set_roster (SessionServer *self, const char *items);
/* What a node of @owner holds: the payload of its one item, or whole <item/> elements; NULL for none. All servers of a process share them. */
void  session_server_set_item (const char *owner, const char *node, const char *payload);
char *session_server_get_item (const char *owner, const char *node);
void  session_server_forget_items (void);
/* All of them, to be put back later. (transfer full) */
GHashTable *session_server_copy_items (void);
void        session_server_set_items  (GHashTable *items);

/* Publishing to a node that shall have "max" items, or more than so many, is refused; 0: never. */
void session_server_set_most_items (SessionServer *self, guint most);

/* What the archive says that it keeps: <prefs/>; NULL, as at first: it does not say. */
void session_server_set_prefs (SessionServer *self, const char *prefs);

/* One message of the archive, the newest last. */
void session_server_archive (SessionServer *self, const char *id, const char *stamp, const char *message);
/* The Nth message, from 1, that was kept of what the client sent. Returns: (transfer full) (nullable) */
char *session_server_get_kept (SessionServer *self, guint n);
void session_server_clear_archive (SessionServer *self);
/* The same of now, with the next id, which is returned (transfer full): "k" and six digits. */
char *session_server_archive_next (SessionServer *self, const char *message);
/* What the client sends with a body is put into the archive, as a real server does it. */
void session_server_keep (SessionServer *self);
/* So many messages of the archive hold this text. */
guint session_server_count_archived (SessionServer *self, const char *text);
/* Takes one out, as if it had expired: its id is not known any more. */
void session_server_expire (SessionServer *self, const char *id);
/* At most so many on a page; the page of that number (from 1, over all connections) is cut before its end. */
void session_server_set_pages (SessionServer *self, guint size, guint cut);

typedef enum
{
  SESSION_SERVER_CUT_END,    /* when all its messages have come */
  SESSION_SERVER_CUT_WITHIN, /* …half of them */
  SESSION_SERVER_CUT_BEGIN,  /* …none */
  SESSION_SERVER_CUT_AFTER,  /* …and its end */
  SESSION_SERVER_CUT_SILENT, /* it is not answered at all, and nothing is cut */
} SessionServerCut;

/* How the page of session_server_set_pages () is cut. */
void  session_server_set_cut   (SessionServer *self, SessionServerCut cut);
/* So many pages were asked for, over all connections. */
guint session_server_get_pages (SessionServer *self);

typedef enum
{
  SESSION_SERVER_NO_COUNT = 1 << 0,    /* no <count/> */
  SESSION_SERVER_IGNORES_MAX = 1 << 1, /* more than was asked for */
  SESSION_SERVER_TELLS_TWICE = 1 << 2, /* each message of a page comes two times */
  SESSION_SERVER_NO_ENDS = 1 << 3,     /* no <first/> and <last/> */
} SessionServerOddities;

/* What its archive does otherwise than others. */
void session_server_set_oddities (SessionServer *self, guint oddities);

/* From now on a session that was there before cannot be resumed. */
void session_server_forget_session (SessionServer *self);

/* A session that is taken up again is answered nothing more; a new one is. */
void session_server_mute (SessionServer *self);

/* What the client sends from now on until it comes again is lost on the way, as it finds when the session is resumed. */
void session_server_lose (SessionServer *self);

/* How far its clock is ahead of ours, in microseconds. */
void session_server_set_clock (SessionServer *self, gint64 ahead_us);

/* Puts it on the stream; what starts with <message, <presence or <iq is counted and sent again when a session is resumed. While nobody is
 * there it waits for that. */
void session_server_send (SessionServer *self, const char *xml);
/* @from, bare, asks to see the account: now, and in each new session until the client answers. */
void session_server_request (SessionServer *self, const char *from);
/* Returns when the client has looked at all that was sent before. */
void session_server_sync (SessionServer *self);
/* Ends the connection as a cable does. */
void session_server_cut (SessionServer *self);

/* What the client sent since the last clear, one stanza a line. */
void  session_server_clear (SessionServer *self);
char *session_server_get   (SessionServer *self);
guint session_server_count (SessionServer *self, const char *text);
gboolean session_server_has (SessionServer *self, const char *text);
/* The first line that holds both. */
char *session_server_find  (SessionServer *self, const char *text, const char *other);
/* Steps of the script that are done. */
guint session_server_get_step (SessionServer *self);
guint session_server_connections (SessionServer *self);

/* Waits for a condition, and gives up loudly after a minute. */
#define SESSION_WAIT(condition)                              \
  G_STMT_START                                               \
  {                                                          \
    GSource *patience = session_patience_new (#condition);   \
                                                             \
    while (!(condition))                                     \
      g_main_context_iteration (NULL, TRUE);                 \
    session_patience_free (patience);                        \
  }                                                          \
  G_STMT_END

GSource *session_patience_new  (const char *what);
void     session_patience_free (GSource *source);

G_END_DECLS
