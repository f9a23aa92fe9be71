/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "desktop-fixture.h"
#include "desktop/tess-secrets.h"

#include <glib/gstdio.h>
#include <libsecret/secret.h>

#include <string.h>

/* The same for the memory and for a real gnome-keyring-daemon on a bus of its own. */

static TessSecretSet *
lookup (TessSecrets *secrets, const char *address, GError **error)
{
  g_auto (Wait) wait = { 0 };

  tess_secrets_lookup_async (secrets, address, NULL, wait_cb, &wait);
  return tess_secrets_lookup_finish (secrets, wait_result (&wait), error);
}

static gboolean
store_kind (TessSecrets *secrets, const char *address, TessSecretKind kind, const char *value, GError **error)
{
  g_auto (Wait) wait = { 0 };

  tess_secrets_store_async (secrets, address, kind, value, NULL, wait_cb, &wait);
  return tess_secrets_store_finish (secrets, wait_result (&wait), error);
}

static gboolean
store (TessSecrets *secrets, const char *address, const char *password, GError **error)
{
  return store_kind (secrets, address, TESS_SECRET_PASSWORD, password, error);
}

static gboolean
clear_kind (TessSecrets *secrets, const char *address, TessSecretKind kind, GError **error)
{
  g_auto (Wait) wait = { 0 };

  tess_secrets_clear_async (secrets, address, kind, NULL, wait_cb, &wait);
  return tess_secrets_clear_finish (secrets, wait_result (&wait), error);
}

static gboolean
clear (TessSecrets *secrets, const char *address, GError **error)
{
  return clear_kind (secrets, address, TESS_N_SECRETS, error);
}

static void
assert_kind (TessSecrets *secrets, const char *address, TessSecretKind kind, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TessSecretSet) set = lookup (secrets, address, &error);

  g_assert_no_error (error);
  g_assert_nonnull (set);
  g_assert_cmpstr (set->values[kind], ==, expected);
}

static void
assert_password (TessSecrets *secrets, const char *address, const char *expected)
{
  assert_kind (secrets, address, TESS_SECRET_PASSWORD, expected);
}

static TessSecrets *
secrets_new (gconstpointer data)
{
  return data != NULL ? tess_secrets_new_memory () : tess_secrets_new ();
}

static void
test_keeps (gconstpointer data)
{
  g_autoptr (TessSecrets) secrets = secrets_new (data);
  g_autoptr (GError) error = NULL;
  g_auto (Wait) wait = { 0 };

  tess_secrets_is_available_async (secrets, NULL, wait_cb, &wait);
  g_assert_true (tess_secrets_is_available_finish (secrets, wait_result (&wait), &error));
  g_assert_no_error (error);

  assert_password (secrets, "alice@example.org", NULL);
  g_assert_true (store (secrets, "alice@example.org", "first", &error));
  g_assert_no_error (error);
  g_assert_true (store (secrets, "alice@example.org", "pässword \"' ✓", &error));
  g_assert_true (store (secrets, "bob@example.org", "", &error));
  g_assert_no_error (error);
  assert_password (secrets, "alice@example.org", "pässword \"' ✓");
  assert_password (secrets, "bob@example.org", "");
  assert_password (secrets, "ALICE@example.org", NULL);

  g_assert_true (clear (secrets, "bob@example.org", &error));
  g_assert_true (clear (secrets, "bob@example.org", &error));
  g_assert_no_error (error);
  assert_password (secrets, "bob@example.org", NULL);
  assert_password (secrets, "alice@example.org", "pässword \"' ✓");
  g_assert_true (clear (secrets, "alice@example.org", &error));
}

/* Each kind is one of its own, one look finds all, and one clearing takes all. */
static void
test_kinds (gconstpointer data)
{
  g_autoptr (TessSecrets) secrets = secrets_new (data);
  g_autoptr (GError) error = NULL;
  static const char *const values[] = { "pässword", "key", "token", "-----BEGIN\nPEM", "proxy" };

  for (guint i = 0; i < TESS_N_SECRETS; i++)
    g_assert_true (store_kind (secrets, "alice@example.org", (TessSecretKind) i, values[i], &error));
  g_assert_true (store (secrets, "bob@example.org", "other", &error));
  g_assert_no_error (error);
  for (guint i = 0; i < TESS_N_SECRETS; i++)
    assert_kind (secrets, "alice@example.org", (TessSecretKind) i, values[i]);

  g_assert_true (store_kind (secrets, "alice@example.org", TESS_SECRET_LOGIN_TOKEN, "token 2", &error));
  g_assert_true (clear_kind (secrets, "alice@example.org", TESS_SECRET_PASSWORD, &error));
  g_assert_no_error (error);
  assert_password (secrets, "alice@example.org", NULL);
  assert_kind (secrets, "alice@example.org", TESS_SECRET_LOGIN_KEY, "key");
  assert_kind (secrets, "alice@example.org", TESS_SECRET_LOGIN_TOKEN, "token 2");

  g_assert_true (clear (secrets, "alice@example.org", &error));
  for (guint i = 0; i < TESS_N_SECRETS; i++)
    assert_kind (secrets, "alice@example.org", (TessSecretKind) i, NULL);
  assert_password (secrets, "bob@example.org", "other");
  g_assert_true (clear (secrets, "bob@example.org", &error));
  g_assert_no_error (error);
}

/* Nobody waits between them: the last one counts. */
static void
test_in_order (gconstpointer data)
{
  g_autoptr (TessSecrets) secrets = secrets_new (data);
  Wait waits[12] = { 0 };

  for (int i = 0; i < 12; i += 3)
    {
      tess_secrets_store_async (secrets, "alice@example.org", TESS_SECRET_LOGIN_KEY, "a", NULL, wait_cb, &waits[i]);
      tess_secrets_clear_async (secrets, "alice@example.org", TESS_SECRET_LOGIN_KEY, NULL, wait_cb, &waits[i + 1]);
      tess_secrets_store_async (secrets, "alice@example.org", TESS_SECRET_LOGIN_KEY, i == 9 ? "" : "b", NULL, wait_cb,
                                &waits[i + 2]);
    }
  for (int i = 11; i >= 0; i--)
    g_assert_true (g_task_propagate_boolean (G_TASK (wait_result (&waits[i])), NULL));
  assert_kind (secrets, "alice@example.org", TESS_SECRET_LOGIN_KEY, "");
  for (int i = 0; i < 12; i++)
    wait_clear (&waits[i]);
}

static void
test_cancelled (gconstpointer data)
{
  g_autoptr (TessSecrets) secrets = secrets_new (data);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_auto (Wait) first = { 0 };
  g_auto (Wait) second = { 0 };

  tess_secrets_lookup_async (secrets, "alice@example.org", cancellable, wait_cb, &first);
  tess_secrets_is_available_async (secrets, cancellable, wait_cb, &second);
  g_cancellable_cancel (cancellable);
  g_assert_null (tess_secrets_lookup_finish (secrets, wait_result (&first), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (tess_secrets_is_available_finish (secrets, wait_result (&second), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Many at once, and the object is let go meanwhile. */
static void
test_at_once (gconstpointer data)
{
  TessSecrets *secrets = secrets_new (data);
  g_autoptr (GError) error = NULL;
  Wait waits[20] = { 0 };

  for (int i = 0; i < 20; i++)
    tess_secrets_lookup_async (secrets, "nobody@example.org", NULL, wait_cb, &waits[i]);
  g_object_unref (secrets);
  for (int i = 0; i < 20; i++)
    {
      GTask *task = G_TASK (wait_result (&waits[i]));

      tess_secret_set_free (tess_secrets_lookup_finish (g_task_get_source_object (task),
                                                        G_ASYNC_RESULT (task), &error));
      g_assert_no_error (error);
      wait_clear (&waits[i]);
    }
}

/* ---- Only with a keyring ---- */

static const SecretSchema schema = { "im.tessera.Tessera.Password",
                                     SECRET_SCHEMA_NONE,
                                     { { "account", SECRET_SCHEMA_ATTRIBUTE_STRING },
                                       { "kind", SECRET_SCHEMA_ATTRIBUTE_STRING } } };

/* Another program finds it where it is promised to be. */
static void
test_schema (void)
{
  g_autoptr (TessSecrets) secrets = tess_secrets_new ();
  g_autoptr (GError) error = NULL;
  g_auto (Wait) wait = { 0 };
  char *password;

  g_assert_true (store (secrets, "alice@example.org", "secret", &error));
  /* Never libsecret's _sync functions: they leave GDBus's weak references in a context that is
   * gone. */
  secret_password_lookup (&schema, NULL, wait_cb, &wait, "account", "alice@example.org", "kind",
                          "password", NULL);
  password = secret_password_lookup_finish (wait_result (&wait), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (password, ==, "secret");
  secret_password_free (password);
  g_assert_true (clear (secrets, "alice@example.org", &error));
}

/* As the first versions stored it. */
static void
store_old (const char *address, const char *password)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SecretService) service = NULL;
  g_autoptr (GHashTable) attributes = secret_attributes_build (&schema, "account", address, NULL);
  SecretValue *value = secret_value_new (password, -1, "text/plain");
  g_auto (Wait) got = { 0 };
  g_auto (Wait) stored = { 0 };

  secret_service_get (SECRET_SERVICE_OPEN_SESSION, NULL, wait_cb, &got);
  service = secret_service_get_finish (wait_result (&got), &error);
  g_assert_no_error (error);
  secret_service_store (service, &schema, attributes, SECRET_COLLECTION_DEFAULT, "old", value, NULL, wait_cb, &stored);
  g_assert_true (secret_service_store_finish (service, wait_result (&stored), &error));
  g_assert_no_error (error);
  secret_value_unref (value);
}

/* A password without its kind is one: read, replaced, cleared. */
static void
test_old (void)
{
  g_autoptr (TessSecrets) secrets = tess_secrets_new ();
  g_autoptr (GError) error = NULL;

  store_old ("old@example.org", "first");
  assert_password (secrets, "old@example.org", "first");
  g_assert_true (store_kind (secrets, "old@example.org", TESS_SECRET_LOGIN_KEY, "key", &error));
  assert_password (secrets, "old@example.org", "first");
  g_assert_true (store (secrets, "old@example.org", "second", &error));
  assert_password (secrets, "old@example.org", "second");
  assert_kind (secrets, "old@example.org", TESS_SECRET_LOGIN_KEY, "key");
  /* Nothing of the first is left below. */
  g_assert_true (clear_kind (secrets, "old@example.org", TESS_SECRET_PASSWORD, &error));
  assert_password (secrets, "old@example.org", NULL);

  g_assert_true (clear (secrets, "old@example.org", &error));
  store_old ("old@example.org", "third");
  g_assert_true (clear_kind (secrets, "old@example.org", TESS_SECRET_LOGIN_KEY, &error));
  assert_password (secrets, "old@example.org", "third");
  g_assert_true (clear_kind (secrets, "old@example.org", TESS_SECRET_PASSWORD, &error));
  g_assert_no_error (error);
  assert_password (secrets, "old@example.org", NULL);
}

static void
lock_keyring (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SecretService) service = NULL;
  g_autoptr (SecretCollection) collection = NULL;
  g_auto (Wait) got = { 0 };
  g_auto (Wait) found = { 0 };
  g_auto (Wait) locked = { 0 };
  GList *collections;

  secret_service_get (SECRET_SERVICE_OPEN_SESSION, NULL, wait_cb, &got);
  service = secret_service_get_finish (wait_result (&got), &error);
  g_assert_no_error (error);
  secret_collection_for_alias (service, SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_NONE, NULL,
                               wait_cb, &found);
  collection = secret_collection_for_alias_finish (wait_result (&found), &error);
  g_assert_no_error (error);
  g_assert_nonnull (collection);
  collections = g_list_append (NULL, collection);
  secret_service_lock (service, collections, NULL, wait_cb, &locked);
  g_assert_cmpint (secret_service_lock_finish (service, wait_result (&locked), NULL, &error), ==,
                   1);
  g_list_free (collections);
}

/* There is nobody on this bus who could ask for the keyring's password: as if the question were
 * closed. */
static void
test_locked (void)
{
  g_autoptr (TessSecrets) secrets = tess_secrets_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (store (secrets, "alice@example.org", "secret", &error));
  lock_keyring ();

  g_assert_null (lookup (secrets, "alice@example.org", &error));
  g_assert_error (error, TESS_DESKTOP_ERROR, TESS_DESKTOP_ERROR_LOCKED);
  g_clear_error (&error);
  g_assert_false (store (secrets, "alice@example.org", "other", &error));
  g_assert_error (error, TESS_DESKTOP_ERROR, TESS_DESKTOP_ERROR_LOCKED);
  g_clear_error (&error);
  g_assert_false (clear (secrets, "alice@example.org", &error));
  g_assert_error (error, TESS_DESKTOP_ERROR, TESS_DESKTOP_ERROR_LOCKED);
  g_clear_error (&error);
  /* What was never there needs no unlocking. */
  assert_password (secrets, "nobody@example.org", NULL);
}

/* ---- The keyring ---- */

static GSubprocess *
start_keyring (const char *home)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE |
                                 G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GError) error = NULL;
  GSubprocess *keyring;
  GOutputStream *input;

  g_subprocess_launcher_setenv (launcher, "HOME", home, TRUE);
  g_subprocess_launcher_setenv (launcher, "XDG_DATA_HOME", home, TRUE);
  g_subprocess_launcher_setenv (launcher, "XDG_RUNTIME_DIR", home, TRUE);
  g_subprocess_launcher_unsetenv (launcher, "DISPLAY");
  g_subprocess_launcher_unsetenv (launcher, "WAYLAND_DISPLAY");
  keyring = g_subprocess_launcher_spawn (launcher, &error, "gnome-keyring-daemon", "--foreground",
                                         "--unlock", "--components=secrets", "--control-directory",
                                         home, NULL);
  g_assert_no_error (error);
  input = g_subprocess_get_stdin_pipe (keyring);
  g_assert_true (g_output_stream_write_all (input, "keyring", 7, NULL, NULL, &error));
  g_assert_true (g_output_stream_close (input, NULL, &error));

  return keyring;
}

static void
appeared_cb (GDBusConnection *bus, const char *name, const char *owner, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

static void
await_name (const char *name)
{
  gboolean there = FALSE;
  guint id = g_bus_watch_name (G_BUS_TYPE_SESSION, name, G_BUS_NAME_WATCHER_FLAGS_NONE, appeared_cb,
                               NULL, &there, NULL);

  WAIT_UNTIL (there);
  g_bus_unwatch_name (id);
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_DIR) ? g_dir_open (path, 0, NULL) : NULL;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_all (child);
    }
  g_remove (path);
}

int
main (int argc, char **argv)
{
  g_autoptr (GTestDBus) bus = NULL;
  g_autoptr (GSubprocess) keyring = NULL;
  g_autofree char *home = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);
  tess_thread_set_role (TESS_THREAD_MAIN);
  home = g_dir_make_tmp ("tess-keyring-XXXXXX", NULL);
  bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (bus);
  keyring = start_keyring (home);
  await_name ("org.freedesktop.secrets");

  g_test_add_data_func ("/desktop/secrets/memory/keeps", "memory", test_keeps);
  g_test_add_data_func ("/desktop/secrets/memory/kinds", "memory", test_kinds);
  g_test_add_data_func ("/desktop/secrets/memory/in-order", "memory", test_in_order);
  g_test_add_data_func ("/desktop/secrets/memory/cancelled", "memory", test_cancelled);
  g_test_add_data_func ("/desktop/secrets/memory/at-once", "memory", test_at_once);
  g_test_add_data_func ("/desktop/secrets/keyring/keeps", NULL, test_keeps);
  g_test_add_data_func ("/desktop/secrets/keyring/kinds", NULL, test_kinds);
  g_test_add_data_func ("/desktop/secrets/keyring/in-order", NULL, test_in_order);
  g_test_add_data_func ("/desktop/secrets/keyring/cancelled", NULL, test_cancelled);
  g_test_add_data_func ("/desktop/secrets/keyring/at-once", NULL, test_at_once);
  g_test_add_func ("/desktop/secrets/keyring/schema", test_schema);
  g_test_add_func ("/desktop/secrets/keyring/old", test_old);
  g_test_add_func ("/desktop/secrets/keyring/locked", test_locked);
  result = g_test_run ();

  secret_service_disconnect ();
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_subprocess_force_exit (keyring);
  g_subprocess_wait (keyring, NULL, NULL);
  g_test_dbus_down (bus);
  remove_all (home);

  return result;
}
