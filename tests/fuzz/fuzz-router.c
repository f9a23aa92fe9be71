/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "xmpp/tess-parser.h"
#include "xmpp/xep/tess-xep-caps.h"
#include "xmpp/xep/tess-xep-carbons.h"
#include "xmpp/xep/tess-xep-chat-states.h"
#include "xmpp/xep/tess-xep-delay.h"
#include "xmpp/xep/tess-xep-eme.h"
#include "xmpp/xep/tess-xep-hints.h"
#include "xmpp/xep/tess-xep-mam.h"
#include "xmpp/xep/tess-xep-markers.h"
#include "xmpp/xep/tess-xep-nick.h"
#include "xmpp/xep/tess-xep-pep.h"
#include "xmpp/xep/tess-xep-ping.h"
#include "xmpp/xep/tess-xep-presence.h"
#include "xmpp/xep/tess-xep-receipts.h"
#include "xmpp/xep/tess-xep-roster.h"
#include "xmpp/xep/tess-xep-sid.h"
#include "xmpp/xep/tess-xep-stanza-error.h"
#include "xmpp/xep/tess-xep-text.h"

#include <string.h>

/* Stanzas for alice@a.test/here, who has asked for eight things before. Ids are random, so the input names them: "#0" to
 * "#9" as id or queryid stand for those of the IQs that were sent.
 *
 * - Each request of ours ends exactly once; each request of others is answered exactly once, nothing else is.
 * - Carbons, pushes, archive results and private nodes are believed of the own account only (attacks rows C1 to C5).
 * - No stanza makes us send many. */

#define HEADER "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
#define OPEN_NODE "eu.siacs.conversations.axolotl.devicelist"
#define PRIVATE_NODE "urn:xmpp:mds:displayed:0"
#define N_REQUESTS 8

typedef struct
{
  TessRouter *router;
  TessDisco  *disco;
  TessCaps   *caps;
  TessPep    *pep;
  TessMam    *mam;
  GPtrArray  *asked;   /* of TessNode: the IQs that we sent */
  guint       answers; /* that we sent */
  guint       sent;
  guint       ended[N_REQUESTS];
  guint       results; /* of the archive */
} Account;

static TessJid *alice;
static TessJid *bob;

void
fuzz_set_up (void)
{
  alice = tess_jid_new ("alice@a.test/here", NULL);
  bob = tess_jid_new ("bob@b.test", NULL);
}

static void
send_cb (const TessNode *stanza, gpointer data)
{
  Account    *account = data;
  const char *type = tess_node_get (stanza, "type");

  fuzz_assert_written (stanza);
  g_assert_nonnull (tess_node_get (stanza, "id"));
  account->sent++;
  if (g_strcmp0 (type, "result") == 0 || g_strcmp0 (type, "error") == 0)
    account->answers++;
  else if (tess_node_is (stanza, "iq", "jabber:client"))
    g_ptr_array_add (account->asked, tess_node_copy (stanza));
}

/* ---- What was asked for ends ---- */

static void
reply_cb (const TessNode *reply, const GError *error, gpointer data)
{
  g_assert_true ((reply == NULL) == (error != NULL));
  ++*(guint *) data;
}

static void
roster_cb (const TessNode *reply, const GError *error, gpointer data)
{
  g_autofree char      *ver = NULL;
  g_autoptr (GPtrArray) items = reply != NULL ? tess_xep_roster_parse_result (reply, &ver, NULL) : NULL;

  reply_cb (reply, error, data);
  for (guint i = 0; items != NULL && i < items->len; i++)
    g_assert_true (tess_jid_is_bare (((TessRosterItem *) g_ptr_array_index (items, i))->jid));
}

static void
info_cb (TessDiscoInfo *info, const GError *error, gpointer data)
{
  g_assert_true ((info == NULL) == (error != NULL));
  ++*(guint *) data;
}

static void
items_cb (const TessPepItem *items, guint n_items, const GError *error, gpointer data)
{
  g_assert_cmpuint (n_items, <=, TESS_XEP_PEP_MAX_ITEMS);
  g_assert_true (error == NULL || n_items == 0);
  ++*(guint *) data;
}

static void
done_cb (const GError *error, gpointer data)
{
  ++*(guint *) data;
}

static void
page_cb (const TessMamPage *page, const GError *error, gpointer data)
{
  Account *account = data;

  g_assert_true ((page == NULL) == (error != NULL));
  if (page != NULL)
    g_assert_cmpuint (page->results, ==, account->results);
  account->ended[2]++;
}

static void
result_cb (const TessMamResult *result, gpointer data)
{
  Account *account = data;

  g_assert_cmpuint (account->ended[2], ==, 0);
  g_assert_cmpuint (++account->results, <=, TESS_XEP_MAM_MAX_PAGE);
  g_assert_cmpstr (tess_jid_to_string (result->archive), ==, tess_jid_to_bare_string (alice));
  g_assert_true (tess_xep_text_is_id (result->id));
  g_assert_cmpint (result->time_us, <=, g_get_real_time ());
  g_assert_true (tess_node_is (result->message, "message", "jabber:client"));
}

static void
caps_cb (TessJid *jid, TessDiscoInfo *info, gpointer data)
{
  Account *account = data;

  g_assert_true (account->caps == NULL || tess_xep_caps_get (account->caps, jid) == info);
}

static void
event_cb (const TessPepEvent *event, gpointer data)
{
  g_assert_true (tess_jid_is_bare (event->from));
  g_assert_cmpuint (event->n_items, <=, TESS_XEP_PEP_MAX_ITEMS);
  if (g_str_equal (event->node, PRIVATE_NODE))
    g_assert_cmpstr (tess_jid_to_string (event->from), ==, tess_jid_to_bare_string (alice));
  else
    g_assert_cmpstr (event->node, ==, OPEN_NODE);
}

/* ---- What comes unasked ---- */

static void
read_message (Account *account, const TessNode *message, TessJid *from)
{
  gint64           now = g_get_real_time ();
  gint64           time_us = 0;
  const char      *id = NULL;
  g_autofree char *encryption = NULL;
  g_autofree char *nick = tess_xep_nick_get (message);
  g_autoptr (TessStanzaError) error = tess_xep_stanza_error_parse (message);

  if (error != NULL)
    fuzz_assert_text (error->text, 1000);
  tess_xep_chat_states_get (message);
  tess_xep_markers_get (message, &id);
  tess_xep_hints_get (message);
  tess_xep_eme_get (message, &encryption);
  tess_xep_receipts_get_requested (message);
  tess_xep_receipts_get_received (message);
  tess_xep_sid_get_origin_id (message);
  tess_xep_sid_get_stanza_id (message, alice);
  fuzz_assert_line (encryption, 1000);
  fuzz_assert_line (nick, TESS_XEP_NICK_MAX);
  if (tess_xep_delay_get (message, alice, NULL, now, &time_us))
    g_assert_cmpint (time_us, <=, now);
}

static gboolean
message_cb (const TessStanza *stanza, gpointer data)
{
  Account        *account = data;
  gint64          now = g_get_real_time ();
  gint64          time_us = 0;
  const TessNode *inner = NULL;
  TessCarbon      carbon = tess_xep_carbons_unwrap (account->router, stanza, now, &inner, &time_us);

  g_assert_true ((inner != NULL) == (carbon == TESS_CARBON_RECEIVED || carbon == TESS_CARBON_SENT));
  g_assert_cmpint (time_us, <=, now);
  if (inner != NULL)
    {
      const char         *copied = tess_node_get (inner, carbon == TESS_CARBON_SENT ? "from" : "to");
      g_autoptr (TessJid) whose = copied != NULL ? tess_jid_new (copied, NULL) : NULL;

      g_assert_cmpstr (tess_jid_to_string (stanza->from), ==, tess_jid_to_bare_string (alice));
      g_assert_true (copied == NULL || tess_jid_bare_equal (whose, alice));
    }
  read_message (account, inner != NULL ? inner : stanza->node, stanza->from);
  return FALSE;
}

static gboolean
presence_cb (const TessStanza *stanza, gpointer data)
{
  Account                     *account = data;
  g_autoptr (TessXepPresence)  presence = tess_xep_presence_parse (stanza->node);
  g_autofree char             *nick = tess_xep_nick_get (stanza->node);

  g_assert_true ((presence != NULL) == (tess_xep_presence_get_kind (stanza->node) == TESS_XEP_PRESENCE_STATE));
  fuzz_assert_line (nick, TESS_XEP_NICK_MAX);
  if (presence != NULL)
    {
      g_assert_cmpint (presence->priority, >=, -128);
      g_assert_cmpint (presence->priority, <=, 127);
      fuzz_assert_text (presence->status, TESS_XEP_PRESENCE_MAX_STATUS);
      tess_xep_caps_take_presence (account->caps, stanza->from, stanza->node);
    }
  return TRUE;
}

static gboolean
push_cb (const TessStanza *stanza, gpointer data)
{
  Account                   *account = data;
  g_autoptr (TessRosterItem) item = NULL;
  g_autofree char           *ver = NULL;

  if (!tess_xep_roster_take_push (account->router, stanza, &item, &ver))
    {
      g_assert_null (item);
      return FALSE;
    }
  g_assert_true (tess_router_is_own_bare (account->router, stanza->from));
  g_assert_true (tess_jid_is_bare (item->jid));
  fuzz_assert_line (item->name, TESS_XEP_ROSTER_MAX_NAME);
  g_assert_cmpuint (g_strv_length (item->groups), <=, TESS_XEP_ROSTER_MAX_GROUPS);
  return TRUE;
}

/* ---- An account ---- */

static void
ask (Account *account)
{
  TessMamQuery   query = { .before_id = "", .max = 50 };
  TessPepOptions options = { .access = TESS_PEP_ACCESS_WHITELIST, .persist = TRUE, .max_items = 1 };

  tess_xep_roster_get (account->router, "", roster_cb, &account->ended[0]);
  tess_xep_disco_query (account->disco, NULL, NULL, info_cb, &account->ended[1]);
  tess_xep_mam_query (account->mam, &query, result_cb, page_cb, account);
  tess_xep_pep_fetch (account->pep, bob, OPEN_NODE, 1, items_cb, &account->ended[3]);
  tess_xep_pep_publish (account->pep, PRIVATE_NODE, "current", tess_node_new ("x", "urn:x"), &options, done_cb,
                        &account->ended[4]);
  tess_xep_ping_send (account->router, bob, 30, reply_cb, &account->ended[5]);
  tess_xep_carbons_enable (account->router, reply_cb, &account->ended[6]);
  tess_xep_pep_fetch_item (account->pep, NULL, PRIVATE_NODE, "current", items_cb, &account->ended[7]);
  g_assert_cmpuint (account->asked->len, ==, N_REQUESTS);
}

static void
account_begin (Account *account)
{
  memset (account, 0, sizeof *account);
  account->asked = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_node_free);
  account->router = tess_router_new (alice, send_cb, account);
  account->disco = tess_xep_disco_new (account->router, "https://tessera.im", "Tessera");
  account->caps = tess_xep_caps_new (account->disco, caps_cb, account);
  account->pep = tess_xep_pep_new (account->router, account->disco);
  account->mam = tess_xep_mam_new (account->router);
  tess_xep_ping_listen (account->router);
  tess_xep_pep_watch (account->pep, OPEN_NODE, FALSE, event_cb, account);
  tess_xep_pep_watch (account->pep, PRIVATE_NODE, TRUE, event_cb, account);
  tess_router_add_handler (account->router, TESS_STANZA_MESSAGE, 0, NULL, NULL, message_cb, account);
  tess_router_add_handler (account->router, TESS_STANZA_PRESENCE, 0, NULL, NULL, presence_cb, account);
  tess_router_add_handler (account->router, TESS_STANZA_IQ_SET, 0, "query", TESS_XEP_ROSTER_NS, push_cb, account);
  ask (account);
}

static void
account_end (Account *account)
{
  tess_router_fail_all (account->router);
  for (guint i = 0; i < N_REQUESTS; i++)
    g_assert_cmpuint (account->ended[i], ==, 1);
  tess_xep_mam_free (account->mam);
  tess_xep_pep_free (account->pep);
  tess_xep_caps_free (account->caps);
  account->caps = NULL;
  tess_xep_disco_free (account->disco);
  tess_router_free (account->router);
  g_ptr_array_unref (account->asked);
}

/* Ids are random: the input names them by a number. */
static void
name_id (Account *account, TessNode *node, const char *attribute, gboolean query)
{
  const char     *value = tess_node_get (node, attribute);
  guint           index = value != NULL && value[0] == '#' && g_ascii_isdigit (value[1]) ? (guint) (value[1] - '0') : G_MAXUINT;
  const TessNode *asked;

  if (index >= account->asked->len)
    return;
  asked = g_ptr_array_index (account->asked, index);
  if (query)
    asked = tess_node_child (asked, "query", NULL);
  if (asked != NULL && tess_node_get (asked, attribute) != NULL)
    tess_node_set (node, attribute, tess_node_get (asked, attribute));
}

static guint
count_children (const TessNode *node)
{
  guint count = 0;

  for (TESS_NODE_EACH (child, node, NULL, NULL))
    count++;
  return count;
}

static gboolean
is_address (const char *text)
{
  g_autoptr (TessJid) jid = text != NULL ? tess_jid_new (text, NULL) : NULL;

  return text == NULL || jid != NULL;
}

static gboolean
wants_answer (const TessNode *stanza)
{
  const char *type = tess_node_get (stanza, "type");

  return tess_node_is (stanza, "iq", "jabber:client") && tess_node_get (stanza, "id") != NULL &&
         (g_strcmp0 (type, "get") == 0 || g_strcmp0 (type, "set") == 0) &&
         is_address (tess_node_get (stanza, "from")) && is_address (tess_node_get (stanza, "to"));
}

static void
dispatch (Account *account, TessNode *stanza)
{
  guint answers = account->answers;
  guint sent = account->sent;

  name_id (account, stanza, "id", FALSE);
  for (TESS_NODE_EACH (child, stanza, NULL, NULL))
    name_id (account, child, "queryid", TRUE);
  tess_router_dispatch (account->router, stanza);
  g_assert_cmpuint (account->answers - answers, ==, wants_answer (stanza) ? 1 : 0);
  g_assert_cmpuint (account->sent - sent, <=, 2);
  g_assert_true (count_children (stanza) < TESS_PARSER_MAX_ELEMENTS);
}

void
fuzz_one (const guint8 *data, gsize size)
{
  g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
  Account                account;

  account_begin (&account);
  tess_parser_feed (parser, (const guint8 *) HEADER, strlen (HEADER), NULL);
  tess_parser_feed (parser, data, size, NULL);
  for (;;)
    {
      g_autoptr (TessNode) node = NULL;
      TessParserEvent      event = tess_parser_next (parser, &node);

      if (event == TESS_PARSER_NOTHING)
        break;
      if (event == TESS_PARSER_STANZA)
        dispatch (&account, node);
    }
  account_end (&account);
}
