/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-certificate-dialog.h"
#include "views/tess-certificate-rows.h"
#include "views/tess-connection-words.h"
#include "views/tess-text.h"

#include <glib/gi18n.h>

struct _TessCertificateDialog
{
  AdwWindow parent_instance;

  AdwWindowTitle      *window_title;
  GtkImage            *icon;
  GtkLabel            *heading;
  GtkLabel            *sentence;
  AdwPreferencesGroup *why;
  AdwPreferencesGroup *compare;
  AdwPreferencesGroup *details;
  GtkLabel            *error;
  GtkWidget           *refuse;
  GtkWidget           *trust;
  GtkLabel            *trust_label;

  TessAccount *account; /* nullable */
  char        *address;
  char        *fingerprint;
  gboolean     changed; /* it stands in the place of another */
};

G_DEFINE_FINAL_TYPE (TessCertificateDialog, tess_certificate_dialog, ADW_TYPE_WINDOW)

enum
{
  TRUSTED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
done (TessCertificateDialog *self)
{
  g_signal_emit (self, signals[TRUSTED], 0);
  gtk_window_close (GTK_WINDOW (self));
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessCertificateDialog) self = TESS_CERTIFICATE_DIALOG (user_data);
  g_autoptr (GError) error = NULL;

  if (tess_account_change_finish (TESS_ACCOUNT (source), result, &error))
    {
      if (self->address != NULL)
        done (self);
      return;
    }
  if (self->address == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  gtk_label_set_text (self->error, error->message);
  gtk_widget_set_visible (GTK_WIDGET (self->error), TRUE);
  gtk_widget_set_sensitive (self->trust, TRUE);
}

static void
trust_now (TessCertificateDialog *self)
{
  if (self->account == NULL)
    {
      done (self);
      return;
    }
  gtk_widget_grab_focus (self->refuse);
  gtk_widget_set_sensitive (self->trust, FALSE);
  tess_account_trust_certificate_async (self->account, self->fingerprint, NULL, changed_cb, g_object_ref (self));
}

static void
response_cb (TessCertificateDialog *self, const char *response)
{
  if (g_strcmp0 (response, "trust") == 0 && self->address != NULL)
    trust_now (self);
}

static void
trust_cb (TessCertificateDialog *self)
{
  GtkWidget *question;

  if (!self->changed)
    {
      trust_now (self);
      return;
    }
  question = adw_message_dialog_new (GTK_WINDOW (self), _("Trust the New Certificate?"),
                                     _("Only when the operator of the server has told you that it was replaced, and the fingerprint is the same. "
                                       "Otherwise somebody in between may read your password and your messages’ senders and times."));
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (question), "cancel", _("_Do Not Trust"), "trust", _("_Trust It"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (question), "trust", ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (question), "cancel");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (question), "cancel");
  g_signal_connect_object (question, "response", G_CALLBACK (response_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (question));
}

static void
tess_certificate_dialog_dispose (GObject *object)
{
  TessCertificateDialog *self = TESS_CERTIFICATE_DIALOG (object);

  g_clear_object (&self->account);
  g_clear_pointer (&self->address, g_free);
  g_clear_pointer (&self->fingerprint, g_free);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_CERTIFICATE_DIALOG);
  G_OBJECT_CLASS (tess_certificate_dialog_parent_class)->dispose (object);
}

static void
tess_certificate_dialog_class_init (TessCertificateDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_certificate_dialog_dispose;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/certificate-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, TessCertificateDialog, window_title);
  gtk_widget_class_bind_template_child (widget_class, TessCertificateDialog, icon);
  gtk_widget_class_bind_template_child (widget_class, TessCertificateDialog, heading);
  gtk_widget_class_bind_template_child (widget_class, TessCertificateDialog, sentence);
  gtk_widget_class_bind_template_child (widget_class, TessCertificateDialog, why);
  gtk_widget_class_bind_template_child (widget_class, TessCertificateDialog, compare);
  gtk_widget_class_bind_template_child (widget_class, TessCertificateDialog, details);
  gtk_widget_class_bind_template_child (widget_class, TessCertificateDialog, error);
  gtk_widget_class_bind_template_child (widget_class, TessCertificateDialog, refuse);
  gtk_widget_class_bind_template_child (widget_class, TessCertificateDialog, trust);
  gtk_widget_class_bind_template_child (widget_class, TessCertificateDialog, trust_label);
  gtk_widget_class_bind_template_callback (widget_class, trust_cb);

  signals[TRUSTED] = g_signal_new ("trusted", TESS_TYPE_CERTIFICATE_DIALOG, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
tess_certificate_dialog_init (TessCertificateDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/* Which fingerprint stood there before: the pin's, or that of the key that is remembered. */
static void
show_fingerprints (TessCertificateDialog *self, const TessCertificate *certificate)
{
  const TessAccountRecord *record = self->account != NULL ? tess_account_get_record (self->account) : NULL;
  gboolean by_key = (certificate->faults & TESS_CERTIFICATE_NOT_PINNED) == 0 && (certificate->faults & TESS_CERTIFICATE_OTHER_KEY) != 0;
  const char *old = record == NULL ? NULL : by_key ? record->server_key : record->pin;

  if (old != NULL && self->changed)
    adw_preferences_group_add (self->compare, tess_fingerprint_row_new (by_key ? _("Until now: SHA-256 of its key") : _("Until now: SHA-256 of the certificate"), old));
  if (by_key)
    adw_preferences_group_add (self->compare, tess_fingerprint_row_new (_("Now: SHA-256 of its key"), certificate->key_fingerprint));
  adw_preferences_group_add (self->compare,
                             tess_fingerprint_row_new (self->changed ? _("Now: SHA-256 of the certificate") : _("SHA-256 of the certificate"),
                                                       certificate->fingerprint));
}

static void
show_words (TessCertificateDialog *self)
{
  const char *domain = strchr (self->address, '@');
  g_autofree char *isolated = tess_text_isolate (domain != NULL ? domain + 1 : self->address);
  g_autofree char *sentence = NULL;
  g_autofree char *trust = NULL;

  if (self->changed)
    {
      gtk_label_set_text (self->heading, _("The Server’s Certificate Changed"));
      /* Translators: %s is the name of a server */
      sentence = g_strdup_printf (_("%s shows another certificate than before. Its operator may have replaced it, or somebody in between "
                                    "pretends to be this server. Tessera does not connect until you have looked at it."), isolated);
      trust = g_strdup (_("Trust the New Certificate…"));
    }
  else
    {
      gtk_label_set_text (self->heading, _("This Server Cannot Be Verified"));
      /* Translators: %s is the name of a server */
      sentence = g_strdup_printf (_("Somebody in between could pretend to be %s, and get your password. Tessera does not connect unless you "
                                    "know this certificate."), isolated);
      /* Translators: %s is the address of an account */
      trust = g_strdup_printf (_("Trust This Certificate for %s"), self->address);
    }
  gtk_widget_add_css_class (GTK_WIDGET (self->icon), self->changed ? "tess-danger" : "tess-caution");
  gtk_label_set_text (self->sentence, sentence);
  gtk_label_set_text (self->trust_label, trust);
  adw_window_title_set_subtitle (self->window_title, self->address);
  /* A name of its own: GTK 4.8 takes none from a child. */
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->trust), GTK_ACCESSIBLE_PROPERTY_LABEL, trust, -1);
}

static GtkWidget *
dialog_new (GtkWindow *parent, const char *address, TessAccount *account, const TessCertificate *certificate)
{
  TessCertificateDialog *self =
    g_object_new (TESS_TYPE_CERTIFICATE_DIALOG, "transient-for", parent, "application", gtk_window_get_application (parent), NULL);
  g_auto (GStrv) faults = tess_certificate_fault_words (certificate->faults);
  g_autoptr (GPtrArray) rows = tess_certificate_rows_new (certificate, FALSE);

  g_set_object (&self->account, account);
  self->address = g_strdup (address);
  self->fingerprint = g_strdup (certificate->fingerprint);
  self->changed = (certificate->faults & (TESS_CERTIFICATE_NOT_PINNED | TESS_CERTIFICATE_OTHER_KEY)) != 0 ||
                  (account != NULL && tess_account_get_alarm (account));
  show_words (self);
  show_fingerprints (self, certificate);
  for (char **fault = faults; *fault != NULL; fault++)
    adw_preferences_group_add (self->why, tess_sentence_row_new ("tess-warning-symbolic", self->changed ? "tess-danger" : "tess-caution", *fault));
  gtk_widget_set_visible (GTK_WIDGET (self->why), faults[0] != NULL);
  for (guint i = 0; i < rows->len; i++)
    adw_preferences_group_add (self->details, g_ptr_array_index (rows, i));
  gtk_window_set_focus (GTK_WINDOW (self), self->refuse);
  return GTK_WIDGET (self);
}

GtkWidget *
tess_certificate_dialog_new (GtkWindow *parent, const char *address, const TessCertificate *certificate)
{
  return dialog_new (parent, address, NULL, certificate);
}

GtkWidget *
tess_certificate_dialog_new_for_account (GtkWindow *parent, TessAccount *account)
{
  return dialog_new (parent, tess_account_get_address (account), account, tess_account_get_certificate (account));
}

const char *
tess_certificate_dialog_get_fingerprint (TessCertificateDialog *self)
{
  g_return_val_if_fail (TESS_IS_CERTIFICATE_DIALOG (self), NULL);
  return self->fingerprint;
}
