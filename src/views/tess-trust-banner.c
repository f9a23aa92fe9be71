/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-signs.h"
#include "views/tess-trust-banner.h"
#include "views/tess-undo.h"
#include "views/tess-views.h"

#include <glib/gi18n.h>

/* In average characters: under the first the buttons stand below the sentence, under the second below each other. */
#define WIDE_CHARS 80
#define NARROW_CHARS 44

struct _TessTrustBanner
{
  GtkWidget parent_instance;

  GtkRevealer *revealer;
  GtkBox      *box;
  GtkImage    *icon;
  GtkLabel    *text;
  GtkLabel    *problem;
  GtkBox      *buttons;
  GtkButton   *first;
  GtkWidget   *trust;
  GtkWidget   *distrust;
  GtkWidget   *hide;

  TessConversation *conversation;
  TessDeviceList   *devices; /* while there is a decision to make; nullable */
  GCancellable     *cancellable;
  int               columns; /* 0: buttons below each other, 1: below the sentence, 2: beside it */
  guint             layout_id;
};

G_DEFINE_FINAL_TYPE (TessTrustBanner, tess_trust_banner, GTK_TYPE_WIDGET)

enum
{
  LEFT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static gboolean
waits (TessDevice *device)
{
  return tess_device_get_active (device) && tess_device_get_trust (device) == TESS_TRUST_UNDECIDED &&
         tess_device_get_fingerprint (device) != NULL;
}

/* The devices that a press on "Trust" speaks of. (transfer container) */
static GPtrArray *
waiting_devices (TessTrustBanner *self)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_object_unref);
  guint n = self->devices != NULL ? g_list_model_get_n_items (G_LIST_MODEL (self->devices)) : 0;

  for (guint i = 0; i < n; i++)
    {
      TessDevice *device = g_list_model_get_item (G_LIST_MODEL (self->devices), i);

      if (waits (device))
        g_ptr_array_add (found, device);
      else
        g_object_unref (device);
    }
  return found;
}

static char *
undecided_sentence (TessTrustBanner *self, guint n)
{
  const char *name = tess_conversation_get_name (self->conversation);

  if (n <= 1)
    return g_strdup_printf (_("%s has a new device. It gets no messages until you decide about it."), name);
  /* Translators: a contact, a number of devices */
  return g_strdup_printf (ngettext ("%1$s has %2$u new device. It gets no messages until you decide about it.",
                                    "%1$s has %2$u new devices. They get no messages until you decide about them.", n),
                          name, n);
}

static void
say (TessTrustBanner *self, const char *sentence, const char *button, const char *action)
{
  gtk_label_set_text (self->text, sentence);
  gtk_button_set_label (self->first, button);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->first), action);
}

#define HIDDEN "tess-left-out-hidden"

/* How many were left out when the person had seen enough of it; in this run. */
static guint
hidden_count (TessTrustBanner *self)
{
  return GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (self->conversation), HIDDEN));
}

static void
update (TessTrustBanner *self)
{
  TessSecurity security = self->conversation != NULL ? (TessSecurity) tess_conversation_get_security (self->conversation)
                                                     : TESS_SECURITY_PLAIN;
  const char *name = self->conversation != NULL ? tess_conversation_get_name (self->conversation) : "";
  g_autoptr (GPtrArray) waiting = waiting_devices (self);
  guint left_out = self->conversation != NULL ? tess_conversation_get_left_out (self->conversation) : 0;
  g_autofree char *sentence = NULL;
  gboolean shown = TRUE;

  switch (security)
    {
    case TESS_SECURITY_UNDECIDED:
      sentence = undecided_sentence (self, waiting->len);
      say (self, sentence, _("_Verify…"), "chat.devices");
      break;
    case TESS_SECURITY_ALARM:
      sentence = g_strdup_printf (_("The key of a device of %s changed. Somebody may be listening; nothing is sent until you decide."), name);
      say (self, sentence, _("Look at _Devices…"), "chat.devices");
      break;
    case TESS_SECURITY_NO_DEVICES:
      sentence = g_strdup_printf (_("%s has no device that can read encrypted messages. They wait until there is one."), name);
      say (self, sentence, _("_Write Unencrypted"), "chat.encrypt-off");
      break;
    case TESS_SECURITY_ENCRYPTED:
    case TESS_SECURITY_VERIFIED:
      shown = left_out > 0 && left_out != hidden_count (self);
      if (!shown)
        break;
      /* Translators: a contact, a number of devices */
      sentence = g_strdup_printf (ngettext ("%2$u device of %1$s gets no messages: its app has published no keys that can be used.",
                                            "%2$u devices of %1$s get no messages: their apps have published no keys that can be used.", left_out),
                                  name, left_out);
      say (self, sentence, _("Look at _Devices…"), "chat.devices");
      break;
    case TESS_SECURITY_PLAIN:
    case TESS_SECURITY_CHECKING:
    default:
      shown = FALSE;
      break;
    }
  if (shown)
    {
      gtk_image_set_from_icon_name (self->icon, tess_sign_security_icon (security));
      gtk_widget_set_css_classes (GTK_WIDGET (self->box),
                                  (const char *[]){ "tess-banner", security == TESS_SECURITY_ALARM ? "alarm" : "caution", NULL });
      gtk_widget_set_visible (self->hide, security == TESS_SECURITY_ENCRYPTED || security == TESS_SECURITY_VERIFIED);
      gtk_widget_set_visible (self->trust, security == TESS_SECURITY_UNDECIDED && waiting->len > 0);
      gtk_widget_set_visible (self->distrust, security == TESS_SECURITY_UNDECIDED && waiting->len > 0);
    }
  else
    {
      /* What nobody sees would count for the width. */
      gtk_widget_set_visible (self->hide, FALSE);
      gtk_widget_set_visible (self->trust, FALSE);
      gtk_widget_set_visible (self->distrust, FALSE);
      gtk_widget_set_visible (GTK_WIDGET (self->problem), FALSE);
      /* The keyboard stood on a button that goes. */
      if (gtk_widget_get_focus_child (GTK_WIDGET (self)) != NULL)
        g_signal_emit (self, signals[LEFT], 0);
    }
  /* Tab does not go where nothing is seen. */
  gtk_widget_set_sensitive (GTK_WIDGET (self->box), shown);
  gtk_revealer_set_reveal_child (self->revealer, shown);
}

static void
devices_changed_cb (TessTrustBanner *self, guint position, guint removed, guint added)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (TessDevice) device = g_list_model_get_item (G_LIST_MODEL (self->devices), i);

      g_signal_handlers_disconnect_by_func (device, update, self);
      g_signal_connect_object (device, "notify", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
    }
  update (self);
}

static void
forget_devices (TessTrustBanner *self)
{
  if (self->devices == NULL)
    return;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->devices)); i++)
    {
      g_autoptr (TessDevice) device = g_list_model_get_item (G_LIST_MODEL (self->devices), i);
      g_signal_handlers_disconnect_by_func (device, update, self);
    }
  g_signal_handlers_disconnect_by_data (self->devices, self);
  g_clear_object (&self->devices);
}

/* The devices are asked for only where one waits. */
static void
security_changed_cb (TessTrustBanner *self)
{
  gboolean undecided = self->conversation != NULL && tess_conversation_get_security (self->conversation) == TESS_SECURITY_UNDECIDED;

  if (!undecided)
    forget_devices (self);
  else if (self->devices == NULL)
    {
      self->devices = tess_conversation_get_devices (self->conversation);
      g_signal_connect_object (self->devices, "items-changed", G_CALLBACK (devices_changed_cb), self, G_CONNECT_SWAPPED);
      devices_changed_cb (self, 0, 0, g_list_model_get_n_items (G_LIST_MODEL (self->devices)));
    }
  update (self);
}

/* --- deciding --------------------------------------------------------------------------------------------------------------- */

static void
decided_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessTrustBanner) self = TESS_TRUST_BANNER (user_data);
  g_autoptr (GError) error = NULL;
  gboolean done = tess_device_list_set_trust_finish (TESS_DEVICE_LIST (source), result, &error);

  if (self->conversation == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  gtk_label_set_text (self->problem, done ? "" : error->message);
  gtk_widget_set_visible (GTK_WIDGET (self->problem), !done);
}

static void
decide (TessTrustBanner *self, TessTrust trust)
{
  g_autoptr (GPtrArray) waiting = waiting_devices (self);
  GPtrArray *before = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_device_record_free);
  TessDeviceList *devices = self->devices;

  for (guint i = 0; i < waiting->len; i++)
    {
      g_ptr_array_add (before, tess_device_list_remember (devices, g_ptr_array_index (waiting, i)));
      tess_device_list_set_trust_async (devices, g_ptr_array_index (waiting, i), trust, self->cancellable, decided_cb,
                                        g_object_ref (self));
    }
  if (devices != NULL)
    tess_undo_offer (GTK_WIDGET (self), devices, before,
                     trust == TESS_TRUST_DISTRUSTED ? ngettext ("New device distrusted", "New devices distrusted", waiting->len)
                                                    : ngettext ("New device trusted", "New devices trusted", waiting->len));
  else
    g_ptr_array_unref (before);
}

static void
hide_cb (TessTrustBanner *self)
{
  g_object_set_data (G_OBJECT (self->conversation), HIDDEN, GUINT_TO_POINTER (tess_conversation_get_left_out (self->conversation)));
  update (self);
}

static void
trust_cb (TessTrustBanner *self)
{
  decide (self, TESS_TRUST_BLIND);
}

static void
distrust_cb (TessTrustBanner *self)
{
  decide (self, TESS_TRUST_DISTRUSTED);
}

/* --- object ----------------------------------------------------------------------------------------------------------------- */

static void
apply_layout (TessTrustBanner *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->box), self->columns == 2 ? GTK_ORIENTATION_HORIZONTAL : GTK_ORIENTATION_VERTICAL);
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->buttons),
                                  self->columns == 0 ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL);
  gtk_widget_set_halign (GTK_WIDGET (self->buttons), self->columns == 0 ? GTK_ALIGN_FILL : GTK_ALIGN_END);
}

static void
apply_layout_cb (gpointer user_data)
{
  TessTrustBanner *self = TESS_TRUST_BANNER (user_data);

  self->layout_id = 0;
  apply_layout (self);
}

static void
tess_trust_banner_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  TessTrustBanner *self = TESS_TRUST_BANNER (widget);
  PangoFontMetrics *metrics = pango_context_get_metrics (gtk_widget_get_pango_context (widget), NULL, NULL);
  int chars = width / MAX (1, pango_font_metrics_get_approximate_char_width (metrics) / PANGO_SCALE);
  int columns = chars >= WIDE_CHARS ? 2 : chars >= NARROW_CHARS ? 1 : 0;

  pango_font_metrics_unref (metrics);
  gtk_widget_size_allocate (gtk_widget_get_first_child (widget), &(GtkAllocation){ 0, 0, width, height }, baseline);
  if (columns != self->columns)
    {
      self->columns = columns;
      if (self->layout_id == 0)
        self->layout_id = g_idle_add_once (apply_layout_cb, self);
    }
}

static void
tess_trust_banner_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                           int *minimum_baseline, int *natural_baseline)
{
  gtk_widget_measure (gtk_widget_get_first_child (widget), orientation, for_size, minimum, natural, NULL, NULL);
}

static GtkSizeRequestMode
tess_trust_banner_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
tess_trust_banner_dispose (GObject *object)
{
  TessTrustBanner *self = TESS_TRUST_BANNER (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->layout_id, g_source_remove);
  forget_devices (self);
  if (self->conversation != NULL)
    g_signal_handlers_disconnect_by_data (self->conversation, self);
  g_clear_object (&self->conversation);
  tess_views_dispose (GTK_WIDGET (self), TESS_TYPE_TRUST_BANNER);
  G_OBJECT_CLASS (tess_trust_banner_parent_class)->dispose (object);
}

static void
tess_trust_banner_class_init (TessTrustBannerClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_trust_banner_dispose;
  signals[LEFT] = g_signal_new ("left", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  widget_class->measure = tess_trust_banner_measure;
  widget_class->size_allocate = tess_trust_banner_size_allocate;
  widget_class->get_request_mode = tess_trust_banner_get_request_mode;
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/trust-banner.ui");
  gtk_widget_class_bind_template_child (widget_class, TessTrustBanner, revealer);
  gtk_widget_class_bind_template_child (widget_class, TessTrustBanner, box);
  gtk_widget_class_bind_template_child (widget_class, TessTrustBanner, icon);
  gtk_widget_class_bind_template_child (widget_class, TessTrustBanner, text);
  gtk_widget_class_bind_template_child (widget_class, TessTrustBanner, problem);
  gtk_widget_class_bind_template_child (widget_class, TessTrustBanner, buttons);
  gtk_widget_class_bind_template_child (widget_class, TessTrustBanner, first);
  gtk_widget_class_bind_template_child (widget_class, TessTrustBanner, trust);
  gtk_widget_class_bind_template_child (widget_class, TessTrustBanner, distrust);
  gtk_widget_class_bind_template_child (widget_class, TessTrustBanner, hide);
  gtk_widget_class_bind_template_callback (widget_class, hide_cb);
  gtk_widget_class_bind_template_callback (widget_class, trust_cb);
  gtk_widget_class_bind_template_callback (widget_class, distrust_cb);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_ALERT);
}

static void
tess_trust_banner_init (TessTrustBanner *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
  /* Without more until there is room: else the window could not become small. */
  apply_layout (self);
  update (self);
}

void
tess_trust_banner_set_conversation (TessTrustBanner *self, TessConversation *conversation)
{
  g_return_if_fail (TESS_IS_TRUST_BANNER (self));

  if (self->conversation != NULL)
    g_signal_handlers_disconnect_by_data (self->conversation, self);
  forget_devices (self);
  g_set_object (&self->conversation, conversation);
  if (conversation != NULL)
    {
      g_signal_connect_swapped (conversation, "notify::security", G_CALLBACK (security_changed_cb), self);
      g_signal_connect_swapped (conversation, "notify::name", G_CALLBACK (update), self);
      g_signal_connect_swapped (conversation, "notify::left-out", G_CALLBACK (update), self);
    }
  security_changed_cb (self);
}
