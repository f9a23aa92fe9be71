/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "bench.h"

#include "../omemo/omemo-world.h"
#include "base/tess-thread.h"
#include "engine/tess-inbound.h"
#include "omemo/tess-omemo-signal-private.h"
#include "store/tess-store-omemo.h"
#include "store/tess-store-private.h"

#include <signal/protocol.h>
#include <signal/session_cipher.h>

#include <math.h>
#include <string.h>

/* Messages of one device out of the archive, decrypted and stored page by page in transactions by the real engine on a real
 * file, against libsignal alone, which decrypts the same keys over a session in memory. */

#define MESSAGES 2000
#define PAGE 100
#define ROUNDS 9

#define ALICE "alice@a.test"
#define BOB "bob@b.test"

typedef struct
{
  World     *world;
  Client    *bob;
  char      *folder;
  char      *base; /* the database before the first of the messages */
  TessJid   *jid;
  TessOmemo *omemo;
  gint64     account_id;
  guint32    device;
  guint      answers;
  GPtrArray *messages; /* of TessNode */
  GPtrArray *keys;     /* of GBytes: what libsignal is given */
  gint64     now_us;
} Fixture;

/* ---- Alice in Bob's world ---- */

static void
transport_fetch (gpointer data, TessJid *jid, const char *node, TessOmemoFetchedFunc done, gpointer user_data)
{
  done (world_node (((Fixture *) data)->world, jid, node), NULL, user_data);
}

static void
transport_publish (gpointer data, const char *node, const char *item_id, TessNode *payload, TessOmemoPublishedFunc done,
                   gpointer user_data)
{
  Fixture *self = data;

  world_set_node (self->world, self->jid, node, payload);
  done (NULL, user_data);
}

static void
transport_send_empty (gpointer data, TessJid *jid, TessNode *encrypted)
{
  Fixture *self = data;

  g_assert_cmpint (client_receive (self->bob, self->jid, encrypted), ==, -1);
  self->answers++;
  tess_node_free (encrypted);
}

static gboolean
transport_may_answer (gpointer data, TessJid *jid)
{
  return TRUE;
}

static gboolean
transport_is_online (gpointer data)
{
  return TRUE;
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

/* Bob's first message begins the session, Alice's answer settles it: what follows are plain steps of a chain. */
static void
exchange (Fixture *self, TessStore *store)
{
  g_autoptr (TessNode) first = NULL;
  g_autoptr (GError)   error = NULL;
  TessOmemoPlain       plain;
  gboolean             prepared = FALSE;

  tess_omemo_prepare_async (self->bob->omemo, &self->jid, 1, NULL, prepared_cb, &prepared);
  while (!prepared)
    g_main_context_iteration (NULL, TRUE);
  first = client_encrypt (self->bob, self->jid, "first", NULL, &error);
  g_assert_no_error (error);
  tess_store_begin (store, &error);
  tess_omemo_decrypt (self->omemo, self->bob->jid, first, g_get_real_time (), &plain, &error);
  g_assert_no_error (error);
  tess_omemo_plain_clear (&plain);
  tess_store_commit (store, &error);
  tess_omemo_settle (self->omemo);
  g_assert_cmpuint (self->answers, ==, 1);
}

static void
write_messages (Fixture *self)
{
  for (guint i = 0; i < MESSAGES; i++)
    {
      g_autoptr (GError)               error = NULL;
      g_autoptr (TessOmemoWireMessage) wire = NULL;
      g_autofree char                 *text = g_strdup_printf ("The %u. time: shall we meet and walk along the river at five?", i);
      g_autofree char                 *id = g_strdup_printf ("m-%08x-4711", i);
      TessNode                        *message = tess_node_new ("message", "jabber:client");
      TessNode                        *encrypted = client_encrypt (self->bob, self->jid, text, NULL, &error);

      g_assert_no_error (error);
      tess_node_set (message, "from", BOB "/phone");
      tess_node_set (message, "to", ALICE);
      tess_node_set (message, "type", "chat");
      tess_node_set (message, "id", id);
      tess_node_append (message, encrypted);
      g_ptr_array_add (self->messages, message);

      wire = tess_omemo_axolotl_parse_message (encrypted, self->device, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (wire->keys->len, ==, 1);
      g_assert_false (((TessOmemoWireKey *) g_ptr_array_index (wire->keys, 0))->prekey);
      g_ptr_array_add (self->keys, g_bytes_ref (((TessOmemoWireKey *) g_ptr_array_index (wire->keys, 0))->data));
    }
}

static void
fixture_init (Fixture *self)
{
  static const TessOmemoTransport  transport = { .fetch = transport_fetch,
                                                 .publish = transport_publish,
                                                 .send_empty = transport_send_empty,
                                                 .may_answer = transport_may_answer,
                                                 .is_online = transport_is_online };
  static const TessOmemoListener   listener = { 0 };
  g_autoptr (TessAccountRecord)    account = tess_account_record_new (ALICE);
  g_autoptr (GError)               error = NULL;
  TessOmemoDb                     *db;
  TessStore                       *store;

  self->world = world_new ();
  self->world->manual = TRUE;
  self->bob = world_join (self->world, BOB);
  self->folder = bench_folder_new ();
  self->base = g_build_filename (self->folder, "base.db", NULL);
  self->jid = tess_jid_new_bare (ALICE, NULL);
  self->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_node_free);
  self->keys = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  self->now_us = g_get_real_time ();

  store = tess_store_open (self->base, &error);
  g_assert_no_error (error);
  account->blind_trust = TRUE;
  account->archive_id = g_strdup ("");
  tess_store_add_account (store, account, &error);
  g_assert_no_error (error);
  self->account_id = account->id;
  db = tess_omemo_db_new (store, account->id);
  self->omemo = tess_omemo_new (self->jid, tess_omemo_db_get_table (), db, &transport, self, &listener, self);
  tess_omemo_set_blind (self->omemo, TRUE);
  tess_omemo_load (self->omemo, &error);
  g_assert_no_error (error);
  self->device = tess_omemo_get_device_id (self->omemo);
  tess_omemo_online (self->omemo);
  world_run (self->world);
  exchange (self, store);
  write_messages (self);
  tess_omemo_free (self->omemo);
  tess_omemo_db_free (db);
  tess_store_close (store);
}

static void
fixture_clear (Fixture *self)
{
  g_ptr_array_unref (self->messages);
  g_ptr_array_unref (self->keys);
  tess_jid_unref (self->jid);
  world_free (self->world);
  bench_folder_remove (self->folder);
  g_free (self->folder);
  g_free (self->base);
}

/* ---- The engine ---- */

typedef struct
{
  TessStore   *store;
  TessSession *session;
  guint        told;
} Engine;

static void
flush_cb (GPtrArray *events, gpointer user_data)
{
  for (guint i = 0; i < events->len; i++)
    {
      const TessEvent *event = g_ptr_array_index (events, i);

      if (event->type == TESS_EVENT_MESSAGES)
        ((Engine *) user_data)->told += event->messages->len;
    }
  g_ptr_array_unref (events);
}

static TessConversationRecord *
read_cb (gint64 account_id, const char *peer, gpointer user_data)
{
  return tess_store_find_conversation (((Engine *) user_data)->store, account_id, peer, NULL);
}

/* As the parser made them: the tree is taken out of its wrapper there, not copied. */
static GPtrArray *
make_page (Fixture *self, guint start)
{
  GPtrArray *page = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_inbound_archived_free);

  for (guint i = start; i < start + PAGE; i++)
    {
      g_autofree char *id = g_strdup_printf ("archived-%08u", i);
      TessMamResult    result = { .archive = self->jid,
                                  .id = id,
                                  .time_us = self->now_us + i * G_USEC_PER_SEC,
                                  .message = tess_node_copy (g_ptr_array_index (self->messages, i)) };

      g_ptr_array_add (page, tess_inbound_archived_new (&result));
    }
  return page;
}

G_NO_INLINE static double
measure_ours (Fixture *self, gboolean wall)
{
  g_autofree char           *path = g_build_filename (self->folder, "round.db", NULL);
  g_autoptr (GPtrArray)      accounts = NULL;
  g_autoptr (GPtrArray)      pages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  g_autoptr (TessEventQueue) events = NULL;
  g_autoptr (GError)         error = NULL;
  Engine                     engine = { NULL };
  BenchClock                 clock;
  double                     seconds;
  gint64                     stored = 0;

  bench_copy_file (self->base, path);
  engine.store = tess_store_open (path, &error);
  g_assert_no_error (error);
  accounts = tess_store_list_accounts (engine.store, &error);
  g_assert_no_error (error);
  events = tess_event_queue_new (flush_cb, read_cb, &engine);
  engine.session = tess_session_new (engine.store, events, NULL, tess_account_record_copy (g_ptr_array_index (accounts, 0)),
                                     &error);
  g_assert_no_error (error);
  tess_omemo_begin_catch_up (engine.session->omemo);

  for (guint i = 0; i < MESSAGES; i += PAGE)
    g_ptr_array_add (pages, make_page (self, i));
  bench_start (&clock);
  for (guint i = 0; i < pages->len; i++)
    {
      TessInboundPage page;

      tess_inbound_page_init (&page, G_MININT64, G_MAXINT64);
      g_assert_true (tess_inbound_take_page (engine.session, g_ptr_array_index (pages, i), &page, TRUE));
      tess_inbound_page_clear (&page);
      g_ptr_array_set_size (g_ptr_array_index (pages, i), 0);
      tess_event_queue_flush (events);
    }
  seconds = wall ? bench_wall_seconds (&clock) : bench_cpu_seconds (&clock);

  g_assert_cmpuint (engine.told, ==, MESSAGES);
  tess_store_number (engine.store, "SELECT count (*) FROM messages WHERE encryption = 1 AND text LIKE 'The %'", &stored, &error);
  g_assert_cmpint (stored, ==, MESSAGES);
  tess_session_free (engine.session);
  tess_store_close (engine.store);
  return MESSAGES / seconds;
}

/* ---- The limit ---- */

typedef struct
{
  TessOmemoSignal               *signal;
  signal_protocol_store_context *context;
  GBytes                        *begin; /* the session in the database */
  guint8                        *session;
  gsize                          length;
} Bare;

static int
bare_load_cb (signal_buffer **record, signal_buffer **user_record, const signal_protocol_address *address, void *data)
{
  Bare *self = data;

  *record = signal_buffer_create (self->session, self->length);
  return 1;
}

static int
bare_store_cb (const signal_protocol_address *address, uint8_t *record, size_t length, uint8_t *user_record,
               size_t user_length, void *data)
{
  Bare *self = data;

  self->session = g_realloc (self->session, length);
  self->length = length;
  memcpy (self->session, record, length);
  return SG_SUCCESS;
}

static int
bare_contains_cb (const signal_protocol_address *address, void *data)
{
  return 1;
}

static int
bare_is_trusted_cb (const signal_protocol_address *address, uint8_t *key, size_t length, void *data)
{
  return 1;
}

static int
bare_save_identity_cb (const signal_protocol_address *address, uint8_t *key, size_t length, void *data)
{
  return SG_SUCCESS;
}

static void
bare_init (Bare *self, Fixture *fixture)
{
  const signal_protocol_session_store      sessions = { .load_session_func = bare_load_cb,
                                                        .store_session_func = bare_store_cb,
                                                        .contains_session_func = bare_contains_cb,
                                                        .user_data = self };
  const signal_protocol_identity_key_store identities = { .save_identity = bare_save_identity_cb,
                                                          .is_trusted_identity = bare_is_trusted_cb,
                                                          .user_data = self };
  g_autoptr (GError) error = NULL;
  TessStore         *store = tess_store_open (fixture->base, &error);

  g_assert_no_error (error);
  tess_store_omemo_load_session (store, fixture->account_id, BOB, tess_omemo_get_device_id (fixture->bob->omemo), &self->begin,
                                 &error);
  g_assert_no_error (error);
  g_assert_nonnull (self->begin);
  tess_store_close (store);
  /* For its crypto provider, which is ours. */
  self->signal = tess_omemo_signal_new (&fake_store_table, NULL);
  signal_protocol_store_context_create (&self->context, self->signal->context);
  signal_protocol_store_context_set_session_store (self->context, &sessions);
  signal_protocol_store_context_set_identity_key_store (self->context, &identities);
}

G_NO_INLINE static double
measure_bare (Bare *self, Fixture *fixture, gboolean wall)
{
  signal_protocol_address address = { BOB, strlen (BOB), (int32_t) tess_omemo_get_device_id (fixture->bob->omemo) };
  session_cipher         *cipher = NULL;
  BenchClock              clock;
  double                  seconds;

  self->length = g_bytes_get_size (self->begin);
  self->session = g_realloc (self->session, self->length);
  memcpy (self->session, g_bytes_get_data (self->begin, NULL), self->length);
  g_assert_cmpint (session_cipher_create (&cipher, self->context, &address, self->signal->context), >=, 0);
  bench_start (&clock);
  for (guint i = 0; i < fixture->keys->len; i++)
    {
      GBytes         *key = g_ptr_array_index (fixture->keys, i);
      signal_message *message = NULL;
      signal_buffer  *plain = NULL;

      if (signal_message_deserialize (&message, g_bytes_get_data (key, NULL), g_bytes_get_size (key), self->signal->context) < 0
          || session_cipher_decrypt_signal_message (cipher, message, NULL, &plain) < 0)
        g_error ("libsignal does not decrypt message %u", i);
      signal_buffer_bzero_free (plain);
      SIGNAL_UNREF (message);
    }
  seconds = wall ? bench_wall_seconds (&clock) : bench_cpu_seconds (&clock);
  session_cipher_free (cipher);
  return fixture->keys->len / seconds;
}

static void
bare_clear (Bare *self)
{
  signal_protocol_store_context_destroy (self->context);
  tess_omemo_signal_free (self->signal);
  g_bytes_unref (self->begin);
  g_free (self->session);
}

/* Wall time holds the waiting for the disk as well, and whatever else the machine does. */
static void
measure (Fixture *fixture, Bare *bare, gboolean wall)
{
  g_autoptr (GArray) ours = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) limits = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) ratios = g_array_new (FALSE, FALSE, sizeof (double));
  BenchResult        result = { wall ? "omemo-decrypt-and-store" : "omemo-decrypt-and-store-cpu", .unit = "messages/s",
                                .target = BENCH_RATIO_AT_LEAST, .limit = 0.6 };

  for (guint round = 0; round < bench_rounds (ROUNDS); round++)
    {
      double limit = measure_bare (bare, fixture, wall);
      double value = measure_ours (fixture, wall);
      double ratio = value / limit;

      g_array_append_val (limits, limit);
      g_array_append_val (ours, value);
      g_array_append_val (ratios, ratio);
    }
  result.value = bench_quantile (ours, 0.5);
  result.bare = bench_quantile (limits, 0.5);
  result.ratio = bench_quantile (ratios, 0.5);
  bench_report (&result);
}

int
main (void)
{
  Fixture fixture = { 0 };
  Bare    bare = { 0 };

  tess_thread_set_role (TESS_THREAD_ENGINE);
  fixture_init (&fixture);
  bare_init (&bare, &fixture);
  measure (&fixture, &bare, TRUE);
  measure (&fixture, &bare, FALSE);
  bare_clear (&bare);
  fixture_clear (&fixture);
  return 0;
}
