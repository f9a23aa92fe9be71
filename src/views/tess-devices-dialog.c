/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-devices-dialog.h"

#include "views/tess-card.h"
#include "views/tess-device-view.h"
#include "views/tess-verification-dialog.h"

#include <glib/gi18n.h>

struct _TessDevicesDialog
{
  AdwWindow parent_instance;

  AdwWindowTitle  *title;
  AdwToastOverlay *toasts;
  TessDeviceView  *devices;
  GtkSwitch       *blind;

  TessAccount          *account;
  TessDeviceList       *list;
  GtkFileChooserNative *chooser; /* nullable */
  TessCard             *card;    /* nullable: being saved or printed */
  GCancellable         *cancellable;
};

G_DEFINE_FINAL_TYPE (TessDevicesDialog, tess_devices_dialog, ADW_TYPE_WINDOW)

static void
say (TessDevicesDialog *self, const char *sentence)
{
  g_autofree char *escaped = g_markup_escape_text (sentence, -1);

  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (escaped));
}

static void
verify_cb (TessDevicesDialog *self)
{
  gtk_window_present (GTK_WINDOW (tess_verification_dialog_new_own (GTK_WINDOW (self), self->account)));
}

/* --- the card ------------------------------------------------------------------------------------------------------------------- */

static void
saved_cb (TessDevicesDialog *self, int response)
{
  g_autoptr (GtkFileChooserNative) chooser = g_steal_pointer (&self->chooser);
  g_autoptr (GFile) file = response == GTK_RESPONSE_ACCEPT ? gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser)) : NULL;
  g_autoptr (GError) error = NULL;

  if (file == NULL)
    return;
  if (tess_card_save (self->card, file, &error))
    say (self, _("The card was saved."));
  else
    {
      /* Translators: what went wrong, as a sentence */
      g_autofree char *sentence = g_strdup_printf (_("The card was not saved. %s"), error->message);

      say (self, sentence);
    }
}

static void
save_card (TessDevicesDialog *self)
{
  g_autofree char *name = g_strdup_printf ("%s.png", tess_account_get_address (self->account));

  if (self->chooser != NULL)
    return;
  self->chooser = gtk_file_chooser_native_new (_("Save Fingerprint Card"), GTK_WINDOW (self), GTK_FILE_CHOOSER_ACTION_SAVE, NULL, NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

      gtk_file_filter_set_name (filter, i == 0 ? _("Picture or PDF") : _("All Files"));
      gtk_file_filter_add_pattern (filter, i == 0 ? "*.png" : "*");
      if (i == 0)
        gtk_file_filter_add_pattern (filter, "*.pdf");
      gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), filter);
    }
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (self->chooser), name);
  g_signal_connect_swapped (self->chooser, "response", G_CALLBACK (saved_cb), self);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
draw_page_cb (GtkPrintOperation *operation, GtkPrintContext *context, int page, TessDevicesDialog *self)
{
  /* In the middle of the upper half, at its own size. */
  tess_card_draw (self->card, gtk_print_context_get_cairo_context (context), gtk_print_context_get_width (context));
}

static void
print_card (TessDevicesDialog *self)
{
  g_autoptr (GtkPrintOperation) operation = gtk_print_operation_new ();
  g_autoptr (GError) error = NULL;

  gtk_print_operation_set_n_pages (operation, 1);
  gtk_print_operation_set_unit (operation, GTK_UNIT_POINTS);
  gtk_print_operation_set_job_name (operation, _("Fingerprint Card"));
  g_signal_connect (operation, "draw-page", G_CALLBACK (draw_page_cb), self);
  if (gtk_print_operation_run (operation, GTK_PRINT_OPERATION_ACTION_PRINT_DIALOG, GTK_WINDOW (self), &error) == GTK_PRINT_OPERATION_RESULT_ERROR)
    say (self, error->message);
}

typedef struct
{
  TessDevicesDialog *dialog;
  gboolean           print;
} Wish;

static void
uri_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Wish *wish = user_data;
  g_autoptr (TessDevicesDialog) self = wish->dialog;
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = tess_account_load_uri_finish (TESS_ACCOUNT (source), result, &error);

  if (self->account == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (uri == NULL)
    {
      say (self, error->message);
      return;
    }
  g_clear_pointer (&self->card, tess_card_free);
  self->card = tess_card_new (tess_account_get_address (self->account), uri, self->list);
  if (wish->print)
    print_card (self);
  else
    save_card (self);
}

static void
make_card (TessDevicesDialog *self, gboolean print)
{
  Wish *wish = g_new0 (Wish, 1);

  wish->dialog = g_object_ref (self);
  wish->print = print;
  tess_account_load_uri_async (self->account, self->cancellable, uri_loaded_cb, wish);
}

static void
save_cb (TessDevicesDialog *self)
{
  make_card (self, FALSE);
}

static void
print_cb (TessDevicesDialog *self)
{
  make_card (self, TRUE);
}

/* --- blind trust before verification -------------------------------------------------------------------------------------------- */

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessDevicesDialog) self = TESS_DEVICES_DIALOG (user_data);
  g_autoptr (GError) error = NULL;

  if (!tess_account_change_finish (TESS_ACCOUNT (source), result, &error) && self->account != NULL
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    say (self, error->message);
}

static void
blind_cb (TessDevicesDialog *self)
{
  g_autoptr (TessAccountRecord) record = NULL;
  gboolean blind = gtk_switch_get_active (self->blind);

  if (self->account == NULL || tess_account_get_record (self->account)->blind_trust == blind)
    return;
  record = tess_account_record_copy (tess_account_get_record (self->account));
  record->blind_trust = blind;
  tess_account_change_async (self->account, record, NULL, self->cancellable, changed_cb, g_object_ref (self));
}

/* --- new keys ------------------------------------------------------------------------------------------------------------------- */

static void
reset_done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessDevicesDialog) self = TESS_DEVICES_DIALOG (user_data);
  g_autoptr (GError) error = NULL;
  gboolean done = tess_account_reset_keys_finish (TESS_ACCOUNT (source), result, &error);

  if (self->account != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    say (self, done ? _("This device has new keys.") : error->message);
}

static void
reset_answered_cb (TessDevicesDialog *self, const char *response)
{
  if (self->account != NULL && g_str_equal (response, "reset"))
    tess_account_reset_keys_async (self->account, self->cancellable, reset_done_cb, g_object_ref (self));
}

static void
reset_cb (TessDevicesDialog *self)
{
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (self), _("Make New Keys?"),
                                              _("This device gets a new fingerprint. Everybody who verified it has to do that again, and messages "
                                                "that are on their way to it now cannot be read. Do this if somebody may have copied the keys."));

  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _("_Cancel"), "reset", _("_Throw Away the Old Keys"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "reset", ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (reset_answered_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* --- object --------------------------------------------------------------------------------------------------------------------- */

static void
tess_devices_dialog_dispose (GObject *object)
{
  TessDevicesDialog *self = TESS_DEVICES_DIALOG (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->account);
  g_clear_object (&self->list);
  g_clear_pointer (&self->card, tess_card_free);
  if (self->chooser != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->chooser, self);
      gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
    }
  g_clear_object (&self->chooser);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_DEVICES_DIALOG);
  G_OBJECT_CLASS (tess_devices_dialog_parent_class)->dispose (object);
}

static void
tess_devices_dialog_class_init (TessDevicesDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_devices_dialog_dispose;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/devices-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, TessDevicesDialog, title);
  gtk_widget_class_bind_template_child (widget_class, TessDevicesDialog, toasts);
  gtk_widget_class_bind_template_child (widget_class, TessDevicesDialog, devices);
  gtk_widget_class_bind_template_child (widget_class, TessDevicesDialog, blind);
  gtk_widget_class_bind_template_callback (widget_class, blind_cb);
  gtk_widget_class_bind_template_callback (widget_class, verify_cb);
  gtk_widget_class_bind_template_callback (widget_class, save_cb);
  gtk_widget_class_bind_template_callback (widget_class, print_cb);
  gtk_widget_class_bind_template_callback (widget_class, reset_cb);
}

static void
tess_devices_dialog_init (TessDevicesDialog *self)
{
  g_type_ensure (TESS_TYPE_DEVICE_VIEW);
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
}

GtkWidget *
tess_devices_dialog_new (GtkWindow *parent, TessAccount *account)
{
  TessDevicesDialog *self = g_object_new (TESS_TYPE_DEVICES_DIALOG, "transient-for", parent, NULL);

  gtk_switch_set_active (self->blind, tess_account_get_record (account)->blind_trust);
  self->account = g_object_ref (account);
  self->list = tess_account_get_devices (account, NULL);
  adw_window_title_set_subtitle (self->title, tess_account_get_address (account));
  tess_device_view_set (self->devices, _("Devices of This Account"), _("The devices are not known yet. Connect the account first."), self->list);
  return GTK_WIDGET (self);
}
