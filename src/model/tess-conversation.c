/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-model"

#include "config.h"

#include "model/tess-conversation-private.h"

#include "base/tess-color.h"
#include "base/tess-text.h"
#include "base/tess-thread.h"
#include "model/tess-account-private.h"
#include "model/tess-contact-private.h"
#include "model/tess-message-private.h"
#include "model/tess-model-util.h"
#include "model/tess-timeline-private.h"

#include <glib/gi18n-lib.h>

#define PREVIEW_MAX_CHARS 200

enum
{
  PROP_0,
  PROP_ID,
  PROP_ACCOUNT,
  PROP_ADDRESS,
  PROP_NAME,
  PROP_COLOR,
  PROP_PRESENCE,
  PROP_PREVIEW,
  PROP_PREVIEW_OUTGOING,
  PROP_PREVIEW_STATE,
  PROP_TIME,
  PROP_UNREAD,
  PROP_SECURITY,
  PROP_ENCRYPTION,
  PROP_BLIND,
  PROP_LEFT_OUT,
  PROP_TYPING,
  PROP_DRAFT,
  PROP_LAST_READ_TIME,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

struct _TessConversation
{
  GObject parent_instance;
  TessAccount *account;
  TessEngine *engine;
  TessContact *contact; /* nullable */
  gulong contact_handler;
  TessConversationRecord *record;
  char *name;
  guint color;
  char *preview; /* nullable */
  gboolean typing;
  gint64 last_read_us;
  TessTimeline *timeline; /* weak */
};

G_DEFINE_FINAL_TYPE (TessConversation, tess_conversation, G_TYPE_OBJECT)

static void
get_message_property (TessConversation *self, guint prop_id, GValue *value)
{
  switch (prop_id)
    {
    case PROP_PREVIEW:
      g_value_set_string (value, self->preview);
      break;
    case PROP_PREVIEW_OUTGOING:
      g_value_set_boolean (value, tess_conversation_get_preview_outgoing (self));
      break;
    case PROP_PREVIEW_STATE:
      g_value_set_int (value, (int) tess_conversation_get_preview_state (self));
      break;
    case PROP_TIME:
      g_value_set_int64 (value, tess_conversation_get_time (self));
      break;
    case PROP_UNREAD:
      g_value_set_uint (value, self->record->unread);
      break;
    default:
      g_value_set_int64 (value, self->last_read_us);
      break;
    }
}

static void
tess_conversation_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  TessConversation *self = TESS_CONVERSATION (object);

  switch (prop_id)
    {
    case PROP_ID:
      g_value_set_int64 (value, self->record->id);
      break;
    case PROP_ACCOUNT:
      g_value_set_object (value, self->account);
      break;
    case PROP_ADDRESS:
      g_value_set_string (value, self->record->peer);
      break;
    case PROP_NAME:
      g_value_set_string (value, tess_conversation_get_name (self));
      break;
    case PROP_COLOR:
      g_value_set_uint (value, self->color);
      break;
    case PROP_PRESENCE:
      g_value_set_int (value, (int) tess_conversation_get_presence (self));
      break;
    case PROP_SECURITY:
      g_value_set_int (value, (int) self->record->security);
      break;
    case PROP_ENCRYPTION:
      g_value_set_int (value, (int) self->record->encryption);
      break;
    case PROP_BLIND:
      g_value_set_int (value, (int) self->record->blind);
      break;
    case PROP_LEFT_OUT:
      g_value_set_uint (value, self->record->left_out);
      break;
    case PROP_TYPING:
      g_value_set_boolean (value, self->typing);
      break;
    case PROP_DRAFT:
      g_value_set_string (value, self->record->draft);
      break;
    case PROP_PREVIEW:
    case PROP_PREVIEW_OUTGOING:
    case PROP_PREVIEW_STATE:
    case PROP_TIME:
    case PROP_UNREAD:
    case PROP_LAST_READ_TIME:
      get_message_property (self, prop_id, value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tess_conversation_dispose (GObject *object)
{
  TessConversation *self = TESS_CONVERSATION (object);

  g_clear_signal_handler (&self->contact_handler, self->contact);
  g_clear_object (&self->contact);
  g_clear_weak_pointer (&self->timeline);

  G_OBJECT_CLASS (tess_conversation_parent_class)->dispose (object);
}

static void
tess_conversation_finalize (GObject *object)
{
  TessConversation *self = TESS_CONVERSATION (object);

  g_object_unref (self->engine);
  g_object_unref (self->account);
  tess_conversation_record_free (self->record);
  g_free (self->name);
  g_free (self->preview);

  G_OBJECT_CLASS (tess_conversation_parent_class)->finalize (object);
}

static void
install_message_properties (GParamFlags flags)
{
  properties[PROP_PREVIEW] = g_param_spec_string ("preview", NULL, NULL, NULL, flags);
  properties[PROP_PREVIEW_OUTGOING] =
      g_param_spec_boolean ("preview-outgoing", NULL, NULL, FALSE, flags);
  properties[PROP_PREVIEW_STATE] =
      g_param_spec_int ("preview-state", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_TIME] = g_param_spec_int64 ("time", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);
  properties[PROP_UNREAD] = g_param_spec_uint ("unread", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_LAST_READ_TIME] =
      g_param_spec_int64 ("last-read-time", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);
}

static void
tess_conversation_class_init (TessConversationClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tess_conversation_get_property;
  object_class->dispose = tess_conversation_dispose;
  object_class->finalize = tess_conversation_finalize;

  install_message_properties (flags);
  properties[PROP_ID] = g_param_spec_int64 ("id", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_ACCOUNT] = g_param_spec_object ("account", NULL, NULL, TESS_TYPE_ACCOUNT, flags);
  properties[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, NULL, flags);
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  properties[PROP_COLOR] = g_param_spec_uint ("color", NULL, NULL, 0, 0xffffff, 0, flags);
  properties[PROP_PRESENCE] = g_param_spec_int ("presence", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_SECURITY] = g_param_spec_int ("security", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_ENCRYPTION] = g_param_spec_int ("encryption", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_LEFT_OUT] = g_param_spec_uint ("left-out", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_BLIND] = g_param_spec_int ("blind", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_TYPING] = g_param_spec_boolean ("typing", NULL, NULL, FALSE, flags);
  properties[PROP_DRAFT] = g_param_spec_string ("draft", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
tess_conversation_init (TessConversation *self)
{
}

static void
notify (TessConversation *self, guint prop_id)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop_id]);
}

/* ---- What the engine says ---- */

static char *
make_preview (const TessMessageRecord *last)
{
  if (last == NULL)
    return NULL;
  if (last->text == NULL && last->encryption != TESS_ENCRYPTION_NONE)
    return g_strdup (_ ("This message could not be decrypted."));
  return tess_text_one_line (last->text, PREVIEW_MAX_CHARS);
}

/* @last: (transfer full) (nullable) */
static void
set_last (TessConversation *self, TessMessageRecord *last)
{
  g_autoptr (TessMessageRecord) old = g_steal_pointer (&self->record->last);
  g_autofree char *preview = make_preview (last);
  TessMessageState old_state = old != NULL ? old->state : TESS_MESSAGE_RECEIVED;
  gboolean old_out = old != NULL && old->direction == TESS_MESSAGE_OUT;

  self->record->last = last;
  if (tess_model_set_string (&self->preview, preview))
    notify (self, PROP_PREVIEW);
  if (old_out != tess_conversation_get_preview_outgoing (self))
    notify (self, PROP_PREVIEW_OUTGOING);
  if (old_state != tess_conversation_get_preview_state (self))
    notify (self, PROP_PREVIEW_STATE);
  if ((old != NULL ? old->time_us : 0) != tess_conversation_get_time (self))
    notify (self, PROP_TIME);
}

TessConversation *
tess_conversation_new (TessAccount *account, const TessConversationRecord *record)
{
  TessConversation *self;

  TESS_ASSERT_MAIN ();
  self = g_object_new (TESS_TYPE_CONVERSATION, NULL);
  self->account = g_object_ref (account);
  self->engine = g_object_ref (tess_account_get_engine (account));
  self->record = tess_conversation_record_copy (record);
  self->name = tess_contact_name_for_address (record->peer);
  self->color = tess_color_for_text (record->peer);
  self->preview = make_preview (record->last);
  tess_conversation_set_contact (self, tess_account_find_contact (account, record->peer));
  return self;
}

void
tess_conversation_update (TessConversation *self, const TessConversationRecord *record)
{
  g_autoptr (TessConversationRecord) old = NULL;
  TessMessageRecord *last;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (record->id == self->record->id);

  old = g_steal_pointer (&self->record);
  self->record = tess_conversation_record_copy (record);
  /* The message that is shown stays until set_last() has compared. */
  last = g_steal_pointer (&self->record->last);
  self->record->last = g_steal_pointer (&old->last);
  /* Where the person reads is known best here. */
  self->record->place_time_us = old->place_time_us;
  self->record->place_id = old->place_id;
  self->record->place_offset = old->place_offset;

  g_object_freeze_notify (G_OBJECT (self));
  if (last != NULL)
    set_last (self, last);
  if (old->unread != record->unread)
    notify (self, PROP_UNREAD);
  if (old->security != record->security)
    notify (self, PROP_SECURITY);
  if (old->encryption != record->encryption)
    notify (self, PROP_ENCRYPTION);
  if (old->left_out != record->left_out)
    notify (self, PROP_LEFT_OUT);
  if (old->blind != record->blind)
    notify (self, PROP_BLIND);
  if (g_strcmp0 (old->draft, record->draft) != 0)
    notify (self, PROP_DRAFT);
  g_object_thaw_notify (G_OBJECT (self));
}

static void
contact_notify_cb (TessConversation *self, GParamSpec *pspec)
{
  if (g_str_equal (pspec->name, "name"))
    notify (self, PROP_NAME);
  else if (g_str_equal (pspec->name, "presence"))
    notify (self, PROP_PRESENCE);
}

void
tess_conversation_set_contact (TessConversation *self, TessContact *contact)
{
  TESS_ASSERT_MAIN ();
  if (self->contact == contact)
    return;

  g_clear_signal_handler (&self->contact_handler, self->contact);
  g_set_object (&self->contact, contact);
  if (contact != NULL)
    self->contact_handler =
        g_signal_connect_swapped (contact, "notify", G_CALLBACK (contact_notify_cb), self);
  notify (self, PROP_NAME);
  notify (self, PROP_PRESENCE);
}

void
tess_conversation_take_typing (TessConversation *self, gboolean typing)
{
  if (self->typing == typing)
    return;

  self->typing = typing;
  notify (self, PROP_TYPING);
}

static void
take (TessConversation *self, GPtrArray *records, gboolean update)
{
  const TessMessageRecord *newest = self->record->last;

  for (guint i = 0; i < records->len; i++)
    {
      const TessMessageRecord *record = records->pdata[i];
      int order = newest == NULL ? 1 : tess_message_record_compare (record, newest);

      if (order > 0 || (order == 0 && update))
        newest = record;
      if (record->direction == TESS_MESSAGE_IN)
        tess_conversation_take_typing (self, FALSE);
    }

  g_object_freeze_notify (G_OBJECT (self));
  if (newest != NULL && newest != self->record->last)
    set_last (self, tess_message_record_copy (newest));
  g_object_thaw_notify (G_OBJECT (self));

  if (self->timeline != NULL)
    tess_timeline_take_messages (self->timeline, records, update);
}

void
tess_conversation_take_messages (TessConversation *self, GPtrArray *records)
{
  TESS_ASSERT_MAIN ();
  take (self, records, TRUE);
}

void
tess_conversation_take_gone (TessConversation *self, gint64 until_us)
{
  TESS_ASSERT_MAIN ();

  if (self->timeline != NULL)
    tess_timeline_forget (self->timeline, until_us);
}

void
tess_conversation_gone (TessConversation *self)
{
  if (self->timeline != NULL)
    tess_timeline_clear (self->timeline);
}

TessMessage *
tess_conversation_get_message (TessConversation *self, const TessMessageRecord *record)
{
  TessMessage *message =
      self->timeline != NULL ? tess_timeline_find (self->timeline, record->id) : NULL;

  return message != NULL ? g_object_ref (message) : tess_message_new (record);
}

/* ---- What views know ---- */

gint64
tess_conversation_get_id (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), 0);

  return self->record->id;
}

TessAccount *
tess_conversation_get_account (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), NULL);

  return self->account;
}

TessContact *
tess_conversation_get_contact (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), NULL);

  return self->contact;
}

const char *
tess_conversation_get_address (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), NULL);

  return self->record->peer;
}

const char *
tess_conversation_get_name (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), NULL);

  return self->contact != NULL ? tess_contact_get_name (self->contact) : self->name;
}

guint
tess_conversation_get_color (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), 0);

  return self->color;
}

TessPresence
tess_conversation_get_presence (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), TESS_PRESENCE_OFFLINE);

  return self->contact != NULL ? tess_contact_get_presence (self->contact) : TESS_PRESENCE_OFFLINE;
}

const char *
tess_conversation_get_preview (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), NULL);

  return self->preview;
}

gboolean
tess_conversation_get_preview_outgoing (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), FALSE);

  return self->record->last != NULL && self->record->last->direction == TESS_MESSAGE_OUT;
}

TessMessageState
tess_conversation_get_preview_state (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), TESS_MESSAGE_RECEIVED);

  return self->record->last != NULL ? self->record->last->state : TESS_MESSAGE_RECEIVED;
}

gint64
tess_conversation_get_time (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), 0);

  return self->record->last != NULL ? self->record->last->time_us : 0;
}

guint
tess_conversation_get_unread (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), 0);

  return self->record->unread;
}

TessSecurity
tess_conversation_get_security (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), TESS_SECURITY_PLAIN);

  return self->record->security;
}

guint
tess_conversation_get_left_out (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), 0);

  return self->record->left_out;
}

TessBlind
tess_conversation_get_blind (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), TESS_BLIND_DEFAULT);

  return self->record->blind;
}

void
tess_conversation_set_blind (TessConversation *self, TessBlind blind)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CONVERSATION (self));

  if (self->record->blind == blind)
    return;
  tess_engine_set_blind (self->engine, self->record->id, blind);
  self->record->blind = blind;
  notify (self, PROP_BLIND);
}

TessConversationEncryption
tess_conversation_get_encryption (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), TESS_CONVERSATION_AUTOMATIC);

  return self->record->encryption;
}

gboolean
tess_conversation_get_typing (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), FALSE);

  return self->typing;
}

const char *
tess_conversation_get_draft (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), NULL);

  return self->record->draft;
}

/* ---- The timeline ---- */

typedef struct
{
  TessTimeline *timeline; /* a reference */
  guint serial;
} PageRequest;

static void
page_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree PageRequest *request = user_data;
  g_autoptr (TessTimeline) timeline = request->timeline;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records = NULL;
  TessPageEnds ends = 0;

  records = tess_engine_load_page_finish (TESS_ENGINE (source), result, &ends, &error);
  if (records == NULL)
    g_debug ("A page could not be loaded: %s", error->message);
  tess_timeline_take_page (timeline, request->serial, records, ends);
}

typedef struct
{
  TessEngine *engine;
  gint64 conversation_id;
} PageSource;

static void
page_source_free (gpointer data)
{
  PageSource *self = data;

  g_object_unref (self->engine);
  g_free (self);
}

static void
load_page (TessTimeline *timeline,
           guint serial,
           TessPageKind kind,
           gint64 time_us,
           gint64 message_id,
           gpointer user_data)
{
  PageSource *source = user_data;
  PageRequest *request = g_new0 (PageRequest, 1);

  request->timeline = g_object_ref (timeline);
  request->serial = serial;
  tess_engine_load_page_async (source->engine, source->conversation_id, kind, time_us, message_id,
                               kind == TESS_PAGE_AROUND ? 2 * TESS_TIMELINE_PAGE : TESS_TIMELINE_PAGE, TRUE, NULL,
                               page_loaded_cb, request);
}

TessTimeline *
tess_conversation_open_timeline (TessConversation *self)
{
  TessTimeline *timeline;
  PageSource *source;

  TESS_ASSERT_MAIN ();
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), NULL);

  if (self->timeline != NULL)
    return g_object_ref (self->timeline);

  source = g_new0 (PageSource, 1);
  source->engine = g_object_ref (self->engine);
  source->conversation_id = self->record->id;
  timeline = tess_timeline_new (load_page, self->record->place_time_us, self->record->place_id, source, page_source_free);
  g_set_weak_pointer (&self->timeline, timeline);
  return timeline;
}

void
tess_conversation_online (TessConversation *self)
{
  TESS_ASSERT_MAIN ();

  if (self->timeline != NULL && !self->record->history_done)
    tess_timeline_reopen (self->timeline);
}

gboolean
tess_conversation_get_place (TessConversation *self, gint64 *message_id, int *offset)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), FALSE);

  *message_id = self->record->place_id;
  *offset = self->record->place_offset;
  return self->record->place_time_us != 0;
}

void
tess_conversation_set_place (TessConversation *self, TessMessage *message, int offset)
{
  gint64 time_us = message != NULL ? tess_message_get_record (message)->time_us : 0;
  gint64 message_id = message != NULL ? tess_message_get_id (message) : 0;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CONVERSATION (self));

  if (message == NULL)
    offset = 0;
  if (self->record->place_time_us == time_us && self->record->place_id == message_id && self->record->place_offset == offset)
    return;
  self->record->place_time_us = time_us;
  self->record->place_id = message_id;
  self->record->place_offset = offset;
  tess_engine_set_place (self->engine, self->record->id, time_us, message_id, offset);
}

/* ---- What a person does ---- */

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessMessageRecord) record = NULL;
  g_autoptr (GPtrArray) records = NULL;
  TessConversation *self = g_task_get_source_object (task);

  record = tess_engine_send_finish (TESS_ENGINE (source), result, &error);
  if (record == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  /* An event that says more of it may have come first: that one counts. */
  records = g_ptr_array_new ();
  g_ptr_array_add (records, record);
  take (self, records, FALSE);
  g_task_return_pointer (task, tess_conversation_get_message (self, record), g_object_unref);
}

void
tess_conversation_send_async (TessConversation *self,
                              const char *text,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CONVERSATION (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_conversation_send_async);
  tess_engine_send_async (self->engine, self->record->id, text, cancellable, sent_cb, task);
}

TessMessage *
tess_conversation_send_finish (TessConversation *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
tess_conversation_retry (TessConversation *self, TessMessage *message)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CONVERSATION (self));

  tess_engine_retry (self->engine, tess_message_get_id (message));
}

static void
history_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  GPtrArray *records = tess_engine_load_page_finish (TESS_ENGINE (source), result, NULL, &error);

  if (records != NULL)
    g_task_return_pointer (task, records, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
tess_conversation_load_history_async (TessConversation *self,
                                      gint64 before_time_us,
                                      gint64 before_id,
                                      guint limit,
                                      gboolean archive,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data)
{
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CONVERSATION (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_conversation_load_history_async);
  tess_engine_load_page_async (self->engine, self->record->id, TESS_PAGE_OLDER, before_time_us, before_id,
                               limit, archive, cancellable, history_loaded_cb, task);
}

GPtrArray *
tess_conversation_load_history_finish (TessConversation *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
tess_conversation_set_encryption (TessConversation *self, TessConversationEncryption encryption)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CONVERSATION (self));

  if (self->record->encryption == encryption)
    return;

  tess_engine_set_encryption (self->engine, self->record->id, encryption);
  self->record->encryption = encryption;
  notify (self, PROP_ENCRYPTION);
}

void
tess_conversation_set_typing (TessConversation *self, gboolean typing)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CONVERSATION (self));

  tess_engine_set_typing (self->engine, self->record->id, typing);
}

void
tess_conversation_set_draft (TessConversation *self, const char *draft)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CONVERSATION (self));

  if (draft != NULL && *draft == '\0')
    draft = NULL;
  if (!tess_model_set_string (&self->record->draft, draft))
    return;

  tess_engine_set_draft (self->engine, self->record->id, draft);
  notify (self, PROP_DRAFT);
}

void
tess_conversation_mark_read (TessConversation *self, TessMessage *message)
{
  const TessMessageRecord *record;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CONVERSATION (self));
  g_return_if_fail (TESS_IS_MESSAGE (message));

  record = tess_message_get_record (message);
  tess_engine_mark_read (self->engine, self->record->id, record->time_us, record->id);
  if (record->time_us > self->last_read_us)
    {
      self->last_read_us = record->time_us;
      notify (self, PROP_LAST_READ_TIME);
    }
}

void
tess_conversation_clear_history (TessConversation *self)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CONVERSATION (self));

  tess_engine_clear_history (self->engine, self->record->id);
}

void
tess_conversation_close (TessConversation *self)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_CONVERSATION (self));

  tess_engine_close_conversation (self->engine, self->record->id);
}

TessDeviceList *
tess_conversation_get_devices (TessConversation *self)
{
  g_return_val_if_fail (TESS_IS_CONVERSATION (self), NULL);

  return tess_account_get_devices (self->account, self->record->peer);
}
