/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "base/tess-certificate.h"
#include "xmpp/tess-node.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * TessXmppError:
 *
 * What a caller can act on. The message is one translatable sentence for a person where it says so.
 */
typedef enum
{
  TESS_XMPP_ERROR_FAILED,             /* anything else */
  TESS_XMPP_ERROR_INVALID_ADDRESS,    /* for a person */
  TESS_XMPP_ERROR_NOT_WELL_FORMED,    /* RFC 6120 section 4.9.3.13 */
  TESS_XMPP_ERROR_RESTRICTED_XML,     /* RFC 6120 section 11.1 */
  TESS_XMPP_ERROR_TOO_LARGE,          /* a limit of the parser */
  TESS_XMPP_ERROR_NO_SUCH_SERVER,     /* for a person: the name does not resolve */
  TESS_XMPP_ERROR_UNREACHABLE,        /* for a person: no address answered */
  TESS_XMPP_ERROR_REFUSED,            /* for a person: as UNREACHABLE, but a computer said that nobody listens there */
  TESS_XMPP_ERROR_NO_TLS,             /* for a person: the server offers none */
  TESS_XMPP_ERROR_BAD_CERTIFICATE,    /* for a person: names the reason and the domain */
  TESS_XMPP_ERROR_CERTIFICATE_CHANGED, /* for a person: not the pinned one, or not the remembered key: an alarm */
  TESS_XMPP_ERROR_PROXY,              /* for a person: the proxy cannot be reached, or refuses */
  TESS_XMPP_ERROR_CLIENT_CERTIFICATE, /* for a person: the server refused our certificate, or it cannot be read */
  TESS_XMPP_ERROR_NO_MECHANISM,       /* for a person: nothing in common */
  TESS_XMPP_ERROR_NOT_AUTHORIZED,     /* for a person: wrong address or password */
  TESS_XMPP_ERROR_ACCOUNT_DISABLED,   /* for a person */
  TESS_XMPP_ERROR_SERVER_UNPROVEN,    /* for a person: the server did not prove that it knows the password */
  TESS_XMPP_ERROR_WEAKENED,           /* for a person: the login is weaker than it was before (rows B4 to B6) */
  TESS_XMPP_ERROR_STREAM,             /* a stream error; the message names the condition */
  TESS_XMPP_ERROR_CONFLICT,           /* stream error conflict: another client took the resource */
  TESS_XMPP_ERROR_CLOSED,             /* the connection ended */
  TESS_XMPP_ERROR_TIMEOUT,            /* no answer in time */
  TESS_XMPP_ERROR_STANZA,             /* an IQ of type error; tess_xmpp_error_get_condition() tells which */
  TESS_XMPP_ERROR_ITEM_NOT_FOUND,     /* the stanza error that callers ask for most */
  TESS_XMPP_ERROR_PRECONDITION,       /* XEP-0060 section 7.1.5 precondition-not-met */
  TESS_XMPP_ERROR_BAD_REPLY,          /* an answer that is not of the expected form */
} TessXmppError;

#define TESS_XMPP_ERROR (tess_xmpp_error_quark ())
GQuark tess_xmpp_error_quark (void);

/**
 * tess_xmpp_error_new_from_stanza:
 * @stanza: a stanza of type error
 *
 * %TESS_XMPP_ERROR_ITEM_NOT_FOUND, %TESS_XMPP_ERROR_PRECONDITION, or else %TESS_XMPP_ERROR_STANZA, with the
 * condition and the server's text in the message (RFC 6120 section 8.3). Not for a person.
 *
 * Returns: (transfer full): the error that @stanza carries
 */
GError *tess_xmpp_error_new_from_stanza (const TessNode *stanza);

/* The defined condition of a stanza error, such as "forbidden"; NULL when @error carries none. Owned by @error. */
const char *tess_xmpp_error_get_condition (const GError *error);
/* Its type: "auth", "cancel", "continue", "modify" or "wait"; NULL when @error carries none. Owned by @error. */
const char *tess_xmpp_error_get_kind      (const GError *error);

/* The certificate that was refused; NULL when @error is not about one. Owned by @error. */
const TessCertificate *tess_xmpp_error_get_certificate (const GError *error);
/* @certificate: (transfer full) */
void                   tess_xmpp_error_set_certificate (GError *error, TessCertificate *certificate);

G_END_DECLS
