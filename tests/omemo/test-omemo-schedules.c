/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo-world.h"

#include <stdlib.h>
#include <string.h>

/* Three people with two devices each do things by chance; what is sent is read by every device exactly once.
 * TESS_SCHEDULES sets the number of schedules, --seed repeats one run. */

#define PEOPLE 3
#define DEVICES (2 * PEOPLE)
#define STEPS 60
#define MAX_LATE 3 /* letters may overtake each other by this many: libsignal keeps five chains */

typedef struct
{
  World     *world;
  Client    *clients[DEVICES];
  gboolean   away[DEVICES];   /* in catch-up or offline: letters stay */
  GPtrArray *sent[DEVICES];   /* texts that each device has to read */
  guint      counter;
} Schedule;

static void
say (Schedule *self)
{
  int from = g_test_rand_int_range (0, DEVICES);
  int to = g_test_rand_int_range (0, DEVICES);
  g_autofree char *text = g_strdup_printf ("message %u", self->counter++);

  if (!self->clients[from]->online || from / 2 == to / 2)
    return;
  client_send (self->clients[from], self->clients[to], text);
  for (int i = 0; i < DEVICES; i++)
    {
      if (i != from && (i / 2 == to / 2 || i / 2 == from / 2))
        g_ptr_array_add (self->sent[i], g_strdup (text));
    }
}

/* One of the next few letters; now and then once more. */
static void
read_one (Schedule *self, int who)
{
  Client *client = self->clients[who];
  guint length = g_queue_get_length (&client->inbox);
  Letter *letter;
  guint at;
  int code;

  if (!client->online || length == 0)
    return;
  at = g_test_rand_int_range (0, MIN (length, MAX_LATE + 1));
  for (guint i = 0; i < at; i++)
    {
      Letter *passed = g_queue_peek_nth (&client->inbox, i);

      if (passed->skipped++ >= MAX_LATE)
        {
          at = i;
          break;
        }
    }
  letter = g_queue_pop_nth (&client->inbox, at);
  code = client_receive (client, letter->from, letter->encrypted);
  if (letter->empty && code == TESS_OMEMO_ERROR_NOT_FOR_US)
    ; /* an answer is for one device, and a copy comes to all */
  else
    g_assert_cmpint (code, ==, -1);
  if (code == -1 && g_test_rand_int_range (0, 4) == 0)
    g_assert_cmpint (client_receive (client, letter->from, letter->encrypted), ==, TESS_OMEMO_ERROR_DUPLICATE);
  letter_free (letter);
}

/* Everybody meets everybody, in either direction or both at once. Two that begin with the same device at the same time
 * may draw the same prekey, and then the later one cannot be read: that is in the protocol, so what was said here does
 * not count, only that all have sessions in the end. */
static void
meet (Schedule *self)
{
  for (int i = 0; i < DEVICES; i++)
    {
      for (int j = i + 1; j < DEVICES; j++)
        {
          int which = g_test_rand_int_range (0, 3);

          if (i / 2 == j / 2)
            continue;
          if (which != 0)
            client_send (self->clients[i], self->clients[j], "hello");
          if (which != 1)
            client_send (self->clients[j], self->clients[i], "hello");
          world_run (self->world);
          world_now += G_TIME_SPAN_MINUTE;
        }
    }
  for (int i = 0; i < DEVICES; i++)
    {
      /* A person's two devices have none with each other while neither has said anything. */
      g_assert_cmpuint (fake_store_count (self->clients[i]->store, "session/"), >=, DEVICES - 2);
      g_ptr_array_set_size (self->clients[i]->texts, 0);
      g_array_set_size (self->clients[i]->errors, 0);
    }
}

static void
restart (Schedule *self, int who)
{
  client_restart (self->clients[who]);
  self->away[who] = FALSE;
}

static void
toggle (Schedule *self, int who)
{
  Client *client = self->clients[who];

  if (client->online)
    {
      if (self->away[who])
        tess_omemo_end_catch_up (client->omemo);
      self->away[who] = FALSE;
      client_go_offline (client);
      return;
    }
  client_go_online (client);
  self->away[who] = TRUE;
  tess_omemo_begin_catch_up (client->omemo);
}

/* A new session draws a prekey; two of them at once may draw the same. */
static gboolean
reachable (Schedule *self)
{
  for (int i = 0; i < DEVICES; i++)
    {
      if (!self->clients[i]->online || !g_queue_is_empty (&self->clients[i]->inbox))
        return FALSE;
    }
  return TRUE;
}

static void
step (Schedule *self)
{
  int who = g_test_rand_int_range (0, DEVICES);
  int what = g_test_rand_int_range (0, 100);

  world_now += 15 * G_TIME_SPAN_SECOND; /* so that used prekeys are soon out of the bundle */
  if (what < 35)
    say (self);
  else if (what < 80)
    read_one (self, who);
  else if (what < 86)
    restart (self, who);
  else if (what < 92)
    toggle (self, who);
  else if (what < 93 && reachable (self))
    tess_omemo_reset_session (self->clients[who]->omemo, self->clients[(who + 2) % DEVICES]->jid,
                              tess_omemo_get_device_id (self->clients[(who + 2) % DEVICES]->omemo), NULL, NULL);
  else if (what < 95)
    world_now += g_test_rand_int_range (0, 3) * G_TIME_SPAN_DAY;
  else if (self->away[who] && self->clients[who]->online)
    {
      self->away[who] = FALSE;
      tess_omemo_end_catch_up (self->clients[who]->omemo);
    }
  if (g_test_rand_int_range (0, 2))
    world_run (self->world);
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
check (Schedule *self)
{
  for (int i = 0; i < DEVICES; i++)
    {
      GPtrArray *read = self->clients[i]->texts;

      for (guint j = 0; j < self->clients[i]->errors->len; j++)
        {
          int code = g_array_index (self->clients[i]->errors, int, j);

          g_assert_true (code == TESS_OMEMO_ERROR_DUPLICATE || code == TESS_OMEMO_ERROR_NOT_FOR_US);
        }
      g_ptr_array_sort (read, compare_texts);
      g_ptr_array_sort (self->sent[i], compare_texts);
      g_assert_cmpuint (read->len, ==, self->sent[i]->len);
      for (guint j = 0; j < read->len; j++)
        g_assert_cmpstr (read->pdata[j], ==, self->sent[i]->pdata[j]);
      g_assert_cmpuint (fake_store_count (self->clients[i]->store, "prekey/"), ==, 100);
    }
}

static void
run_schedule (void)
{
  Schedule self = { .world = world_new () };

  for (int i = 0; i < DEVICES; i++)
    {
      g_autofree char *address = g_strdup_printf ("person%d@x.test", i / 2);

      self.clients[i] = world_join (self.world, address);
      self.sent[i] = g_ptr_array_new_with_free_func (g_free);
    }
  meet (&self);
  self.world->manual = TRUE;
  for (guint i = 0; i < STEPS; i++)
    step (&self);

  /* All come home, and everything is read. */
  for (int i = 0; i < DEVICES; i++)
    {
      if (!self.clients[i]->online)
        client_go_online (self.clients[i]);
      tess_omemo_end_catch_up (self.clients[i]->omemo);
    }
  self.world->manual = FALSE;
  world_run (self.world);
  check (&self);
  for (int i = 0; i < DEVICES; i++)
    g_ptr_array_unref (self.sent[i]);
  world_free (self.world);
}

static void
test_schedules (void)
{
  const char *number = g_getenv ("TESS_SCHEDULES");
  int count = number != NULL ? atoi (number) : 50;

  for (int i = 0; i < count; i++)
    run_schedule ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/omemo/schedules", test_schedules);
  return g_test_run ();
}
