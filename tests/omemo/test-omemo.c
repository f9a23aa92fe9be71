/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo-world.h"

#include <string.h>

static void
test_both_ways (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");

  g_assert_cmpuint (tess_omemo_get_device_id (alice->omemo), >, 0);
  g_assert_cmpuint (fake_store_count (alice->store, "prekey/"), ==, 100);
  g_assert_cmpuint (alice->bundles_published, ==, 1);
  g_assert_cmpuint (alice->lists_published, ==, 1);

  client_send (alice, bob, "hello");
  g_assert_cmpuint (fake_store_count (alice->store, "session/"), ==, 1);
  world_run (world);
  g_assert_cmpstr (client_last (bob), ==, "hello");
  g_assert_cmpint (client_trust (bob, alice), ==, TESS_OMEMO_TRUST_BLIND);
  /* The key exchange was answered, and that answer is no exchange itself, so it is not answered again. */
  g_assert_cmpuint (bob->sent_empty, ==, 1);
  g_assert_cmpuint (alice->empties, ==, 1);
  g_assert_cmpuint (alice->sent_empty, ==, 0);

  client_send (bob, alice, "h\xc3\xa9llo \xf0\x9f\x98\x80");
  world_run (world);
  g_assert_cmpstr (client_last (alice), ==, "h\xc3\xa9llo \xf0\x9f\x98\x80");
  client_send (bob, alice, "");
  world_run (world);
  g_assert_cmpuint (alice->texts->len, ==, 2);
  world_free (world);
}

/* A server that refuses the list once: nobody has to wait long for the device. */
static void
test_list_refused (void)
{
  World *world = world_new ();
  Client *alice = world_make (world, "alice@a.test");

  alice->lists_refused = 1;
  client_go_online (alice);
  world_run (world);
  g_assert_cmpuint (alice->lists_refused, ==, 0);
  g_assert_cmpuint (alice->lists_published, ==, 0);
  while (alice->lists_published == 0)
    g_main_context_iteration (NULL, TRUE);
  world_run (world);
  g_assert_cmpuint (alice->lists_published, ==, 1);
  g_assert_cmpuint (alice->bundles_published, ==, 1);
  world_free (world);
}

static void
test_many (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");

  for (guint i = 0; i < 300; i++)
    {
      g_autofree char *text = g_strdup_printf ("message %u", i);
      Client *from = g_test_rand_int_range (0, 2) ? alice : bob;

      client_send (from, from == alice ? bob : alice, text);
      world_run (world);
      g_assert_cmpstr (client_last (from == alice ? bob : alice), ==, text);
    }
  g_assert_cmpuint (alice->errors->len + bob->errors->len, ==, 0);
  world_free (world);
}

static void
test_sessions_only_for_sending (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");

  g_assert_true (client_prepare (alice, bob));
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_YES);
  g_assert_cmpuint (fake_store_count (alice->store, "session/"), ==, 0);
  world_free (world);
}

static void
test_order_and_loss (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");

  client_send (alice, bob, "first");
  world_run (world);
  world->manual = TRUE;
  for (guint i = 0; i < 60; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      client_send (alice, bob, text);
    }
  /* Newest first, and every seventh is lost. */
  for (guint i = 60; i-- > 0;)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);
      Letter *letter = g_queue_pop_tail (&bob->inbox);

      if (i % 7 != 0)
        {
          g_assert_cmpint (client_receive (bob, letter->from, letter->encrypted), ==, -1);
          g_assert_cmpstr (client_last (bob), ==, text);
          g_assert_cmpint (client_receive (bob, letter->from, letter->encrypted), ==, TESS_OMEMO_ERROR_DUPLICATE);
        }
      letter_free (letter);
    }
  world_free (world);
}

/* As an archive is read from its newer end: what lies too far ahead waits, and the keys of what was passed over stay in the session. */
static void
test_far_ahead (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  GPtrArray *letters = g_ptr_array_new_with_free_func ((GDestroyNotify) letter_free);

  client_send (alice, bob, "first");
  world_run (world);
  world->manual = TRUE;
  for (guint i = 0; i < 2100; i++)
    client_send (alice, bob, "text");
  while (!g_queue_is_empty (&bob->inbox))
    g_ptr_array_add (letters, g_queue_pop_head (&bob->inbox));
  g_assert_cmpuint (letters->len, ==, 2100);

#define RECEIVE(i) client_receive (bob, alice->jid, ((Letter *) letters->pdata[i])->encrypted)
  g_assert_cmpint (RECEIVE (2099), ==, TESS_OMEMO_ERROR_UNDECRYPTABLE);
  g_assert_cmpint (RECEIVE (2001), ==, TESS_OMEMO_ERROR_UNDECRYPTABLE);
  g_assert_cmpint (RECEIVE (2000), ==, -1);
  for (guint i = 1900; i > 0; i -= 100)
    {
      g_assert_cmpint (RECEIVE (i), ==, -1);
      g_assert_cmpint (RECEIVE (i), ==, TESS_OMEMO_ERROR_DUPLICATE);
    }
  for (guint i = 2001; i < 2004; i++)
    g_assert_cmpint (RECEIVE (i), ==, -1);
  g_assert_cmpint (RECEIVE (0), ==, -1);
  /* 1980 keys are there; 95 more, and the oldest go: those of 1 to 75. */
  g_assert_cmpint (RECEIVE (2099), ==, -1);
  g_assert_cmpint (RECEIVE (75), ==, TESS_OMEMO_ERROR_DUPLICATE);
  g_assert_cmpint (RECEIVE (76), ==, -1);
  g_assert_cmpint (RECEIVE (2098), ==, -1);
#undef RECEIVE

  g_ptr_array_unref (letters);
  world_free (world);
}

static void
test_restart (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  guint32 id = tess_omemo_get_device_id (alice->omemo);
  guint8 key[TESS_OMEMO_KEY_BYTES];

  memcpy (key, tess_omemo_get_key (alice->omemo), sizeof key);
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *text = g_strdup_printf ("round %u", i);

      client_send (alice, bob, text);
      client_restart (i & 1 ? alice : bob);
      world_run (world);
      g_assert_cmpstr (client_last (bob), ==, text);
      client_send (bob, alice, text);
      client_restart (alice);
      client_restart (bob);
      world_run (world);
      g_assert_cmpstr (client_last (alice), ==, text);
    }
  g_assert_cmpuint (tess_omemo_get_device_id (alice->omemo), ==, id);
  g_assert_cmpmem (tess_omemo_get_key (alice->omemo), sizeof key, key, sizeof key);
  g_assert_cmpuint (alice->lists_published, ==, 1);
  g_assert_cmpuint (alice->errors->len + bob->errors->len, ==, 0);
  world_free (world);
}

static void
test_simultaneous (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");

  world->manual = TRUE;
  client_send (alice, bob, "a1");
  client_send (bob, alice, "b1");
  client_send (alice, bob, "a2");
  client_send (bob, alice, "b2");
  world->manual = FALSE;
  world_run (world);
  g_assert_cmpstr (client_last (alice), ==, "b2");
  g_assert_cmpstr (client_last (bob), ==, "a2");
  for (guint i = 0; i < 10; i++)
    {
      client_send (alice, bob, "x");
      client_send (bob, alice, "y");
      world_run (world);
    }
  g_assert_cmpuint (alice->texts->len, ==, 12);
  g_assert_cmpuint (bob->texts->len, ==, 12);
  g_assert_cmpuint (alice->errors->len + bob->errors->len, ==, 0);
  world_free (world);
}

static void
test_own_devices (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *tablet = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  g_autoptr (TessNode) encrypted = NULL;
  g_autoptr (GPtrArray) skipped = NULL;
  g_autoptr (GPtrArray) devices = NULL;
  const TessNode *header;
  guint keys = 0;

  client_send (alice, bob, "for all");
  world_run (world);
  g_assert_cmpstr (client_last (bob), ==, "for all");
  g_assert_cmpstr (client_last (tablet), ==, "for all");

  encrypted = client_encrypt (alice, bob->jid, "again", &skipped, NULL);
  g_assert_nonnull (encrypted);
  g_assert_cmpuint (skipped->len, ==, 0);
  header = tess_node_child (encrypted, "header", NULL);
  for (TESS_NODE_EACH (key, header, "key", NULL))
    {
      guint64 rid;

      g_assert_true (tess_node_get_uint (key, "rid", G_MAXUINT32, &rid));
      g_assert_cmpuint (rid, !=, tess_omemo_get_device_id (alice->omemo)); /* never our own one */
      keys++;
    }
  g_assert_cmpuint (keys, ==, 2);
  g_assert_cmpint (client_receive (alice, alice->jid, encrypted), ==, TESS_OMEMO_ERROR_NOT_FOR_US);

  devices = tess_omemo_list_devices (alice->omemo, alice->jid, NULL);
  g_assert_cmpuint (devices->len, ==, 2);
  g_assert_cmpuint (((TessOmemoDevice *) devices->pdata[0])->id, ==, tess_omemo_get_device_id (alice->omemo));
  /* A device that reads nothing yet: a message to oneself. */
  client_send (tablet, alice, "note to self");
  world_run (world);
  g_assert_cmpstr (client_last (alice), ==, "note to self");
  world_free (world);
}

static void
test_device_comes_and_goes (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  Client *phone;
  g_autoptr (GArray) only_phone = g_array_new (FALSE, FALSE, sizeof (guint32));
  guint32 id;

  client_send (alice, bob, "one");
  world_run (world);
  phone = world_join (world, "bob@b.test");
  client_send (alice, bob, "two");
  world_run (world);
  g_assert_cmpstr (client_last (phone), ==, "two");
  g_assert_cmpstr (client_last (bob), ==, "two");

  /* The first device is given up for good. */
  client_go_offline (bob);
  id = tess_omemo_get_device_id (phone->omemo);
  g_array_append_val (only_phone, id);
  world_set_node (world, bob->jid, TESS_OMEMO_AXOLOTL_LIST_NODE, tess_omemo_axolotl_build_list (only_phone));
  world_run (world);
  {
    g_autoptr (TessOmemoDevice) gone = client_device (alice, bob);
    g_autoptr (TessNode) encrypted = client_encrypt (alice, bob->jid, "three", NULL, NULL);
    g_autofree char *xml = tess_node_to_string (encrypted, NULL);
    g_autofree char *rid = g_strdup_printf ("rid='%u'", tess_omemo_get_device_id (bob->omemo));

    g_assert_false (gone->active);
    g_assert_null (strstr (xml, rid));
  }
  /* It comes back and announces itself again. */
  client_go_online (bob);
  world_run (world);
  client_send (alice, bob, "four");
  world_run (world);
  g_assert_cmpstr (client_last (bob), ==, "four");
  g_assert_cmpstr (client_last (phone), ==, "four");
  world_free (world);
}

/* A server that was restored from an old copy has no list any more: that takes no device away. */
static void
test_list_lost_by_server (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (guint32));

  client_send (alice, bob, "before");
  world_run (world);
  client_go_offline (alice);
  g_hash_table_remove_all (world->nodes);
  client_go_online (alice);
  client_send (alice, bob, "after");
  world_run (world);
  g_assert_cmpstr (client_last (bob), ==, "after");

  /* An empty list does. */
  client_go_offline (bob);
  world_set_node (world, bob->jid, TESS_OMEMO_AXOLOTL_LIST_NODE, tess_omemo_axolotl_build_list (none));
  world_run (world);
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_NO_DEVICES);
  world_free (world);
}

static void
test_unknown_sender_fetches_list (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  guint fetches;

  client_go_offline (alice); /* misses the event of the new device */
  {
    Client *phone = world_join (world, "bob@b.test");

    client_go_online (alice);
    world_run (world);
    client_send (bob, alice, "known");
    world_run (world);
    fetches = alice->fetches;
    client_send (phone, alice, "from the phone");
    world_run (world);
    g_assert_cmpstr (client_last (alice), ==, "from the phone");
    g_assert_cmpuint (alice->fetches, ==, fetches + 1);
    {
      g_autoptr (TessOmemoDevice) device = client_device (alice, phone);

      g_assert_true (device->active);
    }
  }
  world_free (world);
}

static void
test_missing_bundle (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  Client *phone = world_join (world, "bob@b.test");
  g_autofree char *node = tess_omemo_axolotl_bundle_node (tess_omemo_get_device_id (phone->omemo));
  g_autofree char *key = g_strdup_printf ("bob@b.test %s", node);
  g_autoptr (GPtrArray) skipped = NULL;
  g_autoptr (TessNode) encrypted = NULL;
  g_autoptr (GError) error = NULL;
  guint fetches;

  g_hash_table_remove (world->nodes, key);
  g_assert_true (client_prepare (alice, bob));
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_YES);
  encrypted = client_encrypt (alice, bob->jid, "to those who can", &skipped, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (skipped->len, ==, 1);
  g_assert_cmpuint (((TessOmemoSkipped *) skipped->pdata[0])->id, ==, tess_omemo_get_device_id (phone->omemo));
  g_assert_cmpint (((TessOmemoSkipped *) skipped->pdata[0])->reason, ==, TESS_OMEMO_SKIPPED_NO_BUNDLE);
  g_assert_cmpint (client_receive (bob, alice->jid, encrypted), ==, -1);
  /* It is remembered, and not asked for again in this stream. */
  fetches = alice->fetches;
  g_assert_true (client_prepare (alice, bob));
  g_assert_cmpuint (alice->fetches, ==, fetches);
  /* …before its owner's list comes again: some announce a device first and publish its bundle then. */
  client_restart (phone);
  world_run (world);
  world_set_node (world, bob->jid, TESS_OMEMO_AXOLOTL_LIST_NODE,
                  tess_node_copy (world_node (world, bob->jid, TESS_OMEMO_AXOLOTL_LIST_NODE)));
  world_run (world);
  client_send (alice, bob, "to both");
  world_run (world);
  g_assert_cmpstr (client_last (phone), ==, "to both");
  world_free (world);
}

static void
test_nobody (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  g_autoptr (TessJid) carol = tess_jid_new_bare ("carol@c.test", NULL);
  g_autoptr (GError) error = NULL;
  Client fake = { .jid = carol };

  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, carol), ==, TESS_OMEMO_READY_UNKNOWN);
  g_assert_true (client_prepare (alice, &fake));
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, carol), ==, TESS_OMEMO_READY_NO_DEVICES);
  g_assert_null (client_encrypt (alice, carol, "x", NULL, &error));
  g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_NO_DEVICES);

  client_go_offline (alice);
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_UNKNOWN);
  g_assert_false (client_prepare (alice, bob));
  world_free (world);
}

static void
test_trust (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  Client *phone;
  Client *tablet;
  g_autoptr (GPtrArray) skipped = NULL;
  g_autoptr (TessNode) encrypted = NULL;
  g_autoptr (GError) error = NULL;
  guint32 bob_id = tess_omemo_get_device_id (bob->omemo);

  client_send (alice, bob, "hi");
  world_run (world);
  g_assert_cmpint (client_trust (alice, bob), ==, TESS_OMEMO_TRUST_BLIND);
  g_assert_true (tess_omemo_set_trust (alice->omemo, bob->jid, bob_id, TESS_OMEMO_TRUST_VERIFIED, NULL));

  /* From now on a new key is undecided and gets nothing (D1), but what it says is shown, marked. */
  phone = world_join (world, "bob@b.test");
  g_assert_true (client_prepare (alice, bob));
  g_assert_cmpint (client_trust (alice, phone), ==, TESS_OMEMO_TRUST_UNDECIDED);
  encrypted = client_encrypt (alice, bob->jid, "secret", &skipped, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (skipped->len, ==, 1);
  g_assert_cmpint (((TessOmemoSkipped *) skipped->pdata[0])->reason, ==, TESS_OMEMO_SKIPPED_UNDECIDED);
  g_assert_cmpint (client_receive (phone, alice->jid, encrypted), ==, TESS_OMEMO_ERROR_NOT_FOR_US);
  g_assert_cmpint (client_receive (bob, alice->jid, encrypted), ==, -1);
  client_send (phone, alice, "it is me");
  world_run (world);
  g_assert_cmpstr (client_last (alice), ==, "it is me");
  g_assert_cmpint (client_trust (alice, phone), ==, TESS_OMEMO_TRUST_UNDECIDED);

  /* A person decides. */
  g_assert_true (tess_omemo_set_trust (alice->omemo, bob->jid, bob_id, TESS_OMEMO_TRUST_DISTRUSTED, NULL));
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_UNDECIDED);
  g_assert_null (client_encrypt (alice, bob->jid, "x", NULL, &error));
  g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_NEEDS_DECISION);
  g_assert_true (tess_omemo_set_trust (alice->omemo, bob->jid, tess_omemo_get_device_id (phone->omemo),
                                       TESS_OMEMO_TRUST_VERIFIED, NULL));
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_YES);
  client_send (alice, bob, "only the phone");
  world_run (world);
  g_assert_cmpstr (client_last (phone), ==, "only the phone");
  g_assert_cmpstr (client_last (bob), !=, "only the phone");

  /* The own account's other devices likewise. */
  tablet = world_join (world, "alice@a.test");
  g_assert_cmpint (client_trust (alice, tablet), ==, TESS_OMEMO_TRUST_BLIND);
  g_assert_true (client_prepare (alice, bob));
  g_assert_true (tess_omemo_set_trust (alice->omemo, alice->jid, tess_omemo_get_device_id (tablet->omemo),
                                       TESS_OMEMO_TRUST_VERIFIED, NULL));
  {
    Client *laptop = world_join (world, "alice@a.test");

    g_assert_cmpint (client_trust (alice, laptop), ==, TESS_OMEMO_TRUST_UNDECIDED);
  }
  g_assert_false (tess_omemo_set_trust (alice->omemo, alice->jid, tess_omemo_get_device_id (alice->omemo),
                                        TESS_OMEMO_TRUST_DISTRUSTED, NULL));
  world_free (world);
}

/* The id was in the list before the other key was verified, the key was not known. */
static void
test_trust_of_late_key (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  Client *phone;

  client_send (alice, bob, "hi");
  world_run (world);
  phone = world_join (world, "bob@b.test");
  g_assert_cmpint (client_trust (alice, phone), ==, TESS_OMEMO_TRUST_BLIND);
  g_assert_true (tess_omemo_set_trust (alice->omemo, bob->jid, tess_omemo_get_device_id (bob->omemo),
                                       TESS_OMEMO_TRUST_VERIFIED, NULL));
  g_assert_true (client_prepare (alice, bob));
  g_assert_cmpint (client_trust (alice, phone), ==, TESS_OMEMO_TRUST_UNDECIDED);
  world_free (world);
}

static void
test_not_blind (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob;
  g_autoptr (GError) error = NULL;

  tess_omemo_set_blind (alice->omemo, FALSE);
  bob = world_join (world, "bob@b.test");
  g_assert_true (client_prepare (alice, bob));
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_UNDECIDED);
  g_assert_null (client_encrypt (alice, bob->jid, "x", NULL, &error));
  g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_NEEDS_DECISION);
  {
    g_autoptr (TessOmemoDevice) device = client_device (alice, bob);

    g_assert_true (device->has_key); /* so that there is something to decide on */
  }
  g_assert_true (tess_omemo_set_trust (alice->omemo, bob->jid, tess_omemo_get_device_id (bob->omemo),
                                       TESS_OMEMO_TRUST_BLIND, NULL));
  client_send (alice, bob, "now");
  world_run (world);
  g_assert_cmpstr (client_last (bob), ==, "now");
  world_free (world);
}

static void
test_refresh (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  g_autoptr (TessOmemoDevice) before = client_device (alice, bob);
  g_autoptr (TessOmemoDevice) after = NULL;
  guint changed = alice->changed;

  g_assert_false (before->has_key);
  tess_omemo_refresh_devices (alice->omemo, bob->jid);
  world_run (world);
  after = client_device (alice, bob);
  g_assert_true (after->has_key);
  g_assert_cmpmem (after->key, 32, tess_omemo_get_key (bob->omemo), 32);
  g_assert_cmpuint (alice->changed, >, changed);
  g_assert_cmpuint (fake_store_count (alice->store, "session/"), ==, 0);
  world_free (world);
}

/* A session lost on one side is mended by itself, once. */
static void
test_repair (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  GHashTableIter iter;
  gpointer key;

  client_send (alice, bob, "one");
  world_run (world);
  client_send (bob, alice, "two");
  world_run (world);
  g_hash_table_iter_init (&iter, bob->store->rows);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      if (g_str_has_prefix (key, "session/"))
        g_hash_table_iter_remove (&iter);
    }
  world->manual = TRUE;
  client_send (alice, bob, "three");
  client_send (alice, bob, "four");
  g_assert_cmpint (client_deliver (bob), ==, TESS_OMEMO_ERROR_NO_SESSION);
  g_assert_cmpint (client_deliver (bob), ==, TESS_OMEMO_ERROR_NO_SESSION);
  bob->sent_empty = 0;
  world->manual = FALSE;
  world_run (world);
  g_assert_cmpuint (bob->sent_empty, ==, 1);
  client_send (alice, bob, "five");
  world_run (world);
  g_assert_cmpstr (client_last (bob), ==, "five");
  client_send (bob, alice, "six");
  world_run (world);
  g_assert_cmpstr (client_last (alice), ==, "six");

  /* Never twice in a run. */
  bob->sent_empty = 0;
  g_hash_table_iter_init (&iter, bob->store->rows);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      if (g_str_has_prefix (key, "session/"))
        g_hash_table_iter_remove (&iter);
    }
  client_send (alice, bob, "seven");
  world_run (world);
  g_assert_cmpuint (bob->sent_empty, ==, 0);
  /* By hand always. */
  tess_omemo_reset_session (bob->omemo, alice->jid, tess_omemo_get_device_id (alice->omemo), NULL, NULL);
  world_run (world);
  g_assert_cmpuint (bob->sent_empty, ==, 1);
  client_send (alice, bob, "eight");
  world_run (world);
  g_assert_cmpstr (client_last (bob), ==, "eight");
  world_free (world);
}

static void
test_heartbeat (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");

  client_send (alice, bob, "exchange");
  world_run (world);
  bob->sent_empty = 0;
  for (guint i = 0; i < 52; i++)
    {
      client_send (alice, bob, "monologue");
      world_run (world);
    }
  g_assert_cmpuint (bob->sent_empty, ==, 0);
  client_send (alice, bob, "the 53rd");
  world_run (world);
  g_assert_cmpuint (bob->sent_empty, ==, 1);
  for (guint i = 0; i < 52; i++)
    {
      client_send (alice, bob, "a new chain");
      world_run (world);
    }
  g_assert_cmpuint (bob->sent_empty, ==, 1);
  world_free (world);
}

static void
test_answer_lost_and_restart (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");

  world->manual = TRUE;
  client_send (alice, bob, "one");
  client_send (alice, bob, "two");
  client_deliver (bob);
  g_assert_cmpuint (bob->sent_empty, ==, 1);
  client_deliver (bob); /* the same exchange: answered already */
  g_assert_cmpuint (bob->sent_empty, ==, 1);
  letter_free (g_queue_pop_head (&alice->inbox)); /* lost */
  client_restart (bob);
  world_run (world);
  client_send (alice, bob, "three");
  client_deliver (bob);
  g_assert_cmpuint (bob->sent_empty, ==, 2);
  world_free (world);
}

/* A full disk at every single write: nothing half, nothing lost, and the next try works. */
static void
test_store_failures (void)
{
  for (guint at = 1; at < 6; at++)
    {
      World *world = world_new ();
      Client *alice = world_join (world, "alice@a.test");
      Client *bob = world_join (world, "bob@b.test");
      g_autoptr (GError) error = NULL;
      g_autoptr (TessNode) encrypted = NULL;
      int code;

      g_assert_true (client_prepare (alice, bob));
      alice->store->fail_after = 1;
      g_assert_null (client_encrypt (alice, bob->jid, "x", NULL, &error));
      g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_STORE);
      g_assert_cmpuint (fake_store_count (alice->store, "session/"), ==, 0);
      encrypted = client_encrypt (alice, bob->jid, "after all", NULL, NULL);
      g_assert_nonnull (encrypted);

      g_log_set_always_fatal (G_LOG_FATAL_MASK); /* what settle cannot write it warns of */
      bob->store->fail_after = at;
      code = client_receive (bob, alice->jid, encrypted);
      if (at <= 3)
        {
          g_assert_cmpint (code, ==, TESS_OMEMO_ERROR_STORE);
          g_assert_cmpint (client_receive (bob, alice->jid, encrypted), ==, -1);
        }
      else
        {
          g_assert_cmpint (code, ==, -1);
        }
      g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
      bob->store->fail_after = 0;
      g_assert_cmpstr (client_last (bob), ==, "after all");
      world_run (world);
      client_send (bob, alice, "back");
      world_run (world);
      g_assert_cmpstr (client_last (alice), ==, "back");
      world_free (world);
    }
}

static void
test_free_in_flight (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");

  tess_omemo_refresh_devices (alice->omemo, bob->jid);
  tess_omemo_reset_session (alice->omemo, bob->jid, tess_omemo_get_device_id (bob->omemo), NULL, NULL);
  client_go_offline (alice);
  client_go_online (alice);
  world_free (world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/omemo/both-ways", test_both_ways);
  g_test_add_func ("/omemo/list-refused", test_list_refused);
  g_test_add_func ("/omemo/many", test_many);
  g_test_add_func ("/omemo/sessions-only-for-sending", test_sessions_only_for_sending);
  g_test_add_func ("/omemo/order-and-loss", test_order_and_loss);
  g_test_add_func ("/omemo/restart", test_restart);
  g_test_add_func ("/omemo/simultaneous", test_simultaneous);
  g_test_add_func ("/omemo/own-devices", test_own_devices);
  g_test_add_func ("/omemo/device-comes-and-goes", test_device_comes_and_goes);
  g_test_add_func ("/omemo/list-lost-by-server", test_list_lost_by_server);
  g_test_add_func ("/omemo/unknown-sender", test_unknown_sender_fetches_list);
  g_test_add_func ("/omemo/missing-bundle", test_missing_bundle);
  g_test_add_func ("/omemo/nobody", test_nobody);
  g_test_add_func ("/omemo/trust", test_trust);
  g_test_add_func ("/omemo/trust-of-late-key", test_trust_of_late_key);
  g_test_add_func ("/omemo/not-blind", test_not_blind);
  g_test_add_func ("/omemo/refresh", test_refresh);
  g_test_add_func ("/omemo/far-ahead", test_far_ahead);
  g_test_add_func ("/omemo/repair", test_repair);
  g_test_add_func ("/omemo/heartbeat", test_heartbeat);
  g_test_add_func ("/omemo/answer-lost", test_answer_lost_and_restart);
  g_test_add_func ("/omemo/store-failures", test_store_failures);
  g_test_add_func ("/omemo/free-in-flight", test_free_in_flight);
  return g_test_run ();
}
