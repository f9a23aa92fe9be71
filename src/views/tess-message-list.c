/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-grouping.h"
#include "views/tess-message-list.h"
#include "views/tess-message-row.h"
#include "views/tess-text.h"

#include <glib/gi18n.h>
#include <math.h>

/* UI.md: the text column is at most 720 px wide. */
#define COLUMN_WIDTH 720
#define MARGIN 12
/* How near an end asks for more, in heights of the window. */
#define LOAD_AHEAD 0.75
#define LOAD_AHEAD_AT_END 0.1
/* Of a flood as many rows as fill the window, most of them messages of one or two lines: pixels of one, at most so many. */
#define FLOOD_ROW_HEIGHT 42
#define FLOOD_ROWS_MIN 8
#define FLOOD_ROWS_MAX 30

struct _TessMessageList
{
  GtkWidget parent_instance;

  TessConversation *conversation;
  TessTimeline     *timeline;
  GPtrArray        *rows; /* of TessMessageRow; parallel to the timeline */
  GArray           *tops; /* of int: where each row begins, from the top of the content */
  guint             unread;        /* as many of theirs are new */
  gint64            unread_id;     /* the first of them, once it was loaded; 0 for none */
  gboolean          unwatched;

  GtkAdjustment      *adjustments[2];
  GtkScrollablePolicy policies[2];

  gboolean   stick;         /* the end stays in sight */
  GtkWidget *anchor;        /* else this row ... */
  double     anchor_offset; /* ... stays so far below the top of the window */
  gboolean   jumping;       /* the end is on its way, and comes into sight when it is there */
  gboolean   seeking;       /* so is a place in the history: */
  gint64     sought_time;   /* …the first message from there on, */
  gint64     sought_id;     /* …or this one, if it is not 0, */
  int        sought_offset; /* …so far below the top of the window */
  gboolean   allocating;
  gboolean   dirty;         /* rows came or went since `tops` was computed */
  int        direction;     /* of the last scrolling: only that way are pages loaded */
  double     last_value;
  guint      check_id;
  gint64     seen_id;
};

static void scrollable_init (GtkScrollableInterface *iface) {}

G_DEFINE_FINAL_TYPE_WITH_CODE (TessMessageList, tess_message_list, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (GTK_TYPE_SCROLLABLE, scrollable_init))

enum
{
  PROP_0,
  PROP_HADJUSTMENT,
  PROP_VADJUSTMENT,
  PROP_HSCROLL_POLICY,
  PROP_VSCROLL_POLICY,
};

enum
{
  SEEN,
  MOVED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static int
row_top (TessMessageList *self, guint index)
{
  return index < self->tops->len ? g_array_index (self->tops, int, index) : 0;
}

static gboolean
timeline_at_end (TessMessageList *self)
{
  return self->timeline == NULL || tess_timeline_get_at_end (self->timeline);
}

/* --- where we are ----------------------------------------------------------------------------------------------------------- */

/* Of a flood only a reader at the end wants the newest, and only a reader of the history wants the rest. */
static void
tell_following (TessMessageList *self)
{
  guint fill = gtk_widget_get_height (GTK_WIDGET (self)) / FLOOD_ROW_HEIGHT + 1;

  if (self->timeline != NULL)
    tess_timeline_set_following (self->timeline,
                                 self->stick || self->jumping ? CLAMP (fill, FLOOD_ROWS_MIN, FLOOD_ROWS_MAX) : 0);
}

/* The timeline has the page: its row takes the place at the top. */
static void
take_sought (TessMessageList *self)
{
  self->seeking = FALSE;
  self->anchor = NULL;
  for (guint i = 0; i < self->rows->len && self->anchor == NULL; i++)
    {
      TessMessage *message = tess_message_row_get_message (TESS_MESSAGE_ROW (g_ptr_array_index (self->rows, i)));

      if (self->sought_id != 0 ? tess_message_get_id (message) == self->sought_id : tess_message_get_time (message) >= self->sought_time)
        self->anchor = g_ptr_array_index (self->rows, i);
    }
  self->anchor_offset = self->anchor != NULL ? self->sought_offset : 0;
  /* It was deleted, or everything is older. */
  self->stick = self->anchor == NULL && timeline_at_end (self);
  if (self->anchor == NULL && !self->stick && self->rows->len > 0)
    self->anchor = g_ptr_array_index (self->rows, self->rows->len - 1);
  self->last_value = -1;
}

static void
remember_place (TessMessageList *self)
{
  GtkAdjustment *adjustment = self->adjustments[GTK_ORIENTATION_VERTICAL];
  double value = gtk_adjustment_get_value (adjustment);
  double end = gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment);

  self->stick = value >= end - 1 && timeline_at_end (self);
  self->anchor = NULL;
  for (guint i = 0; i < self->rows->len && i < self->tops->len; i++)
    {
      GtkWidget *row = g_ptr_array_index (self->rows, i);
      if (row_top (self, i) + gtk_widget_get_height (row) > value)
        {
          self->anchor = row;
          self->anchor_offset = row_top (self, i) - value;
          break;
        }
    }
}

/* The newest row that ends in sight. */
static void
tell_seen (TessMessageList *self)
{
  GtkAdjustment *adjustment = self->adjustments[GTK_ORIENTATION_VERTICAL];
  double bottom = gtk_adjustment_get_value (adjustment) + gtk_adjustment_get_page_size (adjustment);

  for (guint i = MIN (self->rows->len, self->tops->len); i > 0; i--)
    {
      GtkWidget *row = g_ptr_array_index (self->rows, i - 1);
      /* Of a row higher than the window, its beginning is enough. */
      double need = row_top (self, i - 1) + MIN (gtk_widget_get_height (row), gtk_adjustment_get_page_size (adjustment));

      if (need <= bottom + 1)
        {
          g_signal_emit (self, signals[SEEN], 0, tess_message_row_get_message (TESS_MESSAGE_ROW (row)));
          break;
        }
    }
}

static void
check_cb (gpointer user_data)
{
  TessMessageList *self = TESS_MESSAGE_LIST (user_data);
  GtkAdjustment *adjustment = self->adjustments[GTK_ORIENTATION_VERTICAL];
  double value = gtk_adjustment_get_value (adjustment);
  double page = gtk_adjustment_get_page_size (adjustment);
  double left = gtk_adjustment_get_upper (adjustment) - page - value;

  self->check_id = 0;
  if (self->timeline == NULL || page <= 0)
    return;
  tell_following (self);
  if (!tess_timeline_get_loading (self->timeline))
    {
      /* Who is at the end has not begun to scroll. */
      if (self->direction <= 0 && value < page * (self->stick ? LOAD_AHEAD_AT_END : LOAD_AHEAD) && !tess_timeline_get_at_start (self->timeline))
        tess_timeline_load_older (self->timeline);
      else if (self->direction >= 0 && left < page * LOAD_AHEAD && !tess_timeline_get_at_end (self->timeline))
        tess_timeline_load_newer (self->timeline);
    }
  tell_seen (self);
  g_signal_emit (self, signals[MOVED], 0);
}

/* The model may answer at once, which must not happen in the middle of an allocation. */
static void
queue_check (TessMessageList *self)
{
  if (self->check_id == 0)
    self->check_id = g_idle_add_once (check_cb, self);
}

static void
value_changed_cb (GtkAdjustment *adjustment, TessMessageList *self)
{
  double value = gtk_adjustment_get_value (adjustment);

  if (self->allocating)
    return;
  if (value != self->last_value)
    self->direction = value < self->last_value ? -1 : 1;
  self->jumping = FALSE;
  self->seeking = FALSE;
  if (self->dirty)
    {
      self->anchor_offset -= value - self->last_value;
      self->stick = self->stick && self->direction > 0;
    }
  else
    remember_place (self);
  self->last_value = value;
  gtk_widget_queue_allocate (GTK_WIDGET (self));
  queue_check (self);
}

/* A fling goes on towards a place computed before; when the ground moves below it, it has to end. */
static void
stop_fling (TessMessageList *self)
{
  GtkWidget *window = gtk_widget_get_ancestor (GTK_WIDGET (self), GTK_TYPE_SCROLLED_WINDOW);

  if (window != NULL && gtk_scrolled_window_get_kinetic_scrolling (GTK_SCROLLED_WINDOW (window)))
    {
      gtk_scrolled_window_set_kinetic_scrolling (GTK_SCROLLED_WINDOW (window), FALSE);
      gtk_scrolled_window_set_kinetic_scrolling (GTK_SCROLLED_WINDOW (window), TRUE);
    }
}

/* --- layout ----------------------------------------------------------------------------------------------------------------- */

static GtkSizeRequestMode
tess_message_list_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
tess_message_list_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                           int *minimum_baseline, int *natural_baseline)
{
  TessMessageList *self = TESS_MESSAGE_LIST (widget);

  *minimum = *natural = 0;
  if (orientation == GTK_ORIENTATION_VERTICAL)
    return;
  for (guint i = 0; i < self->rows->len; i++)
    {
      int row_minimum;
      gtk_widget_measure (g_ptr_array_index (self->rows, i), orientation, -1, &row_minimum, NULL, NULL, NULL);
      *minimum = MAX (*minimum, row_minimum + 2 * MARGIN);
    }
  *natural = MAX (*minimum, COLUMN_WIDTH);
}

static int
measure_rows (TessMessageList *self, int width)
{
  int y = MARGIN;

  self->dirty = FALSE;
  g_array_set_size (self->tops, self->rows->len);
  for (guint i = 0; i < self->rows->len; i++)
    {
      int height;
      gtk_widget_measure (g_ptr_array_index (self->rows, i), GTK_ORIENTATION_VERTICAL, width, NULL, &height, NULL, NULL);
      g_array_index (self->tops, int, i) = y;
      y += height;
    }
  return y + MARGIN;
}

static double
wanted_value (TessMessageList *self, int upper, int height)
{
  double value = gtk_adjustment_get_value (self->adjustments[GTK_ORIENTATION_VERTICAL]);
  guint index;

  if (self->stick || self->jumping)
    value = upper - height;
  else if (self->anchor != NULL && g_ptr_array_find (self->rows, self->anchor, &index))
    {
      int end = index + 1 < self->tops->len ? row_top (self, index + 1) : upper - MARGIN;

      value = row_top (self, index) - self->anchor_offset;
      /* A long one that was folded up: its beginning, not what comes far below it. */
      if (value >= end)
        value = row_top (self, index) - MARGIN;
    }
  return CLAMP (value, 0, MAX (0, upper - height));
}

static void
tess_message_list_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  TessMessageList *self = TESS_MESSAGE_LIST (widget);
  GtkAdjustment *adjustment = self->adjustments[GTK_ORIENTATION_VERTICAL];
  int column = MAX (MIN (width, COLUMN_WIDTH) - 2 * MARGIN, 1);
  int total = measure_rows (self, column);
  int upper = MAX (total, height);

  /* A short conversation stands at the composer. */
  for (guint i = 0; i < self->tops->len; i++)
    g_array_index (self->tops, int, i) += upper - total;

  double value = wanted_value (self, upper, height);
  self->allocating = TRUE;
  gtk_adjustment_configure (self->adjustments[GTK_ORIENTATION_HORIZONTAL], 0, 0, width, 0, 0, width);
  gtk_adjustment_configure (adjustment, value, 0, upper, height * 0.1, height * 0.9, height);
  self->allocating = FALSE;
  self->last_value = value;
  for (guint i = 0; i < self->rows->len; i++)
    {
      GtkWidget *row = g_ptr_array_index (self->rows, i);
      int next = i + 1 < self->rows->len ? row_top (self, i + 1) : upper - MARGIN;

      gtk_widget_size_allocate (row,
                                &(GtkAllocation){ (width - column) / 2, row_top (self, i) - (int) lround (value), column,
                                                  next - row_top (self, i) },
                                -1);
    }
  queue_check (self);
}

static void
tess_message_list_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  TessMessageList *self = TESS_MESSAGE_LIST (widget);
  double value = gtk_adjustment_get_value (self->adjustments[GTK_ORIENTATION_VERTICAL]);

  for (guint i = 0; i < self->rows->len; i++)
    {
      GtkWidget *row = g_ptr_array_index (self->rows, i);
      double top = row_top (self, i) - value;

      if (top + gtk_widget_get_height (row) > -MARGIN && top < gtk_widget_get_height (widget) + MARGIN)
        gtk_widget_snapshot_child (widget, row, snapshot);
    }
}

/* --- keyboard --------------------------------------------------------------------------------------------------------------- */

static void
scroll_into_view (TessMessageList *self, GtkWidget *child)
{
  GtkAdjustment *adjustment = self->adjustments[GTK_ORIENTATION_VERTICAL];
  double page = gtk_adjustment_get_page_size (adjustment);
  graphene_rect_t bounds;

  if (!gtk_widget_compute_bounds (child, GTK_WIDGET (self), &bounds))
    return;
  double top = bounds.origin.y - MARGIN;
  double bottom = bounds.origin.y + bounds.size.height + MARGIN;
  double value = gtk_adjustment_get_value (adjustment);
  if (bottom > page)
    value += bottom - page;
  if (top - (value - gtk_adjustment_get_value (adjustment)) < 0)
    value = gtk_adjustment_get_value (adjustment) + top;
  gtk_adjustment_set_value (adjustment, value);
}

static void
tess_message_list_set_focus_child (GtkWidget *widget, GtkWidget *child)
{
  GTK_WIDGET_CLASS (tess_message_list_parent_class)->set_focus_child (widget, child);
  /* A press of the mouse may mark text in a row that is half in sight: nothing jumps. */
  if (child != NULL && gtk_window_get_focus_visible (GTK_WINDOW (gtk_widget_get_root (widget))))
    scroll_into_view (TESS_MESSAGE_LIST (widget), child);
}

static gboolean
tess_message_list_focus (GtkWidget *widget, GtkDirectionType direction)
{
  TessMessageList *self = TESS_MESSAGE_LIST (widget);
  GtkWidget *child = gtk_widget_get_focus_child (widget);
  guint index;

  if (self->rows->len == 0)
    return FALSE;
  if (child == NULL)
    {
      /* Coming in: the newest row in sight. */
      double page = gtk_widget_get_height (widget);
      double value = gtk_adjustment_get_value (self->adjustments[GTK_ORIENTATION_VERTICAL]);

      for (index = self->rows->len - 1; index > 0 && row_top (self, index) >= value + page; index--)
        ;
      return gtk_widget_grab_focus (g_ptr_array_index (self->rows, index));
    }
  if (gtk_widget_child_focus (child, direction))
    return TRUE;
  if (!g_ptr_array_find (self->rows, child, &index))
    return FALSE;
  if (direction == GTK_DIR_UP && index > 0)
    return gtk_widget_grab_focus (g_ptr_array_index (self->rows, index - 1));
  if (direction == GTK_DIR_DOWN && index + 1 < self->rows->len)
    return gtk_widget_grab_focus (g_ptr_array_index (self->rows, index + 1));
  /* At an end the focus stays; Tab leaves. */
  return direction != GTK_DIR_TAB_FORWARD && direction != GTK_DIR_TAB_BACKWARD;
}

/* --- rows ------------------------------------------------------------------------------------------------------------------- */

static TessMessage *
message_at (TessMessageList *self, guint index)
{
  return tess_message_row_get_message (TESS_MESSAGE_ROW (g_ptr_array_index (self->rows, index)));
}

static gboolean
begins_unread (TessMessageList *self, guint index)
{
  return self->unread_id != 0 && tess_message_get_id (message_at (self, index)) == self->unread_id;
}

/* Counted once, from the end of the first page; later messages are new too, but the line stays where it is. */
static void
find_unread (TessMessageList *self)
{
  guint left = self->unread;

  if (left == 0 || !timeline_at_end (self))
    return;
  for (guint i = self->rows->len; i > 0 && left > 0; i--)
    if (!tess_message_get_outgoing (message_at (self, i - 1)) && --left == 0)
      self->unread_id = tess_message_get_id (message_at (self, i - 1));
  if (left == 0 || tess_timeline_get_at_start (self->timeline))
    self->unread = 0;
}

/* Days, groups and lines of the rows from @first to before @end, which look at their neighbours. */
static void
place_rows (TessMessageList *self, guint first, guint end)
{
  gint64 now = g_get_real_time ();

  for (guint i = first; i < end && i < self->rows->len; i++)
    {
      TessGroupingKey previous, current, next;
      gboolean begins = TRUE;
      gboolean ends = TRUE;
      g_autofree char *day = NULL;
      gboolean unread = begins_unread (self, i);

      tess_grouping_key_init (&current, message_at (self, i));
      if (i > 0)
        {
          tess_grouping_key_init (&previous, message_at (self, i - 1));
          begins = !tess_grouping_joins (&previous, &current) || unread;
        }
      if (i + 1 < self->rows->len)
        {
          tess_grouping_key_init (&next, message_at (self, i + 1));
          ends = !tess_grouping_joins (&current, &next) || begins_unread (self, i + 1);
        }
      if (i == 0 || !tess_text_same_day (previous.time_us, current.time_us))
        day = tess_text_day (current.time_us, now);
      tess_message_row_set_place (TESS_MESSAGE_ROW (g_ptr_array_index (self->rows, i)), day, unread, begins, ends);
    }
}

static void
message_notify_cb (TessMessageList *self, GParamSpec *pspec, TessMessage *message)
{
  if (!g_str_equal (pspec->name, "state") && !g_str_equal (pspec->name, "trust") && !g_str_equal (pspec->name, "encryption"))
    return;
  for (guint i = self->rows->len; i > 0; i--)
    if (message_at (self, i - 1) == message)
      {
        place_rows (self, i >= 2 ? i - 2 : 0, i + 1);
        break;
      }
}

static void
remove_row (TessMessageList *self, guint index)
{
  GtkWidget *row = g_ptr_array_index (self->rows, index);
  TessMessage *message = tess_message_row_get_message (TESS_MESSAGE_ROW (row));

  if (row == self->anchor)
    self->anchor = NULL;
  g_signal_handlers_disconnect_by_func (message, message_notify_cb, self);
  g_ptr_array_remove_index (self->rows, index);
  gtk_widget_unparent (row);
}

static void
add_row (TessMessageList *self, guint index)
{
  g_autoptr (TessMessage) message = g_list_model_get_item (G_LIST_MODEL (self->timeline), index);
  GtkWidget *row = tess_message_row_new (self->conversation, message);

  g_signal_connect_object (message, "notify", G_CALLBACK (message_notify_cb), self, G_CONNECT_SWAPPED);
  if (index < self->rows->len)
    gtk_widget_insert_before (row, GTK_WIDGET (self), g_ptr_array_index (self->rows, index));
  else
    gtk_widget_set_parent (row, GTK_WIDGET (self));
  g_ptr_array_insert (self->rows, (int) index, row);
}

/* Whether the row there shows now what stands there in the timeline. */
static gboolean
reuse_row (TessMessageList *self, guint index)
{
  g_autoptr (TessMessage) message = g_list_model_get_item (G_LIST_MODEL (self->timeline), index);
  TessMessageRow *row = g_ptr_array_index (self->rows, index);
  g_autoptr (TessMessage) before = g_object_ref (tess_message_row_get_message (row));

  if (GTK_WIDGET (row) == self->anchor || !tess_message_row_reuse (row, message))
    return FALSE;
  g_signal_handlers_disconnect_by_func (before, message_notify_cb, self);
  g_signal_connect_object (message, "notify", G_CALLBACK (message_notify_cb), self, G_CONNECT_SWAPPED);
  return TRUE;
}

/* When the anchor goes, a neighbour in sight that stays takes its office. */
static void
move_anchor (TessMessageList *self, guint position, guint removed)
{
  double value = gtk_adjustment_get_value (self->adjustments[GTK_ORIENTATION_VERTICAL]);
  guint index;

  if (self->anchor == NULL || !g_ptr_array_find (self->rows, self->anchor, &index) || index < position ||
      index >= position + removed)
    return;
  index = position + removed < self->rows->len ? position + removed : position > 0 ? position - 1 : G_MAXUINT;
  self->anchor = index < self->rows->len ? g_ptr_array_index (self->rows, index) : NULL;
  if (self->anchor != NULL)
    self->anchor_offset = row_top (self, index) - value;
}

/* The first of those that came in just now, at the end, and not as a page of the history. */
static void
note_unwatched (TessMessageList *self, guint position)
{
  if (!self->unwatched || self->unread_id != 0 || self->unread > 0 || tess_timeline_get_loading (self->timeline))
    return;
  for (guint i = position; i < self->rows->len && self->unread_id == 0; i++)
    if (!tess_message_get_outgoing (message_at (self, i)))
      self->unread_id = tess_message_get_id (message_at (self, i));
}

static void
items_changed_cb (TessMessageList *self, guint position, guint removed, guint added)
{
  gboolean arrived = removed == 0 && position > 0 && position == self->rows->len && timeline_at_end (self);
  gboolean all = removed > 0 && removed == self->rows->len;
  guint reused = 0;

  move_anchor (self, position, removed);
  self->dirty = TRUE;
  while (reused < MIN (removed, added) && reuse_row (self, position + reused))
    reused++;
  for (guint i = reused; i < removed; i++)
    remove_row (self, position + reused);
  for (guint i = reused; i < added; i++)
    add_row (self, position + i);
  if (arrived)
    note_unwatched (self, position);
  if (all && !self->jumping && !self->seeking)
    self->stick = timeline_at_end (self); /* another page altogether */
  place_rows (self, position > 0 ? position - 1 : 0, position + added + 1);
  stop_fling (self);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

/* The timeline puts its messages in first and says where it stands afterwards. */
static void
timeline_notify_cb (TessMessageList *self)
{
  if (self->seeking && !tess_timeline_get_loading (self->timeline))
    {
      take_sought (self);
      gtk_widget_queue_allocate (GTK_WIDGET (self));
    }
  if (timeline_at_end (self))
    {
      if (self->jumping)
        self->stick = TRUE;
      self->jumping = FALSE;
      if (self->unread > 0)
        {
          find_unread (self);
          place_rows (self, 0, self->rows->len);
        }
      gtk_widget_queue_allocate (GTK_WIDGET (self));
    }
  queue_check (self);
}

/* --- object ----------------------------------------------------------------------------------------------------------------- */

static void
set_adjustment (TessMessageList *self, GtkOrientation orientation, GtkAdjustment *adjustment)
{
  g_autoptr (GtkAdjustment) kept = adjustment != NULL ? g_object_ref (adjustment)
                                                      : g_object_ref_sink (gtk_adjustment_new (0, 0, 0, 0, 0, 0));

  if (self->adjustments[orientation] != NULL)
    g_signal_handlers_disconnect_by_data (self->adjustments[orientation], self);
  g_set_object (&self->adjustments[orientation], kept);
  if (orientation == GTK_ORIENTATION_VERTICAL)
    g_signal_connect (kept, "value-changed", G_CALLBACK (value_changed_cb), self);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

static void
tess_message_list_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TessMessageList *self = TESS_MESSAGE_LIST (object);

  switch (id)
    {
    case PROP_HADJUSTMENT:
    case PROP_VADJUSTMENT:
      set_adjustment (self, id == PROP_HADJUSTMENT ? GTK_ORIENTATION_HORIZONTAL : GTK_ORIENTATION_VERTICAL,
                      g_value_get_object (value));
      break;
    case PROP_HSCROLL_POLICY:
      self->policies[GTK_ORIENTATION_HORIZONTAL] = g_value_get_enum (value);
      break;
    case PROP_VSCROLL_POLICY:
      self->policies[GTK_ORIENTATION_VERTICAL] = g_value_get_enum (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
tess_message_list_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  TessMessageList *self = TESS_MESSAGE_LIST (object);

  switch (id)
    {
    case PROP_HADJUSTMENT:
      g_value_set_object (value, self->adjustments[GTK_ORIENTATION_HORIZONTAL]);
      break;
    case PROP_VADJUSTMENT:
      g_value_set_object (value, self->adjustments[GTK_ORIENTATION_VERTICAL]);
      break;
    case PROP_HSCROLL_POLICY:
      g_value_set_enum (value, self->policies[GTK_ORIENTATION_HORIZONTAL]);
      break;
    case PROP_VSCROLL_POLICY:
      g_value_set_enum (value, self->policies[GTK_ORIENTATION_VERTICAL]);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
forget (TessMessageList *self)
{
  while (self->rows->len > 0)
    remove_row (self, self->rows->len - 1);
  if (self->timeline != NULL)
    g_signal_handlers_disconnect_by_data (self->timeline, self);
  g_clear_object (&self->timeline);
  g_clear_object (&self->conversation);
}

static void
tess_message_list_dispose (GObject *object)
{
  TessMessageList *self = TESS_MESSAGE_LIST (object);

  forget (self);
  g_clear_handle_id (&self->check_id, g_source_remove);
  for (guint i = 0; i < 2; i++)
    {
      if (self->adjustments[i] != NULL)
        g_signal_handlers_disconnect_by_data (self->adjustments[i], self);
      g_clear_object (&self->adjustments[i]);
    }
  G_OBJECT_CLASS (tess_message_list_parent_class)->dispose (object);
}

static void
tess_message_list_finalize (GObject *object)
{
  TessMessageList *self = TESS_MESSAGE_LIST (object);

  g_ptr_array_unref (self->rows);
  g_array_unref (self->tops);
  G_OBJECT_CLASS (tess_message_list_parent_class)->finalize (object);
}

static void
tess_message_list_class_init (TessMessageListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->set_property = tess_message_list_set_property;
  object_class->get_property = tess_message_list_get_property;
  object_class->dispose = tess_message_list_dispose;
  object_class->finalize = tess_message_list_finalize;
  widget_class->get_request_mode = tess_message_list_get_request_mode;
  widget_class->measure = tess_message_list_measure;
  widget_class->size_allocate = tess_message_list_size_allocate;
  widget_class->snapshot = tess_message_list_snapshot;
  widget_class->focus = tess_message_list_focus;
  widget_class->set_focus_child = tess_message_list_set_focus_child;
  g_object_class_override_property (object_class, PROP_HADJUSTMENT, "hadjustment");
  g_object_class_override_property (object_class, PROP_VADJUSTMENT, "vadjustment");
  g_object_class_override_property (object_class, PROP_HSCROLL_POLICY, "hscroll-policy");
  g_object_class_override_property (object_class, PROP_VSCROLL_POLICY, "vscroll-policy");
  signals[SEEN] = g_signal_new ("seen", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                TESS_TYPE_MESSAGE);
  signals[MOVED] = g_signal_new ("moved", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_css_name (widget_class, "tess-messages");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_LIST);
}

static void
tess_message_list_init (TessMessageList *self)
{
  self->rows = g_ptr_array_new ();
  self->tops = g_array_new (FALSE, TRUE, sizeof (int));
  self->stick = TRUE;
  self->direction = -1;
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Messages"), -1);
  set_adjustment (self, GTK_ORIENTATION_HORIZONTAL, NULL);
  set_adjustment (self, GTK_ORIENTATION_VERTICAL, NULL);
}

void
tess_message_list_set_conversation (TessMessageList *self, TessConversation *conversation, TessTimeline *timeline,
                                    guint unread)
{
  g_return_if_fail (TESS_IS_MESSAGE_LIST (self));

  forget (self);
  self->conversation = conversation != NULL ? g_object_ref (conversation) : NULL;
  self->timeline = timeline != NULL ? g_object_ref (timeline) : NULL;
  self->unread = unread;
  self->unread_id = 0;
  self->seeking = conversation != NULL && tess_conversation_get_place (conversation, &self->sought_id, &self->sought_offset);
  self->stick = !self->seeking;
  self->jumping = !self->seeking;
  self->direction = self->seeking ? 0 : -1;
  self->sought_time = 0;
  if (timeline == NULL)
    return;
  g_signal_connect_object (timeline, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (timeline, "notify", G_CALLBACK (timeline_notify_cb), self, G_CONNECT_SWAPPED);
  items_changed_cb (self, 0, 0, g_list_model_get_n_items (G_LIST_MODEL (timeline)));
  timeline_notify_cb (self);
}

gboolean
tess_message_list_get_at_end (TessMessageList *self)
{
  g_return_val_if_fail (TESS_IS_MESSAGE_LIST (self), TRUE);
  return self->stick || self->jumping;
}

void
tess_message_list_jump_to_end (TessMessageList *self)
{
  g_return_if_fail (TESS_IS_MESSAGE_LIST (self));

  self->seeking = FALSE;
  self->jumping = !timeline_at_end (self);
  self->stick = !self->jumping;
  self->direction = 1;
  tell_following (self);
  stop_fling (self);
  if (self->jumping)
    tess_timeline_jump_to_end (self->timeline);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
}

void
tess_message_list_go_to (TessMessageList *self, gint64 time_us)
{
  g_return_if_fail (TESS_IS_MESSAGE_LIST (self));

  if (self->timeline == NULL)
    return;
  self->seeking = TRUE;
  self->sought_time = time_us;
  self->sought_id = 0;
  self->sought_offset = MARGIN;
  self->stick = FALSE;
  self->jumping = FALSE;
  self->direction = 0;
  stop_fling (self);
  tell_following (self);
  tess_timeline_jump_to (self->timeline, time_us, 0);
}

gboolean
tess_message_list_get_place (TessMessageList *self, TessMessage **message, int *offset)
{
  g_return_val_if_fail (TESS_IS_MESSAGE_LIST (self), FALSE);

  *message = NULL;
  *offset = 0;
  if (self->seeking || self->timeline == NULL || tess_timeline_get_loading (self->timeline))
    return FALSE;
  if (self->stick || self->jumping || self->anchor == NULL)
    return TRUE;
  *message = tess_message_row_get_message (TESS_MESSAGE_ROW (self->anchor));
  *offset = (int) lround (self->anchor_offset);
  return TRUE;
}

void
tess_message_list_scroll_page (TessMessageList *self, int direction)
{
  g_return_if_fail (TESS_IS_MESSAGE_LIST (self));

  GtkAdjustment *adjustment = self->adjustments[GTK_ORIENTATION_VERTICAL];
  gtk_adjustment_set_value (adjustment, gtk_adjustment_get_value (adjustment) +
                                          direction * gtk_adjustment_get_page_increment (adjustment));
}

void
tess_message_list_refresh (TessMessageList *self)
{
  g_return_if_fail (TESS_IS_MESSAGE_LIST (self));
  place_rows (self, 0, self->rows->len);
}

void
tess_message_list_clear_unread (TessMessageList *self)
{
  g_return_if_fail (TESS_IS_MESSAGE_LIST (self));
  self->unread = 0;
  self->unread_id = 0;
  tess_message_list_refresh (self);
}

void
tess_message_list_set_watched (TessMessageList *self, gboolean watched)
{
  g_return_if_fail (TESS_IS_MESSAGE_LIST (self));

  if (self->unwatched == !watched)
    return;
  self->unwatched = !watched;
  if (!watched && self->unread == 0 && self->unread_id != 0)
    tess_message_list_clear_unread (self);
}
