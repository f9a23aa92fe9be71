/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-private.h"

/* Asking the network for lists and bundles: each thing once at a time, a bounded number at once. */

typedef struct
{
  TessOmemoDone done;
  gpointer      user_data;
} Waiter;

typedef struct
{
  TessOmemo *omemo; /* counted: the answer may come after tess_omemo_free () */
  TessJid   *jid;
  guint32    device;
  guint      stream;
  char      *key;
  GArray    *waiters;
} Request;

static void
request_free (Request *request)
{
  TessOmemo *omemo = request->omemo;

  tess_jid_unref (request->jid);
  g_free (request->key);
  g_array_unref (request->waiters);
  g_free (request);
  tess_omemo_unref (omemo);
}

static void
request_finish (Request *request, gboolean ok)
{
  for (guint i = 0; i < request->waiters->len; i++)
    {
      Waiter *waiter = &g_array_index (request->waiters, Waiter, i);

      if (waiter->done != NULL)
        waiter->done (request->omemo, request->jid, request->device, ok, waiter->user_data);
    }
  tess_omemo_emit (request->omemo);
  request_free (request);
}

static void start_requests (TessOmemo *self);

static gboolean
knows_active_device (TessOmemo *self, TessJid *jid)
{
  g_autoptr (GPtrArray) devices = NULL;
  gboolean active = FALSE;

  if (!tess_omemo_read_begin (self))
    return FALSE;
  if (self->store.list_devices (self->store_data, jid, &devices, NULL))
    for (guint i = 0; i < devices->len; i++)
      active |= ((const TessOmemoDevice *) g_ptr_array_index (devices, i))->active;
  tess_omemo_read_end (self);
  return active;
}

static gboolean
take_answer (TessOmemo *self, Request *request, const TessNode *payload, const GError *error)
{
  if (self->closed || request->stream != self->stream)
    return FALSE;
  if (error != NULL)
    {
      g_debug ("fetching for %s: %s", tess_jid_to_string (request->jid), error->message);
      if (!tess_omemo_is_online (self))
        return FALSE;
    }
  if (request->device != 0)
    return tess_omemo_apply_bundle (self, request->jid, request->device, error == NULL ? payload : NULL);

  if (error != NULL
      || (payload == NULL && !tess_omemo_is_own (self, request->jid) && knows_active_device (self, request->jid)))
    {
      /* Asked, and the answer is that there is none to be had: what is stored goes on to count. So does it when the server
       * has lost the node: who takes a device away publishes a list without it. Our own list is different: it would be
       * overwritten. */
      if (!tess_omemo_is_own (self, request->jid))
        tess_omemo_get_contact (self, request->jid)->heard = TRUE;
      tess_omemo_mark (self->ready, request->jid);
      return !tess_omemo_is_own (self, request->jid);
    }
  {
    g_autoptr (GArray) ids = tess_omemo_axolotl_parse_list (payload);

    return tess_omemo_apply_list (self, request->jid, ids);
  }
}

static void
fetched_cb (const TessNode *payload, const GError *error, gpointer user_data)
{
  Request *request = user_data;
  TessOmemo *self = tess_omemo_ref (request->omemo);
  gboolean ok;

  self->in_flight--;
  if (g_hash_table_lookup (self->requests, request->key) == request)
    g_hash_table_remove (self->requests, request->key);
  ok = take_answer (self, request, payload, error);
  request_finish (request, ok);
  start_requests (self);
  tess_omemo_unref (self);
}

static void
start_requests (TessOmemo *self)
{
  while (!self->closed && self->in_flight < TESS_OMEMO_MAX_FETCHES && !g_queue_is_empty (&self->waiting))
    {
      Request *request = g_queue_pop_head (&self->waiting);
      g_autofree char *node = request->device == 0 ? g_strdup (TESS_OMEMO_AXOLOTL_LIST_NODE)
                                                   : tess_omemo_axolotl_bundle_node (request->device);

      self->in_flight++;
      request->stream = self->stream;
      self->transport.fetch (self->transport_data, request->jid, node, fetched_cb, request);
    }
}

void
tess_omemo_fetch (TessOmemo *self, TessJid *jid, guint32 device, TessOmemoDone done, gpointer user_data)
{
  TessJid *bare = tess_jid_get_bare (jid);
  g_autofree char *key = g_strdup_printf ("%" G_GUINT32_FORMAT " %s", device, tess_jid_to_string (bare));
  Request *request = g_hash_table_lookup (self->requests, key);
  Waiter waiter = { done, user_data };

  /* One from an old stream answers with its error only. */
  if (request == NULL || (request->stream != self->stream && request->stream != 0))
    {
      request = g_new0 (Request, 1);
      request->omemo = tess_omemo_ref (self);
      request->jid = tess_jid_ref (bare);
      request->device = device;
      request->key = g_strdup (key);
      request->waiters = g_array_new (FALSE, FALSE, sizeof (Waiter));
      g_hash_table_replace (self->requests, g_steal_pointer (&key), request);
      g_queue_push_tail (&self->waiting, request);
    }
  g_array_append_val (request->waiters, waiter);
  start_requests (self);
}

/* What has not been asked yet ends here; what has ends by the transport's answer. */
void
tess_omemo_fetch_drop_all (TessOmemo *self)
{
  Request *request;

  while ((request = g_queue_pop_head (&self->waiting)) != NULL)
    {
      g_hash_table_remove (self->requests, request->key);
      request_finish (request, FALSE);
    }
}
