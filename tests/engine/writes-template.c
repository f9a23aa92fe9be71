/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "writes-run.h"

#include <string.h>

char *
writes_take_encrypted (SessionServer *server)
{
  g_autofree char *line = NULL;
  const char      *start;

  SESSION_WAIT ((line = session_server_find (server, "<message", "<payload>")) != NULL);
  start = strstr (line, "<encrypted");
  g_assert_nonnull (start);
  /* Up to its own end: a hint stands behind it. */
  return g_strndup (start, strstr (start, "</encrypted>") + strlen ("</encrypted>") - start);
}

static gboolean
has_bundle (const char *owner)
{
  g_autofree char *list = session_server_get_item (owner, "eu.siacs.conversations.axolotl.devicelist");

  return list != NULL && strstr (list, "<device ") != NULL;
}

static void
take_database (Client *client, char **bytes, gsize *length)
{
  g_autoptr (GError) error = NULL;

  client_stop (client);
  g_file_get_contents (client->database, bytes, length, &error);
  g_assert_no_error (error);
}

static void
write_letters (Template *self, Client *bob, SessionServer *server, gint64 to_alice)
{
  for (guint i = 1; i <= WRITES_LETTERS; i++)
    {
      g_autofree char *text = g_strdup_printf ("letter %u", i);
      gint64           id;

      session_server_clear (server);
      id = client_send (bob, to_alice, text);
      g_ptr_array_add (self->letters, writes_take_encrypted (server));
      SESSION_WAIT (client_message_state (bob, id) == TESS_MESSAGE_SENT);
    }
}

Template *
writes_template_new (void)
{
  Template      *self = g_new0 (Template, 1);
  SessionServer *alices = session_server_new ("alice@a.test", NULL);
  SessionServer *bobs = session_server_new ("bob@a.test", NULL);
  Client        *alice = client_new ();
  Client        *bob = client_new ();
  gint64         alice_id;
  gint64         bob_id;
  gint64         to_alice;

  session_server_forget_items ();
  self->letters = g_ptr_array_new_with_free_func (g_free);
  session_server_set_roster (alices, "<item jid='bob@a.test' subscription='both' name='Bob'/>");
  session_server_set_roster (bobs, "<item jid='alice@a.test' subscription='both'/>");
  alice_id = client_add_account (alice, "alice@a.test", session_server_get_port (alices));
  bob_id = client_add_account (bob, "bob@a.test", session_server_get_port (bobs));
  client_go_online (alice, alice_id, alices);
  client_go_online (bob, bob_id, bobs);
  SESSION_WAIT (has_bundle ("alice@a.test") && has_bundle ("bob@a.test"));
  to_alice = client_open (bob, bob_id, "alice@a.test");
  tess_engine_set_encryption (bob->engine, to_alice, TESS_CONVERSATION_ENCRYPTED);
  write_letters (self, bob, bobs, to_alice);

  take_database (alice, &self->alice, &self->alice_length);
  take_database (bob, &self->bob, &self->bob_length);
  self->items = session_server_copy_items ();
  client_free (alice);
  client_free (bob);
  session_server_free (alices);
  session_server_free (bobs);

  return self;
}

void
writes_template_free (Template *self)
{
  g_free (self->alice);
  g_free (self->bob);
  g_hash_table_unref (self->items);
  g_ptr_array_unref (self->letters);
  session_server_forget_items ();
  g_free (self);
}
