/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-model"

#include "config.h"

#include "model/tess-message-private.h"

#include "base/tess-thread.h"

#include <glib/gi18n-lib.h>

enum
{
  PROP_0,
  PROP_ID,
  PROP_TEXT,
  PROP_OUTGOING,
  PROP_TIME,
  PROP_STATE,
  PROP_ENCRYPTION,
  PROP_DEVICE,
  PROP_TRUST,
  PROP_ERROR,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

struct _TessMessage
{
  GObject parent_instance;
  TessMessageRecord *record;
};

G_DEFINE_FINAL_TYPE (TessMessage, tess_message, G_TYPE_OBJECT)

static void
tess_message_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  TessMessage *self = TESS_MESSAGE (object);

  switch (prop_id)
    {
    case PROP_ID:
      g_value_set_int64 (value, self->record->id);
      break;
    case PROP_TEXT:
      g_value_set_string (value, tess_message_get_text (self));
      break;
    case PROP_OUTGOING:
      g_value_set_boolean (value, tess_message_get_outgoing (self));
      break;
    case PROP_TIME:
      g_value_set_int64 (value, self->record->time_us);
      break;
    case PROP_STATE:
      g_value_set_int (value, (int) self->record->state);
      break;
    case PROP_ENCRYPTION:
      g_value_set_int (value, (int) self->record->encryption);
      break;
    case PROP_DEVICE:
      g_value_set_uint (value, self->record->device);
      break;
    case PROP_TRUST:
      g_value_set_int (value, (int) self->record->trust);
      break;
    case PROP_ERROR:
      g_value_set_string (value, self->record->error);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tess_message_finalize (GObject *object)
{
  tess_message_record_free (TESS_MESSAGE (object)->record);

  G_OBJECT_CLASS (tess_message_parent_class)->finalize (object);
}

static void
tess_message_class_init (TessMessageClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tess_message_get_property;
  object_class->finalize = tess_message_finalize;

  properties[PROP_ID] = g_param_spec_int64 ("id", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_TEXT] = g_param_spec_string ("text", NULL, NULL, NULL, flags);
  properties[PROP_OUTGOING] = g_param_spec_boolean ("outgoing", NULL, NULL, FALSE, flags);
  properties[PROP_TIME] = g_param_spec_int64 ("time", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);
  properties[PROP_STATE] = g_param_spec_int ("state", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_ENCRYPTION] = g_param_spec_int ("encryption", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_DEVICE] = g_param_spec_uint ("device", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_TRUST] = g_param_spec_int ("trust", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_ERROR] = g_param_spec_string ("error", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
tess_message_init (TessMessage *self)
{
}

TessMessage *
tess_message_new (const TessMessageRecord *record)
{
  TessMessage *self;

  TESS_ASSERT_MAIN ();
  self = g_object_new (TESS_TYPE_MESSAGE, NULL);
  self->record = tess_message_record_copy (record);
  return self;
}

void
tess_message_update (TessMessage *self, const TessMessageRecord *record)
{
  g_autoptr (TessMessageRecord) old = NULL;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (record->id == self->record->id);

  old = g_steal_pointer (&self->record);
  self->record = tess_message_record_copy (record);

  g_object_freeze_notify (G_OBJECT (self));
  if (g_strcmp0 (old->text, record->text) != 0 ||
      (record->text == NULL && old->encryption != record->encryption))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TEXT]);
  if (old->direction != record->direction)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_OUTGOING]);
  if (old->time_us != record->time_us)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TIME]);
  if (old->state != record->state)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
  if (old->encryption != record->encryption)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ENCRYPTION]);
  if (old->device != record->device)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DEVICE]);
  if (old->trust != record->trust)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TRUST]);
  if (g_strcmp0 (old->error, record->error) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
  g_object_thaw_notify (G_OBJECT (self));
}

int
tess_message_record_compare (const TessMessageRecord *a, const TessMessageRecord *b)
{
  if (a->time_us != b->time_us)
    return a->time_us < b->time_us ? -1 : 1;
  return (a->id > b->id) - (a->id < b->id);
}

gint64
tess_message_get_id (TessMessage *self)
{
  g_return_val_if_fail (TESS_IS_MESSAGE (self), 0);

  return self->record->id;
}

const char *
tess_message_get_text (TessMessage *self)
{
  g_return_val_if_fail (TESS_IS_MESSAGE (self), NULL);

  if (self->record->text != NULL)
    return self->record->text;
  return self->record->encryption == TESS_ENCRYPTION_NONE
             ? ""
             : _ ("This message could not be decrypted.");
}

gboolean
tess_message_get_outgoing (TessMessage *self)
{
  g_return_val_if_fail (TESS_IS_MESSAGE (self), FALSE);

  return self->record->direction == TESS_MESSAGE_OUT;
}

gint64
tess_message_get_time (TessMessage *self)
{
  g_return_val_if_fail (TESS_IS_MESSAGE (self), 0);

  return self->record->time_us;
}

TessMessageState
tess_message_get_state (TessMessage *self)
{
  g_return_val_if_fail (TESS_IS_MESSAGE (self), TESS_MESSAGE_RECEIVED);

  return self->record->state;
}

TessEncryption
tess_message_get_encryption (TessMessage *self)
{
  g_return_val_if_fail (TESS_IS_MESSAGE (self), TESS_ENCRYPTION_NONE);

  return self->record->encryption;
}

guint32
tess_message_get_device (TessMessage *self)
{
  g_return_val_if_fail (TESS_IS_MESSAGE (self), 0);

  return self->record->device;
}

TessTrust
tess_message_get_trust (TessMessage *self)
{
  g_return_val_if_fail (TESS_IS_MESSAGE (self), TESS_TRUST_UNDECIDED);

  return self->record->trust;
}

const char *
tess_message_get_error (TessMessage *self)
{
  g_return_val_if_fail (TESS_IS_MESSAGE (self), NULL);

  return self->record->error;
}

const TessMessageRecord *
tess_message_get_record (TessMessage *self)
{
  g_return_val_if_fail (TESS_IS_MESSAGE (self), NULL);

  return self->record;
}
