/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How a TLS connection is begun; the numbers are those of TessTlsMode in xmpp/. Kept in the database. */
typedef enum
{
  TESS_ACCOUNT_TLS_AUTOMATIC,
  TESS_ACCOUNT_TLS_DIRECT,
  TESS_ACCOUNT_TLS_STARTTLS,
} TessAccountTls;

/* By which way it connects; the numbers are those of TessProxyKind in xmpp/. Kept in the database. */
typedef enum
{
  TESS_ACCOUNT_PROXY_DESKTOP, /* as the desktop is set */
  TESS_ACCOUNT_PROXY_NONE,
  TESS_ACCOUNT_PROXY_SOCKS5,
  TESS_ACCOUNT_PROXY_HTTP,
} TessAccountProxy;

/**
 * TessAccountRecord:
 * @id: the row in the database, 0 before it is stored
 * @address: the bare address, prepared
 * @name: (nullable): how the person calls themselves
 * @host: (nullable): a server that overrides DNS
 * @port: 0 for the default
 * @enabled: whether it connects by itself
 * @scram_seen: SCRAM or a certificate (EXTERNAL) has worked once, so PLAIN is never used again
 * @binding_seen: the login was bound to the TLS connection once (SCRAM-…-PLUS): one that is not is refused from then on
 * @proxy: by which way it connects
 * @proxy_host: (nullable): of SOCKS5 and HTTP
 * @proxy_port: of it
 * @proxy_username: (nullable): its password is kept by the Secret Service
 * @pin: (nullable): the fingerprint of the one certificate that the person accepts for this account
 * @remember_key: warn when the server comes with another key than last time (opt-in)
 * @server_key: (nullable): the key fingerprint that is remembered
 * @certificate: (nullable): whose our own certificate is, for SASL EXTERNAL; the certificate and its key are kept by the Secret
 *   Service
 * @keep_key: the Secret Service gets the key that is derived from the password instead of the password
 * @user_agent_id: (nullable): a UUID that names this account on this machine to its server (XEP-0388)
 * @blind_trust: blind trust before verification
 * @roster_version: (nullable): of the roster that is stored (RFC 6121 section 2.6)
 * @archive_id: (nullable): the newest archived message that is known (XEP-0313); "" when the archive was asked and was empty
 * @archive_us: where it stands in the timelines; 0 when that is not known
 * @send_receipts: devices of others are told what has arrived (XEP-0184)
 * @send_markers: others are told what has been read (XEP-0333); the own devices always are
 *
 * One account. The password is never part of it.
 */
typedef struct
{
  gint64         id;
  char          *address;
  char          *name;
  char          *host;
  guint16        port;
  TessAccountTls tls;
  gboolean       enabled;
  gboolean       scram_seen;
  gboolean       binding_seen;
  TessAccountProxy proxy;
  char          *proxy_host;
  guint16        proxy_port;
  char          *proxy_username;
  char          *pin;
  gboolean       remember_key;
  char          *server_key;
  char          *certificate;
  gboolean       keep_key;
  char          *user_agent_id;
  gboolean       blind_trust;
  char          *roster_version;
  char          *archive_id;
  gint64         archive_us;
  gboolean       send_receipts;
  gboolean       send_markers;
} TessAccountRecord;

TessAccountRecord *tess_account_record_new  (const char *address);
TessAccountRecord *tess_account_record_copy (const TessAccountRecord *self);
void               tess_account_record_free (TessAccountRecord *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessAccountRecord, tess_account_record_free)

G_END_DECLS
