/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/tess-contact.h"

G_BEGIN_DECLS

TessContact *tess_contact_new    (const TessContactRecord *record);
void         tess_contact_update (TessContact *self, const TessContactRecord *record);

/* What stands for @address where nobody gave a name: its local part, cleaned, or @address itself. (transfer full) */
char        *tess_contact_name_for_address (const char *address);

G_END_DECLS
