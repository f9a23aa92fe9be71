/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * The primitives that Tessera uses, over libgcrypt. Plain bytes in, plain bytes out; every function is
 * safe on any thread and initialises libgcrypt by itself. What can only fail by a mistake of the caller
 * (a key of a wrong length) ends the program; what a foreign byte can cause is a return value.
 * An input of length 0 may be NULL.
 */

typedef enum
{
  TESS_HASH_SHA1,   /* 20 bytes; only for SCRAM-SHA-1, XEP-0115 and the like */
  TESS_HASH_SHA256, /* 32 bytes */
  TESS_HASH_SHA512, /* 64 bytes */
} TessHash;

#define TESS_SHA1_SIZE 20
#define TESS_SHA256_SIZE 32
#define TESS_SHA512_SIZE 64
#define TESS_HASH_MAX_SIZE 64

#define TESS_AES_BLOCK_SIZE 16
#define TESS_GCM_TAG_SIZE 16

/**
 * tess_crypto_init:
 *
 * Initialises libgcrypt without secure memory (a page of locked memory is soon used up, and warns).
 * Called by all others; calling it early only moves the cost. Any thread, any number of times.
 */
void tess_crypto_init (void);

/* Fills @out from libgcrypt's strong generator. Any thread. */
void tess_random_bytes (guint8 *out, gsize length);

/* In bytes. */
gsize tess_hash_size (TessHash hash);

/**
 * tess_hash:
 * @out: (out caller-allocates): tess_hash_size() bytes
 *
 * The digest of @data.
 */
void tess_hash (TessHash hash, const guint8 *data, gsize length, guint8 *out);

void tess_sha1   (const guint8 *data, gsize length, guint8 out[TESS_SHA1_SIZE]);
void tess_sha256 (const guint8 *data, gsize length, guint8 out[TESS_SHA256_SIZE]);
void tess_sha512 (const guint8 *data, gsize length, guint8 out[TESS_SHA512_SIZE]);

/**
 * tess_hmac:
 * @out: (out caller-allocates): tess_hash_size() bytes
 *
 * HMAC (RFC 2104). @key may be empty.
 */
void tess_hmac (TessHash      hash,
                const guint8 *key,
                gsize         key_length,
                const guint8 *data,
                gsize         length,
                guint8       *out);

/**
 * TessDigest:
 *
 * A digest or an HMAC over bytes that come in pieces. One thread at a time.
 */
typedef struct _TessDigest TessDigest;

/* (transfer full): free with [func@tess_digest_free], which wipes it. */
TessDigest *tess_digest_new      (TessHash hash);
TessDigest *tess_digest_new_hmac (TessHash hash, const guint8 *key, gsize key_length);
void        tess_digest_update   (TessDigest *self, const guint8 *data, gsize length);
/* Writes the tess_hash_size() bytes of the result; @self starts again from nothing (with the same key). */
void        tess_digest_finish   (TessDigest *self, guint8 *out);
gsize       tess_digest_get_size (TessDigest *self);
void        tess_digest_free     (TessDigest *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessDigest, tess_digest_free)

/**
 * tess_hkdf_sha256:
 * @salt: (nullable): 32 zero bytes when empty (RFC 5869 section 2.2)
 * @out_length: at most 8160 bytes
 *
 * HKDF (RFC 5869), extract and expand.
 */
void tess_hkdf_sha256 (const guint8 *secret,
                       gsize         secret_length,
                       const guint8 *salt,
                       gsize         salt_length,
                       const guint8 *info,
                       gsize         info_length,
                       guint8       *out,
                       gsize         out_length);

/**
 * tess_pbkdf2:
 * @iterations: at least 1
 * @cancellable: (nullable): looked at every few thousand iterations
 * @out: (out caller-allocates): tess_hash_size() bytes: the first block, which is Hi() of RFC 5802
 *
 * PBKDF2-HMAC (RFC 8018 section 5.2). Slow by intent: call it in a worker thread
 * (`g_task_run_in_thread`), never on the engine's or the main thread.
 *
 * Returns: %FALSE when it was cancelled; @out holds zeros then
 */
gboolean tess_pbkdf2 (TessHash      hash,
                      const guint8 *password,
                      gsize         password_length,
                      const guint8 *salt,
                      gsize         salt_length,
                      guint         iterations,
                      GCancellable *cancellable,
                      guint8       *out);

/**
 * tess_aes_gcm_encrypt:
 * @key: 16 or 32 bytes (AES-128 or AES-256)
 * @iv: 12 bytes, or any other length from 1 (old OMEMO clients: 16)
 * @aad: (nullable): authenticated, not encrypted
 * @cipher: (out caller-allocates): @length bytes; may be @plain
 * @tag: (out caller-allocates): %TESS_GCM_TAG_SIZE bytes
 *
 * AES-GCM (NIST SP 800-38D) with the tag apart.
 */
void tess_aes_gcm_encrypt (const guint8 *key,
                           gsize         key_length,
                           const guint8 *iv,
                           gsize         iv_length,
                           const guint8 *aad,
                           gsize         aad_length,
                           const guint8 *plain,
                           gsize         length,
                           guint8       *cipher,
                           guint8       *tag);

/**
 * tess_aes_gcm_decrypt:
 * @key: 16 or 32 bytes
 * @iv: at least 1 byte
 * @tag: %TESS_GCM_TAG_SIZE bytes
 * @plain: (out caller-allocates): @length bytes; may be @cipher
 *
 * The lengths of a key or an IV that come from outside are to be checked before; wrong ones give %FALSE.
 * The tag is compared in constant time.
 *
 * Returns: %FALSE when the tag does not fit; @plain holds zeros then
 */
gboolean tess_aes_gcm_decrypt (const guint8 *key,
                               gsize         key_length,
                               const guint8 *iv,
                               gsize         iv_length,
                               const guint8 *aad,
                               gsize         aad_length,
                               const guint8 *cipher,
                               gsize         length,
                               const guint8 *tag,
                               guint8       *plain);

/**
 * tess_aes_cbc_encrypt:
 * @key: 16 or 32 bytes
 * @iv: 16 bytes
 * @cipher_length: (out): @length rounded up to the next multiple of 16 (a full block is added to a full one)
 *
 * AES-CBC with the padding of PKCS #5/#7, for libsignal.
 *
 * Returns: (transfer full) (array length=cipher_length): free with g_free ()
 */
guint8 *tess_aes_cbc_encrypt (const guint8 *key,
                              gsize         key_length,
                              const guint8 *iv,
                              const guint8 *plain,
                              gsize         length,
                              gsize        *cipher_length);

/**
 * tess_aes_cbc_decrypt:
 * @plain_length: (out): in bytes, without the padding
 *
 * Authenticate @cipher before: this one tells a bad padding from a good one.
 *
 * Returns: (transfer full) (nullable) (array length=plain_length): free with
 *   [func@tess_wipe_free]; %NULL for a wrong length of key or @cipher, or for bad padding
 */
guint8 *tess_aes_cbc_decrypt (const guint8 *key,
                              gsize         key_length,
                              const guint8 *iv,
                              const guint8 *cipher,
                              gsize         length,
                              gsize        *plain_length);

/**
 * tess_aes_ctr:
 * @key: 16 or 32 bytes
 * @iv: 16 bytes: the first counter block
 * @out: (out caller-allocates): @length bytes; may be @in
 *
 * AES-CTR without padding; the same function encrypts and decrypts.
 */
void tess_aes_ctr (const guint8 *key,
                   gsize         key_length,
                   const guint8 *iv,
                   const guint8 *in,
                   gsize         length,
                   guint8       *out);

/* Whether both hold the same bytes, in a time that depends on @length only. */
gboolean tess_equal_constant_time (const guint8 *a, const guint8 *b, gsize length);

/* Overwrites with zeros in a way that the compiler keeps. NULL is fine. */
void tess_wipe (gpointer data, gsize length);
/* Wipes and frees what g_malloc () gave. NULL is fine. */
void tess_wipe_free (gpointer data, gsize length);
/* Wipes and frees a string that g_malloc () gave. NULL is fine. */
void tess_wipe_string (char *text);

/* `g_auto (TessSecretString) password = …`: wiped and freed when it goes out of scope. */
typedef char *TessSecretString;
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (TessSecretString, tess_wipe_string, NULL)

G_END_DECLS
