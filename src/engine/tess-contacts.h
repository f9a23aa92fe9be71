/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-session.h"
#include "records/tess-contact-record.h"

G_BEGIN_DECLS

/**
 * TessContacts:
 *
 * The roster of one account, who asks, and who is there (RFC 6121 sections 2 to 4). Engine thread.
 */

/* Loads what is stored. Returns: (nullable). */
TessContacts *tess_contacts_new  (TessSession *session, GError **error);
void          tess_contacts_free (TessContacts *self);

/* A new session is bound: asks for the roster; everybody is offline until they say otherwise. */
void tess_contacts_online  (TessContacts *self);
void tess_contacts_resumed (TessContacts *self);
/* The session is lost: nobody's presence is known. */
void tess_contacts_offline (TessContacts *self);

/* In a transaction: what has changed of who is there is stored beside the session, for a process that resumes it. */
gboolean tess_contacts_keep    (TessContacts *self, GError **error);
/* …which is then told no more of it. */
void     tess_contacts_inherit (TessContacts *self);

/* (transfer none) (nullable) */
const TessContactRecord *tess_contacts_find (TessContacts *self, const char *address);
/* (transfer full) (element-type utf8): of those in the roster. */
GPtrArray *tess_contacts_list_addresses (TessContacts *self);
/* Tells the model of all: at the start. */
void tess_contacts_announce (TessContacts *self);

/* Puts what has changed into the events now; it goes there by itself soon. */
void tess_contacts_flush    (TessContacts *self);

typedef void (*TessContactsDoneFunc) (const GError *error, gpointer user_data);

/* See TessContactAction. @done is called once, with TESS_ENGINE_ERROR on failure. */
void tess_contacts_change (TessContacts *self, TessJid *jid, int action, const char *name, TessContactsDoneFunc done,
                           gpointer user_data);

G_END_DECLS
