/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-model"

#include "config.h"

#include "model/tess-device-list-private.h"

#include "base/tess-thread.h"
#include "model/tess-device-private.h"
#include "model/tess-model-util.h"

enum
{
  PROP_0,
  PROP_ADDRESS,
  PROP_LOADING,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

struct _TessDeviceList
{
  GObject parent_instance;
  TessEngine *engine;
  gint64 account_id;
  char *address;
  GPtrArray *items; /* of TessDevice */
  gboolean loading;
  GCancellable *cancellable;
};

static GType
tess_device_list_get_item_type (GListModel *model)
{
  return TESS_TYPE_DEVICE;
}

static guint
tess_device_list_get_n_items (GListModel *model)
{
  return TESS_DEVICE_LIST (model)->items->len;
}

static gpointer
tess_device_list_get_item (GListModel *model, guint position)
{
  TessDeviceList *self = TESS_DEVICE_LIST (model);

  return position < self->items->len ? g_object_ref (self->items->pdata[position]) : NULL;
}

static void
list_model_iface_init (GListModelInterface *iface)
{
  iface->get_item_type = tess_device_list_get_item_type;
  iface->get_n_items = tess_device_list_get_n_items;
  iface->get_item = tess_device_list_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TessDeviceList,
                               tess_device_list,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_iface_init))

static void
tess_device_list_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  TessDeviceList *self = TESS_DEVICE_LIST (object);

  switch (prop_id)
    {
    case PROP_ADDRESS:
      g_value_set_string (value, self->address);
      break;
    case PROP_LOADING:
      g_value_set_boolean (value, self->loading);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tess_device_list_dispose (GObject *object)
{
  TessDeviceList *self = TESS_DEVICE_LIST (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->engine);

  G_OBJECT_CLASS (tess_device_list_parent_class)->dispose (object);
}

static void
tess_device_list_finalize (GObject *object)
{
  TessDeviceList *self = TESS_DEVICE_LIST (object);

  g_ptr_array_unref (self->items);
  g_free (self->address);

  G_OBJECT_CLASS (tess_device_list_parent_class)->finalize (object);
}

static void
tess_device_list_class_init (TessDeviceListClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tess_device_list_get_property;
  object_class->dispose = tess_device_list_dispose;
  object_class->finalize = tess_device_list_finalize;

  properties[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, NULL, flags);
  properties[PROP_LOADING] = g_param_spec_boolean ("loading", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
tess_device_list_init (TessDeviceList *self)
{
  self->items = tess_model_items_new ();
  self->cancellable = g_cancellable_new ();
}

static void
set_loading (TessDeviceList *self, gboolean loading)
{
  if (self->loading == loading)
    return;

  self->loading = loading;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LOADING]);
}

static void
loaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records = NULL;
  TessDeviceList *self;

  records = tess_engine_load_devices_finish (TESS_ENGINE (source), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* the list is gone */

  self = user_data;
  if (records != NULL)
    tess_device_list_take (self, records);
  else
    g_debug ("The devices of %s could not be loaded: %s", self->address, error->message);
  set_loading (self, FALSE);
}

TessDeviceList *
tess_device_list_new (TessEngine *engine, gint64 account_id, const char *address)
{
  TessDeviceList *self;

  TESS_ASSERT_MAIN ();
  self = g_object_new (TESS_TYPE_DEVICE_LIST, NULL);
  self->engine = g_object_ref (engine);
  self->account_id = account_id;
  self->address = g_strdup (address);
  self->loading = TRUE;
  tess_engine_load_devices_async (engine, account_id, address, self->cancellable, loaded_cb, self);
  return self;
}

static TessDevice *
find (TessDeviceList *self, guint32 id)
{
  for (guint i = 0; i < self->items->len; i++)
    if (tess_device_get_id (self->items->pdata[i]) == id)
      return self->items->pdata[i];

  return NULL;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  TessDevice *one = *(TessDevice *const *) a;
  TessDevice *two = *(TessDevice *const *) b;
  guint32 id_one = tess_device_get_id (one);
  guint32 id_two = tess_device_get_id (two);

  if (tess_device_get_local (one) != tess_device_get_local (two))
    return tess_device_get_local (one) ? -1 : 1;
  if (tess_device_get_active (one) != tess_device_get_active (two))
    return tess_device_get_active (one) ? -1 : 1;
  return (id_one > id_two) - (id_one < id_two);
}

void
tess_device_list_take (TessDeviceList *self, GPtrArray *records)
{
  g_autoptr (GPtrArray) wanted = tess_model_items_new ();

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_DEVICE_LIST (self));

  for (guint i = 0; i < records->len; i++)
    {
      const TessDeviceRecord *record = records->pdata[i];
      TessDevice *device = find (self, record->id);

      if (device != NULL)
        tess_device_update (device, record);
      g_ptr_array_add (wanted, device != NULL ? g_object_ref (device) : tess_device_new (record));
    }

  g_ptr_array_sort (wanted, compare);
  tess_model_replace (G_LIST_MODEL (self), &self->items, g_steal_pointer (&wanted));
}

const char *
tess_device_list_get_address (TessDeviceList *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE_LIST (self), NULL);

  return self->address;
}

gboolean
tess_device_list_get_loading (TessDeviceList *self)
{
  g_return_val_if_fail (TESS_IS_DEVICE_LIST (self), FALSE);

  return self->loading;
}

static void
trust_set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  TessDeviceList *self = g_task_get_source_object (task);
  TessDeviceRecord *wanted = g_task_get_task_data (task);
  TessDevice *device = find (self, wanted->id);

  if (!tess_engine_set_trust_finish (TESS_ENGINE (source), result, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  /* The event says the same, perhaps later. */
  if (device != NULL)
    tess_device_set_trust (device, wanted->trust);
  g_task_return_boolean (task, TRUE);
}

void
tess_device_list_set_trust_async (TessDeviceList *self,
                                  TessDevice *device,
                                  TessTrust trust,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  GTask *task;
  TessDeviceRecord *wanted;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_DEVICE_LIST (self));
  g_return_if_fail (TESS_IS_DEVICE (device));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tess_device_list_set_trust_async);
  wanted = tess_device_record_new (self->account_id, self->address, tess_device_get_id (device));
  wanted->trust = trust;
  g_task_set_task_data (task, wanted, (GDestroyNotify) tess_device_record_free);
  tess_engine_set_trust_async (self->engine, self->account_id, self->address, wanted->id, trust,
                               cancellable, trust_set_cb, task);
}

gboolean
tess_device_list_set_trust_finish (TessDeviceList *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

TessDeviceRecord *
tess_device_list_remember (TessDeviceList *self, TessDevice *device)
{
  TessDeviceRecord *record;

  g_return_val_if_fail (TESS_IS_DEVICE_LIST (self), NULL);
  g_return_val_if_fail (TESS_IS_DEVICE (device), NULL);

  record = tess_device_record_new (self->account_id, self->address, tess_device_get_id (device));
  record->trust = tess_device_get_trust (device);
  record->key_alarm = tess_device_get_key_alarm (device);
  return record;
}

GPtrArray *
tess_device_list_remember_verified (TessDeviceList *self, const TessVerificationRecord *verification)
{
  GPtrArray *before = g_ptr_array_new_with_free_func ((GDestroyNotify) tess_device_record_free);

  g_return_val_if_fail (TESS_IS_DEVICE_LIST (self), before);

  for (guint i = 0; verification->applied && i < verification->devices->len; i++)
    {
      const TessCheckedDevice *checked = g_ptr_array_index (verification->devices, i);
      TessDeviceRecord *record;

      /* What was not known and not taken has no row; what differs has its alarm, which only a decision ends. */
      if (checked->check != TESS_CHECK_MATCHES && (checked->check != TESS_CHECK_UNKNOWN || find (self, checked->id) == NULL))
        continue;
      record = tess_device_record_new (self->account_id, self->address, checked->id);
      record->trust = checked->trust;
      record->key_alarm = checked->key_alarm;
      g_ptr_array_add (before, record);
    }
  return before;
}

static GTask *
task_new (TessDeviceList *self, gpointer tag, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, tag);
  return task;
}

/* The engine's answer that something is done. */
static void
answer_done (GTask *task, gboolean done, GError *error)
{
  if (done)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  g_object_unref (task);
}

static void
restored_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gboolean done = tess_engine_restore_trust_finish (TESS_ENGINE (source), result, &error);

  answer_done (user_data, done, error);
}

void
tess_device_list_restore_async (TessDeviceList *self, GPtrArray *before, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_DEVICE_LIST (self));

  tess_engine_restore_trust_async (self->engine, self->account_id, self->address, before, cancellable, restored_cb,
                                   task_new (self, tess_device_list_restore_async, cancellable, callback, user_data));
}

gboolean
tess_device_list_restore_finish (TessDeviceList *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
verified_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  TessVerificationRecord *verification = tess_engine_verify_finish (TESS_ENGINE (source), result, &error);

  if (verification != NULL)
    g_task_return_pointer (task, verification, (GDestroyNotify) tess_verification_record_free);
  else
    g_task_return_error (task, error);
}

void
tess_device_list_verify_async (TessDeviceList *self, const char *code, TessVerify how, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_DEVICE_LIST (self));

  tess_engine_verify_async (self->engine, self->account_id, self->address, code, how, cancellable, verified_cb,
                            task_new (self, tess_device_list_verify_async, cancellable, callback, user_data));
}

TessVerificationRecord *
tess_device_list_verify_finish (TessDeviceList *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gboolean done = tess_engine_change_device_finish (TESS_ENGINE (source), result, &error);

  answer_done (user_data, done, error);
}

void
tess_device_list_change_async (TessDeviceList *self, TessDevice *device, TessDeviceAction action, const char *label,
                               GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  TESS_ASSERT_MAIN ();
  g_return_if_fail (TESS_IS_DEVICE_LIST (self));

  tess_engine_change_device_async (self->engine, self->account_id, self->address, tess_device_get_id (device), action, label, cancellable,
                                   changed_cb, task_new (self, tess_device_list_change_async, cancellable, callback, user_data));
}

gboolean
tess_device_list_change_finish (TessDeviceList *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
