/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * TessSasl:
 *
 * One login as a state without I/O: what the server says goes in, what to answer comes out. SCRAM
 * (RFC 5802, 7677) with and without channel binding, EXTERNAL (RFC 4422 appendix A) and PLAIN (RFC 4616).
 * Nothing counts as logged in before [func@tess_sasl_succeed] has returned %TRUE. One thread;
 * reference-counted within it.
 */
typedef struct _TessSasl TessSasl;

/* Data of the TLS connection that both sides know (RFC 5929, RFC 9266). */
typedef struct
{
  const char *type; /* "tls-exporter" */
  GBytes     *data;
} TessSaslBinding;

/**
 * TessSaslOptions:
 *
 * Borrowed until [func@tess_sasl_new] returns. Everything that the server announces is foreign.
 */
typedef struct
{
  const char            *username;   /* the localpart */
  const char            *password;   /* nullable */
  const char            *key;        /* nullable: of tess_sasl_get_key () of an earlier login */
  const char            *authzid;    /* nullable: what EXTERNAL asks for by name (RFC 6120 section 6.3.8) */
  const char *const     *mechanisms; /* as the server announced them */
  const char *const     *announced;  /* nullable: the binding types of XEP-0440, if the server announced them */
  const TessSaslBinding *bindings;   /* what TLS gives, the best first */
  guint                  n_bindings;
  gboolean               certificate;  /* TLS has shown a certificate of ours: EXTERNAL may prove us */
  gboolean               strict;       /* XEP-0388: -PLUS comes with XEP-0440 */
  gboolean               scram_seen;   /* PLAIN is out of the question (attacks row B4) */
  gboolean               binding_seen; /* so is a login without channel binding (row B6); EXTERNAL proves us by TLS itself */
  const char            *nonce;        /* tests only; NULL: 144 random bits */
} TessSaslOptions;

#define TESS_SASL_MIN_ITERATIONS 4096
#define TESS_SASL_MAX_ITERATIONS 10000000

/* What a mechanism is worth against somebody on the wire. */
typedef enum
{
  TESS_SASL_PLAIN,    /* TLS alone protects the password */
  TESS_SASL_SCRAM,    /* the server proves that it knows the password */
  TESS_SASL_BOUND,    /* and that its TLS connection is ours */
  TESS_SASL_EXTERNAL, /* TLS proves us */
} TessSaslStrength;

/**
 * tess_sasl_new:
 *
 * Chooses the strongest mechanism: EXTERNAL when a certificate was shown, SCRAM-SHA-512, -256, -1, first with
 * channel binding, then PLAIN. With a key and no password only what the key fits.
 *
 * Returns: (transfer full) (nullable): %NULL with %TESS_XMPP_ERROR_NO_MECHANISM when there is nothing in
 *   common, %TESS_XMPP_ERROR_WEAKENED when channel binding or SCRAM was there before, or what is announced
 *   contradicts itself (rows B4, B6), or %TESS_XMPP_ERROR_NOT_AUTHORIZED when the password is needed
 */
TessSasl *tess_sasl_new   (const TessSaslOptions *options, GError **error);
TessSasl *tess_sasl_ref   (TessSasl *self);
void      tess_sasl_unref (TessSasl *self); /* wipes */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessSasl, tess_sasl_unref)

const char       *tess_sasl_get_mechanism (TessSasl *self);
gboolean          tess_sasl_is_scram      (TessSasl *self);
TessSaslStrength  tess_sasl_get_strength  (TessSasl *self);
/* NULL: nothing is bound. */
const char       *tess_sasl_get_binding   (TessSasl *self);
/* Whether the server signed the list of mechanisms that we saw (XEP-0474): not before the end. */
gboolean          tess_sasl_is_list_proven (TessSasl *self);

/**
 * tess_sasl_get_key:
 *
 * ClientKey and ServerKey of RFC 5802 with their salt and iterations: they log in to this server, and tell less
 * than the password, or the salted one. ASCII without spaces.
 *
 * Returns: (transfer full) (nullable): for a later login; free with tess_wipe_string (). %NULL before the end,
 *   and without SCRAM
 */
char *tess_sasl_get_key (TessSasl *self);

/**
 * tess_sasl_start:
 *
 * Returns: (transfer full): the initial response in Base64, "" for an empty one; free with tess_wipe_string ()
 */
char *tess_sasl_start (TessSasl *self);

/**
 * tess_sasl_challenge_async:
 * @challenge: the text of `<challenge/>`, Base64
 *
 * Checks a challenge and makes the response. The key is derived in a worker thread (attacks row B8);
 * cancelling ends the derivation.
 */
void  tess_sasl_challenge_async  (TessSasl            *self,
                                  const char          *challenge,
                                  GCancellable        *cancellable,
                                  GAsyncReadyCallback  callback,
                                  gpointer             user_data);
/* Returns: (transfer full) (nullable): the response in Base64, free with tess_wipe_string (); %NULL with
 * %TESS_XMPP_ERROR_SERVER_UNPROVEN for a challenge that must end the login, %TESS_XMPP_ERROR_WEAKENED when the list
 * of mechanisms was changed (row B5), or %TESS_XMPP_ERROR_NOT_AUTHORIZED when the key does not fit any more. */
char *tess_sasl_challenge_finish (TessSasl *self, GAsyncResult *result, GError **error);

/**
 * tess_sasl_succeed:
 * @additional: (nullable): the text of `<success/>` or `<additional-data/>`, Base64; "" or "=" count as none
 *
 * Returns: %FALSE with %TESS_XMPP_ERROR_SERVER_UNPROVEN when the server did not prove, here or in a last
 *   challenge, that it knows the password (row B7)
 */
gboolean tess_sasl_succeed (TessSasl *self, const char *additional, GError **error);

G_END_DECLS
