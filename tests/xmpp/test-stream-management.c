/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The source itself: only so can the counters stand near their end. */
#include "../../src/xmpp/tess-stream-management.c"

#include <string.h>

/* The naive model: every stanza ever sent, and how many of them are acknowledged. */
typedef struct
{
  TessStreamManagement *state;
  guint32               start; /* what the counters began with */
  guint64               sent;
  guint64               acked;
  guint64               last_tag;
  guint64               reported;
} Model;

static void
acked_cb (guint64 tag, gpointer data)
{
  Model *model = data;

  g_assert_cmpuint (tag, >, model->last_tag);
  model->last_tag = tag;
  model->reported++;
}

static void
send_one (Model *model)
{
  g_autofree char *xml = g_strdup_printf ("<m n='%" G_GUINT64_FORMAT "'/>", model->sent);

  model->sent++;
  /* Each third one has no tag. */
  tess_stream_management_sent (model->state, xml, model->sent % 3 == 0 ? 0 : model->sent);
}

static guint64
count_tagged (guint64 from, guint64 to)
{
  guint64 count = 0;

  for (guint64 i = from + 1; i <= to; i++)
    count += i % 3 != 0;
  return count;
}

static void
check (Model *model)
{
  g_autoptr (GPtrArray) xml = tess_stream_management_get_unacked_xml (model->state);

  g_assert_cmpuint (tess_stream_management_get_unacked (model->state), ==, model->sent - model->acked);
  g_assert_cmpuint (xml->len, ==, model->sent - model->acked);
  for (guint i = 0; i < xml->len; i++)
    {
      g_autofree char *wanted = g_strdup_printf ("<m n='%" G_GUINT64_FORMAT "'/>", model->acked + i);

      g_assert_cmpstr (g_ptr_array_index (xml, i), ==, wanted);
    }
}

static void
ack_some (Model *model)
{
  guint64 next = model->acked + (guint64) g_test_rand_int_range (0, (gint32) (model->sent - model->acked) + 1);
  guint64 tagged = count_tagged (model->acked, next);

  model->reported = 0;
  g_assert_true (tess_stream_management_ack (model->state, model->start + (guint32) next, acked_cb, model));
  g_assert_cmpuint (model->reported, ==, tagged);
  model->acked = next;
}

/* Attacks row B10: too many, or fewer than before. */
static void
ack_wrongly (Model *model)
{
  guint32 wrong = model->start + (guint32) model->sent + (guint32) g_test_rand_int_range (1, G_MAXINT32);

  if (g_test_rand_bit () && model->acked > 0)
    wrong = model->start + (guint32) model->acked - 1;
  model->reported = 0;
  g_assert_false (tess_stream_management_ack (model->state, wrong, acked_cb, model));
  g_assert_cmpuint (model->reported, ==, 0);
}

static void
test_model (void)
{
  static const guint32 starts[] = { 0, G_MAXUINT32 - 3, G_MAXUINT32 - 100, G_MAXINT32 };

  for (guint round = 0; round < 40; round++)
    {
      Model model = { tess_stream_management_new (), starts[round % G_N_ELEMENTS (starts)], 0, 0, 0, 0 };

      tess_stream_management_enabled (model.state, "id", 300);
      model.state->acked = model.start;
      for (guint i = 0; i < 200; i++)
        {
          switch (g_test_rand_int_range (0, 4))
            {
            case 0:
            case 1:
              send_one (&model);
              break;
            case 2:
              ack_some (&model);
              break;
            default:
              ack_wrongly (&model);
            }
          check (&model);
        }
      tess_stream_management_unref (model.state);
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
