/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Makes the templates, icons and styles of this library known. Before the application starts up. Safe to call twice. */
void tess_views_init (void);

/* For dispose() of a widget with a template: forgets what is bound and lets all children go. */
void tess_views_dispose (GtkWidget *widget, GType type);

G_END_DECLS
