/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xep-fixture.h"
#include "xmpp/xep/tess-xep-csi.h"

#define FEATURES(content) "<features xmlns='http://etherx.jabber.org/streams'>" content "</features>"
#define SASL2(content) \
  "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism><inline>" content "</inline></authentication>"
#define BIND2(content) "<bind xmlns='urn:xmpp:bind:0'><inline>" content "</inline></bind>"

static void
test_offered (void)
{
  static const struct
  {
    const char *xml;
    gboolean    offered;
  } cases[] = {
    { FEATURES ("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><csi xmlns='urn:xmpp:csi:0'/>"), TRUE },
    { FEATURES (SASL2 (BIND2 ("<feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:csi:0'/>"))), TRUE },
    { FEATURES (""), FALSE },
    { FEATURES ("<csi xmlns='urn:xmpp:csi:1'/><csi/>"), FALSE },
    { FEATURES (SASL2 (BIND2 ("<feature var='urn:xmpp:carbons:2'/><feature/>"))), FALSE },
    { FEATURES (SASL2 ("<feature xmlns='urn:xmpp:bind:0' var='urn:xmpp:csi:0'/>")), FALSE },
    { FEATURES (BIND2 ("<feature var='urn:xmpp:csi:0'/>")), FALSE },
  };

  g_assert_false (tess_xep_csi_is_offered (NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessNode) features = xep_parse (cases[i].xml);

      g_assert_cmpint (tess_xep_csi_is_offered (features), ==, cases[i].offered);
    }
}

static void
test_build (void)
{
  g_autoptr (TessNode) active = tess_xep_csi_build (TRUE);
  g_autoptr (TessNode) inactive = tess_xep_csi_build (FALSE);
  g_autofree char     *one = tess_node_to_string (active, "jabber:client");
  g_autofree char     *other = tess_node_to_string (inactive, "jabber:client");

  g_assert_cmpstr (one, ==, "<active xmlns='urn:xmpp:csi:0'/>");
  g_assert_cmpstr (other, ==, "<inactive xmlns='urn:xmpp:csi:0'/>");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/xep/csi/offered", test_offered);
  g_test_add_func ("/xep/csi/build", test_build);

  return g_test_run ();
}
