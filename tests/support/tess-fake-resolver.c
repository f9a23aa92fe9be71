/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tess-fake-resolver.h"

struct _TessFakeResolver
{
  GResolver   parent;
  GHashTable *services; /* name -> GPtrArray of GSrvTarget */
  GHashTable *names;    /* name -> address */
  GMutex      mutex;
  GString    *log;      /* under mutex */
};

G_DEFINE_FINAL_TYPE (TessFakeResolver, tess_fake_resolver, G_TYPE_RESOLVER)

static void
note (TessFakeResolver *self, const char *name)
{
  g_mutex_lock (&self->mutex);
  g_string_append_printf (self->log, "%s\n", name);
  g_mutex_unlock (&self->mutex);
}

static GList *
find_service (TessFakeResolver *self, const char *name, GError **error)
{
  GPtrArray *targets = g_hash_table_lookup (self->services, name);
  GList     *list = NULL;

  note (self, name);
  if (targets == NULL)
    {
      g_set_error (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "No records of %s", name);
      return NULL;
    }
  for (guint i = targets->len; i > 0; i--)
    list = g_list_prepend (list, g_srv_target_copy (g_ptr_array_index (targets, i - 1)));

  return list;
}

static GList *
find_name (TessFakeResolver *self, const char *name, GResolverNameLookupFlags flags, GError **error)
{
  const char   *text = g_hash_table_lookup (self->names, name);
  GInetAddress *address = text != NULL ? g_inet_address_new_from_string (text) : NULL;

  note (self, name);
  if (address != NULL && (flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY) != 0 &&
      g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV4)
    g_clear_object (&address);
  if (address != NULL && (flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY) != 0 &&
      g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6)
    g_clear_object (&address);
  if (address != NULL)
    return g_list_prepend (NULL, address);

  g_set_error (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "No address of %s", name);
  return NULL;
}

static void
free_targets (gpointer list)
{
  g_resolver_free_targets (list);
}

static void
free_addresses (gpointer list)
{
  g_resolver_free_addresses (list);
}

static void
answer (gpointer             self,
        GList               *list,
        GError              *error,
        GDestroyNotify       free_list,
        GCancellable        *cancellable,
        GAsyncReadyCallback  callback,
        gpointer             user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  if (list != NULL)
    g_task_return_pointer (task, list, free_list);
  else
    g_task_return_error (task, error);
}

static void
lookup_service_async (GResolver *resolver, const char *name, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  GError *error = NULL;
  GList  *list = find_service (TESS_FAKE_RESOLVER (resolver), name, &error);

  answer (resolver, list, error, free_targets, cancellable, callback, user_data);
}

static void
lookup_by_name_with_flags_async (GResolver *resolver, const char *name, GResolverNameLookupFlags flags,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GError *error = NULL;
  GList  *list = find_name (TESS_FAKE_RESOLVER (resolver), name, flags, &error);

  answer (resolver, list, error, free_addresses, cancellable, callback, user_data);
}

static void
lookup_by_name_async (GResolver *resolver, const char *name, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  lookup_by_name_with_flags_async (resolver, name, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, cancellable, callback,
                                   user_data);
}

static GList *
lookup_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static GList *
lookup_by_name (GResolver *resolver, const char *name, GCancellable *cancellable, GError **error)
{
  return find_name (TESS_FAKE_RESOLVER (resolver), name, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, error);
}

static GList *
lookup_by_name_with_flags (GResolver *resolver, const char *name, GResolverNameLookupFlags flags,
                           GCancellable *cancellable, GError **error)
{
  return find_name (TESS_FAKE_RESOLVER (resolver), name, flags, error);
}

static GList *
lookup_service (GResolver *resolver, const char *name, GCancellable *cancellable, GError **error)
{
  return find_service (TESS_FAKE_RESOLVER (resolver), name, error);
}

static void
finalize (GObject *object)
{
  TessFakeResolver *self = TESS_FAKE_RESOLVER (object);

  g_hash_table_unref (self->services);
  g_hash_table_unref (self->names);
  g_string_free (self->log, TRUE);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (tess_fake_resolver_parent_class)->finalize (object);
}

static void
tess_fake_resolver_class_init (TessFakeResolverClass *class)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (class);

  G_OBJECT_CLASS (class)->finalize = finalize;
  resolver_class->lookup_service = lookup_service;
  resolver_class->lookup_service_async = lookup_service_async;
  resolver_class->lookup_service_finish = lookup_finish;
  resolver_class->lookup_by_name = lookup_by_name;
  resolver_class->lookup_by_name_async = lookup_by_name_async;
  resolver_class->lookup_by_name_finish = lookup_finish;
  resolver_class->lookup_by_name_with_flags = lookup_by_name_with_flags;
  resolver_class->lookup_by_name_with_flags_async = lookup_by_name_with_flags_async;
  resolver_class->lookup_by_name_with_flags_finish = lookup_finish;
}

static void
free_array (gpointer array)
{
  g_ptr_array_unref (array);
}

static void
free_target (gpointer target)
{
  g_srv_target_free (target);
}

static void
tess_fake_resolver_init (TessFakeResolver *self)
{
  self->services = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_array);
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->log = g_string_new (NULL);
  g_mutex_init (&self->mutex);
}

TessFakeResolver *
tess_fake_resolver_new (void)
{
  return g_object_new (TESS_TYPE_FAKE_RESOLVER, NULL);
}

void
tess_fake_resolver_add_service (TessFakeResolver *self, const char *service, const char *host, guint16 port,
                                guint16 priority, guint16 weight)
{
  GPtrArray *targets = g_hash_table_lookup (self->services, service);

  if (targets == NULL)
    {
      targets = g_ptr_array_new_with_free_func (free_target);
      g_hash_table_insert (self->services, g_strdup (service), targets);
    }
  g_ptr_array_add (targets, g_srv_target_new (host, port, priority, weight));
}

void
tess_fake_resolver_add_name (TessFakeResolver *self, const char *name, const char *address)
{
  g_hash_table_insert (self->names, g_strdup (name), g_strdup (address));
}

char *
tess_fake_resolver_take_log (TessFakeResolver *self)
{
  char *log;

  g_mutex_lock (&self->mutex);
  log = g_strdup (self->log->str);
  g_string_truncate (self->log, 0);
  g_mutex_unlock (&self->mutex);

  return log;
}
