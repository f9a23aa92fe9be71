/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "fake-engine.h"

#include "views/tess-window.h"

#include <adwaita.h>

G_BEGIN_DECLS

/* What the tests of the widgets stand on: the real model over the stand-in for the engine, in a window on a display of its own. */

typedef struct
{
  TessClient *client;
  TessWindow *window;
} World;

typedef gboolean (*Condition) (gpointer data);

/* Until @condition holds; the test's own time limit ends what never does. */
void       wait_for    (Condition condition, gpointer data);
gboolean   is_mapped   (gpointer widget);
gboolean   is_set      (gpointer flag);
/* Everything that is due, two frames included. */
void       settle      (GtkWidget *widget);
World      open_world  (FakeWorld kind);
void       close_world (World *world);
/* The first widget of @type in @widget. (nullable) */
GtkWidget *find        (GtkWidget *widget, const char *type);
/* Shows a window, closes it, and asserts that nobody keeps it. */
void       show_once   (GtkWidget *window);
/* Says who is in the way when the window cannot become so small. */
void       assert_fits (GtkWidget *widget, int width);
/* Whether a visible label in @widget has @text in it. */
gboolean   world_shows (gpointer widget, const char *text);
/* A visible window of @type. (transfer none) (nullable) */
GtkWindow *world_window (const char *type);
int        world_main  (int argc, char *argv[], void (*add_tests) (void));

G_END_DECLS
