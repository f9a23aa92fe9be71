/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-tls.h"

#include "xmpp/tess-certificate.h"
#include "xmpp/tess-jid-prepare.h"
#include "xmpp/tess-proxy.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>

#define PINNED_KEY "tess-tls-pinned"
#define SOCKET_KEY "tess-tls-socket"

typedef struct
{
  GTlsConnection       *tls;
  char                 *domain; /* for a person, and what the certificate must be for */
  char                 *ascii;
  char                 *pin;        /* nullable */
  char                 *server_key; /* nullable */
  gboolean              shows_certificate; /* our own */
  gboolean              pinned;
  gboolean              refused;
  GTlsCertificateFlags  errors; /* of the refused certificate */
  TessCertificate      *certificate; /* the refused one */
} Handshake;

static void
handshake_free (gpointer data)
{
  Handshake *handshake = data;

  g_signal_handlers_disconnect_by_data (handshake->tls, handshake);
  g_object_unref (handshake->tls);
  g_free (handshake->domain);
  g_free (handshake->ascii);
  g_free (handshake->pin);
  g_free (handshake->server_key);
  tess_certificate_free (handshake->certificate);
  g_free (handshake);
}

char *
tess_tls_describe_errors (GTlsCertificateFlags errors, const char *domain)
{
  if (errors & G_TLS_CERTIFICATE_BAD_IDENTITY)
    return g_strdup_printf (_ ("The server’s certificate is not valid for %s. Check the address, or ask the server’s "
                               "operator."), domain);
  if (errors & G_TLS_CERTIFICATE_REVOKED)
    return g_strdup_printf (_ ("The certificate of %s was revoked. Do not use this server before its operator has "
                               "explained it."), domain);
  if (errors & G_TLS_CERTIFICATE_EXPIRED)
    return g_strdup_printf (_ ("The certificate of %s has expired. Check this computer’s clock, or ask the server’s "
                               "operator to renew it."), domain);
  if (errors & G_TLS_CERTIFICATE_NOT_ACTIVATED)
    return g_strdup_printf (_ ("The certificate of %s is not valid yet. Check this computer’s clock."), domain);
  if (errors & G_TLS_CERTIFICATE_UNKNOWN_CA)
    return g_strdup_printf (_ ("The certificate of %s was not issued by an authority that this computer trusts. "
                               "Somebody may be reading along; try another network, or ask the server’s operator."),
                            domain);
  if (errors & G_TLS_CERTIFICATE_INSECURE)
    return g_strdup_printf (_ ("The certificate of %s uses cryptography that is no longer secure. Ask the server’s "
                               "operator to renew it."), domain);

  return g_strdup_printf (_ ("The certificate of %s cannot be trusted. Ask the server’s operator."), domain);
}

/* The one place where a certificate is accepted. A pinned one is accepted whatever else it lacks, and nothing but it. */
static gboolean
judge (Handshake *self, GTlsCertificate *certificate, GTlsCertificateFlags errors)
{
  g_autoptr (TessCertificate) read = NULL;

  /* GLib knows neither SRV-ID nor XmppAddr (RFC 6120 section 13.7.1.2.1). */
  if ((errors & G_TLS_CERTIFICATE_BAD_IDENTITY) &&
      tess_certificate_names_service (certificate, self->domain, self->ascii))
    errors &= ~G_TLS_CERTIFICATE_BAD_IDENTITY;
  if (!tess_certificate_is_for_servers (certificate))
    errors |= G_TLS_CERTIFICATE_GENERIC_ERROR;

  read = tess_certificate_read (certificate, errors);
  self->pinned = FALSE;
  self->refused = FALSE;
  if (read == NULL)
    {
      errors |= G_TLS_CERTIFICATE_GENERIC_ERROR;
      self->refused = TRUE;
    }
  else if (self->pin != NULL)
    {
      if (g_strcmp0 (read->fingerprint, self->pin) != 0)
        read->faults |= TESS_CERTIFICATE_NOT_PINNED;
      self->refused = (read->faults & TESS_CERTIFICATE_NOT_PINNED) != 0;
      self->pinned = !self->refused && errors != 0;
    }
  else
    {
      if (self->server_key != NULL && g_strcmp0 (read->key_fingerprint, self->server_key) != 0)
        read->faults |= TESS_CERTIFICATE_OTHER_KEY;
      self->refused = read->faults != TESS_CERTIFICATE_FINE;
    }
  self->errors = errors;
  tess_certificate_free (self->certificate);
  self->certificate = g_steal_pointer (&read);

  return !self->refused;
}

static gboolean
accept_certificate_cb (GTlsConnection *tls, GTlsCertificate *certificate, GTlsCertificateFlags errors, gpointer data)
{
  return judge (data, certificate, errors);
}

static GError *
explain_certificate (Handshake *self)
{
  TessCertificateFaults faults = self->certificate != NULL ? self->certificate->faults : TESS_CERTIFICATE_BROKEN;
  g_autofree char      *sentence = NULL;
  TessXmppError         code = TESS_XMPP_ERROR_CERTIFICATE_CHANGED;
  GError               *error;

  if (faults & TESS_CERTIFICATE_NOT_PINNED)
    {
      sentence = g_strdup_printf (_ ("%s shows another certificate than the one that you trusted. Somebody may be reading "
                                     "along; log in again only when the server’s operator confirms the new one."),
                                  self->domain);
    }
  else if (faults == TESS_CERTIFICATE_OTHER_KEY)
    {
      sentence = g_strdup_printf (_ ("%s has another key than before. Somebody may be reading along, or the key was renewed; "
                                     "ask the server’s operator for its fingerprint."), self->domain);
    }
  else
    {
      code = TESS_XMPP_ERROR_BAD_CERTIFICATE;
      sentence = tess_tls_describe_errors (self->errors, self->domain);
    }
  error = g_error_new_literal (TESS_XMPP_ERROR, (int) code, sentence);
  if (self->certificate != NULL)
    tess_xmpp_error_set_certificate (error, g_steal_pointer (&self->certificate));

  return error;
}

static GError *
explain (Handshake *self, const GError *cause)
{
  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_error_copy (cause);
  if (self->refused || g_error_matches (cause, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
    return explain_certificate (self);
  g_debug ("TLS: %s", cause->message);
  if (g_error_matches (cause, G_TLS_ERROR, G_TLS_ERROR_CERTIFICATE_REQUIRED))
    return g_error_new (TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLIENT_CERTIFICATE,
                        self->shows_certificate
                          ? _ ("%s refused your certificate. Choose another one, or ask the server’s operator.")
                          : _ ("%s asks for a certificate of yours. Choose one for this account, or ask the server’s operator."),
                        self->domain);

  return g_error_new (TESS_XMPP_ERROR, TESS_XMPP_ERROR_NO_TLS,
                      _ ("No encrypted connection to %s could be made. Check the server, the port and the kind of "
                         "encryption, or ask the server’s operator."), self->domain);
}

/* GLib asks only about a certificate with faults, and on a session of TLS that it resumes about none at all, not even when the
 * first one was accepted because another account has it pinned: so each is judged here before anything is sent. */
static gboolean
check_peer (Handshake *self)
{
  GTlsCertificate *certificate = g_tls_connection_get_peer_certificate (self->tls);

  return certificate != NULL && judge (self, certificate, g_tls_connection_get_peer_certificate_errors (self->tls));
}

static void
handshake_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask)  task = data;
  g_autoptr (GError) error = NULL;
  Handshake         *self = g_task_get_task_data (task);

  if (!g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, &error))
    {
      g_task_return_error (task, explain (self, error));
      return;
    }
  if (tess_tls_get_version (G_IO_STREAM (source)) == NULL)
    {
      g_task_return_new_error (task, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NO_TLS,
                               _ ("The encryption of %s is too old to be safe. Ask the server’s operator to update it."),
                               self->domain);
      return;
    }
  if (!check_peer (self))
    {
      g_task_return_error (task, explain_certificate (self));
      return;
    }
  g_object_set_data (source, PINNED_KEY, GINT_TO_POINTER (self->pinned));
  g_task_return_pointer (task, g_object_ref (source), g_object_unref);
}

/* GLib keeps the tickets of TLS for the whole process, by the address that the socket goes to and the server's name: the ticket of
 * one account would tell the server, and whoever sees the handshake of TLS 1.2, that the next account behind the same proxy is on the
 * same machine. The GnuTLS of glib-networking 2.74 keeps none when what is below is no GSocketConnection; that of 2.76, which does not
 * look at the address any more, has a property.
 * Returns: (transfer full): what TLS is to stand on. */
static GIOStream *
hide_socket (GIOStream *base)
{
  GIOStream *plain = g_simple_io_stream_new (g_io_stream_get_input_stream (base), g_io_stream_get_output_stream (base));

  /* It closes the socket when nobody has it any more. */
  g_object_set_data_full (G_OBJECT (plain), SOCKET_KEY, g_object_ref (base), g_object_unref);

  return plain;
}

static void
forbid_resumption (GIOStream *tls)
{
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (tls), "session-resumption-enabled") != NULL)
    g_object_set (tls, "session-resumption-enabled", FALSE, NULL);
}

void
tess_tls_handshake_async (GIOStream               *base,
                          const TessStreamOptions *options,
                          gboolean                 direct,
                          GCancellable            *cancellable,
                          GAsyncReadyCallback      callback,
                          gpointer                 user_data)
{
  static const char *const       alpn[] = { "xmpp-client", NULL };
  g_autoptr (GTask)              task = g_task_new (NULL, cancellable, callback, user_data);
  const char                    *domain = tess_jid_get_domain (options->jid);
  g_autofree char               *ascii = tess_jid_domain_to_ascii (domain);
  g_autoptr (GSocketConnectable) identity = g_network_address_new (ascii != NULL ? ascii : domain, 5222);
  gboolean                       by_proxy = tess_proxy_is_set (&options->proxy);
  g_autoptr (GIOStream)          below = by_proxy ? hide_socket (base) : g_object_ref (base);
  g_autoptr (GIOStream)          tls = NULL;
  GError                        *error = NULL;
  Handshake                     *self;

  g_task_set_source_tag (task, tess_tls_handshake_async);
  tls = g_tls_client_connection_new (below, identity, &error);
  if (tls == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (by_proxy)
    forbid_resumption (tls);
  if (options->trust != NULL)
    g_tls_connection_set_database (G_TLS_CONNECTION (tls), options->trust);
  if (options->certificate != NULL)
    g_tls_connection_set_certificate (G_TLS_CONNECTION (tls), options->certificate);
  if (direct)
    g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (tls), alpn);

  self = g_new0 (Handshake, 1);
  self->tls = G_TLS_CONNECTION (g_object_ref (tls));
  self->domain = g_strdup (domain);
  self->ascii = ascii != NULL ? g_steal_pointer (&ascii) : g_strdup (domain);
  self->pin = g_strdup (options->pin);
  self->server_key = g_strdup (options->server_key);
  self->shows_certificate = options->certificate != NULL;
  g_task_set_task_data (task, self, handshake_free);
  g_signal_connect (tls, "accept-certificate", G_CALLBACK (accept_certificate_cb), self);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (tls), G_PRIORITY_DEFAULT, cancellable, handshake_cb,
                                    g_steal_pointer (&task));
}

GIOStream *
tess_tls_handshake_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

GIOStream *
tess_tls_get_base (GIOStream *io)
{
  g_autoptr (GIOStream) below = NULL;
  GIOStream            *socket;

  if (!G_IS_TLS_CONNECTION (io))
    return g_object_ref (io);
  g_object_get (io, "base-io-stream", &below, NULL);
  socket = g_object_get_data (G_OBJECT (below), SOCKET_KEY);

  return socket != NULL ? g_object_ref (socket) : g_steal_pointer (&below);
}

const char *
tess_tls_get_version (GIOStream *tls)
{
  switch (g_tls_connection_get_protocol_version (G_TLS_CONNECTION (tls)))
    {
    case G_TLS_PROTOCOL_VERSION_TLS_1_2:
      return "TLSv1.2";
    case G_TLS_PROTOCOL_VERSION_TLS_1_3:
      return "TLSv1.3";
    default:
      return NULL;
    }
}

char *
tess_tls_get_cipher (GIOStream *tls)
{
  return g_tls_connection_get_ciphersuite_name (G_TLS_CONNECTION (tls));
}

gboolean
tess_tls_is_pinned (GIOStream *tls)
{
  return GPOINTER_TO_INT (g_object_get_data (G_OBJECT (tls), PINNED_KEY));
}

GPtrArray *
tess_tls_get_chain (GIOStream *tls)
{
  return tess_certificate_read_chain (g_tls_connection_get_peer_certificate (G_TLS_CONNECTION (tls)));
}

static void
clear_binding (gpointer data)
{
  g_bytes_unref (((TessSaslBinding *) data)->data);
}

static void
add_binding (GArray *bindings, GIOStream *tls, GTlsChannelBindingType type, const char *name)
{
  g_autoptr (GByteArray) data = g_byte_array_new ();
  g_autoptr (GError)     error = NULL;
  TessSaslBinding        binding = { name, NULL };

  if (!g_tls_connection_get_channel_binding_data (G_TLS_CONNECTION (tls), type, data, &error) || data->len == 0)
    {
      g_debug ("TLS gives no %s: %s", name, error != NULL ? error->message : "empty");
      return;
    }
  binding.data = g_byte_array_free_to_bytes (g_steal_pointer (&data));
  g_array_append_val (bindings, binding);
}

GArray *
tess_tls_get_bindings (GIOStream *tls)
{
  GArray *bindings = g_array_new (FALSE, FALSE, sizeof (TessSaslBinding));

  g_array_set_clear_func (bindings, clear_binding);
  if (g_tls_connection_get_protocol_version (G_TLS_CONNECTION (tls)) == G_TLS_PROTOCOL_VERSION_TLS_1_3)
    add_binding (bindings, tls, G_TLS_CHANNEL_BINDING_TLS_EXPORTER, "tls-exporter");
  else
    add_binding (bindings, tls, G_TLS_CHANNEL_BINDING_TLS_UNIQUE, "tls-unique");
  add_binding (bindings, tls, G_TLS_CHANNEL_BINDING_TLS_SERVER_END_POINT, "tls-server-end-point");

  return bindings;
}
