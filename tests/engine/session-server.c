/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "session-server.h"

#include "base/tess-time.h"
#include "xmpp/tess-parser.h"

#include <pthread.h>
#include <string.h>

#define MOST_CONNECTIONS 200
#define PATIENCE_SECONDS 60
#define NS_SM "urn:xmpp:sm:3"
#define NS_MAM "urn:xmpp:mam:2"
#define NS_PUBSUB "http://jabber.org/protocol/pubsub"
#define NS_DISCO "http://jabber.org/protocol/disco#info"
#define NS_RSM "http://jabber.org/protocol/rsm"

typedef struct
{
  char *id;
  char *stamp;
  char *xml;
} Archived;

struct _SessionServer
{
  TessScriptServer *script;
  TessScriptStep   *steps; /* nullable: ours */
  char             *address;
  pthread_mutex_t   mutex; /* what follows; not GLib's, which ThreadSanitizer does not see */
  guint             flags;
  GIOStream        *io; /* nullable: nobody is signed in */
  GString          *log;
  GHashTable       *refused; /* namespace -> condition, "" for silence */
  char             *roster;
  GHashTable       *requests; /* bare addresses that ask to see the account, and are not answered yet */
  gboolean          present;  /* the session has sent its presence */
  GPtrArray        *archive;
  gint64            clock_us; /* how far its clock is ahead */
  guint             kept_sent; /* in it, of what was sent */
  guint             page_size;
  guint             cut_page;
  guint             pages;
  gboolean          keeps;
  guint             kept;
  SessionServerCut  cut;
  guint             oddities;
  guint             cut_at; /* so many of ours are acknowledged then; 0: no cut is due */
  guint             connections;
  guint             most_items;
  char             *prefs; /* nullable */
  guint             syncs;
  /* Stream management. */
  char    *session; /* nullable: what can be resumed */
  gboolean managed;
  guint    handled;
  gboolean loses; /* what comes in is not counted */
  gboolean mutes; /* what comes in after a resumption is not heard */
  gboolean mute;
  GQueue   unacked;
  guint    acked;
};

static pthread_mutex_t items_mutex = PTHREAD_MUTEX_INITIALIZER;
static GHashTable     *items; /* "owner node" -> payload */

static void
archived_free (gpointer data)
{
  Archived *self = data;

  g_free (self->id);
  g_free (self->stamp);
  g_free (self->xml);
  g_free (self);
}

static gboolean
give_up_cb (gpointer data)
{
  g_error ("Waited in vain for: %s", (const char *) data);
  return G_SOURCE_REMOVE;
}

GSource *
session_patience_new (const char *what)
{
  GSource *source = g_timeout_source_new_seconds (PATIENCE_SECONDS);

  g_source_set_callback (source, give_up_cb, (gpointer) what, NULL);
  g_source_attach (source, NULL);
  return source;
}

void
session_patience_free (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* ---- Items ---- */

void
session_server_set_item (const char *owner, const char *node, const char *payload)
{
  g_autofree char *key = g_strconcat (owner, " ", node, NULL);

  pthread_mutex_lock (&items_mutex);
  if (items == NULL)
    items = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (payload != NULL)
    g_hash_table_insert (items, g_steal_pointer (&key), g_strdup (payload));
  else
    g_hash_table_remove (items, key);
  pthread_mutex_unlock (&items_mutex);
}

char *
session_server_get_item (const char *owner, const char *node)
{
  g_autofree char *key = g_strconcat (owner, " ", node, NULL);
  char            *payload = NULL;

  pthread_mutex_lock (&items_mutex);
  if (items != NULL)
    payload = g_strdup (g_hash_table_lookup (items, key));
  pthread_mutex_unlock (&items_mutex);
  return payload;
}

void
session_server_forget_items (void)
{
  pthread_mutex_lock (&items_mutex);
  g_clear_pointer (&items, g_hash_table_unref);
  pthread_mutex_unlock (&items_mutex);
}

static GHashTable *
copy_table (GHashTable *table)
{
  GHashTable    *copy = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer       key;
  gpointer       value;

  if (table == NULL)
    return copy;
  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (copy, g_strdup (key), g_strdup (value));
  return copy;
}

GHashTable *
session_server_copy_items (void)
{
  GHashTable *copy;

  pthread_mutex_lock (&items_mutex);
  copy = copy_table (items);
  pthread_mutex_unlock (&items_mutex);
  return copy;
}

void
session_server_set_items (GHashTable *wanted)
{
  pthread_mutex_lock (&items_mutex);
  g_clear_pointer (&items, g_hash_table_unref);
  items = copy_table (wanted);
  pthread_mutex_unlock (&items_mutex);
}

/* ---- Writing; with the mutex ---- */

static gboolean
is_stanza (const char *xml)
{
  return g_str_has_prefix (xml, "<message") || g_str_has_prefix (xml, "<presence") || g_str_has_prefix (xml, "<iq");
}

static void
put (SessionServer *self, const char *xml)
{
  g_autoptr (GError) error = NULL;

  if (self->managed && is_stanza (xml))
    g_queue_push_tail (&self->unacked, g_strdup (xml));
  /* A client that is gone reads nothing; the server's thread hears of it by itself. */
  if (self->io != NULL)
    g_output_stream_write_all (g_io_stream_get_output_stream (self->io), xml, strlen (xml), NULL, NULL, &error);
}

static void G_GNUC_PRINTF (2, 3)
putf (SessionServer *self, const char *format, ...)
{
  g_autofree char *xml = NULL;
  va_list          args;

  va_start (args, format);
  xml = g_strdup_vprintf (format, args);
  va_end (args);
  put (self, xml);
}

static void
shut (SessionServer *self)
{
  g_autoptr (GIOStream) base = NULL;

  if (self->io == NULL)
    return;
  if (G_IS_TLS_CONNECTION (self->io))
    g_object_get (self->io, "base-io-stream", &base, NULL);
  else
    base = g_object_ref (self->io);
  g_socket_shutdown (g_socket_connection_get_socket (G_SOCKET_CONNECTION (base)), TRUE, TRUE, NULL);
}

/* ---- Answers; with the mutex ---- */

static void
answer (SessionServer *self, const TessNode *iq, const char *payload)
{
  const char *to = tess_node_get (iq, "to");

  putf (self, "<iq type='result' id='%s' from='%s'>%s</iq>", tess_node_get (iq, "id"), to != NULL ? to : self->address,
        payload);
}

static void
answer_error (SessionServer *self, const TessNode *iq, const char *condition)
{
  const char *to = tess_node_get (iq, "to");

  putf (self,
        "<iq type='error' id='%s' from='%s'><error type='cancel'><%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        "</error></iq>",
        tess_node_get (iq, "id"), to != NULL ? to : self->address, condition);
}

static const char *
get_field (const TessNode *query, const char *name)
{
  const TessNode *form = tess_node_child (query, "x", "jabber:x:data");

  for (const TessNode *field = tess_node_child (form, "field", NULL); field != NULL; field = tess_node_next (field, "field", NULL))
    if (g_strcmp0 (tess_node_get (field, "var"), name) == 0)
      return tess_node_child_text (field, "value", NULL);
  return NULL;
}

static gboolean
is_wanted (const Archived *item, const char *with, gint64 start_us, gint64 end_us)
{
  g_autofree char *from = g_strdup_printf ("from='%s", with);
  g_autofree char *to = g_strdup_printf ("to='%s", with);
  gint64           time_us = 0;

  g_assert_true (tess_time_parse (item->stamp, &time_us));
  return time_us >= start_us && time_us <= end_us &&
         (with == NULL || strstr (item->xml, from) != NULL || strstr (item->xml, to) != NULL);
}

static gboolean
find_archived (SessionServer *self, const char *id, guint *index)
{
  for (guint i = 0; i < self->archive->len; i++)
    if (g_str_equal (((const Archived *) g_ptr_array_index (self->archive, i))->id, id))
      {
        *index = i;
        return TRUE;
      }
  return FALSE;
}

/* Of whoever `with` in the form names, or all; and within the times and the ids. (element-type Archived), borrowed; NULL: an id is not
 * known. @count: of the whole set. */
static GPtrArray *
filter_archive (SessionServer *self, const TessNode *query, guint *count)
{
  g_autoptr (GPtrArray) filtered = g_ptr_array_new ();
  const TessNode       *set = tess_node_child (query, "set", NS_RSM);
  const char           *after = tess_node_child_text (set, "after", NS_RSM);
  const char           *before = tess_node_child_text (set, "before", NS_RSM);
  gint64                start_us = G_MININT64;
  gint64                end_us = G_MAXINT64;
  guint                 from = 0;
  guint                 to = self->archive->len;

  tess_time_parse (get_field (query, "start"), &start_us);
  tess_time_parse (get_field (query, "end"), &end_us);
  if (after != NULL && !find_archived (self, after, &from))
    return NULL;
  if (before != NULL && *before != '\0' && !find_archived (self, before, &to))
    return NULL;
  *count = 0;
  for (guint i = 0; i < self->archive->len; i++)
    {
      const Archived *item = g_ptr_array_index (self->archive, i);

      if (!is_wanted (item, get_field (query, "with"), start_us, end_us))
        continue;
      ++*count;
      if (i < to && (after == NULL || i > from))
        g_ptr_array_add (filtered, (gpointer) item);
    }
  return g_steal_pointer (&filtered);
}

static void
put_result (SessionServer *self, const TessNode *query, const Archived *item)
{
  putf (self,
        "<message from='%s'><result xmlns='" NS_MAM "' queryid='%s' id='%s'><forwarded xmlns='urn:xmpp:forward:0'>"
        "<delay xmlns='urn:xmpp:delay' stamp='%s'/>%s</forwarded></result></message>",
        self->address, tess_node_get (query, "queryid"), item->id, item->stamp, item->xml);
}

/* Only when all of it has come: what lies unread when a connection is cut may be lost. */
static void
cut_soon (SessionServer *self)
{
  self->cut_at = self->acked + g_queue_get_length (&self->unacked);
  putf (self, "<r xmlns='" NS_SM "'/>");
}

static void
answer_archive (SessionServer *self, const TessNode *iq, const TessNode *query)
{
  const TessNode       *set = tess_node_child (query, "set", NS_RSM);
  gboolean              backwards = tess_node_child (set, "before", NS_RSM) != NULL;
  g_autoptr (GPtrArray) archive = NULL;
  guint64               max = self->oddities & SESSION_SERVER_IGNORES_MAX ? G_MAXUINT32 : 100;
  guint                 count = 0;
  guint                 start;
  guint                 end;
  gboolean              cut;
  g_autoptr (GString)   fin = g_string_new (NULL);

  if (!(self->flags & SESSION_SERVER_ARCHIVE))
    {
      answer_error (self, iq, "service-unavailable");
      return;
    }
  cut = ++self->pages == self->cut_page;
  if (cut && self->cut == SESSION_SERVER_CUT_SILENT)
    return;
  archive = filter_archive (self, query, &count);
  if (archive == NULL)
    {
      answer_error (self, iq, "item-not-found");
      return;
    }
  if (tess_node_child_text (set, "max", NS_RSM) != NULL && !(self->oddities & SESSION_SERVER_IGNORES_MAX))
    max = g_ascii_strtoull (tess_node_child_text (set, "max", NS_RSM), NULL, 10);
  if (self->page_size != 0)
    max = MIN (max, self->page_size);
  start = backwards && archive->len > max ? archive->len - (guint) max : 0;
  end = backwards ? archive->len : MIN ((guint) max, archive->len);

  for (guint i = start; i < end; i++)
    {
      if (cut && (self->cut == SESSION_SERVER_CUT_BEGIN || (self->cut == SESSION_SERVER_CUT_WITHIN && i >= (start + end) / 2)))
        break;
      put_result (self, query, g_ptr_array_index (archive, i));
      if (self->oddities & SESSION_SERVER_TELLS_TWICE)
        put_result (self, query, g_ptr_array_index (archive, i));
    }
  if (cut && self->cut != SESSION_SERVER_CUT_AFTER)
    {
      cut_soon (self);
      return;
    }
  if (end > start && !(self->oddities & SESSION_SERVER_NO_ENDS))
    g_string_printf (fin, "<first>%s</first><last>%s</last>", ((Archived *) g_ptr_array_index (archive, start))->id,
                     ((Archived *) g_ptr_array_index (archive, end - 1))->id);
  g_string_prepend (fin, "<set xmlns='" NS_RSM "'>");
  if (!(self->oddities & SESSION_SERVER_NO_COUNT))
    g_string_append_printf (fin, "<count>%u</count>", count);
  g_string_append (fin, "</set></fin>");
  g_string_prepend (fin, (backwards ? start == 0 : end == archive->len) ? "<fin xmlns='" NS_MAM "' complete='true'>"
                                                                        : "<fin xmlns='" NS_MAM "'>");
  answer (self, iq, fin->str);
  if (cut)
    cut_soon (self);
}

static void
answer_items (SessionServer *self, const TessNode *iq, const char *node)
{
  const char      *to = tess_node_get (iq, "to");
  g_autofree char *payload = session_server_get_item (to != NULL ? to : self->address, node);
  g_autofree char *text = NULL;

  if (payload == NULL)
    {
      answer_error (self, iq, "item-not-found");
      return;
    }
  if (g_str_has_prefix (payload, "<item "))
    text = g_strdup_printf ("<pubsub xmlns='" NS_PUBSUB "'><items node='%s'>%s</items></pubsub>", node, payload);
  else
    text = g_strdup_printf ("<pubsub xmlns='" NS_PUBSUB "'><items node='%s'><item id='current'>%s</item></items></pubsub>",
                            node, payload);
  answer (self, iq, text);
}

/* Whether @options want more items than there may be. */
static gboolean
wants_too_many (SessionServer *self, const TessNode *options)
{
  const TessNode *form = tess_node_child (options, "x", "jabber:x:data");

  if (self->most_items == 0)
    return FALSE;

  for (TESS_NODE_EACH (field, form, "field", NULL))
    {
      const char *value = tess_node_child_text (field, "value", NULL);

      if (g_strcmp0 (tess_node_get (field, "var"), "pubsub#max_items") == 0)
        return g_str_equal (value, "max") || g_ascii_strtoull (value, NULL, 10) > self->most_items;
    }
  return FALSE;
}

static void
answer_pubsub (SessionServer *self, const TessNode *iq, const TessNode *pubsub)
{
  const TessNode *wanted = tess_node_child (pubsub, "items", NULL);
  const TessNode *publish = tess_node_child (pubsub, "publish", NULL);
  const TessNode *item = tess_node_child (publish, "item", NULL);

  if (wanted != NULL)
    {
      answer_items (self, iq, tess_node_get (wanted, "node"));
      return;
    }
  if (wants_too_many (self, tess_node_child (pubsub, "publish-options", NULL)))
    {
      answer_error (self, iq, "not-acceptable");
      return;
    }
  if (item != NULL)
    {
      g_autofree char *payload = tess_node_to_string (tess_node_child (item, NULL, NULL), NS_PUBSUB);

      /* Where it stands alone it has no outer namespace. */
      session_server_set_item (self->address, tess_node_get (publish, "node"), payload);
    }
  answer (self, iq, "");
}

static void
answer_prefs (SessionServer *self, const TessNode *iq, const TessNode *prefs)
{
  if (self->prefs == NULL)
    {
      answer_error (self, iq, "feature-not-implemented");
      return;
    }
  if (g_str_equal (tess_node_get (iq, "type"), "set"))
    {
      g_free (self->prefs);
      self->prefs = tess_node_to_string (prefs, NULL);
    }
  answer (self, iq, self->prefs);
}

static void
answer_disco (SessionServer *self, const TessNode *iq)
{
  g_autofree char *text = g_strdup_printf (
    "<query xmlns='" NS_DISCO "'><identity category='account' type='registered'/><feature var='" NS_DISCO "'/>%s%s%s</query>",
    self->flags & SESSION_SERVER_STAMPS ? "<feature var='urn:xmpp:sid:0'/>" : "",
    self->flags & SESSION_SERVER_ARCHIVE ? "<feature var='" NS_MAM "'/>" : "",
    self->flags & SESSION_SERVER_PRIVATE ? "<feature var='" NS_PUBSUB "#publish-options'/>" : "");

  answer (self, iq, text);
}

static void
answer_time (SessionServer *self, const TessNode *iq)
{
  g_autofree char *utc = tess_time_format (g_get_real_time () + self->clock_us);
  g_autofree char *text = g_strdup_printf ("<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>%s</utc></time>", utc);

  answer (self, iq, text);
}

static void
handle_request (SessionServer *self, const TessNode *iq)
{
  const TessNode  *payload = tess_node_child (iq, NULL, NULL);
  const char      *ns = payload != NULL ? tess_node_get_ns (payload) : "";
  const char      *refused = g_hash_table_lookup (self->refused, ns);
  g_autofree char *text = NULL;

  if (refused != NULL && *refused == '\0')
    return;
  if (refused != NULL)
    answer_error (self, iq, refused);
  else if (g_str_equal (ns, "urn:ietf:params:xml:ns:xmpp-bind"))
    {
      self->present = FALSE;
      text = g_strdup_printf ("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>%s/r1</jid></bind>", self->address);
      answer (self, iq, text);
    }
  else if (g_str_equal (ns, "jabber:iq:roster") && g_str_equal (tess_node_get (iq, "type"), "get"))
    {
      text = g_strdup_printf ("<query xmlns='jabber:iq:roster'>%s</query>", self->roster);
      answer (self, iq, text);
    }
  else if (g_str_equal (ns, NS_MAM) && tess_node_is (payload, "prefs", NS_MAM))
    answer_prefs (self, iq, payload);
  else if (g_str_equal (ns, NS_MAM))
    answer_archive (self, iq, payload);
  else if (g_str_equal (ns, NS_PUBSUB))
    answer_pubsub (self, iq, payload);
  else if (g_str_equal (ns, NS_DISCO))
    answer_disco (self, iq);
  else if (g_str_equal (ns, "urn:xmpp:time"))
    answer_time (self, iq);
  else if (wants_too_many (self, tess_node_child (payload, "configure", NULL)))
    answer_error (self, iq, "not-acceptable");
  else
    answer (self, iq, "");
}

/* ---- Stream management; with the mutex ---- */

static void
take_ack (SessionServer *self, const TessNode *node)
{
  guint64 h = 0;

  tess_node_get_uint (node, "h", G_MAXUINT32, &h);
  for (; self->acked < h && !g_queue_is_empty (&self->unacked); self->acked++)
    g_free (g_queue_pop_head (&self->unacked));
}

static void
enable (SessionServer *self)
{
  static guint last;

  g_free (self->session);
  self->session = g_strdup_printf ("sm%u", ++last);
  self->managed = TRUE;
  self->handled = 0;
  self->acked = 0;
  g_queue_clear_full (&self->unacked, g_free);
  putf (self, "<enabled xmlns='" NS_SM "' id='%s' resume='true' max='300'/>", self->session);
}

static void
resume (SessionServer *self, const TessNode *node)
{
  if (!(self->flags & SESSION_SERVER_RESUMES) || g_strcmp0 (tess_node_get (node, "previd"), self->session) != 0)
    {
      put (self, "<failed xmlns='" NS_SM "'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
      return;
    }
  take_ack (self, node);
  putf (self, "<resumed xmlns='" NS_SM "' h='%u' previd='%s'/>", self->handled, self->session);
  self->mute = self->mutes;
  self->managed = FALSE;
  for (GList *l = self->unacked.head; l != NULL; l = l->next)
    put (self, l->data);
  self->managed = TRUE;
}

/* ---- The thread ---- */

static void
add_archived (SessionServer *self, const char *id, const char *stamp, const char *xml)
{
  Archived *item = g_new0 (Archived, 1);

  item->id = g_strdup (id);
  item->stamp = g_strdup (stamp);
  item->xml = g_strdup (xml);
  g_ptr_array_add (self->archive, item);
}

static char *
archive_next (SessionServer *self, const char *message)
{
  char            *id = g_strdup_printf ("k%06u", ++self->kept);
  g_autofree char *stamp = tess_time_format (g_get_real_time () + self->clock_us);

  add_archived (self, id, stamp, message);
  return id;
}

/* With whole seconds, as servers stamp. */
static void
archive_sent (SessionServer *self, const char *message)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char      *stamp = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  g_autofree char      *id = g_strdup_printf ("o%u", ++self->kept_sent);

  add_archived (self, id, stamp, message);
}

static void
put_request (SessionServer *self, const char *from)
{
  putf (self, "<presence type='subscribe' from='%s'/>", from);
}

/* RFC 6121 section 3.1.3: whoever asks is told of in each session until that is answered. */
static void
take_presence (SessionServer *self, const TessNode *presence)
{
  const char    *type = tess_node_get (presence, "type");
  const char    *to = tess_node_get (presence, "to");
  GHashTableIter iter;
  gpointer       from;

  if (to != NULL && (g_strcmp0 (type, "subscribed") == 0 || g_strcmp0 (type, "unsubscribed") == 0))
    g_hash_table_remove (self->requests, to);
  if (type != NULL || to != NULL || self->present)
    return;
  self->present = TRUE;
  g_hash_table_iter_init (&iter, self->requests);
  while (g_hash_table_iter_next (&iter, &from, NULL))
    put_request (self, from);
}

/* What the client sent, in either way in which a test wants it kept. */
static void
keep (SessionServer *self, const TessNode *node, const char *text)
{
  g_autofree char *xml = NULL;

  if (!tess_node_is (node, "message", "jabber:client") || tess_node_child (node, "body", NULL) == NULL)
    return;
  xml = g_strdup_printf ("<message xmlns='jabber:client' from='%s/r1' %s", self->address, text + strlen ("<message "));
  if (self->keeps)
    g_free (archive_next (self, xml));
  if (self->flags & SESSION_SERVER_KEEPS)
    archive_sent (self, xml);
}

static void
handle (SessionServer *self, const TessNode *node)
{
  g_autofree char *text = tess_node_to_string (node, "jabber:client");
  const char      *type = tess_node_get (node, "type");

  if (self->mute)
    return;
  g_string_append_printf (self->log, "%s\n", text);
  if (is_stanza (text) && !self->loses)
    self->handled++;
  keep (self, node, text);

  if (tess_node_is (node, "enable", NS_SM))
    enable (self);
  else if (tess_node_is (node, "resume", NS_SM))
    resume (self, node);
  else if (tess_node_is (node, "r", NS_SM) && (self->flags & SESSION_SERVER_ACKS))
    putf (self, "<a xmlns='" NS_SM "' h='%u'/>", self->handled);
  else if (tess_node_is (node, "a", NS_SM))
    {
      take_ack (self, node);
      if (self->cut_at != 0 && self->acked >= self->cut_at)
        {
          self->cut_at = 0;
          shut (self);
        }
    }
  else if (tess_node_is (node, "presence", "jabber:client"))
    take_presence (self, node);
  else if (tess_node_is (node, "iq", "jabber:client") && (g_strcmp0 (type, "get") == 0 || g_strcmp0 (type, "set") == 0))
    handle_request (self, node);
}

static gboolean
handle_all (SessionServer *self, TessParser *parser)
{
  TessNode       *node;
  TessParserEvent event;

  while ((event = tess_parser_next (parser, &node)) != TESS_PARSER_NOTHING)
    {
      G_GNUC_UNUSED g_autoptr (TessNode) owned = node;

      pthread_mutex_lock (&self->mutex);
      if (event == TESS_PARSER_STANZA)
        handle (self, node);
      else if (event == TESS_PARSER_CLOSED)
        {
          g_string_append (self->log, "</stream:stream>\n");
          put (self, "</stream:stream>");
        }
      pthread_mutex_unlock (&self->mutex);
      g_main_context_wakeup (NULL);
      if (event == TESS_PARSER_CLOSED)
        return FALSE;
    }
  return TRUE;
}

static void
serve (GIOStream *io, const char *rest, GCancellable *cancellable, gpointer user_data)
{
  static const char      root[] = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  SessionServer         *self = user_data;
  g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
  g_autoptr (GError)     error = NULL;
  char                   buffer[4096];
  gssize                 length;

  tess_parser_feed (parser, (const guint8 *) root, strlen (root), NULL);
  tess_parser_feed (parser, (const guint8 *) rest, strlen (rest), NULL);
  pthread_mutex_lock (&self->mutex);
  self->io = io;
  self->managed = self->loses = self->mute = FALSE;
  self->connections++;
  putf (self,
        TESS_SCRIPT_HEADER "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>%s%s</stream:features>",
        self->flags & SESSION_SERVER_MANAGEMENT ? "<sm xmlns='" NS_SM "'/>" : "",
        self->flags & SESSION_SERVER_CSI ? "<csi xmlns='urn:xmpp:csi:0'/>" : "");
  pthread_mutex_unlock (&self->mutex);

  while (handle_all (self, parser) &&
         (length = g_input_stream_read (g_io_stream_get_input_stream (io), buffer, sizeof buffer, cancellable, &error)) > 0)
    tess_parser_feed (parser, (const guint8 *) buffer, (gsize) length, NULL);

  pthread_mutex_lock (&self->mutex);
  self->io = NULL;
  pthread_mutex_unlock (&self->mutex);
  g_main_context_wakeup (NULL);
}

/* ---- For the test ---- */

static TessScriptStep *
usual_steps (void)
{
  static const TessScriptStep login[] = {
    TESS_SCRIPT_UP_TO_LOGIN,
    { TESS_SCRIPT_SERVE, NULL },
    { TESS_SCRIPT_CLOSE, NULL },
  };
  TessScriptStep *steps = g_new0 (TessScriptStep, MOST_CONNECTIONS * G_N_ELEMENTS (login) + 1);

  for (gsize i = 0; i < MOST_CONNECTIONS; i++)
    memcpy (steps + i * G_N_ELEMENTS (login), login, sizeof login);
  return steps;
}

SessionServer *
session_server_new (const char *address, const TessScriptStep *steps)
{
  SessionServer *self = g_new0 (SessionServer, 1);

  pthread_mutex_init (&self->mutex, NULL);
  g_queue_init (&self->unacked);
  self->address = g_strdup (address);
  self->flags = SESSION_SERVER_USUAL;
  self->log = g_string_new (NULL);
  self->refused = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->requests = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->roster = g_strdup ("");
  self->archive = g_ptr_array_new_with_free_func (archived_free);
  if (steps == NULL)
    steps = self->steps = usual_steps ();
  self->script = tess_script_server_new_serving (steps, serve, self);

  return self;
}

void
session_server_free (SessionServer *self)
{
  tess_script_server_stop (self->script);
  g_free (self->steps);
  g_free (self->address);
  g_string_free (self->log, TRUE);
  g_hash_table_unref (self->refused);
  g_hash_table_unref (self->requests);
  g_free (self->roster);
  g_free (self->prefs);
  g_ptr_array_unref (self->archive);
  g_free (self->session);
  g_queue_clear_full (&self->unacked, g_free);
  pthread_mutex_destroy (&self->mutex);
  g_free (self);
}

guint16
session_server_get_port (SessionServer *self)
{
  return tess_script_server_get_port (self->script);
}

typedef pthread_mutex_t Locker;

static void
locker_end (Locker *mutex)
{
  pthread_mutex_unlock (mutex);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Locker, locker_end)

static Locker *
locker_begin (Locker *mutex)
{
  pthread_mutex_lock (mutex);
  return mutex;
}

#define LOCKED(self) G_GNUC_UNUSED g_autoptr (Locker) locker = locker_begin (&(self)->mutex)

void
session_server_set (SessionServer *self, guint flags)
{
  LOCKED (self);

  self->flags = flags;
}

void
session_server_refuse (SessionServer *self, const char *ns, const char *condition)
{
  LOCKED (self);

  g_hash_table_insert (self->refused, g_strdup (ns), g_strdup (condition != NULL ? condition : ""));
}

void
session_server_set_roster (SessionServer *self, const char *roster)
{
  LOCKED (self);

  g_free (self->roster);
  self->roster = g_strdup (roster);
}

void
session_server_archive (SessionServer *self, const char *id, const char *stamp, const char *message)
{
  LOCKED (self);

  add_archived (self, id, stamp, message);
}

char *
session_server_get_kept (SessionServer *self, guint n)
{
  g_autofree char *id = g_strdup_printf ("o%u", n);
  LOCKED (self);

  for (guint i = 0; i < self->archive->len; i++)
    {
      const Archived *item = g_ptr_array_index (self->archive, i);

      if (g_str_equal (item->id, id))
        return g_strdup (item->xml);
    }
  return NULL;
}

char *
session_server_archive_next (SessionServer *self, const char *message)
{
  LOCKED (self);

  return archive_next (self, message);
}

void
session_server_keep (SessionServer *self)
{
  LOCKED (self);

  self->keeps = TRUE;
}

guint
session_server_count_archived (SessionServer *self, const char *text)
{
  guint count = 0;
  LOCKED (self);

  for (guint i = 0; i < self->archive->len; i++)
    count += strstr (((const Archived *) g_ptr_array_index (self->archive, i))->xml, text) != NULL;
  return count;
}

void
session_server_clear_archive (SessionServer *self)
{
  LOCKED (self);

  g_ptr_array_set_size (self->archive, 0);
}

void
session_server_expire (SessionServer *self, const char *id)
{
  guint index = 0;
  LOCKED (self);

  g_assert_true (find_archived (self, id, &index));
  g_ptr_array_remove_index (self->archive, index);
}

void
session_server_set_cut (SessionServer *self, SessionServerCut cut)
{
  LOCKED (self);

  self->cut = cut;
}

guint
session_server_get_pages (SessionServer *self)
{
  LOCKED (self);

  return self->pages;
}

void
session_server_set_oddities (SessionServer *self, guint oddities)
{
  LOCKED (self);

  self->oddities = oddities;
}

void
session_server_forget_session (SessionServer *self)
{
  LOCKED (self);

  g_clear_pointer (&self->session, g_free);
}

void
session_server_mute (SessionServer *self)
{
  LOCKED (self);

  self->mutes = TRUE;
}

void
session_server_lose (SessionServer *self)
{
  LOCKED (self);

  self->loses = TRUE;
}

void
session_server_set_pages (SessionServer *self, guint size, guint cut)
{
  LOCKED (self);

  self->page_size = size;
  self->cut_page = cut;
}

void
session_server_set_clock (SessionServer *self, gint64 ahead_us)
{
  LOCKED (self);

  self->clock_us = ahead_us;
}

void
session_server_set_prefs (SessionServer *self, const char *prefs)
{
  LOCKED (self);

  g_free (self->prefs);
  self->prefs = g_strdup (prefs);
}

void
session_server_set_most_items (SessionServer *self, guint most)
{
  LOCKED (self);

  self->most_items = most;
}

void
session_server_send (SessionServer *self, const char *xml)
{
  LOCKED (self);

  /* Amid a login there is no session yet, or it is to be resumed. */
  if (self->io != NULL && !self->managed && (self->flags & SESSION_SERVER_MANAGEMENT))
    g_queue_push_tail (&self->unacked, g_strdup (xml));
  else
    put (self, xml);
}

void
session_server_request (SessionServer *self, const char *from)
{
  LOCKED (self);

  g_hash_table_add (self->requests, g_strdup (from));
  if (self->present)
    put_request (self, from);
}

void
session_server_sync (SessionServer *self)
{
  g_autofree char *ping = NULL;
  g_autofree char *id = NULL;

  pthread_mutex_lock (&self->mutex);
  id = g_strdup_printf ("id='sync-%u'", ++self->syncs);
  pthread_mutex_unlock (&self->mutex);
  ping = g_strdup_printf ("<iq type='get' %s from='a.test'><ping xmlns='urn:xmpp:ping'/></iq>", id);
  session_server_send (self, ping);
  SESSION_WAIT (session_server_has (self, id));
}

void
session_server_cut (SessionServer *self)
{
  LOCKED (self);

  shut (self);
}

void
session_server_clear (SessionServer *self)
{
  LOCKED (self);

  g_string_truncate (self->log, 0);
}

char *
session_server_get (SessionServer *self)
{
  LOCKED (self);

  return g_strdup (self->log->str);
}

guint
session_server_count (SessionServer *self, const char *text)
{
  guint count = 0;
  LOCKED (self);

  for (const char *p = self->log->str; (p = strstr (p, text)) != NULL; p += strlen (text))
    count++;
  return count;
}

gboolean
session_server_has (SessionServer *self, const char *text)
{
  LOCKED (self);

  return strstr (self->log->str, text) != NULL;
}

char *
session_server_find (SessionServer *self, const char *text, const char *other)
{
  g_autofree char *log = session_server_get (self);
  g_auto (GStrv)   lines = g_strsplit (log, "\n", -1);

  for (gsize i = 0; lines[i] != NULL; i++)
    if (strstr (lines[i], text) != NULL && strstr (lines[i], other) != NULL)
      return g_strdup (lines[i]);
  return NULL;
}

guint
session_server_connections (SessionServer *self)
{
  LOCKED (self);

  return self->connections;
}

guint
session_server_get_step (SessionServer *self)
{
  return tess_script_server_get_step (self->script);
}
