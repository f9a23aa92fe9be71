/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "xmpp/tess-parser.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

/* The first byte chooses how the stream is cut into reads, the second one the limit, and whether what is beyond it is left
 * out; the stream follows.
 *
 * - However it is cut, the same is found in the same order.
 * - No stanza is deeper or has more attributes than the limits allow; what is larger ends the parser.
 * - What was read can be written and read again.
 * - After an error nothing more is taken. */

typedef struct
{
  GPtrArray *found; /* of char * */
  gboolean   good;
  int        code;
} Outcome;

void
fuzz_set_up (void)
{
}

#ifdef TESS_PARSER_PATIENCE
/* Of a stanza that was left out. */
static void
check_start_tag (const TessNode *node)
{
  static const char *const kept[] = { "type", "id", "from", "to" };
  g_autoptr (TessNode)     rebuilt = tess_node_new (tess_node_get_name (node), tess_node_get_ns (node));
  g_autoptr (TessNode)     copy = tess_node_copy (node);
  g_autofree char         *text = NULL;
  g_autofree char         *wanted = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    tess_node_set (copy, kept[i], NULL);
  text = tess_node_to_string (copy, "");
  wanted = tess_node_to_string (rebuilt, "");
  g_assert_cmpstr (text, ==, wanted);
}
#endif

static guint
check_tree (const TessNode *node)
{
  guint deepest = 0;

  g_assert_null (strchr (tess_node_get_name (node), ':'));
  fuzz_assert_text (tess_node_get_text (node), G_MAXINT);
  for (TESS_NODE_EACH (child, node, NULL, NULL))
    {
      guint depth = check_tree (child);

      deepest = MAX (deepest, depth);
    }
  return deepest + 1;
}

static void
fetch (TessParser *parser, Outcome *outcome)
{
  for (;;)
    {
      g_autoptr (TessNode) node = NULL;
      TessParserEvent      event = tess_parser_next (parser, &node);
      g_autofree char     *text = NULL;

      if (event == TESS_PARSER_NOTHING)
        return;
      g_assert_true ((node != NULL) == (event != TESS_PARSER_CLOSED));
      if (node != NULL)
        {
#ifdef TESS_PARSER_PATIENCE
          if (event == TESS_PARSER_SKIPPED)
            check_start_tag (node);
#endif
          /* The root counts as one. */
          g_assert_cmpuint (check_tree (node), <, TESS_PARSER_MAX_DEPTH);
          fuzz_assert_written (node);
          text = tess_node_to_string (node, "");
        }
      g_ptr_array_add (outcome->found, g_strdup_printf ("%d %s", event, text != NULL ? text : ""));
    }
}

static void
check_dead (TessParser *parser, int code)
{
  g_autoptr (GError)   error = NULL;
  g_autoptr (TessNode) node = NULL;

  g_assert_false (tess_parser_feed (parser, (const guint8 *) "</a>", 4, &error));
  g_assert_error (error, TESS_XMPP_ERROR, code);
  g_assert_cmpint (tess_parser_next (parser, &node), ==, TESS_PARSER_NOTHING);
}

static void
parse (const guint8 *bytes, gsize length, gsize limit, gboolean patient, guint8 cut, Outcome *outcome)
{
  g_autoptr (TessParser) parser = tess_parser_new (limit);
  g_autoptr (GError)     error = NULL;
  guint32                state = cut;
  gsize                  done = 0;

#ifdef TESS_PARSER_PATIENCE
  if (patient)
    tess_parser_set_patience (parser, 8 * limit);
#endif
  outcome->found = g_ptr_array_new_with_free_func (g_free);
  outcome->good = TRUE;
  while (done < length && outcome->good)
    {
      gsize part = length - done;

      if (cut > 0)
        {
          state = state * 1103515245 + 12345;
          /* Single bytes, a few, or a few hundred. */
          part = MIN (part, 1 + (state >> 16) % (cut % 3 == 0 ? 1 : cut % 3 == 1 ? 16 : 700));
        }
      outcome->good = tess_parser_feed (parser, bytes + done, part, &error);
      fetch (parser, outcome);
      done += part;
      if (!patient)
        g_assert_cmpuint (tess_parser_get_depth (parser), <=, TESS_PARSER_MAX_DEPTH);
      if (outcome->good && outcome->found->len == 0)
        g_assert_cmpuint (done, <=, patient ? 9 * limit : limit);
    }
  if (!outcome->good)
    {
      g_assert_true (error->domain == TESS_XMPP_ERROR);
      outcome->code = error->code;
      check_dead (parser, error->code);
    }
  else if (length > 0 && bytes[length - 1] != '>')
    {
      g_assert_false (tess_parser_is_drained (parser));
    }
}

void
fuzz_one (const guint8 *data, gsize size)
{
  static const gsize limits[] = { TESS_PARSER_LIMIT, TESS_PARSER_LIMIT_BEFORE_LOGIN, 512, 64 };
  FuzzInput          input = { data, size };
  guint8             cut = fuzz_take_byte (&input);
  guint8             choice = fuzz_take_byte (&input);
  gsize              limit = limits[choice % G_N_ELEMENTS (limits)];
  gboolean           patient = choice / G_N_ELEMENTS (limits) % 2 == 1;
  Outcome            whole = { 0 };
  Outcome            sliced = { 0 };
  guint              both;

  parse (input.at, input.left, limit, patient, 0, &whole);
  parse (input.at, input.left, limit, patient, cut == 0 ? 1 : cut, &sliced);

  both = MIN (whole.found->len, sliced.found->len);
  for (guint i = 0; i < both; i++)
    g_assert_cmpstr (g_ptr_array_index (whole.found, i), ==, g_ptr_array_index (sliced.found, i));
  /* A long unfinished tag is looked at later when it comes in parts. */
  if (whole.good && sliced.good && input.left <= 1024)
    g_assert_cmpuint (whole.found->len, ==, sliced.found->len);
  if (!whole.good && input.left <= 1024)
    g_assert_false (sliced.good);

  g_ptr_array_unref (whole.found);
  g_ptr_array_unref (sliced.found);
}
