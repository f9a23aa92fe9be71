/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xep-fixture.h"
#include "xmpp/xep/tess-xep-mds.h"

#define DISPLAYED(inner) "<displayed xmlns='urn:xmpp:mds:displayed:0'>" inner "</displayed>"
#define ID(by, id) "<stanza-id xmlns='urn:xmpp:sid:0' by='" by "' id='" id "'/>"

static void
done_cb (const GError *error, gpointer user_data)
{
}

static void
test_publish (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessPep) pep = tess_xep_pep_new (self->router, NULL);
  g_autoptr (TessJid) alice = tess_jid_new ("alice@a.test/here", NULL);
  TessPepOptions      options = tess_xep_mds_options (TESS_PEP_MAX_ITEMS_MAX);

  tess_xep_pep_publish (pep, TESS_XEP_MDS_NODE, "bob@b.test", tess_xep_mds_build (alice, "7"), &options, done_cb, NULL);
  xep_assert_sent (
      self, 1,
      "<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:mds:displayed:0'>"
      "<item id='bob@b.test'>" DISPLAYED ("<stanza-id xmlns='urn:xmpp:sid:0' id='7' by='alice@a.test'/>") "</item></publish>"
      "<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
      "<value>http://jabber.org/protocol/pubsub#publish-options</value></field>"
      "<field var='pubsub#access_model'><value>whitelist</value></field>"
      "<field var='pubsub#persist_items'><value>true</value></field>"
      "<field var='pubsub#max_items'><value>max</value></field>"
      "<field var='pubsub#send_last_published_item'><value>never</value></field></x></publish-options></pubsub></iq>");
}

static void
test_get (void)
{
  static const struct
  {
    const char *item;
    const char *payload;
    const char *chat;
    const char *id;
  } cases[] = {
    { "bob@b.test", DISPLAYED (ID ("alice@a.test", "7")), "bob@b.test", "7" },
    { "BOB@B.test", DISPLAYED (ID ("alice@a.test", "7")), "bob@b.test", "7" },
    { "room@c.test/nick", DISPLAYED (ID ("alice@a.test", "7")), NULL, "7" },
    { "room@c.test", DISPLAYED (ID ("room@c.test", "7")), NULL, NULL },
    { "bob@b.test", DISPLAYED (ID ("alice@a.test/x", "7")), NULL, NULL },
    { "bob@b.test", DISPLAYED (ID ("alice@a.test", "7") ID ("alice@a.test", "8")), NULL, NULL },
    { "bob@b.test", DISPLAYED (ID ("alice@a.test", "")), NULL, NULL },
    { "bob@b.test", DISPLAYED (""), NULL, NULL },
    { "bob@b.test", "<displayed xmlns='urn:xmpp:chat-markers:0' id='7'/>", NULL, NULL },
    { "b b@", DISPLAYED (ID ("alice@a.test", "7")), NULL, "7" },
    { NULL, DISPLAYED (ID ("alice@a.test", "7")), NULL, NULL },
  };
  g_autoptr (TessJid) alice = tess_jid_new ("alice@a.test/here", NULL);
  TessPepItem         nothing = { "bob@b.test", NULL };
  const char         *id;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessNode) payload = xep_parse (cases[i].payload);
      TessPepItem          item = { cases[i].item, payload };
      g_autoptr (TessJid)  chat = tess_xep_mds_get (&item, alice, &id);

      g_assert_cmpstr (chat != NULL ? tess_jid_to_string (chat) : NULL, ==, cases[i].chat);
      if (chat != NULL)
        g_assert_cmpstr (id, ==, cases[i].id);
    }
  g_assert_null (tess_xep_mds_get (&nothing, alice, &id));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  xep_test_add ("/xep/mds/publish", test_publish);
  g_test_add_func ("/xep/mds/get", test_get);

  return g_test_run ();
}
