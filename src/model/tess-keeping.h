/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Private to model/: what is kept of an account's credentials, and when. */

#include "model/tess-passwords.h"

G_BEGIN_DECLS

/**
 * TessKeeping:
 *
 * What a person enters is kept only when they want that and once it has worked; what the login then gives (a derived key, a token)
 * is kept for those whose password is. Until it is known which, it waits in memory. Main thread.
 */
typedef struct _TessKeeping TessKeeping;

/* @secrets: (nullable) */
TessKeeping *tess_keeping_new  (gpointer secrets, const char *address);
void         tess_keeping_free (TessKeeping *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessKeeping, tess_keeping_free)

/* Whether the key is kept instead of the password from now on. */
void tess_keeping_set_keep_key (TessKeeping *self, gboolean keep_key);
/* The login uses what the keyring has: it may get the news too. */
void tess_keeping_found (TessKeeping *self);
/* A person gave these; @keep: to be kept once they have worked. */
void tess_keeping_given (TessKeeping *self, const TessCredentials *credentials, gboolean keep);
/* What does not have to work first, as CREDENTIALS events say: only what is new, "" for what is of no use any more. */
void tess_keeping_news (TessKeeping *self, const TessCredentials *news);
/* The login has worked, or what was given was refused. @done: (nullable): whether all that was given is kept now, or need not be. */
void tess_keeping_worked  (TessKeeping *self, TessPasswordDoneFunc done, gpointer user_data);
void tess_keeping_refused (TessKeeping *self);

G_END_DECLS
