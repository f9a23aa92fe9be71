/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "views/tess-model.h"

G_BEGIN_DECLS

/* One sign and one word for each state, everywhere the same (the table "The lock"). All (transfer none); words are translated. */
const char *tess_sign_security_icon     (TessSecurity security);
const char *tess_sign_security_word     (TessSecurity security);
const char *tess_sign_security_sentence (TessSecurity security);
/* A style class, or NULL. */
const char *tess_sign_security_class    (TessSecurity security);

const char *tess_sign_trust_icon        (TessTrust trust);
const char *tess_sign_trust_word        (TessTrust trust);
const char *tess_sign_trust_class       (TessTrust trust);

/* NULL for what was received. */
const char *tess_sign_state_icon        (TessMessageState state);
const char *tess_sign_state_word        (TessMessageState state);

/* How one message was protected. */
const char *tess_sign_message_icon      (TessEncryption encryption, TessTrust trust);
const char *tess_sign_message_word      (TessEncryption encryption, TessTrust trust);
const char *tess_sign_message_class     (TessEncryption encryption, TessTrust trust);

const char *tess_sign_presence_word     (TessPresence presence);

G_END_DECLS
