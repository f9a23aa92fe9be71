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
 * @stamped: it came live, and @time_us is out of a stamp that our server may have put on it, or the sender (C14)
 * @history: it was archived before this device was ever here: nothing that we could read is missed
 * @places: (nullable): what is known of the conversations of its page
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
  gboolean          stamped;
  gboolean          history;
  GHashTable       *places;
} TessInbound;

/* Listens for messages on the session's router. */
void tess_inbound_listen (TessSession *session);

/* One message out of the archive, owned. */
typedef struct
{
  char     *id;      /* what the archive calls it */
  gint64    time_us; /* 0: not known */
  TessNode *message;
  gsize     memory; /* bytes that it takes */
} TessInboundArchived;

/* Takes the message out of @result. */
TessInboundArchived *tess_inbound_archived_new  (const TessMamResult *result);
void                 tess_inbound_archived_free (TessInboundArchived *self);

/**
 * tess_inbound_take_page:
 * @results: (element-type TessInboundArchived): in the order of the archive
 * @history: they were archived before this device was ever here
 *
 * Decrypts and stores them in one transaction, and moves the place in the archive behind the last of them. One that the database
 * refuses ends it there: what stands before it is stored. Engine thread.
 *
 * Returns: %FALSE when the database failed; the person has been told then
 */
gboolean tess_inbound_take_page (TessSession *session, GPtrArray *results, gboolean history);

G_END_DECLS
