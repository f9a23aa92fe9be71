/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo/tess-omemo-types.h"

G_BEGIN_DECLS

/* What happens to the trust in one device of somebody else's, or in another one of one's own. */
typedef enum
{
  TESS_OMEMO_TRUST_EVENT_KEY_LEARNT, /* its identity key was bound to it */
  TESS_OMEMO_TRUST_EVENT_OTHER_KEY,  /* another identity key came under its id, or its key under another address (D2, D3) */
  TESS_OMEMO_TRUST_EVENT_SCAN_SAME,  /* a scanned code names its id with its key */
  TESS_OMEMO_TRUST_EVENT_SCAN_OTHER, /* a scanned code names its id with another key */
  TESS_OMEMO_TRUST_EVENT_VERIFY,     /* the person compared the fingerprint: they match */
  TESS_OMEMO_TRUST_EVENT_TRUST,      /* the person trusts it unseen */
  TESS_OMEMO_TRUST_EVENT_POSTPONE,   /* the person does not want to decide yet */
  TESS_OMEMO_TRUST_EVENT_DISTRUST,   /* the person wants it to read nothing */
} TessOmemoTrustEvent;

#define TESS_OMEMO_N_TRUSTS (TESS_OMEMO_TRUST_DISTRUSTED + 1)
#define TESS_OMEMO_N_TRUST_EVENTS (TESS_OMEMO_TRUST_EVENT_DISTRUST + 1)

/**
 * TessOmemoTrustState:
 * @trust: what was decided
 * @alarm: a key was seen that is not the device's own, and nobody has decided since: nothing is sent to it
 */
typedef struct
{
  TessOmemoTrust trust;
  gboolean       alarm;
} TessOmemoTrustState;

/**
 * tess_omemo_trust_first:
 * @blind: whether blind trust before verification is on for this person
 * @verified: whether a key of this person is verified, the local device not counted
 *
 * Returns: the trust in a device that turns up now
 */
TessOmemoTrust tess_omemo_trust_first (gboolean blind, gboolean verified);

/**
 * tess_omemo_trust_step:
 * @first: what [func@tess_omemo_trust_first] says now: what has been trusted by its id alone is looked at again when its key comes
 * @has_key: whether the key of the device is known; it is after %TESS_OMEMO_TRUST_EVENT_KEY_LEARNT
 *
 * One step of the machine. Pure, any thread.
 *
 * Returns: %FALSE where the event cannot happen to such a device (there is no key to look at); @state is then as it was
 */
gboolean tess_omemo_trust_step (TessOmemoTrustState *state, TessOmemoTrustEvent event, TessOmemoTrust first, gboolean has_key);

/* Whether a device in this state gets messages. */
gboolean tess_omemo_trust_may_read (TessOmemoTrustState state);

G_END_DECLS
