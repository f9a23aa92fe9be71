/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "desktop-fixture.h"
#include "desktop/tess-network.h"

/* ---- A network that the test turns on and off ---- */

#define FAKE_TYPE_MONITOR (fake_monitor_get_type ())
G_DECLARE_FINAL_TYPE (FakeMonitor, fake_monitor, FAKE, MONITOR, GObject)

struct _FakeMonitor
{
  GObject parent_instance;
  gboolean available;
};

enum
{
  PROP_0,
  PROP_AVAILABLE,
  PROP_METERED,
  PROP_CONNECTIVITY,
};

static void
fake_monitor_monitor_init (GNetworkMonitorInterface *iface)
{
}

static gboolean
fake_monitor_initable (GInitable *initable, GCancellable *cancellable, GError **error)
{
  return TRUE;
}

static void
fake_monitor_initable_init (GInitableIface *iface)
{
  iface->init = fake_monitor_initable;
}

G_DEFINE_TYPE_WITH_CODE (FakeMonitor,
                         fake_monitor,
                         G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, fake_monitor_initable_init)
                             G_IMPLEMENT_INTERFACE (G_TYPE_NETWORK_MONITOR,
                                                    fake_monitor_monitor_init))

static void
fake_monitor_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_AVAILABLE)
    g_value_set_boolean (value, FAKE_MONITOR (object)->available);
}

static void
fake_monitor_class_init (FakeMonitorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = fake_monitor_get_property;
  g_object_class_override_property (object_class, PROP_AVAILABLE, "network-available");
  g_object_class_override_property (object_class, PROP_METERED, "network-metered");
  g_object_class_override_property (object_class, PROP_CONNECTIVITY, "connectivity");
}

static void
fake_monitor_init (FakeMonitor *self)
{
}

static void
turn (FakeMonitor *monitor, gboolean available)
{
  monitor->available = available;
  g_signal_emit_by_name (monitor, "network-changed", available);
}

/* ---- What was told ---- */

typedef struct
{
  int changes;
  int available;
  int resumes;
  TessNetwork *free_me;
} Told;

static void
changed_cb (gboolean available, gpointer user_data)
{
  Told *told = user_data;

  told->changes++;
  told->available = available;
  g_clear_pointer (&told->free_me, tess_network_free);
}

static void
resumed_cb (gpointer user_data)
{
  Told *told = user_data;

  told->resumes++;
  g_clear_pointer (&told->free_me, tess_network_free);
}

static void
test_changes (void)
{
  g_autoptr (FakeMonitor) monitor = g_object_new (FAKE_TYPE_MONITOR, NULL);
  Told told = { 0 };
  TessNetwork *network =
      tess_network_new_with (G_NETWORK_MONITOR (monitor), changed_cb, resumed_cb, &told);

  g_assert_false (tess_network_get_available (network));
  /* A burst is one change, and its end counts. */
  for (int i = 0; i < 9; i++)
    turn (monitor, i % 2 == 0);
  g_assert_cmpint (told.changes, ==, 0);
  WAIT_UNTIL (told.changes > 0);
  g_assert_cmpint (told.changes, ==, 1);
  g_assert_true (told.available);
  g_assert_true (tess_network_get_available (network));

  /* Another network, and as available as before. */
  turn (monitor, TRUE);
  WAIT_UNTIL (told.changes > 1);
  g_assert_true (told.available);
  turn (monitor, FALSE);
  WAIT_UNTIL (told.changes > 2);
  g_assert_false (told.available);

  /* Nothing after the end, also not what was waiting. */
  turn (monitor, TRUE);
  tess_network_free (network);
  turn (monitor, TRUE);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpint (told.changes, ==, 3);
  g_assert_cmpint (told.resumes, ==, 0);
  tess_network_free (NULL);
}

static void
test_freed_inside (void)
{
  g_autoptr (FakeMonitor) monitor = g_object_new (FAKE_TYPE_MONITOR, NULL);
  Told told = { 0 };

  told.free_me = tess_network_new_with (G_NETWORK_MONITOR (monitor), changed_cb, resumed_cb, &told);
  turn (monitor, TRUE);
  WAIT_UNTIL (told.changes > 0);
  g_assert_null (told.free_me);
}

static void
prepare_for_sleep (GDBusConnection *logind, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;

  g_dbus_connection_emit_signal (logind, NULL, "/org/freedesktop/login1",
                                 "org.freedesktop.login1.Manager", "PrepareForSleep", arguments,
                                 &error);
  g_assert_no_error (error);
}

static void
round_trip (GDBusConnection *bus)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_sync (
      bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId", NULL,
      NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (answer);
}

/* The bus has sent on all that @sender said, and all of it has been dispatched here. */
static void
barrier (GDBusConnection *sender)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) own = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &error);

  g_assert_no_error (error);
  round_trip (sender);
  round_trip (own);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_sleep (void)
{
  g_autoptr (GTestDBus) bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_autoptr (FakeMonitor) monitor = g_object_new (FAKE_TYPE_MONITOR, NULL);
  GDBusConnection *logind, *stranger;
  Told told = { 0 };
  TessNetwork *network;

  if (!g_test_subprocess ())
    {
      /* In a process of its own: GLib keeps one connection to the system bus. */
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }

  g_test_dbus_up (bus);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", g_test_dbus_get_bus_address (bus), TRUE);
  logind = bus_connect (g_test_dbus_get_bus_address (bus));
  stranger = bus_connect (g_test_dbus_get_bus_address (bus));
  bus_own_name (logind, "org.freedesktop.login1");
  network = tess_network_new_with (G_NETWORK_MONITOR (monitor), changed_cb, resumed_cb, &told);

  /* Until it listens: there is no other sign of it. */
  while (told.resumes == 0)
    {
      prepare_for_sleep (logind, g_variant_new ("(b)", FALSE));
      barrier (logind);
    }

  /* Going to sleep, nonsense, and somebody who is not logind. */
  told.resumes = 0;
  prepare_for_sleep (logind, g_variant_new ("(b)", TRUE));
  prepare_for_sleep (logind, g_variant_new ("(s)", "what?"));
  prepare_for_sleep (stranger, g_variant_new ("(b)", FALSE));
  barrier (stranger);
  barrier (logind);
  g_assert_cmpint (told.resumes, ==, 0);

  prepare_for_sleep (logind, g_variant_new ("(b)", FALSE));
  barrier (logind);
  g_assert_cmpint (told.resumes, ==, 1);

  told.free_me = network;
  prepare_for_sleep (logind, g_variant_new ("(b)", FALSE));
  WAIT_UNTIL (told.free_me == NULL);
  g_assert_cmpint (told.changes, ==, 0);
  bus_close (logind);
  bus_close (stranger);
  g_test_dbus_down (bus);
}

static void
test_no_system_bus (void)
{
  TessNetwork *network;
  Told told = { 0 };

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }

  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/at/all", TRUE);
  network = tess_network_new (changed_cb, resumed_cb, &told);
  tess_network_get_available (network);
  for (int i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
  tess_network_free (network);
  /* And at once. */
  tess_network_free (tess_network_new (changed_cb, resumed_cb, &told));
  for (int i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  tess_thread_set_role (TESS_THREAD_MAIN);
  if (!g_test_subprocess ())
    g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/at/all", TRUE);

  g_test_add_func ("/desktop/network/changes", test_changes);
  g_test_add_func ("/desktop/network/freed-inside", test_freed_inside);
  g_test_add_func ("/desktop/network/sleep", test_sleep);
  g_test_add_func ("/desktop/network/no-system-bus", test_no_system_bus);

  return g_test_run ();
}
