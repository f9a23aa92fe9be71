/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-device-view.h"
#include "views/tess-fingerprint.h"
#include "views/tess-qr-code.h"
#include "views/tess-text.h"
#include "views/tess-verification-dialog.h"

#include <glib/gi18n.h>

struct _TessVerificationDialog
{
  AdwWindow parent_instance;

  AdwWindowTitle  *title;
  GtkStack        *stack;
  GtkStack        *code_stack;
  TessQrCode      *code;
  GtkLabel        *caption;
  GtkLabel        *problem;
  GtkWidget       *copy_uri;
  GtkLabel        *device;
  TessFingerprint *fingerprint;
  GtkWidget       *copy_fingerprint;
  AdwToastOverlay *toasts;
  GtkLabel        *by_hand;
  TessDeviceView  *devices;

  TessConversation *conversation;
  TessDeviceList   *own;
  GCancellable     *cancellable;
  char             *uri;
};

G_DEFINE_FINAL_TYPE (TessVerificationDialog, tess_verification_dialog, ADW_TYPE_WINDOW)

static void
uri_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessVerificationDialog) self = TESS_VERIFICATION_DIALOG (user_data);
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = tess_account_load_uri_finish (TESS_ACCOUNT (source), result, &error);

  if (self->conversation == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (uri != NULL && tess_qr_code_set_text (self->code, uri))
    {
      g_free (self->uri);
      self->uri = g_steal_pointer (&uri);
      gtk_widget_set_sensitive (self->copy_uri, TRUE);
      gtk_stack_set_visible_child_name (self->code_stack, "code");
      return;
    }
  gtk_label_set_text (self->problem, error != NULL ? error->message : _("The code is too long to be drawn. Compare the fingerprints by hand."));
  gtk_stack_set_visible_child_name (self->code_stack, "problem");
}

/* This very device is the first of one's own. */
static void
own_changed_cb (TessVerificationDialog *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->own));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TessDevice) device = g_list_model_get_item (G_LIST_MODEL (self->own), i);

      if (!tess_device_get_local (device))
        continue;
      g_autofree char *number = g_strdup_printf (_("This device · %u"), tess_device_get_id (device));
      gtk_label_set_text (self->device, number);
      tess_fingerprint_set_text (self->fingerprint, tess_device_get_fingerprint (device));
      gtk_widget_set_sensitive (self->copy_fingerprint, tess_device_get_fingerprint (device) != NULL);
    }
}

static void
copy (TessVerificationDialog *self, const char *text, const char *words)
{
  if (text == NULL)
    return;
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (words));
}

static void
copy_uri_cb (TessVerificationDialog *self)
{
  copy (self, self->uri, _("Code copied as text"));
}

static void
copy_fingerprint_cb (TessVerificationDialog *self)
{
  g_autofree char *spaced = tess_text_fingerprint_spaced (tess_fingerprint_get_text (self->fingerprint));
  copy (self, spaced, _("Fingerprint copied"));
}

static void
tess_verification_dialog_dispose (GObject *object)
{
  TessVerificationDialog *self = TESS_VERIFICATION_DIALOG (object);

  g_cancellable_cancel (self->cancellable);
  if (self->own != NULL)
    g_signal_handlers_disconnect_by_data (self->own, self);
  g_clear_object (&self->own);
  g_clear_object (&self->conversation);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->uri, g_free);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_VERIFICATION_DIALOG);
  G_OBJECT_CLASS (tess_verification_dialog_parent_class)->dispose (object);
}

static void
tess_verification_dialog_class_init (TessVerificationDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_verification_dialog_dispose;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/verification-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, title);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, stack);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, code_stack);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, code);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, caption);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, problem);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, copy_uri);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, device);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, fingerprint);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, copy_fingerprint);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, toasts);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, by_hand);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, devices);
  gtk_widget_class_bind_template_callback (widget_class, copy_uri_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_fingerprint_cb);
}

static void
tess_verification_dialog_init (TessVerificationDialog *self)
{
  g_type_ensure (TESS_TYPE_QR_CODE);
  g_type_ensure (TESS_TYPE_FINGERPRINT);
  g_type_ensure (TESS_TYPE_DEVICE_VIEW);
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
}

GtkWidget *
tess_verification_dialog_new (GtkWindow *parent, TessConversation *conversation)
{
  TessVerificationDialog *self = g_object_new (TESS_TYPE_VERIFICATION_DIALOG, "transient-for", parent, "application", gtk_window_get_application (parent), NULL);
  TessAccount *account = tess_conversation_get_account (conversation);
  const char *name = tess_conversation_get_name (conversation);
  g_autoptr (TessDeviceList) devices = tess_conversation_get_devices (conversation);
  /* Translators: %s is a contact */
  g_autofree char *title = g_strdup_printf (_("Verify %s"), name);
  g_autofree char *caption = g_strdup_printf (_("Let %s scan this code with their app."), name);
  g_autofree char *heading = g_strdup_printf (_("Devices of %s"), name);
  g_autofree char *empty = g_strdup_printf (_("No device of %s is known."), name);
  g_autofree char *by_hand =
    g_strdup_printf (_("Scanning comes in a later version. Until then compare by hand: let %s read their fingerprints to you, face to face "
                       "or on the phone. Where all digits are the same, choose Verified."),
                     name);

  self->conversation = g_object_ref (conversation);
  self->own = tess_account_get_devices (account, NULL);
  adw_window_title_set_title (self->title, title);
  adw_window_title_set_subtitle (self->title, tess_conversation_get_address (conversation));
  gtk_window_set_title (GTK_WINDOW (self), title);
  gtk_label_set_text (self->caption, caption);
  gtk_label_set_text (self->by_hand, by_hand);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->code), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("QR code with the fingerprints of your verified devices"), -1);
  tess_device_view_set (self->devices, heading, empty, devices);
  g_signal_connect_swapped (self->own, "items-changed", G_CALLBACK (own_changed_cb), self);
  own_changed_cb (self);
  tess_account_load_uri_async (account, self->cancellable, uri_loaded_cb, g_object_ref (self));
  return GTK_WIDGET (self);
}

void
tess_verification_dialog_show_devices (TessVerificationDialog *self)
{
  g_return_if_fail (TESS_IS_VERIFICATION_DIALOG (self));
  gtk_stack_set_visible_child_name (self->stack, "scan");
}
