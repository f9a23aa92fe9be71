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

/**
 * TessAccountRecord:
 * @id: the row in the database, 0 before it is stored
 * @address: the bare address, prepared
 * @name: (nullable): how the person calls themselves
 * @host: (nullable): a server that overrides DNS
 * @port: 0 for the default
 * @enabled: whether it connects by itself
 * @scram_seen: SCRAM has worked once, so PLAIN is never used again
 * @blind_trust: blind trust before verification
 * @roster_version: (nullable): of the roster that is stored (RFC 6121 section 2.6)
 * @archive_id: (nullable): the newest archived message that is stored (XEP-0313)
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
  gboolean       blind_trust;
  char          *roster_version;
  char          *archive_id;
} TessAccountRecord;

TessAccountRecord *tess_account_record_new  (const char *address);
TessAccountRecord *tess_account_record_copy (const TessAccountRecord *self);
void               tess_account_record_free (TessAccountRecord *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessAccountRecord, tess_account_record_free)

G_END_DECLS
