/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "tess-script-server.h"
#include "xmpp/tess-stream.h"
#include "xmpp/tess-xmpp-error.h"

/* What the suites of the login share: one login of ours, and the words of the server on a script. */

#define USER_AGENT "d4565fa7-4d72-4749-b3d3-740edbf87770"
#define WAIT_UNTIL(condition)                                                                                             \
  G_STMT_START                                                                                                            \
  {                                                                                                                       \
    while (!(condition))                                                                                                  \
      g_main_context_iteration (NULL, TRUE);                                                                              \
  }                                                                                                                       \
  G_STMT_END

typedef struct
{
  TessStream *stream;
  GError     *error;
  gboolean    opened; /* or failed to */
  GString    *stanzas;
  GString    *acked;
  GError     *closed;
} Client;

typedef struct
{
  const char           *address; /* NULL: alice@a.test */
  const char           *password;
  const char           *scram_key;
  const char           *token;
  const char           *certificate; /* the name of a file */
  gboolean              no_user_agent;
  gboolean              scram_seen;
  gboolean              binding_seen;
  gboolean              keep_key;
  gboolean              by_proxy; /* of which the server plays both sides */
  TessStreamManagement *resume;
} Settings;

extern const TessStreamHandlers client_handlers; /* their data is the client */

/* Over direct TLS, to the end of the login. */
Client *log_in       (TessScriptServer *server, const Settings *settings);
void    client_clear (Client *client);

/* To the end of the server's script, without a failure. */
void assert_done (TessScriptServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Client, client_clear)

/* ---- What the server says ---- */

#define MECHANISM(name) "<mechanism>" name "</mechanism>"
#define TYPES "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-server-end-point'/>" \
              "<channel-binding type='tls-exporter'/></sasl-channel-binding>"
#define SASL1(list) "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" list "</mechanisms>"
#define SASL2(list, features) "<authentication xmlns='urn:xmpp:sasl:2'>" list "<inline>" features "</inline></authentication>"
#define SCRAMS MECHANISM ("SCRAM-SHA-256") MECHANISM ("SCRAM-SHA-256-PLUS")
#define BIND2 "<bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:csi:0'/>" \
              "<feature var='urn:xmpp:sm:3'/></inline></bind>"
#define SM "<sm xmlns='urn:xmpp:sm:3'/>"
#define FAST(list) "<fast xmlns='urn:xmpp:fast:0'>" list "</fast>"
#define ALL_TOKENS FAST (MECHANISM ("HT-SHA-256-NONE") MECHANISM ("HT-SHA-256-ENDP") MECHANISM ("HT-SHA-256-EXPR"))
#define FEATURES(content) TESS_SCRIPT_HEADER "<stream:features>" content "</stream:features>"
#define AGENT "<user-agent id='" USER_AGENT "'><software>Tessera</software></user-agent>"
#define BIND_REQUEST "<bind xmlns='urn:xmpp:bind:0'><tag>Tessera</tag><enable xmlns='urn:xmpp:carbons:2'/>" \
                     "<enable xmlns='urn:xmpp:sm:3' resume='true'/></bind></authenticate>"
#define SUCCESS(content) "<success xmlns='urn:xmpp:sasl:2'><additional-data>$V</additional-data>" content "</success>"
#define IDENTIFIER(jid) "<authorization-identifier>" jid "</authorization-identifier>"
#define ENABLED(id) "<enabled xmlns='urn:xmpp:sm:3' id='" id "' resume='1' max='600'/>"
#define BOUND(content) "<bound xmlns='urn:xmpp:bind:0'>" content "</bound>"
#define LATER "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" SM "</stream:features>"
#define TOKEN(secret, expiry) "<token xmlns='urn:xmpp:fast:0' token='" secret "' expiry='" expiry "'/>"

#define REFUSED1 "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"
#define REFUSED2 "<failure xmlns='urn:xmpp:sasl:2'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>"
#define OLD_TOKEN "fast1:HT-SHA-256-EXPR:0:3:dDA="

#define UP_TO_FEATURES(content) \
  { TESS_SCRIPT_TLS, "good" }, { TESS_SCRIPT_EXPECT, "<stream:stream " }, { TESS_SCRIPT_SEND, FEATURES (content) }
/* SASL2 by SCRAM-SHA-256-PLUS, and Bind 2. */
#define BY_SCRAM2(features)                                                                                               \
  UP_TO_FEATURES (TYPES SASL2 (SCRAMS, features)), { TESS_SCRIPT_INITIAL, "SCRAM-SHA-256-PLUS" },                         \
    { TESS_SCRIPT_EXPECT, "</authenticate>" }, { TESS_SCRIPT_SCRAM2, "plus" }
#define BY_TOKEN(features, mechanism, secret)                                                                             \
  UP_TO_FEATURES (TYPES SASL2 (SCRAMS, features)), { TESS_SCRIPT_INITIAL, mechanism }, { TESS_SCRIPT_TOKEN, secret }
