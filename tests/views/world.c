/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test-views"

#include "config.h"

#include "world.h"

#include "base/tess-thread.h"
#include "views/tess-views.h"

#include <string.h>

static AdwApplication *application;
static int result;


/* Until @condition holds; the test's own time limit ends what never does. */
void
wait_for (Condition condition, gpointer data)
{
  while (!condition (data))
    g_main_context_iteration (NULL, TRUE);
}

gboolean
is_mapped (gpointer widget)
{
  return gtk_widget_get_mapped (widget) && gtk_widget_get_width (widget) > 0;
}

static gboolean
is_open (gpointer client)
{
  return tess_client_get_state (client) != TESS_CLIENT_STARTING;
}

static gboolean
idle_ran_cb (gpointer ran)
{
  *(gboolean *) ran = TRUE;
  return G_SOURCE_REMOVE;
}

gboolean
is_set (gpointer flag)
{
  return *(gboolean *) flag;
}

/* Everything that is due, two frames included. */
void
settle (GtkWidget *widget)
{
  for (int i = 0; i < 3; i++)
    {
      GdkFrameClock *clock = gtk_widget_get_frame_clock (widget);
      gboolean ran = FALSE;
      gint64 frame = clock != NULL ? gdk_frame_clock_get_frame_counter (clock) : 0;

      gtk_widget_queue_draw (widget);
      while (clock != NULL && gdk_frame_clock_get_frame_counter (clock) <= frame)
        g_main_context_iteration (NULL, TRUE);
      g_idle_add_full (G_PRIORITY_LOW + 100, idle_ran_cb, &ran, NULL);
      wait_for (is_set, &ran);
    }
}

World
open_world (FakeWorld kind)
{
  World world;

  fake_engine_set_world (kind);
  world.client = tess_client_new (g_get_user_data_dir (), NULL, NULL);
  world.window = TESS_WINDOW (tess_window_new (GTK_APPLICATION (application), world.client));
  gtk_window_set_default_size (GTK_WINDOW (world.window), 900, 600);
  gtk_window_present (GTK_WINDOW (world.window));
  tess_client_start (world.client);
  wait_for (is_open, world.client);
  wait_for (is_mapped, world.window);
  settle (GTK_WIDGET (world.window));
  return world;
}

void
close_world (World *world)
{
  gpointer window = world->window;

  g_object_add_weak_pointer (G_OBJECT (world->window), &window);
  gtk_window_destroy (GTK_WINDOW (world->window));
  tess_client_stop (world->client);
  g_clear_object (&world->client);
  while (window != NULL)
    g_main_context_iteration (NULL, TRUE);
  /* Replies that are on their way hold on to the model. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_null (fake_engine_get ());
}

GtkWidget *
find (GtkWidget *widget, const char *type)
{
  if (g_str_equal (G_OBJECT_TYPE_NAME (widget), type))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find (child, type);
      if (found != NULL)
        return found;
    }
  return NULL;
}

void
show_once (GtkWidget *window)
{
  g_autofree char *type = g_strdup (G_OBJECT_TYPE_NAME (window));
  gpointer alive = window;

  gtk_window_present (GTK_WINDOW (window));
  wait_for (is_mapped, window);
  settle (window);
  g_object_add_weak_pointer (G_OBJECT (window), &alive);
  gtk_window_destroy (GTK_WINDOW (window));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  if (alive != NULL)
    g_error ("%s is kept by %u", type, G_OBJECT (alive)->ref_count);
}

/* Says who is in the way when the window cannot become so small. */
void
assert_fits (GtkWidget *widget, int width)
{
  if (gtk_widget_get_width (widget) <= width)
    return;
  for (GtkWidget *w = widget; w != NULL;)
    {
      GtkWidget *widest = NULL;
      int most = 0;

      for (GtkWidget *child = gtk_widget_get_first_child (w); child != NULL; child = gtk_widget_get_next_sibling (child))
        {
          int minimum = 0;
          if (gtk_widget_get_visible (child) && gtk_widget_get_child_visible (child))
            gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
          if (minimum > most)
            {
              most = minimum;
              widest = child;
            }
        }
      if (widest != NULL)
        g_printerr ("%d px: %s\n", most, G_OBJECT_TYPE_NAME (widest));
      w = widest;
    }
  g_assert_cmpint (gtk_widget_get_width (widget), <=, width);
}

static gboolean
shows (GtkWidget *widget, const char *text)
{
  if (!gtk_widget_get_visible (widget))
    return FALSE;
  if (GTK_IS_LABEL (widget) && strstr (gtk_label_get_text (GTK_LABEL (widget)), text) != NULL)
    return TRUE;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL; child = gtk_widget_get_next_sibling (child))
    if (shows (child, text))
      return TRUE;
  return FALSE;
}

gboolean
world_shows (gpointer widget, const char *text)
{
  return shows (widget, text);
}

GtkWindow *
world_window (const char *type)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);
      if (g_str_equal (G_OBJECT_TYPE_NAME (window), type) && gtk_widget_get_visible (GTK_WIDGET (window)))
        return window; /* GTK keeps it */
    }
  return NULL;
}

static void
activate_cb (GApplication *unused, gpointer user_data)
{
  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", FALSE, NULL);
  g_application_hold (G_APPLICATION (application));
  result = g_test_run ();
  g_application_release (G_APPLICATION (application));
}

int
world_main (int argc, char *argv[], void (*add_tests) (void))
{
  int code;

  g_test_init (&argc, &argv, NULL);
  tess_thread_set_role (TESS_THREAD_MAIN);
  tess_views_init ();
  add_tests ();
  application = g_object_new (ADW_TYPE_APPLICATION, "application-id", "im.tessera.Test", "flags", G_APPLICATION_NON_UNIQUE,
                              "resource-base-path", "/im/tessera/Tessera", NULL);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  code = g_application_run (G_APPLICATION (application), 1, argv);
  g_object_unref (application);
  return code != 0 ? code : result;
}
