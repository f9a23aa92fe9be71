/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-private.h"

#include "crypto/tess-crypto.h"

#include <string.h>

/* The local device: its prekeys, its bundle and its place in the own device list. */

#define NEXT_PREKEY "next-prekey-id"
#define NEXT_SIGNED_PREKEY "next-signed-prekey-id"
#define SIGNED_PREKEY "signed-prekey-id"
#define SIGNED_PREKEY_TIME "signed-prekey-time"
#define ANNOUNCED "announced-device-id"

static gboolean
library_failed (GError **error)
{
  g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FAILED, "libsignal made no key");
  return FALSE;
}

/* Takes @count ids that were never used before; 0 when there are none left. */
static gboolean
take_ids (TessOmemo *self, const char *name, guint count, guint32 *first, GError **error)
{
  gint64 next;

  if (!self->store.load_number (self->store_data, name, &next, error))
    return FALSE;
  if (next < 1)
    next = 1;
  if (next + count - 1 > TESS_OMEMO_MAX_PREKEY_ID)
    {
      g_warning ("the ids of prekeys are used up");
      *first = 0;
      return TRUE;
    }
  *first = (guint32) next;
  return self->store.save_number (self->store_data, name, next + count, error);
}

static gboolean
add_prekeys (TessOmemo *self, guint count, GError **error)
{
  guint32 first;

  if (!take_ids (self, NEXT_PREKEY, count, &first, error))
    return FALSE;
  for (guint i = 0; i < count && first != 0; i++)
    {
      g_autoptr (GBytes) blob = tess_omemo_signal_make_prekey (self->signal, first + i);

      if (blob == NULL)
        return library_failed (error);
      if (!self->store.save_blob (self->store_data, TESS_OMEMO_BLOB_PREKEY, first + i, blob, error))
        return FALSE;
    }
  return TRUE;
}

/* A new signed prekey; of the older ones only that which was current until now stays. */
static gboolean
rotate (TessOmemo *self, GError **error)
{
  g_autoptr (GBytes) blob = NULL;
  g_autoptr (GArray) ids = NULL;
  gint64 previous;
  guint32 id;

  if (!self->store.load_number (self->store_data, SIGNED_PREKEY, &previous, error)
      || !take_ids (self, NEXT_SIGNED_PREKEY, 1, &id, error))
    return FALSE;
  if (id == 0)
    return TRUE;
  blob = tess_omemo_signal_make_signed_prekey (self->signal, id, self->now ());
  if (blob == NULL)
    return library_failed (error);
  if (!self->store.save_blob (self->store_data, TESS_OMEMO_BLOB_SIGNED_PREKEY, id, blob, error)
      || !self->store.save_number (self->store_data, SIGNED_PREKEY, id, error)
      || !self->store.save_number (self->store_data, SIGNED_PREKEY_TIME, self->now (), error)
      || !self->store.list_blobs (self->store_data, TESS_OMEMO_BLOB_SIGNED_PREKEY, &ids, error))
    return FALSE;
  for (guint i = 0; i < ids->len; i++)
    {
      guint32 old = g_array_index (ids, guint32, i);

      if (old != id && old != previous
          && !self->store.remove_blob (self->store_data, TESS_OMEMO_BLOB_SIGNED_PREKEY, old, error))
        return FALSE;
    }
  return TRUE;
}

/* (transfer full): what we say of ourselves. */
TessOmemoDevice *
tess_omemo_local_device (TessOmemo *self)
{
  TessOmemoDevice *device = tess_omemo_device_new (self->account, self->device);

  device->first_seen = self->now ();
  device->has_key = TRUE;
  memcpy (device->key, tess_omemo_get_key (self), TESS_OMEMO_KEY_BYTES);
  device->trust = TESS_OMEMO_TRUST_VERIFIED;
  device->active = TRUE;
  return device;
}

/* Notes that the number is ours. Before that it might be another device's, and a key once bound to it stays. */
static gboolean
set_announced (TessOmemo *self, GError **error)
{
  g_autoptr (TessOmemoDevice) stored = NULL;
  g_autoptr (TessOmemoDevice) local = tess_omemo_local_device (self);

  if (!self->store.save_number (self->store_data, ANNOUNCED, self->device, error)
      || !self->store.load_device (self->store_data, self->account, self->device, &stored, error))
    return FALSE;
  return (stored != NULL && stored->has_key) || self->store.save_device (self->store_data, local, error);
}

static guint32
random_device_id (void)
{
  guint32 id;

  do
    {
      tess_random_bytes ((guint8 *) &id, sizeof id);
      id &= TESS_OMEMO_MAX_DEVICE_ID;
    }
  while (id == 0);
  return id;
}

gboolean
tess_omemo_make_device (TessOmemo *self, GError **error)
{
  g_autoptr (GBytes) identity = tess_omemo_signal_make_identity (self->signal);
  guint32 id = random_device_id ();

  if (identity == NULL || !tess_omemo_signal_set_local (self->signal, id, identity))
    return library_failed (error);
  self->device = id;
  return self->store.save_local (self->store_data, id, identity, error) && rotate (self, error)
         && add_prekeys (self, TESS_OMEMO_PREKEYS, error);
}

/* Somebody of the account has our number already, and nobody has seen our bundle: take another one. */
static gboolean
change_device_id (TessOmemo *self, GError **error)
{
  g_autoptr (GBytes) identity = NULL;
  guint32 loaded;
  guint32 id = random_device_id ();

  if (!self->store.load_local (self->store_data, &loaded, &identity, error))
    return FALSE;
  if (identity == NULL || !tess_omemo_signal_set_local (self->signal, id, identity))
    return library_failed (error);
  self->device = id;
  return self->store.save_local (self->store_data, id, identity, error);
}

/* Runs @work in a transaction of its own. */
gboolean
tess_omemo_transact (TessOmemo *self, const char *what, TessOmemoWork work)
{
  g_autoptr (GError) error = NULL;

  if (!self->store.begin (self->store_data, &error))
    {
      tess_omemo_refused (self, what, error);
      return FALSE;
    }
  if (work (self, &error) && self->store.commit (self->store_data, &error))
    return TRUE;
  tess_omemo_give_up (self, what, &error);
  return FALSE;
}

/* 0 when it was never set, or cannot be read. */
gint64
tess_omemo_read_number (TessOmemo *self, const char *name)
{
  gint64 value = 0;

  if (!tess_omemo_read_begin (self))
    return 0;
  if (!self->store.load_number (self->store_data, name, &value, NULL))
    value = 0;
  tess_omemo_read_end (self);
  return value;
}

void
tess_omemo_rotate_if_due (TessOmemo *self)
{
  gint64 now = self->now ();
  gint64 last;

  if (self->rotated == 0)
    self->rotated = tess_omemo_read_number (self, SIGNED_PREKEY_TIME);
  last = self->rotated;
  /* A time that lies far ahead was taken from a wrong clock and would stop the rotation. */
  if (now - last < TESS_OMEMO_ROTATION_US && last - now < TESS_OMEMO_ROTATION_US)
    return;
  if (!tess_omemo_transact (self, "the signed prekey was not rotated", rotate))
    return;
  self->rotated = now;
  tess_omemo_publish_soon (self);
}

/* Removes what a catch-up kept, and makes as many new ones as are missing. */
static gboolean
refill (TessOmemo *self, GError **error)
{
  g_autoptr (GArray) ids = NULL;
  guint left;

  if (!self->store.list_blobs (self->store_data, TESS_OMEMO_BLOB_PREKEY, &ids, error))
    return FALSE;
  left = ids->len;
  for (guint i = 0; i < ids->len && self->prekeys_kept; i++)
    {
      guint32 id = g_array_index (ids, guint32, i);
      g_autoptr (GBytes) blob = NULL;

      if (!self->store.load_blob (self->store_data, TESS_OMEMO_BLOB_PREKEY, id, &blob, error))
        return FALSE;
      if (blob != NULL && !tess_omemo_prekey_is_used (blob))
        continue;
      left--;
      if (!self->store.remove_blob (self->store_data, TESS_OMEMO_BLOB_PREKEY, id, error))
        return FALSE;
    }
  if (left >= TESS_OMEMO_PREKEYS)
    return TRUE;
  self->bundle_dirty = TRUE;
  return add_prekeys (self, TESS_OMEMO_PREKEYS - left, error);
}

void
tess_omemo_refill (TessOmemo *self)
{
  if (self->catching_up || !tess_omemo_transact (self, "the prekeys were not refilled", refill))
    return;
  self->prekeys_used = FALSE;
  self->prekeys_kept = FALSE;
  if (self->bundle_dirty)
    tess_omemo_publish_soon (self);
}

static gboolean
add_public_prekey (TessOmemo *self, TessOmemoBundle *bundle, guint32 id)
{
  g_autoptr (GBytes) blob = NULL;
  TessOmemoPublicPrekey prekey = { .id = id };

  if (!self->store.load_blob (self->store_data, TESS_OMEMO_BLOB_PREKEY, id, &blob, NULL))
    return FALSE;
  if (blob == NULL || tess_omemo_prekey_is_used (blob)
      || !tess_omemo_signal_read_prekey (self->signal, blob, prekey.key))
    return TRUE;
  g_array_append_val (bundle->prekeys, prekey);
  return TRUE;
}

static TessOmemoBundle *
read_own_bundle (TessOmemo *self)
{
  g_autoptr (TessOmemoBundle) bundle = tess_omemo_bundle_new ();
  g_autoptr (GBytes) blob = NULL;
  g_autoptr (GArray) ids = NULL;
  gint64 id;

  if (!self->store.load_number (self->store_data, SIGNED_PREKEY, &id, NULL)
      || !self->store.load_blob (self->store_data, TESS_OMEMO_BLOB_SIGNED_PREKEY, (guint32) id, &blob, NULL)
      || blob == NULL
      || !tess_omemo_signal_read_signed_prekey (self->signal, blob, bundle->signed_key, bundle->signature)
      || !self->store.list_blobs (self->store_data, TESS_OMEMO_BLOB_PREKEY, &ids, NULL))
    return NULL;
  bundle->signed_id = (guint32) id;
  memcpy (bundle->identity, tess_omemo_get_key (self), TESS_OMEMO_KEY_BYTES);
  for (guint i = 0; i < ids->len; i++)
    {
      if (!add_public_prekey (self, bundle, g_array_index (ids, guint32, i)))
        return NULL;
    }
  return g_steal_pointer (&bundle);
}

/* (transfer full) (nullable). */
static TessOmemoBundle *
own_bundle (TessOmemo *self)
{
  TessOmemoBundle *bundle;

  if (!tess_omemo_read_begin (self))
    return NULL;
  bundle = read_own_bundle (self);
  tess_omemo_read_end (self);
  return bundle;
}

static gboolean
timer_cb (gpointer user_data)
{
  TessOmemo *self = user_data;

  g_clear_pointer (&self->timer, g_source_unref);
  if (self->publish_state == TESS_OMEMO_PUBLISH_UNCHECKED)
    tess_omemo_publish_check (self);
  else if (self->bundle_dirty)
    tess_omemo_publish_soon (self);
  return G_SOURCE_REMOVE;
}

static void
arm_timer (TessOmemo *self, guint seconds)
{
  if (self->timer != NULL || self->closed)
    return;
  self->timer = g_timeout_source_new_seconds (seconds);
  g_source_set_callback (self->timer, timer_cb, self, NULL);
  g_source_attach (self->timer, self->context);
}

static void
retry_later (TessOmemo *self)
{
  arm_timer (self, self->failed ? TESS_OMEMO_RETRY_SECONDS : TESS_OMEMO_FIRST_RETRY_SECONDS);
  self->failed = TRUE;
}

/* What a publication's answer needs; it may come in another stream, or after the end. */
typedef struct
{
  TessOmemo *omemo;
  guint      stream;
  GArray    *ids; /* nullable: of the list that is published */
} Published;

static Published *
published_new (TessOmemo *self)
{
  Published *published = g_new0 (Published, 1);

  published->omemo = tess_omemo_ref (self);
  published->stream = self->stream;
  return published;
}

static gboolean
published_end (Published *published)
{
  TessOmemo *self = published->omemo;
  gboolean counts = !self->closed && published->stream == self->stream;

  g_clear_pointer (&published->ids, g_array_unref);
  g_free (published);
  if (!counts)
    tess_omemo_unref (self);
  return counts;
}

static void
bundle_published_cb (const GError *error, gpointer user_data)
{
  Published *published = user_data;
  TessOmemo *self = published->omemo;

  if (!published_end (published))
    return;
  self->publishing = FALSE;
  if (error != NULL)
    {
      g_message ("the bundle was not published: %s", error->message);
      self->bundle_dirty = TRUE;
      if (self->publish_state == TESS_OMEMO_PUBLISH_CHECKING)
        self->publish_state = TESS_OMEMO_PUBLISH_UNCHECKED;
      retry_later (self);
    }
  else
    {
      self->publish_state = TESS_OMEMO_PUBLISH_DONE;
      if (self->bundle_dirty)
        tess_omemo_publish_soon (self);
      tess_omemo_check_own_list (self);
    }
  tess_omemo_emit (self);
  tess_omemo_unref (self);
}

static void
publish_bundle (TessOmemo *self)
{
  g_autoptr (TessOmemoBundle) bundle = own_bundle (self);
  g_autofree char *node = tess_omemo_axolotl_bundle_node (self->device);

  if (bundle == NULL)
    {
      g_warning ("the own bundle cannot be read");
      return;
    }
  self->publishing = TRUE;
  self->bundle_dirty = FALSE;
  self->last_publish = self->now ();
  self->transport.publish (self->transport_data, node, "current", tess_omemo_axolotl_build_bundle (bundle),
                           bundle_published_cb, published_new (self));
}

/* Once for a batch, and not more often than the bound says, however fast prekeys are used up (attacks row D6). */
void
tess_omemo_publish_soon (TessOmemo *self)
{
  gint64 since = self->now () - self->last_publish;

  self->bundle_dirty = TRUE;
  if (self->publishing || self->publish_state != TESS_OMEMO_PUBLISH_DONE || !tess_omemo_is_online (self) || self->catching_up)
    return; /* the answer, the check of the next stream or the end of the catch-up leads here again */
  if (since >= 0 && since < TESS_OMEMO_PUBLISH_EVERY_US)
    arm_timer (self, TESS_OMEMO_PUBLISH_EVERY_US / G_USEC_PER_SEC);
  else
    publish_bundle (self);
}

static void
check_failed (TessOmemo *self)
{
  self->publish_state = TESS_OMEMO_PUBLISH_UNCHECKED;
  retry_later (self);
}

gboolean
tess_omemo_is_announced (TessOmemo *self)
{
  return tess_omemo_read_number (self, ANNOUNCED) == self->device;
}

static gboolean
own_list_has (TessOmemo *self, guint32 id)
{
  for (guint i = 0; self->own_list != NULL && i < self->own_list->len; i++)
    {
      if (g_array_index (self->own_list, guint32, i) == id)
        return TRUE;
    }
  return FALSE;
}

static gboolean
own_list_has_us (TessOmemo *self)
{
  return own_list_has (self, self->device);
}

/* The list is heard again: under its own number the other device was not taken for one. */
static void
take_another_id (TessOmemo *self)
{
  if (!tess_omemo_transact (self, "no new device id", change_device_id))
    {
      check_failed (self);
      return;
    }
  self->publish_state = TESS_OMEMO_PUBLISH_UNCHECKED;
  tess_omemo_publish_check (self);
}

/* Whether the bundle that the server has will do for now. What a catch-up changes in it is published once, at its end. */
static gboolean
stands (TessOmemo *self, const TessOmemoBundle *there, const TessOmemoBundle *ours)
{
  if (there == NULL || ours == NULL)
    return FALSE;
  return tess_omemo_bundle_equal (there, ours)
         || (self->catching_up && memcmp (there->identity, ours->identity, TESS_OMEMO_KEY_BYTES) == 0);
}

static void
own_bundle_fetched_cb (const TessNode *payload, const GError *error, gpointer user_data)
{
  Published *published = user_data;
  TessOmemo *self = published->omemo;
  g_autoptr (TessOmemoBundle) there = NULL;
  g_autoptr (TessOmemoBundle) ours = NULL;

  if (!published_end (published))
    return;
  if (error != NULL && !tess_omemo_is_online (self))
    {
      self->publish_state = TESS_OMEMO_PUBLISH_UNCHECKED;
      tess_omemo_unref (self);
      return;
    }
  there = payload == NULL ? NULL : tess_omemo_axolotl_parse_bundle (payload, NULL);
  ours = own_bundle (self);
  if (there != NULL && memcmp (there->identity, tess_omemo_get_key (self), TESS_OMEMO_KEY_BYTES) != 0
      && !tess_omemo_is_announced (self))
    {
      take_another_id (self);
    }
  else if (!tess_omemo_transact (self, "the device was not noted as announced", set_announced))
    {
      check_failed (self);
    }
  else if (stands (self, there, ours))
    {
      self->publish_state = TESS_OMEMO_PUBLISH_DONE;
      self->bundle_dirty = !tess_omemo_bundle_equal (there, ours);
      tess_omemo_check_own_list (self);
    }
  else
    {
      publish_bundle (self); /* its answer goes on */
    }
  tess_omemo_emit (self);
  tess_omemo_unref (self);
}

static void
own_list_cb (TessOmemo *self, TessJid *jid, guint32 device, gboolean ok, gpointer user_data)
{
  g_autofree char *node = NULL;

  if (self->closed || GPOINTER_TO_UINT (user_data) != self->stream)
    return;
  if (!ok)
    {
      check_failed (self);
      return;
    }
  if (own_list_has_us (self) && !tess_omemo_is_announced (self))
    {
      take_another_id (self);
      return;
    }
  node = tess_omemo_axolotl_bundle_node (self->device);
  self->transport.fetch (self->transport_data, self->account, node, own_bundle_fetched_cb, published_new (self));
}

/* List, then bundle: compares what the server has with what we are, publishes what differs, bundle first. */
void
tess_omemo_publish_check (TessOmemo *self)
{
  if (self->publish_state != TESS_OMEMO_PUBLISH_UNCHECKED || !tess_omemo_is_online (self))
    return;
  self->publish_state = TESS_OMEMO_PUBLISH_CHECKING;
  tess_omemo_fetch (self, self->account, 0, own_list_cb, GUINT_TO_POINTER (self->stream));
}

static void
list_published_cb (const GError *error, gpointer user_data)
{
  Published *published = user_data;
  TessOmemo *self = published->omemo;
  g_autoptr (GArray) ids = g_steal_pointer (&published->ids);

  if (!published_end (published))
    return;
  if (error != NULL)
    {
      g_message ("the device list was not published: %s", error->message);
      check_failed (self);
    }
  else
    {
      self->failed = FALSE;
      /* Not every server tells us of our own event, and who goes must know that they are in the list. */
      g_clear_pointer (&self->own_list, g_array_unref);
      self->own_list = g_array_ref (ids);
      tess_omemo_apply_list (self, self->account, ids);
      tess_omemo_forget_former (self);
      tess_omemo_emit (self);
    }
  tess_omemo_unref (self);
}

GArray *
tess_omemo_own_list_without (TessOmemo *self, guint32 id)
{
  GArray *ids = self->own_list != NULL ? g_array_copy (self->own_list) : g_array_new (FALSE, FALSE, sizeof (guint32));

  for (guint i = ids->len; i > 0; i--)
    if (g_array_index (ids, guint32, i - 1) == id)
      g_array_remove_index (ids, i - 1);
  return ids;
}

/* TRUE when it is normal to announce again; says so once when it storms (attacks row D13). */
static gboolean
may_announce (TessOmemo *self)
{
  gint64 since = self->now () - self->announce_window;

  if (since < 0 || since > TESS_OMEMO_ANNOUNCE_WINDOW_US)
    {
      self->announce_window = self->now ();
      self->announces = 0;
      self->storm_told = FALSE;
    }
  if (self->announces < TESS_OMEMO_ANNOUNCES)
    {
      self->announces++;
      return TRUE;
    }
  if (!self->storm_told && self->listener.own_device_removed != NULL)
    {
      self->storm_told = TRUE;
      self->listener.own_device_removed (self->listener_data);
    }
  return FALSE;
}

/* Our list was heard, or our bundle stands now. */
void
tess_omemo_check_own_list (TessOmemo *self)
{
  g_autoptr (GArray) ids = NULL;
  Published *published;
  guint32 former;

  if (self->retired || self->publish_state != TESS_OMEMO_PUBLISH_DONE || self->own_list == NULL)
    return;
  former = tess_omemo_get_former (self);
  if (own_list_has_us (self) && (former == 0 || !own_list_has (self, former)))
    {
      tess_omemo_forget_former (self);
      return;
    }
  if (!may_announce (self))
    return;
  ids = tess_omemo_own_list_without (self, former);
  if (!own_list_has_us (self))
    {
      if (ids->len >= TESS_OMEMO_MAX_DEVICES)
        g_array_set_size (ids, TESS_OMEMO_MAX_DEVICES - 1);
      g_array_append_val (ids, self->device);
    }
  published = published_new (self);
  published->ids = g_array_ref (ids);
  self->transport.publish (self->transport_data, TESS_OMEMO_AXOLOTL_LIST_NODE, "current",
                           tess_omemo_axolotl_build_list (ids), list_published_cb, published);
}

void
tess_omemo_publish_list_without (TessOmemo *self, guint32 id, TessOmemoPublishedFunc done, gpointer user_data)
{
  g_autoptr (GArray) ids = tess_omemo_own_list_without (self, id);

  self->transport.publish (self->transport_data, TESS_OMEMO_AXOLOTL_LIST_NODE, "current",
                           tess_omemo_axolotl_build_list (ids), done, user_data);
}

void
tess_omemo_retire (TessOmemo *self, TessOmemoPublishedFunc done, gpointer user_data)
{
  TESS_ASSERT_ENGINE ();
  self->retired = TRUE;
  if (!tess_omemo_is_online (self) || self->own_list == NULL || !own_list_has_us (self))
    done (NULL, user_data);
  else
    tess_omemo_publish_list_without (self, self->device, done, user_data);
}
