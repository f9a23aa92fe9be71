/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-private.h"

#include "crypto/tess-crypto.h"

#include <string.h>

#define AES_KEY_BYTES 16

static gboolean
refuse (GError **error, TessOmemoError code, const char *why)
{
  g_set_error (error, TESS_OMEMO_ERROR, code, "OMEMO: %s", why);
  return FALSE;
}

/* Errors of the store become ours: the caller acts on the code alone. */
static gboolean
store_failed (GError **error)
{
  if (error != NULL && *error != NULL && (*error)->domain != TESS_OMEMO_ERROR)
    {
      (*error)->domain = TESS_OMEMO_ERROR;
      (*error)->code = TESS_OMEMO_ERROR_STORE;
    }
  return FALSE;
}

/* The payload with what the ratchet carried (XEP-0384 0.3 section 4.5; attacks rows D9, D17). */
static gboolean
open_payload (const TessOmemoWireMessage *message, GBytes *secret, char **text, GError **error)
{
  gsize key_size;
  const guint8 *key = g_bytes_get_data (secret, &key_size);
  const guint8 *cipher;
  gsize length;
  char *plain;

  *text = NULL;
  if (key_size != AES_KEY_BYTES + TESS_GCM_TAG_SIZE && (key_size != AES_KEY_BYTES || message->payload != NULL))
    return refuse (error, TESS_OMEMO_ERROR_MALFORMED, "the key of the message has a wrong length");
  if (message->payload == NULL)
    return TRUE;

  cipher = g_bytes_get_data (message->payload, &length);
  plain = g_malloc (length + 1);
  plain[length] = '\0';
  if (!tess_aes_gcm_decrypt (key, AES_KEY_BYTES, message->iv, message->iv_length, NULL, 0, cipher, length,
                             key + AES_KEY_BYTES, (guint8 *) plain))
    {
      tess_wipe_free (plain, length + 1);
      return refuse (error, TESS_OMEMO_ERROR_UNDECRYPTABLE, "the payload was tampered with");
    }
  if (!g_utf8_validate_len (plain, length, NULL))
    {
      tess_wipe_free (plain, length + 1);
      return refuse (error, TESS_OMEMO_ERROR_MALFORMED, "the text is not UTF-8");
    }
  *text = plain;
  return TRUE;
}

/* How telling an error is, when several keys were tried for us. */
static int
rank (const GError *error)
{
  switch (error->code)
    {
    case TESS_OMEMO_ERROR_STORE:
      return 5;
    case TESS_OMEMO_ERROR_KEY_CHANGED:
      return 4;
    case TESS_OMEMO_ERROR_DUPLICATE:
      return 3;
    case TESS_OMEMO_ERROR_UNDECRYPTABLE:
    case TESS_OMEMO_ERROR_NO_SESSION:
      return 2;
    default:
      return 1;
    }
}

/* The same rid may stand there more than once (two people whose devices have the same number): each is tried. */
static GBytes *
try_keys (TessOmemoRatchet *ratchet, const TessOmemoWireMessage *message, GError **error)
{
  g_autoptr (GError) worst = NULL;

  for (guint i = 0; i < message->keys->len; i++)
    {
      g_autoptr (GError) local_error = NULL;
      GBytes *secret = tess_omemo_ratchet_decrypt (ratchet, g_ptr_array_index (message->keys, i), &local_error);

      if (secret != NULL)
        return secret;
      if (worst == NULL || rank (local_error) > rank (worst))
        {
          g_clear_error (&worst);
          worst = g_steal_pointer (&local_error);
        }
    }
  g_propagate_error (error, g_steal_pointer (&worst));
  return NULL;
}

/* The sender's row after a right MAC: made or completed, and never changed in its key. */
static gboolean
note_sender (TessOmemo *self, TessJid *from, guint32 sid, TessOmemoDevice **row, const TessOmemoReceived *received,
             gint64 sent_us, GError **error)
{
  TessOmemoDevice *device = *row;

  if (device == NULL)
    {
      device = *row = tess_omemo_device_new (from, sid);
      device->first_seen = self->now ();
      if (!tess_omemo_new_trust (self, from, &device->trust, error))
        return FALSE;
    }
  if (!device->has_key)
    {
      gboolean possible;

      if (!tess_omemo_step (self, device, TESS_OMEMO_TRUST_EVENT_KEY_LEARNT, &possible, error))
        return FALSE;
      device->has_key = TRUE;
      memcpy (device->key, received->key, TESS_OMEMO_KEY_BYTES);
      tess_omemo_mark (self->changed, from);
    }
  device->last_seen = MAX (device->last_seen, MIN (sent_us, self->now ()));
  return self->store.save_device (self->store_data, device, error);
}

static void
queue_answer (TessOmemo *self, TessJid *from, guint32 sid, const TessOmemoReceived *received)
{
  g_autoptr (GBytes) base_key = NULL;
  gboolean heartbeat = received->counter + 1 >= TESS_OMEMO_HEARTBEAT
                       && (!received->answered || (received->counter + 1) % TESS_OMEMO_HEARTBEAT == 0);

  if (received->exchange)
    {
      base_key = g_bytes_new (received->base_key, sizeof received->base_key);
      if (g_hash_table_contains (self->answered, base_key))
        g_clear_pointer (&base_key, g_bytes_unref);
    }
  if (base_key == NULL && !heartbeat)
    return;
  g_hash_table_insert (self->answers, tess_omemo_address_new (from, sid),
                       base_key != NULL ? g_steal_pointer (&base_key) : g_bytes_new (NULL, 0));
}

static gboolean
decrypt (TessOmemo *self, TessJid *from, const TessOmemoWireMessage *message, TessOmemoDevice **row, gint64 sent_us,
         TessOmemoPlain *plain, gboolean *repairable, GError **error)
{
  g_autoptr (TessOmemoRatchet) ratchet = NULL;
  g_autoptr (GBytes) secret = NULL;
  g_auto (TessSecretString) text = NULL;
  g_autoptr (GError) local_error = NULL;
  const TessOmemoReceived *received;

  ratchet = tess_omemo_ratchet_open (self->signal, from, message->sid,
                                     *row != NULL && (*row)->has_key ? (*row)->key : NULL, error);
  if (ratchet == NULL)
    return store_failed (error);
  secret = try_keys (ratchet, message, &local_error);
  if (secret == NULL)
    {
      /* A new session would not help against a payload that somebody changed on the way. */
      *repairable = local_error->code == TESS_OMEMO_ERROR_NO_SESSION
                    || local_error->code == TESS_OMEMO_ERROR_UNDECRYPTABLE;
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (!open_payload (message, secret, &text, error))
    return FALSE;

  received = tess_omemo_ratchet_get_received (ratchet);
  if ((*row == NULL || !(*row)->has_key)
      && !tess_omemo_check_owner (self, from, *row != NULL && (*row)->active, received->key, error))
    return store_failed (error);

  /* Only now is anything written: what was refused above has left no trace even before the caller rolls back. */
  if (!tess_omemo_ratchet_save (ratchet, self->catching_up, error)
      || !note_sender (self, from, message->sid, row, received, sent_us, error))
    return store_failed (error);
  self->prekeys_used |= received->prekey_used;
  self->prekeys_kept |= received->prekey_used && self->catching_up;
  queue_answer (self, from, message->sid, received);
  tess_omemo_address_drop (self->repairs, from, message->sid);

  plain->text = g_steal_pointer (&text);
  plain->device = message->sid;
  plain->trust = (*row)->trust;
  memcpy (plain->key, (*row)->key, TESS_OMEMO_KEY_BYTES);
  return TRUE;
}

static void
queue_repair (TessOmemo *self, TessJid *from, guint32 sid)
{
  if (!tess_omemo_address_has (self->repaired, from, sid)
      && g_hash_table_size (self->repaired) + g_hash_table_size (self->repairs) < TESS_OMEMO_MAX_REMEMBERED)
    tess_omemo_address_add (self->repairs, from, sid);
}

/* A device that its owner's list does not hold: the list may have changed. Asked once a stream for each. */
static void
queue_list (TessOmemo *self, TessJid *from, guint32 sid)
{
  if (tess_omemo_address_has (self->asked, from, sid)
      || g_hash_table_size (self->asked) >= TESS_OMEMO_MAX_REMEMBERED)
    return;
  tess_omemo_address_add (self->asked, from, sid);
  tess_omemo_mark (self->lists, from);
}

gboolean
tess_omemo_decrypt (TessOmemo *self, TessJid *from, const TessNode *encrypted, gint64 sent_us, TessOmemoPlain *plain,
                    GError **error)
{
  TessJid *bare = tess_jid_get_bare (from);
  g_autoptr (TessOmemoWireMessage) message = NULL;
  g_autoptr (TessOmemoDevice) row = NULL;
  g_autoptr (GError) local_error = NULL;
  gboolean repairable = FALSE;

  TESS_ASSERT_ENGINE ();
  memset (plain, 0, sizeof *plain);
  message = tess_omemo_axolotl_parse_message (encrypted, self->device, error);
  if (message == NULL)
    return FALSE;
  if (message->keys->len == 0 || (message->sid == self->device && tess_omemo_is_own (self, bare)))
    return refuse (error, TESS_OMEMO_ERROR_NOT_FOR_US, "no key for this device");
  if (!self->store.load_device (self->store_data, bare, message->sid, &row, error))
    return store_failed (error);

  if (row == NULL || !row->active)
    queue_list (self, bare, message->sid);
  if (decrypt (self, bare, message, &row, sent_us, plain, &repairable, &local_error))
    return TRUE;
  if (g_error_matches (local_error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_KEY_CHANGED))
    tess_omemo_address_add (self->alarms, bare, message->sid);
  else if (repairable && !self->deferring)
    queue_repair (self, bare, message->sid);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}
