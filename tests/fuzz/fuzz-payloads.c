/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "fuzz.h"

#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-caps.h"
#include "xmpp/xep/tess-xep-data-form.h"
#include "xmpp/xep/tess-xep-forward.h"
#include "xmpp/xep/tess-xep-mam-prefs.h"
#include "xmpp/xep/tess-xep-mam.h"
#include "xmpp/xep/tess-xep-mds.h"
#include "xmpp/xep/tess-xep-pep.h"
#include "xmpp/xep/tess-xep-presence.h"
#include "xmpp/xep/tess-xep-roster.h"
#include "xmpp/xep/tess-xep-stanza-error.h"
#include "xmpp/xep/tess-xep-text.h"
#include "xmpp/xep/tess-xep-time.h"

#include <string.h>

/* One element. It is given to each reader as what it reads, and as the payload of the answer to each thing that we ask for.
 *
 * - No list is longer, and no text longer, than the reader's header says; addresses are bare; texts have no control characters.
 * - Each answer ends its request once. */

typedef struct
{
  TessRouter *router;
  TessNode   *asked;
  guint       ended;
} Question;

static TessJid *alice;

void
fuzz_set_up (void)
{
  alice = tess_jid_new ("alice@a.test/here", NULL);
}

/* ---- Readers without a router ---- */

static void
check_roster (const TessNode *iq)
{
  g_autoptr (GError)     error = NULL;
  g_autofree char       *ver = NULL;
  g_autoptr (GPtrArray)  items = tess_xep_roster_parse_result (iq, &ver, &error);
  g_autoptr (GHashTable) seen = g_hash_table_new (tess_jid_hash, tess_jid_equal);

  g_assert_true (error == NULL || items == NULL);
  for (guint i = 0; items != NULL && i < items->len; i++)
    {
      const TessRosterItem      *item = g_ptr_array_index (items, i);
      g_autoptr (TessRosterItem) copy = tess_xep_roster_item_copy (item);

      g_assert_true (tess_jid_is_bare (item->jid));
      g_assert_true (g_hash_table_add (seen, item->jid));
      g_assert_cmpint (item->subscription, !=, TESS_ROSTER_REMOVE);
      fuzz_assert_line (item->name, TESS_XEP_ROSTER_MAX_NAME);
      g_assert_cmpuint (g_strv_length (item->groups), <=, TESS_XEP_ROSTER_MAX_GROUPS);
      for (guint j = 0; item->groups[j] != NULL; j++)
        fuzz_assert_line (item->groups[j], TESS_XEP_ROSTER_MAX_NAME);
      g_assert_cmpstr (copy->name, ==, item->name);
    }
}

static void
check_info (const TessNode *query)
{
  g_autoptr (GError)        error = NULL;
  g_autoptr (TessDiscoInfo) info = tess_xep_disco_info_parse (query, &error);
  g_autofree char          *hash = NULL;

  g_assert_true ((info == NULL) == (error != NULL));
  if (info == NULL)
    return;
  g_assert_cmpuint (info->identities->len, <=, TESS_XEP_DISCO_MAX_IDENTITIES);
  g_assert_cmpuint (info->features->len, <=, TESS_XEP_DISCO_MAX_FEATURES);
  g_assert_cmpuint (info->forms->len, <=, TESS_XEP_DISCO_MAX_FORMS);
  for (guint i = 0; i < info->features->len; i++)
    {
      const char *feature = g_ptr_array_index (info->features, i);

      g_assert_true (tess_xep_disco_info_has_feature (info, feature));
      g_assert_true (i == 0 || strcmp (g_ptr_array_index (info->features, i - 1), feature) <= 0);
    }
  for (guint i = 0; i < info->identities->len; i++)
    {
      const TessDiscoIdentity *identity = g_ptr_array_index (info->identities, i);

      g_assert_true (tess_xep_disco_info_has_identity (info, identity->category, identity->type));
    }
  hash = tess_xep_caps_hash (info);
  if (hash != NULL)
    g_assert_cmpuint (strlen (hash), ==, 28);
}

static void
check_form (const TessNode *x)
{
  g_autoptr (TessDataForm) form = tess_xep_data_form_parse (x);

  if (form == NULL)
    return;
  g_assert_cmpuint (form->fields->len, <=, 200);
  for (guint i = 0; i < form->fields->len; i++)
    {
      const TessDataField *field = g_ptr_array_index (form->fields, i);

      g_assert_cmpuint (g_strv_length (field->values), <=, 200);
      if (field->var != NULL)
        g_assert_nonnull (tess_xep_data_form_get (form, field->var));
    }
}

static void
check_others (const TessNode *node)
{
  gint64                      now = g_get_real_time ();
  gint64                      time_us = 0;
  const TessNode             *message = tess_xep_forward_unwrap (node, now, &time_us);
  g_autoptr (TessXepPresence) presence = tess_xep_presence_parse (node);
  g_autoptr (TessStanzaError) error = tess_xep_stanza_error_parse (node);
  g_autoptr (GError)          mapped = tess_xmpp_error_new_from_stanza (node);

  g_assert_cmpint (time_us, <=, now);
  if (message != NULL)
    g_assert_null (tess_node_child (message, "forwarded", TESS_XEP_FORWARD_NS));
  if (presence != NULL)
    fuzz_assert_text (presence->status, TESS_XEP_PRESENCE_MAX_STATUS);
  if (error != NULL)
    {
      g_assert_nonnull (error->condition);
      fuzz_assert_text (error->text, 1000);
    }
  g_assert_nonnull (mapped);
  fuzz_assert_text (mapped->message, 4000);
}

/* ---- Answers ---- */

static void
send_cb (const TessNode *stanza, gpointer data)
{
  Question *question = data;

  if (question->asked == NULL)
    question->asked = tess_node_copy (stanza);
}

static void
items_cb (const TessPepItem *items, guint n_items, const GError *error, gpointer data)
{
  ((Question *) data)->ended++;
  g_assert_cmpuint (n_items, <=, TESS_XEP_PEP_MAX_ITEMS);
  for (guint i = 0; i < n_items; i++)
    {
      const char         *id = NULL;
      g_autoptr (TessJid) chat = tess_xep_mds_get (&items[i], alice, &id);

      fuzz_assert_text (items[i].id, G_MAXINT);
      g_assert_true (chat == NULL || (tess_jid_is_bare (chat) && tess_xep_text_is_id (id)));
    }
}

static void
keep_cb (TessMamKeep keep, const GError *error, gpointer data)
{
  ((Question *) data)->ended++;
  g_assert_cmpint (keep, >=, TESS_MAM_KEEP_ALWAYS);
  g_assert_cmpint (keep, <=, TESS_MAM_KEEP_NEVER);
}

static void
time_cb (gint64 time_us, const GError *error, gpointer data)
{
  ((Question *) data)->ended++;
  g_assert_true (error == NULL || time_us == 0);
}

static void
result_cb (const TessMamResult *result, gpointer data)
{
  g_assert_not_reached ();
}

static void
page_cb (const TessMamPage *page, const GError *error, gpointer data)
{
  ((Question *) data)->ended++;
  g_assert_true ((page == NULL) == (error != NULL));
  if (page == NULL)
    return;
  g_assert_cmpint (page->count, >=, -1);
  g_assert_cmpuint (page->results, ==, 0);
  g_assert_true (page->first == NULL || strlen (page->first) <= 1023);
  g_assert_true (page->last == NULL || strlen (page->last) <= 1023);
}

static void
done_cb (const GError *error, gpointer data)
{
  ((Question *) data)->ended++;
}

static void
answer (Question *question, const TessNode *payload, const char *type)
{
  g_autoptr (TessNode) iq = tess_node_new ("iq", "jabber:client");
  g_autoptr (TessNode) asked = g_steal_pointer (&question->asked);
  guint                ended = question->ended;

  tess_node_set (iq, "type", type);
  tess_node_set (iq, "id", tess_node_get (asked, "id"));
  tess_node_set (iq, "from", tess_jid_to_bare_string (alice));
  tess_node_append (iq, tess_node_copy (payload));
  tess_router_dispatch (question->router, iq);
  tess_router_dispatch (question->router, iq);
  /* A publication may have been tried once more, and waits. */
  g_assert_cmpuint (question->ended, ==, ended + (question->asked == NULL));
  g_clear_pointer (&question->asked, tess_node_free);
}

static void
check_answers (const TessNode *node)
{
  Question            question = { 0 };
  TessMamQuery        query = { 0 };
  TessPepOptions      options = { .access = TESS_PEP_ACCESS_WHITELIST, .max_items = 1 };
  g_autoptr (TessPep) pep = NULL;
  g_autoptr (TessMam) mam = NULL;

  question.router = tess_router_new (alice, send_cb, &question);
  pep = tess_xep_pep_new (question.router, NULL);
  mam = tess_xep_mam_new (question.router);

  tess_xep_pep_fetch (pep, NULL, "urn:x", 0, items_cb, &question);
  answer (&question, node, "result");
  tess_xep_mam_query (mam, &query, result_cb, page_cb, &question);
  answer (&question, node, "result");
  tess_xep_pep_publish (pep, "urn:x", "current", tess_node_new ("x", "urn:x"), &options, done_cb, &question);
  answer (&question, node, "error");
  tess_router_fail_all (question.router);
  g_assert_cmpuint (question.ended, ==, 3);
  g_clear_pointer (&question.asked, tess_node_free);
  tess_xep_mam_prefs_get (question.router, keep_cb, &question);
  answer (&question, node, "result");
  tess_xep_time_query (question.router, tess_jid_get_bare (alice), time_cb, &question);
  answer (&question, node, "result");
  /* It asks first, and then for the change. */
  tess_xep_mam_prefs_set (question.router, TESS_MAM_KEEP_ROSTER, keep_cb, &question);
  answer (&question, node, "result");
  tess_router_fail_all (question.router);
  g_assert_cmpuint (question.ended, ==, 6);

  g_clear_pointer (&pep, tess_xep_pep_free);
  g_clear_pointer (&mam, tess_xep_mam_free);
  g_clear_pointer (&question.asked, tess_node_free);
  tess_router_free (question.router);
}

void
fuzz_one (const guint8 *data, gsize size)
{
  g_autoptr (TessNode) node = tess_node_parse ((const char *) data, (gssize) size, "jabber:client", NULL);
  g_autoptr (TessNode) iq = tess_node_new ("iq", "jabber:client");

  if (node == NULL)
    return;
  fuzz_assert_written (node);
  tess_node_set (iq, "type", "result");
  tess_node_append (iq, tess_node_copy (node));
  check_roster (iq);
  check_info (node);
  check_form (node);
  check_others (node);
  check_answers (node);
}
