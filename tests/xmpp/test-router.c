/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xmpp/tess-router.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

typedef struct
{
  TessRouter *router;
  TessJid    *account;
  GPtrArray  *sent; /* of char * */
  GString    *log;
  guint       replies;
  GError     *error;
  guint       handler;
} Fixture;

static void
send_cb (const TessNode *stanza, gpointer data)
{
  g_ptr_array_add (((Fixture *) data)->sent, tess_node_to_string (stanza, "jabber:client"));
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->account = tess_jid_new ("alice@a.test/x", NULL);
  f->sent = g_ptr_array_new_with_free_func (g_free);
  f->log = g_string_new (NULL);
  f->router = tess_router_new (f->account, send_cb, f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->router, tess_router_free);
  tess_jid_unref (f->account);
  g_ptr_array_unref (f->sent);
  g_string_free (f->log, TRUE);
  g_clear_error (&f->error);
}

static void
dispatch (Fixture *f, const char *xml)
{
  g_autoptr (GError)   error = NULL;
  g_autoptr (TessNode) node = tess_node_parse (xml, -1, "jabber:client", &error);

  g_assert_no_error (error);
  tess_router_dispatch (f->router, node);
}

static void
reply_cb (const TessNode *reply, const GError *error, gpointer data)
{
  Fixture *f = data;

  g_assert_true ((reply == NULL) != (error == NULL));
  f->replies++;
  g_clear_error (&f->error);
  if (error != NULL)
    f->error = g_error_copy (error);
}

static char *
sent_id (Fixture *f, guint index)
{
  g_autoptr (TessNode) node = tess_node_parse (g_ptr_array_index (f->sent, index), -1, "jabber:client", NULL);

  return g_strdup (tess_node_get (node, "id"));
}

/* Attacks row C4: by id and by sender. */
static const struct
{
  const char *to, *from;
  gboolean    accepted;
} senders[] = {
  { NULL, NULL, TRUE },
  { NULL, "alice@a.test", TRUE },
  { NULL, "alice@a.test/x", TRUE },
  { NULL, "a.test", TRUE },
  { NULL, "alice@a.test/y", FALSE },
  { NULL, "eve@e.test", FALSE },
  { NULL, "e.test", FALSE },
  { NULL, "eve@a.test", FALSE },
  { NULL, "a.test/x", FALSE },
  { "alice@a.test", NULL, TRUE },
  { "alice@a.test", "alice@a.test", TRUE },
  { "bob@b.test/z", "bob@b.test/z", TRUE },
  { "bob@b.test/z", "BOB@b.test/z", TRUE },
  { "bob@b.test/z", "bob@b.test", FALSE },
  { "bob@b.test/z", "b.test", FALSE },
  { "bob@b.test/z", NULL, FALSE },
  { "bob@b.test/z", "alice@a.test", FALSE },
  { "bob@b.test", "bob@b.test/z", FALSE },
  { "b.test", "b.test", TRUE },
  { "b.test", "e.test", FALSE },
  { "a.test", "a.test", TRUE },
  { "a.test", "alice@a.test", FALSE },
};

static void
test_senders (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (senders); i++)
    for (guint as_error = 0; as_error < 2; as_error++)
      {
        g_autoptr (TessJid) to = senders[i].to != NULL ? tess_jid_new (senders[i].to, NULL) : NULL;
        guint               before = f->replies;
        guint               serial =
          tess_router_send_iq (f->router, to, "get", tess_node_new ("q", "urn:q"), 0, reply_cb, f);
        g_autofree char *id = sent_id (f, f->sent->len - 1);
        g_autofree char *from = senders[i].from != NULL ? g_strdup_printf ("from='%s'", senders[i].from) : g_strdup ("");
        g_autofree char *answer = g_strdup_printf ("<iq id='%s' %s type='%s'/>", id, from, as_error ? "error" : "result");
        g_autofree char *guess = g_strdup_printf ("<iq id='%sx' %s type='result'/>", id, from);

        g_assert_cmpuint (strlen (id), >=, 24);
        dispatch (f, guess);
        g_assert_cmpuint (f->replies, ==, before);
        dispatch (f, answer);
        g_assert_cmpuint (f->replies, ==, before + (senders[i].accepted ? 1 : 0));
        dispatch (f, answer);
        g_assert_cmpuint (f->replies, ==, before + (senders[i].accepted ? 1 : 0));
        tess_router_forget (f->router, serial);
      }
}

static void
test_errors (Fixture *f, gconstpointer data)
{
  g_autofree char *id = NULL;
  g_autofree char *answer = NULL;

  tess_router_send_iq (f->router, NULL, "set", tess_node_new ("q", "urn:q"), 0, reply_cb, f);
  id = sent_id (f, 0);
  answer = g_strdup_printf ("<iq id='%s' type='error'><error type='cancel'>"
                            "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", id);
  dispatch (f, answer);
  g_assert_error (f->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_ITEM_NOT_FOUND);
}

static void
test_timeout (Fixture *f, gconstpointer data)
{
  tess_router_send_iq (f->router, NULL, "get", tess_node_new ("q", "urn:q"), 1, reply_cb, f);
  while (f->replies == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (f->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TIMEOUT);
}

static void
again_cb (const TessNode *reply, const GError *error, gpointer data)
{
  Fixture *f = data;

  reply_cb (reply, error, data);
  tess_router_send_iq (f->router, NULL, "get", tess_node_new ("q", "urn:q"), 0, reply_cb, f);
}

static void
test_fail_all (Fixture *f, gconstpointer data)
{
  guint forgotten;

  tess_router_send_iq (f->router, NULL, "get", tess_node_new ("q", "urn:q"), 0, reply_cb, f);
  tess_router_send_iq (f->router, NULL, "get", tess_node_new ("q", "urn:q"), 0, again_cb, f);
  forgotten = tess_router_send_iq (f->router, NULL, "get", tess_node_new ("q", "urn:q"), 0, reply_cb, f);
  g_assert_cmpuint (forgotten, !=, 0);
  tess_router_forget (f->router, forgotten);
  tess_router_forget (f->router, 0);
  tess_router_forget (f->router, 12345);
  tess_router_fail_all (f->router);
  g_assert_cmpuint (f->replies, ==, 2);
  g_assert_error (f->error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED);
  g_assert_cmpuint (f->sent->len, ==, 4);
  /* The one that was asked anew ends with the router. */
  g_clear_pointer (&f->router, tess_router_free);
  g_assert_cmpuint (f->replies, ==, 3);
}

static gboolean
log_cb (const TessStanza *stanza, gpointer data)
{
  Fixture *f = data;

  g_string_append_printf (f->log, "[%d %s %s %s]", stanza->kind, stanza->type, tess_jid_to_string (stanza->from),
                          stanza->payload != NULL ? tess_node_get_name (stanza->payload) : "-");
  return FALSE;
}

static gboolean
take_cb (const TessStanza *stanza, gpointer data)
{
  log_cb (stanza, data);
  return TRUE;
}

static gboolean
remove_cb (const TessStanza *stanza, gpointer data)
{
  Fixture *f = data;

  g_string_append (f->log, "[removes]");
  tess_router_remove_handler (f->router, f->handler);
  tess_router_add_handler (f->router, stanza->kind, 100, NULL, NULL, log_cb, f);
  return FALSE;
}

static void
test_handlers (Fixture *f, gconstpointer data)
{
  guint last;

  tess_router_add_handler (f->router, TESS_STANZA_MESSAGE, 0, NULL, NULL, log_cb, f);
  tess_router_add_handler (f->router, TESS_STANZA_MESSAGE, 10, "e", "urn:e", take_cb, f);
  last = tess_router_add_handler (f->router, TESS_STANZA_MESSAGE, -1, "body", NULL, log_cb, f);
  tess_router_add_handler (f->router, TESS_STANZA_PRESENCE, 0, NULL, "urn:c", log_cb, f);

  dispatch (f, "<message from='B@b.test/r'><body/></message>");
  g_assert_cmpstr (f->log->str, ==, "[0 normal b@b.test/r -][0 normal b@b.test/r body]");
  g_string_truncate (f->log, 0);
  dispatch (f, "<message type='chat'><body/><e xmlns='urn:e'/></message>");
  g_assert_cmpstr (f->log->str, ==, "[0 chat alice@a.test e]");
  g_string_truncate (f->log, 0);
  tess_router_remove_handler (f->router, last);
  dispatch (f, "<message from='b@b.test'><body/><e/></message>");
  g_assert_cmpstr (f->log->str, ==, "[0 normal b@b.test -]");
  g_string_truncate (f->log, 0);
  dispatch (f, "<presence from='b@b.test'><x xmlns='urn:c'/></presence>");
  dispatch (f, "<presence from='b@b.test'/>");
  g_assert_cmpstr (f->log->str, ==, "[1 available b@b.test x]");
  g_assert_cmpuint (f->sent->len, ==, 0);
}

static void
test_handlers_change (Fixture *f, gconstpointer data)
{
  tess_router_add_handler (f->router, TESS_STANZA_MESSAGE, 10, NULL, NULL, remove_cb, f);
  f->handler = tess_router_add_handler (f->router, TESS_STANZA_MESSAGE, 0, NULL, NULL, log_cb, f);
  dispatch (f, "<message/>");
  g_assert_cmpstr (f->log->str, ==, "[removes]");
  dispatch (f, "<message/>");
  g_assert_cmpstr (f->log->str, ==, "[removes][0 normal alice@a.test -][removes]");
}

static gboolean
answer_cb (const TessStanza *stanza, gpointer data)
{
  tess_router_reply (((Fixture *) data)->router, stanza, tess_node_new ("pong", "urn:p"));
  return TRUE;
}

static void
test_requests (Fixture *f, gconstpointer data)
{
  static const struct { const char *in, *out; } requests[] = {
    { "<iq type='get' id='1' from='b@b.test/r'><ping xmlns='urn:p'/></iq>",
      "<iq type='result' id='1' to='b@b.test/r'><pong xmlns='urn:p'/></iq>" },
    { "<iq type='get' id='1'><ping xmlns='urn:p'/></iq>", "<iq type='result' id='1'><pong xmlns='urn:p'/></iq>" },
    { "<iq type='set' id='1' from='b@b.test'><ping xmlns='urn:p'/></iq>",
      "<iq type='error' id='1' to='b@b.test'><error type='cancel'>"
      "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>" },
    { "<iq type='get' id='1' from='b@b.test'/>",
      "<iq type='error' id='1' to='b@b.test'><error type='modify'>"
      "<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>" },
    { "<iq type='get' from='b@b.test'><ping xmlns='urn:p'/></iq>", NULL },
    { "<iq type='other' id='1' from='b@b.test'><ping xmlns='urn:p'/></iq>", NULL },
    { "<iq id='1' from='b@b.test'><ping xmlns='urn:p'/></iq>", NULL },
    { "<iq type='result' id='1' from='b@b.test'><ping xmlns='urn:p'/></iq>", NULL },
    { "<iq type='get' id='1' from='@'><ping xmlns='urn:p'/></iq>", NULL },
    { "<iq type='get' id='1' to='a b@c'><ping xmlns='urn:p'/></iq>", NULL },
    { "<iq xmlns='urn:other' type='get' id='1'><ping xmlns='urn:p'/></iq>", NULL },
    { "<other type='get' id='1'><ping xmlns='urn:p'/></other>", NULL },
  };

  tess_router_add_handler (f->router, TESS_STANZA_IQ_GET, 0, "ping", "urn:p", answer_cb, f);
  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_ptr_array_set_size (f->sent, 0);
      dispatch (f, requests[i].in);
      g_assert_cmpuint (f->sent->len, ==, requests[i].out != NULL ? 1 : 0);
      if (requests[i].out != NULL)
        g_assert_cmpstr (g_ptr_array_index (f->sent, 0), ==, requests[i].out);
    }
}

static void
test_own (Fixture *f, gconstpointer data)
{
  static const struct { const char *jid; gboolean own; } cases[] = {
    { "alice@a.test", TRUE }, { "alice@a.test/x", FALSE }, { "a.test", FALSE }, { "alice@a.test.evil", FALSE },
  };
  g_autoptr (TessJid) bound = tess_jid_new ("alice@a.test/bound", NULL);

  g_assert_false (tess_router_is_own_bare (f->router, NULL));
  tess_router_set_address (f->router, bound);
  g_assert_true (tess_router_get_address (f->router) == bound);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (TessJid) jid = tess_jid_new (cases[i].jid, NULL);

      g_assert_cmpint (tess_router_is_own_bare (f->router, jid), ==, cases[i].own);
    }
  tess_router_send (f->router, tess_node_new ("message", "jabber:client"));
  g_assert_true (g_str_has_prefix (g_ptr_array_index (f->sent, 0), "<message id='"));
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/router/senders", test_senders);
  ADD ("/router/errors", test_errors);
  ADD ("/router/timeout", test_timeout);
  ADD ("/router/fail-all", test_fail_all);
  ADD ("/router/handlers", test_handlers);
  ADD ("/router/handlers/change", test_handlers_change);
  ADD ("/router/requests", test_requests);
  ADD ("/router/own", test_own);
  return g_test_run ();
}
