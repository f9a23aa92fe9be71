/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-parser.h"

#include "xmpp/tess-node-private.h"
#include "xmpp/tess-xmpp-error.h"

#include <expat.h>
#include <string.h>

/* No document can hold this character, not even as a reference: a name is split where we joined it. */
#define SEPARATOR '\001'

#define SLICE 4096

/* expat scans an unfinished tag from its start at each feed. Beyond this size it is fed again only when
 * the tag can have ended, and after some vain tries only when it has grown by a part of itself. */
#define SMALL_TOKEN 1024
#define VAIN_TRIES 16
#define GROWTH_DIVISOR 16

typedef struct _Event Event;

struct _Event
{
  Event          *next;
  TessParserEvent kind;
  TessNode       *node;
  guint64         end; /* the number of bytes up to and with it */
};

struct _TessParser
{
  XML_Parser  expat;
  Event      *first; /* of what was parsed and not fetched */
  Event     **last;
  TessNode   *root; /* the header, until its first event is made */
  TessNode   *current;
  GError     *error;
  gsize       limit;
  guint       depth;
  guint       elements;
  guint64     given;    /* bytes that came in */
  guint64     progress; /* bytes that expat has reported */
  guint64     boundary; /* where the last stanza, or white space, ended */
  guint64     fetched;  /* the end of the last fetched event */
  GByteArray *held;     /* not yet given to expat */
  guint       vain;
};

static void G_GNUC_PRINTF (3, 4)
fail (TessParser *self, TessXmppError code, const char *format, ...)
{
  va_list arguments;

  if (self->error == NULL)
    {
      va_start (arguments, format);
      self->error = g_error_new_valist (TESS_XMPP_ERROR, code, format, arguments);
      va_end (arguments);
    }
  XML_StopParser (self->expat, XML_FALSE);
}

static void
push (TessParser *self, TessParserEvent kind, TessNode *node)
{
  Event *event = g_new0 (Event, 1);

  event->kind = kind;
  event->node = node;
  event->end = self->progress;
  *self->last = event;
  self->last = &event->next;
}

/* Each handler begins with this. expat may call some more after it was stopped. */
static gboolean
go_on (TessParser *self)
{
  XML_Index index;

  if (self->error != NULL)
    return FALSE;

  index = XML_GetCurrentByteIndex (self->expat);
  if (index >= 0)
    self->progress = (guint64) index + (guint64) XML_GetCurrentByteCount (self->expat);
  if (self->progress - self->boundary > self->limit)
    {
      fail (self, TESS_XMPP_ERROR_TOO_LARGE, "A stanza of more than %" G_GSIZE_FORMAT " bytes", self->limit);
      return FALSE;
    }

  return TRUE;
}

/* Splits what expat joined. @ns: (nullable): not terminated. A colon is left in a name only when the name had two. */
static gboolean
split (TessParser *self, const char *joined, const char **ns, gsize *ns_length, const char **name)
{
  const char *separator = strchr (joined, SEPARATOR);
  const char *p;

  *ns = separator != NULL ? joined : NULL;
  *ns_length = separator != NULL ? (gsize) (separator - joined) : 0;
  *name = separator != NULL ? separator + 1 : joined;
  for (p = *name; *p != '\0' && *p != SEPARATOR && *p != ':'; p++)
    continue;
  if (*p == '\0' && p != *name)
    return TRUE;

  fail (self, TESS_XMPP_ERROR_NOT_WELL_FORMED, "A name that is none");
  return FALSE;
}

static gboolean
set_attributes (TessParser *self, TessNode *node, const XML_Char **attributes)
{
  TessParsedAttribute parsed[TESS_PARSER_MAX_ATTRIBUTES];
  guint               count = 0;

  for (const XML_Char **a = attributes; *a != NULL; a += 2, count++)
    {
      if (count == TESS_PARSER_MAX_ATTRIBUTES)
        {
          fail (self, TESS_XMPP_ERROR_TOO_LARGE, "An element with more than %d attributes",
                TESS_PARSER_MAX_ATTRIBUTES);
          return FALSE;
        }
      if (!split (self, a[0], &parsed[count].ns, &parsed[count].ns_length, &parsed[count].name))
        return FALSE;
      parsed[count].value = a[1];
    }
  tess_node_take_parsed (node, parsed, count);

  return TRUE;
}

static gboolean
is_within_limits (TessParser *self)
{
  if (self->depth >= TESS_PARSER_MAX_DEPTH)
    fail (self, TESS_XMPP_ERROR_TOO_LARGE, "Elements nested more than %d deep", TESS_PARSER_MAX_DEPTH);
  else if (++self->elements > TESS_PARSER_MAX_ELEMENTS)
    fail (self, TESS_XMPP_ERROR_TOO_LARGE, "A stanza of more than %d elements", TESS_PARSER_MAX_ELEMENTS);

  return self->error == NULL;
}

static void
start_element_cb (void *data, const XML_Char *joined, const XML_Char **attributes)
{
  TessParser          *self = data;
  g_autoptr (TessNode) node = NULL;
  TessNode            *added;
  const char          *ns;
  gsize                ns_length;
  const char          *name;

  if (!go_on (self) || !is_within_limits (self) || !split (self, joined, &ns, &ns_length, &name))
    return;
  added = tess_node_add_parsed (self->current, name, ns != NULL ? ns : "", ns_length);
  if (self->current == NULL)
    node = added;
  if (!set_attributes (self, added, attributes))
    return;

  if (self->depth++ == 0)
    {
      self->boundary = self->progress;
      self->elements = 0;
      push (self, TESS_PARSER_OPENED, g_steal_pointer (&node));
      return;
    }
  node = NULL;
  self->current = added;
}

static void
end_element_cb (void *data, const XML_Char *joined)
{
  TessParser *self = data;
  TessNode   *parent;

  if (!go_on (self))
    return;

  if (--self->depth == 0)
    {
      self->boundary = self->progress;
      push (self, TESS_PARSER_CLOSED, NULL);
      return;
    }
  parent = tess_node_get_parent (self->current);
  if (parent == NULL)
    {
      self->boundary = self->progress;
      self->elements = 0;
      push (self, TESS_PARSER_STANZA, g_steal_pointer (&self->current));
      return;
    }
  self->current = parent;
}

static gboolean
is_white_space (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (strchr (" \t\r\n", text[i]) == NULL)
      return FALSE;

  return TRUE;
}

static void
character_data_cb (void *data, const XML_Char *text, int length)
{
  TessParser *self = data;

  if (!go_on (self))
    return;

  if (self->current != NULL)
    tess_node_append_text (self->current, text, length);
  else if (is_white_space (text, (gsize) length))
    self->boundary = self->progress;
  else
    fail (self, TESS_XMPP_ERROR_NOT_WELL_FORMED, "Text between the stanzas");
}

static void
cdata_cb (void *data)
{
  go_on (data);
}

static void
xml_declaration_cb (void *data, const XML_Char *version, const XML_Char *encoding, int standalone)
{
  TessParser *self = data;

  if (!go_on (self))
    return;
  if (encoding != NULL && g_ascii_strcasecmp (encoding, "UTF-8") != 0)
    fail (self, TESS_XMPP_ERROR_NOT_WELL_FORMED, "XML that is not in UTF-8");
}

static void
restricted (TessParser *self)
{
  fail (self, TESS_XMPP_ERROR_RESTRICTED_XML, "XML that a stream must not hold");
}

static void
doctype_cb (void *data, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
  restricted (data);
}

static void
entity_cb (void           *data,
           const XML_Char *name,
           int             is_parameter,
           const XML_Char *value,
           int             length,
           const XML_Char *base,
           const XML_Char *system,
           const XML_Char *public,
           const XML_Char *notation)
{
  restricted (data);
}

static void
instruction_cb (void *data, const XML_Char *target, const XML_Char *text)
{
  restricted (data);
}

static void
comment_cb (void *data, const XML_Char *text)
{
  restricted (data);
}

TessParser *
tess_parser_new (gsize limit)
{
  TessParser *self = g_new0 (TessParser, 1);

  self->expat = XML_ParserCreateNS ("UTF-8", SEPARATOR);
  g_assert (self->expat != NULL);
  self->last = &self->first;
  self->held = g_byte_array_new ();
  self->limit = limit;

#if HAVE_XML_SET_REPARSE_DEFERRAL
  XML_SetReparseDeferralEnabled (self->expat, XML_FALSE);
#endif
  XML_SetUserData (self->expat, self);
  XML_SetElementHandler (self->expat, start_element_cb, end_element_cb);
  XML_SetCharacterDataHandler (self->expat, character_data_cb);
  XML_SetCdataSectionHandler (self->expat, cdata_cb, cdata_cb);
  XML_SetXmlDeclHandler (self->expat, xml_declaration_cb);
  XML_SetStartDoctypeDeclHandler (self->expat, doctype_cb);
  XML_SetEntityDeclHandler (self->expat, entity_cb);
  XML_SetProcessingInstructionHandler (self->expat, instruction_cb);
  XML_SetCommentHandler (self->expat, comment_cb);

  return self;
}

void
tess_parser_free (TessParser *self)
{
  if (self == NULL)
    return;

  while (self->current != NULL && tess_node_get_parent (self->current) != NULL)
    self->current = tess_node_get_parent (self->current);
  tess_node_free (self->current);
  while (self->first != NULL)
    {
      Event *next = self->first->next;

      tess_node_free (self->first->node);
      g_free (self->first);
      self->first = next;
    }
  g_byte_array_unref (self->held);
  g_clear_error (&self->error);
  XML_ParserFree (self->expat);
  g_free (self);
}

void
tess_parser_set_limit (TessParser *self, gsize limit)
{
  self->limit = limit;
}

static void
fail_by_expat (TessParser *self)
{
  enum XML_Error code = XML_GetErrorCode (self->expat);

  switch (code)
    {
    case XML_ERROR_UNDEFINED_ENTITY:
    case XML_ERROR_EXTERNAL_ENTITY_HANDLING:
    case XML_ERROR_RECURSIVE_ENTITY_REF:
      restricted (self);
      break;
    default:
      fail (self, TESS_XMPP_ERROR_NOT_WELL_FORMED, "XML that is not well-formed: %s", XML_ErrorString (code));
    }
}

static void
give (TessParser *self, const guint8 *bytes, gsize length)
{
  guint64 before = self->progress;

  for (gsize done = 0; done < length && self->error == NULL;)
    {
      gsize part = MIN (length - done, SLICE);

      if (XML_Parse (self->expat, (const char *) bytes + done, (int) part, 0) == XML_STATUS_ERROR)
        fail_by_expat (self);
      done += part;
    }

  if (self->progress > before)
    self->vain = 0;
  else if (self->given - self->progress > SMALL_TOKEN)
    self->vain++;
}

/* Whether it is worth while to let expat look at the unfinished token again, with @bytes that it has not seen. */
static gboolean
is_due (TessParser *self, const guint8 *bytes, gsize length)
{
  guint64 unfinished = self->given - self->progress;

  if (unfinished <= SMALL_TOKEN)
    return TRUE;
  if (length >= unfinished / GROWTH_DIVISOR)
    return TRUE;

  return self->vain < VAIN_TRIES && memchr (bytes, '>', length) != NULL;
}

static void
take (TessParser *self, const guint8 *bytes, gsize length)
{
  gboolean over;

  self->given += length;
  over = self->given - self->boundary > self->limit;
  if (self->held->len == 0 && (over || is_due (self, bytes, length)))
    {
      give (self, bytes, length);
      return;
    }

  g_byte_array_append (self->held, bytes, (guint) length);
  if (over || is_due (self, self->held->data, self->held->len))
    {
      give (self, self->held->data, self->held->len);
      g_byte_array_set_size (self->held, 0);
    }
}

/* None of the others is ever in UTF-8 text; they are how expat would find UTF-16 by itself. */
static gsize
count_plausible (const guint8 *bytes, gsize length)
{
  static const guint8 others[] = { 0x00, 0xfe, 0xff };

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      const guint8 *found = memchr (bytes, others[i], length);

      if (found != NULL)
        length = (gsize) (found - bytes);
    }

  return length;
}

gboolean
tess_parser_feed (TessParser *self, const guint8 *bytes, gsize length, GError **error)
{
  gsize plausible = count_plausible (bytes, length);

  for (gsize done = 0; done < plausible && self->error == NULL;)
    {
      gsize part = MIN (plausible - done, SLICE);

      take (self, bytes + done, part);
      done += part;
      if (self->error == NULL && self->given - self->boundary > self->limit)
        fail (self, TESS_XMPP_ERROR_TOO_LARGE, "A stanza of more than %" G_GSIZE_FORMAT " bytes", self->limit);
    }
  if (self->error == NULL && plausible < length)
    fail (self, TESS_XMPP_ERROR_NOT_WELL_FORMED, "Bytes that are not UTF-8");

  if (self->error == NULL)
    return TRUE;
  if (error != NULL)
    *error = g_error_copy (self->error);
  return FALSE;
}

TessParserEvent
tess_parser_next (TessParser *self, TessNode **node)
{
  Event          *event = self->first;
  TessParserEvent kind;

  *node = NULL;
  if (event == NULL)
    return TESS_PARSER_NOTHING;

  self->first = event->next;
  if (self->first == NULL)
    self->last = &self->first;
  *node = event->node;
  kind = event->kind;
  self->fetched = event->end;
  g_free (event);

  return kind;
}

gboolean
tess_parser_is_drained (TessParser *self)
{
  return self->first == NULL && self->fetched == self->given;
}

guint
tess_parser_get_depth (TessParser *self)
{
  return self->depth;
}

static gboolean
feed_text (TessParser *self, const char *text, gssize length, GError **error)
{
  return tess_parser_feed (self, (const guint8 *) text, length < 0 ? strlen (text) : (gsize) length, error);
}

TessNode *
tess_node_parse (const char *xml, gssize length, const char *outer_ns, GError **error)
{
  /* A root of our own around it; the content cannot close it unseen, as nothing may follow a root. */
  g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
  g_autofree char       *start = g_markup_printf_escaped ("<x xmlns='%s'>", outer_ns != NULL ? outer_ns : "");
  g_autoptr (TessNode)   root = NULL;
  g_autoptr (TessNode)   node = NULL;
  g_autoptr (TessNode)   rest = NULL;

  if (!feed_text (parser, start, -1, error) || !feed_text (parser, xml, length, error) ||
      !feed_text (parser, "</x>", -1, error))
    return NULL;

  if (tess_parser_next (parser, &root) == TESS_PARSER_OPENED &&
      tess_parser_next (parser, &node) == TESS_PARSER_STANZA &&
      tess_parser_next (parser, &rest) == TESS_PARSER_CLOSED)
    return g_steal_pointer (&node);

  g_set_error_literal (error, TESS_XMPP_ERROR, TESS_XMPP_ERROR_NOT_WELL_FORMED, "Not one whole element");
  return NULL;
}
