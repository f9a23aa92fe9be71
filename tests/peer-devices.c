/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-peer"

#include "config.h"

#include "peer-private.h"

#include "scan/tess-scan-picture.h"

/* Devices, and the trust in them. */

static void
print_devices (Peer *self, GListModel *devices)
{
  JsonBuilder *json = peer_begin_reply (self);

  json_builder_set_member_name (json, "devices");
  json_builder_begin_array (json);
  for (guint i = 0; i < g_list_model_get_n_items (devices); i++)
    {
      g_autoptr (TessDevice) device = g_list_model_get_item (devices, i);
      TessDeviceRecord record = {
        .id = tess_device_get_id (device),
        .fingerprint = (char *) tess_device_get_fingerprint (device),
        .trust = tess_device_get_trust (device),
        .own = tess_device_get_own (device),
        .local = tess_device_get_local (device),
        .active = tess_device_get_active (device),
        .key_alarm = tess_device_get_key_alarm (device),
        .no_bundle = tess_device_get_no_bundle (device),
        .label = (char *) tess_device_get_label (device),
        .software = (char *) tess_device_get_software (device),
        .first_seen_us = tess_device_get_first_seen (device),
        .last_seen_us = tess_device_get_last_seen (device),
      };

      peer_put_device (json, &record);
    }
  json_builder_end_array (json);
  peer_succeed_with (self, json);
}

static void
print_fingerprint (Peer *self, GListModel *devices)
{
  g_autoptr (TessDevice) device = g_list_model_get_item (devices, 0);
  JsonBuilder *json;

  if (device == NULL || !tess_device_get_local (device))
    {
      peer_fail (self, "This device has no key yet; log in first.");
      return;
    }

  json = peer_begin_reply (self);
  peer_put_string (json, "account", tess_device_list_get_address (self->devices));
  peer_put_int (json, "device", tess_device_get_id (device));
  peer_put_string (json, "fingerprint", tess_device_get_fingerprint (device));
  peer_succeed_with (self, json);
}

static void
trust_set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = tess_device_list_set_trust_finish (TESS_DEVICE_LIST (source), result, &error);

  peer_answer_done (user_data, done, error);
}

int
peer_find_word (const char *const *words, const char *word)
{
  for (int i = 0; words[i] != NULL; i++)
    if (g_str_equal (words[i], word))
      return i;

  return -1;
}

/* (nullable): what @text numbers; says so when there is none. */
static TessDevice *
find_device (Peer *self, const char *text)
{
  GListModel *devices = G_LIST_MODEL (self->devices);

  for (guint i = 0; i < g_list_model_get_n_items (devices); i++)
    {
      g_autoptr (TessDevice) device = g_list_model_get_item (devices, i);
      g_autofree char *id = g_strdup_printf ("%u", tess_device_get_id (device));

      if (g_str_equal (id, text))
        return g_steal_pointer (&device);
    }
  peer_fail (self, "There is no such device.");
  return NULL;
}

static void
set_trust (Peer *self)
{
  int trust = peer_find_word (peer_trusts, self->words[3]);
  g_autoptr (TessDevice) device = find_device (self, self->words[2]);

  if (device != NULL)
    tess_device_list_set_trust_async (self->devices, device, (TessTrust) trust, NULL, trust_set_cb, self);
}

/* ---- One device ---- */

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = tess_device_list_change_finish (TESS_DEVICE_LIST (source), result, &error);

  peer_answer_done (user_data, done, error);
}

static void
change_device (Peer *self, const char *id, TessDeviceAction action, const char *label)
{
  g_autoptr (TessDevice) device = find_device (self, id);

  if (device != NULL)
    tess_device_list_change_async (self->devices, device, action, label, NULL, changed_cb, self);
}

/* ---- Codes ---- */

static const char *const checks[] = { "matches", "verified", "distrusted", "unknown", "differs", "local", NULL };
static const char *const outcomes[] = { "foreign", "mismatch", "matches", "unknown", "distrusted", "nothing", NULL };
static const char *const ways[] = { "look", "scanned", "adopt", NULL };

static void
verified_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TessVerificationRecord) verification = tess_device_list_verify_finish (TESS_DEVICE_LIST (source), result, &error);
  JsonBuilder *json;

  if (self->stopping)
    return;
  if (verification == NULL)
    {
      peer_fail (self, error->message);
      return;
    }
  json = peer_begin_reply (self);
  peer_put_string (json, "outcome", outcomes[verification->outcome]);
  peer_put_string (json, "jid", verification->address);
  peer_put_boolean (json, "asked", verification->asked);
  peer_put_boolean (json, "applied", verification->applied);
  json_builder_set_member_name (json, "devices");
  json_builder_begin_array (json);
  for (guint i = 0; i < verification->devices->len; i++)
    {
      const TessCheckedDevice *checked = g_ptr_array_index (verification->devices, i);

      json_builder_begin_object (json);
      peer_put_int (json, "id", checked->id);
      peer_put_string (json, "fingerprint", checked->fingerprint);
      peer_put_string (json, "check", checks[checked->check]);
      json_builder_end_object (json);
    }
  json_builder_end_array (json);
  peer_succeed_with (self, json);
}

static void
verify (Peer *self)
{
  TessVerify how = self->words[3] != NULL ? (TessVerify) peer_find_word (ways, self->words[3]) : TESS_VERIFY_SCANNED;

  tess_device_list_verify_async (self->devices, self->words[2], how, NULL, verified_cb, self);
}

static void
devices_loaded_cb (Peer *self)
{
  g_clear_signal_handler (&self->devices_handler, self->devices);
  if (peer_running (self, "devices"))
    print_devices (self, G_LIST_MODEL (self->devices));
  else if (peer_running (self, "trust"))
    set_trust (self);
  else if (peer_running (self, "verify"))
    verify (self);
  else if (peer_running (self, "rename"))
    change_device (self, self->words[2], TESS_DEVICE_RENAME, self->words[3]);
  else if (peer_running (self, "reset"))
    change_device (self, self->words[2], TESS_DEVICE_RESET_SESSION, NULL);
  else if (peer_running (self, "remove"))
    change_device (self, self->words[1], TESS_DEVICE_REMOVE, NULL);
  else
    print_fingerprint (self, G_LIST_MODEL (self->devices));
}

/* @text: (nullable): NULL for the own devices */
static void
load_devices (Peer *self, const char *text)
{
  TessAccount *account = peer_current_account (self);
  g_autoptr (GError) error = NULL;

  if (account == NULL)
    peer_fail (self, "There is no account yet; log in first.");
  else if (text != NULL && !tess_engine_check_address (text, &self->address, &error))
    peer_fail (self, error->message);
  else
    {
      self->devices = tess_account_get_devices (account, self->address);
      self->devices_handler = g_signal_connect_swapped (self->devices, "notify::loading",
                                                        G_CALLBACK (devices_loaded_cb), self);
    }
}

void
peer_run_devices (Peer *self, char **words)
{
  load_devices (self, words[0]);
}

void
peer_run_trust (Peer *self, char **words)
{
  if (peer_find_word (peer_trusts, words[2]) < 0)
    peer_fail (self, "Say verified, trusted, undecided or distrusted.");
  else
    load_devices (self, words[0]);
}

void
peer_run_verify (Peer *self, char **words)
{
  if (words[2] != NULL && peer_find_word (ways, words[2]) < 0)
    peer_fail (self, "Say look, scanned or adopt.");
  else
    load_devices (self, words[0]);
}

void
peer_run_rename (Peer *self, char **words)
{
  load_devices (self, words[0]);
}

void
peer_run_reset (Peer *self, char **words)
{
  load_devices (self, words[0]);
}

void
peer_run_remove_device (Peer *self, char **words)
{
  load_devices (self, NULL);
}

static void
keys_reset_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean done = tess_account_reset_keys_finish (TESS_ACCOUNT (source), result, &error);

  peer_answer_done (user_data, done, error);
}

void
peer_run_reset_keys (Peer *self, char **words)
{
  TessAccount *account = peer_current_account (self);

  if (account != NULL)
    tess_account_reset_keys_async (account, NULL, keys_reset_cb, self);
  else
    peer_fail (self, "There is no account yet; log in first.");
}

void
peer_run_fingerprint (Peer *self, char **words)
{
  load_devices (self, NULL);
}

static void
uri_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = tess_account_load_uri_finish (TESS_ACCOUNT (source), result, &error);
  JsonBuilder *json;

  if (self->stopping)
    return;
  if (uri == NULL)
    {
      peer_fail (self, error->message);
      return;
    }

  json = peer_begin_reply (self);
  peer_put_string (json, "uri", uri);
  peer_succeed_with (self, json);
}

void
peer_run_uri (Peer *self, char **words)
{
  TessAccount *account = peer_current_account (self);

  if (account != NULL)
    tess_account_load_uri_async (account, NULL, uri_loaded_cb, self);
  else
    peer_fail (self, "There is no account yet; log in first.");
}

static void
scanned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Peer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) texts = tess_scan_picture_finish (result, &error);
  JsonBuilder *json;

  if (self->stopping)
    return;
  if (texts == NULL)
    {
      peer_fail (self, error->message);
      return;
    }
  json = peer_begin_reply (self);
  json_builder_set_member_name (json, "codes");
  json_builder_begin_array (json);
  for (char **text = texts; *text != NULL; text++)
    json_builder_add_string_value (json, *text);
  json_builder_end_array (json);
  peer_succeed_with (self, json);
}

void
peer_run_scan (Peer *self, char **words)
{
  g_autoptr (GFile) file = g_file_new_for_path (words[0]);

  tess_scan_file_async (file, NULL, scanned_cb, self);
}
