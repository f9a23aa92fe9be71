/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "base/tess-text.h"

#include <string.h>

static void
test_names (void)
{
  static const struct
  {
    const char *text;
    const char *clean;
  } cases[] = {
    { "Bob", "Bob" },
    { "  Bob\t\n Example ", "Bob Example" },
    { "Bob\xe2\x80\xaegnp.exe", "Bobgnp.exe" }, /* U+202E */
    { "B\xe2\x80\x8bo\xef\xbb\xbf"
      "b",
      "Bob" },                              /* U+200B, U+FEFF */
    { "a\xe2\x81\xa6z\xe2\x81\xa9", "az" }, /* U+2066, U+2069 */
    { "x\xe2\x80\xa8y", "x y" },            /* U+2028 */
    { "A\x01\x7f"
      "B",
      "AB" },
    { "\xe3\x85\xa4", NULL },               /* the Hangul filler */
    { "\xe2\x80\x8d\xe2\x80\x8d", NULL },   /* joiners with nothing to join */
    { "👩\xe2\x80\x8d🔬", "👩\xe2\x80\x8d🔬" }, /* but these stay */
    { "میخواهم", "میخواهم" },
    { "<b>Bob</b> &amp;", "<b>Bob</b> &amp;" }, /* markup is text */
    { "", NULL },
    { " \n ", NULL },
    { NULL, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *clean = tess_text_clean_name (cases[i].text);

      g_assert_cmpstr (clean, ==, cases[i].clean);
    }
}

static void
test_limits (void)
{
  g_autofree char *huge = g_strnfill (1000 * 1000, 'a');
  g_autofree char *clean = tess_text_clean_name (huge);
  g_autoptr (GString) marks = g_string_new ("e");
  g_autofree char *calm = NULL;
  g_autofree char *broken = tess_text_clean_name ("a\xff\xfe"
                                                  "b");

  g_assert_cmpint (g_utf8_strlen (clean, -1), ==, 256);
  for (int i = 0; i < 100; i++)
    g_string_append (marks, "\xcc\x81");
  calm = tess_text_clean_name (marks->str);
  g_assert_cmpint (g_utf8_strlen (calm, -1), <=, 8);
  g_assert_true (g_utf8_validate (broken, -1, NULL));
}

static void
test_one_line (void)
{
  g_autofree char *lines = tess_text_one_line ("one\ntwo\r\n\r\nthree", 100);
  g_autofree char *fits = tess_text_one_line ("abcde", 5);
  g_autofree char *cut = tess_text_one_line ("abcdef", 5);
  g_autofree char *wide = tess_text_one_line ("ÄÖÜäöü", 4);

  g_assert_cmpstr (lines, ==, "one two three");
  g_assert_cmpstr (fits, ==, "abcde");
  g_assert_cmpstr (cut, ==, "abcd…");
  g_assert_cmpstr (wide, ==, "ÄÖÜ…");
  g_assert_null (tess_text_one_line ("\n\n", 10));
  g_assert_null (tess_text_one_line (NULL, 10));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/text/names", test_names);
  g_test_add_func ("/base/text/limits", test_limits);
  g_test_add_func ("/base/text/one-line", test_one_line);
  return g_test_run ();
}
