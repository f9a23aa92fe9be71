/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xmpp/tess-parser.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

#define OPEN "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

static gboolean
feed (TessParser *parser, const char *text, GError **error)
{
  return tess_parser_feed (parser, (const guint8 *) text, strlen (text), error);
}

/* Everything that can be fetched, one line an event. */
static void
fetch_all (TessParser *parser, GString *log)
{
  TessParserEvent event;
  TessNode       *node;

  while ((event = tess_parser_next (parser, &node)) != TESS_PARSER_NOTHING)
    {
      g_autofree char *text = node != NULL ? tess_node_to_string (node, "jabber:client") : g_strdup ("");

      g_string_append_printf (log, "%d %s\n", event, text);
      tess_node_free (node);
    }
}

static const char conversation[] =
  OPEN "<stream:features/>\n<message to='a&amp;b'><body>\303\244\360\237\230\200 &lt;<![CDATA[<x>]]></body>"
       "<p:e xmlns:p='urn:p' p:f='1'/></message> <iq/></stream:stream>";
static const char conversation_log[] =
  "1 <stream xmlns='http://etherx.jabber.org/streams'/>\n"
  "2 <features xmlns='http://etherx.jabber.org/streams'/>\n"
  "2 <message to='a&amp;b'><body>\303\244\360\237\230\200 &lt;&lt;x&gt;</body><e xmlns='urn:p' xmlns:n0='urn:p' n0:f='1'/></message>\n"
  "2 <iq/>\n"
  "3 \n";

/* Attacks row A5: wherever the bytes are cut, and when each comes alone. */
static void
test_every_split (void)
{
  gsize length = strlen (conversation);

  for (gsize cut = 0; cut <= length; cut++)
    {
      g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
      g_autoptr (GString)    log = g_string_new (NULL);

      g_assert_true (tess_parser_feed (parser, (const guint8 *) conversation, cut, NULL));
      fetch_all (parser, log);
      g_assert_true (tess_parser_feed (parser, (const guint8 *) conversation + cut, length - cut, NULL));
      fetch_all (parser, log);
      g_assert_cmpstr (log->str, ==, conversation_log);
    }
}

/* A stanza is there as soon as its last byte is, not one byte later. */
static void
test_bytes_at_once (void)
{
  g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
  g_autoptr (GString)    log = g_string_new (NULL);
  const char            *end = strstr (conversation, "</message>") + strlen ("</message>");

  for (const char *p = conversation; *p != '\0'; p++)
    {
      g_assert_true (tess_parser_feed (parser, (const guint8 *) p, 1, NULL));
      fetch_all (parser, log);
      g_assert_cmpint (strstr (log->str, "2 <message") != NULL, ==, p + 1 >= end);
    }
  g_assert_cmpstr (log->str, ==, conversation_log);
}

/* Rows A1 and A2, and what else ends a stream. */
static const struct
{
  const char   *name;
  const char   *text;
  gssize        length; /* 0: a string */
  TessXmppError code;
} refused[] = {
  { "doctype", "<?xml version='1.0'?><!DOCTYPE x><x>", 0, TESS_XMPP_ERROR_RESTRICTED_XML },
  { "doctype-open", "<!DOCTYPE x [", 0, TESS_XMPP_ERROR_RESTRICTED_XML },
  { "doctype-external", "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x>", 0, TESS_XMPP_ERROR_RESTRICTED_XML },
  { "billion-laughs",
    "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;'>]><l>&c;</l>",
    0, TESS_XMPP_ERROR_RESTRICTED_XML },
  { "doctype-inside", OPEN "<!DOCTYPE x>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "entity", OPEN "<a>&nbsp;</a>", 0, TESS_XMPP_ERROR_RESTRICTED_XML },
  { "entity-in-attribute", OPEN "<a b='&x;'/>", 0, TESS_XMPP_ERROR_RESTRICTED_XML },
  { "instruction", OPEN "<?php x?>", 0, TESS_XMPP_ERROR_RESTRICTED_XML },
  { "instruction-in-stanza", OPEN "<a><?php x?></a>", 0, TESS_XMPP_ERROR_RESTRICTED_XML },
  { "instruction-before", "<?php x?><x>", 0, TESS_XMPP_ERROR_RESTRICTED_XML },
  { "comment", OPEN "<!-- x -->", 0, TESS_XMPP_ERROR_RESTRICTED_XML },
  { "comment-in-stanza", OPEN "<a><!-- x --></a>", 0, TESS_XMPP_ERROR_RESTRICTED_XML },
  { "comment-before", "<!-- x --><x>", 0, TESS_XMPP_ERROR_RESTRICTED_XML },
  { "latin-1", "<?xml version='1.0' encoding='ISO-8859-1'?><x>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "utf-16-declared", "<?xml version='1.0' encoding='UTF-16'?><x>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "utf-16-le", "\377\376<\0x\0>\0", 8, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "utf-16-be", "\376\377\0<\0x\0>", 8, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "utf-16-le-bare", "<\0x\0>\0", 6, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "utf-16-be-bare", "\0<\0x\0>", 6, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "nul", OPEN "<a>\0</a>", sizeof (OPEN "<a>\0</a>") - 1, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "nul-reference", OPEN "<a>&#0;</a>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "control-reference", OPEN "<a>&#1;</a>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "control", OPEN "<a>\001</a>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "overlong", OPEN "<a>\300\274b\300\276</a>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "surrogate", OPEN "<a>\355\240\200</a>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "surrogate-reference", OPEN "<a>&#xD800;</a>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "beyond-unicode", OPEN "<a>\364\220\200\200</a>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "noncharacter", OPEN "<a>\357\277\277</a>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "cut-character", OPEN "<a>\303</a>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "text", OPEN "text", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "text-between", OPEN "<a/>text<a/>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "mismatch", OPEN "<a></b>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "unbound-prefix", OPEN "<q:a/>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "two-colons", OPEN "<stream:a:b/>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "doubled-attribute", OPEN "<a b='1' b='2'/>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "doubled-attribute-by-prefix", OPEN "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "after-the-end", OPEN "</stream:stream><a/>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "separator-in-namespace", OPEN "<a xmlns='u\001b'/>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
  { "separator-by-reference", OPEN "<a xmlns='u&#1;b'/>", 0, TESS_XMPP_ERROR_NOT_WELL_FORMED },
};

static void
test_refused (gconstpointer data)
{
  gsize         index = GPOINTER_TO_SIZE (data);
  const guint8 *bytes = (const guint8 *) refused[index].text;
  gsize         length = refused[index].length > 0 ? (gsize) refused[index].length : strlen (refused[index].text);

  /* At once and byte by byte. */
  for (guint step = 1; step <= 4096; step *= 64)
    {
      g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
      g_autoptr (GError)     error = NULL;
      g_autoptr (GError)     again = NULL;

      for (gsize done = 0; done < length && error == NULL; done += step)
        tess_parser_feed (parser, bytes + done, MIN (step, length - done), &error);
      g_assert_error (error, TESS_XMPP_ERROR, (int) refused[index].code);
      g_assert_false (feed (parser, "<a/>", &again));
      g_assert_error (again, TESS_XMPP_ERROR, (int) refused[index].code);
    }
}

/* Row A3: names and namespaces that look like others when they are joined. */
static void
test_separators (void)
{
  static const char *const spaces[] = { "urn:a b", "urn:a|b", "urn:a&#10;b", "urn:a&#9;b", "urn:a^b", "urn:a}b", "urn:a\302\240b" };

  for (guint i = 0; i < G_N_ELEMENTS (spaces); i++)
    {
      g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
      g_autofree char       *text = g_strdup_printf (OPEN "<c xmlns='%s'/>", spaces[i]);
      g_autoptr (TessNode)   root = NULL;
      g_autoptr (TessNode)   node = NULL;

      g_assert_true (feed (parser, text, NULL));
      g_assert_cmpint (tess_parser_next (parser, &root), ==, TESS_PARSER_OPENED);
      g_assert_cmpint (tess_parser_next (parser, &node), ==, TESS_PARSER_STANZA);
      g_assert_cmpstr (tess_node_get_name (node), ==, "c");
      g_assert_true (g_str_has_prefix (tess_node_get_ns (node), "urn:a"));
      g_assert_true (g_str_has_suffix (tess_node_get_ns (node), "b"));
    }
}

/* Row A6. @repeat is fed until it is refused, which must be before @most bytes. */
static const struct
{
  const char *name, *start, *repeat;
  guint       most;
} endless[] = {
  { "text", OPEN "<a>", "text text ", 70000 },
  { "cdata", OPEN "<a><![CDATA[", "<<<<", 70000 },
  { "siblings", OPEN "<a>", "<b/>", 70000 },
  { "depth", OPEN "<a>", "<b>", 1000 },
  { "attribute", OPEN "<a b='", "x", 70000 },
  { "attribute-of-ends", OPEN "<a b='", ">", 70000 },
  { "name", OPEN "<a", "a", 70000 },
  { "end-tag", OPEN "<a></", "a", 70000 },
  { "header", "<stream:stream xmlns:stream='", "x", 70000 },
  { "white-space-before", " ", " ", 70000 },
  { "comment", OPEN "<!--", "x", 70000 },
  { "instruction", OPEN "<?x ", "x", 70000 },
  { "reference", OPEN "<a>&#", "0", 70000 },
};

static void
test_endless (gconstpointer data)
{
  gsize                  index = GPOINTER_TO_SIZE (data);
  g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT_BEFORE_LOGIN);
  g_autoptr (GError)     error = NULL;
  gsize                  given = 0;

  feed (parser, endless[index].start, &error);
  while (error == NULL && given < endless[index].most)
    {
      feed (parser, endless[index].repeat, &error);
      given += strlen (endless[index].repeat);
    }
  g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TOO_LARGE);
}

static void
test_attributes (void)
{
  for (guint count = TESS_PARSER_MAX_ATTRIBUTES; count <= TESS_PARSER_MAX_ATTRIBUTES + 1; count++)
    {
      g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
      g_autoptr (GString)    text = g_string_new (OPEN "<a");

      for (guint i = 0; i < count; i++)
        g_string_append_printf (text, " a%u=''", i);
      g_string_append (text, "/>");
      g_assert_cmpint (feed (parser, text->str, NULL), ==, count == TESS_PARSER_MAX_ATTRIBUTES);
    }
}

static void
test_depth (void)
{
  for (guint depth = TESS_PARSER_MAX_DEPTH; depth <= TESS_PARSER_MAX_DEPTH + 1; depth++)
    {
      g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
      g_autoptr (GString)    text = g_string_new ("<a>");

      for (guint i = 1; i < depth; i++)
        g_string_append (text, "<a>");
      g_assert_cmpint (feed (parser, text->str, NULL), ==, depth == TESS_PARSER_MAX_DEPTH);
    }
}

/* The limit is one of each stanza, not of the stream; and it counts exactly. */
static void
test_limit (void)
{
  g_autoptr (TessParser) parser = tess_parser_new (1000);
  g_autoptr (GString)    log = g_string_new (NULL);
  g_autofree char       *fits = g_strnfill (1000 - strlen ("<a></a>"), 'x');
  g_autofree char       *stanza = g_strdup_printf ("<a>%s</a>", fits);
  g_autofree char       *longer = g_strdup_printf ("<a>%sx</a>", fits);
  g_autoptr (GError)     error = NULL;

  g_assert_true (feed (parser, OPEN, NULL));
  for (guint i = 0; i < 1000; i++)
    {
      g_assert_true (feed (parser, stanza, NULL));
      g_assert_true (feed (parser, " \n", NULL));
    }
  g_assert_false (feed (parser, longer, &error));
  g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TOO_LARGE);
  fetch_all (parser, log);
  g_assert_cmpuint (log->len, >, 1000 * 1000);

  g_clear_pointer (&parser, tess_parser_free);
  parser = tess_parser_new (100);
  tess_parser_set_limit (parser, 2000);
  g_assert_true (feed (parser, OPEN, NULL));
  g_assert_true (feed (parser, longer, NULL));
}

/* A tag of a megabyte that comes byte by byte would take a quarter of an hour if each byte had the whole scanned again:
 * the timeout of the suite is the only clock here. */
static void
test_not_quadratic (void)
{
  static const char fillers[] = "x>";

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
      g_autoptr (GString)    log = g_string_new (NULL);

      g_assert_true (feed (parser, OPEN "<a b='", NULL));
      for (guint j = 0; j < TESS_PARSER_LIMIT - 1000; j++)
        g_assert_true (tess_parser_feed (parser, (const guint8 *) &fillers[i], 1, NULL));
      /* However it was held back, it comes at once. */
      for (const char *end = "'/>"; *end != '\0'; end++)
        g_assert_true (tess_parser_feed (parser, (const guint8 *) end, 1, NULL));
      fetch_all (parser, log);
      g_assert_nonnull (strstr (log->str, "2 <a b='"));
    }
}

/* Too large in one way each: left out, reported by its start tag, and what follows is as ever. */
static void
test_skipped (void)
{
  g_autofree char *bytes = g_strnfill (5000, 'x');
  g_autoptr (GString) depth = g_string_new (NULL);
  g_autoptr (GString) attributes = g_string_new ("<x");
  g_autoptr (GString) elements = g_string_new (NULL);
  g_autoptr (GString) names = g_string_new (NULL);
  g_autoptr (GString) prefixes = g_string_new (NULL);
  g_autofree char *space = g_strnfill (200000, 'n');
  const char *insides[6];

  for (guint i = 0; i < 200; i++)
    g_string_append (depth, "<a>");
  for (guint i = 0; i < 200; i++)
    g_string_append (depth, "</a>");
  for (guint i = 0; i <= TESS_PARSER_MAX_ATTRIBUTES; i++)
    g_string_append_printf (attributes, " a%u=''", i);
  g_string_append (attributes, "/>");
  for (guint i = 0; i <= TESS_PARSER_MAX_ELEMENTS; i++)
    g_string_append (elements, "<a/>");
  insides[0] = bytes;
  insides[1] = depth->str;
  insides[2] = attributes->str;
  insides[3] = elements->str;
  /* A few hundred kilobytes that a tree would hold as gigabytes: one long namespace under many names. */
  g_string_append_printf (names, "<z xmlns:p='%s'>", space);
  g_string_append_printf (prefixes, "<z xmlns:p='%s'", space);
  for (guint i = 0; i < 100; i++)
    {
      g_string_append (names, "<p:a/>");
      g_string_append_printf (prefixes, " p:a%u=''", i);
    }
  g_string_append (names, "</z>");
  g_string_append (prefixes, "/>");
  insides[4] = names->str;
  insides[5] = prefixes->str;

  for (guint i = 0; i < G_N_ELEMENTS (insides) * 2; i++)
    {
      g_autoptr (TessParser) parser = tess_parser_new (i / 2 >= 3 ? TESS_PARSER_LIMIT : 4096);
      g_autoptr (GString)    log = g_string_new (NULL);
      g_autofree char       *text = g_strdup_printf (OPEN "<iq id='1' type='set' a='b'><y>text</y>%s<z/></iq><iq id='2'/>",
                                                     insides[i / 2]);

      tess_parser_set_patience (parser, 1024 * 1024);
      if (i % 2 == 0)
        g_assert_true (feed (parser, text, NULL));
      for (const char *p = text; i % 2 == 1 && *p != '\0'; p++)
        g_assert_true (tess_parser_feed (parser, (const guint8 *) p, 1, NULL));
      fetch_all (parser, log);
      g_assert_cmpuint (log->len, <, 1000);
      g_assert_cmpstr (log->str, ==, "1 <stream xmlns='http://etherx.jabber.org/streams'/>\n"
                                     "4 <iq type='set' id='1'/>\n2 <iq id='2'/>\n");
    }
}

/* What is left out has an end too, and may not hide what a stream must not hold. */
static void
test_patience_ends (void)
{
  static const struct { const char *start; const char *more; int code; } cases[] = {
    { "<a>", "text", TESS_XMPP_ERROR_TOO_LARGE },
    { "<a>", "<b>", TESS_XMPP_ERROR_TOO_LARGE },
    { "<a>", "<b/>", TESS_XMPP_ERROR_TOO_LARGE },
    { "<a b='", "text", TESS_XMPP_ERROR_TOO_LARGE },
    { "<a", "text", TESS_XMPP_ERROR_TOO_LARGE },
  };
  static const struct { const char *text; int code; } hidden[] = {
    { "<!-- -->", TESS_XMPP_ERROR_RESTRICTED_XML },
    { "<?x y?>", TESS_XMPP_ERROR_RESTRICTED_XML },
    { "&x;", TESS_XMPP_ERROR_RESTRICTED_XML },
    { "</b>", TESS_XMPP_ERROR_NOT_WELL_FORMED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessParser) parser = tess_parser_new (4096);
      g_autoptr (GError)     error = NULL;
      gboolean               good = TRUE;

      tess_parser_set_patience (parser, 65536);
      g_assert_true (feed (parser, OPEN, NULL));
      good = feed (parser, cases[i].start, &error);
      for (guint fed = 0; good && fed < 4 * 65536; fed += (guint) strlen (cases[i].more))
        good = feed (parser, cases[i].more, &error);
      g_assert_error (error, TESS_XMPP_ERROR, cases[i].code);
    }
  for (guint i = 0; i < G_N_ELEMENTS (hidden); i++)
    {
      g_autoptr (TessParser) parser = tess_parser_new (4096);
      g_autoptr (GError)     error = NULL;
      g_autofree char       *bytes = g_strnfill (5000, 'x');

      tess_parser_set_patience (parser, 65536);
      g_assert_true (feed (parser, OPEN "<a>", NULL));
      g_assert_true (feed (parser, bytes, NULL));
      g_assert_false (feed (parser, hidden[i].text, &error));
      g_assert_error (error, TESS_XMPP_ERROR, hidden[i].code);
    }
}

/* expat works for each name with a prefix, whether the stanza is left out or not: there is an end before its bytes have one. */
static void
test_skipped_namespaces_end (void)
{
  g_autoptr (TessParser) parser = tess_parser_new (4096);
  g_autoptr (GError)     error = NULL;
  g_autofree char       *space = g_strnfill (3000, 'n');
  g_autofree char       *start = g_strdup_printf (OPEN "<message><a xmlns:p='%s'>", space);
  gsize                  fed = strlen (start);

  tess_parser_set_patience (parser, 65536);
  g_assert_true (feed (parser, start, NULL));
  while (fed < 60000 && feed (parser, "<b p:c='' p:d='' p:e='' p:f='' p:g='' p:h='' p:i='' p:j=''/>", &error))
    fed += 60;
  g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TOO_LARGE);
  g_assert_cmpuint (fed, >, 30000);
}

/* Row B2. */
static void
test_drained (void)
{
  static const struct { const char *behind; gboolean drained; } cases[] = {
    { "", TRUE }, { " ", FALSE }, { "<", FALSE }, { "<x/>", FALSE }, { "</stream:stream>", FALSE },
  };
  static const char *const forms[] = { "<proceed/>", "<proceed></proceed>" };

  for (guint i = 0; i < G_N_ELEMENTS (cases) * 2; i++)
    {
      g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
      g_autofree char       *text = g_strconcat (OPEN, forms[i % 2], cases[i / 2].behind, NULL);
      g_autoptr (TessNode)   root = NULL;
      g_autoptr (TessNode)   node = NULL;

      g_assert_true (feed (parser, text, NULL));
      g_assert_cmpint (tess_parser_next (parser, &root), ==, TESS_PARSER_OPENED);
      g_assert_false (tess_parser_is_drained (parser));
      g_assert_cmpint (tess_parser_next (parser, &node), ==, TESS_PARSER_STANZA);
      g_assert_cmpint (tess_parser_is_drained (parser), ==, cases[i / 2].drained);
    }
}

/* What was whole before the fault is not lost. */
static void
test_before_the_fault (void)
{
  g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
  g_autoptr (GString)    log = g_string_new (NULL);

  g_assert_false (feed (parser, OPEN "<a/><b></c>", NULL));
  fetch_all (parser, log);
  g_assert_cmpstr (log->str, ==, "1 <stream xmlns='http://etherx.jabber.org/streams'/>\n2 <a/>\n");
}

/* Nothing that comes in may do more than end the stream. */
static void
test_random_bytes (void)
{
  static const char *const bits[] = { OPEN, "<a>", "</a>", "<", ">", "'", "&", ";", "&amp;", "\303", "\244", " ", "x", "=",
                                      "xmlns", ":", "<![CDATA[", "]]>", "<!--", "<?", "<!DOCTYPE", "/", "\001", "\377" };

  for (guint round = 0; round < 3000; round++)
    {
      g_autoptr (TessParser) parser = tess_parser_new (round % 2 == 0 ? 4096 : 32);
      g_autoptr (GString)    log = g_string_new (NULL);

      tess_parser_set_patience (parser, round % 3 == 0 ? 100 : 0);
      if (g_test_rand_bit ())
        feed (parser, OPEN, NULL);
      for (guint i = 0; i < 40; i++)
        feed (parser, bits[g_test_rand_int_range (0, G_N_ELEMENTS (bits))], NULL);
      if (g_test_rand_bit ())
        fetch_all (parser, log);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/parser/every-split", test_every_split);
  g_test_add_func ("/parser/at-once", test_bytes_at_once);
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autofree char *path = g_strconcat ("/parser/refused/", refused[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_refused);
    }
  g_test_add_func ("/parser/separators", test_separators);
  for (gsize i = 0; i < G_N_ELEMENTS (endless); i++)
    {
      g_autofree char *path = g_strconcat ("/parser/endless/", endless[i].name, NULL);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_endless);
    }
  g_test_add_func ("/parser/attributes", test_attributes);
  g_test_add_func ("/parser/depth", test_depth);
  g_test_add_func ("/parser/limit", test_limit);
  g_test_add_func ("/parser/not-quadratic", test_not_quadratic);
  g_test_add_func ("/parser/skipped", test_skipped);
  g_test_add_func ("/parser/patience-ends", test_patience_ends);
  g_test_add_func ("/parser/skipped-namespaces-end", test_skipped_namespaces_end);
  g_test_add_func ("/parser/drained", test_drained);
  g_test_add_func ("/parser/before-the-fault", test_before_the_fault);
  g_test_add_func ("/parser/random-bytes", test_random_bytes);
  return g_test_run ();
}
