/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo-world.h"

#include <stdlib.h>
#include <string.h>

/* Three people with two devices each, and later three, do things by chance: letters are late, overtake each other, come twice or never,
 * devices start anew, go away and come back, begin new sessions. Whatever reaches a device that was on its sender's list is read there
 * exactly once, and in the end everybody can talk to everybody.
 * TESS_SCHEDULES sets the number of schedules; each one's seed is printed, and TESS_SCHEDULE repeats that one alone. */

#define PEOPLE 3
#define EACH 3 /* devices of a person, in the end */
#define DEVICES (EACH * PEOPLE)
#define FIRST (2 * PEOPLE) /* that are there from the beginning */
#define STEPS 220
#define USUAL 12 /* schedules in tests/check */
#define MAX_LATE 3 /* letters may overtake each other by this many: libsignal keeps five chains */

typedef struct
{
  World     *world;
  Client    *clients[DEVICES];
  gboolean   away[DEVICES];   /* in catch-up or offline: letters stay */
  GPtrArray *sent[DEVICES];   /* texts that each device has to read */
  GHashTable *texts;          /* payload -> text, of all letters */
  int        devices;         /* how many there are by now */
  guint      counter;
  guint      lost;
} Schedule;

static GRand *chance;

static int
pick (int from, int to)
{
  return g_rand_int_range (chance, from, to);
}

static int
owner (int device)
{
  return device % PEOPLE;
}

/* Of what is in the inboxes it finds out the text again. */
static const char *
payload_of (const TessNode *encrypted)
{
  const TessNode *payload = tess_node_child (encrypted, "payload", NULL);

  return payload != NULL ? tess_node_get_text (payload) : NULL;
}

static void
say (Schedule *self)
{
  int from = pick (0, self->devices);
  int to = pick (0, self->devices);
  g_autofree char *text = g_strdup_printf ("message %u", self->counter++);
  g_autoptr (TessNode) encrypted = NULL;

  if (!self->clients[from]->online || owner (from) == owner (to))
    return;
  g_assert_true (client_prepare (self->clients[from], self->clients[to]));
  encrypted = client_encrypt (self->clients[from], self->clients[to]->jid, text, NULL, NULL);
  g_assert_nonnull (encrypted);
  g_hash_table_insert (self->texts, g_strdup (payload_of (encrypted)), g_strdup (text));
  client_post (self->clients[from], self->clients[to]->jid, encrypted, FALSE);
  for (int i = 0; i < self->devices; i++)
    {
      if (i != from && (owner (i) == owner (to) || owner (i) == owner (from)))
        g_ptr_array_add (self->sent[i], g_strdup (text));
    }
}

/* The next letter never comes. */
static void
lose_one (Schedule *self, int who)
{
  Letter *letter = g_queue_pop_head (&self->clients[who]->inbox);
  const char *payload = letter != NULL ? payload_of (letter->encrypted) : NULL;
  guint index;

  if (payload != NULL
      && g_ptr_array_find_with_equal_func (self->sent[who], g_hash_table_lookup (self->texts, payload), g_str_equal, &index))
    g_ptr_array_remove_index_fast (self->sent[who], index);
  self->lost += letter != NULL;
  g_clear_pointer (&letter, letter_free);
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
  at = pick (0, MIN (length, MAX_LATE + 1));
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
  if (code == -1 && pick (0, 4) == 0)
    g_assert_cmpint (client_receive (client, letter->from, letter->encrypted), ==, TESS_OMEMO_ERROR_DUPLICATE);
  letter_free (letter);
}

/* Everybody meets everybody, in either direction or both at once. Two that begin with the same device at the same time
 * may draw the same prekey, and then the later one cannot be read: that is in the protocol, so what was said here does
 * not count, only that all have sessions in the end. */
static void
meet (Schedule *self, int first)
{
  for (int i = 0; i < self->devices; i++)
    {
      for (int j = MAX (i + 1, first); j < self->devices; j++)
        {
          int which = pick (0, 3);

          if (owner (i) == owner (j))
            continue;
          if (which != 0)
            client_send (self->clients[i], self->clients[j], "hello");
          if (which != 1)
            client_send (self->clients[j], self->clients[i], "hello");
          world_run (self->world);
          world_now += G_TIME_SPAN_MINUTE;
        }
    }
  for (int i = 0; i < self->devices; i++)
    {
      GPtrArray *read = self->clients[i]->texts;

      for (guint j = read->len; j > 0; j--)
        if (g_str_equal (read->pdata[j - 1], "hello"))
          g_ptr_array_remove_index (read, j - 1);
      g_array_set_size (self->clients[i]->errors, 0);
    }
}

/* Everybody is there and has read all. */
static gboolean reachable (Schedule *self);

/* A device comes into being, and meets all others. */
static void
join (Schedule *self)
{
  g_autofree char *address = g_strdup_printf ("person%d@x.test", owner (self->devices));

  if (self->devices >= DEVICES || !reachable (self))
    return;
  self->world->manual = FALSE;
  self->clients[self->devices] = world_join (self->world, address);
  self->devices++;
  world_run (self->world);
  meet (self, self->devices - 1);
  self->world->manual = TRUE;
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
  for (int i = 0; i < self->devices; i++)
    {
      if (!self->clients[i]->online || self->away[i] || !g_queue_is_empty (&self->clients[i]->inbox))
        return FALSE;
    }
  return TRUE;
}

static void
step (Schedule *self)
{
  int who = pick (0, self->devices);
  int what = pick (0, 100);

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
    tess_omemo_reset_session (self->clients[who]->omemo, self->clients[(who + 1) % self->devices]->jid,
                              tess_omemo_get_device_id (self->clients[(who + 1) % self->devices]->omemo), NULL, NULL);
  else if (what < 94)
    lose_one (self, who);
  else if (what < 95)
    world_now += pick (0, 3) * G_TIME_SPAN_DAY;
  else if (self->away[who] && self->clients[who]->online)
    {
      self->away[who] = FALSE;
      tess_omemo_end_catch_up (self->clients[who]->omemo);
    }
  if (pick (0, 2))
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
  for (int i = 0; i < self->devices; i++)
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

/* All are online and read everything. */
static void
come_home (Schedule *self)
{
  for (int i = 0; i < self->devices; i++)
    {
      if (!self->clients[i]->online)
        client_go_online (self->clients[i]);
      self->away[i] = FALSE;
      tess_omemo_end_catch_up (self->clients[i]->omemo);
    }
  self->world->manual = FALSE;
  world_run (self->world);
}

/* After all that nothing is broken: what anybody says is read by all devices of both. */
static void
talk (Schedule *self)
{
  for (int from = 0; from < self->devices; from++)
    for (int person = 0; person < PEOPLE; person++)
      {
        g_autofree char *text = g_strdup_printf ("in the end, from %d to %d", from, person);

        if (person == owner (from))
          continue;
        client_send (self->clients[from], self->clients[person], text);
        world_run (self->world);
        for (int i = 0; i < self->devices; i++)
          if (i != from && (owner (i) == person || owner (i) == owner (from)))
            g_assert_cmpstr (client_last (self->clients[i]), ==, text);
      }
}

static void
run_schedule (void)
{
  Schedule self = { .world = world_new (), .devices = FIRST };

  self.texts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (int i = 0; i < DEVICES; i++)
    {
      g_autofree char *address = g_strdup_printf ("person%d@x.test", owner (i));

      if (i < FIRST)
        self.clients[i] = world_join (self.world, address);
      self.sent[i] = g_ptr_array_new_with_free_func (g_free);
    }
  meet (&self, 0);
  self.world->manual = TRUE;
  for (guint i = 0; i < STEPS; i++)
    {
      step (&self);
      /* A third device of each, at some time: first all come home, so that it meets everybody. */
      if (i % (STEPS / 4) == STEPS / 4 - 1)
        {
          come_home (&self);
          self.world->manual = TRUE;
          join (&self);
        }
    }
  come_home (&self);
  check (&self);
  talk (&self);
  for (int i = 0; i < DEVICES; i++)
    g_ptr_array_unref (self.sent[i]);
  g_hash_table_unref (self.texts);
  world_free (self.world);
}

static void
test_schedules (void)
{
  const char *number = g_getenv ("TESS_SCHEDULES");
  const char *one = g_getenv ("TESS_SCHEDULE");
  int count = one != NULL ? 1 : number != NULL ? atoi (number) : USUAL;

  for (int i = 0; i < count; i++)
    {
      guint32 seed = one != NULL ? (guint32) g_ascii_strtoull (one, NULL, 10) : (guint32) g_test_rand_int ();

      g_test_message ("TESS_SCHEDULE=%u", seed);
      chance = g_rand_new_with_seed (seed);
      run_schedule ();
      g_clear_pointer (&chance, g_rand_free);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/omemo/schedules", test_schedules);
  return g_test_run ();
}
