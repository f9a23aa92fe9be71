/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The widgets over the real model and a stand-in for the engine, on a display of their own. */
#define G_LOG_DOMAIN "test-widgets"

#include "config.h"

#include "fake-engine.h"
#include "world.h"

#include "views/tess-account-dialog.h"
#include "views/tess-chat-view.h"
#include "views/tess-composer.h"
#include "views/tess-contact-dialog.h"
#include "views/tess-message-list.h"
#include "views/tess-message-row.h"
#include "views/tess-new-chat-dialog.h"
#include "views/tess-password-dialog.h"
#include "views/tess-preferences.h"
#include "views/tess-qr-code.h"
#include "views/tess-scanner.h"
#include "views/tess-verification-dialog.h"
#include "views/tess-window.h"

#include <glib/gstdio.h>
#include <string.h>

static GtkAdjustment *
vertical (GtkWidget *list)
{
  return gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (list));
}

static guint
count_rows (GtkWidget *list)
{
  guint n = 0;
  for (GtkWidget *child = gtk_widget_get_first_child (list); child != NULL; child = gtk_widget_get_next_sibling (child))
    n++;
  return n;
}

static gboolean
has_rows (gpointer list)
{
  return count_rows (list) > 0 && gtk_adjustment_get_upper (vertical (list)) > gtk_adjustment_get_page_size (vertical (list));
}

static GtkWidget *
open_chat (World *world, gint64 id)
{
  tess_window_open_conversation (world->window, tess_client_find_conversation (world->client, id));
  GtkWidget *list = find (GTK_WIDGET (world->window), "TessMessageList");
  g_assert_nonnull (list);
  settle (GTK_WIDGET (world->window));
  return list;
}

/* The first row that begins in sight, and where. */
static GtkWidget *
row_in_sight (GtkWidget *list, double *y)
{
  for (GtkWidget *row = gtk_widget_get_first_child (list); row != NULL; row = gtk_widget_get_next_sibling (row))
    {
      graphene_rect_t bounds;
      if (gtk_widget_compute_bounds (row, list, &bounds) && bounds.origin.y >= 0)
        {
          *y = bounds.origin.y;
          return row;
        }
    }
  return NULL;
}

static double
place_of (GtkWidget *row, GtkWidget *list)
{
  graphene_rect_t bounds;
  g_assert_true (gtk_widget_compute_bounds (row, list, &bounds));
  return bounds.origin.y;
}

static gboolean
at_bottom (GtkWidget *list)
{
  GtkAdjustment *adjustment = vertical (list);
  return gtk_adjustment_get_value (adjustment) >=
         gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment) - 1;
}

/* --- the list of messages --------------------------------------------------------------------------------------------------- */

static void
test_anchor (void)
{
  World world = open_world (FAKE_WORLD_LONG);
  GtkWidget *list = open_chat (&world, 1);
  guint before;
  double y;

  wait_for (has_rows, list);
  settle (list);
  g_assert_true (at_bottom (list));

  /* Pages come in above, again and again, and go below: what is in sight stays to the pixel. */
  for (int i = 0; i < 12; i++)
    {
      before = count_rows (list);
      gtk_adjustment_set_value (vertical (list), 40);
      GtkWidget *row = NULL;
      settle (list);
      row = row_in_sight (list, &y);
      g_assert_nonnull (row);
      /* The pages that this scrolling asked for are there by now. */
      settle (list);
      g_assert_cmpfloat_with_epsilon (place_of (row, list), y, 1.0);
      g_assert_cmpuint (count_rows (list), <=, TESS_TIMELINE_MAX);
      g_assert_cmpuint (count_rows (list), >=, MIN (before, TESS_TIMELINE_MAX));
    }
  g_assert_false (tess_message_list_get_at_end (TESS_MESSAGE_LIST (list)));

  /* Another width gives other heights. */
  GtkWidget *row = row_in_sight (list, &y);
  /* A row that begins above the window would grow or shrink by as many lines as it has. */
  gtk_adjustment_set_value (vertical (list), gtk_adjustment_get_value (vertical (list)) + y);
  settle (list);
  row = row_in_sight (list, &y);
  gtk_window_set_default_size (GTK_WINDOW (world.window), 660, 600);
  settle (list);
  g_assert_cmpfloat_with_epsilon (place_of (row, list), y, 1.0);

  tess_message_list_jump_to_end (TESS_MESSAGE_LIST (list));
  settle (list);
  settle (list);
  g_assert_true (tess_message_list_get_at_end (TESS_MESSAGE_LIST (list)));
  g_assert_true (at_bottom (list));
  close_world (&world);
}

static void
test_end (void)
{
  World world = open_world (FAKE_WORLD_LONG);
  GtkWidget *list = open_chat (&world, 1);
  GtkAdjustment *adjustment = vertical (list);
  double y;

  wait_for (has_rows, list);
  settle (list);
  fake_engine_receive (fake_engine_get (), 1, "a new one\nof two lines");
  settle (list);
  g_assert_true (at_bottom (list));

  /* Somebody who reads above is left alone. */
  gtk_adjustment_set_value (adjustment, gtk_adjustment_get_value (adjustment) - 300);
  settle (list);
  GtkWidget *row = row_in_sight (list, &y);
  fake_engine_receive (fake_engine_get (), 1, "another one");
  settle (list);
  g_assert_false (at_bottom (list));
  g_assert_cmpfloat_with_epsilon (place_of (row, list), y, 1.0);

  /* One's own message brings one back. */
  TessComposer *composer = TESS_COMPOSER (find (GTK_WIDGET (world.window), "TessComposer"));
  tess_composer_set_text (composer, "mine");
  tess_composer_send (composer);
  settle (list);
  settle (list);
  g_assert_true (at_bottom (list));
  GtkWidget *last = gtk_widget_get_last_child (list);
  g_assert_cmpstr (tess_message_get_text (tess_message_row_get_message (TESS_MESSAGE_ROW (last))), ==, "mine");
  close_world (&world);
}

/* What shows exactly @text, and is shown. */
static GtkWidget *
find_label (GtkWidget *widget, const char *text)
{
  if (!gtk_widget_get_mapped (widget))
    return NULL;
  if (GTK_IS_LABEL (widget) && strstr (gtk_label_get_text (GTK_LABEL (widget)), text) != NULL)
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_label (child, text);
      if (found != NULL)
        return found;
    }
  return NULL;
}

static GtkWidget *
find_button (GtkWidget *widget, const char *text)
{
  GtkWidget *label = find_label (widget, text);
  return label != NULL ? gtk_widget_get_ancestor (label, GTK_TYPE_BUTTON) : NULL;
}

static void
press (GtkWidget *button)
{
  g_assert_nonnull (button);
  g_signal_emit_by_name (button, "clicked");
}

/* What comes in while nobody looks stands below the line; what comes in before somebody's eyes does not. */
static void
test_unwatched (void)
{
  World world = open_world (FAKE_WORLD_LONG);
  GtkWidget *list = open_chat (&world, 1);

  wait_for (has_rows, list);
  settle (list);
  tess_message_list_set_watched (TESS_MESSAGE_LIST (list), TRUE);
  fake_engine_receive (fake_engine_get (), 1, "before somebody's eyes");
  settle (list);
  g_assert_null (find_label (list, "New messages"));
  tess_message_list_set_watched (TESS_MESSAGE_LIST (list), FALSE);
  fake_engine_receive (fake_engine_get (), 1, "the first of two");
  fake_engine_receive (fake_engine_get (), 1, "the second of two");
  settle (list);
  GtkWidget *line = find_label (list, "New messages");
  g_assert_nonnull (line);
  GtkWidget *row = gtk_widget_get_ancestor (line, TESS_TYPE_MESSAGE_ROW);
  g_assert_cmpstr (tess_message_get_text (tess_message_row_get_message (TESS_MESSAGE_ROW (row))), ==, "the first of two");
  tess_message_list_set_watched (TESS_MESSAGE_LIST (list), TRUE);
  settle (list);
  g_assert_nonnull (find_label (list, "New messages"));
  tess_message_list_set_watched (TESS_MESSAGE_LIST (list), FALSE);
  settle (list);
  g_assert_null (find_label (list, "New messages"));
  g_assert_true (at_bottom (list));
  close_world (&world);
}

/* 64 KiB in one line unfold and fold; folded again, its beginning is in sight. The test's time limit is there for what once took minutes. */
static void
test_unfold (void)
{
  World world = open_world (FAKE_WORLD_LONG);
  GtkWidget *list = open_chat (&world, 1);
  g_autofree char *unbroken = g_strnfill (65000, 'x');
  GString *words = g_string_new (NULL);

  wait_for (has_rows, list);
  while (words->len < 65000)
    g_string_append (words, "All work and no play. ");
  const char *texts[] = { words->str, unbroken };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      fake_engine_receive (fake_engine_get (), 1, texts[i]);
      settle (list);
      GtkWidget *row = gtk_widget_get_last_child (list);
      int folded = gtk_widget_get_height (row);
      press (find_button (row, "Show All"));
      settle (list);
      g_assert_cmpint (gtk_widget_get_height (row), >, 10 * folded);
      gtk_adjustment_set_value (vertical (list), gtk_adjustment_get_value (vertical (list)) - 5.0 * folded);
      settle (list);
      press (find_button (row, "Show Less"));
      settle (list);
      g_assert_cmpint (gtk_widget_get_height (row), ==, folded);
      g_assert_cmpfloat (place_of (row, list), <, gtk_widget_get_height (list));
      g_assert_cmpfloat (place_of (row, list) + folded, >, 0);
      tess_message_list_jump_to_end (TESS_MESSAGE_LIST (list));
      settle (list);
    }
  g_string_free (words, TRUE);
  close_world (&world);
}

/* --- trust and contacts ----------------------------------------------------------------------------------------------------- */

static TessTrust
trust_in (TessDeviceList *devices, guint32 id)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (devices)); i++)
    {
      g_autoptr (TessDevice) device = g_list_model_get_item (G_LIST_MODEL (devices), i);
      if (tess_device_get_id (device) == id)
        return tess_device_get_trust (device);
    }
  g_assert_not_reached ();
}

static void
test_banner (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  open_chat (&world, 2);
  GtkWidget *window = GTK_WIDGET (world.window);
  GtkWidget *banner = find (window, "TessTrustBanner");
  TessDeviceList *devices = tess_conversation_get_devices (tess_client_find_conversation (world.client, 2));

  settle (window);
  g_assert_nonnull (find_label (banner, "has a new device"));
  g_assert_nonnull (find_button (banner, "Verify"));
  press (find_button (banner, "Don’t Trust"));
  settle (window);
  g_assert_cmpint (trust_in (devices, 56), ==, TESS_TRUST_DISTRUSTED);
  g_assert_cmpint (trust_in (devices, 55), ==, TESS_TRUST_VERIFIED); /* nobody spoke of it */
  g_object_unref (devices);

  open_chat (&world, 6);
  banner = find (window, "TessTrustBanner");
  GtkWidget *plain = find_button (banner, "Write Unencrypted");
  g_assert_nonnull (plain);
  g_assert_null (find_button (banner, "Don’t Trust"));
  /* The keyboard does not stay where nothing is. */
  gtk_widget_grab_focus (plain);
  fake_engine_set_security (fake_engine_get (), 6, TESS_SECURITY_ENCRYPTED);
  settle (window);
  GtkWidget *focus = gtk_root_get_focus (GTK_ROOT (window));
  g_assert_true (focus != NULL && gtk_widget_is_ancestor (focus, find (window, "TessComposer")));
  close_world (&world);
}

static GtkWidget *
find_toplevel (GType type)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);
      if (G_TYPE_CHECK_INSTANCE_TYPE (window, type))
        return window; /* GTK keeps it */
    }
  return NULL;
}

static void
renamed_cb (GObject *source, GAsyncResult *result, gpointer done)
{
  *(gboolean *) done = tess_engine_change_contact_finish (TESS_ENGINE (source), result, NULL);
}

static void
test_contacts (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  TessAccount *account = tess_client_find_account (world.client, "alice@example.org");
  gboolean done = FALSE;

  gtk_widget_activate_action (GTK_WIDGET (world.window), "win.new-chat", NULL);
  GtkWidget *dialog = find_toplevel (TESS_TYPE_NEW_CHAT_DIALOG);
  wait_for (is_mapped, dialog);
  settle (dialog);
  g_assert_nonnull (find_label (dialog, "Bob Example"));
  tess_engine_change_contact_async (fake_engine_get (), 1, "bob@example.org", TESS_CONTACT_RENAME, "Robert <b>", NULL, renamed_cb, &done);
  wait_for (is_set, &done);
  settle (dialog);
  g_assert_null (find_label (dialog, "Bob Example"));
  g_assert_nonnull (find_label (dialog, "Robert <b>"));

  g_signal_emit_by_name (dialog, "chosen", account, "fail@example.org", TRUE);
  gtk_window_close (GTK_WINDOW (dialog));
  settle (GTK_WIDGET (world.window));
  g_assert_nonnull (find_label (GTK_WIDGET (world.window), "The contact was not added. The server does not answer."));
  close_world (&world);
}

/* --- the composer ----------------------------------------------------------------------------------------------------------- */

static void
test_composer (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  open_chat (&world, 1);
  TessComposer *composer = TESS_COMPOSER (find (GTK_WIDGET (world.window), "TessComposer"));
  GtkTextView *view = GTK_TEXT_VIEW (find (GTK_WIDGET (composer), "GtkTextView"));
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (view);
  TessConversation *chat = tess_client_find_conversation (world.client, 1);
  GtkTextIter start, end;

  /* Nothing to send yet. */
  GtkWidget *send = gtk_widget_get_last_child (gtk_widget_get_last_child (GTK_WIDGET (composer)));
  g_assert_true (GTK_IS_BUTTON (send));
  g_assert_false (gtk_widget_is_sensitive (send));

  /* The draft outlives the view. */
  tess_composer_set_text (composer, "half a sent");
  open_chat (&world, 2);
  g_assert_cmpstr (tess_conversation_get_draft (chat), ==, "half a sent");
  open_chat (&world, 1);
  composer = TESS_COMPOSER (find (GTK_WIDGET (world.window), "TessComposer"));
  view = GTK_TEXT_VIEW (find (GTK_WIDGET (composer), "GtkTextView"));
  buffer = gtk_text_view_get_buffer (view);
  gtk_text_buffer_get_bounds (buffer, &start, &end);
  g_autofree char *draft = gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
  g_assert_cmpstr (draft, ==, "half a sent");

  /* What could not be sent comes back. */
  tess_composer_set_text (composer, "fail please");
  tess_composer_send (composer);
  settle (GTK_WIDGET (world.window));
  gtk_text_buffer_get_bounds (buffer, &start, &end);
  g_autofree char *back = gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
  g_assert_cmpstr (back, ==, "fail please");

  /* Too long is refused, and stays. */
  g_autofree char *long_text = g_strnfill (TESS_COMPOSER_MAX_BYTES + 1, 'x');
  tess_composer_set_text (composer, long_text);
  tess_composer_send (composer);
  gtk_text_buffer_get_bounds (buffer, &start, &end);
  g_assert_cmpint (gtk_text_iter_get_offset (&end), ==, TESS_COMPOSER_MAX_BYTES + 1);

  /* It grows, but not for ever. */
  tess_composer_set_text (composer, "1");
  settle (GTK_WIDGET (world.window));
  int one = gtk_widget_get_height (GTK_WIDGET (composer));
  tess_composer_set_text (composer, "1\n2\n3");
  settle (GTK_WIDGET (world.window));
  int three = gtk_widget_get_height (GTK_WIDGET (composer));
  tess_composer_set_text (composer, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14");
  settle (GTK_WIDGET (world.window));
  int many = gtk_widget_get_height (GTK_WIDGET (composer));
  g_assert_cmpint (three, >, one + 10);
  g_assert_cmpint (many, >, three);
  g_assert_cmpint (many, <, one * 6);
  tess_composer_set_text (composer, "");
  close_world (&world);
}

/* --- the code --------------------------------------------------------------------------------------------------------------- */

static void
save_widget (GtkWidget *widget, const char *path)
{
  float w = (float) gtk_widget_get_width (widget);
  float h = (float) gtk_widget_get_height (widget);
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (widget);
  GtkSnapshot *snapshot = gtk_snapshot_new ();

  gdk_paintable_snapshot (paintable, GDK_SNAPSHOT (snapshot), w, h);
  g_autoptr (GskRenderNode) node = gtk_snapshot_free_to_node (snapshot);
  g_autoptr (GdkTexture) texture =
    gsk_renderer_render_texture (gtk_native_get_renderer (gtk_widget_get_native (widget)), node, &GRAPHENE_RECT_INIT (0, 0, w, h));
  g_assert_true (gdk_texture_save_to_png (texture, path));
}

static char *
read_code (const char *path)
{
  const char *argv[] = { "zbarimg", "--quiet", "--raw", path, NULL };
  g_autofree char *out = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL,
                               &status, &error));
  g_assert_no_error (error);
  return g_strchomp (g_steal_pointer (&out));
}

static void
check_code (const char *text, int size, gboolean dark)
{
  GtkWidget *window = gtk_window_new ();
  GtkWidget *code = g_object_new (TESS_TYPE_QR_CODE, "halign", GTK_ALIGN_CENTER, "valign", GTK_ALIGN_CENTER, NULL);
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "tess-test-code.png", NULL);

  adw_style_manager_set_color_scheme (adw_style_manager_get_default (), dark ? ADW_COLOR_SCHEME_FORCE_DARK : ADW_COLOR_SCHEME_FORCE_LIGHT);
  gtk_widget_set_size_request (code, size, size);
  g_assert_true (tess_qr_code_set_text (TESS_QR_CODE (code), text));
  gtk_window_set_child (GTK_WINDOW (window), code);
  gtk_window_present (GTK_WINDOW (window));
  wait_for (is_mapped, code);
  g_assert_cmpint (gtk_widget_get_width (code), >=, 240);
  save_widget (code, path);
  g_autofree char *read = read_code (path);
  g_assert_cmpstr (read, ==, text);
  g_assert_cmpint (g_remove (path), ==, 0);
  gtk_window_destroy (GTK_WINDOW (window));
  adw_style_manager_set_color_scheme (adw_style_manager_get_default (), ADW_COLOR_SCHEME_DEFAULT);
}

static void
test_code (void)
{
  g_autofree char *many = g_strnfill (900, 'a');
  g_autofree char *too_many = g_strnfill (4000, 'a');
  TessQrCode *code = g_object_ref_sink (g_object_new (TESS_TYPE_QR_CODE, NULL));

  check_code ("xmpp:a@b.test", -1, FALSE);
  check_code (FAKE_URI, -1, FALSE);
  check_code (FAKE_URI, 333, FALSE);
  check_code (FAKE_URI, -1, TRUE);
  check_code (many, -1, FALSE);
  g_assert_false (tess_qr_code_set_text (code, too_many));
  g_assert_false (tess_qr_code_set_text (code, NULL));
  g_object_unref (code);
}

/* --- what is deleted -------------------------------------------------------------------------------------------------------- */

static GtkWindow *
await_question (void)
{
  while (world_window ("AdwMessageDialog") == NULL)
    g_main_context_iteration (NULL, TRUE);
  return world_window ("AdwMessageDialog");
}

static void
answer (const char *response)
{
  GtkWindow *question = await_question ();

  g_object_ref (question);
  adw_message_dialog_response (ADW_MESSAGE_DIALOG (question), response);
  gtk_window_destroy (question);
  g_object_unref (question);
}

static void
test_delete_history (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  GtkWidget *list = open_chat (&world, 1);
  GtkWidget *composer = find (GTK_WIDGET (world.window), "TessComposer");

  wait_for (has_rows, list);
  tess_composer_set_text (TESS_COMPOSER (composer), "half a sen");
  gtk_widget_activate_action (composer, "chat.delete-history", NULL);
  g_assert_true (world_shows (await_question (), "not fetched from the server again"));
  answer ("cancel");
  settle (list);
  g_assert_cmpuint (count_rows (list), >, 0);
  gtk_widget_activate_action (composer, "chat.delete-history", NULL);
  answer ("delete");
  settle (list);
  g_assert_cmpuint (count_rows (list), ==, 1); /* it waits to be sent */
  g_assert_nonnull (tess_client_find_conversation (world.client, 1));
  composer = find (GTK_WIDGET (world.window), "TessComposer");
  g_assert_nonnull (composer);
  tess_composer_send (TESS_COMPOSER (composer));
  settle (list);
  g_assert_cmpuint (count_rows (list), ==, 2);
  close_world (&world);
}

static void
test_keep_messages (void)
{
  World world = open_world (FAKE_WORLD_FULL);
  GtkWidget *window = tess_preferences_new (GTK_WINDOW (world.window), world.client);
  AdwComboRow *history = ADW_COMBO_ROW (gtk_widget_get_template_child (window, TESS_TYPE_PREFERENCES, "history"));

  gtk_window_present (GTK_WINDOW (window));
  wait_for (is_mapped, window);
  g_assert_cmpuint (adw_combo_row_get_selected (history), ==, 0);
  adw_combo_row_set_selected (history, 2);
  g_assert_true (world_shows (await_question (), "older than 90 days"));
  answer ("cancel");
  g_assert_cmpuint (adw_combo_row_get_selected (history), ==, 0);
  g_assert_cmpuint (fake_engine_get_history_days (fake_engine_get ()), ==, 0);
  adw_combo_row_set_selected (history, 2);
  answer ("delete");
  g_assert_cmpuint (adw_combo_row_get_selected (history), ==, 2);
  g_assert_cmpuint (fake_engine_get_history_days (fake_engine_get ()), ==, 90);
  /* Who keeps more is not asked. */
  adw_combo_row_set_selected (history, 1);
  g_assert_null (world_window ("AdwMessageDialog"));
  g_assert_cmpuint (fake_engine_get_history_days (fake_engine_get ()), ==, 365);
  adw_combo_row_set_selected (history, 3);
  answer ("delete");
  adw_combo_row_set_selected (history, 0);
  g_assert_null (world_window ("AdwMessageDialog"));
  g_assert_cmpuint (fake_engine_get_history_days (fake_engine_get ()), ==, 0);
  show_once (window);
  close_world (&world);
}

/* --- everything once -------------------------------------------------------------------------------------------------------- */

/* With G_DEBUG=fatal-warnings: a template that does not fit its widget, or a widget that leaves children behind, ends the test. */
static void
test_everything (void)
{
  static const FakeWorld kinds[] = { FAKE_WORLD_EMPTY, FAKE_WORLD_BROKEN, FAKE_WORLD_FULL };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      World world = open_world (kinds[i]);
      GtkWindow *parent = GTK_WINDOW (world.window);

      show_once (tess_account_dialog_new (parent, world.client));
      show_once (tess_preferences_new (parent, world.client));
      if (kinds[i] == FAKE_WORLD_FULL)
        {
          TessAccount *account = tess_client_find_account (world.client, "alice@example.org");

          show_once (tess_new_chat_dialog_new (parent, world.client, NULL));
          show_once (tess_password_dialog_new (parent, world.client, account));
          for (gint64 id = 1; id <= 6; id++)
            {
              TessConversation *chat = tess_client_find_conversation (world.client, id);
              GtkWidget *verify = tess_verification_dialog_new (parent, chat);

              open_chat (&world, id);
              tess_verification_dialog_show_devices (TESS_VERIFICATION_DIALOG (verify));
              show_once (verify);
              show_once (tess_contact_dialog_new (parent, chat));
            }
          /* 360 px: everything fits, and there is a way back. */
          gtk_window_set_default_size (parent, 480, 600); /* words go first, as under a person's pointer */
          settle (GTK_WIDGET (parent));
          gtk_window_set_default_size (parent, 360, 600);
          settle (GTK_WIDGET (parent));
          assert_fits (GTK_WIDGET (parent), 360);
          for (int security = TESS_SECURITY_PLAIN; security <= TESS_SECURITY_VERIFIED; security++)
            {
              fake_engine_set_security (fake_engine_get (), 6, (TessSecurity) security);
              settle (GTK_WIDGET (parent));
              assert_fits (GTK_WIDGET (parent), 360);
            }
          gtk_widget_activate_action (GTK_WIDGET (parent), "win.back", NULL);
        }
      close_world (&world);
    }

  g_autoptr (GtkBuilder) builder = gtk_builder_new_from_resource ("/im/tessera/Tessera/ui/help-overlay.ui");
  GtkWidget *overlay = GTK_WIDGET (gtk_builder_get_object (builder, "help_overlay"));
  g_assert_true (GTK_IS_SHORTCUTS_WINDOW (overlay));
  gtk_window_destroy (GTK_WINDOW (overlay));
}

static gboolean
no_account_dialog (gpointer unused)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWindow) window = g_list_model_get_item (windows, i);
      if (TESS_IS_ACCOUNT_DIALOG (window))
        return FALSE;
    }
  return TRUE;
}

static gboolean
error_is_shown (gpointer dialog)
{
  GtkWidget *stack = find (dialog, "GtkStack");
  return g_strcmp0 (gtk_stack_get_visible_child_name (GTK_STACK (stack)), "ready") == 0;
}

static void
test_account (void)
{
  World world = open_world (FAKE_WORLD_EMPTY);
  TessAccountDialog *dialog = tess_window_add_account (world.window);

  wait_for (is_mapped, dialog);
  tess_account_dialog_fill (dialog, "alice", "secret", NULL, 0, TESS_ACCOUNT_TLS_AUTOMATIC);
  tess_account_dialog_sign_in (dialog); /* no address: nothing happens */
  settle (GTK_WIDGET (dialog));
  g_assert_cmpuint (g_list_model_get_n_items (tess_client_get_accounts (world.client)), ==, 0);

  tess_account_dialog_fill (dialog, "alice@example.org", "wrong", "host", 70000 % 65536, TESS_ACCOUNT_TLS_DIRECT);
  tess_account_dialog_sign_in (dialog);
  wait_for (error_is_shown, dialog);
  g_assert_false (no_account_dialog (NULL));

  tess_account_dialog_fill (dialog, "alice@example.org", "right", NULL, 0, TESS_ACCOUNT_TLS_AUTOMATIC);
  tess_account_dialog_sign_in (dialog);
  wait_for (no_account_dialog, NULL);
  g_assert_cmpuint (g_list_model_get_n_items (tess_client_get_accounts (world.client)), ==, 1);
  settle (GTK_WIDGET (world.window));
  close_world (&world);
}

/* ---- What is dropped on the scanner ---- */

static void
drop_on (GtkWidget *widget, const GValue *value)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);
      gboolean taken = FALSE;

      if (!GTK_IS_DROP_TARGET (controller))
        continue;
      g_signal_emit_by_name (controller, "drop", value, 1.0, 1.0, &taken);
      g_assert_true (taken);
      return;
    }
  g_assert_not_reached ();
}

static void
drop_file (GtkWidget *scanner, const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  GSList files = { .data = file };
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, GDK_TYPE_FILE_LIST);
  g_value_take_boxed (&value, gdk_file_list_new_from_list (&files));
  drop_on (scanner, &value);
}

static void
drop_picture (GtkWidget *scanner, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture = gdk_texture_new_from_filename (path, &error);
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_no_error (error);
  g_value_init (&value, GDK_TYPE_TEXTURE);
  g_value_set_object (&value, texture);
  drop_on (scanner, &value);
}

static void
drop_text (GtkWidget *scanner, const char *text)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_STRING);
  g_value_set_string (&value, text);
  drop_on (scanner, &value);
}

static void
scanned_cb (TessScanner *scanner, const char *text, gboolean seen, char **last)
{
  g_free (*last);
  *last = g_strdup_printf ("%s: %s", seen ? "seen" : "read", text);
}

static gboolean
has_text (gpointer text)
{
  return *(char **) text != NULL;
}

static gboolean
says_no_picture (gpointer scanner)
{
  return world_shows (scanner, "This is not a picture");
}

static void
test_drop (void)
{
  g_autofree char *folder = g_dir_make_tmp ("tessera-drop-XXXXXX", NULL);
  g_autofree char *picture = g_build_filename (folder, "code.png", NULL);
  g_autofree char *other = g_build_filename (folder, "other.png", NULL);
  const char *command[] = { "qrencode", "-o", picture, "-s", "6", "xmpp:a@b.test", NULL };
  GtkWidget *window = gtk_window_new (), *scanner = g_object_new (TESS_TYPE_SCANNER, NULL);
  g_autofree char *last = NULL;
  g_autoptr (GError) error = NULL;
  int status = -1;

  g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
  g_assert_true (g_file_set_contents (other, "no picture", -1, NULL));
  gtk_window_set_child (GTK_WINDOW (window), scanner);
  gtk_window_present (GTK_WINDOW (window));
  g_signal_connect (scanner, "scanned", G_CALLBACK (scanned_cb), &last);

  drop_file (scanner, picture);
  wait_for (has_text, &last);
  g_assert_cmpstr (last, ==, "seen: xmpp:a@b.test");
  g_clear_pointer (&last, g_free);
  drop_picture (scanner, picture);
  wait_for (has_text, &last);
  g_assert_cmpstr (last, ==, "seen: xmpp:a@b.test");
  /* A text was not seen by anybody: it is only asked about. */
  drop_text (scanner, "  xmpp:c@d.test\n");
  g_assert_cmpstr (last, ==, "read: xmpp:c@d.test");
  g_clear_pointer (&last, g_free);
  drop_file (scanner, other);
  wait_for (says_no_picture, scanner);
  g_assert_null (last);

  gtk_window_destroy (GTK_WINDOW (window));
  g_remove (picture);
  g_remove (other);
  g_rmdir (folder);
}

static void
add_tests (void)
{
  g_test_add_func ("/views/code", test_code);
  g_test_add_func ("/views/messages/anchor", test_anchor);
  g_test_add_func ("/views/messages/end", test_end);
  g_test_add_func ("/views/messages/unwatched", test_unwatched);
  g_test_add_func ("/views/messages/unfold", test_unfold);
  g_test_add_func ("/views/banner", test_banner);
  g_test_add_func ("/views/contacts", test_contacts);
  g_test_add_func ("/views/composer", test_composer);
  g_test_add_func ("/views/account", test_account);
  g_test_add_func ("/views/drop", test_drop);
  g_test_add_func ("/views/delete-history", test_delete_history);
  g_test_add_func ("/views/keep-messages", test_keep_messages);
  g_test_add_func ("/views/everything", test_everything);
}

int
main (int argc, char *argv[])
{
  return world_main (argc, argv, add_tests);
}
