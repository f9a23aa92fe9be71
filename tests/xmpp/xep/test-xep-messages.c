/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "base/tess-time.h"
#include "xep-fixture.h"
#include "xmpp/xep/tess-xep-carbons.h"
#include "xmpp/xep/tess-xep-chat-states.h"
#include "xmpp/xep/tess-xep-delay.h"
#include "xmpp/xep/tess-xep-eme.h"
#include "xmpp/xep/tess-xep-forward.h"
#include "xmpp/xep/tess-xep-hints.h"
#include "xmpp/xep/tess-xep-markers.h"
#include "xmpp/xep/tess-xep-nick.h"
#include "xmpp/xep/tess-xep-ping.h"
#include "xmpp/xep/tess-xep-receipts.h"
#include "xmpp/xep/tess-xep-sid.h"
#include "xmpp/xep/tess-xep-stanza-error.h"
#include "xmpp/xep/tess-xep-text.h"

#include <string.h>

/* 2026-11-21T12:00:00Z */
#define NOW_US (G_GINT64_CONSTANT (1795262400) * G_USEC_PER_SEC)

static void
assert_xml (const TessNode *node, const char *xml)
{
  g_autoptr (TessNode) wanted = xep_parse (xml);
  g_autofree char     *is = tess_node_to_string (node, "jabber:client");
  g_autofree char     *shall = tess_node_to_string (wanted, "jabber:client");

  g_assert_cmpstr (is, ==, shall);
}

static char *
repeat (const char *piece, guint times)
{
  GString *all = g_string_new (NULL);

  for (guint i = 0; i < times; i++)
    g_string_append (all, piece);

  return g_string_free (all, FALSE);
}

/* Carbons */

typedef struct
{
  TessCarbon carbon;
  char      *body;
  gint64     time_us;
  TessRouter *router;
} Unwrapped;

static gboolean
carbon_cb (const TessStanza *stanza, gpointer user_data)
{
  Unwrapped      *unwrapped = user_data;
  const TessNode *inner = NULL;

  g_clear_pointer (&unwrapped->body, g_free);
  unwrapped->carbon =
      tess_xep_carbons_unwrap (unwrapped->router, stanza, NOW_US, &inner, &unwrapped->time_us);
  g_assert_true ((inner != NULL) == (unwrapped->carbon == TESS_CARBON_SENT ||
                                     unwrapped->carbon == TESS_CARBON_RECEIVED));
  if (inner != NULL)
    unwrapped->body = g_strdup (tess_node_child_text (inner, "body", "jabber:client"));

  return TRUE;
}

static void
assert_carbon (XepFixture *self, const char *xml, TessCarbon carbon, const char *body)
{
  Unwrapped unwrapped = { .carbon = (TessCarbon) -1, .router = self->router };
  guint handler = tess_router_add_handler (self->router, TESS_STANZA_MESSAGE, 0, NULL, NULL,
                                           carbon_cb, &unwrapped);

  xep_feed (self, xml);
  g_assert_cmpint (unwrapped.carbon, ==, carbon);
  g_assert_cmpstr (unwrapped.body, ==, body);
  tess_router_remove_handler (self->router, handler);
  g_free (unwrapped.body);
}

#define RECEIVED(inner)                                                               \
  "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>" inner \
  "</forwarded></received>"
#define SENT(inner)                                                               \
  "<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>" inner \
  "</forwarded></sent>"
#define TO_US                                           \
  "<message xmlns='jabber:client' from='bob@b.test/x' " \
  "to='alice@a.test/phone'><body>hi</body></message>"
#define FROM_US                                               \
  "<message xmlns='jabber:client' from='alice@a.test/phone' " \
  "to='bob@b.test'><body>yo</body></message>"
#define FROM_OWN(inner) "<message from='alice@a.test' to='alice@a.test/here'>" inner "</message>"

static void
test_carbons (XepFixture *self, gconstpointer data)
{
  assert_carbon (self, "<message from='bob@b.test/x'><body>hi</body></message>", TESS_CARBON_NONE,
                 NULL);
  assert_carbon (self, FROM_OWN (RECEIVED (TO_US)), TESS_CARBON_RECEIVED, "hi");
  assert_carbon (self, FROM_OWN (SENT (FROM_US)), TESS_CARBON_SENT, "yo");
  assert_carbon (self, "<message>" SENT (FROM_US) "</message>", TESS_CARBON_SENT, "yo");
  assert_carbon (self, "<message from='ALICE@a.test'>" SENT (FROM_US) "</message>",
                 TESS_CARBON_SENT, "yo");
  /* The server may leave out the own address. */
  assert_carbon (
      self,
      FROM_OWN (RECEIVED (
          "<message xmlns='jabber:client' from='bob@b.test/x'><body>hi</body></message>")),
      TESS_CARBON_RECEIVED, "hi");
}

/* Attacks row C1. */
static void
test_carbons_forged (XepFixture *self, gconstpointer data)
{
  static const char *const forged[] = {
    "<message from='eve@e.test/x' to='alice@a.test'>" RECEIVED (TO_US) "</message>",
    "<message from='eve@e.test' to='alice@a.test'>" SENT (FROM_US) "</message>",
    "<message from='a.test' to='alice@a.test'>" RECEIVED (TO_US) "</message>",
    "<message from='alice@a.test/other' to='alice@a.test'>" SENT (FROM_US) "</message>",
    "<message from='alice@a.test.e.test' to='alice@a.test'>" SENT (FROM_US) "</message>",
    "<message from='alice@a.test' type='error'>" SENT (FROM_US) "</message>",
    /* What others said to each other. */
    FROM_OWN (SENT (TO_US)),
    FROM_OWN (RECEIVED ("<message xmlns='jabber:client' from='eve@e.test' "
                        "to='bob@b.test'><body>hi</body></message>")),
    FROM_OWN (SENT ("<message xmlns='jabber:client' to='bob@b.test'><body>hi</body></message>")),
    FROM_OWN (RECEIVED (
        "<message xmlns='jabber:client' from='eve@e.test' to='@@'><body>hi</body></message>")),
    /* Forwards inside forwards, two at once, none. */
    FROM_OWN (
        RECEIVED ("<message xmlns='jabber:client' from='eve@e.test' to='alice@a.test'>" RECEIVED (
            TO_US) "</message>")),
    FROM_OWN (RECEIVED ("<message xmlns='jabber:client' from='eve@e.test' to='alice@a.test'>" SENT (
        FROM_US) "</message>")),
    FROM_OWN (
        RECEIVED ("<message xmlns='jabber:client' from='eve@e.test' to='alice@a.test'><private "
                  "xmlns='urn:xmpp:carbons:2'/>" SENT (FROM_US) "</message>")),
    FROM_OWN (
        RECEIVED ("<message xmlns='jabber:client' from='eve@e.test' to='alice@a.test'><forwarded "
                  "xmlns='urn:xmpp:forward:0'>" TO_US "</forwarded></message>")),
    FROM_OWN (RECEIVED ("<message xmlns='jabber:client' from='eve@e.test' "
                        "to='alice@a.test'><result xmlns='urn:xmpp:mam:2'>"
                        "<forwarded xmlns='urn:xmpp:forward:0'>" TO_US
                        "</forwarded></result></message>")),
    FROM_OWN (RECEIVED (TO_US) SENT (FROM_US)),
    FROM_OWN (RECEIVED (TO_US) RECEIVED (TO_US)),
    FROM_OWN (RECEIVED (TO_US TO_US)),
    FROM_OWN (RECEIVED ("")),
    FROM_OWN (RECEIVED ("<message xmlns='jabber:server' from='bob@b.test/x' "
                        "to='alice@a.test'><body>hi</body></message>")),
    FROM_OWN ("<received xmlns='urn:xmpp:carbons:2'>" TO_US "</received>"),
  };

  for (gsize i = 0; i < G_N_ELEMENTS (forged); i++)
    assert_carbon (self, forged[i], TESS_CARBON_FORGED, NULL);
}

static void
ignore_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
}

static void
test_carbons_build (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessNode) message = xep_parse ("<message/>");

  g_assert_cmpuint (tess_xep_carbons_enable (self->router, ignore_cb, NULL), !=, 0);
  xep_assert_sent (self, 1, "<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
  tess_xep_carbons_add_private (message);
  assert_xml (message, "<message><private xmlns='urn:xmpp:carbons:2'/></message>");
}

/* Forwarding and delay */

static gint64
unwrap_time (const char *delay)
{
  g_autofree char *xml = g_strdup_printf (
      "<x xmlns='y'><forwarded xmlns='urn:xmpp:forward:0'>%s" TO_US "</forwarded></x>", delay);
  g_autoptr (TessNode) wrapper = xep_parse (xml);
  gint64               time_us = -1;

  g_assert_nonnull (tess_xep_forward_unwrap (wrapper, NOW_US, &time_us));
  g_assert_nonnull (tess_xep_forward_unwrap (wrapper, NOW_US, NULL));

  return time_us;
}

static void
test_forward (void)
{
  g_assert_cmpint (unwrap_time ("<delay xmlns='urn:xmpp:delay' stamp='2026-11-21T11:59:59Z'/>"), ==,
                   NOW_US - G_USEC_PER_SEC);
  g_assert_cmpint (unwrap_time (""), ==, 0);
  g_assert_cmpint (unwrap_time ("<delay xmlns='urn:xmpp:delay' stamp='yesterday'/>"), ==, 0);
  g_assert_cmpint (unwrap_time ("<delay xmlns='urn:xmpp:delay'/>"), ==, 0);
  g_assert_cmpint (unwrap_time ("<delay xmlns='urn:xmpp:delay' stamp='9999-12-31T23:59:59Z'/>"), ==,
                   NOW_US);
}

/* Attacks row C14. */
static void
test_delay (void)
{
  static const struct
  {
    const char *delays;
    gint64      seconds_ago; /* -1: not believed */
  } cases[] = {
    { "<delay xmlns='urn:xmpp:delay' from='a.test' stamp='2026-11-21T11:59:00Z'/>", 60 },
    { "<delay xmlns='urn:xmpp:delay' from='alice@a.test' stamp='2026-11-21T11:59:00Z'/>", 60 },
    { "<delay xmlns='urn:xmpp:delay' from='A.TEST' stamp='2026-11-21T11:59:00Z'/>", 60 },
    { "<delay xmlns='urn:xmpp:delay' from='r@muc.test' stamp='2026-11-21T11:59:00Z'/>", 60 },
    { "<delay xmlns='urn:xmpp:delay' from='a.test' stamp='9999-01-01T00:00:00Z'/>", 0 },
    { "<delay xmlns='urn:xmpp:delay' from='a.test' stamp='2001-01-01T00:00:00Z'/>"
      "<delay xmlns='urn:xmpp:delay' from='a.test' stamp='2026-11-21T11:59:00Z'/>", 60 },
    { "<delay xmlns='urn:xmpp:delay' from='a.test' stamp='2026-11-21T11:59:00Z'/>"
      "<delay xmlns='urn:xmpp:delay' from='eve@e.test' stamp='2001-01-01T00:00:00Z'/>", 60 },
    { "", -1 },
    { "<delay xmlns='urn:xmpp:delay' stamp='2026-11-21T11:59:00Z'/>", -1 },
    { "<delay xmlns='urn:xmpp:delay' from='eve@e.test' stamp='2026-11-21T11:59:00Z'/>", -1 },
    { "<delay xmlns='urn:xmpp:delay' from='muc.test' stamp='2026-11-21T11:59:00Z'/>", -1 },
    { "<delay xmlns='urn:xmpp:delay' from='r@muc.test/eve' stamp='2026-11-21T11:59:00Z'/>", -1 },
    { "<delay xmlns='urn:xmpp:delay' from='alice@a.test/here' stamp='2026-11-21T11:59:00Z'/>", -1 },
    { "<delay xmlns='urn:xmpp:delay' from='a.test/x' stamp='2026-11-21T11:59:00Z'/>", -1 },
    { "<delay xmlns='urn:xmpp:delay' from='a.test' stamp='1969-11-21T11:59:00Z'/>", -1 },
    { "<delay xmlns='urn:xmpp:delay' from='a.test' stamp='20261121T11:59:00'/>", -1 },
    { "<x xmlns='jabber:x:delay' from='a.test' stamp='2026-11-21T11:59:00Z'/>", -1 },
  };
  g_autoptr (TessJid) account = tess_jid_new ("alice@a.test/here", NULL);
  g_autoptr (TessJid) room = tess_jid_new ("r@muc.test", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char     *xml = g_strdup_printf ("<message>%s</message>", cases[i].delays);
      g_autoptr (TessNode) message = xep_parse (xml);
      gint64               time_us = -7;

      g_assert_true (tess_xep_delay_get (message, account, room, NOW_US, &time_us) ==
                     (cases[i].seconds_ago >= 0));
      if (cases[i].seconds_ago >= 0)
        g_assert_cmpint (time_us, ==, NOW_US - cases[i].seconds_ago * G_USEC_PER_SEC);
      else
        g_assert_cmpint (time_us, ==, -7);
      g_assert_false (tess_xep_delay_get (message, NULL, NULL, NOW_US, &time_us));
    }
}

/* Small ones */

static void
test_receipts (void)
{
  static const struct
  {
    const char *xml;
    const char *requested;
    const char *received;
  } cases[] = {
    { "<message id='1'><body>x</body></message>", NULL, NULL },
    { "<message id='1' type='chat'><request xmlns='urn:xmpp:receipts'/></message>", "1", NULL },
    { "<message type='chat'><request xmlns='urn:xmpp:receipts'/></message>", NULL, NULL },
    { "<message id='' type='chat'><request xmlns='urn:xmpp:receipts'/></message>", NULL, NULL },
    { "<message id='1' type='error'><request xmlns='urn:xmpp:receipts'/></message>", NULL, NULL },
    { "<message id='1' type='groupchat'><request xmlns='urn:xmpp:receipts'/></message>", NULL,
      NULL },
    { "<message id='1'><request xmlns='urn:xmpp:receipts'/><received id='0' "
      "xmlns='urn:xmpp:receipts'/></message>",
      NULL, "0" },
    { "<message id='1'><received id='7' xmlns='urn:xmpp:receipts'/></message>", NULL, "7" },
    { "<message id='1'><received xmlns='urn:xmpp:receipts'/></message>", NULL, NULL },
    { "<message id='1'><received id='7' xmlns='urn:xmpp:chat-markers:0'/></message>", NULL, NULL },
    { "<message id='1' type='error'><received id='7' xmlns='urn:xmpp:receipts'/></message>", NULL,
      NULL },
  };
  g_autoptr (TessJid)  bob = tess_jid_new ("bob@b.test/x", NULL);
  g_autoptr (TessNode) receipt = tess_xep_receipts_build (bob, "chat", "a&b");
  g_autoptr (TessNode) message = xep_parse ("<message/>");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessNode) parsed = xep_parse (cases[i].xml);

      g_assert_cmpstr (tess_xep_receipts_get_requested (parsed), ==, cases[i].requested);
      g_assert_cmpstr (tess_xep_receipts_get_received (parsed), ==, cases[i].received);
    }
  assert_xml (
      receipt,
      "<message to='bob@b.test/x' type='chat'><received xmlns='urn:xmpp:receipts' id='a&amp;b'/>"
      "<store xmlns='urn:xmpp:hints'/></message>");
  tess_xep_receipts_add_request (message);
  assert_xml (message, "<message><request xmlns='urn:xmpp:receipts'/></message>");
}

static void
test_chat_states (void)
{
  static const struct
  {
    const char   *xml;
    TessChatState state;
  } cases[] = {
    { "<message/>", TESS_CHAT_STATE_NONE },
    { "<message><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
      TESS_CHAT_STATE_ACTIVE },
    { "<message><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
      TESS_CHAT_STATE_COMPOSING },
    { "<message><paused xmlns='http://jabber.org/protocol/chatstates'/></message>",
      TESS_CHAT_STATE_PAUSED },
    { "<message><inactive xmlns='http://jabber.org/protocol/chatstates'/></message>",
      TESS_CHAT_STATE_INACTIVE },
    { "<message><gone xmlns='http://jabber.org/protocol/chatstates'/></message>",
      TESS_CHAT_STATE_GONE },
    { "<message><dancing xmlns='http://jabber.org/protocol/chatstates'/></message>",
      TESS_CHAT_STATE_NONE },
    { "<message><gone xmlns='x'/></message>", TESS_CHAT_STATE_NONE },
    { "<message type='error'><gone xmlns='http://jabber.org/protocol/chatstates'/></message>",
      TESS_CHAT_STATE_NONE },
    { "<message><gone xmlns='http://jabber.org/protocol/chatstates'/>"
      "<active xmlns='http://jabber.org/protocol/chatstates'/></message>",
      TESS_CHAT_STATE_NONE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessNode) message = xep_parse (cases[i].xml);

      g_assert_cmpint (tess_xep_chat_states_get (message), ==, cases[i].state);
    }
  for (int state = TESS_CHAT_STATE_NONE; state <= TESS_CHAT_STATE_GONE; state++)
    {
      g_autoptr (TessNode) message = xep_parse ("<message/>");

      tess_xep_chat_states_add (message, (TessChatState) state);
      g_assert_cmpint (tess_xep_chat_states_get (message), ==, state);
    }
}

static void
test_markers (void)
{
  static const struct
  {
    const char *xml;
    TessMarker  marker;
    const char *id;
  } cases[] = {
    { "<message/>", TESS_MARKER_NONE, NULL },
    { "<message><markable xmlns='urn:xmpp:chat-markers:0'/></message>", TESS_MARKER_MARKABLE,
      NULL },
    { "<message><received id='1' xmlns='urn:xmpp:chat-markers:0'/></message>", TESS_MARKER_RECEIVED,
      "1" },
    { "<message><displayed id='2' xmlns='urn:xmpp:chat-markers:0'/></message>",
      TESS_MARKER_DISPLAYED, "2" },
    { "<message><acknowledged id='3' xmlns='urn:xmpp:chat-markers:0'/></message>",
      TESS_MARKER_ACKNOWLEDGED, "3" },
    { "<message><displayed xmlns='urn:xmpp:chat-markers:0'/></message>", TESS_MARKER_NONE, NULL },
    { "<message type='error'><displayed id='2' xmlns='urn:xmpp:chat-markers:0'/></message>",
      TESS_MARKER_NONE, NULL },
    { "<message><displayed id='2' xmlns='urn:xmpp:receipts'/></message>", TESS_MARKER_NONE, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessNode) message = xep_parse (cases[i].xml);
      const char          *id = "none";

      g_assert_cmpint (tess_xep_markers_get (message, &id), ==, cases[i].marker);
      g_assert_cmpstr (id, ==, cases[i].id);
      g_assert_cmpint (tess_xep_markers_get (message, NULL), ==, cases[i].marker);
    }
}

static void
test_displayed (void)
{
  g_autoptr (TessJid)  bob = tess_jid_new ("bob@b.test/x", NULL);
  g_autoptr (TessNode) message = tess_xep_markers_build_displayed (bob, "a&b");
  g_autofree char     *own_id = g_strdup (tess_node_get (message, "id"));
  const char          *id = NULL;

  g_assert_nonnull (own_id);
  g_assert_cmpint (tess_xep_markers_get (message, &id), ==, TESS_MARKER_DISPLAYED);
  g_assert_cmpstr (id, ==, "a&b");
  tess_node_set (message, "id", NULL);
  assert_xml (message, "<message to='bob@b.test' type='chat'><displayed xmlns='urn:xmpp:chat-markers:0' id='a&amp;b'/>"
                       "<store xmlns='urn:xmpp:hints'/></message>");
}

/* Attacks row C7. */
static void
test_sid (void)
{
  static const struct
  {
    const char *ids;
    const char *id;
  } cases[] = {
    { "", NULL },
    { "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='7'/>", "7" },
    { "<stanza-id xmlns='urn:xmpp:sid:0' by='ALICE@A.test' id='7'/>", "7" },
    { "<stanza-id xmlns='urn:xmpp:sid:0' by='eve@e.test' id='6'/><stanza-id xmlns='urn:xmpp:sid:0' "
      "by='alice@a.test' id='7'/>",
      "7" },
    { "<stanza-id xmlns='urn:xmpp:sid:0' by='eve@e.test' id='6'/>", NULL },
    { "<stanza-id xmlns='urn:xmpp:sid:0' by='a.test' id='6'/>", NULL },
    { "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test/here' id='6'/>", NULL },
    { "<stanza-id xmlns='urn:xmpp:sid:0' id='6'/>", NULL },
    { "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test'/>", NULL },
    { "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id=''/>", NULL },
    { "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='6'/><stanza-id "
      "xmlns='urn:xmpp:sid:0' by='alice@a.test' id='7'/>",
      NULL },
    { "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='7'/><stanza-id "
      "xmlns='urn:xmpp:sid:0' by='alice@a.test' id='7'/>",
      NULL },
    { "<origin-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='7'/>", NULL },
  };
  g_autoptr (TessJid)  account = tess_jid_new ("alice@a.test/here", NULL);
  g_autoptr (TessNode) built = xep_parse ("<message/>");
  g_autofree char     *long_id = g_strnfill (1024, 'x');
  g_autofree char     *long_xml =
    g_strdup_printf ("<message><stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='%s'/>"
                     "<origin-id xmlns='urn:xmpp:sid:0' id='%s'/></message>", long_id, long_id);
  g_autoptr (TessNode) long_message = xep_parse (long_xml);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char     *xml = g_strdup_printf ("<message>%s</message>", cases[i].ids);
      g_autoptr (TessNode) message = xep_parse (xml);

      g_assert_cmpstr (tess_xep_sid_get_stanza_id (message, account), ==, cases[i].id);
    }
  g_assert_null (tess_xep_sid_get_stanza_id (long_message, account));
  g_assert_null (tess_xep_sid_get_origin_id (long_message));

  g_assert_null (tess_xep_sid_get_origin_id (built));
  tess_xep_sid_add_origin_id (built, "me");
  g_assert_cmpstr (tess_xep_sid_get_origin_id (built), ==, "me");
  assert_xml (built, "<message><origin-id xmlns='urn:xmpp:sid:0' id='me'/></message>");
}

static void
test_hints (void)
{
  for (guint hints = 0; hints < 16; hints++)
    {
      g_autoptr (TessNode) message = xep_parse ("<message><store xmlns='x'/></message>");

      tess_xep_hints_add (message, hints);
      g_assert_cmpuint (tess_xep_hints_get (message), ==, hints);
    }
}

static void
test_eme (void)
{
  g_autoptr (TessNode) message = xep_parse ("<message/>");
  g_autoptr (TessNode) hostile =
      xep_parse ("<message><encryption xmlns='urn:xmpp:eme:0' namespace='n' name='a\xe2\x80\xae"
                 "b'/></message>");
  g_autoptr (TessNode) empty =
      xep_parse ("<message><encryption xmlns='urn:xmpp:eme:0' name='a'/></message>");
  g_autofree char     *name = NULL;

  g_assert_null (tess_xep_eme_get (message, NULL));
  g_assert_null (tess_xep_eme_get (empty, &name));
  g_assert_null (name);
  tess_xep_eme_add (message, "eu.siacs.conversations.axolotl", "OMEMO");
  assert_xml (
      message,
      "<message><encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' "
      "name='OMEMO'/></message>");
  g_assert_cmpstr (tess_xep_eme_get (message, &name), ==, "eu.siacs.conversations.axolotl");
  g_assert_cmpstr (name, ==, "OMEMO");
  g_clear_pointer (&name, g_free);
  g_assert_cmpstr (tess_xep_eme_get (hostile, &name), ==, "n");
  g_assert_cmpstr (name, ==, "ab");
}

static void
test_text (void)
{
  static const struct
  {
    const char *text;
    const char *line;
    const char *lines;
  } cases[] = {
    { NULL, NULL, NULL },
    { "", NULL, NULL },
    { " \n\t ", NULL, NULL },
    { "\xe2\x80\x8b\xe2\x80\x8d\xe3\x85\xa4\xc2\xad", NULL, NULL },
    { "  Bob ", "Bob", "Bob" },
    { "a\nb\tc", "a b c", "a\nb\tc" },
    { "a\r\nb", "a b", "a\nb" },
    { "a\xe2\x80\xa8"
      "b",
      "ab", "ab" },
    { "evil\xe2\x80\xaegnp.exe", "evilgnp.exe", "evilgnp.exe" },
    { "\xe2\x81\xa6x\xe2\x81\xa9", "x", "x" },
    { "\xef\xbb\xbfx\xc2\x85", "x", "x" },
    { "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xa7",
      "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xa7",
      "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xa7" },
    { "<b>&amp;</b>", "<b>&amp;</b>", "<b>&amp;</b>" },
  };
  g_autofree char *umlauts = repeat ("\xc3\xa4", 500);
  g_autofree char *clipped = tess_xep_text_clip_line (umlauts, 7);
  g_autofree char *id = g_strnfill (1023, 'x');
  g_autofree char *long_id = g_strnfill (1024, 'x');

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *line = tess_xep_text_clip_line (cases[i].text, 100);
      g_autofree char *lines = tess_xep_text_clip_lines (cases[i].text, 100);

      g_assert_cmpstr (line, ==, cases[i].line);
      g_assert_cmpstr (lines, ==, cases[i].lines);
    }
  g_assert_cmpuint (g_utf8_strlen (clipped, -1), ==, 7);
  g_assert_true (tess_xep_text_is_id (id));
  g_assert_false (tess_xep_text_is_id (long_id));
  g_assert_false (tess_xep_text_is_id (""));
  g_assert_false (tess_xep_text_is_id (NULL));
}

static void
test_nick (void)
{
  g_autoptr (TessNode) none = xep_parse ("<presence><nick xmlns='x'>Bob</nick></presence>");
  g_autoptr (TessNode) some = xep_parse (
      "<presence><nick xmlns='http://jabber.org/protocol/nick'> B\nob </nick></presence>");
  g_autofree char     *nick = tess_xep_nick_get (some);

  g_assert_null (tess_xep_nick_get (none));
  g_assert_cmpstr (nick, ==, "B ob");
}

static void
test_stanza_error (void)
{
  g_autoptr (TessNode)        none = xep_parse ("<iq type='error'/>");
  g_autoptr (TessNode)        empty_node = xep_parse ("<iq type='error'><error type='odd'/></iq>");
  g_autoptr (TessNode)        full_node =
    xep_parse ("<message type='error'><body>x</body><error type='wait'>"
               "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>Later\n</text>"
               "<precondition-not-met xmlns='http://jabber.org/protocol/pubsub#errors'/>"
               "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
  g_autofree char            *long_text = g_strnfill (5000, 'x');
  g_autofree char *long_xml =
      g_strdup_printf ("<iq type='error'><error type='auth'><text "
                       "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>%s</text>"
                       "</error></iq>",
                       long_text);
  g_autoptr (TessNode)        long_node = xep_parse (long_xml);
  g_autoptr (TessStanzaError) empty = tess_xep_stanza_error_parse (empty_node);
  g_autoptr (TessStanzaError) full = tess_xep_stanza_error_parse (full_node);
  g_autoptr (TessStanzaError) clipped = tess_xep_stanza_error_parse (long_node);

  g_assert_null (tess_xep_stanza_error_parse (none));
  g_assert_cmpint (empty->type, ==, TESS_STANZA_ERROR_CANCEL);
  g_assert_cmpstr (empty->condition, ==, "undefined-condition");
  g_assert_null (empty->text);
  g_assert_cmpint (full->type, ==, TESS_STANZA_ERROR_WAIT);
  g_assert_cmpstr (full->condition, ==, "conflict");
  g_assert_cmpstr (full->text, ==, "Later");
  g_assert_cmpstr (full->application, ==, "precondition-not-met");
  g_assert_cmpstr (full->application_ns, ==, "http://jabber.org/protocol/pubsub#errors");
  g_assert_cmpuint (strlen (clipped->text), ==, 1000);
}

static void
test_ping (XepFixture *self, gconstpointer data)
{
  g_autoptr (TessJid) bob = tess_jid_new ("bob@b.test/x", NULL);
  guint               handler = tess_xep_ping_listen (self->router);

  xep_feed (self, "<iq type='get' id='p1' from='bob@b.test/x'><ping xmlns='urn:xmpp:ping'/></iq>");
  xep_assert_answered (self, "p1", "result");
  g_assert_cmpstr (tess_node_get (xep_last_sent (self), "to"), ==, "bob@b.test/x");
  tess_router_remove_handler (self->router, handler);
  xep_feed (self, "<iq type='get' id='p2' from='bob@b.test/x'><ping xmlns='urn:xmpp:ping'/></iq>");
  xep_assert_answered (self, "p2", "error");

  tess_xep_ping_send (self->router, bob, 5, ignore_cb, NULL);
  xep_assert_sent (self, 3, "<iq type='get' to='bob@b.test/x'><ping xmlns='urn:xmpp:ping'/></iq>");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  xep_test_add ("/xep/carbons/unwrap", test_carbons);
  xep_test_add ("/xep/carbons/forged", test_carbons_forged);
  xep_test_add ("/xep/carbons/build", test_carbons_build);
  g_test_add_func ("/xep/forward", test_forward);
  g_test_add_func ("/xep/delay", test_delay);
  g_test_add_func ("/xep/receipts", test_receipts);
  g_test_add_func ("/xep/chat-states", test_chat_states);
  g_test_add_func ("/xep/markers", test_markers);
  g_test_add_func ("/xep/displayed", test_displayed);
  g_test_add_func ("/xep/sid", test_sid);
  g_test_add_func ("/xep/hints", test_hints);
  g_test_add_func ("/xep/eme", test_eme);
  g_test_add_func ("/xep/text", test_text);
  g_test_add_func ("/xep/nick", test_nick);
  g_test_add_func ("/xep/stanza-error", test_stanza_error);
  xep_test_add ("/xep/ping", test_ping);

  return g_test_run ();
}
