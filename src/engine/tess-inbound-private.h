/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Between tess-inbound.c, which takes one message, and tess-inbound-page.c, which takes a page of the archive. */

#include "engine/tess-inbound.h"

G_BEGIN_DECLS

#define TESS_INBOUND_NO_TIME G_MININT64

/* What a message has to know of its conversation; during a page it is read once. */
typedef struct
{
  gint64                     id;
  TessConversationEncryption encryption;
  gint64                     last_us; /* of its newest message, or TESS_INBOUND_NO_TIME */
  gint64                     uncounted; /* the first of the messages of the page that are not in `unread` yet, or 0 */
  guint                      rows; /* how many the page has added */
  gint64                     past_us; /* the newest of them that is no news, because this device was not there yet; or 0 */
  gint64                     past_id;
} TessInboundPlace;

/* Fills from and to of a message out of its wrapper, whose sender was checked. Returns: %FALSE when it is none of ours. */
gboolean tess_inbound_fill_addresses (TessSession *session, TessInbound *in, TessJid **from, TessJid **to);
/* Decrypts and stores it. Returns: %FALSE when the database failed; the person has been told then. */
gboolean tess_inbound_take           (TessSession *session, const TessInbound *in);
/* What was added to the conversation during a page is counted at once. */
gboolean tess_inbound_count_unread   (TessSession *session, TessInboundPlace *place, GError **error);
/* Nothing was kept: the archive is asked again from where the database stands. @place: (transfer full) */
void     tess_inbound_refuse         (TessSession *session, char *place, gint64 place_us, const GError *error);

G_END_DECLS
