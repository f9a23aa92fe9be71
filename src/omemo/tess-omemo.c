/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-private.h"

#include "base/tess-source.h"
#include "crypto/tess-crypto.h"

#include <string.h>

TessOmemoAddress *
tess_omemo_address_new (TessJid *jid, guint32 device)
{
  TessOmemoAddress *self = g_new0 (TessOmemoAddress, 1);

  self->jid = tess_jid_ref (tess_jid_get_bare (jid));
  self->device = device;
  return self;
}

static void
address_free (gpointer data)
{
  TessOmemoAddress *self = data;

  tess_jid_unref (self->jid);
  g_free (self);
}

static guint
address_hash (gconstpointer data)
{
  const TessOmemoAddress *self = data;

  return tess_jid_hash (self->jid) * 31 + self->device;
}

static gboolean
address_equal (gconstpointer a, gconstpointer b)
{
  const TessOmemoAddress *one = a;
  const TessOmemoAddress *other = b;

  return one->device == other->device && tess_jid_equal (one->jid, other->jid);
}

GHashTable *
tess_omemo_address_set (void)
{
  return g_hash_table_new_full (address_hash, address_equal, address_free, (GDestroyNotify) g_bytes_unref);
}

gboolean
tess_omemo_address_has (GHashTable *set, TessJid *jid, guint32 device)
{
  TessOmemoAddress address = { tess_jid_get_bare (jid), device };

  return g_hash_table_contains (set, &address);
}

void
tess_omemo_address_add (GHashTable *set, TessJid *jid, guint32 device)
{
  if (!tess_omemo_address_has (set, jid, device))
    g_hash_table_insert (set, tess_omemo_address_new (jid, device), g_bytes_new (NULL, 0));
}

void
tess_omemo_address_drop (GHashTable *set, TessJid *jid, guint32 device)
{
  TessOmemoAddress address = { tess_jid_get_bare (jid), device };

  g_hash_table_remove (set, &address);
}

static void
unref_owner (gpointer owner)
{
  if (owner != NULL)
    tess_jid_unref (owner);
}

static GHashTable *
jid_set (void)
{
  return g_hash_table_new_full (tess_jid_hash, tess_jid_equal, (GDestroyNotify) tess_jid_unref, NULL);
}

void
tess_omemo_mark (GHashTable *set, TessJid *jid)
{
  g_hash_table_add (set, tess_jid_ref (tess_jid_get_bare (jid)));
}

static void
kept_free (gpointer data)
{
  TessOmemoKept *kept = data;

  tess_omemo_bundle_free (kept->bundle);
  g_free (kept);
}

static void
contact_free (gpointer data)
{
  TessOmemoContact *contact = data;

  tess_jid_unref (contact->jid);
  g_hash_table_unref (contact->bundles);
  g_hash_table_unref (contact->failed);
  g_free (contact);
}

TessOmemoContact *
tess_omemo_get_contact (TessOmemo *self, TessJid *jid)
{
  TessJid *bare = tess_jid_get_bare (jid);
  TessOmemoContact *contact = g_hash_table_lookup (self->contacts, bare);

  if (contact != NULL)
    return contact;
  contact = g_new0 (TessOmemoContact, 1);
  contact->jid = tess_jid_ref (bare);
  contact->bundles = g_hash_table_new_full (NULL, NULL, NULL, kept_free);
  contact->failed = g_hash_table_new (NULL, NULL);
  g_hash_table_insert (self->contacts, contact->jid, contact);
  return contact;
}

gboolean
tess_omemo_is_own (TessOmemo *self, TessJid *jid)
{
  return tess_jid_bare_equal (self->account, jid);
}

gboolean
tess_omemo_is_online (TessOmemo *self)
{
  return !self->closed && self->transport.is_online (self->transport_data);
}

static gint64
real_time (void)
{
  return g_get_real_time ();
}

TessOmemo *
tess_omemo_new (TessJid                  *account,
                const TessOmemoStore     *store,
                gpointer                  store_data,
                const TessOmemoTransport *transport,
                gpointer                  transport_data,
                const TessOmemoListener  *listener,
                gpointer                  listener_data)
{
  TessOmemo *self = g_new0 (TessOmemo, 1);

  TESS_ASSERT_ENGINE ();
  self->references = 1;
  self->account = tess_jid_ref (tess_jid_get_bare (account));
  self->store = *store;
  self->store_data = store_data;
  self->transport = *transport;
  self->transport_data = transport_data;
  if (listener != NULL)
    self->listener = *listener;
  self->listener_data = listener_data;
  self->context = g_main_context_ref_thread_default ();
  self->now = real_time;
  self->signal = tess_omemo_signal_new (&self->store, store_data);
  self->blind = TRUE;
  self->prekeys_kept = TRUE;

  self->contacts = g_hash_table_new_full (tess_jid_hash, tess_jid_equal, NULL, contact_free);
  self->requests = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&self->waiting);
  self->alarms = tess_omemo_address_set ();
  self->answers = tess_omemo_address_set ();
  self->repairs = tess_omemo_address_set ();
  self->repaired = tess_omemo_address_set ();
  self->asked = tess_omemo_address_set ();
  self->answered = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  self->lists = jid_set ();
  self->changed = jid_set ();
  self->ready = jid_set ();
  self->claims = g_hash_table_new_full (tess_jid_hash, tess_jid_equal, (GDestroyNotify) tess_jid_unref, unref_owner);
  return self;
}

TessOmemo *
tess_omemo_ref (TessOmemo *self)
{
  self->references++;
  return self;
}

void
tess_omemo_unref (TessOmemo *self)
{
  if (--self->references > 0)
    return;
  g_hash_table_unref (self->contacts);
  g_hash_table_unref (self->requests);
  g_hash_table_unref (self->alarms);
  g_hash_table_unref (self->answers);
  g_hash_table_unref (self->repairs);
  g_hash_table_unref (self->repaired);
  g_hash_table_unref (self->asked);
  g_hash_table_unref (self->answered);
  g_hash_table_unref (self->lists);
  g_hash_table_unref (self->changed);
  g_hash_table_unref (self->ready);
  g_hash_table_unref (self->claims);
  g_clear_pointer (&self->own_list, g_array_unref);
  tess_omemo_signal_free (self->signal);
  tess_jid_unref (self->account);
  g_main_context_unref (self->context);
  g_free (self);
}

/* The store, the transport and the listener are not used any more after this returns; answers that are still on
 * their way find a closed object. */
void
tess_omemo_free (TessOmemo *self)
{
  if (self == NULL)
    return;
  TESS_ASSERT_ENGINE ();
  self->closed = TRUE;
  tess_source_clear (&self->timer);
  tess_omemo_fetch_drop_all (self);
  tess_omemo_unref (self);
}

gboolean
tess_omemo_is_store_error (const GError *error)
{
  return error != NULL && (error->domain != TESS_OMEMO_ERROR || error->code == TESS_OMEMO_ERROR_STORE);
}

void
tess_omemo_refused (TessOmemo *self, const char *what, const GError *error)
{
  g_warning ("%s: %s", what, error != NULL ? error->message : "failed");
  if (!self->closed && self->listener.storage_failed != NULL && tess_omemo_is_store_error (error))
    self->listener.storage_failed (self->listener_data, error);
}

void
tess_omemo_give_up (TessOmemo *self, const char *what, GError **error)
{
  self->store.rollback (self->store_data);
  tess_omemo_refused (self, what, *error);
  g_clear_error (error);
}

gboolean
tess_omemo_read_begin (TessOmemo *self)
{
  g_autoptr (GError) error = NULL;

  if (self->store.begin (self->store_data, &error))
    return TRUE;
  g_warning ("the database cannot be read: %s", error->message);
  return FALSE;
}

/* Nothing was written, so it does not matter how it ends; a rollback would take an outer transaction with it. */
void
tess_omemo_read_end (TessOmemo *self)
{
  if (!self->store.commit (self->store_data, NULL))
    self->store.rollback (self->store_data);
}

static gboolean
load_or_make (TessOmemo *self, GError **error)
{
  g_autoptr (GBytes) identity = NULL;
  guint32 id = 0;

  if (!self->store.load_local (self->store_data, &id, &identity, error))
    return FALSE;
  if (id == 0 || identity == NULL)
    return tess_omemo_make_device (self, error);
  if (!tess_omemo_signal_set_local (self->signal, id, identity))
    {
      g_set_error_literal (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_STORE, "The identity key cannot be read");
      return FALSE;
    }
  self->device = id;
  return TRUE;
}

gboolean
tess_omemo_load (TessOmemo *self, GError **error)
{
  TESS_ASSERT_ENGINE ();
  if (!self->store.begin (self->store_data, error))
    return FALSE;
  if (!load_or_make (self, error) || !self->store.commit (self->store_data, error))
    {
      self->store.rollback (self->store_data);
      return FALSE;
    }
  return TRUE;
}

guint32
tess_omemo_get_device_id (TessOmemo *self)
{
  return self->device;
}

const guint8 *
tess_omemo_get_key (TessOmemo *self)
{
  return tess_omemo_signal_get_key (self->signal);
}

void
tess_omemo_online (TessOmemo *self)
{
  GHashTableIter iter;
  TessOmemoContact *contact;
  gboolean kept = self->prekeys_kept;

  TESS_ASSERT_ENGINE ();
  self->stream++;
  g_hash_table_iter_init (&iter, self->contacts);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &contact))
    {
      contact->heard = FALSE;
      g_hash_table_remove_all (contact->bundles);
      g_hash_table_remove_all (contact->failed);
    }
  g_hash_table_remove_all (self->asked);
  g_clear_pointer (&self->own_list, g_array_unref);
  self->publish_state = TESS_OMEMO_PUBLISH_UNCHECKED;
  self->publishing = FALSE;
  self->failed = FALSE;
  /* What an interrupted catch-up kept is kept for the next one, which is about to begin. */
  self->prekeys_kept = FALSE;
  tess_omemo_rotate_if_due (self);
  tess_omemo_refill (self);
  tess_omemo_publish_check (self);
  tess_omemo_settle (self);
  self->prekeys_kept = kept;
}

void
tess_omemo_go_on (TessOmemo *self)
{
  GHashTableIter iter;
  TessOmemoContact *contact;

  TESS_ASSERT_ENGINE ();
  g_hash_table_iter_init (&iter, self->contacts);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &contact))
    {
      contact->heard = FALSE;
      g_hash_table_remove_all (contact->failed);
    }
  tess_omemo_publish_check (self);
  tess_omemo_settle (self);
}

void
tess_omemo_offline (TessOmemo *self)
{
  GHashTableIter iter;
  TessOmemoContact *contact;

  TESS_ASSERT_ENGINE ();
  g_hash_table_iter_init (&iter, self->contacts);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &contact))
    contact->heard = FALSE;
  self->publish_state = TESS_OMEMO_PUBLISH_UNCHECKED;
}

const char *
tess_omemo_get_notify_feature (void)
{
  return TESS_OMEMO_AXOLOTL_LIST_NODE "+notify";
}

const char *
tess_omemo_get_eme_namespace (void)
{
  return TESS_OMEMO_AXOLOTL_NS;
}

gboolean
tess_omemo_is_encrypted (const TessNode *node)
{
  return tess_node_is (node, "encrypted", TESS_OMEMO_AXOLOTL_NS);
}

const TessNode *
tess_omemo_find_encrypted (const TessNode *message)
{
  return tess_node_child (message, "encrypted", TESS_OMEMO_AXOLOTL_NS);
}

/* Whether somebody's list is worth a row in the database: strangers could fill it otherwise. */
static gboolean
is_acquainted (TessOmemo *self, TessJid *jid)
{
  g_autoptr (GPtrArray) devices = NULL;
  gboolean known;

  if (tess_omemo_is_own (self, jid) || g_hash_table_contains (self->contacts, jid)
      || self->transport.may_answer (self->transport_data, jid))
    return TRUE;
  if (!tess_omemo_read_begin (self))
    return FALSE;
  known = self->store.list_devices (self->store_data, jid, &devices, NULL) && devices->len > 0;
  tess_omemo_read_end (self);
  return known;
}

gboolean
tess_omemo_handle_event (TessOmemo *self, TessJid *from, const char *node, const TessNode *payload)
{
  g_autoptr (GArray) ids = NULL;
  TessJid *bare = tess_jid_get_bare (from);

  TESS_ASSERT_ENGINE ();
  if (node == NULL || !g_str_has_prefix (node, TESS_OMEMO_AXOLOTL_NS "."))
    return FALSE;
  if (!g_str_equal (node, TESS_OMEMO_AXOLOTL_LIST_NODE) || !is_acquainted (self, bare))
    return TRUE;
  ids = tess_omemo_axolotl_parse_list (payload);
  tess_omemo_apply_list (self, bare, ids);
  tess_omemo_emit (self);
  return TRUE;
}

static void
tell_claims (TessOmemo *self)
{
  GHashTableIter iter;
  TessJid       *jid, *owner;

  g_hash_table_iter_init (&iter, self->claims);
  while (!self->closed && g_hash_table_iter_next (&iter, (gpointer *) &jid, (gpointer *) &owner))
    {
      g_autoptr (TessJid) told = owner != NULL ? tess_jid_ref (owner) : NULL;

      if (told == NULL)
        continue;
      g_hash_table_iter_replace (&iter, NULL);
      if (self->listener.key_claimed != NULL)
        self->listener.key_claimed (self->listener_data, jid, told);
    }
}

void
tess_omemo_emit (TessOmemo *self)
{
  g_autoptr (GHashTable) changed = NULL;
  g_autoptr (GHashTable) ready = NULL;
  GHashTableIter iter;
  TessJid *jid;

  if (self->closed || self->catching_up)
    return;
  changed = g_steal_pointer (&self->changed);
  ready = g_steal_pointer (&self->ready);
  self->changed = jid_set ();
  self->ready = jid_set ();
  tess_omemo_ref (self); /* a listener may let us go */
  g_hash_table_iter_init (&iter, changed);
  while (!self->closed && g_hash_table_iter_next (&iter, (gpointer *) &jid, NULL))
    {
      if (self->listener.devices_changed != NULL)
        self->listener.devices_changed (self->listener_data, jid);
    }
  g_hash_table_iter_init (&iter, ready);
  while (!self->closed && g_hash_table_iter_next (&iter, (gpointer *) &jid, NULL))
    {
      if (self->listener.ready_changed != NULL)
        self->listener.ready_changed (self->listener_data, jid);
    }
  tell_claims (self);
  tess_omemo_unref (self);
}

void
tess_omemo_set_blind (TessOmemo *self, gboolean blind)
{
  TESS_ASSERT_ENGINE ();
  self->blind = blind;
}

gboolean
tess_omemo_set_blind_for (TessOmemo *self, TessJid *jid, TessOmemoBlind blind, GError **error)
{
  TESS_ASSERT_ENGINE ();
  if (!self->store.begin (self->store_data, error))
    return FALSE;
  if (self->store.save_blind (self->store_data, tess_jid_get_bare (jid), blind, error) && self->store.commit (self->store_data, error))
    return TRUE;
  self->store.rollback (self->store_data);
  return FALSE;
}

/* All that this run has learnt of sessions: there are none any more. */
void
tess_omemo_forget_run (TessOmemo *self)
{
  GHashTable *sets[] = { self->alarms, self->answers, self->repairs, self->answered, self->repaired, self->asked };

  for (guint i = 0; i < G_N_ELEMENTS (sets); i++)
    g_hash_table_remove_all (sets[i]);
  self->prekeys_used = self->prekeys_kept = FALSE;
  self->rotated = 0;
}

void
tess_omemo_set_clock (TessOmemo *self, gint64 (*now_us) (void))
{
  self->now = now_us != NULL ? now_us : real_time;
}

void
tess_omemo_plain_clear (TessOmemoPlain *plain)
{
  tess_wipe_string (plain->text);
  memset (plain, 0, sizeof *plain);
}
