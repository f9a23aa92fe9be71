/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-jid-prepare.h"

#include <gio/gio.h>
#include <idn2.h>
#include <string.h>

#define MAX_LABEL 63
#define VIRAMA 9 /* canonical combining class */
#define MORE_ROUNDS 3

/* RFC 8264 section 9.6: letters and digits by exception, and marks that are none. */
static gboolean
is_exceptional_letter (gunichar c)
{
  return c == 0x00df || c == 0x03c2 || c == 0x06fd || c == 0x06fe || c == 0x0f0b || c == 0x3007;
}

static gboolean
is_exceptionally_disallowed (gunichar c)
{
  return c == 0x0640 || c == 0x07fa || c == 0x302e || c == 0x302f || (c >= 0x3031 && c <= 0x3035) || c == 0x303b;
}

/* RFC 8264 sections 9.9 and 9.13: conjoining jamo, and what is meant not to be seen. */
static gboolean
is_old_hangul_jamo (gunichar c)
{
  return (c >= 0x1100 && c <= 0x11ff) || (c >= 0xa960 && c <= 0xa97c) || (c >= 0xd7b0 && c <= 0xd7fb);
}

static gboolean
is_ignorable (gunichar c)
{
  return c == 0x00ad || c == 0x034f || c == 0x061c || c == 0x115f || c == 0x1160 || c == 0x17b4 ||
         c == 0x17b5 || (c >= 0x180b && c <= 0x180f) || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0x3164 ||
         (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff || c == 0xffa0 || (c >= 0xfff0 && c <= 0xfff8) ||
         (c >= 0x1bca0 && c <= 0x1bca3) || (c >= 0x1d173 && c <= 0x1d17a) || (c >= 0xe0000 && c <= 0xe0fff);
}

static gboolean
is_noncharacter (gunichar c)
{
  return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

static gboolean
has_compatibility_form (gunichar c)
{
  char             utf8[8] = { 0 };
  g_autofree char *composed = NULL;

  g_unichar_to_utf8 (c, utf8);
  composed = g_utf8_normalize (utf8, -1, G_NORMALIZE_NFKC);

  return g_strcmp0 (utf8, composed) != 0;
}

static gboolean
is_between (gunichar before, gunichar after, gunichar wanted)
{
  return before == wanted && after == wanted;
}

/* The contextual rules of RFC 5892 appendix A; those that look at the whole text, roughly by script.
 * Returns -1 for a character without a rule. */
static int
check_context (gunichar c, gunichar before, gunichar after)
{
  switch (c)
    {
    case 0x200c: /* the rule by joining type is left out */
    case 0x200d:
      return before != 0 && g_unichar_combining_class (before) == VIRAMA;
    case 0x00b7:
      return is_between (before, after, 'l');
    case 0x0375:
      return after != 0 && g_unichar_get_script (after) == G_UNICODE_SCRIPT_GREEK;
    case 0x05f3:
    case 0x05f4:
      return before != 0 && g_unichar_get_script (before) == G_UNICODE_SCRIPT_HEBREW;
    case 0x30fb:
      return (before != 0 && before > 0x3040) || (after != 0 && after > 0x3040);
    default:
      return -1;
    }
}

/* The IdentifierClass of RFC 8264 section 4.2, in the order of its section 8. */
static gboolean
is_identifier_char (gunichar c, gunichar before, gunichar after)
{
  int context;

  if (c < 0x80)
    return c > 0x20 && c < 0x7f;
  if (is_exceptional_letter (c))
    return TRUE;
  if (is_exceptionally_disallowed (c))
    return FALSE;
  context = check_context (c, before, after);
  if (context >= 0)
    return context;
  if (is_old_hangul_jamo (c) || is_ignorable (c) || is_noncharacter (c) || has_compatibility_form (c))
    return FALSE;

  switch (g_unichar_type (c))
    {
    case G_UNICODE_LOWERCASE_LETTER:
    case G_UNICODE_UPPERCASE_LETTER:
    case G_UNICODE_OTHER_LETTER:
    case G_UNICODE_MODIFIER_LETTER:
    case G_UNICODE_DECIMAL_NUMBER:
    case G_UNICODE_NON_SPACING_MARK:
    case G_UNICODE_SPACING_MARK:
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
is_right_to_left (gunichar c)
{
  if (!g_unichar_isalpha (c))
    return FALSE;

  switch (g_unichar_get_script (c))
    {
    case G_UNICODE_SCRIPT_ARABIC:
    case G_UNICODE_SCRIPT_HEBREW:
    case G_UNICODE_SCRIPT_SYRIAC:
    case G_UNICODE_SCRIPT_THAANA:
    case G_UNICODE_SCRIPT_NKO:
    case G_UNICODE_SCRIPT_SAMARITAN:
    case G_UNICODE_SCRIPT_MANDAIC:
    case G_UNICODE_SCRIPT_ADLAM:
    case G_UNICODE_SCRIPT_HANIFI_ROHINGYA:
      return TRUE;
    default:
      return FALSE;
    }
}

/* The Bidi Rule of RFC 5893 section 2, with the classes told by script and category: GLib has no others. */
static gboolean
passes_bidi_rule (const char *text)
{
  gboolean right = FALSE;
  gboolean left = FALSE;
  gboolean ends_well = FALSE;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (is_right_to_left (c))
        right = ends_well = TRUE;
      else if (g_unichar_isalpha (c))
        left = TRUE;
      else if (g_unichar_isdigit (c))
        ends_well = TRUE;
      else if (!g_unichar_ismark (c))
        ends_well = FALSE;
    }

  return !right || (!left && ends_well && is_right_to_left (g_utf8_get_char (text)));
}

/* RFC 8265 section 3.3.2, rule 1. */
static char *
map_width (const char *text)
{
  GString *out = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar         c = g_utf8_get_char (p);
      gboolean         is_wide = (c >= 0xff01 && c <= 0xffef) || c == 0x3000;
      g_autofree char *narrow = is_wide ? g_utf8_normalize (p, g_utf8_next_char (p) - p, G_NORMALIZE_NFKC) : NULL;

      if (narrow != NULL)
        g_string_append (out, narrow);
      else
        g_string_append_unichar (out, c);
    }

  return g_string_free (out, FALSE);
}

/* Rule 3; not g_utf8_strdown (), which depends on the locale. */
static char *
map_case (const char *text)
{
  GString *out = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == 0x0130) /* the one letter whose small form is two characters */
        g_string_append (out, "i\314\207");
      else
        g_string_append_unichar (out, g_unichar_tolower (c));
    }

  return g_string_free (out, FALSE);
}

static gboolean
is_identifier (const char *text)
{
  gunichar before = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      gunichar after = g_utf8_get_char (g_utf8_next_char (p));

      /* RFC 7622 section 3.3.1 */
      if ((c < 0x80 && strchr ("\"&'/:<>@", (int) c) != NULL) || !is_identifier_char (c, before, after))
        return FALSE;
      before = c;
    }

  return TRUE;
}

/* RFC 8265 section 3.3.2. */
static char *
apply_local_rules (const char *text)
{
  g_autofree char *narrow = map_width (text);
  g_autofree char *small = NULL;
  g_autofree char *composed = NULL;

  if (!is_identifier (narrow))
    return NULL;
  small = map_case (narrow);
  composed = g_utf8_normalize (small, -1, G_NORMALIZE_NFC);
  if (composed == NULL || *composed == '\0' || strlen (composed) > TESS_JID_MAX_PART ||
      !passes_bidi_rule (composed))
    return NULL;

  return g_steal_pointer (&composed);
}

/* Composing orders marks anew, which can part a joiner from what allowed it: RFC 8264 section 7 has the rules applied
 * until nothing changes, and what does not come to rest refused. */
char *
tess_jid_prepare_local (const char *text)
{
  g_autofree char *prepared = apply_local_rules (text);

  if (prepared == NULL || g_str_is_ascii (prepared))
    return g_steal_pointer (&prepared);
  for (guint i = 0; i < MORE_ROUNDS; i++)
    {
      g_autofree char *before = g_steal_pointer (&prepared);

      prepared = apply_local_rules (before);
      if (prepared == NULL || g_str_equal (prepared, before))
        return g_steal_pointer (&prepared);
    }

  return NULL;
}

/*
 * The FreeformClass of RFC 8264 section 4.3, but two steps wider: unassigned code points (the emoji of a
 * Unicode that is newer than GLib's) and joiners (of emoji) are let through. Servers hand out such
 * nicknames, and a stanza from one must not vanish.
 */
static gboolean
is_resource_char (gunichar c)
{
  if (is_noncharacter (c) || c == 0xfffd)
    return FALSE;

  return g_unichar_type (c) != G_UNICODE_CONTROL && g_unichar_type (c) != G_UNICODE_SURROGATE &&
         g_unichar_type (c) != G_UNICODE_LINE_SEPARATOR && g_unichar_type (c) != G_UNICODE_PARAGRAPH_SEPARATOR &&
         !is_old_hangul_jamo (c);
}

char *
tess_jid_prepare_resource (const char *text)
{
  g_autoptr (GString) spaced = g_string_new (NULL);
  g_autofree char    *composed = NULL;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      g_string_append_unichar (spaced, g_unichar_type (c) == G_UNICODE_SPACE_SEPARATOR ? ' ' : c);
    }
  composed = g_utf8_normalize (spaced->str, -1, G_NORMALIZE_NFC);
  if (composed == NULL || *composed == '\0' || strlen (composed) > TESS_JID_MAX_PART)
    return NULL;
  for (const char *p = composed; *p != '\0'; p = g_utf8_next_char (p))
    if (!is_resource_char (g_utf8_get_char (p)))
      return NULL;

  return g_steal_pointer (&composed);
}

static char *
prepare_ipv6 (const char *text)
{
  g_autofree char         *inner = g_strndup (text + 1, strlen (text) - 2);
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (inner);
  g_autofree char         *canonical = NULL;

  if (address == NULL || g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6)
    return NULL;
  canonical = g_inet_address_to_string (address);

  return g_strdup_printf ("[%s]", canonical);
}

/* Letters, digits and hyphens; the underscore of private networks, too. */
static gboolean
is_ascii_domain (const char *domain)
{
  gsize length = 0;

  for (const char *p = domain;; p++)
    {
      if (*p == '.' || *p == '\0')
        {
          if (length == 0 || length > MAX_LABEL || p[-1] == '-' || p[-(gssize) length] == '-')
            return FALSE;
          if (*p == '\0')
            return TRUE;
          length = 0;
          continue;
        }
      if (!g_ascii_islower (*p) && !g_ascii_isdigit (*p) && *p != '-' && *p != '_')
        return FALSE;
      length++;
    }
}

/* One pass through the A-labels and back. NULL when it is no name. */
static char *
to_u_labels (const char *text)
{
  g_autofree char *domain = NULL;
  char            *ascii = NULL;
  char            *unicode = NULL;

  if (idn2_to_ascii_8z (text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
      is_ascii_domain (ascii) && idn2_to_unicode_8z8z (ascii, &unicode, IDN2_NONTRANSITIONAL) == IDN2_OK)
    domain = g_strdup (unicode);
  idn2_free (ascii);
  idn2_free (unicode);

  return g_steal_pointer (&domain);
}

/* The U-labels of a name that is not ASCII alone (RFC 7622 section 3.2.1). An A-label can be made up that no U-label gives; libidn2 reads
 * some of them all the same. What is not prepared after one pass is no name: else an address would not be equal to itself. */
static char *
prepare_international (const char *text)
{
  g_autofree char *domain = to_u_labels (text);
  g_autofree char *again = domain != NULL ? to_u_labels (domain) : NULL;

  return g_strcmp0 (domain, again) == 0 ? g_steal_pointer (&domain) : NULL;
}

char *
tess_jid_prepare_domain (const char *text)
{
  g_autofree char *domain = g_ascii_strdown (text, -1);
  gsize            length = strlen (domain);

  if (length > TESS_JID_MAX_PART + 1)
    return NULL;
  if (domain[0] == '[' && domain[length - 1] == ']')
    return prepare_ipv6 (domain);
  if (domain[length - 1] == '.')
    domain[length - 1] = '\0';
  if (g_str_is_ascii (domain) && strstr (domain, "xn--") == NULL)
    {
      if (!is_ascii_domain (domain) || strlen (domain) > TESS_JID_MAX_PART)
        return NULL;
      return g_steal_pointer (&domain);
    }

  return prepare_international (domain);
}

char *
tess_jid_domain_to_ascii (const char *domain)
{
  g_autofree char *copy = NULL;
  char            *ascii = NULL;

  if (domain[0] == '[')
    return g_strndup (domain + 1, strlen (domain) - 2);
  if (g_str_is_ascii (domain))
    return g_strdup (domain);
  if (idn2_to_ascii_8z (domain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK)
    copy = g_strdup (ascii);
  idn2_free (ascii);

  return g_steal_pointer (&copy);
}
