/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-engine.h"
#include "engine/tess-session.h"
#include "omemo/tess-omemo-verify.h"

G_BEGIN_DECLS

/* What the engine says of devices. Engine thread. */

/* All known devices of @address. Returns: (transfer full) (nullable) (element-type TessDeviceRecord). */
GPtrArray *tess_trust_list_devices (TessSession *session, TessJid *jid, GError **error);

/* Tells the model of the devices of @jid, and the conversation with @jid of its sign. */
void tess_trust_announce (TessSession *session, TessJid *jid);

/* Fills in what is computed of a conversation: its sign, and how many devices are left out. */
void tess_trust_look_at (TessSession *session, TessConversationRecord *conversation);

/* The sign of a conversation (UI.md, "The lock"). */
TessSecurity tess_trust_get_security (TessSession *session, const TessConversationRecord *conversation);

/**
 * tess_trust_look:
 * @alarm: (out): whether another key was offered under the id of a device of @peer, and nobody has looked yet (attacks row D2)
 * @verified: (out): whether every device that can read what is sent to @peer is verified, one's own others included
 *
 * All that has to be known before something is encrypted.
 *
 * Returns: %FALSE when the devices cannot be read: then nothing may be sent
 */
gboolean tess_trust_look (TessSession *session, TessJid *peer, gboolean *alarm, gboolean *verified);

/* The verification URI of the account. (transfer full) (nullable) */
char *tess_trust_get_uri (TessSession *session, GError **error);

/* What @code says, and unless it is only looked at what it does. (transfer full) (nullable) */
TessVerificationRecord *tess_trust_verify (TessSession *session, const TessOmemoUri *code, TessVerify how, GError **error);

G_END_DECLS
