/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-mam.h"

#include "base/tess-id.h"
#include "base/tess-time.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-data-form.h"
#include "xmpp/xep/tess-xep-forward.h"
#include "xmpp/xep/tess-xep-text.h"

#define DEFAULT_PAGE 50
#define PAGE_TIMEOUT_SECONDS 120
/* Before whoever shows messages: a result is never a message itself. */
#define HANDLER_PRIORITY 1000

struct _TessMam
{
  TessRouter *router;
  GHashTable *queries; /* queryid -> Query, which owns it */
  guint       last_id;
  guint       handler;
};

typedef struct
{
  TessMam          *mam;
  guint             id;
  guint             serial;
  char             *queryid;
  TessJid          *archive; /* nullable: the own account */
  guint             n_results;
  gboolean          overflowed;
  TessMamResultFunc result;
  TessMamPageFunc   page;
  gpointer          user_data;
} Query;

static void
query_free (gpointer data)
{
  Query *query = data;

  tess_router_forget (query->mam->router, query->serial);
  g_clear_pointer (&query->archive, tess_jid_unref);
  g_free (query->queryid);
  g_free (query);
}

static gboolean
is_from_archive (const Query *query, TessJid *from)
{
  if (query->archive == NULL)
    return tess_router_is_own_bare (query->mam->router, from);

  return tess_jid_equal (from, query->archive);
}

/* The query that asked for it, or NULL (attacks row C2). */
static Query *
find_query (TessMam *self, const TessStanza *stanza)
{
  const char *queryid = tess_node_get (stanza->payload, "queryid");
  Query      *query = queryid != NULL ? g_hash_table_lookup (self->queries, queryid) : NULL;

  if (query == NULL || !is_from_archive (query, stanza->from) ||
      g_strcmp0 (stanza->type, "error") == 0)
    return NULL;

  return query;
}

static gboolean
result_cb (const TessStanza *stanza, gpointer user_data)
{
  TessMam        *self = user_data;
  Query          *query = find_query (self, stanza);
  const TessNode *message = NULL;
  TessMamResult   result = { 0 };

  if (query == NULL)
    {
      g_debug ("A result of the archive that nobody asked for is dropped");
      return TRUE;
    }
  /* An archive that sends without end is not listened to. */
  if (query->n_results >= TESS_XEP_MAM_MAX_PAGE)
    {
      query->overflowed = TRUE;
      return TRUE;
    }

  message = tess_xep_forward_unwrap (stanza->payload, G_MAXINT64, &result.stamp_us);
  result.time_us = MIN (result.stamp_us, tess_clock_now (tess_router_get_clock (self->router)));
  result.id = tess_node_get (stanza->payload, "id");
  if (message == NULL || !tess_xep_text_is_id (result.id))
    return TRUE;

  query->n_results++;
  result.archive = stanza->from;
  result.message = message;
  query->result (&result, query->user_data);

  return TRUE;
}

TessNode *
tess_xep_mam_result_take (const TessMamResult *result)
{
  /* Nobody is handed the stanza after the result function, and its wrapper is freed behind it. */
  return tess_node_detach ((TessNode *) result->message);
}

TessMam *
tess_xep_mam_new (TessRouter *router)
{
  TessMam *self = g_new0 (TessMam, 1);

  self->router = router;
  self->queries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, query_free);
  self->handler = tess_router_add_handler (router, TESS_STANZA_MESSAGE, HANDLER_PRIORITY, "result",
                                           TESS_XEP_MAM_NS, result_cb, self);

  return self;
}

void
tess_xep_mam_free (TessMam *self)
{
  if (self == NULL)
    return;

  tess_router_remove_handler (self->router, self->handler);
  g_hash_table_unref (self->queries);
  g_free (self);
}

static void
add_time (TessNode *form, const char *var, gint64 time_us)
{
  g_autofree char *text = NULL;

  if (time_us <= 0)
    return;
  text = tess_time_format (time_us);
  tess_xep_data_form_add_value (form, var, text);
}

static void
add_filter (TessNode *node, const TessMamQuery *query)
{
  TessNode *form = NULL;
  gboolean range = query->after_id != NULL && query->before_id != NULL && *query->before_id != '\0';

  if (query->with == NULL && query->start_us <= 0 && query->end_us <= 0 && !range)
    return;

  form = tess_xep_data_form_add_submit (node, TESS_XEP_MAM_NS);
  if (query->with != NULL)
    tess_xep_data_form_add_value (form, "with", tess_jid_to_string (query->with));
  add_time (form, "start", query->start_us);
  add_time (form, "end", query->end_us);
  if (range)
    tess_xep_data_form_add_value (form, "before-id", query->before_id);
}

static TessNode *
build_query (const TessMamQuery *query, const char *queryid, guint max)
{
  TessNode        *node = tess_node_new ("query", TESS_XEP_MAM_NS);
  TessNode        *set = NULL;
  g_autofree char *number = g_strdup_printf ("%u", max);

  tess_node_set (node, "queryid", queryid);
  add_filter (node, query);
  set = tess_node_add (node, "set", TESS_XEP_RSM_NS);
  tess_node_add_with_text (set, "max", NULL, number);
  if (query->after_id != NULL)
    tess_node_add_with_text (set, "after", NULL, query->after_id);
  else if (query->before_id != NULL)
    tess_node_add_with_text (set, "before", NULL,
                             *query->before_id != '\0' ? query->before_id : NULL);

  return node;
}

static const char *
get_end (const TessNode *set, const char *name)
{
  const char *id = tess_node_child_text (set, name, TESS_XEP_RSM_NS);

  return tess_xep_text_is_id (id) ? id : NULL;
}

static gboolean
read_fin (const TessNode *reply, const Query *query, TessMamPage *page, GError **error)
{
  const TessNode *fin = tess_node_child (reply, "fin", TESS_XEP_MAM_NS);
  const TessNode *set = tess_node_child (fin, "set", TESS_XEP_RSM_NS);
  const char     *complete = NULL;
  const char     *count = NULL;
  guint64         number = 0;

  if (fin == NULL)
    {
      g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY,
                           "The archive's answer has no end");
      return FALSE;
    }
  /* What was dropped would be missing for ever if the page counted as read. */
  if (query->overflowed)
    {
      g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TOO_LARGE,
                           "The archive sent too many messages");
      return FALSE;
    }

  complete = tess_node_get (fin, "complete");
  count = tess_node_child_text (set, "count", TESS_XEP_RSM_NS);
  page->complete = g_strcmp0 (complete, "true") == 0 || g_strcmp0 (complete, "1") == 0;
  page->first = get_end (set, "first");
  page->last = get_end (set, "last");
  page->count = -1;
  if (count != NULL && g_ascii_string_to_unsigned (count, 10, 0, G_MAXINT64, &number, NULL))
    page->count = (gint64) number;
  page->results = query->n_results;

  return TRUE;
}

static void
fin_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
  Query             *query = user_data;
  TessMamPageFunc    done = query->page;
  gpointer           done_data = query->user_data;
  TessMamPage        page = { 0 };
  gboolean           good = FALSE;
  g_autoptr (GError) bad = NULL;

  if (error == NULL)
    good = read_fin (reply, query, &page, &bad);

  /* Nothing that comes later belongs to it, and the function may free the archive. */
  query->serial = 0;
  g_hash_table_remove (query->mam->queries, query->queryid);
  done (good ? &page : NULL, error != NULL ? error : bad, done_data);
}

static Query *
find_id (TessMam *self, guint id)
{
  GHashTableIter iter;
  gpointer       value = NULL;

  g_hash_table_iter_init (&iter, self->queries);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Query *) value)->id == id)
      return value;

  return NULL;
}

guint
tess_xep_mam_query (TessMam            *self,
                    const TessMamQuery *query,
                    TessMamResultFunc   result,
                    TessMamPageFunc     page,
                    gpointer            user_data)
{
  Query    *open = g_new0 (Query, 1);
  guint     id = ++self->last_id;
  guint     max = query->max == 0 ? DEFAULT_PAGE : MIN (query->max, TESS_XEP_MAM_MAX_PAGE);
  guint     serial = 0;
  TessNode *node = NULL;

  open->mam = self;
  open->id = id;
  open->queryid = tess_id_new ();
  open->archive = query->archive != NULL ? tess_jid_ref (tess_jid_get_bare (query->archive)) : NULL;
  open->result = result;
  open->page = page;
  open->user_data = user_data;
  g_hash_table_insert (self->queries, open->queryid, open);
  node = build_query (query, open->queryid, max);
  serial = tess_router_send_iq (self->router, open->archive, "set", node, PAGE_TIMEOUT_SECONDS,
                                fin_cb, open);
  /* A stream that is gone may have answered already. */
  if (find_id (self, id) != NULL)
    open->serial = serial;

  return id;
}

void
tess_xep_mam_cancel (TessMam *self, guint id)
{
  Query *query = find_id (self, id);

  if (query != NULL)
    g_hash_table_remove (self->queries, query->queryid);
}
