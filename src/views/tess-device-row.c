/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-device-row.h"
#include "views/tess-fingerprint.h"
#include "views/tess-signs.h"
#include "views/tess-text.h"
#include "views/tess-undo.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#define SILENT_DAYS 60

struct _TessDeviceRow
{
  GtkListBoxRow parent_instance;

  GtkImage        *icon;
  GtkLabel        *title;
  GtkLabel        *subtitle;
  GtkLabel        *alarm;
  GtkLabel        *note;
  GtkLabel        *no_key;
  GtkMenuButton   *menu;
  GtkWidget       *copy;
  TessFingerprint *fingerprint;
  GtkWidget       *compare;

  TessDeviceList     *list;
  TessDevice         *device;
  GSimpleActionGroup *actions;
  GCancellable       *cancellable;
  gboolean            comparing;
};

G_DEFINE_FINAL_TYPE (TessDeviceRow, tess_device_row, GTK_TYPE_LIST_BOX_ROW)

/* The order in which the choices stand, by the states of the action. */
static const struct
{
  TessTrust   trust;
  const char *state;
} choices[] = {
  { TESS_TRUST_VERIFIED, "verified" },
  { TESS_TRUST_BLIND, "trusted" },
  { TESS_TRUST_UNDECIDED, "undecided" },
  { TESS_TRUST_DISTRUSTED, "distrusted" },
};

static char *
device_title (TessDevice *device)
{
  if (tess_device_get_label (device) != NULL)
    return g_strdup (tess_device_get_label (device));
  if (tess_device_get_local (device))
    return g_strdup (_("This device"));
  /* Translators: the number of a device */
  return g_strdup_printf (_("Device %u"), tess_device_get_id (device));
}

static char *
device_subtitle (TessDevice *device)
{
  gboolean local = tess_device_get_local (device);
  GString *text = g_string_new (NULL);

  if (!local)
    g_string_append (text, tess_sign_trust_word (tess_device_get_trust (device)));
  /* What the title does not say already. */
  if (local || tess_device_get_label (device) != NULL)
    g_string_append_printf (text, _("%sDevice %u"), text->len > 0 ? " · " : "", tess_device_get_id (device));
  if (tess_device_get_software (device) != NULL)
    g_string_append_printf (text, " · %s", tess_device_get_software (device));
  if (!local)
    {
      g_autofree char *seen = tess_text_last_seen (tess_device_get_last_seen (device), g_get_real_time ());

      g_string_append_printf (text, " · %s", seen);
    }
  if (tess_device_get_own (device) && tess_device_get_first_seen (device) > 0)
    {
      g_autoptr (GDateTime) first = g_date_time_new_from_unix_local (tess_device_get_first_seen (device) / G_USEC_PER_SEC);
      /* Translators: a date, see g_date_time_format() */
      g_autofree char *since = first != NULL ? g_date_time_format (first, _("known since %x")) : NULL;

      if (since != NULL)
        g_string_append_printf (text, " · %s", since);
    }
  return g_string_free (text, FALSE);
}

/* Of one's own: nothing came from it for so long that it had better go. */
static gboolean
is_silent (TessDevice *device)
{
  gint64 last = MAX (tess_device_get_last_seen (device), tess_device_get_first_seen (device));

  return tess_device_get_own (device) && !tess_device_get_local (device) && tess_device_get_active (device) && last > 0
         && g_get_real_time () - last > SILENT_DAYS * G_TIME_SPAN_DAY;
}

/* (nullable): why it is worth a look, beside trust. */
static const char *
device_note (TessDevice *device)
{
  if (tess_device_get_active (device) && tess_device_get_no_bundle (device))
    return _("It gets no messages: its app has published no keys that can be used.");
  if (is_silent (device))
    return _("Nothing came from it for more than 60 days. Remove it if you do not use it any more.");
  return NULL;
}

static void
update_menu (TessDeviceRow *self, const char *title)
{
  gboolean local = tess_device_get_local (self->device);
  gboolean decidable = !local && tess_device_get_fingerprint (self->device) != NULL;
  g_autoptr (GMenu) menu = g_menu_new ();
  g_autoptr (GMenu) trust = g_menu_new ();
  g_autoptr (GMenu) more = g_menu_new ();
  g_autofree char *name = g_strdup_printf (_("Menu of %s"), title);

  if (decidable)
    {
      g_menu_append (trust, _("Verified"), "device.trust::verified");
      g_menu_append (trust, _("Trusted"), "device.trust::trusted");
      g_menu_append (trust, _("Undecided"), "device.trust::undecided");
      g_menu_append (trust, _("Distrusted"), "device.trust::distrusted");
      g_menu_append_section (menu, _("Trust"), G_MENU_MODEL (trust));
    }
  g_menu_append (more, _("Rename…"), "device.rename");
  if (!local)
    g_menu_append (more, _("Reset Session"), "device.reset");
  if (!local && tess_device_get_own (self->device) && tess_device_get_active (self->device))
    g_menu_append (more, _("Remove…"), "device.remove");
  g_menu_append_section (menu, NULL, G_MENU_MODEL (more));
  gtk_menu_button_set_menu_model (self->menu, G_MENU_MODEL (menu));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->menu), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    if (choices[i].trust == tess_device_get_trust (self->device))
      g_simple_action_set_state (G_SIMPLE_ACTION (g_action_map_lookup_action (G_ACTION_MAP (self->actions), "trust")),
                                 g_variant_new_string (choices[i].state));
}

static void
update (TessDeviceRow *self)
{
  TessTrust trust = tess_device_get_trust (self->device);
  gboolean local = tess_device_get_local (self->device);
  gboolean alarm = tess_device_get_key_alarm (self->device);
  const char *fingerprint = tess_device_get_fingerprint (self->device);
  const char *note = device_note (self->device);
  g_autofree char *title = device_title (self->device);
  g_autofree char *subtitle = device_subtitle (self->device);
  const char *css[] = { local ? NULL : tess_sign_trust_class (trust), NULL };

  gtk_label_set_text (self->title, title);
  gtk_label_set_text (self->subtitle, subtitle);
  gtk_image_set_from_icon_name (self->icon, alarm   ? "tess-warning-symbolic"
                                            : local ? "tess-device-symbolic"
                                                    : tess_sign_trust_icon (trust));
  gtk_widget_set_css_classes (GTK_WIDGET (self->icon), alarm ? (const char *[]){ "tess-danger", NULL } : css);
  gtk_widget_set_visible (GTK_WIDGET (self->alarm), alarm);
  gtk_label_set_text (self->note, note != NULL ? note : "");
  gtk_widget_set_visible (GTK_WIDGET (self->note), note != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->no_key), fingerprint == NULL);
  gtk_widget_set_visible (self->copy, fingerprint != NULL);
  gtk_widget_set_visible (self->compare, self->comparing && !local && fingerprint != NULL && (alarm || trust != TESS_TRUST_VERIFIED));
  tess_fingerprint_set_text (self->fingerprint, fingerprint);
  update_menu (self, title);

  g_autofree char *label = g_strdup_printf ("%s, %s%s%s%s%s", title, subtitle, alarm ? ", " : "", alarm ? gtk_label_get_text (self->alarm) : "",
                                            note != NULL ? ", " : "", note != NULL ? note : "");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

/* --- deciding ------------------------------------------------------------------------------------------------------------------- */

static void
say (TessDeviceRow *self, const char *sentence)
{
  GtkWidget *overlay = gtk_widget_get_ancestor (GTK_WIDGET (self), ADW_TYPE_TOAST_OVERLAY);
  g_autofree char *escaped = g_markup_escape_text (sentence, -1);

  if (overlay != NULL)
    adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (overlay), adw_toast_new (escaped));
  else
    gtk_label_set_text (self->subtitle, sentence);
}

static void
trust_set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessDeviceRow) self = TESS_DEVICE_ROW (user_data);
  g_autoptr (GError) error = NULL;

  if (!tess_device_list_set_trust_finish (TESS_DEVICE_LIST (source), result, &error) && self->device != NULL)
    {
      update (self);
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        say (self, error->message);
    }
}

static void
decide (TessDeviceRow *self, TessTrust trust)
{
  g_autofree char *title = device_title (self->device);
  /* Translators: a device, and how far it is trusted now */
  g_autofree char *sentence = g_strdup_printf (_("%1$s: %2$s"), title, tess_sign_trust_word (trust));

  /* Choosing what is chosen already answers an alarm. */
  if (trust == tess_device_get_trust (self->device) && !tess_device_get_key_alarm (self->device))
    return;
  tess_undo_offer_one (GTK_WIDGET (self), self->list, tess_device_list_remember (self->list, self->device), sentence);
  tess_device_list_set_trust_async (self->list, self->device, trust, self->cancellable, trust_set_cb, g_object_ref (self));
}

static void
trust_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    if (g_str_equal (choices[i].state, g_variant_get_string (parameter, NULL)))
      decide (user_data, choices[i].trust);
}

static void
match_cb (TessDeviceRow *self)
{
  decide (self, TESS_TRUST_VERIFIED);
}

static void
differ_cb (TessDeviceRow *self)
{
  decide (self, TESS_TRUST_DISTRUSTED);
}

/* --- name, session, end --------------------------------------------------------------------------------------------------------- */

/* What is said when it has worked is the task's. */
static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessDeviceRow) self = TESS_DEVICE_ROW (user_data);
  g_autoptr (GError) error = NULL;
  gboolean done = tess_device_list_change_finish (TESS_DEVICE_LIST (source), result, &error);

  if (self->device != NULL && !done && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    say (self, error->message);
}

static void
reset_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessDeviceRow) self = TESS_DEVICE_ROW (g_object_ref (user_data));

  changed_cb (source, result, user_data);
  if (self->device != NULL && !g_task_had_error (G_TASK (result)))
    say (self, _("A new session was started."));
}

static void
reset_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessDeviceRow *self = user_data;

  tess_device_list_change_async (self->list, self->device, TESS_DEVICE_RESET_SESSION, NULL, self->cancellable, reset_cb, g_object_ref (self));
}

static void
renamed_cb (TessDeviceRow *self, const char *response, GtkWidget *dialog)
{
  GtkEditable *entry = GTK_EDITABLE (adw_message_dialog_get_extra_child (ADW_MESSAGE_DIALOG (dialog)));

  if (self->device != NULL && g_str_equal (response, "rename"))
    tess_device_list_change_async (self->list, self->device, TESS_DEVICE_RENAME, gtk_editable_get_text (entry), self->cancellable, changed_cb,
                                   g_object_ref (self));
}

static void
rename_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessDeviceRow *self = user_data;
  const char *label = tess_device_get_label (self->device);
  GtkWidget *entry = gtk_entry_new ();
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), _("Rename Device"),
                                              _("The name stays on this computer. Nobody else sees it."));

  gtk_editable_set_text (GTK_EDITABLE (entry), label != NULL ? label : "");
  gtk_entry_set_max_length (GTK_ENTRY (entry), 64);
  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL, _("Name of the Device"), -1);
  adw_message_dialog_set_extra_child (ADW_MESSAGE_DIALOG (dialog), entry);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _("_Cancel"), "rename", _("_Rename"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "rename", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "rename");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (renamed_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
  gtk_widget_grab_focus (entry);
}

static void
remove_answered_cb (TessDeviceRow *self, const char *response)
{
  if (self->device != NULL && g_str_equal (response, "remove"))
    tess_device_list_change_async (self->list, self->device, TESS_DEVICE_REMOVE, NULL, self->cancellable, changed_cb, g_object_ref (self));
}

static void
remove_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  TessDeviceRow *self = user_data;
  g_autofree char *title = device_title (self->device);
  g_autofree char *heading = g_strdup_printf (_("Remove “%s”?"), title);
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), heading,
                                              _("Nobody writes to this device any more. It comes back by itself when it is used again."));

  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _("_Cancel"), "remove", _("_Remove Device"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "remove", ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (remove_answered_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
copy_clicked_cb (TessDeviceRow *self)
{
  g_autofree char *text = tess_text_fingerprint_spaced (tess_device_get_fingerprint (self->device));

  if (text == NULL)
    return;
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
  gtk_button_set_icon_name (GTK_BUTTON (self->copy), "object-select-symbolic");
  gtk_widget_set_tooltip_text (self->copy, _("Copied"));
}

static void
tess_device_row_dispose (GObject *object)
{
  TessDeviceRow *self = TESS_DEVICE_ROW (object);

  g_cancellable_cancel (self->cancellable);
  if (self->device != NULL)
    g_signal_handlers_disconnect_by_data (self->device, self);
  g_clear_object (&self->device);
  g_clear_object (&self->list);
  g_clear_object (&self->cancellable);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "device", NULL);
  g_clear_object (&self->actions);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_DEVICE_ROW);
  G_OBJECT_CLASS (tess_device_row_parent_class)->dispose (object);
}

static void
tess_device_row_class_init (TessDeviceRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_device_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/device-row.ui");
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, icon);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, title);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, subtitle);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, alarm);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, no_key);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, note);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, menu);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, compare);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, copy);
  gtk_widget_class_bind_template_child (widget_class, TessDeviceRow, fingerprint);
  gtk_widget_class_bind_template_callback (widget_class, match_cb);
  gtk_widget_class_bind_template_callback (widget_class, differ_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_clicked_cb);
}

static void
tess_device_row_init (TessDeviceRow *self)
{
  static const GActionEntry actions[] = {
    { "trust", trust_action, "s", "'undecided'", NULL, { 0 } },
    { "rename", rename_action, NULL, NULL, NULL, { 0 } },
    { "reset", reset_action, NULL, NULL, NULL, { 0 } },
    { "remove", remove_action, NULL, NULL, NULL, { 0 } },
  };

  g_type_ensure (TESS_TYPE_FINGERPRINT);
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), actions, G_N_ELEMENTS (actions), self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "device", G_ACTION_GROUP (self->actions));
}

GtkWidget *
tess_device_row_new (TessDeviceList *list, TessDevice *device)
{
  TessDeviceRow *self = g_object_new (TESS_TYPE_DEVICE_ROW, NULL);

  self->list = g_object_ref (list);
  self->device = g_object_ref (device);
  g_signal_connect_swapped (device, "notify", G_CALLBACK (update), self);
  update (self);
  return GTK_WIDGET (self);
}

TessDevice *
tess_device_row_get_device (TessDeviceRow *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE_ROW (self), NULL);
  return self->device;
}

void
tess_device_row_set_comparing (TessDeviceRow *self, gboolean comparing)
{
  g_return_if_fail (TESS_IS_DEVICE_ROW (self));
  self->comparing = comparing;
  update (self);
}
