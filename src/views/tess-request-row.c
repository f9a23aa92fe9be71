/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-avatar.h"
#include "views/tess-request-row.h"

#include <glib/gi18n.h>

struct _TessRequestRow
{
  GtkListBoxRow parent_instance;

  TessAvatar *avatar;
  GtkLabel   *name;
  GtkLabel   *address;
  GtkLabel   *problem;
  GtkWidget  *buttons;
  GtkWidget  *accept;
  GtkWidget  *refuse;

  TessAccount  *account;
  TessContact  *contact;
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (TessRequestRow, tess_request_row, GTK_TYPE_LIST_BOX_ROW)

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessRequestRow) self = TESS_REQUEST_ROW (user_data);
  g_autoptr (GError) error = NULL;
  gboolean done = tess_account_change_contact_finish (TESS_ACCOUNT (source), result, &error);

  if (self->contact == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  gtk_widget_set_sensitive (self->buttons, TRUE);
  gtk_label_set_text (self->problem, done ? "" : error->message);
  gtk_widget_set_visible (GTK_WIDGET (self->problem), !done);
}

static void
answer (TessRequestRow *self, TessContactAction action)
{
  gtk_widget_set_sensitive (self->buttons, FALSE);
  tess_account_change_contact_async (self->account, tess_contact_get_address (self->contact), (int) action, NULL,
                                     self->cancellable, answered_cb, g_object_ref (self));
}

static void
accept_cb (TessRequestRow *self)
{
  answer (self, TESS_CONTACT_ACCEPT);
}

static void
refuse_cb (TessRequestRow *self)
{
  answer (self, TESS_CONTACT_REFUSE);
}

static void
tess_request_row_dispose (GObject *object)
{
  TessRequestRow *self = TESS_REQUEST_ROW (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  if (self->contact != NULL)
    g_signal_handlers_disconnect_by_data (self->contact, self);
  g_clear_object (&self->account);
  g_clear_object (&self->contact);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_REQUEST_ROW);
  G_OBJECT_CLASS (tess_request_row_parent_class)->dispose (object);
}

static void
tess_request_row_class_init (TessRequestRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_request_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/request-row.ui");
  gtk_widget_class_bind_template_child (widget_class, TessRequestRow, avatar);
  gtk_widget_class_bind_template_child (widget_class, TessRequestRow, name);
  gtk_widget_class_bind_template_child (widget_class, TessRequestRow, address);
  gtk_widget_class_bind_template_child (widget_class, TessRequestRow, problem);
  gtk_widget_class_bind_template_child (widget_class, TessRequestRow, buttons);
  gtk_widget_class_bind_template_child (widget_class, TessRequestRow, accept);
  gtk_widget_class_bind_template_child (widget_class, TessRequestRow, refuse);
  gtk_widget_class_bind_template_callback (widget_class, accept_cb);
  gtk_widget_class_bind_template_callback (widget_class, refuse_cb);
}

static void
tess_request_row_init (TessRequestRow *self)
{
  g_type_ensure (TESS_TYPE_AVATAR);
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
}

/* The name may come after the request. */
static void
update (TessRequestRow *self)
{
  TessContact *contact = self->contact;
  const char *name = tess_contact_get_name (contact);
  g_autofree char *label = g_strdup_printf (_("%1$s, %2$s, wants to see when you are online"), name,
                                            tess_contact_get_address (contact));

  tess_avatar_set_person (self->avatar, name, tess_contact_get_color (contact));
  gtk_label_set_text (self->name, name);
  gtk_label_set_text (self->address, tess_contact_get_address (contact));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  g_autofree char *accept = g_strdup_printf (_("Accept %s"), name);
  g_autofree char *refuse = g_strdup_printf (_("Refuse %s"), name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->accept), GTK_ACCESSIBLE_PROPERTY_LABEL, accept, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->refuse), GTK_ACCESSIBLE_PROPERTY_LABEL, refuse, -1);
}

GtkWidget *
tess_request_row_new (TessAccount *account, TessContact *contact)
{
  TessRequestRow *self = g_object_new (TESS_TYPE_REQUEST_ROW, NULL);

  self->account = g_object_ref (account);
  self->contact = g_object_ref (contact);
  g_signal_connect_swapped (contact, "notify", G_CALLBACK (update), self);
  update (self);
  return GTK_WIDGET (self);
}
