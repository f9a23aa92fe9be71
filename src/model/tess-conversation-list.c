/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-model"

#include "config.h"

#include "model/tess-conversation-list-private.h"

#include "base/tess-thread.h"
#include "model/tess-model-util.h"

struct _TessConversationList
{
  GObject parent_instance;
  GPtrArray *items; /* as told, newest first */
  GPtrArray *all;   /* as they are */
  guint frozen;
  gboolean changed;
};

static GType
tess_conversation_list_get_item_type (GListModel *model)
{
  return TESS_TYPE_CONVERSATION;
}

static guint
tess_conversation_list_get_n_items (GListModel *model)
{
  return TESS_CONVERSATION_LIST (model)->items->len;
}

static gpointer
tess_conversation_list_get_item (GListModel *model, guint position)
{
  TessConversationList *self = TESS_CONVERSATION_LIST (model);

  return position < self->items->len ? g_object_ref (self->items->pdata[position]) : NULL;
}

static void
list_model_iface_init (GListModelInterface *iface)
{
  iface->get_item_type = tess_conversation_list_get_item_type;
  iface->get_n_items = tess_conversation_list_get_n_items;
  iface->get_item = tess_conversation_list_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TessConversationList,
                               tess_conversation_list,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_iface_init))

static void
time_changed_cb (TessConversationList *self)
{
  tess_conversation_list_freeze (self);
  self->changed = TRUE;
  tess_conversation_list_thaw (self);
}

static void
tess_conversation_list_finalize (GObject *object)
{
  TessConversationList *self = TESS_CONVERSATION_LIST (object);

  for (guint i = 0; i < self->all->len; i++)
    g_signal_handlers_disconnect_by_data (self->all->pdata[i], self);
  g_ptr_array_unref (self->all);
  g_ptr_array_unref (self->items);

  G_OBJECT_CLASS (tess_conversation_list_parent_class)->finalize (object);
}

static void
tess_conversation_list_class_init (TessConversationListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tess_conversation_list_finalize;
}

static void
tess_conversation_list_init (TessConversationList *self)
{
  self->items = tess_model_items_new ();
  self->all = tess_model_items_new ();
}

TessConversationList *
tess_conversation_list_new (void)
{
  TESS_ASSERT_MAIN ();
  return g_object_new (TESS_TYPE_CONVERSATION_LIST, NULL);
}

/* Newest first; of two that are equally new, the one that was made last. */
static int
compare (gconstpointer a, gconstpointer b)
{
  TessConversation *one = *(TessConversation *const *) a;
  TessConversation *two = *(TessConversation *const *) b;
  gint64 time_one = tess_conversation_get_time (one);
  gint64 time_two = tess_conversation_get_time (two);

  if (time_one != time_two)
    return time_one > time_two ? -1 : 1;
  return tess_conversation_get_id (one) > tess_conversation_get_id (two) ? -1 : 1;
}

void
tess_conversation_list_freeze (TessConversationList *self)
{
  TESS_ASSERT_MAIN ();
  self->frozen++;
}

void
tess_conversation_list_thaw (TessConversationList *self)
{
  GPtrArray *wanted;

  TESS_ASSERT_MAIN ();
  g_return_if_fail (self->frozen > 0);

  if (--self->frozen > 0 || !self->changed)
    return;

  self->changed = FALSE;
  g_ptr_array_sort (self->all, compare);
  wanted = tess_model_items_new ();
  g_ptr_array_extend (wanted, self->all, (GCopyFunc) (void (*) (void)) g_object_ref, NULL);
  tess_model_replace (G_LIST_MODEL (self), &self->items, wanted);
}

void
tess_conversation_list_add (TessConversationList *self, TessConversation *conversation)
{
  g_signal_connect_swapped (conversation, "notify::time", G_CALLBACK (time_changed_cb), self);
  g_ptr_array_add (self->all, g_object_ref (conversation));
  time_changed_cb (self);
}

void
tess_conversation_list_remove (TessConversationList *self, TessConversation *conversation)
{
  g_signal_handlers_disconnect_by_data (conversation, self);
  g_ptr_array_remove (self->all, conversation);
  time_changed_cb (self);
}
