/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "base/tess-text.h"
#include "views/tess-text.h"
#include "xmpp/xep/tess-xep-text.h"

#include <string.h>

/* A message, a name, a line: any bytes, in UTF-8 where the function asks for it. The first byte is a length.
 *
 * - The markup is well-formed, holds nothing but links that may be opened, and says what the text says (attacks rows E7, E9).
 * - What makes a line, a beginning or a name keeps its bounds, is UTF-8, and is not changed when it is done again. */

void
fuzz_set_up (void)
{
}

/* ---- Markup ---- */

typedef struct
{
  GString *text;
  guint    links;
  guint    depth;
} Reading;

static void
start_cb (GMarkupParseContext *context, const char *name, const char **names, const char **values, gpointer data,
          GError **error)
{
  Reading *reading = data;

  if (reading->depth++ == 0)
    {
      g_assert_cmpstr (name, ==, "markup");
      return;
    }
  g_assert_cmpuint (reading->depth, ==, 2); /* a link in a link */
  g_assert_cmpstr (name, ==, "a");
  g_assert_cmpstr (names[0], ==, "href");
  g_assert_null (names[1]);
  g_assert_true (tess_text_link_is_allowed (values[0]));
  g_assert_true (g_str_is_ascii (values[0]));
  reading->links++;
}

static void
end_cb (GMarkupParseContext *context, const char *name, gpointer data, GError **error)
{
  ((Reading *) data)->depth--;
}

static void
text_cb (GMarkupParseContext *context, const char *text, gsize length, gpointer data, GError **error)
{
  g_string_append_len (((Reading *) data)->text, text, (gssize) length);
}

static void
check_markup (const char *text)
{
  static const GMarkupParser     parser = { start_cb, end_cb, text_cb, NULL, NULL };
  Reading                        reading = { g_string_new (NULL), 0, 0 };
  guint                          links = 0;
  g_autofree char               *markup = tess_text_to_markup (text, &links);
  g_autofree char               *whole = g_strconcat ("<markup>", markup, "</markup>", NULL);
  g_autofree char               *valid = g_utf8_make_valid (text, -1);
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser, 0, &reading, NULL);
  g_autoptr (GError)             error = NULL;
  g_autoptr (GString)            wanted = NULL;

  g_assert_true (g_utf8_validate (markup, -1, NULL));
  g_markup_parse_context_parse (context, whole, -1, &error);
  g_assert_no_error (error);
  g_markup_parse_context_end_parse (context, &error);
  g_assert_no_error (error);
  /* A reader of markup takes each line's end for a line feed. */
  wanted = g_string_new (valid);
  g_string_replace (wanted, "\r\n", "\n", 0);
  g_string_replace (wanted, "\r", "\n", 0);
  g_assert_cmpstr (reading.text->str, ==, wanted->str);
  g_assert_cmpuint (reading.links, ==, links);
  g_assert_cmpuint (links, <=, TESS_TEXT_MAX_LINKS);
  g_string_free (reading.text, TRUE);
}

/* ---- Lines ---- */

static void
check_base (const char *text, guint max)
{
  g_autofree char *name = tess_text_clean_name (text);
  g_autofree char *line = tess_text_one_line (text, max);
  g_autofree char *name_again = tess_text_clean_name (name);
  g_autofree char *line_again = tess_text_one_line (line, max);

  fuzz_assert_line (name, 256);
  fuzz_assert_line (line, max);
  g_assert_cmpstr (name_again, ==, name);
  g_assert_cmpstr (line_again, ==, line);
}

static void
check_clip (const char *text, guint max)
{
  g_autofree char *line = tess_xep_text_clip_line (text, max);
  g_autofree char *lines = tess_xep_text_clip_lines (text, max);
  g_autofree char *line_again = tess_xep_text_clip_line (line, max);
  g_autofree char *lines_again = tess_xep_text_clip_lines (lines, max);

  fuzz_assert_line (line, max);
  fuzz_assert_text (lines, max);
  g_assert_cmpstr (line_again, ==, line);
  g_assert_cmpstr (lines_again, ==, lines);
}

static void
check_clean (const char *text)
{
  g_autofree char *line = tess_text_clean_line (text);
  g_autofree char *again = tess_text_clean_line (line);
  g_autofree char *initials = tess_text_initials (text);
  g_autofree char *isolated = tess_text_isolate (line);

  fuzz_assert_line (line, G_MAXINT);
  g_assert_cmpstr (again, ==, line);
  fuzz_assert_line (initials, 2);
  g_assert_cmpuint (strlen (isolated), ==, strlen (line) + 6);
}

/* ---- Paragraphs ---- */

static void
assert_same_but_breaks (const char *one, const char *other)
{
  for (;;)
    {
      one += strspn (one, " \n");
      other += strspn (other, " \n");
      if (*one != *other || *one == '\0')
        break;
      one++;
      other++;
    }
  g_assert_cmpint (*one, ==, *other);
}

static void
check_paragraphs (const char *text, guint max)
{
  g_autofree char *broken = tess_text_break_paragraphs (text, max);
  g_autofree char *wrapped = tess_text_wrap (text, max);
  g_autofree char *shortened = tess_text_shorten (text, max, 1 + max % 7);

  g_assert_true (g_utf8_validate (broken, -1, NULL));
  g_assert_true (g_utf8_validate (wrapped, -1, NULL));
  assert_same_but_breaks (broken, text);
  g_assert_cmpuint (strlen (wrapped), ==, strlen (text));
  assert_same_but_breaks (wrapped, text);
  if (shortened == NULL)
    {
      g_assert_cmpint (g_utf8_strlen (text, -1), <=, max);
      return;
    }
  fuzz_assert_text (shortened, max);
  g_assert_true (g_str_has_prefix (text, shortened));
  g_assert_cmpuint (strlen (shortened), <, strlen (text));
}

static void
check_fingerprint (const char *text)
{
  g_autofree char *spaced = tess_text_fingerprint_spaced (text);

  if (spaced == NULL)
    return;
  g_assert_cmpuint (strlen (spaced), ==, 64 + TESS_FINGERPRINT_GROUPS - 1);
  for (guint i = 0; i < TESS_FINGERPRINT_GROUPS; i++)
    {
      g_autofree char *group = tess_text_fingerprint_group (text, i);
      double           rgb[3];

      g_assert_true (g_str_has_prefix (spaced + 9 * i, group));
      tess_text_group_color (group, i % 2, rgb);
      for (guint j = 0; j < 3; j++)
        g_assert_true (rgb[j] >= 0.0 && rgb[j] <= 1.0);
    }
}

void
fuzz_one (const guint8 *data, gsize size)
{
  FuzzInput        input = { data, size };
  guint            max = 2 + fuzz_take_byte (&input);
  g_autofree char *raw = g_strndup ((const char *) input.at, input.left);
  g_autofree char *text = fuzz_take_text (&input);
  guint            emoji = tess_text_count_emoji (text, max);

  g_assert_cmpuint (emoji, <=, max);
  g_assert_cmpint (emoji, <=, g_utf8_strlen (text, -1));
  check_markup (raw);
  check_base (raw, max);
  check_clip (text, max);
  check_clean (raw);
  check_paragraphs (text, max);
  check_fingerprint (text);
}
