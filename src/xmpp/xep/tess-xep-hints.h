/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_HINTS_NS "urn:xmpp:hints"

typedef enum
{
  TESS_HINT_NONE               = 0,
  TESS_HINT_STORE              = 1 << 0,
  TESS_HINT_NO_STORE           = 1 << 1,
  TESS_HINT_NO_PERMANENT_STORE = 1 << 2,
  TESS_HINT_NO_COPY            = 1 << 3,
} TessHints;

/* XEP-0334. Any thread. */
TessHints tess_xep_hints_get (const TessNode *message);
void      tess_xep_hints_add (TessNode *message, TessHints hints);

G_END_DECLS
