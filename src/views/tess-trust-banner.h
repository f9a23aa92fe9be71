/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessTrustBanner:
 *
 * Stands above the composer when something has to be decided before messages can reach everybody they are meant for: a device that waits
 * for trust, a key that changed, or nobody who could read. Says it in a sentence, and offers what can be done. Otherwise it is not there.
 *
 * Emits "left" when it goes while the keyboard focus is in it. Uses the actions `chat.devices` and `chat.encrypt-off` of the chat around it.
 */
#define TESS_TYPE_TRUST_BANNER (tess_trust_banner_get_type ())
G_DECLARE_FINAL_TYPE (TessTrustBanner, tess_trust_banner, TESS, TRUST_BANNER, GtkWidget)

/* @conversation: (nullable) */
void tess_trust_banner_set_conversation (TessTrustBanner *self, TessConversation *conversation);

G_END_DECLS
