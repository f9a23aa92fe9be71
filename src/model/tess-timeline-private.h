/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-engine.h"
#include "model/tess-timeline.h"

G_BEGIN_DECLS

/**
 * TessTimelineLoadFunc:
 * @serial: to be given back
 * @after: whether newer messages than (@time_us, @message_id) are wanted, or older ones
 *
 * Asks for TESS_TIMELINE_PAGE messages, as tess_engine_load_page_async() does. The answer, also of a failure, goes to
 * tess_timeline_take_page(), not before this has returned.
 */
typedef void (*TessTimelineLoadFunc) (TessTimeline *self,
                                      guint         serial,
                                      TessPageKind  kind,
                                      gint64        time_us,
                                      gint64        message_id,
                                      gpointer      user_data);

/* Asks for the page around (@time_us, @message_id) at once, for the newest one when @time_us is 0. @destroy frees @user_data. */
TessTimeline *tess_timeline_new (TessTimelineLoadFunc load, gint64 time_us, gint64 message_id, gpointer user_data, GDestroyNotify destroy);

/* @records: (nullable) (element-type TessMessageRecord): oldest first; NULL when they could not be loaded. */
void          tess_timeline_take_page (TessTimeline *self, guint serial, GPtrArray *records, TessPageEnds ends);
/* What could not be had of the archive when the start was reached can be had now. */
void          tess_timeline_reopen    (TessTimeline *self);

/* (element-type TessMessageRecord): new or changed messages. @update: FALSE leaves those alone that are there already. */
void          tess_timeline_take_messages (TessTimeline *self, GPtrArray *records, gboolean update);

/* (transfer none) (nullable) */
TessMessage  *tess_timeline_find (TessTimeline *self, gint64 message_id);

/* What is not newer than @until_us is deleted, but for what waits to be sent. */
void          tess_timeline_forget (TessTimeline *self, gint64 until_us);

/* The conversation is gone. */
void          tess_timeline_clear (TessTimeline *self);

G_END_DECLS
