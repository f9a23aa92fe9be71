/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-views.h"

#include "tess-icons.h"
#include "tess-resources.h"

void
tess_views_init (void)
{
  /* By hand: the linker drops constructors of a static library that nobody names. */
  static gboolean done;

  if (!done)
    {
      tess_register_resource ();
      tess_icons_register_resource ();
      done = TRUE;
    }
}

void
tess_views_dispose (GtkWidget *widget, GType type)
{
  GtkWidget *child;

  gtk_widget_dispose_template (widget, type);
  while ((child = gtk_widget_get_first_child (widget)) != NULL)
    gtk_widget_unparent (child);
}
