/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-catch-up.h"

#include "base/tess-source.h"
#include "engine/tess-catch-up-held.h"
#include "engine/tess-contacts.h"
#include "engine/tess-outbound.h"
#include "engine/tess-session-clock.h"
#include "xmpp/tess-xmpp-error.h"

#include <malloc.h>

/* One transaction each: what a person asks meanwhile waits for no more than this. */
#define PAGE 100
/* …nor is more than this gathered: what others wrote may be a hundred of the largest messages that there are. */
#define PAGE_MEMORY (4 * 1024 * 1024)
/* Of a chat that somebody opens or scrolls. */
#define CHAT_PAGE 50
/* What is asked for once more is mostly little. */
#define FIRST_RECHECK_PAGE 20
/* So long after messages have crossed the archive is asked how they stand in it: then the next ones may have crossed, too. */
#define CROSSED_US (5 * G_USEC_PER_SEC)
/* A place that the archive has forgotten is passed when what comes is older by this. */
#define PASSED_US (24 * G_TIME_SPAN_HOUR)
/* On a new device the last page of so many chats is asked for. */
#define MAX_RECENT 100
/* …so many messages, of which a page of the archive may hold few: it keeps receipts, too. */
#define RECENT_ROWS 30
#define MAX_RECENT_PAGES 4
/* For one request of a person; where they want to go may be years ago. */
#define MAX_HISTORY_PAGES 2000
/* Below where what was sent should be, so much is looked at: a server's clock is set, too. */
#define LOOK_TOLERANCE_US G_TIME_SPAN_HOUR
/* …and no more than so many pages. */
#define MAX_LOOK_PAGES 200
#define MAX_RECHECK_PAGES 50
/* The last time that the archive is asked once more is not later. */
#define MAX_DUE_US (2 * G_TIME_SPAN_HOUR)
/* Pages one after the other on which there is nothing that can be taken: then it is enough for this session. */
#define MAX_EMPTY_PAGES 100
/* What stands beside a place whose id is lost: stamps and places may differ by so much. */
#define LOST_TOLERANCE_US (10 * G_USEC_PER_SEC)

typedef enum
{
  JOB_NEWEST,  /* the newest page of all, at each login */
  JOB_LOOK,    /* what was sent to somebody and perhaps arrived */
  JOB_PROBE,   /* whether the archive still knows the older end of a gap */
  JOB_CHAT,    /* a page of one chat, somewhere in a gap */
  JOB_HISTORY, /* what was said in a chat before this device was here */
  JOB_GAP,
  JOB_RECHECK, /* from a place on that is known once more, newest first */
} JobKind;

typedef struct
{
  JobKind  kind;
  char    *peer;  /* nullable */
  char    *place; /* nullable: the page before this id */
  gboolean lost;  /* the archive did not know the place any more */
  gboolean from_end; /* …so the next page is the newest one */
  gboolean first; /* HISTORY: the last page of a chat that nobody has looked at yet */
  TessGap *gap;   /* nullable: borrowed; it lies where the page does */
  gint64   gap_id; /* CHAT: the oldest that the person looks at */
  gint64   newer_us; /* what the page before began with; 0: nothing */

  guint pages; /* LOOK, HISTORY, RECHECK: so many were asked for */

  char  *older_id;   /* nullable: RECHECK: the place */
  gint64 older_us;   /* where that stands; 0: not known */
  gint64 recheck_id;

  /* HISTORY */
  guint                  rows;
  gint64                 until_us;
  gboolean               there; /* that was reached */
  TessCatchUpHistoryFunc loaded;
  gpointer               user_data;
} Job;

/* One page that the archive was asked for. */
typedef struct
{
  TessCatchUp *catch_up;
  guint        query; /* 0: answered, or given up */
  char        *place; /* nullable: the page before this id */
} Question;

/* How far down a chat was asked for in a gap. */
typedef struct
{
  char  *id;
  gint64 time_us;
} Chat;

struct _TessCatchUp
{
  TessSession        *session;
  TessCatchUpDoneFunc done;
  gboolean            running; /* there is a stream to ask on */
  gboolean            newest;  /* the newest page of this session is stored */
  gboolean            asked;   /* `done` was told */
  gboolean            absent;  /* there is no archive */
  char               *learning; /* nullable: what time it is: from this place on messages came and went while that was not known */
  gboolean            asking;   /* …and their stamps are being asked for */
  gint64              crossed_us; /* monotonic: when that is asked for messages that have crossed; 0: none have */
  gboolean            failed;  /* the database refused */
  gboolean            grown;   /* much came, and what it needed is not let go of yet */
  GPtrArray          *gaps;    /* of TessGap, the newest first */
  gboolean            loaded;  /* …as they are in the database */
  GQueue              jobs;    /* of Job: what goes before the gaps */
  GHashTable         *chats;   /* peer -> Chat: what was asked for in the gap */
  char               *probed;  /* nullable: the older end that the archive has said to know */
  guint               empty;   /* so many pages were there in a row on which there was nothing to take */

  Job            *job;     /* nullable: under way */
  Question       *now;     /* nullable: what was asked for it */
  Question       *ahead;   /* nullable: what was asked for the next page of its gap, before this one has come */
  GPtrArray      *results; /* of TessInboundArchived: of the page that is coming in, or has come; not stored yet */
  gsize           memory;  /* bytes that they take */
  TessInboundPage page;
  gboolean        paging; /* `page` is in use */
  GSource        *next;   /* nullable: the next job begins soon */
  GSource        *due;    /* nullable: something is to be asked for once more later */

  /* The end of the page that is being stored. */
  char    *first_id;
  char    *last_id;
  gboolean reached; /* the older end, or the beginning */
  gboolean passed;  /* it is older than the older end, which was not on it */
  gint64   count;
};

static void go_on (TessCatchUp *self);

static void
chat_free (gpointer data)
{
  g_free (((Chat *) data)->id);
  g_free (data);
}

/* The archive has answered it, or nobody waits for it any more. */
static void
question_free (Question *question)
{
  if (question == NULL)
    return;
  if (question->query != 0)
    tess_xep_mam_cancel (question->catch_up->session->mam, question->query);
  g_free (question->place);
  g_free (question);
}

static void
job_free (Job *job)
{
  if (job == NULL)
    return;
  if (job->loaded != NULL)
    job->loaded (job->user_data);
  g_free (job->peer);
  g_free (job->place);
  g_free (job->older_id);
  g_free (job);
}

static Job *
job_new (JobKind kind, const char *peer)
{
  Job *job = g_new0 (Job, 1);

  job->kind = kind;
  job->peer = g_strdup (peer);
  job->until_us = G_MAXINT64;
  return job;
}

/* ---- Gaps ---- */

static gboolean
load_gaps (TessCatchUp *self)
{
  g_autoptr (GError) error = NULL;
  GPtrArray         *gaps;

  if (self->loaded)
    return TRUE;
  gaps = tess_store_list_gaps (self->session->store, self->session->account->id, &error);
  if (gaps == NULL)
    {
      tess_session_storage_failed (self->session, error);
      return FALSE;
    }
  g_ptr_array_unref (self->gaps);
  self->gaps = gaps;
  self->loaded = TRUE;
  return TRUE;
}

/* (nullable) */
static TessGap *
get_open_gap (TessCatchUp *self)
{
  for (guint i = 0; i < self->gaps->len; i++)
    if (!((TessGap *) g_ptr_array_index (self->gaps, i))->paused)
      return g_ptr_array_index (self->gaps, i);

  return NULL;
}

gboolean
tess_catch_up_has_gaps (TessCatchUp *self)
{
  return (self->running && !self->newest && !self->absent) || (load_gaps (self) && self->gaps->len > 0);
}

void
tess_catch_up_announce (TessCatchUp *self)
{
  TessEvent *event;

  if (!load_gaps (self))
    return;
  event = tess_event_new (TESS_EVENT_CATCH_UP, self->session->account->id);
  event->gaps = self->gaps->len;
  event->held = self->gaps->len > 0 && get_open_gap (self) == NULL;
  for (guint i = 0; i < self->gaps->len; i++)
    {
      const TessGap *gap = g_ptr_array_index (self->gaps, i);

      event->done += gap->stored;
      if (gap->total < 0)
        event->total = -1;
      else if (event->total >= 0)
        event->total += MAX (gap->total, gap->stored);
    }
  tess_event_queue_add (self->session->events, event);
}

/* ---- A page is stored ---- */

gint64
tess_catch_up_get_known_us (TessCatchUp *self)
{
  gint64 known_us = self->session->account->archive_us;

  return known_us <= tess_session_now (self->session) + LOST_TOLERANCE_US ? known_us : 0;
}

/* From @place on the archive is asked once more, so much later. */
static gboolean
add_recheck (TessCatchUp *self, const char *place, gint64 place_us, gint64 later_us, GError **error)
{
  return tess_store_add_recheck (self->session->store, self->session->account->id, place, place_us,
                                 tess_session_now (self->session) + later_us, error);
}

/* In the transaction. A session that was lost takes messages at the server until that notices; they come into the archive, perhaps only
 * after this page was asked for, and never to this session. */
static gboolean
add_rechecks (TessCatchUp *self, GError **error)
{
  const guint seconds[] = { 5, 60, self->session->left_seconds + 10 };
  const char *place = self->reached ? self->session->account->archive_id : self->first_id;
  gint64      place_us = self->reached ? tess_catch_up_get_known_us (self) : self->page.first_us;

  for (gsize i = 0; i < G_N_ELEMENTS (seconds) && place != NULL; i++)
    if (!add_recheck (self, place, place_us, seconds[i] * G_USEC_PER_SEC, error))
      return FALSE;
  self->session->left_seconds = 0;
  return TRUE;
}

static gboolean
finish_newest (TessCatchUp *self, GError **error)
{
  TessAccountRecord *account = self->session->account;
  gboolean           fresh = account->archive_id == NULL;
  TessGap            gap = { .account_id = account->id, .total = self->count };

  if (!fresh && !self->reached && self->first_id != NULL)
    {
      gap.older_id = *account->archive_id != '\0' ? account->archive_id : NULL;
      gap.newer_id = self->first_id;
      gap.newer_us = self->page.first_us != 0 ? self->page.first_us : tess_session_now (self->session);
      gap.older_us = tess_catch_up_get_known_us (self);
      if (!tess_store_save_gap (self->session->store, &gap, error))
        return FALSE;
    }
  if (!fresh && self->session->left_seconds != 0 && !add_rechecks (self, error))
    return FALSE;
  /* An archive that was empty when it was first asked: from now on everything in it is news. */
  if (self->last_id == NULL && !fresh)
    return TRUE;

  g_free (account->archive_id);
  account->archive_id = g_strdup (self->last_id != NULL ? self->last_id : "");
  account->archive_us = MAX (tess_catch_up_get_known_us (self), self->page.last_us);
  return tess_store_update_account (self->session->store, account, error);
}

static gboolean
finish_gap (TessCatchUp *self, GError **error)
{
  TessGap *gap = self->job->gap;
  TessGap  moved = *gap;

  if (self->reached || self->first_id == NULL)
    return tess_store_remove_gap (self->session->store, gap->id, error);
  moved.newer_id = self->first_id;
  moved.newer_us = self->page.first_us != 0 ? MIN (self->page.first_us, gap->newer_us) : gap->newer_us;
  moved.stored += self->page.new_rows;
  if (moved.total < 0)
    moved.total = self->count;
  return tess_store_save_gap (self->session->store, &moved, error);
}

static gboolean
finish_history (TessCatchUp *self, GError **error)
{
  g_autoptr (TessConversationRecord) conversation = NULL;
  g_autoptr (GError)                 local_error = NULL;

  conversation = tess_store_find_conversation (self->session->store, self->session->account->id, self->job->peer, &local_error);
  if (conversation != NULL)
    {
      tess_event_queue_touch_conversation (self->session->events, conversation->account_id, conversation->peer);
      return tess_store_set_history (self->session->store, conversation->id, self->first_id, self->reached, error);
    }
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return local_error == NULL;
}

/* More than that does not come late; and the archive may have let go of the place. */
static gboolean
ends_recheck (TessCatchUp *self)
{
  return self->passed || self->first_id == NULL || g_strcmp0 (self->first_id, self->job->place) == 0 ||
         self->job->pages + 1 >= MAX_RECHECK_PAGES;
}

/* In the transaction of the page. */
static gboolean
finish_cb (gpointer user_data, GError **error)
{
  TessCatchUp *self = user_data;

  /* What the database refuses in the next step is read again from it. */
  self->loaded = FALSE;
  switch (self->job->kind)
    {
    case JOB_NEWEST:
      return finish_newest (self, error);
    case JOB_GAP:
      return finish_gap (self, error);
    case JOB_HISTORY:
      return finish_history (self, error);
    case JOB_RECHECK:
      return !(self->reached || ends_recheck (self)) ||
             tess_store_remove_recheck (self->session->store, self->job->recheck_id, error);
    case JOB_LOOK:
    case JOB_PROBE:
    case JOB_CHAT:
    default:
      return TRUE;
    }
}

/* Where the older end stands that the page belongs above; 0: not known, or there is none. */
static gint64
get_older_us (TessCatchUp *self)
{
  if (self->job->kind == JOB_NEWEST)
    return tess_catch_up_get_known_us (self);
  if (self->job->kind == JOB_LOOK || self->job->kind == JOB_PROBE)
    return 0;
  if (self->job->kind == JOB_RECHECK)
    return self->job->older_us;
  return self->job->gap != NULL ? self->job->gap->older_us : 0;
}

static void
begin_page (TessCatchUp *self)
{
  const Job *job = self->job;
  gint64     older = G_MININT64;
  gint64     newer = G_MAXINT64;

  if (self->paging)
    return;
  if (get_older_us (self) != 0)
    older = get_older_us (self);
  if (job->kind == JOB_GAP)
    newer = job->gap->newer_us;
  else if (job->kind == JOB_HISTORY)
    newer = G_MININT64; /* older than all that is there */
  else if (job->newer_us != 0)
    newer = job->newer_us;
  tess_inbound_page_init (&self->page, older, newer);
  self->page.history = job->kind == JOB_HISTORY || (job->kind == JOB_NEWEST && self->session->account->archive_id == NULL);
  self->page.hold = !self->page.history || self->gaps->len > 0;
  self->page.known_only = job->kind == JOB_LOOK || job->kind == JOB_PROBE;
  self->page.within = job->kind == JOB_CHAT;
  self->page.finish = finish_cb;
  self->page.user_data = self;
  self->paging = TRUE;
}

static void
end_page (TessCatchUp *self)
{
  if (self->paging)
    tess_inbound_page_clear (&self->page);
  self->paging = FALSE;
  g_ptr_array_set_size (self->results, 0);
  self->memory = 0;
  g_clear_pointer (&self->first_id, g_free);
  g_clear_pointer (&self->last_id, g_free);
  self->reached = FALSE;
  self->passed = FALSE;
  self->count = -1;
}

/* FALSE when the database failed. */
static gboolean
store_results (TessCatchUp *self, gboolean last)
{
  begin_page (self);
  if (!self->failed)
    self->failed = !tess_inbound_take_page (self->session, self->results, &self->page, last);
  g_ptr_array_set_size (self->results, 0);
  self->memory = 0;
  return !self->failed;
}

/* What older end the page may have to stop at. (nullable) */
static const char *
get_older_id (TessCatchUp *self)
{
  const Job *job = self->job;

  if (job->kind == JOB_NEWEST)
    return self->session->account->archive_id;
  return job->kind == JOB_GAP ? job->gap->older_id : job->older_id;
}

static void ask_ahead (TessCatchUp *self, const TessInboundArchived *first);

/* Gathered, so that a page is one transaction. A cut before that loses nothing: it is asked for again. */
static void
result_cb (const TessMamResult *result, gpointer user_data)
{
  Question            *question = user_data;
  TessCatchUp         *self = question->catch_up;
  TessInboundArchived *archived;

  if (self->failed)
    return;
  /* An archive that answers the second question before the first is asked again. */
  if (question != self->now)
    {
      g_clear_pointer (&self->ahead, question_free);
      return;
    }
  archived = tess_inbound_archived_new (result);
  /* What comes before the place that is known is known, too. */
  if (g_strcmp0 (archived->id, get_older_id (self)) == 0)
    {
      tess_inbound_archived_free (archived);
      g_ptr_array_set_size (self->results, 0);
      g_clear_pointer (&self->first_id, g_free);
      g_clear_pointer (&self->last_id, g_free);
      self->memory = 0;
      self->reached = TRUE;
      return;
    }
  if (self->first_id == NULL)
    {
      self->first_id = g_strdup (archived->id);
      ask_ahead (self, archived);
    }
  g_free (self->last_id);
  self->last_id = g_strdup (archived->id);
  g_ptr_array_add (self->results, archived);
  self->memory += archived->memory;
  if (self->results->len > PAGE || self->memory > PAGE_MEMORY) /* more than was asked for, or than is good */
    store_results (self, FALSE);
}

/* ---- The end of a job ---- */

static void
conclude (TessCatchUp *self)
{
  if (self->asked)
    return;
  self->asked = TRUE;
  self->done (self->session);
}

/* Nodes, letters and pages of the database of a long catch-up lie between what stays: some 15 MiB of 100,000 messages. */
static void
tidy (TessCatchUp *self)
{
  self->grown = FALSE;
  tess_store_shrink (self->session->store);
#ifdef __GLIBC__
  malloc_trim (0);
#endif
}

/* Nothing is under way, and nothing is left that shall be asked for. */
static void
rest (TessCatchUp *self)
{
  if (self->gaps->len == 0 && !tess_catch_up_release_held (self->session))
    return;
  tess_omemo_end_catch_up (self->session->omemo);
  if (self->grown)
    tidy (self);
  conclude (self);
}

/* ---- Jobs ---- */

/* FALSE: the database failed. */
static gboolean
push_looks (TessCatchUp *self)
{
  g_autoptr (GHashTable) peers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GError)     error = NULL;
  GHashTableIter         iter;
  gpointer               peer;

  if (!tess_outbound_list_doubtful (self->session->outbound, peers, &error))
    {
      tess_session_storage_failed (self->session, error);
      return FALSE;
    }
  g_hash_table_iter_init (&iter, peers);
  while (g_hash_table_iter_next (&iter, &peer, NULL))
    g_queue_push_tail (&self->jobs, job_new (JOB_LOOK, peer));
  return TRUE;
}

/* Whether what was sent to somebody may stand on an older page: the archive has it wherever it was put, a gap or not. */
static gboolean
looks_on (TessCatchUp *self)
{
  Job                   *job = self->job;
  g_autoptr (GHashTable) peers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const gint64          *tried_us;

  if (self->reached || self->first_id == NULL || g_strcmp0 (self->first_id, job->place) == 0 || ++job->pages >= MAX_LOOK_PAGES ||
      !tess_outbound_list_doubtful (self->session->outbound, peers, NULL))
    return FALSE;
  tried_us = g_hash_table_lookup (peers, job->peer);
  if (tried_us == NULL || (self->page.first_us != 0 && self->page.first_us < *tried_us - LOOK_TOLERANCE_US))
    return FALSE;
  g_free (job->place);
  job->place = g_strdup (self->first_id);
  job->newer_us = self->page.first_us;
  return TRUE;
}

/* Those that were in the newest page first. */
static void
push_recent (TessCatchUp *self)
{
  g_autoptr (GPtrArray)  conversations = NULL;
  g_autoptr (GPtrArray)  contacts = tess_contacts_list_addresses (self->session->contacts);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray)  peers = g_ptr_array_new ();

  conversations = tess_store_list_conversations (self->session->store, self->session->account->id, NULL);
  for (guint i = 0; conversations != NULL && i < conversations->len; i++)
    g_ptr_array_add (peers, ((TessConversationRecord *) g_ptr_array_index (conversations, i))->peer);
  g_ptr_array_extend (peers, contacts, NULL, NULL);
  for (guint i = 0; i < peers->len && g_hash_table_size (seen) < MAX_RECENT; i++)
    {
      Job *job;

      if (!g_hash_table_add (seen, g_ptr_array_index (peers, i)))
        continue;
      job = job_new (JOB_HISTORY, g_ptr_array_index (peers, i));
      job->first = TRUE;
      job->rows = RECENT_ROWS;
      g_queue_push_tail (&self->jobs, job);
    }
}

/* What follows a page: TRUE when the same job goes on. */
static gboolean
goes_on (TessCatchUp *self)
{
  Job *job = self->job;

  switch (job->kind)
    {
    case JOB_LOOK:
      return looks_on (self);
    case JOB_RECHECK:
      if (self->reached || ends_recheck (self))
        {
          self->asking = FALSE;
          return FALSE;
        }
      job->pages++;
      g_free (job->place);
      job->place = g_strdup (self->first_id);
      job->newer_us = self->page.first_us;
      return TRUE;
    case JOB_HISTORY:
      if (self->reached || ++job->pages >= (job->first ? MAX_RECENT_PAGES : MAX_HISTORY_PAGES))
        return FALSE;
      /* What is wanted below a time begins behind the page that reaches it. */
      if (!job->there && job->until_us != G_MAXINT64)
        {
          job->there = self->page.first_us != 0 && self->page.first_us <= job->until_us;
          return TRUE;
        }
      job->rows -= MIN (job->rows, self->page.new_rows);
      return job->rows > 0;
    case JOB_CHAT:
      if (self->first_id != NULL)
        {
          Chat *chat = g_new0 (Chat, 1);

          chat->id = g_strdup (self->first_id);
          chat->time_us = self->page.first_us;
          g_hash_table_insert (self->chats, g_strdup (job->peer), chat);
        }
      return FALSE;
    case JOB_PROBE:
      g_free (self->probed);
      self->probed = g_strdup (job->place);
      return FALSE;
    case JOB_NEWEST:
    case JOB_GAP:
    default:
      return FALSE;
    }
}

/* What was asked ahead is the next page when the gap goes on where it was thought to. */
static void
take_up (TessCatchUp *self)
{
  TessGap *gap = get_open_gap (self);

  if (self->ahead == NULL || self->job != NULL)
    return;
  if (!self->running || self->absent || gap == NULL || g_strcmp0 (gap->newer_id, self->ahead->place) != 0)
    {
      g_clear_pointer (&self->ahead, question_free);
      return;
    }
  self->job = job_new (JOB_GAP, NULL);
  self->job->gap = gap;
  self->now = g_steal_pointer (&self->ahead);
}

/* A page of a gap is older than its older end, which was not there: the archive is asked for that. */
static void
push_probe (TessCatchUp *self, JobKind kind)
{
  TessGap *gap = kind == JOB_NEWEST && self->gaps->len > 0 ? g_ptr_array_index (self->gaps, 0) : get_open_gap (self);
  Job     *job;

  if (gap == NULL || gap->older_id == NULL || g_strcmp0 (gap->older_id, self->probed) == 0)
    return;
  job = job_new (JOB_PROBE, NULL);
  job->place = g_strdup (gap->older_id);
  g_queue_push_head (&self->jobs, job);
}

static void
page_stored (TessCatchUp *self)
{
  Job     *job = self->job;
  JobKind  kind = job->kind;
  gboolean again = goes_on (self);
  gboolean fresh = self->page.history && kind == JOB_NEWEST;
  gboolean passed = self->passed && !self->reached && kind != JOB_RECHECK;

  end_page (self);
  /* Where the server does not say what time it is, a page may have. */
  tess_session_bring_back (self->session);
  if (again)
    {
      self->job = NULL;
      g_queue_push_head (&self->jobs, job);
    }
  else
    {
      g_clear_pointer (&self->job, job_free);
    }
  if (!load_gaps (self))
    return;
  if (kind == JOB_NEWEST)
    {
      self->newest = TRUE;
      if (fresh)
        push_recent (self);
      if (self->gaps->len > 0)
        tess_catch_up_announce (self);
      if (!push_looks (self))
        return;
    }
  else if (kind == JOB_GAP)
    {
      self->grown = TRUE;
      tess_catch_up_announce (self);
      if (passed)
        g_clear_pointer (&self->ahead, question_free);
      else
        take_up (self);
    }
  if (passed)
    push_probe (self, kind);
  go_on (self);
}

/* Where the place stands that a page is to reach, and passes when it is much older; 0: it cannot be said. */
static gint64
get_goal_us (TessCatchUp *self)
{
  switch (self->job->kind)
    {
    case JOB_NEWEST:
    case JOB_GAP:
      return get_older_us (self);
    case JOB_RECHECK:
      /* It ends there: only where the time is certain. */
      return tess_router_get_clock (self->session->router)->known ? get_older_us (self) : 0;
    case JOB_LOOK:
    case JOB_PROBE:
    case JOB_CHAT:
    case JOB_HISTORY:
    default:
      return 0;
    }
}

/* A page on which there is nothing to take is passed over by what the archive says of its ends. */
static void
look_at_end (TessCatchUp *self, const TessMamPage *page)
{
  const Job *job = self->job;
  gint64     older = get_goal_us (self);

  self->count = page->count;
  self->empty = page->results == 0 ? self->empty + 1 : 0;
  if (self->first_id == NULL && !self->reached)
    {
      self->first_id = g_strdup (page->first);
      self->last_id = g_strdup (page->last);
    }
  if (page->complete || self->first_id == NULL ||
      (job->kind == JOB_GAP && g_strcmp0 (self->first_id, job->gap->newer_id) == 0) ||
      (job->kind == JOB_HISTORY && g_strcmp0 (self->first_id, job->place) == 0))
    self->reached = TRUE;

  if (older != 0 && self->results->len > 0)
    {
      gint64 first = ((const TessInboundArchived *) g_ptr_array_index (self->results, 0))->time_us;

      self->passed = first != 0 && first < older - PASSED_US;
    }
}

/* An archive that goes on without anything would be asked for ever. */
static void
end_empty (TessCatchUp *self)
{
  if (self->empty < MAX_EMPTY_PAGES)
    return;
  self->absent = TRUE;
  while (!g_queue_is_empty (&self->jobs))
    job_free (g_queue_pop_head (&self->jobs));
}

/* The archive has let go of the older end of a gap, and with it of what was next to that: what is older is known, as far as it is there. */
static void
pass_over (TessCatchUp *self, const char *older_id)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < self->gaps->len; i++)
    {
      const TessGap *gap = g_ptr_array_index (self->gaps, i);

      if (g_strcmp0 (gap->older_id, older_id) == 0 && !tess_store_remove_gap (self->session->store, gap->id, &error))
        {
          tess_session_storage_failed (self->session, error);
          return;
        }
    }
  g_clear_pointer (&self->job, job_free);
  self->loaded = FALSE;
  tess_catch_up_announce (self);
  go_on (self);
}

static void
fail (TessCatchUp *self, const GError *error)
{
  gboolean newest = self->job->kind == JOB_NEWEST;
  gboolean lost = g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_ITEM_NOT_FOUND) && !self->job->lost && !newest;

  g_clear_pointer (&self->ahead, question_free);
  end_page (self);
  if (self->job->kind == JOB_PROBE && lost)
    {
      pass_over (self, self->job->place);
      return;
    }
  if (lost)
    {
      /* The archive has let go of our place: what is known is passed over. */
      self->job->lost = self->job->from_end = TRUE;
      g_clear_pointer (&self->job->place, g_free);
      g_queue_push_head (&self->jobs, g_steal_pointer (&self->job));
      go_on (self);
      return;
    }
  g_debug ("The archive cannot be asked: %s", error->message);
  if (self->job->kind == JOB_RECHECK && !tess_store_remove_recheck (self->session->store, self->job->recheck_id, NULL))
    return;
  if (newest || self->job->kind == JOB_GAP)
    {
      self->absent = TRUE;
      while (!g_queue_is_empty (&self->jobs))
        job_free (g_queue_pop_head (&self->jobs));
    }
  g_clear_pointer (&self->job, job_free);
  go_on (self);
}

static void
page_cb (const TessMamPage *page, const GError *error, gpointer user_data)
{
  Question    *question = user_data;
  TessCatchUp *self = question->catch_up;

  question->query = 0;
  if (question != self->now)
    {
      g_clear_pointer (&self->ahead, question_free);
      return;
    }
  g_clear_pointer (&self->now, question_free);
  /* The stream is gone: the next one, resumed or not, asks again from what is stored. */
  if (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED) || (error != NULL && self->session->stream == NULL) ||
      self->failed)
    return;
  if (error != NULL)
    {
      fail (self, error);
      return;
    }
  look_at_end (self, page);
  if (!store_results (self, TRUE))
    return;
  end_empty (self);
  page_stored (self);
}

/* Into @slot. A stream that is gone may answer at once. */
static void
put_question (TessCatchUp *self, const TessMamQuery *query, Question **slot)
{
  Question *question = g_new0 (Question, 1);
  guint     id;

  question->catch_up = self;
  question->place = g_strdup (query->before_id);
  g_clear_pointer (slot, question_free);
  *slot = question;
  id = tess_xep_mam_query (self->session->mam, query, result_cb, page_cb, question);
  if (*slot == question)
    question->query = id;
}

/* While the rest of a page comes and is stored, the next one is on its way. The archive answers in order. What a person wants goes first:
 * then there is no next one. Nor is there when this one goes down to the older end. */
static void
ask_ahead (TessCatchUp *self, const TessInboundArchived *first)
{
  TessMamQuery query = { .max = PAGE, .before_id = first->id };

  if (self->job->kind == JOB_GAP && !self->reached && self->ahead == NULL && g_queue_is_empty (&self->jobs) &&
      (first->time_us == 0 || first->time_us > self->job->gap->older_us))
    put_question (self, &query, &self->ahead);
}

static void
ask (TessCatchUp *self)
{
  Job                *job = self->job;
  TessMamQuery        query = { .max = PAGE };
  g_autoptr (TessJid) with = NULL;

  if (job->peer != NULL)
    query.with = with = tess_jid_new_bare (job->peer, NULL);
  switch (job->kind)
    {
    case JOB_NEWEST:
      query.before_id = "";
      break;
    case JOB_GAP:
      query.before_id = job->lost ? "" : job->gap->newer_id;
      query.end_us = job->lost ? job->gap->newer_us + LOST_TOLERANCE_US : 0;
      break;
    case JOB_PROBE:
      query.after_id = job->place;
      query.max = 1;
      break;
    case JOB_RECHECK:
      query.max = job->pages == 0 ? FIRST_RECHECK_PAGE : PAGE;
      G_GNUC_FALLTHROUGH;
    case JOB_LOOK:
      query.before_id = job->place != NULL ? job->place : "";
      break;
    case JOB_HISTORY:
      query.max = job->first || job->until_us == G_MAXINT64 ? CHAT_PAGE : 2 * PAGE;
      query.before_id = job->place != NULL ? job->place : "";
      break;
    case JOB_CHAT:
    default:
      query.max = CHAT_PAGE;
      query.before_id = job->place != NULL ? job->place : "";
      break;
    }
  put_question (self, &query, &self->now);
}

/* From where the history of a chat is asked for, downwards. FALSE: it is all there. */
static gboolean
find_history (TessCatchUp *self, Job *job)
{
  g_autoptr (TessConversationRecord) conversation = NULL;

  conversation = tess_store_find_conversation (self->session->store, self->session->account->id, job->peer, NULL);
  g_clear_pointer (&job->place, g_free);
  if (conversation == NULL)
    return job->first;
  if (conversation->history_done || (!job->from_end && !tess_store_get_history (self->session->store, conversation->id, &job->place, NULL)))
    return FALSE;
  job->from_end = FALSE;
  return TRUE;
}

/* (nullable) */
static TessGap *
find_gap (TessCatchUp *self, gint64 id)
{
  for (guint i = 0; i < self->gaps->len; i++)
    if (((TessGap *) g_ptr_array_index (self->gaps, i))->id == id)
      return g_ptr_array_index (self->gaps, i);

  return NULL;
}

static gboolean
begin_job (TessCatchUp *self)
{
  Job *job = self->job;

  if (job->kind == JOB_CHAT)
    {
      job->gap = find_gap (self, job->gap_id);
      if (job->gap == NULL)
        return FALSE;
    }
  if (job->kind == JOB_CHAT && !job->lost)
    {
      const Chat *chat = g_hash_table_lookup (self->chats, job->peer);

      g_free (job->place);
      job->place = g_strdup (chat != NULL ? chat->id : NULL);
      job->newer_us = chat != NULL ? chat->time_us : 0;
    }
  return job->kind != JOB_HISTORY || find_history (self, job);
}

static gboolean
has_looks (TessCatchUp *self)
{
  for (const GList *l = self->jobs.head; l != NULL; l = l->next)
    if (((const Job *) l->data)->kind == JOB_LOOK)
      return TRUE;

  return self->job != NULL && self->job->kind == JOB_LOOK;
}

static gboolean
due_cb (gpointer user_data)
{
  TessCatchUp *self = user_data;

  tess_source_clear (&self->due);
  go_on (self);
  return G_SOURCE_REMOVE;
}

/* (transfer full) (nullable): what is to be asked for once more by now; else it waits for that. */
static Job *
find_recheck (TessCatchUp *self)
{
  g_autoptr (GPtrArray) rechecks = tess_store_list_rechecks (self->session->store, self->session->account->id, NULL);
  const TessRecheck    *first = rechecks != NULL && rechecks->len > 0 ? g_ptr_array_index (rechecks, 0) : NULL;
  gint64                left_us;
  gint64                known_id;
  Job                  *job;

  tess_source_clear (&self->due);
  if (first == NULL || self->absent)
    return NULL;
  left_us = first->due_us - tess_session_now (self->session);
  /* Later than it ever is: the clock was wrong then. */
  if (left_us > 0 && left_us <= MAX_DUE_US)
    {
      self->due = tess_source_attach (g_timeout_source_new ((guint) MIN (left_us / 1000 + 1, 3600 * 1000)), due_cb, self);
      return NULL;
    }
  job = job_new (JOB_RECHECK, NULL);
  job->older_id = g_strdup (first->older_id);
  job->recheck_id = first->id;
  tess_store_find_known (self->session->store, self->session->account->id, first->older_id, &known_id, &job->older_us, NULL);
  if (job->older_us == 0 && first->older_us <= tess_session_now (self->session) + LOST_TOLERANCE_US)
    job->older_us = first->older_us;
  return job;
}

static void
next_job (TessCatchUp *self)
{
  if (self->job == NULL && !self->newest && !self->absent)
    self->job = job_new (JOB_NEWEST, NULL);
  while (self->job == NULL && !g_queue_is_empty (&self->jobs))
    {
      self->job = g_queue_pop_head (&self->jobs);
      if (!begin_job (self))
        g_clear_pointer (&self->job, job_free);
    }
  if (self->job == NULL && get_open_gap (self) != NULL && !self->absent)
    {
      self->job = job_new (JOB_GAP, NULL);
      self->job->gap = get_open_gap (self);
    }
  if (self->job == NULL && self->newest)
    self->job = find_recheck (self);
  if ((self->newest || self->absent) && !has_looks (self))
    conclude (self);
  if (!self->running) /* what was told has ended it */
    return;
  if (self->job != NULL)
    ask (self);
  else
    rest (self);
}

static gboolean
next_cb (gpointer user_data)
{
  TessCatchUp *self = user_data;

  tess_source_clear (&self->next);
  if (self->running && !self->failed && self->job == NULL && load_gaps (self))
    next_job (self);
  return G_SOURCE_REMOVE;
}

/* Soon: what a person asked meanwhile comes first. */
static void
go_on (TessCatchUp *self)
{
  if (self->running && self->next == NULL && self->job == NULL)
    self->next = tess_source_attach (g_timeout_source_new (0), next_cb, self);
}

/* ---- The session ---- */

/* What is under way begins again from what is stored; what people wait for is given up. */
static void
halt (TessCatchUp *self, gboolean give_up)
{
  g_clear_pointer (&self->now, question_free);
  g_clear_pointer (&self->ahead, question_free);
  self->running = FALSE;
  tess_source_clear (&self->next);
  tess_source_clear (&self->due);
  end_page (self);
  if (self->job != NULL && self->job->kind != JOB_NEWEST && self->job->kind != JOB_GAP && self->job->kind != JOB_RECHECK)
    g_queue_push_head (&self->jobs, g_steal_pointer (&self->job));
  g_clear_pointer (&self->job, job_free);
  self->loaded = FALSE;
  for (GList *l = self->jobs.head, *following; l != NULL; l = following)
    {
      Job *job = l->data;

      following = l->next;
      if (give_up || job->loaded != NULL)
        {
          g_queue_delete_link (&self->jobs, l);
          job_free (job);
        }
    }
}

void
tess_catch_up_start (TessCatchUp *self)
{
  halt (self, TRUE);
  self->failed = self->newest = self->asked = self->absent = self->asking = FALSE;
  self->empty = 0;
  g_clear_pointer (&self->probed, g_free);
  g_hash_table_remove_all (self->chats);
  tess_omemo_begin_catch_up (self->session->omemo);
  tess_catch_up_go_on (self);
}

void
tess_catch_up_stop (TessCatchUp *self)
{
  halt (self, TRUE);
  self->newest = self->asked = FALSE;
  tess_omemo_end_catch_up (self->session->omemo);
}

void
tess_catch_up_pause (TessCatchUp *self)
{
  halt (self, FALSE);
}

void
tess_catch_up_go_on (TessCatchUp *self)
{
  self->running = TRUE;
  self->failed = FALSE;
  if (load_gaps (self))
    next_job (self);
}

gboolean
tess_catch_up_may_move_cursor (TessCatchUp *self)
{
  return self->newest;
}

gboolean
tess_catch_up_is_done (TessCatchUp *self)
{
  return self->asked;
}

static void
look_again (TessCatchUp *self, const char *place, gint64 place_us)
{
  g_autoptr (GError) error = NULL;

  if (add_recheck (self, place, place_us, 0, &error))
    go_on (self);
  else
    tess_session_storage_failed (self->session, error);
}

void
tess_catch_up_look_again (TessCatchUp *self)
{
  const char           *place = self->session->account->archive_id;
  g_autoptr (GPtrArray) rechecks = NULL;

  if (!self->newest || place == NULL)
    return;
  /* Something is due already, from there or from below. */
  rechecks = tess_store_list_rechecks (self->session->store, self->session->account->id, NULL);
  if (rechecks != NULL && rechecks->len > 0 &&
      ((const TessRecheck *) g_ptr_array_index (rechecks, 0))->due_us <= tess_session_now (self->session))
    return;
  look_again (self, place, tess_catch_up_get_known_us (self));
}

gboolean
tess_catch_up_crossed (TessCatchUp *self, GError **error)
{
  const char *place = self->session->account->archive_id;
  gint64      now = g_get_monotonic_time ();

  if (!self->newest || place == NULL || now < self->crossed_us)
    return TRUE;
  if (!add_recheck (self, place, tess_catch_up_get_known_us (self), CROSSED_US, error))
    return FALSE;
  self->crossed_us = now + CROSSED_US;
  go_on (self);
  return TRUE;
}

void
tess_catch_up_learn_time (TessCatchUp *self)
{
  const char *place = self->session->account->archive_id;

  if (!self->session->timeless || self->asking || tess_router_get_clock (self->session->router)->known || !self->newest ||
      place == NULL)
    return;
  self->asking = TRUE;
  if (self->learning == NULL)
    self->learning = g_strdup (place);
  look_again (self, self->learning, 0);
}

/* ---- What a person does ---- */

void
tess_catch_up_set_held (TessCatchUp *self, gboolean held)
{
  g_autoptr (GError) error = NULL;

  if (!tess_store_pause_gaps (self->session->store, self->session->account->id, held, &error))
    {
      tess_session_storage_failed (self->session, error);
      return;
    }
  for (guint i = 0; load_gaps (self) && i < self->gaps->len; i++)
    ((TessGap *) g_ptr_array_index (self->gaps, i))->paused = held;
  tess_catch_up_announce (self);
  if (!held && self->running)
    tess_omemo_begin_catch_up (self->session->omemo);
  go_on (self);
}

void
tess_catch_up_look_at (TessCatchUp *self, const char *peer, gint64 from_us, gint64 to_us)
{
  const TessGap *oldest = NULL;
  Job           *job;

  if (!self->running || self->absent || !load_gaps (self))
    return;
  for (guint i = 0; i < self->gaps->len; i++)
    {
      const TessGap *gap = g_ptr_array_index (self->gaps, i);

      if (from_us <= gap->newer_us && to_us >= gap->older_us)
        oldest = gap;
    }
  if (oldest == NULL)
    return;
  for (const GList *l = self->jobs.head; l != NULL; l = l->next)
    if (((const Job *) l->data)->kind == JOB_CHAT && g_str_equal (((const Job *) l->data)->peer, peer))
      return;
  job = job_new (JOB_CHAT, peer);
  job->gap_id = oldest->id;
  g_queue_push_head (&self->jobs, job);
  go_on (self);
}

gboolean
tess_catch_up_can_load (TessCatchUp *self)
{
  return self->running && !self->absent;
}

void
tess_catch_up_load_history (TessCatchUp *self, const char *peer, guint rows, gint64 until_us, TessCatchUpHistoryFunc loaded,
                            gpointer user_data)
{
  Job *job = job_new (JOB_HISTORY, peer);

  job->rows = rows;
  job->until_us = until_us;
  job->loaded = loaded;
  job->user_data = user_data;
  if (!tess_catch_up_can_load (self))
    {
      job_free (job);
      return;
    }
  g_queue_push_head (&self->jobs, job);
  go_on (self);
}

/* ---- Life ---- */

TessCatchUp *
tess_catch_up_new (TessSession *session, TessCatchUpDoneFunc done)
{
  TessCatchUp *self = g_new0 (TessCatchUp, 1);

  self->session = session;
  self->done = done;
  self->count = -1;
  self->gaps = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_gap_free);
  self->results = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_inbound_archived_free);
  self->chats = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, chat_free);
  g_queue_init (&self->jobs);
  return self;
}

void
tess_catch_up_free (TessCatchUp *self)
{
  if (self == NULL)
    return;
  halt (self, TRUE);
  g_ptr_array_unref (self->gaps);
  g_ptr_array_unref (self->results);
  g_hash_table_unref (self->chats);
  g_free (self->learning);
  g_free (self->probed);
  g_free (self);
}
