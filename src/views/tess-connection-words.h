/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "views/tess-model.h"

G_BEGIN_DECLS

/* What a connection is, in words. Sentences are translated; what is foreign in them is cleaned and isolated (attacks row E11), and nothing here
 * is markup (E7). Any thread. */

typedef struct
{
  const char *icon;
  const char *style; /* nullable: a style class */
  char       *title;
  char       *sentence;
} TessConnectionHeadline;

void tess_connection_headline_clear (TessConnectionHeadline *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TessConnectionHeadline, tess_connection_headline_clear)

/* How safe the connection of @account is, in one line and one sentence. */
void tess_connection_headline (TessAccount *account, TessConnectionHeadline *headline);

/* How the login was done, in one or two sentences. (transfer full) */
char *tess_connection_login_words (const TessSecurityRecord *security);

/* One sentence for each of @advice, in the order of weight. (transfer full) (array zero-terminated=1) */
char **tess_connection_advice_words (TessAdvice advice);

/* Why a certificate was refused, a sentence each; empty when nothing is wrong. (transfer full) (array zero-terminated=1) */
char **tess_certificate_fault_words (TessCertificateFaults faults);

/* For whom it is: a name of it, or what stands in its subject. (transfer full) */
char *tess_certificate_title (const TessCertificate *certificate);
/* What stands first in a distinguished name, or all of it; @dn nullable. (transfer full) */
char *tess_certificate_common_name (const char *dn);
/* "AB:CD:…", as servers' operators publish it; NULL when @fingerprint is none. (transfer full) (nullable) */
char *tess_certificate_fingerprint_colons (const char *fingerprint);

G_END_DECLS
