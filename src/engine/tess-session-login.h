/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-session.h"

G_BEGIN_DECLS

/* What a login of an account takes, and what it teaches. Engine thread. */

/**
 * tess_session_fill_options:
 * @options: (out): borrows from the other arguments; its certificate is freed by tess_session_clear_options ()
 *
 * All that tess_stream_open_async () has to know of @account.
 *
 * Returns: %FALSE with %TESS_XMPP_ERROR_CLIENT_CERTIFICATE when our own certificate cannot be read
 */
gboolean tess_session_fill_options (TessStreamOptions *options, const TessAccountRecord *account, TessJid *jid,
                                    const TessCredentials *credentials, GTlsDatabase *trust, GError **error);
void     tess_session_clear_options (TessStreamOptions *options);

/* Takes over what is set in @credentials (nullable); "" takes one away. Password, key and token go as one: with any of them the
 * others of before are forgotten. */
void     tess_session_take_credentials (TessSession *self, const TessCredentials *credentials);

/* A login has worked: stores what must be at least as good from now on, and tells what is to keep for the next one. */
void     tess_session_learn (TessSession *self, const TessStreamInfo *info);

/* @chain: (nullable) (element-type TessCertificate). Returns: whether @account has a server_key that it had not. */
gboolean tess_session_remember_key (TessAccountRecord *account, const GPtrArray *chain);

/* Returns: (transfer full) */
GError  *tess_session_password_needed (TessSession *self);

/* A login has failed with @error. Keys and tokens that were refused are forgotten. Returns: (transfer full) (nullable):
 * %TESS_ENGINE_ERROR_PASSWORD_NEEDED when nothing is left to sign in with. */
GError  *tess_session_explain_refusal (TessSession *self, const GError *error);

G_END_DECLS
