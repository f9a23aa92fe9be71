/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "omemo/tess-omemo-wire-axolotl.h"

#include <string.h>

/* One element, which is read as a device list, as a bundle, and as a message for device 2.
 *
 * - Each number is within its bounds, and no key of low order passes (attacks rows D5, D9).
 * - What was read is the same when it is written and read again. */

#define RID 2

void
fuzz_set_up (void)
{
}

static void
check_list (const TessNode *node)
{
  g_autoptr (GArray)   ids = tess_omemo_axolotl_parse_list (node);
  g_autoptr (TessNode) written = tess_omemo_axolotl_build_list (ids);
  g_autoptr (GArray)   again = tess_omemo_axolotl_parse_list (written);

  g_assert_cmpuint (ids->len, <=, TESS_OMEMO_MAX_DEVICES);
  g_assert_cmpmem (ids->data, ids->len * sizeof (guint32), again->data, again->len * sizeof (guint32));
  for (guint i = 0; i < ids->len; i++)
    {
      g_assert_cmpuint (g_array_index (ids, guint32, i), >, 0);
      g_assert_cmpuint (g_array_index (ids, guint32, i), <=, TESS_OMEMO_MAX_DEVICE_ID);
      for (guint j = 0; j < i; j++)
        g_assert_cmpuint (g_array_index (ids, guint32, i), !=, g_array_index (ids, guint32, j));
    }
}

static void
check_bundle (const TessNode *node)
{
  g_autoptr (GError)          error = NULL;
  g_autoptr (TessOmemoBundle) bundle = tess_omemo_axolotl_parse_bundle (node, &error);
  g_autoptr (TessOmemoBundle) again = NULL;
  g_autoptr (TessNode)        written = NULL;

  if (bundle == NULL)
    {
      g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED);
      return;
    }
  g_assert_cmpuint (bundle->prekeys->len, >, 0);
  g_assert_cmpuint (bundle->prekeys->len, <=, TESS_OMEMO_MAX_PREKEYS);
  g_assert_false (tess_omemo_key_is_low_order (bundle->identity));
  g_assert_false (tess_omemo_key_is_low_order (bundle->signed_key));
  for (guint i = 0; i < bundle->prekeys->len; i++)
    {
      const TessOmemoPublicPrekey *prekey = &g_array_index (bundle->prekeys, TessOmemoPublicPrekey, i);

      g_assert_false (tess_omemo_key_is_low_order (prekey->key));
      g_assert_cmpuint (prekey->id, !=, TESS_OMEMO_MAX_PREKEY_ID + 1);
    }
  written = tess_omemo_axolotl_build_bundle (bundle);
  fuzz_assert_written (written);
  again = tess_omemo_axolotl_parse_bundle (written, &error);
  g_assert_no_error (error);
  g_assert_true (tess_omemo_bundle_equal (bundle, again));
}

static void
check_same (const TessOmemoWireMessage *one, const TessOmemoWireMessage *other)
{
  g_assert_cmpuint (one->sid, ==, other->sid);
  g_assert_cmpmem (one->iv, one->iv_length, other->iv, other->iv_length);
  g_assert_cmpuint (one->keys->len, ==, other->keys->len);
  g_assert_true ((one->payload == NULL) == (other->payload == NULL));
  if (one->payload != NULL)
    g_assert_true (g_bytes_equal (one->payload, other->payload));
  for (guint i = 0; i < one->keys->len; i++)
    {
      const TessOmemoWireKey *key = g_ptr_array_index (one->keys, i);
      const TessOmemoWireKey *twin = g_ptr_array_index (other->keys, i);

      g_assert_cmpuint (key->rid, ==, RID);
      g_assert_cmpuint (twin->rid, ==, RID);
      g_assert_cmpint (key->prekey, ==, twin->prekey);
      g_assert_true (g_bytes_equal (key->data, twin->data));
      g_assert_cmpuint (g_bytes_get_size (key->data), >, 0);
      g_assert_cmpuint (g_bytes_get_size (key->data), <=, TESS_OMEMO_MAX_KEY_DATA);
    }
}

static void
check_message (const TessNode *node)
{
  g_autoptr (GError)               error = NULL;
  g_autoptr (TessOmemoWireMessage) message = tess_omemo_axolotl_parse_message (node, RID, &error);
  g_autoptr (TessOmemoWireMessage) again = NULL;
  g_autoptr (TessNode)             written = NULL;

  if (message == NULL)
    {
      g_assert_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_MALFORMED);
      return;
    }
  g_assert_cmpuint (message->sid, >, 0);
  g_assert_cmpuint (message->sid, <=, TESS_OMEMO_MAX_DEVICE_ID);
  g_assert_cmpuint (message->keys->len, <=, TESS_OMEMO_MAX_OWN_KEYS);
  g_assert_true (message->iv_length == 12 || message->iv_length == 16 ||
                 (message->iv_length == 0 && message->payload == NULL));
  written = tess_omemo_axolotl_build_message (message);
  fuzz_assert_written (written);
  again = tess_omemo_axolotl_parse_message (written, RID, &error);
  g_assert_no_error (error);
  check_same (message, again);
}

void
fuzz_one (const guint8 *data, gsize size)
{
  g_autoptr (TessNode) node = tess_node_parse ((const char *) data, (gssize) size, "jabber:client", NULL);

  if (node == NULL)
    return;
  check_list (node);
  check_bundle (node);
  check_message (node);
}
