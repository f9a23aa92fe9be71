/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_STANZA_ERROR_NS "urn:ietf:params:xml:ns:xmpp-stanzas"

typedef enum
{
  TESS_STANZA_ERROR_CANCEL, /* do not try again; also for a type that is unknown or missing */
  TESS_STANZA_ERROR_CONTINUE,
  TESS_STANZA_ERROR_MODIFY,
  TESS_STANZA_ERROR_AUTH,
  TESS_STANZA_ERROR_WAIT,
} TessStanzaErrorType;

/* What `<error/>` says (RFC 6120 section 8.3). Any thread. */
typedef struct
{
  TessStanzaErrorType type;
  char               *condition;      /* never NULL: "undefined-condition" when there is none */
  char               *text;           /* nullable; foreign text, clipped to 1000 characters */
  char *application; /* nullable: the local name of the application's own condition */
  char               *application_ns; /* nullable: its namespace */
} TessStanzaError;

/**
 * tess_xep_stanza_error_parse:
 * @stanza: a stanza of type `error`
 *
 * Returns: (transfer full) (nullable): what its `<error/>` says, or %NULL when there is none
 */
TessStanzaError *tess_xep_stanza_error_parse (const TessNode *stanza);
void             tess_xep_stanza_error_free  (TessStanzaError *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessStanzaError, tess_xep_stanza_error_free)

G_END_DECLS
