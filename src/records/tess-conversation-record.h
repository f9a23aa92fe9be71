/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "records/tess-message-record.h"

#include <glib.h>

G_BEGIN_DECLS

/* What the person decided of encryption in this conversation. Kept in the database. */
typedef enum
{
  TESS_CONVERSATION_AUTOMATIC, /* nothing: it turns ON by itself when the other side has a device, never off */
  TESS_CONVERSATION_ENCRYPTED,
  TESS_CONVERSATION_PLAIN,     /* the person turned it off */
} TessConversationEncryption;

/* Blind trust before verification for one contact. Kept in the database. */
typedef enum
{
  TESS_BLIND_DEFAULT, /* as for the account */
  TESS_BLIND_ON,
  TESS_BLIND_OFF,
} TessBlind;

/* The sign of UI.md, from worst to best where devices are concerned. */
typedef enum
{
  TESS_SECURITY_PLAIN,      /* not encrypted */
  TESS_SECURITY_CHECKING,   /* encrypted, the devices are not known yet */
  TESS_SECURITY_NO_DEVICES, /* encryption is on, but the other side has no device */
  TESS_SECURITY_ALARM,      /* a key changed */
  TESS_SECURITY_UNDECIDED,  /* a device waits for a decision */
  TESS_SECURITY_ENCRYPTED,  /* at least one device is trusted blindly */
  TESS_SECURITY_VERIFIED,   /* every device that can read it is verified */
} TessSecurity;

/**
 * TessConversationRecord:
 * @id: the row in the database
 * @peer: the other side's bare address
 * @unread: incoming messages after the one that was read last
 * @draft: (nullable): what was typed and not sent
 * @last: (nullable): the newest message, for the list
 * @place_time_us: with @place_id: the message at the top of the window when the person looked last; 0 for the end
 * @place_offset: so many pixels below the top of the window
 * @history_done: the archive has nothing that is older than the oldest message that is stored
 * @blind: what was chosen for new devices of the other side
 * @security: computed by the engine, not stored
 * @left_out: devices of the other side that get nothing because they have no usable keys; computed as @security is
 */
typedef struct
{
  gint64                     id;
  gint64                     account_id;
  char                      *peer;
  TessConversationEncryption encryption;
  guint                      unread;
  char                      *draft;
  TessMessageRecord         *last;
  gint64                     place_time_us;
  gint64                     place_id;
  int                        place_offset;
  gboolean                   history_done;
  TessBlind                  blind;
  TessSecurity               security;
  guint                      left_out;
} TessConversationRecord;

TessConversationRecord *tess_conversation_record_new  (gint64 account_id, const char *peer);
TessConversationRecord *tess_conversation_record_copy (const TessConversationRecord *self);
void                    tess_conversation_record_free (TessConversationRecord *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessConversationRecord, tess_conversation_record_free)

G_END_DECLS
