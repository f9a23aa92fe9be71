/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xmpp/tess-jid.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

/* A prepared form of NULL: refused. */
static const struct
{
  const char *text;
  const char *prepared;
} cases[] = {
  { "a.test", "a.test" },
  { "alice@a.test", "alice@a.test" },
  { "alice@a.test/phone", "alice@a.test/phone" },
  { "Alice@A.TEST/Phone", "alice@a.test/Phone" },
  { "a.test/x@y/z", "a.test/x@y/z" },
  { "alice@a.test/x@y/z", "alice@a.test/x@y/z" },
  { "alice@a.test.", "alice@a.test" },
  { "alice@localhost", "alice@localhost" },
  { "alice@my_host", "alice@my_host" },
  { "alice@192.0.2.1", "alice@192.0.2.1" },
  { "alice@[2001:DB8:0:0::1]", "alice@[2001:db8::1]" },
  { "alice@a.test/ ", "alice@a.test/ " },
  { "a!#$%*+-.=?^_`{|}~@a.test", "a!#$%*+-.=?^_`{|}~@a.test" },
  /* Width, case and composition. */
  { "\357\274\241\357\274\242@a.test", "ab@a.test" },             /* full-width AB */
  { "\303\204@a.test", "\303\244@a.test" },                       /* Ä */
  { "A\314\210@a.test", "\303\244@a.test" },                      /* A and a combining diaeresis */
  { "\316\243@a.test", "\317\203@a.test" },                       /* capital sigma */
  { "\317\203\317\202@a.test", "\317\203\317\202@a.test" },       /* final sigma stays */
  { "\303\237@a.test", "\303\237@a.test" },                       /* sharp s stays */
  { "stra\303\237e.test", "stra\303\237e.test" },                 /* IDNA 2008 */
  { "M\303\234NCHEN.test", "m\303\274nchen.test" },
  { "xn--mnchen-3ya.test", "m\303\274nchen.test" },
  { "XN--MNCHEN-3YA.test", "m\303\274nchen.test" },
  { "a@a\343\200\202test", "a@a.test" },                          /* ideographic full stop */
  { "\327\251\327\234\327\225\327\235@a.test", "\327\251\327\234\327\225\327\235@a.test" }, /* Hebrew */
  /* Resources keep their case; their spaces are made plain; joiners and symbols are let through. */
  { "a@a.test/\303\204 \302\240x", "a@a.test/\303\204  x" },
  { "a@a.test/A\314\210", "a@a.test/\303\204" },
  { "a@a.test/\360\237\221\250\342\200\215\360\237\221\251", "a@a.test/\360\237\221\250\342\200\215\360\237\221\251" },
  { "a@a.test/\342\231\232 \342\205\243", "a@a.test/\342\231\232 \342\205\243" },
  /* Refused. */
  { "", NULL }, { "@", NULL }, { "/", NULL }, { "@a.test", NULL }, { "a@", NULL }, { "a@a.test/", NULL },
  { "/x", NULL }, { "a@/x", NULL }, { "@a.test/x", NULL }, { "a@b@a.test", NULL }, { "a b@a.test", NULL },
  { "a\"@a.test", NULL }, { "a&@a.test", NULL }, { "a'@a.test", NULL }, { "a:@a.test", NULL },
  { "a<@a.test", NULL }, { "a>@a.test", NULL }, { "a\001@a.test", NULL }, { "a\177@a.test", NULL },
  { "a@a..test", NULL }, { "a@.test", NULL }, { "a@.", NULL }, { "a@-a.test", NULL }, { "a@a-.test", NULL },
  { "a@a test", NULL }, { "a@a!test", NULL }, { "a@[::1", NULL }, { "a@[192.0.2.1]", NULL }, { "a@[]", NULL },
  { "a@xn--\303\274.test", NULL }, { "a@xn--a-ecp.test", NULL },
  { "a\342\200\213@a.test", NULL },                 /* zero-width space */
  { "a\342\200\256@a.test", NULL },                 /* right-to-left override */
  { "a\302\255@a.test", NULL },                     /* soft hyphen */
  { "\342\231\232@a.test", NULL },                  /* RFC 7622, example 21: a chess king */
  { "henry\342\205\243@a.test", NULL },             /* RFC 7622, example 20: a Roman numeral */
  { "\342\204\253@a.test", NULL },                  /* Angstrom sign */
  { "fu\357\254\201@a.test", NULL },                /* a ligature */
  { "\341\204\200@a.test", NULL },                  /* a conjoining jamo */
  { "a\327\251@a.test", NULL },                     /* left and right mixed */
  { "\327\251a@a.test", NULL },
  { "1\327\251@a.test", NULL },
  { "\315\271@a.test", NULL },                      /* unassigned */
  { "a@a.test/\001", NULL }, { "a@a.test/\357\277\276", NULL }, { "a@a.test/\357\277\275", NULL },
  { "\340\243\225\340\245\215\342\200\215\340\244\277@a.test", NULL }, /* found by fuzzing: composed, the joiner has no virama */
  { "\377@a.test", NULL }, { "a@a.test/\355\240\200", NULL },
};

static void
test_table (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError)  error = NULL;
      g_autoptr (TessJid) jid = tess_jid_new (cases[i].text, &error);
      g_autoptr (TessJid) again = NULL;

      if (cases[i].prepared == NULL)
        {
          if (jid != NULL)
            g_error ("Case %u became “%s”", i, g_strescape (tess_jid_to_string (jid), NULL));
          g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_INVALID_ADDRESS);
          continue;
        }
      if (jid == NULL)
        g_error ("Case %u was refused: %s", i, g_strescape (cases[i].text, NULL));
      g_assert_cmpstr (tess_jid_to_string (jid), ==, cases[i].prepared);
      again = tess_jid_new (tess_jid_to_string (jid), &error);
      g_assert_no_error (error);
      g_assert_cmpstr (tess_jid_to_string (again), ==, cases[i].prepared);
      g_assert_true (tess_jid_equal (jid, again));
      g_assert_cmpuint (tess_jid_hash (jid), ==, tess_jid_hash (again));
    }
  g_assert_null (tess_jid_new (NULL, NULL));
}

static void
test_parts (void)
{
  g_autoptr (TessJid) full = tess_jid_new ("a@b.test/c", NULL);
  g_autoptr (TessJid) server = tess_jid_new ("b.test", NULL);
  g_autoptr (TessJid) other = tess_jid_with_resource (full, "d", NULL);
  g_autoptr (TessJid) kept = tess_jid_ref (tess_jid_get_bare (full));
  g_autoptr (GError)  error = NULL;

  g_assert_cmpstr (tess_jid_get_local (full), ==, "a");
  g_assert_cmpstr (tess_jid_get_domain (full), ==, "b.test");
  g_assert_cmpstr (tess_jid_get_resource (full), ==, "c");
  g_assert_cmpstr (tess_jid_to_bare_string (full), ==, "a@b.test");
  g_assert_false (tess_jid_is_bare (full));
  g_assert_true (tess_jid_is_bare (kept));
  g_assert_true (tess_jid_get_bare (kept) == kept);
  g_assert_null (tess_jid_get_local (server));
  g_assert_null (tess_jid_get_resource (server));
  g_assert_cmpstr (tess_jid_to_string (other), ==, "a@b.test/d");
  g_assert_false (tess_jid_equal (full, other));
  g_assert_true (tess_jid_bare_equal (full, other));
  g_assert_true (tess_jid_bare_equal (full, kept));
  g_assert_false (tess_jid_bare_equal (full, server));
  g_assert_false (tess_jid_bare_equal (full, NULL));
  g_assert_false (tess_jid_bare_equal (NULL, NULL));
  g_assert_null (tess_jid_with_resource (full, "", NULL));
  g_assert_null (tess_jid_with_resource (full, "\001", NULL));
  g_assert_null (tess_jid_new_bare ("a@b.test/c", &error));
  g_assert_error (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_INVALID_ADDRESS);
}

/* Attacks row C15. */
static void
test_lengths (void)
{
  g_autofree char *most = g_strnfill (1023, 'x');
  g_autofree char *more = g_strnfill (1024, 'x');
  g_autofree char *huge = g_strnfill (1000000, 'x');
  const char      *parts[] = { most, more, huge };

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char    *local = g_strconcat (parts[i], "@a.test", NULL);
      g_autofree char    *resource = g_strconcat ("a@a.test/", parts[i], NULL);
      g_autofree char    *domain = g_strconcat ("a@", parts[i], NULL);
      g_autoptr (TessJid) a = tess_jid_new (local, NULL);
      g_autoptr (TessJid) b = tess_jid_new (resource, NULL);
      g_autoptr (TessJid) c = tess_jid_new (domain, NULL);

      g_assert_cmpint (a != NULL, ==, i == 0);
      g_assert_cmpint (b != NULL, ==, i == 0);
      g_assert_null (c); /* a label has 63 octets at most */
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/jid/table", test_table);
  g_test_add_func ("/jid/parts", test_parts);
  g_test_add_func ("/jid/lengths", test_lengths);
  return g_test_run ();
}
