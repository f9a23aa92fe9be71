/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-engine.h"
#include "model/tess-account.h"

G_BEGIN_DECLS

/* @secrets: (nullable): a TessSecrets */
TessAccount *tess_account_new (TessEngine *engine, gpointer secrets, const TessAccountRecord *record);

void         tess_account_update          (TessAccount *self, const TessAccountRecord *record);
void         tess_account_take_connection (TessAccount *self, const TessConnection *connection);
/* Returns: (transfer none): the contact */
TessContact *tess_account_take_contact    (TessAccount *self, const TessContactRecord *record);
void         tess_account_remove_contact  (TessAccount *self, const char *address);
void         tess_account_take_devices    (TessAccount *self, const char *address, GPtrArray *records);

/* (transfer none) */
TessEngine  *tess_account_get_engine      (TessAccount *self);

G_END_DECLS
