/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo/tess-omemo-signal.h"
#include "omemo/tess-omemo.h"

/* A world for the suites: stores in memory with real transactions, a server's personal eventing nodes in memory,
 * messages in a queue that the test delivers, a clock that the test turns. */

extern const TessOmemoStore fake_store_table;
extern gint64               world_now;

typedef struct
{
  GHashTable *rows;     /* char * -> GBytes */
  GHashTable *snapshot; /* from the first write of a transaction to its end */
  guint       depth;
  gboolean    doomed;
  guint       fail_after; /* writes until the database fails; 0: never */
  guint       commits;
} FakeStore;

FakeStore  *fake_store_new    (void);
void        fake_store_free   (FakeStore *self);
GHashTable *fake_store_copy   (FakeStore *self);
gboolean    fake_store_equals (FakeStore *self, GHashTable *rows);
guint       fake_store_count  (FakeStore *self, const char *prefix);

typedef struct _World  World;
typedef struct _Client Client;

typedef struct
{
  TessJid  *from;
  TessNode *encrypted;
  gboolean  empty;    /* sent by itself */
  guint     skipped;  /* for schedules */
} Letter;

struct _Client
{
  World     *world;
  TessJid   *jid;
  FakeStore *store;
  TessOmemo *omemo;
  gboolean   online;
  GQueue     inbox; /* Letter */
  /* what happened */
  GPtrArray *texts;     /* decrypted, in order */
  GArray    *errors;    /* codes */
  guint      empties;   /* empty messages received */
  guint      sent_empty;
  guint      removed;   /* own_device_removed */
  guint      claimed;   /* key_claimed */
  guint      changed;   /* devices_changed */
  guint      fetches;
  guint      bundles_published;
  guint      lists_published;
  guint      lists_refused; /* so many are going to be */
  gboolean   offline_errors;
};

struct _World
{
  GHashTable *nodes;     /* "jid node" -> TessNode */
  GPtrArray  *clients;
  GHashTable *strangers; /* set of "a b": a may not answer b */
  gboolean    manual;    /* letters stay in the inboxes */
  gboolean    silent;    /* does not tell why letters were refused */
};

World   *world_new   (void);
void     world_free  (World *self);
Client  *world_join  (World *self, const char *jid);
/* The same, but never online yet. */
Client  *world_make  (World *self, const char *jid);
/* Runs the main context and, unless manual, delivers all letters until nothing moves any more. */
void     world_run   (World *self);
TessNode *world_node (World *self, TessJid *jid, const char *node);
void     world_set_node (World *self, TessJid *jid, const char *node, TessNode *payload);
void     world_set_stranger (World *self, Client *who, Client *to);

/* Free and load again over the same store. */
void     client_restart (Client *self);
void     client_go_online (Client *self);
void     client_go_offline (Client *self);
gboolean client_prepare (Client *self, Client *to);
/* Encrypts in a transaction. NULL on error, which is rolled back. */
TessNode *client_encrypt (Client *self, TessJid *to, const char *text, GPtrArray **skipped, GError **error);
/* Prepare, encrypt, and put into the inboxes of all devices of both accounts but one's own. */
void     client_send (Client *self, Client *to, const char *text);
void     client_post (Client *self, TessJid *to, const TessNode *encrypted, gboolean empty);
/* Decrypts in a transaction as the engine does; -1: decrypted, else the error's code. */
int      client_receive (Client *self, TessJid *from, const TessNode *encrypted);
/* The same for the oldest letter. */
int      client_deliver (Client *self);
const char *client_last (Client *self); /* "" for none */
TessOmemoDevice *client_device (Client *self, Client *of);
TessOmemoTrust   client_trust (Client *self, Client *of);

void     letter_free (Letter *self);

/* A peer made of the raw ratchet, which can send what no client of ours would. */
typedef struct
{
  World           *world;
  TessJid         *jid;
  guint32          device;
  FakeStore       *store;
  TessOmemoSignal *signal;
} Evil;

Evil     *evil_new  (World *world, const char *jid, guint32 device);
void      evil_free (Evil *self);
/* Its bundle and list, published. */
void      evil_publish (Evil *self);
/* What a ratchet of its own to @to carries. @one_time FALSE: the key exchange names no one-time prekey. */
GBytes   *evil_key  (Evil *self, Client *to, const guint8 *data, gsize length, gboolean one_time, gboolean *prekey);
/* A whole message; @key_length as given; @text may hold anything. */
TessNode *evil_message (Evil *self, Client *to, const char *text, gsize length, gsize iv_length);
TessNode *evil_wrap (Evil *self, Client *to, GBytes *key, gboolean prekey);
