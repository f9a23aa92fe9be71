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

static gboolean
send_text (TessScriptServer *self, const char *text, gboolean whole)
{
  g_autoptr (GString) out = g_string_new (text);
  g_autofree char    *port = g_strdup_printf ("%u", self->port);
  g_autoptr (GError)  error = NULL;
  GOutputStream      *output = g_io_stream_get_output_stream (self->io);

  g_string_replace (out, "$ID", self->id != NULL ? self->id : "", 0);
  g_string_replace (out, "$PORT", port, 0);
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

static gboolean
start_tls (TessScriptServer *self, const char *name)
{
  g_autofree char           *path = certificate_path (name);
  g_autoptr (GError)         error = NULL;
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_file (path, &error);
  g_autoptr (GIOStream)      tls = NULL;

  g_assert_no_error (error);
  tls = g_tls_server_connection_new (self->io, certificate, &error);
  g_assert_no_error (error);
  /* A client that refuses the certificate is right, which the client's side of the test asserts. */
  g_tls_connection_handshake (G_TLS_CONNECTION (tls), self->cancellable, NULL);
  g_object_unref (self->io);
  self->io = g_steal_pointer (&tls);
  g_string_truncate (self->received, 0);

  return TRUE;
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
    g_strdup_printf ("<%s xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</%s>", element, base64, element);

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

/* "c=" holds the header that was sent first, and with -PLUS what TLS says on this side. */
static gboolean
check_binding (TessScriptServer *self, const char *client_first, const char *client_final, gboolean plus)
{
  g_autoptr (GByteArray) wanted = g_byte_array_new ();
  g_autoptr (GByteArray) data = g_byte_array_new ();
  g_autofree char       *base64 = NULL;
  g_autofree char       *start = NULL;

  g_byte_array_append (wanted, (const guint8 *) client_first, (guint) (strstr (client_first, ",,") + 2 - client_first));
  if (plus)
    {
      g_tls_connection_get_channel_binding_data (G_TLS_CONNECTION (self->io), G_TLS_CHANNEL_BINDING_TLS_EXPORTER, data,
                                                 NULL);
      g_byte_array_append (wanted, data->data, data->len);
    }
  base64 = g_base64_encode (wanted->data, wanted->len);
  start = g_strdup_printf ("c=%s,", base64);
  if (!g_str_has_prefix (client_final, start) ||
      !g_str_has_prefix (client_first, plus ? "p=tls-exporter,," : "y,,"))
    return complain (self, "channel binding", client_first);

  return TRUE;
}

static gboolean
do_scram (TessScriptServer *self, const char *how)
{
  gboolean         plus = g_str_equal (how, "plus");
  g_autofree char *client_first = receive_decoded (self, "</auth>");
  g_autofree char *server_first = NULL;
  g_autofree char *client_final = NULL;
  g_autofree char *without_proof = NULL;
  g_autofree char *auth_message = NULL;
  g_autofree char *signature = NULL;
  g_autofree char *server_final = NULL;
  const char      *bare;

  if (client_first == NULL || (bare = strstr (client_first, ",,n=")) == NULL)
    return complain (self, "SCRAM", "no first message");
  bare += 2;
  if (g_str_equal (how, "success-first"))
    return send_encoded (self, "success", NULL);
  if (g_str_equal (how, "refused"))
    return send_text (self, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>", FALSE);
  if (g_str_equal (how, "disabled"))
    return send_text (self, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><text>x</text><account-disabled/></failure>", FALSE);

  server_first = make_server_first (strstr (bare, ",r=") + 3, how);
  if (!send_encoded (self, "challenge", server_first))
    return FALSE;
  if (g_str_equal (how, "foreign-nonce") || g_str_equal (how, "same-nonce") || g_str_equal (how, "mandatory") ||
      g_str_equal (how, "no-salt") || g_str_equal (how, "one-iteration") || g_str_equal (how, "many-iterations") ||
      g_str_equal (how, "other-list"))
    return expect (self, "<abort");
  if (g_str_equal (how, "slow"))
    return TRUE;

  client_final = receive_decoded (self, "</response>");
  if (client_final == NULL || !check_binding (self, client_first, client_final, plus))
    return FALSE;
  without_proof = g_strndup (client_final, (gsize) (strstr (client_final, ",p=") - client_final));
  auth_message = g_strdup_printf ("%s,%s,%s", bare, server_first, without_proof);
  signature = sign (auth_message, g_str_equal (how, "wrong-signature"));
  server_final = g_strdup_printf ("v=%s", signature);

  if (g_str_equal (how, "no-signature"))
    return send_encoded (self, "success", NULL);
  if (g_str_equal (how, "behind-success"))
    return send_encoded_before (self, server_final, "<message/>");
  if (g_str_equal (how, "final-challenge"))
    return send_encoded (self, "challenge", server_final) && expect (self, "</response>") &&
           send_encoded (self, "success", NULL);

  return send_encoded (self, "success", server_final);
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
  g_free (self);

  return failure;
}

void
tess_script_server_stop (TessScriptServer *self)
{
  g_cancellable_cancel (self->cancellable);
  g_free (tess_script_server_join (self));
}
