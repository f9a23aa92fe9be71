/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xep-fixture.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-presence.h"
#include "xmpp/xep/tess-xep-roster.h"

#include <string.h>

static GPtrArray *
parse (const char *xml, char **ver, GError **error)
{
  g_autoptr (TessNode) iq = xep_parse (xml);

  return tess_xep_roster_parse_result (iq, ver, error);
}

static void
test_result (void)
{
  g_autofree char       *ver = NULL;
  g_autoptr (GPtrArray) items =
      parse ("<iq type='result'><query xmlns='jabber:iq:roster' ver='v7'>"
             "<item jid='BOB@b.test' name=' Bob ' subscription='both' "
             "approved='true'><group>Friends</group><group> </group>"
             "<group>Work</group></item>"
             "<item jid='carol@c.test' ask='subscribe'/>"
             "<item jid='dave@d.test' subscription='to' approved='1' ask='maybe'/>"
             "<item jid='from@d.test' subscription='from'/>"
             "<item jid='odd@d.test' subscription='odd'/>"
             "<item jid='transport.test/registered' subscription='both'/>"
             "<item jid='bob@b.test' name='Another Bob'/>"
             "<item jid='gone@d.test' subscription='remove'/>"
             "<item jid='@@' subscription='both'/><item/><item xmlns='x' jid='x@x.test'/>"
             "</query></iq>",
             &ver, NULL);
  const TessRosterItem *bob = NULL;
  static const TessRosterSubscription subscriptions[] = {
    TESS_ROSTER_BOTH, TESS_ROSTER_NONE, TESS_ROSTER_TO,
    TESS_ROSTER_FROM, TESS_ROSTER_NONE, TESS_ROSTER_BOTH,
  };
  g_autoptr (TessRosterItem) copy = NULL;

  g_assert_nonnull (items);
  g_assert_cmpstr (ver, ==, "v7");
  g_assert_cmpuint (items->len, ==, G_N_ELEMENTS (subscriptions));
  for (guint i = 0; i < items->len; i++)
    {
      const TessRosterItem *item = g_ptr_array_index (items, i);

      g_assert_cmpint (item->subscription, ==, subscriptions[i]);
      g_assert_true (item->ask_subscribe == (i == 1));
      g_assert_true (item->approved == (i == 0 || i == 2));
      g_assert_true (tess_jid_is_bare (item->jid));
      g_assert_nonnull (item->groups);
    }
  bob = g_ptr_array_index (items, 0);
  copy = tess_xep_roster_item_copy (bob);
  g_ptr_array_set_size (items, 0);
  g_assert_cmpstr (tess_jid_to_string (copy->jid), ==, "bob@b.test");
  g_assert_cmpstr (copy->name, ==, "Bob");
  g_assert_cmpuint (g_strv_length (copy->groups), ==, 2);
  g_assert_cmpstr (copy->groups[1], ==, "Work");
}

static void
test_result_unchanged (void)
{
  g_autofree char       *ver = NULL;
  g_autofree char       *no_ver = NULL;
  g_autoptr (GError)     error = NULL;
  g_autoptr (GPtrArray)  empty = NULL;

  g_assert_null (parse ("<iq type='result'/>", &ver, &error));
  g_assert_no_error (error);
  g_assert_null (ver);
  empty = parse ("<iq type='result'><query xmlns='jabber:iq:roster' ver=''/></iq>", &ver, &error);
  g_assert_cmpuint (empty->len, ==, 0);
  g_assert_cmpstr (ver, ==, "");
  g_clear_pointer (&empty, g_ptr_array_unref);
  empty = parse ("<iq type='result'><query xmlns='jabber:iq:roster'/></iq>", &no_ver, &error);
  g_assert_cmpuint (empty->len, ==, 0);
  g_assert_null (no_ver);
}

/* Built by hand: a stanza from the stream is never that large. */
static TessNode *
build_large (guint n_items)
{
  TessNode *iq = tess_node_new ("iq", "jabber:client");
  TessNode *query = tess_node_add (iq, "query", TESS_XEP_ROSTER_NS);

  for (guint i = 0; i < n_items; i++)
    {
      g_autofree char *jid = g_strdup_printf ("u%u@b.test", i);

      tess_node_set (tess_node_add (query, "item", NULL), "jid", jid);
    }

  return iq;
}

static void
test_result_hostile (void)
{
  g_autoptr (TessNode)   largest = build_large (TESS_XEP_ROSTER_MAX_ITEMS);
  g_autoptr (TessNode)   larger = build_large (TESS_XEP_ROSTER_MAX_ITEMS + 1);
  g_autoptr (GPtrArray)  items = NULL;
  g_autoptr (GPtrArray)  long_items = NULL;
  g_autoptr (GError)     error = NULL;
  g_autofree char       *ver = NULL;
  g_autofree char       *long_name = g_strnfill (5000, 'n');
  g_autoptr (GString) xml =
      g_string_new ("<iq><query xmlns='jabber:iq:roster'><item jid='b@b.test'");
  const TessRosterItem  *item = NULL;

  items = tess_xep_roster_parse_result (largest, &ver, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (items->len, ==, TESS_XEP_ROSTER_MAX_ITEMS);
  g_assert_null (tess_xep_roster_parse_result (larger, &ver, &error));
  g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TOO_LARGE);
  g_assert_null (ver);

  g_string_append_printf (xml, " name='%s\xe2\x80\xae'>", long_name);
  for (guint i = 0; i < 500; i++)
    g_string_append_printf (xml, "<group>%s%u</group>", i % 2 == 0 ? "" : "g", i);
  g_string_append (xml, "</item></query></iq>");
  long_items = parse (xml->str, &ver, NULL);
  item = g_ptr_array_index (long_items, 0);
  g_assert_cmpuint (strlen (item->name), ==, TESS_XEP_ROSTER_MAX_NAME);
  g_assert_cmpuint (g_strv_length (item->groups), ==, TESS_XEP_ROSTER_MAX_GROUPS);
}

/* Found by fuzzing: the second of three equal contacts was freed and still looked at. */
static void
test_named_often (void)
{
  g_autofree char       *ver = NULL;
  g_autoptr (GPtrArray)  items =
      parse ("<iq><query xmlns='jabber:iq:roster'><item jid='b@b.test' name='first'/><item jid='B@b.test' name='second'/>"
             "<item jid='b@b.test/x' name='third'/><item jid='c@c.test'/><item jid='b@b.test' name='fourth'/></query></iq>",
             &ver, NULL);

  g_assert_cmpuint (items->len, ==, 2);
  g_assert_cmpstr (((TessRosterItem *) g_ptr_array_index (items, 0))->name, ==, "first");
}

/* Pushes */

typedef struct
{
  XepFixture     *fixture;
  TessRosterItem *item;
  char           *ver;
} Pushed;

static gboolean
push_cb (const TessStanza *stanza, gpointer user_data)
{
  Pushed *pushed = user_data;

  return tess_xep_roster_take_push (pushed->fixture->router, stanza, &pushed->item, &pushed->ver);
}

static void
push (XepFixture *self, Pushed *pushed, const char *from, const char *items)
{
  guint handler = tess_router_add_handler (self->router, TESS_STANZA_IQ_SET, 0, "query",
                                           TESS_XEP_ROSTER_NS, push_cb, pushed);

  pushed->fixture = self;
  g_clear_pointer (&pushed->item, tess_xep_roster_item_free);
  g_clear_pointer (&pushed->ver, g_free);
  xep_feed_printf (
      self, "<iq type='set' id='r1'%s><query xmlns='jabber:iq:roster' ver='v8'>%s</query></iq>",
      from, items);
  tess_router_remove_handler (self->router, handler);
}

static void
test_push (XepFixture *self, gconstpointer data)
{
  Pushed pushed = { 0 };

  push (self, &pushed, "", "<item jid='bob@b.test' subscription='remove'/>");
  g_assert_cmpint (pushed.item->subscription, ==, TESS_ROSTER_REMOVE);
  g_assert_cmpstr (pushed.ver, ==, "v8");
  xep_assert_answered (self, "r1", "result");

  push (self, &pushed, " from='Alice@a.test'",
        "<item jid='bob@b.test' subscription='to' name='Bob'/>");
  g_assert_cmpint (pushed.item->subscription, ==, TESS_ROSTER_TO);
  g_assert_cmpstr (pushed.item->name, ==, "Bob");
  xep_assert_answered (self, "r1", "result");
  g_assert_cmpuint (self->sent->len, ==, 2);

  tess_xep_roster_item_free (pushed.item);
  g_free (pushed.ver);
}

/* Attacks row C3. */
static void
test_push_forged (XepFixture *self, gconstpointer data)
{
  static const struct
  {
    const char *from;
    const char *items;
  } cases[] = {
    { " from='eve@e.test'", "<item jid='bob@b.test' subscription='remove'/>" },
    { " from='eve@e.test/x'", "<item jid='eve@e.test' subscription='both'/>" },
    { " from='a.test'", "<item jid='eve@e.test' subscription='both'/>" },
    { " from='alice@a.test/other'", "<item jid='eve@e.test' subscription='both'/>" },
    { " from='alice@a.test/here'", "<item jid='eve@e.test' subscription='both'/>" },
    { "", "<item jid='eve@e.test'/><item jid='bob@b.test'/>" },
    { "", "" },
    { "", "<item/>" },
    { "", "<item jid='@@'/>" },
  };
  Pushed pushed = { 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      push (self, &pushed, cases[i].from, cases[i].items);
      g_assert_null (pushed.item);
      g_assert_null (pushed.ver);
      xep_assert_answered (self, "r1", "error");
      g_assert_cmpuint (self->sent->len, ==, i + 1);
    }
}

static void
ignore_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
}

static void
test_requests (XepFixture *self, gconstpointer data)
{
  static const char *const groups[] = { "Friends", "A & B", NULL };
  g_autoptr (TessJid)      bob = tess_jid_new ("bob@b.test/x", NULL);

  tess_xep_roster_get (self->router, NULL, ignore_cb, NULL);
  xep_assert_sent (self, 1, "<iq type='get'><query xmlns='jabber:iq:roster'/></iq>");
  tess_xep_roster_get (self->router, "", ignore_cb, NULL);
  xep_assert_sent (self, 2, "<iq type='get'><query xmlns='jabber:iq:roster' ver=''/></iq>");
  tess_xep_roster_get (self->router, "v7", ignore_cb, NULL);
  xep_assert_sent (self, 3, "<iq type='get'><query xmlns='jabber:iq:roster' ver='v7'/></iq>");
  tess_xep_roster_set (self->router, bob, "Bob", groups, ignore_cb, NULL);
  xep_assert_sent (
      self, 4,
      "<iq type='set'><query xmlns='jabber:iq:roster'><item jid='bob@b.test' name='Bob'>"
      "<group>Friends</group><group>A &amp; B</group></item></query></iq>");
  tess_xep_roster_set (self->router, bob, "", NULL, ignore_cb, NULL);
  xep_assert_sent (
      self, 5,
      "<iq type='set'><query xmlns='jabber:iq:roster'><item jid='bob@b.test'/></query></iq>");
  tess_xep_roster_remove (self->router, bob, ignore_cb, NULL);
  xep_assert_sent (self, 6, "<iq type='set'><query xmlns='jabber:iq:roster'><item jid='bob@b.test' "
                            "subscription='remove'/></query></iq>");
}

/* Presence */

static void
test_presence_parse (void)
{
  static const struct
  {
    const char      *xml;
    TessXepPresenceKind kind;
    TessXepPresenceShow show;
    int              priority;
    const char      *status;
  } cases[] = {
    { "<presence/>", TESS_XEP_PRESENCE_STATE, TESS_XEP_PRESENCE_AVAILABLE, 0, NULL },
    { "<presence><show>chat</show></presence>", TESS_XEP_PRESENCE_STATE, TESS_XEP_PRESENCE_CHAT, 0,
      NULL },
    { "<presence><show>away</show><status> a\nb </status><priority>-1</priority></presence>",
      TESS_XEP_PRESENCE_STATE, TESS_XEP_PRESENCE_AWAY, -1, "a\nb" },
    { "<presence><show>xa</show><priority>127</priority></presence>", TESS_XEP_PRESENCE_STATE,
      TESS_XEP_PRESENCE_XA, 127, NULL },
    { "<presence><show>dnd</show><priority>128</priority></presence>", TESS_XEP_PRESENCE_STATE,
      TESS_XEP_PRESENCE_DND, 0, NULL },
    { "<presence><show>sleepy</show><priority>x</priority></presence>", TESS_XEP_PRESENCE_STATE,
      TESS_XEP_PRESENCE_AVAILABLE, 0, NULL },
    { "<presence><show xmlns='x'>dnd</show></presence>", TESS_XEP_PRESENCE_STATE,
      TESS_XEP_PRESENCE_AVAILABLE, 0, NULL },
    { "<presence type='unavailable'><show>chat</show><status>bye</status></presence>",
      TESS_XEP_PRESENCE_STATE, TESS_XEP_PRESENCE_UNAVAILABLE, 0, "bye" },
    { "<presence type='subscribe'/>", TESS_XEP_PRESENCE_SUBSCRIBE, 0, 0, NULL },
    { "<presence type='subscribed'/>", TESS_XEP_PRESENCE_SUBSCRIBED, 0, 0, NULL },
    { "<presence type='unsubscribe'/>", TESS_XEP_PRESENCE_UNSUBSCRIBE, 0, 0, NULL },
    { "<presence type='unsubscribed'/>", TESS_XEP_PRESENCE_UNSUBSCRIBED, 0, 0, NULL },
    { "<presence type='probe'/>", TESS_XEP_PRESENCE_PROBE, 0, 0, NULL },
    { "<presence type='error'/>", TESS_XEP_PRESENCE_ERROR, 0, 0, NULL },
    { "<presence type='available'/>", TESS_XEP_PRESENCE_OTHER, 0, 0, NULL },
    { "<presence type=''/>", TESS_XEP_PRESENCE_OTHER, 0, 0, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessNode)     node = xep_parse (cases[i].xml);
      g_autoptr (TessXepPresence) presence = tess_xep_presence_parse (node);

      g_assert_cmpint (tess_xep_presence_get_kind (node), ==, cases[i].kind);
      g_assert_true ((presence != NULL) == (cases[i].kind == TESS_XEP_PRESENCE_STATE));
      if (presence == NULL)
        continue;
      g_assert_cmpint (presence->show, ==, cases[i].show);
      g_assert_cmpint (presence->priority, ==, cases[i].priority);
      g_assert_cmpstr (presence->status, ==, cases[i].status);
    }
}

static void
assert_built (TessNode *presence, const char *xml)
{
  g_autoptr (TessNode) built = presence;
  g_autoptr (TessNode) wanted = xep_parse (xml);
  g_autofree char     *is = tess_node_to_string (built, "jabber:client");
  g_autofree char     *shall = tess_node_to_string (wanted, "jabber:client");

  g_assert_cmpstr (is, ==, shall);
}

static void
test_presence_build (void)
{
  g_autoptr (TessJid) bob = tess_jid_new ("bob@b.test/x", NULL);

  assert_built (tess_xep_presence_build (TESS_XEP_PRESENCE_AVAILABLE, NULL, 0, NULL),
                "<presence/>");
  assert_built (
      tess_xep_presence_build (TESS_XEP_PRESENCE_AVAILABLE, "", 0, tess_node_new ("c", "x")),
      "<presence><c xmlns='x'/></presence>");
  assert_built (
      tess_xep_presence_build (TESS_XEP_PRESENCE_DND, "a<b", -200, NULL),
      "<presence><show>dnd</show><status>a&lt;b</status><priority>-128</priority></presence>");
  assert_built (tess_xep_presence_build (TESS_XEP_PRESENCE_UNAVAILABLE, "bye", 5, NULL),
                "<presence type='unavailable'><status>bye</status></presence>");
  assert_built (tess_xep_presence_build_subscription (TESS_XEP_PRESENCE_SUBSCRIBE, bob),
                "<presence type='subscribe' to='bob@b.test'/>");
  assert_built (tess_xep_presence_build_subscription (TESS_XEP_PRESENCE_SUBSCRIBED, bob),
                "<presence type='subscribed' to='bob@b.test'/>");
  assert_built (tess_xep_presence_build_subscription (TESS_XEP_PRESENCE_UNSUBSCRIBE, bob),
                "<presence type='unsubscribe' to='bob@b.test'/>");
  assert_built (tess_xep_presence_build_subscription (TESS_XEP_PRESENCE_UNSUBSCRIBED, bob),
                "<presence type='unsubscribed' to='bob@b.test'/>");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/xep/roster/result", test_result);
  g_test_add_func ("/xep/roster/named-often", test_named_often);
  g_test_add_func ("/xep/roster/result-unchanged", test_result_unchanged);
  g_test_add_func ("/xep/roster/result-hostile", test_result_hostile);
  xep_test_add ("/xep/roster/push", test_push);
  xep_test_add ("/xep/roster/push-forged", test_push_forged);
  xep_test_add ("/xep/roster/requests", test_requests);
  g_test_add_func ("/xep/presence/parse", test_presence_parse);
  g_test_add_func ("/xep/presence/build", test_presence_build);

  return g_test_run ();
}
