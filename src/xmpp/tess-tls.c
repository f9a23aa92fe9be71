/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-tls.h"

#include "xmpp/tess-jid-prepare.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>

typedef struct
{
  GTlsConnection      *tls;
  char                *domain;
  GTlsCertificateFlags errors; /* of the refused certificate */
} Handshake;

static void
handshake_free (gpointer data)
{
  Handshake *handshake = data;

  g_signal_handlers_disconnect_by_data (handshake->tls, handshake);
  g_object_unref (handshake->tls);
  g_free (handshake->domain);
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

static gboolean
accept_certificate_cb (GTlsConnection *tls, GTlsCertificate *certificate, GTlsCertificateFlags errors, gpointer data)
{
  ((Handshake *) data)->errors |= errors;
  return FALSE;
}

static GError *
explain (const Handshake *handshake, const GError *cause)
{
  GTlsCertificateFlags errors = handshake->errors | g_tls_connection_get_peer_certificate_errors (handshake->tls);
  g_autofree char     *sentence = NULL;

  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_error_copy (cause);
  if (errors != 0 || g_error_matches (cause, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
    {
      sentence = tess_tls_describe_errors (errors, handshake->domain);
      return g_error_new_literal (TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_CERTIFICATE, sentence);
    }
  g_debug ("TLS: %s", cause->message);
  return g_error_new (TESS_XMPP_ERROR, TESS_XMPP_ERROR_NO_TLS,
                      _ ("No encrypted connection to %s could be made. Check the server, the port and the kind of "
                         "encryption, or ask the server’s operator."), handshake->domain);
}

static void
handshake_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask)  task = data;
  g_autoptr (GError) error = NULL;
  Handshake         *handshake = g_task_get_task_data (task);

  if (!g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, &error))
    {
      g_task_return_error (task, explain (handshake, error));
      return;
    }
  if (tess_tls_get_version (G_IO_STREAM (source)) == NULL)
    {
      g_task_return_new_error (task, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NO_TLS,
                               _ ("The encryption of %s is too old to be safe. Ask the server’s operator to update it."),
                               handshake->domain);
      return;
    }
  g_task_return_pointer (task, g_object_ref (source), g_object_unref);
}

void
tess_tls_handshake_async (GIOStream           *base,
                          const char          *domain,
                          GTlsDatabase        *trust,
                          gboolean             direct,
                          GCancellable        *cancellable,
                          GAsyncReadyCallback  callback,
                          gpointer             user_data)
{
  static const char *const       alpn[] = { "xmpp-client", NULL };
  g_autoptr (GTask)              task = g_task_new (NULL, cancellable, callback, user_data);
  g_autofree char               *name = tess_jid_domain_to_ascii (domain);
  g_autoptr (GSocketConnectable) identity = g_network_address_new (name != NULL ? name : domain, 5222);
  g_autoptr (GIOStream)          tls = NULL;
  GError                        *error = NULL;
  Handshake                     *handshake;

  g_task_set_source_tag (task, tess_tls_handshake_async);
  tls = g_tls_client_connection_new (base, identity, &error);
  if (tls == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (trust != NULL)
    g_tls_connection_set_database (G_TLS_CONNECTION (tls), trust);
  if (direct)
    g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (tls), alpn);

  handshake = g_new0 (Handshake, 1);
  handshake->tls = G_TLS_CONNECTION (g_object_ref (tls));
  handshake->domain = g_strdup (domain);
  g_task_set_task_data (task, handshake, handshake_free);
  g_signal_connect (tls, "accept-certificate", G_CALLBACK (accept_certificate_cb), handshake);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (tls), G_PRIORITY_DEFAULT, cancellable, handshake_cb,
                                    g_steal_pointer (&task));
}

GIOStream *
tess_tls_handshake_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
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
