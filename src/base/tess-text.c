/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-base"

#include "config.h"

#include "base/tess-text.h"

#include <string.h>

#define NAME_MAX_CHARS 256
/* The most that a living script sets on one letter, with room to spare. */
#define MARKS_MAX 6
#define ZWNJ 0x200c
#define ZWJ 0x200d

/* Letters by their class, blanks by their look. */
static gboolean
is_filler (gunichar c)
{
  return c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0xffa0 || c == 0x2800 || c == 0x034f ||
         c == 0x17b4 || c == 0x17b5;
}

/* Nothing that is seen, but it changes what is seen around it. The joiners stay: Persian and emoji
 * are written with them. */
static gboolean
is_hidden (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_FORMAT:
      return c != ZWJ && c != ZWNJ;
    case G_UNICODE_CONTROL:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_UNASSIGNED:
      return TRUE;
    default:
      return is_filler (c);
    }
}

static gboolean
is_blank (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_SPACE_SEPARATOR:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return TRUE;
    default:
      return c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f' || c == 0x85;
    }
}

typedef struct
{
  GString *line;
  guint chars;
  guint marks;
  gboolean blank; /* a space is due before the next character */
} Line;

static void
line_add (Line *self, gunichar c)
{
  gboolean joiner = c == ZWJ || c == ZWNJ;

  if (self->blank)
    self->marks = 0; /* what follows stands on the blank, whether or not a joiner that is left out was between */
  self->marks = g_unichar_ismark (c) && !joiner ? self->marks + 1 : 0;
  if (self->marks > MARKS_MAX || (joiner && (self->blank || self->chars == 0)))
    return;

  if (self->blank && self->chars > 0)
    {
      g_string_append_c (self->line, ' ');
      self->chars++;
    }
  self->blank = FALSE;
  g_string_append_unichar (self->line, c);
  self->chars++;
}

/* At most @max_chars characters, and whether there was more in @cut. */
static char *
make_line (const char *text, guint max_chars, gboolean *cut)
{
  /* What cannot be part of the line is not looked at: a message of megabytes costs no more than its
   * beginning. */
  gsize limit = MIN (strlen (text), (gsize) max_chars * 64 + 64);
  g_autofree char *valid = g_utf8_make_valid (text, (gssize) limit);
  Line self = { g_string_new (NULL), 0, 0, FALSE };

  *cut = limit < strlen (text);
  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (is_blank (c))
        self.blank = TRUE;
      else if (!is_hidden (c))
        {
          if (self.chars + self.blank >= max_chars)
            {
              *cut = TRUE;
              break;
            }
          line_add (&self, c);
        }
    }

  return g_string_free (self.line, FALSE);
}

char *
tess_text_clean_name (const char *text)
{
  g_autofree char *line = NULL;
  gboolean cut;

  if (text == NULL)
    return NULL;

  line = make_line (text, NAME_MAX_CHARS, &cut);
  return *line != '\0' ? g_steal_pointer (&line) : NULL;
}

char *
tess_text_one_line (const char *text, guint max_chars)
{
  g_autofree char *line = NULL;
  gboolean cut;

  if (text == NULL || max_chars < 2)
    return NULL;

  line = make_line (text, max_chars, &cut);
  if (*line == '\0')
    return NULL;
  if (!cut)
    return g_steal_pointer (&line);

  *g_utf8_find_prev_char (line, line + strlen (line)) = '\0';
  return g_strconcat (line, "…", NULL);
}
