/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-connection-bar.h"
#include "views/tess-trouble.h"
#include "views/tess-views.h"

#include <glib/gi18n.h>

/* UI.md: what takes longer says so, what does not says nothing. */
#define QUIET_MS 300
/* A stream that breaks is mostly taken up again within that: a bar that comes and goes would only worry. */
#define QUIET_AGAIN_MS 2000

struct _TessConnectionBar
{
  GtkWidget parent_instance;

  GtkRevealer *revealer;
  GtkWidget   *box;
  GtkSpinner  *spinner;
  GtkImage    *icon;
  GtkLabel    *text;
  GtkButton   *button;

  TessClient  *client;
  TessAccount *account;
  gboolean     name_it;
  gboolean     was_online; /* and no bar was shown since */
  guint        quiet_ms;   /* of `quiet_id` */
  guint        quiet_id;
};

G_DEFINE_FINAL_TYPE (TessConnectionBar, tess_connection_bar, GTK_TYPE_WIDGET)

static void
reveal_cb (gpointer user_data)
{
  TessConnectionBar *self = TESS_CONNECTION_BAR (user_data);

  self->quiet_id = 0;
  self->was_online = FALSE;
  gtk_revealer_set_reveal_child (self->revealer, TRUE);
}

static void
reveal_soon (TessConnectionBar *self, guint quiet_ms)
{
  if (gtk_revealer_get_reveal_child (self->revealer) || (self->quiet_id != 0 && self->quiet_ms <= quiet_ms))
    return;
  g_clear_handle_id (&self->quiet_id, g_source_remove);
  self->quiet_ms = quiet_ms;
  self->quiet_id = g_timeout_add_once (quiet_ms, reveal_cb, self);
}

static void
hide (TessConnectionBar *self)
{
  g_clear_handle_id (&self->quiet_id, g_source_remove);
  gtk_revealer_set_reveal_child (self->revealer, FALSE);
  gtk_spinner_stop (self->spinner);
}

/* (transfer full) (nullable): nothing is to be said. */
static char *
make_sentence (TessAccount *account)
{
  const char *error = tess_account_get_error (account);

  if (!tess_account_get_enabled (account))
    return g_strdup (_("Paused"));
  switch (tess_account_get_connection (account))
    {
    case TESS_CONNECTION_CONNECTING:
      return g_strdup (_("Connecting…"));
    case TESS_CONNECTION_WAITING:
      return g_strdup (error != NULL ? error : _("Not connected."));
    case TESS_CONNECTION_OFFLINE:
      /* What was refused is not tried again by itself. A password that is only not there yet was not refused.
       * Translators: a sentence that says why */
      return error == NULL || tess_account_get_error_code (account) == TESS_ENGINE_ERROR_PASSWORD_NEEDED
               ? g_strdup (error)
               : g_strdup_printf (_("Signed out. %s"), error);
    case TESS_CONNECTION_ONLINE:
    default:
      return NULL;
    }
}

/* How long it may be left unsaid: what passes by itself longer than what somebody has to do or wait for. */
static guint
quiet_time (TessConnectionBar *self)
{
  TessConnectionState state = tess_account_get_connection (self->account);

  if (!self->was_online || !tess_account_get_enabled (self->account) || state == TESS_CONNECTION_OFFLINE ||
      tess_account_get_error_code (self->account) == TESS_ENGINE_ERROR_NO_NETWORK)
    return QUIET_MS;
  return QUIET_AGAIN_MS;
}

static const char *
button_words (TessAccount *account)
{
  const char *trouble = tess_trouble_button (account);

  if (!tess_account_get_enabled (account))
    return _("_Resume");
  return trouble != NULL ? trouble : _("_Retry");
}

/* In red, so that it is no trouble among others. */
static void
show_alarm (TessConnectionBar *self, gboolean alarm)
{
  if (alarm == gtk_widget_has_css_class (self->box, "alarm"))
    return;
  if (alarm)
    {
      gtk_widget_add_css_class (self->box, "alarm");
      gtk_widget_remove_css_class (GTK_WIDGET (self->icon), "tess-caution");
      gtk_widget_add_css_class (GTK_WIDGET (self->icon), "tess-danger");
    }
  else
    {
      gtk_widget_remove_css_class (self->box, "alarm");
      gtk_widget_remove_css_class (GTK_WIDGET (self->icon), "tess-danger");
      gtk_widget_add_css_class (GTK_WIDGET (self->icon), "tess-caution");
    }
}

static void
update (TessConnectionBar *self)
{
  gboolean paused = !tess_account_get_enabled (self->account);
  gboolean connecting = !paused && tess_account_get_connection (self->account) == TESS_CONNECTION_CONNECTING;
  g_autofree char *sentence = make_sentence (self->account);

  show_alarm (self, sentence != NULL && !paused && !connecting && tess_account_get_alarm (self->account));
  if (tess_account_get_connection (self->account) == TESS_CONNECTION_ONLINE)
    self->was_online = TRUE;
  if (sentence == NULL)
    {
      hide (self);
      return;
    }
  if (self->name_it)
    {
      g_autofree char *plain = g_steal_pointer (&sentence);
      /* Translators: an account's address, a sentence */
      sentence = g_strdup_printf (_("%1$s: %2$s"), tess_account_get_address (self->account), plain);
    }
  gtk_label_set_text (self->text, sentence);
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), connecting);
  gtk_spinner_set_spinning (self->spinner, connecting);
  gtk_widget_set_visible (GTK_WIDGET (self->icon), !connecting && !paused);
  gtk_widget_set_visible (GTK_WIDGET (self->button), !connecting);
  gtk_button_set_label (self->button, button_words (self->account));
  reveal_soon (self, quiet_time (self));
}

static void
clicked_cb (TessConnectionBar *self)
{
  if (tess_account_get_enabled (self->account))
    tess_trouble_show (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), self->client, self->account);
  else
    tess_account_set_enabled (self->account, TRUE);
}

static void
tess_connection_bar_dispose (GObject *object)
{
  TessConnectionBar *self = TESS_CONNECTION_BAR (object);

  g_clear_handle_id (&self->quiet_id, g_source_remove);
  if (self->account != NULL)
    g_signal_handlers_disconnect_by_data (self->account, self);
  g_clear_object (&self->account);
  g_clear_object (&self->client);
  tess_views_dispose (GTK_WIDGET (self), TESS_TYPE_CONNECTION_BAR);
  G_OBJECT_CLASS (tess_connection_bar_parent_class)->dispose (object);
}

static void
tess_connection_bar_class_init (TessConnectionBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_connection_bar_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/connection-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, TessConnectionBar, revealer);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionBar, box);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionBar, spinner);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionBar, icon);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionBar, text);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionBar, button);
  gtk_widget_class_bind_template_callback (widget_class, clicked_cb);
}

static void
tess_connection_bar_init (TessConnectionBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
tess_connection_bar_new (TessClient *client, TessAccount *account, gboolean name_it)
{
  TessConnectionBar *self = g_object_new (TESS_TYPE_CONNECTION_BAR, NULL);

  self->client = g_object_ref (client);
  self->account = g_object_ref (account);
  self->name_it = name_it;
  g_signal_connect_swapped (account, "notify", G_CALLBACK (update), self);
  update (self);
  return GTK_WIDGET (self);
}

TessAccount *
tess_connection_bar_get_account (TessConnectionBar *self)
{
  g_return_val_if_fail (TESS_IS_CONNECTION_BAR (self), NULL);
  return self->account;
}
