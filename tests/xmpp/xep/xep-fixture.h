/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "xmpp/tess-router.h"

/* alice@a.test/here on a router whose stream is an array. */
typedef struct
{
  TessJid    *account;
  TessRouter *router;
  GPtrArray  *sent; /* (element-type TessNode) */
} XepFixture;

void xep_set_up    (XepFixture *self, gconstpointer data);
void xep_tear_down (XepFixture *self, gconstpointer data);

#define xep_test_add(path, function) \
  g_test_add ((path), XepFixture, NULL, xep_set_up, (function), xep_tear_down)

/* One element in jabber:client; fails the test when it is not well-formed. */
TessNode *xep_parse (const char *xml);

/* Hands a stanza to the router. */
void xep_feed (XepFixture *self, const char *xml);
void xep_feed_printf (XepFixture *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

const TessNode *xep_last_sent (XepFixture *self);

/* Compares the last stanza that was sent, without its id, and counts how many there were. */
void xep_assert_sent (XepFixture *self, guint n_sent, const char *xml);

/* Answers a stanza that was sent: @from NULL is the server for the account. */
void xep_answer (XepFixture *self, const TessNode *request, const char *from, const char *payload);
void
xep_answer_error (XepFixture *self, const TessNode *request, const char *from, const char *error);

/* Whether the last stanza is the answer to that id, of that type. */
void xep_assert_answered (XepFixture *self, const char *id, const char *type);
