/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-crypto"

#include "config.h"

#include "crypto/tess-crypto.h"

#include <gcrypt.h>
#include <string.h>

#define NEEDED_GCRYPT "1.8.0"
#define HKDF_MAX_BLOCKS 255
#define CANCEL_CHECK_MASK 0x0fff

struct _TessDigest
{
  gcry_md_hd_t handle;
  TessHash     hash;
};

/* What fails here is a mistake in Tessera or a broken libgcrypt: going on would be worse than ending. */
static void
must (gcry_error_t error, const char *what)
{
  if (G_UNLIKELY (error != 0))
    g_error ("libgcrypt cannot %s: %s", what, gcry_strerror (error));
}

void
tess_crypto_init (void)
{
  static gsize done = 0;

  if (!g_once_init_enter (&done))
    return;

  /* libsecret or another library of the process may have been first. */
  if (gcry_control (GCRYCTL_INITIALIZATION_FINISHED_P) == 0)
    {
      if (gcry_check_version (NEEDED_GCRYPT) == NULL)
        g_error ("libgcrypt is older than " NEEDED_GCRYPT);
      gcry_control (GCRYCTL_DISABLE_SECMEM, 0);
      gcry_control (GCRYCTL_INITIALIZATION_FINISHED, 0);
    }
  g_once_init_leave (&done, 1);
}

void
tess_random_bytes (guint8 *out, gsize length)
{
  tess_crypto_init ();
  if (length > 0)
    gcry_randomize (out, length, GCRY_STRONG_RANDOM);
}

static int
hash_algorithm (TessHash hash)
{
  switch (hash)
    {
    case TESS_HASH_SHA1:
      return GCRY_MD_SHA1;
    case TESS_HASH_SHA256:
      return GCRY_MD_SHA256;
    case TESS_HASH_SHA512:
      return GCRY_MD_SHA512;
    default:
      g_assert_not_reached ();
    }
}

gsize
tess_hash_size (TessHash hash)
{
  switch (hash)
    {
    case TESS_HASH_SHA1:
      return TESS_SHA1_SIZE;
    case TESS_HASH_SHA256:
      return TESS_SHA256_SIZE;
    case TESS_HASH_SHA512:
      return TESS_SHA512_SIZE;
    default:
      g_assert_not_reached ();
    }
}

void
tess_hash (TessHash hash, const guint8 *data, gsize length, guint8 *out)
{
  tess_crypto_init ();
  gcry_md_hash_buffer (hash_algorithm (hash), out, length > 0 ? data : (const guint8 *) "", length);
}

void
tess_sha1 (const guint8 *data, gsize length, guint8 out[TESS_SHA1_SIZE])
{
  tess_hash (TESS_HASH_SHA1, data, length, out);
}

void
tess_sha256 (const guint8 *data, gsize length, guint8 out[TESS_SHA256_SIZE])
{
  tess_hash (TESS_HASH_SHA256, data, length, out);
}

void
tess_sha512 (const guint8 *data, gsize length, guint8 out[TESS_SHA512_SIZE])
{
  tess_hash (TESS_HASH_SHA512, data, length, out);
}

TessDigest *
tess_digest_new (TessHash hash)
{
  TessDigest *self = g_new0 (TessDigest, 1);

  tess_crypto_init ();
  self->hash = hash;
  must (gcry_md_open (&self->handle, hash_algorithm (hash), 0), "open a digest");

  return self;
}

TessDigest *
tess_digest_new_hmac (TessHash hash, const guint8 *key, gsize key_length)
{
  TessDigest *self = g_new0 (TessDigest, 1);

  tess_crypto_init ();
  self->hash = hash;
  must (gcry_md_open (&self->handle, hash_algorithm (hash), GCRY_MD_FLAG_HMAC), "open an HMAC");
  must (gcry_md_setkey (self->handle, key_length > 0 ? key : (const guint8 *) "", key_length),
        "set an HMAC key");

  return self;
}

void
tess_digest_update (TessDigest *self, const guint8 *data, gsize length)
{
  if (length > 0)
    gcry_md_write (self->handle, data, length);
}

void
tess_digest_finish (TessDigest *self, guint8 *out)
{
  memcpy (out, gcry_md_read (self->handle, 0), tess_hash_size (self->hash));
  gcry_md_reset (self->handle);
}

gsize
tess_digest_get_size (TessDigest *self)
{
  return tess_hash_size (self->hash);
}

void
tess_digest_free (TessDigest *self)
{
  if (self == NULL)
    return;
  gcry_md_close (self->handle); /* wipes its context */
  g_free (self);
}

void
tess_hmac (TessHash      hash,
           const guint8 *key,
           gsize         key_length,
           const guint8 *data,
           gsize         length,
           guint8       *out)
{
  g_autoptr (TessDigest) hmac = tess_digest_new_hmac (hash, key, key_length);

  tess_digest_update (hmac, data, length);
  tess_digest_finish (hmac, out);
}

void
tess_hkdf_sha256 (const guint8 *secret,
                  gsize         secret_length,
                  const guint8 *salt,
                  gsize         salt_length,
                  const guint8 *info,
                  gsize         info_length,
                  guint8       *out,
                  gsize         out_length)
{
  static const guint8    zeros[TESS_SHA256_SIZE] = { 0 };
  g_autoptr (TessDigest) expand = NULL;
  guint8                 key[TESS_SHA256_SIZE];
  guint8                 block[TESS_SHA256_SIZE];

  g_return_if_fail (out_length <= HKDF_MAX_BLOCKS * TESS_SHA256_SIZE);

  tess_hmac (TESS_HASH_SHA256, salt_length > 0 ? salt : zeros,
             salt_length > 0 ? salt_length : sizeof zeros, secret, secret_length, key);
  expand = tess_digest_new_hmac (TESS_HASH_SHA256, key, sizeof key);

  for (gsize done = 0, counter = 1; done < out_length; counter++)
    {
      gsize  part = MIN (sizeof block, out_length - done);
      guint8 octet = (guint8) counter;

      if (counter > 1)
        tess_digest_update (expand, block, sizeof block);
      tess_digest_update (expand, info, info_length);
      tess_digest_update (expand, &octet, 1);
      tess_digest_finish (expand, block);
      memcpy (out + done, block, part);
      done += part;
    }

  tess_wipe (key, sizeof key);
  tess_wipe (block, sizeof block);
}

gboolean
tess_pbkdf2 (TessHash      hash,
             const guint8 *password,
             gsize         password_length,
             const guint8 *salt,
             gsize         salt_length,
             guint         iterations,
             GCancellable *cancellable,
             guint8       *out)
{
  /* By hand and not by gcry_kdf_derive (), which cannot be cancelled. */
  static const guint8    first_block[4] = { 0, 0, 0, 1 };
  g_autoptr (TessDigest) hmac = tess_digest_new_hmac (hash, password, password_length);
  gsize                  size = tess_hash_size (hash);
  guint8                 u[TESS_HASH_MAX_SIZE];
  gboolean               finished = TRUE;

  g_return_val_if_fail (iterations >= 1, FALSE);

  tess_digest_update (hmac, salt, salt_length);
  tess_digest_update (hmac, first_block, sizeof first_block);
  tess_digest_finish (hmac, u);
  memcpy (out, u, size);

  for (guint i = 1; i < iterations; i++)
    {
      if ((i & CANCEL_CHECK_MASK) == 0 && g_cancellable_is_cancelled (cancellable))
        {
          tess_wipe (out, size);
          finished = FALSE;
          break;
        }
      tess_digest_update (hmac, u, size);
      tess_digest_finish (hmac, u);
      for (gsize j = 0; j < size; j++)
        out[j] ^= u[j];
    }
  tess_wipe (u, sizeof u);

  return finished;
}

static int
aes_algorithm (gsize key_length)
{
  return key_length == 16 ? GCRY_CIPHER_AES128 : key_length == 32 ? GCRY_CIPHER_AES256 : 0;
}

static gcry_cipher_hd_t
open_aes (int mode, const guint8 *key, gsize key_length)
{
  gcry_cipher_hd_t handle;
  int              algorithm = aes_algorithm (key_length);

  tess_crypto_init ();
  if (algorithm == 0)
    g_error ("An AES key of %" G_GSIZE_FORMAT " bytes", key_length);
  must (gcry_cipher_open (&handle, algorithm, mode, 0), "open AES");
  must (gcry_cipher_setkey (handle, key, key_length), "set an AES key");

  return handle;
}

/* libgcrypt works in place when there is no input, and wants a pointer in any case. */
static gcry_error_t
run (gcry_cipher_hd_t handle,
     gcry_error_t (*function) (gcry_cipher_hd_t, void *, size_t, const void *, size_t),
     const guint8 *in,
     gsize         length,
     guint8       *out)
{
  guint8 nothing = 0;

  if (length == 0)
    return function (handle, &nothing, 0, &nothing, 0);
  if (in == out)
    return function (handle, out, length, NULL, 0);
  return function (handle, out, length, in, length);
}

typedef struct
{
  gcry_cipher_hd_t by_size[2]; /* nullable: AES-128, AES-256 */
} GcmHandles;

static void
gcm_handles_free (gpointer data)
{
  GcmHandles *self = data;

  for (gsize i = 0; i < G_N_ELEMENTS (self->by_size); i++)
    gcry_cipher_close (self->by_size[i]); /* takes NULL */
  g_free (self);
}

static GPrivate gcm_handles = G_PRIVATE_INIT (gcm_handles_free);

/* A handle of this thread, to be given back by close_gcm (). Kept, because libgcrypt gathers entropy whenever one is opened, which
 * takes longer than to decrypt a message. */
static gcry_cipher_hd_t
open_gcm (const guint8 *key,
          gsize         key_length,
          const guint8 *iv,
          gsize         iv_length,
          const guint8 *aad,
          gsize         aad_length)
{
  GcmHandles       *handles = g_private_get (&gcm_handles);
  gcry_cipher_hd_t *handle;

  if (aes_algorithm (key_length) == 0)
    g_error ("An AES key of %" G_GSIZE_FORMAT " bytes", key_length);
  if (handles == NULL)
    {
      handles = g_new0 (GcmHandles, 1);
      g_private_set (&gcm_handles, handles);
    }
  handle = &handles->by_size[key_length == 16 ? 0 : 1];
  if (*handle == NULL)
    *handle = open_aes (GCRY_CIPHER_MODE_GCM, key, key_length);
  else
    must (gcry_cipher_setkey (*handle, key, key_length), "set an AES key");

  must (gcry_cipher_setiv (*handle, iv, iv_length), "set a GCM IV");
  if (aad_length > 0)
    must (gcry_cipher_authenticate (*handle, aad, aad_length), "authenticate data");

  return *handle;
}

/* The next one finds no key in it, nor anything of what was computed with it. */
static void
close_gcm (gcry_cipher_hd_t handle, gsize key_length)
{
  static const guint8 no_key[32] = { 0 };

  must (gcry_cipher_setkey (handle, no_key, key_length), "forget an AES key");
  must (gcry_cipher_reset (handle), "forget an IV");
}

void
tess_aes_gcm_encrypt (const guint8 *key,
                      gsize         key_length,
                      const guint8 *iv,
                      gsize         iv_length,
                      const guint8 *aad,
                      gsize         aad_length,
                      const guint8 *plain,
                      gsize         length,
                      guint8       *cipher,
                      guint8       *tag)
{
  gcry_cipher_hd_t handle;

  /* An empty IV would encrypt each message under the same key stream. */
  if (iv_length == 0)
    g_error ("GCM without an IV");

  handle = open_gcm (key, key_length, iv, iv_length, aad, aad_length);
  must (gcry_cipher_final (handle), "finish GCM");
  must (run (handle, gcry_cipher_encrypt, plain, length, cipher), "encrypt by GCM");
  must (gcry_cipher_gettag (handle, tag, TESS_GCM_TAG_SIZE), "give a GCM tag");
  close_gcm (handle, key_length);
}

gboolean
tess_aes_gcm_decrypt (const guint8 *key,
                      gsize         key_length,
                      const guint8 *iv,
                      gsize         iv_length,
                      const guint8 *aad,
                      gsize         aad_length,
                      const guint8 *cipher,
                      gsize         length,
                      const guint8 *tag,
                      guint8       *plain)
{
  gcry_cipher_hd_t handle;
  gcry_error_t     error;

  if (aes_algorithm (key_length) == 0 || iv_length == 0)
    {
      tess_wipe (plain, length);
      return FALSE;
    }

  handle = open_gcm (key, key_length, iv, iv_length, aad, aad_length);
  must (gcry_cipher_final (handle), "finish GCM");
  error = run (handle, gcry_cipher_decrypt, cipher, length, plain);
  if (error == 0)
    error = gcry_cipher_checktag (handle, tag, TESS_GCM_TAG_SIZE);
  close_gcm (handle, key_length);
  if (error != 0)
    tess_wipe (plain, length);

  return error == 0;
}

guint8 *
tess_aes_cbc_encrypt (const guint8 *key,
                      gsize         key_length,
                      const guint8 *iv,
                      const guint8 *plain,
                      gsize         length,
                      gsize        *cipher_length)
{
  gcry_cipher_hd_t handle = open_aes (GCRY_CIPHER_MODE_CBC, key, key_length);
  gsize            padding = TESS_AES_BLOCK_SIZE - length % TESS_AES_BLOCK_SIZE;
  guint8          *cipher = g_malloc (length + padding);

  if (length > 0)
    memcpy (cipher, plain, length);
  memset (cipher + length, (int) padding, padding);
  must (gcry_cipher_setiv (handle, iv, TESS_AES_BLOCK_SIZE), "set a CBC IV");
  must (gcry_cipher_encrypt (handle, cipher, length + padding, NULL, 0), "encrypt by CBC");
  gcry_cipher_close (handle);
  *cipher_length = length + padding;

  return cipher;
}

guint8 *
tess_aes_cbc_decrypt (const guint8 *key,
                      gsize         key_length,
                      const guint8 *iv,
                      const guint8 *cipher,
                      gsize         length,
                      gsize        *plain_length)
{
  gcry_cipher_hd_t handle;
  guint8          *plain;
  guint8           padding;
  guint8           wrong;

  *plain_length = 0;
  if (aes_algorithm (key_length) == 0 || length == 0 || length % TESS_AES_BLOCK_SIZE != 0)
    return NULL;

  handle = open_aes (GCRY_CIPHER_MODE_CBC, key, key_length);
  plain = g_malloc (length);
  must (gcry_cipher_setiv (handle, iv, TESS_AES_BLOCK_SIZE), "set a CBC IV");
  must (gcry_cipher_decrypt (handle, plain, length, cipher, length), "decrypt by CBC");
  gcry_cipher_close (handle);

  padding = plain[length - 1];
  wrong = padding == 0 || padding > TESS_AES_BLOCK_SIZE;
  for (gsize i = 1; i <= TESS_AES_BLOCK_SIZE; i++)
    wrong |= (guint8) (i <= padding) & (guint8) (plain[length - i] != padding);
  if (wrong)
    {
      tess_wipe_free (plain, length);
      return NULL;
    }
  *plain_length = length - padding;

  return plain;
}

void
tess_aes_ctr (const guint8 *key,
              gsize         key_length,
              const guint8 *iv,
              const guint8 *in,
              gsize         length,
              guint8       *out)
{
  gcry_cipher_hd_t handle = open_aes (GCRY_CIPHER_MODE_CTR, key, key_length);

  must (gcry_cipher_setctr (handle, iv, TESS_AES_BLOCK_SIZE), "set a counter");
  must (run (handle, gcry_cipher_encrypt, in, length, out), "encrypt by CTR");
  gcry_cipher_close (handle);
}

gboolean
tess_equal_constant_time (const guint8 *a, const guint8 *b, gsize length)
{
  volatile guint8 difference = 0;

  for (gsize i = 0; i < length; i++)
    difference |= a[i] ^ b[i];

  return difference == 0;
}

void
tess_wipe (gpointer data, gsize length)
{
  if (data != NULL)
    explicit_bzero (data, length);
}

void
tess_wipe_free (gpointer data, gsize length)
{
  tess_wipe (data, length);
  g_free (data);
}

void
tess_wipe_string (char *text)
{
  if (text != NULL)
    tess_wipe_free (text, strlen (text));
}
