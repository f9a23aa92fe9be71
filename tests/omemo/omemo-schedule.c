/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo-schedule.h"

#include "omemo/tess-omemo-private.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PEOPLE 3
#define DEVICES_EACH 3
#define MAX_ADDED 4
#define MAX_DEVICES (PEOPLE * DEVICES_EACH + MAX_ADDED)
/* Letters of one device may overtake each other by this many: libsignal keeps five chains of a session. Those of different devices may
 * come in any order. */
#define MAX_LATE 3
#define NEAR 12 /* how far into the inbox a reader looks */

typedef struct
{
  GRand           *rand;
  World           *world;
  ScheduleKind     kind;
  ScheduleFigures *figures;
  guint32          seed;
  guint            steps;
  char            *problem;
  Client          *clients[MAX_DEVICES];
  guint            people[MAX_DEVICES];  /* whose device */
  gboolean         away[MAX_DEVICES];    /* catching up */
  GHashTable      *got[MAX_DEVICES];     /* set of marks: letters that were read */
  GHashTable      *spent[MAX_DEVICES];   /* prekey id -> base key (GBytes) of the exchange that it served */
  GHashTable      *kept[MAX_DEVICES];    /* set of prekeys that were used in the catch-up that goes on */
  GHashTable      *forgot[MAX_DEVICES];  /* set of devices with whom a session was lost: what it read it does not know again */
  GHashTable      *said;                 /* mark -> text */
  guint            n;
  guint            added;
  guint            counter;
  gboolean         kind_network;         /* nothing is lost, doubled or overtaken any more */
  gboolean         strict;
} Schedule;

gboolean schedule_verbose;

/* ---- Chance ---- */

static GRand *all_chance;

/* In place of libgcrypt's, by the linker: keys, ids of devices and the choice of prekeys repeat with the seed. */
void __wrap_tess_random_bytes (guint8 *out, gsize length);
void __real_tess_random_bytes (guint8 *out, gsize length);

void
__wrap_tess_random_bytes (guint8 *out, gsize length)
{
  if (all_chance == NULL)
    {
      __real_tess_random_bytes (out, length);
      return;
    }
  for (gsize i = 0; i < length; i++)
    out[i] = (guint8) (g_rand_int (all_chance) >> 24);
}

static guint
chance (Schedule *self, guint below)
{
  return (guint) g_rand_int_range (self->rand, 0, (gint32) below);
}

static char dying_words[64];

/* An assertion in what is tested: which seed it was. */
static void
abort_cb (int number)
{
  if (write (STDERR_FILENO, dying_words, strlen (dying_words)) < 0)
    _exit (2);
  signal (number, SIG_DFL);
  raise (number);
}

G_GNUC_PRINTF (2, 3)
static void
tell (Schedule *self, const char *format, ...)
{
  va_list arguments;
  g_autofree char *text = NULL;

  if (!schedule_verbose)
    return;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_printerr ("%4u %s\n", self->steps, text);
}

G_GNUC_PRINTF (2, 3)
static void
fail (Schedule *self, const char *format, ...)
{
  va_list arguments;
  g_autofree char *text = NULL;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  tell (self, "%s", text);
  if (self->problem == NULL)
    self->problem = g_strdup_printf ("step %u: %s", self->steps, text);
}

/* ---- Letters ---- */

/* The IV is of one message alone. */
static const char *
mark_of (const TessNode *encrypted)
{
  const TessNode *header = tess_node_child (encrypted, "header", NULL);

  return tess_node_child_text (header, "iv", NULL);
}

static guint32
sid_of (const TessNode *encrypted)
{
  guint64 sid = 0;

  g_assert_true (tess_node_get_uint (tess_node_child (encrypted, "header", NULL), "sid", G_MAXUINT32, &sid));
  return (guint32) sid;
}

static gboolean
is_for (const TessNode *encrypted, guint32 rid, TessOmemoWireMessage **message)
{
  *message = tess_omemo_axolotl_parse_message (encrypted, rid, NULL);
  g_assert_nonnull (*message);
  return (*message)->keys->len > 0;
}

static guint64
read_varint (const guint8 *data, gsize length, gsize *at)
{
  guint64 value = 0;

  for (guint shift = 0; *at < length && shift < 64; shift += 7)
    {
      guint8 byte = data[(*at)++];

      value |= (guint64) (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0)
        break;
    }
  return value;
}

/* Of a PreKeySignalMessage: the two prekeys, and (transfer full) the base key. */
static GBytes *
read_exchange (GBytes *bytes, guint32 *prekey, guint32 *signed_prekey)
{
  gsize length, at = 1;
  const guint8 *data = g_bytes_get_data (bytes, &length);
  GBytes *base = NULL;

  *prekey = *signed_prekey = 0;
  while (at < length)
    {
      guint64 tag = read_varint (data, length, &at);
      guint64 value = read_varint (data, length, &at);

      if (tag == (1 << 3))
        *prekey = (guint32) value;
      if (tag == (6 << 3))
        *signed_prekey = (guint32) value;
      if (tag == (2 << 3 | 2) && base == NULL)
        base = g_bytes_new (data + at, (gsize) value);
      if ((tag & 7) == 2)
        at += (gsize) value;
    }
  g_assert_nonnull (base);
  return base;
}

/* Whether the message is for all devices that stand in the two lists. */
static void
check_addressed (Schedule *self, int from, TessJid *to, const TessNode *encrypted)
{
  for (guint i = 0; i < self->n; i++)
    {
      Client *client = self->clients[i];
      g_autoptr (TessOmemoWireMessage) message = NULL;
      gboolean meant = (int) i != from && (tess_jid_equal (client->jid, to) || tess_jid_equal (client->jid, self->clients[from]->jid));
      g_autoptr (GArray) list = tess_omemo_axolotl_parse_list (world_node (self->world, client->jid, TESS_OMEMO_AXOLOTL_LIST_NODE));
      gboolean listed = FALSE;

      for (guint j = 0; j < list->len; j++)
        listed |= g_array_index (list, guint32, j) == tess_omemo_get_device_id (client->omemo);
      if (is_for (encrypted, tess_omemo_get_device_id (client->omemo), &message) != (meant && listed))
        fail (self, "device %d %s device %u", from, meant && listed ? "leaves out" : "writes to", i);
    }
}

static void
say (Schedule *self, int from, int to)
{
  Client *client = self->clients[from];
  g_autofree char *text = g_strdup_printf ("message %u", self->counter++);
  g_autoptr (GPtrArray) skipped = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessNode) encrypted = NULL;
  gboolean quiet = self->strict || chance (self, 2) == 0;

  if (!client->online)
    return;
  if (!client_prepare (client, self->clients[to]))
    {
      fail (self, "device %d cannot prepare", from);
      return;
    }
  if (quiet)
    world_run (self->world); /* what was published has come to everybody */
  if (quiet && !client_prepare (client, self->clients[to]))
    fail (self, "device %d cannot prepare", from);
  encrypted = client_encrypt (client, self->clients[to]->jid, text, &skipped, &error);
  if (encrypted == NULL)
    {
      fail (self, "device %d cannot write: %s", from, error->message);
      return;
    }
  tell (self, "%d says %s to %d", from, text, to);
  for (guint i = 0; i < skipped->len; i++)
    {
      const TessOmemoSkipped *one = g_ptr_array_index (skipped, i);

      tell (self, "…but not to %s %u: %d", tess_jid_to_string (one->jid), one->id, one->reason);
    }
  if (quiet)
    check_addressed (self, from, self->clients[to]->jid, encrypted);
  self->figures->sent++;
  g_hash_table_replace (self->said, g_strdup (mark_of (encrypted)), g_strdup (text));
  client_post (client, self->clients[to]->jid, encrypted, FALSE);
}

static guint32
published_signed_prekey (Schedule *self, guint who)
{
  Client *client = self->clients[who];
  g_autofree char *node = tess_omemo_axolotl_bundle_node (tess_omemo_get_device_id (client->omemo));
  g_autoptr (TessOmemoBundle) bundle = tess_omemo_axolotl_parse_bundle (world_node (self->world, client->jid, node), NULL);

  g_assert_nonnull (bundle);
  return bundle->signed_id;
}

/* A one-time prekey serves one exchange and is deleted (XEP-0384, business rules): two who begin at the same time may draw the same, and
 * the later one cannot be read. Within one catch-up both are. A signed prekey is kept for one more period (the same): an exchange that was
 * under way while it was changed twice cannot be read either. Nothing else may be the reason. */
static gboolean
is_spent (Schedule *self, guint who, const TessOmemoWireMessage *message)
{
  const TessOmemoWireKey *key = g_ptr_array_index (message->keys, 0);
  g_autoptr (GBytes) base = NULL;
  GBytes *first;
  guint32 prekey, signed_prekey;

  if (!key->prekey)
    return FALSE;
  base = read_exchange (key->data, &prekey, &signed_prekey);
  if (signed_prekey + 1 < published_signed_prekey (self, who))
    return TRUE;
  first = g_hash_table_lookup (self->spent[who], GUINT_TO_POINTER (prekey));
  return first != NULL && !g_bytes_equal (first, base) && !g_hash_table_contains (self->kept[who], GUINT_TO_POINTER (prekey));
}

/* Whether a letter for this device may be one that it cannot read. */
static gboolean
may_be_broken (Schedule *self, guint who, const TessOmemoWireMessage *message, gboolean again)
{
  if (self->strict)
    return FALSE;
  if (again)
    return g_hash_table_contains (self->forgot[who], GUINT_TO_POINTER (message->sid));
  return self->kind == SCHEDULE_FORGETFUL || is_spent (self, who, message);
}

static void
note_exchange (Schedule *self, guint who, const TessOmemoWireMessage *message)
{
  const TessOmemoWireKey *key = g_ptr_array_index (message->keys, 0);
  GBytes *base;
  guint32 prekey, signed_prekey;

  if (!key->prekey)
    return;
  base = read_exchange (key->data, &prekey, &signed_prekey);
  if (g_hash_table_contains (self->spent[who], GUINT_TO_POINTER (prekey)))
    {
      g_bytes_unref (base);
      return;
    }
  self->figures->exchanges++;
  g_hash_table_insert (self->spent[who], GUINT_TO_POINTER (prekey), base);
  if (self->away[who])
    g_hash_table_add (self->kept[who], GUINT_TO_POINTER (prekey));
}

static void
deliver (Schedule *self, guint who, const Letter *letter)
{
  Client *client = self->clients[who];
  const char *mark = mark_of (letter->encrypted);
  const char *text = g_hash_table_lookup (self->said, mark); /* NULL: an empty message */
  g_autoptr (TessOmemoWireMessage) message = NULL;
  gboolean meant = is_for (letter->encrypted, tess_omemo_get_device_id (client->omemo), &message);
  gboolean again = g_hash_table_contains (self->got[who], mark);
  guint texts = client->texts->len, empties = client->empties;
  int code = client_receive (client, letter->from, letter->encrypted);
  int wanted = !meant ? TESS_OMEMO_ERROR_NOT_FOR_US : again ? TESS_OMEMO_ERROR_DUPLICATE : -1;

  tell (self, "%u gets %s of %u: %d", who, text != NULL ? text : "an empty one", sid_of (letter->encrypted), code);
  if (meant && code != -1 && code != wanted && may_be_broken (self, who, message, again))
    {
      self->figures->broken++;
      return;
    }
  if (code != wanted)
    {
      fail (self, "device %u: %s of device %u gives %d and not %d", who, text != NULL ? text : "an empty message",
            sid_of (letter->encrypted), code, wanted);
      return;
    }
  if (code != -1)
    return;
  note_exchange (self, who, message);
  g_hash_table_add (self->got[who], g_strdup (mark));
  if (letter->empty)
    {
      if (client->empties != empties + 1 || client->texts->len != texts)
        fail (self, "device %u: an empty message was read as another", who);
      return;
    }
  self->figures->read++;
  if (client->texts->len != texts + 1 || g_strcmp0 (client_last (client), text) != 0)
    fail (self, "device %u read another text than was sent", who);
}

/* ---- The network ---- */

static Letter *
copy_letter (const Letter *letter)
{
  Letter *copy = g_new0 (Letter, 1);

  copy->from = tess_jid_ref (letter->from);
  copy->encrypted = tess_node_copy (letter->encrypted);
  copy->empty = letter->empty;
  return copy;
}

/* Which letter comes next: none is overtaken too often by those of its own device. */
static guint
choose (Schedule *self, GQueue *inbox)
{
  guint at = chance (self, MIN (inbox->length, NEAR));
  guint32 sid = sid_of (((Letter *) g_queue_peek_nth (inbox, at))->encrypted);

  if (self->kind_network)
    return 0;
  for (guint i = 0; i < at; i++)
    {
      Letter *passed = g_queue_peek_nth (inbox, i);

      if (sid_of (passed->encrypted) == sid && passed->skipped >= MAX_LATE)
        return i;
    }
  for (guint i = 0; i < at; i++)
    {
      Letter *passed = g_queue_peek_nth (inbox, i);

      passed->skipped += sid_of (passed->encrypted) == sid;
    }
  self->figures->overtook += at > 0;
  return at;
}

static void
read_one (Schedule *self, guint who)
{
  GQueue *inbox = &self->clients[who]->inbox;
  Letter *letter;
  guint fate = self->kind_network ? 99 : chance (self, 100);

  if (!self->clients[who]->online || g_queue_is_empty (inbox))
    return;
  letter = g_queue_pop_nth (inbox, choose (self, inbox));
  if (fate < 8)
    {
      self->figures->lost++;
      tell (self, "%u never gets one of %u", who, sid_of (letter->encrypted));
    }
  else
    {
      deliver (self, who, letter);
      if (fate < 16)
        {
          self->figures->doubled++;
          g_queue_push_nth (inbox, copy_letter (letter), (gint) chance (self, MIN (inbox->length, NEAR) + 1));
        }
    }
  letter_free (letter);
}

/* Everything arrives, and what it leads to. */
static void
drain (Schedule *self)
{
  gboolean moved;

  do
    {
      moved = FALSE;
      world_run (self->world);
      for (guint i = 0; i < self->n && self->problem == NULL; i++)
        while (self->clients[i]->online && !g_queue_is_empty (&self->clients[i]->inbox) && self->problem == NULL)
          {
            read_one (self, i);
            moved = TRUE;
          }
    }
  while (moved && self->problem == NULL);
}

/* ---- The devices ---- */

static void
join (Schedule *self, guint person)
{
  g_autofree char *address = g_strdup_printf ("person%u@x.test", person);
  guint i = self->n++;

  self->people[i] = person;
  self->clients[i] = world_make (self->world, address);
  self->got[i] = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->kept[i] = g_hash_table_new (NULL, NULL);
  self->forgot[i] = g_hash_table_new (NULL, NULL);
  self->spent[i] = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_bytes_unref);
  client_go_online (self->clients[i]);
  tell (self, "%u joins as device %u of person %u", i, tess_omemo_get_device_id (self->clients[i]->omemo), person);
}

static void
at_home (Schedule *self, guint who)
{
  self->away[who] = FALSE;
  g_hash_table_remove_all (self->kept[who]);
}

/* Its memory is gone: who began anew with whom, too. */
static void
restart (Schedule *self, guint who)
{
  self->figures->repairs += g_hash_table_size (self->clients[who]->omemo->repaired);
  client_restart (self->clients[who]);
  at_home (self, who);
  self->figures->restarts++;
  tell (self, "%u restarts", who);
}

static void
toggle (Schedule *self, guint who)
{
  Client *client = self->clients[who];

  tell (self, "%u goes %s", who, client->online ? "offline" : "online");
  if (client->online)
    {
      if (self->away[who])
        tess_omemo_end_catch_up (client->omemo);
      at_home (self, who);
      client_go_offline (client);
      return;
    }
  client_go_online (client);
  self->away[who] = TRUE;
  tess_omemo_begin_catch_up (client->omemo);
}

static void
come_home (Schedule *self, guint who)
{
  if (!self->clients[who]->online)
    client_go_online (self->clients[who]);
  tess_omemo_end_catch_up (self->clients[who]->omemo);
  at_home (self, who);
}

/* A damaged database. */
static void
forget (Schedule *self, guint who, guint whom)
{
  g_autofree char *key = g_strdup_printf ("session/%s/%010u", tess_jid_to_string (self->clients[whom]->jid),
                                          tess_omemo_get_device_id (self->clients[whom]->omemo));

  tell (self, "%u forgets %u: %d", who, whom, g_hash_table_remove (self->clients[who]->store->rows, key));
  g_hash_table_add (self->forgot[who], GUINT_TO_POINTER (tess_omemo_get_device_id (self->clients[whom]->omemo)));
}

static void
reset (Schedule *self, guint who, guint whom)
{
  if (who == whom || !self->clients[who]->online)
    return;
  tell (self, "%u begins anew with %u", who, whom);
  tess_omemo_reset_session (self->clients[who]->omemo, self->clients[whom]->jid, tess_omemo_get_device_id (self->clients[whom]->omemo),
                            NULL, NULL);
}

static void
say_something (Schedule *self)
{
  guint from = chance (self, self->n), to = chance (self, self->n);

  for (guint i = 0; i < self->n && !self->clients[from]->online; i++)
    from = (from + 1) % self->n;
  while (self->people[from] == self->people[to])
    to = (to + 1) % self->n;
  say (self, (int) from, (int) to);
}

static void
step (Schedule *self)
{
  guint who = chance (self, self->n), whom = chance (self, self->n);
  guint what = chance (self, 100);

  world_now += 15 * G_TIME_SPAN_SECOND;
  if (what < 36)
    say_something (self);
  else if (what < 80)
    for (guint i = 0; i < 3; i++)
      read_one (self, chance (self, self->n));
  else if (what < 86)
    restart (self, who);
  else if (what < 92 && (!self->clients[who]->online || chance (self, 2) == 0))
    toggle (self, who);
  else if (what < 93)
    reset (self, who, whom);
  else if (what < 95)
    world_now += chance (self, 3) * G_TIME_SPAN_DAY;
  else if (what < 96 && self->added < MAX_ADDED)
    {
      self->added++;
      self->figures->added++;
      join (self, chance (self, PEOPLE));
    }
  else if (what < 97 && self->kind == SCHEDULE_FORGETFUL)
    forget (self, who, whom);
  else if (self->away[who] && self->clients[who]->online)
    come_home (self, who);
  if (chance (self, 2) == 0)
    world_run (self->world);
}

static void
everybody_speaks (Schedule *self)
{
  for (guint i = 0; i < self->n && self->problem == NULL; i++)
    for (guint person = 0; person < PEOPLE; person++)
      for (guint j = 0; j < self->n; j++)
        if (self->people[j] == person && person != self->people[i])
          {
            say (self, (int) i, (int) j);
            world_now += 15 * G_TIME_SPAN_SECOND;
            drain (self);
            break;
          }
}

/* All come home and the network is kind: what is under way arrives, what is broken is repaired in this run or, where this run has tried it
 * already, in the next. Then nothing may be broken any more. */
static void
end (Schedule *self)
{
  self->kind_network = TRUE;
  for (guint i = 0; i < self->n; i++)
    come_home (self, i);
  drain (self);
  for (guint i = 0; i < self->n; i++)
    restart (self, i);
  drain (self);
  everybody_speaks (self);
  self->strict = TRUE;
  everybody_speaks (self);
}

static void
check (Schedule *self)
{
  for (guint i = 0; i < self->n && self->problem == NULL; i++)
    {
      Client *client = self->clients[i];
      guint texts = 0;
      GHashTableIter iter;
      gpointer mark;

      g_hash_table_iter_init (&iter, self->got[i]);
      while (g_hash_table_iter_next (&iter, &mark, NULL))
        texts += g_hash_table_contains (self->said, mark);
      if (texts != client->texts->len)
        fail (self, "device %u read %u texts of %u", i, client->texts->len, texts);
      if (fake_store_count (client->store, "prekey/") != TESS_OMEMO_PREKEYS)
        fail (self, "device %u has %u prekeys", i, fake_store_count (client->store, "prekey/"));
    }
}

char *
schedule_run (guint32 seed, ScheduleKind kind, guint steps, ScheduleFigures *figures)
{
  Schedule self = { .kind = kind, .figures = figures, .seed = seed };
  char *problem;

  g_snprintf (dying_words, sizeof dying_words, "this was seed %u%s\n", seed, kind == SCHEDULE_FORGETFUL ? " --forgetful" : "");
  signal (SIGABRT, abort_cb);
  world_now = 1000 * G_TIME_SPAN_DAY;
  self.rand = g_rand_new_with_seed (seed);
  all_chance = g_rand_new_with_seed (seed + 1);
  self.world = world_new ();
  self.world->manual = self.world->silent = TRUE;
  self.said = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 0; i < PEOPLE * DEVICES_EACH; i++)
    join (&self, i % PEOPLE);
  world_run (self.world);
  while (self.steps < steps && self.problem == NULL)
    {
      self.steps++;
      step (&self);
    }
  if (self.problem == NULL)
    end (&self);
  check (&self);

  for (guint i = 0; i < self.n; i++)
    {
      g_hash_table_unref (self.got[i]);
      g_hash_table_unref (self.spent[i]);
      g_hash_table_unref (self.kept[i]);
      g_hash_table_unref (self.forgot[i]);
    }
  world_free (self.world);
  g_hash_table_unref (self.said);
  g_clear_pointer (&all_chance, g_rand_free);
  g_rand_free (self.rand);
  problem = self.problem;
  return problem;
}
