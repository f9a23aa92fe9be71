/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-engine.h"
#include "session-server.h"

G_BEGIN_DECLS

/**
 * Client:
 *
 * A real engine on a database of its own, and the newest that it told of everything.
 */
typedef struct
{
  char       *folder;
  char       *database;
  char       *ca_file;
  TessEngine *engine;
  GHashTable *accounts;      /* id -> TessAccountRecord */
  GHashTable *connections;   /* account id -> TessConnection */
  GHashTable *messages;      /* id -> TessMessageRecord */
  GHashTable *contacts;      /* "account address" -> TessContactRecord */
  GHashTable *conversations; /* "account peer" -> TessConversationRecord */
  GPtrArray  *problems;      /* of sentences */
  GPtrArray  *credentials;   /* of TessCredentials: the news */
  guint       gaps;          /* as was last told */
  gboolean    held;
  guint       live;          /* messages that called for a notification */
  guint       chat_states;
  guint       contact_events;
  GHashTable *shown;         /* a set of "id text": each message as it ever was told */
  GHashTable *notified;      /* message id -> how often a notification was called for */
  guint       refusals;      /* problems of the database */
  GError     *open_error;    /* why the database did not open; only with may_not_open */
  gboolean    may_not_open;
  guint       gone_events;
  gboolean    opened;
  gboolean    stopped;
  guint       after_stop;    /* events that came after STOPPED */
} Client;

/* tess_engine_connect () with a password. */
void connect_with (TessEngine *engine, gint64 account_id, const char *password);

Client *client_new  (void);
void    client_free (Client *self); /* stops it first */

/* Only while the engine does not run. */
gint64 client_add_account (Client *self, const char *address, guint16 port);
void   client_exec        (Client *self, const char *sql);
gint64 client_number      (Client *self, const char *sql);

void client_start (Client *self);
void client_stop  (Client *self);
/* Ends it as a power cut does: what it does from now on is not in the database, and nothing is signed out. */
void client_kill  (Client *self, SessionServer *server);

/* Starts, connects, and waits until the archive was asked and all is quiet. */
void client_go_online (Client *self, gint64 account_id, SessionServer *server);

/* Returns when the client has looked at all that @server (nullable) sent, and its events are here. */
void client_sync (Client *self, gint64 account_id, SessionServer *server);

/* Whether the database refused something, and said so. */
gboolean client_is_refusal (const GError *error);

TessConnectionState   client_state  (Client *self, gint64 account_id);
/* 0 when there is none. */
int                   client_error  (Client *self, gint64 account_id);
guint                 client_count  (Client *self, const char *text); /* messages of that text */
TessMessageRecord    *client_find   (Client *self, const char *text); /* (transfer none) (nullable) */
/* A page was loaded: what it holds is there. */
void                  client_take_message (Client *self, const TessMessageRecord *message);
TessContactRecord    *client_contact (Client *self, gint64 account_id, const char *address);
TessConversationRecord *client_conversation (Client *self, gint64 account_id, const char *peer);

gint64 client_open (Client *self, gint64 account_id, const char *peer);
/* Returns the id of the message. */
gint64 client_send (Client *self, gint64 conversation_id, const char *text);
TessMessageState client_message_state (Client *self, gint64 message_id);

/* Waits for one _async call. */
typedef struct
{
  GAsyncResult *result;
} Call;

void client_call_cb (GObject *source, GAsyncResult *result, gpointer call);
#define CLIENT_AWAIT(call) SESSION_WAIT ((call).result != NULL)

G_END_DECLS
