/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-fast.h"
#include "xmpp/tess-link.h"
#include "xmpp/tess-sasl.h"
#include "xmpp/tess-stream-private.h"
#include "xmpp/tess-stream.h"
#include "xmpp/tess-xmpp-error.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Private to the login: one tess_stream_open_async (), over five files. tess-login.c connects, encrypts and hands each element to
 * the step that waits for it; tess-login-sasl.c authenticates (RFC 6120), tess-login-sasl2.c
 * likewise by XEP-0388, and tess-login-bind.c resumes or binds. */

typedef enum
{
  TESS_LOGIN_CONNECT,
  TESS_LOGIN_HEADER,
  TESS_LOGIN_FEATURES,
  TESS_LOGIN_PROCEED,
  TESS_LOGIN_HANDSHAKE,
  TESS_LOGIN_SASL,
  TESS_LOGIN_DERIVE,
  TESS_LOGIN_RESUME,
  TESS_LOGIN_BIND,
  TESS_LOGIN_ENABLE,
  TESS_LOGIN_DONE,
} TessLoginStep;

/* Counted, as each operation under way holds it. */
typedef struct
{
  guint                 ref_count;
  TessLoginStep         step;
  GTask                *task; /* NULL: answered */
  TessStreamOptions     options; /* deep copy */
  GCancellable         *cancellable; /* of what is under way */
  GSource              *cancelled;
  GSource              *timer;
  TessLink             *link;
  gboolean              encrypted;
  gboolean              authenticated;
  gboolean              direct_tls;
  gboolean              resource_refused;
  guint                 hops;
  char                 *host;
  char                 *iq_id;
  TessSasl             *sasl;
  GArray               *bindings;     /* of TessSaslBinding */
  gboolean              sasl2;        /* by XEP-0388 */
  TessFast             *token;        /* the login is tried by this one */
  const TessSaslBinding *token_binding; /* nullable; of `bindings` */
  const char           *token_asked;  /* nullable: the mechanism of the token that is asked for */
  gboolean              token_refused;
  gboolean              certificate_refused;
  gboolean              bind_asked;   /* inline, as the next two */
  gboolean              carbons_asked;
  gboolean              resume_asked;
  TessLoginResult       result;
  TessNode             *features;
  TessJid              *bound;
  TessStreamManagement *management;
  GQueue               *early;
  GArray               *acked;
} TessLogin;

TessLogin *tess_login_ref   (TessLogin *self);
void       tess_login_unref (TessLogin *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessLogin, tess_login_unref)

/* The prepared domain of the account: who the server must be. */
const char *tess_login_domain (TessLogin *self);

/* Neither cancelled nor timed out any more. */
void tess_login_end (TessLogin *self);
/* The ways to fail. @error: (transfer full). @last: (nullable): said to the server, if anything is. */
void tess_login_fail           (TessLogin *self, GError *error, const char *last);
void tess_login_fail_with      (TessLogin *self, TessXmppError code, const char *format, ...) G_GNUC_PRINTF (3, 4);
void tess_login_fail_bad_reply (TessLogin *self, const char *what);

/* The next step, which has 30 s. */
void tess_login_enter       (TessLogin *self, TessLoginStep step);
void tess_login_send_node   (TessLogin *self, const TessNode *node);
/* A new stream begins. */
void tess_login_send_header (TessLogin *self);

/* Leaves this connection for another one to the same account: what was refused is not tried again. */
void tess_login_connect_again (TessLogin *self);

/* tess-login-sasl.c */
void tess_login_start_sasl     (TessLogin *self);
void tess_login_handle_sasl    (TessLogin *self, const TessNode *node);
/* Goes on by the password on another connection. FALSE: there is none, or no certificate was shown. */
gboolean tess_login_try_without_certificate (TessLogin *self);
/* Both sides are proven: keeps what is told of it, and wipes the secrets. */
void tess_login_authenticated  (TessLogin *self);
/* The texts of the children of @list, as a NULL-terminated array. */
char **tess_login_collect      (const TessNode *list, const char *name, const char *ns);

/* tess-login-sasl2.c */
gboolean tess_login_start_token         (TessLogin *self); /* FALSE: there is none that can be used */
void     tess_login_start_sasl2         (TessLogin *self);
void     tess_login_handle_sasl2_success (TessLogin *self, const TessNode *node);

/* tess-login-bind.c */
void tess_login_start_session (TessLogin *self);
/* The session that waits to be taken up again; NULL when there is none. */
TessStreamManagement *tess_login_get_resumable (TessLogin *self);
void tess_login_add_resume (TessLogin *self, TessNode *parent);
/* What stood in a <success/> of SASL2: FALSE when the login has failed by it. */
gboolean tess_login_take_resume_failed (TessLogin *self, const TessNode *failed);
void     tess_login_take_enabled       (TessLogin *self, const TessNode *enabled);
void tess_login_handle_resume (TessLogin *self, const TessNode *node);
void tess_login_handle_bind   (TessLogin *self, const TessNode *node);
void tess_login_handle_enable (TessLogin *self, const TessNode *node);

G_END_DECLS
