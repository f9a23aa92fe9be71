/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/tess-message.h"

G_BEGIN_DECLS

TessMessage *tess_message_new    (const TessMessageRecord *record);
/* The same message (by id) as it is now. */
void         tess_message_update (TessMessage *self, const TessMessageRecord *record);

/* The order of a timeline. */
int          tess_message_record_compare (const TessMessageRecord *a, const TessMessageRecord *b);

G_END_DECLS
