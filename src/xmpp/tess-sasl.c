/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-sasl.h"

#include "base/tess-happens.h"
#include "crypto/tess-crypto.h"
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

typedef struct
{
  const char *name;
  gboolean    scram;
  TessHash    hash;
  gboolean    plus;
} Mechanism;

/* The strongest first. */
static const Mechanism all_mechanisms[] = {
  { "SCRAM-SHA-512-PLUS", TRUE, TESS_HASH_SHA512, TRUE },
  { "SCRAM-SHA-256-PLUS", TRUE, TESS_HASH_SHA256, TRUE },
  { "SCRAM-SHA-1-PLUS", TRUE, TESS_HASH_SHA1, TRUE },
  { "SCRAM-SHA-512", TRUE, TESS_HASH_SHA512, FALSE },
  { "SCRAM-SHA-256", TRUE, TESS_HASH_SHA256, FALSE },
  { "SCRAM-SHA-1", TRUE, TESS_HASH_SHA1, FALSE },
  { "PLAIN", FALSE, TESS_HASH_SHA1, FALSE },
};

struct _TessSasl
{
  guint            ref_count;
  State            state;
  const Mechanism *mechanism;
  char            *username;
  char            *password;   /* until the key is derived */
  char            *gs2;        /* "p=tls-exporter,," */
  GBytes          *binding;    /* NULL without -PLUS */
  char            *nonce;
  char            *announced;  /* what XEP-0474 hashes */
  char            *first_bare;
  char            *server_first;
  char            *full_nonce;
  guint8           server_signature[TESS_HASH_MAX_SIZE];
};

/* What the worker thread has: nothing of it is shared. */
typedef struct
{
  TessHash hash;
  char    *password;
  guint8  *salt;
  gsize    salt_length;
  guint    iterations;
  guint8   salted[TESS_HASH_MAX_SIZE];
} Derivation;

static void
derivation_free (gpointer data)
{
  Derivation *derivation = data;

  tess_wipe_string (derivation->password);
  g_free (derivation->salt);
  tess_wipe_free (derivation, sizeof *derivation);
}

static gboolean
unproven (TessSasl *self, GError **error, const char *reason)
{
  g_debug ("SASL: %s", reason);
  self->state = STATE_FAILED;
  g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_SERVER_UNPROVEN,
                       _ ("The server did not prove that it knows the password, so the login was stopped. "
                          "Somebody may be reading along; try another network."));
  return FALSE;
}

static const Mechanism *
find (const char *const *names, gboolean scram, gboolean plus)
{
  for (guint i = 0; i < G_N_ELEMENTS (all_mechanisms); i++)
    if (all_mechanisms[i].scram == scram && all_mechanisms[i].plus == plus &&
        g_strv_contains (names, all_mechanisms[i].name))
      return &all_mechanisms[i];

  return NULL;
}

/* What both sides can bind to. A server without XEP-0440 is taken to know tls-unique (RFC 5802 section 6.1) and nothing
 * else: ejabberd before 23.04 announces -PLUS on TLS 1.3 and refuses tls-exporter there. */
static const TessSaslBinding *
find_binding (const TessSaslOptions *options)
{
  for (guint i = 0; i < options->n_bindings; i++)
    if (options->announced != NULL ? g_strv_contains (options->announced, options->bindings[i].type)
                                   : g_str_equal (options->bindings[i].type, "tls-unique"))
      return &options->bindings[i];

  return NULL;
}

static int
compare_octets (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
append_sorted (GString *out, const char *const *names)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();

  for (guint i = 0; names[i] != NULL; i++)
    g_ptr_array_add (sorted, (gpointer) names[i]);
  g_ptr_array_sort (sorted, compare_octets);
  for (guint i = 0; i < sorted->len; i++)
    {
      if (i > 0)
        g_string_append_c (out, '\x1e');
      g_string_append (out, g_ptr_array_index (sorted, i));
    }
}

/* XEP-0474 section 5.1 */
static char *
list_announced (const TessSaslOptions *options)
{
  GString *out = g_string_new (NULL);

  append_sorted (out, options->mechanisms);
  if (options->announced != NULL && options->announced[0] != NULL)
    {
      g_string_append_c (out, '\x1f');
      append_sorted (out, options->announced);
    }

  return g_string_free (out, FALSE);
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

static gboolean
choose (TessSasl *self, const TessSaslOptions *options, GError **error)
{
  const TessSaslBinding *binding = find_binding (options);
  const Mechanism       *plus = find (options->mechanisms, TRUE, TRUE);
  const Mechanism       *scram = find (options->mechanisms, TRUE, FALSE);
  const Mechanism       *plain = find (options->mechanisms, FALSE, FALSE);
  gboolean               binds = options->n_bindings > 0;

  if (plus != NULL && binding != NULL)
    {
      self->mechanism = plus;
      self->binding = g_bytes_ref (binding->data);
      self->gs2 = g_strdup_printf ("p=%s,,", binding->type);
      return TRUE;
    }
  /* A server of XEP-0440 knows tls-server-end-point at least, and one that binds announces -PLUS: whoever
   * says otherwise has changed the list, and "y" would only be checked where that is not the case. */
  if (binds && ((plus != NULL && options->announced != NULL) ||
                (plus == NULL && scram != NULL && options->announced != NULL && options->announced[0] != NULL)))
    return unproven (self, error, "channel binding was stripped");
  if (scram != NULL)
    {
      self->mechanism = scram;
      self->gs2 = g_strdup (binds && plus == NULL ? "y,," : "n,,");
      return TRUE;
    }
  if (plain != NULL && !options->scram_seen)
    {
      self->mechanism = plain;
      return TRUE;
    }
  if (plain != NULL)
    g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NO_MECHANISM,
                         _ ("The server asks for the password in the clear, which it did not do before. "
                            "The password was not sent; try another network, or ask the server's operator."));
  else
    g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NO_MECHANISM,
                         _ ("The server offers no way to log in that Tessera knows. Ask the server's operator "
                            "for SCRAM."));
  return FALSE;
}

TessSasl *
tess_sasl_new (const TessSaslOptions *options, GError **error)
{
  g_autoptr (TessSasl) self = g_new0 (TessSasl, 1);
  guint8               random[NONCE_BYTES];

  self->ref_count = 1;
  if (!choose (self, options, error))
    return NULL;

  self->username = g_strdup (options->username != NULL ? options->username : "");
  self->password = prepare_password (options->password != NULL ? options->password : "");
  self->announced = list_announced (options);
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
  g_free (self->username);
  g_free (self->gs2);
  g_clear_pointer (&self->binding, g_bytes_unref);
  g_free (self->nonce);
  g_free (self->announced);
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

gboolean
tess_sasl_is_scram (TessSasl *self)
{
  return self->mechanism->scram;
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
  if (!self->mechanism->scram)
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

/* GLib's decoder skips what is none; this one refuses it. */
static guint8 *
decode_strictly (const char *text, gsize *length)
{
  g_autofree guint8 *bytes = NULL;
  g_autofree char   *again = NULL;

  if (strlen (text) > LONGEST_CHALLENGE)
    return NULL;
  bytes = g_base64_decode (text, length);
  again = g_base64_encode (bytes, *length);
  if (!g_str_equal (text, again))
    return NULL;

  return g_steal_pointer (&bytes);
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

/* XEP-0474 section 5.2; attacks row B5. */
static gboolean
is_announced_hash (TessSasl *self, const char *base64)
{
  gsize              length;
  g_autofree guint8 *given = decode_strictly (base64, &length);
  guint8             ours[TESS_HASH_MAX_SIZE];

  tess_hash (self->mechanism->hash, (const guint8 *) self->announced, strlen (self->announced), ours);
  return given != NULL && length == tess_hash_size (self->mechanism->hash) &&
         tess_equal_constant_time (given, ours, length);
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
static Derivation *
read_server_first (TessSasl *self, const char *message, GError **error)
{
  g_auto (GStrv)     parts = g_strsplit (message, ",", -1);
  g_autofree guint8 *salt = NULL;
  guint64            iterations;
  gsize              salt_length = 0;
  Derivation        *derivation;

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
  for (guint i = 3; parts[i] != NULL; i++)
    if (g_str_has_prefix (parts[i], "m=") ||
        (g_str_has_prefix (parts[i], "h=") && !is_announced_hash (self, parts[i] + 2)))
      {
        unproven (self, error, "a mandatory extension, or another list of mechanisms than ours");
        return NULL;
      }

  self->full_nonce = g_strdup (parts[0] + 2);
  self->server_first = g_strdup (message);
  derivation = g_new0 (Derivation, 1);
  derivation->hash = self->mechanism->hash;
  derivation->password = g_steal_pointer (&self->password);
  derivation->salt = g_steal_pointer (&salt);
  derivation->salt_length = salt_length;
  derivation->iterations = (guint) iterations;

  return derivation;
}

static char *
encode_binding (TessSasl *self)
{
  g_autoptr (GByteArray) input = g_byte_array_new ();

  g_byte_array_append (input, (const guint8 *) self->gs2, (guint) strlen (self->gs2));
  if (self->binding != NULL)
    g_byte_array_append (input, g_bytes_get_data (self->binding, NULL), (guint) g_bytes_get_size (self->binding));

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
make_client_final (TessSasl *self, const guint8 *salted)
{
  gsize            size = tess_hash_size (self->mechanism->hash);
  g_autofree char *binding = encode_binding (self);
  g_autofree char *without_proof = g_strdup_printf ("c=%s,r=%s", binding, self->full_nonce);
  g_autofree char *auth_message =
    g_strdup_printf ("%s,%s,%s", self->first_bare, self->server_first, without_proof);
  g_autofree char *proof = NULL;
  g_autofree char *message = NULL;
  guint8           key[TESS_HASH_MAX_SIZE];
  guint8           stored[TESS_HASH_MAX_SIZE];
  guint8           signature[TESS_HASH_MAX_SIZE];

  hmac_text (self, salted, "Server Key", key);
  hmac_text (self, key, auth_message, self->server_signature);

  hmac_text (self, salted, "Client Key", key);
  tess_hash (self->mechanism->hash, key, size, stored);
  hmac_text (self, stored, auth_message, signature);
  for (gsize i = 0; i < size; i++)
    key[i] ^= signature[i];
  proof = g_base64_encode (key, size);

  tess_wipe (key, sizeof key);
  tess_wipe (stored, sizeof stored);
  tess_wipe (signature, sizeof signature);
  message = g_strdup_printf ("%s,p=%s", without_proof, proof);

  return encode (message, strlen (message));
}

static void
derive_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Derivation *derivation = data;

  TESS_HAPPENS_AFTER (derivation);
  tess_pbkdf2 (derivation->hash, (const guint8 *) derivation->password, strlen (derivation->password),
               derivation->salt, derivation->salt_length, derivation->iterations, cancellable, derivation->salted);
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
  if (message == NULL || !self->mechanism->scram ||
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
  TESS_HAPPENS_AFTER (derivation);
  self->state = STATE_FINAL_SENT;
  return make_client_final (self, derivation->salted);
}

gboolean
tess_sasl_succeed (TessSasl *self, const char *additional, GError **error)
{
  gboolean         has_data = additional != NULL && *additional != '\0' && !g_str_equal (additional, "=");
  g_autofree char *message = has_data ? decode_text (additional) : NULL;

  if (!self->mechanism->scram)
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
