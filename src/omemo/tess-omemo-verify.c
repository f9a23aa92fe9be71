/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-verify.h"

#include "omemo/tess-omemo-private.h"

#include <string.h>

/* What a verification code (omemo/tess-omemo-uri.h) does to the trust in devices. */

static const TessOmemoDevice *
find_by_key (GPtrArray *devices, const guint8 *key)
{
  for (guint i = 0; i < devices->len; i++)
    {
      const TessOmemoDevice *device = g_ptr_array_index (devices, i);

      if (device->has_key && memcmp (device->key, key, TESS_OMEMO_KEY_BYTES) == 0)
        return device;
    }
  return NULL;
}

static const TessOmemoDevice *
find_by_id (GPtrArray *devices, guint32 id)
{
  for (guint i = 0; i < devices->len; i++)
    {
      const TessOmemoDevice *device = g_ptr_array_index (devices, i);

      if (device->id == id)
        return device;
    }
  return NULL;
}

static TessOmemoCheck
check_same (TessOmemoTrust trust)
{
  switch (trust)
    {
    case TESS_OMEMO_TRUST_VERIFIED:
      return TESS_OMEMO_CHECK_VERIFIED;
    case TESS_OMEMO_TRUST_DISTRUSTED:
      return TESS_OMEMO_CHECK_DISTRUSTED;
    case TESS_OMEMO_TRUST_UNDECIDED:
    case TESS_OMEMO_TRUST_BLIND:
    default:
      return TESS_OMEMO_CHECK_MATCHES;
    }
}

static TessOmemoChecked
check_one (TessOmemo *self, const TessOmemoUri *uri, const TessOmemoUriDevice *wanted, GPtrArray *devices)
{
  TessOmemoChecked checked = { .id = wanted->id, .check = TESS_OMEMO_CHECK_UNKNOWN };
  gboolean own_key = memcmp (wanted->key, tess_omemo_get_key (self), TESS_OMEMO_KEY_BYTES) == 0;
  const TessOmemoDevice *device;

  memcpy (checked.key, wanted->key, TESS_OMEMO_KEY_BYTES);
  if (tess_omemo_is_own (self, uri->jid) && (wanted->id == self->device || (wanted->id == 0 && own_key)))
    {
      checked.id = self->device;
      checked.check = own_key ? TESS_OMEMO_CHECK_LOCAL : TESS_OMEMO_CHECK_DIFFERS;
      return checked;
    }
  device = wanted->id != 0 ? find_by_id (devices, wanted->id) : find_by_key (devices, wanted->key);
  if (device == NULL)
    return checked;
  checked.id = device->id;
  checked.before = (TessOmemoTrustState){ device->trust, device->key_alarm };
  if (device->has_key)
    checked.check = memcmp (device->key, wanted->key, TESS_OMEMO_KEY_BYTES) == 0 ? check_same (device->trust) : TESS_OMEMO_CHECK_DIFFERS;
  return checked;
}

/* Inside a transaction. */
static GArray *
check_all (TessOmemo *self, const TessOmemoUri *uri, GError **error)
{
  g_autoptr (GPtrArray) devices = NULL;
  GArray *all;

  if (!self->store.list_devices (self->store_data, uri->jid, &devices, error))
    return NULL;
  all = g_array_new (FALSE, FALSE, sizeof (TessOmemoChecked));
  for (guint i = 0; i < uri->devices->len; i++)
    {
      TessOmemoChecked checked = check_one (self, uri, &g_array_index (uri->devices, TessOmemoUriDevice, i), devices);

      g_array_append_val (all, checked);
    }
  return all;
}

GArray *
tess_omemo_check_code (TessOmemo *self, const TessOmemoUri *uri, GError **error)
{
  GArray *all;

  TESS_ASSERT_ENGINE ();
  if (!self->store.begin (self->store_data, error))
    return NULL;
  all = check_all (self, uri, error);
  tess_omemo_read_end (self);
  return all;
}

static gboolean
any_differs (GArray *all)
{
  for (guint i = 0; i < all->len; i++)
    if (g_array_index (all, TessOmemoChecked, i).check == TESS_OMEMO_CHECK_DIFFERS)
      return TRUE;
  return FALSE;
}

static gboolean
step_stored (TessOmemo *self, TessJid *jid, guint32 id, TessOmemoTrustEvent event, GError **error)
{
  g_autoptr (TessOmemoDevice) device = NULL;
  gboolean possible;

  if (!self->store.load_device (self->store_data, jid, id, &device, error))
    return FALSE;
  if (device == NULL)
    return TRUE; /* the local one may never have been stored */
  return tess_omemo_step (self, device, event, &possible, error)
         && (!possible || self->store.save_device (self->store_data, device, error));
}

/* The key is the person's word: it comes before what a server says of it. */
static gboolean
adopt_key (TessOmemo *self, TessJid *jid, const TessOmemoChecked *checked, GError **error)
{
  g_autoptr (TessOmemoDevice) device = NULL;
  gboolean possible;

  if (!tess_omemo_check_owner (self, jid, TRUE, checked->key, error)
      || !self->store.load_device (self->store_data, jid, checked->id, &device, error))
    return FALSE;
  if (device == NULL)
    {
      device = tess_omemo_device_new (jid, checked->id);
      device->first_seen = self->now ();
    }
  device->has_key = TRUE;
  memcpy (device->key, checked->key, TESS_OMEMO_KEY_BYTES);
  return tess_omemo_step (self, device, TESS_OMEMO_TRUST_EVENT_SCAN_SAME, &possible, error)
         && self->store.save_device (self->store_data, device, error);
}

static gboolean
apply_one (TessOmemo *self, TessJid *jid, const TessOmemoChecked *checked, gboolean differs, gboolean adopt, GError **error)
{
  switch (checked->check)
    {
    case TESS_OMEMO_CHECK_DIFFERS:
      return step_stored (self, jid, checked->id, TESS_OMEMO_TRUST_EVENT_SCAN_OTHER, error);
    case TESS_OMEMO_CHECK_MATCHES:
    case TESS_OMEMO_CHECK_VERIFIED:
      return differs || step_stored (self, jid, checked->id, TESS_OMEMO_TRUST_EVENT_SCAN_SAME, error);
    case TESS_OMEMO_CHECK_UNKNOWN:
      return differs || !adopt || checked->id == 0 || adopt_key (self, jid, checked, error);
    case TESS_OMEMO_CHECK_DISTRUSTED:
    case TESS_OMEMO_CHECK_LOCAL:
    default:
      return TRUE;
    }
}

GArray *
tess_omemo_apply_code (TessOmemo *self, const TessOmemoUri *uri, gboolean adopt, GError **error)
{
  g_autoptr (GArray) all = NULL;
  gboolean done;

  TESS_ASSERT_ENGINE ();
  if (!self->store.begin (self->store_data, error))
    return NULL;
  all = check_all (self, uri, error);
  done = all != NULL;
  for (guint i = 0; done && i < all->len; i++)
    done = apply_one (self, uri->jid, &g_array_index (all, TessOmemoChecked, i), any_differs (all), adopt, error);
  if (!done || !self->store.commit (self->store_data, error))
    {
      self->store.rollback (self->store_data);
      return NULL;
    }
  tess_omemo_settle_alarms (self);
  tess_omemo_decided (self, uri->jid);
  return g_steal_pointer (&all);
}

/* --- asking the network --------------------------------------------------------------------------------------------------- */

typedef struct
{
  TessOmemoPublishedFunc done;
  gpointer               user_data;
  guint                  pending;
  GArray                *ids; /* of the code */
} Learn;

static void
learn_end (TessOmemo *self, Learn *learn, gboolean ok)
{
  g_autoptr (GError) error = NULL;

  if (self->closed)
    error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The account is gone");
  else if (!ok)
    error = g_error_new_literal (TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FAILED, "The devices could not be asked for");
  learn->done (error, learn->user_data);
  g_array_unref (learn->ids);
  g_free (learn);
}

static void
learnt_bundle_cb (TessOmemo *self, TessJid *jid, guint32 id, gboolean ok, gpointer user_data)
{
  Learn *learn = user_data;

  tess_omemo_mark (self->changed, jid);
  if (--learn->pending == 0)
    learn_end (self, learn, TRUE);
}

static void
learnt_list_cb (TessOmemo *self, TessJid *jid, guint32 list, gboolean ok, gpointer user_data)
{
  Learn *learn = user_data;
  g_autoptr (GPtrArray) devices = ok && !self->closed ? tess_omemo_list_devices (self, jid, NULL) : NULL;

  learn->pending++; /* this function */
  for (guint i = 0; devices != NULL && i < learn->ids->len; i++)
    {
      guint32 id = g_array_index (learn->ids, guint32, i);
      const TessOmemoDevice *device = find_by_id (devices, id);

      if (device == NULL || device->has_key)
        continue;
      learn->pending++;
      tess_omemo_fetch (self, jid, id, learnt_bundle_cb, learn);
    }
  if (--learn->pending == 0)
    learn_end (self, learn, ok);
}

void
tess_omemo_learn_code (TessOmemo *self, const TessOmemoUri *uri, TessOmemoPublishedFunc done, gpointer user_data)
{
  Learn *learn = g_new0 (Learn, 1);

  TESS_ASSERT_ENGINE ();
  learn->done = done;
  learn->user_data = user_data;
  learn->ids = g_array_new (FALSE, FALSE, sizeof (guint32));
  for (guint i = 0; i < uri->devices->len; i++)
    g_array_append_val (learn->ids, g_array_index (uri->devices, TessOmemoUriDevice, i).id);
  if (tess_omemo_is_online (self))
    tess_omemo_fetch (self, uri->jid, 0, learnt_list_cb, learn);
  else
    learn_end (self, learn, FALSE);
}
