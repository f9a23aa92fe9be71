/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "xmpp/tess-jid-prepare.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

/* Two addresses and a resource, a line each; any bytes.
 *
 * - What was prepared is not changed by being prepared again, and no part of it is longer than 1023 bytes.
 * - Two addresses are equal when their texts are, and then their hashes are too.
 * - The parts put together are the whole; the bare address is the whole without its resource. */

void
fuzz_set_up (void)
{
}

static void
check_part (const char *part)
{
  if (part == NULL)
    return;
  g_assert_cmpuint (strlen (part), >, 0);
  g_assert_cmpuint (strlen (part), <=, TESS_JID_MAX_PART);
  g_assert_true (g_utf8_validate (part, -1, NULL));
  for (const char *p = part; *p != '\0'; p = g_utf8_next_char (p))
    g_assert_false (g_unichar_iscntrl (g_utf8_get_char (p)));
}

static void
check_whole (TessJid *jid)
{
  const char       *local = tess_jid_get_local (jid);
  const char       *resource = tess_jid_get_resource (jid);
  g_autofree char  *bare = g_strconcat (local != NULL ? local : "", local != NULL ? "@" : "", tess_jid_get_domain (jid), NULL);
  g_autofree char  *full = g_strconcat (bare, resource != NULL ? "/" : "", resource, NULL);
  g_autoptr (TessJid) plain = NULL;

  g_assert_cmpstr (tess_jid_to_bare_string (jid), ==, bare);
  g_assert_cmpstr (tess_jid_to_string (jid), ==, full);
  g_assert_cmpint (tess_jid_is_bare (jid), ==, resource == NULL);
  g_assert_cmpstr (tess_jid_to_string (tess_jid_get_bare (jid)), ==, bare);
  g_assert_true (tess_jid_is_bare (tess_jid_get_bare (jid)));
  g_assert_true (tess_jid_bare_equal (jid, tess_jid_get_bare (jid)));
  plain = tess_jid_new_bare (full, NULL);
  g_assert_cmpint (plain != NULL, ==, resource == NULL);
}

static TessJid *
read_address (const char *text)
{
  g_autoptr (GError)  error = NULL;
  g_autoptr (TessJid) jid = tess_jid_new (text, &error);
  g_autoptr (TessJid) again = NULL;

  if (jid == NULL)
    {
      g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_INVALID_ADDRESS);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      return NULL;
    }
  check_part (tess_jid_get_local (jid));
  check_part (tess_jid_get_domain (jid));
  check_part (tess_jid_get_resource (jid));
  if (tess_jid_get_local (jid) != NULL)
    g_assert_null (strpbrk (tess_jid_get_local (jid), "\"&'/:<>@ "));
  g_assert_null (strpbrk (tess_jid_get_domain (jid), "/@ "));
  check_whole (jid);
  again = tess_jid_new (tess_jid_to_string (jid), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tess_jid_to_string (again), ==, tess_jid_to_string (jid));
  g_assert_true (tess_jid_equal (again, jid));
  g_assert_cmpuint (tess_jid_hash (again), ==, tess_jid_hash (jid));
  return g_steal_pointer (&jid);
}

void
fuzz_one (const guint8 *data, gsize size)
{
  FuzzInput           input = { data, size };
  g_autofree char    *first_text = fuzz_take_line (&input);
  g_autofree char    *second_text = fuzz_take_line (&input);
  g_autofree char    *resource = fuzz_take_line (&input);
  g_autoptr (TessJid) first = read_address (first_text);
  g_autoptr (TessJid) second = read_address (second_text);
  g_autoptr (TessJid) with = NULL;

  if (first == NULL)
    return;
  if (second != NULL)
    {
      gboolean same = g_str_equal (tess_jid_to_string (first), tess_jid_to_string (second));

      g_assert_cmpint (tess_jid_equal (first, second), ==, same);
      g_assert_cmpint (tess_jid_equal (second, first), ==, same);
      g_assert_cmpint (tess_jid_bare_equal (first, second), ==,
                       tess_jid_equal (tess_jid_get_bare (first), tess_jid_get_bare (second)));
    }
  with = tess_jid_with_resource (first, resource, NULL);
  if (with != NULL)
    {
      g_assert_true (tess_jid_bare_equal (with, first));
      g_assert_false (tess_jid_is_bare (with));
      check_part (tess_jid_get_resource (with));
      check_whole (with);
    }
}
