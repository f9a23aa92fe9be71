/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-sasl.h"

#include "base/tess-happens.h"
#include "crypto/tess-crypto.h"
#include "xmpp/tess-sasl-private.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define NONCE_BYTES 18
#define LONGEST_CHALLENGE 8192

typedef enum
{
  STATE_NEW,
  STATE_FIRST_SENT,
  STATE_DERIVING,
  STATE_FINAL_SENT,
  STATE_PROVEN,
  STATE_DONE,
  STATE_FAILED,
} State;

struct _TessSasl
{
  guint                    ref_count;
  State                    state;
  const TessSaslMechanism *mechanism;
  char                    *username;
  char                    *authzid;
  char                    *password;    /* until the key is derived */
  TessSaslKey             *key;         /* of an earlier login, and then of this one */
  char                    *gs2;         /* "p=tls-exporter,," */
  char                    *binding;     /* its type; NULL without -PLUS */
  GBytes                  *binding_data;
  char                    *nonce;
  char                    *announced;     /* what XEP-0474 hashes */
  char                    *announced_old; /* as its version 0.3 did; nullable */
  gboolean                 must_prove;    /* without the hash the list is not believed */
  gboolean                 list_proven;
  char                    *first_bare;
  char                    *server_first;
  char                    *full_nonce;
  guint8                   server_signature[TESS_HASH_MAX_SIZE];
};

/* What the worker thread has: nothing of it is shared. */
typedef struct
{
  char        *password;
  TessSaslKey *key; /* its keys are derived unless `known` */
  gboolean     known;
} Derivation;

static void
derivation_free (gpointer data)
{
  Derivation *derivation = data;

  TESS_HAPPENS_AFTER (derivation); /* whichever thread lets go of the task last */
  tess_wipe_string (derivation->password);
  tess_sasl_key_free (derivation->key);
  g_free (derivation);
}

static gboolean
unproven (TessSasl *self, GError **error, const char *reason)
{
  g_debug ("SASL: %s", reason);
  self->state = STATE_FAILED;
  tess_sasl_set_unproven (error);
  return FALSE;
}

static gboolean
changed (TessSasl *self, GError **error, const char *reason)
{
  g_debug ("SASL: %s", reason);
  self->state = STATE_FAILED;
  tess_sasl_set_list_changed (error);
  return FALSE;
}

/* SASLprep (RFC 4013) as far as passwords meet it: NFKC, and every space a plain one. */
static char *
prepare_password (const char *password)
{
  g_autoptr (GString) spaced = NULL;
  char               *prepared;

  if (g_str_is_ascii (password) || !g_utf8_validate (password, -1, NULL))
    return g_strdup (password);

  spaced = g_string_sized_new (2 * strlen (password));
  for (const char *p = password; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c != 0x00ad && c != 0x200b && c != 0x2060 && c != 0xfeff)
        g_string_append_unichar (spaced, g_unichar_type (c) == G_UNICODE_SPACE_SEPARATOR ? ' ' : c);
    }
  prepared = g_utf8_normalize (spaced->str, -1, G_NORMALIZE_NFKC);
  tess_wipe (spaced->str, spaced->allocated_len);

  return prepared;
}

static void
use_choice (TessSasl *self, const TessSaslChoice *choice)
{
  self->mechanism = choice->mechanism;
  self->must_prove = choice->must_prove;
  if (choice->binding != NULL)
    {
      self->binding = g_strdup (choice->binding->type);
      self->binding_data = g_bytes_ref (choice->binding->data);
      self->gs2 = g_strdup_printf ("p=%s,,", self->binding);
    }
  else
    {
      self->gs2 = g_strdup (choice->unseen ? "y,," : "n,,");
    }
}

TessSasl *
tess_sasl_new (const TessSaslOptions *options, GError **error)
{
  g_autoptr (TessSasl) self = g_new0 (TessSasl, 1);
  guint8               random[NONCE_BYTES];
  TessSaslChoice       choice;

  self->ref_count = 1;
  self->key = tess_sasl_key_parse (options->key);
  if (!tess_sasl_choose (options, self->key, &choice, error))
    return NULL;

  use_choice (self, &choice);
  self->username = g_strdup (options->username != NULL ? options->username : "");
  self->authzid = g_strdup (options->authzid);
  self->password = options->password != NULL ? prepare_password (options->password) : NULL;
  self->announced = tess_sasl_list_announced (options, FALSE);
  self->announced_old = tess_sasl_list_announced (options, TRUE);
  tess_random_bytes (random, sizeof random);
  self->nonce = options->nonce != NULL ? g_strdup (options->nonce) : g_base64_encode (random, sizeof random);

  return g_steal_pointer (&self);
}

TessSasl *
tess_sasl_ref (TessSasl *self)
{
  self->ref_count++;
  return self;
}

void
tess_sasl_unref (TessSasl *self)
{
  if (self == NULL || --self->ref_count > 0)
    return;

  tess_wipe_string (self->password);
  tess_sasl_key_free (self->key);
  g_free (self->username);
  g_free (self->authzid);
  g_free (self->gs2);
  g_free (self->binding);
  g_clear_pointer (&self->binding_data, g_bytes_unref);
  g_free (self->nonce);
  g_free (self->announced);
  g_free (self->announced_old);
  g_free (self->first_bare);
  g_free (self->server_first);
  g_free (self->full_nonce);
  tess_wipe_free (self, sizeof *self);
}

const char *
tess_sasl_get_mechanism (TessSasl *self)
{
  return self->mechanism->name;
}

TessSaslStrength
tess_sasl_get_strength (TessSasl *self)
{
  return self->mechanism->strength;
}

const char *
tess_sasl_get_binding (TessSasl *self)
{
  return self->binding;
}

gboolean
tess_sasl_is_list_proven (TessSasl *self)
{
  return self->state == STATE_DONE && self->list_proven;
}

gboolean
tess_sasl_is_scram (TessSasl *self)
{
  return self->mechanism->strength == TESS_SASL_SCRAM || self->mechanism->strength == TESS_SASL_BOUND;
}

char *
tess_sasl_get_key (TessSasl *self)
{
  if (self->state != STATE_DONE || !tess_sasl_is_scram (self))
    return NULL;
  return tess_sasl_key_format (self->key);
}

static char *
encode (const char *text, gsize length)
{
  return g_base64_encode ((const guint8 *) text, length);
}

static char *
start_plain (TessSasl *self)
{
  gsize username_length = strlen (self->username);
  gsize password_length = strlen (self->password);
  gsize length = 1 + username_length + 1 + password_length;
  char *message = g_malloc0 (length + 1);
  char *encoded;

  memcpy (message + 1, self->username, username_length);
  memcpy (message + 1 + username_length + 1, self->password, password_length);
  encoded = encode (message, length);
  tess_wipe_free (message, length);

  return encoded;
}

/* RFC 5802 section 5.1, n: */
static char *
escape_name (const char *name)
{
  g_autoptr (GString) out = g_string_new (name);

  g_string_replace (out, "=", "=3D", 0);
  g_string_replace (out, ",", "=2C", 0);
  return g_strdup (out->str);
}

char *
tess_sasl_start (TessSasl *self)
{
  g_autofree char *name = NULL;
  g_autofree char *message = NULL;

  g_return_val_if_fail (self->state == STATE_NEW, NULL);

  self->state = STATE_FIRST_SENT;
  if (self->mechanism->strength == TESS_SASL_EXTERNAL)
    return encode (self->authzid != NULL ? self->authzid : "", self->authzid != NULL ? strlen (self->authzid) : 0);
  if (!tess_sasl_is_scram (self))
    {
      char *plain = start_plain (self);

      g_clear_pointer (&self->password, tess_wipe_string);
      return plain;
    }
  name = escape_name (self->username);
  self->first_bare = g_strdup_printf ("n=%s,r=%s", name, self->nonce);
  message = g_strconcat (self->gs2, self->first_bare, NULL);

  return encode (message, strlen (message));
}

static guint8 *
decode_strictly (const char *text, gsize *length)
{
  return strlen (text) <= LONGEST_CHALLENGE ? tess_sasl_decode (text, length) : NULL;
}

static char *
decode_text (const char *base64)
{
  gsize              length;
  g_autofree guint8 *bytes = decode_strictly (base64, &length);

  if (bytes == NULL || !g_utf8_validate_len ((const char *) bytes, length, NULL))
    return NULL;
  return g_strndup ((const char *) bytes, length);
}

static gboolean
is_hash_of (TessSasl *self, const guint8 *given, const char *list)
{
  guint8 ours[TESS_HASH_MAX_SIZE];

  if (list == NULL)
    return FALSE;
  tess_hash (self->mechanism->hash, (const guint8 *) list, strlen (list), ours);
  return tess_equal_constant_time (given, ours, tess_hash_size (self->mechanism->hash));
}

/* XEP-0474 section 5.2; attacks row B5. "h" is of version 0.4, and "d" of 0.3, where the separators are others. */
static gboolean
check_list (TessSasl *self, const char *attribute)
{
  gboolean           old = g_str_has_prefix (attribute, "d=");
  gsize              length = 0;
  g_autofree guint8 *given = NULL;

  if (!old && !g_str_has_prefix (attribute, "h="))
    return TRUE;
  given = decode_strictly (attribute + 2, &length);
  if (given == NULL || length != tess_hash_size (self->mechanism->hash))
    return old; /* "d=ssdp" of version 0.2 says nothing */

  self->list_proven = (!old && is_hash_of (self, given, self->announced)) || is_hash_of (self, given, self->announced_old);
  return self->list_proven;
}

static gboolean
is_good_nonce (TessSasl *self, const char *nonce)
{
  if (!g_str_has_prefix (nonce, self->nonce) || strlen (nonce) == strlen (self->nonce))
    return FALSE;
  for (const char *p = nonce; *p != '\0'; p++)
    if (*p < 0x21 || *p > 0x7e)
      return FALSE;

  return TRUE;
}

/* "r=…,s=…,i=…" and extensions, of which none may be mandatory (RFC 5802 section 5.1, m:). */
static gboolean
read_extensions (TessSasl *self, char **parts, GError **error)
{
  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (g_str_has_prefix (parts[i], "m="))
        return unproven (self, error, "a mandatory extension");
      if (!check_list (self, parts[i]))
        return changed (self, error, "another list of mechanisms than ours");
    }
  if (self->must_prove && !self->list_proven)
    return changed (self, error, "binding types that are foreign, and not signed");

  return TRUE;
}

/* The key of an earlier login does as long as the server salts the password as it did then. */
static gboolean
is_key_good (TessSasl *self, const guint8 *salt, gsize salt_length, guint iterations)
{
  return self->key != NULL && self->key->hash == self->mechanism->hash && self->key->iterations == iterations &&
         self->key->salt_length == salt_length && memcmp (self->key->salt, salt, salt_length) == 0;
}

/* Takes @salt. */
static Derivation *
make_derivation (TessSasl *self, guint8 *salt, gsize salt_length, guint iterations, GError **error)
{
  Derivation *derivation;
  gboolean    known = is_key_good (self, salt, salt_length, iterations);

  if (!known && self->password == NULL)
    {
      self->state = STATE_FAILED;
      tess_sasl_set_password_needed (error);
      g_free (salt);
      return NULL;
    }
  derivation = g_new0 (Derivation, 1);
  derivation->known = known;
  if (known)
    {
      derivation->key = g_steal_pointer (&self->key);
      g_free (salt);
      g_clear_pointer (&self->password, tess_wipe_string);
      return derivation;
    }
  g_clear_pointer (&self->key, tess_sasl_key_free);
  derivation->password = g_steal_pointer (&self->password);
  derivation->key = g_new0 (TessSaslKey, 1);
  derivation->key->hash = self->mechanism->hash;
  derivation->key->iterations = iterations;
  derivation->key->salt = salt;
  derivation->key->salt_length = salt_length;

  return derivation;
}

static Derivation *
read_server_first (TessSasl *self, const char *message, GError **error)
{
  g_auto (GStrv)     parts = g_strsplit (message, ",", -1);
  g_autofree guint8 *salt = NULL;
  guint64            iterations;
  gsize              salt_length = 0;

  if (g_strv_length (parts) < 3 || !g_str_has_prefix (parts[0], "r=") ||
      !g_str_has_prefix (parts[1], "s=") || !g_str_has_prefix (parts[2], "i="))
    {
      unproven (self, error, "a challenge of another form");
      return NULL;
    }
  salt = decode_strictly (parts[1] + 2, &salt_length);
  if (!is_good_nonce (self, parts[0] + 2) || salt == NULL || salt_length == 0 ||
      !g_ascii_string_to_unsigned (parts[2] + 2, 10, TESS_SASL_MIN_ITERATIONS, TESS_SASL_MAX_ITERATIONS,
                                   &iterations, NULL))
    {
      unproven (self, error, "a foreign nonce, no salt, or an unreasonable number of iterations");
      return NULL;
    }
  if (!read_extensions (self, parts + 3, error))
    return NULL;

  self->full_nonce = g_strdup (parts[0] + 2);
  self->server_first = g_strdup (message);
  return make_derivation (self, g_steal_pointer (&salt), salt_length, (guint) iterations, error);
}

static char *
encode_binding (TessSasl *self)
{
  g_autoptr (GByteArray) input = g_byte_array_new ();

  g_byte_array_append (input, (const guint8 *) self->gs2, (guint) strlen (self->gs2));
  if (self->binding_data != NULL)
    g_byte_array_append (input, g_bytes_get_data (self->binding_data, NULL),
                         (guint) g_bytes_get_size (self->binding_data));

  return g_base64_encode (input->data, input->len);
}

static void
hmac_text (TessSasl *self, const guint8 *key, const char *text, guint8 *out)
{
  tess_hmac (self->mechanism->hash, key, tess_hash_size (self->mechanism->hash), (const guint8 *) text,
             strlen (text), out);
}

/* RFC 5802 section 3. */
static char *
make_client_final (TessSasl *self)
{
  gsize            size = tess_hash_size (self->mechanism->hash);
  g_autofree char *binding = encode_binding (self);
  g_autofree char *without_proof = g_strdup_printf ("c=%s,r=%s", binding, self->full_nonce);
  g_autofree char *auth_message =
    g_strdup_printf ("%s,%s,%s", self->first_bare, self->server_first, without_proof);
  g_autofree char *proof = NULL;
  g_autofree char *message = NULL;
  guint8           stored[TESS_HASH_MAX_SIZE];
  guint8           signature[TESS_HASH_MAX_SIZE];

  hmac_text (self, self->key->server_key, auth_message, self->server_signature);
  tess_hash (self->mechanism->hash, self->key->client_key, size, stored);
  hmac_text (self, stored, auth_message, signature);
  for (gsize i = 0; i < size; i++)
    signature[i] ^= self->key->client_key[i];
  proof = g_base64_encode (signature, size);

  tess_wipe (stored, sizeof stored);
  tess_wipe (signature, sizeof signature);
  message = g_strdup_printf ("%s,p=%s", without_proof, proof);

  return encode (message, strlen (message));
}

/* RFC 5802 section 3: the salted password itself is kept nowhere. */
static void
derive_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Derivation  *derivation = data;
  TessSaslKey *key;
  gsize        size;
  guint8       salted[TESS_HASH_MAX_SIZE];

  TESS_HAPPENS_AFTER (derivation);
  key = derivation->key;
  size = tess_hash_size (key->hash);
  tess_pbkdf2 (key->hash, (const guint8 *) derivation->password, strlen (derivation->password), key->salt,
               key->salt_length, key->iterations, cancellable, salted);
  tess_hmac (key->hash, salted, size, (const guint8 *) "Client Key", strlen ("Client Key"), key->client_key);
  tess_hmac (key->hash, salted, size, (const guint8 *) "Server Key", strlen ("Server Key"), key->server_key);
  tess_wipe (salted, sizeof salted);
  g_clear_pointer (&derivation->password, tess_wipe_string);
  TESS_HAPPENS_BEFORE (derivation);
  g_task_return_boolean (task, TRUE);
}

/* "v=…" or "e=…" */
static gboolean
read_server_final (TessSasl *self, const char *message, GError **error)
{
  gsize              size = tess_hash_size (self->mechanism->hash);
  gsize              length = 0;
  g_auto (GStrv)     parts = g_strsplit (message, ",", 2);
  g_autofree guint8 *signature = NULL;

  if (parts[0] != NULL && g_str_has_prefix (parts[0], "e="))
    {
      self->state = STATE_FAILED;
      g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NOT_AUTHORIZED,
                           _ ("The address or the password is wrong."));
      return FALSE;
    }
  if (parts[0] != NULL && g_str_has_prefix (parts[0], "v="))
    signature = decode_strictly (parts[0] + 2, &length);
  if (signature == NULL || length != size ||
      !tess_equal_constant_time (signature, self->server_signature, size))
    return unproven (self, error, "a wrong signature of the server");

  self->state = STATE_PROVEN;
  return TRUE;
}

static void
return_response (GTask *task, char *response)
{
  g_task_return_pointer (task, response, (GDestroyNotify) tess_wipe_string);
}

void
tess_sasl_challenge_async (TessSasl            *self,
                           const char          *challenge,
                           GCancellable        *cancellable,
                           GAsyncReadyCallback  callback,
                           gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autofree char  *message = decode_text (challenge);
  Derivation       *derivation;
  GError           *error = NULL;

  g_task_set_source_tag (task, tess_sasl_challenge_async);
  if (message == NULL || !tess_sasl_is_scram (self) ||
      (self->state != STATE_FIRST_SENT && self->state != STATE_FINAL_SENT))
    {
      unproven (self, &error, "a challenge that has no place here");
      g_task_return_error (task, error);
      return;
    }
  if (self->state == STATE_FINAL_SENT)
    {
      /* The final message may come as a challenge that wants an empty response (RFC 4422 section 3.5). */
      if (read_server_final (self, message, &error))
        return_response (task, g_strdup (""));
      else
        g_task_return_error (task, error);
      return;
    }
  derivation = read_server_first (self, message, &error);
  if (derivation == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  self->state = STATE_DERIVING;
  g_task_set_task_data (task, derivation, derivation_free);
  if (derivation->known)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  TESS_HAPPENS_BEFORE (derivation);
  g_task_run_in_thread (task, derive_in_thread);
}

char *
tess_sasl_challenge_finish (TessSasl *self, GAsyncResult *result, GError **error)
{
  GTask      *task = G_TASK (result);
  Derivation *derivation = g_task_get_task_data (task);

  if (derivation == NULL)
    return g_task_propagate_pointer (task, error);

  if (!g_task_propagate_boolean (task, error))
    {
      self->state = STATE_FAILED;
      return NULL;
    }
  if (!derivation->known)
    TESS_HAPPENS_AFTER (derivation);
  self->key = g_steal_pointer (&derivation->key);
  TESS_HAPPENS_BEFORE (derivation);
  self->state = STATE_FINAL_SENT;
  return make_client_final (self);
}

gboolean
tess_sasl_succeed (TessSasl *self, const char *additional, GError **error)
{
  gboolean         has_data = additional != NULL && *additional != '\0' && !g_str_equal (additional, "=");
  g_autofree char *message = has_data ? decode_text (additional) : NULL;

  if (!tess_sasl_is_scram (self))
    {
      if (self->state != STATE_FIRST_SENT)
        return unproven (self, error, "a success that has no place here");
    }
  else if (self->state == STATE_FINAL_SENT)
    {
      if (message == NULL)
        return unproven (self, error, "a success without a signature");
      if (!read_server_final (self, message, error))
        return FALSE;
    }
  else if (self->state != STATE_PROVEN)
    {
      return unproven (self, error, "a success too early");
    }

  self->state = STATE_DONE;
  return TRUE;
}
