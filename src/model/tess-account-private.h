/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-engine.h"
#include "model/tess-account.h"
#include "model/tess-passwords.h"

G_BEGIN_DECLS

/* @secrets: (nullable): a TessSecrets */
TessAccount *tess_account_new (TessEngine *engine, gpointer secrets, const TessAccountRecord *record);

void         tess_account_update          (TessAccount *self, const TessAccountRecord *record);
void         tess_account_take_connection (TessAccount *self, const TessConnection *connection);
/* See TESS_EVENT_CATCH_UP. */
void         tess_account_take_missing    (TessAccount *self, const TessEvent *event);
/* What a login gave to keep for the next one; see TESS_EVENT_CREDENTIALS. */
void         tess_account_take_news       (TessAccount *self, const TessCredentials *news);
/* It was made with these, which are to be kept. @done: (nullable): whether they are. */
void         tess_account_added           (TessAccount *self, const TessCredentials *credentials, TessPasswordDoneFunc done, gpointer user_data);
/* Connects with what the keyring has, perhaps nothing. */
void         tess_account_start           (TessAccount *self, const TessCredentials *kept);
/* Returns: (transfer none): the contact */
TessContact *tess_account_take_contact    (TessAccount *self, const TessContactRecord *record);
void         tess_account_remove_contact  (TessAccount *self, const char *address);
void         tess_account_take_devices    (TessAccount *self, const char *address, GPtrArray *records);

/* (transfer none) */
TessEngine  *tess_account_get_engine      (TessAccount *self);

G_END_DECLS
