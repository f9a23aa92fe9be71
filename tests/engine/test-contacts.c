/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-client.h"

#include <string.h>

/* What a server, contacts and strangers can make grow, and where it ends. */

#define MOST_RESOURCES 50
#define MOST_REQUESTS 500
#define MOST_CONTACTS 20000

typedef struct
{
  Client        *client;
  SessionServer *server;
  gint64         alice;
} Fixture;

static void
set_up (Fixture *self, const char *roster)
{
  session_server_forget_items ();
  self->server = session_server_new ("alice@a.test", NULL);
  session_server_set_roster (self->server, roster);
  self->client = client_new ();
  self->alice = client_add_account (self->client, "alice@a.test", session_server_get_port (self->server));
  client_go_online (self->client, self->alice, self->server);
}

static void
tear_down (Fixture *self)
{
  client_free (self->client);
  session_server_free (self->server);
  session_server_forget_items ();
}

static void
send_format (Fixture *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
send_format (Fixture *self, const char *format, ...)
{
  g_autofree char *xml = NULL;
  va_list          args;

  va_start (args, format);
  xml = g_strdup_vprintf (format, args);
  va_end (args);
  session_server_send (self->server, xml);
}

static const TessContactRecord *
contact (Fixture *self, const char *address)
{
  client_sync (self->client, self->alice, self->server);
  return client_contact (self->client, self->alice, address);
}

#define BOB "<item jid='bob@b.test' subscription='both'/>"

/* Of one who is at more places than anybody can be, the first ones count; one that leaves makes room. */
static void
test_resources (void)
{
  Fixture self = { 0 };

  set_up (&self, BOB);
  for (int i = 0; i < MOST_RESOURCES; i++)
    send_format (&self, "<presence from='bob@b.test/r%d'><status>known</status></presence>", i);
  send_format (&self, "<presence from='bob@b.test/more'><priority>127</priority><status>more</status></presence>");
  g_assert_cmpstr (contact (&self, "bob@b.test")->status, ==, "known");
  send_format (&self, "<presence from='bob@b.test/r0' type='unavailable'/>"
                      "<presence from='bob@b.test/more'><priority>127</priority><status>more</status></presence>");
  g_assert_cmpstr (contact (&self, "bob@b.test")->status, ==, "more");
  /* One that is known may change as often as it likes. */
  send_format (&self, "<presence from='bob@b.test/r1'><priority>127</priority><show>dnd</show></presence>"
                      "<presence from='bob@b.test/more' type='unavailable'/>");
  g_assert_cmpint (contact (&self, "bob@b.test")->presence, ==, TESS_PRESENCE_DND);
  send_format (&self, "<presence from='bob@b.test' type='unavailable'/>");
  g_assert_cmpint (contact (&self, "bob@b.test")->presence, ==, TESS_PRESENCE_OFFLINE);
  tear_down (&self);
}

/* All contacts together have no more words than fit; who comes after that is there without any. */
static void
test_status_bytes (void)
{
  g_autoptr (GString) roster = g_string_new (NULL);
  g_autofree char    *words = g_strnfill (1000, 'w');
  Fixture             self = { 0 };

  for (int i = 0; i < 90; i++)
    g_string_append_printf (roster, "<item jid='u%d@b.test' subscription='both'/>", i);
  set_up (&self, roster->str);
  for (int i = 0; i < 90; i++)
    {
      g_autoptr (GString) presences = g_string_new (NULL);

      for (int j = 0; j < MOST_RESOURCES; j++)
        g_string_append_printf (presences, "<presence from='u%d@b.test/r%d'><status>%s</status></presence>", i, j, words);
      send_format (&self, "%s", presences->str);
    }
  g_assert_cmpstr (contact (&self, "u0@b.test")->status, ==, words);
  g_assert_null (contact (&self, "u89@b.test")->status);
  g_assert_cmpint (contact (&self, "u89@b.test")->presence, ==, TESS_PRESENCE_ONLINE);
  /* Who leaves makes room. */
  send_format (&self, "<presence from='u0@b.test' type='unavailable'/><presence from='u89@b.test/r0'><status>%s</status>"
                      "<priority>1</priority></presence>", words);
  g_assert_cmpstr (contact (&self, "u89@b.test")->status, ==, words);
  tear_down (&self);
}

/* Nobody who is not a contact leaves anything behind by being there. */
static void
test_strangers (void)
{
  Fixture self = { 0 };
  guint   events;

  set_up (&self, BOB);
  client_sync (self.client, self.alice, self.server);
  events = self.client->contact_events;
  for (int i = 0; i < 1000; i++)
    send_format (&self, "<presence from='s%d@evil.test/r'><status>look at me</status></presence>", i);
  client_sync (self.client, self.alice, self.server);
  g_assert_cmpuint (self.client->contact_events, ==, events);
  g_assert_cmpuint (g_hash_table_size (self.client->contacts), ==, 1);
  tear_down (&self);
}

static guint
count_requests (Fixture *self)
{
  GHashTableIter iter;
  gpointer       value;
  guint          count = 0;

  g_hash_table_iter_init (&iter, self->client->contacts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    count += !!((TessContactRecord *) value)->asks;
  return count;
}

static void
test_requests (void)
{
  Fixture self = { 0 };
  guint   events;

  set_up (&self, BOB);
  send_format (&self, "<presence from='s1@evil.test' type='subscribe'/>");
  client_sync (self.client, self.alice, self.server);
  /* Asked again and again, it is one question. */
  events = self.client->contact_events;
  for (int i = 0; i < 100; i++)
    send_format (&self, "<presence from='s1@evil.test' type='subscribe'/>");
  client_sync (self.client, self.alice, self.server);
  g_assert_cmpuint (self.client->contact_events, ==, events);

  for (int i = 0; i < MOST_REQUESTS + 100; i++)
    send_format (&self, "<presence from='s%d@evil.test' type='subscribe'/>", i);
  client_sync (self.client, self.alice, self.server);
  g_assert_cmpuint (count_requests (&self), ==, MOST_REQUESTS);
  /* The contact's own question is not among them: it is answered. */
  session_server_clear (self.server);
  send_format (&self, "<presence from='bob@b.test' type='subscribe'/>");
  client_sync (self.client, self.alice, self.server);
  g_assert_true (session_server_has (self.server, "type='subscribed'"));
  tear_down (&self);
}

static char *
make_roster (int length)
{
  GString *roster = g_string_new (NULL);

  for (int i = 0; i < length; i++)
    g_string_append_printf (roster, "<item jid='u%d@b'/>", i);
  return g_string_free (roster, FALSE);
}

static void
come_again (Fixture *self)
{
  guint connections = session_server_connections (self->server);

  session_server_set (self->server, SESSION_SERVER_USUAL & ~(guint) SESSION_SERVER_RESUMES);
  session_server_clear (self->server);
  session_server_cut (self->server);
  SESSION_WAIT (session_server_connections (self->server) == connections + 1);
  SESSION_WAIT (client_state (self->client, self->alice) == TESS_CONNECTION_ONLINE);
  SESSION_WAIT (session_server_has (self->server, "jabber:iq:roster"));
  client_sync (self->client, self->alice, self->server);
}

/* One that nobody can have is not taken at all: said once, and what was there stays. */
static void
test_endless_roster (void)
{
  Fixture          self = { 0 };
  g_autofree char *roster = make_roster (MOST_CONTACTS + 1);

  set_up (&self, BOB);
  session_server_set_roster (self.server, roster);
  come_again (&self);
  come_again (&self);
  g_assert_cmpuint (g_hash_table_size (self.client->contacts), ==, 1);
  g_assert_cmpuint (self.client->problems->len, ==, 1);
  tear_down (&self);
}

/* One contact after the other does not help either; and the same again is no news. */
static void
test_pushes (void)
{
  g_autofree char    *roster = make_roster (MOST_CONTACTS);
  g_autoptr (GString) pushes = g_string_new (NULL);
  Fixture             self = { 0 };
  guint               events;

  set_up (&self, roster);
  g_assert_cmpuint (g_hash_table_size (self.client->contacts), ==, MOST_CONTACTS);
  events = self.client->contact_events;
  come_again (&self);
  g_assert_cmpuint (self.client->contact_events, ==, events);
  g_assert_cmpuint (self.client->problems->len, ==, 0);

  for (int i = 0; i < MOST_REQUESTS + 20; i++)
    g_string_append_printf (pushes, "<iq type='set' id='p%d'><query xmlns='jabber:iq:roster'><item jid='v%d@b'/></query></iq>",
                            i, i);
  send_format (&self, "%s", pushes->str);
  client_sync (self.client, self.alice, self.server);
  g_assert_cmpuint (g_hash_table_size (self.client->contacts), ==, MOST_CONTACTS + MOST_REQUESTS);
  g_assert_cmpuint (self.client->problems->len, ==, 1);
  tear_down (&self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/contacts/resources", test_resources);
  g_test_add_func ("/contacts/status-bytes", test_status_bytes);
  g_test_add_func ("/contacts/strangers", test_strangers);
  g_test_add_func ("/contacts/requests", test_requests);
  g_test_add_func ("/contacts/endless-roster", test_endless_roster);
  g_test_add_func ("/contacts/pushes", test_pushes);
  return g_test_run ();
}
