/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "base/tess-hex.h"
#include "crypto/tess-crypto.h"

#include <string.h>

static guint8 *
unhex (const char *hex, gsize *length)
{
  guint8 *bytes = g_malloc0 (strlen (hex) / 2 + 1);

  *length = strlen (hex) / 2;
  g_assert_true (tess_hex_decode (hex, strlen (hex), bytes));
  return bytes;
}

static void
assert_hex (const guint8 *data, gsize length, const char *hex)
{
  g_autofree char *got = tess_hex_encode (data, length);

  g_assert_cmpstr (got, ==, hex);
}

static void
test_hash (void)
{
  guint8 out[TESS_HASH_MAX_SIZE];

  tess_sha1 ((const guint8 *) "abc", 3, out);
  assert_hex (out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
  tess_sha256 ((const guint8 *) "abc", 3, out);
  assert_hex (out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  tess_sha256 (NULL, 0, out);
  assert_hex (out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  tess_sha512 ((const guint8 *) "abc", 3, out);
  assert_hex (out, 64,
              "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
              "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

/* RFC 4231, cases 1 and 2; and an empty key. */
static void
test_hmac (void)
{
  g_autoptr (TessDigest) digest = NULL;
  guint8 key[20];
  guint8 out[TESS_HASH_MAX_SIZE];

  memset (key, 0x0b, sizeof key);
  tess_hmac (TESS_HASH_SHA256, key, sizeof key, (const guint8 *) "Hi There", 8, out);
  assert_hex (out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");

  digest = tess_digest_new_hmac (TESS_HASH_SHA256, (const guint8 *) "Jefe", 4);
  for (int again = 0; again < 2; again++)
    {
      tess_digest_update (digest, (const guint8 *) "what do ya want ", 16);
      tess_digest_update (digest, (const guint8 *) "for nothing?", 12);
      tess_digest_finish (digest, out);
      assert_hex (out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

  tess_hmac (TESS_HASH_SHA256, NULL, 0, NULL, 0, out);
  assert_hex (out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 5869, cases 1, 2 (82 bytes: three blocks) and 3 (no salt, no info). */
static void
test_hkdf (void)
{
  g_autofree guint8 *secret = NULL;
  g_autofree guint8 *salt = NULL;
  g_autofree guint8 *info = NULL;
  guint8 long_secret[80];
  guint8 long_salt[80];
  guint8 long_info[80];
  guint8 out[82];
  gsize  secret_length, salt_length, info_length;

  secret = unhex ("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", &secret_length);
  salt = unhex ("000102030405060708090a0b0c", &salt_length);
  info = unhex ("f0f1f2f3f4f5f6f7f8f9", &info_length);
  tess_hkdf_sha256 (secret, secret_length, salt, salt_length, info, info_length, out, 42);
  assert_hex (out, 42,
              "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");

  for (guint i = 0; i < 80; i++)
    {
      long_secret[i] = (guint8) i;
      long_salt[i] = (guint8) (0x60 + i);
      long_info[i] = (guint8) (0xb0 + i);
    }
  tess_hkdf_sha256 (long_secret, 80, long_salt, 80, long_info, 80, out, 82);
  assert_hex (out, 82,
              "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
              "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");

  tess_hkdf_sha256 (secret, secret_length, NULL, 0, NULL, 0, out, 42);
  assert_hex (out, 42,
              "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

/* RFC 6070 for SHA-1; the same input for the others, as widely published. */
static void
test_pbkdf2 (void)
{
  guint8 out[TESS_HASH_MAX_SIZE];

  g_assert_true (tess_pbkdf2 (TESS_HASH_SHA1, (const guint8 *) "password", 8, (const guint8 *) "salt", 4,
                              1, NULL, out));
  assert_hex (out, 20, "0c60c80f961f0e71f3a9b524af6012062fe037a6");
  g_assert_true (tess_pbkdf2 (TESS_HASH_SHA1, (const guint8 *) "password", 8, (const guint8 *) "salt", 4,
                              4096, NULL, out));
  assert_hex (out, 20, "4b007901b765489abead49d926f721d065a429c1");
  g_assert_true (tess_pbkdf2 (TESS_HASH_SHA256, (const guint8 *) "password", 8, (const guint8 *) "salt", 4,
                              4096, NULL, out));
  assert_hex (out, 32, "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a");
  g_assert_true (tess_pbkdf2 (TESS_HASH_SHA512, (const guint8 *) "password", 8, (const guint8 *) "salt", 4,
                              4096, NULL, out));
  assert_hex (out, 64,
              "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5"
              "143f30602641b3d55cd335988cb36b84376060ecd532e039b742a239434af2d5");
}

static void
test_pbkdf2_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint8 zeros[TESS_SHA256_SIZE] = { 0 };
  guint8 out[TESS_SHA256_SIZE];

  g_cancellable_cancel (cancellable);
  g_assert_false (tess_pbkdf2 (TESS_HASH_SHA256, (const guint8 *) "p", 1, (const guint8 *) "s", 1,
                               10000000, cancellable, out));
  g_assert_cmpmem (out, sizeof out, zeros, sizeof zeros);
}

/* The cases 1, 4, 6 (an IV of 60 bytes) and 16 of the GCM specification. */
static const struct
{
  const char *key, *iv, *aad, *plain, *cipher, *tag;
} gcm_cases[] = {
  { "00000000000000000000000000000000", "000000000000000000000000", "", "", "",
    "58e2fccefa7e3061367f1d57a4e7455a" },
  { "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
    "b16aedf5aa0de657ba637b39",
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05"
    "1ba30b396a0aac973d58e091",
    "5bc94fbc3221a5db94fae95ae7121a47" },
  { "feffe9928665731c6d6a8f9467308308",
    "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728c3c0c95156809539fcf0e2429a6b5254"
    "16aedbf5a0de6a57a637b39b",
    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
    "b16aedf5aa0de657ba637b39",
    "8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca701e4a9a4fba43c90ccdcb281d48c7c6f"
    "d62875d2aca417034c34aee5",
    "619cc5aefffe0bfa462af43c1699d050" },
  { "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
    "b16aedf5aa0de657ba637b39",
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
    "c5f61e6393ba7a0abcc9f662",
    "76fc6ece0f4e1768cddf8853bb2d551b" },
};

static void
test_gcm (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (gcm_cases); i++)
    {
      gsize key_length, iv_length, aad_length, length;
      g_autofree guint8 *key = unhex (gcm_cases[i].key, &key_length);
      g_autofree guint8 *iv = unhex (gcm_cases[i].iv, &iv_length);
      g_autofree guint8 *aad = unhex (gcm_cases[i].aad, &aad_length);
      g_autofree guint8 *plain = unhex (gcm_cases[i].plain, &length);
      g_autofree guint8 *out = g_malloc0 (length + 1);
      g_autofree guint8 *zeros = g_malloc0 (length + 1);
      guint8 tag[TESS_GCM_TAG_SIZE];

      tess_aes_gcm_encrypt (key, key_length, iv, iv_length, aad, aad_length, plain, length, out, tag);
      assert_hex (out, length, gcm_cases[i].cipher);
      assert_hex (tag, sizeof tag, gcm_cases[i].tag);

      /* In place. */
      g_assert_true (tess_aes_gcm_decrypt (key, key_length, iv, iv_length, aad, aad_length, out, length,
                                           tag, out));
      g_assert_cmpmem (out, length, plain, length);

      /* Every byte of the tag counts; nothing of the plain text is left. */
      tess_aes_gcm_encrypt (key, key_length, iv, iv_length, aad, aad_length, plain, length, out, tag);
      for (guint j = 0; j < sizeof tag; j++)
        {
          g_autofree guint8 *copy = g_malloc0 (length + 1);

          tag[j] ^= 1;
          g_assert_false (tess_aes_gcm_decrypt (key, key_length, iv, iv_length, aad, aad_length, out,
                                                length, tag, copy));
          g_assert_cmpmem (copy, length, zeros, length);
          tag[j] ^= 1;
        }
      g_assert_false (tess_aes_gcm_decrypt (key, 15, iv, iv_length, aad, aad_length, out, length, tag, out));
      g_assert_false (tess_aes_gcm_decrypt (key, key_length, iv, 0, aad, aad_length, out, length, tag, out));
    }
}

/* NIST SP 800-38A F.2.5 for the first block; then the padding at every length. */
static void
test_cbc (void)
{
  gsize key_length, iv_length, length, out_length, back_length;
  g_autofree guint8 *key = unhex ("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", &key_length);
  g_autofree guint8 *iv = unhex ("000102030405060708090a0b0c0d0e0f", &iv_length);
  g_autofree guint8 *plain = unhex ("6bc1bee22e409f96e93d7e117393172a", &length);
  g_autofree guint8 *cipher = tess_aes_cbc_encrypt (key, key_length, iv, plain, length, &out_length);
  guint8 data[48];

  g_assert_cmpuint (out_length, ==, 32);
  assert_hex (cipher, 16, "f58c4c04d6e5f1ba779eabfb5f7bfbd6");

  tess_random_bytes (data, sizeof data);
  for (gsize n = 0; n <= sizeof data; n++)
    {
      g_autofree guint8 *secret = tess_aes_cbc_encrypt (key, key_length, iv, data, n, &out_length);
      g_autofree guint8 *back = tess_aes_cbc_decrypt (key, key_length, iv, secret, out_length, &back_length);

      g_assert_cmpuint (out_length, ==, (n / 16 + 1) * 16);
      g_assert_nonnull (back);
      g_assert_cmpmem (back, back_length, data, n);
      g_assert_null (tess_aes_cbc_decrypt (key, key_length, iv, secret, out_length - 1, &back_length));
    }
  g_assert_null (tess_aes_cbc_decrypt (key, key_length, iv, data, 0, &back_length));
  g_assert_null (tess_aes_cbc_decrypt (key, 17, iv, data, 16, &back_length));
}

static void
test_cbc_padding (void)
{
  static const struct { guint8 last[3]; gboolean good; } cases[] = {
    { { 9, 9, 1 }, TRUE }, { { 9, 2, 2 }, TRUE }, { { 3, 3, 3 }, TRUE },
    { { 9, 9, 0 }, FALSE }, { { 9, 9, 2 }, FALSE }, { { 9, 3, 3 }, FALSE }, { { 9, 9, 17 }, FALSE },
    { { 16, 16, 16 }, FALSE }, { { 255, 255, 255 }, FALSE },
  };
  guint8 key[32] = { 1 };
  guint8 iv[16] = { 2 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint8 block[16] = { 0 };
      gsize  length;
      g_autofree guint8 *cipher = NULL;
      g_autofree guint8 *back = NULL;

      /* The first block of an encryption of one block has no padding in it: cut the second one off. */
      memcpy (block + 13, cases[i].last, 3);
      cipher = tess_aes_cbc_encrypt (key, sizeof key, iv, block, sizeof block, &length);
      back = tess_aes_cbc_decrypt (key, sizeof key, iv, cipher, 16, &length);
      g_assert_cmpint (back != NULL, ==, cases[i].good);
    }
}

/* NIST SP 800-38A F.5.5, two blocks, and a part of one. */
static void
test_ctr (void)
{
  gsize key_length, iv_length, length;
  g_autofree guint8 *key = unhex ("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", &key_length);
  g_autofree guint8 *iv = unhex ("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", &iv_length);
  g_autofree guint8 *plain =
    unhex ("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51", &length);
  guint8 out[32];

  tess_aes_ctr (key, key_length, iv, plain, length, out);
  assert_hex (out, 32, "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5");
  tess_aes_ctr (key, key_length, iv, plain, 21, out);
  assert_hex (out, 21, "601ec313775789a5b7a7f504bbf3d228f443e3ca4d");
}

static void
test_compare_and_wipe (void)
{
  guint8 a[4] = { 1, 2, 3, 4 };
  guint8 b[4] = { 1, 2, 3, 5 };
  guint8 zeros[4] = { 0 };

  g_assert_false (tess_equal_constant_time (a, b, 4));
  g_assert_true (tess_equal_constant_time (a, b, 3));
  g_assert_true (tess_equal_constant_time (NULL, NULL, 0));
  tess_wipe (a, sizeof a);
  g_assert_cmpmem (a, sizeof a, zeros, sizeof zeros);
  tess_wipe_string (NULL);
  tess_wipe_string (g_strdup ("secret"));
  tess_wipe_free (g_malloc (3), 3);
}

static void
test_random (void)
{
  guint8 a[32] = { 0 };
  guint8 b[32] = { 0 };

  tess_random_bytes (a, sizeof a);
  tess_random_bytes (b, sizeof b);
  g_assert_true (memcmp (a, b, sizeof a) != 0);
  tess_random_bytes (NULL, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/crypto/hash", test_hash);
  g_test_add_func ("/crypto/hmac", test_hmac);
  g_test_add_func ("/crypto/hkdf", test_hkdf);
  g_test_add_func ("/crypto/pbkdf2", test_pbkdf2);
  g_test_add_func ("/crypto/pbkdf2/cancelled", test_pbkdf2_cancelled);
  g_test_add_func ("/crypto/gcm", test_gcm);
  g_test_add_func ("/crypto/cbc", test_cbc);
  g_test_add_func ("/crypto/cbc/padding", test_cbc_padding);
  g_test_add_func ("/crypto/ctr", test_ctr);
  g_test_add_func ("/crypto/compare-and-wipe", test_compare_and_wipe);
  g_test_add_func ("/crypto/random", test_random);
  return g_test_run ();
}
