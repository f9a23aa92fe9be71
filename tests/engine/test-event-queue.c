/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "base/tess-thread.h"
#include "engine/tess-event-queue.h"

typedef struct
{
  TessEventQueue *queue;
  GPtrArray      *batches; /* of GPtrArray of TessEvent */
  guint           reads;
} Fixture;

static void
flush_cb (GPtrArray *events, gpointer user_data)
{
  Fixture *self = user_data;

  g_ptr_array_add (self->batches, events);
}

static TessConversationRecord *
read_cb (gint64 account_id, const char *peer, gpointer user_data)
{
  Fixture *self = user_data;

  self->reads++;
  return g_str_equal (peer, "gone@b.test") ? NULL : tess_conversation_record_new (account_id, peer);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  tess_thread_set_role (TESS_THREAD_ENGINE);
  self->batches = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  self->queue = tess_event_queue_new (flush_cb, read_cb, self);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  tess_event_queue_free (self->queue);
  g_ptr_array_unref (self->batches);
}

static TessEvent *
get_event (Fixture *self, guint batch, guint index)
{
  g_assert_cmpuint (batch, <, self->batches->len);
  g_assert_cmpuint (index, <, ((GPtrArray *) g_ptr_array_index (self->batches, batch))->len);
  return g_ptr_array_index ((GPtrArray *) g_ptr_array_index (self->batches, batch), index);
}

static TessMessageRecord *
new_message (gint64 conversation_id, gint64 time_us, gint64 id)
{
  TessMessageRecord *message = tess_message_record_new ();

  message->account_id = 1;
  message->conversation_id = conversation_id;
  message->time_us = time_us;
  message->id = id;
  return message;
}

static void
test_messages_gather (Fixture *self, gconstpointer data)
{
  for (int i = 0; i < 500; i++)
    {
      tess_event_queue_touch_conversation (self->queue, 1, "bob@b.test");
      tess_event_queue_add_message (self->queue, new_message (7, 1000 - i, i + 1), FALSE);
    }
  tess_event_queue_add_message (self->queue, new_message (8, 5, 900), FALSE);
  tess_event_queue_add_message (self->queue, new_message (7, 2000, 901), TRUE);
  g_assert_cmpuint (self->batches->len, ==, 0);

  while (g_main_context_iteration (NULL, FALSE))
    ;

  /* One batch: the conversation, read once; then one event a conversation and liveness. */
  g_assert_cmpuint (self->batches->len, ==, 1);
  g_assert_cmpuint (self->reads, ==, 1);
  g_assert_cmpuint (((GPtrArray *) g_ptr_array_index (self->batches, 0))->len, ==, 4);
  g_assert_cmpint (get_event (self, 0, 0)->type, ==, TESS_EVENT_CONVERSATION);
  g_assert_cmpuint (get_event (self, 0, 1)->messages->len, ==, 500);
  g_assert_false (get_event (self, 0, 1)->live);
  g_assert_true (get_event (self, 0, 3)->live);

  /* In the order of the timeline, whatever the order in which they came. */
  for (int i = 0; i < 500; i++)
    {
      const TessMessageRecord *message = g_ptr_array_index (get_event (self, 0, 1)->messages, i);

      g_assert_cmpint (message->time_us, ==, 501 + i);
    }
}

static void
test_states_keep_order (Fixture *self, gconstpointer data)
{
  TessMessageRecord *waiting = new_message (7, 10, 1);
  TessMessageRecord *sent = new_message (7, 10, 1);
  TessEvent         *event;

  waiting->state = TESS_MESSAGE_WAITING;
  sent->state = TESS_MESSAGE_SENT;
  tess_event_queue_add_message (self->queue, waiting, FALSE);
  tess_event_queue_add_message (self->queue, sent, FALSE);
  tess_event_queue_flush (self->queue);

  event = get_event (self, 0, 0);
  g_assert_cmpint (((TessMessageRecord *) g_ptr_array_index (event->messages, 1))->state, ==, TESS_MESSAGE_SENT);
}

static void
test_devices_newest (Fixture *self, gconstpointer data)
{
  for (int i = 0; i < 3; i++)
    {
      TessEvent *event = tess_event_new (TESS_EVENT_DEVICES, 1);

      event->address = g_strdup (i == 1 ? "carol@c.test" : "bob@b.test");
      event->devices = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_device_record_free);
      for (int j = 0; j <= i; j++)
        g_ptr_array_add (event->devices, tess_device_record_new (1, event->address, j + 1));
      tess_event_queue_add (self->queue, event);
    }
  tess_event_queue_flush (self->queue);

  g_assert_cmpuint (((GPtrArray *) g_ptr_array_index (self->batches, 0))->len, ==, 2);
  g_assert_cmpstr (get_event (self, 0, 0)->address, ==, "carol@c.test");
  g_assert_cmpuint (get_event (self, 0, 1)->devices->len, ==, 3);
}

static void
test_forget (Fixture *self, gconstpointer data)
{
  tess_event_queue_touch_conversation (self->queue, 1, "bob@b.test");
  tess_event_queue_touch_conversation (self->queue, 1, "gone@b.test");
  tess_event_queue_add_message (self->queue, new_message (7, 1, 1), FALSE);
  tess_event_queue_add_message (self->queue, new_message (8, 1, 2), FALSE);
  tess_event_queue_forget_conversation (self->queue, 1, "bob@b.test", 7);
  tess_event_queue_flush (self->queue);

  g_assert_cmpuint (((GPtrArray *) g_ptr_array_index (self->batches, 0))->len, ==, 1);
  g_assert_cmpint (get_event (self, 0, 0)->conversation_id, ==, 8);

  /* An empty batch is never handed out. */
  tess_event_queue_flush (self->queue);
  g_assert_cmpuint (self->batches->len, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/event-queue/messages-gather", Fixture, NULL, set_up, test_messages_gather, tear_down);
  g_test_add ("/event-queue/states-keep-order", Fixture, NULL, set_up, test_states_keep_order, tear_down);
  g_test_add ("/event-queue/devices-newest", Fixture, NULL, set_up, test_devices_newest, tear_down);
  g_test_add ("/event-queue/forget", Fixture, NULL, set_up, test_forget, tear_down);

  return g_test_run ();
}
