/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-session.h"

G_BEGIN_DECLS

typedef enum
{
  TESS_INBOUND_LIVE,
  TESS_INBOUND_CARBON,
  TESS_INBOUND_ARCHIVE,
} TessInboundSource;

/**
 * TessInbound:
 * @message: without its wrapper
 * @from: authenticated: by the stream, or by the wrapper whose sender was checked
 * @outgoing: one of our own devices sent it
 * @archive_id: (nullable): what the own archive calls it
 * @time_us: when it was sent
 * @history: it was archived before this device was ever here: nothing that we could read is missed
 *
 * A message on its way in, whatever way it came. Borrowed.
 */
typedef struct
{
  const TessNode   *message;
  TessJid          *from;
  TessJid          *to;
  gboolean          outgoing;
  TessInboundSource source;
  const char       *archive_id;
  gint64            time_us;
  gboolean          history;
} TessInbound;

/* Listens for messages on the session's router. */
void tess_inbound_listen (TessSession *session);

/**
 * tess_inbound_take_archived:
 *
 * Engine thread.
 *
 * Returns: %FALSE when the database failed; the person has been told then
 */
gboolean tess_inbound_take_archived (TessSession *session, const TessMamResult *result, gboolean history);

G_END_DECLS
