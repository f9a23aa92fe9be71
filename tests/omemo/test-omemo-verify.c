/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo-world.h"

#include "omemo/tess-omemo-verify.h"

#include <string.h>

/* What a verification code does, and what a person does with their own devices. */

static void
add (TessOmemoUri *uri, Client *client)
{
  tess_omemo_uri_add (uri, tess_omemo_get_device_id (client->omemo), tess_omemo_get_key (client->omemo));
}

static TessOmemoCheck
check_of (GArray *all, guint i)
{
  g_assert_nonnull (all);
  g_assert_cmpuint (i, <, all->len);
  return g_array_index (all, TessOmemoChecked, i).check;
}

/* Two of Bob's devices, known to Alice by what was said. */
typedef struct
{
  World  *world;
  Client *alice;
  Client *bob;
  Client *phone;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->world = world_new ();
  f->alice = world_join (f->world, "alice@a.test");
  f->bob = world_join (f->world, "bob@b.test");
  f->phone = world_join (f->world, "bob@b.test");
  world_run (f->world);
  client_send (f->alice, f->bob, "hello");
  world_run (f->world);
  g_assert_cmpint (client_trust (f->alice, f->bob), ==, TESS_OMEMO_TRUST_BLIND);
  g_assert_cmpint (client_trust (f->alice, f->phone), ==, TESS_OMEMO_TRUST_BLIND);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  world_free (f->world);
}

static void
test_matches (Fixture *f, gconstpointer data)
{
  g_autoptr (TessOmemoUri) uri = tess_omemo_uri_new (f->bob->jid);
  g_autoptr (GHashTable) before = NULL;
  g_autoptr (GArray) looked = NULL;
  g_autoptr (GArray) applied = NULL;
  g_autoptr (GArray) again = NULL;

  add (uri, f->bob);
  add (uri, f->phone);
  before = fake_store_copy (f->alice->store);
  looked = tess_omemo_check_code (f->alice->omemo, uri, NULL);
  g_assert_true (fake_store_equals (f->alice->store, before)); /* a look changes nothing */
  applied = tess_omemo_apply_code (f->alice->omemo, uri, FALSE, NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpint (check_of (looked, i), ==, TESS_OMEMO_CHECK_MATCHES);
      g_assert_cmpint (check_of (applied, i), ==, TESS_OMEMO_CHECK_MATCHES);
      g_assert_cmpint (g_array_index (applied, TessOmemoChecked, i).before.trust, ==, TESS_OMEMO_TRUST_BLIND);
    }
  g_assert_cmpint (client_trust (f->alice, f->bob), ==, TESS_OMEMO_TRUST_VERIFIED);
  g_assert_cmpint (client_trust (f->alice, f->phone), ==, TESS_OMEMO_TRUST_VERIFIED);
  again = tess_omemo_apply_code (f->alice->omemo, uri, FALSE, NULL);
  g_assert_cmpint (check_of (again, 0), ==, TESS_OMEMO_CHECK_VERIFIED);
}

/* One key of two differs: nothing is verified, the one that differs gets nothing any more, and the next scan of a right code heals. */
static void
test_differs (Fixture *f, gconstpointer data)
{
  g_autoptr (TessOmemoUri) uri = tess_omemo_uri_new (f->bob->jid);
  g_autoptr (TessOmemoUri) right = tess_omemo_uri_new (f->bob->jid);
  g_autoptr (TessOmemoDevice) device = NULL;
  g_autoptr (GPtrArray) skipped = NULL;
  g_autoptr (TessNode) encrypted = NULL;
  g_autoptr (GArray) applied = NULL;
  g_autoptr (GArray) healed = NULL;
  guint8 other[TESS_OMEMO_KEY_BYTES];

  memcpy (other, tess_omemo_get_key (f->phone->omemo), sizeof other);
  other[7] ^= 1;
  add (uri, f->bob);
  tess_omemo_uri_add (uri, tess_omemo_get_device_id (f->phone->omemo), other);
  applied = tess_omemo_apply_code (f->alice->omemo, uri, TRUE, NULL);
  g_assert_cmpint (check_of (applied, 0), ==, TESS_OMEMO_CHECK_MATCHES);
  g_assert_cmpint (check_of (applied, 1), ==, TESS_OMEMO_CHECK_DIFFERS);
  g_assert_cmpint (client_trust (f->alice, f->bob), ==, TESS_OMEMO_TRUST_BLIND);
  device = client_device (f->alice, f->phone);
  g_assert_true (device->key_alarm);
  g_assert_cmpmem (device->key, sizeof device->key, tess_omemo_get_key (f->phone->omemo), TESS_OMEMO_KEY_BYTES);
  encrypted = client_encrypt (f->alice, f->bob->jid, "not for the phone", &skipped, NULL);
  g_assert_nonnull (encrypted);
  g_assert_cmpuint (skipped->len, ==, 1);
  g_assert_cmpint (((TessOmemoSkipped *) g_ptr_array_index (skipped, 0))->reason, ==, TESS_OMEMO_SKIPPED_KEY_ALARM);

  add (right, f->phone);
  healed = tess_omemo_apply_code (f->alice->omemo, right, FALSE, NULL);
  g_assert_cmpint (check_of (healed, 0), ==, TESS_OMEMO_CHECK_MATCHES);
  g_assert_true (g_array_index (healed, TessOmemoChecked, 0).before.alarm);
  g_clear_pointer (&device, tess_omemo_device_free);
  device = client_device (f->alice, f->phone);
  g_assert_false (device->key_alarm);
  g_assert_cmpint (device->trust, ==, TESS_OMEMO_TRUST_VERIFIED);
}

static void
test_distrusted_stays (Fixture *f, gconstpointer data)
{
  g_autoptr (TessOmemoUri) uri = tess_omemo_uri_new (f->bob->jid);
  g_autoptr (GArray) applied = NULL;

  g_assert_true (tess_omemo_set_trust (f->alice->omemo, f->bob->jid, tess_omemo_get_device_id (f->phone->omemo),
                                       TESS_OMEMO_TRUST_DISTRUSTED, NULL));
  add (uri, f->phone);
  applied = tess_omemo_apply_code (f->alice->omemo, uri, TRUE, NULL);
  g_assert_cmpint (check_of (applied, 0), ==, TESS_OMEMO_CHECK_DISTRUSTED);
  g_assert_cmpint (client_trust (f->alice, f->phone), ==, TESS_OMEMO_TRUST_DISTRUSTED);
}

/* A code of a device that is known by nothing yet: only who was asked takes its key, which then stands against the server's. */
static void
test_adopts (Fixture *f, gconstpointer data)
{
  g_autoptr (TessJid) jid = tess_jid_new_bare ("carol@c.test", NULL);
  g_autoptr (TessOmemoUri) uri = tess_omemo_uri_new (jid);
  g_autoptr (GArray) looked = NULL;
  g_autoptr (GArray) adopted = NULL;
  g_autoptr (TessOmemoDevice) device = NULL;
  g_autoptr (GArray) foreign = NULL;
  g_autoptr (GError) error = NULL;
  guint8 key[TESS_OMEMO_KEY_BYTES];
  Client *carol = world_make (f->world, "carol@c.test");
  guint32 id = tess_omemo_get_device_id (carol->omemo);

  memcpy (key, tess_omemo_get_key (carol->omemo), sizeof key);
  key[3] ^= 4; /* her server will show another one */
  tess_omemo_uri_add (uri, id, key);
  looked = tess_omemo_apply_code (f->alice->omemo, uri, FALSE, NULL);
  g_assert_cmpint (check_of (looked, 0), ==, TESS_OMEMO_CHECK_UNKNOWN);
  g_assert_null (client_device (f->alice, carol));
  adopted = tess_omemo_apply_code (f->alice->omemo, uri, TRUE, NULL);
  g_assert_cmpint (check_of (adopted, 0), ==, TESS_OMEMO_CHECK_UNKNOWN);
  g_assert_cmpint (client_trust (f->alice, carol), ==, TESS_OMEMO_TRUST_VERIFIED);

  client_go_online (carol);
  world_run (f->world);
  g_assert_true (client_prepare (f->alice, carol));
  tess_omemo_refresh_devices (f->alice->omemo, carol->jid);
  world_run (f->world);
  device = client_device (f->alice, carol);
  g_assert_true (device->key_alarm);
  g_assert_cmpmem (device->key, sizeof device->key, key, sizeof key);

  /* The key of a device that Bob publishes is not Carol's. */
  {
    g_autoptr (TessOmemoUri) stolen = tess_omemo_uri_new (jid);

    tess_omemo_uri_add (stolen, 4711, tess_omemo_get_key (f->bob->omemo));
    foreign = tess_omemo_apply_code (f->alice->omemo, stolen, TRUE, &error);
    g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FOREIGN_KEY);
    g_assert_null (foreign);
  }
}

static void
learnt_cb (const GError *error, gpointer user_data)
{
  int *result = user_data;

  *result = error == NULL ? 1 : 2;
}

/* What the code names and nobody has heard of is asked for. */
static void
test_learns (void)
{
  World *world = world_new ();
  Client *alice = world_join (world, "alice@a.test");
  Client *bob = world_join (world, "bob@b.test");
  g_autoptr (TessOmemoUri) uri = tess_omemo_uri_new (bob->jid);
  g_autoptr (GArray) before = NULL;
  g_autoptr (GArray) after = NULL;
  int result = 0;

  world_run (world);
  add (uri, bob);
  before = tess_omemo_check_code (alice->omemo, uri, NULL);
  g_assert_cmpint (check_of (before, 0), ==, TESS_OMEMO_CHECK_UNKNOWN);
  tess_omemo_learn_code (alice->omemo, uri, learnt_cb, &result);
  world_run (world);
  g_assert_cmpint (result, ==, 1);
  after = tess_omemo_check_code (alice->omemo, uri, NULL);
  g_assert_cmpint (check_of (after, 0), ==, TESS_OMEMO_CHECK_MATCHES);
  client_go_offline (alice);
  tess_omemo_learn_code (alice->omemo, uri, learnt_cb, &result);
  g_assert_cmpint (result, ==, 2);
  world_free (world);
}

/* Of one's own: this device says nothing new, another key under its number is an alarm of no device but told. `omemo=` names no id. */
static void
test_own_and_unnumbered (Fixture *f, gconstpointer data)
{
  g_autoptr (TessOmemoUri) uri = tess_omemo_uri_new (f->bob->jid);
  g_autoptr (TessOmemoUri) old = tess_omemo_uri_new (f->bob->jid);
  g_autoptr (GArray) own = NULL;
  g_autoptr (GArray) unnumbered = NULL;
  guint8 other[TESS_OMEMO_KEY_BYTES] = { 9 };

  g_assert_true (client_prepare (f->bob, f->alice));
  add (uri, f->bob);
  add (uri, f->phone);
  own = tess_omemo_apply_code (f->bob->omemo, uri, FALSE, NULL);
  g_assert_cmpint (check_of (own, 0), ==, TESS_OMEMO_CHECK_LOCAL);
  g_assert_cmpint (check_of (own, 1), ==, TESS_OMEMO_CHECK_MATCHES);
  g_assert_cmpint (client_trust (f->bob, f->phone), ==, TESS_OMEMO_TRUST_VERIFIED);

  tess_omemo_uri_add (old, 0, tess_omemo_get_key (f->phone->omemo));
  tess_omemo_uri_add (old, 0, other);
  unnumbered = tess_omemo_apply_code (f->alice->omemo, old, TRUE, NULL);
  g_assert_cmpint (check_of (unnumbered, 0), ==, TESS_OMEMO_CHECK_MATCHES);
  g_assert_cmpuint (g_array_index (unnumbered, TessOmemoChecked, 0).id, ==, tess_omemo_get_device_id (f->phone->omemo));
  g_assert_cmpint (check_of (unnumbered, 1), ==, TESS_OMEMO_CHECK_UNKNOWN);
  g_assert_cmpint (client_trust (f->alice, f->phone), ==, TESS_OMEMO_TRUST_VERIFIED);
  g_assert_cmpint (client_trust (f->alice, f->bob), ==, TESS_OMEMO_TRUST_BLIND);
}

static void
test_store_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (TessOmemoUri) uri = tess_omemo_uri_new (f->bob->jid);
  g_autoptr (GHashTable) before = fake_store_copy (f->alice->store);
  g_autoptr (GError) error = NULL;

  add (uri, f->bob);
  add (uri, f->phone);
  f->alice->store->fail_after = 2; /* the second of two */
  g_assert_null (tess_omemo_apply_code (f->alice->omemo, uri, FALSE, &error));
  g_assert_nonnull (error);
  f->alice->store->fail_after = 0;
  g_assert_true (fake_store_equals (f->alice->store, before));
}

/* --- taking back --------------------------------------------------------------------------------------------------------------- */

static void
test_restore (Fixture *f, gconstpointer data)
{
  guint32 ids[] = { tess_omemo_get_device_id (f->bob->omemo), tess_omemo_get_device_id (f->phone->omemo) };
  TessOmemoTrustState before[] = { { TESS_OMEMO_TRUST_BLIND, FALSE }, { TESS_OMEMO_TRUST_UNDECIDED, TRUE } };
  guint32 nobody[] = { ids[0], 1 };
  g_autoptr (TessOmemoDevice) device = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    g_assert_true (tess_omemo_set_trust (f->alice->omemo, f->bob->jid, ids[i], TESS_OMEMO_TRUST_VERIFIED, NULL));
  g_assert_false (tess_omemo_restore_trust (f->alice->omemo, f->bob->jid, nobody, before, 2, &error));
  g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FAILED);
  g_assert_cmpint (client_trust (f->alice, f->bob), ==, TESS_OMEMO_TRUST_VERIFIED); /* all or none */
  g_assert_true (tess_omemo_restore_trust (f->alice->omemo, f->bob->jid, ids, before, 2, NULL));
  g_assert_cmpint (client_trust (f->alice, f->bob), ==, TESS_OMEMO_TRUST_BLIND);
  device = client_device (f->alice, f->phone);
  g_assert_cmpint (device->trust, ==, TESS_OMEMO_TRUST_UNDECIDED);
  g_assert_true (device->key_alarm);
}

/* --- blind trust of one person -------------------------------------------------------------------------------------------------- */

static void
test_blind_for_one (Fixture *f, gconstpointer data)
{
  Client *tablet;
  Client *desk;

  g_assert_true (tess_omemo_set_blind_for (f->alice->omemo, f->bob->jid, TESS_OMEMO_BLIND_OFF, NULL));
  tablet = world_join (f->world, "bob@b.test");
  world_run (f->world);
  g_assert_cmpint (client_trust (f->alice, f->bob), ==, TESS_OMEMO_TRUST_BLIND); /* decided before */
  g_assert_cmpint (client_trust (f->alice, tablet), ==, TESS_OMEMO_TRUST_UNDECIDED);

  tess_omemo_set_blind (f->alice->omemo, FALSE);
  g_assert_true (tess_omemo_set_blind_for (f->alice->omemo, f->bob->jid, TESS_OMEMO_BLIND_ON, NULL));
  desk = world_join (f->world, "bob@b.test");
  world_run (f->world);
  g_assert_cmpint (client_trust (f->alice, desk), ==, TESS_OMEMO_TRUST_BLIND);
}

/* --- one's own devices ---------------------------------------------------------------------------------------------------------- */

static gboolean
has_bundle (Client *of, guint32 id)
{
  g_autofree char *node = g_strdup_printf ("eu.siacs.conversations.axolotl.bundles:%u", id);

  return world_node (of->world, of->jid, node) != NULL;
}

static void
test_remove (Fixture *f, gconstpointer data)
{
  guint32 phone = tess_omemo_get_device_id (f->phone->omemo);
  g_autoptr (TessOmemoDevice) device = NULL;
  int result = 0;

  client_go_offline (f->phone); /* else it would announce itself again */
  tess_omemo_remove_device (f->bob->omemo, tess_omemo_get_device_id (f->bob->omemo), learnt_cb, &result);
  g_assert_cmpint (result, ==, 2);
  g_assert_true (has_bundle (f->bob, phone));
  tess_omemo_remove_device (f->bob->omemo, phone, learnt_cb, &result);
  world_run (f->world);
  g_assert_cmpint (result, ==, 1);
  g_assert_false (has_bundle (f->bob, phone));
  device = client_device (f->bob, f->phone);
  g_assert_false (device->active);
  g_clear_pointer (&device, tess_omemo_device_free);
  device = client_device (f->alice, f->phone);
  g_assert_false (device->active);
  client_go_offline (f->bob);
  tess_omemo_remove_device (f->bob->omemo, phone, learnt_cb, &result);
  g_assert_cmpint (result, ==, 2);
}

/* Another key and number; the old ones are gone from the server; talk goes on; what others verified does not pass on. */
static void
reset_keys (Fixture *f, gboolean online)
{
  guint32 old = tess_omemo_get_device_id (f->bob->omemo);
  guint8 key[TESS_OMEMO_KEY_BYTES];

  memcpy (key, tess_omemo_get_key (f->bob->omemo), sizeof key);
  g_assert_true (tess_omemo_set_trust (f->alice->omemo, f->bob->jid, tess_omemo_get_device_id (f->phone->omemo), TESS_OMEMO_TRUST_VERIFIED, NULL));
  if (!online)
    client_go_offline (f->bob);
  g_assert_true (tess_omemo_reset_keys (f->bob->omemo, NULL));
  g_assert_cmpuint (tess_omemo_get_device_id (f->bob->omemo), !=, old);
  g_assert_cmpint (memcmp (tess_omemo_get_key (f->bob->omemo), key, sizeof key), !=, 0);
  g_assert_cmpuint (fake_store_count (f->bob->store, "session/"), ==, 0);
  if (!online)
    {
      client_restart (f->bob);
      client_go_online (f->bob);
    }
  world_run (f->world);
  g_assert_false (has_bundle (f->bob, old));
  g_assert_true (has_bundle (f->bob, tess_omemo_get_device_id (f->bob->omemo)));
  g_assert_cmpint (client_trust (f->alice, f->bob), ==, TESS_OMEMO_TRUST_UNDECIDED);
  /* A key can be trusted, a number cannot. */
  g_assert_false (tess_omemo_set_trust (f->alice->omemo, f->bob->jid, tess_omemo_get_device_id (f->bob->omemo), TESS_OMEMO_TRUST_BLIND, NULL));
  g_assert_true (client_prepare (f->alice, f->bob));
  g_assert_true (tess_omemo_set_trust (f->alice->omemo, f->bob->jid, tess_omemo_get_device_id (f->bob->omemo), TESS_OMEMO_TRUST_BLIND, NULL));
  client_send (f->bob, f->alice, "with new keys");
  world_run (f->world);
  g_assert_cmpstr (client_last (f->alice), ==, "with new keys");
  client_send (f->alice, f->bob, "I see");
  world_run (f->world);
  g_assert_cmpstr (client_last (f->bob), ==, "I see");
}

static void
test_reset_keys (Fixture *f, gconstpointer data)
{
  reset_keys (f, TRUE);
}

static void
test_reset_keys_offline (Fixture *f, gconstpointer data)
{
  reset_keys (f, FALSE);
}

static void
test_reset_keys_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (GHashTable) before = NULL;
  g_autoptr (GError) error = NULL;
  guint32 id = tess_omemo_get_device_id (f->bob->omemo);
  guint8 key[TESS_OMEMO_KEY_BYTES];

  memcpy (key, tess_omemo_get_key (f->bob->omemo), sizeof key);
  before = fake_store_copy (f->bob->store);
  f->bob->store->fail_after = 120;
  g_assert_false (tess_omemo_reset_keys (f->bob->omemo, &error));
  f->bob->store->fail_after = 0;
  g_assert_nonnull (error);
  g_assert_true (fake_store_equals (f->bob->store, before));
  g_assert_cmpuint (tess_omemo_get_device_id (f->bob->omemo), ==, id);
  g_assert_cmpmem (tess_omemo_get_key (f->bob->omemo), TESS_OMEMO_KEY_BYTES, key, sizeof key);
  client_send (f->bob, f->alice, "as before");
  world_run (f->world);
  g_assert_cmpstr (client_last (f->alice), ==, "as before");
}

static void
test_reset_session (Fixture *f, gconstpointer data)
{
  guint32 id = tess_omemo_get_device_id (f->bob->omemo);
  int result = 0;

  tess_omemo_reset_session (f->alice->omemo, f->bob->jid, id, learnt_cb, &result);
  world_run (f->world);
  g_assert_cmpint (result, ==, 1);
  tess_omemo_reset_session (f->alice->omemo, f->bob->jid, 4711, learnt_cb, &result);
  world_run (f->world);
  g_assert_cmpint (result, ==, 2);
  result = 0;
  client_go_offline (f->alice);
  tess_omemo_reset_session (f->alice->omemo, f->bob->jid, id, learnt_cb, &result);
  g_assert_cmpint (result, ==, 2);
}

int
main (int argc, char **argv)
{
#define ADD(path, func) g_test_add ("/omemo/" path, Fixture, NULL, set_up, func, tear_down)
  g_test_init (&argc, &argv, NULL);
  ADD ("verify/matches", test_matches);
  ADD ("verify/differs", test_differs);
  ADD ("verify/distrusted-stays", test_distrusted_stays);
  ADD ("verify/adopts", test_adopts);
  g_test_add_func ("/omemo/verify/learns", test_learns);
  ADD ("verify/own-and-unnumbered", test_own_and_unnumbered);
  ADD ("verify/store-fails", test_store_fails);
  ADD ("verify/restore", test_restore);
  ADD ("blind-for-one", test_blind_for_one);
  ADD ("own/remove", test_remove);
  ADD ("own/reset-keys", test_reset_keys);
  ADD ("own/reset-keys-offline", test_reset_keys_offline);
  ADD ("own/reset-keys-fails", test_reset_keys_fails);
  ADD ("own/reset-session", test_reset_session);
  return g_test_run ();
}
