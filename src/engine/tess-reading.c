/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-reading.h"

#include "base/tess-source.h"
#include "engine/tess-catch-up.h"
#include "engine/tess-outbound.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-markers.h"
#include "xmpp/xep/tess-xep-mds.h"
#include "xmpp/xep/tess-xep-ping.h"
#include "xmpp/xep/tess-xep-text.h"

/* Ten messages that are read in a second are one marker. */
#define TELL_MILLISECONDS 1000
#define MAX_SAME_ID 100 /* of the messages under one stanza id so many are looked at */
#define MAX_DISPLAYED 200 /* so many messages become READ by one marker */
#define MAX_CHATS 2000 /* of what was read elsewhere and is not here yet so many chats are remembered */

/* Servers allow more or fewer items, and refuse a node that is to have more. */
static const guint max_items[] = { TESS_PEP_MAX_ITEMS_MAX, 1000, 250, 50 };

struct _TessReading
{
  TessSession *session;
  GSource     *timer;
  GHashTable  *elsewhere; /* peer -> Elsewhere */
  GHashTable  *telling;   /* a set of conversation ids that an answer is awaited for */
  GHashTable  *behind;    /* peer -> Behind: what a new device has found, while it is not known what was read elsewhere */
  gboolean     informed;  /* on this session: the server has said what it is */
  gboolean     private_nodes;
  gboolean     fetched;   /* on this session: what was read elsewhere is known */
  /* On this session: our node is as it shall be, or as far as the server goes: until then one item at a time is published, because it
   * may keep no more than one. */
  gboolean     configured;
  gboolean     short_options; /* the server does not know all of them where something is published (ejabberd 23.01) */
  gboolean     refused;       /* it takes none at all */
};

/* A chat was read on another device up to there, by one or both names of the message; NULL once that is done. */
typedef struct
{
  char    *archive_id;
  char    *stanza_id;
  gint64   time_us; /* of the marker with the stanza id */
  gboolean due;     /* the message may be here */
} Elsewhere;

/* A conversation that is taken for read whole, and up to where another of our devices says that it is; 0: it does not. */
typedef struct
{
  gint64 conversation_id;
  gint64 marked_us;
  gint64 marked_id;
} Behind;

static void
elsewhere_free (gpointer data)
{
  Elsewhere *elsewhere = data;

  g_free (elsewhere->archive_id);
  g_free (elsewhere->stanza_id);
  g_free (elsewhere);
}

/* ---- Read elsewhere ---- */

/* (transfer none) (nullable) */
static Elsewhere *
note (TessReading *self, const char *peer)
{
  Elsewhere *elsewhere = g_hash_table_lookup (self->elsewhere, peer);

  if (elsewhere == NULL && g_hash_table_size (self->elsewhere) < MAX_CHATS)
    {
      elsewhere = g_new0 (Elsewhere, 1);
      g_hash_table_insert (self->elsewhere, g_strdup (peer), elsewhere);
    }
  if (elsewhere != NULL)
    elsewhere->due = TRUE;

  return elsewhere;
}

static gboolean
read_up_to (TessReading *self, const TessMessageRecord *message, GError **error)
{
  Behind  *behind = g_hash_table_lookup (self->behind, message->peer);
  gboolean changed = FALSE;

  if (behind != NULL && message->time_us >= behind->marked_us)
    {
      behind->marked_us = message->time_us;
      behind->marked_id = message->id;
    }
  if (!tess_store_mark_read_elsewhere (self->session->store, message->conversation_id, message->time_us, message->id, &changed,
                                       error))
    return FALSE;
  if (changed)
    tess_event_queue_touch_conversation (self->session->events, message->account_id, message->peer);

  return TRUE;
}

static gboolean
settle_archived (TessReading *self, const char *peer, Elsewhere *elsewhere, GError **error)
{
  g_autoptr (TessMessageRecord) message = NULL;
  g_autoptr (GError)            find_error = NULL;

  message = tess_store_find_archived (self->session->store, self->session->account->id, elsewhere->archive_id, &find_error);
  if (find_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&find_error));
      return FALSE;
    }
  if (message == NULL)
    return TRUE;

  /* An id of another chat says nothing of this one. */
  g_clear_pointer (&elsewhere->archive_id, g_free);
  return g_strcmp0 (message->peer, peer) != 0 || read_up_to (self, message, error);
}

/* Who wrote the messages chose their ids: of several under one id the first is meant at least. */
static const TessMessageRecord *
find_first (GPtrArray *messages)
{
  const TessMessageRecord *first = NULL;

  for (guint i = 0; i < messages->len; i++)
    {
      const TessMessageRecord *message = g_ptr_array_index (messages, i);

      if (message->direction == TESS_MESSAGE_IN &&
          (first == NULL || message->time_us < first->time_us || (message->time_us == first->time_us && message->id < first->id)))
        first = message;
    }

  return first;
}

static gboolean
settle_marked (TessReading *self, const char *peer, Elsewhere *elsewhere, GError **error)
{
  g_autoptr (GPtrArray)    messages = NULL;
  const TessMessageRecord *message;

  messages = tess_store_list_by_stanza_id (self->session->store, self->session->account->id, peer, elsewhere->stanza_id,
                                           MAX_SAME_ID, error);
  if (messages == NULL)
    return FALSE;
  message = find_first (messages);
  if (message == NULL)
    return TRUE;

  g_clear_pointer (&elsewhere->stanza_id, g_free);
  return read_up_to (self, message, error);
}

gboolean
tess_reading_settle (TessReading *self, GError **error)
{
  GHashTableIter iter;
  gpointer       peer;
  gpointer       value;

  g_hash_table_iter_init (&iter, self->elsewhere);
  while (g_hash_table_iter_next (&iter, &peer, &value))
    {
      Elsewhere *elsewhere = value;

      if (!elsewhere->due)
        continue;
      elsewhere->due = FALSE;
      if ((elsewhere->archive_id != NULL && !settle_archived (self, peer, elsewhere, error)) ||
          (elsewhere->stanza_id != NULL && !settle_marked (self, peer, elsewhere, error)))
        return FALSE;
      if (elsewhere->archive_id == NULL && elsewhere->stanza_id == NULL)
        g_hash_table_iter_remove (&iter);
    }

  return TRUE;
}

static gboolean
settle_now (TessReading *self)
{
  g_autoptr (GError) error = NULL;

  if (tess_reading_settle (self, &error))
    return TRUE;

  tess_session_storage_failed (self->session, error);
  return FALSE;
}

void
tess_reading_hear (TessReading *self, const TessMessageRecord *message)
{
  Elsewhere *elsewhere;

  if (g_hash_table_size (self->elsewhere) == 0)
    return;
  elsewhere = g_hash_table_lookup (self->elsewhere, message->peer);
  if (elsewhere == NULL)
    return;

  if ((elsewhere->archive_id != NULL && g_strcmp0 (elsewhere->archive_id, message->archive_id) == 0) ||
      (elsewhere->stanza_id != NULL && g_strcmp0 (elsewhere->stanza_id, message->stanza_id) == 0))
    elsewhere->due = TRUE;
}

/* Items of our own node: whom they are from was checked. */
static void
take_items (TessReading *self, const TessPepItem *items, guint n_items)
{
  for (guint i = 0; i < n_items; i++)
    {
      const char         *id = NULL;
      g_autoptr (TessJid) chat = tess_xep_mds_get (&items[i], self->session->jid, &id);
      Elsewhere          *elsewhere = chat != NULL ? note (self, tess_jid_to_bare_string (chat)) : NULL;

      if (elsewhere == NULL)
        continue;
      g_free (elsewhere->archive_id);
      elsewhere->archive_id = g_strdup (id);
    }
}

static void
event_cb (const TessPepEvent *event, gpointer user_data)
{
  TessReading *self = user_data;

  if (event->kind != TESS_PEP_EVENT_ITEMS)
    return;
  take_items (self, event->items, event->n_items);
  settle_now (self);
}

/* ---- Markers ---- */

/* One of our own devices has displayed what @in names. Within a page it counts at its end. */
static gboolean
take_own (TessReading *self, const TessInbound *in, const char *id)
{
  Elsewhere *elsewhere = note (self, tess_jid_to_bare_string (in->to));

  if (elsewhere == NULL)
    return TRUE;
  if (elsewhere->stanza_id == NULL || elsewhere->time_us <= in->time_us)
    {
      g_free (elsewhere->stanza_id);
      elsewhere->stanza_id = g_strdup (id);
      elsewhere->time_us = in->time_us;
    }

  return in->places != NULL || settle_now (self);
}

/* The other side has displayed a message of ours, and with it all before it. */
static gboolean
take_theirs (TessReading *self, const TessInbound *in, const char *id)
{
  TessSession                  *session = self->session;
  g_autoptr (TessMessageRecord) message = NULL;
  g_autoptr (GArray)            ids = NULL;
  g_autoptr (GError)            error = NULL;

  message = tess_store_find_own (session->store, session->account->id, tess_jid_to_bare_string (in->from), id, &error);
  if (message != NULL)
    ids = tess_store_list_displayed (session->store, message->id, MAX_DISPLAYED, &error);
  if (error != NULL)
    {
      tess_session_storage_failed (session, error);
      return FALSE;
    }
  if (message == NULL)
    return TRUE;

  for (guint i = 0; i < ids->len; i++)
    if (!tess_outbound_set_state (session->outbound, g_array_index (ids, gint64, i), TESS_MESSAGE_READ, NULL))
      return FALSE;
  return tess_outbound_set_state (session->outbound, message->id, TESS_MESSAGE_READ, NULL);
}

gboolean
tess_reading_take_marker (TessReading *self, const TessInbound *in, const char *id)
{
  if (!tess_xep_text_is_id (id))
    return TRUE;
  return in->outgoing ? take_own (self, in, id) : take_theirs (self, in, id);
}

/* ---- Telling ---- */

static void tell_all (TessReading *self);

/* What is on its way. */
typedef struct
{
  TessReading *reading;
  gint64       conversation_id;
  gint64       time_us;
  gint64       message_id;
  char        *peer;
  char        *archive_id; /* nullable */
  gboolean     short_options;
  guint        attempt; /* of max_items */
} Telling;

static void
telling_free (Telling *telling)
{
  g_free (telling->peer);
  g_free (telling->archive_id);
  g_free (telling);
}

static gboolean
was_lost (const GError *error)
{
  return g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED) ||
         g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TIMEOUT);
}

/* The server has what was sent before this answer. What it does not want to keep is not sent again. */
static void
told (Telling *telling, const GError *error)
{
  TessReading       *self = telling->reading;
  g_autoptr (GError) store_error = NULL;

  g_hash_table_remove (self->telling, &telling->conversation_id);
  if (!was_lost (error))
    {
      if (error != NULL)
        g_debug ("The server does not keep what was read: %s", error->message);
      if (!tess_store_set_told (self->session->store, telling->conversation_id, telling->time_us, telling->message_id,
                                &store_error))
        tess_session_storage_failed (self->session, store_error);
      else
        tess_reading_tell_soon (self);
    }
  telling_free (telling);
}

static void
answered_cb (const TessNode *reply, const GError *error, gpointer user_data)
{
  told (user_data, error);
}

static void publish (Telling *telling);
static void configure (Telling *telling);

static void
configured_cb (const GError *error, gpointer user_data)
{
  Telling     *telling = user_data;
  TessReading *self = telling->reading;

  if (error != NULL && !was_lost (error) && telling->attempt + 1 < G_N_ELEMENTS (max_items))
    {
      telling->attempt++;
      configure (telling);
      return;
    }
  self->configured = !was_lost (error);
  told (telling, was_lost (error) ? error : NULL);
}

static void
configure (Telling *telling)
{
  TessPepOptions options = tess_xep_mds_options (max_items[telling->attempt]);

  tess_xep_pep_configure (telling->reading->session->pep, TESS_XEP_MDS_NODE, &options, configured_cb, telling);
}

static void
published_cb (const GError *error, gpointer user_data)
{
  Telling     *telling = user_data;
  TessReading *self = telling->reading;

  if (was_lost (error))
    {
      told (telling, error);
    }
  else if (error == NULL)
    {
      self->configured = self->configured || !telling->short_options;
      if (self->configured)
        told (telling, NULL);
      else
        configure (telling);
    }
  else if (!telling->short_options)
    {
      self->short_options = TRUE;
      publish (telling);
    }
  else
    {
      self->refused = TRUE;
      told (telling, error);
    }
}

/* Private, or not at all (attacks row C6). */
static void
publish (Telling *telling)
{
  TessReading   *self = telling->reading;
  TessPepOptions options = tess_xep_mds_options (max_items[0]);

  telling->short_options = self->short_options;
  if (telling->short_options)
    {
      options.max_items = 0;
      options.never_last = FALSE;
    }
  tess_xep_pep_publish (self->session->pep, TESS_XEP_MDS_NODE, telling->peer,
                        tess_xep_mds_build (self->session->jid, telling->archive_id), &options, published_cb, telling);
}

static gboolean
send_marker (TessReading *self, const char *peer, const TessMessageRecord *message)
{
  g_autoptr (TessJid) jid = NULL;

  if (message == NULL || !self->session->account->send_markers)
    return FALSE;
  jid = tess_jid_new_bare (peer, NULL);
  if (jid == NULL || !tess_session_may_answer (self->session, jid))
    return FALSE;

  tess_session_send (self->session, tess_xep_markers_build_displayed (jid, message->stanza_id));
  return TRUE;
}

static gboolean
tell (TessReading *self, const TessUntold *untold, GError **error)
{
  g_autoptr (TessMessageRecord) asks = NULL;
  g_autoptr (TessMessageRecord) archived = NULL;
  Telling                      *telling;
  gboolean                      marked;
  gboolean                      keeps;

  if (!tess_store_get_untold (self->session->store, untold, &asks, &archived, error))
    return FALSE;

  marked = send_marker (self, untold->peer, asks);
  keeps = archived != NULL && self->private_nodes && !self->refused;
  if (!marked && !keeps)
    return tess_store_set_told (self->session->store, untold->conversation_id, untold->read_us, untold->read_id, error);

  telling = g_new0 (Telling, 1);
  telling->reading = self;
  telling->conversation_id = untold->conversation_id;
  telling->time_us = untold->read_us;
  telling->message_id = untold->read_id;
  telling->peer = g_strdup (untold->peer);
  telling->archive_id = keeps ? g_strdup (archived->archive_id) : NULL;
  g_hash_table_add (self->telling, g_memdup2 (&telling->conversation_id, sizeof telling->conversation_id));
  /* An answer to what is sent behind the marker says that the server has that, too. */
  if (keeps)
    publish (telling);
  else
    tess_xep_ping_send (self->session->router, NULL, 0, answered_cb, telling);

  return TRUE;
}

/* Not before it is known what was read elsewhere, nor before the archive has told what there is. */
static gboolean
may_tell (TessReading *self)
{
  return tess_session_is_online (self->session) && self->informed && self->fetched &&
         tess_catch_up_is_done (self->session->catch_up);
}

static void
tell_all (TessReading *self)
{
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GError)    error = NULL;

  if (!may_tell (self))
    return;

  all = tess_store_list_untold (self->session->store, self->session->account->id, &error);
  for (guint i = 0; error == NULL && i < all->len; i++)
    {
      const TessUntold *untold = g_ptr_array_index (all, i);

      if (!self->configured && g_hash_table_size (self->telling) > 0)
        break;
      if (!g_hash_table_contains (self->telling, &untold->conversation_id))
        tell (self, untold, &error);
    }
  if (error != NULL)
    tess_session_storage_failed (self->session, error);
}

static gboolean
tell_cb (gpointer user_data)
{
  TessReading *self = user_data;

  tess_source_clear (&self->timer);
  tell_all (self);
  return G_SOURCE_REMOVE;
}

void
tess_reading_tell_soon (TessReading *self)
{
  if (self->timer == NULL)
    self->timer = tess_source_attach (g_timeout_source_new (TELL_MILLISECONDS), tell_cb, self);
}

/* ---- A new device ---- */

gboolean
tess_reading_leave_behind (TessReading *self, gint64 conversation_id, const char *peer, gint64 time_us, gint64 message_id, GError **error)
{
  if (self->fetched && g_hash_table_contains (self->elsewhere, peer))
    return TRUE;
  if (!self->fetched && !g_hash_table_contains (self->behind, peer))
    {
      Behind *behind = g_new0 (Behind, 1);

      behind->conversation_id = conversation_id;
      g_hash_table_insert (self->behind, g_strdup (peer), behind);
    }

  return tess_store_mark_read_elsewhere (self->session->store, conversation_id, time_us, message_id, NULL, error);
}

/* What was taken for read was no more than a guess. */
static gboolean
give_back (TessReading *self, const char *peer, const Behind *behind, GError **error)
{
  if (!tess_store_forget_reading (self->session->store, behind->conversation_id, error))
    return FALSE;
  tess_event_queue_touch_conversation (self->session->events, self->session->account->id, peer);
  return behind->marked_us == 0 || tess_store_mark_read_elsewhere (self->session->store, behind->conversation_id, behind->marked_us,
                                                                   behind->marked_id, NULL, error);
}

/* It is known now what was read elsewhere, and that of some chats it is less than all. */
static void
settle_behind (TessReading *self)
{
  g_autoptr (GError) error = NULL;
  GHashTableIter     iter;
  gpointer           peer;
  gpointer           behind;

  g_hash_table_iter_init (&iter, self->behind);
  while (error == NULL && g_hash_table_iter_next (&iter, &peer, &behind))
    if (g_hash_table_contains (self->elsewhere, peer) || ((const Behind *) behind)->marked_us != 0)
      give_back (self, peer, behind, &error);
  g_hash_table_remove_all (self->behind);
  if (error != NULL)
    tess_session_storage_failed (self->session, error);
}

/* ---- The session ---- */

static void
fetched_cb (const TessPepItem *items, guint n_items, const GError *error, gpointer user_data)
{
  TessReading *self = user_data;

  if (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED))
    return;

  if (error != NULL)
    g_debug ("Nothing was read elsewhere: %s", error->message);
  self->fetched = TRUE;
  take_items (self, items, n_items);
  settle_behind (self);
  if (settle_now (self))
    tell_all (self);
}

void
tess_reading_begin (TessReading *self)
{
  self->informed = FALSE;
  self->fetched = FALSE;
  self->configured = FALSE;
  self->short_options = FALSE;
  self->refused = FALSE;
  g_hash_table_remove_all (self->elsewhere);
  g_hash_table_remove_all (self->behind);
  tess_xep_pep_fetch (self->session->pep, NULL, TESS_XEP_MDS_NODE, 0, fetched_cb, self);
}

void
tess_reading_informed (TessReading *self, gboolean private_nodes)
{
  self->informed = TRUE;
  self->private_nodes = private_nodes;
  tell_all (self);
}

void
tess_reading_caught_up (TessReading *self)
{
  GHashTableIter iter;
  gpointer       elsewhere;

  /* Some of the messages that were here already may have their archive ids only now. */
  g_hash_table_iter_init (&iter, self->elsewhere);
  while (g_hash_table_iter_next (&iter, NULL, &elsewhere))
    ((Elsewhere *) elsewhere)->due = TRUE;
  if (settle_now (self))
    tell_all (self);
}

TessReading *
tess_reading_new (TessSession *session)
{
  TessReading *self = g_new0 (TessReading, 1);

  self->session = session;
  self->elsewhere = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, elsewhere_free);
  self->behind = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->telling = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  tess_xep_pep_watch (session->pep, TESS_XEP_MDS_NODE, TRUE, event_cb, self);

  return self;
}

void
tess_reading_free (TessReading *self)
{
  if (self == NULL)
    return;

  tess_source_clear (&self->timer);
  g_hash_table_unref (self->elsewhere);
  g_hash_table_unref (self->telling);
  g_hash_table_unref (self->behind);
  g_free (self);
}
