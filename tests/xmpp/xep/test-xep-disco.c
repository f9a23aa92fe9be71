/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xep-fixture.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-caps.h"
#include "xmpp/xep/tess-xep-data-form.h"
#include "xmpp/xep/tess-xep-disco.h"

#define INFO(inner) "<query xmlns='http://jabber.org/protocol/disco#info'>" inner "</query>"
#define EXODUS                                                      \
  "<identity category='client' type='pc' name='Exodus 0.9.1'/>"     \
  "<feature var='http://jabber.org/protocol/muc'/><feature "        \
  "var='http://jabber.org/protocol/disco#items'/>"                  \
  "<feature var='http://jabber.org/protocol/disco#info'/><feature " \
  "var='http://jabber.org/protocol/caps'/>"
#define EXODUS_VER "QgayPKawpkPSDYmwT/WM94uAlu0="

static TessDiscoInfo *
parse (const char *xml, GError **error)
{
  g_autoptr (TessNode) query = xep_parse (xml);

  return tess_xep_disco_info_parse (query, error);
}

static void
test_info (void)
{
  g_autoptr (TessDiscoInfo) info =
      parse (INFO (EXODUS "<identity category='pubsub' type='pep'/><identity type='odd'/><feature/>"
                          "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' "
                          "type='hidden'><value>f</value></field>"
                          "<field var='v'><value>1</value><value>2</value></field></x>"),
             NULL);
  g_autoptr (GError)        error = NULL;
  const TessDataForm       *form = NULL;

  g_assert_cmpuint (info->identities->len, ==, 2);
  g_assert_cmpuint (info->features->len, ==, 4);
  g_assert_cmpuint (info->forms->len, ==, 1);
  g_assert_true (tess_xep_disco_info_has_feature (info, "http://jabber.org/protocol/muc"));
  g_assert_true (tess_xep_disco_info_has_feature (info, "http://jabber.org/protocol/caps"));
  g_assert_false (tess_xep_disco_info_has_feature (info, "http://jabber.org/protocol/mu"));
  g_assert_false (tess_xep_disco_info_has_feature (info, ""));
  g_assert_true (tess_xep_disco_info_has_identity (info, "client", NULL));
  g_assert_true (tess_xep_disco_info_has_identity (info, "pubsub", "pep"));
  g_assert_false (tess_xep_disco_info_has_identity (info, "pubsub", "service"));
  form = g_ptr_array_index (info->forms, 0);
  g_assert_cmpstr (form->type, ==, "result");
  g_assert_cmpstr (tess_xep_data_form_get_value (form, "FORM_TYPE"), ==, "f");
  g_assert_cmpstr (tess_xep_data_form_get (form, "v")->values[1], ==, "2");
  g_assert_null (tess_xep_data_form_get (form, "w"));
  g_assert_null (tess_xep_data_form_get_value (form, "w"));

  g_assert_null (parse ("<query xmlns='x'/>", &error));
  g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY);
  g_clear_error (&error);
  g_assert_null (tess_xep_disco_info_parse (NULL, &error));
  g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY);
}

static void
test_info_hostile (void)
{
  static const struct
  {
    const char *before;
    const char *piece;
    const char *after;
    guint       most;
  } cases[] = {
    { "", "<feature var='f'/>", "", TESS_XEP_DISCO_MAX_FEATURES },
    { "", "<identity category='c' type='t'/>", "", TESS_XEP_DISCO_MAX_IDENTITIES },
    { "", "<x xmlns='jabber:x:data'/>", "", TESS_XEP_DISCO_MAX_FORMS },
    { "<x xmlns='jabber:x:data'>", "<field var='v'/>", "</x>", 200 },
    { "<x xmlns='jabber:x:data'><field var='v'>", "<value>1</value>", "</field></x>", 200 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint more = 0; more < 2; more++)
      {
        g_autoptr (GString) xml =
            g_string_new ("<query xmlns='http://jabber.org/protocol/disco#info'>");
        g_autoptr (TessDiscoInfo) info = NULL;
        g_autoptr (GError)        error = NULL;

        g_string_append (xml, cases[i].before);
        for (guint n = 0; n < cases[i].most + more; n++)
          g_string_append (xml, cases[i].piece);
        g_string_append_printf (xml, "%s</query>", cases[i].after);
        info = parse (xml->str, &error);
        g_assert_true ((info != NULL) == (more == 0));
        if (more == 1)
          g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TOO_LARGE);
      }
}

/* The two examples of XEP-0115 sections 5.2 and 5.3. */
static void
test_hash (void)
{
  g_autoptr (TessDiscoInfo) simple = parse (INFO (EXODUS), NULL);
  g_autoptr (TessDiscoInfo) complex = parse (
      INFO (
          "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"
          "<identity xml:lang='el' category='client' name='\xce\xa8 0.11' type='pc'/>"
          "<feature var='http://jabber.org/protocol/caps'/><feature "
          "var='http://jabber.org/protocol/disco#info'/>"
          "<feature var='http://jabber.org/protocol/disco#items'/><feature "
          "var='http://jabber.org/protocol/muc'/>"
          "<x xmlns='jabber:x:data' type='result'>"
          "<field var='software'><value>Psi</value></field>"
          "<field var='FORM_TYPE' "
          "type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>"
          "<field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>"
          "<field var='os'><value>Mac</value></field><field "
          "var='os_version'><value>10.5.1</value></field>"
          "<field var='software_version'><value>0.11</value></field></x>"
          "<x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>not hidden</value></field></x>"
          "<x xmlns='jabber:x:data'><field var='no type'><value>1</value></field></x>"),
      NULL);
  g_autofree char          *simple_ver = tess_xep_caps_hash (simple);
  g_autofree char          *complex_ver = tess_xep_caps_hash (complex);

  g_assert_cmpstr (simple_ver, ==, EXODUS_VER);
  g_assert_cmpstr (complex_ver, ==, "q07IKJEyjvHSyhy//CH0CxmKi8w=");
}

static void
test_hash_ill_formed (void)
{
#define FORM(type, more) \
  "<x xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'>" type "</field>" more "</x>"
  static const char *const ill_formed[] = {
    INFO ("<feature var='a'/><feature var='b'/><feature var='a'/>"),
    INFO ("<identity category='c' type='t'/><identity category='c' type='t'/>"),
    INFO (FORM ("<value>a</value>", "") FORM ("<value>a</value>", "")),
    INFO (FORM ("<value>a</value><value>b</value>", "")),
    /* A separator inside a value would let one list pass for another. */
    INFO ("<feature var='a&lt;b'/>"),
    INFO ("<identity category='client/pc' type='x'/>"),
    INFO ("<identity category='client' type='pc' name='a&lt;b'/>"),
    INFO (FORM ("<value>a&lt;</value>", "")),
    INFO (FORM ("<value>a</value>", "<field var='v&lt;'/>")),
    INFO (FORM ("<value>a</value>", "<field var='v'><value>&lt;</value></field>")),
    INFO (FORM ("<value>a</value>", "<field/>")),
  };

  for (gsize i = 0; i < G_N_ELEMENTS (ill_formed); i++)
    {
      g_autoptr (TessDiscoInfo) info = parse (ill_formed[i], NULL);

      g_assert_nonnull (info);
      g_assert_null (tess_xep_caps_hash (info));
    }
}

/* Ourselves */

static void
test_own (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessDisco) disco =
      tess_xep_disco_new (self->router, "https://tessera.test", "Tessera");
  g_autoptr (TessNode)      caps = NULL;
  g_autoptr (TessDiscoInfo) told = NULL;
  g_autofree char          *ver = NULL;
  const TessNode           *query = NULL;

  tess_xep_disco_add_feature (disco, "zzz+notify");
  tess_xep_disco_add_feature (disco, "aaa+notify");
  tess_xep_disco_add_feature (disco, "aaa+notify");
  caps = tess_xep_caps_build (disco);
  g_assert_cmpstr (tess_node_get (caps, "node"), ==, "https://tessera.test");
  g_assert_cmpstr (tess_node_get (caps, "hash"), ==, "sha-1");

  xep_feed_printf (self,
                   "<iq type='get' id='d1' from='bob@b.test/x'><query "
                   "xmlns='http://jabber.org/protocol/disco#info' "
                   "node='https://tessera.test#%s'/></iq>",
                   tess_node_get (caps, "ver"));
  xep_assert_answered (self, "d1", "result");
  query = tess_node_child (xep_last_sent (self), "query", TESS_XEP_DISCO_INFO_NS);
  g_assert_cmpstr (tess_node_get (query, "node") + 21, ==, tess_node_get (caps, "ver"));
  told = tess_xep_disco_info_parse (query, NULL);
  ver = tess_xep_caps_hash (told);
  g_assert_cmpstr (ver, ==, tess_node_get (caps, "ver"));
  g_assert_true (tess_xep_disco_info_has_feature (told, "aaa+notify"));
  g_assert_true (tess_xep_disco_info_has_feature (told, TESS_XEP_CAPS_NS));
  g_assert_true (tess_xep_disco_info_has_feature (told, "urn:xmpp:receipts"));
  g_assert_true (tess_xep_disco_info_has_identity (told, "client", "pc"));

  xep_feed (self, "<iq type='get' id='d2' from='b@b.test/x'><query "
                  "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
  xep_assert_answered (self, "d2", "result");
  xep_feed (self, "<iq type='get' id='d3' from='b@b.test/x'><query "
                  "xmlns='http://jabber.org/protocol/disco#info' node='x'/></iq>");
  xep_assert_answered (self, "d3", "error");
  xep_feed (self, "<iq type='get' id='d4' from='b@b.test/x'><query "
                  "xmlns='http://jabber.org/protocol/disco#items'/></iq>");
  xep_assert_answered (self, "d4", "result");
  xep_feed (self, "<iq type='set' id='d5' from='b@b.test/x'><query "
                  "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
  xep_assert_answered (self, "d5", "error");
}

typedef struct
{
  TessDisco     *disco;
  guint          calls;
  TessDiscoInfo *info;
  GError        *error;
} Answer;

static void
answer_cb (TessDiscoInfo *info, const GError *error, gpointer user_data)
{
  Answer *answer = user_data;

  answer->calls++;
  g_assert_true ((info == NULL) == (error != NULL));
  g_clear_pointer (&answer->info, tess_xep_disco_info_unref);
  g_clear_error (&answer->error);
  if (info != NULL)
    answer->info = tess_xep_disco_info_ref (info);
  if (error != NULL)
    answer->error = g_error_copy (error);
  g_clear_pointer (&answer->disco, tess_xep_disco_free);
}

static void
test_query (XepFixture *self, gconstpointer data)
{
  TessDisco          *disco = tess_xep_disco_new (self->router, "n", NULL);
  g_autoptr (TessJid) server = tess_jid_new ("a.test", NULL);
  Answer              answer = { 0 };
  Answer              cancelled = { 0 };
  guint               id = 0;

  tess_xep_disco_query (disco, server, NULL, answer_cb, &answer);
  xep_assert_sent (
      self, 1,
      "<iq type='get' to='a.test'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
  xep_answer (self, xep_last_sent (self), "eve@e.test", INFO (EXODUS));
  g_assert_cmpuint (answer.calls, ==, 0);
  xep_answer (self, xep_last_sent (self), "a.test", INFO (EXODUS));
  g_assert_cmpuint (answer.calls, ==, 1);
  g_assert_cmpuint (answer.info->features->len, ==, 4);

  tess_xep_disco_query (disco, NULL, "x", answer_cb, &answer);
  xep_assert_sent (
      self, 2,
      "<iq type='get'><query xmlns='http://jabber.org/protocol/disco#info' node='x'/></iq>");
  xep_answer_error (
      self, xep_last_sent (self), NULL,
      "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
  g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_ITEM_NOT_FOUND);
  tess_xep_disco_query (disco, NULL, NULL, answer_cb, &answer);
  xep_answer (self, xep_last_sent (self), NULL, "");
  g_assert_error (answer.error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_BAD_REPLY);

  id = tess_xep_disco_query (disco, NULL, NULL, answer_cb, &cancelled);
  tess_xep_disco_cancel (disco, id);
  xep_answer (self, xep_last_sent (self), NULL, INFO (EXODUS));
  tess_xep_disco_query (disco, NULL, NULL, answer_cb, &cancelled);
  tess_xep_disco_query (disco, NULL, NULL, answer_cb, &answer);
  /* The answer's function frees it all. */
  answer.disco = disco;
  xep_answer (self, xep_last_sent (self), NULL, INFO (EXODUS));
  g_assert_cmpuint (answer.calls, ==, 4);
  g_assert_null (answer.disco);
  g_assert_cmpuint (cancelled.calls, ==, 0);
  tess_router_fail_all (self->router);
  g_assert_cmpuint (cancelled.calls, ==, 0);
  tess_xep_disco_info_unref (answer.info);
}

/* Others */

typedef struct
{
  GString *log;
} Changes;

static void
changed_cb (TessJid *jid, TessDiscoInfo *info, gpointer user_data)
{
  Changes *changes = user_data;

  g_string_append_printf (changes->log, "%s:%d ", tess_jid_to_string (jid),
                          info != NULL ? (int) info->features->len : -1);
}

static void
assert_changes (Changes *changes, const char *log)
{
  g_assert_cmpstr (changes->log->str, ==, log);
  g_string_truncate (changes->log, 0);
}

static void
take (TessCaps *caps, const char *from, const char *xml)
{
  g_autoptr (TessNode) presence = xep_parse (xml);
  g_autoptr (TessJid)  jid = tess_jid_new (from, NULL);

  tess_xep_caps_take_presence (caps, jid, presence);
}

#define PRESENCE(hash, ver)                                                                 \
  "<presence><c xmlns='http://jabber.org/protocol/caps' hash='" hash "' node='n' ver='" ver \
  "'/></presence>"

static void
test_caps (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessDisco) disco = tess_xep_disco_new (self->router, "n", NULL);
  Changes               changes = { g_string_new (NULL) };
  g_autoptr (TessCaps)  caps = tess_xep_caps_new (disco, changed_cb, &changes);
  g_autoptr (TessJid)   bob = tess_jid_new ("bob@b.test/x", NULL);

  take (caps, "bob@b.test/x", PRESENCE ("sha-1", EXODUS_VER));
  xep_assert_sent (
      self, 1,
      "<iq type='get' to='bob@b.test/x'><query xmlns='http://jabber.org/protocol/disco#info' "
      "node='n#" EXODUS_VER "'/></iq>");
  /* Announced again, and by another: nothing more is asked. */
  take (caps, "bob@b.test/x", PRESENCE ("sha-1", EXODUS_VER));
  take (caps, "carol@c.test/x", PRESENCE ("sha-1", EXODUS_VER));
  g_assert_cmpuint (self->sent->len, ==, 1);
  g_assert_null (tess_xep_caps_get (caps, bob));
  xep_answer (self, xep_last_sent (self), "bob@b.test/x", INFO (EXODUS));
  assert_changes (&changes, "carol@c.test/x:4 bob@b.test/x:4 ");
  g_assert_true (tess_xep_disco_info_has_feature (tess_xep_caps_get (caps, bob),
                                                  "http://jabber.org/protocol/muc"));

  /* It is known from now on. */
  take (caps, "dave@d.test/x", PRESENCE ("sha-1", EXODUS_VER));
  assert_changes (&changes, "dave@d.test/x:4 ");
  take (caps, "bob@b.test/x", "<presence type='unavailable'/>");
  take (caps, "bob@b.test/x", "<presence type='subscribe'/>");
  assert_changes (&changes, "bob@b.test/x:-1 ");
  g_assert_null (tess_xep_caps_get (caps, bob));
  take (caps, "dave@d.test/x", "<presence/>");
  assert_changes (&changes, "dave@d.test/x:-1 ");
  tess_xep_caps_clear_presence (caps);
  take (caps, "bob@b.test/x", PRESENCE ("sha-1", EXODUS_VER));
  assert_changes (&changes, "bob@b.test/x:4 ");
  g_assert_cmpuint (self->sent->len, ==, 1);
  g_string_free (changes.log, TRUE);
}

/* A lie about a hash holds for the liar only. */
static void
test_caps_poisoned (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessDisco) disco = tess_xep_disco_new (self->router, "n", NULL);
  Changes               changes = { g_string_new (NULL) };
  g_autoptr (TessCaps)  caps = tess_xep_caps_new (disco, changed_cb, &changes);

  take (caps, "eve@e.test/x", PRESENCE ("sha-1", EXODUS_VER));
  take (caps, "bob@b.test/x", PRESENCE ("sha-1", EXODUS_VER));
  xep_answer (self, xep_last_sent (self), "eve@e.test/x", INFO ("<feature var='lie'/>"));
  assert_changes (&changes, "eve@e.test/x:1 ");
  xep_assert_sent (
      self, 2,
      "<iq type='get' to='bob@b.test/x'><query xmlns='http://jabber.org/protocol/disco#info' "
      "node='n#" EXODUS_VER "'/></iq>");
  xep_answer_error (self, xep_last_sent (self), "bob@b.test/x",
                    "<error type='cancel'><service-unavailable "
                    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
  assert_changes (&changes, "");
  take (caps, "carol@c.test/x", PRESENCE ("sha-1", EXODUS_VER));
  g_assert_cmpuint (self->sent->len, ==, 3);
  xep_answer (self, xep_last_sent (self), "carol@c.test/x", INFO (EXODUS));
  assert_changes (&changes, "carol@c.test/x:4 ");

  /* One who went while it was asked gets nothing; a hash we cannot compute counts for one. */
  take (caps, "dave@d.test/x", PRESENCE ("sha-1", "aaaa"));
  take (caps, "dave@d.test/x", "<presence type='unavailable'/>");
  xep_answer (self, xep_last_sent (self), "dave@d.test/x", INFO (EXODUS));
  assert_changes (&changes, "");
  take (caps, "dave@d.test/x", PRESENCE ("md9", "bbbb"));
  take (caps, "dave@d.test/y", PRESENCE ("md9", "bbbb"));
  g_assert_cmpuint (self->sent->len, ==, 6);
  xep_answer (self, xep_last_sent (self), "dave@d.test/y", INFO (EXODUS));
  assert_changes (&changes, "dave@d.test/y:4 ");
  /* Nor does an answer count about what it no longer announces, and who went is not asked. */
  take (caps, "grace@g.test/x", PRESENCE ("sha-1", "cccc"));
  take (caps, "heidi@h.test/x", PRESENCE ("sha-1", "cccc"));
  take (caps, "grace@g.test/x", PRESENCE ("sha-1", "dddd"));
  take (caps, "heidi@h.test/x", "<presence type='unavailable'/>");
  g_assert_cmpuint (self->sent->len, ==, 8);
  xep_answer (self, g_ptr_array_index (self->sent, 6), "grace@g.test/x", INFO (EXODUS));
  assert_changes (&changes, "");
  g_assert_cmpuint (self->sent->len, ==, 8);
  /* The old form, without a hash, and what is no capability. */
  take (caps, "frank@f.test/x",
        "<presence><c xmlns='http://jabber.org/protocol/caps' node='n' ver='1.0'/></presence>");
  take (caps, "frank@f.test/x", PRESENCE ("sha-1", ""));
  g_assert_cmpuint (self->sent->len, ==, 8);
  g_string_free (changes.log, TRUE);
}

static void
test_caps_flood (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessDisco) disco = tess_xep_disco_new (self->router, "n", NULL);
  g_autoptr (TessCaps)  caps = tess_xep_caps_new (disco, NULL, NULL);
  g_autoptr (TessJid)   eve = tess_jid_new ("eve@e.test/x", NULL);
  guint                 at_first = 0;

  for (guint i = 0; i < 3000; i++)
    {
      g_autofree char *from = g_strdup_printf ("u%u@b.test/x", i);
      g_autofree char *xml = g_strdup_printf (PRESENCE ("sha-1", "%u"), i);

      take (caps, from, xml);
    }
  at_first = self->sent->len;
  g_assert_cmpuint (at_first, <, 20);
  xep_answer (self, g_ptr_array_index (self->sent, 0), "u0@b.test/x", INFO (EXODUS));
  g_assert_cmpuint (self->sent->len, ==, at_first + 1);
  /* One address that changes what it announces all the time leaves nothing behind. */
  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *xml = g_strdup_printf (PRESENCE ("sha-1", "e%u"), i);

      take (caps, "eve@e.test/x", xml);
    }
  g_assert_null (tess_xep_caps_get (caps, eve));
  tess_router_fail_all (self->router);
  g_assert_cmpuint (self->sent->len, ==, at_first + 1);
  tess_xep_caps_clear_presence (caps);
  take (caps, "eve@e.test/x", PRESENCE ("sha-1", "again"));
  g_assert_cmpuint (self->sent->len, ==, at_first + 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/xep/disco/info", test_info);
  g_test_add_func ("/xep/disco/info-hostile", test_info_hostile);
  xep_test_add ("/xep/disco/own", test_own);
  xep_test_add ("/xep/disco/query", test_query);
  g_test_add_func ("/xep/caps/hash", test_hash);
  g_test_add_func ("/xep/caps/hash-ill-formed", test_hash_ill_formed);
  xep_test_add ("/xep/caps/known", test_caps);
  xep_test_add ("/xep/caps/poisoned", test_caps_poisoned);
  xep_test_add ("/xep/caps/flood", test_caps_flood);

  return g_test_run ();
}
