/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-store"

#include "config.h"

#include "store/tess-store-omemo.h"

#include "base/tess-thread.h"
#include "store/tess-store-private.h"

void
tess_store_device_free (TessStoreDevice *self)
{
  if (self == NULL)
    return;

  g_free (self->address);
  g_clear_pointer (&self->key, g_bytes_unref);
  g_free (self);
}

/* ---- The local device ---- */

typedef struct
{
  guint32 id;
  GBytes *identity;
} Local;

static gpointer
read_local (sqlite3_stmt *row)
{
  Local *local = g_new (Local, 1);

  local->id = sqlite3_column_int64 (row, 0);
  local->identity = tess_store_column_bytes (row, 1);

  return local;
}

gboolean
tess_store_omemo_load_local (
    TessStore *self, gint64 account_id, guint32 *id, GBytes **identity, GError **error)
{
  gpointer found;
  g_autofree Local *local = NULL;

  TESS_ASSERT_ENGINE ();

  *id = 0;
  *identity = NULL;
  if (!tess_store_get (self, "SELECT id, identity FROM omemo_local WHERE account_id = ?1",
                       BIND (NUMBER (account_id)), read_local, &found, error))
    return FALSE;
  local = found;
  if (local != NULL)
    {
      *id = local->id;
      *identity = local->identity;
    }

  return TRUE;
}

gboolean
tess_store_omemo_save_local (
    TessStore *self, gint64 account_id, guint32 id, GBytes *identity, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "INSERT INTO omemo_local (account_id, id, identity) VALUES (?1, ?2, ?3) "
                         "ON CONFLICT (account_id) DO UPDATE SET id = excluded.id, "
                         "identity = excluded.identity",
                         BIND (NUMBER (account_id), NUMBER (id), BLOB (identity)), NULL, error);
}

/* ---- Blobs by number ---- */

static gpointer
read_blob (sqlite3_stmt *row)
{
  return tess_store_column_bytes (row, 0);
}

static gpointer
read_small (sqlite3_stmt *row)
{
  return GUINT_TO_POINTER ((guint32) sqlite3_column_int64 (row, 0));
}

gboolean
tess_store_omemo_load_blob (
    TessStore *self, gint64 account_id, int kind, guint32 id, GBytes **blob, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_get (self,
                         "SELECT blob FROM omemo_blobs "
                         "WHERE account_id = ?1 AND kind = ?2 AND id = ?3",
                         BIND (NUMBER (account_id), NUMBER (kind), NUMBER (id)), read_blob,
                         (gpointer *) blob, error);
}

gboolean
tess_store_omemo_save_blob (
    TessStore *self, gint64 account_id, int kind, guint32 id, GBytes *blob, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (
      self,
      "INSERT INTO omemo_blobs (account_id, kind, id, blob) VALUES (?1, ?2, ?3, ?4) "
      "ON CONFLICT (account_id, kind, id) DO UPDATE SET blob = excluded.blob",
      BIND (NUMBER (account_id), NUMBER (kind), NUMBER (id), BLOB (blob)), NULL, error);
}

gboolean
tess_store_omemo_remove_blob (
    TessStore *self, gint64 account_id, int kind, guint32 id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "DELETE FROM omemo_blobs WHERE account_id = ?1 AND kind = ?2 AND id = ?3",
                         BIND (NUMBER (account_id), NUMBER (kind), NUMBER (id)), NULL, error);
}

gboolean
tess_store_omemo_list_blobs (
    TessStore *self, gint64 account_id, int kind, GArray **ids, GError **error)
{
  g_autoptr (GPtrArray) list = NULL;

  TESS_ASSERT_ENGINE ();

  *ids = NULL;
  list = tess_store_list (
      self, "SELECT id FROM omemo_blobs WHERE account_id = ?1 AND kind = ?2 ORDER BY id",
      BIND (NUMBER (account_id), NUMBER (kind)), read_small, NULL, error);
  if (list == NULL)
    return FALSE;

  *ids = g_array_sized_new (FALSE, FALSE, sizeof (guint32), list->len);
  for (guint i = 0; i < list->len; i++)
    {
      guint32 id = GPOINTER_TO_UINT (list->pdata[i]);

      g_array_append_val (*ids, id);
    }

  return TRUE;
}

/* ---- Numbers ---- */

gboolean
tess_store_omemo_load_number (
    TessStore *self, gint64 account_id, const char *name, gint64 *value, GError **error)
{
  TESS_ASSERT_ENGINE ();

  *value = 0;
  return tess_store_get_number (self, "SELECT value FROM omemo_numbers WHERE account_id = ?1 AND name = ?2",
                                BIND (NUMBER (account_id), TEXT (name)), 0, value, error);
}

gboolean
tess_store_omemo_save_number (
    TessStore *self, gint64 account_id, const char *name, gint64 value, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "INSERT INTO omemo_numbers (account_id, name, value) VALUES (?1, ?2, ?3) "
                         "ON CONFLICT (account_id, name) DO UPDATE SET value = excluded.value",
                         BIND (NUMBER (account_id), TEXT (name), NUMBER (value)), NULL, error);
}

/* ---- Sessions ---- */

gboolean
tess_store_omemo_load_session (TessStore *self,
                               gint64 account_id,
                               const char *address,
                               guint32 device,
                               GBytes **blob,
                               GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_get (self,
                         "SELECT blob FROM omemo_sessions "
                         "WHERE account_id = ?1 AND address = ?2 AND device = ?3",
                         BIND (NUMBER (account_id), TEXT (address), NUMBER (device)), read_blob,
                         (gpointer *) blob, error);
}

gboolean
tess_store_omemo_save_session (TessStore *self,
                               gint64 account_id,
                               const char *address,
                               guint32 device,
                               GBytes *blob,
                               GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (
      self,
      "INSERT INTO omemo_sessions (account_id, address, device, blob) "
      "VALUES (?1, ?2, ?3, ?4) "
      "ON CONFLICT (account_id, address, device) DO UPDATE SET blob = excluded.blob",
      BIND (NUMBER (account_id), TEXT (address), NUMBER (device), BLOB (blob)), NULL, error);
}

gboolean
tess_store_omemo_remove_session (
    TessStore *self, gint64 account_id, const char *address, guint32 device, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "DELETE FROM omemo_sessions "
                         "WHERE account_id = ?1 AND address = ?2 AND device = ?3",
                         BIND (NUMBER (account_id), TEXT (address), NUMBER (device)), NULL, error);
}

gboolean
tess_store_omemo_remove_sessions (TessStore *self, gint64 account_id, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self, "DELETE FROM omemo_sessions WHERE account_id = ?1", BIND (NUMBER (account_id)), NULL, error);
}

/* ---- Devices ---- */

#define SELECT_DEVICES                                                              \
  "SELECT address, id, key, trust, active, key_alarm, first_seen_us, last_seen_us " \
  "FROM omemo_devices "

static gpointer
read_device (sqlite3_stmt *row)
{
  TessStoreDevice *device = g_new0 (TessStoreDevice, 1);

  device->address = tess_store_column_text (row, 0);
  device->id = sqlite3_column_int64 (row, 1);
  device->key = tess_store_column_bytes (row, 2);
  device->trust = sqlite3_column_int (row, 3);
  device->active = sqlite3_column_int (row, 4);
  device->key_alarm = sqlite3_column_int (row, 5);
  device->first_seen_us = sqlite3_column_int64 (row, 6);
  device->last_seen_us = sqlite3_column_int64 (row, 7);

  return device;
}

gboolean
tess_store_omemo_load_device (TessStore *self,
                              gint64 account_id,
                              const char *address,
                              guint32 id,
                              TessStoreDevice **device,
                              GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_get (self, SELECT_DEVICES "WHERE account_id = ?1 AND address = ?2 AND id = ?3",
                         BIND (NUMBER (account_id), TEXT (address), NUMBER (id)), read_device,
                         (gpointer *) device, error);
}

gboolean
tess_store_omemo_save_device (TessStore *self,
                              gint64 account_id,
                              const TessStoreDevice *device,
                              GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "INSERT INTO omemo_devices (account_id, address, id, key, trust, active, "
                         "key_alarm, first_seen_us, last_seen_us) "
                         "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
                         "ON CONFLICT (account_id, address, id) DO UPDATE SET key = excluded.key, "
                         "trust = excluded.trust, active = excluded.active, "
                         "key_alarm = excluded.key_alarm, first_seen_us = excluded.first_seen_us, "
                         "last_seen_us = excluded.last_seen_us",
                         BIND (NUMBER (account_id), TEXT (device->address), NUMBER (device->id),
                               BLOB (device->key), NUMBER (device->trust),
                               NUMBER (!!device->active), NUMBER (!!device->key_alarm),
                               NUMBER (device->first_seen_us), NUMBER (device->last_seen_us)),
                         NULL, error);
}

GPtrArray *
tess_store_omemo_list_devices (TessStore *self,
                               gint64 account_id,
                               const char *address,
                               GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self, SELECT_DEVICES "WHERE account_id = ?1 AND address = ?2 ORDER BY id",
                          BIND (NUMBER (account_id), TEXT (address)), read_device,
                          (GDestroyNotify) tess_store_device_free, error);
}

GPtrArray *
tess_store_omemo_find_key (TessStore *self, gint64 account_id, GBytes *key, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self, SELECT_DEVICES "WHERE account_id = ?1 AND key = ?2 ORDER BY address, id",
                          BIND (NUMBER (account_id), BLOB (key)), read_device,
                          (GDestroyNotify) tess_store_device_free, error);
}

/* ---- People, and what devices are called ---- */

static gpointer
read_blind (sqlite3_stmt *row)
{
  return g_memdup2 (&(gint64){ sqlite3_column_int64 (row, 0) }, sizeof (gint64));
}

gboolean
tess_store_omemo_load_blind (TessStore *self, gint64 account_id, const char *address, int *blind, GError **error)
{
  g_autofree gint64 *number = NULL;

  TESS_ASSERT_ENGINE ();

  if (!tess_store_get (self, "SELECT blind FROM people WHERE account_id = ?1 AND address = ?2",
                       BIND (NUMBER (account_id), TEXT (address)), read_blind, (gpointer *) &number, error))
    return FALSE;
  *blind = number != NULL ? (int) *number : 0;
  return TRUE;
}

gboolean
tess_store_omemo_save_blind (TessStore *self, gint64 account_id, const char *address, int blind, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "INSERT INTO people (account_id, address, blind) VALUES (?1, ?2, ?3) "
                         "ON CONFLICT (account_id, address) DO UPDATE SET blind = excluded.blind",
                         BIND (NUMBER (account_id), TEXT (address), NUMBER (blind)), NULL, error);
}

gboolean
tess_store_set_device_label (TessStore *self, gint64 account_id, const char *address, guint32 id, const char *label, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "INSERT INTO device_names (account_id, address, id, label) VALUES (?1, ?2, ?3, ?4) "
                         "ON CONFLICT (account_id, address, id) DO UPDATE SET label = excluded.label",
                         BIND (NUMBER (account_id), TEXT (address), NUMBER (id), TEXT (label)), NULL, error);
}

gboolean
tess_store_set_device_software (
    TessStore *self, gint64 account_id, const char *address, guint32 id, const char *software, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_run (self,
                         "INSERT INTO device_names (account_id, address, id, software) VALUES (?1, ?2, ?3, ?4) "
                         "ON CONFLICT (account_id, address, id) DO UPDATE SET software = excluded.software",
                         BIND (NUMBER (account_id), TEXT (address), NUMBER (id), TEXT (software)), NULL, error);
}

static gpointer
read_name (sqlite3_stmt *row)
{
  TessStoreDeviceName *name = g_new0 (TessStoreDeviceName, 1);

  name->id = sqlite3_column_int64 (row, 0);
  name->label = tess_store_column_text (row, 1);
  name->software = tess_store_column_text (row, 2);

  return name;
}

static void
name_free (gpointer data)
{
  TessStoreDeviceName *name = data;

  g_free (name->label);
  g_free (name->software);
  g_free (name);
}

GPtrArray *
tess_store_list_device_names (TessStore *self, gint64 account_id, const char *address, GError **error)
{
  TESS_ASSERT_ENGINE ();

  return tess_store_list (self, "SELECT id, label, software FROM device_names WHERE account_id = ?1 AND address = ?2 ORDER BY id",
                          BIND (NUMBER (account_id), TEXT (address)), read_name, name_free, error);
}
