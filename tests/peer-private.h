/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The scripted peer, over the files peer*.c. */

#include "model/tess-client.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _Peer Peer;

typedef struct
{
  const char *name;
  int least; /* words after the name */
  int most;
  void (*run) (Peer *self, char **words);
  const char *usage;
} Command;

struct _Peer
{
  GMainLoop *loop;
  GString *input; /* what was read and not run yet */
  gboolean ended; /* nothing follows */
  guint reader;   /* the source that goes on reading */
  char *home;
  char *data_dir;
  char *ca_file; /* nullable */
  TessClient *client;
  gboolean stopping;
  char *account; /* nullable: the address of the one that was logged in last */

  /* What was told of messages: row -> state. Rows up to `stored` were there at the start. */
  GHashTable *told;
  gint64 stored;
  GHashTable *seen;   /* account address -> set once something was told of its connection */
  GHashTable *events; /* name -> how many no `wait` has taken yet */

  /* The command that runs. */
  char *name; /* as it was written */
  const Command *command;
  char **words;
  char *waits_for; /* wait: the event */
  char *address;   /* login and logout: the account; else the other side */
  gboolean connecting;     /* login: it has begun */
  TessCredentials *given;  /* login: nullable */
  char *subject;           /* login: of our own certificate, nullable */
  guint timeout;
  TessDeviceList *devices;
  gulong devices_handler;
  GPtrArray *pages; /* history and outbox: of GPtrArray of records, newest first */
  guint wanted;     /* history and outbox: how many are missing yet */
  GPtrArray *chats; /* outbox: of TessConversation, those that are still to be read */
  gboolean newest;  /* history: the first page is on its way */
  void (*then) (Peer *self, TessConversation *conversation);
};

extern const char *const peer_event_names[];
extern const char *const peer_message_states[];
extern const char *const peer_encryptions[];
extern const char *const peer_trusts[];
extern const char *const peer_subscriptions[];
extern const char *const peer_presences[];
extern const char *const peer_connections[];

/* ---- peer.c ---- */

gboolean peer_running (Peer *self, const char *name);
void peer_fail (Peer *self, const char *sentence);
/* @code: a TessEngineError, or -1; @certificate: (nullable): that was refused */
void peer_fail_about (Peer *self, const char *sentence, int code, const TessCertificate *certificate);
void peer_succeed_with (Peer *self, JsonBuilder *json);
JsonBuilder *peer_begin_reply (Peer *self);
void peer_succeed (Peer *self);
void peer_tell (Peer *self, const char *event, JsonBuilder *json);
void peer_start_client (Peer *self);

/* ---- peer-tell.c ---- */

void peer_put_string (JsonBuilder *json, const char *name, const char *value);
void peer_put_int (JsonBuilder *json, const char *name, gint64 value);
void peer_put_boolean (JsonBuilder *json, const char *name, gboolean value);
JsonBuilder *peer_begin (const char *kind, const char *value);
void peer_print (JsonBuilder *json);
void peer_put_certificate (JsonBuilder *json, const TessCertificate *certificate);
void peer_put_security (JsonBuilder *json, const TessSecurityRecord *security);
void peer_put_record (JsonBuilder *json, const TessAccountRecord *record);
void peer_put_trouble (JsonBuilder *json, int code, const TessCertificate *certificate);
const char *peer_account_address (Peer *self, gint64 account_id);
void peer_put_message (Peer *self, JsonBuilder *json, const TessMessageRecord *record);
void peer_tell_message (Peer *self, const TessMessageRecord *record, gboolean update);
void peer_tell_online (Peer *self, TessAccount *account);
void peer_tell_connection (Peer *self, TessAccount *account);
void peer_put_contact (JsonBuilder *json, const char *account, TessContact *contact);
void peer_tell_contact (Peer *self, const TessEvent *event);
void peer_put_device (JsonBuilder *json, const TessDeviceRecord *device);
void peer_tell_devices (Peer *self, const TessEvent *event);
void peer_tell_error (Peer *self, const char *account, const GError *error);
void peer_tell_credentials (Peer *self, const char *account, const TessCredentials *news);

/* ---- peer-keyring.c ---- */

/* (transfer full): perhaps without anything in it */
TessCredentials *peer_get_kept (Peer *self, const char *address);
/* Only what is set in @news; "" takes away. */
void peer_keep (Peer *self, const char *address, const TessCredentials *news);

/* ---- peer-account.c ---- */

#define PEER_LOGIN_USAGE                                                                          \
  "login JID [PASSWORD] [--server HOST:PORT] [--tls direct|starttls] [--ca FILE] "                \
  "[--proxy socks5://[USER[:PASSWORD]@]HOST:PORT|http://…|none] [--certificate FILE "             \
  "[--passphrase P]] [--pin SHA256] [--remember-key] [--keep-key]"

TessAccount *peer_find_account (Peer *self, const char *address);
void peer_connection_changed (Peer *self, gint64 account_id);
void peer_run_login (Peer *self, char **words);
void peer_run_logout (Peer *self, char **words);
void peer_run_csi (Peer *self, char **words);
void peer_run_network (Peer *self, char **words);
void peer_run_accounts (Peer *self, char **words);
void peer_run_security (Peer *self, char **words);
void peer_run_pin (Peer *self, char **words);
void peer_run_relax (Peer *self, char **words);
void peer_run_tell (Peer *self, char **words);
void peer_run_archiving (Peer *self, char **words);

/* ---- peer-network.c ---- */

void peer_run_cut (Peer *self, char **words);

/* ---- peer-chats.c ---- */

TessAccount *peer_current_account (Peer *self);
void peer_run_send (Peer *self, char **words);
void peer_run_encrypt (Peer *self, char **words);
/* From the server's archive, too. */
void peer_run_history (Peer *self, char **words);
void peer_run_gaps    (Peer *self, char **words);
void peer_run_conversations (Peer *self, char **words);
void peer_run_mark (Peer *self, char **words);
void peer_run_clear (Peer *self, char **words);
void peer_run_forget (Peer *self, char **words);
void peer_run_outbox (Peer *self, char **words);
void peer_run_draft (Peer *self, char **words);

/* ---- peer-contacts.c ---- */

/* The answer to the command that runs: it is done, or why not. Nothing when the peer stops. */
void peer_answer_done (Peer *self, gboolean done, const GError *error);
int peer_find_word (const char *const *words, const char *word);
void peer_run_roster (Peer *self, char **words);
void peer_run_add (Peer *self, char **words);
void peer_run_accept (Peer *self, char **words);
void peer_run_refuse (Peer *self, char **words);
void peer_run_remove (Peer *self, char **words);
void peer_run_devices (Peer *self, char **words);
void peer_run_trust (Peer *self, char **words);
void peer_run_verify (Peer *self, char **words);
void peer_run_rename (Peer *self, char **words);
void peer_run_reset (Peer *self, char **words);
void peer_run_reset_keys (Peer *self, char **words);
void peer_run_remove_device (Peer *self, char **words);
void peer_run_blind (Peer *self, char **words);
void peer_run_fingerprint (Peer *self, char **words);
void peer_run_uri (Peer *self, char **words);
void peer_run_scan (Peer *self, char **words);

G_END_DECLS
