/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-router.h"

G_BEGIN_DECLS

#define TESS_XEP_MAM_NS "urn:xmpp:mam:2"
#define TESS_XEP_RSM_NS "http://jabber.org/protocol/rsm"

#define TESS_XEP_MAM_MAX_PAGE 1000

/* What to ask an archive for (XEP-0313 section 4, XEP-0059). Borrowed while it is asked. */
typedef struct
{
  TessJid    *archive;   /* nullable: a room; the own account's archive when NULL */
  TessJid    *with;      /* nullable: only messages with this address */
  gint64      start_us;  /* 0: from the beginning; microseconds since 1970 */
  gint64      end_us;    /* 0: to the end */
  const char *after_id;  /* nullable: the page that follows this archive id, oldest first */
  const char *before_id; /* nullable: the page just before this archive id; "": the newest page.
                            With after_id it ends the range, for urn:xmpp:mam:2#extended only */
  guint       max;       /* how many a page: 1 to TESS_XEP_MAM_MAX_PAGE; 0 for 50 */
} TessMamQuery;

/* One archived message; all borrowed. */
typedef struct
{
  TessJid        *archive; /* the own bare address, or the room */
  const char     *id;      /* the archive's id: the same as a stanza-id by `archive` */
  gint64 time_us; /* microseconds since 1970, not in the future; 0 when the archive does not say */
  gint64 stamp_us; /* the same as the archive wrote it, for whoever wants to know what time it is there */
  const TessNode *message;
} TessMamResult;

/* The end of a page; all borrowed. */
typedef struct
{
  gboolean    complete; /* there is nothing further in that direction */
  const char *first;    /* nullable: the ids at the ends of the page; NULL for an empty one */
  const char *last;
  gint64      count;    /* of the whole set; -1 when the archive does not say */
  guint       results;  /* how many messages of this page were delivered */
} TessMamPage;

typedef void (*TessMamResultFunc) (const TessMamResult *result, gpointer user_data);

/* The message out of its wrapper, for a result function that keeps it. (transfer full) */
TessNode *tess_xep_mam_result_take (const TessMamResult *result);

/**
 * TessMamPageFunc:
 * @page: (nullable): borrowed
 * @error: (nullable): why there is none; %TESS_XMPP_ERROR_ITEM_NOT_FOUND when `after_id` or
 * `before_id` is no longer in the archive
 *
 * Called exactly once, after the last result, unless cancelled. The query is over then; a new one
 * may be started from within.
 */
typedef void (*TessMamPageFunc) (const TessMamPage *page, const GError *error, gpointer user_data);

/**
 * TessMam:
 *
 * The open queries of one account. Takes every message with a `<result/>`: it is delivered to the
 * query that asked for it, or dropped (attacks row C2). Engine thread.
 */
typedef struct _TessMam TessMam;

TessMam *tess_xep_mam_new  (TessRouter *router); /* @router must live longer */
void     tess_xep_mam_free (TessMam *self);      /* cancels all */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessMam, tess_xep_mam_free)

/* Asks for one page. Returns: an id for tess_xep_mam_cancel(), never 0. */
guint tess_xep_mam_query  (TessMam            *self,
                           const TessMamQuery *query,
                           TessMamResultFunc   result,
                           TessMamPageFunc     page,
                           gpointer            user_data);
void  tess_xep_mam_cancel (TessMam *self, guint id); /* an id that is unknown or done is fine */

G_END_DECLS
