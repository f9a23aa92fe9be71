/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-text.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <langinfo.h>
#include <math.h>
#include <string.h>

/* Longer ones are somebody's joke; they stay plain text. */
#define MAX_LINK_BYTES 2048
#define MAX_URI_BYTES 4096

static const char *const schemes[] = { "https://", "http://", "mailto:", "xmpp:", "geo:" };

static gboolean
is_bidi_or_invisible (gunichar c)
{
  return c == 0x00ad || c == 0x034f || c == 0x061c || c == 0x115f || c == 0x1160 || c == 0x180e ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
         c == 0x3164 || c == 0xfeff || c == 0xffa0 || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe007f);
}

gboolean
tess_text_link_is_allowed (const char *uri)
{
  if (uri == NULL || strlen (uri) > MAX_URI_BYTES)
    return FALSE;

  g_autofree char *scheme = g_uri_parse_scheme (uri);
  if (scheme == NULL)
    return FALSE;
  if (g_ascii_strcasecmp (scheme, "http") == 0 || g_ascii_strcasecmp (scheme, "https") == 0)
    {
      g_autoptr (GUri) parsed = g_uri_parse (uri, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED, NULL);
      const char *host = parsed != NULL ? g_uri_get_host (parsed) : NULL;

      return host != NULL && *host != '\0' && g_uri_get_userinfo (parsed) == NULL && strchr (uri, '\\') == NULL;
    }
  if (g_ascii_strcasecmp (scheme, "mailto") == 0 || g_ascii_strcasecmp (scheme, "xmpp") == 0 ||
      g_ascii_strcasecmp (scheme, "geo") == 0)
    return uri[strlen (scheme) + 1] != '\0';
  return FALSE;
}

/* The scheme that begins at @p, or 0. */
static gsize
match_scheme (const char *p)
{
  if (strchr ("hHmMxXgG", *p) == NULL)
    return 0;
  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      gsize length = strlen (schemes[i]);
      if (g_ascii_strncasecmp (p, schemes[i], length) == 0)
        return length;
    }
  return 0;
}

/* Sentences end behind a link more often than links end in a full stop; a bracket belongs to it when it was opened inside. */
static gsize
trim_link (const char *start, gsize length)
{
  int open_round = 0;
  int open_square = 0;

  for (gsize i = 0; i < length; i++)
    {
      open_round += (start[i] == '(') - (start[i] == ')');
      open_square += (start[i] == '[') - (start[i] == ']');
    }
  while (length > 0)
    {
      char last = start[length - 1];

      if (strchr (".,;:!?'*_~", last) != NULL)
        length--;
      else if (last == ')' && open_round < 0)
        {
          open_round++;
          length--;
        }
      else if (last == ']' && open_square < 0)
        {
          open_square++;
          length--;
        }
      else
        break;
    }
  return length;
}

static gsize
link_length (const char *start)
{
  const char *p = start;

  while (*p != '\0')
    {
      gunichar c = g_utf8_get_char (p);

      if (c <= 0x20 || c == 0x7f || strchr ("<>\"`{}|^\\", (int) (c < 0x80 ? c : 'a')) != NULL || g_unichar_isspace (c) ||
          g_unichar_iscntrl (c) || is_bidi_or_invisible (c) || c == 0x201c || c == 0x201d || c == 0x00ab || c == 0x00bb)
        break;
      p = g_utf8_next_char (p);
    }
  return trim_link (start, (gsize) (p - start));
}

static void
append_escaped (GString *out, const char *text, gsize length)
{
  g_autofree char *escaped = g_markup_escape_text (text, (gssize) length);
  g_string_append (out, escaped);
}

/* A link as the desktop wants it: IRIs become URIs. */
static char *
link_target (const char *link)
{
  return g_uri_escape_string (link, "!*'();:@&=+$,/?#[]%-._~", FALSE);
}

char *
tess_text_to_markup (const char *text, guint *n_links)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_sized_new (strlen (valid) + 16);
  const char *plain = valid; /* where the part that was not written yet begins */
  guint links = 0;
  gboolean after_word = FALSE;

  for (const char *p = valid; *p != '\0';)
    {
      gsize scheme = after_word || links >= TESS_TEXT_MAX_LINKS ? 0 : match_scheme (p);
      gunichar c = g_utf8_get_char (p);

      if (scheme > 0)
        {
          gsize length = link_length (p);
          g_autofree char *link = g_strndup (p, length);
          g_autofree char *target = link_target (link);

          if (length > scheme && length <= MAX_LINK_BYTES && tess_text_link_is_allowed (target))
            {
              append_escaped (out, plain, (gsize) (p - plain));
              g_string_append (out, "<a href=\"");
              append_escaped (out, target, strlen (target));
              g_string_append (out, "\">");
              append_escaped (out, link, length);
              g_string_append (out, "</a>");
              links++;
              p += length;
              plain = p;
              after_word = TRUE;
              continue;
            }
          /* What was looked at once is not looked at again. */
          p += MAX (length, 1);
          while (((guchar) *p & 0xc0) == 0x80)
            p++;
          after_word = TRUE;
          continue;
        }
      after_word = g_unichar_isalnum (c);
      p = g_utf8_next_char (p);
    }
  append_escaped (out, plain, strlen (plain));
  if (n_links != NULL)
    *n_links = links;
  return g_string_free (out, FALSE);
}

char *
tess_text_address_from_uri (const char *uri)
{
  if (uri == NULL || strlen (uri) > MAX_URI_BYTES || g_ascii_strncasecmp (uri, "xmpp:", 5) != 0)
    return NULL;

  const char *path = uri + 5;
  if (g_str_has_prefix (path, "//")) /* xmpp://account@host/address: which account is asked, not obeyed */
    {
      path = strchr (path + 2, '/');
      if (path == NULL)
        return NULL;
      path++;
    }
  g_autofree char *encoded = g_strndup (path, strcspn (path, "?#"));
  g_autofree char *address = g_uri_unescape_string (encoded, NULL);
  if (address == NULL || *address == '\0' || !g_utf8_validate (address, -1, NULL))
    return NULL;
  /* A resource is nobody's business here. */
  char *slash = strchr (address, '/');
  if (slash != NULL)
    *slash = '\0';
  for (const char *p = address; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)) || g_unichar_isspace (g_utf8_get_char (p)))
      return NULL;
  return *address != '\0' ? g_steal_pointer (&address) : NULL;
}

gboolean
tess_text_uri_is_code (const char *uri)
{
  const char *query = strchr (uri, '?');

  return query != NULL && (strstr (query, "omemo-sid-") != NULL || strstr (query, "omemo=") != NULL);
}

/* --- emoji ------------------------------------------------------------------------------------------------------------- */

typedef struct
{
  gunichar first;
  gunichar last;
} Range;

/* Emoji_Presentation of Unicode's emoji-data: pictures by themselves. */
static const Range emoji_by_itself[] = {
  { 0x231a, 0x231b },   { 0x23e9, 0x23ec },   { 0x23f0, 0x23f0 },   { 0x23f3, 0x23f3 },   { 0x25fd, 0x25fe },
  { 0x2614, 0x2615 },   { 0x2648, 0x2653 },   { 0x267f, 0x267f },   { 0x2693, 0x2693 },   { 0x26a1, 0x26a1 },
  { 0x26aa, 0x26ab },   { 0x26bd, 0x26be },   { 0x26c4, 0x26c5 },   { 0x26ce, 0x26ce },   { 0x26d4, 0x26d4 },
  { 0x26ea, 0x26ea },   { 0x26f2, 0x26f3 },   { 0x26f5, 0x26f5 },   { 0x26fa, 0x26fa },   { 0x26fd, 0x26fd },
  { 0x2705, 0x2705 },   { 0x270a, 0x270b },   { 0x2728, 0x2728 },   { 0x274c, 0x274c },   { 0x274e, 0x274e },
  { 0x2753, 0x2755 },   { 0x2757, 0x2757 },   { 0x2795, 0x2797 },   { 0x27b0, 0x27b0 },   { 0x27bf, 0x27bf },
  { 0x2b1b, 0x2b1c },   { 0x2b50, 0x2b50 },   { 0x2b55, 0x2b55 },   { 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf },
  { 0x1f18e, 0x1f18e }, { 0x1f191, 0x1f19a }, { 0x1f201, 0x1f201 }, { 0x1f21a, 0x1f21a }, { 0x1f22f, 0x1f22f },
  { 0x1f232, 0x1f236 }, { 0x1f238, 0x1f23a }, { 0x1f250, 0x1f251 }, { 0x1f300, 0x1f320 }, { 0x1f32d, 0x1f335 },
  { 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 }, { 0x1f3a0, 0x1f3ca }, { 0x1f3cf, 0x1f3d3 }, { 0x1f3e0, 0x1f3f0 },
  { 0x1f3f4, 0x1f3f4 }, { 0x1f3f8, 0x1f43e }, { 0x1f440, 0x1f440 }, { 0x1f442, 0x1f4fc }, { 0x1f4ff, 0x1f53d },
  { 0x1f54b, 0x1f54e }, { 0x1f550, 0x1f567 }, { 0x1f57a, 0x1f57a }, { 0x1f595, 0x1f596 }, { 0x1f5a4, 0x1f5a4 },
  { 0x1f5fb, 0x1f64f }, { 0x1f680, 0x1f6c5 }, { 0x1f6cc, 0x1f6cc }, { 0x1f6d0, 0x1f6d2 }, { 0x1f6d5, 0x1f6d7 },
  { 0x1f6dc, 0x1f6df }, { 0x1f6eb, 0x1f6ec }, { 0x1f6f4, 0x1f6fc }, { 0x1f7e0, 0x1f7eb }, { 0x1f7f0, 0x1f7f0 },
  { 0x1f90c, 0x1f93a }, { 0x1f93c, 0x1f945 }, { 0x1f947, 0x1f9ff }, { 0x1fa70, 0x1faff },
};

/* Text unless U+FE0F follows. */
static const Range emoji_when_asked[] = {
  { 0x00a9, 0x00a9 }, { 0x00ae, 0x00ae }, { 0x203c, 0x203c }, { 0x2049, 0x2049 },   { 0x2122, 0x2122 },   { 0x2139, 0x2139 },
  { 0x2194, 0x2199 }, { 0x21a9, 0x21aa }, { 0x2328, 0x2328 }, { 0x23cf, 0x23cf },   { 0x23ed, 0x23fa },   { 0x24c2, 0x24c2 },
  { 0x25aa, 0x25fe }, { 0x2600, 0x27bf }, { 0x2934, 0x2935 }, { 0x2b05, 0x2b07 },   { 0x3030, 0x3030 },   { 0x303d, 0x303d },
  { 0x3297, 0x3297 }, { 0x3299, 0x3299 }, { 0x1f000, 0x1f0ff }, { 0x1f170, 0x1f189 }, { 0x1f200, 0x1f7ff },
};

static gboolean
in_ranges (const Range *ranges, guint n, gunichar c)
{
  for (guint i = 0; i < n; i++)
    if (c >= ranges[i].first && c <= ranges[i].last)
      return TRUE;
  return FALSE;
}

static gboolean
is_regional (gunichar c)
{
  return c >= 0x1f1e6 && c <= 0x1f1ff;
}

static gunichar
peek (const char *p)
{
  return *p != '\0' ? g_utf8_get_char (p) : 0;
}

static gboolean
skip_char (const char **p, gunichar c)
{
  if (peek (*p) != c)
    return FALSE;
  *p = g_utf8_next_char (*p);
  return TRUE;
}

/* One picture without joiners: base, presentation, skin, tags. NULL when none begins at @p. */
static const char *
skip_emoji_element (const char *p)
{
  gunichar c = peek (p);
  const char *next = c != 0 ? g_utf8_next_char (p) : p;

  if (is_regional (c))
    return is_regional (peek (next)) ? g_utf8_next_char (next) : NULL;
  if ((c >= '0' && c <= '9') || c == '#' || c == '*')
    {
      skip_char (&next, 0xfe0f);
      return skip_char (&next, 0x20e3) ? next : NULL;
    }
  if (in_ranges (emoji_by_itself, G_N_ELEMENTS (emoji_by_itself), c))
    {
      if (skip_char (&next, 0xfe0e)) /* asked to be text */
        return NULL;
      skip_char (&next, 0xfe0f);
    }
  else if (in_ranges (emoji_when_asked, G_N_ELEMENTS (emoji_when_asked), c))
    {
      gunichar follows = peek (next);
      if (!skip_char (&next, 0xfe0f) && !(follows >= 0x1f3fb && follows <= 0x1f3ff))
        return NULL;
    }
  else
    return NULL;
  if (peek (next) >= 0x1f3fb && peek (next) <= 0x1f3ff)
    next = g_utf8_next_char (next);
  while (peek (next) >= 0xe0020 && peek (next) <= 0xe007f)
    next = g_utf8_next_char (next);
  return next;
}

guint
tess_text_count_emoji (const char *text, guint max)
{
  guint count = 0;

  for (const char *p = text; *p != '\0';)
    {
      if (g_unichar_isspace (g_utf8_get_char (p)))
        {
          p = g_utf8_next_char (p);
          continue;
        }
      p = skip_emoji_element (p);
      while (p != NULL && skip_char (&p, 0x200d))
        {
          gunichar sign = peek (p);
          const char *joined = skip_emoji_element (p);
          /* In a joined sequence the sign of ♀ and ♂ may stand without its selector. */
          if (joined == NULL && (sign == 0x2640 || sign == 0x2642))
            joined = g_utf8_next_char (p);
          p = joined;
        }
      if (p == NULL || ++count > max)
        return 0;
    }
  return count;
}

/* --- names --------------------------------------------------------------------------------------------------------------- */

char *
tess_text_clean_line (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  GString *out = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      /* Joiners make emoji and scripts; they stay. */
      if (is_bidi_or_invisible (c) && c != 0x200c && c != 0x200d && !(c >= 0xe0020 && c <= 0xe007f))
        continue;
      if (g_unichar_isspace (c) || g_unichar_iscntrl (c) || c == 0x2028 || c == 0x2029)
        {
          if (out->len > 0 && out->str[out->len - 1] != ' ')
            g_string_append_c (out, ' ');
        }
      else
        g_string_append_unichar (out, c);
    }
  if (out->len > 0 && out->str[out->len - 1] == ' ')
    g_string_truncate (out, out->len - 1);
  return g_string_free (out, FALSE);
}

char *
tess_text_isolate (const char *text)
{
  return g_strconcat ("\342\201\250", text, "\342\201\251", NULL);
}

static void
append_initial (GString *out, const char *word)
{
  char buffer[8] = { 0 };
  int length = g_unichar_to_utf8 (g_unichar_toupper (g_utf8_get_char (word)), buffer);

  g_string_append_len (out, buffer, length);
}

char *
tess_text_initials (const char *name)
{
  g_autofree char *clean = tess_text_clean_line (name);
  GString *out = g_string_new (NULL);
  const char *first = NULL;
  const char *last = NULL;
  gboolean in_word = FALSE;

  char *at = strchr (clean, '@');
  if (at != NULL && at != clean)
    *at = '\0';
  for (const char *p = clean; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (g_unichar_isalnum (c) && !in_word)
        {
          if (first == NULL)
            first = p;
          else
            last = p;
        }
      in_word = g_unichar_isalnum (c) || c == '\'' || (in_word && g_unichar_ismark (c));
    }
  if (first != NULL)
    append_initial (out, first);
  if (last != NULL)
    append_initial (out, last);
  return g_string_free (out, FALSE);
}

char *
tess_text_shorten (const char *text, guint max_chars, guint max_lines)
{
  guint chars = 0;
  guint lines = 1;
  const char *p;

  for (p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      if (chars++ >= max_chars || (*p == '\n' && lines++ >= max_lines))
        return g_strndup (text, (gsize) (p - text));
    }
  return NULL;
}

char *
tess_text_break_paragraphs (const char *text, guint max_chars)
{
  GString *out = g_string_sized_new (strlen (text) + 64);
  const char *begin = text; /* of what is not copied yet */
  const char *space = NULL; /* behind the last one since then */
  guint chars = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == '\n')
        {
          chars = 0;
          space = NULL;
          continue;
        }
      /* Without a space: between characters, but not before one that belongs to the one before it. */
      if (chars >= max_chars && (space != NULL || (!g_unichar_ismark (c) && !g_unichar_iszerowidth (c))))
        {
          const char *cut = space != NULL ? space : p;

          g_string_append_len (out, begin, cut - begin);
          g_string_append_c (out, '\n');
          begin = cut;
          chars = (guint) g_utf8_pointer_to_offset (cut, p);
          space = NULL;
        }
      if (g_unichar_isspace (c))
        space = g_utf8_next_char (p);
      chars++;
    }
  g_string_append (out, begin);
  return g_string_free (out, FALSE);
}

char *
tess_text_wrap (const char *text, guint chars)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  GString *out = g_string_new (NULL);
  glong line = 0;

  for (guint i = 0; words[i] != NULL; i++)
    {
      glong length = g_utf8_strlen (words[i], -1);

      if (i > 0)
        g_string_append_c (out, line + 1 + length > (glong) chars ? '\n' : ' ');
      line = i > 0 && line + 1 + length <= (glong) chars ? line + 1 + length : length;
      g_string_append (out, words[i]);
    }
  return g_string_free (out, FALSE);
}

/* --- fingerprints -------------------------------------------------------------------------------------------------------- */

char *
tess_text_fingerprint_group (const char *fingerprint, guint index)
{
  if (fingerprint == NULL || strlen (fingerprint) != 64 || index >= TESS_FINGERPRINT_GROUPS)
    return NULL;
  for (const char *p = fingerprint; *p != '\0'; p++)
    if (!g_ascii_isxdigit (*p))
      return NULL;
  return g_ascii_strdown (fingerprint + 8 * index, 8);
}

char *
tess_text_fingerprint_spaced (const char *fingerprint)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < TESS_FINGERPRINT_GROUPS; i++)
    {
      g_autofree char *group = tess_text_fingerprint_group (fingerprint, i);
      if (group == NULL)
        {
          g_string_free (out, TRUE);
          return NULL;
        }
      g_string_append_printf (out, "%s%s", i > 0 ? " " : "", group);
    }
  return g_string_free (out, FALSE);
}

static double
to_srgb (double linear)
{
  double c = CLAMP (linear, 0.0, 1.0);
  return c <= 0.0031308 ? 12.92 * c : 1.055 * pow (c, 1.0 / 2.4) - 0.055;
}

void
tess_text_group_color (const char *group, gboolean dark, double rgb[3])
{
  guint32 value = (guint32) g_ascii_strtoull (group, NULL, 16);
  /* Fibonacci hashing spreads neighbours over the circle; 24 hues are as many as an eye tells apart in a row. */
  double hue = floor ((value * 2654435769u) / 4294967296.0 * 24.0) * G_PI / 12.0;
  /* Oklab keeps the lightness, and with it the contrast, the same all around. */
  double light = dark ? 0.83 : 0.47;
  double chroma = dark ? 0.11 : 0.13;
  double a = chroma * cos (hue);
  double b = chroma * sin (hue);
  double l = pow (light + 0.3963377774 * a + 0.2158037573 * b, 3);
  double m = pow (light - 0.1055613458 * a - 0.0638541728 * b, 3);
  double s = pow (light - 0.0894841775 * a - 1.2914855480 * b, 3);

  rgb[0] = to_srgb (4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  rgb[1] = to_srgb (-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  rgb[2] = to_srgb (-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

/* --- times --------------------------------------------------------------------------------------------------------------- */

static GDateTime *
local_time (gint64 time_us)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (time_us / G_USEC_PER_SEC);
  /* The last hours of 9999 are past the end east of Greenwich. */
  GDateTime *local = utc != NULL ? g_date_time_to_local (utc) : NULL;
  return local != NULL ? local : g_date_time_new_from_unix_local (0);
}

/* Calendar days from @earlier to @later. */
static int
days_between (GDateTime *earlier, GDateTime *later)
{
  GDate a, b;

  g_date_clear (&a, 1);
  g_date_clear (&b, 1);
  g_date_set_dmy (&a, (GDateDay) g_date_time_get_day_of_month (earlier), g_date_time_get_month (earlier),
                  (GDateYear) g_date_time_get_year (earlier));
  g_date_set_dmy (&b, (GDateDay) g_date_time_get_day_of_month (later), g_date_time_get_month (later),
                  (GDateYear) g_date_time_get_year (later));
  return g_date_days_between (&a, &b);
}

gboolean
tess_text_same_day (gint64 a_us, gint64 b_us)
{
  g_autoptr (GDateTime) a = local_time (a_us);
  g_autoptr (GDateTime) b = local_time (b_us);
  return days_between (a, b) == 0;
}

static char *
format_clock (GDateTime *time, gboolean hours_24)
{
  /* Translators: hours and minutes, see g_date_time_format() */
  return g_date_time_format (time, hours_24 ? _("%H:%M") : _("%-I:%M %p"));
}

char *
tess_text_clock (gint64 time_us, gboolean hours_24)
{
  g_autoptr (GDateTime) time = local_time (time_us);
  return format_clock (time, hours_24);
}

char *
tess_text_list_time (gint64 time_us, gint64 now_us, gboolean hours_24)
{
  g_autoptr (GDateTime) time = local_time (time_us);
  g_autoptr (GDateTime) now = local_time (now_us);
  int days = days_between (time, now);

  if (days == 0)
    return format_clock (time, hours_24);
  if (days > 0 && days < 7)
    return g_date_time_format (time, "%a");
  if (g_date_time_get_year (time) == g_date_time_get_year (now))
    /* Translators: day and short month, see g_date_time_format() */
    return g_date_time_format (time, _("%-e %b"));
  /* Translators: day, short month and year, see g_date_time_format() */
  return g_date_time_format (time, _("%-e %b %Y"));
}

char *
tess_text_day (gint64 time_us, gint64 now_us)
{
  g_autoptr (GDateTime) time = local_time (time_us);
  g_autoptr (GDateTime) now = local_time (now_us);
  int days = days_between (time, now);

  if (days == 0)
    return g_strdup (_("Today"));
  if (days == 1)
    return g_strdup (_("Yesterday"));
  if (g_date_time_get_year (time) == g_date_time_get_year (now))
    /* Translators: weekday, day and month, see g_date_time_format() */
    return g_date_time_format (time, _("%A, %-e %B"));
  /* Translators: day, month and year, see g_date_time_format() */
  return g_date_time_format (time, _("%-e %B %Y"));
}

char *
tess_text_last_seen (gint64 time_us, gint64 now_us)
{
  if (time_us <= 0)
    return g_strdup (_("Never seen"));

  g_autoptr (GDateTime) time = local_time (time_us);
  g_autoptr (GDateTime) now = local_time (now_us);
  int days = days_between (time, now);

  if (days <= 0)
    return g_strdup (_("Seen today"));
  if (days == 1)
    return g_strdup (_("Seen yesterday"));
  if (days < 60)
    return g_strdup_printf (ngettext ("Seen %d day ago", "Seen %d days ago", (gulong) days), days);
  /* Translators: month and year, see g_date_time_format() */
  return g_date_time_format (time, _("Seen in %B %Y"));
}

char *
tess_text_full_time (gint64 time_us, gboolean hours_24)
{
  g_autoptr (GDateTime) time = local_time (time_us);
  g_autofree char *clock = format_clock (time, hours_24);
  g_autofree char *day = g_date_time_format (time, _("%-e %B %Y"));

  /* Translators: a date and a time */
  return g_strdup_printf (_("%1$s, %2$s"), day, clock);
}

gboolean
tess_text_use_24_hours (void)
{
  static int answer = -1;

  if (answer < 0)
    {
      GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
      g_autoptr (GSettingsSchema) schema =
        source != NULL ? g_settings_schema_source_lookup (source, "org.gnome.desktop.interface", TRUE) : NULL;

      if (schema != NULL && g_settings_schema_has_key (schema, "clock-format"))
        {
          g_autoptr (GSettings) settings = g_settings_new_full (schema, NULL, NULL);
          g_autofree char *format = g_settings_get_string (settings, "clock-format");
          answer = g_strcmp0 (format, "12h") != 0;
        }
      else
        {
          const char *format = nl_langinfo (T_FMT);
          answer = strstr (format, "%r") == NULL && strstr (format, "%I") == NULL && strstr (format, "%p") == NULL;
        }
    }
  return answer;
}
