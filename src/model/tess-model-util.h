/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Private to model/. */

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * tess_model_set_string:
 *
 * Returns: whether @field has changed
 */
gboolean tess_model_set_string (char **field, const char *value);

/**
 * tess_model_replace:
 * @model: whose items they are
 * @items: (inout): the objects that @model shows now
 * @wanted: (transfer full): those that it shall show, with g_object_unref() as free function
 *
 * Exchanges them and tells of the part that differs, in at most one `items-changed`.
 */
void tess_model_replace (GListModel *model, GPtrArray **items, GPtrArray *wanted);

/* A new empty array of objects. */
GPtrArray *tess_model_items_new (void);

G_END_DECLS
