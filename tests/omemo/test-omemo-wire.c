/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo/tess-omemo-uri.h"
#include "omemo/tess-omemo-wire-axolotl.h"

#include "base/tess-hex.h"

#include <string.h>

#define NS TESS_OMEMO_AXOLOTL_NS

static void
test_base64 (void)
{
  static const struct
  {
    const char *text;
    gsize       max;
    const char *expected; /* NULL: refused */
  } cases[] = {
    { "", 10, "" },          { "YQ==", 10, "a" },      { "YWI=", 10, "ab" },  { "YWJj", 10, "abc" },
    { " Y W\nJ\tj ", 3, "abc" }, { "YWJj", 2, NULL },  { "YWJ", 10, NULL },   { "YW=j", 10, NULL },
    { "Y===", 10, NULL },    { "====", 10, NULL },     { "YWJj!", 10, NULL }, { "YW-_", 10, NULL },
    { "YQ==YQ==", 10, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) bytes = tess_omemo_base64_decode (cases[i].text, cases[i].max);

      if (cases[i].expected == NULL)
        g_assert_null (bytes);
      else
        {
          g_assert_nonnull (bytes);
          g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), cases[i].expected,
                           strlen (cases[i].expected));
        }
    }
  g_assert_null (tess_omemo_base64_decode (NULL, 10));
}

static void
test_low_order (void)
{
  static const char *const points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  guint8 key[TESS_OMEMO_KEY_BYTES];

  for (gsize i = 0; i < G_N_ELEMENTS (points); i++)
    {
      g_assert_true (tess_hex_decode (points[i], 64, key));
      g_assert_true (tess_omemo_key_is_low_order (key));
      key[31] |= 0x80; /* the bit that X25519 ignores */
      g_assert_true (tess_omemo_key_is_low_order (key));
    }
  memset (key, 0, sizeof key);
  key[0] = 9;
  g_assert_false (tess_omemo_key_is_low_order (key));
}

static void
test_list (void)
{
  static const struct
  {
    const char *xml;
    guint       n;
  } cases[] = {
    { "<list xmlns='" NS "'><device id='1'/><device id='2147483647'/></list>", 2 },
    { "<list xmlns='" NS "'/>", 0 },
    { "<list xmlns='" NS "'><device id='5'/><device id='5'/><device id='0'/><device/></list>", 1 },
    { "<list xmlns='" NS "'><device id='2147483648'/><device id='-1'/><device id='1x'/><device id=''/></list>", 0 },
    { "<list xmlns='" NS "'><device id='99999999999999999999999'/><device xmlns='other' id='7'/></list>", 0 },
    { "<list xmlns='other'><device id='5'/></list>", 0 },
    { "<devices xmlns='" NS "'><device id='5'/></devices>", 0 },
  };
  g_autoptr (GString) huge = g_string_new ("<list xmlns='" NS "'>");
  g_autoptr (TessNode) huge_node = NULL;
  g_autoptr (TessNode) again = NULL;
  g_autoptr (GArray) none = tess_omemo_axolotl_parse_list (NULL);
  g_autoptr (GArray) huge_ids = NULL;
  g_autoptr (GArray) same = NULL;

  g_assert_cmpuint (none->len, ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessNode) node = tess_node_parse (cases[i].xml, -1, NULL, NULL);
      g_autoptr (GArray) ids = tess_omemo_axolotl_parse_list (node);

      g_assert_nonnull (node);
      g_assert_cmpuint (ids->len, ==, cases[i].n);
    }
  for (guint i = 1; i <= 5000; i++)
    g_string_append_printf (huge, "<device id='%u'/>", i);
  g_string_append (huge, "</list>");
  huge_node = tess_node_parse (huge->str, -1, NULL, NULL);
  huge_ids = tess_omemo_axolotl_parse_list (huge_node);
  g_assert_cmpuint (huge_ids->len, ==, TESS_OMEMO_MAX_DEVICES);
  again = tess_omemo_axolotl_build_list (huge_ids);
  same = tess_omemo_axolotl_parse_list (again);
  g_assert_cmpmem (same->data, same->len * 4, huge_ids->data, huge_ids->len * 4);
}

static TessOmemoBundle *
make_bundle (guint n)
{
  TessOmemoBundle *bundle = tess_omemo_bundle_new ();

  memset (bundle->identity, 0x11, sizeof bundle->identity);
  memset (bundle->signed_key, 0x22, sizeof bundle->signed_key);
  memset (bundle->signature, 0x33, sizeof bundle->signature);
  bundle->signed_id = 4711;
  for (guint i = 0; i < n; i++)
    {
      TessOmemoPublicPrekey prekey = { .id = i + 1 };

      memset (prekey.key, 0x40 + (i & 0x0f), sizeof prekey.key);
      g_array_append_val (bundle->prekeys, prekey);
    }
  return bundle;
}

typedef void (*Spoil) (TessNode *bundle);

static void
set_text (TessNode *bundle, const char *name, const char *text)
{
  TessNode *child = tess_node_child (bundle, name, NS);

  tess_node_free (tess_node_detach (child));
  if (text != NULL)
    {
      child = tess_node_add_with_text (bundle, name, NULL, text);
      tess_node_set (child, "signedPreKeyId", "1");
    }
}

#define KEY32 "EREREREREREREREREREREREREREREREREREREREREQ=="         /* 31 of 0x11 and so on: no type byte */
#define LOW_KEY "BQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"        /* 0x05 and zeros */
#define WRONG_TYPE "BhEREREREREREREREREREREREREREREREREREREREREREREREQ=="

static void spoil_identity_missing (TessNode *b) { set_text (b, "identityKey", NULL); }
static void spoil_identity_short (TessNode *b) { set_text (b, "identityKey", KEY32); }
static void spoil_identity_low (TessNode *b) { set_text (b, "identityKey", LOW_KEY); }
static void spoil_identity_type (TessNode *b) { set_text (b, "identityKey", WRONG_TYPE); }
static void spoil_identity_junk (TessNode *b) { set_text (b, "identityKey", "%%%"); }
static void spoil_signed_missing (TessNode *b) { set_text (b, "signedPreKeyPublic", NULL); }
static void spoil_signed_low (TessNode *b) { set_text (b, "signedPreKeyPublic", LOW_KEY); }
static void spoil_signature_missing (TessNode *b) { set_text (b, "signedPreKeySignature", NULL); }
static void spoil_signature_short (TessNode *b) { set_text (b, "signedPreKeySignature", KEY32); }
static void spoil_prekeys_missing (TessNode *b) { set_text (b, "prekeys", NULL); }
static void spoil_signed_id (TessNode *b)
{
  tess_node_set (tess_node_child (b, "signedPreKeyPublic", NS), "signedPreKeyId", "4294967296");
}

static void
spoil_prekeys_low (TessNode *bundle)
{
  TessNode *prekeys = tess_node_child (bundle, "prekeys", NS);

  tess_node_free (tess_node_detach (prekeys));
  prekeys = tess_node_add (bundle, "prekeys", NULL);
  tess_node_set (tess_node_add_with_text (prekeys, "preKeyPublic", NULL, LOW_KEY), "preKeyId", "1");
}

static void
test_bundle (void)
{
  static const Spoil spoils[] = {
    spoil_identity_missing, spoil_identity_short, spoil_identity_low, spoil_identity_type, spoil_identity_junk,
    spoil_signed_missing, spoil_signed_low, spoil_signature_missing, spoil_signature_short, spoil_prekeys_missing,
    spoil_signed_id, spoil_prekeys_low,
  };
  g_autoptr (TessOmemoBundle) bundle = make_bundle (100);
  g_autoptr (TessNode) node = tess_omemo_axolotl_build_bundle (bundle);
  g_autoptr (TessOmemoBundle) again = tess_omemo_axolotl_parse_bundle (node, NULL);
  g_autoptr (TessOmemoBundle) large = make_bundle (5000);
  g_autoptr (TessNode) large_node = tess_omemo_axolotl_build_bundle (large);
  g_autoptr (TessOmemoBundle) cut = tess_omemo_axolotl_parse_bundle (large_node, NULL);
  g_autofree char *name = tess_omemo_axolotl_bundle_node (2147483647);

  g_assert_cmpstr (name, ==, NS ".bundles:2147483647");
  g_assert_nonnull (again);
  g_assert_true (tess_omemo_bundle_equal (bundle, again));
  g_array_index (again->prekeys, TessOmemoPublicPrekey, 50).id++;
  g_assert_false (tess_omemo_bundle_equal (bundle, again));
  g_assert_cmpuint (cut->prekeys->len, ==, TESS_OMEMO_MAX_PREKEYS);

  for (gsize i = 0; i < G_N_ELEMENTS (spoils); i++)
    {
      g_autoptr (TessNode) spoilt = tess_node_copy (node);
      g_autoptr (GError) error = NULL;

      spoils[i](spoilt);
      g_assert_null (tess_omemo_axolotl_parse_bundle (spoilt, &error));
      g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED);
    }
  g_assert_null (tess_omemo_axolotl_parse_bundle (NULL, NULL));
}

static void
test_message (void)
{
  static const struct
  {
    const char *inside;
    int         n_keys; /* for device 5; -1: refused */
  } cases[] = {
    { "<header sid='1'><key rid='5'>AAAA</key><iv>AAAAAAAAAAAAAAAA</iv></header><payload>AAAA</payload>", 1 },
    { "<header sid='1'><key rid='5' prekey='1'>AAAA</key><key rid='5'>BBBB</key><iv>AAAAAAAAAAAAAAAA</iv></header>", 2 },
    { "<header sid='1'><key rid='6'>AAAA</key><iv>AAAAAAAAAAAAAAAA</iv></header><payload>AAAA</payload>", 0 },
    { "<header sid='1'><key rid='5'>AAAA</key><iv>AAAAAAAAAAAAAAAAAAAAAA==</iv></header><payload/>", 1 },
    { "<header sid='1'><key rid='5'>AAAA</key></header>", 1 },
    { "<header sid='1'><key rid='6'>%%%</key></header>", 0 },
    { "<header sid='1'><key rid='5'>%%%</key></header>", -1 },
    { "<header sid='1'><key rid='5'></key></header>", -1 },
    { "<header sid='1'><key rid='5'>AAAA</key></header><payload>AAAA</payload>", -1 },
    { "<header sid='1'><key rid='5'>AAAA</key><iv>AAAAAAAAAAAAAAA=</iv></header>", -1 },
    { "<header sid='1'><key rid='5'>AAAA</key><iv>AAAAAAAAAAAAAAAAAAA=</iv></header>", -1 },
    { "<header sid='1'><key rid='5'>AAAA</key><iv></iv></header>", -1 },
    { "<header sid='1'><key rid='5'>AAAA</key><iv>AAAAAAAAAAAAAAAA</iv></header><payload>A</payload>", -1 },
    { "<header sid='0'><key rid='5'>AAAA</key></header>", -1 },
    { "<header sid='2147483648'><key rid='5'>AAAA</key></header>", -1 },
    { "<header><key rid='5'>AAAA</key></header>", -1 },
    { "<header xmlns='other' sid='1'><key rid='5'>AAAA</key></header>", -1 },
    { "<payload>AAAA</payload>", -1 },
    { "", -1 },
    { "<header sid='1'><key rid='5'>A</key><key rid='5'>A</key></header>", -1 },
    { "<header sid='1'><key rid='5'>AAAA</key><key rid='5'>AAAA</key><key rid='5'>AAAA</key><key rid='5'>AAAA</key>"
      "<key rid='5'>AAAA</key></header>", -1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *xml = g_strdup_printf ("<encrypted xmlns='" NS "'>%s</encrypted>", cases[i].inside);
      g_autoptr (TessNode) node = tess_node_parse (xml, -1, NULL, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (TessOmemoWireMessage) message = tess_omemo_axolotl_parse_message (node, 5, &error);

      g_test_message ("%s", cases[i].inside);
      g_assert_nonnull (node);
      if (cases[i].n_keys < 0)
        {
          g_assert_null (message);
          g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED);
        }
      else
        {
          g_assert_no_error (error);
          g_assert_cmpint (message->keys->len, ==, cases[i].n_keys);
        }
    }
  g_assert_null (tess_omemo_axolotl_parse_message (NULL, 5, NULL));
}

static void
test_message_limits (void)
{
  g_autofree guint8 *zeros = g_malloc0 (TESS_OMEMO_MAX_KEY_DATA + 1);

  for (guint over = 0; over < 2; over++)
    {
      g_autoptr (TessOmemoWireMessage) message = tess_omemo_wire_message_new (1);
      g_autoptr (GBytes) data = g_bytes_new (zeros, TESS_OMEMO_MAX_KEY_DATA + over);
      g_autoptr (TessNode) node = NULL;
      g_autoptr (TessOmemoWireMessage) read = NULL;

      tess_omemo_wire_message_add_key (message, 5, TRUE, data);
      node = tess_omemo_axolotl_build_message (message);
      read = tess_omemo_axolotl_parse_message (node, 5, NULL);
      g_assert_cmpint (read != NULL, ==, over == 0);
    }
  for (guint over = 0; over < 2; over++)
    {
      g_autoptr (TessOmemoWireMessage) message = tess_omemo_wire_message_new (1);
      g_autoptr (GBytes) data = g_bytes_new (zeros, 1);
      g_autoptr (TessNode) node = NULL;
      g_autoptr (TessOmemoWireMessage) read = NULL;

      for (guint i = 0; i < TESS_OMEMO_MAX_KEY_ELEMENTS + over; i++)
        tess_omemo_wire_message_add_key (message, i + 10, FALSE, data);
      node = tess_omemo_axolotl_build_message (message);
      read = tess_omemo_axolotl_parse_message (node, 5, NULL);
      g_assert_cmpint (read != NULL, ==, over == 0);
    }
}

/* Bytes by chance in every place: nothing may break, whatever the answer. */
static void
test_hostile (void)
{
  static const char *const pieces[] = {
    "<key rid='5'>", "</key>", "<header sid='1'>", "</header>", "<iv>", "</iv>", "<payload>", "</payload>", "AAAA", "=",
    "<key rid='5' prekey='true'>", "MwohBQ==", "<device id='1'/>", "<list xmlns='" NS "'>", "</list>", "<bundle/>", " ",
    "<prekeys><preKeyPublic preKeyId='1'>", "</preKeyPublic></prekeys>", "<identityKey>", "</identityKey>",
  };

  for (guint round = 0; round < 20000; round++)
    {
      g_autoptr (GString) xml = g_string_new (round & 1 ? "<encrypted xmlns='" NS "'>" : "<bundle xmlns='" NS "'>");
      g_autoptr (TessNode) node = NULL;

      for (int i = g_test_rand_int_range (0, 12); i > 0; i--)
        g_string_append (xml, pieces[g_test_rand_int_range (0, G_N_ELEMENTS (pieces))]);
      g_string_append (xml, round & 1 ? "</encrypted>" : "</bundle>");
      node = tess_node_parse (xml->str, -1, NULL, NULL);
      if (node != NULL)
        {
          g_autoptr (TessOmemoWireMessage) message = tess_omemo_axolotl_parse_message (node, 5, NULL);
          g_autoptr (TessOmemoBundle) bundle = tess_omemo_axolotl_parse_bundle (node, NULL);
          g_autoptr (GArray) list = tess_omemo_axolotl_parse_list (node);

          g_assert_cmpuint (list->len, <=, 3 * 12);
          if (message != NULL)
            g_assert_cmpuint (message->sid, ==, 1);
          if (bundle != NULL)
            g_assert_cmpuint (bundle->prekeys->len, >, 0);
        }
    }
}

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX2 "10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void
test_uri_table (void)
{
  static const struct
  {
    const char *text;
    const char *jid; /* NULL: refused */
    guint       n;
    guint32     first;
  } cases[] = {
    { "xmpp:bob@b.test?omemo-sid-1=" HEX, "bob@b.test", 1, 1 },
    { "XMPP:bob@b.test?omemo-sid-2147483647=" HEX, "bob@b.test", 1, 2147483647 },
    { "xmpp:bob@b.test?omemo-sid-1=" HEX ";omemo-sid-2=" HEX2, "bob@b.test", 2, 1 },
    { "xmpp:bob@b.test?omemo-sid-1=" HEX "&omemo-sid-2=" HEX2, "bob@b.test", 2, 1 },
    { "xmpp:bob@b.test?verify;omemo-sid-3=" HEX ";name=Bob%20B", "bob@b.test", 1, 3 },
    { "xmpp:bob@b.test?omemo-sid-1=" HEX ";", "bob@b.test", 1, 1 },
    { "xmpp:bob@b.test?;;omemo-sid-1=" HEX, "bob@b.test", 1, 1 },
    { "xmpp:bob@b.test?omemo-sid-1=" HEX "#fragment", "bob@b.test", 1, 1 },
    { "xmpp:bob%40b.test?omemo-sid-1=" HEX, "bob@b.test", 1, 1 },
    { "xmpp:b%C3%B6b@b.test?omemo-sid-1=" HEX, "b\xc3\xb6" "b@b.test", 1, 1 },
    { "xmpp:bob@b.test?omemo=" HEX, "bob@b.test", 1, 0 },
    { "xmpp:bob@b.test?omemo-sid-1=00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF", "bob@b.test", 1, 1 },
    { "xmpp:b.test?omemo-sid-1=" HEX, "b.test", 1, 1 },
    { "xmpp:bob@b.test", NULL, 0, 0 },
    { "xmpp:bob@b.test?", NULL, 0, 0 },
    { "xmpp:bob@b.test?message;body=hi", NULL, 0, 0 },
    { "xmpp:bob@b.test#?omemo-sid-1=" HEX, NULL, 0, 0 },
    { "xmpp:?omemo-sid-1=" HEX, NULL, 0, 0 },
    { "xmpp:@b.test?omemo-sid-1=" HEX, NULL, 0, 0 },
    { "xmpp:bob@b.test/phone?omemo-sid-1=" HEX, NULL, 0, 0 },
    { "xmpp://alice@a.test/bob@b.test?omemo-sid-1=" HEX, NULL, 0, 0 },
    { "http://bob@b.test?omemo-sid-1=" HEX, NULL, 0, 0 },
    { "bob@b.test?omemo-sid-1=" HEX, NULL, 0, 0 },
    { "xmpp:bob%00@b.test?omemo-sid-1=" HEX, NULL, 0, 0 },
    { "xmpp:bob%FF@b.test?omemo-sid-1=" HEX, NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid-1=" HEX "0", NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid-1=" HEX "00", NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid-1=1234", NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid-1=", NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid-1", NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid-=" HEX, NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid-0=" HEX, NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid-2147483648=" HEX, NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid--1=" HEX, NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid-1x=" HEX, NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid-1=g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid-1=" HEX ";omemo-sid-1=" HEX, NULL, 0, 0 },
    { "xmpp:bob@b.test?omemo-sid-1=" HEX ";omemo-sid-01=" HEX2, NULL, 0, 0 },
    { "", NULL, 0, 0 },
    { NULL, NULL, 0, 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TessOmemoUri) uri = tess_omemo_uri_parse (cases[i].text, &error);

      g_test_message ("%s", cases[i].text != NULL ? cases[i].text : "NULL");
      if (cases[i].jid == NULL)
        {
          g_assert_null (uri);
          g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED);
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpstr (tess_jid_to_string (uri->jid), ==, cases[i].jid);
      g_assert_cmpuint (uri->devices->len, ==, cases[i].n);
      g_assert_cmpuint (g_array_index (uri->devices, TessOmemoUriDevice, 0).id, ==, cases[i].first);
      g_assert_cmpuint (g_array_index (uri->devices, TessOmemoUriDevice, 0).key[2], ==, 0x22);
    }
}

static void
test_uri_long (void)
{
  g_autofree char *junk = g_strnfill (TESS_OMEMO_URI_MAX_BYTES, 'a');
  g_autofree char *text = g_strconcat ("xmpp:bob@b.test?omemo-sid-1=" HEX ";x=", junk, NULL);

  g_assert_null (tess_omemo_uri_parse (text, NULL));
  text[TESS_OMEMO_URI_MAX_BYTES] = '\0';
  {
    g_autoptr (TessOmemoUri) uri = tess_omemo_uri_parse (text, NULL);

    g_assert_nonnull (uri);
  }
}

static void
check_round_trip (const TessOmemoUri *uri)
{
  g_autofree char *text = tess_omemo_uri_to_string (uri);
  g_autoptr (GError) error = NULL;
  g_autoptr (TessOmemoUri) again = tess_omemo_uri_parse (text, &error);

  g_assert_no_error (error);
  g_assert_true (g_str_is_ascii (text));
  g_assert_cmpstr (tess_jid_to_string (again->jid), ==, tess_jid_to_string (uri->jid));
  g_assert_cmpuint (again->devices->len, ==, uri->devices->len);
  for (guint i = 0; i < uri->devices->len; i++)
    {
      const TessOmemoUriDevice *a = &g_array_index (uri->devices, TessOmemoUriDevice, i);
      const TessOmemoUriDevice *b = &g_array_index (again->devices, TessOmemoUriDevice, i);

      g_assert_cmpuint (a->id, ==, b->id);
      g_assert_cmpmem (a->key, sizeof a->key, b->key, sizeof b->key);
    }
}

/* All numbers that a device can have, the least and the greatest more often than by chance. */
static void
add_devices (TessOmemoUri *uri, guint n)
{
  g_autoptr (GHashTable) ids = g_hash_table_new (NULL, NULL);

  while (uri->devices->len < n)
    {
      guint32 id = (guint32) g_test_rand_int () & TESS_OMEMO_MAX_DEVICE_ID;
      guint8 key[TESS_OMEMO_KEY_BYTES];

      if (g_test_rand_int_range (0, 10) == 0)
        id >>= g_test_rand_int_range (0, 31);
      if (g_test_rand_int_range (0, 50) == 0)
        id = TESS_OMEMO_MAX_DEVICE_ID;
      if (id == 0 || !g_hash_table_add (ids, GUINT_TO_POINTER (id)))
        continue;
      for (gsize j = 0; j < sizeof key; j++)
        key[j] = (guint8) g_test_rand_int_range (0, 256);
      tess_omemo_uri_add (uri, id, key);
    }
}

static void
check_address (TessJid *jid, guint devices)
{
  g_autoptr (TessOmemoUri) uri = tess_omemo_uri_new (jid);

  add_devices (uri, devices);
  check_round_trip (uri);
}

/* Each character of Unicode that an address may have: in a localpart and, where it may stand there, in a domainpart. Gives what a
 * localpart may have. */
static GArray *
usable_characters (guint *in_domains)
{
  GArray *usable = g_array_new (FALSE, FALSE, sizeof (gunichar));

  *in_domains = 0;
  for (gunichar c = 0x21; c <= 0x10ffff; c++)
    {
      char letter[7] = "";
      g_autofree char *local = NULL;
      g_autofree char *domain = NULL;
      g_autoptr (TessJid) named = NULL;
      g_autoptr (TessJid) hosted = NULL;

      if (!g_unichar_validate (c) || !g_unichar_isdefined (c))
        continue;
      g_unichar_to_utf8 (c, letter);
      local = g_strdup_printf ("%s@b.test", letter);
      named = tess_jid_new_bare (local, NULL);
      if (named != NULL)
        {
          g_array_append_val (usable, c);
          check_address (named, 1);
        }
      domain = g_strdup_printf ("a%s.test", letter);
      hosted = c == '/' || c == '@' ? NULL : tess_jid_new_bare (domain, NULL);
      if (hosted != NULL)
        {
          ++*in_domains;
          check_address (hosted, 1);
        }
    }
  return usable;
}

static void
append_random (GString *text, GArray *usable, gsize bytes)
{
  /* One neighbourhood, as in a language, or any. */
  guint around = (guint) g_test_rand_int_range (0, (gint32) usable->len);
  guint width = g_test_rand_bit () ? MIN (usable->len, 60) : usable->len;
  gsize start = text->len;

  do
    g_string_append_unichar (text, g_array_index (usable, gunichar, (around + (guint) g_test_rand_int_range (0, (gint32) width)) % usable->len));
  while (text->len < start + bytes);
}

/* Whatever RFC 7622 lets through, prepared. */
static TessJid *
random_jid (GArray *usable)
{
  static const char *const domains[] = { "b.test", "localhost", "[::1]", "[2001:db8::ff00:42:8329]", "192.0.2.1", "m\xc3\xbcller.example",
                                         "xn--mller-kva.example", "\xe4\xbe\x8b\xe3\x81\x88.test", "\xd7\x90\xd7\x91.test" };
  TessJid *jid = NULL;

  while (jid == NULL)
    {
      g_autoptr (GString) address = g_string_new (NULL);

      if (g_test_rand_int_range (0, 20) > 0)
        {
          append_random (address, usable, (gsize) g_test_rand_int_range (1, g_test_rand_int_range (0, 20) == 0 ? 1000 : 16));
          for (int i = g_test_rand_int_range (-4, 4); i > 0; i--)
            g_string_insert_c (address, 0, "?;=%#+,$!()*"[g_test_rand_int_range (0, 12)]);
          g_string_append_c (address, '@');
        }
      if (g_test_rand_bit ())
        g_string_append (address, domains[g_test_rand_int_range (0, G_N_ELEMENTS (domains))]);
      else
        append_random (address, usable, (gsize) g_test_rand_int_range (1, 12));
      jid = tess_jid_new_bare (address->str, NULL);
    }
  return jid;
}

static void
test_uri_round_trips (void)
{
  guint in_domains, foreign = 0, far = 0, escaped = 0, literal = 0, longest = 0;
  g_autoptr (GArray) usable = usable_characters (&in_domains);

  for (guint round = 0; round < 10000; round++)
    {
      g_autoptr (TessJid) jid = random_jid (usable);
      const char *address = tess_jid_to_string (jid);

      foreign += !g_str_is_ascii (address);
      escaped += strpbrk (address, "?;=%#+,$!()*") != NULL;
      literal += strchr (address, '[') != NULL;
      longest = MAX (longest, (guint) strlen (address));
      for (const char *at = address; *at != '\0'; at = g_utf8_next_char (at))
        if (g_utf8_get_char (at) > 0xffff)
          {
            far++;
            break;
          }
      check_address (jid, (guint) g_test_rand_int_range (1, 41));
    }
  g_test_message ("%u characters in localparts, %u in domains; of 10000 addresses %u beyond ASCII, %u beyond the BMP, %u with characters "
                  "that mean something in a URI, %u in brackets, the longest of %u bytes",
                  usable->len, in_domains, foreign, far, escaped, literal, longest);
  g_assert_cmpuint (usable->len, >, 100000);
  g_assert_cmpuint (in_domains, >, 90000);
  g_assert_cmpuint (foreign, >, 5000);
  g_assert_cmpuint (far, >, 1000);
  g_assert_cmpuint (escaped, >, 2000);
  g_assert_cmpuint (literal, >, 500);
  g_assert_cmpuint (longest, >, 900);
}

/* The longest address and the most devices that there can be. */
static void
test_uri_longest (void)
{
  g_autoptr (GString) address = g_string_new (NULL);
  g_autoptr (TessJid) jid = NULL;
  g_autoptr (TessOmemoUri) uri = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  for (guint i = 0; i < 341; i++)
    g_string_append (address, "\xe4\xbe\x8b");
  g_string_append_c (address, '@');
  for (guint i = 0; i < 15; i++)
    g_string_append (address, "\xe4\xbe\x8b\xe4\xbe\x8b\xe4\xbe\x8b.");
  g_string_append (address, "test");
  jid = tess_jid_new_bare (address->str, NULL);
  g_assert_nonnull (jid);
  check_address (jid, TESS_OMEMO_URI_MAX_DEVICES);

  uri = tess_omemo_uri_new (jid);
  add_devices (uri, TESS_OMEMO_URI_MAX_DEVICES + 1);
  text = tess_omemo_uri_to_string (uri);
  g_assert_null (tess_omemo_uri_parse (text, &error));
  g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED);
}

static void
test_uri_hostile (void)
{
  static const char pool[] = "xmpp:bob@b.test?omemo-sid-1=00ff;&%#=%41%zz\x01\xff/";

  for (guint round = 0; round < 20000; round++)
    {
      char text[64] = "xmpp:b@b?";
      gsize start = g_test_rand_int_range (0, 10);

      for (gsize i = start; i < sizeof text - 1; i++)
        text[i] = pool[g_test_rand_int_range (0, sizeof pool - 1)];
      {
        g_autoptr (TessOmemoUri) uri = tess_omemo_uri_parse (text, NULL);

        if (uri != NULL)
          g_assert_cmpuint (uri->devices->len, >, 0);
      }
    }
}

static void
test_device (void)
{
  g_autoptr (TessJid) jid = tess_jid_new ("bob@b.test/phone", NULL);
  g_autoptr (TessOmemoDevice) device = tess_omemo_device_new (jid, 5);
  g_autoptr (TessOmemoDevice) copy = tess_omemo_device_copy (device);

  g_assert_cmpstr (tess_jid_to_string (copy->jid), ==, "bob@b.test");
  g_assert_cmpint (copy->trust, ==, TESS_OMEMO_TRUST_UNDECIDED);
  g_assert_false (copy->has_key);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/omemo/wire/base64", test_base64);
  g_test_add_func ("/omemo/wire/low-order", test_low_order);
  g_test_add_func ("/omemo/wire/list", test_list);
  g_test_add_func ("/omemo/wire/bundle", test_bundle);
  g_test_add_func ("/omemo/wire/message", test_message);
  g_test_add_func ("/omemo/wire/message-limits", test_message_limits);
  g_test_add_func ("/omemo/wire/hostile", test_hostile);
  g_test_add_func ("/omemo/uri/table", test_uri_table);
  g_test_add_func ("/omemo/uri/long", test_uri_long);
  g_test_add_func ("/omemo/uri/round-trips", test_uri_round_trips);
  g_test_add_func ("/omemo/uri/longest", test_uri_longest);
  g_test_add_func ("/omemo/uri/hostile", test_uri_hostile);
  g_test_add_func ("/omemo/types/device", test_device);
  return g_test_run ();
}
