/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fake-worker.h"

#include "base/tess-thread.h"
#include "engine/tess-engine.h"

#include <string.h>

/* The main thread's side of the engine, against a fake engine thread. */

typedef struct
{
  TessEngine *engine;
  GArray *types; /* of TessEventType */
  gint64 last_message;
  gint64 cancelled_id;
  guint messages;
  int answered;
  int cancelled;
  int failed;
  int wrong_turns;
} Fixture;

static void
events_cb (GPtrArray *events, gpointer user_data)
{
  Fixture *self = user_data;

  TESS_ASSERT_MAIN ();
  g_assert_cmpuint (events->len, >, 0);
  for (guint i = 0; i < events->len; i++)
    {
      const TessEvent *event = events->pdata[i];

      g_array_append_val (self->types, event->type);
      if (event->type == TESS_EVENT_CHAT_STATE)
        self->cancelled_id = event->account_id;
      if (event->type == TESS_EVENT_MESSAGES)
        {
          const TessMessageRecord *message = event->messages->pdata[0];

          if (message->id != self->last_message + 1)
            self->wrong_turns++;
          self->last_message = message->id;
          self->messages++;
        }
    }
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->types = g_array_new (FALSE, FALSE, sizeof (TessEventType));
  self->engine = tess_engine_new ("/nowhere/tessera.db", NULL, events_cb, self);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  tess_engine_stop (self->engine);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_finalize_object (self->engine);
  g_array_unref (self->types);
}

static TessEventType
last_type (Fixture *self)
{
  return g_array_index (self->types, TessEventType, self->types->len - 1);
}

#define WAIT_UNTIL(condition) \
  while (!(condition))        \
  g_main_context_iteration (NULL, TRUE)

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessMessageRecord) message = NULL;

  TESS_ASSERT_MAIN ();
  message = tess_engine_send_finish (TESS_ENGINE (source), result, &error);
  g_assert_true ((message == NULL) == (error != NULL));
  if (message != NULL)
    self->answered++;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    self->cancelled++;
  else
    {
      g_assert_cmpint (error->domain, ==, TESS_ENGINE_ERROR);
      self->failed++;
    }
}

static void
send (Fixture *self, const char *text, GCancellable *cancellable)
{
  tess_engine_send_async (self->engine, FAKE_CONVERSATION, text, cancellable, sent_cb, self);
}

static void
test_life (Fixture *self, gconstpointer data)
{
  tess_engine_start (self->engine);
  WAIT_UNTIL (self->types->len > 0);
  g_assert_cmpint (last_type (self), ==, TESS_EVENT_OPENED);

  /* What the worker says last is heard, and STOPPED after it, before the stop returns. */
  tess_engine_stop (self->engine);
  g_assert_cmpuint (self->types->len, ==, 3);
  g_assert_cmpint (g_array_index (self->types, TessEventType, 1), ==, TESS_EVENT_CONNECTION);
  g_assert_cmpint (last_type (self), ==, TESS_EVENT_STOPPED);

  tess_engine_stop (self->engine);
  g_assert_cmpuint (self->types->len, ==, 3);
}

static void
test_never_started (Fixture *self, gconstpointer data)
{
  tess_engine_connect (self->engine, 1, NULL);
  send (self, "hi", NULL);
  tess_engine_stop (self->engine);
  send (self, "too late", NULL);
  tess_engine_disconnect (self->engine, 1);
  WAIT_UNTIL (self->cancelled == 2);
  g_assert_cmpuint (self->types->len, ==, 0);
}

static void
test_reply (Fixture *self, gconstpointer data)
{
  g_autofree char *huge = g_strnfill (64 * 1024 + 1, 'a');

  tess_engine_start (self->engine);
  send (self, "hi", NULL);
  WAIT_UNTIL (self->answered == 1);
  send (self, "fail", NULL);
  WAIT_UNTIL (self->failed == 1);

  /* These never reach the engine thread. */
  send (self, "", NULL);
  send (self, huge, NULL);
  send (self, "\xff", NULL);
  WAIT_UNTIL (self->failed == 4);
  g_assert_cmpint (self->answered, ==, 1);
}

static void
test_unknown_id (Fixture *self, gconstpointer data)
{
  tess_engine_start (self->engine);
  send (self, "twice", NULL);
  WAIT_UNTIL (self->answered == 1);
  send (self, "after", NULL);
  WAIT_UNTIL (self->answered == 2);
  g_assert_cmpint (self->failed, ==, 0);
}

static void
reset_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  sent_cb (source, result, user_data);
  /* Would never return inside of g_cancellable_cancel(). */
  g_cancellable_reset (g_task_get_cancellable (G_TASK (result)));
}

static void
test_cancel (Fixture *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  tess_engine_start (self->engine);
  tess_engine_send_async (self->engine, 1, "hold", cancellable, reset_cb, self);
  g_cancellable_cancel (cancellable);
  WAIT_UNTIL (self->cancelled == 1);
  WAIT_UNTIL (self->cancelled_id == 1);
  g_assert_false (g_cancellable_is_cancelled (cancellable));

  /* What was held back is gone; the cancellable serves again. */
  tess_engine_close_conversation (self->engine, 1);
  send (self, "hi", cancellable);
  WAIT_UNTIL (self->answered == 1);

  /* A late cancellation changes nothing, one in advance completes at once. */
  g_cancellable_cancel (cancellable);
  send (self, "hi", cancellable);
  WAIT_UNTIL (self->cancelled == 2);
  g_assert_cmpint (self->cancelled_id, ==, 1);
}

static void
test_stop_in_flight (Fixture *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  tess_engine_start (self->engine);
  for (int i = 0; i < 100; i++)
    send (self, "hold", i % 2 ? cancellable : NULL);
  send (self, "hi", NULL);
  WAIT_UNTIL (self->answered == 1);

  tess_engine_stop (self->engine);
  g_assert_cmpint (last_type (self), ==, TESS_EVENT_STOPPED);
  WAIT_UNTIL (self->cancelled == 100);
  g_cancellable_cancel (cancellable);
  g_assert_cmpint (self->answered, ==, 1);
}

static void
test_order (Fixture *self, gconstpointer data)
{
  tess_engine_start (self->engine);
  for (gint64 i = 1; i <= 10000; i++)
    tess_engine_retry (self->engine, i);
  WAIT_UNTIL (self->messages == 10000);
  g_assert_cmpint (self->wrong_turns, ==, 0);
}

/* Events that are on their way when it stops are heard, in order. */
static void
test_order_at_stop (Fixture *self, gconstpointer data)
{
  tess_engine_start (self->engine);
  for (gint64 i = 1; i <= 1000; i++)
    tess_engine_retry (self->engine, i);
  tess_engine_stop (self->engine);
  g_assert_cmpuint (self->messages, ==, 1000);
  g_assert_cmpint (self->wrong_turns, ==, 0);
  g_assert_cmpint (last_type (self), ==, TESS_EVENT_STOPPED);
}

static void
test_stress (Fixture *self, gconstpointer data)
{
  const int total = 5000;
  GRand *rand = g_rand_new_with_seed (7);

  tess_engine_start (self->engine);
  for (int i = 0; i < total; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      int way = g_rand_int_range (rand, 0, 4);

      send (self, way == 0 ? "hold" : "hi", cancellable);
      if (way <= 1)
        g_cancellable_cancel (cancellable);
      if (g_rand_int_range (rand, 0, 3) == 0)
        g_main_context_iteration (NULL, FALSE);
    }

  WAIT_UNTIL (self->answered + self->cancelled == total);
  g_assert_cmpint (self->failed, ==, 0);
  g_assert_cmpint (self->cancelled, >, total / 4);
  g_rand_free (rand);
}

static void
test_many_lives (Fixture *self, gconstpointer data)
{
  for (int i = 0; i < 50; i++)
    {
      TessEngine *engine = tess_engine_new ("/nowhere/tessera.db", NULL, NULL, NULL);

      tess_engine_start (engine);
      tess_engine_send_async (engine, 1, i % 2 ? "hold" : "hi", NULL, NULL, NULL);
      tess_engine_stop (engine);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_assert_finalize_object (engine);
    }
}

static void
test_address (void)
{
  g_autofree char *prepared = NULL;
  g_autoptr (GError) error = NULL;
  static const char *const bad[] = { "",     "bob", "b.test", "@b.test", "bob@", "bob@b.test/home",
                                     "a b@c" };

  g_assert_true (tess_engine_check_address (" Bob@B.test ", &prepared, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (prepared, ==, "bob@b.test");
  g_assert_false (tess_engine_check_address (NULL, NULL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_false (tess_engine_check_address (bad[i], NULL, &error));
      g_assert_error (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_INVALID_ADDRESS);
      g_clear_error (&error);
    }
}

static gpointer
touch (gpointer engine)
{
  tess_engine_network_changed (engine, TRUE);
  return NULL;
}

static void
test_wrong_thread (void)
{
  if (g_test_subprocess ())
    {
      TessEngine *engine = tess_engine_new ("/nowhere/tessera.db", NULL, NULL, NULL);

      g_thread_join (g_thread_new ("stranger", touch, engine));
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*belongs to the main thread*");
}

#define ADD(name, function) \
  g_test_add ("/engine/main/" name, Fixture, NULL, set_up, (function), tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  tess_thread_set_role (TESS_THREAD_MAIN);
  ADD ("life", test_life);
  ADD ("never-started", test_never_started);
  ADD ("reply", test_reply);
  ADD ("unknown-id", test_unknown_id);
  ADD ("cancel", test_cancel);
  ADD ("stop-in-flight", test_stop_in_flight);
  ADD ("order", test_order);
  ADD ("order-at-stop", test_order_at_stop);
  ADD ("stress", test_stress);
  ADD ("many-lives", test_many_lives);
  g_test_add_func ("/engine/main/address", test_address);
  g_test_add_func ("/engine/main/wrong-thread", test_wrong_thread);
  return g_test_run ();
}
