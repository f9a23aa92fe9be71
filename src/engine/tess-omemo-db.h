/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo/tess-omemo-store.h"
#include "store/tess-store.h"

G_BEGIN_DECLS

/* OMEMO's storage of one account over the database: the data pointer of [func@tess_omemo_db_get_table]. Engine thread. */
typedef struct _TessOmemoDb TessOmemoDb;

TessOmemoDb *tess_omemo_db_new  (TessStore *store, gint64 account_id); /* @store must live longer */
void         tess_omemo_db_free (TessOmemoDb *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessOmemoDb, tess_omemo_db_free)

const TessOmemoStore *tess_omemo_db_get_table (void);

/**
 * tess_omemo_db_begin_page:
 *
 * Inside a transaction that will hold many messages: from now on sessions and the rows of their devices are kept in memory, and are
 * written by [func@tess_omemo_db_end_page], once for each device instead of once for each message. Nothing else may be done with the
 * account's OMEMO meanwhile than to decrypt. Engine thread.
 */
void     tess_omemo_db_begin_page (TessOmemoDb *self);
/* Writes what was kept, before the commit; on an error the caller rolls back. */
gboolean tess_omemo_db_end_page   (TessOmemoDb *self, GError **error);

/* A level within a page, for each message: reverting takes back what was saved since the last mark. Nothing outside of a page. */
void     tess_omemo_db_mark       (TessOmemoDb *self);
void     tess_omemo_db_revert     (TessOmemoDb *self);

G_END_DECLS
