/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-node.h"

#include <string.h>

#define NS_XML "http://www.w3.org/XML/1998/namespace"
#define REPLACEMENT "\357\277\275"

typedef struct _Attribute Attribute;

struct _Attribute
{
  Attribute *next;
  char      *name;
  char      *ns; /* NULL: none */
  char      *value;
};

struct _TessNode
{
  char      *name;
  char      *ns; /* a GRefString: mostly the parent's */
  GString   *text;
  Attribute *attributes;
  TessNode  *parent;
  TessNode  *first;
  TessNode  *last;
  TessNode  *previous;
  TessNode  *next;
};

/* XML 1.0 section 2.2. */
static gboolean
is_xml_char (gunichar c)
{
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xd7ff) ||
         (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

static gboolean
is_clean (const char *text, gsize length)
{
  if (!g_utf8_validate_len (text, length, NULL))
    return FALSE;
  for (const char *p = text; p < text + length; p = g_utf8_next_char (p))
    if (!is_xml_char (g_utf8_get_char (p)))
      return FALSE;

  return TRUE;
}

static void
append_clean (GString *out, const char *text, gsize length)
{
  const char *end = text + length;

  if (is_clean (text, length))
    {
      g_string_append_len (out, text, (gssize) length);
      return;
    }
  for (const char *p = text; p < end;)
    {
      gunichar c = g_utf8_get_char_validated (p, end - p);

      if (*p == '\0' || c == (gunichar) -1 || c == (gunichar) -2)
        {
          g_string_append (out, REPLACEMENT);
          p++;
          continue;
        }
      if (is_xml_char (c))
        g_string_append_unichar (out, c);
      else
        g_string_append (out, REPLACEMENT);
      p = g_utf8_next_char (p);
    }
}

static char *
clean (const char *text)
{
  GString *out = g_string_sized_new (strlen (text) + 1);

  append_clean (out, text, strlen (text));
  return g_string_free (out, FALSE);
}

TessNode *
tess_node_new (const char *name, const char *ns)
{
  TessNode *self;

  g_return_val_if_fail (name != NULL && *name != '\0', NULL);

  self = g_slice_new0 (TessNode);
  self->name = g_strdup (name);
  self->ns = g_ref_string_new (ns != NULL ? ns : "");

  return self;
}

/* A child mostly stands in its parent's namespace: share the string. */
static TessNode *
new_child (TessNode *parent, const char *name, const char *ns)
{
  TessNode *self;

  if (ns != NULL && !g_str_equal (ns, parent->ns))
    return tess_node_new (name, ns);

  self = g_slice_new0 (TessNode);
  self->name = g_strdup (name);
  self->ns = g_ref_string_acquire (parent->ns);

  return self;
}

static void
attribute_free (Attribute *attribute)
{
  g_free (attribute->name);
  g_free (attribute->ns);
  g_free (attribute->value);
  g_slice_free (Attribute, attribute);
}

void
tess_node_free (TessNode *self)
{
  if (self == NULL)
    return;

  g_return_if_fail (self->parent == NULL);

  for (TessNode *child = self->first; child != NULL;)
    {
      TessNode *next = child->next;

      child->parent = NULL;
      tess_node_free (child);
      child = next;
    }
  while (self->attributes != NULL)
    {
      Attribute *next = self->attributes->next;

      attribute_free (self->attributes);
      self->attributes = next;
    }
  if (self->text != NULL)
    g_string_free (self->text, TRUE);
  g_free (self->name);
  g_ref_string_release (self->ns);
  g_slice_free (TessNode, self);
}

TessNode *
tess_node_copy (const TessNode *self)
{
  TessNode   *copy = g_slice_new0 (TessNode);
  Attribute **tail = &copy->attributes;

  copy->name = g_strdup (self->name);
  copy->ns = g_ref_string_acquire (self->ns);
  if (self->text != NULL)
    copy->text = g_string_new_len (self->text->str, (gssize) self->text->len);
  for (const Attribute *a = self->attributes; a != NULL; a = a->next)
    {
      *tail = g_slice_new0 (Attribute);
      (*tail)->name = g_strdup (a->name);
      (*tail)->ns = g_strdup (a->ns);
      (*tail)->value = g_strdup (a->value);
      tail = &(*tail)->next;
    }
  for (const TessNode *child = self->first; child != NULL; child = child->next)
    tess_node_append (copy, tess_node_copy (child));

  return copy;
}

TessNode *
tess_node_append (TessNode *self, TessNode *child)
{
  g_return_val_if_fail (child->parent == NULL, NULL);

  child->parent = self;
  child->previous = self->last;
  if (self->last != NULL)
    self->last->next = child;
  else
    self->first = child;
  self->last = child;

  return child;
}

TessNode *
tess_node_detach (TessNode *child)
{
  TessNode *parent = child->parent;

  if (parent == NULL)
    return child;

  if (child->previous != NULL)
    child->previous->next = child->next;
  else
    parent->first = child->next;
  if (child->next != NULL)
    child->next->previous = child->previous;
  else
    parent->last = child->previous;
  child->parent = child->previous = child->next = NULL;

  return child;
}

TessNode *
tess_node_add (TessNode *self, const char *name, const char *ns)
{
  g_return_val_if_fail (name != NULL && *name != '\0', NULL);

  return tess_node_append (self, new_child (self, name, ns));
}

TessNode *
tess_node_add_with_text (TessNode *self, const char *name, const char *ns, const char *text)
{
  TessNode *child = tess_node_add (self, name, ns);

  if (text != NULL)
    tess_node_append_text (child, text, -1);
  return child;
}

void
tess_node_append_text (TessNode *self, const char *text, gssize length)
{
  gsize bytes = length < 0 ? strlen (text) : (gsize) length;

  if (bytes == 0)
    return;
  if (self->text == NULL)
    self->text = g_string_sized_new (bytes + 1);
  append_clean (self->text, text, bytes);
}

const char *
tess_node_get_name (const TessNode *self)
{
  return self->name;
}

const char *
tess_node_get_ns (const TessNode *self)
{
  return self->ns;
}

TessNode *
tess_node_get_parent (const TessNode *self)
{
  return self->parent;
}

static gboolean
matches (const TessNode *self, const char *name, const char *ns)
{
  return (name == NULL || g_str_equal (self->name, name)) && (ns == NULL || g_str_equal (self->ns, ns));
}

gboolean
tess_node_is (const TessNode *self, const char *name, const char *ns)
{
  return self != NULL && matches (self, name, ns);
}

static Attribute **
find_attribute (const TessNode *self, const char *name, const char *ns)
{
  Attribute **link = &((TessNode *) self)->attributes;

  while (*link != NULL && !(g_str_equal ((*link)->name, name) && g_strcmp0 ((*link)->ns, ns) == 0))
    link = &(*link)->next;

  return link;
}

const char *
tess_node_get (const TessNode *self, const char *attribute)
{
  return tess_node_get_with_ns (self, attribute, NULL);
}

const char *
tess_node_get_with_ns (const TessNode *self, const char *attribute, const char *ns)
{
  const Attribute *found;

  g_return_val_if_fail (self != NULL, NULL);

  found = *find_attribute (self, attribute, ns);
  return found != NULL ? found->value : NULL;
}

void
tess_node_set (TessNode *self, const char *attribute, const char *value)
{
  tess_node_set_with_ns (self, attribute, NULL, value);
}

void
tess_node_set_with_ns (TessNode *self, const char *attribute, const char *ns, const char *value)
{
  Attribute **link;

  g_return_if_fail (attribute != NULL && *attribute != '\0');

  link = find_attribute (self, attribute, ns);
  if (value == NULL)
    {
      Attribute *old = *link;

      if (old != NULL)
        {
          *link = old->next;
          attribute_free (old);
        }
      return;
    }
  if (*link == NULL)
    {
      *link = g_slice_new0 (Attribute);
      (*link)->name = g_strdup (attribute);
      (*link)->ns = g_strdup (ns);
    }
  else
    {
      g_free ((*link)->value);
    }
  (*link)->value = clean (value);
}

gboolean
tess_node_get_uint (const TessNode *self, const char *attribute, guint64 max, guint64 *value)
{
  const char *text = tess_node_get (self, attribute);

  return text != NULL && g_ascii_string_to_unsigned (text, 10, 0, max, value, NULL);
}

const char *
tess_node_get_text (const TessNode *self)
{
  return self->text != NULL ? self->text->str : "";
}

static TessNode *
first_match (TessNode *node, const char *name, const char *ns)
{
  while (node != NULL && !matches (node, name, ns))
    node = node->next;

  return node;
}

TessNode *
tess_node_child (const TessNode *self, const char *name, const char *ns)
{
  return self != NULL ? first_match (self->first, name, ns) : NULL;
}

TessNode *
tess_node_next (const TessNode *child, const char *name, const char *ns)
{
  return child != NULL ? first_match (child->next, name, ns) : NULL;
}

const char *
tess_node_child_text (const TessNode *self, const char *name, const char *ns)
{
  const TessNode *child = tess_node_child (self, name, ns);

  return child != NULL ? tess_node_get_text (child) : NULL;
}

/* White space in an attribute, and a carriage return anywhere, would be normalised by the other side. */
static void
append_escaped (GString *out, const char *text, gboolean attribute)
{
  for (const char *p = text; *p != '\0'; p++)
    switch (*p)
      {
      case '&':
        g_string_append (out, "&amp;");
        break;
      case '<':
        g_string_append (out, "&lt;");
        break;
      case '>':
        g_string_append (out, "&gt;");
        break;
      case '\'':
        g_string_append (out, "&apos;");
        break;
      case '"':
        g_string_append (out, "&quot;");
        break;
      case '\r':
        g_string_append (out, "&#13;");
        break;
      case '\n':
        g_string_append (out, attribute ? "&#10;" : "\n");
        break;
      case '\t':
        g_string_append (out, attribute ? "&#9;" : "\t");
        break;
      default:
        g_string_append_c (out, *p);
      }
}

static void
append_attribute (GString *out, const char *prefix, const char *name, const char *value)
{
  g_string_append_c (out, ' ');
  if (prefix != NULL)
    g_string_append_printf (out, "%s:", prefix);
  g_string_append (out, name);
  g_string_append (out, "='");
  append_escaped (out, value, TRUE);
  g_string_append_c (out, '\'');
}

static void
append_attributes (GString *out, const TessNode *self)
{
  guint serial = 0;

  for (const Attribute *a = self->attributes; a != NULL; a = a->next)
    {
      char prefix[16];

      if (a->ns == NULL)
        {
          append_attribute (out, NULL, a->name, a->value);
        }
      else if (g_str_equal (a->ns, NS_XML))
        {
          append_attribute (out, "xml", a->name, a->value);
        }
      else
        {
          g_snprintf (prefix, sizeof prefix, "n%u", serial++);
          append_attribute (out, "xmlns", prefix, a->ns);
          append_attribute (out, prefix, a->name, a->value);
        }
    }
}

static void
append_node (GString *out, const TessNode *self, const char *outer_ns)
{
  g_string_append_c (out, '<');
  g_string_append (out, self->name);
  if (!g_str_equal (self->ns, outer_ns))
    append_attribute (out, NULL, "xmlns", self->ns);
  append_attributes (out, self);
  if (self->first == NULL && (self->text == NULL || self->text->len == 0))
    {
      g_string_append (out, "/>");
      return;
    }
  g_string_append_c (out, '>');
  if (self->text != NULL)
    append_escaped (out, self->text->str, FALSE);
  for (const TessNode *child = self->first; child != NULL; child = child->next)
    append_node (out, child, self->ns);
  g_string_append_printf (out, "</%s>", self->name);
}

char *
tess_node_to_string (const TessNode *self, const char *outer_ns)
{
  GString *out = g_string_new (NULL);

  append_node (out, self, outer_ns != NULL ? outer_ns : "");
  return g_string_free (out, FALSE);
}
