/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "writes-run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A write error or a full disk at every place where the database writes while messages come and go: the end is the same as without.
 *
 * A chapter is played without a fault first, which says how many places there are and what the end is; then with one fault at one
 * place, as often as is wanted. `--all` takes every place of every chapter with each way to go on, and one kind of fault after
 * another; `--all --kinds` each kind at each place; `--one CHAPTER POINT KIND once|stays on|restart` plays one again. */

#define MOST_LOOKS 100 /* at Bob's devices, until their keys have come */
#define SAMPLE 14 /* of each chapter, in the check */

typedef struct
{
  const char *name;
  gboolean    signed_in; /* the template has done that; else it begins without an account */
  void      (*play) (WritesRun *run);
} Chapter;

/* ---- Chapters ---- */

static guint
count (WritesRun *run, const char *text)
{
  return client_count (run->alice, text);
}

static const char *
letter (WritesRun *run, guint n)
{
  return g_ptr_array_index (run->template->letters, n - 1);
}

static TessMessageState
state (WritesRun *run, gint64 id)
{
  return client_message_state (run->alice, id);
}

static gint64
open_id (WritesRun *run, const char *peer)
{
  g_autoptr (TessConversationRecord) conversation = writes_run_open (run, peer);

  return conversation->id;
}

/* Sends, and waits until the server has it. */
static gint64
send_now (WritesRun *run, gint64 conversation, const char *text)
{
  gint64 id = writes_run_send (run, conversation, text);

  REACH (run, state (run, id) >= TESS_MESSAGE_SENT, );
  return id;
}

/* Encrypted, as all is from the moment that Bob wrote so; and Bob can read it. */
static void
answer_bob (WritesRun *run)
{
  send_now (run, open_id (run, "bob@a.test"), "my answer");
  writes_run_carry (run);
}

/* What was refused is not there; only a transaction whose last sync alone failed may be in the file when that is opened anew. */
static void
look_for_account (WritesRun *run)
{
  GHashTableIter iter;
  gpointer       id;

  if (!run->fault->restart)
    g_assert_cmpuint (g_hash_table_size (run->alice->accounts), ==, 0);
  g_hash_table_iter_init (&iter, run->alice->accounts);
  if (!g_hash_table_iter_next (&iter, &id, NULL))
    return;
  run->account = *(gint64 *) id;
  connect_with (run->alice->engine, run->account, "secret");
}

static void
add_account (WritesRun *run)
{
  g_autoptr (TessAccountRecord) account = tess_account_record_new ("alice@a.test");
  TessCredentials               credentials = { .password = (char *) "secret" };

  account->host = g_strdup ("127.0.0.1");
  account->port = session_server_get_port (run->server);
  account->tls = TESS_ACCOUNT_TLS_STARTTLS;
  account->enabled = TRUE;
  account->blind_trust = TRUE;
  while (run->account == 0)
    {
      g_autoptr (TessAccountRecord) added = NULL;
      g_autoptr (GError)            error = NULL;
      Call                          call = { NULL };

      tess_engine_add_account_async (run->alice->engine, account, &credentials, NULL, client_call_cb, &call);
      CLIENT_AWAIT (call);
      added = tess_engine_add_account_finish (run->alice->engine, call.result, &error);
      g_object_unref (call.result);
      if (added != NULL)
        run->account = added->id;
      else
        writes_run_take_refusal (run, "adding an account", error);
      if (added == NULL)
        look_for_account (run);
    }
  run->connected = TRUE;
}

static gboolean
is_announced (void)
{
  g_autofree char *list = session_server_get_item ("alice@a.test", "eu.siacs.conversations.axolotl.devicelist");

  return list != NULL && strstr (list, "<device ") != NULL;
}

static void
play_sign_in (WritesRun *run)
{
  g_autofree char *old = writes_body ("old");
  g_autofree char *older = writes_body ("older");
  g_autofree char *fresh = writes_body ("fresh");

  session_server_set_item ("alice@a.test", "eu.siacs.conversations.axolotl.devicelist", NULL);
  writes_run_archive (run, "bob@a.test/r1", "alice@a.test", older);
  writes_run_archive (run, "alice@a.test/r2", "bob@a.test", old);
  writes_run_start (run);
  tess_fault_vfs_arm (run->alice->database, run->fault->point, run->fault->kind, run->fault->stays);
  add_account (run);
  REACH (run, client_state (run->alice, run->account) == TESS_CONNECTION_ONLINE, );
  REACH (run, count (run, "old") == 1, );
  REACH (run, client_contact (run->alice, run->account, "bob@a.test") != NULL, );
  REACH (run, is_announced (), );
  writes_run_deliver (run, "bob@a.test/r1", fresh);
  REACH (run, count (run, "fresh") == 1, );
  /* What she told the world of her keys is what she has. */
  writes_run_answer (run, "first secret");
  REACH (run, count (run, "first secret") == 1, );
  answer_bob (run);
}

/* What a person did without waiting for an answer did not happen: once that is the fault's doing. */
static void
do_again (WritesRun *run, guint *tries)
{
  g_assert_cmpuint ((*tries)++, ==, 0);
  if (!run->mended)
    writes_run_mend (run);
}

static void
set_draft (WritesRun *run, const char *peer, const char *draft)
{
  guint tries = 0;

  for (;;)
    {
      g_autoptr (TessConversationRecord) conversation = writes_run_open (run, peer);
      g_autoptr (TessConversationRecord) after = NULL;

      tess_engine_set_draft (run->alice->engine, conversation->id, draft);
      writes_run_quiet (run);
      after = writes_run_open (run, peer);
      if (g_strcmp0 (after->draft, draft) == 0)
        return;
      do_again (run, &tries);
    }
}

static void
mark_read (WritesRun *run, const char *peer, const char *text)
{
  guint tries = 0;

  for (;;)
    {
      g_autoptr (TessConversationRecord) conversation = writes_run_open (run, peer);
      g_autoptr (TessConversationRecord) after = NULL;
      const TessMessageRecord           *message = client_find (run->alice, text);

      tess_engine_mark_read (run->alice->engine, conversation->id, message->time_us, message->id);
      writes_run_quiet (run);
      after = writes_run_open (run, peer);
      if (after->unread == 0)
        return;
      do_again (run, &tries);
    }
}

static void
play_receive (WritesRun *run)
{
  g_autofree char *hello = writes_body ("hello");
  g_autofree char *copied = writes_body ("copied");
  g_autofree char *elsewhere = writes_body ("elsewhere");
  g_autofree char *between = writes_body ("between");
  g_autofree char *good_bye = writes_body ("good bye");

  writes_run_start (run);
  writes_run_connect (run);
  writes_run_deliver (run, "bob@a.test/r1", hello);
  REACH (run, count (run, "hello") == 1, );
  writes_run_deliver (run, "bob@a.test/r1", letter (run, 1));
  REACH (run, count (run, "letter 1") == 1, );
  writes_run_carbon (run, FALSE, "carol@c.test/r1", copied);
  REACH (run, count (run, "copied") == 1, );
  writes_run_carbon (run, TRUE, "carol@c.test", elsewhere);
  REACH (run, count (run, "elsewhere") == 1, );
  /* In one go. */
  writes_run_deliver (run, "bob@a.test/r1", letter (run, 2));
  writes_run_deliver (run, "bob@a.test/r1", between);
  writes_run_deliver (run, "bob@a.test/r1", letter (run, 3));
  REACH (run, count (run, "letter 3") == 1, );
  session_server_request (run->server, "dan@d.test");
  REACH (run, client_contact (run->alice, run->account, "dan@d.test") != NULL, );
  set_draft (run, "bob@a.test", "not yet");
  mark_read (run, "bob@a.test", "letter 3");
  writes_run_deliver (run, "bob@a.test/r1", letter (run, 4));
  REACH (run, count (run, "letter 4") == 1, );
  writes_run_restart (run);
  writes_run_deliver (run, "bob@a.test/r1", good_bye);
  REACH (run, count (run, "good bye") == 1, );
  writes_run_deliver (run, "bob@a.test/r1", letter (run, 5));
  REACH (run, count (run, "letter 5") == 1, );
  answer_bob (run);
}

static void
play_archive (WritesRun *run)
{
  g_autofree char *plain = writes_body ("plain");
  g_autofree char *mine = writes_body ("mine");
  g_autofree char *carols = writes_body ("Carol's");
  g_autofree char *last = writes_body ("last");

  session_server_set_pages (run->server, 3, 0);
  writes_run_archive (run, "bob@a.test/r1", "alice@a.test", plain);
  writes_run_archive (run, "bob@a.test/r1", "alice@a.test", letter (run, 1));
  writes_run_archive (run, "alice@a.test/r2", "carol@c.test", mine);
  writes_run_archive (run, "bob@a.test/r1", "alice@a.test", letter (run, 2));
  writes_run_archive (run, "carol@c.test/r1", "alice@a.test", carols);
  writes_run_archive (run, "bob@a.test/r1", "alice@a.test", letter (run, 3));
  writes_run_archive (run, "bob@a.test/r1", "alice@a.test", letter (run, 4));
  writes_run_archive (run, "bob@a.test/r1", "alice@a.test", last);
  writes_run_start (run);
  writes_run_connect (run);
  REACH (run, count (run, "last") == 1, );
  writes_run_deliver (run, "bob@a.test/r1", letter (run, 5));
  REACH (run, count (run, "letter 5") == 1, );
  answer_bob (run);
}

static void
set_encryption (WritesRun *run, const char *peer, TessConversationEncryption encryption)
{
  guint tries = 0;

  for (;;)
    {
      g_autoptr (TessConversationRecord) after = NULL;

      tess_engine_set_encryption (run->alice->engine, open_id (run, peer), encryption);
      writes_run_quiet (run);
      after = writes_run_open (run, peer);
      if (after->encryption == encryption)
        return;
      do_again (run, &tries);
    }
}

static char *
stanza_id_of (WritesRun *run, const char *text)
{
  return g_strdup (client_find (run->alice, text)->stanza_id);
}

static void
bounce (WritesRun *run, const char *text)
{
  g_autofree char *id = stanza_id_of (run, text);
  g_autofree char *xml = g_strdup_printf ("<message from='carol@c.test' type='error' id='%s'><error type='cancel'>"
                                          "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", id);

  session_server_send (run->server, xml);
}

/* A server does not keep what says that something failed: it is said again when the session was lost with it. */
static void
bounce_again (WritesRun *run, gint64 id)
{
  writes_run_quiet (run);
  if (state (run, id) != TESS_MESSAGE_FAILED)
    bounce (run, "bounced");
}

static void
play_send (WritesRun *run)
{
  g_autofree char *receipt = NULL;
  g_autofree char *id = NULL;
  gint64           to_bob;
  gint64           to_carol;
  gint64           last;
  gint64           failing;

  writes_run_start (run);
  to_bob = open_id (run, "bob@a.test");
  to_carol = open_id (run, "carol@c.test");
  set_encryption (run, "bob@a.test", TESS_CONVERSATION_ENCRYPTED);
  set_encryption (run, "carol@c.test", TESS_CONVERSATION_PLAIN);
  writes_run_send (run, to_carol, "offline 1");
  writes_run_send (run, to_bob, "offline secret 1");
  writes_run_send (run, to_bob, "offline secret 2");
  last = writes_run_send (run, to_carol, "offline 2");
  writes_run_connect (run);
  REACH (run, state (run, last) == TESS_MESSAGE_SENT, );
  send_now (run, to_bob, "secret 3");
  last = send_now (run, to_bob, "secret 4");
  writes_run_answer (run, "Bob's secret");
  REACH (run, count (run, "Bob's secret") == 1, );
  send_now (run, to_bob, "secret 5");
  id = stanza_id_of (run, "secret 4");
  receipt = g_strdup_printf ("<received xmlns='urn:xmpp:receipts' id='%s'/>", id);
  writes_run_deliver (run, "bob@a.test/r1", receipt);
  REACH (run, state (run, last) == TESS_MESSAGE_DELIVERED, );
  failing = send_now (run, to_carol, "bounced");
  bounce (run, "bounced");
  REACH (run, state (run, failing) == TESS_MESSAGE_FAILED, bounce_again (run, failing));
  tess_engine_retry (run->alice->engine, failing);
  REACH (run, state (run, failing) == TESS_MESSAGE_SENT, tess_engine_retry (run->alice->engine, failing));
  writes_run_restart (run);
  send_now (run, to_bob, "secret 6");
  send_now (run, to_carol, "end");
}

/* The trust of Bob's device, or -1; its id goes to @device. */
static int
look_at_device (WritesRun *run, guint32 *device)
{
  g_autoptr (GError)    error = NULL;
  g_autoptr (GPtrArray) devices = NULL;
  Call                  call = { NULL };
  int                   trust = -1;

  tess_engine_load_devices_async (run->alice->engine, run->account, "bob@a.test", NULL, client_call_cb, &call);
  CLIENT_AWAIT (call);
  devices = tess_engine_load_devices_finish (run->alice->engine, call.result, &error);
  g_object_unref (call.result);
  g_assert_no_error (error);
  for (guint i = 0; i < devices->len; i++)
    {
      const TessDeviceRecord *record = g_ptr_array_index (devices, i);

      *device = record->id;
      if (record->fingerprint != NULL)
        trust = record->trust;
    }
  return trust;
}

static void
set_trust (WritesRun *run, guint32 device, TessTrust trust)
{
  gboolean done = FALSE;

  while (!done)
    {
      g_autoptr (GError) error = NULL;
      Call               call = { NULL };

      tess_engine_set_trust_async (run->alice->engine, run->account, "bob@a.test", device, trust, NULL, client_call_cb, &call);
      CLIENT_AWAIT (call);
      done = tess_engine_set_trust_finish (run->alice->engine, call.result, &error);
      g_object_unref (call.result);
      if (!done)
        writes_run_take_refusal (run, "trusting a device", error);
    }
}

static void
change_device (WritesRun *run, guint32 device, TessDeviceAction action, const char *label)
{
  gboolean done = FALSE;

  while (!done)
    {
      g_autoptr (GError) error = NULL;
      Call               call = { NULL };

      tess_engine_change_device_async (run->alice->engine, run->account, "bob@a.test", device, action, label, NULL, client_call_cb,
                                       &call);
      CLIENT_AWAIT (call);
      done = tess_engine_change_device_finish (run->alice->engine, call.result, &error);
      g_object_unref (call.result);
      if (!done)
        writes_run_take_refusal (run, "changing a device", error);
    }
}

static void
push_devices (WritesRun *run, guint32 device)
{
  g_autofree char *list = g_strdup_printf ("<list xmlns='eu.siacs.conversations.axolotl'><device id='%u'/><device id='4711'/></list>", device);
  g_autofree char *event = g_strdup_printf (
    "<message from='bob@a.test' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'>"
    "<items node='eu.siacs.conversations.axolotl.devicelist'><item id='current'>%s</item></items></event></message>", list);

  session_server_set_item ("bob@a.test", "eu.siacs.conversations.axolotl.devicelist", list);
  session_server_send (run->server, event);
}

static void
play_trust (WritesRun *run)
{
  guint32 device = 0;
  gint64  to_bob;

  writes_run_start (run);
  writes_run_connect (run);
  to_bob = open_id (run, "bob@a.test");
  set_encryption (run, "bob@a.test", TESS_CONVERSATION_ENCRYPTED);
  for (guint i = 0; look_at_device (run, &device) < 0; i++)
    {
      g_assert_cmpuint (i, <, MOST_LOOKS);
      writes_run_quiet (run);
    }
  send_now (run, to_bob, "blindly");
  set_trust (run, device, TESS_TRUST_VERIFIED);
  send_now (run, to_bob, "verified");
  change_device (run, device, TESS_DEVICE_RENAME, "Bob's laptop");
  set_trust (run, device, TESS_TRUST_DISTRUSTED);
  set_trust (run, device, TESS_TRUST_VERIFIED);
  /* Bob takes the prekey that was used out of his bundle; else the new session meets the same one once in a hundred times. */
  writes_run_carry (run);
  SESSION_WAIT (session_server_has (run->bobs, "<publish node='eu.siacs.conversations.axolotl.bundles"));
  change_device (run, device, TESS_DEVICE_RESET_SESSION, NULL);
  send_now (run, to_bob, "anew");
  push_devices (run, device);
  writes_run_quiet (run);
  writes_run_answer (run, "Bob's answer");
  REACH (run, count (run, "Bob's answer") == 1, );
  send_now (run, to_bob, "trusted");
}

static const Chapter chapters[] = {
  { "sign-in", FALSE, play_sign_in }, { "receive", TRUE, play_receive }, { "archive", TRUE, play_archive },
  { "send", TRUE, play_send },        { "trust", TRUE, play_trust },
};

/* ---- Playing ---- */

static char *
play (const Template *template, const Chapter *chapter, const WritesFault *fault)
{
  WritesRun *run = writes_run_new (template, chapter->signed_in, fault);

  chapter->play (run);
  return writes_run_end (run);
}

static char *
describe (const Chapter *chapter, const WritesFault *fault)
{
  return g_strdup_printf ("%s %u %s %s %s", chapter->name, fault->point, tess_fault_kind_to_string (fault->kind),
                          fault->stays ? "stays" : "once", fault->restart ? "restart" : "on");
}

/* What a chapter comes to without a fault: its end, and the name of each point. */
typedef struct
{
  char      *end;
  GPtrArray *points;
} Expected;

static void
expected_clear (Expected *self)
{
  g_clear_pointer (&self->end, g_free);
  g_clear_pointer (&self->points, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Expected, expected_clear)

static void
play_faultless (const Template *template, const Chapter *chapter, Expected *expected)
{
  static const WritesFault none = { 0 };

  expected->end = play (template, chapter, &none);
  expected->points = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 1; i <= tess_fault_vfs_count (); i++)
    g_ptr_array_add (expected->points, tess_fault_vfs_name (i));
}

static void
play_with_fault (const Template *template, const Chapter *chapter, const Expected *expected, const WritesFault *fault)
{
  g_autofree char *what = describe (chapter, fault);
  g_autofree char *end = NULL;

  g_print ("# %s\n", what);
  end = play (template, chapter, fault);
  if (!g_str_equal (end, expected->end))
    {
      g_print ("# expected:\n%s# got:\n%s", expected->end, end);
      g_error ("another end with a fault: %s", what);
    }
}

/* ---- The sample of the check: by chance, and each kind of point at least once ---- */

static guint
choose_point (const Expected *expected, GHashTable *seen)
{
  guint n = expected->points->len;
  guint first = (guint) g_test_rand_int_range (0, (gint32) n);

  for (guint i = 0; i < n; i++)
    {
      guint point = (first + i) % n;

      if (g_hash_table_add (seen, g_strdup (g_ptr_array_index (expected->points, point))))
        return point + 1;
    }
  return first + 1;
}

static void
test_chapter (gconstpointer data)
{
  const Chapter         *chapter = data;
  Template              *template = writes_template_new ();
  g_auto (Expected)      expected = { NULL };
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  play_faultless (template, chapter, &expected);
  g_test_message ("%s: %u points\n%s", chapter->name, expected.points->len, expected.end);
  for (guint i = 0; i < SAMPLE; i++)
    {
      WritesFault fault = { .point = choose_point (&expected, seen) };

      fault.kind = (TessFaultKind) g_test_rand_int_range (0, TESS_FAULT_KINDS);
      fault.stays = g_test_rand_bit ();
      fault.restart = g_test_rand_bit ();
      play_with_fault (template, chapter, &expected, &fault);
    }
  writes_template_free (template);
}

/* ---- By hand ---- */

static const Chapter *
find_chapter (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (chapters); i++)
    if (g_strcmp0 (chapters[i].name, name) == 0)
      return &chapters[i];
  g_error ("no such chapter: %s", name);
}

/* FALSE when it is not a case, in words as describe () writes them. */
static gboolean
read_case (const char *line, const Chapter **chapter, WritesFault *fault)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);

  if (g_strv_length (words) != 5)
    return FALSE;
  *chapter = find_chapter (words[0]);
  fault->point = (guint) g_ascii_strtoull (words[1], NULL, 10);
  for (fault->kind = 0; !g_str_equal (tess_fault_kind_to_string (fault->kind), words[2]); fault->kind++)
    g_assert_cmpint (fault->kind, <, TESS_FAULT_KINDS - 1);
  fault->stays = g_str_equal (words[3], "stays");
  fault->restart = g_str_equal (words[4], "restart");
  return TRUE;
}

/* Plays the cases that stand on stdin, a line each. */
static int
play_lines (void)
{
  Template *template = writes_template_new ();
  Expected  expected[G_N_ELEMENTS (chapters)] = { { NULL } };
  char      line[256];

  while (fgets (line, sizeof line, stdin) != NULL)
    {
      const Chapter *chapter;
      WritesFault    fault;
      Expected      *end;

      if (!read_case (g_strchomp (line), &chapter, &fault))
        continue;
      end = &expected[chapter - chapters];
      if (end->end == NULL)
        play_faultless (template, chapter, end);
      play_with_fault (template, chapter, end, &fault);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (chapters); i++)
    if (expected[i].end != NULL)
      expected_clear (&expected[i]);
  writes_template_free (template);
  return 0;
}

/* ---- All of them: in processes of their own, so that one that fails does not end the others ---- */

#define BATCH 200

static void
add_cases (GPtrArray *cases, const Chapter *chapter, guint points, gboolean each_kind)
{
  for (guint point = 1; point <= points; point++)
    for (guint way = 0; way < 4; way++)
      for (guint kind = 0; kind < (each_kind ? TESS_FAULT_KINDS : 1); kind++)
        {
          WritesFault fault = { .point = point, .stays = way & 1, .restart = (way & 2) != 0 };

          fault.kind = (TessFaultKind) ((point + way + kind) % TESS_FAULT_KINDS);
          g_ptr_array_add (cases, describe (chapter, &fault));
        }
}

/* Returns: how many cases were begun; the last of them failed if @failed. */
static guint
run_batch (const char *self, GPtrArray *cases, guint first, gboolean *failed)
{
  g_autoptr (GString)     input = g_string_new (NULL);
  g_autoptr (GError)      error = NULL;
  g_autoptr (GSubprocess) child = NULL;
  g_autofree char        *output = NULL;
  guint                   begun = 0;

  for (guint i = first; i < MIN (first + BATCH, cases->len); i++)
    g_string_append_printf (input, "%s\n", (char *) g_ptr_array_index (cases, i));
  child = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE, &error,
                            self, "--lines", NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (child, input->str, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  for (guint i = first; i < MIN (first + BATCH, cases->len); i++)
    {
      g_autofree char *line = g_strdup_printf ("# %s\n", (char *) g_ptr_array_index (cases, i));
      const char      *place = strstr (output, line);

      if (place == NULL)
        break;
      begun++;
    }
  *failed = !g_subprocess_get_successful (child);
  if (*failed)
    g_print ("%s\n", strlen (output) > 4000 ? output + strlen (output) - 4000 : output);
  return begun;
}

static int
play_all (const char *self, int argc, char **argv)
{
  g_autoptr (GPtrArray) cases = g_ptr_array_new_with_free_func (g_free);
  Template             *template = writes_template_new ();
  gboolean              each_kind = FALSE;
  gboolean              some = FALSE;
  guint                 failures = 0;

  for (int i = 0; i < argc; i++)
    each_kind = each_kind || g_str_equal (argv[i], "--kinds");
  some = argc > (each_kind ? 1 : 0);
  for (gsize i = 0; i < G_N_ELEMENTS (chapters); i++)
    {
      g_auto (Expected) expected = { NULL };
      gboolean          wanted = !some;

      for (int j = 0; j < argc; j++)
        wanted = wanted || g_str_equal (argv[j], chapters[i].name);
      if (!wanted)
        continue;
      play_faultless (template, &chapters[i], &expected);
      g_print ("%s: %u points\n", chapters[i].name, expected.points->len);
      add_cases (cases, &chapters[i], expected.points->len, each_kind);
    }
  writes_template_free (template);

  for (guint next = 0; next < cases->len;)
    {
      gboolean failed;
      guint    begun = run_batch (self, cases, next, &failed);

      g_assert_cmpuint (begun, >, 0);
      next += begun;
      failures += failed;
      if (failed)
        g_print ("FAILED: %s\n", (char *) g_ptr_array_index (cases, next - 1));
      g_print ("%u of %u\n", next, cases->len);
    }
  g_print ("%u cases, %u failed\n", cases->len, failures);
  return failures > 0;
}

static int
play_one (char **words)
{
  Template         *template = writes_template_new ();
  g_autofree char  *line = g_strjoinv (" ", words);
  g_auto (Expected) expected = { NULL };
  const Chapter    *chapter;
  WritesFault       fault;

  g_assert_true (read_case (line, &chapter, &fault));
  play_faultless (template, chapter, &expected);
  g_print ("%s", expected.end);
  for (guint i = 1; i <= expected.points->len; i++)
    g_print ("%u: %s\n", i, (char *) g_ptr_array_index (expected.points, i - 1));
  play_with_fault (template, chapter, &expected, &fault);
  writes_template_free (template);
  return 0;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* A database that refuses is warned of. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  tess_fault_vfs_install ();
  if (argc == 7 && g_str_equal (argv[1], "--one"))
    return play_one (argv + 2);
  if (argc == 2 && g_str_equal (argv[1], "--lines"))
    return play_lines ();
  if (argc >= 2 && g_str_equal (argv[1], "--all"))
    return play_all (argv[0], argc - 2, argv + 2);

  for (gsize i = 0; i < G_N_ELEMENTS (chapters); i++)
    {
      g_autofree char *path = g_strconcat ("/writes/", chapters[i].name, NULL);

      g_test_add_data_func (path, &chapters[i], test_chapter);
    }
  return g_test_run ();
}
