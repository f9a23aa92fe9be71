/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Draws the program's windows over the stand-in engine into PNG files, to be looked at. See run-gallery. */
#define G_LOG_DOMAIN "gallery"

#include "config.h"

#include "fake-engine.h"
#include "tess-application.h"

#include "base/tess-thread.h"
#include "views/tess-account-settings.h"
#include "views/tess-certificate-dialog.h"
#include "views/tess-contact-dialog.h"
#include "views/tess-preferences.h"
#include "views/tess-security-dialog.h"
#include "views/tess-trouble.h"
#include "views/tess-verification-dialog.h"
#include "views/tess-devices-dialog.h"
#include "views/tess-scanner.h"
#include "views/tess-verification-dialog.h"
#include "views/tess-window.h"

#include <string.h>

static char *scene;
static char *out;
static int width = 960;
static int height = 680;
static gboolean dark;
static gboolean rtl;
static double text_scale = 1.0;

static const GOptionEntry options[] = {
  { "scene", 0, 0, G_OPTION_ARG_STRING, &scene, NULL, NULL }, { "out", 0, 0, G_OPTION_ARG_FILENAME, &out, NULL, NULL },
  { "width", 0, 0, G_OPTION_ARG_INT, &width, NULL, NULL },    { "height", 0, 0, G_OPTION_ARG_INT, &height, NULL, NULL },
  { "dark", 0, 0, G_OPTION_ARG_NONE, &dark, NULL, NULL },     { "rtl", 0, 0, G_OPTION_ARG_NONE, &rtl, NULL, NULL },
  { "text", 0, 0, G_OPTION_ARG_DOUBLE, &text_scale, NULL, NULL }, G_OPTION_ENTRY_NULL,
};

static void
spin (guint ms)
{
  gint64 end = g_get_monotonic_time () + ms * 1000;

  while (g_get_monotonic_time () < end)
    {
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_usleep (4000);
    }
}

static GtkWindow *
top_window (void)
{
  GListModel *toplevels = gtk_window_get_toplevels ();
  GtkWindow *found = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (toplevels); i++)
    {
      g_autoptr (GtkWindow) window = g_list_model_get_item (toplevels, i);
      if (gtk_widget_get_mapped (GTK_WIDGET (window)) && (found == NULL || !TESS_IS_WINDOW (window)))
        found = window;
    }
  return found;
}

static void
save (GtkWindow *window)
{
  int w = gtk_widget_get_width (GTK_WIDGET (window));
  int h = gtk_widget_get_height (GTK_WIDGET (window));
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (GTK_WIDGET (window));
  GtkSnapshot *snapshot = gtk_snapshot_new ();

  gdk_paintable_snapshot (paintable, GDK_SNAPSHOT (snapshot), w, h);
  g_autoptr (GskRenderNode) node = gtk_snapshot_free_to_node (snapshot);
  g_autoptr (GdkTexture) texture =
    gsk_renderer_render_texture (gtk_native_get_renderer (GTK_NATIVE (window)), node, &GRAPHENE_RECT_INIT (0, 0, (float) w, (float) h));
  gdk_texture_save_to_png (texture, out);
  g_print ("%s %dx%d\n", out, w, h);
}

static GtkWidget *
find_widget (GtkWidget *widget, const char *type)
{
  if (g_str_equal (G_OBJECT_TYPE_NAME (widget), type))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_widget (child, type);
      if (found != NULL)
        return found;
    }
  return NULL;
}

static gboolean
is (const char *name)
{
  return g_str_equal (scene, name);
}

/* The client of the window, by way of its sidebar: what the application holds is its own. */
static TessClient *the_client;

static TessAccount *
the_account (void)
{
  return tess_client_find_account (the_client, "alice@example.org");
}

/* Another certificate than the pinned one. */
static void
make_changed (void)
{
  TessEngine *engine = fake_engine_get ();
  TessAccountRecord *record = fake_engine_get_account (engine);

  g_free (record->pin);
  record->pin = g_strdup (FAKE_OTHER_FINGERPRINT);
  tess_engine_update_account_async (engine, record, NULL, NULL, NULL);
  fake_engine_set_refused (engine, fake_certificate_new ("CN=example.org", FAKE_FINGERPRINT, TESS_CERTIFICATE_NOT_PINNED | TESS_CERTIFICATE_UNKNOWN_ISSUER));
  fake_engine_set_connection (engine, TESS_CONNECTION_OFFLINE, TESS_ENGINE_ERROR_CERTIFICATE_CHANGED,
                              "The server example.org shows another certificate than the one that you trusted. Tessera does not connect.");
}

static void
make_weakened (void)
{
  fake_engine_get_account (fake_engine_get ())->binding_seen = TRUE;
  tess_engine_update_account_async (fake_engine_get (), fake_engine_get_account (fake_engine_get ()), NULL, NULL, NULL);
  fake_engine_set_connection (fake_engine_get (), TESS_CONNECTION_OFFLINE, TESS_ENGINE_ERROR_WEAKENED,
                              "The login at example.org is weaker than it was. Tessera does not sign in.");
}

static void
play_security (GtkWindow *window)
{
  if (is ("security"))
    fake_engine_set_online (fake_engine_get (), TESS_ADVICE_NONE);
  else if (is ("security-weak"))
    fake_engine_set_online (fake_engine_get (), TESS_ADVICE_OLD_TLS | TESS_ADVICE_NO_BINDING | TESS_ADVICE_PASSWORD_SENT | TESS_ADVICE_PLAIN_OFFERED |
                                                  TESS_ADVICE_CERTIFICATE_ENDS | TESS_ADVICE_NO_ARCHIVE);
  else if (is ("security-changed"))
    make_changed ();
  else
    fake_engine_set_connection (fake_engine_get (), TESS_CONNECTION_OFFLINE, -1, NULL);
  g_action_group_activate_action (G_ACTION_GROUP (window), "security", NULL);
  spin (300);
  if (is ("security"))
    {
      GtkWidget *row = find_widget (GTK_WIDGET (top_window ()), "AdwExpanderRow");
      adw_expander_row_set_expanded (ADW_EXPANDER_ROW (row), TRUE);
      spin (300);
      gtk_widget_child_focus (row, GTK_DIR_TAB_FORWARD);
    }
}

static void
play_trouble (GtkWindow *window)
{
  if (is ("trouble-weakened") || is ("weakened"))
    make_weakened ();
  else if (is ("trouble-unproven"))
    fake_engine_set_connection (fake_engine_get (), TESS_CONNECTION_OFFLINE, TESS_ENGINE_ERROR_SERVER_UNPROVEN,
                                "The server example.org did not prove that it knows the password. Tessera does not sign in.");
  else if (is ("refused") || is ("trouble-refused"))
    fake_engine_set_connection (fake_engine_get (), TESS_CONNECTION_OFFLINE, TESS_ENGINE_ERROR_BAD_CERTIFICATE,
                                "The certificate of example.org was not issued by an authority that this computer trusts.");
  else
    make_changed ();
  if (g_str_has_prefix (scene, "trouble"))
    tess_trouble_show (window, the_client, the_account ());
}

/* What is below the first screenful of a dialog. */
static void
scroll_down (void)
{
  GtkWidget *scrolled = find_widget (GTK_WIDGET (top_window ()), "GtkScrolledWindow");
  GtkAdjustment *adjustment = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (scrolled));

  gtk_adjustment_set_value (adjustment, gtk_adjustment_get_upper (adjustment));
  spin (200);
}

static void
play_scan (GtkWindow *window)
{
  g_autoptr (TessConversation) conversation = NULL;
  g_autoptr (TessDeviceList) devices = NULL;
  g_autoptr (TessDevice) device = NULL;
  g_autofree char *code = NULL;
  TessScanner *scanner;
  GtkWidget *dialog;

  g_setenv ("TESSERA_CAMERA", is ("scan-no-camera") ? "v4l2src device=/dev/none" : "videotestsrc is-live=true ! video/x-raw,width=640,height=480", TRUE);
  conversation = g_list_model_get_item (G_LIST_MODEL (tess_client_get_conversations (the_client)), 0);
  devices = tess_conversation_get_devices (conversation);
  dialog = tess_verification_dialog_new (window, conversation);
  gtk_window_present (GTK_WINDOW (dialog));
  spin (300);
  device = g_list_model_get_item (G_LIST_MODEL (devices), g_list_model_get_n_items (G_LIST_MODEL (devices)) - 1);
  scanner = TESS_SCANNER (find_widget (dialog, "TessScanner"));
  if (is ("scan-foreign"))
    code = g_strdup ("carol@example.org 1=00");
  else if (is ("scan-unknown"))
    code = g_strdup_printf ("%s 4711=" FAKE_FINGERPRINT, tess_conversation_get_address (conversation));
  else
    code = g_strdup_printf ("%s %u=%s", tess_conversation_get_address (conversation), tess_device_get_id (device),
                            is ("scan-mismatch") ? FAKE_FINGERPRINT : tess_device_get_fingerprint (device));
  if (is ("scan-link"))
    tess_verification_dialog_ask (TESS_VERIFICATION_DIALOG (dialog), code);
  else if (is ("scan") || is ("scan-end") || is ("scan-no-camera") || is ("scan-problem"))
    {
      gtk_stack_set_visible_child_name (GTK_STACK (gtk_widget_get_ancestor (GTK_WIDGET (scanner), GTK_TYPE_STACK)), "scan");
      spin (1500);
      if (is ("scan-problem"))
        tess_scanner_set_problem (scanner, "This is not the code of an XMPP address.");
    }
  else
    g_signal_emit_by_name (scanner, "scanned", code, TRUE);
}

static void
play_advanced (GtkWindow *window)
{
  TessAccountDialog *dialog = tess_window_add_account (TESS_WINDOW (window));
  g_autoptr (TessAccountRecord) record = tess_account_record_new ("alice@example.net");

  tess_account_dialog_fill (dialog, "alice@example.net", "secret", "xmpp.example.net", 5223, TESS_ACCOUNT_TLS_AUTOMATIC);
  record->proxy = TESS_ACCOUNT_PROXY_SOCKS5;
  record->proxy_host = g_strdup ("localhost");
  record->proxy_port = 9050;
  record->certificate = g_strdup ("Alice <Example>");
  tess_connection_form_fill (tess_account_dialog_get_form (dialog), record);
}

/* What the bar below the list says. */
static void
play_bar (void)
{
  TessEngine *engine = fake_engine_get ();

  if (is ("bar-offline"))
    fake_engine_set_connection (engine, TESS_CONNECTION_WAITING, TESS_ENGINE_ERROR_UNREACHABLE,
                                "example.org cannot be reached. Check the connection to the internet, or try again later.");
  else if (is ("bar-connecting"))
    fake_engine_set_connection (engine, TESS_CONNECTION_CONNECTING, -1, NULL);
  else if (is ("bar-no-network"))
    fake_engine_set_connection (engine, TESS_CONNECTION_WAITING, TESS_ENGINE_ERROR_NO_NETWORK,
                                "No network. Tessera signs in as soon as there is one.");
  else if (is ("bar-signed-out"))
    fake_engine_set_connection (engine, TESS_CONNECTION_OFFLINE, TESS_ENGINE_ERROR_NOT_AUTHORIZED,
                                "The address or the password is wrong.");
  else
    tess_account_set_enabled (the_account (), FALSE);
  /* What may pass by itself is not shown before. */
  spin (2200);
}

static void
play (GApplication *application)
{
  GtkWindow *window = GTK_WINDOW (gtk_application_get_windows (GTK_APPLICATION (application))->data);
  GActionGroup *app = G_ACTION_GROUP (application);
  gint64 chat = is ("undecided") || is ("devices-new") ? 2 : is ("plain") ? 3 : is ("alarm") || is ("alarm-devices") ? 4 : is ("arabic") ? 5 : is ("no-devices") ? 6 : 1;

  gtk_window_set_default_size (window, width, height);
  spin (300);
  the_client = tess_window_get_client (TESS_WINDOW (window));
  if (!is ("list") && !(g_str_has_prefix (scene, "bar-") && width < 500) && !is ("welcome") && !is ("broken") && !is ("empty"))
    {
      g_action_group_activate_action (app, "open-chat", g_variant_new_int64 (chat));
      spin (300);
    }
  if (is ("verify"))
    g_action_group_activate_action (G_ACTION_GROUP (window), "verify", NULL);
  else if (g_str_has_prefix (scene, "scan"))
    play_scan (window);
  else if (g_str_has_prefix (scene, "own-devices"))
    gtk_window_present (GTK_WINDOW (tess_devices_dialog_new (window, the_account ())));
  else if (is ("devices") || is ("alarm-devices"))
    gtk_widget_activate_action (find_widget (GTK_WIDGET (window), "TessComposer"), "chat.devices", NULL);
  else if (is ("contact"))
    g_action_group_activate_action (G_ACTION_GROUP (window), "details", NULL);
  else if (is ("new-chat"))
    g_action_group_activate_action (G_ACTION_GROUP (window), "new-chat", NULL);
  else if (is ("ask-chat"))
    g_action_group_activate_action (app, "open-address", g_variant_new_string ("new@example.org"));
  else if (is ("preferences"))
    g_action_group_activate_action (app, "preferences", NULL);
  else if (is ("accounts"))
    {
      g_action_group_activate_action (app, "accounts", NULL);
      spin (200);
      g_object_set (find_widget (GTK_WIDGET (top_window ()), "TessAccountRow"), "expanded", TRUE, NULL);
    }
  else if (is ("password"))
    g_action_group_activate_action (app, "ask-password", g_variant_new_string ("alice@example.org"));
  else if (is ("fetching") || is ("held"))
    {
      fake_engine_set_missing (fake_engine_get (), 1, 23456, 100000);
      if (is ("held"))
        tess_engine_hold_catch_up (fake_engine_get (), 1, TRUE);
      spin (1100);
    }
  else if (is ("date"))
    gtk_widget_activate_action (find_widget (GTK_WIDGET (window), "TessComposer"), "chat.go-to-date", NULL);
  else if (g_str_has_prefix (scene, "bar-"))
    play_bar ();
  else if (g_str_has_prefix (scene, "security"))
    play_security (window);
  else if (g_str_has_prefix (scene, "trouble") || is ("changed") || is ("weakened") || is ("refused"))
    play_trouble (window);
  else if (is ("accounts-alarm"))
    {
      make_changed ();
      g_action_group_activate_action (app, "accounts", NULL);
      spin (200);
      g_object_set (find_widget (GTK_WIDGET (top_window ()), "TessAccountRow"), "expanded", TRUE, NULL);
    }
  else if (g_str_has_prefix (scene, "delete-history"))
    gtk_widget_activate_action (find_widget (GTK_WIDGET (window), "TessComposer"), "chat.delete-history", NULL);
  else if (is ("keep-messages"))
    {
      g_action_group_activate_action (app, "preferences", NULL);
      spin (300);
      adw_combo_row_set_selected (ADW_COMBO_ROW (find_widget (GTK_WIDGET (top_window ()), "AdwComboRow")), 2);
    }
  else if (g_str_has_prefix (scene, "settings-messages") || g_str_has_prefix (scene, "settings-offline"))
    {
      if (g_str_has_prefix (scene, "settings-offline"))
        fake_engine_set_archiving (fake_engine_get (), 0, "This needs a connection. Try again when alice@example.org is online.");
      gtk_window_present (GTK_WINDOW (tess_account_settings_new (window, the_client, the_account ())));
    }
  else if (g_str_has_prefix (scene, "settings"))
    {
      make_changed ();
      gtk_window_present (GTK_WINDOW (tess_account_settings_new (window, the_client, the_account ())));
    }
  else if (g_str_has_prefix (scene, "account-advanced"))
    play_advanced (window);
  else if (is ("account-refused") || is ("certificate"))
    {
      TessAccountDialog *dialog = tess_window_add_account (TESS_WINDOW (window));
      tess_account_dialog_fill (dialog, "alice@self-signed.example", "secret", NULL, 0, TESS_ACCOUNT_TLS_AUTOMATIC);
      tess_account_dialog_sign_in (dialog);
      spin (300);
      if (is ("certificate"))
        g_signal_emit_by_name (gtk_window_get_focus (GTK_WINDOW (dialog)), "clicked");
    }
  else if (is ("shortcuts"))
    gtk_widget_activate_action (GTK_WIDGET (window), "win.show-help-overlay", NULL);
  else if (g_str_has_prefix (scene, "account"))
    {
      TessAccountDialog *dialog = tess_window_add_account (TESS_WINDOW (window));
      tess_account_dialog_fill (dialog, "alice@example.net", is ("account-busy") ? "wait" : is ("account-error") ? "wrong" : "", NULL,
                                is ("account") ? 0 : 5223, TESS_ACCOUNT_TLS_AUTOMATIC);
      tess_account_dialog_sign_in (dialog);
    }
  spin (900);
  if (g_str_has_suffix (scene, "-end"))
    scroll_down ();
  GtkWindow *top = top_window ();
  if (top != window)
    {
      int w, h;
      gtk_window_get_default_size (top, &w, &h);
      if (width < w)
        gtk_window_set_default_size (top, width, h);
    }
  spin (400);
  save (top);
}

static gboolean
play_cb (gpointer application)
{
  play (G_APPLICATION (application));
  g_action_group_activate_action (G_ACTION_GROUP (application), "quit", NULL);
  return G_SOURCE_REMOVE;
}

static void
activate_cb (GApplication *application)
{
  GtkSettings *settings = gtk_settings_get_default ();

  g_object_set (settings, "gtk-enable-animations", FALSE, NULL);
  if (text_scale != 1.0)
    {
      int dpi;
      g_object_get (settings, "gtk-xft-dpi", &dpi, NULL);
      g_object_set (settings, "gtk-xft-dpi", (int) ((dpi > 0 ? dpi : 96 * 1024) * text_scale), NULL);
    }
  adw_style_manager_set_color_scheme (adw_style_manager_get_default (), dark ? ADW_COLOR_SCHEME_FORCE_DARK : ADW_COLOR_SCHEME_FORCE_LIGHT);
  if (rtl)
    gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  g_idle_add (play_cb, application);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || scene == NULL || out == NULL)
    g_error ("--scene and --out are needed");
  tess_thread_set_role (TESS_THREAD_MAIN);
  fake_engine_set_world (is ("welcome") ? FAKE_WORLD_EMPTY : is ("broken") ? FAKE_WORLD_BROKEN : FAKE_WORLD_FULL);
  g_autoptr (TessApplication) application = tess_application_new ();
  g_application_set_flags (G_APPLICATION (application), G_APPLICATION_NON_UNIQUE);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), 1, argv);
}
