/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo/tess-omemo-trust.h"

/* What an event makes of a trust. */
typedef enum
{
  STAY,
  FIRST, /* as a device that turns up now */
  UNDECIDED,
  BLIND,
  VERIFIED,
  DISTRUSTED,
} Turn;

/* And of an alarm. */
typedef enum
{
  KEEP,
  RAISE,
  CALM,
} Bell;

/* A person's decision counts for the device, whatever came before, and answers an alarm. What comes by itself or over the network
 * never makes trust greater: another key rings the bell and leaves the decision; a learnt key takes blind trust back where a
 * verified key stands beside it by now. A code that a person scanned is as good as the comparison of the digits, but of a device that
 * they distrusted only they say otherwise. */
static const struct
{
  Turn     turns[TESS_OMEMO_N_TRUSTS];
  Bell     bell;
  gboolean needs_key;
} table[TESS_OMEMO_N_TRUST_EVENTS] = {
  /*                                       UNDECIDED   BLIND       VERIFIED    DISTRUSTED */
  [TESS_OMEMO_TRUST_EVENT_KEY_LEARNT] = { { STAY,      FIRST,      STAY,       STAY },       KEEP,  FALSE },
  [TESS_OMEMO_TRUST_EVENT_OTHER_KEY] =  { { STAY,      STAY,       STAY,       STAY },       RAISE, FALSE },
  [TESS_OMEMO_TRUST_EVENT_SCAN_SAME] =  { { VERIFIED,  VERIFIED,   VERIFIED,   STAY },       CALM,  TRUE },
  [TESS_OMEMO_TRUST_EVENT_SCAN_OTHER] = { { STAY,      STAY,       STAY,       STAY },       RAISE, TRUE },
  [TESS_OMEMO_TRUST_EVENT_VERIFY] =     { { VERIFIED,  VERIFIED,   VERIFIED,   VERIFIED },   CALM,  TRUE },
  [TESS_OMEMO_TRUST_EVENT_TRUST] =      { { BLIND,     BLIND,      BLIND,      BLIND },      CALM,  TRUE },
  [TESS_OMEMO_TRUST_EVENT_POSTPONE] =   { { UNDECIDED, UNDECIDED,  UNDECIDED,  UNDECIDED },  CALM,  FALSE },
  [TESS_OMEMO_TRUST_EVENT_DISTRUST] =   { { DISTRUSTED, DISTRUSTED, DISTRUSTED, DISTRUSTED }, CALM, FALSE },
};

TessOmemoTrust
tess_omemo_trust_first (gboolean blind, gboolean verified)
{
  return blind && !verified ? TESS_OMEMO_TRUST_BLIND : TESS_OMEMO_TRUST_UNDECIDED;
}

gboolean
tess_omemo_trust_step (TessOmemoTrustState *state, TessOmemoTrustEvent event, TessOmemoTrust first, gboolean has_key)
{
  g_return_val_if_fail ((guint) event < TESS_OMEMO_N_TRUST_EVENTS && (guint) state->trust < TESS_OMEMO_N_TRUSTS, FALSE);

  if (table[event].needs_key && !has_key)
    return FALSE;
  switch (table[event].turns[state->trust])
    {
    case FIRST:
      state->trust = first;
      break;
    case UNDECIDED:
      state->trust = TESS_OMEMO_TRUST_UNDECIDED;
      break;
    case BLIND:
      state->trust = TESS_OMEMO_TRUST_BLIND;
      break;
    case VERIFIED:
      state->trust = TESS_OMEMO_TRUST_VERIFIED;
      break;
    case DISTRUSTED:
      state->trust = TESS_OMEMO_TRUST_DISTRUSTED;
      break;
    case STAY:
    default:
      break;
    }
  if (table[event].bell != KEEP)
    state->alarm = table[event].bell == RAISE;
  return TRUE;
}

gboolean
tess_omemo_trust_may_read (TessOmemoTrustState state)
{
  return !state.alarm && (state.trust == TESS_OMEMO_TRUST_BLIND || state.trust == TESS_OMEMO_TRUST_VERIFIED);
}
