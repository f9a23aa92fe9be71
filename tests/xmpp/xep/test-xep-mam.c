/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xep-fixture.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-mam.h"

/* What came of one query. */
typedef struct
{
  TessMam    *mam;
  GPtrArray  *results; /* "archive|id|body" */
  gint64      time_us;
  guint       pages;
  gboolean    complete;
  char       *first;
  char       *last;
  gint64      count;
  GError     *error;
  gboolean    frees;
} Outcome;

static Outcome *
outcome_new (TessMam *mam)
{
  Outcome *self = g_new0 (Outcome, 1);

  self->mam = mam;
  self->results = g_ptr_array_new_with_free_func (g_free);

  return self;
}

static void
outcome_free (Outcome *self)
{
  g_ptr_array_unref (self->results);
  g_free (self->first);
  g_free (self->last);
  g_clear_error (&self->error);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Outcome, outcome_free)

static void
result_cb (const TessMamResult *result, gpointer user_data)
{
  Outcome *self = user_data;

  g_ptr_array_add (self->results,
                   g_strdup_printf ("%s|%s|%s", tess_jid_to_string (result->archive), result->id,
                                    tess_node_child_text (result->message, "body", NULL)));
  self->time_us = result->time_us;
}

static void
page_cb (const TessMamPage *page, const GError *error, gpointer user_data)
{
  Outcome *self = user_data;

  self->pages++;
  g_assert_true ((page == NULL) == (error != NULL));
  if (error != NULL)
    self->error = g_error_copy (error);
  else
    {
      self->complete = page->complete;
      self->first = g_strdup (page->first);
      self->last = g_strdup (page->last);
      self->count = page->count;
      g_assert_cmpuint (page->results, ==, self->results->len);
    }
  if (self->frees)
    tess_xep_mam_free (g_steal_pointer (&self->mam));
}

static char *
get_queryid (const TessNode *request)
{
  return g_strdup (tess_node_get (tess_node_child (request, "query", TESS_XEP_MAM_NS), "queryid"));
}

#define RESULT(inner)                                                          \
  "<message%s><result xmlns='urn:xmpp:mam:2' queryid='%s' id='%s'><forwarded " \
  "xmlns='urn:xmpp:forward:0'>"                                                \
  "<delay xmlns='urn:xmpp:delay' stamp='2020-01-02T03:04:05Z'/>" inner         \
  "</forwarded></result></message>"
#define INNER "<message xmlns='jabber:client' from='bob@b.test/x'><body>hi</body></message>"
#define FIN                                                                                  \
  "<fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'>" \
  "<first index='0'>a1</first><last>a2</last><count>16</count></set></fin>"

static void
test_page (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessMam)  mam = tess_xep_mam_new (self->router);
  g_autoptr (Outcome)  outcome = outcome_new (mam);
  TessMamQuery         query = { 0 };
  g_autofree char     *queryid = NULL;

  g_assert_cmpuint (tess_xep_mam_query (mam, &query, result_cb, page_cb, outcome), !=, 0);
  queryid = get_queryid (xep_last_sent (self));
  xep_feed_printf (self, RESULT (INNER), " from='alice@a.test'", queryid, "a1");
  g_assert_cmpint (outcome->time_us, ==, G_GINT64_CONSTANT (1577934245) * G_USEC_PER_SEC);
  xep_feed_printf (self, RESULT (INNER), "", queryid, "a2");
  g_assert_cmpuint (outcome->pages, ==, 0);
  xep_answer (self, xep_last_sent (self), "alice@a.test", FIN);

  g_assert_cmpuint (outcome->pages, ==, 1);
  g_assert_no_error (outcome->error);
  g_assert_true (outcome->complete);
  g_assert_cmpstr (outcome->first, ==, "a1");
  g_assert_cmpstr (outcome->last, ==, "a2");
  g_assert_cmpint (outcome->count, ==, 16);
  g_assert_cmpuint (outcome->results->len, ==, 2);
  g_assert_cmpstr (g_ptr_array_index (outcome->results, 0), ==, "alice@a.test|a1|hi");

  /* The query is over. */
  xep_feed_printf (self, RESULT (INNER), " from='alice@a.test'", queryid, "a3");
  g_assert_cmpuint (outcome->results->len, ==, 2);
}

static void
test_build (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessMam) mam = tess_xep_mam_new (self->router);
  g_autoptr (TessJid) bob = tess_jid_new ("bob@b.test", NULL);
  g_autoptr (TessJid) room = tess_jid_new ("r@muc.test/nick", NULL);
  const struct
  {
    TessMamQuery query;
    const char  *to;
    const char  *xml;
  } cases[] = {
    { { 0 }, "", "<set xmlns='http://jabber.org/protocol/rsm'><max>50</max></set>" },
    { { .max = 99999 }, "", "<set xmlns='http://jabber.org/protocol/rsm'><max>1000</max></set>" },
    { { .after_id = "a7", .max = 20 },
      "",
      "<set xmlns='http://jabber.org/protocol/rsm'><max>20</max><after>a7</after></set>" },
    { { .before_id = "", .max = 20 },
      "",
      "<set xmlns='http://jabber.org/protocol/rsm'><max>20</max><before/></set>" },
    { { .before_id = "a7", .max = 20 },
      "",
      "<set xmlns='http://jabber.org/protocol/rsm'><max>20</max><before>a7</before></set>" },
    { { .archive = room,
        .with = bob,
        .start_us = G_USEC_PER_SEC,
        .end_us = 2 * G_USEC_PER_SEC,
        .after_id = "a",
        .before_id = "z" },
      " to='r@muc.test'",
      "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' "
      "type='hidden'><value>urn:xmpp:mam:2</value></field>"
      "<field var='with'><value>bob@b.test</value></field>"
      "<field var='start'><value>1970-01-01T00:00:01.000Z</value></field>"
      "<field var='end'><value>1970-01-01T00:00:02.000Z</value></field>"
      "<field var='before-id'><value>z</value></field></x>"
      "<set xmlns='http://jabber.org/protocol/rsm'><max>50</max><after>a</after></set>" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Outcome)  outcome = outcome_new (mam);
      g_autofree char     *queryid = NULL;
      g_autofree char     *xml = NULL;
      guint id = tess_xep_mam_query (mam, &cases[i].query, result_cb, page_cb, outcome);

      queryid = get_queryid (xep_last_sent (self));
      xml = g_strdup_printf (
          "<iq type='set'%s><query xmlns='urn:xmpp:mam:2' queryid='%s'>%s</query></iq>",
          cases[i].to, queryid, cases[i].xml);
      xep_assert_sent (self, i + 1, xml);
      tess_xep_mam_cancel (mam, id);
      tess_xep_mam_cancel (mam, id);
    }
}

static gboolean
seen_cb (const TessStanza *stanza, gpointer user_data)
{
  (*(guint *) user_data)++;

  return TRUE;
}

/* Attacks row C2: dropped, and nobody else sees it either. */
static void
test_forged (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessMam)  mam = tess_xep_mam_new (self->router);
  g_autoptr (Outcome)  own = outcome_new (mam);
  g_autoptr (Outcome)  theirs = outcome_new (mam);
  g_autoptr (TessJid)  room = tess_jid_new ("r@muc.test", NULL);
  TessMamQuery         query = { 0 };
  g_autofree char     *own_id = NULL;
  g_autofree char     *room_id = NULL;
  guint                seen = 0;
  const TessNode      *own_request = NULL;
  static const char *const senders[] = {
    " from='eve@e.test'",     " from='a.test'",   " from='alice@a.test/here'",
    " from='r@muc.test/eve'", " from='muc.test'",
  };

  tess_router_add_handler (self->router, TESS_STANZA_MESSAGE, 0, NULL, NULL, seen_cb, &seen);
  xep_feed_printf (self, RESULT (INNER), "", "guess", "a1");
  tess_xep_mam_query (mam, &query, result_cb, page_cb, own);
  own_request = xep_last_sent (self);
  own_id = get_queryid (own_request);
  query.archive = room;
  tess_xep_mam_query (mam, &query, result_cb, page_cb, theirs);
  room_id = get_queryid (xep_last_sent (self));
  g_assert_cmpstr (own_id, !=, room_id);

  for (gsize i = 0; i < G_N_ELEMENTS (senders); i++)
    {
      xep_feed_printf (self, RESULT (INNER), senders[i], own_id, "a1");
      xep_feed_printf (self, RESULT (INNER), senders[i], room_id, "a1");
      xep_feed_printf (self, RESULT (INNER), senders[i], "", "a1");
    }
  xep_feed_printf (self, RESULT (INNER), " from='r@muc.test'", own_id, "a1");
  xep_feed_printf (self, RESULT (INNER), " from='alice@a.test'", room_id, "a1");
  xep_feed_printf (self, RESULT (INNER), " from='alice@a.test'", "guess", "a1");
  xep_feed_printf (self, RESULT (INNER), " from='alice@a.test' type='error'", own_id, "a1");
  xep_feed (self,
            "<message from='alice@a.test'><result xmlns='urn:xmpp:mam:2' id='a1'/></message>");
  g_assert_cmpuint (own->results->len + theirs->results->len, ==, 0);

  /* What is no message of an archive. */
  xep_feed_printf (self, RESULT (INNER INNER), "", own_id, "a1");
  xep_feed_printf (self, RESULT (""), "", own_id, "a1");
  xep_feed_printf (self, RESULT (INNER), "", own_id, "");
  xep_feed_printf (self,
                   RESULT ("<message xmlns='jabber:client' from='eve@e.test'><result "
                           "xmlns='urn:xmpp:mam:2'/></message>"),
                   "", own_id, "a1");
  g_assert_cmpuint (own->results->len, ==, 0);

  xep_feed_printf (self, RESULT (INNER), " from='r@muc.test'", room_id, "a1");
  g_assert_cmpuint (theirs->results->len, ==, 1);
  g_assert_cmpuint (seen, ==, 0);

  /* Nor does another end the query (C4). */
  xep_answer (self, own_request, "eve@e.test", FIN);
  g_assert_cmpuint (own->pages, ==, 0);
  xep_answer (self, own_request, NULL, FIN);
  g_assert_cmpuint (own->pages, ==, 1);
}

static void
test_errors (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessMam) mam = tess_xep_mam_new (self->router);
  g_autoptr (Outcome) gone = outcome_new (mam);
  g_autoptr (Outcome) odd = outcome_new (mam);
  g_autoptr (Outcome) empty = outcome_new (mam);
  g_autoptr (Outcome) closed = outcome_new (mam);
  g_autoptr (Outcome) cancelled = outcome_new (mam);
  TessMamQuery        query = { .after_id = "a1" };
  guint               id = 0;

  tess_xep_mam_query (mam, &query, result_cb, page_cb, gone);
  xep_answer_error (
      self, xep_last_sent (self), NULL,
      "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
  g_assert_error (gone->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_ITEM_NOT_FOUND);

  tess_xep_mam_query (mam, &query, result_cb, page_cb, odd);
  xep_answer (self, xep_last_sent (self), NULL, "<fin xmlns='urn:xmpp:mam:1'/>");
  g_assert_error (odd->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY);

  tess_xep_mam_query (mam, &query, result_cb, page_cb, empty);
  xep_answer (self, xep_last_sent (self), NULL,
              "<fin xmlns='urn:xmpp:mam:2'><set "
              "xmlns='http://jabber.org/protocol/rsm'><count>-4</count></set></fin>");
  g_assert_no_error (empty->error);
  g_assert_false (empty->complete);
  g_assert_null (empty->first);
  g_assert_null (empty->last);
  g_assert_cmpint (empty->count, ==, -1);

  id = tess_xep_mam_query (mam, &query, result_cb, page_cb, cancelled);
  tess_xep_mam_cancel (mam, id);
  tess_xep_mam_query (mam, &query, result_cb, page_cb, closed);
  closed->frees = TRUE;
  mam = NULL;
  tess_router_fail_all (self->router);
  g_assert_error (closed->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED);
  g_assert_cmpuint (closed->pages, ==, 1);
  g_assert_cmpuint (cancelled->pages, ==, 0);
}

static void
test_endless (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessMam)  mam = tess_xep_mam_new (self->router);
  g_autoptr (Outcome)  outcome = outcome_new (mam);
  TessMamQuery         query = { 0 };
  g_autofree char     *queryid = NULL;

  tess_xep_mam_query (mam, &query, result_cb, page_cb, outcome);
  queryid = get_queryid (xep_last_sent (self));
  for (guint i = 0; i < TESS_XEP_MAM_MAX_PAGE + 10; i++)
    xep_feed_printf (self, RESULT (INNER), "", queryid, "a1");
  xep_answer (self, xep_last_sent (self), NULL, FIN);
  g_assert_cmpuint (outcome->results->len, ==, TESS_XEP_MAM_MAX_PAGE);
  g_assert_error (outcome->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TOO_LARGE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  xep_test_add ("/xep/mam/page", test_page);
  xep_test_add ("/xep/mam/build", test_build);
  xep_test_add ("/xep/mam/forged", test_forged);
  xep_test_add ("/xep/mam/errors", test_errors);
  xep_test_add ("/xep/mam/endless", test_endless);

  return g_test_run ();
}
