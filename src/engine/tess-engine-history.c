/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-engine-private.h"

/* The requests about what is kept, here and on the server. */

void
tess_engine_load_archiving_async (
    TessEngine *self, gint64 account_id, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  ASK (tess_engine_account_request (TESS_REQUEST_LOAD_ARCHIVING, account_id, NULL), tess_engine_load_archiving_async);
}

gboolean
tess_engine_load_archiving_finish (TessEngine *self, GAsyncResult *result, TessArchiving *archiving, GError **error)
{
  g_autoptr (TessReply) reply =
      tess_engine_take_reply (self, result, (gpointer) tess_engine_load_archiving_async, error);

  if (reply == NULL)
    return FALSE;
  *archiving = (TessArchiving) reply->number;
  return TRUE;
}

void
tess_engine_set_archiving_async (TessEngine *self,
                                 gint64 account_id,
                                 TessArchiving archiving,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  TessRequest *request = tess_engine_account_request (TESS_REQUEST_SET_ARCHIVING, account_id, NULL);

  request->number = archiving;
  ASK (request, tess_engine_set_archiving_async);
}

gboolean
tess_engine_set_archiving_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE_SUCCESS (tess_engine_set_archiving_async);
}

void
tess_engine_clear_history (TessEngine *self, gint64 conversation_id)
{
  tess_engine_post (self, tess_engine_conversation_request (TESS_REQUEST_CLEAR_HISTORY, conversation_id));
}

void
tess_engine_set_history_days (TessEngine *self, guint days)
{
  TessRequest *request = tess_request_new (TESS_REQUEST_SET_HISTORY_DAYS);

  request->limit = days;
  tess_engine_post (self, request);
}
