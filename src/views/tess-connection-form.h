/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "views/tess-model.h"

#include <adwaita.h>

G_BEGIN_DECLS

/**
 * TessConnectionForm:
 *
 * How an account connects: server, proxy, our own certificate, what is kept and what is warned of. In the dialog that adds an account and
 * in the window with an account's settings.
 *
 * Signal: `changed` (): something was entered, or a certificate was read.
 */
#define TESS_TYPE_CONNECTION_FORM (tess_connection_form_get_type ())
G_DECLARE_FINAL_TYPE (TessConnectionForm, tess_connection_form, TESS, CONNECTION_FORM, GtkBox)

/* Before anything else; it reads certificates. */
void     tess_connection_form_set_client (TessConnectionForm *self, TessClient *client);
/* Shows what is set of an account. Secrets are not shown: an empty password of the proxy stays as it is. */
void     tess_connection_form_fill       (TessConnectionForm *self, const TessAccountRecord *record);
gboolean tess_connection_form_get_valid  (TessConnectionForm *self);
gboolean tess_connection_form_get_has_certificate (TessConnectionForm *self);
/* Writes what was entered into @record and @credentials; of the latter only what changed, "" for what is to go. Returns: whether there is
 * anything in @credentials. */
gboolean tess_connection_form_read       (TessConnectionForm *self, TessAccountRecord *record, TessCredentials *credentials);
/* Marks the field that an error is about and gives it the keyboard. Returns: FALSE when it is about none of these. */
gboolean tess_connection_form_show_error (TessConnectionForm *self, int code, const char *sentence);
void     tess_connection_form_clear_error (TessConnectionForm *self);
/* As if it had been chosen in the file dialog. */
void     tess_connection_form_load_certificate (TessConnectionForm *self, GFile *file);
/* Wipes what was entered. */
void     tess_connection_form_forget     (TessConnectionForm *self);

G_END_DECLS
