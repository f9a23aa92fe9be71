/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo/tess-omemo-types.h"

G_BEGIN_DECLS

#define TESS_OMEMO_URI_MAX_DEVICES 256
/* More than the longest address and so many devices can become: whatever was written can be read. */
#define TESS_OMEMO_URI_MAX_BYTES (32 * 1024)

typedef struct
{
  TessJid *jid;     /* bare */
  GArray  *devices; /* of TessOmemoUriDevice, each id once */
} TessOmemoUri;

typedef struct
{
  guint32 id;                          /* 0: `omemo=<hex>` of old Conversations, which names no device */
  guint8  key[TESS_OMEMO_KEY_BYTES];
} TessOmemoUriDevice;

TessOmemoUri *tess_omemo_uri_new  (TessJid *jid);
void          tess_omemo_uri_add  (TessOmemoUri *self, guint32 id, const guint8 *key);
void          tess_omemo_uri_free (TessOmemoUri *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessOmemoUri, tess_omemo_uri_free)

/* `xmpp:user@host?omemo-sid-<id>=<64 hex>;…`, the address percent-encoded where RFC 5122 asks for it. */
char         *tess_omemo_uri_to_string (const TessOmemoUri *self);

/**
 * tess_omemo_uri_parse:
 *
 * Reads `;` and `&`, percent-encoded addresses, upper-case digits; ignores unknown parameters; refuses a device twice,
 * other lengths than 64 digits, no device at all, more than %TESS_OMEMO_URI_MAX_DEVICES or %TESS_OMEMO_URI_MAX_BYTES.
 *
 * Returns: (nullable): %NULL with %TESS_OMEMO_ERROR_MALFORMED and a sentence for a person
 */
TessOmemoUri *tess_omemo_uri_parse (const char *text, GError **error);

G_END_DECLS
