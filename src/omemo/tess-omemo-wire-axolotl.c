/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-wire-axolotl.h"

#include <string.h>

#define NS TESS_OMEMO_AXOLOTL_NS
#define DJB_TYPE 0x05
#define MAX_PAYLOAD (1024 * 1024)

/* The u-coordinates of the points of order 1, 2, 4 and 8 of Curve25519 and of its twist, and those that reduce to
 * them, little-endian (RFC 7748 section 6.1 leaves the check to protocols; libsignal does none). */
static const guint8 low_order[][TESS_OMEMO_KEY_BYTES] = {
  { 0 },
  { 1 },
  { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
    0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
  { 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
    0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57 },
  { 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
  { 0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
  { 0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
};

gboolean
tess_omemo_key_is_low_order (const guint8 key[TESS_OMEMO_KEY_BYTES])
{
  guint8 masked[TESS_OMEMO_KEY_BYTES];

  memcpy (masked, key, sizeof masked);
  masked[TESS_OMEMO_KEY_BYTES - 1] &= 0x7f; /* ignored by X25519, so it must not hide a point from us */
  for (gsize i = 0; i < G_N_ELEMENTS (low_order); i++)
    {
      if (memcmp (masked, low_order[i], sizeof masked) == 0)
        return TRUE;
    }
  return FALSE;
}

/* The value of a digit of base64 (RFC 4648 section 4) and one more; 0 for what is none. */
static const guint8 base64_digits[256] = {
  ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,
  ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
  ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
  ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
  ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
  ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
  ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
  ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

GBytes *
tess_omemo_base64_decode (const char *text, gsize max)
{
  g_autofree guint8 *bytes = NULL;
  guint32 group = 0;
  gsize digits = 0;
  gsize padding = 0;
  gsize size = 0;

  if (text == NULL)
    return NULL;
  bytes = g_malloc (strlen (text) / 4 * 3 + 3);
  for (const char *at = text; *at != '\0'; at++)
    {
      guint8 digit = base64_digits[(guint8) *at];

      if (digit == 0)
        {
          if (*at == '=')
            padding++;
          else if (!g_ascii_isspace (*at))
            return NULL;
          continue;
        }
      if (padding > 0)
        return NULL;
      group = group << 6 | (guint32) (digit - 1);
      if (++digits % 4 == 0)
        {
          bytes[size++] = (guint8) (group >> 16);
          bytes[size++] = (guint8) (group >> 8);
          bytes[size++] = (guint8) group;
        }
    }
  if ((digits + padding) % 4 != 0 || padding > 2)
    return NULL;
  /* With two digits over there is one byte more, with three there are two; the bits that are left mean nothing. */
  if (padding == 2)
    bytes[size++] = (guint8) (group >> 4);
  else if (padding == 1)
    {
      bytes[size++] = (guint8) (group >> 10);
      bytes[size++] = (guint8) (group >> 2);
    }
  return size <= max ? g_bytes_new_take (g_steal_pointer (&bytes), size) : NULL;
}

static void
malformed (GError **error, const char *what)
{
  g_set_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED, "OMEMO: %s", what);
}

/* A public key as 0x05 and 32 bytes. */
static gboolean
parse_key (const char *text, guint8 *key)
{
  g_autoptr (GBytes) bytes = tess_omemo_base64_decode (text, TESS_OMEMO_SERIAL_KEY_BYTES);
  const guint8 *data;
  gsize size;

  if (bytes == NULL)
    return FALSE;
  data = g_bytes_get_data (bytes, &size);
  if (size != TESS_OMEMO_SERIAL_KEY_BYTES || data[0] != DJB_TYPE || tess_omemo_key_is_low_order (data + 1))
    return FALSE;
  memcpy (key, data + 1, TESS_OMEMO_KEY_BYTES);
  return TRUE;
}

static char *
format_key (const guint8 *key)
{
  guint8 serial[TESS_OMEMO_SERIAL_KEY_BYTES] = { DJB_TYPE };

  memcpy (serial + 1, key, TESS_OMEMO_KEY_BYTES);
  return g_base64_encode (serial, sizeof serial);
}

static TessNode *
add_number (TessNode *node, const char *attribute, guint32 value)
{
  char digits[16];

  g_snprintf (digits, sizeof digits, "%" G_GUINT32_FORMAT, value);
  tess_node_set (node, attribute, digits);
  return node;
}

GArray *
tess_omemo_axolotl_parse_list (const TessNode *list)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  guint looked_at = 0;

  if (!tess_node_is (list, "list", NS))
    return ids;
  for (TESS_NODE_EACH (device, list, "device", NS))
    {
      guint64 value;
      guint32 id;
      gboolean known = FALSE;

      if (looked_at++ >= TESS_OMEMO_MAX_DEVICES)
        break;
      if (!tess_node_get_uint (device, "id", TESS_OMEMO_MAX_DEVICE_ID, &value) || value == 0)
        continue;
      id = (guint32) value;
      for (guint i = 0; i < ids->len && !known; i++)
        known = g_array_index (ids, guint32, i) == id;
      if (!known)
        g_array_append_val (ids, id);
    }
  return ids;
}

TessNode *
tess_omemo_axolotl_build_list (GArray *ids)
{
  TessNode *list = tess_node_new ("list", NS);

  for (guint i = 0; i < ids->len; i++)
    add_number (tess_node_add (list, "device", NULL), "id", g_array_index (ids, guint32, i));
  return list;
}

TessOmemoBundle *
tess_omemo_bundle_new (void)
{
  TessOmemoBundle *self = g_new0 (TessOmemoBundle, 1);

  self->prekeys = g_array_new (FALSE, FALSE, sizeof (TessOmemoPublicPrekey));
  return self;
}

void
tess_omemo_bundle_free (TessOmemoBundle *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->prekeys);
  g_free (self);
}

gboolean
tess_omemo_bundle_equal (const TessOmemoBundle *a, const TessOmemoBundle *b)
{
  if (a->signed_id != b->signed_id || a->prekeys->len != b->prekeys->len
      || memcmp (a->identity, b->identity, sizeof a->identity) != 0
      || memcmp (a->signed_key, b->signed_key, sizeof a->signed_key) != 0
      || memcmp (a->signature, b->signature, sizeof a->signature) != 0)
    return FALSE;
  for (guint i = 0; i < a->prekeys->len; i++)
    {
      const TessOmemoPublicPrekey *one = &g_array_index (a->prekeys, TessOmemoPublicPrekey, i);
      const TessOmemoPublicPrekey *other = &g_array_index (b->prekeys, TessOmemoPublicPrekey, i);

      if (one->id != other->id || memcmp (one->key, other->key, sizeof one->key) != 0)
        return FALSE;
    }
  return TRUE;
}

static gboolean
parse_signature (const char *text, guint8 *signature)
{
  g_autoptr (GBytes) bytes = tess_omemo_base64_decode (text, TESS_OMEMO_SIGNATURE_BYTES);

  if (bytes == NULL || g_bytes_get_size (bytes) != TESS_OMEMO_SIGNATURE_BYTES)
    return FALSE;
  memcpy (signature, g_bytes_get_data (bytes, NULL), TESS_OMEMO_SIGNATURE_BYTES);
  return TRUE;
}

static void
parse_prekeys (const TessNode *prekeys, GArray *out)
{
  guint looked_at = 0;

  for (TESS_NODE_EACH (node, prekeys, "preKeyPublic", NS))
    {
      TessOmemoPublicPrekey prekey;
      guint64 id;

      if (looked_at++ >= TESS_OMEMO_MAX_PREKEYS)
        break;
      if (!tess_node_get_uint (node, "preKeyId", G_MAXUINT32, &id) || id == TESS_OMEMO_MAX_PREKEY_ID + 1
          || !parse_key (tess_node_get_text (node), prekey.key))
        continue;
      prekey.id = (guint32) id;
      g_array_append_val (out, prekey);
    }
}

TessOmemoBundle *
tess_omemo_axolotl_parse_bundle (const TessNode *node, GError **error)
{
  g_autoptr (TessOmemoBundle) bundle = tess_omemo_bundle_new ();
  const TessNode *signed_node;
  guint64 id;

  if (!tess_node_is (node, "bundle", NS))
    {
      malformed (error, "not a bundle");
      return NULL;
    }
  signed_node = tess_node_child (node, "signedPreKeyPublic", NS);
  if (signed_node == NULL || !tess_node_get_uint (signed_node, "signedPreKeyId", G_MAXUINT32, &id)
      || !parse_key (tess_node_get_text (signed_node), bundle->signed_key))
    {
      malformed (error, "a bundle without a usable signed prekey");
      return NULL;
    }
  bundle->signed_id = (guint32) id;
  if (!parse_signature (tess_node_child_text (node, "signedPreKeySignature", NS), bundle->signature))
    {
      malformed (error, "a bundle without a signature");
      return NULL;
    }
  if (!parse_key (tess_node_child_text (node, "identityKey", NS), bundle->identity))
    {
      malformed (error, "a bundle without a usable identity key");
      return NULL;
    }
  parse_prekeys (tess_node_child (node, "prekeys", NS), bundle->prekeys);
  if (bundle->prekeys->len == 0)
    {
      malformed (error, "a bundle without one-time prekeys");
      return NULL;
    }
  return g_steal_pointer (&bundle);
}

TessNode *
tess_omemo_axolotl_build_bundle (const TessOmemoBundle *bundle)
{
  TessNode *node = tess_node_new ("bundle", NS);
  TessNode *prekeys;
  g_autofree char *signed_key = format_key (bundle->signed_key);
  g_autofree char *signature = g_base64_encode (bundle->signature, sizeof bundle->signature);
  g_autofree char *identity = format_key (bundle->identity);

  add_number (tess_node_add_with_text (node, "signedPreKeyPublic", NULL, signed_key), "signedPreKeyId",
              bundle->signed_id);
  tess_node_add_with_text (node, "signedPreKeySignature", NULL, signature);
  tess_node_add_with_text (node, "identityKey", NULL, identity);
  prekeys = tess_node_add (node, "prekeys", NULL);
  for (guint i = 0; i < bundle->prekeys->len; i++)
    {
      const TessOmemoPublicPrekey *prekey = &g_array_index (bundle->prekeys, TessOmemoPublicPrekey, i);
      g_autofree char *key = format_key (prekey->key);

      add_number (tess_node_add_with_text (prekeys, "preKeyPublic", NULL, key), "preKeyId", prekey->id);
    }
  return node;
}

char *
tess_omemo_axolotl_bundle_node (guint32 device)
{
  return g_strdup_printf (TESS_OMEMO_AXOLOTL_BUNDLE_PREFIX "%" G_GUINT32_FORMAT, device);
}

static void
wire_key_free (gpointer data)
{
  TessOmemoWireKey *key = data;

  g_bytes_unref (key->data);
  g_free (key);
}

TessOmemoWireMessage *
tess_omemo_wire_message_new (guint32 sid)
{
  TessOmemoWireMessage *self = g_new0 (TessOmemoWireMessage, 1);

  self->sid = sid;
  self->keys = g_ptr_array_new_with_free_func (wire_key_free);
  return self;
}

/* @data: (transfer none). */
void
tess_omemo_wire_message_add_key (TessOmemoWireMessage *self, guint32 rid, gboolean prekey, GBytes *data)
{
  TessOmemoWireKey *key = g_new0 (TessOmemoWireKey, 1);

  key->rid = rid;
  key->prekey = prekey;
  key->data = g_bytes_ref (data);
  g_ptr_array_add (self->keys, key);
}

void
tess_omemo_wire_message_free (TessOmemoWireMessage *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->keys);
  g_clear_pointer (&self->payload, g_bytes_unref);
  g_free (self);
}

static gboolean
parse_iv (const TessNode *header, TessOmemoWireMessage *message)
{
  const TessNode *node = tess_node_child (header, "iv", NS);
  g_autoptr (GBytes) iv = NULL;
  gsize size;

  if (node == NULL)
    return TRUE;
  iv = tess_omemo_base64_decode (tess_node_get_text (node), sizeof message->iv);
  if (iv == NULL)
    return FALSE;
  size = g_bytes_get_size (iv);
  if (size != 12 && size != 16)
    return FALSE;
  memcpy (message->iv, g_bytes_get_data (iv, NULL), size);
  message->iv_length = size;
  return TRUE;
}

static gboolean
is_true (const char *text)
{
  return text != NULL && (g_str_equal (text, "true") || g_str_equal (text, "1"));
}

static gboolean
parse_keys (const TessNode *header, guint32 rid, TessOmemoWireMessage *message)
{
  guint looked_at = 0;

  for (TESS_NODE_EACH (node, header, "key", NS))
    {
      g_autoptr (GBytes) data = NULL;
      guint64 value;

      if (looked_at++ >= TESS_OMEMO_MAX_KEY_ELEMENTS)
        return FALSE;
      if (!tess_node_get_uint (node, "rid", G_MAXUINT32, &value) || value != rid)
        continue;
      if (message->keys->len >= TESS_OMEMO_MAX_OWN_KEYS)
        return FALSE;
      data = tess_omemo_base64_decode (tess_node_get_text (node), TESS_OMEMO_MAX_KEY_DATA);
      if (data == NULL || g_bytes_get_size (data) == 0)
        return FALSE;
      tess_omemo_wire_message_add_key (message, rid, is_true (tess_node_get (node, "prekey")), data);
    }
  return TRUE;
}

TessOmemoWireMessage *
tess_omemo_axolotl_parse_message (const TessNode *encrypted, guint32 rid, GError **error)
{
  g_autoptr (TessOmemoWireMessage) message = NULL;
  const TessNode *header;
  const TessNode *payload;
  guint64 sid;

  if (!tess_node_is (encrypted, "encrypted", NS))
    {
      malformed (error, "not an encrypted element");
      return NULL;
    }
  header = tess_node_child (encrypted, "header", NS);
  if (header == NULL || !tess_node_get_uint (header, "sid", TESS_OMEMO_MAX_DEVICE_ID, &sid) || sid == 0)
    {
      malformed (error, "no sending device is named");
      return NULL;
    }
  message = tess_omemo_wire_message_new ((guint32) sid);
  if (!parse_keys (header, rid, message))
    {
      malformed (error, "a key is not valid, or there are too many");
      return NULL;
    }
  if (!parse_iv (header, message))
    {
      malformed (error, "the initialisation vector is not valid");
      return NULL;
    }
  payload = tess_node_child (encrypted, "payload", NS);
  if (payload == NULL)
    return g_steal_pointer (&message);
  message->payload = tess_omemo_base64_decode (tess_node_get_text (payload), MAX_PAYLOAD);
  if (message->payload == NULL || message->iv_length == 0)
    {
      malformed (error, "the payload is not valid");
      return NULL;
    }
  return g_steal_pointer (&message);
}

TessNode *
tess_omemo_axolotl_build_message (const TessOmemoWireMessage *message)
{
  TessNode *encrypted = tess_node_new ("encrypted", NS);
  TessNode *header = add_number (tess_node_add (encrypted, "header", NULL), "sid", message->sid);
  g_autofree char *iv = g_base64_encode (message->iv, message->iv_length);

  for (guint i = 0; i < message->keys->len; i++)
    {
      const TessOmemoWireKey *key = g_ptr_array_index (message->keys, i);
      g_autofree char *data = g_base64_encode (g_bytes_get_data (key->data, NULL), g_bytes_get_size (key->data));
      TessNode *node = add_number (tess_node_add_with_text (header, "key", NULL, data), "rid", key->rid);

      if (key->prekey)
        tess_node_set (node, "prekey", "true");
    }
  if (message->iv_length > 0)
    tess_node_add_with_text (header, "iv", NULL, iv);
  if (message->payload != NULL)
    {
      g_autofree char *payload = g_base64_encode (g_bytes_get_data (message->payload, NULL),
                                                  g_bytes_get_size (message->payload));

      tess_node_add_with_text (encrypted, "payload", NULL, payload);
    }
  return encrypted;
}
