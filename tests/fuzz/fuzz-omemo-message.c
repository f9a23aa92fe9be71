/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "omemo/omemo-world.h"
#include "omemo/tess-omemo-wire-axolotl.h"

#include <string.h>

/* Real messages to alice, changed on the way: two that begin a session, two of a session, all with fresh keys in each run. The first byte
 * chooses one; then come changes of three bytes each: a letter, a place, a value.
 *
 * - Whatever was changed, alice reads what was written or nothing, and what she refuses leaves no trace (attacks row D17).
 * - The same message is never read twice (D7); under another name no session opens it (D3). */

#define N_LETTERS 4

typedef struct
{
  TessOmemoWireMessage *message;
  TessJid              *from;
  gboolean              again;
} Delivery;

static World      *world;
static Client     *alice;
static Client     *bob;
static Client     *carol;
static Letter     *letters[N_LETTERS];
static GHashTable *rows; /* what alice knows before the four arrive */

static const char *const texts[N_LETTERS] = { "three", "four", "one", "two" };

void
fuzz_set_up (void)
{
  FakeStore before;

  world = world_new ();
  alice = world_join (world, "alice@a.test");
  bob = world_join (world, "bob@b.test");
  carol = world_join (world, "carol@c.test");
  world->manual = TRUE;
  client_send (carol, alice, "hello");
  world_run (world);
  g_assert_cmpint (client_deliver (alice), ==, -1);
  world_run (world);
  while (!g_queue_is_empty (&carol->inbox))
    client_deliver (carol);
  world_run (world);
  while (!g_queue_is_empty (&alice->inbox))
    client_deliver (alice);

  client_send (carol, alice, texts[0]);
  client_send (carol, alice, texts[1]);
  client_send (bob, alice, texts[2]);
  client_send (bob, alice, texts[3]);
  world_run (world);
  g_assert_cmpuint (g_queue_get_length (&alice->inbox), ==, N_LETTERS);
  for (guint i = 0; i < N_LETTERS; i++)
    letters[i] = g_queue_pop_head (&alice->inbox);
  client_go_offline (alice);
  before.rows = alice->store->rows;
  rows = fake_store_copy (&before);
}

static void
forget (void)
{
  FakeStore before = { .rows = rows };

  g_hash_table_unref (alice->store->rows);
  alice->store->rows = fake_store_copy (&before);
  g_ptr_array_set_size (alice->texts, 0);
  g_array_set_size (alice->errors, 0);
  client_restart (alice);
}

static GBytes *
change_bytes (GBytes *bytes, guint8 place, guint8 value)
{
  gsize   size;
  guint8 *data = g_bytes_unref_to_data (bytes, &size);

  if (size > 0)
    data[place % size] ^= value;
  return g_bytes_new_take (data, size);
}

static GBytes *
cut_bytes (GBytes *bytes, guint8 size)
{
  GBytes *part = g_bytes_new_from_bytes (bytes, 0, MIN (size, g_bytes_get_size (bytes)));

  g_bytes_unref (bytes);
  return part;
}

static void
change_key (TessOmemoWireKey *key, guint8 how, guint8 place, guint8 value)
{
  if (how == 'k')
    key->data = change_bytes (key->data, place, value);
  else if (how == 'c')
    key->data = cut_bytes (key->data, place);
  else if (how == 'f')
    key->prekey = !key->prekey;
}

static void
change (Delivery *delivery, guint8 how, guint8 place, guint8 value)
{
  TessOmemoWireMessage *message = delivery->message;
  TessJid              *senders[] = { alice->jid, bob->jid, carol->jid };

  switch (how)
    {
    case 'k':
    case 'c':
    case 'f':
      change_key (g_ptr_array_index (message->keys, 0), how, place, value);
      break;
    case 'd':
      if (message->keys->len < 8)
        tess_omemo_wire_message_add_key (message, tess_omemo_get_device_id (alice->omemo), value & 1,
                                         ((TessOmemoWireKey *) g_ptr_array_index (message->keys, 0))->data);
      break;
    case 'p':
      if (message->payload != NULL)
        message->payload = change_bytes (message->payload, place, value);
      break;
    case 'P':
      g_clear_pointer (&message->payload, g_bytes_unref);
      break;
    case 'i':
      message->iv[place % 16] ^= value;
      break;
    case 'I':
      message->iv_length = message->iv_length == 12 ? 16 : 12;
      break;
    case 's':
      message->sid = place % 2 == 0 ? value : tess_omemo_get_device_id (value % 2 == 0 ? bob->omemo : carol->omemo);
      break;
    case 'j':
      delivery->from = senders[value % 3];
      break;
    case 'r':
      delivery->again = TRUE;
      break;
    default:
      break;
    }
}

static void
deliver (const Delivery *delivery, guint which)
{
  const char          *text = texts[which];
  gboolean             foreign = !tess_jid_equal (delivery->from, letters[which]->from);
  g_autoptr (TessNode) encrypted = tess_omemo_axolotl_build_message (delivery->message);
  int                  code = client_receive (alice, delivery->from, encrypted);

  /* What begins a session names no address: whoever passes it on has shown somebody's key as their own device's (D3). */
  g_assert_false (code == -1 && foreign && which < 2);
  g_assert_cmpint (code, !=, TESS_OMEMO_ERROR_STORE);
  for (guint i = 0; i < alice->texts->len; i++)
    g_assert_cmpstr (g_ptr_array_index (alice->texts, i), ==, text);
  if (code == -1)
    {
      g_assert_cmpint (client_receive (alice, delivery->from, encrypted), !=, -1);
      g_assert_cmpuint (alice->texts->len, <=, 1);
    }
  else if (delivery->again)
    {
      g_assert_cmpint (client_receive (alice, delivery->from, encrypted), ==, code);
    }
}

void
fuzz_one (const guint8 *data, gsize size)
{
  FuzzInput             input = { data, size };
  guint                 which = fuzz_take_byte (&input) % N_LETTERS;
  guint32               device = tess_omemo_get_device_id (alice->omemo);
  g_autoptr (GError)    error = NULL;
  g_autoptr (TessOmemoWireMessage) message = NULL;
  Delivery              delivery = { 0 };

  forget ();
  message = tess_omemo_axolotl_parse_message (letters[which]->encrypted, device, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (message->keys->len, ==, 1);
  delivery.message = message;
  delivery.from = letters[which]->from;
  for (guint changes = 0; input.left > 0 && changes < 16; changes++)
    {
      guint8 how = fuzz_take_byte (&input);
      guint8 place = fuzz_take_byte (&input);

      change (&delivery, how, place, fuzz_take_byte (&input));
    }
  deliver (&delivery, which);
}
