/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-avatar.h"
#include "views/tess-contact-dialog.h"
#include "views/tess-device-view.h"
#include "views/tess-signs.h"
#include "views/tess-text.h"
#include "views/tess-verification-dialog.h"

#include <glib/gi18n.h>

struct _TessContactDialog
{
  AdwWindow parent_instance;

  TessAvatar      *avatar;
  GtkLabel        *name;
  GtkLabel        *address;
  GtkLabel        *presence;
  AdwEntryRow     *rename;
  GtkWidget       *add;
  GtkWidget       *remove;
  GtkLabel        *subscription;
  TessDeviceView  *devices;
  AdwComboRow     *blind;
  AdwToastOverlay *toasts;

  TessConversation *conversation;
  TessContact      *contact; /* nullable */
  GCancellable     *cancellable;
};

G_DEFINE_FINAL_TYPE (TessContactDialog, tess_contact_dialog, ADW_TYPE_WINDOW)

static const char *
subscription_words (TessContact *contact)
{
  if (contact == NULL || !tess_contact_get_in_roster (contact))
    return _("Not among your contacts. You do not see each other's presence.");
  if (tess_contact_get_asked (contact))
    return _("You asked to see their presence. They have not answered yet.");
  switch (tess_contact_get_subscription (contact))
    {
    case TESS_SUBSCRIPTION_BOTH:
      return _("You see each other's presence.");
    case TESS_SUBSCRIPTION_TO:
      return _("You see their presence; they do not see yours.");
    case TESS_SUBSCRIPTION_FROM:
      return _("They see your presence; you do not see theirs.");
    case TESS_SUBSCRIPTION_NONE:
    default:
      return _("You do not see each other's presence.");
    }
}

static void
update (TessContactDialog *self)
{
  TessContact *contact = tess_conversation_get_contact (self->conversation);
  gboolean in_roster = contact != NULL && tess_contact_get_in_roster (contact);
  const char *name = tess_conversation_get_name (self->conversation);
  TessPresence presence = tess_conversation_get_presence (self->conversation);

  if (contact != self->contact)
    {
      if (self->contact != NULL)
        g_signal_handlers_disconnect_by_data (self->contact, self);
      g_set_object (&self->contact, contact);
      if (contact != NULL)
        g_signal_connect_object (contact, "notify", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
    }
  tess_avatar_set_person (self->avatar, name, tess_conversation_get_color (self->conversation));
  tess_avatar_set_presence (self->avatar, in_roster ? (int) presence : -1);
  gtk_label_set_text (self->name, name);
  gtk_label_set_text (self->presence, tess_sign_presence_word (presence));
  gtk_widget_set_visible (GTK_WIDGET (self->presence), in_roster);
  gtk_label_set_text (self->subscription, subscription_words (contact));
  gtk_widget_set_visible (self->add, !in_roster);
  gtk_widget_set_visible (self->remove, in_roster);
  gtk_widget_set_visible (GTK_WIDGET (self->rename), in_roster);
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessContactDialog) self = TESS_CONTACT_DIALOG (user_data);
  g_autoptr (GError) error = NULL;

  if (!tess_account_change_contact_finish (TESS_ACCOUNT (source), result, &error) && self->conversation != NULL &&
      !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_autofree char *title = g_markup_escape_text (error->message, -1);
      adw_toast_overlay_add_toast (self->toasts, adw_toast_new (title));
    }
}

static void
change (TessContactDialog *self, TessContactAction action, const char *name)
{
  tess_account_change_contact_async (tess_conversation_get_account (self->conversation),
                                     tess_conversation_get_address (self->conversation), (int) action, name,
                                     self->cancellable, changed_cb, g_object_ref (self));
}

static void
add_clicked_cb (TessContactDialog *self)
{
  change (self, TESS_CONTACT_ADD, NULL);
}

static void
rename_applied_cb (TessContactDialog *self)
{
  change (self, TESS_CONTACT_RENAME, gtk_editable_get_text (GTK_EDITABLE (self->rename)));
}

static void
remove_response_cb (TessContactDialog *self, const char *response)
{
  if (g_strcmp0 (response, "remove") == 0 && self->conversation != NULL)
    change (self, TESS_CONTACT_REMOVE, NULL);
}

static void
remove_clicked_cb (TessContactDialog *self)
{
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (self), NULL, NULL);

  adw_message_dialog_format_heading (ADW_MESSAGE_DIALOG (dialog), _("Remove %s From Your Contacts?"),
                                     tess_conversation_get_name (self->conversation));
  adw_message_dialog_set_body (ADW_MESSAGE_DIALOG (dialog),
                               _("You will no longer see each other's presence. The messages stay."));
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _("_Cancel"), "remove", _("_Remove Contact"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "remove", ADW_RESPONSE_DESTRUCTIVE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (remove_response_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
copy_clicked_cb (TessContactDialog *self)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), tess_conversation_get_address (self->conversation));
  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (_("Address copied")));
}

static void
verify_clicked_cb (TessContactDialog *self)
{
  gtk_window_present (GTK_WINDOW (tess_verification_dialog_new (GTK_WINDOW (self), self->conversation)));
}

static void
tess_contact_dialog_dispose (GObject *object)
{
  TessContactDialog *self = TESS_CONTACT_DIALOG (object);

  g_cancellable_cancel (self->cancellable);
  if (self->contact != NULL)
    g_signal_handlers_disconnect_by_data (self->contact, self);
  if (self->conversation != NULL)
    g_signal_handlers_disconnect_by_data (self->conversation, self);
  g_clear_object (&self->contact);
  g_clear_object (&self->conversation);
  g_clear_object (&self->cancellable);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_CONTACT_DIALOG);
  G_OBJECT_CLASS (tess_contact_dialog_parent_class)->dispose (object);
}

/* The choices stand in the order of TessBlind. */
static void
blind_selected_cb (TessContactDialog *self)
{
  if (self->conversation != NULL)
    tess_conversation_set_blind (self->conversation, (TessBlind) adw_combo_row_get_selected (self->blind));
}

static void
tess_contact_dialog_class_init (TessContactDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_contact_dialog_dispose;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/contact-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, TessContactDialog, avatar);
  gtk_widget_class_bind_template_child (widget_class, TessContactDialog, name);
  gtk_widget_class_bind_template_child (widget_class, TessContactDialog, address);
  gtk_widget_class_bind_template_child (widget_class, TessContactDialog, presence);
  gtk_widget_class_bind_template_child (widget_class, TessContactDialog, rename);
  gtk_widget_class_bind_template_child (widget_class, TessContactDialog, add);
  gtk_widget_class_bind_template_child (widget_class, TessContactDialog, remove);
  gtk_widget_class_bind_template_child (widget_class, TessContactDialog, subscription);
  gtk_widget_class_bind_template_child (widget_class, TessContactDialog, devices);
  gtk_widget_class_bind_template_child (widget_class, TessContactDialog, toasts);
  gtk_widget_class_bind_template_child (widget_class, TessContactDialog, blind);
  gtk_widget_class_bind_template_callback (widget_class, blind_selected_cb);
  gtk_widget_class_bind_template_callback (widget_class, add_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, remove_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, rename_applied_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, verify_clicked_cb);
}

static void
tess_contact_dialog_init (TessContactDialog *self)
{
  g_type_ensure (TESS_TYPE_AVATAR);
  g_type_ensure (TESS_TYPE_DEVICE_VIEW);
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
}

GtkWidget *
tess_contact_dialog_new (GtkWindow *parent, TessConversation *conversation)
{
  TessContactDialog *self = g_object_new (TESS_TYPE_CONTACT_DIALOG, "transient-for", parent, "application", gtk_window_get_application (parent), NULL);
  g_autoptr (TessDeviceList) devices = tess_conversation_get_devices (conversation);

  adw_combo_row_set_selected (self->blind, tess_conversation_get_blind (conversation));
  self->conversation = g_object_ref (conversation);
  gtk_label_set_text (self->address, tess_conversation_get_address (conversation));
  gtk_editable_set_text (GTK_EDITABLE (self->rename), tess_conversation_get_name (conversation));
  tess_device_view_set (self->devices, _("Devices"), _("No device of this contact is known, so messages cannot be encrypted."), devices);
  g_signal_connect_swapped (conversation, "notify", G_CALLBACK (update), self);
  update (self);
  return GTK_WIDGET (self);
}
