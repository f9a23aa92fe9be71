/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Private to engine/: the engine thread's side of TessEngine. */

#include "engine/tess-request.h"

G_BEGIN_DECLS

/**
 * TessWorker:
 *
 * All that lives on the engine thread: the store, the sessions, what is under way for each request. Everything here is
 * called on the engine thread, inside its GMainContext, which is the thread-default one.
 */
typedef struct _TessWorker TessWorker;

/**
 * TessWorkerOut:
 * @reply: takes the answer (transfer full) to a request; every request with an id gets exactly one, unless it was cancelled
 *   (then none is needed and one that comes is dropped)
 * @events: takes a batch (transfer full) (element-type TessEvent), not empty, with tess_event_free() as free function
 *
 * How the worker speaks to the main thread: in the order of the calls, replies and events alike. Nothing of what is given
 * may be touched afterwards. Engine thread.
 */
typedef struct
{
  void (*reply)  (TessReply *reply, gpointer user_data);
  void (*events) (GPtrArray *events, gpointer user_data);
} TessWorkerOut;

/**
 * tess_worker_new:
 * @database: the path of the database
 * @ca_file: (nullable): PEM certificates to trust instead of the system's
 * @out: copied; stays usable until [func@tess_worker_free] has returned
 *
 * Opens nothing yet.
 */
TessWorker *tess_worker_new (const char          *database,
                             const char          *ca_file,
                             const TessWorkerOut *out,
                             gpointer             user_data);

/* Opens the database: OPENED or OPEN_FAILED follows. */
void tess_worker_start (TessWorker *self);

/* @request: (transfer full): anything but CANCEL and QUIT. */
void tess_worker_handle (TessWorker *self, TessRequest *request);

/* Nobody waits for the request @id any more. An id that is unknown, or answered, is ignored. */
void tess_worker_cancel (TessWorker *self, guint64 id);

/**
 * tess_worker_stop_async:
 * @callback: called once on the engine thread, possibly before this returns
 *
 * Closes the streams within 2 s, then the database. No request is handled afterwards. The STOPPED event is not the worker's.
 */
typedef void (*TessWorkerStoppedFunc) (gpointer user_data);
void tess_worker_stop_async (TessWorker *self, TessWorkerStoppedFunc callback, gpointer user_data);

/* After it has stopped. */
void tess_worker_free (TessWorker *self);

G_END_DECLS
