/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "desktop-fixture.h"
#include "desktop/tess-background.h"

#include <glib/gstdio.h>

#include <string.h>

static gboolean
request (TessBackgroundWay way,
         gboolean autostart,
         const char *const *command,
         GCancellable *cancellable,
         gboolean *granted,
         GError **error)
{
  g_auto (Wait) wait = { 0 };

  tess_background_request_async (way, NULL, autostart, command, cancellable, wait_cb, &wait);

  return tess_background_request_finish (wait_result (&wait), granted, error);
}

/* ---- The file ---- */

static void
test_file (void)
{
  static const char *const command[] = { "/opt/my apps/tessera", "--background", "a\"b`c$d\\e%f",
                                         NULL };
  g_autofree char *path =
      g_build_filename (g_get_user_config_dir (), "autostart", "im.tessera.Tessera.desktop", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *exec = NULL;
  g_autofree char *plain = NULL;
  g_auto (GStrv) arguments = NULL;
  gboolean granted = FALSE;
  int count;

  g_assert_false (tess_background_has_file ());
  g_assert_true (request (TESS_BACKGROUND_FILE, FALSE, NULL, NULL, &granted, &error));
  g_assert_no_error (error);
  g_assert_false (granted);
  g_assert_true (request (TESS_BACKGROUND_FILE, TRUE, command, NULL, &granted, &error));
  g_assert_no_error (error);
  g_assert_true (granted);
  g_assert_true (tess_background_has_file ());

  g_assert_true (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &error));
  exec = g_key_file_get_string (file, "Desktop Entry", "Exec", &error);
  g_assert_no_error (error);
  /* Read as GIO's launcher reads it: a shell's words, with %% for %. */
  g_assert_true (g_shell_parse_argv (exec, &count, &arguments, &error));
  g_assert_no_error (error);
  g_assert_cmpint (count, ==, 3);
  g_assert_cmpstr (arguments[0], ==, command[0]);
  g_assert_cmpstr (arguments[1], ==, command[1]);
  g_assert_cmpstr (arguments[2], ==, "a\"b`c$d\\e%%f");
  plain = g_key_file_get_string (file, "Desktop Entry", "Type", NULL);
  g_assert_cmpstr (plain, ==, "Application");

  /* Over the old one, and away. */
  g_assert_true (request (TESS_BACKGROUND_FILE, TRUE, command + 1, NULL, &granted, &error));
  g_assert_true (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &error));
  g_clear_pointer (&exec, g_free);
  exec = g_key_file_get_string (file, "Desktop Entry", "Exec", &error);
  g_assert_true (g_str_has_prefix (exec, "\"--background\" "));
  g_assert_true (request (TESS_BACKGROUND_FILE, FALSE, NULL, NULL, &granted, &error));
  g_assert_false (granted);
  g_assert_false (tess_background_has_file ());
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_file_fails (void)
{
  static const char *const command[] = { "tessera", NULL };
  g_autofree char *folder = g_build_filename (g_get_user_config_dir (), "autostart", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  gboolean granted = TRUE;

  /* A file where the folder should be. */
  g_rmdir (folder);
  g_assert_true (g_file_set_contents (folder, "", 0, NULL));
  g_assert_false (request (TESS_BACKGROUND_FILE, TRUE, command, NULL, &granted, &error));
  g_assert_error (error, TESS_DESKTOP_ERROR, TESS_DESKTOP_ERROR_FAILED);
  g_assert_false (granted);
  g_clear_error (&error);
  g_assert_cmpint (g_unlink (folder), ==, 0);

  g_cancellable_cancel (cancellable);
  g_assert_false (request (TESS_BACKGROUND_FILE, TRUE, command, cancellable, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* ---- A portal ---- */

typedef struct
{
  GDBusConnection *bus;
  guint registration_id;
  /* What it is to do. */
  int response; /* -1: none */
  gboolean background;
  gboolean autostart;
  gboolean early; /* the response before the answer */
  gboolean old;   /* a path of its own choice */
  gboolean malformed;
  gboolean fail;
  /* What it was asked. */
  int requests;
  int closed;
  gboolean asked_autostart;
  char **asked_command;
} Portal;

static Portal portal;
static GTestDBus *test_bus;

static void
respond (const char *path)
{
  GVariantBuilder results;

  if (portal.response < 0)
    return;
  g_variant_builder_init (&results, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&results, "{sv}", "background", g_variant_new_boolean (portal.background));
  g_variant_builder_add (&results, "{sv}", "autostart", g_variant_new_boolean (portal.autostart));
  g_dbus_connection_emit_signal (
      portal.bus, NULL, path, "org.freedesktop.portal.Request", "Response",
      portal.malformed ? g_variant_new ("(s)", "what?")
                       : g_variant_new ("(ua{sv})", portal.response, &results),
      NULL);
  if (portal.malformed)
    g_variant_builder_clear (&results);
}

static void
portal_call (GDBusConnection *bus,
             const char *sender,
             const char *path,
             const char *interface,
             const char *method,
             GVariant *parameters,
             GDBusMethodInvocation *invocation,
             gpointer user_data)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (parameters, 1);
  g_autofree char *name = g_strdup (sender + 1);
  g_autofree char *request_path = NULL;
  const char *token = NULL;

  portal.requests++;
  g_assert_true (g_variant_lookup (options, "handle_token", "&s", &token));
  g_assert_true (g_variant_lookup (options, "autostart", "b", &portal.asked_autostart));
  g_clear_pointer (&portal.asked_command, g_strfreev);
  g_variant_lookup (options, "commandline", "^as", &portal.asked_command);
  g_strdelimit (name, ".", '_');
  request_path = g_strdup_printf ("/org/freedesktop/portal/desktop/request/%s/%s", name,
                                  portal.old ? "own" : token);

  if (portal.fail)
    {
      g_dbus_method_invocation_return_dbus_error (invocation, "org.freedesktop.portal.Error.Failed",
                                                  "no");
      return;
    }
  if (portal.early)
    respond (request_path);
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", request_path));
  /* An old portal gives time to listen, or the message would be lost: so the test responds later
   * itself. */
  if (!portal.early && !portal.old)
    respond (request_path);
}

static GDBusMessage *
close_cb (GDBusConnection *bus, GDBusMessage *message, gboolean incoming, gpointer user_data)
{
  if (incoming && g_strcmp0 (g_dbus_message_get_member (message), "Close") == 0)
    {
      g_atomic_int_inc (&portal.closed);
      g_main_context_wakeup (NULL);
    }

  return message;
}

static const char portal_xml[] =
    "<node><interface name='org.freedesktop.portal.Background'>"
    "<method name='RequestBackground'><arg type='s' direction='in'/>"
    "<arg type='a{sv}' direction='in'/><arg type='o' direction='out'/></method>"
    "</interface></node>";

static void
portal_start (void)
{
  static const GDBusInterfaceVTable vtable = { .method_call = portal_call };
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (portal_xml, NULL);

  memset (&portal, 0, sizeof portal);
  portal.bus = bus_connect (g_test_dbus_get_bus_address (test_bus));
  portal.registration_id =
      g_dbus_connection_register_object (portal.bus, "/org/freedesktop/portal/desktop",
                                         info->interfaces[0], &vtable, NULL, NULL, NULL);
  g_assert_cmpuint (portal.registration_id, !=, 0);
  g_dbus_connection_add_filter (portal.bus, close_cb, NULL, NULL);
  bus_own_name (portal.bus, "org.freedesktop.portal.Desktop");
}

static void
portal_stop (void)
{
  g_dbus_connection_unregister_object (portal.bus, portal.registration_id);
  bus_close (portal.bus);
  g_clear_pointer (&portal.asked_command, g_strfreev);
}

static const char *const command[] = { "tessera", "--background", NULL };

static void
test_portal_grants (void)
{
  g_autoptr (GError) error = NULL;
  gboolean granted;

  for (int early = 0; early < 2; early++)
    for (int autostart = 0; autostart < 2; autostart++)
      {
        portal_start ();
        portal.background = TRUE;
        portal.autostart = autostart;
        portal.early = early;
        granted = !autostart;
        g_assert_true (
            request (TESS_BACKGROUND_PORTAL, autostart, command, NULL, &granted, &error));
        g_assert_no_error (error);
        g_assert_cmpint (granted, ==, autostart);
        g_assert_cmpint (portal.asked_autostart, ==, autostart);
        g_assert_true (g_strv_equal ((const char *const *) portal.asked_command, command));
        g_assert_cmpint (portal.requests, ==, 1);
        portal_stop ();
      }
}

static void
test_portal_refuses (void)
{
  static const struct
  {
    int response;
    gboolean background, malformed, fail;
    int code;
  } rows[] = {
    { 0, FALSE, FALSE, FALSE, TESS_DESKTOP_ERROR_REFUSED },
    { 1, TRUE, FALSE, FALSE, TESS_DESKTOP_ERROR_REFUSED },
    { 2, TRUE, FALSE, FALSE, TESS_DESKTOP_ERROR_FAILED },
    { 0, TRUE, TRUE, FALSE, TESS_DESKTOP_ERROR_FAILED },
    { 0, TRUE, FALSE, TRUE, TESS_DESKTOP_ERROR_FAILED },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean granted = TRUE;

      portal_start ();
      portal.response = rows[i].response;
      portal.background = rows[i].background;
      portal.malformed = rows[i].malformed;
      portal.fail = rows[i].fail;
      portal.autostart = TRUE;
      g_assert_false (request (TESS_BACKGROUND_PORTAL, TRUE, command, NULL, &granted, &error));
      g_assert_error (error, TESS_DESKTOP_ERROR, rows[i].code);
      g_assert_false (granted);
      portal_stop ();
    }
}

static void
test_portal_old (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) own = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  g_autofree char *name = g_strdup (g_dbus_connection_get_unique_name (own) + 1);
  g_autofree char *path = NULL;
  g_auto (Wait) wait = { 0 };
  gboolean granted = FALSE;

  portal_start ();
  portal.old = portal.background = portal.autostart = TRUE;
  g_strdelimit (name, ".", '_');
  path = g_strdup_printf ("/org/freedesktop/portal/desktop/request/%s/own", name);
  tess_background_request_async (TESS_BACKGROUND_PORTAL, "wayland:1", TRUE, command, NULL, wait_cb,
                                 &wait);
  WAIT_UNTIL (portal.requests == 1);
  while (wait.result == NULL)
    {
      respond (path);
      g_dbus_connection_flush_sync (portal.bus, NULL, NULL);
      g_main_context_iteration (NULL, FALSE);
    }
  g_assert_true (tess_background_request_finish (wait.result, &granted, &error));
  g_assert_no_error (error);
  g_assert_true (granted);
  portal_stop ();
}

/* The question stands on the screen, and is taken back: after the portal's answer, and before it
 * has arrived. */
static void
test_portal_cancelled (void)
{
  for (int early = 0; early < 2; early++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_auto (Wait) wait = { 0 };

      portal_start ();
      portal.response = -1;
      tess_background_request_async (TESS_BACKGROUND_PORTAL, NULL, TRUE, command, cancellable,
                                     wait_cb, &wait);
      WAIT_UNTIL (portal.requests == 1);
      if (!early)
        {
          g_dbus_connection_flush_sync (portal.bus, NULL, NULL);
          while (g_main_context_iteration (NULL, FALSE))
            ;
        }
      g_cancellable_cancel (cancellable);
      g_assert_false (tess_background_request_finish (wait_result (&wait), NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      WAIT_UNTIL (g_atomic_int_get (&portal.closed) == 1);
      portal_stop ();
    }
}

static void
test_portal_absent (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (request (TESS_BACKGROUND_PORTAL, TRUE, command, NULL, NULL, &error));
  g_assert_error (error, TESS_DESKTOP_ERROR, TESS_DESKTOP_ERROR_FAILED);
}

int
main (int argc, char **argv)
{
  g_autofree char *home = g_dir_make_tmp ("tess-background-XXXXXX", NULL);
  g_autofree char *autostart = g_build_filename (home, "autostart", NULL);
  int result;

  /* G_TEST_OPTION_ISOLATE_DIRS leaks in GLib 2.74. */
  g_setenv ("XDG_CONFIG_HOME", home, TRUE);
  g_test_init (&argc, &argv, NULL);
  tess_thread_set_role (TESS_THREAD_MAIN);
  test_bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (test_bus);

  g_test_add_func ("/desktop/background/file", test_file);
  g_test_add_func ("/desktop/background/file-fails", test_file_fails);
  g_test_add_func ("/desktop/background/portal/grants", test_portal_grants);
  g_test_add_func ("/desktop/background/portal/refuses", test_portal_refuses);
  g_test_add_func ("/desktop/background/portal/old", test_portal_old);
  g_test_add_func ("/desktop/background/portal/cancelled", test_portal_cancelled);
  g_test_add_func ("/desktop/background/portal/absent", test_portal_absent);
  result = g_test_run ();
  g_test_dbus_down (test_bus);
  g_object_unref (test_bus);
  g_rmdir (autostart);
  g_rmdir (home);

  return result;
}
