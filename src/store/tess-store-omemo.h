/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "store/tess-store.h"

G_BEGIN_DECLS

/* OMEMO's tables, as the engine gives them to omemo/tess-omemo-store.h. Blobs are opaque here. Same thread and error rules
 * as TessStore. @key is 32 bytes or NULL. */

typedef struct
{
  char     *address;
  guint32   id;
  GBytes   *key; /* nullable */
  int       trust;
  gboolean  active;
  gboolean  key_alarm;
  gint64    first_seen_us;
  gint64    last_seen_us;
} TessStoreDevice;

void tess_store_device_free (TessStoreDevice *self);

gboolean tess_store_omemo_load_local (TessStore *self, gint64 account_id, guint32 *id, GBytes **identity, GError **error);
gboolean tess_store_omemo_save_local (TessStore *self, gint64 account_id, guint32 id, GBytes *identity, GError **error);

gboolean tess_store_omemo_load_blob   (TessStore *self, gint64 account_id, int kind, guint32 id, GBytes **blob, GError **error);
gboolean tess_store_omemo_save_blob   (TessStore *self, gint64 account_id, int kind, guint32 id, GBytes *blob, GError **error);
gboolean tess_store_omemo_remove_blob (TessStore *self, gint64 account_id, int kind, guint32 id, GError **error);
gboolean tess_store_omemo_list_blobs  (TessStore *self, gint64 account_id, int kind, GArray **ids /* of guint32 */, GError **error);

gboolean tess_store_omemo_load_number (TessStore *self, gint64 account_id, const char *name, gint64 *value, GError **error);
gboolean tess_store_omemo_save_number (TessStore *self, gint64 account_id, const char *name, gint64 value, GError **error);

gboolean tess_store_omemo_load_session   (TessStore *self, gint64 account_id, const char *address, guint32 device, GBytes **blob, GError **error);
gboolean tess_store_omemo_save_session   (TessStore *self, gint64 account_id, const char *address, guint32 device, GBytes *blob, GError **error);
gboolean tess_store_omemo_remove_sessions (TessStore *self, gint64 account_id, GError **error);
gboolean tess_store_omemo_remove_session (TessStore *self, gint64 account_id, const char *address, guint32 device, GError **error);

/* NULL without error when it is unknown. */
gboolean tess_store_omemo_load_device  (TessStore *self, gint64 account_id, const char *address, guint32 id, TessStoreDevice **device, GError **error);
/* A key that is there already cannot be changed (a trigger guards it too): TESS_STORE_ERROR_FAILED. */
gboolean tess_store_omemo_save_device  (TessStore *self, gint64 account_id, const TessStoreDevice *device, GError **error);
/* (element-type TessStoreDevice), by id. */
GPtrArray *tess_store_omemo_list_devices (TessStore *self, gint64 account_id, const char *address, GError **error);
/* The same for the devices of all addresses that have this key. */
GPtrArray *tess_store_omemo_find_key     (TessStore *self, gint64 account_id, GBytes *key, GError **error);

/* Blind trust for one person, as in records/; 0 when nothing was chosen. */
gboolean tess_store_omemo_load_blind (TessStore *self, gint64 account_id, const char *address, int *blind, GError **error);
gboolean tess_store_omemo_save_blind (TessStore *self, gint64 account_id, const char *address, int blind, GError **error);

/* What devices are called. */
typedef struct
{
  guint32 id;
  char   *label;    /* (nullable): by the person */
  char   *software; /* (nullable): by itself */
} TessStoreDeviceName;

gboolean   tess_store_set_device_label    (TessStore *self, gint64 account_id, const char *address, guint32 id, const char *label /* nullable */,
                                           GError **error);
gboolean   tess_store_set_device_software (TessStore *self, gint64 account_id, const char *address, guint32 id, const char *software,
                                           GError **error);
/* (element-type TessStoreDeviceName) (transfer full), by id. */
GPtrArray *tess_store_list_device_names   (TessStore *self, gint64 account_id, const char *address, GError **error);

G_END_DECLS
