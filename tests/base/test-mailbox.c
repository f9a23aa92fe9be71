/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "base/tess-mailbox.h"

#define THREADS 4
#define MESSAGES 10000

typedef struct
{
  int sender;
  int number;
} Letter;

typedef struct
{
  TessMailbox *mailbox;
  int sender;
} Sender;

typedef struct
{
  int next[THREADS];
  int received;
  TessMailbox *close_at_first;
} Receiver;

static int freed; /* atomic: letters that were freed and not delivered */

static void
letter_free (gpointer letter)
{
  g_atomic_int_inc (&freed);
  g_free (letter);
}

static void
receive_cb (gpointer message, gpointer user_data)
{
  Receiver *self = user_data;
  Letter *letter = message;

  g_assert_cmpint (letter->number, ==, self->next[letter->sender]);
  self->next[letter->sender]++;
  self->received++;
  g_free (letter);
  if (self->close_at_first != NULL)
    tess_mailbox_close (self->close_at_first);
}

static void
post (TessMailbox *mailbox, int sender, int number)
{
  Letter *letter = g_new0 (Letter, 1);

  letter->sender = sender;
  letter->number = number;
  tess_mailbox_post (mailbox, letter);
}

static gpointer
send_all (gpointer data)
{
  Sender *self = data;

  for (int i = 0; i < MESSAGES; i++)
    post (self->mailbox, self->sender, i);
  tess_mailbox_unref (self->mailbox);
  return NULL;
}

static void
start_senders (TessMailbox *mailbox, Sender *senders, GThread **threads)
{
  for (int i = 0; i < THREADS; i++)
    {
      senders[i].mailbox = tess_mailbox_ref (mailbox);
      senders[i].sender = i;
      threads[i] = g_thread_new ("sender", send_all, &senders[i]);
    }
}

/* Each sender's messages come in its order, all of them, once. */
static void
test_order (void)
{
  Receiver receiver = { 0 };
  TessMailbox *mailbox =
      tess_mailbox_new (NULL, G_PRIORITY_DEFAULT, receive_cb, &receiver, letter_free);
  Sender senders[THREADS];
  GThread *threads[THREADS];

  g_atomic_int_set (&freed, 0);
  start_senders (mailbox, senders, threads);
  while (receiver.received < THREADS * MESSAGES)
    g_main_context_iteration (NULL, TRUE);
  for (int i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);

  g_assert_false (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpint (g_atomic_int_get (&freed), ==, 0);
  tess_mailbox_close (mailbox);
  tess_mailbox_unref (mailbox);
}

/* Closed in the middle of it: nothing is delivered afterwards, nothing is lost. */
static void
test_close (void)
{
  Receiver receiver = { 0 };
  TessMailbox *mailbox =
      tess_mailbox_new (NULL, G_PRIORITY_DEFAULT, receive_cb, &receiver, letter_free);
  Sender senders[THREADS];
  GThread *threads[THREADS];

  g_atomic_int_set (&freed, 0);
  receiver.close_at_first = mailbox;
  start_senders (mailbox, senders, threads);
  while (receiver.received == 0)
    g_main_context_iteration (NULL, TRUE);
  for (int i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);

  g_assert_false (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpint (receiver.received, ==, 1);
  g_assert_cmpint (g_atomic_int_get (&freed), ==, THREADS * MESSAGES - 1);
  tess_mailbox_unref (mailbox);
}

static void
test_drain (void)
{
  Receiver receiver = { 0 };
  TessMailbox *mailbox =
      tess_mailbox_new (NULL, G_PRIORITY_DEFAULT, receive_cb, &receiver, letter_free);

  for (int i = 0; i < 10; i++)
    post (mailbox, 0, i);
  tess_mailbox_drain (mailbox);
  g_assert_cmpint (receiver.received, ==, 10);
  tess_mailbox_close (mailbox);
  tess_mailbox_drain (mailbox);
  tess_mailbox_unref (mailbox);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/mailbox/order", test_order);
  g_test_add_func ("/base/mailbox/close", test_close);
  g_test_add_func ("/base/mailbox/drain", test_drain);
  return g_test_run ();
}
