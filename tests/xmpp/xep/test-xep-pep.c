/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xep-fixture.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-pep.h"

#define PUBSUB(inner) "<pubsub xmlns='http://jabber.org/protocol/pubsub'>" inner "</pubsub>"
#define OWNER(inner) "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>" inner "</pubsub>"
#define EVENT(inner) "<event xmlns='http://jabber.org/protocol/pubsub#event'>" inner "</event>"
#define NOT_SO                                                                   \
  "<error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" \
  "<precondition-not-met xmlns='http://jabber.org/protocol/pubsub#errors'/></error>"
#define NOT_FOUND \
  "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
#define FORM(type)                                                               \
  "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>" \
  "<value>http://jabber.org/protocol/pubsub#" type "</value></field>"            \
  "<field var='pubsub#access_model'><value>whitelist</value></field>"            \
  "<field var='pubsub#persist_items'><value>true</value></field>"                \
  "<field var='pubsub#max_items'><value>max</value></field></x>"

typedef struct
{
  TessPep *pep; /* freed by the function when set */
  guint    calls;
  GError  *error;
  GString *items;
} Answer;

static void
answer_clear (Answer *self)
{
  self->calls = 0;
  g_clear_error (&self->error);
  if (self->items != NULL)
    g_string_free (self->items, TRUE);
  self->items = NULL;
}

static void
done_cb (const GError *error, gpointer user_data)
{
  Answer *self = user_data;

  self->calls++;
  g_clear_error (&self->error);
  if (error != NULL)
    self->error = g_error_copy (error);
  g_clear_pointer (&self->pep, tess_xep_pep_free);
}

static void
list (GString *text, const TessPepItem *items, guint n_items)
{
  for (guint i = 0; i < n_items; i++)
    g_string_append_printf (text, "%s=%s ", items[i].id != NULL ? items[i].id : "?",
                            items[i].payload != NULL ? tess_node_get_name (items[i].payload) : "-");
}

static void
items_cb (const TessPepItem *items, guint n_items, const GError *error, gpointer user_data)
{
  Answer *self = user_data;

  done_cb (error, self);
  if (self->items == NULL)
    self->items = g_string_new (NULL);
  list (self->items, items, n_items);
}

static const TessPepOptions options = { TESS_PEP_ACCESS_WHITELIST, TRUE, TESS_PEP_MAX_ITEMS_MAX };

/* Publishing */

static void
test_publish (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessPep) pep = tess_xep_pep_new (self->router, NULL);
  Answer              answer = { 0 };
  TessPepOptions      few = { TESS_PEP_ACCESS_DEFAULT, FALSE, 3 };

  tess_xep_pep_publish (pep, "n", NULL, tess_node_new ("p", "x"), NULL, done_cb, &answer);
  xep_assert_sent (
      self, 1,
      "<iq type='set'>" PUBSUB ("<publish node='n'><item><p xmlns='x'/></item></publish>") "</iq>");
  xep_answer (self, xep_last_sent (self), NULL, "");
  g_assert_cmpuint (answer.calls, ==, 1);
  g_assert_no_error (answer.error);

  tess_xep_pep_publish (pep, "n", "current", tess_node_new ("p", "x"), &few, done_cb, &answer);
  xep_assert_sent (
      self, 2,
      "<iq type='set'>" PUBSUB (
          "<publish node='n'><item id='current'><p xmlns='x'/></item></publish><publish-options>"
          "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
          "<value>http://jabber.org/protocol/pubsub#publish-options</value></field>"
          "<field var='pubsub#persist_items'><value>false</value></field>"
          "<field var='pubsub#max_items'><value>3</value></field></x></publish-options>") "</iq>");
  /* Without options there is no precondition; any other error ends it too. */
  xep_answer_error (self, xep_last_sent (self), NULL, NOT_FOUND);
  g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_ITEM_NOT_FOUND);
  tess_xep_pep_publish (pep, "n", NULL, tess_node_new ("p", "x"), NULL, done_cb, &answer);
  xep_answer_error (self, xep_last_sent (self), NULL, NOT_SO);
  g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_PRECONDITION);
  g_assert_cmpuint (self->sent->len, ==, 3);
  answer_clear (&answer);
}

#define PUBLISH                                                               \
  "<iq type='set'>" PUBSUB (                                                  \
      "<publish node='n'><item id='1'><p xmlns='x'>text</p></item></publish>" \
      "<publish-options>" FORM ("publish-options") "</publish-options>") "</iq>"
#define CONFIGURE \
  "<iq type='set'>" OWNER ("<configure node='n'>" FORM ("node_config") "</configure>") "</iq>"

/* Attacks row C6: configured and tried once more, with the options, and never without. */
static void
test_publish_again (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessPep) pep = tess_xep_pep_new (self->router, NULL);
  Answer              answer = { 0 };

  tess_xep_pep_publish (pep, "n", "1", xep_parse ("<p xmlns='x'>text</p>"), &options, done_cb,
                        &answer);
  xep_assert_sent (self, 1, PUBLISH);
  xep_answer_error (self, xep_last_sent (self), NULL, NOT_SO);
  xep_assert_sent (self, 2, CONFIGURE);
  xep_answer (self, xep_last_sent (self), NULL, "");
  xep_assert_sent (self, 3, PUBLISH);
  g_assert_cmpuint (answer.calls, ==, 0);
  xep_answer (self, xep_last_sent (self), NULL, "");
  g_assert_cmpuint (answer.calls, ==, 1);
  g_assert_no_error (answer.error);

  tess_xep_pep_publish (pep, "n", "1", xep_parse ("<p xmlns='x'>text</p>"), &options, done_cb,
                        &answer);
  xep_answer_error (self, xep_last_sent (self), NULL, NOT_SO);
  xep_answer (self, xep_last_sent (self), NULL, "");
  xep_answer_error (self, xep_last_sent (self), NULL, NOT_SO);
  g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_PRECONDITION);
  g_assert_cmpuint (self->sent->len, ==, 6);

  tess_xep_pep_publish (pep, "n", "1", xep_parse ("<p xmlns='x'>text</p>"), &options, done_cb,
                        &answer);
  xep_answer_error (self, xep_last_sent (self), NULL, NOT_SO);
  xep_answer_error (
      self, xep_last_sent (self), NULL,
      "<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
  g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_STANZA);
  g_assert_cmpuint (self->sent->len, ==, 8);
  g_assert_cmpuint (answer.calls, ==, 3);
  answer_clear (&answer);
}

static void
test_other_requests (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessPep) pep = tess_xep_pep_new (self->router, NULL);
  Answer              answer = { 0 };
  guint               id = 0;

  tess_xep_pep_retract (pep, "n", "1", TRUE, done_cb, &answer);
  xep_assert_sent (self, 1,
                   "<iq type='set'>" PUBSUB (
                       "<retract node='n' notify='true'><item id='1'/></retract>") "</iq>");
  tess_xep_pep_retract (pep, "n", "1", FALSE, done_cb, &answer);
  xep_assert_sent (self, 2,
                   "<iq type='set'>" PUBSUB ("<retract node='n'><item id='1'/></retract>") "</iq>");
  tess_xep_pep_delete_node (pep, "n", done_cb, &answer);
  xep_assert_sent (self, 3, "<iq type='set'>" OWNER ("<delete node='n'/>") "</iq>");
  id = tess_xep_pep_configure (pep, "n", &options, done_cb, &answer);
  xep_assert_sent (self, 4, CONFIGURE);

  xep_answer (self, g_ptr_array_index (self->sent, 2), NULL, "");
  g_assert_cmpuint (answer.calls, ==, 1);
  tess_xep_pep_cancel (pep, id);
  tess_xep_pep_cancel (pep, id);
  xep_answer (self, xep_last_sent (self), NULL, "");
  g_assert_cmpuint (answer.calls, ==, 1);
  /* The first one's function frees the whole: the other is never called. */
  answer.pep = g_steal_pointer (&pep);
  tess_router_fail_all (self->router);
  g_assert_cmpuint (answer.calls, ==, 2);
  g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED);
  answer_clear (&answer);
}

/* Fetching */

static void
test_fetch (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessPep) pep = tess_xep_pep_new (self->router, NULL);
  g_autoptr (TessJid) bob = tess_jid_new ("bob@b.test/x", NULL);
  Answer              answer = { 0 };

  tess_xep_pep_fetch (pep, NULL, "n", 0, items_cb, &answer);
  xep_assert_sent (self, 1, "<iq type='get'>" PUBSUB ("<items node='n'/>") "</iq>");
  xep_answer (self, xep_last_sent (self), NULL,
              PUBSUB ("<items node='n'><item id='1'><p xmlns='x'/></item><item/><odd/></items>"));
  g_assert_no_error (answer.error);
  g_assert_cmpstr (answer.items->str, ==, "1=p ?=- ");
  answer_clear (&answer);

  tess_xep_pep_fetch (pep, bob, "n", 1, items_cb, &answer);
  xep_assert_sent (
      self, 2,
      "<iq type='get' to='bob@b.test'>" PUBSUB ("<items node='n' max_items='1'/>") "</iq>");
  xep_answer (self, xep_last_sent (self), "eve@e.test", PUBSUB ("<items node='n'/>"));
  xep_answer (self, xep_last_sent (self), "bob@b.test/x", PUBSUB ("<items node='n'/>"));
  g_assert_cmpuint (answer.calls, ==, 0);
  xep_answer (self, xep_last_sent (self), "bob@b.test", PUBSUB ("<items node='n'/>"));
  g_assert_cmpuint (answer.calls, ==, 1);
  g_assert_cmpstr (answer.items->str, ==, "");
  answer_clear (&answer);

  tess_xep_pep_fetch (pep, bob, "n", 1, items_cb, &answer);
  xep_answer_error (self, xep_last_sent (self), "bob@b.test", NOT_FOUND);
  g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_ITEM_NOT_FOUND);
  answer_clear (&answer);

  tess_xep_pep_fetch_item (pep, bob, "n", "1", items_cb, &answer);
  xep_assert_sent (
      self, 4,
      "<iq type='get' to='bob@b.test'>" PUBSUB ("<items node='n'><item id='1'/></items>") "</iq>");
  xep_answer_error (self, xep_last_sent (self), "bob@b.test", NOT_FOUND);
  g_assert_no_error (answer.error);
  g_assert_cmpuint (answer.calls, ==, 1);
  answer_clear (&answer);
}

static void
test_fetch_hostile (XepFixture *self, gconstpointer data)
{
  static const char *const odd[] = {
    "",
    "<pubsub xmlns='x'><items node='n'/></pubsub>",
    PUBSUB ("<items node='other'><item id='1'><p xmlns='x'/></item></items>"),
    PUBSUB ("<items><item id='1'><p xmlns='x'/></item></items>"),
  };
  g_autoptr (TessPep) pep = tess_xep_pep_new (self->router, NULL);
  Answer              answer = { 0 };
  g_autoptr (GString) many =
      g_string_new ("<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'>");
  guint               n_items = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (odd); i++)
    {
      tess_xep_pep_fetch (pep, NULL, "n", 0, items_cb, &answer);
      xep_answer (self, xep_last_sent (self), NULL, odd[i]);
      g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY);
      g_assert_cmpstr (answer.items->str, ==, "");
      answer_clear (&answer);
    }

  for (guint i = 0; i < TESS_XEP_PEP_MAX_ITEMS + 5; i++)
    g_string_append (many, "<item id='1'/>");
  g_string_append (many, "</items></pubsub>");
  tess_xep_pep_fetch (pep, NULL, "n", 0, items_cb, &answer);
  xep_answer (self, xep_last_sent (self), NULL, many->str);
  for (const char *p = answer.items->str; *p != '\0'; p++)
    n_items += *p == ' ';
  g_assert_cmpuint (n_items, ==, TESS_XEP_PEP_MAX_ITEMS);
  answer_clear (&answer);
}

/* Events */

static void
event_cb (const TessPepEvent *event, gpointer user_data)
{
  static const char letters[] = { 'i', 'r', 'p', 'd' };
  GString          *log = user_data;

  g_string_append_printf (log, "%c %s %s ", letters[event->kind], tess_jid_to_string (event->from),
                          event->node);
  list (log, event->items, event->n_items);
}

static gboolean
seen_cb (const TessStanza *stanza, gpointer user_data)
{
  g_string_append (user_data, "seen ");

  return TRUE;
}

static void
assert_event (
    XepFixture *self, GString *log, const char *attributes, const char *inner, const char *outcome)
{
  g_string_truncate (log, 0);
  xep_feed_printf (
      self,
      "<message%s><event xmlns='http://jabber.org/protocol/pubsub#event'>%s</event></message>",
      attributes, inner);
  g_assert_cmpstr (log->str, ==, outcome);
}

#define ITEMS "<items node='n'><item id='1'><p xmlns='x'/></item></items>"
#define PRIVATE_ITEMS "<items node='private'><item id='1'><p xmlns='x'/></item></items>"

static void
test_events (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessDisco) disco = tess_xep_disco_new (self->router, "t", NULL);
  g_autoptr (TessPep)   pep = tess_xep_pep_new (self->router, disco);
  g_autoptr (GString)   log = g_string_new (NULL);

  tess_router_add_handler (self->router, TESS_STANZA_MESSAGE, 0, NULL, NULL, seen_cb, log);
  tess_xep_pep_watch (pep, "n", FALSE, event_cb, log);
  tess_xep_pep_watch (pep, "private", TRUE, event_cb, log);
  g_assert_true (tess_xep_disco_info_has_feature (tess_xep_disco_get_own (disco), "n+notify"));
  g_assert_true (
      tess_xep_disco_info_has_feature (tess_xep_disco_get_own (disco), "private+notify"));

  assert_event (self, log, " from='bob@b.test'", ITEMS, "i bob@b.test n 1=p ");
  assert_event (self, log, " from='alice@a.test' type='headline'", ITEMS, "i alice@a.test n 1=p ");
  assert_event (self, log, "", ITEMS, "i alice@a.test n 1=p ");
  assert_event (self, log, " from='bob@b.test'", "<items node='n'><retract id='7'/></items>",
                "r bob@b.test n 7=- ");
  assert_event (self, log, " from='bob@b.test'",
                "<items node='n'><item id='1'/><retract id='7'/></items>",
                "r bob@b.test n 7=- i bob@b.test n 1=- ");
  assert_event (self, log, " from='bob@b.test'", "<items node='n'/>", "");
  assert_event (self, log, " from='bob@b.test'", "<purge node='n'/>", "p bob@b.test n ");
  assert_event (self, log, " from='bob@b.test'", "<delete node='n'/>", "d bob@b.test n ");
  assert_event (self, log, " from='bob@b.test'", "<subscription node='n'/>", "");
  assert_event (self, log, " from='bob@b.test'", "<items node='unwatched'><item/></items>", "");
  assert_event (self, log, " from='bob@b.test'", "<items><item/></items>", "");
  assert_event (self, log, " from='bob@b.test'", "", "");
  assert_event (self, log, " from='bob@b.test'", "<items xmlns='x' node='n'><item/></items>", "");
}

/* Attacks row C5. */
static void
test_events_forged (XepFixture *self, gconstpointer data)
{
  static const char *const senders[] = {
    " from='eve@e.test'",          " from='bob@b.test'",   " from='a.test'",
    " from='alice@a.test.e.test'", " from='alice@e.test'",
  };
  g_autoptr (TessPep) pep = tess_xep_pep_new (self->router, NULL);
  g_autoptr (GString) log = g_string_new (NULL);

  tess_router_add_handler (self->router, TESS_STANZA_MESSAGE, 0, NULL, NULL, seen_cb, log);
  tess_xep_pep_watch (pep, "n", FALSE, event_cb, log);
  tess_xep_pep_watch (pep, "private", TRUE, event_cb, log);
  for (gsize i = 0; i < G_N_ELEMENTS (senders); i++)
    {
      assert_event (self, log, senders[i], PRIVATE_ITEMS, "");
      assert_event (self, log, senders[i], "<delete node='private'/>", "");
      assert_event (self, log, senders[i], "<items node='private'><retract id='1'/></items>", "");
    }
  /* A client's own words, and what came back: no events, but messages like others. */
  assert_event (self, log, " from='alice@a.test/other'", PRIVATE_ITEMS, "seen ");
  assert_event (self, log, " from='bob@b.test/x'", ITEMS, "seen ");
  assert_event (self, log, " from='bob@b.test' type='error'", ITEMS, "seen ");

  assert_event (self, log, " from='alice@a.test'", PRIVATE_ITEMS, "i alice@a.test private 1=p ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  xep_test_add ("/xep/pep/publish", test_publish);
  xep_test_add ("/xep/pep/publish-again", test_publish_again);
  xep_test_add ("/xep/pep/other-requests", test_other_requests);
  xep_test_add ("/xep/pep/fetch", test_fetch);
  xep_test_add ("/xep/pep/fetch-hostile", test_fetch_hostile);
  xep_test_add ("/xep/pep/events", test_events);
  xep_test_add ("/xep/pep/events-forged", test_events_forged);

  return g_test_run ();
}
