/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The source itself: only so can the counters stand near their end. */
#include "../../src/xmpp/tess-stream-management.c"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The model: all that was ever sent in the session, and how many of it the server has; 64-bit numbers that never wrap. */
typedef struct
{
  TessStreamManagement *state;
  guint32               start; /* what the counters began with */
  GArray               *tags;  /* of guint64: of what was sent as the 1st, 2nd… of the session; 0: without a tag; LOST: not kept */
  guint64               acked;
  GArray               *told; /* of guint64 */
  guint64               last_tag;
  guint64               really; /* how many the process before this one had sent, of which it kept fewer; 0: there was none, or it is past */
} Model;

#define LOST G_MAXUINT64
#define RUNS 3000

static guint64
get_tag (const Model *model, guint64 place)
{
  return g_array_index (model->tags, guint64, place);
}

static void
add_tag (Model *model, guint64 tag)
{
  g_array_append_val (model->tags, tag);
}

static char *
make_xml (guint64 tag, guint64 place)
{
  return tag != 0 ? g_strdup_printf ("<m t='%" G_GUINT64_FORMAT "'/>", tag) : g_strdup_printf ("<p n='%" G_GUINT64_FORMAT "'/>", place);
}

static void
acked_cb (guint64 tag, gpointer data)
{
  g_array_append_val (((Model *) data)->told, tag);
}

static void
send_one (Model *model, GRand *rand)
{
  guint64          tag = g_rand_int_range (rand, 0, 3) != 0 ? ++model->last_tag : 0;
  g_autofree char *xml = make_xml (tag, 0);

  add_tag (model, tag);
  tess_stream_management_sent (model->state, xml, tag);
}

/* What an acknowledgement up to @upto has to tell. */
static void
assert_told (Model *model, guint64 upto)
{
  guint told = 0;

  for (guint64 i = model->acked; i < upto; i++)
    if (get_tag (model, i) != 0 && get_tag (model, i) != LOST)
      {
        g_assert_cmpuint (told, <, model->told->len);
        g_assert_cmpuint (g_array_index (model->told, guint64, told++), ==, get_tag (model, i));
      }
  g_assert_cmpuint (model->told->len, ==, told);
  model->acked = upto;
}

static void
ack_up_to (Model *model, guint64 upto)
{
  g_array_set_size (model->told, 0);
  g_assert_true (tess_stream_management_ack (model->state, model->start + (guint32) upto, acked_cb, model));
  assert_told (model, upto);
}

static void
ack_some (Model *model, GRand *rand)
{
  ack_up_to (model, model->acked + (guint64) g_rand_int_range (rand, 0, (gint32) (model->tags->len - model->acked) + 1));
}

/* Attacks row B10: more than was sent, or fewer than before. Nothing is changed by it. */
static void
ack_wrongly (Model *model, GRand *rand)
{
  guint32 wrong = model->start + (guint32) model->tags->len + (guint32) g_rand_int_range (rand, 1, G_MAXINT32);

  switch (g_rand_int_range (rand, 0, 3))
    {
    case 0:
      wrong = model->start + (guint32) model->tags->len + 1;
      break;
    case 1:
      wrong = model->start + (guint32) model->acked - (guint32) g_rand_int_range (rand, 1, 1000);
      break;
    default:
      break;
    }
  g_array_set_size (model->told, 0);
  g_assert_false (tess_stream_management_ack (model->state, wrong, acked_cb, model));
  g_assert_cmpuint (model->told->len, ==, 0);
}

typedef struct
{
  const Model *model;
  guint64      place;
} Walk;

static void
walk_cb (guint32 sequence, guint64 tag, gpointer data)
{
  Walk *walk = data;

  while (get_tag (walk->model, walk->place) == 0 || get_tag (walk->model, walk->place) == LOST)
    walk->place++;
  g_assert_cmpuint (tag, ==, get_tag (walk->model, walk->place));
  walk->place++;
  g_assert_cmpuint (sequence, ==, walk->model->start + (guint32) walk->place);
}

static void
check (Model *model)
{
  Walk walk = { model, model->acked };

  g_assert_cmpuint (tess_stream_management_get_unacked (model->state), ==, model->tags->len - model->acked);
  g_assert_cmpuint (tess_stream_management_get_acked (model->state), ==, model->start + (guint32) model->acked);
  g_assert_cmpuint (tess_stream_management_get_sent (model->state), ==, model->start + (guint32) model->tags->len);
  tess_stream_management_foreach_unacked (model->state, walk_cb, &walk);
  for (; walk.place < model->tags->len; walk.place++)
    g_assert_true (get_tag (model, walk.place) == 0 || get_tag (model, walk.place) == LOST);
  if (walk.place == model->acked)
    g_assert_cmpuint (tess_stream_management_get_unconfirmed (model->state), ==, 0);
}

/* The server says what it has; the rest is sent again, and what is not there any more takes no number. */
static void
resume (Model *model, GRand *rand)
{
  g_autoptr (GPtrArray) xml = NULL;
  guint                 next = 0;
  guint64               reach = MAX (model->tags->len, model->really);
  guint64               upto = model->acked + (guint64) g_rand_int_range (rand, 0, (gint32) (reach - model->acked) + 1);

  for (guint64 i = model->tags->len; i < upto; i++)
    add_tag (model, LOST);
  ack_up_to (model, upto);
  xml = tess_stream_management_get_unacked_xml (model->state);
  for (guint i = (guint) model->acked; i < model->tags->len;)
    {
      g_autofree char *wanted = make_xml (get_tag (model, i), 0);

      if (get_tag (model, i) == LOST)
        {
          g_array_remove_index (model->tags, i);
          continue;
        }
      g_assert_cmpuint (next, <, xml->len);
      g_assert_cmpstr (g_ptr_array_index (xml, next++), ==, wanted);
      i++;
    }
  g_assert_cmpuint (xml->len, ==, next);
  model->really = 0;
}

/* The process ends, and another one finds what the database has of it: those with a tag that the server had not acknowledged for certain.
 * What it had sent last may be missing altogether. */
static void
restore (Model *model, GRand *rand)
{
  guint64 certain = model->acked;
  guint64 last = certain;

  tess_stream_management_unref (model->state);
  model->state = tess_stream_management_new ();
  tess_stream_management_restore (model->state, "id", 300, 7, model->start + (guint32) certain);
  g_assert_cmpuint (tess_stream_management_get_h (model->state), ==, 7);
  for (guint64 i = certain; i < model->tags->len; i++)
    {
      guint64         *tag = &g_array_index (model->tags, guint64, i);
      g_autofree char *xml = NULL;

      if (*tag == 0 || *tag == LOST || g_rand_int_range (rand, 0, 5) == 0)
        {
          *tag = LOST;
          continue;
        }
      xml = make_xml (*tag, 0);
      g_assert_true (tess_stream_management_restore_sent (model->state, model->start + (guint32) i + 1, xml, *tag));
      last = i + 1;
      /* Neither the same number twice nor an older one. */
      g_assert_false (tess_stream_management_restore_sent (model->state, model->start + (guint32) i + 1, "<m/>", G_MAXUINT32));
      g_assert_false (tess_stream_management_restore_sent (model->state, model->start + (guint32) certain, "<m/>", G_MAXUINT32));
    }
  model->really = model->tags->len;
  g_array_set_size (model->tags, (guint) last);
}

static void
run (guint32 seed)
{
  static const guint32 starts[] = { 0, G_MAXUINT32 - 3, G_MAXUINT32 - 100, G_MAXINT32, G_MAXINT32 - 20 };
  GRand               *rand = g_rand_new_with_seed (seed);
  Model                model = { 0 };
  guint                steps = (guint) g_rand_int_range (rand, 1, 120);

  model.state = tess_stream_management_new ();
  model.start = starts[g_rand_int_range (rand, 0, G_N_ELEMENTS (starts))];
  model.tags = g_array_new (FALSE, FALSE, sizeof (guint64));
  model.told = g_array_new (FALSE, FALSE, sizeof (guint64));
  tess_stream_management_enabled (model.state, "id", 300);
  model.state->acked = model.start;
  for (guint i = 0; i < steps; i++)
    {
      int choice = g_rand_int_range (rand, 0, 12);

      if (choice < 6)
        send_one (&model, rand);
      else if (choice < 8)
        ack_some (&model, rand);
      else if (choice < 10)
        ack_wrongly (&model, rand);
      else if (choice == 10)
        resume (&model, rand);
      else
        {
          restore (&model, rand);
          check (&model);
          resume (&model, rand);
        }
      check (&model);
    }
  ack_up_to (&model, model.tags->len);
  check (&model);
  tess_stream_management_unref (model.state);
  g_array_unref (model.tags);
  g_array_unref (model.told);
  g_rand_free (rand);
}

static char replay[64];

/* A failed assertion ends the program. */
static void
abort_cb (int number)
{
  G_GNUC_UNUSED gssize written = write (STDOUT_FILENO, replay, strlen (replay));
}

/* Runs by chance. */
static void
test_model (void)
{
  const char *seed = g_getenv ("TESS_TEST_SEED");
  guint32     first = seed != NULL ? (guint32) g_ascii_strtoull (seed, NULL, 10) : 1;
  guint       runs = seed != NULL ? 1 : RUNS;

  signal (SIGABRT, abort_cb);
  for (guint i = 0; i < runs; i++)
    {
      snprintf (replay, sizeof replay, "# again with TESS_TEST_SEED=%u\n", first + i);
      run (first + i);
    }
}

static void
test_handled (void)
{
  g_autoptr (TessStreamManagement) state = tess_stream_management_new ();

  tess_stream_management_enabled (state, NULL, 0);
  g_assert_false (tess_stream_management_can_resume (state));
  for (guint i = 0; i < 3; i++)
    tess_stream_management_handled (state);
  g_assert_cmpuint (tess_stream_management_get_h (state), ==, 3);
  state->handled = G_MAXUINT32;
  tess_stream_management_handled (state);
  g_assert_cmpuint (tess_stream_management_get_h (state), ==, 0);
}

static void
test_identity (void)
{
  g_autoptr (TessStreamManagement) state = tess_stream_management_new ();
  g_autoptr (TessJid)              jid = tess_jid_new ("a@b.test/c", NULL);

  g_assert_false (tess_stream_management_can_resume (state));
  tess_stream_management_enabled (state, "id", 300);
  tess_stream_management_set_address (state, jid);
  tess_stream_management_set_address (state, jid);
  tess_stream_management_sent (state, "<m/>", 1);
  g_assert_cmpstr (tess_stream_management_get_id (state), ==, "id");
  g_assert_true (tess_stream_management_get_address (state) == jid);
  tess_stream_management_forget_id (state);
  g_assert_false (tess_stream_management_can_resume (state));
  g_assert_cmpuint (tess_stream_management_get_unacked (state), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream-management/model", test_model);
  g_test_add_func ("/stream-management/handled", test_handled);
  g_test_add_func ("/stream-management/identity", test_identity);
  return g_test_run ();
}
