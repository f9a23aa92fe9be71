/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-account-settings.h"
#include "views/tess-certificate-dialog.h"
#include "views/tess-trouble.h"

#include <adwaita.h>
#include <glib/gi18n.h>

typedef enum
{
  NOTHING,
  PASSWORD,
  SETTINGS,
  CERTIFICATE,
  ALARM,
} Way;

static Way
way_of (TessAccount *account)
{
  if (tess_account_get_certificate (account) != NULL)
    return CERTIFICATE;
  switch (tess_account_get_error_code (account))
    {
    case TESS_ENGINE_ERROR_PASSWORD_NEEDED:
    case TESS_ENGINE_ERROR_NOT_AUTHORIZED:
      return PASSWORD;
    case TESS_ENGINE_ERROR_PROXY:
    case TESS_ENGINE_ERROR_CLIENT_CERTIFICATE:
    case TESS_ENGINE_ERROR_PASSPHRASE_NEEDED:
      return SETTINGS;
    case TESS_ENGINE_ERROR_CERTIFICATE_CHANGED:
    case TESS_ENGINE_ERROR_SERVER_UNPROVEN:
    case TESS_ENGINE_ERROR_WEAKENED:
      return ALARM;
    default:
      return NOTHING;
    }
}

const char *
tess_trouble_button (TessAccount *account)
{
  switch (way_of (account))
    {
    case PASSWORD:
      return _("_Password…");
    case SETTINGS:
      return _("_Settings…");
    case CERTIFICATE:
      return _("_Certificate…");
    case ALARM:
      return _("_Details…");
    case NOTHING:
    default:
      return NULL;
    }
}

/* --- alarms without a certificate ------------------------------------------------------------------------------------------- */

static void
accepted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* The account says itself how it goes on. */
  if (!tess_account_change_finish (TESS_ACCOUNT (source), result, &error))
    g_debug ("A weaker login was not accepted: %s", error->message);
}

static void
anyway_cb (TessAccount *account, const char *response)
{
  if (g_strcmp0 (response, "anyway") == 0)
    tess_account_accept_weaker_async (account, NULL, accepted_cb, NULL);
}

static void
ask_again (GtkWindow *parent, TessAccount *account)
{
  GtkWidget *question =
    adw_message_dialog_new (parent, _("Sign In with Less Protection?"),
                            _("Only when the operator of the server says that its logins were changed. Otherwise somebody in between may "
                              "be taking over your connection right now."));

  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (question), "cancel", _("_Do Not Connect"), "anyway", _("_Sign In Anyway"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (question), "anyway", ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (question), "cancel");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (question), "cancel");
  g_signal_connect_object (question, "response", G_CALLBACK (anyway_cb), account, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (question));
}

static void
alarm_response_cb (TessAccount *account, const char *response, AdwMessageDialog *dialog)
{
  if (g_strcmp0 (response, "retry") == 0)
    tess_account_connect (account, NULL, FALSE);
  else if (g_strcmp0 (response, "anyway") == 0)
    ask_again (gtk_window_get_transient_for (GTK_WINDOW (dialog)), account);
}

static void
show_alarm (GtkWindow *parent, TessAccount *account)
{
  int code = tess_account_get_error_code (account);
  gboolean weakened = code == TESS_ENGINE_ERROR_WEAKENED;
  const char *meaning;
  GtkWidget *dialog;

  if (weakened)
    meaning = _("Somebody in between may have taken the better logins out of the server’s list, to get at your password. It is also possible that "
                "the server was set up anew. Ask its operator some other way before you go on.");
  else if (code == TESS_ENGINE_ERROR_SERVER_UNPROVEN)
    meaning = _("A server that has your password could prove it. This one could not: somebody in between may pretend to be it. Your password was "
                "not given away. Try from another network, and ask the operator when it stays so.");
  else
    meaning = _("Somebody in between may pretend to be this server. Ask its operator some other way before you go on.");
  dialog = adw_message_dialog_new (parent, weakened ? _("The Login Became Weaker") : code == TESS_ENGINE_ERROR_SERVER_UNPROVEN ? _("The Server Did Not Prove Itself") : _("The Server’s Certificate Changed"), NULL);
  g_autofree char *body = g_strdup_printf ("%s\n\n%s", tess_account_get_error (account), meaning);
  adw_message_dialog_set_body (ADW_MESSAGE_DIALOG (dialog), body);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _("_Do Not Connect"), "retry", _("_Try Again"), NULL);
  /* What PLAIN would give away cannot be taken back: only the binding can be done without. */
  if (weakened && tess_account_get_record (account)->binding_seen)
    {
      adw_message_dialog_add_response (ADW_MESSAGE_DIALOG (dialog), "anyway", _("Sign In _Anyway…"));
      adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "anyway", ADW_RESPONSE_DESTRUCTIVE);
    }
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (alarm_response_cb), account, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

void
tess_trouble_show (GtkWindow *parent, TessClient *client, TessAccount *account)
{
  switch (way_of (account))
    {
    case PASSWORD:
      gtk_widget_activate_action (GTK_WIDGET (parent), "app.ask-password", "s", tess_account_get_address (account));
      break;
    case SETTINGS:
      gtk_window_present (GTK_WINDOW (tess_account_settings_new (parent, client, account)));
      break;
    case CERTIFICATE:
      gtk_window_present (GTK_WINDOW (tess_certificate_dialog_new_for_account (parent, account)));
      break;
    case ALARM:
      show_alarm (parent, account);
      break;
    case NOTHING:
    default:
      tess_account_connect (account, NULL, FALSE);
    }
}
