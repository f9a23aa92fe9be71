/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-node.h"

G_BEGIN_DECLS

#define TESS_XEP_DATA_FORM_NS "jabber:x:data"

/* One field of a form (XEP-0004 section 3.2). */
typedef struct
{
  char     *var;    /* nullable */
  char     *type;   /* nullable: as sent */
  GStrv     values; /* never NULL */
} TessDataField;

/* A form as it was sent, in its order. Plain, one thread at a time. */
typedef struct
{
  char      *type;   /* "form", "result", ...; never NULL */
  GPtrArray *fields; /* (element-type TessDataField) */
} TessDataForm;

/**
 * tess_xep_data_form_parse:
 * @x: `<x xmlns='jabber:x:data'/>`
 *
 * At most 200 fields of at most 200 values are read.
 *
 * Returns: (transfer full) (nullable): the form, or %NULL when @x is none or is larger
 */
TessDataForm        *tess_xep_data_form_parse (const TessNode *x);
void                 tess_xep_data_form_free  (TessDataForm *self);
const TessDataField *
tess_xep_data_form_get (const TessDataForm *self, const char *var); /* nullable */
/* The first value of the field, NULL when there is none. */
const char          *tess_xep_data_form_get_value (const TessDataForm *self, const char *var);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessDataForm, tess_xep_data_form_free)

/**
 * tess_xep_data_form_add_submit:
 * @parent: where the form goes
 * @form_type: the value of the hidden field FORM_TYPE (XEP-0068)
 *
 * Returns: (transfer none): a form of type `submit`, owned by @parent
 */
TessNode *tess_xep_data_form_add_submit (TessNode *parent, const char *form_type);
void      tess_xep_data_form_add_value  (TessNode *form, const char *var, const char *value);

G_END_DECLS
