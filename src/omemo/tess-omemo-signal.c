/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-signal-private.h"

#include "crypto/tess-crypto.h"

#include <signal/curve.h>
#include <signal/key_helper.h>
#include <signal/ratchet.h>
#include <signal/session_pre_key.h>

#include <string.h>

#define DJB_TYPE 0x05
#define PREKEY_FRESH 0
#define PREKEY_USED 1

static int
random_cb (uint8_t *data, size_t length, void *user_data)
{
  tess_random_bytes (data, length);
  return SG_SUCCESS;
}

static int
hmac_init_cb (void **context, const uint8_t *key, size_t length, void *user_data)
{
  *context = tess_digest_new_hmac (TESS_HASH_SHA256, key, length);
  return SG_SUCCESS;
}

static int
digest_init_cb (void **context, void *user_data)
{
  *context = tess_digest_new (TESS_HASH_SHA512);
  return SG_SUCCESS;
}

static int
digest_update_cb (void *context, const uint8_t *data, size_t length, void *user_data)
{
  tess_digest_update (context, data, length);
  return SG_SUCCESS;
}

static int
digest_final_cb (void *context, signal_buffer **output, void *user_data)
{
  guint8 result[TESS_HASH_MAX_SIZE];

  tess_digest_finish (context, result);
  *output = signal_buffer_create (result, tess_digest_get_size (context));
  tess_wipe (result, sizeof result);
  return *output == NULL ? SG_ERR_NOMEM : SG_SUCCESS;
}

static void
digest_free_cb (void *context, void *user_data)
{
  tess_digest_free (context);
}

static gboolean
cipher_is_possible (int cipher, size_t key_length, size_t iv_length)
{
  return (cipher == SG_CIPHER_AES_CBC_PKCS5 || cipher == SG_CIPHER_AES_CTR_NOPADDING)
         && (key_length == 16 || key_length == 32) && iv_length == TESS_AES_BLOCK_SIZE;
}

static int
run_ctr (signal_buffer **output, const uint8_t *key, size_t key_length, const uint8_t *iv, const uint8_t *in,
         size_t length)
{
  *output = signal_buffer_alloc (length);
  if (*output == NULL)
    return SG_ERR_NOMEM;
  tess_aes_ctr (key, key_length, iv, in, length, signal_buffer_data (*output));
  return SG_SUCCESS;
}

static int
encrypt_cb (signal_buffer **output, int cipher, const uint8_t *key, size_t key_length, const uint8_t *iv,
            size_t iv_length, const uint8_t *plain, size_t length, void *user_data)
{
  guint8 *result;
  gsize size;

  if (!cipher_is_possible (cipher, key_length, iv_length))
    return SG_ERR_INVAL;
  if (cipher == SG_CIPHER_AES_CTR_NOPADDING)
    return run_ctr (output, key, key_length, iv, plain, length);
  result = tess_aes_cbc_encrypt (key, key_length, iv, plain, length, &size);
  *output = signal_buffer_create (result, size);
  g_free (result);
  return *output == NULL ? SG_ERR_NOMEM : SG_SUCCESS;
}

static int
decrypt_cb (signal_buffer **output, int cipher, const uint8_t *key, size_t key_length, const uint8_t *iv,
            size_t iv_length, const uint8_t *in, size_t length, void *user_data)
{
  guint8 *result;
  gsize size;

  if (!cipher_is_possible (cipher, key_length, iv_length))
    return SG_ERR_INVAL;
  if (cipher == SG_CIPHER_AES_CTR_NOPADDING)
    return run_ctr (output, key, key_length, iv, in, length);
  result = tess_aes_cbc_decrypt (key, key_length, iv, in, length, &size);
  if (result == NULL)
    return SG_ERR_INVALID_MESSAGE;
  *output = signal_buffer_create (result, size);
  tess_wipe_free (result, size);
  return *output == NULL ? SG_ERR_NOMEM : SG_SUCCESS;
}

static void
lock_cb (void *user_data)
{
  TessOmemoSignal *self = user_data;

  g_rec_mutex_lock (&self->lock);
}

static void
unlock_cb (void *user_data)
{
  TessOmemoSignal *self = user_data;

  g_rec_mutex_unlock (&self->lock);
}

static void
log_cb (int level, const char *message, size_t length, void *user_data)
{
  g_debug ("libsignal: %s", message);
}

TessOmemoSignal *
tess_omemo_signal_new (const TessOmemoStore *store, gpointer store_data)
{
  static const signal_crypto_provider provider = {
    .random_func = random_cb,
    .hmac_sha256_init_func = hmac_init_cb,
    .hmac_sha256_update_func = digest_update_cb,
    .hmac_sha256_final_func = digest_final_cb,
    .hmac_sha256_cleanup_func = digest_free_cb,
    .sha512_digest_init_func = digest_init_cb,
    .sha512_digest_update_func = digest_update_cb,
    .sha512_digest_final_func = digest_final_cb,
    .sha512_digest_cleanup_func = digest_free_cb,
    .encrypt_func = encrypt_cb,
    .decrypt_func = decrypt_cb,
  };
  TessOmemoSignal *self = g_new0 (TessOmemoSignal, 1);

  self->store = store;
  self->store_data = store_data;
  self->sound = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) g_bytes_unref, NULL);
  g_rec_mutex_init (&self->lock);
  if (signal_context_create (&self->context, self) < 0
      || signal_context_set_crypto_provider (self->context, &provider) < 0
      || signal_context_set_locking_functions (self->context, lock_cb, unlock_cb) < 0
      || signal_context_set_log_function (self->context, log_cb) < 0
      || signal_protocol_store_context_create (&self->store_context, self->context) < 0
      || !tess_omemo_ratchet_set_callbacks (self))
    g_error ("libsignal-protocol-c cannot be set up"); /* only without memory */
  return self;
}

void
tess_omemo_signal_free (TessOmemoSignal *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->sound);
  g_clear_pointer (&self->identity, ratchet_identity_key_pair_tess_unref);
  signal_protocol_store_context_destroy (self->store_context);
  signal_context_destroy (self->context);
  g_rec_mutex_clear (&self->lock);
  g_free (self);
}

void
tess_omemo_signal_forget_sound (TessOmemoSignal *self)
{
  g_hash_table_remove_all (self->sound);
}

typedef struct
{
  gsize  length;
  guint8 data[];
} Secret;

static void
secret_free (gpointer data)
{
  Secret *secret = data;

  tess_wipe_free (secret, sizeof *secret + secret->length);
}

GBytes *
tess_omemo_secret_bytes (const guint8 *data, gsize length)
{
  Secret *secret = g_malloc (sizeof *secret + length);

  secret->length = length;
  if (length > 0)
    memcpy (secret->data, data, length);
  return g_bytes_new_with_free_func (secret->data, length, secret_free, secret);
}

GBytes *
tess_omemo_take_buffer (signal_buffer *buffer)
{
  GBytes *bytes = tess_omemo_secret_bytes (signal_buffer_data (buffer), signal_buffer_len (buffer));

  signal_buffer_bzero_free (buffer);
  return bytes;
}

gboolean
tess_omemo_read_point (const ec_public_key *point, guint8 *key)
{
  signal_buffer *buffer = NULL;
  gboolean fits;

  if (point == NULL || ec_public_key_serialize (&buffer, point) < 0)
    return FALSE;
  fits = signal_buffer_len (buffer) == TESS_OMEMO_SERIAL_KEY_BYTES;
  if (fits)
    memcpy (key, signal_buffer_data (buffer) + 1, TESS_OMEMO_KEY_BYTES);
  signal_buffer_free (buffer);
  return fits;
}

gboolean
tess_omemo_make_point (TessOmemoSignal *signal, const guint8 *key, ec_public_key **point)
{
  guint8 serial[TESS_OMEMO_SERIAL_KEY_BYTES] = { DJB_TYPE };

  memcpy (serial + 1, key, TESS_OMEMO_KEY_BYTES);
  return curve_decode_point (point, serial, sizeof serial, signal->context) >= 0;
}

GBytes *
tess_omemo_signal_make_identity (TessOmemoSignal *self)
{
  g_autoptr (ratchet_identity_key_pair) pair = NULL;
  signal_buffer *buffer = NULL;

  if (signal_protocol_key_helper_generate_identity_key_pair (&pair, self->context) < 0
      || ratchet_identity_key_pair_serialize (&buffer, pair) < 0)
    return NULL;
  return tess_omemo_take_buffer (buffer);
}

gboolean
tess_omemo_signal_set_local (TessOmemoSignal *self, guint32 id, GBytes *identity)
{
  ratchet_identity_key_pair *pair = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (identity, &size);

  if (data == NULL || ratchet_identity_key_pair_deserialize (&pair, data, size, self->context) < 0)
    return FALSE;
  g_clear_pointer (&self->identity, ratchet_identity_key_pair_tess_unref);
  self->identity = pair;
  self->local_id = id;
  return tess_omemo_read_point (ratchet_identity_key_pair_get_public (pair), self->key);
}

const guint8 *
tess_omemo_signal_get_key (TessOmemoSignal *self)
{
  return self->key;
}

GBytes *
tess_omemo_signal_make_prekey (TessOmemoSignal *self, guint32 id)
{
  g_autoptr (ec_key_pair) pair = NULL;
  g_autoptr (session_pre_key) prekey = NULL;
  g_autoptr (GBytes) bare = NULL;
  signal_buffer *buffer = NULL;

  if (curve_generate_key_pair (self->context, &pair) < 0 || session_pre_key_create (&prekey, id, pair) < 0
      || session_pre_key_serialize (&buffer, prekey) < 0)
    return NULL;
  bare = tess_omemo_take_buffer (buffer);
  {
    gsize size;
    const guint8 *data = g_bytes_get_data (bare, &size);
    Secret *secret = g_malloc (sizeof *secret + size + 1);

    secret->length = size + 1;
    secret->data[0] = PREKEY_FRESH;
    memcpy (secret->data + 1, data, size);
    return g_bytes_new_with_free_func (secret->data, size + 1, secret_free, secret);
  }
}

gboolean
tess_omemo_prekey_is_used (GBytes *blob)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (blob, &size);

  return size == 0 || data[0] != PREKEY_FRESH;
}

GBytes *
tess_omemo_prekey_set_used (GBytes *blob, gboolean used)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (blob, &size);
  GBytes *copy = tess_omemo_secret_bytes (data, size);

  if (size > 0)
    ((guint8 *) g_bytes_get_data (copy, NULL))[0] = used ? PREKEY_USED : PREKEY_FRESH; /* nobody else has it yet */
  return copy;
}

GBytes *
tess_omemo_signal_make_signed_prekey (TessOmemoSignal *self, guint32 id, gint64 now_us)
{
  g_autoptr (session_signed_pre_key) prekey = NULL;
  signal_buffer *buffer = NULL;

  if (signal_protocol_key_helper_generate_signed_pre_key (&prekey, self->identity, id, (guint64) (now_us / 1000),
                                                          self->context) < 0
      || session_signed_pre_key_serialize (&buffer, prekey) < 0)
    return NULL;
  return tess_omemo_take_buffer (buffer);
}

gboolean
tess_omemo_signal_read_prekey (TessOmemoSignal *self, GBytes *blob, guint8 *key)
{
  g_autoptr (session_pre_key) prekey = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (blob, &size);

  return size > 1 && session_pre_key_deserialize (&prekey, data + 1, size - 1, self->context) >= 0
         && tess_omemo_read_point (ec_key_pair_get_public (session_pre_key_get_key_pair (prekey)), key);
}

gboolean
tess_omemo_signal_read_signed_prekey (TessOmemoSignal *self, GBytes *blob, guint8 *key, guint8 *signature)
{
  g_autoptr (session_signed_pre_key) prekey = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (blob, &size);

  if (size == 0 || session_signed_pre_key_deserialize (&prekey, data, size, self->context) < 0
      || session_signed_pre_key_get_signature_len (prekey) != TESS_OMEMO_SIGNATURE_BYTES)
    return FALSE;
  memcpy (signature, session_signed_pre_key_get_signature (prekey), TESS_OMEMO_SIGNATURE_BYTES);
  return tess_omemo_read_point (ec_key_pair_get_public (session_signed_pre_key_get_key_pair (prekey)), key);
}

gboolean
tess_omemo_signal_verify_bundle (TessOmemoSignal *self, const TessOmemoBundle *bundle)
{
  g_autoptr (ec_public_key) identity = NULL;
  guint8 serial[TESS_OMEMO_SERIAL_KEY_BYTES] = { DJB_TYPE };

  memcpy (serial + 1, bundle->signed_key, TESS_OMEMO_KEY_BYTES);
  return tess_omemo_make_point (self, bundle->identity, &identity)
         && curve_verify_signature (identity, serial, sizeof serial, bundle->signature, sizeof bundle->signature) == 1;
}
