/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "records/tess-device-record.h"

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  TESS_MESSAGE_IN,
  TESS_MESSAGE_OUT,
} TessMessageDirection;

/* The way of an own message. Kept in the database; never goes back except from FAILED. */
typedef enum
{
  TESS_MESSAGE_RECEIVED,  /* one from somebody else */
  TESS_MESSAGE_WAITING,   /* not with the server yet */
  TESS_MESSAGE_SENT,      /* the server has it */
  TESS_MESSAGE_DELIVERED, /* a device of theirs has it (XEP-0184) */
  TESS_MESSAGE_READ,      /* they have seen it (XEP-0333) */
  TESS_MESSAGE_FAILED,    /* see `error` */
} TessMessageState;

typedef enum
{
  TESS_ENCRYPTION_NONE,
  TESS_ENCRYPTION_OMEMO,
  TESS_ENCRYPTION_UNREADABLE, /* OMEMO that could not be decrypted: a placeholder, `text` is NULL */
} TessEncryption;

/**
 * TessMessageRecord:
 * @id: the row in the database, 0 before it is stored; unique over all accounts
 * @peer: the bare address of the other side of the conversation
 * @from: who said it, bare
 * @stanza_id: the attribute `id` (= origin-id of what we sent)
 * @archive_id: (nullable): XEP-0359, given by the own account's archive only
 * @text: (nullable): plain text, never markup
 * @time_us: when it was said, microseconds since 1970
 * @device: (for OMEMO) the sending device, 0 when it is not known
 * @trust: (for OMEMO) incoming: of that device at the time when the record is read; own: the worst among the devices that can
 *   read it, as it was when it was encrypted
 * @error: (nullable): a sentence for a person
 *
 * One message. The order of a timeline is (time_us, id).
 */
typedef struct
{
  gint64               id;
  gint64               account_id;
  gint64               conversation_id;
  char                *peer;
  char                *from;
  TessMessageDirection direction;
  TessMessageState     state;
  TessEncryption       encryption;
  char                *stanza_id;
  char                *archive_id;
  char                *text;
  gint64               time_us;
  guint32              device;
  TessTrust            trust;
  gboolean             receipt_wanted; /* an incoming one asked to be told of (XEP-0184, XEP-0333) */
  char                *error;
} TessMessageRecord;

TessMessageRecord *tess_message_record_new  (void);
TessMessageRecord *tess_message_record_copy (const TessMessageRecord *self);
void               tess_message_record_free (TessMessageRecord *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessMessageRecord, tess_message_record_free)

G_END_DECLS
