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

G_END_DECLS
