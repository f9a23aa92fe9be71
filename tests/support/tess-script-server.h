/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessScriptServer:
 *
 * A server on loopback, in its own thread, that does one script a connection and says whether all went
 * as written. What it sends is cut into slices of random size; what it reads, too.
 */
typedef struct _TessScriptServer TessScriptServer;

typedef enum
{
  TESS_SCRIPT_END,
  TESS_SCRIPT_EXPECT,   /* reads until this text came; remembers the last id='…' before it */
  TESS_SCRIPT_SEND,     /* $ID: the id that was remembered; $PORT: the server's port; $V: what proves the server (SASL2) */
  TESS_SCRIPT_SEND_ONE, /* the same, in one piece */
  TESS_SCRIPT_TLS,      /* the handshake; the text names a certificate: "good", "other-host", "expired", "self-signed";
                         * "good+client" wants one of the client too, "good+refuse" believes none,
                         * "good+none" asks, and must get none */
  TESS_SCRIPT_SCRAM,    /* SCRAM-SHA-256 for the password "secret", with the misbehaviour that the text names:
                         * "" for none, "plus" for none with channel binding, "unbound" for one that may not bind,
                         * "proven:PLAIN SCRAM-SHA-256|tls-exporter" for a signed list (XEP-0474), "disproven:…" for
                         * one that the client must refuse, or see the source */
  TESS_SCRIPT_INITIAL,  /* SASL2: reads to the end of the initial response; the text is the mechanism that it is of */
  TESS_SCRIPT_SCRAM2,   /* goes on with it as TESS_SCRIPT_SCRAM does, up to the success, which is to be sent with $V in it */
  TESS_SCRIPT_TOKEN,    /* XEP-0484: the initial response proves the token that the text is; sets $V */
  TESS_SCRIPT_PROXY,    /* we are asked as a SOCKS5 proxy for "name:port", and are what is behind it from then on */
  TESS_SCRIPT_EOF,      /* reads until the client has closed */
  TESS_SCRIPT_CLOSE,    /* ends this connection; the script goes on with the next one */
  TESS_SCRIPT_SILENCE,  /* the text must not come before the end of the connection */
  TESS_SCRIPT_SERVE,    /* the function that was given to tess_script_server_new_serving() goes on */
} TessScriptAction;

typedef struct
{
  TessScriptAction action;
  const char      *text;
} TessScriptStep;

/**
 * tess_script_server_new:
 * @steps: ends with %TESS_SCRIPT_END; must live as long as the server
 */
TessScriptServer *tess_script_server_new      (const TessScriptStep *steps);

/**
 * TessScriptServeFunc:
 * @io: the connection as it is now, with TLS when there was a TLS step; borrowed
 * @rest: what was read and not yet looked at
 *
 * Server's thread. Returns when the connection is over.
 */
typedef void (*TessScriptServeFunc) (GIOStream *io, const char *rest, GCancellable *cancellable, gpointer user_data);

TessScriptServer *tess_script_server_new_serving (const TessScriptStep *steps, TessScriptServeFunc serve, gpointer user_data);
guint16           tess_script_server_get_port (TessScriptServer *self);
/* How many steps are done. Each one wakes the default main context. */
guint             tess_script_server_get_step (TessScriptServer *self);

/* Waits for the thread, and lets the default main context run meanwhile: a client may still have to close.
 * Returns: (transfer full) (nullable): what went wrong, NULL when the script was done to its end. */
char *tess_script_server_join (TessScriptServer *self); /* frees */

/* Ends it wherever it is, waiting clients included; frees. */
void tess_script_server_stop (TessScriptServer *self);

/* The authority that signed "good", "other-host" and "expired". */
GTlsDatabase *tess_script_server_get_trust (void);

/* What most scripts begin with: to TLS by STARTTLS, and through SASL to the features behind it. */
#define TESS_SCRIPT_HEADER "<?xml version='1.0'?><stream:stream from='a.test' id='1' version='1.0' xmlns='jabber:client' " \
                           "xmlns:stream='http://etherx.jabber.org/streams'>"
#define TESS_SCRIPT_STARTTLS_FEATURES                                                                                     \
  TESS_SCRIPT_HEADER "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"          \
                     "</stream:features>"
#define TESS_SCRIPT_MECHANISMS(list)                                                                                      \
  TESS_SCRIPT_HEADER "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" list                        \
                     "</mechanisms></stream:features>"
#define TESS_SCRIPT_SCRAM_FEATURES TESS_SCRIPT_MECHANISMS ("<mechanism>SCRAM-SHA-256</mechanism>")
#define TESS_SCRIPT_SESSION_FEATURES                                                                                      \
  TESS_SCRIPT_HEADER "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>"       \
                     "</stream:features>"

#define TESS_SCRIPT_UP_TO_TLS                                                                                             \
  { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, TESS_SCRIPT_STARTTLS_FEATURES },                         \
    { TESS_SCRIPT_EXPECT, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },                                        \
    { TESS_SCRIPT_SEND_ONE, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" }, { TESS_SCRIPT_TLS, "good" }
#define TESS_SCRIPT_UP_TO_LOGIN                                                                                           \
  TESS_SCRIPT_UP_TO_TLS, { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, TESS_SCRIPT_SCRAM_FEATURES },     \
    { TESS_SCRIPT_SCRAM, "" }, { TESS_SCRIPT_EXPECT, "<stream:stream " }
#define TESS_SCRIPT_UP_TO_BIND                                                                                            \
  TESS_SCRIPT_UP_TO_LOGIN, { TESS_SCRIPT_SEND, TESS_SCRIPT_SESSION_FEATURES }, { TESS_SCRIPT_EXPECT, "</iq>" }
#define TESS_SCRIPT_BOUND(jid)                                                                                            \
  "<iq type='result' id='$ID'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>" jid "</jid></bind></iq>"
#define TESS_SCRIPT_UP_TO_SESSION                                                                                         \
  TESS_SCRIPT_UP_TO_BIND, { TESS_SCRIPT_SEND, TESS_SCRIPT_BOUND ("alice@a.test/r1") },                                    \
    { TESS_SCRIPT_EXPECT, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>" },                                              \
    { TESS_SCRIPT_SEND, "<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true' max='300'/>" }

G_END_DECLS
