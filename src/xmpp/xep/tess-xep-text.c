/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-text.h"

#include <string.h>

#define ZERO_WIDTH_NON_JOINER 0x200c
#define ZERO_WIDTH_JOINER 0x200d
#define SOFT_HYPHEN 0xad
#define ARABIC_LETTER_MARK 0x61c
#define FIRST_AFTER_ARABIC 0x900
#define LONGEST_ID 1023

/* Letters that Unicode counts as letters and that no font shows. */
static gboolean
is_filler (gunichar c)
{
  return c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0xffa0;
}

static gboolean
is_hidden (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return TRUE;

    case G_UNICODE_FORMAT:
      /* The joiners shape Persian and emoji, and the Arabic number signs are to be seen. */
      if (c == ZERO_WIDTH_NON_JOINER || c == ZERO_WIDTH_JOINER)
        return FALSE;
      return c >= FIRST_AFTER_ARABIC || c == SOFT_HYPHEN || c == ARABIC_LETTER_MARK;

    default:
      return is_filler (c);
    }
}

static char *
clip (const char *text, gsize max_chars, gboolean many_lines)
{
  GString *kept = NULL;
  gsize    n_chars = 0;
  gboolean visible = FALSE;

  if (text == NULL)
    return NULL;

  kept = g_string_new (NULL);
  for (const char *p = text; *p != '\0' && n_chars < max_chars; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == '\n' || c == '\t')
        c = many_lines ? c : ' ';
      else if (is_hidden (c))
        continue;
      /* What is cut off at the front does not count. */
      if (kept->len == 0 && g_unichar_isspace (c))
        continue;

      g_string_append_unichar (kept, c);
      n_chars++;
      visible = visible ||
                (g_unichar_isgraph (c) && c != ZERO_WIDTH_NON_JOINER && c != ZERO_WIDTH_JOINER);
    }
  if (!visible)
    {
      g_string_free (kept, TRUE);
      return NULL;
    }

  return g_strchomp (g_string_free (kept, FALSE));
}

char *
tess_xep_text_clip_line (const char *text, gsize max_chars)
{
  return clip (text, max_chars, FALSE);
}

char *
tess_xep_text_clip_lines (const char *text, gsize max_chars)
{
  return clip (text, max_chars, TRUE);
}

gboolean
tess_xep_text_is_id (const char *id)
{
  return id != NULL && *id != '\0' && strnlen (id, LONGEST_ID + 1) <= LONGEST_ID;
}
