/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-model"

#include "config.h"

#include "model/tess-timeline-private.h"

#include "base/tess-thread.h"
#include "model/tess-message-private.h"
#include "model/tess-model-util.h"

enum
{
  PROP_0,
  PROP_LOADING,
  PROP_AT_START,
  PROP_AT_END,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

/* More than so many news at once, or while others wait, are a flood; it is shown so often. */
#define FLOOD 10
#define FLOOD_PAUSE_US (100 * G_TIME_SPAN_MILLISECOND)

/* Of an empty window: nothing is stored, and the archive is asked. */
#define OLDER_THAN_NOTHING (G_MAXINT64 - 1)

/* Where the reader is. */
typedef enum
{
  READER_UNKNOWN,
  READER_AT_END,
  READER_IN_HISTORY,
} Reader;

typedef enum
{
  PAGE_NEWEST,
  PAGE_OLDER,
  PAGE_NEWER,
  PAGE_AROUND,
} PageKind;

struct _TessTimeline
{
  GObject parent_instance;
  TessTimelineLoadFunc load;
  gpointer user_data;
  GDestroyNotify destroy;
  GPtrArray *items; /* of TessMessage, by (time, id) */
  gboolean loading;
  gboolean at_start;
  gboolean at_end;

  /* The page that is on its way. */
  guint serial;
  PageKind kind;
  gint64 page_time;
  gint64 page_id;

  /* A flood. */
  Reader reader;
  guint kept; /* of a flood, by READER_AT_END */
  GPtrArray *waiting; /* of TessMessageRecord: news that are shown by the timer; the newest of them are enough */
  guint timer;
  gint64 shown_us; /* the last flood */
};

static GType
tess_timeline_get_item_type (GListModel *model)
{
  return TESS_TYPE_MESSAGE;
}

static guint
tess_timeline_get_n_items (GListModel *model)
{
  return TESS_TIMELINE (model)->items->len;
}

static gpointer
tess_timeline_get_item (GListModel *model, guint position)
{
  TessTimeline *self = TESS_TIMELINE (model);

  return position < self->items->len ? g_object_ref (self->items->pdata[position]) : NULL;
}

static void
list_model_iface_init (GListModelInterface *iface)
{
  iface->get_item_type = tess_timeline_get_item_type;
  iface->get_n_items = tess_timeline_get_n_items;
  iface->get_item = tess_timeline_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TessTimeline,
                               tess_timeline,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_iface_init))

static void
set_flag (TessTimeline *self, gboolean *flag, gboolean value, guint prop_id)
{
  if (*flag == value)
    return;

  *flag = value;
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop_id]);
}

#define SET_LOADING(value) set_flag (self, &self->loading, (value), PROP_LOADING)
#define SET_AT_START(value) set_flag (self, &self->at_start, (value), PROP_AT_START)
#define SET_AT_END(value) set_flag (self, &self->at_end, (value), PROP_AT_END)

static const TessMessageRecord *
record_at (GPtrArray *items, guint position)
{
  return tess_message_get_record (items->pdata[position]);
}

/* A copy of items [@from, @to). */
static GPtrArray *
slice (GPtrArray *items, guint from, guint to)
{
  GPtrArray *part = tess_model_items_new ();

  for (guint i = from; i < to; i++)
    g_ptr_array_add (part, g_object_ref (items->pdata[i]));
  return part;
}

static void
replace (TessTimeline *self, GPtrArray *wanted)
{
  tess_model_replace (G_LIST_MODEL (self), &self->items, wanted);
}

static void
ask_at (TessTimeline *self, PageKind kind, gint64 time_us, gint64 message_id)
{
  static const TessPageKind kinds[] = { TESS_PAGE_OLDER, TESS_PAGE_OLDER, TESS_PAGE_NEWER, TESS_PAGE_AROUND };

  self->kind = kind;
  self->page_time = time_us;
  self->page_id = message_id;
  self->serial++;
  SET_LOADING (TRUE);
  self->load (self, self->serial, kinds[kind], time_us, message_id, self->user_data);
}

static void
ask (TessTimeline *self, PageKind kind)
{
  gint64 time_us = G_MAXINT64;
  gint64 message_id = G_MAXINT64;

  if (kind != PAGE_NEWEST)
    {
      const TessMessageRecord *edge =
          record_at (self->items, kind == PAGE_OLDER ? 0 : self->items->len - 1);

      time_us = edge->time_us;
      message_id = edge->id;
    }
  ask_at (self, kind, time_us, message_id);
}

/* ---- Pages ---- */

/* The objects for @records: those that are shown already, brought up to date, and new ones.
 * (transfer full) */
static GPtrArray *
make_messages (TessTimeline *self, GPtrArray *records)
{
  GPtrArray *messages = tess_model_items_new ();

  for (guint i = 0; i < records->len; i++)
    {
      const TessMessageRecord *record = records->pdata[i];
      TessMessage *message = tess_timeline_find (self, record->id);

      if (message != NULL)
        tess_message_update (message, record);
      g_ptr_array_add (messages,
                       message != NULL ? g_object_ref (message) : tess_message_new (record));
    }

  return messages;
}

/* Whether the window still has the edge that the page was asked for: a flood may have moved it
 * meanwhile. */
static gboolean
page_fits (TessTimeline *self)
{
  const TessMessageRecord *edge;

  if (self->kind == PAGE_NEWEST || self->kind == PAGE_AROUND)
    return TRUE;
  if (self->items->len == 0)
    return self->page_time == OLDER_THAN_NOTHING;

  edge = record_at (self->items, self->kind == PAGE_OLDER ? 0 : self->items->len - 1);
  return edge->time_us == self->page_time && edge->id == self->page_id;
}

/* How many go at the other end, so that @more can come. */
static guint
surplus (TessTimeline *self, guint more)
{
  guint total = self->items->len + more;

  return total > TESS_TIMELINE_MAX ? MIN (total - TESS_TIMELINE_MAX, self->items->len) : 0;
}

static void
add_older (TessTimeline *self, GPtrArray *page)
{
  guint over = surplus (self, page->len);

  if (over > 0)
    {
      replace (self, slice (self->items, 0, self->items->len - over));
      SET_AT_END (FALSE);
    }
  g_ptr_array_extend (page, self->items, (GCopyFunc) (void (*) (void)) g_object_ref, NULL);
  replace (self, g_ptr_array_ref (page));
}

static void
add_newer (TessTimeline *self, GPtrArray *page)
{
  guint over = surplus (self, page->len);
  GPtrArray *wanted;

  if (over > 0)
    {
      replace (self, slice (self->items, over, self->items->len));
      SET_AT_START (FALSE);
    }
  wanted = slice (self->items, 0, self->items->len);
  g_ptr_array_extend (wanted, page, (GCopyFunc) (void (*) (void)) g_object_ref, NULL);
  replace (self, wanted);
}

void
tess_timeline_take_page (TessTimeline *self, guint serial, GPtrArray *records, TessPageEnds ends)
{
  g_autoptr (GPtrArray) page = NULL;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_TIMELINE (self));

  if (serial != self->serial || !self->loading)
    return;

  if (records != NULL && page_fits (self))
    {
      page = make_messages (self, records);
      if (self->kind == PAGE_NEWEST || self->kind == PAGE_AROUND)
        replace (self, g_ptr_array_ref (page));
      else if (self->kind == PAGE_OLDER)
        add_older (self, page);
      else
        add_newer (self, page);

      if (self->kind != PAGE_NEWER)
        SET_AT_START ((ends & TESS_PAGE_START) != 0);
      if (self->kind != PAGE_OLDER)
        SET_AT_END ((ends & TESS_PAGE_END) != 0);
    }
  SET_LOADING (FALSE);
}

/* ---- News ---- */

/* A message belongs into the window when nothing that is not in it can stand between. */
static gboolean
belongs (TessTimeline *self, const TessMessageRecord *record)
{
  if (self->items->len == 0)
    return self->at_end;
  if (tess_message_record_compare (record, record_at (self->items, 0)) < 0)
    return self->at_start;
  if (tess_message_record_compare (record, record_at (self->items, self->items->len - 1)) > 0)
    return self->at_end;
  return TRUE;
}

static int
compare_messages (gconstpointer a, gconstpointer b)
{
  return tess_message_record_compare (tess_message_get_record (*(TessMessage *const *) a),
                                      tess_message_get_record (*(TessMessage *const *) b));
}

/* Lets the oldest go until @wanted fits. Those that are shown now go first, apart from the change
 * at the other end: a row that stays is never touched. */
static GPtrArray *
trim_oldest (TessTimeline *self, GPtrArray *wanted)
{
  g_autoptr (GPtrArray) whole = wanted;
  guint over = whole->len - TESS_TIMELINE_MAX;
  const TessMessageRecord *first = record_at (whole, over);
  guint shown = 0;

  while (shown < self->items->len &&
         tess_message_record_compare (record_at (self->items, shown), first) < 0)
    shown++;
  if (shown > 0 && shown < self->items->len)
    replace (self, slice (self->items, shown, self->items->len));

  return slice (whole, over, whole->len);
}

/* To a reader of the history no more than a page comes at the end: what is beyond it is left to be loaded. */
static GPtrArray *
trim_newest (TessTimeline *self, GPtrArray *wanted, guint added)
{
  g_autoptr (GPtrArray) whole = wanted;
  guint most = MIN (TESS_TIMELINE_MAX, self->items->len + TESS_TIMELINE_PAGE);

  if (whole->len <= most || added == 0)
    return g_steal_pointer (&whole);
  SET_AT_END (FALSE);
  return slice (whole, 0, MAX (most, self->items->len));
}

/* A message took another place: the archive said where it stands, or it was sent later than it was written. One that now stands at an end
 * of the window with more beyond it may belong there. */
static void
restore_order (TessTimeline *self)
{
  GPtrArray *wanted;
  guint before = self->items->len;

  for (guint i = 1;; i++)
    {
      if (i >= self->items->len)
        return;
      if (tess_message_record_compare (record_at (self->items, i - 1), record_at (self->items, i)) > 0)
        break;
    }
  wanted = slice (self->items, 0, before);
  g_ptr_array_sort (wanted, compare_messages);
  if (!self->at_end && wanted->pdata[before - 1] != self->items->pdata[before - 1])
    g_ptr_array_remove_index (wanted, before - 1);
  if (!self->at_start && wanted->len > 0 && wanted->pdata[0] != self->items->pdata[0])
    g_ptr_array_remove_index (wanted, 0);
  replace (self, wanted);
}

static void
update_shown (TessTimeline *self, GPtrArray *records)
{
  for (guint i = 0; i < records->len; i++)
    {
      const TessMessageRecord *record = records->pdata[i];
      TessMessage *message = tess_timeline_find (self, record->id);

      if (message != NULL)
        tess_message_update (message, record);
    }
  restore_order (self);
}

static void
show_news (TessTimeline *self, GPtrArray *records, gboolean update)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_int64_hash, g_int64_equal);
  GPtrArray *wanted;
  guint before;
  gboolean trimmed = FALSE;
  guint added;

  if (update)
    update_shown (self, records);
  wanted = slice (self->items, 0, self->items->len);
  before = wanted->len;
  for (guint i = 0; i < records->len; i++)
    {
      const TessMessageRecord *record = records->pdata[i];

      if (tess_timeline_find (self, record->id) == NULL && belongs (self, record) &&
               g_hash_table_add (seen, (gpointer) &record->id))
        g_ptr_array_add (wanted, tess_message_new (record));
    }

  added = wanted->len - before;
  g_ptr_array_sort (wanted, compare_messages);
  if (self->reader == READER_IN_HISTORY)
    wanted = trim_newest (self, wanted, added);
  else if (self->reader == READER_AT_END && added > self->kept)
    {
      g_autoptr (GPtrArray) whole = wanted;

      wanted = slice (whole, whole->len - self->kept, whole->len);
      trimmed = TRUE;
    }
  else if (wanted->len > TESS_TIMELINE_MAX)
    {
      wanted = trim_oldest (self, wanted);
      trimmed = TRUE;
    }
  replace (self, wanted);
  if (trimmed)
    SET_AT_START (FALSE);
}

static void
show_waiting (TessTimeline *self)
{
  g_autoptr (GPtrArray) waiting = g_steal_pointer (&self->waiting);

  g_clear_handle_id (&self->timer, g_source_remove);
  if (waiting == NULL)
    return;
  self->shown_us = g_get_monotonic_time ();
  show_news (self, waiting, TRUE);
}

static void
timer_cb (gpointer user_data)
{
  TessTimeline *self = TESS_TIMELINE (user_data);

  self->timer = 0;
  show_waiting (self);
}

static int
compare_records (gconstpointer a, gconstpointer b)
{
  return tess_message_record_compare (*(const TessMessageRecord *const *) a, *(const TessMessageRecord *const *) b);
}

static guint
find_waiting (TessTimeline *self, gint64 message_id)
{
  for (guint i = 0; self->waiting != NULL && i < self->waiting->len; i++)
    if (((const TessMessageRecord *) self->waiting->pdata[i])->id == message_id)
      return i;

  return G_MAXUINT;
}

/* What is shown is brought up to date at once; what is new waits. */
static void
let_wait (TessTimeline *self, GPtrArray *records, gboolean update)
{
  if (self->waiting == NULL)
    self->waiting = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_message_record_free);
  if (update)
    update_shown (self, records);
  for (guint i = 0; i < records->len; i++)
    {
      const TessMessageRecord *record = records->pdata[i];
      TessMessage *message = tess_timeline_find (self, record->id);
      guint place = find_waiting (self, record->id);

      if (message != NULL || (place != G_MAXUINT && !update))
        continue;
      if (place != G_MAXUINT)
        g_ptr_array_remove_index (self->waiting, place);
      g_ptr_array_add (self->waiting, tess_message_record_copy (record));
    }
  g_ptr_array_sort (self->waiting, compare_records);
  /* One more than is kept: that it was a flood stays to be seen. */
  if (self->waiting->len > self->kept + 1)
    g_ptr_array_remove_range (self->waiting, 0, self->waiting->len - self->kept - 1);
  if (self->timer == 0)
    self->timer = g_timeout_add_once (FLOOD_PAUSE_US / G_TIME_SPAN_MILLISECOND, timer_cb, self);
}

void
tess_timeline_take_messages (TessTimeline *self, GPtrArray *records, gboolean update)
{
  gboolean flood;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_TIMELINE (self));

  flood = self->reader == READER_AT_END && self->at_end && records->len > FLOOD;
  if (self->waiting != NULL || (flood && g_get_monotonic_time () - self->shown_us < FLOOD_PAUSE_US))
    {
      let_wait (self, records, update);
      return;
    }
  if (flood)
    self->shown_us = g_get_monotonic_time ();
  show_news (self, records, update);
}

void
tess_timeline_set_following (TessTimeline *self, guint rows)
{
  Reader reader = rows > 0 ? READER_AT_END : READER_IN_HISTORY;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_TIMELINE (self));

  rows = MIN (rows, TESS_TIMELINE_MAX);
  if (self->reader == reader && (rows == 0 || rows == self->kept))
    return;
  /* What waits was cut by the old measure; by a larger one the gap before it would not be seen. */
  show_waiting (self);
  self->reader = reader;
  self->kept = rows;
}

TessMessage *
tess_timeline_find (TessTimeline *self, gint64 message_id)
{
  for (guint i = self->items->len; i > 0; i--)
    if (record_at (self->items, i - 1)->id == message_id)
      return self->items->pdata[i - 1];

  return NULL;
}

static gboolean
is_forgotten (const TessMessageRecord *record, gint64 until_us)
{
  return record->time_us <= until_us && record->state != TESS_MESSAGE_WAITING;
}

void
tess_timeline_forget (TessTimeline *self, gint64 until_us)
{
  GPtrArray *wanted = tess_model_items_new ();
  gboolean any;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_TIMELINE (self));

  for (guint i = self->waiting != NULL ? self->waiting->len : 0; i > 0; i--)
    if (is_forgotten (self->waiting->pdata[i - 1], until_us))
      g_ptr_array_remove_index (self->waiting, i - 1);
  for (guint i = 0; i < self->items->len; i++)
    if (!is_forgotten (record_at (self->items, i), until_us))
      g_ptr_array_add (wanted, g_object_ref (self->items->pdata[i]));
  any = wanted->len < self->items->len;
  replace (self, wanted);

  /* A page that is on its way was read before, and has come by now, or afterwards, and has nothing of it. */
  if (self->items->len == 0 && any && !(self->loading && self->kind == PAGE_NEWEST))
    ask (self, PAGE_NEWEST);
}

void
tess_timeline_clear (TessTimeline *self)
{
  self->serial++;
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->waiting, g_ptr_array_unref);
  replace (self, tess_model_items_new ());
  SET_AT_START (TRUE);
  SET_AT_END (TRUE);
  SET_LOADING (FALSE);
}

/* ---- Object ---- */

static void
tess_timeline_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  TessTimeline *self = TESS_TIMELINE (object);

  switch (prop_id)
    {
    case PROP_LOADING:
      g_value_set_boolean (value, self->loading);
      break;
    case PROP_AT_START:
      g_value_set_boolean (value, self->at_start);
      break;
    case PROP_AT_END:
      g_value_set_boolean (value, self->at_end);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tess_timeline_finalize (GObject *object)
{
  TessTimeline *self = TESS_TIMELINE (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->waiting, g_ptr_array_unref);
  g_ptr_array_unref (self->items);
  if (self->destroy != NULL)
    self->destroy (self->user_data);

  G_OBJECT_CLASS (tess_timeline_parent_class)->finalize (object);
}

static void
tess_timeline_class_init (TessTimelineClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tess_timeline_get_property;
  object_class->finalize = tess_timeline_finalize;

  properties[PROP_LOADING] = g_param_spec_boolean ("loading", NULL, NULL, FALSE, flags);
  properties[PROP_AT_START] = g_param_spec_boolean ("at-start", NULL, NULL, FALSE, flags);
  properties[PROP_AT_END] = g_param_spec_boolean ("at-end", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
tess_timeline_init (TessTimeline *self)
{
  self->items = tess_model_items_new ();
}

TessTimeline *
tess_timeline_new (TessTimelineLoadFunc load, gint64 time_us, gint64 message_id, gpointer user_data, GDestroyNotify destroy)
{
  TessTimeline *self;

  TESS_ASSERT_MAIN ();
  self = g_object_new (TESS_TYPE_TIMELINE, NULL);
  self->load = load;
  self->user_data = user_data;
  self->destroy = destroy;
  if (time_us != 0)
    ask_at (self, PAGE_AROUND, time_us, message_id);
  else
    ask (self, PAGE_NEWEST);
  return self;
}

void
tess_timeline_reopen (TessTimeline *self)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_TIMELINE (self));

  if (!self->loading)
    SET_AT_START (FALSE);
}

gboolean
tess_timeline_get_loading (TessTimeline *self)
{
  g_return_val_if_fail (TESS_IS_TIMELINE (self), FALSE);

  return self->loading;
}

gboolean
tess_timeline_get_at_start (TessTimeline *self)
{
  g_return_val_if_fail (TESS_IS_TIMELINE (self), FALSE);

  return self->at_start;
}

gboolean
tess_timeline_get_at_end (TessTimeline *self)
{
  g_return_val_if_fail (TESS_IS_TIMELINE (self), FALSE);

  return self->at_end;
}

void
tess_timeline_load_older (TessTimeline *self)
{
  g_return_if_fail (TESS_IS_TIMELINE (self));

  if (self->loading || self->at_start)
    return;
  if (self->items->len > 0)
    ask (self, PAGE_OLDER);
  else if (self->at_end)
    ask_at (self, PAGE_OLDER, OLDER_THAN_NOTHING, G_MAXINT64);
  else
    ask (self, PAGE_NEWEST);
}

void
tess_timeline_load_newer (TessTimeline *self)
{
  g_return_if_fail (TESS_IS_TIMELINE (self));

  if (!self->loading && !self->at_end)
    ask (self, self->items->len > 0 ? PAGE_NEWER : PAGE_NEWEST);
}

void
tess_timeline_jump_to (TessTimeline *self, gint64 time_us, gint64 message_id)
{
  g_return_if_fail (TESS_IS_TIMELINE (self));

  ask_at (self, PAGE_AROUND, time_us, message_id);
}

void
tess_timeline_jump_to_end (TessTimeline *self)
{
  g_return_if_fail (TESS_IS_TIMELINE (self));

  if (!self->at_end && !(self->loading && self->kind == PAGE_NEWEST))
    ask (self, PAGE_NEWEST);
}
