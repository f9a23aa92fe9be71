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

/* Publishing to a node that shall have "max" items, or more than so many, is refused; 0: never. */
void session_server_set_most_items (SessionServer *self, guint most);

/* What the archive says that it keeps: <prefs/>; NULL, as at first: it does not say. */
void session_server_set_prefs (SessionServer *self, const char *prefs);

/* One message of the archive, the newest last. */
void session_server_archive (SessionServer *self, const char *id, const char *stamp, const char *message);
void session_server_clear_archive (SessionServer *self);
/* At most so many on a page; the page of that number (from 1, over all connections) is cut before its end. */
void session_server_set_pages (SessionServer *self, guint size, guint cut);

/* How far its clock is ahead of ours, in microseconds. */
void session_server_set_clock (SessionServer *self, gint64 ahead_us);

/* Puts it on the stream; what starts with <message, <presence or <iq is counted and sent again when a session is resumed. */
void session_server_send (SessionServer *self, const char *xml);
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
