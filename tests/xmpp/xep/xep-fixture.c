/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "xep-fixture.h"

static void
send_cb (const TessNode *stanza, gpointer user_data)
{
  XepFixture *self = user_data;

  g_ptr_array_add (self->sent, tess_node_copy (stanza));
}

void
xep_set_up (XepFixture *self, gconstpointer data)
{
  self->account = tess_jid_new ("alice@a.test/here", NULL);
  self->router = tess_router_new (self->account, send_cb, self);
  self->sent = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_node_free);
}

void
xep_tear_down (XepFixture *self, gconstpointer data)
{
  tess_router_free (self->router);
  g_ptr_array_unref (self->sent);
  tess_jid_unref (self->account);
}

TessNode *
xep_parse (const char *xml)
{
  g_autoptr (GError) error = NULL;
  TessNode          *node = tess_node_parse (xml, -1, "jabber:client", &error);

  g_assert_no_error (error);
  g_assert_nonnull (node);

  return node;
}

void
xep_feed (XepFixture *self, const char *xml)
{
  g_autoptr (TessNode) stanza = xep_parse (xml);

  tess_router_dispatch (self->router, stanza);
}

void
xep_feed_printf (XepFixture *self, const char *format, ...)
{
  g_autofree char *xml = NULL;
  va_list          arguments;

  va_start (arguments, format);
  xml = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  xep_feed (self, xml);
}

const TessNode *
xep_last_sent (XepFixture *self)
{
  g_assert_cmpuint (self->sent->len, >, 0);

  return g_ptr_array_index (self->sent, self->sent->len - 1);
}

void
xep_assert_sent (XepFixture *self, guint n_sent, const char *xml)
{
  g_autoptr (TessNode) sent = tess_node_copy (xep_last_sent (self));
  g_autoptr (TessNode) wanted = xep_parse (xml);
  g_autofree char     *sent_xml = NULL;
  g_autofree char     *wanted_xml = NULL;

  tess_node_set (sent, "id", NULL);
  sent_xml = tess_node_to_string (sent, "jabber:client");
  wanted_xml = tess_node_to_string (wanted, "jabber:client");
  g_assert_cmpstr (sent_xml, ==, wanted_xml);
  g_assert_cmpuint (self->sent->len, ==, n_sent);
}

static void
answer (XepFixture *self,
        const TessNode *request,
        const char *from,
        const char *type,
        const char *payload)
{
  g_autofree char *sender = from != NULL ? g_strdup_printf (" from='%s'", from) : g_strdup ("");
  g_autofree char *id = g_strdup (tess_node_get (request, "id"));

  xep_feed_printf (self, "<iq type='%s' id='%s'%s>%s</iq>", type, id, sender, payload);
}

void
xep_answer (XepFixture *self, const TessNode *request, const char *from, const char *payload)
{
  answer (self, request, from, "result", payload);
}

void
xep_answer_error (XepFixture *self, const TessNode *request, const char *from, const char *error)
{
  answer (self, request, from, "error", error);
}

void
xep_assert_answered (XepFixture *self, const char *id, const char *type)
{
  const TessNode *sent = xep_last_sent (self);

  g_assert_cmpstr (tess_node_get_name (sent), ==, "iq");
  g_assert_cmpstr (tess_node_get (sent, "id"), ==, id);
  g_assert_cmpstr (tess_node_get (sent, "type"), ==, type);
}
