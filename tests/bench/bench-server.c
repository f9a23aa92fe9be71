/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "bench-server.h"

#include "base/tess-time.h"
#include "bench.h"
#include "tess-script-server.h"
#include "xmpp/tess-parser.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_CONNECTIONS 200
#define MOST_ON_A_PAGE 250 /* as ejabberd; Prosody has 50 */
#define NS_SM "urn:xmpp:sm:3"
#define NS_MAM "urn:xmpp:mam:2"
#define NS_RSM "http://jabber.org/protocol/rsm"
#define NS_DISCO "http://jabber.org/protocol/disco#info"
#define NS_PUBSUB "http://jabber.org/protocol/pubsub"
#define NS_TIME "urn:xmpp:time"
#define NS_FORM "jabber:x:data"

/* What both processes see. */
typedef struct
{
  gint64 asked; /* atomic enough: written once */
  int    port;
  int    delay_ms;
  int    pages;
} Shared;

struct _BenchServer
{
  pid_t   child;
  Shared *shared;
};

/* The child's side. */
typedef struct
{
  Shared     *shared;
  char       *address;
  GPtrArray  *archive;
  gint64      first_us;
  GIOStream  *io;
  guint       handled;
  GHashTable  *chats;  /* address -> GArray of guint: which of the archive are of that chat */
  GAsyncQueue *wire;   /* of Late */
  GThread     *writer; /* nullable */
} Serving;

/* What is written later, as on a wire that is long: everything late by the same, and nothing waits for anything else. */
typedef struct
{
  gint64  due_us; /* monotonic; 0: this connection ends */
  GBytes *bytes;
} Late;

static void
put (Serving *self, const char *xml, gsize length)
{
  Late *late;

  if (self->writer == NULL)
    {
      /* A client that left reads nothing; the next one comes. */
      g_output_stream_write_all (g_io_stream_get_output_stream (self->io), xml, length, NULL, NULL, NULL);
      return;
    }
  late = g_new0 (Late, 1);
  late->due_us = g_get_monotonic_time () + self->shared->delay_ms * G_TIME_SPAN_MILLISECOND;
  late->bytes = g_bytes_new (xml, length);
  g_async_queue_push (self->wire, late);
}

static gpointer
write_late (gpointer data)
{
  Serving *self = data;

  for (;;)
    {
      g_autofree Late    *late = g_async_queue_pop (self->wire);
      g_autoptr (GBytes)  bytes = late->bytes;
      gint64              wait = late->due_us - g_get_monotonic_time ();

      if (bytes == NULL)
        return NULL;
      if (wait > 0)
        g_usleep ((gulong) wait);
      g_output_stream_write_all (g_io_stream_get_output_stream (self->io), g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL,
                                 NULL, NULL);
    }
}

static void
end_writer (Serving *self)
{
  if (self->writer == NULL)
    return;
  g_async_queue_push (self->wire, g_new0 (Late, 1));
  g_thread_join (g_steal_pointer (&self->writer));
}

static void G_GNUC_PRINTF (2, 3)
putf (Serving *self, const char *format, ...)
{
  g_autofree char *xml = NULL;
  va_list          args;

  va_start (args, format);
  xml = g_strdup_vprintf (format, args);
  va_end (args);
  put (self, xml, strlen (xml));
}

static void
answer (Serving *self, const TessNode *iq, const char *payload)
{
  const char *to = tess_node_get (iq, "to");

  putf (self, "<iq type='result' id='%s' from='%s'>%s</iq>", tess_node_get (iq, "id"), to != NULL ? to : self->address,
        payload);
}

void
bench_server_write_page (GString *out, const char *address, const char *queryid, GPtrArray *archive, guint start, guint end,
                         gint64 first_us)
{
  for (guint i = start; i < end; i++)
    {
      g_autofree char *stamp = tess_time_format (first_us + (gint64) i * G_USEC_PER_SEC);

      g_string_append_printf (out,
                              "<message from='%s' to='%s/r1'><result xmlns='" NS_MAM "' queryid='%s' id='a-%08u'>"
                              "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='%s'/>",
                              address, address, queryid, i, stamp);
      g_string_append (out, g_ptr_array_index (archive, i));
      g_string_append (out, "</forwarded></result></message>");
    }
}

/* The chat that is asked for. (nullable) */
static const char *
get_with (const TessNode *query)
{
  const TessNode *form = tess_node_child (query, "x", NS_FORM);

  for (const TessNode *field = tess_node_child (form, "field", NS_FORM); field != NULL; field = tess_node_next (field, "field", NS_FORM))
    if (g_strcmp0 (tess_node_get (field, "var"), "with") == 0)
      return tess_node_child_text (field, "value", NS_FORM);
  return NULL;
}

/* Which of the archive are of that chat. (transfer none) */
static GArray *
find_chat (Serving *self, const char *with)
{
  GArray          *chat = g_hash_table_lookup (self->chats, with);
  g_autofree char *from = g_strdup_printf ("from='%s", with);
  g_autofree char *to = g_strdup_printf ("to='%s", with);

  if (chat != NULL)
    return chat;
  chat = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < self->archive->len; i++)
    {
      const char *xml = g_ptr_array_index (self->archive, i);

      if (strstr (xml, from) != NULL || strstr (xml, to) != NULL)
        g_array_append_val (chat, i);
    }
  g_hash_table_insert (self->chats, g_strdup (with), chat);
  return chat;
}

/* How many of them stand before the place of that id in the archive. */
static guint
count_before (GArray *chat, guint index)
{
  guint low = 0;
  guint high = chat->len;

  while (low < high)
    {
      guint middle = (low + high) / 2;

      if (g_array_index (chat, guint, middle) < index)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static guint
get_index (const char *id)
{
  return (guint) g_ascii_strtoull (id + 2, NULL, 10);
}

static void
answer_archive (Serving *self, const TessNode *iq, const TessNode *query)
{
  const TessNode     *set = tess_node_child (query, "set", NS_RSM);
  const char         *after = tess_node_child_text (set, "after", NS_RSM);
  const char         *before = tess_node_child_text (set, "before", NS_RSM);
  gboolean            backwards = tess_node_child (set, "before", NS_RSM) != NULL;
  const char         *most = tess_node_child_text (set, "max", NS_RSM);
  guint               max = most != NULL ? MIN ((guint) atoi (most), MOST_ON_A_PAGE) : MOST_ON_A_PAGE;
  GArray             *chat = find_chat (self, get_with (query) != NULL ? get_with (query) : "");
  guint               start = 0;
  guint               end = chat->len;
  g_autoptr (GString) out = g_string_sized_new (128 * 1024);

  if (self->shared->asked == 0)
    self->shared->asked = bench_now_ns ();
  self->shared->pages++;
  if (before != NULL && *before != '\0')
    end = count_before (chat, get_index (before));
  if (after != NULL && *after != '\0')
    start = count_before (chat, get_index (after) + 1);
  if (backwards)
    start = MAX (start, end > max ? end - max : 0);
  else
    end = MIN (end, start + max);

  for (guint i = start; i < end; i++)
    bench_server_write_page (out, self->address, tess_node_get (query, "queryid"), self->archive, g_array_index (chat, guint, i),
                             g_array_index (chat, guint, i) + 1, self->first_us);
  g_string_append_printf (out, "<iq type='result' id='%s' from='%s'><fin xmlns='" NS_MAM "'%s><set xmlns='" NS_RSM "'>",
                          tess_node_get (iq, "id"), self->address,
                          (backwards ? start == 0 : end == chat->len) ? " complete='true'" : "");
  if (end > start)
    g_string_append_printf (out, "<first>a-%08u</first><last>a-%08u</last>", g_array_index (chat, guint, start),
                            g_array_index (chat, guint, end - 1));
  g_string_append_printf (out, "<count>%u</count></set></fin></iq>", chat->len);
  put (self, out->str, out->len);
}

static void
answer_time (Serving *self, const TessNode *iq)
{
  g_autofree char *utc = tess_time_format (g_get_real_time ());
  g_autofree char *text = g_strdup_printf ("<time xmlns='" NS_TIME "'><tzo>+00:00</tzo><utc>%s</utc></time>", utc);

  answer (self, iq, text);
}

static void
handle_request (Serving *self, const TessNode *iq)
{
  const TessNode  *payload = tess_node_child (iq, NULL, NULL);
  const char      *ns = payload != NULL ? tess_node_get_ns (payload) : "";
  g_autofree char *text = NULL;

  if (g_str_equal (ns, "urn:ietf:params:xml:ns:xmpp-bind"))
    {
      text = g_strdup_printf ("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>%s/r1</jid></bind>", self->address);
      answer (self, iq, text);
    }
  else if (g_str_equal (ns, NS_MAM))
    answer_archive (self, iq, payload);
  else if (g_str_equal (ns, NS_TIME))
    answer_time (self, iq);
  else if (g_str_equal (ns, "jabber:iq:roster"))
    answer (self, iq, "<query xmlns='jabber:iq:roster'/>");
  else if (g_str_equal (ns, NS_DISCO))
    answer (self, iq,
            "<query xmlns='" NS_DISCO "'><identity category='account' type='registered'/><feature var='" NS_DISCO "'/>"
            "<feature var='urn:xmpp:sid:0'/><feature var='" NS_MAM "'/></query>");
  else if (g_str_equal (ns, NS_PUBSUB) && tess_node_child (payload, "items", NULL) != NULL)
    putf (self,
          "<iq type='error' id='%s' from='%s'><error type='cancel'>"
          "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
          tess_node_get (iq, "id"), tess_node_get (iq, "to") != NULL ? tess_node_get (iq, "to") : self->address);
  else
    answer (self, iq, "");
}

static void
handle (Serving *self, const TessNode *node)
{
  const char *type = tess_node_get (node, "type");

  if (g_str_equal (tess_node_get_ns (node), "jabber:client"))
    self->handled++;
  if (tess_node_is (node, "enable", NS_SM))
    {
      self->handled = 0;
      putf (self, "<enabled xmlns='" NS_SM "' id='sm1' resume='true' max='300'/>");
    }
  else if (tess_node_is (node, "r", NS_SM))
    putf (self, "<a xmlns='" NS_SM "' h='%u'/>", self->handled);
  else if (tess_node_is (node, "iq", "jabber:client") && (g_strcmp0 (type, "get") == 0 || g_strcmp0 (type, "set") == 0))
    handle_request (self, node);
}

static gboolean
handle_all (Serving *self, TessParser *parser)
{
  TessNode       *node;
  TessParserEvent event;

  while ((event = tess_parser_next (parser, &node)) != TESS_PARSER_NOTHING)
    {
      G_GNUC_UNUSED g_autoptr (TessNode) owned = node;

      if (event == TESS_PARSER_STANZA)
        handle (self, node);
      else if (event == TESS_PARSER_CLOSED)
        {
          putf (self, "</stream:stream>");
          return FALSE;
        }
    }
  return TRUE;
}

/* As servers do; TESS_BENCH_NAGLE makes it one that does not. */
static void
send_at_once (GIOStream *io)
{
  g_autoptr (GIOStream) base = NULL;

  if (g_getenv ("TESS_BENCH_NAGLE") != NULL)
    return;
  g_object_get (io, "base-io-stream", &base, NULL);
  g_socket_set_option (g_socket_connection_get_socket (G_SOCKET_CONNECTION (base)), IPPROTO_TCP, TCP_NODELAY, 1, NULL);
}

static void
serve (GIOStream *io, const char *rest, GCancellable *cancellable, gpointer user_data)
{
  static const char      root[] = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  Serving               *self = user_data;
  g_autoptr (TessParser) parser = tess_parser_new (TESS_PARSER_LIMIT);
  char                   buffer[4096];
  gssize                 length;

  self->io = io;
  send_at_once (io);
  if (self->shared->delay_ms > 0)
    self->writer = g_thread_new ("wire", write_late, self);
  tess_parser_feed (parser, (const guint8 *) root, strlen (root), NULL);
  tess_parser_feed (parser, (const guint8 *) rest, strlen (rest), NULL);
  putf (self, TESS_SCRIPT_HEADER "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='" NS_SM "'/>"
                                 "</stream:features>");
  while (handle_all (self, parser) &&
         (length = g_input_stream_read (g_io_stream_get_input_stream (io), buffer, sizeof buffer, cancellable, NULL)) > 0)
    tess_parser_feed (parser, (const guint8 *) buffer, (gsize) length, NULL);
  end_writer (self);
}

static void G_GNUC_NORETURN
run_child (Shared *shared, const char *address, GPtrArray *archive, gint64 first_us)
{
  static const TessScriptStep login[] = {
    TESS_SCRIPT_UP_TO_LOGIN,
    { TESS_SCRIPT_SERVE, NULL },
    { TESS_SCRIPT_CLOSE, NULL },
  };
  Serving           serving = { .shared = shared, .archive = archive, .first_us = first_us };
  TessScriptStep   *steps = g_new0 (TessScriptStep, MOST_CONNECTIONS * G_N_ELEMENTS (login) + 1);
  TessScriptServer *script;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  serving.address = g_strdup (address);
  serving.chats = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_array_unref);
  serving.wire = g_async_queue_new ();
  for (gsize i = 0; i < MOST_CONNECTIONS; i++)
    memcpy (steps + i * G_N_ELEMENTS (login), login, sizeof login);
  script = tess_script_server_new_serving (steps, serve, &serving);
  g_atomic_int_set (&shared->port, tess_script_server_get_port (script));
  for (;;)
    pause ();
}

BenchServer *
bench_server_new (const char *address, GPtrArray *archive, gint64 first_us)
{
  BenchServer *self = g_new0 (BenchServer, 1);

  self->shared = mmap (NULL, sizeof *self->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_assert (self->shared != MAP_FAILED);
  self->child = fork ();
  g_assert_cmpint (self->child, >=, 0);
  if (self->child == 0)
    run_child (self->shared, address, archive, first_us);
  while (g_atomic_int_get (&self->shared->port) == 0)
    g_usleep (1000);

  return self;
}

void
bench_server_free (BenchServer *self)
{
  kill (self->child, SIGKILL);
  waitpid (self->child, NULL, 0);
  munmap (self->shared, sizeof *self->shared);
  g_free (self);
}

guint16
bench_server_get_port (BenchServer *self)
{
  return (guint16) g_atomic_int_get (&self->shared->port);
}

gint64
bench_server_get_asked (BenchServer *self)
{
  return self->shared->asked;
}

guint
bench_server_get_pages (BenchServer *self)
{
  return (guint) self->shared->pages;
}

void
bench_server_set_delay (BenchServer *self, guint milliseconds)
{
  self->shared->delay_ms = (int) milliseconds;
}

void
bench_server_reset (BenchServer *self)
{
  self->shared->asked = 0;
  self->shared->pages = 0;
}
