/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-trust.h"

#include "base/tess-hex.h"
#include "omemo/tess-omemo-uri.h"
#include "store/tess-store-omemo.h"

#include <string.h>

static TessDeviceRecord *
record_from_device (TessSession *session, const TessOmemoDevice *device)
{
  TessDeviceRecord *record;

  record = tess_device_record_new (session->account->id, tess_jid_to_bare_string (device->jid),
                                   device->id);
  if (device->has_key)
    record->fingerprint = tess_hex_encode (device->key, TESS_OMEMO_KEY_BYTES);
  record->trust = (TessTrust) device->trust;
  record->active = device->active;
  record->own = tess_jid_bare_equal (device->jid, session->jid);
  record->local = record->own && device->id == tess_omemo_get_device_id (session->omemo);
  record->key_alarm = device->key_alarm;
  record->no_bundle = tess_omemo_lacks_bundle (session->omemo, device->jid, device->id);
  record->first_seen_us = device->first_seen;
  record->last_seen_us = device->last_seen;
  if (record->local)
    {
      g_free (record->fingerprint);
      record->fingerprint = tess_hex_encode (tess_omemo_get_key (session->omemo), TESS_OMEMO_KEY_BYTES);
      record->trust = TESS_TRUST_VERIFIED;
      record->no_bundle = FALSE;
    }

  return record;
}

/* Tessera, and the system that it runs on. */
static char *
own_software (void)
{
  g_autofree char *system = g_get_os_info (G_OS_INFO_KEY_PRETTY_NAME);

  return system != NULL ? g_strdup_printf ("Tessera, %s", system) : g_strdup ("Tessera");
}

static void
name_device (TessDeviceRecord *record, GPtrArray *names)
{
  for (guint i = 0; i < names->len; i++)
    {
      const TessStoreDeviceName *name = g_ptr_array_index (names, i);

      if (name->id != record->id)
        continue;
      record->label = g_strdup (name->label);
      record->software = g_strdup (name->software);
    }
  if (record->local && record->software == NULL)
    record->software = own_software ();
}

GPtrArray *
tess_trust_list_devices (TessSession *session, TessJid *jid, GError **error)
{
  g_autoptr (GPtrArray) devices = tess_omemo_list_devices (session->omemo, jid, error);
  g_autoptr (GPtrArray) names = NULL;
  GPtrArray            *records;

  if (devices == NULL)
    return NULL;
  names = tess_store_list_device_names (session->store, session->account->id, tess_jid_to_bare_string (jid), error);
  if (names == NULL)
    return NULL;

  records = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_device_record_free);
  for (guint i = 0; i < devices->len; i++)
    {
      TessDeviceRecord *record = record_from_device (session, g_ptr_array_index (devices, i));

      name_device (record, names);
      g_ptr_array_add (records, record);
    }

  return records;
}

/* A conversation that nobody decided on is encrypted from the moment that the other side can read it. */
static void
turn_on_encryption (TessSession *session, TessJid *jid)
{
  g_autoptr (TessConversationRecord) conversation = NULL;
  g_autoptr (GError)                 error = NULL;

  conversation = tess_store_find_conversation (session->store, session->account->id,
                                               tess_jid_to_bare_string (jid), &error);
  if (conversation == NULL)
    {
      if (error != NULL)
        tess_session_storage_failed (session, error);
      return;
    }

  if (conversation->encryption == TESS_CONVERSATION_AUTOMATIC)
    {
      TessOmemoReady ready = tess_omemo_get_ready (session->omemo, jid);

      if ((ready == TESS_OMEMO_READY_YES || ready == TESS_OMEMO_READY_UNDECIDED) &&
          !tess_store_set_encryption (session->store, conversation->id,
                                      TESS_CONVERSATION_ENCRYPTED, &error))
        tess_session_storage_failed (session, error);
    }
  tess_event_queue_touch_conversation (session->events, session->account->id,
                                       tess_jid_to_bare_string (jid));
}

void
tess_trust_announce (TessSession *session, TessJid *jid)
{
  g_autoptr (GError) error = NULL;
  GPtrArray         *devices = tess_trust_list_devices (session, jid, &error);
  TessEvent         *event;

  if (devices == NULL)
    {
      tess_session_storage_failed (session, error);
      return;
    }

  event = tess_event_new (TESS_EVENT_DEVICES, session->account->id);
  event->address = g_strdup (tess_jid_to_bare_string (jid));
  event->devices = devices;
  tess_event_queue_add (session->events, event);
  turn_on_encryption (session, jid);
}

typedef struct
{
  guint    readable; /* devices that get messages */
  guint    verified;
  guint    left_out; /* of the readable ones, without a usable bundle: those that a person decided against are no news */
  gboolean undecided;
  gboolean alarm;
} Tally;

/* Adds the devices of @jid but this one. FALSE when they cannot be read. */
static gboolean
tally (TessSession *session, TessJid *jid, Tally *sum)
{
  g_autoptr (GPtrArray) devices = tess_omemo_list_devices (session->omemo, jid, NULL);
  gboolean              own = tess_jid_bare_equal (jid, session->jid);

  for (guint i = 0; devices != NULL && i < devices->len; i++)
    {
      const TessOmemoDevice *device = g_ptr_array_index (devices, i);

      if (!device->active || (own && device->id == tess_omemo_get_device_id (session->omemo)))
        continue;
      sum->alarm = sum->alarm || device->key_alarm;
      sum->left_out += tess_omemo_trust_may_read ((TessOmemoTrustState){ device->trust, device->key_alarm }) &&
                       tess_omemo_lacks_bundle (session->omemo, jid, device->id);
      switch (device->trust)
        {
        case TESS_OMEMO_TRUST_UNDECIDED:
          sum->undecided = TRUE;
          break;
        case TESS_OMEMO_TRUST_VERIFIED:
          sum->verified++;
          sum->readable++;
          break;
        case TESS_OMEMO_TRUST_BLIND:
          sum->readable++;
          break;
        case TESS_OMEMO_TRUST_DISTRUSTED:
        default:
          break;
        }
    }

  return devices != NULL;
}

/* @left_out: (out) */
static TessSecurity
security_of_devices (TessSession *session, TessJid *peer, guint *left_out)
{
  Tally sum = { 0 };

  if (!tally (session, peer, &sum))
    return TESS_SECURITY_CHECKING;
  if (sum.alarm)
    return TESS_SECURITY_ALARM;
  if (sum.undecided)
    return TESS_SECURITY_UNDECIDED;
  if (sum.readable == 0)
    return tess_omemo_get_ready (session->omemo, peer) == TESS_OMEMO_READY_UNKNOWN
               ? TESS_SECURITY_CHECKING
               : TESS_SECURITY_NO_DEVICES;

  *left_out = sum.left_out;
  /* One's own other devices read along. */
  if (!tally (session, session->jid, &sum))
    return TESS_SECURITY_CHECKING;
  return sum.verified == sum.readable ? TESS_SECURITY_VERIFIED : TESS_SECURITY_ENCRYPTED;
}

gboolean
tess_trust_look (TessSession *session, TessJid *peer, gboolean *alarm, gboolean *verified)
{
  Tally sum = { 0 };

  if (!tally (session, peer, &sum))
    return FALSE;
  *alarm = sum.alarm;
  if (!tally (session, session->jid, &sum))
    return FALSE;
  *verified = sum.verified > 0 && sum.verified == sum.readable;

  return TRUE;
}

/* @left_out: (out): 0 where nothing is encrypted */
static TessSecurity
look_at (TessSession *session, const TessConversationRecord *conversation, guint *left_out)
{
  g_autoptr (TessJid) peer = tess_jid_new_bare (conversation->peer, NULL);

  *left_out = 0;
  if (peer == NULL)
    return TESS_SECURITY_PLAIN;

  switch (conversation->encryption)
    {
    case TESS_CONVERSATION_ENCRYPTED:
      return security_of_devices (session, peer, left_out);
    case TESS_CONVERSATION_AUTOMATIC:
      /* With devices it would have been turned on. Offline nothing can be asked. */
      return tess_session_is_online (session) &&
                     tess_omemo_get_ready (session->omemo, peer) == TESS_OMEMO_READY_UNKNOWN
                 ? TESS_SECURITY_CHECKING
                 : TESS_SECURITY_PLAIN;
    case TESS_CONVERSATION_PLAIN:
    default:
      return TESS_SECURITY_PLAIN;
    }
}

TessSecurity
tess_trust_get_security (TessSession *session, const TessConversationRecord *conversation)
{
  guint left_out;

  return look_at (session, conversation, &left_out);
}

void
tess_trust_look_at (TessSession *session, TessConversationRecord *conversation)
{
  conversation->security = look_at (session, conversation, &conversation->left_out);
}

char *
tess_trust_get_uri (TessSession *session, GError **error)
{
  g_autoptr (TessOmemoUri) uri = tess_omemo_uri_new (session->jid);
  g_autoptr (GPtrArray)    devices = tess_omemo_list_devices (session->omemo, session->jid, error);
  guint32                  local = tess_omemo_get_device_id (session->omemo);

  if (devices == NULL)
    return NULL;

  tess_omemo_uri_add (uri, local, tess_omemo_get_key (session->omemo));
  for (guint i = 0; i < devices->len; i++)
    {
      const TessOmemoDevice *device = g_ptr_array_index (devices, i);

      if (device->id != local && device->active && device->has_key &&
          device->trust == TESS_OMEMO_TRUST_VERIFIED)
        tess_omemo_uri_add (uri, device->id, device->key);
    }

  return tess_omemo_uri_to_string (uri);
}

TessVerificationRecord *
tess_trust_verify (TessSession *session, const TessOmemoUri *code, TessVerify how, GError **error)
{
  g_autoptr (GArray)      all = NULL;
  TessVerificationRecord *record;

  all = how == TESS_VERIFY_LOOK ? tess_omemo_check_code (session->omemo, code, error)
                                : tess_omemo_apply_code (session->omemo, code, how == TESS_VERIFY_ADOPT, error);
  if (all == NULL)
    return NULL;
  record = tess_verification_record_new (tess_jid_to_bare_string (code->jid));
  for (guint i = 0; i < all->len; i++)
    {
      const TessOmemoChecked *checked = &g_array_index (all, TessOmemoChecked, i);
      g_autofree char        *fingerprint = tess_hex_encode (checked->key, TESS_OMEMO_KEY_BYTES);

      tess_verification_record_add (record, checked->id, fingerprint, (TessCheck) checked->check, (TessTrust) checked->before.trust,
                                    checked->before.alarm);
    }
  tess_verification_record_conclude (record);
  record->applied = how != TESS_VERIFY_LOOK;
  return record;
}
