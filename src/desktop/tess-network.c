/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-desktop"

#include "config.h"

#include "desktop/tess-network.h"

#include "base/tess-source.h"
#include "base/tess-thread.h"

/* The kernel tells of each address and each route by itself: one change is one call. */
#define QUIET_MS 250

struct _TessNetwork
{
  GNetworkMonitor *monitor;
  gulong changed_id;
  GSource *quiet; /* nullable */
  GCancellable *cancellable;
  GDBusConnection *system_bus; /* nullable */
  guint sleep_id;
  TessNetworkFunc changed;
  TessResumedFunc resumed;
  gpointer user_data;
};

static gboolean
quiet_cb (gpointer user_data)
{
  TessNetwork *self = user_data;

  tess_source_clear (&self->quiet);
  /* May free @self. */
  self->changed (g_network_monitor_get_network_available (self->monitor), self->user_data);

  return G_SOURCE_REMOVE;
}

static void
network_changed_cb (GNetworkMonitor *monitor, gboolean available, gpointer user_data)
{
  TessNetwork *self = user_data;

  if (self->quiet != NULL)
    return;
  self->quiet = tess_source_attach (g_timeout_source_new (QUIET_MS), quiet_cb, self);
}

static void
prepare_for_sleep_cb (GDBusConnection *bus,
                      const char *sender,
                      const char *path,
                      const char *interface,
                      const char *name,
                      GVariant *parameters,
                      gpointer user_data)
{
  TessNetwork *self = user_data;
  gboolean starting;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(b)")))
    return;
  g_variant_get (parameters, "(b)", &starting);
  if (!starting)
    self->resumed (self->user_data);
}

static void
system_bus_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *bus = g_bus_get_finish (result, &error);
  TessNetwork *self = user_data;

  if (bus == NULL)
    {
      /* @self is gone when it was cancelled, also when that came last. Without a bus nobody tells
       * of sleep: fine. */
      g_debug ("no system bus: %s", error->message);
      return;
    }
  /* A chat goes on without it. */
  g_dbus_connection_set_exit_on_close (bus, FALSE);
  self->system_bus = bus;
  self->sleep_id = g_dbus_connection_signal_subscribe (
      bus, "org.freedesktop.login1", "org.freedesktop.login1.Manager", "PrepareForSleep",
      "/org/freedesktop/login1", NULL, G_DBUS_SIGNAL_FLAGS_NONE, prepare_for_sleep_cb, self, NULL);
}

TessNetwork *
tess_network_new_with (GNetworkMonitor *monitor,
                       TessNetworkFunc changed,
                       TessResumedFunc resumed,
                       gpointer user_data)
{
  TessNetwork *self;

  TESS_ASSERT_MAIN ();
  g_return_val_if_fail (G_IS_NETWORK_MONITOR (monitor) && changed != NULL && resumed != NULL, NULL);

  self = g_new0 (TessNetwork, 1);
  self->monitor = g_object_ref (monitor);
  self->changed = changed;
  self->resumed = resumed;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->changed_id =
      g_signal_connect (monitor, "network-changed", G_CALLBACK (network_changed_cb), self);
  g_bus_get (G_BUS_TYPE_SYSTEM, self->cancellable, system_bus_cb, self);

  return self;
}

TessNetwork *
tess_network_new (TessNetworkFunc changed, TessResumedFunc resumed, gpointer user_data)
{
  return tess_network_new_with (g_network_monitor_get_default (), changed, resumed, user_data);
}

void
tess_network_free (TessNetwork *self)
{
  if (self == NULL)
    return;

  TESS_ASSERT_MAIN ();

  g_cancellable_cancel (self->cancellable);
  g_clear_signal_handler (&self->changed_id, self->monitor);
  tess_source_clear (&self->quiet);
  if (self->system_bus != NULL)
    g_dbus_connection_signal_unsubscribe (self->system_bus, self->sleep_id);
  g_clear_object (&self->system_bus);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->monitor);
  g_free (self);
}

gboolean
tess_network_get_available (TessNetwork *self)
{
  TESS_ASSERT_MAIN ();

  return g_network_monitor_get_network_available (self->monitor);
}
