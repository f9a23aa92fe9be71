/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-engine"

#include "config.h"

#include "engine/tess-engine-private.h"

/* The requests about devices and the trust in them. */

void
tess_engine_load_devices_async (TessEngine *self,
                                gint64 account_id,
                                const char *address,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  ASK (tess_engine_account_request (TESS_REQUEST_LOAD_DEVICES, account_id, address),
       tess_engine_load_devices_async);
}

GPtrArray *
tess_engine_load_devices_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE (array, tess_engine_load_devices_async);
}

void
tess_engine_set_trust_async (TessEngine *self,
                             gint64 account_id,
                             const char *address,
                             guint32 device,
                             TessTrust trust,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  TessRequest *request = tess_engine_account_request (TESS_REQUEST_SET_TRUST, account_id, address);

  request->device = device;
  request->number = trust;
  ASK (request, tess_engine_set_trust_async);
}

gboolean
tess_engine_set_trust_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE_SUCCESS (tess_engine_set_trust_async);
}

void
tess_engine_load_uri_async (TessEngine *self,
                            gint64 account_id,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  ASK (tess_engine_account_request (TESS_REQUEST_LOAD_URI, account_id, NULL), tess_engine_load_uri_async);
}

char *
tess_engine_load_uri_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE (string, tess_engine_load_uri_async);
}

void
tess_engine_restore_trust_async (TessEngine *self,
                                 gint64 account_id,
                                 const char *address,
                                 GPtrArray *before,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  TessRequest *request = tess_engine_account_request (TESS_REQUEST_RESTORE_TRUST, account_id, address);

  request->devices = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_device_record_free);
  for (guint i = 0; i < before->len; i++)
    g_ptr_array_add (request->devices, tess_device_record_copy (g_ptr_array_index (before, i)));
  ASK (request, tess_engine_restore_trust_async);
}

gboolean
tess_engine_restore_trust_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE_SUCCESS (tess_engine_restore_trust_async);
}

void
tess_engine_verify_async (TessEngine *self,
                          gint64 account_id,
                          const char *address,
                          const char *code,
                          TessVerify how,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  TessRequest *request = tess_engine_account_request (TESS_REQUEST_VERIFY, account_id, address);

  request->text = g_strdup (code);
  request->number = how;
  ASK (request, tess_engine_verify_async);
}

TessVerificationRecord *
tess_engine_verify_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE (verification, tess_engine_verify_async);
}

void
tess_engine_change_device_async (TessEngine *self,
                                 gint64 account_id,
                                 const char *address,
                                 guint32 device,
                                 TessDeviceAction action,
                                 const char *label,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  TessRequest *request = tess_engine_account_request (TESS_REQUEST_CHANGE_DEVICE, account_id, address);

  request->device = device;
  request->number = action;
  request->text = g_strdup (label);
  ASK (request, tess_engine_change_device_async);
}

gboolean
tess_engine_change_device_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE_SUCCESS (tess_engine_change_device_async);
}

void
tess_engine_reset_keys_async (TessEngine *self,
                              gint64 account_id,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  ASK (tess_engine_account_request (TESS_REQUEST_RESET_KEYS, account_id, NULL), tess_engine_reset_keys_async);
}

gboolean
tess_engine_reset_keys_finish (TessEngine *self, GAsyncResult *result, GError **error)
{
  TAKE_SUCCESS (tess_engine_reset_keys_async);
}

void
tess_engine_set_blind (TessEngine *self, gint64 conversation_id, TessBlind blind)
{
  TessRequest *request = tess_engine_conversation_request (TESS_REQUEST_SET_BLIND, conversation_id);

  request->number = blind;
  tess_engine_post (self, request);
}
