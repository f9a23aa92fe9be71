/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-node.h"

G_BEGIN_DECLS

/**
 * TessParser:
 *
 * Bytes of a stream in, its header, stanzas and end out. Every limit on foreign XML is enforced here:
 *
 * - DOCTYPE, entities, processing instructions, comments: %TESS_XMPP_ERROR_RESTRICTED_XML
 * - anything but UTF-8, NUL, text between stanzas: %TESS_XMPP_ERROR_NOT_WELL_FORMED
 * - too many bytes, elements, attributes or bytes of namespaces, or too deep: %TESS_XMPP_ERROR_TOO_LARGE
 *
 * With patience a stanza that is too large is left out instead, and the stream goes on.
 *
 * What is found is fetched, not called back, so that a parser can be thrown away at any time. A new
 * one is made after TLS and after SASL. One thread at a time.
 */
typedef struct _TessParser TessParser;

#define TESS_PARSER_LIMIT_BEFORE_LOGIN (64 * 1024)
#define TESS_PARSER_LIMIT (1024 * 1024)
#define TESS_PARSER_PATIENCE (16 * 1024 * 1024)
#define TESS_PARSER_MAX_DEPTH 64
#define TESS_PARSER_MAX_ATTRIBUTES 128
#define TESS_PARSER_MAX_ELEMENTS 65536
#define TESS_PARSER_MAX_NAMESPACES (8 * 1024 * 1024) /* bytes of a stanza's namespaces, each as often as it is used */

typedef enum
{
  TESS_PARSER_NOTHING, /* more bytes are needed */
  TESS_PARSER_OPENED,  /* the root's start tag */
  TESS_PARSER_STANZA,  /* a whole child of the root */
  TESS_PARSER_CLOSED,  /* the root's end tag */
  TESS_PARSER_SKIPPED, /* a child beyond a limit, left out: see [method@Parser.set_patience] */
} TessParserEvent;

/**
 * tess_parser_new:
 * @limit: how many bytes a stanza, or the root's start tag, may have
 */
TessParser *tess_parser_new  (gsize limit);
void        tess_parser_free (TessParser *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessParser, tess_parser_free)

/* For what is fed from now on: after the login it is TESS_PARSER_LIMIT. */
void tess_parser_set_limit (TessParser *self, gsize limit);

/**
 * tess_parser_set_patience:
 * @patience: how many bytes a stanza may have that is left out because it is beyond a limit; 0, as at first, for none
 *
 * Such a stanza is reported as %TESS_PARSER_SKIPPED with its name and of its attributes type, id, from and to, once it
 * has ended. One that is longer than that, a single tag beyond the limit, a depth of 100,000, or 256 bytes
 * of namespaces for each byte of @patience is still an error. Without it one message that cannot be taken, kept by the archive, would end the stream at each login.
 */
void tess_parser_set_patience (TessParser *self, gsize patience);

/**
 * tess_parser_feed:
 *
 * What was complete before the fault can still be fetched. After an error all further feeding fails alike.
 */
gboolean tess_parser_feed (TessParser *self, const guint8 *bytes, gsize length, GError **error);

/**
 * tess_parser_next:
 * @node: (out) (transfer full) (nullable): the root without children, the stanza, or the start tag of one left out
 *
 * Returns: the next thing that was found
 */
TessParserEvent tess_parser_next (TessParser *self, TessNode **node);

/**
 * tess_parser_is_drained:
 *
 * Whether not one byte, white space included, was fed behind the event that was fetched last. Behind
 * `<proceed/>` there must be none (attacks row B2).
 */
gboolean tess_parser_is_drained (TessParser *self);

/* The depth of open elements: 0 outside of the root. */
guint tess_parser_get_depth (TessParser *self);

G_END_DECLS
