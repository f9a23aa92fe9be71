/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Private to engine/: what crosses the thread boundary. */

#include "engine/tess-engine.h"

G_BEGIN_DECLS

/* Behind each: the fields of TessRequest that it uses => the fields of TessReply that answer it. Without an arrow nobody waits
 * (`id` is 0 and a reply would be dropped). */
typedef enum
{
  TESS_REQUEST_SET_ASIDE,          /* => string */
  TESS_REQUEST_ADD_ACCOUNT,        /* account, credentials => account */
  TESS_REQUEST_UPDATE_ACCOUNT,     /* account => */
  TESS_REQUEST_REMOVE_ACCOUNT,     /* account_id => */
  TESS_REQUEST_CONNECT,            /* account_id, credentials (nullable) */
  TESS_REQUEST_DISCONNECT,         /* account_id */
  TESS_REQUEST_NETWORK_CHANGED,    /* flag: available */
  TESS_REQUEST_SET_IN_USE,         /* flag: in use */
  TESS_REQUEST_READ_CERTIFICATE,   /* bytes, secret: the passphrase (nullable) => credentials, certificate */
  TESS_REQUEST_OPEN_CONVERSATION,  /* account_id, address => conversation */
  TESS_REQUEST_CLOSE_CONVERSATION, /* conversation_id */
  TESS_REQUEST_SET_ENCRYPTION,     /* conversation_id, number: TessConversationEncryption */
  TESS_REQUEST_SET_DRAFT,          /* conversation_id, text (nullable) */
  TESS_REQUEST_MARK_READ,          /* conversation_id, time_us, message_id */
  TESS_REQUEST_SET_TYPING,         /* conversation_id, flag: typing */
  TESS_REQUEST_SEND,               /* conversation_id, text => message */
  TESS_REQUEST_RETRY,              /* message_id */
  TESS_REQUEST_LOAD_PAGE,          /* conversation_id, number: TessPageKind, time_us, message_id, limit, flag: from the archive, too
                                      => array of TessMessageRecord, ends */
  TESS_REQUEST_SET_PLACE,          /* conversation_id, time_us, message_id, number: offset */
  TESS_REQUEST_HOLD_CATCH_UP,      /* account_id, flag: held */
  TESS_REQUEST_CHANGE_CONTACT,     /* account_id, address, number: TessContactAction, text: the name (nullable) => */
  TESS_REQUEST_LOAD_DEVICES,       /* account_id, address => array of TessDeviceRecord */
  TESS_REQUEST_SET_TRUST,          /* account_id, address, device, number: TessTrust => */
  TESS_REQUEST_RESTORE_TRUST,      /* account_id, address, devices => */
  TESS_REQUEST_LOAD_URI,           /* account_id => string */
  TESS_REQUEST_VERIFY,             /* account_id, address, text: the code, number: TessVerify => verification */
  TESS_REQUEST_CHANGE_DEVICE,      /* account_id, address, device, number: TessDeviceAction, text: the label (nullable) => */
  TESS_REQUEST_RESET_KEYS,         /* account_id => */
  TESS_REQUEST_SET_BLIND,          /* conversation_id, number: TessBlind */
  TESS_REQUEST_LOAD_ARCHIVING,     /* account_id => number: TessArchiving */
  TESS_REQUEST_SET_ARCHIVING,      /* account_id, number: TessArchiving => */
  TESS_REQUEST_CLEAR_HISTORY,      /* conversation_id */
  TESS_REQUEST_SET_HISTORY_DAYS,   /* limit: days, 0 for ever */

  /* These the engine thread handles itself; they never reach tess_worker_handle(). */
  TESS_REQUEST_CANCEL,             /* id: of the request to cancel */
  TESS_REQUEST_QUIT,
} TessRequestType;

/**
 * TessRequest:
 * @id: of the reply, 0 when nobody waits for one
 *
 * What the main thread asks. Owned plain data; only the fields that the type names are set. The address is as the person
 * wrote it: not prepared, not checked.
 */
typedef struct
{
  TessRequestType    type;
  guint64            id;
  TessAccountRecord *account;
  TessCredentials   *credentials;
  gint64             account_id;
  gint64             conversation_id;
  gint64             message_id;
  gint64             time_us;
  char              *address;
  char              *text;
  char              *secret; /* wiped when it is freed */
  GBytes            *bytes;
  GPtrArray         *devices; /* of TessDeviceRecord, with a free function */
  guint32            device;
  int                number;
  guint              limit;
  gboolean           flag;
} TessRequest;

TessRequest *tess_request_new  (TessRequestType type);
void         tess_request_free (TessRequest *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessRequest, tess_request_free)

/**
 * TessReply:
 * @id: of the request
 * @error: (nullable): TESS_ENGINE_ERROR or G_IO_ERROR_CANCELLED; nothing else counts then
 * @array: (nullable): with a free function for its elements
 *
 * The answer to one request. Owned plain data.
 */
typedef struct
{
  guint64                 id;
  GError                 *error;
  TessAccountRecord      *account;
  TessConversationRecord *conversation;
  TessMessageRecord      *message;
  GPtrArray              *array;
  TessPageEnds            ends;
  char                   *string;
  int                     number;
  TessVerificationRecord *verification;
  TessCredentials        *credentials;
  TessCertificate        *certificate;
} TessReply;

TessReply *tess_reply_new       (guint64 id);
/* @error: (transfer full) */
TessReply *tess_reply_new_error (guint64 id, GError *error);
void       tess_reply_free      (TessReply *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessReply, tess_reply_free)

G_END_DECLS
