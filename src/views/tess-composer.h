/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessComposer:
 *
 * Where a message is written: grows up to about eight lines, Enter sends, Shift+Enter begins a line. Keeps the draft and tells the
 * other side about typing. Signal: `sent`.
 */
#define TESS_TYPE_COMPOSER (tess_composer_get_type ())
G_DECLARE_FINAL_TYPE (TessComposer, tess_composer, TESS, COMPOSER, GtkWidget)

/* The engine takes no more (bytes of UTF-8). */
#define TESS_COMPOSER_MAX_BYTES (64 * 1024)

void tess_composer_set_conversation (TessComposer *self, TessConversation *conversation);
void tess_composer_focus            (TessComposer *self);
/* A key that was pressed elsewhere in the chat. Returns: whether it was taken. */
gboolean tess_composer_take_key     (TessComposer *self, GtkEventControllerKey *controller, guint keyval, GdkModifierType state);
void tess_composer_set_text         (TessComposer *self, const char *text);
void tess_composer_send             (TessComposer *self);
/* Writes the draft down now. */
void tess_composer_save             (TessComposer *self);

G_END_DECLS
