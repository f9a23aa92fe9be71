/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-proxy.h"

#include "crypto/tess-crypto.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 255
#define MAX_HEADER 8192
#define HEADER_END "\r\n\r\n"

#define SOCKS_VERSION 5
#define SOCKS_CONNECT 1
#define SOCKS_IPV4 1
#define SOCKS_NAME 3
#define SOCKS_IPV6 4
#define SOCKS_NO_LOGIN 0
#define SOCKS_PASSWORD 2
#define SOCKS_NONE_ACCEPTABLE 0xff
#define SOCKS_PASSWORD_VERSION 1
#define SOCKS_NOT_ALLOWED 2
#define SOCKS_NO_CONNECT 7

typedef void (*Next) (GTask *task);

typedef struct
{
  TessProxy   proxy; /* a copy */
  char       *host;
  guint16     port;
  gboolean    answered; /* the proxy said something that made sense */
  GIOStream  *io;
  GByteArray *out; /* may hold a password: wiped */
  guint8      in[MAX_HEADER + 1];
  gsize       wanted; /* how many are to be read now */
  gsize       filled; /* HTTP */
  Next        next;   /* who goes on then */
} Way;

gboolean
tess_proxy_is_set (const TessProxy *proxy)
{
  return proxy->kind == TESS_PROXY_SOCKS5 || proxy->kind == TESS_PROXY_HTTP;
}

void
tess_proxy_copy (TessProxy *to, const TessProxy *from)
{
  to->kind = from->kind;
  to->host = g_strdup (from->host);
  to->port = from->port;
  to->username = g_strdup (from->username);
  to->password = g_strdup (from->password);
}

void
tess_proxy_clear (TessProxy *proxy)
{
  g_free ((char *) proxy->host);
  g_free ((char *) proxy->username);
  tess_wipe_string ((char *) proxy->password);
  memset (proxy, 0, sizeof *proxy);
}

static void
drop_out (Way *self)
{
  if (self->out == NULL)
    return;
  tess_wipe (self->out->data, self->out->len);
  g_clear_pointer (&self->out, g_byte_array_unref);
}

static void
way_free (gpointer data)
{
  Way *self = data;

  drop_out (self);
  tess_proxy_clear (&self->proxy);
  g_free (self->host);
  g_clear_object (&self->io);
  g_free (self);
}

/* ---- Ends ---- */

/* Takes @task. */
static void G_GNUC_PRINTF (3, 4)
fail (GTask *task, TessXmppError code, const char *format, ...)
{
  va_list arguments;
  GError *error;

  va_start (arguments, format);
  error = g_error_new_valist (TESS_XMPP_ERROR, (int) code, format, arguments);
  va_end (arguments);
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
fail_unreachable_proxy (GTask *task)
{
  Way *self = g_task_get_task_data (task);

  fail (task, TESS_XMPP_ERROR_PROXY,
        _ ("The proxy %s cannot be reached. Check whether it runs, and its address and port in the account’s settings."),
        self->proxy.host);
}

static void
fail_no_proxy (GTask *task)
{
  Way *self = g_task_get_task_data (task);

  fail (task, TESS_XMPP_ERROR_PROXY,
        _ ("%s does not answer as a proxy of this kind does. Check the proxy’s kind, address and port in the account’s "
           "settings."), self->proxy.host);
}

static void
fail_login (GTask *task)
{
  Way *self = g_task_get_task_data (task);

  fail (task, TESS_XMPP_ERROR_PROXY,
        self->proxy.username != NULL
          ? _ ("The proxy %s refused its username or password. Check them in the account’s settings.")
          : _ ("The proxy %s asks for a username and a password. Enter them in the account’s settings."),
        self->proxy.host);
}

static void
fail_refused (GTask *task)
{
  Way *self = g_task_get_task_data (task);

  fail (task, TESS_XMPP_ERROR_UNREACHABLE,
        _ ("The proxy %s does not allow a connection to %s. Ask the proxy’s operator, or use another one."), self->proxy.host,
        self->host);
}

static void
fail_unreachable (GTask *task)
{
  Way *self = g_task_get_task_data (task);

  fail (task, TESS_XMPP_ERROR_UNREACHABLE,
        _ ("%s cannot be reached through the proxy %s. Check the address of the account, or try again later."), self->host,
        self->proxy.host);
}

/* Of the socket: what it means depends on how far we came. */
static void
fail_by_socket (GTask *task, const GError *error)
{
  Way *self = g_task_get_task_data (task);

  g_debug ("Proxy: %s", error != NULL ? error->message : "closed");
  if (self->answered)
    fail_unreachable (task);
  else if (self->io != NULL && (error == NULL || !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)))
    fail_no_proxy (task);
  else
    fail_unreachable_proxy (task);
}

static void
succeed (GTask *task)
{
  Way *self = g_task_get_task_data (task);

  g_task_return_pointer (task, g_object_ref (self->io), g_object_unref);
  g_object_unref (task);
}

/* ---- Bytes ---- */

static void
written_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask             *task = data;
  Way               *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  drop_out (self);
  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    fail_by_socket (task, error);
  else
    self->next (task);
}

static void
write_out (GTask *task, Next next)
{
  Way *self = g_task_get_task_data (task);

  self->next = next;
  g_output_stream_write_all_async (g_io_stream_get_output_stream (self->io), self->out->data, self->out->len,
                                   G_PRIORITY_DEFAULT, g_task_get_cancellable (task), written_cb, task);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask             *task = data;
  Way               *self = g_task_get_task_data (task);
  gsize              n = 0;
  g_autoptr (GError) error = NULL;

  if (!g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &n, &error) || n < self->wanted)
    fail_by_socket (task, error);
  else
    self->next (task);
}

/* Exactly @n bytes, to the start of the buffer. */
static void
read_in (GTask *task, gsize n, Next next)
{
  Way *self = g_task_get_task_data (task);

  self->next = next;
  self->wanted = n;
  g_input_stream_read_all_async (g_io_stream_get_input_stream (self->io), self->in, n, G_PRIORITY_DEFAULT,
                                 g_task_get_cancellable (task), read_cb, task);
}

static void
put_byte (Way *self, guint value)
{
  guint8 byte = (guint8) value;

  g_byte_array_append (self->out, &byte, 1);
}

/* A string of up to 255 bytes behind its length. */
static void
put_string (Way *self, const char *text)
{
  put_byte (self, (guint) strlen (text));
  g_byte_array_append (self->out, (const guint8 *) text, (guint) strlen (text));
}

static void
begin_out (Way *self)
{
  /* As large as it can get: what holds a password is not moved. */
  self->out = g_byte_array_sized_new (MAX_HEADER);
}

/* ---- SOCKS5 ---- */

static void
socks_done (GTask *task)
{
  succeed (task);
}

static void
socks_name_length (GTask *task)
{
  Way *self = g_task_get_task_data (task);

  read_in (task, (gsize) self->in[0] + 2, socks_done);
}

/* RFC 1928 section 6. */
static void
socks_reply (GTask *task)
{
  Way   *self = g_task_get_task_data (task);
  guint8 status = self->in[1];

  if (self->in[0] != SOCKS_VERSION)
    {
      fail_no_proxy (task);
      return;
    }
  if (status != 0)
    {
      if (status == SOCKS_NOT_ALLOWED)
        fail_refused (task);
      else if (status == SOCKS_NO_CONNECT)
        fail_no_proxy (task);
      else
        fail_unreachable (task);
      return;
    }
  switch (self->in[3])
    {
    case SOCKS_IPV4:
      read_in (task, 4 + 2, socks_done);
      break;
    case SOCKS_IPV6:
      read_in (task, 16 + 2, socks_done);
      break;
    case SOCKS_NAME:
      read_in (task, 1, socks_name_length);
      break;
    default:
      fail_no_proxy (task);
    }
}

static void
socks_wait_reply (GTask *task)
{
  read_in (task, 4, socks_reply);
}

/* RFC 1928 section 4. A name goes to the proxy as a name. */
static void
socks_request (GTask *task)
{
  Way                     *self = g_task_get_task_data (task);
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (self->host);

  begin_out (self);
  put_byte (self, SOCKS_VERSION);
  put_byte (self, SOCKS_CONNECT);
  put_byte (self, 0);
  if (address != NULL)
    {
      put_byte (self, g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6 ? SOCKS_IPV6 : SOCKS_IPV4);
      g_byte_array_append (self->out, g_inet_address_to_bytes (address), (guint) g_inet_address_get_native_size (address));
    }
  else
    {
      put_byte (self, SOCKS_NAME);
      put_string (self, self->host);
    }
  put_byte (self, self->port >> 8);
  put_byte (self, self->port & 0xff);
  write_out (task, socks_wait_reply);
}

static void
socks_login_reply (GTask *task)
{
  Way *self = g_task_get_task_data (task);

  if (self->in[1] == 0)
    socks_request (task);
  else
    fail_login (task);
}

static void
socks_wait_login_reply (GTask *task)
{
  read_in (task, 2, socks_login_reply);
}

/* RFC 1929 section 2. */
static void
socks_log_in (GTask *task)
{
  Way *self = g_task_get_task_data (task);

  begin_out (self);
  put_byte (self, SOCKS_PASSWORD_VERSION);
  put_string (self, self->proxy.username);
  put_string (self, self->proxy.password != NULL ? self->proxy.password : "");
  write_out (task, socks_wait_login_reply);
}

static void
socks_method (GTask *task)
{
  Way *self = g_task_get_task_data (task);

  if (self->in[0] != SOCKS_VERSION)
    {
      fail_no_proxy (task);
      return;
    }
  self->answered = TRUE;
  if (self->in[1] == SOCKS_NO_LOGIN)
    socks_request (task);
  else if (self->in[1] == SOCKS_PASSWORD && self->proxy.username != NULL)
    socks_log_in (task);
  else if (self->in[1] == SOCKS_PASSWORD || self->in[1] == SOCKS_NONE_ACCEPTABLE)
    fail_login (task);
  else
    fail_no_proxy (task);
}

static void
socks_wait_method (GTask *task)
{
  read_in (task, 2, socks_method);
}

/* RFC 1928 section 3. */
static void
socks_start (GTask *task)
{
  Way *self = g_task_get_task_data (task);

  begin_out (self);
  put_byte (self, SOCKS_VERSION);
  put_byte (self, self->proxy.username != NULL ? 2 : 1);
  put_byte (self, SOCKS_NO_LOGIN);
  if (self->proxy.username != NULL)
    put_byte (self, SOCKS_PASSWORD);
  write_out (task, socks_wait_method);
}

/* ---- HTTP ---- */

/* @rest: what came behind the header */
static void
http_answer (GTask *task, gsize rest)
{
  Way  *self = g_task_get_task_data (task);
  char *text = (char *) self->in;
  long  status;

  if (strlen (text) < 13 || !g_str_has_prefix (text, "HTTP/1.") || text[8] != ' ' || !g_ascii_isdigit (text[9]))
    {
      fail_no_proxy (task);
      return;
    }
  self->answered = TRUE;
  status = strtol (text + 9, NULL, 10);
  if (status >= 200 && status <= 299 && rest == 0)
    succeed (task);
  else if (status <= 299)
    fail_no_proxy (task); /* nobody has spoken to the server yet */
  else if (status == 407)
    fail_login (task);
  else if (status == 400 || status == 405 || status == 501)
    fail_no_proxy (task);
  else if (status == 401 || status == 403)
    fail_refused (task);
  else
    fail_unreachable (task);
}

static void http_read (GTask *task);

static void
http_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask             *task = data;
  Way               *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  gssize             n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);
  const char        *end;

  if (n <= 0)
    {
      fail_by_socket (task, error);
      return;
    }
  self->filled += (gsize) n;
  self->in[self->filled] = '\0';
  end = strstr ((char *) self->in, HEADER_END);
  if (end != NULL)
    http_answer (task, self->filled - (gsize) (end + strlen (HEADER_END) - (char *) self->in));
  else if (self->filled >= MAX_HEADER || strlen ((char *) self->in) < self->filled)
    fail_no_proxy (task);
  else
    http_read (task);
}

static void
http_read (GTask *task)
{
  Way *self = g_task_get_task_data (task);

  g_input_stream_read_async (g_io_stream_get_input_stream (self->io), self->in + self->filled, MAX_HEADER - self->filled,
                             G_PRIORITY_DEFAULT, g_task_get_cancellable (task), http_read_cb, task);
}

static void
put_text (Way *self, const char *text)
{
  g_byte_array_append (self->out, (const guint8 *) text, (guint) strlen (text));
}

static void
http_start (GTask *task)
{
  Way             *self = g_task_get_task_data (task);
  g_autofree char *where = g_strdup_printf (strchr (self->host, ':') != NULL ? "[%s]:%u" : "%s:%u", self->host, self->port);

  begin_out (self);
  put_text (self, "CONNECT ");
  put_text (self, where);
  put_text (self, " HTTP/1.1\r\nHost: ");
  put_text (self, where);
  if (self->proxy.username != NULL)
    {
      g_auto (TessSecretString) both =
        g_strconcat (self->proxy.username, ":", self->proxy.password != NULL ? self->proxy.password : "", NULL);
      g_auto (TessSecretString) encoded = g_base64_encode ((const guint8 *) both, strlen (both));

      put_text (self, "\r\nProxy-Authorization: Basic ");
      put_text (self, encoded);
    }
  put_text (self, HEADER_END);
  write_out (task, http_read);
}

/* ---- Start ---- */

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask             *task = data;
  Way               *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  self->io = G_IO_STREAM (g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error));
  if (self->io == NULL)
    fail_by_socket (task, error);
  else if (self->proxy.kind == TESS_PROXY_SOCKS5)
    socks_start (task);
  else
    http_start (task);
}

/* A name that a server may have told (see-other-host): nothing may end a line of HTTP. */
static gboolean
is_plain (const char *host)
{
  if (*host == '\0' || strlen (host) > MAX_NAME)
    return FALSE;
  for (const char *p = host; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("-._:", *p) == NULL)
      return FALSE;

  return strchr (host, ':') == NULL || g_hostname_is_ip_address (host);
}

static gboolean
is_short (const char *text)
{
  return text == NULL || strlen (text) <= MAX_NAME;
}

void
tess_proxy_connect_async (const TessProxy     *proxy,
                          const char          *host,
                          guint16              port,
                          GCancellable        *cancellable,
                          GAsyncReadyCallback  callback,
                          gpointer             user_data)
{
  GTask                         *task = g_task_new (NULL, cancellable, callback, user_data);
  Way                           *self = g_new0 (Way, 1);
  g_autoptr (GSocketClient)      client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) where = NULL;

  g_task_set_source_tag (task, tess_proxy_connect_async);
  g_task_set_task_data (task, self, way_free);
  g_task_set_check_cancellable (task, FALSE);
  tess_proxy_copy (&self->proxy, proxy);
  self->host = g_strdup (host);
  self->port = port;
  if (proxy->username != NULL && *proxy->username == '\0')
    g_clear_pointer ((char **) &self->proxy.username, g_free);
  if (proxy->host == NULL || *proxy->host == '\0' || proxy->port == 0)
    {
      fail (task, TESS_XMPP_ERROR_PROXY,
            _ ("The proxy has no address or no port. Enter them in the account’s settings."));
      return;
    }
  if (!is_short (proxy->username) || !is_short (proxy->password))
    {
      fail_login (task);
      return;
    }
  if (!is_plain (host))
    {
      fail_unreachable (task);
      return;
    }
  g_socket_client_set_enable_proxy (client, FALSE);
  where = g_network_address_new (proxy->host, proxy->port);
  g_socket_client_connect_async (client, where, cancellable, connected_cb, task);
}

GIOStream *
tess_proxy_connect_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
