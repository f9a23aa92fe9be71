/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-model"

#include "config.h"

#include "model/tess-device-private.h"

#include "base/tess-thread.h"

enum
{
  PROP_0,
  PROP_ID,
  PROP_FINGERPRINT,
  PROP_TRUST,
  PROP_ACTIVE,
  PROP_OWN,
  PROP_LOCAL,
  PROP_KEY_ALARM,
  PROP_NO_BUNDLE,
  PROP_LABEL,
  PROP_SOFTWARE,
  PROP_FIRST_SEEN,
  PROP_LAST_SEEN,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

struct _TessDevice
{
  GObject parent_instance;
  TessDeviceRecord *record;
};

G_DEFINE_FINAL_TYPE (TessDevice, tess_device, G_TYPE_OBJECT)

static void
tess_device_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  TessDevice *self = TESS_DEVICE (object);

  switch (prop_id)
    {
    case PROP_ID:
      g_value_set_uint (value, self->record->id);
      break;
    case PROP_FINGERPRINT:
      g_value_set_string (value, self->record->fingerprint);
      break;
    case PROP_TRUST:
      g_value_set_int (value, (int) self->record->trust);
      break;
    case PROP_ACTIVE:
      g_value_set_boolean (value, self->record->active);
      break;
    case PROP_OWN:
      g_value_set_boolean (value, self->record->own);
      break;
    case PROP_LOCAL:
      g_value_set_boolean (value, self->record->local);
      break;
    case PROP_KEY_ALARM:
      g_value_set_boolean (value, self->record->key_alarm);
      break;
    case PROP_NO_BUNDLE:
      g_value_set_boolean (value, self->record->no_bundle);
      break;
    case PROP_LABEL:
      g_value_set_string (value, self->record->label);
      break;
    case PROP_SOFTWARE:
      g_value_set_string (value, self->record->software);
      break;
    case PROP_FIRST_SEEN:
      g_value_set_int64 (value, self->record->first_seen_us);
      break;
    case PROP_LAST_SEEN:
      g_value_set_int64 (value, self->record->last_seen_us);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tess_device_finalize (GObject *object)
{
  tess_device_record_free (TESS_DEVICE (object)->record);

  G_OBJECT_CLASS (tess_device_parent_class)->finalize (object);
}

static void
tess_device_class_init (TessDeviceClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tess_device_get_property;
  object_class->finalize = tess_device_finalize;

  properties[PROP_ID] = g_param_spec_uint ("id", NULL, NULL, 0, G_MAXUINT, 0, flags);
  properties[PROP_FINGERPRINT] = g_param_spec_string ("fingerprint", NULL, NULL, NULL, flags);
  properties[PROP_TRUST] = g_param_spec_int ("trust", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_ACTIVE] = g_param_spec_boolean ("active", NULL, NULL, FALSE, flags);
  properties[PROP_OWN] = g_param_spec_boolean ("own", NULL, NULL, FALSE, flags);
  properties[PROP_LOCAL] = g_param_spec_boolean ("local", NULL, NULL, FALSE, flags);
  properties[PROP_KEY_ALARM] = g_param_spec_boolean ("key-alarm", NULL, NULL, FALSE, flags);
  properties[PROP_NO_BUNDLE] = g_param_spec_boolean ("no-bundle", NULL, NULL, FALSE, flags);
  properties[PROP_LABEL] = g_param_spec_string ("label", NULL, NULL, NULL, flags);
  properties[PROP_SOFTWARE] = g_param_spec_string ("software", NULL, NULL, NULL, flags);
  properties[PROP_FIRST_SEEN] =
      g_param_spec_int64 ("first-seen", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);
  properties[PROP_LAST_SEEN] =
      g_param_spec_int64 ("last-seen", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
tess_device_init (TessDevice *self)
{
}

TessDevice *
tess_device_new (const TessDeviceRecord *record)
{
  TessDevice *self;

  TESS_ASSERT_MAIN ();
  self = g_object_new (TESS_TYPE_DEVICE, NULL);
  self->record = tess_device_record_copy (record);
  return self;
}

void
tess_device_update (TessDevice *self, const TessDeviceRecord *record)
{
  g_autoptr (TessDeviceRecord) old = NULL;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (record->id == self->record->id);

  old = g_steal_pointer (&self->record);
  self->record = tess_device_record_copy (record);

  g_object_freeze_notify (G_OBJECT (self));
  if (g_strcmp0 (old->fingerprint, record->fingerprint) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FINGERPRINT]);
  if (old->trust != record->trust)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TRUST]);
  if (old->active != record->active)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ACTIVE]);
  if (old->own != record->own)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_OWN]);
  if (old->local != record->local)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LOCAL]);
  if (old->key_alarm != record->key_alarm)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_KEY_ALARM]);
  if (old->no_bundle != record->no_bundle)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NO_BUNDLE]);
  if (g_strcmp0 (old->label, record->label) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LABEL]);
  if (g_strcmp0 (old->software, record->software) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SOFTWARE]);
  if (old->first_seen_us != record->first_seen_us)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FIRST_SEEN]);
  if (old->last_seen_us != record->last_seen_us)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LAST_SEEN]);
  g_object_thaw_notify (G_OBJECT (self));
}

void
tess_device_set_trust (TessDevice *self, TessTrust trust)
{
  if (self->record->trust == trust)
    return;

  self->record->trust = trust;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TRUST]);
}

guint32
tess_device_get_id (TessDevice *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE (self), 0);

  return self->record->id;
}

const char *
tess_device_get_fingerprint (TessDevice *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE (self), NULL);

  return self->record->fingerprint;
}

TessTrust
tess_device_get_trust (TessDevice *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE (self), TESS_TRUST_UNDECIDED);

  return self->record->trust;
}

gboolean
tess_device_get_active (TessDevice *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE (self), FALSE);

  return self->record->active;
}

gboolean
tess_device_get_own (TessDevice *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE (self), FALSE);

  return self->record->own;
}

gboolean
tess_device_get_local (TessDevice *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE (self), FALSE);

  return self->record->local;
}

gboolean
tess_device_get_key_alarm (TessDevice *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE (self), FALSE);

  return self->record->key_alarm;
}

gint64
tess_device_get_first_seen (TessDevice *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE (self), 0);

  return self->record->first_seen_us;
}

gint64
tess_device_get_last_seen (TessDevice *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE (self), 0);

  return self->record->last_seen_us;
}

gboolean
tess_device_get_no_bundle (TessDevice *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE (self), FALSE);

  return self->record->no_bundle;
}

const char *
tess_device_get_label (TessDevice *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE (self), NULL);

  return self->record->label;
}

const char *
tess_device_get_software (TessDevice *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE (self), NULL);

  return self->record->software;
}
