/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "records/tess-account-record.h"
#include "records/tess-contact-record.h"
#include "records/tess-credentials.h"
#include "records/tess-conversation-record.h"
#include "records/tess-device-record.h"
#include "records/tess-message-record.h"
#include "records/tess-security-record.h"

G_BEGIN_DECLS

typedef enum
{
  TESS_EVENT_OPENED,            /* the database is open; its accounts, contacts and conversations came before this */
  TESS_EVENT_OPEN_FAILED,       /* `error` of TESS_ENGINE_ERROR_DATABASE_…; nothing else will work until it is mended */
  TESS_EVENT_ACCOUNT,           /* `account`: new or changed */
  TESS_EVENT_ACCOUNT_REMOVED,
  TESS_EVENT_CONNECTION,        /* `connection` of an account */
  TESS_EVENT_CREDENTIALS,       /* `credentials`: a login gave a key or a token to keep for the next one; only those fields are set that
                                   are new, "" for one that is of no use any more */
  TESS_EVENT_CONTACT,           /* `contact`: new or changed, presence included */
  TESS_EVENT_CONTACT_REMOVED,   /* `address` */
  TESS_EVENT_CONVERSATION,      /* `conversation`: new or changed, whole */
  TESS_EVENT_CONVERSATION_REMOVED, /* `address` */
  TESS_EVENT_MESSAGES,          /* `messages` of one conversation, new or changed, in the order of the timeline */
  TESS_EVENT_DEVICES,           /* `devices` of `address`: all of them, the state after the change */
  TESS_EVENT_CHAT_STATE,        /* `address` began or ended typing: `typing` */
  TESS_EVENT_MESSAGES_GONE,     /* deleted up to `until_us`, but for what waits to be sent: of `conversation_id`, 0 for all */
  TESS_EVENT_CATCH_UP,          /* messages that the archive has and we have not: `gaps`, `held`, `done`, `total` */
  TESS_EVENT_PROBLEM,           /* `error`: something a person should know (disk full, own device removed), `account_id` may be 0 */
  TESS_EVENT_STOPPED,           /* the last one */
} TessEventType;

typedef enum
{
  TESS_CONNECTION_OFFLINE,    /* by choice, or a password is needed: `error` says so */
  TESS_CONNECTION_CONNECTING,
  TESS_CONNECTION_WAITING,    /* it will try again at `retry_us` */
  TESS_CONNECTION_ONLINE,
} TessConnectionState;

/* Immutable once posted. Strings owned. */
typedef struct
{
  TessConnectionState state;
  GError             *error;      /* nullable: why it is not online; one sentence, TESS_ENGINE_ERROR */
  gint64              retry_us;   /* WAITING: microseconds since 1970, 0 when it waits for a network */
  char               *tls;        /* ONLINE: "TLSv1.3" */
  char               *sasl;       /* ONLINE: "SCRAM-SHA-256-PLUS" */
  gboolean            resumed;    /* ONLINE: the session goes on (XEP-0198) */
  TessSecurityRecord *security;   /* ONLINE: how it is connected */
} TessConnection;

/**
 * TessEvent:
 * Owned plain data. Only the fields that the type names are set.
 */
typedef struct
{
  TessEventType           type;
  gint64                  account_id;
  char                   *address;
  TessAccountRecord      *account;
  TessContactRecord      *contact;
  TessConversationRecord *conversation;
  TessConnection         *connection;
  TessCredentials        *credentials;
  GPtrArray              *messages; /* (element-type TessMessageRecord) */
  gint64                  conversation_id; /* of `messages` */
  gint64                  until_us; /* MESSAGES_GONE: this time included */
  gboolean                live;     /* MESSAGES: arrived just now, so that a notification is due (not history, not own) */
  GPtrArray              *devices;  /* (element-type TessDeviceRecord) */
  gboolean                typing;
  guint                   gaps;  /* CATCH_UP: so many stretches are missing; 0: all is there */
  gboolean                held;  /* …and the person stopped their being fetched */
  gint64                  done;  /* messages that have come out of them */
  gint64                  total; /* …of so many; -1 when the archive does not say */
  GError                 *error;
} TessEvent;

TessEvent *tess_event_new  (TessEventType type, gint64 account_id);
void       tess_event_free (TessEvent *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessEvent, tess_event_free)

TessConnection *tess_connection_new  (TessConnectionState state);
TessConnection *tess_connection_copy (const TessConnection *self);
void            tess_connection_free (TessConnection *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessConnection, tess_connection_free)

G_END_DECLS
