/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo-world.h"

#include "base/tess-thread.h"

#include <gio/gio.h>

gint64 world_now = 1000 * G_TIME_SPAN_DAY;

static gint64
fake_clock (void)
{
  return world_now;
}

/* ---- The network ---- */

static char *
node_key (const TessJid *jid, const char *node)
{
  return g_strdup_printf ("%s %s", tess_jid_to_string (jid), node);
}

TessNode *
world_node (World *self, TessJid *jid, const char *node)
{
  g_autofree char *key = node_key (jid, node);

  return g_hash_table_lookup (self->nodes, key);
}

typedef struct
{
  Client               *client;
  TessJid              *jid;
  char                 *node;
  TessNode             *payload;
  TessOmemoFetchedFunc  fetched;
  TessOmemoPublishedFunc published;
  gpointer              user_data;
} Call;

static void
call_free (Call *call)
{
  tess_jid_unref (call->jid);
  g_free (call->node);
  tess_node_free (call->payload);
  g_free (call);
}

static gboolean
event_cb (gpointer data)
{
  Call *call = data;

  if (call->client->online && call->client->omemo != NULL)
    g_assert_true (tess_omemo_handle_event (call->client->omemo, call->jid, call->node, call->payload));
  call_free (call);
  return G_SOURCE_REMOVE;
}

void
world_set_node (World *self, TessJid *jid, const char *node, TessNode *payload)
{
  g_hash_table_insert (self->nodes, node_key (jid, node), payload);
  if (!g_str_has_suffix (node, ".devicelist"))
    return;
  for (guint i = 0; i < self->clients->len; i++)
    {
      Call *call = g_new0 (Call, 1);

      call->client = g_ptr_array_index (self->clients, i);
      call->jid = tess_jid_ref (jid);
      call->node = g_strdup (node);
      call->payload = tess_node_copy (payload);
      g_idle_add_full (G_PRIORITY_DEFAULT, event_cb, call, NULL);
    }
}

static gboolean
fetch_cb (gpointer data)
{
  Call *call = data;

  if (call->client->online)
    {
      call->fetched (world_node (call->client->world, call->jid, call->node), NULL, call->user_data);
    }
  else
    {
      g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, "offline");

      call->fetched (NULL, error, call->user_data);
    }
  call_free (call);
  return G_SOURCE_REMOVE;
}

static void
transport_fetch (gpointer data, TessJid *jid, const char *node, TessOmemoFetchedFunc done, gpointer user_data)
{
  Client *client = data;
  Call *call = g_new0 (Call, 1);

  client->fetches++;
  call->client = client;
  call->jid = tess_jid_ref (jid);
  call->node = g_strdup (node);
  call->fetched = done;
  call->user_data = user_data;
  g_idle_add_full (G_PRIORITY_DEFAULT, fetch_cb, call, NULL);
}

static gboolean
publish_cb (gpointer data)
{
  Call *call = data;
  gboolean list = g_str_has_suffix (call->node, ".devicelist");

  if (list && call->client->lists_refused > 0)
    {
      g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "item-not-found");

      call->client->lists_refused--;
      call->published (error, call->user_data);
    }
  else if (call->client->online)
    {
      if (list)
        call->client->lists_published++;
      else
        call->client->bundles_published++;
      world_set_node (call->client->world, call->jid, call->node, g_steal_pointer (&call->payload));
      call->published (NULL, call->user_data);
    }
  else
    {
      g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, "offline");

      call->published (error, call->user_data);
    }
  call_free (call);
  return G_SOURCE_REMOVE;
}

static void
transport_publish (gpointer data, const char *node, const char *item_id, TessNode *payload,
                   TessOmemoPublishedFunc done, gpointer user_data)
{
  Client *client = data;
  Call *call = g_new0 (Call, 1);

  g_assert_cmpstr (item_id, ==, "current");
  g_assert_cmpuint (client->store->depth, ==, 0); /* never inside of a transaction */
  call->client = client;
  call->jid = tess_jid_ref (client->jid);
  call->node = g_strdup (node);
  call->payload = payload;
  call->published = done;
  call->user_data = user_data;
  g_idle_add_full (G_PRIORITY_DEFAULT, publish_cb, call, NULL);
}

static gboolean
remove_cb (gpointer data)
{
  Call *call = data;
  g_autoptr (GError) error = call->client->online ? NULL : g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, "offline");

  if (error == NULL)
    {
      g_autofree char *key = node_key (call->jid, call->node);

      g_hash_table_remove (call->client->world->nodes, key);
    }
  call->published (error, call->user_data);
  call_free (call);
  return G_SOURCE_REMOVE;
}

static void
transport_remove (gpointer data, const char *node, TessOmemoPublishedFunc done, gpointer user_data)
{
  Client *client = data;
  Call *call = g_new0 (Call, 1);

  g_assert_cmpuint (client->store->depth, ==, 0);
  call->client = client;
  call->jid = tess_jid_ref (client->jid);
  call->node = g_strdup (node);
  call->published = done;
  call->user_data = user_data;
  g_idle_add_full (G_PRIORITY_DEFAULT, remove_cb, call, NULL);
}

static void
transport_send_empty (gpointer data, TessJid *jid, TessNode *encrypted)
{
  Client *client = data;

  g_assert_cmpuint (client->store->depth, ==, 0);
  g_assert_null (tess_node_child (encrypted, "payload", NULL));
  client->sent_empty++;
  client_post (client, jid, encrypted, TRUE);
  tess_node_free (encrypted);
}

static gboolean
transport_may_answer (gpointer data, TessJid *jid)
{
  Client *client = data;
  g_autofree char *key = node_key (client->jid, tess_jid_to_string (jid));

  return !g_hash_table_contains (client->world->strangers, key);
}

static gboolean
transport_is_online (gpointer data)
{
  return ((Client *) data)->online;
}

static const TessOmemoTransport transport_table = {
  .fetch = transport_fetch,
  .publish = transport_publish,
  .remove = transport_remove,
  .send_empty = transport_send_empty,
  .may_answer = transport_may_answer,
  .is_online = transport_is_online,
};

static void
devices_changed (gpointer data, TessJid *jid)
{
  Client *client = data;

  g_assert_cmpuint (client->store->depth, ==, 0);
  client->changed++;
}

static void
ready_changed (gpointer data, TessJid *jid)
{
  Client *client = data;

  g_assert_cmpuint (client->store->depth, ==, 0);
  tess_omemo_get_ready (client->omemo, jid);
}

static void
own_device_removed (gpointer data)
{
  ((Client *) data)->removed++;
}

static void
key_claimed (gpointer data, TessJid *jid, TessJid *owner)
{
  g_assert_false (tess_jid_equal (jid, owner));
  ((Client *) data)->claimed++;
}

static const TessOmemoListener listener_table = { devices_changed, ready_changed, own_device_removed, key_claimed };

void
letter_free (Letter *self)
{
  tess_jid_unref (self->from);
  tess_node_free (self->encrypted);
  g_free (self);
}

World *
world_new (void)
{
  World *self = g_new0 (World, 1);

  tess_thread_set_role (TESS_THREAD_ENGINE);
  self->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) tess_node_free);
  self->strangers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->clients = g_ptr_array_new ();
  return self;
}

static void
client_free (Client *self)
{
  tess_omemo_free (self->omemo);
  self->omemo = NULL;
}

static void
client_really_free (Client *self)
{
  g_queue_clear_full (&self->inbox, (GDestroyNotify) letter_free);
  g_ptr_array_unref (self->texts);
  g_array_unref (self->errors);
  fake_store_free (self->store);
  tess_jid_unref (self->jid);
  g_free (self);
}

void
world_free (World *self)
{
  for (guint i = 0; i < self->clients->len; i++)
    client_free (g_ptr_array_index (self->clients, i));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  for (guint i = 0; i < self->clients->len; i++)
    client_really_free (g_ptr_array_index (self->clients, i));
  g_ptr_array_unref (self->clients);
  g_hash_table_unref (self->nodes);
  g_hash_table_unref (self->strangers);
  g_free (self);
}

static void
client_load (Client *self)
{
  g_autoptr (GError) error = NULL;

  self->omemo = tess_omemo_new (self->jid, &fake_store_table, self->store, &transport_table, self, &listener_table, self);
  tess_omemo_set_clock (self->omemo, fake_clock);
  tess_omemo_load (self->omemo, &error);
  g_assert_no_error (error);
}

Client *
world_make (World *self, const char *jid)
{
  Client *client = g_new0 (Client, 1);

  client->world = self;
  client->jid = tess_jid_new_bare (jid, NULL);
  g_assert_nonnull (client->jid);
  client->store = fake_store_new ();
  g_queue_init (&client->inbox);
  client->texts = g_ptr_array_new_with_free_func (g_free);
  client->errors = g_array_new (FALSE, FALSE, sizeof (int));
  g_ptr_array_add (self->clients, client);
  client_load (client);
  return client;
}

Client *
world_join (World *self, const char *jid)
{
  Client *client = world_make (self, jid);

  client_go_online (client);
  world_run (self);
  return client;
}

void
client_go_online (Client *self)
{
  self->online = TRUE;
  tess_omemo_online (self->omemo);
}

void
client_go_offline (Client *self)
{
  self->online = FALSE;
  tess_omemo_offline (self->omemo);
}

void
client_restart (Client *self)
{
  tess_omemo_free (self->omemo);
  client_load (self);
  if (self->online)
    tess_omemo_online (self->omemo);
}

void
world_run (World *self)
{
  gboolean moved;

  do
    {
      moved = FALSE;
      while (g_main_context_iteration (NULL, FALSE))
        moved = TRUE;
      for (guint i = 0; i < self->clients->len && !self->manual; i++)
        {
          Client *client = g_ptr_array_index (self->clients, i);

          while (client->online && !g_queue_is_empty (&client->inbox))
            {
              client_deliver (client);
              moved = TRUE;
            }
        }
    }
  while (moved);
}

void
world_set_stranger (World *self, Client *who, Client *to)
{
  g_hash_table_add (self->strangers, node_key (who->jid, tess_jid_to_string (to->jid)));
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

gboolean
client_prepare (Client *self, Client *to)
{
  g_autoptr (GAsyncResult) result = NULL;

  tess_omemo_prepare_async (self->omemo, &to->jid, 1, NULL, prepared_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return tess_omemo_prepare_finish (self->omemo, result, NULL);
}

TessNode *
client_encrypt (Client *self, TessJid *to, const char *text, GPtrArray **skipped, GError **error)
{
  TessNode *encrypted;

  fake_store_table.begin (self->store, NULL);
  encrypted = tess_omemo_encrypt (self->omemo, &to, 1, text, skipped, error);
  if (encrypted == NULL)
    fake_store_table.rollback (self->store);
  else
    g_assert_true (fake_store_table.commit (self->store, NULL));
  tess_omemo_settle (self->omemo);
  return encrypted;
}

void
client_post (Client *self, TessJid *to, const TessNode *encrypted, gboolean empty)
{
  for (guint i = 0; i < self->world->clients->len; i++)
    {
      Client *client = g_ptr_array_index (self->world->clients, i);
      Letter *letter;

      if (client == self || (!tess_jid_equal (client->jid, to) && !tess_jid_equal (client->jid, self->jid)))
        continue;
      letter = g_new0 (Letter, 1);
      letter->from = tess_jid_ref (self->jid);
      letter->encrypted = tess_node_copy (encrypted);
      letter->empty = empty;
      g_queue_push_tail (&client->inbox, letter);
    }
}

void
client_send (Client *self, Client *to, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessNode) encrypted = NULL;

  g_assert_true (client_prepare (self, to));
  encrypted = client_encrypt (self, to->jid, text, NULL, &error);
  g_assert_no_error (error);
  client_post (self, to->jid, encrypted, FALSE);
}

int
client_receive (Client *self, TessJid *from, const TessNode *encrypted)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) before = fake_store_copy (self->store);
  TessOmemoPlain plain;
  int code = -1;

  fake_store_table.begin (self->store, NULL);
  if (tess_omemo_decrypt (self->omemo, from, encrypted, world_now, &plain, &error))
    {
      g_assert_true (fake_store_table.commit (self->store, NULL));
      if (plain.text != NULL)
        g_ptr_array_add (self->texts, g_strdup (plain.text));
      else
        self->empties++;
      tess_omemo_plain_clear (&plain);
    }
  else
    {
      g_assert_cmpint (error->domain, ==, TESS_OMEMO_ERROR);
      code = error->code;
      if (!self->world->silent)
        g_test_message ("%s: %s", tess_jid_to_string (self->jid), error->message);
      /* What was refused has left no trace even before the rollback. */
      if (code != TESS_OMEMO_ERROR_STORE)
        g_assert_true (fake_store_equals (self->store, before));
      fake_store_table.rollback (self->store);
      g_assert_true (fake_store_equals (self->store, before));
      g_array_append_val (self->errors, code);
    }
  tess_omemo_settle (self->omemo);
  return code;
}

int
client_deliver (Client *self)
{
  Letter *letter = g_queue_pop_head (&self->inbox);
  int code = client_receive (self, letter->from, letter->encrypted);

  letter_free (letter);
  return code;
}

const char *
client_last (Client *self)
{
  return self->texts->len == 0 ? "" : g_ptr_array_index (self->texts, self->texts->len - 1);
}

TessOmemoDevice *
client_device (Client *self, Client *of)
{
  TessOmemoDevice *device = NULL;

  fake_store_table.begin (self->store, NULL);
  fake_store_table.load_device (self->store, of->jid, tess_omemo_get_device_id (of->omemo), &device, NULL);
  fake_store_table.commit (self->store, NULL);
  return device;
}

TessOmemoTrust
client_trust (Client *self, Client *of)
{
  g_autoptr (TessOmemoDevice) device = client_device (self, of);

  g_assert_nonnull (device);
  return device->trust;
}
