/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-event-queue.h"

#include "base/tess-source.h"
#include "base/tess-thread.h"

typedef struct
{
  gint64 account_id;
  char  *peer;
} ConversationKey;

struct _TessEventQueue
{
  TessEventQueueFlushFunc flush;
  TessEventQueueReadFunc  read;
  gpointer                user_data;
  GSource                *source;
  GPtrArray              *events;        /* of TessEvent, in order */
  GPtrArray              *conversations; /* of ConversationKey, each once */
  GPtrArray              *messages;      /* of TessEvent of type MESSAGES, one a conversation and liveness */
};

static void
conversation_key_free (ConversationKey *self)
{
  g_free (self->peer);
  g_free (self);
}

static gboolean
flush_cb (gpointer user_data)
{
  tess_event_queue_flush (user_data);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { 0 };

static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return callback (user_data);
}

static void
reset (TessEventQueue *self)
{
  self->events = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_event_free);
  self->conversations = g_ptr_array_new_with_free_func ((GDestroyNotify) conversation_key_free);
  self->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_event_free);
}

TessEventQueue *
tess_event_queue_new (TessEventQueueFlushFunc flush, TessEventQueueReadFunc read, gpointer user_data)
{
  TessEventQueue *self = g_new0 (TessEventQueue, 1);

  self->flush = flush;
  self->read = read;
  self->user_data = user_data;
  reset (self);

  source_funcs.dispatch = source_dispatch;
  self->source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_static_name (self->source, "TessEventQueue");
  /* After what has come in already: a burst becomes one batch. */
  g_source_set_priority (self->source, G_PRIORITY_DEFAULT + 10);
  tess_source_attach (self->source, flush_cb, self);

  return self;
}

void
tess_event_queue_free (TessEventQueue *self)
{
  if (self == NULL)
    return;

  tess_source_clear (&self->source);
  g_ptr_array_unref (self->events);
  g_ptr_array_unref (self->conversations);
  g_ptr_array_unref (self->messages);
  g_free (self);
}

static void
wake (TessEventQueue *self)
{
  TESS_ASSERT_ENGINE ();

  if (g_source_get_ready_time (self->source) == -1)
    g_source_set_ready_time (self->source, 0);
}

/* The devices of one address are told whole: only the newest state counts. */
static void
drop_older_devices (TessEventQueue *self, const TessEvent *event)
{
  for (guint i = self->events->len; i > 0; i--)
    {
      const TessEvent *other = g_ptr_array_index (self->events, i - 1);

      if (other->type == TESS_EVENT_DEVICES && other->account_id == event->account_id &&
          g_str_equal (other->address, event->address))
        g_ptr_array_remove_index (self->events, i - 1);
    }
}

void
tess_event_queue_add (TessEventQueue *self, TessEvent *event)
{
  if (event->type == TESS_EVENT_DEVICES)
    drop_older_devices (self, event);
  g_ptr_array_add (self->events, event);
  wake (self);
}

void
tess_event_queue_add_message (TessEventQueue *self, TessMessageRecord *message, gboolean live)
{
  TessEvent *event = NULL;

  for (guint i = 0; i < self->messages->len && event == NULL; i++)
    {
      TessEvent *other = g_ptr_array_index (self->messages, i);

      if (other->conversation_id == message->conversation_id && other->live == live)
        event = other;
    }

  if (event == NULL)
    {
      event = tess_event_new (TESS_EVENT_MESSAGES, message->account_id);
      event->conversation_id = message->conversation_id;
      event->live = live;
      event->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
      g_ptr_array_add (self->messages, event);
    }
  g_ptr_array_add (event->messages, message);
  wake (self);
}

static gboolean
find_conversation (TessEventQueue *self, gint64 account_id, const char *peer, guint *index)
{
  for (guint i = 0; i < self->conversations->len; i++)
    {
      ConversationKey *key = g_ptr_array_index (self->conversations, i);

      if (key->account_id == account_id && g_str_equal (key->peer, peer))
        {
          *index = i;
          return TRUE;
        }
    }

  return FALSE;
}

void
tess_event_queue_touch_conversation (TessEventQueue *self, gint64 account_id, const char *peer)
{
  ConversationKey *key;
  guint            index;

  if (find_conversation (self, account_id, peer, &index))
    return;

  key = g_new0 (ConversationKey, 1);
  key->account_id = account_id;
  key->peer = g_strdup (peer);
  g_ptr_array_add (self->conversations, key);
  wake (self);
}

void
tess_event_queue_forget_conversation (TessEventQueue *self,
                                      gint64          account_id,
                                      const char     *peer,
                                      gint64          conversation_id)
{
  guint index;

  if (find_conversation (self, account_id, peer, &index))
    g_ptr_array_remove_index (self->conversations, index);
  for (guint i = self->messages->len; i > 0; i--)
    {
      TessEvent *event = g_ptr_array_index (self->messages, i - 1);

      if (event->conversation_id == conversation_id)
        g_ptr_array_remove_index (self->messages, i - 1);
    }
}

void
tess_event_queue_forget_stored (TessEventQueue *self)
{
  g_ptr_array_set_size (self->conversations, 0);
  g_ptr_array_set_size (self->messages, 0);
}

/* The order of the timeline; of two states of one message the later one stays behind. */
static int
compare_messages (gconstpointer a, gconstpointer b)
{
  const TessMessageRecord *first = *(const TessMessageRecord *const *) a;
  const TessMessageRecord *second = *(const TessMessageRecord *const *) b;

  if (first->time_us != second->time_us)
    return first->time_us < second->time_us ? -1 : 1;
  if (first->id != second->id)
    return first->id < second->id ? -1 : 1;
  return 0;
}

void
tess_event_queue_flush (TessEventQueue *self)
{
  g_autoptr (GPtrArray) events = g_steal_pointer (&self->events);
  g_autoptr (GPtrArray) conversations = g_steal_pointer (&self->conversations);
  g_autoptr (GPtrArray) messages = g_steal_pointer (&self->messages);

  reset (self);

  /* A conversation comes before its messages, so that they find their place. */
  for (guint i = 0; i < conversations->len; i++)
    {
      ConversationKey        *key = g_ptr_array_index (conversations, i);
      TessConversationRecord *record = self->read (key->account_id, key->peer, self->user_data);
      TessEvent              *event;

      if (record == NULL)
        continue;
      event = tess_event_new (TESS_EVENT_CONVERSATION, key->account_id);
      event->conversation = record;
      g_ptr_array_add (events, event);
    }
  for (guint i = 0; i < messages->len; i++)
    {
      TessEvent *event = g_ptr_array_index (messages, i);

      /* g_ptr_array_sort() is stable. */
      g_ptr_array_sort (event->messages, compare_messages);
    }
  g_ptr_array_extend_and_steal (events, g_steal_pointer (&messages));

  if (events->len > 0)
    self->flush (g_steal_pointer (&events), self->user_data);
}
