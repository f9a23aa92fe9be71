/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-event.h"

TessEvent *
tess_event_new (TessEventType type, gint64 account_id)
{
  TessEvent *self = g_new0 (TessEvent, 1);

  self->type = type;
  self->account_id = account_id;
  return self;
}

void
tess_event_free (TessEvent *self)
{
  if (self == NULL)
    return;

  g_free (self->address);
  tess_account_record_free (self->account);
  tess_contact_record_free (self->contact);
  tess_conversation_record_free (self->conversation);
  tess_connection_free (self->connection);
  tess_credentials_free (self->credentials);
  g_clear_pointer (&self->messages, g_ptr_array_unref);
  g_clear_pointer (&self->devices, g_ptr_array_unref);
  g_clear_error (&self->error);
  g_free (self);
}

TessConnection *
tess_connection_new (TessConnectionState state)
{
  TessConnection *self = g_new0 (TessConnection, 1);

  self->state = state;
  return self;
}

TessConnection *
tess_connection_copy (const TessConnection *self)
{
  TessConnection *copy = g_memdup2 (self, sizeof *self);

  if (self->error != NULL)
    copy->error = g_error_copy (self->error);
  copy->tls = g_strdup (self->tls);
  copy->sasl = g_strdup (self->sasl);
  copy->security = tess_security_record_copy (self->security);
  return copy;
}

void
tess_connection_free (TessConnection *self)
{
  if (self == NULL)
    return;

  g_clear_error (&self->error);
  g_free (self->tls);
  g_free (self->sasl);
  tess_security_record_free (self->security);
  g_free (self);
}
