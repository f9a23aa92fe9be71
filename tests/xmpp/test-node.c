/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xmpp/tess-node.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

#define NS_XML "http://www.w3.org/XML/1998/namespace"

static void
assert_equal (const TessNode *a, const TessNode *b)
{
  g_autofree char *a_text = tess_node_to_string (a, "");
  g_autofree char *b_text = tess_node_to_string (b, "");

  g_assert_cmpstr (a_text, ==, b_text);
}

static void
test_build (void)
{
  g_autoptr (TessNode) message = tess_node_new ("message", "jabber:client");
  g_autofree char     *text = NULL;
  TessNode            *body;
  guint                count = 0;
  guint64              number;

  tess_node_set (message, "to", "b@b.test");
  tess_node_set (message, "id", "1");
  tess_node_set (message, "id", "2");
  tess_node_set (message, "gone", "x");
  tess_node_set (message, "gone", NULL);
  tess_node_set (message, "never", NULL);
  tess_node_set_with_ns (message, "lang", NS_XML, "en");
  body = tess_node_add_with_text (message, "body", NULL, "a < b & c > 'd' \"e\"");
  tess_node_add (message, "x", "urn:x");
  tess_node_add (message, "x", "urn:y");

  g_assert_true (tess_node_get_parent (body) == message);
  g_assert_true (tess_node_is (body, "body", "jabber:client"));
  g_assert_false (tess_node_is (body, "body", "urn:x"));
  g_assert_false (tess_node_is (NULL, "body", NULL));
  g_assert_cmpstr (tess_node_child_text (message, "body", "jabber:client"), ==, "a < b & c > 'd' \"e\"");
  g_assert_null (tess_node_child_text (message, "subject", NULL));
  g_assert_cmpstr (tess_node_get_text (message), ==, "");
  g_assert_null (tess_node_get (message, "gone"));
  g_assert_null (tess_node_get (message, "lang"));
  g_assert_cmpstr (tess_node_get_with_ns (message, "lang", NS_XML), ==, "en");
  g_assert_null (tess_node_child (NULL, NULL, NULL));
  for (TESS_NODE_EACH (child, message, "x", NULL))
    count++;
  g_assert_cmpuint (count, ==, 2);
  g_assert_true (tess_node_get_uint (message, "id", 2, &number));
  g_assert_cmpuint (number, ==, 2);

  text = tess_node_to_string (message, "jabber:client");
  g_assert_cmpstr (text, ==,
                   "<message to='b@b.test' id='2' xml:lang='en'>"
                   "<body>a &lt; b &amp; c &gt; &apos;d&apos; &quot;e&quot;</body>"
                   "<x xmlns='urn:x'/><x xmlns='urn:y'/></message>");
}

static void
test_numbers (void)
{
  static const struct { const char *text; gboolean good; } cases[] = {
    { "0", TRUE }, { "007", TRUE }, { "100", TRUE }, { "101", FALSE }, { "", FALSE }, { "-1", FALSE }, { "+1", FALSE },
    { " 1", FALSE }, { "1 ", FALSE }, { "0x1", FALSE }, { "1e1", FALSE }, { "99999999999999999999999", FALSE },
  };
  g_autoptr (TessNode) node = tess_node_new ("a", "urn:a");
  guint64              value;

  g_assert_false (tess_node_get_uint (node, "n", 100, &value));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      tess_node_set (node, "n", cases[i].text);
      g_assert_cmpint (tess_node_get_uint (node, "n", 100, &value), ==, cases[i].good);
    }
}

/* It is for limits: more than what is there, and not much more. */
static void
test_memory (void)
{
  g_autoptr (TessNode) empty = tess_node_new ("a", "urn:a");
  g_autoptr (TessNode) full = tess_node_new ("a", "urn:a");
  g_autofree char     *long_text = g_strnfill (10000, 'x');
  gsize                one = tess_node_get_memory (empty);

  g_assert_cmpuint (one, <, 200);
  for (guint i = 0; i < 100; i++)
    tess_node_add (full, "a", NULL);
  g_assert_cmpuint (tess_node_get_memory (full), >, 50 * one);
  g_assert_cmpuint (tess_node_get_memory (full), <, 101 * one);
  tess_node_add_with_text (full, "b", NULL, long_text);
  tess_node_set (full, "c", long_text);
  tess_node_add (full, "d", long_text);
  g_assert_cmpuint (tess_node_get_memory (full), >, 30000);
  g_assert_cmpuint (tess_node_get_memory (full), <, 50000);
}

static void
test_detach (void)
{
  g_autoptr (TessNode) parent = tess_node_new ("p", "urn:p");
  TessNode            *children[3];

  for (guint i = 0; i < 3; i++)
    children[i] = tess_node_add (parent, i == 0 ? "a" : i == 1 ? "b" : "c", NULL);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (TessNode) child = tess_node_detach (children[(i + 1) % 3]);

      g_assert_null (tess_node_get_parent (child));
      g_assert_null (tess_node_next (child, NULL, NULL));
    }
  g_assert_null (tess_node_child (parent, NULL, NULL));
  tess_node_append (parent, tess_node_new ("d", "urn:p"));
  g_assert_nonnull (tess_node_child (parent, "d", NULL));
}

/* Whatever text goes in, what comes out can be read again, and only what XML forbids is replaced. */
static void
test_forbidden_characters (void)
{
  static const struct { const char *in; gssize length; const char *out; } cases[] = {
    { "a\001b", -1, "a\357\277\275b" }, { "a\0b", 3, "a\357\277\275b" }, { "\377", -1, "\357\277\275" },
    { "\355\240\200", -1, "\357\277\275\357\277\275\357\277\275" }, { "\357\277\277", -1, "\357\277\275" },
    { "\303", -1, "\357\277\275" }, { "\t\n\r\303\244\360\237\230\200", -1, "\t\n\r\303\244\360\237\230\200" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessNode) node = tess_node_new ("a", "urn:a");
      g_autoptr (TessNode) again = NULL;
      g_autoptr (GError)   error = NULL;
      g_autofree char     *text = NULL;

      tess_node_append_text (node, cases[i].in, cases[i].length);
      g_assert_cmpstr (tess_node_get_text (node), ==, cases[i].out);
      tess_node_set (node, "v", tess_node_get_text (node));
      text = tess_node_to_string (node, NULL);
      again = tess_node_parse (text, -1, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (tess_node_get_text (again), ==, cases[i].out);
      g_assert_cmpstr (tess_node_get (again, "v"), ==, cases[i].out);
    }
}

static void
test_round_trip (void)
{
  static const char *const texts[] = {
    "<a xmlns='urn:a'/>",
    "<a/>",
    "<message xmlns='jabber:client' from='a'><body>x</body><e xmlns='urn:e'><body xmlns=''>y<z/></body></e></message>",
    "<p:a xmlns:p='urn:p' xmlns:q='urn:q' p:x='1' q:x='2' x='3' xml:lang='de'><q:b/></p:a>",
    "<a xmlns='urn:&lt;&apos;&amp;'>&#13;\n<![CDATA[<b>]]></a>",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      static const char *const outers[] = { NULL, "jabber:client", "urn:a" };

      for (guint j = 0; j < G_N_ELEMENTS (outers); j++)
        {
          g_autoptr (GError)   error = NULL;
          g_autoptr (TessNode) node = tess_node_parse (texts[i], -1, outers[j], &error);
          g_autofree char     *text = tess_node_to_string (node, outers[j]);
          g_autoptr (TessNode) again = tess_node_parse (text, -1, outers[j], &error);
          g_autoptr (TessNode) copy = tess_node_copy (node);

          g_assert_no_error (error);
          assert_equal (node, again);
          assert_equal (node, copy);
        }
    }
}

/* Random trees of random characters survive writing and reading. */
static TessNode *
random_node (guint depth)
{
  static const char *const spaces[] = { "jabber:client", "urn:a", "urn:'b'&<>\"", "" };
  static const gunichar    characters[] = { '<', '&', '>', '\'', '"', '\r', '\n', '\t', ' ', ']', 'x', 0xe9, 0x1f600, 0xfffd };
  TessNode                *node = tess_node_new (g_test_rand_bit () ? "a" : "b-c.d", spaces[g_test_rand_int_range (0, 4)]);
  g_autoptr (GString)      text = g_string_new (NULL);

  for (gint n = g_test_rand_int_range (0, 12); n > 0; n--)
    g_string_append_unichar (text, characters[g_test_rand_int_range (0, G_N_ELEMENTS (characters))]);
  tess_node_append_text (node, text->str, (gssize) text->len);
  tess_node_set (node, "k", text->str);
  tess_node_set_with_ns (node, "k", "urn:k", text->str);
  for (gint n = depth < 4 ? g_test_rand_int_range (0, 4) : 0; n > 0; n--)
    tess_node_append (node, random_node (depth + 1));

  return node;
}

static void
test_random_round_trip (void)
{
  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (TessNode) node = random_node (0);
      g_autofree char     *text = tess_node_to_string (node, "jabber:client");
      g_autoptr (GError)   error = NULL;
      g_autoptr (TessNode) again = tess_node_parse (text, -1, "jabber:client", &error);

      g_assert_no_error (error);
      assert_equal (node, again);
    }
}

/* Attacks row A4: what stands in a text cannot leave it. */
static void
test_fragments (void)
{
  static const struct { const char *text; TessXmppError code; } cases[] = {
    { "", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "text", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "<a/><b/>", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "<a/></x>", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "</x>", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "</x><x>", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "<a/></x><x xmlns='urn:evil'><b/>", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "<a>", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "<a", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "<a/><![CDATA[", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "<a/><b c='", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "<?xml version='1.0'?><a/>", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "<a/><!--", TESS_XMPP_ERROR_NOT_WELL_FORMED },
    { "<a><!-- --></a>", TESS_XMPP_ERROR_RESTRICTED_XML },
    { "<a>&b;</a>", TESS_XMPP_ERROR_RESTRICTED_XML },
    { "<!DOCTYPE a><a/>", TESS_XMPP_ERROR_NOT_WELL_FORMED },
  };
  g_autoptr (TessNode) padded = tess_node_parse (" \n<a/>\t ", -1, NULL, NULL);

  g_assert_nonnull (padded);
  g_assert_null (tess_node_parse ("<a>\0</a>", 8, NULL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (tess_node_parse (cases[i].text, -1, "urn:o", &error));
      g_assert_error (error, TESS_XMPP_ERROR, (int) cases[i].code);
    }
}

static void
test_errors (void)
{
  static const struct { const char *xml; int code; const char *condition; const char *kind; } cases[] = {
    { "<iq><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
      "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no</text></error></iq>",
      TESS_XMPP_ERROR_ITEM_NOT_FOUND, "item-not-found", "cancel" },
    { "<iq><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
      "<precondition-not-met xmlns='http://jabber.org/protocol/pubsub#errors'/></error></iq>",
      TESS_XMPP_ERROR_PRECONDITION, "conflict", "cancel" },
    { "<iq><error type='auth'><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>x</text>"
      "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
      TESS_XMPP_ERROR_STANZA, "forbidden", "auth" },
    { "<iq/>", TESS_XMPP_ERROR_STANZA, "undefined-condition", NULL },
  };
  g_autoptr (GError) other = g_error_new (G_FILE_ERROR, 0, "x");
  g_autoptr (GError) plain = g_error_new (TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED, "x");

  g_assert_null (tess_xmpp_error_get_condition (other));
  g_assert_null (tess_xmpp_error_get_condition (plain));
  g_assert_null (tess_xmpp_error_get_condition (NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessNode) node = tess_node_parse (cases[i].xml, -1, "jabber:client", NULL);
      g_autoptr (GError)   error = tess_xmpp_error_new_from_stanza (node);
      g_autoptr (GError)   copy = g_error_copy (error);

      g_assert_error (copy, TESS_XMPP_ERROR, cases[i].code);
      g_assert_cmpstr (tess_xmpp_error_get_condition (copy), ==, cases[i].condition);
      g_assert_cmpstr (tess_xmpp_error_get_kind (copy), ==, cases[i].kind);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/node/build", test_build);
  g_test_add_func ("/node/numbers", test_numbers);
  g_test_add_func ("/node/detach", test_detach);
  g_test_add_func ("/node/memory", test_memory);
  g_test_add_func ("/node/forbidden-characters", test_forbidden_characters);
  g_test_add_func ("/node/round-trip", test_round_trip);
  g_test_add_func ("/node/round-trip/random", test_random_round_trip);
  g_test_add_func ("/node/fragments", test_fragments);
  g_test_add_func ("/node/errors", test_errors);
  return g_test_run ();
}
