/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "base/tess-certificate.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Certificates as a person sees them, and our own for the login. Any thread. */

/**
 * tess_certificate_read:
 * @faults: what TLS says of it
 *
 * Returns: (transfer full) (nullable): what stands in @certificate; %NULL when it cannot be read at all
 */
TessCertificate *tess_certificate_read (GTlsCertificate *certificate, GTlsCertificateFlags faults);

/* The same from its bytes (DER), at most 128 KiB, without faults. */
TessCertificate *tess_certificate_read_der (const guint8 *der, gsize size);

/* The chain of a connection, the server's own first, at most 8. Returns: (transfer full) (element-type TessCertificate) */
GPtrArray *tess_certificate_read_chain (GTlsCertificate *certificate);

/**
 * tess_certificate_names_service:
 * @domain: the prepared domain of an account
 * @ascii: the same as DNS has it
 *
 * What GLib does not look at: it knows DNS names and, without any, the common name.
 *
 * Returns: whether an SRV-ID "_xmpp-client.@ascii" (RFC 4985) or an XmppAddr @domain (RFC 6120 section 13.7.1.4) is among
 *   its names, and no authority of its chain is constrained in what it may name
 */
gboolean tess_certificate_names_service (GTlsCertificate *certificate, const char *domain, const char *ascii);

/* Whether it may stand for a server: its extended key usage, if any, says so (RFC 5280 section 4.2.1.12). GLib does not look. */
gboolean tess_certificate_is_for_servers (GTlsCertificate *certificate);

/**
 * tess_certificate_import:
 * @data: the content of a file, PKCS#12 or PEM, at most 1 MiB
 * @passphrase: (nullable): of the file
 * @wants_passphrase: (out) (optional): %TRUE when the file is encrypted and @passphrase is missing or wrong
 *
 * Our own certificate for SASL EXTERNAL, with its key and what is between it and its authority.
 *
 * Returns: (transfer full) (nullable): PEM, certificates and the plain key: a secret, free with tess_wipe_string ();
 *   %NULL with %TESS_XMPP_ERROR_CLIENT_CERTIFICATE, one sentence for a person
 */
char *tess_certificate_import (GBytes *data, const char *passphrase, gboolean *wants_passphrase, GError **error);

/* From what tess_certificate_import () gave. Returns: (transfer full) (nullable): with its key. */
GTlsCertificate *tess_certificate_from_pem (const char *pem, GError **error);

G_END_DECLS
