/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-jid.h"
#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_MARKERS_NS "urn:xmpp:chat-markers:0"

typedef enum
{
  TESS_MARKER_NONE,
  TESS_MARKER_MARKABLE, /* the sender asks for markers; no id */
  TESS_MARKER_RECEIVED,
  TESS_MARKER_DISPLAYED,
  TESS_MARKER_ACKNOWLEDGED,
} TessMarker;

/**
 * tess_xep_markers_get:
 * @id: (out) (optional) (transfer none) (nullable): the message up to which it is meant
 *
 * XEP-0333. A marker counts only when it comes from that message's recipient: for the caller to
 * check. A message of type error has none. Any thread.
 */
TessMarker tess_xep_markers_get (const TessNode *message, const char **id);

/**
 * tess_xep_markers_build_displayed:
 * @to: who wrote the message; its bare part counts
 * @id: of the message up to which all was displayed
 *
 * With a hint to store it: one's own other devices, and theirs, find it in the archive. Any thread.
 *
 * Returns: (transfer full)
 */
TessNode *tess_xep_markers_build_displayed (TessJid *to, const char *id);

G_END_DECLS
