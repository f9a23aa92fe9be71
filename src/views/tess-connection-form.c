/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-views"

#include "config.h"

#include "views/tess-connection-form.h"
#include "views/tess-connection-words.h"
#include "views/tess-text.h"

#include <glib/gi18n.h>
#include <string.h>

#define TOR_HOST "localhost"
#define TOR_PORT "9050"
#define MAX_FILE (1024 * 1024)

struct _TessConnectionForm
{
  GtkBox parent_instance;

  AdwEntryRow         *server;
  AdwEntryRow         *port;
  AdwComboRow         *connection;
  GtkLabel            *port_problem;
  AdwComboRow         *proxy;
  AdwEntryRow         *proxy_host;
  AdwEntryRow         *proxy_port;
  AdwEntryRow         *proxy_username;
  AdwPasswordEntryRow *proxy_password;
  GtkLabel            *proxy_problem;
  AdwActionRow        *certificate;
  GtkWidget           *choose_certificate;
  GtkWidget           *remove_certificate;
  AdwPasswordEntryRow *passphrase;
  GtkLabel            *certificate_problem;
  GtkSwitch           *keep_key;
  GtkSwitch           *remember_key;

  TessClient           *client;
  GCancellable         *cancellable; /* of reading a certificate; nullable */
  GBytes               *file;        /* what was chosen and cannot be read yet; nullable */
  TessCredentials      *chosen;      /* `certificate` of what was chosen; nullable */
  char                 *whose;       /* whose certificate it is; nullable */
  char                 *until;       /* until when that is valid; nullable */
  char                 *old_whose;   /* that of the account as it is stored; nullable */
  gboolean              had_proxy_password;
  gboolean              filling;
  GtkFileChooserNative *chooser; /* nullable */
};

G_DEFINE_FINAL_TYPE (TessConnectionForm, tess_connection_form, GTK_TYPE_BOX)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static const char *
text_of (gpointer row)
{
  return gtk_editable_get_text (GTK_EDITABLE (row));
}

/* (transfer full) (nullable) */
static char *
stripped (gpointer row)
{
  char *text = g_strstrip (g_strdup (text_of (row)));

  if (*text == '\0')
    g_clear_pointer (&text, g_free);
  return text;
}

/* 0 for the default, -1 for no port. */
static int
read_port (gpointer row)
{
  g_autofree char *text = stripped (row);
  guint64 port;

  if (text == NULL)
    return 0;
  return g_ascii_string_to_unsigned (text, 10, 1, 65535, &port, NULL) ? (int) port : -1;
}

static void
mark (gpointer row, GtkLabel *label, const char *sentence)
{
  if (sentence != NULL)
    {
      gtk_widget_add_css_class (row, "error");
      gtk_label_set_text (label, sentence);
    }
  else
    gtk_widget_remove_css_class (row, "error");
  gtk_widget_set_visible (GTK_WIDGET (label), sentence != NULL);
  gtk_accessible_update_state (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_STATE_INVALID,
                               sentence != NULL ? GTK_ACCESSIBLE_INVALID_TRUE : GTK_ACCESSIBLE_INVALID_FALSE, -1);
}

static gboolean
own_proxy (TessConnectionForm *self)
{
  guint kind = adw_combo_row_get_selected (self->proxy);

  return kind == TESS_ACCOUNT_PROXY_SOCKS5 || kind == TESS_ACCOUNT_PROXY_HTTP;
}

static void
check (TessConnectionForm *self)
{
  const char *no_port = _("A port is a number from 1 to 65535.");

  mark (self->port, self->port_problem, read_port (self->port) < 0 ? no_port : NULL);
  mark (self->proxy, self->proxy_problem, NULL);
  mark (self->proxy_host, self->proxy_problem, NULL);
  mark (self->proxy_port, self->proxy_problem, own_proxy (self) && read_port (self->proxy_port) < 0 ? no_port : NULL);
}

static void
changed_cb (TessConnectionForm *self)
{
  if (self->filling)
    return;
  check (self);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
show_proxy_fields (TessConnectionForm *self)
{
  gboolean own = own_proxy (self);

  gtk_widget_set_visible (GTK_WIDGET (self->proxy_host), own);
  gtk_widget_set_visible (GTK_WIDGET (self->proxy_port), own);
  gtk_widget_set_visible (GTK_WIDGET (self->proxy_username), own);
  gtk_widget_set_visible (GTK_WIDGET (self->proxy_password), own);
}

/* What Tor listens on is there already, and goes with it. */
static void
proxy_cb (TessConnectionForm *self)
{
  guint kind = adw_combo_row_get_selected (self->proxy);

  if (self->filling)
    return;
  show_proxy_fields (self);
  if (kind == TESS_ACCOUNT_PROXY_SOCKS5 && *text_of (self->proxy_host) == '\0' && *text_of (self->proxy_port) == '\0')
    {
      gtk_editable_set_text (GTK_EDITABLE (self->proxy_host), TOR_HOST);
      gtk_editable_set_text (GTK_EDITABLE (self->proxy_port), TOR_PORT);
    }
  else if (kind == TESS_ACCOUNT_PROXY_HTTP && g_str_equal (text_of (self->proxy_host), TOR_HOST) &&
           g_str_equal (text_of (self->proxy_port), TOR_PORT))
    {
      gtk_editable_set_text (GTK_EDITABLE (self->proxy_host), "");
      gtk_editable_set_text (GTK_EDITABLE (self->proxy_port), "");
    }
  changed_cb (self);
}

/* --- our own certificate ---------------------------------------------------------------------------------------------------- */

static void
show_whose (TessConnectionForm *self)
{
  g_autofree char *isolated = self->whose != NULL ? tess_text_isolate (self->whose) : NULL;
  g_autofree char *words = NULL;
  g_autofree char *markup = NULL;

  if (isolated != NULL && self->until != NULL)
    /* Translators: whose certificate it is, a date */
    words = g_strdup_printf (_("%1$s, valid until %2$s"), isolated, self->until);
  else
    words = g_strdup (isolated != NULL ? isolated : _("None; most servers ask for a password instead"));
  markup = g_markup_escape_text (words, -1);

  adw_action_row_set_subtitle (self->certificate, markup);
  gtk_widget_set_visible (self->remove_certificate, self->whose != NULL || self->file != NULL);
}

static void
forget_file (TessConnectionForm *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->file, g_bytes_unref);
  gtk_editable_set_text (GTK_EDITABLE (self->passphrase), "");
  gtk_widget_set_visible (GTK_WIDGET (self->passphrase), FALSE);
  mark (self->passphrase, self->certificate_problem, NULL);
  mark (self->certificate, self->certificate_problem, NULL);
}

static void
certificate_failed (TessConnectionForm *self, const GError *error)
{
  if (g_error_matches (error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_PASSPHRASE_NEEDED))
    {
      /* The first time it is a question, no fault. */
      mark (self->passphrase, self->certificate_problem, *text_of (self->passphrase) != '\0' ? error->message : NULL);
      gtk_widget_set_visible (GTK_WIDGET (self->passphrase), TRUE);
      gtk_widget_grab_focus (GTK_WIDGET (self->passphrase));
    }
  else
    {
      forget_file (self);
      mark (self->certificate, self->certificate_problem, error->message);
      gtk_widget_grab_focus (self->choose_certificate);
    }
}

static void
certificate_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessConnectionForm) self = TESS_CONNECTION_FORM (user_data);
  g_autoptr (GError) error = NULL;
  TessCertificate *certificate = NULL;
  g_autoptr (TessCredentials) credentials =
    tess_client_read_certificate_finish (TESS_CLIENT (source), result, &certificate, &error);

  if (self->client == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      tess_certificate_free (certificate);
      return;
    }
  g_clear_object (&self->cancellable);
  if (credentials == NULL)
    certificate_failed (self, error);
  else
    {
      g_free (self->whose);
      self->whose = tess_certificate_common_name (certificate->subject);
      g_free (self->until);
      self->until = tess_text_full_time (certificate->not_after_us, tess_text_use_24_hours ());
      tess_credentials_free (self->chosen);
      self->chosen = g_steal_pointer (&credentials);
      forget_file (self);
    }
  tess_certificate_free (certificate);
  show_whose (self);
  changed_cb (self);
}

static void
read_certificate (TessConnectionForm *self)
{
  const char *passphrase = text_of (self->passphrase);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  tess_client_read_certificate_async (self->client, self->file, *passphrase != '\0' ? passphrase : NULL, self->cancellable,
                                      certificate_read_cb, g_object_ref (self));
}

static void
passphrase_cb (TessConnectionForm *self)
{
  if (self->file != NULL)
    read_certificate (self);
}

typedef struct
{
  TessConnectionForm *form;
  gsize               n;
  char                data[MAX_FILE + 1];
} Loading;

static void
loading_free (gpointer data)
{
  Loading *self = data;

  explicit_bzero (self->data, sizeof self->data);
  g_object_unref (self->form);
  g_free (self);
}

static void
wipe_file (gpointer data)
{
  loading_free (data);
}

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Loading *loading = user_data;
  g_autoptr (TessConnectionForm) self = g_object_ref (loading->form);
  g_autoptr (GError) error = NULL;
  gboolean read = g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &loading->n, &error);

  if (self->client == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      loading_free (loading);
      return;
    }
  g_clear_object (&self->cancellable);
  if (!read || loading->n > MAX_FILE)
    {
      mark (self->certificate, self->certificate_problem,
            read ? _("This file is too large to be a certificate. Choose another one.") : _("This file cannot be read. Choose another one."));
      loading_free (loading);
      return;
    }
  self->file = g_bytes_new_with_free_func (loading->data, loading->n, wipe_file, loading);
  read_certificate (self);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TessConnectionForm) self = TESS_CONNECTION_FORM (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileInputStream) stream = g_file_read_finish (G_FILE (source), result, &error);
  Loading *loading;

  if (self->client == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (stream == NULL)
    {
      g_clear_object (&self->cancellable);
      mark (self->certificate, self->certificate_problem, _("This file cannot be read. Choose another one."));
      return;
    }
  loading = g_new0 (Loading, 1);
  loading->form = g_object_ref (self);
  g_input_stream_read_all_async (G_INPUT_STREAM (stream), loading->data, sizeof loading->data, G_PRIORITY_DEFAULT, self->cancellable,
                                 loaded_cb, loading);
}

void
tess_connection_form_load_certificate (TessConnectionForm *self, GFile *file)
{
  g_return_if_fail (TESS_IS_CONNECTION_FORM (self));

  forget_file (self);
  self->cancellable = g_cancellable_new ();
  g_file_read_async (file, G_PRIORITY_DEFAULT, self->cancellable, opened_cb, g_object_ref (self));
}

static void
chosen_cb (TessConnectionForm *self, int response)
{
  g_autoptr (GtkFileChooserNative) chooser = g_steal_pointer (&self->chooser);
  g_autoptr (GFile) file = response == GTK_RESPONSE_ACCEPT ? gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser)) : NULL;

  if (file != NULL && self->client != NULL)
    tess_connection_form_load_certificate (self, file);
}

static void
choose_certificate_cb (TessConnectionForm *self)
{
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();
  g_autoptr (GtkFileFilter) all = gtk_file_filter_new ();

  if (self->chooser != NULL)
    return;
  self->chooser = gtk_file_chooser_native_new (_("Choose Your Certificate"), GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))),
                                               GTK_FILE_CHOOSER_ACTION_OPEN, NULL, NULL);
  gtk_file_filter_set_name (filter, _("Certificates with their keys"));
  gtk_file_filter_add_suffix (filter, "p12");
  gtk_file_filter_add_suffix (filter, "pfx");
  gtk_file_filter_add_suffix (filter, "pem");
  gtk_file_filter_set_name (all, _("All files"));
  gtk_file_filter_add_pattern (all, "*");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), filter);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), all);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (chosen_cb), self, G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
remove_certificate_cb (TessConnectionForm *self)
{
  gtk_widget_grab_focus (self->choose_certificate);
  forget_file (self);
  g_clear_pointer (&self->whose, g_free);
  g_clear_pointer (&self->until, g_free);
  g_clear_pointer (&self->chosen, tess_credentials_free);
  show_whose (self);
  changed_cb (self);
}

/* --- object ----------------------------------------------------------------------------------------------------------------- */

static void
tess_connection_form_dispose (GObject *object)
{
  TessConnectionForm *self = TESS_CONNECTION_FORM (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->file, g_bytes_unref);
  g_clear_pointer (&self->chosen, tess_credentials_free);
  g_clear_pointer (&self->whose, g_free);
  g_clear_pointer (&self->until, g_free);
  g_clear_pointer (&self->old_whose, g_free);
  g_clear_object (&self->chooser);
  g_clear_object (&self->client);
  gtk_widget_dispose_template (GTK_WIDGET (self), TESS_TYPE_CONNECTION_FORM);
  G_OBJECT_CLASS (tess_connection_form_parent_class)->dispose (object);
}

static void
tess_connection_form_class_init (TessConnectionFormClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = tess_connection_form_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/im/tessera/Tessera/ui/connection-form.ui");
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, server);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, port);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, connection);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, port_problem);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, proxy);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, proxy_host);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, proxy_port);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, proxy_username);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, proxy_password);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, proxy_problem);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, certificate);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, choose_certificate);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, remove_certificate);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, passphrase);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, certificate_problem);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, keep_key);
  gtk_widget_class_bind_template_child (widget_class, TessConnectionForm, remember_key);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, proxy_cb);
  gtk_widget_class_bind_template_callback (widget_class, choose_certificate_cb);
  gtk_widget_class_bind_template_callback (widget_class, remove_certificate_cb);
  gtk_widget_class_bind_template_callback (widget_class, passphrase_cb);

  signals[CHANGED] = g_signal_new ("changed", TESS_TYPE_CONNECTION_FORM, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
tess_connection_form_init (TessConnectionForm *self)
{
  self->filling = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
  self->filling = FALSE;
  show_proxy_fields (self);
  show_whose (self);
}

void
tess_connection_form_set_client (TessConnectionForm *self, TessClient *client)
{
  g_return_if_fail (TESS_IS_CONNECTION_FORM (self));
  g_set_object (&self->client, client);
}

static void
set_port (gpointer row, guint16 port)
{
  g_autofree char *text = port != 0 ? g_strdup_printf ("%u", port) : g_strdup ("");
  gtk_editable_set_text (GTK_EDITABLE (row), text);
}

static void
set_text (gpointer row, const char *text)
{
  gtk_editable_set_text (GTK_EDITABLE (row), text != NULL ? text : "");
}

void
tess_connection_form_fill (TessConnectionForm *self, const TessAccountRecord *record)
{
  g_return_if_fail (TESS_IS_CONNECTION_FORM (self));

  self->filling = TRUE;
  set_text (self->server, record->host);
  set_port (self->port, record->port);
  adw_combo_row_set_selected (self->connection, (guint) record->tls);
  adw_combo_row_set_selected (self->proxy, (guint) record->proxy);
  set_text (self->proxy_host, record->proxy_host);
  set_port (self->proxy_port, record->proxy_port);
  set_text (self->proxy_username, record->proxy_username);
  self->had_proxy_password = record->proxy_username != NULL;
  if (self->had_proxy_password)
    adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->proxy_password), _("Proxy password, when it is to change"));
  gtk_switch_set_active (self->keep_key, record->keep_key);
  gtk_switch_set_active (self->remember_key, record->remember_key);
  g_free (self->whose);
  self->whose = record->certificate != NULL ? tess_text_clean_line (record->certificate) : NULL;
  g_free (self->old_whose);
  self->old_whose = g_strdup (self->whose);
  self->filling = FALSE;
  show_proxy_fields (self);
  show_whose (self);
  check (self);
}

gboolean
tess_connection_form_get_valid (TessConnectionForm *self)
{
  g_return_val_if_fail (TESS_IS_CONNECTION_FORM (self), FALSE);

  if (read_port (self->port) < 0 || self->file != NULL)
    return FALSE;
  if (!own_proxy (self))
    return TRUE;
  g_autofree char *host = stripped (self->proxy_host);
  return host != NULL && read_port (self->proxy_port) > 0;
}

gboolean
tess_connection_form_get_has_certificate (TessConnectionForm *self)
{
  g_return_val_if_fail (TESS_IS_CONNECTION_FORM (self), FALSE);
  return self->whose != NULL;
}

static void
replace (char **field, char *value)
{
  g_free (*field);
  *field = value;
}

gboolean
tess_connection_form_read (TessConnectionForm *self, TessAccountRecord *record, TessCredentials *credentials)
{
  gboolean own = own_proxy (self);
  gboolean any = FALSE;

  g_return_val_if_fail (TESS_IS_CONNECTION_FORM (self), FALSE);

  replace (&record->host, stripped (self->server));
  record->port = (guint16) MAX (read_port (self->port), 0);
  record->tls = (TessAccountTls) adw_combo_row_get_selected (self->connection);
  record->proxy = (TessAccountProxy) adw_combo_row_get_selected (self->proxy);
  replace (&record->proxy_host, own ? stripped (self->proxy_host) : NULL);
  record->proxy_port = own ? (guint16) MAX (read_port (self->proxy_port), 0) : 0;
  replace (&record->proxy_username, own ? stripped (self->proxy_username) : NULL);
  record->keep_key = gtk_switch_get_active (self->keep_key);
  record->remember_key = gtk_switch_get_active (self->remember_key);

  if (record->proxy_username != NULL && *text_of (self->proxy_password) != '\0')
    {
      tess_credentials_set (&credentials->proxy_password, text_of (self->proxy_password));
      any = TRUE;
    }
  else if (record->proxy_username == NULL && self->had_proxy_password)
    {
      tess_credentials_set (&credentials->proxy_password, "");
      any = TRUE;
    }
  if (self->chosen != NULL)
    {
      tess_credentials_set (&credentials->certificate, self->chosen->certificate);
      replace (&record->certificate, g_strdup (self->whose));
      any = TRUE;
    }
  else if (self->whose == NULL && self->old_whose != NULL)
    {
      tess_credentials_set (&credentials->certificate, "");
      replace (&record->certificate, NULL);
      any = TRUE;
    }
  return any;
}

gboolean
tess_connection_form_show_error (TessConnectionForm *self, int code, const char *sentence)
{
  g_return_val_if_fail (TESS_IS_CONNECTION_FORM (self), FALSE);

  switch (code)
    {
    case TESS_ENGINE_ERROR_PROXY:
      {
        gpointer row = own_proxy (self) ? (gpointer) self->proxy_host : (gpointer) self->proxy;

        mark (row, self->proxy_problem, sentence);
        gtk_widget_grab_focus (row);
        return TRUE;
      }
    case TESS_ENGINE_ERROR_CLIENT_CERTIFICATE:
    case TESS_ENGINE_ERROR_PASSPHRASE_NEEDED:
      mark (self->certificate, self->certificate_problem, sentence);
      gtk_widget_grab_focus (self->choose_certificate);
      return TRUE;
    default:
      return FALSE;
    }
}

void
tess_connection_form_clear_error (TessConnectionForm *self)
{
  g_return_if_fail (TESS_IS_CONNECTION_FORM (self));

  check (self);
  mark (self->certificate, self->certificate_problem, NULL);
}

void
tess_connection_form_forget (TessConnectionForm *self)
{
  g_return_if_fail (TESS_IS_CONNECTION_FORM (self));

  forget_file (self);
  g_clear_pointer (&self->chosen, tess_credentials_free);
  gtk_editable_set_text (GTK_EDITABLE (self->proxy_password), "");
}
