/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo-world.h"

#include "omemo/tess-omemo-signal-private.h"

#include <gio/gio.h>
#include <signal/ratchet.h>
#include <signal/session_record.h>
#include <signal/session_state.h>

#include <string.h>

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
    self->doomed = FALSE;
  return TRUE;
}

static void
store_restore (FakeStore *self)
{
  if (self->snapshot == NULL)
    return; /* nothing was written */
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
  if (self->snapshot == NULL)
    self->snapshot = copy_rows (self->rows);
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

/* What is read out of a record past the library is what the library reads out of it, for each that is ever saved in these suites. */
static void
check_peek (GBytes *blob)
{
  g_autoptr (session_record) record = NULL;
  signal_context *context = NULL;
  const session_state *state;
  guint8 key[TESS_OMEMO_KEY_BYTES];
  guint8 peeked[TESS_OMEMO_KEY_BYTES];
  gboolean answered;

  g_assert_cmpint (signal_context_create (&context, NULL), >=, 0);
  g_assert_cmpint (session_record_deserialize (&record, g_bytes_get_data (blob, NULL), g_bytes_get_size (blob), context), >=, 0);
  state = session_record_get_state (record);
  g_assert_true (tess_omemo_record_peek (blob, peeked, &answered));
  g_assert_true (tess_omemo_read_point (session_state_get_remote_identity_key (state), key));
  g_assert_cmpmem (peeked, sizeof peeked, key, sizeof key);
  g_assert_cmpint (answered, ==, ratchet_chain_key_get_index (session_state_get_sender_chain_key (state)) > 0);
  signal_context_destroy (context);
}

static GBytes *
pack (GBytes *blob)
{
  g_autoptr (session_record) record = NULL;
  signal_context *context = NULL;
  signal_buffer *buffer = NULL;

  g_assert_cmpint (signal_context_create (&context, NULL), >=, 0);
  g_assert_cmpint (session_record_deserialize (&record, g_bytes_get_data (blob, NULL), g_bytes_get_size (blob), context), >=, 0);
  g_assert_cmpint (session_record_serialize (&buffer, record), >=, 0);
  signal_context_destroy (context);
  return tess_omemo_take_buffer (buffer);
}

/* …and what was taken out of one and put back is what was there, byte for byte. */
static void
check_kept (GBytes *blob)
{
  g_autoptr (GBytes) thin = NULL;
  g_autoptr (TessOmemoKept) kept = tess_omemo_kept_take (blob, -1, &thin);
  g_autoptr (GBytes) restored = NULL;
  g_autoptr (GBytes) written = NULL;
  g_autoptr (GBytes) packed = pack (blob);

  g_assert_true (g_bytes_equal (packed, blob));
  if (kept == NULL)
    return;
  g_assert_cmpuint (g_bytes_get_size (thin), <, g_bytes_get_size (blob));
  written = pack (thin);
  restored = tess_omemo_kept_restore (kept, written);
  g_assert_nonnull (restored);
  g_assert_true (g_bytes_equal (restored, blob));
}

static gboolean
store_save_session (gpointer data, TessJid *jid, guint32 device, GBytes *blob, GError **error)
{
  g_autofree char *key = address_key ("session", jid, device);

  check_peek (blob);
  check_kept (blob);
  return put_bytes (data, key, blob, error);
}

static gboolean
store_remove_session (gpointer data, TessJid *jid, guint32 device, GError **error)
{
  g_autofree char *key = address_key ("session", jid, device);

  return put (data, key, NULL, 0, error);
}

static gboolean
store_remove_sessions (gpointer data, GError **error)
{
  g_autoptr (GPtrArray) keys = keys_with (data, "session/");
  gboolean removed = TRUE;

  for (guint i = 0; removed && i < keys->len; i++)
    removed = put (data, g_ptr_array_index (keys, i), NULL, 0, error);
  return removed;
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

static gboolean
store_find_key (gpointer data, const guint8 *key, GPtrArray **devices, GError **error)
{
  FakeStore *self = data;
  g_autoptr (GPtrArray) keys = keys_with (self, "device/");

  *devices = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_omemo_device_free);
  for (guint i = 0; i < keys->len; i++)
    {
      g_auto (GStrv) parts = g_strsplit (g_ptr_array_index (keys, i), "/", 3);
      g_autoptr (TessJid) jid = tess_jid_new_bare (parts[1], NULL);
      g_autoptr (TessOmemoDevice) device = read_device (g_hash_table_lookup (self->rows, g_ptr_array_index (keys, i)), jid);

      if (device->has_key && memcmp (device->key, key, TESS_OMEMO_KEY_BYTES) == 0)
        g_ptr_array_add (*devices, g_steal_pointer (&device));
    }
  return TRUE;
}

static gboolean
store_load_blind (gpointer data, TessJid *jid, TessOmemoBlind *blind, GError **error)
{
  g_autofree char *name = g_strconcat ("blind-", tess_jid_to_string (jid), NULL);
  gint64 value = 0;

  if (!store_load_number (data, name, &value, error))
    return FALSE;
  *blind = (TessOmemoBlind) value;
  return TRUE;
}

static gboolean
store_save_blind (gpointer data, TessJid *jid, TessOmemoBlind blind, GError **error)
{
  g_autofree char *name = g_strconcat ("blind-", tess_jid_to_string (jid), NULL);

  return store_save_number (data, name, blind, error);
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
  .remove_sessions = store_remove_sessions,
  .load_blind = store_load_blind,
  .save_blind = store_save_blind,
  .load_device = store_load_device,
  .save_device = store_save_device,
  .list_devices = store_list_devices,
  .find_key = store_find_key,
};
