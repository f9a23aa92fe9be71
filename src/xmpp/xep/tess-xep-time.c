/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-time.h"

#include "base/tess-time.h"
#include "xmpp/tess-xmpp-error.h"

/* Others wait for it. */
#define TIMEOUT_SECONDS 10

typedef struct
{
  TessXepTimeFunc done;
  gpointer        user_data;
} Query;

static void
reply_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
  g_autofree Query  *query = user_data;
  g_autoptr (GError) bad = NULL;
  const char        *utc;
  gint64             time_us = 0;

  if (error == NULL)
    {
      utc = tess_node_child_text (tess_node_child (reply, "time", TESS_XEP_TIME_NS), "utc", TESS_XEP_TIME_NS);
      if (utc == NULL || !tess_time_parse (utc, &time_us) || time_us <= 0)
        {
          time_us = 0;
          bad = g_error_new_literal (TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY, "The answer has no time");
        }
    }
  query->done (time_us, error != NULL ? error : bad, query->user_data);
}

void
tess_xep_time_query (TessRouter *router, TessJid *jid, TessXepTimeFunc done, gpointer user_data)
{
  Query *query = g_new0 (Query, 1);

  query->done = done;
  query->user_data = user_data;
  tess_router_send_iq (router, jid, "get", tess_node_new ("time", TESS_XEP_TIME_NS), TIMEOUT_SECONDS, reply_cb, query);
}
