/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-hints.h"

static const struct
{
  const char *name;
  TessHints   hint;
} hint_names[] = {
  { "store", TESS_HINT_STORE },
  { "no-store", TESS_HINT_NO_STORE },
  { "no-permanent-store", TESS_HINT_NO_PERMANENT_STORE },
  { "no-copy", TESS_HINT_NO_COPY },
};

TessHints
tess_xep_hints_get (const TessNode *message)
{
  TessHints hints = TESS_HINT_NONE;

  for (gsize i = 0; i < G_N_ELEMENTS (hint_names); i++)
    if (tess_node_child (message, hint_names[i].name, TESS_XEP_HINTS_NS) != NULL)
      hints |= hint_names[i].hint;

  return hints;
}

void
tess_xep_hints_add (TessNode *message, TessHints hints)
{
  for (gsize i = 0; i < G_N_ELEMENTS (hint_names); i++)
    if ((hints & hint_names[i].hint) != 0)
      tess_node_add (message, hint_names[i].name, TESS_XEP_HINTS_NS);
}
