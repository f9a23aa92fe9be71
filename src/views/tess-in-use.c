/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-in-use.h"

#include <gtk/gtk.h>

#define GRACE_SECONDS 30
#define MOST_GRACE_SECONDS 86400

struct _TessInUse
{
  TessClient *client;
  GListModel *windows;
  GPtrArray  *watched; /* of GtkWindow: those whose signal is connected */
  guint       grace;   /* seconds */
  guint       idle_id;
};

static guint
read_grace (void)
{
  const char *text = g_getenv ("TESSERA_IDLE_SECONDS");
  guint64 seconds;

  if (text != NULL && g_ascii_string_to_unsigned (text, 10, 0, MOST_GRACE_SECONDS, &seconds, NULL))
    return (guint) seconds;
  return GRACE_SECONDS;
}

static gboolean
is_any_active (TessInUse *self)
{
  guint n = g_list_model_get_n_items (self->windows);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GtkWindow) window = g_list_model_get_item (self->windows, i);
      if (gtk_window_is_active (window))
        return TRUE;
    }
  return FALSE;
}

static void
idle_cb (gpointer user_data)
{
  TessInUse *self = user_data;

  self->idle_id = 0;
  tess_client_set_in_use (self->client, FALSE);
}

static void
update (TessInUse *self)
{
  if (is_any_active (self))
    {
      g_clear_handle_id (&self->idle_id, g_source_remove);
      tess_client_set_in_use (self->client, TRUE);
    }
  else if (self->idle_id == 0 && tess_client_get_in_use (self->client))
    {
      self->idle_id = g_timeout_add_once (self->grace * 1000, idle_cb, self);
    }
}

static void
unwatch (gpointer window, gpointer self)
{
  g_signal_handlers_disconnect_by_func (window, update, self);
}

static void
forget_windows (TessInUse *self)
{
  g_ptr_array_foreach (self->watched, unwatch, self);
  g_ptr_array_set_size (self->watched, 0);
}

static void
windows_changed_cb (TessInUse *self)
{
  guint n = g_list_model_get_n_items (self->windows);

  forget_windows (self);
  for (guint i = 0; i < n; i++)
    {
      GtkWindow *window = g_list_model_get_item (self->windows, i);

      g_signal_connect_swapped (window, "notify::is-active", G_CALLBACK (update), self);
      g_ptr_array_add (self->watched, window);
    }
  update (self);
}

TessInUse *
tess_in_use_new (TessClient *client)
{
  TessInUse *self = g_new0 (TessInUse, 1);

  self->client = g_object_ref (client);
  self->windows = g_object_ref (gtk_window_get_toplevels ());
  self->watched = g_ptr_array_new_with_free_func (g_object_unref);
  self->grace = read_grace ();
  g_signal_connect_swapped (self->windows, "items-changed", G_CALLBACK (windows_changed_cb), self);
  windows_changed_cb (self);
  return self;
}

void
tess_in_use_free (TessInUse *self)
{
  if (self == NULL)
    return;

  g_clear_handle_id (&self->idle_id, g_source_remove);
  g_signal_handlers_disconnect_by_data (self->windows, self);
  forget_windows (self);
  g_ptr_array_unref (self->watched);
  g_object_unref (self->windows);
  g_object_unref (self->client);
  g_free (self);
}
