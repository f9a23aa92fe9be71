/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-model"

#include "config.h"

#include "model/tess-contact-private.h"

#include "base/tess-color.h"
#include "base/tess-text.h"
#include "base/tess-thread.h"
#include "model/tess-model-util.h"

#include <string.h>

enum
{
  PROP_0,
  PROP_ADDRESS,
  PROP_NAME,
  PROP_COLOR,
  PROP_PRESENCE,
  PROP_STATUS,
  PROP_SUBSCRIPTION,
  PROP_IN_ROSTER,
  PROP_ASKS,
  PROP_ASKED,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

struct _TessContact
{
  GObject parent_instance;
  TessContactRecord *record;
  char *name;
  char *status;
  guint color;
};

G_DEFINE_FINAL_TYPE (TessContact, tess_contact, G_TYPE_OBJECT)

static void
tess_contact_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  TessContact *self = TESS_CONTACT (object);

  switch (prop_id)
    {
    case PROP_ADDRESS:
      g_value_set_string (value, self->record->address);
      break;
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_COLOR:
      g_value_set_uint (value, self->color);
      break;
    case PROP_PRESENCE:
      g_value_set_int (value, (int) self->record->presence);
      break;
    case PROP_STATUS:
      g_value_set_string (value, self->status);
      break;
    case PROP_SUBSCRIPTION:
      g_value_set_int (value, (int) self->record->subscription);
      break;
    case PROP_IN_ROSTER:
      g_value_set_boolean (value, self->record->in_roster);
      break;
    case PROP_ASKS:
      g_value_set_boolean (value, self->record->asks);
      break;
    case PROP_ASKED:
      g_value_set_boolean (value, self->record->asked);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tess_contact_finalize (GObject *object)
{
  TessContact *self = TESS_CONTACT (object);

  tess_contact_record_free (self->record);
  g_free (self->name);
  g_free (self->status);

  G_OBJECT_CLASS (tess_contact_parent_class)->finalize (object);
}

static void
tess_contact_class_init (TessContactClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tess_contact_get_property;
  object_class->finalize = tess_contact_finalize;

  properties[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, NULL, flags);
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  properties[PROP_COLOR] = g_param_spec_uint ("color", NULL, NULL, 0, 0xffffff, 0, flags);
  properties[PROP_PRESENCE] = g_param_spec_int ("presence", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_STATUS] = g_param_spec_string ("status", NULL, NULL, NULL, flags);
  properties[PROP_SUBSCRIPTION] =
      g_param_spec_int ("subscription", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_IN_ROSTER] = g_param_spec_boolean ("in-roster", NULL, NULL, FALSE, flags);
  properties[PROP_ASKS] = g_param_spec_boolean ("asks", NULL, NULL, FALSE, flags);
  properties[PROP_ASKED] = g_param_spec_boolean ("asked", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
tess_contact_init (TessContact *self)
{
}

char *
tess_contact_name_for_address (const char *address)
{
  const char *at = strchr (address, '@');
  g_autofree char *local = at != NULL ? g_strndup (address, (gsize) (at - address)) : NULL;
  char *name = tess_text_clean_name (local);

  return name != NULL ? name : g_strdup (address);
}

/* The record's strings come from others: what is shown is cleaned. Returns whether the name has
 * changed. */
static gboolean
update_name (TessContact *self)
{
  g_autofree char *name = tess_text_clean_name (self->record->name);

  if (name == NULL)
    name = tess_contact_name_for_address (self->record->address);
  return tess_model_set_string (&self->name, name);
}

static gboolean
update_status (TessContact *self)
{
  g_autofree char *status = tess_text_clean_name (self->record->status);

  return tess_model_set_string (&self->status, status);
}

TessContact *
tess_contact_new (const TessContactRecord *record)
{
  TessContact *self;

  TESS_ASSERT_MAIN ();
  self = g_object_new (TESS_TYPE_CONTACT, NULL);
  self->record = tess_contact_record_copy (record);
  self->color = tess_color_for_text (record->address);
  update_name (self);
  update_status (self);
  return self;
}

void
tess_contact_update (TessContact *self, const TessContactRecord *record)
{
  g_autoptr (TessContactRecord) old = NULL;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (g_str_equal (record->address, self->record->address));

  old = g_steal_pointer (&self->record);
  self->record = tess_contact_record_copy (record);

  g_object_freeze_notify (G_OBJECT (self));
  if (update_name (self))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NAME]);
  if (update_status (self))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATUS]);
  if (old->presence != record->presence)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PRESENCE]);
  if (old->subscription != record->subscription)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SUBSCRIPTION]);
  if (old->in_roster != record->in_roster)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_IN_ROSTER]);
  if (old->asks != record->asks)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ASKS]);
  if (old->asked != record->asked)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ASKED]);
  g_object_thaw_notify (G_OBJECT (self));
}

const char *
tess_contact_get_address (TessContact *self)
{
  g_return_val_if_fail (TESS_IS_CONTACT (self), NULL);

  return self->record->address;
}

const char *
tess_contact_get_name (TessContact *self)
{
  g_return_val_if_fail (TESS_IS_CONTACT (self), NULL);

  return self->name;
}

guint
tess_contact_get_color (TessContact *self)
{
  g_return_val_if_fail (TESS_IS_CONTACT (self), 0);

  return self->color;
}

TessPresence
tess_contact_get_presence (TessContact *self)
{
  g_return_val_if_fail (TESS_IS_CONTACT (self), TESS_PRESENCE_OFFLINE);

  return self->record->presence;
}

const char *
tess_contact_get_status (TessContact *self)
{
  g_return_val_if_fail (TESS_IS_CONTACT (self), NULL);

  return self->status;
}

TessSubscription
tess_contact_get_subscription (TessContact *self)
{
  g_return_val_if_fail (TESS_IS_CONTACT (self), TESS_SUBSCRIPTION_NONE);

  return self->record->subscription;
}

gboolean
tess_contact_get_in_roster (TessContact *self)
{
  g_return_val_if_fail (TESS_IS_CONTACT (self), FALSE);

  return self->record->in_roster;
}

gboolean
tess_contact_get_asks (TessContact *self)
{
  g_return_val_if_fail (TESS_IS_CONTACT (self), FALSE);

  return self->record->asks;
}

gboolean
tess_contact_get_asked (TessContact *self)
{
  g_return_val_if_fail (TESS_IS_CONTACT (self), FALSE);

  return self->record->asked;
}
