/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-omemo-db.h"

#include "records/tess-device-record.h"
#include "store/tess-store-omemo.h"

#include <string.h>

struct _TessOmemoDb
{
  TessStore *store;
  gint64     account_id;
};

G_STATIC_ASSERT ((int) TESS_OMEMO_TRUST_UNDECIDED == (int) TESS_TRUST_UNDECIDED);
G_STATIC_ASSERT ((int) TESS_OMEMO_TRUST_BLIND == (int) TESS_TRUST_BLIND);
G_STATIC_ASSERT ((int) TESS_OMEMO_TRUST_VERIFIED == (int) TESS_TRUST_VERIFIED);
G_STATIC_ASSERT ((int) TESS_OMEMO_TRUST_DISTRUSTED == (int) TESS_TRUST_DISTRUSTED);

TessOmemoDb *
tess_omemo_db_new (TessStore *store, gint64 account_id)
{
  TessOmemoDb *self = g_new0 (TessOmemoDb, 1);

  self->store = store;
  self->account_id = account_id;
  return self;
}

void
tess_omemo_db_free (TessOmemoDb *self)
{
  g_free (self);
}

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

  return tess_store_omemo_load_session (self->store, self->account_id, tess_jid_to_bare_string (jid),
                                        device, blob, error);
}

static gboolean
db_save_session (gpointer data, TessJid *jid, guint32 device, GBytes *blob, GError **error)
{
  TessOmemoDb *self = data;

  return tess_store_omemo_save_session (self->store, self->account_id, tess_jid_to_bare_string (jid),
                                        device, blob, error);
}

static gboolean
db_remove_session (gpointer data, TessJid *jid, guint32 device, GError **error)
{
  TessOmemoDb *self = data;

  return tess_store_omemo_remove_session (self->store, self->account_id,
                                          tess_jid_to_bare_string (jid), device, error);
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
  TessStoreDevice *stored = NULL;

  *device = NULL;
  if (!tess_store_omemo_load_device (self->store, self->account_id, tess_jid_to_bare_string (jid),
                                     id, &stored, error))
    return FALSE;
  if (stored != NULL)
    {
      *device = device_from_store (jid, stored);
      tess_store_device_free (stored);
    }

  return TRUE;
}

static gboolean
db_save_device (gpointer data, const TessOmemoDevice *device, GError **error)
{
  TessOmemoDb       *self = data;
  g_autoptr (GBytes) key = NULL;
  TessStoreDevice    stored = { 0 };

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
db_list_devices (gpointer data, TessJid *jid, GPtrArray **devices, GError **error)
{
  TessOmemoDb          *self = data;
  g_autoptr (GPtrArray) stored = NULL;

  stored = tess_store_omemo_list_devices (self->store, self->account_id,
                                          tess_jid_to_bare_string (jid), error);
  if (stored == NULL)
    return FALSE;

  *devices = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_omemo_device_free);
  for (guint i = 0; i < stored->len; i++)
    g_ptr_array_add (*devices, device_from_store (jid, g_ptr_array_index (stored, i)));

  return TRUE;
}

static gboolean
db_find_key (gpointer data, const guint8 *key, GPtrArray **devices, GError **error)
{
  TessOmemoDb          *self = data;
  g_autoptr (GBytes)    bytes = g_bytes_new (key, TESS_OMEMO_KEY_BYTES);
  g_autoptr (GPtrArray) stored = tess_store_omemo_find_key (self->store, self->account_id, bytes, error);

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
    .load_device = db_load_device,
    .save_device = db_save_device,
    .list_devices = db_list_devices,
    .find_key = db_find_key,
  };

  return &table;
}
