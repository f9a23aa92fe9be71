/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-model"

#include "config.h"

#include "model/tess-model-util.h"

gboolean
tess_model_set_string (char **field, const char *value)
{
  if (g_strcmp0 (*field, value) == 0)
    return FALSE;

  g_free (*field);
  *field = g_strdup (value);
  return TRUE;
}

GPtrArray *
tess_model_items_new (void)
{
  return g_ptr_array_new_with_free_func (g_object_unref);
}

void
tess_model_replace (GListModel *model, GPtrArray **items, GPtrArray *wanted)
{
  g_autoptr (GPtrArray) old = *items;
  guint shorter = MIN (old->len, wanted->len);
  guint head = 0;
  guint tail = 0;

  while (head < shorter && old->pdata[head] == wanted->pdata[head])
    head++;
  while (tail < shorter - head &&
         old->pdata[old->len - 1 - tail] == wanted->pdata[wanted->len - 1 - tail])
    tail++;

  *items = wanted;
  if (head + tail < old->len || head + tail < wanted->len)
    g_list_model_items_changed (model, head, old->len - head - tail, wanted->len - head - tail);
}
