/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-nick.h"

#include "xmpp/xep/tess-xep-text.h"

char *
tess_xep_nick_get (const TessNode *stanza)
{
  return tess_xep_text_clip_line (tess_node_child_text (stanza, "nick", TESS_XEP_NICK_NS),
                                  TESS_XEP_NICK_MAX);
}
