/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-jid.h"
#include "base/tess-clock.h"
#include "xmpp/tess-node.h"

G_BEGIN_DECLS

/**
 * TessRouter:
 *
 * Decides who sees a stanza: handlers by kind, sender and payload, and the table of IQs that wait for
 * an answer. One account, one thread, no I/O: it gets a function that sends.
 */
typedef struct _TessRouter TessRouter;

typedef enum
{
  TESS_STANZA_MESSAGE,
  TESS_STANZA_PRESENCE,
  TESS_STANZA_IQ_GET,
  TESS_STANZA_IQ_SET,
} TessStanzaKind;

/* Puts one stanza on the stream; borrows it. */
typedef void (*TessRouterSendFunc) (const TessNode *stanza, gpointer user_data);

/**
 * TessStanza:
 *
 * A stanza on its way through the handlers, its addresses already prepared. Borrowed by handlers.
 */
typedef struct
{
  TessStanzaKind  kind;
  const char     *type;    /* the attribute, or its default; never NULL */
  const char     *id;      /* nullable */
  TessJid        *from;    /* never NULL: a missing one is the account's bare address (RFC 6120 8.1.2.1) */
  TessJid        *to;      /* nullable */
  const TessNode *node;    /* the stanza */
  const TessNode *payload; /* nullable: the child that the handler asked for */
} TessStanza;

/**
 * TessStanzaFunc:
 *
 * Returns: %TRUE when the stanza is dealt with and no further handler shall see it. A handler of an IQ
 *   that returns %TRUE has answered it or will.
 */
typedef gboolean (*TessStanzaFunc) (const TessStanza *stanza, gpointer user_data);

/**
 * TessReplyFunc:
 * @reply: (nullable): the IQ of type result, borrowed
 * @error: (nullable): %TESS_XMPP_ERROR_STANZA and its kin with the server's condition and text,
 *   %TESS_XMPP_ERROR_TIMEOUT, or %TESS_XMPP_ERROR_CLOSED when the stream ended for good
 *
 * Called exactly once for each IQ that was sent, unless it was cancelled by [func@tess_router_forget].
 */
typedef void (*TessReplyFunc) (const TessNode *reply, const GError *error, gpointer user_data);

/**
 * tess_router_new:
 * @account: the account's address; the bare part decides what comes from oneself and from the server
 */
TessRouter *tess_router_new  (TessJid *account, TessRouterSendFunc send, gpointer user_data);
void        tess_router_free (TessRouter *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessRouter, tess_router_free)

/* After binding: the full address. */
void     tess_router_set_address (TessRouter *self, TessJid *full);
TessJid *tess_router_get_address (TessRouter *self); /* (transfer none) */
/* What time it is for the account's server; whoever asks the server tells it. (transfer none) */
TessClock *tess_router_get_clock (TessRouter *self);
gboolean tess_router_is_own_bare (TessRouter *self, const TessJid *from); /* exactly the own bare JID */

/**
 * tess_router_add_handler:
 * @kind: which stanzas
 * @priority: handlers of a higher one are asked first
 * @payload_name: (nullable): a child that must be there; any or none when %NULL
 * @payload_ns: (nullable): its namespace; any when %NULL
 *
 * Returns: an id for [func@tess_router_remove_handler]
 */
guint tess_router_add_handler    (TessRouter    *self,
                                  TessStanzaKind kind,
                                  int            priority,
                                  const char    *payload_name,
                                  const char    *payload_ns,
                                  TessStanzaFunc handler,
                                  gpointer       user_data);
void  tess_router_remove_handler (TessRouter *self, guint id);

/**
 * tess_router_prepare:
 * @text: an address as it stands in a stanza
 *
 * The same as [func@tess_jid_new], quick for an address that was seen lately.
 *
 * Returns: (transfer full) (nullable): %NULL when it is none
 */
TessJid *tess_router_prepare (TessRouter *self, const char *text);

/**
 * tess_router_dispatch:
 * @stanza: a first-level child of the stream in jabber:client
 *
 * Hands a stanza to its handlers. An IQ of type result or error goes only to the request with its id AND
 * its addressee (RFC 6120 section 8.2.3; attacks row C4). An IQ get or set that nobody handles is answered
 * with service-unavailable; a stanza with an address that cannot be prepared is dropped.
 */
void tess_router_dispatch (TessRouter *self, const TessNode *stanza);

/**
 * tess_router_send_iq:
 * @to: (nullable): the addressee; the own account when %NULL
 * @type: `get` or `set`
 * @payload: (transfer full): the only child
 * @timeout_seconds: 0 for the default of 60 s
 *
 * Returns: a serial for [func@tess_router_forget], never 0
 */
guint tess_router_send_iq (TessRouter   *self,
                           TessJid      *to,
                           const char   *type,
                           TessNode     *payload,
                           guint         timeout_seconds,
                           TessReplyFunc reply,
                           gpointer      user_data);

/* The reply function is not called any more. 0 is fine. */
void tess_router_forget (TessRouter *self, guint serial);

/* Fails every IQ that waits with %TESS_XMPP_ERROR_CLOSED: the stream is gone and was not resumed. */
void tess_router_fail_all (TessRouter *self);

/* Puts any other stanza on the stream; gives it an id when it has none. (transfer full) @stanza. */
void tess_router_send (TessRouter *self, TessNode *stanza);
/* Answers @request with an empty result, or with @payload (transfer full, nullable). */
void tess_router_reply (TessRouter *self, const TessStanza *request, TessNode *payload);
/* Answers @request with a stanza error, such as "cancel", "item-not-found" (RFC 6120 section 8.3.3). */
void tess_router_reply_error (TessRouter *self, const TessStanza *request, const char *type, const char *condition);

G_END_DECLS
