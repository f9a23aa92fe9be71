/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo-world.h"

static GArray *
prekey_ids (Client *client)
{
  GArray *ids;

  fake_store_table.begin (client->store, NULL);
  fake_store_table.list_blobs (client->store, TESS_OMEMO_BLOB_PREKEY, &ids, NULL);
  fake_store_table.commit (client->store, NULL);
  return ids;
}

static void
test_refill (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  g_autofree char *node = tess_omemo_axolotl_bundle_node (tess_omemo_get_device_id (alice->omemo));
  guint highest = 0;

  for (guint round = 0; round < 5; round++)
    {
      g_autofree char *address = g_strdup_printf ("bob%u@b.test", round);
      Client *bob = world_join (world, address);
      g_autoptr (GArray) after = NULL;
      guint published = alice->bundles_published;

      world_now += G_TIME_SPAN_MINUTE;
      client_send (bob, alice, "hi");
      world_run (world);
      after = prekey_ids (alice);
      g_assert_cmpuint (after->len, ==, 100);
      g_assert_cmpuint (alice->bundles_published, ==, published + 1);
      {
        guint32 last = g_array_index (after, guint32, 99);
        g_autoptr (TessOmemoBundle) bundle = tess_omemo_axolotl_parse_bundle (world_node (world, alice->jid, node), NULL);

        g_assert_cmpuint (last, >, highest); /* a new id, never one that was there */
        g_assert_cmpuint (last, ==, 101 + round);
        highest = last;
        g_assert_cmpuint (bundle->prekeys->len, ==, 100);
        g_assert_cmpuint (g_array_index (bundle->prekeys, TessOmemoPublicPrekey, 99).id, ==, last);
      }
    }
  client_restart (alice);
  world_run (world);
  {
    g_autoptr (GArray) ids = prekey_ids (alice);

    g_assert_cmpuint (g_array_index (ids, guint32, 99), ==, highest);
  }
  world_free (world);
}

static void
test_rotation (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  Client *carol = world_join (world, "carol@c.test");
  g_autofree char *node = tess_omemo_axolotl_bundle_node (tess_omemo_get_device_id (alice->omemo));
  g_autoptr (TessOmemoBundle) first = tess_omemo_axolotl_parse_bundle (world_node (world, alice->jid, node), NULL);
  g_autoptr (TessOmemoBundle) second = NULL;
  guint published = alice->bundles_published;

  world->manual = TRUE;
  client_send (bob, alice, "with the first signed prekey");
  client_send (carol, alice, "too late");
  tess_omemo_settle (alice->omemo);
  world_run (world);
  g_assert_cmpuint (alice->bundles_published, ==, published);

  world_now += 8 * G_TIME_SPAN_DAY;
  tess_omemo_settle (alice->omemo);
  world_run (world);
  g_assert_cmpuint (alice->bundles_published, ==, published + 1);
  second = tess_omemo_axolotl_parse_bundle (world_node (world, alice->jid, node), NULL);
  g_assert_cmpuint (second->signed_id, ==, first->signed_id + 1);
  g_assert_cmpuint (fake_store_count (alice->store, "signed/"), ==, 2);
  g_assert_cmpint (client_deliver (alice), ==, -1);
  g_assert_cmpstr (client_last (alice), ==, "with the first signed prekey");

  /* Another period, over a restart and offline: the first one is gone. */
  client_go_offline (alice);
  client_restart (alice);
  world_now += 60 * G_TIME_SPAN_DAY;
  client_go_online (alice);
  world_run (world);
  g_assert_cmpuint (fake_store_count (alice->store, "signed/"), ==, 2);
  g_assert_cmpint (client_deliver (alice), ==, TESS_OMEMO_ERROR_UNDECRYPTABLE);

  /* A clock that was years ahead does not stop it. */
  world_now -= 30 * G_TIME_SPAN_DAY;
  published = alice->bundles_published;
  tess_omemo_settle (alice->omemo);
  world_run (world);
  g_assert_cmpuint (alice->bundles_published, >, published);
  world_now += 60 * G_TIME_SPAN_DAY;
  world_free (world);
}

static void
test_catch_up (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bobs[4];
  guint published;

  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *address = g_strdup_printf ("bob%u@b.test", i);

      bobs[i] = world_join (world, address);
    }
  client_go_offline (alice);
  for (guint i = 0; i < 4; i++)
    {
      client_send (bobs[i], alice, "while you were away");
      client_send (bobs[i], alice, "again");
    }
  world_run (world);
  g_assert_cmpuint (g_queue_get_length (&alice->inbox), ==, 8);

  world_now += G_TIME_SPAN_HOUR;
  world->manual = TRUE;
  client_go_online (alice);
  tess_omemo_begin_catch_up (alice->omemo);
  world_run (world);
  published = alice->bundles_published;
  alice->changed = 0;
  while (!g_queue_is_empty (&alice->inbox))
    {
      g_assert_cmpint (client_deliver (alice), ==, -1);
      world_run (world);
    }
  /* Nothing was sent, nothing published, nothing told, no prekey thrown away. */
  g_assert_cmpuint (alice->sent_empty, ==, 0);
  g_assert_cmpuint (alice->bundles_published, ==, published);
  g_assert_cmpuint (alice->changed, ==, 0);
  g_assert_cmpuint (fake_store_count (alice->store, "prekey/"), ==, 100);

  /* A crash in the middle does not make the used ones fresh again. */
  client_go_offline (alice);
  client_restart (alice);
  client_go_online (alice);
  tess_omemo_begin_catch_up (alice->omemo);
  world_run (world);
  tess_omemo_end_catch_up (alice->omemo);
  world_run (world);
  {
    g_autoptr (GArray) ids = prekey_ids (alice);

    g_assert_cmpuint (ids->len, ==, 100);
    g_assert_cmpuint (g_array_index (ids, guint32, 99), >, 100);
    g_assert_cmpuint (g_array_index (ids, guint32, 99), <=, 104);
  }
  world_free (world);
}

static void
test_catch_up_answers (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  Client *carol = world_join (world, "carol@c.test");
  guint published;

  client_go_offline (alice);
  for (guint i = 0; i < 5; i++)
    {
      client_send (bob, alice, "b");
      client_send (carol, alice, "c");
    }
  client_go_online (alice);
  tess_omemo_begin_catch_up (alice->omemo);
  published = alice->bundles_published;
  world_now += G_TIME_SPAN_HOUR;
  world_run (world);
  g_assert_cmpuint (alice->texts->len, ==, 10);
  g_assert_cmpuint (alice->sent_empty, ==, 0);
  tess_omemo_end_catch_up (alice->omemo);
  world_run (world);
  g_assert_cmpuint (alice->sent_empty, ==, 2); /* once a session */
  g_assert_cmpuint (alice->bundles_published, ==, published + 1); /* once */
  world_free (world);
}

/* What the server has is compared with what we are while the first pages of the archive are read: no bundle goes out in between. */
static void
test_catch_up_publishes_once (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  Client *carol = world_join (world, "carol@c.test");
  guint published;

  client_go_offline (alice);
  client_send (bob, alice, "b");
  client_send (carol, alice, "c");
  world_now += G_TIME_SPAN_HOUR;
  published = alice->bundles_published;
  world->manual = TRUE;
  client_go_online (alice);
  tess_omemo_begin_catch_up (alice->omemo);
  g_assert_cmpint (client_deliver (alice), ==, -1);
  world_run (world);
  g_assert_cmpint (client_deliver (alice), ==, -1);
  world_run (world);
  g_assert_cmpuint (alice->bundles_published, ==, published);
  tess_omemo_end_catch_up (alice->omemo);
  world_run (world);
  g_assert_cmpuint (alice->bundles_published, ==, published + 1);
  g_assert_cmpuint (alice->sent_empty, ==, 2);
  {
    g_autofree char *node = tess_omemo_axolotl_bundle_node (tess_omemo_get_device_id (alice->omemo));
    g_autoptr (TessOmemoBundle) bundle = tess_omemo_axolotl_parse_bundle (world_node (world, alice->jid, node), NULL);

    g_assert_cmpuint (bundle->prekeys->len, ==, 100);
  }
  world_free (world);
}

/* Two people drew the same prekey: the archive holds both exchanges, and both are read, over a crash too. */
static void
test_catch_up_same_prekey (void)
{
  for (guint catching_up = 0; catching_up < 2; catching_up++)
    {
      World *world = world_new ();
      Client *alice = world_join (world, "alice@a.test");
      Client *bob = world_join (world, "bob@b.test");
      Client *carol = world_join (world, "carol@c.test");
      g_autofree char *node = tess_omemo_axolotl_bundle_node (tess_omemo_get_device_id (alice->omemo));
      g_autoptr (TessOmemoBundle) bundle = tess_omemo_axolotl_parse_bundle (world_node (world, alice->jid, node), NULL);

      client_go_offline (alice);
      g_array_set_size (bundle->prekeys, 1);
      world_set_node (world, alice->jid, node, tess_omemo_axolotl_build_bundle (bundle));
      client_send (bob, alice, "from Bob");
      client_send (carol, alice, "from Carol");
      world->manual = TRUE;
      for (guint i = 0; i < 2; i++)
        {
          client_go_online (alice);
          if (catching_up)
            tess_omemo_begin_catch_up (alice->omemo);
          world_run (world);
          g_assert_cmpint (client_deliver (alice), ==,
                           i == 0 || catching_up ? -1 : TESS_OMEMO_ERROR_UNDECRYPTABLE);
          client_go_offline (alice);
          client_restart (alice);
        }
      client_go_online (alice);
      tess_omemo_begin_catch_up (alice->omemo);
      tess_omemo_end_catch_up (alice->omemo);
      {
        g_autoptr (GArray) ids = prekey_ids (alice);

        g_assert_cmpuint (ids->len, ==, 100);
        g_assert_cmpuint (g_array_index (ids, guint32, 0), ==, 2);
      }
      world_free (world);
    }
}

/* The announcement is made once; a number that is taken is not ours. */
static void
test_collision (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *other;
  guint32 id;

  /* A second one is made to have the number of the first before it was ever online. */
  other = world_make (world, "alice@a.test");
  {
    guint32 taken = tess_omemo_get_device_id (alice->omemo);
    g_autoptr (GPtrArray) devices = NULL;

    g_hash_table_insert (other->store->rows, g_strdup ("local-id"), g_bytes_new (&taken, sizeof taken));
    client_restart (other);
    devices = tess_omemo_list_devices (other->omemo, other->jid, NULL);
    g_assert_cmpuint (devices->len, ==, 1);
    g_assert_cmpuint (((TessOmemoDevice *) devices->pdata[0])->id, ==, taken);
  }
  client_go_online (other);
  world_run (world);
  id = tess_omemo_get_device_id (other->omemo);
  g_assert_cmpuint (id, !=, tess_omemo_get_device_id (alice->omemo));
  {
    g_autoptr (GArray) ids = tess_omemo_axolotl_parse_list (world_node (world, alice->jid, TESS_OMEMO_AXOLOTL_LIST_NODE));

    g_assert_cmpuint (ids->len, ==, 2);
  }
  client_restart (other);
  g_assert_cmpuint (tess_omemo_get_device_id (other->omemo), ==, id);
  client_send (alice, alice, "to the other");
  world_run (world);
  g_assert_cmpstr (client_last (other), ==, "to the other");
  world_free (world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/omemo/refill", test_refill);
  g_test_add_func ("/omemo/rotation", test_rotation);
  g_test_add_func ("/omemo/catch-up", test_catch_up);
  g_test_add_func ("/omemo/catch-up-answers", test_catch_up_answers);
  g_test_add_func ("/omemo/catch-up-publishes-once", test_catch_up_publishes_once);
  g_test_add_func ("/omemo/catch-up-same-prekey", test_catch_up_same_prekey);
  g_test_add_func ("/omemo/collision", test_collision);
  return g_test_run ();
}
