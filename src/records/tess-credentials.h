/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * TessCredentials:
 * @password: (nullable)
 * @scram_key: (nullable): derived from the password, kept instead of it (see TessStreamInfo in xmpp/)
 * @token: (nullable): of XEP-0484
 * @certificate: (nullable): PEM: our own certificate, its chain and its plain key
 * @proxy_password: (nullable)
 *
 * What it takes to log in, as it crosses between the threads and goes to the Secret Service; in no database, in no log.
 * Owned plain data; every copy is wiped when it is freed. Each string is at most 256 KiB.
 */
typedef struct
{
  char *password;
  char *scram_key;
  char *token;
  char *certificate;
  char *proxy_password;
} TessCredentials;

TessCredentials *tess_credentials_new       (void);
TessCredentials *tess_credentials_copy      (const TessCredentials *self); /* NULL gives NULL */
void             tess_credentials_free      (TessCredentials *self);       /* wipes; NULL is fine */
/* Whether there is anything to prove who we are with: the proxy's password does not. NULL: not. */
gboolean         tess_credentials_are_there (const TessCredentials *self);
/* Wipes and frees what @field holds, and puts a copy of @value (nullable) there. */
void             tess_credentials_set       (char **field, const char *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessCredentials, tess_credentials_free)

G_END_DECLS
