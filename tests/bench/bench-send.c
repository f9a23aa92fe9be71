/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "bench.h"

#include "../engine/session-server.h"
#include "../omemo/omemo-world.h"
#include "base/tess-thread.h"
#include "engine/tess-engine.h"
#include "store/tess-store-private.h"

#include <dlfcn.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* From tess_engine_send_async() to the write on the socket, encrypted to five devices of the other side: the row of the message and
 * the stanza with its ratchets are both on the disk by then. The limit: libsignal's five steps over sessions in memory, two
 * transactions of one row each in the same database, and a write. */

#define MESSAGES 200
#define ROUNDS 3
#define DEVICES 5
#define ENOUGH_BYTES 1000 /* no acknowledgement is so large, and no message to five devices so small */

#define ALICE "alice@a.test"
#define BOB "bob@b.test"

/* ---- The socket ---- */

static gint64 written_ns; /* atomic by its use: -1: armed, 0: nobody waits */

static void
note_write (ssize_t length)
{
  if (length >= ENOUGH_BYTES && __atomic_load_n (&written_ns, __ATOMIC_ACQUIRE) == -1 &&
      tess_thread_get_role () == TESS_THREAD_ENGINE)
    __atomic_store_n (&written_ns, bench_now_ns (), __ATOMIC_RELEASE);
}

/* In the place of libc's, for GIO too. */
ssize_t
sendmsg (int fd, const struct msghdr *message, int flags)
{
  static ssize_t (*real) (int, const struct msghdr *, int);
  ssize_t sent;

  if (real == NULL)
    real = dlsym (RTLD_NEXT, "sendmsg");
  sent = real (fd, message, flags);
  note_write (sent);
  return sent;
}

ssize_t
send (int fd, const void *data, size_t length, int flags)
{
  static ssize_t (*real) (int, const void *, size_t, int);
  ssize_t sent;

  if (real == NULL)
    real = dlsym (RTLD_NEXT, "send");
  sent = real (fd, data, length, flags);
  note_write (sent);
  return sent;
}

/* ---- Ours ---- */

typedef struct
{
  World         *world;
  SessionServer *server;
  char          *folder;
  TessEngine    *engine;
  gint64         account_id;
  gint64         conversation_id;
  gboolean       opened;
  gboolean       online;
  guint          sent; /* messages that the server has */
} Fixture;

static void
events_cb (GPtrArray *events, gpointer user_data)
{
  Fixture *self = user_data;

  for (guint i = 0; i < events->len; i++)
    {
      const TessEvent *event = g_ptr_array_index (events, i);

      self->opened |= event->type == TESS_EVENT_OPENED;
      if (event->type == TESS_EVENT_CONNECTION)
        self->online = event->connection->state == TESS_CONNECTION_ONLINE;
      if (event->type == TESS_EVENT_PROBLEM || event->type == TESS_EVENT_OPEN_FAILED)
        g_error ("%s", event->error->message);
      for (guint m = 0; event->type == TESS_EVENT_MESSAGES && m < event->messages->len; m++)
        {
          const TessMessageRecord *message = g_ptr_array_index (event->messages, m);

          if (message->state == TESS_MESSAGE_FAILED)
            g_error ("A message failed: %s", message->error);
          self->sent += message->state == TESS_MESSAGE_SENT && message->encryption == TESS_ENCRYPTION_OMEMO;
        }
    }
}

static void
make_bob (Fixture *self)
{
  GHashTableIter iter;
  const char    *key;
  TessNode      *payload;

  self->world = world_new ();
  self->world->manual = TRUE;
  for (guint i = 0; i < DEVICES; i++)
    world_join (self->world, BOB);
  g_hash_table_iter_init (&iter, self->world->nodes);
  while (g_hash_table_iter_next (&iter, (gpointer *) &key, (gpointer *) &payload))
    {
      g_autofree char *xml = tess_node_to_string (payload, NULL);

      session_server_set_item (BOB, strchr (key, ' ') + 1, xml);
    }
}

static void
make_account (Fixture *self, const char *path)
{
  g_autoptr (TessAccountRecord) account = tess_account_record_new (ALICE);
  g_autoptr (GError)            error = NULL;
  TessStore                    *store = tess_store_open (path, &error);

  g_assert_no_error (error);
  account->host = g_strdup ("127.0.0.1");
  account->port = session_server_get_port (self->server);
  account->tls = TESS_ACCOUNT_TLS_STARTTLS;
  account->blind_trust = TRUE;
  tess_store_add_account (store, account, &error);
  g_assert_no_error (error);
  self->account_id = account->id;
  tess_store_close (store);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessConversationRecord) conversation = NULL;
  Fixture                           *self = user_data;

  conversation = tess_engine_open_conversation_finish (self->engine, result, NULL);
  self->conversation_id = conversation->id;
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessMessageRecord) message = tess_engine_send_finish (TESS_ENGINE (source), result, NULL);

  g_assert_nonnull (message);
}

/* Milliseconds. Returns when the server has it, so that each finds the engine at rest. */
static double
send_one (Fixture *self, const char *text)
{
  guint  before = self->sent;
  gint64 start;

  __atomic_store_n (&written_ns, -1, __ATOMIC_RELEASE);
  start = bench_now_ns ();
  tess_engine_send_async (self->engine, self->conversation_id, text, NULL, sent_cb, NULL);
  SESSION_WAIT (self->sent > before);
  g_assert_cmpint (__atomic_load_n (&written_ns, __ATOMIC_ACQUIRE), >, start);
  return (double) (written_ns - start) / 1e6;
}

static void
fixture_init (Fixture *self)
{
  g_autofree char *path = NULL;
  g_autofree char *ca_file = g_build_filename (g_getenv ("TESS_TEST_CERTIFICATES"), "ca.pem", NULL);
  TessCredentials  credentials = { .password = (char *) "secret" };

  self->folder = bench_folder_new ();
  path = g_build_filename (self->folder, "tessera.db", NULL);
  make_bob (self);
  self->server = session_server_new (ALICE, NULL);
  session_server_set_roster (self->server, "<item jid='" BOB "' subscription='both'/>");
  make_account (self, path);

  tess_thread_set_role (TESS_THREAD_MAIN);
  self->engine = tess_engine_new (path, ca_file, events_cb, self);
  tess_engine_start (self->engine);
  SESSION_WAIT (self->opened);
  tess_engine_connect (self->engine, self->account_id, &credentials);
  SESSION_WAIT (self->online);
  tess_engine_open_conversation_async (self->engine, self->account_id, BOB, NULL, opened_cb, self);
  SESSION_WAIT (self->conversation_id != 0);
  tess_engine_set_encryption (self->engine, self->conversation_id, TESS_CONVERSATION_ENCRYPTED);
  send_one (self, "The first one asks for the devices and begins the sessions.");
  g_assert_cmpuint (session_server_count (self->server, "<payload>"), >, 0);
}

static void
fixture_clear (Fixture *self)
{
  tess_engine_stop (self->engine);
  g_object_unref (self->engine);
  session_server_free (self->server);
  tess_thread_set_role (TESS_THREAD_ENGINE);
  world_free (self->world);
  bench_folder_remove (self->folder);
  g_free (self->folder);
}

/* ---- The limit ---- */

typedef struct
{
  TessOmemoSignal  *signal;
  FakeStore        *memory;
  TessOmemoRatchet *ratchets[DEVICES];
  TessStore        *store;
  int               sockets[2];
} Bare;

static void
bare_init (Bare *self, Fixture *fixture)
{
  g_autofree char    *path = g_build_filename (fixture->folder, "bare.db", NULL);
  g_autoptr (GBytes)  identity = NULL;
  g_autoptr (GError)  error = NULL;

  tess_thread_set_role (TESS_THREAD_ENGINE);
  self->memory = fake_store_new ();
  self->signal = tess_omemo_signal_new (&fake_store_table, self->memory);
  identity = tess_omemo_signal_make_identity (self->signal);
  tess_omemo_signal_set_local (self->signal, 4711, identity);
  fake_store_table.begin (self->memory, NULL);
  for (guint i = 0; i < DEVICES; i++)
    {
      Client                     *bob = g_ptr_array_index (fixture->world->clients, i);
      guint32                     device = tess_omemo_get_device_id (bob->omemo);
      g_autofree char            *name = g_strdup_printf ("eu.siacs.conversations.axolotl.bundles:%u", device);
      g_autoptr (TessOmemoBundle) bundle = NULL;

      bundle = tess_omemo_axolotl_parse_bundle (world_node (fixture->world, bob->jid, name), &error);
      g_assert_no_error (error);
      self->ratchets[i] = tess_omemo_ratchet_open (self->signal, bob->jid, device, NULL, &error);
      g_assert_no_error (error);
      g_assert_true (tess_omemo_ratchet_start (self->ratchets[i], bundle, &error));
    }
  self->store = tess_store_open (path, &error);
  g_assert_no_error (error);
  tess_store_exec (self->store, "CREATE TABLE bare (id INTEGER PRIMARY KEY, text TEXT)", &error);
  g_assert_no_error (error);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, self->sockets), ==, 0);
}

static double
bare_one (Bare *self, const char *text)
{
  static const guint8 secret[32];
  char                drain[8192];
  char                stanza[4096] = { 0 };
  g_autoptr (GError)  error = NULL;
  gint64              start = bench_now_ns ();
  double              elapsed;

  for (guint i = 0; i < DEVICES; i++)
    {
      gboolean           prekey;
      g_autoptr (GBytes) key = tess_omemo_ratchet_encrypt (self->ratchets[i], secret, sizeof secret, &prekey, &error);

      g_assert_nonnull (key);
    }
  for (guint i = 0; i < 2; i++)
    {
      tess_store_begin (self->store, &error);
      tess_store_run (self->store, "INSERT INTO bare (text) VALUES (?1)", BIND (TEXT (text)), NULL, &error);
      tess_store_commit (self->store, &error);
    }
  g_assert_no_error (error);
  g_assert_cmpint (write (self->sockets[0], stanza, sizeof stanza), ==, sizeof stanza);
  elapsed = (double) (bench_now_ns () - start) / 1e6;
  g_assert_cmpint (read (self->sockets[1], drain, sizeof drain), ==, sizeof stanza);
  return elapsed;
}

static void
bare_clear (Bare *self)
{
  for (guint i = 0; i < DEVICES; i++)
    tess_omemo_ratchet_free (self->ratchets[i]);
  fake_store_table.rollback (self->memory);
  tess_omemo_signal_free (self->signal);
  fake_store_free (self->memory);
  tess_store_close (self->store);
  close (self->sockets[0]);
  close (self->sockets[1]);
}

int
main (void)
{
  Fixture            fixture = { 0 };
  Bare               bare = { 0 };
  g_autoptr (GArray) ours = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) limits = g_array_new (FALSE, FALSE, sizeof (double));

  g_assert_nonnull (g_getenv ("TESS_TEST_CERTIFICATES"));
  alarm (300); /* whatever hangs */
  fixture_init (&fixture);
  bare_init (&bare, &fixture);
  for (guint i = 0; i < bench_rounds (ROUNDS) * MESSAGES; i++)
    {
      g_autofree char *text = g_strdup_printf ("The %u. time: shall we meet and walk along the river at five?", i);
      double           limit, value;

      tess_thread_set_role (TESS_THREAD_ENGINE);
      limit = bare_one (&bare, text);
      tess_thread_set_role (TESS_THREAD_MAIN);
      value = send_one (&fixture, text);
      g_array_append_val (limits, limit);
      g_array_append_val (ours, value);
    }
  tess_thread_set_role (TESS_THREAD_ENGINE);
  bare_clear (&bare);
  tess_thread_set_role (TESS_THREAD_MAIN);
  fixture_clear (&fixture);

  bench_report (&(BenchResult){ "send-to-socket-p99", bench_quantile (ours, 0.99), "ms", bench_quantile (limits, 0.99), NAN,
                                BENCH_VALUE_BELOW, 10 });
  bench_report (&(BenchResult){ "send-to-socket-median", bench_quantile (ours, 0.5), "ms", bench_quantile (limits, 0.5), NAN,
                                BENCH_NO_TARGET, 0 });
  return 0;
}
