/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-avatar.h"
#include "views/tess-chat-view.h"
#include "views/tess-composer.h"
#include "views/tess-contact-dialog.h"
#include "views/tess-message-list.h"
#include "views/tess-signs.h"
#include "views/tess-text.h"
#include "views/tess-trust-banner.h"
#include "views/tess-verification-dialog.h"
#include "views/tess-views.h"

#include <adwaita.h>
#include <glib/gi18n.h>

/* Under this width, in average characters, the lock stands without its word. */
#define WORD_CHARS 80
#define LOADING_DELAY_MS 300
/* Whoever stopped scrolling for so long reads: that is kept over a restart. */
#define PLACE_DELAY_MS 500
#define SENTENCE_CHARS 36

struct _TessChatView
{
  GtkWidget parent_instance;

  AdwHeaderBar    *header;
  GtkWidget       *back;
  GtkWidget       *who;
  TessAvatar      *avatar;
  GtkLabel        *name;
  GtkLabel        *status;
  GtkMenuButton   *lock;
  GtkImage        *lock_icon;
  GtkLabel        *lock_word;
  GtkLabel        *lock_sentence;
  GtkSwitch       *encrypt;
  GtkMenuButton   *menu;
  TessMessageList *messages;
  GtkWidget       *empty;
  GtkRevealer     *jump;
  GtkRevealer     *loading;
  GtkSpinner      *spinner;
  TessTrustBanner *banner;
  TessComposer    *composer;

  TessConversation *conversation;
  TessTimeline     *timeline;
  gint64            seen_time;
  gint64            seen_id;
  guint             loading_id;
  guint             place_id;
  guint             layout_id;
  gboolean          folded;
  gboolean          narrow;
  gboolean          updating;
};

G_DEFINE_FINAL_TYPE (TessChatView, tess_chat_view, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_FOLDED,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static GtkWindow *
window_of (TessChatView *self)
{
  return GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self)));
}

/* --- header ----------------------------------------------------------------------------------------------------------------- */

/* What somebody does right now; NULL for somebody of whom nothing is known. */
static char *
describe_presence (TessChatView *self)
{
  TessPresence presence = tess_conversation_get_presence (self->conversation);
  TessContact *contact = tess_conversation_get_contact (self->conversation);
  const char *text = contact != NULL ? tess_contact_get_status (contact) : NULL;

  if (tess_conversation_get_typing (self->conversation))
    return g_strdup (_("typing…"));
  if (contact == NULL)
    return NULL;
  if (text != NULL && *text != '\0')
    {
      g_autofree char *clean = tess_text_clean_line (text);
      /* Translators: a presence, the words somebody has given it */
      return g_strdup_printf (_("%1$s · %2$s"), tess_sign_presence_word (presence), clean);
    }
  return g_strdup (tess_sign_presence_word (presence));
}

/* A name is whatever somebody wrote: the address stands beside it (attacks row E11). */
static char *
describe (TessChatView *self)
{
  const char *address = tess_conversation_get_address (self->conversation);
  g_autofree char *presence = describe_presence (self);
  g_autofree char *isolated = tess_text_isolate (address);

  if (presence == NULL)
    return g_steal_pointer (&isolated);
  if (g_str_equal (tess_conversation_get_name (self->conversation), address))
    return g_steal_pointer (&presence);
  /* Translators: an address, what somebody does right now */
  return g_strdup_printf (_("%1$s · %2$s"), isolated, presence);
}

static void
update_who (TessChatView *self)
{
  const char *name = tess_conversation_get_name (self->conversation);
  g_autofree char *status = describe (self);

  gtk_label_set_text (self->name, name);
  gtk_label_set_text (self->status, status);
  tess_avatar_set_person (self->avatar, name, tess_conversation_get_color (self->conversation));
  tess_avatar_set_presence (self->avatar, (int) tess_conversation_get_presence (self->conversation));
  gtk_widget_set_tooltip_text (self->who, tess_conversation_get_address (self->conversation));
  g_autofree char *label = g_strdup_printf (_("%1$s, %2$s: details"), name, status);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->who), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

static void
update_lock (TessChatView *self)
{
  TessSecurity security = tess_conversation_get_security (self->conversation);
  const char *word = tess_sign_security_word (security);
  const char *sign = tess_sign_security_class (security);

  gtk_image_set_from_icon_name (self->lock_icon, tess_sign_security_icon (security));
  gtk_widget_set_css_classes (GTK_WIDGET (self->lock_icon), (const char *[]){ sign, NULL });
  gtk_label_set_text (self->lock_word, word);
  g_autofree char *sentence = tess_text_wrap (tess_sign_security_sentence (security), SENTENCE_CHARS);
  gtk_label_set_text (self->lock_sentence, sentence);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->lock), word);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->lock), GTK_ACCESSIBLE_PROPERTY_LABEL, word, -1);
  self->updating = TRUE;
  gtk_switch_set_active (self->encrypt, security != TESS_SECURITY_PLAIN);
  self->updating = FALSE;
}

static void
encrypt_toggled_cb (TessChatView *self)
{
  if (self->updating || self->conversation == NULL)
    return;
  tess_conversation_set_encryption (self->conversation, gtk_switch_get_active (self->encrypt) ? TESS_CONVERSATION_ENCRYPTED
                                                                                            : TESS_CONVERSATION_PLAIN);
}

/* --- messages --------------------------------------------------------------------------------------------------------------- */

static void
keep_place (TessChatView *self)
{
  TessMessage *message = NULL;
  int offset = 0;

  g_clear_handle_id (&self->place_id, g_source_remove);
  if (self->conversation != NULL && tess_message_list_get_place (self->messages, &message, &offset))
    tess_conversation_set_place (self->conversation, message, offset);
}

static void
place_cb (gpointer user_data)
{
  TessChatView *self = TESS_CHAT_VIEW (user_data);

  self->place_id = 0;
  keep_place (self);
}

static void
moved_cb (TessChatView *self)
{
  g_clear_handle_id (&self->place_id, g_source_remove);
  self->place_id = g_timeout_add_once (PLACE_DELAY_MS, place_cb, self);
  gtk_revealer_set_reveal_child (self->jump, !tess_message_list_get_at_end (self->messages));
}

static void
seen_cb (TessChatView *self, TessMessage *message)
{
  GtkWindow *window = window_of (self);

  if (window == NULL || !gtk_window_is_active (window) || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  gint64 time = tess_message_get_time (message);
  gint64 id = tess_message_get_id (message);
  if (time < self->seen_time || (time == self->seen_time && id <= self->seen_id))
    return;
  self->seen_time = time;
  self->seen_id = id;
  tess_conversation_mark_read (self->conversation, message);
  gtk_widget_activate_action (GTK_WIDGET (self), "app.withdraw", "x", tess_conversation_get_id (self->conversation));
}

static void
show_loading_cb (gpointer user_data)
{
  TessChatView *self = TESS_CHAT_VIEW (user_data);

  self->loading_id = 0;
  gtk_spinner_start (self->spinner);
  gtk_revealer_set_reveal_child (self->loading, TRUE);
}

static void
timeline_changed_cb (TessChatView *self)
{
  gboolean loading = tess_timeline_get_loading (self->timeline);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->timeline));

  if (loading && self->loading_id == 0 && !gtk_revealer_get_reveal_child (self->loading))
    self->loading_id = g_timeout_add_once (LOADING_DELAY_MS, show_loading_cb, self);
  else if (!loading)
    {
      g_clear_handle_id (&self->loading_id, g_source_remove);
      gtk_revealer_set_reveal_child (self->loading, FALSE);
      gtk_spinner_stop (self->spinner);
    }
  gtk_widget_set_visible (self->empty, n == 0 && !loading && tess_timeline_get_at_start (self->timeline));
}

static void
sent_cb (TessChatView *self)
{
  tess_message_list_clear_unread (self->messages);
  tess_message_list_jump_to_end (self->messages);
}

static void
window_active_cb (TessChatView *self)
{
  GtkWindow *window = window_of (self);
  gboolean active = window != NULL && gtk_window_is_active (window);

  tess_message_list_set_watched (self->messages, active);
  if (active)
    {
      tess_message_list_refresh (self->messages);
      gtk_widget_queue_allocate (GTK_WIDGET (self->messages)); /* which tells what is in sight */
    }
}

/* --- keys and actions ------------------------------------------------------------------------------------------------------- */

static gboolean
key_pressed_cb (TessChatView *self, guint keyval, guint keycode, GdkModifierType state, GtkEventControllerKey *controller)
{
  if (keyval == GDK_KEY_Page_Up || keyval == GDK_KEY_Page_Down)
    {
      tess_message_list_scroll_page (self->messages, keyval == GDK_KEY_Page_Up ? -1 : 1);
      return TRUE;
    }
  return tess_composer_take_key (self->composer, controller, keyval, state);
}

static void
verify_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  tess_chat_view_verify (TESS_CHAT_VIEW (widget));
}

static void
devices_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TessChatView *self = TESS_CHAT_VIEW (widget);
  GtkWidget *dialog = tess_verification_dialog_new (window_of (self), self->conversation);

  gtk_menu_button_popdown (self->lock);
  tess_verification_dialog_show_devices (TESS_VERIFICATION_DIALOG (dialog));
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
details_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  tess_chat_view_show_contact (TESS_CHAT_VIEW (widget));
}

static void
encrypt_off_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  tess_conversation_set_encryption (TESS_CHAT_VIEW (widget)->conversation, TESS_CONVERSATION_PLAIN);
}

static void
jump_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TessChatView *self = TESS_CHAT_VIEW (widget);

  tess_message_list_jump_to_end (self->messages);
  tess_composer_focus (self->composer);
}

static void
date_response_cb (TessChatView *self, const char *response, GtkWidget *dialog)
{
  GtkCalendar *calendar = g_object_get_data (G_OBJECT (dialog), "calendar");
  g_autoptr (GDateTime) shown = gtk_calendar_get_date (calendar);
  g_autoptr (GDateTime) day = NULL;

  if (g_strcmp0 (response, "go") != 0 || self->conversation == NULL)
    return;
  day = g_date_time_new_local (g_date_time_get_year (shown), g_date_time_get_month (shown), g_date_time_get_day_of_month (shown), 0, 0, 0);
  if (day != NULL)
    tess_message_list_go_to (self->messages, g_date_time_to_unix (day) * G_USEC_PER_SEC);
}

static void
scroll_page_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  tess_message_list_scroll_page (TESS_CHAT_VIEW (widget)->messages, g_variant_get_int32 (parameter));
}

/* GTK 4.8 gives the arrows of a calendar no names. */
static void
name_arrows (GtkWidget *widget, guint *place)
{
  const char *const names[] = { _("Previous Month"), _("Next Month"), _("Previous Year"), _("Next Year") };

  if (GTK_IS_BUTTON (widget) && *place < G_N_ELEMENTS (names))
    gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, names[(*place)++], -1);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL; child = gtk_widget_get_next_sibling (child))
    name_arrows (child, place);
}

/* What is not stored comes from the server: that may take a while, and the spinner says so. */
static void
date_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TessChatView *self = TESS_CHAT_VIEW (widget);
  GtkWidget *dialog = adw_message_dialog_new (window_of (self), _("Go to a Date"), NULL);
  GtkWidget *calendar = gtk_calendar_new ();
  TessMessage *message = NULL;
  int offset;
  guint arrows = 0;

  name_arrows (calendar, &arrows);
  if (tess_message_list_get_place (self->messages, &message, &offset) && message != NULL)
    {
      g_autoptr (GDateTime) shown = g_date_time_new_from_unix_local (tess_message_get_time (message) / G_USEC_PER_SEC);

      gtk_calendar_select_day (GTK_CALENDAR (calendar), shown);
    }
  gtk_widget_set_halign (calendar, GTK_ALIGN_CENTER);
  gtk_accessible_update_property (GTK_ACCESSIBLE (calendar), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Date"), -1);
  g_object_set_data (G_OBJECT (dialog), "calendar", calendar);
  adw_message_dialog_set_extra_child (ADW_MESSAGE_DIALOG (dialog), calendar);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _("_Cancel"), "go", _("_Go"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "go", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "go");
  g_signal_connect_object (dialog, "response", G_CALLBACK (date_response_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
delete_response_cb (TessChatView *self, const char *response)
{
  if (g_strcmp0 (response, "delete") == 0 && self->conversation != NULL)
    {
      /* It is gone for good; its draft too. */
      tess_composer_set_conversation (self->composer, NULL);
      tess_conversation_close (self->conversation);
    }
}

static void
delete_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TessChatView *self = TESS_CHAT_VIEW (widget);
  GtkWidget *dialog = adw_message_dialog_new (window_of (self), NULL, NULL);

  adw_message_dialog_format_heading (ADW_MESSAGE_DIALOG (dialog), _("Delete the Chat With %s?"),
                                     tess_conversation_get_name (self->conversation));
  adw_message_dialog_set_body (ADW_MESSAGE_DIALOG (dialog),
                               _("All messages of this chat are deleted from this device. What the other side has stays there."));
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _("_Cancel"), "delete", _("_Delete All Messages"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "delete", ADW_RESPONSE_DESTRUCTIVE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (delete_response_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
delete_history_response_cb (TessChatView *self, const char *response)
{
  if (g_strcmp0 (response, "delete") == 0 && self->conversation != NULL)
    tess_conversation_clear_history (self->conversation);
}

static void
delete_history_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TessChatView *self = TESS_CHAT_VIEW (widget);
  GtkWidget *dialog = adw_message_dialog_new (window_of (self), NULL, NULL);

  adw_message_dialog_format_heading (ADW_MESSAGE_DIALOG (dialog), _("Delete the History With %s?"),
                                     tess_conversation_get_name (self->conversation));
  adw_message_dialog_set_body (ADW_MESSAGE_DIALOG (dialog),
                               _("All messages until now are deleted from this device, and are not fetched from the server again. The chat "
                                 "stays, and so does what is not sent yet. What the server, your other devices and the other side have stays "
                                 "there."));
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _("_Cancel"), "delete", _("_Delete History"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "delete", ADW_RESPONSE_DESTRUCTIVE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (delete_history_response_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* --- object ----------------------------------------------------------------------------------------------------------------- */

static void
apply_narrow_cb (gpointer user_data)
{
  TessChatView *self = TESS_CHAT_VIEW (user_data);

  self->layout_id = 0;
  gtk_widget_set_visible (GTK_WIDGET (self->lock_word), !self->narrow);
}

static void
tess_chat_view_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  TessChatView *self = TESS_CHAT_VIEW (widget);
  PangoFontMetrics *metrics = pango_context_get_metrics (gtk_widget_get_pango_context (widget), NULL, NULL);
  gboolean narrow = width < WORD_CHARS * pango_font_metrics_get_approximate_char_width (metrics) / PANGO_SCALE;

  pango_font_metrics_unref (metrics);

  gtk_widget_size_allocate (gtk_widget_get_first_child (widget), &(GtkAllocation){ 0, 0, width, height }, baseline);
  if (narrow != self->narrow)
    {
      self->narrow = narrow;
      if (self->layout_id == 0)
        self->layout_id = g_idle_add_once (apply_narrow_cb, self);
    }
}

static void
tess_chat_view_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                        int *minimum_baseline, int *natural_baseline)
{
  gtk_widget_measure (gtk_widget_get_first_child (widget), orientation, for_size, minimum, natural, NULL, NULL);
}

static void
tess_chat_view_root (GtkWidget *widget)
{
  TessChatView *self = TESS_CHAT_VIEW (widget);

  GTK_WIDGET_CLASS (tess_chat_view_parent_class)->root (widget);
  g_signal_connect_object (gtk_widget_get_root (widget), "notify::is-active", G_CALLBACK (window_active_cb), self,
                           G_CONNECT_SWAPPED);
  window_active_cb (TESS_CHAT_VIEW (widget));
}

static void
tess_chat_view_unroot (GtkWidget *widget)
{
  g_signal_handlers_disconnect_by_func (gtk_widget_get_root (widget), window_active_cb, widget);
  GTK_WIDGET_CLASS (tess_chat_view_parent_class)->unroot (widget);
}

static void
tess_chat_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TessChatView *self = TESS_CHAT_VIEW (object);

  if (id != PROP_FOLDED)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  self->folded = g_value_get_boolean (value);
  gtk_widget_set_visible (self->back, self->folded);
  adw_header_bar_set_show_start_title_buttons (self->header, self->folded);
}

static void
tess_chat_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_FOLDED)
    g_value_set_boolean (value, TESS_CHAT_VIEW (object)->folded);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
tess_chat_view_dispose (GObject *object)
{
  TessChatView *self = TESS_CHAT_VIEW (object);

  if (self->messages != NULL)
    keep_place (self);
  g_clear_handle_id (&self->loading_id, g_source_remove);
  g_clear_handle_id (&self->layout_id, g_source_remove);
  if (self->messages != NULL)
    tess_message_list_set_conversation (self->messages, NULL, NULL, 0);
  if (self->conversation != NULL)
    g_signal_handlers_disconnect_by_data (self->conversation, self);
  if (self->timeline != NULL)
    g_signal_handlers_disconnect_by_data (self->timeline, self);
  tess_views_dispose (GTK_WIDGET (self), TESS_TYPE_CHAT_VIEW);
  g_clear_object (&self->timeline);
  g_clear_object (&self->conversation);
  G_OBJECT_CLASS (tess_chat_view_parent_class)->dispose (object);
}

static void
bind_children (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_child (widget_class, TessChatView, header);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, back);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, who);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, avatar);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, name);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, status);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, lock);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, lock_icon);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, lock_word);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, lock_sentence);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, encrypt);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, menu);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, messages);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, empty);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, jump);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, loading);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, spinner);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, banner);
  gtk_widget_class_bind_template_child (widget_class, TessChatView, composer);
  gtk_widget_class_bind_template_callback (widget_class, moved_cb);
  gtk_widget_class_bind_template_callback (widget_class, seen_cb);
  gtk_widget_class_bind_template_callback (widget_class, sent_cb);
  gtk_widget_class_bind_template_callback (widget_class, tess_chat_view_focus);
  gtk_widget_class_bind_template_callback (widget_class, key_pressed_cb);
  gtk_widget_class_bind_template_callback (widget_class, encrypt_toggled_cb);
}

static void
tess_chat_view_class_init (TessChatViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->set_property = tess_chat_view_set_property;
  object_class->get_property = tess_chat_view_get_property;
  object_class->dispose = tess_chat_view_dispose;
  widget_class->measure = tess_chat_view_measure;
  widget_class->size_allocate = tess_chat_view_size_allocate;
  widget_class->root = tess_chat_view_root;
  widget_class->unroot = tess_chat_view_unroot;
  properties[PROP_FOLDED] = g_param_spec_boolean ("folded", NULL, NULL, FALSE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/chat-view.ui");
  bind_children (widget_class);
  gtk_widget_class_install_action (widget_class, "chat.verify", NULL, verify_action);
  gtk_widget_class_install_action (widget_class, "chat.devices", NULL, devices_action);
  gtk_widget_class_install_action (widget_class, "chat.details", NULL, details_action);
  gtk_widget_class_install_action (widget_class, "chat.encrypt-off", NULL, encrypt_off_action);
  gtk_widget_class_install_action (widget_class, "chat.jump-to-end", NULL, jump_action);
  gtk_widget_class_install_action (widget_class, "chat.go-to-date", NULL, date_action);
  gtk_widget_class_install_action (widget_class, "chat.scroll-page", "i", scroll_page_action);
  gtk_widget_class_install_action (widget_class, "chat.delete-history", NULL, delete_history_action);
  gtk_widget_class_install_action (widget_class, "chat.delete", NULL, delete_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_End, GDK_ALT_MASK, "chat.jump-to-end", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_g, GDK_CONTROL_MASK, "chat.go-to-date", NULL);
}

static void
tess_chat_view_init (TessChatView *self)
{
  g_type_ensure (TESS_TYPE_AVATAR);
  g_type_ensure (TESS_TYPE_MESSAGE_LIST);
  g_type_ensure (TESS_TYPE_COMPOSER);
  g_type_ensure (TESS_TYPE_TRUST_BANNER);
  gtk_widget_init_template (GTK_WIDGET (self));
  /* Without the word until there is room: with it the window could not become small. */
  self->narrow = TRUE;
  apply_narrow_cb (self);
}

GtkWidget *
tess_chat_view_new (TessConversation *conversation)
{
  TessChatView *self = g_object_new (TESS_TYPE_CHAT_VIEW, NULL);

  self->conversation = g_object_ref (conversation);
  self->timeline = tess_conversation_open_timeline (conversation);
  tess_message_list_set_conversation (self->messages, conversation, self->timeline, tess_conversation_get_unread (conversation));
  tess_composer_set_conversation (self->composer, conversation);
  tess_trust_banner_set_conversation (self->banner, conversation);
  g_signal_connect_swapped (conversation, "notify::name", G_CALLBACK (update_who), self);
  g_signal_connect_swapped (conversation, "notify::presence", G_CALLBACK (update_who), self);
  g_signal_connect_swapped (conversation, "notify::typing", G_CALLBACK (update_who), self);
  g_signal_connect_swapped (conversation, "notify::security", G_CALLBACK (update_lock), self);
  g_signal_connect_swapped (self->timeline, "notify", G_CALLBACK (timeline_changed_cb), self);
  g_signal_connect_swapped (self->timeline, "items-changed", G_CALLBACK (timeline_changed_cb), self);
  update_who (self);
  update_lock (self);
  timeline_changed_cb (self);
  return GTK_WIDGET (self);
}

TessConversation *
tess_chat_view_get_conversation (TessChatView *self)
{
  g_return_val_if_fail (TESS_IS_CHAT_VIEW (self), NULL);
  return self->conversation;
}

void
tess_chat_view_focus (TessChatView *self)
{
  g_return_if_fail (TESS_IS_CHAT_VIEW (self));
  tess_composer_focus (self->composer);
}

void
tess_chat_view_verify (TessChatView *self)
{
  g_return_if_fail (TESS_IS_CHAT_VIEW (self));
  gtk_menu_button_popdown (self->lock);
  gtk_window_present (GTK_WINDOW (tess_verification_dialog_new (window_of (self), self->conversation)));
}

void
tess_chat_view_show_contact (TessChatView *self)
{
  g_return_if_fail (TESS_IS_CHAT_VIEW (self));
  gtk_window_present (GTK_WINDOW (tess_contact_dialog_new (window_of (self), self->conversation)));
}
