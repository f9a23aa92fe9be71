/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tess-script-server.h"

#include "crypto/tess-crypto.h"
#include "tess-slicing-stream.h"

#include <string.h>

#define PASSWORD "secret"
#define SALT "0123456789"
#define ITERATIONS 4096
#define GIVE_UP_SECONDS 60
#define MOST_SLICE 9

struct _TessScriptServer
{
  GThread              *thread;
  GSocketListener      *listener;
  GCancellable         *cancellable;
  guint16               port;
  const TessScriptStep *steps;
  TessScriptServeFunc   serve;
  gpointer              serve_data;
  GIOStream            *io;
  GString              *received;
  char                 *id;
  char                 *mechanism; /* of SASL2 */
  char                 *initial;   /* its initial response, Base64 */
  char                 *proof;     /* what proves us, Base64 */
  char                 *failure;
  gint                  done; /* atomic */
  gint                  step; /* atomic */
};

static char *
certificate_path (const char *name)
{
  const char      *directory = g_getenv ("TESS_TEST_CERTIFICATES");
  g_autofree char *file = g_strconcat (name, ".pem", NULL);

  if (directory == NULL)
    g_error ("TESS_TEST_CERTIFICATES is not set");
  return g_build_filename (directory, file, NULL);
}

GTlsDatabase *
tess_script_server_get_trust (void)
{
  g_autofree char   *path = certificate_path ("ca");
  g_autoptr (GError) error = NULL;
  GTlsDatabase      *trust = g_tls_file_database_new (path, &error);

  g_assert_no_error (error);
  return trust;
}

static gboolean
complain (TessScriptServer *self, const char *what, const char *detail)
{
  if (self->failure == NULL)
    self->failure = g_strdup_printf ("%s: %s (in hand: %.400s)", what, detail, self->received->str);
  return FALSE;
}

/* Reads once. FALSE at the end. */
static gboolean
read_some (TessScriptServer *self, GError **error)
{
  char   buffer[512];
  gsize  most = (gsize) g_random_int_range (1, sizeof buffer);
  gssize length = g_input_stream_read (g_io_stream_get_input_stream (self->io), buffer, most, self->cancellable, error);

  if (length <= 0)
    return FALSE;
  g_string_append_len (self->received, buffer, length);
  return TRUE;
}

static void
remember_id (TessScriptServer *self, gsize end)
{
  g_autofree char *before = g_strndup (self->received->str, end);
  const char      *start = g_strrstr (before, " id='");

  if (start == NULL)
    return;
  start += strlen (" id='");
  g_free (self->id);
  self->id = g_strndup (start, strcspn (start, "'"));
}

static gboolean
expect (TessScriptServer *self, const char *text)
{
  g_autoptr (GError) error = NULL;
  const char        *found;
  gsize              end;

  while ((found = strstr (self->received->str, text)) == NULL)
    if (!read_some (self, &error))
      return complain (self, text, error != NULL ? error->message : "the client closed before");
  end = (gsize) (found - self->received->str) + strlen (text);
  remember_id (self, end);
  /* The rest of a start tag belongs to it. */
  if (g_str_equal (text, "<stream:stream "))
    while ((found = strchr (self->received->str + end, '>')) == NULL)
      if (!read_some (self, &error))
        return complain (self, text, "cut");
  if (g_str_equal (text, "<stream:stream "))
    end = (gsize) (found - self->received->str) + 1;
  g_string_erase (self->received, 0, (gssize) end);

  return TRUE;
}

/* Reads until @text is there, and takes nothing. @length: (out): what stands before it. */
static gboolean
expect_kept (TessScriptServer *self, const char *text, gsize *length)
{
  g_autoptr (GError) error = NULL;
  const char        *found;

  while ((found = strstr (self->received->str, text)) == NULL)
    if (!read_some (self, &error))
      return complain (self, text, error != NULL ? error->message : "the client closed before");
  *length = (gsize) (found - self->received->str);

  return TRUE;
}

static gboolean
send_text (TessScriptServer *self, const char *text, gboolean whole)
{
  g_autoptr (GString) out = g_string_new (text);
  g_autofree char    *port = g_strdup_printf ("%u", self->port);
  g_autoptr (GError)  error = NULL;
  GOutputStream      *output = g_io_stream_get_output_stream (self->io);

  g_string_replace (out, "$ID", self->id != NULL ? self->id : "", 0);
  g_string_replace (out, "$PORT", port, 0);
  g_string_replace (out, "$V", self->proof != NULL ? self->proof : "", 0);
  for (gsize done = 0; done < out->len;)
    {
      gsize slice = (gsize) g_random_int_range (1, MOST_SLICE + 1);
      gsize part = whole ? out->len : MIN (out->len - done, slice);

      if (!g_output_stream_write_all (output, out->str + done, part, NULL, self->cancellable, &error))
        return complain (self, text, error->message);
      done += part;
    }

  return TRUE;
}

/* Whoever it is of: what the client shows, and not what a server makes of it, is what a test is about. */
static gboolean
accept_any_cb (GTlsConnection *tls, GTlsCertificate *certificate, GTlsCertificateFlags errors, gpointer data)
{
  return TRUE;
}

static gboolean
start_tls (TessScriptServer *self, const char *text)
{
  gboolean                   wants_client = g_str_has_suffix (text, "+client");
  gboolean                   wants_none = g_str_has_suffix (text, "+none");
  gboolean                   refuses_client = g_str_has_suffix (text, "+refuse");
  g_autofree char           *name = g_strndup (text, strcspn (text, "+"));
  g_autofree char           *path = certificate_path (name);
  g_autoptr (GError)         error = NULL;
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_file (path, &error);
  g_autoptr (GIOStream)      tls = NULL;

  g_assert_no_error (error);
  tls = g_tls_server_connection_new (self->io, certificate, &error);
  g_assert_no_error (error);
  if (refuses_client)
    g_object_set (tls, "authentication-mode", G_TLS_AUTHENTICATION_REQUESTED, NULL);
  if (wants_client || wants_none)
    {
      g_object_set (tls, "authentication-mode", G_TLS_AUTHENTICATION_REQUESTED, NULL);
      g_signal_connect (tls, "accept-certificate", G_CALLBACK (accept_any_cb), NULL);
    }
  /* A client that refuses the certificate is right, which the client's side of the test asserts. */
  g_tls_connection_handshake (G_TLS_CONNECTION (tls), self->cancellable, NULL);
  if (wants_client && g_tls_connection_get_peer_certificate (G_TLS_CONNECTION (tls)) == NULL)
    return complain (self, text, "the client showed no certificate");
  if (wants_none && g_tls_connection_get_peer_certificate (G_TLS_CONNECTION (tls)) != NULL)
    return complain (self, text, "the client showed a certificate");
  g_object_unref (self->io);
  self->io = g_steal_pointer (&tls);
  g_string_truncate (self->received, 0);

  return TRUE;
}

static gboolean
read_bytes (TessScriptServer *self, guint8 *bytes, gsize count)
{
  gsize length;

  return g_input_stream_read_all (g_io_stream_get_input_stream (self->io), bytes, count, &length, self->cancellable, NULL) &&
         length == count;
}

/* RFC 1928 without authentication: we are the proxy, and then what is behind it. */
static gboolean
be_proxy (TessScriptServer *self, const char *target)
{
  static const guint8 granted[] = { 5, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
  guint8              head[5], methods[255], name[255 + 2];
  g_autofree char    *asked = NULL;
  GOutputStream      *output = g_io_stream_get_output_stream (self->io);

  if (!read_bytes (self, head, 2) || head[0] != 5 || !read_bytes (self, methods, head[1]) ||
      !g_output_stream_write_all (output, "\5\0", 2, NULL, self->cancellable, NULL) ||
      /* A name, which we resolve. */
      !read_bytes (self, head, 5) || head[1] != 1 || head[3] != 3 || !read_bytes (self, name, head[4] + 2u))
    return complain (self, target, "not asked as a proxy is");
  asked = g_strdup_printf ("%.*s:%u", head[4], (const char *) name, name[head[4]] * 256u + name[head[4] + 1]);
  if (!g_str_equal (asked, target))
    return complain (self, target, asked);

  return g_output_stream_write_all (output, granted, sizeof granted, NULL, self->cancellable, NULL);
}

static char *
decode (const char *base64)
{
  gsize              length;
  g_autofree guint8 *bytes = g_base64_decode (base64, &length);

  return g_strndup ((const char *) bytes, length);
}

/* The text of the next element that ends with @end, decoded. */
static char *
receive_decoded (TessScriptServer *self, const char *end)
{
  g_autoptr (GError) error = NULL;
  g_autofree char   *element = NULL;
  const char        *found;

  while ((found = strstr (self->received->str, end)) == NULL)
    if (!read_some (self, &error))
      {
        complain (self, end, "the client closed before");
        return NULL;
      }
  element = g_strndup (self->received->str, (gsize) (found - self->received->str));
  g_string_erase (self->received, 0, found - self->received->str + (gssize) strlen (end));

  return decode (strrchr (element, '>') != NULL ? strrchr (element, '>') + 1 : element);
}

static gboolean
send_encoded (TessScriptServer *self, const char *element, const char *message)
{
  g_autofree char *base64 = message != NULL ? g_base64_encode ((const guint8 *) message, strlen (message)) : g_strdup ("");
  g_autofree char *text =
    g_strdup_printf ("<%s xmlns='%s'>%s</%s>", element,
                     self->initial != NULL ? "urn:xmpp:sasl:2" : "urn:ietf:params:xml:ns:xmpp-sasl", base64, element);

  return send_text (self, text, FALSE);
}

/* Success and more, in one piece. */
static gboolean
send_encoded_before (TessScriptServer *self, const char *message, const char *more)
{
  g_autofree char *base64 = g_base64_encode ((const guint8 *) message, strlen (message));
  g_autofree char *text =
    g_strdup_printf ("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</success>%s", base64, more);

  return send_text (self, text, TRUE);
}

static void
hmac (const guint8 *key, const char *text, guint8 *out)
{
  tess_hmac (TESS_HASH_SHA256, key, TESS_SHA256_SIZE, (const guint8 *) text, strlen (text), out);
}

static char *
hash_list (const char *list)
{
  guint8 digest[TESS_SHA256_SIZE];

  tess_sha256 ((const guint8 *) list, strlen (list), digest);
  return g_base64_encode (digest, sizeof digest);
}

/* The misbehaviours of attacks rows B7 and B8 in the first message. */
static char *
make_server_first (const char *nonce, const char *how)
{
  g_autofree char *salt = g_base64_encode ((const guint8 *) SALT, strlen (SALT));

  if (g_str_equal (how, "foreign-nonce"))
    return g_strdup_printf ("r=foreign,s=%s,i=%d", salt, ITERATIONS);
  if (g_str_equal (how, "same-nonce"))
    return g_strdup_printf ("r=%s,s=%s,i=%d", nonce, salt, ITERATIONS);
  if (g_str_equal (how, "mandatory"))
    return g_strdup_printf ("m=x,r=%sX,s=%s,i=%d", nonce, salt, ITERATIONS);
  if (g_str_equal (how, "no-salt"))
    return g_strdup_printf ("r=%sX,s=,i=%d", nonce, ITERATIONS);
  if (g_str_equal (how, "one-iteration"))
    return g_strdup_printf ("r=%sX,s=%s,i=1", nonce, salt);
  if (g_str_equal (how, "many-iterations"))
    return g_strdup_printf ("r=%sX,s=%s,i=4294967295", nonce, salt);
  if (g_str_equal (how, "slow"))
    return g_strdup_printf ("r=%sX,s=%s,i=10000000", nonce, salt);
  if (g_str_equal (how, "other-list"))
    return g_strdup_printf ("r=%sX,s=%s,i=%d,h=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", nonce, salt, ITERATIONS);
  if (g_str_equal (how, "other-salt"))
    return g_strdup_printf ("r=%sX,s=c2FsdA==,i=%d", nonce, ITERATIONS);
  if (g_str_has_prefix (how, "proven:") || g_str_has_prefix (how, "disproven:"))
    {
      g_autofree char *list = g_strdelimit (g_strdelimit (g_strdup (strchr (how, ':') + 1), " ", '\x1e'), "|", '\x1f');
      g_autofree char *hash = hash_list (list);

      return g_strdup_printf ("r=%sX,s=%s,i=%d,h=%s", nonce, salt, ITERATIONS, hash);
    }

  return g_strdup_printf ("r=%sX,s=%s,i=%d", nonce, salt, ITERATIONS);
}

static char *
sign (const char *auth_message, gboolean wrong)
{
  guint8 salted[TESS_SHA256_SIZE];
  guint8 key[TESS_SHA256_SIZE];
  guint8 signature[TESS_SHA256_SIZE];

  tess_pbkdf2 (TESS_HASH_SHA256, (const guint8 *) (wrong ? "wrong" : PASSWORD), strlen (wrong ? "wrong" : PASSWORD),
               (const guint8 *) SALT, strlen (SALT), ITERATIONS, NULL, salted);
  hmac (salted, "Server Key", key);
  hmac (key, auth_message, signature);

  return g_base64_encode (signature, sizeof signature);
}

/* What TLS says of a type on this side; empty for none. */
static GByteArray *
get_binding (TessScriptServer *self, const char *type)
{
  GByteArray            *data = g_byte_array_new ();
  GTlsChannelBindingType kind = g_str_has_prefix (type, "tls-server-end-point") ? G_TLS_CHANNEL_BINDING_TLS_SERVER_END_POINT
                                : g_str_has_prefix (type, "tls-unique")         ? G_TLS_CHANNEL_BINDING_TLS_UNIQUE
                                                                                : G_TLS_CHANNEL_BINDING_TLS_EXPORTER;

  g_tls_connection_get_channel_binding_data (G_TLS_CONNECTION (self->io), kind, data, NULL);
  return data;
}

/* "c=" holds the header that was sent first, and with -PLUS what TLS says on this side. */
static gboolean
check_binding (TessScriptServer *self, const char *client_first, const char *client_final, const char *how)
{
  gboolean               plus = g_str_has_prefix (client_first, "p=");
  g_autoptr (GByteArray) wanted = g_byte_array_new ();
  g_autofree char       *base64 = NULL;
  g_autofree char       *start = NULL;

  g_byte_array_append (wanted, (const guint8 *) client_first, (guint) (strstr (client_first, ",,") + 2 - client_first));
  if (plus)
    {
      g_autoptr (GByteArray) data = get_binding (self, client_first + 2);

      g_byte_array_append (wanted, data->data, data->len);
    }
  base64 = g_base64_encode (wanted->data, wanted->len);
  start = g_strdup_printf ("c=%s,", base64);
  if (!g_str_has_prefix (client_final, start) || (g_str_equal (how, "plus") && !plus) ||
      (!plus && !g_str_has_prefix (client_first, g_str_equal (how, "unbound") ? "n,," : "y,,")))
    return complain (self, "channel binding", client_first);

  return TRUE;
}

static gboolean
ends_by_first (const char *how)
{
  static const char *const names[] = { "foreign-nonce",   "same-nonce", "mandatory",  "no-salt", "one-iteration",
                                       "many-iterations", "other-list", "other-salt", NULL };

  return g_strv_contains (names, how) || g_str_has_prefix (how, "disproven:");
}

/* From the challenge on. @server_final: (out): "v=…", NULL when the script's part is done without. FALSE: failed. */
static gboolean
exchange_scram (TessScriptServer *self, const char *client_first, const char *how, char **server_final)
{
  g_autofree char *server_first = NULL;
  g_autofree char *client_final = NULL;
  g_autofree char *without_proof = NULL;
  g_autofree char *auth_message = NULL;
  g_autofree char *signature = NULL;
  const char      *bare;

  if (client_first == NULL || (bare = strstr (client_first, ",,n=")) == NULL)
    return complain (self, "SCRAM", "no first message");
  bare += 2;
  server_first = make_server_first (strstr (bare, ",r=") + 3, how);
  if (!send_encoded (self, "challenge", server_first))
    return FALSE;
  if (ends_by_first (how))
    return expect (self, "<abort");
  if (g_str_equal (how, "slow"))
    return TRUE;

  client_final = receive_decoded (self, "</response>");
  if (client_final == NULL || !check_binding (self, client_first, client_final, how))
    return FALSE;
  without_proof = g_strndup (client_final, (gsize) (strstr (client_final, ",p=") - client_final));
  auth_message = g_strdup_printf ("%s,%s,%s", bare, server_first, without_proof);
  signature = sign (auth_message, g_str_equal (how, "wrong-signature"));
  *server_final = g_strdup_printf ("v=%s", signature);

  return TRUE;
}

static gboolean
do_scram (TessScriptServer *self, const char *how)
{
  g_autofree char *client_first = NULL;
  g_autofree char *server_final = NULL;

  g_clear_pointer (&self->initial, g_free);
  client_first = receive_decoded (self, "</auth>");
  if (g_str_equal (how, "success-first"))
    return send_encoded (self, "success", NULL);
  if (g_str_equal (how, "refused"))
    return send_text (self, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>", FALSE);
  if (g_str_equal (how, "disabled"))
    return send_text (self, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><text>x</text><account-disabled/></failure>", FALSE);
  if (!exchange_scram (self, client_first, how, &server_final) || server_final == NULL)
    return self->failure == NULL;

  if (g_str_equal (how, "no-signature"))
    return send_encoded (self, "success", NULL);
  if (g_str_equal (how, "behind-success"))
    return send_encoded_before (self, server_final, "<message/>");
  if (g_str_equal (how, "final-challenge"))
    return send_encoded (self, "challenge", server_final) && expect (self, "</response>") &&
           send_encoded (self, "success", NULL);

  return send_encoded (self, "success", server_final);
}

static gboolean
read_initial (TessScriptServer *self, const char *mechanism)
{
  g_autofree char *start = g_strdup_printf ("<authenticate xmlns='urn:xmpp:sasl:2' mechanism='%s'><initial-response>", mechanism);
  gsize            length;

  if (!expect (self, start) || !expect_kept (self, "</initial-response>", &length))
    return FALSE;
  g_free (self->mechanism);
  self->mechanism = g_strdup (mechanism);
  g_free (self->initial);
  self->initial = g_strndup (self->received->str, length);
  g_string_erase (self->received, 0, (gssize) (length + strlen ("</initial-response>")));

  return TRUE;
}

static gboolean
do_scram2 (TessScriptServer *self, const char *how)
{
  g_autofree char *client_first = decode (self->initial);
  g_autofree char *server_final = NULL;

  if (!exchange_scram (self, client_first, how, &server_final))
    return FALSE;
  g_free (self->proof);
  self->proof = server_final != NULL ? g_base64_encode ((const guint8 *) server_final, strlen (server_final)) : NULL;

  return TRUE;
}

static void
hash_token (TessScriptServer *self, const char *secret, const char *word, guint8 out[TESS_SHA256_SIZE])
{
  const char            *type = g_str_has_suffix (self->mechanism, "-ENDP") ? "tls-server-end-point" : "tls-exporter";
  g_autoptr (GByteArray) data = g_byte_array_new ();

  g_byte_array_append (data, (const guint8 *) word, (guint) strlen (word));
  if (!g_str_has_suffix (self->mechanism, "-NONE"))
    {
      g_autoptr (GByteArray) binding = get_binding (self, type);

      g_byte_array_append (data, binding->data, binding->len);
    }
  tess_hmac (TESS_HASH_SHA256, (const guint8 *) secret, strlen (secret), data->data, data->len, out);
}

/* draft-schmaus-kitten-sasl-ht-09 */
static gboolean
check_token (TessScriptServer *self, const char *secret)
{
  gsize              length;
  g_autofree guint8 *message = g_base64_decode (self->initial, &length);
  guint8             hash[TESS_SHA256_SIZE];

  hash_token (self, secret, "Initiator", hash);
  if (length != strlen ("alice") + 1 + sizeof hash || memcmp (message, "alice", strlen ("alice") + 1) != 0 ||
      memcmp (message + strlen ("alice") + 1, hash, sizeof hash) != 0)
    return complain (self, "token", self->initial);
  hash_token (self, secret, "Responder", hash);
  g_free (self->proof);
  self->proof = g_base64_encode (hash, sizeof hash);

  return TRUE;
}

static void
wait_for_end (TessScriptServer *self)
{
  g_autoptr (GError) error = NULL;

  while (read_some (self, &error))
    continue;
}

static gboolean
accept_client (TessScriptServer *self)
{
  g_autoptr (GError)            error = NULL;
  g_autoptr (GSocketConnection) connection =
    g_socket_listener_accept (self->listener, NULL, self->cancellable, &error);

  if (connection == NULL)
    return complain (self, "accept", error->message);
  g_socket_set_timeout (g_socket_connection_get_socket (connection), GIVE_UP_SECONDS);
  self->io = G_IO_STREAM (g_steal_pointer (&connection));
  g_string_truncate (self->received, 0);

  return TRUE;
}

static void
drop_client (TessScriptServer *self)
{
  /* The client may be gone already. */
  g_autoptr (GError) error = NULL;

  g_io_stream_close (self->io, self->cancellable, &error);
  g_clear_object (&self->io);
}

static gboolean
do_step (TessScriptServer *self, const TessScriptStep *step)
{
  if (self->io == NULL && !accept_client (self))
    return FALSE;

  switch (step->action)
    {
    case TESS_SCRIPT_EXPECT:
      return expect (self, step->text);
    case TESS_SCRIPT_SEND:
    case TESS_SCRIPT_SEND_ONE:
      return send_text (self, step->text, step->action == TESS_SCRIPT_SEND_ONE);
    case TESS_SCRIPT_TLS:
      return start_tls (self, step->text);
    case TESS_SCRIPT_SCRAM:
      return do_scram (self, step->text);
    case TESS_SCRIPT_PROXY:
      return be_proxy (self, step->text);
    case TESS_SCRIPT_INITIAL:
      return read_initial (self, step->text);
    case TESS_SCRIPT_SCRAM2:
      return do_scram2 (self, step->text);
    case TESS_SCRIPT_TOKEN:
      return check_token (self, step->text);
    case TESS_SCRIPT_EOF:
      wait_for_end (self);
      return TRUE;
    case TESS_SCRIPT_SILENCE:
      wait_for_end (self);
      return strstr (self->received->str, step->text) == NULL || complain (self, step->text, "came");
    case TESS_SCRIPT_CLOSE:
      drop_client (self);
      return TRUE;
    case TESS_SCRIPT_SERVE:
      self->serve (self->io, self->received->str, self->cancellable, self->serve_data);
      return TRUE;
    case TESS_SCRIPT_END:
    default:
      return TRUE;
    }
}

static gpointer
run (gpointer data)
{
  TessScriptServer *self = data;

  for (const TessScriptStep *step = self->steps; step->action != TESS_SCRIPT_END; step++)
    {
      if (!do_step (self, step))
        {
          /* One that serves minds no client that left early: it waits for the next one. */
          while (self->serve != NULL && step->action != TESS_SCRIPT_END && step->action != TESS_SCRIPT_CLOSE)
            step++;
          if (step->action != TESS_SCRIPT_CLOSE || self->io == NULL)
            break;
          drop_client (self);
          g_clear_pointer (&self->failure, g_free);
          continue;
        }
      g_atomic_int_inc (&self->step);
      g_main_context_wakeup (NULL);
    }
  if (self->io != NULL)
    drop_client (self);
  g_atomic_int_set (&self->done, 1);
  g_main_context_wakeup (NULL);

  return NULL;
}

TessScriptServer *
tess_script_server_new (const TessScriptStep *steps)
{
  return tess_script_server_new_serving (steps, NULL, NULL);
}

TessScriptServer *
tess_script_server_new_serving (const TessScriptStep *steps, TessScriptServeFunc serve, gpointer user_data)
{
  TessScriptServer          *self = g_new0 (TessScriptServer, 1);
  g_autoptr (GInetAddress)   loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError)         error = NULL;

  self->steps = steps;
  self->serve = serve;
  self->serve_data = user_data;
  self->received = g_string_new (NULL);
  self->cancellable = g_cancellable_new ();
  self->listener = g_socket_listener_new ();
  g_socket_listener_add_address (self->listener, address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &bound,
                                 &error);
  g_assert_no_error (error);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  self->thread = g_thread_new ("script", run, self);

  return self;
}

guint16
tess_script_server_get_port (TessScriptServer *self)
{
  return self->port;
}

guint
tess_script_server_get_step (TessScriptServer *self)
{
  return (guint) g_atomic_int_get (&self->step);
}

char *
tess_script_server_join (TessScriptServer *self)
{
  char *failure;

  while (!g_atomic_int_get (&self->done))
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (self->thread);
  failure = g_steal_pointer (&self->failure);
  g_socket_listener_close (self->listener);
  g_object_unref (self->listener);
  g_object_unref (self->cancellable);
  g_string_free (self->received, TRUE);
  g_free (self->id);
  g_free (self->mechanism);
  g_free (self->initial);
  g_free (self->proof);
  g_free (self);

  return failure;
}

void
tess_script_server_stop (TessScriptServer *self)
{
  g_cancellable_cancel (self->cancellable);
  g_free (tess_script_server_join (self));
}
