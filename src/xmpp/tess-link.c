/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-link.h"

#include "base/tess-source.h"
#include "xmpp/tess-tls.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define READ_SIZE (16 * 1024)
#define LAST_WORDS_MS 2000
/* While so much waits to be written nothing is read: who asks and does not listen is not answered for ever. */
#define FULL_QUEUE (256 * 1024)

struct _TessLink
{
  guint              ref_count;
  GIOStream         *io;
  TessParser        *parser;
  GError            *parser_error; /* reported when everything before it was handed out */
  GCancellable      *cancellable;
  TessLinkEventFunc  event;
  TessLinkFailedFunc failed;
  gpointer           user_data;
  void               (*written) (gpointer user_data);
  gpointer           written_data;
  GByteArray        *queue;   /* to be written */
  gsize              capacity; /* of the queue */
  GByteArray        *writing; /* NULL: no write is under way */
  GSource           *flush;
  GSource           *wake;
  GSource           *last_words;
  GSource           *linger;
  gboolean           paused;
  gboolean           reading;
  gboolean           dispatching;
  gboolean           closed;
  gboolean           skips;
  guint8             buffer[READ_SIZE];
};

static void pump (TessLink *self);
static void write_queue (TessLink *self);

TessLink *
tess_link_new (GIOStream *io, gsize limit)
{
  TessLink *self = g_new0 (TessLink, 1);

  self->ref_count = 1;
  self->io = g_object_ref (io);
  self->parser = tess_parser_new (limit);
  self->cancellable = g_cancellable_new ();
  self->queue = g_byte_array_new ();
  self->paused = TRUE;

  return self;
}

TessLink *
tess_link_ref (TessLink *self)
{
  self->ref_count++;
  return self;
}

/* What was written may hold a password or plain text. */
static void
wipe_unref (GByteArray *bytes)
{
  if (bytes->len > 0)
    explicit_bzero (bytes->data, bytes->len);
  g_byte_array_unref (bytes);
}

void
tess_link_unref (TessLink *self)
{
  if (--self->ref_count > 0)
    return;

  tess_source_clear (&self->flush);
  tess_source_clear (&self->wake);
  tess_source_clear (&self->last_words);
  tess_source_clear (&self->linger);
  g_clear_pointer (&self->queue, wipe_unref);
  g_clear_pointer (&self->parser, tess_parser_free);
  g_clear_error (&self->parser_error);
  g_object_unref (self->cancellable);
  g_object_unref (self->io);
  explicit_bzero (self->buffer, sizeof self->buffer);
  g_free (self);
}

void
tess_link_set_handlers (TessLink *self, TessLinkEventFunc event, TessLinkFailedFunc failed, gpointer user_data)
{
  self->event = event;
  self->failed = failed;
  self->user_data = user_data;
}

/* Without the good manners of TLS, which would wait for a dead peer. */
static void
shut (TessLink *self)
{
  G_GNUC_UNUSED g_autoptr (TessLink) keep = tess_link_ref (self); /* the sources may hold the last one */
  g_autoptr (GIOStream) base = tess_tls_get_base (self->io);

  tess_source_clear (&self->last_words);
  tess_source_clear (&self->linger);
  g_cancellable_cancel (self->cancellable);
  if (G_IS_SOCKET_CONNECTION (base))
    g_socket_shutdown (g_socket_connection_get_socket (G_SOCKET_CONNECTION (base)), TRUE, TRUE, NULL);
  else
    g_io_stream_close_async (base, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
}

static gboolean
linger_cb (GSocket *socket, GIOCondition condition, gpointer data)
{
  TessLink *self = data;
  gssize    length = g_socket_receive_with_blocking (socket, (char *) self->buffer, sizeof self->buffer, FALSE, NULL, NULL);

  if (length > 0)
    return G_SOURCE_CONTINUE;
  shut (self);
  return G_SOURCE_REMOVE;
}

/* The last words are out. What still comes in is thrown away until the other side has closed too, or LAST_WORDS_MS
 * are over: a socket that is closed with bytes unread is reset, and the words may be lost with it. */
static void
linger (TessLink *self)
{
  g_autoptr (GIOStream) base = tess_tls_get_base (self->io);
  GSocket              *socket;

  if (self->last_words == NULL || !G_IS_SOCKET_CONNECTION (base))
    {
      shut (self);
      return;
    }
  g_cancellable_cancel (self->cancellable);
  socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (base));
  g_socket_shutdown (socket, FALSE, TRUE, NULL);
  self->linger = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (self->linger, G_SOURCE_FUNC (linger_cb), tess_link_ref (self), (GDestroyNotify) tess_link_unref);
  g_source_attach (self->linger, g_main_context_get_thread_default ());
}

static void
fail (TessLink *self, const GError *error, const char *last)
{
  TessLinkFailedFunc failed = self->failed;
  gpointer           user_data = self->user_data;

  if (self->closed)
    return;

  tess_link_close (self, last);
  if (failed != NULL)
    failed (error, user_data);
}

/* RFC 6120 section 4.9: the error tells the other side why. */
static void
fail_by_parser (TessLink *self, const GError *error)
{
  const char        *condition = "policy-violation";
  g_autofree char   *last = NULL;
  g_autoptr (GError) told = NULL;

  if (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_RESTRICTED_XML))
    condition = "restricted-xml";
  else if (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NOT_WELL_FORMED))
    condition = "not-well-formed";
  last = g_strdup_printf ("<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
                          "</stream:stream>", condition);
  g_debug ("The stream is ended: %s", error->message);
  told = g_error_new (error->domain, error->code,
                      _ ("The server sent what no server may send (%s), so the connection was ended. Try again later, or "
                         "ask the server’s operator."), condition);
  fail (self, told, last);
}

static void
fail_by_size (TessLink *self)
{
  g_autoptr (GError) error = g_error_new_literal (TESS_XMPP_ERROR, TESS_XMPP_ERROR_TOO_LARGE, "too large for a login");

  fail_by_parser (self, error);
}

static void
fail_by_io (TessLink *self, const GError *cause)
{
  g_autoptr (GError) error = NULL;

  if (cause != NULL)
    error = g_error_new (TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED, "The connection broke: %s", cause->message);
  else
    error = g_error_new_literal (TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED, "The server ended the connection");
  fail (self, error, NULL);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (TessLink) self = data;
  g_autoptr (GError)   error = NULL;
  gssize               length = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);

  self->reading = FALSE;
  if (self->closed)
    return;
  if (length <= 0)
    {
      fail_by_io (self, error);
      return;
    }
  tess_parser_feed (self->parser, self->buffer, (gsize) length, &self->parser_error);
  pump (self);
}

static void
read_more (TessLink *self)
{
  if (self->reading || self->closed || self->paused || self->queue->len > FULL_QUEUE)
    return;

  self->reading = TRUE;
  g_input_stream_read_async (g_io_stream_get_input_stream (self->io), self->buffer, sizeof self->buffer,
                             G_PRIORITY_DEFAULT, self->cancellable, read_cb, tess_link_ref (self));
}

static void
pump (TessLink *self)
{
  G_GNUC_UNUSED g_autoptr (TessLink) keep = tess_link_ref (self);
  TessNode            *node;
  TessParserEvent      event;

  if (self->dispatching)
    return;

  self->dispatching = TRUE;
  while (!self->closed && !self->paused && (event = tess_parser_next (self->parser, &node)) != TESS_PARSER_NOTHING)
    {
      if (event != TESS_PARSER_SKIPPED || self->skips)
        self->event (event, node, self->user_data);
      else
        fail_by_size (self);
      tess_node_free (node);
    }
  self->dispatching = FALSE;

  if (!self->closed && !self->paused && self->parser_error != NULL)
    fail_by_parser (self, self->parser_error);
  else
    read_more (self);
}

void
tess_link_pause (TessLink *self)
{
  self->paused = TRUE;
  tess_source_clear (&self->wake);
}

static gboolean
wake_cb (gpointer data)
{
  TessLink *self = data;

  tess_source_clear (&self->wake);
  self->paused = FALSE;
  pump (self);

  return G_SOURCE_REMOVE;
}

void
tess_link_resume (TessLink *self)
{
  if (!self->paused || self->closed || self->wake != NULL)
    return;
  self->wake = tess_source_attach (g_timeout_source_new (0), wake_cb, self);
}

static void
tell_written (TessLink *self)
{
  void (*function) (gpointer) = g_steal_pointer (&self->written);

  if (function != NULL)
    function (self->written_data);
}

static void
write_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (TessLink) self = data;
  g_autoptr (GError)   error = NULL;
  gboolean             written = g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error);

  g_clear_pointer (&self->writing, wipe_unref);
  if (self->closed)
    {
      if (!written)
        shut (self);
      else if (self->queue->len == 0)
        linger (self);
      else
        write_queue (self);
      return;
    }
  if (!written)
    fail_by_io (self, error);
  else if (self->queue->len > 0)
    write_queue (self);
  else
    tell_written (self);
  read_more (self);
}

static void
write_queue (TessLink *self)
{
  if (self->writing != NULL || self->queue->len == 0)
    return;

  self->writing = self->queue;
  self->queue = g_byte_array_new ();
  self->capacity = 0;
  g_output_stream_write_all_async (g_io_stream_get_output_stream (self->io), self->writing->data, self->writing->len,
                                   G_PRIORITY_DEFAULT, self->cancellable, write_cb, tess_link_ref (self));
}

static gboolean
flush_cb (gpointer data)
{
  TessLink *self = data;

  tess_source_clear (&self->flush);
  write_queue (self);

  return G_SOURCE_REMOVE;
}

/* g_byte_array_append () would leave a copy behind that nobody wipes when it grows. */
static void
append_wiping (TessLink *self, const char *text, gsize length)
{
  if (self->queue->len + length > self->capacity)
    {
      gsize       capacity = MAX (2 * (self->queue->len + length), 4096);
      GByteArray *bigger = g_byte_array_sized_new ((guint) capacity);

      g_byte_array_append (bigger, self->queue->data, self->queue->len);
      wipe_unref (self->queue);
      self->queue = bigger;
      self->capacity = capacity;
    }
  g_byte_array_append (self->queue, (const guint8 *) text, (guint) length);
}

void
tess_link_write (TessLink *self, const char *text)
{
  if (self->closed)
    return;

  append_wiping (self, text, strlen (text));
  if (self->flush == NULL && self->writing == NULL)
    self->flush = tess_source_attach (g_timeout_source_new (0), flush_cb, self);
}

gboolean
tess_link_is_drained (TessLink *self)
{
  return self->parser_error == NULL && tess_parser_is_drained (self->parser);
}

/* Before the login nobody but the server itself can have written what is too large. */
static void
set_patience (TessLink *self, gsize limit)
{
  tess_parser_set_patience (self->parser, limit >= TESS_PARSER_LIMIT ? TESS_PARSER_PATIENCE : 0);
}

void
tess_link_restart (TessLink *self, gsize limit)
{
  tess_parser_free (self->parser);
  self->parser = tess_parser_new (limit);
  set_patience (self, limit);
  g_clear_error (&self->parser_error);
}

void
tess_link_set_limit (TessLink *self, gsize limit)
{
  tess_parser_set_limit (self->parser, limit);
  set_patience (self, limit);
}

void
tess_link_set_skips (TessLink *self)
{
  self->skips = TRUE;
}

void
tess_link_when_written (TessLink *self, void (*function) (gpointer), gpointer user_data)
{
  self->written = function;
  self->written_data = user_data;
  if (self->writing == NULL && self->queue->len == 0)
    tell_written (self);
}

GIOStream *
tess_link_get_io (TessLink *self)
{
  return self->io;
}

void
tess_link_set_io (TessLink *self, GIOStream *io)
{
  g_return_if_fail (self->paused && !self->reading);

  g_object_ref (io);
  g_object_unref (self->io);
  self->io = io;
}

static gboolean
last_words_cb (gpointer data)
{
  TessLink *self = data;

  shut (self);
  return G_SOURCE_REMOVE;
}

void
tess_link_close (TessLink *self, const char *last)
{
  if (self->closed)
    return;

  if (last != NULL)
    append_wiping (self, last, strlen (last));
  self->closed = TRUE;
  self->event = NULL;
  self->failed = NULL;
  self->written = NULL;
  tess_source_clear (&self->flush);
  tess_source_clear (&self->wake);
  if (last == NULL)
    {
      shut (self);
      return;
    }
  /* The write that is under way holds a reference until the words are out. */
  self->last_words = tess_source_attach (g_timeout_source_new (LAST_WORDS_MS), last_words_cb, self);
  write_queue (self);
}
