/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-private.h"

#include <string.h>

/* Device lists, identity keys and trust. */

static gboolean
contains (GArray *ids, guint32 id)
{
  for (guint i = 0; i < ids->len; i++)
    {
      if (g_array_index (ids, guint32, i) == id)
        return TRUE;
    }
  return FALSE;
}

static TessOmemoDevice *
find_device (GPtrArray *devices, guint32 id)
{
  for (guint i = 0; i < devices->len; i++)
    {
      TessOmemoDevice *device = g_ptr_array_index (devices, i);

      if (device->id == id)
        return device;
    }
  return NULL;
}

gboolean
tess_omemo_new_trust (TessOmemo *self, TessJid *jid, TessOmemoTrust *trust, GError **error)
{
  g_autoptr (GPtrArray) devices = NULL;
  TessOmemoBlind blind;
  gboolean verified = FALSE;

  if (!self->store.load_blind (self->store_data, jid, &blind, error)
      || !self->store.list_devices (self->store_data, jid, &devices, error))
    return FALSE;
  for (guint i = 0; i < devices->len; i++)
    {
      const TessOmemoDevice *device = g_ptr_array_index (devices, i);
      gboolean local = device->id == self->device && tess_omemo_is_own (self, jid);

      verified |= device->trust == TESS_OMEMO_TRUST_VERIFIED && !local;
    }
  *trust = tess_omemo_trust_first (blind == TESS_OMEMO_BLIND_DEFAULT ? self->blind : blind == TESS_OMEMO_BLIND_ON, verified);
  return TRUE;
}

gboolean
tess_omemo_step (TessOmemo *self, TessOmemoDevice *device, TessOmemoTrustEvent event, gboolean *possible, GError **error)
{
  TessOmemoTrustState state = { device->trust, device->key_alarm };
  TessOmemoTrust first;

  if (!tess_omemo_new_trust (self, device->jid, &first, error))
    return FALSE;
  *possible = tess_omemo_trust_step (&state, event, first, device->has_key);
  device->trust = state.trust;
  device->key_alarm = state.alarm;
  return TRUE;
}

static gboolean
save_list (TessOmemo *self, TessJid *jid, GArray *ids, gboolean *changed, GError **error)
{
  g_autoptr (GPtrArray) devices = NULL;
  TessOmemoTrust trust;
  guint stored;

  if (!self->store.list_devices (self->store_data, jid, &devices, error)
      || !tess_omemo_new_trust (self, jid, &trust, error))
    return FALSE;
  for (guint i = 0; i < devices->len; i++)
    {
      TessOmemoDevice *device = g_ptr_array_index (devices, i);
      gboolean active = contains (ids, device->id);

      if (device->active == active)
        continue;
      device->active = active;
      *changed = TRUE;
      if (!self->store.save_device (self->store_data, device, error))
        return FALSE;
    }
  stored = devices->len;
  for (guint i = 0; i < ids->len && stored < TESS_OMEMO_MAX_STORED; i++)
    {
      guint32 id = g_array_index (ids, guint32, i);
      g_autoptr (TessOmemoDevice) device = NULL;

      if (find_device (devices, id) != NULL || (id == self->device && tess_omemo_is_own (self, jid)))
        continue;
      device = tess_omemo_device_new (jid, id);
      device->trust = trust;
      device->active = TRUE;
      device->first_seen = self->now ();
      *changed = TRUE;
      stored++;
      if (!self->store.save_device (self->store_data, device, error))
        return FALSE;
    }
  return TRUE;
}

/* The newest list of @jid, from an event or a fetch. */
gboolean
tess_omemo_apply_list (TessOmemo *self, TessJid *jid, GArray *ids)
{
  g_autoptr (GError) error = NULL;
  TessOmemoContact *contact;
  gboolean changed = FALSE;

  if (!self->store.begin (self->store_data, &error))
    {
      tess_omemo_mark (self->lists, jid); /* asked for when all begins again */
      tess_omemo_refused (self, "a device list was not stored", error);
      return FALSE;
    }
  if (!save_list (self, jid, ids, &changed, &error) || !self->store.commit (self->store_data, &error))
    {
      tess_omemo_mark (self->lists, jid);
      tess_omemo_give_up (self, "a device list was not stored", &error);
      return FALSE;
    }
  contact = tess_omemo_get_contact (self, jid);
  contact->heard = TRUE;
  /* Some announce a device before its bundle stands, and then again. */
  g_hash_table_remove_all (contact->failed);
  tess_omemo_mark (self->ready, jid);
  if (changed)
    tess_omemo_mark (self->changed, jid);
  if (tess_omemo_is_own (self, jid))
    {
      g_clear_pointer (&self->own_list, g_array_unref);
      self->own_list = g_array_ref (ids);
      tess_omemo_check_own_list (self);
    }
  return TRUE;
}

gboolean
tess_omemo_raise_alarm (TessOmemo *self, TessJid *jid, guint32 id)
{
  g_autoptr (TessOmemoDevice) device = NULL;
  g_autoptr (GError) error = NULL;

  if (!self->store.begin (self->store_data, &error))
    {
      tess_omemo_refused (self, "an alarm was not stored", error);
      return FALSE;
    }
  if (!self->store.load_device (self->store_data, jid, id, &device, &error))
    {
      tess_omemo_give_up (self, "an alarm was not stored", &error);
      return FALSE;
    }
  if (device != NULL && !device->key_alarm)
    {
      gboolean possible;

      if (!tess_omemo_step (self, device, TESS_OMEMO_TRUST_EVENT_OTHER_KEY, &possible, &error)
          || !self->store.save_device (self->store_data, device, &error))
        {
          tess_omemo_give_up (self, "an alarm was not stored", &error);
          return FALSE;
        }
    }
  if (!self->store.commit (self->store_data, &error))
    {
      tess_omemo_give_up (self, "an alarm was not stored", &error);
      return FALSE;
    }
  tess_omemo_mark (self->changed, jid);
  tess_omemo_mark (self->ready, jid);
  return TRUE;
}

/* Nothing in OMEMO 0.3 says whose a key is: what Bob wrote to us can be handed on by Eve as her own, and a bundle can be copied.
 * A key has one owner: it stays with those in whose published list its device stands, or whom a person has verified; among claims
 * without either the first. A weaker claim that turns out to be false is an alarm. Of two lists nobody can say which is right, and the
 * first would stand for ever: a person who distrusts its device gives the key free for the other. */
static gboolean
claims (const TessOmemoDevice *owner, gboolean against_list)
{
  if (!against_list || owner->trust == TESS_OMEMO_TRUST_VERIFIED)
    return TRUE;
  return owner->active && owner->trust != TESS_OMEMO_TRUST_DISTRUSTED;
}

gboolean
tess_omemo_check_owner (TessOmemo *self, TessJid *jid, gboolean listed, const guint8 *key, GError **error)
{
  g_autoptr (GPtrArray) owners = NULL;

  if (!self->store.find_key (self->store_data, key, &owners, error))
    return FALSE;
  for (guint i = 0; i < owners->len; i++)
    {
      const TessOmemoDevice *owner = g_ptr_array_index (owners, i);

      if (tess_jid_equal (owner->jid, jid) || !claims (owner, listed))
        continue;
      g_set_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FOREIGN_KEY, "the key of a device of %s",
                   tess_jid_to_string (owner->jid));
      return FALSE;
    }
  for (guint i = 0; i < owners->len; i++)
    {
      const TessOmemoDevice *owner = g_ptr_array_index (owners, i);

      if (!tess_jid_equal (owner->jid, jid))
        tess_omemo_address_add (self->alarms, owner->jid, owner->id);
    }
  return TRUE;
}

/* Binds a key to a device, once and for all. FALSE: it is bound to another one, or the database failed. */
static gboolean
learn_key (TessOmemo *self, TessJid *jid, guint32 id, const guint8 *key, GError **error)
{
  g_autoptr (TessOmemoDevice) device = NULL;
  gboolean possible;

  if (!self->store.load_device (self->store_data, jid, id, &device, error))
    return FALSE;
  if (device != NULL && device->has_key)
    {
      if (memcmp (device->key, key, TESS_OMEMO_KEY_BYTES) == 0)
        return TRUE;
      g_set_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_KEY_CHANGED, "another identity key in a bundle");
      return FALSE;
    }
  if (!tess_omemo_check_owner (self, jid, device != NULL && device->active, key, error))
    return FALSE;
  if (device == NULL)
    {
      device = tess_omemo_device_new (jid, id);
      device->first_seen = self->now ();
      if (!tess_omemo_new_trust (self, jid, &device->trust, error))
        return FALSE;
    }
  if (!tess_omemo_step (self, device, TESS_OMEMO_TRUST_EVENT_KEY_LEARNT, &possible, error))
    return FALSE;
  device->has_key = TRUE;
  memcpy (device->key, key, TESS_OMEMO_KEY_BYTES);
  tess_omemo_mark (self->changed, jid);
  return self->store.save_device (self->store_data, device, error);
}

/* Once for each @jid: what is told already stands there without an owner. */
static void
tell_claim (TessOmemo *self, TessJid *jid, const guint8 *key)
{
  g_autoptr (GPtrArray) owners = NULL;

  if (g_hash_table_contains (self->claims, jid) || !self->store.find_key (self->store_data, key, &owners, NULL))
    return;
  for (guint i = 0; i < owners->len; i++)
    {
      const TessOmemoDevice *owner = g_ptr_array_index (owners, i);

      if (!tess_jid_equal (owner->jid, jid))
        g_hash_table_replace (self->claims, tess_jid_ref (jid), tess_jid_ref (owner->jid));
    }
}

static gboolean
take_bundle (TessOmemo *self, TessJid *jid, guint32 id, const TessOmemoBundle *bundle)
{
  g_autoptr (GError) error = NULL;
  gboolean foreign;

  if (!self->store.begin (self->store_data, &error))
    {
      tess_omemo_refused (self, "a key was not stored", error);
      return FALSE;
    }
  if (learn_key (self, jid, id, bundle->identity, &error) && self->store.commit (self->store_data, &error))
    {
      tess_omemo_settle_alarms (self);
      return TRUE;
    }
  foreign = g_error_matches (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FOREIGN_KEY);
  if (foreign)
    tell_claim (self, jid, bundle->identity);
  self->store.rollback (self->store_data);
  if (g_error_matches (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_KEY_CHANGED))
    tess_omemo_raise_alarm (self, jid, id);
  else if (!foreign)
    tess_omemo_refused (self, "a key was not stored", error);
  return FALSE;
}

/* A fetched bundle: its key is learnt, and it is kept for a session that somebody may want. @payload NULL: none. */
gboolean
tess_omemo_apply_bundle (TessOmemo *self, TessJid *jid, guint32 id, const TessNode *payload)
{
  TessOmemoContact *contact = tess_omemo_get_contact (self, jid);
  g_autoptr (TessOmemoBundle) bundle = NULL;
  g_autoptr (GError) error = NULL;
  TessOmemoKept *kept;

  tess_omemo_mark (self->ready, jid);
  if (payload != NULL)
    bundle = tess_omemo_axolotl_parse_bundle (payload, &error);
  if (bundle == NULL || !tess_omemo_signal_verify_bundle (self->signal, bundle)
      || memcmp (bundle->identity, tess_omemo_get_key (self), TESS_OMEMO_KEY_BYTES) == 0
      || !take_bundle (self, jid, id, bundle))
    {
      g_debug ("no usable bundle of device %u: %s", id, error != NULL ? error->message : "missing or refused");
      g_hash_table_remove (contact->bundles, GUINT_TO_POINTER (id));
      g_hash_table_add (contact->failed, GUINT_TO_POINTER (id));
      return FALSE;
    }
  kept = g_new0 (TessOmemoKept, 1);
  kept->bundle = g_steal_pointer (&bundle);
  kept->fetched = self->now ();
  g_hash_table_insert (contact->bundles, GUINT_TO_POINTER (id), kept);
  g_hash_table_remove (contact->failed, GUINT_TO_POINTER (id));
  return TRUE;
}

/* @fresh: only one whose prekeys are most likely still there. */
const TessOmemoBundle *
tess_omemo_kept_bundle (TessOmemo *self, TessJid *jid, guint32 id, gboolean fresh)
{
  TessOmemoContact *contact = tess_omemo_get_contact (self, jid);
  const TessOmemoKept *kept = g_hash_table_lookup (contact->bundles, GUINT_TO_POINTER (id));

  if (kept == NULL || (fresh && ABS (self->now () - kept->fetched) > TESS_OMEMO_BUNDLE_LIFE_US))
    return NULL;
  return kept->bundle;
}

gboolean
tess_omemo_has_session (TessOmemo *self, TessJid *jid, guint32 id, gboolean *has, GError **error)
{
  g_autoptr (TessOmemoRatchet) ratchet = tess_omemo_ratchet_open (self->signal, jid, id, NULL, error);

  if (ratchet == NULL)
    return FALSE;
  *has = tess_omemo_ratchet_has_session (ratchet);
  return TRUE;
}

static gboolean
is_other (TessOmemo *self, const TessOmemoDevice *device)
{
  return device->id != self->device || !tess_omemo_is_own (self, device->jid);
}

static gboolean
is_trusted (const TessOmemoDevice *device)
{
  return tess_omemo_trust_may_read ((TessOmemoTrustState){ device->trust, device->key_alarm });
}

/* Whether a bundle has to be fetched before @device can be written to, or before anybody can decide on its key. */
static gboolean
needs_bundle (TessOmemo *self, const TessOmemoDevice *device, gboolean *has_session)
{
  TessOmemoContact *contact = tess_omemo_get_contact (self, device->jid);

  *has_session = FALSE;
  if (!device->active || !is_other (self, device) || device->key_alarm
      || !tess_omemo_has_session (self, device->jid, device->id, has_session, NULL) || *has_session)
    return FALSE;
  if (!is_trusted (device) && (device->has_key || device->trust == TESS_OMEMO_TRUST_DISTRUSTED))
    return FALSE;
  return tess_omemo_kept_bundle (self, device->jid, device->id, TRUE) == NULL
         && !g_hash_table_contains (contact->failed, GUINT_TO_POINTER (device->id));
}

static TessOmemoReady
look_ready (TessOmemo *self, TessJid *jid)
{
  TessJid *bare = tess_jid_get_bare (jid);
  TessOmemoContact *contact = g_hash_table_lookup (self->contacts, bare);
  g_autoptr (GPtrArray) devices = NULL;
  guint active = 0;
  guint trusted = 0;
  guint usable = 0;

  if (contact == NULL || !contact->heard || !self->store.list_devices (self->store_data, bare, &devices, NULL))
    return TESS_OMEMO_READY_UNKNOWN;
  for (guint i = 0; i < devices->len; i++)
    {
      const TessOmemoDevice *device = g_ptr_array_index (devices, i);
      gboolean has_session;
      gboolean needs;

      if (!device->active || !is_other (self, device))
        continue;
      active++;
      if (!is_trusted (device))
        continue;
      trusted++;
      needs = needs_bundle (self, device, &has_session);
      if (needs)
        return TESS_OMEMO_READY_UNKNOWN;
      if (has_session || tess_omemo_kept_bundle (self, bare, device->id, FALSE) != NULL)
        usable++;
    }
  if (active == 0)
    return TESS_OMEMO_READY_NO_DEVICES;
  if (trusted == 0)
    return TESS_OMEMO_READY_UNDECIDED;
  return usable > 0 ? TESS_OMEMO_READY_YES : TESS_OMEMO_READY_NO_DEVICES;
}

TessOmemoReady
tess_omemo_get_ready (TessOmemo *self, TessJid *jid)
{
  TessOmemoReady ready;

  TESS_ASSERT_ENGINE ();
  if (!tess_omemo_read_begin (self))
    return TESS_OMEMO_READY_UNKNOWN;
  ready = look_ready (self, jid);
  tess_omemo_read_end (self);
  return ready;
}

/* One call of prepare. */
typedef struct
{
  TessOmemo *omemo;
  GPtrArray *jids;
  guint      pending;
  gboolean   bundles; /* the second step */
  gboolean   failed;  /* a list could not be asked */
} Prepare;

static void
prepare_free (gpointer data)
{
  Prepare *prepare = data;

  g_ptr_array_unref (prepare->jids);
  tess_omemo_unref (prepare->omemo);
  g_free (prepare);
}

static void prepare_step (GTask *task);

static void
prepared_cb (TessOmemo *self, TessJid *jid, guint32 device, gboolean ok, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Prepare *prepare = g_task_get_task_data (task);

  /* Our own list may be out of reach; that is no reason not to write to others. */
  if (device == 0 && !ok && !tess_omemo_is_own (self, jid))
    prepare->failed = TRUE;
  if (device == 0 && !ok && !tess_omemo_is_online (self))
    prepare->failed = TRUE;
  if (--prepare->pending == 0)
    prepare_step (task);
}

static void
prepare_fetch (GTask *task, TessJid *jid, guint32 device)
{
  Prepare *prepare = g_task_get_task_data (task);

  prepare->pending++;
  tess_omemo_fetch (prepare->omemo, jid, device, prepared_cb, g_object_ref (task));
}

static void
prepare_bundles (GTask *task, TessJid *jid)
{
  Prepare *prepare = g_task_get_task_data (task);
  TessOmemo *self = prepare->omemo;
  g_autoptr (GPtrArray) devices = NULL;

  if (!tess_omemo_read_begin (self))
    return;
  if (!self->store.list_devices (self->store_data, jid, &devices, NULL))
    devices = g_ptr_array_new ();
  for (guint i = 0; i < devices->len; i++)
    {
      const TessOmemoDevice *device = g_ptr_array_index (devices, i);
      gboolean has_session;

      if (needs_bundle (self, device, &has_session))
        prepare_fetch (task, jid, device->id);
    }
  tess_omemo_read_end (self);
}

static void
prepare_step (GTask *task)
{
  Prepare *prepare = g_task_get_task_data (task);
  TessOmemo *self = prepare->omemo;

  if (g_task_return_error_if_cancelled (task))
    return;
  if (self->closed || prepare->failed)
    {
      g_task_return_new_error (task, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FAILED, "A device list could not be asked");
      return;
    }
  if (prepare->bundles)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  prepare->bundles = TRUE;
  for (guint i = 0; i < prepare->jids->len; i++)
    prepare_bundles (task, g_ptr_array_index (prepare->jids, i));
  if (prepare->pending == 0)
    prepare_step (task);
}

static void
prepare_add (Prepare *prepare, TessJid *jid)
{
  TessJid *bare = tess_jid_get_bare (jid);

  if (!g_ptr_array_find_with_equal_func (prepare->jids, bare, tess_jid_equal, NULL))
    g_ptr_array_add (prepare->jids, tess_jid_ref (bare));
}

void
tess_omemo_prepare_async (TessOmemo *self, TessJid **recipients, gsize n, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Prepare *prepare = g_new0 (Prepare, 1);

  TESS_ASSERT_ENGINE ();
  g_task_set_source_tag (task, tess_omemo_prepare_async);
  g_task_set_task_data (task, prepare, prepare_free);
  prepare->omemo = tess_omemo_ref (self);
  prepare->jids = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_jid_unref);
  for (gsize i = 0; i < n; i++)
    prepare_add (prepare, recipients[i]);
  prepare_add (prepare, self->account);

  for (guint i = 0; i < prepare->jids->len; i++)
    {
      TessJid *jid = g_ptr_array_index (prepare->jids, i);

      if (!tess_omemo_get_contact (self, jid)->heard)
        prepare_fetch (task, jid, 0);
    }
  if (prepare->pending == 0)
    prepare_step (task);
}

gboolean
tess_omemo_prepare_finish (TessOmemo *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

GPtrArray *
tess_omemo_list_devices (TessOmemo *self, TessJid *jid, GError **error)
{
  GPtrArray *devices = NULL;
  gboolean listed;

  TESS_ASSERT_ENGINE ();
  if (!self->store.begin (self->store_data, error))
    return NULL;
  listed = self->store.list_devices (self->store_data, tess_jid_get_bare (jid), &devices, error);
  tess_omemo_read_end (self);
  if (!listed)
    return NULL;
  if (tess_omemo_is_own (self, jid))
    {
      TessOmemoDevice *local = find_device (devices, self->device);
      guint index;

      if (local == NULL)
        g_ptr_array_insert (devices, 0, tess_omemo_local_device (self)); /* never online yet */
      else if (g_ptr_array_find (devices, local, &index))
        g_ptr_array_insert (devices, 0, g_ptr_array_steal_index (devices, index));
    }
  return devices;
}

gboolean
tess_omemo_lacks_bundle (TessOmemo *self, TessJid *jid, guint32 device)
{
  TessOmemoContact *contact = g_hash_table_lookup (self->contacts, tess_jid_get_bare (jid));
  gboolean has_session = FALSE;

  TESS_ASSERT_ENGINE ();
  if (contact == NULL || !g_hash_table_contains (contact->failed, GUINT_TO_POINTER (device)) || !tess_omemo_read_begin (self))
    return FALSE;
  if (!tess_omemo_has_session (self, contact->jid, device, &has_session, NULL))
    has_session = TRUE; /* nobody knows */
  tess_omemo_read_end (self);
  return !has_session;
}

static void
refreshed_cb (TessOmemo *self, TessJid *jid, guint32 id, gboolean ok, gpointer user_data)
{
  tess_omemo_mark (self->changed, jid);
}

static void
refresh_bundles_cb (TessOmemo *self, TessJid *jid, guint32 id, gboolean ok, gpointer user_data)
{
  g_autoptr (GPtrArray) devices = NULL;

  tess_omemo_mark (self->changed, jid);
  if (!ok || self->closed)
    return;
  devices = tess_omemo_list_devices (self, jid, NULL);
  if (devices == NULL)
    return;
  for (guint i = 0; i < devices->len; i++)
    {
      const TessOmemoDevice *device = g_ptr_array_index (devices, i);

      if (device->active && is_other (self, device))
        tess_omemo_fetch (self, jid, device->id, refreshed_cb, NULL);
    }
}

void
tess_omemo_refresh_devices (TessOmemo *self, TessJid *jid)
{
  TESS_ASSERT_ENGINE ();
  tess_omemo_fetch (self, jid, 0, refresh_bundles_cb, NULL);
}

/* A person's decision as an event. */
static TessOmemoTrustEvent
decision (TessOmemoTrust trust)
{
  switch (trust)
    {
    case TESS_OMEMO_TRUST_VERIFIED:
      return TESS_OMEMO_TRUST_EVENT_VERIFY;
    case TESS_OMEMO_TRUST_BLIND:
      return TESS_OMEMO_TRUST_EVENT_TRUST;
    case TESS_OMEMO_TRUST_DISTRUSTED:
      return TESS_OMEMO_TRUST_EVENT_DISTRUST;
    case TESS_OMEMO_TRUST_UNDECIDED:
    default:
      return TESS_OMEMO_TRUST_EVENT_POSTPONE;
    }
}

static gboolean
change_trust (TessOmemo *self, TessJid *jid, guint32 id, TessOmemoTrust trust, GError **error)
{
  g_autoptr (TessOmemoDevice) device = NULL;
  gboolean possible = FALSE;

  if (!self->store.load_device (self->store_data, jid, id, &device, error))
    return FALSE;
  if (device != NULL && is_other (self, device) && !tess_omemo_step (self, device, decision (trust), &possible, error))
    return FALSE;
  if (!possible)
    {
      g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FAILED,
                           "No such device, or its key is not known yet");
      return FALSE;
    }
  return self->store.save_device (self->store_data, device, error);
}

/* A person waits for it, catching up or not. */
void
tess_omemo_decided (TessOmemo *self, TessJid *bare)
{
  tess_omemo_mark (self->ready, bare);
  if (self->listener.devices_changed != NULL)
    self->listener.devices_changed (self->listener_data, bare);
  tess_omemo_emit (self);
}

gboolean
tess_omemo_set_trust (TessOmemo *self, TessJid *jid, guint32 device, TessOmemoTrust trust, GError **error)
{
  TessJid *bare = tess_jid_get_bare (jid);

  TESS_ASSERT_ENGINE ();
  if (!self->store.begin (self->store_data, error))
    return FALSE;
  if (!change_trust (self, bare, device, trust, error) || !self->store.commit (self->store_data, error))
    {
      self->store.rollback (self->store_data);
      return FALSE;
    }
  tess_omemo_decided (self, bare);
  return TRUE;
}

static gboolean
restore (TessOmemo *self, TessJid *jid, guint32 id, TessOmemoTrustState before, GError **error)
{
  g_autoptr (TessOmemoDevice) device = NULL;

  if (!self->store.load_device (self->store_data, jid, id, &device, error))
    return FALSE;
  if (device == NULL || !is_other (self, device) || (before.trust == TESS_OMEMO_TRUST_VERIFIED && !device->has_key))
    {
      g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FAILED, "No such device, or its key is not known yet");
      return FALSE;
    }
  device->trust = before.trust;
  /* An alarm that came after the decision stays. */
  device->key_alarm |= before.alarm;
  return self->store.save_device (self->store_data, device, error);
}

gboolean
tess_omemo_restore_trust (TessOmemo *self, TessJid *jid, const guint32 *ids, const TessOmemoTrustState *before, gsize n, GError **error)
{
  TessJid *bare = tess_jid_get_bare (jid);

  TESS_ASSERT_ENGINE ();
  if (!self->store.begin (self->store_data, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    if (!restore (self, bare, ids[i], before[i], error))
      {
        self->store.rollback (self->store_data);
        return FALSE;
      }
  if (!self->store.commit (self->store_data, error))
    {
      self->store.rollback (self->store_data);
      return FALSE;
    }
  tess_omemo_decided (self, bare);
  return TRUE;
}
