/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-eme.h"

#include "xmpp/xep/tess-xep-text.h"

#define MAX_NAME 100

void
tess_xep_eme_add (TessNode *message, const char *encryption_ns, const char *name)
{
  TessNode *encryption = tess_node_add (message, "encryption", TESS_XEP_EME_NS);

  tess_node_set (encryption, "namespace", encryption_ns);
  tess_node_set (encryption, "name", name);
}

const char *
tess_xep_eme_get (const TessNode *message, char **name)
{
  const TessNode *encryption = tess_node_child (message, "encryption", TESS_XEP_EME_NS);
  const char     *ns = encryption != NULL ? tess_node_get (encryption, "namespace") : NULL;

  if (name != NULL)
    *name = NULL;
  if (!tess_xep_text_is_id (ns))
    return NULL;

  if (name != NULL)
    *name = tess_xep_text_clip_line (tess_node_get (encryption, "name"), MAX_NAME);
  return ns;
}
