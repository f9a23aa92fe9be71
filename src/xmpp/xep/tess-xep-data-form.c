/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-data-form.h"

#define MAX_FIELDS 200
#define MAX_VALUES 200

static void
field_free (gpointer data)
{
  TessDataField *field = data;

  g_free (field->var);
  g_free (field->type);
  g_strfreev (field->values);
  g_free (field);
}

/* NULL when it has too many values. */
static TessDataField *
field_parse (const TessNode *node)
{
  g_autoptr (GStrvBuilder) values = g_strv_builder_new ();
  TessDataField           *field = NULL;
  guint                    n_values = 0;

  for (TESS_NODE_EACH (value, node, "value", TESS_XEP_DATA_FORM_NS))
    {
      if (++n_values > MAX_VALUES)
        return NULL;
      g_strv_builder_add (values, tess_node_get_text (value));
    }

  field = g_new0 (TessDataField, 1);
  field->var = g_strdup (tess_node_get (node, "var"));
  field->type = g_strdup (tess_node_get (node, "type"));
  field->values = g_strv_builder_end (values);

  return field;
}

TessDataForm *
tess_xep_data_form_parse (const TessNode *x)
{
  g_autoptr (TessDataForm) self = NULL;
  const char              *type = NULL;

  if (!tess_node_is (x, "x", TESS_XEP_DATA_FORM_NS))
    return NULL;

  type = tess_node_get (x, "type");
  self = g_new0 (TessDataForm, 1);
  self->type = g_strdup (type != NULL ? type : "form");
  self->fields = g_ptr_array_new_with_free_func (field_free);
  for (TESS_NODE_EACH (node, x, "field", TESS_XEP_DATA_FORM_NS))
    {
      TessDataField *field = self->fields->len < MAX_FIELDS ? field_parse (node) : NULL;

      if (field == NULL)
        return NULL;
      g_ptr_array_add (self->fields, field);
    }

  return g_steal_pointer (&self);
}

void
tess_xep_data_form_free (TessDataForm *self)
{
  if (self == NULL)
    return;

  g_free (self->type);
  g_ptr_array_unref (self->fields);
  g_free (self);
}

const TessDataField *
tess_xep_data_form_get (const TessDataForm *self, const char *var)
{
  for (guint i = 0; i < self->fields->len; i++)
    {
      const TessDataField *field = g_ptr_array_index (self->fields, i);

      if (g_strcmp0 (field->var, var) == 0)
        return field;
    }

  return NULL;
}

const char *
tess_xep_data_form_get_value (const TessDataForm *self, const char *var)
{
  const TessDataField *field = tess_xep_data_form_get (self, var);

  return field != NULL ? field->values[0] : NULL;
}

TessNode *
tess_xep_data_form_add_submit (TessNode *parent, const char *form_type)
{
  TessNode *form = tess_node_add (parent, "x", TESS_XEP_DATA_FORM_NS);
  TessNode *field = NULL;

  tess_node_set (form, "type", "submit");
  field = tess_node_add (form, "field", NULL);
  tess_node_set (field, "var", "FORM_TYPE");
  tess_node_set (field, "type", "hidden");
  tess_node_add_with_text (field, "value", NULL, form_type);

  return form;
}

void
tess_xep_data_form_add_value (TessNode *form, const char *var, const char *value)
{
  TessNode *field = tess_node_add (form, "field", NULL);

  tess_node_set (field, "var", var);
  tess_node_add_with_text (field, "value", NULL, value);
}
