/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-avatar.h"
#include "views/tess-conversation-row.h"
#include "views/tess-signs.h"
#include "views/tess-text.h"

#include <glib/gi18n.h>

#define MAX_BADGE 99
/* How often a row is drawn anew while much comes in. */
#define REFRESH_PAUSE_MS 100

struct _TessConversationRow
{
  GtkListBoxRow parent_instance;

  TessAvatar *avatar;
  GtkLabel   *name;
  GtkLabel   *time;
  GtkImage   *state;
  GtkLabel   *preview;
  GtkLabel   *badge;

  TessConversation *conversation;
  gint64            refreshed_us;
  guint             refresh_id;
};

G_DEFINE_FINAL_TYPE (TessConversationRow, tess_conversation_row, GTK_TYPE_LIST_BOX_ROW)

static char *
preview_text (TessConversation *conversation)
{
  const char *draft = tess_conversation_get_draft (conversation);
  const char *preview = tess_conversation_get_preview (conversation);

  if (tess_conversation_get_typing (conversation))
    return g_strdup (_("typing…"));
  if (draft != NULL && *draft != '\0')
    {
      g_autofree char *line = tess_text_clean_line (draft);
      /* Translators: words that were written and not sent */
      return g_strdup_printf (_("Draft: %s"), line);
    }
  if (preview == NULL)
    return g_strdup ("");
  g_autofree char *line = tess_text_clean_line (preview);
  return tess_conversation_get_preview_outgoing (conversation) ? g_strdup_printf (_("You: %s"), line) : g_steal_pointer (&line);
}

static void
update_accessible (TessConversationRow *self, const char *preview, const char *time, guint unread)
{
  GString *label = g_string_new (tess_conversation_get_name (self->conversation));

  g_string_append_printf (label, ", %s", tess_sign_presence_word (tess_conversation_get_presence (self->conversation)));
  if (unread > 0)
    {
      g_autofree char *words = g_strdup_printf (ngettext ("%u unread message", "%u unread messages", unread), unread);
      g_string_append_printf (label, ", %s", words);
    }
  if (*preview != '\0')
    g_string_append_printf (label, ", %s", preview);
  if (gtk_widget_get_visible (GTK_WIDGET (self->state)))
    g_string_append_printf (label, ", %s", tess_sign_state_word (tess_conversation_get_preview_state (self->conversation)));
  if (time != NULL)
    g_string_append_printf (label, ", %s", time);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label->str, -1);
  g_string_free (label, TRUE);
}

void
tess_conversation_row_refresh (TessConversationRow *self)
{
  g_return_if_fail (TESS_IS_CONVERSATION_ROW (self));

  g_clear_handle_id (&self->refresh_id, g_source_remove);
  self->refreshed_us = g_get_monotonic_time ();
  TessConversation *conversation = self->conversation;
  const char *name = tess_conversation_get_name (conversation);
  gint64 time_us = tess_conversation_get_time (conversation);
  guint unread = tess_conversation_get_unread (conversation);
  const char *icon = tess_conversation_get_preview_outgoing (conversation)
                       ? tess_sign_state_icon (tess_conversation_get_preview_state (conversation))
                       : NULL;
  gboolean failed = tess_conversation_get_preview_state (conversation) == TESS_MESSAGE_FAILED;
  g_autofree char *preview = preview_text (conversation);
  g_autofree char *time = time_us > 0 ? tess_text_list_time (time_us, g_get_real_time (), tess_text_use_24_hours ()) : NULL;
  g_autofree char *count = unread > MAX_BADGE ? g_strdup_printf ("%d+", MAX_BADGE) : g_strdup_printf ("%u", unread);

  tess_avatar_set_person (self->avatar, name, tess_conversation_get_color (conversation));
  tess_avatar_set_presence (self->avatar, (int) tess_conversation_get_presence (conversation));
  gtk_label_set_text (self->name, name);
  gtk_label_set_text (self->time, time != NULL ? time : "");
  gtk_label_set_text (self->preview, preview);
  gtk_label_set_text (self->badge, count);
  gtk_widget_set_visible (GTK_WIDGET (self->badge), unread > 0);
  gtk_widget_set_visible (GTK_WIDGET (self->state), icon != NULL);
  if (icon != NULL)
    gtk_image_set_from_icon_name (self->state, icon);
  gtk_widget_set_css_classes (GTK_WIDGET (self->state), (const char *[]){ failed ? "tess-danger" : "dim-label", NULL });
  if (unread > 0)
    gtk_widget_add_css_class (GTK_WIDGET (self), "unread");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "unread");
  update_accessible (self, preview, time, unread);
}

static void
refresh_cb (gpointer user_data)
{
  TessConversationRow *self = TESS_CONVERSATION_ROW (user_data);

  self->refresh_id = 0;
  tess_conversation_row_refresh (self);
}

/* One message changes several properties, and an archive brings thousands. */
static void
changed_cb (TessConversationRow *self)
{
  gint64 since = (g_get_monotonic_time () - self->refreshed_us) / G_TIME_SPAN_MILLISECOND;

  if (self->refresh_id == 0)
    self->refresh_id = since < REFRESH_PAUSE_MS ? g_timeout_add_once ((guint) (REFRESH_PAUSE_MS - since), refresh_cb, self)
                                                : g_idle_add_once (refresh_cb, self);
}

static void
tess_conversation_row_dispose (GObject *object)
{
  TessConversationRow *self = TESS_CONVERSATION_ROW (object);

  g_clear_handle_id (&self->refresh_id, g_source_remove);

  if (self->conversation != NULL)
    g_signal_handlers_disconnect_by_data (self->conversation, self);
  g_clear_object (&self->conversation);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_CONVERSATION_ROW);
  G_OBJECT_CLASS (tess_conversation_row_parent_class)->dispose (object);
}

static void
tess_conversation_row_class_init (TessConversationRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_conversation_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/conversation-row.ui");
  gtk_widget_class_bind_template_child (widget_class, TessConversationRow, avatar);
  gtk_widget_class_bind_template_child (widget_class, TessConversationRow, name);
  gtk_widget_class_bind_template_child (widget_class, TessConversationRow, time);
  gtk_widget_class_bind_template_child (widget_class, TessConversationRow, state);
  gtk_widget_class_bind_template_child (widget_class, TessConversationRow, preview);
  gtk_widget_class_bind_template_child (widget_class, TessConversationRow, badge);
}

static void
tess_conversation_row_init (TessConversationRow *self)
{
  g_type_ensure (TESS_TYPE_AVATAR);
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_widget_set_direction (GTK_WIDGET (self->badge), GTK_TEXT_DIR_LTR); /* "99+", never "+99" */
}

GtkWidget *
tess_conversation_row_new (TessConversation *conversation)
{
  TessConversationRow *self = g_object_new (TESS_TYPE_CONVERSATION_ROW, NULL);

  self->conversation = g_object_ref (conversation);
  g_signal_connect_swapped (conversation, "notify", G_CALLBACK (changed_cb), self);
  /* An address is for ever; and GTK asks the display where the pointer is whenever a tooltip is set. */
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), tess_conversation_get_address (conversation));
  tess_conversation_row_refresh (self);
  return GTK_WIDGET (self);
}

TessConversation *
tess_conversation_row_get_conversation (TessConversationRow *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION_ROW (self), NULL);
  return self->conversation;
}
