/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "writes-run.h"

#include <sqlite3.h>
#include <string.h>

#define STANZA_ID "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@a.test' id='%s'/>"

/* ---- Beginning ---- */

static void
set_port (Client *client, guint16 port)
{
  g_autofree char *sql = g_strdup_printf ("UPDATE accounts SET port = %u", port);

  client_exec (client, sql);
}

static Client *
client_from (const char *database, gsize length, guint16 port)
{
  Client            *self = client_new ();
  g_autoptr (GError) error = NULL;

  if (database != NULL)
    {
      g_file_set_contents_full (self->database, database, (gssize) length, G_FILE_SET_CONTENTS_NONE, 0600, &error);
      g_assert_no_error (error);
      set_port (self, port);
    }
  return self;
}

WritesRun *
writes_run_new (const Template *template, gboolean signed_in, const WritesFault *fault)
{
  WritesRun *self = g_new0 (WritesRun, 1);

  self->template = template;
  self->fault = fault;
  session_server_set_items (template->items);
  self->server = session_server_new ("alice@a.test", NULL);
  session_server_set (self->server, SESSION_SERVER_USUAL | SESSION_SERVER_KEEPS);
  session_server_set_roster (self->server, "<item jid='bob@a.test' subscription='both' name='Bob'/>");
  self->alice = client_from (signed_in ? template->alice : NULL, template->alice_length, session_server_get_port (self->server));
  self->alice->may_not_open = TRUE;
  if (signed_in)
    {
      self->account = client_number (self->alice, "SELECT id FROM accounts");
      tess_fault_vfs_arm (self->alice->database, fault->point, fault->kind, fault->stays);
    }
  return self;
}

/* ---- The fault ---- */

gboolean
writes_run_is_troubled (WritesRun *self)
{
  TessConnectionState state = client_state (self->alice, self->account);

  if (self->mended || !tess_fault_vfs_was_hit ())
    return FALSE;
  return self->alice->refusals > 0 || self->refused > 0 || self->alice->open_error != NULL ||
         (self->connected && (state == TESS_CONNECTION_WAITING || client_error (self->alice, self->account) != 0));
}

static void
connect_again (WritesRun *self)
{
  guint before = session_server_connections (self->server);
  gboolean online = client_state (self->alice, self->account) == TESS_CONNECTION_ONLINE;

  connect_with (self->alice->engine, self->account, "secret");
  if (!online)
    SESSION_WAIT (session_server_connections (self->server) > before);
  client_sync (self->alice, self->account, NULL);
}

/* What a window shows when it begins is what is stored. A transaction of which only the last sync failed may be in the file all the same
 * when that is opened anew: nobody was told of its message then, and it is there. */
static void
look_at_all (WritesRun *self)
{
  GHashTableIter iter;
  gpointer       value;

  g_hash_table_remove_all (self->alice->messages);
  g_hash_table_iter_init (&iter, self->alice->conversations);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      g_autoptr (GError)    error = NULL;
      g_autoptr (GPtrArray) page = NULL;
      Call                  call = { NULL };

      tess_engine_load_page_async (self->alice->engine, ((TessConversationRecord *) value)->id, TESS_PAGE_OLDER, G_MAXINT64,
                                   G_MAXINT64, 1000, FALSE, NULL, client_call_cb, &call);
      CLIENT_AWAIT (call);
      page = tess_engine_load_page_finish (self->alice->engine, call.result, NULL, &error);
      g_object_unref (call.result);
      g_assert_no_error (error);
      for (guint i = 0; i < page->len; i++)
        client_take_message (self->alice, g_ptr_array_index (page, i));
    }
}

/* FALSE when the database does not open. */
static gboolean
try_start (WritesRun *self)
{
  client_start (self->alice);
  if (self->alice->open_error == NULL)
    {
      look_at_all (self);
      return TRUE;
    }

  g_assert_true (tess_fault_vfs_was_hit ());
  g_assert_true (client_is_refusal (self->alice->open_error));
  g_assert_true (g_str_has_suffix (self->alice->open_error->message, "."));
  self->not_opened++;
  return FALSE;
}

static void
stop (WritesRun *self)
{
  client_stop (self->alice);
  g_clear_error (&self->alice->open_error);
  g_hash_table_remove_all (self->alice->connections);
  g_hash_table_remove_all (self->alice->accounts);
  g_hash_table_remove_all (self->alice->conversations);
}

void
writes_run_mend (WritesRun *self)
{
  gboolean restart = self->fault->restart || self->alice->open_error != NULL;

  g_assert_false (self->mended);
  self->mended = TRUE;
  /* Against a disk that stays full it is tried again, too. */
  if (self->connected && self->fault->stays && !restart)
    connect_again (self);
  if (restart && self->alice->engine != NULL)
    stop (self);
  tess_fault_vfs_lift ();
  if (restart)
    g_assert_true (try_start (self));
  if (self->connected)
    {
      connect_with (self->alice->engine, self->account, "secret");
      SESSION_WAIT (client_state (self->alice, self->account) == TESS_CONNECTION_ONLINE);
    }
}

void
writes_run_take_refusal (WritesRun *self, const char *what, GError *error)
{
  /* A request may end for what followed from the refusal, of which the person was told beside. */
  if (!(client_is_refusal (error) || self->alice->refusals > 0) || self->mended || !tess_fault_vfs_was_hit ())
    g_error ("%s: %s (%s, %d)%s", what, error->message, g_quark_to_string (error->domain), error->code,
             self->mended ? ", after the fault was lifted" : "");
  g_assert_true (g_str_has_suffix (error->message, "."));
  self->refused++;
  writes_run_mend (self);
}

/* ---- What happens ---- */

void
writes_run_start (WritesRun *self)
{
  if (!try_start (self))
    writes_run_mend (self);
}

void
writes_run_connect (WritesRun *self)
{
  self->connected = TRUE;
  connect_with (self->alice->engine, self->account, "secret");
  REACH (self, client_state (self->alice, self->account) == TESS_CONNECTION_ONLINE, );
  writes_run_quiet (self);
}

void
writes_run_restart (WritesRun *self)
{
  gboolean connected = self->connected;

  self->connected = FALSE;
  stop (self);
  writes_run_start (self);
  if (connected)
    writes_run_connect (self);
}

void
writes_run_quiet (WritesRun *self)
{
  static guint last;
  gboolean     done = FALSE;

  while (!done)
    {
      g_autofree char *id = g_strdup_printf ("id='quiet-%u'", ++last);
      g_autofree char *ping = g_strdup_printf ("<iq type='get' %s from='a.test'><ping xmlns='urn:xmpp:ping'/></iq>", id);

      if (self->connected)
        {
          session_server_send (self->server, ping);
          SESSION_WAIT (session_server_has (self->server, id) || writes_run_is_troubled (self) ||
                        client_state (self->alice, self->account) != TESS_CONNECTION_ONLINE);
        }
      done = !self->connected || session_server_has (self->server, id);
      client_sync (self->alice, self->account, NULL);
      if (writes_run_is_troubled (self))
        {
          writes_run_mend (self);
          done = !self->connected;
        }
      if (!done)
        REACH (self, client_state (self->alice, self->account) == TESS_CONNECTION_ONLINE, );
    }
}

char *
writes_body (const char *text)
{
  return g_strdup_printf ("<body>%s</body>", text);
}

static char *
stamp_now (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();

  return g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
}

/* Returns: (transfer full): the message as it stands in the archive under a new id. */
static char *
archive (WritesRun *self, const char *from, const char *to, const char *content)
{
  g_autofree char *id = g_strdup_printf ("s%u", ++self->archived);
  g_autofree char *stamp = stamp_now ();
  g_autofree char *xml =
    g_strdup_printf ("<message xmlns='jabber:client' from='%s' to='%s' type='chat' id='i-%s'>%s" STANZA_ID "</message>", from, to, id,
                     content, id);

  session_server_archive (self->server, id, stamp, xml);
  return g_steal_pointer (&xml);
}

void
writes_run_archive (WritesRun *self, const char *from, const char *to, const char *content)
{
  g_free (archive (self, from, to, content));
}

void
writes_run_deliver (WritesRun *self, const char *from, const char *content)
{
  g_autofree char *xml = archive (self, from, "alice@a.test", content);

  session_server_send (self->server, xml);
}

void
writes_run_carbon (WritesRun *self, gboolean sent, const char *peer, const char *content)
{
  const char      *kind = sent ? "sent" : "received";
  g_autofree char *xml = archive (self, sent ? "alice@a.test/r2" : peer, sent ? peer : "alice@a.test/r2", content);
  g_autofree char *carbon = g_strdup_printf ("<message from='alice@a.test' to='alice@a.test/r1'><%s xmlns='urn:xmpp:carbons:2'>"
                                             "<forwarded xmlns='urn:xmpp:forward:0'>%s</forwarded></%s></message>", kind, xml, kind);

  session_server_send (self->server, carbon);
}

TessConversationRecord *
writes_run_open (WritesRun *self, const char *peer)
{
  for (;;)
    {
      g_autoptr (GError)      error = NULL;
      Call                    call = { NULL };
      TessConversationRecord *conversation;

      tess_engine_open_conversation_async (self->alice->engine, self->account, peer, NULL, client_call_cb, &call);
      CLIENT_AWAIT (call);
      conversation = tess_engine_open_conversation_finish (self->alice->engine, call.result, &error);
      g_object_unref (call.result);
      if (conversation != NULL)
        return conversation;
      writes_run_take_refusal (self, "opening a conversation", error);
    }
}

gint64
writes_run_send (WritesRun *self, gint64 conversation, const char *text)
{
  for (;;)
    {
      g_autoptr (GError)            error = NULL;
      g_autoptr (TessMessageRecord) message = NULL;
      Call                          call = { NULL };

      tess_engine_send_async (self->alice->engine, conversation, text, NULL, client_call_cb, &call);
      CLIENT_AWAIT (call);
      message = tess_engine_send_finish (self->alice->engine, call.result, &error);
      g_object_unref (call.result);
      if (message != NULL)
        return message->id;
      writes_run_take_refusal (self, "sending", error);
      /* Whoever starts anew looks first. */
      if (client_find (self->alice, text) == NULL)
        continue;
      g_assert_true (self->fault->restart);
      return client_find (self->alice, text)->id;
    }
}

/* ---- Bob ---- */

static void
start_bob (WritesRun *self)
{
  if (self->bob != NULL)
    return;
  self->bobs = session_server_new ("bob@a.test", NULL);
  session_server_set_roster (self->bobs, "<item jid='alice@a.test' subscription='both'/>");
  self->bob = client_from (self->template->bob, self->template->bob_length, session_server_get_port (self->bobs));
  self->bobs_account = client_number (self->bob, "SELECT id FROM accounts");
  client_go_online (self->bob, self->bobs_account, self->bobs);
}

void
writes_run_carry (WritesRun *self)
{
  char *xml;

  start_bob (self);
  while ((xml = session_server_get_kept (self->server, self->carried + 1)) != NULL)
    {
      self->carried++;
      if (strstr (xml, "to='bob@a.test'") != NULL)
        session_server_send (self->bobs, xml);
      g_free (xml);
    }
  client_sync (self->bob, self->bobs_account, self->bobs);
}

void
writes_run_answer (WritesRun *self, const char *text)
{
  g_autofree char *encrypted = NULL;

  writes_run_carry (self);
  session_server_clear (self->bobs);
  client_send (self->bob, client_open (self->bob, self->bobs_account, "alice@a.test"), text);
  encrypted = writes_take_encrypted (self->bobs);
  writes_run_deliver (self, "bob@a.test/r1", encrypted);
}

/* ---- The end ---- */

/* One line a row. */
static void
dump_query (sqlite3 *db, GString *text, const char *title, const char *sql)
{
  sqlite3_stmt *statement;

  g_assert_cmpint (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL), ==, SQLITE_OK);
  while (sqlite3_step (statement) == SQLITE_ROW)
    {
      g_string_append (text, title);
      for (int i = 0; i < sqlite3_column_count (statement); i++)
        {
          const char *value = (const char *) sqlite3_column_text (statement, i);

          g_string_append_printf (text, " %s", value != NULL ? value : "-");
        }
      g_string_append_c (text, '\n');
    }
  g_assert_cmpint (sqlite3_finalize (statement), ==, SQLITE_OK);
}

static void
check_shown (sqlite3 *db, Client *client)
{
  g_autoptr (GString) stored = g_string_new ("\n");
  GHashTableIter      iter;
  gpointer            key;
  gpointer            times;

  dump_query (db, stored, "", "SELECT id, coalesce (text, '(null)') FROM messages");
  g_hash_table_iter_init (&iter, client->shown);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      g_autofree char *line = g_strdup_printf ("\n %s\n", (char *) key);

      if (strstr (stored->str, line) == NULL)
        g_error ("shown, and not stored: %s", (char *) key);
    }
  g_hash_table_iter_init (&iter, client->notified);
  while (g_hash_table_iter_next (&iter, &key, &times))
    g_assert_cmpuint (GPOINTER_TO_UINT (times), ==, 1);
}

static char *
dump (WritesRun *self)
{
  g_autoptr (GString) text = g_string_new ("");
  sqlite3            *db;

  g_assert_cmpint (sqlite3_open (self->alice->database, &db), ==, SQLITE_OK);
  dump_query (db, text, "message",
              "SELECT peer, direction, state, messages.encryption, text, error IS NOT NULL, device <> 0, sent_trust, "
              "CASE direction WHEN 0 THEN archive_id END FROM messages JOIN conversations ON conversations.id = conversation_id "
              "ORDER BY peer, time_us, messages.id");
  dump_query (db, text, "conversation", "SELECT peer, encryption, draft, unread FROM conversations ORDER BY peer");
  dump_query (db, text, "contact", "SELECT address, name, subscription, in_roster, asks FROM contacts ORDER BY address");
  dump_query (db, text, "device", "SELECT address, trust, active, key_alarm, key IS NOT NULL FROM omemo_devices "
                                  "ORDER BY address, trust, active, key IS NULL");
  dump_query (db, text, "name", "SELECT address, label FROM device_names WHERE label IS NOT NULL ORDER BY address");
  dump_query (db, text, "person", "SELECT address, blind FROM people ORDER BY address");
  dump_query (db, text, "session", "SELECT address, count (*) FROM omemo_sessions GROUP BY address");
  dump_query (db, text, "keys", "SELECT kind, count (*) FROM omemo_blobs GROUP BY kind");
  dump_query (db, text, "announced", "SELECT value = omemo_local.id FROM omemo_numbers JOIN omemo_local USING (account_id) "
                                     "WHERE name = 'announced-device-id'");
  dump_query (db, text, "outbox", "SELECT count (*) FROM outbox");
  dump_query (db, text, "accounts", "SELECT count (*), max (archive_id IS NOT NULL) FROM accounts");
  dump_query (db, text, "sound", "PRAGMA integrity_check");
  dump_query (db, text, "foreign key", "PRAGMA foreign_key_check");
  check_shown (db, self->alice);
  g_assert_cmpint (sqlite3_close (db), ==, SQLITE_OK);

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* What Alice was told of the fault: something, in sentences, and not the same again and again. */
static void
check_told (WritesRun *self)
{
  guint told = self->alice->refusals + self->refused + self->not_opened;

  if (told == 0)
    g_error ("nobody was told of the fault");
  for (guint i = 0; i < self->alice->problems->len; i++)
    {
      const char *sentence = g_ptr_array_index (self->alice->problems, i);

      g_test_message ("told: %s", sentence);
      g_assert_true (g_str_has_suffix (sentence, "."));
    }
}

/* What Bob has of Alice's is each once, readable and in the order in which it was written. */
static void
dump_bob (WritesRun *self, GString *text)
{
  sqlite3 *db;

  if (self->bob == NULL)
    return;
  writes_run_carry (self);
  client_stop (self->bob);
  g_assert_cmpint (sqlite3_open (self->bob->database, &db), ==, SQLITE_OK);
  dump_query (db, text, "Bob has", "SELECT encryption, text, error IS NOT NULL FROM messages WHERE direction = 0 "
                                   "ORDER BY time_us, id");
  g_assert_cmpint (sqlite3_close (db), ==, SQLITE_OK);
}

char *
writes_run_end (WritesRun *self)
{
  g_autoptr (GString) text = NULL;
  g_autofree char    *alices = NULL;
  gboolean            felt = self->mended || writes_run_is_troubled (self);

  /* A fault may stand in nobody's way, such as one of a checkpoint. */
  if (!self->mended && tess_fault_vfs_was_hit ())
    writes_run_mend (self);
  writes_run_quiet (self);
  writes_run_quiet (self);
  if (felt)
    check_told (self);
  client_stop (self->alice);
  tess_fault_vfs_lift ();
  alices = dump (self);
  text = g_string_new (alices);
  dump_bob (self, text);

  client_free (self->alice);
  session_server_free (self->server);
  if (self->bob != NULL)
    {
      client_free (self->bob);
      session_server_free (self->bobs);
    }
  g_free (self);
  return g_string_free (g_steal_pointer (&text), FALSE);
}
