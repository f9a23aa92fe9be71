/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-request.h"

TessRequest *
tess_request_new (TessRequestType type)
{
  TessRequest *self = g_new0 (TessRequest, 1);

  self->type = type;
  return self;
}

void
tess_request_free (TessRequest *self)
{
  if (self == NULL)
    return;

  tess_credentials_free (self->credentials);
  tess_account_record_free (self->account);
  g_free (self->address);
  g_free (self->text);
  tess_credentials_set (&self->secret, NULL);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_pointer (&self->devices, g_ptr_array_unref);
  g_free (self);
}

TessReply *
tess_reply_new (guint64 id)
{
  TessReply *self = g_new0 (TessReply, 1);

  self->id = id;
  return self;
}

TessReply *
tess_reply_new_error (guint64 id, GError *error)
{
  TessReply *self = tess_reply_new (id);

  self->error = error;
  return self;
}

void
tess_reply_free (TessReply *self)
{
  if (self == NULL)
    return;

  g_clear_error (&self->error);
  tess_account_record_free (self->account);
  tess_conversation_record_free (self->conversation);
  tess_message_record_free (self->message);
  g_clear_pointer (&self->array, g_ptr_array_unref);
  g_free (self->string);
  tess_verification_record_free (self->verification);
  tess_credentials_free (self->credentials);
  tess_certificate_free (self->certificate);
  g_free (self);
}
