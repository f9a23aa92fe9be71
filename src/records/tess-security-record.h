/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "base/tess-certificate.h"

#include <glib.h>

G_BEGIN_DECLS

/* What the server, or the person, could do better; several may hold. The views have a sentence for each. */
typedef enum
{
  TESS_ADVICE_NONE = 0,
  TESS_ADVICE_OLD_TLS = 1 << 0,           /* TLS 1.2, where 1.3 is there since 2018 */
  TESS_ADVICE_NO_BINDING = 1 << 1,        /* the login is not bound to the connection */
  TESS_ADVICE_PASSWORD_SENT = 1 << 2,     /* PLAIN: the server sees the password itself */
  TESS_ADVICE_OLD_HASH = 1 << 3,          /* SCRAM-SHA-1 is the best that is offered */
  TESS_ADVICE_PLAIN_OFFERED = 1 << 4,     /* not used by us, but others may be tricked into it */
  TESS_ADVICE_LIST_UNPROVEN = 1 << 5,     /* no XEP-0474: a list of mechanisms can be shortened on the way */
  TESS_ADVICE_PINNED = 1 << 6,            /* the certificate is accepted by the person only */
  TESS_ADVICE_CERTIFICATE_ENDS = 1 << 7,  /* within 14 days */
  TESS_ADVICE_WEAK_KEY = 1 << 8,          /* RSA under 2048 bits, or a signature with SHA-1 */
  TESS_ADVICE_NO_MANAGEMENT = 1 << 9,     /* no XEP-0198: what is on its way when the network breaks may be lost */
  TESS_ADVICE_NO_ARCHIVE = 1 << 10,       /* no XEP-0313 */
} TessAdvice;

/**
 * TessSecurityRecord:
 * @tls_version: "TLSv1.3"
 * @tls_cipher: (nullable): "TLS_AES_256_GCM_SHA384" or as the library names it
 * @direct_tls: TLS from the first byte (XEP-0368), or STARTTLS
 * @host: (nullable): where the socket went
 * @proxy: (nullable): the proxy that it went through, "socks5://localhost:9050"
 * @chain: (element-type TessCertificate): the server's own first
 * @sasl: "SCRAM-SHA-256-PLUS", "EXTERNAL", "HT-SHA-256-EXPR"
 * @channel_binding: (nullable): "tls-exporter"
 * @mechanisms: all that the server offered
 * @sasl2: by XEP-0388
 * @fast: by a token (XEP-0484)
 * @list_proven: the server signed what it offered (XEP-0474)
 * @since_us: microseconds since 1970: when this connection was made
 * @advice: what could be better
 *
 * How an account is connected. Immutable once made, owned plain data.
 */
typedef struct
{
  char      *tls_version;
  char      *tls_cipher;
  gboolean   direct_tls;
  char      *host;
  char      *proxy;
  GPtrArray *chain;
  char      *sasl;
  char      *channel_binding;
  char     **mechanisms;
  gboolean   sasl2;
  gboolean   fast;
  gboolean   list_proven;
  gint64     since_us;
  TessAdvice advice;
} TessSecurityRecord;

TessSecurityRecord *tess_security_record_new  (void); /* with an empty chain */
TessSecurityRecord *tess_security_record_copy (const TessSecurityRecord *self); /* NULL gives NULL */
void                tess_security_record_free (TessSecurityRecord *self);       /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessSecurityRecord, tess_security_record_free)

G_END_DECLS
