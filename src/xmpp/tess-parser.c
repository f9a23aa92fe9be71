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
 * the tag has ended, or has grown by a part of itself. */
#define SMALL_TOKEN 1024
#define GROWTH_DIVISOR 16

/* expat keeps something of each open element, also of those that are left out. */
#define SKIP_DEPTH 100000
/* expat writes a namespace out for each attribute that has one, also where the stanza is left out: so much for each byte of patience. A
 * message as large as servers let one be (256 KiB) reaches half of it. */
#define SKIP_NAMESPACES 256

/* Where in an unfinished token the last byte stands. */
typedef enum
{
  SCAN_TEXT,
  SCAN_START, /* behind "<" */
  SCAN_TAG,
  SCAN_SINGLE, /* between quotes, where ">" has no meaning */
  SCAN_DOUBLE,
  SCAN_DECLARATION, /* behind "<!" */
  SCAN_COMMENT,     /* ends with "-->" */
  SCAN_INSTRUCTION, /* ends with "?>" */
} Scan;

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
  gsize       patience; /* 0: what is beyond the limits is an error */
  TessNode   *skipped;  /* the start tag of the stanza that is being left out; mostly NULL */
  guint       depth;
  guint       elements;
  guint64     namespaces; /* bytes of them, each as often as it is used in the stanza */
  guint64     given;    /* bytes that came in */
  guint64     progress; /* bytes that expat has reported */
  guint64     boundary; /* where the last stanza, or white space, ended */
  guint64     fetched;  /* the end of the last fetched event */
  GByteArray *held;     /* not yet given to expat */
  Scan        scan;
  guint8      scanned[2]; /* the last two bytes */
  gboolean    token_ends; /* in what is held */
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

static void
free_current (TessParser *self)
{
  while (self->current != NULL && tess_node_get_parent (self->current) != NULL)
    self->current = tess_node_get_parent (self->current);
  g_clear_pointer (&self->current, tess_node_free);
}

static TessNode *
copy_start_tag (const TessNode *node)
{
  static const char *const names[] = { "type", "id", "from", "to" };
  TessNode                *copy = tess_node_new (tess_node_get_name (node), tess_node_get_ns (node));

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    tess_node_set (copy, names[i], tess_node_get (node, names[i]));

  return copy;
}

/* A stanza is beyond a limit. With patience it is left out, and what was built of it is freed: a contact whose message
 * cannot be taken must not be able to end the stream at each login. */
static void
too_large (TessParser *self, const char *what, gint64 limit)
{
  const TessNode *top = self->current;

  if (self->skipped != NULL)
    return;
  if (self->patience == 0 || top == NULL)
    {
      fail (self, TESS_XMPP_ERROR_TOO_LARGE, "%s: more than %" G_GINT64_FORMAT, what, limit);
      return;
    }
  while (tess_node_get_parent (top) != NULL)
    top = tess_node_get_parent (top);
  self->skipped = copy_start_tag (top);
  free_current (self);
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
    too_large (self, "bytes in a stanza", (gint64) self->limit);

  return self->error == NULL;
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
  self->namespaces += *ns_length;
  for (p = *name; *p != '\0' && *p != SEPARATOR && *p != ':'; p++)
    continue;
  if (*p == '\0' && p != *name)
    return TRUE;

  fail (self, TESS_XMPP_ERROR_NOT_WELL_FORMED, "A name that is none");
  return FALSE;
}

static void
count_skipped_namespaces (TessParser *self, const XML_Char **attributes)
{
  for (const XML_Char **a = attributes; *a != NULL; a += 2)
    {
      const char *separator = strchr (*a, SEPARATOR);

      self->namespaces += separator != NULL ? (guint64) (separator - *a) : 0;
    }
  if (self->namespaces / SKIP_NAMESPACES > self->patience)
    fail (self, TESS_XMPP_ERROR_TOO_LARGE, "bytes of namespaces in a stanza that is left out");
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
          too_large (self, "attributes of an element", TESS_PARSER_MAX_ATTRIBUTES);
          return FALSE;
        }
      if (!split (self, a[0], &parsed[count].ns, &parsed[count].ns_length, &parsed[count].name))
        return FALSE;
      parsed[count].value = a[1];
    }
  /* One long namespace and thousands of names with its prefix: a few bytes each on the wire, and all of it each time in a tree. */
  if (self->namespaces > TESS_PARSER_MAX_NAMESPACES)
    {
      too_large (self, "bytes of namespaces in a stanza", TESS_PARSER_MAX_NAMESPACES);
      return FALSE;
    }
  tess_node_take_parsed (node, parsed, count);

  return TRUE;
}

static gboolean
is_within_limits (TessParser *self)
{
  if (self->depth >= TESS_PARSER_MAX_DEPTH)
    too_large (self, "depth", TESS_PARSER_MAX_DEPTH);
  else if (++self->elements > TESS_PARSER_MAX_ELEMENTS)
    too_large (self, "elements in a stanza", TESS_PARSER_MAX_ELEMENTS);
  if (self->depth >= SKIP_DEPTH)
    fail (self, TESS_XMPP_ERROR_TOO_LARGE, "depth: more than %d", SKIP_DEPTH);

  return self->error == NULL;
}

static void
start_root (TessParser *self, const char *name, const char *ns, gsize ns_length, const XML_Char **attributes)
{
  g_autoptr (TessNode) root = tess_node_add_parsed (NULL, name, ns, ns_length);

  self->depth++;
  self->boundary = self->progress;
  self->elements = 0;
  self->namespaces = 0;
  if (set_attributes (self, root, attributes))
    push (self, TESS_PARSER_OPENED, g_steal_pointer (&root));
}

static void
start_element_cb (void *data, const XML_Char *joined, const XML_Char **attributes)
{
  TessParser *self = data;
  const char *ns;
  gsize       ns_length;
  const char *name;

  if (!go_on (self) || !is_within_limits (self))
    return;
  if (self->skipped != NULL)
    {
      self->depth++;
      count_skipped_namespaces (self, attributes);
      return;
    }
  if (!split (self, joined, &ns, &ns_length, &name))
    return;
  if (ns == NULL)
    ns = "";
  if (self->depth == 0)
    {
      start_root (self, name, ns, ns_length, attributes);
      return;
    }
  self->current = tess_node_add_parsed (self->current, name, ns, ns_length);
  self->depth++;
  set_attributes (self, self->current, attributes);
}

static void
end_stanza (TessParser *self)
{
  self->boundary = self->progress;
  self->elements = 0;
  self->namespaces = 0;
  if (self->skipped != NULL)
    push (self, TESS_PARSER_SKIPPED, g_steal_pointer (&self->skipped));
  else
    push (self, TESS_PARSER_STANZA, g_steal_pointer (&self->current));
}

static void
end_element_cb (void *data, const XML_Char *joined)
{
  TessParser *self = data;

  if (!go_on (self))
    return;

  if (--self->depth == 0)
    {
      self->boundary = self->progress;
      push (self, TESS_PARSER_CLOSED, NULL);
    }
  else if (self->depth == 1)
    {
      end_stanza (self);
    }
  else if (self->skipped == NULL)
    {
      self->current = tess_node_get_parent (self->current);
    }
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

  if (self->skipped != NULL)
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

  free_current (self);
  tess_node_free (self->skipped);
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

void
tess_parser_set_patience (TessParser *self, gsize patience)
{
  self->patience = patience;
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

/* Follows an unfinished token, so that its end is known without asking expat at each piece. */
static void
scan_byte (TessParser *self, guint8 byte)
{
  switch (self->scan)
    {
    case SCAN_TEXT:
      if (byte == '<')
        self->scan = SCAN_START;
      break;
    case SCAN_START:
      self->scan = byte == '!' ? SCAN_DECLARATION : byte == '?' ? SCAN_INSTRUCTION : SCAN_TAG;
      break;
    case SCAN_DECLARATION:
    case SCAN_TAG:
      if (byte == '-' && self->scan == SCAN_DECLARATION && self->scanned[1] == '!')
        self->scan = SCAN_COMMENT;
      else if (byte == '\'' || byte == '"')
        self->scan = byte == '"' ? SCAN_DOUBLE : SCAN_SINGLE;
      else if (byte == '>')
        self->token_ends = TRUE;
      break;
    case SCAN_SINGLE:
    case SCAN_DOUBLE:
      if (byte == (self->scan == SCAN_DOUBLE ? '"' : '\''))
        self->scan = SCAN_TAG;
      break;
    case SCAN_COMMENT:
      if (byte == '>' && self->scanned[0] == '-' && self->scanned[1] == '-')
        self->token_ends = TRUE;
      break;
    case SCAN_INSTRUCTION:
    default:
      if (byte == '>' && self->scanned[1] == '?')
        self->token_ends = TRUE;
    }
  self->scanned[0] = self->scanned[1];
  self->scanned[1] = byte;
}

static void
scan (TessParser *self, const guint8 *bytes, gsize length)
{
  for (gsize i = 0; i < length; i++)
    scan_byte (self, bytes[i]);
}

/* @followed: whether the bytes were scanned before. */
static void
give (TessParser *self, const guint8 *bytes, gsize length, gboolean followed)
{
  guint64 unfinished;

  for (gsize done = 0; done < length && self->error == NULL;)
    {
      /* What was held back is one token mostly, which expat would scan anew at each piece. */
      gsize part = followed ? length : MIN (length - done, SLICE);

      if (XML_Parse (self->expat, (const char *) bytes + done, (int) part, 0) == XML_STATUS_ERROR)
        fail_by_expat (self);
      done += part;
    }

  /* What expat has not reported is the start of a token; a longer one goes on where it was. */
  unfinished = self->given - self->progress;
  if (unfinished <= length)
    {
      self->scan = SCAN_TEXT;
      scan (self, bytes + length - unfinished, unfinished);
    }
  else if (!followed)
    {
      scan (self, bytes, length);
    }
  self->token_ends = FALSE;
}

/* Whether it is worth while to let expat look at the unfinished token again, with @length bytes that it has not seen. */
static gboolean
is_due (TessParser *self, gsize length)
{
  guint64 unfinished = self->given - self->progress;

  return unfinished <= SMALL_TOKEN || self->token_ends || length >= unfinished / GROWTH_DIVISOR;
}

static void
take (TessParser *self, const guint8 *bytes, gsize length)
{
  gboolean over;

  self->given += length;
  over = self->skipped == NULL && self->given - self->boundary > self->limit; /* expat shall see it, to tell where it stands */
  if (self->held->len == 0 && (over || is_due (self, length)))
    {
      give (self, bytes, length, FALSE);
      return;
    }

  scan (self, bytes, length);
  g_byte_array_append (self->held, bytes, (guint) length);
  if (over || is_due (self, self->held->len))
    {
      give (self, self->held->data, self->held->len, TRUE);
      g_byte_array_set_size (self->held, 0);
    }
}

/* A stanza that is left out may be longer than others, but no tag of it: expat keeps that whole. */
static void
check_size (TessParser *self)
{
  gsize longest = MAX (self->limit, self->patience);

  if (self->error == NULL && self->given - self->boundary > longest)
    fail (self, TESS_XMPP_ERROR_TOO_LARGE, "bytes in a stanza: more than %" G_GSIZE_FORMAT, longest);
  if (self->error == NULL && self->given - self->progress > self->limit)
    fail (self, TESS_XMPP_ERROR_TOO_LARGE, "bytes in a tag: more than %" G_GSIZE_FORMAT, self->limit);
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
      check_size (self);
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
