/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-desktop"

#include "config.h"

#include "desktop/tess-background.h"

#include "base/tess-thread.h"

#include <glib/gi18n-lib.h>

#include <string.h>

#define PORTAL_NAME "org.freedesktop.portal.Desktop"
#define PORTAL_PATH "/org/freedesktop/portal/desktop"
#define CALL_TIMEOUT_MS 25000

/* The first argument of Response, in org.freedesktop.portal.Request. */
enum
{
  RESPONSE_SUCCESS,
  RESPONSE_CANCELLED,
};

typedef struct
{
  char *parent_window;
  gboolean autostart;
  char **command; /* nullable */
  GDBusConnection *bus;
  char *request_path;
  guint response_id;
  gulong cancelled_id;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  g_free (request->parent_window);
  g_strfreev (request->command);
  g_free (request->request_path);
  g_clear_object (&request->bus);
  g_free (request);
}

static void
return_failed (GTask *task, TessDesktopError code)
{
  g_task_return_new_error (
      task, TESS_DESKTOP_ERROR, code, "%s",
      code == TESS_DESKTOP_ERROR_REFUSED
          ? _ ("The system does not let Tessera run in the background. Allow it "
               "in the settings of the system.")
          : _ ("The system could not be told to keep Tessera running. Try again "
               "later."));
}

/* ---- The portal ---- */

/* Stops listening; the task is still owned by the caller. */
static void
stop_listening (GTask *task)
{
  Request *request = g_task_get_task_data (task);

  if (request->response_id != 0)
    g_dbus_connection_signal_unsubscribe (request->bus, request->response_id);
  request->response_id = 0;
  /* Not g_cancellable_disconnect (): this may be called from its handler. */
  if (request->cancelled_id != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (task), request->cancelled_id);
  request->cancelled_id = 0;
}

static void
response_cb (GDBusConnection *bus,
             const char *sender,
             const char *path,
             const char *interface,
             const char *name,
             GVariant *parameters,
             gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (user_data);
  g_autoptr (GVariant) results = NULL;
  Request *request = g_task_get_task_data (task);
  gboolean background = FALSE;
  guint32 response;

  stop_listening (task);
  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(ua{sv})")))
    {
      return_failed (task, TESS_DESKTOP_ERROR_FAILED);
      return;
    }

  g_variant_get (parameters, "(u@a{sv})", &response, &results);
  request->autostart = FALSE;
  g_variant_lookup (results, "autostart", "b", &request->autostart);
  g_variant_lookup (results, "background", "b", &background);
  if (response == RESPONSE_SUCCESS && background)
    g_task_return_boolean (task, TRUE);
  else
    return_failed (task, response <= RESPONSE_CANCELLED ? TESS_DESKTOP_ERROR_REFUSED
                                                        : TESS_DESKTOP_ERROR_FAILED);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (user_data);
  Request *request = g_task_get_task_data (task);

  /* Else the question stays on the screen. */
  g_dbus_connection_call (request->bus, PORTAL_NAME, request->request_path,
                          "org.freedesktop.portal.Request", "Close", NULL, NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, CALL_TIMEOUT_MS, NULL, NULL, NULL);
  stop_listening (task);
  g_task_return_error_if_cancelled (task);
}

static void
listen (GTask *task, const char *path)
{
  Request *request = g_task_get_task_data (task);

  g_free (request->request_path);
  request->request_path = g_strdup (path);
  request->response_id = g_dbus_connection_signal_subscribe (
      request->bus, PORTAL_NAME, "org.freedesktop.portal.Request", "Response", path, NULL,
      G_DBUS_SIGNAL_FLAGS_NONE, response_cb, g_object_ref (task), g_object_unref);
}

static void
requested_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (object), result, &error);
  Request *request = g_task_get_task_data (task);
  const char *path;

  /* The response may have come before this answer. */
  if (request->response_id == 0)
    return;
  if (answer == NULL)
    {
      gboolean slow = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);

      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        {
          cancelled_cb (g_task_get_cancellable (task), task);
          return;
        }
      stop_listening (task);
      return_failed (task, slow ? TESS_DESKTOP_ERROR_TIMED_OUT : TESS_DESKTOP_ERROR_FAILED);
      return;
    }

  /* Portals before 0.9 choose the path themselves. */
  g_variant_get (answer, "(&o)", &path);
  if (g_strcmp0 (path, request->request_path) != 0)
    {
      g_dbus_connection_signal_unsubscribe (request->bus, request->response_id);
      listen (task, path);
    }
  if (g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    cancelled_cb (g_task_get_cancellable (task), task);
  else if (g_task_get_cancellable (task) != NULL)
    request->cancelled_id = g_signal_connect (g_task_get_cancellable (task), "cancelled",
                                              G_CALLBACK (cancelled_cb), task);
}

static GVariant *
portal_arguments (Request *request, const char *token)
{
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "handle_token", g_variant_new_string (token));
  g_variant_builder_add (&options, "{sv}", "reason",
                         g_variant_new_string (_ ("Receive messages while the window is closed")));
  g_variant_builder_add (&options, "{sv}", "autostart", g_variant_new_boolean (request->autostart));
  if (request->command != NULL)
    g_variant_builder_add (&options, "{sv}", "commandline",
                           g_variant_new_strv ((const char *const *) request->command, -1));

  return g_variant_new ("(sa{sv})", request->parent_window, &options);
}

static void
session_bus_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  Request *request = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autofree char *token = g_strdup_printf ("tessera_%08x", g_random_int ());
  g_autofree char *sender = NULL;
  g_autofree char *path = NULL;

  request->bus = g_bus_get_finish (result, &error);
  if (request->bus == NULL)
    {
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_task_return_error (task, g_steal_pointer (&error));
      else
        return_failed (task, TESS_DESKTOP_ERROR_FAILED);
      return;
    }

  /* org.freedesktop.portal.Request: the path is known before the call, so no response is missed. */
  sender = g_strdup (g_dbus_connection_get_unique_name (request->bus) + 1);
  g_strdelimit (sender, ".", '_');
  path = g_strdup_printf (PORTAL_PATH "/request/%s/%s", sender, token);
  listen (task, path);
  g_dbus_connection_call (
      request->bus, PORTAL_NAME, PORTAL_PATH, "org.freedesktop.portal.Background",
      "RequestBackground", portal_arguments (request, token), G_VARIANT_TYPE ("(o)"),
      G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT_MS, cancellable, requested_cb, g_steal_pointer (&task));
}

/* ---- The file ---- */

static char *
file_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "autostart", TESS_APPLICATION_ID ".desktop",
                           NULL);
}

/* Desktop Entry Specification, "The Exec key"; GKeyFile adds the escapes of a string value. */
static char *
exec_line (char **command)
{
  GString *line = g_string_new (NULL);

  for (char **argument = command; *argument != NULL; argument++)
    {
      g_string_append (line, argument == command ? "\"" : " \"");
      for (const char *c = *argument; *c != '\0'; c++)
        {
          if (strchr ("\"`$\\", *c) != NULL)
            g_string_append_c (line, '\\');
          if (*c == '%')
            g_string_append_c (line, '%');
          g_string_append_c (line, *c);
        }
      g_string_append_c (line, '"');
    }

  return g_string_free (line, FALSE);
}

static GBytes *
file_contents (Request *request)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *exec = exec_line (request->command);
  char *text;
  gsize length;

  g_key_file_set_string (file, G_KEY_FILE_DESKTOP_GROUP, G_KEY_FILE_DESKTOP_KEY_TYPE,
                         "Application");
  g_key_file_set_string (file, G_KEY_FILE_DESKTOP_GROUP, G_KEY_FILE_DESKTOP_KEY_NAME, "Tessera");
  g_key_file_set_string (file, G_KEY_FILE_DESKTOP_GROUP, G_KEY_FILE_DESKTOP_KEY_EXEC, exec);
  g_key_file_set_string (file, G_KEY_FILE_DESKTOP_GROUP, G_KEY_FILE_DESKTOP_KEY_ICON,
                         TESS_APPLICATION_ID);
  g_key_file_set_boolean (file, G_KEY_FILE_DESKTOP_GROUP, "X-GNOME-UsesNotifications", TRUE);
  text = g_key_file_to_data (file, &length, NULL);

  return g_bytes_new_take (text, length);
}

static void
return_file (GTask *task, GError *error)
{
  if (error == NULL)
    g_task_return_boolean (task, TRUE);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_task_return_error (task, error);
  else
    {
      g_debug ("autostart: %s", error->message);
      g_error_free (error);
      return_failed (task, TESS_DESKTOP_ERROR_FAILED);
    }
}

static void
written_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  g_file_replace_contents_finish (G_FILE (object), result, NULL, &error);
  return_file (task, error);
}

static void
deleted_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  g_file_delete_finish (G_FILE (object), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    g_clear_error (&error);
  return_file (task, error);
}

/* Takes @task. */
static void
use_file (GTask *task)
{
  Request *request = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autofree char *path = file_path ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GFile) file = g_file_new_for_path (path);

  if (request->autostart)
    {
      g_autoptr (GBytes) contents = file_contents (request);

      /* When it fails, so does what follows. */
      g_mkdir_with_parents (folder, 0700);
      g_file_replace_contents_bytes_async (file, contents, NULL, FALSE, G_FILE_CREATE_NONE,
                                           cancellable, written_cb, task);
    }
  else
    g_file_delete_async (file, G_PRIORITY_DEFAULT, cancellable, deleted_cb, task);
}

gboolean
tess_background_has_file (void)
{
  g_autofree char *path = file_path ();

  TESS_ASSERT_MAIN ();

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* ---- Both ---- */

static gboolean
by_portal (TessBackgroundWay way)
{
  if (way == TESS_BACKGROUND_AUTOMATIC)
    return g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS);

  return way == TESS_BACKGROUND_PORTAL;
}

void
tess_background_request_async (TessBackgroundWay way,
                               const char *parent_window,
                               gboolean autostart,
                               const char *const *command,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task;
  Request *request;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (!autostart || (command != NULL && command[0] != NULL));

  task = g_task_new (NULL, cancellable, callback, user_data);
  request = g_new0 (Request, 1);
  request->parent_window = g_strdup (parent_window != NULL ? parent_window : "");
  request->autostart = !!autostart;
  request->command = g_strdupv ((char **) command);
  g_task_set_source_tag (task, tess_background_request_async);
  g_task_set_task_data (task, request, request_free);

  if (by_portal (way))
    g_bus_get (G_BUS_TYPE_SESSION, cancellable, session_bus_cb, task);
  else
    use_file (task);
}

gboolean
tess_background_request_finish (GAsyncResult *result, gboolean *autostart, GError **error)
{
  gboolean done;

  TESS_ASSERT_MAIN ();
  g_return_val_if_fail (g_async_result_is_tagged (result, tess_background_request_async), FALSE);

  done = g_task_propagate_boolean (G_TASK (result), error);
  if (autostart != NULL)
    *autostart = done && ((Request *) g_task_get_task_data (G_TASK (result)))->autostart;

  return done;
}
