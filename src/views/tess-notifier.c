/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-notifier.h"
#include "views/tess-text.h"

#include <string.h>

#define MAX_BODY_CHARS 200
/* The first of a burst is shown at once, the others so often, and of each conversation only the newest. */
#define PAUSE_MS 500

struct _TessNotifier
{
  GApplication *application; /* owns us */
  GCancellable *cancellable;
  gboolean      escape;
  GHashTable   *waiting; /* ids of conversations -> GNotification */
  guint         pause;
};

char *
tess_notifier_body (const char *text, gboolean escape)
{
  g_autofree char *line = tess_text_clean_line (text);
  g_autofree char *beginning = tess_text_shorten (line, MAX_BODY_CHARS, 1);
  g_autofree char *body = beginning != NULL ? g_strconcat (beginning, "…", NULL) : g_steal_pointer (&line);

  return escape ? g_markup_escape_text (body, -1) : g_steal_pointer (&body);
}

static void
capabilities_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || reply == NULL)
    return;
  TessNotifier *self = user_data;
  g_autofree const char **capabilities = NULL;
  g_variant_get (reply, "(^a&s)", &capabilities);
  self->escape = g_strv_contains (capabilities, "body-markup");
}

/* org.gtk.Notifications, which GNotification prefers, takes plain text. */
static void
owner_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  TessNotifier *self = user_data;
  if (reply != NULL)
    self->escape = FALSE;
  else
    g_dbus_connection_call (G_DBUS_CONNECTION (source), "org.freedesktop.Notifications", "/org/freedesktop/Notifications",
                            "org.freedesktop.Notifications", "GetCapabilities", NULL, G_VARIANT_TYPE ("(as)"),
                            G_DBUS_CALL_FLAGS_NONE, -1, self->cancellable, capabilities_cb, self);
}

TessNotifier *
tess_notifier_new (GApplication *application)
{
  TessNotifier *self = g_new0 (TessNotifier, 1);
  GDBusConnection *connection = g_application_get_dbus_connection (application);

  self->application = application;
  self->cancellable = g_cancellable_new ();
  self->waiting = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  /* The portal takes plain text. Elsewhere: until somebody says otherwise, the careful way. */
  self->escape = !g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS);
  if (connection != NULL && self->escape)
    g_dbus_connection_call (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner",
                            g_variant_new ("(s)", "org.gtk.Notifications"), G_VARIANT_TYPE ("(s)"), G_DBUS_CALL_FLAGS_NONE, -1,
                            self->cancellable, owner_cb, self);
  return self;
}

void
tess_notifier_free (TessNotifier *self)
{
  if (self == NULL)
    return;
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_clear_handle_id (&self->pause, g_source_remove);
  g_hash_table_unref (self->waiting);
  g_free (self);
}

static void
send (TessNotifier *self, gint64 id, GNotification *notification)
{
  g_autofree char *key = g_strdup_printf ("chat-%" G_GINT64_FORMAT, id);

  g_application_send_notification (self->application, key, notification);
}

static gboolean
pause_cb (gpointer user_data)
{
  TessNotifier *self = user_data;
  GHashTableIter iter;
  gpointer id, notification;

  if (g_hash_table_size (self->waiting) == 0)
    {
      self->pause = 0;
      return G_SOURCE_REMOVE;
    }
  g_hash_table_iter_init (&iter, self->waiting);
  while (g_hash_table_iter_next (&iter, &id, &notification))
    {
      send (self, *(gint64 *) id, notification);
      g_hash_table_iter_remove (&iter);
    }
  return G_SOURCE_CONTINUE;
}

void
tess_notifier_show (TessNotifier *self, TessConversation *conversation, TessMessage *message)
{
  gint64 id = tess_conversation_get_id (conversation);
  g_autofree char *name = tess_text_clean_line (tess_conversation_get_name (conversation));
  g_autofree char *body = tess_notifier_body (tess_message_get_text (message), self->escape);
  g_autoptr (GNotification) notification = g_notification_new (name);

  g_notification_set_body (notification, body);
  g_notification_set_category (notification, "im.received");
  g_notification_set_default_action_and_target (notification, "app.open-chat", "x", id);
  if (self->pause != 0)
    {
      g_hash_table_replace (self->waiting, g_memdup2 (&id, sizeof id), g_steal_pointer (&notification));
      return;
    }
  send (self, id, notification);
  self->pause = g_timeout_add (PAUSE_MS, pause_cb, self);
}

void
tess_notifier_withdraw (TessNotifier *self, gint64 conversation_id)
{
  g_autofree char *key = g_strdup_printf ("chat-%" G_GINT64_FORMAT, conversation_id);

  g_hash_table_remove (self->waiting, &conversation_id);
  g_application_withdraw_notification (self->application, key);
}
