/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-private.h"

#include "crypto/tess-crypto.h"

#include <string.h>

#define AES_KEY_BYTES 16
#define IV_BYTES 12
#define RATCHET_BYTES (AES_KEY_BYTES + TESS_GCM_TAG_SIZE)

/* A device that can be written to, with its session taken out of the store. */
typedef struct
{
  guint             recipient; /* index of whom it belongs to */
  TessJid          *jid;
  guint32           id;
  TessOmemoRatchet *ratchet;
} Target;

static void
target_free (gpointer data)
{
  Target *target = data;

  tess_jid_unref (target->jid);
  tess_omemo_ratchet_free (target->ratchet);
  g_free (target);
}

static void
skipped_free (gpointer data)
{
  TessOmemoSkipped *skipped = data;

  tess_jid_unref (skipped->jid);
  g_free (skipped);
}

static void
skip (GPtrArray *skipped, TessJid *jid, guint32 id, int reason)
{
  TessOmemoSkipped *entry = g_new0 (TessOmemoSkipped, 1);

  entry->jid = tess_jid_ref (jid);
  entry->id = id;
  entry->reason = reason;
  g_ptr_array_add (skipped, entry);
}

/* TRUE with *reason -1 when trust does not stand against it. */
static int
distrust_reason (const TessOmemoDevice *device)
{
  if (device->key_alarm)
    return TESS_OMEMO_SKIPPED_KEY_ALARM;
  switch (device->trust)
    {
    case TESS_OMEMO_TRUST_BLIND:
    case TESS_OMEMO_TRUST_VERIFIED:
      return -1;
    case TESS_OMEMO_TRUST_DISTRUSTED:
      return TESS_OMEMO_SKIPPED_DISTRUSTED;
    case TESS_OMEMO_TRUST_UNDECIDED:
    default:
      return TESS_OMEMO_SKIPPED_UNDECIDED;
    }
}

static gboolean
plan_device (TessOmemo *self, guint recipient, const TessOmemoDevice *device, GPtrArray *targets, GPtrArray *skipped,
             GError **error)
{
  TessOmemoRatchet *ratchet;
  Target *target;
  int reason = distrust_reason (device);

  if (reason >= 0)
    {
      skip (skipped, device->jid, device->id, reason);
      return TRUE;
    }
  ratchet = tess_omemo_ratchet_open (self->signal, device->jid, device->id, device->has_key ? device->key : NULL, error);
  if (ratchet == NULL)
    return FALSE;
  if (!tess_omemo_ratchet_has_session (ratchet)
      && (!device->has_key || tess_omemo_kept_bundle (self, device->jid, device->id, FALSE) == NULL))
    {
      tess_omemo_ratchet_free (ratchet);
      skip (skipped, device->jid, device->id, TESS_OMEMO_SKIPPED_NO_BUNDLE);
      return TRUE;
    }
  target = g_new0 (Target, 1);
  target->recipient = recipient;
  target->jid = tess_jid_ref (device->jid);
  target->id = device->id;
  target->ratchet = ratchet;
  g_ptr_array_add (targets, target);
  return TRUE;
}

/* All devices of @jid but our own one. */
static gboolean
plan_recipient (TessOmemo *self, guint recipient, TessJid *jid, GPtrArray *targets, GPtrArray *skipped, GError **error)
{
  g_autoptr (GPtrArray) devices = NULL;

  if (!self->store.list_devices (self->store_data, jid, &devices, error))
    return FALSE;
  for (guint i = 0; i < devices->len; i++)
    {
      const TessOmemoDevice *device = g_ptr_array_index (devices, i);

      if (!device->active || (device->id == self->device && tess_omemo_is_own (self, jid)))
        continue;
      if (!plan_device (self, recipient, device, targets, skipped, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
reaches (GPtrArray *targets, guint recipient)
{
  for (guint i = 0; i < targets->len; i++)
    {
      const Target *target = g_ptr_array_index (targets, i);

      if (target->recipient == recipient)
        return TRUE;
    }
  return FALSE;
}

static gboolean
cannot_reach (TessJid *jid, GPtrArray *skipped, GError **error)
{
  gboolean decision = FALSE;

  for (guint i = 0; i < skipped->len; i++)
    {
      const TessOmemoSkipped *entry = g_ptr_array_index (skipped, i);

      if (!tess_jid_equal (entry->jid, jid))
        continue;
      if (entry->reason == TESS_OMEMO_SKIPPED_NO_BUNDLE)
        {
          decision = FALSE;
          break; /* there is one that is trusted: a decision would not help with it */
        }
      decision = TRUE;
    }
  g_set_error (error, TESS_OMEMO_ERROR, decision ? TESS_OMEMO_ERROR_NEEDS_DECISION : TESS_OMEMO_ERROR_NO_DEVICES,
               decision ? "no device of %s is trusted" : "%s has no device that can read it", tess_jid_to_string (jid));
  return FALSE;
}

static void
store_failed (GError **error)
{
  if (error == NULL || *error == NULL || (*error)->domain == TESS_OMEMO_ERROR)
    return;
  (*error)->domain = TESS_OMEMO_ERROR;
  (*error)->code = TESS_OMEMO_ERROR_STORE;
}

/* Everybody who is to read it and can, before any ratchet moves. */
static gboolean
plan (TessOmemo *self, GPtrArray *jids, GPtrArray *targets, GPtrArray *skipped, GError **error)
{
  for (guint i = 0; i < jids->len; i++)
    {
      if (!plan_recipient (self, i, g_ptr_array_index (jids, i), targets, skipped, error))
        {
          store_failed (error);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
check_reach (GPtrArray *jids, guint n_recipients, GPtrArray *targets, GPtrArray *skipped, GError **error)
{
  for (guint i = 0; i < n_recipients; i++)
    {
      if (!reaches (targets, i))
        return cannot_reach (g_ptr_array_index (jids, i), skipped, error);
    }
  return TRUE;
}

/* Moves one ratchet. FALSE with *error NULL: this device cannot be reached after all. */
static gboolean
add_key (TessOmemo *self, TessJid *jid, guint32 id, TessOmemoRatchet *ratchet, const guint8 *secret,
         TessOmemoWireMessage *message, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) data = NULL;
  gboolean prekey;

  if (!tess_omemo_ratchet_has_session (ratchet))
    {
      const TessOmemoBundle *bundle = tess_omemo_kept_bundle (self, jid, id, FALSE);

      if (bundle == NULL || !tess_omemo_ratchet_start (ratchet, bundle, &local_error))
        return FALSE;
    }
  data = tess_omemo_ratchet_encrypt (ratchet, secret, RATCHET_BYTES, &prekey, &local_error);
  if (data == NULL)
    {
      if (g_error_matches (local_error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_STORE))
        g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (!tess_omemo_ratchet_save (ratchet, FALSE, error))
    return FALSE;
  tess_omemo_wire_message_add_key (message, id, prekey, data);
  return TRUE;
}

/* What the ratchets carry: the key and the tag (XEP-0384 0.3 section 4.5). */
static void
seal (TessOmemoWireMessage *message, const char *text, guint8 secret[RATCHET_BYTES])
{
  gsize length = strlen (text);
  guint8 *cipher = g_malloc (length + 1);

  tess_random_bytes (secret, AES_KEY_BYTES);
  tess_random_bytes (message->iv, IV_BYTES);
  message->iv_length = IV_BYTES;
  tess_aes_gcm_encrypt (secret, AES_KEY_BYTES, message->iv, IV_BYTES, NULL, 0, (const guint8 *) text, length, cipher,
                        secret + AES_KEY_BYTES);
  message->payload = g_bytes_new_take (cipher, length);
}

static gboolean
add_keys (TessOmemo *self, GPtrArray *targets, GPtrArray *skipped, const guint8 *secret, TessOmemoWireMessage *message,
          GError **error)
{
  for (guint i = 0; i < targets->len;)
    {
      const Target *target = g_ptr_array_index (targets, i);
      g_autoptr (GError) local_error = NULL;

      if (add_key (self, target->jid, target->id, target->ratchet, secret, message, &local_error))
        {
          i++;
          continue;
        }
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          store_failed (error);
          return FALSE;
        }
      skip (skipped, target->jid, target->id, TESS_OMEMO_SKIPPED_NO_BUNDLE);
      g_ptr_array_remove_index (targets, i);
    }
  return TRUE;
}

static GPtrArray *
gather (TessOmemo *self, TessJid **recipients, gsize n)
{
  GPtrArray *jids = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_jid_unref);

  for (gsize i = 0; i < n; i++)
    {
      TessJid *bare = tess_jid_get_bare (recipients[i]);

      if (!g_ptr_array_find_with_equal_func (jids, bare, tess_jid_equal, NULL))
        g_ptr_array_add (jids, tess_jid_ref (bare));
    }
  return jids;
}

TessNode *
tess_omemo_encrypt (TessOmemo *self, TessJid **recipients, gsize n, const char *text, GPtrArray **skipped_out,
                    GError **error)
{
  g_autoptr (GPtrArray) jids = gather (self, recipients, n);
  g_autoptr (GPtrArray) targets = g_ptr_array_new_with_free_func (target_free);
  g_autoptr (GPtrArray) skipped = g_ptr_array_new_with_free_func (skipped_free);
  g_autoptr (TessOmemoWireMessage) message = tess_omemo_wire_message_new (self->device);
  guint8 secret[RATCHET_BYTES];
  guint n_recipients = jids->len;
  gboolean done;

  TESS_ASSERT_ENGINE ();
  if (!g_ptr_array_find_with_equal_func (jids, self->account, tess_jid_equal, NULL))
    g_ptr_array_add (jids, tess_jid_ref (self->account));
  done = plan (self, jids, targets, skipped, error) && check_reach (jids, n_recipients, targets, skipped, error);
  if (done)
    {
      seal (message, text, secret);
      done = add_keys (self, targets, skipped, secret, message, error)
             && check_reach (jids, n_recipients, targets, skipped, error);
      tess_wipe (secret, sizeof secret);
    }
  if (skipped_out != NULL)
    *skipped_out = g_steal_pointer (&skipped);
  return done ? tess_omemo_axolotl_build_message (message) : NULL;
}

/* An empty message carries a key and a tag like any other, which nothing was encrypted with: clients disagree on
 * whether 16 bytes will do, and none refuses 32. */
static TessNode *
build_empty (TessOmemo *self, const TessOmemoDevice *device, gboolean new_session, GError **error)
{
  g_autoptr (TessOmemoWireMessage) message = tess_omemo_wire_message_new (self->device);
  g_autoptr (TessOmemoRatchet) ratchet = NULL;
  guint8 secret[RATCHET_BYTES];
  gboolean done;

  ratchet = tess_omemo_ratchet_open (self->signal, device->jid, device->id, device->has_key ? device->key : NULL, error);
  if (ratchet == NULL)
    return NULL;
  if (new_session)
    {
      const TessOmemoBundle *bundle = tess_omemo_kept_bundle (self, device->jid, device->id, TRUE);

      if (bundle == NULL || !tess_omemo_ratchet_start (ratchet, bundle, error))
        return NULL;
    }
  if (!tess_omemo_ratchet_has_session (ratchet))
    return NULL;
  seal (message, "", secret);
  g_clear_pointer (&message->payload, g_bytes_unref);
  done = add_key (self, device->jid, device->id, ratchet, secret, message, error);
  tess_wipe (secret, sizeof secret);
  return done ? tess_omemo_axolotl_build_message (message) : NULL;
}

static gboolean
send_in_transaction (TessOmemo *self, TessJid *jid, guint32 id, gboolean new_session)
{
  g_autoptr (TessOmemoDevice) device = NULL;
  g_autoptr (TessNode) encrypted = NULL;
  g_autoptr (GError) error = NULL;

  if (!self->store.begin (self->store_data, &error))
    {
      tess_omemo_refused (self, "no empty message", error);
      return FALSE;
    }
  if (self->store.load_device (self->store_data, jid, id, &device, &error) && device != NULL
      && device->trust != TESS_OMEMO_TRUST_DISTRUSTED && (!new_session || (device->has_key && !device->key_alarm)))
    encrypted = build_empty (self, device, new_session, &error);
  if (encrypted == NULL || !self->store.commit (self->store_data, &error))
    {
      self->store.rollback (self->store_data);
      if (tess_omemo_is_store_error (error))
        tess_omemo_refused (self, "no empty message", error);
      else
        g_debug ("no empty message to device %u: %s", id, error != NULL ? error->message : "not possible");
      return FALSE;
    }
  self->transport.send_empty (self->transport_data, jid, g_steal_pointer (&encrypted));
  return TRUE;
}

/* Over the session that is there: an answer to a key exchange, or a heartbeat. */
gboolean
tess_omemo_send_empty (TessOmemo *self, TessJid *jid, guint32 device)
{
  return send_in_transaction (self, jid, device, FALSE);
}

/* Over a new session from the bundle that was fetched just now; the old one stays in its archive, for messages that
 * are on their way. */
gboolean
tess_omemo_start_session (TessOmemo *self, TessJid *jid, guint32 device)
{
  TessOmemoContact *contact = tess_omemo_get_contact (self, jid);

  if (!send_in_transaction (self, jid, device, TRUE))
    return FALSE;
  g_hash_table_remove (contact->bundles, GUINT_TO_POINTER (device)); /* its prekey is spent */
  return TRUE;
}
