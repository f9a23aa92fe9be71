/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "omemo/tess-omemo-trust.h"

/* The table of omemo/tess-omemo-trust.c, written down a second time: every trust, with and without an alarm, with and without a key,
 * under every event, for both answers that blind trust can give. */

#define U TESS_OMEMO_TRUST_UNDECIDED
#define B TESS_OMEMO_TRUST_BLIND
#define V TESS_OMEMO_TRUST_VERIFIED
#define D TESS_OMEMO_TRUST_DISTRUSTED
#define F 9 /* what a device gets that turns up now */

static const struct
{
  TessOmemoTrustEvent event;
  int                 becomes[TESS_OMEMO_N_TRUSTS]; /* from undecided, blind, verified, distrusted */
  int                 alarm;                        /* 1 rings, 0 is calm, -1 as before */
  gboolean            only_with_key;
} expected[] = {
  { TESS_OMEMO_TRUST_EVENT_KEY_LEARNT, { U, F, V, D }, -1, FALSE },
  { TESS_OMEMO_TRUST_EVENT_OTHER_KEY,  { U, B, V, D }, 1, FALSE },
  { TESS_OMEMO_TRUST_EVENT_SCAN_SAME,  { V, V, V, D }, 0, TRUE },
  { TESS_OMEMO_TRUST_EVENT_SCAN_OTHER, { U, B, V, D }, 1, TRUE },
  { TESS_OMEMO_TRUST_EVENT_VERIFY,     { V, V, V, V }, 0, TRUE },
  { TESS_OMEMO_TRUST_EVENT_TRUST,      { B, B, B, B }, 0, TRUE },
  { TESS_OMEMO_TRUST_EVENT_POSTPONE,   { U, U, U, U }, 0, FALSE },
  { TESS_OMEMO_TRUST_EVENT_DISTRUST,   { D, D, D, D }, 0, FALSE },
};

static void
check_step (guint row, TessOmemoTrust trust, gboolean alarm, TessOmemoTrust first, gboolean has_key)
{
  TessOmemoTrustState state = { trust, alarm };
  gboolean possible = has_key || !expected[row].only_with_key;
  int becomes = expected[row].becomes[trust] == F ? (int) first : expected[row].becomes[trust];

  g_assert_cmpint (tess_omemo_trust_step (&state, expected[row].event, first, has_key), ==, possible);
  g_assert_cmpint (state.trust, ==, possible ? becomes : (int) trust);
  g_assert_cmpint (state.alarm, ==, possible && expected[row].alarm >= 0 ? expected[row].alarm : alarm);
}

static void
test_table (void)
{
  guint steps = 0;

  g_assert_cmpuint (G_N_ELEMENTS (expected), ==, TESS_OMEMO_N_TRUST_EVENTS);
  for (guint row = 0; row < G_N_ELEMENTS (expected); row++)
    for (int trust = U; trust <= D; trust++)
      for (guint bits = 0; bits < 8; bits++, steps++)
        check_step (row, trust, bits & 1, bits & 2 ? B : U, (bits & 4) != 0);
  g_assert_cmpuint (steps, ==, TESS_OMEMO_N_TRUST_EVENTS * TESS_OMEMO_N_TRUSTS * 8);
}

/* Whatever comes over the network: no device can read more than before. */
static void
test_network_never_raises (void)
{
  static const TessOmemoTrustEvent network[] = { TESS_OMEMO_TRUST_EVENT_KEY_LEARNT, TESS_OMEMO_TRUST_EVENT_OTHER_KEY };

  for (guint e = 0; e < G_N_ELEMENTS (network); e++)
    for (int trust = U; trust <= D; trust++)
      for (guint bits = 0; bits < 4; bits++)
        {
          TessOmemoTrustState before = { trust, bits & 1 };
          TessOmemoTrustState state = before;

          g_assert_true (tess_omemo_trust_step (&state, network[e], bits & 2 ? B : U, TRUE));
          g_assert_true (!tess_omemo_trust_may_read (state) || tess_omemo_trust_may_read (before));
          g_assert_true (state.trust != V || before.trust == V);
        }
}

static void
test_first (void)
{
  g_assert_cmpint (tess_omemo_trust_first (TRUE, FALSE), ==, B);
  g_assert_cmpint (tess_omemo_trust_first (TRUE, TRUE), ==, U);
  g_assert_cmpint (tess_omemo_trust_first (FALSE, FALSE), ==, U);
  g_assert_cmpint (tess_omemo_trust_first (FALSE, TRUE), ==, U);
}

static void
test_may_read (void)
{
  for (int trust = U; trust <= D; trust++)
    {
      g_assert_cmpint (tess_omemo_trust_may_read ((TessOmemoTrustState){ trust, FALSE }), ==, trust == B || trust == V);
      g_assert_false (tess_omemo_trust_may_read ((TessOmemoTrustState){ trust, TRUE }));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/omemo/trust/table", test_table);
  g_test_add_func ("/omemo/trust/network-never-raises", test_network_never_raises);
  g_test_add_func ("/omemo/trust/first", test_first);
  g_test_add_func ("/omemo/trust/may-read", test_may_read);
  return g_test_run ();
}
