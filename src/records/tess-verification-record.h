/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "records/tess-device-record.h"

G_BEGIN_DECLS

/* What a code says of one device, beside what is known. */
typedef enum
{
  TESS_CHECK_MATCHES,    /* its key is the one that is known */
  TESS_CHECK_VERIFIED,   /* the same, and it was verified before */
  TESS_CHECK_DISTRUSTED, /* the same, but the person distrusts it, and a code does not change that */
  TESS_CHECK_UNKNOWN,    /* no key is known under this id */
  TESS_CHECK_DIFFERS,    /* another key is known under this id */
  TESS_CHECK_LOCAL,      /* this very device */
} TessCheck;

/**
 * TessCheckedDevice:
 * @id: 0 when the code names none and its key is unknown
 * @fingerprint: (not nullable): what the code says, 64 lower-case hexadecimal digits
 * @trust, @key_alarm: before the code was applied
 */
typedef struct
{
  guint32   id;
  char     *fingerprint;
  TessCheck check;
  TessTrust trust;
  gboolean  key_alarm;
} TessCheckedDevice;

/* The outcome of a verification code, of which the first that fits counts. */
typedef enum
{
  TESS_VERIFICATION_FOREIGN,    /* it is another person's */
  TESS_VERIFICATION_MISMATCH,   /* a key differs: nothing was verified */
  TESS_VERIFICATION_MATCHES,    /* devices are verified by it, or would be */
  TESS_VERIFICATION_UNKNOWN,    /* it names only devices that are not known */
  TESS_VERIFICATION_DISTRUSTED, /* it names only devices that the person distrusts */
  TESS_VERIFICATION_NOTHING,    /* it names only this very device */
} TessVerificationOutcome;

/**
 * TessVerificationRecord:
 * @address: whose code it is, bare
 * @devices: (element-type TessCheckedDevice): in the order of the code; empty for somebody else's
 * @asked: whether the server could be asked for what was not known
 * @applied: whether something was changed by it
 */
typedef struct
{
  TessVerificationOutcome outcome;
  char                   *address;
  GPtrArray              *devices;
  gboolean                asked;
  gboolean                applied;
} TessVerificationRecord;

TessVerificationRecord *tess_verification_record_new  (const char *address);
TessVerificationRecord *tess_verification_record_copy (const TessVerificationRecord *self);
void                    tess_verification_record_free (TessVerificationRecord *self);
void                    tess_verification_record_add  (TessVerificationRecord *self, guint32 id, const char *fingerprint, TessCheck check,
                                                       TessTrust trust, gboolean key_alarm);
/* How many devices of the code are @check. */
guint                   tess_verification_record_count (const TessVerificationRecord *self, TessCheck check);
/* Sets the outcome by what stands in @devices. */
void                    tess_verification_record_conclude (TessVerificationRecord *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessVerificationRecord, tess_verification_record_free)

G_END_DECLS
