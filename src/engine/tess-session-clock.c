/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-session-clock.h"

#include "engine/tess-catch-up.h"
#include "engine/tess-outbound.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-time.h"

void
tess_session_note_opening (TessSession *self)
{
  self->opened_real_us = 0;
  if (!tess_router_get_clock (self->router)->known && tess_store_get_last_id (self->store, &self->opened_id, NULL))
    self->opened_real_us = g_get_real_time ();
}

typedef struct
{
  TessSession *session;
  gint64       by_us;
  GArray      *ids; /* nullable: of gint64: what was moved */
} Move;

/* In one transaction, and then it is told. */
static gboolean
move_messages (TessSession *self, TessStoreFunc func, gint64 by_us)
{
  g_autoptr (GError) error = NULL;
  Move               move = { self, by_us, NULL };
  gboolean           moved = tess_store_transact (self->store, func, &move, &error);

  if (!moved)
    tess_session_storage_failed (self, error);
  for (guint i = 0; moved && i < move.ids->len; i++)
    tess_outbound_announce (self->outbound, g_array_index (move.ids, gint64, i));
  g_clear_pointer (&move.ids, g_array_unref);
  return moved;
}

/* What the server kept for a session that goes on comes before it has said what time it is. */
static gboolean
shift (gpointer user_data, GError **error)
{
  Move        *move = user_data;
  TessSession *self = move->session;

  move->ids = tess_store_shift_messages (self->store, self->account->id, self->opened_id, self->opened_real_us, move->by_us, error);
  return move->ids != NULL;
}

/* Conversation by conversation, as they come. */
static gboolean
recount (TessSession *self, const GArray *ids, GError **error)
{
  gint64 last = 0;

  for (guint i = 0; i < ids->len; i++)
    {
      g_autoptr (TessMessageRecord) message = tess_store_get_message (self->store, g_array_index (ids, gint64, i), error);

      if (message == NULL || (message->conversation_id != last && !tess_store_recount_unread (self->store, message->conversation_id, error)))
        return FALSE;
      last = message->conversation_id;
    }
  return TRUE;
}

/* Where each belongs the archive says: it is asked from what was stored before the first of them on. */
static gboolean
ask_archive (TessSession *self, const GArray *ids, GError **error)
{
  gint64           first = G_MAXINT64;
  g_autofree char *place = NULL;

  for (guint i = 0; i < ids->len; i++)
    first = MIN (first, g_array_index (ids, gint64, i));
  return ids->len == 0 ||
         (tess_store_get_archived_before (self->store, self->account->id, first, &place, error) &&
          tess_store_add_recheck (self->store, self->account->id, place != NULL ? place : "", 0, tess_session_now (self), error));
}

static gboolean
bring_back (gpointer user_data, GError **error)
{
  Move        *move = user_data;
  TessSession *self = move->session;
  gint64       now = tess_session_now (self);

  move->ids = tess_store_bring_back (self->store, self->account->id, now, now + TESS_CLOCK_TOLERANCE_US, error);
  return move->ids != NULL && recount (self, move->ids, error) && ask_archive (self, move->ids, error);
}

void
tess_session_bring_back (TessSession *self)
{
  if (!self->brought_back && tess_router_get_clock (self->router)->known)
    self->brought_back = move_messages (self, bring_back, 0);
}

static void
time_cb (gint64 time_us, const GError *error, gpointer user_data)
{
  TessSession *self = user_data;

  if (tess_session_is_possible_time (time_us))
    {
      gint64 waited_us = g_get_monotonic_time () - self->asked_us;
      gint64 by_us = tess_clock_learn (tess_router_get_clock (self->router), time_us, waited_us) - g_get_real_time ();

      if (self->opened_real_us != 0 && ABS (by_us) > TESS_CLOCK_TOLERANCE_US)
        move_messages (self, shift, by_us);
      self->opened_real_us = 0;
      tess_session_bring_back (self);
    }
  else if (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED))
    return;
  else
    self->timeless = TRUE;

  self->time_pending = FALSE;
  if (tess_catch_up_is_done (self->catch_up))
    tess_session_go_online (self);
}

void
tess_session_ask_time (TessSession *self)
{
  g_autoptr (TessJid) server = tess_jid_new (tess_jid_get_domain (self->jid), NULL);

  self->time_pending = server != NULL && !tess_router_get_clock (self->router)->known && !self->timeless;
  self->asked_us = g_get_monotonic_time ();
  if (server != NULL)
    tess_xep_time_query (self->router, server, time_cb, self);
}
