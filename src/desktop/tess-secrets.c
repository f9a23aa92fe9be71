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
  GHashTable *memory; /* (nullable): address -> TessSecretSet */
  GQueue writing;     /* of GTask: what stores or clears goes one after the other, the first one runs */
  guint timeout_ms;
};

G_DEFINE_FINAL_TYPE (TessSecrets, tess_secrets, G_TYPE_OBJECT)

static const SecretSchema schema = {
  .name = TESS_APPLICATION_ID ".Password",
  .flags = SECRET_SCHEMA_NONE,
  .attributes = { { "account", SECRET_SCHEMA_ATTRIBUTE_STRING },
                  { "kind", SECRET_SCHEMA_ATTRIBUTE_STRING } },
};

/* The attribute "kind". The first versions stored passwords without it. */
static const char *const kind_names[] = {
  [TESS_SECRET_PASSWORD] = "password",       [TESS_SECRET_LOGIN_KEY] = "login-key",
  [TESS_SECRET_LOGIN_TOKEN] = "login-token", [TESS_SECRET_CERTIFICATE] = "certificate",
  [TESS_SECRET_PROXY_PASSWORD] = "proxy-password",
};
G_STATIC_ASSERT (G_N_ELEMENTS (kind_names) == TESS_N_SECRETS);

/* What one operation carries from step to step. */
typedef struct
{
  char *address;
  TessSecretKind kind;
  char *value; /* nullable */
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

void
tess_secret_set_free (TessSecretSet *self)
{
  if (self == NULL)
    return;

  for (guint i = 0; i < TESS_N_SECRETS; i++)
    tess_password_free (self->values[i]);
  g_free (self);
}

static TessSecretSet *
secret_set_copy (const TessSecretSet *self)
{
  TessSecretSet *copy = g_new0 (TessSecretSet, 1);

  for (guint i = 0; self != NULL && i < TESS_N_SECRETS; i++)
    copy->values[i] = g_strdup (self->values[i]);
  return copy;
}

static void
operation_free (gpointer data)
{
  Operation *operation = data;

  g_free (operation->address);
  tess_password_free (operation->value);
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
  g_queue_init (&self->writing);
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

static void
start_next (TessSecrets *self)
{
  GTask *task = g_queue_peek_head (&self->writing);

  if (task != NULL)
    g_bus_get (G_BUS_TYPE_SESSION, g_task_get_cancellable (task), bus_cb, g_object_ref (task));
}

static void
written_cb (GTask *task)
{
  TessSecrets *self = g_task_get_source_object (task);

  /* The first one always: the others have not begun. */
  g_object_unref (g_queue_pop_head (&self->writing));
  start_next (self);
}

/* As run(), but after all that were to write before: a password that is cleared stays cleared. Takes the task. */
static void
run_in_order (GTask *task, void (*act) (GTask *task))
{
  TessSecrets *self = g_task_get_source_object (task);
  Operation *operation = g_task_get_task_data (task);

  operation->act = act;
  g_signal_connect (task, "notify::completed", G_CALLBACK (written_cb), NULL);
  g_queue_push_tail (&self->writing, task);
  if (self->writing.length == 1)
    start_next (self);
}

/* @kind: (nullable): of all kinds without */
static GHashTable *
attributes_new (const char *address, const char *kind)
{
  if (kind == NULL)
    return secret_attributes_build (&schema, "account", address, NULL);
  return secret_attributes_build (&schema, "account", address, "kind", kind, NULL);
}

/* -1: not one of ours. */
static int
kind_of (SecretItem *item)
{
  g_autoptr (GHashTable) attributes = secret_item_get_attributes (item);
  const char *name = g_hash_table_lookup (attributes, "kind");

  if (name == NULL)
    return TESS_SECRET_PASSWORD;
  for (int i = 0; i < TESS_N_SECRETS; i++)
    if (g_str_equal (kind_names[i], name))
      return i;
  return -1;
}

static gboolean
has_kind (SecretItem *item)
{
  g_autoptr (GHashTable) attributes = secret_item_get_attributes (item);

  return g_hash_table_contains (attributes, "kind");
}

/* ---- Lookup ---- */

/* FALSE: it stays closed after a question that was closed. */
static gboolean
take_item (TessSecretSet *set, SecretItem *item)
{
  SecretValue *value = secret_item_get_secret (item);
  const char *text = value != NULL ? secret_value_get_text (value) : NULL;
  int kind = kind_of (item);

  /* What was stored with its kind is newer than what was stored without. */
  if (text != NULL && kind >= 0 && (set->values[kind] == NULL || has_kind (item)))
    {
      tess_password_free (set->values[kind]);
      set->values[kind] = g_strdup (text);
    }
  g_clear_pointer (&value, secret_value_unref);
  return text != NULL;
}

static void
found_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessSecretSet) set = g_new0 (TessSecretSet, 1);
  GList *items = secret_service_search_finish (SECRET_SERVICE (object), result, &error);
  gboolean open = TRUE;

  for (GList *item = items; item != NULL; item = item->next)
    open = take_item (set, item->data) && open;
  g_list_free_full (items, g_object_unref);

  if (error != NULL)
    return_cause (task, error, TESS_DESKTOP_ERROR_FAILED);
  else if (!open)
    return_error (task, TESS_DESKTOP_ERROR_LOCKED);
  else
    g_task_return_pointer (task, g_steal_pointer (&set), (GDestroyNotify) tess_secret_set_free);
}

static void
lookup (GTask *task)
{
  Operation *operation = g_task_get_task_data (task);
  g_autoptr (GHashTable) attributes = attributes_new (operation->address, NULL);

  secret_service_search (operation->service, &schema, attributes,
                         SECRET_SEARCH_ALL | SECRET_SEARCH_UNLOCK | SECRET_SEARCH_LOAD_SECRETS,
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
    g_task_return_pointer (task, secret_set_copy (g_hash_table_lookup (self->memory, address)),
                           (GDestroyNotify) tess_secret_set_free);
  else
    run (g_steal_pointer (&task), lookup);
}

TessSecretSet *
tess_secrets_lookup_finish (TessSecrets *self, GAsyncResult *result, GError **error)
{
  TESS_ASSERT_MAIN ();
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- Store ---- */

static void
old_deleted_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  if (!secret_item_delete_finish (SECRET_ITEM (object), result, &error))
    g_debug ("the keyring keeps an old item: %s", error->message);
  g_task_return_boolean (task, TRUE);
}

static void
old_found_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  GList *items = secret_service_search_finish (SECRET_SERVICE (object), result, &error);
  GList *old = items;

  while (old != NULL && has_kind (old->data))
    old = old->next;
  if (old != NULL)
    secret_item_delete (old->data, g_task_get_cancellable (task), old_deleted_cb, g_object_ref (task));
  else
    g_task_return_boolean (task, TRUE);
  g_list_free_full (items, g_object_unref);
}

static void
stored_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  Operation *operation = g_task_get_task_data (task);

  if (secret_service_store_finish (SECRET_SERVICE (object), result, &error))
    {
      g_autoptr (GHashTable) attributes = attributes_new (operation->address, NULL);
      GCancellable *cancellable = g_task_get_cancellable (task);

      /* A password that was stored without its kind would go on beside the new one. */
      if (operation->kind == TESS_SECRET_PASSWORD)
        secret_service_search (operation->service, &schema, attributes, SECRET_SEARCH_ALL, cancellable,
                               old_found_cb, g_steal_pointer (&task));
      else
        g_task_return_boolean (task, TRUE);
    }
  else if (error == NULL || g_error_matches (error, SECRET_ERROR, SECRET_ERROR_NO_SUCH_OBJECT))
    /* There was no keyring, and the question for the password of a new one was closed. */
    return_error (task, TESS_DESKTOP_ERROR_LOCKED);
  else
    return_cause (task, error, TESS_DESKTOP_ERROR_FAILED);
}

/* (transfer full): the name of an item in the list of a keyring. */
static char *
label_new (const char *address, TessSecretKind kind)
{
  switch (kind)
    {
    case TESS_SECRET_LOGIN_KEY:
      /* Translators: the name of an item in the list of a keyring. %s is an XMPP address. */
      return g_strdup_printf (_ ("Tessera: login key of %s"), address);
    case TESS_SECRET_LOGIN_TOKEN:
      /* Translators: the name of an item in the list of a keyring. %s is an XMPP address. */
      return g_strdup_printf (_ ("Tessera: login token of %s"), address);
    case TESS_SECRET_CERTIFICATE:
      /* Translators: the name of an item in the list of a keyring. %s is an XMPP address. */
      return g_strdup_printf (_ ("Tessera: certificate of %s"), address);
    case TESS_SECRET_PROXY_PASSWORD:
      /* Translators: the name of an item in the list of a keyring. %s is an XMPP address. */
      return g_strdup_printf (_ ("Tessera: proxy password of %s"), address);
    case TESS_SECRET_PASSWORD:
    case TESS_N_SECRETS:
    default:
      /* Translators: the name of a password in the list of a keyring. %s is an XMPP address. */
      return g_strdup_printf (_ ("Tessera: password of %s"), address);
    }
}

static void
store (GTask *task)
{
  Operation *operation = g_task_get_task_data (task);
  g_autoptr (GHashTable) attributes =
      attributes_new (operation->address, kind_names[operation->kind]);
  SecretValue *value = secret_value_new (operation->value, -1, "text/plain");
  g_autofree char *label = label_new (operation->address, operation->kind);

  secret_service_store (operation->service, &schema, attributes, SECRET_COLLECTION_DEFAULT, label,
                        value, g_task_get_cancellable (task), stored_cb, task);
  secret_value_unref (value);
}

/* Takes @value. */
static void
remember (TessSecrets *self, const char *address, TessSecretKind kind, char *value)
{
  TessSecretSet *set = g_hash_table_lookup (self->memory, address);

  if (set == NULL)
    {
      set = g_new0 (TessSecretSet, 1);
      g_hash_table_insert (self->memory, g_strdup (address), set);
    }
  tess_password_free (set->values[kind]);
  set->values[kind] = value;
}

void
tess_secrets_store_async (TessSecrets *self,
                          const char *address,
                          TessSecretKind kind,
                          const char *value,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_SECRETS (self) && address != NULL && kind < TESS_N_SECRETS && value != NULL);

  task = task_new (self, address, tess_secrets_store_async, cancellable, callback, user_data);
  if (self->memory != NULL)
    {
      remember (self, address, kind, g_strdup (value));
      g_task_return_boolean (task, TRUE);
    }
  else
    {
      Operation *operation = g_task_get_task_data (task);

      operation->kind = kind;
      operation->value = g_strdup (value);
      run_in_order (g_steal_pointer (&task), store);
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

static void delete_next (GTask *task, GList *items);

static void
deleted_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  g_autoptr (GError) error = NULL;
  GList *items = g_object_steal_data (G_OBJECT (task), "items");

  if (secret_item_delete_finish (SECRET_ITEM (object), result, &error) ||
      g_error_matches (error, SECRET_ERROR, SECRET_ERROR_NO_SUCH_OBJECT))
    {
      delete_next (task, items);
      return;
    }
  g_list_free_full (items, g_object_unref);
  return_cause (task, error, TESS_DESKTOP_ERROR_FAILED);
  g_object_unref (task);
}

/* Takes both. */
static void
delete_next (GTask *task, GList *items)
{
  g_autoptr (SecretItem) item = NULL;

  if (items == NULL)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }

  item = items->data;
  g_object_set_data (G_OBJECT (task), "items", g_list_delete_link (items, items));
  secret_item_delete (item, g_task_get_cancellable (task), deleted_cb, task);
}

static void
found_for_clear_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  Operation *operation = g_task_get_task_data (task);
  GList *items = secret_service_search_finish (SECRET_SERVICE (object), result, &error);
  GList *next;
  gboolean locked = FALSE;

  for (GList *item = items; item != NULL; item = next)
    {
      next = item->next;
      if (operation->kind != TESS_N_SECRETS && kind_of (item->data) != (int) operation->kind)
        {
          g_object_unref (item->data);
          items = g_list_delete_link (items, item);
          continue;
        }
      locked = locked || secret_item_get_locked (item->data);
    }

  if (error == NULL && !locked)
    {
      delete_next (g_steal_pointer (&task), items);
      return;
    }
  g_list_free_full (items, g_object_unref);
  if (error != NULL)
    return_cause (task, error, TESS_DESKTOP_ERROR_FAILED);
  else
    return_error (task, TESS_DESKTOP_ERROR_LOCKED);
}

static void
clear (GTask *task)
{
  Operation *operation = g_task_get_task_data (task);
  g_autoptr (GHashTable) attributes = attributes_new (operation->address, NULL);

  /* By the address alone: an old password has no kind. What stays locked would stay there, silently. */
  secret_service_search (operation->service, &schema, attributes,
                         SECRET_SEARCH_ALL | SECRET_SEARCH_UNLOCK,
                         g_task_get_cancellable (task), found_for_clear_cb, task);
}

void
tess_secrets_clear_async (TessSecrets *self,
                          const char *address,
                          TessSecretKind kind,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_SECRETS (self) && address != NULL && kind <= TESS_N_SECRETS);

  task = task_new (self, address, tess_secrets_clear_async, cancellable, callback, user_data);
  if (self->memory == NULL)
    {
      ((Operation *) g_task_get_task_data (task))->kind = kind;
      run_in_order (g_steal_pointer (&task), clear);
      return;
    }

  if (kind == TESS_N_SECRETS)
    g_hash_table_remove (self->memory, address);
  else
    remember (self, address, kind, NULL);
  g_task_return_boolean (task, TRUE);
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
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) tess_secret_set_free);

  return self;
}

void
tess_secrets_set_timeout (TessSecrets *self, guint timeout_ms)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_SECRETS (self));

  self->timeout_ms = CLAMP (timeout_ms, 1, G_MAXINT);
}
