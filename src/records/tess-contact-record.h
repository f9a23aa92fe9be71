/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* RFC 6121 section 2.1.2.5. Kept in the database. */
typedef enum
{
  TESS_SUBSCRIPTION_NONE,
  TESS_SUBSCRIPTION_TO,
  TESS_SUBSCRIPTION_FROM,
  TESS_SUBSCRIPTION_BOTH,
} TessSubscription;

/* From least to most available; never kept in the database. */
typedef enum
{
  TESS_PRESENCE_OFFLINE,
  TESS_PRESENCE_XA,
  TESS_PRESENCE_DND,
  TESS_PRESENCE_AWAY,
  TESS_PRESENCE_ONLINE,
  TESS_PRESENCE_CHAT,
} TessPresence;

/**
 * TessContactRecord:
 * @account_id: whose contact
 * @address: bare, prepared
 * @name: (nullable): from the roster
 * @in_roster: whether it stands in the roster (one that only asks does not)
 * @asked: we have asked to see their presence (`ask='subscribe'`)
 * @asks: they ask to see ours and wait for an answer
 * @presence: the best of their resources
 * @status: (nullable): its text
 */
typedef struct
{
  gint64           account_id;
  char            *address;
  char            *name;
  TessSubscription subscription;
  gboolean         in_roster;
  gboolean         asked;
  gboolean         asks;
  TessPresence     presence;
  char            *status;
} TessContactRecord;

TessContactRecord *tess_contact_record_new  (gint64 account_id, const char *address);
TessContactRecord *tess_contact_record_copy (const TessContactRecord *self);
void               tess_contact_record_free (TessContactRecord *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TessContactRecord, tess_contact_record_free)

G_END_DECLS
