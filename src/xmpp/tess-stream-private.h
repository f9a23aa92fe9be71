/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-link.h"
#include "xmpp/tess-stream.h"

G_BEGIN_DECLS

#define TESS_NS_CLIENT "jabber:client"
#define TESS_NS_STREAMS "http://etherx.jabber.org/streams"
#define TESS_NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"
#define TESS_NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define TESS_NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define TESS_NS_SASL2 "urn:xmpp:sasl:2"
#define TESS_NS_BIND2 "urn:xmpp:bind:0"
#define TESS_NS_FAST "urn:xmpp:fast:0"
#define TESS_NS_CARBONS "urn:xmpp:carbons:2"
#define TESS_NS_SASL_CB "urn:xmpp:sasl-cb:0"
#define TESS_NS_BIND "urn:ietf:params:xml:ns:xmpp-bind"
#define TESS_NS_SM "urn:xmpp:sm:3"
#define TESS_NS_PING "urn:xmpp:ping"

/* What the authentication found out. Everything is owned. */
typedef struct
{
  char     *mechanism;
  char     *binding; /* nullable */
  gboolean  sasl2;
  gboolean  fast;
  gboolean  list_proven;
  gboolean  carbons;
  char    **mechanisms;
  char     *scram_key; /* nullable */
  char     *token;     /* nullable */
  gint64    token_expires_us;
} TessLoginResult;

void tess_login_result_clear (TessLoginResult *self); /* wipes */

/* What the login found out, for tess_stream_new_open (). Everything is (transfer full). */
typedef struct
{
  TessLink             *link; /* paused */
  TessJid              *jid;
  TessNode             *features;
  TessStreamManagement *management; /* nullable */
  GQueue               *early;      /* of TessNode: stanzas that came before the end of the login */
  GArray               *acked;      /* of guint64: tags that a resumption acknowledged */
  char                 *host;
  gboolean              direct_tls;
  gboolean              resumed;
  TessLoginResult       result;
} TessStreamParts;

void        tess_stream_parts_free (TessStreamParts *parts);
TessStream *tess_stream_new_open   (TessStreamParts *parts); /* takes @parts */

/* The error that a <stream:error/> stands for. */
GError *tess_stream_error_from_node (const TessNode *node);

/* The number in an attribute `h`: FALSE when there is none. */
gboolean tess_stream_read_h (const TessNode *node, guint32 *h);

G_END_DECLS
