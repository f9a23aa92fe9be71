/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-avatar.h"
#include "views/tess-fingerprint.h"
#include "views/tess-grouping.h"
#include "views/tess-message-row.h"
#include "views/tess-signs.h"
#include "views/tess-text.h"

#include <glib/gi18n.h>

/* More is folded behind a button: laying out 64 KiB 200 times takes seconds. */
#define MAX_SHOWN_CHARS 2400
#define MAX_SHOWN_LINES 40
#define MAX_PARAGRAPH_CHARS (MAX_SHOWN_CHARS + 8)
#define LONG_WIDTH_CHARS 12
#define MAX_LARGE_EMOJI 6
#define AVATAR_SPACE 8

struct _TessMessageRow
{
  GtkWidget parent_instance;

  TessConversation *conversation;
  TessMessage      *message;

  GtkWidget *day;       /* nullable */
  GtkWidget *unread;    /* nullable */
  GtkWidget *avatar;    /* nullable: theirs only */
  GtkWidget *bubble;
  GtkWidget *label;
  GtkWidget *show_all;  /* nullable */
  GtkWidget *meta;      /* nullable, as all in it: most rows of a group never show it */
  GtkWidget *time;
  GtkWidget *lock;
  GtkWidget *lock_icon;
  GtkWidget *state;
  GtkWidget *failed;    /* nullable */
  GtkWidget *reason;
  GtkWidget *retry;
  GtkWidget *popover;   /* nullable */

  gboolean has_links;
  gboolean expanded;
  gboolean first;
  gboolean last;
};

G_DEFINE_FINAL_TYPE (TessMessageRow, tess_message_row, GTK_TYPE_WIDGET)

static const char *
sender_name (TessMessageRow *self)
{
  return tess_message_get_outgoing (self->message) ? _("You") : tess_conversation_get_name (self->conversation);
}

/* GTK asks the display where the pointer is whenever one is set. */
static void
set_tooltip (GtkWidget *widget, const char *words)
{
  if (g_strcmp0 (gtk_widget_get_tooltip_text (widget), words) != 0)
    gtk_widget_set_tooltip_text (widget, words);
}

static gboolean
has_meta (TessMessageRow *self)
{
  return self->meta != NULL && gtk_widget_get_visible (self->meta);
}

static void
update_accessible (TessMessageRow *self)
{
  TessMessage *message = self->message;
  g_autofree char *time = tess_text_clock (tess_message_get_time (message), tess_text_use_24_hours ());
  const char *state = tess_sign_state_word (tess_message_get_state (message));
  GString *label = g_string_new (NULL);

  /* As much as is seen. */
  g_autofree char *beginning = self->expanded ? NULL : tess_text_shorten (tess_message_get_text (message), MAX_SHOWN_CHARS, MAX_SHOWN_LINES);
  g_string_append_printf (label, "%s, %s, %s%s", sender_name (self), time,
                          beginning != NULL ? beginning : tess_message_get_text (message), beginning != NULL ? "…" : "");
  if (state != NULL)
    g_string_append_printf (label, ", %s", state);
  if (tess_message_get_state (message) == TESS_MESSAGE_FAILED && tess_message_get_error (message) != NULL)
    g_string_append_printf (label, ": %s", tess_message_get_error (message));
  g_string_append_printf (label, ", %s", tess_sign_message_word (tess_message_get_encryption (message),
                                                                 tess_message_get_trust (message)));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label->str, -1);
  g_string_free (label, TRUE);
}

/* In average characters; nothing becomes wider by it, because three narrow ones take as much room as an average one. */
static int
least_width (const char *text)
{
  int longest = 0;
  int length = 0;

  for (const char *p = text; *p != '\0' && longest < 3 * LONG_WIDTH_CHARS; p = g_utf8_next_char (p))
    {
      length = *p == '\n' ? 0 : length + 1;
      longest = MAX (longest, length);
    }
  return longest / 3;
}

static void
update_text (TessMessageRow *self)
{
  const char *text = tess_message_get_text (self->message);
  gboolean unreadable = tess_message_get_encryption (self->message) == TESS_ENCRYPTION_UNREADABLE;
  guint emoji = unreadable ? 0 : tess_text_count_emoji (text, MAX_LARGE_EMOJI);
  g_autofree char *beginning = tess_text_shorten (text, MAX_SHOWN_CHARS, MAX_SHOWN_LINES);
  g_autofree char *shown = beginning != NULL && !self->expanded ? g_strconcat (beginning, "…", NULL) : g_strdup (text);
  guint n_links = 0;
  g_autofree char *lines = tess_text_break_paragraphs (shown, MAX_PARAGRAPH_CHARS);
  g_autofree char *markup = tess_text_to_markup (lines, &n_links);

  if (unreadable)
    {
      gtk_label_set_text (GTK_LABEL (self->label), lines);
      n_links = 0;
    }
  else
    gtk_label_set_markup (GTK_LABEL (self->label), markup);
  self->has_links = n_links > 0;
  /* Without a least width GTK lays the text out with one letter a line to find it, which takes many seconds for a long one. */
  gtk_label_set_width_chars (GTK_LABEL (self->label), least_width (shown));
  if (beginning != NULL && self->show_all == NULL)
    {
      self->show_all = gtk_button_new ();
      gtk_widget_add_css_class (self->show_all, "flat");
      gtk_widget_set_halign (self->show_all, GTK_ALIGN_START);
      gtk_actionable_set_action_name (GTK_ACTIONABLE (self->show_all), "message.show-all");
      gtk_box_insert_child_after (GTK_BOX (self->bubble), self->show_all, self->label);
    }
  if (self->show_all != NULL)
    {
      gtk_button_set_label (GTK_BUTTON (self->show_all), self->expanded ? _("Show Less") : _("Show All"));
      gtk_widget_set_visible (self->show_all, beginning != NULL);
    }
  if (unreadable)
    gtk_widget_add_css_class (self->bubble, "unreadable");
  else
    gtk_widget_remove_css_class (self->bubble, "unreadable");
  if (emoji > 0)
    gtk_widget_add_css_class (self->bubble, "emoji");
  else
    gtk_widget_remove_css_class (self->bubble, "emoji");
}

static void
make_failed (TessMessageRow *self)
{
  self->failed = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  self->reason = gtk_label_new (NULL);
  gtk_label_set_wrap (GTK_LABEL (self->reason), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (self->reason), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (GTK_LABEL (self->reason), 0);
  gtk_widget_add_css_class (self->reason, "caption");
  gtk_widget_add_css_class (self->reason, "tess-danger");
  self->retry = gtk_button_new_with_label (_("Try Again"));
  gtk_widget_set_halign (self->retry, GTK_ALIGN_END);
  gtk_widget_add_css_class (self->retry, "tess-small");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->retry), "message.retry");
  gtk_box_append (GTK_BOX (self->failed), self->reason);
  gtk_box_append (GTK_BOX (self->failed), self->retry);
  gtk_box_append (GTK_BOX (self->bubble), self->failed);
}

static void
make_meta (TessMessageRow *self)
{
  self->meta = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 5);
  self->time = gtk_label_new (NULL);
  gtk_widget_add_css_class (self->time, "tess-time");
  gtk_widget_add_css_class (self->time, "dim-label");
  self->lock_icon = gtk_image_new ();
  self->lock = gtk_button_new ();
  gtk_button_set_child (GTK_BUTTON (self->lock), self->lock_icon);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->lock), "message.details");
  gtk_widget_set_css_classes (self->lock, (const char *[]){ "flat", "tess-lock", NULL });
  gtk_widget_set_valign (self->lock, GTK_ALIGN_CENTER);
  self->state = gtk_image_new ();
  gtk_widget_set_halign (self->meta, GTK_ALIGN_END);
  gtk_widget_add_css_class (self->meta, "tess-meta");
  gtk_box_append (GTK_BOX (self->meta), self->time);
  gtk_box_append (GTK_BOX (self->meta), self->lock);
  gtk_box_append (GTK_BOX (self->meta), self->state);
  gtk_box_insert_child_after (GTK_BOX (self->bubble), self->meta, self->show_all != NULL ? self->show_all : self->label);
}

static void
update_failed (TessMessageRow *self, gboolean failed)
{
  const char *error = tess_message_get_error (self->message);

  if (failed && self->failed == NULL)
    make_failed (self);
  if (self->failed == NULL)
    return;
  gtk_widget_set_visible (self->failed, failed);
  gtk_label_set_text (GTK_LABEL (self->reason),
                      error != NULL ? error : tess_sign_state_word (tess_message_get_state (self->message)));
}

static void
update_meta (TessMessageRow *self)
{
  TessMessageState state = tess_message_get_state (self->message);
  TessEncryption encryption = tess_message_get_encryption (self->message);
  TessTrust trust = tess_message_get_trust (self->message);
  const char *icon = tess_sign_state_icon (state);
  const char *sign = tess_sign_message_class (encryption, trust);
  const char *classes[] = { sign != NULL ? sign : "dim-label", NULL };
  gboolean failed = state == TESS_MESSAGE_FAILED;
  gboolean shown = self->last || failed;

  if (failed || self->failed != NULL)
    gtk_widget_action_set_enabled (GTK_WIDGET (self), "message.retry", failed);
  update_failed (self, failed);
  if (shown && self->meta == NULL)
    make_meta (self);
  if (self->meta != NULL)
    gtk_widget_set_visible (self->meta, shown);
  if (!shown)
    return;
  g_autofree char *time = tess_text_clock (tess_message_get_time (self->message), tess_text_use_24_hours ());
  gtk_label_set_text (GTK_LABEL (self->time), time);
  gtk_widget_set_visible (self->state, icon != NULL);
  if (icon != NULL)
    {
      gtk_image_set_from_icon_name (GTK_IMAGE (self->state), icon);
      set_tooltip (self->state, tess_sign_state_word (state));
      gtk_accessible_update_property (GTK_ACCESSIBLE (self->state), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                      tess_sign_state_word (state), -1);
    }
  gtk_widget_set_css_classes (self->state, (const char *[]){ failed ? "tess-danger" : "dim-label", NULL });
  gtk_image_set_from_icon_name (GTK_IMAGE (self->lock_icon), tess_sign_message_icon (encryption, trust));
  gtk_widget_set_css_classes (self->lock_icon, classes);
  set_tooltip (self->lock, tess_sign_message_word (encryption, trust));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->lock), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  tess_sign_message_word (encryption, trust), -1);
}

static void
message_changed_cb (TessMessageRow *self, GParamSpec *pspec)
{
  if (g_str_equal (pspec->name, "text") || g_str_equal (pspec->name, "encryption"))
    update_text (self);
  update_meta (self);
  update_accessible (self);
}

static gboolean
unparent_cb (gpointer popover)
{
  if (gtk_widget_get_parent (popover) != NULL)
    gtk_widget_unparent (popover);
  return G_SOURCE_REMOVE;
}

static void
popover_closed_cb (GtkPopover *popover)
{
  /* After this emission: GTK still looks at it. */
  g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, unparent_cb, g_object_ref (popover), g_object_unref); /* the row may go first */
}

static GtkWidget *
add_line (GtkWidget *box, const char *text, const char *css)
{
  g_autofree char *lines = tess_text_wrap (text, 36);
  GtkWidget *label = gtk_label_new (lines);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  if (css != NULL)
    gtk_widget_add_css_class (label, css);
  gtk_box_append (GTK_BOX (box), label);
  return label;
}

/* The fingerprint comes when the devices are known: the popover may be gone by then. */
static void
fingerprint_loaded_cb (TessDeviceList *list, GParamSpec *pspec, GtkWidget *fingerprint)
{
  guint device = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (fingerprint), "tess-device"));

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (list)); i++)
    {
      g_autoptr (TessDevice) item = g_list_model_get_item (G_LIST_MODEL (list), i);

      if (tess_device_get_id (item) == device)
        {
          tess_fingerprint_set_text (TESS_FINGERPRINT (fingerprint), tess_device_get_fingerprint (item));
          gtk_widget_set_visible (fingerprint, tess_device_get_fingerprint (item) != NULL);
        }
    }
}

static void
add_fingerprint (TessMessageRow *self, GtkWidget *box)
{
  TessAccount *account = tess_conversation_get_account (self->conversation);
  GtkWidget *fingerprint = g_object_new (TESS_TYPE_FINGERPRINT, "halign", GTK_ALIGN_START, "visible", FALSE, NULL);
  TessDeviceList *list = tess_account_get_devices (account, tess_message_get_outgoing (self->message)
                                                              ? NULL
                                                              : tess_conversation_get_address (self->conversation));

  g_object_set_data (G_OBJECT (fingerprint), "tess-device", GUINT_TO_POINTER (tess_message_get_device (self->message)));
  g_object_set_data_full (G_OBJECT (fingerprint), "tess-devices", list, g_object_unref); /* it loads while the popover is there */
  g_signal_connect_object (list, "notify::loading", G_CALLBACK (fingerprint_loaded_cb), fingerprint, 0);
  gtk_box_append (GTK_BOX (box), fingerprint);
  fingerprint_loaded_cb (list, NULL, fingerprint);
}

static void
show_details (TessMessageRow *self)
{
  TessMessage *message = self->message;
  TessEncryption encryption = tess_message_get_encryption (message);
  GtkWidget *popover = gtk_popover_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  g_autofree char *time = tess_text_full_time (tess_message_get_time (message), tess_text_use_24_hours ());
  const char *state = tess_sign_state_word (tess_message_get_state (message));

  if (encryption == TESS_ENCRYPTION_NONE)
    {
      add_line (box, _("Not encrypted"), "heading");
      add_line (box, _("The servers in between could read this message."), NULL);
    }
  else
    {
      /* Translators: %u is the number of a device */
      g_autofree char *device = g_strdup_printf (_("Device %u · %s"), tess_message_get_device (message),
                                                 tess_sign_trust_word (tess_message_get_trust (message)));
      add_line (box, encryption == TESS_ENCRYPTION_OMEMO ? _("Encrypted with OMEMO") : _("Encrypted, cannot be read"), "heading");
      if (tess_message_get_device (message) != 0)
        {
          add_line (box, device, NULL);
          add_fingerprint (self, box);
        }
      if (encryption == TESS_ENCRYPTION_UNREADABLE && tess_message_get_error (message) != NULL)
        add_line (box, tess_message_get_error (message), NULL);
    }
  add_line (box, time, "dim-label");
  if (state != NULL)
    add_line (box, state, "dim-label");
  gtk_popover_set_child (GTK_POPOVER (popover), box);
  gtk_widget_add_css_class (popover, "tess-details");
  gtk_accessible_update_property (GTK_ACCESSIBLE (popover), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Message Details"), -1);
  gtk_widget_set_parent (popover, has_meta (self) ? self->lock : self->bubble);
  g_set_weak_pointer (&self->popover, popover);
  g_signal_connect (popover, "closed", G_CALLBACK (popover_closed_cb), NULL);
  gtk_popover_popup (GTK_POPOVER (popover));
}

static void
details_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  show_details (TESS_MESSAGE_ROW (widget));
}

static void
copy_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TessMessageRow *self = TESS_MESSAGE_ROW (widget);
  int start, end;

  /* A part that is marked is what is meant. */
  if (gtk_label_get_selection_bounds (GTK_LABEL (self->label), &start, &end))
    g_signal_emit_by_name (self->label, "copy-clipboard");
  else
    gdk_clipboard_set_text (gtk_widget_get_clipboard (widget), tess_message_get_text (self->message));
}

static void
retry_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TessMessageRow *self = TESS_MESSAGE_ROW (widget);
  tess_conversation_retry (self->conversation, self->message);
}

static void
show_all_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TessMessageRow *self = TESS_MESSAGE_ROW (widget);

  self->expanded = !self->expanded;
  update_text (self);
  update_accessible (self);
}

static GMenuModel *
row_menu (void)
{
  static GMenu *menu;

  if (menu == NULL)
    {
      menu = g_menu_new ();
      g_menu_append (menu, _("_Copy Message"), "message.copy");
      g_menu_append (menu, _("_Details"), "message.details");
      g_menu_append (menu, _("_Try Again"), "message.retry");
    }
  return G_MENU_MODEL (menu);
}

static void
menu_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TessMessageRow *self = TESS_MESSAGE_ROW (widget);
  GtkWidget *popover = gtk_popover_menu_new_from_model (row_menu ());

  gtk_widget_set_parent (popover, self->bubble);
  g_set_weak_pointer (&self->popover, popover);
  g_signal_connect (popover, "closed", G_CALLBACK (popover_closed_cb), NULL);
  gtk_popover_popup (GTK_POPOVER (popover));
}

static gboolean
activate_link_cb (TessMessageRow *self, const char *uri)
{
  if (!tess_text_link_is_allowed (uri))
    return TRUE;
  gtk_widget_activate_action (GTK_WIDGET (self), "app.open-link", "s", uri);
  return TRUE;
}

/* --- layout: the day, the line of new messages, below them avatar and bubble ------------------------------------------------- */

/* Not by boxes: a horizontal one asks a label for its width at a height, which lays the text out a dozen times. */

static GtkSizeRequestMode
tess_message_row_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static int
natural_size (GtkWidget *widget, GtkOrientation orientation, int for_size)
{
  int natural = 0;

  if (widget != NULL)
    gtk_widget_measure (widget, orientation, for_size, NULL, &natural, NULL, NULL);
  return natural;
}

static int
avatar_room (TessMessageRow *self)
{
  return self->avatar != NULL ? natural_size (self->avatar, GTK_ORIENTATION_HORIZONTAL, -1) + AVATAR_SPACE : 0;
}

static int
bubble_width (TessMessageRow *self, int width)
{
  int minimum, natural;

  gtk_widget_measure (self->bubble, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, &natural, NULL, NULL);
  return MAX (minimum, MIN (natural, width - avatar_room (self)));
}

static void
measure_width (TessMessageRow *self, int *minimum, int *natural)
{
  GtkWidget *above[] = { self->day, self->unread };

  gtk_widget_measure (self->bubble, GTK_ORIENTATION_HORIZONTAL, -1, minimum, natural, NULL, NULL);
  *minimum += avatar_room (self);
  *natural += avatar_room (self);
  for (guint i = 0; i < G_N_ELEMENTS (above); i++)
    if (above[i] != NULL)
      {
        int child_minimum, child_natural;
        gtk_widget_measure (above[i], GTK_ORIENTATION_HORIZONTAL, -1, &child_minimum, &child_natural, NULL, NULL);
        *minimum = MAX (*minimum, child_minimum);
        *natural = MAX (*natural, child_natural);
      }
}

static void
tess_message_row_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                          int *minimum_baseline, int *natural_baseline)
{
  TessMessageRow *self = TESS_MESSAGE_ROW (widget);

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      measure_width (self, minimum, natural);
      return;
    }
  int bubble = natural_size (self->bubble, GTK_ORIENTATION_VERTICAL, for_size >= 0 ? bubble_width (self, for_size) : -1);
  *natural = natural_size (self->day, GTK_ORIENTATION_VERTICAL, -1) + natural_size (self->unread, GTK_ORIENTATION_VERTICAL, -1) +
             MAX (bubble, natural_size (self->avatar, GTK_ORIENTATION_VERTICAL, -1));
  *minimum = *natural;
}

static void
tess_message_row_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  TessMessageRow *self = TESS_MESSAGE_ROW (widget);
  GtkWidget *above[] = { self->day, self->unread };
  gboolean rtl = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  int room = avatar_room (self);
  int bubble = bubble_width (self, width);
  int x = tess_message_get_outgoing (self->message) ? width - bubble : room;
  int y = 0;

  for (guint i = 0; i < G_N_ELEMENTS (above); i++)
    if (above[i] != NULL)
      {
        int h = natural_size (above[i], GTK_ORIENTATION_VERTICAL, -1);
        gtk_widget_size_allocate (above[i], &(GtkAllocation){ 0, y, width, h }, -1);
        y += h;
      }
  if (self->avatar != NULL)
    {
      int side = room - AVATAR_SPACE;
      gtk_widget_size_allocate (self->avatar,
                                &(GtkAllocation){ rtl ? width - side : 0, y, side,
                                                  natural_size (self->avatar, GTK_ORIENTATION_VERTICAL, -1) },
                                -1);
    }
  gtk_widget_size_allocate (self->bubble,
                            &(GtkAllocation){ rtl ? width - x - bubble : x, y, bubble,
                                              natural_size (self->bubble, GTK_ORIENTATION_VERTICAL, bubble) },
                            -1);
}

/* What Tab stops at inside the row. */
static guint
tab_stops (TessMessageRow *self, GtkWidget *stops[4])
{
  guint n = 0;

  if (self->has_links)
    stops[n++] = self->label;
  if (self->show_all != NULL && gtk_widget_get_visible (self->show_all))
    stops[n++] = self->show_all;
  if (has_meta (self))
    stops[n++] = self->lock;
  if (self->failed != NULL && gtk_widget_get_visible (self->failed))
    stops[n++] = self->retry;
  return n;
}

static gboolean
tess_message_row_focus (GtkWidget *widget, GtkDirectionType direction)
{
  TessMessageRow *self = TESS_MESSAGE_ROW (widget);
  GtkWidget *inside = gtk_widget_get_focus_child (widget);
  GtkWidget *focus = GTK_WIDGET (gtk_root_get_focus (gtk_widget_get_root (widget)));
  GtkWidget *stops[4];
  guint n = tab_stops (self, stops);
  int current = -1;

  if (focus != widget && inside == NULL)
    return gtk_widget_grab_focus (widget);
  if (direction != GTK_DIR_TAB_FORWARD && direction != GTK_DIR_TAB_BACKWARD)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (focus == stops[i] || (focus != NULL && gtk_widget_is_ancestor (focus, stops[i])))
      current = (int) i;
  if (current >= 0 && gtk_widget_child_focus (stops[current], direction))
    return TRUE; /* from link to link */
  if (direction == GTK_DIR_TAB_BACKWARD)
    return current > 0 ? gtk_widget_grab_focus (stops[current - 1])
                       : current == 0 && gtk_widget_grab_focus (widget);
  for (guint i = (guint) (current + 1); i < n; i++)
    if (gtk_widget_child_focus (stops[i], direction))
      return TRUE;
  return FALSE;
}

static gboolean
tess_message_row_grab_focus (GtkWidget *widget)
{
  gtk_root_set_focus (gtk_widget_get_root (widget), widget);
  return TRUE;
}

static void
tess_message_row_dispose (GObject *object)
{
  TessMessageRow *self = TESS_MESSAGE_ROW (object);
  GtkWidget *child;

  if (self->message != NULL)
    g_signal_handlers_disconnect_by_data (self->message, self);
  if (self->popover != NULL)
    {
      g_signal_handlers_disconnect_by_func (self->popover, popover_closed_cb, NULL);
      gtk_widget_unparent (self->popover);
    }
  g_clear_weak_pointer (&self->popover);
  g_clear_object (&self->message);
  g_clear_object (&self->conversation);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  G_OBJECT_CLASS (tess_message_row_parent_class)->dispose (object);
}

static void
tess_message_row_class_init (TessMessageRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_message_row_dispose;
  widget_class->focus = tess_message_row_focus;
  widget_class->grab_focus = tess_message_row_grab_focus;
  widget_class->get_request_mode = tess_message_row_get_request_mode;
  widget_class->measure = tess_message_row_measure;
  widget_class->size_allocate = tess_message_row_size_allocate;
  gtk_widget_class_set_css_name (widget_class, "tess-message");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_LIST_ITEM);
  gtk_widget_class_install_action (widget_class, "message.copy", NULL, copy_action);
  gtk_widget_class_install_action (widget_class, "message.details", NULL, details_action);
  gtk_widget_class_install_action (widget_class, "message.retry", NULL, retry_action);
  gtk_widget_class_install_action (widget_class, "message.show-all", NULL, show_all_action);
  gtk_widget_class_install_action (widget_class, "message.menu", NULL, menu_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_c, GDK_CONTROL_MASK, "message.copy", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_F10, GDK_SHIFT_MASK, "message.menu", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Menu, 0, "message.menu", NULL);
}

static void
tess_message_row_init (TessMessageRow *self)
{
  GtkWidget *widget = GTK_WIDGET (self);

  gtk_widget_set_focusable (widget, TRUE);
  self->bubble = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_widget_add_css_class (self->bubble, "tess-bubble");
  self->label = gtk_label_new (NULL);
  gtk_label_set_wrap (GTK_LABEL (self->label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (self->label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_natural_wrap_mode (GTK_LABEL (self->label), GTK_NATURAL_WRAP_NONE);
  gtk_label_set_selectable (GTK_LABEL (self->label), TRUE);
  /* A hyphen that nobody wrote would be read as part of an address or a key. */
  g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();
  pango_attr_list_insert (attributes, pango_attr_insert_hyphens_new (FALSE));
  gtk_label_set_attributes (GTK_LABEL (self->label), attributes);
  gtk_label_set_xalign (GTK_LABEL (self->label), 0);
  gtk_label_set_extra_menu (GTK_LABEL (self->label), row_menu ());
  gtk_widget_add_css_class (self->label, "tess-text");
  g_signal_connect_swapped (self->label, "activate-link", G_CALLBACK (activate_link_cb), self);
  gtk_box_append (GTK_BOX (self->bubble), self->label);
  gtk_widget_action_set_enabled (widget, "message.retry", FALSE);
  gtk_widget_set_parent (self->bubble, widget);
}

static void
set_class (GtkWidget *widget, const char *name, gboolean on)
{
  if (on)
    gtk_widget_add_css_class (widget, name);
  else
    gtk_widget_remove_css_class (widget, name);
}

static void
take_message (TessMessageRow *self, TessMessage *message)
{
  gboolean outgoing = tess_message_get_outgoing (message);

  g_set_object (&self->message, message);
  set_class (GTK_WIDGET (self), "outgoing", outgoing);
  set_class (GTK_WIDGET (self), "incoming", !outgoing);
  if (outgoing)
    g_clear_pointer (&self->avatar, gtk_widget_unparent);
  else if (self->avatar == NULL)
    {
      self->avatar = tess_avatar_new (32);
      tess_avatar_set_person (TESS_AVATAR (self->avatar), tess_conversation_get_name (self->conversation),
                              tess_conversation_get_color (self->conversation));
      gtk_widget_insert_before (self->avatar, GTK_WIDGET (self), self->bubble);
    }
  g_signal_connect_swapped (message, "notify", G_CALLBACK (message_changed_cb), self);
  update_text (self);
  update_accessible (self);
}

GtkWidget *
tess_message_row_new (TessConversation *conversation, TessMessage *message)
{
  TessMessageRow *self = g_object_new (TESS_TYPE_MESSAGE_ROW, NULL);

  self->conversation = g_object_ref (conversation);
  take_message (self, message);
  return GTK_WIDGET (self);
}

gboolean
tess_message_row_reuse (TessMessageRow *self, TessMessage *message)
{
  g_return_val_if_fail (TESS_IS_MESSAGE_ROW (self), FALSE);

  if (self->popover != NULL || gtk_widget_get_focus_child (gtk_widget_get_parent (GTK_WIDGET (self))) == GTK_WIDGET (self))
    return FALSE;
  g_signal_handlers_disconnect_by_data (self->message, self);
  self->expanded = FALSE;
  gtk_label_select_region (GTK_LABEL (self->label), 0, 0);
  take_message (self, message);
  return TRUE;
}

TessMessage *
tess_message_row_get_message (TessMessageRow *self)
{
  g_return_val_if_fail (TESS_IS_MESSAGE_ROW (self), NULL);
  return self->message;
}

static GtkWidget *
make_unread_line (void)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *label = gtk_label_new (_("New messages"));

  for (int i = 0; i < 2; i++)
    {
      GtkWidget *rule = gtk_separator_new (GTK_ORIENTATION_HORIZONTAL);
      gtk_widget_set_hexpand (rule, TRUE);
      gtk_widget_set_valign (rule, GTK_ALIGN_CENTER);
      gtk_box_append (GTK_BOX (box), rule);
      if (i == 0)
        gtk_box_append (GTK_BOX (box), label);
    }
  gtk_widget_add_css_class (box, "tess-unread-line");
  return box;
}

void
tess_message_row_set_place (TessMessageRow *self, const char *day, gboolean unread, gboolean first, gboolean last)
{
  g_return_if_fail (TESS_IS_MESSAGE_ROW (self));

  if (day == NULL)
    g_clear_pointer (&self->day, gtk_widget_unparent);
  else
    {
      if (self->day == NULL)
        {
          self->day = gtk_label_new (NULL);
          gtk_widget_set_halign (self->day, GTK_ALIGN_CENTER);
          gtk_widget_add_css_class (self->day, "tess-day");
          gtk_widget_insert_before (self->day, GTK_WIDGET (self), gtk_widget_get_first_child (GTK_WIDGET (self)));
        }
      gtk_label_set_text (GTK_LABEL (self->day), day);
    }
  if (!unread)
    g_clear_pointer (&self->unread, gtk_widget_unparent);
  else if (self->unread == NULL)
    {
      self->unread = make_unread_line ();
      gtk_widget_insert_before (self->unread, GTK_WIDGET (self), self->avatar != NULL ? self->avatar : self->bubble);
    }
  self->first = first;
  self->last = last;
  set_class (GTK_WIDGET (self), "first", first);
  set_class (GTK_WIDGET (self), "last", last);
  if (self->avatar != NULL)
    gtk_widget_set_opacity (self->avatar, first ? 1.0 : 0.0);
  update_meta (self);
}
