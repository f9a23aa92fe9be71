/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo-world.h"

#include "base/tess-thread.h"
#include "crypto/tess-crypto.h"
#include "omemo/tess-omemo-signal-private.h"

#include <signal/session_builder.h>
#include <signal/session_cipher.h>
#include <signal/session_pre_key.h>
#include <signal/protocol.h>

#include <string.h>

gint64 world_now = 1000 * G_TIME_SPAN_DAY;

static gint64
fake_clock (void)
{
  return world_now;
}

/* ---- The store ---- */

static GHashTable *
copy_rows (GHashTable *rows)
{
  GHashTable *copy = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  GHashTableIter iter;
  gpointer key;
  gpointer value;

  g_hash_table_iter_init (&iter, rows);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (copy, g_strdup (key), g_bytes_ref (value));
  return copy;
}

FakeStore *
fake_store_new (void)
{
  FakeStore *self = g_new0 (FakeStore, 1);

  self->rows = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  return self;
}

void
fake_store_free (FakeStore *self)
{
  g_assert_cmpuint (self->depth, ==, 0);
  g_hash_table_unref (self->rows);
  g_clear_pointer (&self->snapshot, g_hash_table_unref);
  g_free (self);
}

GHashTable *
fake_store_copy (FakeStore *self)
{
  return copy_rows (self->rows);
}

gboolean
fake_store_equals (FakeStore *self, GHashTable *rows)
{
  GHashTableIter iter;
  gpointer key;
  gpointer value;

  if (g_hash_table_size (rows) != g_hash_table_size (self->rows))
    return FALSE;
  g_hash_table_iter_init (&iter, rows);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      GBytes *other = g_hash_table_lookup (self->rows, key);

      if (other == NULL || !g_bytes_equal (other, value))
        return FALSE;
    }
  return TRUE;
}

guint
fake_store_count (FakeStore *self, const char *prefix)
{
  GHashTableIter iter;
  gpointer key;
  guint count = 0;

  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    count += g_str_has_prefix (key, prefix);
  return count;
}

static gboolean
store_begin (gpointer data, GError **error)
{
  FakeStore *self = data;

  if (self->depth++ == 0)
    {
      self->snapshot = copy_rows (self->rows);
      self->doomed = FALSE;
    }
  return TRUE;
}

static void
store_restore (FakeStore *self)
{
  g_hash_table_unref (self->rows);
  self->rows = g_steal_pointer (&self->snapshot);
}

static gboolean
store_commit (gpointer data, GError **error)
{
  FakeStore *self = data;

  g_assert_cmpuint (self->depth, >, 0);
  if (--self->depth > 0)
    return TRUE;
  if (self->doomed)
    {
      store_restore (self);
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "doomed");
      return FALSE;
    }
  g_clear_pointer (&self->snapshot, g_hash_table_unref);
  self->commits++;
  return TRUE;
}

static void
store_rollback (gpointer data)
{
  FakeStore *self = data;

  if (self->depth == 0)
    return; /* after a commit that failed */
  self->doomed = TRUE;
  if (--self->depth == 0)
    store_restore (self);
}

static GBytes *
row (FakeStore *self, const char *key)
{
  GBytes *found;

  g_assert_cmpuint (self->depth, >, 0); /* the contract: only inside of a transaction */
  found = g_hash_table_lookup (self->rows, key);
  return found == NULL ? NULL : g_bytes_ref (found);
}

static gboolean
put (FakeStore *self, const char *key, gconstpointer data, gsize length, GError **error)
{
  g_assert_cmpuint (self->depth, >, 0);
  if (self->fail_after > 0 && --self->fail_after == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "the disk is full");
      return FALSE;
    }
  if (data == NULL && length == 0)
    g_hash_table_remove (self->rows, key);
  else
    g_hash_table_insert (self->rows, g_strdup (key), g_bytes_new (data, length));
  return TRUE;
}

static gboolean
put_bytes (FakeStore *self, const char *key, GBytes *bytes, GError **error)
{
  return put (self, key, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), error);
}

static gboolean
store_load_local (gpointer data, guint32 *id, GBytes **identity, GError **error)
{
  g_autoptr (GBytes) number = row (data, "local-id");

  *id = number == NULL ? 0 : *(const guint32 *) g_bytes_get_data (number, NULL);
  *identity = row (data, "local-identity");
  return TRUE;
}

static gboolean
store_save_local (gpointer data, guint32 id, GBytes *identity, GError **error)
{
  return put (data, "local-id", &id, sizeof id, error) && put_bytes (data, "local-identity", identity, error);
}

static char *
blob_key (TessOmemoBlobKind kind, guint32 id)
{
  return g_strdup_printf ("%s/%010u", kind == TESS_OMEMO_BLOB_PREKEY ? "prekey" : "signed", id);
}

static gboolean
store_load_blob (gpointer data, TessOmemoBlobKind kind, guint32 id, GBytes **blob, GError **error)
{
  g_autofree char *key = blob_key (kind, id);

  *blob = row (data, key);
  return TRUE;
}

static gboolean
store_save_blob (gpointer data, TessOmemoBlobKind kind, guint32 id, GBytes *blob, GError **error)
{
  g_autofree char *key = blob_key (kind, id);

  return put_bytes (data, key, blob, error);
}

static gboolean
store_remove_blob (gpointer data, TessOmemoBlobKind kind, guint32 id, GError **error)
{
  g_autofree char *key = blob_key (kind, id);

  return put (data, key, NULL, 0, error);
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static GPtrArray *
keys_with (FakeStore *self, const char *prefix)
{
  GPtrArray *keys = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer key;

  g_assert_cmpuint (self->depth, >, 0);
  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      if (g_str_has_prefix (key, prefix))
        g_ptr_array_add (keys, key);
    }
  g_ptr_array_sort (keys, compare_keys);
  return keys;
}

static gboolean
store_list_blobs (gpointer data, TessOmemoBlobKind kind, GArray **ids, GError **error)
{
  const char *prefix = kind == TESS_OMEMO_BLOB_PREKEY ? "prekey/" : "signed/";
  g_autoptr (GPtrArray) keys = keys_with (data, prefix);

  *ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  for (guint i = 0; i < keys->len; i++)
    {
      guint32 id = (guint32) g_ascii_strtoull ((const char *) g_ptr_array_index (keys, i) + strlen (prefix), NULL, 10);

      g_array_append_val (*ids, id);
    }
  return TRUE;
}

static gboolean
store_load_number (gpointer data, const char *name, gint64 *value, GError **error)
{
  g_autofree char *key = g_strconcat ("number/", name, NULL);
  g_autoptr (GBytes) found = row (data, key);

  *value = found == NULL ? 0 : *(const gint64 *) g_bytes_get_data (found, NULL);
  return TRUE;
}

static gboolean
store_save_number (gpointer data, const char *name, gint64 value, GError **error)
{
  g_autofree char *key = g_strconcat ("number/", name, NULL);

  return put (data, key, &value, sizeof value, error);
}

static char *
address_key (const char *kind, const TessJid *jid, guint32 device)
{
  g_assert_true (tess_jid_is_bare (jid));
  return g_strdup_printf ("%s/%s/%010u", kind, tess_jid_to_string (jid), device);
}

static gboolean
store_load_session (gpointer data, TessJid *jid, guint32 device, GBytes **blob, GError **error)
{
  g_autofree char *key = address_key ("session", jid, device);

  *blob = row (data, key);
  return TRUE;
}

static gboolean
store_save_session (gpointer data, TessJid *jid, guint32 device, GBytes *blob, GError **error)
{
  g_autofree char *key = address_key ("session", jid, device);

  return put_bytes (data, key, blob, error);
}

static gboolean
store_remove_session (gpointer data, TessJid *jid, guint32 device, GError **error)
{
  g_autofree char *key = address_key ("session", jid, device);

  return put (data, key, NULL, 0, error);
}

static TessOmemoDevice *
read_device (GBytes *bytes, TessJid *jid)
{
  TessOmemoDevice *device = g_memdup2 (g_bytes_get_data (bytes, NULL), sizeof *device);

  device->jid = tess_jid_ref (jid);
  return device;
}

static gboolean
store_load_device (gpointer data, TessJid *jid, guint32 id, TessOmemoDevice **device, GError **error)
{
  g_autofree char *key = address_key ("device", jid, id);
  g_autoptr (GBytes) bytes = row (data, key);

  *device = bytes == NULL ? NULL : read_device (bytes, jid);
  return TRUE;
}

static gboolean
store_save_device (gpointer data, const TessOmemoDevice *device, GError **error)
{
  g_autofree char *key = address_key ("device", device->jid, device->id);
  g_autoptr (GBytes) before = row (data, key);
  TessOmemoDevice flat;

  g_assert_cmpuint (device->id, >, 0);
  if (before != NULL)
    {
      g_autoptr (TessOmemoDevice) old = read_device (before, device->jid);

      if (old->has_key && (!device->has_key || memcmp (old->key, device->key, sizeof old->key) != 0))
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_EXISTS, "a key never changes");
          return FALSE;
        }
    }
  memcpy (&flat, device, sizeof flat);
  flat.jid = NULL;
  return put (data, key, &flat, sizeof flat, error);
}

static gboolean
store_list_devices (gpointer data, TessJid *jid, GPtrArray **devices, GError **error)
{
  FakeStore *self = data;
  g_autofree char *prefix = g_strdup_printf ("device/%s/", tess_jid_to_string (jid));
  g_autoptr (GPtrArray) keys = keys_with (self, prefix);

  *devices = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_omemo_device_free);
  for (guint i = 0; i < keys->len; i++)
    g_ptr_array_add (*devices, read_device (g_hash_table_lookup (self->rows, g_ptr_array_index (keys, i)), jid));
  return TRUE;
}

const TessOmemoStore fake_store_table = {
  .begin = store_begin,
  .commit = store_commit,
  .rollback = store_rollback,
  .load_local = store_load_local,
  .save_local = store_save_local,
  .load_blob = store_load_blob,
  .save_blob = store_save_blob,
  .remove_blob = store_remove_blob,
  .list_blobs = store_list_blobs,
  .load_number = store_load_number,
  .save_number = store_save_number,
  .load_session = store_load_session,
  .save_session = store_save_session,
  .remove_session = store_remove_session,
  .load_device = store_load_device,
  .save_device = store_save_device,
  .list_devices = store_list_devices,
};

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

  if (call->client->online)
    {
      if (g_str_has_suffix (call->node, ".devicelist"))
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

static const TessOmemoListener listener_table = { devices_changed, ready_changed, own_device_removed };

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

  store_begin (self->store, NULL);
  encrypted = tess_omemo_encrypt (self->omemo, &to, 1, text, skipped, error);
  if (encrypted == NULL)
    store_rollback (self->store);
  else
    g_assert_true (store_commit (self->store, NULL));
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

  store_begin (self->store, NULL);
  if (tess_omemo_decrypt (self->omemo, from, encrypted, world_now, &plain, &error))
    {
      g_assert_true (store_commit (self->store, NULL));
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
      g_test_message ("%s: %s", tess_jid_to_string (self->jid), error->message);
      /* What was refused has left no trace even before the rollback. */
      if (code != TESS_OMEMO_ERROR_STORE)
        g_assert_true (fake_store_equals (self->store, before));
      store_rollback (self->store);
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

  store_begin (self->store, NULL);
  store_load_device (self->store, of->jid, tess_omemo_get_device_id (of->omemo), &device, NULL);
  store_commit (self->store, NULL);
  return device;
}

TessOmemoTrust
client_trust (Client *self, Client *of)
{
  g_autoptr (TessOmemoDevice) device = client_device (self, of);

  g_assert_nonnull (device);
  return device->trust;
}

/* ---- A peer that keeps no rules ---- */

Evil *
evil_new (World *world, const char *jid, guint32 device)
{
  Evil *self = g_new0 (Evil, 1);
  g_autoptr (GBytes) identity = NULL;

  self->world = world;
  self->jid = tess_jid_new_bare (jid, NULL);
  self->device = device;
  self->store = fake_store_new ();
  self->signal = tess_omemo_signal_new (&fake_store_table, self->store);
  identity = tess_omemo_signal_make_identity (self->signal);
  g_assert_true (tess_omemo_signal_set_local (self->signal, device, identity));
  return self;
}

void
evil_free (Evil *self)
{
  tess_omemo_signal_free (self->signal);
  fake_store_free (self->store);
  tess_jid_unref (self->jid);
  g_free (self);
}

void
evil_publish (Evil *self)
{
  g_autoptr (TessOmemoBundle) bundle = tess_omemo_bundle_new ();
  g_autoptr (GBytes) prekey = tess_omemo_signal_make_prekey (self->signal, 7);
  g_autoptr (GBytes) signed_prekey = tess_omemo_signal_make_signed_prekey (self->signal, 9, world_now);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autofree char *node = tess_omemo_axolotl_bundle_node (self->device);
  TessOmemoPublicPrekey public = { .id = 7 };

  store_begin (self->store, NULL);
  store_save_blob (self->store, TESS_OMEMO_BLOB_PREKEY, 7, prekey, NULL);
  store_save_blob (self->store, TESS_OMEMO_BLOB_SIGNED_PREKEY, 9, signed_prekey, NULL);
  store_commit (self->store, NULL);
  memcpy (bundle->identity, tess_omemo_signal_get_key (self->signal), TESS_OMEMO_KEY_BYTES);
  bundle->signed_id = 9;
  g_assert_true (tess_omemo_signal_read_signed_prekey (self->signal, signed_prekey, bundle->signed_key, bundle->signature));
  g_assert_true (tess_omemo_signal_read_prekey (self->signal, prekey, public.key));
  g_array_append_val (bundle->prekeys, public);
  g_array_append_val (ids, self->device);
  world_set_node (self->world, self->jid, node, tess_omemo_axolotl_build_bundle (bundle));
  world_set_node (self->world, self->jid, TESS_OMEMO_AXOLOTL_LIST_NODE, tess_omemo_axolotl_build_list (ids));
}

/* As tess_omemo_ratchet_start () does it, but without a one-time prekey. */
static void
start_without_prekey (Evil *self, TessOmemoRatchet *ratchet, const TessOmemoBundle *bundle,
                      const signal_protocol_address *address)
{
  g_autoptr (session_pre_key_bundle) signal_bundle = NULL;
  g_autoptr (ec_public_key) signed_point = NULL;
  g_autoptr (ec_public_key) identity_point = NULL;
  session_builder *builder = NULL;

  g_assert_true (tess_omemo_make_point (self->signal, bundle->signed_key, &signed_point));
  g_assert_true (tess_omemo_make_point (self->signal, bundle->identity, &identity_point));
  g_assert_cmpint (session_pre_key_bundle_create (&signal_bundle, 1, address->device_id, 0, NULL, bundle->signed_id,
                                                  signed_point, bundle->signature, sizeof bundle->signature,
                                                  identity_point), >=, 0);
  self->signal->current = ratchet;
  g_assert_cmpint (session_builder_create (&builder, self->signal->store_context, address, self->signal->context), >=, 0);
  g_assert_cmpint (session_builder_process_pre_key_bundle (builder, signal_bundle), >=, 0);
  session_builder_free (builder);
  self->signal->current = NULL;
}

GBytes *
evil_key (Evil *self, Client *to, const guint8 *data, gsize length, gboolean one_time, gboolean *prekey)
{
  guint32 device = tess_omemo_get_device_id (to->omemo);
  g_autofree char *node = tess_omemo_axolotl_bundle_node (device);
  g_autoptr (TessOmemoRatchet) ratchet = NULL;
  g_autoptr (GError) error = NULL;
  GBytes *result;

  store_begin (self->store, NULL);
  ratchet = tess_omemo_ratchet_open (self->signal, to->jid, device, NULL, &error);
  g_assert_no_error (error);
  if (!tess_omemo_ratchet_has_session (ratchet))
    {
      g_autoptr (TessOmemoBundle) bundle = tess_omemo_axolotl_parse_bundle (world_node (self->world, to->jid, node), &error);
      signal_protocol_address address = { "x", 1, 1 };

      g_assert_no_error (error);
      if (one_time)
        tess_omemo_ratchet_start (ratchet, bundle, &error);
      else
        start_without_prekey (self, ratchet, bundle, &address);
      g_assert_no_error (error);
    }
  result = tess_omemo_ratchet_encrypt (ratchet, data, length, prekey, &error);
  g_assert_no_error (error);
  tess_omemo_ratchet_save (ratchet, FALSE, &error);
  g_assert_no_error (error);
  store_commit (self->store, NULL);
  return result;
}

TessNode *
evil_wrap (Evil *self, Client *to, GBytes *key, gboolean prekey)
{
  g_autoptr (TessOmemoWireMessage) message = tess_omemo_wire_message_new (self->device);

  tess_omemo_wire_message_add_key (message, tess_omemo_get_device_id (to->omemo), prekey, key);
  message->iv_length = 12;
  message->payload = g_bytes_new_static ("xxxx", 4);
  return tess_omemo_axolotl_build_message (message);
}

TessNode *
evil_message (Evil *self, Client *to, const char *text, gsize length, gsize iv_length)
{
  g_autoptr (TessOmemoWireMessage) message = tess_omemo_wire_message_new (self->device);
  g_autoptr (GBytes) key = NULL;
  guint8 secret[32] = { 1, 2, 3 };
  guint8 *cipher = g_malloc (length + 1);
  gboolean prekey;

  message->iv_length = iv_length;
  tess_random_bytes (message->iv, iv_length);
  tess_aes_gcm_encrypt (secret, 16, message->iv, iv_length, NULL, 0, (const guint8 *) text, length, cipher, secret + 16);
  message->payload = g_bytes_new_take (cipher, length);
  key = evil_key (self, to, secret, sizeof secret, TRUE, &prekey);
  tess_omemo_wire_message_add_key (message, tess_omemo_get_device_id (to->omemo), prekey, key);
  return tess_omemo_axolotl_build_message (message);
}
