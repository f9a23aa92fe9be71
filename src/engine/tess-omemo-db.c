/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-omemo-db.h"

#include "records/tess-device-record.h"
#include "store/tess-store-omemo.h"

#include <string.h>

/* What is kept of one device during a page. */
typedef struct
{
  TessJid         *jid;
  guint32          id;
  gboolean         session_known;
  gboolean         session_changed;
  GBytes          *session; /* nullable: there is none */
  gboolean         device_known;
  gboolean         device_changed;
  TessOmemoDevice *device; /* nullable */
} Kept;

typedef struct
{
  Kept *kept; /* where it goes back to */
  Kept  before;
} Change;

struct _TessOmemoDb
{
  TessStore  *store;
  gint64      account_id;
  GHashTable *page;    /* nullable: a set of Kept */
  GPtrArray  *changes; /* of Change, since the last mark */
  GHashTable *known;   /* TessJid -> GPtrArray of TessOmemoDevice: whose devices were listed, as they are stored */
  guint64     known_rollbacks; /* what `known` was read at */
};

/* What is sent, shown and received asks for the devices of the same few people again and again. */
#define MOST_KNOWN 256

G_STATIC_ASSERT ((int) TESS_OMEMO_TRUST_UNDECIDED == (int) TESS_TRUST_UNDECIDED);
G_STATIC_ASSERT ((int) TESS_OMEMO_TRUST_BLIND == (int) TESS_TRUST_BLIND);
G_STATIC_ASSERT ((int) TESS_OMEMO_TRUST_VERIFIED == (int) TESS_TRUST_VERIFIED);
G_STATIC_ASSERT ((int) TESS_OMEMO_TRUST_DISTRUSTED == (int) TESS_TRUST_DISTRUSTED);

static guint
kept_hash (gconstpointer data)
{
  const Kept *self = data;

  return tess_jid_hash (self->jid) * 31 + self->id;
}

static gboolean
kept_equal (gconstpointer a, gconstpointer b)
{
  const Kept *one = a;
  const Kept *other = b;

  return one->id == other->id && tess_jid_equal (one->jid, other->jid);
}

static void
kept_clear (Kept *self)
{
  tess_jid_unref (self->jid);
  g_clear_pointer (&self->session, g_bytes_unref);
  g_clear_pointer (&self->device, tess_omemo_device_free);
}

static void
kept_free (gpointer data)
{
  kept_clear (data);
  g_free (data);
}

static void
change_free (gpointer data)
{
  Change *self = data;

  kept_clear (&self->before);
  g_free (self);
}

TessOmemoDb *
tess_omemo_db_new (TessStore *store, gint64 account_id)
{
  TessOmemoDb *self = g_new0 (TessOmemoDb, 1);

  self->store = store;
  self->account_id = account_id;
  self->changes = g_ptr_array_new_with_free_func (change_free);
  self->known = g_hash_table_new_full (tess_jid_hash, tess_jid_equal, (GDestroyNotify) tess_jid_unref,
                                       (GDestroyNotify) g_ptr_array_unref);
  return self;
}

void
tess_omemo_db_free (TessOmemoDb *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->page, g_hash_table_unref);
  g_ptr_array_unref (self->changes);
  g_hash_table_unref (self->known);
  g_free (self);
}

/* ---- Lists that were read ---- */

static void
forget_taken_back (TessOmemoDb *self)
{
  if (self->known_rollbacks == tess_store_get_rollbacks (self->store))
    return;
  g_hash_table_remove_all (self->known);
  self->known_rollbacks = tess_store_get_rollbacks (self->store);
}

/* (transfer none) (nullable) */
static GPtrArray *
find_known (TessOmemoDb *self, TessJid *jid)
{
  forget_taken_back (self);
  return g_hash_table_lookup (self->known, tess_jid_get_bare (jid));
}

static GPtrArray *
copy_devices (GPtrArray *devices)
{
  GPtrArray *copy = g_ptr_array_new_full (devices->len, (GDestroyNotify) tess_omemo_device_free);

  for (guint i = 0; i < devices->len; i++)
    g_ptr_array_add (copy, tess_omemo_device_copy (g_ptr_array_index (devices, i)));

  return copy;
}

static void
know (TessOmemoDb *self, TessJid *jid, GPtrArray *devices)
{
  if (g_hash_table_size (self->known) >= MOST_KNOWN)
    g_hash_table_remove_all (self->known);
  g_hash_table_insert (self->known, tess_jid_ref (tess_jid_get_bare (jid)), copy_devices (devices));
}

/* ---- A page ---- */

/* (transfer none) (nullable): NULL outside of a page. */
static Kept *
keep (TessOmemoDb *self, TessJid *jid, guint32 id)
{
  Kept  wanted = { .jid = tess_jid_get_bare (jid), .id = id };
  Kept *kept;

  if (self->page == NULL)
    return NULL;
  kept = g_hash_table_lookup (self->page, &wanted);
  if (kept == NULL)
    {
      kept = g_memdup2 (&wanted, sizeof wanted);
      tess_jid_ref (kept->jid);
      g_hash_table_add (self->page, kept);
    }

  return kept;
}

/* Before @kept changes. */
static void
remember (TessOmemoDb *self, Kept *kept)
{
  Change *change = g_new (Change, 1);

  change->kept = kept;
  change->before = *kept;
  tess_jid_ref (change->before.jid);
  if (change->before.session != NULL)
    g_bytes_ref (change->before.session);
  if (change->before.device != NULL)
    change->before.device = tess_omemo_device_copy (change->before.device);
  g_ptr_array_add (self->changes, change);
}

void
tess_omemo_db_mark (TessOmemoDb *self)
{
  g_ptr_array_set_size (self->changes, 0);
}

void
tess_omemo_db_revert (TessOmemoDb *self)
{
  for (guint i = self->changes->len; i > 0; i--)
    {
      Change *change = g_ptr_array_index (self->changes, i - 1);
      Kept    undone = *change->kept;

      *change->kept = change->before;
      change->before = undone; /* to be freed */
    }
  tess_omemo_db_mark (self);
}

void
tess_omemo_db_begin_page (TessOmemoDb *self)
{
  g_return_if_fail (self->page == NULL);

  self->page = g_hash_table_new_full (kept_hash, kept_equal, kept_free, NULL);
}

static gboolean save_session (TessOmemoDb *self, TessJid *jid, guint32 device, GBytes *blob, GError **error);
static gboolean save_device  (TessOmemoDb *self, const TessOmemoDevice *device, GError **error);

/* Whoever asks for all devices of somebody must see what was changed. */
static gboolean
write_devices (TessOmemoDb *self, GError **error)
{
  GHashTableIter iter;
  Kept          *kept;

  if (self->page == NULL)
    return TRUE;
  g_hash_table_iter_init (&iter, self->page);
  while (g_hash_table_iter_next (&iter, (gpointer *) &kept, NULL))
    {
      if (!kept->device_changed)
        continue;
      if (!save_device (self, kept->device, error))
        return FALSE;
      remember (self, kept); /* the message that made us write may be taken back, and this with it */
      kept->device_changed = FALSE;
    }

  return TRUE;
}

gboolean
tess_omemo_db_end_page (TessOmemoDb *self, GError **error)
{
  g_autoptr (GHashTable) page = NULL;
  gboolean               written = write_devices (self, error);
  GHashTableIter         iter;
  Kept                  *kept;

  page = g_steal_pointer (&self->page);
  tess_omemo_db_mark (self);
  g_hash_table_iter_init (&iter, page);
  while (written && g_hash_table_iter_next (&iter, (gpointer *) &kept, NULL))
    written = !kept->session_changed || save_session (self, kept->jid, kept->id, kept->session, error);

  return written;
}

/* ---- The table ---- */

static gboolean
db_begin (gpointer data, GError **error)
{
  return tess_store_begin (((TessOmemoDb *) data)->store, error);
}

static gboolean
db_commit (gpointer data, GError **error)
{
  return tess_store_commit (((TessOmemoDb *) data)->store, error);
}

static void
db_rollback (gpointer data)
{
  tess_store_rollback (((TessOmemoDb *) data)->store);
}

static gboolean
db_load_local (gpointer data, guint32 *id, GBytes **identity, GError **error)
{
  TessOmemoDb *self = data;

  return tess_store_omemo_load_local (self->store, self->account_id, id, identity, error);
}

static gboolean
db_save_local (gpointer data, guint32 id, GBytes *identity, GError **error)
{
  TessOmemoDb *self = data;

  return tess_store_omemo_save_local (self->store, self->account_id, id, identity, error);
}

static gboolean
db_load_blob (gpointer data, TessOmemoBlobKind kind, guint32 id, GBytes **blob, GError **error)
{
  TessOmemoDb *self = data;

  return tess_store_omemo_load_blob (self->store, self->account_id, kind, id, blob, error);
}

static gboolean
db_save_blob (gpointer data, TessOmemoBlobKind kind, guint32 id, GBytes *blob, GError **error)
{
  TessOmemoDb *self = data;

  return tess_store_omemo_save_blob (self->store, self->account_id, kind, id, blob, error);
}

static gboolean
db_remove_blob (gpointer data, TessOmemoBlobKind kind, guint32 id, GError **error)
{
  TessOmemoDb *self = data;

  return tess_store_omemo_remove_blob (self->store, self->account_id, kind, id, error);
}

static gboolean
db_list_blobs (gpointer data, TessOmemoBlobKind kind, GArray **ids, GError **error)
{
  TessOmemoDb *self = data;

  return tess_store_omemo_list_blobs (self->store, self->account_id, kind, ids, error);
}

static gboolean
db_load_number (gpointer data, const char *name, gint64 *value, GError **error)
{
  TessOmemoDb *self = data;

  return tess_store_omemo_load_number (self->store, self->account_id, name, value, error);
}

static gboolean
db_save_number (gpointer data, const char *name, gint64 value, GError **error)
{
  TessOmemoDb *self = data;

  return tess_store_omemo_save_number (self->store, self->account_id, name, value, error);
}

static gboolean
db_load_session (gpointer data, TessJid *jid, guint32 device, GBytes **blob, GError **error)
{
  TessOmemoDb *self = data;
  Kept        *kept = keep (self, jid, device);

  if (kept == NULL || !kept->session_known)
    {
      if (!tess_store_omemo_load_session (self->store, self->account_id, tess_jid_to_bare_string (jid), device, blob,
                                          error))
        return FALSE;
      if (kept == NULL)
        return TRUE;
      kept->session = *blob;
      kept->session_known = TRUE;
    }
  *blob = kept->session != NULL ? g_bytes_ref (kept->session) : NULL;

  return TRUE;
}

static gboolean
save_session (TessOmemoDb *self, TessJid *jid, guint32 device, GBytes *blob, GError **error)
{
  return tess_store_omemo_save_session (self->store, self->account_id, tess_jid_to_bare_string (jid),
                                        device, blob, error);
}

static gboolean
db_save_session (gpointer data, TessJid *jid, guint32 device, GBytes *blob, GError **error)
{
  TessOmemoDb *self = data;
  Kept        *kept = keep (self, jid, device);

  if (kept == NULL)
    return save_session (self, jid, device, blob, error);

  remember (self, kept);
  g_clear_pointer (&kept->session, g_bytes_unref);
  kept->session = g_bytes_ref (blob);
  kept->session_known = TRUE;
  kept->session_changed = TRUE;

  return TRUE;
}

static gboolean
db_remove_session (gpointer data, TessJid *jid, guint32 device, GError **error)
{
  TessOmemoDb *self = data;

  g_return_val_if_fail (self->page == NULL, FALSE);

  return tess_store_omemo_remove_session (self->store, self->account_id,
                                          tess_jid_to_bare_string (jid), device, error);
}

static gboolean
db_remove_sessions (gpointer data, GError **error)
{
  TessOmemoDb *self = data;

  g_return_val_if_fail (self->page == NULL, FALSE);

  return tess_store_omemo_remove_sessions (self->store, self->account_id, error);
}

static gboolean
db_load_blind (gpointer data, TessJid *jid, TessOmemoBlind *blind, GError **error)
{
  TessOmemoDb *self = data;
  int          number;

  if (!tess_store_omemo_load_blind (self->store, self->account_id, tess_jid_to_bare_string (jid), &number, error))
    return FALSE;
  *blind = (TessOmemoBlind) number;
  return TRUE;
}

static gboolean
db_save_blind (gpointer data, TessJid *jid, TessOmemoBlind blind, GError **error)
{
  TessOmemoDb *self = data;

  return tess_store_omemo_save_blind (self->store, self->account_id, tess_jid_to_bare_string (jid), (int) blind, error);
}

static TessOmemoDevice *
device_from_store (TessJid *jid, const TessStoreDevice *stored)
{
  TessOmemoDevice *device = tess_omemo_device_new (tess_jid_get_bare (jid), stored->id);

  if (stored->key != NULL && g_bytes_get_size (stored->key) == TESS_OMEMO_KEY_BYTES)
    {
      device->has_key = TRUE;
      memcpy (device->key, g_bytes_get_data (stored->key, NULL), TESS_OMEMO_KEY_BYTES);
    }
  device->trust = (TessOmemoTrust) stored->trust;
  device->active = stored->active;
  device->key_alarm = stored->key_alarm;
  device->first_seen = stored->first_seen_us;
  device->last_seen = stored->last_seen_us;

  return device;
}

static gboolean
db_load_device (gpointer data, TessJid *jid, guint32 id, TessOmemoDevice **device, GError **error)
{
  TessOmemoDb     *self = data;
  Kept            *kept = keep (self, jid, id);
  TessStoreDevice *stored = NULL;

  *device = NULL;
  if (kept != NULL && kept->device_known)
    {
      *device = kept->device != NULL ? tess_omemo_device_copy (kept->device) : NULL;
      return TRUE;
    }
  if (!tess_store_omemo_load_device (self->store, self->account_id, tess_jid_to_bare_string (jid),
                                     id, &stored, error))
    return FALSE;
  if (stored != NULL)
    {
      *device = device_from_store (jid, stored);
      tess_store_device_free (stored);
    }
  if (kept != NULL)
    {
      kept->device = *device != NULL ? tess_omemo_device_copy (*device) : NULL;
      kept->device_known = TRUE;
    }

  return TRUE;
}

static gboolean
save_device (TessOmemoDb *self, const TessOmemoDevice *device, GError **error)
{
  g_autoptr (GBytes) key = NULL;
  TessStoreDevice    stored = { 0 };

  g_hash_table_remove (self->known, tess_jid_get_bare (device->jid));
  if (device->has_key)
    key = g_bytes_new (device->key, TESS_OMEMO_KEY_BYTES);
  stored.address = (char *) tess_jid_to_bare_string (device->jid);
  stored.id = device->id;
  stored.key = key;
  stored.trust = device->trust;
  stored.active = device->active;
  stored.key_alarm = device->key_alarm;
  stored.first_seen_us = device->first_seen;
  stored.last_seen_us = device->last_seen;

  return tess_store_omemo_save_device (self->store, self->account_id, &stored, error);
}

static gboolean
db_save_device (gpointer data, const TessOmemoDevice *device, GError **error)
{
  TessOmemoDb *self = data;
  Kept        *kept = keep (self, device->jid, device->id);

  /* A key is bound at once: the database decides whether it may be. */
  if (kept == NULL || kept->device == NULL || !kept->device->has_key)
    {
      if (!save_device (self, device, error))
        return FALSE;
      if (kept == NULL)
        return TRUE;
    }

  remember (self, kept);
  g_clear_pointer (&kept->device, tess_omemo_device_free);
  kept->device = tess_omemo_device_copy (device);
  kept->device_known = TRUE;
  kept->device_changed = TRUE;

  return TRUE;
}

static gboolean
db_list_devices (gpointer data, TessJid *jid, GPtrArray **devices, GError **error)
{
  TessOmemoDb          *self = data;
  g_autoptr (GPtrArray) stored = NULL;

  if (!write_devices (self, error))
    return FALSE;
  if (find_known (self, jid) != NULL)
    {
      *devices = copy_devices (find_known (self, jid));
      return TRUE;
    }
  stored = tess_store_omemo_list_devices (self->store, self->account_id,
                                          tess_jid_to_bare_string (jid), error);
  if (stored == NULL)
    return FALSE;

  *devices = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_omemo_device_free);
  for (guint i = 0; i < stored->len; i++)
    g_ptr_array_add (*devices, device_from_store (jid, g_ptr_array_index (stored, i)));
  know (self, jid, *devices);

  return TRUE;
}

static gboolean
db_find_key (gpointer data, const guint8 *key, GPtrArray **devices, GError **error)
{
  TessOmemoDb          *self = data;
  g_autoptr (GBytes)    bytes = g_bytes_new (key, TESS_OMEMO_KEY_BYTES);
  g_autoptr (GPtrArray) stored = NULL;

  if (!write_devices (self, error))
    return FALSE;
  stored = tess_store_omemo_find_key (self->store, self->account_id, bytes, error);
  if (stored == NULL)
    return FALSE;

  *devices = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_omemo_device_free);
  for (guint i = 0; i < stored->len; i++)
    {
      const TessStoreDevice *device = g_ptr_array_index (stored, i);
      g_autoptr (TessJid)    jid = tess_jid_new_bare (device->address, NULL);

      if (jid != NULL)
        g_ptr_array_add (*devices, device_from_store (jid, device));
    }

  return TRUE;
}

const TessOmemoStore *
tess_omemo_db_get_table (void)
{
  static const TessOmemoStore table = {
    .begin = db_begin,
    .commit = db_commit,
    .rollback = db_rollback,
    .load_local = db_load_local,
    .save_local = db_save_local,
    .load_blob = db_load_blob,
    .save_blob = db_save_blob,
    .remove_blob = db_remove_blob,
    .list_blobs = db_list_blobs,
    .load_number = db_load_number,
    .save_number = db_save_number,
    .load_session = db_load_session,
    .save_session = db_save_session,
    .remove_session = db_remove_session,
    .remove_sessions = db_remove_sessions,
    .load_device = db_load_device,
    .save_device = db_save_device,
    .list_devices = db_list_devices,
    .load_blind = db_load_blind,
    .save_blind = db_save_blind,
    .find_key = db_find_key,
  };

  return &table;
}
