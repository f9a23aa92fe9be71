/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-worker-private.h"

#include "engine/tess-contacts.h"

typedef struct
{
  TessWorker *worker;
  guint64     id;
} Waiting;

static void
contact_changed_cb (const GError *error, gpointer user_data)
{
  g_autofree Waiting *waiting = user_data;

  if (error != NULL)
    tess_worker_answer (waiting->worker, tess_reply_new_error (waiting->id, g_error_copy (error)));
  else
    tess_worker_answer_done (waiting->worker, waiting->id);
}

static void
change_contact (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request)
{
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->worker = self;
  waiting->id = request->id;
  tess_contacts_change (session->contacts, jid, request->number, request->text, contact_changed_cb, waiting);
}

void
tess_worker_with_address (TessWorker *self, TessRequest *request, TessWorkerAddressFunc func)
{
  GError             *error = NULL;
  TessSession        *session = tess_worker_find_session (self, request->account_id, &error);
  g_autoptr (TessJid) jid = NULL;

  if (session != NULL)
    jid = tess_jid_new_bare (request->address, &error);
  if (jid == NULL)
    tess_worker_fail (self, request->id, error);
  else
    func (self, session, jid, request);
}

gboolean
tess_worker_dispatch_contact (TessWorker *self, TessRequest *request)
{
  switch (request->type)
    {
    case TESS_REQUEST_CHANGE_CONTACT:
      tess_worker_with_address (self, request, change_contact);
      return TRUE;
    default:
      return FALSE;
    }
}
