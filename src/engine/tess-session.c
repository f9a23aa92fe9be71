/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-session.h"

#include "base/tess-source.h"
#include "base/tess-thread.h"
#include "engine/tess-catch-up.h"
#include "engine/tess-contacts.h"
#include "engine/tess-engine-error.h"
#include "engine/tess-engine.h"
#include "engine/tess-inbound.h"
#include "engine/tess-omemo-pep.h"
#include "engine/tess-outbound.h"
#include "engine/tess-reading.h"
#include "engine/tess-security.h"
#include "engine/tess-session-clock.h"
#include "engine/tess-session-keep.h"
#include "engine/tess-session-login.h"
#include "engine/tess-trust.h"
#include "xmpp/tess-xmpp-error.h"
#include "xmpp/xep/tess-xep-carbons.h"
#include "xmpp/xep/tess-xep-chat-states.h"
#include "xmpp/xep/tess-xep-csi.h"
#include "xmpp/xep/tess-xep-eme.h"
#include "xmpp/xep/tess-xep-markers.h"
#include "xmpp/xep/tess-xep-ping.h"
#include "xmpp/xep/tess-xep-presence.h"
#include "xmpp/xep/tess-xep-receipts.h"
#include "xmpp/xep/tess-xep-sid.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define DISCO_NODE "https://tessera.im"

#define STEADY_SECONDS 30 /* so long online, and the next retry is a quick one again */
#define KEEPALIVE_PATIENCE_SECONDS 30
/* After a change of the network: a link that lives answers within that, and one that is only slow is resumed at little cost. */
#define PROBE_PATIENCE_SECONDS 1
/* So long a session that was taken up again may be silent until it answers something. */
#define RESUMED_PATIENCE_SECONDS 10
/* So long a session that was lost is reckoned with. */
#define LONGEST_LEFT_SECONDS 3600
/* 2020 and 2100: nobody's clock is believed beyond them. */
#define FIRST_SERVER_TIME_US G_GINT64_CONSTANT (1577836800000000)
#define LAST_SERVER_TIME_US G_GINT64_CONSTANT (4102444800000000)
#define REFUSED_AGAIN_US (10 * G_TIME_SPAN_MINUTE)

static void open_stream (TessSession *self);

/* ---- Telling ---- */

static void
set_connection (TessSession *self, TessConnection *connection)
{
  TessEvent *event = tess_event_new (TESS_EVENT_CONNECTION, self->account->id);

  g_clear_pointer (&self->connection, tess_connection_free);
  self->connection = connection;
  event->connection = tess_connection_copy (connection);
  tess_event_queue_add (self->events, event);
}

static void
set_state (TessSession *self, TessConnectionState state, const GError *error, gint64 retry_us)
{
  TessConnection *connection = tess_connection_new (state);

  if (error != NULL)
    connection->error = tess_engine_error_from (error);
  connection->retry_us = retry_us;
  set_connection (self, connection);
}

static void
set_online (TessSession *self)
{
  const TessStreamInfo *info = tess_stream_get_info (self->stream);
  TessConnection       *connection = tess_connection_new (TESS_CONNECTION_ONLINE);

  connection->tls = g_strdup (info->tls_version);
  connection->sasl = g_strdup (info->sasl);
  connection->resumed = info->resumed;
  connection->security = tess_security_describe (info, self->account, self->no_archive, g_get_real_time ());
  set_connection (self, connection);
}

/* The server has said whether it keeps an archive, some time after the login. */
static void
set_archive (TessSession *self, gboolean archive)
{
  TessConnection *connection;

  if (self->no_archive == !archive)
    return;
  self->no_archive = !archive;
  if (self->connection->security == NULL)
    return;

  connection = tess_connection_copy (self->connection);
  connection->security->advice ^= TESS_ADVICE_NO_ARCHIVE;
  set_connection (self, connection);
}

void
tess_session_report (TessSession *self, const GError *error)
{
  TessEvent *event = tess_event_new (TESS_EVENT_PROBLEM, self->account->id);

  event->error = tess_engine_error_from (error);
  tess_event_queue_add (self->events, event);
}

void
tess_session_storage_failed (TessSession *self, const GError *error)
{
  g_return_if_fail (error != NULL);

  g_warning ("The database refused: %s", error->message);
  self->refused = TRUE;
  /* A disk that is full stays so for a while: that is one sentence, not one for each message and each attempt. */
  if (self->refused_us == 0 || g_get_monotonic_time () - self->refused_us > REFUSED_AGAIN_US)
    {
      self->refused_us = g_get_monotonic_time ();
      tess_session_report (self, error);
    }
  if (self->stream == NULL)
    return;
  /* It ends in the next turn of the loop: until then nothing goes out that would need what was refused. */
  tess_outbound_offline (self->outbound);
  tess_stream_abort (self->stream);
}

void
tess_session_save_account (TessSession *self)
{
  g_autoptr (GError) error = NULL;
  TessEvent         *event;

  if (!tess_store_update_account (self->store, self->account, &error))
    {
      tess_session_storage_failed (self, error);
      return;
    }
  event = tess_event_new (TESS_EVENT_ACCOUNT, self->account->id);
  event->account = tess_account_record_copy (self->account);
  tess_event_queue_add (self->events, event);
}

/* ---- Timers ---- */

static void
set_timer (GSource **timer, guint milliseconds, GSourceFunc func, gpointer data)
{
  tess_source_clear (timer);
  *timer = tess_source_attach (g_timeout_source_new (milliseconds), func, data);
}

static gboolean
look_cb (gpointer user_data)
{
  TessSession *self = user_data;
  gboolean     ask;
  guint        seconds = tess_keepalive_look (&self->keepalive, tess_stream_get_heard_us (self->stream),
                                              g_get_monotonic_time (), &ask);

  if (ask)
    tess_stream_probe (self->stream, KEEPALIVE_PATIENCE_SECONDS);
  tess_source_clear (&self->look);
  /* Whole seconds: the accounts wake up together. */
  self->look = tess_source_attach (g_timeout_source_new_seconds (seconds), look_cb, self);
  return G_SOURCE_REMOVE;
}

static gboolean
retry_cb (gpointer user_data)
{
  TessSession *self = user_data;

  tess_source_clear (&self->retry);
  open_stream (self);
  return G_SOURCE_REMOVE;
}

/* What is said while there is no network; nobody waits for a moment then, but for the network. */
static void
set_no_network (TessSession *self)
{
  g_autoptr (GError) error = g_error_new_literal (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NO_NETWORK,
                                                  _("No network. Tessera signs in as soon as there is one."));

  set_state (self, TESS_CONNECTION_WAITING, error, 0);
}

static gboolean
waits_for_network (TessSession *self)
{
  return self->no_network &&
         g_error_matches (self->connection->error, TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NO_NETWORK);
}

static void
retry_later (TessSession *self, TessBackoffKind kind, const GError *error)
{
  guint milliseconds = tess_backoff_next (&self->backoff, kind, g_get_monotonic_time (), g_random_int ());

  set_timer (&self->retry, milliseconds, retry_cb, self);
  self->hushed = kind == TESS_BACKOFF_NO_NETWORK || kind == TESS_BACKOFF_REFUSED;
  if (kind == TESS_BACKOFF_NO_NETWORK)
    set_no_network (self);
  else
    set_state (self, TESS_CONNECTION_WAITING, error, g_get_real_time () + (gint64) milliseconds * 1000);
}

/* ---- The stream ---- */

gint64
tess_session_now (TessSession *self)
{
  return tess_clock_now (tess_router_get_clock (self->router));
}

gboolean
tess_session_is_possible_time (gint64 time_us)
{
  return time_us >= FIRST_SERVER_TIME_US && time_us <= LAST_SERVER_TIME_US;
}

gboolean
tess_session_is_online (TessSession *self)
{
  return self->stream != NULL;
}

void
tess_session_send (TessSession *self, TessNode *stanza)
{
  tess_router_send (self->router, stanza);
}

static void
router_send (const TessNode *stanza, gpointer user_data)
{
  TessSession *self = user_data;

  if (self->stream != NULL)
    tess_stream_send (self->stream, stanza, 0);
}

static void
stanza_cb (TessStream *stream, const TessNode *stanza, gpointer user_data)
{
  TessSession *self = user_data;

  tess_router_dispatch (self->router, stanza);
}

static void
acked_cb (TessStream *stream, guint64 tag, gpointer user_data)
{
  TessSession *self = user_data;

  tess_outbound_acked (self->outbound, (gint64) tag);
}

static void
acking_cb (TessStream *stream, guint32 h, gpointer user_data)
{
  tess_session_keep_count (user_data);
}

static void
tell_closed (TessSession *self)
{
  void (*closed) (gpointer data) = g_steal_pointer (&self->closed);

  if (closed != NULL)
    closed (self->closed_data);
}

/* The session with the server is over: whoever waits for an answer gets none. */
static void
session_lost (TessSession *self)
{
  g_clear_pointer (&self->management, tess_stream_management_unref);
  tess_session_forget_stream (self);
  tess_catch_up_stop (self->catch_up);
  tess_omemo_offline (self->omemo);
  tess_router_fail_all (self->router);
  tess_contacts_offline (self->contacts);
  tess_outbound_session_lost (self->outbound);
}

/* What only a person can mend, and what would get worse by trying: whoever stands between may learn from each attempt. */
static gboolean
is_final (TessSession *self, const GError *error)
{
  static const int codes[] = { TESS_XMPP_ERROR_NOT_AUTHORIZED,      TESS_XMPP_ERROR_ACCOUNT_DISABLED,
                               TESS_XMPP_ERROR_SERVER_UNPROVEN,     TESS_XMPP_ERROR_WEAKENED,
                               TESS_XMPP_ERROR_CERTIFICATE_CHANGED, TESS_XMPP_ERROR_CLIENT_CERTIFICATE,
                               TESS_XMPP_ERROR_NO_MECHANISM,        TESS_XMPP_ERROR_CONFLICT };

  /* Of a server that would have taken a certificate GLib says so whenever the handshake fails, also when the wire broke. Nobody learns
   * anything from another attempt. */
  if (g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLIENT_CERTIFICATE) &&
      (self->credentials == NULL || self->credentials->certificate == NULL))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_error_matches (error, TESS_XMPP_ERROR, codes[i]))
      return TRUE;

  return FALSE;
}

static gboolean
is_unreachable (const GError *error)
{
  static const int codes[] = { TESS_XMPP_ERROR_NO_SUCH_SERVER, TESS_XMPP_ERROR_UNREACHABLE, TESS_XMPP_ERROR_REFUSED,
                               TESS_XMPP_ERROR_PROXY, TESS_XMPP_ERROR_NO_TLS, TESS_XMPP_ERROR_BAD_CERTIFICATE };

  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_error_matches (error, TESS_XMPP_ERROR, codes[i]))
      return TRUE;

  return FALSE;
}

/* What ended, or could not begin, says how soon another attempt makes sense. The desktop may not know of the network that we
 * need, such as the one to this computer itself: it is believed when nobody could be reached. */
static TessBackoffKind
kind_of (TessSession *self, const GError *error)
{
  if (error->domain != TESS_XMPP_ERROR)
    return TESS_BACKOFF_USUAL;

  switch (error->code)
    {
    case TESS_XMPP_ERROR_BAD_CERTIFICATE:
    case TESS_XMPP_ERROR_NO_TLS:
      return TESS_BACKOFF_SLOW;
    case TESS_XMPP_ERROR_REFUSED:
      return TESS_BACKOFF_REFUSED;
    case TESS_XMPP_ERROR_NO_SUCH_SERVER:
    case TESS_XMPP_ERROR_UNREACHABLE:
    case TESS_XMPP_ERROR_PROXY:
    case TESS_XMPP_ERROR_TIMEOUT:
      return self->no_network ? TESS_BACKOFF_NO_NETWORK : TESS_BACKOFF_USUAL;
    default:
      return TESS_BACKOFF_USUAL;
    }
}

static void
give_up (TessSession *self, const GError *error)
{
  g_autoptr (GError) explained = NULL;

  session_lost (self);
  if (self->wanted)
    {
      explained = tess_session_explain_refusal (self, error);
      self->gave_up = TRUE;
    }
  set_state (self, TESS_CONNECTION_OFFLINE, explained != NULL ? explained : self->wanted ? error : NULL, 0);
  self->wanted = FALSE;
}

static void
went_down (TessSession *self, const GError *error, gboolean soon)
{
  TessBackoffKind kind = kind_of (self, error);

  if (!self->wanted || is_final (self, error))
    {
      give_up (self, error);
      return;
    }
  if (self->again)
    {
      open_stream (self);
      return;
    }

  retry_later (self, kind == TESS_BACKOFF_USUAL && soon ? TESS_BACKOFF_AT_ONCE : kind, error);
}

static void
closed_cb (TessStream *stream, const GError *error, gpointer user_data)
{
  TessSession *self = user_data;
  gboolean     silent = g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TIMEOUT);
  gboolean     steady = !self->refused && g_get_monotonic_time () - self->opened_us >= STEADY_SECONDS * G_USEC_PER_SEC;

  g_clear_pointer (&self->management, tess_stream_management_unref);
  if (tess_stream_get_management (stream) != NULL)
    self->management = tess_stream_management_ref (tess_stream_get_management (stream));
  self->mute = silent && tess_stream_get_info (stream)->resumed && !tess_stream_was_answered (stream);
  g_clear_pointer (&self->stream, tess_stream_unref);
  tess_source_clear (&self->look);
  tess_keepalive_ended (&self->keepalive, silent);
  tess_catch_up_pause (self->catch_up);
  tess_outbound_offline (self->outbound);
  if (!self->refused && tess_outbound_has_in_flight (self->outbound))
    tess_catch_up_look_again (self->catch_up);
  /* What was said on the stream and ended it (bytes that come again with each resumption, a server's error, a database that
   * refuses) comes again at once: without a pause that grows this would never rest. A wire that breaks says nothing. */
  if (steady || (!self->refused && g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED)))
    tess_backoff_reset (&self->backoff);

  if (self->management == NULL || !tess_stream_management_can_resume (self->management))
    session_lost (self);
  went_down (self, error, steady || silent);
  tell_closed (self);
}

static void
ignore_reply (const TessNode *reply, const GError *error, gpointer user_data)
{
}

static void
send_presence (TessSession *self)
{
  tess_session_send (self, tess_xep_presence_build (TESS_XEP_PRESENCE_AVAILABLE, NULL, 0,
                                                    tess_xep_caps_build (self->disco)));
}

void
tess_session_go_online (TessSession *self)
{
  if (self->stream != NULL && !self->time_pending)
    tess_outbound_online (self->outbound);
}

static void
caught_up_cb (TessSession *self)
{
  tess_session_go_online (self);
  tess_reading_caught_up (self->reading);
}

/* Only a server that announces stanza-ids takes off those that others wrote (attacks row C7). */
static void
account_info_cb (TessDiscoInfo *info, const GError *error, gpointer user_data)
{
  TessSession *self = user_data;

  if (info != NULL)
    {
      gboolean archive = tess_xep_disco_info_has_feature (info, TESS_XEP_MAM_NS);

      self->stamps = archive || tess_xep_disco_info_has_feature (info, TESS_XEP_SID_NS);
      set_archive (self, archive);
      tess_reading_informed (self->reading, tess_xep_disco_info_has_feature (info, TESS_XEP_PUBSUB_PUBLISH_OPTIONS_NS));
    }
  else if (!g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED) &&
           !g_error_matches (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_TIMEOUT))
    {
      self->stamps = FALSE;
      tess_reading_informed (self->reading, FALSE);
    }
}

/* @resumed: the session is that of another process, which is not to be forgotten. */
static void
begin_session (TessSession *self, gboolean resumed)
{
  if (!resumed)
    {
      self->left_seconds = 0;
      if (self->management != NULL)
        self->left_seconds = CLAMP (tess_stream_management_get_max_seconds (self->management), 1, LONGEST_LEFT_SECONDS);
      session_lost (self);
    }
  tess_router_set_address (self->router, tess_stream_get_jid (self->stream));
  tess_session_remember_stream (self);
  /* Asked before the presence that makes messages come; until it is answered what was true on the stream before holds. */
  self->no_archive = FALSE;
  g_hash_table_remove_all (self->named);
  tess_session_ask_time (self);
  tess_xep_disco_query (self->disco, NULL, NULL, account_info_cb, self);
  tess_contacts_online (self->contacts);
  /* What another process said of that may have been lost with it. */
  if (!tess_stream_get_info (self->stream)->carbons)
    tess_xep_carbons_enable (self->router, ignore_reply, NULL);
  send_presence (self);
  self->omemo_refused = FALSE;
  tess_omemo_online (self->omemo);
  tess_reading_begin (self->reading);
  tess_catch_up_start (self->catch_up);
}

/* The server had not all of what was sent before, and got it again: as other numbers than before, if much was lost. */
static void
resume_session (TessSession *self)
{
  gboolean inherited = self->inherited;

  self->inherited = FALSE;
  tess_outbound_resumed (self->outbound, tess_stream_get_management (self->stream));
  if (inherited)
    {
      begin_session (self, TRUE);
      return;
    }
  tess_session_ask_time (self);
  tess_session_remember_stream (self);
  tess_contacts_resumed (self->contacts);
  if (self->omemo_refused)
    {
      self->omemo_refused = FALSE; /* it may be refused again */
      tess_omemo_go_on (self->omemo);
    }
  if (tess_catch_up_is_done (self->catch_up))
    {
      tess_session_go_online (self);
      tess_catch_up_go_on (self->catch_up);
      tess_reading_caught_up (self->reading);
    }
  else
    tess_catch_up_start (self->catch_up);
}

static void
tell_in_use (TessSession *self)
{
  g_autoptr (TessNode) nonza = NULL;

  if (self->stream == NULL || !self->csi)
    return;
  nonza = tess_xep_csi_build (!self->not_in_use);
  tess_stream_send_nonza (self->stream, nonza);
}

void
tess_session_set_in_use (TessSession *self, gboolean in_use)
{
  TESS_ASSERT_ENGINE ();

  if (self->not_in_use == !in_use)
    return;
  self->not_in_use = !in_use;
  tell_in_use (self);
}

static void
take_stream (TessSession *self, TessStream *stream)
{
  static const TessStreamHandlers handlers = { stanza_cb, acked_cb, closed_cb, acking_cb };
  const TessStreamInfo           *info = tess_stream_get_info (stream);

  self->stream = stream;
  self->opened_us = g_get_monotonic_time ();
  tess_session_note_opening (self);
  tess_source_clear (&self->retry);
  tess_backoff_online (&self->backoff);
  self->hushed = FALSE;
  look_cb (self);

  tess_session_learn (self, info);
  if (info->resumed && self->inherited)
    {
      /* What the server kept for us comes next, and is newer. */
      tess_router_set_address (self->router, tess_stream_get_jid (stream));
      tess_contacts_inherit (self->contacts);
    }
  tess_stream_set_handlers (stream, &handlers, self);
  if (self->stream == NULL)
    return; /* it ended at once */
  if (info->resumed)
    {
      resume_session (self);
      tess_stream_probe (stream, RESUMED_PATIENCE_SECONDS);
    }
  else
    {
      begin_session (self, FALSE);
    }
  /* After a resumption the server may hold the old state, the new one, or none (XEP-0352 section 5). A login that resumes may not show
   * again what is offered. */
  self->csi = tess_xep_csi_is_offered (tess_stream_get_features (stream)) || (info->resumed && self->csi);
  tell_in_use (self);
  set_online (self);

  if (self->prove_key)
    {
      self->prove_key = FALSE;
      tess_session_reconnect (self);
    }
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TessSession       *self = user_data;
  g_autoptr (GError) error = NULL;
  TessStream        *stream = tess_stream_open_finish (result, &error);

  if (g_cancellable_is_cancelled (g_task_get_cancellable (G_TASK (result))))
    {
      /* Whoever cancelled it has said what follows; the session may be gone. */
      g_clear_pointer (&stream, tess_stream_unref);
      return;
    }

  g_clear_object (&self->opening);
  if (stream != NULL)
    take_stream (self, stream);
  else if (self->inherited && !is_unreachable (error))
    {
      /* What another process left behind may be what the server does not take: the next attempt binds a session anew. */
      session_lost (self);
      if (is_final (self, error))
        went_down (self, error, FALSE);
      else
        open_stream (self);
    }
  else
    went_down (self, error, FALSE);
}

static void
ask_for_password (TessSession *self)
{
  g_autoptr (GError) error = tess_session_password_needed (self);

  self->wanted = FALSE;
  if (!self->inherited) /* at a start, until the keyring or the person has said it */
    session_lost (self);
  set_state (self, TESS_CONNECTION_OFFLINE, error, 0);
}

static void
open_stream (TessSession *self)
{
  TessStreamOptions  options;
  g_autoptr (GError) error = NULL;

  if (self->stream != NULL || self->opening != NULL || !self->wanted)
    return;

  tess_source_clear (&self->retry);
  self->again = FALSE;
  if (!tess_credentials_are_there (self->credentials))
    {
      ask_for_password (self);
      return;
    }
  if (!tess_session_fill_options (&options, self->account, self->jid, self->credentials, self->trust, &error))
    {
      went_down (self, error, FALSE);
      return;
    }
  /* A server may take up a session and never look at what comes on it (Prosody 0.12 now and then): a new one is bound instead. */
  options.resume = self->mute ? NULL : self->management;
  self->opening = g_cancellable_new ();
  if (!self->hushed)
    set_state (self, TESS_CONNECTION_CONNECTING, NULL, 0);
  tess_stream_open_async (&options, self->opening, opened_cb, self);
  tess_session_clear_options (&options);
}

static void
stop_opening (TessSession *self)
{
  tess_source_clear (&self->retry);
  if (self->opening != NULL)
    {
      g_cancellable_cancel (self->opening);
      g_clear_object (&self->opening);
    }
}

void
tess_session_connect (TessSession *self, const TessCredentials *credentials)
{
  TESS_ASSERT_ENGINE ();

  tess_session_take_credentials (self, credentials);
  self->gave_up = FALSE;
  if (self->stream == NULL && !tess_credentials_are_there (self->credentials))
    {
      ask_for_password (self);
      return;
    }

  self->wanted = TRUE;
  self->hushed = FALSE; /* who asks for it is told that something is done */
  tess_backoff_reset (&self->backoff);
  if (self->stream == NULL)
    {
      stop_opening (self);
      open_stream (self);
    }
}

void
tess_session_adopt (TessSession *self, TessStream *stream, const TessCredentials *credentials)
{
  tess_session_take_credentials (self, credentials);
  self->wanted = TRUE;
  take_stream (self, stream);
}

void
tess_session_reconnect (TessSession *self)
{
  if (self->stream != NULL)
    {
      self->again = TRUE;
      tess_stream_abort (self->stream);
    }
  else if (self->wanted)
    {
      self->hushed = FALSE;
      tess_backoff_reset (&self->backoff);
      stop_opening (self);
      open_stream (self);
    }
  else if (self->gave_up)
    {
      tess_session_connect (self, NULL);
    }
}

void
tess_session_close (TessSession *self, void (*closed) (gpointer data), gpointer data)
{
  self->wanted = FALSE;
  self->gave_up = FALSE;
  self->again = FALSE;
  stop_opening (self);

  if (self->stream != NULL)
    {
      /* An order to close without anybody waiting does not forget who waits already. */
      if (closed != NULL)
        {
          self->closed = closed;
          self->closed_data = data;
        }
      tess_session_send (self, tess_xep_presence_build (TESS_XEP_PRESENCE_UNAVAILABLE, NULL, 0, NULL));
      tess_stream_close (self->stream);
      return;
    }

  if (!self->inherited) /* the next process may have more luck */
    session_lost (self);
  set_state (self, TESS_CONNECTION_OFFLINE, NULL, 0);
  if (closed != NULL)
    closed (data);
}

void
tess_session_disconnect (TessSession *self)
{
  tess_session_close (self, NULL, NULL);
}

void
tess_session_network_changed (TessSession *self, gboolean available)
{
  self->no_network = !available;
  if (!self->wanted)
    return;

  if (self->stream != NULL)
    {
      tess_stream_probe (self->stream, PROBE_PATIENCE_SECONDS);
    }
  else if (available)
    {
      self->hushed = FALSE;
      tess_backoff_reset (&self->backoff);
      stop_opening (self);
      open_stream (self);
    }
  else if (self->retry != NULL && !waits_for_network (self))
    {
      /* It will say what there is to say. */
      stop_opening (self);
      open_stream (self);
    }
}

gboolean
tess_session_may_answer (TessSession *self, TessJid *jid)
{
  const TessContactRecord *contact = tess_contacts_find (self->contacts, tess_jid_to_bare_string (jid));

  if (tess_jid_bare_equal (jid, self->jid))
    return TRUE;
  if (contact != NULL && contact->in_roster)
    return TRUE;
  return tess_store_has_written (self->store, self->account->id, tess_jid_to_bare_string (jid), NULL);
}

/* ---- What OMEMO says ---- */

static void
devices_changed_cb (gpointer data, TessJid *jid)
{
  tess_trust_announce (data, jid);
}

static void
ready_changed_cb (gpointer data, TessJid *jid)
{
  TessSession *self = data;

  tess_trust_announce (self, jid);
  tess_outbound_pump (self->outbound);
}

static void
own_device_removed_cb (gpointer data)
{
  TessSession       *self = data;
  g_autoptr (GError) error = NULL;

  error = g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_FAILED,
                       _("Another program keeps removing this device from the encryption of %s. "
                         "Look at your devices, and change your password if you do not know why."),
                       self->account->address);
  tess_session_report (self, error);
}

static void
key_claimed_cb (gpointer data, TessJid *jid, TessJid *owner)
{
  TessSession       *self = data;
  g_autoptr (GError) error = NULL;

  error = g_error_new (TESS_ENGINE_ERROR, TESS_ENGINE_ERROR_NEEDS_DECISION,
                       _("%1$s and %2$s show the same encryption key, so one of them passes on what is not theirs. Compare the "
                         "fingerprints with both, and distrust the device of the one whose it is not."),
                       tess_jid_to_bare_string (jid), tess_jid_to_bare_string (owner));
  tess_session_report (self, error);
}

static void
omemo_storage_failed_cb (gpointer data, const GError *error)
{
  TessSession *self = data;

  self->omemo_refused = TRUE;
  tess_session_storage_failed (self, error);
}

/* ---- Life ---- */

static void
add_features (TessDisco *disco)
{
  static const char *const features[] = { TESS_XEP_CHAT_STATES_NS, TESS_XEP_RECEIPTS_NS, TESS_XEP_PING_NS,
                                          TESS_XEP_MARKERS_NS, TESS_XEP_EME_NS };

  for (gsize i = 0; i < G_N_ELEMENTS (features); i++)
    tess_xep_disco_add_feature (disco, features[i]);
}

static gboolean
start_omemo (TessSession *self, GError **error)
{
  static const TessOmemoListener listener = { devices_changed_cb, ready_changed_cb,
                                              own_device_removed_cb, key_claimed_cb,
                                              omemo_storage_failed_cb };

  self->omemo_db = tess_omemo_db_new (self->store, self->account->id);
  self->omemo = tess_omemo_new (self->jid, tess_omemo_db_get_table (), self->omemo_db,
                                tess_omemo_pep_get_table (), self, &listener, self);
  tess_omemo_set_blind (self->omemo, self->account->blind_trust);
  return tess_omemo_load (self->omemo, error);
}

TessSession *
tess_session_new (TessStore         *store,
                  TessEventQueue    *events,
                  GTlsDatabase      *trust,
                  TessAccountRecord *account,
                  GError           **error)
{
  g_autoptr (TessSession) self = g_new0 (TessSession, 1);

  TESS_ASSERT_ENGINE ();

  self->store = store;
  self->events = events;
  self->trust = trust;
  self->account = account;
  self->connection = tess_connection_new (TESS_CONNECTION_OFFLINE);
  tess_keepalive_init (&self->keepalive);
  self->jid = tess_jid_new_bare (account->address, error);
  if (self->jid == NULL)
    return NULL;
  /* Until a server has said so: most are right to be believed, and a message without its id would be there twice once the archive
   * tells of it. A server without an archive has nothing that a forged id could hide. */
  self->stamps = TRUE;

  self->router = tess_router_new (self->jid, router_send, self);
  self->named = g_hash_table_new (NULL, NULL);
  self->disco = tess_xep_disco_new (self->router, DISCO_NODE, "Tessera");
  self->caps = tess_xep_caps_new (self->disco, NULL, NULL);
  self->pep = tess_xep_pep_new (self->router, self->disco);
  self->mam = tess_xep_mam_new (self->router);
  tess_xep_ping_listen (self->router);
  add_features (self->disco);

  if (!start_omemo (self, error))
    return NULL;
  tess_omemo_pep_watch (self);
  self->contacts = tess_contacts_new (self, error);
  if (self->contacts == NULL)
    return NULL;
  self->outbound = tess_outbound_new (self);
  self->catch_up = tess_catch_up_new (self, caught_up_cb);
  self->reading = tess_reading_new (self);
  tess_inbound_listen (self);
  if (!tess_session_inherit_stream (self, error))
    return NULL;

  return g_steal_pointer (&self);
}

static void
ignore_stanza (TessStream *stream, const TessNode *stanza, gpointer user_data)
{
}

static void
ignore_ack (TessStream *stream, guint64 tag, gpointer user_data)
{
}

static void
ignore_end (TessStream *stream, const GError *error, gpointer user_data)
{
}

void
tess_session_free (TessSession *self)
{
  if (self == NULL)
    return;

  stop_opening (self);
  tess_source_clear (&self->look);
  if (self->stream != NULL)
    {
      static const TessStreamHandlers nobody = { ignore_stanza, ignore_ack, ignore_end };

      tess_stream_set_handlers (self->stream, &nobody, NULL);
      tess_stream_abort (self->stream);
      g_clear_pointer (&self->stream, tess_stream_unref);
    }
  /* Whoever waits for an answer is told before it goes. */
  if (self->router != NULL)
    tess_router_fail_all (self->router);

  g_clear_pointer (&self->reading, tess_reading_free);
  g_clear_pointer (&self->catch_up, tess_catch_up_free);
  g_clear_pointer (&self->outbound, tess_outbound_free);
  g_clear_pointer (&self->omemo, tess_omemo_free);
  g_clear_pointer (&self->named, g_hash_table_unref);
  g_clear_pointer (&self->omemo_db, tess_omemo_db_free);
  g_clear_pointer (&self->mam, tess_xep_mam_free);
  g_clear_pointer (&self->pep, tess_xep_pep_free);
  g_clear_pointer (&self->caps, tess_xep_caps_free);
  g_clear_pointer (&self->disco, tess_xep_disco_free);
  g_clear_pointer (&self->router, tess_router_free);
  g_clear_pointer (&self->contacts, tess_contacts_free);
  g_clear_pointer (&self->management, tess_stream_management_unref);
  g_clear_pointer (&self->connection, tess_connection_free);
  g_clear_pointer (&self->jid, tess_jid_unref);
  g_clear_pointer (&self->account, tess_account_record_free);
  tess_credentials_free (self->credentials);
  g_free (self);
}
