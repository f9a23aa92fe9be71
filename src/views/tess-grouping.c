/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-grouping.h"
#include "views/tess-text.h"

void
tess_grouping_key_init (TessGroupingKey *key, TessMessage *message)
{
  key->outgoing = tess_message_get_outgoing (message);
  key->time_us = tess_message_get_time (message);
  key->encryption = tess_message_get_encryption (message);
  key->trust = tess_message_get_trust (message);
  key->device = tess_message_get_device (message);
  key->state = tess_message_get_state (message);
}

gboolean
tess_grouping_joins (const TessGroupingKey *previous, const TessGroupingKey *next)
{
  if (previous->outgoing != next->outgoing || previous->encryption != next->encryption)
    return FALSE;
  /* Another device, or another trust in it, is another lock. */
  if (previous->encryption != TESS_ENCRYPTION_NONE &&
      (previous->trust != next->trust || previous->device != next->device))
    return FALSE;
  /* A message that failed keeps its reason and its button to itself; a different tick needs its own place. */
  if (previous->outgoing && (previous->state != next->state || previous->state == TESS_MESSAGE_FAILED))
    return FALSE;
  if (next->time_us < previous->time_us || next->time_us - previous->time_us >= TESS_GROUPING_GAP_US)
    return FALSE;
  return tess_text_same_day (previous->time_us, next->time_us);
}
