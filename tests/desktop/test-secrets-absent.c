/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "desktop-fixture.h"
#include "desktop/tess-secrets.h"

/* Nothing on the bus keeps passwords, or it does not answer. */

static GTestDBus *test_bus;

static void
assert_all_fail (TessSecrets *secrets, int code)
{
  g_autoptr (GError) error = NULL;
  g_auto (Wait) lookup = { 0 };
  g_auto (Wait) store = { 0 };
  g_auto (Wait) clear = { 0 };
  g_auto (Wait) available = { 0 };

  tess_secrets_lookup_async (secrets, "alice@example.org", NULL, wait_cb, &lookup);
  tess_secrets_store_async (secrets, "alice@example.org", TESS_SECRET_PASSWORD, "hunter2", NULL, wait_cb, &store);
  tess_secrets_clear_async (secrets, "alice@example.org", TESS_N_SECRETS, NULL, wait_cb, &clear);
  tess_secrets_is_available_async (secrets, NULL, wait_cb, &available);

  g_assert_null (tess_secrets_lookup_finish (secrets, wait_result (&lookup), &error));
  g_assert_error (error, TESS_DESKTOP_ERROR, code);
  g_clear_error (&error);
  g_assert_false (tess_secrets_store_finish (secrets, wait_result (&store), &error));
  g_assert_error (error, TESS_DESKTOP_ERROR, code);
  g_assert_null (strstr (error->message, "hunter2"));
  g_clear_error (&error);
  g_assert_false (tess_secrets_clear_finish (secrets, wait_result (&clear), &error));
  g_assert_error (error, TESS_DESKTOP_ERROR, code);
  g_clear_error (&error);
  g_assert_false (tess_secrets_is_available_finish (secrets, wait_result (&available), &error));
  g_assert_no_error (error);
}

static void
test_none (void)
{
  g_autoptr (TessSecrets) secrets = tess_secrets_new ();

  assert_all_fail (secrets, TESS_DESKTOP_ERROR_NO_SECRET_SERVICE);
}

static GDBusMessage *
swallow_cb (GDBusConnection *bus, GDBusMessage *message, gboolean incoming, gpointer user_data)
{
  if (incoming && g_dbus_message_get_message_type (message) == G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    g_clear_object (&message);

  return message;
}

static void
test_hangs (void)
{
  g_autoptr (TessSecrets) secrets = tess_secrets_new ();
  GDBusConnection *service = bus_connect (g_test_dbus_get_bus_address (test_bus));

  bus_own_name (service, "org.freedesktop.secrets");
  g_dbus_connection_add_filter (service, swallow_cb, NULL, NULL);
  tess_secrets_set_timeout (secrets, 50);
  assert_all_fail (secrets, TESS_DESKTOP_ERROR_TIMED_OUT);
  bus_close (service);
}

/* The name belongs to something else. */
static void
test_stranger (void)
{
  g_autoptr (TessSecrets) secrets = tess_secrets_new ();
  GDBusConnection *service = bus_connect (g_test_dbus_get_bus_address (test_bus));

  bus_own_name (service, "org.freedesktop.secrets");
  assert_all_fail (secrets, TESS_DESKTOP_ERROR_NO_SECRET_SERVICE);
  bus_close (service);
}

static void
test_cancelled_while_it_hangs (void)
{
  g_autoptr (TessSecrets) secrets = tess_secrets_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_auto (Wait) wait = { 0 };
  GDBusConnection *service = bus_connect (g_test_dbus_get_bus_address (test_bus));

  bus_own_name (service, "org.freedesktop.secrets");
  g_dbus_connection_add_filter (service, swallow_cb, NULL, NULL);
  tess_secrets_lookup_async (secrets, "alice@example.org", cancellable, wait_cb, &wait);
  for (int i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
  g_cancellable_cancel (cancellable);
  g_assert_null (tess_secrets_lookup_finish (secrets, wait_result (&wait), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  bus_close (service);
}

static void
test_no_bus (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr (TessSecrets) secrets = tess_secrets_new ();

      g_setenv ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/at/all", TRUE);
      assert_all_fail (secrets, TESS_DESKTOP_ERROR_NO_SECRET_SERVICE);
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
test_password_free (void)
{
  tess_password_free (NULL);
  tess_password_free (g_strdup (""));
  tess_password_free (g_strdup ("secret"));
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  tess_thread_set_role (TESS_THREAD_MAIN);
  g_test_add_func ("/desktop/secrets/no-bus", test_no_bus);
  g_test_add_func ("/desktop/secrets/password-free", test_password_free);
  if (g_test_subprocess ())
    return g_test_run ();

  test_bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (test_bus);
  g_test_add_func ("/desktop/secrets/none", test_none);
  g_test_add_func ("/desktop/secrets/hangs", test_hangs);
  g_test_add_func ("/desktop/secrets/stranger", test_stranger);
  g_test_add_func ("/desktop/secrets/cancelled-while-it-hangs", test_cancelled_while_it_hangs);
  result = g_test_run ();
  g_test_dbus_down (test_bus);
  g_object_unref (test_bus);

  return result;
}
