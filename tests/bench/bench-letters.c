/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "bench-letters.h"

#include "../omemo/omemo-world.h"
#include "engine/tess-omemo-db.h"
#include "store/tess-store-private.h"

#include <string.h>

#define FRIENDS 20
#define FRIENDS_ENCRYPTED 6 /* of them, beside the one with whom a third is */
#define PERCENT_OURS 40
#define DEVICES_MANY 3

typedef struct
{
  World     *world;
  TessJid   *jid;
  TessOmemo *omemo; /* this device of Alice's */
  TessStore *store;
  Client    *phone; /* her other one */
  GPtrArray *peers; /* of Peer */
  GRand     *rand;
  guint      answers;
} Maker;

typedef struct
{
  char      *address;
  TessJid   *jid;
  GPtrArray *devices; /* of Client; empty: in plain */
} Peer;

static void
peer_free (gpointer data)
{
  Peer *self = data;

  g_ptr_array_unref (self->devices);
  tess_jid_unref (self->jid);
  g_free (self->address);
  g_free (self);
}

/* ---- This device ---- */

/* An answer, which never comes from inside the call. */
typedef struct
{
  TessNode              *payload; /* nullable */
  TessOmemoFetchedFunc   fetched;
  TessOmemoPublishedFunc published;
  gpointer               user_data;
} Answer;

static gboolean
answer_cb (gpointer data)
{
  g_autofree Answer   *answer = data;
  g_autoptr (TessNode) payload = answer->payload;

  if (answer->fetched != NULL)
    answer->fetched (payload, NULL, answer->user_data);
  else
    answer->published (NULL, answer->user_data);
  return G_SOURCE_REMOVE;
}

static void
transport_fetch (gpointer data, TessJid *jid, const char *node, TessOmemoFetchedFunc done, gpointer user_data)
{
  TessNode *payload = world_node (((Maker *) data)->world, jid, node);
  Answer    answer = { payload != NULL ? tess_node_copy (payload) : NULL, done, NULL, user_data };

  g_idle_add (answer_cb, g_memdup2 (&answer, sizeof answer));
}

static void
transport_publish (gpointer data, const char *node, const char *item_id, TessNode *payload, TessOmemoPublishedFunc done,
                   gpointer user_data)
{
  Maker *self = data;
  Answer answer = { NULL, NULL, done, user_data };

  world_set_node (self->world, self->jid, node, payload);
  g_idle_add (answer_cb, g_memdup2 (&answer, sizeof answer));
}

static void
transport_send_empty (gpointer data, TessJid *jid, TessNode *encrypted)
{
  Maker *self = data;

  for (guint i = 0; i < self->world->clients->len; i++)
    {
      Client *client = g_ptr_array_index (self->world->clients, i);

      if (tess_jid_equal (client->jid, jid) && client_receive (client, self->jid, encrypted) == -1)
        self->answers++;
    }
  tess_node_free (encrypted);
}

static gboolean
transport_may_answer (gpointer data, TessJid *jid)
{
  return TRUE;
}

static gboolean
transport_is_online (gpointer data)
{
  return TRUE;
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

static void
prepare (Client *client, TessJid *to)
{
  gboolean prepared = FALSE;

  tess_omemo_prepare_async (client->omemo, &to, 1, NULL, prepared_cb, &prepared);
  while (!prepared)
    g_main_context_iteration (NULL, TRUE);
}

/* The first letter begins the session and the answer settles it, before all that was missed. FALSE: the one-time prekey was somebody
 * else's already. */
static gboolean
exchange (Maker *self, Client *client, TessJid *to)
{
  g_autoptr (TessNode) first = NULL;
  g_autoptr (GError)   error = NULL;
  TessOmemoPlain       plain;
  guint                answers = self->answers;

  prepare (client, to);
  first = client_encrypt (client, to, "first", NULL, &error);
  g_assert_no_error (error);
  tess_store_begin (self->store, NULL);
  if (!tess_omemo_decrypt (self->omemo, client->jid, first, g_get_real_time (), &plain, &error))
    {
      tess_store_rollback (self->store);
      return FALSE;
    }
  tess_omemo_plain_clear (&plain);
  g_assert_true (tess_store_commit (self->store, NULL));
  tess_omemo_settle (self->omemo);
  world_run (self->world);
  g_assert_cmpuint (self->answers, >, answers);
  return TRUE;
}

static Client *
join (Maker *self, const char *address, TessJid *to)
{
  Client *client;

  do
    client = world_join (self->world, address);
  while (!exchange (self, client, to));
  return client;
}

static Peer *
add_peer (Maker *self, const char *address, guint devices)
{
  Peer *peer = g_new0 (Peer, 1);

  peer->address = g_strdup (address);
  peer->jid = tess_jid_new_bare (address, NULL);
  peer->devices = g_ptr_array_new ();
  for (guint i = 0; i < devices; i++)
    g_ptr_array_add (peer->devices, join (self, address, self->jid));
  g_ptr_array_add (self->peers, peer);
  return peer;
}

static void
make_people (Maker *self)
{
  Peer *many = add_peer (self, LETTERS_MANY, DEVICES_MANY);

  for (guint i = 0; i < FRIENDS; i++)
    {
      g_autofree char *address = g_strdup_printf ("friend%u@b.test", i);

      add_peer (self, address, i < FRIENDS_ENCRYPTED ? i % 2 + 1 : 0);
    }
  self->phone = join (self, LETTERS_ALICE, many->jid);
  for (guint i = 0; i <= FRIENDS_ENCRYPTED; i++)
    prepare (self->phone, ((Peer *) g_ptr_array_index (self->peers, i))->jid);
}

/* ---- What was said ---- */

static char *
write_encrypted (Maker *self, Peer *peer, gboolean ours, const char *text)
{
  g_autoptr (GError)   error = NULL;
  Client              *client = ours ? self->phone
                                     : g_ptr_array_index (peer->devices, (guint) g_rand_int_range (self->rand, 0, (int) peer->devices->len));
  g_autoptr (TessNode) encrypted = client_encrypt (client, ours ? peer->jid : self->jid, text, NULL, &error);
  g_autofree char     *xml = NULL;

  g_assert_no_error (error);
  xml = tess_node_to_string (encrypted, "jabber:client");
  return g_strconcat ("<body>I sent you an OMEMO encrypted message but your client doesn't seem to support that.</body>", xml,
                      "<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/>"
                      "<store xmlns='urn:xmpp:hints'/>",
                      NULL);
}

static char *
write_message (Maker *self, guint i, gboolean *encrypted)
{
  guint            chance = (guint) g_rand_int_range (self->rand, 0, 100);
  Peer            *peer = g_ptr_array_index (self->peers, chance < 30 ? 0 : 1 + (guint) g_rand_int_range (self->rand, 0, FRIENDS));
  gboolean         ours = g_rand_int_range (self->rand, 0, 100) < PERCENT_OURS;
  g_autofree char *them = g_strconcat (peer->address, ours ? "" : "/phone", NULL);
  g_autofree char *text = g_strdup_printf ("The %u. time: shall we meet at the caf\303\251 and walk along the river at five? "
                                           "Bring the book.", i);
  g_autofree char *content = NULL;

  *encrypted = peer->devices->len > 0;
  if (*encrypted)
    content = write_encrypted (self, peer, ours, text);
  else
    content = g_strconcat ("<body>", text, "</body>", NULL);
  return g_strdup_printf ("<message xmlns='jabber:client' from='%s' to='%s' type='chat' id='m-%08x-4711'>%s"
                          "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
                          "<active xmlns='http://jabber.org/protocol/chatstates'/>"
                          "<origin-id xmlns='urn:xmpp:sid:0' id='m-%08x-4711'/>"
                          "<stanza-id xmlns='urn:xmpp:sid:0' by='" LETTERS_ALICE "' id='a-%08u'/></message>",
                          ours ? LETTERS_ALICE "/phone" : them, ours ? them : LETTERS_ALICE, i, content, i, i);
}

static TessOmemoDb *
open_device (Maker *self, const char *path)
{
  static const TessOmemoTransport transport = { .fetch = transport_fetch,
                                                .publish = transport_publish,
                                                .send_empty = transport_send_empty,
                                                .may_answer = transport_may_answer,
                                                .is_online = transport_is_online };
  static const TessOmemoListener  listener = { 0 };
  g_autoptr (TessAccountRecord)   account = tess_account_record_new (LETTERS_ALICE);
  g_autoptr (TessConversationRecord) conversation = NULL;
  g_autoptr (GError)              error = NULL;
  TessOmemoDb                    *db;

  self->store = tess_store_open (path, &error);
  g_assert_no_error (error);
  account->blind_trust = TRUE;
  account->archive_id = g_strdup (""); /* it was here before: all of the archive is news */
  account->host = g_strdup ("127.0.0.1");
  account->tls = TESS_ACCOUNT_TLS_STARTTLS;
  tess_store_add_account (self->store, account, &error);
  g_assert_no_error (error);
  conversation = tess_store_open_conversation (self->store, account->id, LETTERS_MANY, NULL, &error);
  g_assert_no_error (error);
  db = tess_omemo_db_new (self->store, account->id);
  self->omemo = tess_omemo_new (self->jid, tess_omemo_db_get_table (), db, &transport, self, &listener, self);
  tess_omemo_set_blind (self->omemo, TRUE);
  tess_omemo_load (self->omemo, &error);
  g_assert_no_error (error);
  tess_omemo_online (self->omemo);
  world_run (self->world);
  return db;
}

Letters *
letters_new (const char *folder, guint count)
{
  Letters     *letters = g_new0 (Letters, 1);
  Maker        maker = { 0 };
  TessOmemoDb *db;

  letters->base = g_build_filename (folder, "base.db", NULL);
  letters->archive = g_ptr_array_new_full (count, g_free);
  letters->first_us = g_get_real_time () - (gint64) count * G_USEC_PER_SEC;
  world_now = g_get_real_time ();
  maker.world = world_new ();
  maker.world->manual = TRUE;
  maker.world->silent = TRUE;
  maker.jid = tess_jid_new_bare (LETTERS_ALICE, NULL);
  maker.rand = g_rand_new_with_seed (4711);
  maker.peers = g_ptr_array_new_with_free_func (peer_free);
  db = open_device (&maker, letters->base);
  make_people (&maker);
  tess_omemo_free (maker.omemo);
  tess_omemo_db_free (db);
  tess_store_close (maker.store);

  for (guint i = 0; i < count; i++)
    {
      gboolean encrypted;

      g_ptr_array_add (letters->archive, write_message (&maker, i, &encrypted));
      letters->encrypted += encrypted;
    }
  g_ptr_array_unref (maker.peers);
  g_rand_free (maker.rand);
  tess_jid_unref (maker.jid);
  world_free (maker.world);
  return letters;
}

void
letters_free (Letters *self)
{
  g_ptr_array_unref (self->archive);
  g_free (self->base);
  g_free (self);
}
