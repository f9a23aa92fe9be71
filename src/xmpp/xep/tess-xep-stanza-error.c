/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/xep/tess-xep-stanza-error.h"

#include "xmpp/xep/tess-xep-text.h"

#define MAX_TEXT 1000

static TessStanzaErrorType
parse_type (const char *type)
{
  static const struct
  {
    const char         *name;
    TessStanzaErrorType type;
  } types[] = {
    { "cancel", TESS_STANZA_ERROR_CANCEL }, { "continue", TESS_STANZA_ERROR_CONTINUE },
    { "modify", TESS_STANZA_ERROR_MODIFY }, { "auth", TESS_STANZA_ERROR_AUTH },
    { "wait", TESS_STANZA_ERROR_WAIT },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_strcmp0 (type, types[i].name) == 0)
      return types[i].type;

  return TESS_STANZA_ERROR_CANCEL;
}

TessStanzaError *
tess_xep_stanza_error_parse (const TessNode *stanza)
{
  const TessNode  *error = tess_node_child (stanza, "error", tess_node_get_ns (stanza));
  TessStanzaError *self = NULL;

  if (error == NULL)
    return NULL;

  self = g_new0 (TessStanzaError, 1);
  self->type = parse_type (tess_node_get (error, "type"));
  for (TESS_NODE_EACH (child, error, NULL, NULL))
    {
      const char *name = tess_node_get_name (child);

      if (g_strcmp0 (tess_node_get_ns (child), TESS_XEP_STANZA_ERROR_NS) != 0)
        {
          if (self->application == NULL && tess_xep_text_is_id (name) &&
              tess_xep_text_is_id (tess_node_get_ns (child)))
            {
              self->application = g_strdup (name);
              self->application_ns = g_strdup (tess_node_get_ns (child));
            }
        }
      else if (g_strcmp0 (name, "text") == 0)
        {
          if (self->text == NULL)
            self->text = tess_xep_text_clip_lines (tess_node_get_text (child), MAX_TEXT);
        }
      else if (self->condition == NULL && tess_xep_text_is_id (name))
        self->condition = g_strdup (name);
    }
  if (self->condition == NULL)
    self->condition = g_strdup ("undefined-condition");

  return self;
}

void
tess_xep_stanza_error_free (TessStanzaError *self)
{
  if (self == NULL)
    return;

  g_free (self->condition);
  g_free (self->text);
  g_free (self->application);
  g_free (self->application_ns);
  g_free (self);
}
