/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-stream.h"

#include "base/tess-id.h"
#include "base/tess-source.h"
#include "crypto/tess-crypto.h"
#include "xmpp/tess-stream-private.h"
#include "xmpp/tess-tls.h"
#include "xmpp/tess-xmpp-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* An acknowledgement goes out after this many stanzas, or when none came for this long. */
#define ACK_AFTER_STANZAS 5
#define ACK_AFTER_MS 1000
#define CLOSE_MS 2000
/* What is sent is confirmed, or the link is dead: without this a message waits for the next ping to find out. */
#define CONFIRM_SECONDS 30
/* Of what was never acknowledged and is kept nowhere else: answers to others, receipts. A server that never
 * acknowledges would have all of it kept for ever. */
#define MAX_UNCONFIRMED (8 * 1024 * 1024)

#define REQUEST_ACK "<r xmlns='" TESS_NS_SM "'/>"
#define STREAM_END "</stream:stream>"

typedef enum
{
  STATE_OPEN,
  STATE_CLOSING, /* our end tag is out */
  STATE_CLOSED,
} State;

struct _TessStream
{
  guint              ref_count;
  State              state;
  TessStreamParts   *parts;
  TessStreamInfo     info;
  char              *tls_cipher;
  GPtrArray         *chain; /* of TessCertificate */
  TessStreamHandlers handlers;
  gpointer           user_data;
  guint              unannounced; /* stanzas handled since our last <a/> */
  gboolean           asked;       /* an <r/> of ours is unanswered */
  gboolean           answers;     /* the server has answered something */
  gboolean           aborted;     /* what is being handled is not acknowledged */
  gint64             heard_us;    /* monotonic: when something came last */
  gint64             until_us;    /* monotonic: how long the probe waits */
  char              *ping_id;
  GSource           *start;
  GSource           *ask;
  GSource           *announce;
  GSource           *probe;
  guint              patience;    /* of the probe, in seconds */
  gboolean           asks_again;  /* the next <a/> may be older than the probe */
  GSource           *unconfirmed;
  GSource           *end; /* the bound of an orderly end, or the way to `closed` */
};

static void link_event_cb (TessParserEvent event, const TessNode *node, gpointer data);
static void link_failed_cb (const GError *error, gpointer data);

static void
set_source (GSource **place, guint milliseconds, GSourceFunc function, TessStream *self)
{
  *place = tess_source_attach (g_timeout_source_new (milliseconds), function, self);
}

static void
clear_sources (TessStream *self)
{
  tess_source_clear (&self->start);
  tess_source_clear (&self->ask);
  tess_source_clear (&self->announce);
  tess_source_clear (&self->probe);
  tess_source_clear (&self->unconfirmed);
  tess_source_clear (&self->end);
}

static void
free_node (gpointer node)
{
  tess_node_free (node);
}

void
tess_login_result_clear (TessLoginResult *self)
{
  g_free (self->mechanism);
  g_free (self->binding);
  g_strfreev (self->mechanisms);
  tess_wipe_string (self->scram_key);
  tess_wipe_string (self->token);
  memset (self, 0, sizeof *self);
}

void
tess_stream_parts_free (TessStreamParts *parts)
{
  if (parts == NULL)
    return;

  if (parts->link != NULL)
    {
      tess_link_close (parts->link, NULL);
      tess_link_unref (parts->link);
    }
  g_clear_pointer (&parts->jid, tess_jid_unref);
  tess_node_free (parts->features);
  g_clear_pointer (&parts->management, tess_stream_management_unref);
  if (parts->early != NULL)
    g_queue_free_full (parts->early, free_node);
  g_clear_pointer (&parts->acked, g_array_unref);
  g_free (parts->host);
  tess_login_result_clear (&parts->result);
  g_free (parts);
}

TessStream *
tess_stream_new_open (TessStreamParts *parts)
{
  TessStream *self = g_new0 (TessStream, 1);
  GIOStream  *io = tess_link_get_io (parts->link);

  self->ref_count = 1;
  self->heard_us = g_get_monotonic_time ();
  self->parts = parts;
  self->tls_cipher = tess_tls_get_cipher (io);
  self->chain = tess_tls_get_chain (io);
  self->info.tls_version = tess_tls_get_version (io);
  self->info.tls_cipher = self->tls_cipher;
  self->info.pinned = tess_tls_is_pinned (io);
  self->info.chain = self->chain;
  self->info.sasl = parts->result.mechanism;
  self->info.channel_binding = parts->result.binding;
  self->info.sasl2 = parts->result.sasl2;
  self->info.fast = parts->result.fast;
  self->info.list_proven = parts->result.list_proven;
  self->info.carbons = parts->result.carbons;
  self->info.mechanisms = (const char *const *) parts->result.mechanisms;
  self->info.scram_key = parts->result.scram_key;
  self->info.token = parts->result.token;
  self->info.token_expires_us = parts->result.token_expires_us;
  self->info.host = parts->host;
  self->info.direct_tls = parts->direct_tls;
  self->info.resumed = parts->resumed;
  self->info.managed = parts->management != NULL;
  tess_link_set_handlers (parts->link, link_event_cb, link_failed_cb, self);
  tess_link_set_skips (parts->link);

  return self;
}

TessStream *
tess_stream_ref (TessStream *self)
{
  self->ref_count++;
  return self;
}

void
tess_stream_unref (TessStream *self)
{
  if (self == NULL || --self->ref_count > 0)
    return;

  clear_sources (self);
  tess_stream_parts_free (self->parts);
  g_free (self->tls_cipher);
  g_ptr_array_unref (self->chain);
  g_free (self->ping_id);
  g_free (self);
}

/* The one way to `closed`. */
static void
finish (TessStream *self, const GError *error)
{
  G_GNUC_UNUSED g_autoptr (TessStream) keep = tess_stream_ref (self);

  if (self->state == STATE_CLOSED)
    return;

  self->state = STATE_CLOSED;
  clear_sources (self);
  tess_link_close (self->parts->link, NULL);
  if (self->handlers.closed != NULL)
    self->handlers.closed (self, error, self->user_data);
}

static void
finish_with (TessStream *self, TessXmppError code, const char *message)
{
  g_autoptr (GError) error = g_error_new_literal (TESS_XMPP_ERROR, (int) code, message);

  finish (self, error);
}

static void
link_failed_cb (const GError *error, gpointer data)
{
  TessStream *self = data;

  if (self->state == STATE_CLOSING)
    finish_with (self, TESS_XMPP_ERROR_CLOSED, "The connection was ended");
  else
    finish (self, error);
}

/* Ends the stream with an error of ours (RFC 6120 section 4.9). */
static void
refuse (TessStream *self, const char *condition, const char *message)
{
  g_autofree char *last =
    g_strdup_printf ("<stream:error><%s xmlns='" TESS_NS_STREAM_ERRORS "'/></stream:error>" STREAM_END, condition);

  tess_link_close (self->parts->link, last);
  finish_with (self, TESS_XMPP_ERROR_STREAM, message);
}

GError *
tess_stream_error_from_node (const TessNode *node)
{
  const TessNode *condition = tess_node_child (node, NULL, TESS_NS_STREAM_ERRORS);
  const char     *name = condition != NULL ? tess_node_get_name (condition) : "undefined-condition";

  if (g_str_equal (name, "conflict"))
    return g_error_new_literal (TESS_XMPP_ERROR, TESS_XMPP_ERROR_CONFLICT,
                                _ ("Another program has logged in under the same name."));
  if (g_str_equal (name, "host-unknown") || g_str_equal (name, "host-gone"))
    return g_error_new_literal (TESS_XMPP_ERROR, TESS_XMPP_ERROR_NO_SUCH_SERVER,
                                _ ("The server does not serve this address. Check the part after the @."));

  return g_error_new (TESS_XMPP_ERROR, TESS_XMPP_ERROR_STREAM, _ ("The server ended the connection: %s."), name);
}

gboolean
tess_stream_read_h (const TessNode *node, guint32 *h)
{
  guint64 value;

  if (!tess_node_get_uint (node, "h", G_MAXUINT32, &value))
    return FALSE;
  *h = (guint32) value;
  return TRUE;
}

static void
announce (TessStream *self)
{
  g_autofree char *ack = NULL;

  tess_source_clear (&self->announce);
  if (self->state != STATE_OPEN)
    return;
  self->unannounced = 0;
  if (self->handlers.acking != NULL)
    self->handlers.acking (self, tess_stream_management_get_h (self->parts->management), self->user_data);
  ack = g_strdup_printf ("<a xmlns='" TESS_NS_SM "' h='%u'/>", tess_stream_management_get_h (self->parts->management));
  tess_link_write (self->parts->link, ack);
}

static gboolean
announce_cb (gpointer data)
{
  announce (data);
  return G_SOURCE_REMOVE;
}

static void
count_handled (TessStream *self)
{
  tess_stream_management_handled (self->parts->management);
  if (++self->unannounced >= ACK_AFTER_STANZAS)
    announce (self);
  else if (self->announce == NULL)
    set_source (&self->announce, ACK_AFTER_MS, announce_cb, self);
}

static void
request_ack (TessStream *self)
{
  self->asked = TRUE;
  tess_link_write (self->parts->link, REQUEST_ACK);
}

static gboolean
ask_cb (gpointer data)
{
  TessStream *self = data;

  tess_source_clear (&self->ask);
  if (self->state == STATE_OPEN && !self->asked)
    request_ack (self);

  return G_SOURCE_REMOVE;
}

/* One request for all that is sent in this turn of the loop, and one under way at a time. */
static void
ask_soon (TessStream *self)
{
  if (self->ask == NULL && !self->asked)
    set_source (&self->ask, 0, ask_cb, self);
}

static void
acked_cb (guint64 tag, gpointer data)
{
  TessStream *self = data;

  if (self->handlers.acked != NULL && self->state != STATE_CLOSED)
    self->handlers.acked (self, tag, self->user_data);
}

static gboolean
probe_cb (gpointer data)
{
  finish_with (data, TESS_XMPP_ERROR_TIMEOUT, "The server does not answer any more");
  return G_SOURCE_REMOVE;
}

/* That it is answered; whatever else comes meanwhile prolongs the wait. */
static void
expect (TessStream *self, guint seconds)
{
  tess_source_clear (&self->probe);
  self->patience = seconds;
  self->until_us = g_get_monotonic_time () + (gint64) seconds * G_USEC_PER_SEC;
  set_source (&self->probe, seconds * 1000, probe_cb, self);
}

/* What comes after a probe has begun may have lain in a buffer since before the connection died: only an answer to what the probe
 * asked ends it. */
static void
answered (TessStream *self)
{
  self->answers = TRUE;
  if (self->probe != NULL && self->asks_again)
    {
      self->asks_again = FALSE;
      request_ack (self);
      return;
    }
  tess_source_clear (&self->probe);
}

static void
handle_ack (TessStream *self, const TessNode *node)
{
  guint32 h;

  self->asked = FALSE;
  answered (self);
  if (!tess_stream_read_h (node, &h) || !tess_stream_management_ack (self->parts->management, h, acked_cb, self))
    {
      refuse (self, "undefined-condition", "The server acknowledged more than was sent");
      return;
    }
  if (self->state == STATE_OPEN && tess_stream_management_get_unacked (self->parts->management) > 0)
    {
      ask_soon (self);
      if (self->probe == NULL)
        expect (self, CONFIRM_SECONDS);
    }
}

static gboolean
is_stanza (const TessNode *node)
{
  return tess_node_is (node, "message", TESS_NS_CLIENT) || tess_node_is (node, "presence", TESS_NS_CLIENT) ||
         tess_node_is (node, "iq", TESS_NS_CLIENT);
}

static gboolean
is_pong (TessStream *self, const TessNode *node)
{
  if (self->ping_id == NULL || g_strcmp0 (tess_node_get (node, "id"), self->ping_id) != 0 ||
      !tess_node_is (node, "iq", TESS_NS_CLIENT))
    return FALSE;

  g_clear_pointer (&self->ping_id, g_free);
  answered (self);
  return TRUE;
}

static void
handle_stanza (TessStream *self, const TessNode *node)
{
  if (!is_pong (self, node) && self->handlers.stanza != NULL)
    self->handlers.stanza (self, node, self->user_data);
  /* A handler that aborts could not keep the stanza: it must come again when the session is resumed. */
  if (self->parts->management != NULL && self->state != STATE_CLOSED && !self->aborted)
    count_handled (self);
}

/* Left out as beyond the limits of the parser: it counts, or it would come again. Of IQs the start tag goes on, so that
 * nobody waits in vain for the answer. */
static void
handle_skipped (TessStream *self, const TessNode *start_tag)
{
  g_info ("A stanza beyond the limits was left out");
  if (!is_stanza (start_tag))
    return;
  if (tess_node_is (start_tag, "iq", TESS_NS_CLIENT))
    handle_stanza (self, start_tag);
  else if (self->parts->management != NULL)
    count_handled (self);
}

static void
link_event_cb (TessParserEvent event, const TessNode *node, gpointer data)
{
  g_autoptr (TessStream) self = tess_stream_ref (data);
  g_autoptr (GError)     error = NULL;

  self->heard_us = g_get_monotonic_time ();
  if (self->probe != NULL)
    expect (self, self->patience);
  if (event == TESS_PARSER_SKIPPED)
    {
      handle_skipped (self, node);
      return;
    }
  if (event != TESS_PARSER_STANZA)
    {
      if (event == TESS_PARSER_CLOSED && self->state == STATE_OPEN)
        tess_link_close (self->parts->link, STREAM_END);
      finish_with (self, TESS_XMPP_ERROR_CLOSED, "The server ended the connection");
      return;
    }

  if (is_stanza (node))
    {
      handle_stanza (self, node);
    }
  else if (tess_node_is (node, "error", TESS_NS_STREAMS))
    {
      error = tess_stream_error_from_node (node);
      tess_link_close (self->parts->link, STREAM_END);
      finish (self, error);
    }
  else if (self->parts->management != NULL && tess_node_is (node, "r", TESS_NS_SM))
    {
      announce (self);
    }
  else if (self->parts->management != NULL && tess_node_is (node, "a", TESS_NS_SM))
    {
      handle_ack (self, node);
    }
}

/* What the login kept comes first: it was there before anything that is still to be read. */
static gboolean
start_cb (gpointer data)
{
  g_autoptr (TessStream) self = tess_stream_ref (data);
  TessNode              *node;

  tess_source_clear (&self->start);
  for (guint i = 0; i < self->parts->acked->len && self->state != STATE_CLOSED && !self->aborted; i++)
    acked_cb (g_array_index (self->parts->acked, guint64, i), self);
  g_array_set_size (self->parts->acked, 0);
  while (self->state != STATE_CLOSED && !self->aborted && (node = g_queue_pop_head (self->parts->early)) != NULL)
    {
      if (self->handlers.stanza != NULL)
        self->handlers.stanza (self, node, self->user_data);
      tess_node_free (node);
    }
  if (self->state != STATE_CLOSED)
    tess_link_resume (self->parts->link);

  return G_SOURCE_REMOVE;
}

void
tess_stream_set_handlers (TessStream *self, const TessStreamHandlers *handlers, gpointer user_data)
{
  self->handlers = *handlers;
  self->user_data = user_data;
  if (self->state != STATE_CLOSED && self->start == NULL)
    set_source (&self->start, 0, start_cb, self);
}

TessJid *
tess_stream_get_jid (TessStream *self)
{
  return self->parts->jid;
}

const TessStreamInfo *
tess_stream_get_info (TessStream *self)
{
  return &self->info;
}

const TessNode *
tess_stream_get_features (TessStream *self)
{
  return self->parts->features;
}

TessStreamManagement *
tess_stream_get_management (TessStream *self)
{
  return self->parts->management;
}

static gboolean
unconfirmed_cb (gpointer data)
{
  g_autoptr (TessStream) self = tess_stream_ref (data);

  /* What a person wrote is in the outbox: the next session sends it again. */
  tess_stream_management_forget_id (self->parts->management);
  refuse (self, "resource-constraint",
          _ ("The server does not confirm what it is sent, so the connection was ended. Try again later, or ask the "
             "server’s operator."));
  return G_SOURCE_REMOVE;
}

void
tess_stream_send (TessStream *self, const TessNode *stanza, guint64 tag)
{
  g_autofree char *xml = tess_node_to_string (stanza, TESS_NS_CLIENT);

  tess_stream_send_xml (self, xml, tag);
}

void
tess_stream_send_xml (TessStream *self, const char *xml, guint64 tag)
{
  if (self->parts->management != NULL)
    tess_stream_management_sent (self->parts->management, xml, tag);
  if (self->state != STATE_OPEN)
    return;

  tess_link_write (self->parts->link, xml);
  if (self->parts->management == NULL)
    return;
  ask_soon (self);
  if (self->probe == NULL)
    expect (self, CONFIRM_SECONDS);
  if (self->unconfirmed == NULL && tess_stream_management_get_unconfirmed (self->parts->management) > MAX_UNCONFIRMED)
    set_source (&self->unconfirmed, 0, unconfirmed_cb, self);
}

void
tess_stream_send_nonza (TessStream *self, const TessNode *nonza)
{
  g_autofree char *xml = NULL;

  if (self->state != STATE_OPEN)
    return;
  xml = tess_node_to_string (nonza, TESS_NS_CLIENT);
  tess_link_write (self->parts->link, xml);
}

static void
send_ping (TessStream *self)
{
  g_autofree char *ping = NULL;

  g_free (self->ping_id);
  self->ping_id = tess_id_new ();
  ping = g_strdup_printf ("<iq type='get' id='%s'><ping xmlns='" TESS_NS_PING "'/></iq>", self->ping_id);
  tess_link_write (self->parts->link, ping);
}

void
tess_stream_probe (TessStream *self, guint timeout_seconds)
{
  if (self->state != STATE_OPEN)
    return;
  if (self->probe != NULL)
    {
      /* It is asked already; who is in more of a hurry waits for less long. */
      if (self->until_us > g_get_monotonic_time () + (gint64) timeout_seconds * G_USEC_PER_SEC)
        {
          self->asks_again = self->asked;
          expect (self, timeout_seconds);
        }
      return;
    }

  if (self->parts->management != NULL)
    {
      self->asks_again = self->asked;
      request_ack (self);
    }
  else
    {
      send_ping (self);
    }
  expect (self, timeout_seconds);
}

gboolean
tess_stream_was_answered (TessStream *self)
{
  return self->answers;
}

gint64
tess_stream_get_heard_us (TessStream *self)
{
  return self->heard_us;
}

static gboolean
end_cb (gpointer data)
{
  finish_with (data, TESS_XMPP_ERROR_CLOSED, "The connection was ended");
  return G_SOURCE_REMOVE;
}

void
tess_stream_close (TessStream *self)
{
  if (self->state != STATE_OPEN)
    return;

  /* The server forgets the session with it; what is not acknowledged stays in the state. */
  if (self->parts->management != NULL)
    {
      if (self->unannounced > 0)
        announce (self);
      tess_stream_management_forget_id (self->parts->management);
    }
  tess_link_write (self->parts->link, STREAM_END);
  self->state = STATE_CLOSING;
  tess_source_clear (&self->probe);
  set_source (&self->end, CLOSE_MS, end_cb, self);
}

void
tess_stream_abort (TessStream *self)
{
  if (self->state == STATE_CLOSED)
    return;

  self->aborted = TRUE;
  tess_link_close (self->parts->link, NULL);
  self->state = STATE_CLOSING;
  clear_sources (self);
  set_source (&self->end, 0, end_cb, self);
}
