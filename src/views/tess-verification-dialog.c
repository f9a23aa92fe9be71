/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-device-view.h"
#include "views/tess-fingerprint.h"
#include "views/tess-qr-code.h"
#include "views/tess-scanner.h"
#include "views/tess-text.h"
#include "views/tess-undo.h"
#include "views/tess-verification-dialog.h"

#include <glib/gi18n.h>

struct _TessVerificationDialog
{
  AdwWindow parent_instance;

  AdwWindowTitle  *title;
  GtkStack        *stack;
  GtkStack        *code_stack;
  TessQrCode      *code_view;
  GtkLabel        *caption;
  GtkLabel        *problem;
  GtkWidget       *copy_uri;
  GtkLabel        *device;
  TessFingerprint *fingerprint;
  GtkWidget       *copy_fingerprint;
  AdwToastOverlay *toasts;
  GtkLabel        *by_hand;
  TessDeviceView  *devices;
  GtkWidget       *back;
  GtkWidget       *switcher;
  TessScanner     *scanner;
  GtkSpinner      *working;
  GtkLabel        *working_label;
  GtkImage        *result_icon;
  GtkLabel        *result_title;
  GtkLabel        *result_text;
  GtkListBox      *result_devices;
  GtkButton       *result_first;
  GtkButton       *result_second;

  TessAccount      *account;
  TessDeviceList   *own;
  TessDeviceList   *theirs; /* the same as own for one's own */
  char             *name;   /* nullable: one's own devices */
  GCancellable     *cancellable;
  char             *uri;

  char                   *code; /* nullable: what is being looked at */
  TessVerify              how;
  TessVerificationRecord *verification; /* nullable: what came of it */
  guint                   working_id;
};

G_DEFINE_FINAL_TYPE (TessVerificationDialog, tess_verification_dialog, ADW_TYPE_WINDOW)

static void
uri_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessVerificationDialog) self = TESS_VERIFICATION_DIALOG (user_data);
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = tess_account_load_uri_finish (TESS_ACCOUNT (source), result, &error);

  if (self->account == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (uri != NULL && tess_qr_code_set_text (self->code_view, uri))
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

/* --- which page ----------------------------------------------------------------------------------------------------------------- */

static void
go_to (TessVerificationDialog *self, const char *page)
{
  gboolean scan = g_str_equal (page, "scan");
  gboolean aside = !scan && !g_str_equal (page, "show");

  /* The camera is off before anything else is seen. */
  tess_scanner_set_wanted (self->scanner, scan);
  gtk_widget_set_visible (self->back, aside);
  gtk_widget_set_visible (self->switcher, !aside);
  if (g_strcmp0 (gtk_stack_get_visible_child_name (self->stack), page) != 0)
    gtk_stack_set_visible_child_name (self->stack, page);
}

static void
page_changed_cb (TessVerificationDialog *self)
{
  const char *page = gtk_stack_get_visible_child_name (self->stack);

  if (page != NULL)
    go_to (self, page);
}

static void
back_cb (TessVerificationDialog *self)
{
  g_clear_pointer (&self->code, g_free);
  tess_scanner_set_problem (self->scanner, NULL);
  go_to (self, "scan");
}

static void
by_hand_cb (TessVerificationDialog *self)
{
  go_to (self, "hand");
}

/* --- what came of a code -------------------------------------------------------------------------------------------------------- */

static void
add_device (TessVerificationDialog *self, const TessCheckedDevice *checked)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  /* A fingerprint runs from left to right in every language, but begins where the line of the language does. */
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  GtkWidget *fingerprint = tess_fingerprint_new ();
  const char *word = NULL;

  switch (checked->check)
    {
    case TESS_CHECK_MATCHES:
      word = self->verification->applied ? _("Verified") : _("The same key as known");
      break;
    case TESS_CHECK_VERIFIED:
      word = _("Verified before");
      break;
    case TESS_CHECK_DISTRUSTED:
      word = _("Distrusted");
      break;
    case TESS_CHECK_DIFFERS:
      word = _("Another key than known");
      break;
    case TESS_CHECK_LOCAL:
      word = _("This device");
      break;
    case TESS_CHECK_UNKNOWN:
    default:
      word = self->verification->applied && self->how == TESS_VERIFY_ADOPT && checked->id != 0 ? _("Verified") : _("Not known yet");
      break;
    }
  /* Translators: the number of a device, and what was found about it */
  g_autofree char *title = checked->id != 0 ? g_strdup_printf (_("Device %1$u · %2$s"), checked->id, word) : g_strdup (word);
  GtkWidget *label = gtk_label_new (title);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_widget_add_css_class (label, checked->check == TESS_CHECK_DIFFERS ? "tess-danger" : "heading");
  tess_fingerprint_set_text (TESS_FINGERPRINT (fingerprint), checked->fingerprint);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (line), fingerprint);
  gtk_box_append (GTK_BOX (box), line);
  gtk_widget_add_css_class (box, "tess-fingerprint-row");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
  gtk_list_box_append (self->result_devices, row);
}

/* Whose code it is, in the middle of a sentence. */
static const char *
whose (TessVerificationDialog *self)
{
  return self->name != NULL ? self->name : _("you");
}

typedef struct
{
  const char *icon;
  const char *css;
  char       *title;
  char       *text;
  const char *first; /* nullable: what the first button does */
  const char *first_css;
  const char *second;
} Result;

static void
result_clear (Result *result)
{
  g_free (result->title);
  g_free (result->text);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Result, result_clear)

static guint
count (TessVerificationDialog *self, TessCheck check)
{
  return tess_verification_record_count (self->verification, check);
}

static void
say_matches (TessVerificationDialog *self, Result *result)
{
  guint now = count (self, TESS_CHECK_MATCHES) + (self->how == TESS_VERIFY_ADOPT ? count (self, TESS_CHECK_UNKNOWN) : 0);
  guint before = count (self, TESS_CHECK_VERIFIED);
  guint unknown = self->how == TESS_VERIFY_ADOPT ? 0 : count (self, TESS_CHECK_UNKNOWN);
  guint distrusted = count (self, TESS_CHECK_DISTRUSTED);
  g_autoptr (GString) more = g_string_new (NULL);

  result->icon = "tess-verified-symbolic";
  result->css = "tess-good";
  if (!self->verification->applied)
    {
      /* A link: nothing has happened yet. */
      result->icon = "tess-advice-symbolic";
      result->css = "tess-caution";
      result->title = g_strdup_printf (ngettext ("Verify %2$u device of %1$s?", "Verify %2$u devices of %1$s?", now), whose (self), now);
      g_string_append (more, _("A link or a text can come from anybody. Verify only if you know that it is from the person themselves, "
                               "or compare the fingerprint with what their app shows."));
      result->first = now > 0 ? _("_Verify") : NULL;
      if (now == 0)
        {
          g_free (result->title);
          result->title = g_strdup_printf (_("The devices of %s in this code were verified before."), whose (self));
          g_string_truncate (more, 0);
        }
      result->second = _("_Do Nothing");
    }
  else
    {
      if (now == 0)
        result->title = g_strdup_printf (ngettext ("This is %1$s. The device was verified before.", "This is %1$s. All %2$u devices were verified before.", before), whose (self), before);
      else
        result->title = g_strdup_printf (ngettext ("This is %1$s. %2$u device verified.", "This is %1$s. %2$u devices verified.", now), whose (self), now);
      result->second = _("_Done");
    }
  if (unknown > 0)
    {
      g_string_append_printf (more, ngettext ("%u more device in the code is not known yet.", "%u more devices in the code are not known yet.", unknown), unknown);
      if (self->verification->applied)
        result->first = _("_Verify It Too");
    }
  if (distrusted > 0)
    g_string_append_printf (more, ngettext ("%s%u device in the code stays distrusted.", "%s%u devices in the code stay distrusted.", distrusted), more->len > 0 ? " " : "", distrusted);
  result->text = g_string_free (g_steal_pointer (&more), FALSE);
}

static void
say_unknown (TessVerificationDialog *self, Result *result)
{
  result->icon = "tess-advice-symbolic";
  result->css = "tess-caution";
  result->title = g_strdup_printf (_("The devices in this code are not known yet."));
  result->text = self->verification->asked
                   ? g_strdup_printf (_("The server of %s does not list them. Verify them now only if you took the code from the person's own screen."), whose (self))
                   : g_strdup (_("There is no connection to ask for them. Verify them now only if you took the code from the person's own screen."));
  result->first = _("_Verify Anyway");
  result->second = _("_Not Now");
}

static Result
describe (TessVerificationDialog *self)
{
  Result result = { .second = _("_Scan Again") };

  switch (self->verification->outcome)
    {
    case TESS_VERIFICATION_FOREIGN:
      result.icon = "tess-warning-symbolic";
      result.css = "tess-danger";
      result.title = self->name != NULL ? g_strdup_printf (_("This code belongs to %1$s, not to %2$s."), self->verification->address, self->name)
                                        : g_strdup_printf (_("This code belongs to %s, not to you."), self->verification->address);
      result.text = g_strdup (_("Nothing was verified."));
      break;
    case TESS_VERIFICATION_MISMATCH:
      result.icon = "tess-warning-symbolic";
      result.css = "tess-danger";
      result.title = g_strdup_printf (_("WARNING: the code shows another key than the one that the messages of %s came with."), whose (self));
      result.text = g_strdup (self->verification->applied
                                ? _("Either the app was set up anew, or somebody reads along. Nothing is sent to this device until you decide. Ask the person "
                                    "face to face.")
                                : _("Either the app was set up anew, or the link is not from the person, or somebody reads along. Nothing was changed."));
      result.first = self->verification->applied ? _("_Distrust This Device") : NULL;
      result.first_css = "destructive-action";
      break;
    case TESS_VERIFICATION_MATCHES:
      say_matches (self, &result);
      break;
    case TESS_VERIFICATION_UNKNOWN:
      if (self->how == TESS_VERIFY_ADOPT)
        say_matches (self, &result);
      else
        say_unknown (self, &result);
      break;
    case TESS_VERIFICATION_DISTRUSTED:
      result.icon = "tess-advice-symbolic";
      result.css = "tess-caution";
      result.title = g_strdup_printf (_("You distrust the device of %s in this code."), whose (self));
      result.text = g_strdup (_("A scan does not change that. If you want to trust it again, choose so under “Compare by Hand”."));
      break;
    case TESS_VERIFICATION_NOTHING:
    default:
      result.icon = "tess-advice-symbolic";
      result.css = "tess-caution";
      result.title = g_strdup (_("This is the code of this very device."));
      result.text = g_strdup (_("Scan the code that the other device shows."));
      break;
    }
  return result;
}

static void
set_button (GtkButton *button, const char *label, const char *css)
{
  gtk_widget_set_visible (GTK_WIDGET (button), label != NULL);
  gtk_button_set_label (button, label != NULL ? label : "");
  gtk_widget_set_css_classes (GTK_WIDGET (button), (const char *[]){ "pill", css, NULL });
}

static void
show_result (TessVerificationDialog *self)
{
  g_auto (Result) result = describe (self);
  GtkWidget *row;

  gtk_image_set_from_icon_name (self->result_icon, result.icon);
  gtk_widget_set_css_classes (GTK_WIDGET (self->result_icon), (const char *[]){ result.css, NULL });
  gtk_label_set_text (self->result_title, result.title);
  gtk_widget_set_css_classes (GTK_WIDGET (self->result_title), (const char *[]){ "title-2", result.css, NULL });
  gtk_label_set_text (self->result_text, result.text);
  gtk_widget_set_visible (GTK_WIDGET (self->result_text), *result.text != '\0');
  while ((row = GTK_WIDGET (gtk_list_box_get_row_at_index (self->result_devices, 0))) != NULL)
    gtk_list_box_remove (self->result_devices, row);
  for (guint i = 0; i < self->verification->devices->len; i++)
    add_device (self, g_ptr_array_index (self->verification->devices, i));
  gtk_widget_set_visible (GTK_WIDGET (self->result_devices), self->verification->devices->len > 0);
  set_button (self->result_first, result.first, result.first_css != NULL ? result.first_css : "suggested-action");
  set_button (self->result_second, result.second, NULL);
  go_to (self, "result");
  gtk_widget_grab_focus (GTK_WIDGET (self->result_second));
}

static gboolean
working_cb (gpointer user_data)
{
  TessVerificationDialog *self = user_data;

  self->working_id = 0;
  gtk_spinner_start (self->working);
  go_to (self, "working");
  return G_SOURCE_REMOVE;
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessVerificationDialog) self = TESS_VERIFICATION_DIALOG (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (TessVerificationRecord) verification = tess_device_list_verify_finish (TESS_DEVICE_LIST (source), result, &error);
  GPtrArray *before;

  g_clear_handle_id (&self->working_id, g_source_remove);
  gtk_spinner_stop (self->working);
  /* Closed, or the person went back. */
  if (self->account == NULL || self->code == NULL)
    return;
  if (verification == NULL)
    {
      g_clear_pointer (&self->code, g_free);
      go_to (self, "scan");
      tess_scanner_set_problem (self->scanner, error->message);
      return;
    }
  g_clear_pointer (&self->verification, tess_verification_record_free);
  self->verification = g_steal_pointer (&verification);
  show_result (self);
  before = tess_device_list_remember_verified (self->theirs, self->verification);
  if (self->verification->outcome == TESS_VERIFICATION_MISMATCH)
    g_ptr_array_set_size (before, 0);
  tess_undo_offer (GTK_WIDGET (self->stack), self->theirs, before, _("Verified"));
}

static void
check (TessVerificationDialog *self, const char *code, TessVerify how)
{
  g_autofree char *copy = g_strdup (code); /* it may be our own */

  g_free (self->code);
  self->code = g_steal_pointer (&copy);
  self->how = how;
  tess_scanner_set_wanted (self->scanner, FALSE);
  if (self->working_id == 0)
    self->working_id = g_timeout_add (300, working_cb, self);
  tess_device_list_verify_async (self->theirs, self->code, how, self->cancellable, checked_cb, g_object_ref (self));
}

static void
scanned_cb (TessVerificationDialog *self, const char *text, gboolean seen)
{
  /* The camera sees the same code many times a second. */
  if (self->code == NULL)
    check (self, text, seen ? TESS_VERIFY_SCANNED : TESS_VERIFY_LOOK);
}

static void
distrusted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessVerificationDialog) self = TESS_VERIFICATION_DIALOG (user_data);
  g_autoptr (GError) error = NULL;
  gboolean done = tess_device_list_set_trust_finish (TESS_DEVICE_LIST (source), result, &error);

  if (self->account == NULL)
    return;
  gtk_label_set_text (self->result_text, done ? _("The device is distrusted: it gets no messages any more.") : error->message);
  gtk_widget_set_visible (GTK_WIDGET (self->result_first), !done);
}

/* All that differ: each of them shows a key that is not its own. */
static void
distrust (TessVerificationDialog *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->theirs));

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TessDevice) device = g_list_model_get_item (G_LIST_MODEL (self->theirs), i);

      for (guint k = 0; k < self->verification->devices->len; k++)
        {
          const TessCheckedDevice *checked = g_ptr_array_index (self->verification->devices, k);

          if (checked->check == TESS_CHECK_DIFFERS && checked->id == tess_device_get_id (device) && !tess_device_get_local (device))
            {
              tess_undo_offer_one (GTK_WIDGET (self->stack), self->theirs, tess_device_list_remember (self->theirs, device), _("Distrusted"));
              tess_device_list_set_trust_async (self->theirs, device, TESS_TRUST_DISTRUSTED, self->cancellable, distrusted_cb, g_object_ref (self));
            }
        }
    }
}

static void
result_first_cb (TessVerificationDialog *self)
{
  if (self->verification == NULL || self->code == NULL)
    return;
  if (self->verification->outcome == TESS_VERIFICATION_MISMATCH)
    distrust (self);
  else
    check (self, self->code, count (self, TESS_CHECK_UNKNOWN) > 0 && (self->verification->applied || self->verification->outcome == TESS_VERIFICATION_UNKNOWN)
                               ? TESS_VERIFY_ADOPT
                               : TESS_VERIFY_SCANNED);
}

static void
result_second_cb (TessVerificationDialog *self)
{
  if (self->verification != NULL
      && (self->verification->outcome == TESS_VERIFICATION_MATCHES || self->verification->outcome == TESS_VERIFICATION_UNKNOWN))
    gtk_window_close (GTK_WINDOW (self));
  else
    back_cb (self);
}

static void
paste_cb (GtkWidget *widget, const char *name, GVariant *parameter)
{
  TessVerificationDialog *self = TESS_VERIFICATION_DIALOG (widget);

  if (self->code == NULL)
    {
      go_to (self, "scan");
      tess_scanner_paste (self->scanner);
    }
}

/* --- object --------------------------------------------------------------------------------------------------------------------- */

static void
tess_verification_dialog_dispose (GObject *object)
{
  TessVerificationDialog *self = TESS_VERIFICATION_DIALOG (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_handle_id (&self->working_id, g_source_remove);
  if (self->stack != NULL)
    g_signal_handlers_disconnect_by_data (self->stack, self);
  if (self->own != NULL)
    g_signal_handlers_disconnect_by_data (self->own, self);
  g_clear_object (&self->own);
  g_clear_object (&self->theirs);
  g_clear_object (&self->account);
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->code, g_free);
  g_clear_pointer (&self->verification, tess_verification_record_free);
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
  gtk_widget_class_install_action (widget_class, "verification.paste", NULL, paste_cb);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_v, GDK_CONTROL_MASK, "verification.paste", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/verification-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, title);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, stack);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, code_stack);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, code_view);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, caption);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, problem);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, copy_uri);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, device);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, fingerprint);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, copy_fingerprint);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, toasts);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, by_hand);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, devices);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, back);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, switcher);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, scanner);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, working);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, working_label);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, result_icon);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, result_title);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, result_text);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, result_devices);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, result_first);
  gtk_widget_class_bind_template_child (widget_class, TessVerificationDialog, result_second);
  gtk_widget_class_bind_template_callback (widget_class, back_cb);
  gtk_widget_class_bind_template_callback (widget_class, by_hand_cb);
  gtk_widget_class_bind_template_callback (widget_class, scanned_cb);
  gtk_widget_class_bind_template_callback (widget_class, result_first_cb);
  gtk_widget_class_bind_template_callback (widget_class, result_second_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_uri_cb);
  gtk_widget_class_bind_template_callback (widget_class, copy_fingerprint_cb);
}

static void
tess_verification_dialog_init (TessVerificationDialog *self)
{
  g_type_ensure (TESS_TYPE_QR_CODE);
  g_type_ensure (TESS_TYPE_FINGERPRINT);
  g_type_ensure (TESS_TYPE_DEVICE_VIEW);
  g_type_ensure (TESS_TYPE_SCANNER);
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
}

/* @name: (nullable): NULL for one's own. @theirs: (transfer full) */
static TessVerificationDialog *
dialog_new (GtkWindow *parent, TessAccount *account, const char *name, TessDeviceList *theirs)
{
  TessVerificationDialog *self = g_object_new (TESS_TYPE_VERIFICATION_DIALOG, "transient-for", parent, "application", gtk_window_get_application (parent), NULL);
  /* Translators: %s is a contact */
  g_autofree char *title = name != NULL ? g_strdup_printf (_("Verify %s"), name) : g_strdup (_("Verify Your Devices"));
  g_autofree char *caption = name != NULL ? g_strdup_printf (_("Let %s scan this code with their app."), name)
                                          : g_strdup (_("Scan this code with your other device."));
  g_autofree char *hint = name != NULL ? g_strdup_printf (_("Point the camera at the code that the app of %s shows."), name)
                                       : g_strdup (_("Point the camera at the code that your other device shows."));
  g_autofree char *heading = name != NULL ? g_strdup_printf (_("Devices of %s"), name) : g_strdup (_("Your Devices"));
  g_autofree char *empty = name != NULL ? g_strdup_printf (_("No device of %s is known."), name) : g_strdup (_("You have no other device."));
  g_autofree char *by_hand =
    name != NULL ? g_strdup_printf (_("Let %s read their fingerprints to you, face to face or on the phone, and compare every digit."), name)
                 : g_strdup (_("Compare every digit with what your other device shows."));

  self->account = g_object_ref (account);
  self->name = g_strdup (name);
  self->theirs = theirs;
  self->own = tess_account_get_devices (account, NULL);
  adw_window_title_set_title (self->title, title);
  adw_window_title_set_subtitle (self->title, tess_device_list_get_address (theirs));
  gtk_window_set_title (GTK_WINDOW (self), title);
  gtk_label_set_text (self->caption, caption);
  gtk_label_set_text (self->by_hand, by_hand);
  gtk_label_set_text (self->working_label, _("Asking the server for these devices…"));
  tess_scanner_set_hint (self->scanner, hint);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->code_view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("QR code with the fingerprints of your verified devices"), -1);
  tess_device_view_set (self->devices, heading, empty, self->theirs);
  tess_device_view_set_comparing (self->devices, TRUE);
  g_signal_connect_swapped (self->own, "items-changed", G_CALLBACK (own_changed_cb), self);
  own_changed_cb (self);
  g_signal_connect_swapped (self->stack, "notify::visible-child-name", G_CALLBACK (page_changed_cb), self);
  tess_account_load_uri_async (account, self->cancellable, uri_loaded_cb, g_object_ref (self));
  return self;
}

GtkWidget *
tess_verification_dialog_new (GtkWindow *parent, TessConversation *conversation)
{
  return GTK_WIDGET (dialog_new (parent, tess_conversation_get_account (conversation), tess_conversation_get_name (conversation),
                                 tess_conversation_get_devices (conversation)));
}

GtkWidget *
tess_verification_dialog_new_own (GtkWindow *parent, TessAccount *account)
{
  return GTK_WIDGET (dialog_new (parent, account, NULL, tess_account_get_devices (account, NULL)));
}

void
tess_verification_dialog_show_devices (TessVerificationDialog *self)
{
  g_return_if_fail (TESS_IS_VERIFICATION_DIALOG (self));
  go_to (self, "hand");
}

void
tess_verification_dialog_ask (TessVerificationDialog *self, const char *code)
{
  g_return_if_fail (TESS_IS_VERIFICATION_DIALOG (self));
  check (self, code, TESS_VERIFY_LOOK);
}
