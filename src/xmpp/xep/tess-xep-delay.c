/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-delay.h"

#include "base/tess-time.h"

static gboolean
is_believed (const TessJid *from, const TessJid *account, const TessJid *room)
{
  if (!tess_jid_is_bare (from))
    return FALSE;
  if (tess_jid_bare_equal (from, account) || tess_jid_bare_equal (from, room))
    return TRUE;

  /* The server's own address is a bare domain. */
  return account != NULL && tess_jid_get_local (from) == NULL &&
         g_strcmp0 (tess_jid_get_domain (from), tess_jid_get_domain (account)) == 0;
}

gboolean
tess_xep_delay_get (const TessNode *stanza,
                    const TessJid *account,
                    const TessJid *room,
                    gint64 now_us,
                    gint64 *time_us)
{
  gboolean found = FALSE;

  for (TESS_NODE_EACH (delay, stanza, "delay", TESS_XEP_DELAY_NS))
    {
      const char         *text = tess_node_get (delay, "from");
      g_autoptr (TessJid) from = text != NULL ? tess_jid_new (text, NULL) : NULL;
      gint64              stamp_us = 0;

      if (from == NULL || !is_believed (from, account, room) ||
          !tess_time_parse (tess_node_get (delay, "stamp"), &stamp_us))
        continue;
      *time_us = MIN (stamp_us, now_us);
      found = TRUE;
    }

  return found;
}

gboolean
tess_xep_delay_get_unchecked (const TessNode *wrapper, gint64 now_us, gint64 *time_us)
{
  const TessNode *delay = tess_node_child (wrapper, "delay", TESS_XEP_DELAY_NS);
  gint64          stamp_us = 0;

  if (delay == NULL || tess_node_next (delay, "delay", TESS_XEP_DELAY_NS) != NULL ||
      !tess_time_parse (tess_node_get (delay, "stamp"), &stamp_us))
    return FALSE;

  *time_us = MIN (stamp_us, now_us);
  return TRUE;
}
