/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Private to the files tess-engine*.c: how a request becomes an _async/_finish pair. */

#include "engine/tess-request.h"

G_BEGIN_DECLS

/* @request: (transfer full). The task answers @tag, the _async function. */
void         tess_engine_ask             (TessEngine *self, TessRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback,
                                          gpointer user_data, gpointer tag);
/* A request that nobody waits for. @request: (transfer full) */
void         tess_engine_post            (TessEngine *self, TessRequest *request);
TessReply   *tess_engine_take_reply      (TessEngine *self, GAsyncResult *result, gpointer source_tag, GError **error);
/* A reply without what it should carry is a bug of the engine, but never a NULL without an error. */
gpointer     tess_engine_checked         (gpointer value, const char *what, GError **error);
TessRequest *tess_engine_account_request (TessRequestType type, gint64 account_id, const char *address);
TessRequest *tess_engine_conversation_request (TessRequestType type, gint64 conversation_id);

#define ASK(request, tag) tess_engine_ask (self, (request), cancellable, callback, user_data, (gpointer) (tag))

#define TAKE(field, tag)                                                                    \
  G_STMT_START                                                                              \
  {                                                                                         \
    g_autoptr (TessReply) reply = tess_engine_take_reply (self, result, (gpointer) (tag), error);       \
                                                                                            \
    return reply == NULL ? NULL : tess_engine_checked (g_steal_pointer (&reply->field), #field, error); \
  }                                                                                         \
  G_STMT_END

#define TAKE_SUCCESS(tag)                                                             \
  G_STMT_START                                                                        \
  {                                                                                   \
    g_autoptr (TessReply) reply = tess_engine_take_reply (self, result, (gpointer) (tag), error); \
                                                                                      \
    return reply != NULL;                                                             \
  }                                                                                   \
  G_STMT_END

G_END_DECLS
