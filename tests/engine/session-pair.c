/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-pair.h"

#include <string.h>

static gboolean
has_bundle (const char *owner)
{
  g_autofree char *list = session_server_get_item (owner, "eu.siacs.conversations.axolotl.devicelist");

  return list != NULL && strstr (list, "<device ") != NULL;
}

void
pair_set_up (Pair *self)
{
  session_server_forget_items ();
  self->alices = session_server_new ("alice@a.test", NULL);
  self->bobs = session_server_new ("bob@a.test", NULL);
  session_server_set_roster (self->alices, "<item jid='bob@a.test' subscription='both'/>");
  session_server_set_roster (self->bobs, "<item jid='alice@a.test' subscription='both'/>");
  self->alice = client_new ();
  self->bob = client_new ();
  self->alice_id = client_add_account (self->alice, "alice@a.test", session_server_get_port (self->alices));
  self->bob_id = client_add_account (self->bob, "bob@a.test", session_server_get_port (self->bobs));
  client_exec (self->bob, "UPDATE accounts SET archive_id = ''");
  client_go_online (self->alice, self->alice_id, self->alices);
  client_go_online (self->bob, self->bob_id, self->bobs);
  SESSION_WAIT (has_bundle ("alice@a.test"));
  SESSION_WAIT (has_bundle ("bob@a.test"));
  self->to_alice = client_open (self->bob, self->bob_id, "alice@a.test");
  tess_engine_set_encryption (self->bob->engine, self->to_alice, TESS_CONVERSATION_ENCRYPTED);
}

void
pair_tear_down (Pair *self)
{
  client_free (self->alice);
  client_free (self->bob);
  session_server_free (self->alices);
  session_server_free (self->bobs);
  session_server_forget_items ();
}

char *
pair_encrypt (Pair *self, const char *text)
{
  g_autofree char *line = NULL;
  const char      *start;

  session_server_clear (self->bobs);
  client_send (self->bob, self->to_alice, text);
  SESSION_WAIT ((line = session_server_find (self->bobs, "<message", "<payload>")) != NULL);
  start = strstr (line, "<encrypted");
  g_assert_nonnull (start);
  return g_strndup (start, strlen (start) - strlen ("</message>"));
}
