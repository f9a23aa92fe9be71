/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-catch-up.h"

#include "base/tess-source.h"
#include "xmpp/tess-xmpp-error.h"

/* One transaction each: what a person asks meanwhile waits for no more than this. */
#define PAGE 100
/* …nor is more than this gathered: what others wrote may be a hundred of the largest messages that there are. */
#define PAGE_MEMORY (4 * 1024 * 1024)

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
  GPtrArray          *results;  /* of TessInboundArchived: of the page that is coming in, or has come; not stored yet */
  gsize               memory;   /* bytes that they take */
  GSource            *store;    /* nullable: a whole page is to be stored once the question for the next one is out */
};

static void ask (TessCatchUp *self);

/* FALSE when the database failed. */
static gboolean
store_results (TessCatchUp *self)
{
  g_autoptr (GPtrArray) results = g_steal_pointer (&self->results);

  tess_source_clear (&self->store);
  self->results = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_inbound_archived_free);
  self->memory = 0;
  if (!self->failed && results->len > 0)
    self->failed = !tess_inbound_take_page (self->session, results, self->history);
  return !self->failed;
}

/* Gathered, so that a page is one transaction. A cut before that loses nothing: it is asked for again. */
static void
result_cb (const TessMamResult *result, gpointer user_data)
{
  TessCatchUp         *self = user_data;
  TessInboundArchived *archived;

  if (self->store != NULL)
    store_results (self); /* the page before */
  if (self->failed)
    return;
  archived = tess_inbound_archived_new (result);
  g_ptr_array_add (self->results, archived);
  self->memory += archived->memory;
  if (self->results->len > PAGE || self->memory > PAGE_MEMORY) /* more than was asked for, or than is good */
    store_results (self);
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

/* A page without a message ends it too: an archive that goes on without any would be asked for ever. @page: NULL for an error. */
static gboolean
is_last (TessCatchUp *self, const TessMamPage *page)
{
  return page == NULL || self->history || page->complete || page->results == 0 || page->last == NULL ||
         g_strcmp0 (page->last, self->after) == 0;
}

static gboolean
store_cb (gpointer user_data)
{
  store_results (user_data);
  return G_SOURCE_REMOVE;
}

/* While a page is stored, the next one is on its way. */
static void
store_soon (TessCatchUp *self)
{
  self->store = tess_source_attach (g_timeout_source_new (0), store_cb, self);
}

static void
page_cb (const TessMamPage *page, const GError *error, gpointer user_data)
{
  TessCatchUp *self = user_data;

  self->query = 0;
  /* The stream is gone: the next one, resumed or not, asks again from what is stored. */
  if (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED) ||
      (error != NULL && self->session->stream == NULL))
    return;
  if (self->store != NULL)
    store_results (self); /* the page before, and this one has nothing */
  if (self->failed || (is_last (self, page) && !store_results (self)))
    return; /* the stream is going */

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

  if (is_last (self, page))
    {
      finish (self);
      return;
    }
  g_free (self->after);
  self->after = g_strdup (page->last);
  ask (self);
  store_soon (self);
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
  tess_source_clear (&self->store);
  g_clear_pointer (&self->after, g_free);
  g_ptr_array_set_size (self->results, 0);
  self->memory = 0;
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
  self->results = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_inbound_archived_free);
  return self;
}

void
tess_catch_up_free (TessCatchUp *self)
{
  if (self == NULL)
    return;
  tess_source_clear (&self->store);
  g_ptr_array_unref (self->results);
  g_free (self->after);
  g_free (self);
}
