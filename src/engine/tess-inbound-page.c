/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-inbound-private.h"

#include "engine/tess-outbound.h"
#include "engine/tess-reading.h"
#include "xmpp/xep/tess-xep-text.h"

#include <string.h>

#define JUST_NOW_US G_TIME_SPAN_MINUTE
/* Between what is known and what comes out of the archive behind it under the same stamp: as many messages as microseconds can be missing. */
#define ROOM_US 10000

TessInboundArchived *
tess_inbound_archived_new (const TessMamResult *result)
{
  TessInboundArchived *self = g_new0 (TessInboundArchived, 1);

  self->id = g_strdup (result->id);
  self->time_us = result->time_us;
  self->stamp_us = result->stamp_us;
  self->message = tess_xep_mam_result_take (result);
  self->memory = tess_node_get_memory (self->message);
  return self;
}

void
tess_inbound_archived_free (TessInboundArchived *self)
{
  g_clear_pointer (&self->from, tess_jid_unref);
  g_clear_pointer (&self->to, tess_jid_unref);
  g_free (self->id);
  tess_node_free (self->message);
  g_free (self);
}

/* ---- Pages of the archive ---- */

typedef struct
{
  gint64 floor_us;   /* what is placed must be above it; what is known and stands below it begins nothing new */
  gint64 below_us;   /* …and above what was placed last */
  gint64 placed_us;  /* the highest of the page that keeps its place, as far as it was looked at from the oldest up */
  gboolean below;    /* what is older than what is looked at, from the newest down, is below the floor */
  gint64 ceiling_us; /* …and all of the page below it */
  gint64 next_us;    /* what is placed next, from the newest down, below it */
  gint64 cleared_us; /* the person let go of what is not newer */
  gint64 moved;      /* the conversation, when a message of it was moved; or 0 */
  gint64 echo_id;    /* the first of ours that was moved up when it was met in the archive; or 0 */
  gint64 echo_us;    /* …from there */
} Bounds;

void
tess_inbound_page_init (TessInboundPage *self, gint64 older_us, gint64 newer_us)
{
  memset (self, 0, sizeof *self);
  self->older_us = older_us;
  self->newer_us = newer_us;
  self->bounds = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

void
tess_inbound_page_clear (TessInboundPage *self)
{
  g_clear_pointer (&self->bounds, g_hash_table_unref);
}

static const char *
get_archived_peer (const TessInboundArchived *result)
{
  return tess_jid_to_bare_string (result->outgoing ? result->to : result->from);
}

/* What is newer stands above what is older, even where the ends of the page do not, which are those of other conversations. */
static gboolean
find_neighbours (TessSession *session, const TessInboundPage *page, gint64 conversation_id, Bounds *bounds, GError **error)
{
  gint64 newer_us = page->newer_us;
  gint64 none;

  if (!tess_store_get_neighbours (session->store, conversation_id, page->older_us, G_MAXINT64, &bounds->floor_us, &none, error))
    return FALSE;
  bounds->floor_us = MAX (bounds->floor_us, page->older_us);
  if (bounds->floor_us != G_MININT64)
    newer_us = MAX (newer_us, bounds->floor_us + 1);
  return tess_store_get_neighbours (session->store, conversation_id, G_MININT64, newer_us, &none, &bounds->ceiling_us, error);
}

/* (transfer none) (nullable) */
static Bounds *
find_bounds (TessSession *session, TessInboundPage *page, const char *peer, GError **error)
{
  g_autoptr (TessConversationRecord) conversation = NULL;
  g_autoptr (GError)                 local_error = NULL;
  g_autofree Bounds                 *bounds = NULL;
  Bounds                            *found = g_hash_table_lookup (page->bounds, peer);

  if (found != NULL)
    return found;

  bounds = g_new0 (Bounds, 1);
  bounds->floor_us = page->older_us;
  bounds->ceiling_us = G_MAXINT64;
  conversation = tess_store_find_conversation (session->store, session->account->id, peer, &local_error);
  if (local_error != NULL ||
      !tess_store_get_cleared (session->store, session->account->id, peer, &bounds->cleared_us, &local_error) ||
      (conversation != NULL && !find_neighbours (session, page, conversation->id, bounds, &local_error)))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (session->history_days > 0)
    bounds->cleared_us = MAX (bounds->cleared_us, tess_session_now (session) - (gint64) session->history_days * G_TIME_SPAN_DAY);
  bounds->next_us = bounds->ceiling_us;
  bounds->below_us = G_MININT64;
  bounds->placed_us = G_MININT64;
  found = g_steal_pointer (&bounds);
  g_hash_table_insert (page->bounds, g_strdup (peer), found);
  return found;
}

/* What failed and was tried again went out twice under one id, and may stand in the archive twice. An id that another device of ours used for
 * something else says nothing. */
static gboolean
is_sent_again (TessSession *session, const TessInboundArchived *result, const TessMessageRecord *own)
{
  const TessNode *encrypted = tess_omemo_find_encrypted (result->message);
  const char     *body = tess_node_child_text (result->message, "body", "jabber:client");
  guint64         sid = 0;

  if (encrypted == NULL)
    return own->encryption == TESS_ENCRYPTION_NONE && body != NULL && g_strcmp0 (body, own->text) == 0;
  return tess_node_get_uint (tess_node_child (encrypted, "header", NULL), "sid", G_MAXUINT32, &sid) &&
         sid == tess_omemo_get_device_id (session->omemo);
}

/* Whether the message is one that is stored already: by the archive's id, or because this device sent it and now meets it in the
 * archive. Never by an id that the other side chose (attacks row C7). */
static gboolean
recognize (TessSession *session, TessInboundArchived *result, GError **error)
{
  g_autoptr (TessMessageRecord) own = NULL;
  g_autoptr (GError)            local_error = NULL;
  const char                   *id = tess_node_get (result->message, "id");

  if (result->id != NULL && !tess_store_find_known (session->store, session->account->id, result->id, &result->known_id,
                                                    &result->known_us, error))
    return FALSE;
  if (result->known_id != 0 || !result->outgoing || !tess_xep_text_is_id (id))
    return TRUE;

  own = tess_store_find_own (session->store, session->account->id, get_archived_peer (result), id, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (own != NULL && (own->archive_id == NULL || is_sent_again (session, result, own)))
    {
      result->known_id = own->id;
      result->known_us = own->time_us;
      result->unplaced = own->archive_id == NULL;
    }
  return TRUE;
}

/* A message that came or went just now by our clock, and its stamp: so much it is behind the server's, or ahead. */
static void
learn_time (TessSession *session, const TessInboundArchived *result)
{
  TessClock *clock = tess_router_get_clock (session->router);
  gint64     now = tess_session_now (session);

  if (session->timeless && !clock->known && result->known_id != 0 && ABS (now - result->known_us) < JUST_NOW_US &&
      tess_session_is_possible_time (result->stamp_us))
    tess_clock_learn (clock, now + result->stamp_us - result->known_us, 0);
}

/* Whole seconds say that it was somewhere within one. */
static gint64
get_vagueness (gint64 stamp_us)
{
  return stamp_us % G_USEC_PER_SEC == 0 ? G_USEC_PER_SEC - 1 : 0;
}

/* Finds out whose and which they are. What the archive tells twice within a page is told once. */
static gboolean
examine_page (TessSession *session, GPtrArray *results, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < results->len; i++)
    {
      TessInboundArchived *result = g_ptr_array_index (results, i);
      TessInbound          in = { .message = result->message };

      if (result->id != NULL && !g_hash_table_add (seen, result->id))
        continue;
      if (!tess_inbound_fill_addresses (session, &in, &result->from, &result->to))
        {
          g_clear_pointer (&result->from, tess_jid_unref);
          g_clear_pointer (&result->to, tess_jid_unref);
          continue;
        }
      result->outgoing = in.outgoing;
      if (!recognize (session, result, error))
        return FALSE;
      learn_time (session, result);
    }
  /* It may be later than it was when they came in. */
  for (guint i = 0; i < results->len; i++)
    {
      TessInboundArchived *result = g_ptr_array_index (results, i);

      if (result->stamp_us == 0)
        continue;
      result->time_us = MIN (result->stamp_us, tess_session_now (session));
      result->latest_us = MIN (result->stamp_us + get_vagueness (result->stamp_us), tess_session_now (session));
    }

  return TRUE;
}

/* Where the archive's order and its stamps put them, between what stands around the page already. A server that stamps whole seconds says
 * by its order what came first within one. One that is there already keeps its place, unless the archive's stamp says otherwise: it came
 * while the clock of this machine was wrong. */
static gboolean
is_near (const TessInboundArchived *result)
{
  return result->known_id != 0 && (result->time_us == 0 || ABS (result->known_us - result->time_us) <= TESS_CLOCK_TOLERANCE_US);
}

static gboolean
stays (const TessInboundArchived *result)
{
  return is_near (result) && !result->unplaced;
}

static gint64
wish (const TessInboundArchived *result, gint64 otherwise)
{
  if (is_near (result))
    return result->known_us;
  /* As late as it may be: what is older, and has its place to the microsecond, may be of the same second. */
  return result->time_us != 0 ? result->latest_us : otherwise;
}

/* What has its place already is not moved for what comes behind it under an older stamp: what else is next to it may stand on another page. */
static gboolean
find_least (TessSession *session, GPtrArray *results, TessInboundPage *page, GError **error)
{
  for (guint i = 0; i < results->len; i++)
    {
      TessInboundArchived *result = g_ptr_array_index (results, i);
      Bounds              *bounds;

      result->least_us = G_MININT64;
      if (result->from == NULL)
        continue;
      bounds = find_bounds (session, page, get_archived_peer (result), error);
      if (bounds == NULL)
        return FALSE;
      if (stays (result))
        bounds->placed_us = MAX (bounds->placed_us, result->known_us);
      else if (bounds->placed_us != G_MININT64)
        result->least_us = bounds->placed_us + 1;
    }

  return TRUE;
}

/* From the newest down, so that nothing stands above what is newer… */
static gboolean
place_down (TessSession *session, GPtrArray *results, TessInboundPage *page, GError **error)
{
  gint64 otherwise = MIN (page->newer_us, tess_session_now (session));

  if (!find_least (session, results, page, error))
    return FALSE;
  for (guint i = results->len; i > 0; i--)
    {
      TessInboundArchived *result = g_ptr_array_index (results, i - 1);
      Bounds              *bounds;

      if (result->from == NULL)
        continue;
      bounds = g_hash_table_lookup (page->bounds, get_archived_peer (result));
      bounds->below |= stays (result) && result->known_us <= bounds->floor_us;
      result->below = bounds->below;
      otherwise = MAX (wish (result, otherwise), result->least_us);
      result->place_us = page->placed ? result->time_us : otherwise;
      /* What is missing below it has its stamp perhaps, and needs room: as near to what is newer as can be. */
      if (!result->below && bounds->floor_us != G_MININT64 && result->place_us <= bounds->floor_us && !page->placed)
        result->place_us = bounds->next_us != G_MAXINT64 ? bounds->next_us - 1 : bounds->floor_us + ROOM_US;
      if (bounds->next_us != G_MAXINT64 && !page->placed)
        result->place_us = MIN (result->place_us, bounds->next_us - 1);
      bounds->next_us = result->place_us;
    }

  return TRUE;
}

/* …and up again, so that nothing stands below what is older. */
static void
place_up (GPtrArray *results, TessInboundPage *page)
{
  for (guint i = 0; i < results->len; i++)
    {
      TessInboundArchived *result = g_ptr_array_index (results, i);
      Bounds              *bounds;
      gint64               floor;

      if (result->from == NULL)
        continue;
      bounds = g_hash_table_lookup (page->bounds, get_archived_peer (result));
      floor = result->below ? bounds->below_us : MAX (bounds->below_us, bounds->floor_us);
      if (floor != G_MININT64 && !page->placed)
        result->place_us = MAX (result->place_us, floor + 1);
      bounds->below_us = result->place_us;
      bounds->below = FALSE;
      bounds->next_us = bounds->ceiling_us;
      if (page->first_us == 0)
        page->first_us = result->place_us;
      page->last_us = MAX (page->last_us, result->place_us);
    }
}

/* It is stored: its place in the archive, and that the server has it, is all that is new. */
static gboolean
meet_again (TessSession *session, const TessInboundArchived *result, TessInboundPage *page, GError **error)
{
  Bounds *bounds = g_hash_table_lookup (page->bounds, get_archived_peer (result));

  if (result->unplaced && result->id != NULL &&
      !tess_store_set_archive_id (session->store, result->known_id, result->id, error))
    return FALSE;
  if (result->place_us != result->known_us)
    {
      g_autoptr (TessMessageRecord) moved = tess_store_get_message (session->store, result->known_id, error);

      if (moved == NULL || !tess_store_move_message (session->store, result->known_id, result->place_us, error))
        return FALSE;
      bounds->moved = moved->conversation_id;
      if (result->unplaced && result->place_us > result->known_us && (bounds->echo_id == 0 || result->known_id < bounds->echo_id))
        {
          bounds->echo_id = result->known_id;
          bounds->echo_us = result->known_us;
        }
      tess_outbound_announce (session->outbound, result->known_id);
    }
  return !result->unplaced || tess_outbound_found (session->outbound, result->known_id, error);
}

/* What was deleted had its place to the microsecond, and comes back with a stamp that may say the second only. */
static gboolean
is_cleared (const TessInboundArchived *result, const Bounds *bounds)
{
  gint64 earliest_us = result->place_us;

  if (result->time_us != 0)
    earliest_us = MIN (earliest_us, result->below || bounds->floor_us < result->time_us ? result->time_us : bounds->floor_us + 1);
  return earliest_us <= bounds->cleared_us;
}

static gboolean
take_archived (TessSession *session, const TessInboundArchived *result, TessInboundPage *page, GHashTable *places)
{
  g_autoptr (GError) error = NULL;
  const Bounds      *bounds;
  TessInbound        in = {
    .message = result->message,
    .from = result->from,
    .to = result->to,
    .outgoing = result->outgoing,
    .source = TESS_INBOUND_ARCHIVE,
    .archive_id = result->id,
    .time_us = result->time_us != 0 ? result->time_us : result->place_us,
    .place_us = result->place_us,
    .hold = page->hold,
    .history = page->history,
    .places = places,
  };

  if (result->from == NULL)
    return TRUE;
  if (result->known_id != 0)
    {
      if (meet_again (session, result, page, &error))
        return TRUE;
      tess_session_storage_failed (session, error);
      return FALSE;
    }
  if (page->known_only || (page->within && (result->below || (result->time_us != 0 && result->time_us < page->older_us))))
    return TRUE;
  bounds = g_hash_table_lookup (page->bounds, get_archived_peer (result));
  if (is_cleared (result, bounds))
    return TRUE;

  return tess_inbound_take (session, &in);
}

static gboolean
count_page (TessSession *session, GHashTable *places, GError **error)
{
  GHashTableIter iter;
  gpointer       peer;
  gpointer       value;

  g_hash_table_iter_init (&iter, places);
  while (g_hash_table_iter_next (&iter, &peer, &value))
    {
      TessInboundPlace *place = value;

      if (!tess_inbound_count_unread (session, place, error) ||
          (place->past_us != 0 &&
           !tess_reading_leave_behind (session->reading, place->id, peer, place->past_us, place->past_id, error)))
        return FALSE;
    }

  return TRUE;
}

/* What we sent later than one that was moved up, and the archive has not told yet, comes behind the page in the archive: it stays below that
 * one here, too. */
static gboolean
push_down (TessSession *session, const Bounds *bounds, GError **error)
{
  g_autoptr (GArray) passed = NULL;
  gint64             place_us = bounds->below_us;

  if (bounds->echo_id == 0)
    return TRUE;
  passed = tess_store_list_passed (session->store, bounds->moved, bounds->echo_id, bounds->echo_us, bounds->below_us, error);
  if (passed == NULL)
    return FALSE;
  for (guint i = 0; i < passed->len; i++)
    {
      gint64 id = g_array_index (passed, gint64, i);

      if (!tess_store_move_message (session->store, id, ++place_us, error))
        return FALSE;
      tess_outbound_announce (session->outbound, id);
    }
  return TRUE;
}

/* Behind count_page (). */
static gboolean
count_moved (TessSession *session, TessInboundPage *page, GError **error)
{
  GHashTableIter iter;
  gpointer       value;

  g_hash_table_iter_init (&iter, page->bounds);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Bounds *bounds = value;

      if (bounds->moved != 0 &&
          !(push_down (session, bounds, error) && tess_store_recount_unread (session->store, bounds->moved, error)))
        return FALSE;
      bounds->moved = bounds->echo_id = 0;
    }

  return TRUE;
}

static guint
count_rows (GHashTable *places)
{
  GHashTableIter iter;
  gpointer       place;
  guint          rows = 0;

  g_hash_table_iter_init (&iter, places);
  while (g_hash_table_iter_next (&iter, NULL, &place))
    rows += ((TessInboundPlace *) place)->rows;

  return rows;
}

/* Ends the transaction of a page; the caller rolls back. */
static gboolean
finish_page (TessSession *session, TessInboundPage *page, GHashTable *places, gboolean last, GError **error)
{
  if (!tess_omemo_db_end_page (session->omemo_db, error) || !count_page (session, places, error) ||
      !count_moved (session, page, error) || !tess_reading_settle (session->reading, error))
    return FALSE;
  page->new_rows += count_rows (places);
  return (!last || page->finish == NULL || page->finish (page->user_data, error)) &&
         tess_session_count (session, FALSE, error) && tess_store_commit (session->store, error);
}

gboolean
tess_inbound_take_page (TessSession *session, GPtrArray *results, TessInboundPage *page, gboolean last)
{
  g_autoptr (GHashTable) places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char       *place = g_strdup (session->account->archive_id);
  gint64                 place_us = session->account->archive_us;
  g_autoptr (GError)     error = NULL;
  gboolean               taken = TRUE;

  /* What was stored before has nothing to do with how this ends. */
  tess_event_queue_flush (session->events);
  if (!tess_store_begin (session->store, &error))
    {
      tess_session_storage_failed (session, error);
      return FALSE;
    }

  /* Each is a level of its own: what comes before one that is refused stays. */
  tess_omemo_db_begin_page (session->omemo_db);
  if ((page->begin == NULL || page->begin (page->user_data, &error)) && examine_page (session, results, &error) && place_down (session, results, page, &error))
    {
      place_up (results, page);
      for (guint i = 0; i < results->len && taken; i++)
        taken = take_archived (session, g_ptr_array_index (results, i), page, places);
    }
  if (error == NULL && finish_page (session, page, places, last && taken, &error))
    {
      tess_omemo_settle (session->omemo);
      return taken;
    }

  tess_store_rollback (session->store);
  tess_event_queue_forget_stored (session->events);
  tess_inbound_refuse (session, g_steal_pointer (&place), place_us, error);
  return FALSE;
}
