/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-desktop"

#include "config.h"

#include "desktop/tess-secrets.h"

#include "base/tess-thread.h"

#include <glib/gi18n-lib.h>
#include <libsecret/secret.h>

#include <string.h>

#define DEFAULT_TIMEOUT_MS 10000

struct _TessSecrets
{
  GObject parent_instance;
  GHashTable *memory; /* (nullable): address -> password */
  guint timeout_ms;
};

G_DEFINE_FINAL_TYPE (TessSecrets, tess_secrets, G_TYPE_OBJECT)

static const SecretSchema schema = {
  .name = TESS_APPLICATION_ID ".Password",
  .flags = SECRET_SCHEMA_NONE,
  .attributes = { { "account", SECRET_SCHEMA_ATTRIBUTE_STRING } },
};

/* What one operation carries from step to step. */
typedef struct
{
  char *address;
  char *password; /* nullable */
  SecretService *service;
  void (*act) (GTask *task); /* once the service is known to answer */
} Operation;

void
tess_password_free (char *password)
{
  if (password == NULL)
    return;

  explicit_bzero (password, strlen (password));
  g_free (password);
}

static void
operation_free (gpointer data)
{
  Operation *operation = data;

  g_free (operation->address);
  tess_password_free (operation->password);
  g_clear_object (&operation->service);
  g_free (operation);
}

static void
tess_secrets_finalize (GObject *object)
{
  TessSecrets *self = TESS_SECRETS (object);

  g_clear_pointer (&self->memory, g_hash_table_unref);

  G_OBJECT_CLASS (tess_secrets_parent_class)->finalize (object);
}

static void
tess_secrets_class_init (TessSecretsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tess_secrets_finalize;
}

static void
tess_secrets_init (TessSecrets *self)
{
  self->timeout_ms = DEFAULT_TIMEOUT_MS;
}

/* ---- Errors ---- */

static void
return_error (GTask *task, TessDesktopError code)
{
  const char *sentence;

  switch (code)
    {
    case TESS_DESKTOP_ERROR_NO_SECRET_SERVICE:
      sentence = _ ("There is no keyring here to keep the password, so Tessera will ask for it at "
                    "each start.");
      break;
    case TESS_DESKTOP_ERROR_LOCKED:
      sentence = _ ("The keyring is locked. Unlock it to use the saved password.");
      break;
    case TESS_DESKTOP_ERROR_TIMED_OUT:
      sentence = _ ("The keyring does not answer. Enter the password, or try again later.");
      break;
    default:
      sentence = _ ("The keyring could not be used. Enter the password, or try again later.");
      break;
    }
  g_task_return_new_error (task, TESS_DESKTOP_ERROR, code, "%s", sentence);
}

static gboolean
is_timeout (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_TIMED_OUT);
}

/* @otherwise: what an error means that says nothing clearer. */
static void
return_cause (GTask *task, const GError *error, TessDesktopError otherwise)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_task_return_error (task, g_error_copy (error));
  else if (is_timeout (error))
    return_error (task, TESS_DESKTOP_ERROR_TIMED_OUT);
  else if (g_error_matches (error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED))
    return_error (task, TESS_DESKTOP_ERROR_LOCKED);
  else
    return_error (task, otherwise);

  g_debug ("the keyring: %s %d", g_quark_to_string (error->domain), error->code);
}

/* ---- Asking whether somebody is there: bus, then a short question, then libsecret ---- */

static void
service_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  Operation *operation = g_task_get_task_data (task);

  operation->service = secret_service_get_finish (result, &error);
  if (operation->service == NULL)
    return_cause (task, error, TESS_DESKTOP_ERROR_NO_SECRET_SERVICE);
  else
    operation->act (g_steal_pointer (&task));
}

static void
answered_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (object), result, &error);
  Operation *operation = g_task_get_task_data (task);

  if (answer == NULL)
    return_cause (task, error, TESS_DESKTOP_ERROR_NO_SECRET_SERVICE);
  else if (operation->act == NULL)
    g_task_return_boolean (task, TRUE);
  else
    {
      GCancellable *cancellable = g_task_get_cancellable (task);

      secret_service_get (SECRET_SERVICE_OPEN_SESSION, cancellable, service_cb,
                          g_steal_pointer (&task));
    }
}

static void
bus_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = g_bus_get_finish (result, &error);
  TessSecrets *self = g_task_get_source_object (task);
  GCancellable *cancellable = g_task_get_cancellable (task);

  if (bus == NULL)
    {
      return_cause (task, error, TESS_DESKTOP_ERROR_NO_SECRET_SERVICE);
      return;
    }

  /* It starts the service too. libsecret itself would wait 25 seconds for each of several calls. */
  g_dbus_connection_call (bus, "org.freedesktop.secrets", "/org/freedesktop/secrets",
                          "org.freedesktop.DBus.Properties", "Get",
                          g_variant_new ("(ss)", "org.freedesktop.Secret.Service", "Collections"),
                          G_VARIANT_TYPE ("(v)"), G_DBUS_CALL_FLAGS_NONE, self->timeout_ms,
                          cancellable, answered_cb, g_steal_pointer (&task));
}

static GTask *
task_new (TessSecrets *self,
          const char *address,
          gpointer source_tag,
          GCancellable *cancellable,
          GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Operation *operation = g_new0 (Operation, 1);

  operation->address = g_strdup (address);
  g_task_set_source_tag (task, source_tag);
  g_task_set_task_data (task, operation, operation_free);

  return task;
}

/* @act: (nullable): takes the task. */
static void
run (GTask *task, void (*act) (GTask *task))
{
  Operation *operation = g_task_get_task_data (task);

  operation->act = act;
  g_bus_get (G_BUS_TYPE_SESSION, g_task_get_cancellable (task), bus_cb, task);
}

static GHashTable *
attributes_new (const char *address)
{
  return secret_attributes_build (&schema, "account", address, NULL);
}

/* ---- Lookup ---- */

static void
found_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  GList *items = secret_service_search_finish (SECRET_SERVICE (object), result, &error);

  if (error != NULL)
    return_cause (task, error, TESS_DESKTOP_ERROR_FAILED);
  else if (items == NULL)
    g_task_return_pointer (task, NULL, NULL);
  else
    {
      SecretValue *value = secret_item_get_secret (items->data);
      const char *text = value != NULL ? secret_value_get_text (value) : NULL;

      /* It stays closed after a question that was closed. */
      if (text == NULL)
        return_error (task, TESS_DESKTOP_ERROR_LOCKED);
      else
        g_task_return_pointer (task, g_strdup (text), (GDestroyNotify) tess_password_free);
      g_clear_pointer (&value, secret_value_unref);
    }
  g_list_free_full (items, g_object_unref);
}

static void
lookup (GTask *task)
{
  Operation *operation = g_task_get_task_data (task);
  g_autoptr (GHashTable) attributes = attributes_new (operation->address);

  secret_service_search (operation->service, &schema, attributes,
                         SECRET_SEARCH_UNLOCK | SECRET_SEARCH_LOAD_SECRETS,
                         g_task_get_cancellable (task), found_cb, task);
}

void
tess_secrets_lookup_async (TessSecrets *self,
                           const char *address,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_SECRETS (self) && address != NULL);

  task = task_new (self, address, tess_secrets_lookup_async, cancellable, callback, user_data);
  if (self->memory != NULL)
    g_task_return_pointer (task, g_strdup (g_hash_table_lookup (self->memory, address)),
                           (GDestroyNotify) tess_password_free);
  else
    run (g_steal_pointer (&task), lookup);
}

char *
tess_secrets_lookup_finish (TessSecrets *self, GAsyncResult *result, GError **error)
{
  TESS_ASSERT_MAIN ();
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- Store ---- */

static void
stored_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  if (secret_service_store_finish (SECRET_SERVICE (object), result, &error))
    g_task_return_boolean (task, TRUE);
  else if (error == NULL || g_error_matches (error, SECRET_ERROR, SECRET_ERROR_NO_SUCH_OBJECT))
    /* There was no keyring, and the question for the password of a new one was closed. */
    return_error (task, TESS_DESKTOP_ERROR_LOCKED);
  else
    return_cause (task, error, TESS_DESKTOP_ERROR_FAILED);
}

static void
store (GTask *task)
{
  Operation *operation = g_task_get_task_data (task);
  g_autoptr (GHashTable) attributes = attributes_new (operation->address);
  SecretValue *value = secret_value_new (operation->password, -1, "text/plain");
  /* Translators: the name of a password in the list of a keyring. %s is an XMPP address. */
  g_autofree char *label = g_strdup_printf (_ ("Tessera: password of %s"), operation->address);

  secret_service_store (operation->service, &schema, attributes, SECRET_COLLECTION_DEFAULT, label,
                        value, g_task_get_cancellable (task), stored_cb, task);
  secret_value_unref (value);
}

void
tess_secrets_store_async (TessSecrets *self,
                          const char *address,
                          const char *password,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_SECRETS (self) && address != NULL && password != NULL);

  task = task_new (self, address, tess_secrets_store_async, cancellable, callback, user_data);
  if (self->memory != NULL)
    {
      g_hash_table_insert (self->memory, g_strdup (address), g_strdup (password));
      g_task_return_boolean (task, TRUE);
    }
  else
    {
      Operation *operation = g_task_get_task_data (task);

      operation->password = g_strdup (password);
      run (g_steal_pointer (&task), store);
    }
}

gboolean
tess_secrets_store_finish (TessSecrets *self, GAsyncResult *result, GError **error)
{
  TESS_ASSERT_MAIN ();
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- Clear ---- */

static void
cleared_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  /* FALSE without an error: there was none. */
  secret_service_clear_finish (SECRET_SERVICE (object), result, &error);
  if (error != NULL)
    return_cause (task, error, TESS_DESKTOP_ERROR_FAILED);
  else
    g_task_return_boolean (task, TRUE);
}

static void
found_for_clear_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  Operation *operation = g_task_get_task_data (task);
  GList *items = secret_service_search_finish (SECRET_SERVICE (object), result, &error);
  gboolean locked = FALSE;

  for (GList *item = items; item != NULL; item = item->next)
    {
      SecretValue *value = secret_item_get_secret (item->data);

      locked = locked || value == NULL;
      g_clear_pointer (&value, secret_value_unref);
    }
  g_list_free_full (items, g_object_unref);

  if (error != NULL)
    return_cause (task, error, TESS_DESKTOP_ERROR_FAILED);
  else if (locked)
    return_error (task, TESS_DESKTOP_ERROR_LOCKED);
  else
    {
      g_autoptr (GHashTable) attributes = attributes_new (operation->address);
      GCancellable *cancellable = g_task_get_cancellable (task);

      secret_service_clear (operation->service, &schema, attributes, cancellable, cleared_cb,
                            g_steal_pointer (&task));
    }
}

static void
clear (GTask *task)
{
  Operation *operation = g_task_get_task_data (task);
  g_autoptr (GHashTable) attributes = attributes_new (operation->address);

  /* Clearing passes over what is locked: it would stay there, silently. */
  secret_service_search (operation->service, &schema, attributes,
                         SECRET_SEARCH_ALL | SECRET_SEARCH_UNLOCK | SECRET_SEARCH_LOAD_SECRETS,
                         g_task_get_cancellable (task), found_for_clear_cb, task);
}

void
tess_secrets_clear_async (TessSecrets *self,
                          const char *address,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_SECRETS (self) && address != NULL);

  task = task_new (self, address, tess_secrets_clear_async, cancellable, callback, user_data);
  if (self->memory != NULL)
    {
      g_hash_table_remove (self->memory, address);
      g_task_return_boolean (task, TRUE);
    }
  else
    run (g_steal_pointer (&task), clear);
}

gboolean
tess_secrets_clear_finish (TessSecrets *self, GAsyncResult *result, GError **error)
{
  TESS_ASSERT_MAIN ();
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- Is it there? ---- */

void
tess_secrets_is_available_async (TessSecrets *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_SECRETS (self));

  task = task_new (self, NULL, tess_secrets_is_available_async, cancellable, callback, user_data);
  if (self->memory != NULL)
    g_task_return_boolean (task, TRUE);
  else
    run (g_steal_pointer (&task), NULL);
}

gboolean
tess_secrets_is_available_finish (TessSecrets *self, GAsyncResult *result, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gboolean available;

  TESS_ASSERT_MAIN ();
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  available = g_task_propagate_boolean (G_TASK (result), &cause);
  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_propagate_error (error, g_steal_pointer (&cause));

  return available;
}

/* ---- Making ---- */

TessSecrets *
tess_secrets_new (void)
{
  TESS_ASSERT_MAIN ();

  return g_object_new (TESS_TYPE_SECRETS, NULL);
}

TessSecrets *
tess_secrets_new_memory (void)
{
  TessSecrets *self;

  TESS_ASSERT_MAIN ();

  self = g_object_new (TESS_TYPE_SECRETS, NULL);
  self->memory =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) tess_password_free);

  return self;
}

void
tess_secrets_set_timeout (TessSecrets *self, guint timeout_ms)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_SECRETS (self));

  self->timeout_ms = CLAMP (timeout_ms, 1, G_MAXINT);
}
