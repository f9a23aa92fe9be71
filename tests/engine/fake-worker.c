/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fake-worker.h"

#include "base/tess-thread.h"
#include "engine/tess-worker.h"

struct _TessWorker
{
  TessWorkerOut out;
  gpointer user_data;
  GPtrArray *held; /* of TessRequest */
  gint64 last_id;
  TessWorkerStoppedFunc stopped;
  gpointer stopped_data;
  int stop_turns;
  gboolean gone;
};

TessWorker *
tess_worker_new (const char *database,
                 const char *ca_file,
                 const TessWorkerOut *out,
                 gpointer user_data)
{
  TessWorker *self = g_new0 (TessWorker, 1);

  TESS_ASSERT_ENGINE ();
  g_assert_nonnull (database);
  self->out = *out;
  self->user_data = user_data;
  self->held = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_request_free);
  self->last_id = 100 * 1000;
  return self;
}

static void
tell (TessWorker *self, TessEvent *event)
{
  GPtrArray *events = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_event_free);

  g_ptr_array_add (events, event);
  self->out.events (events, self->user_data);
}

void
tess_worker_start (TessWorker *self)
{
  TESS_ASSERT_ENGINE ();
  tell (self, tess_event_new (TESS_EVENT_OPENED, 0));
}

static TessMessageRecord *
make_message (gint64 id, const char *text)
{
  TessMessageRecord *message = tess_message_record_new ();

  message->id = id;
  message->account_id = FAKE_ACCOUNT;
  message->conversation_id = FAKE_CONVERSATION;
  message->peer = g_strdup ("bob@b.test");
  message->from = g_strdup ("alice@a.test");
  message->direction = TESS_MESSAGE_OUT;
  message->state = TESS_MESSAGE_WAITING;
  message->text = g_strdup (text);
  message->time_us = id * 1000;
  return message;
}

static void
tell_messages (TessWorker *self, gint64 first, gint64 count)
{
  TessEvent *event = tess_event_new (TESS_EVENT_MESSAGES, FAKE_ACCOUNT);

  event->conversation_id = FAKE_CONVERSATION;
  event->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
  for (gint64 i = 0; i < count; i++)
    g_ptr_array_add (event->messages, make_message (first + i, "told"));
  tell (self, event);
}

static void
answer (TessWorker *self, TessRequest *request)
{
  TessReply *reply = tess_reply_new (request->id);

  reply->message = make_message (++self->last_id, request->text);
  self->out.reply (reply, self->user_data);
}

static void
handle_send (TessWorker *self, TessRequest *request)
{
  if (g_str_equal (request->text, "hold"))
    {
      g_ptr_array_add (self->held, request);
      return;
    }

  if (g_str_equal (request->text, "fail"))
    self->out.reply (tess_reply_new_error (request->id, g_error_new (TESS_ENGINE_ERROR,
                                                                     TESS_ENGINE_ERROR_NO_DEVICES,
                                                                     "Nobody could read it.")),
                     self->user_data);
  else
    answer (self, request);

  if (g_str_equal (request->text, "twice"))
    {
      answer (self, request);
      self->out.reply (tess_reply_new (request->id + 1000 * 1000), self->user_data);
    }
  tess_request_free (request);
}

static void
handle_page (TessWorker *self, TessRequest *request)
{
  TessReply *reply = tess_reply_new (request->id);
  gint64 first, last;

  if (request->number == TESS_PAGE_NEWER)
    {
      first = request->message_id + 1;
      last = MIN (request->message_id + request->limit, FAKE_HISTORY);
    }
  else
    {
      last = MIN (request->message_id - 1, FAKE_HISTORY);
      first = MAX (last - request->limit + 1, 1);
    }

  reply->array = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
  for (gint64 id = first; id <= last; id++)
    g_ptr_array_add (reply->array, make_message (id, "stored"));
  reply->ends = reply->array->len < request->limit ? (request->number == TESS_PAGE_NEWER ? TESS_PAGE_END : TESS_PAGE_START) : 0;
  if (request->time_us == G_MAXINT64)
    reply->ends |= TESS_PAGE_END;
  self->out.reply (reply, self->user_data);
}

static void
handle_add_account (TessWorker *self, TessRequest *request)
{
  TessReply *reply = tess_reply_new (request->id);
  TessEvent *event;

  if (g_strcmp0 (request->credentials->password, "wrong") == 0)
    {
      reply->error = g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NOT_AUTHORIZED,
                                  "The password is wrong.");
      self->out.reply (reply, self->user_data);
      return;
    }

  reply->account = tess_account_record_copy (request->account);
  reply->account->id = FAKE_ACCOUNT;
  event = tess_event_new (TESS_EVENT_ACCOUNT, FAKE_ACCOUNT);
  event->account = tess_account_record_copy (reply->account);
  tell (self, event);
  event = tess_event_new (TESS_EVENT_CONNECTION, FAKE_ACCOUNT);
  event->connection = tess_connection_new (TESS_CONNECTION_ONLINE);
  event->connection->tls = g_strdup ("TLSv1.3");
  tell (self, event);
  self->out.reply (reply, self->user_data);
}

static GPtrArray *
make_devices (const char *address, guint32 changed, TessTrust trust)
{
  GPtrArray *devices = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_device_record_free);

  for (guint32 id = 1; id <= 3; id++)
    {
      TessDeviceRecord *device = tess_device_record_new (FAKE_ACCOUNT, address, id);

      device->fingerprint = g_strnfill (64, 'a' + (char) id);
      device->active = id != 1;
      device->local = id == 3;
      device->trust = id == changed ? trust : TESS_TRUST_BLIND;
      g_ptr_array_add (devices, device);
    }
  return devices;
}

static void
handle_set_trust (TessWorker *self, TessRequest *request)
{
  TessEvent *event = tess_event_new (TESS_EVENT_DEVICES, request->account_id);

  self->out.reply (tess_reply_new (request->id), self->user_data);
  event->address = g_strdup (request->address);
  event->devices = make_devices (request->address, request->device, (TessTrust) request->number);
  tell (self, event);
}

static void
handle_query (TessWorker *self, TessRequest *request)
{
  TessReply *reply = tess_reply_new (request->id);

  if (request->type == TESS_REQUEST_OPEN_CONVERSATION)
    {
      reply->conversation = tess_conversation_record_new (request->account_id, request->address);
      reply->conversation->id = FAKE_CONVERSATION;
    }
  else if (request->type == TESS_REQUEST_LOAD_DEVICES)
    reply->array = make_devices (request->address, 0, TESS_TRUST_BLIND);
  else if (request->type == TESS_REQUEST_LOAD_URI)
    reply->string = g_strdup ("xmpp:alice@a.test");
  self->out.reply (reply, self->user_data);
}

static void
release (TessWorker *self)
{
  for (guint i = 0; i < self->held->len; i++)
    answer (self, self->held->pdata[i]);
  g_ptr_array_set_size (self->held, 0);
}

void
tess_worker_handle (TessWorker *self, TessRequest *request)
{
  g_autoptr (TessRequest) owned = NULL;

  TESS_ASSERT_ENGINE ();
  g_assert_null (self->stopped);
  if (request->type == TESS_REQUEST_SEND)
    {
      handle_send (self, request);
      return;
    }

  owned = request;
  switch (request->type)
    {
    case TESS_REQUEST_LOAD_PAGE:
      handle_page (self, request);
      break;
    case TESS_REQUEST_ADD_ACCOUNT:
      handle_add_account (self, request);
      break;
    case TESS_REQUEST_SET_TRUST:
      handle_set_trust (self, request);
      break;
    case TESS_REQUEST_CLOSE_CONVERSATION:
      release (self);
      break;
    case TESS_REQUEST_RETRY:
      tell_messages (self, request->message_id, 1);
      break;
    case TESS_REQUEST_NETWORK_CHANGED:
      tell_messages (self, FAKE_HISTORY + 1, FAKE_BATCH);
      break;
    default:
      if (request->id != 0)
        handle_query (self, request);
      break;
    }
}

void
tess_worker_cancel (TessWorker *self, guint64 id)
{
  TESS_ASSERT_ENGINE ();
  for (guint i = 0; i < self->held->len; i++)
    if (((TessRequest *) self->held->pdata[i])->id == id)
      {
        g_ptr_array_remove_index (self->held, i);
        break;
      }
  tell (self, tess_event_new (TESS_EVENT_CHAT_STATE, (gint64) id));
}

static gboolean
stop_cb (gpointer user_data)
{
  TessWorker *self = user_data;
  TessEvent *event;

  TESS_ASSERT_ENGINE ();
  if (--self->stop_turns > 0)
    return G_SOURCE_CONTINUE;

  event = tess_event_new (TESS_EVENT_CONNECTION, FAKE_ACCOUNT);
  event->connection = tess_connection_new (TESS_CONNECTION_OFFLINE);
  tell (self, event);
  self->gone = TRUE;
  self->stopped (self->stopped_data);
  return G_SOURCE_REMOVE;
}

void
tess_worker_stop_async (TessWorker *self, TessWorkerStoppedFunc callback, gpointer user_data)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  TESS_ASSERT_ENGINE ();
  self->stopped = callback;
  self->stopped_data = user_data;
  self->stop_turns = 10;
  g_source_set_callback (source, stop_cb, self, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

void
tess_worker_free (TessWorker *self)
{
  TESS_ASSERT_ENGINE ();
  g_assert_true (self->gone);
  g_ptr_array_unref (self->held);
  g_free (self);
}
