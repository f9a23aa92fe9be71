/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-private.h"

/* What messages leave to be done after the transaction that they were decrypted in: alarms, new prekeys, empty
 * answers, repairs. Each step looks into the store first, because the caller may have rolled back. */

static GHashTable *
take (GHashTable **set)
{
  GHashTable *taken = *set;

  *set = tess_omemo_address_set ();
  return taken;
}

void
tess_omemo_settle_alarms (TessOmemo *self)
{
  g_autoptr (GHashTable) alarms = take (&self->alarms);
  GHashTableIter iter;
  TessOmemoAddress *address;

  g_hash_table_iter_init (&iter, alarms);
  while (g_hash_table_iter_next (&iter, (gpointer *) &address, NULL))
    {
      if (!tess_omemo_raise_alarm (self, address->jid, address->device))
        tess_omemo_address_add (self->alarms, address->jid, address->device); /* again next time */
    }
}

static gboolean
may_answer (TessOmemo *self, TessJid *jid)
{
  return tess_omemo_is_own (self, jid) || self->transport.may_answer (self->transport_data, jid);
}

static void
settle_lists (TessOmemo *self)
{
  g_autoptr (GHashTable) lists = g_steal_pointer (&self->lists);
  GHashTableIter iter;
  TessJid *jid;

  self->lists = g_hash_table_new_full (tess_jid_hash, tess_jid_equal, (GDestroyNotify) tess_jid_unref, NULL);
  g_hash_table_iter_init (&iter, lists);
  while (g_hash_table_iter_next (&iter, (gpointer *) &jid, NULL))
    {
      if (may_answer (self, jid)) /* a stranger does not make us show ourselves (attacks row D15) */
        tess_omemo_fetch (self, jid, 0, NULL, NULL);
    }
}

static void
settle_answers (TessOmemo *self)
{
  g_autoptr (GHashTable) answers = take (&self->answers);
  GHashTableIter iter;
  TessOmemoAddress *address;
  GBytes *base_key;

  g_hash_table_iter_init (&iter, answers);
  while (g_hash_table_iter_next (&iter, (gpointer *) &address, (gpointer *) &base_key))
    {
      if (!may_answer (self, address->jid) || !tess_omemo_send_empty (self, address->jid, address->device))
        continue;
      if (g_hash_table_size (self->answered) >= TESS_OMEMO_MAX_REMEMBERED)
        g_hash_table_remove_all (self->answered);
      if (g_bytes_get_size (base_key) > 0)
        g_hash_table_add (self->answered, g_bytes_ref (base_key));
    }
}

static void
repair_bundle_cb (TessOmemo *self, TessJid *jid, guint32 id, gboolean ok, gpointer user_data)
{
  if (self->closed)
    return;
  if (ok && tess_omemo_is_online (self))
    tess_omemo_start_session (self, jid, id);
  else if (!tess_omemo_is_online (self))
    tess_omemo_address_drop (self->repaired, jid, id); /* not tried: the next message may ask again */
}

static gboolean
is_active (TessOmemo *self, TessJid *jid, guint32 id)
{
  g_autoptr (TessOmemoDevice) device = NULL;
  gboolean active;

  if (!tess_omemo_read_begin (self))
    return FALSE;
  active = self->store.load_device (self->store_data, jid, id, &device, NULL) && device != NULL && device->active
           && device->trust != TESS_OMEMO_TRUST_DISTRUSTED;
  tess_omemo_read_end (self);
  return active;
}

static void
repair_list_cb (TessOmemo *self, TessJid *jid, guint32 list, gboolean ok, gpointer user_data)
{
  guint32 id = GPOINTER_TO_UINT (user_data);

  if (!self->closed && is_active (self, jid, id))
    tess_omemo_fetch (self, jid, id, repair_bundle_cb, NULL);
}

static void
settle_repairs (TessOmemo *self)
{
  g_autoptr (GHashTable) repairs = take (&self->repairs);
  GHashTableIter iter;
  TessOmemoAddress *address;

  g_hash_table_iter_init (&iter, repairs);
  while (g_hash_table_iter_next (&iter, (gpointer *) &address, NULL))
    {
      if (!may_answer (self, address->jid) || tess_omemo_address_has (self->repaired, address->jid, address->device))
        continue;
      tess_omemo_address_add (self->repaired, address->jid, address->device);
      if (is_active (self, address->jid, address->device))
        tess_omemo_fetch (self, address->jid, address->device, repair_bundle_cb, NULL);
      else
        tess_omemo_fetch (self, address->jid, 0, repair_list_cb, GUINT_TO_POINTER (address->device));
    }
}

static gboolean
has_session_cb (gpointer key, gpointer value, gpointer user_data)
{
  gpointer *data = user_data;
  TessOmemoContact *contact = data[1];
  gboolean has = FALSE;

  return tess_omemo_has_session (data[0], contact->jid, GPOINTER_TO_UINT (key), &has, NULL) && has;
}

/* Bundles that an encryption has made sessions of. */
static void
drop_spent_bundles (TessOmemo *self)
{
  GHashTableIter iter;
  TessOmemoContact *contact;

  gboolean any = FALSE;

  g_hash_table_iter_init (&iter, self->contacts);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &contact))
    any |= g_hash_table_size (contact->bundles) > 0;
  if (!any || !tess_omemo_read_begin (self))
    return;
  g_hash_table_iter_init (&iter, self->contacts);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &contact))
    {
      gpointer data[] = { self, contact };

      g_hash_table_foreach_remove (contact->bundles, has_session_cb, data);
    }
  tess_omemo_read_end (self);
}

void
tess_omemo_settle (TessOmemo *self)
{
  TESS_ASSERT_ENGINE ();
  tess_omemo_signal_forget_sound (self->signal);
  tess_omemo_settle_alarms (self);
  if (self->catching_up)
    return;
  drop_spent_bundles (self);
  tess_omemo_rotate_if_due (self);
  if (self->prekeys_used || self->prekeys_kept)
    tess_omemo_refill (self);
  if (self->bundle_dirty)
    tess_omemo_publish_soon (self);
  if (tess_omemo_is_online (self))
    {
      settle_lists (self);
      settle_answers (self);
      settle_repairs (self);
    }
  tess_omemo_emit (self);
}

void
tess_omemo_set_deferring (TessOmemo *self, gboolean deferring)
{
  TESS_ASSERT_ENGINE ();
  self->deferring = deferring;
}

void
tess_omemo_begin_catch_up (TessOmemo *self)
{
  TESS_ASSERT_ENGINE ();
  self->catching_up = TRUE;
}

void
tess_omemo_end_catch_up (TessOmemo *self)
{
  TESS_ASSERT_ENGINE ();
  if (!self->catching_up)
    return;
  self->catching_up = FALSE;
  self->prekeys_kept = TRUE;
  tess_omemo_settle (self);
}

typedef struct
{
  TessOmemoPublishedFunc done;
  gpointer               user_data;
} Reset;

static void
reset_end (Reset *reset, const char *problem)
{
  g_autoptr (GError) error = problem != NULL ? g_error_new_literal (TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_FAILED, problem) : NULL;

  if (reset->done != NULL)
    reset->done (error, reset->user_data);
  g_free (reset);
}

static void
reset_bundle_cb (TessOmemo *self, TessJid *jid, guint32 id, gboolean ok, gpointer user_data)
{
  if (self->closed)
    {
      g_free (user_data);
      return;
    }
  ok = ok && tess_omemo_start_session (self, jid, id);
  if (ok)
    tess_omemo_mark (self->ready, jid);
  reset_end (user_data, ok ? NULL : "The device has no usable keys on its server, or it is not trusted");
}

/* Messages under the old session that are still on their way stay readable: it goes into the record's archive. */
void
tess_omemo_reset_session (TessOmemo *self, TessJid *jid, guint32 device, TessOmemoPublishedFunc done, gpointer user_data)
{
  Reset *reset = g_new0 (Reset, 1);

  TESS_ASSERT_ENGINE ();
  reset->done = done;
  reset->user_data = user_data;
  if (tess_omemo_is_online (self))
    tess_omemo_fetch (self, jid, device, reset_bundle_cb, reset);
  else
    reset_end (reset, "There is no connection to the server");
}
