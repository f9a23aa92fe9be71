/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "base/tess-thread.h"
#include "store/tess-store-omemo.h"
#include "store/tess-store-private.h"

typedef struct
{
  char *folder; /* removed at the end */
  char *path;
  TessStore *store;
  gint64 account_id;
  gint64 conversation_id;
} Fixture;

/* An open store with the account alice@example.org and a conversation with bob@example.org. */
void fixture_set_up (Fixture *fixture, gconstpointer data);
/* The same folder without a file. */
void fixture_set_up_empty (Fixture *fixture, gconstpointer data);
void fixture_tear_down (Fixture *fixture, gconstpointer data);
void fixture_reopen (Fixture *fixture);

#define FIXTURE_TEST(path, function) \
  g_test_add (path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
#define FIXTURE_TEST_EMPTY(path, function) \
  g_test_add (path, Fixture, NULL, fixture_set_up_empty, function, fixture_tear_down)

gint64 add_account (TessStore *store, const char *address);
gint64 add_conversation (TessStore *store, gint64 account_id, const char *peer);
TessMessageRecord *
message_new (gint64 conversation_id, TessMessageDirection direction, gint64 time_us);
/* Adds one and returns its id. */
gint64 add_message (TessStore *store,
                    gint64 conversation_id,
                    TessMessageDirection direction,
                    gint64 time_us);
/* Marks as read up to there, and returns what is left. */
guint mark_read (Fixture *fixture, gint64 time_us, gint64 message_id);
gint64 number (TessStore *store, const char *sql);
