/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo-world.h"

#include "crypto/tess-crypto.h"
#include "omemo/tess-omemo-signal-private.h"

#include <signal/session_builder.h>
#include <signal/session_pre_key.h>

#include <string.h>

/* ---- A peer that keeps no rules ---- */

Evil *
evil_new (World *world, const char *jid, guint32 device)
{
  Evil *self = g_new0 (Evil, 1);
  g_autoptr (GBytes) identity = NULL;

  self->world = world;
  self->jid = tess_jid_new_bare (jid, NULL);
  self->device = device;
  self->store = fake_store_new ();
  self->signal = tess_omemo_signal_new (&fake_store_table, self->store);
  identity = tess_omemo_signal_make_identity (self->signal);
  g_assert_true (tess_omemo_signal_set_local (self->signal, device, identity));
  return self;
}

void
evil_free (Evil *self)
{
  tess_omemo_signal_free (self->signal);
  fake_store_free (self->store);
  tess_jid_unref (self->jid);
  g_free (self);
}

void
evil_publish (Evil *self)
{
  g_autoptr (TessOmemoBundle) bundle = tess_omemo_bundle_new ();
  g_autoptr (GBytes) prekey = tess_omemo_signal_make_prekey (self->signal, 7);
  g_autoptr (GBytes) signed_prekey = tess_omemo_signal_make_signed_prekey (self->signal, 9, world_now);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autofree char *node = tess_omemo_axolotl_bundle_node (self->device);
  TessOmemoPublicPrekey public = { .id = 7 };

  fake_store_table.begin (self->store, NULL);
  fake_store_table.save_blob (self->store, TESS_OMEMO_BLOB_PREKEY, 7, prekey, NULL);
  fake_store_table.save_blob (self->store, TESS_OMEMO_BLOB_SIGNED_PREKEY, 9, signed_prekey, NULL);
  fake_store_table.commit (self->store, NULL);
  memcpy (bundle->identity, tess_omemo_signal_get_key (self->signal), TESS_OMEMO_KEY_BYTES);
  bundle->signed_id = 9;
  g_assert_true (tess_omemo_signal_read_signed_prekey (self->signal, signed_prekey, bundle->signed_key, bundle->signature));
  g_assert_true (tess_omemo_signal_read_prekey (self->signal, prekey, public.key));
  g_array_append_val (bundle->prekeys, public);
  g_array_append_val (ids, self->device);
  world_set_node (self->world, self->jid, node, tess_omemo_axolotl_build_bundle (bundle));
  world_set_node (self->world, self->jid, TESS_OMEMO_AXOLOTL_LIST_NODE, tess_omemo_axolotl_build_list (ids));
}

/* As tess_omemo_ratchet_start () does it, but without a one-time prekey. */
static void
start_without_prekey (Evil *self, TessOmemoRatchet *ratchet, const TessOmemoBundle *bundle,
                      const signal_protocol_address *address)
{
  g_autoptr (session_pre_key_bundle) signal_bundle = NULL;
  g_autoptr (ec_public_key) signed_point = NULL;
  g_autoptr (ec_public_key) identity_point = NULL;
  session_builder *builder = NULL;

  g_assert_true (tess_omemo_make_point (self->signal, bundle->signed_key, &signed_point));
  g_assert_true (tess_omemo_make_point (self->signal, bundle->identity, &identity_point));
  g_assert_cmpint (session_pre_key_bundle_create (&signal_bundle, 1, address->device_id, 0, NULL, bundle->signed_id,
                                                  signed_point, bundle->signature, sizeof bundle->signature,
                                                  identity_point), >=, 0);
  self->signal->current = ratchet;
  g_assert_cmpint (session_builder_create (&builder, self->signal->store_context, address, self->signal->context), >=, 0);
  g_assert_cmpint (session_builder_process_pre_key_bundle (builder, signal_bundle), >=, 0);
  session_builder_free (builder);
  self->signal->current = NULL;
}

GBytes *
evil_key (Evil *self, Client *to, const guint8 *data, gsize length, gboolean one_time, gboolean *prekey)
{
  guint32 device = tess_omemo_get_device_id (to->omemo);
  g_autofree char *node = tess_omemo_axolotl_bundle_node (device);
  g_autoptr (TessOmemoRatchet) ratchet = NULL;
  g_autoptr (GError) error = NULL;
  GBytes *result;

  fake_store_table.begin (self->store, NULL);
  ratchet = tess_omemo_ratchet_open (self->signal, to->jid, device, NULL, &error);
  g_assert_no_error (error);
  if (!tess_omemo_ratchet_has_session (ratchet))
    {
      g_autoptr (TessOmemoBundle) bundle = tess_omemo_axolotl_parse_bundle (world_node (self->world, to->jid, node), &error);
      signal_protocol_address address = { "x", 1, 1 };

      g_assert_no_error (error);
      if (one_time)
        tess_omemo_ratchet_start (ratchet, bundle, &error);
      else
        start_without_prekey (self, ratchet, bundle, &address);
      g_assert_no_error (error);
    }
  result = tess_omemo_ratchet_encrypt (ratchet, data, length, prekey, &error);
  g_assert_no_error (error);
  tess_omemo_ratchet_save (ratchet, FALSE, &error);
  g_assert_no_error (error);
  fake_store_table.commit (self->store, NULL);
  return result;
}

TessNode *
evil_wrap (Evil *self, Client *to, GBytes *key, gboolean prekey)
{
  g_autoptr (TessOmemoWireMessage) message = tess_omemo_wire_message_new (self->device);

  tess_omemo_wire_message_add_key (message, tess_omemo_get_device_id (to->omemo), prekey, key);
  message->iv_length = 12;
  message->payload = g_bytes_new_static ("xxxx", 4);
  return tess_omemo_axolotl_build_message (message);
}

TessNode *
evil_message (Evil *self, Client *to, const char *text, gsize length, gsize iv_length)
{
  g_autoptr (TessOmemoWireMessage) message = tess_omemo_wire_message_new (self->device);
  g_autoptr (GBytes) key = NULL;
  guint8 secret[32] = { 1, 2, 3 };
  guint8 *cipher = g_malloc (length + 1);
  gboolean prekey;

  message->iv_length = iv_length;
  tess_random_bytes (message->iv, iv_length);
  tess_aes_gcm_encrypt (secret, 16, message->iv, iv_length, NULL, 0, (const guint8 *) text, length, cipher, secret + 16);
  message->payload = g_bytes_new_take (cipher, length);
  key = evil_key (self, to, secret, sizeof secret, TRUE, &prekey);
  tess_omemo_wire_message_add_key (message, tess_omemo_get_device_id (to->omemo), prekey, key);
  return tess_omemo_axolotl_build_message (message);
}
