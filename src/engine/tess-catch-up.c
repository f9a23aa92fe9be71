/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-catch-up.h"

#include "xmpp/tess-xmpp-error.h"

#define PAGE 100

struct _TessCatchUp
{
  TessSession        *session;
  TessCatchUpDoneFunc done;
  guint               query; /* 0: none */
  gboolean            asked;    /* on this session, with whatever result */
  gboolean            complete; /* nothing is missing between the stored messages and now */
  gboolean            history;  /* the first page on a new device */
  gboolean            failed;   /* the database refused a result */
  char               *after;    /* nullable: the page asked for begins behind this id */
};

static void ask (TessCatchUp *self);

static void
result_cb (const TessMamResult *result, gpointer user_data)
{
  TessCatchUp *self = user_data;

  if (!self->failed)
    self->failed = !tess_inbound_take_archived (self->session, result, self->history);
}

/* Without `complete` the archive said nothing, or not all: the next session asks for what is missing, so the place in it is
 * not moved by what comes live. */
static void
conclude (TessCatchUp *self)
{
  self->asked = TRUE;
  tess_omemo_end_catch_up (self->session->omemo);
  self->done (self->session);
}

static void
finish (TessCatchUp *self)
{
  self->complete = TRUE;
  /* An archive that was empty when it was first asked: from now on everything in it is news. */
  if (self->session->account->archive_id == NULL)
    {
      self->session->account->archive_id = g_strdup ("");
      tess_session_save_account (self->session);
    }
  conclude (self);
}

static void
page_cb (const TessMamPage *page, const GError *error, gpointer user_data)
{
  TessCatchUp *self = user_data;

  self->query = 0;
  if (self->failed || g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED))
    return; /* the stream is gone or going: the next one asks again from what is stored */

  if (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_ITEM_NOT_FOUND) && self->after != NULL)
    {
      /* The archive has let go of our place: all that it still has is asked for, and what is known is passed over. */
      g_clear_pointer (&self->after, g_free);
      ask (self);
      return;
    }
  if (error != NULL)
    {
      g_debug ("The archive cannot be asked: %s", error->message);
      conclude (self);
      return;
    }

  /* A page without a message ends it too: an archive that goes on without any would be asked for ever. */
  if (self->history || page->complete || page->results == 0 || page->last == NULL ||
      g_strcmp0 (page->last, self->after) == 0)
    {
      finish (self);
      return;
    }
  g_free (self->after);
  self->after = g_strdup (page->last);
  ask (self);
}

static void
ask (TessCatchUp *self)
{
  TessMamQuery query = { .max = PAGE };

  if (self->history)
    query.before_id = "";
  else
    query.after_id = self->after;
  self->query = tess_xep_mam_query (self->session->mam, &query, result_cb, page_cb, self);
}

void
tess_catch_up_start (TessCatchUp *self)
{
  tess_catch_up_stop (self);
  self->failed = FALSE;
  self->history = self->session->account->archive_id == NULL;
  if (!self->history && *self->session->account->archive_id != '\0')
    self->after = g_strdup (self->session->account->archive_id);
  tess_omemo_begin_catch_up (self->session->omemo);
  ask (self);
}

void
tess_catch_up_stop (TessCatchUp *self)
{
  if (self->query != 0)
    {
      tess_xep_mam_cancel (self->session->mam, self->query);
      self->query = 0;
      tess_omemo_end_catch_up (self->session->omemo);
    }
  g_clear_pointer (&self->after, g_free);
  self->asked = FALSE;
  self->complete = FALSE;
}

gboolean
tess_catch_up_may_move_cursor (TessCatchUp *self, TessInboundSource source)
{
  return self->complete || source == TESS_INBOUND_ARCHIVE;
}

gboolean
tess_catch_up_is_done (TessCatchUp *self)
{
  return self->asked;
}

TessCatchUp *
tess_catch_up_new (TessSession *session, TessCatchUpDoneFunc done)
{
  TessCatchUp *self = g_new0 (TessCatchUp, 1);

  self->session = session;
  self->done = done;
  return self;
}

void
tess_catch_up_free (TessCatchUp *self)
{
  if (self == NULL)
    return;
  g_free (self->after);
  g_free (self);
}
