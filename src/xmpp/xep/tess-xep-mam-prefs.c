/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-mam-prefs.h"

#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-mam.h"

static const char *const names[] = {
  [TESS_MAM_KEEP_ALWAYS] = "always",
  [TESS_MAM_KEEP_ROSTER] = "roster",
  [TESS_MAM_KEEP_NEVER] = "never",
};

typedef struct
{
  TessRouter      *router;
  gboolean         change;
  TessMamKeep      keep; /* what is wanted */
  TessMamPrefsFunc done;
  gpointer         user_data;
} Request;

/* Frees @request. */
static void
finish (Request *request, TessMamKeep keep, const GError *error)
{
  g_autofree Request *owned = request;

  owned->done (keep, error, owned->user_data);
}

static gboolean
parse (const TessNode *prefs, TessMamKeep *keep, GError **error)
{
  const char *text = prefs != NULL ? tess_node_get (prefs, "default") : NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (text, names[i]) == 0)
      {
        *keep = (TessMamKeep) i;
        return TRUE;
      }

  g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY, "The archive does not say what it keeps");
  return FALSE;
}

static void
copy_list (TessNode *to, const TessNode *from, const char *name)
{
  const TessNode *list = tess_node_child (from, name, TESS_XEP_MAM_NS);

  if (list != NULL)
    tess_node_append (to, tess_node_copy (list));
  else
    tess_node_add (to, name, NULL);
}

/* A server may answer with what is so now, or with nothing. */
static void
set_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
  Request        *request = user_data;
  const TessNode *prefs = tess_node_child (reply, "prefs", TESS_XEP_MAM_NS);
  TessMamKeep     keep = request->keep;

  if (error == NULL && prefs != NULL)
    parse (prefs, &keep, NULL);
  finish (request, keep, error);
}

static void
got_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
  Request           *request = user_data;
  const TessNode    *prefs = tess_node_child (reply, "prefs", TESS_XEP_MAM_NS);
  g_autoptr (GError) bad = NULL;
  TessMamKeep        keep = TESS_MAM_KEEP_ALWAYS;
  TessNode          *wanted;

  if (error != NULL || !parse (prefs, &keep, &bad) || !request->change)
    {
      finish (request, keep, error != NULL ? error : bad);
      return;
    }

  wanted = tess_node_new ("prefs", TESS_XEP_MAM_NS);
  tess_node_set (wanted, "default", names[request->keep]);
  copy_list (wanted, prefs, "always");
  copy_list (wanted, prefs, "never");
  tess_router_send_iq (request->router, NULL, "set", wanted, 0, set_cb, request);
}

static void
ask (TessRouter *router, gboolean change, TessMamKeep keep, TessMamPrefsFunc done, gpointer user_data)
{
  Request *request = g_new0 (Request, 1);

  request->router = router;
  request->change = change;
  request->keep = keep;
  request->done = done;
  request->user_data = user_data;
  tess_router_send_iq (router, NULL, "get", tess_node_new ("prefs", TESS_XEP_MAM_NS), 0, got_cb, request);
}

void
tess_xep_mam_prefs_get (TessRouter *router, TessMamPrefsFunc done, gpointer user_data)
{
  ask (router, FALSE, TESS_MAM_KEEP_ALWAYS, done, user_data);
}

void
tess_xep_mam_prefs_set (TessRouter *router, TessMamKeep keep, TessMamPrefsFunc done, gpointer user_data)
{
  g_return_if_fail ((guint) keep < G_N_ELEMENTS (names));

  ask (router, TRUE, keep, done, user_data);
}
