/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test-text"

#include "config.h"

#include "views/tess-grouping.h"
#include "views/tess-notifier.h"
#include "views/tess-text.h"

#include <pango/pango.h>
#include <locale.h>
#include <math.h>
#include <string.h>

static void
test_markup (void)
{
  static const struct
  {
    const char *text;
    const char *markup;
    guint       links;
  } table[] = {
    { "plain", "plain", 0 },
    { "", "", 0 },
    { "<b>a</b> & \"c\"", "&lt;b&gt;a&lt;/b&gt; &amp; &quot;c&quot;", 0 },
    { "see https://example.org/a.", "see <a href=\"https://example.org/a\">https://example.org/a</a>.", 1 },
    { "(http://example.org/x_(y))", "(<a href=\"http://example.org/x_(y)\">http://example.org/x_(y)</a>)", 1 },
    { "https://example.org/?a=1&b=2", "<a href=\"https://example.org/?a=1&amp;b=2\">https://example.org/?a=1&amp;b=2</a>", 1 },
    { "HTTPS://EXAMPLE.ORG", "<a href=\"HTTPS://EXAMPLE.ORG\">HTTPS://EXAMPLE.ORG</a>", 1 },
    { "mailto:a@b.test, xmpp:c@d.test!", "<a href=\"mailto:a@b.test\">mailto:a@b.test</a>, <a href=\"xmpp:c@d.test\">xmpp:c@d.test</a>!", 2 },
    { "geo:1,2", "<a href=\"geo:1,2\">geo:1,2</a>", 1 },
    { "https://example.org/ü", "<a href=\"https://example.org/%C3%BC\">https://example.org/ü</a>", 1 },
    /* E9: nothing else is a link */
    { "file:///etc/passwd", "file:///etc/passwd", 0 },
    { "javascript:alert(1)", "javascript:alert(1)", 0 },
    { "data:text/html,x", "data:text/html,x", 0 },
    { "smb://host/share", "smb://host/share", 0 },
    { "http://user@host.test/", "http://user@host.test/", 0 },
    { "https://example.org:pw@evil.test/", "https://example.org:pw@evil.test/", 0 },
    { "http://", "http://", 0 },
    { "https://.", "https://.", 0 },
    { "mailto:", "mailto:", 0 },
    { "xhttps://example.org", "xhttps://example.org", 0 },
    { "ähttps://example.org", "ähttps://example.org", 0 },
    /* E7: a link cannot leave its attribute */
    { "https://example.org/\"><b>x", "<a href=\"https://example.org/\">https://example.org/</a>&quot;&gt;&lt;b&gt;x", 1 },
    { "https://example.org/'x'", "<a href=\"https://example.org/&apos;x\">https://example.org/&apos;x</a>&apos;", 1 },
    /* E11: no direction marks inside a link */
    { "https://example.org/\342\200\256gpj.exe", "<a href=\"https://example.org/\">https://example.org/</a>\342\200\256gpj.exe", 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      guint links = 99;
      g_autofree char *markup = tess_text_to_markup (table[i].text, &links);
      g_assert_cmpstr (markup, ==, table[i].markup);
      g_assert_cmpuint (links, ==, table[i].links);
      g_assert_true (pango_parse_markup (markup, 0, 0, NULL, NULL, NULL, NULL) || links > 0);
    }

  g_autofree char *broken = tess_text_to_markup ("a\xff\xfe<", NULL);
  g_assert_true (g_utf8_validate (broken, -1, NULL));
}

/* Many links are text from some point on, and a long text that almost is one takes no square of its length. */
static void
test_markup_limits (void)
{
  GString *text = g_string_new (NULL);
  guint links;

  for (int i = 0; i < 1000; i++)
    g_string_append (text, "http://a.test ");
  g_autofree char *many = tess_text_to_markup (text->str, &links);
  g_assert_cmpuint (links, ==, TESS_TEXT_MAX_LINKS);
  g_assert_true (g_str_has_suffix (many, " http://a.test http://a.test "));

  g_string_truncate (text, 0);
  while (text->len < 64 * 1024)
    g_string_append (text, "http:///");
  g_autofree char *none = tess_text_to_markup (text->str, &links);
  g_assert_cmpuint (links, ==, 0);
  g_assert_cmpstr (none, ==, text->str);

  g_string_assign (text, "http://a.test/");
  while (text->len < 64 * 1024)
    g_string_append (text, "(");
  g_autofree char *too_long = tess_text_to_markup (text->str, &links);
  g_assert_cmpuint (links, ==, 0);
  g_assert_cmpstr (too_long, ==, text->str);
  g_string_free (text, TRUE);
}

static void
test_addresses (void)
{
  static const struct
  {
    const char *uri;
    const char *address;
  } table[] = {
    { "xmpp:bob@example.org", "bob@example.org" },
    { "XMPP:bob@example.org?message;body=hi", "bob@example.org" },
    { "xmpp:bob@example.org?remove", "bob@example.org" },
    { "xmpp:bob@example.org/phone", "bob@example.org" },
    { "xmpp:b%C3%B6b@example.org#x", "böb@example.org" },
    { "xmpp://alice@example.org/bob@example.org", "bob@example.org" },
    { "xmpp://bob@example.org", NULL },
    { "xmpp:", NULL },
    { "xmpp:?message", NULL },
    { "xmpp:b%00b@example.org", NULL },
    { "xmpp:b%0ab@example.org", NULL },
    { "xmpp:b%ffb@example.org", NULL },
    { "https://example.org", NULL },
    { "bob@example.org", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *address = tess_text_address_from_uri (table[i].uri);
      g_assert_cmpstr (address, ==, table[i].address);
    }
}

static void
test_emoji (void)
{
  static const struct
  {
    const char *text;
    guint       count;
  } table[] = {
    { "😀", 1 },
    { "🎉🎉", 2 },
    { " 👍 \n👍🏽 ", 2 },
    { "👩‍👩‍👧‍👦", 1 },
    { "🏴󠁧󠁢󠁳󠁣󠁴󠁿", 1 },
    { "🇩🇪🇫🇷", 2 },
    { "❤️", 1 },
    { "❤", 0 },
    { "🤷‍♀️", 1 },
    { "🤷‍♀", 1 },
    { "1️⃣", 1 },
    { "1", 0 },
    { "#", 0 },
    { "", 0 },
    { "   ", 0 },
    { "😀a", 0 },
    { "a😀", 0 },
    { "🇩", 0 },
    { "©", 0 },
    { "☺︎", 0 },
    { "😀😀😀😀😀😀", 6 },
    { "😀😀😀😀😀😀😀", 0 },
    { "👩‍", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    g_assert_cmpuint (tess_text_count_emoji (table[i].text, 6), ==, table[i].count);
}

static void
test_names (void)
{
  static const struct
  {
    const char *name;
    const char *initials;
  } table[] = {
    { "Bob Example", "BE" }, { "anna", "A" },       { "anna@example.org", "A" }, { "Jean-Luc van der Berg", "JB" },
    { "O'Neil", "O" },       { "émile zola", "ÉZ" }, { "", "" },                  { "...", "" },
    { "\342\200\256evil", "E" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *initials = tess_text_initials (table[i].name);
      g_assert_cmpstr (initials, ==, table[i].initials);
    }

  g_autofree char *line = tess_text_clean_line ("  a\n\tb\342\200\256c\001d  ");
  g_assert_cmpstr (line, ==, "a bc d");
  g_autofree char *plain = tess_notifier_body ("<b>x</b> & y\nz", FALSE);
  g_assert_cmpstr (plain, ==, "<b>x</b> & y z");
  g_autofree char *escaped = tess_notifier_body ("<b>x</b> & y\nz", TRUE); /* E8 */
  g_assert_cmpstr (escaped, ==, "&lt;b&gt;x&lt;/b&gt; &amp; y z");
  g_autofree char *all = tess_text_shorten ("short", 10, 2);
  g_assert_null (all);
  g_autofree char *lines = tess_text_shorten ("a\nb\nc", 10, 2);
  g_assert_cmpstr (lines, ==, "a\nb");
  g_autofree char *chars = tess_text_shorten ("äöüäöü", 3, 2);
  g_assert_cmpstr (chars, ==, "äöü");
}

static void
test_break_paragraphs (void)
{
  g_autofree char *wrapped = tess_text_wrap ("aa bb äääää cc", 5);

  g_assert_cmpstr (wrapped, ==, "aa bb\näääää\ncc");
  static const struct
  {
    const char *text;
    const char *broken;
  } cases[] = {
    { "", "" },
    { "12345", "12345" },
    { "1234567", "12345\n67" },
    { "12 4567", "12 \n4567" },
    { "12 4567 9", "12 \n4567 \n9" },
    { "12345\n12345\n1", "12345\n12345\n1" },
    { "äöüäöü ß", "äöüäö\nü ß" },
    { "aaaae\xcc\x81\xcc\x82z", "aaaae\xcc\x81\xcc\x82\nz" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *broken = tess_text_break_paragraphs (cases[i].text, 5);
      g_assert_cmpstr (broken, ==, cases[i].broken);
    }
}

#define FINGERPRINT "1F2e3d4c5b6a79880011223344556677aabbccddeeff00119988776655443322"

static void
test_fingerprint (void)
{
  g_autofree char *first = tess_text_fingerprint_group (FINGERPRINT, 0);
  g_autofree char *last = tess_text_fingerprint_group (FINGERPRINT, 7);
  g_autofree char *spaced = tess_text_fingerprint_spaced (FINGERPRINT);

  g_assert_cmpstr (first, ==, "1f2e3d4c");
  g_assert_cmpstr (last, ==, "55443322");
  g_assert_cmpstr (spaced, ==, "1f2e3d4c 5b6a7988 00112233 44556677 aabbccdd eeff0011 99887766 55443322");
  g_assert_null (tess_text_fingerprint_group (FINGERPRINT, 8));
  g_assert_null (tess_text_fingerprint_group ("12", 0));
  g_assert_null (tess_text_fingerprint_group (NULL, 0));
  g_assert_null (tess_text_fingerprint_group ("zz2e3d4c5b6a79880011223344556677aabbccddeeff00119988776655443322", 0));
}

static double
luminance (double r, double g, double b)
{
  double in[3] = { r, g, b };
  double linear[3];

  for (int i = 0; i < 3; i++)
    linear[i] = in[i] <= 0.04045 ? in[i] / 12.92 : pow ((in[i] + 0.055) / 1.055, 2.4);
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

/* libadwaita's cards and windows: #ffffff and #fafafa, #242424 and #363636. */
static void
test_group_colors (void)
{
  double white = luminance (0.98, 0.98, 0.98);
  double grey = luminance (0.212, 0.212, 0.212);

  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *group = g_strdup_printf ("%08x", i * 858993459u);
      double rgb[3], again[3];

      tess_text_group_color (group, FALSE, rgb);
      g_assert_cmpfloat ((white + 0.05) / (luminance (rgb[0], rgb[1], rgb[2]) + 0.05), >=, 4.5);
      tess_text_group_color (group, FALSE, again);
      g_assert_cmpmem (rgb, sizeof rgb, again, sizeof again);
      tess_text_group_color (group, TRUE, rgb);
      g_assert_cmpfloat ((luminance (rgb[0], rgb[1], rgb[2]) + 0.05) / (grey + 0.05), >=, 4.5);
    }
}

static gint64
at (const char *iso)
{
  g_autoptr (GTimeZone) zone = g_time_zone_new_local ();
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (iso, zone);
  return g_date_time_to_unix (time) * G_USEC_PER_SEC;
}

static void
test_times (void)
{
  static const struct
  {
    const char *time;
    const char *list;
    const char *day;
    const char *seen;
  } table[] = {
    { "2026-11-21T19:05:00", "19:05", "Today", "Seen today" },
    { "2026-11-21T00:00:00", "00:00", "Today", "Seen today" },
    { "2026-11-20T23:59:59", "Fri", "Yesterday", "Seen yesterday" },
    { "2026-11-15T12:00:00", "Sun", "Sunday, 15 November", "Seen 6 days ago" },
    { "2026-11-14T12:00:00", "14 Nov", "Saturday, 14 November", "Seen 7 days ago" },
    { "2026-01-02T12:00:00", "2 Jan", "Friday, 2 January", "Seen in January 2026" },
    { "2024-02-29T12:00:00", "29 Feb 2024", "29 February 2024", "Seen in February 2024" },
    { "2026-11-22T08:00:00", "22 Nov", "Sunday, 22 November", "Seen today" }, /* somebody's clock is fast */
  };
  gint64 now = at ("2026-11-21T20:00:00");

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *list = tess_text_list_time (at (table[i].time), now, TRUE);
      g_autofree char *day = tess_text_day (at (table[i].time), now);
      g_autofree char *seen = tess_text_last_seen (at (table[i].time), now);
      g_assert_cmpstr (list, ==, table[i].list);
      g_assert_cmpstr (day, ==, table[i].day);
      g_assert_cmpstr (seen, ==, table[i].seen);
    }
  g_autofree char *twelve = tess_text_clock (at ("2026-11-21T19:05:00"), FALSE);
  g_assert_cmpstr (twelve, ==, "7:05 PM");
  g_autofree char *never = tess_text_last_seen (0, now);
  g_assert_cmpstr (never, ==, "Never seen");
  g_autofree char *absurd = tess_text_day (G_MAXINT64, now);
  g_assert_nonnull (absurd);
}

/* Found by fuzzing: in the east the year 10000 begins early, which GLib does not know. */
static void
test_last_hours (void)
{
  g_autofree char *zone = g_strdup (g_getenv ("TZ"));

  g_setenv ("TZ", "Pacific/Kiritimati", TRUE);
  g_autofree char *clock = tess_text_clock (G_GINT64_CONSTANT (253402300799000000), TRUE);
  g_autofree char *day = tess_text_day (0, G_GINT64_CONSTANT (253402300799000000));
  if (zone != NULL)
    g_setenv ("TZ", zone, TRUE);
  else
    g_unsetenv ("TZ");
  g_assert_nonnull (clock);
  g_assert_nonnull (day);
}

static void
test_grouping (void)
{
  const TessGroupingKey in = { FALSE, 1000, TESS_ENCRYPTION_OMEMO, TESS_TRUST_BLIND, 7, TESS_MESSAGE_RECEIVED };
  TessGroupingKey next;

#define JOINS(field, value, expected)                                                                                              \
  next = in;                                                                                                                       \
  next.time_us += 1;                                                                                                               \
  next.field = value;                                                                                                              \
  g_assert_cmpint (tess_grouping_joins (&in, &next), ==, expected)

  JOINS (outgoing, FALSE, TRUE);
  JOINS (outgoing, TRUE, FALSE);
  JOINS (time_us, 1000 + TESS_GROUPING_GAP_US - 1, TRUE);
  JOINS (time_us, 1000 + TESS_GROUPING_GAP_US, FALSE);
  JOINS (time_us, 999, FALSE);
  JOINS (encryption, TESS_ENCRYPTION_NONE, FALSE);
  JOINS (encryption, TESS_ENCRYPTION_UNREADABLE, FALSE);
  JOINS (trust, TESS_TRUST_VERIFIED, FALSE);
  JOINS (device, 8, FALSE);
#undef JOINS

  TessGroupingKey sent = { TRUE, 1000, TESS_ENCRYPTION_NONE, TESS_TRUST_UNDECIDED, 0, TESS_MESSAGE_SENT };
  TessGroupingKey read = sent;
  g_assert_true (tess_grouping_joins (&sent, &read));
  read.state = TESS_MESSAGE_READ;
  g_assert_false (tess_grouping_joins (&sent, &read));
  sent.state = read.state = TESS_MESSAGE_FAILED;
  g_assert_false (tess_grouping_joins (&sent, &read));

  TessGroupingKey late = in, early = in;
  late.time_us = at ("2026-11-20T23:59:59");
  early.time_us = at ("2026-11-21T00:00:01");
  g_assert_false (tess_grouping_joins (&late, &early));
}

int
main (int argc, char *argv[])
{
  g_setenv ("TZ", "Europe/Berlin", TRUE);
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/views/text/markup", test_markup);
  g_test_add_func ("/views/text/markup-limits", test_markup_limits);
  g_test_add_func ("/views/text/addresses", test_addresses);
  g_test_add_func ("/views/text/emoji", test_emoji);
  g_test_add_func ("/views/text/names", test_names);
  g_test_add_func ("/views/text/break-paragraphs", test_break_paragraphs);
  g_test_add_func ("/views/text/fingerprint", test_fingerprint);
  g_test_add_func ("/views/text/group-colors", test_group_colors);
  g_test_add_func ("/views/text/times", test_times);
  g_test_add_func ("/views/text/last-hours", test_last_hours);
  g_test_add_func ("/views/text/grouping", test_grouping);
  return g_test_run ();
}
