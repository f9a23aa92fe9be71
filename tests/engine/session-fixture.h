/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "session-client.h"

G_BEGIN_DECLS

/* A real engine with the account alice@a.test, whose roster has bob@b.test, against a scripted server. */
typedef struct
{
  Client        *client;
  SessionServer *server;
  gint64         alice;
} Fixture;

void fixture_set_up    (Fixture *self, gconstpointer data);
void fixture_tear_down (Fixture *self, gconstpointer data);
void fixture_go_online (Fixture *self);
/* Sends, waits until the client has looked at it and told of it. */
void fixture_say       (Fixture *self, const char *xml);

G_END_DECLS
