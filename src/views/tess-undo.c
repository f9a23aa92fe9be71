/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-undo.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#define UNDO_SECONDS 10

typedef struct
{
  TessDeviceList  *list;
  GPtrArray       *before;
  AdwToastOverlay *overlay; /* weak */
} Undo;

static void
undo_free (gpointer data, GClosure *closure)
{
  Undo *undo = data;

  g_clear_weak_pointer (&undo->overlay);
  g_object_unref (undo->list);
  g_ptr_array_unref (undo->before);
  g_free (undo);
}

static AdwToast *
toast_new (const char *sentence)
{
  g_autofree char *escaped = g_markup_escape_text (sentence, -1);

  return adw_toast_new (escaped);
}

static void
restored_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (AdwToastOverlay) overlay = user_data;
  g_autoptr (GError) error = NULL;
  gboolean done = tess_device_list_restore_finish (TESS_DEVICE_LIST (source), result, &error);

  if (overlay != NULL)
    adw_toast_overlay_add_toast (overlay, toast_new (done ? _("Taken back") : error->message));
}

static void
undo_cb (AdwToast *toast, gpointer user_data)
{
  Undo *undo = user_data;

  tess_device_list_restore_async (undo->list, undo->before, NULL, restored_cb, undo->overlay != NULL ? g_object_ref (undo->overlay) : NULL);
}

void
tess_undo_offer (GtkWidget *widget, TessDeviceList *list, GPtrArray *before, const char *sentence)
{
  GtkWidget *overlay = gtk_widget_get_ancestor (widget, ADW_TYPE_TOAST_OVERLAY);
  AdwToast *toast;
  Undo *undo;

  if (overlay == NULL || before->len == 0)
    {
      g_ptr_array_unref (before);
      return;
    }
  undo = g_new0 (Undo, 1);
  undo->list = g_object_ref (list);
  undo->before = before;
  g_set_weak_pointer (&undo->overlay, ADW_TOAST_OVERLAY (overlay));
  toast = toast_new (sentence);
  adw_toast_set_button_label (toast, _("_Undo"));
  adw_toast_set_timeout (toast, UNDO_SECONDS);
  adw_toast_set_priority (toast, ADW_TOAST_PRIORITY_HIGH);
  g_signal_connect_data (toast, "button-clicked", G_CALLBACK (undo_cb), undo, undo_free, 0);
  adw_toast_overlay_add_toast (ADW_TOAST_OVERLAY (overlay), toast);
}

void
tess_undo_offer_one (GtkWidget *widget, TessDeviceList *list, TessDeviceRecord *before, const char *sentence)
{
  GPtrArray *one = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_device_record_free);

  g_ptr_array_add (one, before);
  tess_undo_offer (widget, list, one, sentence);
}
