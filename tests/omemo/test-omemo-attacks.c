/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo-world.h"

#include "base/tess-hex.h"

#include <string.h>

/* The rows D of the security reference, as far as this room answers them. Each must fail without its guard. */

static const guint8 secret32[32] = { 1, 2, 3 };

/* D2: another identity key under a known device id. */
static void
test_d2_exchange (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  Evil *evil = evil_new (world, "bob@b.test", tess_omemo_get_device_id (bob->omemo));
  g_autoptr (TessNode) forged = evil_message (evil, alice, "I am Bob", 8, 12);
  g_autoptr (TessOmemoDevice) device = NULL;
  g_autoptr (GPtrArray) skipped = NULL;
  g_autoptr (TessNode) mine = NULL;
  g_autoptr (GError) error = NULL;
  guint changed;

  client_send (bob, alice, "I am Bob");
  world_run (world);
  client_send (alice, bob, "hi Bob");
  world_run (world);
  changed = alice->changed;
  alice->sent_empty = 0;

  g_assert_cmpint (client_receive (alice, bob->jid, forged), ==, TESS_OMEMO_ERROR_KEY_CHANGED);
  world_run (world);
  /* The alarm has outlived the rollback; no trust is inherited, nothing is answered, nothing more is sent there. */
  device = client_device (alice, bob);
  g_assert_true (device->key_alarm);
  g_assert_cmpmem (device->key, 32, tess_omemo_get_key (bob->omemo), 32);
  g_assert_cmpuint (alice->changed, ==, changed + 1);
  g_assert_cmpuint (alice->sent_empty, ==, 0);
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_UNDECIDED);
  mine = client_encrypt (alice, bob->jid, "x", &skipped, &error);
  g_assert_null (mine);
  g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_NEEDS_DECISION);
  g_assert_cmpint (((TessOmemoSkipped *) skipped->pdata[0])->reason, ==, TESS_OMEMO_SKIPPED_KEY_ALARM);

  /* The alarm stands after a restart, until a person has looked. */
  client_restart (alice);
  world_run (world);
  client_send (bob, alice, "what is the matter?");
  world_run (world);
  g_assert_cmpstr (client_last (alice), ==, "what is the matter?");
  g_assert_true (tess_omemo_set_trust (alice->omemo, bob->jid, device->id, TESS_OMEMO_TRUST_VERIFIED, NULL));
  client_send (alice, bob, "all is well");
  world_run (world);
  g_assert_cmpstr (client_last (bob), ==, "all is well");
  evil_free (evil);
  world_free (world);
}

/* D2 by the server: another bundle under a known device id. */
static void
test_d2_bundle (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  Evil *evil = evil_new (world, "bob@b.test", tess_omemo_get_device_id (bob->omemo));
  g_autoptr (TessOmemoDevice) device = NULL;

  tess_omemo_refresh_devices (alice->omemo, bob->jid); /* the key is known, a session is not there yet */
  world_run (world);
  evil_publish (evil);
  world_run (world);
  world_now += G_TIME_SPAN_HOUR;
  g_assert_true (client_prepare (alice, bob));
  device = client_device (alice, bob);
  g_assert_true (device->key_alarm);
  g_assert_cmpmem (device->key, 32, tess_omemo_get_key (bob->omemo), 32);
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_UNDECIDED);
  g_assert_null (client_encrypt (alice, bob->jid, "x", NULL, NULL));
  evil_free (evil);
  world_free (world);
}

/* D3: the session belongs to the authenticated sender, whatever stands inside. */
static void
test_d3 (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  Client *carol = world_join (world, "carol@c.test");
  g_autoptr (TessJid) eve = tess_jid_new_bare ("eve@e.test", NULL);
  g_autoptr (TessNode) relayed = NULL;
  TessNode *header;
  g_autofree char *sid = g_strdup_printf ("%u", tess_omemo_get_device_id (carol->omemo));

  client_send (bob, alice, "one");
  client_send (carol, alice, "one");
  world_run (world);
  client_send (bob, alice, "two");
  client_send (carol, alice, "two");
  world_run (world);
  g_assert_true (client_prepare (bob, alice));
  relayed = client_encrypt (bob, alice->jid, "for Alice by Bob", NULL, NULL);
  g_assert_cmpint (client_receive (alice, eve, relayed), ==, TESS_OMEMO_ERROR_NO_SESSION);
  g_assert_cmpint (client_receive (alice, carol->jid, relayed), ==, TESS_OMEMO_ERROR_NO_SESSION);
  header = tess_node_child (relayed, "header", NULL);
  tess_node_set (header, "sid", sid); /* a session of Carol's, but none of hers made it */
  g_assert_cmpint (client_receive (alice, carol->jid, relayed), ==, TESS_OMEMO_ERROR_UNDECRYPTABLE);
  g_assert_cmpint (client_receive (alice, bob->jid, relayed), ==, TESS_OMEMO_ERROR_NO_SESSION);
  world_free (world);
}

/* D3: what Bob wrote first, handed on by Eve as hers: his key is known, so it is refused, and nothing of his is used up. */
static void
test_d3_exchange (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  g_autoptr (TessJid) eve = tess_jid_new_bare ("eve@e.test", NULL);
  g_autoptr (TessNode) relayed = NULL;
  TessNode *header;

  tess_omemo_refresh_devices (alice->omemo, bob->jid);
  world_run (world);
  g_assert_true (client_prepare (bob, alice));
  relayed = client_encrypt (bob, alice->jid, "for Alice by Bob", NULL, NULL);
  g_assert_cmpint (client_receive (alice, eve, relayed), ==, TESS_OMEMO_ERROR_FOREIGN_KEY);
  header = tess_node_child (relayed, "header", NULL);
  {
    g_autofree char *sid = g_strdup (tess_node_get (header, "sid"));

    tess_node_set (header, "sid", "4711");
    g_assert_cmpint (client_receive (alice, eve, relayed), ==, TESS_OMEMO_ERROR_FOREIGN_KEY);
    tess_node_set (header, "sid", sid);
  }
  g_assert_cmpuint (fake_store_count (alice->store, "device/eve@e.test/"), ==, 0);
  g_assert_cmpuint (fake_store_count (alice->store, "session/eve@e.test/"), ==, 0);
  g_assert_cmpint (client_receive (alice, bob->jid, relayed), ==, -1);
  g_assert_cmpstr (client_last (alice), ==, "for Alice by Bob");
  world_free (world);
}

/* D3: Eve was first, before anybody knew whose key it is. Bob's list and bundle say it; her claim becomes an alarm. */
static void
test_d3_first (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  g_autoptr (TessJid) eve = tess_jid_new_bare ("eve@e.test", NULL);
  g_autoptr (TessNode) relayed = NULL;
  g_autoptr (TessOmemoDevice) hers = NULL;

  g_assert_true (client_prepare (bob, alice));
  relayed = client_encrypt (bob, alice->jid, "for Alice by Bob", NULL, NULL);
  g_assert_cmpint (client_receive (alice, eve, relayed), ==, -1);
  /* The prekey is spent, so what Bob sent cannot be read; the repair learns his key. */
  g_assert_cmpint (client_receive (alice, bob->jid, relayed), !=, -1);
  world_run (world);
  client_send (bob, alice, "once more");
  world_run (world);
  g_assert_cmpstr (client_last (alice), ==, "once more");
  fake_store_table.begin (alice->store, NULL);
  fake_store_table.load_device (alice->store, eve, tess_omemo_get_device_id (bob->omemo), &hers, NULL);
  fake_store_table.commit (alice->store, NULL);
  g_assert_nonnull (hers);
  g_assert_true (hers->key_alarm);
  {
    g_autoptr (TessOmemoDevice) his = client_device (alice, bob);

    g_assert_true (his->has_key);
    g_assert_false (his->key_alarm);
  }
  world_free (world);
}

/* D3: a copy of Bob's bundle under Eve's name; and what a person has verified stays even when its list is gone. */
static void
test_d3_bundle (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  g_autofree char *his_node = tess_omemo_axolotl_bundle_node (tess_omemo_get_device_id (bob->omemo));
  g_autofree char *her_node = tess_omemo_axolotl_bundle_node (55);
  g_autoptr (TessJid) eve = tess_jid_new_bare ("eve@e.test", NULL);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autoptr (TessNode) list = NULL;
  Client fake = { .jid = eve };
  guint32 id = 55;

  tess_omemo_refresh_devices (alice->omemo, bob->jid);
  world_run (world);
  g_array_append_val (ids, id);
  world_set_node (world, eve, her_node, tess_node_copy (world_node (world, bob->jid, his_node)));
  world_set_node (world, eve, TESS_OMEMO_AXOLOTL_LIST_NODE, tess_omemo_axolotl_build_list (ids));
  world_run (world);
  g_assert_true (client_prepare (alice, &fake));
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, eve), ==, TESS_OMEMO_READY_NO_DEVICES);
  g_assert_true (client_prepare (alice, bob));
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_YES);

  g_assert_true (tess_omemo_set_trust (alice->omemo, bob->jid, tess_omemo_get_device_id (bob->omemo),
                                       TESS_OMEMO_TRUST_VERIFIED, NULL));
  list = tess_omemo_axolotl_build_list (none);
  g_assert_true (tess_omemo_handle_event (alice->omemo, bob->jid, TESS_OMEMO_AXOLOTL_LIST_NODE, list));
  tess_omemo_refresh_devices (alice->omemo, eve);
  world_run (world);
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, eve), ==, TESS_OMEMO_READY_NO_DEVICES);
  world_free (world);
}

/* D3: Eve's list with a copy of Bob's bundle was there first: his is refused until a person distrusts hers. */
static void
test_d3_way_back (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  g_autofree char *his_node = tess_omemo_axolotl_bundle_node (tess_omemo_get_device_id (bob->omemo));
  g_autofree char *her_node = tess_omemo_axolotl_bundle_node (55);
  g_autoptr (TessJid) eve = tess_jid_new_bare ("eve@e.test", NULL);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  Client fake = { .jid = eve };
  guint32 id = 55;

  g_array_append_val (ids, id);
  world_set_node (world, eve, her_node, tess_node_copy (world_node (world, bob->jid, his_node)));
  world_set_node (world, eve, TESS_OMEMO_AXOLOTL_LIST_NODE, tess_omemo_axolotl_build_list (ids));
  g_assert_true (client_prepare (alice, &fake));
  g_assert_cmpuint (alice->claimed, ==, 0);
  g_assert_true (client_prepare (alice, bob));
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_NO_DEVICES);
  /* The person hears why, once. */
  g_assert_cmpuint (alice->claimed, ==, 1);
  tess_omemo_refresh_devices (alice->omemo, bob->jid);
  world_run (world);
  g_assert_cmpuint (alice->claimed, ==, 1);

  g_assert_true (tess_omemo_set_trust (alice->omemo, eve, id, TESS_OMEMO_TRUST_DISTRUSTED, NULL));
  tess_omemo_refresh_devices (alice->omemo, bob->jid);
  world_run (world);
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_YES);
  client_send (alice, bob, "for Bob");
  world_run (world);
  g_assert_cmpstr (client_last (bob), ==, "for Bob");
  world_free (world);
}

/* D4: a key exchange that is right in all but that it names no one-time prekey. */
static void
test_d4 (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Evil *evil = evil_new (world, "eve@e.test", 7);
  gboolean prekey;
  g_autoptr (GBytes) key = evil_key (evil, alice, secret32, sizeof secret32, FALSE, &prekey);
  g_autoptr (TessOmemoWireMessage) message = tess_omemo_wire_message_new (7);
  g_autoptr (TessNode) node = NULL;

  g_assert_true (prekey);
  tess_omemo_wire_message_add_key (message, tess_omemo_get_device_id (alice->omemo), TRUE, key);
  node = tess_omemo_axolotl_build_message (message); /* without payload: the ratchet alone decides */
  g_assert_cmpint (client_receive (alice, evil->jid, node), ==, TESS_OMEMO_ERROR_MALFORMED);
  g_assert_cmpuint (fake_store_count (alice->store, "session/"), ==, 0);
  evil_free (evil);
  world_free (world);
}

/* The bytes of a field of a protobuf, for forging; NULL when there is none. */
static guint8 *
field (guint8 *data, gsize length, guint number, gsize *size)
{
  gsize at = 0;

  while (at < length)
    {
      guint tag = data[at++];
      guint64 value = 0;

      for (guint shift = 0; at < length; shift += 7)
        {
          guint8 byte = data[at++];

          value |= (guint64) (byte & 0x7f) << shift;
          if ((byte & 0x80) == 0)
            break;
        }
      if ((tag & 7) != 2)
        continue;
      if (tag >> 3 == number)
        {
          *size = value;
          return data + at;
        }
      at += value;
    }
  return NULL;
}

#define BASE_KEY 2
#define IDENTITY_KEY 3
#define INNER 4
#define RATCHET_KEY 1

/* D5: points of low order in each place of a message. */
static void
test_d5_message (void)
{
  static const char *const points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
  };
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");

  for (gsize i = 0; i < G_N_ELEMENTS (points) * 4; i++)
    {
      Evil *evil = evil_new (world, "eve@e.test", 7);
      gboolean prekey;
      g_autoptr (GBytes) key = evil_key (evil, alice, secret32, sizeof secret32, TRUE, &prekey);
      gsize length;
      g_autofree guint8 *data = g_memdup2 (g_bytes_get_data (key, &length), g_bytes_get_size (key));
      g_autoptr (GBytes) forged = NULL;
      g_autoptr (TessNode) node = NULL;
      gsize size = 0;
      gsize inner_size = 0;
      guint8 *inner = field (data + 1, length - 1, INNER, &inner_size);
      guint8 *at = NULL;

      switch (i % 4)
        {
        case 0:
          at = field (data + 1, length - 1, BASE_KEY, &size);
          break;
        case 1:
          at = field (data + 1, length - 1, IDENTITY_KEY, &size);
          break;
        default:
          at = field (inner + 1, inner_size - 9, RATCHET_KEY, &size);
        }
      g_assert_cmpuint (size, ==, 33);
      g_assert_true (tess_hex_decode (points[i / 4], 64, at + 1));
      forged = i % 4 == 3 ? g_bytes_new (inner, inner_size) : g_bytes_new (data, length);
      node = evil_wrap (evil, alice, forged, i % 4 != 3);
      g_assert_cmpint (client_receive (alice, evil->jid, node), ==, TESS_OMEMO_ERROR_MALFORMED);
      evil_free (evil);
    }
  world_free (world);
}

/* D5: a bundle with one; the signature over it is right. */
static void
test_d5_bundle (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  g_autofree char *node = tess_omemo_axolotl_bundle_node (tess_omemo_get_device_id (bob->omemo));
  g_autoptr (TessOmemoBundle) bundle = tess_omemo_axolotl_parse_bundle (world_node (world, bob->jid, node), NULL);

  for (guint i = 0; i < bundle->prekeys->len; i++)
    memset (g_array_index (bundle->prekeys, TessOmemoPublicPrekey, i).key, 0, TESS_OMEMO_KEY_BYTES);
  world_set_node (world, bob->jid, node, tess_omemo_axolotl_build_bundle (bundle));
  g_assert_true (client_prepare (alice, bob));
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_NO_DEVICES);
  world_free (world);
}

/* A bundle whose signed prekey another identity signed. */
static void
test_bundle_signature (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  g_autofree char *node = tess_omemo_axolotl_bundle_node (tess_omemo_get_device_id (bob->omemo));
  g_autoptr (TessOmemoBundle) bundle = tess_omemo_axolotl_parse_bundle (world_node (world, bob->jid, node), NULL);
  g_autoptr (TessOmemoDevice) device = NULL;

  bundle->signature[5] ^= 1;
  world_set_node (world, bob->jid, node, tess_omemo_axolotl_build_bundle (bundle));
  g_assert_true (client_prepare (alice, bob));
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, bob->jid), ==, TESS_OMEMO_READY_NO_DEVICES);
  device = client_device (alice, bob);
  g_assert_false (device->has_key); /* and its key is not believed either */
  world_free (world);
}

/* D6: prekeys are used up as fast as somebody can. */
static void
test_d6 (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  guint published;

  world_now += G_TIME_SPAN_HOUR;
  world_run (world);
  published = alice->bundles_published;
  for (guint i = 0; i < 150; i++)
    {
      Evil *evil = evil_new (world, "eve@e.test", i + 1);
      g_autoptr (TessNode) node = evil_message (evil, alice, "x", 1, 12);

      client_receive (alice, evil->jid, node);
      world_run (world);
      evil_free (evil);
    }
  g_assert_cmpuint (fake_store_count (alice->store, "prekey/"), ==, 100);
  g_assert_cmpuint (alice->bundles_published, ==, published + 1);
  world_now += G_TIME_SPAN_MINUTE;
  tess_omemo_settle (alice->omemo);
  world_run (world);
  g_assert_cmpuint (alice->bundles_published, ==, published + 2);
  world_free (world);
}

/* D7: the same stanza twice, an exchange and a later one, also after a restart. */
static void
test_d7 (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  g_autoptr (TessNode) exchange = NULL;
  g_autoptr (TessNode) later = NULL;

  g_assert_true (client_prepare (bob, alice));
  exchange = client_encrypt (bob, alice->jid, "one", NULL, NULL);
  g_assert_cmpint (client_receive (alice, bob->jid, exchange), ==, -1);
  g_assert_cmpint (client_receive (alice, bob->jid, exchange), ==, TESS_OMEMO_ERROR_DUPLICATE);
  world_run (world);
  later = client_encrypt (bob, alice->jid, "two", NULL, NULL);
  g_assert_cmpint (client_receive (alice, bob->jid, later), ==, -1);
  client_restart (alice);
  world_run (world);
  alice->sent_empty = 0;
  g_assert_cmpint (client_receive (alice, bob->jid, later), ==, TESS_OMEMO_ERROR_DUPLICATE);
  g_assert_cmpint (client_receive (alice, bob->jid, exchange), ==, TESS_OMEMO_ERROR_DUPLICATE);
  world_run (world);
  g_assert_cmpuint (alice->texts->len, ==, 2);
  g_assert_cmpuint (alice->sent_empty, ==, 0); /* no repair either */

  /* Also under an archived session. */
  tess_omemo_reset_session (bob->omemo, alice->jid, tess_omemo_get_device_id (alice->omemo), NULL, NULL);
  world_run (world);
  g_assert_cmpint (client_receive (alice, bob->jid, later), ==, TESS_OMEMO_ERROR_DUPLICATE);
  g_assert_cmpint (client_receive (alice, bob->jid, exchange), ==, TESS_OMEMO_ERROR_DUPLICATE);
  world_free (world);
}

/* D8: client_receive compares the whole store before and after. */
static void
test_d8_bad_mac (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  Evil *evil = evil_new (world, "eve@e.test", 7);

  for (guint round = 0; round < 2; round++) /* a key exchange, then a message of the session */
    {
      gboolean prekey;
      g_autoptr (GBytes) key = evil_key (evil, alice, secret32, sizeof secret32, TRUE, &prekey);
      gsize length = g_bytes_get_size (key);
      g_autoptr (TessNode) good = NULL;

      for (guint bit = 0; bit < 64; bit += 9)
        {
          g_autofree guint8 *data = g_memdup2 (g_bytes_get_data (key, NULL), length);
          g_autoptr (GBytes) forged = NULL;
          g_autoptr (TessNode) node = NULL;
          gsize inner_length = 0;
          /* the MAC's eight bytes stand at the end of the inner message */
          guint8 *inner = prekey ? field (data + 1, length - 1, INNER, &inner_length) : data;
          guint8 *mac = inner + (prekey ? inner_length : length) - 8;

          mac[bit / 8] ^= (guint8) (1 << (bit % 8));
          forged = g_bytes_new (data, length);
          node = evil_wrap (evil, alice, forged, prekey);
          g_assert_cmpint (client_receive (alice, evil->jid, node), ==, TESS_OMEMO_ERROR_UNDECRYPTABLE);
          world_run (world);
        }
      if (round == 0)
        {
          g_autoptr (TessOmemoDevice) device = NULL;

          fake_store_table.begin (alice->store, NULL);
          fake_store_table.load_device (alice->store, evil->jid, 7, &device, NULL);
          fake_store_table.commit (alice->store, NULL);
          g_assert_null (device); /* libsignal saved its identity before the MAC was checked */
        }
      good = evil_message (evil, alice, "good", 4, 12);
      g_assert_cmpint (client_receive (alice, evil->jid, good), ==, -1);
      client_send (alice, bob, "works on");
      world_run (world);
    }
  evil_free (evil);
  world_free (world);
}

static void
test_d8_far_ahead (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Evil *evil = evil_new (world, "eve@e.test", 7);
  g_autoptr (TessNode) first = evil_message (evil, alice, "first", 5, 12);
  g_autoptr (TessNode) within = NULL;
  g_autoptr (TessNode) beyond = NULL;
  gboolean prekey;

  g_assert_cmpint (client_receive (alice, evil->jid, first), ==, -1);
  for (guint i = 0; i < 1000; i++)
    g_bytes_unref (evil_key (evil, alice, secret32, sizeof secret32, TRUE, &prekey));
  within = evil_message (evil, alice, "within", 6, 12);
  for (guint i = 0; i < 1100; i++)
    g_bytes_unref (evil_key (evil, alice, secret32, sizeof secret32, TRUE, &prekey));
  beyond = evil_message (evil, alice, "beyond", 6, 12);
  g_assert_cmpint (client_receive (alice, evil->jid, beyond), ==, TESS_OMEMO_ERROR_UNDECRYPTABLE);
  g_assert_cmpint (client_receive (alice, evil->jid, within), ==, -1);
  evil_free (evil);
  world_free (world);
}

/* D9: what the ratchet carries has every length but the right one. */
static void
test_d9 (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Evil *evil = evil_new (world, "eve@e.test", 7);
  static const gsize lengths[] = { 0, 1, 15, 16, 17, 31, 33, 48, 64 };
  guint8 bytes[64] = { 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      for (guint payload = 0; payload < 2; payload++)
        {
          gboolean prekey;
          g_autoptr (GBytes) key = evil_key (evil, alice, bytes, lengths[i], TRUE, &prekey);
          g_autoptr (TessNode) node = evil_wrap (evil, alice, key, prekey);
          int expected = TESS_OMEMO_ERROR_MALFORMED;

          if (!payload)
            tess_node_free (tess_node_detach (tess_node_child (node, "payload", NULL)));
          if (!payload && lengths[i] == 16)
            expected = -1; /* as Conversations sends it */
          g_assert_cmpint (client_receive (alice, evil->jid, node), ==, expected);
        }
    }
  {
    g_autoptr (TessNode) iv16 = evil_message (evil, alice, "sixteen", 7, 16);
    g_autoptr (TessNode) iv11 = evil_message (evil, alice, "eleven", 6, 11);
    g_autoptr (TessNode) tampered = evil_message (evil, alice, "tampered", 8, 12);
    TessNode *payload = tess_node_child (tampered, "payload", NULL);
    guint sent;

    g_assert_cmpint (client_receive (alice, evil->jid, iv16), ==, -1);
    g_assert_cmpstr (client_last (alice), ==, "sixteen");
    g_assert_cmpint (client_receive (alice, evil->jid, iv11), ==, TESS_OMEMO_ERROR_MALFORMED);
    world_run (world);
    sent = alice->sent_empty;
    tess_node_free (tess_node_detach (payload));
    tess_node_add_with_text (tampered, "payload", NULL, "AAAAAAAAAAA=");
    g_assert_cmpint (client_receive (alice, evil->jid, tampered), ==, TESS_OMEMO_ERROR_UNDECRYPTABLE);
    world_run (world);
    g_assert_cmpuint (alice->sent_empty, ==, sent); /* a new session would not help */
  }
  evil_free (evil);
  world_free (world);
}

/* D13: somebody takes our device from the list as often as we put it back. */
static void
test_d13 (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (guint32));
  guint published;

  world_now += G_TIME_SPAN_HOUR;
  published = alice->lists_published;
  world_set_node (world, alice->jid, TESS_OMEMO_AXOLOTL_LIST_NODE, tess_omemo_axolotl_build_list (none));
  world_run (world);
  g_assert_cmpuint (alice->lists_published, ==, published + 1);
  for (guint i = 0; i < 50; i++)
    {
      world_set_node (world, alice->jid, TESS_OMEMO_AXOLOTL_LIST_NODE, tess_omemo_axolotl_build_list (none));
      world_run (world);
    }
  g_assert_cmpuint (alice->lists_published, ==, published + 5);
  g_assert_cmpuint (alice->removed, ==, 1);
  world_now += G_TIME_SPAN_HOUR;
  world_set_node (world, alice->jid, TESS_OMEMO_AXOLOTL_LIST_NODE, tess_omemo_axolotl_build_list (none));
  world_run (world);
  g_assert_cmpuint (alice->lists_published, ==, published + 6);
  world_free (world);
}

/* D15: nothing goes to a stranger by itself: no answer, no repair, no question. */
static void
test_d15 (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *eve = world_join (world, "eve@e.test");
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  guint fetches;

  world_set_stranger (world, alice, eve);
  client_restart (alice);
  world_run (world);
  fetches = alice->fetches;
  client_send (eve, alice, "hi there");
  world_run (world);
  g_assert_cmpstr (client_last (alice), ==, "hi there");
  for (guint i = 0; i < 60; i++)
    client_send (eve, alice, "still there?");
  world_run (world);
  {
    g_autoptr (TessNode) broken = NULL;
    Evil *evil = evil_new (world, "eve@e.test", 77);
    gboolean prekey;
    g_autoptr (GBytes) key = evil_key (evil, alice, secret32, sizeof secret32, TRUE, &prekey);
    gsize size = 0;
    gsize length;
    g_autofree guint8 *data = g_memdup2 (g_bytes_get_data (key, &length), g_bytes_get_size (key));
    guint8 *inner = field (data + 1, length - 1, INNER, &size);
    g_autoptr (GBytes) without_session = g_bytes_new (inner, size);

    broken = evil_wrap (evil, alice, without_session, FALSE);
    g_assert_cmpint (client_receive (alice, evil->jid, broken), ==, TESS_OMEMO_ERROR_NO_SESSION);
    world_run (world);
    evil_free (evil);
  }
  g_assert_cmpuint (alice->sent_empty, ==, 0);
  g_assert_cmpuint (alice->fetches, ==, fetches);

  /* Nor does a stranger's list fill the database. */
  for (guint32 i = 1; i < 200; i++)
    g_array_append_val (ids, i);
  {
    g_autoptr (TessJid) mallory = tess_jid_new_bare ("mallory@m.test", NULL);
    Client fake = { .jid = mallory };
    g_autoptr (TessNode) list = tess_omemo_axolotl_build_list (ids);

    world_set_stranger (world, alice, &fake);
    g_assert_true (tess_omemo_handle_event (alice->omemo, mallory, TESS_OMEMO_AXOLOTL_LIST_NODE, list));
    g_assert_cmpuint (fake_store_count (alice->store, "device/mallory@m.test/"), ==, 0);
  }
  /* Once we write, it is as with anybody. */
  client_send (alice, eve, "who are you?");
  world_run (world);
  g_assert_cmpstr (client_last (eve), ==, "who are you?");
  world_free (world);
}

/* D17: NUL and broken UTF-8 inside what was encrypted. */
static void
test_d17 (void)
{
  static const struct
  {
    const char *text;
    gsize       length;
    gboolean    good;
  } cases[] = {
    { "fine", 4, TRUE },           { "", 0, TRUE },
    { "a\0b", 3, FALSE },          { "\0", 1, FALSE },
    { "a\0", 2, FALSE },           { "\xff", 1, FALSE },
    { "\xc3", 1, FALSE },          { "\xed\xa0\x80", 3, FALSE },
    { "\xc0\x80", 2, FALSE },      { "\xf4\x90\x80\x80", 4, FALSE },
    { "\xf0\x9f\x98\x80", 4, TRUE },
  };
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Evil *evil = evil_new (world, "eve@e.test", 7);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessNode) node = evil_message (evil, alice, cases[i].text, cases[i].length, 12);

      g_assert_cmpint (client_receive (alice, evil->jid, node), ==, cases[i].good ? -1 : TESS_OMEMO_ERROR_MALFORMED);
    }
  evil_free (evil);
  world_free (world);
}

/* The same rid twice: two people's devices with one number. Either may be ours. */
static void
test_same_rid (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Evil *evil = evil_new (world, "eve@e.test", 7);
  Evil *other = evil_new (world, "eve@e.test", 8);

  for (guint i = 0; i < 4; i++)
    {
      gboolean prekey;
      gboolean other_prekey;
      g_autoptr (GBytes) key = evil_key (evil, alice, secret32, sizeof secret32, TRUE, &prekey);
      g_autoptr (GBytes) other_key = evil_key (other, alice, secret32, sizeof secret32, TRUE, &other_prekey);
      g_autoptr (TessOmemoWireMessage) message = tess_omemo_wire_message_new (7);
      g_autoptr (TessNode) node = NULL;
      guint32 rid = tess_omemo_get_device_id (alice->omemo);
      gsize length = g_bytes_get_size (other_key);
      g_autofree guint8 *broken = g_memdup2 (g_bytes_get_data (other_key, NULL), length);
      g_autoptr (GBytes) not_ours = NULL;

      broken[length / 2] ^= 0xff;
      not_ours = g_bytes_new (broken, length);
      if (i & 1)
        tess_omemo_wire_message_add_key (message, rid, prekey, key);
      tess_omemo_wire_message_add_key (message, rid, other_prekey, not_ours);
      tess_omemo_wire_message_add_key (message, rid, FALSE, not_ours);
      if (!(i & 1))
        tess_omemo_wire_message_add_key (message, rid, prekey, key);
      node = tess_omemo_axolotl_build_message (message);
      g_assert_cmpint (client_receive (alice, evil->jid, node), ==, -1);
    }
  evil_free (evil);
  evil_free (other);
  world_free (world);
}

/* Our own identity key under another device: a mirror. */
static void
test_mirror (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  g_autofree char *node = tess_omemo_axolotl_bundle_node (tess_omemo_get_device_id (alice->omemo));
  TessNode *bundle = world_node (world, alice->jid, node);
  g_autofree char *eve_node = tess_omemo_axolotl_bundle_node (55);
  g_autoptr (TessJid) eve = tess_jid_new_bare ("eve@e.test", NULL);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  Client fake = { .jid = eve };
  guint32 id = 55;

  g_array_append_val (ids, id);
  world_set_node (world, eve, eve_node, tess_node_copy (bundle));
  world_set_node (world, eve, TESS_OMEMO_AXOLOTL_LIST_NODE, tess_omemo_axolotl_build_list (ids));
  world_run (world);
  g_assert_true (client_prepare (alice, &fake));
  g_assert_cmpint (tess_omemo_get_ready (alice->omemo, eve), ==, TESS_OMEMO_READY_NO_DEVICES);
  world_free (world);
}

/* Lists that grow without end. */
static void
test_list_flood (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  g_autoptr (TessJid) eve = tess_jid_new_bare ("eve@e.test", NULL);

  for (guint32 round = 0; round < 10; round++)
    {
      g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint32));
      g_autoptr (TessNode) list = NULL;

      for (guint32 i = 1; i <= 300; i++)
        {
          guint32 id = round * 1000 + i;

          g_array_append_val (ids, id);
        }
      list = tess_omemo_axolotl_build_list (ids);
      tess_omemo_handle_event (alice->omemo, eve, TESS_OMEMO_AXOLOTL_LIST_NODE, list);
    }
  g_assert_cmpuint (fake_store_count (alice->store, "device/eve@e.test/"), ==, 1024);
  world_free (world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/omemo/attacks/d2-exchange", test_d2_exchange);
  g_test_add_func ("/omemo/attacks/d2-bundle", test_d2_bundle);
  g_test_add_func ("/omemo/attacks/d3", test_d3);
  g_test_add_func ("/omemo/attacks/d3-exchange", test_d3_exchange);
  g_test_add_func ("/omemo/attacks/d3-first", test_d3_first);
  g_test_add_func ("/omemo/attacks/d3-bundle", test_d3_bundle);
  g_test_add_func ("/omemo/attacks/d3-way-back", test_d3_way_back);
  g_test_add_func ("/omemo/attacks/d4", test_d4);
  g_test_add_func ("/omemo/attacks/d5-message", test_d5_message);
  g_test_add_func ("/omemo/attacks/d5-bundle", test_d5_bundle);
  g_test_add_func ("/omemo/attacks/bundle-signature", test_bundle_signature);
  g_test_add_func ("/omemo/attacks/d6", test_d6);
  g_test_add_func ("/omemo/attacks/d7", test_d7);
  g_test_add_func ("/omemo/attacks/d8-bad-mac", test_d8_bad_mac);
  g_test_add_func ("/omemo/attacks/d8-far-ahead", test_d8_far_ahead);
  g_test_add_func ("/omemo/attacks/d9", test_d9);
  g_test_add_func ("/omemo/attacks/d13", test_d13);
  g_test_add_func ("/omemo/attacks/d15", test_d15);
  g_test_add_func ("/omemo/attacks/d17", test_d17);
  g_test_add_func ("/omemo/attacks/same-rid", test_same_rid);
  g_test_add_func ("/omemo/attacks/mirror", test_mirror);
  g_test_add_func ("/omemo/attacks/list-flood", test_list_flood);
  return g_test_run ();
}
