/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "tess-xmpp"

#include "config.h"

#include "xmpp/tess-router.h"

#include "base/tess-id.h"
#include "base/tess-source.h"
#include "xmpp/tess-xmpp-error.h"

#include <string.h>

#define NS_CLIENT "jabber:client"
#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define DEFAULT_TIMEOUT_SECONDS 60

/* The same few addresses stand on nearly all stanzas, and to prepare one costs more than to parse it. A power of two. */
#define KNOWN_ADDRESSES 64

typedef struct
{
  guint          id;
  TessStanzaKind kind;
  int            priority;
  char          *payload_name;
  char          *payload_ns;
  TessStanzaFunc function; /* NULL: removed while stanzas are handed out */
  gpointer       user_data;
} Handler;

typedef struct
{
  TessRouter   *router; /* unowned */
  guint         serial;
  char         *id;
  TessJid      *to; /* NULL: the account */
  GSource      *timeout;
  TessReplyFunc reply;
  gpointer      user_data;
} Request;

typedef struct
{
  char    *text; /* as it stood in a stanza; NULL: nothing here */
  TessJid *jid;
} Known;

struct _TessRouter
{
  TessJid           *address;
  TessRouterSendFunc send;
  gpointer           user_data;
  GPtrArray         *handlers; /* by falling priority, then by age */
  GHashTable        *by_id;    /* unowned id -> unowned Request */
  GHashTable        *by_serial; /* serial -> Request */
  guint              last_handler;
  guint              last_serial;
  guint              dispatching;
  gboolean           has_removed;
  TessClock          clock;
  Known              known[KNOWN_ADDRESSES]; /* by the hash of the text; a later one takes the place */
};

TessClock *
tess_router_get_clock (TessRouter *self)
{
  return &self->clock;
}

static void
handler_free (gpointer data)
{
  Handler *handler = data;

  g_free (handler->payload_name);
  g_free (handler->payload_ns);
  g_free (handler);
}

static void
request_free (gpointer data)
{
  Request *request = data;

  tess_source_clear (&request->timeout);
  g_clear_pointer (&request->to, tess_jid_unref);
  g_free (request->id);
  g_free (request);
}

TessRouter *
tess_router_new (TessJid *account, TessRouterSendFunc send, gpointer user_data)
{
  TessRouter *self = g_new0 (TessRouter, 1);

  self->address = tess_jid_ref (account);
  self->send = send;
  self->user_data = user_data;
  self->handlers = g_ptr_array_new_with_free_func (handler_free);
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->by_serial = g_hash_table_new_full (NULL, NULL, NULL, request_free);

  return self;
}

void
tess_router_free (TessRouter *self)
{
  if (self == NULL)
    return;

  tess_router_fail_all (self);
  g_hash_table_unref (self->by_id);
  g_hash_table_unref (self->by_serial);
  g_ptr_array_unref (self->handlers);
  for (guint i = 0; i < KNOWN_ADDRESSES; i++)
    {
      g_free (self->known[i].text);
      g_clear_pointer (&self->known[i].jid, tess_jid_unref);
    }
  tess_jid_unref (self->address);
  g_free (self);
}

void
tess_router_set_address (TessRouter *self, TessJid *full)
{
  TessJid *old = self->address;

  self->address = tess_jid_ref (full);
  tess_jid_unref (old);
}

TessJid *
tess_router_get_address (TessRouter *self)
{
  return self->address;
}

gboolean
tess_router_is_own_bare (TessRouter *self, const TessJid *from)
{
  return from != NULL && tess_jid_is_bare (from) && tess_jid_bare_equal (from, self->address);
}

guint
tess_router_add_handler (TessRouter    *self,
                         TessStanzaKind kind,
                         int            priority,
                         const char    *payload_name,
                         const char    *payload_ns,
                         TessStanzaFunc handler,
                         gpointer       user_data)
{
  Handler *added = g_new0 (Handler, 1);
  guint    place = 0;

  added->id = ++self->last_handler;
  added->kind = kind;
  added->priority = priority;
  added->payload_name = g_strdup (payload_name);
  added->payload_ns = g_strdup (payload_ns);
  added->function = handler;
  added->user_data = user_data;
  while (place < self->handlers->len &&
         ((Handler *) g_ptr_array_index (self->handlers, place))->priority >= priority)
    place++;
  g_ptr_array_insert (self->handlers, (int) place, added);

  return added->id;
}

static void
sweep_handlers (TessRouter *self)
{
  for (guint i = self->handlers->len; i > 0; i--)
    if (((Handler *) g_ptr_array_index (self->handlers, i - 1))->function == NULL)
      g_ptr_array_remove_index (self->handlers, i - 1);
  self->has_removed = FALSE;
}

void
tess_router_remove_handler (TessRouter *self, guint id)
{
  for (guint i = 0; i < self->handlers->len; i++)
    {
      Handler *handler = g_ptr_array_index (self->handlers, i);

      if (handler->id != id)
        continue;
      handler->function = NULL;
      self->has_removed = TRUE;
    }
  if (self->dispatching == 0)
    sweep_handlers (self);
}

/* The handlers that there are now, as a handler may add and remove some. */
static guint
pick_handlers (TessRouter *self, TessStanzaKind kind, Handler **picked)
{
  guint n = 0;

  for (guint i = 0; i < self->handlers->len; i++)
    {
      Handler *handler = g_ptr_array_index (self->handlers, i);

      if (handler->kind == kind && handler->function != NULL)
        picked[n++] = handler;
    }

  return n;
}

static gboolean
offer (TessRouter *self, TessStanza *stanza)
{
  Handler **handlers = g_newa (Handler *, self->handlers->len + 1); /* a few dozen, all of them ours */
  guint     n = pick_handlers (self, stanza->kind, handlers);
  gboolean  handled = FALSE;

  self->dispatching++;
  for (guint i = 0; i < n && !handled; i++)
    {
      Handler *handler = handlers[i];
      gboolean asks = handler->payload_name != NULL || handler->payload_ns != NULL;

      if (handler->function == NULL)
        continue;
      stanza->payload = asks ? tess_node_child (stanza->node, handler->payload_name, handler->payload_ns) : NULL;
      if (asks && stanza->payload == NULL)
        continue;
      handled = handler->function (stanza, handler->user_data);
    }
  if (--self->dispatching == 0 && self->has_removed)
    sweep_handlers (self);

  return handled;
}

/* Whether an answer from @from may be one to @request (RFC 6120 section 8.1.2.1): our own server answers
 * for the account under several names, anybody else under the one that was asked. */
static gboolean
is_answer_from (TessRouter *self, const Request *request, const TessJid *from)
{
  if (request->to != NULL && tess_jid_equal (request->to, from))
    return TRUE;
  if (request->to != NULL && !tess_router_is_own_bare (self, request->to))
    return FALSE;

  return tess_jid_equal (from, self->address) || tess_router_is_own_bare (self, from) ||
         (tess_jid_get_local (from) == NULL && tess_jid_is_bare (from) &&
          g_str_equal (tess_jid_get_domain (from), tess_jid_get_domain (self->address)));
}

/* The request is forgotten before its function runs: it may ask anew or free what it belongs to. */
static void
finish (TessRouter *self, Request *request, const TessNode *reply, const GError *error)
{
  TessReplyFunc function = request->reply;
  gpointer      user_data = request->user_data;

  tess_router_forget (self, request->serial);
  if (function != NULL)
    function (reply, error, user_data);
}

static void
dispatch_answer (TessRouter *self, const TessStanza *stanza)
{
  Request          *request = stanza->id != NULL ? g_hash_table_lookup (self->by_id, stanza->id) : NULL;
  g_autoptr (GError) error = NULL;

  if (request == NULL || !is_answer_from (self, request, stanza->from))
    {
      g_debug ("An answer that nobody waits for was dropped");
      return;
    }
  if (g_str_equal (stanza->type, "error"))
    error = tess_xmpp_error_new_from_stanza (stanza->node);
  finish (self, request, error == NULL ? stanza->node : NULL, error);
}

static guint
count_children (const TessNode *node)
{
  guint count = 0;

  for (TESS_NODE_EACH (child, node, NULL, NULL))
    count++;

  return count;
}

static void
dispatch_request (TessRouter *self, TessStanza *stanza)
{
  if (stanza->id == NULL)
    g_debug ("A request without an id was dropped");
  else if (count_children (stanza->node) != 1)
    tess_router_reply_error (self, stanza, "modify", "bad-request");
  else if (!offer (self, stanza))
    tess_router_reply_error (self, stanza, "cancel", "service-unavailable");
}

static void
dispatch_prepared (TessRouter *self, TessStanza *stanza)
{
  const char *name = tess_node_get_name (stanza->node);

  if (g_str_equal (name, "message"))
    {
      stanza->kind = TESS_STANZA_MESSAGE;
      if (stanza->type == NULL)
        stanza->type = "normal";
      offer (self, stanza);
    }
  else if (g_str_equal (name, "presence"))
    {
      stanza->kind = TESS_STANZA_PRESENCE;
      if (stanza->type == NULL)
        stanza->type = "available";
      offer (self, stanza);
    }
  else if (!g_str_equal (name, "iq") || stanza->type == NULL)
    {
      g_debug ("A stanza of no known kind was dropped");
    }
  else if (g_str_equal (stanza->type, "get") || g_str_equal (stanza->type, "set"))
    {
      stanza->kind = g_str_equal (stanza->type, "get") ? TESS_STANZA_IQ_GET : TESS_STANZA_IQ_SET;
      dispatch_request (self, stanza);
    }
  else if (g_str_equal (stanza->type, "result") || g_str_equal (stanza->type, "error"))
    {
      dispatch_answer (self, stanza);
    }
}

TessJid *
tess_router_prepare (TessRouter *self, const char *text)
{
  Known   *known = &self->known[g_str_hash (text) % KNOWN_ADDRESSES];
  TessJid *jid;

  if (known->text != NULL && strcmp (known->text, text) == 0)
    return tess_jid_ref (known->jid);

  jid = tess_jid_new (text, NULL);
  if (jid == NULL)
    return NULL;
  g_free (known->text);
  g_clear_pointer (&known->jid, tess_jid_unref);
  known->text = g_strdup (text);
  known->jid = tess_jid_ref (jid);

  return jid;
}

void
tess_router_dispatch (TessRouter *self, const TessNode *node)
{
  const char          *from_text = tess_node_get (node, "from");
  const char          *to_text = tess_node_get (node, "to");
  g_autoptr (TessJid)  from = NULL;
  g_autoptr (TessJid)  to = NULL;
  TessStanza           stanza = { 0 };

  if (!g_str_equal (tess_node_get_ns (node), NS_CLIENT))
    return;

  from = from_text != NULL ? tess_router_prepare (self, from_text) : tess_jid_ref (tess_jid_get_bare (self->address));
  to = to_text != NULL ? tess_router_prepare (self, to_text) : NULL;
  if (from == NULL || (to_text != NULL && to == NULL))
    {
      g_debug ("A stanza with an address that is none was dropped");
      return;
    }

  stanza.node = node;
  stanza.type = tess_node_get (node, "type");
  stanza.id = tess_node_get (node, "id");
  stanza.from = from;
  stanza.to = to;
  dispatch_prepared (self, &stanza);
}

static gboolean
timeout_cb (gpointer data)
{
  Request          *request = data;
  g_autoptr (GError) error =
    g_error_new_literal (TESS_XMPP_ERROR, TESS_XMPP_ERROR_TIMEOUT, "No answer came in time");

  finish (request->router, request, NULL, error);
  return G_SOURCE_REMOVE;
}

static guint
next_serial (TessRouter *self)
{
  do
    self->last_serial++;
  while (self->last_serial == 0 || g_hash_table_contains (self->by_serial, GUINT_TO_POINTER (self->last_serial)));

  return self->last_serial;
}

guint
tess_router_send_iq (TessRouter   *self,
                     TessJid      *to,
                     const char   *type,
                     TessNode     *payload,
                     guint         timeout_seconds,
                     TessReplyFunc reply,
                     gpointer      user_data)
{
  g_autoptr (TessNode) node = tess_node_new ("iq", NS_CLIENT);
  Request             *request = g_new0 (Request, 1);
  guint                serial = next_serial (self);

  request->router = self;
  request->serial = serial;
  request->id = tess_id_new ();
  request->to = to != NULL ? tess_jid_ref (to) : NULL;
  request->reply = reply;
  request->user_data = user_data;
  request->timeout = tess_source_attach (
    g_timeout_source_new_seconds (timeout_seconds != 0 ? timeout_seconds : DEFAULT_TIMEOUT_SECONDS), timeout_cb, request);
  g_hash_table_insert (self->by_id, request->id, request);
  g_hash_table_insert (self->by_serial, GUINT_TO_POINTER (serial), request);

  tess_node_set (node, "type", type);
  tess_node_set (node, "id", request->id);
  if (to != NULL)
    tess_node_set (node, "to", tess_jid_to_string (to));
  tess_node_append (node, payload);
  self->send (node, self->user_data);

  return serial;
}

void
tess_router_forget (TessRouter *self, guint serial)
{
  Request *request = g_hash_table_lookup (self->by_serial, GUINT_TO_POINTER (serial));

  if (serial == 0 || request == NULL)
    return;
  g_hash_table_remove (self->by_id, request->id);
  g_hash_table_remove (self->by_serial, GUINT_TO_POINTER (serial));
}

void
tess_router_fail_all (TessRouter *self)
{
  /* A reply function may send or forget requests: only those that wait now are failed, and looked up again. */
  g_autoptr (GList)  serials = g_hash_table_get_keys (self->by_serial);
  g_autoptr (GError) error =
    g_error_new_literal (TESS_XMPP_ERROR, TESS_XMPP_ERROR_CLOSED, "The connection ended before an answer came");

  for (GList *l = serials; l != NULL; l = l->next)
    {
      Request *request = g_hash_table_lookup (self->by_serial, l->data);

      if (request != NULL)
        finish (self, request, NULL, error);
    }
}

void
tess_router_send (TessRouter *self, TessNode *stanza)
{
  if (tess_node_get (stanza, "id") == NULL)
    {
      g_autofree char *id = tess_id_new ();

      tess_node_set (stanza, "id", id);
    }
  self->send (stanza, self->user_data);
  tess_node_free (stanza);
}

static TessNode *
new_answer (const TessStanza *request, const char *type)
{
  TessNode *answer = tess_node_new (tess_node_get_name (request->node), NS_CLIENT);

  tess_node_set (answer, "type", type);
  tess_node_set (answer, "id", request->id);
  if (tess_node_get (request->node, "from") != NULL)
    tess_node_set (answer, "to", tess_jid_to_string (request->from));

  return answer;
}

void
tess_router_reply (TessRouter *self, const TessStanza *request, TessNode *payload)
{
  g_autoptr (TessNode) answer = new_answer (request, "result");

  if (payload != NULL)
    tess_node_append (answer, payload);
  self->send (answer, self->user_data);
}

void
tess_router_reply_error (TessRouter *self, const TessStanza *request, const char *type, const char *condition)
{
  g_autoptr (TessNode) answer = new_answer (request, "error");
  TessNode            *error = tess_node_add (answer, "error", NULL);

  tess_node_set (error, "type", type);
  tess_node_add (error, condition, NS_STANZAS);
  self->send (answer, self->user_data);
}
