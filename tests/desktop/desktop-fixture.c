/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "desktop-fixture.h"

void
wait_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Wait *wait = user_data;

  g_assert_null (wait->result);
  wait->result = g_object_ref (result);
}

GAsyncResult *
wait_result (Wait *wait)
{
  WAIT_UNTIL (wait->result != NULL);

  return wait->result;
}

void
wait_clear (Wait *wait)
{
  g_clear_object (&wait->result);
}

GDBusConnection *
bus_connect (const char *address)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *bus =
      g_dbus_connection_new_for_address_sync (address,
                                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                  G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                              NULL, NULL, &error);

  g_assert_no_error (error);

  return bus;
}

void
bus_own_name (GDBusConnection *bus, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_sync (
      bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
      g_variant_new ("(su)", name, 4 /* do not queue */), G_VARIANT_TYPE ("(u)"),
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  guint32 code;

  g_assert_no_error (error);
  g_variant_get (answer, "(u)", &code);
  g_assert_cmpuint (code, ==, 1);
}

void
bus_close (GDBusConnection *bus)
{
  g_autoptr (GError) error = NULL;

  g_dbus_connection_close_sync (bus, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (bus);
}
