/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "session-client.h"

G_BEGIN_DECLS

/**
 * Pair:
 *
 * Two real engines, each at a server of its own; what one sends is carried to the other as the test wants it. Alice is the one that is
 * looked at; Bob writes encrypted.
 */
typedef struct
{
  Client        *alice;
  Client        *bob;
  SessionServer *alices;
  SessionServer *bobs;
  gint64         alice_id;
  gint64         bob_id;
  gint64         to_alice; /* Bob's conversation */
} Pair;

void pair_set_up    (Pair *self);
void pair_tear_down (Pair *self);

/* (transfer full): the <encrypted/> that Bob's engine makes of @text, and what stands behind it. */
char *pair_encrypt  (Pair *self, const char *text);

G_END_DECLS
