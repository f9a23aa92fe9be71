/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Private to the files tess-worker*.c. */

#include "engine/tess-session.h"
#include "engine/tess-worker.h"

G_BEGIN_DECLS

struct _TessWorker
{
  char           *database;
  char           *ca_file; /* nullable */
  TessWorkerOut   out;
  gpointer        out_data;
  GTlsDatabase   *trust; /* nullable */
  TessStore      *store; /* nullable: it could not be opened */
  gboolean        database_at_fault; /* …and not a file of certificates, say */
  TessEventQueue *events;
  GHashTable     *sessions;     /* account id -> TessSession */
  GHashTable     *cancellables; /* request id -> GCancellable */
  GHashTable     *removals;     /* account id -> Removal */
  gboolean        no_network;   /* as the desktop says */
  gboolean        not_in_use;

  TessWorkerStoppedFunc stopped;
  gpointer              stopped_data;
  guint                 closing; /* sessions that are still signing out */
  GSource              *stop_timeout;

  /* tess-worker-history.c: what is older than so many days is deleted; 0: nothing is. */
  guint    history_days;
  GSource *forget;           /* nullable: the next batch */
  gint64   forget_before_us; /* of the batches of one go; 0: none is under way */
  gint64   forgotten_us;     /* up to where the last one went */
  gboolean forgotten;        /* something has gone in it */
};

/* ---- tess-worker.c ---- */

/* @reply: (transfer full) */
void tess_worker_answer       (TessWorker *self, TessReply *reply);
/* @error: (transfer full): of any room below */
void tess_worker_answer_error (TessWorker *self, guint64 id, GError *error);
void tess_worker_answer_done  (TessWorker *self, guint64 id);
/* Without a caller that waits (@id 0), a failure is told as a problem. @error: (transfer full) */
void tess_worker_fail         (TessWorker *self, guint64 id, GError *error);

/* Returns: (transfer none) (nullable). */
TessSession *tess_worker_find_session (TessWorker *self, gint64 account_id, GError **error);
/* Returns: (transfer full) (nullable): the conversation, with its session in @session. */
TessConversationRecord *tess_worker_find_conversation (TessWorker *self, gint64 conversation_id, TessSession **session,
                                                       GError **error);
/* Of a stored account, that the model hears of now. @session: (transfer full) */
void tess_worker_take_session (TessWorker *self, TessSession *session);

/* ---- The requests, by what they are about: each returns whether @request (borrowed) was one of its own ---- */

gboolean tess_worker_dispatch_account      (TessWorker *self, TessRequest *request);
gboolean tess_worker_dispatch_conversation (TessWorker *self, TessRequest *request);
gboolean tess_worker_dispatch_contact      (TessWorker *self, TessRequest *request);
gboolean tess_worker_dispatch_device       (TessWorker *self, TessRequest *request);
gboolean tess_worker_dispatch_history      (TessWorker *self, TessRequest *request);

/* ---- tess-worker-contacts.c ---- */

typedef void (*TessWorkerAddressFunc) (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request);

/* Calls @func for a request about an address of an account, or answers why not. */
void tess_worker_with_address (TessWorker *self, TessRequest *request, TessWorkerAddressFunc func);

/* ---- tess-worker-accounts.c ---- */

/* What was ordered before the end is done at the end. */
void tess_worker_finish_removals (TessWorker *self);
/* Of the table `removals`. */
void tess_worker_free_removal    (gpointer removal);

G_END_DECLS
