/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "base/tess-thread.h"
#include "model/tess-message-private.h"
#include "model/tess-timeline-private.h"

/* The timeline over a fake history: a page comes when the test says so. */

#define DAY 86400

typedef struct
{
  TessTimeline *timeline;
  GPtrArray *stored; /* of TessMessageRecord, in order */
  GPtrArray *shown;  /* a second list, made from items-changed alone */
  guint changes;
  guint most;

  guint serial; /* of the page that is asked for, 0 for none */
  TessPageKind kind;
  gboolean after;
  gint64 time_us;
  gint64 id;
} Fixture;

static TessMessageRecord *
make (gint64 id, gint64 time_us)
{
  TessMessageRecord *record = tess_message_record_new ();

  record->id = id;
  record->time_us = time_us;
  record->text = g_strdup_printf ("message %d", (int) id);
  return record;
}

static void
load (TessTimeline *timeline,
      guint serial,
      TessPageKind kind,
      gint64 time_us,
      gint64 id,
      gpointer user_data)
{
  Fixture *self = user_data;

  self->serial = serial;
  self->kind = kind;
  self->after = kind == TESS_PAGE_NEWER;
  self->time_us = time_us;
  self->id = id;
}

/* The page as the store would give it now. */
static GPtrArray *
page (Fixture *self)
{
  g_autoptr (TessMessageRecord) edge = make (self->id, self->time_us);
  GPtrArray *records = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
  guint from = 0, to = self->stored->len;

  while (from < to &&
         (self->after ? tess_message_record_compare (self->stored->pdata[from], edge) <= 0 : FALSE))
    from++;
  while (
      to > from &&
      (self->after ? FALSE : tess_message_record_compare (self->stored->pdata[to - 1], edge) >= 0))
    to--;
  if (self->after)
    to = MIN (to, from + TESS_TIMELINE_PAGE);
  else if (to - from > TESS_TIMELINE_PAGE)
    from = to - TESS_TIMELINE_PAGE;
  for (guint i = from; i < to; i++)
    g_ptr_array_add (records, tess_message_record_copy (self->stored->pdata[i]));
  return records;
}

static int
compare_records (gconstpointer a, gconstpointer b)
{
  return tess_message_record_compare (*(TessMessageRecord *const *) a,
                                      *(TessMessageRecord *const *) b);
}

/* What the page says of the ends of all that is stored. */
static TessPageEnds
ends (Fixture *self, GPtrArray *records)
{
  TessPageEnds found = 0;

  if (self->stored->len == 0 || records->len == 0)
    return records->len < TESS_TIMELINE_PAGE ? (self->after ? TESS_PAGE_END : TESS_PAGE_START | (self->time_us == G_MAXINT64 ? TESS_PAGE_END : 0)) : 0;
  if (compare_records (&records->pdata[0], &self->stored->pdata[0]) == 0)
    found |= TESS_PAGE_START;
  if (compare_records (&records->pdata[records->len - 1], &self->stored->pdata[self->stored->len - 1]) == 0)
    found |= TESS_PAGE_END;
  return found;
}

static void
deliver (Fixture *self)
{
  g_autoptr (GPtrArray) records = page (self);
  guint serial = self->serial;

  g_assert_cmpuint (serial, !=, 0);
  self->serial = 0;
  tess_timeline_take_page (self->timeline, serial, records, ends (self, records));
}

static void
items_changed_cb (GListModel *model, guint position, guint removed, guint added, Fixture *self)
{
  guint n = g_list_model_get_n_items (model);

  self->changes++;
  self->most = MAX (self->most, n);
  g_assert_cmpuint (position + removed, <=, self->shown->len);
  if (removed > 0)
    g_ptr_array_remove_range (self->shown, position, removed);
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (self->shown, (int) (position + i),
                        g_list_model_get_item (model, position + i));
  g_assert_cmpuint (self->shown->len, ==, n);
}

/* What was told is what there is; in order, without gaps against the store, within the limit. */
static void
check (Fixture *self)
{
  GListModel *model = G_LIST_MODEL (self->timeline);
  guint n = g_list_model_get_n_items (model);
  guint first = 0;

  g_assert_cmpuint (n, ==, self->shown->len);
  g_assert_cmpuint (self->most, <=, TESS_TIMELINE_MAX);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TessMessage) message = g_list_model_get_item (model, i);
      const TessMessageRecord *record = tess_message_get_record (message);

      g_assert_true (message == self->shown->pdata[i]);
      if (i == 0)
        while (((TessMessageRecord *) self->stored->pdata[first])->id != record->id)
          first++;
      g_assert_cmpint (record->id, ==, ((TessMessageRecord *) self->stored->pdata[first + i])->id);
    }
  if (tess_timeline_get_at_start (self->timeline))
    g_assert_cmpuint (first, ==, 0);
  if (tess_timeline_get_at_end (self->timeline))
    g_assert_cmpuint (first + n, ==, self->stored->len);
}

/* Stores @count messages and tells of them. */
static void
arrive (Fixture *self, gint64 first_id, gint64 first_time, guint count)
{
  g_autoptr (GPtrArray) records =
      g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);

  for (guint i = 0; i < count; i++)
    {
      g_ptr_array_add (self->stored, make (first_id + i, first_time + i));
      g_ptr_array_add (records, make (first_id + i, first_time + i));
    }
  g_ptr_array_sort (self->stored, compare_records);
  self->changes = 0;
  tess_timeline_take_messages (self->timeline, records, TRUE);
  check (self);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->stored = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
  self->shown = g_ptr_array_new_with_free_func (g_object_unref);
  for (int i = 1; i <= GPOINTER_TO_INT (data); i++)
    g_ptr_array_add (self->stored, make (i, i * DAY));
  self->timeline = tess_timeline_new (load, 0, 0, self, NULL);
  g_signal_connect (self->timeline, "items-changed", G_CALLBACK (items_changed_cb), self);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_ptr_array_unref (self->shown);
  g_assert_finalize_object (self->timeline);
  g_ptr_array_unref (self->stored);
}

static guint
n_items (Fixture *self)
{
  return g_list_model_get_n_items (G_LIST_MODEL (self->timeline));
}

static void
test_empty (Fixture *self, gconstpointer data)
{
  g_assert_true (tess_timeline_get_loading (self->timeline));
  g_assert_false (tess_timeline_get_at_end (self->timeline));
  deliver (self);
  g_assert_false (tess_timeline_get_loading (self->timeline));
  g_assert_true (tess_timeline_get_at_start (self->timeline));
  g_assert_true (tess_timeline_get_at_end (self->timeline));
  tess_timeline_load_older (self->timeline);
  tess_timeline_load_newer (self->timeline);
  g_assert_cmpuint (self->serial, ==, 0);

  arrive (self, 1, DAY, 1);
  g_assert_cmpuint (n_items (self), ==, 1);
}

static void
test_walk (Fixture *self, gconstpointer data)
{
  deliver (self);
  check (self);
  g_assert_cmpuint (n_items (self), ==, TESS_TIMELINE_PAGE);
  g_assert_cmpuint (self->changes, ==, 1);

  /* Up to the start … */
  while (!tess_timeline_get_at_start (self->timeline))
    {
      tess_timeline_load_older (self->timeline);
      g_assert_true (tess_timeline_get_loading (self->timeline));
      tess_timeline_load_older (self->timeline);
      deliver (self);
      check (self);
    }
  g_assert_cmpuint (n_items (self), ==, TESS_TIMELINE_MAX);
  g_assert_false (tess_timeline_get_at_end (self->timeline));

  /* … a message that comes now waits behind the window … */
  arrive (self, 1000, 1000 * DAY, 1);
  g_assert_cmpuint (self->changes, ==, 0);

  /* … and down again to the end. */
  while (!tess_timeline_get_at_end (self->timeline))
    {
      tess_timeline_load_newer (self->timeline);
      deliver (self);
      check (self);
    }
  g_assert_false (tess_timeline_get_at_start (self->timeline));
  arrive (self, 1001, 1001 * DAY, 1);
  g_assert_cmpuint (self->changes, ==, 2); /* one row goes at the top, one comes at the end */
}

/* What is deleted goes out of the store and the window. */
static void
forget (Fixture *self, gint64 until_us)
{
  for (guint i = self->stored->len; i > 0; i--)
    {
      const TessMessageRecord *record = self->stored->pdata[i - 1];

      if (record->time_us <= until_us && record->state != TESS_MESSAGE_WAITING)
        g_ptr_array_remove_index (self->stored, i - 1);
    }
  tess_timeline_forget (self->timeline, until_us);
  check (self);
}

static void
test_forget (Fixture *self, gconstpointer data)
{
  deliver (self);
  /* Above the window, within it, and all that is shown but for what waits. */
  forget (self, 100 * DAY);
  g_assert_cmpuint (n_items (self), ==, TESS_TIMELINE_PAGE);
  g_assert_false (tess_timeline_get_loading (self->timeline));
  forget (self, 190 * DAY);
  g_assert_cmpuint (n_items (self), ==, 10);
  tess_timeline_load_older (self->timeline);
  deliver (self);
  g_assert_true (tess_timeline_get_at_start (self->timeline));
  ((TessMessageRecord *) self->stored->pdata[9])->state = TESS_MESSAGE_WAITING;
  {
    g_autoptr (GPtrArray) waiting = g_ptr_array_new ();

    g_ptr_array_add (waiting, self->stored->pdata[9]);
    tess_timeline_take_messages (self->timeline, waiting, TRUE);
  }
  forget (self, 200 * DAY);
  g_assert_cmpuint (n_items (self), ==, 1);
  ((TessMessageRecord *) self->stored->pdata[0])->state = TESS_MESSAGE_SENT;
  {
    g_autoptr (GPtrArray) sent = g_ptr_array_new ();

    g_ptr_array_add (sent, self->stored->pdata[0]);
    tess_timeline_take_messages (self->timeline, sent, TRUE);
  }
  forget (self, 200 * DAY);
  g_assert_cmpuint (n_items (self), ==, 0);
  deliver (self);
  g_assert_true (tess_timeline_get_at_start (self->timeline));
  g_assert_true (tess_timeline_get_at_end (self->timeline));
  arrive (self, 1000, 1000 * DAY, 1);
  g_assert_cmpuint (n_items (self), ==, 1);
}

/* A reader of the history, all of which goes. */
static void
test_forget_history (Fixture *self, gconstpointer data)
{
  deliver (self);
  while (!tess_timeline_get_at_start (self->timeline))
    {
      tess_timeline_load_older (self->timeline);
      deliver (self);
    }
  g_assert_false (tess_timeline_get_at_end (self->timeline));
  forget (self, 320 * DAY);
  g_assert_cmpuint (n_items (self), ==, 0);
  g_assert_true (tess_timeline_get_loading (self->timeline));
  deliver (self);
  check (self);
  g_assert_cmpuint (n_items (self), ==, 10);
  g_assert_true (tess_timeline_get_at_end (self->timeline));
}

static void
test_jump (Fixture *self, gconstpointer data)
{
  deliver (self);
  for (int i = 0; i < 6; i++)
    {
      tess_timeline_load_older (self->timeline);
      deliver (self);
    }
  g_assert_false (tess_timeline_get_at_end (self->timeline));

  /* A page that was asked for before the jump comes too late. */
  tess_timeline_load_older (self->timeline);
  {
    g_autoptr (GPtrArray) late = page (self);
    guint serial = self->serial;

    tess_timeline_jump_to_end (self->timeline);
    tess_timeline_take_page (self->timeline, serial, late, ends (self, late));
    check (self);
    g_assert_true (tess_timeline_get_loading (self->timeline));
  }
  deliver (self);
  check (self);
  g_assert_true (tess_timeline_get_at_end (self->timeline));
  g_assert_cmpuint (n_items (self), ==, TESS_TIMELINE_PAGE);
}

/* 500 messages are one change. */
static void
test_batch (Fixture *self, gconstpointer data)
{
  deliver (self);
  self->changes = 0;
  arrive (self, 1000, 1000 * DAY, 500);
  g_assert_cmpuint (self->changes, ==, 1);
  g_assert_cmpuint (n_items (self), ==, TESS_TIMELINE_MAX);
  g_assert_true (tess_timeline_get_at_end (self->timeline));
  g_assert_false (tess_timeline_get_at_start (self->timeline));

  /* Told again: nothing changes. */
  self->changes = 0;
  {
    g_autoptr (GPtrArray) again =
        g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);

    for (int i = 0; i < 500; i++)
      g_ptr_array_add (again, make (1000 + i, 1000 * DAY + i));
    g_ptr_array_add (again, make (1000, 1000 * DAY));
    tess_timeline_take_messages (self->timeline, again, TRUE);
  }
  g_assert_cmpuint (self->changes, ==, 0);
  check (self);
}

/* A window that grows while a flood waits: what it shows has no gap. */
static void
test_flood_grown (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) more = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);

  deliver (self);
  tess_timeline_set_following (self->timeline, 12);
  arrive (self, 1000, 1000 * DAY, 500);
  for (int i = 0; i < 300; i++)
    {
      g_ptr_array_add (self->stored, make (2000 + i, 2000 * DAY + i));
      g_ptr_array_add (more, make (2000 + i, 2000 * DAY + i));
    }
  tess_timeline_take_messages (self->timeline, more, TRUE);
  tess_timeline_set_following (self->timeline, 40);
  while (tess_timeline_find (self->timeline, 2299) == NULL)
    g_main_context_iteration (NULL, TRUE);
  check (self);
}

/* An archive that comes in: a reader at the end gets the newest few, now and then; one of the history keeps what there is. */
static void
test_flood (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) more = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
  guint before;

  deliver (self);
  tess_timeline_set_following (self->timeline, 12);
  arrive (self, 1000, 1000 * DAY, 500);
  g_assert_cmpuint (self->changes, ==, 1);
  g_assert_cmpuint (n_items (self), ==, 12);
  g_assert_true (tess_timeline_get_at_end (self->timeline));
  g_assert_false (tess_timeline_get_at_start (self->timeline));

  /* What comes right behind it waits, and is there in the end. */
  for (int i = 0; i < 300; i++)
    {
      g_ptr_array_add (self->stored, make (2000 + i, 2000 * DAY + i));
      g_ptr_array_add (more, make (2000 + i, 2000 * DAY + i));
    }
  self->changes = 0;
  tess_timeline_take_messages (self->timeline, more, TRUE);
  tess_timeline_take_messages (self->timeline, more, TRUE);
  while (tess_timeline_find (self->timeline, 2299) == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (self->changes, ==, 1);
  g_assert_cmpuint (n_items (self), ==, 12);
  check (self);
  tess_timeline_load_older (self->timeline);
  deliver (self);
  check (self);

  before = n_items (self);
  tess_timeline_set_following (self->timeline, 0);
  arrive (self, 3000, 3000 * DAY, 500);
  g_assert_cmpuint (n_items (self), ==, before + TESS_TIMELINE_PAGE);
  g_assert_false (tess_timeline_get_at_end (self->timeline));
  arrive (self, 4000, 4000 * DAY, 500);
  g_assert_cmpuint (self->changes, ==, 0);
}

/* Late ones of an archive, in the middle, at the start, and before it. */
static void
test_between (Fixture *self, gconstpointer data)
{
  deliver (self);
  arrive (self, 500, 80 * DAY + 7, 3);
  g_assert_cmpuint (self->changes, ==, 1);
  arrive (self, 600, DAY / 2, 1); /* before the window, and something stands between */
  g_assert_cmpuint (self->changes, ==, 0);
  while (!tess_timeline_get_at_start (self->timeline))
    {
      tess_timeline_load_older (self->timeline);
      deliver (self);
      check (self);
    }
  arrive (self, 700, DAY / 4, 1);
  g_assert_cmpuint (self->changes, ==, 1);
  arrive (self, 702, DAY / 4, 1);
  arrive (self, 701, DAY / 4, 1); /* equal times go by id */
}

/* A flood moves the edge while the page before it is on its way. */
static void
test_flood_while_loading (Fixture *self, gconstpointer data)
{
  deliver (self);
  tess_timeline_load_older (self->timeline);
  arrive (self, 1000, 1000 * DAY, 500);
  deliver (self);
  check (self);
  g_assert_false (tess_timeline_get_loading (self->timeline));
  tess_timeline_load_older (self->timeline);
  deliver (self);
  check (self);
  g_assert_false (tess_timeline_get_at_end (self->timeline));
}

static void
count_cb (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_update (Fixture *self, gconstpointer data)
{
  g_autoptr (TessMessage) message = NULL;
  g_autoptr (GPtrArray) records =
      g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
  TessMessageRecord *record;
  guint states = 0, others = 0;

  deliver (self);
  message = g_list_model_get_item (G_LIST_MODEL (self->timeline), 9);
  g_signal_connect (message, "notify::state", G_CALLBACK (count_cb), &states);
  g_signal_connect (message, "notify", G_CALLBACK (count_cb), &others);
  record = tess_message_record_copy (tess_message_get_record (message));
  record->state = TESS_MESSAGE_DELIVERED;
  g_ptr_array_add (records, record);

  self->changes = 0;
  tess_timeline_take_messages (self->timeline, records, FALSE);
  g_assert_cmpuint (states, ==, 0);
  tess_timeline_take_messages (self->timeline, records, TRUE);
  tess_timeline_take_messages (self->timeline, records, TRUE);
  g_assert_cmpuint (states, ==, 1);
  g_assert_cmpuint (others, ==, 1);
  g_assert_cmpuint (self->changes, ==, 0);
  g_assert_cmpint (tess_message_get_state (message), ==, TESS_MESSAGE_DELIVERED);
}

/* Stores that a message stands elsewhere, and tells it. */
static void
move (Fixture *self, guint index, gint64 time_us)
{
  g_autoptr (GPtrArray) records = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
  TessMessageRecord *record = self->stored->pdata[index];

  record->time_us = time_us;
  g_ptr_array_add (records, tess_message_record_copy (record));
  g_ptr_array_sort (self->stored, compare_records);
  self->changes = 0;
  tess_timeline_take_messages (self->timeline, records, TRUE);
  check (self);
}

/* The archive says where a message stands, or it was sent later than it was written. */
static void
test_moved (Fixture *self, gconstpointer data)
{
  deliver (self);
  move (self, 85, 89 * DAY + 5);
  g_assert_cmpuint (self->changes, >, 0);
  move (self, 89, 70 * DAY + 5); /* the last one */
  move (self, 88, 200 * DAY);
  g_assert_cmpuint (n_items (self), ==, TESS_TIMELINE_PAGE);

  /* Out of the window, which does not know what stands there. */
  move (self, 80, 3 * DAY + 5);
  g_assert_cmpuint (n_items (self), ==, TESS_TIMELINE_PAGE - 1);
  while (!tess_timeline_get_at_start (self->timeline))
    {
      tess_timeline_load_older (self->timeline);
      deliver (self);
      check (self);
    }
  g_assert_cmpuint (n_items (self), ==, 90);
}

/* To a date, and back; what stands beyond the page is a page to load. */
static void
test_around (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) records = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
  g_autoptr (TessMessage) first = NULL;

  deliver (self);
  tess_timeline_jump_to (self->timeline, 40 * DAY, 0);
  g_assert_cmpint (self->kind, ==, TESS_PAGE_AROUND);
  g_assert_cmpint (self->time_us, ==, 40 * DAY);
  for (guint i = 24; i < 54; i++)
    g_ptr_array_add (records, tess_message_record_copy (self->stored->pdata[i]));
  tess_timeline_take_page (self->timeline, self->serial, records, 0);
  check (self);
  first = g_list_model_get_item (G_LIST_MODEL (self->timeline), 0);
  g_assert_cmpint (tess_message_get_id (first), ==, 25);
  g_assert_false (tess_timeline_get_at_start (self->timeline) || tess_timeline_get_at_end (self->timeline));
  arrive (self, 500, 100 * DAY, 1);
  g_assert_cmpuint (self->changes, ==, 0);
  tess_timeline_load_newer (self->timeline);
  deliver (self);
  check (self);
  tess_timeline_load_older (self->timeline);
  deliver (self);
  check (self);
  tess_timeline_jump_to_end (self->timeline);
  deliver (self);
  check (self);
  g_assert_true (tess_timeline_get_at_end (self->timeline));
}

/* What could not be had of the archive can be had later. */
static void
test_reopened (Fixture *self, gconstpointer data)
{
  deliver (self);
  g_assert_true (tess_timeline_get_at_start (self->timeline));
  tess_timeline_load_older (self->timeline);
  g_assert_false (tess_timeline_get_loading (self->timeline));
  tess_timeline_reopen (self->timeline);
  tess_timeline_load_older (self->timeline);
  g_assert_true (tess_timeline_get_loading (self->timeline));
}

static void
test_failure (Fixture *self, gconstpointer data)
{
  tess_timeline_take_page (self->timeline, self->serial, NULL, 0);
  g_assert_false (tess_timeline_get_loading (self->timeline));
  g_assert_false (tess_timeline_get_at_start (self->timeline));
  arrive (self, 1000, 1000 * DAY, 1); /* nothing is known yet: it comes with the page */
  g_assert_cmpuint (n_items (self), ==, 0);
  tess_timeline_load_older (self->timeline);
  deliver (self);
  check (self);
  g_assert_true (tess_timeline_get_at_end (self->timeline));

  tess_timeline_clear (self->timeline);
  g_assert_cmpuint (n_items (self), ==, 0);
}

/* Anything in any order keeps the window whole. */
static void
test_random (Fixture *self, gconstpointer data)
{
  GRand *rand = g_rand_new_with_seed (11);
  gint64 next_id = 1000;
  gint64 now = 1000 * DAY;

  for (int i = 0; i < 2000; i++)
    {
      switch (g_rand_int_range (rand, 0, 7))
        {
        case 0:
          tess_timeline_load_older (self->timeline);
          break;
        case 1:
          tess_timeline_load_newer (self->timeline);
          break;
        case 2:
          if (g_rand_int_range (rand, 0, 20) == 0)
            tess_timeline_jump_to_end (self->timeline);
          break;
        case 3:
          {
            guint count = (guint) g_rand_int_range (rand, 1, 30);

            arrive (self, next_id, now, count);
            next_id += count;
            now += count;
            break;
          }
        case 4:
          arrive (self, next_id, g_rand_int_range (rand, 1, 300 * DAY), 1);
          next_id++;
          break;
        default:
          if (self->serial != 0)
            deliver (self);
          break;
        }
      check (self);
    }
  g_rand_free (rand);
}

#define ADD(name, stored, function)                                                           \
  g_test_add ("/model/timeline/" name, Fixture, GINT_TO_POINTER (stored), set_up, (function), \
              tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  tess_thread_set_role (TESS_THREAD_MAIN);
  ADD ("empty", 0, test_empty);
  ADD ("walk", 330, test_walk);
  ADD ("jump", 500, test_jump);
  ADD ("batch", 70, test_batch);
  ADD ("flood", 90, test_flood);
  ADD ("flood-grown", 90, test_flood_grown);
  ADD ("between", 90, test_between);
  ADD ("flood-while-loading", 90, test_flood_while_loading);
  ADD ("update", 20, test_update);
  ADD ("moved", 90, test_moved);
  ADD ("around", 90, test_around);
  ADD ("reopened", 5, test_reopened);
  ADD ("forget", 200, test_forget);
  ADD ("forget-history", 330, test_forget_history);
  ADD ("failure", 90, test_failure);
  ADD ("random", 200, test_random);
  return g_test_run ();
}
