/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "crypto/tess-crypto.h"
#include "xmpp/tess-sasl.h"

G_BEGIN_DECLS

typedef struct
{
  const char       *name;
  TessSaslStrength  strength;
  TessHash          hash; /* of SCRAM */
} TessSaslMechanism;

/* ClientKey and ServerKey (RFC 5802 section 3), and what they were derived with. */
typedef struct
{
  TessHash  hash;
  guint     iterations;
  guint8   *salt;
  gsize     salt_length;
  guint8    client_key[TESS_HASH_MAX_SIZE];
  guint8    server_key[TESS_HASH_MAX_SIZE];
} TessSaslKey;

/* NULL for what is no key. */
TessSaslKey *tess_sasl_key_parse  (const char *text);
char        *tess_sasl_key_format (const TessSaslKey *self); /* (transfer full): wipe it */
void         tess_sasl_key_free   (TessSaslKey *self);       /* wipes */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessSaslKey, tess_sasl_key_free)

typedef struct
{
  const TessSaslMechanism *mechanism;
  const TessSaslBinding   *binding;    /* NULL without -PLUS; of the options */
  gboolean                 unseen;     /* we could have bound, and saw no -PLUS: gs2 "y" */
  gboolean                 must_prove; /* the list looks wrong: it is good only if the server signs it (XEP-0474) */
} TessSaslChoice;

gboolean tess_sasl_choose (const TessSaslOptions *options, const TessSaslKey *key, TessSaslChoice *choice, GError **error);

/* What XEP-0474 hashes. @old: with the separators of its version 0.3, NULL when they could be misread. */
char *tess_sasl_list_announced (const TessSaslOptions *options, gboolean old);

/* GLib's decoder skips what is no Base64; this one gives NULL. */
guint8 *tess_sasl_decode (const char *text, gsize *length);

void tess_sasl_set_unproven        (GError **error);
void tess_sasl_set_password_needed (GError **error);
void tess_sasl_set_list_changed    (GError **error);

G_END_DECLS
