/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-model"

#include "config.h"

#include "model/tess-account-private.h"

#include "base/tess-text.h"
#include "base/tess-thread.h"
#include "model/tess-contact-private.h"
#include "model/tess-device-list-private.h"
#include "model/tess-model-util.h"
#include "model/tess-keeping.h"

#include <glib/gi18n-lib.h>
#include <string.h>

enum
{
  PROP_0,
  PROP_ID,
  PROP_ADDRESS,
  PROP_NAME,
  PROP_ENABLED,
  PROP_CONNECTION,
  PROP_ERROR,
  PROP_ERROR_CODE,
  PROP_RETRY_TIME,
  PROP_TLS,
  PROP_SASL,
  PROP_SECURITY,
  PROP_RECORD,
  PROP_CONTACTS,
  PROP_MISSING,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

struct _TessAccount
{
  GObject parent_instance;
  TessEngine *engine;
  GObject *secrets; /* nullable */
  TessAccountRecord *record;
  char *name;
  TessConnection *connection;
  GListStore *contacts;    /* of TessContact */
  GHashTable *by_address;  /* address -> TessContact, owned by `contacts` */
  GPtrArray *device_lists; /* those that live, unowned */
  TessKeeping *keeping;
  TessMissing missing;
  gboolean started; /* the engine has been given what is kept of the credentials, or others */
};

G_DEFINE_FINAL_TYPE (TessAccount, tess_account, G_TYPE_OBJECT)

static void
tess_account_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  TessAccount *self = TESS_ACCOUNT (object);

  switch (prop_id)
    {
    case PROP_ID:
      g_value_set_int64 (value, self->record->id);
      break;
    case PROP_ADDRESS:
      g_value_set_string (value, self->record->address);
      break;
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_ENABLED:
      g_value_set_boolean (value, self->record->enabled);
      break;
    case PROP_CONNECTION:
      g_value_set_int (value, (int) self->connection->state);
      break;
    case PROP_ERROR:
      g_value_set_string (value, tess_account_get_error (self));
      break;
    case PROP_ERROR_CODE:
      g_value_set_int (value, tess_account_get_error_code (self));
      break;
    case PROP_RETRY_TIME:
      g_value_set_int64 (value, self->connection->retry_us);
      break;
    case PROP_TLS:
      g_value_set_string (value, self->connection->tls);
      break;
    case PROP_SASL:
      g_value_set_string (value, self->connection->sasl);
      break;
    case PROP_SECURITY:
      g_value_set_pointer (value, self->connection->security);
      break;
    case PROP_RECORD:
      g_value_set_pointer (value, self->record);
      break;
    case PROP_CONTACTS:
      g_value_set_object (value, self->contacts);
      break;
    case PROP_MISSING:
      g_value_set_pointer (value, &self->missing);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
device_list_gone_cb (gpointer user_data, GObject *list)
{
  TessAccount *self = user_data;

  g_ptr_array_remove_fast (self->device_lists, list);
}

static void
tess_account_dispose (GObject *object)
{
  TessAccount *self = TESS_ACCOUNT (object);

  for (guint i = 0; i < self->device_lists->len; i++)
    g_object_weak_unref (self->device_lists->pdata[i], device_list_gone_cb, self);
  g_ptr_array_set_size (self->device_lists, 0);
  g_clear_object (&self->engine);
  g_clear_object (&self->secrets);

  G_OBJECT_CLASS (tess_account_parent_class)->dispose (object);
}

static void
tess_account_finalize (GObject *object)
{
  TessAccount *self = TESS_ACCOUNT (object);

  g_ptr_array_unref (self->device_lists);
  g_hash_table_unref (self->by_address);
  g_object_unref (self->contacts);
  tess_account_record_free (self->record);
  tess_connection_free (self->connection);
  tess_keeping_free (self->keeping);
  g_free (self->name);

  G_OBJECT_CLASS (tess_account_parent_class)->finalize (object);
}

static void
tess_account_class_init (TessAccountClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tess_account_get_property;
  object_class->dispose = tess_account_dispose;
  object_class->finalize = tess_account_finalize;

  properties[PROP_ID] = g_param_spec_int64 ("id", NULL, NULL, 0, G_MAXINT64, 0, flags);
  properties[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, NULL, flags);
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  properties[PROP_ENABLED] = g_param_spec_boolean ("enabled", NULL, NULL, FALSE, flags);
  properties[PROP_CONNECTION] = g_param_spec_int ("connection", NULL, NULL, 0, G_MAXINT, 0, flags);
  properties[PROP_ERROR] = g_param_spec_string ("error", NULL, NULL, NULL, flags);
  properties[PROP_ERROR_CODE] =
      g_param_spec_int ("error-code", NULL, NULL, -1, G_MAXINT, -1, flags);
  properties[PROP_RETRY_TIME] =
      g_param_spec_int64 ("retry-time", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);
  properties[PROP_TLS] = g_param_spec_string ("tls", NULL, NULL, NULL, flags);
  properties[PROP_SASL] = g_param_spec_string ("sasl", NULL, NULL, NULL, flags);
  properties[PROP_SECURITY] = g_param_spec_pointer ("security", NULL, NULL, flags);
  properties[PROP_RECORD] = g_param_spec_pointer ("record", NULL, NULL, flags);
  properties[PROP_CONTACTS] =
      g_param_spec_object ("contacts", NULL, NULL, G_TYPE_LIST_MODEL, flags);
  properties[PROP_MISSING] = g_param_spec_pointer ("missing", NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
tess_account_init (TessAccount *self)
{
  self->contacts = g_list_store_new (TESS_TYPE_CONTACT);
  self->by_address = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->device_lists = g_ptr_array_new ();
  self->connection = tess_connection_new (TESS_CONNECTION_OFFLINE);
}

static void
notify (TessAccount *self, guint prop_id)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop_id]);
}

static gboolean
update_name (TessAccount *self)
{
  g_autofree char *name = tess_text_clean_name (self->record->name);

  return tess_model_set_string (&self->name, name != NULL ? name : self->record->address);
}

/* ---- What the engine says ---- */

TessAccount *
tess_account_new (TessEngine *engine, gpointer secrets, const TessAccountRecord *record)
{
  TessAccount *self;

  TESS_ASSERT_MAIN ();
  self = g_object_new (TESS_TYPE_ACCOUNT, NULL);
  self->engine = g_object_ref (engine);
  self->secrets = secrets != NULL ? g_object_ref (secrets) : NULL;
  self->record = tess_account_record_copy (record);
  self->keeping = tess_keeping_new (secrets, record->address);
  tess_keeping_set_keep_key (self->keeping, record->keep_key);
  update_name (self);
  return self;
}

void
tess_account_update (TessAccount *self, const TessAccountRecord *record)
{
  g_autoptr (TessAccountRecord) old = NULL;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (record->id == self->record->id);

  old = g_steal_pointer (&self->record);
  self->record = tess_account_record_copy (record);
  tess_keeping_set_keep_key (self->keeping, record->keep_key);

  g_object_freeze_notify (G_OBJECT (self));
  if (update_name (self))
    notify (self, PROP_NAME);
  if (old->enabled != record->enabled)
    notify (self, PROP_ENABLED);
  notify (self, PROP_RECORD);
  g_object_thaw_notify (G_OBJECT (self));
}

/* The certificate that an error is about is part of what it says. */
static gboolean
same_trouble (const GError *a, const GError *b)
{
  const TessCertificate *old = tess_engine_error_get_certificate (a);
  const TessCertificate *new = tess_engine_error_get_certificate (b);

  return g_strcmp0 (a != NULL ? a->message : NULL, b != NULL ? b->message : NULL) == 0 &&
         g_strcmp0 (old != NULL ? old->fingerprint : NULL, new != NULL ? new->fingerprint : NULL) == 0;
}

void
tess_account_take_missing (TessAccount *self, const TessEvent *event)
{
  TessMissing missing = { event->gaps, event->held, event->done, event->total };

  TESS_ASSERT_MAIN ();
  if (memcmp (&missing, &self->missing, sizeof missing) == 0)
    return;
  self->missing = missing;
  notify (self, PROP_MISSING);
}

const TessMissing *
tess_account_get_missing (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), NULL);

  return &self->missing;
}

void
tess_account_hold_missing (TessAccount *self, gboolean held)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));

  tess_engine_hold_catch_up (self->engine, self->record->id, held);
}

void
tess_account_take_connection (TessAccount *self, const TessConnection *connection)
{
  g_autoptr (TessConnection) old = NULL;
  int old_code = tess_account_get_error_code (self);

  TESS_ASSERT_MAIN ();
  old = g_steal_pointer (&self->connection);
  self->connection = tess_connection_copy (connection);

  g_object_freeze_notify (G_OBJECT (self));
  if (!same_trouble (old->error, connection->error))
    notify (self, PROP_ERROR);
  if (old_code != tess_account_get_error_code (self))
    notify (self, PROP_ERROR_CODE);
  if (old->retry_us != connection->retry_us)
    notify (self, PROP_RETRY_TIME);
  if (g_strcmp0 (old->tls, connection->tls) != 0)
    notify (self, PROP_TLS);
  if (g_strcmp0 (old->sasl, connection->sasl) != 0)
    notify (self, PROP_SASL);
  if (old->state != connection->state)
    notify (self, PROP_CONNECTION);
  if (old->security != NULL || connection->security != NULL)
    notify (self, PROP_SECURITY);
  g_object_thaw_notify (G_OBJECT (self));

  if (connection->state == TESS_CONNECTION_ONLINE)
    tess_keeping_worked (self->keeping, NULL, NULL);
  else if (tess_account_get_error_code (self) == TESS_ENGINE_ERROR_NOT_AUTHORIZED)
    tess_keeping_refused (self->keeping);
}

void
tess_account_take_news (TessAccount *self, const TessCredentials *news)
{
  TESS_ASSERT_MAIN ();
  tess_keeping_news (self->keeping, news);
}

void
tess_account_added (TessAccount *self, const TessCredentials *credentials, TessPasswordDoneFunc done, gpointer user_data)
{
  TESS_ASSERT_MAIN ();
  self->started = TRUE;
  tess_keeping_given (self->keeping, credentials, TRUE);
  tess_keeping_worked (self->keeping, done, user_data);
}

void
tess_account_start (TessAccount *self, const TessCredentials *kept)
{
  TESS_ASSERT_MAIN ();
  self->started = TRUE;
  if (tess_credentials_are_there (kept))
    tess_keeping_found (self->keeping);
  /* Without any the engine answers that it needs a password. */
  tess_engine_connect (self->engine, self->record->id, kept);
}

TessContact *
tess_account_take_contact (TessAccount *self, const TessContactRecord *record)
{
  TessContact *contact = tess_account_find_contact (self, record->address);

  TESS_ASSERT_MAIN ();
  if (contact != NULL)
    {
      tess_contact_update (contact, record);
      return contact;
    }

  contact = tess_contact_new (record);
  g_hash_table_insert (self->by_address, g_strdup (record->address), contact);
  g_list_store_append (self->contacts, contact);
  g_object_unref (contact);
  return contact;
}

void
tess_account_remove_contact (TessAccount *self, const char *address)
{
  TessContact *contact = tess_account_find_contact (self, address);
  guint position;

  TESS_ASSERT_MAIN ();
  if (contact == NULL)
    return;

  g_hash_table_remove (self->by_address, address);
  if (g_list_store_find (self->contacts, contact, &position))
    g_list_store_remove (self->contacts, position);
}

void
tess_account_take_devices (TessAccount *self, const char *address, GPtrArray *records)
{
  g_autoptr (GPtrArray) lists = tess_model_items_new ();

  TESS_ASSERT_MAIN ();
  /* Handlers may let a list go. */
  g_ptr_array_extend (lists, self->device_lists, (GCopyFunc) (void (*) (void)) g_object_ref, NULL);
  for (guint i = 0; i < lists->len; i++)
    if (g_str_equal (tess_device_list_get_address (lists->pdata[i]), address))
      tess_device_list_take (lists->pdata[i], records);
}

TessEngine *
tess_account_get_engine (TessAccount *self)
{
  return self->engine;
}

/* ---- What views know ---- */

gint64
tess_account_get_id (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), 0);

  return self->record->id;
}

const char *
tess_account_get_address (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), NULL);

  return self->record->address;
}

const char *
tess_account_get_name (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), NULL);

  return self->name;
}

gboolean
tess_account_get_enabled (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), FALSE);

  return self->record->enabled;
}

TessConnectionState
tess_account_get_connection (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), TESS_CONNECTION_OFFLINE);

  return self->connection->state;
}

const char *
tess_account_get_error (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), NULL);

  return self->connection->error != NULL ? self->connection->error->message : NULL;
}

int
tess_account_get_error_code (TessAccount *self)
{
  const GError *error;

  g_return_val_if_fail (TESS_IS_ACCOUNT (self), -1);

  error = self->connection->error;
  if (error == NULL)
    return -1;
  return error->domain == TESS_ENGINE_ERROR ? error->code : (int) TESS_ENGINE_ERROR_CONNECTION;
}

gint64
tess_account_get_retry_time (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), 0);

  return self->connection->retry_us;
}

const char *
tess_account_get_tls (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), NULL);

  return self->connection->tls;
}

const char *
tess_account_get_sasl (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), NULL);

  return self->connection->sasl;
}

gboolean
tess_account_get_resumed (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), FALSE);

  return self->connection->resumed;
}

const TessSecurityRecord *
tess_account_get_security (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), NULL);

  return self->connection->security;
}

const TessCertificate *
tess_account_get_certificate (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), NULL);

  return tess_engine_error_get_certificate (self->connection->error);
}

const TessAccountRecord *
tess_account_get_record (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), NULL);

  return self->record;
}

gboolean
tess_account_get_alarm (TessAccount *self)
{
  switch (tess_account_get_error_code (self))
    {
    case TESS_ENGINE_ERROR_CERTIFICATE_CHANGED:
    case TESS_ENGINE_ERROR_SERVER_UNPROVEN:
    case TESS_ENGINE_ERROR_WEAKENED:
      return TRUE;
    default:
      return FALSE;
    }
}

GListModel *
tess_account_get_contacts (TessAccount *self)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), NULL);

  return G_LIST_MODEL (self->contacts);
}

TessContact *
tess_account_find_contact (TessAccount *self, const char *address)
{
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), NULL);

  return g_hash_table_lookup (self->by_address, address);
}

/* ---- What a person does ---- */

void
tess_account_connect (TessAccount *self, const TessCredentials *credentials, gboolean keep)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));

  if (credentials != NULL)
    {
      self->started = TRUE;
      tess_keeping_given (self->keeping, credentials, keep);
    }
  tess_engine_connect (self->engine, self->record->id, credentials);
}

void
tess_account_disconnect (TessAccount *self)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));

  tess_engine_disconnect (self->engine, self->record->id);
}

static void
updated_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!tess_engine_update_account_finish (TESS_ENGINE (source), result, &error))
    g_debug ("An account could not be changed: %s", error->message);
}

/* The next change must not undo this one, so it is remembered before the engine says so. @record:
 * (transfer full) */
static void
change (TessAccount *self, TessAccountRecord *record)
{
  tess_engine_update_account_async (self->engine, record, NULL, updated_cb, NULL);
  tess_account_update (self, record);
  tess_account_record_free (record);
}

static void
found_cb (const TessCredentials *kept, gpointer user_data)
{
  g_autoptr (TessAccount) self = user_data;

  if (self->engine != NULL && self->record->enabled)
    tess_account_start (self, kept);
}

/* One that was paused when the program started has been given nothing yet. */
static void
resume (TessAccount *self)
{
  if (self->started)
    tess_engine_connect (self->engine, self->record->id, NULL);
  else
    tess_passwords_lookup (self->secrets, self->record->address, found_cb, g_object_ref (self));
}

void
tess_account_set_enabled (TessAccount *self, gboolean enabled)
{
  TessAccountRecord *record;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));

  if (self->record->enabled == !!enabled)
    return;

  record = tess_account_record_copy (self->record);
  record->enabled = !!enabled;
  change (self, record);
  if (enabled)
    resume (self);
  else
    tess_engine_disconnect (self->engine, self->record->id);
}

void
tess_account_set_server (TessAccount *self, const char *host, guint16 port, TessAccountTls tls)
{
  TessAccountRecord *record;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));

  if (g_strcmp0 (self->record->host, host) == 0 && self->record->port == port &&
      self->record->tls == tls)
    return;

  record = tess_account_record_copy (self->record);
  tess_model_set_string (&record->host, host);
  record->port = port;
  record->tls = tls;
  change (self, record);
}

typedef struct
{
  TessAccountRecord *before;
  TessAccountRecord *record;
  gboolean connect;
} Change;

static void
change_free (gpointer data)
{
  Change *self = data;

  tess_account_record_free (self->before);
  tess_account_record_free (self->record);
  g_free (self);
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  TessAccount *self = g_task_get_source_object (task);
  Change *change = g_task_get_task_data (task);

  if (tess_engine_update_account_finish (TESS_ENGINE (source), result, &error))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    tess_account_update (self, change->before);
  g_task_return_error (task, g_steal_pointer (&error));
}

/* Takes the task. */
static void
change_now (GTask *task, const TessCredentials *credentials)
{
  TessAccount *self = g_task_get_source_object (task);
  Change *change = g_task_get_task_data (task);
  gboolean connect = change->connect;

  tess_account_update (self, change->record);
  tess_engine_update_account_async (self->engine, change->record, g_task_get_cancellable (task), changed_cb, task);
  if (connect)
    tess_engine_connect (self->engine, self->record->id, credentials);
}

/* (transfer full) */
static GTask *
change_new (TessAccount *self,
            const TessAccountRecord *record,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Change *change = g_new0 (Change, 1);

  change->before = tess_account_record_copy (self->record);
  change->record = tess_account_record_copy (record);
  g_task_set_source_tag (task, tess_account_change_async);
  g_task_set_task_data (task, change, change_free);
  return task;
}

void
tess_account_change_async (TessAccount *self,
                           const TessAccountRecord *record,
                           const TessCredentials *credentials,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task;
  Change *change;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));
  g_return_if_fail (record->id == self->record->id);

  task = change_new (self, record, cancellable, callback, user_data);
  change = g_task_get_task_data (task);
  change->connect = credentials != NULL && record->enabled;
  if (credentials != NULL)
    tess_keeping_news (self->keeping, credentials);
  change_now (task, credentials);
}

void
tess_account_trust_certificate_async (TessAccount *self,
                                      const char *fingerprint,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data)
{
  const TessCertificate *certificate;
  g_autoptr (TessAccountRecord) record = NULL;
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));

  certificate = tess_account_get_certificate (self);
  record = tess_account_record_copy (self->record);
  if (certificate == NULL || g_strcmp0 (certificate->fingerprint, fingerprint) != 0)
    {
      g_task_report_new_error (self, callback, user_data, tess_account_change_async, TESS_ENGINE_ERROR,
                               TESS_ENGINE_ERROR_CERTIFICATE_CHANGED, "%s",
                               _ ("The server shows another certificate by now. Look at that one first."));
      return;
    }

  if (certificate->faults == TESS_CERTIFICATE_OTHER_KEY)
    {
      /* It can be verified, only its key is another one: it is learned anew. Turning it off forgets the old one. */
      record->remember_key = FALSE;
      tess_engine_update_account_async (self->engine, record, NULL, updated_cb, NULL);
      record->remember_key = TRUE;
    }
  else
    tess_model_set_string (&record->pin, fingerprint);

  task = change_new (self, record, cancellable, callback, user_data);
  ((Change *) g_task_get_task_data (task))->connect = TRUE;
  change_now (task, NULL);
}

void
tess_account_accept_weaker_async (TessAccount *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (TessAccountRecord) record = NULL;
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));

  record = tess_account_record_copy (self->record);
  record->binding_seen = FALSE;
  task = change_new (self, record, cancellable, callback, user_data);
  ((Change *) g_task_get_task_data (task))->connect = TRUE;
  change_now (task, NULL);
}

gboolean
tess_account_change_finish (TessAccount *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
contact_changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  if (tess_engine_change_contact_finish (TESS_ENGINE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
tess_account_change_contact_async (TessAccount *self,
                                   const char *address,
                                   int action,
                                   const char *name,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_account_change_contact_async);
  tess_engine_change_contact_async (self->engine, self->record->id, address,
                                    (TessContactAction) action, name, cancellable,
                                    contact_changed_cb, task);
}

gboolean
tess_account_change_contact_finish (TessAccount *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

TessDeviceList *
tess_account_get_devices (TessAccount *self, const char *address)
{
  TessDeviceList *list;

  TESS_ASSERT_MAIN ();
  g_return_val_if_fail (TESS_IS_ACCOUNT (self), NULL);

  list = tess_device_list_new (self->engine, self->record->id,
                               address != NULL ? address : self->record->address);
  g_ptr_array_add (self->device_lists, list);
  g_object_weak_ref (G_OBJECT (list), device_list_gone_cb, self);
  return list;
}

static void
uri_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  char *uri = tess_engine_load_uri_finish (TESS_ENGINE (source), result, &error);

  if (uri != NULL)
    g_task_return_pointer (task, uri, g_free);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
tess_account_load_uri_async (TessAccount *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_account_load_uri_async);
  tess_engine_load_uri_async (self->engine, self->record->id, cancellable, uri_loaded_cb, task);
}

char *
tess_account_load_uri_finish (TessAccount *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
keys_reset_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (tess_engine_reset_keys_finish (TESS_ENGINE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
tess_account_reset_keys_async (TessAccount *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_account_reset_keys_async);
  tess_engine_reset_keys_async (self->engine, self->record->id, cancellable, keys_reset_cb, task);
}

gboolean
tess_account_reset_keys_finish (TessAccount *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
archiving_loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  TessArchiving archiving;

  if (tess_engine_load_archiving_finish (TESS_ENGINE (source), result, &archiving, &error))
    g_task_return_int (task, archiving);
  else
    g_task_return_error (task, error);
}

void
tess_account_load_archiving_async (TessAccount *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_account_load_archiving_async);
  tess_engine_load_archiving_async (self->engine, self->record->id, cancellable, archiving_loaded_cb, task);
}

gboolean
tess_account_load_archiving_finish (TessAccount *self, GAsyncResult *result, TessArchiving *archiving, GError **error)
{
  gssize value;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  value = g_task_propagate_int (G_TASK (result), error);
  if (value < 0)
    return FALSE;
  *archiving = (TessArchiving) value;
  return TRUE;
}

static void
archiving_set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (tess_engine_set_archiving_finish (TESS_ENGINE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
tess_account_set_archiving_async (
    TessAccount *self, TessArchiving archiving, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_ACCOUNT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_account_set_archiving_async);
  tess_engine_set_archiving_async (self->engine, self->record->id, archiving, cancellable, archiving_set_cb, task);
}

gboolean
tess_account_set_archiving_finish (TessAccount *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
