/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-omemo-pep.h"

#include "base/tess-id.h"
#include "base/tess-source.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-hints.h"

#include <string.h>

/* A server that does not answer must not hold back a message that can be encrypted with what is known. */
#define FETCH_SECONDS 10

typedef struct
{
  TessSession         *session;
  guint                query;
  GSource             *timeout;
  TessOmemoFetchedFunc done;
  gpointer             user_data;
} Fetch;

static void
fetch_end (Fetch *fetch, const TessNode *payload, const GError *error)
{
  tess_source_clear (&fetch->timeout);
  fetch->done (payload, error, fetch->user_data);
  g_free (fetch);
}

static gboolean
fetch_timeout_cb (gpointer user_data)
{
  Fetch             *fetch = user_data;
  g_autoptr (GError) error = NULL;

  tess_xep_pep_cancel (fetch->session->pep, fetch->query);
  error = g_error_new_literal (TESS_XMPP_ERROR, TESS_XMPP_ERROR_TIMEOUT, "no answer in time");
  fetch_end (fetch, NULL, error);
  return G_SOURCE_REMOVE;
}

static void
fetched_cb (const TessPepItem *items, guint n_items, const GError *error, gpointer user_data)
{
  const TessNode *payload = NULL;

  /* No such node is no error to OMEMO: there is just nothing there. */
  if (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_ITEM_NOT_FOUND))
    error = NULL;

  /* Any item id is accepted; some clients leave several behind: a server gives the newest last. */
  for (guint i = 0; error == NULL && i < n_items; i++)
    if (items[i].payload != NULL)
      payload = items[i].payload;

  fetch_end (user_data, payload, error);
}

static void
pep_fetch (gpointer data, TessJid *jid, const char *node, TessOmemoFetchedFunc done, gpointer user_data)
{
  TessSession *session = data;
  Fetch       *fetch = g_new0 (Fetch, 1);

  fetch->session = session;
  fetch->done = done;
  fetch->user_data = user_data;
  fetch->timeout = tess_source_attach (g_timeout_source_new_seconds (FETCH_SECONDS), fetch_timeout_cb, fetch);
  fetch->query = tess_xep_pep_fetch (session->pep, jid, node, 1, fetched_cb, fetch);
}

typedef struct
{
  TessOmemoPublishedFunc done;
  gpointer               user_data;
} Publish;

static void
published_cb (const GError *error, gpointer user_data)
{
  g_autofree Publish *publish = user_data;

  publish->done (error, publish->user_data);
}

static void
pep_publish (gpointer               data,
             const char            *node,
             const char            *item_id,
             TessNode              *payload,
             TessOmemoPublishedFunc done,
             gpointer               user_data)
{
  /* No max_items: a singleton has one by default, and ejabberd 23.01 refuses the field. */
  static const TessPepOptions options = { TESS_PEP_ACCESS_OPEN, TRUE, 0 };
  TessSession                *session = data;
  Publish                    *publish = g_new0 (Publish, 1);

  publish->done = done;
  publish->user_data = user_data;
  tess_xep_pep_publish (session->pep, node, item_id, payload, &options, published_cb, publish);
}

static void
removed_cb (const GError *error, gpointer user_data)
{
  published_cb (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_ITEM_NOT_FOUND) ? NULL : error, user_data);
}

static void
pep_remove (gpointer data, const char *node, TessOmemoPublishedFunc done, gpointer user_data)
{
  TessSession *session = data;
  Publish     *publish = g_new0 (Publish, 1);

  publish->done = done;
  publish->user_data = user_data;
  tess_xep_pep_delete_node (session->pep, node, removed_cb, publish);
}

static void
pep_send_empty (gpointer data, TessJid *jid, TessNode *encrypted)
{
  TessSession         *session = data;
  g_autoptr (TessNode) message = tess_node_new ("message", "jabber:client");
  g_autofree char     *id = tess_id_new ();

  tess_node_set (message, "to", tess_jid_to_bare_string (jid));
  tess_node_set (message, "type", "chat");
  tess_node_set (message, "id", id);
  tess_node_append (message, encrypted);
  tess_xep_hints_add (message, TESS_HINT_STORE);
  tess_session_send (session, g_steal_pointer (&message));
}

static gboolean
pep_may_answer (gpointer data, TessJid *jid)
{
  return tess_session_may_answer (data, jid);
}

static gboolean
pep_is_online (gpointer data)
{
  return tess_session_is_online (data);
}

const TessOmemoTransport *
tess_omemo_pep_get_table (void)
{
  static const TessOmemoTransport table = {
    .fetch = pep_fetch,
    .publish = pep_publish,
    .remove = pep_remove,
    .send_empty = pep_send_empty,
    .may_answer = pep_may_answer,
    .is_online = pep_is_online,
  };

  return &table;
}

static void
event_cb (const TessPepEvent *event, gpointer user_data)
{
  TessSession    *session = user_data;
  const TessNode *payload = NULL;

  if (event->kind == TESS_PEP_EVENT_RETRACT)
    return;
  for (guint i = 0; i < event->n_items; i++)
    if (event->items[i].payload != NULL)
      payload = event->items[i].payload;

  tess_omemo_handle_event (session->omemo, event->from, event->node, payload);
}

void
tess_omemo_pep_watch (TessSession *session)
{
  const char      *feature = tess_omemo_get_notify_feature ();
  g_autofree char *node = g_strndup (feature, strlen (feature) - strlen ("+notify"));

  g_return_if_fail (g_str_has_suffix (feature, "+notify"));

  tess_xep_pep_watch (session->pep, node, FALSE, event_cb, session);
}
