/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "engine/tess-engine.h"

G_BEGIN_DECLS

/* An engine without thread, network and database, below the real model: it knows a small world by heart and answers from it. */
typedef enum
{
  FAKE_WORLD_EMPTY,  /* no account */
  FAKE_WORLD_FULL,   /* an account, contacts, conversations, messages of every kind */
  FAKE_WORLD_LONG,   /* one conversation of 1,000 messages */
  FAKE_WORLD_BROKEN, /* the database cannot be opened */
} FakeWorld;

void fake_engine_set_world (FakeWorld world);
/* The only engine of the process. (transfer none) (nullable) */
TessEngine *fake_engine_get (void);
/* A message comes in. */
void fake_engine_receive (TessEngine *self, gint64 conversation_id, const char *text);
/* The account's connection becomes so. @code: a TessEngineError or -1 */
void fake_engine_set_connection (TessEngine *self, TessConnectionState state, int code, const char *sentence);
void fake_engine_set_security (TessEngine *self, gint64 conversation_id, TessSecurity security);

/* A certificate. (transfer full) */
TessCertificate *fake_certificate_new (const char *subject, const char *fingerprint, TessCertificateFaults faults);
/* What errors about a certificate are about from now on. @certificate: (transfer full) (nullable) */
void fake_engine_set_refused (TessEngine *self, TessCertificate *certificate);
/* Online, with all that is known of a connection. */
void fake_engine_set_online (TessEngine *self, TessAdvice advice);
/* With what adding an account was tried last. (transfer none) (nullable) */
const TessAccountRecord *fake_engine_get_setup (TessEngine *self);
/* What is stored of the account; may be changed before an event tells of it. (transfer none) */
TessAccountRecord *fake_engine_get_account (TessEngine *self);
/* Messages of the archive are missing. */
void fake_engine_set_missing (TessEngine *self, guint gaps, gint64 done, gint64 total);
guint fake_engine_get_n_connects (TessEngine *self);
/* What the account's server keeps. @sentence: (nullable): why it cannot be asked */
void          fake_engine_set_archiving (TessEngine *self, TessArchiving archiving, const char *sentence);
TessArchiving fake_engine_get_archiving (TessEngine *self);
/* What tess_engine_set_history_days () was told last. */
guint         fake_engine_get_history_days (TessEngine *self);

#define FAKE_FINGERPRINT "3f9a51c07d2be4468190aa5cf7e3026bd41c98ef5520b7a36de8140972cb5fd1"
#define FAKE_OTHER_FINGERPRINT "b0c4d8f2611e93a75f08cd42ea7b196634d5f0e18927ac5b7e1302c64fd998ba"

#define FAKE_URI                                                                                                                   \
  "xmpp:alice@example.org?omemo-sid-1234567=1f2e3d4c5b6a79880011223344556677aabbccddeeff00119988776655443322;"                     \
  "omemo-sid-7654321=00ffeeddccbbaa998877665544332211f0e1d2c3b4a5968778695a4b3c2d1e0f"

G_END_DECLS
