/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-certificate-rows.h"
#include "views/tess-connection-words.h"
#include "views/tess-security-dialog.h"
#include "views/tess-text.h"
#include "views/tess-trouble.h"

#include <glib/gi18n.h>

struct _TessSecurityDialog
{
  AdwWindow parent_instance;

  AdwWindowTitle *window_title;
  GtkWidget      *chooser_group;
  AdwComboRow    *chooser;
  GtkImage       *icon;
  GtkLabel       *heading;
  GtkLabel       *sentence;
  GtkButton      *trouble;
  GtkBox         *groups;

  TessClient  *client;
  TessAccount *account; /* nullable */
  const char  *style;   /* of the icon; nullable */
};

G_DEFINE_FINAL_TYPE (TessSecurityDialog, tess_security_dialog, ADW_TYPE_WINDOW)

static AdwPreferencesGroup *
group_new (TessSecurityDialog *self, const char *title)
{
  GtkWidget *group = adw_preferences_group_new ();

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), title);
  gtk_box_append (self->groups, group);
  return ADW_PREFERENCES_GROUP (group);
}

static void
add_encryption (TessSecurityDialog *self, const TessSecurityRecord *security)
{
  AdwPreferencesGroup *group = group_new (self, _("Connection"));
  g_autofree char *tls = security->tls_cipher != NULL ? g_strdup_printf ("%s · %s", security->tls_version, security->tls_cipher)
                                                      : g_strdup (security->tls_version);
  g_autofree char *since = tess_text_full_time (security->since_us, tess_text_use_24_hours ());

  adw_preferences_group_add (group, tess_property_row_new (_("Encryption"), tls));
  adw_preferences_group_add (group, tess_property_row_new (_("Server"), security->host));
  adw_preferences_group_add (group, tess_property_row_new (_("Encrypted"), security->direct_tls ? _("From the first byte (direct TLS)")
                                                                                                : _("After a greeting in the clear (STARTTLS)")));
  if (security->proxy != NULL)
    adw_preferences_group_add (group, tess_property_row_new (_("Through the proxy"), security->proxy));
  adw_preferences_group_add (group, tess_property_row_new (_("Connected since"), since));
}

static void
add_login (TessSecurityDialog *self, const TessSecurityRecord *security)
{
  AdwPreferencesGroup *group = group_new (self, _("Sign-In"));
  g_autofree char *words = tess_connection_login_words (security);
  g_autofree char *how = security->channel_binding != NULL ? g_strdup_printf ("%s · %s", security->sasl, security->channel_binding)
                                                           : g_strdup (security->sasl);
  g_autofree char *offered = security->mechanisms != NULL ? g_strjoinv (", ", security->mechanisms) : NULL;
  gboolean weak = (security->advice & TESS_ADVICE_PASSWORD_SENT) != 0;

  adw_preferences_group_add (group, tess_sentence_row_new (weak ? "tess-warning-symbolic" : "tess-sent-symbolic", weak ? "tess-caution" : "tess-good", words));
  adw_preferences_group_add (group, tess_property_row_new (_("Method"), how));
  adw_preferences_group_add (group, tess_property_row_new (_("Offered by the server"), offered));
  if (security->list_proven)
    adw_preferences_group_add (group, tess_sentence_row_new ("tess-sent-symbolic", "tess-good", _("The server signed what it offers: nobody can have shortened the list.")));
}

static void
add_chain (TessSecurityDialog *self, const TessSecurityRecord *security)
{
  AdwPreferencesGroup *group;

  if (security->chain == NULL || security->chain->len == 0)
    return;
  group = group_new (self, _("Certificates"));
  adw_preferences_group_set_description (group, _("The server’s own first; each is issued by the one after it."));
  for (guint i = 0; i < security->chain->len; i++)
    adw_preferences_group_add (group, tess_certificate_row_new (g_ptr_array_index (security->chain, i)));
}

static void
add_advice (TessSecurityDialog *self, const TessSecurityRecord *security)
{
  AdwPreferencesGroup *group = group_new (self, _("What Could Be Better"));
  g_auto (GStrv) advice = tess_connection_advice_words (security->advice);

  for (char **words = advice; *words != NULL; words++)
    adw_preferences_group_add (group, tess_sentence_row_new ("tess-advice-symbolic", NULL, *words));
  if (advice[0] == NULL)
    adw_preferences_group_add (group, tess_sentence_row_new ("tess-sent-symbolic", "tess-good", _("Nothing that Tessera knows of.")));
}

static void
show_headline (TessSecurityDialog *self)
{
  g_auto (TessConnectionHeadline) headline = { 0 };
  const char *button = tess_account_get_security (self->account) == NULL ? tess_trouble_button (self->account) : NULL;

  tess_connection_headline (self->account, &headline);
  gtk_image_set_from_icon_name (self->icon, headline.icon);
  if (self->style != NULL)
    gtk_widget_remove_css_class (GTK_WIDGET (self->icon), self->style);
  self->style = headline.style;
  if (self->style != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self->icon), self->style);
  gtk_label_set_text (self->heading, headline.title);
  gtk_label_set_text (self->sentence, headline.sentence);
  gtk_widget_set_visible (GTK_WIDGET (self->trouble), button != NULL);
  if (button != NULL)
    gtk_button_set_label (self->trouble, button);
}

static void
update_headline (TessSecurityDialog *self)
{
  if (self->account != NULL)
    show_headline (self);
}

static void
update (TessSecurityDialog *self)
{
  const TessSecurityRecord *security;
  GtkWidget *child;

  if (self->account == NULL)
    return;
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->groups))) != NULL)
    gtk_box_remove (self->groups, child);
  adw_window_title_set_subtitle (self->window_title, tess_account_get_address (self->account));
  show_headline (self);
  security = tess_account_get_security (self->account);
  if (security == NULL)
    return;
  /* What could be better stands first where there is anything. */
  if (security->advice != TESS_ADVICE_NONE)
    add_advice (self, security);
  add_encryption (self, security);
  add_login (self, security);
  add_chain (self, security);
  if (security->advice == TESS_ADVICE_NONE)
    add_advice (self, security);
}

static void
set_account (TessSecurityDialog *self, TessAccount *account)
{
  if (self->account == account)
    return;
  if (self->account != NULL)
    g_signal_handlers_disconnect_by_data (self->account, self);
  g_set_object (&self->account, account);
  if (account == NULL)
    return;
  g_signal_connect_object (account, "notify::security", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (account, "notify::connection", G_CALLBACK (update_headline), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (account, "notify::error", G_CALLBACK (update_headline), self, G_CONNECT_SWAPPED);
  update (self);
}

static void
trouble_cb (TessSecurityDialog *self)
{
  tess_trouble_show (GTK_WINDOW (self), self->client, self->account);
}

static void
chosen_cb (TessSecurityDialog *self)
{
  g_autoptr (TessAccount) account = NULL;

  if (self->client == NULL)
    return;
  account = g_list_model_get_item (tess_client_get_accounts (self->client), adw_combo_row_get_selected (self->chooser));
  if (account != NULL)
    set_account (self, account);
}

static void
accounts_changed_cb (TessSecurityDialog *self)
{
  GListModel *accounts = tess_client_get_accounts (self->client);
  TessAccount *account = self->account;
  guint n = g_list_model_get_n_items (accounts);
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  guint selected = GTK_INVALID_LIST_POSITION;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TessAccount) item = g_list_model_get_item (accounts, i);
      gtk_string_list_append (names, tess_account_get_address (item));
      if (item == account)
        selected = i;
    }
  /* The one that it shows was removed. */
  if (selected == GTK_INVALID_LIST_POSITION)
    {
      gtk_window_close (GTK_WINDOW (self));
      return;
    }
  g_signal_handlers_block_by_func (self->chooser, chosen_cb, self);
  adw_combo_row_set_model (self->chooser, G_LIST_MODEL (names));
  adw_combo_row_set_selected (self->chooser, selected);
  g_signal_handlers_unblock_by_func (self->chooser, chosen_cb, self);
  gtk_widget_set_visible (self->chooser_group, n > 1);
}

static void
tess_security_dialog_dispose (GObject *object)
{
  TessSecurityDialog *self = TESS_SECURITY_DIALOG (object);

  set_account (self, NULL);
  g_clear_object (&self->client);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_SECURITY_DIALOG);
  G_OBJECT_CLASS (tess_security_dialog_parent_class)->dispose (object);
}

static void
tess_security_dialog_class_init (TessSecurityDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_security_dialog_dispose;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/security-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, TessSecurityDialog, window_title);
  gtk_widget_class_bind_template_child (widget_class, TessSecurityDialog, chooser_group);
  gtk_widget_class_bind_template_child (widget_class, TessSecurityDialog, chooser);
  gtk_widget_class_bind_template_child (widget_class, TessSecurityDialog, icon);
  gtk_widget_class_bind_template_child (widget_class, TessSecurityDialog, heading);
  gtk_widget_class_bind_template_child (widget_class, TessSecurityDialog, sentence);
  gtk_widget_class_bind_template_child (widget_class, TessSecurityDialog, trouble);
  gtk_widget_class_bind_template_child (widget_class, TessSecurityDialog, groups);
  gtk_widget_class_bind_template_callback (widget_class, chosen_cb);
  gtk_widget_class_bind_template_callback (widget_class, trouble_cb);
}

static void
tess_security_dialog_init (TessSecurityDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
tess_security_dialog_new (GtkWindow *parent, TessClient *client, TessAccount *account)
{
  TessSecurityDialog *self =
    g_object_new (TESS_TYPE_SECURITY_DIALOG, "transient-for", parent, "application", gtk_window_get_application (parent), NULL);
  g_autoptr (TessAccount) first = account == NULL ? g_list_model_get_item (tess_client_get_accounts (client), 0) : NULL;

  self->client = g_object_ref (client);
  g_signal_connect_object (tess_client_get_accounts (client), "items-changed", G_CALLBACK (accounts_changed_cb), self, G_CONNECT_SWAPPED);
  set_account (self, account != NULL ? account : first);
  if (self->account != NULL)
    accounts_changed_cb (self);
  return GTK_WIDGET (self);
}
