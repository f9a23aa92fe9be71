/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-avatar.h"
#include "views/tess-new-chat-dialog.h"
#include "views/tess-signs.h"

#include <glib/gi18n.h>
#include <string.h>

struct _TessNewChatDialog
{
  AdwWindow parent_instance;

  AdwEntryRow *address;
  AdwComboRow *account;
  GtkWidget   *add_row;
  GtkSwitch   *add;
  GtkLabel    *problem;
  GtkWidget   *start;
  GtkWidget   *contact_box;
  GtkListBox  *contacts;

  TessClient *client;
  gboolean    asks; /* about one address, which a link named */
};

G_DEFINE_FINAL_TYPE (TessNewChatDialog, tess_new_chat_dialog, ADW_TYPE_WINDOW)

enum
{
  CHOSEN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static TessAccount *
chosen_account (TessNewChatDialog *self)
{
  GListModel *accounts = tess_client_get_accounts (self->client);
  guint selected = adw_combo_row_get_selected (self->account);
  g_autoptr (TessAccount) account = g_list_model_get_item (accounts, selected != GTK_INVALID_LIST_POSITION ? selected : 0);

  return account; /* the list keeps it */
}

static char *
typed_address (TessNewChatDialog *self)
{
  return g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->address))));
}

static gboolean
filter_row_cb (GtkListBoxRow *row, gpointer user_data)
{
  TessNewChatDialog *self = TESS_NEW_CHAT_DIALOG (user_data);
  TessContact *contact = g_object_get_data (G_OBJECT (row), "contact");
  g_autofree char *typed = typed_address (self);
  g_autofree char *needle = g_utf8_casefold (typed, -1);
  g_autofree char *name = g_utf8_casefold (tess_contact_get_name (contact), -1);

  return tess_contact_get_in_roster (contact) &&
         (strstr (name, needle) != NULL || strstr (tess_contact_get_address (contact), needle) != NULL);
}

static int
sort_rows_cb (GtkListBoxRow *a, GtkListBoxRow *b, gpointer user_data)
{
  g_autofree char *key_a = g_utf8_collate_key (tess_contact_get_name (g_object_get_data (G_OBJECT (a), "contact")), -1);
  g_autofree char *key_b = g_utf8_collate_key (tess_contact_get_name (g_object_get_data (G_OBJECT (b), "contact")), -1);
  return strcmp (key_a, key_b);
}

static void
changed_cb (TessNewChatDialog *self)
{
  g_autofree char *address = typed_address (self);
  g_autofree char *problem = *address != '\0' ? tess_client_check_address (address) : NULL;
  gboolean good = *address != '\0' && problem == NULL;
  TessAccount *account = chosen_account (self);
  TessContact *known = good && account != NULL ? tess_account_find_contact (account, address) : NULL;

  gtk_widget_set_sensitive (self->start, good && account != NULL);
  /* Somebody who looks for a name among the contacts types no address, and that is no mistake. */
  gboolean complain = problem != NULL && strchr (address, '@') != NULL;
  gtk_label_set_text (self->problem, complain ? problem : "");
  gtk_widget_set_visible (GTK_WIDGET (self->problem), complain);
  gtk_widget_set_visible (self->add_row, good && (known == NULL || !tess_contact_get_in_roster (known)));
  gtk_list_box_invalidate_filter (self->contacts);
}

static void
choose (TessNewChatDialog *self, TessAccount *account, const char *address, gboolean add)
{
  g_signal_emit (self, signals[CHOSEN], 0, account, address, add);
  gtk_window_close (GTK_WINDOW (self));
}

static void
start_cb (TessNewChatDialog *self)
{
  g_autofree char *address = typed_address (self);
  TessAccount *account = chosen_account (self);

  if (!gtk_widget_get_sensitive (self->start) || account == NULL)
    return;
  choose (self, account, address, gtk_widget_get_visible (self->add_row) && gtk_switch_get_active (self->add));
}

static void
contact_activated_cb (TessNewChatDialog *self, GtkListBoxRow *row)
{
  TessContact *contact = g_object_get_data (G_OBJECT (row), "contact");
  choose (self, g_object_get_data (G_OBJECT (row), "account"), tess_contact_get_address (contact), FALSE);
}

/* --- the contacts ----------------------------------------------------------------------------------------------------------- */

static void
show_contact (GtkWidget *row)
{
  TessContact *contact = g_object_get_data (G_OBJECT (row), "contact");
  GtkWidget *avatar = g_object_get_data (G_OBJECT (row), "avatar");
  g_autofree char *name = g_markup_escape_text (tess_contact_get_name (contact), -1);
  g_autofree char *address = g_markup_escape_text (tess_contact_get_address (contact), -1);

  tess_avatar_set_person (TESS_AVATAR (avatar), tess_contact_get_name (contact), tess_contact_get_color (contact));
  tess_avatar_set_presence (TESS_AVATAR (avatar), (int) tess_contact_get_presence (contact));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), name);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), address);
  g_autofree char *label = g_strdup_printf ("%s, %s, %s", tess_contact_get_name (contact), tess_contact_get_address (contact),
                                            tess_sign_presence_word (tess_contact_get_presence (contact)));
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

static void
contact_changed_cb (GtkWidget *row)
{
  show_contact (row);
  gtk_list_box_row_changed (GTK_LIST_BOX_ROW (row));
}

static void
add_contact_row (TessNewChatDialog *self, TessAccount *account, TessContact *contact)
{
  GtkWidget *row = adw_action_row_new ();
  GtkWidget *avatar = tess_avatar_new (32);

  gtk_widget_set_valign (avatar, GTK_ALIGN_CENTER);
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), avatar);
  adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 1);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 1);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  g_object_set_data (G_OBJECT (row), "avatar", avatar);
  g_object_set_data_full (G_OBJECT (row), "contact", g_object_ref (contact), g_object_unref);
  g_object_set_data_full (G_OBJECT (row), "account", g_object_ref (account), g_object_unref);
  show_contact (row);
  g_signal_connect_object (contact, "notify", G_CALLBACK (contact_changed_cb), row, G_CONNECT_SWAPPED);
  gtk_list_box_append (self->contacts, row);
}

static void
fill_contacts (TessNewChatDialog *self)
{
  GListModel *accounts = tess_client_get_accounts (self->client);
  GtkListBoxRow *row;
  guint n = 0;

  while ((row = gtk_list_box_get_row_at_index (self->contacts, 0)) != NULL)
    gtk_list_box_remove (self->contacts, GTK_WIDGET (row));
  for (guint i = 0; i < g_list_model_get_n_items (accounts); i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, i);
      GListModel *contacts = tess_account_get_contacts (account);

      for (guint k = 0; k < g_list_model_get_n_items (contacts); k++)
        {
          g_autoptr (TessContact) contact = g_list_model_get_item (contacts, k);
          if (!tess_contact_get_in_roster (contact))
            continue;
          add_contact_row (self, account, contact);
          n++;
        }
    }
  gtk_widget_set_visible (self->contact_box, n > 0 && !self->asks);
}

static void
fill (TessNewChatDialog *self)
{
  GListModel *accounts = tess_client_get_accounts (self->client);
  g_autoptr (GtkStringList) addresses = gtk_string_list_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (accounts); i++)
    {
      g_autoptr (TessAccount) account = g_list_model_get_item (accounts, i);

      gtk_string_list_append (addresses, tess_account_get_address (account));
      g_signal_connect_object (tess_account_get_contacts (account), "items-changed", G_CALLBACK (fill_contacts), self,
                               G_CONNECT_SWAPPED);
    }
  adw_combo_row_set_model (self->account, G_LIST_MODEL (addresses));
  gtk_widget_set_visible (GTK_WIDGET (self->account), g_list_model_get_n_items (accounts) > 1);
  fill_contacts (self);
}

static void
tess_new_chat_dialog_dispose (GObject *object)
{
  TessNewChatDialog *self = TESS_NEW_CHAT_DIALOG (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_NEW_CHAT_DIALOG);
  g_clear_object (&self->client);
  G_OBJECT_CLASS (tess_new_chat_dialog_parent_class)->dispose (object);
}

static void
tess_new_chat_dialog_class_init (TessNewChatDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_new_chat_dialog_dispose;
  signals[CHOSEN] = g_signal_new ("chosen", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                                  TESS_TYPE_ACCOUNT, G_TYPE_STRING, G_TYPE_BOOLEAN);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/new-chat-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, TessNewChatDialog, address);
  gtk_widget_class_bind_template_child (widget_class, TessNewChatDialog, account);
  gtk_widget_class_bind_template_child (widget_class, TessNewChatDialog, add_row);
  gtk_widget_class_bind_template_child (widget_class, TessNewChatDialog, add);
  gtk_widget_class_bind_template_child (widget_class, TessNewChatDialog, problem);
  gtk_widget_class_bind_template_child (widget_class, TessNewChatDialog, start);
  gtk_widget_class_bind_template_child (widget_class, TessNewChatDialog, contact_box);
  gtk_widget_class_bind_template_child (widget_class, TessNewChatDialog, contacts);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, start_cb);
  gtk_widget_class_bind_template_callback (widget_class, contact_activated_cb);
}

/* Not the first button of the header, which GTK chooses: what is typed at once must not press it. */
static void
mapped_cb (TessNewChatDialog *self)
{
  gtk_widget_grab_focus (self->asks ? self->start : GTK_WIDGET (self->address));
}

static void
tess_new_chat_dialog_init (TessNewChatDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_after (self, "map", G_CALLBACK (mapped_cb), NULL);
}

GtkWidget *
tess_new_chat_dialog_new (GtkWindow *parent, TessClient *client, const char *address)
{
  TessNewChatDialog *self = g_object_new (TESS_TYPE_NEW_CHAT_DIALOG, "transient-for", parent, "application", gtk_window_get_application (parent), NULL);

  self->client = g_object_ref (client);
  self->asks = address != NULL;
  fill (self);
  gtk_list_box_set_filter_func (self->contacts, filter_row_cb, self, NULL);
  gtk_list_box_set_sort_func (self->contacts, sort_rows_cb, NULL, NULL);
  if (address != NULL)
    {
      gtk_editable_set_text (GTK_EDITABLE (self->address), address);
      gtk_window_set_title (GTK_WINDOW (self), _("Open a Chat?"));
    }
  changed_cb (self);
  return GTK_WIDGET (self);
}
