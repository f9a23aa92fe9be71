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
 * @place_us: out of the archive: where it stands in its timeline
 * @hold: older ones may still come: what cannot be decrypted is put by
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
  gint64            place_us;
  gboolean          hold;
  gboolean          stamped;
  gboolean          history;
  GHashTable       *places;
} TessInbound;

/* Listens for messages on the session's router. */
void tess_inbound_listen (TessSession *session);

/* One message out of the archive, owned. */
typedef struct
{
  char     *id;      /* nullable: what the archive calls it */
  gint64    time_us; /* when it was archived; 0: not known */
  gint64    stamp_us; /* the same, be it in the future; 0: not known */
  gint64    latest_us; /* as time_us, where a stamp says the second only */
  TessNode *message;
  gsize     memory; /* bytes that it takes */

  /* What is found out about it in the transaction of its page. */
  TessJid *from; /* nullable: both: it is none of ours */
  TessJid *to;
  gboolean outgoing;
  gint64   known_id;
  gint64   known_us; /* where the known one stands */
  gboolean unplaced; /* …which was its place only until the archive said what it is */
  gboolean below;    /* it, or one behind it, is known and stands at the older end of the page or below it */
  gint64   least_us; /* above what keeps its place before it */
  gint64   place_us;
} TessInboundArchived;

/* In the transaction of a page, when all of it is stored. */
typedef gboolean (*TessInboundPageFunc) (gpointer user_data, GError **error);

/**
 * TessInboundPage:
 * @history: it was archived before this device was ever here
 * @hold: see TessInbound
 * @placed: the times of the results are their places
 * @known_only: what is not stored is not wanted
 * @within: what is older than the older end is not wanted
 * @older_us: what stands in a conversation up to here is older than the page
 * @newer_us: what stands in it from here on is newer
 * @begin: (nullable): what comes before it
 * @finish: (nullable): what belongs to the page as a whole
 * @new_rows: how many messages it added
 * @first_us: the place of its oldest message, known or not; 0 before there is any
 * @last_us: that of its newest one
 * @bounds: between what the messages of a conversation have to stand
 *
 * A page of the archive, which may be taken in several parts, one after the other.
 */
typedef struct
{
  gboolean            history;
  gboolean            hold;
  gboolean            placed;
  gboolean            known_only;
  gboolean            within;
  gint64              older_us;
  gint64              newer_us;
  TessInboundPageFunc begin;
  TessInboundPageFunc finish;
  gpointer            user_data;
  guint               new_rows;
  gint64              first_us;
  gint64              last_us;
  GHashTable         *bounds;
} TessInboundPage;

void tess_inbound_page_init  (TessInboundPage *self, gint64 older_us, gint64 newer_us);
void tess_inbound_page_clear (TessInboundPage *self);

/* Takes the message out of @result. */
TessInboundArchived *tess_inbound_archived_new  (const TessMamResult *result);
void                 tess_inbound_archived_free (TessInboundArchived *self);

/**
 * tess_inbound_take_page:
 * @results: (element-type TessInboundArchived): in the order of the archive
 * @last: this is all of the page: @page's `finish` belongs to the transaction
 *
 * Decrypts and stores them in one transaction. In a conversation they stand in the order of the archive, near the time of its stamps. One
 * that the database refuses ends it there: what stands before it is stored, and the page is not finished. Engine thread.
 *
 * Returns: %FALSE when the database failed; the person has been told then
 */
gboolean tess_inbound_take_page (TessSession *session, GPtrArray *results, TessInboundPage *page, gboolean last);

G_END_DECLS
