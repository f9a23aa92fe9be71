/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-composer.h"
#include "views/tess-views.h"

#include <glib/gi18n.h>
#include <string.h>

#define DRAFT_DELAY_MS 1000
/* As in the template. */
#define VIEW_MARGIN 8
#define TYPING_PAUSE_MS 5000

struct _TessComposer
{
  GtkWidget parent_instance;

  GtkTextView       *view;
  GtkScrolledWindow *scroller;
  GtkLabel          *placeholder;
  GtkLabel          *problem;
  GtkWidget         *send;
  GtkMenuButton     *emoji;

  TessConversation *conversation;
  guint             draft_id;
  guint             typing_id;
  gboolean          loading;
};

G_DEFINE_FINAL_TYPE (TessComposer, tess_composer, GTK_TYPE_WIDGET)

enum
{
  SENT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static char *
get_text (TessComposer *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->view);
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  return gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
}

static gboolean
is_blank (const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (!g_unichar_isspace (g_utf8_get_char (p)))
      return FALSE;
  return TRUE;
}

void
tess_composer_save (TessComposer *self)
{
  g_return_if_fail (TESS_IS_COMPOSER (self));

  g_clear_handle_id (&self->draft_id, g_source_remove);
  if (self->conversation == NULL)
    return;
  g_autofree char *text = get_text (self);
  const char *draft = is_blank (text) ? NULL : text;
  if (g_strcmp0 (draft, tess_conversation_get_draft (self->conversation)) != 0 &&
      strlen (text) <= TESS_COMPOSER_MAX_BYTES)
    tess_conversation_set_draft (self->conversation, draft);
}

static void
draft_cb (gpointer user_data)
{
  TessComposer *self = TESS_COMPOSER (user_data);

  self->draft_id = 0;
  tess_composer_save (self);
}

static void
typing_ended_cb (gpointer user_data)
{
  TessComposer *self = TESS_COMPOSER (user_data);

  self->typing_id = 0;
  if (self->conversation != NULL)
    tess_conversation_set_typing (self->conversation, FALSE);
}

static void
set_typing (TessComposer *self, gboolean typing)
{
  if (self->conversation == NULL)
    return;
  if (typing)
    {
      if (self->typing_id == 0)
        tess_conversation_set_typing (self->conversation, TRUE);
      g_clear_handle_id (&self->typing_id, g_source_remove);
      self->typing_id = g_timeout_add_once (TYPING_PAUSE_MS, typing_ended_cb, self);
    }
  else if (self->typing_id != 0)
    {
      g_clear_handle_id (&self->typing_id, g_source_remove);
      tess_conversation_set_typing (self->conversation, FALSE);
    }
}

static void
show_problem (TessComposer *self, const char *sentence)
{
  gtk_label_set_text (self->problem, sentence != NULL ? sentence : "");
  gtk_widget_set_visible (GTK_WIDGET (self->problem), sentence != NULL);
}

static void
update_send (TessComposer *self)
{
  g_autofree char *text = get_text (self);
  gboolean blank = is_blank (text);
  gboolean too_long = strlen (text) > TESS_COMPOSER_MAX_BYTES;

  gtk_widget_set_visible (GTK_WIDGET (self->placeholder), *text == '\0');
  /* By the action: it decides about the button, and once more whenever the button comes into a window. */
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "composer.send", !blank && !too_long);
  show_problem (self, too_long ? _("This message is too long to be sent. Shorten it, or send it in parts.") : NULL);
}

static void
buffer_changed_cb (TessComposer *self)
{
  g_autofree char *text = get_text (self);

  update_send (self);
  if (self->loading)
    return;
  set_typing (self, !is_blank (text));
  if (self->draft_id == 0)
    self->draft_id = g_timeout_add_once (DRAFT_DELAY_MS, draft_cb, self);
}

static void
show_encryption (TessComposer *self)
{
  gboolean plain = tess_conversation_get_security (self->conversation) == TESS_SECURITY_PLAIN;
  const char *words = plain ? _("Write a message (not encrypted)") : _("Write an encrypted message");

  gtk_label_set_text (self->placeholder, words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL, words,
                                  GTK_ACCESSIBLE_PROPERTY_MULTI_LINE, TRUE, -1);
  gtk_widget_set_tooltip_text (self->send, plain ? _("Send Without Encryption") : _("Send Encrypted"));
}

typedef struct
{
  TessComposer *composer;
  char         *text;
} Sending;

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Sending *sending = user_data;
  TessComposer *self = sending->composer;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessMessage) message = tess_conversation_send_finish (TESS_CONVERSATION (source), result, &error);

  if (message == NULL && self->conversation == TESS_CONVERSATION (source))
    {
      g_autofree char *now = get_text (self);

      /* Nothing that was written is lost. */
      if (is_blank (now))
        tess_composer_set_text (self, sending->text);
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        show_problem (self, error->message);
    }
  else if (message == NULL)
    tess_conversation_set_draft (TESS_CONVERSATION (source), sending->text);
  g_object_unref (self);
  g_free (sending->text);
  g_free (sending);
}

void
tess_composer_send (TessComposer *self)
{
  g_return_if_fail (TESS_IS_COMPOSER (self));

  g_autofree char *text = get_text (self);
  if (self->conversation == NULL || is_blank (text) || strlen (text) > TESS_COMPOSER_MAX_BYTES)
    return;
  Sending *sending = g_new0 (Sending, 1);
  sending->composer = g_object_ref (self);
  sending->text = g_strchomp (g_strdup (text));
  set_typing (self, FALSE);
  tess_composer_set_text (self, "");
  tess_composer_save (self);
  tess_conversation_send_async (self->conversation, sending->text, NULL, sent_cb, sending);
  g_signal_emit (self, signals[SENT], 0);
}

static gboolean
key_pressed_cb (TessComposer *self, guint keyval, guint keycode, GdkModifierType state, GtkEventControllerKey *controller)
{
  GdkModifierType modifiers = state & (GDK_SHIFT_MASK | GDK_CONTROL_MASK | GDK_ALT_MASK);

  /* Who writes looks something up above; in the few lines of the composer a page is nothing. */
  if (modifiers == 0 && (keyval == GDK_KEY_Page_Up || keyval == GDK_KEY_Page_Down))
    return gtk_widget_activate_action (GTK_WIDGET (self), "chat.scroll-page", "i", keyval == GDK_KEY_Page_Up ? -1 : 1);
  if (keyval != GDK_KEY_Return && keyval != GDK_KEY_KP_Enter && keyval != GDK_KEY_ISO_Enter)
    return FALSE;
  /* Enter ends a word of an input method first. */
  if (gtk_text_view_im_context_filter_keypress (self->view,
                                                gtk_event_controller_get_current_event (GTK_EVENT_CONTROLLER (controller))))
    return TRUE;
  if (modifiers != 0 && modifiers != GDK_CONTROL_MASK)
    return FALSE;
  tess_composer_send (self);
  return TRUE;
}

static void
emoji_picked_cb (TessComposer *self, const char *text)
{
  gtk_text_buffer_insert_at_cursor (gtk_text_view_get_buffer (self->view), text, -1);
  tess_composer_focus (self);
}

/* Only when it is asked for: it is thousands of widgets, which cost more than all else of a chat. */
static void
make_emoji_cb (GtkMenuButton *button, gpointer user_data)
{
  GtkWidget *chooser;

  if (gtk_menu_button_get_popover (button) != NULL)
    return;
  chooser = gtk_emoji_chooser_new ();
  g_signal_connect_object (chooser, "emoji-picked", G_CALLBACK (emoji_picked_cb), user_data, G_CONNECT_SWAPPED);
  gtk_menu_button_set_popover (button, chooser);
}

/* One line at least, eight at most; GtkTextView says too little of its height before it is laid out. */
static void
size_scroller (TessComposer *self)
{
  if (self->view == NULL)
    return;
  PangoContext *context = gtk_widget_get_pango_context (GTK_WIDGET (self->view));
  PangoFontMetrics *metrics = pango_context_get_metrics (context, NULL, NULL);
  int line = pango_font_metrics_get_height (metrics) / PANGO_SCALE;

  pango_font_metrics_unref (metrics);
  gtk_scrolled_window_set_max_content_height (self->scroller, 8 * line + 2 * VIEW_MARGIN);
  gtk_scrolled_window_set_min_content_height (self->scroller, line + 2 * VIEW_MARGIN);
}

static void
tess_composer_root (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (tess_composer_parent_class)->root (widget);
  size_scroller (TESS_COMPOSER (widget));
}

static void
tess_composer_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (tess_composer_parent_class)->css_changed (widget, change);
  size_scroller (TESS_COMPOSER (widget));
}

static void
send_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  tess_composer_send (TESS_COMPOSER (widget));
}

static void
tess_composer_dispose (GObject *object)
{
  TessComposer *self = TESS_COMPOSER (object);

  if (self->view != NULL)
    tess_composer_set_conversation (self, NULL);
  g_clear_handle_id (&self->draft_id, g_source_remove);
  g_clear_handle_id (&self->typing_id, g_source_remove);
  tess_views_dispose (GTK_WIDGET (self), TESS_TYPE_COMPOSER);
  G_OBJECT_CLASS (tess_composer_parent_class)->dispose (object);
}

static void
tess_composer_class_init (TessComposerClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_composer_dispose;
  widget_class->root = tess_composer_root;
  widget_class->css_changed = tess_composer_css_changed;
  signals[SENT] = g_signal_new ("sent", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "tess-composer");
  gtk_widget_class_install_action (widget_class, "composer.send", NULL, send_action);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/composer.ui");
  gtk_widget_class_bind_template_child (widget_class, TessComposer, view);
  gtk_widget_class_bind_template_child (widget_class, TessComposer, scroller);
  gtk_widget_class_bind_template_child (widget_class, TessComposer, placeholder);
  gtk_widget_class_bind_template_child (widget_class, TessComposer, problem);
  gtk_widget_class_bind_template_child (widget_class, TessComposer, send);
  gtk_widget_class_bind_template_child (widget_class, TessComposer, emoji);
  gtk_widget_class_bind_template_callback (widget_class, key_pressed_cb);
  gtk_widget_class_bind_template_callback (widget_class, buffer_changed_cb);
}

static void
tess_composer_init (TessComposer *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_orientable_set_orientation (GTK_ORIENTABLE (gtk_widget_get_layout_manager (GTK_WIDGET (self))),
                                  GTK_ORIENTATION_VERTICAL);
  g_signal_connect_swapped (gtk_text_view_get_buffer (self->view), "changed", G_CALLBACK (buffer_changed_cb), self);
  gtk_menu_button_set_create_popup_func (self->emoji, make_emoji_cb, self, NULL);
  update_send (self);
}

void
tess_composer_set_text (TessComposer *self, const char *text)
{
  g_return_if_fail (TESS_IS_COMPOSER (self));
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->view), text != NULL ? text : "", -1);
}

void
tess_composer_set_conversation (TessComposer *self, TessConversation *conversation)
{
  g_return_if_fail (TESS_IS_COMPOSER (self));

  if (self->conversation != NULL)
    {
      tess_composer_save (self);
      set_typing (self, FALSE);
      g_signal_handlers_disconnect_by_data (self->conversation, self);
    }
  g_set_object (&self->conversation, conversation);
  if (conversation == NULL)
    return;
  self->loading = TRUE;
  tess_composer_set_text (self, tess_conversation_get_draft (conversation));
  self->loading = FALSE;
  g_signal_connect_object (conversation, "notify::security", G_CALLBACK (show_encryption), self, G_CONNECT_SWAPPED);
  show_encryption (self);
}

void
tess_composer_focus (TessComposer *self)
{
  g_return_if_fail (TESS_IS_COMPOSER (self));
  gtk_widget_grab_focus (GTK_WIDGET (self->view));
}

gboolean
tess_composer_take_key (TessComposer *self, GtkEventControllerKey *controller, guint keyval, GdkModifierType state)
{
  g_return_val_if_fail (TESS_IS_COMPOSER (self), FALSE);

  if ((state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK)) != 0 || gtk_widget_has_focus (GTK_WIDGET (self->view)))
    return FALSE;
  gunichar c = gdk_keyval_to_unicode (keyval);
  if (c == 0 || g_unichar_iscntrl (c) || c == ' ')
    return FALSE;
  tess_composer_focus (self);
  return gtk_event_controller_key_forward (controller, GTK_WIDGET (self->view));
}
