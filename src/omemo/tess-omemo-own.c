/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-private.h"

/* What a person does with their own devices: taking another one away, and beginning anew with this one. */

#define FORMER "former-device-id" /* the number before the keys were reset, until the server has forgotten it; 0: none */

static void
ignore_cb (const GError *error, gpointer user_data)
{
  if (error != NULL)
    g_debug ("a bundle was not deleted: %s", error->message);
}

static void
delete_bundle (TessOmemo *self, guint32 id)
{
  g_autofree char *node = tess_omemo_axolotl_bundle_node (id);

  self->transport.remove (self->transport_data, node, ignore_cb, NULL);
}

/* --- another device --------------------------------------------------------------------------------------------------------- */

typedef struct
{
  TessOmemo             *omemo; /* counted */
  guint32                id;
  TessOmemoPublishedFunc done;
  gpointer               user_data;
} Removal;

static void
removed_cb (const GError *error, gpointer user_data)
{
  g_autofree Removal *removal = user_data;
  TessOmemo *self = removal->omemo;

  if (!self->closed)
    {
      if (error == NULL)
        {
          g_autoptr (GArray) ids = tess_omemo_own_list_without (self, removal->id);

          /* Not every server tells us of our own event. */
          tess_omemo_apply_list (self, self->account, ids);
          delete_bundle (self, removal->id);
        }
      removal->done (error, removal->user_data);
      tess_omemo_emit (self);
    }
  tess_omemo_unref (self);
}

void
tess_omemo_remove_device (TessOmemo *self, guint32 device, TessOmemoPublishedFunc done, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  Removal *removal;

  TESS_ASSERT_ENGINE ();
  if (device == self->device)
    error = g_error_new_literal (TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FAILED, "This very device cannot be removed");
  else if (!tess_omemo_is_online (self) || self->own_list == NULL)
    error = g_error_new_literal (TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FAILED, "There is no connection to the server");
  if (error != NULL)
    {
      done (error, user_data);
      return;
    }
  removal = g_new0 (Removal, 1);
  removal->omemo = tess_omemo_ref (self);
  removal->id = device;
  removal->done = done;
  removal->user_data = user_data;
  tess_omemo_publish_list_without (self, device, removed_cb, removal);
}

/* --- new keys --------------------------------------------------------------------------------------------------------------- */

guint32
tess_omemo_get_former (TessOmemo *self)
{
  return (guint32) tess_omemo_read_number (self, FORMER);
}

static gboolean
save_no_former (TessOmemo *self, GError **error)
{
  return self->store.save_number (self->store_data, FORMER, 0, error);
}

/* It stands in no list any more. */
void
tess_omemo_forget_former (TessOmemo *self)
{
  guint32 former = tess_omemo_get_former (self);

  if (former == 0)
    return;
  delete_bundle (self, former);
  tess_omemo_transact (self, "the former device is not forgotten", save_no_former);
}

static gboolean
remove_blobs (TessOmemo *self, TessOmemoBlobKind kind, GError **error)
{
  g_autoptr (GArray) ids = NULL;

  if (!self->store.list_blobs (self->store_data, kind, &ids, error))
    return FALSE;
  for (guint i = 0; i < ids->len; i++)
    if (!self->store.remove_blob (self->store_data, kind, g_array_index (ids, guint32, i), error))
      return FALSE;
  return TRUE;
}

static gboolean
retire_local_row (TessOmemo *self, GError **error)
{
  g_autoptr (TessOmemoDevice) device = NULL;

  if (!self->store.load_device (self->store_data, self->account, self->device, &device, error))
    return FALSE;
  if (device == NULL)
    return TRUE;
  /* Its private key is gone: whoever shows it now is somebody else. */
  device->active = FALSE;
  device->trust = TESS_OMEMO_TRUST_DISTRUSTED;
  return self->store.save_device (self->store_data, device, error);
}

static gboolean
make_anew (TessOmemo *self, gboolean announced, GError **error)
{
  return (!announced || self->store.save_number (self->store_data, FORMER, self->device, error))
         && retire_local_row (self, error)
         && remove_blobs (self, TESS_OMEMO_BLOB_PREKEY, error)
         && remove_blobs (self, TESS_OMEMO_BLOB_SIGNED_PREKEY, error)
         && self->store.remove_sessions (self->store_data, error)
         && tess_omemo_make_device (self, error);
}

gboolean
tess_omemo_reset_keys (TessOmemo *self, GError **error)
{
  gboolean announced = tess_omemo_is_announced (self);

  TESS_ASSERT_ENGINE ();
  if (!self->store.begin (self->store_data, error))
    return FALSE;
  if (!make_anew (self, announced, error) || !self->store.commit (self->store_data, error))
    {
      self->store.rollback (self->store_data);
      /* The key in memory may be the new one already. */
      if (!tess_omemo_load (self, NULL))
        g_warning ("the own keys cannot be read any more");
      return FALSE;
    }
  tess_omemo_forget_run (self);
  tess_omemo_mark (self->changed, self->account);
  if (tess_omemo_is_online (self))
    tess_omemo_online (self); /* compares what the server has with what we are now */
  tess_omemo_emit (self);
  return TRUE;
}
