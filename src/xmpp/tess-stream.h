/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "base/tess-certificate.h"
#include "xmpp/tess-jid.h"
#include "xmpp/tess-node.h"
#include "xmpp/tess-stream-management.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessStream:
 *
 * An XMPP stream that is encrypted, authenticated and bound: nothing less is ever handed out.
 * Reference-counted, of the one thread whose thread-default context opened it.
 */
typedef struct _TessStream TessStream;

typedef enum
{
  TESS_TLS_AUTOMATIC, /* what DNS offers: xmpps-client and xmpp-client by priority (XEP-0368) */
  TESS_TLS_DIRECT,
  TESS_TLS_STARTTLS,
} TessTlsMode;

typedef enum
{
  TESS_PROXY_DESKTOP, /* what the desktop says (GProxyResolver): mostly none */
  TESS_PROXY_NONE,
  TESS_PROXY_SOCKS5,  /* RFC 1928, names are resolved by the proxy: Tor */
  TESS_PROXY_HTTP,    /* CONNECT (RFC 9110 section 9.3.6) */
} TessProxyKind;

/* With SOCKS5 and HTTP nothing else resolves or connects: no DNS, so the account's domain itself on the default
 * ports is tried unless a host is set. */
typedef struct
{
  TessProxyKind kind;
  const char   *host;     /* of the proxy: SOCKS5 and HTTP */
  guint16       port;
  const char   *username; /* nullable */
  const char   *password; /* nullable */
} TessProxy;

/**
 * TessStreamOptions:
 *
 * What it takes to log in. All borrowed until the open function returns; it copies what it needs
 * and wipes its copies of the secrets. At least one of password, scram_key, token and certificate is there.
 */
typedef struct
{
  TessJid         *jid;            /* the account; its resourcepart, if any, is asked for */
  const char      *password;       /* nullable */
  const char      *scram_key;      /* nullable: what an earlier login derived (TessStreamInfo): instead of the password */
  const char      *token;          /* nullable: of XEP-0484, as TessStreamInfo gave it; a refused one falls back to the rest */
  GTlsCertificate *certificate;    /* nullable: our own, with its key: SASL EXTERNAL (RFC 6120 section 6.3.4, XEP-0178) */
  const char      *user_agent_id;  /* nullable: a UUID version 4 of this account on this machine (XEP-0388 section 2.3.1) */
  const char      *host;           /* nullable: overrides DNS */
  guint16          port;           /* 0: 5222, or 5223 for direct TLS */
  TessTlsMode      tls;
  GTlsDatabase    *trust;          /* nullable: the system's */
  TessProxy        proxy;
  gboolean         scram_seen;     /* SCRAM or EXTERNAL worked once for this account: PLAIN is never used again (B4) */
  gboolean         keep_key;       /* derive info.scram_key */
  gboolean         binding_seen;   /* channel binding worked once: a login without it is refused as WEAKENED (B6) */
  const char      *pin;            /* nullable: fingerprint of the one certificate that is accepted, whatever else it lacks;
                                      any other, a perfect one too, is refused as CERTIFICATE_CHANGED */
  const char      *server_key;     /* nullable: key fingerprint that is remembered; a verified certificate with another key is
                                      refused as CERTIFICATE_CHANGED */
  TessStreamManagement *resume;    /* nullable, (transfer none): the state of the stream to take up again */
  GSocketConnectable   *(*resolve) (const char *service, const char *domain, gpointer data); /* tests only; NULL */
  GResolver       *resolver;       /* nullable: the default one */
} TessStreamOptions;

/* What a person may want to know of a connection; strings owned by the stream. */
typedef struct
{
  const char *tls_version;   /* "TLSv1.3" */
  const char *tls_cipher;    /* nullable */
  const char *sasl;          /* "SCRAM-SHA-256-PLUS" */
  const char *host;          /* where the socket went */
  gboolean    direct_tls;
  gboolean    resumed;       /* XEP-0198: the old session goes on */
  gboolean    managed;       /* XEP-0198 is on */
  const char *channel_binding; /* nullable: "tls-exporter" */
  gboolean    sasl2;         /* XEP-0388, with Bind 2 (XEP-0386) where it is there too */
  gboolean    fast;          /* logged in by a token (XEP-0484) */
  gboolean    carbons;       /* the login has turned on message carbons already (XEP-0386 with XEP-0280) */
  gboolean    list_proven;   /* the server signed the list of mechanisms (XEP-0474) */
  gboolean    pinned;        /* the certificate is accepted because it is pinned, and for no better reason */
  const char *const *mechanisms; /* all that the server offered */
  GPtrArray  *chain;         /* (element-type TessCertificate): the server's own first; at most 8 */
  gint64      token_expires_us; /* of `token`; 0: unknown */
  /* Secrets to keep for the next login, each nullable; opaque ASCII text. */
  const char *scram_key;     /* only when options.password and keep_key were given */
  const char *token;         /* a new or the still valid one */
} TessStreamInfo;

typedef struct
{
  /* A stanza (jabber:client) came in; borrowed. After it returns the stanza counts as handled (XEP-0198 h). */
  void (*stanza) (TessStream *stream, const TessNode *stanza, gpointer user_data);
  /* The server has taken the stanza that was sent with this tag. Only for tags other than 0. */
  void (*acked)  (TessStream *stream, guint64 tag, gpointer user_data);
  /* Called once; nothing follows. @error is never NULL: TESS_XMPP_ERROR_CLOSED for an orderly end. */
  void (*closed) (TessStream *stream, const GError *error, gpointer user_data);
  /* Nullable. So many of the server's stanzas are about to be acknowledged: it forgets them then. */
  void (*acking) (TessStream *stream, guint32 h, gpointer user_data);
} TessStreamHandlers;

/**
 * tess_stream_open_async:
 *
 * Connector, TLS, SASL, then resumption (XEP-0198 section 5) or resource binding and `<enable resume='true'/>`.
 * When @options->resume could not be resumed a new session is bound, info.resumed is %FALSE, and the old state
 * keeps the stanzas that were never acknowledged. Bounded in time (30 s to each next step); cancellable.
 */
void        tess_stream_open_async  (const TessStreamOptions *options,
                                     GCancellable            *cancellable,
                                     GAsyncReadyCallback      callback,
                                     gpointer                 user_data);
/* Returns: (transfer full) (nullable): the stream; no stanza is delivered before handlers are set. */
TessStream *tess_stream_open_finish (GAsyncResult *result, GError **error);

/* Starts the delivery. On a resumed stream the unacknowledged stanzas have been sent again before. */
void tess_stream_set_handlers (TessStream *self, const TessStreamHandlers *handlers, gpointer user_data);

TessJid              *tess_stream_get_jid      (TessStream *self); /* the bound full JID (transfer none) */
const TessStreamInfo *tess_stream_get_info     (TessStream *self);
const TessNode       *tess_stream_get_features (TessStream *self); /* the last <stream:features/> */

/**
 * tess_stream_send:
 * @stanza: borrowed
 * @tag: reported to `acked` when the server has it; 0 for none
 *
 * Queues a stanza. Never blocks; a stream that is closing drops it (a managed one keeps it for the resumption).
 */
void tess_stream_send     (TessStream *self, const TessNode *stanza, guint64 tag);
/* The same for finished bytes of one stanza, as the outbox keeps them (its namespace is jabber:client). */
void tess_stream_send_xml (TessStream *self, const char *xml, guint64 tag);

/* The same for what is no stanza, as <active/> (XEP-0352): nothing counts it (XEP-0198 section 4), nothing keeps it for the next
 * stream; a stream that is closing drops it. */
void tess_stream_send_nonza (TessStream *self, const TessNode *nonza);

/* Asks for an acknowledgement now (<r/>), or sends a ping where XEP-0198 is off; nothing at all within
 * @timeout_seconds closes the stream with TESS_XMPP_ERROR_TIMEOUT: for a network change, a wake-up, and keeping alive. */
void tess_stream_probe (TessStream *self, guint timeout_seconds);
/* Whether the server has answered anything that was asked on this stream. What it says without being asked is no answer. */
gboolean tess_stream_was_answered (TessStream *self);
/* When something came from the server last; monotonic. */
gint64 tess_stream_get_heard_us (TessStream *self);

/**
 * tess_stream_get_management:
 *
 * Returns: (transfer none) (nullable): the state to hand to the next stream; take a reference before closing
 */
TessStreamManagement *tess_stream_get_management (TessStream *self);

/* Orderly end: </stream:stream>, waits at most 2 s for the other side; then `closed`. */
void tess_stream_close (TessStream *self);
/* At once, without a word: the session stays resumable. `closed` follows. Called by the stanza handler, the stanza does not
 * count as handled: it comes again when the session is resumed. */
void tess_stream_abort (TessStream *self);

TessStream *tess_stream_ref   (TessStream *self);
void        tess_stream_unref (TessStream *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessStream, tess_stream_unref)

G_END_DECLS
