/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-history-bar.h"
#include "views/tess-views.h"

#include <glib/gi18n.h>

/* What takes less is nobody's concern. */
#define QUIET_MS 1000
/* A page of the archive takes some ten milliseconds; nobody reads numbers so fast, and each new text is laid out anew. */
#define PAUSE_MS 250

struct _TessHistoryBar
{
  GtkWidget parent_instance;

  GtkRevealer    *revealer;
  GtkLabel       *text;
  GtkButton      *button;
  GtkProgressBar *progress;

  TessAccount *account;
  gboolean     name_it;
  guint        quiet_id;
  guint        pause_id;
  gboolean     waits; /* there is something newer than what is shown */
  gboolean     held;  /* …as it is shown */
};

G_DEFINE_FINAL_TYPE (TessHistoryBar, tess_history_bar, GTK_TYPE_WIDGET)

static void
reveal_cb (gpointer user_data)
{
  TessHistoryBar *self = TESS_HISTORY_BAR (user_data);

  self->quiet_id = 0;
  gtk_revealer_set_reveal_child (self->revealer, TRUE);
}

static char *
describe (const TessMissing *missing)
{
  g_autofree char *done = g_strdup_printf ("%'" G_GINT64_FORMAT, missing->done);
  g_autofree char *total = g_strdup_printf ("%'" G_GINT64_FORMAT, missing->total);

  if (missing->held)
    return g_strdup (_("Older messages were left on the server."));
  if (missing->total < 0)
    /* Translators: a number of messages */
    return g_strdup_printf (_("Fetching messages: %s so far"), done);
  /* Translators: two numbers of messages */
  return g_strdup_printf (_("Fetching messages: %1$s of %2$s"), done, total);
}

static void
update (TessHistoryBar *self)
{
  const TessMissing *missing = tess_account_get_missing (self->account);
  gboolean wanted = missing->gaps > 0 && tess_account_get_connection (self->account) == TESS_CONNECTION_ONLINE;
  gboolean counted = !missing->held && missing->total > 0;
  g_autofree char *sentence = NULL;

  if (!wanted)
    {
      g_clear_handle_id (&self->quiet_id, g_source_remove);
      gtk_revealer_set_reveal_child (self->revealer, FALSE);
      return;
    }
  sentence = describe (missing);
  if (self->name_it)
    {
      g_autofree char *plain = g_steal_pointer (&sentence);
      /* Translators: an account's address, a sentence */
      sentence = g_strdup_printf (_("%1$s: %2$s"), tess_account_get_address (self->account), plain);
    }
  gtk_label_set_text (self->text, sentence);
  if (missing->held != self->held)
    gtk_button_set_label (self->button, missing->held ? _("_Fetch") : _("_Stop"));
  self->held = missing->held;
  gtk_widget_set_visible (GTK_WIDGET (self->progress), counted);
  if (counted)
    gtk_progress_bar_set_fraction (self->progress, CLAMP ((double) missing->done / (double) missing->total, 0, 1));
  if (!gtk_revealer_get_reveal_child (self->revealer) && self->quiet_id == 0)
    self->quiet_id = g_timeout_add_once (missing->held ? 0 : QUIET_MS, reveal_cb, self);
}

static void missing_cb (TessHistoryBar *self);

static void
pause_cb (gpointer user_data)
{
  TessHistoryBar *self = TESS_HISTORY_BAR (user_data);

  self->pause_id = 0;
  if (self->waits)
    missing_cb (self);
}

/* A number may wait; what a person decided, and the end, may not. */
static void
missing_cb (TessHistoryBar *self)
{
  const TessMissing *missing = tess_account_get_missing (self->account);

  self->waits = self->pause_id != 0 && missing->gaps > 0 && missing->held == self->held;
  if (self->waits)
    return;
  update (self);
  g_clear_handle_id (&self->pause_id, g_source_remove);
  self->pause_id = g_timeout_add_once (PAUSE_MS, pause_cb, self);
}

static void
clicked_cb (TessHistoryBar *self)
{
  tess_account_hold_missing (self->account, !tess_account_get_missing (self->account)->held);
}

static void
tess_history_bar_dispose (GObject *object)
{
  TessHistoryBar *self = TESS_HISTORY_BAR (object);

  g_clear_handle_id (&self->quiet_id, g_source_remove);
  g_clear_handle_id (&self->pause_id, g_source_remove);
  if (self->account != NULL)
    g_signal_handlers_disconnect_by_data (self->account, self);
  g_clear_object (&self->account);
  tess_views_dispose (GTK_WIDGET (self), TESS_TYPE_HISTORY_BAR);
  G_OBJECT_CLASS (tess_history_bar_parent_class)->dispose (object);
}

static void
tess_history_bar_class_init (TessHistoryBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_history_bar_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/history-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, TessHistoryBar, revealer);
  gtk_widget_class_bind_template_child (widget_class, TessHistoryBar, text);
  gtk_widget_class_bind_template_child (widget_class, TessHistoryBar, button);
  gtk_widget_class_bind_template_child (widget_class, TessHistoryBar, progress);
  gtk_widget_class_bind_template_callback (widget_class, clicked_cb);
}

static void
tess_history_bar_init (TessHistoryBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_button_set_label (self->button, _("_Stop"));
}

GtkWidget *
tess_history_bar_new (TessAccount *account, gboolean name_it)
{
  TessHistoryBar *self = g_object_new (TESS_TYPE_HISTORY_BAR, NULL);

  self->account = g_object_ref (account);
  self->name_it = name_it;
  g_signal_connect_swapped (account, "notify::missing", G_CALLBACK (missing_cb), self);
  g_signal_connect_swapped (account, "notify::connection", G_CALLBACK (update), self);
  update (self);
  return GTK_WIDGET (self);
}
