/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Why a certificate was refused; several may hold. Kept in no database. */
typedef enum
{
  TESS_CERTIFICATE_FINE = 0,
  TESS_CERTIFICATE_UNKNOWN_ISSUER = 1 << 0,
  TESS_CERTIFICATE_OTHER_NAME = 1 << 1,
  TESS_CERTIFICATE_NOT_YET_VALID = 1 << 2,
  TESS_CERTIFICATE_EXPIRED = 1 << 3,
  TESS_CERTIFICATE_REVOKED = 1 << 4,
  TESS_CERTIFICATE_INSECURE = 1 << 5,   /* a key or a signature that is too weak */
  TESS_CERTIFICATE_BROKEN = 1 << 6,     /* anything else */
  TESS_CERTIFICATE_NOT_PINNED = 1 << 7, /* another one than the person has pinned */
  TESS_CERTIFICATE_OTHER_KEY = 1 << 8,  /* another key than the one that is remembered of this server */
} TessCertificateFaults;

/**
 * TessCertificate:
 * @fingerprint: SHA-256 of the whole certificate (DER), 64 lowercase hex digits
 * @key_fingerprint: SHA-256 of its SubjectPublicKeyInfo (RFC 7469 section 2.4), 64 lowercase hex digits
 * @subject: (nullable): its distinguished name
 * @issuer: (nullable): the distinguished name of who issued it
 * @names: (nullable): the names that it is good for: DNS names, SRV names and XMPP addresses, at most 64
 * @not_before_us: microseconds since 1970
 * @not_after_us: microseconds since 1970
 * @key: (nullable): "RSA 2048", "ECDSA 256"
 * @signature: (nullable): "RSA-SHA256"
 * @faults: what is wrong with it here
 *
 * What a person may want to know of a certificate: owned plain data. All strings are foreign, at most 512 characters each, and
 * valid UTF-8 without control characters.
 */
typedef struct
{
  char                 *fingerprint;
  char                 *key_fingerprint;
  char                 *subject;
  char                 *issuer;
  char                **names;
  gint64                not_before_us;
  gint64                not_after_us;
  char                 *key;
  char                 *signature;
  TessCertificateFaults faults;
} TessCertificate;

TessCertificate *tess_certificate_copy (const TessCertificate *self);
void             tess_certificate_free (TessCertificate *self); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessCertificate, tess_certificate_free)

G_END_DECLS
