/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-omemo"

#include "config.h"

#include "omemo/tess-omemo-signal-private.h"

#include "crypto/tess-crypto.h"

#include <signal/curve.h>
#include <signal/protocol.h>
#include <signal/ratchet.h>
#include <signal/session_builder.h>
#include <signal/session_cipher.h>
#include <signal/session_pre_key.h>
#include <signal/session_record.h>
#include <signal/session_state.h>

#include <string.h>

#define MOST_SOUND 64

struct _TessOmemoRatchet
{
  TessOmemoSignal        *signal;
  TessJid                *jid;
  signal_protocol_address address; /* the library keeps a pointer to it */
  gboolean                has_known_key;
  guint8                  known_key[TESS_OMEMO_KEY_BYTES];

  /* What the library believes to be stored. */
  GBytes  *session;
  GBytes  *opened; /* nullable: as it came out of the storage */
  TessOmemoKept *kept; /* nullable: during a decryption: what is not in it */
  gboolean session_changed;
  gboolean prekey_used;
  guint32  prekey_id;

  TessOmemoReceived received;
  GError           *store_error; /* the database failed inside of a callback */
};

static signal_buffer *
to_buffer (GBytes *bytes, gsize skip)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return size <= skip ? NULL : signal_buffer_create (data + skip, size - skip);
}

static int
load_session_cb (signal_buffer **record, signal_buffer **user_record, const signal_protocol_address *address,
                 void *user_data)
{
  TessOmemoRatchet *self = ((TessOmemoSignal *) user_data)->current;

  if (self->session == NULL)
    return 0;
  *record = to_buffer (self->session, 0);
  return *record == NULL ? SG_ERR_NOMEM : 1;
}

static int
get_sessions_cb (signal_int_list **sessions, const char *name, size_t length, void *user_data)
{
  *sessions = signal_int_list_alloc (); /* the builder and the cipher never ask */
  return *sessions == NULL ? SG_ERR_NOMEM : 0;
}

static int
store_session_cb (const signal_protocol_address *address, uint8_t *record, size_t length, uint8_t *user_record,
                  size_t user_length, void *user_data)
{
  TessOmemoRatchet *self = ((TessOmemoSignal *) user_data)->current;

  g_clear_pointer (&self->session, g_bytes_unref);
  self->session = tess_omemo_secret_bytes (record, length);
  self->session_changed = TRUE;
  return SG_SUCCESS;
}

static int
contains_session_cb (const signal_protocol_address *address, void *user_data)
{
  return ((TessOmemoSignal *) user_data)->current->session != NULL;
}

static int
delete_session_cb (const signal_protocol_address *address, void *user_data)
{
  return 0;
}

static int
delete_all_sessions_cb (const char *name, size_t length, void *user_data)
{
  return 0;
}

static int
load_blob (TessOmemoSignal *signal, TessOmemoBlobKind kind, guint32 id, gsize skip, signal_buffer **record)
{
  TessOmemoRatchet *self = signal->current;
  g_autoptr (GBytes) blob = NULL;

  g_clear_error (&self->store_error);
  if (!signal->store->load_blob (signal->store_data, kind, id, &blob, &self->store_error))
    return SG_ERR_UNKNOWN;
  *record = blob == NULL ? NULL : to_buffer (blob, skip);
  if (*record == NULL)
    g_debug ("%s %u is not there any more", kind == TESS_OMEMO_BLOB_PREKEY ? "prekey" : "signed prekey", id);
  return *record == NULL ? SG_ERR_INVALID_KEY_ID : SG_SUCCESS;
}

static int
load_prekey_cb (signal_buffer **record, uint32_t id, void *user_data)
{
  return load_blob (user_data, TESS_OMEMO_BLOB_PREKEY, id, 1, record);
}

static int
load_signed_prekey_cb (signal_buffer **record, uint32_t id, void *user_data)
{
  return load_blob (user_data, TESS_OMEMO_BLOB_SIGNED_PREKEY, id, 0, record);
}

static int
store_prekey_cb (uint32_t id, uint8_t *record, size_t length, void *user_data)
{
  return SG_ERR_INVAL; /* prekeys are made by us */
}

static int
contains_prekey_cb (uint32_t id, void *user_data)
{
  return 0;
}

static int
remove_prekey_cb (uint32_t id, void *user_data)
{
  TessOmemoRatchet *self = ((TessOmemoSignal *) user_data)->current;

  self->prekey_used = TRUE;
  self->prekey_id = id;
  return SG_SUCCESS;
}

static int
remove_signed_prekey_cb (uint32_t id, void *user_data)
{
  return SG_SUCCESS;
}

static int
get_identity_cb (signal_buffer **public_data, signal_buffer **private_data, void *user_data)
{
  TessOmemoSignal *signal = user_data;

  if (ec_public_key_serialize (public_data, ratchet_identity_key_pair_get_public (signal->identity)) < 0)
    return SG_ERR_NOMEM;
  if (ec_private_key_serialize (private_data, ratchet_identity_key_pair_get_private (signal->identity)) < 0)
    {
      signal_buffer_free (*public_data);
      *public_data = NULL;
      return SG_ERR_NOMEM;
    }
  return SG_SUCCESS;
}

static int
get_registration_id_cb (void *user_data, uint32_t *id)
{
  *id = ((TessOmemoSignal *) user_data)->local_id;
  return SG_SUCCESS;
}

/* Called before the MAC is checked, so it is believed only later, from the session itself. */
static int
save_identity_cb (const signal_protocol_address *address, uint8_t *key, size_t length, void *user_data)
{
  return SG_SUCCESS;
}

/* Trust is decided above: a message of an undecided device is shown, marked. */
static int
is_trusted_cb (const signal_protocol_address *address, uint8_t *key, size_t length, void *user_data)
{
  return 1;
}

gboolean
tess_omemo_ratchet_set_callbacks (TessOmemoSignal *signal)
{
  const signal_protocol_session_store sessions = {
    .load_session_func = load_session_cb,
    .get_sub_device_sessions_func = get_sessions_cb,
    .store_session_func = store_session_cb,
    .contains_session_func = contains_session_cb,
    .delete_session_func = delete_session_cb,
    .delete_all_sessions_func = delete_all_sessions_cb,
    .user_data = signal,
  };
  const signal_protocol_pre_key_store prekeys = {
    .load_pre_key = load_prekey_cb,
    .store_pre_key = store_prekey_cb,
    .contains_pre_key = contains_prekey_cb,
    .remove_pre_key = remove_prekey_cb,
    .user_data = signal,
  };
  const signal_protocol_signed_pre_key_store signed_prekeys = {
    .load_signed_pre_key = load_signed_prekey_cb,
    .store_signed_pre_key = store_prekey_cb,
    .contains_signed_pre_key = contains_prekey_cb,
    .remove_signed_pre_key = remove_signed_prekey_cb,
    .user_data = signal,
  };
  const signal_protocol_identity_key_store identities = {
    .get_identity_key_pair = get_identity_cb,
    .get_local_registration_id = get_registration_id_cb,
    .save_identity = save_identity_cb,
    .is_trusted_identity = is_trusted_cb,
    .user_data = signal,
  };

  return signal_protocol_store_context_set_session_store (signal->store_context, &sessions) >= 0
         && signal_protocol_store_context_set_pre_key_store (signal->store_context, &prekeys) >= 0
         && signal_protocol_store_context_set_signed_pre_key_store (signal->store_context, &signed_prekeys) >= 0
         && signal_protocol_store_context_set_identity_key_store (signal->store_context, &identities) >= 0;
}

/* A record that cannot be read is none: the repair starts a new one over it. */
static gboolean
can_be_read (TessOmemoSignal *signal, GBytes *session)
{
  g_autoptr (GBytes) thin = NULL;
  g_autoptr (TessOmemoKept) kept G_GNUC_UNUSED = tess_omemo_kept_take (session, -1, &thin);
  g_autoptr (session_record) record = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (thin != NULL ? thin : session, &size);

  return size > 0 && session_record_deserialize (&record, data, size, signal->context) >= 0
         && session_record_get_state (record) != NULL
         && session_state_has_sender_chain (session_record_get_state (record));
}

TessOmemoRatchet *
tess_omemo_ratchet_open (TessOmemoSignal *signal, TessJid *jid, guint32 device, const guint8 *known_key,
                         GError **error)
{
  g_autoptr (TessOmemoRatchet) self = g_new0 (TessOmemoRatchet, 1);

  self->signal = signal;
  self->jid = tess_jid_ref (tess_jid_get_bare (jid));
  self->address.name = tess_jid_to_string (self->jid);
  self->address.name_len = strlen (self->address.name);
  self->address.device_id = (int32_t) device;
  self->has_known_key = known_key != NULL;
  if (known_key != NULL)
    memcpy (self->known_key, known_key, TESS_OMEMO_KEY_BYTES);
  if (!signal->store->load_session (signal->store_data, self->jid, device, &self->session, error))
    return NULL;
  /* A storage that hands back what it was given just now, during a page of the archive, need not be read to be believed. */
  if (self->session != NULL && !g_hash_table_contains (signal->sound, self->session) && !can_be_read (signal, self->session))
    g_clear_pointer (&self->session, g_bytes_unref);
  if (self->session != NULL)
    self->opened = g_bytes_ref (self->session);
  return g_steal_pointer (&self);
}

void
tess_omemo_ratchet_free (TessOmemoRatchet *self)
{
  if (self == NULL)
    return;
  tess_jid_unref (self->jid);
  g_clear_pointer (&self->session, g_bytes_unref);
  g_clear_pointer (&self->opened, g_bytes_unref);
  g_clear_error (&self->store_error);
  g_free (self);
}

gboolean
tess_omemo_ratchet_has_session (TessOmemoRatchet *self)
{
  return self->session != NULL;
}

static gboolean
fail (TessOmemoRatchet *self, int result, GError **error)
{
  TessOmemoError code;

  if (self->store_error != NULL)
    {
      g_set_error (error, TESS_OMEMO_ERROR, TESS_OMEMO_ERROR_STORE, "%s", self->store_error->message);
      g_clear_error (&self->store_error);
      return FALSE;
    }
  switch (result)
    {
    case SG_ERR_DUPLICATE_MESSAGE:
      code = TESS_OMEMO_ERROR_DUPLICATE;
      break;
    case SG_ERR_NO_SESSION:
      code = TESS_OMEMO_ERROR_NO_SESSION;
      break;
    case SG_ERR_INVALID_PROTO_BUF:
    case SG_ERR_INVALID_VERSION:
    case SG_ERR_LEGACY_MESSAGE:
    case SG_ERR_INVAL:
      code = TESS_OMEMO_ERROR_MALFORMED;
      break;
    case SG_ERR_NOMEM:
      code = TESS_OMEMO_ERROR_FAILED;
      break;
    default:
      code = TESS_OMEMO_ERROR_UNDECRYPTABLE;
    }
  g_set_error (error, TESS_OMEMO_ERROR, code, "libsignal: error %d", result);
  return FALSE;
}

static gboolean
refuse (TessOmemoError code, const char *why, GError **error)
{
  g_set_error (error, TESS_OMEMO_ERROR, code, "OMEMO: %s", why);
  return FALSE;
}

/* Another identity key under a known device (attacks row D2). */
static gboolean
check_identity (TessOmemoRatchet *self, const guint8 *key, GError **error)
{
  if (self->has_known_key && memcmp (self->known_key, key, TESS_OMEMO_KEY_BYTES) != 0)
    return refuse (TESS_OMEMO_ERROR_KEY_CHANGED, "another identity key under a known device", error);
  if (memcmp (self->signal->key, key, TESS_OMEMO_KEY_BYTES) == 0)
    return refuse (TESS_OMEMO_ERROR_MALFORMED, "our own identity key under another device", error);
  return TRUE;
}

gboolean
tess_omemo_ratchet_start (TessOmemoRatchet *self, const TessOmemoBundle *bundle, GError **error)
{
  g_autoptr (session_pre_key_bundle) signal_bundle = NULL;
  g_autoptr (ec_public_key) prekey_point = NULL;
  g_autoptr (ec_public_key) signed_point = NULL;
  g_autoptr (ec_public_key) identity_point = NULL;
  session_builder *builder = NULL;
  const TessOmemoPublicPrekey *prekey;
  guint32 chance;
  int result;

  if (bundle->prekeys->len == 0)
    return refuse (TESS_OMEMO_ERROR_MALFORMED, "a bundle without one-time prekeys", error);
  if (!check_identity (self, bundle->identity, error))
    return FALSE;
  tess_random_bytes ((guint8 *) &chance, sizeof chance);
  prekey = &g_array_index (bundle->prekeys, TessOmemoPublicPrekey, chance % bundle->prekeys->len);
  if (!tess_omemo_make_point (self->signal, prekey->key, &prekey_point)
      || !tess_omemo_make_point (self->signal, bundle->signed_key, &signed_point)
      || !tess_omemo_make_point (self->signal, bundle->identity, &identity_point))
    return refuse (TESS_OMEMO_ERROR_FAILED, "out of memory", error);

  result = session_pre_key_bundle_create (&signal_bundle, (guint32) self->address.device_id, self->address.device_id,
                                          prekey->id, prekey_point, bundle->signed_id, signed_point, bundle->signature,
                                          sizeof bundle->signature, identity_point);
  if (result < 0)
    return fail (self, result, error);
  self->signal->current = self;
  result = session_builder_create (&builder, self->signal->store_context, &self->address, self->signal->context);
  if (result >= 0)
    result = session_builder_process_pre_key_bundle (builder, signal_bundle);
  session_builder_free (builder);
  self->signal->current = NULL;
  return result >= 0 ? TRUE : fail (self, result, error);
}

GBytes *
tess_omemo_ratchet_encrypt (TessOmemoRatchet *self, const guint8 *data, gsize length, gboolean *prekey, GError **error)
{
  g_autoptr (ciphertext_message) message = NULL;
  session_cipher *cipher = NULL;
  signal_buffer *serialized;
  int result;

  if (self->session == NULL)
    {
      refuse (TESS_OMEMO_ERROR_NO_SESSION, "no session", error);
      return NULL;
    }
  self->signal->current = self;
  result = session_cipher_create (&cipher, self->signal->store_context, &self->address, self->signal->context);
  if (result >= 0)
    result = session_cipher_encrypt (cipher, data, length, &message);
  session_cipher_free (cipher);
  self->signal->current = NULL;
  if (result < 0)
    {
      fail (self, result, error);
      return NULL;
    }
  *prekey = ciphertext_message_get_type (message) == CIPHERTEXT_PREKEY_TYPE;
  serialized = ciphertext_message_get_serialized (message);
  return g_bytes_new (signal_buffer_data (serialized), signal_buffer_len (serialized));
}

/* @key: (out) */
static gboolean
check_ratchet_key (const signal_message *message, guint8 key[TESS_OMEMO_KEY_BYTES], GError **error)
{
  if (!tess_omemo_read_point (signal_message_get_sender_ratchet_key (message), key)
      || tess_omemo_key_is_low_order (key))
    return refuse (TESS_OMEMO_ERROR_MALFORMED, "a ratchet key of low order", error);
  return TRUE;
}

/* What is refused before the library computes with it (attacks rows D2, D4, D5). */
static gboolean
check_exchange (TessOmemoRatchet *self, const pre_key_signal_message *message, GError **error)
{
  guint8 identity[TESS_OMEMO_KEY_BYTES];
  guint8 ratchet_key[TESS_OMEMO_KEY_BYTES];

  if (!pre_key_signal_message_has_pre_key_id (message))
    return refuse (TESS_OMEMO_ERROR_MALFORMED, "a key exchange without a one-time prekey", error);
  if (!tess_omemo_read_point (pre_key_signal_message_get_identity_key (message), identity)
      || tess_omemo_key_is_low_order (identity)
      || !tess_omemo_read_point (pre_key_signal_message_get_base_key (message), self->received.base_key)
      || tess_omemo_key_is_low_order (self->received.base_key))
    return refuse (TESS_OMEMO_ERROR_MALFORMED, "a key of low order", error);
  return check_ratchet_key (pre_key_signal_message_get_signal_message (message), ratchet_key, error)
         && check_identity (self, identity, error);
}

/* The library is given the session without the kept keys that the letter cannot need. */
static void
take_kept (TessOmemoRatchet *self)
{
  GBytes *thin = NULL;

  if (self->session != NULL)
    self->kept = tess_omemo_kept_take (self->session, self->received.counter, &thin);
  if (self->kept == NULL)
    return;
  g_bytes_unref (self->session);
  self->session = thin;
}

static gboolean
restore_kept (TessOmemoRatchet *self, GError **error)
{
  GBytes *whole;

  if (self->kept == NULL)
    return TRUE;
  whole = tess_omemo_kept_restore (self->kept, self->session);
  if (whole == NULL)
    return refuse (TESS_OMEMO_ERROR_FAILED, "the session cannot be read back", error);
  g_bytes_unref (self->session);
  self->session = whole;
  return TRUE;
}

static gboolean
decrypt_exchange (TessOmemoRatchet *self, session_cipher *cipher, GBytes *data, signal_buffer **plain, GError **error)
{
  g_autoptr (pre_key_signal_message) message = NULL;
  int result = pre_key_signal_message_deserialize (&message, g_bytes_get_data (data, NULL), g_bytes_get_size (data),
                                                   self->signal->context);

  if (result < 0)
    return refuse (TESS_OMEMO_ERROR_MALFORMED, "not a key exchange", error);
  if (!check_exchange (self, message, error))
    return FALSE;
  self->received.exchange = TRUE;
  self->received.counter = signal_message_get_counter (pre_key_signal_message_get_signal_message (message));
  take_kept (self);
  result = session_cipher_decrypt_pre_key_signal_message (cipher, message, NULL, plain);
  return result >= 0 ? restore_kept (self, error) : fail (self, result, error);
}

static gboolean
decrypt_message (TessOmemoRatchet *self, session_cipher *cipher, GBytes *data, signal_buffer **plain, GError **error)
{
  g_autoptr (signal_message) message = NULL;
  guint8 ratchet_key[TESS_OMEMO_KEY_BYTES];
  int result;

  result = signal_message_deserialize (&message, g_bytes_get_data (data, NULL), g_bytes_get_size (data),
                                       self->signal->context);
  if (result < 0)
    return refuse (TESS_OMEMO_ERROR_MALFORMED, "not a message of a session", error);
  if (!check_ratchet_key (message, ratchet_key, error))
    return FALSE;
  if (self->session == NULL)
    return refuse (TESS_OMEMO_ERROR_NO_SESSION, "no session", error);
  self->received.counter = signal_message_get_counter (message);
  if (tess_omemo_record_is_too_far (self->session, ratchet_key, self->received.counter))
    return refuse (TESS_OMEMO_ERROR_UNDECRYPTABLE, "too far ahead in its chain", error);
  take_kept (self);
  result = session_cipher_decrypt_signal_message (cipher, message, NULL, plain);
  return result >= 0 ? restore_kept (self, error) : fail (self, result, error);
}

static gboolean
read_whole_state (TessOmemoRatchet *self, GError **error)
{
  g_autoptr (session_record) record = NULL;
  session_state *state;
  gsize size;
  const guint8 *data = g_bytes_get_data (self->session, &size);

  if (session_record_deserialize (&record, data, size, self->signal->context) < 0)
    return refuse (TESS_OMEMO_ERROR_FAILED, "the session cannot be read back", error);
  state = session_record_get_state (record);
  if (!tess_omemo_read_point (session_state_get_remote_identity_key (state), self->received.key))
    return refuse (TESS_OMEMO_ERROR_FAILED, "a session without identity", error);
  self->received.answered = ratchet_chain_key_get_index (session_state_get_sender_chain_key (state)) > 0;
  return TRUE;
}

/* After the MAC was right: whose session it is, and whether we said anything since its chain began. */
static gboolean
read_state (TessOmemoRatchet *self, GError **error)
{
  if (!tess_omemo_record_peek (self->session, self->received.key, &self->received.answered)
      && !read_whole_state (self, error))
    return FALSE;
  return check_identity (self, self->received.key, error);
}

GBytes *
tess_omemo_ratchet_decrypt (TessOmemoRatchet *self, const TessOmemoWireKey *key, GError **error)
{
  g_autoptr (GBytes) before = self->session == NULL ? NULL : g_bytes_ref (self->session);
  session_cipher *cipher = NULL;
  signal_buffer *plain = NULL;
  gboolean done;

  memset (&self->received, 0, sizeof self->received);
  if (session_cipher_create (&cipher, self->signal->store_context, &self->address, self->signal->context) < 0)
    {
      refuse (TESS_OMEMO_ERROR_FAILED, "out of memory", error);
      return NULL;
    }
  self->signal->current = self;
  done = key->prekey ? decrypt_exchange (self, cipher, key->data, &plain, error)
                     : decrypt_message (self, cipher, key->data, &plain, error);
  session_cipher_free (cipher);
  self->signal->current = NULL;
  g_clear_pointer (&self->kept, tess_omemo_kept_free);
  self->received.prekey_used = self->prekey_used;
  if (done && read_state (self, error))
    return tess_omemo_take_buffer (plain);

  if (plain != NULL)
    signal_buffer_bzero_free (plain);
  g_clear_pointer (&self->session, g_bytes_unref);
  self->session = g_steal_pointer (&before);
  self->session_changed = FALSE;
  self->prekey_used = FALSE;
  return NULL;
}

const TessOmemoReceived *
tess_omemo_ratchet_get_received (TessOmemoRatchet *self)
{
  return &self->received;
}

static gboolean
save_prekey (TessOmemoRatchet *self, gboolean keep, GError **error)
{
  const TessOmemoStore *store = self->signal->store;
  gpointer data = self->signal->store_data;
  g_autoptr (GBytes) blob = NULL;
  g_autoptr (GBytes) used = NULL;

  if (!keep)
    return store->remove_blob (data, TESS_OMEMO_BLOB_PREKEY, self->prekey_id, error);
  if (!store->load_blob (data, TESS_OMEMO_BLOB_PREKEY, self->prekey_id, &blob, error))
    return FALSE;
  if (blob == NULL)
    return TRUE;
  used = tess_omemo_prekey_set_used (blob, TRUE);
  return store->save_blob (data, TESS_OMEMO_BLOB_PREKEY, self->prekey_id, used, error);
}

gboolean
tess_omemo_ratchet_save (TessOmemoRatchet *self, gboolean keep_prekey, GError **error)
{
  if (self->session_changed)
    {
      if (!self->signal->store->save_session (self->signal->store_data, self->jid, (guint32) self->address.device_id,
                                              self->session, error))
        return FALSE;
      if (self->opened != NULL)
        g_hash_table_remove (self->signal->sound, self->opened);
      if (g_hash_table_size (self->signal->sound) >= MOST_SOUND)
        g_hash_table_remove_all (self->signal->sound);
      g_hash_table_add (self->signal->sound, g_bytes_ref (self->session));
    }
  return !self->prekey_used || save_prekey (self, keep_prekey, error);
}
