/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "views/tess-text.h"
#include "xmpp/tess-jid.h"

#include <string.h>

/* An `xmpp:` URI or any other link: any bytes.
 *
 * - What is taken for an address is UTF-8 without spaces, controls and resource; as a URI again it is the same address.
 * - A link that may be opened has one of five schemes and, in http, no user name (attacks rows E9, E10). */

void
fuzz_set_up (void)
{
}

static void
check_link (const char *text)
{
  g_autofree char *scheme = NULL;

  if (!tess_text_link_is_allowed (text))
    return;
  scheme = g_uri_parse_scheme (text);
  g_assert_nonnull (scheme);
  g_assert_true (g_ascii_strcasecmp (scheme, "http") == 0 || g_ascii_strcasecmp (scheme, "https") == 0 ||
                 g_ascii_strcasecmp (scheme, "mailto") == 0 || g_ascii_strcasecmp (scheme, "xmpp") == 0 ||
                 g_ascii_strcasecmp (scheme, "geo") == 0);
  g_assert_cmpuint (strlen (text), <=, 4096);
  if (g_ascii_strncasecmp (scheme, "http", 4) == 0)
    {
      /* As a browser reads it: up to the path, the query or the fragment. */
      const char      *host = text + strlen (scheme) + 1 + strspn (text + strlen (scheme) + 1, "/");
      g_autofree char *authority = g_strndup (host, strcspn (host, "/?#\\"));

      g_assert_null (strchr (authority, '@'));
    }
}

void
fuzz_one (const guint8 *data, gsize size)
{
  g_autofree char    *text = g_strndup ((const char *) data, size);
  g_autofree char    *address = tess_text_address_from_uri (text);
  g_autofree char    *escaped = NULL;
  g_autofree char    *uri = NULL;
  g_autofree char    *again = NULL;

  check_link (text);
  if (address == NULL)
    return;
  g_assert_cmpuint (strlen (address), >, 0);
  fuzz_assert_line (address, 4096);
  g_assert_null (strpbrk (address, "/ \t\r\n"));

  escaped = g_uri_escape_string (address, "@", TRUE);
  uri = g_strconcat ("xmpp:", escaped, "?message;body=hi", NULL);
  if (strlen (uri) > 4096)
    return;
  again = tess_text_address_from_uri (uri);
  g_assert_cmpstr (again, ==, address);
}
