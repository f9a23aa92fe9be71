/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person sees of a connection, over the real model and a stand-in for the engine. */
#define G_LOG_DOMAIN "test-connection"

#include "config.h"

#include "world.h"

#include "views/tess-account-dialog.h"
#include "views/tess-account-settings.h"
#include "views/tess-certificate-dialog.h"
#include "views/tess-connection-words.h"
#include "views/tess-preferences.h"
#include "views/tess-security-dialog.h"
#include "views/tess-trouble.h"

#include <glib/gstdio.h>
#include <string.h>

static TessAccount *
alice (World *world)
{
  return tess_client_find_account (world->client, "alice@example.org");
}

static void
press (gpointer widget)
{
  g_assert_true (GTK_IS_BUTTON (widget));
  g_assert_true (gtk_widget_get_sensitive (widget));
  g_signal_emit_by_name (widget, "clicked");
}

/* A child of a template by its name. */
static gpointer
child (gpointer widget, const char *name)
{
  GObject *object = gtk_widget_get_template_child (widget, G_OBJECT_TYPE (widget), name);

  g_assert_nonnull (object);
  return object;
}

static gboolean
window_is_there (gpointer type)
{
  GtkWindow *window = world_window (type);

  return window != NULL && is_mapped (window);
}

static gboolean
window_is_gone (gpointer type)
{
  return world_window (type) == NULL;
}

static GtkWindow *
await_window (const char *type)
{
  wait_for (window_is_there, (gpointer) type);
  return world_window (type);
}

static void
shut (gpointer window)
{
  gtk_window_close (window);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
respond (const char *response)
{
  GtkWindow *question = await_window ("AdwMessageDialog");

  /* As a press on its button does. */
  g_object_ref (question);
  adw_message_dialog_response (ADW_MESSAGE_DIALOG (question), response);
  gtk_window_destroy (question);
  g_object_unref (question);
}

/* --- words ------------------------------------------------------------------------------------------------------------------ */

static void
test_words (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) nothing = tess_connection_advice_words (TESS_ADVICE_NONE);
  g_auto (GStrv) all = tess_connection_advice_words ((TessAdvice) ~0);
  g_auto (GStrv) faults = tess_certificate_fault_words ((TessCertificateFaults) ~0);

  g_assert_null (nothing[0]);
  for (guint bit = TESS_ADVICE_OLD_TLS; bit <= TESS_ADVICE_NO_ARCHIVE; bit <<= 1)
    {
      g_auto (GStrv) one = tess_connection_advice_words ((TessAdvice) bit);

      g_assert_cmpuint (g_strv_length (one), ==, 1);
      g_assert_true (g_hash_table_add (seen, g_strdup (one[0])));
    }
  g_assert_cmpuint (g_strv_length (all), ==, 11);
  for (guint bit = TESS_CERTIFICATE_UNKNOWN_ISSUER; bit <= TESS_CERTIFICATE_OTHER_KEY; bit <<= 1)
    {
      g_auto (GStrv) one = tess_certificate_fault_words ((TessCertificateFaults) bit);

      g_assert_cmpuint (g_strv_length (one), ==, 1);
      g_assert_true (g_hash_table_add (seen, g_strdup (one[0])));
    }
  g_assert_cmpuint (g_strv_length (faults), ==, 9);
}

static void
test_names (void)
{
  static const struct
  {
    const char *dn, *name;
  } names[] = {
    { "CN=example.org,O=Tiles", "example.org" },
    { "O=Tiles,CN=example.org", "example.org" },
    { "O=Tiles,C=AT", "O=Tiles,C=AT" },
    { "CN=Doe\\, Jane,O=Tiles", "Doe\\, Jane" },
    { "CN=", "CN=" },
    { "CN=a\\", "a\\" },
    { "CN=bank.example\xe2\x80\xae\n<b>x</b>", "bank.example <b>x</b>" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *name = tess_certificate_common_name (names[i].dn);
      g_assert_cmpstr (name, ==, names[i].name);
    }
  g_autofree char *nobody = tess_certificate_common_name (NULL);
  g_assert_cmpstr (nobody, !=, "");
  g_autofree char *colons = tess_certificate_fingerprint_colons (FAKE_FINGERPRINT);
  g_assert_true (g_str_has_prefix (colons, "3F:9A:51:"));
  g_assert_cmpuint (strlen (colons), ==, 95);
  g_assert_null (tess_certificate_fingerprint_colons ("3f9a"));
}

static void
assert_login (const char *sasl, const char *binding, gboolean fast, const char *has, const char *has_not)
{
  g_autoptr (TessSecurityRecord) security = tess_security_record_new ();

  security->sasl = g_strdup (sasl);
  security->channel_binding = g_strdup (binding);
  security->fast = fast;
  g_autofree char *words = tess_connection_login_words (security);
  g_assert_nonnull (strstr (words, has));
  g_assert_null (strstr (words, has_not));
}

static void
test_logins (void)
{
  assert_login ("SCRAM-SHA-256-PLUS", "tls-exporter", FALSE, "is bound to this connection", "is not bound");
  assert_login ("SCRAM-SHA-256", NULL, FALSE, "proved that it knows your password", "is bound");
  assert_login ("PLAIN", NULL, FALSE, "was given your password itself", "proved");
  assert_login ("EXTERNAL", NULL, FALSE, "your certificate", "proved");
  assert_login ("HT-SHA-256-EXPR", "tls-exporter", TRUE, "a token of an earlier login", "your password");
}

/* --- a certificate that cannot be verified ---------------------------------------------------------------------------------- */

static gboolean
can_sign_in (gpointer dialog)
{
  return g_strcmp0 (gtk_stack_get_visible_child_name (child (dialog, "action_stack")), "ready") == 0;
}

static void
sign_in (TessAccountDialog *dialog)
{
  tess_account_dialog_sign_in (dialog);
  settle (GTK_WIDGET (dialog));
  wait_for (can_sign_in, dialog);
}

static void
test_refused (void)
{
  World world = open_world (FAKE_WORLD_EMPTY);
  TessAccountDialog *dialog = tess_window_add_account (world.window);
  GtkWindow *certificate;
  GtkWidget *fingerprint;

  wait_for (is_mapped, dialog);
  g_assert_false (gtk_widget_get_visible (child (dialog, "certificate")));
  tess_account_dialog_fill (dialog, "alice@self-signed.example", "secret", NULL, 0, TESS_ACCOUNT_TLS_AUTOMATIC);
  sign_in (dialog);
  g_assert_true (gtk_widget_get_visible (child (dialog, "certificate")));
  g_assert_null (fake_engine_get_setup (fake_engine_get ())->pin);

  /* Not to connect is what happens by itself. */
  press (child (dialog, "certificate"));
  certificate = await_window ("TessCertificateDialog");
  fingerprint = find (GTK_WIDGET (certificate), "TessFingerprint");
  g_assert_true (world_shows (fingerprint, "3f9a51c0"));
  g_assert_true (world_shows (fingerprint, "72cb5fd1"));
  g_assert_true (gtk_window_get_default_widget (certificate) == child (certificate, "refuse"));
  g_assert_true (gtk_window_get_focus (certificate) == child (certificate, "refuse"));
  g_assert_true (world_shows (certificate, "Anybody can make such a certificate"));
  g_assert_true (world_shows (certificate, "Trust This Certificate for alice@self-signed.example"));
  /* What stands in it is no markup (E7). */
  g_assert_true (world_shows (certificate, "<i>Trust</i> Services & Sons"));
  g_assert_true (world_shows (certificate, "<b>chat</b>"));
  press (child (certificate, "refuse"));
  wait_for (window_is_gone, (gpointer) "TessCertificateDialog");
  g_assert_null (fake_engine_get_setup (fake_engine_get ())->pin);

  /* What is accepted for one address says nothing of another. */
  press (child (dialog, "certificate"));
  certificate = await_window ("TessCertificateDialog");
  gtk_editable_set_text (child (dialog, "address"), "bob@self-signed.example");
  gtk_editable_set_text (child (dialog, "address"), "alice@self-signed.example");
  press (child (certificate, "trust"));
  wait_for (window_is_gone, (gpointer) "TessAccountDialog");
  g_assert_cmpstr (fake_engine_get_setup (fake_engine_get ())->pin, ==, FAKE_FINGERPRINT);
  g_assert_cmpuint (g_list_model_get_n_items (tess_client_get_accounts (world.client)), ==, 1);
  close_world (&world);
}

static void
test_trust_is_for_one (void)
{
  World world = open_world (FAKE_WORLD_EMPTY);
  TessAccountDialog *dialog = tess_window_add_account (world.window);

  wait_for (is_mapped, dialog);
  tess_account_dialog_fill (dialog, "alice@self-signed.example", "wait", NULL, 0, TESS_ACCOUNT_TLS_AUTOMATIC);
  sign_in (dialog);
  press (child (dialog, "certificate"));
  press (child (await_window ("TessCertificateDialog"), "trust"));
  wait_for (window_is_gone, (gpointer) "TessCertificateDialog");
  g_assert_cmpstr (fake_engine_get_setup (fake_engine_get ())->pin, ==, FAKE_FINGERPRINT);
  press (child (dialog, "cancel"));
  wait_for (can_sign_in, dialog);
  tess_account_dialog_fill (dialog, "bob@self-signed.example", "secret", NULL, 0, TESS_ACCOUNT_TLS_AUTOMATIC);
  sign_in (dialog);
  g_assert_null (fake_engine_get_setup (fake_engine_get ())->pin);
  shut (dialog);
  close_world (&world);
}

/* --- alarms ----------------------------------------------------------------------------------------------------------------- */

static void
set_changed (World *world, TessCertificateFaults faults)
{
  TessEngine *engine = fake_engine_get ();
  TessAccountRecord *record = fake_engine_get_account (engine);

  g_free (record->pin);
  g_free (record->server_key);
  record->pin = (faults & TESS_CERTIFICATE_NOT_PINNED) != 0 ? g_strdup (FAKE_OTHER_FINGERPRINT) : NULL;
  record->server_key = g_strdup (FAKE_OTHER_FINGERPRINT);
  record->remember_key = TRUE;
  g_autoptr (TessAccountRecord) copy = tess_account_record_copy (record);
  tess_engine_update_account_async (engine, copy, NULL, NULL, NULL);
  fake_engine_set_refused (engine, fake_certificate_new ("CN=example.org", FAKE_FINGERPRINT, faults));
  fake_engine_set_connection (engine, TESS_CONNECTION_OFFLINE, TESS_ENGINE_ERROR_CERTIFICATE_CHANGED, "It is another one.");
  settle (GTK_WIDGET (world->window));
}

static void
test_changed (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  GtkWidget *bar = find (GTK_WIDGET (world.window), "TessConnectionBar");
  GtkWindow *dialog;

  g_assert_false (gtk_widget_has_css_class (child (bar, "box"), "alarm"));
  set_changed (&world, TESS_CERTIFICATE_NOT_PINNED | TESS_CERTIFICATE_UNKNOWN_ISSUER);
  g_assert_true (gtk_widget_has_css_class (child (bar, "box"), "alarm"));
  g_assert_true (world_shows (bar, "It is another one."));

  press (child (bar, "button"));
  dialog = await_window ("TessCertificateDialog");
  g_assert_true (world_shows (dialog, "b0c4d8f2")); /* until now */
  g_assert_true (world_shows (dialog, "3f9a51c0"));

  /* Not without a second confirmation. */
  press (child (dialog, "trust"));
  respond ("cancel");
  g_assert_cmpstr (tess_account_get_record (alice (&world))->pin, ==, FAKE_OTHER_FINGERPRINT);
  press (child (dialog, "trust"));
  respond ("trust");
  wait_for (window_is_gone, (gpointer) "TessCertificateDialog");
  g_assert_cmpstr (tess_account_get_record (alice (&world))->pin, ==, FAKE_FINGERPRINT);
  g_assert_cmpuint (fake_engine_get_n_connects (fake_engine_get ()), >, 0);
  fake_engine_set_online (fake_engine_get (), TESS_ADVICE_PINNED);
  settle (GTK_WIDGET (world.window));
  g_assert_false (gtk_widget_has_css_class (child (bar, "box"), "alarm"));
  close_world (&world);
}

/* A certificate that can be verified is not pinned only because its key is another one. */
static void
test_other_key (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  GtkWindow *dialog;

  set_changed (&world, TESS_CERTIFICATE_OTHER_KEY);
  tess_trouble_show (GTK_WINDOW (world.window), world.client, alice (&world));
  dialog = await_window ("TessCertificateDialog");
  g_assert_true (world_shows (dialog, "b0c4d8f2"));
  g_assert_true (world_shows (dialog, "1df5bc27")); /* that of its key */
  press (child (dialog, "trust"));
  respond ("trust");
  wait_for (window_is_gone, (gpointer) "TessCertificateDialog");
  g_assert_null (tess_account_get_record (alice (&world))->pin);
  g_assert_true (tess_account_get_record (alice (&world))->remember_key);
  close_world (&world);
}

/* The one that was looked at is not there any more when it is accepted. */
static void
test_exchanged (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  GtkWindow *dialog;

  fake_engine_set_connection (fake_engine_get (), TESS_CONNECTION_OFFLINE, TESS_ENGINE_ERROR_BAD_CERTIFICATE, "It cannot be verified.");
  tess_trouble_show (GTK_WINDOW (world.window), world.client, alice (&world));
  dialog = await_window ("TessCertificateDialog");
  fake_engine_set_refused (fake_engine_get (), fake_certificate_new ("CN=example.org", FAKE_OTHER_FINGERPRINT, TESS_CERTIFICATE_EXPIRED));
  press (child (dialog, "trust"));
  settle (GTK_WIDGET (dialog));
  g_assert_true (gtk_widget_get_visible (child (dialog, "error")));
  g_assert_null (tess_account_get_record (alice (&world))->pin);
  gtk_window_close (dialog);
  wait_for (window_is_gone, (gpointer) "TessCertificateDialog");
  close_world (&world);
}

static void
set_weakened (World *world, gboolean binding_seen)
{
  g_autoptr (TessAccountRecord) record = tess_account_record_copy (fake_engine_get_account (fake_engine_get ()));

  record->binding_seen = binding_seen;
  tess_engine_update_account_async (fake_engine_get (), record, NULL, NULL, NULL);
  fake_engine_set_connection (fake_engine_get (), TESS_CONNECTION_OFFLINE, TESS_ENGINE_ERROR_WEAKENED, "It is weaker than it was.");
  settle (GTK_WIDGET (world->window));
}

static void
test_weakened (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  GtkWindow *dialog;

  /* PLAIN where SCRAM has worked: there is no way around. */
  set_weakened (&world, FALSE);
  tess_trouble_show (GTK_WINDOW (world.window), world.client, alice (&world));
  dialog = await_window ("AdwMessageDialog");
  g_assert_false (adw_message_dialog_has_response (ADW_MESSAGE_DIALOG (dialog), "anyway"));
  g_assert_cmpstr (adw_message_dialog_get_default_response (ADW_MESSAGE_DIALOG (dialog)), ==, "cancel");
  respond ("cancel");

  set_weakened (&world, TRUE);
  tess_trouble_show (GTK_WINDOW (world.window), world.client, alice (&world));
  respond ("anyway");
  settle (GTK_WIDGET (world.window));
  g_assert_true (tess_account_get_record (alice (&world))->binding_seen); /* a second question */
  respond ("cancel");
  g_assert_true (tess_account_get_record (alice (&world))->binding_seen);
  tess_trouble_show (GTK_WINDOW (world.window), world.client, alice (&world));
  respond ("anyway");
  settle (GTK_WIDGET (world.window));
  respond ("anyway");
  g_assert_false (tess_account_get_record (alice (&world))->binding_seen);
  close_world (&world);
}

/* --- what can be set -------------------------------------------------------------------------------------------------------- */

static void
test_proxy (void)
{
  World world = open_world (FAKE_WORLD_EMPTY);
  TessAccountDialog *dialog = tess_window_add_account (world.window);
  TessConnectionForm *form = tess_account_dialog_get_form (dialog);
  AdwComboRow *proxy = child (form, "proxy");

  wait_for (is_mapped, dialog);
  tess_account_dialog_fill (dialog, "alice@example.org", "wrong", NULL, 0, TESS_ACCOUNT_TLS_AUTOMATIC);
  g_assert_false (gtk_widget_get_visible (child (form, "proxy_host")));
  adw_combo_row_set_selected (proxy, TESS_ACCOUNT_PROXY_SOCKS5);
  g_assert_true (gtk_widget_get_visible (child (form, "proxy_host")));
  g_assert_cmpstr (gtk_editable_get_text (child (form, "proxy_host")), ==, "localhost");
  g_assert_cmpstr (gtk_editable_get_text (child (form, "proxy_port")), ==, "9050");
  g_assert_true (tess_connection_form_get_valid (form));
  adw_combo_row_set_selected (proxy, TESS_ACCOUNT_PROXY_HTTP);
  g_assert_cmpstr (gtk_editable_get_text (child (form, "proxy_host")), ==, "");
  g_assert_false (tess_connection_form_get_valid (form));
  gtk_editable_set_text (child (form, "proxy_host"), "proxy.example");
  gtk_editable_set_text (child (form, "proxy_port"), "99999");
  g_assert_true (gtk_widget_get_visible (child (form, "proxy_problem")));
  g_assert_false (tess_connection_form_get_valid (form));
  gtk_editable_set_text (child (form, "proxy_port"), "3128");
  gtk_editable_set_text (child (form, "proxy_username"), " carol ");
  gtk_editable_set_text (child (form, "proxy_password"), "hush");
  g_assert_false (gtk_widget_get_visible (child (form, "proxy_problem")));

  /* The error stands where it belongs. */
  sign_in (dialog);
  g_assert_cmpint (fake_engine_get_setup (fake_engine_get ())->proxy, ==, TESS_ACCOUNT_PROXY_HTTP);
  g_assert_cmpstr (fake_engine_get_setup (fake_engine_get ())->proxy_host, ==, "proxy.example");
  g_assert_cmpint (fake_engine_get_setup (fake_engine_get ())->proxy_port, ==, 3128);
  g_assert_cmpstr (fake_engine_get_setup (fake_engine_get ())->proxy_username, ==, "carol");
  g_assert_true (adw_expander_row_get_expanded (child (dialog, "advanced")));
  g_assert_true (gtk_widget_has_css_class (child (form, "proxy_host"), "error"));
  g_assert_true (gtk_widget_get_visible (child (form, "proxy_problem")));
  g_assert_false (gtk_widget_get_visible (child (dialog, "error_box")));

  g_autoptr (TessAccountRecord) record = tess_account_record_new ("alice@example.org");
  g_autoptr (TessCredentials) credentials = tess_credentials_new ();
  g_assert_true (tess_connection_form_read (form, record, credentials));
  g_assert_cmpstr (credentials->proxy_password, ==, "hush");
  /* What is not used is not kept. */
  adw_combo_row_set_selected (proxy, TESS_ACCOUNT_PROXY_NONE);
  tess_connection_form_read (form, record, credentials);
  g_assert_null (record->proxy_host);
  g_assert_null (record->proxy_username);
  g_assert_cmpint (record->proxy_port, ==, 0);
  shut (dialog);
  close_world (&world);
}

static gboolean
has_certificate (gpointer form)
{
  return tess_connection_form_get_has_certificate (form);
}

static gboolean
has_problem (gpointer form)
{
  return gtk_widget_get_visible (child (form, "certificate_problem"));
}

static gboolean
asks_passphrase (gpointer form)
{
  return gtk_widget_get_visible (child (form, "passphrase"));
}

static void
load (TessConnectionForm *form, const char *content, gsize size)
{
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "tess-test-certificate.pem", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, content, (gssize) size, &error));
  tess_connection_form_load_certificate (form, file);
}

static void
test_certificate (void)
{
  World world = open_world (FAKE_WORLD_EMPTY);
  TessAccountDialog *dialog = tess_window_add_account (world.window);
  TessConnectionForm *form = tess_account_dialog_get_form (dialog);
  g_autoptr (TessAccountRecord) record = tess_account_record_new ("alice@example.org");
  g_autoptr (TessCredentials) credentials = tess_credentials_new ();
  g_autofree char *large = g_strnfill (1024 * 1024 + 1, 'a');

  wait_for (is_mapped, dialog);
  gtk_editable_set_text (child (dialog, "address"), "alice@example.org");
  g_assert_false (gtk_widget_get_sensitive (child (dialog, "sign_in")));
  load (form, "nothing", 7);
  wait_for (has_problem, form);
  load (form, large, strlen (large));
  wait_for (has_problem, form);
  g_assert_true (world_shows (form, "too large"));
  g_assert_false (tess_connection_form_get_has_certificate (form));

  load (form, "encrypted", 9);
  wait_for (asks_passphrase, form);
  g_assert_false (has_problem (form)); /* the first time it is a question */
  g_assert_false (tess_connection_form_get_valid (form));
  gtk_editable_set_text (child (form, "passphrase"), "shut");
  g_signal_emit_by_name (child (form, "passphrase"), "apply");
  wait_for (has_problem, form);
  gtk_editable_set_text (child (form, "passphrase"), "open");
  g_signal_emit_by_name (child (form, "passphrase"), "apply");
  wait_for (has_certificate, form);
  g_assert_false (asks_passphrase (form));
  g_assert_false (has_problem (form));
  g_assert_true (world_shows (form, "Alice <Example>"));
  /* The password is not needed then. */
  g_assert_true (gtk_widget_get_sensitive (child (dialog, "sign_in")));

  g_assert_true (tess_connection_form_read (form, record, credentials));
  g_assert_cmpstr (credentials->certificate, ==, "encrypted");
  g_assert_cmpstr (record->certificate, ==, "Alice <Example>");
  press (child (form, "remove_certificate"));
  g_assert_false (gtk_widget_get_sensitive (child (dialog, "sign_in")));
  /* That of an account that is there is taken away. */
  tess_connection_form_fill (form, record);
  press (child (form, "remove_certificate"));
  g_assert_true (tess_connection_form_read (form, record, credentials));
  g_assert_cmpstr (credentials->certificate, ==, "");
  g_assert_null (record->certificate);
  shut (dialog);
  close_world (&world);
}

static void
test_settings (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  GtkWidget *window;
  TessConnectionForm *form;

  set_changed (&world, TESS_CERTIFICATE_NOT_PINNED);
  window = tess_account_settings_new (GTK_WINDOW (world.window), world.client, alice (&world));
  gtk_window_present (GTK_WINDOW (window));
  wait_for (is_mapped, window);
  form = child (window, "form");
  g_assert_true (world_shows (window, "b0c4d8f2")); /* the pin */
  gtk_editable_set_text (child (form, "port"), "x");
  g_assert_false (gtk_widget_get_sensitive (child (window, "save")));
  gtk_editable_set_text (child (form, "port"), "5223");
  gtk_editable_set_text (child (form, "server"), "chat.example.org");
  gtk_switch_set_active (child (form, "keep_key"), TRUE);
  gtk_toggle_button_set_active (child (window, "unpin"), TRUE);
  g_assert_cmpint (tess_account_get_record (alice (&world))->port, ==, 0); /* nothing before it is saved */
  press (child (window, "save"));
  wait_for (window_is_gone, (gpointer) "TessAccountSettings");
  g_assert_cmpint (tess_account_get_record (alice (&world))->port, ==, 5223);
  g_assert_cmpstr (tess_account_get_record (alice (&world))->host, ==, "chat.example.org");
  g_assert_true (tess_account_get_record (alice (&world))->keep_key);
  g_assert_null (tess_account_get_record (alice (&world))->pin);
  close_world (&world);
}

/* What the server keeps, and what others are told. */
static void
test_settings_messages (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  GtkWidget *window;
  AdwComboRow *archiving;

  fake_engine_set_archiving (fake_engine_get (), TESS_ARCHIVING_CONTACTS, NULL);
  window = tess_account_settings_new (GTK_WINDOW (world.window), world.client, alice (&world));
  archiving = child (window, "archiving");
  g_assert_false (gtk_widget_get_sensitive (GTK_WIDGET (archiving)));
  gtk_window_present (GTK_WINDOW (window));
  wait_for (is_mapped, window);
  settle (window);
  g_assert_true (gtk_widget_get_sensitive (GTK_WIDGET (archiving)));
  g_assert_cmpuint (adw_combo_row_get_selected (archiving), ==, TESS_ARCHIVING_CONTACTS);
  g_assert_true (world_shows (window, "other devices need them there"));
  g_assert_true (gtk_switch_get_active (child (window, "receipts")));
  g_assert_true (gtk_switch_get_active (child (window, "markers")));
  adw_combo_row_set_selected (archiving, TESS_ARCHIVING_NOTHING);
  gtk_switch_set_active (child (window, "markers"), FALSE);
  g_assert_cmpint (fake_engine_get_archiving (fake_engine_get ()), ==, TESS_ARCHIVING_CONTACTS); /* nothing before it is saved */
  press (child (window, "save"));
  wait_for (window_is_gone, (gpointer) "TessAccountSettings");
  g_assert_cmpint (fake_engine_get_archiving (fake_engine_get ()), ==, TESS_ARCHIVING_NOTHING);
  g_assert_true (tess_account_get_record (alice (&world))->send_receipts);
  g_assert_false (tess_account_get_record (alice (&world))->send_markers);

  /* A server that cannot be asked says so, and all else can be set. */
  fake_engine_set_archiving (fake_engine_get (), TESS_ARCHIVING_NOTHING, "The server <does not> let you choose.");
  window = tess_account_settings_new (GTK_WINDOW (world.window), world.client, alice (&world));
  gtk_window_present (GTK_WINDOW (window));
  wait_for (is_mapped, window);
  settle (window);
  g_assert_true (world_shows (window, "The server <does not> let you choose."));
  g_assert_false (gtk_widget_get_sensitive (child (window, "archiving")));
  g_assert_cmpuint (adw_combo_row_get_selected (child (window, "archiving")), ==, GTK_INVALID_LIST_POSITION);
  g_assert_false (gtk_switch_get_active (child (window, "markers")));
  gtk_switch_set_active (child (window, "receipts"), FALSE);
  press (child (window, "save"));
  wait_for (window_is_gone, (gpointer) "TessAccountSettings");
  g_assert_false (tess_account_get_record (alice (&world))->send_receipts);

  /* It comes online while it is looked at; and refuses when it is to be changed. */
  window = tess_account_settings_new (GTK_WINDOW (world.window), world.client, alice (&world));
  gtk_window_present (GTK_WINDOW (window));
  wait_for (is_mapped, window);
  settle (window);
  fake_engine_set_archiving (fake_engine_get (), TESS_ARCHIVING_NOTHING, NULL);
  fake_engine_set_connection (fake_engine_get (), TESS_CONNECTION_OFFLINE, -1, NULL);
  fake_engine_set_online (fake_engine_get (), TESS_ADVICE_NONE);
  settle (window);
  g_assert_true (gtk_widget_get_sensitive (child (window, "archiving")));
  fake_engine_set_archiving (fake_engine_get (), TESS_ARCHIVING_NOTHING, "Not today.");
  adw_combo_row_set_selected (child (window, "archiving"), TESS_ARCHIVING_EVERYTHING);
  press (child (window, "save"));
  settle (window);
  g_assert_true (world_shows (window, "Not today."));
  shut (GTK_WINDOW (window));
  close_world (&world);
}

/* --- connection security ---------------------------------------------------------------------------------------------------- */

static void
test_security (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  GtkWindow *dialog;

  fake_engine_set_connection (fake_engine_get (), TESS_CONNECTION_OFFLINE, -1, NULL);
  gtk_widget_activate_action (GTK_WIDGET (world.window), "win.security", NULL);
  dialog = await_window ("TessSecurityDialog");
  g_assert_true (world_shows (dialog, "Not Connected"));
  g_assert_false (world_shows (dialog, "TLSv1"));

  /* It follows. */
  fake_engine_set_online (fake_engine_get (), TESS_ADVICE_NONE);
  settle (GTK_WIDGET (dialog));
  g_assert_true (world_shows (dialog, "Encrypted and Verified"));
  g_assert_true (world_shows (dialog, "TLSv1.3 · TLS_AES_256_GCM_SHA384"));
  g_assert_true (world_shows (dialog, "SCRAM-SHA-256-PLUS · tls-exporter"));
  g_assert_true (world_shows (dialog, "xmpp.example.org"));
  g_assert_true (world_shows (dialog, "Nothing that Tessera knows of"));
  g_assert_true (world_shows (dialog, "3f9a51c0"));
  g_assert_true (world_shows (dialog, "<b>chat</b>"));
  fake_engine_set_online (fake_engine_get (), TESS_ADVICE_PINNED);
  settle (GTK_WIDGET (dialog));
  g_assert_true (world_shows (dialog, "Encrypted, Trusted by You"));
  g_assert_false (world_shows (dialog, "Encrypted and Verified"));
  fake_engine_set_online (fake_engine_get (), TESS_ADVICE_PASSWORD_SENT | TESS_ADVICE_NO_BINDING);
  settle (GTK_WIDGET (dialog));
  g_assert_true (world_shows (dialog, "Weaker than It Could Be"));
  g_assert_true (world_shows (dialog, "sees your password at each login"));
  g_assert_false (world_shows (dialog, "and Verified"));

  fake_engine_set_connection (fake_engine_get (), TESS_CONNECTION_OFFLINE, TESS_ENGINE_ERROR_SERVER_UNPROVEN, "It proved nothing.");
  settle (GTK_WIDGET (dialog));
  g_assert_true (world_shows (dialog, "The Server Did Not Prove Itself"));
  g_assert_false (world_shows (dialog, "TLSv1"));
  g_assert_true (gtk_widget_get_visible (child (dialog, "trouble")));
  gtk_window_close (dialog);
  wait_for (window_is_gone, (gpointer) "TessSecurityDialog");
  close_world (&world);
}

/* All of them at 360 px, and nobody keeps them. */
static void
show_narrow (GtkWidget *window)
{
  gtk_window_set_default_size (GTK_WINDOW (window), 360, 640);
  gtk_window_present (GTK_WINDOW (window));
  wait_for (is_mapped, window);
  settle (window);
  assert_fits (window, 360);
  show_once (window);
}

static void
test_narrow (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  GtkWindow *parent = GTK_WINDOW (world.window);
  GtkWidget *account;

  show_narrow (tess_security_dialog_new (parent, world.client, NULL));
  fake_engine_set_online (fake_engine_get (), (TessAdvice) ~0);
  show_narrow (tess_security_dialog_new (parent, world.client, alice (&world)));
  show_narrow (tess_account_settings_new (parent, world.client, alice (&world)));
  set_changed (&world, (TessCertificateFaults) ~0);
  show_narrow (tess_account_settings_new (parent, world.client, alice (&world)));
  show_narrow (tess_security_dialog_new (parent, world.client, alice (&world)));
  show_narrow (tess_certificate_dialog_new_for_account (parent, alice (&world)));
  account = tess_account_dialog_new (parent, world.client);
  adw_expander_row_set_expanded (child (account, "advanced"), TRUE);
  adw_combo_row_set_selected (child (tess_account_dialog_get_form (TESS_ACCOUNT_DIALOG (account)), "proxy"), TESS_ACCOUNT_PROXY_SOCKS5);
  show_narrow (account);
  close_world (&world);
}

/* --- the bar below the list -------------------------------------------------------------------------------------------------- */

#define PASSES_BY_ITSELF_MS 2000

static gboolean
is_revealed (gpointer bar)
{
  return gtk_revealer_get_reveal_child (child (bar, "revealer"));
}

static gboolean
is_not_revealed (gpointer bar)
{
  return !is_revealed (bar);
}

static void
assert_bar (GtkWidget *bar, const char *sentence, const char *button)
{
  g_autofree char *said = NULL;

  wait_for (is_revealed, bar);
  said = g_strdup (gtk_label_get_text (child (bar, "text")));
  g_assert_cmpstr (said, ==, sentence);
  g_assert_cmpint (gtk_widget_get_visible (child (bar, "button")), ==, button != NULL);
  if (button != NULL)
    g_assert_cmpstr (gtk_button_get_label (child (bar, "button")), ==, button);
}

static gboolean
is_over (gpointer until_us)
{
  return g_get_monotonic_time () >= *(gint64 *) until_us;
}

/* What passes by itself is left unsaid for a while after it was online; what does not is said soon. */
static void
test_bar (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  GtkWidget *bar;
  TessEngine *engine;
  gint64 begun_us, until_us;

  engine = fake_engine_get ();
  bar = find (GTK_WIDGET (world.window), "TessConnectionBar");
  fake_engine_set_connection (engine, TESS_CONNECTION_ONLINE, -1, NULL);
  wait_for (is_not_revealed, bar);

  fake_engine_set_connection (engine, TESS_CONNECTION_WAITING, TESS_ENGINE_ERROR_CONNECTION, "The connection was ended.");
  begun_us = g_get_monotonic_time ();
  until_us = begun_us + PASSES_BY_ITSELF_MS * G_TIME_SPAN_MILLISECOND / 4;
  wait_for (is_over, &until_us);
  g_assert_true (is_not_revealed (bar) || g_get_monotonic_time () - begun_us >= PASSES_BY_ITSELF_MS * G_TIME_SPAN_MILLISECOND);
  fake_engine_set_connection (engine, TESS_CONNECTION_CONNECTING, -1, NULL);
  fake_engine_set_connection (engine, TESS_CONNECTION_ONLINE, -1, NULL);
  wait_for (is_not_revealed, bar);

  begun_us = g_get_monotonic_time ();
  fake_engine_set_connection (engine, TESS_CONNECTION_WAITING, TESS_ENGINE_ERROR_CONNECTION, "The connection was ended.");
  assert_bar (bar, "The connection was ended.", "_Retry");
  g_assert_cmpint (g_get_monotonic_time () - begun_us, >=, PASSES_BY_ITSELF_MS * G_TIME_SPAN_MILLISECOND);
  fake_engine_set_connection (engine, TESS_CONNECTION_CONNECTING, -1, NULL);
  assert_bar (bar, "Connecting…", NULL);

  /* Without a network, or signed out, there is something to know, or to do. */
  fake_engine_set_connection (engine, TESS_CONNECTION_ONLINE, -1, NULL);
  wait_for (is_not_revealed, bar);
  fake_engine_set_connection (engine, TESS_CONNECTION_WAITING, TESS_ENGINE_ERROR_CONNECTION, "The connection was ended.");
  fake_engine_set_connection (engine, TESS_CONNECTION_WAITING, TESS_ENGINE_ERROR_NO_NETWORK, "No network.");
  assert_bar (bar, "No network.", "_Retry");
  fake_engine_set_connection (engine, TESS_CONNECTION_OFFLINE, TESS_ENGINE_ERROR_NOT_AUTHORIZED, "The password is wrong.");
  assert_bar (bar, "Signed out. The password is wrong.", "_Password…");
  fake_engine_set_connection (engine, TESS_CONNECTION_OFFLINE, TESS_ENGINE_ERROR_PASSWORD_NEEDED, "The password is needed.");
  assert_bar (bar, "The password is needed.", "_Password…");
  shut (await_window ("TessPasswordDialog"));

  tess_account_set_enabled (alice (&world), FALSE);
  assert_bar (bar, "Paused", "_Resume");
  press (child (bar, "button"));
  g_assert_true (tess_account_get_enabled (alice (&world)));
  fake_engine_set_connection (engine, TESS_CONNECTION_ONLINE, -1, NULL);
  wait_for (is_not_revealed, bar);
  close_world (&world);
}

/* --- what is missing of the history ----------------------------------------------------------------------------------------- */

typedef struct
{
  GtkWidget  *bar;
  const char *text;
} Shown;

static gboolean
bar_shows (gpointer data)
{
  const Shown *shown = data;
  gboolean     revealed = gtk_revealer_get_reveal_child (child (shown->bar, "revealer"));

  return shown->text == NULL ? !revealed : revealed && world_shows (shown->bar, shown->text);
}

static void
await_bar (GtkWidget *bar, const char *text)
{
  Shown shown = { bar, text };

  wait_for (bar_shows, &shown);
}

static void
test_history_bar (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  GtkWidget *bar = find (GTK_WIDGET (world.window), "TessHistoryBar");

  fake_engine_set_online (fake_engine_get (), TESS_ADVICE_NONE);
  await_bar (bar, NULL);
  fake_engine_set_missing (fake_engine_get (), 1, 1200, 100000);
  await_bar (bar, "Fetching messages: 1200 of 100000");
  g_assert_true (gtk_widget_get_visible (child (bar, "progress")));
  press (child (bar, "button"));
  await_bar (bar, "Older messages were left on the server.");
  g_assert_false (gtk_widget_get_visible (child (bar, "progress")));
  press (child (bar, "button"));
  await_bar (bar, "Fetching messages: 1200 of 100000");
  fake_engine_set_missing (fake_engine_get (), 2, 1300, -1);
  await_bar (bar, "Fetching messages: 1300 so far");
  g_assert_false (gtk_widget_get_visible (child (bar, "progress")));
  /* Nothing comes while there is no connection: another bar says what is wrong. */
  fake_engine_set_connection (fake_engine_get (), TESS_CONNECTION_CONNECTING, -1, NULL);
  await_bar (bar, NULL);
  fake_engine_set_online (fake_engine_get (), TESS_ADVICE_NONE);
  await_bar (bar, "Fetching messages: 1300 so far");
  fake_engine_set_missing (fake_engine_get (), 0, 0, 0);
  await_bar (bar, NULL);
  close_world (&world);
}

static void
add_tests (void)
{
  g_test_add_func ("/views/connection/bar", test_bar);
  g_test_add_func ("/views/connection/words", test_words);
  g_test_add_func ("/views/connection/names", test_names);
  g_test_add_func ("/views/connection/logins", test_logins);
  g_test_add_func ("/views/connection/refused", test_refused);
  g_test_add_func ("/views/connection/trust-is-for-one", test_trust_is_for_one);
  g_test_add_func ("/views/connection/changed", test_changed);
  g_test_add_func ("/views/connection/other-key", test_other_key);
  g_test_add_func ("/views/connection/exchanged", test_exchanged);
  g_test_add_func ("/views/connection/weakened", test_weakened);
  g_test_add_func ("/views/connection/proxy", test_proxy);
  g_test_add_func ("/views/connection/certificate", test_certificate);
  g_test_add_func ("/views/connection/settings", test_settings);
  g_test_add_func ("/views/connection/settings-messages", test_settings_messages);
  g_test_add_func ("/views/connection/security", test_security);
  g_test_add_func ("/views/history-bar", test_history_bar);
  g_test_add_func ("/views/connection/narrow", test_narrow);
}

int
main (int argc, char *argv[])
{
  return world_main (argc, argv, add_tests);
}
