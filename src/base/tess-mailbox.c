/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-base"

#include "config.h"

#include "base/tess-mailbox.h"

#include "base/tess-happens.h"

/* A dispatch yields after this, so that a click is answered between two halves of a flood. */
#define DISPATCH_SLICE_US (4 * 1000)

struct _TessMailbox
{
  gatomicrefcount ref_count;
  GMutex          mutex;
  GQueue          queue; /* under mutex */
  gboolean        closed; /* under mutex */
  GSource        *source;
  TessMailboxFunc receive;
  gpointer        user_data;
  GDestroyNotify  free_message;
};

typedef struct
{
  GSource      source;
  TessMailbox *mailbox; /* unowned: the mailbox destroys its source before it is freed */
} MailboxSource;

static void
lock (TessMailbox *self)
{
  g_mutex_lock (&self->mutex);
  TESS_HAPPENS_AFTER (&self->mutex);
}

static void
unlock (TessMailbox *self)
{
  TESS_HAPPENS_BEFORE (&self->mutex);
  g_mutex_unlock (&self->mutex);
}

static gpointer
take (TessMailbox *self)
{
  gpointer message = NULL;

  lock (self);
  if (!self->closed)
    message = g_queue_pop_head (&self->queue);
  unlock (self);

  return message;
}

static void
set_ready_if_filled (TessMailbox *self)
{
  lock (self);
  g_source_set_ready_time (self->source, g_queue_is_empty (&self->queue) ? -1 : 0);
  unlock (self);
}

static gboolean
mailbox_source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  TessMailbox *self = tess_mailbox_ref (((MailboxSource *) source)->mailbox);
  gint64       until = g_get_monotonic_time () + DISPATCH_SLICE_US;
  gpointer     message;

  do
    {
      message = take (self);
      if (message == NULL)
        break;
      self->receive (message, self->user_data);
    }
  while (g_get_monotonic_time () < until);

  if (!g_source_is_destroyed (source))
    set_ready_if_filled (self);
  tess_mailbox_unref (self);

  return G_SOURCE_CONTINUE;
}

static GSourceFuncs mailbox_source_funcs = { .dispatch = mailbox_source_dispatch };

TessMailbox *
tess_mailbox_new (GMainContext   *context,
                  int             priority,
                  TessMailboxFunc receive,
                  gpointer        user_data,
                  GDestroyNotify  free_message)
{
  TessMailbox *self;

  g_return_val_if_fail (receive != NULL, NULL);
  g_return_val_if_fail (free_message != NULL, NULL);

  self = g_new0 (TessMailbox, 1);
  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->mutex);
  g_queue_init (&self->queue);
  self->receive = receive;
  self->user_data = user_data;
  self->free_message = free_message;
  self->source = g_source_new (&mailbox_source_funcs, sizeof (MailboxSource));
  ((MailboxSource *) self->source)->mailbox = self;
  g_source_set_static_name (self->source, "TessMailbox");
  g_source_set_priority (self->source, priority);
  g_source_attach (self->source, context);

  return self;
}

void
tess_mailbox_post (TessMailbox *self, gpointer message)
{
  gboolean closed;

  g_return_if_fail (self != NULL);
  g_return_if_fail (message != NULL);

  lock (self);
  closed = self->closed;
  if (!closed)
    {
      g_queue_push_tail (&self->queue, message);
      g_source_set_ready_time (self->source, 0);
    }
  unlock (self);

  if (closed)
    self->free_message (message);
}

void
tess_mailbox_close (TessMailbox *self)
{
  GQueue rest = G_QUEUE_INIT;

  g_return_if_fail (self != NULL);

  lock (self);
  self->closed = TRUE;
  rest = self->queue;
  g_queue_init (&self->queue);
  unlock (self);

  g_source_destroy (self->source);
  for (GList *l = rest.head; l != NULL; l = l->next)
    self->free_message (l->data);
  g_list_free (rest.head);
}

void
tess_mailbox_drain (TessMailbox *self)
{
  gpointer message;

  g_return_if_fail (self != NULL);

  while ((message = take (self)) != NULL)
    self->receive (message, self->user_data);
}

TessMailbox *
tess_mailbox_ref (TessMailbox *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
tess_mailbox_unref (TessMailbox *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  tess_mailbox_close (self);
  g_source_unref (self->source);
  g_mutex_clear (&self->mutex);
  g_free (self);
}
