/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-worker-private.h"

#include "engine/tess-contacts.h"
#include "engine/tess-outbound.h"
#include "engine/tess-trust.h"

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

static void
load_devices (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request)
{
  GError    *error = NULL;
  GPtrArray *devices = tess_trust_list_devices (session, jid, &error);
  TessReply *reply;

  if (devices == NULL)
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }
  reply = tess_reply_new (request->id);
  reply->array = devices;
  tess_worker_answer (self, reply);
  if (tess_session_is_online (session))
    tess_omemo_refresh_devices (session->omemo, jid);
}

static void
set_trust (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request)
{
  GError *error = NULL;

  if (!tess_omemo_set_trust (session->omemo, jid, request->device, (TessOmemoTrust) request->number, &error))
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }
  tess_trust_announce (session, jid);
  /* One's own devices read every conversation. */
  if (tess_jid_bare_equal (jid, session->jid))
    {
      g_autoptr (GPtrArray) all = tess_store_list_conversations (self->store, session->account->id, NULL);

      for (guint i = 0; all != NULL && i < all->len; i++)
        tess_event_queue_touch_conversation (self->events, session->account->id,
                                             ((TessConversationRecord *) g_ptr_array_index (all, i))->peer);
    }
  tess_outbound_pump (session->outbound);
  tess_worker_answer_done (self, request->id);
}

typedef void (*AddressFunc) (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request);

static void
with_address (TessWorker *self, TessRequest *request, AddressFunc func)
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

static void
load_uri (TessWorker *self, TessRequest *request)
{
  GError      *error = NULL;
  TessSession *session = tess_worker_find_session (self, request->account_id, &error);
  char        *uri = session != NULL ? tess_trust_get_uri (session, &error) : NULL;
  TessReply   *reply;

  if (uri == NULL)
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }
  reply = tess_reply_new (request->id);
  reply->string = uri;
  tess_worker_answer (self, reply);
}

gboolean
tess_worker_dispatch_contact (TessWorker *self, TessRequest *request)
{
  switch (request->type)
    {
    case TESS_REQUEST_CHANGE_CONTACT:
      with_address (self, request, change_contact);
      return TRUE;
    case TESS_REQUEST_LOAD_DEVICES:
      with_address (self, request, load_devices);
      return TRUE;
    case TESS_REQUEST_SET_TRUST:
      with_address (self, request, set_trust);
      return TRUE;
    case TESS_REQUEST_LOAD_URI:
      load_uri (self, request);
      return TRUE;
    default:
      return FALSE;
    }
}
