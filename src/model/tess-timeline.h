/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/tess-message.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessTimeline:
 *
 * A GListModel of TessMessage, oldest first: a window over a conversation's history that asks the engine for pages. It never holds
 * more than `TESS_TIMELINE_MAX` messages: loading older ones at the top lets newer ones go at the bottom, and the other way round. New
 * messages join at the end when the window touches the end (`at-end`). Messages are put in by (time, id), never twice; a changed
 * record updates its TessMessage in place, without `items-changed`.
 *
 * A flood (an archive that comes in) costs whoever shows the timeline as little as a page now and then: see
 * tess_timeline_set_following().
 *
 * Properties (read-only, notifying): `loading`, `at-start` (nothing older is there, nor to be had now), `at-end`.
 */
#define TESS_TYPE_TIMELINE (tess_timeline_get_type ())
G_DECLARE_FINAL_TYPE (TessTimeline, tess_timeline, TESS, TIMELINE, GObject)

#define TESS_TIMELINE_PAGE 30
#define TESS_TIMELINE_MAX 150

gboolean tess_timeline_get_loading  (TessTimeline *self);
gboolean tess_timeline_get_at_start (TessTimeline *self);
gboolean tess_timeline_get_at_end   (TessTimeline *self);
/* Nothing happens while a page is loading or there is nothing more. */
void     tess_timeline_load_older   (TessTimeline *self);
void     tess_timeline_load_newer   (TessTimeline *self);
/**
 * tess_timeline_set_following:
 * @rows: how many messages fill the window of a reader who has the end in sight; 0 for a reader of the history
 *
 * What a view says of its reader; until it does, every message joins at once and the oldest go. Of many that come at once, a reader at
 * the end gets the newest @rows, ten times a second at most; what is older is a page to load. A reader of the history keeps what there
 * is: what no page holds is left for tess_timeline_load_newer ().
 */
void     tess_timeline_set_following (TessTimeline *self, guint rows);
/* To a page around this place, instead of what is shown: the first message from there on is in it. A @message_id of 0 is before all of
 * that time. What is not stored comes out of the archive first, all down to there. */
void     tess_timeline_jump_to      (TessTimeline *self, gint64 time_us, gint64 message_id);
/* Back to the newest page. */
void     tess_timeline_jump_to_end  (TessTimeline *self);

G_END_DECLS
