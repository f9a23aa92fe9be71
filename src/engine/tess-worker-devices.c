/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-worker-private.h"

#include "engine/tess-outbound.h"
#include "engine/tess-trust.h"
#include "store/tess-store-omemo.h"

#include <glib/gi18n-lib.h>

/* The requests about devices and the trust in them. */

#define MAX_LABEL 64 /* characters */

/* A request that the network answers. */
typedef struct
{
  TessWorker   *worker;
  guint64       id;
  gint64        account_id;
  TessJid      *jid;  /* whose devices */
  TessOmemoUri *code; /* nullable */
  TessVerify    how;
} Waiting;

static Waiting *
waiting_new (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request)
{
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->worker = self;
  waiting->id = request->id;
  waiting->account_id = session->account->id;
  waiting->jid = tess_jid_ref (jid);
  return waiting;
}

static void
waiting_free (Waiting *waiting)
{
  tess_jid_unref (waiting->jid);
  g_clear_pointer (&waiting->code, tess_omemo_uri_free);
  g_free (waiting);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Waiting, waiting_free)

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

/* What a decision changes beyond the rows of devices. */
static void
decided (TessWorker *self, TessSession *session, TessJid *jid)
{
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
  decided (self, session, jid);
  tess_worker_answer_done (self, request->id);
}

static void
restore_trust (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autoptr (GArray) before = g_array_new (FALSE, FALSE, sizeof (TessOmemoTrustState));
  GError            *error = NULL;

  for (guint i = 0; i < request->devices->len; i++)
    {
      const TessDeviceRecord *device = g_ptr_array_index (request->devices, i);
      TessOmemoTrustState     state = { (TessOmemoTrust) device->trust, device->key_alarm };

      g_array_append_val (ids, device->id);
      g_array_append_val (before, state);
    }
  if (!tess_omemo_restore_trust (session->omemo, jid, (const guint32 *) ids->data, (const TessOmemoTrustState *) before->data,
                                 ids->len, &error))
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }
  decided (self, session, jid);
  tess_worker_answer_done (self, request->id);
}

/* --- verification codes ------------------------------------------------------------------------------------------------------- */

static void
answer_verification (TessWorker *self, guint64 id, TessVerificationRecord *record)
{
  TessReply *reply = tess_reply_new (id);

  reply->verification = record;
  tess_worker_answer (self, reply);
}

static void
apply_code (Waiting *waiting, TessSession *session, gboolean asked)
{
  GError                 *error = NULL;
  TessVerificationRecord *record = tess_trust_verify (session, waiting->code, waiting->how, &error);

  if (record == NULL)
    {
      if (g_error_matches (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FOREIGN_KEY))
        {
          g_clear_error (&error);
          error = g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_BAD_CODE,
                                       _ ("This code shows the key of a device of somebody else. It was not used."));
        }
      tess_worker_answer_error (waiting->worker, waiting->id, error);
      return;
    }
  record->asked = asked;
  if (record->applied)
    decided (waiting->worker, session, waiting->code->jid);
  answer_verification (waiting->worker, waiting->id, record);
}

static void
learnt_cb (const GError *error, gpointer user_data)
{
  g_autoptr (Waiting) waiting = user_data;
  GError             *local_error = NULL;
  TessSession        *session;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      tess_worker_answer_error (waiting->worker, waiting->id, g_error_copy (error)); /* the session goes */
      return;
    }
  session = tess_worker_find_session (waiting->worker, waiting->account_id, &local_error);
  if (session == NULL)
    tess_worker_answer_error (waiting->worker, waiting->id, local_error);
  else
    apply_code (waiting, session, error == NULL);
}

static void
verify (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request)
{
  g_autoptr (Waiting) waiting = waiting_new (self, session, jid, request);
  g_autoptr (TessVerificationRecord) look = NULL;
  GError             *error = NULL;

  waiting->how = (TessVerify) request->number;
  waiting->code = tess_omemo_uri_parse (request->text, &error);
  if (waiting->code == NULL)
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }
  if (!tess_jid_bare_equal (waiting->code->jid, jid))
    {
      TessVerificationRecord *foreign = tess_verification_record_new (tess_jid_to_bare_string (waiting->code->jid));

      foreign->outcome = TESS_VERIFICATION_FOREIGN;
      answer_verification (self, request->id, foreign);
      return;
    }
  look = tess_trust_verify (session, waiting->code, TESS_VERIFY_LOOK, &error);
  if (look == NULL)
    tess_worker_answer_error (self, request->id, error);
  else if (tess_verification_record_count (look, TESS_CHECK_UNKNOWN) > 0 && waiting->how != TESS_VERIFY_ADOPT &&
           tess_session_is_online (session))
    {
      const TessOmemoUri *code = waiting->code;

      tess_omemo_learn_code (session->omemo, code, learnt_cb, g_steal_pointer (&waiting));
    }
  else
    apply_code (waiting, session, FALSE);
}

/* --- one device --------------------------------------------------------------------------------------------------------------- */

/* What omemo/ says is for a log; a person reads this. */
static void
answer_network (Waiting *waiting, const GError *error, const char *problem)
{
  TessSession *session = error != NULL ? NULL : tess_worker_find_session (waiting->worker, waiting->account_id, NULL);

  if (error == NULL)
    {
      if (session != NULL)
        tess_trust_announce (session, waiting->jid);
      tess_worker_answer_done (waiting->worker, waiting->id);
      return;
    }
  g_debug ("%s: %s", problem, error->message);
  tess_worker_answer_error (waiting->worker, waiting->id, g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED, problem));
}

static void
removed_cb (const GError *error, gpointer user_data)
{
  g_autoptr (Waiting) waiting = user_data;

  answer_network (waiting, error, _ ("The device could not be removed: the server did not take the new list. Try again."));
}

static void
reset_cb (const GError *error, gpointer user_data)
{
  g_autoptr (Waiting) waiting = user_data;

  answer_network (waiting, error,
                  _ ("No new session could be started: the device has no usable keys on its server, or it is distrusted."));
}

static void
rename_device (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request)
{
  g_autofree char *label = g_strstrip (g_strdup (request->text != NULL ? request->text : ""));
  GError          *error = NULL;

  if (!g_utf8_validate (label, -1, NULL) || g_utf8_strlen (label, -1) > MAX_LABEL)
    {
      tess_worker_answer_error (self, request->id,
                                g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED,
                                                     _ ("The name of a device has at most 64 characters.")));
      return;
    }
  if (!tess_store_set_device_label (self->store, session->account->id, tess_jid_to_bare_string (jid), request->device,
                                    *label != '\0' ? label : NULL, &error))
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }
  tess_trust_announce (session, jid);
  tess_worker_answer_done (self, request->id);
}

static gboolean
refuse_offline (TessWorker *self, TessSession *session, TessRequest *request)
{
  if (tess_session_is_online (session))
    return FALSE;
  tess_worker_answer_error (self, request->id,
                            g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_OFFLINE,
                                                 _ ("This needs a connection. Try again when the account is online.")));
  return TRUE;
}

static void
change_device (TessWorker *self, TessSession *session, TessJid *jid, TessRequest *request)
{
  switch ((TessDeviceAction) request->number)
    {
    case TESS_DEVICE_REMOVE:
      if (!tess_jid_bare_equal (jid, session->jid) || request->device == tess_omemo_get_device_id (session->omemo))
        tess_worker_answer_error (self, request->id,
                                  g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED,
                                                       _ ("Only another one of your own devices can be removed.")));
      else if (!refuse_offline (self, session, request))
        tess_omemo_remove_device (session->omemo, request->device, removed_cb, waiting_new (self, session, jid, request));
      break;
    case TESS_DEVICE_RESET_SESSION:
      if (!refuse_offline (self, session, request))
        tess_omemo_reset_session (session->omemo, jid, request->device, reset_cb, waiting_new (self, session, jid, request));
      break;
    case TESS_DEVICE_RENAME:
    default:
      rename_device (self, session, jid, request);
      break;
    }
}

/* --- one's own ---------------------------------------------------------------------------------------------------------------- */

static void
reset_keys (TessWorker *self, TessSession *session, TessRequest *request)
{
  GError *error = NULL;

  if (!tess_omemo_reset_keys (session->omemo, &error))
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }
  decided (self, session, session->jid);
  tess_worker_answer_done (self, request->id);
}

static void
load_uri (TessWorker *self, TessSession *session, TessRequest *request)
{
  GError    *error = NULL;
  char      *uri = tess_trust_get_uri (session, &error);
  TessReply *reply;

  if (uri == NULL)
    {
      tess_worker_answer_error (self, request->id, error);
      return;
    }
  reply = tess_reply_new (request->id);
  reply->string = uri;
  tess_worker_answer (self, reply);
}

typedef void (*AccountFunc) (TessWorker *self, TessSession *session, TessRequest *request);

static void
with_account (TessWorker *self, TessRequest *request, AccountFunc func)
{
  GError      *error = NULL;
  TessSession *session = tess_worker_find_session (self, request->account_id, &error);

  if (session == NULL)
    tess_worker_answer_error (self, request->id, error);
  else
    func (self, session, request);
}

gboolean
tess_worker_dispatch_device (TessWorker *self, TessRequest *request)
{
  switch (request->type)
    {
    case TESS_REQUEST_LOAD_DEVICES:
      tess_worker_with_address (self, request, load_devices);
      return TRUE;
    case TESS_REQUEST_SET_TRUST:
      tess_worker_with_address (self, request, set_trust);
      return TRUE;
    case TESS_REQUEST_RESTORE_TRUST:
      tess_worker_with_address (self, request, restore_trust);
      return TRUE;
    case TESS_REQUEST_VERIFY:
      tess_worker_with_address (self, request, verify);
      return TRUE;
    case TESS_REQUEST_CHANGE_DEVICE:
      tess_worker_with_address (self, request, change_device);
      return TRUE;
    case TESS_REQUEST_RESET_KEYS:
      with_account (self, request, reset_keys);
      return TRUE;
    case TESS_REQUEST_LOAD_URI:
      with_account (self, request, load_uri);
      return TRUE;
    default:
      return FALSE;
    }
}
