/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-client.h"

#include <string.h>

/* Two real engines, each at a server of its own; what one sends is carried to the other as the test wants it. */

typedef struct
{
  Client        *alice;
  Client        *bob;
  SessionServer *alices;
  SessionServer *bobs;
  gint64         alice_id;
  gint64         bob_id;
  gint64         to_alice; /* Bob's conversation */
} Fixture;

static gboolean
has_bundle (const char *owner, Client *client, gint64 account)
{
  g_autofree char *list = session_server_get_item (owner, "eu.siacs.conversations.axolotl.devicelist");

  return list != NULL && strstr (list, "<device ") != NULL;
}

static void
set_up (Fixture *self, gconstpointer data)
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
  client_go_online (self->alice, self->alice_id, self->alices);
  client_go_online (self->bob, self->bob_id, self->bobs);
  SESSION_WAIT (has_bundle ("alice@a.test", self->alice, self->alice_id));
  SESSION_WAIT (has_bundle ("bob@a.test", self->bob, self->bob_id));
  self->to_alice = client_open (self->bob, self->bob_id, "alice@a.test");
  tess_engine_set_encryption (self->bob->engine, self->to_alice, TESS_CONVERSATION_ENCRYPTED);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  client_free (self->alice);
  client_free (self->bob);
  session_server_free (self->alices);
  session_server_free (self->bobs);
  session_server_forget_items ();
}

/* The <encrypted/> that Bob's engine puts on the wire, and what stands behind it. */
static char *
take_encrypted (Fixture *self)
{
  g_autofree char *line = NULL;
  const char      *start;

  SESSION_WAIT ((line = session_server_find (self->bobs, "<message", "<payload>")) != NULL);
  start = strstr (line, "<encrypted");
  g_assert_nonnull (start);
  return g_strndup (start, strlen (start) - strlen ("</message>"));
}

static char *
encrypt (Fixture *self, const char *text)
{
  session_server_clear (self->bobs);
  client_send (self->bob, self->to_alice, text);
  g_assert_false (session_server_has (self->bobs, text));
  return take_encrypted (self);
}

static void
say (Fixture *self, const char *from, const char *before, const char *inner)
{
  g_autofree char *xml =
    g_strdup_printf ("<message from='%s' to='alice@a.test' type='chat' id='m1'>%s%s</message>", from, before, inner);

  session_server_send (self->alices, xml);
  client_sync (self->alice, self->alice_id, self->alices);
}

static guint
count_all (Client *client)
{
  return g_hash_table_size (client->messages);
}

/* D10 */
static void
test_body_beside (Fixture *self, gconstpointer data)
{
  g_autofree char         *inner = encrypt (self, "secret words");
  const TessMessageRecord *message;

  say (self, "bob@a.test/r1", "<body>forged words</body><subject>forged</subject>", inner);
  message = client_find (self->alice, "secret words");
  g_assert_nonnull (message);
  g_assert_cmpint (message->encryption, ==, TESS_ENCRYPTION_OMEMO);
  g_assert_cmpuint (message->device, !=, 0);
  g_assert_null (client_find (self->alice, "forged words"));

  /* Plain text in an encrypted chat is taken, and marked. */
  say (self, "bob@a.test/r1", "<body>plain words</body>", "");
  g_assert_cmpint (client_find (self->alice, "plain words")->encryption, ==, TESS_ENCRYPTION_NONE);
  /* What cannot be read never shows the body beside it either. */
  say (self, "bob@a.test/r1", "<body>forged again</body>",
       "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>AAAA</payload></encrypted>");
  g_assert_null (client_find (self->alice, "forged again"));
  /* And we answer encrypted, though the last was plain. */
  session_server_clear (self->alices);
  client_send (self->alice, client_open (self->alice, self->alice_id, "bob@a.test"), "my answer");
  SESSION_WAIT (session_server_has (self->alices, "<payload>"));
  g_assert_false (session_server_has (self->alices, "my answer"));
}

/* D7: live, live again, as a carbon, and from the archive under another session. */
static void
test_once (Fixture *self, gconstpointer data)
{
  g_autofree char *inner = encrypt (self, "once");
  g_autofree char *archived = NULL;

  say (self, "bob@a.test/r1", "", inner);
  g_assert_cmpuint (client_count (self->alice, "once"), ==, 1);
  say (self, "bob@a.test/r1", "", inner);
  say (self, "bob@a.test/r1", "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='s1'/>", inner);
  archived = g_strdup_printf ("<message xmlns='jabber:client' from='bob@a.test/r1' to='alice@a.test' type='chat'>%s</message>",
                              inner);
  session_server_archive (self->alices, "s1", "2020-01-01T00:00:00Z", archived);
  session_server_set (self->alices, SESSION_SERVER_USUAL & ~SESSION_SERVER_RESUMES);
  session_server_clear (self->alices);
  session_server_cut (self->alices);
  SESSION_WAIT (session_server_has (self->alices, "urn:xmpp:mam:2"));
  SESSION_WAIT (client_state (self->alice, self->alice_id) == TESS_CONNECTION_ONLINE);
  client_sync (self->alice, self->alice_id, self->alices);
  g_assert_cmpuint (count_all (self->alice), ==, 1);
}

/* Who never saw that the server took his message sends it again under its old id, encrypted anew. Another text, or another id, is another
 * message. */
static void
test_anew (Fixture *self, gconstpointer data)
{
  g_autofree char *first = encrypt (self, "again");
  g_autofree char *anew = encrypt (self, "again");
  g_autofree char *repeated = encrypt (self, "again");
  g_autofree char *other = encrypt (self, "another");
  g_autofree char *xml = g_strdup_printf ("<message from='bob@a.test/r2' type='chat' id='m2'>%s</message>", repeated);

  g_assert_cmpstr (first, !=, anew);
  say (self, "bob@a.test/r1", "", first);
  say (self, "bob@a.test/r2", "", anew);
  g_assert_cmpuint (client_count (self->alice, "again"), ==, 1);
  say (self, "bob@a.test/r2", "", other);
  g_assert_cmpuint (client_count (self->alice, "another"), ==, 1);
  session_server_send (self->alices, xml);
  client_sync (self->alice, self->alice_id, self->alices);
  g_assert_cmpuint (client_count (self->alice, "again"), ==, 2);
  client_stop (self->alice);
  g_assert_cmpint (client_number (self->alice, "SELECT count (*) FROM messages"), ==, 3);
}

/* One of a page is refused by the database: what stands before it is kept with its ratchet, and the others are not lost for it: they
 * can still be decrypted when they come again. */
static void
test_refused_page (Fixture *self, gconstpointer data)
{
  static const char *const texts[] = { "one", "two", "poison", "four" };

  client_stop (self->alice);
  client_exec (self->alice, "CREATE TRIGGER poison BEFORE INSERT ON messages WHEN NEW.text = 'poison' AND NOT EXISTS "
                            "(SELECT 1 FROM conversations WHERE draft = 'healed') BEGIN SELECT raise (ABORT, 'no room'); END");
  client_exec (self->alice, "UPDATE accounts SET archive_id = ''");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *inner = encrypt (self, texts[i]);
      g_autofree char *id = g_strdup_printf ("s%u", i + 1);
      g_autofree char *xml =
        g_strdup_printf ("<message xmlns='jabber:client' from='bob@a.test/r1' to='alice@a.test' type='chat'>%s</message>", inner);

      session_server_archive (self->alices, id, "2020-01-01T00:00:00Z", xml);
    }
  client_start (self->alice);
  connect_with (self->alice->engine, self->alice_id, "secret");
  SESSION_WAIT (self->alice->problems->len > 0);
  g_assert_nonnull (client_find (self->alice, "one"));
  g_assert_nonnull (client_find (self->alice, "two"));
  g_assert_null (client_find (self->alice, "four"));

  tess_engine_set_draft (self->alice->engine, client_open (self->alice, self->alice_id, "bob@a.test"), "healed");
  SESSION_WAIT (client_find (self->alice, "four") != NULL);
  g_assert_cmpuint (client_count (self->alice, "one"), ==, 1);
  g_assert_cmpuint (client_count (self->alice, "poison"), ==, 1);
  client_stop (self->alice);
  g_assert_cmpint (client_number (self->alice, "SELECT count (*) FROM messages WHERE encryption = 1"), ==, 4);
  g_assert_cmpint (client_number (self->alice, "SELECT count (*) FROM messages"), ==, 4);
  g_assert_cmpint (client_number (self->alice, "SELECT archive_id = 's4' FROM accounts"), ==, 1);
}

/* A message of a page that is taken back takes nothing of those before it along: what was kept back of Bob's device is written while
 * Eve's copy of his is looked at. */
static void
test_refused_in_page (Fixture *self, gconstpointer data)
{
  g_autofree char *one = encrypt (self, "one");
  g_autofree char *two = encrypt (self, "two");
  const struct { const char *from; const char *stamp; const char *inner; } items[] = {
    { "bob@a.test/r1", "2020-01-01T00:00:00Z", one },
    { "bob@a.test/r1", "2020-01-02T00:00:00Z", two },
    { "eve@e.test/x", "2020-01-03T00:00:00Z", one },
  };

  client_stop (self->alice);
  client_exec (self->alice, "UPDATE accounts SET archive_id = ''");
  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    {
      g_autofree char *id = g_strdup_printf ("s%u", i + 1);
      g_autofree char *xml = g_strdup_printf ("<message xmlns='jabber:client' from='%s' to='alice@a.test' type='chat'>%s</message>",
                                              items[i].from, items[i].inner);

      session_server_archive (self->alices, id, items[i].stamp, xml);
    }
  client_start (self->alice);
  connect_with (self->alice->engine, self->alice_id, "secret");
  SESSION_WAIT (client_find (self->alice, "two") != NULL);
  client_stop (self->alice);
  g_assert_cmpint (client_number (self->alice, "SELECT count (*) FROM messages WHERE encryption = 2"), ==, 1);
  g_assert_cmpint (client_number (self->alice, "SELECT last_seen_us / 1000000 FROM omemo_devices WHERE address = 'bob@a.test'"),
                   ==, 1577923200);
}

/* Alice's engine answers a key exchange by itself; Bob's gets that answer. */
static void
carry_answer (Fixture *self)
{
  g_autofree char *line = NULL;
  g_autofree char *xml = NULL;

  SESSION_WAIT ((line = session_server_find (self->alices, "<message", "<encrypted")) != NULL);
  xml = g_strdup_printf ("<message from='alice@a.test/r1' type='chat'>%s", strchr (line, '>') + 1);
  session_server_send (self->bobs, xml);
  client_sync (self->bob, self->bob_id, self->bobs);
}

/* D3: what Bob wrote and Eve relays is not Bob's, not Eve's, and does not keep Bob's from being read. */
static void
test_relayed (Fixture *self, gconstpointer data)
{
  g_autofree char *first = encrypt (self, "first");
  g_autofree char *second = NULL;

  session_server_clear (self->alices);
  say (self, "bob@a.test/r1", "", first);
  say (self, "eve@e.test/x", "", first);
  g_assert_cmpuint (client_count (self->alice, "first"), ==, 1);
  g_assert_cmpstr (client_find (self->alice, "first")->peer, ==, "bob@a.test");

  carry_answer (self);
  second = encrypt (self, "second");
  g_assert_null (strstr (second, "prekey"));
  say (self, "eve@e.test/x", "", second);
  g_assert_null (client_find (self->alice, "second"));
  say (self, "bob@a.test/r1", "", second);
  g_assert_cmpstr (client_find (self->alice, "second")->peer, ==, "bob@a.test");
  g_assert_null (session_server_find (self->alices, "<message", "eve@e.test"));
}

/* A text that is longer than what is kept is cut between two letters. Our own engine would send none: it is made longer in Bob's
 * database. */
static void
test_long (Fixture *self, gconstpointer data)
{
  g_autofree char         *inner = NULL;
  GHashTableIter           iter;
  gpointer                 value = NULL;
  const TessMessageRecord *message;

  client_stop (self->bob);
  client_start (self->bob);
  client_send (self->bob, self->to_alice, "long");
  client_stop (self->bob);
  client_exec (self->bob, "UPDATE messages SET text = 'x' || replace (hex (zeroblob (40000)), '00', '\303\244')");
  session_server_clear (self->bobs);
  client_start (self->bob);
  connect_with (self->bob->engine, self->bob_id, "secret");
  inner = take_encrypted (self);
  say (self, "bob@a.test/r1", "", inner);
  g_assert_cmpuint (count_all (self->alice), ==, 1);
  g_hash_table_iter_init (&iter, self->alice->messages);
  g_hash_table_iter_next (&iter, NULL, &value);
  message = value;
  g_assert_cmpint (message->encryption, ==, TESS_ENCRYPTION_OMEMO);
  g_assert_true (g_utf8_validate (message->text, -1, NULL));
  g_assert_cmpuint (strlen (message->text), ==, 64 * 1024 - 1);
}

/* The first message of somebody new is decrypted, and answered by nothing: no receipt, no session, no list. */
static void
test_stranger (Fixture *self, gconstpointer data)
{
  g_autofree char *inner = NULL;

  session_server_send (self->alices, "<iq type='set' id='p1'><query xmlns='jabber:iq:roster'>"
                                     "<item jid='bob@a.test' subscription='remove'/></query></iq>");
  inner = encrypt (self, "who are you");
  client_sync (self->alice, self->alice_id, self->alices);
  session_server_clear (self->alices);
  say (self, "bob@a.test/r1", "<request xmlns='urn:xmpp:receipts'/>", inner);
  g_assert_cmpuint (client_count (self->alice, "who are you"), ==, 1);
  g_assert_null (session_server_find (self->alices, "<message", "bob@a.test"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
#define ADD(path, function) g_test_add ("/encrypted/" path, Fixture, NULL, set_up, function, tear_down)
  ADD ("body-beside", test_body_beside);
  ADD ("once", test_once);
  ADD ("anew", test_anew);
  ADD ("refused-page", test_refused_page);
  ADD ("refused-in-page", test_refused_in_page);
  ADD ("relayed", test_relayed);
  ADD ("long", test_long);
  ADD ("stranger", test_stranger);

  return g_test_run ();
}
