/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "views/tess-model.h"

G_BEGIN_DECLS

/**
 * TessNotifier:
 *
 * Notifications of messages, one a conversation. GNotification hands its text to the server as it is, and some servers parse markup
 * (attacks row E8): it finds out whom it speaks to. Of a burst the first is shown at once, the newest of each conversation twice a
 * second. Main thread.
 */
typedef struct _TessNotifier TessNotifier;

TessNotifier *tess_notifier_new      (GApplication *application);
void          tess_notifier_free     (TessNotifier *self);
void          tess_notifier_show     (TessNotifier *self, TessConversation *conversation, TessMessage *message);
void          tess_notifier_withdraw (TessNotifier *self, gint64 conversation_id);

/* What is shown of a message: one line, at most 200 characters, escaped for a server that parses markup. (transfer full) */
char         *tess_notifier_body     (const char *text, gboolean escape);

G_END_DECLS
