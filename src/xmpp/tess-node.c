/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-node-private.h"

#include <string.h>

#define NS_XML "http://www.w3.org/XML/1998/namespace"
#define REPLACEMENT "\357\277\275"

/* One block each, because a stanza has dozens of them. Never changed: another value is another attribute. */
typedef struct _Attribute Attribute;

struct _Attribute
{
  Attribute  *next;
  const char *ns; /* NULL: none; behind the name */
  const char *value;
  char        name[];
};

/* Mostly the parent's. Not counted by atomic operations: a tree is of one thread at a time. */
typedef struct
{
  guint ref_count;
  gsize length;
  char  name[];
} Namespace;

struct _TessNode
{
  Namespace *ns;
  char      *text; /* NULL: none */
  gsize      text_length;
  gsize      text_size; /* of the block */
  Attribute *attributes;
  TessNode  *parent;
  TessNode  *first;
  TessNode  *last;
  TessNode  *previous;
  TessNode  *next;
  char       name[];
};

/* XML 1.0 section 2.2. */
static gboolean
is_xml_char (gunichar c)
{
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xd7ff) ||
         (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

#define ONES (G_MAXUINT64 / 0xff)

/* Whether one of the eight bytes is a control character or not ASCII. */
static inline gboolean
is_special (guint64 word)
{
  return ((word | ((word - ONES * 0x20) & ~word)) & (ONES * 0x80)) != 0;
}

/* How much at the start of @text is plain ASCII that XML allows: nearly always all of it. */
static gsize
count_plain (const char *text, gsize length)
{
  gsize i = 0;

  for (; i + sizeof (guint64) <= length; i += sizeof (guint64))
    {
      guint64 word;

      memcpy (&word, text + i, sizeof word);
      if (is_special (word))
        break;
    }
  while (i < length && ((text[i] >= 0x20 && text[i] < 0x7f) || text[i] == '\n' || text[i] == '\t' || text[i] == '\r'))
    i++;

  return i;
}

static gboolean
is_clean (const char *text, gsize length)
{
  gsize plain = count_plain (text, length);

  if (plain == length)
    return TRUE;
  if (!g_utf8_validate_len (text + plain, length - plain, NULL))
    return FALSE;
  for (const char *p = text + plain; p < text + length; p = g_utf8_next_char (p))
    if (!is_xml_char (g_utf8_get_char (p)))
      return FALSE;

  return TRUE;
}

/* A copy of @text with U+FFFD in the place of what XML forbids. */
static char *
clean (const char *text, gsize length, gsize *clean_length)
{
  GString    *out = g_string_sized_new (length + 16);
  const char *end = text + length;

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

  *clean_length = out->len;
  return g_string_free (out, FALSE);
}

static Namespace *
namespace_new (const char *name, gsize length)
{
  Namespace *self = g_malloc (sizeof *self + length + 1);

  self->ref_count = 1;
  self->length = length;
  memcpy (self->name, name, length);
  self->name[length] = '\0';

  return self;
}

static Namespace *
namespace_ref (Namespace *self)
{
  self->ref_count++;
  return self;
}

static void
namespace_unref (Namespace *self)
{
  if (--self->ref_count == 0)
    g_free (self);
}

/* @ns: (transfer full) */
static TessNode *
node_new (Namespace *ns, const char *name)
{
  gsize     size = strlen (name) + 1;
  TessNode *self = g_malloc (sizeof *self + size);

  memset (self, 0, sizeof *self);
  self->ns = ns;
  memcpy (self->name, name, size);

  return self;
}

TessNode *
tess_node_new (const char *name, const char *ns)
{
  g_return_val_if_fail (name != NULL && *name != '\0', NULL);

  if (ns == NULL)
    ns = "";
  return node_new (namespace_new (ns, strlen (ns)), name);
}

/* A child mostly stands in its parent's namespace: share the string. */
static TessNode *
new_child (TessNode *parent, const char *name, const char *ns, gsize ns_length)
{
  if (ns == NULL || (ns_length == parent->ns->length && memcmp (ns, parent->ns->name, ns_length) == 0))
    return node_new (namespace_ref (parent->ns), name);

  return node_new (namespace_new (ns, ns_length), name);
}

/* @value: without what XML forbids */
static Attribute *
attribute_new (const char *name, const char *ns, gsize ns_length, const char *value, gsize length)
{
  gsize      name_size = strlen (name) + 1;
  gsize      ns_size = ns != NULL ? ns_length + 1 : 0;
  Attribute *self = g_malloc (sizeof *self + name_size + ns_size + length + 1);
  char      *place = self->name;

  self->next = NULL;
  memcpy (place, name, name_size);
  place += name_size;
  self->ns = ns != NULL ? place : NULL;
  if (ns != NULL)
    {
      memcpy (place, ns, ns_length);
      place[ns_length] = '\0';
    }
  place += ns_size;
  self->value = place;
  memcpy (place, value, length);
  place[length] = '\0';

  return self;
}

static Attribute *
attribute_new_clean (const char *name, const char *ns, gsize ns_length, const char *value)
{
  gsize            length = strlen (value);
  g_autofree char *cleaned = NULL;

  if (!is_clean (value, length))
    value = cleaned = clean (value, length, &length);
  return attribute_new (name, ns, ns_length, value, length);
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

      g_free (self->attributes);
      self->attributes = next;
    }
  g_free (self->text);
  namespace_unref (self->ns);
  g_free (self);
}

/* @ns: (nullable) (transfer full): of the copy; made anew when %NULL, as the copy may go to another thread. */
static TessNode *
copy_node (const TessNode *self, Namespace *ns)
{
  TessNode   *copy = node_new (ns != NULL ? ns : namespace_new (self->ns->name, self->ns->length), self->name);
  Attribute **tail = &copy->attributes;

  if (self->text != NULL)
    {
      copy->text = g_memdup2 (self->text, self->text_length + 1);
      copy->text_length = self->text_length;
      copy->text_size = self->text_length + 1;
    }
  for (const Attribute *a = self->attributes; a != NULL; a = a->next)
    {
      *tail = attribute_new (a->name, a->ns, a->ns != NULL ? strlen (a->ns) : 0, a->value, strlen (a->value));
      tail = &(*tail)->next;
    }
  for (const TessNode *child = self->first; child != NULL; child = child->next)
    tess_node_append (copy, copy_node (child, child->ns == self->ns ? namespace_ref (copy->ns) : NULL));

  return copy;
}

TessNode *
tess_node_copy (const TessNode *self)
{
  return copy_node (self, NULL);
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

  return tess_node_append (self, new_child (self, name, ns, ns != NULL ? strlen (ns) : 0));
}

TessNode *
tess_node_add_with_text (TessNode *self, const char *name, const char *ns, const char *text)
{
  TessNode *child = tess_node_add (self, name, ns);

  if (text != NULL)
    tess_node_append_text (child, text, -1);
  return child;
}

gsize
tess_node_get_memory (const TessNode *self)
{
  gsize size = sizeof *self + strlen (self->name) + self->text_size;

  if (self->parent == NULL || self->parent->ns != self->ns)
    size += sizeof *self->ns + self->ns->length;
  for (const Attribute *a = self->attributes; a != NULL; a = a->next)
    size += sizeof *a + (gsize) (a->value - a->name) + strlen (a->value);
  for (const TessNode *child = self->first; child != NULL; child = child->next)
    size += tess_node_get_memory (child);

  return size;
}

static void
append_text (TessNode *self, const char *text, gsize length)
{
  gsize needed = self->text_length + length + 1;

  g_assert (needed > length);
  if (needed > self->text_size)
    {
      /* Most texts come in one piece; those that do not grow by doubling. */
      self->text_size = self->text == NULL ? needed : MAX (needed, 2 * self->text_size);
      self->text = g_realloc (self->text, self->text_size);
    }
  memcpy (self->text + self->text_length, text, length);
  self->text_length += length;
  self->text[self->text_length] = '\0';
}

void
tess_node_append_text (TessNode *self, const char *text, gssize length)
{
  gsize            bytes = length < 0 ? strlen (text) : (gsize) length;
  g_autofree char *cleaned = NULL;

  if (bytes == 0)
    return;
  if (!is_clean (text, bytes))
    text = cleaned = clean (text, bytes, &bytes);
  append_text (self, text, bytes);
}

TessNode *
tess_node_add_parsed (TessNode *parent, const char *name, const char *ns, gsize ns_length)
{
  if (parent != NULL)
    return tess_node_append (parent, new_child (parent, name, ns, ns_length));

  return node_new (namespace_new (ns, ns_length), name);
}

void
tess_node_take_parsed (TessNode *self, TessParsedAttribute *attributes, guint n)
{
  Attribute **tail = &self->attributes;

  for (guint i = 0; i < n; i++)
    {
      const TessParsedAttribute *parsed = &attributes[i];

      *tail = attribute_new_clean (parsed->name, parsed->ns, parsed->ns_length, parsed->value);
      tail = &(*tail)->next;
    }
}

const char *
tess_node_get_name (const TessNode *self)
{
  return self->name;
}

const char *
tess_node_get_ns (const TessNode *self)
{
  return self->ns->name;
}

TessNode *
tess_node_get_parent (const TessNode *self)
{
  return self->parent;
}

static gboolean
matches (const TessNode *self, const char *name, const char *ns)
{
  return (name == NULL || strcmp (self->name, name) == 0) &&
         (ns == NULL || strcmp (self->ns->name, ns) == 0);
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

  while (*link != NULL && !(strcmp ((*link)->name, name) == 0 && g_strcmp0 ((*link)->ns, ns) == 0))
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
  Attribute  *old;

  g_return_if_fail (attribute != NULL && *attribute != '\0');

  link = find_attribute (self, attribute, ns);
  old = *link;
  if (value != NULL)
    {
      *link = attribute_new_clean (attribute, ns, ns != NULL ? strlen (ns) : 0, value);
      (*link)->next = old != NULL ? old->next : NULL;
    }
  else if (old != NULL)
    {
      *link = old->next;
    }
  g_free (old); /* last: the new value may be what it held */
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
  return self->text != NULL ? self->text : "";
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
static const char *
get_escape (char c, gboolean attribute)
{
  switch (c)
    {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '\'':
      return "&apos;";
    case '"':
      return "&quot;";
    case '\r':
      return "&#13;";
    case '\n':
      return attribute ? "&#10;" : "\n";
    case '\t':
      return attribute ? "&#9;" : "\t";
    default:
      return NULL;
    }
}

static void
append_escaped (GString *out, const char *text, gboolean attribute)
{
  for (;;)
    {
      gsize run = strcspn (text, "&<>'\"\r\n\t");

      g_string_append_len (out, text, (gssize) run);
      text += run;
      if (*text == '\0')
        return;
      g_string_append (out, get_escape (*text++, attribute));
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
  if (!g_str_equal (self->ns->name, outer_ns))
    append_attribute (out, NULL, "xmlns", self->ns->name);
  append_attributes (out, self);
  if (self->first == NULL && self->text == NULL)
    {
      g_string_append (out, "/>");
      return;
    }
  g_string_append_c (out, '>');
  if (self->text != NULL)
    append_escaped (out, self->text, FALSE);
  for (const TessNode *child = self->first; child != NULL; child = child->next)
    append_node (out, child, self->ns->name);
  g_string_append (out, "</");
  g_string_append (out, self->name);
  g_string_append_c (out, '>');
}

char *
tess_node_to_string (const TessNode *self, const char *outer_ns)
{
  GString *out = g_string_new (NULL);

  append_node (out, self, outer_ns != NULL ? outer_ns : "");
  return g_string_free (out, FALSE);
}
