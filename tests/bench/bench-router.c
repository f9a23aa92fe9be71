/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "bench.h"

#include "omemo/tess-omemo.h"
#include "xmpp/tess-parser.h"
#include "xmpp/tess-router.h"
#include "xmpp/xep/tess-xep-caps.h"
#include "xmpp/xep/tess-xep-carbons.h"
#include "xmpp/xep/tess-xep-chat-states.h"
#include "xmpp/xep/tess-xep-delay.h"
#include "xmpp/xep/tess-xep-disco.h"
#include "xmpp/xep/tess-xep-mam.h"
#include "xmpp/xep/tess-xep-markers.h"
#include "xmpp/xep/tess-xep-pep.h"
#include "xmpp/xep/tess-xep-ping.h"
#include "xmpp/xep/tess-xep-presence.h"
#include "xmpp/xep/tess-xep-receipts.h"
#include "xmpp/xep/tess-xep-sid.h"

#include <expat.h>
#include <math.h>
#include <string.h>

/* Stanzas a second through the real parser, router and handlers, against expat alone over the same bytes. */

#define STANZAS 20000
#define PAGE 100
#define READ_SIZE (16 * 1024) /* as tess-link.c reads */
#define ROUNDS 9

#define ALICE "alice@a.test"
#define ROOT "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='a.test' version='1.0'>"
#define OMEMO_NS "eu.siacs.conversations.axolotl"

typedef struct
{
  TessRouter *router;
  TessDisco  *disco;
  TessCaps   *caps;
  TessPep    *pep;
  TessMam    *mam;
  TessJid    *full;
  char       *queryid; /* of the query that was sent last */
  char       *iq_id;
  guint       messages;
  guint       archived;
  guint       others;
} Fixture;

/* ---- What comes over the wire ---- */

static void
append_base64 (GString *out, gsize length)
{
  g_autofree guint8 *bytes = g_malloc (length);
  g_autofree char   *text = NULL;

  for (gsize i = 0; i < length; i++)
    bytes[i] = (guint8) g_random_int ();
  text = g_base64_encode (bytes, length);
  g_string_append (out, text);
}

/* Five devices read it. */
static void
append_encrypted (GString *out)
{
  g_string_append (out, "<encrypted xmlns='" OMEMO_NS "'><header sid='1234567'>");
  for (guint i = 0; i < 5; i++)
    {
      g_string_append_printf (out, "<key rid='%u'>", 1000001 + i);
      append_base64 (out, 115);
      g_string_append (out, "</key>");
    }
  g_string_append (out, "<iv>");
  append_base64 (out, 12);
  g_string_append (out, "</iv></header><payload>");
  append_base64 (out, 80);
  g_string_append (out, "</payload></encrypted><encryption xmlns='urn:xmpp:eme:0' namespace='" OMEMO_NS "' name='OMEMO'/>"
                        "<body>I sent you an OMEMO encrypted message but your client doesn't seem to support that.</body>"
                        "<store xmlns='urn:xmpp:hints'/>");
}

static void
append_text (GString *out, guint serial)
{
  g_string_append_printf (out, "<body>The %u. time: shall we meet at the caf\303\251 &amp; walk along the river at five? "
                               "Bring \342\200\234the\342\200\235 book.</body>", serial);
}

static void
append_inner (GString *out, guint serial, gboolean encrypted, const char *to)
{
  g_string_append_printf (out,
                          "<message xmlns='jabber:client' from='bob%u@b.test/phone' to='%s' type='chat' id='m-%08x-4711'>",
                          serial % 20, to, serial);
  if (encrypted)
    append_encrypted (out);
  else
    append_text (out, serial);
  g_string_append_printf (out, "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
                               "<active xmlns='http://jabber.org/protocol/chatstates'/>"
                               "<origin-id xmlns='urn:xmpp:sid:0' id='m-%08x-4711'/>"
                               "<stanza-id xmlns='urn:xmpp:sid:0' by='" ALICE "' id='2026-%08u'/></message>",
                          serial, serial);
}

static void
append_archived (GString *out, guint serial, gboolean encrypted, const char *queryid)
{
  g_string_append_printf (out,
                          "<message from='" ALICE "' to='" ALICE "/desk'><result xmlns='urn:xmpp:mam:2' queryid='%s' "
                          "id='2026-%08u'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
                          "stamp='2026-01-02T03:04:05Z'/>", queryid, serial);
  append_inner (out, serial, encrypted, ALICE);
  g_string_append (out, "</forwarded></result></message>");
}

static void
append_carbon (GString *out, guint serial)
{
  g_string_append (out, "<message from='" ALICE "' to='" ALICE "/desk' type='chat'><received xmlns='urn:xmpp:carbons:2'>"
                        "<forwarded xmlns='urn:xmpp:forward:0'>");
  append_inner (out, serial, serial % 2 == 0, ALICE "/phone");
  g_string_append (out, "</forwarded></received></message>");
}

static void
append_sign (GString *out, guint serial)
{
  static const char *const signs[] = {
    "<received xmlns='urn:xmpp:receipts' id='m-1'/>",
    "<displayed xmlns='urn:xmpp:chat-markers:0' id='m-1'/>",
    "<composing xmlns='http://jabber.org/protocol/chatstates'/><no-store xmlns='urn:xmpp:hints'/>",
    "<paused xmlns='http://jabber.org/protocol/chatstates'/><no-store xmlns='urn:xmpp:hints'/>",
  };

  g_string_append_printf (out, "<message from='bob%u@b.test/phone' to='" ALICE "/desk' type='chat' id='s%u'>%s</message>",
                          serial % 20, serial, signs[serial % G_N_ELEMENTS (signs)]);
}

static void
append_presence (GString *out, guint serial)
{
  g_string_append_printf (out,
                          "<presence from='bob%u@b.test/phone' to='" ALICE "/desk'><show>away</show><status>On the road"
                          "</status><priority>5</priority><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
                          "node='https://example.org/' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>"
                          "<x xmlns='vcard-temp:x:update'><photo>01b87fcd030b72895ff8e88db57ec525450f000d</photo></x>"
                          "</presence>", serial % 20);
}

static void
append_device_list (GString *out, guint serial)
{
  g_string_append_printf (out,
                          "<message from='bob%u@b.test' to='" ALICE "/desk' type='headline'>"
                          "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='" OMEMO_NS ".devicelist'>"
                          "<item id='current'><list xmlns='" OMEMO_NS "'><device id='1'/><device id='2'/><device id='3'/>"
                          "</list></item></items></event></message>", serial % 20);
}

static void
ask_archive (Fixture *self, TessMamResultFunc result, TessMamPageFunc page)
{
  TessMamQuery query = { .max = PAGE, .after_id = "x" };

  tess_xep_mam_query (self->mam, &query, result, page, self);
}

static void
archived_cb (const TessMamResult *result, gpointer user_data)
{
  Fixture *self = user_data;

  self->archived += tess_omemo_find_encrypted (result->message) != NULL ||
                    tess_node_child_text (result->message, "body", "jabber:client") != NULL;
}

static void
page_cb (const TessMamPage *page, const GError *error, gpointer user_data)
{
  g_assert_no_error (error);
  g_assert_cmpuint (page->results, ==, PAGE);
}

static void
append_page (Fixture *self, GString *out, guint *serial)
{
  ask_archive (self, archived_cb, page_cb);
  for (guint i = 0; i < PAGE; i++, (*serial)++)
    append_archived (out, *serial, i % 2 == 0, self->queryid);
  g_string_append_printf (out,
                          "<iq type='result' id='%s' from='" ALICE "'><fin xmlns='urn:xmpp:mam:2'>"
                          "<set xmlns='http://jabber.org/protocol/rsm'><first>1</first><last>2</last></set></fin></iq>",
                          self->iq_id);
}

/* Of a hundred: 40 messages out of the archive, 25 live, 10 carbons, 10 receipts, markers and signs of typing, 10 presences,
 * 3 device lists, 2 requests. Half of the messages are encrypted. */
static GString *
build_bytes (Fixture *self)
{
  GString *out = g_string_new (ROOT);
  guint    serial = 0;

  for (guint hundred = 0; hundred < STANZAS / 100; hundred++)
    {
      if (hundred % 5 < 2)
        {
          append_page (self, out, &serial);
          continue;
        }
      for (guint i = 0; i < 100; i++, serial++)
        if (i % 12 < 5)
          append_inner (out, serial, serial % 2 == 0, ALICE "/desk");
        else if (i % 12 < 7)
          append_carbon (out, serial);
        else if (i % 12 < 9)
          append_sign (out, serial);
        else if (i % 12 < 11)
          append_presence (out, serial);
        else if (i % 2 == 0)
          append_device_list (out, serial);
        else
          g_string_append_printf (out, "<iq type='get' id='p%u' from='a.test' to='" ALICE "/desk'>"
                                       "<ping xmlns='urn:xmpp:ping'/></iq>", serial);
    }
  return out;
}

/* ---- Ours ---- */

static void
send_cb (const TessNode *stanza, gpointer user_data)
{
  Fixture        *self = user_data;
  const TessNode *query = tess_node_child (stanza, "query", TESS_XEP_MAM_NS);

  if (query == NULL)
    return;
  g_free (self->queryid);
  self->queryid = g_strdup (tess_node_get (query, "queryid"));
  g_free (self->iq_id);
  self->iq_id = g_strdup (tess_node_get (stanza, "id"));
}

/* What tess-inbound.c asks of each message before it comes to keys and the database. */
static gboolean
message_cb (const TessStanza *stanza, gpointer user_data)
{
  Fixture        *self = user_data;
  const TessNode *inner = NULL;
  const TessNode *message = stanza->node;
  const char     *id;
  gint64          time_us = 0;

  switch (tess_xep_carbons_unwrap (self->router, stanza, g_get_real_time (), &inner, &time_us))
    {
    case TESS_CARBON_RECEIVED:
    case TESS_CARBON_SENT:
      message = inner;
      break;
    default:
      tess_xep_delay_get (stanza->node, self->full, NULL, g_get_real_time (), &time_us);
    }
  tess_xep_sid_get_stanza_id (message, tess_jid_get_bare (self->full));
  tess_xep_receipts_get_received (message);
  tess_xep_markers_get (message, &id);
  tess_xep_chat_states_get (message);
  if (tess_omemo_find_encrypted (message) != NULL || tess_node_child_text (message, "body", "jabber:client") != NULL)
    self->messages++;
  else
    self->others++;
  return TRUE;
}

static gboolean
presence_cb (const TessStanza *stanza, gpointer user_data)
{
  ((Fixture *) user_data)->others++;
  return TRUE;
}

static void
device_list_cb (const TessPepEvent *event, gpointer user_data)
{
  ((Fixture *) user_data)->others++;
}

static void
fixture_init (Fixture *self)
{
  self->full = tess_jid_new (ALICE "/desk", NULL);
  self->router = tess_router_new (self->full, send_cb, self);
  self->disco = tess_xep_disco_new (self->router, "https://tessera.im", "Tessera");
  self->caps = tess_xep_caps_new (self->disco, NULL, NULL);
  self->pep = tess_xep_pep_new (self->router, self->disco);
  self->mam = tess_xep_mam_new (self->router);
  tess_xep_ping_listen (self->router);
  tess_xep_pep_watch (self->pep, OMEMO_NS ".devicelist", FALSE, device_list_cb, self);
  tess_router_add_handler (self->router, TESS_STANZA_PRESENCE, 0, NULL, NULL, presence_cb, self);
  tess_router_add_handler (self->router, TESS_STANZA_MESSAGE, -100, NULL, NULL, message_cb, self);
}

static void
fixture_clear (Fixture *self)
{
  tess_xep_mam_free (self->mam);
  tess_xep_pep_free (self->pep);
  tess_xep_caps_free (self->caps);
  tess_xep_disco_free (self->disco);
  tess_router_free (self->router);
  tess_jid_unref (self->full);
  g_free (self->queryid);
  g_free (self->iq_id);
}

static double
measure_ours (Fixture *self, const GString *bytes)
{
  g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
  g_autoptr (GError)     error = NULL;
  TessNode              *node;
  TessParserEvent        event;
  BenchClock             clock;
  guint                  stanzas = 0;
  double                 seconds;

  self->messages = self->archived = self->others = 0;
  bench_start (&clock);
  for (gsize done = 0; done < bytes->len; done += READ_SIZE)
    {
      tess_parser_feed (parser, (const guint8 *) bytes->str + done, MIN (READ_SIZE, bytes->len - done), &error);
      while ((event = tess_parser_next (parser, &node)) != TESS_PARSER_NOTHING)
        {
          if (event == TESS_PARSER_STANZA)
            {
              stanzas++;
              tess_router_dispatch (self->router, node);
            }
          tess_node_free (node);
        }
    }
  seconds = bench_cpu_seconds (&clock);
  g_assert_no_error (error);
  /* All of it went where it belongs. */
  g_assert_cmpuint (stanzas, ==, STANZAS + STANZAS / 100 * 2 / 5);
  g_assert_cmpuint (self->archived, ==, STANZAS * 2 / 5);
  g_assert_cmpuint (self->messages, >, STANZAS / 4);
  g_assert_cmpuint (self->others, >, STANZAS / 8);
  return stanzas / seconds;
}

/* ---- The limit ---- */

typedef struct
{
  guint depth;
  guint stanzas;
  gsize text;
} Bare;

static void
bare_start_cb (void *data, const XML_Char *name, const XML_Char **attributes)
{
  ((Bare *) data)->depth++;
}

static void
bare_end_cb (void *data, const XML_Char *name)
{
  Bare *self = data;

  if (--self->depth == 1)
    self->stanzas++;
}

static void
bare_text_cb (void *data, const XML_Char *text, int length)
{
  ((Bare *) data)->text += (gsize) length;
}

static double
measure_bare (const GString *bytes)
{
  XML_Parser expat = XML_ParserCreateNS ("UTF-8", '\001');
  Bare       bare = { 0 };
  BenchClock clock;
  double     seconds;

  XML_SetUserData (expat, &bare);
  XML_SetElementHandler (expat, bare_start_cb, bare_end_cb);
  XML_SetCharacterDataHandler (expat, bare_text_cb);
  bench_start (&clock);
  for (gsize done = 0; done < bytes->len; done += READ_SIZE)
    if (XML_Parse (expat, bytes->str + done, (int) MIN (READ_SIZE, bytes->len - done), 0) == XML_STATUS_ERROR)
      g_error ("expat: %s", XML_ErrorString (XML_GetErrorCode (expat)));
  seconds = bench_cpu_seconds (&clock);
  g_assert_cmpuint (bare.stanzas, ==, STANZAS + STANZAS / 100 * 2 / 5);
  g_assert_cmpuint (bare.text, >, 0);
  XML_ParserFree (expat);
  return bare.stanzas / seconds;
}

int
main (void)
{
  Fixture            fixture = { 0 };
  g_autoptr (GArray) ours = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) bare = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) ratios = g_array_new (FALSE, FALSE, sizeof (double));
  BenchResult        result = { "parse-and-route", .unit = "stanzas/s", .target = BENCH_RATIO_AT_LEAST, .limit = 0.5 };

  g_random_set_seed (1);
  fixture_init (&fixture);
  for (guint round = 0; round < bench_rounds (ROUNDS); round++)
    {
      GString *bytes = build_bytes (&fixture); /* anew: an answer of the archive fits one question */
      double   limit = measure_bare (bytes);
      double   value = measure_ours (&fixture, bytes);
      double   ratio = value / limit;

      g_array_append_val (bare, limit);
      g_array_append_val (ours, value);
      g_array_append_val (ratios, ratio);
      g_string_free (bytes, TRUE);
    }
  fixture_clear (&fixture);

  result.value = bench_quantile (ours, 0.5);
  result.bare = bench_quantile (bare, 0.5);
  result.ratio = bench_quantile (ratios, 0.5);
  bench_report (&result);
  return 0;
}
