/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-fixture.h"

void
fixture_set_up (Fixture *self, gconstpointer data)
{
  session_server_forget_items ();
  self->server = session_server_new ("alice@a.test", NULL);
  session_server_set_roster (self->server, "<item jid='bob@b.test' subscription='both' name='Bob'/>");
  self->client = client_new ();
  self->alice = client_add_account (self->client, "alice@a.test", session_server_get_port (self->server));
}

void
fixture_tear_down (Fixture *self, gconstpointer data)
{
  client_free (self->client);
  session_server_free (self->server);
  session_server_forget_items ();
}

void
fixture_go_online (Fixture *self)
{
  client_go_online (self->client, self->alice, self->server);
  session_server_clear (self->server);
}

void
fixture_say (Fixture *self, const char *xml)
{
  session_server_send (self->server, xml);
  client_sync (self->client, self->alice, self->server);
}
