/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessSidebar:
 *
 * Requests, conversations, a filter over them, and the state of the accounts. Signals: `open-conversation` (TessConversation),
 * `start-chat` (string: an address).
 */
#define TESS_TYPE_SIDEBAR (tess_sidebar_get_type ())
G_DECLARE_FINAL_TYPE (TessSidebar, tess_sidebar, TESS, SIDEBAR, GtkWidget)

void tess_sidebar_set_client   (TessSidebar *self, TessClient *client);
/* Marks the row of @conversation (nullable). */
void tess_sidebar_select       (TessSidebar *self, TessConversation *conversation);
void tess_sidebar_focus_search (TessSidebar *self);
/* Ends the filter. Returns: whether there was one. */
gboolean tess_sidebar_clear_search (TessSidebar *self);
/* Whether choosing has a lasting mark: not when the list fills the window. */
void tess_sidebar_set_folded   (TessSidebar *self, gboolean folded);
/* The conversation @step places after @from in the list. (transfer none) (nullable) */
TessConversation *tess_sidebar_neighbour (TessSidebar *self, TessConversation *from, int step);
/* A key that was pressed elsewhere begins a search. */
gboolean tess_sidebar_take_key (TessSidebar *self, GtkEventControllerKey *controller, guint keyval, GdkModifierType state);

G_END_DECLS
