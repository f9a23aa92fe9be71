/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "session-client.h"
#include "tess-fault-vfs.h"

G_BEGIN_DECLS

/* ---- What each run begins with ---- */

/**
 * Template:
 *
 * Alice and Bob as they are after they have signed in for the first time, with what their servers hold, and what Bob has
 * encrypted for Alice since. Made once, copied for each run.
 */
typedef struct
{
  char       *alice; /* a database */
  gsize       alice_length;
  char       *bob;
  gsize       bob_length;
  GHashTable *items;
  GPtrArray  *letters; /* <encrypted/> of the texts "letter 1", "letter 2", …: not delivered yet */
} Template;

#define WRITES_LETTERS 8

Template *writes_template_new  (void);
void      writes_template_free (Template *self);

/* The <encrypted/> that an engine last put on the wire. (transfer full) */
char *writes_take_encrypted (SessionServer *server);

/* ---- A run ---- */

typedef struct
{
  guint         point; /* 0: no fault */
  TessFaultKind kind;
  gboolean      stays;
  gboolean      restart; /* after it is lifted; else the engine goes on */
} WritesFault;

/**
 * WritesRun:
 *
 * Alice's engine at her server, with a fault in her database, and Bob without any. Whatever a person does is done until it has
 * worked: what is refused is done again once the fault is lifted, and only what is refused.
 */
typedef struct
{
  const Template    *template;
  const WritesFault *fault;
  Client            *alice;
  SessionServer     *server;
  gint64             account;
  gboolean           connected; /* told to be */
  gboolean           mended;    /* the fault is over, and dealt with */
  guint              refused;   /* what Alice asked for, with the reason told to her */
  guint              not_opened;
  guint              archived;
  Client            *bob; /* nullable: not needed so far */
  SessionServer     *bobs;
  gint64             bobs_account;
  guint              carried; /* of what Alice sent, to Bob */
} WritesRun;

WritesRun *writes_run_new  (const Template *template, gboolean signed_in, const WritesFault *fault);
/* Ends it, checks what holds of every run. Returns: (transfer full): what is in Alice's database. */
char      *writes_run_end  (WritesRun *self);

/* The fault has struck, and it shows. */
gboolean writes_run_is_troubled (WritesRun *self);
/* Lifts the fault, and starts or connects again. */
void     writes_run_mend        (WritesRun *self);

/* A request was refused: only a fault excuses that, and it is told in a sentence. Then the fault is over. */
void     writes_run_take_refusal (WritesRun *self, const char *what, GError *error);

/* Waits for the condition; when the fault is in the way, once more behind it, after @again. */
#define REACH(self, condition, again)                                        \
  G_STMT_START                                                               \
  {                                                                          \
    for (;;)                                                                 \
      {                                                                      \
        SESSION_WAIT ((condition) || writes_run_is_troubled (self));         \
        if (condition)                                                       \
          break;                                                             \
        writes_run_mend (self);                                              \
        again;                                                               \
      }                                                                      \
  }                                                                          \
  G_STMT_END

void writes_run_start   (WritesRun *self);
void writes_run_connect (WritesRun *self);
void writes_run_restart (WritesRun *self);
/* Until the client has looked at all that was sent. */
void writes_run_quiet   (WritesRun *self);

/* A message of the server: into the archive, and on the stream. */
void writes_run_deliver (WritesRun *self, const char *from, const char *content);
void writes_run_carbon  (WritesRun *self, gboolean sent, const char *peer, const char *content);
/* Only into the archive; @from may be Alice. */
void writes_run_archive (WritesRun *self, const char *from, const char *to, const char *content);
/* In words: the body, or letter N of the template. (transfer full) */
char *writes_body (const char *text);

TessConversationRecord *writes_run_open (WritesRun *self, const char *peer);
gint64 writes_run_send (WritesRun *self, gint64 conversation, const char *text);

/* What the server took of Alice's is carried to Bob. */
void writes_run_carry (WritesRun *self);
/* Bob, who has what was carried, writes to Alice. */
void writes_run_answer (WritesRun *self, const char *text);

G_END_DECLS
